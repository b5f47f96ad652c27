//! What is removed for good is nowhere any more: not on a platform, not in an answer, not in an export, not in a
//! file and not on a page of the database, on SQLite and on PostgreSQL.

use super::company::Company;
use super::house::Plan;
use super::mirror::PICTURE;
use super::stage::{Play, Seen, Spot, Stage};
use crate::discord_world::permissions;
use crate::postgres::{self, Cluster};
use firebell::core::id::IncidentId;
use firebell::core::incident::Event;
use firebell::core::postmortem::{Format, anonymous, everybody, export};
use firebell::store::SearchFilter;
use std::path::Path;

/// What nobody may find again.
pub const SECRET: &str = "hunter2-correct-horse-battery";

/// The databases everything is removed from: `None` is a file of SQLite.
pub async fn databases() -> Vec<Option<(&'static Cluster, String)>> {
    let mut all = vec![None];
    if let Some(cluster) = postgres::cluster() {
        all.push(Some((cluster, cluster.fresh().await)));
    }
    all
}

/// The address of one, for a plan.
pub fn address(database: Option<&(&'static Cluster, String)>) -> Option<String> {
    database.map(|(_, url)| url.clone())
}

fn has(content: &[u8], needle: &[u8]) -> bool {
    content.windows(needle.len()).any(|w| w == needle)
}

fn holds(path: &Path, needle: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(holds(&path, needle));
        } else if let Ok(content) = std::fs::read(&path)
            && has(&content, needle)
        {
            found.push(path.display().to_string());
        }
    }
    found
}

/// Every file of the data folder and of the database that has these words. PostgreSQL's write-ahead log is
/// not looked at: it is a copy of what was, like a backup, as `docs/rooms.md` says.
pub async fn on_disk(
    c: &Company,
    database: Option<&(&'static Cluster, String)>,
    words: &str,
) -> Vec<String> {
    let mut found = holds(c.house.folder(), words.as_bytes());
    if let Some((cluster, url)) = database {
        let files = cluster.files(url).await.into_iter();
        let files = files.filter(|(_, content)| has(content, words.as_bytes()));
        found.extend(files.map(|(name, _)| format!("PostgreSQL: {name}")));
    }
    found
}

/// Every export of #1 that has these words, with its people and without.
pub async fn in_exports(c: &Company, words: &str) -> Vec<String> {
    let engine = c.house.engine();
    let read = engine.postmortem(IncidentId(1)).await.unwrap().unwrap();
    let people = everybody(&engine.directory());
    let without = anonymous(&read.document, &people).unwrap();
    let mut found = Vec::new();
    for format in Format::ALL {
        for (how, document) in [("named", &read.document), ("anonymous", &without)] {
            if export(document, &read.template, format).contains(words) {
                found.push(format!("{how} .{}", format.ending()));
            }
        }
    }
    found
}

/// Whether the search finds these words, in drills and private ones too.
pub async fn searched(c: &Company, words: &str) -> bool {
    let how = SearchFilter {
        sight: firebell::core::sight::Sight::All,
        ..SearchFilter::default()
    };
    let engine = c.house.engine();
    !engine
        .store()
        .search(words, &how, 10)
        .await
        .unwrap()
        .is_empty()
}

pub async fn seq_of(c: &Company, fits: impl Fn(&Event) -> bool) -> u32 {
    let engine = c.house.engine();
    let journal = engine.store().journal(IncidentId(1)).await.unwrap();
    journal.iter().find(|r| fits(&r.event)).unwrap().seq
}

#[tokio::test]
async fn what_is_removed_is_in_no_place_any_more() {
    for database in databases().await {
        let name = if database.is_some() {
            "postgres"
        } else {
            "sqlite"
        };
        eprintln!("on {name}:");
        words_and_a_file(database.as_ref()).await;
    }
}

#[expect(clippy::too_many_lines, reason = "every place one after the other")]
async fn words_and_a_file(database: Option<&(&'static Cluster, String)>) {
    let mut plan = Plan::all();
    plan.database = address(database);
    plan.rooms.redactors = vec!["responder".to_owned()];
    let c = Company::open(plan).await;
    // As the invite asks: people's own words are deleted.
    let may = permissions::BOT | permissions::MANAGE_MESSAGES;
    c.discord.world().bot_may(may);
    c.house.fires("Down", "critical").await;
    let rooms = c.rooms(1).await;
    c.cards(&rooms, "paged ana").await;
    // Rows around it, so that it does not stand on a page alone.
    for n in 0..20 {
        c.house
            .notes(1, &format!("note {n} {}", "x".repeat(300)))
            .await;
    }
    let words = format!("the password is {SECRET}");
    let said = c.discord.says("bo", &rooms.discord, &words).await;
    let found = |m: &Seen| m.words.contains(SECRET);
    c.slack.sees("ana", &rooms.slack, "the words", found).await;
    let shown = c
        .console
        .sees("ana", &rooms.console, "the words", found)
        .await;
    c.discord.edits("bo", &said, &format!("{words}!")).await;
    c.slack
        .sees("ana", &rooms.slack, "the edit", |m| {
            m.words.contains("(edited)")
        })
        .await;
    c.console.marks("ana", &shown).await;
    // Words that stood there before an edit took them back are words too.
    let said = c
        .slack
        .says("ana", &rooms.slack, &format!("once {SECRET}"))
        .await;
    c.discord
        .sees("bo", &rooms.discord, "what is taken back", |m| {
            m.words.contains("once")
        })
        .await;
    c.slack.edits("ana", &said, "never mind").await;
    c.discord
        .sees("bo", &rooms.discord, "never mind", |m| {
            m.words.contains("never mind")
        })
        .await;
    let Spot::Room(room) = &rooms.discord else {
        panic!("a room");
    };
    let picture = [PICTURE, SECRET.as_bytes()].concat();
    let bo = c.discord.world().user("bo");
    bo.sends_file(room, ("chart.png", &picture), "a chart", None);
    c.house.until_told(1, "\"attached\"").await;
    for n in 20..40 {
        c.house
            .notes(1, &format!("note {n} {}", "y".repeat(300)))
            .await;
    }
    // It is over, and can be searched for.
    c.slack.command("ana", &rooms.slack, "resolve", &[]).await;
    let engine = c.house.engine();
    let search = async || searched(&c, SECRET).await.then_some(());
    c.house.expect("the words in the search", search).await;
    let before = on_disk(&c, database, SECRET).await;
    assert!(!before.is_empty());
    let exported = in_exports(&c, SECRET).await;
    assert!(exported.len() >= 8, "{exported:?}");

    let refused = c
        .console
        .redacts(
            "cy",
            1,
            seq_of(&c, |e| matches!(e, Event::Spoke { .. })).await,
            "x",
        )
        .await;
    assert_eq!(refused["ok"], false, "who may is ruled: {refused}");
    let spoke = seq_of(&c, |e| matches!(e, Event::Spoke { .. })).await;
    let told = c
        .console
        .redacts("ana", 1, spoke, "it holds a password")
        .await;
    assert_eq!(told["ok"], true, "{told}");
    let file = seq_of(&c, |e| matches!(e, Event::Attached(_))).await;
    let told = c.console.redacts("ana", 1, file, "it shows one").await;
    assert_eq!(told["ok"], true, "{told}");
    let edited = seq_of(
        &c,
        |e| matches!(e, Event::Reworded { text, .. } if text == "never mind"),
    )
    .await;
    let told = c.console.redacts("ana", 1, edited, "it held one").await;
    assert_eq!(told["ok"], true, "{told}");
    let again = c.console.redacts("ana", 1, file, "it shows one").await;
    assert!(
        again["text"].as_str().unwrap().contains("removed already"),
        "{again}"
    );

    let stone = |m: &Seen| {
        m.words
            .contains("removed for good by ana: it holds a password")
    };
    c.slack
        .sees("ana", &rooms.slack, "a tombstone", stone)
        .await;
    c.console
        .sees("ana", &rooms.console, "a tombstone", |m| {
            m.words.contains("(removed for good)")
        })
        .await;
    let gone = async || {
        let all = c.discord.seen("ana", &rooms.discord).await;
        (!all.iter().any(found)).then_some(())
    };
    c.house.expect("Discord without the words", gone).await;
    for (_, seen) in [
        ("slack", c.slack.seen("ana", &rooms.slack).await),
        ("console", c.console.seen("ana", &rooms.console).await),
    ] {
        assert!(!seen.iter().any(found), "{seen:?}");
    }
    for path in [
        "/incidents/1",
        "/incidents/1/postmortem",
        "/incidents/1/postmortem.txt",
        &format!("/search?q={SECRET}"),
    ] {
        let page = c.console.reads("ana", path).await;
        let named = path.contains("/search");
        assert!(named || !page.contains(SECRET), "{path}");
    }
    assert!(!searched(&c, SECRET).await);
    let exported = in_exports(&c, SECRET).await;
    assert!(exported.is_empty(), "{exported:?}");
    let page = c.console.reads("ana", "/incidents/1").await;
    assert!(page.contains("it holds a password"), "the reason stays");
    assert_eq!(
        c.console
            .answer("ana", &format!("/incidents/1/files/{file}"))
            .await
            .status(),
        404
    );
    let audit = engine.store().audit_after(0, 1000).await.unwrap();
    let told = audit.iter().filter(|e| e.kind == "redacted").count();
    assert!(
        told >= 6,
        "the words, the edit, the mark, the file, and the other words with their edit: {told}"
    );

    // The process ends; nothing of it is in its files, the log of the database included.
    drop(engine);
    c.house.restarts().await;
    let left = on_disk(&c, database, SECRET).await;
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn authors_remove_their_own_words_and_a_platform_that_keeps_them_is_named() {
    let c = Company::open(Plan::all()).await;
    c.house.fires("Down", "critical").await;
    let rooms = c.rooms(1).await;
    c.cards(&rooms, "paged ana").await;
    c.slack.says("ana", &rooms.slack, SECRET).await;
    let found = |m: &Seen| m.words.contains(SECRET);
    c.discord
        .sees("bo", &rooms.discord, "the words", found)
        .await;
    let spoke = seq_of(&c, |e| matches!(e, Event::Spoke { .. }))
        .await
        .to_string();
    let values = [("line", spoke.as_str()), ("why", "mine")];
    let told = c
        .discord
        .command("bo", &rooms.discord, "redact", &values)
        .await;
    assert!(told.text.contains("Only its author"), "{told:?}");
    let told = c
        .slack
        .command("ana", &rooms.slack, "redact", &values)
        .await;
    assert!(told.text.contains("was removed for good"), "{told:?}");
    let stone = |m: &Seen| m.words.contains("removed for good by ana: mine");
    c.discord
        .sees("bo", &rooms.discord, "a tombstone", stone)
        .await;
    // Slack lets an app delete its own messages alone, and that is said.
    let why =
        "a message that was removed on slack: Slack lets an app delete its own messages alone";
    c.console.line("bo", &rooms.console, why).await;
}
