//! From a payload to its acknowledgement, the same for sockets and signed requests.
//!
//! An act is in the database before Slack gets its answer; a form opens at once, because the
//! trigger that opens it lives three seconds; whatever takes longer happens afterwards.

use super::Slack;
use super::inbound::{self, Context, News, Reading};
use crate::chat::form::Form;
use crate::chat::heard::{Deed, Heard, Said};
use crate::hear::Ear;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// What Slack is told.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    /// It is taken; with what the acknowledgement says.
    Taken(Option<Value>),
    /// It could not be kept: Slack or the person must do it again.
    Busy(String),
}

impl Slack {
    /// Hears one payload.
    pub(super) async fn hear(self: &Arc<Slack>, ear: &Ear, payload: &Value) -> Verdict {
        let own = match self.myself().await {
            Ok(own) => own,
            Err(failed) => return Verdict::Busy(failed.fault.why),
        };
        if payload["event"].is_object() || payload["message"].is_object() {
            self.learn_names(inbound::people(payload)).await;
        }
        let context = Context {
            platform: self.name(),
            own: &own,
            aliases: &self.settings.place.aliases,
            keep: &self.settings.place.keep_reactions,
            now: self.engine.now(),
            name: &|id| self.known_name(id),
            person: &|id| self.engine.person_of(self.name(), id),
        };
        match inbound::read(payload, &context) {
            Reading::Heard(mut heard) => {
                self.place_of_thread(&mut heard).await;
                self.take(ear, *heard).await
            }
            Reading::News(news) => {
                self.learn(news);
                Verdict::Taken(None)
            }
            Reading::Ignored(why) => {
                tracing::trace!(platform = self.name(), why, "a payload was ignored");
                Verdict::Taken(None)
            }
            Reading::Unknown(kind) => {
                tracing::info!(platform = self.name(), kind, "a payload of an unknown kind");
                self.engine.metrics().unheard(self.name(), &kind);
                Verdict::Taken(None)
            }
        }
    }

    /// What happens in a thread that is the room of an incident happens in that room.
    async fn place_of_thread(&self, heard: &mut Heard) {
        let Some(thread) = heard.reply_to.get("thread") else {
            return;
        };
        let room = format!("{}:{thread}", heard.room);
        let store = self.engine.store();
        let found = store.incident_of_room(self.name(), &room).await;
        if !matches!(found, Ok(Some(_))) {
            return;
        }
        if let Deed::Said { answers, .. } = &mut heard.deed {
            // The card above it is what everything there answers.
            answers.clear();
        }
        heard.room = room;
    }

    fn learn(&self, news: News) {
        match news {
            News::Channel(id) => {
                self.rooms.forget(&id);
                self.people.forget_channel(&id);
            }
            News::TokenGone(why) => self.refuse(why),
        }
    }

    async fn take(self: &Arc<Slack>, ear: &Ear, heard: Heard) -> Verdict {
        if matches!(heard.deed, Deed::Submit { .. }) {
            let faults = ear.faults(&heard);
            if !faults.is_empty() {
                return Verdict::Taken(Some(refusal(faults)));
            }
        } else if heard.reply_to.contains_key("trigger")
            && let Some(form) = ear.form(&heard).await
        {
            let slack = Arc::clone(self);
            crate::engine::spawn(async move { slack.show_form(heard, form).await });
            return Verdict::Taken(None);
        }
        match ear.take(heard).await {
            Ok(_) => Verdict::Taken(None),
            Err(failure) => Verdict::Busy(failure.to_string()),
        }
    }

    async fn show_form(&self, heard: Heard, form: Form) {
        let Err(failed) = self.open_form(&heard, &form).await else {
            return;
        };
        let why = &failed.fault.why;
        tracing::warn!(platform = self.name(), why, "a form could not be opened");
        let said = Said {
            text: format!(
                "The form could not be opened ({why}). Press again, or write `/firebell {} …` with its words.",
                form.verb
            ),
            ..Said::default()
        };
        if let Err(failed) = self.reply(&heard, &said).await {
            let why = failed.fault.why;
            tracing::warn!(
                platform = self.name(),
                why,
                "somebody could not be answered"
            );
        }
    }
}

/// What is wrong, by field; the form stays open.
fn refusal(faults: Vec<(String, String)>) -> Value {
    let mut errors = Map::new();
    for (field, what) in faults {
        // Slack shows one sentence per field.
        errors.entry(field).or_insert(Value::String(what));
    }
    json!({"response_action": "errors", "errors": errors})
}
