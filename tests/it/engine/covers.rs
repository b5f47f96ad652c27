//! Covers on both databases: agreed, asked, taken once, ended, kept through reloads and restarts.

use super::{CHECKOUT, World, on_both, person};
use firebell::core::directory::{Directory, Target};
use firebell::core::duty::{Answer, State, Wish};
use firebell::core::schedule::{Schedule, parse_handoff};
use firebell::core::time::Time;
use firebell::dispatch;
use firebell::engine::Failure;

/// Ana, Bo and Dee take weekly turns; Ana's begins on the Monday the world starts in.
pub fn weekly(directory: &mut Directory) {
    let starts = chrono::NaiveDateTime::parse_from_str("2026-11-16 09:00", "%Y-%m-%d %H:%M");
    let schedule = Schedule::rotation(
        "web",
        "Web",
        chrono_tz::Tz::UTC,
        (parse_handoff("0 9 * * MON").unwrap(), starts.unwrap()),
        &["ana", "bo", "dee"],
    );
    directory.schedules.insert("web".to_owned(), schedule);
    let rungs = &mut directory.policies.get_mut("web").unwrap().rungs;
    rungs[0].targets = vec![Target::Schedule("web".to_owned())];
}

fn on_call(w: &World, at: Time) -> Vec<String> {
    w.engine.directory().schedules["web"].on_call(at).people
}

/// A line written in the console by somebody.
async fn says(w: &World, who: &str, line: &str) -> String {
    let cause = format!("line:{}", fastrand::u64(..));
    let reply = dispatch::perform(&w.engine, person(who), "console", None, line, &cause).await;
    w.settle().await;
    reply.text
}

#[tokio::test]
async fn whoever_takes_over_at_once_is_paged_and_the_schedule_counts_again_afterwards() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        w.configure(weekly).await;
        let now = w.clock.now();
        assert_eq!(on_call(&w, now), ["ana"]);
        let said = says(&w, "bo", "cover ana now 2h dentist").await;
        assert_eq!(
            said,
            "Agreed as cover-1: bo for ana on Web, Mon 16 Nov 12:00 UTC to Mon 16 Nov 14:00 UTC."
        );
        w.fire("Slow", CHECKOUT).await;
        assert_eq!(w.platform.pages(), ["bo"]);
        // A reload and a restart lose nothing.
        w.configure(weekly).await;
        w.kill_and_restart().await;
        assert_eq!(on_call(&w, now), ["bo"]);
        assert_eq!(on_call(&w, now.plus_secs(7200)), ["ana"]);
        let said = says(&w, "ana", "cancel cover-1").await;
        assert!(said.starts_with("cover-1 is ended: bo for ana"), "{said}");
        assert_eq!(on_call(&w, now.plus_secs(1)), ["ana"]);
    })
    .await;
}

#[tokio::test]
async fn of_two_who_take_a_request_the_first_has_it_and_the_other_is_told() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        w.configure(weekly).await;
        let said = says(&w, "ana", "cover me fri 18:00 sat 10:00").await;
        assert_eq!(
            said,
            "Asked as cover-1: somebody for ana on Web, Fri 20 Nov 18:00 UTC to Sat 21 Nov 10:00 UTC. Told: bo and dee."
        );
        let friday = Time::parse_rfc3339("2026-11-20T18:00:00Z").unwrap();
        assert_eq!(on_call(&w, friday), ["ana"], "asking changes nothing");
        let (bo, dee) = (person("bo"), person("dee"));
        let (first, second) = tokio::join!(
            w.engine.answer_cover(&bo, 1, Answer::Take),
            w.engine.answer_cover(&dee, 1, Answer::Take)
        );
        let won = if first.is_ok() { "bo" } else { "dee" };
        let (good, late) = if first.is_ok() { (first, second) } else { (second, first) };
        assert_eq!(good.unwrap().cover.state, State::Agreed);
        let Err(Failure::Refused(why)) = late else {
            panic!("both have it")
        };
        assert!(why.to_string().starts_with(&format!("It is taken already: {won} for ana")));
        assert_eq!(on_call(&w, friday), [won]);
        let own = says(&w, "ana", "take cover-1").await;
        assert!(own.contains("taken already"), "{own}");
    })
    .await;
}

#[tokio::test]
async fn a_request_nobody_takes_is_told_again_and_expires_when_it_would_begin() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        w.configure(weekly).await;
        says(&w, "ana", "swap bo fri 12:00 fri 20:00").await;
        let asked = w.platform.lines("@bo");
        assert_eq!(
            asked,
            ["ana asks you to take over: Web, Fri 20 Nov 12:00 UTC to Fri 20 Nov 20:00 UTC. Answer `take cover-1` or `decline cover-1`."]
        );
        let no = says(&w, "dee", "take cover-1").await;
        assert_eq!(
            no,
            "bo was asked; they can take or decline it. For example: `take cover-7`"
                .split(" For")
                .next()
                .unwrap()
        );
        // Four days ahead: three days, one day, four hours, one hour before.
        w.advance_secs(86_400).await;
        assert_eq!(w.engine.covers()[&1].reminded, 1);
        w.advance_secs(2 * 86_400 + 20 * 3600).await;
        assert_eq!(
            w.engine.covers()[&1].reminded,
            3,
            "a late engine tells once"
        );
        w.advance_secs(4 * 3600).await;
        assert_eq!(w.engine.covers()[&1].state, State::Expired);
        assert_eq!(w.platform.lines("@bo").len(), 3, "asked, and reminded twice");
        let told = w.platform.lines("@ana");
        assert!(told[0].starts_with("Nobody took over: Web, "), "{told:?}");
        assert!(w.platform.lines("#web")[0].starts_with("Nobody took cover-1: bo for ana"));
        assert_eq!(on_call(&w, w.clock.now()), ["ana"]);
        let late = says(&w, "bo", "take cover-1").await;
        assert_eq!(late, "cover-1 is over (expired).");
    })
    .await;
}

#[tokio::test]
async fn the_same_line_told_twice_makes_one_cover() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        w.configure(weekly).await;
        let now = w.clock.now();
        let wish = Wish::Put {
            on: "dee".to_owned(),
            off: None,
        };
        for _ in 0..2 {
            let wanted = ("web", now, now.plus_secs(3600));
            let by = person("ana");
            let made = w
                .engine
                .cover("slack:Ev1", &by, wanted, wish.clone(), String::new());
            assert_eq!(made.await.unwrap().cover.id, 1);
        }
        assert_eq!(w.engine.covers().len(), 1);
        assert_eq!(on_call(&w, now), ["ana", "dee"], "in addition");
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_in_words() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        w.configure(weekly).await;
        for (who, line, part) in [
            ("ana", "cover me now 1h", "A request begins in the future"),
            (
                "bo",
                "cover me fri 18:00 sat 10:00",
                "bo is not on call in that time",
            ),
            ("ana", "cover me fri 18:00", "`until` is missing"),
            ("ana", "cover me fri 18:00 fri 17:00", ""),
            ("ana", "cover me later 1h", "`from`: `later` is not a time"),
            (
                "ana",
                "swap me fri 18:00 sat 10:00",
                "`cover me` asks everybody",
            ),
            (
                "ana",
                "swap zoe fri 18:00 sat 10:00",
                "`zoe` is not in the directory",
            ),
            ("ana", "override wbe bo now 1h", "there is no `wbe`"),
            ("ana", "override web bo now 90d", "at most two months"),
            ("ana", "take cover-9", "There is no cover-9."),
            ("ana", "take nine", "`nine` is no cover"),
        ] {
            let said = says(&w, who, line).await;
            assert!(said.contains(part), "{line}: {said}");
        }
        says(&w, "bo", "cover ana fri 09:00 fri 18:00").await;
        let circle = says(&w, "ana", "override web ana fri 09:00 fri 18:00 for=bo").await;
        assert!(circle.contains("That would be a circle: "), "{circle}");
        let list = says(&w, "dee", "covers").await;
        assert!(list.starts_with("cover-"), "{list}");
    })
    .await;
}
