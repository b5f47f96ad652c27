//! The console in a real browser: headless Chromium, driven through chromedriver.

mod calendar;
pub mod driver;
mod leading;
mod pages;
mod story;
