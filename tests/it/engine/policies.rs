//! Policies on both databases: turns that survive a crash, several acknowledgements, reminders,
//! channels, webhooks and edits.

use super::{CHECKOUT, MAJOR, World, on_both, person};
use firebell::core::directory::{Directory, Rung, Target};
use firebell::core::incident::{Command, Status};

fn policy(directory: &mut Directory, targets: &[Target]) {
    let policy = directory.policies.get_mut("web").unwrap();
    policy.rungs = targets
        .iter()
        .map(|target| Rung {
            when: firebell::core::directory::When::default(),
            targets: vec![target.clone()],
            wait_secs: 300,
            acks: 1,
        })
        .collect();
}

#[tokio::test]
async fn a_round_robin_goes_on_where_it_was_after_a_crash() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        w.configure(|d| policy(d, &[Target::RoundRobin("web".to_owned())]))
            .await;
        w.fire("One", CHECKOUT).await;
        w.fire("Two", CHECKOUT).await;
        assert_eq!(w.platform.pages(), ["ana", "bo"]);
        w.kill_and_restart().await;
        w.fire("Three", CHECKOUT).await;
        w.fire("Four", CHECKOUT).await;
        assert_eq!(w.platform.pages(), ["ana", "bo", "ana", "bo"]);
    })
    .await;
}

#[tokio::test]
async fn the_first_of_two_acknowledgements_withdraws_only_their_own_pages() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        w.configure(|d| {
            policy(d, &[Target::Team("web".to_owned())]);
            d.policies.get_mut("web").unwrap().rungs[0].acks = 2;
        })
        .await;
        w.fire("Down", MAJOR).await;
        assert_eq!(w.platform.pages(), ["ana", "bo"]);
        w.tell(1, Command::Acknowledge { by: person("ana") }).await;
        let incident = w.incident(1).await;
        assert_eq!(
            (incident.status, incident.agreed.len()),
            (Status::Triggered, 1)
        );
        w.tell(1, Command::Acknowledge { by: person("bo") }).await;
        assert_eq!(w.incident(1).await.status, Status::Acknowledged);
        w.advance_secs(86_400).await;
        assert_eq!(w.platform.pages(), ["ana", "bo"]);
    })
    .await;
}

#[tokio::test]
async fn whoever_has_it_is_reminded_and_then_the_ladder_starts_again() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        w.configure(|d| d.policies.get_mut("web").unwrap().remind_secs = Some(1800))
            .await;
        w.fire("Slow", CHECKOUT).await;
        w.tell(1, Command::Acknowledge { by: person("bo") }).await;
        w.clock.advance_ms(1_700_000);
        w.kill_and_restart().await;
        w.advance_secs(99).await;
        assert_eq!(w.platform.pages(), ["ana"]);
        w.advance_secs(1).await;
        assert_eq!(
            w.platform.pages(),
            ["ana", "bo"],
            "asked at an absolute time"
        );
        w.advance_secs(1800).await;
        assert_eq!(w.platform.pages(), ["ana", "bo", "ana"]);
        assert_eq!(w.incident(1).await.status, Status::Triggered);
    })
    .await;
}

#[tokio::test]
async fn a_step_tells_a_channel() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        let steps = [
            Target::Channel("everybody".to_owned()),
            Target::Person("bo".to_owned()),
        ];
        w.configure(|d| policy(d, &steps)).await;
        w.fire("Slow", CHECKOUT).await;
        assert!(w.platform.pages().is_empty());
        let said = w.platform.lines("#everybody");
        assert!(
            said.iter().any(|l| l.contains("Told #everybody (step 1)")),
            "{said:?}"
        );
        w.advance_secs(300).await;
        assert_eq!(w.platform.pages(), ["bo"]);
    })
    .await;
}

#[tokio::test]
async fn an_edit_of_a_policy_waits_until_somebody_wants_it() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        w.fire("Slow", CHECKOUT).await;
        w.fire("Other", CHECKOUT).await;
        let steps = ["ana", "dee"].map(|id| Target::Person(id.to_owned()));
        w.configure(|d| policy(d, &steps)).await;
        w.configure(|d| policy(d, &steps)).await;
        let offers = |kinds: Vec<&str>| kinds.iter().filter(|k| **k == "policy_edited").count();
        assert_eq!(offers(w.kinds(1).await), 1, "offered once");
        w.tell(2, Command::AdoptPolicy { by: person("ana") }).await;
        w.advance_secs(300).await;
        let mut pages = w.platform.pages();
        pages.sort();
        assert_eq!(pages, ["ana", "ana", "bo", "dee"]);
    })
    .await;
}
