//! Postmortems: what people change in them, and what time does: deadlines, reminders, search, exports.
//!
//! Promises: a change is in the database before it is answered, whole with its revision; one change
//! of a postmortem after the other; a reminder is told once, whatever crashed; none of it is ever in
//! the way of a page: it has its own task, and a failure here is logged, shown and tried again.

use super::vigil::chats_of;
use super::{Change, Engine, Failure};
use crate::core::directory::Directory;
use crate::core::id::{Actor, IncidentId};
use crate::core::incident::{Event, Incident, Record, Refusal};
use crate::core::postmortem::{self, Act, Postmortem, Template, Written, half};
use crate::core::sight::Sight;
use crate::core::time::Time;
use crate::core::timeline;
use crate::share::Places;
use crate::store::{
    ChangeSet, FoundRow, LessonRow, NoticeRow, PERSON, PostmortemRow, RevisionRow, StoreFault,
};
use arc_swap::ArcSwapOption;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

/// Incidents that are read for the search in one go.
const AT_ONCE: i64 = 50;
/// After something could not be read or stored.
const AGAIN_MS: i64 = 60_000;
/// Lessons looked at to find the one that fits best.
const LESSONS: i64 = 50;

/// What tasks share about postmortems.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Held by whoever changes one.
    pub(super) write: tokio::sync::Mutex<()>,
    /// Held by whoever sees to all.
    mind: tokio::sync::Mutex<()>,
    /// Where they may go; nothing leaves before that was said, or a start would take every place for gone.
    pub(super) places: ArcSwapOption<Places>,
    /// Incidents for which was looked for a lesson.
    pub(super) looked: super::hints::Looked,
    /// An export was asked for.
    pub(super) moved: tokio::sync::Notify,
}

/// A document and what it was made from.
#[derive(Clone, Debug)]
pub struct Read {
    /// Facts, drafts and people's words.
    pub document: Postmortem,
    /// What people added.
    pub written: Written,
    /// How often it was changed.
    pub revision: i64,
    /// How it reads.
    pub template: Arc<Template>,
}

impl Engine {
    /// The postmortem of an incident as it is now; `None`: there is no such incident.
    ///
    /// # Errors
    /// `Unavailable` when the store does not answer.
    pub async fn postmortem(&self, id: IncidentId) -> Result<Option<Read>, Failure> {
        let journal = self.store().journal(id).await?;
        if journal.is_empty() {
            return Ok(None);
        }
        let row = self.store().postmortem(id).await?;
        Ok(Some(self.read(id, &journal, row)))
    }

    fn read(&self, id: IncidentId, journal: &[Record], row: Option<PostmortemRow>) -> Read {
        let directory = self.directory();
        let (mut written, revision) =
            row.map_or_else(Default::default, |r| (r.written, r.revision));
        written.collect(&Incident::replay(id, journal).conduct, directory.zone);
        let draft = postmortem::build(id, journal, directory.zone);
        let document = draft.with(&written, &|id| directory.person_name(id));
        let template = directory.template(&document);
        Read {
            document,
            written,
            revision,
            template,
        }
    }

    /// The highest number an action item of an incident has that is in no journal: tasks are counted on
    /// from there, so that a number means one thing.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn item_floor(&self, id: IncidentId) -> Result<u32, Failure> {
        let row = self.store().postmortem(id).await?;
        Ok(row.map_or(0, |r| r.written.last_item))
    }

    /// Changes a postmortem and says what happened.
    ///
    /// # Errors
    /// A refusal in words, or `Unavailable` when nothing could be stored.
    pub async fn amend(&self, id: IncidentId, act: Act, by: &Actor) -> Result<String, Failure> {
        let _one = self.0.after.write.lock().await;
        let now = self.now();
        let mut journal = self.store().journal(id).await?;
        if journal.is_empty() {
            return Err(Refusal::NoSuchIncident.into());
        }
        let row = self.store().postmortem(id).await?;
        let stored = row.as_ref().map(|r| r.written.clone());
        let mut before = self.read(id, &journal, row.clone());
        let invalid = |why: postmortem::Refused| {
            Failure::Refused(Refusal::Invalid {
                why: why.to_string(),
            })
        };
        // What would be refused changes no journal.
        let (_, what) = before
            .written
            .after(act.clone(), by, now)
            .map_err(invalid)?;
        // What an action item is stands in the journal; what is put here is the rest.
        let rest = self.in_journal(id, &before.written, act, by).await?;
        if rest.journaled {
            journal = self.store().journal(id).await?;
            before = self.read(id, &journal, row);
        }
        let written = match rest.act {
            Some(act) => before.written.after(act, by, now).map_err(invalid)?.0,
            None => before.written,
        };
        if stored.unwrap_or_default() != written {
            let changes = self.revised(id, &journal, before.revision + 1, written, by, &what);
            self.write(changes).await?;
            self.announce(Change::Incident(id));
        }
        Ok(what)
    }

    /// A new state with its revision and the words that are searched.
    fn revised(
        &self,
        id: IncidentId,
        journal: &[Record],
        revision: i64,
        written: Written,
        by: &Actor,
        what: &str,
    ) -> ChangeSet {
        let now = self.now();
        let row = PostmortemRow {
            incident: id,
            revision,
            written: written.clone(),
            updated_at: now,
        };
        let read = self.read(id, journal, Some(row.clone()));
        ChangeSet {
            postmortems: vec![row],
            revisions: vec![RevisionRow {
                incident: id,
                revision,
                at: now,
                author: by.clone(),
                what: what.to_owned(),
                written,
            }],
            lessons: vec![lesson(id, journal, &read)],
            ..ChangeSet::default()
        }
    }

    /// What was learned from an incident like this one and agreed on: of the same alert before of the
    /// same service, of several the newest.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn related_lesson(
        &self,
        incident: &Incident,
        alert: Option<&str>,
        sight: &Sight,
    ) -> Result<Option<FoundRow>, StoreFault> {
        let service = incident.service.as_deref();
        if service.is_none() && alert.is_none() {
            return Ok(None);
        }
        let rows = self.store().lessons(service, alert, sight, LESSONS).await?;
        let mut best: Option<(u8, FoundRow)> = None;
        for (found, alerts) in rows {
            let same = alert.is_some_and(|a| alerts.iter().any(|b| a == b));
            let score = u8::from(same) * 2
                + u8::from(service.is_some() && found.service.as_deref() == service);
            let better = best.as_ref().is_none_or(|(most, _)| score > *most);
            if found.incident != incident.id && better {
                best = Some((score, found));
            }
        }
        Ok(best.map(|(_, found)| found))
    }

    /// Does what is due to postmortems: deadlines of incidents that were resolved, their words for the
    /// search, reminders, exports. `only`: these incidents; `None`: whatever is behind. Answers with
    /// how much that was.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub(super) async fn mind_postmortems(
        &self,
        only: Option<BTreeSet<IncidentId>>,
    ) -> Result<usize, Failure> {
        let _one = self.0.after.mind.lock().await;
        let mut done = 0;
        let behind = match only {
            Some(ids) => ids.into_iter().collect(),
            None => self.store().unread(AT_ONCE).await?,
        };
        for id in behind {
            done += usize::from(self.take_in(id).await?);
        }
        done += self.remind().await?;
        Ok(done + self.send_exports().await?)
    }

    /// Words were removed: what is searched is read anew, where there is something to search.
    pub(super) async fn index_again(&self, id: IncidentId) -> Result<(), Failure> {
        let _one = self.0.after.write.lock().await;
        if !self.store().is_searched(id).await? {
            return Ok(());
        }
        let journal = self.store().journal(id).await?;
        let row = self.store().postmortem(id).await?;
        let read = self.read(id, &journal, row);
        let changes = ChangeSet {
            lessons: vec![lesson(id, &journal, &read)],
            ..ChangeSet::default()
        };
        self.write(changes).await
    }

    /// An incident that is over: until when a review is due, and what can be found of it.
    async fn take_in(&self, id: IncidentId) -> Result<bool, Failure> {
        let _one = self.0.after.write.lock().await;
        let journal = self.store().journal(id).await?;
        let incident = Incident::replay(id, &journal);
        let Some(resolved) = incident.resolved_at else {
            return Ok(false);
        };
        let row = self.store().postmortem(id).await?;
        let read = self.read(id, &journal, row);
        let directory = self.directory();
        // A drill owes nobody a review.
        let due = if incident.merged_into.is_some() || incident.nature.drill {
            None
        } else {
            let deadlines = &directory.postmortems.deadlines;
            deadlines.due(&read.document.severity, resolved, directory.zone)
        };
        let changes = if due.is_some() && read.written.from != Some(resolved) {
            let act = Act::Due {
                from: resolved,
                due,
            };
            let firebell = Actor::Firebell;
            let (written, what) =
                read.written
                    .after(act, &firebell, self.now())
                    .map_err(|why| {
                        Failure::Refused(Refusal::Invalid {
                            why: why.to_string(),
                        })
                    })?;
            self.revised(id, &journal, read.revision + 1, written, &firebell, &what)
        } else {
            ChangeSet {
                lessons: vec![lesson(id, &journal, &read)],
                ..ChangeSet::default()
            }
        };
        self.write(changes).await?;
        Ok(true)
    }

    /// Reminds whoever sees to a postmortem at half of its time and at its end.
    async fn remind(&self) -> Result<usize, Failure> {
        let now = self.now();
        let owed = self.store().owed().await?;
        if owed.is_empty() {
            return Ok(0);
        }
        let told = self.store().told().await?;
        let directory = self.directory();
        let mut changes = ChangeSet::default();
        for row in owed {
            let Some((key, late)) = owing(&row, now).filter(|(key, _)| !told.contains(key)) else {
                continue;
            };
            let Some(incident) = self.incident(row.incident).await? else {
                continue;
            };
            let text = self.reminder(&row, &incident, late, &directory);
            for (platform, place) in recipients(&directory, &row.written, &incident) {
                let key = format!("{key}:{platform}:{place}");
                changes.notices.insert(
                    key.clone(),
                    NoticeRow {
                        key,
                        platform,
                        channel: place,
                        text: text.clone(),
                        state: "waiting".to_owned(),
                        attempts: 0,
                        due_at: now,
                        created_at: now,
                        error: String::new(),
                    },
                );
            }
            changes.told.push((key, now));
        }
        let said = changes.told.len();
        if said > 0 {
            self.write(changes).await?;
        }
        Ok(said)
    }

    fn reminder(
        &self,
        row: &PostmortemRow,
        incident: &Incident,
        late: bool,
        directory: &Directory,
    ) -> String {
        let due = row.written.due.map_or(String::new(), |due| {
            timeline::format(due, directory.zone, "%a %-d %b %H:%M %Z")
        });
        let when = if late {
            format!("was to be reviewed until {due}")
        } else {
            format!("is to be reviewed until {due}; half of that time is over")
        };
        format!(
            "The postmortem of {} “{}” {when}. It is at “{}”: {}/incidents/{}/postmortem",
            incident.id,
            incident.title,
            row.written.stage.words(),
            self.public_url(),
            incident.id.0
        )
    }

    /// When something is to be done to postmortems next.
    async fn next_postmortem(&self) -> Result<Option<Time>, Failure> {
        let now = self.now();
        let owed = self.store().owed().await?;
        let reminders = owed.iter().flat_map(|row| {
            let (from, due) = (row.written.from, row.written.due);
            [from.zip(due).map(|(from, due)| half(from, due)), due]
        });
        let reminders = reminders.flatten().filter(|at| *at > now).min();
        let export = self.store().next_export().await?;
        Ok(reminders.into_iter().chain(export).min())
    }
}

/// Key of the reminder that is due, and whether the time is over.
fn owing(row: &PostmortemRow, now: Time) -> Option<(String, bool)> {
    let (from, due) = (row.written.from?, row.written.due?);
    let key = |word: &str| format!("postmortem:{}:{word}:{}", row.incident.0, due.0);
    if due <= now {
        Some((key("due"), true))
    } else if half(from, due) <= now {
        Some((key("half"), false))
    } else {
        None
    }
}

/// Its owner, else who led or had the incident, else the team's channel: platform and place.
fn recipients(
    directory: &Directory,
    written: &Written,
    incident: &Incident,
) -> Vec<(String, String)> {
    let actors = [&incident.lead, &incident.resolved_by, &incident.acked_by];
    let person = written.owner.clone().or_else(|| {
        let ids = actors.into_iter().flatten().filter_map(|a| a.person());
        ids.map(str::to_owned).next()
    });
    if let Some(id) = person.filter(|id| directory.people.contains_key(id)) {
        let chats = chats_of(directory, &id).into_iter();
        return chats.map(|p| (p, format!("{PERSON}{id}"))).collect();
    }
    let channel = directory.channel(incident.service.as_deref(), incident.team.as_deref());
    // Where everybody reads nothing is said of a private incident.
    let Some(channel) = channel.filter(|_| !incident.nature.private) else {
        tracing::warn!(
            incident = incident.id.0,
            "nobody sees to a postmortem that is due, and its team has no channel"
        );
        return Vec::new();
    };
    let platforms = directory.platforms.iter();
    platforms.map(|p| (p.clone(), channel.to_owned())).collect()
}

/// The words of an incident.
fn lesson(id: IncidentId, journal: &[Record], read: &Read) -> LessonRow {
    let p = &read.document;
    let mut words = String::new();
    let mut say = |text: &str| {
        if words.len() < crate::store::WORDS_BYTES {
            words.push_str(text);
            words.push('\n');
        }
    };
    // What people concluded stands first: it is what a cut must not take.
    say(&p.summary);
    for s in p.sections.iter().filter(|s| s.edited) {
        say(&s.title);
        say(&s.text);
    }
    p.review.items.iter().for_each(|i| say(&i.what));
    p.timeline.iter().for_each(|l| say(&l.text));
    for s in &p.conversation {
        say(&s.text);
        s.earlier.iter().for_each(|before| say(&before.text));
    }
    let alerts: BTreeSet<String> = p.alerts.iter().map(|a| a.name.replace('\n', " ")).collect();
    let opened = journal
        .iter()
        .find(|r| matches!(r.event, Event::Opened { .. }));
    LessonRow {
        incident: id,
        seq: journal.last().map_or(0, |r| r.seq.into()),
        revision: read.revision,
        at: opened.map_or(Time(0), |r| r.at),
        service: p.service.clone(),
        team: p.team.clone(),
        stage: if read.revision == 0 {
            String::new()
        } else {
            read.written.stage.word().to_owned()
        },
        alerts: alerts.into_iter().collect(),
        title: p.title.clone(),
        words,
    }
}

/// Sees to postmortems until the process ends.
pub(super) async fn keep(engine: Engine) {
    let clock = engine.0.options.clock.clone();
    // Before the first look, so that nothing that changes meanwhile is missed.
    let mut changes = engine.changes();
    // At first whatever is behind, in pieces.
    let mut only: Option<BTreeSet<IncidentId>> = None;
    loop {
        let all = only.is_none();
        let next = match engine.mind_postmortems(only.take()).await {
            Ok(done) if all && done > 0 => Some(engine.now()),
            Ok(_) => {
                only = Some(BTreeSet::new());
                match engine.next_postmortem().await {
                    Ok(next) => next,
                    Err(_) => Some(engine.now().plus_ms(AGAIN_MS)),
                }
            }
            Err(failure) => {
                tracing::warn!(%failure, "postmortems could not be seen to; tried again");
                Some(engine.now().plus_ms(AGAIN_MS))
            }
        };
        tokio::select! {
            () = clock.sleep_until(next) => {}
            () = engine.0.after.moved.notified() => {}
            over = over(&engine, &mut changes) => match over {
                Some(ids) => only.get_or_insert_default().extend(ids),
                None => only = None,
            },
        }
    }
}

/// Incidents that changed and are not open: what a storm changes does not concern anybody here.
/// `None`: some changes were missed.
async fn over(
    engine: &Engine,
    changes: &mut tokio::sync::broadcast::Receiver<Change>,
) -> Option<BTreeSet<IncidentId>> {
    let closed = |change: Change| match change {
        Change::Incident(id) => {
            let open = engine.0.open.read();
            let open = open.unwrap_or_else(std::sync::PoisonError::into_inner);
            (!open.contains(id)).then_some(id)
        }
        _ => None,
    };
    let mut ids = BTreeSet::new();
    loop {
        match changes.recv().await {
            Ok(change) => ids.extend(closed(change)),
            Err(RecvError::Lagged(_)) => return None,
            Err(RecvError::Closed) => std::future::pending().await,
        }
        loop {
            match changes.try_recv() {
                Ok(change) => ids.extend(closed(change)),
                Err(TryRecvError::Lagged(_)) => return None,
                Err(_) => break,
            }
        }
        if !ids.is_empty() {
            return Some(ids);
        }
    }
}
