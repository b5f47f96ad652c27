//! The sections of `firebell.toml` that are read once at start.

use super::reader::{Said, Table, nearest};
use super::secret::{Found, Secrets};
use super::{Audit, Console, Limits, Settings, chat, engines, notify, sources};
use chrono_tz::Tz;
use secrecy::{ExposeSecret, SecretString};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

/// Everything of `firebell.toml` outside the directory. Faults go to the sink; what is wrong gets its default.
pub(super) fn settings(root: &Table<'_>, secrets: &Secrets<'_>) -> Settings {
    let listen = listen(root);
    let console = console(root, &listen);
    let data_dir = root
        .text("data-dir")
        .map_or_else(|| PathBuf::from("data"), |s| PathBuf::from(s.value));
    let data_dir = secrets.base.join(data_dir);
    let (log_format, log_filter) = log(root);
    let (slack, discord) = (chat::slack(root, secrets), chat::discord(root, secrets));
    chat::check_names(root, &slack, &discord);
    let notify = notify::providers(root, secrets);
    let exports = super::postmortem::exports(root, secrets);
    let engines = engines::engines(root, secrets);
    let insight = super::insight::insight(root, secrets);
    Settings {
        public_url: public_url(root, &listen),
        database_url: database(root, secrets, &data_dir),
        tokens: sources::tokens(root, secrets),
        sources: sources::sources(root, secrets),
        limits: limits(root),
        audit: audit(root, secrets),
        listen,
        data_dir,
        console,
        page: super::status_page::PageServing::default(),
        slack,
        discord,
        notify,
        exports,
        engines,
        insight,
        log_format,
        log_filter,
    }
}

fn listen(root: &Table<'_>) -> String {
    let default = "127.0.0.1:8080".to_owned();
    let Some(said) = root.text("listen") else {
        return default;
    };
    let port = said.value.strip_prefix("localhost:");
    let good =
        said.value.parse::<SocketAddr>().is_ok() || port.is_some_and(|p| p.parse::<u16>().is_ok());
    if !good {
        root.sink.fault(
            &said.place,
            format!(
                "`listen` cannot be {:?}: it is not an address with a port",
                said.value
            ),
            "write listen = \"127.0.0.1:8080\", \"[::1]:8080\" or \"0.0.0.0:8080\"",
        );
        return default;
    }
    said.value
}

/// Whether only this machine can reach an address with a port.
fn loopback(listen: &str) -> bool {
    listen.starts_with("localhost:")
        || listen
            .parse::<SocketAddr>()
            .is_ok_and(|a| a.ip().is_loopback())
}

fn public_url(root: &Table<'_>, listen: &str) -> String {
    let place = root.place_of("listen");
    if let Some(said) = root.text("public-url") {
        let url = said.value.trim_end_matches('/').to_owned();
        if web_address(&url).is_none() {
            root.sink.fault(
                &said.place,
                format!(
                    "`public-url` cannot be {:?}: it is not an http or https address",
                    said.value
                ),
                "write public-url = \"https://firebell.example.org\"",
            );
        }
        return url;
    }
    if listen
        .parse::<SocketAddr>()
        .is_ok_and(|a| a.ip().is_unspecified())
    {
        root.sink.warn(
            &place,
            format!("links in messages will point to http://{listen}, which is not an address people can open"),
            "add public-url = \"https://firebell.example.org\"",
        );
    }
    format!("http://{listen}")
}

fn database(root: &Table<'_>, secrets: &Secrets<'_>, data_dir: &Path) -> SecretString {
    let default = format!("sqlite:{}", data_dir.join("firebell.db").display());
    let Some(table) = root.table("database", "[database]") else {
        return default.into();
    };
    let said = table.text("url");
    table.done();
    let Some(said) = said else {
        return default.into();
    };
    let url = match secrets.find("url", &said, root.sink) {
        Found::Secret(url) => url.expose_secret().to_owned(),
        Found::Literal(url) if has_password(&url) => {
            root.sink.fault(
                &said.place,
                "`url` holds a password in the open",
                "write url = \"file:/path\" or \"env:NAME\" and keep the whole address there",
            );
            return default.into();
        }
        Found::Literal(url) => url,
        Found::Nothing => return default.into(),
    };
    let known = ["sqlite:", "postgres://", "postgresql://"];
    if !known.iter().any(|scheme| url.starts_with(scheme)) {
        root.sink.fault(
            &said.place,
            "`url` is not the address of a database firebell knows",
            "write url = \"sqlite:/var/lib/firebell/firebell.db\" or \"postgres://user@host/firebell\"",
        );
    }
    url.into()
}

/// `scheme://user:password@host` or a `password` parameter.
fn has_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or("");
    authority
        .rsplit_once('@')
        .is_some_and(|(user, _)| user.contains(':'))
        || url.contains("password=")
}

fn console(root: &Table<'_>, listen: &str) -> Console {
    let mut console = Console {
        enabled: true,
        demo: false,
        channels: vec!["general".to_owned()],
    };
    let Some(table) = root.table("console", "[console]") else {
        return console;
    };
    console.enabled = table.flag("enabled").unwrap_or(true);
    console.demo = table.flag("demo").unwrap_or(false);
    if let Some(said) = table.texts("channels") {
        for s in &said {
            check_channel(&table, "channels", s);
        }
        console.channels = said.into_iter().map(|s| s.value).collect();
    }
    if console.demo && !loopback(listen) {
        table.sink.fault(
            &table.place_of("demo"),
            format!(
                "`demo` lets anybody be anybody, and {listen} can be reached from other machines"
            ),
            "set listen = \"127.0.0.1:8080\", or demo = false",
        );
    }
    table.done();
    console
}

/// A channel's name, as Slack and the console allow it.
pub(super) fn check_channel(table: &Table<'_>, key: &str, said: &Said<String>) {
    if let Some(what) = channel_fault(key, &said.value) {
        let fix = "write it such as \"web-alerts\"";
        table.sink.fault(&said.place, what, fix);
    }
}

/// What is wrong with the name of a channel.
pub(super) fn channel_fault(key: &str, name: &str) -> Option<String> {
    let plain = |c: char| c.is_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let good = !name.is_empty() && name.chars().count() <= 80 && name.chars().all(plain);
    (!good).then(|| {
        format!("`{key}` cannot be {name:?}: a channel has up to 80 lower-case letters, digits, - and _, without #")
    })
}

fn limits(root: &Table<'_>) -> Limits {
    let mut limits = Limits::default();
    let Some(table) = root.table("limits", "[limits]") else {
        return limits;
    };
    let set = |slot: &mut usize, value: Option<usize>| *slot = value.unwrap_or(*slot);
    set(
        &mut limits.body_bytes,
        table.bytes("body-bytes", 1024..=64 * 1024 * 1024),
    );
    set(&mut limits.labels, table.bytes("labels", 1..=1024));
    set(
        &mut limits.label_bytes,
        table.bytes("label-bytes", 16..=1024 * 1024),
    );
    set(&mut limits.depth, table.bytes("depth", 4..=128));
    table.done();
    limits
}

fn audit(root: &Table<'_>, secrets: &Secrets<'_>) -> Audit {
    let mut audit = Audit::default();
    let Some(table) = root.table("audit", "[audit]") else {
        return audit;
    };
    if let Some(said) = table.text("key") {
        audit.key = secrets.need("key", &said, table.sink);
        let text = audit.key.as_ref().map_or("", |k| k.expose_secret());
        let good = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        if audit.key.is_some() && !good {
            let what = "`key` does not lead to 64 hexadecimal digits";
            let fix = "make one with: openssl rand -hex 32";
            table.sink.fault(&said.place, what, fix);
        }
    }
    if let Some(said) = table.texts("readers") {
        audit.readers = said.into_iter().map(|s| s.value).collect();
    }
    audit.every = table.int("every", 1..=1_000_000).unwrap_or(audit.every);
    table.done();
    audit
}

fn log(root: &Table<'_>) -> (String, String) {
    let (mut format, mut filter) = ("text".to_owned(), "info".to_owned());
    let Some(table) = root.table("log", "[log]") else {
        return (format, filter);
    };
    if let Some(said) = table.text("format") {
        if !["text", "json"].contains(&said.value.as_str()) {
            let what = format!("`format` cannot be {:?}", said.value);
            table
                .sink
                .fault(&said.place, what, "write format = \"text\" or \"json\"");
        }
        format = said.value;
    }
    if let Some(said) = table.text("filter") {
        if let Err(e) = tracing_subscriber::EnvFilter::try_new(&said.value) {
            let what = format!("`filter` is not a filter: {e}");
            table.sink.fault(
                &said.place,
                what,
                "write filter = \"info\" or \"firebell=debug,warn\"",
            );
        }
        filter = said.value;
    }
    table.done();
    (format, filter)
}

/// An IANA zone under `zone`; without one `default`, and without that a fault.
pub(super) fn zone(table: &Table<'_>, default: Option<Tz>) -> Option<Tz> {
    let Some(said) = table.text("zone") else {
        if default.is_none() && !table.has("zone") {
            table.missing(
                "zone",
                "\"Europe/Berlin\" (or set zone in firebell.toml for everything)",
            );
        }
        return default;
    };
    parse_zone(table, &said)
}

/// Reads an IANA zone.
pub(super) fn parse_zone(table: &Table<'_>, said: &Said<String>) -> Option<Tz> {
    let zone = said.value.parse::<Tz>().ok();
    if zone.is_none() {
        let names = || chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
        let fix = nearest(&said.value, names()).map_or_else(
            || "write a zone such as \"Europe/Berlin\" or \"UTC\"".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        let what = format!("`zone` cannot be {:?}: it is not a time zone", said.value);
        table.sink.fault(&said.place, what, fix);
    }
    zone
}

/// The host of an http or https address.
pub(super) fn web_address(url: &str) -> Option<String> {
    let url = reqwest::Url::parse(url).ok()?;
    let web = matches!(url.scheme(), "http" | "https");
    web.then(|| url.host_str().map(str::to_owned)).flatten()
}

/// Whether a host name or address is this machine.
pub(super) fn loopback_host(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
