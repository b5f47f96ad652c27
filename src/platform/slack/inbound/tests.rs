//! Slack's own example payloads, and the shapes around them.
//!
//! The examples are Bolt's (slackapi/bolt-python), in a folder beside the repository or named by
//! `FIREBELL_SPECS`.

use super::*;
use crate::chat::heard::HeardFile;
use crate::platform::slack::view;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

const NOW: Time = Time(1_794_830_400_000);

fn own() -> Own {
    Own {
        team: "T111".to_owned(),
        user: "UBOT".to_owned(),
        bot: "BBOT".to_owned(),
        app: "A111".to_owned(),
    }
}

fn reading(payload: &Value) -> Reading {
    let words = |all: &[&str]| all.iter().map(|w| (*w).to_owned()).collect::<Vec<String>>();
    let (aliases, keep) = (words(&["inc", "page", "oncall"]), words(&["pushpin"]));
    let named = |id: &str| (id == "U1").then(|| "Ana Alves".to_owned());
    let person = |id: &str| (id == "U1").then(|| "ana".to_owned());
    let context = Context {
        platform: "slack",
        own: &own(),
        aliases: &aliases,
        keep: &keep,
        now: NOW,
        name: &named,
        person: &person,
    };
    read(payload, &context)
}

fn heard(payload: &Value) -> Heard {
    match reading(payload) {
        Reading::Heard(heard) => *heard,
        other => panic!("{other:?} from {payload}"),
    }
}

/// `said`, `ignored: why`, `unknown kind`.
fn word(reading: &Reading) -> String {
    match reading {
        Reading::Heard(heard) => match &heard.deed {
            Deed::Line { .. } => "line",
            Deed::Typed { .. } => "typed",
            Deed::Press { .. } => "press",
            Deed::Submit { .. } => "submit",
            Deed::Said { .. } => "said",
            Deed::Edited { .. } => "edited",
            Deed::Deleted { .. } => "deleted",
            Deed::Kept { .. } => "kept",
            Deed::Unkept { .. } => "unkept",
            Deed::Joined => "joined",
            Deed::Left => "left",
            Deed::Home => "home",
            Deed::Declare { .. } => "declare",
        }
        .to_owned(),
        Reading::News(News::Channel(_)) => "news of a channel".to_owned(),
        Reading::News(News::TokenGone(_)) => "news of the token".to_owned(),
        Reading::Ignored(_) => "ignored".to_owned(),
        Reading::Unknown(kind) => format!("unknown {kind}"),
    }
}

/// The folder of examples, or `None` after saying that the test is skipped.
fn examples() -> Option<PathBuf> {
    let own = std::env::var_os("FIREBELL_SPECS").map(PathBuf::from);
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/specs");
    let folder = own.unwrap_or_else(beside).join("slack-bolt-payloads");
    if folder.is_dir() {
        return Some(folder);
    }
    let required = std::env::var("FIREBELL_REQUIRE_TOOLS").is_ok_and(|v| v == "1");
    assert!(
        !required,
        "Bolt's payloads are required and not there (FIREBELL_SPECS)"
    );
    // Past the capture of the test runner, so that it is seen.
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED: Bolt's payloads not found (FIREBELL_SPECS)"
    );
    None
}

/// What each example is, by the beginning of its name; the longest that fits counts.
const WANTED: [(&str, &str); 41] = [
    ("block_actions.", "ignored"),
    ("block_suggestion.", "unknown block_suggestion"),
    ("dialog_cancellation.", "unknown dialog_cancellation"),
    ("dialog_submission.", "unknown dialog_submission"),
    ("dialog_suggestion.", "unknown dialog_suggestion"),
    ("event_callback.app.app_mention", "ignored"),
    ("event_callback.app_bot_only.app_mention", "ignored"),
    ("event_callback.app_custom_authorize.app_mention", "ignored"),
    ("event_callback.events.app_uninstalled", "news of the token"),
    ("event_callback.events.body", "left"),
    ("event_callback.events.join_event", "joined"),
    ("event_callback.events.left_event", "left"),
    ("event_callback.events.message_file_share", "said"),
    ("event_callback.events.tokens_revoked", "news of the token"),
    ("event_callback.events.valid_event", "ignored"),
    ("event_callback.events.valid_reaction_added", "ignored"),
    ("event_callback.events_ignore_self.", "ignored"),
    ("event_callback.events_org_apps.", "said"),
    ("event_callback.events_request_verification.", "ignored"),
    ("event_callback.events_say_stream.", "ignored"),
    (
        "event_callback.events_shared_channels.app_uninstalled",
        "news of the token",
    ),
    ("event_callback.events_shared_channels.event", "ignored"),
    ("event_callback.events_shared_channels.join", "joined"),
    ("event_callback.events_shared_channels.left", "left"),
    (
        "event_callback.events_shared_channels.tokens",
        "news of the token",
    ),
    ("event_callback.events_shared_channels.valid", "ignored"),
    (
        "event_callback.events_socket_mode.app_uninstalled",
        "news of the token",
    ),
    ("event_callback.events_socket_mode.event", "ignored"),
    ("event_callback.events_socket_mode.join", "joined"),
    ("event_callback.events_socket_mode.left", "left"),
    (
        "event_callback.events_socket_mode.tokens",
        "news of the token",
    ),
    ("event_callback.events_socket_mode.valid", "ignored"),
    (
        "event_callback.events_token_revocations.",
        "news of the token",
    ),
    (
        "event_callback.function.",
        "unknown event.function_executed",
    ),
    ("event_callback.message", "said"),
    (
        "event_callback.workflow_steps",
        "unknown event.workflow_step_execute",
    ),
    ("message_action.", "ignored"),
    ("shortcut.", "ignored"),
    ("slash.", "unknown command"),
    ("view_closed.", "ignored"),
    ("view_submission.", "ignored"),
];

/// Those that are another thing than their family.
const OTHERS: [(&str, &str); 6] = [
    ("event_callback.message_bot.bot_message", "ignored"),
    ("event_callback.message_bot.classic", "ignored"),
    ("event_callback.message_changed.", "edited"),
    ("event_callback.message_deleted.", "deleted"),
    ("interactive_message.", "unknown interactive_message"),
    ("workflow_step_edit.", "unknown workflow_step_edit"),
];

#[test]
fn every_example_of_slacks_own_is_read_as_what_it_is() {
    let Some(folder) = examples() else { return };
    let mut wrong = Vec::new();
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let payload: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let table = WANTED.iter().chain(&OTHERS);
        let fits = table.filter(|(start, _)| name.starts_with(start));
        let wanted = fits.max_by_key(|(start, _)| start.len());
        let got = match name.as_str() {
            n if n.starts_with("url_verification.") => continue,
            _ => word(&reading(&payload)),
        };
        seen += 1;
        if wanted.is_none_or(|(_, wanted)| *wanted != got) {
            wrong.push(format!("{name}: {got}, not {wanted:?}"));
        }
        let _ = (teams(&payload), people(&payload));
    }
    assert!(seen > 60, "only {seen} examples");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn event(event: &Value) -> Value {
    json!({"type": "event_callback", "event_id": "Ev1", "team_id": "T111", "event": event})
}

fn message(more: &Value) -> Value {
    let mut one = json!({
        "type": "message", "user": "U1", "text": "see <@U1> &amp; <#C2|web>",
        "ts": "1652227646.593159", "event_ts": "1652227646.593159",
        "channel": "C1", "channel_type": "channel", "team": "T111",
    });
    for (name, value) in more.as_object().unwrap() {
        one[name] = value.clone();
    }
    event(&one)
}

#[test]
fn a_message_is_plain_text_with_its_author_and_time() {
    let heard = heard(&message(&json!({"files": [{"name": "graph.png"}]})));
    assert_eq!(heard.key, "event:Ev1");
    assert_eq!(heard.at, Time(1_652_227_646_593));
    assert_eq!(
        (heard.by.id.as_str(), heard.by.name.as_str()),
        ("U1", "Ana Alves")
    );
    assert_eq!(
        (heard.room.as_str(), heard.by.home.as_str()),
        ("C1", "T111")
    );
    let wanted = Deed::Said {
        message: "1652227646.593159".to_owned(),
        text: "see @Ana Alves & #web\n[file: graph.png]".to_owned(),
        answers: String::new(),
        files: vec![HeardFile {
            name: "graph.png".to_owned(),
            ..HeardFile::default()
        }],
    };
    assert_eq!(heard.deed, wanted);
}

#[test]
fn bots_and_firebell_are_never_heard() {
    for more in [
        json!({"bot_id": "B1"}),
        json!({"bot_id": "BBOT", "user": "UBOT"}),
        json!({"user": "UBOT"}),
        json!({"user": "USLACKBOT"}),
        json!({"subtype": "bot_message"}),
        json!({"subtype": "channel_join"}),
        json!({"subtype": "message_changed", "message": {"bot_id": "B1", "ts": "1.1", "text": "x"}}),
        json!({"subtype": "message_deleted", "deleted_ts": "1.1", "previous_message": {"user": "UBOT"}}),
    ] {
        assert_eq!(word(&reading(&message(&more))), "ignored", "{more}");
    }
    let pin = json!({"type": "pin_added", "user": "UBOT", "channel_id": "C1", "item": {"message": {"ts": "1.1"}}});
    assert_eq!(word(&reading(&event(&pin))), "ignored");
}

#[test]
fn edits_and_deletions_say_which_message() {
    let edit = |now: &str, before: &str| {
        message(&json!({
            "subtype": "message_changed", "text": "",
            "message": {"user": "U1", "ts": "5.5", "text": now, "edited": {"user": "U1"}},
            "previous_message": {"user": "U1", "ts": "5.5", "text": before},
        }))
    };
    let wanted = Deed::Edited {
        message: "5.5".to_owned(),
        text: "new".to_owned(),
    };
    assert_eq!(heard(&edit("new", "old")).deed, wanted);
    // A preview that was added to it changes no words.
    assert_eq!(word(&reading(&edit("same", "same"))), "ignored");
    let gone = message(&json!({
        "subtype": "message_deleted", "deleted_ts": "5.5",
        "previous_message": {"user": "U1", "ts": "5.5", "text": "old"},
    }));
    let wanted = Deed::Deleted {
        message: "5.5".to_owned(),
    };
    assert_eq!(heard(&gone).deed, wanted);
}

#[test]
fn whoever_writes_to_firebell_commands_it() {
    let line = |payload: &Value| match heard(payload).deed {
        Deed::Line { text } => text,
        other => panic!("{other:?}"),
    };
    let direct = json!({"channel": "D1", "channel_type": "im", "text": "page <@U1>"});
    assert_eq!(line(&message(&direct)), "page @ana");
    let mention = json!({"type": "app_mention", "text": "<@UBOT> ack #42", "thread_ts": "4.4"});
    let mention = message(&mention);
    assert_eq!(line(&mention), "ack #42");
    assert_eq!(heard(&mention).reply_to["thread"], "4.4");
    let passing = json!({"type": "app_mention", "text": "ask <@UBOT>"});
    assert_eq!(word(&reading(&message(&passing))), "ignored");
    // The same words come as a message too.
    assert_eq!(
        word(&reading(&message(&json!({"text": "<@UBOT> ack"})))),
        "ignored"
    );
    let slash = |command: &str, text: &str| {
        json!({"command": command, "text": text, "user_id": "U1", "user_name": "ana", "team_id": "T111",
            "channel_id": "C1", "trigger_id": "1.2", "response_url": "https://hooks.slack.com/x"})
    };
    assert_eq!(line(&slash("/firebell", "ack 42")), "ack 42");
    assert_eq!(line(&slash("/inc", "")), "");
    assert_eq!(
        line(&slash("/page", "<@U1|ana> it is down")),
        "page @ana it is down"
    );
    assert_eq!(line(&slash("/oncall", "")), "oncall");
    assert_eq!(word(&reading(&slash("/incident", ""))), "unknown command");
    let heard = heard(&slash("/firebell", "help"));
    assert_eq!(heard.key, "command:1.2");
    assert_eq!(heard.reply_to["trigger"], "1.2");
    assert_eq!(heard.reply_to["url"], "https://hooks.slack.com/x");
}

#[test]
fn a_press_and_a_form_bring_what_they_carry() {
    let press = json!({
        "type": "block_actions", "user": {"id": "U1", "team_id": "T111"}, "trigger_id": "1.2",
        "container": {"message_ts": "5.5", "channel_id": "C1"},
        "actions": [{"type": "button", "action_id": "press:0", "value": "token", "action_ts": "6.6"}],
    });
    let press = heard(&press);
    assert_eq!(
        (press.key.as_str(), press.room.as_str()),
        ("press:1.2", "C1")
    );
    let wanted = Deed::Press {
        token: "token".to_owned(),
        message: "5.5".to_owned(),
    };
    assert_eq!(press.deed, wanted);
    let form = json!({
        "type": "view_submission", "user": {"id": "U1"}, "trigger_id": "1.3",
        "view": {
            "id": "V1", "callback_id": view::CALLBACK,
            "private_metadata": "{\"token\":\"t\",\"room\":\"C1\"}",
            "state": {"values": {"title": {"value": {"value": "slow"}}}},
        },
    });
    let form = heard(&form);
    assert_eq!((form.key.as_str(), form.room.as_str()), ("view:V1", "C1"));
    let wanted = Deed::Submit {
        token: "t".to_owned(),
        values: BTreeMap::from([("title".to_owned(), "slow".to_owned())]),
    };
    assert_eq!(form.deed, wanted);
    assert!(!form.reply_to.contains_key("trigger"));
}

#[test]
fn pins_reactions_and_shortcuts_keep_a_message() {
    let pin = event(&json!({
        "type": "pin_added", "user": "U1", "channel_id": "C1", "event_ts": "9.9",
        "item": {"message": {"user": "U2", "ts": "5.5", "text": "it is &lt;b&gt;"}},
    }));
    let react = |emoji: &str| {
        event(&json!({
            "type": "reaction_added", "user": "U1", "reaction": emoji, "item_user": "U2",
            "item": {"type": "message", "channel": "C1", "ts": "5.5"}, "event_ts": "9.9",
        }))
    };
    let shortcut = json!({
        "type": "message_action", "callback_id": SHORTCUT, "trigger_id": "1.2", "action_ts": "9.9",
        "user": {"id": "U1"}, "channel": {"id": "C1"}, "response_url": "https://hooks.slack.com/x",
        "message": {"user": "U2", "ts": "5.5", "text": "it is &lt;b&gt;"},
    });
    for (payload, said, wanted) in [
        (&pin, "it is <b>", "pinned"),
        (&react("pushpin"), "", "marked with :pushpin:"),
        (&shortcut, "it is <b>", "added by shortcut"),
    ] {
        let heard = heard(payload);
        assert_eq!(heard.room, "C1");
        let Deed::Kept {
            message,
            text,
            author,
            written_at,
            how,
            ..
        } = heard.deed
        else {
            panic!("{payload}");
        };
        assert_eq!(
            (message.as_str(), text.as_str(), how.as_str()),
            ("5.5", said, wanted)
        );
        assert_eq!(author.unwrap().id, "U2");
        assert_eq!(written_at, Time(5500));
    }
    assert_eq!(word(&reading(&react("eyes"))), "ignored");
}

#[test]
fn nothing_of_any_shape_panics() {
    let odd = [
        json!(null),
        json!(1),
        json!("x"),
        json!([]),
        json!({}),
        json!([[null]]),
    ];
    let names = [
        "type",
        "event",
        "command",
        "user",
        "actions",
        "view",
        "message",
        "channel",
        "item",
        "team",
        "authorizations",
        "container",
        "text",
        "subtype",
        "previous_message",
        "files",
    ];
    let kinds = [
        "event_callback",
        "block_actions",
        "view_submission",
        "message_action",
        "x",
        "",
    ];
    let events = [
        "message",
        "app_mention",
        "pin_added",
        "reaction_added",
        "app_home_opened",
        "channel_rename",
    ];
    for kind in kinds {
        for value in &odd {
            for inner in events {
                let mut payload = json!({"type": kind, "event": {"type": inner}});
                for name in names {
                    payload[name] = value.clone();
                    payload["type"] = json!(kind);
                    let _ = (reading(&payload), teams(&payload), people(&payload));
                    payload["event"] = json!({"type": inner});
                    payload["event"][name] = value.clone();
                    payload["event"]["type"] = json!(inner);
                    let _ = (reading(&payload), teams(&payload), people(&payload));
                }
            }
        }
    }
    for value in &odd {
        let _ = (reading(value), teams(value), people(value));
    }
}

#[test]
fn times_are_read_to_the_millisecond() {
    assert_eq!(time("1652227646.593159"), Some(Time(1_652_227_646_593)));
    assert_eq!(time("5"), Some(Time(5000)));
    for bad in [
        "",
        ".",
        "x.1",
        "5.x",
        "-5.1",
        "99999999999999999999.1",
        "é.é",
    ] {
        assert_eq!(time(bad), None, "{bad}");
    }
}
