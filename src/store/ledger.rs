//! The delivery ledger and verified contacts: their rows, and what is asked about them.

use super::StoreFault;
use super::backend::{Backend, Cell, Reader};
use super::open::Pools;
use super::select::Select;
use super::sight::seen;
use crate::core::id::{IncidentId, Seq};
use crate::core::sight::Sight;
use crate::core::time::Time;

type Read<T> = Result<T, StoreFault>;

/// A message that goes on ringing until it is cancelled.
pub const RINGING: &str = "ringing";

/// One try to wake somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRow {
    /// Given out in order.
    pub id: i64,
    /// When it began.
    pub at: Time,
    /// The incident of a page.
    pub incident: Option<IncidentId>,
    /// The event that paged.
    pub seq: Option<Seq>,
    /// Directory id.
    pub person: String,
    /// Contact name.
    pub contact: String,
    /// `sms`, `email`, `webhook`, or the chat platform's name.
    pub kind: String,
    /// Name of the provider; the kind again where there is only one way.
    pub provider: String,
    /// `page`, `test` or `code`.
    pub purpose: String,
    /// Pages that shared the message.
    pub pages: i64,
    /// From the begin to the answer, milliseconds.
    pub latency_ms: i64,
    /// `failed`, `accepted`, `ringing`, `delivered`, `undelivered` or `cancelled`.
    pub state: String,
    /// The provider's name for it; empty: none.
    pub receipt: String,
    /// The provider's own word for its state; empty: none.
    pub status: String,
    /// In words; empty: none.
    pub error: String,
    /// Last change.
    pub updated_at: Time,
}

/// What a provider tells of a message later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptChange {
    /// The provider's name for it.
    pub receipt: String,
    /// New state.
    pub state: String,
    /// The provider's own word.
    pub status: String,
    /// When firebell heard it.
    pub updated_at: Time,
    /// In words; empty: none.
    pub error: String,
}

/// A contact of which a code came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedRow {
    /// Directory id.
    pub person: String,
    /// Contact name.
    pub contact: String,
    /// Digest of the address that was shown to lead to them.
    pub digest: String,
    /// When.
    pub at: Time,
}

/// A code under way to a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactCodeRow {
    /// Directory id.
    pub person: String,
    /// Contact name.
    pub contact: String,
    /// Digest of the address it was sent to.
    pub digest: String,
    /// SHA-256 of the code, hex.
    pub code: String,
    /// Not after.
    pub expires_at: Time,
    /// Wrong guesses.
    pub tries: i64,
}

/// Which tries a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttemptQuery {
    /// Only of this incident.
    pub incident: Option<IncidentId>,
    /// Only to this person.
    pub person: Option<String>,
    /// For whom: tries about incidents they may not see are left out.
    pub sight: Sight,
    /// From 0.
    pub offset: i64,
    /// At most this many, newest first.
    pub limit: i64,
}

const ATTEMPT: &str = "select id, at, incident, seq, person, contact, kind, provider, purpose, pages, \
    latency, state, receipt, status, error, updated_at from attempts";

fn attempt<B: Backend>(mut row: Reader<'_, B>) -> Read<AttemptRow> {
    Ok(AttemptRow {
        id: row.int()?,
        at: Time(row.int()?),
        incident: row.maybe_int()?.map(IncidentId),
        seq: row.maybe_int()?.and_then(|n| Seq::try_from(n).ok()),
        person: row.text()?,
        contact: row.text()?,
        kind: row.text()?,
        provider: row.text()?,
        purpose: row.text()?,
        pages: row.int()?,
        latency_ms: row.int()?,
        state: row.text()?,
        receipt: row.text()?,
        status: row.text()?,
        error: row.text()?,
        updated_at: Time(row.int()?),
    })
}

impl<B: Backend> Pools<B> {
    pub(super) async fn attempts(&self, query: &AttemptQuery) -> Read<(Vec<AttemptRow>, i64)> {
        let rows = only(Select::<B>::new(ATTEMPT), query)
            .then(" order by id desc")
            .page(query.limit, query.offset)
            .all(&self.read, attempt)
            .await?;
        let total = only(Select::<B>::new("select count(*) from attempts"), query)
            .count(&self.read)
            .await?;
        Ok((rows, total))
    }

    pub(super) async fn attempts_of_receipt(&self, receipt: &str) -> Read<Vec<AttemptRow>> {
        Select::<B>::new(ATTEMPT)
            .only("receipt <> ''")
            .text("receipt = ", Some(receipt))
            .then(" order by id")
            .all(&self.read, attempt)
            .await
    }

    pub(super) async fn ringing(&self) -> Read<Vec<AttemptRow>> {
        Select::<B>::new(ATTEMPT)
            .only("state = 'ringing'")
            .then(" order by id")
            .all(&self.read, attempt)
            .await
    }

    /// When pages left for a person, newest first.
    pub(super) async fn paged_at(&self, person: &str, since: Time) -> Read<Vec<Time>> {
        Select::<B>::new("select at from attempts")
            .text("person = ", Some(person))
            .only("purpose = 'page' and state <> 'failed'")
            .number("at >= ", Some(since.0))
            .then(" order by id desc")
            .all(&self.read, |mut row| Ok(Time(row.int()?)))
            .await
    }

    pub(super) async fn verified(&self) -> Read<Vec<VerifiedRow>> {
        Select::<B>::new("select person, contact, digest, at from verified")
            .then(" order by person, contact")
            .all(&self.read, |mut row| {
                Ok(VerifiedRow {
                    person: row.text()?,
                    contact: row.text()?,
                    digest: row.text()?,
                    at: Time(row.int()?),
                })
            })
            .await
    }

    pub(super) async fn contact_code(
        &self,
        person: &str,
        contact: &str,
    ) -> Read<Option<ContactCodeRow>> {
        Select::<B>::new(
            "select person, contact, digest, code, expires_at, tries from contact_codes",
        )
        .text("person = ", Some(person))
        .text("contact = ", Some(contact))
        .first(&self.read, |mut row| {
            Ok(ContactCodeRow {
                person: row.text()?,
                contact: row.text()?,
                digest: row.text()?,
                code: row.text()?,
                expires_at: Time(row.int()?),
                tries: row.int()?,
            })
        })
        .await
    }
}

fn only<B: Backend>(select: Select<B>, query: &AttemptQuery) -> Select<B> {
    let select = match query.incident {
        // The partial index is only used when its own condition is said.
        Some(id) => select
            .only("incident is not null")
            .number("incident = ", Some(id.0)),
        None => select,
    };
    let select = seen(
        select,
        &query.sight,
        "(incident is null or incident not in ",
        ")",
    );
    select.text("person = ", query.person.as_deref())
}

pub(super) fn attempt_cells(a: &AttemptRow) -> [Cell<'_>; 16] {
    [
        Cell::Int(a.id),
        Cell::Int(a.at.0),
        Cell::MaybeInt(a.incident.map(|i| i.0)),
        Cell::MaybeInt(a.seq.map(i64::from)),
        Cell::Text(&a.person),
        Cell::Text(&a.contact),
        Cell::Text(&a.kind),
        Cell::Text(&a.provider),
        Cell::Text(&a.purpose),
        Cell::Int(a.pages),
        Cell::Int(a.latency_ms),
        Cell::Text(&a.state),
        Cell::Text(&a.receipt),
        Cell::Text(&a.status),
        Cell::Text(&a.error),
        Cell::Int(a.updated_at.0),
    ]
}

pub(super) fn receipt_cells(r: &ReceiptChange) -> [Cell<'_>; 5] {
    [
        Cell::Text(&r.receipt),
        Cell::Text(&r.state),
        Cell::Text(&r.status),
        Cell::Text(&r.error),
        Cell::Int(r.updated_at.0),
    ]
}

pub(super) fn verified_cells(v: &VerifiedRow) -> [Cell<'_>; 4] {
    [
        Cell::Text(&v.person),
        Cell::Text(&v.contact),
        Cell::Text(&v.digest),
        Cell::Int(v.at.0),
    ]
}

pub(super) fn code_cells(c: &ContactCodeRow) -> [Cell<'_>; 6] {
    [
        Cell::Text(&c.person),
        Cell::Text(&c.contact),
        Cell::Text(&c.digest),
        Cell::Text(&c.code),
        Cell::Int(c.expires_at.0),
        Cell::Int(c.tries),
    ]
}
