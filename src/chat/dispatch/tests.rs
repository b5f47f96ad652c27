//! Lines and buttons against a real engine on an embedded database, with a clock that stands still.

use super::{Reply, perform, press};
use crate::chat::Press;
use crate::chat::fixture::{ana, at, directory};
use crate::core::id::{Actor, IncidentId, RunId};
use crate::core::incident::{Incident, Status};
use crate::engine::{Clock, Engine, Options};
use crate::metrics::Metrics;
use crate::store::Store;
use std::sync::Arc;

struct World {
    engine: Engine,
    _scratch: tempfile::TempDir,
}

impl World {
    async fn new() -> World {
        let scratch = tempfile::tempdir().unwrap();
        let options = Options {
            clock: Clock::manual(at("2026-11-22T14:30:00Z")),
            scratch: scratch.path().to_owned(),
            public_url: "http://localhost:8080".to_owned(),
            metrics: Arc::new(Metrics::new()),
        };
        let store = Store::open("sqlite::memory:").await.unwrap();
        let engine = Engine::start(store, directory(), options).await.unwrap();
        World {
            engine,
            _scratch: scratch,
        }
    }

    async fn says(&self, who: Actor, here: Option<i64>, text: &str) -> Reply {
        let cause = format!("test:{}:{text}", who.name());
        perform(
            &self.engine,
            who,
            "slack",
            here.map(IncidentId),
            text,
            &cause,
        )
        .await
    }

    /// Ana says it in the room of incident 1, and it works.
    async fn ana(&self, text: &str) -> String {
        let reply = self.says(ana(), Some(1), text).await;
        assert!(reply.ok, "{text}: {}", reply.text);
        reply.text
    }

    async fn incident(&self, id: i64) -> Arc<Incident> {
        self.engine.incident(IncidentId(id)).await.unwrap().unwrap()
    }
}

fn guest() -> Actor {
    Actor::Unlinked {
        id: "slack:U9".to_owned(),
        name: "Kim".to_owned(),
    }
}

fn bo() -> Actor {
    Actor::Person {
        id: "bo".to_owned(),
        name: "Bo Berg".to_owned(),
    }
}

#[tokio::test]
async fn a_declared_incident_is_major_and_its_services_policy_pages_at_once() {
    let w = World::new().await;
    let line = "/fb new sev2 checkout is slow service=checkout";
    let reply = w.says(guest(), None, line).await;
    assert!(reply.ok && reply.room, "{reply:?}");
    assert_eq!(reply.incident, Some(IncidentId(1)));
    assert_eq!(
        reply.text,
        "#1 is open as sev2: checkout is slow. Policy web was started."
    );
    let i = w.incident(1).await;
    assert!(i.major && i.paged.contains_key("ana"));
    assert_eq!(
        (i.team.as_deref(), i.status),
        (Some("web"), Status::Triggered)
    );
    // The same cause again: a platform repeats what it did not hear the answer of.
    let again = w.says(guest(), None, line).await;
    assert_eq!(again.incident, Some(IncidentId(1)));
    assert!(w.engine.incident(IncidentId(2)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_declared_incident_without_a_service_is_its_declarers() {
    let w = World::new().await;
    let text = w.says(ana(), None, "new something is odd").await.text;
    assert!(
        text.contains("#1 is open as sev2") && text.contains("Nobody is paged"),
        "{text}"
    );
    let i = w.incident(1).await;
    assert_eq!(
        (i.status, i.lead.as_ref()),
        (Status::Acknowledged, Some(&ana()))
    );
    assert!(i.major);
}

#[tokio::test]
async fn a_title_too_long_is_kept_whole_on_the_timeline() {
    let w = World::new().await;
    let long = "word ".repeat(100);
    let reply = w.says(ana(), None, &format!("new {long}")).await;
    assert!(
        reply.text.contains("all of it is on the timeline"),
        "{}",
        reply.text
    );
    let journal = w.engine.store().journal(IncidentId(1)).await.unwrap();
    let whole = |r: &crate::core::incident::Record| format!("{:?}", r.event).contains(long.trim());
    assert!(journal.iter().any(whole));
}

#[tokio::test]
async fn a_page_without_an_incident_opens_a_minor_one_for_exactly_that_person() {
    let w = World::new().await;
    let reply = w.says(guest(), None, "page @bo the tills are dead").await;
    assert!(reply.ok && reply.room, "{reply:?}");
    let i = w.incident(1).await;
    assert!(!i.major);
    assert_eq!(i.title, "the tills are dead");
    assert_eq!(i.paged.keys().collect::<Vec<_>>(), ["bo"]);
    assert_eq!(
        (i.ladder.rungs.len(), i.ladder.rungs[0].wait_secs),
        (1, 300)
    );
    assert!(
        reply.text.contains("paged person bo") && reply.text.contains("Bo Berg"),
        "{}",
        reply.text
    );
}

#[tokio::test]
async fn a_page_in_a_room_pages_for_that_incident() {
    let w = World::new().await;
    w.ana("new x").await;
    assert!(
        w.ana("page checkout look please")
            .await
            .contains("paged service checkout")
    );
    // The first step of the service's policy is the schedule, and Ana is on call on it.
    assert_eq!(
        w.incident(1).await.paged.keys().collect::<Vec<_>>(),
        ["ana"]
    );
    assert!(w.ana("page bo").await.contains("Bo Berg"));
}

#[tokio::test]
async fn the_verbs_of_a_response_do_what_they_say() {
    let w = World::new().await;
    w.says(guest(), None, "new x service=checkout").await;
    assert!(w.ana("ack").await.contains("#1 is yours"));
    assert_eq!(w.incident(1).await.acked_by, Some(ana()));
    assert!(w.ana("snooze 30m").await.contains("until Sun 16:00 CET"));
    assert!(w.ana("sev sev3").await.contains("sev3"));
    assert!(w.ana("lead @bo").await.contains("Bo Berg leads #1"));
    w.ana("note at 14:03 we rolled back").await;
    let text = w.ana("resolve").await;
    assert!(
        text.contains("#1 is resolved") && text.contains("postmortem #1"),
        "{text}"
    );
    let late = w.says(ana(), Some(1), "ack #1").await;
    assert!(
        !late.ok && late.text.contains("already resolved"),
        "{late:?}"
    );
    let nowhere = w.says(ana(), None, "resolve 99").await;
    assert_eq!(nowhere.text, "There is no such incident.");
}

#[tokio::test]
async fn a_run_is_asked_for_confirmed_and_refused_in_words() {
    let w = World::new().await;
    w.says(guest(), None, "new x service=checkout").await;
    let bare = w.says(ana(), Some(1), "run restart").await;
    assert!(
        !bare.ok && bare.text.contains("lines=… (one of 10, 100)"),
        "{bare:?}"
    );
    let text = w.ana("run restart lines=10").await;
    assert!(text.contains(r#"["/usr/bin/true", "10"]"#), "{text}");
    let guests = w.says(guest(), Some(1), "approve").await;
    assert!(
        !guests.ok && guests.text.contains("not linked"),
        "{guests:?}"
    );
    assert!(w.ana("approve").await.contains("was released to start"));
    let none = w.says(ana(), Some(1), "reject").await;
    assert!(
        !none.ok && none.text.contains("No run of #1 waits"),
        "{none:?}"
    );
    let wrong = w.says(ana(), Some(1), "run restart lines=11").await;
    assert!(
        wrong
            .text
            .contains("Offered on #1: `restart` and `show-logs`"),
        "{wrong:?}"
    );
    w.ana("run restart lines=100").await;
    w.ana("run show-logs lines=10").await;
    let which = w.says(bo(), Some(1), "approve").await;
    assert!(
        !which.ok && which.text.contains("Several runs wait"),
        "{which:?}"
    );
    let last = *w.incident(1).await.runs.keys().last().unwrap();
    assert!(
        w.ana(&format!("reject {last}"))
            .await
            .contains("will not run")
    );
}

#[tokio::test]
async fn a_button_means_what_its_verb_means() {
    let w = World::new().await;
    w.says(guest(), None, "new x service=checkout").await;
    let seq = w.incident(1).await.seq;
    let click = |p: Press, cause: &'static str| {
        let engine = w.engine.clone();
        async move { press(&engine, ana(), IncidentId(1), &p, seq, cause).await }
    };
    assert!(click(Press::Acknowledge, "c1").await.ok);
    assert!(
        click(Press::Acknowledge, "c1").await.ok,
        "the same click again"
    );
    let other = click(Press::Acknowledge, "c2").await;
    assert!(
        !other.ok && other.text.contains("already acknowledged"),
        "{other:?}"
    );
    assert!(click(Press::Escalate, "c3").await.ok);
    let stale = click(Press::Escalate, "c3, by somebody else").await;
    assert!(!stale.ok && stale.text.contains("moved on"), "{stale:?}");
    let form = click(
        Press::AskRun {
            action: "restart".to_owned(),
        },
        "c4",
    )
    .await;
    assert!(!form.ok && form.text.contains("needs values"), "{form:?}");
    let unknown = click(Press::Approve { run: RunId(77) }, "c5").await;
    assert!(
        !unknown.ok && unknown.text.contains("run-77"),
        "{unknown:?}"
    );
    assert!(click(Press::Lead, "c6").await.ok);
    assert!(click(Press::Resolve, "c7").await.ok);
    let draft = click(Press::Postmortem, "c8").await;
    assert!(draft.document.unwrap().starts_with("# Incident 1: x\n"));
}

#[tokio::test]
async fn questions_are_answered_without_an_incident() {
    let w = World::new().await;
    w.says(guest(), None, "new checkout is slow service=checkout")
        .await;
    let all = w.ana("oncall").await;
    assert_eq!(
        all,
        "Web primary: Ana Alves until Mon 23 Nov 09:00 CET, then Bo Berg."
    );
    let service = w.ana("who checkout").await;
    assert!(
        service.starts_with("Step 1: Web primary: Ana Alves until"),
        "{service}"
    );
    assert!(service.ends_with("Step 2: Bo Berg."), "{service}");
    let list = w.ana("list").await;
    assert!(
        list.starts_with("#1 sev1 triggered [checkout]: checkout is slow"),
        "{list}"
    );
    w.ana("resolve").await;
    assert_eq!(w.ana("list open").await, "There is no open incident.");
    assert!(w.ana("list all").await.contains("resolved"));
    assert!(w.ana("help").await.contains("snooze [#42] <duration>"));
    assert!(w.ana("help snooze").await.contains("silence"));
    let typo = w.says(ana(), None, "reslove 1").await;
    assert!(
        !typo.ok && typo.text.contains("Did you mean `resolve`?"),
        "{typo:?}"
    );
    let none = w.says(ana(), None, "postmortem 99").await;
    assert_eq!(
        (none.ok, none.text.as_str()),
        (false, "There is no incident #99.")
    );
}
