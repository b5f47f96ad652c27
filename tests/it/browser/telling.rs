//! Telling others by the forms: an update for people inside, one for everybody that is read first, a mail
//! that is asked for, and what stands on both status pages.

use super::driver::{Driver, Screen, Tab};
use crate::process::{Firebell, PATIENCE, free_address, until};
use crate::telling::outside::{Mails, post_office, token};
use serde_json::json;
use std::fmt::Write as _;

/// A demo with a status page at an address of its own, a mail server and a severity scale in its own colours.
async fn telling() -> (Firebell, String, Mails) {
    let (port, mails) = post_office().await;
    let page = free_address();
    let mut firebell = Firebell::demo(true).await;
    firebell.stop().await;
    let file = firebell.folder().join("firebell.toml");
    let config = std::fs::read_to_string(&file).unwrap();
    let (before, _) = config
        .split_once("[status_page]")
        .expect("the demo's own page");
    let mut config = before.to_owned();
    let _ = write!(
        config,
        r##"
[[email]]
host = "127.0.0.1"
port = {port}
security = "none"
from = "Status <status@example.org>"

[status_page]
title = "Example status"
about = "How the shop and its API are."
url = "http://{page}"
listen = "{page}"

[[status_page.components]]
id = "shop"
name = "Online shop"
about = "Browsing, cart and checkout"
group = "Web"
services = ["checkout"]

[[status_page.components]]
id = "find"
name = "Search"
group = "Web"
services = ["search"]

[[severities]]
name = "sev1"
labels = ["critical"]
colour = "#7c3aed"
emoji = "🔥"
[[severities]]
name = "sev2"
labels = ["warning"]
colour = "#ffd400"
[[severities]]
name = "sev3"
labels = ["info"]
"##
    );
    std::fs::write(&file, config).unwrap();
    firebell.restart().await;
    for (name, service, severity) in [
        ("Slow", "checkout", "critical"),
        ("Full", "postgres", "warning"),
    ] {
        let labels = json!({"alertname": name, "service": service, "severity": severity});
        let alert = json!([{ "labels": labels, "annotations": {"summary": "it answers in 12 s"} }]);
        firebell.post_ingest("/api/v2/alerts", &alert).await;
        until("the incident is there", PATIENCE, async || {
            let open = firebell.get_json("/api/v1/incidents?status=open").await;
            let items = open["items"].as_array().unwrap().clone();
            let found = items.iter().any(|i| i["service"] == service);
            found.then_some(()).ok_or(open)
        })
        .await;
    }
    (firebell, format!("http://{page}"), mails)
}

/// Writes an update for people inside, then one for everybody, and sends it once it was read.
async fn tell(tab: &Tab) {
    tab.goto("/incidents/1").await;
    tab.goto("/incidents/1/update").await;
    tab.write("#text", "The pool is full; we restart it.").await;
    tab.js("document.querySelector('#status').value = 'investigating'")
        .await;
    tab.fits_the_screen("/incidents/1/update").await;
    tab.shoot("update-form").await;
    tab.press("Tell").await;
    tab.sees("main", "was told to people inside").await;
    tab.goto("/incidents/1/update").await;
    tab.write("#text", "Some payments fail; we look into it.")
        .await;
    tab.click("input[name=audience][value=public]").await;
    tab.press("Tell").await;
    tab.sees(".said.no", "`title` is missing").await;
    tab.write("#title", "Payments fail").await;
    tab.press("Tell").await;
    tab.sees(".public-text", "Payments fail").await;
    tab.sees(".public-text", "Online shop: Major outage").await;
    tab.fits_the_screen("/incidents/1/update").await;
    tab.shoot("update-read").await;
    tab.press("Send it to everybody").await;
    tab.sees("main", "was told to everybody").await;
}

/// Somebody outside asks for mails and follows the link they get.
async fn subscribe(reader: &Tab, mails: &Mails) {
    reader.goto("/").await;
    reader.sees("main", "Payments fail").await;
    reader.sees("h1", "Major outage on 1 component").await;
    reader.write("#email", "reader@example.org").await;
    reader.fits_the_screen("/").await;
    reader
        .js("document.querySelector('.subscribe').scrollIntoView()")
        .await;
    reader.shoot("page-subscribe").await;
    reader.press("Subscribe").await;
    reader.sees("h1", "Look into your mail").await;
    reader.shoot("page-asked").await;
    let link = until("the mail is there", PATIENCE, async || {
        let mails = mails.lock().unwrap();
        let found = mails.iter().find(|(to, _)| to.contains("reader@"));
        found
            .map(|(_, mail)| format!("/confirm?t={}", token(mail, "confirm")))
            .ok_or("no mail yet")
    })
    .await;
    reader.goto(&link).await;
    reader.shoot("page-confirm").await;
    reader.press("Begin").await;
    reader.sees("h1", "You will be told").await;
}

#[tokio::test]
async fn an_update_is_written_read_and_sent_by_forms_and_asked_for_by_a_reader() {
    let Some(driver) = Driver::start().await else {
        return;
    };
    let (firebell, page, mails) = telling().await;
    let phone = driver.open("ana", Screen::Phone, &firebell.url()).await;
    phone.pick("ana").await;
    tell(&phone).await;
    let reader = driver.open("reader", Screen::Phone, &page).await;
    subscribe(&reader, &mails).await;
    // The next one goes to the reader by mail, and to a channel that asks for it on the console.
    let desk = driver.open("bo", Screen::Desktop, &firebell.url()).await;
    desk.pick("bo").await;
    desk.goto("/status").await;
    desk.sees("[data-part=shop]", "everybody reads “Major outage”")
        .await;
    desk.sees(".health", "PostgreSQL").await;
    desk.sees(".told", "The pool is full; we restart it.").await;
    desk.click("details[data-keep=subscribe] summary").await;
    desk.click("input[name=kind][value=channel]").await;
    desk.write("#address", "general").await;
    desk.shoot("status-subscribe").await;
    desk.press("Ask").await;
    desk.sees("main", "The channel is told from now on.").await;
    desk.goto("/incidents/1/update").await;
    desk.write("#text", "It works again; we watch it.").await;
    desk.js("document.querySelector('#status').value = 'monitoring'")
        .await;
    desk.click("input[name=audience][value=public]").await;
    desk.press("Tell").await;
    desk.sees(".public-text", "Online shop: Degraded performance")
        .await;
    desk.shoot("update-read").await;
    desk.press("Send it to everybody").await;
    until("the reader is told", PATIENCE, async || {
        let mails = mails.lock().unwrap();
        let found = mails.iter().any(|(_, m)| m.contains("It works again"));
        found.then_some(()).ok_or("not yet")
    })
    .await;
    for tab in [&desk, &phone] {
        for theme in ["light", "dark"] {
            tab.colours(theme).await;
            for (name, path) in [
                ("inside", "/status"),
                ("incidents", "/incidents?status="),
                ("incident", "/incidents/1"),
                ("update", "/incidents/1/update"),
            ] {
                tab.goto(path).await;
                tab.fits_the_screen(path).await;
                tab.shoot(&format!("told-{name}-{theme}")).await;
            }
        }
    }
    desk.goto("/status").await;
    desk.sees("main", "r…@example.org").await;
    desk.sees("main", "#general").await;
    desk.sees("[data-part=shop]", "Degraded performance").await;
    chips(&desk).await;
    for tab in [&desk, &phone, &reader] {
        tab.has_no_complaints().await;
    }
}

/// The colours and the sign of the scale are on the chips, and are read in both themes.
async fn chips(desk: &Tab) {
    let look = "const e = document.querySelector('.sev[data-sev=\"0\"]'); \
        return [getComputedStyle(e).color, getComputedStyle(e, '::before').content]";
    let mut seen = Vec::new();
    for theme in ["light", "dark"] {
        desk.colours(theme).await;
        desk.goto("/incidents?status=").await;
        let found = desk.js(look).await;
        assert!(found[1].as_str().unwrap().contains('🔥'), "{found}");
        seen.push(found[0].as_str().unwrap().to_owned());
    }
    assert_eq!(
        seen[0], "rgb(124, 58, 237)",
        "what can be read stays as it is"
    );
    assert_ne!(seen[0], seen[1], "and is lighter on a dark ground");
}
