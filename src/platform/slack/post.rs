//! Messages: posted once, edited in place, looked up before they are sent again.
//!
//! Slack has no key that makes posting idempotent, so every message carries its own in its
//! metadata, and a try whose end is not known looks for it in the channel first. Metadata can be
//! read by every member, so it holds the key and nothing else.

use super::Slack;
use super::api::Failed;
use super::render::{self, Drawn, Signer};
use crate::chat::{Board, Budget, Card, Line, Live, Page, Retry, RoomRef};
use serde_json::{Value, json};

/// The type of our metadata.
const EVENT: &str = "firebell_delivery";
/// Messages of a channel that are looked through for an earlier try, per page.
const LOOK: u32 = 100;
/// Pages of them: lines keep their order, so an earlier try is among the newest.
const LOOK_PAGES: usize = 3;
/// Slack does not take the message as it is drawn; it may take plain text.
const UNDRAWABLE: [&str; 11] = [
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_arguments",
    "invalid_attachments",
    "msg_too_long",
    "msg_blocks_too_long",
    "no_text",
    "too_many_attachments",
    "metadata_too_large",
    "invalid_metadata_format",
    "invalid_metadata_schema",
];
/// The message cannot be edited any more: another one takes its place.
const UNEDITABLE: [&str; 5] = [
    "message_not_found",
    "cant_update_message",
    "edit_window_closed",
    "is_ephemeral_message",
    "streaming_state_conflict",
];

impl Slack {
    /// Signs buttons of a channel.
    pub(super) fn signer<'a>(&'a self, room: &'a str) -> Signer<'a> {
        Signer {
            key: self.engine.button_key(),
            platform: self.name(),
            room,
        }
    }

    /// Posts; answers the message's `ts`.
    pub(super) async fn post(
        &self,
        channel: &str,
        key: &str,
        drawn: &Drawn,
    ) -> Result<String, Failed> {
        let (channel, thread) = channel_of(channel);
        let mut body = message(channel, drawn);
        if let Some(thread) = thread {
            body["thread_ts"] = json!(thread);
        }
        body["metadata"] = json!({"event_type": EVENT, "event_payload": {"d": key}});
        let mut done = self.call_in(channel, "chat.postMessage", &body).await;
        if matches!(&done, Err(f) if UNDRAWABLE.contains(&f.code.as_str())) {
            self.undrawable(&done);
            let mut plain = plain(channel, drawn);
            plain["metadata"] = body["metadata"].take();
            if let Some(thread) = thread {
                plain["thread_ts"] = json!(thread);
            }
            done = self.call_in(channel, "chat.postMessage", &plain).await;
        }
        Ok(done?["ts"].as_str().unwrap_or_default().to_owned())
    }

    async fn edit(&self, channel: &str, ts: &str, drawn: &Drawn) -> Result<(), Failed> {
        let (channel, _) = channel_of(channel);
        let mut body = message(channel, drawn);
        body["ts"] = json!(ts);
        forget_unfurls(&mut body);
        let mut done = self.call_in(channel, "chat.update", &body).await;
        if matches!(&done, Err(f) if UNDRAWABLE.contains(&f.code.as_str())) {
            self.undrawable(&done);
            let mut plain = plain(channel, drawn);
            plain["ts"] = json!(ts);
            plain["blocks"] = json!([]);
            forget_unfurls(&mut plain);
            done = self.call_in(channel, "chat.update", &plain).await;
        }
        done.map(drop)
    }

    /// A message Slack does not take is a fault of ours; people still get its words.
    fn undrawable(&self, done: &Result<Value, Failed>) {
        if let Err(f) = done {
            let told = &f.body["response_metadata"]["messages"];
            tracing::error!(platform = self.name(), why = f.fault.why, %told, "a message is sent as plain text");
        }
    }

    /// The message of an earlier try; `None` also where firebell may not look.
    async fn earlier(&self, channel: &str, key: &str) -> Result<Option<String>, Failed> {
        let mut cursor = String::new();
        let (channel, thread) = channel_of(channel);
        let method = if thread.is_some() {
            "conversations.replies"
        } else {
            "conversations.history"
        };
        for _ in 0..LOOK_PAGES {
            let mut params = vec![
                ("channel", channel.to_owned()),
                ("limit", LOOK.to_string()),
                ("include_all_metadata", "true".to_owned()),
            ];
            params.extend(thread.map(|ts| ("ts", ts.to_owned())));
            if !cursor.is_empty() {
                params.push(("cursor", cursor.clone()));
            }
            let page = match self.read(method, &params).await {
                // It is said by the link what that scope costs.
                Err(f) if ["missing_scope", "not_in_channel"].contains(&&*f.code) => {
                    return Ok(None);
                }
                page => page?,
            };
            if let Some(ts) = bearing(&page, key) {
                return Ok(Some(ts));
            }
            let next = page["response_metadata"]["next_cursor"].as_str();
            next.unwrap_or_default().clone_into(&mut cursor);
            if cursor.is_empty() {
                break;
            }
        }
        Ok(None)
    }

    fn lost(&self, room: &RoomRef, channel: &str, failed: &Failed) {
        if matches!(room, RoomRef::Channel(_)) && failed.fault.retry == Retry::Gone {
            // The name may mean another channel by now, or a new one can be made.
            self.rooms.forget(channel);
        }
    }

    pub(super) async fn post_line(
        &self,
        room: &RoomRef,
        line: &Line,
        again: bool,
    ) -> Result<String, Failed> {
        let channel = self.place(room).await?;
        if again && let Some(ts) = self.earlier(&channel, &line.key).await? {
            return Ok(ts);
        }
        let drawn = render::line(line, &self.signer(channel_of(&channel).0));
        let done = self.post(&channel, &line.key, &drawn).await;
        done.inspect_err(|f| self.lost(room, &channel, f))
    }

    /// Puts other words into a line.
    pub(super) async fn reword(&self, room: &RoomRef, ts: &str, line: &Line) -> Result<(), Failed> {
        let channel = self.place(room).await?;
        let drawn = render::line(line, &self.signer(channel_of(&channel).0));
        self.edit(&channel, ts, &drawn).await.map_err(|mut f| {
            if UNEDITABLE.contains(&f.code.as_str()) {
                f.fault.retry = Retry::Never;
            }
            f
        })
    }

    /// Deletes a message. Slack lets an app delete its own alone.
    pub(super) async fn delete(&self, room: &RoomRef, ts: &str) -> Result<(), Failed> {
        let channel = self.place(room).await?;
        let (channel, _) = channel_of(&channel);
        let body = json!({"channel": channel, "ts": ts});
        match self.call("chat.delete", &body).await {
            Err(f) if f.code == "message_not_found" => Ok(()),
            Err(f) if f.code == "cant_delete_message" => Err(Failed::own(
                "Slack lets an app delete its own messages alone: whoever wrote it, or an administrator, deletes it there",
                Retry::Never,
            )),
            done => done.map(drop),
        }
    }

    pub(super) async fn post_card(
        &self,
        room: &RoomRef,
        card: &Card,
        remote: &str,
        again: bool,
    ) -> Result<String, Failed> {
        let channel = self.place(room).await?;
        let key = format!("card:{}:{channel}", card.incident.0);
        let mut remote = remote.to_owned();
        if remote.is_empty() && again {
            remote = self.earlier(&channel, &key).await?.unwrap_or_default();
        }
        let drawn = render::card(card, &self.signer(&channel));
        if !remote.is_empty() {
            match self.edit(&channel, &remote, &drawn).await {
                Err(f) if UNEDITABLE.contains(&f.code.as_str()) => {}
                done => {
                    done.inspect_err(|f| self.lost(room, &channel, f))?;
                    return Ok(remote);
                }
            }
        }
        let done = self.post(&channel, &key, &drawn).await;
        done.inspect_err(|f| self.lost(room, &channel, f))
    }

    pub(super) async fn post_live(
        &self,
        room: &RoomRef,
        live: &Live,
        remote: &str,
        again: bool,
    ) -> Result<String, Failed> {
        let channel = self.place(room).await?;
        let drawn = render::live(live, &self.signer(&channel));
        let at = (room, channel.as_str());
        self.kept(at, &live.key, &drawn, remote, again).await
    }

    pub(super) async fn post_board(
        &self,
        room: &RoomRef,
        board: &Board,
        remote: &str,
        again: bool,
    ) -> Result<String, Failed> {
        let channel = self.place(room).await?;
        let drawn = render::board(board, &self.signer(&channel));
        let at = (room, channel.as_str());
        self.kept(at, &board.key, &drawn, remote, again).await
    }

    /// A message that is edited in place: posted when there is none yet, or none any more.
    async fn kept(
        &self,
        (room, channel): (&RoomRef, &str),
        key: &str,
        drawn: &Drawn,
        remote: &str,
        again: bool,
    ) -> Result<String, Failed> {
        let mut remote = remote.to_owned();
        if remote.is_empty() && again {
            remote = self.earlier(channel, key).await?.unwrap_or_default();
        }
        if !remote.is_empty() {
            match self.edit(channel, &remote, drawn).await {
                Err(f) if UNEDITABLE.contains(&f.code.as_str()) => {}
                done => return done.map(|()| remote),
            }
        }
        let done = self.post(channel, key, drawn).await;
        done.inspect_err(|f| self.lost(room, channel, f))
    }

    /// The account of a person of the directory.
    pub(super) fn account(&self, person: &str) -> Result<String, Failed> {
        let found = self.engine.account_of(self.name(), person);
        found.ok_or_else(|| {
            let name = self.name();
            let why =
                format!("{person} has no account on {name}: add it to the person's identities");
            Failed::own(why, Retry::Never)
        })
    }

    pub(super) async fn post_page(&self, person: &str, pages: &[Page]) -> Result<String, Failed> {
        let Some(last) = pages.last() else {
            return Ok(String::new());
        };
        let account = self.account(person)?;
        let channel = self.direct(&account).await?;
        self.gates.turn(&channel, Budget::Page).await;
        // Without a conversation of its own there is nothing buttons could be bound to.
        let buttons = channel != account;
        let drawn = render::page(
            pages,
            &self.signer(&channel),
            buttons,
            self.engine.public_url(),
        );
        let done = self
            .post(&channel, &format!("page:{}", last.key), &drawn)
            .await;
        done.map_err(|mut f| {
            if f.fault.retry == Retry::Gone {
                self.people.forget_direct(&account);
                f.fault.retry = Retry::Backoff;
            }
            f
        })
    }

    pub(super) async fn post_news(
        &self,
        room: &RoomRef,
        key: &str,
        words: &str,
        again: bool,
    ) -> Result<(), Failed> {
        let (channel, key) = (self.place(room).await?, format!("tell:{key}"));
        if again && self.earlier(&channel, &key).await?.is_some() {
            return Ok(());
        }
        let drawn = render::words(words);
        let done = self.post(&channel, &key, &drawn).await;
        done.inspect_err(|f| self.lost(room, &channel, f)).map(drop)
    }
}

/// The channel of a room, and the message it is a thread of: `C123` or `C123:1700000000.000100`.
pub(super) fn channel_of(room: &str) -> (&str, Option<&str>) {
    match room.split_once(':') {
        Some((channel, thread)) => (channel, Some(thread)),
        None => (room, None),
    }
}

/// A message as it is drawn. Slack shows `text` in notifications.
pub(super) fn message(channel: &str, drawn: &Drawn) -> Value {
    json!({
        "channel": channel,
        "text": drawn.text,
        "blocks": drawn.blocks,
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

fn plain(channel: &str, drawn: &Drawn) -> Value {
    json!({
        "channel": channel,
        "text": drawn.text,
        "mrkdwn": false,
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

/// An edit unfurls nothing and has no such arguments.
fn forget_unfurls(body: &mut Value) {
    if let Some(body) = body.as_object_mut() {
        body.retain(|name, _| !name.starts_with("unfurl_") && name != "mrkdwn");
    }
}

/// The message of a page of history that bears this key.
fn bearing(page: &Value, key: &str) -> Option<String> {
    let mut all = page["messages"].as_array()?.iter();
    let found = all.find(|m| {
        m["metadata"]["event_type"] == EVENT && m["metadata"]["event_payload"]["d"] == key
    })?;
    found["ts"].as_str().map(str::to_owned)
}
