//! Policy tests: an alert at an instant, and who must be told when and how.
//!
//! A rehearsal is the [`forecast`](super::forecast) of one alert, told as short lines that are
//! compared with the lines somebody wrote down: `5m page dana by console`. What is compared is what
//! people feel: pages, reminders, channels told, the catch-all; the reasons are shown beside them.

use super::alert::{Alert, AlertKind, Labels};
use super::directory::{Directory, WEBHOOK};
use super::forecast::{Script, of_alert};
use super::hours::last_night;
use super::id::Actor;
use super::incident::{Command, Event, PagedPerson, Record};
use super::time::{Time, parse_duration_ms};
use std::sync::Arc;

/// One test of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsal {
    /// A sentence.
    pub name: String,
    /// When the alert comes.
    pub at: Time,
    /// What it is about.
    pub labels: Labels,
    /// What it says.
    pub annotations: Labels,
    /// What people do: so many milliseconds after the alert.
    pub acts: Vec<(i64, Deed)>,
    /// Contacts that fail: person id and contact name.
    pub broken: Vec<(String, String)>,
    /// Who was paged in the night before, by person id.
    pub woken: Vec<String>,
    /// How far is looked, milliseconds.
    pub until_ms: i64,
    /// What must happen, in order.
    pub expect: Vec<Line>,
}

/// Something a person does in a rehearsal, by directory id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Acknowledges.
    Acknowledge(String),
    /// Resolves.
    Resolve(String),
    /// Climbs the next step.
    Escalate(String),
}

/// One thing that happens: so many milliseconds after the alert, these words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// After the alert; `None` for `quiet`, which happens at no time.
    pub after_ms: Option<i64>,
    /// `page ana by console phone`, words separated by one space, ways in alphabetical order.
    pub words: String,
}

/// A line and why it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What happens.
    pub line: Line,
    /// The reason, for people.
    pub why: String,
}

impl Line {
    /// Reads `5m page ana by console, phone` or `quiet`.
    ///
    /// # Errors
    /// What is wrong, with an example.
    pub fn parse(text: &str) -> Result<Line, String> {
        let mut words = text.split([' ', ',', '\t']).filter(|w| !w.is_empty());
        let first = words.next().unwrap_or_default();
        let rest: Vec<&str> = words.collect();
        if first == "quiet" && rest.is_empty() {
            return Ok(Line {
                after_ms: None,
                words: "quiet".to_owned(),
            });
        }
        let after_ms = parse_duration_ms(first).ok();
        let known = ["page", "remind", "tell", "catch-all", "nobody"];
        match (after_ms, rest.first()) {
            (Some(ms), Some(verb)) if known.contains(verb) => Ok(Line {
                after_ms: Some(ms),
                words: sorted(&rest),
            }),
            _ => Err(format!(
                "{text:?} is no line of a rehearsal: write \"0s page ana by console\", \"5m tell web-alerts\", \
                 \"15m catch-all dana by console\", \"15m nobody\" or \"quiet\""
            )),
        }
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.after_ms {
            None => f.write_str(&self.words),
            Some(ms) => write!(f, "{} {}", offset(ms), self.words),
        }
    }
}

/// `1h5m`, one word.
fn offset(ms: i64) -> String {
    super::time::human_ms(ms).replace(' ', "")
}

/// The ways behind `by` in alphabetical order, so that their order in a file means nothing.
fn sorted(words: &[&str]) -> String {
    let by = words.iter().position(|w| *w == "by");
    let (head, ways) = words.split_at(by.map_or(words.len(), |n| n + 1));
    let mut ways = ways.to_vec();
    ways.sort_unstable();
    [head.to_vec(), ways].concat().join(" ")
}

/// What happens to the alert of a rehearsal under a configuration.
#[must_use]
pub fn rehearse(directory: &Directory, rehearsal: &Rehearsal) -> Vec<Told> {
    let alert = Alert {
        source: "rehearsal".to_owned(),
        fingerprint: "rehearsal".to_owned(),
        labels: rehearsal.labels.clone(),
        annotations: rehearsal.annotations.clone(),
        starts_at: rehearsal.at,
        ends_at: Time::FAR,
        generator_url: String::new(),
        kind: AlertKind::Firing,
    };
    let night = |id: &String| {
        let zone = directory.people.get(id)?.zone;
        Some((id.clone(), last_night(rehearsal.at, zone)))
    };
    let directory = &Directory {
        nights: Arc::new(rehearsal.woken.iter().filter_map(night).collect()),
        ..directory.clone()
    };
    let act = |(ms, deed): &(i64, Deed)| (rehearsal.at.plus_ms(*ms), command(directory, deed));
    let script = Script {
        acts: rehearsal.acts.iter().map(act).collect(),
        broken: rehearsal.broken.iter().cloned().collect(),
    };
    let until = rehearsal.at.plus_ms(rehearsal.until_ms);
    match of_alert(directory, &alert, rehearsal.at, script, until) {
        Ok(facts) => facts.iter().flat_map(|f| lines(f, rehearsal.at)).collect(),
        Err(why) => vec![Told {
            line: Line {
                after_ms: None,
                words: "quiet".to_owned(),
            },
            why,
        }],
    }
}

fn command(directory: &Directory, deed: &Deed) -> Command {
    let person = |id: &String| Actor::Person {
        id: id.clone(),
        name: directory.person_name(id),
    };
    match deed {
        Deed::Acknowledge(id) => Command::Acknowledge { by: person(id) },
        Deed::Resolve(id) => Command::Resolve { by: person(id) },
        Deed::Escalate(id) => Command::Escalate {
            by: person(id),
            as_of: None,
        },
    }
}

/// The lines of a fact: one per person and channel.
fn lines(fact: &Record, start: Time) -> Vec<Told> {
    let line = |words: String, why: String| Told {
        line: Line {
            after_ms: Some(fact.at.since_ms(start)),
            words,
        },
        why,
    };
    let people = |verb: &str, people: &[PagedPerson], why: &str| -> Vec<Told> {
        let each = people.iter();
        each.map(|p| line(page(verb, p), format!("{}; {why}", p.why)))
            .collect()
    };
    match &fact.event {
        Event::Paged {
            people: paged,
            channels,
            why,
            ..
        } => {
            let mut told = people("page", paged, why);
            let channels = channels.iter();
            told.extend(channels.map(|c| line(format!("tell {c}"), why.clone())));
            told
        }
        Event::Reminded {
            people: asked, why, ..
        } => people("remind", asked, why),
        Event::CatchAll {
            people: alarmed,
            why,
            ..
        } if alarmed.is_empty() => vec![line("nobody".to_owned(), why.clone())],
        Event::CatchAll {
            people: alarmed,
            why,
            ..
        } => people("catch-all", alarmed, why),
        _ => Vec::new(),
    }
}

fn page(verb: &str, person: &PagedPerson) -> String {
    if person.id.starts_with(WEBHOOK) {
        return format!("{verb} {}", person.id);
    }
    let mut ways: Vec<&str> = person.contacts.iter().map(String::as_str).collect();
    ways.sort_unstable();
    format!("{verb} {} by {}", person.id, ways.join(" "))
}

/// Two lists of lines as one, in order: what both have, what only the first has, what only the second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compared {
    /// Happens as expected.
    Same(Told),
    /// Expected, and does not happen.
    Missing(Line),
    /// Happens, and is not expected.
    Surprise(Told),
}

/// Compares what was expected with what happens: the longest common part stays, the rest differs.
#[must_use]
pub fn compare(expect: &[Line], told: &[Told]) -> Vec<Compared> {
    let (n, m) = (expect.len(), told.len());
    let mut common = vec![vec![0_usize; m + 1]; n + 1];
    for i in (0..n).rev() {
        for j in (0..m).rev() {
            common[i][j] = if expect[i] == told[j].line {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while i < n || j < m {
        if i < n && j < m && expect[i] == told[j].line {
            out.push(Compared::Same(told[j].clone()));
            (i, j) = (i + 1, j + 1);
        } else if i < n && (j == m || common[i + 1][j] >= common[i][j + 1]) {
            out.push(Compared::Missing(expect[i].clone()));
            i += 1;
        } else {
            out.push(Compared::Surprise(told[j].clone()));
            j += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Told {
        Told {
            line: Line::parse(text).unwrap(),
            why: String::new(),
        }
    }

    #[test]
    fn a_line_reads_back_however_it_is_spaced() {
        let line = Line::parse("65m  page ana by phone, console").unwrap();
        assert_eq!(line.to_string(), "1h5m page ana by console phone");
        assert_eq!(Line::parse("quiet").unwrap().to_string(), "quiet");
        for wrong in ["", "page ana", "5m wake ana", "5m", "quiet please"] {
            assert!(
                Line::parse(wrong).unwrap_err().contains("0s page ana"),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_comparison_keeps_what_is_common_and_names_the_rest() {
        let expect = [
            "0s page ana by console",
            "5m page dana by console",
            "20m nobody",
        ];
        let expect: Vec<Line> = expect.iter().map(|t| Line::parse(t).unwrap()).collect();
        let happened = [
            "0s page ana by console",
            "5m page bo by console",
            "20m nobody",
        ];
        let happened: Vec<Told> = happened.iter().map(|t| told(t)).collect();
        let kinds: Vec<String> = compare(&expect, &happened)
            .into_iter()
            .map(|c| match c {
                Compared::Same(t) => format!("  {}", t.line),
                Compared::Missing(l) => format!("- {l}"),
                Compared::Surprise(t) => format!("+ {}", t.line),
            })
            .collect();
        assert_eq!(
            kinds,
            [
                "  0s page ana by console",
                "- 5m page dana by console",
                "+ 5m page bo by console",
                "  20m nobody"
            ]
        );
    }
}
