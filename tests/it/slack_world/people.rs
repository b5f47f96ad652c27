//! The people of a workspace and what they do that only makes an event.

use super::SlackWorld;
use super::model::{Kind, Message, User, View};
use super::outbound::Outcome;
use super::shape;
use super::state::State;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Somebody in front of Slack.
#[derive(Clone)]
pub struct Person {
    pub(super) world: SlackWorld,
    pub(super) user: User,
}

/// What came of a deed that the app has to acknowledge.
#[derive(Clone, Debug)]
pub struct Reply {
    pub outcome: Outcome,
    pub trigger_id: String,
    /// Empty where there is none.
    pub response_url: String,
}

impl Reply {
    /// Fails unless the app acknowledged in time.
    pub fn assert_acked(self) -> Reply {
        let (took, error) = (self.outcome.took, &self.outcome.error);
        assert!(
            self.outcome.acked,
            "not acknowledged after {took:?}: {error:?}"
        );
        self
    }
}

impl Person {
    pub(super) fn new(world: SlackWorld, user: User) -> Person {
        Person { world, user }
    }

    pub fn id(&self) -> &str {
        &self.user.id
    }

    /// Changes the workspace and sends what events that makes.
    pub(super) fn does<T>(&self, deed: impl FnOnce(&mut State) -> T) -> T {
        let done = self.world.core.change(deed);
        self.world.core.flush();
        done
    }

    /// A channel this person sees.
    pub(super) fn sees(&self, channel: &str) -> String {
        let (name, user) = (&self.user.name, &self.user.id);
        let channel = self.world.channel_named(channel);
        let seen = channel.kind == Kind::Public || channel.members.contains(user);
        assert!(seen, "{name} does not see #{}", channel.name);
        channel.id
    }

    /// Text as the client sends it: characters of mark-up are escaped, `@name` and `#name` become ids.
    fn typed(&self, state: &State, text: &str, named: bool) -> String {
        let escaped = text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        self.mentioned(state, &escaped, named)
    }

    /// `@name` of somebody who exists becomes a mention; `named` adds the name, as commands have it.
    pub(super) fn mentioned(&self, state: &State, text: &str, named: bool) -> String {
        let word = |word: &str| {
            let name = word.strip_prefix('@')?;
            let end = name.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-');
            let (name, rest) = name.split_at(end.unwrap_or(name.len()));
            let user = state.user_named(&self.user.team, name)?;
            let label = if named {
                format!("|{name}")
            } else {
                String::new()
            };
            Some(format!("<@{}{label}>{rest}", user.id))
        };
        let words = text
            .split(' ')
            .map(|w| word(w).unwrap_or_else(|| w.to_owned()));
        words.collect::<Vec<String>>().join(" ")
    }

    /// Writes into a channel.
    pub fn says(&self, channel: &str, text: &str) -> Message {
        self.says_in_thread_of(channel, None, text)
    }

    /// Sends a file with words. `url`: somewhere else than where Slack keeps files.
    pub fn sends_file(
        &self,
        channel: &str,
        (name, content): (&str, &[u8]),
        text: &str,
        url: Option<&str>,
    ) -> Message {
        let channel = self.sees(channel);
        self.does(|state| {
            let id = state.id("F");
            let own = format!("http://{}/files-pri/{id}/{name}", state.host);
            state.uploads.push(super::model::Upload {
                id: id.clone(),
                team: self.user.team.clone(),
                name: name.to_owned(),
                title: name.to_owned(),
                length: content.len(),
                content: Some(content.to_vec()),
                channel: Some(channel.clone()),
                url: url.map_or(own, str::to_owned),
            });
            let message = Message {
                channel,
                ts: state.clock.ts(),
                user: self.user.id.clone(),
                text: self.typed(state, text, false),
                subtype: Some("file_share".to_owned()),
                files: vec![id],
                ..Message::default()
            };
            state.say(message.clone());
            message
        })
    }

    /// Answers in the thread of a message.
    pub fn answers(&self, message: &Message, text: &str) -> Message {
        let root = message
            .thread_ts
            .clone()
            .unwrap_or_else(|| message.ts.clone());
        self.says_in_thread_of(&message.channel, Some(root), text)
    }

    fn says_in_thread_of(&self, channel: &str, thread_ts: Option<String>, text: &str) -> Message {
        let channel = self.sees(channel);
        self.does(|state| {
            let message = Message {
                channel,
                ts: state.clock.ts(),
                user: self.user.id.clone(),
                text: self.typed(state, text, false),
                thread_ts,
                ..Message::default()
            };
            state.say(message.clone());
            message
        })
    }

    /// The conversation with the app.
    pub fn direct(&self) -> String {
        self.does(|state| state.direct(&self.user.team, &self.user.id))
    }

    pub fn edits(&self, message: &Message, text: &str) {
        assert_eq!(message.user, self.user.id, "people edit what they wrote");
        self.does(|state| {
            let (now, text) = (state.clock.ts(), self.typed(state, text, false));
            state.rewrite(&message.channel, &message.ts, &self.user.id, &now, |m| {
                m.text = text;
            });
        });
    }

    pub fn deletes(&self, message: &Message) {
        self.does(|state| state.unsay(&message.channel, &message.ts));
    }

    /// Adds an emoji, named without colons.
    pub fn reacts(&self, message: &Message, emoji: &str) {
        self.does(|state| {
            let found = state.message_mut(&message.channel, &message.ts);
            let users = found
                .expect("the message is there")
                .reactions
                .entry(emoji.to_owned());
            users.or_default().push(self.user.id.clone());
            let (channel, ts) = (&message.channel, &message.ts);
            state.reaction_event("reaction_added", channel, ts, &self.user.id, emoji);
        });
    }

    pub fn unreacts(&self, message: &Message, emoji: &str) {
        self.does(|state| {
            let found = state.message_mut(&message.channel, &message.ts);
            let found = found.expect("the message is there");
            found
                .reactions
                .entry(emoji.to_owned())
                .or_default()
                .retain(|u| *u != self.user.id);
            found.reactions.retain(|_, users| !users.is_empty());
            let (channel, ts) = (&message.channel, &message.ts);
            state.reaction_event("reaction_removed", channel, ts, &self.user.id, emoji);
        });
    }

    pub fn pins(&self, message: &Message) {
        self.does(|state| {
            let channel = state.channel_mut(&message.channel).expect("a channel");
            channel.pins.push(message.ts.clone());
            state.pin_event("pin_added", &message.channel, &message.ts, &self.user.id);
        });
    }

    pub fn unpins(&self, message: &Message) {
        self.does(|state| {
            let channel = state.channel_mut(&message.channel).expect("a channel");
            channel.pins.retain(|ts| *ts != message.ts);
            state.pin_event("pin_removed", &message.channel, &message.ts, &self.user.id);
        });
    }

    pub fn joins(&self, channel: &str) {
        let channel = self.sees(channel);
        self.does(|state| state.enter(&channel, &self.user.id, None));
    }

    pub fn leaves(&self, channel: &str) {
        let channel = self.sees(channel);
        self.does(|state| state.exit(&channel, &self.user.id));
    }

    /// Brings somebody in, by name; `firebell` is the app.
    pub fn invites(&self, name: &str, channel: &str) {
        let channel = self.sees(channel);
        let other = self.world.user(name);
        self.does(|state| state.enter(&channel, other.id(), Some(&self.user.id)));
    }

    /// Puts somebody out, by name.
    pub fn kicks(&self, name: &str, channel: &str) {
        let channel = self.sees(channel);
        let other = self.world.user(name);
        self.does(|state| state.exit(&channel, other.id()));
    }

    /// A new public channel with only this person in it; its id.
    pub fn creates_channel(&self, name: &str) -> String {
        self.creates(name, Kind::Public)
    }

    pub fn creates_private_channel(&self, name: &str) -> String {
        self.creates(name, Kind::Private)
    }

    fn creates(&self, name: &str, kind: Kind) -> String {
        let members = BTreeSet::from([self.user.id.clone()]);
        self.does(|state| {
            let taken = state.channel_named(&self.user.team, name).is_some();
            assert!(!taken, "#{name} is taken");
            state.open(&self.user.team, name, kind, &self.user.id, members)
        })
    }

    /// From now on another organisation is in this channel too.
    pub fn shares(&self, channel: &str) {
        let channel = self.sees(channel);
        self.does(|state| state.channel_mut(&channel).expect("a channel").ext_shared = true);
    }

    pub fn archives(&self, channel: &str) {
        let channel = self.sees(channel);
        self.does(|state| state.archive(&channel, &self.user.id, true));
    }

    pub fn unarchives(&self, channel: &str) {
        let channel = self.sees(channel);
        self.does(|state| state.archive(&channel, &self.user.id, false));
    }

    pub fn renames(&self, channel: &str, name: &str) {
        let id = self.sees(channel);
        self.does(|state| {
            let channel = state.channel_mut(&id).expect("a channel");
            let before = std::mem::replace(&mut channel.name, name.to_owned());
            channel.previous_names.push(before);
            let channel = channel.clone();
            state.channel_event(&channel, "rename", &self.user.id);
        });
    }

    /// Looks at the app's Home tab.
    pub fn opens_home(&self) {
        self.does(|state| {
            let channel = state.direct(&self.user.team, &self.user.id);
            let home = state
                .views
                .iter()
                .find(|v| v.is_home() && v.user == self.user.id);
            let mut event = json!({
                "type": "app_home_opened",
                "user": self.user.id,
                "channel": channel,
                "tab": "home",
            });
            if let Some(home) = home {
                event["view"] = shape::view(state, home);
            }
            event["event_ts"] = json!(state.clock.ts());
            state.emit(&self.user.team, "app_home_opened", event);
        });
    }

    /// The modal on top, if one is open.
    pub fn looks_at(&self) -> Option<View> {
        self.world.core.look(|state| {
            let mut views = state.views.iter().rev();
            views
                .find(|v| v.open && !v.is_home() && v.user == self.user.id)
                .cloned()
        })
    }

    /// Takes the app out of the workspace.
    pub fn uninstalls_the_app(&self) {
        let team = &self.user.team;
        self.does(|state| {
            let bot = state.team(team).bot_user.clone();
            let tokens: [Value; 2] = [
                json!({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [bot]}}),
                json!({"type": "app_uninstalled"}),
            ];
            for event in tokens {
                let kind = event["type"].as_str().expect("a type").to_owned();
                state.emit(team, &kind, event);
            }
            let own = state
                .tokens
                .all
                .values_mut()
                .filter(|t| t.team == *team && !t.app_level);
            own.for_each(|token| token.refused = Some("account_inactive".to_owned()));
        });
    }
}
