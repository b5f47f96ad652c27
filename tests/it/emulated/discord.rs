//! The Discord of `discord-digital-twin`.

use super::emulator::Emulator;
use super::front::{self, Call, Front, Way};
use super::stage::{PAGE_URL, ROOM, Stage, place};
use crate::process::{PATIENCE, until};
use axum::http::Method;
use firebell::chat::heard::Voice;
use firebell::chat::surface::tree;
use firebell::config::chat::Discord as Settings;
use firebell::hear::Ear;
use firebell::platform::discord::{self, Discord};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::sync::Arc;

const API: &str = "/api/v10";
/// Of the driver's guild and application.
const COMMANDS: &str = "/applications/2000/guilds/1001/commands";
/// `EPHEMERAL`.
const FOR_ONE: u64 = 64;
/// Kinds of channels and of first answers.
const TEXT: u64 = 0;
const CATEGORY: u64 = 4;
const LATER: u64 = 5;
const AS_IT_IS: u64 = 6;
const MODAL: u64 = 9;

/// The emulated guild, people in it, and a way to it that is not firebell's.
struct Twin {
    emulator: Emulator,
    front: Front,
    client: reqwest::Client,
}

/// Something somebody did there, and the channel it was done in.
struct Act {
    channel: String,
    id: Value,
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

impl Twin {
    async fn start() -> Option<Twin> {
        let entry = "discord-digital-twin/dist/index.js";
        let emulator = Emulator::start("discord", entry, "").await?;
        let direct = emulator.ready["direct"].clone();
        let way = move |call: &Call| match call.path.strip_prefix(API) {
            Some("/users/@me/channels") => {
                let id = &direct[text(&call.body["recipient_id"])];
                Way::Here(json!({"id": id, "type": 1}))
            }
            Some(COMMANDS) if call.method == Method::GET => Way::Here(json!([])),
            _ => Way::On,
        };
        Some(Twin {
            front: Front::start(&emulator.origin(), way).await,
            client: front::client(),
            emulator,
        })
    }

    fn told(&self, name: &str) -> String {
        text(&self.emulator.ready[name]).to_owned()
    }

    fn account(&self, name: &str) -> String {
        text(&self.emulator.ready["people"][name]).to_owned()
    }

    /// Somebody's conversation with firebell.
    fn direct(&self, name: &str) -> String {
        text(&self.emulator.ready["direct"][self.account(name)]).to_owned()
    }

    /// Reads from the twin itself.
    async fn get(&self, path: &str) -> Value {
        let url = format!("http://{}{API}{path}", self.emulator.origin());
        let token = format!("Bot {}", self.told("token"));
        let asked = self.client.get(url).header("authorization", token);
        asked.send().await.unwrap().json().await.unwrap()
    }

    async fn channel(&self, name: &str, kind: u64) -> Result<Value, Value> {
        let path = format!("/guilds/{}/channels", self.told("guild"));
        let all = self.get(&path).await;
        let mut found = all.as_array().into_iter().flatten();
        let found = found.find(|c| c["name"] == name && c["type"] == kind);
        found.cloned().ok_or_else(|| all.clone())
    }

    /// Oldest first.
    async fn messages(&self, channel: &str) -> Vec<Value> {
        let path = format!("/channels/{channel}/messages?limit=100");
        let mut all: Vec<Value> = serde_json::from_value(self.get(&path).await).unwrap();
        all.reverse();
        all
    }

    /// The only message of a channel that fits.
    async fn message(&self, channel: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        until(what, PATIENCE, async || {
            let all = self.messages(channel).await;
            let found: Vec<&Value> = all.iter().filter(|m| fits(m)).collect();
            match found.as_slice() {
                [one] => Ok((*one).clone()),
                _ => Err(all),
            }
        })
        .await
    }

    /// The only card of the incident in a channel, once it says this.
    async fn card(&self, channel: &str, words: &str) -> Value {
        let what = format!("a card in {channel} says {words}");
        self.message(channel, &what, |m| {
            m["embeds"][0]["footer"]["text"] == "card:1" && text(&m["content"]).contains(words)
        })
        .await
    }

    async fn acts(&mut self, name: &str, channel: &str, act: &str, with: Value) -> Act {
        let user = self.account(name);
        let act = json!({"do": act, "channel": channel, "user": user, "with": with});
        Act {
            channel: channel.to_owned(),
            id: self.emulator.asks(&act).await["id"].clone(),
        }
    }

    async fn clicks(&mut self, name: &str, message: &Value, label: &str) -> Act {
        let rows = message["components"].as_array().into_iter().flatten();
        let mut buttons = rows.flat_map(|r| r["components"].as_array().into_iter().flatten());
        let button = buttons.find(|b| b["label"] == label);
        let button = button.unwrap_or_else(|| panic!("no button {label}: {message}"));
        let with = json!({"messageId": message["id"], "customId": button["custom_id"]});
        let channel = text(&message["channel_id"]).to_owned();
        self.acts(name, &channel, "clickButton", with).await
    }

    /// The first answer to an act, as the twin took it.
    async fn first_answer(&mut self, act: &Act) -> Value {
        let ask = json!({"do": "waitForInteractionAck", "channel": act.channel,
                         "with": {"interactionId": act.id}});
        self.emulator.asks(&ask).await;
        let ask = json!({"do": "getInteractionResponse", "channel": act.channel, "with": act.id});
        self.emulator.asks(&ask).await
    }

    /// The words that follow a first answer in the same channel.
    async fn follows(&self, channel: &str, words: &str) -> Value {
        let what = format!("an answer in {channel} says {words}");
        self.message(channel, &what, |m| {
            m.get("webhook_id").is_some() && text(&m["content"]).contains(words)
        })
        .await
    }

    /// The calls of firebell that were refused and are no known gap.
    fn refused(&self) -> Vec<String> {
        let gap = |call: &str| call.contains("/messages/pins") || call.ends_with("/gateway");
        let all = self.front.answered().into_iter();
        let bad = all.filter(|a| !a.status.is_success() && !gap(&a.call));
        bad.map(|a| format!("{} {} {}", a.call, a.status, a.body))
            .collect()
    }
}

/// Firebell, connected to the twin's gateway and at home in its guild.
async fn at_home(twin: &Twin, stage: &Stage) -> Arc<Discord> {
    let settings = Settings {
        place: place("discord", format!("{}{API}", twin.front.origin)),
        token: SecretString::from(twin.told("token")),
        application: twin.told("bot"),
        guild: twin.told("guild"),
        public_key: None,
        category: "Incidents".to_owned(),
        remove_oldest: true,
        gateway_url: Some(format!("ws://{}/gateway", twin.emulator.origin())),
    };
    let discord = discord::all(&stage.engine, &[settings]).unwrap().remove(0);
    let ear = Ear::new(stage.engine.clone(), vec![discord.clone()]);
    stage.engine.deliver_through(vec![discord.clone()]);
    discord::start(std::slice::from_ref(&discord), &ear);
    until("the link is up", PATIENCE, async || {
        let state = Voice::link(discord.as_ref()).state();
        state.trouble.map_or(Ok(()), Err)
    })
    .await;
    discord
}

#[tokio::test(flavor = "multi_thread")]
async fn the_twin_has_a_major_incident_from_the_alert_to_the_end() {
    let Some(mut twin) = Twin::start().await else {
        return;
    };
    let stage = Stage::set("discord", |name| twin.account(name)).await;
    at_home(&twin, &stage).await;
    has_the_commands(&twin);
    stage.breaks().await;

    let category = until("there is a category", PATIENCE, async || {
        twin.channel("Incidents", CATEGORY).await
    });
    let category = category.await;
    let room = until("the room is there", PATIENCE, async || {
        twin.channel(ROOM, TEXT).await
    });
    let room = room.await;
    assert_eq!(room["parent_id"], category["id"]);
    let topic = text(&room["topic"]);
    assert!(topic.ends_with(&format!("{PAGE_URL} fb:1")), "{topic}");
    let room = text(&room["id"]).to_owned();
    let here = twin.card(&room, "triggered").await;
    assert_eq!(here["embeds"][0]["url"], PAGE_URL);
    let ana = twin.account("ana");
    let what = "ana is asked to come";
    twin.message(&room, what, |m| {
        text(&m["content"]).contains(&format!("<@{ana}>"))
    })
    .await;
    let web = until("the team's channel is there", PATIENCE, async || {
        twin.channel("web", TEXT).await
    });
    let web = text(&web.await["id"]).to_owned();
    let elsewhere = twin.card(&web, "triggered").await;

    let direct = twin.direct("ana");
    let page = twin.card(&direct, "Down is bad").await;
    let words = text(&page["content"]);
    assert!(words.starts_with("sev1 #1 [checkout] "), "{words}");
    let click = twin.clicks("ana", &page, "Acknowledge").await;
    assert_eq!(twin.first_answer(&click).await["type"], AS_IT_IS);
    let told = twin.follows(&direct, "#1").await;
    assert_eq!(told["flags"], FOR_ONE);
    assert_eq!(stage.status().await, "acknowledged");

    let card = twin.card(&room, "acknowledged").await;
    assert_eq!(card["id"], here["id"]);
    notes_by_command(&mut twin, &stage, &room).await;
    notes_by_form(&mut twin, &stage, &card).await;
    talks(&mut twin, &stage, &room).await;

    let card = twin.card(&room, "acknowledged").await;
    let click = twin.clicks("bo", &card, "Resolve").await;
    assert_eq!(twin.first_answer(&click).await["type"], AS_IT_IS);
    for (channel, before) in [(&room, &here), (&web, &elsewhere)] {
        let after = twin.card(channel, "resolved").await;
        assert_eq!(after["id"], before["id"]);
        assert!(after["edited_timestamp"].is_string(), "{after}");
    }
    assert_eq!(stage.status().await, "resolved");
    lines_came_once(&twin, &room).await;
    assert_eq!(twin.refused(), Vec::<String>::new());
}

/// The twin has registered all commands, with all their options.
fn has_the_commands(twin: &Twin) {
    let call = format!("PUT {API}{COMMANDS}");
    let mut all = twin.front.answered().into_iter();
    let have = all.find(|a| a.call == call).unwrap().body;
    let wanted = discord::commands(tree(), &[]);
    assert_eq!(
        have.as_array().unwrap().len(),
        wanted.as_array().unwrap().len(),
        "{have}"
    );
    for (have, wanted) in have
        .as_array()
        .unwrap()
        .iter()
        .zip(wanted.as_array().unwrap())
    {
        assert_eq!(
            (&have["name"], &have["type"]),
            (&wanted["name"], &wanted["type"])
        );
        let options = wanted.get("options").cloned().unwrap_or(json!([]));
        assert_eq!(have["options"], options);
    }
}

/// `/firebell note`, in the room, so that no number has to be given.
async fn notes_by_command(twin: &mut Twin, stage: &Stage, room: &str) {
    let words = json!({"name": "text", "type": 3, "value": "rolled back"});
    let options = json!([{"name": "note", "type": 1, "options": [words]}]);
    let with = json!({"name": "firebell", "options": options});
    let typed = twin.acts("bo", room, "runSlashCommand", with).await;
    assert_eq!(twin.first_answer(&typed).await["type"], LATER);
    twin.follows(room, "#1").await;
    let noted = format!("{:?}", stage.told("noted").await);
    assert!(noted.contains("rolled back"), "{noted}");
    assert!(noted.contains("\"bo\""), "{noted}");
}

/// The button Note of a card opens a form, and what is sent is kept.
async fn notes_by_form(twin: &mut Twin, stage: &Stage, card: &Value) {
    let click = twin.clicks("ana", card, "Note").await;
    let opened = twin.first_answer(&click).await;
    assert_eq!(opened["type"], MODAL);
    let form: Value = serde_json::from_str(text(&opened["data"])).unwrap();
    let fields = form["components"].as_array().unwrap();
    // By the gateway a form comes in rows, one field each.
    let mut names = fields.iter().map(|f| &f["components"][0]["custom_id"]);
    assert!(names.any(|name| name == "text"), "{form}");
    let fields = json!([{"customId": "text", "value": "it was the cache"}]);
    let with = json!({"customId": form["custom_id"], "fields": fields});
    let channel = text(&card["channel_id"]).to_owned();
    let sent = twin.acts("ana", &channel, "submitModal", with).await;
    assert_eq!(twin.first_answer(&sent).await["type"], LATER);
    until("the form is a note", PATIENCE, async || {
        let noted = format!("{:?}", stage.told("noted").await);
        if noted.contains("it was the cache") {
            Ok(())
        } else {
            Err(noted)
        }
    })
    .await;
}

/// What people write in the room, change and delete is on the timeline.
async fn talks(twin: &mut Twin, stage: &Stage, room: &str) {
    let said = twin.acts("bo", room, "sendMessage", json!({"content": "errors fall"}));
    let said = said.await.id;
    heard(stage, "spoke", "errors fall").await;
    let with = json!({"messageId": said, "content": "errors are gone"});
    twin.acts("bo", room, "editMessage", with).await;
    heard(stage, "reworded", "errors are gone").await;
    let with = json!({"messageId": said});
    twin.acts("bo", room, "deleteMessage", with).await;
    heard(stage, "unsaid", "").await;
}

async fn heard(stage: &Stage, kind: &str, words: &str) {
    until(
        &format!("somebody {kind}"),
        PATIENCE,
        async || match stage.told(kind).await.as_slice() {
            [one] if format!("{one:?}").contains(words) => Ok(()),
            all => Err(format!("{all:?}")),
        },
    )
    .await;
}

/// Every line bears a key of its own, in the journal's order.
async fn lines_came_once(twin: &Twin, room: &str) {
    let what = "the last line";
    twin.message(room, what, |m| {
        let words = text(&m["content"]);
        words.contains("\n-# ") && words.contains("resolved")
    })
    .await;
    let all = twin.messages(room).await;
    let keys = all
        .iter()
        .filter_map(|m| text(&m["content"]).rsplit_once("-# "))
        .filter_map(|(_, mark)| mark.split_whitespace().find(|w| w.starts_with("1:")))
        .map(|key| key.split(':').map(|n| n.parse().unwrap_or(0)).collect());
    let keys: Vec<Vec<u32>> = keys.collect();
    assert!(keys.len() > 2, "{all:#?}");
    assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
}
