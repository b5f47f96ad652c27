//! Statements that take many rows, and their texts for a few fixed numbers of rows.
//!
//! Fixed, so that each is prepared once per connection and then found again; a text per length of
//! batch would be parsed for nearly every commit.

use super::backend::Dialect;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

/// Rows per statement, largest first. A batch of any length is a few of these; the widest table has 20
/// columns, so 128 rows bind 2,560 values (SQLite takes 32,766, PostgreSQL 65,535).
pub(super) const SIZES: [usize; 5] = [128, 32, 8, 2, 1];

/// A statement around a list of rows.
#[derive(Debug)]
pub(super) struct Bulk {
    /// What it does, for logs; unique.
    pub name: &'static str,
    pub(super) head: &'static str,
    /// Values per row.
    pub width: usize,
    pub(super) tail: &'static str,
}

/// For one row only: before anything else of a commit. On PostgreSQL it answers a row only while the epoch is
/// ours, and keeps it ours by a lock that commits of one process share and a take-over must wait for.
/// An `update` would do the same at the price of a written page and of one commit at a time.
pub(super) const FENCE: Bulk = Bulk {
    name: "fence",
    head: "select value from meta where key = 'epoch' and value = ",
    width: 1,
    tail: " for share",
};

/// The same on SQLite, where the write lock keeps the epoch: when it is not ours there is a row to insert, whose
/// key is taken. So it fails, and nothing of the text behind it happens, not even its `commit`.
const FENCE_OF_SQLITE: &str = "insert into meta (key, value) select 'epoch', 0 where not exists \
    (select value from meta where key = 'epoch' and value = ?)";

pub(super) const ALERTS: Bulk = Bulk {
    name: "insert alerts",
    head: "insert into alerts (id, source, fingerprint, digest, starts_at, received_at, incident, why, body) values ",
    width: 9,
    tail: "",
};

pub(super) const ALERT_STATES: Bulk = Bulk {
    name: "insert alert states",
    head: "insert into alert_states (id, firing, ends_at, updated_at) values ",
    width: 4,
    tail: "",
};

pub(super) const ALERT_STATE_CHANGES: Bulk = Bulk {
    name: "change alert states",
    head: "update alert_states set firing = v.column2, ends_at = v.column3, updated_at = v.column4 from (values ",
    width: 4,
    tail: ") as v where alert_states.id = v.column1",
};

pub(super) const ALERT_BODY_CHANGES: Bulk = Bulk {
    name: "change alerts",
    head: "update alerts set digest = v.column2, body = v.column3 from (values ",
    width: 3,
    tail: ") as v where alerts.id = v.column1",
};

pub(super) const INCIDENTS: Bulk = Bulk {
    name: "write incidents",
    head: "insert into incidents (id, seq, status, severity, major, title, title_search, service, team, \
        group_key, opened_at, began_at, acked_at, acked_by, resolved_at, updated_at, wake_at, alerts, \
        firing, lead, type, private, drill, viewers, parent) values ",
    width: 25,
    tail: " on conflict (id) do update set seq = excluded.seq, status = excluded.status, \
        severity = excluded.severity, major = excluded.major, title = excluded.title, \
        title_search = excluded.title_search, service = excluded.service, team = excluded.team, \
        group_key = excluded.group_key, opened_at = excluded.opened_at, began_at = excluded.began_at, \
        acked_at = excluded.acked_at, acked_by = excluded.acked_by, resolved_at = excluded.resolved_at, \
        updated_at = excluded.updated_at, wake_at = excluded.wake_at, alerts = excluded.alerts, \
        firing = excluded.firing, lead = excluded.lead, type = excluded.type, \
        private = excluded.private, drill = excluded.drill, viewers = excluded.viewers, \
        parent = excluded.parent",
};

pub(super) const EVENTS: Bulk = Bulk {
    name: "insert events",
    head: "insert into events (pos, incident, seq, at, cause, kind, run, body) values ",
    width: 8,
    tail: "",
};

pub(super) const REDACTIONS: Bulk = Bulk {
    name: "redact events",
    head: "update events set kind = v.column3, body = v.column4 from (values ",
    width: 4,
    tail: ") as v where events.incident = v.column1 and events.seq = v.column2",
};

pub(super) const INBOX: Bulk = Bulk {
    name: "insert inbox",
    head: "insert into inbox (cause, at, incident, seq) values ",
    width: 4,
    tail: " on conflict (cause) do nothing",
};

pub(super) const OUTBOX: Bulk = Bulk {
    name: "insert outbox",
    head: "insert into outbox (id, incident, seq, n, lane, target, detail, state, attempts, due_at, \
        created_at, updated_at, error) values ",
    width: 13,
    tail: "",
};

pub(super) const OUTBOX_CHANGES: Bulk = Bulk {
    name: "change outbox",
    head: "update outbox set state = v.column2, attempts = v.column3, due_at = v.column4, \
        updated_at = v.column5, error = v.column6, \
        remote = case when v.column7 = '' then outbox.remote else v.column7 end from (values ",
    width: 7,
    tail: ") as v where outbox.id = v.column1",
};

pub(super) const SHOWS: Bulk = Bulk {
    name: "write shows",
    head: "insert into shows (incident, platform, surface, want, have, remote, attempts, due_at, error) values ",
    width: 9,
    tail: " on conflict (incident, platform, surface) do update set want = excluded.want, \
        have = excluded.have, remote = excluded.remote, attempts = excluded.attempts, \
        due_at = excluded.due_at, error = excluded.error",
};

pub(super) const ROOMS: Bulk = Bulk {
    name: "insert rooms",
    head: "insert into rooms (id, name, kind, incident, created_at) values ",
    width: 5,
    tail: " on conflict (kind, name) do nothing",
};

pub(super) const POSTS: Bulk = Bulk {
    name: "insert posts",
    head: "insert into posts (id, room, at, author, author_name, kind, incident, seq, text, key, state, \
        answers) values ",
    width: 12,
    tail: " on conflict (key) do nothing",
};

pub(super) const POST_CHANGES: Bulk = Bulk {
    name: "change posts",
    head: "update posts set text = v.column2, state = v.column3, changed_at = v.column4 from (values ",
    width: 4,
    tail: ") as v where posts.id = v.column1",
};

/// For one row only: a room that is put away or called something else. A name that is taken stays.
pub(super) const ROOM_CHANGES: Bulk = Bulk {
    name: "change rooms",
    head: "update rooms set name = v.column2, archived_at = nullif(v.column3, 0) from (values ",
    width: 3,
    tail: ") as v where rooms.id = v.column1",
};

pub(super) const FILES: Bulk = Bulk {
    name: "insert files",
    head: "insert into files (incident, seq, at, name, kind, bytes, sha256, state) values ",
    width: 8,
    tail: " on conflict (incident, seq) do nothing",
};

pub(super) const FILES_REMOVED: Bulk = Bulk {
    name: "remove files",
    head: "update files set state = 'removed', name = '', kind = '', sha256 = '', bytes = 0 from (values ",
    width: 2,
    tail: ") as v where files.incident = v.column1 and files.seq = v.column2",
};

pub(super) const RUNS: Bulk = Bulk {
    name: "write runs",
    head: "insert into runs (id, incident, action, state, started_at, ended_at, output, bytes, handle, \
        digest, told) values ",
    width: 11,
    tail: " on conflict (id) do update set incident = excluded.incident, action = excluded.action, \
        state = excluded.state, started_at = excluded.started_at, ended_at = excluded.ended_at, \
        output = excluded.output, bytes = excluded.bytes, handle = excluded.handle, \
        digest = excluded.digest, told = excluded.told",
};

pub(super) const ARTIFACTS: Bulk = Bulk {
    name: "insert artifacts",
    head: "insert into artifacts (run, n, name, sha256, bytes) values ",
    width: 5,
    tail: " on conflict (run, n) do nothing",
};

pub(super) const ARTIFACTS_REMOVED: Bulk = Bulk {
    name: "remove artifacts",
    head: "delete from artifacts where run in (select column1 from (values ",
    width: 1,
    tail: ") as v)",
};

pub(super) const HEARD: Bulk = Bulk {
    name: "insert heard",
    head: "insert into heard (id, platform, key, at, state, body) values ",
    width: 6,
    tail: " on conflict (platform, key) do nothing",
};

pub(super) const HEARD_DONE: Bulk = Bulk {
    name: "finish heard",
    head: "update heard set state = v.column2, body = '' from (values ",
    width: 2,
    tail: ") as v where heard.id = v.column1",
};

/// For one row only: the instant before which what is worked off is forgotten.
pub(super) const HEARD_OLD: Bulk = Bulk {
    name: "forget heard",
    head: "delete from heard where state <> 'waiting' and at < ",
    width: 1,
    tail: "",
};

pub(super) const LINKS: Bulk = Bulk {
    name: "write links",
    head: "insert into links (platform, account, person, at, how) values ",
    width: 5,
    tail: " on conflict (platform, account) do update set person = excluded.person, \
        at = excluded.at, how = excluded.how",
};

pub(super) const LINK_CODES: Bulk = Bulk {
    name: "write link codes",
    head: "insert into link_codes (code, platform, account, name, expires_at) values ",
    width: 5,
    tail: " on conflict (code) do update set expires_at = excluded.expires_at",
};

pub(super) const LINK_CODES_OLD: Bulk = Bulk {
    name: "forget link codes",
    head: "delete from link_codes where expires_at <= ",
    width: 1,
    tail: "",
};

pub(super) const KEYS: Bulk = Bulk {
    name: "write keys",
    head: "insert into keys (name, value) values ",
    width: 2,
    tail: " on conflict (name) do update set value = excluded.value",
};

pub(super) const QUARANTINE: Bulk = Bulk {
    name: "insert quarantine",
    head: "insert into quarantine (id, at, source, path, reason, body) values ",
    width: 6,
    tail: "",
};

pub(super) const ATTEMPTS: Bulk = Bulk {
    name: "insert attempts",
    head: "insert into attempts (id, at, incident, seq, person, contact, kind, provider, purpose, pages, \
        latency, state, receipt, status, error, updated_at) values ",
    width: 16,
    tail: "",
};

/// For one row only. What was cancelled or delivered stays so: receipts come in any order.
pub(super) const RECEIPTS: Bulk = Bulk {
    name: "change attempts",
    head: "update attempts set state = v.column2, status = v.column3, error = v.column4, \
        updated_at = v.column5 from (values ",
    width: 5,
    tail: ") as v where attempts.receipt <> '' and attempts.receipt = v.column1 \
        and attempts.state in ('accepted', 'ringing')",
};

pub(super) const VERIFIED: Bulk = Bulk {
    name: "write verified",
    head: "insert into verified (person, contact, digest, at) values ",
    width: 4,
    tail: " on conflict (person, contact) do update set digest = excluded.digest, at = excluded.at",
};

pub(super) const CONTACT_CODES: Bulk = Bulk {
    name: "write contact codes",
    head: "insert into contact_codes (person, contact, digest, code, expires_at, tries) values ",
    width: 6,
    tail: " on conflict (person, contact) do update set digest = excluded.digest, code = excluded.code, \
        expires_at = excluded.expires_at, tries = excluded.tries",
};

pub(super) const ALERT_PLACES: Bulk = Bulk {
    name: "place alerts",
    head: "update alerts set incident = v.column2, why = v.column3 from (values ",
    width: 3,
    tail: ") as v where alerts.id = v.column1",
};

pub(super) const MOVES: Bulk = Bulk {
    name: "move alerts",
    head: "update alerts set incident = v.column2 from (values ",
    width: 2,
    tail: ") as v where alerts.incident = v.column1",
};

pub(super) const SILENCES: Bulk = Bulk {
    name: "write silences",
    head: "insert into silences (id, kind, matchers, service, starts_at, ends_at, created_by, owner, \
        comment, recurrence, updated_at) values ",
    width: 11,
    tail: " on conflict (id) do update set kind = excluded.kind, matchers = excluded.matchers, \
        service = excluded.service, starts_at = excluded.starts_at, ends_at = excluded.ends_at, \
        created_by = excluded.created_by, owner = excluded.owner, comment = excluded.comment, \
        recurrence = excluded.recurrence, updated_at = excluded.updated_at",
};

pub(super) const MARKS: Bulk = Bulk {
    name: "write silence marks",
    head: "insert into silence_marks (id, ending, forgotten, digest) values ",
    width: 4,
    tail: " on conflict (id) do update set ending = excluded.ending, \
        forgotten = excluded.forgotten, digest = excluded.digest",
};

pub(super) const HELD: Bulk = Bulk {
    name: "insert held",
    head: "insert into held (silence, alert, at) values ",
    width: 3,
    tail: " on conflict (silence, alert) do nothing",
};

pub(super) const NOTICES: Bulk = Bulk {
    name: "write notices",
    head: "insert into notices (key, platform, channel, text, state, attempts, due_at, created_at, \
        error) values ",
    width: 9,
    // Words that were taken away stay away, whatever comes of a line that was on its way.
    tail: " on conflict (key) do update set state = excluded.state, attempts = excluded.attempts, \
        due_at = excluded.due_at, error = excluded.error, \
        text = case when notices.text = '' then '' else excluded.text end",
};

pub(super) const COUNTERS: Bulk = Bulk {
    name: "write counters",
    head: "insert into meta (key, value) values ",
    width: 2,
    tail: " on conflict (key) do update set value = excluded.value",
};

pub(super) const TOLD: Bulk = Bulk {
    name: "insert told",
    head: "insert into told (key, at) values ",
    width: 2,
    tail: " on conflict (key) do nothing",
};

pub(super) const COVERS: Bulk = Bulk {
    name: "write covers",
    head: "insert into covers (id, cause, schedule, state, until_at, body, updated_at) values ",
    width: 7,
    tail: " on conflict (id) do update set state = excluded.state, until_at = excluded.until_at, \
        body = excluded.body, updated_at = excluded.updated_at",
};

pub(super) const LOCKS: Bulk = Bulk {
    name: "write locks",
    head: "insert into locks (run, incident, state, at, until_at, epoch, body) values ",
    width: 7,
    tail: " on conflict (run) do update set state = excluded.state, at = excluded.at, \
        until_at = excluded.until_at, epoch = excluded.epoch, body = excluded.body",
};

pub(super) const SWITCHES: Bulk = Bulk {
    name: "write switches",
    head: "insert into switches (name, body, updated_at) values ",
    width: 3,
    tail: " on conflict (name) do update set body = excluded.body, updated_at = excluded.updated_at",
};

pub(super) const SWITCH_LOG: Bulk = Bulk {
    name: "log switches",
    head: "insert into switch_log (cause, name, at, body) values ",
    width: 4,
    tail: " on conflict (cause, name) do nothing",
};

pub(super) const TEACHINGS: Bulk = Bulk {
    name: "write teachings",
    head: "insert into teachings (incident, seq, pattern, at, body) values ",
    width: 5,
    tail: " on conflict (incident) do update set seq = excluded.seq, pattern = excluded.pattern, \
        at = excluded.at, body = excluded.body",
};

/// Without `on conflict`: a number that is taken fails the whole commit.
pub(super) const AUDIT: Bulk = Bulk {
    name: "append audit",
    head: "insert into audit (n, at, kind, who, name, incident, run, action, text, detail, prev, \
        hash) values ",
    width: 12,
    tail: "",
};

pub(super) const CHECKPOINTS: Bulk = Bulk {
    name: "append checkpoints",
    head: "insert into audit_checkpoints (n, at, hash, key, signature) values ",
    width: 5,
    tail: " on conflict (n, at) do nothing",
};

const ALL: [&Bulk; 52] = [
    &super::proposals::PROPOSALS,
    &super::measures::MEASURES,
    &super::changes::CHANGE_EVENTS,
    &super::changes::CHANGE_EVENTS_OLD,
    &FENCE,
    &LOCKS,
    &SWITCHES,
    &SWITCH_LOG,
    &TEACHINGS,
    &ALERT_PLACES,
    &MOVES,
    &SILENCES,
    &MARKS,
    &HELD,
    &NOTICES,
    &ALERTS,
    &ALERT_STATES,
    &ALERT_STATE_CHANGES,
    &ALERT_BODY_CHANGES,
    &INCIDENTS,
    &EVENTS,
    &REDACTIONS,
    &INBOX,
    &OUTBOX,
    &OUTBOX_CHANGES,
    &SHOWS,
    &ROOMS,
    &ROOM_CHANGES,
    &POSTS,
    &POST_CHANGES,
    &FILES,
    &FILES_REMOVED,
    &RUNS,
    &ARTIFACTS,
    &ARTIFACTS_REMOVED,
    &QUARANTINE,
    &HEARD,
    &HEARD_DONE,
    &HEARD_OLD,
    &LINKS,
    &LINK_CODES,
    &LINK_CODES_OLD,
    &KEYS,
    &ATTEMPTS,
    &RECEIPTS,
    &VERIFIED,
    &CONTACT_CODES,
    &COUNTERS,
    &COVERS,
    &TOLD,
    &AUDIT,
    &CHECKPOINTS,
];

/// The text of every bulk statement for every size.
#[derive(Debug)]
pub(super) struct Texts(BTreeMap<(&'static str, usize), Arc<str>>);

impl Texts {
    pub(super) fn new(dialect: Dialect) -> Texts {
        let mut texts = BTreeMap::new();
        let more = super::postmortem::BULKS
            .into_iter()
            .chain(super::update::BULKS);
        for bulk in ALL.into_iter().chain(more) {
            for rows in SIZES {
                texts.insert((bulk.name, rows), text(bulk, rows, dialect).into());
            }
        }
        Texts(texts)
    }

    /// The text for one of [`SIZES`].
    pub(super) fn get(&self, bulk: &Bulk, rows: usize) -> Option<Arc<str>> {
        self.0.get(&(bulk.name, rows)).map(Arc::clone)
    }
}

/// SQLite gets bare `?`: it looks up a named parameter by walking a list of all of them, which for a
/// thousand `$n` costs more than the insert.
fn text(bulk: &Bulk, rows: usize, dialect: Dialect) -> String {
    if bulk.name == FENCE.name && dialect == Dialect::Sqlite {
        return FENCE_OF_SQLITE.to_owned();
    }
    let mut sql = bulk.head.to_owned();
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..bulk.width {
            if column > 0 {
                sql.push_str(", ");
            }
            match dialect {
                Dialect::Sqlite => sql.push('?'),
                Dialect::Postgres => {
                    // writing to a String cannot fail
                    let _ = write!(sql, "${}", row * bulk.width + column + 1);
                }
            }
        }
        sql.push(')');
    }
    sql.push_str(bulk.tail);
    sql
}

/// Cuts a batch into pieces whose lengths are [`SIZES`].
pub(super) fn pieces<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = SIZES.into_iter().find(|size| *size <= rows.len())?;
        let (piece, rest) = rows.split_at(size);
        rows = rest;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_batch_is_cut_into_prepared_sizes_without_loss() {
        for n in 0..400usize {
            let rows: Vec<usize> = (0..n).collect();
            let cut: Vec<&[usize]> = pieces(&rows).collect();
            assert!(cut.iter().all(|piece| SIZES.contains(&piece.len())));
            assert_eq!(cut.concat(), rows);
        }
    }

    #[test]
    fn every_text_binds_within_the_limits_of_both_databases() {
        for bulk in ALL {
            assert!(bulk.width * SIZES[0] <= 32_766, "{}", bulk.name);
            let names = ALL.iter().filter(|other| other.name == bulk.name);
            assert_eq!(names.count(), 1, "{}", bulk.name);
        }
        assert_eq!(
            text(&INBOX, 2, Dialect::Postgres),
            "insert into inbox (cause, at, incident, seq) values ($1, $2, $3, $4), ($5, $6, $7, $8) \
             on conflict (cause) do nothing"
        );
        assert!(text(&ALERTS, 1, Dialect::Sqlite).ends_with("(?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    }
}
