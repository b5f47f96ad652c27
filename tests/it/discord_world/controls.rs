//! What a test does to Discord itself: breaks it, slows it, and asks what it saw.

use super::DiscordWorld;
use super::faults::{Fault, Planned, of_route};
use super::limits::Rule;
use super::model::Id;
use super::sessions::Out;
use super::shapes;
use super::state::{Call, Settings};
use serde_json::{Value, json};

impl DiscordWorld {
    /// Requests of a route meet this fault: the next `times` of them, or (None) all until `mends`.
    /// Routes are `POST /channels/*/messages`, `* /channels/123/**`, `*`: see `faults::of_route`.
    pub fn breaks(&self, route: &str, fault: Fault, times: Option<usize>) {
        let route = if route == "*" { "* /**" } else { route };
        let planned = Planned {
            route: route.to_owned(),
            fault,
            left: times,
        };
        self.shared.with(|state| state.faults.push(planned));
    }

    /// Everything planned is off.
    pub fn mends(&self) {
        self.shared.with(|state| state.faults.clear());
    }

    /// A limit of its own for a route.
    pub fn limits(&self, rule: Rule) {
        self.shared.with(|state| state.buckets.set(rule));
    }

    /// How many requests a second there may be over everything.
    pub fn limits_everything(&self, per_second: usize) {
        self.shared
            .with(|state| state.buckets.global.limit = per_second);
    }

    /// Changes what may be set.
    pub fn set(&self, change: impl FnOnce(&mut Settings)) {
        self.shared.with(|state| change(&mut state.settings));
    }

    /// Stops answering as planned, or goes on.
    pub fn halts(&self, halt: crate::halt::Halt) {
        self.shared.with(|state| state.halt = halt);
    }

    /// Whether it has stopped answering.
    pub fn halted(&self) -> bool {
        self.shared.look(|state| state.halt.met())
    }

    /// Ids of the channels whose name begins so.
    pub fn channels_like(&self, begin: &str) -> Vec<String> {
        self.shared.look(|state| {
            let found = state.channels.values();
            let found = found.filter(|c| c.name.starts_with(begin));
            found.map(|c| c.id.to_string()).collect()
        })
    }

    /// Topic and pinned messages of a channel.
    pub fn furniture(&self, id: &str) -> (String, Vec<String>) {
        let id: super::model::Id = id.parse().unwrap();
        self.shared.look(|state| {
            let pins = state.messages_in(id).filter(|m| m.pinned_ms.is_some());
            let pins = pins.map(|m| m.id.to_string()).collect();
            (state.channels[&id].topic.clone().unwrap_or_default(), pins)
        })
    }

    /// The name of a channel and of the category it stands in.
    pub fn channel_and_category(&self, id: &str) -> (String, String) {
        self.shared.look(|state| {
            let id: super::model::Id = id.parse().unwrap();
            let channel = &state.channels[&id];
            let parent = channel.parent.and_then(|p| state.channels.get(&p));
            let category = parent.map_or_else(String::new, |c| c.name.clone());
            (channel.name.clone(), category)
        })
    }

    /// Whether a channel is still there.
    pub fn has_channel(&self, id: &str) -> bool {
        let id: super::model::Id = id.parse().unwrap();
        self.shared.look(|state| state.channels.contains_key(&id))
    }

    /// The server takes no more channels than it has; answers how many that are.
    pub fn fills_up(&self) -> usize {
        self.shared.with(|state| {
            let home = state.home;
            let here = state.channels.values();
            let here = here.filter(|c| c.guild == Some(home) && c.kind <= super::model::CATEGORY);
            state.settings.guild_channels = here.count();
            state.settings.guild_channels
        })
    }

    /// The token is revoked: REST says 401, the gateway closes with 4004.
    pub fn revokes_token(&self) {
        self.shared.with(|state| {
            state.token = format!("{}.renewed", state.token);
            for session in &mut state.sessions {
                session.valid = false;
            }
            state.send_all(&Out::Close(Some(4004)));
        });
    }

    /// Closes every connection with this code; 4009 takes the session with it.
    pub fn closes(&self, code: u16) {
        self.shared.with(|state| {
            let lost = matches!(code, 4004 | 4007 | 4009 | 4010..=4014);
            for session in &mut state.sessions {
                session.valid &= !lost;
            }
            state.send_all(&Out::Close(Some(code)));
        });
    }

    /// A close frame without a code.
    pub fn closes_without_code(&self) {
        self.shared.with(|state| state.send_all(&Out::Close(None)));
    }

    /// The connection ends without a word.
    pub fn drops_connection(&self) {
        self.shared.with(|state| state.send_all(&Out::Drop));
    }

    /// Op 7: please reconnect.
    pub fn asks_reconnect(&self) {
        let frame = json!({"op": 7, "s": null, "t": null, "d": null});
        self.shared.with(|state| state.send_all(&Out::Frame(frame)));
    }

    /// Op 9, resumable.
    pub fn interrupts_session(&self) {
        let frame = json!({"op": 9, "s": null, "t": null, "d": true});
        self.shared.with(|state| state.send_all(&Out::Frame(frame)));
    }

    /// Op 9, not resumable: the session and what was not told yet are gone.
    pub fn ends_session(&self) {
        let frame = json!({"op": 9, "s": null, "t": null, "d": false});
        self.shared.with(|state| {
            state.send_all(&Out::Frame(frame));
            for session in &mut state.sessions {
                session.valid = false;
            }
        });
    }

    /// Sessions are forgotten quietly: a resume will be answered with op 9.
    pub fn forgets_sessions(&self) {
        self.shared.with(|state| {
            for session in &mut state.sessions {
                session.valid = false;
            }
        });
    }

    /// The connections stay open, silent and deaf. What happens meanwhile waits for a resume.
    pub fn turns_zombie(&self) {
        self.shared.with(|state| state.send_all(&Out::Zombie));
    }

    /// Asks for a heartbeat at once (op 1).
    pub fn asks_heartbeat(&self) {
        let frame = json!({"op": 1, "s": null, "t": null, "d": null});
        self.shared.with(|state| state.send_all(&Out::Frame(frame)));
    }

    /// An event the gateway should not have sent; for what a bot does with rubbish.
    pub fn tells(&self, name: &str, data: &Value) {
        self.shared.with(|state| state.publish(name, 0, data));
    }

    /// Events of this name come twice from now on.
    pub fn doubles(&self, name: &str) {
        self.shared
            .with(|state| state.doubled.insert(name.to_owned()));
    }

    /// Sessions begun so far.
    pub fn identifies(&self) -> usize {
        self.shared.look(|state| state.sessions.len())
    }

    /// What the youngest session asked to be told.
    pub fn intents(&self) -> u64 {
        self.shared
            .look(|state| state.sessions.last().map_or(0, |s| s.intents))
    }

    /// Successful resumes so far.
    pub fn resumes(&self) -> usize {
        self.shared
            .look(|state| state.sessions.iter().map(|s| s.resumes).sum())
    }

    /// Connections that stand.
    pub fn connected(&self) -> usize {
        self.shared.look(|state| {
            state
                .sessions
                .iter()
                .filter(|s| s.valid && s.line.is_some())
                .count()
        })
    }

    /// Waits until a bot is connected and was told everything.
    pub async fn expect_ready(&self) {
        self.expect("bot at the gateway", |world| {
            (world.connected() > 0).then_some(())
        })
        .await;
    }

    /// Waits for the `n`th session ever begun.
    pub async fn expect_identifies(&self, n: usize) {
        let what = format!("{n} sessions");
        self.expect(&what, |world| (world.identifies() >= n).then_some(()))
            .await;
    }

    /// Waits for the `n`th resume.
    pub async fn expect_resumes(&self, n: usize) {
        let what = format!("{n} resumes");
        self.expect(&what, |world| (world.resumes() >= n).then_some(()))
            .await;
    }

    /// The requests of a route so far: `calls("POST", "/channels/*/messages")`.
    pub fn calls(&self, method: &str, path: &str) -> Vec<Call> {
        let route = format!("{method} {path}");
        self.shared.look(|state| {
            let all = state.calls.iter();
            all.filter(|call| of_route(&route, call)).cloned().collect()
        })
    }

    /// Waits until so many requests of a route were made.
    pub async fn expect_calls(&self, method: &str, path: &str, n: usize) -> Vec<Call> {
        let what = format!("{n} calls of {method} {path}");
        self.expect(&what, |world| {
            let calls = world.calls(method, path);
            (calls.len() >= n).then_some(calls)
        })
        .await
    }

    /// The youngest channel of this name (or id), as the API shows it.
    pub fn channel_named(&self, name: &str) -> Option<Value> {
        self.shared.look(|state| {
            let id = state.channel_named(name)?;
            Some(shapes::channel(state, &state.channels[&id]))
        })
    }

    /// The id of a room that is there.
    pub fn room_id(&self, name: &str) -> Id {
        self.shared.look(|state| state.room(name))
    }

    /// Waits for a channel.
    pub async fn expect_channel(&self, name: &str) -> Value {
        let what = format!("channel {name:?}");
        self.expect(&what, |world| world.channel_named(name)).await
    }

    /// The channels of a server by name, categories too.
    pub fn channels(&self, guild: Id) -> Vec<String> {
        self.shared.look(|state| {
            let here = state.channels.values().filter(|c| c.guild == Some(guild));
            here.map(|c| c.name.clone()).collect()
        })
    }

    /// What is registered: globally (None) or in a server.
    pub fn commands(&self, guild: Option<Id>) -> Vec<Value> {
        self.shared.look(|state| {
            let here = state.commands.iter().filter(|c| c.guild == guild);
            here.map(|c| shapes::command(state, c)).collect()
        })
    }

    /// Answers of 401, 403 and 429 so far; ten thousand in ten minutes are a ban.
    pub fn invalid_requests(&self) -> usize {
        self.shared.look(|state| state.invalid)
    }

    /// What was sent or answered otherwise than Discord's document says.
    pub fn violations(&self) -> Vec<String> {
        self.shared.look(|state| state.violations.clone())
    }

    /// Fails when there is any.
    pub fn assert_clean(&self) {
        let violations = self.violations();
        assert!(
            violations.is_empty(),
            "not as Discord's document says:\n{}",
            violations.join("\n")
        );
    }
}
