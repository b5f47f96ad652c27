//! One room on several platforms: what is said in one stands in each, also when it is changed, taken
//! back, answered, marked or comes with a file, and whatever breaks meanwhile.

use super::company::{Company, Rooms};
use super::house::Plan;
use super::stage::{Play, Seen, Spot, Stage};
use firebell::core::id::IncidentId;
use firebell::core::incident::Event;
use firebell::core::timeline;

/// The first bytes of a picture, and what makes it this one.
pub const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR-a-chart-of-errors";

async fn burning(plan: Plan) -> (Company, Rooms) {
    let c = Company::open(plan).await;
    c.house.fires("Down", "critical").await;
    let rooms = c.rooms(1).await;
    c.cards(&rooms, "paged ana").await;
    (c, rooms)
}

async fn events<T>(c: &Company, of: impl Fn(&Event) -> Option<T>) -> Vec<T> {
    let engine = c.house.engine();
    let journal = engine.store().journal(IncidentId(1)).await.unwrap();
    journal.iter().filter_map(|r| of(&r.event)).collect()
}

/// Somebody's words as another platform repeats them.
async fn repeated<S: Stage>(stage: &S, spot: &Spot, words: &str) -> Seen {
    let what = format!("`{words}` repeated");
    let fits = |m: &Seen| !m.card && m.words.contains(words);
    stage.sees("bo", spot, &what, fits).await
}

/// Says everything once more than needed to know that what came before has arrived everywhere.
async fn everything_is_said(c: &Company, rooms: &Rooms, last: &str) {
    c.house.notes(1, last).await;
    c.slack.line("bo", &rooms.slack, last).await;
    c.discord.line("bo", &rooms.discord, last).await;
    c.console.line("bo", &rooms.console, last).await;
}

fn hits(all: &[Seen], words: &str) -> usize {
    all.iter().filter(|m| m.words.contains(words)).count()
}

#[tokio::test]
async fn words_that_are_changed_or_taken_back_are_changed_where_they_are_repeated() {
    let (c, rooms) = burning(Plan::all()).await;
    let said = c.slack.says("ana", &rooms.slack, "the cache is cold").await;
    let on_discord = repeated(&c.discord, &rooms.discord, "the cache is cold").await;
    repeated(&c.console, &rooms.console, "the cache is cold").await;
    c.slack.edits("ana", &said, "the cache is warm").await;
    let fixed = repeated(&c.discord, &rooms.discord, "the cache is warm").await;
    assert_eq!(fixed.discord().id(), on_discord.discord().id(), "in place");
    assert!(fixed.words.contains("(edited)"), "{fixed:?}");
    repeated(&c.console, &rooms.console, "the cache is warm").await;
    c.slack.deletes("ana", &said).await;
    repeated(&c.discord, &rooms.discord, "(deleted by its author)").await;
    repeated(&c.console, &rooms.console, "(deleted by its author)").await;

    let said = c
        .discord
        .says("bo", &rooms.discord, "the disk is full")
        .await;
    let on_slack = repeated(&c.slack, &rooms.slack, "the disk is full").await;
    c.discord.edits("bo", &said, "the disk is slow").await;
    let fixed = repeated(&c.slack, &rooms.slack, "the disk is slow").await;
    assert_eq!(fixed.slack().ts, on_slack.slack().ts, "in place");

    let said = c
        .console
        .says("dee", &rooms.console, "the cable is out")
        .await;
    repeated(&c.slack, &rooms.slack, "the cable is out").await;
    c.console.edits("dee", &said, "the cable is in").await;
    repeated(&c.slack, &rooms.slack, "the cable is in").await;
    repeated(&c.discord, &rooms.discord, "the cable is in").await;
    c.console.deletes("dee", &said).await;
    everything_is_said(&c, &rooms, "that was all").await;
    for (spot, all) in [
        ("slack", c.slack.seen("bo", &rooms.slack).await),
        ("discord", c.discord.seen("bo", &rooms.discord).await),
    ] {
        assert_eq!(hits(&all, "the cable is in"), 0, "{spot}: {all:?}");
        assert_eq!(
            hits(&all, "(corrected)"),
            0,
            "{spot}: nothing is said twice"
        );
    }
    // The timeline keeps what was said before.
    let texts = events(&c, |e| match e {
        Event::Spoke { text, .. } => Some(text.clone()),
        _ => None,
    });
    let all = ["the cache is cold", "the disk is full", "the cable is out"];
    assert_eq!(texts.await, all);
    c.slack.assert_harmless().await;
}

#[tokio::test]
async fn an_answer_names_whom_it_answers_wherever_it_is_read() {
    let (c, rooms) = burning(Plan::all()).await;
    c.slack.says("ana", &rooms.slack, "who deployed?").await;
    let question = repeated(&c.discord, &rooms.discord, "who deployed?").await;
    // Answered where it is repeated, and in a thread where it was written.
    let bo = c.discord.world().user("bo");
    bo.answers(question.discord(), "I did, at noon");
    let lifted = repeated(&c.slack, &rooms.slack, "I did, at noon").await;
    assert!(lifted.words.contains("(to ana)"), "{lifted:?}");
    let asked = repeated(&c.slack, &rooms.slack, "who deployed?").await;
    let ana = c.slack.world().user("ana");
    ana.answers(asked.slack(), "roll it back please");
    let lifted = repeated(&c.discord, &rooms.discord, "roll it back please").await;
    assert!(lifted.words.contains("(to ana)"), "{lifted:?}");
    repeated(&c.console, &rooms.console, "roll it back please").await;
    let answers = events(&c, |e| match e {
        Event::Spoke { answers, .. } => answers.as_ref().map(|a| a.seq.is_some()),
        _ => None,
    });
    assert_eq!(answers.await, [true, true], "both are known");
}

#[tokio::test]
async fn nobody_is_rung_by_what_is_repeated_and_bots_are_not() {
    let (c, rooms) = burning(Plan::all()).await;
    let storm = "<!channel> <!here> @everyone @here <@&1> <#1> <@1>";
    c.discord.says("bo", &rooms.discord, storm).await;
    let ana = c.slack.world().user("ana");
    let spot = match &rooms.slack {
        Spot::Room(id) => id.clone(),
        other => panic!("{other:?}"),
    };
    ana.says(&spot, "@everyone <!subteam^S1>");
    everything_is_said(&c, &rooms, "that was all").await;
    for posted in c.discord.seen("bo", &rooms.discord).await {
        let loud = posted.ours && posted.words.contains("everyone");
        assert!(!loud || posted.discord().rung().nobody(), "{posted:?}");
    }
    c.slack.assert_harmless().await;
    c.discord.assert_harmless().await;
    // Its own repetitions are nobody's words.
    assert_eq!(c.house.count(1, "spoke").await, 2);
}

#[tokio::test]
async fn a_message_is_on_the_timeline_once_wherever_it_is_marked_and_with_its_own_author() {
    let (c, rooms) = burning(Plan::all()).await;
    let said = c.slack.says("ana", &rooms.slack, "the cache is cold").await;
    let copy = repeated(&c.discord, &rooms.discord, "the cache is cold").await;
    let bo = c.discord.world().user("bo");
    bo.reacts(copy.discord(), "📌");
    c.house.until_told(1, "\"kept\"").await;
    let kept = events(&c, |e| match e {
        Event::Kept(k) => Some((k.author.clone(), k.platform.clone(), k.message.clone())),
        _ => None,
    });
    let original = (
        "ana".to_owned(),
        "slack".to_owned(),
        said.slack().ts.clone(),
    );
    assert_eq!(kept.await, [original]);
    // Marked once more where it was written: it is there already.
    c.slack.world().user("ana").reacts(said.slack(), "pushpin");
    c.slack.edits("ana", &said, "the cache is warm").await;
    repeated(&c.discord, &rooms.discord, "the cache is warm").await;
    assert_eq!(c.house.count(1, "kept").await, 1);
    let engine = c.house.engine();
    let journal = engine.store().journal(IncidentId(1)).await.unwrap();
    let lines = timeline::entries(&journal);
    let line = lines.iter().find(|e| e.kind == "kept").unwrap();
    let words = "ana wrote: the cache is cold (marked with :pushpin: by bo)";
    assert!(line.text.starts_with(words), "{}", line.text);
    assert!(
        line.text.ends_with("[changed since to: the cache is warm]"),
        "{}",
        line.text
    );
    // Whoever marked it takes that back; it can be marked again on the console.
    bo.unreacts(copy.discord(), "📌");
    c.house.until_told(1, "\"unkept\"").await;
    let shown = repeated(&c.console, &rooms.console, "the cache is warm").await;
    let told = c.console.marks("dee", &shown).await;
    assert_eq!(told["ok"], true, "{told}");
    assert_eq!(c.house.count(1, "kept").await, 2);
}

#[tokio::test]
async fn files_are_kept_by_content_and_shown_to_everybody() {
    let (c, rooms) = burning(Plan::all()).await;
    let room = |spot: &Spot| match spot {
        Spot::Room(id) => id.clone(),
        other => panic!("{other:?}"),
    };
    let ana = c.slack.world().user("ana");
    ana.sends_file(&room(&rooms.slack), ("chart.png", PICTURE), "look", None);
    let line = repeated(&c.discord, &rooms.discord, "attached chart.png").await;
    assert!(line.words.contains("/incidents/1/files/"), "{line:?}");
    let bo = c.discord.world().user("bo");
    bo.sends_file(&room(&rooms.discord), ("again.png", PICTURE), "", None);
    repeated(&c.slack, &rooms.slack, "attached again.png").await;
    let page = "<script>alert(1)</script>".as_bytes();
    let told = c
        .console
        .shares("dee", &rooms.console, ("x.html", page), "a page")
        .await;
    assert_eq!(told["ok"], true, "{told}");
    repeated(&c.slack, &rooms.slack, "attached x.html").await;

    let store = c.house.engine().store().clone();
    let files = store.files(IncidentId(1)).await.unwrap();
    assert_eq!(files.len(), 3, "{files:?}");
    assert_eq!(files[0].sha256, files[1].sha256, "the same content");
    let folder = c.house.folder().join("files");
    let kept = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(kept, 2, "is kept once");
    c.house.restarts().await;
    let path = |n: usize| format!("/incidents/1/files/{}", files[n].seq);
    let answer = c.console.answer("bo", &path(0)).await;
    let header = |answer: &reqwest::Response, name: &str| {
        answer.headers()[name].to_str().unwrap().to_owned()
    };
    assert_eq!(header(&answer, "content-type"), "image/png");
    assert!(header(&answer, "content-security-policy").contains("sandbox"));
    assert_eq!(answer.bytes().await.unwrap(), PICTURE);
    let answer = c.console.answer("bo", &path(2)).await;
    assert_eq!(header(&answer, "content-type"), "application/octet-stream");
    assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
    let how = header(&answer, "content-disposition");
    assert!(how.starts_with("attachment"), "never run: {how}");
    let page = c.console.reads("bo", "/incidents/1").await;
    assert!(page.contains(&format!("<img src=\"{}\"", path(0))));
    c.discord.assert_harmless().await;
}

#[tokio::test]
async fn what_is_not_kept_of_a_file_is_said_with_its_reason() {
    let mut plan = Plan::all();
    plan.rooms.file_bytes = 1000;
    plan.rooms.incident_bytes = 1500;
    let (c, rooms) = burning(plan).await;
    let (Spot::Room(slack), Spot::Room(discord)) = (&rooms.slack, &rooms.discord) else {
        panic!("rooms");
    };
    let ana = c.slack.world().user("ana");
    let bo = c.discord.world().user("bo");
    ana.sends_file(slack, ("big.bin", &[7; 1001]), "", None);
    ana.sends_file(slack, ("first.bin", &[8; 1000]), "", None);
    c.house.until_told(1, "\"attached\"").await;
    bo.sends_file(discord, ("second.bin", &[9; 600]), "", None);
    // An address that leads elsewhere is not followed, whoever says it.
    let evil = "http://169.254.169.254/latest/meta-data";
    ana.sends_file(slack, ("elsewhere.bin", b"x"), "", Some(evil));
    c.house.until_told(1, "elsewhere.bin").await;
    c.slack.world().takes_scope("files:read");
    ana.sends_file(slack, ("unread.bin", b"x"), "", None);
    let refused = |e: &Event| match e {
        Event::FileRefused(f) => Some((f.name.clone(), f.why.clone())),
        _ => None,
    };
    let all = async || Some(events(&c, refused).await).filter(|all| all.len() == 4);
    let told = c.house.expect("four refusals", all).await;
    let why = |name: &str| told.iter().find(|(n, _)| n == name).unwrap().1.clone();
    assert!(why("big.bin").contains("a file may be 1 kB"), "{told:?}");
    assert!(why("second.bin").contains("incident-bytes"), "{told:?}");
    assert!(why("elsewhere.bin").contains("own hosts"), "{told:?}");
    assert!(
        why("unread.bin").contains("right to read files"),
        "{told:?}"
    );
    c.slack
        .line("bo", &rooms.slack, "big.bin, which was not kept")
        .await;
    c.console
        .line("bo", &rooms.console, "elsewhere.bin, which was not kept")
        .await;
    assert_eq!(c.house.count(1, "attached").await, 1);
}

#[tokio::test]
async fn a_crash_and_repeated_events_neither_lose_nor_double_what_is_said() {
    let (c, rooms) = burning(Plan::all()).await;
    c.slack.world().tune(|t| t.duplicate_events = true);
    for n in 0..6 {
        c.slack
            .says("ana", &rooms.slack, &format!("slack says {n}"))
            .await;
        c.discord
            .says("bo", &rooms.discord, &format!("discord says {n}"))
            .await;
        c.console
            .says("dee", &rooms.console, &format!("console says {n}"))
            .await;
        if n == 2 {
            for n in 0..3 {
                c.house.until_told(1, &format!("slack says {n}")).await;
                c.house.until_told(1, &format!("discord says {n}")).await;
            }
            c.house.restarts().await;
        }
    }
    for n in 0..6 {
        for from in ["slack", "discord", "console"] {
            c.house.until_told(1, &format!("{from} says {n}")).await;
        }
    }
    everything_is_said(&c, &rooms, "that was all").await;
    for (here, all) in [
        ("slack", c.slack.seen("bo", &rooms.slack).await),
        ("discord", c.discord.seen("bo", &rooms.discord).await),
        ("console", c.console.seen("bo", &rooms.console).await),
    ] {
        for from in ["slack", "discord", "console"] {
            let mut last = None;
            for n in 0..6 {
                let words = format!("{from} says {n}");
                assert_eq!(hits(&all, &words), 1, "`{words}` on {here}");
                let at = all.iter().position(|m| m.words.contains(&words));
                assert!(last < at, "`{words}` on {here} is out of order");
                last = at;
            }
        }
    }
    assert_eq!(c.house.count(1, "spoke").await, 18, "one timeline");
}
