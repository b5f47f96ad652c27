//! Every question the store answers, as SQL.

use super::backend::{Backend, Cell, Dialect};
use super::decode;
use super::duty::CoverRow;
use super::incident_row::IncidentRow;
use super::open::Pools;
use super::plan::TURNS;
use super::rooms::{PostRow, RoomRow};
use super::rows::{
    AlertRow, ArtifactRow, HeardRow, HighWater, InboxRow, LinkCodeRow, LinkRow, OutboxRow,
    QuarantineRow, RunRow, ShowRow,
};
use super::select::Select;
use super::sight::seen;
use super::{AlertQuery, IncidentQuery, StoreFault};
use crate::core::id::{IncidentId, RoomId, RunId};
use crate::core::incident::Record;
use crate::core::sight::Sight;
use crate::core::time::Time;
use std::collections::BTreeSet;

type Read<T> = Result<T, StoreFault>;

/// Longer search texts match nothing: titles are far shorter, and SQLite refuses patterns over 50,000
/// bytes. A character of the text is at most 2 bytes of escape and 4 of UTF-8.
const SEARCH_CHARS: usize = 4_000;

impl<B: Backend> Pools<B> {
    pub(super) async fn ping(&self) -> Read<()> {
        let epoch = Select::<B>::new("select value from meta where key = 'epoch'");
        epoch.count(&self.read).await.map(drop)
    }

    /// The database's own name and version.
    pub(super) async fn version(&self) -> Read<String> {
        let (name, question) = match B::DIALECT {
            Dialect::Sqlite => ("SQLite", "select sqlite_version()"),
            Dialect::Postgres => ("PostgreSQL", "show server_version"),
        };
        let number = Select::<B>::new(question)
            .first(&self.read, |mut row| row.text())
            .await?;
        Ok(format!("{name} {}", number.unwrap_or_default()))
    }

    /// One round of copying the write-ahead log into the file, without waiting for readers or the writer.
    pub(super) async fn checkpoint(&self) -> Read<i64> {
        let Some(pool) = &self.checkpoint else {
            return Ok(0);
        };
        let round = Select::<B>::new("pragma wal_checkpoint(passive)");
        let pages = round.first(pool, |mut row| {
            let _busy = row.int()?;
            row.int()
        });
        Ok(pages.await?.unwrap_or(0))
    }

    pub(super) async fn high_water(&self) -> Read<HighWater> {
        let all = Select::<B>::new(
            "select coalesce((select max(id) from alerts), 0), \
             coalesce((select max(id) from incidents), 0), \
             coalesce((select max(pos) from events), 0), \
             coalesce((select max(id) from outbox), 0), \
             coalesce((select max(id) from rooms), 0), \
             coalesce((select max(id) from posts), 0), \
             coalesce((select max(id) from runs), 0), \
             coalesce((select max(run) from events where run is not null), 0), \
             coalesce((select max(id) from quarantine), 0), \
             coalesce((select max(id) from heard), 0), \
             coalesce((select max(id) from attempts), 0)",
        );
        let found = all.first(&self.read, |mut row| {
            Ok(HighWater {
                alert: row.int()?,
                incident: row.int()?,
                event: row.int()?,
                outbox: row.int()?,
                room: row.int()?,
                post: row.int()?,
                run: row.int()?.max(row.int()?),
                quarantine: row.int()?,
                heard: row.int()?,
                attempt: row.int()?,
            })
        });
        Ok(found.await?.unwrap_or_default())
    }

    /// How many incidents each policy that takes turns has opened.
    pub(super) async fn turns(&self) -> Read<Vec<(String, u64)>> {
        Select::<B>::new("select key, value from meta where key like 'turns:%'")
            .all(&self.read, |mut row| {
                let (key, value) = (row.text()?, row.int()?);
                let policy = key.strip_prefix(TURNS).unwrap_or(&key).to_owned();
                Ok((policy, value.unsigned_abs()))
            })
            .await
    }

    /// `cross join`, here and below: both tables are walked in step by id, and SQLite keeps to the order written.
    pub(super) async fn alerts(&self, query: &AlertQuery) -> Read<Vec<AlertRow>> {
        let select = Select::<B>::new(decode::ALERT);
        // the few that fire are walked by their own index, everything else by the alerts themselves
        let by_state = query.firing == Some(true) && query.incident.is_none();
        let select = if by_state {
            select.then(" from alert_states s cross join alerts a")
        } else {
            select.then(" from alerts a cross join alert_states s")
        };
        let select = select.only("s.id = a.id");
        let (after, order) = if by_state {
            ("s.id > ", " order by s.id")
        } else {
            ("a.id > ", " order by a.id")
        };
        alert_filters(select, query)
            .number(after, Some(query.after))
            .then(order)
            .page(query.limit, query.offset)
            .all(&self.read, decode::alert)
            .await
    }

    pub(super) async fn count_alerts(&self, query: &AlertQuery) -> Read<i64> {
        let words = query.source.is_some() || query.incident.is_some() || hides(query);
        let select = Select::<B>::new("select count(*)");
        let (select, after) = match (query.firing.is_some(), words) {
            (true, true) => (
                select
                    .then(" from alerts a cross join alert_states s")
                    .only("s.id = a.id"),
                "a.id > ",
            ),
            (true, false) => (select.then(" from alert_states s"), "s.id > "),
            (false, _) => (select.then(" from alerts a"), "a.id > "),
        };
        alert_filters(select, query)
            .number(after, Some(query.after))
            .count(&self.read)
            .await
    }

    pub(super) async fn journal(&self, id: IncidentId) -> Read<Vec<Record>> {
        Select::<B>::new(decode::RECORD)
            .then(" from events e")
            .number("e.incident = ", Some(id.0))
            .then(" order by e.seq")
            .all(&self.read, |row| Ok(decode::record(row)?.1))
            .await
    }

    pub(super) async fn openings(&self, from: Time, until: Time) -> Read<Vec<Record>> {
        Select::<B>::new(decode::RECORD)
            .then(" from incidents i join events e on e.incident = i.id")
            .only("e.seq = 1")
            .number("i.opened_at >= ", Some(from.0))
            .number("i.opened_at < ", Some(until.0))
            .then(" order by i.id")
            .all(&self.read, |row| Ok(decode::record(row)?.1))
            .await
    }

    pub(super) async fn incidents(&self, query: &IncidentQuery) -> Read<(Vec<IncidentRow>, i64)> {
        if (query.text.as_ref()).is_some_and(|text| text.chars().count() > SEARCH_CHARS) {
            return Ok((Vec::new(), 0));
        }
        let rows = incident_filters(Select::<B>::new(decode::INCIDENT), query)
            .then(" order by id desc")
            .page(query.limit, query.offset)
            .all(&self.read, decode::incident)
            .await?;
        let total = incident_filters(Select::<B>::new("select count(*) from incidents"), query)
            .count(&self.read)
            .await?;
        Ok((rows, total))
    }

    /// Which incidents somebody must not see.
    pub(super) async fn hidden(&self, sight: &Sight) -> Read<BTreeSet<IncidentId>> {
        if *sight == Sight::All {
            return Ok(BTreeSet::new());
        }
        let hidden = seen(
            Select::<B>::new("select i.id from incidents i"),
            sight,
            "i.private = 1 and i.id in ",
            "",
        );
        let ids = hidden.all(&self.read, |mut row| Ok(IncidentId(row.int()?)));
        Ok(ids.await?.into_iter().collect())
    }

    pub(super) async fn incident(&self, id: IncidentId) -> Read<Option<IncidentRow>> {
        Select::<B>::new(decode::INCIDENT)
            .number("id = ", Some(id.0))
            .first(&self.read, decode::incident)
            .await
    }

    pub(super) async fn answered(&self, cause: &str) -> Read<Option<InboxRow>> {
        Select::<B>::new(decode::INBOX)
            .text("cause = ", Some(cause))
            .first(&self.read, decode::inbox)
            .await
    }

    pub(super) async fn causes(&self, mut each: impl FnMut(&str) + Send) -> Read<()> {
        let causes = Select::<B>::new("select cause from inbox");
        let read = causes.all(&self.read, |mut row| {
            each(&row.text()?);
            Ok(())
        });
        read.await.map(drop)
    }

    pub(super) async fn pending_outbox(&self) -> Read<Vec<OutboxRow>> {
        Select::<B>::new(decode::OUTBOX)
            .only("state in ('waiting', 'sending')")
            .then(" order by id")
            .all(&self.read, decode::outbox)
            .await
    }

    pub(super) async fn deliveries(&self, id: IncidentId) -> Read<Vec<OutboxRow>> {
        Select::<B>::new(decode::OUTBOX)
            .number("incident = ", Some(id.0))
            .then(" order by id")
            .all(&self.read, decode::outbox)
            .await
    }

    /// The union names the incidents first: an `or` alone would walk every surface there ever was.
    pub(super) async fn pending_shows(&self) -> Read<Vec<ShowRow>> {
        const OPEN: &str =
            "select id from incidents where status <> 'resolved' or wake_at is not null";
        Select::<B>::new(decode::SHOW)
            .only("incident in (select incident from shows where want > have union ")
            .then(OPEN)
            .then(")")
            .only("(want > have or incident in (")
            .then(OPEN)
            .then("))")
            .then(" order by incident, platform, surface")
            .all(&self.read, decode::show)
            .await
    }

    pub(super) async fn shows(&self, id: IncidentId) -> Read<Vec<ShowRow>> {
        Select::<B>::new(decode::SHOW)
            .number("incident = ", Some(id.0))
            .then(" order by platform, surface")
            .all(&self.read, decode::show)
            .await
    }

    pub(super) async fn rooms(&self, limit: i64) -> Read<Vec<RoomRow>> {
        Select::<B>::new(decode::ROOM)
            .then(" order by id desc")
            .page(limit, 0)
            .all(&self.read, decode::room)
            .await
    }

    pub(super) async fn room_named(&self, kind: &str, name: &str) -> Read<Option<RoomRow>> {
        Select::<B>::new(decode::ROOM)
            .text("kind = ", Some(kind))
            .text("name = ", Some(name))
            .first(&self.read, decode::room)
            .await
    }

    pub(super) async fn room(&self, id: RoomId) -> Read<Option<RoomRow>> {
        Select::<B>::new(decode::ROOM)
            .number("id = ", Some(id.0))
            .first(&self.read, decode::room)
            .await
    }

    pub(super) async fn posts(&self, room: RoomId, before: i64, limit: i64) -> Read<Vec<PostRow>> {
        let mut newest_first = Select::<B>::new(decode::POST)
            .number("room = ", Some(room.0))
            .number("id < ", Some(before))
            .then(" order by id desc")
            .page(limit, 0)
            .all(&self.read, decode::post)
            .await?;
        newest_first.reverse();
        Ok(newest_first)
    }

    /// One look into the index per room; `group by` would walk every message ever written.
    pub(super) async fn newest_posts(&self) -> Read<Vec<(RoomId, i64)>> {
        let newest = Select::<B>::new(
            "select r.id, (select max(p.id) from posts p where p.room = r.id) from rooms r order by r.id",
        );
        let all = newest.all(&self.read, |mut row| {
            Ok((RoomId(row.int()?), row.maybe_int()?))
        });
        let with_posts = |(room, post): (RoomId, Option<i64>)| post.map(|post| (room, post));
        Ok(all.await?.into_iter().filter_map(with_posts).collect())
    }

    pub(super) async fn post_by_key(&self, key: &str) -> Read<Option<PostRow>> {
        Select::<B>::new(decode::POST)
            .text("key = ", Some(key))
            .first(&self.read, decode::post)
            .await
    }

    pub(super) async fn runs(&self, id: IncidentId) -> Read<Vec<RunRow>> {
        Select::<B>::new(decode::RUN)
            .number("incident = ", Some(id.0))
            .then(" order by id")
            .all(&self.read, decode::run)
            .await
    }

    pub(super) async fn artifacts(&self, run: RunId) -> Read<Vec<ArtifactRow>> {
        Select::<B>::new(decode::ARTIFACT)
            .number("run = ", Some(run.0))
            .then(" order by n")
            .all(&self.read, decode::artifact)
            .await
    }

    pub(super) async fn artifacts_of(&self, sha256: &str) -> Read<Vec<ArtifactRow>> {
        Select::<B>::new(decode::ARTIFACT)
            .text("sha256 = ", Some(sha256))
            .all(&self.read, decode::artifact)
            .await
    }

    pub(super) async fn run(&self, id: RunId) -> Read<Option<RunRow>> {
        Select::<B>::new(decode::RUN)
            .number("id = ", Some(id.0))
            .first(&self.read, decode::run)
            .await
    }

    pub(super) async fn heard_waiting(&self) -> Read<Vec<HeardRow>> {
        Select::<B>::new(decode::HEARD)
            .only("state = 'waiting'")
            .then(" order by id")
            .all(&self.read, decode::heard)
            .await
    }

    pub(super) async fn was_heard(&self, platform: &str, key: &str) -> Read<bool> {
        let count = Select::<B>::new("select count(*) from heard")
            .text("platform = ", Some(platform))
            .text("key = ", Some(key));
        Ok(count.count(&self.read).await? > 0)
    }

    pub(super) async fn links(&self) -> Read<Vec<LinkRow>> {
        Select::<B>::new(decode::LINK)
            .then(" order by platform, account")
            .all(&self.read, decode::link)
            .await
    }

    pub(super) async fn looked(&self) -> Read<Option<Time>> {
        Select::<B>::new("select value from meta where key = 'looked'")
            .first(&self.read, |mut row| Ok(Time(row.int()?)))
            .await
    }

    pub(super) async fn told(&self) -> Read<BTreeSet<String>> {
        let keys = Select::<B>::new("select key from told").all(&self.read, |mut row| row.text());
        Ok(keys.await?.into_iter().collect())
    }

    pub(super) async fn covers(&self) -> Read<Vec<CoverRow>> {
        Select::<B>::new("select cause, body, updated_at from covers order by id")
            .all(&self.read, |mut row| {
                let (cause, body) = (row.text()?, row.text()?);
                let cover = serde_json::from_str(&body)
                    .map_err(|e| StoreFault::Unreadable(format!("the cover {body}: {e}")))?;
                Ok(CoverRow {
                    cause,
                    cover,
                    updated_at: Time(row.int()?),
                })
            })
            .await
    }

    pub(super) async fn link_code(&self, code: &str) -> Read<Option<LinkCodeRow>> {
        Select::<B>::new(decode::LINK_CODE)
            .text("code = ", Some(code))
            .first(&self.read, decode::link_code)
            .await
    }

    pub(super) async fn key(&self, name: &str) -> Read<Option<String>> {
        Select::<B>::new("select value from keys")
            .text("name = ", Some(name))
            .first(&self.read, |mut row| row.text())
            .await
    }

    pub(super) async fn incident_of_room(
        &self,
        platform: &str,
        room: &str,
    ) -> Read<Option<IncidentId>> {
        Select::<B>::new("select incident from shows")
            .only("surface = 'room'")
            .text("platform = ", Some(platform))
            .text("remote = ", Some(room))
            .first(&self.read, |mut row| Ok(IncidentId(row.int()?)))
            .await
    }

    pub(super) async fn quarantine(&self, limit: i64) -> Read<(Vec<QuarantineRow>, i64)> {
        let rows = Select::<B>::new(decode::QUARANTINE)
            .then(" order by id desc")
            .page(limit, 0)
            .all(&self.read, decode::quarantine)
            .await?;
        let total = Select::<B>::new("select count(*) from quarantine");
        Ok((rows, total.count(&self.read).await?))
    }
}

/// `firing` stands in the text because the partial index is only used for a value known when planning.
fn alert_filters<B: Backend>(select: Select<B>, query: &AlertQuery) -> Select<B> {
    let select = match query.firing {
        Some(true) => select.only("s.firing = 1"),
        Some(false) => select.only("s.firing = 0"),
        None => select,
    };
    let select = seen(
        select,
        &query.sight,
        "(a.incident is null or a.incident not in ",
        ")",
    );
    select
        .text("a.source = ", query.source.as_deref())
        .number("a.incident = ", query.incident.map(|id| id.0))
}

/// Counting looks at `alerts` too when something of them is asked for.
fn hides(query: &AlertQuery) -> bool {
    query.sight != Sight::All
}

fn incident_filters<B: Backend>(select: Select<B>, query: &IncidentQuery) -> Select<B> {
    let select = match query.status.as_str() {
        "" => select,
        // the first condition is the partial index's own; without it the planner may not use the index
        "open" => select
            .only("(status <> 'resolved' or wake_at is not null)")
            .only("status <> 'resolved'"),
        status => select.text("status = ", Some(status)),
    };
    let select = select
        .text("service = ", query.service.as_deref())
        .text("team = ", query.team.as_deref())
        .number("severity = ", query.severity.map(i64::from))
        .text("type = ", query.type_id.as_deref())
        .number("drill = ", query.drill.map(i64::from))
        .number("parent = ", query.parent.map(|p| p.0));
    let select = seen(select, &query.sight, "id not in ", "");
    match &query.text {
        Some(text) if !text.is_empty() => select
            .only("title_search like ")
            .bind(Cell::Owned(pattern(text)))
            .then(" escape '!'"),
        _ => select,
    }
}

/// Any title that has the text in it, whatever the case.
fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
