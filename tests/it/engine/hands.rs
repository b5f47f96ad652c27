//! Incidents change hands: on both databases, with what follows outside.

use super::{CHECKOUT, MAJOR, World, on_both, person};
use firebell::core::directory::{Directory, Target};
use firebell::core::id::IncidentId;
use firebell::core::incident::{Command, Event, Refusal, Status};
use firebell::engine::Failure;

/// Half a year, in days.
const HALF_A_YEAR: i64 = 183;

fn refused(result: Result<firebell::engine::Done, Failure>) -> String {
    match result.unwrap_err() {
        Failure::Refused(why) => why.to_string(),
        other @ Failure::Unavailable(_) => panic!("{other}"),
    }
}

#[tokio::test]
async fn an_acknowledged_incident_wakes_nobody_for_half_a_year() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        w.fire("Slow", CHECKOUT).await;
        w.tell(1, Command::Acknowledge { by: person("ana") }).await;
        for day in 0..HALF_A_YEAR {
            w.advance_secs(86_400).await;
            if day % 60 == 0 {
                w.kill_and_restart().await;
            }
        }
        assert_eq!(w.platform.pages(), ["ana"]);
        assert_eq!(w.incident(1).await.status, Status::Acknowledged);
        assert_eq!(
            w.deliveries(1)
                .await
                .iter()
                .filter(|d| d.lane == firebell::store::Lane::Page)
                .count(),
            1
        );
    })
    .await;
}

#[tokio::test]
async fn giving_back_pages_again_and_the_second_is_told_who_was_faster() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        w.fire("Slow", CHECKOUT).await;
        w.tell(1, Command::Acknowledge { by: person("ana") }).await;
        let give = |who: &'static str| {
            let by = person(who);
            w.engine
                .submit(who, IncidentId(1), Command::Unacknowledge { by })
        };
        let (first, second) = tokio::join!(give("ana"), give("bo"));
        assert_eq!(
            [first.is_ok(), second.is_ok()]
                .iter()
                .filter(|ok| **ok)
                .count(),
            1
        );
        let (winner, loser) = if first.is_ok() {
            ("ana", second)
        } else {
            ("bo", first)
        };
        assert!(refused(loser).contains(&format!("{winner} let it page again")));
        w.settle().await;
        assert_eq!(w.platform.pages(), ["ana", "ana"]);
        w.advance_secs(300).await;
        assert_eq!(
            w.platform.pages(),
            ["ana", "ana", "bo"],
            "the ladder goes on"
        );
    })
    .await;
}

#[tokio::test]
async fn two_who_resolve_or_reopen_at_once_get_one_act_and_one_name() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        w.fire("Slow", CHECKOUT).await;
        let resolve = async |who: &'static str| {
            let by = person(who);
            w.engine
                .submit(&format!("r:{who}"), IncidentId(1), Command::Resolve { by })
                .await
        };
        resolve("ana").await.unwrap();
        assert!(refused(resolve("bo").await).contains("ana has resolved it already"));
        let reopen = async |who: &'static str| {
            let by = person(who);
            w.engine
                .submit(&format!("o:{who}"), IncidentId(1), Command::Reopen { by })
                .await
        };
        reopen("bo").await.unwrap();
        assert!(refused(reopen("ana").await).contains("bo was the last to act"));
        w.settle().await;
        assert_eq!(w.platform.pages(), ["ana", "ana"]);
        assert_eq!(w.incident(1).await.status, Status::Triggered);
        w.clear("Slow", CHECKOUT).await;
        assert_eq!(
            w.incident(1).await.status,
            Status::Resolved,
            "its alert still belongs to it"
        );
    })
    .await;
}

#[tokio::test]
async fn a_snooze_pressed_on_an_old_card_is_told_who_has_it() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        w.fire("Slow", CHECKOUT).await;
        let seen = w.incident(1).await.seq;
        w.tell(1, Command::Acknowledge { by: person("bo") }).await;
        let until = w.clock.now().plus_secs(1800);
        let late = Command::AsOf {
            seq: seen,
            command: Box::new(Command::Snooze {
                by: person("ana"),
                until,
            }),
        };
        let said = refused(w.engine.submit("late", IncidentId(1), late).await);
        assert!(said.contains("bo acknowledged it"), "{said}");
        assert_eq!(w.incident(1).await.snoozed_until, None);
    })
    .await;
}

#[tokio::test]
async fn an_incident_whose_group_went_on_is_not_opened_twice() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        w.fire("Slow", CHECKOUT).await;
        w.clear("Slow", CHECKOUT).await;
        w.fire("Slow", CHECKOUT).await;
        let by = person("ana");
        let said = refused(
            w.engine
                .submit("again", IncidentId(1), Command::Reopen { by })
                .await,
        );
        assert!(said.contains("#2 of the same group is open"), "{said}");
    })
    .await;
}

#[tokio::test]
async fn whoever_it_is_given_to_is_paged_until_they_have_it() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        w.fire("Slow", CHECKOUT).await;
        w.tell(1, Command::Acknowledge { by: person("ana") }).await;
        let give = |id: &str| Command::Reassign {
            by: person("ana"),
            target: Target::Person(id.to_owned()),
        };
        w.tell(1, give("bo")).await;
        assert_eq!(w.platform.pages(), ["ana", "bo"]);
        assert_eq!(
            w.incident(1).await.status,
            Status::Triggered,
            "not acknowledged until they do"
        );
        w.advance_secs(300).await;
        assert_eq!(
            w.platform.pages(),
            ["ana", "bo", "bo"],
            "the ladder rests with them"
        );
        w.advance_secs(300).await;
        w.advance_secs(300).await;
        assert_eq!(
            w.platform.pages(),
            ["ana", "bo", "bo", "bo", "dee"],
            "and is not lost with them"
        );
        w.tell(1, Command::Acknowledge { by: person("bo") }).await;
        let nobody = w.engine.submit("cy", IncidentId(1), give("cy")).await;
        assert!(refused(nobody).contains("has no contact"));
        assert_eq!(
            w.incident(1).await.status,
            Status::Acknowledged,
            "it stays where it is"
        );
    })
    .await;
}

#[tokio::test]
async fn merged_incidents_go_on_as_one_with_all_their_alerts() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        w.fire("Slow", CHECKOUT).await;
        w.fire("Down", MAJOR).await;
        let (one, two) = (IncidentId(1), IncidentId(2));
        let done = w.engine.merge("m", one, two, person("ana")).await.unwrap();
        w.settle().await;
        assert_eq!(done.incident, two);
        assert_eq!(
            w.engine
                .merge("m", one, two, person("ana"))
                .await
                .unwrap()
                .seq,
            done.seq
        );
        let (closed, goes_on) = (w.incident(1).await, w.incident(2).await);
        assert_eq!(
            (closed.status, closed.merged_into),
            (Status::Resolved, Some(two))
        );
        assert_eq!((goes_on.alerts, goes_on.firing.len()), (2, 2));
        w.kill_and_restart().await;
        let another = [
            ("service", "checkout"),
            ("severity", "warning"),
            ("pod", "b"),
        ];
        w.fire("Slow", &another).await;
        assert_eq!(
            w.incident(2).await.firing.len(),
            3,
            "later ones of its group join as well"
        );
        w.clear("Slow", CHECKOUT).await;
        w.clear("Slow", &another).await;
        assert_eq!(w.incident(2).await.status, Status::Triggered);
        w.clear("Down", MAJOR).await;
        assert_eq!(
            w.incident(2).await.status,
            Status::Resolved,
            "the last of all ends it"
        );
        let query = firebell::store::AlertQuery {
            incident: Some(two),
            limit: 10,
            ..Default::default()
        };
        let rows = w.engine.store().alerts(&query).await.unwrap();
        assert_eq!(rows.len(), 3);
        let by = person("bo");
        let said = refused(w.engine.submit("x", one, Command::Reopen { by }).await);
        assert!(said.contains("merged into #2"), "{said}");
    })
    .await;
}

#[tokio::test]
async fn a_merge_that_cannot_be_changes_neither() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        w.fire("Slow", CHECKOUT).await;
        w.fire("Down", CHECKOUT).await;
        w.tell(2, Command::Resolve { by: person("bo") }).await;
        let (one, two) = (IncidentId(1), IncidentId(2));
        let before = (w.journal(1).await, w.journal(2).await);
        for (from, into) in [(one, two), (two, one), (one, one), (one, IncidentId(9))] {
            assert!(
                w.engine
                    .merge("m", from, into, person("ana"))
                    .await
                    .is_err(),
                "{from} {into}"
            );
        }
        assert_eq!((w.journal(1).await, w.journal(2).await), before);
    })
    .await;
}

#[tokio::test]
async fn an_incident_that_is_forgotten_resolves_itself_and_not_while_it_fires() {
    on_both(async |database| {
        let mut directory: Directory = super::super::world::directory();
        let service = directory.services.get_mut("checkout").unwrap();
        service.auto_resolve = false;
        service.auto_resolve_after_ms = Some(4 * 3_600_000);
        let mut w = World::with(&database.url, directory).await;
        w.fire("Slow", CHECKOUT).await;
        w.tell(1, Command::Acknowledge { by: person("ana") }).await;
        w.advance_secs(86_400).await;
        assert_eq!(
            w.incident(1).await.status,
            Status::Acknowledged,
            "it still fires"
        );
        w.clear("Slow", CHECKOUT).await;
        w.clock.advance_ms(2 * 3_600_000);
        w.kill_and_restart().await;
        assert_eq!(w.incident(1).await.status, Status::Acknowledged);
        w.advance_secs(2 * 3600).await;
        assert_eq!(w.incident(1).await.status, Status::Resolved);
        let journal = w.journal(1).await;
        let Event::Resolved { why, .. } = &journal.last().unwrap().event else {
            panic!("{journal:?}");
        };
        assert_eq!(why, "nothing has happened for 4h");
        assert!(matches!(
            w.engine
                .submit("late", IncidentId(1), Command::Resolve { by: person("bo") })
                .await,
            Err(Failure::Refused(Refusal::AlreadyResolved))
        ));
    })
    .await;
}
