//! The queue of what leaves: tried again, shown with its reason, never in the way.

use super::forges::Stand;
use super::repository::net;
use crate::halt::Halt;
use crate::store::on_both;
use crate::world::{World, person};
use firebell::config::postmortem::{Export, ExportKind, Forge};
use firebell::core::id::IncidentId;
use firebell::core::postmortem::{Act, Priority, Stage};
use firebell::share::Places;

const CHECKOUT: &[(&str, &str)] = &[("service", "checkout"), ("severity", "warning")];
const ONE: IncidentId = IncidentId(1);

fn places(base: &str) -> Places {
    let export = Export {
        name: "web".to_owned(),
        net: net(base),
        token: Some("s3cret-token".to_owned().into()),
        kind: ExportKind::Issues {
            documents: false,
            forge: Forge::Github,
            project: "acme/web".to_owned(),
        },
    };
    Places::new(&[export], std::path::Path::new("/nowhere")).unwrap()
}

async fn with_item(w: &World) {
    w.fire("Slow", CHECKOUT).await;
    w.clear("Slow", CHECKOUT).await;
    let item = Act::Item {
        id: None,
        what: "Alert on the pool".to_owned(),
        owner: Some("bo".to_owned()),
        due: None,
        priority: Priority::High,
        link: String::new(),
    };
    w.engine.amend(ONE, item, &person("ana")).await.unwrap();
}

#[tokio::test]
async fn a_failed_export_is_tried_again_across_a_crash_and_never_blocks_closing() {
    on_both(async |database| {
        let stand = Stand::default();
        let base = stand.serve().await;
        let mut w = World::on(&database.url).await;
        w.engine.share_through(places(&base));
        with_item(&w).await;
        stand.0.lock().unwrap().trouble = Some((503, "60"));
        w.engine
            .export(ONE, "web", "item:1", &person("ana"))
            .await
            .unwrap();
        w.settle().await;
        let rows = w.engine.store().exports(ONE).await.unwrap();
        assert_eq!((rows[0].state.as_str(), rows[0].attempts), ("waiting", 1));
        assert!(rows[0].error.contains("503"), "{rows:?}");
        // Closing waits for nothing.
        let own = Act::Own {
            person: Some("bo".to_owned()),
        };
        let steps = [Stage::InReview, Stage::Reviewed, Stage::Closed].map(|to| Act::Move { to });
        for act in [own].into_iter().chain(steps) {
            w.engine.amend(ONE, act, &person("bo")).await.unwrap();
        }
        w.kill_and_restart().await;
        w.engine.share_through(places(&base));
        stand.0.lock().unwrap().trouble = None;
        w.advance_secs(59).await;
        assert!(
            stand.0.lock().unwrap().issues.is_empty(),
            "not before Retry-After"
        );
        w.advance_secs(1).await;
        let rows = w.engine.store().exports(ONE).await.unwrap();
        assert_eq!(
            (rows[0].state.as_str(), rows[0].error.as_str()),
            ("done", "")
        );
        assert!(rows[0].url.ends_with("/issues/1"), "{rows:?}");
        let read = w.engine.postmortem(ONE).await.unwrap().unwrap();
        let external = read.written.items[0].external.clone().expect("an issue");
        assert_eq!(
            (external.tracker.as_str(), external.state.as_str()),
            ("web", "open")
        );
        // Done there is done here, once somebody asks.
        stand.close_issue(&serde_json::json!({"state": "closed"}));
        w.engine
            .export(ONE, "web", "item:1", &person("ana"))
            .await
            .unwrap();
        w.settle().await;
        let read = w.engine.postmortem(ONE).await.unwrap().unwrap();
        assert!(read.written.items[0].done_at.is_some());
        assert_eq!(stand.0.lock().unwrap().issues.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_no_repetition_mends_stands_as_failed_until_somebody_asks_again() {
    on_both(async |database| {
        let stand = Stand::default();
        let base = stand.serve().await;
        let w = World::on(&database.url).await;
        w.engine.share_through(places(&base));
        with_item(&w).await;
        for (target, what) in [
            ("nowhere", "item:1"),
            ("web", "item:9"),
            ("web", "document"),
        ] {
            let refused = w.engine.export(ONE, target, what, &person("ana")).await;
            assert!(refused.is_err(), "{target} {what}");
        }
        w.engine
            .export(ONE, "web", "item:1", &person("ana"))
            .await
            .unwrap();
        // The operator takes the place away before it leaves.
        w.engine.share_through(Places::default());
        w.settle().await;
        let rows = w.engine.store().exports(ONE).await.unwrap();
        assert_eq!(rows[0].state, "failed");
        assert!(rows[0].error.contains("[export.web]"), "{rows:?}");
        w.engine.share_through(places(&base));
        w.engine
            .export(ONE, "web", "item:1", &person("ana"))
            .await
            .unwrap();
        w.settle().await;
        let rows = w.engine.store().exports(ONE).await.unwrap();
        assert_eq!(rows[0].state, "done");
    })
    .await;
}

/// Whether the stand-in stopped before everything had come to rest.
async fn stopped(w: &World, stand: &Stand) -> bool {
    let halted = async {
        while !stand.0.lock().unwrap().halt.met() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = w.settle() => false,
        () = halted => true,
    }
}

#[tokio::test]
async fn an_export_that_is_killed_at_any_call_is_there_once() {
    for done in [false, true] {
        let mut calls = 0;
        loop {
            let folder = tempfile::tempdir().unwrap();
            let url = format!("sqlite:{}", folder.path().join("firebell.db").display());
            let stand = Stand::default();
            let base = stand.serve().await;
            let mut w = World::on(&url).await;
            w.engine.share_through(places(&base));
            with_item(&w).await;
            stand.0.lock().unwrap().halt = Halt::after(calls, done);
            let sent = w.engine.export(ONE, "web", "item:1", &person("ana")).await;
            sent.unwrap();
            let died = stopped(&w, &stand).await;
            stand.0.lock().unwrap().halt = Halt::default();
            if died {
                let rows = w.engine.store().exports(ONE).await.unwrap();
                assert_eq!(rows[0].state, "waiting", "call {calls}: it is kept");
                w.kill_and_restart().await;
                w.engine.share_through(places(&base));
                w.settle().await;
            }
            let rows = w.engine.store().exports(ONE).await.unwrap();
            assert_eq!(rows[0].state, "done", "call {calls}: {rows:?}");
            let issues = stand.0.lock().unwrap().issues.len();
            assert_eq!(issues, 1, "call {calls}");
            let read = w.engine.postmortem(ONE).await.unwrap().unwrap();
            let external = read.written.items[0].external.clone();
            assert!(external.is_some_and(|e| e.url.ends_with("/issues/1")));
            if !died {
                break;
            }
            calls += 1;
        }
        assert!(calls >= 2, "it looks before it makes: {calls} calls");
    }
}
