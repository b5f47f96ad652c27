//! The ear: what people do on a chat platform is kept, done once, and answered; who may do what.
//! The platform here is as thin as can be; Slack and Discord have suites of their own.

mod links;

use crate::world::{self, World};
use firebell::chat::button::{Token, word};
use firebell::chat::form::Form;
use firebell::chat::heard::{Channel, Deed, Heard, Home, Profile, Said, User, Voice};
use firebell::chat::link::Link;
use firebell::chat::{Answer, Card, Chat, Fault, Line, Page, Press, Retry, RoomRef};
use firebell::core::directory::PlatformRules;
use firebell::core::id::{Actor, IncidentId};
use firebell::core::incident::{Command, Event, Status};
use firebell::core::time::Time;
use firebell::hear::Ear;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// A platform that remembers what it was told.
#[derive(Default)]
struct Thin {
    link: Link,
    said: Mutex<Vec<Said>>,
    forms: Mutex<Vec<Form>>,
    homes: Mutex<Vec<Home>>,
    profiles: Mutex<BTreeMap<String, Profile>>,
    shared: Mutex<bool>,
}

fn ok<'a, T: Send + 'a>(value: T) -> Answer<'a, T> {
    Box::pin(std::future::ready(Ok(value)))
}

impl Chat for Thin {
    fn platform(&self) -> &'static str {
        "slack"
    }

    fn open_room<'a>(&'a self, card: &'a Card, name: &'a str) -> Answer<'a, (String, String)> {
        ok((format!("C{}", card.incident.0), name.to_owned()))
    }

    fn say<'a>(&'a self, _: &'a RoomRef, line: &'a Line, _: bool) -> Answer<'a, String> {
        ok(line.key.clone())
    }

    fn show<'a>(
        &'a self,
        _: &'a RoomRef,
        card: &'a Card,
        _: &'a str,
        _: bool,
    ) -> Answer<'a, String> {
        ok(format!("card-{}", card.incident.0))
    }

    fn page<'a>(&'a self, _: &'a str, _: &'a [Page]) -> Answer<'a, String> {
        ok(String::new())
    }

    fn tell<'a>(&'a self, _: &'a RoomRef, _: &'a str, _: &'a str, _: bool) -> Answer<'a, ()> {
        ok(())
    }
}

impl Voice for Thin {
    fn link(&self) -> &Link {
        &self.link
    }

    fn answer<'a>(&'a self, _: &'a Heard, said: &'a Said) -> Answer<'a, ()> {
        self.said.lock().unwrap().push(said.clone());
        ok(())
    }

    fn ask<'a>(&'a self, _: &'a Heard, form: &'a Form) -> Answer<'a, ()> {
        self.forms.lock().unwrap().push(form.clone());
        ok(())
    }

    fn profile<'a>(&'a self, user: &'a str) -> Answer<'a, Profile> {
        let known = self.profiles.lock().unwrap().get(user).cloned();
        Box::pin(std::future::ready(known.ok_or_else(|| Fault {
            why: "it does not answer".to_owned(),
            retry: Retry::Backoff,
        })))
    }

    fn channel<'a>(&'a self, _: &'a str) -> Answer<'a, Channel> {
        ok(Channel {
            name: "web".to_owned(),
            shared: *self.shared.lock().unwrap(),
        })
    }

    fn message<'a>(&'a self, _: &'a str, _: &'a str) -> Answer<'a, Option<(User, String)>> {
        ok(Some((
            user("U-kim", "Kim"),
            "customers complain".to_owned(),
        )))
    }

    fn home<'a>(&'a self, _: &'a str, home: &'a Home) -> Answer<'a, ()> {
        self.homes.lock().unwrap().push(home.clone());
        ok(())
    }
}

fn user(id: &str, name: &str) -> User {
    User {
        id: id.to_owned(),
        name: name.to_owned(),
        home: "T1".to_owned(),
    }
}

struct Stage {
    world: World,
    ear: Ear,
    thin: Arc<Thin>,
}

impl Stage {
    /// Incident 1 is major and has room C1 on Slack. Ana is U-ana by the files.
    async fn set() -> Stage {
        let mut directory = world::directory();
        directory.platforms.push("slack".to_owned());
        let rules = PlatformRules {
            furnished: true,
            teams: Vec::new(),
        };
        directory.rules.insert("slack".to_owned(), rules);
        let ana = directory.people.get_mut("ana").unwrap();
        ana.identities
            .insert("slack".to_owned(), "U-ana".to_owned());
        directory.people.get_mut("bo").unwrap().email = Some("bo@example.org".to_owned());
        let world = World::with("sqlite::memory:", directory).await;
        let thin = Arc::new(Thin::default());
        let mut profiles = BTreeMap::new();
        for (id, name) in [("U-ana", "Ana"), ("U-bo", "Bo"), ("U-kim", "Kim")] {
            let profile = Profile {
                id: id.to_owned(),
                name: name.to_owned(),
                ..Profile::default()
            };
            profiles.insert(id.to_owned(), profile);
        }
        *thin.profiles.lock().unwrap() = profiles;
        let console = world.adapter();
        world
            .engine
            .deliver_through(vec![console, thin.clone() as Arc<dyn Chat>]);
        let voices: Vec<Arc<dyn Voice>> = vec![thin.clone()];
        let ear = Ear::new(world.engine.clone(), voices);
        world
            .fire("Down", &[("service", "checkout"), ("severity", "critical")])
            .await;
        assert_eq!(
            world
                .incident(1)
                .await
                .rooms
                .get("slack")
                .map(String::as_str),
            Some("C1")
        );
        Stage { world, ear, thin }
    }

    fn heard(&self, who: &str, key: &str, deed: Deed) -> Heard {
        Heard {
            platform: "slack".to_owned(),
            key: key.to_owned(),
            at: self.world.clock.now(),
            by: user(who, who.trim_start_matches("U-")),
            room: "C1".to_owned(),
            deed,
            reply_to: BTreeMap::new(),
        }
    }

    async fn takes(&self, heard: Heard) -> bool {
        let fresh = self.ear.take(heard).await.unwrap();
        self.ear.settle().await;
        self.world.settle().await;
        fresh
    }

    async fn line(&self, who: &str, key: &str, text: &str) -> Said {
        let deed = Deed::Line {
            text: text.to_owned(),
        };
        self.takes(self.heard(who, key, deed)).await;
        self.last()
    }

    fn last(&self) -> Said {
        self.thin.said.lock().unwrap().last().cloned().unwrap()
    }

    fn token(&self, room: &str, press: &Press) -> String {
        let token = Token {
            incident: IncidentId(1),
            seq: 1,
            word: word(press),
        };
        let key = self.world.engine.button_key();
        key.sign("slack", room, &token).unwrap()
    }

    async fn presses(&self, who: &str, key: &str, token: String) -> Said {
        let deed = Deed::Press {
            token,
            message: "m".to_owned(),
        };
        self.takes(self.heard(who, key, deed)).await;
        self.last()
    }
}

#[tokio::test]
async fn the_same_act_again_has_one_effect_and_one_answer() {
    let s = Stage::set().await;
    let deed = || Deed::Line {
        text: "note we rolled back".to_owned(),
    };
    let both = tokio::join!(
        s.ear.take(s.heard("U-ana", "Ev1", deed())),
        s.ear.take(s.heard("U-ana", "Ev1", deed())),
    );
    assert_eq!(
        [both.0.unwrap(), both.1.unwrap()]
            .iter()
            .filter(|x| **x)
            .count(),
        1
    );
    s.ear.settle().await;
    assert!(!s.takes(s.heard("U-ana", "Ev1", deed())).await, "a replay");
    let notes = s.world.kinds(1).await;
    assert_eq!(notes.iter().filter(|k| **k == "noted").count(), 1);
    assert_eq!(s.thin.said.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_was_kept_is_worked_off_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("f.db").display());
    let world = World::on(&url).await;
    world.fire("Down", &[("service", "checkout")]).await;
    let heard = Heard {
        platform: "slack".to_owned(),
        key: "Ev7".to_owned(),
        at: world.clock.now(),
        by: user("U-kim", "Kim"),
        room: String::new(),
        deed: Deed::Line {
            text: "ack #1".to_owned(),
        },
        reply_to: BTreeMap::new(),
    };
    // Kept by a process that knew no such platform any more: as if it had died right after.
    let changes = firebell::store::ChangeSet {
        heard: vec![firebell::store::HeardRow {
            id: 1,
            platform: "slack".to_owned(),
            key: "Ev7".to_owned(),
            at: world.clock.now(),
            body: serde_json::to_string(&heard).unwrap(),
        }],
        ..Default::default()
    };
    world.engine.write(changes).await.unwrap();
    let thin = Arc::new(Thin::default());
    let ear = Ear::new(world.engine.clone(), vec![thin.clone() as Arc<dyn Voice>]);
    ear.catch_up().await.unwrap();
    ear.settle().await;
    assert_eq!(world.incident(1).await.status, Status::Acknowledged);
    assert!(
        world
            .engine
            .store()
            .heard_waiting()
            .await
            .unwrap()
            .is_empty()
    );
    assert!(!ear.take(heard).await.unwrap(), "it stays known");
}

#[tokio::test]
async fn somebody_unknown_may_acknowledge_and_not_run_actions() {
    let s = Stage::set().await;
    let said = s.line("U-kim", "1", "ack").await;
    assert!(said.ok, "{said:?}");
    let by = s.world.incident(1).await.acked_by.clone().unwrap();
    assert_eq!(
        by,
        Actor::Unlinked {
            id: "slack:U-kim".to_owned(),
            name: "Kim".to_owned()
        }
    );
    let said = s.line("U-kim", "2", "run echo").await;
    assert!(!said.ok, "{said:?}");
    assert!(s.world.incident(1).await.runs.is_empty());
}

#[tokio::test]
async fn a_guest_looks_and_does_not_act() {
    let s = Stage::set().await;
    s.thin
        .profiles
        .lock()
        .unwrap()
        .get_mut("U-kim")
        .unwrap()
        .limited = Some("a guest".to_owned());
    let said = s.line("U-kim", "1", "ack").await;
    assert!(!said.ok);
    assert!(said.text.contains("a guest"), "{}", said.text);
    assert_eq!(s.world.incident(1).await.status, Status::Triggered);
    let said = s
        .presses("U-kim", "2", s.token("C1", &Press::Acknowledge))
        .await;
    assert!(!said.ok);
    assert_eq!(s.world.incident(1).await.status, Status::Triggered);
}

#[tokio::test]
async fn a_shared_channel_is_read_only() {
    let s = Stage::set().await;
    *s.thin.shared.lock().unwrap() = true;
    let said = s.line("U-ana", "1", "ack").await;
    assert!(said.text.contains("shared"), "{}", said.text);
    assert_eq!(s.world.incident(1).await.status, Status::Triggered);
}

#[tokio::test]
async fn a_platform_that_does_not_tell_who_it_is_stops_actions_and_not_acknowledgements() {
    let s = Stage::set().await;
    s.thin.profiles.lock().unwrap().clear();
    let said = s.line("U-ana", "1", "run echo").await;
    assert!(
        !said.ok && said.text.contains("does not tell"),
        "{}",
        said.text
    );
    assert!(s.line("U-ana", "2", "ack").await.ok);
}

#[tokio::test]
async fn a_button_works_where_it_was_drawn_and_nowhere_else() {
    let s = Stage::set().await;
    let elsewhere = s.token("C9", &Press::Acknowledge);
    let said = s.presses("U-ana", "1", elsewhere).await;
    assert!(!said.ok && said.text.contains("not drawn"), "{}", said.text);
    let said = s.presses("U-ana", "2", "nonsense".to_owned()).await;
    assert!(!said.ok);
    assert_eq!(s.world.incident(1).await.status, Status::Triggered);
    assert!(
        s.presses("U-ana", "3", s.token("C1", &Press::Acknowledge))
            .await
            .ok
    );
    // Drawn before the acknowledgement: answered kindly, nothing done twice.
    let said = s
        .presses("U-bo", "4", s.token("C1", &Press::Acknowledge))
        .await;
    assert!(!said.ok && said.text.contains("ana"), "{}", said.text);
}

#[tokio::test]
async fn words_that_are_missing_are_asked_for() {
    let s = Stage::set().await;
    let ask = |text: &str| {
        let deed = Deed::Line {
            text: text.to_owned(),
        };
        s.heard("U-ana", "x", deed)
    };
    let form = s.ear.form(&ask("note")).await.unwrap();
    assert_eq!(
        (form.verb.as_str(), form.incident),
        ("note", Some(IncidentId(1)))
    );
    let names: Vec<&str> = form.fields.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["at", "text"]);
    assert!(s.ear.form(&ask("note we rolled back")).await.is_none());
    assert!(s.ear.form(&ask("ack")).await.is_none());
    let new = s.ear.form(&ask("new")).await.unwrap();
    let token = new
        .token(&s.world.engine.button_key(), "slack", "U-ana")
        .unwrap();
    let send = |who: &str, key: &str, values: &[(&str, &str)]| {
        let values = values
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        let token = token.clone();
        s.heard(who, key, Deed::Submit { token, values })
    };
    let faults = s
        .ear
        .faults(&send("U-ana", "1", &[("title", "slow"), ("sev", "sev99")]));
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(
        faults[0].0, "sev",
        "told at the field it is about: {faults:?}"
    );
    let second = [("service", "checkout"), ("sev", "sev99")];
    let faults = s.ear.faults(&send("U-ana", "1", &second));
    assert_eq!(faults[0].0, "sev", "and at no other: {faults:?}");
    // What is about no field there is, is told at one there is.
    let elsewhere = s.ear.faults(&send("U-ana", "1", &[("service", "")]));
    assert_eq!(elsewhere[0].0, "service", "{elsewhere:?}");
    // Where there is none at all it is an answer.
    assert!(s.ear.faults(&send("U-ana", "1a", &[])).is_empty());
    s.takes(send("U-ana", "1a", &[])).await;
    assert!(!s.last().ok && s.last().text.contains("`title` is missing"));
    // Somebody else cannot send the form that was opened for Ana.
    s.takes(send("U-kim", "2", &[("title", "slow")])).await;
    assert!(!s.last().ok && s.last().text.contains("not opened for you"));
    s.takes(send(
        "U-ana",
        "3",
        &[
            ("title", "checkout=slow #99 \"today\""),
            ("service", "checkout"),
        ],
    ))
    .await;
    assert!(s.last().ok, "{:?}", s.last());
    let made = s.world.incident(2).await;
    assert_eq!(made.title, "checkout=slow #99 \"today\"");
    assert_eq!(made.service.as_deref(), Some("checkout"));
}

#[tokio::test]
async fn messages_of_the_room_are_kept_with_their_edits_and_deletions() {
    let s = Stage::set().await;
    let message = || "m1".to_owned();
    let said = Deed::Said {
        message: message(),
        text: "it is\nthe database".to_owned(),
        answers: String::new(),
        files: Vec::new(),
    };
    s.takes(s.heard("U-kim", "1", said)).await;
    let edited = Deed::Edited {
        message: message(),
        text: "it is the cache".to_owned(),
    };
    s.takes(s.heard("U-kim", "2", edited)).await;
    let deleted = Deed::Deleted { message: message() };
    s.takes(s.heard("U-kim", "3", deleted)).await;
    let mut elsewhere = s.heard(
        "U-kim",
        "4",
        Deed::Said {
            message: "m2".to_owned(),
            text: "lunch?".to_owned(),
            answers: String::new(),
            files: Vec::new(),
        },
    );
    elsewhere.room = "C77".to_owned();
    s.takes(elsewhere).await;
    let kinds = s.world.kinds(1).await;
    let of = |kind: &str| kinds.iter().filter(|k| **k == kind).count();
    assert_eq!((of("spoke"), of("reworded"), of("unsaid")), (1, 1, 1));
    let journal = s.world.journal(1).await;
    let spoke = journal.iter().find_map(|r| match &r.event {
        Event::Spoke { text, .. } => Some(text.clone()),
        _ => None,
    });
    assert_eq!(spoke.as_deref(), Some("it is\nthe database"));
}

#[tokio::test]
async fn a_message_that_is_marked_twice_is_one_line_at_its_own_time() {
    let s = Stage::set().await;
    let written_at = Time(s.world.clock.now().0 - 600_000);
    let marks = [("1", "pinned"), ("2", "marked with :pushpin:")];
    for (key, how) in marks {
        let kept = Deed::Kept {
            message: "m1".to_owned(),
            text: String::new(),
            author: None,
            written_at,
            how: how.to_owned(),
            ours: false,
        };
        s.takes(s.heard("U-ana", key, kept)).await;
    }
    let told = &s.last().text;
    assert!(told.contains("has put that message"), "{told}");
    let kept = |r: &firebell::core::incident::Record| match &r.event {
        Event::Kept(k) => Some((
            k.author.clone(),
            k.text.clone(),
            k.how.clone(),
            k.written_at,
        )),
        _ => None,
    };
    let journal = s.world.journal(1).await;
    let lines: Vec<_> = journal.iter().filter_map(kept).collect();
    let words = "customers complain".to_owned();
    let first = ("Kim".to_owned(), words, "pinned".to_owned(), written_at);
    assert_eq!(lines, [first]);
    // Only the mark that put it there takes it back.
    for (key, how) in [("3", "marked with :pushpin:"), ("4", "pinned")] {
        let unkept = Deed::Unkept {
            message: "m1".to_owned(),
            how: how.to_owned(),
        };
        s.takes(s.heard("U-ana", key, unkept)).await;
    }
    let kinds = s.world.kinds(1).await;
    assert_eq!(kinds.iter().filter(|k| **k == "unkept").count(), 1);
}

#[tokio::test]
async fn the_home_page_tells_what_is_mine() {
    let s = Stage::set().await;
    s.takes(s.heard("U-ana", "1", Deed::Home)).await;
    let home = s.thin.homes.lock().unwrap().last().cloned().unwrap();
    assert!(home.head.contains("ana"), "{}", home.head);
    let of = |title: &str| {
        let section = home.sections.iter().find(|(t, _)| t == title);
        section.map(|(_, lines)| lines.join("\n")).unwrap()
    };
    assert!(of("My incidents").contains("#1"), "Ana was paged");
    assert!(of("Open incidents").contains("#1"));
}

#[tokio::test]
async fn completions_come_from_what_there_is() {
    let s = Stage::set().await;
    let typed = |verb: &str| {
        let deed = Deed::Typed {
            verb: verb.to_owned(),
            options: BTreeMap::new(),
        };
        s.heard("U-ana", "x", deed)
    };
    let found = s.ear.complete(&typed("ack"), "incident", "").await;
    assert_eq!(found[0].0, "1");
    let found = s.ear.complete(&typed("run"), "action", "ec").await;
    assert_eq!(found[0].0, "echo");
    let found = s.ear.complete(&typed("sev"), "severity", "sev").await;
    assert!(!found.is_empty() && found.len() <= 25);
}

#[tokio::test]
async fn a_room_that_is_lost_is_told_and_made_anew() {
    let s = Stage::set().await;
    s.world
        .tell(
            1,
            Command::PlaceFailed {
                platform: "slack".to_owned(),
                place: "the room".to_owned(),
                why: "it was archived".to_owned(),
            },
        )
        .await;
    let kinds = s.world.kinds(1).await;
    let opened = kinds.iter().filter(|k| **k == "room_opened").count();
    assert_eq!(opened, 3, "console once, slack twice: {kinds:?}");
}
