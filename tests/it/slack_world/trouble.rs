//! What a test does to the lines between the workspace and the app.

use super::SlackWorld;
use super::outbound::{COMMANDS, EVENTS, Outcome};
use super::signed::{form_of, request};
use super::sockets::{Order, disconnect};
use super::state::{RequestUrls, Sent};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

impl SlackWorld {
    /// Tells every socket to go: `warning`, `refresh_requested` or `link_disabled`. Slack closes them
    /// itself a little later; here the app is to do it.
    pub fn disconnects(&self, reason: &str) {
        let leaving = reason != "warning";
        self.tells_sockets(leaving, || Order::Envelope(disconnect(reason)));
    }

    /// Closes every socket with a close frame of this code.
    pub fn closes_sockets(&self, code: u16) {
        self.tells_sockets(true, || Order::Close(code));
    }

    /// Ends every socket's connection without a word.
    pub fn drops_sockets(&self) {
        self.tells_sockets(true, || Order::Drop);
    }

    /// Every socket stays open and says nothing any more, not even a ping.
    pub fn freezes_sockets(&self) {
        self.tells_sockets(true, || Order::Freeze);
    }

    fn tells_sockets(&self, leaving: bool, order: impl Fn() -> Order) {
        self.core.change(|state| {
            for socket in &mut state.sockets.open {
                // a connection that is just ending needs no order
                let _ = socket.orders.send(order());
                socket.leaving |= leaving;
            }
        });
    }

    /// How many sockets are open.
    pub fn sockets(&self) -> usize {
        self.core.look(|s| s.sockets.open.len())
    }

    /// Every connection ends, and new ones are turned away.
    pub fn goes_down(&self) {
        self.core.refusing.store(true, Ordering::SeqCst);
        self.core.cut.send_replace(());
    }

    pub fn comes_back(&self) {
        self.core.refusing.store(false, Ordering::SeqCst);
    }

    /// Every call with the bot's tokens of this workspace is refused: `invalid_auth`,
    /// `token_revoked`, `account_inactive`. `None` lets them in again.
    pub fn refuses_tokens(&self, error: Option<&str>) {
        self.core.change(|state| {
            let own = state.tokens.all.values_mut();
            for token in own.filter(|t| t.team == self.team && !t.app_level) {
                token.refused = error.map(str::to_owned);
            }
        });
    }

    /// Tokens run out from now on: a refresh token, and the client's id and secret to use it with.
    pub fn rotates_tokens(&self) -> (String, String, String) {
        self.core.change(|state| {
            let end = state.clock.secs() + state.tune.token_life.as_secs();
            let own = state.tokens.all.values_mut();
            for token in own.filter(|t| t.team == self.team && !t.app_level) {
                token.expires = Some(end);
            }
            let refresh = state.issue_refresh(&self.team);
            let (id, secret) = (&state.tokens.client_id, &state.tokens.client_secret);
            (refresh, id.clone(), secret.clone())
        })
    }

    /// A code as the installation page hands it to the redirect address.
    pub fn authorises(&self) -> String {
        self.core.change(|state| {
            let code = format!("code.{:016x}", fastrand::u64(..));
            state.tokens.codes.insert(code.clone(), self.team.clone());
            code
        })
    }

    /// Seconds since 1970 as the workspace has them.
    pub fn look_at_the_clock(&self) -> u64 {
        self.core.look(|s| s.clock.secs())
    }

    /// From now on requests are posted instead of sent over sockets.
    pub fn speaks_http(&self, urls: RequestUrls) {
        self.core.change(|s| s.urls = Some(urls));
    }

    /// What Slack does when a request URL is entered: a challenge that has to come back.
    pub async fn verifies_url(&self) -> Result<(), String> {
        let challenge = format!("{:032x}", fastrand::u128(..));
        let body = json!({"token": "verification-token", "challenge": challenge, "type": "url_verification"});
        let url = self.urls().events;
        let posted = self.core.sign(&url, &body.to_string(), false);
        let outcome = self.core.post(&posted).await.outcome;
        let came = match &outcome.body {
            Some(Value::String(text)) => text.clone(),
            Some(body) => body["challenge"].as_str().unwrap_or("").to_owned(),
            None => String::new(),
        };
        if outcome.acked && came == challenge {
            return Ok(());
        }
        Err(format!("the challenge did not come back: {outcome:?}"))
    }

    fn urls(&self) -> RequestUrls {
        let urls = self.core.look(|s| s.urls.clone());
        urls.expect("speaks_http says where to")
    }

    /// Posts something again that was sent, signed with another secret or for another time. The
    /// status that came back, 0 for none.
    pub async fn posts_forged(&self, sent: &Sent, secret: Option<&str>, secs_ago: u64) -> u16 {
        let form = sent.kind != EVENTS;
        let (own, now) = self
            .core
            .look(|s| (s.signing_secret.clone(), s.clock.secs()));
        let urls = self.urls();
        let (url, body) = match sent.kind {
            EVENTS => (urls.events, sent.payload.to_string()),
            COMMANDS => (urls.commands, form_of(&sent.payload)),
            _ => {
                let field = json!({"payload": sent.payload.to_string()});
                (urls.interactivity, form_of(&field))
            }
        };
        let secret = secret.unwrap_or(&own);
        let posted = request(&url, &body, form, secret, now - secs_ago);
        self.core.post(&posted).await.status
    }

    /// Sends the same again: byte by byte over HTTP, as a new envelope over a socket.
    pub async fn replays(&self, sent: &Sent) -> Outcome {
        match &sent.http {
            Some(posted) => self.core.post(posted).await.outcome,
            None => self.core.deliver(sent.kind, sent.payload.clone()).await,
        }
    }

    /// Keeps events back.
    pub fn holds_events(&self) {
        self.core.change(|s| s.holding = true);
    }

    /// Lets the events go.
    pub fn lets_events_go(&self, order: Sequence) {
        self.core.change(|state| {
            state.holding = false;
            if order == Sequence::LatestFirst {
                state.events.reverse();
            }
        });
        self.core.flush();
    }
}

/// In which order events that were kept back are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sequence {
    AsTheyHappened,
    LatestFirst,
}
