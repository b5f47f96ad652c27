//! Rooms, messages, nonces, mentions, pins, rights, forms.

use super::client::{Bot, commands};
use crate::discord_world::permissions as may;
use crate::discord_world::{Call, DiscordWorld, Id};
use serde_json::{Value, json};

async fn scene() -> (DiscordWorld, Bot, String) {
    let world = DiscordWorld::start().await;
    // What is sent wrongly on purpose is told by Discord, not by the pace of it.
    world.limits(crate::discord_world::Rule::new("* /**", 1000, 1000));
    world.limits_everything(1000);
    let (bot, general) = (Bot::new(&world), world.room_id("general"));
    (world, bot, format!("/channels/{general}/messages"))
}

#[tokio::test]
async fn what_a_bot_reads_at_its_start_is_as_the_document_says() {
    let (world, bot, messages) = scene().await;
    world.set(|s| s.privileged |= crate::discord_world::sessions::GUILD_MEMBERS);
    let (home, ana) = (world.home(), world.user("ana"));
    bot.good("POST", &messages, json!({"content": "hello"}))
        .await;
    for path in [
        "/gateway",
        "/gateway/bot",
        "/oauth2/applications/@me",
        "/applications/@me",
        "/users/@me",
        "/users/@me/guilds",
        &format!("/users/{}", ana.id()),
        &format!("/guilds/{home}"),
        &format!("/guilds/{home}/channels"),
        &format!("/guilds/{home}/roles"),
        &messages,
        &format!("/guilds/{home}/members?limit=10"),
        &format!("/guilds/{home}/members/@me"),
        &format!("/guilds/{home}/members/search?query=an"),
        &format!("/guilds/{home}/members/{}", ana.id()),
    ] {
        let told = bot.good("GET", path, Value::Null).await;
        assert!(
            told.is_object() || told.as_array().is_some_and(|l| !l.is_empty()),
            "{path}: {told}"
        );
    }
    let found = bot
        .good(
            "GET",
            &format!("/guilds/{home}/members/search?query=an&limit=5"),
            Value::Null,
        )
        .await;
    assert_eq!(found[0]["user"], ana.json());
    assert_eq!(bot.bad("GET", "/users/1", Value::Null).await, (404, 10013));
    world.assert_clean();
}

#[tokio::test]
async fn rooms_are_made_named_moved_and_closed_as_discord_does() {
    let (world, bot, _) = scene().await;
    let home = world.home();
    let path = format!("/guilds/{home}/channels");
    let room = json!({"name": "INC 12: Checkout is  down!", "topic": "fb:12", "parent_id": world.category(home, "Incidents").to_string()});
    let made = bot.good("POST", &path, room).await;
    assert_eq!(
        (&made["name"], &made["topic"]),
        (&json!("inc-12-checkout-is-down"), &json!("fb:12"))
    );
    let own = format!("/channels/{}", made["id"].as_str().unwrap());
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
    let (world, bot, _) = scene().await;
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
async fn a_nonce_names_its_message_for_some_minutes() {
    let (world, bot, messages) = scene().await;
    let body = json!({"content": "once", "nonce": "abc", "enforce_nonce": true});
    let first = bot.good("POST", &messages, body.clone()).await;
    let second = bot.good("POST", &messages, body.clone()).await;
    assert_eq!(
        (&first["id"], &first["nonce"]),
        (&second["id"], &json!("abc"))
    );
    let loose = json!({"content": "once", "nonce": "abc"});
    let third = bot.good("POST", &messages, loose).await;
    assert_ne!(third["id"], first["id"]);
    bot.good(
        "DELETE",
        &format!("{messages}/{}", first["id"].as_str().unwrap()),
        Value::Null,
    )
    .await;
    assert_eq!(bot.bad("POST", &messages, body.clone()).await, (404, 10008));
    world.advance_secs(200);
    assert_ne!(bot.good("POST", &messages, body).await["id"], first["id"]);
    world.assert_clean();
    let long = json!({"content": "x", "nonce": "x".repeat(26)});
    assert_eq!(bot.bad("POST", &messages, long).await, (400, 50035));
}

#[tokio::test]
async fn a_message_rings_only_whom_it_is_allowed_to() {
    let (world, bot, messages) = scene().await;
    let (home, ana) = (world.home(), world.user("ana"));
    let role = world.role(home, "on-call", 0);
    ana.gets_role(role);
    let text = format!("@everyone @here <@{}> <@&{role}>", ana.id());
    let post = async |body: Value| {
        let told = bot.good("POST", &messages, body).await;
        world
            .expect_message_where("general", "it", |m| m.id().to_string() == told["id"])
            .await
    };
    let silent = post(json!({"content": text, "allowed_mentions": {"parse": []}})).await;
    assert!(silent.rung().nobody());
    let embedded = post(json!({"embeds": [{"description": text}]})).await;
    assert!(embedded.rung().nobody() && embedded.has("@everyone"));
    world.nobody_was_rung();
    let one = post(json!({"content": text, "allowed_mentions": {"parse": [], "users": [ana.id().to_string()]}})).await;
    assert_eq!(
        (one.rung().users, one.rung().roles, one.rung().everyone),
        (vec![ana.id()], vec![], false)
    );
    let by_role =
        post(json!({"content": text, "allowed_mentions": {"roles": [role.to_string()]}})).await;
    assert_eq!(
        (by_role.rung().users, by_role.rung().roles),
        (vec![], vec![role])
    );
    let usual = post(json!({"content": text})).await;
    assert_eq!(
        (
            usual.rung().users,
            usual.rung().roles,
            usual.rung().everyone
        ),
        (vec![ana.id()], vec![role], false)
    );
    world.bot_may(may::BOT | may::MENTION_EVERYONE);
    assert!(post(json!({"content": text})).await.rung().everyone);
    assert_eq!(world.rung().len(), 4);
    let said = ana.says("general", "well?");
    let reply = json!({"content": "yes", "message_reference": {"message_id": said.id().to_string()}, "allowed_mentions": {"parse": [], "replied_user": true}});
    let reply = post(reply).await;
    assert_eq!(reply.rung().users, [ana.id()]);
    assert_eq!(reply.json()["referenced_message"]["content"], "well?");
    world.assert_clean();
    let both = json!({"content": "x", "allowed_mentions": {"parse": ["users"], "users": [ana.id().to_string()]}});
    assert_eq!(bot.bad("POST", &messages, both).await, (400, 50035));
}

#[tokio::test]
async fn messages_are_read_by_page_changed_pinned_and_reacted_to() {
    let (world, bot, messages) = scene().await;
    let general = world.room_id("general");
    let mut ids = Vec::new();
    for n in 0..5 {
        let told = bot
            .good("POST", &messages, json!({"content": format!("line {n}")}))
            .await;
        ids.push(told["id"].as_str().unwrap().to_owned());
    }
    let contents = |page: &Value| -> Vec<String> {
        page.as_array()
            .unwrap()
            .iter()
            .map(|m| m["content"].as_str().unwrap().to_owned())
            .collect()
    };
    for (query, want) in [
        ("limit=2".to_owned(), vec!["line 4", "line 3"]),
        (
            format!("before={}&limit=2", ids[3]),
            vec!["line 2", "line 1"],
        ),
        (
            format!("after={}&limit=2", ids[1]),
            vec!["line 3", "line 2"],
        ),
        (
            format!("around={}&limit=2", ids[2]),
            vec!["line 2", "line 1"],
        ),
    ] {
        let page = bot
            .good("GET", &format!("{messages}?{query}"), Value::Null)
            .await;
        assert_eq!(contents(&page), want, "{query}");
    }
    assert_eq!(
        bot.bad("GET", &format!("{messages}?limit=101"), Value::Null)
            .await,
        (400, 50035)
    );
    world.set(|s| s.pins = 2);
    for (path, id) in [
        (format!("{messages}/pins"), &ids[0]),
        (format!("/channels/{general}/pins"), &ids[1]),
    ] {
        bot.good("PUT", &format!("{path}/{id}"), Value::Null).await;
    }
    assert_eq!(
        bot.bad("PUT", &format!("{messages}/pins/{}", ids[2]), Value::Null)
            .await,
        (400, 30003)
    );
    let pins = bot
        .good("GET", &format!("{messages}/pins"), Value::Null)
        .await;
    assert_eq!(
        (
            pins["items"][0]["message"]["content"].as_str(),
            &pins["has_more"]
        ),
        (Some("line 1"), &json!(false))
    );
    assert_eq!(
        bot.good("GET", &format!("/channels/{general}/pins"), Value::Null)
            .await
            .as_array()
            .unwrap()
            .len(),
        2
    );
    bot.good(
        "DELETE",
        &format!("{messages}/pins/{}", ids[0]),
        Value::Null,
    )
    .await;
    assert_eq!(world.pinned("general").len(), 1);
    bot.good(
        "PATCH",
        &format!("{messages}/{}", ids[4]),
        json!({"content": "changed"}),
    )
    .await;
    let last = world.expect_message("general", "changed").await;
    let thumb = format!("{messages}/{}/reactions/%F0%9F%93%8C/@me", ids[4]);
    bot.good("PUT", &thumb, Value::Null).await;
    assert_eq!(last.reactions(), [("📌".to_owned(), world.app())]);
    bot.good("DELETE", &thumb, Value::Null).await;
    assert!(last.reactions().is_empty() && !last.gone() && !last.pinned());
    let said = world.user("ana").says("general", "mine");
    let path = format!("{messages}/{}", said.id());
    assert_eq!(
        bot.bad("PATCH", &path, json!({"content": "yours"})).await,
        (403, 50005)
    );
    assert_eq!(bot.bad("DELETE", &path, Value::Null).await, (403, 50013));
    world.assert_clean();
}

#[tokio::test]
async fn a_bot_without_the_right_is_told_which_kind_of_no() {
    let (world, bot, messages) = scene().await;
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
    let (world, bot, _) = scene().await;
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
    let (world, bot, _) = scene().await;
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
        world
            .expect_message(&ana.dm(), "paged")
            .await
            .channel()
            .to_string()
            == room["id"]
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

#[tokio::test]
async fn a_file_comes_with_its_message() {
    let (world, bot, messages) = scene().await;
    let boundary = "firebell-boundary";
    let payload =
        json!({"content": "the log", "attachments": [{"id": "0", "description": "tail"}]});
    let body = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"payload_json\"\r\ncontent-type: application/json\r\n\r\n{payload}\r\n\
         --{boundary}\r\ncontent-disposition: form-data; name=\"files[0]\"; filename=\"log.txt\"\r\ncontent-type: text/plain\r\n\r\nhello\r\n--{boundary}--\r\n"
    );
    let send = async || {
        let request = bot.request("POST", &messages).body(body.clone());
        request
            .header(
                "content-type",
                format!("multipart/form-data; boundary={boundary}"),
            )
            .send()
            .await
            .unwrap()
    };
    let told: Value = send().await.json().await.unwrap();
    assert_eq!(
        (
            &told["attachments"][0]["filename"],
            &told["attachments"][0]["size"]
        ),
        (&json!("log.txt"), &json!(5))
    );
    let sent: Vec<Call> = world.calls("POST", "/channels/*/messages");
    assert_eq!(
        (sent[0].files[0].bytes.as_slice(), sent[0].status),
        (b"hello".as_slice(), 200)
    );
    world.set(|s| s.upload_bytes = 4);
    assert_eq!(send().await.status(), 413);
    world.assert_clean();
}

#[tokio::test]
async fn commands_keep_their_ids_when_they_are_registered_again() {
    let (world, bot, _) = scene().await;
    let all = format!("/applications/{}/commands", world.app());
    let here = format!(
        "/applications/{}/guilds/{}/commands",
        world.app(),
        world.home()
    );
    let first = bot.good("PUT", &all, commands()).await;
    let second = bot.good("PUT", &all, commands()).await;
    assert_eq!(first[0]["id"], second[0]["id"]);
    assert_ne!(
        bot.good("PUT", &here, commands()).await[0]["id"],
        first[0]["id"]
    );
    assert_eq!(
        (
            world.commands(None).len(),
            world.commands(Some(world.home())).len()
        ),
        (2, 2)
    );
    let one = format!("{all}/{}", first[1]["id"].as_str().unwrap());
    assert_eq!(
        bot.good("PATCH", &one, json!({"name": "Write it down"}))
            .await["name"],
        "Write it down"
    );
    assert_eq!(
        bot.good("GET", &one, Value::Null).await["name"],
        "Write it down"
    );
    bot.good("DELETE", &one, Value::Null).await;
    assert_eq!(bot.bad("GET", &one, Value::Null).await, (404, 10063));
    bot.good(
        "POST",
        &all,
        json!({"name": "oncall", "description": "Who"}),
    )
    .await;
    assert_eq!(
        bot.good("GET", &all, Value::Null)
            .await
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        bot.bad("PUT", "/applications/1/commands", commands()).await,
        (403, 20012)
    );
    world.assert_clean();
}
