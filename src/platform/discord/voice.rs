//! Answers to people: by their interaction's token for a quarter of an hour, or in the conversation.

use super::inbound::{author, made_at, text, words};
use super::rest::{File, Refused};
use super::{Discord, lock, render};
use crate::chat::form::Form;
use crate::chat::heard::{Channel, Deed, Heard, HeardFile, Home, Profile, Said, User, Voice};
use crate::chat::link::Link;
use crate::chat::{Answer, Fault, Retry};
use crate::platform::fetch::{self, Hosts};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// How long an answer waits for Discord to have got the first one.
const FIRST_ANSWER: Duration = Duration::from_secs(4);
/// An answer that comes before Discord knows of the first one is tried again, and so is one that may
/// not have arrived, where a second time does no harm.
const TRIES: u32 = 5;
const AGAIN: Duration = Duration::from_millis(150);
/// A wait up to this long is worth it for an answer.
const WAIT_MS: i64 = 10_000;

impl Discord {
    /// How forms are drawn, so that what is filled in comes back.
    pub(super) fn fields(&self) -> render::Fields {
        match self.settings.public_key {
            Some(_) => render::Fields::Labels,
            None => render::Fields::Rows,
        }
    }

    async fn answer_by_token(
        &self,
        heard: &Heard,
        told: &Said,
        id: &str,
        token: &str,
    ) -> Result<(), Fault> {
        let first = lock(&self.unanswered).get(id).cloned();
        if let Some(mut first) = first {
            // Over time it is tried all the same.
            let _ = tokio::time::timeout(FIRST_ANSWER, first.wait_for(|done| *done)).await;
        }
        let key = self.engine.button_key();
        let body = render::answer(told, &self.home(), self.sign(&key, &heard.room));
        let files = files(told);
        let hook = format!("/webhooks/{}/{token}", self.settings.application);
        // A button's first answer left its message as it is; this one follows for the asker's eyes.
        if heard.reply_to.get("kind").is_some_and(|k| k == "3") {
            let mut body = body;
            body["flags"] = json!(render::EPHEMERAL);
            return self.by_hook(Method::POST, &hook, &body, &files).await;
        }
        self.by_hook(
            Method::PATCH,
            &format!("{hook}/messages/@original"),
            &body,
            &files,
        )
        .await?;
        if told.aloud && told.ok && heard.by.home == self.settings.guild {
            let public = Said {
                buttons: Vec::new(),
                document: None,
                ..told.clone()
            };
            let body = render::answer(&public, &self.home(), self.sign(&key, &heard.room));
            return self.by_hook(Method::POST, &hook, &body, &[]).await;
        }
        Ok(())
    }

    async fn by_hook(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        files: &[File],
    ) -> Result<(), Fault> {
        let mut wait = AGAIN;
        for n in 1.. {
            let done = self
                .rest
                .call(method.clone(), path, Some(body), files, "")
                .await;
            let Err(refused) = done else { return Ok(()) };
            if n == TRIES || !self.worth_another(&method, &refused) {
                return Err(refused.fault);
            }
            let asked = if let Retry::AfterMs(ms) = refused.fault.retry {
                Duration::from_millis(ms.unsigned_abs())
            } else {
                wait
            };
            tokio::time::sleep(asked).await;
            wait *= 2;
        }
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "reads as a question to the adapter")]
    fn worth_another(&self, method: &Method, refused: &Refused) -> bool {
        // Unknown Webhook, Interaction, Message: the first answer is not there yet.
        let early = matches!(refused.code, 10008 | 10015 | 10062);
        match refused.fault.retry {
            Retry::AfterMs(ms) => ms <= WAIT_MS,
            Retry::Backoff => *method == Method::PATCH,
            _ => early,
        }
    }

    async fn answer_in_conversation(&self, heard: &Heard, told: &Said) -> Result<(), Fault> {
        let key = self.engine.button_key();
        let mut body = render::answer(told, &self.home(), self.sign(&key, &heard.room));
        if let Some(message) = heard.reply_to.get("message") {
            body["message_reference"] = json!({"message_id": message, "fail_if_not_exists": false});
        }
        body["nonce"] = json!(super::text::nonce(&format!("answer:{}", heard.key)));
        body["enforce_nonce"] = json!(true);
        let path = format!("/channels/{}/messages", heard.room);
        let done = self
            .rest
            .call(Method::POST, &path, Some(&body), &files(told), "")
            .await;
        self.noticed(done).map(drop).map_err(Fault::from)
    }
}

fn files(told: &Said) -> Vec<File> {
    let one = |(name, text): &(String, String)| File {
        name: name.clone(),
        text: text.clone(),
    };
    told.document.iter().map(one).collect()
}

impl Voice for Discord {
    fn link(&self) -> &Link {
        &self.link
    }

    fn answer<'a>(&'a self, heard: &'a Heard, said: &'a Said) -> Answer<'a, ()> {
        Box::pin(async move {
            let (id, token) = (
                heard.reply_to.get("interaction"),
                heard.reply_to.get("token"),
            );
            match (id, token, &heard.deed) {
                (Some(id), Some(token), _) => self.answer_by_token(heard, said, id, token).await,
                (_, _, Deed::Line { .. }) => self.answer_in_conversation(heard, said).await,
                // A reaction or a pin: there is no place for words that only one person sees.
                _ => Ok(()),
            }
        })
    }

    fn ask<'a>(&'a self, heard: &'a Heard, form: &'a Form) -> Answer<'a, ()> {
        Box::pin(async move {
            let (Some(id), Some(token)) = (
                heard.reply_to.get("interaction"),
                heard.reply_to.get("token"),
            ) else {
                return Err(Fault {
                    why: "Discord opens forms for commands and buttons only".to_owned(),
                    retry: Retry::Never,
                });
            };
            let key = self.engine.button_key();
            let signed = form
                .token(&key, self.name(), &heard.by.id)
                .ok_or_else(|| Fault {
                    why: "the form knows too much already for Discord; write the command instead"
                        .to_owned(),
                    retry: Retry::Never,
                })?;
            let body = json!({"type": 9, "data": render::modal(form, &signed, self.fields())});
            let done = self
                .rest
                .post(&format!("/interactions/{id}/{token}/callback"), &body)
                .await;
            done.map(drop).map_err(Fault::from)
        })
    }

    fn profile<'a>(&'a self, user: &'a str) -> Answer<'a, Profile> {
        Box::pin(self.look_up(user))
    }

    fn channel<'a>(&'a self, room: &'a str) -> Answer<'a, Channel> {
        Box::pin(async move {
            // Discord shares no channel with another server: followers get copies.
            let names = self.names();
            let name = names.get(room).cloned().unwrap_or_default();
            Ok(Channel {
                name,
                shared: false,
            })
        })
    }

    fn message<'a>(
        &'a self,
        room: &'a str,
        message: &'a str,
    ) -> Answer<'a, Option<(User, String)>> {
        Box::pin(async move {
            if made_at(message).is_none() {
                return Ok(None);
            }
            match self
                .get(&format!("/channels/{room}/messages/{message}"))
                .await
            {
                // Its own words are on the timeline already, or nothing for it.
                Ok(found) if text(&found["author"], "id") == self.me() => Ok(None),
                Ok(found) => {
                    let here = self.here(room, true);
                    let by = author(&found, &here).unwrap_or_else(|| User {
                        id: text(&found["author"], "id"),
                        name: text(&found["author"], "username"),
                        home: String::new(),
                    });
                    Ok(Some((by, words(&found, &here))))
                }
                Err(refused) if matches!(refused.code, 10003 | 10008) => Ok(None),
                Err(refused) => Err(refused.fault),
            }
        })
    }

    fn fetch<'a>(&'a self, file: &'a HeardFile, most: u64) -> Answer<'a, bytes::Bytes> {
        Box::pin(async move {
            let hosts = Hosts {
                names: &["cdn.discordapp.com", "media.discordapp.net"],
                api_url: &self.settings.place.net.api_url,
            };
            // The address is signed: the token is not needed, and goes nowhere it is not needed.
            fetch::fetch(&self.rest.client(), &file.url, &hosts, None, most).await
        })
    }

    fn home<'a>(&'a self, _user: &'a str, _home: &'a Home) -> Answer<'a, ()> {
        // Discord has no page of an app for one person.
        Box::pin(std::future::ready(Ok(())))
    }
}
