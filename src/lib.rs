//! firebell: one self-hosted process between monitoring and people.
//!
//! The house, from the foundation up; a room may only use those before it, and a test reads the
//! `use` lines:
//!
//! 1. [`core`]: the incident and everything that is decided; pure.
//! 2. [`config`]: files to settings and directory.
//! 3. [`store`]: the only SQL.
//! 4. [`metrics`]: what is counted.
//! 5. [`chat`]: the port of chat platforms; cards, sentences, the command grammar.
//! 6. [`notify`] and [`run`]: ways to wake a person and to carry out an action.
//! 7. [`engine`]: decides in batches, owns time, delivers.
//! 8. [`ingest`] and [`dispatch`]: wire formats to alerts; commands and presses to the engine.
//! 9. [`hear`]: what people do on chat platforms, kept, worked off and answered.
//! 10. [`platform`]: one adapter per chat platform.
//! 11. [`http`]: the doors.
//! 12. [`cli`]: the front porch.
//!
//! `ARCHITECTURE.md` walks through it.

pub mod chat;
pub mod cli;
pub mod config;
pub mod core;
pub mod dispatch;
pub mod engine;
pub mod hear;
pub mod http;
pub mod ingest;
pub mod metrics;
pub mod notify;
pub mod platform;
pub mod run;
pub mod store;
