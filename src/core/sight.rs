//! Who may see an incident that is private.
//!
//! One answer for every door: the pages of the console, the API, the chat, searches and exports. What
//! somebody may not see is answered as if it were not there.

use super::directory::Directory;
use super::id::Actor;
use super::incident::Incident;

/// Which incidents somebody may see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sight {
    /// Those that are not private.
    #[default]
    Public,
    /// All of them: firebell itself, and whom the configuration names.
    All,
    /// Those that are not private, and those that concern this one.
    Of {
        /// A person's id, or `platform:id` of an account without a person.
        key: String,
        /// Types of which they see all.
        types: Vec<String>,
    },
}

impl Sight {
    /// What somebody may see by the configuration in force.
    #[must_use]
    pub fn of(who: &Actor, directory: &Directory) -> Sight {
        match who {
            Actor::Firebell => Sight::All,
            Actor::Person { id, .. } => Sight::person(id, directory),
            Actor::Unlinked { id, .. } => Sight::Of {
                key: id.clone(),
                types: Vec::new(),
            },
            // A program sees private incidents by the scope of its token, which is not said here.
            Actor::Source { .. } | Actor::Token { .. } => Sight::Public,
        }
    }

    /// What a person of the directory may see.
    #[must_use]
    pub fn person(id: &str, directory: &Directory) -> Sight {
        let roles: &[String] = directory.people.get(id).map_or(&[], |p| &p.roles);
        let named = |people: &[String], by_role: &[String]| {
            people.iter().any(|p| p == id) || by_role.iter().any(|r| roles.contains(r))
        };
        if named(&directory.insiders.people, &directory.insiders.roles) {
            return Sight::All;
        }
        let types = directory.types.iter();
        let types = types.filter(|t| named(&t.people, &t.roles));
        Sight::Of {
            key: id.to_owned(),
            types: types.map(|t| t.id.clone()).collect(),
        }
    }

    /// Whether this incident is to be seen.
    #[must_use]
    pub fn sees(&self, incident: &Incident) -> bool {
        let nature = &incident.nature;
        !nature.private
            || match self {
                Sight::Public => false,
                Sight::All => true,
                Sight::Of { key, types } => {
                    incident.concerns(key)
                        || nature.type_id.as_ref().is_some_and(|t| types.contains(t))
                }
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::directory::{IncidentType, Insiders};
    use crate::core::incident::Nature;

    fn secret() -> Incident {
        Incident {
            nature: Nature {
                type_id: Some("security".to_owned()),
                private: true,
                ..Nature::default()
            },
            crew: ["ana".to_owned()].into_iter().collect(),
            admitted: ["slack:U7".to_owned()].into_iter().collect(),
            ..Incident::default()
        }
    }

    fn person(id: &str) -> Actor {
        Actor::Person {
            id: id.to_owned(),
            name: id.to_owned(),
        }
    }

    #[test]
    fn a_private_incident_is_seen_by_those_it_concerns_and_by_whom_the_files_name() {
        let kind = |id: &str| IncidentType {
            id: id.to_owned(),
            ..IncidentType::default()
        };
        let mut directory = Directory {
            types: vec![kind("outage"), kind("security")],
            ..Directory::default()
        };
        let sees = |d: &Directory, who: &Actor| Sight::of(who, d).sees(&secret());
        let unlinked = |id: &str| Actor::Unlinked {
            id: id.to_owned(),
            name: "Kim".to_owned(),
        };
        assert!(sees(&directory, &person("ana")), "of its crew");
        assert!(sees(&directory, &unlinked("slack:U7")), "let in");
        assert!(!sees(&directory, &unlinked("slack:U8")));
        assert!(!sees(&directory, &person("bo")));
        let token = Actor::Token {
            name: "ci".to_owned(),
        };
        assert!(!sees(&directory, &token));
        assert!(sees(&directory, &Actor::Firebell));
        directory.insiders = Insiders {
            people: vec!["bo".to_owned()],
            roles: Vec::new(),
        };
        assert!(sees(&directory, &person("bo")), "an insider");
        directory.insiders = Insiders::default();
        directory.types[1].people = vec!["bo".to_owned()];
        assert!(sees(&directory, &person("bo")), "named by the type");
        let mut other = secret();
        other.nature.type_id = Some("outage".to_owned());
        assert!(!Sight::person("bo", &directory).sees(&other));
        let public = Incident::default();
        assert!(Sight::Public.sees(&public));
    }
}
