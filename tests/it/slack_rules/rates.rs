//! How much is too much.

use super::app::App;
use crate::slack_world::SlackWorld;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_channel_takes_a_message_a_second_after_a_burst() {
    let world = SlackWorld::start().await;
    world.stops_the_clock();
    let app = App::of(&world);
    let (room, other) = (app.creates("one").await, app.creates("two").await);
    for n in 0..5 {
        app.posts(&room, &format!("{n}")).await;
    }
    let args = json!({"channel": room, "text": "6"});
    let request = app
        .client
        .post(app.url("chat.postMessage"))
        .bearer_auth(world.bot_token());
    let answer = request.json(&args).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["retry-after"]),
        (429, &"1".parse().unwrap())
    );
    app.posts(&other, "another channel").await;
    world.time_passes(Duration::from_secs(1));
    app.posts(&room, "6").await;
    assert_eq!(app.refusal("chat.postMessage", args).await, "ratelimited");
    assert_eq!(world.messages("one").len(), 6);
}

#[tokio::test]
async fn methods_have_tiers_that_a_test_may_set() {
    let world = SlackWorld::start().await;
    world.stops_the_clock();
    let app = App::of(&world);
    let room = app.creates("a").await;
    // tier 2 is Slack's for channels that are made
    for n in 1..20 {
        app.creates(&format!("b{n}")).await;
    }
    assert_eq!(
        app.refusal("conversations.create", json!({"name": "c"}))
            .await,
        "ratelimited"
    );
    world.tune(|t| {
        t.per_minute.insert("pins.list".to_owned(), 2);
        t.post_burst = 1000;
    });
    let list = async || app.reads("pins.list", &[("channel", &room)]).await;
    assert_eq!(list().await["ok"], true);
    assert_eq!(list().await["ok"], true);
    assert_eq!(list().await["error"], "ratelimited");
    world.time_passes(Duration::from_secs(30));
    assert_eq!(list().await["ok"], true);
    world.tune(|t| t.tiers = false);
    app.creates("c").await;
}
