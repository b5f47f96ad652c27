//! The Slack of `emulate`.

use super::emulator::Emulator;
use super::front::{self, Call, Front, Way};
use super::stage::{PAGE_URL, ROOM, Stage, place};
use crate::process::{PATIENCE, until};
use crate::world::person;
use axum::http::Method;
use firebell::chat::form;
use firebell::chat::heard::{Deed, Heard, Home, Said, User, Voice};
use firebell::chat::{Chat, Line, RoomRef};
use firebell::config::chat::Slack as Settings;
use firebell::core::id::{Actor, IncidentId};
use firebell::core::incident::Command;
use firebell::core::time::Time;
use firebell::hear::Ear;
use firebell::platform::slack::{self, Slack, scopes};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

const TOKEN: &str = "xoxb-firebell";
const BOT: &str = "U0FIREBELL";

/// The emulated workspace, and a way to it that is not firebell's.
struct Workspace {
    emulator: Emulator,
    front: Front,
    client: reqwest::Client,
}

impl Workspace {
    /// Seeded; the app is granted exactly the scopes that firebell asks for, and they are enforced.
    async fn start() -> Option<Workspace> {
        let seed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/emulators/slack.seed.json");
        let seed = std::fs::read_to_string(seed).unwrap();
        let mut seed: Value = serde_json::from_str(&seed).unwrap();
        let granted = json!(scopes::SCOPES.map(|s| s.name));
        seed["oauth_apps"][0]["scopes"] = granted.clone();
        seed["tokens"][0]["scopes"] = granted;
        let entry = "emulate/dist/api.js";
        let emulator = Emulator::start("slack", entry, &seed.to_string()).await?;
        let way = |call: &Call| match call.method {
            Method::GET => Way::AsPost,
            _ => Way::On,
        };
        Some(Workspace {
            front: Front::start(&emulator.origin(), way).await,
            client: front::client(),
            emulator,
        })
    }

    /// Asks the emulator itself.
    async fn call(&self, method: &str, body: Value) -> Value {
        let url = format!("http://{}/api/{method}", self.emulator.origin());
        let asked = self.client.post(url).bearer_auth(TOKEN).json(&body);
        let answer: Value = asked.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["ok"], true, "{method} {body}: {answer}");
        answer
    }

    async fn accounts(&self) -> BTreeMap<String, String> {
        let users = self.call("users.list", json!({})).await;
        let text = |v: &Value| v.as_str().unwrap().to_owned();
        let all = users["members"].as_array().unwrap().iter();
        all.map(|u| (text(&u["name"]), text(&u["id"]))).collect()
    }

    async fn channel(&self, name: &str) -> Option<Value> {
        let types = "public_channel,private_channel";
        let list = self
            .call("conversations.list", json!({"types": types}))
            .await;
        let mut all = list["channels"].as_array().unwrap().iter();
        all.find(|c| c["name"] == name).cloned()
    }

    /// Firebell's messages in a channel, oldest first.
    async fn messages(&self, channel: &str) -> Vec<Value> {
        let page = self.call("conversations.history", json!({"channel": channel}));
        let page = page.await;
        let all = page["messages"].as_array().unwrap().iter().rev();
        let own = all.filter(|m| m["user"] == BOT && m.get("subtype").is_none());
        own.cloned().collect()
    }

    async fn members(&self, channel: &str) -> Vec<String> {
        let list = self.call("conversations.members", json!({"channel": channel}));
        serde_json::from_value(list.await["members"].clone()).unwrap()
    }

    /// The calls of firebell that were refused, with the reason.
    fn refused(&self) -> Vec<String> {
        let all = self.front.answered().into_iter();
        let bad = all.filter(|a| a.status != 200 || a.body["ok"] != true);
        bad.map(|a| format!("{} {} {}", a.call, a.status, a.body))
            .collect()
    }

    /// The answers to firebell's calls of a method.
    fn answers(&self, method: &str) -> Vec<Value> {
        let call = format!("POST /api/{method}");
        let all = self.front.answered().into_iter();
        all.filter(|a| a.call == call).map(|a| a.body).collect()
    }
}

/// Firebell, introduced to a workspace. What is heard comes by HTTP, and here nothing is.
async fn introduced(workspace: &Workspace, stage: &Stage) -> Arc<Slack> {
    let settings = Settings {
        place: place("slack", format!("{}/api", workspace.front.origin)),
        bot_token: SecretString::from(TOKEN),
        app_token: None,
        signing_secrets: vec![SecretString::from("unused")],
        rotation: None,
    };
    let slack = Arc::new(Slack::new(stage.engine.clone(), &settings).unwrap());
    let ear = Ear::new(stage.engine.clone(), vec![slack.clone()]);
    stage.engine.deliver_through(vec![slack.clone()]);
    slack::start(std::slice::from_ref(&slack), &ear);
    until("the link is up", PATIENCE, async || {
        let state = slack.link().state();
        state.trouble.map_or(Ok(()), Err)
    })
    .await;
    slack
}

/// Cards begin with a heading, lines do not.
fn is_card(message: &Value) -> bool {
    message["blocks"][0]["type"] == "header"
}

/// A channel's only card.
async fn card(workspace: &Workspace, channel: &str) -> Result<Value, Vec<Value>> {
    let messages = workspace.messages(channel).await;
    let cards: Vec<&Value> = messages.iter().filter(|m| is_card(m)).collect();
    match cards.as_slice() {
        [one] => Ok((*one).clone()),
        _ => Err(messages),
    }
}

async fn card_that_says(workspace: &Workspace, channel: &str, words: &str) -> Value {
    until(&format!("a card says {words}"), PATIENCE, async || {
        let card = card(workspace, channel).await?;
        let said = card["text"].as_str().unwrap().contains(words);
        if said { Ok(card) } else { Err(vec![card]) }
    })
    .await
}

/// The room, when everything hangs in it.
async fn furnished(workspace: &Workspace, ana: &str) -> Value {
    until("the room is furnished", PATIENCE, async || {
        let Some(room) = workspace.channel(ROOM).await else {
            return Err(format!("no room; refused: {:?}", workspace.refused()));
        };
        let id = room["id"].as_str().unwrap();
        let pins = workspace.call("pins.list", json!({"channel": id})).await;
        let hung = workspace.call("bookmarks.list", json!({"channel_id": id}));
        let hung = hung.await;
        let links = hung["bookmarks"].as_array().unwrap();
        let there = pins["items"].as_array().unwrap().len() == 1
            && links.iter().any(|b| b["link"] == PAGE_URL)
            && workspace.members(id).await.iter().any(|m| m == ana)
            && room["topic"]["value"] != "";
        if there {
            Ok(room)
        } else {
            Err(format!("{room} {pins} {hung}"))
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn emulate_has_a_major_incident_from_the_alert_to_the_end() {
    let Some(workspace) = Workspace::start().await else {
        return;
    };
    let accounts = workspace.accounts().await;
    let stage = Stage::set("slack", |name| accounts[name].clone()).await;
    introduced(&workspace, &stage).await;
    stage.breaks().await;

    let room = furnished(&workspace, &accounts["ana"]).await;
    let id = room["id"].as_str().unwrap();
    assert_eq!(room["creator"], BOT);
    let purpose = room["purpose"]["value"].as_str().unwrap();
    assert!(purpose.contains(PAGE_URL), "{purpose}");
    let topic = room["topic"]["value"].as_str().unwrap();
    assert!(topic.starts_with("sev1 · triggered"), "{topic}");

    let web = workspace.channel("web").await.unwrap();
    let web = web["id"].as_str().unwrap();
    assert!(workspace.members(web).await.iter().any(|m| m == BOT));
    let elsewhere = card_that_says(&workspace, web, "triggered").await;
    let here = card_that_says(&workspace, id, "triggered").await;
    let pins = workspace.call("pins.list", json!({"channel": id})).await;
    assert_eq!(pins["items"][0]["message"]["ts"], here["ts"]);

    let direct = json!({"users": accounts["ana"]});
    let direct = workspace.call("conversations.open", direct).await;
    let direct = direct["channel"]["id"].as_str().unwrap();
    let page = until("Ana is paged", PATIENCE, async || {
        match workspace.messages(direct).await.as_slice() {
            [one] => Ok(one.clone()),
            all => Err(all.to_vec()),
        }
    });
    let page = page.await;
    let words = page["text"].as_str().unwrap();
    assert!(words.starts_with("sev1 #1 [checkout] "), "{words}");
    let drawn = page["blocks"].to_string();
    assert!(drawn.contains("\"Acknowledge\""), "{drawn}");

    let ana = person("ana");
    stage.does(Command::Acknowledge { by: ana.clone() }).await;
    stage.notes("it is the cache").await;
    card_that_says(&workspace, id, "acknowledged").await;
    stage.does(Command::Resolve { by: ana }).await;
    for (channel, before) in [(id, &here), (web, &elsewhere)] {
        let after = card_that_says(&workspace, channel, "resolved").await;
        assert_eq!(after["ts"], before["ts"]);
        assert_eq!(after["edited"]["user"], BOT);
    }
    lines_came_once(&workspace, id).await;
    assert_eq!(stage.status().await, "resolved");
    assert_eq!(workspace.refused(), Vec::<String>::new());
}

/// Every line in its order, under a key of its own.
async fn lines_came_once(workspace: &Workspace, room: &str) {
    let wanted = ["acknowledged", "it is the cache", "resolved"];
    let lines = until("the lines are there", PATIENCE, async || {
        let all = workspace.messages(room).await;
        let lines: Vec<Value> = all.into_iter().filter(|m| !is_card(m)).collect();
        let last = lines.last().and_then(|m| m["text"].as_str());
        if last.is_some_and(|t| t.contains("resolved")) {
            Ok(lines)
        } else {
            Err(lines)
        }
    })
    .await;
    let at = |words: &str| {
        let says = |m: &Value| m["text"].as_str().unwrap().contains(words);
        let first = lines.iter().position(says);
        first.unwrap_or_else(|| panic!("{words}: {lines:#?}"))
    };
    assert!(wanted.map(at).is_sorted(), "{lines:#?}");
    let key = |m: &Value| m["metadata"]["event_payload"]["d"].to_string();
    let keys: BTreeSet<String> = lines.iter().map(key).collect();
    assert_eq!(keys.len(), lines.len(), "{lines:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn emulate_shows_that_what_is_tried_again_comes_once() {
    let Some(workspace) = Workspace::start().await else {
        return;
    };
    let accounts = workspace.accounts().await;
    let stage = Stage::set("slack", |name| accounts[name].clone()).await;
    let slack = introduced(&workspace, &stage).await;
    let card = firebell::chat::Card {
        incident: IncidentId(7),
        title: "Down is bad".to_owned(),
        url: "https://firebell.test/incidents/7".to_owned(),
        ..firebell::chat::Card::default()
    };
    let (room, name) = slack.open_room(&card, "inc-7-down").await.unwrap();
    assert_eq!(name, "inc-7-down");
    let again = slack.open_room(&card, "inc-7-down").await.unwrap();
    assert_eq!(again, (room.clone(), name));

    let place = RoomRef::Room(room.clone());
    let shown = slack.show(&place, &card, "", false).await.unwrap();
    let same = slack.show(&place, &card, "", true).await.unwrap();
    assert_eq!(same, shown);
    let line = Line {
        key: "7:3:0".to_owned(),
        incident: IncidentId(7),
        seq: 3,
        by: Actor::Firebell,
        text: "once <and> only".to_owned(),
        run: None,
        seen: String::new(),
    };
    let said = slack.say(&place, &line, false).await.unwrap();
    assert_eq!(slack.say(&place, &line, true).await.unwrap(), said);
    let links = [("Console".to_owned(), card.url.clone())];
    let crew = ["ana".to_owned(), "bo".to_owned()];
    for _ in 0..2 {
        slack.pin(&room, &shown).await.unwrap();
        slack.links(&room, &links).await.unwrap();
        slack.invite(&room, &crew, false).await.unwrap();
    }

    assert_eq!(workspace.messages(&room).await.len(), 2);
    let hung = workspace.call("bookmarks.list", json!({"channel_id": room}));
    assert_eq!(hung.await["bookmarks"].as_array().unwrap().len(), 1);
    let members = workspace.members(&room).await;
    assert_eq!(members.len(), 3, "{members:?}");
    let refused = workspace.refused();
    let known = ["name_taken", "already_pinned", "already_in_channel"];
    let unknown = |r: &&String| !known.iter().any(|k| r.contains(k));
    assert_eq!(refused.iter().find(unknown), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn emulate_takes_forms_home_pages_and_answers() {
    let Some(workspace) = Workspace::start().await else {
        return;
    };
    let accounts = workspace.accounts().await;
    let ana = accounts["ana"].as_str();
    let stage = Stage::set("slack", |name| accounts[name].clone()).await;
    let slack = introduced(&workspace, &stage).await;

    let who = slack.profile(ana).await.unwrap();
    assert_eq!((who.name.as_str(), who.limited), ("ana", None));
    let bot = slack.profile(BOT).await.unwrap();
    assert_eq!(bot.limited.as_deref(), Some("a bot"));
    let web = workspace.channel("web").await.unwrap();
    let web = web["id"].as_str().unwrap();
    assert_eq!(slack.channel(web).await.unwrap().name, "web");

    let asked = json!({"user_id": ana});
    let trigger = workspace.call("views.generateTriggerId", asked).await;
    let trigger = trigger["trigger_id"].as_str().unwrap().to_owned();
    let heard = Heard {
        platform: "slack".to_owned(),
        key: "test".to_owned(),
        at: Time(0),
        by: User {
            id: ana.to_owned(),
            ..User::default()
        },
        room: web.to_owned(),
        deed: Deed::Line {
            text: "page".to_owned(),
        },
        reply_to: BTreeMap::from([
            ("trigger".to_owned(), trigger),
            ("user".to_owned(), ana.to_owned()),
            ("channel".to_owned(), web.to_owned()),
        ]),
    };
    let form = form::of_verb("page", &stage.engine.directory(), None).unwrap();
    slack.ask(&heard, &form).await.unwrap();
    let view = &workspace.answers("views.open")[0]["view"];
    assert_eq!(view["title"]["text"], form.title);
    assert!(view["blocks"].as_array().unwrap().len() >= form.fields.len());

    let home = Home {
        head: "Good morning".to_owned(),
        sections: vec![("On call".to_owned(), vec!["web: Ana".to_owned()])],
        url: "https://firebell.test".to_owned(),
    };
    slack.home(ana, &home).await.unwrap();
    let view = &workspace.answers("views.publish")[0]["view"];
    assert_eq!(view["type"], "home");
    assert!(view["blocks"].to_string().contains("Good morning"));

    let told = Said {
        text: "Ana was paged.".to_owned(),
        ok: true,
        ..Said::default()
    };
    slack.answer(&heard, &told).await.unwrap();
    assert_eq!(workspace.answers("chat.postEphemeral").len(), 1);
    assert_eq!(workspace.refused(), Vec::<String>::new());
}
