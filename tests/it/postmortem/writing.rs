//! Writing, reviewing, being reminded and finding again, on both databases.

use crate::store::on_both;
use crate::world::{World, person};
use firebell::core::id::IncidentId;
use firebell::core::incident::{Command, Event};
use firebell::core::postmortem::{Act, Deadlines, Format, Stage, export, hash};
use firebell::core::sight::Sight;
use firebell::core::time::Time;
use firebell::engine::{Failure, Redaction};
use firebell::store::{PostmortemQuery, SearchFilter, Store};

const CHECKOUT: &[(&str, &str)] = &[("service", "checkout"), ("severity", "warning")];
const ONE: IncidentId = IncidentId(1);

/// A world with the usual deadlines.
async fn world(url: &str) -> World {
    let mut w = World::on(url).await;
    w.configure(|d| d.postmortems.deadlines = Deadlines::usual(&["sev1", "sev2"]))
        .await;
    w
}

async fn write(w: &World, anchor: &str, text: &str) -> Result<String, Failure> {
    let read = w.engine.postmortem(ONE).await.unwrap().unwrap();
    let section = read.document.section(anchor).unwrap();
    let act = Act::Edit {
        anchor: anchor.to_owned(),
        base: section.base.clone(),
        from: hash(&section.text),
        now: section.text.clone(),
        text: text.to_owned(),
    };
    w.engine.amend(ONE, act, &person("ana")).await
}

async fn markdown(w: &World) -> String {
    let read = w.engine.postmortem(ONE).await.unwrap().unwrap();
    export(&read.document, &read.template, Format::Markdown)
}

#[tokio::test]
async fn what_people_wrote_survives_new_facts_a_crash_and_the_same_lines() {
    on_both(async |database| {
        let mut w = world(&database.url).await;
        w.fire("Slow", CHECKOUT).await;
        w.tell(1, Command::Acknowledge { by: person("ana") }).await;
        write(&w, "lucky", "It was **Monday**.").await.unwrap();
        let summary = w.engine.postmortem(ONE).await.unwrap().unwrap();
        let summary = summary.document.section("summary").unwrap().text.clone();
        assert!(summary.contains("not resolved"), "{summary}");
        write(&w, "summary", &format!("{summary}\n\nNobody could pay."))
            .await
            .unwrap();
        w.kill_and_restart().await;
        w.advance_secs(600).await;
        w.clear("Slow", CHECKOUT).await;
        let text = markdown(&w).await;
        // The first line is the draft of today, the second is theirs.
        assert!(text.contains("resolved after"), "{text}");
        assert!(!text.contains("not resolved when"), "{text}");
        assert!(text.contains("Nobody could pay."), "{text}");
        assert!(text.contains("It was **Monday**."), "{text}");
        // Now both change the same line.
        write(&w, "summary", "Our own words about it.")
            .await
            .unwrap();
        w.tell(1, Command::Reopen { by: person("ana") }).await;
        let read = w.engine.postmortem(ONE).await.unwrap().unwrap();
        let section = read.document.section("summary").unwrap();
        assert_eq!(section.text, "Our own words about it.");
        let both = section.conflict.as_ref().expect("a conflict");
        assert!(both.contains("Our own words about it."), "{both}");
        assert!(both.contains("not resolved when"), "{both}");
        let text = markdown(&w).await;
        assert!(text.contains("The facts have changed where people had rewritten them."));
        write(&w, "summary", "Put together.").await.unwrap();
        let read = w.engine.postmortem(ONE).await.unwrap().unwrap();
        assert_eq!(read.document.section("summary").unwrap().conflict, None);
        let revisions = w.engine.store().revisions(ONE).await.unwrap();
        let by_ana = revisions.iter().filter(|r| r.author == person("ana"));
        assert_eq!(by_ana.count(), 4, "{revisions:?}");
        let numbers: Vec<i64> = revisions.iter().map(|r| r.revision).collect();
        assert_eq!(numbers, (1..=numbers.len() as i64).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test]
async fn of_two_who_write_the_same_section_the_second_is_shown_the_first() {
    on_both(async |database| {
        let w = world(&database.url).await;
        w.fire("Slow", CHECKOUT).await;
        write(&w, "impact", "One text.").await.unwrap();
        let late = Act::Edit {
            anchor: "impact".to_owned(),
            base: String::new(),
            from: hash(""),
            now: "One text.".to_owned(),
            text: "Another.".to_owned(),
        };
        let why = w.engine.amend(ONE, late, &person("bo")).await.unwrap_err();
        assert!(
            why.to_string().contains("ana changed this section"),
            "{why}"
        );
        assert!(markdown(&w).await.contains("One text."));
    })
    .await;
}

#[tokio::test]
async fn a_review_is_asked_for_at_half_of_its_time_and_at_its_end_and_once_each() {
    on_both(async |database| {
        let mut w = world(&database.url).await;
        w.fire("Slow", CHECKOUT).await;
        w.tell(1, Command::Acknowledge { by: person("ana") }).await;
        w.clear("Slow", CHECKOUT).await;
        let about = |w: &World, place: &str| {
            let said = w.platform.lines(place).into_iter();
            let said = said.filter(|l| l.contains("postmortem of #1"));
            said.collect::<Vec<_>>()
        };
        // sev2, five business days from a Monday: due on the next Monday, half of it on Thursday.
        w.advance_secs(3 * 86_400).await;
        assert!(about(&w, "@ana").is_empty());
        w.advance_secs(86_400).await;
        let told = about(&w, "@ana");
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("half of that time is over"), "{told:?}");
        w.kill_and_restart().await;
        w.advance_secs(60).await;
        assert_eq!(about(&w, "@ana").len(), 1);
        // Whoever sees to it from now on is told instead.
        let own = Act::Own {
            person: Some("bo".to_owned()),
        };
        w.engine.amend(ONE, own, &person("ana")).await.unwrap();
        w.advance_secs(4 * 86_400).await;
        let told = about(&w, "@bo");
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("was to be reviewed until"), "{told:?}");
        let late = PostmortemQuery {
            overdue_at: Some(w.engine.now()),
            limit: 10,
            ..PostmortemQuery::default()
        };
        let (rows, total) = w.engine.store().postmortems(&late).await.unwrap();
        assert_eq!((rows.len(), total), (1, 1));
        assert_eq!(rows[0].row.written.owner.as_deref(), Some("bo"));
        for to in [Stage::InReview, Stage::Reviewed] {
            let go = Act::Move { to };
            w.engine.amend(ONE, go, &person("bo")).await.unwrap();
        }
        let (_, total) = w.engine.store().postmortems(&late).await.unwrap();
        assert_eq!(total, 0, "a reviewed one is not late");
        w.advance_secs(30 * 86_400).await;
        assert_eq!(about(&w, "@bo").len(), 1);
    })
    .await;
}

/// The next one with the alert is told of it, once, in the channel of its team.
async fn told_once(w: &World) {
    w.clear("Slow", CHECKOUT).await;
    w.fire("Slow", CHECKOUT).await;
    let mut told: Vec<String> = Vec::new();
    // Looking has a task of its own.
    for _ in 0..1000 {
        w.settle().await;
        told = w.platform.lines("#web");
        told.retain(|l| l.contains("Seen before"));
        if !told.is_empty() {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("#1") && told[0].contains("the alert Slow on the same service"),
        "{told:?}"
    );
    // It stands on the card as long as it is open, and on the timeline, whatever crashed.
    let open = w.engine.open_incidents();
    let newest = open.iter().map(|i| i.id.0).max().unwrap();
    let kinds = w.kinds(newest).await;
    assert_eq!(kinds.iter().filter(|k| **k == "recalled").count(), 1);
    let (incident, now) = (w.incident(newest).await, w.clock.now());
    let url = format!("https://firebell.example.org/incidents/{newest}");
    let card = firebell::chat::card::card(&incident, &w.directory, now, &url);
    let seen = card.facts.iter().find(|(label, _)| label == "seen before");
    let words = &seen.expect("it is on the card").1;
    assert!(
        words.starts_with("#1 had the same alert")
            && words.ends_with("https://firebell.example.org/incidents/1/postmortem"),
        "{words}"
    );
}

/// What the next one is told of an incident names it and its alert: words that can be removed from that
/// one for good are in no place of this one, neither before nor after.
async fn nothing_removable_is_recalled(w: &World) {
    let open = w.engine.open_incidents();
    let newest = open.iter().map(|i| i.id.0).max().unwrap();
    let places = async || {
        let incident = w.incident(newest).await;
        let now = w.clock.now();
        let card = firebell::chat::card::card(&incident, &w.directory, now, "https://x.example/1");
        let lesson = w
            .engine
            .related_lesson(&incident, Some("Slow"), &Sight::All)
            .await
            .unwrap();
        let lines = w.platform.lines("#web");
        let journal = w.journal(newest).await;
        format!("{card:?} {lesson:?} {lines:?} {journal:?}")
    };
    let journal = w.journal(1).await;
    let is_note = |e: &Event| matches!(e, Event::Noted { .. });
    let noted = journal.iter().find(|r| is_note(&r.event)).unwrap();
    let words = ["exhausted", "elephantine"];
    let before = places().await;
    assert!(words.iter().all(|word| !before.contains(word)), "{before}");
    assert!(before.contains("Seen before"), "{before}");
    let wanted = Redaction {
        by: person("ana"),
        incident: ONE,
        seq: noted.seq,
        why: "a customer's name".to_owned(),
    };
    w.engine.redact("form:1", wanted).await.unwrap();
    assert_eq!(occurs(w.engine.store(), "exhausted", false).await, 0);
    let after = places().await;
    assert!(words.iter().all(|word| !after.contains(word)), "{after}");
}

/// A search is narrowed down by service, team and days.
async fn narrows(w: &World) {
    let of = |change: fn(&mut SearchFilter, Time)| {
        let mut filter = SearchFilter::default();
        change(&mut filter, w.engine.now().plus_ms(1));
        filter
    };
    for (filter, n) in [
        (of(|f, _| f.service = Some("checkout".to_owned())), 1),
        (of(|f, _| f.service = Some("search".to_owned())), 0),
        (of(|f, _| f.team = Some("web".to_owned())), 1),
        (of(|f, later| f.from = Some(later)), 0),
        (of(|f, later| f.until = Some(later)), 1),
    ] {
        let found = w.engine.store().search("pool", &filter, 10).await.unwrap();
        assert_eq!(found.len(), n, "{filter:?}");
    }
}

/// In how many incidents these words occur.
async fn occurs(store: &Store, words: &str, reviewed: bool) -> usize {
    let filter = SearchFilter::reviewed(reviewed);
    store.search(words, &filter, 10).await.unwrap().len()
}

#[tokio::test]
async fn what_was_said_and_written_is_found_and_offered_to_the_next_like_it() {
    on_both(async |database| {
        let w = world(&database.url).await;
        w.fire("Slow", CHECKOUT).await;
        let note = Command::Note {
            by: person("ana"),
            text: "the connection pool was exhausted <script>".to_owned(),
            happened_at: None,
        };
        w.tell(1, note).await;
        w.tell(1, Command::Acknowledge { by: person("ana") }).await;
        let store = w.engine.store();
        assert_eq!(occurs(store, "pool", false).await, 0);
        w.clear("Slow", CHECKOUT).await;
        let found = store
            .search("EXHAUST pool", &SearchFilter::reviewed(false), 10)
            .await
            .unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].snippet.contains('\u{E000}'), "{:?}", found[0]);
        for nothing in ["pool elephants", "", "\"*:()&|!'"] {
            assert_eq!(occurs(store, nothing, false).await, 0, "{nothing}");
        }
        assert_eq!(occurs(store, "pool", true).await, 0);
        let text = "Raise the elephantine limit.";
        write(&w, "action-items", text).await.unwrap();
        assert_eq!(occurs(store, "elephantine", false).await, 1);
        // Not offered before it is agreed on.
        w.fire("Slow", CHECKOUT).await;
        let second = w.incident(2).await;
        let lesson = w
            .engine
            .related_lesson(&second, Some("Slow"), &Sight::All)
            .await
            .unwrap();
        assert_eq!(lesson, None);
        let own = Act::Own {
            person: Some("bo".to_owned()),
        };
        let steps = [Stage::InReview, Stage::Reviewed].map(|to| Act::Move { to });
        for act in [own].into_iter().chain(steps) {
            w.engine.amend(ONE, act, &person("bo")).await.unwrap();
        }
        let lesson = w
            .engine
            .related_lesson(&second, Some("Slow"), &Sight::All)
            .await
            .unwrap();
        assert_eq!(lesson.expect("a lesson").incident, ONE);
        let own = w.incident(1).await;
        let lesson = w
            .engine
            .related_lesson(&own, Some("Slow"), &Sight::All)
            .await
            .unwrap();
        assert_eq!(lesson, None, "never its own");
        assert_eq!(occurs(store, "pool", true).await, 1);
        told_once(&w).await;
        narrows(&w).await;
        nothing_removable_is_recalled(&w).await;
    })
    .await;
}
