//! Every page, in a browser: fits the screen, and nothing to complain about.

use super::driver::{Driver, Screen, Tab};
use crate::process::Firebell;

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
        ("room", room.to_owned()),
        ("people", "/people".to_owned()),
        ("oncall", "/oncall".to_owned()),
        ("services", "/services".to_owned()),
        ("alerts", "/alerts?show=all".to_owned()),
        ("quarantine", "/quarantine".to_owned()),
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
