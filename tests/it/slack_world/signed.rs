//! HTTP mode: requests with Slack's signature (docs.slack.dev, "Verifying requests from Slack").

use super::Core;
use super::outbound::Outcome;
use super::state::Posted;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

/// `v0=` and the HMAC of version, timestamp and body.
pub fn signature(secret: &str, timestamp: u64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("v0:{timestamp}:{body}").as_bytes());
    let bytes = mac.finalize().into_bytes();
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    format!("v0={hex}")
}

/// The fields of an object as a form.
pub fn form_of(fields: &Value) -> String {
    let mut url = reqwest::Url::parse("http://x/").unwrap();
    for (name, value) in fields.as_object().into_iter().flatten() {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        url.query_pairs_mut().append_pair(name, &text);
    }
    url.query().unwrap_or("").to_owned()
}

/// What an app answered to a request.
pub struct Answered {
    pub outcome: Outcome,
    /// 0 when nothing came in time.
    pub status: u16,
    /// The app asked not to be sent it again.
    pub no_retry: bool,
}

/// A request signed with any secret for any time.
pub fn request(url: &str, body: &str, form: bool, secret: &str, at: u64) -> Posted {
    let kind = if form {
        "application/x-www-form-urlencoded"
    } else {
        "application/json"
    };
    let headers = [
        ("content-type", kind.to_owned()),
        (
            "user-agent",
            "Slackbot 1.0 (+https://api.slack.com/robots)".to_owned(),
        ),
        ("x-slack-request-timestamp", at.to_string()),
        ("x-slack-signature", signature(secret, at, body)),
    ];
    Posted {
        url: url.to_owned(),
        headers: headers
            .map(|(name, value)| (name.to_owned(), value))
            .to_vec(),
        body: body.to_owned(),
        status: 0,
    }
}

impl Core {
    /// A request as Slack signs it now.
    pub fn sign(&self, url: &str, body: &str, form: bool) -> Posted {
        let (secret, now) = self.change(|s| (s.signing_secret.clone(), s.clock.secs()));
        request(url, body, form, &secret, now)
    }

    /// Posts it and waits as long as Slack does.
    pub async fn post(&self, posted: &Posted) -> Answered {
        let within = self.change(|state| state.tune.ack_within);
        let client = reqwest::Client::builder().no_proxy().timeout(within);
        let client = client.build().unwrap();
        let mut request = client.post(&posted.url).body(posted.body.clone());
        for (name, value) in &posted.headers {
            request = request.header(name, value);
        }
        let since = tokio::time::Instant::now();
        let (status, text, no_retry) = match request.send().await {
            Err(_) => (0, None, false),
            Ok(response) => {
                let no_retry = response.headers().contains_key("x-slack-no-retry");
                (
                    response.status().as_u16(),
                    response.text().await.ok(),
                    no_retry,
                )
            }
        };
        let acked = status == 200 && text.is_some();
        let text = text.filter(|t| acked && !t.is_empty());
        let body = text.map(|t| serde_json::from_str(&t).unwrap_or(Value::String(t)));
        let error = (!acked).then(|| match status {
            0 => "operation_timeout".to_owned(),
            _ => format!("http_service_error_{status}"),
        });
        Answered {
            outcome: Outcome {
                acked,
                took: since.elapsed(),
                body,
                error,
            },
            status,
            no_retry,
        }
    }
}

#[test]
fn the_signature_is_the_one_of_slacks_own_example() {
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow\
        &channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner\
        &command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands\
        %2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN\
        &trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    assert_eq!(
        signature("8f742231b10e8888abcd99yyyzzz85a5", 1_531_420_618, body),
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    );
}
