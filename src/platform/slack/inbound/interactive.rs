//! What Slack waits for an answer to: commands, buttons, forms, shortcuts.

use super::{Context, Reading, text_of, time, words};
use crate::chat::heard::{Deed, Heard, User};
use crate::platform::slack::view;
use serde_json::Value;

/// What our buttons are called, in front of a number.
const PRESS: &str = "press:";
/// Our message shortcut.
pub(in crate::platform::slack) const SHORTCUT: &str = "add_to_timeline";
/// The one that declares an incident.
pub(in crate::platform::slack) const DECLARE: &str = "declare_incident";

fn actor(payload: &Value, context: &Context<'_>) -> User {
    let user = &payload["user"];
    let names = ["name", "username"].map(|n| text_of(user, n));
    let name = names.into_iter().find(|n| !n.is_empty()).unwrap_or("");
    context.user(text_of(user, "id"), name, text_of(user, "team_id"))
}

/// The ways back that a payload brings.
fn with_ways_back(mut heard: Heard, payload: &Value) -> Reading {
    for (name, field) in [("url", "response_url"), ("trigger", "trigger_id")] {
        let value = text_of(payload, field);
        if !value.is_empty() {
            heard.reply_to.insert(name.to_owned(), value.to_owned());
        }
    }
    Reading::heard(heard)
}

/// A slash command. `/inc` is another word for firebell; `/page` and `/oncall` are commands of it.
pub(super) fn command(payload: &Value, context: &Context<'_>) -> Reading {
    let word = text_of(payload, "command").trim_start_matches('/');
    let on = word == "firebell" || context.aliases.iter().any(|a| a == word);
    if !on {
        return Reading::Unknown("command".to_owned());
    }
    let user = text_of(payload, "user_id");
    if user.is_empty() {
        return Reading::Unknown("command.shape".to_owned());
    }
    let said = context.command_words(text_of(payload, "text"));
    let text = match word {
        "page" | "oncall" => format!("{word} {said}").trim().to_owned(),
        _ => said,
    };
    let by = context.user(
        user,
        text_of(payload, "user_name"),
        text_of(payload, "team_id"),
    );
    let key = match text_of(payload, "trigger_id") {
        "" => format!("command:{user}:{}", text_of(payload, "response_url")),
        trigger => format!("command:{trigger}"),
    };
    let room = text_of(payload, "channel_id");
    let heard = context.heard(key, None, by, room, Deed::Line { text });
    with_ways_back(heard, payload)
}

/// A button.
pub(super) fn press(payload: &Value, context: &Context<'_>) -> Reading {
    let action = &payload["actions"][0];
    if text_of(action, "type") != "button" || !text_of(action, "action_id").starts_with(PRESS) {
        return Reading::Ignored("nothing that firebell has drawn");
    }
    let container = &payload["container"];
    let rooms = [
        text_of(&payload["channel"], "id"),
        text_of(container, "channel_id"),
    ];
    let room = rooms.into_iter().find(|r| !r.is_empty()).unwrap_or("");
    let by = actor(payload, context);
    let (token, at) = (text_of(action, "value"), text_of(action, "action_ts"));
    if by.id.is_empty() || token.is_empty() {
        return Reading::Unknown("block_actions.shape".to_owned());
    }
    let key = match text_of(payload, "trigger_id") {
        "" => format!("press:{}:{at}", by.id),
        trigger => format!("press:{trigger}"),
    };
    let deed = Deed::Press {
        token: token.to_owned(),
        message: text_of(container, "message_ts").to_owned(),
    };
    with_ways_back(context.heard(key, time(at), by, room, deed), payload)
}

/// A form was sent. One view is sent with effect once, however often its button is pressed.
pub(super) fn submit(payload: &Value, context: &Context<'_>) -> Reading {
    let sent = &payload["view"];
    if text_of(sent, "callback_id") != view::CALLBACK {
        return Reading::Ignored("a form that is not firebell's");
    }
    let by = actor(payload, context);
    let carried = serde_json::from_str::<Value>(text_of(sent, "private_metadata"));
    let carried = carried.unwrap_or(Value::Null);
    let id = text_of(sent, "id");
    if by.id.is_empty() || id.is_empty() {
        return Reading::Unknown("view_submission.shape".to_owned());
    }
    let deed = Deed::Submit {
        token: text_of(&carried, "token").to_owned(),
        values: view::values(sent),
    };
    let room = text_of(&carried, "room");
    let heard = context.heard(format!("view:{id}"), None, by, room, deed);
    // Its trigger is not taken along: a form that was sent opens no other.
    Reading::heard(heard)
}

/// The shortcut of a message.
pub(super) fn shortcut(payload: &Value, context: &Context<'_>) -> Reading {
    let declares = match text_of(payload, "callback_id") {
        SHORTCUT => false,
        DECLARE => true,
        _ => return Reading::Ignored("a shortcut that is not firebell's"),
    };
    let message = &payload["message"];
    let stamps = [text_of(message, "ts"), text_of(payload, "message_ts")];
    let by = actor(payload, context);
    let Some(ts) = stamps.into_iter().find(|ts| !ts.is_empty()) else {
        return Reading::Unknown("message_action.shape".to_owned());
    };
    if by.id.is_empty() {
        return Reading::Unknown("message_action.shape".to_owned());
    }
    let author = text_of(message, "user");
    let deed = if declares {
        Deed::Declare {
            message: ts.to_owned(),
            text: words(message, &|id| (context.name)(id)),
            link: permalink(payload, ts),
        }
    } else {
        kept(message, ts, author, context)
    };
    let at = text_of(payload, "action_ts");
    let key = match text_of(payload, "trigger_id") {
        "" => format!("shortcut:{}:{at}", by.id),
        trigger => format!("shortcut:{trigger}"),
    };
    let room = text_of(&payload["channel"], "id");
    let heard = context.heard(key, time(at), by, room, deed);
    // Keeping a message opens no form, so only the way to answer is taken along.
    let Reading::Heard(mut heard) = with_ways_back(heard, payload) else {
        return Reading::Unknown("message_action.shape".to_owned());
    };
    if !declares {
        heard.reply_to.remove("trigger");
    }
    Reading::Heard(heard)
}

fn kept(message: &Value, ts: &str, author: &str, context: &Context<'_>) -> Deed {
    Deed::Kept {
        message: ts.to_owned(),
        text: words(message, &|id| (context.name)(id)),
        author: (!author.is_empty()).then(|| context.user(author, "", text_of(message, "team"))),
        written_at: time(ts).unwrap_or(context.now),
        how: "added by shortcut".to_owned(),
        ours: author == context.own.user,
    }
}

/// Where a message stands, for a browser; empty when the payload does not name the workspace.
fn permalink(payload: &Value, ts: &str) -> String {
    let domain = text_of(&payload["team"], "domain");
    let channel = text_of(&payload["channel"], "id");
    let plain = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let stamp = ts.replace('.', "");
    let known = !domain.is_empty() && !channel.is_empty();
    if !known || !plain(domain) || !plain(channel) || !plain(&stamp) {
        return String::new();
    }
    format!("https://{domain}.slack.com/archives/{channel}/p{stamp}")
}
