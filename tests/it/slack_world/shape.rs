//! The JSON of Slack's objects, as its API answers and its events carry them.

use super::model::{Channel, Kind, Message, Upload, User, View};
use super::state::State;
use serde_json::{Map, Value, json};

/// A message as events and answers show it; metadata is left to those who asked for it.
pub fn message(state: &State, message: &Message) -> Value {
    let team = state.channel(&message.channel).map_or("", |c| &c.team);
    let mut all = json!({
        "type": "message",
        "text": message.text,
        "user": message.user,
        "ts": message.ts,
        "team": team,
    });
    match &message.bot_id {
        Some(bot) => {
            all["bot_id"] = json!(bot);
            all["app_id"] = json!(state.app_id);
            all["bot_profile"] = json!({
                "id": bot, "app_id": state.app_id, "name": "firebell", "deleted": false,
                "updated": state.clock.secs(), "team_id": team,
                "icons": {"image_36": "", "image_48": "", "image_72": ""},
            });
            if !message.blocks.is_empty() {
                all["blocks"] = json!(message.blocks);
            }
        }
        None if message.subtype.is_none() || !message.blocks.is_empty() => {
            all["client_msg_id"] = json!(format!("client-{}", message.ts));
            all["blocks"] = json!(rich(message));
        }
        None => {}
    }
    optional(state, message, &mut all);
    all
}

fn optional(state: &State, message: &Message, all: &mut Value) {
    if let Some(subtype) = &message.subtype {
        all["subtype"] = json!(subtype);
    }
    if !message.attachments.is_empty() {
        all["attachments"] = json!(message.attachments);
    }
    if let Some(thread) = &message.thread_ts {
        all["thread_ts"] = json!(thread);
        all["parent_user_id"] = json!(state.message(&message.channel, thread).map(|m| &m.user));
    }
    if let Some((user, ts)) = &message.edited {
        all["edited"] = json!({"user": user, "ts": ts});
    }
    if !message.files.is_empty() {
        let files = message.files.iter();
        let files = files.filter_map(|id| state.uploads.iter().find(|u| u.id == *id));
        all["files"] = files.map(file).collect();
        all["upload"] = json!(false);
    }
    if !message.reactions.is_empty() {
        let shown = |(name, users): (&String, &Vec<String>)| json!({"name": name, "users": users, "count": users.len()});
        all["reactions"] = message.reactions.iter().map(shown).collect();
    }
}

/// What a person types has rich text beside it.
fn rich(message: &Message) -> Vec<Value> {
    if !message.blocks.is_empty() {
        return message.blocks.clone();
    }
    vec![json!({
        "type": "rich_text",
        "block_id": "rich1",
        "elements": [{
            "type": "rich_text_section",
            "elements": [{"type": "text", "text": message.text}],
        }],
    })]
}

pub fn file(file: &Upload) -> Value {
    let url = file.url.clone();
    json!({
        "url_private": url,
        "url_private_download": url,
        "id": file.id,
        "name": file.name,
        "title": file.title,
        "size": file.length,
        "mode": "hosted",
        "is_external": false,
        "user_team": file.team,
    })
}

pub fn channel(state: &State, channel: &Channel) -> Value {
    let bot = &state.team(&channel.team).bot_user;
    if channel.kind == Kind::Direct {
        let other = channel.members.iter().find(|m| *m != bot);
        return json!({
            "id": channel.id, "created": channel.created, "is_im": true, "is_org_shared": false,
            "is_archived": channel.archived, "user": other, "is_user_deleted": false,
            "priority": 0, "context_team_id": channel.team,
        });
    }
    let told = |value: &str| json!({"value": value, "creator": if value.is_empty() { "" } else { bot }, "last_set": 0});
    json!({
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": channel.kind == Kind::Public,
        "is_group": channel.kind == Kind::Private,
        "is_im": false,
        "is_mpim": channel.kind == Kind::Group,
        "is_private": channel.kind != Kind::Public,
        "created": channel.created,
        "updated": channel.created * 1000,
        "creator": channel.creator,
        "is_archived": channel.archived,
        "is_general": channel.general,
        "unlinked": 0,
        "is_shared": channel.ext_shared,
        "is_ext_shared": channel.ext_shared,
        "is_org_shared": false,
        "is_pending_ext_shared": false,
        "pending_shared": [],
        "pending_connected_team_ids": [],
        "shared_team_ids": [channel.team],
        "context_team_id": channel.team,
        "parent_conversation": null,
        "is_member": channel.members.contains(bot),
        "topic": told(&channel.topic),
        "purpose": told(&channel.purpose),
        "previous_names": channel.previous_names,
        "num_members": channel.members.len(),
        "priority": 0,
    })
}

/// A user; the address is only for those who may see it.
pub fn user(state: &State, user: &User) -> Value {
    let mut profile = json!({
        "real_name": user.name,
        "real_name_normalized": user.name,
        "display_name": user.name,
        "display_name_normalized": user.name,
        "team": user.team,
        "avatar_hash": "g000000000000",
        "status_text": "",
        "status_emoji": "",
    });
    if state.tokens.scopes.contains("users:read.email") && !user.is_bot {
        profile["email"] = json!(user.email);
    }
    let mut all = json!({
        "id": user.id,
        "team_id": user.team,
        "name": user.name,
        "real_name": user.name,
        "deleted": user.deleted,
        "profile": profile,
        "is_bot": user.is_bot,
        "is_app_user": false,
        "is_email_confirmed": true,
        "updated": 1_700_000_000,
    });
    if user.deleted {
        return all;
    }
    let more = json!({
        "color": "9f69e7",
        "tz": "Etc/UTC",
        "tz_label": "Coordinated Universal Time",
        "tz_offset": 0,
        "is_admin": user.is_admin,
        "is_owner": user.is_admin,
        "is_primary_owner": false,
        "is_restricted": user.is_restricted,
        "is_ultra_restricted": user.is_ultra_restricted,
    });
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
        all.extend(more);
    }
    if user.is_stranger {
        all["is_stranger"] = json!(true);
    }
    all
}

pub fn view(state: &State, view: &View) -> Value {
    let mut all: Map<String, Value> = view.body.clone();
    let more = json!({
        "id": view.id,
        "team_id": view.team,
        "app_id": state.app_id,
        "app_installed_team_id": view.team,
        "bot_id": state.team(&view.team).bot_id,
        "hash": view.hash,
        "root_view_id": view.root,
        "previous_view_id": view.previous,
        "state": {"values": view.values},
    });
    if let Value::Object(more) = more {
        all.extend(more);
    }
    let defaults = [
        ("private_metadata", json!("")),
        ("callback_id", json!("")),
        ("external_id", json!("")),
        ("clear_on_close", json!(false)),
        ("notify_on_close", json!(false)),
    ];
    for (name, value) in defaults {
        all.entry(name).or_insert(value);
    }
    for name in ["title", "submit", "close"] {
        all.entry(name).or_insert(Value::Null);
    }
    Value::Object(all)
}

/// The user of an interaction.
pub fn actor(user: &User) -> Value {
    json!({"id": user.id, "username": user.name, "name": user.name, "team_id": user.team})
}

pub fn team(state: &State, id: &str) -> Value {
    json!({"id": id, "domain": state.team(id).domain})
}
