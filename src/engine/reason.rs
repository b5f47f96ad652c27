//! Why something was decided, in the two words it is counted under.

use crate::core::incident::{Event, Origin};

/// A decision and its reason, as they are counted.
pub(super) fn reason(event: &Event) -> Option<(&'static str, &'static str)> {
    Some(match event {
        Event::Opened {
            origin: Origin::Alert { .. },
            ..
        } => ("open", "alert"),
        Event::Opened { .. } => ("open", "declared"),
        Event::Fired { .. } => ("group", "joined an open incident"),
        Event::Paged { rung: Some(_), .. } => ("page", "ladder"),
        Event::Paged { rung: None, .. } => ("page", "asked for"),
        Event::Chased { digest: true, .. } => ("page", "waited for the morning"),
        Event::Chased { .. } => ("page", "a person's next step"),
        Event::Reminded { .. } => ("page", "reminder"),
        Event::RungSkipped { .. } => ("page", "nobody reachable on the rung"),
        Event::CatchAll { people, .. } if people.is_empty() => ("page", "nobody at all"),
        Event::CatchAll { .. } => ("page", "catch-all"),
        Event::PageFailed { .. } => ("page", "not delivered"),
        Event::Retriggered { .. } => ("page", "triggered again"),
        Event::Muted { .. } => ("quiet", "silenced incident"),
        Event::Unmuted { .. } => ("page", "no longer silenced"),
        Event::Unacknowledged { .. } => ("page", "given back"),
        Event::Reopened { .. } => ("page", "reopened"),
        Event::Reassigned { .. } => ("page", "given to somebody"),
        Event::Merged { .. } => ("group", "merged"),
        Event::Promoted { .. } => ("room", "major"),
        Event::RunReleased { .. } => ("run", "released"),
        Event::RunQueued { .. } => ("run", "waits for a key"),
        Event::RunArmed { .. } => ("run", "starts by itself"),
        Event::AutoStopped { .. } => ("run", "turned off after failures"),
        Event::RunExpired { .. } => ("run", "expired"),
        Event::RunRejected { .. } => ("run", "rejected"),
        Event::RunEnded { outcome, .. } => ("run", outcome.word()),
        _ => return None,
    })
}
