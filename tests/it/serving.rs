//! What a running `firebell serve` makes of files that change, and of calendars that are elsewhere.

use crate::house::write;
use crate::process::{Firebell, PATIENCE, free_address, until};
use axum::Router;
use axum::routing::get;
use firebell::config::write_demo;
use std::path::Path;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_demo(folder.path(), "127.0.0.1:8080", &free_address()).unwrap();
    folder
}

/// Appends to `firebell.toml`.
fn add(folder: &Path, text: &str) {
    let old = std::fs::read_to_string(folder.join("firebell.toml")).unwrap();
    write(folder, "firebell.toml", &format!("{old}\n{text}"));
}

/// Waits until the first page says it.
async fn page_says(firebell: &Firebell, words: &str) {
    until(
        &format!("the console says {words:?}"),
        PATIENCE,
        async || {
            let page = firebell.get_text("/").await;
            page.contains(words).then_some(()).ok_or(page)
        },
    )
    .await;
}

#[tokio::test]
async fn providers_are_reloaded_and_what_waits_for_a_restart_is_said() {
    let folder = folder();
    let firebell = Firebell::serve(folder.path()).await;
    assert!(!firebell.get_text("/").await.contains("only a restart"));
    let push = "[[ntfy]]\napi-url = \"http://127.0.0.1:1\"\n";
    add(
        folder.path(),
        &format!("{push}extra-ca = \"nowhere.pem\"\n[limits]\ndepth = 8\n"),
    );
    page_says(
        &firebell,
        "The changed providers are not in force, those before are: ",
    )
    .await;
    page_says(&firebell, "only a restart puts it in force: limits.").await;
    assert!(
        firebell
            .log()
            .contains("only a restart puts it in force: limits")
    );
    let file = folder.path().join("firebell.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let mended = text
        .replace("extra-ca = \"nowhere.pem\"\n", "")
        .replace("[limits]\ndepth = 8\n", "");
    std::fs::write(&file, mended).unwrap();
    until("everything is in force", PATIENCE, async || {
        let page = firebell.get_text("/").await;
        let quiet =
            !page.contains("only a restart") && !page.contains("providers are not in force");
        quiet.then_some(()).ok_or(page)
    })
    .await;
}

#[tokio::test]
async fn the_first_start_knows_the_shifts_of_a_calendar_elsewhere_and_the_next_without_it() {
    let roster = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20261101T000000Z\r\nDTSTART;VALUE=DATE:20200101\r\nDTEND;VALUE=DATE:20450101\r\nSUMMARY:Emi Tanaka, emi\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/roster.ics", get(move || async move { roster }));
    let host = tokio::spawn(async move { axum::serve(listener, router).await });
    let folder = folder();
    let file = format!(
        "zone = \"UTC\"\n[[layers]]\nname = \"a\"\nsource = \"http://{address}/roster.ics\"\n"
    );
    write(folder.path(), "schedules/roster.toml", &file);
    let mut firebell = Firebell::serve(folder.path()).await;
    let on = async |firebell: &Firebell| {
        let said = firebell.get_json("/api/v1/oncall?schedule=roster").await;
        said.to_string()
    };
    let first = on(&firebell).await;
    assert!(first.contains("\"emi\""), "{first}");
    // A new copy, as the fetching writes it, is in force without anybody's doing.
    let copies = std::fs::read_dir(folder.path().join("data/calendars")).unwrap();
    let mut copies = copies.map(|c| c.unwrap().path());
    let copy = copies
        .find(|c| c.extension().is_some_and(|e| e == "ics"))
        .unwrap();
    let changed = roster.replace("SUMMARY:Emi Tanaka, emi", "SUMMARY:dana");
    let new = copy.with_extension("new");
    std::fs::write(&new, changed).unwrap();
    std::fs::rename(&new, &copy).unwrap();
    until("the changed roster counts", PATIENCE, async || {
        let said = on(&firebell).await;
        said.contains("\"dana\"").then_some(()).ok_or(said)
    })
    .await;
    host.abort();
    firebell.kill();
    firebell.restart().await;
    let next = on(&firebell).await;
    assert!(next.contains("\"dana\""), "{next}");
    page_says(
        &firebell,
        "The calendar of the schedule roster at 127.0.0.1 cannot be fetched",
    )
    .await;
}
