//! Slack's own description of its Web API, against which every call is held.
//!
//! The document is frozen since 2021. What came later is listed here, each with its reason; whatever
//! is neither there nor here is a violation.

use super::model::Call;
use serde_json::Value;
use std::path::PathBuf;

/// Method (`*` is every one), parameter and why it is right although the document does not know it.
const NEWER: &[(&str, &str, &str)] = &[
    (
        "*",
        "team_id",
        "org-wide apps, 2021; Bolt adds it to every call",
    ),
    ("chat.postMessage", "metadata", "message metadata, 2022"),
    ("chat.update", "metadata", "message metadata, 2022"),
    (
        "chat.postMessage",
        "client_msg_id",
        "undocumented hint against duplicates",
    ),
    (
        "chat.update",
        "reply_broadcast",
        "on the method's page since 2021",
    ),
    ("chat.update", "unfurl_links", "sent by slack_sdk; ignored"),
    (
        "chat.postEphemeral",
        "metadata",
        "slack-morphism's type has it",
    ),
    (
        "conversations.history",
        "include_all_metadata",
        "message metadata, 2022",
    ),
    (
        "conversations.replies",
        "include_all_metadata",
        "message metadata, 2022",
    ),
    (
        "conversations.invite",
        "force",
        "invites those who can be, 2023",
    ),
    (
        "conversations.open",
        "prevent_creation",
        "on the method's page since 2021",
    ),
    ("oauth.v2.access", "grant_type", "token rotation, 2021"),
    ("oauth.v2.access", "refresh_token", "token rotation, 2021"),
];

/// The document marks these as needed, and the method's page no longer does.
const OPTIONAL: &[(&str, &str, &str)] = &[
    ("oauth.v2.access", "code", "a refresh token takes its place"),
    (
        "views.open",
        "trigger_id",
        "an answer to a missing one is the method's own",
    ),
];

/// Parameters Slack takes in another type than the document says.
const TYPES: &[(&str, &str, &str)] = &[
    (
        "conversations.invite",
        "users",
        "slack-morphism sends a list",
    ),
    ("conversations.open", "users", "slack-morphism sends a list"),
    ("chat.update", "link_names", "a flag on the method's page"),
    ("chat.postMessage", "as_user", "a flag on the method's page"),
    ("chat.update", "as_user", "a flag on the method's page"),
];

/// Methods that read their arguments from a form or the address only (the content types on their pages).
const FORM_ONLY: [&str; 14] = [
    "chat.getPermalink",
    "conversations.history",
    "conversations.info",
    "conversations.list",
    "conversations.members",
    "conversations.replies",
    "conversations.unarchive",
    "files.getUploadURLExternal",
    "oauth.v2.access",
    "pins.list",
    "usergroups.list",
    "users.conversations",
    "users.info",
    "users.list",
];

pub struct Spec(Value);

impl Spec {
    /// The folder of documents by others, beside the repository or named by `FIREBELL_SPECS`.
    pub fn folder() -> PathBuf {
        let own = std::env::var_os("FIREBELL_SPECS").map(PathBuf::from);
        let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/specs");
        own.unwrap_or_else(beside)
    }

    /// The document, or `None` after saying that nothing is held against it.
    pub fn read() -> Option<Spec> {
        let path = Spec::folder().join("slack_web_openapi.json");
        let Ok(text) = std::fs::read_to_string(path) else {
            crate::tools::skip(
                "Slack's OpenAPI document not found (FIREBELL_SPECS); calls are not held against it",
            );
            return None;
        };
        Some(Spec(serde_json::from_str(&text).unwrap()))
    }

    /// Says what is wrong with a call.
    pub fn check(&self, call: &Call, violations: &mut Vec<String>) {
        let method = call.method.as_str();
        if call.json && FORM_ONLY.contains(&method) && !call.args.is_empty() {
            violations.push(format!("{method} reads no JSON"));
        }
        let path = &self.0["paths"][format!("/{method}")];
        let Some(operation) = path.as_object().and_then(|p| p.values().next()) else {
            return;
        };
        let known = operation["parameters"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        for parameter in known {
            let name = parameter["name"].as_str().unwrap_or("");
            if name != "token" {
                check_known(call, name, parameter, violations);
            }
        }
        for name in call.args.keys() {
            let documented = known.iter().any(|p| p["name"] == name.as_str());
            if !documented && !listed(NEWER, method, name) {
                violations.push(format!("{method} has no parameter `{name}`"));
            }
        }
    }
}

fn check_known(call: &Call, name: &str, parameter: &Value, violations: &mut Vec<String>) {
    let method = call.method.as_str();
    let needed = parameter["required"] == true && !listed(OPTIONAL, method, name);
    let kind = parameter["type"].as_str().unwrap_or("string");
    match call.args.get(name) {
        None if needed => violations.push(format!("{method} needs `{name}`")),
        None => {}
        Some(value) if fits(value, kind, name) || listed(TYPES, method, name) => {}
        Some(value) => {
            violations.push(format!(
                "{method}: `{name}` is to be a {kind} and is {value}"
            ));
        }
    }
}

fn listed(list: &[(&str, &str, &str)], method: &str, name: &str) -> bool {
    let same = |m: &str| m == method || m == "*";
    list.iter().any(|(m, n, _)| same(m) && *n == name)
}

fn fits(value: &Value, kind: &str, name: &str) -> bool {
    let text = value.as_str();
    match kind {
        "boolean" => value.is_boolean() || matches!(text, Some("true" | "false" | "1" | "0")),
        "integer" => value.is_u64() || text.is_some_and(|t| t.parse::<u64>().is_ok()),
        "number" => value.is_number() || text.is_some_and(|t| t.parse::<f64>().is_ok()),
        // structures: text in a form, themselves in JSON
        _ if matches!(name, "blocks" | "attachments" | "view") => {
            text.is_some() || value.is_array() || value.is_object()
        }
        _ => text.is_some(),
    }
}
