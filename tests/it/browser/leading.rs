//! Leading an incident on a phone in the night: everything is one press or one form away.

use super::driver::{Driver, Screen, Tab};
use crate::postmortem::forges::Stand;
use crate::process::Firebell;
use serde_json::json;
use std::fmt::Write as _;

/// A demo with a tracker for what is to be done.
async fn led() -> (Firebell, Stand) {
    let stand = Stand::default();
    let tracker = stand.serve().await;
    let mut firebell = Firebell::demo(true).await;
    firebell.stop().await;
    let file = firebell.folder().join("firebell.toml");
    let mut config = std::fs::read_to_string(&file).unwrap();
    let _ = write!(
        config,
        "\n[export.web]\nkind = \"github-issues\"\nproject = \"acme/web\"\n\
         api-url = \"{tracker}\"\ntoken = \"file:secrets/tracker-token\"\n"
    );
    std::fs::write(&file, config).unwrap();
    crate::house::write(firebell.folder(), "secrets/tracker-token", "s3cret-token\n");
    firebell.restart().await;
    (firebell, stand)
}

/// The task becomes an issue by one press; what keeps it from that stands beside it.
async fn to_the_tracker(tab: &Tab, stand: &Stand) {
    stand.0.lock().unwrap().trouble = Some((404, "1"));
    tab.press("To web").await;
    tab.sees(".command .checks", "web: failed, web answered 404")
        .await;
    tab.fits_the_screen("/incidents/1").await;
    tab.shoot("command-tracker-failed").await;
    stand.0.lock().unwrap().trouble = None;
    tab.press("To web").await;
    tab.sees(
        ".command .checks a[href='https://github.example/acme/web/issues/1']",
        "issue",
    )
    .await;
    let buttons = tab.texts(".command button").await;
    assert!(!buttons.contains(&"To web".to_owned()), "{buttons:?}");
    let held = stand.0.lock().unwrap();
    let titles: Vec<&str> = held
        .issues
        .iter()
        .filter_map(|i| i["title"].as_str())
        .collect();
    assert_eq!(titles, ["look at the replicas"]);
}

/// What somebody is about to press stays where it is while the page above it grows by itself.
async fn nothing_slides(tab: &Tab, firebell: &Firebell, news: &str) {
    let begin = "document.querySelector('#task summary').scrollIntoView({block: 'center'})";
    let place = "return document.querySelector('#task summary').getBoundingClientRect().top";
    tab.js(begin).await;
    let before = tab.js(place).await.as_f64().unwrap();
    firebell
        .post_api("/api/v1/incidents/1/notes", &json!({"text": news}))
        .await;
    tab.sees(".columns", news).await;
    let after = tab.js(place).await.as_f64().unwrap();
    assert!((after - before).abs() < 2.0, "from {before} to {after}");
}

#[tokio::test]
async fn an_incident_is_led_on_a_phone_and_looked_at_on_a_desk() {
    let Some(driver) = Driver::start().await else {
        return;
    };
    let (firebell, stand) = led().await;
    let labels = json!({"alertname": "Down", "service": "checkout", "severity": "critical"});
    let alert = json!([{ "labels": labels, "annotations": {"summary": "it is down"} }]);
    firebell.post_ingest("/api/v2/alerts", &alert).await;
    let tab = driver.open("ana", Screen::Phone, &firebell.url()).await;
    tab.pick("ana").await;
    tab.goto("/incidents/1").await;
    tab.sees(".command", "nobody yet: somebody has to").await;
    tab.sees(".command", "Look at the last deploys").await;
    tab.fits_the_screen("/incidents/1").await;
    tab.shoot("command-begins").await;
    tab.click(".command li[data-vacant] .press:first-child button")
        .await;
    tab.sees(".command", "What to do").await;
    tab.click(".command .checks li:first-child .tick").await;
    tab.sees(".command", "1 of 4").await;
    // A form folds out; what is typed there is not lost when the page changes by itself.
    tab.click(".jumps a[href='#conditions']").await;
    tab.write("#conditions", "errors at 20 %, rising").await;
    tab.write("#needs", "a DBA").await;
    nothing_slides(&tab, &firebell, "seen on two machines").await;
    tab.submit("Post the report").await;
    tab.sees(".command .can", "a DBA").await;
    tab.click("#task summary").await;
    tab.write("#task-text", "look at the replicas").await;
    tab.write("#task-due", "30m").await;
    tab.submit("Add the task").await;
    tab.sees(".command", "look at the replicas").await;
    to_the_tracker(&tab, &stand).await;
    tab.fits_the_screen("/incidents/1").await;
    tab.shoot("command-goes-on").await;
    tab.has_no_complaints().await;
    let desk = driver.open("bo", Screen::Desktop, &firebell.url()).await;
    desk.pick("bo").await;
    desk.goto("/incidents/1").await;
    desk.sees(".command", "look at the replicas").await;
    nothing_slides(&desk, &firebell, "seen on three machines").await;
    desk.fits_the_screen("/incidents/1").await;
    desk.shoot("command-desk").await;
    desk.has_no_complaints().await;
}
