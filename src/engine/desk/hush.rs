//! Silences at the desk: making and ending them, looking at them when their time comes, and deciding
//! which incidents they cover.
//!
//! What needs the labels of alerts reads them from the store, so it is done only while nothing is
//! being written: then the store and the open batch together are what has been decided. The race that
//! is left: an incident whose silence ends in the very milliseconds in which a longer one is written
//! pages once too often. The road not taken is the labels of every alert in memory.

use super::Desk;
use crate::core::alert::Labels;
use crate::core::id::{AlertId, IncidentId};
use crate::core::incident::{Command, Incident, Refusal};
use crate::core::silence::{self, Reminder, Silence, SilenceRefusal, Tally};
use crate::core::time::Time;
use crate::engine::desk::commit::Batch;
use crate::engine::draft::Draft;
use crate::engine::quiet;
use crate::engine::{Failure, SilenceAct};
use crate::store::{AlertQuery, NoticeRow, SilenceRow, StoreFault};
use std::collections::{BTreeMap, BTreeSet};

/// Incidents looked at in one go; the next batch takes up the rest.
const COVER_AT_ONCE: usize = 64;
/// Alerts of one incident that are looked at; one that has more is never covered as a whole.
const ALERTS_MAX: i64 = 10_000;
/// Parked alerts released in one batch; the rest comes in the next, at once.
const RELEASE_AT_ONCE: usize = 512;
/// Alerts a digest reads for their names.
const TALLIED: i64 = 200;

impl Desk {
    /// Does what silences have due.
    pub(super) async fn mind_silences(&mut self, batch: &mut Batch) {
        let free = self.committing.is_none();
        let now = batch.draft.now;
        let Some(memory) = &mut self.memory else {
            return;
        };
        if free && memory.quiet.look_at.is_some_and(|at| at <= now) {
            self.look(batch).await;
        }
        self.release(batch);
        if free {
            self.cover(batch).await;
        }
    }

    /// Routes what nothing holds any more.
    fn release(&mut self, batch: &mut Batch) {
        let Some(memory) = &mut self.memory else {
            return;
        };
        let now = batch.draft.now;
        let mut n = 0;
        while let Some(id) = memory
            .quiet
            .next_parked(now)
            .filter(|_| n < RELEASE_AT_ONCE)
        {
            batch.intake.unpark(&mut batch.draft, memory, id);
            n += 1;
        }
        if n > 0 {
            batch.size += n;
            batch.urgent = true;
            self.flush(batch);
        }
    }

    /// Windows may have begun or ended, and reminders be due.
    async fn look(&mut self, batch: &mut Batch) {
        let store = self.engine.store().clone();
        let Some(memory) = &mut self.memory else {
            return;
        };
        let (draft, quiet) = (&mut batch.draft, &mut memory.quiet);
        let (now, rules) = (draft.now, draft.directory.reminders);
        let all: Vec<_> = silence::known(&draft.directory).cloned().collect();
        let (mut active, mut next) = (BTreeSet::new(), None::<Time>);
        for s in &all {
            let marks = quiet.marks.get(&s.id).copied().unwrap_or_default();
            let (due, after) = silence::reminders(s, rules, marks, now);
            for reminder in due {
                if let Err(error) = remind(&store, draft, s, reminder).await {
                    tracing::warn!(%error, silence = %s.id, "a reminder could not be made; it is tried again");
                    quiet.look_at = Some(now.plus_ms(1000));
                    return;
                }
            }
            if after != marks {
                quiet.marks.insert(s.id.clone(), after);
                draft.changes.marks.insert(s.id.clone(), after);
                batch.urgent = true;
            }
            active.extend(s.active(now).map(|span| (s.id.clone(), span)));
            let at = silence::next_look(s, rules, after, now);
            next = [next, at].into_iter().flatten().min();
        }
        let over: Vec<String> = quiet
            .silences
            .values()
            .filter(|s| s.span(now).is_none())
            .map(|s| s.id.clone())
            .collect();
        if !over.is_empty() {
            let left = std::sync::Arc::make_mut(&mut quiet.silences);
            left.retain(|id, _| !over.contains(id));
            draft.silenced = true;
            draft.know(&quiet.silences);
        }
        quiet.look_at = next;
        if active != quiet.active {
            quiet.active = active;
            quiet.look_at_all();
            let fires = memory.incidents.open().filter(|(_, i)| i.fires());
            quiet.unsure.extend(fires.map(|(id, _)| id));
        }
    }

    /// Decides of incidents whose alerts may all be silenced whether they are.
    async fn cover(&mut self, batch: &mut Batch) {
        for _ in 0..COVER_AT_ONCE {
            let Some(memory) = &mut self.memory else {
                return;
            };
            let Some(id) = memory.quiet.unsure.pop_first() else {
                return;
            };
            let known = memory.incidents.get(id).filter(|i| i.is_open());
            let Some(incident) = known else {
                continue;
            };
            let labels = match self.labels(&batch.draft, &incident).await {
                Ok(Some(labels)) => labels,
                // Some of its alerts are on their way into the store; the next batch finds them there.
                Ok(None) => {
                    if let Some(memory) = self
                        .memory
                        .as_mut()
                        .filter(|_| !batch.draft.changes.moves.is_empty())
                    {
                        memory.quiet.unsure.insert(id);
                        return;
                    }
                    BTreeMap::new()
                }
                Err(error) => {
                    tracing::warn!(%error, incident.id = id.0, "whether it is silenced is looked at again");
                    return;
                }
            };
            let Some(memory) = &mut self.memory else {
                return;
            };
            let draft = &mut batch.draft;
            let service = incident.service.as_deref();
            let hold = silence::hold_all(&draft.directory, labels.values(), service, draft.now);
            let command = match hold {
                Some(hold) => Command::Mute {
                    silence: hold.silence.id.clone(),
                    words: hold.silence.words(),
                    until: hold.until,
                },
                None if incident.muted_at(draft.now).is_some() => Command::Unmute {
                    why: "no silence covers all of its alerts any more".to_owned(),
                },
                None => continue,
            };
            // A refusal means that nothing changes.
            if draft.apply(memory, "silence", id, command).is_ok() {
                batch.urgent = true;
            }
        }
    }

    /// The labels of everything that fires in an incident; `None`: not all of them are known yet.
    async fn labels(
        &self,
        draft: &Draft,
        incident: &Incident,
    ) -> Result<Option<BTreeMap<AlertId, Labels>>, StoreFault> {
        let wanted = &incident.firing;
        if wanted.is_empty() || i64::try_from(wanted.len()).unwrap_or(i64::MAX) > ALERTS_MAX {
            return Ok(Some(BTreeMap::new()));
        }
        // Nothing cleared yet, so the first alert fires: when that one is not held, all of them are not.
        let all = usize::try_from(incident.alerts).unwrap_or(usize::MAX) == wanted.len();
        let service = incident.service.as_deref();
        let first = |l: &Labels| silence::hold(&draft.directory, l, service, draft.now).is_none();
        if all
            && !incident.tags.is_empty()
            && incident.absorbed.is_empty()
            && first(&incident.labels())
        {
            return Ok(Some(BTreeMap::new()));
        }
        let query = AlertQuery {
            sight: crate::core::sight::Sight::All,
            incident: Some(incident.id),
            limit: i64::from(incident.alerts).max(ALERTS_MAX),
            ..AlertQuery::default()
        };
        let stored = self.engine.store().alerts(&query).await?;
        let fresh = draft.changes.alerts.iter();
        let rows = stored
            .iter()
            .chain(fresh)
            .filter(|r| wanted.contains(&r.id));
        let labels: BTreeMap<AlertId, Labels> = rows.map(|r| (r.id, quiet::labels(r))).collect();
        Ok((labels.len() == wanted.len()).then_some(labels))
    }

    /// Makes, changes or ends a silence; answers the id it has then.
    pub(super) async fn silence(
        &mut self,
        draft: &mut Draft,
        act: SilenceAct,
    ) -> Result<String, Failure> {
        let now = draft.now;
        let (rows, id) = match act {
            SilenceAct::Put { wanted, fresh } => {
                let again = self.known_silence(&fresh).await?;
                if again.is_some() {
                    return Ok(fresh);
                }
                silence::check(&wanted, now).map_err(|e| refused(&e, ""))?;
                let before = match wanted.id.as_str() {
                    "" => None,
                    id => {
                        let known = self.known_silence(id).await?;
                        Some(known.ok_or_else(|| refused(&SilenceRefusal::Unknown, id))?)
                    }
                };
                let rows = silence::put(before.as_ref(), *wanted, &fresh, now);
                let id = rows.last().map(|s| s.id.clone()).unwrap_or_default();
                (rows, id)
            }
            SilenceAct::End { id } => {
                if id.starts_with(silence::FILES) {
                    let why = format!("{id} stands in a file; change or remove it there.");
                    return Err(Refusal::Invalid { why }.into());
                }
                let known = self.known_silence(&id).await?;
                let known = known.ok_or_else(|| refused(&SilenceRefusal::Unknown, &id))?;
                (silence::expire(&known, now).into_iter().collect(), id)
            }
        };
        let Some(memory) = &mut self.memory else {
            return Err(Failure::Unavailable("restarting".to_owned()));
        };
        for row in rows {
            draft
                .changes
                .silences
                .insert(row.id.clone(), SilenceRow::of(&row));
            memory.quiet.put(row);
            draft.silenced = true;
        }
        draft.know(&memory.quiet.silences);
        Ok(id)
    }

    async fn known_silence(&self, id: &str) -> Result<Option<Silence>, Failure> {
        let memory = self.memory.as_ref();
        if let Some(known) = memory.and_then(|m| m.quiet.silences.get(id)) {
            return Ok(Some(Silence::clone(known)));
        }
        let stored = self.engine.store().silence(id).await;
        stored.map_err(Failure::from)
    }

    /// Whether an incident may be opened again: none of its groups may have gone on as another one.
    pub(super) fn may_reopen(&self, id: IncidentId) -> Result<(), Failure> {
        let Some(memory) = &self.memory else {
            return Ok(());
        };
        let Some(incident) = memory.incidents.get(id) else {
            return Ok(());
        };
        let mut groups = incident.groups();
        let other = groups.find_map(|g| memory.of_group(g).find(|o| *o != id));
        match other {
            None => Ok(()),
            Some(other) => Err(Refusal::NothingToDo {
                what: format!(
                    "{other} of the same group is open; work there, or resolve it first."
                ),
            }
            .into()),
        }
    }
}

fn refused(why: &SilenceRefusal, id: &str) -> Failure {
    match why {
        SilenceRefusal::Unknown => Refusal::NoSuchSilence { id: id.to_owned() }.into(),
        why => Refusal::Invalid {
            why: why.to_string(),
        }
        .into(),
    }
}

/// Writes a reminder for the channel of whoever it concerns, on every platform.
async fn remind(
    store: &crate::store::Store,
    draft: &mut Draft,
    silence: &Silence,
    reminder: Reminder,
) -> Result<(), StoreFault> {
    let (since, word) = match reminder {
        Reminder::Ending((start, end)) => (start, format!("ending:{}", end.0)),
        Reminder::Forgotten((start, _)) => (start, format!("long:{}", draft.now.0)),
        Reminder::Digest((start, end)) => (start, format!("digest:{}", end.0)),
    };
    let rows = store.held_by(&silence.id, since, TALLIED).await?;
    let all = usize::try_from(store.count_held(&silence.id, since).await?).unwrap_or(0);
    if all == 0 && silence.recurrence.is_some() {
        // A window that comes again and again and held nothing is not news.
        return Ok(());
    }
    let directory = draft.directory.clone();
    let mut names: Vec<String> = Vec::new();
    for row in &rows {
        let labels = quiet::labels(row);
        let name = labels
            .get("alertname")
            .cloned()
            .unwrap_or_else(|| row.fingerprint.clone());
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let tally = Tally {
        all,
        firing: rows.iter().filter(|r| r.firing).count(),
        names,
    };
    let owner = silence.owner.as_deref().map_or_else(
        || silence.created_by.clone(),
        |id| directory.person_name(id),
    );
    let text = silence::told(reminder, silence, &owner, &tally, directory.zone, draft.now);
    let Some(channel) = silence::channel(&directory, silence) else {
        return Ok(());
    };
    for platform in &directory.platforms {
        let row = NoticeRow {
            key: format!("silence:{}:{word}:{platform}", silence.id),
            platform: platform.clone(),
            channel: channel.to_owned(),
            text: text.clone(),
            state: "waiting".to_owned(),
            attempts: 0,
            due_at: draft.now,
            created_at: draft.now,
            error: String::new(),
        };
        draft.changes.notices.insert(row.key.clone(), row.clone());
        draft.notices.push(row);
    }
    Ok(())
}
