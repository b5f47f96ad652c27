//! `[email]`, `[[ntfy]]`, `[[pushover]]`, `[[sms]]` and `[[voice]]`: who carries pages.
//!
//! Each may be a list. The first of a list is tried first, and the next at once when it fails. A
//! provider has a name, its section's unless set: contacts may prefer one, and the ledger tells it.

use super::chat::{self, Net};
use super::reader::Table;
use super::secret::Secrets;
use super::settings::loopback_host;
use super::tree::Kind;
use crate::core::directory::Means;
use secrecy::SecretString;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// From one message to a contact to the next: what costs, or rings, comes at most once a minute;
/// what came meanwhile is one message with a count.
const PACE_MS: i64 = 60_000;
/// Pushes are quieter, and each replaces a glance at the screen.
const PUSH_PACE_MS: i64 = 5_000;
/// A provider that takes longer has failed, and the next is asked.
const TIMEOUT_MS: i64 = 10_000;
/// Pushover repeats an emergency message this often, seconds; its least is 30.
const RETRY_SECS: std::ops::RangeInclusive<i64> = 30..=3600;
/// And for this long, seconds; its most is three hours.
const EXPIRE_SECS: std::ops::RangeInclusive<i64> = 60..=10_800;

/// Every provider, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Providers {
    /// `[email]`
    pub email: Vec<Smtp>,
    /// `[[ntfy]]`
    pub ntfy: Vec<Ntfy>,
    /// `[[pushover]]`
    pub pushover: Vec<Pushover>,
    /// `[[sms]]`
    pub sms: Vec<Twilio>,
    /// `[[voice]]`
    pub voice: Vec<Twilio>,
}

/// A mail server.
#[derive(Clone, Debug)]
pub struct Smtp {
    /// For ledgers and contacts.
    pub name: String,
    /// Host name or address.
    pub host: String,
    /// 587, 465 or 25 unless set.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// User and password, when the server wants them.
    pub login: Option<(String, SecretString)>,
    /// `firebell <firebell@example.org>`
    pub from: String,
    /// PEM file of a certificate authority trusted besides the usual ones.
    pub extra_ca: Option<PathBuf>,
    /// A try that takes longer is taken for failed, milliseconds.
    pub timeout_ms: i64,
    /// From one mail to a contact to the next, milliseconds.
    pub pace_ms: i64,
}

/// How a connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Not at all: a relay on this machine.
    None,
    /// Turned on after the greeting; refused when the server does not offer it.
    StartTls,
    /// From the first byte.
    Tls,
}

/// An ntfy server.
#[derive(Clone, Debug)]
pub struct Ntfy {
    /// For ledgers and contacts.
    pub name: String,
    /// Its address is the server's.
    pub net: Net,
    /// Access token, when the server wants one.
    pub token: Option<SecretString>,
}

/// Pushover.
#[derive(Clone, Debug)]
pub struct Pushover {
    /// For ledgers and contacts.
    pub name: String,
    /// How it is reached.
    pub net: Net,
    /// The application's token.
    pub token: SecretString,
    /// It is shown again this often until acknowledged, seconds.
    pub retry_secs: i64,
    /// And for this long, seconds.
    pub expire_secs: i64,
}

/// An account with Twilio, or with somebody who speaks the same HTTP.
#[derive(Clone, Debug)]
pub struct Twilio {
    /// For ledgers, contacts and the address of its callbacks.
    pub name: String,
    /// How it is reached.
    pub net: Net,
    /// `AC…`
    pub account: String,
    /// What requests and callbacks are authenticated with.
    pub token: SecretString,
    /// The number messages and calls come from.
    pub from: String,
}

impl Providers {
    /// Means and name of each.
    #[must_use]
    pub fn names(&self) -> Vec<(Means, String)> {
        let email = self.email.iter().map(|p| (Means::Email, &p.name));
        let ntfy = self.ntfy.iter().map(|p| (Means::Ntfy, &p.name));
        let pushover = self.pushover.iter().map(|p| (Means::Pushover, &p.name));
        let sms = self.sms.iter().map(|p| (Means::Sms, &p.name));
        let voice = self.voice.iter().map(|p| (Means::Voice, &p.name));
        let all = email.chain(ntfy).chain(pushover).chain(sms).chain(voice);
        all.map(|(means, name)| (means, name.clone())).collect()
    }

    /// From one message to a contact to the next, milliseconds.
    #[must_use]
    pub fn pace_ms(&self, means: Means) -> i64 {
        let of = |nets: &mut dyn Iterator<Item = i64>| nets.max();
        let pace = match means {
            Means::Email => of(&mut self.email.iter().map(|p| p.pace_ms)),
            Means::Ntfy => of(&mut self.ntfy.iter().map(|p| p.net.pace_ms)),
            Means::Pushover => of(&mut self.pushover.iter().map(|p| p.net.pace_ms)),
            Means::Sms => of(&mut self.sms.iter().map(|p| p.net.pace_ms)),
            Means::Voice => of(&mut self.voice.iter().map(|p| p.net.pace_ms)),
        };
        pace.unwrap_or(PACE_MS)
    }
}

/// All sections of providers.
pub(super) fn providers(root: &Table<'_>, secrets: &Secrets<'_>) -> Providers {
    let found = Providers {
        email: each(root, "email", "[email]", |t| smtp(t, secrets)),
        ntfy: each(root, "ntfy", "[[ntfy]]", |t| Some(ntfy(t, secrets))),
        pushover: each(root, "pushover", "[[pushover]]", |t| pushover(t, secrets)),
        sms: each(root, "sms", "[[sms]]", |t| twilio(t, secrets, "sms")),
        voice: each(root, "voice", "[[voice]]", |t| twilio(t, secrets, "voice")),
    };
    let mut seen = BTreeSet::new();
    for (means, name) in found.names() {
        if !seen.insert((means, name.clone())) {
            let key = means.word();
            root.sink.fault(
                &root.place_of(key),
                format!("two {key} providers are called {name}"),
                format!("add name = \"{key}-2\" to one of them"),
            );
        }
    }
    found
}

/// A section that may be one table or a list of them.
fn each<T>(
    root: &Table<'_>,
    key: &'static str,
    title: &'static str,
    read: impl Fn(&Table<'_>) -> Option<T>,
) -> Vec<T> {
    let one = root
        .get(key)
        .is_some_and(|n| matches!(n.kind, Kind::Table(_)));
    let tables = if one {
        root.table(key, title).into_iter().collect()
    } else {
        root.tables(key, title)
    };
    let mut found = Vec::new();
    for table in tables {
        let provider = read(&table);
        table.done();
        found.extend(provider);
    }
    found
}

fn name(table: &Table<'_>, default: &str) -> String {
    let Some(said) = table.text("name") else {
        return default.to_owned();
    };
    if let Err(why) = super::folders::check_id(&said.value) {
        let what = format!("`name` cannot be {:?}: {why}", said.value);
        let fix = format!("write name = \"{default}\"");
        table.sink.fault(&said.place, what, fix);
    }
    said.value
}

fn smtp(table: &Table<'_>, secrets: &Secrets<'_>) -> Option<Smtp> {
    let name = name(table, "email");
    let host = table.need_text("host", "\"mail.example.org\"");
    let security = security(table);
    let usual = match security {
        Security::None => 25,
        Security::StartTls => 587,
        Security::Tls => 465,
    };
    let port = table.int("port", 1..=65_535).unwrap_or(usual);
    let user = table.text("user");
    let password = chat::secret(table, secrets, "password", false);
    let from = table.need_text("from", "\"firebell <firebell@example.org>\"");
    if let Some(said) = &from
        && said.value.parse::<lettre::message::Mailbox>().is_err()
    {
        let what = format!("`from` cannot be {:?}: it is no mail address", said.value);
        let fix = "write from = \"firebell <firebell@example.org>\"";
        table.sink.fault(&said.place, what, fix);
    }
    let login = match (user, password) {
        (Some(user), Some(password)) => Some((user.value, password)),
        (None, None) => None,
        _ if !table.has("user") || !table.has("password") => {
            let what = "a mail server wants `user` and `password`, or neither";
            table
                .sink
                .fault(&table.place, what, "add the other one, or remove both");
            None
        }
        _ => None,
    };
    let here = host.as_ref().is_some_and(|h| loopback_host(&h.value));
    if security == Security::None && login.is_some() && !here {
        let what = "the password would travel unencrypted";
        let fix = "write security = \"starttls\" or \"tls\"";
        table.sink.fault(&table.place_of("security"), what, fix);
    }
    Some(Smtp {
        name,
        host: host?.value,
        port: u16::try_from(port).unwrap_or(587),
        security,
        login,
        from: from?.value,
        extra_ca: table.text("extra-ca").map(|s| secrets.base.join(s.value)),
        timeout_ms: table
            .duration_ms("timeout", 100..=60_000)
            .unwrap_or(TIMEOUT_MS),
        pace_ms: table.duration_ms("pace", 1..=60_000).unwrap_or(PACE_MS),
    })
}

fn security(table: &Table<'_>) -> Security {
    let Some(said) = table.text("security") else {
        return Security::StartTls;
    };
    match said.value.as_str() {
        "none" => Security::None,
        "starttls" => Security::StartTls,
        "tls" => Security::Tls,
        other => {
            let what = format!("`security` cannot be {other:?}");
            let fix = "write security = \"starttls\", \"tls\" or \"none\"";
            table.sink.fault(&said.place, what, fix);
            Security::StartTls
        }
    }
}

fn ntfy(table: &Table<'_>, secrets: &Secrets<'_>) -> Ntfy {
    let name = name(table, "ntfy");
    if !table.has("api-url") {
        table.missing("api-url", "\"https://ntfy.example.org\"");
    }
    let net = chat::net(table, secrets, "https://ntfy.example.org", PUSH_PACE_MS);
    let token = chat::secret(table, secrets, "token", false);
    Ntfy { name, net, token }
}

fn pushover(table: &Table<'_>, secrets: &Secrets<'_>) -> Option<Pushover> {
    let name = name(table, "pushover");
    let net = chat::net(table, secrets, "https://api.pushover.net", PUSH_PACE_MS);
    let token = chat::secret(table, secrets, "token", true);
    let secs = |key, range: &std::ops::RangeInclusive<i64>, usual| {
        let (least, most) = (*range.start() * 1000, *range.end() * 1000);
        table
            .duration_ms(key, least..=most)
            .map_or(usual, |ms| ms / 1000)
    };
    let retry_secs = secs("retry", &RETRY_SECS, 60);
    let expire_secs = secs("expire", &EXPIRE_SECS, 3600);
    Some(Pushover {
        name,
        net,
        token: token?,
        retry_secs,
        expire_secs,
    })
}

fn twilio(table: &Table<'_>, secrets: &Secrets<'_>, key: &str) -> Option<Twilio> {
    let name = name(table, key);
    let net = chat::net(table, secrets, "https://api.twilio.com", PACE_MS);
    let account = table.need_text("account", "\"AC…\"");
    let token = chat::secret(table, secrets, "token", true);
    let from = table.need_text("from", "\"+491701234567\"");
    Some(Twilio {
        name,
        net,
        account: account?.value,
        token: token?,
        from: from?.value,
    })
}
