//! Events: messages, mentions, pins, reactions, members, channels, the app itself.

use super::{Context, News, Reading, text_of, time, words};
use crate::chat::heard::{Deed, Heard, HeardFile};
use crate::platform::slack::text;
use serde_json::Value;

/// What Slack writes into channels itself, or what changes no words.
const NOTICES: [&str; 22] = [
    "bot_add",
    "bot_remove",
    "channel_archive",
    "channel_convert_to_private",
    "channel_convert_to_public",
    "channel_join",
    "channel_leave",
    "channel_name",
    "channel_posting_permissions",
    "channel_purpose",
    "channel_topic",
    "channel_unarchive",
    "ekm_access_denied",
    "group_archive",
    "group_join",
    "group_leave",
    "group_name",
    "group_purpose",
    "group_topic",
    "group_unarchive",
    "message_replied",
    "reminder_add",
];

/// One event in its wrapper.
pub(super) fn read(payload: &Value, context: &Context<'_>) -> Reading {
    let event = &payload["event"];
    let one = Wrapped {
        payload,
        event,
        context,
    };
    match text_of(event, "type") {
        "message" => one.message(),
        "app_mention" => one.mention(),
        "pin_added" => one.pin(),
        "reaction_added" => one.reaction(true),
        "reaction_removed" => one.reaction(false),
        "pin_removed" => one.unpin(),
        "member_joined_channel" => one.member(Deed::Joined),
        "member_left_channel" => one.member(Deed::Left),
        "app_home_opened" => one.home(),
        "channel_archive" | "channel_deleted" | "channel_unarchive" | "channel_rename"
        | "channel_left" | "group_archive" | "group_deleted" | "group_unarchive"
        | "group_rename" | "group_left" | "channel_shared" | "channel_unshared" => one.channel(),
        "tokens_revoked" => Reading::News(News::TokenGone(
            "the workspace has revoked firebell's token",
        )),
        "app_uninstalled" => {
            Reading::News(News::TokenGone("firebell was removed from the workspace"))
        }
        "" => Reading::Unknown("event".to_owned()),
        kind => Reading::Unknown(format!("event.{kind}")),
    }
}

struct Wrapped<'a> {
    payload: &'a Value,
    event: &'a Value,
    context: &'a Context<'a>,
}

impl Wrapped<'_> {
    fn heard(&self, at: &str, user: &str, room: &str, deed: Deed) -> Heard {
        let id = text_of(self.payload, "event_id");
        let key = match id {
            "" => format!("event:{room}:{at}:{}", text_of(self.event, "type")),
            id => format!("event:{id}"),
        };
        let homes = ["user_team", "source_team", "team"];
        let homes = homes.map(|name| text_of(self.event, name));
        let home = homes.into_iter().find(|h| !h.is_empty()).unwrap_or("");
        let by = self.context.user(user, "", home);
        self.context.heard(key, time(at), by, room, deed)
    }

    fn message(&self) -> Reading {
        let event = self.event;
        match text_of(event, "subtype") {
            "message_changed" => return self.changed(),
            "message_deleted" => return self.deleted(),
            "" | "file_share" | "me_message" | "thread_broadcast" => {}
            "bot_message" => return Reading::Ignored("a bot's message"),
            subtype if NOTICES.contains(&subtype) => {
                return Reading::Ignored("a notice of Slack's own");
            }
            subtype => return Reading::Unknown(format!("message.{subtype}")),
        }
        if self.context.by_bot(event) {
            return Reading::Ignored("a bot's message");
        }
        let (ts, room) = (text_of(event, "ts"), text_of(event, "channel"));
        if ts.is_empty() || room.is_empty() {
            return Reading::Unknown("message.shape".to_owned());
        }
        let user = text_of(event, "user");
        let raw = text_of(event, "text");
        if self.direct(room) {
            return self.line(raw);
        }
        if text::addressed(raw, &self.context.own.user).is_some() {
            return Reading::Ignored("a command, which comes as a mention too");
        }
        let words = words(event, &|id| (self.context.name)(id));
        if words.trim().is_empty() {
            return Reading::Ignored("a message without words");
        }
        let thread = text_of(event, "thread_ts");
        let deed = Deed::Said {
            message: ts.to_owned(),
            text: words,
            answers: if thread == ts { "" } else { thread }.to_owned(),
            files: files(event),
        };
        Reading::heard(in_thread(self.heard(ts, user, room, deed), event))
    }

    fn direct(&self, room: &str) -> bool {
        text_of(self.event, "channel_type") == "im" || room.starts_with('D')
    }

    /// A command that was written to firebell.
    fn line(&self, raw: &str) -> Reading {
        let event = self.event;
        let own = &self.context.own.user;
        let raw = text::addressed(raw, own).unwrap_or(raw);
        let words = self.context.command_words(raw);
        if words.is_empty() && self.direct(text_of(event, "channel")) {
            return Reading::Ignored("a message without words");
        }
        let (ts, room) = (text_of(event, "ts"), text_of(event, "channel"));
        let mut heard = self.heard(ts, text_of(event, "user"), room, Deed::Line { text: words });
        let thread = text_of(event, "thread_ts");
        if !thread.is_empty() {
            heard
                .reply_to
                .insert("thread".to_owned(), thread.to_owned());
        }
        Reading::heard(heard)
    }

    fn mention(&self) -> Reading {
        if self.context.by_bot(self.event) {
            return Reading::Ignored("a bot's message");
        }
        let raw = text_of(self.event, "text");
        if text::addressed(raw, &self.context.own.user).is_none() {
            return Reading::Ignored("firebell was mentioned in passing");
        }
        if self.direct(text_of(self.event, "channel")) {
            return Reading::Ignored("a direct message, which comes as a message too");
        }
        self.line(raw)
    }

    fn changed(&self) -> Reading {
        let (now, before) = (&self.event["message"], &self.event["previous_message"]);
        if self.context.by_bot(now) || self.context.by_bot(before) && !before.is_null() {
            return Reading::Ignored("a bot's message was changed");
        }
        let found = [now, before].map(|m| text_of(m, "ts"));
        let Some(ts) = found.into_iter().find(|ts| !ts.is_empty()) else {
            return Reading::Unknown("message_changed.shape".to_owned());
        };
        let room = text_of(self.event, "channel");
        if self.direct(room) {
            return Reading::Ignored("a command that was carried out already");
        }
        let at = text_of(self.event, "event_ts");
        if text_of(now, "subtype") == "tombstone" {
            let deed = Deed::Deleted {
                message: ts.to_owned(),
            };
            let heard = self.heard(at, text_of(before, "user"), room, deed);
            return Reading::heard(in_thread(heard, before));
        }
        let read = |m: &Value| words(m, &|id| (self.context.name)(id));
        let text = read(now);
        if !before.is_null() && text == read(before) {
            return Reading::Ignored("its words are the same");
        }
        let editor = [text_of(&now["edited"], "user"), text_of(now, "user")];
        let editor = editor.into_iter().find(|u| !u.is_empty()).unwrap_or("");
        let deed = Deed::Edited {
            message: ts.to_owned(),
            text,
        };
        Reading::heard(in_thread(self.heard(at, editor, room, deed), now))
    }

    fn deleted(&self) -> Reading {
        let before = &self.event["previous_message"];
        let found = [text_of(self.event, "deleted_ts"), text_of(before, "ts")];
        let Some(ts) = found.into_iter().find(|ts| !ts.is_empty()) else {
            return Reading::Unknown("message_deleted.shape".to_owned());
        };
        if !before.is_null() && self.context.by_bot(before) {
            return Reading::Ignored("a bot's message was deleted");
        }
        let room = text_of(self.event, "channel");
        if self.direct(room) {
            return Reading::Ignored("a command that was carried out already");
        }
        let deed = Deed::Deleted {
            message: ts.to_owned(),
        };
        let at = text_of(self.event, "event_ts");
        let heard = self.heard(at, text_of(before, "user"), room, deed);
        Reading::heard(in_thread(heard, before))
    }

    fn pin(&self) -> Reading {
        let event = self.event;
        let (user, message) = (text_of(event, "user"), &event["item"]["message"]);
        if user == self.context.own.user {
            return Reading::Ignored("firebell pinned something");
        }
        let ts = text_of(message, "ts");
        if ts.is_empty() {
            return Reading::Ignored("what was pinned is no message");
        }
        let rooms = [
            text_of(event, "channel_id"),
            text_of(&event["item"], "channel"),
        ];
        let room = rooms.into_iter().find(|r| !r.is_empty()).unwrap_or("");
        let text = words(message, &|id| (self.context.name)(id));
        self.kept(ts, room, text, text_of(message, "user"), "pinned")
    }

    fn unpin(&self) -> Reading {
        let event = self.event;
        let (user, message) = (text_of(event, "user"), &event["item"]["message"]);
        let ts = text_of(message, "ts");
        if user == self.context.own.user || ts.is_empty() {
            return Reading::Ignored("firebell unpinned something, or it was no message");
        }
        let rooms = [
            text_of(event, "channel_id"),
            text_of(&event["item"], "channel"),
        ];
        let room = rooms.into_iter().find(|r| !r.is_empty()).unwrap_or("");
        self.unkept(ts, room, "pinned")
    }

    fn unkept(&self, ts: &str, room: &str, how: &str) -> Reading {
        let user = text_of(self.event, "user");
        if user.is_empty() || room.is_empty() {
            return Reading::Unknown("unkept.shape".to_owned());
        }
        let deed = Deed::Unkept {
            message: ts.to_owned(),
            how: how.to_owned(),
        };
        Reading::heard(self.heard(text_of(self.event, "event_ts"), user, room, deed))
    }

    /// A reaction came, or was taken back.
    fn reaction(&self, came: bool) -> Reading {
        let event = self.event;
        let emoji = text_of(event, "reaction");
        // `thumbsup::skin-tone-2` is a thumb.
        let emoji = emoji.split("::").next().unwrap_or(emoji);
        if !self.context.keep.iter().any(|k| k == emoji) {
            return Reading::Ignored("a reaction that means nothing to firebell");
        }
        let (item, author) = (&event["item"], text_of(event, "item_user"));
        let ts = text_of(item, "ts");
        if text_of(item, "type") != "message" || ts.is_empty() {
            return Reading::Ignored("what was reacted to is no message");
        }
        if text_of(event, "user") == self.context.own.user {
            return Reading::Ignored("firebell's own reaction");
        }
        let how = format!("marked with :{emoji}:");
        if !came {
            return self.unkept(ts, text_of(item, "channel"), &how);
        }
        self.kept(ts, text_of(item, "channel"), String::new(), author, &how)
    }

    fn kept(&self, ts: &str, room: &str, text: String, author: &str, how: &str) -> Reading {
        let user = text_of(self.event, "user");
        if user.is_empty() || room.is_empty() {
            return Reading::Unknown("kept.shape".to_owned());
        }
        let named = !author.is_empty();
        let deed = Deed::Kept {
            message: ts.to_owned(),
            text,
            author: named.then(|| self.context.user(author, "", "")),
            written_at: time(ts).unwrap_or(self.context.now),
            how: how.to_owned(),
            ours: author == self.context.own.user,
        };
        Reading::heard(self.heard(text_of(self.event, "event_ts"), user, room, deed))
    }

    fn member(&self, deed: Deed) -> Reading {
        let (user, room) = (text_of(self.event, "user"), text_of(self.event, "channel"));
        if user == self.context.own.user {
            return Reading::News(News::Channel(room.to_owned()));
        }
        if user.is_empty() || room.is_empty() {
            return Reading::Unknown("member.shape".to_owned());
        }
        let at = text_of(self.event, "event_ts");
        Reading::heard(self.heard(at, user, room, deed))
    }

    fn home(&self) -> Reading {
        let user = text_of(self.event, "user");
        if text_of(self.event, "tab") == "messages" || user.is_empty() {
            return Reading::Ignored("not the home page");
        }
        let at = text_of(self.event, "event_ts");
        Reading::heard(self.heard(at, user, "", Deed::Home))
    }

    /// The channel of an event about one: its id, or an object with the id.
    fn channel(&self) -> Reading {
        let channel = &self.event["channel"];
        let id = channel.as_str().unwrap_or_else(|| text_of(channel, "id"));
        Reading::News(News::Channel(id.to_owned()))
    }
}

/// What came with a message, where Slack keeps it.
fn files(event: &Value) -> Vec<HeardFile> {
    let all = event["files"].as_array().into_iter().flatten();
    // Links to other services and what was deleted have no content here.
    let here = |f: &&Value| {
        !matches!(
            text_of(f, "mode"),
            "external" | "tombstone" | "hidden_by_limit"
        )
    };
    let file = |f: &Value| {
        let first = |names: [&str; 2]| {
            let found = names.map(|n| text_of(f, n));
            let found = found.into_iter().find(|v| !v.is_empty());
            found.unwrap_or_default().to_owned()
        };
        HeardFile {
            id: text_of(f, "id").to_owned(),
            name: first(["name", "title"]),
            url: first(["url_private_download", "url_private"]),
            bytes: f["size"].as_u64().unwrap_or(0),
        }
    };
    all.filter(here).map(file).collect()
}

/// With the thread it happened in, which may be a room.
fn in_thread(mut heard: Heard, message: &Value) -> Heard {
    let thread = text_of(message, "thread_ts");
    if !thread.is_empty() {
        let thread = thread.to_owned();
        heard.reply_to.insert("thread".to_owned(), thread);
    }
    heard
}
