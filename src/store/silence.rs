//! Silences, what they held, and lines that belong to no incident: rows, statements, questions.

use super::backend::{Backend, Cell, Reader};
use super::bulk;
use super::decode;
use super::open::Pools;
use super::plan::{Miss, Plan};
use super::rows::{AlertRow, ChangeSet};
use super::select::Select;
use super::{Db, PostRow, StoreFault};
use crate::core::id::{AlertId, IncidentId, Seq};
use crate::core::matcher::Matcher;
use crate::core::schedule::CronPlan;
use crate::core::silence::{Marks, Recurrence, Silence, SilenceKind};
use crate::core::time::Time;
use serde::{Deserialize, Serialize};

type Read<T> = Result<T, StoreFault>;

/// A silence as the table holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SilenceRow {
    /// Which.
    pub id: String,
    /// `SilenceKind::word`.
    pub kind: String,
    /// JSON list of matchers as they are written.
    pub matchers: String,
    /// Service id.
    pub service: Option<String>,
    /// Nothing is held before.
    pub starts_at: Time,
    /// Nothing is held from then on.
    pub ends_at: Time,
    /// Who, in words.
    pub created_by: String,
    /// Directory id of the owner.
    pub owner: Option<String>,
    /// Why.
    pub comment: String,
    /// JSON of cron expression, zone and duration; empty: none.
    pub recurrence: String,
    /// Last change.
    pub updated_at: Time,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    cron: String,
    zone: String,
    duration_ms: i64,
}

impl SilenceRow {
    /// The row of a silence.
    #[must_use]
    pub fn of(silence: &Silence) -> SilenceRow {
        let matchers: Vec<String> = silence.matchers.iter().map(Matcher::to_string).collect();
        let recurrence = silence.recurrence.as_ref().map(|r| Stored {
            cron: r.written.clone(),
            zone: r.zone.name().to_owned(),
            duration_ms: r.duration_ms,
        });
        // Strings and numbers always serialise.
        SilenceRow {
            id: silence.id.clone(),
            kind: silence.kind.word().to_owned(),
            matchers: serde_json::to_string(&matchers).unwrap_or_default(),
            service: silence.service.clone(),
            starts_at: silence.starts_at,
            ends_at: silence.ends_at,
            created_by: silence.created_by.clone(),
            owner: silence.owner.clone(),
            comment: silence.comment.clone(),
            recurrence: recurrence
                .map(|r| serde_json::to_string(&r).unwrap_or_default())
                .unwrap_or_default(),
            updated_at: silence.updated_at,
        }
    }

    fn read(self) -> Read<Silence> {
        let unreadable =
            |what: String| StoreFault::Unreadable(format!("silence {}: {what}", self.id));
        let texts: Vec<String> =
            serde_json::from_str(&self.matchers).map_err(|e| unreadable(e.to_string()))?;
        let matchers = texts.iter().map(|t| Matcher::parse(t));
        let recurrence = match self.recurrence.as_str() {
            "" => None,
            text => {
                let stored: Stored =
                    serde_json::from_str(text).map_err(|e| unreadable(e.to_string()))?;
                Some(Recurrence {
                    cron: CronPlan::parse(&stored.cron).map_err(unreadable)?,
                    written: stored.cron,
                    zone: (stored.zone.parse())
                        .map_err(|_| unreadable(format!("the zone {}", stored.zone)))?,
                    duration_ms: stored.duration_ms,
                })
            }
        };
        Ok(Silence {
            kind: SilenceKind::parse(&self.kind)
                .ok_or_else(|| unreadable(format!("the kind {}", self.kind)))?,
            matchers: matchers.collect::<Result<_, _>>().map_err(unreadable)?,
            service: self.service,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            created_by: self.created_by,
            owner: self.owner,
            comment: self.comment,
            recurrence,
            updated_at: self.updated_at,
            id: self.id,
        })
    }
}

/// In front of a person's id where a notice is for one person; no channel's name has it.
pub const PERSON: &str = "@";

/// In front of the platform's id of a channel where a notice is for one that no file names.
pub const ROOM: &str = "=";

/// A line for a channel or a person that belongs to no incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeRow {
    /// Unique; the platform knows it too, so a repetition shows once.
    pub key: String,
    /// Configured name of the platform.
    pub platform: String,
    /// Configured name of the channel, or [`PERSON`] or [`ROOM`] and an id.
    pub channel: String,
    /// Plain text.
    pub text: String,
    /// `waiting`, `done`, `failed`.
    pub state: String,
    /// Tries so far.
    pub attempts: u32,
    /// Not before.
    pub due_at: Time,
    /// When it was written.
    pub created_at: Time,
    /// The last error; empty when none.
    pub error: String,
}

/// Where an alert belongs after all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceChange {
    /// Its incident.
    pub incident: Option<IncidentId>,
    /// Why, one sentence.
    pub why: String,
}

impl<B: Backend> Plan<'_, B> {
    pub(super) fn silences(&mut self, changes: &ChangeSet) -> Result<(), StoreFault> {
        use Miss::{Expected, Odd};
        let places: Vec<_> = changes.places.iter().collect();
        self.rows(&bulk::ALERT_PLACES, Odd, &places, |(id, p)| {
            Ok([
                Cell::Int(id.0),
                Cell::MaybeInt(p.incident.map(|i| i.0)),
                Cell::Text(&p.why),
            ])
        })?;
        self.rows(&bulk::MOVES, Expected, &changes.moves, |(from, into)| {
            Ok([Cell::Int(from.0), Cell::Int(into.0)])
        })?;
        let silences: Vec<&SilenceRow> = changes.silences.values().collect();
        self.rows(&bulk::SILENCES, Expected, &silences, |s| {
            Ok([
                Cell::Text(&s.id),
                Cell::Text(&s.kind),
                Cell::Text(&s.matchers),
                Cell::MaybeText(s.service.as_deref()),
                Cell::Int(s.starts_at.0),
                Cell::Int(s.ends_at.0),
                Cell::Text(&s.created_by),
                Cell::MaybeText(s.owner.as_deref()),
                Cell::Text(&s.comment),
                Cell::Text(&s.recurrence),
                Cell::Int(s.updated_at.0),
            ])
        })?;
        let marks: Vec<_> = changes.marks.iter().collect();
        self.rows(&bulk::MARKS, Expected, &marks, |(id, m)| {
            Ok([
                Cell::Text(id),
                Cell::Int(m.ending.0),
                Cell::Int(m.forgotten.0),
                Cell::Int(m.digest.0),
            ])
        })?;
        self.rows(
            &bulk::HELD,
            Expected,
            &changes.held,
            |(silence, alert, at)| Ok([Cell::Text(silence), Cell::Int(alert.0), Cell::Int(at.0)]),
        )?;
        let notices: Vec<&NoticeRow> = changes.notices.values().collect();
        self.rows(&bulk::NOTICES, Expected, &notices, |n| {
            Ok([
                Cell::Text(&n.key),
                Cell::Text(&n.platform),
                Cell::Text(&n.channel),
                Cell::Text(&n.text),
                Cell::Text(&n.state),
                Cell::Int(i64::from(n.attempts)),
                Cell::Int(n.due_at.0),
                Cell::Int(n.created_at.0),
                Cell::Text(&n.error),
            ])
        })
    }
}

const NOTICE: &str = "select key, platform, channel, text, state, attempts, due_at, created_at, error \
    from notices";

fn notice<B: Backend>(mut row: Reader<'_, B>) -> Read<NoticeRow> {
    Ok(NoticeRow {
        key: row.text()?,
        platform: row.text()?,
        channel: row.text()?,
        text: row.text()?,
        state: row.text()?,
        attempts: row.small()?,
        due_at: Time(row.int()?),
        created_at: Time(row.int()?),
        error: row.text()?,
    })
}

const SILENCE: &str = "select id, kind, matchers, service, starts_at, ends_at, created_by, owner, \
    comment, recurrence, updated_at from silences";

fn silence<B: Backend>(mut row: Reader<'_, B>) -> Read<Silence> {
    SilenceRow {
        id: row.text()?,
        kind: row.text()?,
        matchers: row.text()?,
        service: row.maybe_text()?,
        starts_at: Time(row.int()?),
        ends_at: Time(row.int()?),
        created_by: row.text()?,
        owner: row.maybe_text()?,
        comment: row.text()?,
        recurrence: row.text()?,
        updated_at: Time(row.int()?),
    }
    .read()
}

impl<B: Backend> Pools<B> {
    pub(super) async fn live_silences(&self, after: Time) -> Read<Vec<Silence>> {
        Select::<B>::new(SILENCE)
            .number("ends_at > ", Some(after.0))
            .then(" order by id")
            .all(&self.read, silence)
            .await
    }

    pub(super) async fn past_silences(
        &self,
        until: Time,
        since: Time,
        limit: i64,
    ) -> Read<Vec<Silence>> {
        Select::<B>::new(SILENCE)
            .number("ends_at <= ", Some(until.0))
            .number("ends_at > ", Some(since.0))
            .then(" order by ends_at desc, id")
            .page(limit, 0)
            .all(&self.read, silence)
            .await
    }

    pub(super) async fn silence(&self, id: &str) -> Read<Option<Silence>> {
        Select::<B>::new(SILENCE)
            .text("id = ", Some(id))
            .first(&self.read, silence)
            .await
    }

    pub(super) async fn silence_marks(&self) -> Read<Vec<(String, Marks)>> {
        Select::<B>::new("select id, ending, forgotten, digest from silence_marks order by id")
            .all(&self.read, |mut row| {
                let id = row.text()?;
                let (ending, forgotten) = (Time(row.int()?), Time(row.int()?));
                let digest = Time(row.int()?);
                let marks = Marks {
                    ending,
                    forgotten,
                    digest,
                };
                Ok((id, marks))
            })
            .await
    }

    /// Firing alerts that wait for a silence to end.
    pub(super) async fn held_alerts(&self) -> Read<Vec<AlertRow>> {
        Select::<B>::new(decode::ALERT)
            .then(" from alert_states s cross join alerts a")
            .only("s.id = a.id")
            .only("s.firing = 1")
            .only("a.incident is null")
            .only("exists (select 1 from held h where h.alert = a.id)")
            .then(" order by s.id")
            .all(&self.read, decode::alert)
            .await
    }

    /// What a silence held since an instant, newest first.
    pub(super) async fn held_by(
        &self,
        silence: &str,
        since: Time,
        limit: i64,
    ) -> Read<Vec<AlertRow>> {
        Select::<B>::new(decode::ALERT)
            .then(" from held h cross join alerts a cross join alert_states s")
            .only("a.id = h.alert")
            .only("s.id = h.alert")
            .text("h.silence = ", Some(silence))
            .number("h.at >= ", Some(since.0))
            .then(" order by h.alert desc")
            .page(limit, 0)
            .all(&self.read, decode::alert)
            .await
    }

    pub(super) async fn count_held(&self, silence: &str, since: Time) -> Read<i64> {
        Select::<B>::new("select count(*) from held")
            .text("silence = ", Some(silence))
            .number("at >= ", Some(since.0))
            .count(&self.read)
            .await
    }

    pub(super) async fn waiting_notices(&self) -> Read<Vec<NoticeRow>> {
        Select::<B>::new(NOTICE)
            .only("state = 'waiting'")
            .then(" order by created_at, key")
            .all(&self.read, notice)
            .await
    }

    /// Those whose key is like this.
    pub(super) async fn notices_like(&self, key: &str) -> Read<Vec<NoticeRow>> {
        Select::<B>::new(NOTICE)
            .text("key like ", Some(key))
            .then(" order by key")
            .all(&self.read, notice)
            .await
    }
}

/// What a silence held, as the change-set carries it.
pub type Held = (String, AlertId, Time);

/// How the keys begin of what tells an update.
#[must_use]
pub fn line_key(id: IncidentId, seq: Seq) -> String {
    format!("update:{}:{seq}:", id.0)
}

impl super::Store {
    /// What an update became for those who asked for it in chat: lines, by their notices.
    pub async fn lines_of(&self, id: IncidentId, seq: Seq) -> Read<Vec<NoticeRow>> {
        on!(self, pools => pools.notices_like(&format!("{}%", line_key(id, seq))).await)
    }

    /// And the console's copies of them.
    pub async fn copies_of(&self, id: IncidentId, seq: Seq) -> Read<Vec<PostRow>> {
        on!(self, pools => pools.posts_like(&format!("tell:{}%", line_key(id, seq))).await)
    }
}
