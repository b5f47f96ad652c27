//! Leading an incident by the forms of its page.

use super::*;
use firebell::core::directory::{Checklist, ChecklistItem, ConductRules};
use firebell::core::incident::Event;
use std::sync::Arc;

/// The incident of the house under the shipped roles and one checklist, major.
async fn led() -> House {
    let h = House::open().await;
    let mut rules = ConductRules::shipped();
    rules.checklists.push(Arc::new(Checklist {
        id: "major".to_owned(),
        title: "Major incident".to_owned(),
        items: vec![ChecklistItem {
            text: "Look at <b>the dashboard</b>".to_owned(),
            link: "https://dash.example.org/".to_owned(),
            ..ChecklistItem::default()
        }],
        ..Checklist::default()
    }));
    let mut directory = (*h.engine.directory()).clone();
    directory.conduct = Arc::new(rules);
    h.engine.replace_directory(directory);
    h.fire("Slow", MAJOR).await;
    h
}

async fn said(h: &House, who: &str, fields: &[(&str, &str)]) -> serde_json::Value {
    let form = h.form(who, "/incidents/1/command", fields);
    let sent = form.header(ACCEPT, "application/json").send().await;
    let answer = sent.unwrap().json().await.unwrap();
    h.engine.settle().await;
    answer
}

#[tokio::test]
async fn every_act_of_leading_is_a_form_of_the_page() {
    let h = led().await;
    let page = h.page("ana", "/incidents/1").await;
    assert!(
        page.contains("Look at &lt;b&gt;the dashboard&lt;/b&gt;"),
        "{page}"
    );
    assert!(page.contains("href=\"https://dash.example.org/\""));
    assert!(page.contains("nobody yet: somebody has to"), "{page}");
    let fields = [
        ("verb", "role"),
        ("role", "scribe"),
        ("who", "bo"),
        ("click", CLICK),
    ];
    let answer = said(&h, "ana", &fields).await;
    assert_eq!(answer["ok"], true, "{answer}");
    said(&h, "ana", &fields).await;
    assert_eq!(h.count("role_given").await, 1, "sent twice, done once");
    // Another button of the same page has the same one-time id and is another act.
    let fields = [
        ("verb", "role"),
        ("role", "communications"),
        ("who", "me"),
        ("click", CLICK),
    ];
    said(&h, "ana", &fields).await;
    assert_eq!(h.count("role_given").await, 2);
    for (fields, kind) in [
        (&[("verb", "tick"), ("line", "1")][..], "ticked"),
        (
            &[
                ("verb", "task"),
                ("text", "look at it"),
                ("owner", "me"),
                ("due", "30m"),
            ],
            "task_added",
        ),
        (&[("verb", "done"), ("task", "1")], "task_finished"),
        (
            &[
                ("verb", "can"),
                ("conditions", "errors | rising"),
                ("actions", ""),
                ("needs", "a DBA"),
            ],
            "reported",
        ),
        (
            &[("verb", "decision"), ("text", "we roll back"), ("at", "")],
            "decided",
        ),
        (&[("verb", "join")], "responder_joined"),
        (&[("verb", "leave"), ("to", "bo")], "responder_left"),
    ] {
        let mut all = fields.to_vec();
        all.push(("click", CLICK));
        let answer = said(&h, "ana", &all).await;
        assert_eq!(answer["ok"], true, "{fields:?}: {answer}");
        assert_eq!(h.count(kind).await, 1, "{fields:?}");
    }
    let page = h.page("bo", "/incidents/1").await;
    for words in ["errors | rising", "a DBA", "look at it", "What to do"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let room = h.room("incident").await;
    let boards = h
        .posts(room)
        .await
        .into_iter()
        .filter(|p| p.kind == "board");
    assert_eq!(boards.count(), 1, "one board in the room");
    let room = h.page("bo", &format!("/rooms/{}", room.0)).await;
    assert!(
        room.contains("Command of #1") && room.contains("a DBA"),
        "{room}"
    );
}

#[tokio::test]
async fn what_a_form_says_wrong_is_answered_and_other_commands_have_no_door_here() {
    let h = led().await;
    for (fields, word) in [
        (
            &[("verb", "task"), ("text", "x"), ("due", "soon")][..],
            "`due`",
        ),
        (
            &[("verb", "role"), ("role", "barista"), ("who", "me")],
            "`role`",
        ),
        (&[("verb", "tick"), ("line", "9")], "no line 9"),
        (
            &[
                ("verb", "decision"),
                ("text", "x"),
                ("at", "2001-01-01 10:00"),
            ],
            "more than a day before",
        ),
    ] {
        let mut all = fields.to_vec();
        all.push(("click", CLICK));
        let answer = said(&h, "ana", &all).await;
        assert_eq!(answer["ok"], false, "{fields:?}");
        assert!(answer["text"].as_str().unwrap().contains(word), "{answer}");
    }
    let fields = [("verb", "resolve"), ("click", CLICK)];
    let answer = h.form("ana", "/incidents/1/command", &fields).send().await;
    assert_eq!(answer.unwrap().status(), 400);
    let open = h
        .journal()
        .await
        .iter()
        .all(|r| !matches!(r.event, Event::Resolved { .. }));
    assert!(open);
}
