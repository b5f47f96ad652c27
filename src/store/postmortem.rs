//! What people add to postmortems, and what leaves firebell of them: rows, statements, questions.

use super::Db;
use super::StoreFault;
use super::backend::{Backend, Cell, Reader};
use super::bulk::Bulk;
use super::open::Pools;
use super::plan::{Miss, Plan};
use super::rows::ChangeSet;
use super::select::Select;
use super::sight::seen;
use crate::core::id::{Actor, IncidentId};
use crate::core::postmortem::Written;
use crate::core::sight::Sight;
use crate::core::time::Time;
use serde::Serialize;

type Read<T> = Result<T, StoreFault>;

/// The newest state of a postmortem.
#[derive(Clone, Debug, PartialEq)]
pub struct PostmortemRow {
    /// Its incident.
    pub incident: IncidentId,
    /// How often it was changed.
    pub revision: i64,
    /// What people added.
    pub written: Written,
    /// Last change.
    pub updated_at: Time,
}

/// One change of a postmortem.
#[derive(Clone, Debug, PartialEq)]
pub struct RevisionRow {
    /// Its incident.
    pub incident: IncidentId,
    /// Counted from 1.
    pub revision: i64,
    /// When.
    pub at: Time,
    /// Who.
    pub author: Actor,
    /// What, in words.
    pub what: String,
    /// The whole state after it.
    pub written: Written,
}

/// A postmortem as a list shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct PostmortemItem {
    /// The state.
    pub row: PostmortemRow,
    /// Title of the incident.
    pub title: String,
    /// Severity of the incident.
    pub severity: u8,
    /// Service id.
    pub service: Option<String>,
    /// Team id.
    pub team: Option<String>,
}

/// Which postmortems a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostmortemQuery {
    /// `draft`, `in_review`, `reviewed`, `closed`; empty: all.
    pub stage: String,
    /// Directory id.
    pub owner: Option<String>,
    /// Team id.
    pub team: Option<String>,
    /// Only those whose review was due then.
    pub overdue_at: Option<Time>,
    /// For whom.
    pub sight: Sight,
    /// Those of drills as well.
    pub drills: bool,
    /// From 0.
    pub offset: i64,
    /// At most this many.
    pub limit: i64,
}

/// Something that is to be somewhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportRow {
    /// Its incident.
    pub incident: IncidentId,
    /// Name of `[export.NAME]`.
    pub target: String,
    /// `document`, or `item:3`.
    pub what: String,
    /// Directory id of who asked.
    pub author: String,
    /// `waiting`, `done`, `failed`.
    pub state: String,
    /// Tries since it was asked for.
    pub attempts: u32,
    /// Not before.
    pub due_at: Time,
    /// Where it is; empty: nowhere yet.
    pub url: String,
    /// The last error in words; empty: none.
    pub error: String,
    /// When it was asked for first.
    pub created_at: Time,
    /// Last change.
    pub updated_at: Time,
}

const POSTMORTEMS: Bulk = Bulk {
    name: "write postmortems",
    head: "insert into postmortems (incident, revision, stage, owner, due_at, body, updated_at) values ",
    width: 7,
    tail: " on conflict (incident) do update set revision = excluded.revision, stage = excluded.stage, \
        owner = excluded.owner, due_at = excluded.due_at, body = excluded.body, \
        updated_at = excluded.updated_at",
};

const REVISIONS: Bulk = Bulk {
    name: "insert postmortem revisions",
    head: "insert into postmortem_revisions (incident, revision, at, author, what, body) values ",
    width: 6,
    tail: "",
};

const REVISIONS_REWRITTEN: Bulk = Bulk {
    name: "rewrite postmortem revisions",
    head: "update postmortem_revisions set what = v.column3, body = v.column4 from (values ",
    width: 4,
    tail: ") as v where postmortem_revisions.incident = v.column1 and postmortem_revisions.revision = v.column2",
};

const EXPORTS: Bulk = Bulk {
    name: "write exports",
    head: "insert into exports (incident, target, what, author, state, attempts, due_at, url, error, \
        created_at, updated_at) values ",
    width: 11,
    tail: " on conflict (incident, target, what) do update set author = excluded.author, \
        state = excluded.state, attempts = excluded.attempts, due_at = excluded.due_at, \
        url = excluded.url, error = excluded.error, updated_at = excluded.updated_at",
};

pub(super) const BULKS: [&Bulk; 5] = [
    &POSTMORTEMS,
    &REVISIONS,
    &REVISIONS_REWRITTEN,
    &EXPORTS,
    &super::lessons::LESSONS,
];

fn json(value: &impl Serialize) -> Result<Cell<'static>, StoreFault> {
    let text = serde_json::to_string(value);
    let text = text.map_err(|e| StoreFault::Database(sqlx::Error::Encode(e.into())))?;
    Ok(Cell::Owned(text))
}

impl<B: Backend> Plan<'_, B> {
    pub(super) fn postmortems(&mut self, changes: &ChangeSet) -> Result<(), StoreFault> {
        use Miss::Expected;
        self.rows(&POSTMORTEMS, Expected, &changes.postmortems, |p| {
            Ok([
                Cell::Int(p.incident.0),
                Cell::Int(p.revision),
                Cell::Text(p.written.stage.word()),
                Cell::MaybeText(p.written.owner.as_deref()),
                Cell::MaybeInt(p.written.due.map(|t| t.0)),
                json(&p.written)?,
                Cell::Int(p.updated_at.0),
            ])
        })?;
        self.rows(&REVISIONS, Expected, &changes.revisions, |r| {
            Ok([
                Cell::Int(r.incident.0),
                Cell::Int(r.revision),
                Cell::Int(r.at.0),
                json(&r.author)?,
                Cell::Text(&r.what),
                json(&r.written)?,
            ])
        })?;
        let rewritten = &changes.revisions_rewritten;
        self.rows(&REVISIONS_REWRITTEN, Miss::Odd, rewritten, |r| {
            Ok([
                Cell::Int(r.incident.0),
                Cell::Int(r.revision),
                Cell::Text(&r.what),
                json(&r.written)?,
            ])
        })?;
        self.rows(&EXPORTS, Expected, &changes.exports, |e| {
            Ok([
                Cell::Int(e.incident.0),
                Cell::Text(&e.target),
                Cell::Text(&e.what),
                Cell::Text(&e.author),
                Cell::Text(&e.state),
                Cell::Int(i64::from(e.attempts)),
                Cell::Int(e.due_at.0),
                Cell::Text(&e.url),
                Cell::Text(&e.error),
                Cell::Int(e.created_at.0),
                Cell::Int(e.updated_at.0),
            ])
        })
    }
}

fn unreadable(what: &str, body: &str, e: &serde_json::Error) -> StoreFault {
    StoreFault::Unreadable(format!("{what} {}: {e}", crate::core::text::cut(body, 200)))
}

fn postmortem<B: Backend>(row: &mut Reader<'_, B>) -> Read<PostmortemRow> {
    let (incident, revision, body, at) = (row.int()?, row.int()?, row.text()?, row.int()?);
    Ok(PostmortemRow {
        incident: IncidentId(incident),
        revision,
        written: serde_json::from_str(&body)
            .map_err(|e| unreadable("the postmortem", &body, &e))?,
        updated_at: Time(at),
    })
}

const EXPORT: &str = "select incident, target, what, author, state, attempts, due_at, url, error, \
    created_at, updated_at from exports";

fn export<B: Backend>(row: &mut Reader<'_, B>) -> Read<ExportRow> {
    Ok(ExportRow {
        incident: IncidentId(row.int()?),
        target: row.text()?,
        what: row.text()?,
        author: row.text()?,
        state: row.text()?,
        attempts: row.small()?,
        due_at: Time(row.int()?),
        url: row.text()?,
        error: row.text()?,
        created_at: Time(row.int()?),
        updated_at: Time(row.int()?),
    })
}

impl<B: Backend> Pools<B> {
    pub(super) async fn postmortem(&self, id: IncidentId) -> Read<Option<PostmortemRow>> {
        Select::<B>::new("select incident, revision, body, updated_at from postmortems")
            .number("incident = ", Some(id.0))
            .first(&self.read, |mut row| postmortem(&mut row))
            .await
    }

    pub(super) async fn postmortems(
        &self,
        query: &PostmortemQuery,
    ) -> Read<(Vec<PostmortemItem>, i64)> {
        let rows = filtered(
            Select::<B>::new(
                "select p.incident, p.revision, p.body, p.updated_at, i.title, i.severity, i.service, i.team \
                 from postmortems p join incidents i on i.id = p.incident",
            ),
            query,
        )
        .then(" order by p.incident desc")
        .page(query.limit, query.offset)
        .all(&self.read, |mut row| {
            Ok(PostmortemItem {
                row: postmortem(&mut row)?,
                title: row.text()?,
                severity: row.small()?,
                service: row.maybe_text()?,
                team: row.maybe_text()?,
            })
        })
        .await?;
        let total = filtered(
            Select::<B>::new(
                "select count(*) from postmortems p join incidents i on i.id = p.incident",
            ),
            query,
        );
        Ok((rows, total.count(&self.read).await?))
    }

    pub(super) async fn revisions(&self, id: IncidentId) -> Read<Vec<RevisionRow>> {
        Select::<B>::new(
            "select incident, revision, at, author, what, body from postmortem_revisions",
        )
        .number("incident = ", Some(id.0))
        .then(" order by revision")
        .all(&self.read, |mut row| {
            let (incident, revision, at) = (row.int()?, row.int()?, row.int()?);
            let (author, what, body) = (row.text()?, row.text()?, row.text()?);
            Ok(RevisionRow {
                incident: IncidentId(incident),
                revision,
                at: Time(at),
                author: serde_json::from_str(&author)
                    .map_err(|e| unreadable("the author", &author, &e))?,
                what,
                written: serde_json::from_str(&body)
                    .map_err(|e| unreadable("the revision", &body, &e))?,
            })
        })
        .await
    }

    /// Postmortems whose review somebody still owes, by when it is due.
    pub(super) async fn owed(&self) -> Read<Vec<PostmortemRow>> {
        Select::<B>::new("select incident, revision, body, updated_at from postmortems")
            .only("stage in ('draft', 'in_review')")
            .only("due_at is not null")
            .then(" order by due_at, incident")
            .all(&self.read, |mut row| postmortem(&mut row))
            .await
    }

    pub(super) async fn exports(&self, id: IncidentId) -> Read<Vec<ExportRow>> {
        Select::<B>::new(EXPORT)
            .number("incident = ", Some(id.0))
            .then(" order by target, what")
            .all(&self.read, |mut row| export(&mut row))
            .await
    }

    pub(super) async fn waiting_exports(&self, until: Time) -> Read<Vec<ExportRow>> {
        Select::<B>::new(EXPORT)
            .only("state = 'waiting'")
            .number("due_at <= ", Some(until.0))
            .then(" order by due_at, incident, target, what")
            .page(100, 0)
            .all(&self.read, |mut row| export(&mut row))
            .await
    }

    /// When the next export is due.
    pub(super) async fn next_export(&self) -> Read<Option<Time>> {
        let next = Select::<B>::new("select min(due_at) from exports where state = 'waiting'");
        let next = next.first(&self.read, |mut row| row.maybe_int()).await?;
        Ok(next.flatten().map(Time))
    }
}

fn filtered<B: Backend>(select: Select<B>, query: &PostmortemQuery) -> Select<B> {
    let stage = Some(query.stage.as_str()).filter(|s| !s.is_empty());
    let select = select
        .text("p.stage = ", stage)
        .text("p.owner = ", query.owner.as_deref())
        .text("i.team = ", query.team.as_deref())
        .number("i.drill = ", (!query.drills).then_some(0));
    let select = seen(select, &query.sight, "i.id not in ", "");
    match query.overdue_at {
        Some(at) => select
            .only("p.stage in ('draft', 'in_review')")
            .number("p.due_at <= ", Some(at.0)),
        None => select,
    }
}

impl super::Store {
    /// What people added to a postmortem; `None`: nobody has touched it.
    pub async fn postmortem(&self, id: IncidentId) -> Read<Option<PostmortemRow>> {
        on!(self, pools => pools.postmortem(id).await)
    }

    /// Postmortems people have touched or owe, newest incident first, and how many match in all.
    pub async fn postmortems(&self, query: &PostmortemQuery) -> Read<(Vec<PostmortemItem>, i64)> {
        on!(self, pools => pools.postmortems(query).await)
    }

    /// Every change of a postmortem, in order.
    pub async fn revisions(&self, id: IncidentId) -> Read<Vec<RevisionRow>> {
        on!(self, pools => pools.revisions(id).await)
    }

    /// Postmortems whose review somebody still owes, by when it is due.
    pub async fn owed(&self) -> Read<Vec<PostmortemRow>> {
        on!(self, pools => pools.owed().await)
    }

    /// What is, or is to be, somewhere else of an incident.
    pub async fn exports(&self, id: IncidentId) -> Read<Vec<ExportRow>> {
        on!(self, pools => pools.exports(id).await)
    }

    /// Exports that are due, oldest first, at most a hundred.
    pub async fn waiting_exports(&self, until: Time) -> Read<Vec<ExportRow>> {
        on!(self, pools => pools.waiting_exports(until).await)
    }

    /// When the next export is due.
    pub async fn next_export(&self) -> Read<Option<Time>> {
        on!(self, pools => pools.next_export().await)
    }
}
