//! Providers that fail, and what follows.

use super::stand::{Mood, Stand};
use super::*;
use crate::store::on_both;
use crate::world::person;
use firebell::core::hours::Quiet;
use firebell::core::incident::{Command, Event};

const SLOW: &[(&str, &str)] = &[("service", "checkout"), ("severity", "warning")];

fn sms(stands: &[(&str, &Stand)]) -> Providers {
    Providers {
        sms: stands.iter().map(|(n, s)| twilio(n, s)).collect(),
        ..Providers::default()
    }
}

fn phone() -> Vec<Contact> {
    vec![contact("phone", Means::Sms, "+491701234567")]
}

#[tokio::test]
async fn a_provider_that_fails_is_followed_by_the_next_at_once_and_the_ledger_tells_both() {
    on_both(async |database| {
        let (one, two) = (Stand::up().await, Stand::up().await);
        one.will(&[Mood::Status(503)]);
        let providers = sms(&[("eu", &one), ("us", &two)]);
        let w = World::waking(&database.url, directory(phone(), false), providers).await;
        w.fire("Slow", SLOW).await;
        assert_eq!(tries(&w).await, pairs(&[("eu", "failed"), ("us", "accepted")]));
        let rows = ledger(&w).await;
        assert_eq!(rows[0].error, "eu answered 503 (Service Unavailable): \"{\\\"code\\\":20003,\\\"message\\\":\\\"no\\\"}\"");
        assert_eq!((rows[1].receipt.as_str(), rows[1].kind.as_str()), ("SM1", "sms"));
        let asked = two.last();
        assert_eq!(asked.path, "/2010-04-01/Accounts/AC1/Messages.json");
        assert_eq!(asked.field("To").unwrap(), "+491701234567");
        let body = asked.field("Body").unwrap();
        assert!(body.contains("Slow is bad") && body.contains("Reply 1 to acknowledge"), "{body}");
        assert!(asked.head.contains("authorization: basic "), "{}", asked.head);
        let journal = w.journal(1).await;
        let via = journal.iter().find_map(|r| match &r.event {
            Event::PageDelivered { via, .. } => Some(via.clone()),
            _ => None,
        });
        assert_eq!(via.as_deref(), Some("us"));
    })
    .await;
}

#[tokio::test]
async fn one_that_hangs_or_cuts_the_line_costs_its_time_and_no_page() {
    let (one, two) = (Stand::up().await, Stand::up().await);
    for mood in [Mood::Hang, Mood::Drop] {
        one.will(&[mood]);
        let providers = sms(&[("eu", &one), ("us", &two)]);
        let w = World::waking("sqlite::memory:", directory(phone(), false), providers).await;
        w.fire("Slow", SLOW).await;
        assert_eq!(
            tries(&w).await,
            pairs(&[("eu", "failed"), ("us", "accepted")]),
            "{mood:?}"
        );
    }
}

#[tokio::test]
async fn a_provider_in_trouble_holds_up_only_its_own_contacts() {
    let (dead, well) = (Stand::up().await, Stand::up().await);
    dead.will(&[Mood::Patience(3600)]);
    let providers = Providers {
        sms: vec![twilio("eu", &dead)],
        ntfy: vec![ntfy(&well)],
        ..Providers::default()
    };
    let mut contacts = phone();
    contacts.push(contact("push", Means::Ntfy, "ana-topic"));
    let w = World::waking("sqlite::memory:", directory(contacts, false), providers).await;
    w.fire("Slow", SLOW).await;
    assert_eq!(well.got().len(), 1);
    w.fire(
        "Slower",
        &[("service", "checkout"), ("severity", "warning"), ("n", "2")],
    )
    .await;
    w.advance_secs(60).await;
    assert_eq!(well.got().len(), 2);
    assert_eq!(dead.got().len(), 1, "it asked for an hour of patience");
}

#[tokio::test]
async fn patience_is_kept_exactly_and_the_page_then_leaves() {
    let stand = Stand::up().await;
    stand.will(&[Mood::Patience(90)]);
    let w = World::waking(
        "sqlite::memory:",
        directory(phone(), false),
        sms(&[("eu", &stand)]),
    )
    .await;
    w.fire("Slow", SLOW).await;
    w.advance_secs(89).await;
    assert_eq!(stand.got().len(), 1);
    w.advance_secs(1).await;
    assert_eq!(stand.got().len(), 2);
    assert_eq!(
        tries(&w).await,
        pairs(&[("eu", "failed"), ("eu", "accepted")])
    );
}

#[tokio::test]
async fn a_failed_step_is_followed_by_the_persons_next_at_once_and_total_failure_by_the_ladder() {
    on_both(async |database| {
        let stand = Stand::up().await;
        let providers = Providers {
            ntfy: vec![ntfy(&stand)],
            voice: vec![twilio("voice", &stand)],
            ..sms(&[("eu", &stand)])
        };
        let contacts = vec![
            contact("push", Means::Ntfy, "ana-topic"),
            contact("phone", Means::Sms, "+491701234567"),
            contact("call", Means::Voice, "+491701234567"),
        ];
        stand.will(&[Mood::Status(500), Mood::Status(400), Mood::Status(401)]);
        let w = World::waking(&database.url, directory(contacts, true), providers).await;
        w.fire("Slow", SLOW).await;
        let paths: Vec<String> = stand.got().into_iter().map(|a| a.path).collect();
        assert_eq!(
            paths,
            [
                "/",
                "/2010-04-01/Accounts/AC1/Messages.json",
                "/2010-04-01/Accounts/AC1/Calls.json"
            ],
            "no time has passed"
        );
        assert_eq!(w.platform.pages(), ["bo"], "every method of Ana's failed");
        let kinds = w.kinds(1).await;
        assert_eq!(
            kinds[1..],
            [
                "paged",
                "page_failed",
                "chased",
                "page_failed",
                "chased",
                "page_failed",
                "paged",
                "page_delivered"
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn a_storm_to_one_phone_is_one_message_at_once_and_one_a_minute_later_with_a_count() {
    let stand = Stand::up().await;
    let w = World::waking(
        "sqlite::memory:",
        directory(phone(), false),
        sms(&[("eu", &stand)]),
    )
    .await;
    for n in 0..30 {
        w.fire(&format!("Slow{n}"), SLOW).await;
    }
    let bodies = || -> Vec<String> {
        stand
            .got()
            .iter()
            .map(|a| a.field("Body").unwrap())
            .collect()
    };
    let incidents = w.engine.open_incidents().len();
    assert!(incidents > 1, "the storm is one incident");
    assert_eq!(bodies().len(), 1, "{:?}", bodies());
    w.advance_secs(59).await;
    assert_eq!(bodies().len(), 1);
    w.advance_secs(1).await;
    assert_eq!(bodies().len(), 2);
    let told = format!("firebell: {} pages: ", incidents - 1);
    assert!(bodies()[1].starts_with(&told), "{:?}", bodies());
    assert!(bodies()[1].ends_with("Reply ALL to acknowledge."));
    let rows = ledger(&w).await;
    assert_eq!(
        rows.len(),
        incidents,
        "each page has its line in the ledger"
    );
    assert!(
        rows[1..]
            .iter()
            .all(|r| r.pages == incidents as i64 - 1 && r.receipt == rows[1].receipt)
    );
}

#[tokio::test]
async fn what_waited_for_the_morning_is_one_message_with_a_list_and_what_cleared_is_not_in_it() {
    on_both(async |database| {
        let stand = Stand::up().await;
        let mut home = directory(phone(), false);
        home.severities
            .iter_mut()
            .for_each(|s| s.urgency = Urgency::Low);
        home.people.get_mut("ana").unwrap().waking.quiet = Some(Quiet {
            from: 11 * 60,
            to: 13 * 60,
            digest: 13 * 60 + 30,
            days: [false; 7],
        });
        let mut w = World::waking(&database.url, home, sms(&[("eu", &stand)])).await;
        for name in ["Disk", "Queue", "Certificate", "Cache"] {
            w.fire(name, SLOW).await;
        }
        w.clear("Cache", SLOW).await;
        let open = w.engine.open_incidents().len();
        assert_eq!(open, 3);
        w.advance_secs(3600).await;
        assert_eq!(stand.got().len(), 0, "it is quiet");
        w.kill_and_restart().await;
        w.advance_secs(1800).await;
        assert_eq!(stand.got().len(), 1);
        let body = stand.last().field("Body").unwrap();
        assert!(
            body.starts_with(&format!("firebell: {open} pages: ")),
            "{body}"
        );
        w.advance_secs(240).await;
        assert_eq!(
            w.platform.pages(),
            Vec::<String>::new(),
            "the ladder waited too"
        );
        w.advance_secs(60).await;
        assert_eq!(w.platform.pages().len(), open);
    })
    .await;
}

#[tokio::test]
async fn a_page_on_its_way_at_a_crash_is_sent_again_and_later_steps_go_on() {
    on_both(async |database| {
        let stand = Stand::up().await;
        let contacts = vec![
            contact("phone", Means::Sms, "+491701234567"),
            contact("push", Means::Ntfy, "ana-topic"),
        ];
        let providers = Providers {
            ntfy: vec![ntfy(&stand)],
            ..sms(&[("eu", &stand)])
        };
        let mut w = World::waking(&database.url, directory(contacts, true), providers).await;
        stand.will(&[Mood::Hang]);
        let engine = w.engine.clone();
        let alert = world::alert(
            "Slow",
            SLOW,
            firebell::core::alert::AlertKind::Firing,
            firebell::core::time::Time::FAR,
        );
        engine.take(vec![alert]).await.unwrap();
        while stand.got().is_empty() {
            tokio::task::yield_now().await;
        }
        w.kill_and_restart().await;
        let sent = || {
            stand
                .got()
                .iter()
                .filter(|a| a.path.ends_with("/Messages.json"))
                .count()
        };
        assert!(sent() >= 2, "at least once: the first was never answered");
        w.advance_secs(119).await;
        assert!(!stand.got().iter().any(|a| a.path == "/"));
        w.kill_and_restart().await;
        w.advance_secs(1).await;
        assert_eq!(
            stand.got().iter().filter(|a| a.path == "/").count(),
            1,
            "the second step"
        );
    })
    .await;
}

#[tokio::test]
async fn what_rings_falls_silent_when_somebody_has_it_also_after_a_crash() {
    on_both(async |database| {
        let stand = Stand::up().await;
        let providers = Providers {
            pushover: vec![pushover(&stand)],
            ..Providers::default()
        };
        let contacts = vec![contact(
            "push",
            Means::Pushover,
            "uQiRzpo4DXghDmr9QzzfQu27cmVRsG",
        )];
        let mut w = World::waking(&database.url, directory(contacts, false), providers).await;
        w.fire("Slow", SLOW).await;
        let asked = stand.last();
        for (name, value) in [
            ("priority", "2"),
            ("retry", "60"),
            ("expire", "3600"),
            ("token", "app-token"),
        ] {
            assert_eq!(asked.field(name).as_deref(), Some(value));
        }
        assert!(
            asked
                .field("callback")
                .unwrap()
                .starts_with("http://firebell.test/a/")
        );
        assert_eq!(tries(&w).await, pairs(&[("pushover", "ringing")]));
        // Nobody can be told to be silent, and then the process dies.
        stand.will(&[Mood::Status(503)]);
        w.tell(1, Command::Acknowledge { by: person("bo") }).await;
        assert_eq!(stand.last().path, "/1/receipts/r1/cancel.json");
        assert_eq!(tries(&w).await, pairs(&[("pushover", "ringing")]));
        w.kill_and_restart().await;
        assert_eq!(stand.got().len(), 3);
        assert_eq!(tries(&w).await, pairs(&[("pushover", "cancelled")]));
        w.kill_and_restart().await;
        assert_eq!(stand.got().len(), 3, "once is enough");
    })
    .await;
}

#[tokio::test]
async fn a_push_of_ntfy_is_urgent_and_carries_its_button() {
    let stand = Stand::up().await;
    let providers = Providers {
        ntfy: vec![ntfy(&stand)],
        ..Providers::default()
    };
    let contacts = vec![contact("push", Means::Ntfy, "ana-topic")];
    let w = World::waking("sqlite::memory:", directory(contacts, false), providers).await;
    w.fire("Slow", SLOW).await;
    let asked = stand.last();
    assert!(
        asked.head.contains("authorization: bearer tk_secret"),
        "{}",
        asked.head
    );
    let body = asked.json();
    assert_eq!(
        (body["topic"].as_str(), body["priority"].as_i64()),
        (Some("ana-topic"), Some(5))
    );
    let action = &body["actions"][0];
    assert_eq!(
        (action["action"].as_str(), action["method"].as_str()),
        (Some("http"), Some("POST"))
    );
    let url = action["url"]
        .as_str()
        .unwrap()
        .strip_prefix(HOME)
        .unwrap()
        .to_owned();
    let (status, _) = ask(&w, Request::post(&url).body(Body::empty()).unwrap()).await;
    assert_eq!(
        (status, status_of(&w, 1).await),
        (StatusCode::OK, "acknowledged")
    );
}
