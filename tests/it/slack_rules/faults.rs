//! Trouble on demand.

use super::app::App;
use crate::slack_world::{Fault, SlackWorld, Trouble};
use serde_json::json;
use std::time::Duration;

async fn room() -> (SlackWorld, App, String) {
    let world = SlackWorld::start().await;
    let app = App::of(&world);
    let room = app.creates("inc").await;
    (world, app, room)
}

#[tokio::test]
async fn a_call_may_be_done_and_its_answer_lost() {
    let (world, app, room) = room().await;
    let args = json!({"channel": room, "text": "said once"});
    world.meets(
        Fault::on("chat.postMessage")
            .times(1)
            .is(Trouble::DoThenDrop),
    );
    assert!(app.tries("chat.postMessage", args.clone()).await.is_err());
    world.expect_message("inc", "said once").await;
    world.meets(Fault::on("chat.postMessage").times(1).is(Trouble::Drop));
    assert!(app.tries("chat.postMessage", args.clone()).await.is_err());
    assert_eq!(world.messages("inc").len(), 1);
    world.meets(
        Fault::on("chat.postMessage")
            .times(1)
            .is(Trouble::DoThenHang),
    );
    let hung = app.tries("chat.postMessage", args.clone());
    assert!(
        tokio::time::timeout(Duration::from_millis(300), hung)
            .await
            .is_err()
    );
    assert_eq!(world.messages("inc").len(), 2);
    world.meets(Fault::on("chat.postMessage").times(1).is(Trouble::Hang));
    let hung = app.tries("chat.postMessage", args.clone());
    assert!(
        tokio::time::timeout(Duration::from_millis(300), hung)
            .await
            .is_err()
    );
    assert_eq!(world.messages("inc").len(), 2);
    assert_eq!(app.call("chat.postMessage", args).await["ok"], true);
}

#[tokio::test]
async fn trouble_keeps_to_its_channel_and_its_number() {
    let (world, app, room) = room().await;
    let other = app.creates("other").await;
    let told = Trouble::RateLimited(7);
    world.meets(Fault::everywhere().in_channel(&room).times(2).is(told));
    app.posts(&other, "not here").await;
    for _ in 0..2 {
        let request = app
            .client
            .post(app.url("chat.postMessage"))
            .bearer_auth(world.bot_token());
        let answer = request
            .json(&json!({"channel": "#inc", "text": "x"}))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 429);
        assert_eq!(answer.headers()["retry-after"], "7");
        let body: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(body, json!({"ok": false, "error": "ratelimited"}));
    }
    app.posts(&room, "well again").await;
    assert_eq!(
        world
            .calls("chat.postMessage")
            .iter()
            .filter(|c| c.ok())
            .count(),
        2
    );
}

#[tokio::test]
async fn statuses_errors_and_slowness_come_as_asked() {
    let (world, app, room) = room().await;
    world.meets(Fault::everywhere().is(Trouble::Status(503)));
    let request = app
        .client
        .get(app.url("auth.test"))
        .bearer_auth(world.bot_token());
    assert_eq!(request.send().await.unwrap().status(), 503);
    world.is_well();
    for error in [
        "invalid_auth",
        "token_revoked",
        "account_inactive",
        "restricted_action",
    ] {
        world.meets(
            Fault::on("pins.list")
                .times(1)
                .is(Trouble::Error(error.to_owned())),
        );
        let told = app.reads("pins.list", &[("channel", &room)]).await;
        assert_eq!(told["error"], error);
    }
    let by = Duration::from_millis(150);
    world.meets(Fault::on("chat.postMessage").is(Trouble::Slow(by)));
    let since = tokio::time::Instant::now();
    app.posts(&room, "late").await;
    assert!(since.elapsed() >= by);
    world.refuses_tokens(Some("token_revoked"));
    assert_eq!(app.refusal("auth.test", json!({})).await, "token_revoked");
    world.refuses_tokens(None);
    assert_eq!(app.call("auth.test", json!({})).await["ok"], true);
}

#[tokio::test]
async fn a_response_url_has_its_own_trouble_and_ends() {
    let (world, app, _) = room().await;
    app.listens().await;
    world.expect_connected(1).await;
    let reply = world
        .user("ana")
        .types("/firebell help", "general")
        .await
        .assert_acked();
    let url = &reply.response_url;
    let posts = |text: &str| app.client.post(url).json(&json!({"text": text})).send();
    world.meets(Fault::on("hooks").times(1).is(Trouble::Status(500)));
    assert_eq!(posts("x").await.unwrap().status(), 500);
    world.meets(Fault::on("hooks").times(1).is(Trouble::DoThenDrop));
    assert!(posts("heard").await.is_err());
    world.expect_ephemeral("ana", "heard").await;
    for _ in 0..4 {
        assert_eq!(posts("more").await.unwrap().status(), 200);
    }
    let used = posts("sixth").await.unwrap();
    assert_eq!(
        (
            used.status().as_u16(),
            used.text().await.unwrap().contains("used_url")
        ),
        (404, true)
    );
    let reply = world
        .user("ana")
        .types("/firebell help", "general")
        .await
        .assert_acked();
    world.time_passes(Duration::from_secs(31 * 60));
    let late = app
        .client
        .post(&reply.response_url)
        .json(&json!({"text": "late"}))
        .send();
    assert!(
        late.await
            .unwrap()
            .text()
            .await
            .unwrap()
            .contains("expired_url")
    );
}
