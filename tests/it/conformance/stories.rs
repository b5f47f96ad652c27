//! The stories that are the same everywhere.

pub use super::leading::*;

use super::house::firing;
use super::stage::{Play, Spot, Stage, TEAM};
use crate::world::person;
use firebell::core::directory::BreakGlass;
use firebell::core::incident::{Climb, Command, Event, Status, wake_at};
use firebell::core::time::Time;
use std::sync::Arc;

/// Characters that make a reader see other words than are there.
pub fn turns_around(text: &str) -> bool {
    text.contains(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
}

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|w| (*w).to_owned()).collect()
}

pub async fn a_major_incident_gets_a_room_its_first_lines_and_a_page<S: Stage>(s: S) {
    let room = s.major("Down").await;
    let card = s.card("bo", &room, 1, "paged ana").await;
    assert!(card.words.contains("Down is bad"), "{card:?}");
    for label in ["Acknowledge", "Escalate", "Note", "Run: restart"] {
        assert!(card.buttons.iter().any(|b| b == label), "{label}: {card:?}");
    }
    s.card("bo", &TEAM, 1, "paged ana").await;
    let page = s.page("ana", 1).await;
    assert!(page.words.contains("sev1 #1 [checkout]"), "{page:?}");
    s.line("bo", &room, "Paged ana").await;
    let first = words(&["It became major and gets a room", "Paged ana"]);
    s.assert_once_in_order("bo", &room, &first).await;
    let others = s.seen("bo", &Spot::Direct("bo")).await;
    assert!(others.is_empty(), "nobody else is paged: {others:?}");
    s.assert_harmless().await;
}

pub async fn acknowledge_by_button<S: Stage>(s: S) {
    let room = s.major("Down").await;
    s.card("ana", &room, 1, "paged ana").await;
    let page = s.page("ana", 1).await;
    let told = s.press("ana", &page, "Acknowledge").await;
    assert!(told.alone && told.text.contains("#1"), "{told:?}");
    for spot in [&room, &TEAM] {
        s.card("bo", spot, 1, "ana, first acknowledged").await;
    }
    s.line("bo", &room, "ana acknowledged it. Paging stopped.")
        .await;
    let incident = s.house().incident(1).await.unwrap();
    assert_eq!(wake_at(&incident), None, "nothing pages any more");
    assert_eq!(s.house().count(1, "paged").await, 1);
    let others = s.seen("bo", &Spot::Direct("bo")).await;
    assert!(others.is_empty(), "{others:?}");
}

pub async fn acknowledge_by_a_command_without_a_number<S: Stage>(s: S) {
    let room = s.major("Down").await;
    s.card("ana", &room, 1, "").await;
    let told = s.command("ana", &room, "ack", &[]).await;
    assert!(told.alone && told.text.contains("#1"), "{told:?}");
    s.card("ana", &room, 1, "ana, first acknowledged").await;
    let again = s.command("bo", &room, "ack", &[]).await;
    assert!(again.text.contains("ana has already"), "{again:?}");
    assert_eq!(s.house().count(1, "acknowledged").await, 1);
}

pub async fn an_unknown_verb_is_answered_with_the_nearest<S: Stage>(s: S) {
    let room = s.major("Down").await;
    s.card("ana", &room, 1, "").await;
    let told = s.types("ana", &room, "acknowlege").await;
    assert!(told.alone, "{told:?}");
    let plain = told.text.replace('\\', "");
    assert!(
        plain.contains("Did you mean `acknowledge`?"),
        "{}",
        told.text
    );
    let incident = s.house().incident(1).await.unwrap();
    assert_eq!(incident.status, Status::Triggered, "nothing was guessed");
}

/// Five minutes ago, as a clock shows it and as it is kept.
fn a_while_ago(now: Time) -> (String, Time) {
    let minute = now.0 / 60_000 - 5;
    let clock = format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
    (clock, Time(minute * 60_000))
}

pub async fn a_note_tells_when_it_happened<S: Stage>(s: S) {
    let room = s.major("Down").await;
    let card = s.card("ana", &room, 1, "paged ana").await;
    let (clock, at) = a_while_ago(s.house().engine().now());
    let values = [("at", clock.as_str()), ("text", "the deploy went out")];
    s.command("ana", &room, "note", &values).await;
    s.note_by_form("bo", &card, &clock, "errors began").await;
    let both = ["ana noted: the deploy went out", "bo noted: errors began"];
    for line in both {
        s.line("ana", &room, line).await;
    }
    s.assert_once_in_order("ana", &room, &words(&both)).await;
    let journal = s.house().engine();
    let journal = journal.store().journal(firebell::core::id::IncidentId(1));
    let times: Vec<Option<Time>> = (journal.await.unwrap().iter())
        .filter_map(|r| match &r.event {
            Event::Noted { happened_at, .. } => Some(*happened_at),
            _ => None,
        })
        .collect();
    assert_eq!(times, [Some(at), Some(at)]);
}

pub async fn severity_lead_snooze_and_resolve<S: Stage>(s: S) {
    let room = s.major("Down").await;
    s.card("ana", &room, 1, "paged ana").await;
    let acts: [(&str, &[(&str, &str)]); 4] = [
        ("sev", &[("severity", "sev2")]),
        ("lead", &[]),
        ("snooze", &[("duration", "30m")]),
        ("resolve", &[]),
    ];
    for (verb, values) in acts {
        let told = s.command("ana", &room, verb, values).await;
        assert!(told.text.contains("#1"), "{verb}: {told:?}");
    }
    s.line("ana", &room, "ana resolved it").await;
    let lines = words(&[
        "ana lowered the severity from sev1 to sev2",
        "ana took the lead.",
        "ana acknowledged it until",
        "ana resolved it",
    ]);
    s.assert_once_in_order("ana", &room, &lines).await;
    for spot in [&room, &TEAM] {
        let card = s.card("ana", spot, 1, "nobody has to").await;
        assert!(card.words.to_lowercase().contains("sev2"), "{card:?}");
        for offered in ["Postmortem", "Reopen"] {
            assert!(card.buttons.iter().any(|b| b == offered), "{card:?}");
        }
    }
}

pub async fn a_postmortem_is_drafted<S: Stage>(s: S) {
    let room = s.major("Down").await;
    s.card("ana", &room, 1, "").await;
    s.command("ana", &room, "resolve", &[]).await;
    let told = s.command("ana", &room, "postmortem", &[]).await;
    assert!(told.text.contains("Postmortem of #1"), "{told:?}");
    assert!(told.alone, "{told:?}");
}

pub async fn an_action_needs_another_person_and_tells_its_outcome<S: Stage>(s: S) {
    let room = s.major("Down").await;
    let card = s.card("ana", &room, 1, "paged ana").await;
    let told = s.ask_run("ana", &card, "restart").await;
    assert!(told.text.contains("approval"), "{told:?}");
    let approve = async |who: &str| {
        let asked = s.line(who, &room, "ana asked for run-1").await;
        let label = asked.buttons.iter().find(|b| b.starts_with("Approve"));
        (label.cloned(), asked)
    };
    // Where the button is shown to Ana at all, it does not obey her.
    if let (Some(label), asked) = approve("ana").await {
        s.press("ana", &asked, &label).await;
    }
    assert_eq!(s.house().count(1, "run_released").await, 0);
    let (label, asked) = approve("bo").await;
    s.press("bo", &asked, &label.expect("bo may")).await;
    s.line("ana", &room, "succeeded (exit code 0) after").await;
    let lines = words(&["ana asked for run-1", "succeeded (exit code 0) after"]);
    s.assert_once_in_order("ana", &room, &lines).await;
    s.card("ana", &room, 1, "“restart” by ana: succeeded").await;
    assert_eq!(s.house().count(1, "run_started").await, 1);
}

pub async fn an_action_without_approval_runs_after_one_confirmation<S: Stage>(s: S) {
    let room = s.major("Down").await;
    let card = s.card("ana", &room, 1, "paged ana").await;
    s.ask_run("ana", &card, "echo").await;
    // The console has shown what runs before it asked; elsewhere the line asks.
    if s.house().count(1, "run_released").await == 0 {
        let asked = s.line("ana", &room, "ana asked for run-1").await;
        let label = asked.buttons.iter().find(|b| b.starts_with("Approve"));
        s.press("ana", &asked, label.unwrap()).await;
    }
    s.line("ana", &room, "succeeded (exit code 0) after").await;
    assert_eq!(s.house().count(1, "run_started").await, 1);
}

pub async fn the_glass_is_broken_with_a_reason_and_everybody_is_told<S: Stage>(s: S) {
    let room = s.major("Down").await;
    s.card("ana", &room, 1, "paged ana").await;
    let engine = s.house().engine();
    let mut directory = (*engine.directory()).clone();
    let mut restart = (*directory.actions["restart"]).clone();
    restart.approval.break_glass = Some(BreakGlass {
        roles: vec!["commander".to_owned()],
        min_severity: None,
        notify: Vec::new(),
    });
    directory
        .actions
        .insert("restart".to_owned(), Arc::new(restart));
    let ana = directory.people.get_mut("ana").unwrap();
    ana.roles.push("commander".to_owned());
    engine.replace_directory(directory);
    let told = s
        .types("bo", &room, "run! #1 restart the disk is full")
        .await;
    assert!(told.text.contains("needs the role commander"), "{told:?}");
    let told = s.types("ana", &room, "run! #1 restart").await;
    assert!(told.text.contains("needs a reason"), "{told:?}");
    let told = s
        .types("ana", &room, "run! #1 restart the disk is full")
        .await;
    assert!(told.text.contains("passes over its approval"), "{told:?}");
    s.line("bo", &TEAM, "BREAKS THE GLASS").await;
    let asked = s.line("ana", &room, "Why: “the disk is full”").await;
    let label = asked
        .buttons
        .iter()
        .find(|b| b.starts_with("Approve") || b.starts_with("Run"));
    s.press("ana", &asked, label.unwrap()).await;
    s.line("bo", &room, "succeeded (exit code 0) after").await;
    assert_eq!(s.house().count(1, "run_released").await, 1);
    let entries = engine.store().audit_after(0, 100).await.unwrap();
    let kinds: Vec<&str> = entries.iter().map(|e| e.kind.as_str()).collect();
    assert!(
        kinds.starts_with(&["refused", "break_glass", "run_approved", "run_released"]),
        "{kinds:?}"
    );
}

pub async fn the_same_press_twice_has_one_effect<S: Stage>(s: S) {
    let room = s.major("Down").await;
    let card = s.card("ana", &room, 1, "paged ana").await;
    s.press_twice("ana", &card, "Escalate").await;
    let page = s.page("bo", 1).await;
    s.press("bo", &page, "Acknowledge").await;
    s.line("ana", &room, "bo acknowledged it").await;
    assert_eq!(s.house().count(1, "paged").await, 2, "ana, then bo");
}

pub async fn a_stale_escalate_is_answered_and_not_obeyed<S: Stage>(s: S) {
    let room = s.major("Down").await;
    s.card("ana", &room, 1, "paged ana").await;
    s.freezes_cards();
    let for_ana = s.card("ana", &room, 1, "paged ana").await;
    let for_bo = s.card("bo", &room, 1, "paged ana").await;
    s.press("ana", &for_ana, "Escalate").await;
    s.page("bo", 1).await;
    let told = s.press("bo", &for_bo, "Escalate").await;
    assert!(told.text.contains("has moved on"), "{told:?}");
    assert!(told.text.contains("Nothing was done"), "{told:?}");
    s.comes_back().await;
    s.card("ana", &room, 1, "paged ana and bo").await;
    assert_eq!(s.house().count(1, "paged").await, 2, "ana, then bo");
}

pub async fn a_minor_incident_is_promoted<S: Stage>(s: S) {
    s.house().fires("Slow", "warning").await;
    let card = s.card("ana", &TEAM, 1, "paged ana").await;
    let incident = s.house().incident(1).await.unwrap();
    assert!(incident.rooms.is_empty(), "a minor one has no room");
    s.press("ana", &card, "Declare major").await;
    let room = s.room(1).await;
    s.card("ana", &room, 1, "Slow is bad").await;
    s.line("ana", &room, "ana made it major").await;
    let card = s.card("ana", &TEAM, 1, "").await;
    let probe = async || {
        let cards = s.seen("ana", &TEAM).await;
        let offered = |b: &String| b == "Declare major";
        (!cards.iter().any(|c| c.buttons.iter().any(offered))).then_some(())
    };
    s.house().expect("a card that offers no more", probe).await;
    assert!(card.card);
}

pub async fn somebody_unknown_may_acknowledge_and_not_run_actions<S: Stage>(s: S) {
    s.stranger("kim");
    let room = s.major("Down").await;
    let card = s.card("kim", &room, 1, "paged ana").await;
    let told = s.ask_run("kim", &card, "echo").await;
    assert!(told.alone && !told.text.is_empty(), "{told:?}");
    let incident = s.house().incident(1).await.unwrap();
    assert!(incident.runs.is_empty(), "{:?}", incident.runs);
    let told = s.press("kim", &card, "Acknowledge").await;
    if S::STRANGERS_ACT {
        let by = s
            .house()
            .until(1, "somebody has it", |i| i.acked_by.clone());
        let by = by.await;
        assert_eq!(by.person(), None, "{by:?}");
        assert!(by.name().eq_ignore_ascii_case("kim"), "{by:?}");
        s.card("ana", &room, 1, "first acknowledged").await;
    } else {
        assert!(told.text.contains("Say who you are first"), "{told:?}");
        let incident = s.house().incident(1).await.unwrap();
        assert_eq!(incident.status, Status::Triggered);
    }
}

/// What an attacker might put into an alert.
fn nasty(chars: usize) -> String {
    let mut text = "<!channel> <@U1> <@&2> @everyone <b>[click](https://evil.test)</b> \
        <https://evil.test|pay> <script>alert(1)</script><img src=x> *b* _i_ `c` \
        \u{202e}reversed\u{202c} \u{2066}isolated\u{2069} \u{7}\u{1b}[31m\r\n"
        .to_owned();
    text.extend(std::iter::repeat_n('x', chars - text.chars().count()));
    text
}

pub async fn words_of_an_attacker_harm_nothing<S: Stage>(s: S) {
    let mut alert = firing(&nasty(10_000), "critical");
    alert.labels.insert("instance".to_owned(), nasty(10_000));
    s.house().fire_all(vec![alert]).await;
    let room = s.room(1).await;
    let card = s.card("ana", &room, 1, "paged ana").await;
    s.card("ana", &TEAM, 1, "paged ana").await;
    s.page("ana", 1).await;
    s.house().notes(1, &nasty(2900)).await;
    s.line("ana", &room, "dee noted").await;
    s.ask_run("ana", &card, "restart").await;
    s.line("ana", &room, "ana asked for run-1").await;
    s.says("ana", &room, &nasty(1900)).await;
    s.house().until_told(1, "\"spoke\"").await;
    s.command("ana", &room, "ack", &[]).await;
    s.card("ana", &room, 1, "ana, first acknowledged").await;
    s.assert_harmless().await;
}

pub async fn what_is_said_in_the_room_is_on_the_timeline<S: Stage>(s: S) {
    let room = s.major("Down").await;
    s.card("ana", &room, 1, "").await;
    s.says("ana", &Spot::Channel("general"), "not about it")
        .await;
    let said = s.says("ana", &room, "it is the cache").await;
    s.house().until_told(1, "it is the cache").await;
    if S::EDITS {
        s.edits("ana", &said, "it is the database").await;
        s.house().until_told(1, "it is the database").await;
        s.deletes("ana", &said).await;
        s.house().until_told(1, "\"unsaid\"").await;
    }
    assert_eq!(s.house().count(1, "spoke").await, 1);
}

/// Exactly one card in each place.
async fn assert_one_card<S: Stage>(s: &S, room: &Spot) {
    for spot in [room, &TEAM] {
        let seen = s.seen("ana", spot).await;
        assert_eq!(seen.iter().filter(|m| m.card).count(), 1, "{spot:?}");
    }
}

pub async fn a_restart_neither_loses_nor_doubles_a_line<S: Stage>(s: S) {
    let room = s.major("Down").await;
    s.card("ana", &room, 1, "").await;
    let mut lines = words(&["Paged ana"]);
    for n in 0..8 {
        let note = format!("note number {n} ");
        s.house().notes(1, &note).await;
        lines.push(note.trim().to_owned());
        if n % 3 == 2 {
            s.house().restarts().await;
        }
    }
    s.line("ana", &room, "note number 7").await;
    s.assert_once_in_order("ana", &room, &lines).await;
    assert_one_card(&s, &room).await;
    s.command("ana", &room, "ack", &[]).await;
    s.card("ana", &room, 1, "ana, first acknowledged").await;
    assert_one_card(&s, &room).await;
    let pages = s.seen("ana", &Spot::Direct("ana")).await;
    assert!(!pages.is_empty(), "the page is there");
}

pub async fn after_an_outage_the_card_is_drawn_once_and_the_lines_are_in_order<S: Stage>(s: S) {
    let room = s.major("Down").await;
    let card = s.card("ana", &room, 1, "paged ana").await;
    s.page("ana", 1).await;
    s.line("ana", &room, "Paged ana").await;
    s.goes_down().await;
    let before = s.redraws(&card);
    let by = person("bo");
    let mut lines = Vec::new();
    for n in 0..18 {
        let note = format!("note number {n:02}");
        s.house().notes(1, &note).await;
        lines.push(note);
    }
    s.house()
        .tells(1, Command::Acknowledge { by: by.clone() })
        .await;
    s.house()
        .tells(
            1,
            Command::Lead {
                lead: by.clone(),
                by,
            },
        )
        .await;
    lines.extend(words(&["bo acknowledged it", "bo took the lead"]));
    s.comes_back().await;
    s.line("ana", &room, "bo took the lead").await;
    s.assert_once_in_order("ana", &room, &lines).await;
    s.card("ana", &room, 1, "bo, first acknowledged").await;
    if S::CARDS_ARE_EDITED {
        // One drawing of all twenty changes, and at most one that was asking whether the platform is
        // back at the very moment it was, drawn before the last of them.
        let drawn = s.redraws(&card) - before;
        assert!((1..=2).contains(&drawn), "{drawn} drawings");
    }
    assert_one_card(&s, &room).await;
    let incident = s.house().incident(1).await.unwrap();
    assert!(!matches!(incident.climb, Climb::Exhausted { .. }));
}

pub async fn a_channel_is_told_of_an_incident_from_when_it_asks_until_it_has_enough<S: Stage>(
    s: S,
) {
    let room = s.major("Down").await;
    s.card("ana", &room, 1, "").await;
    let general = Spot::Channel("general");
    let (here, me) = ([("incident", "1"), ("where", "here")], [("incident", "1")]);
    let told = s.command("ana", &room, "subscribe", &here).await;
    assert!(told.text.contains("stand here already"), "{told:?}");
    let told = s.command("ana", &general, "subscribe", &here).await;
    assert!(told.text.contains("is posted in this channel"), "{told:?}");
    let told = s.command("bo", &general, "subscribe", &here).await;
    assert!(told.text.contains("told there already"), "{told:?}");
    let told = s.command("bo", &general, "subscribe", &me).await;
    assert!(told.text.contains("by direct message"), "{told:?}");
    let update = async |text| {
        let told = s.command("ana", &room, "update", &[("text", text)]).await;
        assert!(told.text.contains("told to people inside"), "{told:?}");
    };
    let bo = Spot::Direct("bo");
    update("@everyone <!channel> the pool is full").await;
    s.line("bo", &general, "the pool is full").await;
    s.line("bo", &bo, "the pool is full").await;
    s.house().restarts().await;
    let told = s.command("ana", &general, "unsubscribe", &here).await;
    assert!(told.text.contains("not posted in this channel"), "{told:?}");
    update("it works again").await;
    // They are told in one go: where this is, the channel would have it too.
    s.line("bo", &bo, "it works again").await;
    let heard = async |spot: &Spot, words: &str| {
        let all = s.seen("bo", spot).await;
        all.iter().filter(|m| m.words.contains(words)).count()
    };
    assert_eq!(heard(&general, "the pool is full").await, 1, "told once");
    assert_eq!(heard(&general, "it works again").await, 0);
    for words in ["the pool is full", "it works again"] {
        assert_eq!(heard(&bo, words).await, 1);
        assert_eq!(heard(&Spot::Channel("web"), words).await, 0, "nobody asked");
    }
    s.assert_harmless().await;
}
