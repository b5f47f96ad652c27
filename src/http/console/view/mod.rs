//! The drawings: pure functions from what was loaded to markup. No I/O, no clock; everything a page
//! shows comes in as a parameter, and every word is escaped by the macro.

pub(super) mod actions;
pub(super) mod analytics;
pub(super) mod audit;
pub(super) mod automation;
pub(super) mod calendar;
pub(super) mod card;
pub(super) mod changes;
pub(super) mod conduct;
pub(super) mod fairness;
pub(super) mod forms;
pub(super) mod frame;
pub(super) mod hands;
pub(super) mod incident;
pub(super) mod lists;
pub(super) mod me;
pub(super) mod oncall;
pub(super) mod overview;
pub(super) mod parts;
pub(super) mod people;
pub(super) mod person;
pub(super) mod postmortem;
pub(super) mod preview;
pub(super) mod room;
pub(super) mod run;
pub(super) mod scale;
pub(super) mod shape;
pub(super) mod silences;
pub(super) mod status;
pub(super) mod steps;
pub(super) mod summary;
pub(super) mod talk;

use super::viewer::Viewer;
use crate::core::directory::Directory;
use crate::core::time::Time;

/// What nearly every drawing needs.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    /// Who is looking.
    pub(super) viewer: &'a Viewer,
    /// The configuration in force.
    pub(super) directory: &'a Directory,
    /// The instant of the drawing.
    pub(super) now: Time,
}
