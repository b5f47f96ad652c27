//! The stage on Slack: slash commands, ephemeral answers, modals, a card that is updated.

use super::house::House;
use super::stage::{At, Seen, Spot, Stage, Told};
use crate::slack_world::{Fault, Message, SlackWorld, Trouble};
use firebell::chat::surface::tree;
use serde_json::Value;
use std::sync::Arc;

pub struct OnSlack {
    house: Arc<House>,
}

/// A command as one types it: the verb, then what it takes, in the order of the command tree.
pub fn typed(verb: &str, values: &[(&str, &str)]) -> String {
    let mut line = verb.to_owned();
    if let Some((_, id)) = values.iter().find(|(name, _)| *name == "incident") {
        line.push_str(&format!(" #{id}"));
    }
    for arg in &tree().find(verb).expect("a command").args {
        let Some((name, value)) = values.iter().find(|(name, _)| *name == arg.name) else {
            continue;
        };
        match (*name, arg.named) {
            ("at", _) => line.push_str(&format!(" at {value}")),
            (name, true) => line.push_str(&format!(" {name}={value}")),
            _ => line.push_str(&format!(" {value}")),
        }
    }
    line
}

fn buttons(message: &Message) -> Vec<String> {
    let actions = message.blocks.iter().filter(|b| b["type"] == "actions");
    let parts = actions.flat_map(|b| b["elements"].as_array().into_iter().flatten());
    let labels = parts.filter_map(|e| e["text"]["text"].as_str());
    labels.map(str::to_owned).collect()
}

fn read(message: &Message) -> Seen {
    Seen {
        words: message.words(),
        buttons: buttons(message),
        ours: message.bot_id.is_some(),
        card: message.blocks.iter().any(|b| b["type"] == "header"),
        at: At::Slack(Box::new(message.clone())),
        place: None,
    }
}

fn slack(seen: &Seen) -> &Message {
    match &seen.at {
        At::Slack(message) => message,
        other => panic!("not on Slack: {other:?}"),
    }
}

impl OnSlack {
    pub fn world(&self) -> &SlackWorld {
        self.house.slack.as_ref().unwrap()
    }

    fn channel(&self, spot: &Spot) -> String {
        match spot {
            Spot::Channel(name) => (*name).to_owned(),
            Spot::Room(id) => id.clone(),
            Spot::Direct(who) => self.world().user(who).direct(),
        }
    }

    /// Everything only this person was told: ephemeral messages anywhere, and answers in their own.
    fn told(&self, who: &str) -> Vec<Message> {
        self.world().ephemeral_to(who)
    }

    /// What everybody in the channel was told in answer to a command.
    fn aloud(&self, url: &str) -> Option<Told> {
        let mut all = self.world().responses_to(url).into_iter();
        let said = all.find(|r| r.body["response_type"] == "in_channel")?;
        Some(Told {
            text: said.body["text"].as_str()?.to_owned(),
            alone: false,
        })
    }

    /// Does something and reads what is answered to it.
    async fn answer(&self, who: &str, deed: impl Future<Output = ()>) -> Told {
        let before = self.told(who).len();
        deed.await;
        let probe = async || self.told(who).get(before).cloned();
        let what = format!("Slack answers {who}");
        let message = self.house.expect(&what, probe).await;
        Told {
            text: message.words(),
            alone: message.ephemeral_to.is_some(),
        }
    }
}

impl Stage for OnSlack {
    const NAME: &'static str = "slack";
    const STRANGERS_ACT: bool = true;
    const EDITS: bool = true;
    const CARDS_ARE_EDITED: bool = true;

    fn of(house: Arc<House>) -> OnSlack {
        OnSlack { house }
    }

    fn house(&self) -> &House {
        &self.house
    }

    async fn seen(&self, _who: &str, spot: &Spot) -> Vec<Seen> {
        let channel = self.channel(spot);
        let there = self.world().channels().iter().any(|c| c.name == channel);
        if matches!(spot, Spot::Channel(_)) && !there {
            return Vec::new();
        }
        self.world().messages(&channel).iter().map(read).collect()
    }

    fn stranger(&self, name: &str) {
        self.world().adds_user(name, |_| {});
    }

    async fn press(&self, who: &str, seen: &Seen, label: &str) -> Told {
        let deed = async {
            let person = self.world().user(who);
            person.clicks(slack(seen), label).await.assert_acked();
        };
        self.answer(who, deed).await
    }

    async fn press_twice(&self, who: &str, seen: &Seen, label: &str) {
        self.press(who, seen, label).await;
        let pressed = |s: &crate::slack_world::Sent| s.payload["type"] == "block_actions";
        let sent = self.world().expect_sent("the press", pressed).await;
        assert!(self.world().replays(&sent).await.acked);
    }

    async fn ask_run(&self, who: &str, card: &Seen, action: &str) -> Told {
        self.press(who, card, &format!("Run: {action}")).await
    }

    async fn note_by_form(&self, who: &str, card: &Seen, at: &str, text: &str) {
        let person = self.world().user(who);
        person.clicks(slack(card), "Note").await.assert_acked();
        let form = self.world().expect_view(who, "Note").await;
        let sent = person.submits(&form, &[("at", at), ("text", text)]).await;
        assert!(sent.errors.is_empty(), "{:?}", sent.errors);
    }

    async fn command(&self, who: &str, spot: &Spot, verb: &str, values: &[(&str, &str)]) -> Told {
        self.types(who, spot, &typed(verb, values)).await
    }

    async fn types(&self, who: &str, spot: &Spot, line: &str) -> Told {
        let before = self.told(who).len();
        let (person, line) = (self.world().user(who), format!("/firebell {line}"));
        let reply = person.types(&line, &self.channel(spot)).await;
        let reply = reply.assert_acked();
        let probe = async || {
            let alone = self.told(who).get(before).map(|message| Told {
                text: message.words(),
                alone: true,
            });
            alone.or_else(|| self.aloud(&reply.response_url))
        };
        let what = format!("Slack answers {who}");
        self.house.expect(&what, probe).await
    }

    async fn says(&self, who: &str, spot: &Spot, text: &str) -> Seen {
        let (person, channel) = (self.world().user(who), self.channel(spot));
        person.joins(&channel);
        read(&person.says(&channel, text))
    }

    async fn edits(&self, who: &str, said: &Seen, text: &str) {
        self.world().user(who).edits(slack(said), text);
    }

    async fn deletes(&self, who: &str, said: &Seen) {
        self.world().user(who).deletes(slack(said));
    }

    fn freezes_cards(&self) {
        self.world()
            .meets(Fault::on("chat.update").is(Trouble::Status(503)));
    }

    async fn goes_down(&self) {
        self.world().goes_down();
        let slack = self.house.process().slack.clone().unwrap();
        super::house::linked(slack_link(&slack), "down", Option::is_some).await;
    }

    async fn comes_back(&self) {
        self.world().is_well();
        self.world().comes_back();
        self.house.is_connected().await;
    }

    fn redraws(&self, card: &Seen) -> usize {
        self.world().again(slack(card)).earlier.len()
    }

    async fn assert_harmless(&self) {
        for method in ["chat.postMessage", "chat.update"] {
            for call in self.world().calls(method) {
                harmless(&Value::Object(call.args.clone()));
                assert!(call.args.keys().all(|k| k != "link_names" && k != "parse"));
                let text = call.arg("text");
                assert!(!text.contains(['<', '>']), "{text}");
                assert!(
                    method == "chat.update" || call.args["unfurl_links"] == false,
                    "a preview: {:?}",
                    call.args
                );
            }
        }
        self.world().assert_clean();
    }
}

fn slack_link(slack: &firebell::platform::slack::Slack) -> &firebell::chat::link::Link {
    firebell::chat::heard::Voice::link(slack)
}

/// Nothing turns text around, and no mark-up of Slack's holds anything but firebell's own link.
fn harmless(value: &Value) {
    match value {
        Value::Array(all) => all.iter().for_each(harmless),
        Value::Object(map) => {
            if map.get("type").is_some_and(|t| t == "mrkdwn") {
                let text = map["text"].as_str().unwrap();
                let ours = text.starts_with("<http://firebell.test/") && text.ends_with('>');
                assert!(ours && text.matches('<').count() == 1, "{text}");
            }
            map.values().for_each(harmless);
        }
        Value::String(text) => assert!(!super::stories::turns_around(text), "{text:?}"),
        _ => {}
    }
}
