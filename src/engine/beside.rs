//! What goes on beside the desk, each a task that looks now and then.

use super::{Engine, board, bulletins, covers, feeds, hints, learn, postmortems, spawn, vigil};

/// Starts all of it.
pub(super) fn start(engine: &Engine) {
    spawn(covers::mind(engine.clone()));
    spawn(vigil::keep(engine.clone()));
    spawn(learn::keep(engine.clone()));
    spawn(hints::keep(engine.clone()));
    spawn(postmortems::keep(engine.clone()));
    spawn(feeds::keep(engine.clone()));
    spawn(board::keep(engine.clone()));
    spawn(bulletins::keep(engine.clone()));
}
