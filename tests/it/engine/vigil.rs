//! News of turns on both databases: told once, at their time, whatever crashed.

use super::covers::weekly;
use super::{CHECKOUT, World, on_both};

/// From Monday noon, when the world starts, to a Monday.
const WEEK: i64 = 7 * 86_400;

#[tokio::test]
async fn a_turn_is_announced_an_hour_before_and_briefed_when_it_begins() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        w.configure(weekly).await;
        w.fire("Slow", CHECKOUT).await;
        // Monday 08:00, an hour before Bo's turn.
        w.advance_secs(WEEK - 4 * 3600).await;
        let told = w.platform.lines("@bo");
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].starts_with("Your turn on Web begins at Mon 23 Nov 09:00 UTC, after ana, until Mon 30 Nov 09:00 UTC."),
            "{told:?}"
        );
        w.kill_and_restart().await;
        w.advance_secs(3600).await;
        let told = w.platform.lines("@bo");
        assert_eq!(told.len(), 2, "{told:?}");
        for part in [
            "You are on call on Web now, until Mon 30 Nov 09:00 UTC.",
            "The turn before: 1 incident.",
            "Open: #1 sev2 “Slow: Slow is bad”, with nobody yet.",
        ] {
            assert!(told[1].contains(part), "{part}: {told:?}");
        }
        w.kill_and_restart().await;
        w.advance_secs(60).await;
        assert_eq!(w.platform.lines("@bo").len(), 2, "told once");
        assert!(w.platform.lines("@ana").is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_will_go_wrong_is_told_once_as_a_digest_in_the_morning() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        w.configure(|d| {
            weekly(d);
            // Nobody can reach Dee.
            d.people.get_mut("dee").unwrap().contacts.clear();
        })
        .await;
        let digests = |w: &World| {
            let said = w.platform.lines("#web").into_iter();
            let said = said.filter(|l| l.starts_with("On call in the next 30 days:"));
            said.collect::<Vec<_>>()
        };
        w.advance_secs(20 * 3600).await;
        assert!(digests(&w).is_empty(), "not in the night");
        w.advance_secs(3600).await;
        let told = digests(&w);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].contains("dee is on call on Web and has no contact"),
            "{told:?}"
        );
        for _ in 0..3 {
            w.advance_secs(86_400).await;
        }
        w.kill_and_restart().await;
        w.advance_secs(86_400).await;
        assert_eq!(digests(&w).len(), 1, "no spam");
    })
    .await;
}
