//! Who asked to be told, of what, and by which way.

mod wording;

pub use wording::{LINE, MAIL, PLACEHOLDERS, SUBJECT, Values, Wording, Wordings};

use super::directory::Directory;
use super::id::{IncidentId, Severity};
use super::incident::{Audience, Incident, Update};
use super::sight::Sight;
use serde::{Deserialize, Serialize};

/// What somebody wants to hear of: each list that is not empty must have something of the update in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Topics {
    /// Ids of services.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    /// Ids of components.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<String>,
    /// Names of severities.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub severities: Vec<String>,
    /// Single incidents.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<IncidentId>,
}

impl Topics {
    /// In words: `everything`, `services checkout; severities sev1`.
    #[must_use]
    pub fn words(&self) -> String {
        let part = |name: &str, list: &[String]| {
            (!list.is_empty()).then(|| format!("{name} {}", super::text::list(list)))
        };
        let incidents: Vec<String> = self.incidents.iter().map(IncidentId::to_string).collect();
        let parts = [
            part("services", &self.services),
            part("components", &self.components),
            part("severities", &self.severities),
            part("incidents", &incidents),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        match parts.as_slice() {
            [] => "everything".to_owned(),
            parts => parts.join("; "),
        }
    }
}

/// By which way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// A mail address.
    Mail(String),
    /// A chat channel, by name, on every platform.
    Channel(String),
    /// An outgoing webhook of the files, by name.
    Webhook(String),
    /// A person, by direct message.
    Person {
        /// The chat platform, by its configured name.
        platform: String,
        /// Their id in the directory.
        person: String,
    },
    /// A room or channel where somebody asked for it.
    Room {
        /// The chat platform, by its configured name.
        platform: String,
        /// The platform's id of it.
        room: String,
    },
}

impl Via {
    /// `mail`, `channel`, `webhook`, `person`, `room`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Via::Mail(_) => "mail",
            Via::Channel(_) => "channel",
            Via::Webhook(_) => "webhook",
            Via::Person { .. } => "person",
            Via::Room { .. } => "room",
        }
    }

    /// The address, channel or name; of chat `platform:id`.
    #[must_use]
    pub fn address(&self) -> String {
        match self {
            Via::Mail(to) | Via::Channel(to) | Via::Webhook(to) => to.clone(),
            Via::Person {
                platform,
                person: id,
            }
            | Via::Room { platform, room: id } => format!("{platform}:{id}"),
        }
    }

    /// The way of a kind and an address; `None`: of a later version.
    #[must_use]
    pub fn read(kind: &str, address: &str) -> Option<Via> {
        let chat = || {
            let (platform, id) = address.split_once(':')?;
            Some((platform.to_owned(), id.to_owned()))
        };
        Some(match kind {
            "mail" => Via::Mail(address.to_owned()),
            "channel" => Via::Channel(address.to_owned()),
            "webhook" => Via::Webhook(address.to_owned()),
            "person" => chat().map(|(platform, person)| Via::Person { platform, person })?,
            "room" => chat().map(|(platform, room)| Via::Room { platform, room })?,
            _ => return None,
        })
    }

    /// For people: a mail address with most of its name hidden.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Via::Channel(name) => format!("#{name}"),
            Via::Webhook(name) => format!("webhook {name}"),
            Via::Person { platform, person } => format!("{person} on {platform}"),
            Via::Room { platform, room } => format!("channel {room} of {platform}"),
            Via::Mail(to) => match to.split_once('@') {
                Some((name, host)) => {
                    let first: String = name.chars().take(1).collect();
                    format!("{first}…@{host}")
                }
                None => "a mail address".to_owned(),
            },
        }
    }
}

/// Somebody who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriber {
    /// `file:NAME`, or the id of a row.
    pub id: String,
    /// By which way.
    pub via: Via,
    /// What they may read.
    pub audience: Audience,
    /// What they want to hear of.
    pub topics: Topics,
    /// Told of private incidents as well: the files name them for it.
    pub private: bool,
}

/// Whether a text can be a mail address: one `@`, no white space, a host.
#[must_use]
pub fn is_mail(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>,;\"".contains(c);
    let parts = text.split_once('@');
    let whole =
        |(name, host): (&str, &str)| !name.is_empty() && host.contains('.') && !host.contains('@');
    text.len() <= 254 && !text.chars().any(odd) && parts.is_some_and(whole)
}

/// In front of the names of those the files hold.
pub const FILE: &str = "file:";

/// What an update is about, as subscriptions go by it.
#[derive(Clone, Debug)]
pub struct About<'a> {
    /// Of which incident.
    pub incident: IncidentId,
    /// What is told.
    pub update: &'a Update,
    /// Service of the incident then.
    pub service: Option<&'a str>,
    /// Severity of the incident then.
    pub severity: Severity,
}

impl Subscriber {
    /// Whether they may hear of an incident at all: of a private one whom the files name for that, and a
    /// person it concerns.
    #[must_use]
    pub fn sees(&self, incident: &Incident, directory: &Directory) -> bool {
        !incident.nature.private
            || self.private
            || matches!(&self.via, Via::Person { person, .. } if Sight::person(person, directory).sees(incident))
    }

    /// Whether they want to be told of it, and may read updates of that audience.
    #[must_use]
    pub fn wants(&self, about: &About<'_>, directory: &Directory) -> bool {
        let may = self.audience == Audience::Internal || about.update.audience == Audience::Public;
        if !may {
            return false;
        }
        let topics = &self.topics;
        let severity = directory.severity_name(about.severity);
        let service = about.service.unwrap_or_default();
        let announced = about.update.announced.iter().flat_map(|a| &a.components);
        let mut touched: Vec<&str> = announced.map(|c| c.id.as_str()).collect();
        if let Some(page) = &directory.page
            && about.update.announced.is_none()
        {
            touched.extend(page.fed_by(service).map(|c| c.id.as_str()));
        }
        let any = |list: &[String], has: &dyn Fn(&str) -> bool| {
            list.is_empty() || list.iter().any(|x| has(x))
        };
        let named = topics.incidents.is_empty() || topics.incidents.contains(&about.incident);
        named
            && any(&topics.services, &|s| s == service)
            && any(&topics.severities, &|s| s == severity)
            && any(&topics.components, &|c| touched.contains(&c))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::board::{Component, PageRules};
    use crate::core::directory::{SeverityName, Urgency};
    use crate::core::id::Actor;
    use crate::core::incident::Announced;
    use std::sync::Arc;

    fn directory() -> Directory {
        Directory {
            severities: ["sev1", "sev2"]
                .map(|name| SeverityName {
                    name: name.to_owned(),
                    urgency: Urgency::High,
                    ..SeverityName::default()
                })
                .into(),
            page: Some(Arc::new(PageRules {
                components: vec![Component {
                    id: "shop".to_owned(),
                    services: vec!["checkout".to_owned()],
                    ..Component::default()
                }],
                ..PageRules::default()
            })),
            ..Directory::default()
        }
    }

    fn subscriber(audience: Audience, topics: Topics) -> Subscriber {
        Subscriber {
            id: "x".to_owned(),
            via: Via::Channel("support".to_owned()),
            audience,
            topics,
            private: false,
        }
    }

    fn update(audience: Audience) -> Update {
        Update {
            by: Actor::Firebell,
            status: None,
            text: "x".to_owned(),
            audience,
            announced: (audience == Audience::Public).then(Announced::default),
            next_due: None,
            promised: false,
        }
    }

    fn list(word: &str) -> Vec<String> {
        vec![word.to_owned()]
    }

    #[test]
    fn somebody_outside_is_told_of_what_is_public_alone() {
        let (inside, outside) = (update(Audience::Internal), update(Audience::Public));
        let about = |update| About {
            incident: IncidentId(7),
            update,
            service: Some("checkout"),
            severity: Severity(0),
        };
        let directory = directory();
        let everybody = subscriber(Audience::Public, Topics::default());
        assert!(!everybody.wants(&about(&inside), &directory));
        assert!(everybody.wants(&about(&outside), &directory));
        let colleague = subscriber(Audience::Internal, Topics::default());
        assert!(colleague.wants(&about(&inside), &directory));
    }

    #[test]
    fn every_list_must_have_something_of_it_and_private_ones_go_to_who_is_named() {
        let inside = update(Audience::Internal);
        let mut about = About {
            incident: IncidentId(7),
            update: &inside,
            service: Some("checkout"),
            severity: Severity(0),
        };
        let directory = directory();
        let topics = Topics {
            components: list("shop"),
            severities: list("sev1"),
            ..Topics::default()
        };
        let mut one = subscriber(Audience::Internal, topics.clone());
        assert!(one.wants(&about, &directory), "checkout feeds the shop");
        assert_eq!(topics.words(), "components shop; severities sev1");
        about.severity = Severity(1);
        assert!(!one.wants(&about, &directory));
        about.severity = Severity(0);
        about.service = Some("search");
        assert!(!one.wants(&about, &directory));
        let mut secret = Incident::default();
        secret.nature.private = true;
        secret.crew.insert("ana".to_owned());
        assert!(one.sees(&Incident::default(), &directory));
        assert!(!one.sees(&secret, &directory));
        one.private = true;
        assert!(one.sees(&secret, &directory));
        let person = |id: &str| Subscriber {
            via: Via::read("person", &format!("slack:{id}")).unwrap(),
            ..subscriber(Audience::Internal, Topics::default())
        };
        assert!(person("ana").sees(&secret, &directory), "it concerns her");
        assert!(!person("bo").sees(&secret, &directory));
    }

    #[test]
    fn single_incidents_are_wanted_alone_and_a_way_reads_back_as_it_was_written() {
        let inside = update(Audience::Internal);
        let about = |id| About {
            incident: IncidentId(id),
            update: &inside,
            service: None,
            severity: Severity(0),
        };
        let topics = Topics {
            incidents: vec![IncidentId(7)],
            ..Topics::default()
        };
        assert_eq!(topics.words(), "incidents #7");
        let one = subscriber(Audience::Internal, topics);
        assert!(one.wants(&about(7), &directory()) && !one.wants(&about(8), &directory()));
        for (kind, address) in [
            ("mail", "a@example.org"),
            ("channel", "support"),
            ("webhook", "crm"),
            ("person", "slack:ana"),
            ("room", "discord:1:2"),
        ] {
            let via = Via::read(kind, address).unwrap();
            assert_eq!((via.kind(), via.address().as_str()), (kind, address));
        }
        assert_eq!(Via::read("pigeon", "coop"), None);
    }

    #[test]
    fn an_address_is_shown_with_most_of_it_hidden() {
        assert_eq!(
            Via::Mail("ana@example.org".to_owned()).shown(),
            "a…@example.org"
        );
    }
}
