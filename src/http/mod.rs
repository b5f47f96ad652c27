//! The front doors: API, ingest, console, health. Foreign shapes stop here.

use crate::config::Settings;
use crate::engine::Engine;
use std::sync::Arc;

/// What every handler may use. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// Decisions, reads and changes.
    pub engine: Engine,
    /// `firebell.toml`.
    pub settings: Arc<Settings>,
}
