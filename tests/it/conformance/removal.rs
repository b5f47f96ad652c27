//! What is removed for good of what is no message: what a run wrote and left, what people wrote into a
//! postmortem, decisions. On SQLite and on PostgreSQL, and finished after a crash.

use super::company::Company;
use super::house::Plan;
use super::redaction::{SECRET, address, databases, in_exports, on_disk, searched, seq_of};
use super::stage::{Play, Seen, Stage};
use crate::postgres::Cluster;
use crate::world::{self, person};
use firebell::core::directory::{Action, Approval, How};
use firebell::core::id::{IncidentId, RunId};
use firebell::core::incident::{Ask, Command, ConductCommand, ConductEvent, Event};
use firebell::core::postmortem::{Act, Priority, hash};
use std::collections::BTreeMap;
use std::path::Path;

/// A program that says and leaves something; the words are put together while it runs, so that they stand
/// nowhere before.
fn leaking(folder: &Path) -> Action {
    let script = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        vec!["/bin/sh".to_owned(), path.display().to_string()]
    };
    let half = SECRET.strip_prefix("hunter2-").unwrap();
    let real = format!(
        "printf 'token hunter2-%s\\n' {half}; printf 'hunter2-%s' {half} > \"$FIREBELL_ARTIFACTS/found.txt\""
    );
    let look = format!("printf 'would use hunter2-%s\\n' {half}");
    let example = (*world::directory().actions["restart"]).clone();
    let mut action = Action {
        approval: Approval {
            dry_run_first: true,
            ..example.approval.clone()
        },
        limits: example.limits.clone(),
        ..Action::of_program("leak", &[])
    };
    let How::Process(run) = &mut action.how else {
        panic!("a program")
    };
    run.argv = script("real.sh", &real);
    run.dry_run = script("look.sh", &look);
    action
}

#[tokio::test]
async fn what_a_run_wrote_and_left_is_removed_from_every_place() {
    for database in databases().await {
        a_run(database.as_ref()).await;
    }
}

async fn a_run(database: Option<&(&'static Cluster, String)>) {
    let scripts = tempfile::tempdir().unwrap();
    let mut plan = Plan::all();
    plan.rooms.redactors = vec!["responder".to_owned()];
    plan.database = address(database);
    plan.actions = vec![leaking(scripts.path())];
    let action = std::sync::Arc::new(plan.actions[0].clone());
    let c = Company::open(plan).await;
    c.house.fires("Down", "critical").await;
    let rooms = c.rooms(1).await;
    c.cards(&rooms, "paged ana").await;
    let run = RunId(1);
    c.house
        .tells(
            1,
            Command::AskRun {
                by: person("ana"),
                run,
                action,
                args: BTreeMap::new(),
                ask: Ask::default(),
            },
        )
        .await;
    let found = |m: &Seen| m.words.contains(SECRET);
    c.house.until_told(1, "run_rehearsed").await;
    c.slack
        .sees("bo", &rooms.slack, "what it would do", found)
        .await;
    c.discord
        .sees("bo", &rooms.discord, "what it would do", found)
        .await;
    c.console
        .sees("bo", &rooms.console, "what it would do", found)
        .await;
    let line = seq_of(&c, |e| matches!(e, Event::RunRehearsed { .. })).await;
    let told = c.console.redacts("cy", 1, line, "a token").await;
    assert_eq!(told["ok"], false, "who may is ruled: {told}");
    let told = c.console.redacts("ana", 1, line, "a token").await;
    assert_eq!(told["ok"], true, "{told}");
    nowhere(&c, &rooms).await;
    // What was agreed on is the same: it can be approved, and runs.
    let approve = Command::ApproveRun {
        by: person("bo"),
        run,
    };
    c.house.tells(1, approve).await;
    c.house.until_told(1, "run_ended").await;
    c.discord
        .sees("bo", &rooms.discord, "what it wrote", found)
        .await;
    c.slack
        .sees("bo", &rooms.slack, "what it wrote", found)
        .await;
    let row = async || {
        let row = c.house.engine().store().run(run).await.unwrap()?;
        (!row.told.is_empty()).then_some(row)
    };
    assert!(c.house.expect("its row", row).await.output.contains(SECRET));
    let left = c.house.engine().store().artifacts(run).await.unwrap();
    assert_eq!(left.len(), 1);
    let content = c.house.engine().artifact(&left[0].sha256).unwrap();
    assert_eq!(std::fs::read_to_string(&content).unwrap(), SECRET);
    let spool = on_disk(&c, None, SECRET).await;
    assert!(spool.iter().any(|f| f.contains("/runs/")), "{spool:?}");

    let line = seq_of(&c, |e| matches!(e, Event::RunEnded { .. })).await;
    let told = c.console.redacts("ana", 1, line, "a token").await;
    assert_eq!(told["ok"], true, "{told}");
    nowhere(&c, &rooms).await;
    assert!(!content.exists());
    let path = "/incidents/1/runs/1/files/0";
    assert_eq!(c.console.answer("ana", path).await.status(), 404);
    let engine = c.house.engine();
    let kept = engine.incident(IncidentId(1)).await.unwrap().unwrap();
    let journal = engine.store().journal(IncidentId(1)).await.unwrap();
    let folded = firebell::core::incident::Incident::replay(IncidentId(1), &journal);
    assert_eq!(kept.runs, folded.runs, "the state is what the journal says");
    let audit = engine.store().audit_after(0, 1000).await.unwrap();
    let stones: Vec<&str> = (audit.iter())
        .filter(|e| e.kind == "redacted")
        .map(|e| e.detail.as_str())
        .collect();
    assert_eq!(stones.len(), 2, "the look, and the end: {stones:?}");
    assert!(stones.iter().all(|d| d.contains("a token")), "{stones:?}");
    assert!(!audit.iter().any(|e| format!("{e:?}").contains(SECRET)));
    drop(engine);
    c.house.restarts().await;
    let left = on_disk(&c, database, SECRET).await;
    assert!(left.is_empty(), "{left:?}");
}

/// Waits until no room shows it; nothing answers it.
async fn nowhere(c: &Company, rooms: &super::company::Rooms) {
    let quiet = async || {
        let all = [
            c.slack.seen("ana", &rooms.slack).await,
            c.slack.seen("ana", &super::stage::TEAM).await,
            c.discord.seen("ana", &rooms.discord).await,
            c.discord.seen("ana", &super::stage::TEAM).await,
            c.console.seen("ana", &rooms.console).await,
            c.console.seen("ana", &super::stage::TEAM).await,
        ];
        let found = all.iter().flatten().any(|m| m.words.contains(SECRET));
        (!found).then_some(())
    };
    c.house.expect("rooms without it", quiet).await;
    for path in [
        "/incidents/1",
        "/fragments/run/1/1",
        "/incidents/1/postmortem",
        "/audit",
    ] {
        let page = c.console.reads("ana", path).await;
        assert!(!page.contains(SECRET), "{path}");
    }
    let exported = in_exports(c, SECRET).await;
    assert!(exported.is_empty(), "{exported:?}");
}

#[tokio::test]
async fn what_people_wrote_into_a_postmortem_is_removed_with_its_revisions() {
    for database in databases().await {
        a_postmortem(database.as_ref()).await;
    }
}

/// New words for a section, as the editor sends them.
async fn writes(c: &Company, who: &str, anchor: &str, text: &str) {
    let engine = c.house.engine();
    let read = engine.postmortem(IncidentId(1)).await.unwrap().unwrap();
    let section = read.document.section(anchor).unwrap();
    let act = Act::Edit {
        anchor: anchor.to_owned(),
        base: section.base.clone(),
        from: hash(&section.text),
        now: section.text.clone(),
        text: text.to_owned(),
    };
    engine
        .amend(IncidentId(1), act, &person(who))
        .await
        .unwrap();
}

#[expect(clippy::too_many_lines, reason = "every place one after the other")]
async fn a_postmortem(database: Option<&(&'static Cluster, String)>) {
    const OTHER: &str = "marmalade-submarine";
    let mut plan = Plan::only("console");
    plan.rooms.redactors = vec!["responder".to_owned()];
    plan.database = address(database);
    let c = Company::open(plan).await;
    c.house.fires("Down", "critical").await;
    c.house.until_told(1, "room_opened").await;
    c.house.notes(1, &format!("the key is {SECRET}")).await;
    let decide = ConductCommand::Decide {
        by: person("bo"),
        text: format!("we rotate the_key {SECRET} now"),
        happened_at: None,
    };
    c.house.tells(1, Command::Conduct(decide)).await;
    c.house
        .tells(1, Command::Resolve { by: person("ana") })
        .await;
    let kept = format!("It was slow.\n- we rotate the\\_key {SECRET} now\nThen it was not.");
    writes(&c, "bo", "impact", &kept).await;
    writes(&c, "ana", "impact", &format!("{kept}\nThat is all.")).await;
    writes(&c, "ana", "lucky", &format!("Nobody saw {OTHER}.")).await;
    writes(&c, "bo", "lucky", &format!("Nobody saw {OTHER} at all.")).await;
    let item = Act::Item {
        id: None,
        what: format!("the key is {SECRET}"),
        owner: None,
        due: None,
        priority: Priority::default(),
        link: String::new(),
    };
    let engine = c.house.engine();
    engine
        .amend(IncidentId(1), item, &person("ana"))
        .await
        .unwrap();
    for words in [SECRET, OTHER] {
        let search = async || searched(&c, words).await.then_some(());
        c.house.expect("the words in the search", search).await;
        assert!(!in_exports(&c, words).await.is_empty());
        assert!(!on_disk(&c, database, words).await.is_empty());
    }

    let noted = seq_of(&c, |e| matches!(e, Event::Noted { .. })).await;
    let told = c.console.redacts("ana", 1, noted, "a key").await;
    assert_eq!(told["ok"], true, "{told}");
    assert!(
        told["text"]
            .as_str()
            .unwrap()
            .contains("stood in the postmortem too"),
        "{told}"
    );
    let is_decision = |e: &Event| matches!(e, Event::Conduct(ConductEvent::Decided { .. }));
    let decided = seq_of(&c, is_decision).await;
    let told = c.console.redacts("ana", 1, decided, "a key").await;
    assert_eq!(told["ok"], true, "{told}");
    let read = engine.postmortem(IncidentId(1)).await.unwrap().unwrap();
    let impact = &read.document.section("impact").unwrap().text;
    assert_eq!(
        impact, "It was slow.\n(removed for good)\nThen it was not.\nThat is all.",
        "only the line that bears it goes"
    );
    assert_eq!(read.written.items.len(), 1);
    for revision in engine.store().revisions(IncidentId(1)).await.unwrap() {
        let all = serde_json::to_string(&revision.written).unwrap();
        assert!(
            !all.contains(SECRET) && !revision.what.contains(SECRET),
            "{all}"
        );
    }

    // What two people wrote is neither's alone.
    let refused = c.console.removes_section("bo", 1, "lucky", "a name").await;
    assert_eq!(refused["ok"], false, "{refused}");
    let told = c.console.removes_section("ana", 1, "lucky", "a name").await;
    assert_eq!(told["ok"], true, "{told}");
    let again = c.console.removes_section("ana", 1, "lucky", "a name").await;
    assert!(
        again["text"]
            .as_str()
            .unwrap()
            .contains("Nobody has written"),
        "{again}"
    );
    for revision in engine.store().revisions(IncidentId(1)).await.unwrap() {
        assert!(!revision.written.sections.contains_key("lucky"));
    }
    let page = c.console.reads("ana", "/incidents/1").await;
    let stone = "what people wrote in “Where we got lucky” of the postmortem for good: a name";
    assert!(page.contains(stone), "the tombstone is on the timeline");
    let audit = engine.store().audit_after(0, 1000).await.unwrap();
    let stone = audit.iter().rfind(|e| e.kind == "redacted").unwrap();
    assert!(stone.detail.contains("a name"), "{stone:?}");
    for words in [SECRET, OTHER] {
        assert!(!searched(&c, words).await, "{words}");
        let exported = in_exports(&c, words).await;
        assert!(exported.is_empty(), "{words}: {exported:?}");
        for path in [
            "/incidents/1",
            "/incidents/1/postmortem",
            "/incidents/1/postmortem/edit/impact",
        ] {
            assert!(
                !c.console.reads("ana", path).await.contains(words),
                "{path}"
            );
        }
    }
    drop(engine);
    c.house.restarts().await;
    for words in [SECRET, OTHER] {
        let left = on_disk(&c, database, words).await;
        assert!(left.is_empty(), "{words}: {left:?}");
    }
}
