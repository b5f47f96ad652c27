//! Tokens, what they may do, and how they are exchanged for new ones.

use super::args::{Answer, Args, Fail, fail, object};
use super::model::Kind;
use super::state::State;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// What the app is granted at first: all that an app for incidents uses.
pub const SCOPES: [&str; 26] = [
    "app_mentions:read",
    "bookmarks:read",
    "bookmarks:write",
    "channels:history",
    "channels:join",
    "channels:manage",
    "channels:read",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "groups:write",
    "im:history",
    "im:read",
    "im:write",
    "mpim:read",
    "mpim:write",
    "pins:read",
    "pins:write",
    "reactions:read",
    "reactions:write",
    "usergroups:read",
    "users:read",
    "users:read.email",
];

#[derive(Clone, Debug)]
pub struct Token {
    pub team: String,
    /// `xoxb-` acts in a team, `xapp-` only opens sockets.
    pub app_level: bool,
    /// What every call with it is told instead: `invalid_auth`, `token_revoked` and the like.
    pub refused: Option<String>,
    pub expires: Option<u64>,
}

#[derive(Default)]
pub struct Tokens {
    pub all: BTreeMap<String, Token>,
    /// Refresh token to its team; an empty team means that it was used.
    pub refresh: BTreeMap<String, String>,
    /// Authorisation code to its team.
    pub codes: BTreeMap<String, String>,
    pub scopes: BTreeSet<String>,
    pub client_id: String,
    pub client_secret: String,
}

impl State {
    /// Whose token it is, or why it is good for nothing.
    pub fn authenticate(&self, token: Option<&str>, method: &str) -> Result<Token, Fail> {
        let Some(token) = token else {
            return fail("not_authed");
        };
        let Some(known) = self.tokens.all.get(token) else {
            return fail("invalid_auth");
        };
        if let Some(error) = &known.refused {
            return fail(error);
        }
        if known.expires.is_some_and(|at| at <= self.clock.secs()) {
            return fail("token_expired");
        }
        if known.app_level != (method == "apps.connections.open") {
            return fail("not_allowed_token_type");
        }
        Ok(known.clone())
    }

    /// The scope a call lacks. One of each group is enough.
    pub fn lacking(&self, method: &str, kind: Kind, args: Args) -> Option<String> {
        let needed = needed(method, kind, args);
        let granted = &self.tokens.scopes;
        let lacks = |any: &Vec<String>| !any.is_empty() && !any.iter().any(|s| granted.contains(s));
        needed.into_iter().find(lacks).map(|any| any[0].clone())
    }

    pub fn missing_scope(&self, needed: &str) -> Fail {
        let provided = self.granted();
        Fail::with(
            "missing_scope",
            json!({"needed": needed, "provided": provided}),
        )
    }

    /// As the header `x-oauth-scopes` has it.
    pub fn granted(&self) -> String {
        let all: Vec<&str> = self.tokens.scopes.iter().map(String::as_str).collect();
        all.join(",")
    }

    pub fn issue(&mut self, team: &str, prefix: &str, expires: Option<u64>) -> String {
        let token = format!("{prefix}-{:032x}", fastrand::u128(..));
        let known = Token {
            team: team.to_owned(),
            app_level: prefix == "xapp-1",
            refused: None,
            expires,
        };
        self.tokens.all.insert(token.clone(), known);
        token
    }

    pub fn issue_refresh(&mut self, team: &str) -> String {
        let token = format!("xoxe-1-{:032x}", fastrand::u128(..));
        self.tokens.refresh.insert(token.clone(), team.to_owned());
        token
    }

    /// `oauth.v2.access`: a code or a refresh token for an access token.
    pub fn exchange(&mut self, args: Args) -> Answer {
        if args.str("client_id") != self.tokens.client_id {
            return fail("invalid_client_id");
        }
        if args.str("client_secret") != self.tokens.client_secret {
            return fail("bad_client_secret");
        }
        let team = if args.str("grant_type") == "refresh_token" {
            let known = self.tokens.refresh.get_mut(args.str("refresh_token"));
            let Some(team) = known.map(std::mem::take).filter(|team| !team.is_empty()) else {
                return fail("invalid_refresh_token");
            };
            self.retire(&team);
            team
        } else {
            let code = self.tokens.codes.remove(args.str("code"));
            code.ok_or(Fail::from("invalid_code"))?
        };
        let life = self.tune.token_life.as_secs();
        let expires = Some(self.clock.secs() + life);
        let access = self.issue(&team, "xoxe.xoxb-1", expires);
        let refresh = self.issue_refresh(&team);
        Ok(object(json!({
            "app_id": self.app_id,
            "token_type": "bot",
            "scope": self.granted(),
            "access_token": access,
            "refresh_token": refresh,
            "expires_in": life,
            "bot_user_id": self.team(&team).bot_user,
            "team": {"id": team, "name": self.team(&team).domain},
            "enterprise": null,
            "is_enterprise_install": false,
        })))
    }

    /// Access tokens of a team that were issued with an end are over.
    fn retire(&mut self, team: &str) {
        let now = self.clock.secs();
        let all = self.tokens.all.values_mut();
        for token in all.filter(|t| t.team == team && t.expires.is_some()) {
            token.expires = Some(now);
        }
    }
}

/// Groups of scopes, of which a call needs one each (the pages of the methods on docs.slack.dev).
fn needed(method: &str, kind: Kind, args: Args) -> Vec<Vec<String>> {
    let family = match kind {
        Kind::Public => "channels",
        Kind::Private => "groups",
        Kind::Direct => "im",
        Kind::Group => "mpim",
    };
    let write = match kind {
        Kind::Public => "channels:manage".to_owned(),
        _ => format!("{family}:write"),
    };
    let one = |scope: &str| vec![vec![scope.to_owned()]];
    let either = |scope: String, also: &str| vec![vec![scope, format!("{family}:{also}")]];
    match method {
        "conversations.create" if args.flag("is_private") => one("groups:write"),
        "conversations.create" => one("channels:manage"),
        "conversations.open" if args.list("users").len() > 1 => one("mpim:write"),
        "conversations.open" => one("im:write"),
        "conversations.join" => one("channels:join"),
        "conversations.invite" => either(write, "write.invites"),
        "conversations.setTopic" | "conversations.setPurpose" => either(write, "write.topic"),
        "conversations.list" | "users.conversations" => types(args),
        "conversations.info" | "conversations.members" => one(&format!("{family}:read")),
        "conversations.history" | "conversations.replies" => one(&format!("{family}:history")),
        "chat.getPermalink" => Vec::new(),
        "users.lookupByEmail" => one("users:read.email"),
        "usergroups.list" => one("usergroups:read"),
        "pins.list" => one("pins:read"),
        "bookmarks.list" => one("bookmarks:read"),
        m if m.starts_with("conversations.") => one(&write),
        m if m.starts_with("chat.") => one("chat:write"),
        m if m.starts_with("pins.") => one("pins:write"),
        m if m.starts_with("bookmarks.") => one("bookmarks:write"),
        m if m.starts_with("reactions.") => one("reactions:write"),
        m if m.starts_with("users.") => one("users:read"),
        m if m.starts_with("files.") => one("files:write"),
        _ => Vec::new(),
    }
}

fn types(args: Args) -> Vec<Vec<String>> {
    let mut asked = args.list("types");
    if asked.is_empty() {
        asked.push("public_channel".to_owned());
    }
    let scope = |kind: &String| match kind.as_str() {
        "private_channel" => vec!["groups:read".to_owned()],
        "im" => vec!["im:read".to_owned()],
        "mpim" => vec!["mpim:read".to_owned()],
        _ => vec!["channels:read".to_owned()],
    };
    asked.iter().map(scope).collect()
}
