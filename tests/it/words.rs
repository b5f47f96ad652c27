//! The words: every event has a sentence and a golden shape; the postmortem is the same bytes for
//! the same journal; nothing hostile comes alive in it.
//!
//! `UPDATE=1 cargo test --test it words` writes the golden files.

mod changes;
mod conduct;
mod dispatch;
mod hands;
pub mod hostile;
pub mod journal;
mod nature;
mod oncall;
mod rooms;
mod told;

use firebell::core::id::IncidentId;
use firebell::core::incident::{Event, Incident, Record};
use firebell::core::postmortem;
use firebell::core::time::Time;
use firebell::core::timeline::{self, Names};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const ID: IncidentId = IncidentId(42);

fn golden(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(folder)
}

/// Compares with a golden file, or writes it.
pub fn same_as_golden(path: &Path, now: &str) {
    let then = std::fs::read_to_string(path).unwrap_or_default();
    if then == now {
        return;
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, now).unwrap();
        return;
    }
    let differs = then.lines().zip(now.lines()).position(|(a, b)| a != b);
    let line = differs.unwrap_or_else(|| then.lines().count().min(now.lines().count()));
    panic!(
        "{} is stale (UPDATE=1 writes it); line {}:\n- {}\n+ {}",
        path.display(),
        line + 1,
        then.lines().nth(line).unwrap_or("(end)"),
        now.lines().nth(line).unwrap_or("(end)")
    );
}

/// Every shape firebell writes today, by the name of its golden file.
fn shapes() -> BTreeMap<String, Event> {
    let mut shapes = BTreeMap::new();
    for record in journal::rich() {
        let kind = record.event.kind().to_owned();
        shapes.entry(kind).or_insert(record.event);
    }
    let others = journal::other_shapes().into_iter();
    let others = others.chain(journal::waking_shapes());
    let others = others.chain(conduct::shapes());
    let others = others.chain(hands::shapes()).chain(hands::runs());
    let others = others.chain(told::shapes()).chain(rooms::shapes());
    for (name, event) in others.chain(nature::shapes()) {
        shapes.insert(name.to_owned(), event);
    }
    shapes
}

/// The kinds the core names, read from its source, so that a new one cannot be forgotten here.
fn kinds() -> BTreeSet<&'static str> {
    let source = concat!(
        include_str!("../../src/core/incident/kind.rs"),
        include_str!("../../src/core/incident/conduct/event.rs")
    );
    let arms = source
        .lines()
        .filter(|l| l.contains("Event::") && l.contains("=> \""));
    arms.filter_map(|l| l.split('"').nth(1)).collect()
}

#[test]
fn every_kind_of_event_has_a_golden_shape() {
    let have: BTreeSet<String> = shapes().values().map(|e| e.kind().to_owned()).collect();
    let want: BTreeSet<String> = kinds().into_iter().map(str::to_owned).collect();
    assert!(want.len() >= 28);
    assert_eq!(have, want);
    for (name, event) in shapes() {
        let json = serde_json::to_string_pretty(&event).unwrap() + "\n";
        same_as_golden(&golden("events").join(format!("{name}.json")), &json);
    }
}

#[test]
fn every_shape_ever_written_still_parses_folds_and_has_a_sentence() {
    let mut read = 0;
    for file in std::fs::read_dir(golden("events")).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let event: Event =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let opened = journal::rich().remove(0);
        let second = Record {
            seq: 2,
            at: Time(opened.at.0 + 1000),
            cause: "test".to_owned(),
            event,
        };
        let incident = Incident::replay(ID, [&opened, &second]);
        assert_eq!(incident.seq, 2, "{}", path.display());
        let said = timeline::sentence(&second.event, &Names::default());
        assert!(said.len() > 10, "{}: {said:?}", path.display());
        read += 1;
    }
    assert!(read >= kinds().len(), "{read}");
}

#[test]
fn the_timeline_is_in_the_order_things_happened_and_cites_its_source() {
    let entries = timeline::entries(&journal::rich());
    assert_eq!(entries.len(), journal::rich().len() + 1);
    assert!(
        entries
            .windows(2)
            .all(|w| w[0].happened_at <= w[1].happened_at)
    );
    // The note's own time puts it before the first alert, and that before the opening.
    let kinds: Vec<&str> = entries.iter().take(3).map(|e| e.kind).collect();
    assert_eq!(kinds, ["noted", "detected", "opened"]);
    assert!(
        entries
            .iter()
            .all(|e| !e.source.is_empty() && !e.text.is_empty())
    );
}

#[test]
fn many_alerts_are_counted_and_none_is_dropped_from_the_export() {
    let journal = journal::rich();
    let fired = journal.iter().find(|r| r.event.kind() == "fired").unwrap();
    let said = timeline::sentence(&fired.event, &Names::default());
    assert!(
        said.starts_with("20 more alerts joined: PodDown-3, "),
        "{said}"
    );
    assert!(said.ends_with("and 12 more (20 in all)."), "{said}");
    let json = postmortem::json(&postmortem::build(ID, &journal, None));
    assert!((3..=22).all(|n| json.contains(&format!("\"PodDown-{n}\""))));
}

#[test]
fn the_same_journal_gives_the_same_postmortem_to_the_byte() {
    let journal = journal::rich();
    let berlin = Some(chrono_tz::Europe::Berlin);
    let build = || postmortem::build(ID, &journal, berlin);
    assert_eq!(
        postmortem::markdown(&build()),
        postmortem::markdown(&build())
    );
    assert_eq!(postmortem::json(&build()), postmortem::json(&build()));
    same_as_golden(
        &golden("postmortem/rich.md"),
        &postmortem::markdown(&build()),
    );
    same_as_golden(&golden("postmortem/rich.json"), &postmortem::json(&build()));
}

#[test]
fn the_lengths_are_counted_from_the_alert_and_from_the_opening() {
    let draft = postmortem::build(ID, &journal::rich(), None);
    assert_eq!(draft.durations.detect_ms, Some(90_000));
    assert_eq!(draft.durations.acknowledge_ms, Some(380_000));
    assert_eq!(draft.durations.mitigate_ms, Some(2_100_000));
    assert_eq!(draft.durations.resolve_ms, Some(2_100_000));
    let open = postmortem::build(ID, &journal::rich()[..5], None);
    assert_eq!(open.durations.resolve_ms, None);
    assert_eq!(open.durations.acknowledge_ms, None);
    assert!(open.summary.contains("not resolved"), "{}", open.summary);
    let none = postmortem::build(ID, &[], None);
    assert!(none.summary.contains("empty"), "{}", none.summary);
}

#[test]
fn pages_and_runs_are_told_with_their_ends() {
    let draft = postmortem::build(ID, &journal::rich(), None);
    let outcomes: Vec<(&str, &str)> = draft
        .pages
        .iter()
        .map(|p| (p.person.as_str(), p.outcome.as_str()))
        .collect();
    assert_eq!(
        outcomes,
        [
            ("ana", "delivered"),
            ("ana", "failed"),
            ("person kai", "skipped"),
            ("schedule web-secondary", "skipped"),
            ("bo", "unconfirmed"),
            ("team ops", "skipped"),
            ("cy", "unconfirmed"),
        ]
    );
    let states: Vec<&str> = draft.actions.iter().map(|a| a.state.as_str()).collect();
    assert_eq!(
        states,
        ["succeeded", "unknown", "not started", "not started"]
    );
    let markdown = postmortem::markdown(&draft);
    assert!(
        markdown.contains("- Outcome: **OUTCOME UNKNOWN"),
        "{markdown}"
    );
}

#[test]
fn nothing_hostile_comes_alive_in_the_markdown() {
    let draft = postmortem::build(ID, &hostile::journal(), None);
    let markdown = postmortem::markdown(&draft);
    // Not `.md`: nobody should open it rendered, and it is no document of ours.
    same_as_golden(&golden("postmortem/hostile.txt"), &markdown);
    let own = ["<!-- firebell:begin ", "<!-- firebell:end "];
    let mut fence: Option<String> = None;
    let mut fences = 0;
    for line in markdown.lines() {
        if let Some(open) = &fence {
            if line == open {
                fence = None;
            }
            continue;
        }
        if line.starts_with("```") {
            fence = Some(line.trim_end_matches("text").to_owned());
            fences += 1;
            continue;
        }
        if own.iter().any(|c| line.starts_with(c)) {
            continue;
        }
        assert_eq!(live(line), None, "{line}");
        if line.starts_with('|') {
            let columns = line.replace("\\|", "").matches('|').count();
            assert!((3..=8).contains(&columns), "{line}");
        }
    }
    assert_eq!(
        (fence, fences),
        (None, 2),
        "every fence closes, and only where firebell closes it"
    );
    let headings = markdown.lines().filter(|l| l.starts_with('#'));
    assert!(
        headings.clone().all(|h| !h.ends_with("heading")),
        "{headings:?}"
    );
}

/// The first character of a line that would mean something to Markdown, a forge or a chat platform.
fn live(line: &str) -> Option<String> {
    let mut chars = line.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let rest = &line[at..];
        match c {
            '\\' => {
                chars.next();
            }
            '<' | '>' | '`' | '[' | ']' => return Some(rest.to_owned()),
            '@' if !rest.starts_with("@\u{200B}") => return Some(rest.to_owned()),
            _ if rest.starts_with("://") || rest.starts_with("www.") => {
                return Some(rest.to_owned());
            }
            c if c.is_control() || c == '\u{202E}' => return Some(rest.to_owned()),
            _ => {}
        }
    }
    None
}

#[test]
fn the_json_is_versioned_and_holds_text_as_it_came() {
    let text = postmortem::json(&postmortem::build(ID, &hostile::journal(), None));
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["schema"], postmortem::SCHEMA);
    assert_eq!(value["alerts"][0]["summary"], hostile::TEXT);
    assert!(text.starts_with("{\n  \"schema\": 2,\n  \"id\": 42,\n  \"title\": "));
}
