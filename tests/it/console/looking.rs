//! What the console shows, to whom, and what its pages may load.

use super::*;
use firebell::chat::{Card, Line, RoomRef};
use firebell::core::directory::{Contact, ContactKind, Means, Rule, Step, Urgency};
use firebell::core::id::Actor;
use firebell::engine::Counter;
use firebell::store::{AttemptRow, ChangeSet};

const PAGES: &[&str] = &[
    "/",
    "/incidents?status=",
    "/incidents/1",
    "/incidents/1/postmortem",
    "/incidents/1/silence",
    "/incidents/1/run/echo",
    "/incidents/1/run/echo/confirm",
    "/oncall",
    "/services",
    "/actions",
    "/alerts",
    "/alerts?show=all",
    "/quarantine",
    "/automation",
    "/analytics",
    "/analytics?minutes=5&severity=sev1",
    "/changes",
    "/people",
    "/declare",
    "/rooms/1",
    "/fragments/overview",
    "/fragments/side?at=overview",
    "/fragments/card/1",
    "/fragments/strip/1",
    "/fragments/incident/1",
];

#[tokio::test]
async fn the_first_page_says_all_quiet_or_what_burns() {
    let h = House::open().await;
    assert!(h.page("ana", "/").await.contains("All quiet."));
    h.fire("Slow", MAJOR).await;
    let page = h.page("ana", "/").await;
    assert!(
        page.contains("Slow is bad") && page.contains("1 incident open, 1 waiting for somebody."),
        "{page}"
    );
    h.press("bo", "acknowledge", "1", CLICK).await;
    assert!(
        h.page("ana", "/")
            .await
            .contains("1 incident open. Somebody is at it.")
    );
}

#[tokio::test]
async fn words_of_an_alert_never_become_markup() {
    let h = House::open().await;
    let nasty = "<script>alert(1)</script><img src=x onerror=y>\"'><a href=javascript:z>";
    h.fire(
        nasty,
        &[
            ("service", "checkout"),
            ("severity", "critical"),
            ("instance", nasty),
        ],
    )
    .await;
    let room = h.room("incident").await;
    let say = format!("/rooms/{}/posts", room.0);
    h.post("ana", &say, &[("text", nasty), ("click", CLICK)])
        .await;
    let id = h.engine.next_id(Counter::Quarantine);
    let bad = firebell::store::QuarantineRow {
        id,
        at: START,
        source: "prom".to_owned(),
        path: nasty.to_owned(),
        reason: nasty.to_owned(),
        body: nasty.to_owned(),
    };
    let changes = ChangeSet {
        quarantine: vec![bad],
        ..ChangeSet::default()
    };
    h.engine.write(changes).await.unwrap();
    let room_page = format!("/rooms/{}", room.0);
    for path in PAGES.iter().copied().chain([room_page.as_str()]) {
        let page = h.page("ana", path).await;
        for trap in [
            "<script>",
            "<img",
            "<a href=javascript",
            "href=\"javascript",
        ] {
            assert!(!page.contains(trap), "{path}: {trap}");
        }
    }
    assert!(
        h.page("ana", &room_page)
            .await
            .contains("&lt;script&gt;alert(1)")
    );
}

#[tokio::test]
async fn every_answer_forbids_what_is_not_ours_and_no_page_needs_it() {
    let h = House::burning().await;
    for path in PAGES {
        let answer = h.ask("ana", path).send().await.unwrap();
        let policy = answer.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
            "{path}"
        );
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"));
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let page = answer.text().await.unwrap();
        for inline in [
            " style=",
            "<style",
            " onclick=",
            "<script>",
            "src=\"http",
            "href=\"//",
        ] {
            assert!(!page.contains(inline), "{path} holds {inline}");
        }
    }
}

#[tokio::test]
async fn assets_may_be_kept_for_ever_because_their_address_changes_with_them() {
    let h = House::open().await;
    let page = h.page("ana", "/").await;
    let mut found = 0;
    for address in page.split('"').filter(|a| a.starts_with("/assets/")) {
        let answer = h.ask("", address).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{address}");
        assert!(
            answer.headers()["cache-control"]
                .to_str()
                .unwrap()
                .contains("immutable")
        );
        found += 1;
    }
    assert!(found >= 3, "style sheet, script and icon");
    let old = h
        .ask("", "/assets/console.0000000000000000.css")
        .send()
        .await
        .unwrap();
    assert_eq!(old.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn direct_messages_are_for_one_person_alone() {
    let h = House::burning().await;
    let room = h.room("direct").await;
    let path = format!("/rooms/{}", room.0);
    assert!(h.page("ana", &path).await.contains("You are paged"));
    for who in ["bo", "", "mallory"] {
        for path in [path.clone(), format!("/fragments/room/{}?after=0", room.0)] {
            let answer = h.ask(who, &path).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{who} {path}");
        }
        assert!(
            !h.page(who, "/").await.contains(&format!("href=\"{path}\"")),
            "{who}"
        );
    }
    let say = h
        .post(
            "bo",
            &format!("{path}/posts"),
            &[("text", "hi"), ("click", CLICK)],
        )
        .await;
    assert_eq!(say.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_sent_again_is_posted_once() {
    let h = House::burning().await;
    let card = Card {
        incident: IncidentId(1),
        ..Card::default()
    };
    let line = Line {
        key: "1:99:0".to_owned(),
        incident: IncidentId(1),
        seq: 99,
        by: Actor::Firebell,
        text: "said".to_owned(),
        run: None,
        seen: String::new(),
    };
    let room = RoomRef::Channel("general".to_owned());
    let mut ids = Vec::new();
    for again in [false, true] {
        ids.push(h.chat.say(&room, &line, again).await.unwrap());
        ids.push(
            h.chat
                .page(
                    "dee",
                    &[firebell::chat::Page {
                        key: "1:99:1".to_owned(),
                        card: card.clone(),
                        text: "because".to_owned(),
                    }],
                )
                .await
                .unwrap(),
        );
        ids.push(h.chat.show(&room, &card, "", again).await.unwrap());
        ids.push(h.chat.open_room(&card, "inc-1").await.unwrap().0);
    }
    assert_eq!(ids[..4], ids[4..]);
}

#[tokio::test]
async fn a_long_room_is_walked_backwards_without_gaps() {
    let h = House::open().await;
    let room = h.room("channel").await;
    let row = |n: i64| PostRow {
        id: h.engine.next_id(Counter::Post),
        room,
        at: START,
        author: "ana".to_owned(),
        author_name: "ana".to_owned(),
        kind: "text".to_owned(),
        incident: None,
        seq: None,
        text: format!("message {n}."),
        key: format!("test:{n}"),
        state: String::new(),
        changed_at: None,
        answers: None,
    };
    let changes = ChangeSet {
        posts: (0..150).map(row).collect(),
        ..ChangeSet::default()
    };
    h.engine.write(changes).await.unwrap();
    let mut seen = Vec::new();
    let mut path = format!("/rooms/{}", room.0);
    loop {
        let page = h.page("ana", &path).await;
        let window = page
            .split(">message ")
            .skip(1)
            .map(|m| m.split('.').next().unwrap().to_owned());
        let window: Vec<String> = window.collect();
        seen.splice(0..0, window);
        let Some(older) = page.split("data-before=\"").nth(1) else {
            break;
        };
        path = format!(
            "/rooms/{}?before={}",
            room.0,
            older.split('"').next().unwrap()
        );
    }
    let want: Vec<String> = (0..150).map(|n| n.to_string()).collect();
    assert_eq!(seen, want);
    let answer = h
        .ask("ana", &format!("/fragments/room/{}?after=100", room.0))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["x-firebell-last"], "150");
    assert!(!answer.headers().contains_key("x-firebell-gap"));
}

#[tokio::test]
async fn the_stream_tells_what_changed_and_never_what_it_says() {
    let h = House::open().await;
    let mut stream = h.ask("ana", "/events").send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut told = String::new();
    // The greeting: from here on the stream listens.
    told.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
    h.fire("Slow", MAJOR).await;
    while !(told.contains("event: incident\ndata: 1\n") && told.contains("event: room\n")) {
        let chunk = stream.chunk().await.unwrap().expect("the stream ended");
        told.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert!(!told.contains("Slow"), "{told}");
}

#[tokio::test]
async fn an_incidents_page_answers_who_was_told_and_why() {
    let h = House::burning().await;
    let page = h.page("ana", "/incidents/1").await;
    for part in [
        "Page to ana by console",
        "severity sev1 from the alert",
        "Who is paged, and why?",
        "Slow",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    let missing = h.ask("ana", "/incidents/99").send().await.unwrap();
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_postmortem_is_read_and_downloaded() {
    let h = House::burning().await;
    assert!(
        h.page("ana", "/incidents/1/postmortem")
            .await
            .contains("still open")
    );
    let answer = h
        .ask("ana", "/incidents/1/postmortem.md")
        .send()
        .await
        .unwrap();
    assert_eq!(
        answer.headers()["content-disposition"],
        "attachment; filename=\"postmortem-1.md\""
    );
    assert!(answer.text().await.unwrap().starts_with('#'));
    let json: serde_json::Value = h
        .ask("ana", "/incidents/1/postmortem.json")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert!(json.is_object());
}

#[tokio::test]
async fn commands_are_completed_as_json() {
    let h = House::burning().await;
    let room = h.room("incident").await.0;
    let found: serde_json::Value = h
        .ask("ana", &format!("/complete?room={room}&text=/ac"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(found[0]["label"], "ack");
}

fn attempt(h: &House, person: &str, incident: Option<i64>) -> AttemptRow {
    AttemptRow {
        id: h.engine.next_id(Counter::Attempt),
        // Three at night.
        at: START.plus_ms(-9 * 3_600_000),
        incident: incident.map(IncidentId),
        seq: incident.map(|_| 2),
        person: person.to_owned(),
        contact: "phone".to_owned(),
        kind: "sms".to_owned(),
        provider: "eu".to_owned(),
        purpose: "page".to_owned(),
        pages: 1,
        latency_ms: 41,
        state: "accepted".to_owned(),
        receipt: String::new(),
        status: String::new(),
        error: String::new(),
        updated_at: START,
    }
}

#[tokio::test]
async fn a_persons_page_shows_how_they_are_woken_whether_it_works_and_how_they_slept() {
    let h = House::burning().await;
    let mut d = directory();
    let ana = d.people.get_mut("ana").unwrap();
    ana.contacts.push(Contact {
        name: "phone".to_owned(),
        kind: ContactKind::Direct {
            means: Means::Sms,
            to: "+491701234567".to_owned().into(),
            via: None,
        },
    });
    ana.waking.rules.push(Rule {
        urgency: Urgency::High,
        steps: vec![
            Step {
                after_secs: 0,
                contacts: vec!["console".to_owned()],
            },
            Step {
                after_secs: 120,
                contacts: vec!["phone".to_owned()],
            },
        ],
    });
    h.engine.replace_directory(d);
    let before = h.page("bo", "/people/ana").await;
    assert!(
        before.contains("No page left between 22:00 and 07:00"),
        "{before}"
    );
    let failed = AttemptRow {
        state: "failed".to_owned(),
        error: "eu answered 503 <b>".to_owned(),
        ..attempt(&h, "ana", Some(1))
    };
    let changes = ChangeSet {
        attempts: vec![
            attempt(&h, "ana", Some(1)),
            attempt(&h, "ana", None),
            failed,
        ],
        ..ChangeSet::default()
    };
    h.engine.write(changes).await.unwrap();
    let page = h.page("bo", "/people/ana").await;
    for part in [
        "not verified",
        "They write: verify phone",
        "For high urgency: console at once, then phone after 2m.",
        "For low urgency: every contact at once.",
        "The night to Mon 16 Nov</strong> · 2 pages",
        "by phone</strong> · sms through eu, 41 ms",
        "eu answered 503 &lt;b&gt;",
        "href=\"/incidents/1\"",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("1701234567"), "a number is told to nobody");
    let cy = h.page("bo", "/people/cy").await;
    assert!(
        cy.contains("nobody can be woken here. Add contacts to people/cy.toml"),
        "{cy}"
    );
    let gone = h.ask("bo", "/people/zoe").send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_incidents_page_lists_every_try_to_wake_somebody_for_it() {
    let h = House::burning().await;
    let page = h.page("ana", "/incidents/1").await;
    assert!(
        page.contains("<summary>1 try to wake somebody</summary>"),
        "the page by chat: {page}"
    );
    let late = AttemptRow {
        state: "undelivered".to_owned(),
        status: "30005".to_owned(),
        ..attempt(&h, "bo", Some(1))
    };
    let changes = ChangeSet {
        attempts: vec![attempt(&h, "ana", Some(1)), late, attempt(&h, "ana", None)],
        ..ChangeSet::default()
    };
    h.engine.write(changes).await.unwrap();
    let page = h.page("ana", "/incidents/1").await;
    assert!(
        page.contains("<summary>3 tries to wake somebody</summary>"),
        "{page}"
    );
    for part in [
        "<strong>ana by phone</strong>",
        "<strong>bo by phone</strong>",
        "the provider says: 30005",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}
