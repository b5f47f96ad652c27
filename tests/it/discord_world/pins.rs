//! What is done to a message that is not its text: pins and reactions.

use super::model::{Channel, Id, THREAD};
use super::permissions::{ADD_REACTIONS, PIN_MESSAGES, READ_MESSAGE_HISTORY};
use super::problem::{self, Problem};
use super::routes::{Told, limit, nothing, ok};
use super::sessions::{DIRECT_MESSAGE_REACTIONS, GUILD_MESSAGE_REACTIONS, GUILDS};
use super::shapes;
use super::state::{Call, State};
use serde_json::json;

impl State {
    /// Pins or unpins, whoever does it, and tells of it.
    pub fn set_pin(&mut self, id: Id, pinned: bool) {
        let now_ms = self.now_ms;
        let message = self.messages.get_mut(&id).unwrap();
        message.pinned_ms = pinned.then_some(now_ms);
        let place = self.channels.get_mut(&message.channel).unwrap();
        if pinned {
            place.last_pin_ms = Some(now_ms);
        }
        let place = place.clone();
        let mut data = json!({
            "channel_id": place.id.to_string(),
            "last_pin_timestamp": place.last_pin_ms.map(shapes::time),
        });
        if let Some(guild) = place.guild {
            data["guild_id"] = json!(guild.to_string());
        }
        self.publish_in(&place, "CHANNEL_PINS_UPDATE", (GUILDS, 0), &data);
        self.publish_message("MESSAGE_UPDATE", id);
    }

    /// Adds or takes a reaction, and tells of it.
    pub fn set_reaction(&mut self, id: Id, who: Id, emoji: &str, there: bool) {
        let message = self.messages.get_mut(&id).unwrap();
        message
            .reactions
            .retain(|(e, w)| (e.as_str(), *w) != (emoji, who));
        if there {
            message.reactions.push((emoji.to_owned(), who));
            message.reactions.sort();
        }
        let (author, channel) = (message.author, self.channels[&message.channel].clone());
        let mut data = json!({
            "user_id": who.to_string(), "channel_id": channel.id.to_string(),
            "message_id": id.to_string(), "emoji": {"id": null, "name": emoji}, "burst": false,
            "type": 0,
        });
        if there {
            data["message_author_id"] = json!(author.to_string());
        }
        if let Some(guild) = self.guild_of(&channel) {
            data["guild_id"] = json!(guild.id.to_string());
            if there && guild.members.contains_key(&who) {
                data["member"] = shapes::member(self, guild, who);
            }
        }
        let name = if there {
            "MESSAGE_REACTION_ADD"
        } else {
            "MESSAGE_REACTION_REMOVE"
        };
        let intents = (GUILD_MESSAGE_REACTIONS, DIRECT_MESSAGE_REACTIONS);
        self.publish_in(&channel, name, intents, &data);
    }
}

fn open(channel: &Channel) -> Result<(), Problem> {
    if channel.kind == THREAD && channel.archived {
        return Err(problem::archived());
    }
    Ok(())
}

/// Newest first, as `GET /channels/{id}/messages/pins` has them.
pub fn page(state: &State, call: &Call, channel: Id) -> Told {
    state.channel(channel)?;
    let most = limit(call, 50, 50)?;
    let before = call.query.get("before").cloned();
    let mut pinned: Vec<_> = state
        .messages_in(channel)
        .filter_map(|m| Some((m.pinned_ms?, m)))
        .collect();
    pinned.retain(|(at, _)| before.as_ref().is_none_or(|b| shapes::time(*at) < *b));
    pinned.sort_by_key(|(at, m)| std::cmp::Reverse((*at, m.id)));
    let more = pinned.len() > most;
    let items = pinned.into_iter().take(most);
    let items = items.map(
        |(at, m)| json!({"pinned_at": shapes::time(at), "message": shapes::message(state, m)}),
    );
    ok(json!({"items": items.collect::<Vec<_>>(), "has_more": more}))
}

/// As the older path has them: messages only.
pub fn old_list(state: &State, channel: Id) -> Told {
    state.channel(channel)?;
    let pinned = state.messages_in(channel).filter(|m| m.pinned_ms.is_some());
    ok(pinned.rev().map(|m| shapes::message(state, m)).collect())
}

pub fn pin(state: &mut State, channel: Id, id: Id) -> Told {
    let place = state.channel(channel)?;
    state.demand(place, PIN_MESSAGES)?;
    open(place)?;
    let message = state.message(channel, id)?;
    if message.pinned_ms.is_some() {
        return nothing();
    }
    let (count, most) = (
        state
            .messages_in(channel)
            .filter(|m| m.pinned_ms.is_some())
            .count(),
        state.settings.pins,
    );
    if count >= most {
        let message = format!("Maximum number of pins reached for the channel ({most})");
        return Err(Problem::new(400, 30003, &message));
    }
    state.set_pin(id, true);
    nothing()
}

pub fn unpin(state: &mut State, channel: Id, id: Id) -> Told {
    let place = state.channel(channel)?;
    state.demand(place, PIN_MESSAGES)?;
    open(place)?;
    if state.message(channel, id)?.pinned_ms.is_some() {
        state.set_pin(id, false);
    }
    nothing()
}

pub fn react(state: &mut State, channel: Id, id: Id, emoji: &str, there: bool) -> Told {
    let place = state.channel(channel)?;
    state.demand(place, ADD_REACTIONS | READ_MESSAGE_HISTORY)?;
    open(place)?;
    state.message(channel, id)?;
    let emoji = percent_decoded(emoji);
    if emoji.is_empty() || emoji.is_ascii() {
        return Err(Problem::new(400, 10014, "Unknown Emoji"));
    }
    let bot = state.bot;
    state.set_reaction(id, bot, &emoji, there);
    nothing()
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|h| std::str::from_utf8(h).ok());
        match hex.and_then(|h| u8::from_str_radix(h, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
