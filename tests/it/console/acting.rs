//! What people do in the console, and who may not.

use super::*;
use firebell::core::incident::Event;

#[tokio::test]
async fn a_double_click_has_one_effect() {
    let h = House::burning().await;
    let first = h.press("ana", "acknowledge", "1", CLICK).await;
    let again = h.press("ana", "acknowledge", "1", CLICK).await;
    assert_eq!(first["ok"], true);
    assert_eq!(again, first, "the second click is answered like the first");
    assert_eq!(h.count("acknowledged").await, 1);
}

#[tokio::test]
async fn a_plain_form_leads_back_to_its_page_and_tells_once_what_was_done() {
    let h = House::burning().await;
    let fields = [
        ("incident", "1"),
        ("press", "acknowledge"),
        ("as_of", "1"),
        ("click", CLICK),
    ];
    let form = h.form("ana", "/press", &fields);
    let from = format!("{}/incidents/1", h.base);
    let answer = form.header("referer", from).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(location(&answer), "/incidents/1");
    let told = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(
        told.contains("HttpOnly") && told.contains("SameSite=Lax"),
        "{told}"
    );
    let said = told.split(';').next().unwrap();
    let next = h.ask("ana", "/").header(COOKIE, said).send().await.unwrap();
    let forgotten = next.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(forgotten.starts_with("firebell_said=;"), "{forgotten}");
    assert!(next.text().await.unwrap().contains("paging stopped"));
}

#[tokio::test]
async fn an_old_button_is_answered_and_never_obeyed() {
    let h = House::burning().await;
    let paged = h.count("paged").await;
    let seq = h.journal().await.len().to_string();
    assert_eq!(h.press("ana", "escalate", &seq, CLICK).await["ok"], true);
    let late = "fedcba9876543210fedcba9876543210";
    let answer = h.press("bo", "escalate", &seq, late).await;
    assert_eq!(answer["ok"], false);
    assert!(
        answer["text"]
            .as_str()
            .unwrap()
            .contains("Nothing was done")
    );
    assert_eq!(h.count("paged").await, paged + 1);
}

#[tokio::test]
async fn a_form_from_elsewhere_does_nothing() {
    let h = House::burning().await;
    let fields = [
        ("incident", "1"),
        ("press", "resolve"),
        ("as_of", "1"),
        ("click", CLICK),
    ];
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
        let mut form = h.form("ana", "/press", &fields).build().unwrap();
        form.headers_mut().insert(ORIGIN, origin.parse().unwrap());
        let answer = h.client.execute(form).await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{origin}");
    }
    let mut silent = h.form("ana", "/press", &fields).build().unwrap();
    silent.headers_mut().remove(ORIGIN);
    let answer = h.client.execute(silent).await.unwrap();
    assert_eq!(
        answer.status(),
        StatusCode::FORBIDDEN,
        "no origin and no token"
    );
    assert_eq!(h.count("resolved").await, 0);
}

#[tokio::test]
async fn a_client_without_an_origin_may_act_with_the_token_of_its_page() {
    let h = House::burning().await;
    let page = h.page("ana", "/").await;
    let token = page.split("name=\"token\" value=\"").nth(1).unwrap();
    let token = token.split('"').next().unwrap();
    let fields = [
        ("incident", "1"),
        ("press", "acknowledge"),
        ("as_of", "1"),
        ("click", CLICK),
        ("token", token),
    ];
    let mut silent = h.form("ana", "/press", &fields).build().unwrap();
    silent.headers_mut().remove(ORIGIN);
    assert_eq!(
        h.client.execute(silent).await.unwrap().status(),
        StatusCode::SEE_OTHER
    );
    assert_eq!(h.count("acknowledged").await, 1);
    let mut other = h.form("bo", "/press", &fields).build().unwrap();
    other.headers_mut().remove(ORIGIN);
    let answer = h.client.execute(other).await.unwrap();
    assert_eq!(
        answer.status(),
        StatusCode::FORBIDDEN,
        "ana's token is not bo's"
    );
}

#[tokio::test]
async fn a_name_that_was_bent_to_point_here_is_not_answered() {
    let h = House::open().await;
    for path in ["/", "/events", "/people"] {
        let answer = h
            .ask("", path)
            .header(HOST, "evil.example")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}");
        assert!(answer.text().await.unwrap().contains("public_url"));
    }
    let answer = h
        .ask("", "/")
        .header(HOST, "firebell.test")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "the name of public_url");
}

#[tokio::test]
async fn outside_of_the_demo_everything_can_be_read_and_nothing_done() {
    let h = House::build(false).await;
    h.fire("Slow", MAJOR).await;
    assert!(h.page("ana", "/").await.contains("read-only"));
    let answer = h.press("ana", "resolve", "1", CLICK).await;
    assert_eq!(answer["ok"], false);
    for (path, fields) in [
        ("/people", vec![("person", "ana")]),
        (
            "/declare",
            vec![("title", "x"), ("severity", "sev1"), ("click", CLICK)],
        ),
        (
            "/rooms/1/posts",
            vec![("text", "/resolve #1"), ("click", CLICK)],
        ),
        ("/incidents/1/notes", vec![("text", "x"), ("click", CLICK)]),
        ("/incidents/1/run/echo", vec![("click", CLICK)]),
    ] {
        let answer = h.post("ana", path, &fields).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(h.count("resolved").await, 0);
}

#[tokio::test]
async fn somebody_unknown_is_sent_to_say_who_they_are() {
    let h = House::burning().await;
    let answer = h.press("mallory", "resolve", "1", CLICK).await;
    assert!(answer["go"].as_str().unwrap().starts_with("/people?next="));
    assert_eq!(h.count("resolved").await, 0);
    let picked = h
        .post(
            "",
            "/people",
            &[("person", "ana"), ("next", "//evil.example")],
        )
        .await;
    assert_eq!(location(&picked), "/");
    let mut cookies = picked.headers().get_all("set-cookie").iter();
    assert!(cookies.any(|c| {
        c.to_str()
            .unwrap()
            .starts_with("firebell_who=ana; Path=/; HttpOnly")
    }));
}

#[tokio::test]
async fn words_in_an_incidents_room_are_posted_once_and_go_onto_the_timeline() {
    let h = House::burning().await;
    let room = h.room("incident").await;
    let path = format!("/rooms/{}/posts", room.0);
    for _ in 0..2 {
        let answer = h
            .post("ana", &path, &[("text", "I see it"), ("click", CLICK)])
            .await;
        assert_eq!(location(&answer), format!("/rooms/{}", room.0));
    }
    let posts = h.posts(room).await;
    let said: Vec<&PostRow> = posts.iter().filter(|p| p.kind == "text").collect();
    assert_eq!(said.len(), 1);
    let journal = h.journal().await;
    let spoke = journal.iter().find_map(|r| match &r.event {
        Event::Spoke {
            text,
            message,
            platform,
            ..
        } => Some((text, message, platform)),
        _ => None,
    });
    let (text, message, platform) = spoke.unwrap();
    assert_eq!((text.as_str(), platform.as_str()), ("I see it", "console"));
    assert_eq!(
        *message,
        said[0].id.to_string(),
        "the timeline links to the message"
    );
    let too_long = "x".repeat(4001);
    h.post("ana", &path, &[("text", &too_long), ("click", CLICK)])
        .await;
    assert_eq!(
        h.posts(room).await.len(),
        posts.len(),
        "nothing is cut and posted silently"
    );
}

#[tokio::test]
async fn an_answer_is_seen_by_whoever_asked_alone() {
    let h = House::burning().await;
    let room = h.room("incident").await;
    let path = format!("/rooms/{}", room.0);
    let say = format!("{path}/posts");
    h.post("ana", &say, &[("text", "/list"), ("click", CLICK)])
        .await;
    assert!(h.page("ana", &path).await.contains("only you see this"));
    assert!(!h.page("bo", &path).await.contains("only you see this"));
    let piece = format!("/fragments/room/{}?after=0", room.0);
    assert!(!h.page("bo", &piece).await.contains("only you see this"));
}

#[tokio::test]
async fn a_command_does_what_its_button_does() {
    let h = House::burning().await;
    let say = format!("/rooms/{}/posts", h.room("incident").await.0);
    h.post("ana", &say, &[("text", "/ack"), ("click", CLICK)])
        .await;
    assert_eq!(h.count("acknowledged").await, 1);
}

#[tokio::test]
async fn a_run_is_shown_exactly_and_starts_once() {
    let h = House::burning().await;
    let preview = h.page("ana", "/incidents/1/run/echo/confirm").await;
    assert!(
        preview.contains("[&quot;/bin/echo&quot;, &quot;hello from the action&quot;]"),
        "{preview}"
    );
    assert_eq!(h.count("run_asked").await, 0, "looking asks for nothing");
    for _ in 0..2 {
        let answer = h
            .post("ana", "/incidents/1/run/echo", &[("click", CLICK)])
            .await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    }
    assert_eq!(
        (h.count("run_asked").await, h.count("run_released").await),
        (1, 1)
    );
}

#[tokio::test]
async fn a_run_that_needs_approval_waits_for_somebody_else() {
    let h = House::burning().await;
    h.post("ana", "/incidents/1/run/restart", &[("click", CLICK)])
        .await;
    assert_eq!(
        (h.count("run_asked").await, h.count("run_released").await),
        (1, 0)
    );
    let own = h
        .press("ana", "approve:1", "1", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
        .await;
    assert_eq!(own["ok"], false);
    let other = h
        .press("bo", "approve:1", "1", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")
        .await;
    assert_eq!(other["ok"], true, "{other}");
    assert_eq!(h.count("run_released").await, 1);
}

#[tokio::test]
async fn an_incident_is_declared_from_the_form_and_bad_input_is_given_back() {
    let h = House::open().await;
    let fields = |severity| {
        [
            ("title", "Checkout is down"),
            ("severity", severity),
            ("service", "checkout"),
            ("click", CLICK),
        ]
    };
    let refused = h
        .post("ana", "/declare", &fields("sev9"))
        .await
        .text()
        .await
        .unwrap();
    assert!(
        refused.contains("is not a severity") && refused.contains("Checkout is down"),
        "{refused}"
    );
    let answer = h.post("ana", "/declare", &fields("sev1")).await;
    assert_eq!(location(&answer), "/incidents/1");
    assert!(h.page("ana", "/").await.contains("Checkout is down"));
}

#[tokio::test]
async fn a_note_says_when_it_happened() {
    let h = House::burning().await;
    h.post(
        "ana",
        "/incidents/1/notes",
        &[("text", "Deployed 1.4"), ("at", "11:30"), ("click", CLICK)],
    )
    .await;
    let journal = h.journal().await;
    let noted = journal.iter().find_map(|r| match &r.event {
        Event::Noted { happened_at, .. } => *happened_at,
        _ => None,
    });
    assert_eq!(noted, Some(START.plus_ms(-30 * 60_000)));
    let refused = h.form(
        "ana",
        "/incidents/1/notes",
        &[("text", "x"), ("at", "noonish"), ("click", CLICK)],
    );
    let refused: serde_json::Value = refused
        .header(ACCEPT, "application/json")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(refused["ok"], false);
    assert_eq!(h.count("noted").await, 1);
}

#[tokio::test]
async fn a_silence_is_made_shown_and_ended_with_forms_alone() {
    let h = House::open().await;
    let empty = h.page("ana", "/silences").await;
    assert!(empty.contains("Nothing is silenced now"), "{empty}");
    let make = [
        ("kind", "silence"),
        ("service", "checkout"),
        ("labels", ""),
        ("duration", "2h"),
        ("comment", "deploy <b>4.1</b>"),
        ("click", CLICK),
    ];
    let made = h.post("ana", "/silences", &make).await;
    assert_eq!(location(&made), "/silences");
    h.post("ana", "/silences", &make).await;
    assert_eq!(
        h.engine.directory().silences.len(),
        1,
        "a double click makes one"
    );
    h.fire("Slow", MAJOR).await;
    let page = h.page("bo", "/silences").await;
    assert!(
        page.contains("service checkout") && page.contains("by ana"),
        "{page}"
    );
    assert!(page.contains("deploy &lt;b&gt;4.1&lt;/b&gt;"), "{page}");
    assert!(page.contains("Held back 1 alert, 1 firing"), "{page}");
    let id = h.engine.directory().silences.keys().next().unwrap().clone();
    let end = [
        ("id", id.as_str()),
        ("click", "fedcba9876543210fedcba9876543210"),
    ];
    h.post("bo", "/silences/end", &end).await;
    assert!(h.engine.directory().silences.is_empty());
    assert_eq!(h.count("opened").await, 1, "what was held is routed");
    assert!(h.page("bo", "/silences").await.contains("over since"));
}

#[tokio::test]
async fn a_silence_that_makes_no_sense_is_answered_with_the_form_as_it_was() {
    let h = House::open().await;
    for (kind, labels, duration, word) in [
        ("silence", "", "soon", "no length of time"),
        ("silence", "host=~(", "2h", "regular expression"),
        ("maintenance", "job=api", "2h", "leave the labels empty"),
        ("maintenance", "", "23:00..22:00x", "no time"),
    ] {
        let fields = [
            ("kind", kind),
            ("service", "checkout"),
            ("labels", labels),
            ("duration", duration),
            ("comment", "kept words"),
            ("click", CLICK),
        ];
        let answer = h
            .post("ana", "/silences", &fields)
            .await
            .text()
            .await
            .unwrap();
        assert!(answer.contains(word), "{word}: {answer}");
        assert!(
            answer.contains("kept words") && answer.contains("role=\"alert\""),
            "{answer}"
        );
    }
    assert!(h.engine.directory().silences.is_empty());
}

#[tokio::test]
async fn an_incident_is_given_back_and_opened_again_with_buttons() {
    let h = House::burning().await;
    h.press("ana", "acknowledge", "1", CLICK).await;
    assert!(h.page("ana", "/incidents/1").await.contains("Give back"));
    let back = h
        .press(
            "ana",
            "unacknowledge",
            "9",
            "00000000000000000000000000000001",
        )
        .await;
    assert_eq!(back["ok"], true, "{back}");
    let again = h
        .press(
            "bo",
            "unacknowledge",
            "9",
            "00000000000000000000000000000002",
        )
        .await;
    assert!(
        again["text"]
            .as_str()
            .unwrap()
            .contains("ana let it page again"),
        "{again}"
    );
    h.press("ana", "resolve", "9", "00000000000000000000000000000003")
        .await;
    assert!(h.page("ana", "/incidents/1").await.contains("Reopen"));
    h.press("bo", "reopen", "9", "00000000000000000000000000000004")
        .await;
    assert_eq!(h.count("reopened").await, 1);
}
