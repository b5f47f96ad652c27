//! Text messages. What comes back is taken by `http::callbacks`: replies acknowledge, and the
//! message's fate becomes its receipt. The interface has no key for repeats.

use super::twilio::Account;
use super::{Message, Notifier, Receipt, words};
use crate::chat::Answer;
use crate::config;
use crate::core::directory::Means;

/// An account that sends text messages.
pub struct Sms(Account);

impl Sms {
    /// As configured.
    ///
    /// # Errors
    /// When its proxy or certificate cannot be used.
    pub fn new(settings: &config::notify::Twilio, public_url: &str) -> Result<Sms, String> {
        Account::new(settings, public_url).map(Sms)
    }
}

impl Notifier for Sms {
    fn means(&self) -> Means {
        Means::Sms
    }

    fn name(&self) -> &str {
        &self.0.name
    }

    fn send<'a>(&'a self, to: &'a str, message: &'a Message) -> Answer<'a, Receipt> {
        Box::pin(async move {
            let told = words::sms(message);
            let fate = format!("{}/status", self.0.callbacks);
            let form = [
                ("To", to),
                ("From", self.0.from.as_str()),
                ("Body", told.as_str()),
                ("StatusCallback", fate.as_str()),
            ];
            self.0.post("Messages", to, &form).await
        })
    }

    fn signed(&self, url: &str, fields: &[(String, String)], signature: &str) -> bool {
        self.0.signed(url, fields, signature)
    }
}
