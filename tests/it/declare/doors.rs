//! A private incident is not there for whom it is not: every door is walked, and the secret looked for.

use super::*;
use firebell::core::incident::Shape;
use regex::Regex;
use std::collections::BTreeSet;

/// Stands in the title, a note, a message and an alert of the private incident, and nowhere else.
const SECRET: &str = "zebra";

/// Every path of the console that is read, from its own source, so that a new one is walked too.
fn console_paths() -> Vec<String> {
    let source = include_str!("../../../src/http/console/mod.rs");
    let route = Regex::new(r#"\.route\(\s*"([^"]+)","#).unwrap();
    let mut paths: BTreeSet<String> = route
        .captures_iter(source)
        .map(|c| c[1].to_owned())
        .collect();
    for format in firebell::core::postmortem::Format::ALL {
        paths.insert(format!("/incidents/{{id}}/postmortem.{}", format.ending()));
    }
    paths
        .into_iter()
        .map(|p| {
            p.replace("{id}", "1")
                .replace("{incident}", "1")
                .replace("{run}", "1")
                .replace("{n}", "1")
                .replace("{action}", "echo")
                .replace("{anchor}", "impact")
                .replace("{name}", "console.css")
                .replace("{schedule}", "none")
        })
        .collect()
}

/// Every path of the API that is read, from its own description.
fn api_paths() -> Vec<String> {
    let doc: serde_json::Value = serde_json::from_str(&firebell::http::api::openapi()).unwrap();
    let paths = doc["paths"].as_object().unwrap();
    let read = paths.iter().filter(|(_, item)| item["get"].is_object());
    let mut paths: Vec<String> = read.map(|(path, _)| path.replace("{id}", "1")).collect();
    paths.extend(
        [
            "/api/v1/incidents?status=all&limit=500",
            "/api/v1/incidents?status=all&q=zebra",
            "/api/v1/alerts?status=all",
            "/api/v1/alerts?incident=1&status=all",
            "/api/v1/attempts?incident=1",
            "/api/v1/search?q=zebra",
            "/api/v1/search?q=zebra&drills=true",
            "/api/v1/incidents/1/postmortem?format=md",
            "/api/v1/incidents/2/related",
            "/api/v2/alerts",
            "/api/v2/alerts/groups",
            "/api/v2/status",
            "/metrics",
            "/healthz",
            "/readyz",
        ]
        .map(str::to_owned),
    );
    paths
}

/// A town with a private incident of an alert and people, and a public one.
async fn hiding() -> Town {
    let mut directory = directory();
    directory.route.type_id = Some("security".to_owned());
    let bo = directory.people.get_mut("bo").unwrap();
    bo.roles = vec!["auditor".to_owned()];
    let town = Town::with(directory).await;
    let labels = [
        ("service", "checkout"),
        ("severity", "critical"),
        ("animal", SECRET),
    ];
    town.world.fire("Zebra", &labels).await;
    let note = Command::Note {
        by: person("ana"),
        text: format!("the {SECRET} was here"),
        happened_at: None,
    };
    town.tells(IncidentId(1), note).await;
    let speak = Command::Speak {
        by: person("ana"),
        text: format!("who let the {SECRET} out?"),
        platform: "console".to_owned(),
        message: "7".to_owned(),
        answers: None,
    };
    town.tells(IncidentId(1), speak).await;
    let public = Declaration {
        service: Some("checkout".to_owned()),
        ..Declaration::of("a public trouble")
    };
    let id = town.declared_by("dee", public).await;
    assert_eq!(id, IncidentId(2));
    town
}

#[tokio::test]
async fn no_door_tells_of_a_private_incident_to_whom_it_does_not_concern() {
    let town = hiding().await;
    let incident = town.world.incident(1).await;
    assert!(incident.nature.private, "the route says so");
    assert!(
        incident.concerns("ana") && !incident.concerns("dee"),
        "{incident:?}"
    );
    // Over, so that the search and the postmortems know it.
    for open in [true, false] {
        if !open {
            let by = person("ana");
            town.tells(IncidentId(1), Command::Resolve { by }).await;
        }
        let mut walked = 0;
        for who in ["dee", "nobody"] {
            for path in console_paths() {
                let (status, body) = town.page(who, &path).await;
                let low = body.to_lowercase();
                assert!(!low.contains(SECRET), "{who} at {path} ({status}): {body}");
                if path.starts_with("/incidents/1") {
                    assert!(status.is_client_error(), "{who} at {path}: {status}");
                }
                walked += 1;
            }
            for path in [
                "/incidents?status=&text=zebra",
                "/search?q=zebra",
                "/alerts?show=all",
            ] {
                let (_, body) = town.page(who, path).await;
                // What was asked for is shown again in its field.
                let low = body.to_lowercase().replace("value=\"zebra\"", "");
                assert!(!low.contains(SECRET), "{who} at {path}: {body}");
            }
        }
        for path in api_paths() {
            let (status, body) = town.api(PLAIN, &path).await;
            assert!(
                !body.to_lowercase().contains(SECRET),
                "{path} ({status}): {body}"
            );
            if path.starts_with("/api/v1/incidents/1") {
                assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
            }
            walked += 1;
        }
        assert!(walked > 100, "{walked}");
    }
    // Whom it concerns, and a token with the scope, find it at the same doors.
    for path in [
        "/incidents/1",
        "/incidents?status=&text=zebra",
        "/search?q=zebra",
    ] {
        let (_, body) = town.page("ana", path).await;
        assert!(
            body.to_lowercase()
                .replace("value=\"zebra\"", "")
                .contains(SECRET),
            "{path}"
        );
    }
    for path in [
        "/api/v1/incidents/1",
        "/api/v1/incidents?status=all",
        "/api/v1/search?q=zebra",
        "/api/v1/incidents/1/timeline",
        "/api/v1/alerts?status=all",
    ] {
        let (_, body) = town.api(SCOPED, path).await;
        assert!(body.to_lowercase().contains(SECRET), "{path}: {body}");
    }
}

#[tokio::test]
async fn nothing_can_be_done_to_what_one_does_not_see() {
    let town = hiding().await;
    let before = town.world.incident(1).await.seq;
    for line in [
        "ack 1",
        "resolve 1",
        "note 1 x",
        "lead 1",
        "explain 1",
        "postmortem 1",
        "page 1 dee x",
        "merge 2 into 1",
        "relate 2 1",
        "parent 2 1",
        "public 1",
        "sev 1 sev2",
        "run 1 echo",
        "snooze 1 30m",
        "reassign 1 dee",
        "promote 1",
        "invite 1 dee",
        "drill 1",
        "type 1 none",
    ] {
        let reply = town.says("dee", line).await;
        let none = reply.text.contains("There is no such incident")
            || reply.text.contains("There is no incident #1");
        assert!(!reply.ok && none, "{line}: {}", reply.text);
        assert!(
            !reply.text.to_lowercase().contains(SECRET),
            "{}",
            reply.text
        );
    }
    for line in ["list all", "list", "ack all"] {
        let reply = town.says("dee", line).await;
        assert!(
            !reply.text.to_lowercase().contains(SECRET),
            "{}",
            reply.text
        );
        assert!(!reply.text.contains("#1"), "{line}: {}", reply.text);
    }
    let press = firebell::chat::Press::Acknowledge;
    let id = IncidentId(1);
    let engine = &town.world.engine;
    let pressed = dispatch::press(engine, person("dee"), "console", id, &press, 99, "c:1").await;
    assert!(
        !pressed.ok && pressed.text.contains("no such incident"),
        "{}",
        pressed.text
    );
    for (path, body) in [
        ("/api/v1/incidents/1/acknowledge", serde_json::json!({})),
        (
            "/api/v1/incidents/1/notes",
            serde_json::json!({"text": "x"}),
        ),
        (
            "/api/v1/incidents/1/private",
            serde_json::json!({"private": false}),
        ),
        ("/api/v1/incidents/2/merge", serde_json::json!({"into": 1})),
        ("/api/v1/incidents/2/relate", serde_json::json!({"to": 1})),
        (
            "/api/v1/incidents/2/parent",
            serde_json::json!({"parent": 1}),
        ),
    ] {
        let (status, said) = town.post(PLAIN, path, body).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {said}");
    }
    let (_, many) = town
        .post(
            PLAIN,
            "/api/v1/incidents/resolve",
            serde_json::json!({"ids": [1]}),
        )
        .await;
    assert!(many.contains("There is no incident #1"), "{many}");
    assert_eq!(
        town.world.incident(1).await.seq,
        before,
        "nothing happened to it"
    );
}

#[tokio::test]
async fn pages_reach_who_must_be_paged_and_channels_hear_nothing() {
    let town = hiding().await;
    let said = town.said();
    let paged = said
        .iter()
        .any(|s| matches!(s, Said::Page { person, .. } if person == "ana"));
    assert!(paged, "{said:?}");
    let (lines, _) = town.in_channel("web");
    let told: Vec<&String> = lines
        .iter()
        .filter(|l| l.to_lowercase().contains(SECRET))
        .collect();
    assert!(told.is_empty(), "{told:?}");
    // Whoever is paged in the end sees what for.
    town.world.advance_secs(301).await;
    assert!(town.world.incident(1).await.concerns("bo"));
    let (status, body) = town.page("bo", "/incidents/1").await;
    assert!(status == StatusCode::OK && body.to_lowercase().contains(SECRET));
}

#[tokio::test]
async fn what_becomes_private_later_is_hidden_from_then_on_and_says_what_was_known() {
    let town = Town::open().await;
    let said = Declaration {
        service: Some("checkout".to_owned()),
        ..Declaration::of("the zebra is loose")
    };
    let id = town.declared(said).await;
    let (status, body) = town.page("dee", "/incidents/1").await;
    assert!(status == StatusCode::OK && body.contains(SECRET));
    assert!(town.in_channel("web").1, "its card stood in the channel");
    let reply = town.says("ana", "private 1 a customer asked for it").await;
    assert!(
        reply.ok && reply.text.contains("stays known"),
        "{}",
        reply.text
    );
    let (status, body) = town.page("dee", "/incidents/1").await;
    assert!(status == StatusCode::NOT_FOUND && !body.contains(SECRET));
    let timeline = town.page("ana", "/incidents/1").await.1;
    assert!(timeline.contains("its card in #web"), "{timeline}");
    // It got another room.
    let rooms = town.world.incident(id.0).await.rooms.clone();
    assert!(!rooms.is_empty(), "made anew");
    let directory = town.world.engine.directory();
    let veiled = firebell::chat::card::veiled(&*town.incident(id).await, "");
    assert!(!format!("{veiled:?}").contains(SECRET) && veiled.buttons.is_empty());
    drop(directory);
    let no = town.says("bo", "public 1").await;
    assert!(
        !no.ok,
        "bo was paged and sees it, and does not lead: {}",
        no.text
    );
    let invite = town.says("ana", "invite 1 dee").await;
    assert!(invite.ok, "{}", invite.text);
    assert_eq!(town.page("dee", "/incidents/1").await.0, StatusCode::OK);
    let reply = town.says("ana", "public 1").await;
    assert!(reply.ok, "{}", reply.text);
    assert_eq!(town.page("nobody", "/incidents/1").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_token_hides_only_what_it_can_see_again() {
    let town = Town::open().await;
    town.declared(Declaration::of("a public trouble")).await;
    let path = "/api/v1/incidents/1/private";
    let hide = serde_json::json!({"private": true});
    let (status, said) = town.post(PLAIN, path, hide.clone()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{said}");
    assert!(said.contains("scopes = "), "{said}");
    let (status, said) = town.post(SCOPED, path, hide).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    assert_eq!(
        town.api(PLAIN, "/api/v1/incidents/1").await.0,
        StatusCode::NOT_FOUND
    );
    // Whoever declares something private is answered, and finds it no more without the scope.
    let body = serde_json::json!({"title": "hush", "private": true, "type": "outage"});
    let (status, said) = town.post(PLAIN, "/api/v1/incidents", body).await;
    assert_eq!(status, StatusCode::CREATED, "{said}");
    assert!(said.contains("\"private\":true") && said.contains("\"type\":\"outage\""));
    let (_, list) = town.api(PLAIN, "/api/v1/incidents?status=all").await;
    assert!(!list.contains("hush"), "{list}");
}

#[tokio::test]
async fn the_terminal_prints_what_is_private_only_when_it_is_asked_for_by_name() {
    let town = hiding().await;
    let by = person("ana");
    town.tells(IncidentId(1), Command::Resolve { by }).await;
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("firebell.toml");
    std::fs::create_dir(home.path().join("people")).unwrap();
    std::fs::write(
        home.path().join("people/ana.toml"),
        "name = \"Ana\"\nzone = \"UTC\"\ncontacts = [{ kind = \"console\" }]\n",
    )
    .unwrap();
    let toml = format!(
        "[paging]\ncatch-all = [\"person:ana\"]\n[database]\nurl = {:?}\n",
        town.url
    );
    std::fs::write(&config, toml).unwrap();
    let print = |words: &[&str]| {
        let out = std::process::Command::new(env!("CARGO_BIN_EXE_firebell"))
            .args(words)
            .arg("--config")
            .arg(&config)
            .output()
            .unwrap();
        let text = [out.stdout, out.stderr].concat();
        String::from_utf8_lossy(&text).to_lowercase()
    };
    for words in [
        &["export", "1"][..],
        &["replay", "1"],
        &["explain", "1"],
        &["search", SECRET],
    ] {
        let told = print(words);
        assert!(!told.contains(SECRET), "{words:?}: {told}");
        let mut asked = words.to_vec();
        asked.push("--private");
        let told = print(&asked);
        assert!(told.contains(SECRET), "{asked:?}: {told}");
    }
}

#[tokio::test]
async fn a_store_leaves_out_what_must_not_be_seen_on_both_databases() {
    use firebell::core::sight::Sight;
    use firebell::store::IncidentQuery;
    crate::store::on_both(async |database| {
        let world = World::with(&database.url, directory()).await;
        let open = |title: &str, private: bool| {
            let said = Declaration {
                private: Some(private),
                type_id: Some("outage".to_owned()),
                ..Declaration::of(title)
            };
            said.open(person("a_na"), None, None, &directory())
        };
        for (n, private) in [false, true, false].into_iter().enumerate() {
            let open = open(&format!("trouble {n}"), private);
            world.engine.open(&format!("c{n}"), open).await.unwrap();
        }
        world.settle().await;
        let seen = |sight: Sight| {
            let query = IncidentQuery {
                sight,
                limit: 10,
                ..IncidentQuery::default()
            };
            let store = world.engine.store().clone();
            async move { store.incidents(&query).await.unwrap().1 }
        };
        let of = |key: &str, types: &[&str]| Sight::Of {
            key: key.to_owned(),
            types: types.iter().map(|t| (*t).to_owned()).collect(),
        };
        assert_eq!(seen(Sight::Public).await, 2);
        assert_eq!(seen(Sight::All).await, 3);
        assert_eq!(seen(of("a_na", &[])).await, 3);
        assert_eq!(seen(of("axna", &[])).await, 2, "`_` is no wildcard");
        assert_eq!(seen(of("na", &[])).await, 2, "a part of a name is nobody");
        assert_eq!(seen(of("bo", &["outage"])).await, 3);
        assert_eq!(seen(of("bo", &["security"])).await, 2);
        // Letting somebody in is in the list at once.
        let invite = Command::Shape {
            by: person("a_na"),
            shape: Box::new(Shape::Invite { who: person("bo") }),
        };
        world.tell(2, invite).await;
        assert_eq!(seen(of("bo", &[])).await, 3);
    })
    .await;
}
