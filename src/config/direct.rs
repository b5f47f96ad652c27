//! Contacts that a provider of `firebell.toml` reaches: a mail address, a topic, a key, a number.

use super::folders::Reading;
use super::reader::{Said, Table, nearest};
use super::secret::Found;
use crate::core::directory::{ContactKind, Means};
use secrecy::SecretString;

/// One contact of `people/ID.toml`. Its address may be written out or be a reference.
pub(super) fn contact(
    table: &Table<'_>,
    kind: &Said<String>,
    means: Means,
    email: Option<&str>,
    reading: &Reading<'_>,
) -> Option<ContactKind> {
    let via = table.text("provider");
    let to = address(table, means, email, reading);
    let names = || {
        let of_means = reading.providers.iter().filter(|(m, _)| *m == means);
        of_means.map(|(_, name)| name.as_str())
    };
    if names().next().is_none() {
        let word = means.word();
        let what = format!("no provider of kind {word} is configured");
        let fix = format!(
            "add a section {} to firebell.toml (docs/contacts.md)",
            section(means)
        );
        reading.sink.fault(&kind.place, what, fix);
        return None;
    }
    if let Some(said) = &via
        && !names().any(|n| n == said.value)
    {
        let fix = nearest(&said.value, names()).map_or_else(
            || format!("write one of {}", names().collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        let what = format!("there is no {} provider {:?}", means.word(), said.value);
        reading.sink.fault(&said.place, what, fix);
    }
    Some(ContactKind::Direct {
        means,
        to: SecretString::from(to?),
        via: via.map(|s| s.value),
    })
}

fn section(means: Means) -> &'static str {
    match means {
        Means::Email => "[email]",
        Means::Ntfy => "[[ntfy]]",
        Means::Pushover => "[[pushover]]",
        Means::Sms => "[[sms]]",
        Means::Voice => "[[voice]]",
    }
}

/// The address, checked: what a provider would refuse is found out by day.
fn address(
    table: &Table<'_>,
    means: Means,
    email: Option<&str>,
    reading: &Reading<'_>,
) -> Option<String> {
    let (key, example, good): (&'static str, &str, fn(&str) -> bool) = match means {
        Means::Email => ("address", "\"ana@example.org\"", is_mail),
        Means::Ntfy => ("topic", "\"env:ANA_TOPIC\"", is_topic),
        Means::Pushover => ("user", "\"env:ANA_PUSHOVER\"", is_user),
        Means::Sms | Means::Voice => ("number", "\"+491701234567\"", is_number),
    };
    let said = match (means, email) {
        // The person's own address unless another one is given.
        (Means::Email, Some(own)) if !table.has(key) => {
            table.get(key);
            return Some(own.to_owned());
        }
        _ => table.need_text(key, example)?,
    };
    let found = match reading.secrets.find(key, &said, reading.sink) {
        Found::Nothing => return None,
        Found::Literal(text) => text,
        Found::Secret(text) => secrecy::ExposeSecret::expose_secret(&text).to_owned(),
    };
    let found = found.trim().to_owned();
    if !good(&found) {
        // What came by reference may be a secret, so it is not repeated.
        let what = format!(
            "`{key}` does not lead to something that can be reached by {}",
            means.word()
        );
        reading
            .sink
            .fault(&said.place, what, format!("write {key} = {example}"));
        return None;
    }
    Some(found)
}

fn is_mail(text: &str) -> bool {
    text.parse::<lettre::Address>().is_ok()
}

/// As ntfy allows them.
fn is_topic(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=64).contains(&text.len()) && text.chars().all(plain)
}

/// 30 letters and digits, as Pushover's documentation says of user and group keys.
fn is_user(text: &str) -> bool {
    text.len() == 30 && text.chars().all(|c| c.is_ascii_alphanumeric())
}

/// E.164: a plus, the country, at most 15 digits.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (7..=15).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && !digits.starts_with('0')
}
