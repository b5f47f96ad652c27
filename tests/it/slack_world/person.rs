//! What people do that the app has to acknowledge: commands, buttons, menus, shortcuts.

use super::menus;
use super::model::{Kind, Message, View};
use super::outbound::{COMMANDS, INTERACTIVE, Outcome};
use super::people::{Person, Reply};
use super::shape;
use super::state::State;
use serde_json::{Value, json};

/// What Slack calls a conversation in a payload; only public channels have their name.
fn name_of(state: &State, channel: &str) -> String {
    let channel = state.channel(channel).expect("a channel");
    match channel.kind {
        Kind::Public => channel.name.clone(),
        Kind::Private => "privategroup".to_owned(),
        Kind::Direct => "directmessage".to_owned(),
        Kind::Group => "mpdm".to_owned(),
    }
}

impl Person {
    /// Types a command, such as `/firebell ack 1`, and waits for what Slack shows.
    pub async fn types(&self, line: &str, channel: &str) -> Reply {
        let channel = self.sees(channel);
        let (command, text) = line.split_once(' ').unwrap_or((line, ""));
        let (payload, reply) = self.world.core.change(|state| {
            let team = &self.user.team;
            let trigger = state.trigger(team, &self.user.id, None);
            let hook = state.hook("commands", team, &self.user.id, &channel, None);
            let text = if state.tune.escape_commands {
                self.mentioned(state, text, true)
            } else {
                text.to_owned()
            };
            let payload = json!({
                "token": "verification-token",
                "team_id": team,
                "team_domain": state.team(team).domain,
                "channel_id": channel,
                "channel_name": name_of(state, &channel),
                "user_id": self.user.id,
                "user_name": self.user.name,
                "command": command,
                "text": text,
                "api_app_id": state.app_id,
                "is_enterprise_install": "false",
                "response_url": hook,
                "trigger_id": trigger,
            });
            (payload, blank(&trigger, &hook))
        });
        let reply = self.sends(COMMANDS, payload, reply).await;
        self.reads_answer(&reply);
        reply
    }

    /// An acknowledgement of a command may say something at once.
    fn reads_answer(&self, reply: &Reply) {
        let fields = match &reply.outcome.body {
            Some(Value::String(text)) => json!({"text": text}),
            Some(Value::Object(fields)) if !fields.is_empty() => Value::Object(fields.clone()),
            _ => return,
        };
        let path = reply
            .response_url
            .split_once("/hooks/")
            .map_or("", |(_, path)| path);
        self.does(|state| {
            let hook = state.hooks.get(path).expect("a hook").clone();
            let fields = fields.as_object().expect("an object");
            if let Err(fail) = state.respond(&hook, fields) {
                state.violation(format!(
                    "the answer to a command is refused: {}",
                    fail.error
                ));
            }
        });
    }

    pub(super) async fn sends(&self, kind: &'static str, payload: Value, reply: Reply) -> Reply {
        let outcome = self.world.core.deliver(kind, payload).await;
        Reply { outcome, ..reply }
    }

    /// Presses the button of this text. Fails when the message has none.
    pub async fn clicks(&self, message: &Message, button: &str) -> Reply {
        let now = self.world.again(message);
        let action = menus::button(&now.blocks, button);
        self.acts_on(&now, action).await
    }

    /// Sets a menu, named by its `action_id` or placeholder, to the option or person of this name.
    pub async fn picks(&self, message: &Message, menu: &str, choice: &str) -> Reply {
        let now = self.world.again(message);
        let names = self
            .world
            .core
            .look(|s| menus::Names::of(s, &self.user.team));
        let action = menus::choice(&now.blocks, menu, choice, &names);
        self.acts_on(&now, action).await
    }

    async fn acts_on(&self, message: &Message, mut action: Value) -> Reply {
        let channel = self.sees(&message.channel);
        let alone = message.ephemeral_to.as_ref();
        assert!(
            alone.is_none_or(|u| *u == self.user.id),
            "only others see this message"
        );
        let (payload, reply) = self.world.core.change(|state| {
            let team = &self.user.team;
            let trigger = state.trigger(team, &self.user.id, None);
            let own = Some(message.ts.clone());
            let hook = state.hook("actions", team, &self.user.id, &channel, own);
            action["action_ts"] = json!(state.clock.ts());
            let mut payload = json!({
                "type": "block_actions",
                "user": shape::actor(&self.user),
                "api_app_id": state.app_id,
                "token": "verification-token",
                "container": {
                    "type": "message",
                    "message_ts": message.ts,
                    "channel_id": channel,
                    "is_ephemeral": alone.is_some(),
                },
                "trigger_id": trigger,
                "team": shape::team(state, team),
                "enterprise": null,
                "is_enterprise_install": false,
                "channel": {"id": channel, "name": name_of(state, &channel)},
                "state": {"values": {}},
                "response_url": hook,
                "actions": [action],
            });
            if let Some(thread) = &message.thread_ts {
                payload["container"]["thread_ts"] = json!(thread);
            }
            if alone.is_none() {
                payload["message"] = shape::message(state, message);
            }
            (payload, blank(&trigger, &hook))
        });
        self.sends(INTERACTIVE, payload, reply).await
    }

    /// Presses a button in a modal or on the Home tab.
    pub async fn clicks_in(&self, view: &View, button: &str) -> Reply {
        let now = self
            .world
            .core
            .look(|s| s.view(&view.id).cloned())
            .expect("a view");
        let action = menus::button(now.blocks(), button);
        self.acts_in(&now, action).await
    }

    /// Sets a menu in a modal or on the Home tab.
    pub async fn picks_in(&self, view: &View, menu: &str, choice: &str) -> Reply {
        let now = self
            .world
            .core
            .look(|s| s.view(&view.id).cloned())
            .expect("a view");
        let names = self
            .world
            .core
            .look(|s| menus::Names::of(s, &self.user.team));
        let action = menus::choice(now.blocks(), menu, choice, &names);
        self.acts_in(&now, action).await
    }

    async fn acts_in(&self, view: &View, mut action: Value) -> Reply {
        assert!(
            view.open && view.user == self.user.id,
            "nobody looks at this view"
        );
        let (payload, reply) = self.world.core.change(|state| {
            let team = &self.user.team;
            let trigger = state.trigger(team, &self.user.id, Some(view.id.clone()));
            action["action_ts"] = json!(state.clock.ts());
            menus::remember(state, &view.id, &action);
            let view = state.view(&view.id).expect("a view");
            let payload = json!({
                "type": "block_actions",
                "user": shape::actor(&self.user),
                "api_app_id": state.app_id,
                "token": "verification-token",
                "container": {"type": "view", "view_id": view.id},
                "trigger_id": trigger,
                "team": shape::team(state, team),
                "enterprise": null,
                "is_enterprise_install": false,
                "view": shape::view(state, view),
                "actions": [action],
            });
            (payload, blank(&trigger, ""))
        });
        self.sends(INTERACTIVE, payload, reply).await
    }

    /// Uses a message shortcut, by its `callback_id`.
    pub async fn uses_shortcut(&self, callback: &str, message: &Message) -> Reply {
        let channel = self.sees(&message.channel);
        let message = self.world.again(message);
        let (payload, reply) = self.world.core.change(|state| {
            let team = &self.user.team;
            let trigger = state.trigger(team, &self.user.id, None);
            let hook = state.hook("app", team, &self.user.id, &channel, None);
            let payload = json!({
                "type": "message_action",
                "token": "verification-token",
                "action_ts": state.clock.ts(),
                "team": shape::team(state, team),
                "user": shape::actor(&self.user),
                "channel": {"id": channel, "name": name_of(state, &channel)},
                "is_enterprise_install": false,
                "enterprise": null,
                "callback_id": callback,
                "trigger_id": trigger,
                "response_url": hook,
                "message_ts": message.ts,
                "message": shape::message(state, &message),
            });
            (payload, blank(&trigger, &hook))
        });
        self.sends(INTERACTIVE, payload, reply).await
    }

    /// Uses a shortcut that is about no message.
    pub async fn uses_global_shortcut(&self, callback: &str) -> Reply {
        let (payload, reply) = self.world.core.change(|state| {
            let team = &self.user.team;
            let trigger = state.trigger(team, &self.user.id, None);
            let payload = json!({
                "type": "shortcut",
                "token": "verification-token",
                "action_ts": state.clock.ts(),
                "team": shape::team(state, team),
                "user": shape::actor(&self.user),
                "is_enterprise_install": false,
                "enterprise": null,
                "callback_id": callback,
                "trigger_id": trigger,
            });
            (payload, blank(&trigger, ""))
        });
        self.sends(INTERACTIVE, payload, reply).await
    }
}

pub(super) fn blank(trigger: &str, hook: &str) -> Reply {
    Reply {
        outcome: Outcome::default(),
        trigger_id: trigger.to_owned(),
        response_url: hook.to_owned(),
    }
}
