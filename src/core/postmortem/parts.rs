//! The parts of a postmortem, as the JSON document holds them. Times are text: UTC as RFC 3339,
//! local as `2026-11-22 15:03:05 CET`.

use crate::core::stats::Moments;
use crate::core::time::Time;
use crate::core::timeline;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// An instant for people and programs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// RFC 3339, UTC, milliseconds.
    pub utc: String,
    /// `2026-11-22 15:03:05 CET`.
    pub local: String,
}

impl Stamp {
    /// The instant in a zone; `None`: UTC.
    #[must_use]
    pub fn of(at: Time, zone: Option<Tz>) -> Stamp {
        Stamp {
            utc: at.rfc3339(),
            local: timeline::format(at, zone, "%Y-%m-%d %H:%M:%S %Z"),
        }
    }
}

/// The turning points; absent: it did not (yet) happen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dates {
    /// Begin of the earliest alert, by its sender's clock.
    pub began: Option<Stamp>,
    /// Opened by firebell.
    pub opened: Option<Stamp>,
    /// First acknowledgement.
    pub acknowledged: Option<Stamp>,
    /// The last all-clear.
    pub mitigated: Option<Stamp>,
    /// Resolved.
    pub resolved: Option<Stamp>,
}

impl Dates {
    pub(super) fn of(moments: &Moments, zone: Option<Tz>) -> Dates {
        let stamp = |at: Option<Time>| at.map(|at| Stamp::of(at, zone));
        Dates {
            began: stamp(moments.began),
            opened: stamp(moments.opened),
            acknowledged: stamp(moments.acknowledged),
            mitigated: stamp(moments.mitigated),
            resolved: stamp(moments.resolved),
        }
    }
}

/// A severity it had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeverityStep {
    /// Since when.
    pub at: Stamp,
    /// Its name then.
    pub severity: String,
    /// Who set it.
    pub by: String,
    /// Why.
    pub why: String,
    /// For how long, milliseconds; absent: until now.
    pub for_ms: Option<i64>,
    /// The event it rests on.
    pub source: String,
}

/// How it was noticed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detection {
    /// `an alert from prometheus`, `declared by Ana Alves`.
    pub by: String,
    /// Name of the earliest alert.
    pub first_alert: Option<String>,
    /// Why this service, severity, group and policy.
    pub why: Vec<String>,
    /// The event it rests on.
    pub source: String,
}

/// Something that was changed before it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeLine {
    /// When, by the clock of who told it.
    pub at: Stamp,
    /// `deploy of checkout “v2.3” by ana`.
    pub what: String,
    /// Who, as its sender names them; empty: nothing was said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// 1 to 100, by service and time.
    pub points: u32,
    /// Why it is here, in words.
    pub why: String,
    /// A web address as it came; not checked. Empty: none.
    pub url: String,
    /// The event it rests on.
    pub source: String,
}

/// A line of the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The event.
    pub seq: u32,
    /// When it happened.
    pub at: Stamp,
    /// When firebell recorded it, RFC 3339.
    pub recorded_at: String,
    /// Who.
    pub actor: String,
    /// Kind of the event.
    pub kind: String,
    /// The sentence.
    pub text: String,
    /// What it rests on.
    pub source: String,
}

/// Somebody who took part or was paged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Responder {
    /// Directory id, or `platform:id` of a chat user without one, or a token's name.
    pub id: String,
    /// Name at that time.
    pub name: String,
    /// `acknowledged`, `noted 3 times`; in the order of the first of each.
    pub did: Vec<String>,
    /// How often paged.
    pub pages: u32,
    /// Of these, outside Monday to Friday 09:00–18:00 in the document's zone.
    pub out_of_hours: u32,
}

/// A role somebody had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleSpan {
    /// Id of the role.
    pub role: String,
    /// Its name then.
    pub name: String,
    /// Name of who had it.
    pub person: String,
    /// Since when.
    pub from: Stamp,
    /// Until when; absent: still.
    pub until: Option<Stamp>,
    /// The event it rests on.
    pub source: String,
}

/// Something that was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// When.
    pub at: Stamp,
    /// Who wrote it down.
    pub by: String,
    /// What.
    pub what: String,
    /// The event it rests on.
    pub source: String,
}

/// How it stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportLine {
    /// When.
    pub at: Stamp,
    /// Who reported.
    pub by: String,
    /// What was seen.
    pub conditions: String,
    /// What was being done.
    pub actions: String,
    /// What was missing.
    pub needs: String,
    /// The event it rests on.
    pub source: String,
}

/// One page to one contact, or somebody who could not be paged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageSent {
    /// When it was decided.
    pub at: Stamp,
    /// Directory id, or what the rung named.
    pub person: String,
    /// Name at that time.
    pub name: String,
    /// Contact name; empty when skipped.
    pub contact: String,
    /// `delivered`, `failed`, `skipped`, or `unconfirmed`: neither was recorded.
    pub outcome: String,
    /// Attempts, attempts' last error, or why it was skipped.
    pub detail: String,
    /// Why this person, why now.
    pub why: String,
    /// The event it rests on.
    pub source: String,
}

/// A runbook action that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRun {
    /// `run-3`.
    pub run: String,
    /// Action id.
    pub action: String,
    /// Title then.
    pub title: String,
    /// Exactly what was shown and would be started.
    pub argv: Vec<String>,
    /// Version of the action's file.
    pub digest: String,
    /// Who asked.
    pub asked_by: String,
    /// When.
    pub asked_at: Stamp,
    /// Approvals by others that were needed.
    pub needs: u8,
    /// Who agreed.
    pub approved_by: Vec<String>,
    /// `succeeded`, `failed`, …, `unknown`, or where it stood: `asked`, `released`, `running`.
    pub state: String,
    /// The outcome in words.
    pub outcome: String,
    /// From start to end, milliseconds.
    pub duration_ms: Option<i64>,
    /// Bytes of output.
    pub bytes: Option<u64>,
    /// The end of the output.
    pub tail: String,
    /// The events it rests on.
    pub sources: Vec<String>,
}

/// A line of the conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spoken {
    /// When.
    pub at: Stamp,
    /// Who.
    pub by: String,
    /// What.
    pub text: String,
    /// The event and the platform's message.
    pub source: String,
    /// What it said before it was changed, in order: an edit keeps the original, in every export.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Earlier>,
}

/// What a message said before it was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// Until when.
    pub until: Stamp,
    /// What.
    pub text: String,
}

/// An alert that joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertLine {
    /// firebell's number of this occurrence.
    pub id: i64,
    /// Who sent it.
    pub source: String,
    /// Identity within the source.
    pub fingerprint: String,
    /// Its name.
    pub name: String,
    /// What it said.
    pub summary: String,
    /// Begin by the sender's clock, RFC 3339.
    pub starts_at: String,
    /// When its end was recorded, RFC 3339; absent: it still fired.
    pub cleared_at: Option<String>,
    /// Link to the sender's page as sent; not checked.
    pub url: String,
}

/// A section people write, or begin from what firebell drafted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Name of the anchor around it.
    pub anchor: String,
    /// Heading.
    pub title: String,
    /// A question to start from.
    pub prompt: String,
    /// What firebell drafts for it, Markdown; empty: nothing is known.
    pub base: String,
    /// [`hash`](super::hash) of the base.
    pub hash: String,
    /// What stands in the document, Markdown: people's words with the newest draft merged in, or the base.
    pub text: String,
    /// Whether people wrote it.
    pub edited: bool,
    /// People and firebell changed the same lines: both, with marks; the text is people's alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict: Option<String>,
}

/// What a response cost somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Directory id.
    pub person: String,
    /// Name at that time.
    pub name: String,
    /// How often paged.
    pub pages: u32,
    /// Of these, outside Monday to Friday 09:00–18:00 in the document's zone.
    pub out_of_hours: u32,
    /// Of these, between 22:00 and 08:00.
    pub at_night: u32,
}

/// Something firebell told, or tried to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// When.
    pub at: Stamp,
    /// Where: `#web-alerts`, `room inc-42 on slack`.
    pub place: String,
    /// What.
    pub what: String,
    /// The event it rests on.
    pub source: String,
}

/// A link that was part of the incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    /// What it leads to.
    pub label: String,
    /// Address as it came; not checked.
    pub url: String,
}

/// What happened to the document itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// `draft`, `in_review`, `reviewed`, `closed`.
    pub stage: String,
    /// Who sees to it.
    pub owner: Option<String>,
    /// When it should be reviewed.
    pub due: Option<Stamp>,
    /// When people meet about it.
    pub meets: Option<Stamp>,
    /// What is to be done.
    pub items: Vec<ItemLine>,
}

/// Something to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemLine {
    /// Its number in this document.
    pub id: u32,
    /// One line.
    pub what: String,
    /// Name of its owner.
    pub owner: Option<String>,
    /// Day, `2026-12-01`.
    pub due: Option<String>,
    /// `high`, `medium`, `low`.
    pub priority: String,
    /// Its issue or another link; empty: none.
    pub link: String,
    /// `open`, `done`, and what a tracker says.
    pub state: String,
}

/// Counts of how the response went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Steps of the ladder that were climbed.
    pub escalations: u32,
    /// How often it went to somebody else.
    pub handoffs: u32,
    /// Pages sent.
    pub pages: u32,
    /// Alerts that joined.
    pub alerts: u32,
    /// Lines of conversation.
    pub messages: u32,
}
