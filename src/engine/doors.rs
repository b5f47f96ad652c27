//! What people do on the status page: ask to be told, confirm, end it.
//!
//! Promises: an address is told of nothing before somebody who reads its mail says so; opening a link
//! does nothing, its button does; whether an address is known is told to nobody. How many mails strangers
//! can make us send is bounded, for each address and for all.

use super::bulletins::{CONFIRM, UNSUBSCRIBE};
use super::{Engine, Failure};
use crate::core::incident::Audience;
use crate::core::subscribe::{FILE, Topics, is_mail};
use crate::core::time::Time;
use crate::page::Kind;
use crate::store::{BulletinRow, SubscriberRow, UpdateChanges};
use std::collections::BTreeMap;
use subtle::ConstantTimeEq;

/// From one mail with a code to the next for one address, milliseconds.
const PATIENCE_MS: i64 = 10 * 60_000;
/// Strangers' requests in an hour, all together.
const AN_HOUR: i64 = 200;
const HOUR_MS: i64 = 3_600_000;
/// A code or link is good for this long, milliseconds.
const GOOD_MS: i64 = 2 * 86_400_000;
/// Wrong codes of one round.
const TRIES: u32 = 5;

/// What somebody does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Door {
    /// Asks to be told by mail.
    Subscribe {
        /// Their address.
        email: String,
        /// Ids of components; an empty one, or none: everything.
        components: Vec<String>,
    },
    /// Opens the link of the mail.
    AskConfirm(String),
    /// Presses its button.
    Confirm(String),
    /// Opens the link that ends it.
    AskUnsubscribe(String),
    /// Presses its button, or the mail program does.
    Unsubscribe(String),
}

/// What they read: status of HTTP, title, words, and a button.
pub type Said = (u16, &'static str, String, Kind);

fn said(status: u16, title: &'static str, words: &str) -> Said {
    (status, title, words.to_owned(), Kind::Said)
}

fn gone() -> Said {
    said(
        404,
        "This link is not good any more",
        "It is too old, was used, or is not whole. Ask again on the page.",
    )
}

impl Engine {
    /// Carries out what somebody does on the status page.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn door(&self, door: Door) -> Result<Said, Failure> {
        let _one = self.0.board.bulletins.change.lock().await;
        match door {
            Door::Subscribe { email, components } => {
                self.subscribe_outside(email.trim(), components).await
            }
            Door::AskConfirm(token) => Ok(match self.asked(&token).await? {
                Some(_) => {
                    let kind = Kind::Asks {
                        action: CONFIRM.to_owned(),
                        field: ("t".to_owned(), token),
                        button: "Begin".to_owned(),
                    };
                    (
                        200,
                        "Be told by mail",
                        "Press the button to begin.".to_owned(),
                        kind,
                    )
                }
                None => gone(),
            }),
            Door::Confirm(token) => match self.asked(&token).await? {
                Some(row) => {
                    self.keep_subscriber(row, "on").await?;
                    Ok(said(
                        200,
                        "You will be told",
                        "Each mail has a link that ends it.",
                    ))
                }
                None => Ok(gone()),
            },
            Door::AskUnsubscribe(token) => {
                Ok(match self.button_key().unseal(UNSUBSCRIBE, &token) {
                    Some(_) => {
                        let kind = Kind::Asks {
                            action: UNSUBSCRIBE.to_owned(),
                            field: ("t".to_owned(), token),
                            button: "End it".to_owned(),
                        };
                        (
                            200,
                            "End the mails",
                            "Press the button and no further mail is sent.".to_owned(),
                            kind,
                        )
                    }
                    None => gone(),
                })
            }
            Door::Unsubscribe(token) => match self.button_key().unseal(UNSUBSCRIBE, &token) {
                Some(id) => {
                    self.unsubscribe(&id).await?;
                    Ok(said(200, "It has ended", "No further mail is sent."))
                }
                None => Ok(gone()),
            },
        }
    }

    async fn subscribe_outside(
        &self,
        email: &str,
        components: Vec<String>,
    ) -> Result<Said, Failure> {
        let directory = self.directory();
        let Some(page) = directory.page.as_ref() else {
            return Ok(gone());
        };
        if !is_mail(email) {
            let words = "Write it such as name@example.org and try again.";
            return Ok(said(400, "That is no mail address", words));
        }
        let components: Vec<String> = if components.iter().any(String::is_empty) {
            Vec::new()
        } else {
            components
        };
        if components.iter().any(|c| page.component(c).is_none()) {
            let words =
                "One of the components is not on the page any more. Go back and choose again.";
            return Ok(said(400, "Nothing was done", words));
        }
        let topics = Topics {
            components,
            ..Topics::default()
        };
        let now = self.now();
        if self.store().asked_since(now.plus_ms(-HOUR_MS)).await? >= AN_HOUR {
            let words = "Too many people ask right now. Try again in an hour, or take the feed.";
            return Ok(said(429, "Nothing was done", words));
        }
        self.ask_mail(email, Audience::Public, topics, "").await?;
        let words = "A mail is on its way to that address. Follow its link to begin.";
        Ok(said(200, "Look into your mail", words))
    }

    /// Lets a code be sent to an address; answers with the subscription's id. Who asked a moment ago gets
    /// no second mail.
    async fn ask_mail(
        &self,
        email: &str,
        audience: Audience,
        topics: Topics,
        person: &str,
    ) -> Result<String, Failure> {
        let email = email.to_lowercase();
        let now = self.now();
        let known = self.store().subscriber_at(audience, "mail", &email).await?;
        let topics = serde_json::to_string(&topics).unwrap_or_else(|_| "{}".to_owned());
        let recent = known
            .as_ref()
            .is_some_and(|k| k.state == "asked" && now.since_ms(k.asked_at) < PATIENCE_MS);
        let same = known
            .as_ref()
            .is_some_and(|k| k.state == "on" && k.topics == topics);
        if let Some(k) = known.as_ref().filter(|_| recent || same) {
            return Ok(k.id.clone());
        }
        let row = SubscriberRow {
            kind: "mail".to_owned(),
            address: email,
            audience,
            topics,
            state: "asked".to_owned(),
            person: person.to_owned(),
            ..SubscriberRow::again(known.as_ref(), now)
        };
        let code = BulletinRow {
            subscriber: row.id.clone(),
            incident: crate::core::id::IncidentId(0),
            seq: u32::try_from(row.round).unwrap_or(u32::MAX),
            state: "waiting".to_owned(),
            attempts: 0,
            due_at: now,
            error: String::new(),
            created_at: now,
            updated_at: now,
        };
        let id = row.id.clone();
        let changes = UpdateChanges {
            subscribers: vec![row],
            bulletins: vec![code],
            ..UpdateChanges::default()
        };
        self.change_updates(changes, BTreeMap::new()).await?;
        Ok(id)
    }

    /// Somebody inside asks by mail, for themselves or a list: a code goes there first.
    ///
    /// # Errors
    /// A refusal in words, or when it cannot be stored.
    pub async fn subscribe_mail(
        &self,
        email: &str,
        topics: Topics,
        person: &str,
    ) -> Result<String, Failure> {
        let _one = self.0.board.bulletins.change.lock().await;
        if !is_mail(email.trim()) {
            let why = format!(
                "{:?} is no mail address; write it such as name@example.org.",
                crate::core::text::cut(email, 80)
            );
            return Err(crate::core::incident::Refusal::Invalid { why }.into());
        }
        self.ask_mail(email.trim(), Audience::Internal, topics, person)
            .await
    }

    /// Somebody inside asks for a channel: no code, everybody there sees it.
    ///
    /// # Errors
    /// A refusal in words, or when it cannot be stored.
    pub async fn subscribe_channel(
        &self,
        channel: &str,
        topics: Topics,
        person: &str,
    ) -> Result<String, Failure> {
        let _one = self.0.board.bulletins.change.lock().await;
        let directory = self.directory();
        let channel = channel.trim().trim_start_matches('#');
        if !directory.channels().contains(channel) {
            let known: Vec<&str> = directory.channels().into_iter().collect();
            let why = format!(
                "There is no channel {:?} in the files; there is {}.",
                crate::core::text::cut(channel, 80),
                crate::core::text::list(&known)
            );
            return Err(crate::core::incident::Refusal::Invalid { why }.into());
        }
        let now = self.now();
        let known = self
            .store()
            .subscriber_at(Audience::Internal, "channel", channel)
            .await?;
        let row = SubscriberRow {
            id: known.as_ref().map_or_else(
                || uuid::Uuid::new_v4().simple().to_string(),
                |k| k.id.clone(),
            ),
            kind: "channel".to_owned(),
            address: channel.to_owned(),
            audience: Audience::Internal,
            topics: serde_json::to_string(&topics).unwrap_or_else(|_| "{}".to_owned()),
            state: "on".to_owned(),
            round: known.as_ref().map_or(1, |k| k.round + 1),
            tries: 0,
            person: person.to_owned(),
            asked_at: now,
            created_at: known.map_or(now, |k| k.created_at),
            updated_at: now,
        };
        let id = row.id.clone();
        let changes = UpdateChanges {
            subscribers: vec![row],
            ..UpdateChanges::default()
        };
        self.change_updates(changes, BTreeMap::new()).await?;
        Ok(id)
    }

    /// Enters the code of a mail; false: it is not that.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn confirm_subscription(&self, id: &str, code: &str) -> Result<bool, Failure> {
        let _one = self.0.board.bulletins.change.lock().await;
        let Some(row) = self.store().subscriber(id).await? else {
            return Ok(false);
        };
        let fresh = self.now().since_ms(row.asked_at) <= GOOD_MS;
        if row.state != "asked" || !fresh || row.tries >= TRIES {
            return Ok(false);
        }
        let wanted = self.code(&row.id, row.round);
        if bool::from(wanted.as_bytes().ct_eq(code.trim().as_bytes())) {
            self.keep_subscriber(row, "on").await?;
            return Ok(true);
        }
        let row = SubscriberRow {
            tries: row.tries + 1,
            updated_at: self.now(),
            ..row
        };
        let changes = UpdateChanges {
            subscribers: vec![row],
            ..UpdateChanges::default()
        };
        self.change_updates(changes, BTreeMap::new()).await?;
        Ok(false)
    }

    /// Ends a subscription: of the files by a mark, else the address is forgotten.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn unsubscribe(&self, id: &str) -> Result<(), Failure> {
        let mut changes = UpdateChanges::default();
        if id.starts_with(FILE) {
            let now = self.now();
            changes.subscribers.push(SubscriberRow {
                id: id.to_owned(),
                kind: "off".to_owned(),
                address: id.to_owned(),
                audience: Audience::Internal,
                topics: "{}".to_owned(),
                state: "off".to_owned(),
                round: 0,
                tries: 0,
                person: String::new(),
                asked_at: Time(0),
                created_at: now,
                updated_at: now,
            });
        } else {
            changes.forgotten.push(id.to_owned());
        }
        self.change_updates(changes, BTreeMap::new()).await?;
        self.updates_changed();
        Ok(())
    }

    async fn keep_subscriber(&self, row: SubscriberRow, state: &str) -> Result<(), Failure> {
        let row = SubscriberRow {
            state: state.to_owned(),
            updated_at: self.now(),
            ..row
        };
        let changes = UpdateChanges {
            subscribers: vec![row],
            ..UpdateChanges::default()
        };
        self.change_updates(changes, BTreeMap::new()).await
    }

    /// Whose link it is, while it is good.
    async fn asked(&self, token: &str) -> Result<Option<SubscriberRow>, Failure> {
        let Some(text) = self.button_key().unseal(CONFIRM, token) else {
            return Ok(None);
        };
        let Some((id, round)) = text.split_once(' ') else {
            return Ok(None);
        };
        let row = self.store().subscriber(id).await?;
        let now = self.now();
        Ok(row.filter(|r| {
            r.state == "asked"
                && r.round.to_string() == round
                && now.since_ms(r.asked_at) <= GOOD_MS
        }))
    }
}
