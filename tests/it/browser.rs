//! The console in a real browser: headless Chromium, driven through chromedriver.

mod calendar;
mod driver;
mod pages;
mod story;
