//! Looking at a workspace, and waiting for what is wanted in it.

use super::SlackWorld;
use super::clock::number;
use super::model::{Call, Channel, Message, Response, View};
use super::state::{Sent, State};
use std::time::Duration;

/// Long enough for a busy machine; what is wanted usually is there at once.
pub const PATIENCE: Duration = Duration::from_secs(20);

impl SlackWorld {
    /// Moves with everything that happens, for whoever waits for more than one world.
    pub fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.core.changed.subscribe()
    }

    /// Waits until `look` finds something; fails with `what` and with what is there.
    pub async fn expect<T>(
        &self,
        what: &str,
        within: Duration,
        look: impl Fn(&State) -> Option<T>,
    ) -> T {
        let mut changed = self.core.changed.subscribe();
        let found = tokio::time::timeout(within, async {
            loop {
                // registered before looking, so that nothing is missed in between
                changed.mark_unchanged();
                if let Some(found) = self.core.look(&look) {
                    return found;
                }
                changed.changed().await.expect("the workspace lives");
            }
        });
        let Ok(found) = found.await else {
            panic!("{what} did not come within {within:?}.\n{}", self.story())
        };
        found
    }

    /// The last things that happened, for a failure's message.
    fn story(&self) -> String {
        self.core.look(|s| {
            let calls = s.calls.iter().rev().take(12).rev();
            let calls = calls.map(|c| {
                let error = c.answer.as_ref().and_then(|a| a["error"].as_str());
                let error = error.map_or_else(String::new, |e| format!(" {e}"));
                format!("  {} {}{error}\n", c.status, c.method)
            });
            let said = s.messages.iter().rev().take(12).rev();
            let said = said.map(|m| {
                let name = s.channel(&m.channel).map_or("", |c| &c.name);
                let whom = m
                    .ephemeral_to
                    .as_ref()
                    .map_or(String::new(), |u| format!(" to {u}"));
                format!("  #{name}{whom}: {}\n", m.words().replace('\n', " | "))
            });
            let (calls, said) = (calls.collect::<String>(), said.collect::<String>());
            format!("The last calls:\n{calls}The last messages:\n{said}")
        })
    }

    /// A message of this channel whose words contain `text`, now or soon.
    pub async fn expect_message(&self, channel: &str, text: &str) -> Message {
        let wanted = format!("a message with `{text}` in {channel}");
        let fits = |m: &Message| m.words().contains(text);
        self.expect_message_where(channel, &wanted, fits).await
    }

    /// The latest message of this channel that fits, now or soon.
    pub async fn expect_message_where(
        &self,
        channel: &str,
        what: &str,
        fits: impl Fn(&Message) -> bool,
    ) -> Message {
        let look = |s: &State| {
            let id = self.resolve(s, channel)?;
            let mut all = s.messages.iter().rev();
            let seen = |m: &&Message| m.channel == id && !m.deleted && m.ephemeral_to.is_none();
            all.find(|m| seen(m) && fits(m)).cloned()
        };
        self.expect(what, PATIENCE, look).await
    }

    /// A message only this person sees, with `text` in it.
    pub async fn expect_ephemeral(&self, user: &str, text: &str) -> Message {
        let id = self.user(user).id().to_owned();
        let look = |s: &State| {
            let mut all = s.messages.iter().rev();
            all.find(|m| {
                m.ephemeral_to.as_ref() == Some(&id) && !m.deleted && m.words().contains(text)
            })
            .cloned()
        };
        let what = format!("`{text}` for {user} alone");
        self.expect(&what, PATIENCE, look).await
    }

    /// A modal this person looks at, with `text` in it.
    pub async fn expect_view(&self, user: &str, text: &str) -> View {
        self.expect_shown(user, text, false).await
    }

    /// This person's Home tab, with `text` in it.
    pub async fn expect_home(&self, user: &str, text: &str) -> View {
        self.expect_shown(user, text, true).await
    }

    async fn expect_shown(&self, user: &str, text: &str, home: bool) -> View {
        let id = self.user(user).id().to_owned();
        let look = |s: &State| {
            let mut all = s.views.iter().rev();
            let seen = |v: &&View| v.open && v.user == id && v.is_home() == home;
            all.find(|v| seen(v) && v.words().contains(text)).cloned()
        };
        self.expect(&format!("a view with `{text}` for {user}"), PATIENCE, look)
            .await
    }

    /// A channel of this name.
    pub async fn expect_channel(&self, name: &str) -> Channel {
        let look = |s: &State| s.channel_named(&self.team, name).cloned();
        self.expect(&format!("#{name}"), PATIENCE, look).await
    }

    /// At least so many answered calls of a method.
    pub async fn expect_calls(&self, method: &str, least: usize) -> Vec<Call> {
        let look = |s: &State| {
            let answered = |c: &&Call| c.method == method && c.status != 0;
            let all: Vec<Call> = s.calls.iter().filter(answered).cloned().collect();
            (all.len() >= least).then_some(all)
        };
        let what = format!("{least} calls of {method}");
        self.expect(&what, PATIENCE, look).await
    }

    /// A call of a method in this channel, answered or not.
    pub async fn expect_calls_begun(&self, method: &str, channel: &str) {
        let look = |s: &State| {
            let mut all = s.calls.iter();
            let fits = |c: &&Call| c.method == method && c.arg("channel") == channel;
            all.find(fits).map(|_| ())
        };
        let what = format!("a call of {method} in {channel}");
        self.expect(&what, PATIENCE, look).await;
    }

    /// At least so many sockets that are served.
    pub async fn expect_connected(&self, least: usize) {
        let look = |s: &State| {
            let served = s.sockets.open.iter().filter(|o| !o.leaving).count();
            (served >= least).then_some(())
        };
        self.expect(&format!("{least} sockets"), PATIENCE, look)
            .await;
    }

    /// No socket at all.
    pub async fn expect_disconnected(&self) {
        let look = |s: &State| s.sockets.open.is_empty().then_some(());
        self.expect("the end of all sockets", PATIENCE, look).await;
    }

    /// That nothing is on its way to the app any more: acknowledged, or given up.
    pub async fn expect_quiet(&self) {
        let look = |s: &State| (s.on_the_way == 0 && s.events.is_empty()).then_some(());
        self.expect("quiet", PATIENCE, look).await;
    }

    /// Something that was sent and acknowledged, of which this holds.
    pub async fn expect_sent(&self, what: &str, fits: impl Fn(&Sent) -> bool) -> Sent {
        let look = |s: &State| s.sent.iter().rev().find(|sent| fits(sent)).cloned();
        self.expect(what, PATIENCE, look).await
    }

    /// The id of a channel that is named by id or by name.
    pub(super) fn resolve(&self, state: &State, channel: &str) -> Option<String> {
        if state.channel(channel).is_some() {
            return Some(channel.to_owned());
        }
        let name = channel.trim_start_matches('#');
        Some(state.channel_named(&self.team, name)?.id.clone())
    }

    /// A channel by id or name; fails when there is none.
    pub fn channel_named(&self, name: &str) -> Channel {
        let found = self.core.look(|s| {
            let id = self.resolve(s, name)?;
            s.channel(&id).cloned()
        });
        found.unwrap_or_else(|| panic!("there is no channel {name}"))
    }

    /// Every channel of this workspace.
    pub fn channels(&self) -> Vec<Channel> {
        let own = |c: &&Channel| c.team == self.team && !c.name.is_empty();
        self.core
            .look(|s| s.channels.iter().filter(own).cloned().collect())
    }

    /// Everything everybody sees in a channel, in order; deleted messages are gone.
    pub fn messages(&self, channel: &str) -> Vec<Message> {
        let id = self.channel_named(channel).id;
        let mut all: Vec<Message> = self.core.look(|s| {
            let seen = |m: &&Message| m.channel == id && !m.deleted && m.ephemeral_to.is_none();
            s.messages.iter().filter(seen).cloned().collect()
        });
        all.sort_by_key(|m| number(&m.ts));
        all
    }

    /// A message as it is now.
    pub fn again(&self, message: &Message) -> Message {
        let found = self
            .core
            .look(|s| s.message(&message.channel, &message.ts).cloned());
        found.expect("the message is still there")
    }

    /// What only this person sees.
    pub fn ephemeral_to(&self, user: &str) -> Vec<Message> {
        let id = Some(self.user(user).id().to_owned());
        let seen = |m: &&Message| m.ephemeral_to == id && !m.deleted;
        self.core
            .look(|s| s.messages.iter().filter(seen).cloned().collect())
    }

    /// Every call of a method, refused ones too.
    pub fn calls(&self, method: &str) -> Vec<Call> {
        let own = |c: &&Call| c.method == method;
        self.core
            .look(|s| s.calls.iter().filter(own).cloned().collect())
    }

    /// What was posted to a `response_url`.
    pub fn responses_to(&self, url: &str) -> Vec<Response> {
        let own = |r: &&Response| r.url == url;
        self.core
            .look(|s| s.responses.iter().filter(own).cloned().collect())
    }

    /// Everything that went to the app.
    pub fn sent(&self) -> Vec<Sent> {
        self.core.look(|s| s.sent.clone())
    }

    /// The bytes of a file that was shared.
    pub fn file(&self, name: &str) -> Option<Vec<u8>> {
        self.core.look(|s| {
            let mut files = s.uploads.iter().rev();
            files
                .find(|f| f.name == name && f.channel.is_some())?
                .content
                .clone()
        })
    }
}
