//! The app manifest: everything Slack has to know of firebell, to be pasted when the app is made.
//!
//! Made from the same tables the program works by: the scopes it checks at start, the commands and
//! their aliases, the shortcut it listens for. The same settings make the same text.

use super::inbound::{DECLARE, SHORTCUT};
use super::scopes::SCOPES;
use crate::chat::surface::Tree;
use std::fmt::Write;

/// Events firebell hears, in the order of the manifest.
const EVENTS: [&str; 21] = [
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "channel_archive",
    "channel_deleted",
    "channel_rename",
    "channel_unarchive",
    "group_archive",
    "group_deleted",
    "group_rename",
    "group_unarchive",
    "member_joined_channel",
    "member_left_channel",
    "message.channels",
    "message.groups",
    "message.im",
    "pin_added",
    "pin_removed",
    "reaction_added",
    "reaction_removed",
    "tokens_revoked",
];
/// Characters of a command's description and usage hint that Slack shows whole.
const HINT: usize = 75;

/// The manifest as YAML (docs.slack.dev, "App manifest reference"). `public_url` is where Slack
/// reaches the doors of this workspace, such as `https://fb.example/slack/slack`; with Socket Mode
/// it needs none. `aliases` are the command words besides `/firebell`.
#[must_use]
pub fn manifest(tree: &Tree, socket: bool, public_url: Option<&str>, aliases: &[String]) -> String {
    let base = if socket { None } else { public_url };
    let base = base.map(|url| url.trim_end_matches('/'));
    let mut out = String::from(HEAD);
    push_commands(&mut out, tree, base, aliases);
    out.push_str("oauth_config:\n  scopes:\n    bot:\n");
    for scope in SCOPES {
        line(&mut out, &format!("      - {}", scope.name));
    }
    out.push_str("settings:\n  event_subscriptions:\n");
    request_url(&mut out, "    ", "request_url", base, "events");
    out.push_str("    bot_events:\n");
    for event in EVENTS {
        line(&mut out, &format!("      - {event}"));
    }
    out.push_str("  interactivity:\n    is_enabled: true\n");
    request_url(&mut out, "    ", "request_url", base, "interactivity");
    out.push_str("  org_deploy_enabled: false\n");
    line(&mut out, &format!("  socket_mode_enabled: {socket}"));
    out.push_str("  token_rotation_enabled: false\n");
    out
}

const HEAD: &str = "\
display_information:
  name: firebell
  description: Incidents, on-call and runbooks, from your own server
  background_color: \"#7f1d1d\"
features:
  app_home:
    home_tab_enabled: true
    messages_tab_enabled: true
    messages_tab_read_only_enabled: false
  bot_user:
    display_name: firebell
    always_online: true
";

fn push_commands(out: &mut String, tree: &Tree, base: Option<&str>, aliases: &[String]) {
    let verbs: Vec<&str> = tree.commands.iter().map(|c| c.verb.as_str()).collect();
    let verbs = format!("[{}] …", verbs.join("|"));
    let mut commands = vec![("firebell", "Incidents, on-call and runbooks", verbs.clone())];
    for alias in aliases {
        // `/page` and `/oncall` are commands of the tree; the others are firebell by another name.
        let leaf = tree.find(alias).filter(|_| !tree.is_root(alias));
        match leaf {
            Some(leaf) => {
                let args: Vec<String> = leaf.args.iter().map(|a| format!("[{}]", a.name)).collect();
                commands.push((alias, &leaf.help, args.join(" ")));
            }
            None => commands.push((alias, "firebell, by another name", verbs.clone())),
        }
    }
    out.push_str("  slash_commands:\n");
    for (word, help, hint) in commands {
        line(out, &format!("    - command: /{word}"));
        request_url(out, "      ", "url", base, "commands");
        line(out, &format!("      description: {}", quoted(help)));
        line(out, &format!("      usage_hint: {}", quoted(&hint)));
        line(out, "      should_escape: true");
    }
    out.push_str("  shortcuts:\n    - name: Add to timeline\n      type: message\n");
    line(out, &format!("      callback_id: {SHORTCUT}"));
    line(
        out,
        "      description: Put this message on the incident's timeline",
    );
    out.push_str("    - name: Declare an incident\n      type: message\n");
    line(out, &format!("      callback_id: {DECLARE}"));
    line(
        out,
        "      description: Declare an incident; this message is its description",
    );
}

fn line(out: &mut String, text: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{text}");
}

fn request_url(out: &mut String, indent: &str, name: &str, base: Option<&str>, door: &str) {
    if let Some(base) = base {
        line(
            out,
            &format!("{indent}{name}: {}", quoted(&format!("{base}/{door}"))),
        );
    }
}

/// A YAML string; JSON's quotes are YAML's.
fn quoted(text: &str) -> String {
    let short = super::text::clip(
        text,
        HINT.max(if text.starts_with("http") { 3000 } else { 0 }),
    );
    serde_json::Value::String(short).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::surface::tree;

    #[test]
    fn a_manifest_names_every_scope_once_and_addresses_only_without_a_socket() {
        let socket = manifest(tree(), true, Some("https://fb.example/slack/slack"), &[]);
        assert!(!socket.contains("https://") && socket.contains("socket_mode_enabled: true"));
        for scope in SCOPES {
            let entry = format!("      - {}\n", scope.name);
            assert_eq!(socket.matches(&entry).count(), 1, "{}", scope.name);
        }
        let aliases = ["page", "inc"].map(str::to_owned);
        let http = manifest(
            tree(),
            false,
            Some("https://fb.example/slack/slack/"),
            &aliases,
        );
        for wanted in [
            "request_url: \"https://fb.example/slack/slack/events\"",
            "request_url: \"https://fb.example/slack/slack/interactivity\"",
            "url: \"https://fb.example/slack/slack/commands\"",
            "command: /page",
            "command: /inc",
            "socket_mode_enabled: false",
        ] {
            assert!(http.contains(wanted), "{wanted}\n{http}");
        }
    }
}
