//! The console in a real browser: headless Chromium, driven through chromedriver.

mod calendar;
pub mod driver;
mod gallery;
mod leading;
mod pages;
mod runs;
mod story;
mod telling;
