//! What comes back to a person: the first answer, what it became, what followed, a form to fill in.

use super::interactions::FIRST_ANSWER_MS;
use super::model::{Id, Initial, Interaction, list, text};
use super::posted::Posted;
use super::{DiscordWorld, PATIENCE};
use serde_json::Value;
use std::time::Duration;

/// An interaction a person began.
#[derive(Clone)]
pub struct Asked {
    world: DiscordWorld,
    id: Id,
}

/// A form on somebody's screen.
#[derive(Clone, Debug)]
pub struct Modal {
    /// The interaction it answered.
    pub asked: Id,
    pub title: String,
    pub data: Value,
}

/// The fields of a form: their labels and the inputs.
pub fn fields(data: &Value) -> Vec<(String, &Value)> {
    let rows = list(&data["components"]).iter();
    rows.map(|row| {
        if row["type"] == 18 {
            (text(&row["label"]), &row["component"])
        } else {
            let input = &row["components"][0];
            (text(&input["label"]), input)
        }
    })
    .collect()
}

impl Asked {
    pub fn new(world: &DiscordWorld, id: Id) -> Asked {
        Asked {
            world: world.clone(),
            id,
        }
    }

    pub fn id(&self) -> Id {
        self.id
    }

    pub(super) fn world(&self) -> &DiscordWorld {
        &self.world
    }

    fn look<T>(&self, look: impl FnOnce(&Interaction) -> T) -> T {
        self.world
            .shared
            .look(|state| look(&state.interactions[&self.id]))
    }

    pub fn token(&self) -> String {
        self.look(|asked| asked.token.clone())
    }

    /// What was sent to the bot.
    pub fn payload(&self) -> Value {
        self.look(|asked| asked.payload.clone())
    }

    /// The first answer; fails as Discord does, after three seconds.
    pub async fn initial(&self) -> Initial {
        let patience = Duration::from_millis(FIRST_ANSWER_MS as u64 + 500);
        let what = format!(
            "answer to interaction {}: the application did not respond",
            self.id
        );
        let answer = self.world.expect_within(patience, &what, |_| {
            self.look(|asked| {
                asked
                    .initial
                    .clone()
                    .map(Ok)
                    .or(asked.refused.clone().map(Err))
            })
        });
        answer
            .await
            .unwrap_or_else(|why| panic!("interaction {}: {why}", self.id))
    }

    /// The answer in words: the first, or what a deferred one became, or the first that followed.
    pub async fn reply(&self) -> Posted {
        self.reply_within(PATIENCE).await
    }

    pub async fn reply_within(&self, patience: Duration) -> Posted {
        let initial = self.initial().await;
        assert!(
            matches!(initial.kind, 4..=7),
            "answered with {}: {}",
            initial.kind,
            initial.data
        );
        let ready = |world: &DiscordWorld| {
            world.shared.look(|state| {
                let asked = &state.interactions[&self.id];
                let original = asked.original.map(|id| &state.messages[&id]);
                let edited = |at: Option<i64>| at.is_some_and(|at| at >= initial.at_ms);
                let told = original.filter(|m| match initial.kind {
                    5 => m.flags & 128 == 0,
                    6 => edited(m.edited_ms),
                    _ => true,
                });
                told.map(|m| m.id).or(asked.followups.first().copied())
            })
        };
        let what = format!("words for interaction {}", self.id);
        let id = self.world.expect_within(patience, &what, ready).await;
        Posted::new(&self.world, id)
    }

    /// The `n`th message that followed the first answer, from 0.
    pub async fn followup(&self, n: usize) -> Posted {
        let what = format!("followup {n} of interaction {}", self.id);
        let found = self.world.expect(&what, |_| {
            self.look(|asked| asked.followups.get(n).copied())
        });
        Posted::new(&self.world, found.await)
    }

    /// What an option offers: name and value.
    pub async fn choices(&self) -> Vec<(String, String)> {
        let initial = self.initial().await;
        assert_eq!(initial.kind, 8, "no choices: {}", initial.data);
        let plain = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
        let choices = list(&initial.data["choices"]).iter();
        choices
            .map(|c| (text(&c["name"]), plain(&c["value"])))
            .collect()
    }

    /// The form that opens.
    pub async fn modal(&self) -> Modal {
        let initial = self.initial().await;
        assert_eq!(initial.kind, 9, "no form: {}", initial.data);
        Modal {
            asked: self.id,
            title: text(&initial.data["title"]),
            data: initial.data,
        }
    }

    /// Fails when anything answered; looks for three seconds.
    pub async fn goes_unanswered(&self) {
        super::pause(Duration::from_millis(FIRST_ANSWER_MS as u64 + 100)).await;
        let initial = self.look(|asked| asked.initial.clone());
        assert!(initial.is_none(), "somebody answered: {initial:?}");
    }

    /// Why the answer over HTTP did not count, once it is known.
    pub async fn refused(&self) -> String {
        let what = format!("refusal of interaction {}", self.id);
        self.world
            .expect(&what, |_| self.look(|asked| asked.refused.clone()))
            .await
    }

    /// Brings it to the bot: by the gateway, or signed to the endpoint.
    pub fn deliver(&self) {
        let endpoint = self.world.shared.look(|state| state.endpoint.clone());
        if let Some(url) = endpoint {
            self.post(url);
            return;
        }
        self.world.shared.with(|state| {
            let payload = state.interactions[&self.id].payload.clone();
            state.publish("INTERACTION_CREATE", 0, &payload);
        });
    }
}

impl Modal {
    /// What the fields are called.
    pub fn labels(&self) -> Vec<String> {
        fields(&self.data)
            .into_iter()
            .map(|(label, _)| label)
            .collect()
    }
}
