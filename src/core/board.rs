//! What a status page is about: its components, how bad each is, and what an incident does to them.
//!
//! A component is what people outside know by name; services of the directory feed it. Nothing here
//! knows alerts, people or rooms: what stands on a page was written for it.

mod inside;
mod story;

pub use inside::{Part, effect, inside};
pub use story::{Board, Day, Line, Notice, Story, Window, board};

use super::id::Severity;
use serde::{Deserialize, Serialize};

/// How a component is, from the best to the worst.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// As it should be.
    #[default]
    Operational,
    /// Planned work is going on.
    Maintenance,
    /// Slower or worse than it should be.
    Degraded,
    /// Some of it does not work.
    PartialOutage,
    /// It does not work.
    MajorOutage,
}

impl Condition {
    /// From the best to the worst.
    pub const ALL: [Condition; 5] = [
        Condition::Operational,
        Condition::Maintenance,
        Condition::Degraded,
        Condition::PartialOutage,
        Condition::MajorOutage,
    ];

    /// The word in files and commands.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Condition::Operational => "operational",
            Condition::Maintenance => "maintenance",
            Condition::Degraded => "degraded",
            Condition::PartialOutage => "partial",
            Condition::MajorOutage => "major",
        }
    }

    /// What people read.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Condition::Operational => "Operational",
            Condition::Maintenance => "Under maintenance",
            Condition::Degraded => "Degraded performance",
            Condition::PartialOutage => "Partial outage",
            Condition::MajorOutage => "Major outage",
        }
    }

    /// The word that programs know from hosted status pages.
    #[must_use]
    pub fn known_as(self) -> &'static str {
        match self {
            Condition::Operational => "operational",
            Condition::Maintenance => "under_maintenance",
            Condition::Degraded => "degraded_performance",
            Condition::PartialOutage => "partial_outage",
            Condition::MajorOutage => "major_outage",
        }
    }

    /// The condition somebody means by a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Condition> {
        let word = word.to_ascii_lowercase().replace(['-', ' '], "_");
        Condition::ALL
            .into_iter()
            .find(|c| c.word() == word || c.known_as() == word)
    }

    /// How much of a time in this condition counts as down, in thousandths: a partial outage counts
    /// as three tenths, as hosted pages count it; slow is up.
    #[must_use]
    pub fn down_permille(self) -> i64 {
        match self {
            Condition::MajorOutage => 1000,
            Condition::PartialOutage => 300,
            _ => 0,
        }
    }
}

/// Something people outside know by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Component {
    /// Key in files, commands and addresses.
    pub id: String,
    /// What people read.
    pub name: String,
    /// One line below the name; may be empty.
    pub about: String,
    /// Name of the group it stands in; empty: in none.
    pub group: String,
    /// Ids of the services that feed it.
    pub services: Vec<String>,
}

/// How the page follows incidents. Frozen into nothing: each public update says what it changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRules {
    /// What stands at the top, and in every feed.
    pub title: String,
    /// A line below it; may be empty.
    pub about: String,
    /// Where the page is reached from outside, without a trailing slash.
    pub url: String,
    /// Zone of its days and times; `None`: UTC.
    pub zone: Option<chrono_tz::Tz>,
    /// Days of the past that are shown.
    pub days: u16,
    /// Words for everybody about maintenance of the files, by its id; others are not shown.
    pub planned: std::collections::BTreeMap<String, String>,
    /// In the order of the page.
    pub components: Vec<Component>,
    /// What an incident of each severity does to the components it touches; worst severity first.
    pub by_severity: Vec<Condition>,
    /// Roles of which one is needed to write a public update; empty: every person of the directory may.
    pub publishers: Vec<String>,
    /// What it does once people outside are no longer hurt.
    pub mitigated: Condition,
}

impl PageRules {
    /// The component of this id.
    #[must_use]
    pub fn component(&self, id: &str) -> Option<&Component> {
        self.components.iter().find(|c| c.id == id)
    }

    /// The components a service feeds.
    pub fn fed_by<'a>(&'a self, service: &'a str) -> impl Iterator<Item = &'a Component> {
        let feeds = move |c: &&Component| c.services.iter().any(|s| s == service);
        self.components.iter().filter(feeds)
    }

    /// What an incident of a severity does while it hurts.
    #[must_use]
    pub fn condition(&self, severity: Severity) -> Condition {
        let found = self.by_severity.get(usize::from(severity.0));
        found.copied().unwrap_or(Condition::Degraded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_known_by_our_words_and_by_those_of_hosted_pages() {
        for condition in Condition::ALL {
            assert_eq!(Condition::parse(condition.word()), Some(condition));
            assert_eq!(Condition::parse(condition.known_as()), Some(condition));
        }
        assert_eq!(
            Condition::parse("Partial-Outage"),
            Some(Condition::PartialOutage)
        );
        assert_eq!(Condition::parse("broken"), None);
    }

    #[test]
    fn a_severity_nobody_mapped_is_degraded() {
        let rules = PageRules {
            by_severity: vec![Condition::MajorOutage],
            ..PageRules::default()
        };
        assert_eq!(rules.condition(Severity(0)), Condition::MajorOutage);
        assert_eq!(rules.condition(Severity(3)), Condition::Degraded);
    }
}
