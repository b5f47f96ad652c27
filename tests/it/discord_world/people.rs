//! People at their keyboards: what they type, press and write reaches the bot as Discord would bring it.

use super::asking;
use super::messages::written;
use super::model::{Id, Overwrite};
use super::permissions::{SEND_MESSAGES, VIEW_CHANNEL};
use super::posted::Posted;
use super::replies::{Asked, Modal};
use super::sessions::GUILD_MEMBERS;
use super::state::State;
use super::{DiscordWorld, shapes};
use serde_json::{Value, json};

/// Somebody with an account.
#[derive(Clone)]
pub struct Person {
    world: DiscordWorld,
    id: Id,
}

impl Person {
    pub fn new(world: &DiscordWorld, id: Id) -> Person {
        Person {
            world: world.clone(),
            id,
        }
    }

    pub fn id(&self) -> Id {
        self.id
    }

    fn asks(&self, make: impl FnOnce(&mut State) -> Id) -> Asked {
        let id = self.world.shared.with(make);
        let asked = Asked::new(&self.world, id);
        asked.deliver();
        asked
    }

    /// Runs a command: its name, or the words down to a subcommand (`fb ack`, or `ack` when only one
    /// command has it). Options are given as text and sent in their registered type; people, roles
    /// and channels by name. Fails when the application registered no such thing.
    pub fn runs(&self, command: &str, options: &[(&str, &str)], channel: &str) -> Asked {
        self.asks(|state| {
            let channel = state.room(channel);
            asking::command(state, self.id, channel, command, options)
        })
    }

    /// Types into an option that completes.
    pub fn completes(&self, command: &str, option: &str, typed: &str, channel: &str) -> Asked {
        self.completes_with(command, &[], (option, typed), channel)
    }

    /// The same with other options filled in before.
    pub fn completes_with(
        &self,
        command: &str,
        given: &[(&str, &str)],
        (option, typed): (&str, &str),
        channel: &str,
    ) -> Asked {
        self.asks(|state| {
            let channel = state.room(channel);
            asking::completion(state, self.id, channel, command, given, (option, typed))
        })
    }

    /// Presses a button by its label.
    pub fn clicks(&self, message: &Posted, label: &str) -> Asked {
        self.asks(|state| asking::click(state, self.id, message.id(), label))
    }

    /// Chooses from a menu, which is found by its placeholder or custom id; options by label or value,
    /// people by name.
    pub fn selects(&self, message: &Posted, menu: &str, chosen: &[&str]) -> Asked {
        self.asks(|state| asking::select(state, self.id, message.id(), menu, chosen))
    }

    /// Sends a form; fields are found by label or custom id, those not named keep what was in them.
    pub fn submits(&self, form: &Modal, values: &[(&str, &str)]) -> Asked {
        self.asks(|state| asking::submit(state, self.id, form, values))
    }

    /// Uses a command of a message's menu.
    pub fn uses_menu(&self, command: &str, message: &Posted) -> Asked {
        self.asks(|state| asking::message_menu(state, self.id, message.id(), command))
    }

    /// Writes a message.
    pub fn says(&self, channel: &str, content: &str) -> Posted {
        self.answers_in(channel, None, content)
    }

    /// Answers a message.
    pub fn answers(&self, message: &Posted, content: &str) -> Posted {
        let channel = message.channel().to_string();
        self.answers_in(&channel, Some(message.id()), content)
    }

    fn answers_in(&self, channel: &str, to: Option<Id>, content: &str) -> Posted {
        let id = self.world.shared.with(|state| {
            let room = state.room(channel);
            let may = state.may(
                &state.channels[&room],
                self.id,
                VIEW_CHANNEL | SEND_MESSAGES,
            );
            assert!(may, "{} cannot write in {channel}", self.id);
            let mut message = written(state, room, self.id, content);
            message.reference = to;
            state.post(message)
        });
        Posted::new(&self.world, id)
    }

    /// Sends a file with words. `url`: somewhere else than where Discord keeps files.
    pub fn sends_file(
        &self,
        channel: &str,
        (name, content): (&str, &[u8]),
        text: &str,
        url: Option<&str>,
    ) -> Posted {
        let id = self.world.shared.with(|state| {
            let room = state.room(channel);
            let mut message = written(state, room, self.id, text);
            let file = state.snowflake();
            state.uploads.insert(file, content.to_vec());
            let own = format!("http://{}/attachments/{file}/{name}", state.address);
            let url = url.map_or(own, str::to_owned);
            message.attachments.push(json!({
                "id": file.to_string(), "filename": name, "size": content.len(),
                "url": url, "proxy_url": url,
            }));
            state.post(message)
        });
        Posted::new(&self.world, id)
    }

    /// Changes a message of their own.
    pub fn edits(&self, message: &Posted, content: &str) {
        self.world.shared.with(|state| {
            let own = state.messages[&message.id()].author == self.id;
            assert!(own, "people edit their own messages only");
            state
                .change(message.id(), &json!({"content": content}), &[])
                .unwrap();
        });
    }

    /// Takes a message away.
    pub fn deletes(&self, message: &Posted) {
        self.world.shared.with(|state| state.remove(message.id()));
    }

    pub fn reacts(&self, message: &Posted, emoji: &str) {
        self.world
            .shared
            .with(|state| state.set_reaction(message.id(), self.id, emoji, true));
    }

    pub fn unreacts(&self, message: &Posted, emoji: &str) {
        self.world
            .shared
            .with(|state| state.set_reaction(message.id(), self.id, emoji, false));
    }

    pub fn pins(&self, message: &Posted) {
        self.world
            .shared
            .with(|state| state.set_pin(message.id(), true));
    }

    pub fn unpins(&self, message: &Posted) {
        self.world
            .shared
            .with(|state| state.set_pin(message.id(), false));
    }

    /// Comes into a server.
    pub fn joins(&self, guild: Id) {
        self.world
            .shared
            .with(|state| state.add_member(guild, self.id, Vec::new()));
    }

    /// Leaves it, or is thrown out.
    pub fn leaves(&self, guild: Id) {
        self.world.shared.with(|state| {
            state
                .guilds
                .get_mut(&guild)
                .unwrap()
                .members
                .remove(&self.id);
            let user = shapes::user(&state.users[&self.id]);
            let data = json!({"guild_id": guild.to_string(), "user": user});
            state.publish("GUILD_MEMBER_REMOVE", GUILD_MEMBERS, &data);
        });
    }

    /// Is given a role of the server it belongs to.
    pub fn gets_role(&self, role: Id) {
        self.world.shared.with(|state| {
            let guild = state
                .guilds
                .values_mut()
                .find(|g| g.roles.contains_key(&role))
                .unwrap();
            let id = guild.id;
            guild.members.get_mut(&self.id).unwrap().roles.push(role);
            let mut data = shapes::member(state, &state.guilds[&id], self.id);
            data["guild_id"] = json!(id.to_string());
            state.publish("GUILD_MEMBER_UPDATE", GUILD_MEMBERS, &data);
        });
    }

    /// Takes no messages from bots any more.
    pub fn closes_dms(&self) {
        self.world.shared.with(|state| {
            state.users.get_mut(&self.id).unwrap().takes_dms = false;
        });
    }

    /// The name of their conversation with the bot, to be used as a channel's.
    pub fn dm(&self) -> String {
        self.world
            .shared
            .with(|state| state.dm_with(self.id).to_string())
    }

    /// May (allow) or may not (deny) do this in one channel.
    pub fn overwritten(&self, channel: &str, allow: u64, deny: u64) {
        self.world.shared.with(|state| {
            let room = state.room(channel);
            state.overwrite(
                room,
                Overwrite {
                    id: self.id,
                    of_member: true,
                    allow,
                    deny,
                },
            );
        });
    }

    /// As the API shows them.
    pub fn json(&self) -> Value {
        self.world
            .shared
            .look(|state| shapes::user(&state.users[&self.id]))
    }
}
