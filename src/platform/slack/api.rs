//! Calls of the Web API, and what a failed one means.
//!
//! Every call has a time limit, and every failure one of the port's four meanings. What Slack did
//! not answer clearly may have been done, so it is [`Retry::Backoff`]; what it refused was not done.

use super::Slack;
use crate::chat::{Fault, Retry};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use slack_morphism::errors::SlackClientError;
use std::time::Duration;

/// A wait where Slack says "too often" and not for how long, milliseconds.
const UNSAID_WAIT_MS: i64 = 5000;

/// The token is refused: calling on would change nothing.
const REFUSED: [&str; 5] = [
    "invalid_auth",
    "token_revoked",
    "account_inactive",
    "not_authed",
    "token_expired",
];
/// Slack is not well, or was interrupted.
const UNWELL: [&str; 7] = [
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "team_added_to_org",
    "accesslimited",
    "external_channel_migrating",
];
/// The channel is closed to us for good.
const GONE: [&str; 4] = [
    "is_archived",
    "channel_not_found",
    "not_in_channel",
    "is_inactive",
];

/// A call that did not succeed.
#[derive(Clone, Debug)]
pub(super) struct Failed {
    /// Slack's word for it; empty: it did not come to an answer.
    pub code: String,
    /// The answer, as far as there was one.
    pub body: Value,
    /// What the port is told.
    pub fault: Fault,
}

impl From<Failed> for Fault {
    fn from(failed: Failed) -> Fault {
        failed.fault
    }
}

impl Failed {
    /// A failure of ours, in words.
    pub(super) fn own(why: impl Into<String>, retry: Retry) -> Failed {
        Failed {
            code: String::new(),
            body: Value::Null,
            fault: Fault {
                why: why.into(),
                retry,
            },
        }
    }

    /// It ended without a clear answer.
    pub(super) fn unclear(method: &str, why: &str) -> Failed {
        Failed::own(format!("Slack's {method}: {why}"), Retry::Backoff)
    }

    /// Slack answered with this error.
    pub(super) fn said(method: &str, code: &str, body: Value) -> Failed {
        let needed = body["needed"].as_str().unwrap_or("another scope");
        let why = match code {
            "missing_scope" => format!(
                "Slack's {method} needs the scope {needed}, which was not granted; add it to the app and install it again"
            ),
            code if REFUSED.contains(&code) => format!("Slack refuses the bot token ({code})"),
            "is_archived" => "the channel is archived".to_owned(),
            "channel_not_found" => {
                "the channel is gone, or private and firebell is not in it".to_owned()
            }
            "not_in_channel" => "firebell is not in the channel and cannot join it".to_owned(),
            code => format!("Slack's {method}: {code}"),
        };
        let retry = match code {
            "ratelimited" | "rate_limited" | "message_limit_exceeded" => {
                Retry::AfterMs(UNSAID_WAIT_MS)
            }
            code if REFUSED.contains(&code) || UNWELL.contains(&code) => Retry::Backoff,
            code if GONE.contains(&code) => Retry::Gone,
            _ => Retry::Never,
        };
        Failed {
            code: code.to_owned(),
            body,
            fault: Fault { why, retry },
        }
    }

    /// Not before this much later.
    fn limited(method: &str, wait: Option<Duration>) -> Failed {
        let ms = wait.map_or(UNSAID_WAIT_MS, |w| {
            i64::try_from(w.as_millis()).unwrap_or(UNSAID_WAIT_MS)
        });
        Failed {
            code: "ratelimited".to_owned(),
            body: Value::Null,
            fault: Fault {
                why: format!("Slack asked to wait {} s before {method}", ms / 1000),
                retry: Retry::AfterMs(ms),
            },
        }
    }

    /// The token is refused.
    pub(super) fn refused(&self) -> bool {
        REFUSED.contains(&self.code.as_str())
    }

    /// How long the channel is to be left alone.
    pub(super) fn wait(&self) -> Option<Duration> {
        match self.fault.retry {
            Retry::AfterMs(ms) => Some(Duration::from_millis(u64::try_from(ms).unwrap_or(0))),
            _ => None,
        }
    }
}

/// How a method takes its arguments.
#[derive(Clone, Copy)]
enum Way<'a> {
    Post(&'a Value),
    Get(&'a [(&'a str, String)]),
}

impl Way<'_> {
    /// Whether it is as good after a wait: what is read, and a message to one person. What is drawn into a
    /// channel is not.
    fn patient(self) -> bool {
        match self {
            Way::Post(body) => body["channel"]
                .as_str()
                .is_some_and(|c| c.starts_with(['D', 'U', 'W'])),
            Way::Get(_) => true,
        }
    }

    /// What its trouble may be by itself: the method with its channel.
    fn place(self, method: &str) -> String {
        let channel = match self {
            Way::Post(body) => body["channel"].as_str(),
            Way::Get(params) => params
                .iter()
                .find(|(name, _)| *name == "channel")
                .map(|(_, channel)| channel.as_str()),
        };
        format!("{method} {}", channel.unwrap_or_default())
    }
}

/// What came of a call that ended in time.
pub(super) fn outcome(
    method: &str,
    sent: Result<Value, SlackClientError>,
) -> Result<Value, Failed> {
    match sent {
        Ok(body) if body["ok"] == true => Ok(body),
        // Slack answers JSON; a page of something in between says nothing of what was done.
        Ok(_) => Err(Failed::unclear(method, "the answer is not Slack's")),
        Err(SlackClientError::ApiError(e)) => {
            let body = e.http_response_body.as_deref().unwrap_or_default();
            let body = serde_json::from_str(body).unwrap_or(Value::Null);
            Err(Failed::said(method, &e.code, body))
        }
        Err(SlackClientError::RateLimitError(e)) => Err(Failed::limited(method, e.retry_after)),
        Err(SlackClientError::HttpError(e)) => {
            let status = e.status_code.as_u16();
            Err(Failed::unclear(method, &format!("HTTP {status}")))
        }
        Err(SlackClientError::ProtocolError(_)) => {
            Err(Failed::unclear(method, "the answer cannot be read"))
        }
        // Its text may hold addresses and no more than that it failed.
        Err(_) => Err(Failed::unclear(method, "no connection, or it broke")),
    }
}

impl Slack {
    /// Calls a method with JSON.
    pub(super) async fn call(&self, method: &str, body: &Value) -> Result<Value, Failed> {
        self.send(method, Way::Post(body)).await
    }

    /// Reads by a method that takes its arguments from the address.
    pub(super) async fn read(
        &self,
        method: &str,
        params: &[(&str, String)],
    ) -> Result<Value, Failed> {
        self.send(method, Way::Get(params)).await
    }

    async fn send(&self, method: &str, way: Way<'_>) -> Result<Value, Failed> {
        let mut rotated = false;
        // Somebody waits for these, and not for long: they are tried in any case.
        let waited_for = method.starts_with("views.") || method == "chat.postEphemeral";
        if !waited_for && let Err(wait) = self.outage.pass(way.patient()).await {
            let ms = i64::try_from(wait.as_millis()).unwrap_or(UNSAID_WAIT_MS);
            let why = "Slack is away; firebell asks until it is back";
            return Err(Failed::own(why, Retry::AfterMs(ms)));
        }
        loop {
            let token = self.token.current();
            let sent = async {
                match way {
                    Way::Post(body) => self.net.post(&token, method, body).await,
                    Way::Get(params) => self.net.get(&token, method, params).await,
                }
            };
            let failed = match tokio::time::timeout(self.net.timeout, sent).await {
                Err(_) => Failed::unclear(method, "no answer in time"),
                Ok(sent) => match outcome(method, sent) {
                    Ok(body) => {
                        self.outage.answered();
                        self.stands(|s| s.token = None);
                        return Ok(body);
                    }
                    Err(failed) => failed,
                },
            };
            if failed.code.is_empty() && failed.fault.retry == Retry::Backoff {
                self.outage.failed(&way.place(method));
            } else {
                self.outage.answered();
            }
            if failed.code == "token_expired" && !rotated && self.rotate(&token).await.is_ok() {
                rotated = true;
                continue;
            }
            if failed.refused() {
                self.refuse(&failed.fault.why);
            }
            return Err(failed);
        }
    }

    /// Calls a method that is about a channel: joins it when that is all that is missing, and closes
    /// its gate when Slack asks to wait.
    pub(super) async fn call_in(
        &self,
        channel: &str,
        method: &str,
        body: &Value,
    ) -> Result<Value, Failed> {
        let mut done = self.call(method, body).await;
        if matches!(&done, Err(f) if f.code == "not_in_channel") && self.join(channel).await.is_ok()
        {
            done = self.call(method, body).await;
        }
        if let Some(wait) = done.as_ref().err().and_then(Failed::wait) {
            self.gates.close_for(channel, wait);
        }
        done
    }

    /// Comes into a public channel.
    pub(super) async fn join(&self, channel: &str) -> Result<(), Failed> {
        let body = json!({"channel": channel});
        self.call("conversations.join", &body).await.map(drop)
    }

    /// Who the token is, and the scopes it was granted: the answer's header is what is asked for,
    /// and the client of the other calls does not hand it out.
    pub(super) async fn whoami(&self) -> Result<(Value, String), Failed> {
        let method = "auth.test";
        let token = self.token.current();
        let url = format!("{}/{method}", self.net.api_url);
        let request = self.net.http.post(url).bearer_auth(token.expose_secret());
        let answer = request
            .send()
            .await
            .map_err(|_| Failed::unclear(method, "no connection, or no answer in time"))?;
        let status = answer.status().as_u16();
        let header = |name: &str| {
            let value = answer.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        if status == 429 {
            let secs = header("retry-after").and_then(|s| s.parse().ok());
            return Err(Failed::limited(method, secs.map(Duration::from_secs)));
        }
        let scopes = header("x-oauth-scopes").unwrap_or_default();
        let body: Value = answer
            .json()
            .await
            .map_err(|_| Failed::unclear(method, &format!("HTTP {status}")))?;
        if body["ok"] == true {
            return Ok((body, scopes));
        }
        let code = body["error"].as_str().unwrap_or("unknown").to_owned();
        let failed = Failed::said(method, &code, body);
        if failed.refused() {
            self.refuse(&failed.fault.why);
        }
        Err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slack_morphism::errors::{
        SlackClientApiError, SlackClientHttpError, SlackRateLimitError, map_serde_error,
    };

    fn said(code: &str) -> Failed {
        let body = format!(r#"{{"ok":false,"error":"{code}","needed":"pins:write"}}"#);
        let e = SlackClientApiError::new(code.to_owned()).with_http_response_body(body);
        outcome("x.y", Err(SlackClientError::ApiError(e))).unwrap_err()
    }

    #[test]
    fn every_class_of_error_has_its_meaning() {
        for (code, retry) in [
            ("ratelimited", Retry::AfterMs(5000)),
            ("internal_error", Retry::Backoff),
            ("invalid_auth", Retry::Backoff),
            ("token_revoked", Retry::Backoff),
            ("account_inactive", Retry::Backoff),
            ("token_expired", Retry::Backoff),
            ("is_archived", Retry::Gone),
            ("channel_not_found", Retry::Gone),
            ("not_in_channel", Retry::Gone),
            ("missing_scope", Retry::Never),
            ("msg_too_long", Retry::Never),
            ("something_new", Retry::Never),
        ] {
            assert_eq!(said(code).fault.retry, retry, "{code}");
        }
        assert!(said("missing_scope").fault.why.contains("pins:write"));
        assert!(said("token_revoked").refused() && !said("is_archived").refused());
    }

    #[test]
    fn retry_after_is_taken_exactly_and_unclear_answers_may_have_been_carried_out() {
        let limit = SlackRateLimitError::new().with_retry_after(Duration::from_secs(31));
        let limited = outcome("x.y", Err(SlackClientError::RateLimitError(limit))).unwrap_err();
        assert_eq!(limited.fault.retry, Retry::AfterMs(31_000));
        let status = hyper::StatusCode::BAD_GATEWAY;
        let http = SlackClientError::HttpError(SlackClientHttpError::new(status));
        let broken = serde_json::from_str::<Value>("<html>").unwrap_err();
        let broken = map_serde_error(broken, None);
        for unclear in [Err(http), Err(broken), Ok(json!({})), Ok(Value::Null)] {
            let failed = outcome("x.y", unclear).unwrap_err();
            assert_eq!(failed.fault.retry, Retry::Backoff);
        }
        assert!(outcome("x.y", Ok(json!({"ok": true}))).is_ok());
    }
}
