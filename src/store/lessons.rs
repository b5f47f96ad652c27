//! What can be found again: the words of incidents that are over. Here alone the two databases differ
//! in how they are asked (FTS5, `tsvector`).

use super::Db;
use super::StoreFault;
use super::backend::{Backend, Cell, Dialect, Reader};
use super::bulk::Bulk;
use super::open::Pools;
use super::plan::{Miss, Plan};
use super::rows::ChangeSet;
use super::select::Select;
use super::sight::seen;
use crate::core::id::IncidentId;
use crate::core::sight::Sight;
use crate::core::time::Time;

type Read<T> = Result<T, StoreFault>;

/// Around what was found, in [`FoundRow::snippet`]; in no stored text.
pub const MARK: (char, char) = ('\u{E000}', '\u{E001}');
/// Bytes of a lesson's words: `PostgreSQL` takes a megabyte of distinct ones.
pub const WORDS_BYTES: usize = 400_000;

/// The words of an incident that are searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LessonRow {
    /// Which.
    pub incident: IncidentId,
    /// Of its journal.
    pub seq: i64,
    /// Of its postmortem.
    pub revision: i64,
    /// When it was opened.
    pub at: Time,
    /// Service id.
    pub service: Option<String>,
    /// Team id.
    pub team: Option<String>,
    /// Where its postmortem stands; empty: nobody has touched it.
    pub stage: String,
    /// Names of its alerts.
    pub alerts: Vec<String>,
    /// One line.
    pub title: String,
    /// Timeline, conversation, sections.
    pub words: String,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRow {
    /// Which incident.
    pub incident: IncidentId,
    /// Its title.
    pub title: String,
    /// Service id.
    pub service: Option<String>,
    /// Team id.
    pub team: Option<String>,
    /// Where its postmortem stands; empty: nobody has touched it.
    pub stage: String,
    /// When it was opened.
    pub at: Time,
    /// The words around what was found, with [`MARK`]s; hostile text.
    pub snippet: String,
}

/// What narrows a search down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchFilter {
    /// Only what people have agreed on.
    pub reviewed: bool,
    /// Service id.
    pub service: Option<String>,
    /// Team id.
    pub team: Option<String>,
    /// Opened not before.
    pub from: Option<Time>,
    /// Opened before.
    pub until: Option<Time>,
    /// For whom.
    pub sight: Sight,
    /// Drills as well.
    pub drills: bool,
}

impl SearchFilter {
    /// Everything, or only what people have agreed on.
    #[must_use]
    pub fn reviewed(reviewed: bool) -> SearchFilter {
        SearchFilter {
            reviewed,
            ..SearchFilter::default()
        }
    }
}

pub(super) const LESSONS: Bulk = Bulk {
    name: "write lessons",
    head: "insert into lessons (incident, seq, revision, at, service, team, stage, alerts, title, words) values ",
    width: 10,
    tail: " on conflict (incident) do update set seq = excluded.seq, revision = excluded.revision, \
        service = excluded.service, team = excluded.team, stage = excluded.stage, \
        alerts = excluded.alerts, title = excluded.title, words = excluded.words",
};

/// What cannot stand in a stored text, and no more than fits.
fn searchable(text: &str) -> String {
    let mut end = text.len().min(WORDS_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].replace([MARK.0, MARK.1], " ")
}

impl<B: Backend> Plan<'_, B> {
    pub(super) fn lessons(&mut self, changes: &ChangeSet) -> Result<(), StoreFault> {
        self.rows(&LESSONS, Miss::Expected, &changes.lessons, |l| {
            // Around each, so that a whole name can be looked for.
            let alerts = format!("\n{}\n", l.alerts.join("\n"));
            Ok([
                Cell::Int(l.incident.0),
                Cell::Int(l.seq),
                Cell::Int(l.revision),
                Cell::Int(l.at.0),
                Cell::MaybeText(l.service.as_deref()),
                Cell::MaybeText(l.team.as_deref()),
                Cell::Text(&l.stage),
                Cell::Owned(alerts),
                Cell::Owned(searchable(&l.title)),
                Cell::Owned(searchable(&l.words)),
            ])
        })
    }
}

fn found<B: Backend>(row: &mut Reader<'_, B>) -> Read<FoundRow> {
    Ok(FoundRow {
        incident: IncidentId(row.int()?),
        title: row.text()?,
        service: row.maybe_text()?,
        team: row.maybe_text()?,
        stage: row.text()?,
        at: Time(row.int()?),
        snippet: row.text()?,
    })
}

/// The terms of a question: words of letters and digits, each the beginning of what is found.
fn terms(question: &str) -> Vec<String> {
    question
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .take(12)
        .map(str::to_lowercase)
        .collect()
}

impl SearchFilter {
    fn among<B: Backend>(&self, select: Select<B>, open: &'static str) -> Select<B> {
        let select = seen(select, &self.sight, open, "");
        if self.drills {
            return select;
        }
        select
            .only(open)
            .then("(select id from incidents where drill = 1)")
    }
}

impl<B: Backend> Pools<B> {
    /// Incidents that are over and whose words are not those that are searched: at most `limit`.
    pub(super) async fn unread(&self, limit: i64) -> Read<Vec<IncidentId>> {
        Select::<B>::new(
            "select i.id from incidents i left join lessons l on l.incident = i.id \
             left join postmortems p on p.incident = i.id",
        )
        .only("i.status = 'resolved'")
        .only("(l.seq is null or l.seq < i.seq or l.revision < coalesce(p.revision, 0))")
        .then(" order by i.id desc")
        .page(limit, 0)
        .all(&self.read, |mut row| Ok(IncidentId(row.int()?)))
        .await
    }

    pub(super) async fn search(
        &self,
        question: &str,
        filter: &SearchFilter,
        limit: i64,
    ) -> Read<Vec<FoundRow>> {
        let terms = terms(question);
        if terms.is_empty() {
            return Ok(Vec::new());
        }
        let select = match B::DIALECT {
            Dialect::Sqlite => Select::<B>::new(
                "select l.incident, l.title, l.service, l.team, l.stage, l.at, \
                 snippet(lessons_words, 1, '\u{E000}', '\u{E001}', ' … ', 24) \
                 from lessons_words join lessons l on l.incident = lessons_words.rowid",
            )
            .only("lessons_words match ")
            .bind(Cell::Owned(
                terms.iter().map(|t| format!("\"{t}\"*")).collect::<Vec<_>>().join(" "),
            )),
            Dialect::Postgres => Select::<B>::new(
                "select l.incident, l.title, l.service, l.team, l.stage, l.at, \
                 ts_headline('simple', l.words, q, 'StartSel=\u{E000}, StopSel=\u{E001}, MaxFragments=2, \
                 MaxWords=16, MinWords=6, FragmentDelimiter=\" … \"') \
                 from lessons l cross join to_tsquery('simple', ",
            )
            .bind(Cell::Owned(
                terms.iter().map(|t| format!("'{t}':*")).collect::<Vec<_>>().join(" & "),
            ))
            .then(") q")
            .only("l.found @@ q"),
        };
        let select = if filter.reviewed {
            select.only("l.stage in ('reviewed', 'closed')")
        } else {
            select
        };
        let select = select
            .text("l.service = ", filter.service.as_deref())
            .text("l.team = ", filter.team.as_deref())
            .number("l.at >= ", filter.from.map(|t| t.0))
            .number("l.at < ", filter.until.map(|t| t.0));
        let select = filter.among(select, "l.incident not in ");
        let select = match B::DIALECT {
            Dialect::Sqlite => {
                select.then(" order by bm25(lessons_words, 4.0, 1.0), l.incident desc")
            }
            Dialect::Postgres => select.then(" order by ts_rank(l.found, q) desc, l.incident desc"),
        };
        select
            .page(limit, 0)
            .all(&self.read, |mut row| found(&mut row))
            .await
    }

    /// What was learned about a service or from an alert of that name and agreed on: the newest first.
    pub(super) async fn lessons(
        &self,
        service: Option<&str>,
        alert: Option<&str>,
        sight: &Sight,
        limit: i64,
    ) -> Read<Vec<(FoundRow, Vec<String>)>> {
        let mut select = Select::<B>::new(
            "select incident, title, service, team, stage, at, '', alerts from lessons",
        )
        .only("stage in ('reviewed', 'closed')")
        .only("(service = ")
        .bind(Cell::Text(service.unwrap_or("\u{1}")));
        if let Some(alert) = alert {
            let mut pattern = String::from("%\n");
            for c in alert.chars() {
                if matches!(c, '%' | '_' | '!') {
                    pattern.push('!');
                }
                pattern.push(c);
            }
            pattern.push_str("\n%");
            select = select
                .then(" or alerts like ")
                .bind(Cell::Owned(pattern))
                .then(" escape '!'");
        }
        let how = SearchFilter {
            reviewed: true,
            sight: sight.clone(),
            ..SearchFilter::default()
        };
        how.among(select.then(")"), "incident not in ")
            .then(" order by at desc, incident desc")
            .page(limit, 0)
            .all(&self.read, |mut row| {
                let found = found(&mut row)?;
                let alerts = row
                    .text()?
                    .lines()
                    .filter(|l| !l.is_empty())
                    .map(str::to_owned)
                    .collect();
                Ok((found, alerts))
            })
            .await
    }
}

impl super::Store {
    /// Incidents that are over and whose words are not yet those that are searched, newest first.
    pub async fn unread(&self, limit: i64) -> Read<Vec<IncidentId>> {
        on!(self, pools => pools.unread(limit).await)
    }

    /// Incidents in whose timeline, conversation or postmortem every word of the question begins a
    /// word, the best first.
    pub async fn search(
        &self,
        question: &str,
        filter: &SearchFilter,
        limit: i64,
    ) -> Read<Vec<FoundRow>> {
        on!(self, pools => pools.search(question, filter, limit).await)
    }

    /// Reviewed postmortems of a service, or of incidents with an alert of that name, newest first,
    /// each with the names of its alerts.
    pub async fn lessons(
        &self,
        service: Option<&str>,
        alert: Option<&str>,
        sight: &Sight,
        limit: i64,
    ) -> Read<Vec<(FoundRow, Vec<String>)>> {
        on!(self, pools => pools.lessons(service, alert, sight, limit).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_words_and_never_an_expression_of_the_database() {
        assert_eq!(
            terms("DB\" OR 1:* pool-exhausted"),
            ["db", "or", "1", "pool", "exhausted"]
        );
        assert!(terms("\"*:()&|!'").is_empty());
    }
}
