//! What a workspace is made of. Plain data; the rules are in `methods/`, the shapes in `shape.rs`.

use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

pub struct Team {
    pub id: String,
    pub domain: String,
    /// The app's bot user here.
    pub bot_user: String,
    pub bot_id: String,
}

/// Somebody, as `users.info` tells of them.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "these are the flags of Slack's user object"
)]
pub struct User {
    pub id: String,
    pub team: String,
    /// The handle, without `@`.
    pub name: String,
    pub email: String,
    pub is_bot: bool,
    pub is_restricted: bool,
    pub is_ultra_restricted: bool,
    /// Belongs to another organisation and is seen through a shared channel.
    pub is_stranger: bool,
    pub deleted: bool,
    pub is_admin: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Public,
    Private,
    Direct,
    Group,
}

/// A channel or a direct conversation.
#[derive(Clone, Debug)]
pub struct Channel {
    pub id: String,
    pub team: String,
    pub name: String,
    pub kind: Kind,
    pub creator: String,
    pub created: u64,
    pub archived: bool,
    pub general: bool,
    /// Shared with another organisation.
    pub ext_shared: bool,
    pub members: BTreeSet<String>,
    pub topic: String,
    pub purpose: String,
    pub previous_names: Vec<String>,
    /// Timestamps of pinned messages, the latest last.
    pub pins: Vec<String>,
    pub bookmarks: Vec<Bookmark>,
}

#[derive(Clone, Debug)]
pub struct Bookmark {
    pub id: String,
    pub title: String,
    pub link: String,
    pub emoji: String,
    pub created: u64,
}

/// A message as it is now, and what became of it.
#[derive(Clone, Debug, Default)]
pub struct Message {
    pub channel: String,
    pub ts: String,
    pub user: String,
    /// Set when an app wrote it.
    pub bot_id: Option<String>,
    /// As it was sent: nothing is escaped, resolved or cut.
    pub text: String,
    pub blocks: Vec<Value>,
    pub attachments: Vec<Value>,
    pub metadata: Option<Value>,
    pub thread_ts: Option<String>,
    pub subtype: Option<String>,
    pub edited: Option<(String, String)>,
    /// Texts it had before.
    pub earlier: Vec<String>,
    pub deleted: bool,
    /// Emoji name to the users who added it.
    pub reactions: BTreeMap<String, Vec<String>>,
    pub files: Vec<String>,
    /// Only this user sees it.
    pub ephemeral_to: Option<String>,
    /// The arguments of the call that posted it: `unfurl_links`, `parse`, `link_names` and the like.
    pub args: Map<String, Value>,
}

impl Message {
    /// Everything a reader sees: the text and every text within the blocks, one a line.
    pub fn words(&self) -> String {
        let mut words = vec![self.text.clone()];
        gather(&Value::Array(self.blocks.clone()), &mut words);
        words.join("\n")
    }
}

fn gather(value: &Value, words: &mut Vec<String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|v| gather(v, words)),
        Value::Object(map) => {
            for (key, inner) in map {
                match inner {
                    Value::String(s) if key == "text" || key == "alt_text" => words.push(s.clone()),
                    other => gather(other, words),
                }
            }
        }
        _ => {}
    }
}

/// A modal or a Home tab.
#[derive(Clone, Debug)]
pub struct View {
    pub id: String,
    pub team: String,
    /// Who looks at it.
    pub user: String,
    /// As the app sent it, with ids filled in.
    pub body: Map<String, Value>,
    pub hash: String,
    pub root: String,
    pub previous: Option<String>,
    /// Closed views are kept, so that a late `views.update` finds out.
    pub open: bool,
    /// What the person entered and chose so far: block, action, value.
    pub values: Map<String, Value>,
}

impl View {
    pub fn is_home(&self) -> bool {
        self.body.get("type").and_then(Value::as_str) == Some("home")
    }

    pub fn title(&self) -> &str {
        let title = self.body.get("title").and_then(|t| t["text"].as_str());
        title.unwrap_or_default()
    }

    pub fn blocks(&self) -> &[Value] {
        let blocks = self.body.get("blocks").and_then(Value::as_array);
        blocks.map_or(&[], Vec::as_slice)
    }

    /// Every text in it, one a line.
    pub fn words(&self) -> String {
        let mut words = vec![self.title().to_owned()];
        gather(&Value::Array(self.blocks().to_vec()), &mut words);
        words.join("\n")
    }
}

#[derive(Clone, Debug)]
pub struct UserGroup {
    pub id: String,
    pub team: String,
    pub handle: String,
    pub name: String,
    pub users: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub struct Upload {
    pub id: String,
    pub team: String,
    pub name: String,
    pub title: String,
    pub length: usize,
    pub content: Option<Vec<u8>>,
    pub channel: Option<String>,
    /// Where who may read files gets it.
    pub url: String,
}

/// What may be opened with a `trigger_id`.
#[derive(Clone, Debug)]
pub struct Trigger {
    pub team: String,
    pub user: String,
    pub until: u64,
    pub used: bool,
    /// The view a person was in, for `views.push`.
    pub view: Option<String>,
}

/// Where an answer to a command or a click may be posted.
#[derive(Clone, Debug)]
pub struct Hook {
    pub team: String,
    pub user: String,
    pub channel: String,
    /// The message that was clicked, for `replace_original` and `delete_original`.
    pub message: Option<String>,
    pub until: u64,
    pub left: u32,
}

/// What was posted to a `response_url`.
#[derive(Clone, Debug)]
pub struct Response {
    pub url: String,
    pub user: String,
    pub channel: String,
    pub body: Value,
    /// What the app was told.
    pub status: u16,
}

/// A call of the Web API, as it came in and as it was answered.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    pub team: Option<String>,
    pub token: Option<String>,
    pub args: Map<String, Value>,
    /// Whether the arguments came as JSON.
    pub json: bool,
    /// `None` while it is being worked on or when it never was answered.
    pub answer: Option<Value>,
    pub status: u16,
    /// On the workspace's clock.
    pub at_micros: u64,
}

impl Call {
    pub fn arg(&self, name: &str) -> &str {
        self.args.get(name).and_then(Value::as_str).unwrap_or("")
    }

    pub fn ok(&self) -> bool {
        self.answer.as_ref().is_some_and(|a| a["ok"] == true)
    }
}
