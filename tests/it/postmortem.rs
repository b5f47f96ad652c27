//! The postmortem after the incident: what people write, where it goes, what is found again.

mod exports;
pub mod forges;
mod formats;
mod places;
mod repository;
mod summary;
mod tasks;
mod writing;
