//! Silences and changing hands from a line: what is answered, to whom, and what it did.

use crate::world::{World, person};
use firebell::core::id::IncidentId;
use firebell::core::incident::{Event, Status};
use firebell::core::silence::SilenceKind;
use firebell::dispatch::{Reply, perform};

const CHECKOUT: &[(&str, &str)] = &[("service", "checkout"), ("severity", "warning")];

async fn says(w: &World, who: &str, here: Option<i64>, text: &str) -> Reply {
    let cause = format!("test:{who}:{text}");
    let here = here.map(IncidentId);
    let reply = perform(&w.engine, person(who), "slack", here, text, &cause).await;
    w.settle().await;
    reply
}

async fn yes(w: &World, who: &str, here: Option<i64>, text: &str) -> String {
    let reply = says(w, who, here, text).await;
    assert!(reply.ok, "{text}: {}", reply.text);
    reply.text
}

async fn no(w: &World, who: &str, here: Option<i64>, text: &str) -> String {
    let reply = says(w, who, here, text).await;
    assert!(!reply.ok, "{text}: {}", reply.text);
    reply.text
}

#[tokio::test]
async fn a_silence_is_made_listed_and_ended_from_a_line_and_told_aloud() {
    let w = World::on("sqlite::memory:").await;
    assert!(
        yes(&w, "ana", None, "silences")
            .await
            .contains("Nothing is silenced")
    );
    let made = says(&w, "ana", None, "silence checkout 2h deploy").await;
    assert!(made.ok && made.room, "{}", made.text);
    assert!(
        made.text.contains("service checkout") && made.text.contains("until Mon 14:00 UTC"),
        "{}",
        made.text
    );
    let again = says(&w, "ana", None, "silence checkout 2h deploy").await;
    assert_eq!(again, made, "the same line delivered twice makes one");
    assert_eq!(w.engine.directory().silences.len(), 1);
    let silence = w
        .engine
        .directory()
        .silences
        .values()
        .next()
        .unwrap()
        .clone();
    assert_eq!(
        (silence.created_by.as_str(), silence.owner.as_deref()),
        ("ana", Some("ana"))
    );
    w.fire("Slow", CHECKOUT).await;
    let listed = yes(&w, "bo", None, "silences").await;
    assert!(
        listed.contains("(deploy) on service checkout until")
            && listed.contains("held back 1 alert"),
        "{listed}"
    );
    assert!(
        no(&w, "bo", None, "unsilence nonsense")
            .await
            .contains("No silence nonsense")
    );
    let over = yes(&w, "bo", None, &format!("unsilence {}", silence.short())).await;
    assert!(over.contains("is over"), "{over}");
    assert_eq!(w.platform.pages(), ["ana"], "what it held is routed");
    let late = no(&w, "ana", None, &format!("unsilence {}", silence.short())).await;
    assert!(late.contains("may be over already"), "{late}");
    assert!(
        yes(&w, "ana", None, "silences all")
            .await
            .contains("over since")
    );
}

#[tokio::test]
async fn maintenance_is_planned_from_a_line_and_begins_by_itself() {
    let w = World::on("sqlite::memory:").await;
    let said = yes(&w, "ana", None, "maintenance checkout 13:00..14:00 patches").await;
    assert!(
        said.contains("from Mon 13:00 UTC until Mon 14:00 UTC"),
        "{said}"
    );
    let planned = w
        .engine
        .directory()
        .silences
        .values()
        .next()
        .unwrap()
        .clone();
    assert_eq!(planned.kind, SilenceKind::Maintenance);
    w.fire("Early", CHECKOUT).await;
    assert_eq!(w.platform.pages(), ["ana"]);
    w.advance_secs(3600).await;
    w.fire("Late", CHECKOUT).await;
    assert_eq!(
        w.incident(1).await.muted_at(w.clock.now()).map(|m| m.until),
        Some(planned.ends_at)
    );
    let paged = w.platform.pages().len();
    w.advance_secs(3599).await;
    assert_eq!(w.platform.pages().len(), paged);
    w.advance_secs(1).await;
    assert_eq!(w.platform.pages().len(), paged + 2);
}

#[tokio::test]
async fn several_are_answered_in_one_line_and_each_for_itself() {
    let w = World::on("sqlite::memory:").await;
    for name in ["One", "Two", "Three"] {
        w.fire(name, CHECKOUT).await;
    }
    yes(&w, "bo", None, "ack 2").await;
    let said = yes(&w, "ana", None, "ack 1 2 3 the database").await;
    assert!(
        said.contains("Acknowledged #1 and #3, with your note.") && said.contains("#2: bo"),
        "{said}"
    );
    let noted = |r: &firebell::core::incident::Record| matches!(&r.event, Event::Noted { text, .. } if text == "the database");
    assert_eq!(w.journal(3).await.iter().filter(|r| noted(r)).count(), 1);
    assert_eq!(w.journal(2).await.iter().filter(|r| noted(r)).count(), 0);
    assert!(
        yes(&w, "ana", None, "ack all")
            .await
            .contains("nothing to ack")
    );
    let said = yes(&w, "ana", None, "resolve 1 2: rolled back").await;
    assert!(said.contains("Resolved #1 and #2"), "{said}");
    assert_eq!(w.incident(3).await.status, Status::Acknowledged);
}

#[tokio::test]
async fn an_incident_goes_from_hand_to_hand_by_lines() {
    let w = World::on("sqlite::memory:").await;
    w.fire("Slow", CHECKOUT).await;
    yes(&w, "ana", Some(1), "ack").await;
    assert!(
        yes(&w, "ana", Some(1), "unack")
            .await
            .contains("nobody has it now")
    );
    assert!(
        no(&w, "bo", Some(1), "unack")
            .await
            .contains("ana let it page again")
    );
    assert!(
        yes(&w, "ana", Some(1), "reassign bo")
            .await
            .contains("person bo was paged")
    );
    yes(&w, "bo", Some(1), "ack").await;
    assert!(
        yes(&w, "bo", Some(1), "snooze until tomorrow 09:00")
            .await
            .contains("quiet until Tue 09:00 UTC")
    );
    yes(&w, "bo", Some(1), "resolve").await;
    assert!(
        no(&w, "ana", Some(1), "resolve")
            .await
            .contains("bo has resolved it already")
    );
    assert!(
        yes(&w, "ana", Some(1), "reopen")
            .await
            .contains("open again")
    );
    w.fire("Down", CHECKOUT).await;
    let merged = says(&w, "ana", Some(1), "merge into #2").await;
    assert!(merged.ok && merged.room, "{}", merged.text);
    assert_eq!(merged.incident, Some(IncidentId(2)));
    assert!(
        no(&w, "bo", None, "merge 1 2")
            .await
            .contains("merged into #2 already")
    );
    assert!(
        no(&w, "bo", None, "merge 2 2")
            .await
            .contains("into itself")
    );
}
