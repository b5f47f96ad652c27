//! Calls. What is said travels with the request, so a call rings even when the provider cannot reach
//! firebell; only the keys need the way back. 4 acknowledges, 6 resolves, 8 escalates: the keys of
//! other pagers. A machine that picks up presses nothing, so it acknowledges nothing.

use super::twilio::{Account, escaped};
use super::{Message, Notifier, Receipt, What, words};
use crate::chat::Answer;
use crate::config;
use crate::core::directory::Means;

/// What is said this often, for who has just woken up.
const TIMES: usize = 2;
/// Seconds to press a key.
const PATIENCE: u8 = 8;

/// An account that calls.
pub struct Voice(Account);

impl Voice {
    /// As configured.
    ///
    /// # Errors
    /// When its proxy or certificate cannot be used.
    pub fn new(settings: &config::notify::Twilio, public_url: &str) -> Result<Voice, String> {
        Account::new(settings, public_url).map(Voice)
    }

    /// What the call does.
    fn script(&self, message: &Message) -> String {
        let said = escaped(&words::speech(message));
        let token = message.ack_url.rsplit('/').next().unwrap_or_default();
        let one = match &message.what {
            What::Pages(pages) if !token.is_empty() => {
                let action = format!("{}/keys?t={token}", self.0.callbacks);
                let them = if pages.len() > 1 { "them all" } else { "it" };
                format!(
                    "<Gather numDigits=\"1\" timeout=\"{PATIENCE}\" method=\"POST\" action=\"{}\">\
                     <Say>{said} Press 4 to acknowledge {them}, 6 to resolve, 8 to escalate.</Say></Gather>",
                    escaped(&action)
                )
            }
            _ => format!("<Say>{said}</Say><Pause length=\"1\"/>"),
        };
        format!("<Response>{}</Response>", one.repeat(TIMES))
    }
}

impl Notifier for Voice {
    fn means(&self) -> Means {
        Means::Voice
    }

    fn name(&self) -> &str {
        &self.0.name
    }

    fn send<'a>(&'a self, to: &'a str, message: &'a Message) -> Answer<'a, Receipt> {
        Box::pin(async move {
            let script = self.script(message);
            let fate = format!("{}/status", self.0.callbacks);
            let form = [
                ("To", to),
                ("From", self.0.from.as_str()),
                ("Twiml", script.as_str()),
                ("StatusCallback", fate.as_str()),
            ];
            self.0.post("Calls", to, &form).await
        })
    }

    fn signed(&self, url: &str, fields: &[(String, String)], signature: &str) -> bool {
        self.0.signed(url, fields, signature)
    }
}
