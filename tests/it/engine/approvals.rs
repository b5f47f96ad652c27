//! Who agrees, through several doors at once.

use super::*;
use firebell::core::directory::Need;
use firebell::core::incident::Ask;
use std::sync::Arc;

/// A world in which `restart` needs so many people of the directory beside who asks, who is Ana.
async fn asked(url: &str, count: u8) -> World {
    let mut directory = super::super::world::directory();
    let mut restart = (*directory.actions["restart"]).clone();
    restart.approval.required = vec![Need {
        roles: Vec::new(),
        count,
    }];
    directory
        .actions
        .insert("restart".to_owned(), Arc::new(restart));
    let w = World::with(url, directory).await;
    w.fire("Down", MAJOR).await;
    let action = w.directory.actions["restart"].clone();
    let ask = Command::AskRun {
        by: person("ana"),
        run: RunId(1),
        action,
        args: BTreeMap::new(),
        ask: Ask::default(),
    };
    w.tell(1, ask).await;
    w
}

/// Somebody agrees through a door, with what they saw.
fn agrees(w: &World, who: &str, door: &str) -> impl Future<Output = Result<(), Failure>> + use<> {
    let (engine, cause) = (w.engine.clone(), format!("{door}:{who}:yes"));
    let command = Command::Through {
        door: door.to_owned(),
        seen: None,
        command: Box::new(Command::ApproveRun {
            by: person(who),
            run: RunId(1),
        }),
    };
    async move {
        engine
            .submit(&cause, IncidentId(1), command)
            .await
            .map(drop)
    }
}

fn refuses(w: &World, who: &str, door: &str) -> impl Future<Output = Result<(), Failure>> + use<> {
    let (engine, cause) = (w.engine.clone(), format!("{door}:{who}:no"));
    let command = Command::RejectRun {
        by: person(who),
        run: RunId(1),
    };
    async move {
        engine
            .submit(&cause, IncidentId(1), command)
            .await
            .map(drop)
    }
}

async fn count(w: &World, kind: &str) -> usize {
    w.kinds(1).await.iter().filter(|k| **k == kind).count()
}

#[tokio::test]
async fn two_who_agree_at_once_through_two_doors_make_one_quorum_and_one_release() {
    on_both(async |database| {
        let w = asked(&database.url, 2).await;
        let (slack, console) = tokio::join!(agrees(&w, "bo", "slack"), agrees(&w, "cy", "console"));
        assert!(slack.is_ok() && console.is_ok(), "{slack:?} {console:?}");
        w.settle().await;
        assert_eq!(count(&w, "run_approved").await, 2);
        assert_eq!(count(&w, "run_released").await, 1);
    })
    .await;
}

#[tokio::test]
async fn of_two_who_agree_at_once_where_one_is_enough_the_second_is_told() {
    on_both(async |database| {
        let w = asked(&database.url, 1).await;
        let (slack, console) = tokio::join!(agrees(&w, "bo", "slack"), agrees(&w, "cy", "console"));
        let late = match (slack, console) {
            (Ok(()), Err(late)) | (Err(late), Ok(())) => late,
            both => panic!("one of them agrees and one is late: {both:?}"),
        };
        assert!(late.to_string().contains("already released"), "{late}");
        w.settle().await;
        assert_eq!(count(&w, "run_released").await, 1);
        assert_eq!(count(&w, "run_approved").await, 1);
    })
    .await;
}

#[tokio::test]
async fn one_person_who_agrees_on_two_platforms_counts_once() {
    on_both(async |database| {
        let w = asked(&database.url, 2).await;
        let (slack, discord) = tokio::join!(agrees(&w, "bo", "slack"), agrees(&w, "bo", "discord"));
        assert!(slack.is_ok() != discord.is_ok(), "{slack:?} {discord:?}");
        assert_eq!(count(&w, "run_approved").await, 1);
        assert_eq!(count(&w, "run_released").await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_yes_and_a_no_at_once_are_one_of_the_two_and_never_both() {
    on_both(async |database| {
        let w = asked(&database.url, 1).await;
        let (yes, no) = tokio::join!(agrees(&w, "bo", "slack"), refuses(&w, "cy", "console"));
        assert!(yes.is_ok() != no.is_ok(), "{yes:?} {no:?}");
        w.settle().await;
        assert_eq!(count(&w, "run_released").await, usize::from(yes.is_ok()));
        assert_eq!(count(&w, "run_rejected").await, usize::from(no.is_ok()));
    })
    .await;
}

#[tokio::test]
async fn a_yes_while_the_request_lapses_is_too_late() {
    on_both(async |database| {
        let w = asked(&database.url, 1).await;
        w.clock.advance_ms(900_000);
        let (yes, ()) = tokio::join!(agrees(&w, "bo", "slack"), w.settle());
        let why = yes.unwrap_err().to_string();
        assert!(why.contains("lapsed"), "{why}");
        assert_eq!(count(&w, "run_expired").await, 1);
        assert_eq!(count(&w, "run_released").await, 0);
    })
    .await;
}

#[tokio::test]
async fn what_is_asked_and_answered_and_refused_stands_in_the_audit() {
    on_both(async |database| {
        let w = asked(&database.url, 1).await;
        let own = agrees(&w, "ana", "slack").await.unwrap_err();
        assert!(own.to_string().contains("cannot approve it"), "{own}");
        agrees(&w, "bo", "slack").await.unwrap();
        while w
            .engine
            .store()
            .run(RunId(1))
            .await
            .unwrap()
            .is_none_or(|r| r.ended_at.is_none())
        {
            tokio::task::yield_now().await;
        }
        while count(&w, "run_ended").await == 0 {
            tokio::task::yield_now().await;
        }
        let entries = w.engine.store().audit_after(0, 100).await.unwrap();
        let told: Vec<(&str, &str)> = entries
            .iter()
            .filter(|e| e.kind != "run_started")
            .map(|e| (e.kind.as_str(), e.who.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("run_asked", "person:ana"),
                ("refused", "person:ana"),
                ("run_approved", "person:bo"),
                ("run_released", "firebell"),
                ("run_ended", "firebell"),
            ]
        );
        let refused = &entries[1];
        assert!(refused.text.contains("cannot approve it"), "{refused:?}");
        assert_eq!((refused.incident, refused.run), (Some(1), Some(1)));
        assert!(
            entries[0].detail.contains("\"verdict\""),
            "{:?}",
            entries[0]
        );
    })
    .await;
}
