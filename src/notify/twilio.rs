//! What text messages and calls have in common: an account with Twilio, or with somebody who speaks
//! the same HTTP, and the signature by which its requests to firebell are known.
//!
//! # The signature
//! `X-Twilio-Signature` is the base64 of HMAC-SHA1, with the account's token, over the address as it
//! was asked for, query included, followed by every field of the form, sorted by name, name and
//! value without anything between (twilio.com/docs/usage/security). The address is built from
//! `public-url`, so a proxy in front of firebell does not break it.

use super::http::{ask, client};
use super::{Receipt, http::never};
use crate::chat::Fault;
use crate::config;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha1::Sha1;
use subtle::ConstantTimeEq;

/// Where firebell is called back.
pub const CALLBACKS: &str = "/callbacks/twilio";

/// An account.
pub(super) struct Account {
    pub name: String,
    pub from: String,
    /// Where callbacks to this provider begin, without a trailing slash.
    pub callbacks: String,
    base: String,
    sid: String,
    token: SecretString,
    client: Client,
}

#[derive(Default, Deserialize)]
struct Taken {
    #[serde(default)]
    sid: String,
}

impl Account {
    pub fn new(settings: &config::notify::Twilio, public_url: &str) -> Result<Account, String> {
        Ok(Account {
            name: settings.name.clone(),
            from: settings.from.clone(),
            callbacks: format!(
                "{}{CALLBACKS}/{}",
                public_url.trim_end_matches('/'),
                settings.name
            ),
            base: format!("{}/2010-04-01/Accounts", settings.net.api_url),
            sid: settings.account.clone(),
            token: settings.token.clone(),
            client: client(&settings.net, &settings.name)?,
        })
    }

    /// Posts to a list of the account: `Messages`, `Calls`.
    pub async fn post(
        &self,
        list: &str,
        to: &str,
        form: &[(&str, &str)],
    ) -> Result<Receipt, Fault> {
        let url = format!("{}/{}/{list}.json", self.base, self.sid);
        let token = self.token.expose_secret();
        let request = self
            .client
            .post(url)
            .basic_auth(&self.sid, Some(token))
            .form(form);
        // Other ends repeat the number without its plus.
        let number = to.trim_start_matches('+');
        let answer = ask(request, &self.name, &[token, number]).await?;
        let taken: Taken = serde_json::from_slice(&answer)
            .map_err(|_| never(format!("{} took it and gave no number for it", self.name)))?;
        Ok(Receipt {
            id: taken.sid,
            rings: false,
        })
    }

    pub fn signed(&self, url: &str, fields: &[(String, String)], signature: &str) -> bool {
        let ours = sign(self.token.expose_secret(), url, fields);
        ours.as_bytes().ct_eq(signature.as_bytes()).into()
    }
}

/// The signature of a request.
#[must_use]
pub fn sign(token: &str, url: &str, fields: &[(String, String)]) -> String {
    let mut sorted: Vec<&(String, String)> = fields.iter().collect();
    sorted.sort();
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes())
        .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
    mac.update(url.as_bytes());
    for (name, value) in sorted {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Text inside an element or attribute of the XML a call is told by.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // XML has no word for most of the others.
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_of_twilios_own_example() {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut fields = vec![
            field("To", "+18005551212"),
            field("Digits", "1234"),
            field("From", "+12349013030"),
            field("CallSid", "CA1234567890ABCDE"),
            field("Caller", "+12349013030"),
        ];
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        assert_eq!(sign("12345", url, &fields), "0/KCTR6DLpKmkAf8muzZqo1nDgQ=");
        fields[1].1 = "1235".to_owned();
        assert_ne!(sign("12345", url, &fields), "0/KCTR6DLpKmkAf8muzZqo1nDgQ=");
    }

    #[test]
    fn a_title_cannot_end_what_is_said() {
        assert_eq!(
            escaped("</Say><Dial>+1</Dial> \"a\" & 'b'\n"),
            "&lt;/Say&gt;&lt;Dial&gt;+1&lt;/Dial&gt; &quot;a&quot; &amp; &apos;b&apos; "
        );
    }
}
