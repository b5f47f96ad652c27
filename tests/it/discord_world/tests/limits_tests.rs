//! The limits on forms and on pace, and what can be broken on purpose.

use super::client::{Bot, commands};
use crate::discord_world::{DiscordWorld, Fault, Rule};
use serde_json::{Value, json};
use std::time::Duration;

async fn scene() -> (DiscordWorld, Bot, String) {
    let world = DiscordWorld::start().await;
    let (bot, general) = (Bot::new(&world), world.room_id("general"));
    (world, bot, format!("/channels/{general}/messages"))
}

fn long(n: usize) -> String {
    "é".repeat(n)
}

fn row(parts: &Value) -> Value {
    json!({"content": "x", "components": [{"type": 1, "components": parts}]})
}

fn button(label: &str, id: &str) -> Value {
    json!({"type": 2, "style": 2, "label": label, "custom_id": id})
}

/// Bodies just within a limit and just beyond it, with the path of the fault.
fn forms() -> Vec<(Value, Value, &'static str)> {
    let embed = |key: &str, value: Value| json!({"embeds": [{key: value}]});
    let field = |name: usize, value: usize| json!([{"name": long(name), "value": long(value)}]);
    let fields = |n: usize| Value::Array(vec![json!({"name": "n", "value": "v"}); n]);
    let buttons = |n: usize| Value::Array((0..n).map(|i| button("b", &format!("id{i}"))).collect());
    let menu = |n: usize| {
        let options: Vec<Value> = (0..n)
            .map(|i| json!({"label": "l", "value": i.to_string()}))
            .collect();
        json!([{"type": 3, "custom_id": "m", "options": options}])
    };
    let rows = |n: usize| {
        let row = |i: usize| json!({"type": 1, "components": [button("b", &format!("r{i}"))]});
        json!({"content": "x", "components": (0..n).map(row).collect::<Vec<_>>()})
    };
    let total =
        |n: usize| json!({"embeds": [{"description": long(4096)}, {"description": long(n)}]});
    vec![
        (
            json!({"content": long(2000)}),
            json!({"content": long(2001)}),
            "content",
        ),
        (
            json!({"embeds": vec![json!({"title": "t"}); 10]}),
            json!({"embeds": vec![json!({"title": "t"}); 11]}),
            "embeds",
        ),
        (
            embed("title", json!(long(256))),
            embed("title", json!(long(257))),
            "embeds/0/title",
        ),
        (
            embed("description", json!(long(4096))),
            embed("description", json!(long(4097))),
            "embeds/0/description",
        ),
        (
            embed("footer", json!({"text": long(2048)})),
            embed("footer", json!({"text": long(2049)})),
            "embeds/0/footer/text",
        ),
        (
            embed("fields", fields(25)),
            embed("fields", fields(26)),
            "embeds/0/fields",
        ),
        (
            embed("fields", field(256, 1)),
            embed("fields", field(257, 1)),
            "embeds/0/fields/0/name",
        ),
        (
            embed("fields", field(1, 1024)),
            embed("fields", field(1, 1025)),
            "embeds/0/fields/0/value",
        ),
        (total(6000 - 4096), total(6001 - 4096), "embeds"),
        (
            row(&buttons(5)),
            row(&buttons(6)),
            "components/0/components",
        ),
        (rows(5), rows(6), "components"),
        (
            row(&json!([button(&long(80), "a")])),
            row(&json!([button(&long(81), "a")])),
            "components/0/components/0/label",
        ),
        (
            row(&json!([button("a", &long(100))])),
            row(&json!([button("a", &long(101))])),
            "components/0/components/0/custom_id",
        ),
        (
            row(&json!([button("a", "1"), button("b", "2")])),
            row(&json!([button("a", "1"), button("b", "1")])),
            "components/0/components/1/custom_id",
        ),
        (
            row(&menu(25)),
            row(&menu(26)),
            "components/0/components/0/options",
        ),
        (
            json!({"content": "x", "nonce": long(25)}),
            json!({"content": "x", "nonce": long(26)}),
            "nonce",
        ),
    ]
}

#[tokio::test]
async fn every_limit_of_a_message_is_met_and_not_passed() {
    let (world, bot, messages) = scene().await;
    world.limits(Rule::new("* /**", 1000, 1000));
    world.limits_everything(1000);
    for (within, beyond, path) in forms() {
        let (status, told) = bot.call("POST", &messages, within).await;
        assert_eq!(status, 200, "{path}: {told}");
        let (status, told) = bot.call("POST", &messages, beyond).await;
        assert_eq!(
            (status, told["code"].as_u64()),
            (400, Some(50035)),
            "{path}: {told}"
        );
        let fault = told["errors"].pointer(&format!("/{path}/_errors/0/code"));
        assert!(fault.is_some_and(Value::is_string), "{path}: {told}");
    }
    assert_eq!(
        bot.bad("POST", &messages, json!({"content": " "})).await,
        (400, 50006)
    );
    assert!(
        !world.violations().is_empty(),
        "Discord's document knows some of these limits"
    );
}

/// Definitions beyond a limit, with the path of the fault.
fn wrong_commands() -> Vec<(Value, &'static str)> {
    let named = |name: &str| json!({"name": name, "description": "d"});
    let option = |option: Value| json!({"name": "fb", "description": "d", "options": [option]});
    let choices: Vec<Value> = (0..26)
        .map(|i| json!({"name": i.to_string(), "value": "v"}))
        .collect();
    let many: Vec<Value> = (0..26)
        .map(|i| json!({"type": 3, "name": format!("o{i}"), "description": "d"}))
        .collect();
    vec![
        (named("Fb"), "0/name"),
        (named("f b"), "0/name"),
        (named(&"x".repeat(33)), "0/name"),
        (json!({"name": "fb", "description": ""}), "0/description"),
        (
            json!({"name": "fb", "description": long(101)}),
            "0/description",
        ),
        (
            json!({"name": "fb", "description": "d", "options": many}),
            "0/options",
        ),
        (
            option(json!({"type": 3, "name": "A", "description": "d"})),
            "0/options/0/name",
        ),
        (
            option(json!({"type": 3, "name": "a", "description": "d", "choices": choices})),
            "0/options/0/choices",
        ),
        (
            json!({"name": "fb", "description": "d", "options": [
            {"type": 3, "name": "a", "description": "d"}, {"type": 3, "name": "b", "description": "d", "required": true}]}),
            "0/options/1",
        ),
        (
            json!({"name": "Menu", "type": 3, "description": "d"}),
            "0/description",
        ),
    ]
}

#[tokio::test]
async fn every_limit_of_a_command_is_kept() {
    let (world, bot, _) = scene().await;
    let path = format!("/applications/{}/commands", world.app());
    bot.good("PUT", &path, commands()).await;
    world.assert_clean();
    for (wrong, place) in wrong_commands() {
        let (status, told) = bot.call("PUT", &path, json!([wrong])).await;
        assert_eq!(
            (status, told["code"].as_u64()),
            (400, Some(50035)),
            "{place}: {told}"
        );
        let fault = told["errors"].pointer(&format!("/{place}/_errors/0/code"));
        assert!(fault.is_some_and(Value::is_string), "{place}: {told}");
    }
    let twice = json!([{"name": "fb", "description": "d"}, {"name": "fb", "description": "e"}]);
    assert_eq!(bot.bad("PUT", &path, twice).await, (400, 50035));
    assert_eq!(
        world.commands(None).len(),
        2,
        "nothing of a refused list is taken"
    );
}

#[tokio::test]
async fn every_limit_of_a_form_and_of_choices_is_kept() {
    let (world, bot, _) = scene().await;
    bot.registers().await;
    let mut line = super::client::Line::ready(&world).await;
    let ana = world.user("ana");
    let input = |input: Value| json!({"title": "t", "custom_id": "c", "components": [{"type": 1, "components": [input]}]});
    let text = |key: &str, value: Value| {
        let mut text = json!({"type": 4, "custom_id": "i", "style": 1, "label": "l"});
        text[key] = value;
        input(text)
    };
    let rows: Vec<Value> = (0..6)
        .map(|i| {
            json!({"type": 1, "components": [
        {"type": 4, "custom_id": i.to_string(), "style": 1, "label": "l"}]})
        })
        .collect();
    let wrong = [
        json!({"title": long(46), "custom_id": "c", "components": rows[..1]}),
        json!({"title": "t", "custom_id": "c", "components": rows}),
        text("label", json!(long(46))),
        text("placeholder", json!(long(101))),
        text("value", json!(long(4001))),
    ];
    ana.runs("note", &[], "general");
    let asked = line.event("INTERACTION_CREATE").await;
    for data in wrong {
        let (status, told) = bot.answers(&asked, json!({"type": 9, "data": data})).await;
        assert_eq!(
            (status, told["code"].as_u64()),
            (400, Some(50035)),
            "{told}"
        );
    }
    assert_eq!(
        bot.answers(&asked, json!({"type": 8, "data": {"choices": []}}))
            .await
            .0,
        400
    );
    assert_eq!(
        bot.answers(
            &asked,
            json!({"type": 9, "data": text("value", json!("v"))})
        )
        .await
        .0,
        204
    );
    ana.completes("run", "action", "r", "general");
    let asked = line.event("INTERACTION_CREATE").await;
    let choices = vec![json!({"name": "n", "value": "v"}); 26];
    assert_eq!(
        bot.answers(&asked, json!({"type": 8, "data": {"choices": choices}}))
            .await
            .0,
        400
    );
    assert_eq!(
        bot.answers(&asked, json!({"type": 4, "data": {"content": "no"}}))
            .await
            .0,
        400
    );
    assert_eq!(
        bot.answers(
            &asked,
            json!({"type": 8, "data": {"choices": choices[..25]}})
        )
        .await
        .0,
        204
    );
}

#[tokio::test]
async fn a_room_takes_five_messages_in_five_seconds_and_says_so() {
    let (world, bot, messages) = scene().await;
    let other = format!(
        "/channels/{}/messages",
        world.channel(world.home(), "other")
    );
    let hello = json!({"content": "hello"});
    for left in (0..5).rev() {
        let answer = bot.raw("POST", &messages, &hello).await;
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(
            (header("x-ratelimit-limit"), header("x-ratelimit-remaining")),
            ("5".to_owned(), left.to_string())
        );
        assert!(header("x-ratelimit-reset-after").parse::<f64>().unwrap() <= 5.0);
        assert!(
            header("x-ratelimit-reset").parse::<f64>().unwrap() > 1e9
                && header("x-ratelimit-bucket").len() == 16
        );
    }
    let answer = bot.raw("POST", &messages, &hello).await;
    assert_eq!(
        (
            answer.status().as_u16(),
            &answer.headers()["x-ratelimit-scope"]
        ),
        (429, &"user".parse().unwrap())
    );
    assert!(
        answer.headers()["retry-after"]
            .to_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
            <= 5
    );
    let told: Value = answer.json().await.unwrap();
    assert!(
        told["retry_after"].as_f64().unwrap() > 3.0 && told["global"] == false,
        "{told}"
    );
    let sent = bot.good("POST", &other, hello.clone()).await;
    bot.good(
        "PATCH",
        &format!("{other}/{}", sent["id"].as_str().unwrap()),
        hello.clone(),
    )
    .await;
    world.advance_secs(5);
    bot.good("POST", &messages, hello).await;
    assert_eq!(world.invalid_requests(), 1);
    let calls = world.calls("POST", &messages);
    assert!(
        calls[6].at_ms - calls[0].at_ms >= 5_000,
        "paced by the world's time"
    );
}

#[tokio::test]
async fn everything_together_is_limited_too_but_for_answers() {
    let (world, bot, _) = scene().await;
    world.limits_everything(3);
    for _ in 0..3 {
        bot.good("GET", "/users/@me", Value::Null).await;
    }
    let answer = bot.raw("GET", "/users/@me", &Value::Null).await;
    assert_eq!(
        (
            answer.status().as_u16(),
            &answer.headers()["x-ratelimit-global"]
        ),
        (429, &"true".parse().unwrap())
    );
    let told: Value = answer.json().await.unwrap();
    assert_eq!(told["global"], true);
    let (status, told) = bot
        .answers(&json!({"id": "1", "token": "t"}), json!({"type": 5}))
        .await;
    assert_eq!((status, told["code"].as_u64()), (404, Some(10062)));
}

#[tokio::test]
async fn what_is_broken_breaks_that_way_and_only_there() {
    let (world, bot, messages) = scene().await;
    let (route, hello) = ("POST /channels/*/messages", json!({"content": "hello"}));
    let status = async || bot.raw("POST", &messages, &hello).await.status().as_u16();
    for (fault, want) in [
        (Fault::status(503), 503),
        (Fault::revoked(), 401),
        (Fault::forbidden(), 403),
        (Fault::refuse(400, 40001, "Unauthorized"), 400),
    ] {
        world.breaks(route, fault, Some(1));
        assert_eq!(
            (
                status().await,
                bot.raw("GET", &messages, &Value::Null)
                    .await
                    .status()
                    .as_u16()
            ),
            (want, 200)
        );
    }
    world.breaks(route, Fault::shared_limit(0.5), Some(1));
    let answer = bot.raw("POST", &messages, &hello).await;
    assert_eq!(&answer.headers()["x-ratelimit-scope"], "shared");
    assert_eq!(answer.json::<Value>().await.unwrap()["retry_after"], 0.5);
    world.breaks(route, Fault::global_limit(1.0), Some(1));
    assert_eq!(
        bot.raw("POST", &messages, &hello)
            .await
            .json::<Value>()
            .await
            .unwrap()["global"],
        true
    );
    world.breaks(route, Fault::bare_limit(), Some(1));
    let answer = bot.raw("POST", &messages, &hello).await;
    assert!(answer.status() == 429 && !answer.headers().contains_key("retry-after"));
    assert_eq!(
        world.invalid_requests(),
        4,
        "401, 403, and two limits of our own"
    );
    assert!(world.messages("general").is_empty());
    world.breaks(route, Fault::DoneAndDropped, Some(1));
    assert!(
        bot.request("POST", &messages)
            .json(&hello)
            .send()
            .await
            .is_err()
    );
    world.breaks(route, Fault::Dropped, Some(1));
    assert!(
        bot.request("POST", &messages)
            .json(&hello)
            .send()
            .await
            .is_err()
    );
    assert_eq!(world.messages("general").len(), 1, "the first was done");
    world.breaks(route, Fault::Hang, None);
    let hung = bot
        .request("POST", &messages)
        .json(&hello)
        .timeout(Duration::from_millis(100))
        .send()
        .await;
    assert!(hung.unwrap_err().is_timeout());
    world.mends();
    world.breaks("*", Fault::Slow(Duration::from_millis(60)), Some(1));
    let before = std::time::Instant::now();
    assert_eq!(
        (
            status().await,
            before.elapsed() >= Duration::from_millis(60)
        ),
        (200, true)
    );
    world.breaks("GET /gateway", Fault::status(502), Some(1));
    assert_eq!(bot.raw("GET", "/gateway", &Value::Null).await.status(), 502);
    assert_eq!(
        world
            .expect_calls("POST", "/channels/*/messages", 11)
            .await
            .len(),
        11
    );
    world.revokes_token();
    let old = bot
        .http
        .get(format!("{}/users/@me", world.api()))
        .header("authorization", "Bot old")
        .send()
        .await
        .unwrap();
    assert_eq!(old.status(), 401);
}
