//! Interactions: what Discord gets back within three seconds, and what happens then.
//!
//! One door for the gateway and for signed HTTP: both give the payload and bring the first answer to
//! Discord. An act is in the database before it is acknowledged; a database that is too slow for
//! Discord does not make the person see a failure before there is one.

use super::asked::{self, Asked};
use super::{Discord, commands, lock, people, render};
use crate::chat::heard::{Deed, Heard, Said, Voice};
use crate::engine::Failure;
use crate::hear::Ear;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Discord waits three seconds; the way there and back takes some of them.
const KEEP_WITHIN: Duration = Duration::from_millis(2000);
/// How long an answer after HTTP waits for the response to have arrived.
const HTTP_GRACE: Duration = Duration::from_millis(100);

/// What Discord gets first.
pub(super) enum First {
    /// The body of a callback.
    Body(Value),
    /// It could not be kept: HTTP 503, or these words.
    Unavailable,
}

/// For whoever waits until Discord has got the first answer.
pub(super) struct Waiting {
    id: String,
    done: watch::Sender<bool>,
}

/// What is said of an act that could not be kept.
const NOT_KEPT: &str =
    "firebell cannot store this right now, so nothing was done. Try again in a moment.";

impl Discord {
    /// An interaction from the gateway: answered by a call.
    pub(super) async fn interaction(self: &Arc<Self>, it: Value) {
        let Some(ear) = self.ear.get().cloned() else {
            return;
        };
        let (id, token) = (
            super::inbound::text(&it, "id"),
            super::inbound::text(&it, "token"),
        );
        let waiting = self.wait_for(&id);
        let body = match self.respond(&ear, &it).await {
            First::Body(body) => body,
            First::Unavailable => sentence(NOT_KEPT),
        };
        let path = format!("/interactions/{id}/{token}/callback");
        match self.rest.post(&path, &body).await {
            // Acknowledged before: the gateway told of it twice.
            Err(refused) if refused.code != 40060 => {
                tracing::warn!(platform = self.name(), fault = %refused.fault, "Discord did not take the first answer to somebody");
            }
            _ => {}
        }
        self.answered(&waiting);
    }

    /// An interaction by HTTP: the body of the response; `None`: 503.
    pub(super) async fn posted(self: &Arc<Self>, it: &Value) -> Option<Value> {
        let ear = self.ear.get().cloned()?;
        let waiting = self.wait_for(&super::inbound::text(it, "id"));
        let first = self.respond(&ear, it).await;
        let own = self.clone();
        crate::engine::spawn(async move {
            tokio::time::sleep(HTTP_GRACE).await;
            own.answered(&waiting);
        });
        match first {
            First::Body(body) => Some(body),
            First::Unavailable => None,
        }
    }

    fn wait_for(&self, id: &str) -> Waiting {
        let (done, wait) = watch::channel(false);
        lock(&self.unanswered).insert(id.to_owned(), wait);
        Waiting {
            id: id.to_owned(),
            done,
        }
    }

    fn answered(&self, waiting: &Waiting) {
        // Nobody may be waiting.
        let _ = waiting.done.send(true);
        lock(&self.unanswered).remove(&waiting.id);
    }

    async fn respond(self: &Arc<Self>, ear: &Ear, it: &Value) -> First {
        let here = self.here(it["channel_id"].as_str().unwrap_or_default(), false);
        let body = match asked::read(it, &here) {
            Asked::Ping => json!({"type": 1}),
            Asked::Refused(_) if it["type"] == 4 => json!({"type": 8, "data": {"choices": []}}),
            Asked::Refused(why) => sentence(why),
            Asked::Unknown(kind) => {
                self.unheard(&kind);
                sentence("firebell does not understand this, so nothing was done.")
            }
            Asked::Complete {
                heard,
                option,
                part,
            } => {
                let found = ear.complete(&heard, &option, &part).await;
                json!({"type": 8, "data": render::choices(&found, option == "incident")})
            }
            Asked::Act(heard) => {
                if it["member"]["user"].is_object() {
                    self.people
                        .learn(people::profile(&it["member"], self.engine.now()));
                }
                return self.act(ear, *heard).await;
            }
        };
        First::Body(body)
    }

    async fn act(self: &Arc<Self>, ear: &Ear, heard: Heard) -> First {
        let faults = ear.faults(&heard);
        if !faults.is_empty() {
            let told: Vec<String> = faults.into_iter().map(|(_, why)| why).collect();
            return First::Body(sentence(&told.join("\n")));
        }
        if let Some(form) = ear.form(&heard).await {
            let key = self.engine.button_key();
            if let Some(token) = form.token(&key, self.name(), &heard.by.id) {
                return First::Body(
                    json!({"type": 9, "data": render::modal(&form, &token, self.fields())}),
                );
            }
        }
        let body = acknowledged(&heard);
        let kept = self.keep_act(ear.clone(), heard);
        match tokio::time::timeout(KEEP_WITHIN, kept).await {
            Ok(Ok(())) | Err(_) => First::Body(body),
            Ok(Err(failure)) => {
                tracing::warn!(platform = self.name(), %failure, "an act could not be kept");
                First::Unavailable
            }
        }
    }

    /// Keeps an act, in a task of its own: Discord's patience ends it no more than the person's.
    async fn keep_act(self: &Arc<Self>, ear: Ear, heard: Heard) -> Result<(), Failure> {
        let (told, wait) = tokio::sync::oneshot::channel();
        let own = self.clone();
        crate::engine::spawn(async move {
            let kept = ear.take(heard.clone()).await;
            let failed = kept.is_err();
            // Nobody waits any more: it was acknowledged, and the person hears of it this way.
            if told.send(kept.map(drop)).is_err() && failed {
                let said = Said {
                    text: NOT_KEPT.to_owned(),
                    ..Said::default()
                };
                if let Err(fault) = own.answer(&heard, &said).await {
                    tracing::warn!(platform = own.name(), %fault, "somebody could not be told that nothing was done");
                }
            }
        });
        wait.await
            .unwrap_or_else(|_| Err(Failure::Unavailable("firebell is stopping".to_owned())))
    }
}

/// The first answer to an act that was kept.
fn acknowledged(heard: &Heard) -> Value {
    match &heard.deed {
        // The message stays as it is; the answer follows.
        Deed::Press { .. } => json!({"type": 6}),
        // Nothing follows when all goes well.
        Deed::Kept { .. } => sentence(&format!("“{}”: it goes on the timeline.", commands::KEEP)),
        _ => json!({"type": 5, "data": {"flags": render::EPHEMERAL}}),
    }
}

/// A sentence for the asker's eyes.
fn sentence(words: &str) -> Value {
    json!({
        "type": 4,
        "data": {
            "content": super::text::said(words, 2000),
            "flags": render::EPHEMERAL,
            "allowed_mentions": render::nobody(),
        },
    })
}
