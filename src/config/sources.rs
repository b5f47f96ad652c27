//! `[[tokens]]` and `[[sources]]`: who may use the API and who may send alerts. Only digests are kept.

use super::reader::{Said, Sink, Table};
use super::secret::{Secrets, sha256, unhex};
use super::tree::Place;
use super::{Mapping, Source, Token};
use secrecy::ExposeSecret;
use std::collections::{BTreeMap, BTreeSet};

/// Guessing a shorter token is a matter of patience.
const TOKEN_MIN: usize = 16;

/// An alert is taken as over after at most a month without a repeat.
const RESOLVE_MS: std::ops::RangeInclusive<i64> = 1000..=30 * 86_400_000;

/// `[[tokens]]`.
pub(super) fn tokens(root: &Table<'_>, secrets: &Secrets<'_>) -> Vec<Token> {
    let mut seen = Seen::default();
    let mut tokens = Vec::new();
    for table in root.tables("tokens", "[[tokens]]") {
        let name = name(&table);
        let sha256 = credential(&table, secrets);
        let person = table.text("person").map(|s| s.value);
        let private = scopes(&table);
        let place = table.place.clone();
        table.done();
        if let (Some(name), Some(sha256)) = (name, sha256) {
            seen.check("token", &name, sha256, &place, root.sink);
            tokens.push(Token {
                name,
                sha256,
                person,
                private,
            });
        }
    }
    tokens
}

/// What a token may besides what every token may; true: it may see private incidents.
fn scopes(table: &Table<'_>) -> bool {
    let said = table.texts("scopes").unwrap_or_default();
    for scope in said.iter().filter(|s| s.value != "private") {
        let what = format!("`scopes` has {:?}, which is no scope", scope.value);
        let fix = "write scopes = [\"private\"] for private incidents, or leave it out";
        table.sink.fault(&scope.place, what, fix);
    }
    said.iter().any(|s| s.value == "private")
}

/// `[[sources]]`.
pub(super) fn sources(root: &Table<'_>, secrets: &Secrets<'_>) -> Vec<Source> {
    let mut seen = Seen::default();
    let mut sources = Vec::new();
    for table in root.tables("sources", "[[sources]]") {
        let name = name(&table);
        let sha256 = credential(&table, secrets);
        let resolve = table.duration_ms("resolve-timeout", RESOLVE_MS);
        let mapping = table
            .table("mapping", "[sources.mapping]")
            .map(|m| mapping(m));
        let place = table.place.clone();
        table.done();
        if let (Some(name), Some(sha256)) = (name, sha256) {
            seen.check("source", &name, sha256, &place, root.sink);
            // Five minutes is Alertmanager's own `resolve_timeout`.
            let resolve_timeout_ms = resolve.unwrap_or(300_000);
            sources.push(Source {
                name,
                sha256,
                resolve_timeout_ms,
                mapping,
            });
        }
    }
    sources
}

fn name(table: &Table<'_>) -> Option<String> {
    let said = table.need_text("name", "\"prometheus\"")?;
    if let Err(why) = super::folders::check_id(&said.value) {
        let what = format!("`name` cannot be {:?}: {why}", said.value);
        table
            .sink
            .fault(&said.place, what, "write name = \"prometheus\"");
        return None;
    }
    Some(said.value)
}

/// Names and tokens that were already given out.
#[derive(Default)]
struct Seen {
    names: BTreeSet<String>,
    digests: BTreeMap<[u8; 32], String>,
}

impl Seen {
    fn check(&mut self, noun: &str, name: &str, digest: [u8; 32], place: &Place, sink: &Sink) {
        if !self.names.insert(name.to_owned()) {
            let what = format!("there are two {noun}s called {name}");
            sink.fault(place, what, "give each its own name");
        } else if let Some(other) = self.digests.insert(digest, name.to_owned()) {
            let what = format!(
                "the {noun}s {other} and {name} have the same token, so nobody could tell them apart"
            );
            sink.fault(place, what, "give each its own token");
        }
    }
}

/// `token = "env:…"` or `sha256 = "hex"`, exactly one of them.
fn credential(table: &Table<'_>, secrets: &Secrets<'_>) -> Option<[u8; 32]> {
    let (token, digest) = (table.text("token"), table.text("sha256"));
    if let (Some(_), Some(digest)) = (&token, &digest) {
        let what = "`token` and `sha256` are both given";
        table.sink.fault(&digest.place, what, "keep one of them");
        return None;
    }
    if let Some(said) = digest {
        let digest = unhex(&said.value);
        if digest.is_none() {
            table.sink.fault(
                &said.place,
                "`sha256` is not 64 hexadecimal digits",
                "print it with: printf %s \"$TOKEN\" | sha256sum",
            );
        }
        return digest;
    }
    let Some(said) = token else {
        if !table.has("token") && !table.has("sha256") {
            table.missing("token", "\"env:NAME\" or \"file:/path\"");
        }
        return None;
    };
    let secret = secrets.need("token", &said, table.sink)?;
    if secret.expose_secret().len() < TOKEN_MIN {
        table.sink.warn(
            &said.place,
            format!("this token has fewer than {TOKEN_MIN} characters and can be guessed"),
            "use 32 random hexadecimal digits, such as from: openssl rand -hex 16",
        );
    }
    Some(sha256(secret.expose_secret().as_bytes()))
}

fn mapping(table: Table<'_>) -> Mapping {
    let pointer = |key: &'static str| pointer(key, table.text(key), table.sink);
    let pointers = |key: &'static str| -> BTreeMap<String, String> {
        let entries = table.map(key).into_iter();
        entries
            .map(|(name, said)| {
                let pointer = self::pointer(&name, Some(said), table.sink);
                (name, pointer)
            })
            .collect()
    };
    let mapping = Mapping {
        items: pointer("items"),
        fingerprint: pointer("fingerprint"),
        summary: pointer("summary"),
        status: pointer("status"),
        resolved_values: table.texts("resolved-values").map_or_else(
            || vec!["resolved".to_owned(), "ok".to_owned()],
            |said| said.into_iter().map(|s| s.value).collect(),
        ),
        severity: pointer("severity"),
        starts_at: pointer("starts-at"),
        url: pointer("url"),
        labels: pointers("labels"),
        annotations: pointers("annotations"),
    };
    for key in ["fingerprint", "summary"] {
        if !table.has(key) {
            table.missing(key, "\"/path/to/field\"");
        }
    }
    table.done();
    mapping
}

/// A JSON pointer (RFC 6901): empty, or beginning with `/`.
fn pointer(key: &str, said: Option<Said<String>>, sink: &Sink) -> String {
    let Some(said) = said else {
        return String::new();
    };
    if !said.value.is_empty() && !said.value.starts_with('/') {
        sink.fault(
            &said.place,
            format!("`{key}` is not a JSON pointer: {:?}", said.value),
            format!("write {key} = \"/{}\"", said.value.replace('.', "/")),
        );
    }
    said.value
}
