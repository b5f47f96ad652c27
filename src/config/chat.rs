//! `[[slack]]` and `[[discord]]`: the workspaces and guilds firebell is at home in.
//!
//! Each gets a name, `slack` or `discord` unless set. By this name people's identities and
//! contacts, the outbox and the journal know it, so renaming one is like moving to another.

use super::reader::{Said, Table, nearest};
use super::secret::{Secrets, unhex};
use super::settings::{check_channel, loopback_host, web_address};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// How a platform is reached. Self-hosters behind a proxy need all of it, and tests use it to
/// stand in for the platforms.
#[derive(Clone, Debug)]
pub struct Net {
    /// Base of the Web API, without a trailing slash.
    pub api_url: String,
    /// HTTP proxy for everything that goes to this platform; may hold a password.
    pub proxy: Option<SecretString>,
    /// PEM file of a certificate authority trusted besides the usual ones.
    pub extra_ca: Option<PathBuf>,
    /// A call that takes longer is taken for failed, milliseconds.
    pub timeout_ms: i64,
    /// From one message in a channel to the next, milliseconds.
    pub pace_ms: i64,
}

/// What Slack and Discord have in common.
#[derive(Clone, Debug)]
pub struct Place {
    /// The platform's name everywhere in firebell.
    pub name: String,
    /// Only incidents of these teams; empty: all.
    pub teams: Vec<String>,
    /// Rooms can be read by their crew only.
    pub private_rooms: bool,
    /// Channel for what has no other: news of another platform, cards of teams without a channel
    /// that could be used. By name.
    pub channel: String,
    /// Names of the emoji that put a message on the timeline, without colons.
    pub keep_reactions: Vec<String>,
    /// Command words besides `firebell`, such as `inc`, `page`, `oncall`.
    pub aliases: Vec<String>,
    /// How it is reached.
    pub net: Net,
}

/// A Slack workspace.
#[derive(Clone, Debug)]
pub struct Slack {
    /// What it has in common with the others.
    pub place: Place,
    /// `xoxb-…`, or the current one of a rotating pair.
    pub bot_token: SecretString,
    /// `xapp-…`: Socket Mode. `None`: signed HTTP.
    pub app_token: Option<SecretString>,
    /// Signed HTTP: the current signing secret, and the one before while it is being replaced.
    pub signing_secrets: Vec<SecretString>,
    /// Token rotation, when it is switched on for the app.
    pub rotation: Option<Rotation>,
}

/// What Slack needs to hand out a new bot token.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// Of the app.
    pub client_id: String,
    /// Of the app.
    pub client_secret: SecretString,
    /// The first one; later ones are kept in the database.
    pub refresh_token: SecretString,
}

/// A Discord guild.
#[derive(Clone, Debug)]
pub struct Discord {
    /// What it has in common with the others.
    pub place: Place,
    /// Bot token.
    pub token: SecretString,
    /// Application id.
    pub application: String,
    /// Guild id.
    pub guild: String,
    /// The application's public key: interactions come by signed HTTP and there is no gateway, so
    /// messages of rooms are not captured. `None`: the gateway.
    pub public_key: Option<[u8; 32]>,
    /// Category the rooms stand in, by name; made when it is not there.
    pub category: String,
    /// When the guild holds no more channels, the oldest archived room is removed.
    pub remove_oldest: bool,
    /// Address of the gateway instead of the one Discord answers.
    pub gateway_url: Option<String>,
}

/// Emoji people use in other tools for the same.
const KEEP: [&str; 2] = ["pushpin", "stopwatch"];
/// Command words a team may switch on; `firebell` always is.
pub const ALIASES: [&str; 4] = ["inc", "incident", "page", "oncall"];
/// Slack's documented rate for messages in one channel.
const SLACK_PACE_MS: i64 = 1000;
/// Discord tells its rates in headers; this only keeps bursts from hitting them (5 in 5 seconds).
const DISCORD_PACE_MS: i64 = 1000;
/// Slack and Discord answer within a second or not at all.
const TIMEOUT_MS: i64 = 10_000;

/// `[[slack]]`.
pub(super) fn slack(root: &Table<'_>, secrets: &Secrets<'_>) -> Vec<Slack> {
    let mut found = Vec::new();
    for table in root.tables("slack", "[[slack]]") {
        let place = place(
            &table,
            secrets,
            "slack",
            "https://slack.com/api",
            SLACK_PACE_MS,
        );
        let bot_token = secret(&table, secrets, "bot-token", true);
        let app_token = secret(&table, secrets, "app-token", false);
        let signing = ["signing-secret", "previous-signing-secret"];
        let signing_secrets: Vec<SecretString> = signing
            .into_iter()
            .filter_map(|key| secret(&table, secrets, key, false))
            .collect();
        if app_token.is_none()
            && signing_secrets.is_empty()
            && !table.has("app-token")
            && !table.has("signing-secret")
        {
            table.sink.fault(
                &table.place,
                "neither `app-token` nor `signing-secret` is given, so Slack could not reach firebell",
                "add app-token = \"env:SLACK_APP_TOKEN\" for Socket Mode (no public address needed), or signing-secret for HTTP",
            );
        }
        let rotation = rotation(&table, secrets);
        check_kind(
            &table,
            bot_token.as_ref(),
            "bot-token",
            &["xoxb-", "xoxe.xoxb-"],
        );
        check_kind(&table, app_token.as_ref(), "app-token", &["xapp-"]);
        table.done();
        if let Some(bot_token) = bot_token {
            found.push(Slack {
                place,
                bot_token,
                app_token,
                signing_secrets,
                rotation,
            });
        }
    }
    found
}

/// `[[discord]]`.
pub(super) fn discord(root: &Table<'_>, secrets: &Secrets<'_>) -> Vec<Discord> {
    let mut found = Vec::new();
    for table in root.tables("discord", "[[discord]]") {
        let api = "https://discord.com/api/v10";
        let place = place(&table, secrets, "discord", api, DISCORD_PACE_MS);
        let token = secret(&table, secrets, "token", true);
        let application = snowflake(&table, "application");
        let guild = snowflake(&table, "guild");
        let public_key = table
            .text("public-key")
            .and_then(|said| public_key(&table, &said));
        let category = table
            .text("category")
            .map_or_else(|| "Incidents".to_owned(), |s| s.value);
        let gateway_url = table.text("gateway-url").map(|s| s.value);
        let remove_oldest = when_full(&table);
        table.done();
        if let (Some(token), Some(application), Some(guild)) = (token, application, guild) {
            found.push(Discord {
                place,
                token,
                application,
                guild,
                public_key,
                category,
                remove_oldest,
                gateway_url,
            });
        }
    }
    found
}

/// Names that were given out twice, and the console's.
pub(super) fn check_names(root: &Table<'_>, slack: &[Slack], discord: &[Discord]) {
    let places = slack.iter().map(|s| ("slack", &s.place));
    let places = places.chain(discord.iter().map(|d| ("discord", &d.place)));
    let mut seen = BTreeSet::from(["console"]);
    for (key, place) in places {
        if !seen.insert(&place.name) {
            root.sink.fault(
                &root.place_of(key),
                format!("two chat platforms are called {}", place.name),
                format!("add name = \"{key}-2\" to one of them; identities and contacts use it"),
            );
        }
    }
}

fn place(
    table: &Table<'_>,
    secrets: &Secrets<'_>,
    default: &str,
    api: &str,
    pace_ms: i64,
) -> Place {
    let name = table.text("name");
    if let Some(said) = &name
        && let Err(why) = super::folders::check_id(&said.value)
    {
        let what = format!("`name` cannot be {:?}: {why}", said.value);
        table
            .sink
            .fault(&said.place, what, "write name = \"slack\"");
    }
    let channel = table.text("channel");
    if let Some(said) = &channel {
        check_channel(table, "channel", said);
    }
    let owned = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
    let reactions = table.texts("keep-reactions").map(|said| {
        said.into_iter()
            .map(|s| s.value.trim_matches(':').to_owned())
            .collect()
    });
    Place {
        name: name.map_or_else(|| default.to_owned(), |s| s.value),
        teams: table.words("teams"),
        private_rooms: table.flag("private-rooms").unwrap_or(false),
        channel: channel.map_or_else(|| "incidents".to_owned(), |s| s.value),
        keep_reactions: reactions.unwrap_or_else(|| owned(&KEEP)),
        aliases: aliases(table),
        net: net(table, secrets, api, pace_ms),
    }
}

fn aliases(table: &Table<'_>) -> Vec<String> {
    let said = table.texts("aliases").unwrap_or_default();
    for s in said.iter().filter(|s| !ALIASES.contains(&s.value.as_str())) {
        let fix = nearest(&s.value, ALIASES.into_iter()).map_or_else(
            || format!("write some of {}", ALIASES.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        let what = format!("`aliases` cannot hold {:?}", s.value);
        table.sink.fault(&s.place, what, fix);
    }
    said.into_iter().map(|s| s.value).collect()
}

pub(super) fn net(table: &Table<'_>, secrets: &Secrets<'_>, api: &str, pace_ms: i64) -> Net {
    let api_url = table.text("api-url");
    if let Some(said) = &api_url {
        let host = web_address(&said.value);
        let open = said.value.starts_with("http:");
        if host.is_none() || open && !host.is_some_and(|h| loopback_host(&h)) {
            let what = format!(
                "`api-url` cannot be {:?}: tokens would be sent there",
                said.value
            );
            let fix = format!("write an https address such as \"{api}\"");
            table.sink.fault(&said.place, what, fix);
        }
    }
    let (proxy, extra_ca) = way(table, secrets);
    Net {
        api_url: api_url.map_or_else(
            || api.to_owned(),
            |s| s.value.trim_end_matches('/').to_owned(),
        ),
        proxy,
        extra_ca,
        timeout_ms: table
            .duration_ms("timeout", 100..=60_000)
            .unwrap_or(TIMEOUT_MS),
        pace_ms: table.duration_ms("pace", 1..=60_000).unwrap_or(pace_ms),
    }
}

/// `proxy` and `extra-ca`.
pub(super) fn way(
    table: &Table<'_>,
    secrets: &Secrets<'_>,
) -> (Option<SecretString>, Option<PathBuf>) {
    let proxy = table.text("proxy").and_then(|said| {
        let found = secrets.find("proxy", &said, table.sink);
        let proxy = match found {
            super::secret::Found::Secret(secret) => secret,
            super::secret::Found::Literal(url) => SecretString::from(url),
            super::secret::Found::Nothing => return None,
        };
        if web_address(proxy.expose_secret()).is_none() {
            let what = "`proxy` is not an http address";
            let fix = "write proxy = \"http://proxy.example.org:3128\"";
            table.sink.fault(&said.place, what, fix);
        }
        Some(proxy)
    });
    let extra_ca = table.text("extra-ca").map(|s| secrets.base.join(s.value));
    (proxy, extra_ca)
}

pub(super) fn secret(
    table: &Table<'_>,
    secrets: &Secrets<'_>,
    key: &'static str,
    needed: bool,
) -> Option<SecretString> {
    let said = if needed {
        table.need_text(key, "\"env:NAME\" or \"file:/path\"")?
    } else {
        table.text(key)?
    };
    secrets.need(key, &said, table.sink)
}

fn rotation(table: &Table<'_>, secrets: &Secrets<'_>) -> Option<Rotation> {
    let client_id = table.text("client-id");
    let client_secret = secret(table, secrets, "client-secret", false);
    let refresh_token = secret(table, secrets, "refresh-token", false);
    match (client_id, client_secret, refresh_token) {
        (Some(id), Some(client_secret), Some(refresh_token)) => Some(Rotation {
            client_id: id.value,
            client_secret,
            refresh_token,
        }),
        (None, None, None) => None,
        _ => {
            table.sink.fault(
                &table.place,
                "token rotation needs `client-id`, `client-secret` and `refresh-token`, and not all are given",
                "add the missing ones, or remove all three",
            );
            None
        }
    }
}

/// A token of the wrong kind is the commonest slip of a first set-up.
fn check_kind(table: &Table<'_>, token: Option<&SecretString>, key: &'static str, heads: &[&str]) {
    let Some(token) = token else { return };
    if !heads
        .iter()
        .any(|head| token.expose_secret().starts_with(head))
    {
        let what = format!(
            "`{key}` leads to a token of another kind: it does not begin with {}",
            heads[0]
        );
        let fix = match key {
            "app-token" => {
                "use the app-level token with the scope connections:write (Basic Information)"
            }
            _ => "use the bot token of the page OAuth & Permissions",
        };
        table.sink.fault(&table.place_of(key), what, fix);
    }
}

/// What happens when a guild holds no more channels.
fn when_full(table: &Table<'_>) -> bool {
    let Some(said) = table.text("when-full") else {
        return true;
    };
    if !["remove-oldest", "say"].contains(&said.value.as_str()) {
        let what = format!("`when-full` cannot be {:?}", said.value);
        let fix = "write when-full = \"remove-oldest\" (the oldest archived room) or \"say\" (nothing is removed)";
        table.sink.fault(&said.place, what, fix);
    }
    said.value != "say"
}

fn snowflake(table: &Table<'_>, key: &'static str) -> Option<String> {
    let said = table.need_text(key, "\"1234567890123456789\"")?;
    let good =
        (15..=20).contains(&said.value.len()) && said.value.bytes().all(|b| b.is_ascii_digit());
    if !good {
        let what = format!("`{key}` cannot be {:?}: it is no id of Discord", said.value);
        let fix = "copy it with developer mode on: 17 to 20 digits";
        table.sink.fault(&said.place, what, fix);
        return None;
    }
    Some(said.value)
}

fn public_key(table: &Table<'_>, said: &Said<String>) -> Option<[u8; 32]> {
    let key = unhex(&said.value);
    if key.is_none() {
        let what = "`public-key` is not the public key of an application";
        let fix = "copy it from the application's page General Information: 64 hexadecimal digits";
        table.sink.fault(&said.place, what, fix);
    }
    key
}
