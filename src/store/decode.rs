//! Rows of the database as the rows of `rows.rs`; each reads the columns its list names, in order.

use super::StoreFault;
use super::backend::{Backend, Reader};
use super::incident_row::IncidentRow;
use super::rooms::{PostRow, RoomRow};
use super::rows::{
    AlertRow, ArtifactRow, Delivery, HeardRow, InboxRow, Lane, LinkCodeRow, LinkRow, OutboxRow,
    QuarantineRow, RunRow, ShowRow,
};
use crate::core::id::{AlertId, IncidentId, RoomId, RunId};
use crate::core::incident::Record;
use crate::core::time::Time;

type Read<T> = Result<T, StoreFault>;

fn time<B: Backend>(row: &mut Reader<'_, B>) -> Read<Time> {
    Ok(Time(row.int()?))
}

fn maybe_time<B: Backend>(row: &mut Reader<'_, B>) -> Read<Option<Time>> {
    Ok(row.maybe_int()?.map(Time))
}

fn incident_id<B: Backend>(row: &mut Reader<'_, B>) -> Read<IncidentId> {
    Ok(IncidentId(row.int()?))
}

fn maybe_incident<B: Backend>(row: &mut Reader<'_, B>) -> Read<Option<IncidentId>> {
    Ok(row.maybe_int()?.map(IncidentId))
}

pub(super) const ALERT: &str = "select a.id, a.source, a.fingerprint, a.digest, s.firing, \
    a.starts_at, s.ends_at, a.received_at, s.updated_at, a.incident, a.why, a.body";

pub(super) fn alert<B: Backend>(mut row: Reader<'_, B>) -> Read<AlertRow> {
    Ok(AlertRow {
        id: AlertId(row.int()?),
        source: row.text()?,
        fingerprint: row.text()?,
        digest: row.int()?,
        firing: row.flag()?,
        starts_at: time(&mut row)?,
        ends_at: time(&mut row)?,
        received_at: time(&mut row)?,
        updated_at: time(&mut row)?,
        incident: maybe_incident(&mut row)?,
        why: row.text()?,
        body: row.text()?,
    })
}

pub(super) const INCIDENT: &str = "select id, seq, status, severity, major, title, service, team, \
    group_key, opened_at, began_at, acked_at, acked_by, resolved_at, updated_at, wake_at, alerts, \
    firing, lead, type, private, drill, viewers, parent from incidents";

pub(super) fn incident<B: Backend>(mut row: Reader<'_, B>) -> Read<IncidentRow> {
    Ok(IncidentRow {
        id: incident_id(&mut row)?,
        seq: row.small()?,
        status: row.text()?,
        severity: row.small()?,
        major: row.flag()?,
        title: row.text()?,
        service: row.maybe_text()?,
        team: row.maybe_text()?,
        group_key: row.text()?,
        opened_at: time(&mut row)?,
        began_at: time(&mut row)?,
        acked_at: maybe_time(&mut row)?,
        acked_by: row.maybe_text()?,
        resolved_at: maybe_time(&mut row)?,
        updated_at: time(&mut row)?,
        wake_at: maybe_time(&mut row)?,
        alerts: row.small()?,
        firing: row.small()?,
        lead: row.maybe_text()?,
        type_id: row.maybe_text()?,
        private: row.flag()?,
        drill: row.flag()?,
        viewers: row.text()?,
        parent: maybe_incident(&mut row)?,
    })
}

pub(super) const RECORD: &str = "select e.incident, e.seq, e.at, e.cause, e.body";

pub(super) fn record<B: Backend>(mut row: Reader<'_, B>) -> Read<(IncidentId, Record)> {
    let incident = incident_id(&mut row)?;
    let seq = row.small()?;
    let (at, cause, body) = (time(&mut row)?, row.text()?, row.text()?);
    let event = serde_json::from_str(&body).map_err(|error| {
        StoreFault::Unreadable(format!("event {seq} of incident {incident}: {error}"))
    })?;
    let record = Record {
        seq,
        at,
        cause,
        event,
    };
    Ok((incident, record))
}

pub(super) const INBOX: &str = "select cause, at, incident, seq from inbox";

pub(super) fn inbox<B: Backend>(mut row: Reader<'_, B>) -> Read<InboxRow> {
    Ok(InboxRow {
        cause: row.text()?,
        at: time(&mut row)?,
        incident: incident_id(&mut row)?,
        seq: row.small()?,
    })
}

pub(super) const OUTBOX: &str = "select id, incident, seq, n, lane, target, detail, state, \
    attempts, due_at, created_at, updated_at, error, remote from outbox";

pub(super) fn outbox<B: Backend>(mut row: Reader<'_, B>) -> Read<OutboxRow> {
    let id = row.int()?;
    let unknown = |what: &str, word: &str| {
        StoreFault::Unreadable(format!("outbox row {id} has the unknown {what} `{word}`"))
    };
    Ok(OutboxRow {
        id,
        incident: incident_id(&mut row)?,
        seq: row.small()?,
        n: row.small()?,
        lane: {
            let word = row.text()?;
            Lane::parse(&word).ok_or_else(|| unknown("lane", &word))?
        },
        target: row.text()?,
        detail: row.text()?,
        state: {
            let word = row.text()?;
            Delivery::parse(&word).ok_or_else(|| unknown("state", &word))?
        },
        attempts: row.small()?,
        due_at: time(&mut row)?,
        created_at: time(&mut row)?,
        updated_at: time(&mut row)?,
        error: row.text()?,
        remote: row.text()?,
    })
}

pub(super) const SHOW: &str = "select incident, platform, surface, want, have, remote, attempts, \
    due_at, error from shows";

pub(super) fn show<B: Backend>(mut row: Reader<'_, B>) -> Read<ShowRow> {
    Ok(ShowRow {
        incident: incident_id(&mut row)?,
        platform: row.text()?,
        surface: row.text()?,
        want: row.small()?,
        have: row.small()?,
        remote: row.text()?,
        attempts: row.small()?,
        due_at: time(&mut row)?,
        error: row.text()?,
    })
}

pub(super) const ROOM: &str = "select id, name, kind, incident, created_at, archived_at from rooms";

pub(super) fn room<B: Backend>(mut row: Reader<'_, B>) -> Read<RoomRow> {
    Ok(RoomRow {
        id: RoomId(row.int()?),
        name: row.text()?,
        kind: row.text()?,
        incident: maybe_incident(&mut row)?,
        created_at: time(&mut row)?,
        archived_at: row.maybe_int()?.map(Time),
    })
}

pub(super) const POST: &str = "select id, room, at, author, author_name, kind, incident, seq, \
    text, key, state, changed_at, answers from posts";

pub(super) fn post<B: Backend>(mut row: Reader<'_, B>) -> Read<PostRow> {
    Ok(PostRow {
        id: row.int()?,
        room: RoomId(row.int()?),
        at: time(&mut row)?,
        author: row.text()?,
        author_name: row.text()?,
        kind: row.text()?,
        incident: maybe_incident(&mut row)?,
        seq: row.maybe_int()?,
        text: row.text()?,
        key: row.text()?,
        state: row.text()?,
        changed_at: row.maybe_int()?.map(Time),
        answers: row.maybe_int()?,
    })
}

pub(super) const RUN: &str = "select id, incident, action, state, started_at, ended_at, output, bytes, handle, digest, \
     told from runs";

pub(super) fn run<B: Backend>(mut row: Reader<'_, B>) -> Read<RunRow> {
    Ok(RunRow {
        id: RunId(row.int()?),
        incident: incident_id(&mut row)?,
        action: row.text()?,
        state: row.text()?,
        started_at: time(&mut row)?,
        ended_at: maybe_time(&mut row)?,
        output: row.text()?,
        bytes: row.int()?,
        handle: row.text()?,
        digest: row.text()?,
        told: row.text()?,
    })
}

pub(super) const ARTIFACT: &str = "select run, n, name, sha256, bytes from artifacts";

pub(super) fn artifact<B: Backend>(mut row: Reader<'_, B>) -> Read<ArtifactRow> {
    Ok(ArtifactRow {
        run: RunId(row.int()?),
        n: row.int()?,
        name: row.text()?,
        sha256: row.text()?,
        bytes: row.int()?,
    })
}

pub(super) const QUARANTINE: &str = "select id, at, source, path, reason, body from quarantine";

pub(super) fn quarantine<B: Backend>(mut row: Reader<'_, B>) -> Read<QuarantineRow> {
    Ok(QuarantineRow {
        id: row.int()?,
        at: time(&mut row)?,
        source: row.text()?,
        path: row.text()?,
        reason: row.text()?,
        body: row.text()?,
    })
}

pub(super) const HEARD: &str = "select id, platform, key, at, body from heard";

pub(super) fn heard<B: Backend>(mut row: Reader<'_, B>) -> Read<HeardRow> {
    Ok(HeardRow {
        id: row.int()?,
        platform: row.text()?,
        key: row.text()?,
        at: time(&mut row)?,
        body: row.text()?,
    })
}

pub(super) const LINK: &str = "select platform, account, person, at, how from links";

pub(super) fn link<B: Backend>(mut row: Reader<'_, B>) -> Read<LinkRow> {
    Ok(LinkRow {
        platform: row.text()?,
        account: row.text()?,
        person: row.text()?,
        at: time(&mut row)?,
        how: row.text()?,
    })
}

pub(super) const LINK_CODE: &str =
    "select code, platform, account, name, expires_at from link_codes";

pub(super) fn link_code<B: Backend>(mut row: Reader<'_, B>) -> Read<LinkCodeRow> {
    Ok(LinkCodeRow {
        code: row.text()?,
        platform: row.text()?,
        account: row.text()?,
        name: row.text()?,
        expires_at: time(&mut row)?,
    })
}
