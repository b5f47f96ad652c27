//! The stories of leading an incident that are the same everywhere.

use super::stage::{Play, Seen, Spot, Stage};
use firebell::core::directory::{Checklist, ChecklistItem, ConductRules};
use firebell::core::id::IncidentId;
use firebell::core::incident::{ConductEvent, Event};
use std::sync::Arc;

/// The shipped roles, and one checklist of two lines for major incidents.
fn leads<S: Stage>(s: &S) {
    let mut rules = ConductRules::shipped();
    let item = |text: &str| ChecklistItem {
        text: text.to_owned(),
        ..ChecklistItem::default()
    };
    rules.checklists.push(Arc::new(Checklist {
        id: "major".to_owned(),
        title: "Major incident".to_owned(),
        items: vec![item("Name a commander"), item("Look at the dashboard")],
        ..Checklist::default()
    }));
    let engine = s.house().engine();
    let mut directory = (*engine.directory()).clone();
    directory.conduct = Arc::new(rules);
    engine.replace_directory(directory);
}

/// The board of #1 in its room, once it says this.
async fn board<S: Stage>(s: &S, who: &str, room: &Spot, words: &str) -> Seen {
    let is_board = |m: &Seen| {
        let plain = m.words.replace('\\', "");
        m.ours && plain.contains("Command of #1") && plain.contains(words)
    };
    s.sees(who, room, &format!("the board with `{words}`"), is_board)
        .await
}

async fn told<S: Stage>(s: &S, who: &'static str, words: &str) {
    let fits = |m: &Seen| m.ours && m.words.replace('\\', "").contains(words);
    let what = format!("the message `{words}`");
    s.sees(who, &Spot::Direct(who), &what, fits).await;
}

pub async fn a_role_is_given_and_taken_over_and_whoever_it_concerns_is_told<S: Stage>(s: S) {
    leads(&s);
    let room = s.major("Down").await;
    s.card("ana", &room, 1, "Commander nobody yet").await;
    let values = [("role", "scribe"), ("who", "bo")];
    let answer = s.command("ana", &room, "role", &values).await;
    assert!(answer.text.contains("bo is Scribe"), "{answer:?}");
    s.line("ana", &room, "ana made bo Scribe.").await;
    told(&s, "bo", "1. Put what is said elsewhere on the timeline").await;
    board(&s, "bo", &room, "Scribe: bo").await;
    let values = [("role", "scribe")];
    let answer = s.command("ana", &room, "role", &values).await;
    assert!(answer.text.contains("You are Scribe"), "{answer:?}");
    s.line("bo", &room, "ana took the role Scribe. bo was before.")
        .await;
    told(&s, "bo", "Please hand over what only you know").await;
    let answer = s.command("bo", &room, "lead", &[]).await;
    assert!(answer.text.contains("bo leads #1"), "{answer:?}");
    board(&s, "bo", &room, "Commander: bo").await;
    let wrong = s.types("ana", &room, "role #1 barista me").await;
    assert!(wrong.text.contains("there is no"), "{wrong:?}");
    s.assert_harmless().await;
}

pub async fn a_checklist_is_ticked_on_a_board_that_is_there_once<S: Stage>(s: S) {
    leads(&s);
    let room = s.major("Down").await;
    let drawn = board(&s, "ana", &room, "2 Look at the dashboard").await;
    if let Some(label) = drawn.buttons.iter().find(|b| b.contains("1 Name a")) {
        let label = label.clone();
        let answer = s.press("ana", &drawn, &label).await;
        assert!(answer.text.contains("Ticked: 1"), "{answer:?}");
    } else {
        s.command("ana", &room, "tick", &[("line", "1")]).await;
    }
    s.card("bo", &room, 1, "checklist 1 of 2").await;
    let answer = s.command("bo", &room, "tick", &[("line", "1")]).await;
    assert!(answer.text.contains("ana has ticked it"), "{answer:?}");
    s.command("bo", &room, "tick", &[("line", "2")]).await;
    s.command("bo", &room, "untick", &[("line", "1")]).await;
    s.card("bo", &room, 1, "checklist 1 of 2").await;
    let list = s.command("bo", &room, "checklist", &[]).await;
    let list = list.text.replace('\\', "");
    assert!(list.contains("☐ 1 Name a commander"), "{list}");
    assert!(list.contains("☑ 2 Look at the dashboard (bo"), "{list}");
    let boards = s.seen("ana", &room).await.into_iter();
    let boards = boards.filter(|m| m.words.replace('\\', "").contains("Command of #1"));
    assert_eq!(boards.count(), 1, "edited in place");
    assert_eq!(s.house().count(1, "ticked").await, 3);
}

pub async fn a_task_has_an_owner_who_is_told_and_a_report_stands_on_the_board<S: Stage>(s: S) {
    leads(&s);
    let room = s.major("Down").await;
    board(&s, "ana", &room, "Name a commander").await;
    let values = [
        ("text", "look at the replicas"),
        ("owner", "bo"),
        ("due", "tomorrow 09:00"),
    ];
    let answer = s.command("ana", &room, "task", &values).await;
    assert!(
        answer.text.contains("task 1 look at the replicas"),
        "{answer:?}"
    );
    s.line("ana", &room, "Task 1 by ana: look at the replicas (bo, due")
        .await;
    told(&s, "bo", "look at the replicas").await;
    board(&s, "bo", &room, "look at the replicas").await;
    let values = [
        ("conditions", "errors at 20 %"),
        ("actions", "rolling back"),
        ("needs", "a DBA"),
    ];
    s.command("bo", &room, "can", &values).await;
    s.line(
        "ana",
        &room,
        "Conditions: errors at 20 % Actions: rolling back Needs: a DBA",
    )
    .await;
    board(&s, "ana", &room, "a DBA").await;
    let answer = s.command("bo", &room, "done", &[("task", "1")]).await;
    assert!(answer.text.contains("task 1"), "{answer:?}");
    s.line("ana", &room, "bo finished task 1").await;
    let brief = s.command("ana", &room, "brief", &[]).await;
    let brief = brief.text.replace('\\', "");
    assert!(brief.contains("Needs: a DBA"), "{brief}");
    s.assert_harmless().await;
}

pub async fn a_decision_has_its_own_time_and_who_leaves_hands_over<S: Stage>(s: S) {
    leads(&s);
    let room = s.major("Down").await;
    board(&s, "ana", &room, "Name a commander").await;
    let wrong = s
        .types("ana", &room, "decision #1 at 2001-01-01 10:00 we roll back")
        .await;
    let plain = wrong.text.replace('\\', "");
    assert!(plain.contains("more than a day before"), "{plain}");
    let wrong = s
        .types("ana", &room, "note #1 at 2001-01-01 10:00 we roll back")
        .await;
    let plain = wrong.text.replace('\\', "");
    assert!(plain.contains("more than a day before"), "{plain}");
    s.command("ana", &room, "decision", &[("text", "we roll back")])
        .await;
    s.line("bo", &room, "ana decided: we roll back").await;
    s.command("bo", &room, "role", &[("role", "scribe")]).await;
    s.command("bo", &room, "join", &[]).await;
    s.line("ana", &room, "bo joined the response.").await;
    let here = s.command("ana", &room, "responders", &[]).await;
    assert!(here.text.contains("bo: Scribe"), "{here:?}");
    let answer = s.command("bo", &room, "leave", &[("to", "ana")]).await;
    assert!(answer.text.contains("ana goes on"), "{answer:?}");
    s.line("ana", &room, "bo left the response. ana goes on")
        .await;
    board(&s, "ana", &room, "Scribe: ana").await;
    let journal = s.house().engine().store().journal(IncidentId(1)).await;
    let journal = journal.unwrap();
    let decided = |e: &Event| matches!(e, Event::Conduct(ConductEvent::Decided { .. }));
    assert_eq!(journal.iter().filter(|r| decided(&r.event)).count(), 1);
}
