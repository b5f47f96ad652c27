//! Block Kit's limits, each at its edge.

use super::app::App;
use crate::slack_world::SlackWorld;
use serde_json::{Value, json};

fn plain(text: &str) -> Value {
    json!({"type": "plain_text", "text": text})
}

fn of(n: usize) -> String {
    "ü".repeat(n)
}

fn button(n: usize) -> Value {
    json!({"type": "button", "action_id": format!("a{n}"), "text": plain("x")})
}

fn options(n: usize, length: usize) -> Value {
    let one = |i: usize| json!({"text": plain(&of(length)), "value": format!("{i}")});
    (0..n).map(one).collect()
}

fn menu(n: usize, length: usize) -> Value {
    json!({"type": "actions", "elements": [{"type": "static_select", "options": options(n, length)}]})
}

fn actions(elements: Value) -> Value {
    let mut block = json!({"type": "actions"});
    block["elements"] = elements;
    block
}

fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut button = button(0);
    button[name] = value.into();
    actions(json!([button]))
}

fn section(length: usize) -> Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": of(length)}})
}

fn fields(n: usize, length: usize) -> Value {
    let all: Value = (0..n).map(|_| plain(&of(length))).collect();
    json!({"type": "section", "fields": all})
}

/// What is just allowed, what is just not, and a word of the reason.
fn edges() -> Vec<(Value, Value, &'static str)> {
    let header = |n: usize| json!({"type": "header", "text": plain(&of(n))});
    let buttons = |n: usize| actions((0..n).map(button).collect());
    let id = |n: usize| json!({"type": "divider", "block_id": of(n)});
    vec![
        (header(150), header(151), "151"),
        (section(3000), section(3001), "3001"),
        (section(1), section(0), "more than 0"),
        (fields(10, 2000), fields(11, 1), "no more than 10"),
        (fields(1, 1), fields(1, 2001), "2001"),
        (buttons(25), buttons(26), "no more than 25"),
        (buttons(1), actions(json!([])), "no less than 1"),
        (
            with("text", plain(&of(75))),
            with("text", plain(&of(76))),
            "76",
        ),
        (
            with("value", json!(of(2000))),
            with("value", json!(of(2001))),
            "2001",
        ),
        (
            with("action_id", json!(of(255))),
            with("action_id", json!(of(256))),
            "256",
        ),
        (
            with("style", json!("danger")),
            with("style", json!("red")),
            "primary or danger",
        ),
        (
            with("url", json!("https://x")),
            with("colour", json!("red")),
            "colour",
        ),
        (
            buttons(2),
            actions(json!([button(1), button(1)])),
            "already exists",
        ),
        (id(255), id(256), "256"),
        (menu(100, 75), menu(101, 75), "no more than 100"),
        (menu(1, 75), menu(1, 76), "76"),
        (
            header(1),
            json!({"type": "header", "text": {"type": "mrkdwn", "text": "x"}}),
            "plain_text",
        ),
        (header(1), json!({"type": "headline"}), "unsupported type"),
        (section(1), json!({"type": "section"}), "text or fields"),
    ]
}

#[tokio::test]
async fn every_limit_of_a_message_holds_at_its_edge() {
    let world = SlackWorld::start().await;
    world.tune(|t| t.post_burst = 1000);
    let app = App::of(&world);
    let room = app.creates("inc").await;
    let post = async |blocks: Value| {
        app.call(
            "chat.postMessage",
            json!({"channel": room, "text": "t", "blocks": blocks}),
        )
        .await
    };
    for (good, bad, why) in edges() {
        let told = post(json!([good])).await;
        assert_eq!(told["ok"], true, "{why}: {told}");
        let told = post(json!([bad])).await;
        assert_eq!(told["error"], "invalid_blocks", "{why}: {told}");
        let messages = told["response_metadata"]["messages"].to_string();
        assert!(messages.contains(why), "{why}: {messages}");
    }
    let many = |n: usize| -> Value { (0..n).map(|_| json!({"type": "divider"})).collect() };
    assert_eq!(post(many(50)).await["ok"], true);
    assert_eq!(post(many(51)).await["error"], "invalid_blocks");
    let twice = json!([{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}]);
    assert_eq!(post(twice).await["error"], "invalid_blocks");
    assert_eq!(post(json!("[")).await["error"], "invalid_blocks_format");
    // what came without ids has some when it is stored
    let message = world
        .expect_message_where("inc", "buttons", |m| {
            m.blocks.iter().any(|b| b["type"] == "actions")
        })
        .await;
    assert!(message.blocks[0]["block_id"].is_string());
}

#[tokio::test]
async fn elements_stand_where_they_may() {
    let world = SlackWorld::start().await;
    world.tune(|t| t.post_burst = 1000);
    let app = App::of(&world);
    let room = app.creates("inc").await;
    let post = async |block: Value| {
        app.call(
            "chat.postMessage",
            json!({"channel": room, "text": "t", "blocks": [block]}),
        )
        .await
    };
    let input = |element: Value| json!({"type": "input", "label": plain("l"), "element": element});
    let good = [
        input(json!({"type": "plain_text_input", "action_id": "a"})),
        json!({"type": "section", "text": plain("x"), "accessory": {"type": "overflow", "options": options(5, 1)}}),
        json!({"type": "context", "elements": [plain("x"), {"type": "image", "image_url": "https://x", "alt_text": "y"}]}),
        json!({"type": "section", "text": plain("x"), "accessory": {"type": "multi_users_select"}}),
        json!({"type": "image", "image_url": "https://x", "alt_text": "y", "title": plain("t")}),
        json!({"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": []}]}),
        json!({"type": "markdown", "text": "x"}),
    ];
    for block in good {
        let told = post(block).await;
        assert_eq!(told["ok"], true, "{told}");
    }
    let confirm = json!({"title": plain(&of(101)), "text": plain("x"), "confirm": plain("y"), "deny": plain("n")});
    let initial = json!({"type": "static_select", "options": options(1, 1), "initial_option": {"text": plain("other"), "value": "0"}});
    let groups: Value = json!([{"label": plain(&of(76)), "options": options(1, 1)}]);
    let bad = [
        input(button(1)),
        actions(json!([{"type": "plain_text_input"}])),
        actions(json!([{"type": "multi_static_select", "options": options(1, 1)}])),
        json!({"type": "section", "text": plain("x"), "accessory": {"type": "overflow", "options": options(6, 1)}}),
        json!({"type": "context", "elements": [button(1)]}),
        with("confirm", confirm),
        actions(json!([initial])),
        actions(json!([{"type": "static_select", "option_groups": groups}])),
        input(json!({"type": "plain_text_input", "max_length": 3001})),
        json!({"type": "image", "image_url": "https://x"}),
    ];
    for block in bad {
        let told = post(block.clone()).await;
        assert_eq!(told["error"], "invalid_blocks", "{block}: {told}");
    }
}
