//! Covers in force: made, taken and ended by people, one after the other, and minded by the clock.
//!
//! Promises: what was answered is stored before; the schedules everybody asks have it from then on,
//! also after the files are read again and after a restart; of two people who take the same request
//! the first has it. Decisions are [`core::duty`](crate::core::duty)'s, put to it under one lock.
//! Never here: paging. A cover that cannot be stored changes nothing.

use super::vigil::{channel_of, chats_of};
use super::{Change, Engine, Failure};
use crate::core::directory::Directory;
use crate::core::duty::{self, Answer, Cover, Decided, Notice, Wish};
use crate::core::id::Actor;
use crate::core::incident::Refusal;
use crate::core::time::Time;
use crate::store::{ChangeSet, CoverRow, NoticeRow, PERSON};
use std::collections::BTreeMap;
use std::sync::Arc;

/// In front of the number in an override's id.
const OWN: &str = "cover-";
/// Covers that ended longer ago are in the database only, milliseconds: what the calendar and the
/// ledger look back.
const KEPT_MS: i64 = 400 * 86_400_000;

/// What is known of covers.
#[derive(Debug, Default)]
pub(super) struct Covers {
    pub(super) all: BTreeMap<i64, Cover>,
    causes: BTreeMap<String, i64>,
    high: i64,
}

impl Covers {
    /// What a start reads.
    pub(super) fn of(rows: Vec<CoverRow>) -> Covers {
        let mut covers = Covers::default();
        for row in rows {
            covers.keep(row.cause, row.cover);
        }
        covers
    }

    fn keep(&mut self, cause: String, cover: Cover) {
        self.high = self.high.max(cover.id);
        self.causes.insert(cause, cover.id);
        self.all.insert(cover.id, cover);
    }

    fn cause(&self, id: i64) -> String {
        let found = self.causes.iter().find(|(_, known)| **known == id);
        found.map(|(cause, _)| cause.clone()).unwrap_or_default()
    }
}

impl Engine {
    /// Makes a cover, or asks for one. `cause` makes it idempotent, as for
    /// [`Engine::submit`](Engine::submit). `wanted`: schedule, begin and end.
    ///
    /// # Errors
    /// A refusal in words, or `Unavailable` when it could not be stored.
    pub async fn cover(
        &self,
        cause: &str,
        by: &Actor,
        wanted: (&str, Time, Time),
        wish: Wish,
        note: String,
    ) -> Result<Decided, Failure> {
        let mut covers = self.0.covers.lock().await;
        if let Some(known) = covers.causes.get(cause).and_then(|id| covers.all.get(id)) {
            return Ok(Decided {
                cover: known.clone(),
                warnings: Vec::new(),
                notices: Vec::new(),
            });
        }
        let id = covers.high + 1;
        let directory = self.directory();
        let decided =
            duty::make(&directory, self.now(), by, id, wanted, wish, note).map_err(refused)?;
        self.settle_cover(&mut covers, cause.to_owned(), &decided)
            .await?;
        Ok(decided)
    }

    /// Takes, declines or cancels a cover.
    ///
    /// # Errors
    /// A refusal in words, or `Unavailable` when it could not be stored.
    pub async fn answer_cover(
        &self,
        by: &Actor,
        id: i64,
        answer: Answer,
    ) -> Result<Decided, Failure> {
        let mut covers = self.0.covers.lock().await;
        let Some(cover) = covers.all.get(&id) else {
            return Err(refused(format!("There is no cover-{id}.")));
        };
        let (directory, now) = (self.directory(), self.now());
        let decided = match answer {
            Answer::Take => duty::take(&directory, now, by, cover),
            Answer::Decline => duty::decline(&directory, by, cover),
            Answer::Cancel => duty::cancel(&directory, now, by, cover),
        };
        let decided = decided.map_err(refused)?;
        let cause = covers.cause(id);
        self.settle_cover(&mut covers, cause, &decided).await?;
        Ok(decided)
    }

    /// Every cover that is known, by number.
    #[must_use]
    pub fn covers(&self) -> Arc<BTreeMap<i64, Cover>> {
        self.0.agreed.load_full()
    }

    /// Does to requests what time does; answers with how many it changed.
    pub(super) async fn mind_covers(&self) -> usize {
        let mut covers = self.0.covers.lock().await;
        let (directory, now) = (self.directory(), self.now());
        let due: Vec<Decided> = covers
            .all
            .values()
            .filter_map(|c| duty::wake(&directory, now, c))
            .collect();
        let mut changed = 0;
        for decided in due {
            let cause = covers.cause(decided.cover.id);
            match self.settle_cover(&mut covers, cause, &decided).await {
                Ok(()) => changed += 1,
                Err(failure) => {
                    tracing::warn!(cover = decided.cover.id, %failure, "a request to take over could not be brought up to date");
                    break;
                }
            }
        }
        changed
    }

    /// When a request wants to be looked at.
    pub(super) async fn next_cover(&self) -> Option<Time> {
        let covers = self.0.covers.lock().await;
        covers.all.values().filter_map(Cover::wake_at).min()
    }

    /// Stores, puts in force, tells.
    async fn settle_cover(
        &self,
        covers: &mut Covers,
        cause: String,
        decided: &Decided,
    ) -> Result<(), Failure> {
        let row = CoverRow {
            cause: cause.clone(),
            updated_at: self.now(),
            cover: decided.cover.clone(),
        };
        let changes = ChangeSet {
            notices: self.notices(decided),
            covers: vec![row],
            ..ChangeSet::default()
        };
        self.write(changes).await?;
        covers.keep(cause, decided.cover.clone());
        // First the covers, then the directory: whoever replaces that meanwhile looks at both again.
        self.0.agreed.store(Arc::new(covers.all.clone()));
        self.0
            .directory
            .rcu(|now| put_in_force(now.as_ref().clone(), &covers.all, self.now()));
        self.announce(Change::Directory);
        self.0.covers_moved.notify_one();
        Ok(())
    }

    /// Who is told, as rows of the same transaction: by the chats a person is woken by, or in the
    /// channel of the schedule's people.
    fn notices(&self, decided: &Decided) -> BTreeMap<String, NoticeRow> {
        let (directory, now) = (self.directory(), self.now());
        let cover = &decided.cover;
        let mut rows = BTreeMap::new();
        for notice in &decided.notices {
            for (platform, place) in places(&directory, cover, notice) {
                let key = format!(
                    "{}:{}:{}:{platform}:{place}",
                    cover.name(),
                    cover.state.word(),
                    cover.reminded
                );
                let row = NoticeRow {
                    key: key.clone(),
                    platform,
                    channel: place,
                    text: notice.text.clone(),
                    state: "waiting".to_owned(),
                    attempts: 0,
                    due_at: now,
                    created_at: now,
                    error: String::new(),
                };
                rows.insert(key, row);
            }
        }
        rows
    }
}

/// Platform and place of a notice.
fn places(directory: &Directory, cover: &Cover, notice: &Notice) -> Vec<(String, String)> {
    let Some(id) = &notice.to else {
        let channel = channel_of(directory, &cover.schedule);
        let platforms = directory.platforms.iter().cloned();
        return channel.map_or_else(Vec::new, |c| platforms.map(|p| (p, c.clone())).collect());
    };
    let chats = chats_of(directory, id).into_iter();
    chats.map(|p| (p, format!("{PERSON}{id}"))).collect()
}

fn refused(why: String) -> Failure {
    Failure::Refused(Refusal::Invalid { why })
}

/// A directory with covers in force, for who has no engine.
#[must_use]
pub fn covered(directory: Directory, rows: Vec<CoverRow>, now: Time) -> Directory {
    put_in_force(directory, &Covers::of(rows).all, now)
}

/// Adds the covers in force to the schedules' own overrides.
pub(super) fn put_in_force(
    mut directory: Directory,
    covers: &BTreeMap<i64, Cover>,
    now: Time,
) -> Directory {
    for (id, schedule) in &mut directory.schedules {
        schedule.overrides.retain(|o| !o.id.starts_with(OWN));
        let own = covers.values().filter(|c| c.schedule == *id);
        let own = own.filter(|c| now.since_ms(c.until) < KEPT_MS);
        schedule
            .overrides
            .extend(own.filter_map(Cover::as_override));
    }
    directory
}

/// Minds requests until the process ends.
pub(super) async fn mind(engine: Engine) {
    let clock = engine.0.options.clock.clone();
    loop {
        engine.mind_covers().await;
        let next = engine.next_cover().await;
        // A request that is due and could not be stored is tried again soon.
        let next = next.map(|at| at.max(engine.now().plus_ms(1000)));
        tokio::select! {
            () = clock.sleep_until(next) => {}
            () = engine.0.covers_moved.notified() => {}
        }
    }
}
