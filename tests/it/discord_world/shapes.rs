//! The JSON of every object, as Discord writes it: snowflakes are strings, absent things are null where
//! Discord has null. Clients written by others read these; a missing key breaks them silently.

use super::model::{
    Channel, Command, DM, Guild, Id, Interaction, Member, Message, Overwrite, Role, THREAD, User,
};
use super::sessions::{GUILD_MEMBERS, GUILD_PRESENCES, MESSAGE_CONTENT};
use super::state::State;
use serde_json::{Value, json};

/// RFC 3339 with Discord's offset.
pub fn time(ms: i64) -> String {
    let at = chrono::DateTime::from_timestamp_millis(ms).unwrap_or_default();
    at.format("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}

pub fn user(user: &User) -> Value {
    json!({
        "id": user.id.to_string(), "username": user.name, "discriminator": "0",
        "global_name": user.global_name, "avatar": null, "bot": user.bot, "system": false,
        "banner": null, "accent_color": null, "public_flags": 0, "flags": 0,
        "avatar_decoration_data": null, "collectibles": null, "clan": null, "primary_guild": null,
    })
}

/// The bot as it sees itself.
pub fn own_user(state: &State) -> Value {
    let mut me = user(&state.users[&state.bot]);
    for (key, value) in [("mfa_enabled", json!(true)), ("verified", json!(true))] {
        me[key] = value;
    }
    me["email"] = Value::Null;
    me["locale"] = json!("en-US");
    me["premium_type"] = json!(0);
    me
}

pub fn role(guild: &Guild, role: &Role) -> Value {
    let mut shape = json!({
        "id": role.id.to_string(), "name": role.name, "description": null,
        "permissions": role.permissions.to_string(), "position": role.position, "color": 0,
        "colors": {"primary_color": 0, "secondary_color": null, "tertiary_color": null},
        "hoist": false, "managed": role.of_bot.is_some(), "mentionable": role.mentionable,
        "icon": null, "unicode_emoji": null, "flags": 0,
    });
    if let Some(bot) = role.of_bot {
        shape["tags"] = json!({"bot_id": bot.to_string()});
    }
    debug_assert!(guild.roles.contains_key(&role.id));
    shape
}

/// A member without the user, as messages and interactions carry it.
pub fn partial_member(member: &Member) -> Value {
    json!({
        "roles": ids(&member.roles), "nick": member.nick, "avatar": null, "banner": null,
        "joined_at": time(member.joined_ms), "premium_since": null, "deaf": false, "mute": false,
        "pending": false, "communication_disabled_until": null, "flags": 0,
        "unusual_dm_activity_until": null, "avatar_decoration_data": null, "collectibles": null,
    })
}

pub fn member(state: &State, guild: &Guild, id: Id) -> Value {
    let mut shape = partial_member(&guild.members[&id]);
    shape["user"] = user(&state.users[&id]);
    shape
}

pub fn ids(ids: &[Id]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

fn overwrite(overwrite: &Overwrite) -> Value {
    json!({
        "id": overwrite.id.to_string(), "type": u8::from(overwrite.of_member),
        "allow": overwrite.allow.to_string(), "deny": overwrite.deny.to_string(),
    })
}

pub fn channel(state: &State, channel: &Channel) -> Value {
    let last = state.messages_in(channel.id).next_back();
    let last = last.map(|m| m.id.to_string());
    let Some(guild) = channel.guild else {
        let with = channel.recipient.and_then(|id| state.users.get(&id));
        return json!({
            "id": channel.id.to_string(), "type": DM, "last_message_id": last, "flags": 0,
            "recipients": with.map(user).into_iter().collect::<Vec<_>>(),
        });
    };
    let mut shape = json!({
        "id": channel.id.to_string(), "type": channel.kind, "guild_id": guild.to_string(),
        "name": channel.name, "topic": channel.topic, "position": channel.position,
        "parent_id": channel.parent.map(|id| id.to_string()), "nsfw": false, "flags": 0,
        "rate_limit_per_user": 0, "last_message_id": last,
        "last_pin_timestamp": channel.last_pin_ms.map(time),
        "permission_overwrites": channel.overwrites.iter().map(overwrite).collect::<Vec<_>>(),
    });
    if channel.kind == THREAD {
        shape["owner_id"] = json!(state.bot.to_string());
        shape["message_count"] = json!(0);
        shape["member_count"] = json!(1);
        shape["total_message_sent"] = json!(0);
        shape["thread_metadata"] = json!({
            "archived": channel.archived, "auto_archive_duration": 1440, "locked": false,
            "archive_timestamp": time(state.now_ms), "create_timestamp": time(state.now_ms),
        });
    }
    shape
}

/// One object of two; the macro takes only so many keys.
fn joined(mut one: Value, other: Value) -> Value {
    if let (Value::Object(one), Value::Object(other)) = (&mut one, other) {
        one.extend(other);
    }
    one
}

/// What REST says of a server.
pub fn guild(state: &State, guild: &Guild) -> Value {
    let roles: Vec<Value> = guild.roles.values().map(|r| role(guild, r)).collect();
    let who = json!({
        "id": guild.id.to_string(), "name": guild.name, "icon": null, "description": null,
        "home_header": null, "splash": null, "discovery_splash": null, "features": [],
        "banner": null, "owner_id": guild.owner.to_string(), "application_id": null,
        "region": "deprecated", "roles": roles, "emojis": [], "stickers": [], "hub_type": null,
        "joined_at": time(guild.members.get(&state.bot).map_or(0, |m| m.joined_ms)),
        "approximate_member_count": guild.members.len(), "incidents_data": null,
    });
    let how = json!({
        "afk_channel_id": null, "afk_timeout": 300, "system_channel_id": null,
        "system_channel_flags": 0, "widget_enabled": false, "widget_channel_id": null,
        "verification_level": 0, "default_message_notifications": 1, "mfa_level": 0,
        "explicit_content_filter": 0, "max_presences": null, "max_members": 500_000,
        "max_stage_video_channel_users": 50, "max_video_channel_users": 25,
        "vanity_url_code": null, "premium_tier": 0, "premium_subscription_count": 0,
    });
    let rest = json!({
        "preferred_locale": "en-US", "rules_channel_id": null, "safety_alerts_channel_id": null,
        "public_updates_channel_id": null, "premium_progress_bar_enabled": false,
        "latest_onboarding_question_id": null, "nsfw": false, "nsfw_level": 0,
        "inventory_settings": null,
    });
    joined(joined(who, how), rest)
}

/// What the gateway says of a server when the bot comes in: REST's shape, and everything in it.
pub fn whole_guild(state: &State, id: Id) -> Value {
    let all = &state.guilds[&id];
    let mut shape = guild(state, all);
    let mine = |c: &&Channel| c.guild == Some(id);
    let seen = |c: &&Channel| state.may(c, state.bot, super::permissions::VIEW_CHANNEL);
    let places = state.channels.values().filter(mine).filter(seen);
    let (threads, channels): (Vec<_>, Vec<_>) = places.partition(|c| c.kind == THREAD);
    let shapes = |list: Vec<&Channel>| -> Vec<Value> {
        list.into_iter().map(|c| channel(state, c)).collect()
    };
    let members = all.members.keys().map(|m| member(state, all, *m));
    shape["members"] = members.collect();
    shape["channels"] = json!(shapes(channels));
    shape["threads"] = json!(shapes(threads));
    shape["member_count"] = json!(all.members.len());
    shape["large"] = json!(false);
    shape["unavailable"] = json!(false);
    for key in [
        "voice_states",
        "presences",
        "stage_instances",
        "guild_scheduled_events",
    ] {
        shape[key] = json!([]);
    }
    shape["soundboard_sounds"] = json!([]);
    shape["version"] = json!(1);
    shape
}

/// Reactions of a message, one entry an emoji.
fn reactions(state: &State, message: &Message) -> Vec<Value> {
    let mut names: Vec<&String> = message.reactions.iter().map(|(emoji, _)| emoji).collect();
    names.dedup();
    names.into_iter().map(|name| {
        let with = message.reactions.iter().filter(|(emoji, _)| emoji == name);
        let count = with.clone().count();
        json!({
            "emoji": {"id": null, "name": name}, "count": count, "burst_count": 0,
            "count_details": {"burst": 0, "normal": count}, "burst_colors": [], "me_burst": false,
            "burst_me": false, "me": with.into_iter().any(|(_, who)| *who == state.bot),
        })
    }).collect()
}

/// A message as REST gives it.
pub fn message(state: &State, message: &Message) -> Value {
    let named = |id: &Id| state.users.get(id).map(user);
    let mut shape = json!({
        "id": message.id.to_string(), "channel_id": message.channel.to_string(),
        "author": user(&state.users[&message.author]), "content": message.content,
        "timestamp": time(message.created_ms), "edited_timestamp": message.edited_ms.map(time),
        "tts": false, "mention_everyone": message.rung.everyone,
        "mentions": message.rung.users.iter().filter_map(named).collect::<Vec<_>>(),
        "mention_roles": ids(&message.rung.roles), "attachments": message.attachments,
        "embeds": message.embeds, "components": message.components, "pinned": message.pinned_ms.is_some(),
        "type": if message.interaction.is_some() { 20 } else if message.reference.is_some() { 19 } else { 0 },
        "flags": message.flags,
    });
    if !message.reactions.is_empty() {
        shape["reactions"] = json!(reactions(state, message));
    }
    if let Some(nonce) = &message.nonce {
        shape["nonce"] = nonce.clone();
    }
    if let Some(to) = message.reference {
        shape["message_reference"] = json!({
            "type": 0, "message_id": to.to_string(), "channel_id": message.channel.to_string(),
        });
        let original = state
            .messages
            .get(&to)
            .filter(|m| !m.deleted && m.reference.is_none());
        shape["referenced_message"] = original.map_or(Value::Null, |m| self::message(state, m));
    }
    if message.author == state.bot {
        shape["application_id"] = json!(state.app.to_string());
    }
    if let Some(asked) = message
        .interaction
        .and_then(|id| state.interactions.get(&id))
    {
        shape["webhook_id"] = json!(state.app.to_string());
        shape["interaction_metadata"] = metadata(state, asked);
    }
    shape
}

fn metadata(state: &State, asked: &Interaction) -> Value {
    let mut shape = json!({
        "id": asked.id.to_string(), "type": asked.kind, "user": user(&state.users[&asked.user]),
        "authorizing_integration_owners": {"0": asked.guild.unwrap_or(0).to_string()},
    });
    match (asked.kind, asked.message) {
        (3, Some(message)) => shape["interacted_message_id"] = json!(message.to_string()),
        (2, _) => {
            shape["name"] = asked.payload["data"]["name"].clone();
            shape["command_type"] = asked.payload["data"]["type"].clone();
        }
        (5, _) => {
            shape["triggering_interaction_metadata"] = json!({
                "id": asked.id.to_string(), "type": 2, "user": user(&state.users[&asked.user]),
                "authorizing_integration_owners": {"0": asked.guild.unwrap_or(0).to_string()},
            });
        }
        _ => {}
    }
    shape
}

/// A message as the gateway gives it: with the server and the author's membership.
pub fn message_event(state: &State, m: &Message) -> Value {
    let mut shape = message(state, m);
    let channel = &state.channels[&m.channel];
    shape["channel_type"] = json!(channel.kind);
    if let Some(guild) = state.guild_of(channel) {
        shape["guild_id"] = json!(guild.id.to_string());
        if let Some(member) = guild.members.get(&m.author) {
            shape["member"] = partial_member(member);
        }
    }
    shape
}

pub fn command(state: &State, command: &Command) -> Value {
    let mut shape = command.body.clone();
    shape["id"] = json!(command.id.to_string());
    shape["application_id"] = json!(state.app.to_string());
    if let Some(guild) = command.guild {
        shape["guild_id"] = json!(guild.to_string());
    }
    shape
}

/// The flags that tell which privileged intents are switched on.
pub fn application_flags(state: &State) -> u64 {
    let pairs = [
        (GUILD_PRESENCES, 1 << 13),
        (GUILD_MEMBERS, 1 << 15),
        (MESSAGE_CONTENT, 1 << 19),
    ];
    let on = pairs
        .iter()
        .filter(|(intent, _)| state.settings.privileged & intent != 0);
    on.fold(0, |sum, (_, flag)| sum | flag)
}

pub fn application(state: &State) -> Value {
    let owner = state.guilds[&state.home].owner;
    let key = state.key.verifying_key();
    let key: String = key.as_bytes().iter().map(|b| format!("{b:02x}")).collect();
    let who = json!({
        "id": state.app.to_string(), "name": "firebell", "icon": null, "description": "",
        "type": null, "summary": "", "bot": user(&state.users[&state.bot]), "verify_key": key,
        "owner": user(&state.users[&owner]), "team": null, "flags": application_flags(state),
        "bot_public": false, "bot_require_code_grant": false, "hook": true, "tags": [],
        "integration_types_config": {"0": {}}, "interactions_endpoint_url": state.endpoint,
    });
    let rest = json!({
        "max_participants": null, "rpc_origins": [], "redirect_uris": [],
        "role_connections_verification_url": null, "explicit_content_filter": 0,
        "approximate_guild_count": state.guilds.len(), "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0, "event_webhooks_url": null,
        "event_webhooks_status": 1, "event_webhooks_types": [],
        "flags_new": application_flags(state).to_string(), "eligible_oauth2_scopes": [],
    });
    joined(who, rest)
}
