//! Pushover: emergency messages, which ring again and again until somebody acknowledges
//! (pushover.net/api, pushover.net/api/receipts).
//!
//! A page answers with a receipt; when the incident is acknowledged by any other way, the receipt is
//! cancelled and the phone falls silent. When it is acknowledged in the app, Pushover calls the
//! signed link. Pushover has no key for repeats.

use super::http::{ask, client};
use super::{Message, Notifier, Receipt, What, words};
use crate::chat::Answer;
use crate::config;
use crate::core::directory::Means;
use crate::core::text;
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// Rings until acknowledged.
const EMERGENCY: &str = "2";
const ORDINARY: &str = "0";
/// Pushover's limits, in characters.
const TITLE: usize = 250;
const MESSAGE: usize = 1024;
const URL: usize = 512;

/// An application of Pushover.
pub struct Pushover {
    name: String,
    base: String,
    token: SecretString,
    retry: String,
    expire: String,
    client: Client,
}

#[derive(Default, Deserialize)]
struct Taken {
    #[serde(default)]
    receipt: String,
}

impl Pushover {
    /// As configured.
    ///
    /// # Errors
    /// When its proxy or certificate cannot be used.
    pub fn new(settings: &config::notify::Pushover) -> Result<Pushover, String> {
        Ok(Pushover {
            name: settings.name.clone(),
            base: settings.net.api_url.clone(),
            token: settings.token.clone(),
            retry: settings.retry_secs.to_string(),
            expire: settings.expire_secs.to_string(),
            client: client(&settings.net, &settings.name)?,
        })
    }

    fn form(&self, to: &str, message: &Message) -> Vec<(&'static str, String)> {
        let mut form = vec![
            ("token", self.token.expose_secret().to_owned()),
            ("user", to.to_owned()),
            ("title", text::cut(&words::subject(message), TITLE)),
            // Not `cut` whole: the lines of a list are to stay lines.
            (
                "message",
                words::push(message).chars().take(MESSAGE).collect(),
            ),
        ];
        let What::Pages(pages) = &message.what else {
            form.push(("priority", ORDINARY.to_owned()));
            return form;
        };
        form.push(("priority", EMERGENCY.to_owned()));
        form.push(("retry", self.retry.clone()));
        form.push(("expire", self.expire.clone()));
        if let Some(page) = pages.first().filter(|p| p.url.len() <= URL) {
            form.push(("url", page.url.clone()));
            form.push(("url_title", format!("Incident {}", page.incident)));
        }
        if !message.ack_url.is_empty() {
            form.push(("callback", message.ack_url.clone()));
        }
        form
    }
}

impl Notifier for Pushover {
    fn means(&self) -> Means {
        Means::Pushover
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn send<'a>(&'a self, to: &'a str, message: &'a Message) -> Answer<'a, Receipt> {
        Box::pin(async move {
            let url = format!("{}/1/messages.json", self.base);
            let request = self.client.post(url).form(&self.form(to, message));
            let hidden = [to, self.token.expose_secret()];
            let answer = ask(request, "Pushover", &hidden).await?;
            let taken: Taken = serde_json::from_slice(&answer).unwrap_or_default();
            Ok(Receipt {
                rings: !taken.receipt.is_empty(),
                id: taken.receipt,
            })
        })
    }

    fn cancel<'a>(&'a self, receipt: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            let url = format!("{}/1/receipts/{receipt}/cancel.json", self.base);
            let token = self.token.expose_secret();
            let request = self.client.post(url).form(&[("token", token)]);
            ask(request, "Pushover", &[token]).await.map(drop)
        })
    }
}
