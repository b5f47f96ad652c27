//! Leading an incident on both databases: reminders survive a crash and are told once.

use super::*;
use firebell::core::directory::{COMMANDER, ConductRules, Target};
use firebell::core::incident::{ConductCommand, wake_at};
use std::sync::Arc;

const MAJOR: &[(&str, &str)] = &[("service", "checkout"), ("severity", "critical")];

async fn world(url: &str) -> World {
    let mut w = World::on(url).await;
    w.configure(|d| d.conduct = Arc::new(ConductRules::shipped()))
        .await;
    w
}

fn direct(w: &World, who: &str, words: &str) -> usize {
    let said = w.platform.lines(&format!("@{who}")).into_iter();
    said.filter(|l| l.contains(words)).count()
}

#[tokio::test]
async fn a_task_that_is_due_is_told_once_after_a_crash_and_after_the_end() {
    on_both(async |database| {
        let mut w = world(&database.url).await;
        w.fire("Slow", CHECKOUT).await;
        w.tell(1, Command::Acknowledge { by: person("ana") }).await;
        let due = w.clock.now().plus_secs(7200);
        let task = ConductCommand::AddTask {
            by: person("ana"),
            text: "call the vendor".to_owned(),
            owner: Some(person("bo")),
            due: Some(due),
            follow_up: false,
            floor: 0,
        };
        w.tell(1, Command::Conduct(task)).await;
        assert_eq!(direct(&w, "bo", "Task 1 by ana: call the vendor"), 1);
        w.tell(1, Command::Resolve { by: person("ana") }).await;
        w.kill_and_restart().await;
        w.advance_secs(7199).await;
        assert_eq!(direct(&w, "bo", "Due by now"), 0);
        w.kill_and_restart().await;
        w.advance_secs(1).await;
        assert_eq!(direct(&w, "bo", "Due by now: 1 “call the vendor”"), 1);
        w.kill_and_restart().await;
        w.advance_secs(86_400).await;
        assert_eq!(direct(&w, "bo", "Due by now"), 1, "told once");
        let kinds = w.kinds(1).await;
        assert_eq!(kinds.iter().filter(|k| **k == "task_due").count(), 1);
    })
    .await;
}

#[tokio::test]
async fn nobody_leads_and_the_room_is_reminded_once_whatever_crashed() {
    on_both(async |database| {
        let mut w = world(&database.url).await;
        w.fire("Down", MAJOR).await;
        w.tell(1, Command::Acknowledge { by: person("ana") }).await;
        w.advance_secs(599).await;
        w.kill_and_restart().await;
        w.advance_secs(1).await;
        let room = w.incident(1).await.rooms["console"].clone();
        let reminded = |w: &World| {
            let lines = w.platform.lines(&room).into_iter();
            lines
                .filter(|l| l.contains("Nobody has been Commander for 10m"))
                .count()
        };
        assert_eq!(reminded(&w), 1);
        w.kill_and_restart().await;
        w.advance_secs(86_400).await;
        assert_eq!(reminded(&w), 1);
    })
    .await;
}

#[tokio::test]
async fn the_commander_on_call_is_paged_and_told_what_to_do_and_a_role_is_handed_over() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        w.configure(|d| {
            let mut rules = ConductRules::shipped();
            let commander = Arc::make_mut(&mut rules.roles[0]);
            commander.from = Some(Target::Person("bo".to_owned()));
            d.conduct = Arc::new(rules);
        })
        .await;
        w.fire("Down", MAJOR).await;
        let incident = w.incident(1).await;
        assert_eq!(incident.lead, Some(person("bo")));
        assert!(
            w.platform.pages().contains(&"bo".to_owned()),
            "{:?}",
            w.platform.pages()
        );
        assert_eq!(direct(&w, "bo", "1. Say in the room that you lead."), 1);
        let lead = Command::Lead {
            by: person("ana"),
            lead: person("ana"),
        };
        w.tell(1, lead).await;
        assert_eq!(direct(&w, "bo", "Please hand over what only you know"), 1);
        let release = ConductCommand::ReleaseRole {
            by: person("ana"),
            role: COMMANDER.to_owned(),
            who: None,
        };
        w.tell(1, Command::Conduct(release)).await;
        let incident = w.incident(1).await;
        assert_eq!(incident.lead, None);
        assert!(wake_at(&incident).is_some(), "somebody has to lead");
    })
    .await;
}
