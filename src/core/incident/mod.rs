//! The incident: the one thing that is event-sourced.
//!
//! Four verbs, all pure and synchronous: [`decide`] judges a command, [`evolve`] remembers a
//! fact, [`react`] names the consequences of a fact, [`wake_at`] says when time itself must be
//! put to the incident as a command. State is only ever a fold of the journal, and is never
//! serialised; only [`Event`] is.

mod agree;
mod climb;
mod command;
mod conduct;
mod decide;
mod declaration;
mod event;
mod evolve;
#[cfg(test)]
mod forecasts;
mod gate;
mod kind;
#[cfg(test)]
mod ladders;
#[cfg(test)]
mod lives;
mod nature;
mod opening;
mod parts;
mod reach;
mod react;
mod redacted;
mod rest;
mod runs;
mod severity;
mod shape;
mod talk;
#[cfg(test)]
mod tests;
mod told;
#[cfg(test)]
mod town;
mod update;
mod verbs;

pub use command::{Ask, Command, OpenAs, Refusal, Scene};
pub use conduct::{
    Check, CheckItem, CheckedList, Conduct, ConductCommand, ConductEvent, Conducted, DueThing,
    NeededRole, Part, Report, TASK_CHARS, Task, TaskChange, Vacancy, parts,
};
pub use decide::{NOTE_CHARS, decide};
pub use declaration::{Declaration, TITLE_CHARS};
pub use event::Event;
pub use evolve::evolve;
pub(super) use gate::{refused, release};
pub use nature::{
    Child, ChildMoved, ChildSet, DRILL, DrillSet, Hidden, Invited, Nature, ParentSet, Recalled,
    Related, Revealed, Shape, TypeSet, Unrelated, headline, key, labelled_drill, practised,
};
pub use parts::{Ladder, Later, Origin, Outcome, PagedPerson, Skipped, Terms};
pub use reach::Chase;
pub use react::{Effect, Place, Surface, react};
pub use redacted::{GONE, Redacted};
pub(super) use runs::{Wish, ask_by_itself};
pub(super) use shape::sentence as shape_sentence;
pub use talk::{
    A_LINE, A_REMOVED_MESSAGE, Answered, KeptFile, KeptMessage, Mark, PutAway, RefusedFile,
    Retitled, RoomPlan, Rooms, ShelvedRoom, Talk, Unkept, file_words, size,
};
pub use told::{
    Affected, Announced, Audience, CadenceSet, Kept, Published, Standing, Told, Update, UpdateDue,
};
pub(super) use update::readers;
pub use update::{
    CADENCE_MAX_MS, CADENCE_MIN_MS, PUBLIC_TITLE_CHARS, Preview, Wish as UpdateWish, compose,
    preview,
};

use super::action::ENVIRONMENT;
use super::alert::{AlertRef, Labels};
use super::change::{Onset, Preceding};
use super::directory::Urgency;
use super::few::{Few, FewBy};
use super::id::{Actor, AlertId, IncidentId, Platform, RunId, Seq, Severity};
use super::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One line of the journal: a fact, when it was recorded and what caused it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Counted from 1 without gaps.
    pub seq: Seq,
    /// When firebell recorded it.
    pub at: Time,
    /// What brought it: `alert:…`, `click:…`, `api:…`, `wake`; the source every timeline line cites.
    pub cause: String,
    /// What happened.
    pub event: Event,
}

/// Where an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Status {
    /// Nobody has it; the ladder is being climbed.
    #[default]
    Triggered,
    /// Somebody has it.
    Acknowledged,
    /// Over.
    Resolved,
}

impl Status {
    /// The word stored, shown and accepted by the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Status::Triggered => "triggered",
            Status::Acknowledged => "acknowledged",
            Status::Resolved => "resolved",
        }
    }
}

/// How far up the ladder.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Climb {
    /// Nothing is due: acknowledged, resolved, or there is nobody to page.
    #[default]
    Resting,
    /// This rung of this round is climbed at `due`.
    Next {
        /// Counted from 0.
        round: u8,
        /// Index into the frozen ladder.
        rung: usize,
        /// When.
        due: Time,
    },
    /// The ladder is used up. The catch-all is alarmed again at `due`.
    Exhausted {
        /// How often the catch-all was alarmed.
        times: u32,
        /// When again.
        due: Time,
    },
}

/// A runbook action on this incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Id of the action.
    pub action: String,
    /// Title for people.
    pub title: String,
    /// The exact program and arguments everybody saw.
    pub argv: Vec<String>,
    /// Version of the action's file.
    pub digest: String,
    /// Who asked.
    pub by: Actor,
    /// Approvals by others that are needed.
    pub needs: u8,
    /// Who approved.
    pub approved: Vec<Actor>,
    /// When somebody last did.
    pub approved_at: Option<Time>,
    /// What else was agreed on.
    pub terms: Box<Terms>,
    /// How its "only look" mode went, and the last lines it wrote; `None`: it did not run yet.
    pub rehearsed: Option<(Outcome, String)>,
    /// Seq of the event that told of that; 0: none has.
    pub rehearsed_seq: Seq,
    /// Who wants it to stop.
    pub cancel: Option<Actor>,
    /// Who settled its unknown outcome, and whether it did what it should.
    pub settled: Option<(Actor, bool)>,
    /// The last lines it wrote, of a run that looks how another one went; of others they stand in
    /// their rows alone.
    pub seen: Option<String>,
    /// Seq of the event that told of its end; 0: none has.
    pub ended_seq: Seq,
    /// Where it stands.
    pub state: RunState,
    /// Seq of the `RunAsked`.
    pub asked_seq: Seq,
    /// When it was asked for.
    pub asked_at: Time,
    /// When it ended.
    pub ended_at: Option<Time>,
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RunState {
    /// Waits for confirmation or approval until then.
    Asked {
        /// Lapses at this time.
        expires: Time,
    },
    /// Starts by itself at that time.
    Armed {
        /// When.
        start: Time,
    },
    /// Agreed on, and waits until then for a key that another run holds.
    Queued {
        /// Refused when the key is not free by then.
        until: Time,
    },
    /// May start; nothing may release it again.
    Released,
    /// The program runs.
    Running,
    /// Over, with its outcome; `Outcome::Unknown` included.
    Ended(Outcome),
}

/// Nobody is paged because a silence covers every alert that fires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mute {
    /// The silence's id.
    pub silence: String,
    /// What it is called and why.
    pub words: String,
    /// Nobody is paged before.
    pub until: Time,
}

/// The first page waits for a run to clear the alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// For which.
    pub run: RunId,
    /// At most until then.
    pub until: Time,
    /// The run did not do what it should: nobody waits for it any more.
    pub lifted: bool,
}

/// An incident nothing happens to any more resolves by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// After this long, milliseconds.
    pub after_ms: i64,
    /// That waits until no alert fires any more.
    pub hold_while_firing: bool,
}

/// An incident as its journal tells it. It can be written down to take less memory for a while,
/// without its policy, which many share. Nothing is kept that way beyond the life of the process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Given by the engine.
    pub id: IncidentId,
    /// Seq of the last event; 0: not yet opened.
    pub seq: Seq,
    /// Where it stands.
    pub status: Status,
    /// One line.
    pub title: String,
    /// How bad, now.
    pub severity: Severity,
    /// Whether its pages may wait for the morning.
    pub urgency: Urgency,
    /// Major at this severity and worse, frozen at the start.
    pub major_at: Severity,
    /// Has (or will have) a room.
    pub major: bool,
    /// Service id.
    pub service: Option<String>,
    /// Team id.
    pub team: Option<String>,
    /// Channel of its card outside the room.
    pub channel: Option<String>,
    /// Alerts with this key join while it is open. Empty for declared ones.
    pub group_key: String,
    /// Labels of the alert that opened it; [`Incident::labels`].
    pub tags: FewBy<Box<str>, Box<str>>,
    /// Resolve when the last alert clears.
    pub auto_resolve: bool,
    /// Its type, whether it is private and whether it is a drill.
    pub nature: Nature,
    /// When it was opened.
    pub opened_at: Time,
    /// Begin of the earliest alert, or the opening.
    pub began_at: Time,
    /// First acknowledgement.
    pub acked_at: Option<Time>,
    /// Who has it.
    pub acked_by: Option<Actor>,
    /// When the last alert cleared, while nothing fires.
    pub cleared_at: Option<Time>,
    /// When it was resolved.
    pub resolved_at: Option<Time>,
    /// Acknowledged only until then.
    pub snoozed_until: Option<Time>,
    /// Since when people outside are no longer hurt, as somebody said by its status; `None`: nobody has.
    pub mitigated_at: Option<Time>,
    /// What was told to others, and when they hear again.
    pub told: Kept,
    /// Who resolved it.
    pub resolved_by: Option<Actor>,
    /// A silence covers every alert that fires.
    pub muted: Option<Mute>,
    /// The incident it is the same trouble as; then it is closed.
    pub merged_into: Option<IncidentId>,
    /// Groups of incidents that were merged into it.
    pub absorbed: BTreeSet<String>,
    /// Seq of the last change of who has it, and who made it: what a press may be too late for.
    pub course: Option<(Seq, Actor)>,
    /// When it resolves by itself because nothing happens.
    pub forgotten: Option<Forgotten>,
    /// When an alert or a person last did something.
    pub active_at: Time,
    /// Last change.
    pub updated_at: Time,
    /// Alerts that fire now.
    pub firing: BTreeSet<AlertId>,
    /// Alerts that ever joined.
    pub alerts: u32,
    /// Policy, frozen at the start.
    #[serde(skip)]
    pub ladder: Arc<Ladder>,
    /// Which incident of its policy this is, for steps that take turns.
    pub turn: u64,
    /// The last rung climbed, as an index into the ladder.
    pub last_rung: Option<usize>,
    /// Who has acknowledged a step that needs more people, and how often it was climbed since.
    pub agreed: Vec<Actor>,
    /// When somebody last did something about it.
    pub moved_at: Time,
    /// Whoever has it was asked again, and nothing has moved since.
    pub reminded: bool,
    /// How far up.
    pub climb: Climb,
    /// When it was last opened again after it was over, and by which fact: a link in a mail from before
    /// is about what was.
    pub reopened: Option<(Seq, Time)>,
    /// Seq of the last climb; a button drawn before it is stale.
    pub climbed_seq: Seq,
    /// `(person, contact)` of the last rung that may still be reached.
    pub awaiting: Few<(String, String)>,
    /// Those of them that were reached.
    pub arrived: Few<(String, String)>,
    /// Who is to be woken in further steps, by person.
    pub chase: BTreeMap<String, Chase>,
    /// Who was paged, with how often.
    pub paged: FewBy<String, u32>,
    /// Incident lead.
    pub lead: Option<Actor>,
    /// Directory ids of who belongs in the room: woken, has it, leads, or did something.
    pub crew: Few<String>,
    /// Who was let in or did something, by [`key`]: while it is private they see it.
    pub admitted: Few<String>,
    /// Incidents it has to do with: title and why.
    pub related: BTreeMap<IncidentId, (String, String)>,
    /// One like it that people have learned from.
    pub recalled: Option<Box<Recalled>>,
    /// The incident it is a part of, with its title.
    pub parent: Option<(IncidentId, String)>,
    /// The incidents that are parts of it.
    pub children: BTreeMap<IncidentId, Child>,
    /// Places that cannot be posted in, by platform, so that each is told once.
    pub closed: BTreeSet<(Platform, String)>,
    /// How often a platform lost the room.
    pub rooms_lost: BTreeMap<Platform, u8>,
    /// Rooms by platform.
    pub rooms: BTreeMap<Platform, String>,
    /// Runs by number. Shared, because a change of the incident copies it, and there may be many.
    pub runs: BTreeMap<RunId, Arc<Run>>,
    /// The first page waits for a run.
    pub held: Option<Held>,
    /// Who does what, and what is to be done.
    pub conduct: Conducted,
    /// What is known of its rooms besides where they are.
    pub talk: Rooms,
    /// What was changed before it began, the highest rank first.
    pub preceded: Vec<Preceding>,
}

impl Incident {
    /// An incident that has not been opened yet.
    #[must_use]
    pub fn new(id: IncidentId) -> Incident {
        Incident {
            id,
            ..Incident::default()
        }
    }

    /// Folds a journal. The records must be in order and complete.
    #[must_use]
    pub fn replay<'a>(id: IncidentId, journal: impl IntoIterator<Item = &'a Record>) -> Incident {
        let mut incident = Incident::new(id);
        for record in journal {
            evolve(&mut incident, record);
        }
        incident
    }

    /// The run a command asked for whose last event has this seq.
    #[must_use]
    pub fn run_asked_by(&self, last: Seq) -> Option<(RunId, &Run)> {
        let before = self.runs.iter().filter(|(_, r)| r.asked_seq <= last);
        before
            .max_by_key(|(_, r)| r.asked_seq)
            .map(|(id, run)| (*id, run.as_ref()))
    }

    /// The newest run that looked how another one went.
    #[must_use]
    pub fn check_of(&self, checked: RunId) -> Option<(RunId, &Run)> {
        let mut newest = self.runs.iter().rev();
        let found = newest.find(|(_, r)| r.terms.checks == Some(checked));
        found.map(|(id, run)| (*id, run.as_ref()))
    }

    /// Labels of the alert that opened it.
    #[must_use]
    pub fn labels(&self) -> Labels {
        let tags = self.tags.iter();
        tags.map(|(k, v)| (k.to_string(), v.to_string())).collect()
    }

    /// The environment its labels name.
    #[must_use]
    pub fn environment(&self) -> Option<&str> {
        let named = ENVIRONMENT.iter().find_map(|name| self.tags.get(*name));
        named.map(AsRef::as_ref).filter(|e| !e.is_empty())
    }

    /// Runs that wait for a confirmation or an approval.
    #[must_use]
    pub fn waiting_runs(&self) -> impl DoubleEndedIterator<Item = (&RunId, &Arc<Run>)> {
        let waits = |(_, run): &(&RunId, &Arc<Run>)| matches!(run.state, RunState::Asked { .. });
        self.runs.iter().filter(waits)
    }

    /// Whether a platform has lost the room and not made another one yet.
    #[must_use]
    pub fn room_lost(&self, platform: &str) -> bool {
        let room = (platform.to_owned(), THE_ROOM.to_owned());
        self.closed.contains(&room)
    }

    /// The silence that keeps it from paging at this instant.
    #[must_use]
    pub fn muted_at(&self, at: Time) -> Option<&Mute> {
        self.muted.as_ref().filter(|m| m.until > at)
    }

    /// When it resolves by itself unless something happens: never while somebody has put it off, and
    /// while an alert fires only if its service says so.
    #[must_use]
    pub fn resolves_at(&self) -> Option<Time> {
        let Forgotten {
            after_ms,
            hold_while_firing,
        } = self.forgotten?;
        let held = hold_while_firing && !self.firing.is_empty();
        (self.is_open() && !held && self.snoozed_until.is_none())
            .then(|| self.active_at.plus_ms(after_ms))
    }

    /// The groups whose alerts join it while it is open.
    pub fn groups(&self) -> impl Iterator<Item = &String> {
        let own = Some(&self.group_key).filter(|g| !g.is_empty());
        own.into_iter().chain(&self.absorbed)
    }

    /// What changes are looked for: its place and its begin.
    #[must_use]
    pub fn onset(&self) -> Onset<'_> {
        Onset {
            service: self.service.as_deref(),
            team: self.team.as_deref(),
            environment: self.environment(),
            at: self.began_at,
        }
    }

    /// Opened and not resolved.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.seq > 0 && self.status != Status::Resolved
    }
}

/// What a room is called among the places of an incident.
pub const THE_ROOM: &str = "the room";

/// When time must be put to the incident as `Command::Wake`; `None`: time changes nothing.
#[must_use]
pub fn wake_at(incident: &Incident) -> Option<Time> {
    let conduct = conduct::next(incident);
    if !incident.is_open() {
        let next = [gate::next_expiry(incident), incident.archives_at(), conduct];
        return next.into_iter().flatten().min();
    }
    let climb = match (&incident.climb, incident.status, &incident.muted) {
        (_, Status::Triggered, Some(mute)) => Some(mute.until),
        (Climb::Next { due, .. } | Climb::Exhausted { due, .. }, Status::Triggered, None) => {
            Some(*due)
        }
        _ => None,
    };
    let wakes = incident.status == Status::Triggered && incident.muted.is_none();
    let chase = reach::next_step(incident).filter(|_| wakes);
    let snooze = incident
        .snoozed_until
        .filter(|_| incident.status == Status::Acknowledged);
    [
        climb,
        chase,
        snooze,
        incident.resolves_at(),
        climb::remind_at(incident),
        update::due_at(incident),
        gate::next_expiry(incident),
        conduct,
    ]
    .into_iter()
    .flatten()
    .min()
}

/// `AlertRef` of a normalised alert, cut to what the journal keeps.
#[must_use]
pub fn alert_ref(id: AlertId, alert: &super::alert::Alert) -> AlertRef {
    AlertRef {
        id,
        source: alert.source.clone(),
        fingerprint: alert.fingerprint.clone(),
        name: super::text::cut(alert.name(), 200),
        summary: super::text::cut(alert.summary(), 500),
        starts_at: alert.starts_at,
        url: alert.generator_url.clone(),
    }
}
