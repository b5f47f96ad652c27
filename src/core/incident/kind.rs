//! What each event is called in the journal.

use super::event::Event;

impl Event {
    /// The variant's name as stored: `opened`, `run_ended`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Opened { .. } => "opened",
            Event::Fired { .. } => "fired",
            Event::Cleared { .. } => "cleared",
            Event::Paged { .. } => "paged",
            Event::Chased { .. } => "chased",
            Event::RungSkipped { .. } => "rung_skipped",
            Event::CatchAll { .. } => "catch_all",
            Event::PageDelivered { .. } => "page_delivered",
            Event::PageFailed { .. } => "page_failed",
            Event::AckCounted { .. } => "ack_counted",
            Event::Reminded { .. } => "reminded",
            Event::PolicyEdited { .. } => "policy_edited",
            Event::LadderChanged { .. } => "ladder_changed",
            Event::Acknowledged { .. } => "acknowledged",
            Event::Snoozed { .. } => "snoozed",
            Event::Retriggered { .. } => "retriggered",
            Event::Muted { .. } => "muted",
            Event::Unmuted { .. } => "unmuted",
            Event::Unacknowledged { .. } => "unacknowledged",
            Event::Reopened { .. } => "reopened",
            Event::Reassigned { .. } => "reassigned",
            Event::Merged { .. } => "merged",
            Event::Absorbed { .. } => "absorbed",
            Event::Resolved { .. } => "resolved",
            Event::SeverityChanged { .. } => "severity_changed",
            Event::Promoted { .. } => "promoted",
            Event::LeadChanged { .. } => "lead_changed",
            Event::Noted { .. } => "noted",
            Event::Spoke { .. } => "spoke",
            Event::Reworded { .. } => "reworded",
            Event::Unsaid { .. } => "unsaid",
            Event::Joined { .. } => "joined",
            Event::Left { .. } => "left",
            Event::PlaceFailed { .. } => "place_failed",
            Event::RoomOpened { .. } => "room_opened",
            Event::RoomFailed { .. } => "room_failed",
            Event::RunAsked { .. } => "run_asked",
            Event::RunRehearsed { .. } => "run_rehearsed",
            Event::RunApproved { .. } => "run_approved",
            Event::RunRejected { .. } => "run_rejected",
            Event::RunExpired { .. } => "run_expired",
            Event::RunArmed { .. } => "run_armed",
            Event::AutoStopped { .. } => "auto_stopped",
            Event::RunQueued { .. } => "run_queued",
            Event::RunReleased { .. } => "run_released",
            Event::RunStarted { .. } => "run_started",
            Event::RunEnded { .. } => "run_ended",
            Event::RunCancelAsked { .. } => "run_cancel_asked",
            Event::RunSettled { .. } => "run_settled",
            Event::Redacted { .. } => "redacted",
            Event::Removed { .. } => "removed",
        }
    }
}
