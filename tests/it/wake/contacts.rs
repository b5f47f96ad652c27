//! Contacts are verified by a code; test pages.

use super::stand::{Mood, Stand};
use super::*;
use crate::store::on_both;
use crate::world::person;
use firebell::dispatch;

async fn say(w: &World, line: &str) -> dispatch::Reply {
    let cause = format!("test:{}", fastrand::u64(..));
    let reply = dispatch::perform(&w.engine, person("ana"), "console", None, line, &cause).await;
    w.settle().await;
    reply
}

fn home() -> Vec<Contact> {
    vec![
        contact("phone", Means::Sms, "+491701234567"),
        contact("push", Means::Ntfy, "ana-topic"),
    ]
}

fn providers(stand: &Stand) -> Providers {
    Providers {
        sms: vec![twilio("eu", stand)],
        ntfy: vec![ntfy(stand)],
        ..Providers::default()
    }
}

fn code_of(stand: &Stand) -> String {
    let body = stand.last().field("Body").unwrap();
    let digits = body.split_whitespace().map(|w| w.trim_end_matches('.'));
    let mut codes = digits.filter(|w| w.len() == 6 && w.bytes().all(|b| b.is_ascii_digit()));
    codes.next().expect("no code in the message").to_owned()
}

#[tokio::test]
async fn a_code_verifies_a_contact_for_good_and_another_address_is_unverified_again() {
    on_both(async |database| {
        let stand = Stand::up().await;
        let mut w = World::waking(&database.url, directory(home(), false), providers(&stand)).await;
        let unverified = |w: &World, c: &str| w.engine.directory().is_unverified("ana", c);
        assert!(unverified(&w, "phone") && unverified(&w, "push"));
        let reply = say(&w, "verify phone").await;
        assert!(reply.ok, "{reply:?}");
        let code = code_of(&stand);
        let reply = say(&w, &format!("verify phone {code}")).await;
        assert!(reply.ok, "{reply:?}");
        assert!(!unverified(&w, "phone") && unverified(&w, "push"));
        w.kill_and_restart().await;
        assert!(!unverified(&w, "phone"), "also after a crash");
        // From now on only what is verified is used.
        w.fire("Slow", &[("service", "checkout"), ("severity", "warning")])
            .await;
        assert_eq!(stand.last().path, "/2010-04-01/Accounts/AC1/Messages.json");
        assert_eq!(stand.got().len(), 2);
        let mut moved = directory(home(), false);
        moved.people.get_mut("ana").unwrap().contacts[0] =
            contact("phone", Means::Sms, "+491709999999");
        w.engine.replace_directory(moved);
        assert!(unverified(&w, "phone"), "another number");
        w.engine.replace_directory(directory(home(), false));
        assert!(!unverified(&w, "phone"), "the old one is known");
    })
    .await;
}

#[tokio::test]
async fn a_code_is_good_once_for_ten_minutes_and_five_guesses() {
    let stand = Stand::up().await;
    let w = World::waking(
        "sqlite::memory:",
        directory(home(), false),
        providers(&stand),
    )
    .await;
    say(&w, "verify phone").await;
    let code = code_of(&stand);
    let again = say(&w, "verify phone").await;
    assert!(again.text.contains("less than a minute ago"), "{again:?}");
    assert_eq!(stand.got().len(), 1);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        assert!(!say(&w, &format!("verify phone {wrong}")).await.ok);
    }
    let late = say(&w, &format!("verify phone {code}")).await;
    assert!(late.text.contains("guessed wrong too often"), "{late:?}");
    w.advance_secs(60).await;
    say(&w, "verify phone").await;
    let code = code_of(&stand);
    w.advance_secs(600).await;
    assert!(
        !say(&w, &format!("verify phone {code}")).await.ok,
        "too old"
    );
    say(&w, "verify phone").await;
    let code = code_of(&stand);
    assert!(say(&w, &format!("verify phone {code}")).await.ok);
    assert!(!say(&w, &format!("verify phone {code}")).await.ok, "used");
    assert!(!ledger(&w).await.iter().any(|r| r.error.contains(&code)));
}

#[tokio::test]
async fn a_code_that_cannot_be_sent_is_said_and_an_unknown_contact_is_answered_with_those_there_are()
 {
    let stand = Stand::up().await;
    let w = World::waking(
        "sqlite::memory:",
        directory(home(), false),
        providers(&stand),
    )
    .await;
    stand.will(&[Mood::Status(400)]);
    let reply = say(&w, "verify phone").await;
    assert!(
        !reply.ok && reply.text.contains("eu answered 400"),
        "{reply:?}"
    );
    let reply = say(&w, "verify fax").await;
    assert!(reply.text.contains("`phone` and `push`"), "{reply:?}");
    let reply = say(&w, "verify").await;
    assert!(reply.text.contains("`contact` is missing"), "{reply:?}");
}

#[tokio::test]
async fn page_me_tries_every_contact_and_tells_what_came_of_each() {
    let stand = Stand::up().await;
    let mut contacts = home();
    contacts.extend(world::directory().people["ana"].contacts.clone());
    let w = World::waking(
        "sqlite::memory:",
        directory(contacts, false),
        providers(&stand),
    )
    .await;
    stand.will(&[Mood::Status(400)]);
    let reply = say(&w, "page me").await;
    assert!(!reply.ok, "one of three failed: {reply:?}");
    for part in [
        "2 of 3 contacts took it",
        "not verified: write `verify phone`",
        "console (console): taken by console",
        "answered 400",
    ] {
        assert!(reply.text.contains(part), "{part}: {reply:?}");
    }
    assert_eq!(w.platform.pages(), ["ana"]);
    let rows = ledger(&w).await;
    assert_eq!(rows.len(), 3);
    assert!(
        rows.iter()
            .all(|r| r.purpose == "test" && r.incident.is_none())
    );
    assert!(
        w.engine.open_incidents().is_empty(),
        "a test is no incident"
    );
}
