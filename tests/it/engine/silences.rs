//! Silences, on both databases: what they hold, for how long, across a crash.

use super::{CHECKOUT, World, alert, on_both, person};
use firebell::core::alert::AlertKind;
use firebell::core::directory::Directory;
use firebell::core::id::IncidentId;
use firebell::core::incident::{Command, Event, Status};
use firebell::core::matcher::Matcher;
use firebell::core::silence::{Silence, SilenceKind};
use firebell::core::time::Time;
use firebell::engine::SilenceAct;
use firebell::store::{AlertQuery, AlertRow};
use std::sync::Arc;

fn matching(matchers: &[&str], secs: i64) -> Silence {
    let now = super::super::world::START;
    Silence {
        id: String::new(),
        kind: SilenceKind::Silence,
        matchers: matchers
            .iter()
            .map(|m| Matcher::parse(m).unwrap())
            .collect(),
        service: None,
        starts_at: now,
        ends_at: now.plus_ms(secs * 1000),
        created_by: "Ana".to_owned(),
        owner: Some("ana".to_owned()),
        comment: "deploy".to_owned(),
        recurrence: None,
        updated_at: now,
    }
}

fn of_service(service: &str, secs: i64) -> Silence {
    Silence {
        service: Some(service.to_owned()),
        kind: SilenceKind::Maintenance,
        ..matching(&[], secs)
    }
}

impl World {
    async fn silence(&self, wanted: Silence) -> String {
        let fresh = uuid::Uuid::new_v4().to_string();
        let act = SilenceAct::Put {
            wanted: Box::new(wanted),
            fresh,
        };
        let id = self.engine.silence(act).await.unwrap();
        self.settle().await;
        id
    }

    async fn unsilence(&self, id: &str) {
        let act = SilenceAct::End { id: id.to_owned() };
        self.engine.silence(act).await.unwrap();
        self.settle().await;
    }

    async fn alerts(&self) -> Vec<AlertRow> {
        let query = AlertQuery {
            limit: 1000,
            ..AlertQuery::default()
        };
        self.engine.store().alerts(&query).await.unwrap()
    }
}

#[tokio::test]
async fn an_alert_that_arrives_while_silenced_pages_nobody_and_says_why() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        let id = w.silence(matching(&["service=checkout"], 600)).await;
        w.fire("Slow", CHECKOUT).await;
        assert!(w.platform.pages().is_empty());
        let row = &w.alerts().await[0];
        assert_eq!(row.incident, None);
        let want = format!("silenced by {} (deploy) until ", &id[..8]);
        assert!(row.why.starts_with(&want), "{}", row.why);
        assert!(
            row.why.contains("service checkout by its labels"),
            "{}",
            row.why
        );
        w.fire("Other", &[("severity", "warning")]).await;
        assert_eq!(w.platform.pages(), ["dee"], "nothing else is held");
    })
    .await;
}

#[tokio::test]
async fn what_still_fires_when_a_silence_ends_is_routed_as_if_it_had_just_arrived() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        w.silence(matching(&["service=checkout"], 600)).await;
        w.fire("Slow", CHECKOUT).await;
        w.fire("Gone", CHECKOUT).await;
        w.clear("Gone", CHECKOUT).await;
        w.advance_secs(599).await;
        assert!(w.platform.pages().is_empty());
        w.advance_secs(1).await;
        assert_eq!(w.platform.pages(), ["ana"]);
        let rows = w.alerts().await;
        assert_eq!(rows[0].incident, Some(IncidentId(1)));
        assert!(
            rows[0].why.contains("before: silenced by"),
            "{}",
            rows[0].why
        );
        assert_eq!(rows[1].incident, None, "what cleared meanwhile stays quiet");
        w.advance_secs(300).await;
        assert_eq!(
            w.platform.pages(),
            ["ana", "bo"],
            "the ladder is climbed from its begin"
        );
    })
    .await;
}

#[tokio::test]
async fn a_silence_survives_a_crash_and_so_does_what_it_holds() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        for _ in 0..100 {
            let fresh = uuid::Uuid::new_v4().to_string();
            let wanted = Box::new(matching(&["service=checkout"], 600));
            // Acknowledged, and nothing told to stop.
            w.engine
                .silence(SilenceAct::Put { wanted, fresh })
                .await
                .unwrap();
        }
        let held = alert("Slow", CHECKOUT, AlertKind::Firing, Time::FAR);
        w.engine.take(vec![held]).await.unwrap();
        w.kill_and_restart().await;
        assert_eq!(w.engine.directory().silences.len(), 100);
        assert!(w.platform.pages().is_empty());
        w.fire("Late", CHECKOUT).await;
        assert!(w.platform.pages().is_empty());
        w.clock.advance_ms(599_000);
        w.kill_and_restart().await;
        assert!(w.platform.pages().is_empty());
        w.advance_secs(1).await;
        assert_eq!(
            w.platform.pages(),
            ["ana", "ana"],
            "one page for each of the two groups"
        );
        w.kill_and_restart().await;
        assert_eq!(w.platform.pages().len(), 2);
        assert!(
            w.engine.directory().silences.is_empty(),
            "what is over is not in force"
        );
    })
    .await;
}

#[tokio::test]
async fn a_silence_that_ends_while_firebell_is_down_releases_at_the_start() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        w.silence(matching(&["service=checkout"], 600)).await;
        w.fire("Slow", CHECKOUT).await;
        w.clock.advance_ms(3_600_000);
        w.kill_and_restart().await;
        assert_eq!(w.platform.pages(), ["ana"]);
        let said = w.platform.lines("#web");
        assert!(
            said.iter()
                .any(|l| l.contains("It held back 1 alert: Slow. 1 still fires")),
            "{said:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn an_incident_that_pages_rests_while_a_silence_covers_all_of_it() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        let on = |pod: &'static str| {
            [
                ("service", "checkout"),
                ("severity", "warning"),
                ("pod", pod),
            ]
        };
        w.fire("Slow", &on("a")).await;
        w.fire("Slow", &on("b")).await;
        assert_eq!(w.platform.pages(), ["ana"]);
        w.silence(matching(&["pod=a"], 3600)).await;
        assert_eq!(
            w.incident(1).await.muted,
            None,
            "one of two changes nothing"
        );
        let id = w.silence(matching(&["pod=~\"a|b\""], 1800)).await;
        let muted = w.incident(1).await.muted.clone().unwrap();
        assert_eq!(muted.words, format!("{} (deploy)", &id[..8]));
        w.advance_secs(1799).await;
        assert_eq!(w.platform.pages(), ["ana"], "the ladder rests");
        w.advance_secs(1).await;
        assert_eq!(
            w.platform.pages(),
            ["ana", "ana"],
            "and pages again from its first step"
        );
        assert_eq!(w.incident(1).await.status, Status::Triggered);
        let kinds = w.kinds(1).await;
        assert!(
            kinds.contains(&"muted") && kinds.contains(&"unmuted"),
            "{kinds:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_left_of_an_incident_may_be_covered_when_the_rest_clears() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        let on = |pod: &'static str| {
            [
                ("service", "checkout"),
                ("severity", "warning"),
                ("pod", pod),
            ]
        };
        w.fire("Slow", &on("a")).await;
        w.fire("Slow", &on("b")).await;
        w.silence(matching(&["pod=a"], 3600)).await;
        w.clear("Slow", &on("b")).await;
        assert!(w.incident(1).await.muted.is_some());
        w.advance_secs(3000).await;
        assert_eq!(w.platform.pages(), ["ana"]);
        w.clear("Slow", &on("a")).await;
        assert_eq!(
            w.incident(1).await.status,
            Status::Resolved,
            "a resolve passes as usual"
        );
    })
    .await;
}

#[tokio::test]
async fn an_alert_that_is_not_silenced_wakes_an_incident_that_is() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        let on = |pod: &'static str| {
            [
                ("service", "checkout"),
                ("severity", "warning"),
                ("pod", pod),
            ]
        };
        w.fire("Slow", &on("a")).await;
        w.silence(matching(&["pod=a"], 3600)).await;
        assert!(w.incident(1).await.muted.is_some());
        w.fire("Slow", &on("c")).await;
        assert_eq!(w.platform.pages(), ["ana", "ana"]);
        assert_eq!(w.incident(1).await.muted, None);
    })
    .await;
}

#[tokio::test]
async fn ending_a_silence_early_lets_everything_go_on_at_once() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        w.fire("Slow", CHECKOUT).await;
        let id = w.silence(of_service("checkout", 3600)).await;
        w.fire("Down", CHECKOUT).await;
        assert_eq!(w.platform.pages(), ["ana"]);
        w.advance_secs(600).await;
        assert_eq!(w.platform.pages(), ["ana"]);
        w.unsilence(&id).await;
        assert_eq!(
            w.platform.pages(),
            ["ana", "ana", "ana"],
            "the covered one and the held one"
        );
        w.unsilence(&id).await;
        assert_eq!(w.platform.pages().len(), 3, "ending it again does nothing");
    })
    .await;
}

#[tokio::test]
async fn an_acknowledgement_and_a_silence_do_not_disturb_each_other() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        w.fire("Slow", CHECKOUT).await;
        let until = w.clock.now().plus_secs(900);
        let by = person("ana");
        w.tell(1, Command::Snooze { by, until }).await;
        w.silence(matching(&["service=checkout"], 3600)).await;
        w.advance_secs(1000).await;
        assert_eq!(
            w.platform.pages(),
            ["ana"],
            "the snooze ends into the silence"
        );
        assert_eq!(w.incident(1).await.status, Status::Triggered);
        w.tell(1, Command::Acknowledge { by: person("bo") }).await;
        w.advance_secs(86_400).await;
        assert_eq!(w.platform.pages(), ["ana"]);
    })
    .await;
}

#[tokio::test]
async fn a_longer_silence_takes_over_without_a_page_in_between() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        let id = w.silence(matching(&["service=checkout"], 600)).await;
        w.fire("Slow", CHECKOUT).await;
        w.advance_secs(300).await;
        let mut longer = matching(&["service=checkout"], 7200);
        longer.id.clone_from(&id);
        assert_eq!(w.silence(longer).await, id, "changed in place");
        w.advance_secs(6000).await;
        assert!(w.platform.pages().is_empty());
        assert_eq!(w.alerts().await.len(), 1);
        w.advance_secs(900).await;
        assert_eq!(w.platform.pages(), ["ana"]);
    })
    .await;
}

#[tokio::test]
async fn a_planned_window_of_the_files_begins_and_ends_by_itself() {
    on_both(async |database| {
        let mut directory: Directory = super::super::world::directory();
        let mut window = of_service("checkout", 1200);
        window.id = "maintenance/night".to_owned();
        window.starts_at = window.starts_at.plus_secs(600);
        directory
            .maintenance
            .insert(window.id.clone(), Arc::new(window));
        let w = World::with(&database.url, directory).await;
        w.fire("Slow", CHECKOUT).await;
        assert_eq!(w.platform.pages(), ["ana"]);
        w.advance_secs(600).await;
        assert!(w.incident(1).await.muted.is_some(), "begun");
        let paged = w.platform.pages().len();
        w.advance_secs(500).await;
        assert_eq!(w.platform.pages().len(), paged);
        w.advance_secs(100).await;
        assert_eq!(w.platform.pages().len(), paged + 1, "over");
    })
    .await;
}

#[tokio::test]
async fn the_owner_is_told_before_the_end_each_day_and_what_was_held_back() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        w.silence(matching(&["service=checkout"], 2 * 86_400)).await;
        w.fire("Slow", CHECKOUT).await;
        assert!(w.platform.lines("#web").is_empty());
        w.advance_secs(86_400).await;
        w.advance_secs(86_400 - 600).await;
        w.advance_secs(600).await;
        let said = w.platform.lines("#web");
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(
            said[0].contains("ana: ") && said[0].contains("has lasted 1d"),
            "{said:?}"
        );
        assert!(
            said[1].contains("ends at") && said[1].contains("1 alert it holds back fires now"),
            "{said:?}"
        );
        assert!(
            said[2].contains("is over after 2d. It held back 1 alert: Slow."),
            "{said:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_reminder_waits_for_a_platform_that_is_down_and_survives_a_crash() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        w.silence(matching(&["service=checkout"], 600)).await;
        w.platform.mood(super::Mood::Refuses(super::down()));
        w.advance_secs(600).await;
        assert!(w.platform.lines("#web").is_empty());
        w.platform.mood(super::Mood::Well);
        w.kill_and_restart().await;
        w.advance_secs(600).await;
        let said = w.platform.lines("#web");
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains("It held back nothing."), "{said:?}");
    })
    .await;
}

#[tokio::test]
async fn a_muted_incident_tells_by_which_silence_on_its_journal() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        w.fire("Slow", CHECKOUT).await;
        let id = w.silence(matching(&["service=checkout"], 3600)).await;
        w.kill_and_restart().await;
        let muted = w.journal(1).await.into_iter().find_map(|r| match r.event {
            Event::Muted { silence, until, .. } => Some((silence, until)),
            _ => None,
        });
        let end = super::super::world::START.plus_secs(3600);
        assert_eq!(muted, Some((id, end)));
        w.advance_secs(3599).await;
        assert_eq!(
            w.platform.pages(),
            ["ana"],
            "it rests after a crash as well"
        );
        w.advance_secs(1).await;
        assert_eq!(w.platform.pages(), ["ana", "ana"]);
    })
    .await;
}
