//! ntfy: a push through a server of one's own, by its JSON interface (docs.ntfy.sh/publish).
//!
//! Pages are of the highest priority (5) and carry a button: the app itself sends the request to the
//! signed link, so one tap on the lock screen acknowledges. ntfy has no key for repeats.

use super::http::{ask, client};
use super::{Message, Notifier, Receipt, What, words};
use crate::chat::Answer;
use crate::config;
use crate::core::directory::Means;
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

/// The highest: it rings until it is looked at, when the phone is told so.
const URGENT: u8 = 5;
/// For tests and codes.
const ORDINARY: u8 = 3;

/// A server.
pub struct Ntfy {
    name: String,
    url: String,
    token: Option<SecretString>,
    client: Client,
}

#[derive(Default, Deserialize)]
struct Taken {
    #[serde(default)]
    id: String,
}

impl Ntfy {
    /// As configured.
    ///
    /// # Errors
    /// When its proxy or certificate cannot be used.
    pub fn new(settings: &config::notify::Ntfy) -> Result<Ntfy, String> {
        Ok(Ntfy {
            name: settings.name.clone(),
            url: format!("{}/", settings.net.api_url),
            token: settings.token.clone(),
            client: client(&settings.net, &settings.name)?,
        })
    }
}

/// The body that is posted.
fn body(topic: &str, message: &Message) -> serde_json::Value {
    let urgent = matches!(message.what, What::Pages(_));
    let mut body = json!({
        "topic": topic,
        "title": words::subject(message),
        "message": words::push(message),
        "priority": if urgent { URGENT } else { ORDINARY },
        "tags": [if urgent { "rotating_light" } else { "bell" }],
    });
    if let What::Pages(pages) = &message.what
        && let [page, ..] = pages.as_slice()
    {
        body["click"] = json!(page.url);
    }
    if !message.ack_url.is_empty() {
        body["actions"] = json!([{
            "action": "http",
            "label": "Acknowledge",
            "url": message.ack_url,
            "method": "POST",
            "clear": true,
        }]);
    }
    body
}

impl Notifier for Ntfy {
    fn means(&self) -> Means {
        Means::Ntfy
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn send<'a>(&'a self, to: &'a str, message: &'a Message) -> Answer<'a, Receipt> {
        Box::pin(async move {
            let mut request = self.client.post(&self.url).json(&body(to, message));
            if let Some(token) = &self.token {
                request = request.bearer_auth(token.expose_secret());
            }
            let answer = ask(request, "ntfy", &[to]).await?;
            let taken: Taken = serde_json::from_slice(&answer).unwrap_or_default();
            Ok(Receipt {
                id: taken.id,
                rings: false,
            })
        })
    }
}
