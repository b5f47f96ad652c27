//! Every page, in a browser: fits the screen, and nothing to complain about.

use super::driver::{Driver, Screen, Tab};
use crate::process::Firebell;
use serde_json::json;

/// Looks at every page of a console that has an incident with a room.
pub async fn are_in_order(tab: &Tab, incident: i64, room: &str) {
    let pages = [
        ("overview", "/".to_owned()),
        ("incidents", "/incidents?status=".to_owned()),
        ("incident", format!("/incidents/{incident}")),
        ("run", format!("/incidents/{incident}/run/disk-usage")),
        ("postmortem", format!("/incidents/{incident}/postmortem")),
        (
            "postmortem-edit",
            format!("/incidents/{incident}/postmortem/edit/impact"),
        ),
        ("postmortems", "/postmortems".to_owned()),
        ("search", "/search?q=load".to_owned()),
        ("silence", format!("/incidents/{incident}/silence")),
        ("room", room.to_owned()),
        ("people", "/people".to_owned()),
        ("oncall", "/oncall".to_owned()),
        ("services", "/services".to_owned()),
        ("alerts", "/alerts?show=all".to_owned()),
        ("quarantine", "/quarantine".to_owned()),
        ("automation", "/automation".to_owned()),
        ("analytics", "/analytics".to_owned()),
        ("changes", "/changes".to_owned()),
        ("declare", "/declare".to_owned()),
    ];
    for theme in ["light", "dark"] {
        tab.colours(theme).await;
        for (name, path) in &pages {
            tab.goto(path).await;
            tab.sees("main", "").await;
            tab.fits_the_screen(path).await;
            tab.shoot(&format!("page-{name}-{theme}")).await;
        }
    }
}

#[tokio::test]
async fn a_quiet_console_says_so_and_asks_who_you_are() {
    let Some(driver) = Driver::start().await else {
        return;
    };
    let firebell = Firebell::demo(true).await;
    let tab = driver.open("guest", Screen::Phone, &firebell.url()).await;
    tab.goto("/").await;
    tab.sees("main", "All quiet.").await;
    tab.sees("main", "Say who you are").await;
    tab.fits_the_screen("/").await;
    tab.shoot("quiet").await;
    tab.has_no_complaints().await;
}

#[tokio::test]
async fn incidents_change_hands_by_forms_on_a_desk_and_on_a_phone() {
    let Some(driver) = Driver::start().await else {
        return;
    };
    let firebell = Firebell::demo(true).await;
    let alert = |name: &str| {
        let labels = json!({"alertname": name, "service": "checkout", "severity": "critical"});
        json!([{ "labels": labels, "annotations": {"summary": "it is slow"} }])
    };
    for name in ["Slow", "Slower", "Slowest"] {
        firebell.post_ingest("/api/v2/alerts", &alert(name)).await;
    }
    let tab = driver.open("ana", Screen::Phone, &firebell.url()).await;
    tab.pick("ana").await;
    tab.goto("/incidents").await;
    tab.click("[name=i1]").await;
    tab.click("[name=i2]").await;
    tab.write("#bulk [name=note]", "on it").await;
    tab.fits_the_screen("/incidents").await;
    tab.shoot("hands-list").await;
    tab.press("Acknowledge chosen").await;
    tab.sees("main", "Acknowledged #1 and #2, with your note.")
        .await;
    tab.goto("/incidents/1").await;
    tab.press("Give it to somebody else, or merge it").await;
    tab.fits_the_screen("/incidents/1").await;
    tab.js("document.querySelector('.hand-on').scrollIntoView()")
        .await;
    tab.shoot("hands-incident").await;
    tab.js("document.querySelector('#into').value = '2'").await;
    tab.press("Merge").await;
    tab.sees("main", "#1 was merged into #2").await;
    let desk = driver.open("bo", Screen::Desktop, &firebell.url()).await;
    desk.pick("bo").await;
    desk.goto("/incidents/2").await;
    desk.press("Give it to somebody else, or merge it").await;
    desk.fits_the_screen("/incidents/2").await;
    desk.js("document.querySelector('.hand-on').scrollIntoView()")
        .await;
    desk.shoot("hands-desk").await;
    desk.js("document.querySelector('#whom').value = 'person:dana'")
        .await;
    desk.press("Give it to them").await;
    desk.sees("main", "person dana was paged").await;
    desk.goto("/incidents/2/silence").await;
    desk.shoot("hands-silence").await;
    desk.write("#comment", "known").await;
    desk.press("Hold back").await;
    desk.sees("main", "Held back").await;
    for tab in [&tab, &desk] {
        tab.has_no_complaints().await;
    }
}

#[tokio::test]
async fn an_incident_of_a_type_is_declared_in_private_and_tied_to_another() {
    let Some(driver) = Driver::start().await else {
        return;
    };
    let firebell = Firebell::demo(true).await;
    let labels = json!({"alertname": "Slow", "service": "checkout", "severity": "critical"});
    let alert = json!([{ "labels": labels, "annotations": {"summary": "it is slow"} }]);
    firebell.post_ingest("/api/v2/alerts", &alert).await;
    let tab = driver.open("ana", Screen::Phone, &firebell.url()).await;
    tab.pick("ana").await;
    tab.goto("/declare").await;
    tab.fits_the_screen("/declare").await;
    tab.write("#title", "somebody reads our mail").await;
    tab.click("[name=type][value=security]").await;
    tab.write("#description", "seen in the logs of mx-1").await;
    tab.js("document.querySelector('#service').value = 'checkout'")
        .await;
    tab.shoot("declare-phone").await;
    tab.press("Declare and page").await;
    tab.sees("main", "#2 is open").await;
    tab.sees("main", "private, only those it concerns see it")
        .await;
    tab.sees("main", "seen in the logs of mx-1").await;
    tab.press("Private, a drill, of a type, a part of another")
        .await;
    tab.fits_the_screen("/incidents/2").await;
    tab.js("document.querySelectorAll('.hand-on')[1].scrollIntoView()")
        .await;
    tab.shoot("declare-shape").await;
    // What it may have to do with is offered with the reason.
    tab.sees("main", "the same service checkout").await;
    tab.press("Relate").await;
    tab.sees(".toasts", "#2 and #1 are related.").await;
    tab.sees("main .card", "Related").await;
    tab.shoot("declare-ties").await;
    // For somebody it does not concern it is not there.
    let other = driver.open("emi", Screen::Desktop, &firebell.url()).await;
    other.pick("emi").await;
    other.goto("/incidents?status=").await;
    other.sees("main", "it is slow").await;
    let titles = other.texts("main").await.concat();
    assert!(!titles.contains("somebody reads our mail"), "{titles}");
    other.goto("/incidents/2").await;
    other.sees("main", "There is no incident #2").await;
    other.goto("/declare").await;
    other.shoot("declare-desk").await;
    tab.has_no_complaints().await;
}
