//! Tasks of an incident and action items of its postmortem are one.

use super::forges::Stand;
use super::repository::net;
use crate::store::on_both;
use crate::world::{World, person};
use firebell::config::postmortem::{Export, ExportKind, Forge};
use firebell::core::id::IncidentId;
use firebell::core::incident::{Command, ConductCommand};
use firebell::core::postmortem::{Act, Format, Item, Priority, export};
use firebell::share::Places;
use tower::ServiceExt as _;

const CHECKOUT: &[(&str, &str)] = &[("service", "checkout"), ("severity", "warning")];
const ONE: IncidentId = IncidentId(1);

async fn conduct(w: &World, command: ConductCommand) {
    w.tell(1, Command::Conduct(command)).await;
}

async fn add(w: &World, text: &str, follow_up: bool) {
    let floor = w.engine.item_floor(ONE).await.unwrap();
    let task = ConductCommand::AddTask {
        by: person("ana"),
        text: text.to_owned(),
        owner: Some(person("bo")),
        due: Some(w.clock.now().plus_secs(3 * 86_400)),
        follow_up,
        floor,
    };
    conduct(w, task).await;
}

async fn items(w: &World) -> Vec<Item> {
    let read = w.engine.postmortem(ONE).await.unwrap().unwrap();
    read.written.items
}

async fn amend(w: &World, act: Act) -> String {
    w.engine.amend(ONE, act, &person("ana")).await.unwrap()
}

fn item(id: Option<u32>, what: &str, priority: Priority) -> Act {
    Act::Item {
        id,
        what: what.to_owned(),
        owner: None,
        due: None,
        priority,
        link: String::new(),
    }
}

#[tokio::test]
async fn what_is_done_in_one_place_is_done_in_the_other() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        w.fire("Slow", CHECKOUT).await;
        w.tell(1, Command::Acknowledge { by: person("ana") }).await;
        add(&w, "restart the pool", false).await;
        add(&w, "alert on the pool", true).await;
        let finish = |task| ConductCommand::FinishTask {
            by: person("bo"),
            task,
            done: true,
        };
        assert_eq!(items(&w).await.len(), 2, "what is open, and what follows");
        conduct(&w, finish(1)).await;
        let now = items(&w).await;
        let texts: Vec<&str> = now.iter().map(|i| i.what.as_str()).collect();
        assert_eq!(
            texts,
            ["alert on the pool"],
            "done during the incident is the timeline's"
        );
        assert_eq!((now[0].id, now[0].owner.as_deref()), (2, Some("bo")));
        w.tell(1, Command::Resolve { by: person("ana") }).await;
        // A new item of the document is a follow-up of the incident, and both count on.
        let said = amend(&w, item(None, "write a runbook", Priority::High)).await;
        assert_eq!(said, "“write a runbook” is on the list.");
        let tasks = w.incident(1).await.conduct.tasks.clone();
        assert_eq!(tasks[&3].text, "write a runbook");
        assert!(tasks[&3].follow_up);
        add(&w, "tell the vendor", true).await;
        let ids: Vec<u32> = items(&w).await.iter().map(|i| i.id).collect();
        assert_eq!(ids, [2, 3, 4]);
        // Changed there, changed here; the priority is the document's own.
        amend(&w, item(Some(3), "write a good runbook", Priority::Low)).await;
        assert_eq!(
            w.incident(1).await.conduct.tasks[&3].text,
            "write a good runbook"
        );
        assert_eq!(items(&w).await[1].priority, Priority::Low);
        amend(&w, Act::Done { id: 3, done: true }).await;
        assert!(w.incident(1).await.conduct.tasks[&3].done_at.is_some());
        conduct(&w, finish(2)).await;
        let done: Vec<bool> = items(&w)
            .await
            .iter()
            .map(|i| i.done_at.is_some())
            .collect();
        assert_eq!(done, [true, true, false]);
        amend(&w, Act::Done { id: 2, done: false }).await;
        assert!(w.incident(1).await.conduct.tasks[&2].done_at.is_none());
        amend(&w, Act::Drop { id: 4 }).await;
        assert!(!w.incident(1).await.conduct.tasks.contains_key(&4));
        w.kill_and_restart().await;
        let ids: Vec<u32> = items(&w).await.iter().map(|i| i.id).collect();
        assert_eq!(ids, [2, 3]);
        assert_eq!(
            items(&w).await[1].priority,
            Priority::Low,
            "kept across a crash"
        );
        let revisions = w.engine.store().revisions(ONE).await.unwrap();
        let by_ana = revisions.iter().filter(|r| r.author == person("ana"));
        // What was finished and opened again in between is in the journal alone.
        assert_eq!(
            by_ana.count(),
            4,
            "each change of the document is a revision"
        );
    })
    .await;
}

#[tokio::test]
async fn a_task_goes_to_a_tracker_and_what_is_closed_there_is_done_here() {
    on_both(async |database| {
        let stand = Stand::default();
        let base = stand.serve().await;
        let w = World::on(&database.url).await;
        let place = Export {
            name: "web".to_owned(),
            net: net(&base),
            token: Some("s3cret-token".to_owned().into()),
            kind: ExportKind::Issues {
                documents: false,
                forge: Forge::Github,
                project: "acme/web".to_owned(),
            },
        };
        let places = Places::new(&[place], std::path::Path::new("/nowhere")).unwrap();
        w.engine.share_through(places);
        w.fire("Slow", CHECKOUT).await;
        w.tell(1, Command::Acknowledge { by: person("ana") }).await;
        add(&w, "restart the pool", false).await;
        add(&w, "nobody sends this", false).await;
        // While it burns, and the tracker is away: nothing waits for it.
        stand.0.lock().unwrap().trouble = Some((503, "60"));
        let send = async || {
            let sent = w.engine.export(ONE, "web", "item:1", &person("ana")).await;
            sent.unwrap();
            w.settle().await;
        };
        send().await;
        let rows = w.engine.store().exports(ONE).await.unwrap();
        assert_eq!(rows[0].state, "waiting");
        assert!(rows[0].error.contains("503"), "{rows:?}");
        let page = async || {
            let doors = crate::declare::doors_of(&w.engine);
            let request = axum::http::Request::get("/incidents/1")
                .header("host", "127.0.0.1")
                .header("cookie", "firebell_who=ana");
            let answer = doors.oneshot(request.body(axum::body::Body::empty()).unwrap());
            let body = answer.await.unwrap().into_body();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            String::from_utf8(body.to_vec()).unwrap()
        };
        // The incident's page offers it, and says how it went.
        let (one, two) = ("value=\"item:1\"", "value=\"item:2\"");
        let shown = page().await;
        assert!(shown.contains("To web") && shown.contains(two) && !shown.contains(one));
        assert!(
            shown.contains("web: waiting") && shown.contains("503"),
            "{shown}"
        );
        w.tell(1, Command::Resolve { by: person("ana") }).await;
        stand.0.lock().unwrap().trouble = None;
        w.advance_secs(60).await;
        assert!(page().await.contains(">issue</a>"));
        let external = items(&w).await[0].external.clone().expect("an issue");
        assert_eq!(external.state, "open");
        stand.close_issue(&serde_json::json!({"state": "closed"}));
        send().await;
        assert!(w.incident(1).await.conduct.tasks[&1].done_at.is_some());
        let kinds = w.kinds(1).await;
        assert_eq!(kinds.iter().filter(|k| **k == "task_finished").count(), 1);
    })
    .await;
}

#[tokio::test]
async fn roles_decisions_and_reports_are_in_the_document_with_their_times() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        w.fire("Slow", CHECKOUT).await;
        let (ana, bo) = (person("ana"), person("bo"));
        let lead = |lead: &firebell::core::id::Actor| Command::Lead {
            by: ana.clone(),
            lead: lead.clone(),
        };
        w.tell(1, lead(&ana)).await;
        w.advance_secs(600).await;
        w.tell(1, lead(&bo)).await;
        let decide = ConductCommand::Decide {
            by: ana.clone(),
            text: "we <b>roll back</b>".to_owned(),
            happened_at: Some(w.clock.now().plus_ms(-300_000)),
        };
        conduct(&w, decide).await;
        let report = ConductCommand::Report {
            by: bo.clone(),
            conditions: "errors | rising".to_owned(),
            actions: "rolling back".to_owned(),
            needs: String::new(),
        };
        conduct(&w, report).await;
        w.tell(1, Command::Resolve { by: ana.clone() }).await;
        let read = w.engine.postmortem(ONE).await.unwrap().unwrap();
        let spans: Vec<(&str, bool)> = read
            .document
            .roles
            .iter()
            .map(|r| (r.person.as_str(), r.until.is_some()))
            .collect();
        assert_eq!(spans, [("ana", true), ("bo", true)]);
        assert_eq!(
            read.document.roles[0].until,
            Some(read.document.roles[1].from.clone()),
            "one ends where the other begins"
        );
        let text = export(&read.document, &read.template, Format::Markdown);
        for heading in ["## Decisions", "## Reports", "### Roles"] {
            assert!(text.contains(heading), "{heading}: {text}");
        }
        assert!(!text.contains("<b>"), "escaped: {text}");
        let html = export(&read.document, &read.template, Format::Html);
        assert!(!html.contains("<b>roll back"), "escaped");
    })
    .await;
}
