//! What comes back: replies, keys, receipts and links.

use super::stand::Stand;
use super::*;
use crate::world::person;
use firebell::core::directory::Target;
use firebell::core::incident::{Command, Event};

const SLOW: &[(&str, &str)] = &[("service", "checkout"), ("severity", "warning")];

/// Ana is paged by text and two minutes later by phone.
async fn paged() -> (World, Stand) {
    let stand = Stand::up().await;
    let providers = Providers {
        sms: vec![twilio("eu", &stand)],
        voice: vec![twilio("eu", &stand)],
        ..Providers::default()
    };
    let contacts = vec![
        contact("phone", Means::Sms, "+491701234567"),
        contact("call", Means::Voice, "+491701234567"),
    ];
    let w = World::waking("sqlite::memory:", directory(contacts, true), providers).await;
    w.fire("Slow", SLOW).await;
    (w, stand)
}

fn reply<'a>(body: &'a str, sid: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("From", "+491701234567"),
        ("To", "+15550000"),
        ("Body", body),
        ("MessageSid", sid),
    ]
}

#[tokio::test]
async fn a_reply_acknowledges_as_the_owner_of_the_number_and_once() {
    let (w, _stand) = paged().await;
    let path = "/callbacks/twilio/eu/sms";
    let (status, said) = callback(&w, path, &reply("Ack 1", "SMin1"), TOKEN).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        said.contains("<Message>#1 is yours; paging stopped.</Message>"),
        "{said}"
    );
    let incident = w.incident(1).await;
    assert_eq!(
        incident.acked_by.as_ref().map(|a| a.name().to_owned()),
        Some("ana".to_owned())
    );
    let seq = incident.seq;
    let (_, again) = callback(&w, path, &reply("Ack 1", "SMin1"), TOKEN).await;
    assert_eq!(again, said, "the same message again has the same answer");
    assert_eq!(w.incident(1).await.seq, seq);
    let (_, late) = callback(&w, path, &reply("1", "SMin2"), TOKEN).await;
    assert!(
        late.contains("since this message was sent, ana acknowledged it. Nothing was done."),
        "{late}"
    );
}

#[tokio::test]
async fn what_is_not_signed_or_comes_from_nobody_does_nothing() {
    let (w, _stand) = paged().await;
    let path = "/callbacks/twilio/eu/sms";
    let (status, _) = callback(&w, path, &reply("1", "SMin1"), "another token").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let unsigned = Request::post(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(encoded(&reply("1", "SMin1"))))
        .unwrap();
    assert_eq!(ask(&w, unsigned).await.0, StatusCode::FORBIDDEN);
    let (status, _) = callback(
        &w,
        "/callbacks/twilio/none/sms",
        &reply("1", "SMin1"),
        TOKEN,
    )
    .await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let stranger = [
        ("From", "+15551111"),
        ("Body", "1"),
        ("MessageSid", "SMin3"),
    ];
    let (status, said) = callback(&w, path, &stranger, TOKEN).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        !said.contains("Message"),
        "a stranger is told nothing: {said}"
    );
    let (_, said) = callback(&w, path, &reply("not now", "SMin4"), TOKEN).await;
    assert!(said.contains("Not understood"), "{said}");
    assert_eq!(status_of(&w, 1).await, "triggered");
}

#[tokio::test]
async fn a_reply_to_all_acknowledges_what_one_was_paged_for() {
    let (w, _stand) = paged().await;
    w.fire(
        "Other",
        &[("service", "checkout"), ("severity", "warning"), ("n", "2")],
    )
    .await;
    let (_, said) = callback(
        &w,
        "/callbacks/twilio/eu/sms",
        &reply("ALL", "SMin1"),
        TOKEN,
    )
    .await;
    assert!(said.contains("paging stopped"), "{said}");
    assert!(
        w.engine
            .open_incidents()
            .iter()
            .all(|i| i.status.word() == "acknowledged")
    );
}

#[tokio::test]
async fn keys_of_a_call_act_and_a_machine_that_answers_does_not() {
    let (w, stand) = paged().await;
    w.advance_secs(120).await;
    let call = stand.last();
    assert_eq!(call.path, "/2010-04-01/Accounts/AC1/Calls.json");
    let script = call.field("Twiml").unwrap();
    assert!(script.contains("Press 4 to acknowledge"), "{script}");
    let action = script
        .split("action=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let path = action.strip_prefix(HOME).unwrap();
    let press = |digit: &'static str| [("CallSid", "CA7"), ("Digits", digit)];
    assert_eq!(
        callback(&w, path, &press("4"), "wrong").await.0,
        StatusCode::FORBIDDEN
    );
    let (_, said) = callback(&w, path, &press("1"), TOKEN).await;
    assert!(said.contains("does nothing"), "{said}");
    assert_eq!(status_of(&w, 1).await, "triggered");
    let done = [("CallSid", "CA7"), ("CallStatus", "completed")];
    callback(&w, "/callbacks/twilio/eu/status", &done, TOKEN).await;
    assert_eq!(
        status_of(&w, 1).await,
        "triggered",
        "somebody or something picked up"
    );
    let (_, said) = callback(&w, path, &press("4"), TOKEN).await;
    assert!(said.contains("is yours"), "{said}");
    assert_eq!(status_of(&w, 1).await, "acknowledged");
    let (_, said) = callback(&w, path, &[("CallSid", "CA7"), ("Digits", "6")], TOKEN).await;
    assert!(said.contains("is resolved"), "{said}");
}

#[tokio::test]
async fn a_receipt_reaches_the_ledger_and_one_of_failure_calls_the_next_step_at_once() {
    let (w, stand) = paged().await;
    let fate = stand.last().field("StatusCallback").unwrap();
    let path = fate.strip_prefix(HOME).unwrap().to_owned();
    let sent = [("MessageSid", "SM1"), ("MessageStatus", "sent")];
    callback(&w, &path, &sent, TOKEN).await;
    assert_eq!(ledger(&w).await[0].state, "accepted", "on its way");
    let lost = [
        ("MessageSid", "SM1"),
        ("MessageStatus", "undelivered"),
        ("ErrorCode", "30003"),
    ];
    let (status, _) = callback(&w, &path, &lost, TOKEN).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let rows = ledger(&w).await;
    assert_eq!(
        (rows[0].state.as_str(), rows[0].status.as_str()),
        ("undelivered", "undelivered, error 30003")
    );
    assert_eq!(
        stand.last().path,
        "/2010-04-01/Accounts/AC1/Calls.json",
        "no time has passed"
    );
    let said = w.journal(1).await.into_iter().find_map(|r| match r.event {
        Event::PageFailed { why, .. } => Some(why),
        _ => None,
    });
    assert_eq!(said.as_deref(), Some("eu says: undelivered, error 30003"));
    let kinds = w.kinds(1).await;
    callback(&w, &path, &lost, TOKEN).await;
    assert_eq!(w.kinds(1).await, kinds, "told twice, followed once");
    let late = [("MessageSid", "SM1"), ("MessageStatus", "delivered")];
    callback(&w, &path, &late, TOKEN).await;
    assert_eq!(
        ledger(&w).await[0].state,
        "undelivered",
        "receipts come in any order"
    );
}

#[tokio::test]
async fn a_call_nobody_takes_lets_the_ladder_go_on_at_once() {
    let (w, stand) = paged().await;
    w.advance_secs(120).await;
    assert_eq!(stand.got().len(), 2);
    let path = "/callbacks/twilio/eu/status";
    callback(
        &w,
        path,
        &[("MessageSid", "SM1"), ("MessageStatus", "failed")],
        TOKEN,
    )
    .await;
    assert_eq!(
        w.platform.pages(),
        Vec::<String>::new(),
        "the call may still be taken"
    );
    callback(
        &w,
        path,
        &[("CallSid", "CA2"), ("CallStatus", "no-answer")],
        TOKEN,
    )
    .await;
    assert_eq!(w.platform.pages(), ["bo"]);
}

#[tokio::test]
async fn a_link_shows_by_opening_and_acts_by_its_button_and_cannot_be_made_up() {
    let (w, _stand) = paged().await;
    let url = w
        .engine
        .ack_url("ana", "phone", &[(IncidentId(1), 2)], w.clock.now());
    let path = url.strip_prefix(HOME).unwrap().to_owned();
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let post = |path: &str| Request::post(path).body(Body::empty()).unwrap();
    let (status, shown) = ask(&w, get(&path)).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        shown.contains("Acknowledge as ana") && shown.contains("Slow is bad"),
        "{shown}"
    );
    assert_eq!(
        status_of(&w, 1).await,
        "triggered",
        "a mail scanner opened it"
    );
    let (payload, tag) = path.rsplit_once('.').unwrap();
    let forged = [
        format!("{payload}x.{tag}"),
        format!("{payload}.AAAAAAAAAAAAAAAAAAAAAA"),
        "/a/nothing".to_owned(),
    ];
    for path in forged {
        assert_eq!(
            ask(&w, post(&path)).await.0,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    assert_eq!(status_of(&w, 1).await, "triggered");
    let (status, said) = ask(&w, post(&path)).await;
    assert_eq!(status, StatusCode::OK);
    assert!(said.contains("#1 is yours"), "{said}");
    let seq = w.incident(1).await.seq;
    assert_eq!(ask(&w, post(&path)).await.1, said);
    assert_eq!(w.incident(1).await.seq, seq, "pressed twice, done once");
    let (_, shown) = ask(&w, get(&path)).await;
    assert!(shown.contains("nothing left to acknowledge"), "{shown}");
    w.clock.advance_ms(8 * 86_400_000);
    assert_eq!(
        ask(&w, get(&path)).await.0,
        StatusCode::NOT_FOUND,
        "a week is over"
    );
}

#[tokio::test]
async fn a_link_of_before_does_not_acknowledge_what_was_over_and_opened_again() {
    let (w, _stand) = paged().await;
    let link = |seq| {
        let url = (w.engine).ack_url("ana", "phone", &[(IncidentId(1), seq)], w.clock.now());
        url.strip_prefix(HOME).unwrap().to_owned()
    };
    let old = link(w.incident(1).await.seq);
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let post = |path: &str| Request::post(path).body(Body::empty()).unwrap();
    let by = || person("bo");
    w.tell(1, Command::Resolve { by: by() }).await;
    w.clock.advance_ms(60_000);
    w.tell(1, Command::Reopen { by: by() }).await;
    let (status, shown) = ask(&w, get(&old)).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        shown.contains("opened again since this message was sent") && !shown.contains("<button"),
        "{shown}"
    );
    let (status, said) = ask(&w, post(&old)).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        said.contains("That was before") && said.contains("Use the newer message"),
        "{said}"
    );
    assert_eq!(status_of(&w, 1).await, "triggered");
    // The message about what is now does.
    let new = link(w.incident(1).await.seq);
    let (_, said) = ask(&w, post(&new)).await;
    assert!(said.contains("#1 is yours"), "{said}");
}

#[tokio::test]
async fn a_reply_means_the_incident_it_was_sent_for_and_what_moved_on_is_told() {
    let (w, _stand) = paged().await;
    let path = "/callbacks/twilio/eu/sms";
    let says = async |body: &str, sid: &str| callback(&w, path, &reply(body, sid), TOKEN).await.1;
    // Somebody else had it and gave it back: whoever answers the old message is told.
    w.tell(1, Command::Acknowledge { by: person("bo") }).await;
    let late = says("1", "SM1").await;
    assert!(
        late.contains("since this message was sent, bo acknowledged it"),
        "{late}"
    );
    assert_eq!(
        w.incident(1)
            .await
            .acked_by
            .as_ref()
            .map(|a| a.name().to_owned()),
        Some("bo".to_owned())
    );
    // The word alone means the one that waits.
    let none = says("ack", "SM2").await;
    assert!(none.contains("Nothing waits for you"), "{none}");
    w.fire(
        "Other",
        &[("service", "checkout"), ("severity", "warning"), ("n", "2")],
    )
    .await;
    // Messages leave at the pace of the account.
    w.advance_secs(61).await;
    let done = says("Ack", "SM3").await;
    assert!(done.contains("#2 is yours"), "{done}");
    // Of one she was sent nothing about, nothing is done.
    let stranger = says("ack 99", "SM4").await;
    assert!(
        stranger.contains("No message about #99 was sent to you"),
        "{stranger}"
    );
}

#[tokio::test]
async fn a_reply_to_what_was_opened_again_or_joined_with_another_does_nothing_and_says_so() {
    let (w, _stand) = paged().await;
    w.fire(
        "Other",
        &[("service", "checkout"), ("severity", "warning"), ("n", "2")],
    )
    .await;
    w.advance_secs(61).await;
    let path = "/callbacks/twilio/eu/sms";
    let by = || person("bo");
    w.tell(1, Command::Resolve { by: by() }).await;
    // Opened again, it is Bo's: Ana is sent nothing about it.
    w.tell(1, Command::Reopen { by: by() }).await;
    let target = Target::Person("bo".to_owned());
    w.tell(1, Command::Reassign { by: by(), target }).await;
    w.tell(1, Command::Resolve { by: by() }).await;
    w.tell(1, Command::Reopen { by: by() }).await;
    let (_, said) = callback(&w, path, &reply("1", "SM1"), TOKEN).await;
    assert!(
        said.contains("was over and opened again since the last message"),
        "{said}"
    );
    assert_eq!(status_of(&w, 1).await, "triggered");
    let done = w
        .engine
        .merge("join", IncidentId(2), IncidentId(1), by())
        .await;
    done.unwrap();
    w.settle().await;
    let (_, said) = callback(&w, path, &reply("ack 2", "SM2"), TOKEN).await;
    assert!(said.contains("#2 goes on as #1"), "{said}");
}
