//! Subscribers of the files: webhooks, channels, cadence; through failures and crashes.

use super::{everybody, inside, telling};
use crate::store::on_both;
use crate::world::{World, person};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use bytes::Bytes;
use firebell::core::directory::{ConductRules, ContactKind, Directory};
use firebell::core::id::{Actor, IncidentId, Severity};
use firebell::core::incident::{Audience, Command, ConductCommand};
use firebell::core::subscribe::{Subscriber, Topics, Via};
use std::sync::{Arc, Mutex};

type Got = Arc<Mutex<(bool, Vec<(HeaderMap, serde_json::Value)>)>>;

async fn take(State(got): State<Got>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut got = got.lock().unwrap();
    if !got.0 {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    got.1
        .push((headers, serde_json::from_slice(&body).unwrap()));
    StatusCode::OK
}

/// A receiver that takes everything, or says 503.
async fn receiver() -> (String, Got) {
    let got: Got = Arc::new(Mutex::new((true, Vec::new())));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/in", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/in", post(take))
        .with_state(got.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, got)
}

fn told_by(directory: &mut Directory, name: &str, via: Via, audience: Audience) {
    directory.subscribers.push(Arc::new(Subscriber {
        id: format!("file:{name}"),
        via,
        audience,
        topics: Topics::default(),
        private: false,
    }));
}

async fn world(database: &str, url: &str) -> World {
    let mut directory = telling();
    directory.webhooks.insert(
        "crm".to_owned(),
        ContactKind::Webhook {
            url: url.to_owned().into(),
            secret: Some("shared".to_owned().into()),
        },
    );
    told_by(
        &mut directory,
        "inside",
        Via::Webhook("crm".to_owned()),
        Audience::Internal,
    );
    told_by(
        &mut directory,
        "outside",
        Via::Webhook("crm".to_owned()),
        Audience::Public,
    );
    told_by(
        &mut directory,
        "support",
        Via::Channel("support".to_owned()),
        Audience::Internal,
    );
    World::with(database, directory).await
}

fn texts(got: &Got) -> Vec<String> {
    let got = got.lock().unwrap();
    got.1
        .iter()
        .map(|(_, body)| body["text"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn each_subscriber_is_told_once_by_their_way_and_only_what_they_may_read() {
    on_both(async |database| {
        let (url, got) = receiver().await;
        let mut w = world(&database.url, &url).await;
        w.fire("A", &[("service", "checkout")]).await;
        inside(&w, 1, Some("investigating"), "the pool is full").await;
        assert_eq!(
            texts(&got),
            ["the pool is full"],
            "nobody outside hears of it"
        );
        let first = got.lock().unwrap().1[0].clone();
        assert_eq!(first.1["status"], "investigating");
        assert_eq!(first.1["incident"], 1);
        let stamp = first.0["firebell-timestamp"].to_str().unwrap();
        assert!(
            first.0["firebell-signature"]
                .to_str()
                .unwrap()
                .starts_with("v1=")
                && !stamp.is_empty()
        );
        w.kill_and_restart().await;
        w.kill_and_restart().await;
        assert_eq!(texts(&got).len(), 1, "told once, whatever crashed");
        assert_eq!(w.platform.lines("#support").len(), 1);
        assert!(w.platform.lines("#support")[0].contains("the pool is full"));
        everybody(&w, 1, "monitoring", "Payments are slow", "It works again.").await;
        let bodies = got.lock().unwrap().1.clone();
        assert_eq!(bodies.len(), 3);
        let outside = bodies
            .iter()
            .find(|(_, b)| b["key"].as_str().unwrap().ends_with("file:outside"));
        let outside = &outside.unwrap().1;
        assert_eq!(outside["title"], "Payments are slow");
        assert!(outside["incident"].is_null() && outside["severity"].is_null());
        assert!(
            !outside.to_string().contains("is bad") && !outside.to_string().contains("checkout")
        );
        let rows = w.engine.tellings(Some(IncidentId(1)), 50).await.unwrap();
        assert!(rows.iter().all(|(_, r)| r.state == "done"), "{rows:?}");
    })
    .await;
}

#[tokio::test]
async fn after_an_outage_the_newest_is_sent_and_what_it_replaces_is_marked() {
    on_both(async |database| {
        let (url, got) = receiver().await;
        let mut w = world(&database.url, &url).await;
        got.lock().unwrap().0 = false;
        w.fire("A", &[("service", "checkout")]).await;
        for text in ["one", "two", "three"] {
            inside(&w, 1, None, text).await;
            w.advance_secs(20).await;
        }
        let rows = w.engine.tellings(Some(IncidentId(1)), 50).await.unwrap();
        let waiting = rows
            .iter()
            .find(|(n, r)| n.starts_with("inside") && r.state == "waiting");
        assert!(waiting.unwrap().1.error.contains("503"), "{rows:?}");
        w.kill_and_restart().await;
        got.lock().unwrap().0 = true;
        w.advance_secs(120).await;
        assert_eq!(texts(&got), ["three"]);
        let rows = w.engine.tellings(Some(IncidentId(1)), 50).await.unwrap();
        let mine = |state: &str| {
            rows.iter()
                .filter(|(n, r)| n.starts_with("inside") && r.state == state)
                .count()
        };
        assert_eq!(
            (mine("done"), mine("passed"), mine("waiting")),
            (1, 2, 0),
            "{rows:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_receiver_that_refuses_is_given_up_with_its_reason_and_pages_leave_meanwhile() {
    let mut w = world("sqlite::memory:", "http://127.0.0.1:1/nobody").await;
    w.fire("A", &[("service", "checkout")]).await;
    inside(&w, 1, None, "we look into it").await;
    assert!(
        w.platform.pages().contains(&"ana".to_owned()),
        "a page waits for no subscriber"
    );
    for _ in 0..40 {
        w.advance_secs(61).await;
    }
    let rows = w.engine.tellings(Some(IncidentId(1)), 50).await.unwrap();
    let failed = rows.iter().find(|(n, _)| n.starts_with("inside")).unwrap();
    assert_eq!(
        (failed.1.state.as_str(), failed.1.attempts),
        ("failed", 20),
        "{rows:?}"
    );
    assert!(
        !failed.1.error.is_empty() && !failed.1.error.contains("nobody"),
        "the address is in no error"
    );
    w.configure(|d| d.subscribers.clear()).await;
}

/// Ana has the first incident and leads it.
async fn leading(w: &World) -> Actor {
    let ana = person("ana");
    w.tell(1, Command::Acknowledge { by: ana.clone() }).await;
    let lead = Command::Lead {
        by: ana.clone(),
        lead: ana.clone(),
    };
    w.tell(1, lead).await;
    ana
}

#[tokio::test]
async fn an_update_that_is_due_is_asked_of_who_leads_once_whatever_crashed() {
    on_both(async |database| {
        let mut directory = telling();
        directory.updates.every.insert(Severity(1), 1_800_000);
        let mut w = World::with(&database.url, directory).await;
        w.fire("A", &[("service", "checkout")]).await;
        let ana = leading(&w).await;
        let asked = |w: &World| {
            let said = w.platform.said.lock().unwrap();
            said.iter()
                .filter(|s| format!("{s:?}").contains("An update is due"))
                .count()
        };
        w.advance_secs(1799).await;
        assert_eq!(asked(&w), 0);
        w.advance_secs(1).await;
        assert_eq!(asked(&w), 1);
        w.kill_and_restart().await;
        w.kill_and_restart().await;
        assert_eq!(asked(&w), 1, "told once");
        inside(&w, 1, None, "we look into it").await;
        w.advance_secs(1799).await;
        assert_eq!(asked(&w), 1);
        w.advance_secs(1).await;
        assert_eq!(asked(&w), 2);
        w.tell(1, Command::Resolve { by: ana }).await;
        w.advance_secs(7200).await;
        assert_eq!(asked(&w), 2, "nobody is reminded once it is over");
    })
    .await;
}

#[tokio::test]
async fn an_update_that_is_due_is_asked_of_who_has_communications_before_who_leads() {
    on_both(async |database| {
        let mut directory = telling();
        directory.updates.every.insert(Severity(1), 1_800_000);
        directory.conduct = Arc::new(ConductRules::shipped());
        let mut w = World::with(&database.url, directory).await;
        w.fire("A", &[("service", "checkout")]).await;
        let ana = leading(&w).await;
        let asked = |w: &World, who: &str| {
            let said = w.platform.lines(&format!("@{who}")).into_iter();
            said.filter(|l| l.contains("An update is due")).count()
        };
        w.advance_secs(1800).await;
        assert_eq!((asked(&w, "ana"), asked(&w, "bo")), (1, 0));
        let role = "communications".to_owned();
        let give = ConductCommand::GiveRole {
            by: ana.clone(),
            role: role.clone(),
            to: person("bo"),
            ask: false,
        };
        w.tell(1, Command::Conduct(give)).await;
        w.kill_and_restart().await;
        w.advance_secs(1800).await;
        assert_eq!(
            (asked(&w, "ana"), asked(&w, "bo")),
            (1, 1),
            "whoever leads is left alone"
        );
        let release = ConductCommand::ReleaseRole {
            by: ana,
            role,
            who: None,
        };
        w.tell(1, Command::Conduct(release)).await;
        w.advance_secs(1800).await;
        assert_eq!((asked(&w, "ana"), asked(&w, "bo")), (2, 1));
    })
    .await;
}
