//! What the stand-in knows: people, servers, rooms, messages, commands, interactions. Plain data; the
//! JSON of each is made in `shapes`, the rules are in `rules` and beside the routes.

use serde_json::Value;
use std::collections::BTreeMap;

/// A snowflake: milliseconds since 2015 in the upper bits, a counter below.
pub type Id = u64;

/// The first millisecond of snowflakes, since 1970.
pub const EPOCH_MS: i64 = 1_420_070_400_000;

pub const TEXT: u64 = 0;
pub const DM: u64 = 1;
pub const CATEGORY: u64 = 4;
pub const THREAD: u64 = 11;

#[derive(Clone, Debug)]
pub struct User {
    pub id: Id,
    pub name: String,
    pub global_name: Option<String>,
    pub bot: bool,
    /// Whether strangers and bots may write to them.
    pub takes_dms: bool,
}

#[derive(Clone, Debug)]
pub struct Role {
    pub id: Id,
    pub name: String,
    pub permissions: u64,
    pub position: u64,
    pub mentionable: bool,
    /// The bot whose own role it is.
    pub of_bot: Option<Id>,
}

#[derive(Clone, Debug)]
pub struct Member {
    pub roles: Vec<Id>,
    pub nick: Option<String>,
    pub joined_ms: i64,
}

#[derive(Clone, Debug)]
pub struct Guild {
    pub id: Id,
    pub name: String,
    pub owner: Id,
    pub roles: BTreeMap<Id, Role>,
    pub members: BTreeMap<Id, Member>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overwrite {
    pub id: Id,
    /// True for a member, false for a role.
    pub of_member: bool,
    pub allow: u64,
    pub deny: u64,
}

#[derive(Clone, Debug)]
pub struct Channel {
    pub id: Id,
    pub kind: u64,
    /// None for a conversation between two.
    pub guild: Option<Id>,
    pub name: String,
    pub topic: Option<String>,
    pub position: u64,
    pub parent: Option<Id>,
    pub overwrites: Vec<Overwrite>,
    /// The other side of a conversation between two.
    pub recipient: Option<Id>,
    pub archived: bool,
    /// When names and topics were changed, for Discord's own brake.
    pub renamed_ms: Vec<i64>,
    pub last_pin_ms: Option<i64>,
}

/// Whom a message really rang.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rung {
    pub everyone: bool,
    pub users: Vec<Id>,
    pub roles: Vec<Id>,
}

impl Rung {
    /// Nobody's phone moved.
    pub fn nobody(&self) -> bool {
        !self.everyone && self.users.is_empty() && self.roles.is_empty()
    }
}

#[derive(Clone, Debug)]
pub struct Message {
    pub id: Id,
    pub channel: Id,
    pub author: Id,
    pub content: String,
    pub embeds: Value,
    pub components: Value,
    pub attachments: Vec<Value>,
    pub nonce: Option<Value>,
    /// Whether the nonce is kept to, and so names this message for some minutes.
    pub enforced: bool,
    pub reference: Option<Id>,
    pub flags: u64,
    pub created_ms: i64,
    pub edited_ms: Option<i64>,
    pub pinned_ms: Option<i64>,
    pub reactions: Vec<(String, Id)>,
    /// The interaction it answers.
    pub interaction: Option<Id>,
    pub deleted: bool,
    pub rung: Rung,
    /// What it said before each edit, oldest first.
    pub before: Vec<String>,
}

impl Message {
    /// Only the person who asked sees it.
    pub fn ephemeral(&self) -> bool {
        self.flags & 64 != 0
    }

    /// Everything a reader sees, in reading order, one piece a line.
    pub fn text(&self) -> String {
        let mut lines = vec![self.content.clone()];
        for embed in list(&self.embeds) {
            let author = text(&embed["author"]["name"]);
            lines.extend([author, text(&embed["title"]), text(&embed["description"])]);
            for field in list(&embed["fields"]) {
                lines.extend([text(&field["name"]), text(&field["value"])]);
            }
            lines.push(text(&embed["footer"]["text"]));
        }
        lines.retain(|line| !line.is_empty());
        lines.join("\n")
    }
}

#[derive(Clone, Debug)]
pub struct Command {
    pub id: Id,
    pub guild: Option<Id>,
    /// The whole definition, as Discord gives it back.
    pub body: Value,
}

/// How an interaction was answered at first.
#[derive(Clone, Debug)]
pub struct Initial {
    /// Discord's number: 4 message, 5 later, 6 later (update), 7 update, 8 choices, 9 form.
    pub kind: u64,
    pub data: Value,
    pub at_ms: i64,
}

#[derive(Clone, Debug)]
pub struct Interaction {
    pub id: Id,
    /// 2 command, 3 component, 4 autocomplete, 5 form.
    pub kind: u64,
    pub token: String,
    pub user: Id,
    pub guild: Option<Id>,
    pub channel: Id,
    pub created_ms: i64,
    /// The message whose button was pressed.
    pub message: Option<Id>,
    pub payload: Value,
    pub initial: Option<Initial>,
    /// The message that is `@original`, once there is one.
    pub original: Option<Id>,
    pub followups: Vec<Id>,
    /// Why the endpoint over HTTP gave no answer that counts.
    pub refused: Option<String>,
}

/// The parts of a JSON list, none for anything else.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A JSON string, empty for anything else.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A snowflake given as a string or a number.
pub fn id_of(value: &Value) -> Option<Id> {
    value
        .as_u64()
        .or_else(|| value.as_str().and_then(|s| s.parse().ok()))
}
