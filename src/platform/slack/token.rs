//! The bot token, and its rotation where that is switched on for the app.
//!
//! A refresh token is good once, so the newest one is in the database before the access token that
//! came with it is used, and the one of the configuration is only the first. Many calls may find
//! the token expired at once: one rotates, the others wait for it and take what it brought.

use super::Slack;
use crate::config::chat::{Rotation, Slack as Settings};
use crate::core::time::Time;
use crate::store::ChangeSet;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::sync::{Mutex, PoisonError};

/// A token is exchanged when a quarter of its life is left.
const LEFT: i64 = 4;

/// The token in force.
pub(super) struct Token {
    now: Mutex<(SecretString, Option<Time>)>,
    rotation: Option<Rotation>,
    /// The newest refresh token, once it is known. Held while it is exchanged.
    refresh: tokio::sync::Mutex<Option<SecretString>>,
}

impl Token {
    pub(super) fn new(settings: &Settings) -> Token {
        // Whoever rotates does not know when the configured one ends, so it is exchanged at once.
        let due = settings.rotation.is_some().then_some(Time(0));
        Token {
            now: Mutex::new((settings.bot_token.clone(), due)),
            rotation: settings.rotation.clone(),
            refresh: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn current(&self) -> SecretString {
        self.lock().0.clone()
    }

    /// When it is to be exchanged; `None`: never.
    pub(super) fn due(&self) -> Option<Time> {
        self.lock().1
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (SecretString, Option<Time>)> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slack {
    /// Exchanges the token, unless that has been done since `seen` was read.
    ///
    /// # Errors
    /// In words, without secrets: rotation is off, or Slack refused.
    pub(super) async fn rotate(&self, seen: &SecretString) -> Result<(), String> {
        let Some(rotation) = &self.token.rotation else {
            return Err("token rotation is not configured".to_owned());
        };
        let mut newest = self.token.refresh.lock().await;
        if self.token.current().expose_secret() != seen.expose_secret() {
            return Ok(());
        }
        let mut tries = Vec::new();
        if let Some(known) = newest.clone().or(self.kept_refresh().await?) {
            tries.push(known);
        }
        // The app may have been installed anew: then what was kept is dead, and this one is alive.
        tries.push(rotation.refresh_token.clone());
        let mut why = String::new();
        for refresh in tries {
            match self.exchange(rotation, &refresh).await {
                Ok(answer) => {
                    let next = text(&answer, "refresh_token");
                    *newest = Some(next.clone());
                    self.keep_refresh(&next).await;
                    let life_ms = answer["expires_in"].as_i64().unwrap_or(43_200) * 1000;
                    let due = self.engine.now().plus_ms(life_ms - life_ms / LEFT);
                    *self.token.lock() = (text(&answer, "access_token"), Some(due));
                    tracing::info!(platform = self.name(), "the bot token was rotated");
                    return Ok(());
                }
                Err(refused) => why = refused,
            }
        }
        Err(why)
    }

    fn key(&self) -> String {
        format!("slack:{}:refresh", self.name())
    }

    async fn kept_refresh(&self) -> Result<Option<SecretString>, String> {
        let kept = self.engine.store().key(&self.key()).await;
        Ok(kept.map_err(|e| e.to_string())?.map(SecretString::from))
    }

    async fn keep_refresh(&self, token: &SecretString) {
        let changes = ChangeSet {
            keys: vec![(self.key(), token.expose_secret().to_owned())],
            ..ChangeSet::default()
        };
        if let Err(failure) = self.engine.write(changes).await {
            tracing::error!(
                platform = self.name(), %failure,
                "the new refresh token could not be kept: after a restart the app must be installed again"
            );
        }
    }

    async fn exchange(&self, rotation: &Rotation, refresh: &SecretString) -> Result<Value, String> {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.expose_secret()),
            ("client_id", &rotation.client_id),
            ("client_secret", rotation.client_secret.expose_secret()),
        ];
        let url = format!("{}/oauth.v2.access", self.net.api_url);
        let mut body = reqwest::Url::parse("http://form/").map_err(|e| e.to_string())?;
        body.query_pairs_mut().extend_pairs(form);
        let request = self
            .net
            .http
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.query().unwrap_or_default().to_owned());
        let unclear = || "Slack did not answer the token rotation".to_owned();
        let answer = request.send().await.map_err(|_| unclear())?;
        let answer: Value = answer.json().await.map_err(|_| unclear())?;
        if answer["ok"] == true && answer["access_token"].is_string() {
            return Ok(answer);
        }
        let code = answer["error"].as_str().unwrap_or("no reason given");
        Err(format!("Slack refused to rotate the bot token ({code})"))
    }
}

fn text(answer: &Value, name: &str) -> SecretString {
    SecretString::from(answer[name].as_str().unwrap_or_default().to_owned())
}
