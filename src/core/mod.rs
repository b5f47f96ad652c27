//! The foundation: pure, synchronous, deterministic.
//!
//! No I/O, no clock, no randomness of its own, no async. May use serde, `serde_json`,
//! chrono, cron, diffy, pulldown-cmark, regex, secrecy and sha2, and nothing else; a test reads the `use` lines.

pub mod action;
pub mod alert;
pub mod analytics;
pub mod audit;
pub mod automation;
pub mod board;
pub mod brakes;
pub mod change;
pub mod digest;
pub mod directory;
pub mod duty;
pub mod explain;
pub mod fairness;
pub mod few;
pub mod forecast;
pub mod hours;
pub mod id;
pub mod incident;
pub mod learn;
pub mod matcher;
pub mod postmortem;
pub mod rehearse;
pub mod related;
pub mod role;
pub mod rooms;
pub mod route;
pub mod schedule;
pub mod sight;
pub mod silence;
pub mod stats;
pub mod subscribe;
pub mod summary;
pub mod text;
pub mod time;
pub mod timeline;
pub mod verdict;
pub mod vigil;
