//! What is kept at hand: `pins.*`, `bookmarks.*`, `reactions.add`.

use super::Seat;
use crate::slack_world::args::{Answer, Fail, fail, object};
use crate::slack_world::model::{Bookmark, Message};
use crate::slack_world::shape;
use serde_json::{Map, Value, json};

/// Messages a channel keeps pinned, and bookmarks it keeps.
const MOST: usize = 100;

impl Seat<'_> {
    pub fn pins(&mut self, method: &str) -> Answer {
        let channel = self.own_channel("channel")?;
        if method == "pins.list" {
            let messages =
                (channel.pins.iter()).filter_map(|ts| self.state.message(&channel.id, ts));
            let item = |m: &Message| {
                let mut shown = shape::message(self.state, m);
                shown["permalink"] = json!(self.link(&channel.id, &m.ts));
                shown["pinned_to"] = json!([channel.id]);
                json!({
                    "type": "message",
                    "channel": channel.id,
                    "created": channel.created,
                    "created_by": self.bot,
                    "message": shown,
                })
            };
            let items: Vec<Value> = messages.map(item).collect();
            return Ok(object(json!({"items": items})));
        }
        let ts = self.args.str("timestamp").to_owned();
        if ts.is_empty() {
            return fail("no_item_specified");
        }
        if self.state.message(&channel.id, &ts).is_none() {
            return fail("message_not_found");
        }
        let pinned = channel.pins.contains(&ts);
        let found = self.state.channel_mut(&channel.id).expect("a channel");
        let kind = match (method, pinned) {
            ("pins.add", true) => return fail("already_pinned"),
            ("pins.add", false) if channel.pins.len() >= MOST => return fail("too_many_pins"),
            ("pins.add", false) => {
                found.pins.push(ts.clone());
                "pin_added"
            }
            (_, false) => return fail("no_pin"),
            (_, true) => {
                found.pins.retain(|pin| *pin != ts);
                "pin_removed"
            }
        };
        let bot = self.bot.clone();
        self.state.pin_event(kind, &channel.id, &ts, &bot);
        Ok(Map::new())
    }

    pub fn bookmark(&mut self) -> Answer {
        let channel = self.bookmarked()?;
        let title = self.args.need("title")?.to_owned();
        if self.args.need("type")? != "link" {
            return fail("invalid_bookmark_type");
        }
        let link = self.args.str("link").to_owned();
        if !link.starts_with("http://") && !link.starts_with("https://") {
            return fail("invalid_link");
        }
        let channel = &channel;
        let (id, created) = (self.state.id("Bk"), self.state.clock.secs());
        let found = self.state.channel_mut(channel).expect("a channel");
        if found.bookmarks.len() >= MOST {
            return fail("too_many_bookmarks");
        }
        let bookmark = Bookmark {
            id,
            title,
            link,
            emoji: self.args.str("emoji").to_owned(),
            created,
        };
        let shown = self.bookmark_shape(channel, &bookmark);
        let found = self.state.channel_mut(channel).expect("a channel");
        found.bookmarks.push(bookmark);
        Ok(object(json!({"bookmark": shown})))
    }

    /// The channel of a bookmark's call, by the name this family has for it.
    fn bookmarked(&self) -> Result<String, Fail> {
        Ok(self.own_channel("channel_id")?.id)
    }

    pub fn bookmarks(&mut self, method: &str) -> Answer {
        let channel = self.bookmarked()?;
        let all = self.state.channel(&channel).expect("a channel");
        let all = all.bookmarks.clone();
        if method == "bookmarks.list" {
            let shown = all.iter().map(|b| self.bookmark_shape(&channel, b));
            let shown: Vec<Value> = shown.collect();
            return Ok(object(json!({"bookmarks": shown})));
        }
        let id = self.args.need("bookmark_id")?;
        let at = all.iter().position(|b| b.id == id);
        let at = at.ok_or(Fail::from("not_found"))?;
        let given = |name: &str| Some(self.args.str(name).to_owned()).filter(|s| !s.is_empty());
        let (title, link) = (given("title"), given("link"));
        let found = self.state.channel_mut(&channel).expect("a channel");
        if method == "bookmarks.remove" {
            found.bookmarks.remove(at);
            return Ok(Map::new());
        }
        let bookmark = &mut found.bookmarks[at];
        bookmark.title = title.unwrap_or_else(|| bookmark.title.clone());
        bookmark.link = link.unwrap_or_else(|| bookmark.link.clone());
        let bookmark = bookmark.clone();
        let shown = self.bookmark_shape(&channel, &bookmark);
        Ok(object(json!({"bookmark": shown})))
    }

    fn bookmark_shape(&self, channel: &str, bookmark: &Bookmark) -> Value {
        json!({
            "id": bookmark.id, "channel_id": channel, "title": bookmark.title,
            "link": bookmark.link, "emoji": bookmark.emoji, "icon_url": null, "type": "link",
            "entity_id": null, "date_created": bookmark.created, "date_updated": 0,
            "rank": "U", "last_updated_by_user_id": self.bot,
            "last_updated_by_team_id": self.team, "shortcut_id": null, "app_id": self.state.app_id,
        })
    }

    pub fn react(&mut self) -> Answer {
        let channel = self.own_channel("channel")?;
        let (ts, name) = (self.args.need("timestamp")?, self.args.need("name")?);
        let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-+':".contains(c);
        if !name.chars().all(known) || name.starts_with(':') {
            return fail("invalid_name");
        }
        let bot = self.bot.clone();
        let message = self.state.message_mut(&channel.id, ts);
        let message = message.ok_or(Fail::from("message_not_found"))?;
        let users = message.reactions.entry(name.to_owned()).or_default();
        if users.contains(&bot) {
            return fail("already_reacted");
        }
        users.push(bot.clone());
        self.state
            .reaction_event("reaction_added", &channel.id, ts, &bot, name);
        Ok(Map::new())
    }
}
