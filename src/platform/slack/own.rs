//! How the workspace stands: who firebell is in it, whether its token and its line are well.
//!
//! The link is up when both are. A refused token is looked at again every half minute and not more
//! often; a good call in between clears it.

use super::{Slack, scopes};
use crate::config::chat::Slack as Settings;
use serde_json::Value;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// From one look at a token that works to the next; what was granted may have changed.
const LOOK: Duration = Duration::from_secs(300);
/// The same for one that does not.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// The shortest wait after a failed look.
const FIRST: Duration = Duration::from_millis(250);

/// Who firebell is in the workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Own {
    /// The workspace's id.
    pub team: String,
    /// The bot's user id.
    pub user: String,
    /// Its id as a bot.
    pub bot: String,
    /// The app's id, when Slack tells it.
    pub app: String,
}

/// What keeps the link down; `None` twice: nothing.
pub(super) struct Standing {
    /// The token.
    pub token: Option<String>,
    /// The way requests come.
    pub line: Option<String>,
}

impl Standing {
    pub(super) fn new(settings: &Settings) -> Standing {
        let socket = settings.app_token.is_some();
        Standing {
            token: Some("not connected yet".to_owned()),
            line: socket.then(|| "the socket is not open yet".to_owned()),
        }
    }
}

impl Slack {
    /// Changes how it stands and tells the link.
    pub(super) fn stands(&self, change: impl FnOnce(&mut Standing)) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut standing);
        let why = standing.token.as_ref().or(standing.line.as_ref()).cloned();
        drop(standing);
        match why {
            None => self.link.up(self.engine.now()),
            Some(why) => self.link.down(&why, self.engine.now()),
        }
    }

    /// The token is refused.
    pub(super) fn refuse(&self, why: &str) {
        let why =
            format!("{why}; install the app again and put the new token in the configuration");
        self.stands(|s| s.token = Some(why));
        self.nudge.notify_one();
    }

    /// Who firebell is here, when it is known already.
    pub(super) fn own(&self) -> Option<Own> {
        let own = self.own.read().unwrap_or_else(PoisonError::into_inner);
        own.clone()
    }

    /// Who firebell is here, asked when it is not known.
    pub(super) async fn myself(&self) -> Result<Own, super::api::Failed> {
        match self.own() {
            Some(own) => Ok(own),
            None => self.look().await,
        }
    }

    /// Asks who the token is and what it may do.
    pub(super) async fn look(&self) -> Result<Own, super::api::Failed> {
        let (answer, granted) = self.whoami().await?;
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        let mut own = Own {
            team: text("team_id"),
            user: text("user_id"),
            bot: text("bot_id"),
            app: text("app_id"),
        };
        if own.app.is_empty() {
            own.app = match self.own() {
                Some(known) => known.app,
                None => self.app_of(&own.bot).await,
            };
        }
        // Slack names the scopes in a header of every answer; a proxy that drops it is no reason
        // to call all of them missing.
        if !granted.is_empty() {
            let missing = scopes::missing(&granted);
            let known = self.link.state().missing;
            for sentence in missing.iter().filter(|m| !known.contains(m)) {
                tracing::warn!(platform = self.name(), "{sentence}");
            }
            self.link.lacks(missing);
        }
        let mut known = self.own.write().unwrap_or_else(PoisonError::into_inner);
        *known = Some(own.clone());
        drop(known);
        self.stands(|s| s.token = None);
        Ok(own)
    }

    /// The app a bot belongs to; empty where Slack does not tell, and then it is not checked.
    async fn app_of(&self, bot: &str) -> String {
        let answer = self.read("bots.info", &[("bot", bot.to_owned())]).await;
        let answer = answer.unwrap_or(Value::Null);
        answer["bot"]["app_id"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// One look, for `firebell doctor`: who it is, whether a socket would open, and the first thing
    /// to do when something is missing.
    ///
    /// # Errors
    /// What is wrong and what to do about it.
    pub async fn examine(&self) -> Result<String, String> {
        let own = self.look().await.map_err(|failed| {
            format!(
                "{}; check bot-token and, behind a proxy, `proxy` and `extra-ca`",
                failed.fault.why
            )
        })?;
        if let Some(token) = self.app_token() {
            let method = "apps.connections.open";
            let nothing = serde_json::json!({});
            let asked = self.net.post(token, method, &nothing);
            let sent = tokio::time::timeout(self.net.timeout, asked).await;
            let sent = sent.map_err(|_| "Slack did not answer in time".to_owned())?;
            super::api::outcome(method, sent).map_err(|failed| {
                format!(
                    "the bot token works, and Socket Mode does not: {}; check app-token and its scope connections:write, and that Socket Mode is on in the app",
                    failed.fault.why
                )
            })?;
        }
        let missing = self.link.state().missing;
        if let Some(first) = missing.first() {
            return Err(format!(
                "{first}{}. Put the manifest of `firebell generate slack` into the app and install it again",
                match missing.len() {
                    1 => String::new(),
                    n => format!(" (and {} more)", n - 1),
                }
            ));
        }
        Ok(format!("workspace {} as {}", own.team, own.user))
    }

    /// Looks after the token for ever: who it is, what it may do, when it is to be exchanged.
    pub(super) async fn keep(self: Arc<Slack>) {
        let mut wait = FIRST;
        loop {
            let due = self.token.due();
            if due.is_some_and(|at| at <= self.engine.now())
                && let Err(why) = self.rotate(&self.token.current()).await
            {
                tracing::warn!(platform = self.name(), "{why}");
            }
            match self.look().await {
                Ok(_) => wait = FIRST,
                Err(failed) => {
                    let why = failed.fault.why.clone();
                    if !failed.refused() {
                        self.stands(|s| s.token = Some(why.clone()));
                    }
                    tracing::warn!(platform = self.name(), "{why}");
                    wait = (wait * 2).min(LOOK_AGAIN);
                    if failed.refused() {
                        wait = LOOK_AGAIN;
                    }
                }
            }
            let well = wait == FIRST;
            tokio::select! {
                () = tokio::time::sleep(if well { self.until_due() } else { wait }) => {}
                () = self.nudge.notified(), if well => {
                    // A refused token is asked about once more and then in its own time.
                    tokio::time::sleep(FIRST).await;
                }
            }
        }
    }

    fn until_due(&self) -> Duration {
        let due = self.token.due().map(|at| at.since_ms(self.engine.now()));
        match due {
            None => LOOK,
            // It could not be exchanged and still works.
            Some(..=0) => LOOK_AGAIN,
            Some(ms) => LOOK.min(Duration::from_millis(ms.unsigned_abs())),
        }
    }
}
