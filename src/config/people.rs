//! `people/ID.toml`: who there is, and how each of them is woken.

use super::folders::Reading;
use super::reader::{Said, Sink, Table, nearest};
use super::secret::{Found, Secrets};
use super::settings::{loopback_host, web_address, zone};
use super::{direct, hours};
use crate::core::directory::{Contact, ContactKind, Means, Person};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;

/// Ways to wake one person.
const CONTACTS_MAX: usize = 10;

/// `people/ID.toml`.
pub(super) fn person(id: &str, table: Table<'_>, reading: &Reading<'_>) -> Option<Person> {
    let name = table
        .text("name")
        .map_or_else(|| id.to_owned(), |s| s.value);
    let zone = zone(&table, reading.zone);
    let mut identities: BTreeMap<String, String> = table
        .map("identities")
        .into_iter()
        .map(|(platform, said)| (platform, said.value))
        .collect();
    // In the console a person is who the directory says.
    identities
        .entry("console".to_owned())
        .or_insert_with(|| id.to_owned());
    let email = table.text("email").map(|said| {
        if !said.value.contains('@') || said.value.contains(char::is_whitespace) {
            let what = format!("`email` cannot be {:?}", said.value);
            let fix = "write email = \"ana@example.org\"";
            reading.sink.fault(&said.place, what, fix);
        }
        said.value.to_lowercase()
    });
    let roles = table.words("roles");
    let contacts = contacts(&table, email.as_deref(), reading);
    let waking = hours::waking(&table, &contacts, reading);
    if table.no_items("contacts") {
        reading.sink.warn(
            &table.place,
            format!("{name} has no contacts and cannot be paged"),
            "add contacts = [{ kind = \"console\" }]",
        );
    }
    table.done();
    Some(Person {
        id: id.to_owned(),
        name,
        email,
        zone: zone?,
        identities,
        roles,
        contacts,
        waking,
    })
}

fn contacts(person: &Table<'_>, email: Option<&str>, reading: &Reading<'_>) -> Vec<Contact> {
    let mut contacts: Vec<Contact> = Vec::new();
    for table in person.tables("contacts", "a contact") {
        let name = table.text("name");
        let said = table.need_text("kind", "\"console\", \"email\", \"sms\" or \"webhook\"");
        let kind = said
            .as_ref()
            .and_then(|kind| contact_kind(&table, kind, email, reading));
        let place = table.place.clone();
        table.done();
        let (Some(kind), Some(said)) = (kind, said) else {
            continue;
        };
        let taken = |n: &str| contacts.iter().any(|c| c.name == n);
        let name = match name {
            Some(name) if taken(&name.value) => {
                let what = format!("two contacts are called {}", name.value);
                reading
                    .sink
                    .fault(&name.place, what, "give each its own name");
                name.value
            }
            Some(name) => name.value,
            None if taken(&said.value) => {
                let what = format!(
                    "two contacts of kind {} have no name to tell them apart",
                    said.value
                );
                reading
                    .sink
                    .fault(&place, what, "add name = \"phone\" to one of them");
                said.value
            }
            None => said.value,
        };
        contacts.push(Contact { name, kind });
    }
    if contacts.len() > CONTACTS_MAX {
        let what = format!("there are more than {CONTACTS_MAX} contacts");
        reading.sink.fault(
            &person.place_of("contacts"),
            what,
            "keep those that wake this person",
        );
    }
    contacts
}

fn contact_kind(
    table: &Table<'_>,
    kind: &Said<String>,
    email: Option<&str>,
    reading: &Reading<'_>,
) -> Option<ContactKind> {
    if let Some(means) = Means::parse(&kind.value) {
        return direct::contact(table, kind, means, email, reading);
    }
    match kind.value.as_str() {
        platform if reading.platforms.iter().any(|p| p == platform) => Some(ContactKind::Chat {
            platform: platform.to_owned(),
        }),
        "console" => {
            let what = "this contact is in the console, which is switched off";
            reading.sink.fault(
                &kind.place,
                what,
                "set enabled = true under [console], or use kind = \"webhook\"",
            );
            None
        }
        "webhook" => {
            let said = table.need_text("url", "\"env:NAME\" or \"file:/path\"")?;
            let secret = table
                .text("secret")
                .and_then(|said| reading.secrets.need("secret", &said, reading.sink));
            webhook(&said, reading.secrets, reading.sink)
                .map(|url| ContactKind::Webhook { url, secret })
        }
        other => {
            table.get("url");
            let mut known: Vec<&str> = reading.platforms.iter().map(String::as_str).collect();
            known.push("webhook");
            known.extend(Means::ALL.map(Means::word));
            let fix = nearest(other, known.iter().copied()).map_or_else(
                || {
                    let known: Vec<String> = known.iter().map(|k| format!("{k:?}")).collect();
                    format!("write kind = {}", known.join(" or "))
                },
                |near| format!("did you mean `{near}`?"),
            );
            let what = format!("`kind` cannot be {other:?}");
            reading.sink.fault(&kind.place, what, fix);
            None
        }
    }
}

/// A webhook's address usually is its own password, so only this machine may be named in the open.
pub(super) fn webhook(
    said: &Said<String>,
    secrets: &Secrets<'_>,
    sink: &Sink,
) -> Option<SecretString> {
    let url = match secrets.find("url", said, sink) {
        Found::Nothing => return None,
        Found::Secret(url) => url,
        Found::Literal(url) => {
            if !web_address(&url).is_some_and(|host| loopback_host(&host)) {
                let what = "`url` is an address in the open, and whoever knows it can post there";
                let fix = "write url = \"env:NAME\" or \"file:/path\" and keep the address there";
                sink.fault(&said.place, what, fix);
                return None;
            }
            SecretString::from(url)
        }
    };
    let Some(host) = web_address(url.expose_secret()) else {
        let what = "`url` does not lead to an http or https address";
        sink.fault(
            &said.place,
            what,
            "put an address such as https://example.org/hook there",
        );
        return None;
    };
    if url.expose_secret().starts_with("http:") && !loopback_host(&host) {
        let what = "pages to this webhook travel unencrypted";
        sink.warn(&said.place, what, "use an https address");
    }
    Some(url)
}
