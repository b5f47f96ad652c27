//! People and the bot talk: commands, buttons, forms, choices, menus.

use super::client::{Bot, Line};
use crate::discord_world::{Asked, DiscordWorld, Modal, Person, Posted};
use serde_json::{Value, json};

/// A world, a bot at the gateway with its commands, and ana.
async fn scene() -> (DiscordWorld, Bot, Line, Person) {
    let world = DiscordWorld::start().await;
    let (bot, ana) = (Bot::new(&world), world.user("ana"));
    bot.registers().await;
    let line = Line::ready(&world).await;
    (world, bot, line, ana)
}

async fn asked(line: &mut Line) -> Value {
    line.event("INTERACTION_CREATE").await
}

#[tokio::test]
async fn a_command_is_brought_as_it_was_registered_and_answered_for_one_pair_of_eyes() {
    let (world, bot, mut line, ana) = scene().await;
    let waiting = ana.runs("ack", &[("incident", "7")], "general");
    let asked = asked(&mut line).await;
    assert_eq!(asked["data"]["options"][0]["name"], "ack");
    assert_eq!(asked["data"]["options"][0]["options"][0]["value"], 7);
    assert_eq!(asked["member"]["user"]["id"], ana.id().to_string());
    let answer = json!({"type": 4, "data": {"content": "You have it.", "flags": 64}});
    assert_eq!(bot.answers(&asked, answer.clone()).await.0, 204);
    let reply = waiting.reply().await;
    assert!(reply.ephemeral() && reply.has("You have it"), "{reply:?}");
    assert!(
        world.messages("general").is_empty(),
        "an answer for one is in no room"
    );
    let (status, told) = bot.answers(&asked, answer).await;
    assert_eq!((status, told["code"].as_u64()), (400, Some(40060)));
    world.assert_clean();
}

#[tokio::test]
async fn a_deferred_answer_becomes_words_and_more_may_follow() {
    let (world, bot, mut line, ana) = scene().await;
    let waiting = ana.runs("fb note", &[], "general");
    let asked = asked(&mut line).await;
    assert_eq!(
        bot.bad(
            "PATCH",
            &format!("{}/messages/@original", bot.hook(&asked)),
            json!({"content": "x"})
        )
        .await,
        (404, 10015)
    );
    bot.answers(&asked, json!({"type": 5})).await;
    bot.good(
        "PATCH",
        &format!("{}/messages/@original", bot.hook(&asked)),
        json!({"content": "Written down."}),
    )
    .await;
    assert!(waiting.reply().await.has("Written down."));
    bot.good("POST", &bot.hook(&asked), json!({"content": "And more."}))
        .await;
    assert!(waiting.followup(0).await.has("And more."));
    world.advance_secs(901);
    assert_eq!(
        bot.bad("POST", &bot.hook(&asked), json!({"content": "late"}))
            .await,
        (401, 50027)
    );
    world.assert_clean();
}

#[tokio::test]
async fn a_button_opens_a_form_and_the_form_changes_the_message() {
    let (world, bot, mut line, ana) = scene().await;
    let general = world.room_id("general");
    let card = json!({"content": "Checkout is down", "components": [{"type": 1, "components": [
        {"type": 2, "style": 1, "label": "Add a note", "custom_id": "note:1"}]}]});
    bot.good("POST", &format!("/channels/{general}/messages"), card)
        .await;
    let card = world.expect_message("general", "Checkout").await;
    assert_eq!(card.buttons(), ["Add a note"]);
    let waiting = ana.clicks(&card, "Add a note");
    let pressed = asked(&mut line).await;
    assert_eq!(
        (&pressed["data"]["custom_id"], &pressed["type"]),
        (&json!("note:1"), &json!(3))
    );
    let form = json!({"type": 9, "data": {"title": "Note", "custom_id": "form", "components": [
        {"type": 1, "components": [{"type": 4, "custom_id": "text", "style": 2, "label": "What", "max_length": 200}]}]}});
    assert_eq!(bot.answers(&pressed, form).await.0, 204);
    let form: Modal = waiting.modal().await;
    assert_eq!(
        (form.title.as_str(), form.labels()),
        ("Note", vec!["What".to_owned()])
    );
    let sent = ana.submits(&form, &[("What", "it is the cache")]);
    let filled = asked(&mut line).await;
    assert_eq!(
        filled["data"]["components"][0]["components"][0]["value"],
        "it is the cache"
    );
    bot.answers(
        &filled,
        json!({"type": 7, "data": {"content": "Checkout: it is the cache"}}),
    )
    .await;
    assert_eq!(sent.reply().await, card);
    assert!(card.has("the cache") && card.edits() == 1);
    world.assert_clean();
}

#[tokio::test]
async fn options_complete_and_people_are_resolved() {
    let (world, bot, mut line, ana) = scene().await;
    let bo = world.user("bo");
    let waiting = ana.completes_with("run", &[("who", "bo")], ("action", "res"), "general");
    let typed = asked(&mut line).await;
    let options = &typed["data"]["options"][0]["options"];
    assert_eq!(
        (&options[1]["value"], &options[1]["focused"]),
        (&json!("res"), &json!(true))
    );
    assert_eq!(
        typed["data"]["resolved"]["users"][bo.id().to_string()]["username"],
        "bo"
    );
    bot.answers(
        &typed,
        json!({"type": 8, "data": {"choices": [{"name": "Restart", "value": "restart"}]}}),
    )
    .await;
    assert_eq!(
        waiting.choices().await,
        [("Restart".to_owned(), "restart".to_owned())]
    );
    world.assert_clean();
}

#[tokio::test]
async fn a_message_menu_brings_the_message_and_a_press_may_be_acknowledged_only() {
    let (world, bot, mut line, ana) = scene().await;
    let said = ana.says("general", "it is the cache");
    assert_eq!(
        line.event("MESSAGE_CREATE").await["content"],
        "it is the cache"
    );
    let waiting = ana.uses_menu("Add to timeline", &said);
    let used = asked(&mut line).await;
    let target = used["data"]["target_id"].as_str().unwrap();
    assert_eq!(
        used["data"]["resolved"]["messages"][target]["content"],
        "it is the cache"
    );
    bot.answers(&used, json!({"type": 4, "data": {"content": "Noted.", "flags": 64, "components": [
        {"type": 1, "components": [{"type": 3, "custom_id": "who", "placeholder": "Who", "options": [
            {"label": "Ana", "value": "a"}, {"label": "Bo", "value": "b"}]}]}]}})).await;
    let noted = waiting.reply().await;
    let chosen = ana.selects(&noted, "Who", &["Bo"]);
    let picked = asked(&mut line).await;
    assert_eq!(
        (&picked["data"]["values"][0], &picked["message"]["flags"]),
        (&json!("b"), &json!(64))
    );
    bot.answers(&picked, json!({"type": 6})).await;
    assert_eq!(chosen.initial().await.kind, 6);
    bot.good(
        "PATCH",
        &format!("{}/messages/@original", bot.hook(&picked)),
        json!({"content": "Bo has it."}),
    )
    .await;
    assert!(chosen.reply().await.has("Bo has it."));
    world.assert_clean();
}

#[tokio::test]
async fn an_answer_after_three_seconds_is_no_answer() {
    let (world, bot, mut line, ana) = scene().await;
    ana.runs("note", &[], "general");
    let asked = asked(&mut line).await;
    world.advance_secs(4);
    let (status, told) = bot.answers(&asked, json!({"type": 5})).await;
    assert_eq!((status, told["code"].as_u64()), (404, Some(10062)));
    let token = asked["token"].as_str().unwrap();
    let other = json!({"id": asked["id"], "token": format!("{token}x")});
    assert_eq!(bot.answers(&other, json!({"type": 5})).await.0, 404);
}

#[tokio::test]
async fn an_interaction_can_come_twice() {
    let (world, bot, mut line, ana) = scene().await;
    world.doubles("INTERACTION_CREATE");
    let waiting = ana.runs("note", &[], "general");
    let (first, second) = (asked(&mut line).await, asked(&mut line).await);
    assert_eq!(first["id"], second["id"]);
    bot.answers(&first, json!({"type": 5})).await;
    assert_eq!(bot.answers(&second, json!({"type": 5})).await.0, 400);
    waiting.deliver();
    assert_eq!(asked(&mut line).await["id"], first["id"]);
}

/// Something no person could do.
type Wrong = fn(&Person, &Posted) -> Asked;

#[tokio::test]
async fn what_nobody_registered_or_may_press_fails_the_test() {
    let (world, bot, _line, ana) = scene().await;
    let general = world.room_id("general");
    bot.good(
        "POST",
        &format!("/channels/{general}/messages"),
        json!({"content": "card"}),
    )
    .await;
    let card = world.expect_message("general", "card").await;
    let wrongs: [(&str, Wrong); 5] = [
        ("no command", |ana, _| ana.runs("explode", &[], "general")),
        ("requires \"action\"", |ana, _| {
            ana.runs("run", &[], "general")
        }),
        ("takes an integer", |ana, _| {
            ana.runs("ack", &[("incident", "seven")], "general")
        }),
        ("has no option", |ana, _| {
            ana.runs("ack", &[("incidents", "7")], "general")
        }),
        ("no button", |ana, card| ana.clicks(card, "Acknowledge")),
    ];
    for (why, wrong) in wrongs {
        let (ana, card) = (ana.clone(), card.clone());
        let failed = tokio::spawn(async move { drop(wrong(&ana, &card)) })
            .await
            .unwrap_err();
        let said = failed.into_panic();
        let said = said.downcast_ref::<String>().unwrap();
        assert!(said.contains(why), "{why}: {said}");
    }
}
