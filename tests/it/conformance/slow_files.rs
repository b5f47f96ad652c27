//! A platform that is slow with files holds up nobody's words, and what came with them is kept in order.

use super::company::{Company, Rooms};
use super::house::Plan;
use super::mirror::PICTURE;
use super::stage::{Play, Seen, Spot, Stage};
use firebell::core::id::IncidentId;
use firebell::core::incident::Event;

fn room(spot: &Spot) -> &str {
    match spot {
        Spot::Room(id) => id,
        other => panic!("{other:?}"),
    }
}

/// #1 and #2, each with its rooms.
async fn burning() -> (Company, Rooms, Rooms) {
    let c = Company::open(Plan::all()).await;
    c.house.fires("Down", "critical").await;
    c.house.fires("Out", "critical").await;
    let (one, two) = (c.rooms(1).await, c.rooms(2).await);
    (c, one, two)
}

async fn reads(c: &Company, spot: &Spot, words: &str) {
    let fits = |m: &Seen| !m.card && m.words.contains(words);
    c.discord.sees("bo", spot, words, fits).await;
}

/// Names of the files of an incident that were kept, in the order of the journal.
async fn kept(c: &Company, id: i64) -> Vec<String> {
    let engine = c.house.engine();
    let journal = engine.store().journal(IncidentId(id)).await.unwrap();
    let name = |e: &Event| match e {
        Event::Attached(file) => Some(file.name.clone()),
        _ => None,
    };
    journal.iter().filter_map(|r| name(&r.event)).collect()
}

#[tokio::test]
async fn a_slow_file_holds_up_no_words_and_no_other_room() {
    let (c, one, two) = burning().await;
    let world = c.slack.world();
    let ana = world.user("ana");
    world.holds_file("slow.png");
    ana.sends_file(room(&one.slack), ("slow.png", PICTURE), "see this", None);
    // Its own words, and what is said after it, arrive while the file is on its way.
    reads(&c, &one.discord, "see this").await;
    c.slack.says("ana", &one.slack, "and then this").await;
    reads(&c, &one.discord, "and then this").await;
    ana.sends_file(room(&one.slack), ("second.png", PICTURE), "", None);
    ana.sends_file(room(&two.slack), ("other.png", PICTURE), "", None);
    reads(&c, &two.discord, "attached other.png").await;
    assert!(kept(&c, 1).await.is_empty(), "it is still on its way");
    assert_eq!(kept(&c, 2).await, ["other.png"]);
    world.lets_files_go();
    reads(&c, &one.discord, "attached second.png").await;
    assert_eq!(
        kept(&c, 1).await,
        ["slow.png", "second.png"],
        "as they came"
    );
}

#[tokio::test]
async fn a_crash_while_a_file_is_fetched_fetches_it_again_and_says_nothing_twice() {
    let (c, one, _) = burning().await;
    let world = c.slack.world();
    world.holds_file("slow.png");
    let ana = world.user("ana");
    ana.sends_file(room(&one.slack), ("quick.png", PICTURE), "first", None);
    reads(&c, &one.discord, "attached quick.png").await;
    ana.sends_file(room(&one.slack), ("slow.png", PICTURE), "second", None);
    reads(&c, &one.discord, "second").await;
    let asked = async || (world.downloads() >= 2).then_some(());
    c.house.expect("it is asked for", asked).await;
    c.house.restarts().await;
    world.lets_files_go();
    reads(&c, &one.discord, "attached slow.png").await;
    assert_eq!(kept(&c, 1).await, ["quick.png", "slow.png"]);
    assert_eq!(c.house.count(1, "spoke").await, 2);
    let waiting = async || {
        let rows = c.house.engine().store().heard_waiting().await.unwrap();
        rows.is_empty().then_some(())
    };
    c.house.expect("nothing that waits", waiting).await;
}

#[tokio::test]
async fn a_file_whose_message_was_removed_meanwhile_is_not_kept() {
    let (c, one, _) = burning().await;
    let world = c.slack.world();
    world.holds_file("secret.png");
    let ana = world.user("ana");
    ana.sends_file(room(&one.slack), ("secret.png", PICTURE), "oops", None);
    reads(&c, &one.discord, "oops").await;
    let line = super::redaction::seq_of(&c, |e| matches!(e, Event::Spoke { .. })).await;
    let line = line.to_string();
    let values = [("line", line.as_str()), ("why", "mine")];
    let told = c.slack.command("ana", &one.slack, "redact", &values).await;
    assert!(told.text.contains("was removed for good"), "{told:?}");
    world.lets_files_go();
    let why = "its message was removed for good meanwhile";
    c.house.until_told(1, why).await;
    assert!(kept(&c, 1).await.is_empty());
    let story = c.house.story(1).await.join(" ");
    assert!(!story.contains("secret.png"), "{story}");
}
