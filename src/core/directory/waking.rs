//! When and by what people are woken: urgency, steps, quiet hours, kinds of providers.

use super::{Contact, Directory, Person};
use crate::core::hours::{Hours, Quiet};
use crate::core::id::Severity;
use crate::core::time::Time;
use serde::{Deserialize, Serialize};

/// Whether a page may wait for the morning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// It never waits.
    #[default]
    High,
    /// It keeps to its people's quiet hours.
    Low,
}

impl Urgency {
    /// The word in files, tables and sentences.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Urgency::High => "high",
            Urgency::Low => "low",
        }
    }

    /// The urgency a word means.
    #[must_use]
    pub fn parse(word: &str) -> Option<Urgency> {
        [Urgency::High, Urgency::Low]
            .into_iter()
            .find(|u| u.word() == word)
    }

    /// What journals do not spell out, because it was so before there was a choice.
    #[must_use]
    pub fn is_high(&self) -> bool {
        *self == Urgency::High
    }
}

/// How a person wants to be woken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waking {
    /// At most one per urgency; an urgency without one uses every contact at once.
    pub rules: Vec<Rule>,
    /// When low urgency waits for the morning.
    pub quiet: Option<Quiet>,
}

/// The steps by which a person is woken for one urgency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// For which.
    pub urgency: Urgency,
    /// Ascending by `after_secs`, never empty.
    pub steps: Vec<Step>,
}

/// One step of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Seconds after the person was paged.
    pub after_secs: u64,
    /// Names of contacts, used at once.
    pub contacts: Vec<String>,
}

/// The kinds of providers. A new one has its name here and its file in `notify/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Means {
    /// SMTP.
    Email,
    /// A topic of an ntfy server.
    Ntfy,
    /// Pushover's emergency messages.
    Pushover,
    /// A text message.
    Sms,
    /// A call.
    Voice,
}

impl Means {
    /// All of them.
    pub const ALL: [Means; 5] = [
        Means::Email,
        Means::Ntfy,
        Means::Pushover,
        Means::Sms,
        Means::Voice,
    ];

    /// The word in files, tables and sentences.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Means::Email => "email",
            Means::Ntfy => "ntfy",
            Means::Pushover => "pushover",
            Means::Sms => "sms",
            Means::Voice => "voice",
        }
    }

    /// The means a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Means> {
        Means::ALL.into_iter().find(|m| m.word() == word)
    }
}

/// The hours in which a service is worth waking somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Support {
    /// When urgency is what the severity says.
    pub hours: Hours,
    /// And what it is at most outside of them.
    pub outside: Urgency,
}

impl Directory {
    /// How urgent an incident of this severity and service is at `now`, and why when that is not
    /// simply what it always was: high.
    #[must_use]
    pub fn urgency(
        &self,
        severity: Severity,
        service: Option<&str>,
        now: Time,
    ) -> (Urgency, Option<String>) {
        let level = self.severities.get(usize::from(severity.0));
        // A level the scale no longer has must not keep anybody asleep.
        if level.is_some_and(|l| l.urgency == Urgency::Low) {
            let name = self.severity_name(severity);
            return (Urgency::Low, Some(format!("low urgency: {name} may wait")));
        }
        let service = service.and_then(|s| self.services.get(s));
        let Some((service, support)) = service.and_then(|s| Some((s, s.support.as_ref()?))) else {
            return (Urgency::High, None);
        };
        let (hours, name) = (support.hours.words(), &service.name);
        if support.hours.covers(now) {
            let why = format!("high urgency: inside the support hours of {name} ({hours})");
            return (Urgency::High, Some(why));
        }
        let word = support.outside.word();
        let why = format!("{word} urgency: outside the support hours of {name} ({hours})");
        (support.outside, Some(why))
    }

    /// Whether a code has to come back from this contact and has not.
    #[must_use]
    pub fn is_unverified(&self, person: &str, contact: &str) -> bool {
        !self.unverified.is_empty()
            && self
                .unverified
                .contains(&(person.to_owned(), contact.to_owned()))
    }

    /// The contacts a page to this person uses, and whether none of them is verified: then all are
    /// used, because a page to a wrong number is better than none.
    #[must_use]
    pub fn usable<'p>(&self, person: &'p Person) -> (Vec<&'p Contact>, bool) {
        let good: Vec<&Contact> = person
            .contacts
            .iter()
            .filter(|c| !self.is_unverified(&person.id, &c.name))
            .collect();
        if good.is_empty() {
            return (person.contacts.iter().collect(), true);
        }
        (good, false)
    }
}
