//! firebell: one self-hosted process between monitoring and people.
//!
//! The house, from the foundation up; a room may only use those before it, and a test reads the
//! `use` lines:
//!
//! 1. [`core`]: the incident and everything that is decided; pure.
//! 2. [`calendar`]: iCalendar, in and out.
//! 3. [`config`]: files to settings and directory.
//! 4. [`store`]: the only SQL.
//! 5. [`metrics`]: what is counted.
//! 6. [`chat`]: the port of chat platforms; cards, sentences, the command grammar.
//! 7. [`notify`], [`run`] and [`page`]: ways to wake a person, to carry out an action, and the status page as bytes.
//! 8. [`engine`]: decides in batches, owns time, delivers.
//! 9. [`ingest`] and [`dispatch`]: wire formats to alerts; commands and presses to the engine.
//! 10. [`hear`]: what people do on chat platforms, kept, worked off and answered.
//! 11. [`platform`]: one adapter per chat platform.
//! 12. [`http`]: the doors.
//! 13. [`cli`]: the front porch.
//!
//! `ARCHITECTURE.md` walks through it.

pub mod calendar;
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
pub mod page;
pub mod platform;
pub mod run;
pub mod share;
pub mod store;
