//! Messages, nonces, mentions, pins, files, commands.

use super::client::commands;
use super::unhurried;
use crate::discord_world::Call;
use crate::discord_world::permissions as may;
use serde_json::{Value, json};

#[tokio::test]
async fn what_a_bot_reads_at_its_start_is_as_the_document_says() {
    let (world, bot, messages) = unhurried().await;
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
async fn a_nonce_names_its_message_for_some_minutes() {
    let (world, bot, messages) = unhurried().await;
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
    let (world, bot, messages) = unhurried().await;
    let (home, ana) = (world.home(), world.user("ana"));
    let role = world.role(home, "on-call", 0);
    ana.gets_role(role);
    let text = format!("@everyone @here <@{}> <@&{role}>", ana.id());
    let post = async |body: Value| {
        let told = bot.good("POST", &messages, body).await;
        world
            .expect_message_where("general", "it", |m| {
                told["id"].as_str() == Some(&m.id().to_string())
            })
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
    let (world, bot, messages) = unhurried().await;
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
async fn a_file_comes_with_its_message() {
    let (world, bot, messages) = unhurried().await;
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
    let (world, bot, _) = unhurried().await;
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
