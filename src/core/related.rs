//! What an incident may have to do with: suggested by what they have in common, with the reason.
//!
//! The same incidents give the same suggestions in the same order.

use super::directory::Directory;
use super::id::IncidentId;
use super::incident::Incident;
use super::text::list;
use super::time::{Time, human_ms};

/// Incidents that began further apart have nothing to do with each other that time tells.
const NEAR_MS: i64 = 2 * 3_600_000;
/// Suggestions at once.
const SUGGESTED: usize = 5;

/// What is looked at of another incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glance {
    /// Its number.
    pub id: IncidentId,
    /// One line.
    pub title: String,
    /// Service id.
    pub service: Option<String>,
    /// Team id.
    pub team: Option<String>,
    /// When its first alert began.
    pub began_at: Time,
    /// It is not resolved.
    pub open: bool,
    /// It is practised.
    pub drill: bool,
}

/// A suggestion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// Which.
    pub id: IncidentId,
    /// Its title.
    pub title: String,
    /// What they have in common, in words.
    pub why: String,
}

/// What it may have to do with, best first.
#[must_use]
pub fn suggest(incident: &Incident, others: &[Glance], directory: &Directory) -> Vec<Suggestion> {
    let known = |id: IncidentId| {
        id == incident.id
            || incident.related.contains_key(&id)
            || incident.children.contains_key(&id)
            || incident.parent.as_ref().is_some_and(|(p, _)| *p == id)
            || incident.merged_into == Some(id)
    };
    let mut found: Vec<(u32, Suggestion)> = others
        .iter()
        .filter(|o| !known(o.id) && o.drill == incident.nature.drill)
        .filter_map(|o| {
            let (score, reasons) = common(incident, o, directory)?;
            let suggestion = Suggestion {
                id: o.id,
                title: o.title.clone(),
                why: list(&reasons),
            };
            Some((score, suggestion))
        })
        .collect();
    found.sort_by(|(a, x), (b, y)| (b, y.id).cmp(&(a, x.id)));
    found.truncate(SUGGESTED);
    found.into_iter().map(|(_, s)| s).collect()
}

/// How much they have in common, and what; `None`: too little.
fn common(
    incident: &Incident,
    other: &Glance,
    directory: &Directory,
) -> Option<(u32, Vec<String>)> {
    let apart = incident.began_at.since_ms(other.began_at);
    let near = apart.abs() <= NEAR_MS;
    let both_open = other.open && incident.is_open();
    if !near && !both_open {
        return None;
    }
    let (mut score, mut reasons) = (0, Vec::new());
    if let (Some(own), Some(theirs)) = (&incident.service, &other.service) {
        let needs = |a: &str, b: &str| {
            let service = directory.services.get(a);
            service.is_some_and(|s| s.depends_on.iter().any(|d| d == b))
        };
        if own == theirs {
            score += 4;
            reasons.push(format!("the same service {own}"));
        } else if needs(own, theirs) {
            score += 3;
            reasons.push(format!("{own} needs {theirs}"));
        } else if needs(theirs, own) {
            score += 3;
            reasons.push(format!("{theirs} needs {own}"));
        }
    }
    if score == 0 && incident.team.is_some() && incident.team == other.team {
        score += 1;
        reasons.extend(incident.team.as_ref().map(|t| format!("the same team {t}")));
    }
    if score == 0 {
        return None;
    }
    if near {
        score += 2;
        reasons.push(match apart {
            0 => "it began at the same time".to_owned(),
            ms if ms > 0 => format!("it began {} before", human_ms(ms)),
            ms => format!("it began {} after", human_ms(-ms)),
        });
    }
    if both_open {
        score += 1;
        reasons.push("both are open".to_owned());
    }
    Some((score, reasons))
}

#[cfg(test)]
mod tests {
    use super::*;
    fn glance(id: i64, service: Option<&str>, minutes: i64) -> Glance {
        Glance {
            id: IncidentId(id),
            title: format!("trouble {id}"),
            service: service.map(str::to_owned),
            team: Some("web".to_owned()),
            began_at: Time(minutes * 60_000),
            open: false,
            drill: false,
        }
    }

    #[test]
    fn what_has_much_in_common_comes_first_and_says_what() {
        let incident = Incident {
            id: IncidentId(42),
            seq: 1,
            service: Some("checkout".to_owned()),
            team: Some("web".to_owned()),
            ..Incident::default()
        };
        let directory = Directory::default();
        let others = [
            glance(1, Some("checkout"), -12),
            glance(2, Some("search"), -10),
            glance(3, Some("checkout"), -600),
            glance(4, None, 30),
            Glance {
                open: true,
                ..glance(5, Some("checkout"), -600)
            },
            Glance {
                drill: true,
                ..glance(6, Some("checkout"), 0)
            },
        ];
        let found = suggest(&incident, &others, &directory);
        let said: Vec<(i64, &str)> = found.iter().map(|s| (s.id.0, s.why.as_str())).collect();
        assert_eq!(
            said,
            [
                (1, "the same service checkout and it began 12m before"),
                (5, "the same service checkout and both are open"),
                (4, "the same team web and it began 30m after"),
                (2, "the same team web and it began 10m before"),
            ]
        );
        assert_eq!(found, suggest(&incident, &others, &directory));
    }
}
