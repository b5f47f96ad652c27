//! The front doors: API, ingest, console, health. Foreign shapes stop here.

pub mod alertmanager;
pub mod console;
pub mod hooks;

use crate::config::Settings;
use crate::engine::Engine;
use crate::metrics::Metrics;
use std::sync::Arc;

/// What every handler may use. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// Decisions, reads and changes.
    pub engine: Engine,
    /// `firebell.toml`.
    pub settings: Arc<Settings>,
    /// Counters of this process; the same the engine records into.
    pub metrics: Arc<Metrics>,
}
