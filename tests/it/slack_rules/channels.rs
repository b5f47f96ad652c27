//! Channels: names, members, archives, and what else is refused.

use super::app::App;
use crate::slack_world::SlackWorld;
use serde_json::json;

async fn start() -> (SlackWorld, App) {
    let world = SlackWorld::start().await;
    world.tune(|t| t.tiers = false);
    let app = App::of(&world);
    (world, app)
}

#[tokio::test]
async fn names_are_checked_and_taken_once() {
    let (world, app) = start().await;
    let refused = [
        ("", "invalid_name_required"),
        (&*"x".repeat(81), "invalid_name_maxlength"),
        ("Inc", "invalid_name_specials"),
        ("in c", "invalid_name_specials"),
        ("a.b", "invalid_name_specials"),
        ("--", "invalid_name_punctuation"),
        ("general", "name_taken"),
    ];
    for (name, error) in refused {
        assert_eq!(
            app.refusal("conversations.create", json!({"name": name}))
                .await,
            error
        );
    }
    let room = app.creates("störung-1_a").await;
    world.expect_channel("störung-1_a").await;
    world.user("ana").archives(&room);
    let again = json!({"name": "störung-1_a"});
    assert_eq!(
        app.refusal("conversations.create", again).await,
        "name_taken"
    );
    let general = world.channel_named("general").id;
    world.user("ana").invites("firebell", "general");
    let rename = json!({"channel": general, "name": "x"});
    assert_eq!(
        app.refusal("conversations.rename", rename).await,
        "not_authorized"
    );
    let own = app.creates("one").await;
    let taken = json!({"channel": own, "name": "random"});
    assert_eq!(
        app.refusal("conversations.rename", taken).await,
        "name_taken"
    );
    let renamed = app
        .call(
            "conversations.rename",
            json!({"channel": own, "name": "two"}),
        )
        .await;
    assert_eq!(renamed["channel"]["previous_names"], json!(["one"]));
}

#[tokio::test]
async fn people_come_and_go_by_the_rules() {
    let (world, app) = start().await;
    let room = app.creates("inc").await;
    let id = |name: &str| world.user(name).id().to_owned();
    let (ana, bo, bot) = (id("ana"), id("bo"), world.bot_user());
    let invite = async |users: &str| {
        app.call(
            "conversations.invite",
            json!({"channel": room, "users": users}),
        )
        .await
    };
    assert_eq!(invite(&ana).await["ok"], true);
    assert_eq!(invite(&ana).await["error"], "already_in_channel");
    assert_eq!(invite(&bot).await["error"], "cant_invite_self");
    assert_eq!(invite("").await["error"], "no_user");
    let mixed = invite(&format!("{ana},{bo},U404")).await;
    assert_eq!(
        mixed["errors"][0],
        json!({"ok": false, "error": "already_in_channel", "user": ana})
    );
    assert_eq!(mixed["errors"][1]["error"], "user_not_found");
    assert!(!world.channel_named("inc").members.contains(&bo));
    let forced = json!({"channel": room, "users": format!("{ana},{bo}"), "force": true});
    assert_eq!(app.call("conversations.invite", forced).await["ok"], true);
    let guest = world.adds_user("gus", |u| u.is_ultra_restricted = true);
    guest.joins("general");
    assert_eq!(invite(guest.id()).await["error"], "ura_max_channels");
    world.changes_user("cy", |u| u.deleted = true);
    assert_eq!(invite(&id("cy")).await["error"], "cant_invite");

    let kick = async |user: &str| {
        app.call("conversations.kick", json!({"channel": room, "user": user}))
            .await
    };
    assert_eq!(kick(&bo).await["ok"], true);
    assert_eq!(kick(&bo).await["error"], "not_in_channel");
    assert_eq!(kick(&bot).await["error"], "cant_kick_self");
    assert_eq!(kick("U404").await["error"], "user_not_found");
    world.user("ana").kicks("firebell", &room);
    assert_eq!(invite(&bo).await["error"], "not_in_channel");
    let joined = app
        .call("conversations.join", json!({"channel": room}))
        .await;
    assert_eq!(joined["channel"]["is_member"], true);
    let twice = app
        .call("conversations.join", json!({"channel": room}))
        .await;
    assert_eq!(twice["warning"], "already_in_channel");
    assert_eq!(
        app.call("conversations.leave", json!({"channel": room}))
            .await["ok"],
        true
    );
    let gone = app
        .call("conversations.leave", json!({"channel": room}))
        .await;
    assert_eq!(gone["not_in_channel"], true);
}

#[tokio::test]
async fn an_archived_channel_takes_nothing_and_bots_cannot_bring_it_back() {
    let (world, app) = start().await;
    let room = app.creates("inc").await;
    let about = json!({"channel": room});
    assert_eq!(
        app.refusal("conversations.unarchive", json!({"channel": "C404"}))
            .await,
        "channel_not_found"
    );
    let unarchive = async || -> String {
        let form = [("channel", room.as_str())];
        let request = app
            .client
            .post(app.url("conversations.unarchive"))
            .form(&form);
        let answer = request.bearer_auth(world.bot_token()).send().await.unwrap();
        let answer: serde_json::Value = answer.json().await.unwrap();
        answer["error"].as_str().unwrap_or("ok").to_owned()
    };
    assert_eq!(unarchive().await, "not_archived");
    assert_eq!(
        app.call("conversations.archive", about.clone()).await["ok"],
        true
    );
    assert_eq!(
        app.refusal("conversations.archive", about.clone()).await,
        "already_archived"
    );
    let text = json!({"channel": room, "text": "x"});
    assert_eq!(
        app.refusal("chat.postMessage", text.clone()).await,
        "is_archived"
    );
    let topic = json!({"channel": room, "topic": "x"});
    assert_eq!(
        app.refusal("conversations.setTopic", topic).await,
        "is_archived"
    );
    assert_eq!(unarchive().await, "not_in_channel");
    world.user("ana").unarchives(&room);
    assert_eq!(
        app.refusal("chat.postMessage", text.clone()).await,
        "not_in_channel"
    );
    assert_eq!(
        app.call("conversations.join", about.clone()).await["ok"],
        true
    );
    assert_eq!(app.call("chat.postMessage", text).await["ok"], true);
    app.call("conversations.archive", about).await;
    world.tune(|t| t.bots_may_unarchive = true);
    assert_eq!(unarchive().await, "ok");
    let general = json!({"channel": world.channel_named("general").id});
    assert_eq!(
        app.refusal("conversations.archive", general.clone()).await,
        "cant_archive_general"
    );
    assert_eq!(
        app.refusal("conversations.leave", general).await,
        "cant_leave_general"
    );
    // the first call said its argument as JSON, which this method does not read
    let told = world.forgives();
    assert_eq!(told, ["conversations.unarchive reads no JSON"]);
}

#[tokio::test]
async fn topics_pins_and_bookmarks_have_their_limits() {
    let (world, app) = start().await;
    let room = app.creates("inc").await;
    let topic = async |text: &str| {
        app.call(
            "conversations.setTopic",
            json!({"channel": room, "topic": text}),
        )
        .await
    };
    assert_eq!(topic(&"ü".repeat(250)).await["ok"], true);
    assert_eq!(topic(&"ü".repeat(251)).await["error"], "too_long");
    assert_eq!(world.channel_named("inc").topic.chars().count(), 250);
    let purpose = json!({"channel": room, "purpose": "to mend"});
    assert_eq!(
        app.call("conversations.setPurpose", purpose).await["purpose"],
        "to mend"
    );
    let ts = app.posts(&room, "header").await;
    let pin = json!({"channel": room, "timestamp": ts});
    assert_eq!(app.call("pins.add", pin.clone()).await["ok"], true);
    assert_eq!(app.refusal("pins.add", pin.clone()).await, "already_pinned");
    let items = app.reads("pins.list", &[("channel", &room)]).await;
    assert_eq!(items["items"][0]["message"]["ts"], ts.as_str());
    assert_eq!(app.call("pins.remove", pin.clone()).await["ok"], true);
    assert_eq!(app.refusal("pins.remove", pin).await, "no_pin");
    let gone = json!({"channel": room, "timestamp": "1.000001"});
    assert_eq!(app.refusal("pins.add", gone).await, "message_not_found");

    let mark =
        json!({"channel_id": room, "title": "Console", "type": "link", "link": "https://x/1"});
    let made = app.call("bookmarks.add", mark).await;
    let id = made["bookmark"]["id"].as_str().unwrap();
    let bad = json!({"channel_id": room, "title": "t", "type": "link", "link": "x"});
    assert_eq!(app.refusal("bookmarks.add", bad).await, "invalid_link");
    let edit = json!({"channel_id": room, "bookmark_id": id, "link": "https://x/2"});
    assert_eq!(
        app.call("bookmarks.edit", edit).await["bookmark"]["title"],
        "Console"
    );
    assert_eq!(world.channel_named("inc").bookmarks[0].link, "https://x/2");
    let all = app.reads("bookmarks.list", &[("channel_id", &room)]).await;
    assert_eq!(all["bookmarks"].as_array().unwrap().len(), 1);
    let remove = json!({"channel_id": room, "bookmark_id": id});
    assert_eq!(
        app.call("bookmarks.remove", remove.clone()).await["ok"],
        true
    );
    assert_eq!(app.refusal("bookmarks.remove", remove).await, "not_found");
}

#[tokio::test]
async fn what_the_bot_may_not_see_does_not_exist() {
    let (world, app) = start().await;
    let secret = world.user("ana").creates_private_channel("secret");
    let text = json!({"channel": secret, "text": "x"});
    assert_eq!(
        app.refusal("chat.postMessage", text.clone()).await,
        "channel_not_found"
    );
    assert_eq!(
        app.reads("conversations.info", &[("channel", &secret)])
            .await["error"],
        "channel_not_found"
    );
    let types = [("types", "public_channel,private_channel"), ("limit", "1")];
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let mut args = types.to_vec();
        args.push(("cursor", &cursor));
        let page = app.reads("conversations.list", &args).await;
        seen.push(page["channels"][0]["name"].as_str().unwrap().to_owned());
        let next = page["response_metadata"]["next_cursor"]
            .as_str()
            .unwrap()
            .to_owned();
        if next.is_empty() {
            break;
        }
        cursor = next;
    }
    assert_eq!(seen, ["general", "random"]);
    world.user("ana").invites("firebell", &secret);
    assert_eq!(app.call("chat.postMessage", text).await["ok"], true);
    world.user("ana").shares(&secret);
    let info = app
        .reads("conversations.info", &[("channel", &secret)])
        .await;
    assert_eq!(info["channel"]["is_ext_shared"], true);
    let members = app
        .reads("conversations.members", &[("channel", &secret)])
        .await;
    assert_eq!(members["members"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn people_are_found_by_id_and_address() {
    let (world, app) = start().await;
    let stranger = world.adds_user("eve", |u| {
        u.is_stranger = true;
        u.team = "T0OTHER".to_owned();
    });
    let known = app.reads("users.info", &[("user", stranger.id())]).await;
    assert_eq!(known["user"]["is_stranger"], true);
    let ana = app
        .reads("users.lookupByEmail", &[("email", "ana@acme.test")])
        .await;
    assert_eq!(ana["user"]["id"], world.user("ana").id());
    assert_eq!(ana["user"]["is_restricted"], false);
    let nobody = app
        .reads("users.lookupByEmail", &[("email", "x@acme.test")])
        .await;
    assert_eq!(nobody["error"], "users_not_found");
    assert_eq!(
        app.reads("users.info", &[("user", "U404")]).await["error"],
        "user_not_found"
    );
    let group = world.adds_usergroup("sre", &["ana", "bo"]);
    let groups = app
        .reads("usergroups.list", &[("include_users", "true")])
        .await;
    assert_eq!(groups["usergroups"][0]["id"], group.as_str());
    assert_eq!(
        groups["usergroups"][0]["users"].as_array().unwrap().len(),
        2
    );
}
