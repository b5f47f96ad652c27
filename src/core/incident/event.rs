//! What happened: the only shape that is kept for ever. Changes are additive only: a new field has a
//! serde default, no variant is renamed or removed.

use super::conduct::ConductEvent;
use super::nature::{ChildMoved, ChildSet, DrillSet, Hidden, Invited, Nature};
use super::nature::{ParentSet, Recalled, Related, Revealed, TypeSet, Unrelated};
use super::parts::{Ladder, Origin, Outcome, PagedPerson, Skipped, Terms};
use super::redacted::Redacted;
use super::talk::{Answered, KeptFile, KeptMessage, PutAway, RefusedFile, Retitled};
use super::talk::{RoomPlan, ShelvedRoom, Unkept};
use super::told::{CadenceSet, Update, UpdateDue};
use crate::core::alert::{AlertRef, Labels};
use crate::core::change::Preceding;
use crate::core::directory::Urgency;
use crate::core::id::{Actor, AlertId, IncidentId, Platform, RunId, Severity};
use crate::core::time::Time;
use serde::{Deserialize, Serialize};

/// A fact about one incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "one of many is an opening, and nobody keeps events in memory"
)]
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
        /// Which incident of its policy this is, counted from 0 where steps take turns.
        #[serde(default, skip_serializing_if = "super::parts::is_none")]
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
        /// Resolve by itself when nothing has happened for this long, milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        auto_resolve_after_ms: Option<i64>,
        /// That waits until no alert fires any more.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        hold_while_firing: bool,
        /// Its type, whether it is private and whether it is a drill.
        #[serde(default, skip_serializing_if = "Nature::is_plain")]
        nature: Nature,
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
        /// Nobody else could be paged at all: said in every channel.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        nobody_else: bool,
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
    /// A silence covers every alert that fires: nobody is paged until it ends.
    Muted {
        /// Its id.
        silence: String,
        /// What it is called and why, in words.
        words: String,
        /// Nobody is paged before.
        until: Time,
    },
    /// No silence covers all of it any more. While nobody has it, it pages again from the first rung.
    Unmuted {
        /// `the silence ended`, `an alert that is not silenced joined`.
        why: String,
    },
    /// Somebody gave it back: nobody has it, and it pages again from the first rung.
    Unacknowledged {
        /// Who.
        by: Actor,
    },
    /// It was resolved and is not over: it pages again from the first rung.
    Reopened {
        /// Who says so.
        by: Actor,
    },
    /// Somebody else is asked to take it. The ladder is theirs from now on.
    Reassigned {
        /// Who says so.
        by: Actor,
        /// Whom it was given to, in words: `person bo`, `schedule web-primary`.
        to: String,
        /// The ladder that is climbed from now on.
        ladder: Ladder,
    },
    /// It is the same trouble as another incident and is closed; its alerts go there.
    Merged {
        /// Who says so.
        by: Actor,
        /// The one that goes on.
        into: IncidentId,
        /// Its title.
        title: String,
    },
    /// Another incident is the same trouble: its alerts, and later ones of its group, join here.
    Absorbed {
        /// Who says so.
        by: Actor,
        /// The one that was closed.
        from: IncidentId,
        /// Its title.
        title: String,
        /// Alerts of these groups join here from now on.
        groups: Vec<String>,
        /// Alerts of it that fire.
        firing: Vec<AlertId>,
        /// Alerts that ever joined it.
        alerts: u32,
        /// When its first alert began.
        began_at: Time,
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
    /// What was changed before it began, as far as was known: context, not a cause.
    Preceded {
        /// Best first; each stands once in a journal.
        changes: Vec<Preceding>,
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
    /// Only those it concerns see it from now on.
    Hidden(Hidden),
    /// Everybody sees it from now on.
    Revealed(Revealed),
    /// Somebody was let in.
    Invited(Invited),
    /// It is a drill, or real after all.
    DrillSet(DrillSet),
    /// It is of another type.
    TypeSet(TypeSet),
    /// It has to do with another incident.
    Related(Related),
    /// It has nothing to do with another incident after all.
    Unrelated(Unrelated),
    /// It is a part of another incident, or stands for itself.
    ParentSet(ParentSet),
    /// Another incident is a part of it, or is no more.
    ChildSet(ChildSet),
    /// A part of it stands somewhere else now.
    ChildMoved(ChildMoved),
    /// Something like it was looked at before, and people agreed on what was learned.
    Recalled(Recalled),
    /// Somebody leads.
    LeadChanged {
        /// Who said so.
        by: Actor,
        /// Who leads.
        lead: Actor,
        /// Who led before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Actor>,
        /// `on call on Web until 09:00`; empty: somebody said so.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        why: String,
    },
    /// Who does what, and what is to be done.
    Conduct(ConductEvent),
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
        /// The message it answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answers: Option<Box<Answered>>,
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
        /// What else was agreed on; empty in journals older than it.
        #[serde(default, skip_serializing_if = "Terms::is_empty")]
        terms: Box<Terms>,
    },
    /// The action's "only look" mode ran first; what it wrote stands on the card.
    RunRehearsed {
        /// Which run.
        run: RunId,
        /// How that went.
        outcome: Outcome,
        /// The last lines it wrote.
        tail: String,
        /// SHA-256 of the whole of it, hex: what approvers agree to.
        digest: String,
    },
    /// Somebody agreed.
    RunApproved {
        /// Which run.
        run: RunId,
        /// Who.
        by: Actor,
        /// What they saw: [`Terms::subject`] then; empty in journals older than it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        subject: String,
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
    /// It starts by itself unless somebody or something stops it; the first page may wait for it.
    RunArmed {
        /// Which run.
        run: RunId,
        /// When it starts.
        start: Time,
        /// Until then the first page waits for it; `None`: it does not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hold: Option<Time>,
    },
    /// An action does not start by itself any more, anywhere, until a person turns it on again.
    AutoStopped {
        /// Id of the action.
        action: String,
        /// In words.
        why: String,
    },
    /// It waits for a key that another run holds.
    RunQueued {
        /// Which run.
        run: RunId,
        /// The key.
        key: String,
        /// Who holds it; `None`: it rests after a run.
        behind: Option<RunId>,
        /// Refused when it is not free by then.
        until: Time,
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
        /// What else is to be known: output that was cut or masked, a sandbox the kernel lacks.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notes: Vec<String>,
    },
    /// Somebody wants a released or running run to stop.
    RunCancelAsked {
        /// Which run.
        run: RunId,
        /// Who.
        by: Actor,
    },
    /// Somebody looked and says how a run with an unknown outcome went.
    RunSettled {
        /// Which run.
        run: RunId,
        /// Who.
        by: Actor,
        /// It did what it should.
        good: bool,
        /// What they saw.
        note: String,
    },
    /// Somebody told others how it stands, or gave it another status.
    Updated(Box<Update>),
    /// How often an update is due is set.
    CadenceSet(Box<CadenceSet>),
    /// An update is due: whoever sees to it is reminded.
    UpdateDue(Box<UpdateDue>),
    /// Something was removed for good; where it stood in an event, that event's row was overwritten.
    Redacted(Redacted),
    /// What a redacted event leaves behind.
    Removed {
        /// Kind of the event that stood here.
        kind: String,
        /// The platform its words were written on.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        platform: Platform,
        /// The platform's id of the message.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        message: String,
    },
    /// How its rooms are to be.
    RoomPlanned(RoomPlan),
    /// It is called something else.
    Retitled(Retitled),
    /// Its rooms are put away: they stay readable, and nobody writes in them until it is opened again.
    Archived(PutAway),
    /// A room was put away.
    RoomShelved(ShelvedRoom),
    /// What failed of its rooms is tried again.
    RoomRetried {
        /// Who wants it.
        by: Actor,
    },
    /// A message was put on the timeline.
    Kept(Box<KeptMessage>),
    /// That was taken back.
    Unkept(Unkept),
    /// A file came with a message and was kept.
    Attached(Box<KeptFile>),
    /// A file came with a message and was not kept.
    FileRefused(Box<RefusedFile>),
}
