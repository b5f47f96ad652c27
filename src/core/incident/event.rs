//! What happened: the only shape that is kept for ever.
//!
//! Changes are additive only: a new field has a serde default, a variant is never renamed or
//! removed, and `tests/golden/events` holds every shape ever written.

use crate::core::alert::{AlertRef, Labels};
use crate::core::directory::{Rung, Target, Urgency};
use crate::core::id::{Actor, AlertId, Platform, RunId, Severity};
use crate::core::time::Time;
use serde::{Deserialize, Serialize};

/// The policy an incident froze when it started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ladder {
    /// Id of the policy; empty: none applied.
    pub policy: String,
    /// From the first to the last.
    pub rungs: Vec<Rung>,
    /// Rounds after the first.
    pub repeat: u8,
    /// See [`Policy::remind_secs`](crate::core::directory::Policy::remind_secs).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind_secs: Option<u64>,
}

impl Ladder {
    /// Whether a step takes turns, so that the incidents its policy opens must be counted.
    #[must_use]
    pub fn takes_turns(&self) -> bool {
        let turns = |t: &Target| matches!(t, Target::RoundRobin(_));
        self.rungs.iter().any(|r| r.targets.iter().any(turns))
    }
}

/// Where an incident came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// An alert.
    Alert {
        /// Source name.
        source: String,
    },
    /// Somebody declared it.
    Declared {
        /// Who.
        by: Actor,
    },
}

/// Somebody a page goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagedPerson {
    /// Directory id.
    pub id: String,
    /// Display name at that time.
    pub name: String,
    /// Why this person: `on call on web-primary since Mon 09:00`.
    pub why: String,
    /// Names of the contacts used at once.
    pub contacts: Vec<String>,
    /// What follows while nobody acknowledges, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub later: Vec<Later>,
}

/// A later step to wake somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Later {
    /// When.
    pub at: Time,
    /// Names of the contacts.
    pub contacts: Vec<String>,
    /// It waits for the morning because it is of low urgency.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub digest: bool,
}

/// Somebody or something a rung named and could not page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// `schedule web-primary`, `person ana`.
    pub who: String,
    /// `nobody is on call`, `has no contact`.
    pub why: String,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A success code.
    Succeeded {
        /// The code.
        exit: i32,
    },
    /// Another code.
    Failed {
        /// The code.
        exit: i32,
    },
    /// Ended by a signal firebell did not send.
    Killed {
        /// Signal number.
        signal: i32,
    },
    /// Stopped by firebell at its time limit.
    TimedOut,
    /// Provably never started.
    NotStarted {
        /// Why.
        why: String,
    },
    /// The truth is lost; it may or may not have run.
    Unknown {
        /// What is known.
        why: String,
    },
}

impl Outcome {
    /// One word for lists and metrics.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Succeeded { .. } => "succeeded",
            Outcome::Failed { .. } => "failed",
            Outcome::Killed { .. } => "killed",
            Outcome::TimedOut => "timed out",
            Outcome::NotStarted { .. } => "not started",
            Outcome::Unknown { .. } => "unknown",
        }
    }
}

/// A fact about one incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// It begins. Everything later decisions need from the configuration is frozen here.
    Opened {
        /// Alert or person.
        origin: Origin,
        /// One line.
        title: String,
        /// How bad.
        severity: Severity,
        /// Name of the severity then.
        severity_name: String,
        /// Major at this severity and worse.
        major_at: Severity,
        /// Service id.
        service: Option<String>,
        /// Team id.
        team: Option<String>,
        /// Channel of its card.
        channel: Option<String>,
        /// Alerts with this key join.
        group_key: String,
        /// Labels of the first alert.
        labels: Labels,
        /// Resolve when the last alert clears.
        auto_resolve: bool,
        /// The policy.
        ladder: Ladder,
        /// Which of the incidents its policy ever opened this is, counted from 0 by policies with
        /// steps that take turns.
        #[serde(default, skip_serializing_if = "is_zero")]
        turn: u64,
        /// When the first rung is climbed; absent: nobody is paged by the ladder.
        first_page: Option<Time>,
        /// Alerts it begins with.
        alerts: Vec<AlertRef>,
        /// Why this route, service, severity and policy, one sentence each.
        why: Vec<String>,
        /// Whether its pages may wait for the morning.
        #[serde(default, skip_serializing_if = "Urgency::is_high")]
        urgency: Urgency,
    },
    /// More alerts joined.
    Fired {
        /// Which.
        alerts: Vec<AlertRef>,
    },
    /// Alerts ended.
    Cleared {
        /// Which.
        alerts: Vec<AlertId>,
        /// How many still fire.
        left: u32,
        /// `resolved by the sender`, `not repeated in time`.
        why: String,
    },
    /// Somebody is paged.
    Paged {
        /// Round and rung, counted from 0; absent when asked for by hand.
        rung: Option<(u8, u32)>,
        /// Who.
        people: Vec<PagedPerson>,
        /// Channels that are told.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        channels: Vec<String>,
        /// Who could not be.
        skipped: Vec<Skipped>,
        /// Why now.
        why: String,
        /// When the next rung is due unless somebody acknowledges; absent: this changes no deadline.
        next_due: Option<Time>,
    },
    /// A later step to wake somebody who was paged and has not answered.
    Chased {
        /// Directory id.
        person: String,
        /// Display name when they were paged.
        name: String,
        /// Names of the contacts used.
        contacts: Vec<String>,
        /// How many of the person's steps this is.
        steps: u32,
        /// It waited for the morning.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        digest: bool,
        /// Why now.
        why: String,
    },
    /// A rung that reached nobody; the next one is climbed at once.
    RungSkipped {
        /// Round and rung, counted from 0.
        rung: (u8, u32),
        /// Who was meant, and why not.
        skipped: Vec<Skipped>,
    },
    /// The ladder is used up, or nobody on it could be paged.
    CatchAll {
        /// Who is alarmed now. Empty: even the catch-all failed, which is said everywhere.
        people: Vec<PagedPerson>,
        /// Who of the catch-all could not be.
        skipped: Vec<Skipped>,
        /// Why.
        why: String,
        /// When again.
        next_due: Time,
    },
    /// A page left firebell and was accepted at the other end.
    PageDelivered {
        /// Directory id.
        person: String,
        /// Contact name.
        contact: String,
        /// Attempts it took.
        attempts: u32,
        /// The provider that took it; empty: there is only one way there.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        via: String,
    },
    /// A page could not be delivered and is given up.
    PageFailed {
        /// Directory id.
        person: String,
        /// Contact name.
        contact: String,
        /// In words.
        why: String,
    },
    /// Somebody has acknowledged a step that needs more people than that.
    AckCounted {
        /// Who.
        by: Actor,
        /// How many have acknowledged now.
        have: u8,
        /// How many must.
        needs: u8,
    },
    /// Nothing has moved since it was acknowledged: whoever has it is asked again.
    Reminded {
        /// Who.
        people: Vec<PagedPerson>,
        /// Who could not be.
        skipped: Vec<Skipped>,
        /// Why now.
        why: String,
    },
    /// Its policy was edited in the files; it keeps the one it started with until somebody wants the new one.
    PolicyEdited {
        /// Id of the policy.
        policy: String,
    },
    /// It follows its policy as it is now, no longer as it was at the start.
    LadderChanged {
        /// Who said so.
        by: Actor,
        /// The policy as it is now.
        ladder: Ladder,
    },
    /// Somebody has it.
    Acknowledged {
        /// Who.
        by: Actor,
    },
    /// Acknowledged until a time.
    Snoozed {
        /// Who.
        by: Actor,
        /// Until when.
        until: Time,
    },
    /// It pages again from the first rung.
    Retriggered {
        /// `the snooze ended`, `severity rose to sev1 after the acknowledgement`.
        why: String,
        /// When the first rung is climbed.
        due: Time,
    },
    /// Over.
    Resolved {
        /// Who.
        by: Actor,
        /// Alerts that still fired then.
        still_firing: u32,
        /// Why.
        why: String,
    },
    /// How bad it is changed.
    SeverityChanged {
        /// Who.
        by: Actor,
        /// Before.
        from: Severity,
        /// Now.
        to: Severity,
        /// Name of the new severity then.
        to_name: String,
        /// Why.
        why: String,
        /// The urgency, when it is another one now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        urgency: Option<Urgency>,
    },
    /// It became major: it gets a room.
    Promoted {
        /// Who.
        by: Actor,
        /// Why.
        why: String,
    },
    /// Somebody leads.
    LeadChanged {
        /// Who said so.
        by: Actor,
        /// Who leads.
        lead: Actor,
    },
    /// Something worth remembering.
    Noted {
        /// Who.
        by: Actor,
        /// What.
        text: String,
        /// When it happened, if not now.
        happened_at: Option<Time>,
    },
    /// A line somebody wrote in the room.
    Spoke {
        /// Who.
        by: Actor,
        /// What.
        text: String,
        /// Where.
        platform: Platform,
        /// The platform's id of the message, for links.
        message: String,
    },
    /// Somebody changed what they had written.
    Reworded {
        /// Who.
        by: Actor,
        /// What it says now.
        text: String,
        /// Where.
        platform: Platform,
        /// The platform's id of the message.
        message: String,
    },
    /// Somebody deleted what they had written.
    Unsaid {
        /// Who.
        by: Actor,
        /// Where.
        platform: Platform,
        /// The platform's id of the message.
        message: String,
    },
    /// Somebody came into the room.
    Joined {
        /// Who.
        by: Actor,
        /// Where.
        platform: Platform,
    },
    /// Somebody left the room.
    Left {
        /// Who.
        by: Actor,
        /// Where.
        platform: Platform,
    },
    /// A place cannot be posted in, and will not be tried any more.
    PlaceFailed {
        /// Where.
        platform: Platform,
        /// `the room`, `#web-alerts`.
        place: String,
        /// In words.
        why: String,
    },
    /// The room exists.
    RoomOpened {
        /// Where.
        platform: Platform,
        /// The platform's id of the room.
        room: String,
        /// The name people see.
        name: String,
    },
    /// The room could not be made; firebell keeps trying if `retry`.
    RoomFailed {
        /// Where.
        platform: Platform,
        /// In words.
        why: String,
    },
    /// Somebody wants to run an action.
    RunAsked {
        /// Which run.
        run: RunId,
        /// Action id.
        action: String,
        /// Title then.
        title: String,
        /// Version of the action's file.
        digest: String,
        /// Exactly what will be started.
        argv: Vec<String>,
        /// Who.
        by: Actor,
        /// Approvals by others that are needed.
        needs: u8,
        /// When the request lapses.
        expires: Time,
    },
    /// Somebody agreed.
    RunApproved {
        /// Which run.
        run: RunId,
        /// Who.
        by: Actor,
    },
    /// Somebody said no, or the requester withdrew.
    RunRejected {
        /// Which run.
        run: RunId,
        /// Who.
        by: Actor,
    },
    /// Nobody decided in time.
    RunExpired {
        /// Which run.
        run: RunId,
    },
    /// It may start, once.
    RunReleased {
        /// Which run.
        run: RunId,
    },
    /// The program was started.
    RunStarted {
        /// Which run.
        run: RunId,
    },
    /// It is over.
    RunEnded {
        /// Which run.
        run: RunId,
        /// How.
        outcome: Outcome,
        /// From start to end, milliseconds.
        duration_ms: i64,
        /// Bytes of output it wrote.
        bytes: u64,
        /// The last lines, cut to 2,000 characters; the rest is on the run.
        tail: String,
    },
    /// An event's content was removed for good; its row was overwritten.
    Redacted {
        /// Which event.
        seq: u32,
        /// Who.
        by: Actor,
        /// Why.
        why: String,
    },
    /// What a redacted event leaves behind.
    Removed {
        /// Kind of the event that stood here.
        kind: String,
    },
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the shape serde asks for"
)]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

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
            Event::RunApproved { .. } => "run_approved",
            Event::RunRejected { .. } => "run_rejected",
            Event::RunExpired { .. } => "run_expired",
            Event::RunReleased { .. } => "run_released",
            Event::RunStarted { .. } => "run_started",
            Event::RunEnded { .. } => "run_ended",
            Event::Redacted { .. } => "redacted",
            Event::Removed { .. } => "removed",
        }
    }
}
