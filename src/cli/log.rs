//! Structured logs on stderr, as text or JSON.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging for the rest of the process. A filter that cannot be read falls back to `info`
/// and says so; `firebell check` has named the fault before.
pub fn start(format: &str, filter: &str) {
    let (filter, fault) = match EnvFilter::try_new(filter) {
        Ok(filter) => (filter, None),
        Err(e) => (EnvFilter::new("info"), Some(e)),
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = match format {
        "json" => log.json().flatten_event(true).try_init(),
        _ => log.with_target(false).try_init(),
    };
    if let Err(e) = started {
        // Only a second start in one process (tests) ends here; the first one goes on logging.
        tracing::debug!("logging was already started: {e}");
    }
    if let Some(e) = fault {
        tracing::warn!("the log filter cannot be read and is taken as `info`: {e}");
    }
}
