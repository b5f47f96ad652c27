//! What a starting process reads: everything open, out of tables that hold years.
//!
//! The journal stays the only truth: every open incident is folded from its first event. What makes
//! that fast is how the rows travel. A driver's row costs more than the event in it, so a journal
//! comes as one row, as does a slice of a thousand alerts; readers walk their halves side by side;
//! and a file is read through a memory map, because the events of one incident lie on as many
//! pages as it has events. Measured in docs/benchmarks.md; the road not taken is a table of
//! snapshots, which every commit would pay for and no start could trust.

use super::StoreFault;
use super::backend::{Backend, Cell, Dialect};
use super::open::Pools;
use super::rows::LiveAlert;
use super::select::Select;
use super::write::in_a_task;
use crate::core::id::{AlertId, IncidentId};
use crate::core::incident::{Event, Incident, Record, evolve};
use crate::core::time::Time;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use sqlx::Pool;

type Read<T> = Result<T, StoreFault>;

/// Readers that fold, each its share of the incidents: one per core of the smallest machine that
/// holds a hundred thousand alerts.
const SHARES: i64 = 2;
/// Alerts in a row: enough that the row costs nothing, few enough to be read in a millisecond.
const SLICE: i64 = 1024;

fn pool<B: Backend>(pools: &Pools<B>) -> Pool<B> {
    pools.restore.as_ref().unwrap_or(&pools.read).clone()
}

/// Open incidents, folded, by ascending id.
pub(super) async fn incidents<B: Backend>(pools: &Pools<B>) -> Read<Vec<Incident>> {
    let part = |n: i64| in_a_task(share(pool(pools), n));
    let (even, odd) = futures_util::try_join!(part(0), part(1))?;
    let (mut incidents, mut again) = even;
    incidents.extend(odd.0);
    again.extend(odd.1);
    for id in again {
        let journal = pools.journal(id).await?;
        incidents.push(Incident::replay(id, &journal));
    }
    incidents.sort_unstable_by_key(|i| i.id);
    Ok(incidents)
}

/// A share of the incidents, and those whose journal must be read line by line: it did not come in
/// order, or an event in it is unknown, which [`Pools::journal`] says better.
async fn share<B: Backend>(pool: Pool<B>, share: i64) -> Read<(Vec<Incident>, Vec<IncidentId>)> {
    // SQLite walks `events_journal` and would sort again what comes in order. PostgreSQL may walk
    // the tables any way it likes.
    let lines = match B::DIALECT {
        Dialect::Sqlite => {
            "select i.id, concat('[', string_agg(concat('[', e.seq, ',', e.at, ',', e.body, ']'), ','), ']')"
        }
        Dialect::Postgres => {
            "select i.id, concat('[', string_agg(concat('[', e.seq, ',', e.at, ',', e.body, ']'), ',' \
             order by e.seq), ']')"
        }
    };
    let mut again = Vec::new();
    let found = Select::<B>::new(lines)
        .then(" from incidents i cross join events e")
        .only("e.incident = i.id")
        .only("(i.status <> 'resolved' or i.wake_at is not null)")
        .only("i.id % ")
        .bind(Cell::Int(SHARES))
        .then(" = ")
        .bind(Cell::Int(share))
        .then(" group by i.id")
        .all(&pool, |mut row| {
            let id = IncidentId(row.int()?);
            let folded = fold(id, &row.text()?);
            if folded.is_none() {
                again.push(id);
            }
            Ok(folded)
        })
        .await?;
    Ok((found.into_iter().flatten().collect(), again))
}

/// The fold of `[[seq,at,event],…]`, which must be complete and in order. Each line is forgotten as
/// soon as it is folded. Causes are not read: no fact depends on what it cites.
fn fold(id: IncidentId, lines: &str) -> Option<Incident> {
    let mut incident = Incident::new(id);
    let mut text = serde_json::Deserializer::from_str(lines);
    Lines(&mut incident).deserialize(&mut text).ok()?;
    text.end().ok()?;
    Some(incident)
}

/// Folds into an incident what it deserialises.
struct Lines<'i>(&'i mut Incident);

impl<'de> DeserializeSeed<'de> for Lines<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Lines<'_> {
    type Value = ();

    fn expecting(&self, words: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        words.write_str("a journal")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut lines: A) -> Result<(), A::Error> {
        while let Some((seq, at, event)) = lines.next_element::<(u32, i64, Event)>()? {
            if seq != self.0.seq + 1 {
                return Err(A::Error::custom("a line is missing or in another place"));
            }
            let record = Record {
                seq,
                at: Time(at),
                cause: String::new(),
                event,
            };
            evolve(self.0, &record);
        }
        Ok(())
    }
}

/// Firing alerts, a slice at a time, in the caller's task. Every alert of a slice is written as its
/// four numbers, the lengths of its two texts in bytes, and the texts: any text may be in them.
pub(super) async fn alerts<B: Backend>(
    pools: &Pools<B>,
    mut each: impl FnMut(LiveAlert<'_>) + Send,
) -> Read<()> {
    let (pool, mut after) = (pool(pools), 0);
    loop {
        let slice = Select::<B>::new(
            "select string_agg(concat_ws(' ', id, digest, ends_at, coalesce(incident, 0), \
             octet_length(source), octet_length(fingerprint), concat(source, fingerprint)), '') \
             from (select s.id, s.ends_at, a.source, a.fingerprint, a.digest, a.incident \
             from alert_states s cross join alerts a",
        )
        .only("a.id = s.id")
        .only("s.firing = 1")
        .number("s.id > ", Some(after))
        .then(" order by s.id")
        .page(SLICE, 0)
        .then(") as slice")
        .first(&pool, |mut row| row.maybe_text())
        .await?;
        let Some(slice) = slice.flatten() else {
            return Ok(());
        };
        let (from, mut rest) = (after, slice.as_str());
        while !rest.is_empty() {
            let (alert, tail) = alert(rest).ok_or_else(|| {
                StoreFault::Unreadable(format!("one of the firing alerts after number {from}"))
            })?;
            (after, rest) = (after.max(alert.id.0), tail);
            each(alert);
        }
    }
}

/// The first alert of a slice, and what follows it.
fn alert(text: &str) -> Option<(LiveAlert<'_>, &str)> {
    let mut rest = text;
    let mut number = || {
        let (number, tail) = rest.split_once(' ')?;
        rest = tail;
        number.parse::<i64>().ok()
    };
    let (id, digest, ends_at, incident) = (number()?, number()?, number()?, number()?);
    let (source, fingerprint) = (number()?, number()?);
    let (source, rest) = rest.split_at_checked(usize::try_from(source).ok()?)?;
    let (fingerprint, rest) = rest.split_at_checked(usize::try_from(fingerprint).ok()?)?;
    let alert = LiveAlert {
        id: AlertId(id),
        source,
        fingerprint,
        digest,
        ends_at: Time(ends_at),
        incident: (incident != 0).then_some(IncidentId(incident)),
    };
    Some((alert, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(seq: u32) -> String {
        format!(r#"[{seq},{seq}0,{{"removed":{{"kind":"noted"}}}}]"#)
    }

    #[test]
    fn a_journal_with_a_line_missing_twice_or_in_another_place_is_not_folded() {
        let folds = |seqs: &[u32]| {
            let lines: Vec<String> = seqs.iter().map(|seq| line(*seq)).collect();
            fold(IncidentId(1), &format!("[{}]", lines.join(","))).map(|i| i.seq)
        };
        assert_eq!(folds(&[1, 2, 3]), Some(3));
        for wrong in [&[2][..], &[1, 3], &[1, 1], &[2, 1]] {
            assert_eq!(folds(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn an_alert_may_have_anything_in_its_texts() {
        let slice = "7 -5 60 0 3 5 a 1é\" 8 6 61 9 0 1 x";
        let (first, rest) = alert(slice).unwrap();
        assert_eq!(
            (first.id, first.digest, first.incident),
            (AlertId(7), -5, None)
        );
        assert_eq!((first.source, first.fingerprint), ("a 1", "é\" 8"));
        assert_eq!(rest, " 6 61 9 0 1 x");
    }
}
