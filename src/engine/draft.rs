//! One batch in the making: commands become events, events become rows. Nothing here waits.

mod rooms;
mod whole;

pub(super) use whole::Untold;

use super::memory::{Memory, ShowKey};
use super::outgoing::Outgoing;
use super::reason::reason;
use super::vigil::chats_of;
use super::{Counter, Engine};
use crate::chat::words::concerning;
use crate::core::audit;
use crate::core::automation;
use crate::core::directory::Directory;
use crate::core::id::{AlertId, IncidentId, RoomId, RunId, Seq};
use crate::core::incident::{
    Command, Effect, Event, Incident, Origin, Place, Record, Refusal, Scene, Surface, Update,
    decide, evolve, react,
};
use crate::core::silence::{self, Silence};
use crate::core::time::Time;
use crate::metrics::Metrics;
use crate::store::{
    ChangeSet, Delivery, EventRow, FileRow, InboxRow, IncidentRow, Lane, NoticeRow, OutboxChange,
    OutboxRow, PERSON, ShowRow, UpdateRow,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Everything a batch will write and do, before it is committed.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says whether something else is to be done, and nothing of the others"
)]
pub(super) struct Draft {
    /// The instant of the batch.
    pub now: Time,
    /// The configuration in force.
    pub directory: Arc<Directory>,
    /// Where decisions are counted by their reason.
    pub metrics: Arc<Metrics>,
    /// What is written.
    pub changes: ChangeSet,
    /// What is handed to delivery after the commit.
    pub outgoing: Vec<Outgoing>,
    /// Surfaces that fall behind by it.
    pub behind: BTreeSet<ShowKey>,
    /// Pages that need not leave any more.
    pub withdrawn: Vec<i64>,
    /// Something may ring that need not any more.
    pub hush: bool,
    /// Incidents it changes.
    pub touched: BTreeSet<IncidentId>,
    /// Rooms of the console it changes.
    pub rooms: BTreeSet<RoomId>,
    /// Runs it changes.
    pub runs: BTreeMap<RunId, IncidentId>,
    /// Alert identities and the bytes to answer from memory once this is committed.
    pub hashes: Vec<(u128, u128)>,
    /// Place of a fresh alert's row in `changes.alerts`.
    pub fresh: HashMap<AlertId, usize>,
    /// Lines for channels that go out after the commit.
    pub notices: Vec<NoticeRow>,
    /// Silences changed: readers see the new ones after the commit.
    pub silenced: bool,
    /// Something was turned off or on: readers see it after the commit.
    pub switched: bool,
    /// Somebody was told something: subscribers and pages are looked at after the commit.
    pub informed: bool,
    /// Incidents that teach something else now.
    pub relearn: BTreeSet<IncidentId>,
    /// Wholes that are not in memory, to be told of their parts before the batch ends.
    pub untold: Vec<Untold>,
    /// Whoever waits for a key is being let go already.
    pumping: bool,
    /// For the numbers of runs that start by themselves.
    engine: Engine,
    /// The machine runs of this batch are handed to.
    pub node: String,
}

impl Draft {
    pub(super) fn new(engine: &Engine) -> Draft {
        Draft {
            now: engine.now(),
            directory: engine.directory(),
            metrics: engine.0.options.metrics.clone(),
            changes: ChangeSet::default(),
            outgoing: Vec::new(),
            behind: BTreeSet::new(),
            withdrawn: Vec::new(),
            hush: false,
            touched: BTreeSet::new(),
            rooms: BTreeSet::new(),
            runs: BTreeMap::new(),
            hashes: Vec::new(),
            fresh: HashMap::new(),
            notices: Vec::new(),
            silenced: false,
            switched: false,
            informed: false,
            relearn: BTreeSet::new(),
            untold: Vec::new(),
            pumping: false,
            engine: engine.clone(),
            node: engine.0.options.executors.node().to_owned(),
        }
    }

    /// Decisions of this batch are made under these silences, committed or not.
    pub(super) fn know(&mut self, silences: &Arc<BTreeMap<String, Arc<Silence>>>) {
        if !Arc::ptr_eq(&self.directory.silences, silences) {
            Arc::make_mut(&mut self.directory).silences = silences.clone();
        }
    }

    pub(super) fn is_pumping(&self) -> bool {
        self.pumping
    }

    pub(super) fn set_pumping(&mut self, pumping: bool) {
        self.pumping = pumping;
    }

    /// What would be answered; nothing is recorded.
    pub(super) fn would(
        &self,
        memory: &Memory,
        id: IncidentId,
        command: Command,
    ) -> Result<(), Refusal> {
        let incident = memory.incidents.get(id).ok_or(Refusal::NoSuchIncident)?;
        let scene = Scene {
            now: self.now,
            directory: &self.directory,
            brakes: &memory.brakes,
        };
        decide(&incident, &scene, command).map(drop)
    }

    /// Decides a command and records what follows from it. The incident must be in memory, or new.
    pub(super) fn apply(
        &mut self,
        memory: &mut Memory,
        cause: &str,
        id: IncidentId,
        mut command: Command,
    ) -> Result<Seq, Refusal> {
        self.take_turn(memory, &mut command);
        self.number_runs(&mut command);
        let blank = || Arc::new(Incident::new(id));
        let before = memory.awake(id).unwrap_or_else(blank);
        let scene = Scene {
            now: self.now,
            directory: &self.directory,
            brakes: &memory.brakes,
        };
        let events = decide(&before, &scene, command)?;
        // Of its copies one is left for the desk, so that it is changed in place where no reader has it.
        let mut incident = before;
        memory.incidents.remove(id);
        let before_status = (incident.status, incident.nature.private);
        let mut frees = false;
        for event in events {
            // The committed copy stays with its readers; this one is ours until the commit.
            let state = Arc::make_mut(&mut incident);
            let record = Record {
                seq: state.seq + 1,
                at: self.now,
                cause: cause.to_owned(),
                event,
            };
            evolve(state, &record);
            if let Event::Opened { .. } | Event::Reassigned { .. } | Event::LadderChanged { .. } =
                record.event
            {
                memory.share_ladder(state);
            }
            let effects = react(state, &record);
            let moved = memory.brakes.evolve(state, &record);
            frees |= moved.latch.is_some();
            self.keep_brakes(memory, moved);
            if matches!(record.event, Event::Reopened { .. }) {
                self.relearn.insert(id);
            }
            // What is left may all be silenced.
            let fewer = matches!(
                record.event,
                Event::Cleared { .. } | Event::Absorbed { .. } | Event::Reopened { .. }
            );
            if fewer && silence::known(&self.directory).next().is_some() {
                memory.quiet.unsure.insert(id);
            }
            self.record(memory, &incident, record, effects);
        }
        let seq = incident.seq;
        let whole = Untold::of(&incident, before_status, cause);
        if !incident.is_open() {
            for group in incident.groups() {
                memory.forget_group(group, id);
            }
        }
        if !incident.is_open() {
            self.relearn.insert(id);
        }
        memory.hold(incident);
        self.touched.insert(id);
        if frees {
            self.pump(memory);
        }
        if let Some(untold) = whole {
            if memory.incidents.contains(untold.whole) {
                self.tell_whole(memory, &untold);
            } else {
                self.untold.push(untold);
            }
        }
        Ok(seq)
    }

    /// Counts an incident whose policy has steps that take turns.
    fn take_turn(&mut self, memory: &mut Memory, command: &mut Command) {
        let Command::Open(open) = command else { return };
        let Some(ladder) = open.ladder.as_ref().filter(|l| l.takes_turns()) else {
            return;
        };
        open.turn = memory.next_turn(&ladder.policy);
        self.changes
            .turns
            .insert(ladder.policy.clone(), open.turn + 1);
    }

    /// Gives numbers to what wants to start by itself on an incident that an alert opens.
    fn number_runs(&self, command: &mut Command) {
        let Command::Open(open) = command else { return };
        if !matches!(open.origin, Origin::Alert { .. }) || !open.auto.is_empty() {
            return;
        }
        let service = open.service.as_deref();
        let wanted = automation::candidates(&self.directory, service, &open.labels);
        let next = || RunId(self.engine.next_id(Counter::Run));
        open.auto = wanted.into_iter().map(|a| (next(), a)).collect();
    }

    /// Remembers that a cause was answered.
    pub(super) fn answered(&mut self, cause: &str, incident: IncidentId, seq: Seq) {
        self.changes.inbox.push(InboxRow {
            cause: cause.to_owned(),
            at: self.now,
            incident,
            seq,
        });
    }

    /// Projections of everything touched; call once, last.
    pub(super) fn project(&mut self, memory: &Memory) {
        for id in &self.touched {
            if let Some(incident) = memory.incidents.get(*id) {
                self.changes
                    .incidents
                    .insert(*id, IncidentRow::of(&incident));
            }
        }
    }

    fn record(
        &mut self,
        memory: &mut Memory,
        incident: &Arc<Incident>,
        record: Record,
        effects: Vec<Effect>,
    ) {
        for (n, effect) in effects.into_iter().enumerate() {
            let n = u32::try_from(n).unwrap_or(u32::MAX);
            match effect {
                Effect::Page { person, contact } => {
                    self.send(memory, incident, &record, n, Lane::Page, person, contact);
                }
                Effect::Run { run } => {
                    self.send(
                        memory,
                        incident,
                        &record,
                        n,
                        Lane::Run,
                        self.node.clone(),
                        run.0.to_string(),
                    );
                }
                Effect::Rehearse { run } => {
                    self.send(
                        memory,
                        incident,
                        &record,
                        n,
                        Lane::Run,
                        self.node.clone(),
                        format!("dry:{}", run.0),
                    );
                }
                Effect::Say { to } => self.say(memory, incident, &record, n, &to),
                Effect::Show { surface } => {
                    self.lose_room(memory, incident.id, &record.event);
                    self.show(memory, incident, surface);
                    if matches!(record.event, Event::RoomRetried { .. }) {
                        self.hurry(memory, incident.id, surface);
                    }
                }
                Effect::Tell { person } => self.tell(incident, &record, &person),
                Effect::Inform => self.inform(incident, &record),
                Effect::StandDown => self.stand_down(memory, incident.id, None, &record.event),
                Effect::Spare { person } => {
                    self.stand_down(memory, incident.id, Some(&person), &record.event);
                }
            }
        }
        if let Event::Attached(file) = &record.event {
            self.changes.files.push(FileRow {
                incident: incident.id,
                seq: record.seq,
                at: record.at,
                name: file.name.clone(),
                kind: file.kind.clone(),
                bytes: i64::try_from(file.bytes).unwrap_or(i64::MAX),
                sha256: file.sha256.clone(),
                removed: false,
            });
        }
        self.changes
            .facts
            .extend(audit::of_event(incident, &record));
        if let Some((kind, reason)) = reason(&record.event) {
            self.metrics.why(kind, reason);
        }
        self.changes.events.push(EventRow {
            pos: memory.next_event(),
            incident: incident.id,
            record,
        });
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the columns of one row, named once"
    )]
    fn send(
        &mut self,
        memory: &mut Memory,
        incident: &Arc<Incident>,
        record: &Record,
        n: u32,
        lane: Lane,
        target: String,
        detail: String,
    ) {
        // A page is written as on its way: it leaves right after this commit, and a crash sends it
        // again. So is a run: it starts right after it, and a crash asks what became of it.
        let (state, attempts) = if matches!(lane, Lane::Page | Lane::Run) {
            (Delivery::Sending, 1)
        } else {
            (Delivery::Waiting, 0)
        };
        let row = OutboxRow {
            id: memory.next_outbox(),
            incident: incident.id,
            seq: record.seq,
            n,
            lane,
            target,
            detail,
            state,
            attempts,
            due_at: self.now,
            created_at: self.now,
            updated_at: self.now,
            error: String::new(),
            remote: String::new(),
        };
        if lane == Lane::Page {
            memory.page_state(&row);
        }
        self.changes.outbox.push(row.clone());
        self.outgoing.push(Outgoing {
            row,
            incident: incident.clone(),
            record: Some(record.clone()),
            interrupted: false,
            told: false,
        });
    }

    fn say(
        &mut self,
        memory: &mut Memory,
        incident: &Arc<Incident>,
        record: &Record,
        n: u32,
        to: &Place,
    ) {
        let directory = self.directory.clone();
        let open = !incident.nature.private;
        // Each platform gets its own row, so that one that is down holds up no other.
        let mut part = n * 100;
        let platforms: Vec<String> = directory
            .platforms_of(incident.team.as_deref())
            .map(str::to_owned)
            .collect();
        for platform in &platforms {
            let channel = incident.channel.clone();
            let places: Vec<String> = match to {
                Place::RoomExcept(from) | Place::LoudExcept(from) if from == platform => Vec::new(),
                Place::Room | Place::RoomExcept(_) => vec!["room".to_owned()],
                Place::Loud | Place::LoudExcept(_) => [
                    incident.major.then(|| "room".to_owned()),
                    channel.filter(|_| open).map(|c| format!("channel:{c}")),
                ]
                .into_iter()
                .flatten()
                .collect(),
                Place::Everywhere => incident
                    .major
                    .then(|| "room".to_owned())
                    .into_iter()
                    .chain(every_channel(&directory))
                    .collect(),
                // Said without a word of what it is about; see `card::line`.
                Place::Channel(name) => vec![format!("channel:{name}")],
                Place::Gone => vec![GONE.to_owned()],
            };
            for place in places {
                self.send(
                    memory,
                    incident,
                    record,
                    part,
                    Lane::Say,
                    platform.clone(),
                    place,
                );
                part += 1;
            }
        }
    }

    /// Words to one person, where they chat with firebell.
    fn tell(&mut self, incident: &Incident, record: &Record, person: &str) {
        let url = format!("{}/incidents/{}", self.engine.public_url(), incident.id.0);
        let text = concerning(incident, record, person, &self.directory, &url);
        for platform in chats_of(&self.directory, person) {
            let key = format!("tell:{}:{}:{person}:{platform}", incident.id.0, record.seq);
            let row = NoticeRow {
                key: key.clone(),
                platform,
                channel: format!("{PERSON}{person}"),
                text: text.clone(),
                state: "waiting".to_owned(),
                attempts: 0,
                due_at: self.now,
                created_at: self.now,
                error: String::new(),
            };
            self.notices.push(row.clone());
            self.changes.notices.insert(key, row);
        }
    }

    /// An update, for the page and for those who asked to be told.
    fn inform(&mut self, incident: &Incident, record: &Record) {
        let Event::Updated(update) = &record.event else {
            return;
        };
        self.informed = true;
        self.changes.updates.updates.push(UpdateRow {
            incident: incident.id,
            seq: record.seq,
            at: record.at,
            service: incident.service.clone(),
            severity: incident.severity.0,
            update: Some(Update::clone(update)),
            state: "waiting".to_owned(),
        });
    }

    fn show(&mut self, memory: &mut Memory, incident: &Arc<Incident>, surface: Surface) {
        let directory = self.directory.clone();
        if surface == Surface::Digest && directory.rooms.announced(incident).is_none() {
            return;
        }
        for platform in directory.platforms_of(incident.team.as_deref()) {
            if surface.is_furniture() && !directory.furnished(platform) {
                continue;
            }
            // A room that is there is not made again, and one that is put away is not opened.
            let settled = incident.rooms.contains_key(platform) || incident.talk.archived;
            if surface == Surface::Room && settled {
                continue;
            }
            let key: ShowKey = (incident.id, platform.to_owned(), surface.word().to_owned());
            let row = memory.shows.entry(key.clone()).or_insert_with(|| ShowRow {
                incident: incident.id,
                platform: platform.to_owned(),
                surface: surface.word().to_owned(),
                want: 0,
                have: 0,
                remote: String::new(),
                attempts: 0,
                due_at: self.now,
                error: String::new(),
            });
            row.want = incident.seq;
            self.changes.shows.insert(key.clone(), row.clone());
            self.behind.insert(key);
        }
    }

    /// Withdraws the pages of an incident that have not left: all, or one person's.
    fn stand_down(
        &mut self,
        memory: &mut Memory,
        id: IncidentId,
        person: Option<&str>,
        event: &Event,
    ) {
        let why = match event {
            Event::Acknowledged { by } | Event::AckCounted { by, .. } => {
                format!("acknowledged by {}", by.name())
            }
            Event::Snoozed { by, .. } => format!("snoozed by {}", by.name()),
            Event::Resolved { by, .. } => format!("resolved by {}", by.name()),
            Event::Muted { words, .. } => format!("silenced by {words}"),
            Event::Reassigned { by, to, .. } => format!("{} gave it to {to}", by.name()),
            Event::Merged { into, .. } => format!("merged into {into}"),
            _ => "no longer needed".to_owned(),
        };
        self.hush = true;
        for row in memory.take_pages(id, person) {
            self.withdrawn.push(row.id);
            self.changes.outbox_changes.insert(
                row.id,
                OutboxChange {
                    id: row.id,
                    state: Delivery::Withdrawn,
                    attempts: row.attempts,
                    due_at: row.due_at,
                    updated_at: self.now,
                    error: why.clone(),
                    remote: String::new(),
                },
            );
        }
    }
}

/// In place of a room: what was said of the event a redaction names is to go.
pub(super) const GONE: &str = "gone";

/// Every channel the directory names, once.
pub(super) fn every_channel(directory: &Directory) -> Vec<String> {
    let names = directory.channels().into_iter();
    names.map(|c| format!("channel:{c}")).collect()
}
