//! The promises, on both databases with a clock moved by hand.

mod approvals;
mod audit;
mod brakes;
mod commit;
mod counting;
mod covers;
mod feeds;
mod hands;
mod leading;
mod learning;
mod looking;
mod policies;
mod rest;
mod runs;
mod silences;
mod vigil;

use super::store::on_both;
use super::world::{Mood, World, alert, person};
use firebell::chat::{Fault, Retry};
use firebell::core::alert::AlertKind;
use firebell::core::id::{IncidentId, RunId};
use firebell::core::incident::{Command, Event, Outcome, Refusal, Status};
use firebell::engine::{Failure, GRACE_MS};
use firebell::store::{Delivery, Lane};
use std::collections::BTreeMap;

const CHECKOUT: &[(&str, &str)] = &[("service", "checkout"), ("severity", "warning")];
const MAJOR: &[(&str, &str)] = &[("service", "checkout"), ("severity", "critical")];

fn down() -> Fault {
    Fault {
        why: "the platform is down".to_owned(),
        retry: Retry::Backoff,
    }
}

#[tokio::test]
async fn an_alert_pages_the_first_rung_and_the_ladder_goes_on_until_somebody_has_it() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        w.fire("Slow", CHECKOUT).await;
        assert_eq!(w.platform.pages(), ["ana"]);
        w.advance_secs(299).await;
        assert_eq!(w.platform.pages(), ["ana"]);
        w.advance_secs(1).await;
        assert_eq!(w.platform.pages(), ["ana", "bo"]);
        w.tell(1, Command::Acknowledge { by: person("bo") }).await;
        w.advance_secs(86_400).await;
        assert_eq!(w.platform.pages(), ["ana", "bo"]);
    })
    .await;
}

#[tokio::test]
async fn the_ladder_goes_on_at_absolute_times_across_a_crash() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        w.fire("Slow", CHECKOUT).await;
        w.clock.advance_ms(200_000);
        w.kill_and_restart().await;
        assert_eq!(w.platform.pages(), ["ana"], "a restart pages nobody again");
        w.advance_secs(99).await;
        assert_eq!(w.platform.pages(), ["ana"]);
        w.advance_secs(1).await;
        assert_eq!(w.platform.pages(), ["ana", "bo"]);
    })
    .await;
}

#[tokio::test]
async fn a_minor_incident_is_a_card_in_its_channel_and_a_major_one_gets_a_room() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        w.fire("Slow", CHECKOUT).await;
        assert!(w.platform.rooms().is_empty());
        assert!(!w.platform.cards("#web").is_empty());
        w.fire("Down", MAJOR).await;
        assert_eq!(w.platform.rooms().len(), 1);
        assert!(!w.platform.cards("room-of-2").is_empty());
        assert!(
            w.platform
                .lines("room-of-2")
                .iter()
                .any(|l| l.contains("ana")),
            "{:?}",
            w.platform.lines("room-of-2")
        );
        w.tell(1, Command::Promote { by: person("ana") }).await;
        assert_eq!(w.platform.rooms().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_group_resolves_when_its_last_alert_clears() {
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
        assert_eq!(w.incident(1).await.alerts, 2, "one incident for the group");
        w.clear("Slow", &on("a")).await;
        assert_eq!(w.incident(1).await.status, Status::Triggered);
        w.clear("Slow", &on("b")).await;
        assert_eq!(w.incident(1).await.status, Status::Resolved);
        w.fire("Slow", &on("a")).await;
        assert_eq!(
            w.incident(2).await.alerts,
            1,
            "a new firing is a new incident"
        );
    })
    .await;
}

#[tokio::test]
async fn unchanged_repeats_write_nothing_to_the_journal() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        w.fire("Slow", CHECKOUT).await;
        let before = w.journal(1).await;
        for _ in 0..50 {
            w.clock.advance_ms(1000);
            let again = alert(
                "Slow",
                CHECKOUT,
                AlertKind::Firing,
                w.clock.now().plus_ms(240_000),
            );
            w.engine.take(vec![again]).await.unwrap();
        }
        assert_eq!(w.journal(1).await, before);
    })
    .await;
}

#[tokio::test]
async fn an_alert_that_is_no_longer_repeated_is_taken_as_ended_and_a_repeated_one_is_not() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        let hashed = |w: &World, hash| {
            let ends_at = w.clock.now().plus_ms(240_000);
            vec![(alert("Slow", CHECKOUT, AlertKind::Firing, ends_at), hash)]
        };
        w.engine.take_hashed(hashed(&w, 77)).await.unwrap();
        w.advance_secs(200).await;
        let now = w.clock.now();
        assert!(
            w.engine.refresh(77, now.plus_ms(240_000), now),
            "its bytes are known"
        );
        assert!(!w.engine.refresh(78, now.plus_ms(240_000), now));
        w.advance_secs(100).await;
        assert_eq!(w.engine.firing(), 1);
        w.tell(1, Command::Acknowledge { by: person("ana") }).await;
        w.advance_secs(200).await;
        assert_eq!(w.engine.firing(), 0);
        assert!(
            w.kinds(1).await.ends_with(&["cleared", "resolved"]),
            "{:?}",
            w.kinds(1).await
        );
    })
    .await;
}

#[tokio::test]
async fn after_a_crash_every_alert_is_there_and_is_believed_for_the_grace() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        let leased = |w: &World| {
            vec![alert(
                "Slow",
                CHECKOUT,
                AlertKind::Firing,
                w.clock.now().plus_ms(240_000),
            )]
        };
        w.engine.take(leased(&w)).await.unwrap();
        // What was told has come back: nothing makes the old one look at the clock once more.
        w.advance_secs(1).await;
        // Down for an hour: nobody could repeat the alert, so nobody may take it as ended.
        w.clock.advance_ms(3_600_000);
        w.kill_and_restart().await;
        assert_eq!(w.engine.firing(), 1);
        assert_eq!(w.incident(1).await.status, Status::Triggered);
        w.engine.take(leased(&w)).await.unwrap();
        assert_eq!(
            w.engine.store().high_water().await.unwrap().incident,
            1,
            "the repeat is not a new incident"
        );
        w.advance_secs(GRACE_MS / 1000).await;
        assert_eq!(w.engine.firing(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_page_that_was_on_its_way_is_sent_again_and_a_line_is_not() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        w.platform.mood(Mood::TakesAndHangs);
        let down = alert(
            "Down",
            MAJOR,
            AlertKind::Firing,
            w.clock.now().plus_ms(240_000),
        );
        w.engine.take(vec![down]).await.unwrap();
        // Everything that can leave has left; nothing has come back.
        while w.platform.pages().is_empty() || w.platform.rooms().is_empty() {
            tokio::task::yield_now().await;
        }
        w.platform.mood(Mood::Well);
        w.kill_and_restart().await;
        assert_eq!(w.platform.pages(), ["ana", "ana"], "at least once");
        let mut lines = w.platform.lines("room-of-1");
        let all = lines.len();
        lines.dedup();
        assert!(
            all > 0 && lines.len() == all,
            "a line was said twice: {lines:?}"
        );
        w.kill_and_restart().await;
        assert_eq!(
            w.platform.pages(),
            ["ana", "ana"],
            "what was delivered is not sent again"
        );
        assert_eq!(w.platform.lines("room-of-1").len(), all);
    })
    .await;
}

#[tokio::test]
async fn pages_keep_trying_through_an_outage_and_the_timeline_says_so() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        w.platform.mood(Mood::Refuses(down()));
        w.fire("Slow", CHECKOUT).await;
        for _ in 0..40 {
            w.advance_secs(1).await;
        }
        assert!(
            w.kinds(1).await.contains(&"page_failed"),
            "{:?}",
            w.kinds(1).await
        );
        w.platform.mood(Mood::Well);
        w.advance_secs(2).await;
        assert!(
            w.platform.pages().contains(&"ana".to_owned()),
            "{:?}",
            w.platform.pages()
        );
        assert!(w.kinds(1).await.contains(&"page_delivered"));
    })
    .await;
}

#[tokio::test]
async fn an_acknowledgement_withdraws_pages_that_have_not_left() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        w.platform.mood(Mood::Refuses(down()));
        w.fire("Slow", CHECKOUT).await;
        w.tell(1, Command::Acknowledge { by: person("ana") }).await;
        w.platform.mood(Mood::Well);
        w.advance_secs(60).await;
        assert!(w.platform.pages().is_empty(), "{:?}", w.platform.pages());
        let rows = w.deliveries(1).await;
        let page = rows.iter().find(|r| r.lane == Lane::Page).unwrap();
        assert_eq!(
            (page.state, page.error.as_str()),
            (Delivery::Withdrawn, "acknowledged by ana")
        );
    })
    .await;
}

#[tokio::test]
async fn what_fires_and_ends_in_one_payload_wakes_nobody_and_stays_on_record() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        let fires = alert(
            "Slow",
            CHECKOUT,
            AlertKind::Firing,
            w.clock.now().plus_ms(240_000),
        );
        let ended = alert("Slow", CHECKOUT, AlertKind::Resolved, w.clock.now());
        w.engine.take(vec![fires, ended]).await.unwrap();
        w.advance_secs(600).await;
        assert!(w.platform.pages().is_empty(), "{:?}", w.platform.pages());
        assert_eq!(w.kinds(1).await, ["opened", "paged", "cleared", "resolved"]);
        let rows = w.deliveries(1).await;
        let page = rows.iter().find(|r| r.lane == Lane::Page).unwrap();
        assert_eq!(
            (page.state, page.error.as_str()),
            (Delivery::Withdrawn, "resolved by firebell")
        );
    })
    .await;
}

#[tokio::test]
async fn lines_keep_their_order_through_trouble() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        w.fire("Down", MAJOR).await;
        let before = w.platform.lines("room-of-1").len();
        w.platform.mood(Mood::Refuses(down()));
        for n in 0..5 {
            w.tell(
                1,
                Command::Note {
                    by: person("ana"),
                    text: format!("note {n}"),
                    happened_at: None,
                },
            )
            .await;
        }
        w.platform.mood(Mood::Well);
        w.advance_secs(120).await;
        let lines = w.platform.lines("room-of-1");
        let numbers: Vec<usize> = (0..5)
            .map(|n| {
                lines
                    .iter()
                    .position(|l| l.contains(&format!("note {n}")))
                    .unwrap()
            })
            .collect();
        assert!(
            numbers.is_sorted() && lines.len() == before + 5,
            "{lines:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_backlog_of_card_changes_collapses_to_the_current_state() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        w.fire("Slow", CHECKOUT).await;
        let before = w.platform.cards("#web").len();
        w.platform.mood(Mood::Refuses(down()));
        for sev in [0, 1, 0, 1, 0] {
            w.tell(
                1,
                Command::SetSeverity {
                    by: person("ana"),
                    to: firebell::core::id::Severity(sev),
                },
            )
            .await;
        }
        w.platform.mood(Mood::Well);
        w.advance_secs(120).await;
        let cards = w.platform.cards("#web");
        assert!(cards.len() <= before + 2, "{cards:?}");
        assert_eq!(cards.last(), Some(&w.incident(1).await.seq));
    })
    .await;
}

#[tokio::test]
async fn the_same_click_twice_has_one_effect() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        w.fire("Slow", CHECKOUT).await;
        let click = || {
            w.engine.submit(
                "click:1",
                IncidentId(1),
                Command::Acknowledge { by: person("ana") },
            )
        };
        let (first, second) = tokio::join!(click(), click());
        let (first, second) = (first.unwrap(), second.unwrap());
        assert_eq!(
            (first.seq, first.repeated, second.repeated),
            (second.seq, false, true)
        );
        let other = w
            .engine
            .submit(
                "click:2",
                IncidentId(1),
                Command::Acknowledge { by: person("bo") },
            )
            .await;
        assert!(
            matches!(
                other,
                Err(Failure::Refused(Refusal::AlreadyAcknowledged { .. }))
            ),
            "{other:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_quiet_alert_pages_nobody_and_keeps_its_reason() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        w.fire("Info", &[("severity", "none")]).await;
        assert!(w.platform.pages().is_empty());
        let rows = w
            .engine
            .store()
            .alerts(&firebell::store::AlertQuery {
                limit: 10,
                ..Default::default()
            })
            .await
            .unwrap();
        assert_eq!(
            (rows[0].incident, rows[0].why.as_str()),
            (None, "quiet: route default/noise pages nobody")
        );
    })
    .await;
}

#[tokio::test]
async fn an_alert_no_policy_applies_to_still_alarms_the_catch_all() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        w.fire("Stray", &[("severity", "warning")]).await;
        assert_eq!(w.platform.pages(), ["dee"]);
    })
    .await;
}

#[tokio::test]
async fn an_older_process_on_the_same_database_is_fenced_and_answers_that_it_cannot_store() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        let old = w.engine.clone();
        w.kill_and_restart().await;
        let late = alert(
            "Slow",
            CHECKOUT,
            AlertKind::Firing,
            w.clock.now().plus_ms(240_000),
        );
        assert!(matches!(
            old.take(vec![late]).await,
            Err(Failure::Unavailable(_))
        ));
        assert!(old.fenced());
    })
    .await;
}

/// The desk has a thread of its own here, as in the real program: what it answers first is seen first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_an_answer_finds_what_it_says() {
    let database = super::store::databases().await.remove(0);
    let w = World::on(&database.url).await;
    w.fire("Slow", CHECKOUT).await;
    for n in 0..300 {
        let note = Command::Note {
            by: person("ana"),
            text: format!("note {n}"),
            happened_at: None,
        };
        let cause = format!("note:{n}");
        let done = w.engine.submit(&cause, IncidentId(1), note).await.unwrap();
        let seen = w.incident(1).await.seq;
        assert!(
            seen >= done.seq,
            "answered {}, then {seen} was read",
            done.seq
        );
    }
}

#[tokio::test]
async fn a_line_that_is_refused_costs_that_line_and_not_the_room() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        w.fire("Down", MAJOR).await;
        let rooms = async || {
            let kinds = w.kinds(1).await;
            kinds.iter().filter(|k| **k == "room_opened").count()
        };
        assert_eq!(rooms().await, 1);
        w.platform.mood(Mood::Refuses(Fault {
            why: "the words are too long".to_owned(),
            retry: Retry::Never,
        }));
        let note = Command::Note {
            by: person("ana"),
            text: "long words".to_owned(),
            happened_at: None,
        };
        w.tell(1, note).await;
        w.platform.mood(Mood::Well);
        w.advance_secs(60).await;
        let kinds = w.kinds(1).await;
        assert!(kinds.contains(&"place_failed"), "it is told: {kinds:?}");
        assert_eq!(rooms().await, 1, "the room is still there: {kinds:?}");
    })
    .await;
}
