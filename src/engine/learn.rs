//! Learning: after every incident its journal is read once more for what it teaches.
//!
//! Promises: what is known is what the journals say and nothing else: forget the table and it is
//! made again, the same. Learning is never in the way of anything: it has its own task, and a
//! failure is tried again at the next incident.

use super::{Change, Engine, Failure};
use crate::core::analytics::{Fact, fact};
use crate::core::directory::Directory;
use crate::core::id::{IncidentId, Severity};
use crate::core::learn::{Lesson, Proposal, lesson};
use crate::core::time::Time;
use crate::store::{ChangeSet, MeasureRow, NoticeRow, StoreFault, TeachingRow};
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use tokio::sync::broadcast::error::RecvError;

/// Journals read and written in one go.
const AT_ONCE: usize = 64;
/// Lessons a start takes up: of every pattern of the last months, as much as is looked back on.
const KEPT: i64 = 5000;
/// An incident that ended longer ago is history and not counted by the metrics, milliseconds.
const COUNTED_MS: i64 = 3_600_000;

/// How far learning has come.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// What was stored is known, and what was missed is on the list.
    caught_up: bool,
    /// What the metrics have counted: the newest ends.
    counted: BTreeSet<(Time, IncidentId)>,
}

/// Learns until the process ends.
pub(super) async fn keep(engine: Engine) {
    // Before the first look, so that nothing that changes meanwhile is missed.
    let mut changes = engine.changes();
    loop {
        if let Err(failure) = engine.learn().await {
            tracing::warn!(%failure, "past incidents could not be learned from; tried again at the next one");
        }
        loop {
            match changes.recv().await {
                Ok(Change::Incident(_)) | Err(RecvError::Lagged(_)) => break,
                Ok(_) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }
}

impl Engine {
    /// Reads every journal that has more to teach; answers with how many that were.
    ///
    /// # Errors
    /// When the store cannot be read or written; what was not learned stays on the list.
    pub(super) async fn learn(&self) -> Result<usize, Failure> {
        let mut progress = self.0.learning.lock().await;
        if !progress.caught_up {
            self.catch_up().await?;
            progress.caught_up = true;
        }
        let mut all = 0;
        loop {
            let ids = self.take_unlearned();
            if ids.is_empty() {
                return Ok(all);
            }
            all += ids.len();
            if let Err(failure) = self.read_lessons(&ids, &mut progress).await {
                let mut list = self.list();
                list.extend(ids);
                return Err(failure);
            }
        }
    }

    fn list(&self) -> std::sync::MutexGuard<'_, BTreeSet<IncidentId>> {
        let list = self.0.unlearned.lock();
        list.unwrap_or_else(PoisonError::into_inner)
    }

    fn take_unlearned(&self) -> Vec<IncidentId> {
        let mut list = self.list();
        let ids: Vec<IncidentId> = list.iter().take(AT_ONCE).copied().collect();
        for id in &ids {
            list.remove(id);
        }
        ids
    }

    /// Takes up what is stored, and lists what was missed.
    async fn catch_up(&self) -> Result<(), StoreFault> {
        let known = self.store().teachings(KEPT).await?;
        self.know(known.into_iter().map(|l| (l.incident, Some(l))));
        let mut after = IncidentId(0);
        loop {
            let missed = self.store().unlearned(after, 1000).await?;
            let Some(last) = missed.last() else {
                break;
            };
            after = *last;
            self.list().extend(missed);
        }
        let mut after = IncidentId(0);
        loop {
            let missed = self.store().unmeasured(after, 1000).await?;
            let Some(last) = missed.last() else {
                return Ok(());
            };
            after = *last;
            self.list().extend(missed);
        }
    }

    /// Reads these journals: what they teach, and what they count for.
    async fn read_lessons(
        &self,
        ids: &[IncidentId],
        progress: &mut Progress,
    ) -> Result<(), Failure> {
        let (mut changes, now) = (ChangeSet::default(), self.now());
        let mut lessons = Vec::new();
        for id in ids {
            let journal = self.store().journal(*id).await?;
            let lesson = lesson(*id, &journal);
            let seq = u32::try_from(journal.len()).unwrap_or(u32::MAX);
            let fact = fact(*id, &journal);
            if let Some(fact) = &fact {
                self.count_end(*id, fact, progress, now);
            }
            let measure = MeasureRow {
                incident: *id,
                seq,
                opened_at: fact.as_ref().map_or(now, |f| f.opened),
                fact,
            };
            changes.insight.measures.insert(*id, measure);
            let row = TeachingRow {
                incident: *id,
                seq,
                at: lesson.as_ref().map_or(now, |l| l.opened_at),
                lesson: lesson.clone(),
            };
            changes.teachings.insert(*id, row);
            lessons.push((*id, lesson));
        }
        let fresh: Vec<Lesson> = lessons.iter().filter_map(|(_, l)| l.clone()).collect();
        self.know(lessons.into_iter());
        self.propose(&fresh, &mut changes, now).await?;
        self.write(changes).await
    }

    /// An incident that ended just now is counted once, however often its journal is read.
    fn count_end(&self, id: IncidentId, fact: &Fact, progress: &mut Progress, now: Time) {
        let over = fact.opened.plus_ms(fact.resolve);
        let old = now.since_ms(over) > COUNTED_MS || fact.drill || fact.merged;
        if old || !progress.counted.insert((over, id)) {
            return;
        }
        while progress
            .counted
            .first()
            .is_some_and(|(t, _)| now.since_ms(*t) > COUNTED_MS)
        {
            progress.counted.pop_first();
        }
        let severity = self.directory().severity_name(Severity(fact.severity));
        self.metrics()
            .incident_over(&severity, fact.acknowledge, fact.resolve);
    }

    /// Decisions and cards see it from now on.
    fn know(&self, lessons: impl Iterator<Item = (IncidentId, Option<Lesson>)>) {
        let mut learned = self.directory().learned.as_ref().clone();
        for (id, lesson) in lessons {
            match lesson {
                Some(lesson) => learned.add(lesson),
                None => learned.remove(id),
            }
        }
        let learned = Arc::new(learned);
        self.0.directory.rcu(|now| Directory {
            learned: learned.clone(),
            ..Directory::clone(now)
        });
    }

    /// Says once, in the channel of whom it concerns, that an action has earned the next level.
    async fn propose(
        &self,
        fresh: &[Lesson],
        changes: &mut ChangeSet,
        now: Time,
    ) -> Result<(), Failure> {
        let directory = self.directory();
        let services: BTreeSet<&str> = fresh.iter().map(|l| l.pattern.service.as_str()).collect();
        let earned = directory.learned.proposals(&directory);
        let earned: Vec<Proposal> = earned
            .into_iter()
            .filter(|p| services.contains(p.service.as_str()))
            .collect();
        if earned.is_empty() {
            return Ok(());
        }
        let told = self.store().told().await?;
        for proposal in earned {
            let key = proposal_key(&proposal);
            let service = directory.services.get(&proposal.service);
            let team = service.map(|s| s.team.as_str());
            let channel = directory.channel(Some(&proposal.service), team);
            let (false, Some(channel)) = (told.contains(&key), channel) else {
                continue;
            };
            let text = format!(
                "{} firebell never promotes by itself: what to write, and what speaks for it, is on {}/automation",
                proposal.words(),
                self.public_url()
            );
            for platform in directory.platforms_of(team) {
                let row = NoticeRow {
                    key: format!("{key}:{platform}"),
                    platform: platform.to_owned(),
                    channel: channel.to_owned(),
                    text: text.clone(),
                    state: "waiting".to_owned(),
                    attempts: 0,
                    due_at: now,
                    created_at: now,
                    error: String::new(),
                };
                changes.notices.insert(row.key.clone(), row);
            }
            changes.told.push((key, now));
        }
        Ok(())
    }
}

/// Told once for an action, a service and a level.
fn proposal_key(proposal: &Proposal) -> String {
    format!(
        "auto:{}:{}:{}",
        proposal.action,
        proposal.service,
        proposal.level.word()
    )
}
