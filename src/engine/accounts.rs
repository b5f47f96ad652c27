//! Accounts of chat platforms and the people of the directory they stand for.

use super::{Engine, Failure};
use crate::core::audit::{Fact, ordered};
use crate::core::directory::Directory;
use crate::core::id::Actor;
use crate::store::{ChangeSet, LinkRow};
use std::sync::PoisonError;

impl Engine {
    /// The person of the directory an account stands for: by the files, else by a link.
    #[must_use]
    pub fn person_of(&self, platform: &str, account: &str) -> Option<String> {
        let directory = self.directory();
        if let Some(person) = directory.person_by_identity(platform, account) {
            return Some(person.id.clone());
        }
        let links = self.0.links.read().unwrap_or_else(PoisonError::into_inner);
        links
            .get(&(platform.to_owned(), account.to_owned()))
            .filter(|person| directory.people.contains_key(*person))
            .cloned()
    }

    /// The account of somebody who takes part, known by name or only by that account.
    #[must_use]
    pub fn account_behind(&self, platform: &str, key: &str) -> Option<String> {
        let bare = key.strip_prefix(platform).and_then(|k| k.strip_prefix(':'));
        self.account_of(platform, key)
            .or_else(|| bare.map(str::to_owned))
    }

    /// The account a person has on a platform: by the files, else by a link.
    #[must_use]
    pub fn account_of(&self, platform: &str, person: &str) -> Option<String> {
        let directory = self.directory();
        if let Some(id) = directory.people.get(person)?.identities.get(platform) {
            return Some(id.clone());
        }
        let links = self.0.links.read().unwrap_or_else(PoisonError::into_inner);
        let mut accounts: Vec<&String> = links
            .iter()
            .filter(|((p, _), who)| p == platform && who.as_str() == person)
            .map(|((_, account), _)| account)
            .collect();
        accounts.sort();
        accounts.first().map(|a| (*a).clone())
    }

    /// Links an account to a person, for good.
    ///
    /// # Errors
    /// `Unavailable` when nothing could be stored.
    pub async fn link(&self, link: LinkRow) -> Result<(), Failure> {
        let key = (link.platform.clone(), link.account.clone());
        let person = link.person.clone();
        let fact = Fact {
            kind: "linked".to_owned(),
            by: super::person(&self.directory(), &link.person),
            incident: None,
            run: None,
            action: String::new(),
            text: format!(
                "The {} account {} was linked to {} ({}).",
                link.platform, link.account, link.person, link.how
            ),
            detail: ordered(serde_json::json!({
                "platform": link.platform, "account": link.account, "person": link.person,
                "how": link.how,
            })),
        };
        let changes = ChangeSet {
            facts: vec![fact],
            links: vec![link],
            ..ChangeSet::default()
        };
        self.write(changes).await?;
        let mut links = self.0.links.write().unwrap_or_else(PoisonError::into_inner);
        links.insert(key, person);
        Ok(())
    }
}

/// The actor a person id stands for.
#[must_use]
pub fn person(directory: &Directory, id: &str) -> Actor {
    Actor::Person {
        id: id.to_owned(),
        name: directory.person_name(id),
    }
}
