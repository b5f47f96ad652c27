//! `[changes]`: who tells firebell what is changed, and how long that is kept.

use super::folders::{Entry, Mention};
use super::reader::Table;
use super::secret::Secrets;
use super::summary::Model;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;

/// Days changes are kept: as long as PagerDuty keeps them.
const KEEP_MS: i64 = 90 * DAY_MS;
const DAY_MS: i64 = 86_400_000;
/// A week is looked back on to know how often a service changes; ten years are an archive.
const KEEP: std::ops::RangeInclusive<i64> = 7 * DAY_MS..=3650 * DAY_MS;
/// Guessing a shorter secret is a matter of patience.
const SECRET_MIN: usize = 16;
/// What `kind` may be.
const KINDS: [&str; 3] = ["github", "gitlab", "generic"];

/// What helps to understand incidents.
#[derive(Clone, Debug)]
pub struct Insight {
    /// How long changes are kept, milliseconds.
    pub keep_ms: i64,
    /// Who tells of changes beside PagerDuty's door, which every alert source may use.
    pub tellers: Vec<Teller>,
    /// The model that may propose a summary; `None`: none.
    pub summary: Option<Model>,
}

impl Default for Insight {
    fn default() -> Insight {
        Insight {
            keep_ms: KEEP_MS,
            tellers: Vec::new(),
            summary: None,
        }
    }
}

/// Whose wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TellerKind {
    /// Webhooks of GitHub, signed with the secret.
    Github,
    /// Webhooks of GitLab, with the secret as their token.
    Gitlab,
    /// firebell's own format, with the secret as bearer.
    Generic,
}

/// Somebody who tells what is changed: `[changes.from.NAME]`.
#[derive(Clone, Debug)]
pub struct Teller {
    /// NAME: part of the path and of every change's identity.
    pub name: String,
    /// Its wire format.
    pub kind: TellerKind,
    /// What its requests prove themselves by.
    pub secret: SecretString,
    /// Service id by repository, as the sender writes it.
    pub services: BTreeMap<String, String>,
    /// Service id of what is in none of these repositories and names no service itself.
    pub service: Option<String>,
}

impl Teller {
    /// The service the operator wrote down for a repository.
    #[must_use]
    pub fn service_for(&self, repository: &str) -> Option<&str> {
        self.services.get(repository).map(String::as_str)
    }
}

/// `[changes]`.
pub(super) fn insight(root: &Table<'_>, secrets: &Secrets<'_>) -> Insight {
    let mut insight = Insight {
        summary: super::summary::summary(root, secrets),
        ..Insight::default()
    };
    let Some(table) = root.table("changes", "[changes]") else {
        return insight;
    };
    insight.keep_ms = table.duration_ms("keep", KEEP).unwrap_or(KEEP_MS);
    for (name, from) in table.named("from", "[changes.from.NAME]") {
        if let Err(why) = super::folders::check_id(&name) {
            let what = format!("the name {name:?} of who tells of changes: {why}");
            from.sink
                .fault(&from.place, what, "write [changes.from.github]");
        }
        let teller = teller(name, &from, secrets);
        from.done();
        insight.tellers.extend(teller);
    }
    table.done();
    insight
}

fn teller(name: String, table: &Table<'_>, secrets: &Secrets<'_>) -> Option<Teller> {
    let said = table.need_text("kind", "\"github\"")?;
    let kind = match said.value.as_str() {
        "github" => TellerKind::Github,
        "gitlab" => TellerKind::Gitlab,
        "generic" => TellerKind::Generic,
        other => {
            let what = format!("`kind` cannot be {other:?}");
            let kinds = KINDS.map(|k| format!("\"{k}\"")).join(", ");
            table
                .sink
                .fault(&said.place, what, format!("write one of {kinds}"));
            return None;
        }
    };
    let services = table.map("services").into_iter();
    let services = services
        .map(|(repository, said)| (repository, said.value))
        .collect();
    let service = table.text("service").map(|said| said.value);
    let secret = table.need_text("secret", "\"env:GITHUB_WEBHOOK_SECRET\"")?;
    let place = secret.place.clone();
    let secret = secrets.need("secret", &secret, table.sink)?;
    if secret.expose_secret().len() < SECRET_MIN {
        let what = format!("this secret has fewer than {SECRET_MIN} characters and can be guessed");
        let fix = "use 32 random hexadecimal digits, such as from: openssl rand -hex 16";
        table.sink.fault(&place, what, fix);
        return None;
    }
    Some(Teller {
        name,
        kind,
        secret,
        services,
        service,
    })
}

/// Services that are named here, to be looked for when all are read.
pub(super) fn mentions(top: &Table<'_>) -> Vec<Mention> {
    let Some(table) = top.table("changes", "[changes]") else {
        return Vec::new();
    };
    let named = table.named("from", "[changes.from.NAME]");
    let said = named.iter().flat_map(|(_, from)| {
        let services = from
            .map("services")
            .into_iter()
            .map(|(_, said)| ("services", said));
        services.chain(from.text("service").map(|said| ("service", said)))
    });
    said.map(|(key, said)| Mention {
        kind: Entry::Service,
        key,
        id: said.value,
        place: said.place,
    })
    .collect()
}
