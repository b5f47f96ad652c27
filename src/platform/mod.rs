//! Chat platforms: one file or folder each, implementing the port of [`crate::chat`].

pub mod console;
pub mod discord;
mod fetch;
mod gate;
pub mod outage;
pub mod slack;
pub mod watch;
mod way;
