//! The place a test begins in, and what a test may add to it: servers, roles, rooms, people.

use super::channels::blank;
use super::model::{CATEGORY, Guild, Id, Member, Overwrite, Role, TEXT, THREAD, User};
use super::people::Person;
use super::permissions::{self, VIEW_CHANNEL};
use super::sessions::{GUILD_MEMBERS, GUILDS};
use super::state::State;
use super::{DiscordWorld, shapes};
use serde_json::json;
use std::collections::BTreeMap;

/// The bot, its application, the owner, the server and `#general`.
pub fn furnish(state: &mut State) {
    state.app = state.snowflake();
    // Since 2016 a bot's id is its application's.
    state.bot = state.app;
    let bot = state.app;
    state.users.insert(
        bot,
        User {
            id: bot,
            name: "firebell".to_owned(),
            global_name: None,
            bot: true,
            takes_dms: false,
        },
    );
    let owner = state.add_user("owner");
    state.home = state.add_guild("Acme", owner);
    let home = state.home;
    state.add_channel(home, "general", TEXT, None);
}

impl State {
    pub fn add_user(&mut self, name: &str) -> Id {
        let id = self.snowflake();
        let mut global = name.to_owned();
        if let Some(first) = global.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        self.users.insert(
            id,
            User {
                id,
                name: name.to_owned(),
                global_name: Some(global),
                bot: false,
                takes_dms: true,
            },
        );
        id
    }

    pub fn add_guild(&mut self, name: &str, owner: Id) -> Id {
        let id = self.snowflake();
        let everyone = Role {
            id,
            name: "@everyone".to_owned(),
            permissions: permissions::EVERYONE,
            position: 0,
            mentionable: false,
            of_bot: None,
        };
        self.guilds.insert(
            id,
            Guild {
                id,
                name: name.to_owned(),
                owner,
                roles: BTreeMap::from([(id, everyone)]),
                members: BTreeMap::new(),
            },
        );
        let own = self.add_role(id, "firebell", permissions::BOT);
        let bot = self.bot;
        self.guilds
            .get_mut(&id)
            .unwrap()
            .roles
            .get_mut(&own)
            .unwrap()
            .of_bot = Some(bot);
        self.add_member(id, owner, Vec::new());
        self.add_member(id, bot, vec![own]);
        id
    }

    pub fn add_role(&mut self, guild: Id, name: &str, permissions: u64) -> Id {
        let id = self.snowflake();
        let guild = self.guilds.get_mut(&guild).unwrap();
        let position = guild.roles.len() as u64;
        guild.roles.insert(
            id,
            Role {
                id,
                name: name.to_owned(),
                permissions,
                position,
                mentionable: false,
                of_bot: None,
            },
        );
        id
    }

    /// Makes somebody a member and tells of it.
    pub fn add_member(&mut self, guild: Id, user: Id, roles: Vec<Id>) {
        let joined_ms = self.now_ms;
        let member = Member {
            roles,
            nick: None,
            joined_ms,
        };
        self.guilds
            .get_mut(&guild)
            .unwrap()
            .members
            .insert(user, member);
        let mut data = shapes::member(self, &self.guilds[&guild], user);
        data["guild_id"] = json!(guild.to_string());
        self.publish("GUILD_MEMBER_ADD", GUILD_MEMBERS, &data);
    }

    pub fn add_channel(&mut self, guild: Id, name: &str, kind: u64, parent: Option<Id>) -> Id {
        let id = self.snowflake();
        let mut channel = blank(id, kind);
        channel.guild = Some(guild);
        channel.parent = parent;
        channel.position = self.channels.len() as u64;
        name.clone_into(&mut channel.name);
        self.channels.insert(id, channel.clone());
        let event = if kind == THREAD {
            "THREAD_CREATE"
        } else {
            "CHANNEL_CREATE"
        };
        self.publish_channel(event, &channel);
        id
    }

    pub fn user_named(&self, name: &str) -> Option<Id> {
        let name = name.trim_start_matches('@');
        let by_id = name.parse().ok().filter(|id| self.users.contains_key(id));
        by_id.or_else(|| self.users.values().find(|u| u.name == name).map(|u| u.id))
    }

    /// By id, or the youngest of this name.
    pub fn channel_named(&self, name: &str) -> Option<Id> {
        let name = name.trim_start_matches('#');
        let by_id = name
            .parse()
            .ok()
            .filter(|id| self.channels.contains_key(id));
        by_id.or_else(|| {
            let named = self.channels.values().rev().find(|c| c.name == name);
            named.map(|c| c.id)
        })
    }

    pub fn role_named(&self, guild: Id, name: &str) -> Option<Id> {
        let roles = &self.guilds[&guild].roles;
        let by_id = name.parse().ok().filter(|id| roles.contains_key(id));
        by_id.or_else(|| roles.values().find(|r| r.name == name).map(|r| r.id))
    }

    /// The room, or a failed test.
    pub fn room(&self, name: &str) -> Id {
        self.channel_named(name)
            .unwrap_or_else(|| panic!("Discord has no channel {name:?}"))
    }
}

impl DiscordWorld {
    /// A person of the first server; made a member when first named.
    pub fn user(&self, name: &str) -> Person {
        let id = self.shared.with(|state| {
            let known = state.user_named(name);
            known.unwrap_or_else(|| {
                let id = state.add_user(name);
                let home = state.home;
                state.add_member(home, id, Vec::new());
                id
            })
        });
        Person::new(self, id)
    }

    /// A person of no server.
    pub fn stranger(&self, name: &str) -> Person {
        let id = self.shared.with(|state| state.add_user(name));
        Person::new(self, id)
    }

    /// The server a world starts with.
    pub fn home(&self) -> Id {
        self.shared.look(|state| state.home)
    }

    /// The application's id, which is the bot's user id, too.
    pub fn app(&self) -> Id {
        self.shared.look(|state| state.app)
    }

    /// One more server with the bot in it, which is told.
    pub fn guild(&self, name: &str) -> Id {
        self.shared.with(|state| {
            let owner = state.guilds[&state.home].owner;
            let id = state.add_guild(name, owner);
            let whole = shapes::whole_guild(state, id);
            state.publish("GUILD_CREATE", GUILDS, &whole);
            id
        })
    }

    /// A role of a server; mentionable, as an on-call role is.
    pub fn role(&self, guild: Id, name: &str, permissions: u64) -> Id {
        self.shared.with(|state| {
            let id = state.add_role(guild, name, permissions);
            let server = state.guilds.get_mut(&guild).unwrap();
            server.roles.get_mut(&id).unwrap().mentionable = true;
            let role = shapes::role(&state.guilds[&guild], &state.guilds[&guild].roles[&id]);
            let data = json!({"guild_id": guild.to_string(), "role": role});
            state.publish("GUILD_ROLE_CREATE", GUILDS, &data);
            id
        })
    }

    /// A text channel of a server.
    pub fn channel(&self, guild: Id, name: &str) -> Id {
        self.shared
            .with(|state| state.add_channel(guild, name, TEXT, None))
    }

    /// A text channel in a category.
    pub fn channel_in(&self, guild: Id, name: &str, category: Id) -> Id {
        self.shared
            .with(|state| state.add_channel(guild, name, TEXT, Some(category)))
    }

    /// A category of a server.
    pub fn category(&self, guild: Id, name: &str) -> Id {
        self.shared
            .with(|state| state.add_channel(guild, name, CATEGORY, None))
    }

    /// A thread under a text channel, archived.
    pub fn archived_thread(&self, parent: &str, name: &str) -> Id {
        self.shared.with(|state| {
            let parent = state.room(parent);
            let guild = state.channels[&parent].guild.unwrap();
            let id = state.add_channel(guild, name, THREAD, Some(parent));
            state.channels.get_mut(&id).unwrap().archived = true;
            id
        })
    }

    /// A text channel that `@everyone`, and so the bot, cannot see; these people can.
    pub fn private_channel(&self, guild: Id, name: &str, people: &[&Person]) -> Id {
        let id = self.channel(guild, name);
        self.shared.with(|state| {
            state.overwrite(
                id,
                Overwrite {
                    id: guild,
                    of_member: false,
                    allow: 0,
                    deny: VIEW_CHANNEL,
                },
            );
            for person in people {
                let allow = VIEW_CHANNEL;
                state.overwrite(
                    id,
                    Overwrite {
                        id: person.id(),
                        of_member: true,
                        allow,
                        deny: 0,
                    },
                );
            }
        });
        id
    }

    /// Somebody with the right to it removes a channel by hand.
    pub fn removes_channel(&self, name: &str) {
        self.shared.with(|state| {
            let id = state.room(name);
            state.remove_channel(id);
        });
    }

    /// Somebody renames a channel by hand.
    pub fn renames_channel(&self, name: &str, to: &str) {
        self.shared.with(|state| {
            let id = state.room(name);
            let channel = state.channels.get_mut(&id).unwrap();
            to.clone_into(&mut channel.name);
            let after = channel.clone();
            state.publish_channel("CHANNEL_UPDATE", &after);
        });
    }

    /// The bot's own role has exactly these permissions from now on, in every server.
    pub fn bot_may(&self, permissions: u64) {
        self.shared.with(|state| {
            let mut told = Vec::new();
            for guild in state.guilds.values_mut() {
                for role in guild.roles.values_mut().filter(|r| r.of_bot.is_some()) {
                    role.permissions = permissions;
                    told.push((guild.id, role.id));
                }
            }
            for (guild, role) in told {
                let role = shapes::role(&state.guilds[&guild], &state.guilds[&guild].roles[&role]);
                let data = json!({"guild_id": guild.to_string(), "role": role});
                state.publish("GUILD_ROLE_UPDATE", GUILDS, &data);
            }
        });
    }

    /// What the bot may do by default, without these.
    pub fn bot_loses(&self, permissions: u64) {
        self.bot_may(permissions::BOT & !permissions);
    }

    /// An administrator throws the bot out.
    pub fn kicks_bot(&self, guild: Id) {
        self.shared.with(|state| {
            let bot = state.bot;
            state.publish("GUILD_DELETE", GUILDS, &json!({"id": guild.to_string()}));
            state.guilds.get_mut(&guild).unwrap().members.remove(&bot);
            state.commands.retain(|c| c.guild != Some(guild));
        });
    }

    /// The news that the bot is in a server arrives once more, late.
    pub fn tells_guild_late(&self, guild: Id) {
        self.shared.with(|state| {
            let whole = shapes::whole_guild(state, guild);
            state.publish("GUILD_CREATE", GUILDS, &whole);
        });
    }

    /// A server is away for a while, by Discord's own fault.
    pub fn loses_guild(&self, guild: Id) {
        self.shared.with(|state| {
            let data = json!({"id": guild.to_string(), "unavailable": true});
            state.publish("GUILD_DELETE", GUILDS, &data);
        });
    }
}
