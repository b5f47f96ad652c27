//! The console in a real browser: headless Chromium, driven through chromedriver.

mod driver;
mod pages;
mod story;
