//! The page in a browser: at a desk and on a phone, and nothing the browser complains about.

use super::{everybody, telling};
use crate::browser::driver::{Driver, Screen};
use crate::world::{World, person};
use firebell::core::board::Component;
use firebell::core::incident::Command;
use std::net::TcpListener;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn the_page_fits_every_screen_and_breaks_no_rule_of_its_own() {
    let Some(driver) = Driver::start().await else {
        return;
    };
    let mut directory = telling();
    let page = Arc::make_mut(directory.page.as_mut().unwrap());
    page.about = "How the shop and its API are.".to_owned();
    for (id, name) in [("api", "API for partners"), ("mail", "Mails and receipts")] {
        page.components.push(Component {
            id: id.to_owned(),
            name: name.to_owned(),
            about: "What other shops call.".to_owned(),
            ..Component::default()
        });
    }
    let w = World::with("sqlite::memory:", directory).await;
    w.engine.publish_to(None, true);
    let shop = [("service", "checkout")];
    w.fire("A", &shop).await;
    everybody(
        &w,
        1,
        "investigating",
        "Payments fail",
        "Some payments fail; we look into it.",
    )
    .await;
    w.advance_secs(5 * 3600).await;
    everybody(
        &w,
        1,
        "resolved",
        "Payments fail",
        "A release was rolled back; all payments work.",
    )
    .await;
    w.tell(1, Command::Resolve { by: person("ana") }).await;
    w.advance_secs(20 * 86_400).await;
    w.fire("B", &shop).await;
    let long = "Averylongwordthatnobodycanbreak".repeat(6);
    everybody(
        &w,
        2,
        "investigating",
        "Checkout is slow",
        &format!("We look into it.\n{long}"),
    )
    .await;
    w.advance_secs(900).await;
    everybody(
        &w,
        2,
        "monitoring",
        "Checkout is slow",
        "It is faster since 12:10; we keep watching.",
    )
    .await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    firebell::http::page::serve(listener, &w.engine).unwrap();
    let story = w
        .engine
        .site()
        .load()
        .files
        .keys()
        .find(|p| p.starts_with("incidents/"))
        .unwrap()
        .clone();
    for (name, screen) in [("desk", Screen::Desktop), ("phone", Screen::Phone)] {
        let tab = driver.open(name, screen, &base).await;
        for (path, shot) in [
            ("/", "status"),
            ("/history.html", "history"),
            (&format!("/{story}"), "story"),
        ] {
            tab.goto(path).await;
            tab.fits_the_screen(path).await;
            tab.shoot(shot).await;
        }
        tab.goto("/").await;
        tab.sees("h1", "Degraded performance on 1 component").await;
        let styled = tab
            .js("return getComputedStyle(document.querySelector('.overall')).display")
            .await;
        assert_eq!(styled, "flex", "the style sheet is there");
        let bars = tab
            .js("return document.querySelectorAll('svg.bars rect').length")
            .await;
        assert_eq!(bars, 3 * 90);
        let named = tab.js("return [...document.querySelectorAll('svg.bars')].every((s) => s.getAttribute('aria-label'))").await;
        assert_eq!(named, true);
        tab.has_no_complaints().await;
    }
}
