//! Rooms: made and closed, who may what in them, conversations of two.

use super::unhurried;
use crate::discord_world::Id;
use crate::discord_world::permissions as may;
use serde_json::{Value, json};

#[tokio::test]
async fn rooms_are_made_named_moved_and_closed_as_discord_does() {
    let (world, bot, _) = unhurried().await;
    let home = world.home();
    let path = format!("/guilds/{home}/channels");
    let room = json!({"name": "INC 12: Checkout is  down!", "topic": "fb:12", "parent_id": world.category(home, "Incidents").to_string()});
    let made = bot.good("POST", &path, room).await;
    assert_eq!(
        (&made["name"], &made["topic"]),
        (&json!("inc-12-checkout-is-down"), &json!("fb:12"))
    );
    let own = format!("/channels/{}", made["id"].as_str().unwrap());
    assert_eq!(
        world.expect_channel("inc-12-checkout-is-down").await["id"],
        made["id"]
    );
    let renamed = bot
        .good("PATCH", &own, json!({"name": "inc-12-resolved"}))
        .await;
    assert_eq!(renamed["name"], "inc-12-resolved");
    bot.good("PATCH", &own, json!({"topic": "done"})).await;
    let (status, told) = bot.call("PATCH", &own, json!({"topic": "third"})).await;
    assert_eq!(
        (status, told["retry_after"].as_f64().unwrap() > 500.0),
        (429, true)
    );
    world.advance_secs(601);
    bot.good("PATCH", &own, json!({"topic": "third"})).await;
    bot.good("DELETE", &own, Value::Null).await;
    assert_eq!(bot.bad("GET", &own, Value::Null).await, (404, 10003));
    world.assert_clean();
    for (body, path_of_fault) in [
        (json!({"name": ""}), "name"),
        (json!({"name": "x".repeat(101)}), "name"),
        (json!({"name": "!!!"}), "name"),
        (json!({"name": "a", "topic": "x".repeat(1025)}), "topic"),
        (json!({"name": "a", "parent_id": "1"}), "parent_id"),
    ] {
        let (status, told) = bot.call("POST", &path, body).await;
        assert_eq!((status, &told["code"]), (400, &json!(50035)), "{told}");
        assert!(
            told["errors"][path_of_fault]["_errors"][0]["message"].is_string(),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_server_and_a_category_are_full_at_some_point() {
    let (world, bot, _) = unhurried().await;
    let (home, other) = (world.home(), world.guild("Other"));
    world.set(|s| {
        s.guild_channels = 4;
        s.category_channels = 1;
    });
    let category = world.category(home, "Incidents").to_string();
    let path = format!("/guilds/{home}/channels");
    let room = json!({"name": "a", "parent_id": category});
    let first = bot.good("POST", &path, room.clone()).await;
    let (_, told) = bot.call("POST", &path, room).await;
    assert_eq!(
        told["errors"]["parent_id"]["_errors"][0]["code"],
        "CHANNEL_PARENT_MAX_CHANNELS"
    );
    bot.good("POST", &path, json!({"name": "b"})).await;
    assert_eq!(
        bot.bad("POST", &path, json!({"name": "c"})).await,
        (400, 30013)
    );
    assert_eq!(world.channels(home), ["general", "Incidents", "a", "b"]);
    world.channel(other, "elsewhere");
    assert_eq!(world.channels(other), ["elsewhere"]);
    assert_eq!(first["parent_id"], category);
    world.assert_clean();
}

#[tokio::test]
async fn a_bot_without_the_right_is_told_which_kind_of_no() {
    let (world, bot, messages) = unhurried().await;
    let (home, general, ana) = (world.home(), world.room_id("general"), world.user("ana"));
    let hidden = world.private_channel(home, "hidden", &[&ana]);
    ana.says("hidden", "among us");
    let hello = json!({"content": "hello"});
    assert_eq!(
        bot.bad(
            "POST",
            &format!("/channels/{hidden}/messages"),
            hello.clone()
        )
        .await,
        (403, 50001)
    );
    assert_eq!(
        bot.bad("POST", "/channels/1/messages", hello.clone()).await,
        (404, 10003)
    );
    let thread = world.archived_thread("general", "old");
    assert_eq!(
        bot.bad(
            "POST",
            &format!("/channels/{thread}/messages"),
            hello.clone()
        )
        .await,
        (400, 50083)
    );
    for (lost, method, path, body) in [
        (may::SEND_MESSAGES, "POST", messages.clone(), hello.clone()),
        (
            may::EMBED_LINKS,
            "POST",
            messages.clone(),
            json!({"embeds": [{"title": "x"}]}),
        ),
        (
            may::MANAGE_CHANNELS,
            "POST",
            format!("/guilds/{home}/channels"),
            json!({"name": "x"}),
        ),
        (
            may::MANAGE_CHANNELS,
            "PATCH",
            format!("/channels/{general}"),
            json!({"name": "x"}),
        ),
        (
            may::MANAGE_CHANNELS,
            "DELETE",
            format!("/channels/{general}"),
            Value::Null,
        ),
        (
            may::PIN_MESSAGES,
            "PUT",
            format!("{messages}/pins/1"),
            Value::Null,
        ),
    ] {
        world.bot_loses(lost);
        // What everyone may, the bot may, too.
        world
            .user("firebell")
            .overwritten("general", 0, lost & may::EVERYONE);
        assert_eq!(
            bot.bad(method, &path, body).await,
            (403, 50013),
            "{method} {path}"
        );
    }
    world.assert_clean();
}

#[tokio::test]
async fn rights_in_a_room_are_changed_by_whom_may_manage_roles() {
    let (world, bot, _) = unhurried().await;
    let (home, general, ana) = (world.home(), world.room_id("general"), world.user("ana"));
    let overwrite = json!({"type": 1, "allow": "1024", "deny": "0"});
    assert_eq!(
        bot.bad(
            "PUT",
            &format!("/channels/{general}/permissions/{}", ana.id()),
            overwrite.clone()
        )
        .await,
        (403, 50013)
    );
    world.bot_may(may::BOT | may::MANAGE_ROLES);
    bot.good(
        "PUT",
        &format!("/channels/{general}/permissions/{}", ana.id()),
        overwrite,
    )
    .await;
    bot.good(
        "DELETE",
        &format!("/channels/{general}/permissions/{}", ana.id()),
        Value::Null,
    )
    .await;
    assert_eq!(
        bot.bad(
            "DELETE",
            &format!("/channels/{general}/permissions/{}", ana.id()),
            Value::Null
        )
        .await,
        (404, 10009)
    );
    world.kicks_bot(home);
    assert_eq!(
        bot.bad("GET", &format!("/guilds/{home}"), Value::Null)
            .await,
        (403, 50001)
    );
    world.assert_clean();
}

#[tokio::test]
async fn a_private_room_is_made_with_overwrites_of_what_the_bot_has() {
    let (world, bot, _) = unhurried().await;
    let (home, ana, bo) = (world.home(), world.user("ana"), world.user("bo"));
    let view = may::VIEW_CHANNEL.to_string();
    let mut room = json!({"name": "secret", "permission_overwrites": [
        {"id": home.to_string(), "type": 0, "deny": view}, {"id": ana.id().to_string(), "type": 1, "allow": view},
        {"id": world.app().to_string(), "type": 1, "allow": view}]});
    let path = format!("/guilds/{home}/channels");
    bot.good("POST", &path, room.clone()).await;
    ana.says("secret", "here");
    let out = tokio::spawn(async move { bo.says("secret", "me too") }).await;
    assert!(out.is_err_and(|e| e.is_panic()), "bo is not of it");
    room["permission_overwrites"][0]["deny"] = json!(may::MANAGE_ROLES.to_string());
    assert_eq!(bot.bad("POST", &path, room).await, (403, 50013));
    world.assert_clean();
}

#[tokio::test]
async fn people_are_written_to_when_they_let_themselves() {
    let (world, bot, _) = unhurried().await;
    let (ana, stranger) = (world.user("ana"), world.stranger("mallory"));
    let open = async |id: Id| {
        bot.good(
            "POST",
            "/users/@me/channels",
            json!({"recipient_id": id.to_string()}),
        )
        .await
    };
    let room = open(ana.id()).await;
    assert_eq!(
        (&room["type"], &room["id"]),
        (&json!(1), &open(ana.id()).await["id"])
    );
    let path = format!("/channels/{}/messages", room["id"].as_str().unwrap());
    bot.good("POST", &path, json!({"content": "You are paged"}))
        .await;
    assert!(
        world.expect_message(&ana.dm(), "paged").await.channel()
            == room["id"].as_str().unwrap().parse::<Id>().unwrap()
    );
    ana.closes_dms();
    assert_eq!(
        bot.bad("POST", &path, json!({"content": "again"})).await,
        (403, 50007)
    );
    let far = open(stranger.id()).await;
    assert_eq!(
        bot.bad(
            "POST",
            &format!("/channels/{}/messages", far["id"].as_str().unwrap()),
            json!({"content": "x"})
        )
        .await,
        (403, 50007)
    );
    assert_eq!(
        bot.bad("POST", "/users/@me/channels", json!({"recipient_id": "5"}))
            .await,
        (400, 50033)
    );
    world.assert_clean();
}
