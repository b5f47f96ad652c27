//! Postmortems in the console: writing, previewing, conflicts, downloads, lists, search.

use super::{CLICK, House, MAJOR, location};
use crate::world::alert;
use firebell::core::alert::AlertKind;
use firebell::core::id::IncidentId;
use firebell::core::postmortem::hash;
use reqwest::StatusCode;

async fn over() -> House {
    let house = House::burning().await;
    let now = house.engine.now();
    let cleared = alert("Slow", MAJOR, AlertKind::Resolved, now);
    house.engine.take(vec![cleared]).await.unwrap();
    house.engine.settle().await;
    house
}

async fn text(house: &House, anchor: &str) -> String {
    let read = house
        .engine
        .postmortem(IncidentId(1))
        .await
        .unwrap()
        .unwrap();
    read.document.section(anchor).unwrap().text.clone()
}

#[tokio::test]
async fn a_section_is_previewed_saved_and_read() {
    let house = over().await;
    let page = house.page("ana", "/incidents/1/postmortem").await;
    assert!(
        page.contains("/incidents/1/postmortem/edit/lucky"),
        "{page}"
    );
    assert!(page.contains("<svg class=\"chart\""), "{page}");
    let edit = "/incidents/1/postmortem/edit/lucky";
    let form = house.page("ana", edit).await;
    assert!(form.contains(&format!("value=\"{}\"", hash(""))), "{form}");
    let hostile = "It was **Monday** <script>alert(1)</script> [x](javascript:alert(1))";
    let given = |act| {
        [
            ("click", CLICK),
            ("text", hostile),
            ("from", ""),
            ("act", act),
        ]
    };
    let shown = house.post("ana", edit, &given("preview")).await;
    assert_eq!(shown.status(), StatusCode::OK);
    let shown = shown.text().await.unwrap();
    assert!(
        shown.contains("<strong>Monday</strong> &lt;script&gt;"),
        "{shown}"
    );
    assert!(!shown.contains("<script>alert"), "{shown}");
    assert_eq!(text(&house, "lucky").await, "");
    let from = hash("");
    let fields = [
        ("click", CLICK),
        ("text", hostile),
        ("from", from.as_str()),
        ("act", "save"),
    ];
    let saved = house.post("ana", edit, &fields).await;
    assert_eq!(location(&saved), "/incidents/1/postmortem#lucky");
    assert_eq!(text(&house, "lucky").await, hostile);
    // Somebody else still has the empty form.
    let late = [
        ("click", CLICK),
        ("text", "Mine."),
        ("from", from.as_str()),
        ("act", "save"),
    ];
    let late = house.post("bo", edit, &late).await.text().await.unwrap();
    assert!(late.contains("ana changed this section"), "{late}");
    assert!(
        late.contains("Mine.") && late.contains("It was **Monday**"),
        "{late}"
    );
    assert_eq!(text(&house, "lucky").await, hostile);
}

#[tokio::test]
async fn its_way_its_items_and_its_history_are_on_the_page() {
    let house = over().await;
    let change = "/incidents/1/postmortem/change";
    let early = [("click", CLICK), ("act", "stage"), ("stage", "in_review")];
    house.post("ana", change, &early).await;
    let page = house.page("ana", "/incidents/1/postmortem").await;
    assert!(page.contains("data-stage=\"draft\""), "{page}");
    for fields in [
        vec![("act", "owner"), ("owner", "bo")],
        vec![("act", "stage"), ("stage", "in_review")],
        vec![("act", "meeting"), ("at", "2026-12-01 14:00")],
        vec![
            ("act", "item"),
            ("what", "Alert on <the> pool"),
            ("owner", "bo"),
            ("due", "2026-12-01"),
            ("priority", "high"),
        ],
        vec![("act", "done"), ("item", "1")],
    ] {
        let fields = [&[("click", CLICK)][..], &fields].concat();
        let answer = house.post("ana", change, &fields).await;
        assert_eq!(location(&answer), "/incidents/1/postmortem", "{fields:?}");
    }
    let page = house.page("ana", "/incidents/1/postmortem").await;
    for part in [
        "data-stage=\"in_review\"",
        "Alert on &lt;the&gt; pool",
        "2026-12-01 14:00",
        "It went from Draft to In review.",
        "is done",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let list = house
        .page("ana", "/postmortems?stage=in_review&owner=bo")
        .await;
    assert!(list.contains("href=\"/incidents/1/postmortem\""), "{list}");
    let list = house.page("ana", "/postmortems?stage=closed").await;
    assert!(list.contains("No postmortem matches"), "{list}");
}

#[tokio::test]
async fn every_format_is_a_file_and_the_search_finds_and_escapes() {
    let house = House::burning().await;
    let note = [
        ("click", CLICK),
        ("text", "pool <b>exhausted</b>"),
        ("at", ""),
    ];
    house.post("ana", "/incidents/1/notes", &note).await;
    let now = house.engine.now();
    let cleared = alert("Slow", MAJOR, AlertKind::Resolved, now);
    house.engine.take(vec![cleared]).await.unwrap();
    house.engine.settle().await;
    for ending in ["md", "html", "json", "csv", "xhtml", "txt"] {
        for how in ["", "?anonymous=1"] {
            let path = format!("/incidents/1/postmortem.{ending}{how}");
            let answer = house.ask("ana", &path).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
            let name = answer.headers()["content-disposition"]
                .to_str()
                .unwrap()
                .to_owned();
            assert!(
                name.starts_with("attachment;") && name.contains(ending),
                "{name}"
            );
            let text = answer.text().await.unwrap();
            assert!(!text.is_empty(), "{path}");
            if !how.is_empty() && ending != "txt" {
                assert!(text.contains("of the team Web"), "{path}: {text}");
            }
        }
    }
    let found = house.page("ana", "/search?q=exhausted").await;
    assert!(found.contains("<mark>exhausted</mark>"), "{found}");
    assert!(found.contains("&lt;b&gt;"), "{found}");
    let nothing = house.page("ana", "/search?q=elephants").await;
    assert!(nothing.contains("Nothing has these words."), "{nothing}");
}

#[tokio::test]
async fn where_the_facts_changed_under_a_rewritten_text_both_are_shown_until_somebody_decides() {
    let house = House::burning().await;
    let from = hash(&text(&house, "summary").await);
    let edit = "/incidents/1/postmortem/edit/summary";
    let given = |text, from| {
        [
            ("click", CLICK),
            ("text", text),
            ("from", from),
            ("act", "save"),
        ]
    };
    house
        .post("ana", edit, &given("Our own words.", &from))
        .await;
    let now = house.engine.now();
    let cleared = alert("Slow", MAJOR, AlertKind::Resolved, now);
    house.engine.take(vec![cleared]).await.unwrap();
    house.engine.settle().await;
    let page = house.page("ana", "/incidents/1/postmortem").await;
    assert!(
        page.contains("The facts changed where people rewrote “Summary”"),
        "{page}"
    );
    assert!(
        page.contains("Our own words.") && page.contains("resolved after"),
        "{page}"
    );
    let form = house.page("ana", edit).await;
    for part in [
        "&lt;&lt;&lt;&lt;&lt;&lt;&lt; what people wrote",
        "what firebell writes now",
    ] {
        assert!(form.contains(part), "{part}: {form}");
    }
    let from = hash("Our own words.");
    house
        .post("ana", edit, &given("Both, put together.", &from))
        .await;
    let page = house.page("ana", "/incidents/1/postmortem").await;
    assert!(!page.contains("The facts changed where"), "{page}");
    assert_eq!(text(&house, "summary").await, "Both, put together.");
}

#[tokio::test]
async fn a_pdf_is_a_file_where_there_is_a_browser_and_a_sentence_where_there_is_none() {
    let house = over().await;
    let answer = house
        .ask("ana", "/incidents/1/postmortem.pdf")
        .send()
        .await
        .unwrap();
    if answer.status() == StatusCode::OK {
        assert!(answer.bytes().await.unwrap().starts_with(b"%PDF-"));
        return;
    }
    // Without one, the way back to the page, which says why.
    assert_eq!(location(&answer), "/incidents/1/postmortem");
    assert!(
        firebell::share::browser().is_none(),
        "there is a browser, and no PDF came of it"
    );
    crate::tools::skip("chromium not found");
}
