//! Leading an incident on a phone in the night: everything is one press or one form away.

use super::driver::{Driver, Screen};
use crate::process::Firebell;
use serde_json::json;

#[tokio::test]
async fn an_incident_is_led_on_a_phone_and_looked_at_on_a_desk() {
    let Some(driver) = Driver::start().await else {
        return;
    };
    let firebell = Firebell::demo(true).await;
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
    firebell
        .post_ingest(
            "/api/v2/alerts",
            &json!([{ "labels": {"alertname": "Worse", "service": "checkout", "severity": "critical"} }]),
        )
        .await;
    tab.submit("Post the report").await;
    tab.sees(".command .can", "a DBA").await;
    tab.click("#task summary").await;
    tab.write("#task-text", "look at the replicas").await;
    tab.write("#task-due", "30m").await;
    tab.submit("Add the task").await;
    tab.sees(".command", "look at the replicas").await;
    tab.fits_the_screen("/incidents/1").await;
    tab.shoot("command-goes-on").await;
    tab.has_no_complaints().await;
    let desk = driver.open("bo", Screen::Desktop, &firebell.url()).await;
    desk.pick("bo").await;
    desk.goto("/incidents/1").await;
    desk.sees(".command", "look at the replicas").await;
    desk.fits_the_screen("/incidents/1").await;
    desk.shoot("command-desk").await;
    desk.has_no_complaints().await;
}
