//! What is told to others: updates, subscribers, and what became of each telling; rows, statements,
//! questions.

use super::backend::{Backend, Cell, Reader};
use super::bulk::Bulk;
use super::open::Pools;
use super::plan::{Miss, Plan};
use super::rows::ChangeSet;
use super::select::Select;
use super::{Db, StoreFault};
use crate::core::id::{IncidentId, Seq};
use crate::core::incident::{Audience, Event, Update};
use crate::core::time::Time;
use serde::Serialize;
use serde::de::DeserializeOwned;

type Read<T> = Result<T, StoreFault>;

/// An update of an incident, and whether its subscribers were found.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateRow {
    /// Its incident.
    pub incident: IncidentId,
    /// Its event.
    pub seq: Seq,
    /// When it was given.
    pub at: Time,
    /// Service of the incident then.
    pub service: Option<String>,
    /// Severity of the incident then, index into the scale.
    pub severity: u8,
    /// What it says; `None`: it was removed for good.
    pub update: Option<Update>,
    /// `waiting`, `told`, `kept`, `removed`.
    pub state: String,
}

/// Somebody who asked to be told, beside the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriberRow {
    /// Random.
    pub id: String,
    /// `mail`, `channel`.
    pub kind: String,
    /// Mail address, or name of the channel.
    pub address: String,
    /// What they may read.
    pub audience: Audience,
    /// What they want to hear of, JSON.
    pub topics: String,
    /// `asked`, `on`, `off`.
    pub state: String,
    /// How often it was asked for.
    pub round: i64,
    /// Wrong codes of this round.
    pub tries: u32,
    /// Directory id of who asked; empty: somebody outside.
    pub person: String,
    /// When it was asked for last.
    pub asked_at: Time,
    /// When it was asked for first.
    pub created_at: Time,
    /// Last change.
    pub updated_at: Time,
}

impl SubscriberRow {
    /// Asked for now, once more where it is known: its id, round and times; the rest is still to be said.
    #[must_use]
    pub fn again(known: Option<&SubscriberRow>, now: Time) -> SubscriberRow {
        SubscriberRow {
            id: known.map_or_else(
                || uuid::Uuid::new_v4().simple().to_string(),
                |k| k.id.clone(),
            ),
            kind: String::new(),
            address: String::new(),
            audience: Audience::Internal,
            topics: String::new(),
            state: String::new(),
            round: known.map_or(1, |k| k.round + 1),
            tries: 0,
            person: String::new(),
            asked_at: now,
            created_at: known.map_or(now, |k| k.created_at),
            updated_at: now,
        }
    }
}

/// What is to be sent to a subscriber, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulletinRow {
    /// `file:NAME`, or a row's id.
    pub subscriber: String,
    /// The update's incident; 0: a code.
    pub incident: IncidentId,
    /// The update's event; of a code its round.
    pub seq: Seq,
    /// `waiting`, `done`, `failed`, `passed`.
    pub state: String,
    /// Tries so far.
    pub attempts: u32,
    /// Not before.
    pub due_at: Time,
    /// The last error, or why it was passed over, in words; empty: neither.
    pub error: String,
    /// When it was decided.
    pub created_at: Time,
    /// Last change.
    pub updated_at: Time,
}

/// A public update that its author has read and not yet sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftRow {
    /// Its incident.
    pub incident: IncidentId,
    /// A directory id, or `platform:account`.
    pub author: String,
    /// Digest of what everybody would read.
    pub digest: String,
    /// What was asked for, JSON.
    pub body: String,
    /// When.
    pub created_at: Time,
}

/// What a commit changes of all this.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UpdateChanges {
    /// Updates, inserted; a known one only changes its state.
    pub updates: Vec<UpdateRow>,
    /// Subscribers, inserted or replaced.
    pub subscribers: Vec<SubscriberRow>,
    /// Subscribers that are forgotten with their address, by id.
    pub forgotten: Vec<String>,
    /// Tellings, inserted unless they are known.
    pub bulletins: Vec<BulletinRow>,
    /// Known tellings as they are now.
    pub bulletin_changes: Vec<BulletinRow>,
    /// Drafts, inserted or replaced.
    pub drafts: Vec<DraftRow>,
    /// Drafts that are over: incident and author.
    pub drafts_done: Vec<(IncidentId, String)>,
}

impl UpdateChanges {
    /// Puts another one behind this.
    pub fn extend(&mut self, more: UpdateChanges) {
        self.updates.extend(more.updates);
        self.subscribers.extend(more.subscribers);
        self.forgotten.extend(more.forgotten);
        self.bulletins.extend(more.bulletins);
        self.bulletin_changes.extend(more.bulletin_changes);
        self.drafts.extend(more.drafts);
        self.drafts_done.extend(more.drafts_done);
    }

    /// Whether somebody may have to be told something because of it.
    #[must_use]
    pub fn wakes(&self) -> bool {
        !(self.updates.is_empty() && self.subscribers.is_empty() && self.bulletins.is_empty())
    }
}

const UPDATES: Bulk = Bulk {
    name: "write updates",
    head: "insert into updates (incident, seq, at, audience, service, severity, body, state) values ",
    width: 8,
    tail: " on conflict (incident, seq) do update set state = excluded.state where updates.state <> 'removed'",
};

/// Of an update without its words the status stays; one that is no update any more leaves nothing.
const REMOVED: Bulk = Bulk {
    name: "empty updates",
    head: "update updates set body = v.column3, \
        state = case when v.column3 = '' then 'removed' else updates.state end from (values ",
    width: 3,
    tail: ") as v where updates.incident = v.column1 and updates.seq = v.column2",
};

const SUBSCRIBERS: Bulk = Bulk {
    name: "write subscribers",
    head: "insert into subscribers (id, kind, address, audience, topics, state, round, tries, person, \
        asked_at, created_at, updated_at) values ",
    width: 12,
    tail: " on conflict (id) do update set topics = excluded.topics, state = excluded.state, \
        round = excluded.round, tries = excluded.tries, person = excluded.person, \
        asked_at = excluded.asked_at, updated_at = excluded.updated_at",
};

const FORGOTTEN: Bulk = Bulk {
    name: "forget subscribers",
    head: "delete from subscribers where id in (select column1 from (values ",
    width: 1,
    tail: ") as v)",
};

const BULLETINS: Bulk = Bulk {
    name: "insert bulletins",
    head: "insert into bulletins (subscriber, incident, seq, state, attempts, due_at, error, created_at, \
        updated_at) values ",
    width: 9,
    tail: " on conflict (subscriber, incident, seq) do nothing",
};

const BULLETIN_CHANGES: Bulk = Bulk {
    name: "change bulletins",
    head: "update bulletins set state = v.column4, attempts = v.column5, due_at = v.column6, \
        error = v.column7, updated_at = v.column8 from (values ",
    width: 8,
    tail: ") as v where bulletins.subscriber = v.column1 and bulletins.incident = v.column2 \
        and bulletins.seq = v.column3",
};

const DRAFTS: Bulk = Bulk {
    name: "write update drafts",
    head: "insert into update_drafts (incident, author, digest, body, created_at) values ",
    width: 5,
    tail: " on conflict (incident, author) do update set digest = excluded.digest, body = excluded.body, \
        created_at = excluded.created_at",
};

const DRAFTS_DONE: Bulk = Bulk {
    name: "end update drafts",
    head: "delete from update_drafts where (incident, author) in (select column1, column2 from (values ",
    width: 2,
    tail: ") as v)",
};

pub(super) const BULKS: [&Bulk; 8] = [
    &UPDATES,
    &REMOVED,
    &SUBSCRIBERS,
    &FORGOTTEN,
    &BULLETINS,
    &BULLETIN_CHANGES,
    &DRAFTS,
    &DRAFTS_DONE,
];

fn json(value: &impl Serialize) -> Result<Cell<'static>, StoreFault> {
    let text = serde_json::to_string(value);
    let text = text.map_err(|e| StoreFault::Database(sqlx::Error::Encode(e.into())))?;
    Ok(Cell::Owned(text))
}

fn read_json<T: DeserializeOwned>(what: &str, body: &str) -> Read<T> {
    serde_json::from_str(body).map_err(|e| {
        StoreFault::Unreadable(format!("{what} {}: {e}", crate::core::text::cut(body, 200)))
    })
}

impl<B: Backend> Plan<'_, B> {
    pub(super) fn updates(&mut self, changes: &ChangeSet) -> Result<(), StoreFault> {
        use Miss::{Expected, Odd};
        let all = &changes.updates;
        self.rows(&UPDATES, Expected, &all.updates, |u| {
            let body = match &u.update {
                Some(update) => json(update)?,
                None => Cell::Text(""),
            };
            let audience = u.update.as_ref().map_or(Audience::Internal, |x| x.audience);
            Ok([
                Cell::Int(u.incident.0),
                Cell::Int(i64::from(u.seq)),
                Cell::Int(u.at.0),
                Cell::Text(audience.word()),
                Cell::MaybeText(u.service.as_deref()),
                Cell::Int(i64::from(u.severity)),
                body,
                Cell::Text(&u.state),
            ])
        })?;
        self.rows(
            &REMOVED,
            Expected,
            &changes.redactions,
            |(id, seq, left)| {
                let body = match left {
                    Event::Updated(update) => json(update)?,
                    _ => Cell::Text(""),
                };
                Ok([Cell::Int(id.0), Cell::Int(i64::from(*seq)), body])
            },
        )?;
        self.rows(&SUBSCRIBERS, Expected, &all.subscribers, |s| {
            Ok([
                Cell::Text(&s.id),
                Cell::Text(&s.kind),
                Cell::Text(&s.address),
                Cell::Text(s.audience.word()),
                Cell::Text(&s.topics),
                Cell::Text(&s.state),
                Cell::Int(s.round),
                Cell::Int(i64::from(s.tries)),
                Cell::Text(&s.person),
                Cell::Int(s.asked_at.0),
                Cell::Int(s.created_at.0),
                Cell::Int(s.updated_at.0),
            ])
        })?;
        self.rows(&FORGOTTEN, Expected, &all.forgotten, |id| {
            Ok([Cell::Text(id)])
        })?;
        self.rows(&BULLETINS, Expected, &all.bulletins, |b| {
            Ok([
                Cell::Text(&b.subscriber),
                Cell::Int(b.incident.0),
                Cell::Int(i64::from(b.seq)),
                Cell::Text(&b.state),
                Cell::Int(i64::from(b.attempts)),
                Cell::Int(b.due_at.0),
                Cell::Text(&b.error),
                Cell::Int(b.created_at.0),
                Cell::Int(b.updated_at.0),
            ])
        })?;
        self.rows(&BULLETIN_CHANGES, Odd, &all.bulletin_changes, |b| {
            Ok([
                Cell::Text(&b.subscriber),
                Cell::Int(b.incident.0),
                Cell::Int(i64::from(b.seq)),
                Cell::Text(&b.state),
                Cell::Int(i64::from(b.attempts)),
                Cell::Int(b.due_at.0),
                Cell::Text(&b.error),
                Cell::Int(b.updated_at.0),
            ])
        })?;
        self.rows(&DRAFTS, Expected, &all.drafts, |d| {
            Ok([
                Cell::Int(d.incident.0),
                Cell::Text(&d.author),
                Cell::Text(&d.digest),
                Cell::Text(&d.body),
                Cell::Int(d.created_at.0),
            ])
        })?;
        self.rows(&DRAFTS_DONE, Expected, &all.drafts_done, |(id, author)| {
            Ok([Cell::Int(id.0), Cell::Text(author)])
        })
    }
}

const UPDATE: &str = "select incident, seq, at, service, severity, body, state from updates";
const SUBSCRIBER: &str = "select id, kind, address, audience, topics, state, round, tries, person, \
    asked_at, created_at, updated_at from subscribers";
const BULLETIN: &str = "select subscriber, incident, seq, state, attempts, due_at, error, created_at, \
    updated_at from bulletins";

fn update<B: Backend>(row: &mut Reader<'_, B>) -> Read<UpdateRow> {
    let (incident, seq, at) = (row.int()?, row.small()?, row.int()?);
    let (service, severity) = (row.maybe_text()?, row.small()?);
    let (body, state) = (row.text()?, row.text()?);
    Ok(UpdateRow {
        incident: IncidentId(incident),
        seq,
        at: Time(at),
        service,
        severity,
        update: match body.as_str() {
            "" => None,
            body => Some(read_json("the update", body)?),
        },
        state,
    })
}

fn subscriber<B: Backend>(row: &mut Reader<'_, B>) -> Read<SubscriberRow> {
    Ok(SubscriberRow {
        id: row.text()?,
        kind: row.text()?,
        address: row.text()?,
        audience: Audience::parse(&row.text()?).unwrap_or(Audience::Public),
        topics: row.text()?,
        state: row.text()?,
        round: row.int()?,
        tries: row.small()?,
        person: row.text()?,
        asked_at: Time(row.int()?),
        created_at: Time(row.int()?),
        updated_at: Time(row.int()?),
    })
}

fn bulletin<B: Backend>(row: &mut Reader<'_, B>) -> Read<BulletinRow> {
    Ok(BulletinRow {
        subscriber: row.text()?,
        incident: IncidentId(row.int()?),
        seq: row.small()?,
        state: row.text()?,
        attempts: row.small()?,
        due_at: Time(row.int()?),
        error: row.text()?,
        created_at: Time(row.int()?),
        updated_at: Time(row.int()?),
    })
}

impl<B: Backend> Pools<B> {
    async fn updates_since(&self, audience: Option<&str>, since: Time) -> Read<Vec<UpdateRow>> {
        Select::<B>::new(UPDATE)
            .number("at >= ", Some(since.0))
            .text("audience = ", audience)
            .then(" order by at, incident, seq")
            .all(&self.read, |mut row| update(&mut row))
            .await
    }

    async fn updates_of(&self, id: IncidentId) -> Read<Vec<UpdateRow>> {
        Select::<B>::new(UPDATE)
            .number("incident = ", Some(id.0))
            .then(" order by seq")
            .all(&self.read, |mut row| update(&mut row))
            .await
    }

    async fn waiting_updates(&self, limit: i64) -> Read<Vec<UpdateRow>> {
        Select::<B>::new(UPDATE)
            .only("state = 'waiting'")
            .then(" order by at, incident, seq")
            .page(limit, 0)
            .all(&self.read, |mut row| update(&mut row))
            .await
    }

    async fn subscribers(&self) -> Read<Vec<SubscriberRow>> {
        Select::<B>::new(SUBSCRIBER)
            .then(" order by created_at, id")
            .all(&self.read, |mut row| subscriber(&mut row))
            .await
    }

    async fn subscriber(&self, id: &str) -> Read<Option<SubscriberRow>> {
        Select::<B>::new(SUBSCRIBER)
            .text("id = ", Some(id))
            .first(&self.read, |mut row| subscriber(&mut row))
            .await
    }

    async fn subscriber_at(
        &self,
        audience: Audience,
        kind: &str,
        address: &str,
    ) -> Read<Option<SubscriberRow>> {
        Select::<B>::new(SUBSCRIBER)
            .text("audience = ", Some(audience.word()))
            .text("kind = ", Some(kind))
            .text("address = ", Some(address))
            .first(&self.read, |mut row| subscriber(&mut row))
            .await
    }

    async fn asked_since(&self, since: Time) -> Read<i64> {
        Select::<B>::new("select count(*) from subscribers")
            .number("asked_at >= ", Some(since.0))
            .only("person = ''")
            .count(&self.read)
            .await
    }

    async fn waiting_bulletins(&self, until: Time, limit: i64) -> Read<Vec<BulletinRow>> {
        Select::<B>::new(BULLETIN)
            .only("state = 'waiting'")
            .number("due_at <= ", Some(until.0))
            .then(" order by due_at, subscriber, incident, seq")
            .page(limit, 0)
            .all(&self.read, |mut row| bulletin(&mut row))
            .await
    }

    async fn next_bulletin(&self) -> Read<Option<Time>> {
        let next = Select::<B>::new("select min(due_at) from bulletins where state = 'waiting'");
        let next = next.first(&self.read, |mut row| row.maybe_int()).await?;
        Ok(next.flatten().map(Time))
    }

    /// What waits for the same subscriber about the same incident.
    async fn bulletins_beside(&self, one: &BulletinRow) -> Read<Vec<BulletinRow>> {
        Select::<B>::new(BULLETIN)
            .only("state = 'waiting'")
            .text("subscriber = ", Some(&one.subscriber))
            .number("incident = ", Some(one.incident.0))
            .then(" order by seq")
            .all(&self.read, |mut row| bulletin(&mut row))
            .await
    }

    async fn bulletins_of(&self, id: IncidentId) -> Read<Vec<BulletinRow>> {
        Select::<B>::new(BULLETIN)
            .number("incident = ", Some(id.0))
            .then(" order by seq desc, subscriber")
            .all(&self.read, |mut row| bulletin(&mut row))
            .await
    }

    async fn newest_bulletins(&self, limit: i64) -> Read<Vec<BulletinRow>> {
        Select::<B>::new(BULLETIN)
            .then(" order by updated_at desc, subscriber, incident, seq")
            .page(limit, 0)
            .all(&self.read, |mut row| bulletin(&mut row))
            .await
    }

    async fn update_draft(&self, id: IncidentId, author: &str) -> Read<Option<DraftRow>> {
        Select::<B>::new("select incident, author, digest, body, created_at from update_drafts")
            .number("incident = ", Some(id.0))
            .text("author = ", Some(author))
            .first(&self.read, |mut row| {
                Ok(DraftRow {
                    incident: IncidentId(row.int()?),
                    author: row.text()?,
                    digest: row.text()?,
                    body: row.text()?,
                    created_at: Time(row.int()?),
                })
            })
            .await
    }
}

impl super::Store {
    /// Updates given since an instant, oldest first; of one audience, or all.
    pub async fn updates_since(
        &self,
        audience: Option<Audience>,
        since: Time,
    ) -> Read<Vec<UpdateRow>> {
        let audience = audience.map(Audience::word);
        on!(self, pools => pools.updates_since(audience, since).await)
    }

    /// Updates of an incident, oldest first.
    pub async fn updates_of(&self, id: IncidentId) -> Read<Vec<UpdateRow>> {
        on!(self, pools => pools.updates_of(id).await)
    }

    /// Updates whose subscribers are still to be found, oldest first.
    pub async fn waiting_updates(&self, limit: i64) -> Read<Vec<UpdateRow>> {
        on!(self, pools => pools.waiting_updates(limit).await)
    }

    /// Everybody who asked to be told beside the files, in the order they did.
    pub async fn subscribers(&self) -> Read<Vec<SubscriberRow>> {
        on!(self, pools => pools.subscribers().await)
    }

    /// One of them.
    pub async fn subscriber(&self, id: &str) -> Read<Option<SubscriberRow>> {
        on!(self, pools => pools.subscriber(id).await)
    }

    /// The one with this address.
    pub async fn subscriber_at(
        &self,
        audience: Audience,
        kind: &str,
        address: &str,
    ) -> Read<Option<SubscriberRow>> {
        on!(self, pools => pools.subscriber_at(audience, kind, address).await)
    }

    /// How many people outside have asked since an instant.
    pub async fn asked_since(&self, since: Time) -> Read<i64> {
        on!(self, pools => pools.asked_since(since).await)
    }

    /// Tellings that are due, oldest first.
    pub async fn waiting_bulletins(&self, until: Time, limit: i64) -> Read<Vec<BulletinRow>> {
        on!(self, pools => pools.waiting_bulletins(until, limit).await)
    }

    /// When the next telling is due.
    pub async fn next_bulletin(&self) -> Read<Option<Time>> {
        on!(self, pools => pools.next_bulletin().await)
    }

    /// What waits for the same subscriber about the same incident, this one included, oldest first.
    pub async fn bulletins_beside(&self, one: &BulletinRow) -> Read<Vec<BulletinRow>> {
        on!(self, pools => pools.bulletins_beside(one).await)
    }

    /// What became of the updates of an incident, newest first.
    pub async fn bulletins_of(&self, id: IncidentId) -> Read<Vec<BulletinRow>> {
        on!(self, pools => pools.bulletins_of(id).await)
    }

    /// The newest tellings, newest first.
    pub async fn newest_bulletins(&self, limit: i64) -> Read<Vec<BulletinRow>> {
        on!(self, pools => pools.newest_bulletins(limit).await)
    }

    /// The public update somebody has read and not yet sent.
    pub async fn update_draft(&self, id: IncidentId, author: &str) -> Read<Option<DraftRow>> {
        on!(self, pools => pools.update_draft(id, author).await)
    }
}
