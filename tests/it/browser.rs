//! The console in a real browser: headless Chromium, driven through chromedriver.

mod calendar;
pub mod driver;
mod pages;
mod story;
