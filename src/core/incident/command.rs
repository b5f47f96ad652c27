//! What is asked of an incident, the little a decision may read besides it, and the ways to say no.

use super::Incident;
use super::conduct::ConductCommand;
use super::nature::{Nature, Shape};
use super::parts::{Ladder, Origin, Outcome};
use super::talk::{Answered, Talk};
use crate::core::alert::{AlertRef, Labels};
use crate::core::brakes::Brakes;
use crate::core::directory::AutoLevel;
use crate::core::directory::{Action, Directory, Target};
use crate::core::id::{Actor, AlertId, IncidentId, Platform, RunId, Seq, Severity};
use crate::core::time::Time;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a decision may read besides the incident.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The instant of the decision.
    pub now: Time,
    /// The configuration in force.
    pub directory: &'a Directory,
    /// What holds runs back, of all incidents, as decided up to this very decision.
    pub brakes: &'a Brakes,
}

/// How an incident is to be opened; the routing decision, already made.
#[derive(Clone, Debug)]
pub struct OpenAs {
    /// Alert or person.
    pub origin: Origin,
    /// One line.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// Major at this severity and worse.
    pub major_at: Severity,
    /// Major whatever the severity: declared by hand.
    pub major: bool,
    /// Service id.
    pub service: Option<String>,
    /// Team id.
    pub team: Option<String>,
    /// Channel of its card.
    pub channel: Option<String>,
    /// Alerts with this key join.
    pub group_key: String,
    /// Labels of the first alert.
    pub labels: Labels,
    /// Resolve when the last alert clears.
    pub auto_resolve: bool,
    /// Resolve by itself when nothing has happened for this long, milliseconds.
    pub auto_resolve_after_ms: Option<i64>,
    /// That waits until no alert fires any more.
    pub hold_while_firing: bool,
    /// The policy to freeze; `None`: nobody is paged by a ladder (a person is already at it).
    pub ladder: Option<Ladder>,
    /// Which incident of its policy this is, counted from 0; only policies that take turns count.
    pub turn: u64,
    /// How long to collect alerts before the first page, milliseconds.
    pub group_wait_ms: i64,
    /// Why all that, one sentence each.
    pub why: Vec<String>,
    /// Alerts it begins with.
    pub alerts: Vec<AlertRef>,
    /// Its type, whether it is private and whether it is a drill.
    pub nature: Nature,
    /// What whoever declared it had to say besides the title: each goes on the timeline as their note.
    pub said: Vec<String>,
    /// Actions that want to start by themselves, with the numbers their runs get.
    pub auto: Vec<(RunId, Arc<Action>)>,
}

/// What is asked. Imperative; answered with events or a [`Refusal`].
#[derive(Clone, Debug)]
pub enum Command {
    /// Begin.
    Open(Box<OpenAs>),
    /// Alerts of its group fire.
    Fire {
        /// Which.
        alerts: Vec<AlertRef>,
        /// The worst severity among them.
        worst: Severity,
    },
    /// Alerts of its group ended.
    Clear {
        /// Which.
        alerts: Vec<AlertId>,
        /// Why.
        why: String,
    },
    /// Time has come.
    Wake,
    /// A change was told that may have come before it.
    LookBack,
    /// I have it.
    Acknowledge {
        /// Who.
        by: Actor,
    },
    /// I have it until then.
    Snooze {
        /// Who.
        by: Actor,
        /// Until when.
        until: Time,
    },
    /// A silence covers every alert that fires.
    Mute {
        /// Its id.
        silence: String,
        /// What it is called and why.
        words: String,
        /// Nobody is to be paged before.
        until: Time,
    },
    /// No silence covers all of it any more.
    Unmute {
        /// Why.
        why: String,
    },
    /// Nobody has it after all.
    Unacknowledge {
        /// Who gives it back.
        by: Actor,
    },
    /// It is not over.
    Reopen {
        /// Who says so.
        by: Actor,
    },
    /// Somebody else is to take it.
    Reassign {
        /// Who says so.
        by: Actor,
        /// Whom it goes to.
        target: Target,
    },
    /// It is the same trouble as another incident, which goes on.
    Merge {
        /// Who says so.
        by: Actor,
        /// The one that goes on.
        into: IncidentId,
        /// Its title.
        title: String,
    },
    /// Another incident is the same trouble and was closed.
    Absorb {
        /// Who says so.
        by: Actor,
        /// That one as it was.
        from: Box<Incident>,
    },
    /// A command that was given looking at a certain state: when somebody changed who has it since,
    /// the answer is who, and nothing is done.
    AsOf {
        /// The state that was looked at.
        seq: Seq,
        /// What is asked.
        command: Box<Command>,
    },
    /// It is over.
    Resolve {
        /// Who.
        by: Actor,
    },
    /// Climb the next rung now.
    Escalate {
        /// Who.
        by: Actor,
        /// The state the button was drawn at; a rung climbed since makes the press stale.
        as_of: Option<Seq>,
    },
    /// Its policy was edited: offer the new one.
    PolicyEdited,
    /// Follow the policy as it is configured now.
    AdoptPolicy {
        /// Who says so.
        by: Actor,
    },
    /// Page somebody besides the ladder.
    Page {
        /// Who asks.
        by: Actor,
        /// Whom.
        target: Target,
        /// With these words.
        message: String,
    },
    /// Change how bad it is.
    SetSeverity {
        /// Who.
        by: Actor,
        /// New severity.
        to: Severity,
    },
    /// Give it a room.
    Promote {
        /// Who.
        by: Actor,
    },
    /// It is to be something else: private, a drill, of another type, a part of another incident.
    Shape {
        /// Who says so.
        by: Actor,
        /// What.
        shape: Box<Shape>,
    },
    /// Name the lead.
    Lead {
        /// Who says so.
        by: Actor,
        /// Who leads.
        lead: Actor,
    },
    /// Something about who does what, or what is to be done.
    Conduct(ConductCommand),
    /// Remember something.
    Note {
        /// Who.
        by: Actor,
        /// What.
        text: String,
        /// When it happened, if not now.
        happened_at: Option<Time>,
    },
    /// Tell others how it stands.
    Update(Box<super::update::Wish>),
    /// Say how often an update is due.
    SetCadence {
        /// Who.
        by: Actor,
        /// From one to the next, milliseconds; `None`: nobody is to be reminded.
        every_ms: Option<i64>,
        /// Only the next one is at another time; the rest stays as it is.
        next: Option<Time>,
    },
    /// A line was written in the room.
    Speak {
        /// Who.
        by: Actor,
        /// What.
        text: String,
        /// Where.
        platform: Platform,
        /// The platform's id of the message.
        message: String,
        /// The message it answers.
        answers: Option<Box<Answered>>,
    },
    /// Something about its rooms and what is said in them.
    Talk(Box<Talk>),
    /// What was written in the room was changed.
    Reword {
        /// Who.
        by: Actor,
        /// What it says now.
        text: String,
        /// Where.
        platform: Platform,
        /// The platform's id of the message.
        message: String,
    },
    /// What was written in the room was deleted.
    Unsay {
        /// Who.
        by: Actor,
        /// Where.
        platform: Platform,
        /// The platform's id of the message.
        message: String,
    },
    /// Somebody came into the room.
    Join {
        /// Who.
        by: Actor,
        /// Where.
        platform: Platform,
    },
    /// Somebody left the room.
    Leave {
        /// Who.
        by: Actor,
        /// Where.
        platform: Platform,
    },
    /// A place cannot be posted in.
    PlaceFailed {
        /// Where.
        platform: Platform,
        /// `the room`, `#web-alerts`.
        place: String,
        /// In words.
        why: String,
    },
    /// Ask for a run.
    AskRun {
        /// Who.
        by: Actor,
        /// The number it gets.
        run: RunId,
        /// The action as configured now.
        action: Arc<Action>,
        /// Arguments as given, unchecked.
        args: BTreeMap<String, String>,
        /// Why and in which way.
        ask: Ask,
    },
    /// Stop a run that was released.
    CancelRun {
        /// Who.
        by: Actor,
        /// Which.
        run: RunId,
    },
    /// Say how a run with an unknown outcome went, after looking.
    SettleRun {
        /// Who.
        by: Actor,
        /// Which.
        run: RunId,
        /// It did what it should.
        good: bool,
        /// What they saw.
        note: String,
    },
    /// The action's "only look" mode is over.
    RunRehearsed {
        /// Which.
        run: RunId,
        /// How.
        outcome: Outcome,
        /// Last lines.
        tail: String,
        /// SHA-256 of the whole of it, hex.
        digest: String,
    },
    /// Agree to a run; for one without approvals, confirm it.
    ApproveRun {
        /// Who.
        by: Actor,
        /// Which.
        run: RunId,
    },
    /// Say no to a run, or withdraw it.
    RejectRun {
        /// Who.
        by: Actor,
        /// Which.
        run: RunId,
    },
    /// A run that waits for its keys may have them now.
    ReleaseRun {
        /// Which.
        run: RunId,
    },
    /// What would start by itself, or waits to, is not to start any more.
    Disarm {
        /// Only runs of this action; `None`: all.
        action: Option<String>,
        /// Why.
        why: String,
    },
    /// A command about a run as somebody gave it.
    Through {
        /// Through which door: `console`, `api`, or a chat platform by its configured name.
        door: String,
        /// The subject ([`Terms::subject`](super::Terms::subject)) the button or form was drawn with,
        /// at least its first 16 characters; `None`: it shows none.
        seen: Option<String>,
        /// What.
        command: Box<Command>,
    },
    /// Its program was started.
    RunStarted {
        /// Which.
        run: RunId,
    },
    /// It is over.
    RunEnded {
        /// Which.
        run: RunId,
        /// How.
        outcome: Outcome,
        /// From start to end, milliseconds.
        duration_ms: i64,
        /// Bytes of output.
        bytes: u64,
        /// Last lines.
        tail: String,
        /// What else is to be known; see [`Event::RunEnded`](super::Event::RunEnded).
        notes: Vec<String>,
    },
    /// A page arrived.
    PageDelivered {
        /// Directory id.
        person: String,
        /// Contact name.
        contact: String,
        /// Attempts it took.
        attempts: u32,
        /// The provider that took it; empty: there is only one way there.
        via: String,
    },
    /// A page is given up.
    PageFailed {
        /// Directory id.
        person: String,
        /// Contact name.
        contact: String,
        /// In words.
        why: String,
    },
    /// The room exists.
    RoomReady {
        /// Where.
        platform: Platform,
        /// The platform's id.
        room: String,
        /// Its name.
        name: String,
    },
    /// The room could not be made.
    RoomFailed {
        /// Where.
        platform: Platform,
        /// In words.
        why: String,
    },
    /// Remove an event's content for good.
    Redact {
        /// Who.
        by: Actor,
        /// Which event.
        seq: Seq,
        /// Events that bear the same words.
        also: Vec<Seq>,
        /// Why.
        why: String,
    },
    /// Tell that something was removed for good that stood in no event of the journal.
    RedactBeside {
        /// Who.
        by: Actor,
        /// What, in words.
        what: String,
        /// Why.
        why: String,
    },
}

/// A no, as a fact in words for the person who asked. Never logged as an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Unknown incident.
    #[error("There is no such incident.")]
    NoSuchIncident,
    /// Opened twice.
    #[error("This incident is already open.")]
    AlreadyOpen,
    /// Too late.
    #[error("{by} has already acknowledged this.")]
    AlreadyAcknowledged {
        /// Who.
        by: String,
    },
    /// Too late.
    #[error("This incident is already resolved.")]
    AlreadyResolved,
    /// Somebody was faster.
    #[error("{by} has resolved it already.")]
    ResolvedBy {
        /// Their name.
        by: String,
    },
    /// No such silence.
    #[error("There is no silence {id}; `silences` lists them.")]
    NoSuchSilence {
        /// What was asked for.
        id: String,
    },
    /// Nothing would change.
    #[error("{what}")]
    NothingToDo {
        /// A sentence.
        what: String,
    },
    /// A press on an old card.
    #[error("This has moved on since the button was drawn: {now}. Nothing was done.")]
    Stale {
        /// What is so now.
        now: String,
    },
    /// Not allowed.
    #[error("{why}")]
    Forbidden {
        /// A sentence with the remedy.
        why: String,
    },
    /// Words that do not fit.
    #[error("{why}")]
    Invalid {
        /// A sentence naming the argument and the fix.
        why: String,
    },
    /// A key is not to be had.
    #[error("{why}")]
    Busy {
        /// A sentence naming the holder and the remedy.
        why: String,
        /// The incident of the holder.
        incident: IncidentId,
    },
    /// A wake that came early; not a fault.
    #[error("It is not time yet.")]
    NotYet,
}

/// Why and in which way a run is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// In the requester's words; needed to break glass.
    pub reason: Option<String>,
    /// Pass over the approval, if the action allows it to the requester.
    pub break_glass: bool,
    /// It starts by itself, by this level.
    pub auto: Option<AutoLevel>,
    /// It undoes this run.
    pub undoes: Option<RunId>,
    /// Only its "only look" mode is to run, at once.
    pub dry: bool,
    /// It looks how this run went, whose outcome nobody knows; at once.
    pub checks: Option<RunId>,
}
