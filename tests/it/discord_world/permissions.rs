//! Permission bits, and what somebody may do in a server and in one of its channels: the roles' sum,
//! then the channel's overwrites for everyone, for roles, for the member.

use super::model::{Channel, DM, Guild, Id};

pub const ADMINISTRATOR: u64 = 1 << 3;
pub const MANAGE_CHANNELS: u64 = 1 << 4;
pub const ADD_REACTIONS: u64 = 1 << 6;
pub const VIEW_CHANNEL: u64 = 1 << 10;
pub const SEND_MESSAGES: u64 = 1 << 11;
pub const MANAGE_MESSAGES: u64 = 1 << 13;
pub const EMBED_LINKS: u64 = 1 << 14;
pub const ATTACH_FILES: u64 = 1 << 15;
pub const READ_MESSAGE_HISTORY: u64 = 1 << 16;
pub const MENTION_EVERYONE: u64 = 1 << 17;
pub const MANAGE_ROLES: u64 = 1 << 28;
pub const USE_APPLICATION_COMMANDS: u64 = 1 << 31;
pub const SEND_MESSAGES_IN_THREADS: u64 = 1 << 38;
pub const CREATE_PUBLIC_THREADS: u64 = 1 << 35;
pub const PIN_MESSAGES: u64 = 1 << 51;

/// Every bit Discord has given a meaning.
pub const ALL: u64 = (1 << 53) - 1;

/// What `@everyone` may do in a new server.
pub const EVERYONE: u64 = VIEW_CHANNEL
    | SEND_MESSAGES
    | ADD_REACTIONS
    | EMBED_LINKS
    | ATTACH_FILES
    | READ_MESSAGE_HISTORY
    | USE_APPLICATION_COMMANDS
    | CREATE_PUBLIC_THREADS
    | SEND_MESSAGES_IN_THREADS;

/// What the bot's own role may do unless a test says otherwise: what firebell asks for.
pub const BOT: u64 = 0x8_0048_0001_CC10 | ADD_REACTIONS;

/// What this member may do in the whole server; nothing for a stranger.
pub fn in_guild(guild: &Guild, user: Id) -> u64 {
    if guild.owner == user {
        return ALL;
    }
    let Some(member) = guild.members.get(&user) else {
        return 0;
    };
    let roles = member.roles.iter().chain(std::iter::once(&guild.id));
    let sum = roles
        .filter_map(|id| guild.roles.get(id))
        .fold(0, |sum, role| sum | role.permissions);
    if sum & ADMINISTRATOR == 0 { sum } else { ALL }
}

/// What this member may do in the channel; `guild` is the channel's.
pub fn in_channel(guild: Option<&Guild>, channel: &Channel, user: Id) -> u64 {
    let Some(guild) = guild else {
        let both = VIEW_CHANNEL | SEND_MESSAGES | READ_MESSAGE_HISTORY | ADD_REACTIONS;
        let own = both | EMBED_LINKS | ATTACH_FILES | PIN_MESSAGES;
        return if channel.kind == DM { own } else { 0 };
    };
    let base = in_guild(guild, user);
    if base == ALL || base == 0 {
        return base;
    }
    let member = &guild.members[&user];
    let mut may = base;
    let of = |test: &dyn Fn(Id, bool) -> bool| {
        let chosen = channel
            .overwrites
            .iter()
            .filter(|o| test(o.id, o.of_member));
        chosen.fold((0, 0), |(allow, deny), o| (allow | o.allow, deny | o.deny))
    };
    for (allow, deny) in [
        of(&|id, of_member| !of_member && id == guild.id),
        of(&|id, of_member| !of_member && member.roles.contains(&id)),
        of(&|id, of_member| of_member && id == user),
    ] {
        may = (may & !deny) | allow;
    }
    // Who cannot see a room can do nothing in it.
    if may & VIEW_CHANNEL == 0 { 0 } else { may }
}
