//! firebell: one self-hosted process between monitoring and people.
//!
//! The house, from the foundation up; a module may only use the ones above it in this list.

pub mod chat;
pub mod cli;
pub mod config;
pub mod core;
pub mod engine;
pub mod http;
pub mod ingest;
pub mod metrics;
pub mod notify;
pub mod run;
pub mod store;
