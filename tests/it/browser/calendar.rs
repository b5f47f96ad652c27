//! The calendar in a browser: a clock that changes, a phone, dark colours, a finger on a bar.

use super::driver::{Driver, Screen, Tab};
use crate::house::write;
use crate::process::{Firebell, free_address};
use firebell::config::write_demo;
use serde_json::Value;

/// Half an hour of daylight saving, nobody's turns, somebody who covers, and a pair of layers.
const ISLAND: &str = r#"
name = "Island"
zone = "Australia/Lord_Howe"
[[layers]]
name = "days"
level = 1
handoff = "daily"
starts = "2026-01-05 09:00"
people = ["ana", "emi", ["bo", "dana"]]
hours = ["mon-sat 09:00-17:00"]
shadow = ["chandra"]
[[layers]]
name = "nights"
handoff = "daily"
starts = "2026-01-05 17:00"
people = ["chandra", "dana", "none", "emi"]
[[overrides]]
add = "bo"
remove = "dana"
from = "2026-10-01 09:00"
until = "2026-10-03 12:00"
by = "lea"
note = "ferry"
[[temporary]]
name = "Regatta"
from = "2026-10-03 15:00"
until = "2026-10-04 15:00"
[[temporary.shifts]]
people = ["emi"]
from = "2026-10-03 18:00"
until = "2026-10-04 15:00"
"#;

async fn firebell() -> (Firebell, tempfile::TempDir) {
    let scratch = tempfile::tempdir().unwrap();
    write_demo(scratch.path(), "127.0.0.1:8080", &free_address()).unwrap();
    write(scratch.path(), "schedules/island.toml", ISLAND);
    let firebell = Firebell::serve(scratch.path()).await;
    (firebell, scratch)
}

/// Widths of the seven days, as the lines between them are drawn, in pixels.
async fn days(tab: &Tab) -> Vec<f64> {
    let find = "const row = document.querySelector('.cal-row'), box = row.getBoundingClientRect();\
         const lines = [...row.querySelectorAll('.cal-line')].map((l) => l.getBoundingClientRect().left);\
         const edges = [box.left, ...lines, box.right];\
         return edges.slice(1).map((e, n) => e - edges[n])";
    numbers(&tab.js(find).await)
}

/// Widths of what can be seen of a selector, in pixels.
async fn widths(tab: &Tab, css: &str) -> Vec<f64> {
    let find = format!(
        "return [...document.querySelectorAll({css:?})].filter((e) => e.checkVisibility())\
         .map((e) => e.getBoundingClientRect().width)"
    );
    numbers(&tab.js(&find).await)
}

fn numbers(value: &Value) -> Vec<f64> {
    let numbers = value.as_array().unwrap();
    numbers.iter().map(|n| n.as_f64().unwrap()).collect()
}

async fn look(tab: &Tab, name: &str, path: &str) {
    for theme in ["light", "dark"] {
        tab.colours(theme).await;
        tab.goto(path).await;
        tab.sees("h1", "").await;
        tab.fits_the_screen(path).await;
        tab.shoot(&format!("calendar-{name}-{theme}")).await;
    }
}

#[tokio::test]
async fn a_calendar_can_be_read_on_a_desk_and_on_a_phone_in_weeks_the_clock_changes() {
    let Some(driver) = Driver::start().await else {
        return;
    };
    let (firebell, _scratch) = firebell().await;
    let desk = driver.open("ana", Screen::Desktop, &firebell.url()).await;
    desk.pick("ana").await;
    let pages = [
        ("list", "/oncall"),
        ("week", "/oncall/platform?view=week&on=2026-12-24"),
        ("month", "/oncall/platform?view=month&on=2026-12-24"),
        ("berlin", "/oncall/web-primary?view=week&on=2027-03-28"),
        (
            "island",
            "/oncall/island?view=week&on=2026-10-01&zone=schedule",
        ),
        ("island-month", "/oncall/island?view=month&on=2026-10-01"),
        ("now", "/oncall/platform"),
        ("fairness", "/fairness?from=2026-10-01&to=2026-12-31"),
        (
            "what-if",
            "/oncall/platform/preview?layer=everything+else&people=emi,+dana,+chandra&days=30",
        ),
        ("me", "/me"),
    ];
    for (name, path) in pages {
        look(&desk, name, path).await;
    }
    // The Sunday of Madrid's spring has 23 hours, the island's of October 23 and a half.
    for (path, hours) in [(pages[3].1, 23.0), (pages[4].1, 23.5)] {
        desk.goto(path).await;
        let days = days(&desk).await;
        assert_eq!(days.len(), 7, "{path}");
        let ratio = days[6] / days[0];
        assert!((ratio - hours / 24.0).abs() < 0.005, "{path}: {ratio}");
    }
    // A finger or mouse on a bar leads to the reason.
    desk.goto(pages[4].1).await;
    desk.click(".cal-row[data-kind=oncall] [data-look=gap] rect")
        .await;
    desk.sees("li:target", "Nobody is on call").await;
    desk.has_no_complaints().await;

    let phone = driver.open("bo", Screen::Phone, &firebell.url()).await;
    phone.pick("bo").await;
    for (name, path) in pages {
        look(&phone, name, path).await;
    }
    phone.goto(pages[4].1).await;
    assert_eq!(
        widths(&phone, ".cal-bar").await,
        [0.0; 0],
        "a week is a list there"
    );
    phone.sees(".agenda", "override by lea: covers dana").await;
    phone.goto(pages[2].1).await;
    assert!(widths(&phone, ".cal-row[data-kind=oncall]").await.len() == 5);
    assert_eq!(widths(&phone, ".cal-row[data-kind=layer]").await, [0.0; 0]);
    phone.has_no_complaints().await;
}
