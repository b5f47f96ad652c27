//! Lines and buttons against a real engine: a verb does what it says and is answered in words.

use crate::world::{World, directory, person};
use chrono::NaiveDateTime;
use firebell::chat::Press;
use firebell::core::directory::{Action, Arg, ArgKind, Directory, Target};
use firebell::core::id::{Actor, IncidentId, RunId};
use firebell::core::incident::{Record, Status};
use firebell::core::schedule::{Schedule, parse_handoff};
use firebell::dispatch::{Reply, perform, press};
use std::sync::Arc;

/// The world's directory, with a schedule as the first step and an argument for `restart`.
fn with_schedule() -> Directory {
    let mut d = directory();
    let schedule = Schedule::rotation(
        "web-primary",
        "Web primary",
        chrono_tz::Tz::Europe__Berlin,
        (
            parse_handoff("0 9 * * 1").unwrap(),
            NaiveDateTime::parse_from_str("2026-11-02 09:00", "%Y-%m-%d %H:%M").unwrap(),
        ),
        &["ana", "bo"],
    );
    d.schedules.insert(schedule.id.clone(), schedule);
    let policy = d.policies.get_mut("web").unwrap();
    policy.rungs[0].targets = vec![Target::Schedule("web-primary".to_owned())];
    let restart = Action {
        args: vec![Arg {
            name: "lines".to_owned(),
            help: String::new(),
            kind: ArgKind::Enum(vec!["10".to_owned(), "100".to_owned()]),
            default: None,
            from_label: None,
            strip_suffix: None,
        }],
        how: Action::of_program("restart", &["/bin/echo", "{lines}"]).how,
        ..(*d.actions["restart"]).clone()
    };
    d.actions.insert("restart".to_owned(), Arc::new(restart));
    d
}

async fn world() -> World {
    World::with("sqlite::memory:", with_schedule()).await
}

async fn says(w: &World, who: Actor, here: Option<i64>, text: &str) -> Reply {
    let cause = format!("test:{}:{text}", who.name());
    perform(&w.engine, who, "slack", here.map(IncidentId), text, &cause).await
}

/// Ana says it in the room of incident 1, and it works.
async fn ana_says(w: &World, text: &str) -> String {
    let reply = says(w, ana(), Some(1), text).await;
    assert!(reply.ok, "{text}: {}", reply.text);
    reply.text
}

fn ana() -> Actor {
    person("ana")
}

fn bo() -> Actor {
    person("bo")
}

fn guest() -> Actor {
    Actor::Unlinked {
        id: "slack:U9".to_owned(),
        name: "Kim".to_owned(),
    }
}

#[tokio::test]
async fn a_declared_incident_is_major_and_its_services_policy_pages_at_once() {
    let w = world().await;
    let line = "/fb new sev2 checkout is slow service=checkout";
    let reply = says(&w, guest(), None, line).await;
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
    let again = says(&w, guest(), None, line).await;
    assert_eq!(again.incident, Some(IncidentId(1)));
    assert!(w.engine.incident(IncidentId(2)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_declared_incident_without_a_service_is_its_declarers() {
    let w = world().await;
    let text = says(&w, ana(), None, "new something is odd").await.text;
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
    let w = world().await;
    let long = "word ".repeat(100);
    let reply = says(&w, ana(), None, &format!("new {long}")).await;
    assert!(
        reply.text.contains("all of it is on the timeline"),
        "{}",
        reply.text
    );
    let journal = w.engine.store().journal(IncidentId(1)).await.unwrap();
    let whole = |r: &Record| format!("{:?}", r.event).contains(long.trim());
    assert!(journal.iter().any(whole));
}

#[tokio::test]
async fn a_page_without_an_incident_opens_a_minor_one_for_exactly_that_person() {
    let w = world().await;
    let reply = says(&w, guest(), None, "page @bo the tills are dead").await;
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
        reply.text.contains("paged person bo") && reply.text.contains("bo"),
        "{}",
        reply.text
    );
}

#[tokio::test]
async fn a_page_in_a_room_pages_for_that_incident() {
    let w = world().await;
    ana_says(&w, "new x").await;
    assert!(
        ana_says(&w, "page checkout look please")
            .await
            .contains("paged service checkout")
    );
    // The first step of the service's policy is the schedule, and Ana is on call on it.
    assert_eq!(
        w.incident(1).await.paged.keys().collect::<Vec<_>>(),
        ["ana"]
    );
    assert!(ana_says(&w, "page bo").await.contains("bo"));
}

#[tokio::test]
async fn the_verbs_of_a_response_do_what_they_say() {
    let w = world().await;
    says(&w, guest(), None, "new x service=checkout").await;
    assert!(ana_says(&w, "ack").await.contains("#1 is yours"));
    assert_eq!(w.incident(1).await.acked_by, Some(ana()));
    assert!(
        ana_says(&w, "snooze 30m")
            .await
            .contains("until Mon 12:30 UTC")
    );
    assert!(ana_says(&w, "sev sev2").await.contains("sev2"));
    assert!(ana_says(&w, "lead @bo").await.contains("bo leads #1"));
    ana_says(&w, "note at 11:03 we rolled back").await;
    let text = ana_says(&w, "resolve").await;
    assert!(
        text.contains("#1 is resolved") && text.contains("postmortem #1"),
        "{text}"
    );
    let late = says(&w, ana(), Some(1), "ack #1").await;
    assert!(
        !late.ok && late.text.contains("already resolved"),
        "{late:?}"
    );
    let nowhere = says(&w, ana(), None, "resolve 99").await;
    assert_eq!(nowhere.text, "There is no such incident.");
}

#[tokio::test]
async fn a_run_is_asked_for_confirmed_and_refused_in_words() {
    let w = world().await;
    says(&w, guest(), None, "new x service=checkout").await;
    let bare = says(&w, ana(), Some(1), "run restart").await;
    assert!(
        !bare.ok && bare.text.contains("lines=… (one of 10, 100)"),
        "{bare:?}"
    );
    let text = ana_says(&w, "run echo").await;
    assert!(
        text.contains(r#"["/bin/echo", "hello from the action"]"#),
        "{text}"
    );
    let guests = says(&w, guest(), Some(1), "approve").await;
    assert!(
        !guests.ok && guests.text.contains("not linked"),
        "{guests:?}"
    );
    assert!(
        ana_says(&w, "approve")
            .await
            .contains("was released to start")
    );
    let none = says(&w, ana(), Some(1), "reject").await;
    assert!(
        !none.ok && none.text.contains("No run of #1 waits"),
        "{none:?}"
    );
    let wrong = says(&w, ana(), Some(1), "run restart lines=11").await;
    assert!(
        wrong.text.contains("Offered on #1: `echo` and `restart`"),
        "{wrong:?}"
    );
}

#[tokio::test]
async fn an_approval_names_its_run_when_several_wait_and_is_never_ones_own() {
    let w = world().await;
    says(&w, guest(), None, "new x service=checkout").await;
    ana_says(&w, "run restart lines=100").await;
    let restart = *w.incident(1).await.runs.keys().last().unwrap();
    ana_says(&w, "run echo").await;
    let which = says(&w, bo(), Some(1), "approve").await;
    assert!(
        !which.ok && which.text.contains("Several runs wait"),
        "{which:?}"
    );
    let own = says(&w, ana(), Some(1), &format!("approve {restart}")).await;
    assert!(
        !own.ok && own.text.contains("Somebody else has to"),
        "{own:?}"
    );
    let other = says(&w, bo(), Some(1), &format!("approve {restart}")).await;
    assert!(
        other.ok && other.text.contains("was released to start"),
        "{other:?}"
    );
    assert!(ana_says(&w, "reject").await.contains("will not run"));
}

#[tokio::test]
async fn a_button_means_what_its_verb_means() {
    let w = world().await;
    says(&w, guest(), None, "new x service=checkout").await;
    let seq = w.incident(1).await.seq;
    let click = |p: Press, cause: &'static str| {
        let engine = w.engine.clone();
        async move { press(&engine, ana(), "console", IncidentId(1), &p, seq, cause).await }
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
    let unknown = click(
        Press::Approve {
            run: RunId(77),
            seen: String::new(),
        },
        "c5",
    )
    .await;
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
    let w = world().await;
    says(&w, guest(), None, "new checkout is slow service=checkout").await;
    let all = ana_says(&w, "oncall").await;
    assert_eq!(
        all,
        "Web primary: ana until Mon 23 Nov 09:00 CET, then bo until Mon 30 Nov 09:00 CET, then ana. \
         Because: layer rotation, turn 3."
    );
    let service = ana_says(&w, "who checkout").await;
    assert!(
        service.starts_with("Step 1: Web primary: ana until"),
        "{service}"
    );
    assert!(service.ends_with("Step 2: bo."), "{service}");
    let list = ana_says(&w, "list").await;
    assert!(
        list.starts_with("#1 sev1 triggered [checkout]: checkout is slow"),
        "{list}"
    );
    ana_says(&w, "resolve").await;
    assert_eq!(
        ana_says(&w, "list open").await,
        "There is no open incident."
    );
    assert!(ana_says(&w, "list all").await.contains("resolved"));
    assert!(
        ana_says(&w, "help")
            .await
            .contains("snooze [#42] <duration>")
    );
    assert!(ana_says(&w, "help snooze").await.contains("until tomorrow"));
    let typo = says(&w, ana(), None, "reslove 1").await;
    assert!(
        !typo.ok && typo.text.contains("Did you mean `resolve`?"),
        "{typo:?}"
    );
    let none = says(&w, ana(), None, "postmortem 99").await;
    assert_eq!(
        (none.ok, none.text.as_str()),
        (false, "There is no incident #99.")
    );
}
