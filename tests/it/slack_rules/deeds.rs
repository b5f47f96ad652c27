//! What people do, and what the app gets of it.

use super::app::App;
use crate::slack_world::SlackWorld;
use serde_json::{Value, json};

fn card() -> Value {
    json!([
        {"type": "section", "block_id": "what", "text": {"type": "mrkdwn", "text": "*checkout* is slow"}},
        {"type": "actions", "block_id": "do", "elements": [
            {"type": "button", "action_id": "ack", "value": "one-time-id", "style": "primary",
             "text": {"type": "plain_text", "text": "Acknowledge"}},
            {"type": "static_select", "action_id": "sev", "placeholder": {"type": "plain_text", "text": "Severity"},
             "options": [
                {"text": {"type": "plain_text", "text": "sev1"}, "value": "1"},
                {"text": {"type": "plain_text", "text": "sev2"}, "value": "2"}]},
            {"type": "users_select", "action_id": "lead", "placeholder": {"type": "plain_text", "text": "Lead"}},
        ]},
    ])
}

#[tokio::test]
async fn a_command_arrives_is_acknowledged_and_answered() {
    let world = SlackWorld::start().await;
    let app = App::of(&world);
    let mut socket = app.connects().await;
    let bot = async {
        let envelope = socket.next_of("slash_commands").await;
        assert_eq!(envelope["accepts_response_payload"], true);
        let payload = envelope["payload"].clone();
        socket.acks(&envelope, Some(json!({"text": "on it"}))).await;
        payload
    };
    let ana = world.user("ana");
    let (reply, payload) = tokio::join!(ana.types("/firebell ack @bo 1", "general"), bot);
    let reply = reply.assert_acked();
    let bo = world.user("bo").id().to_owned();
    assert_eq!(payload["command"], "/firebell");
    assert_eq!(payload["text"], format!("ack <@{bo}|bo> 1"));
    assert_eq!(payload["channel_name"], "general");
    assert_eq!(payload["user_name"], "ana");
    world.expect_ephemeral("ana", "on it").await;
    assert!(world.ephemeral_to("bo").is_empty());

    let later = json!({"response_type": "in_channel", "text": "ana has it"});
    let url = payload["response_url"].as_str().unwrap();
    assert_eq!(url, reply.response_url);
    let answer = app.client.post(url).json(&later).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    world.expect_message("general", "ana has it").await;
    assert_eq!(world.responses_to(url)[0].body, later);
    let response = world.responses_to(url).remove(0);
    assert_eq!(response.status, 200);
    assert_eq!(response.user, ana.id());
    assert_eq!(response.channel, world.channel_named("general").id);
}

#[tokio::test]
async fn a_click_finds_its_button_and_may_change_the_message() {
    let world = SlackWorld::start().await;
    let app = App::of(&world);
    let room = app.creates("inc-1").await;
    let said = app
        .call(
            "chat.postMessage",
            json!({"channel": room, "text": "slow", "blocks": card()}),
        )
        .await;
    let mut socket = app.connects().await;
    let message = world.expect_message("inc-1", "checkout").await;
    assert_eq!(said["ts"], message.ts.as_str());
    let ana = world.user("ana");
    let bot = async {
        let envelope = socket.next_of("interactive").await;
        socket.acks(&envelope, None).await;
        envelope["payload"].clone()
    };
    let (reply, payload) = tokio::join!(ana.clicks(&message, "Acknowledge"), bot);
    let reply = reply.assert_acked();
    assert_eq!(payload["actions"][0]["value"], "one-time-id");
    assert_eq!(payload["actions"][0]["block_id"], "do");
    assert_eq!(payload["container"]["message_ts"], message.ts.as_str());
    assert_eq!(payload["trigger_id"], reply.trigger_id.as_str());
    let body = json!({"replace_original": true, "text": "ana has it"});
    let posted = app.client.post(&reply.response_url).json(&body).send();
    assert_eq!(posted.await.unwrap().status(), 200);
    let now = world.expect_message("inc-1", "ana has it").await;
    assert_eq!(now.ts, message.ts);
    assert_eq!(now.earlier, ["slow"]);

    let bot = async {
        let mut picked = Vec::new();
        for _ in 0..2 {
            let envelope = socket.next_of("interactive").await;
            socket.acks(&envelope, None).await;
            picked.push(envelope["payload"]["actions"][0].clone());
        }
        picked
    };
    let again = json!({"channel": room, "ts": message.ts, "blocks": card()});
    assert_eq!(app.call("chat.update", again).await["ok"], true);
    let people = async {
        ana.picks(&message, "Severity", "sev2").await.assert_acked();
        ana.picks(&message, "lead", "bo").await.assert_acked();
    };
    let ((), picked) = tokio::join!(people, bot);
    assert_eq!(picked[0]["selected_option"]["value"], "2");
    assert_eq!(picked[1]["selected_user"], world.user("bo").id());
}

#[tokio::test]
async fn what_people_say_and_do_becomes_events() {
    let world = SlackWorld::start().await;
    let app = App::of(&world);
    let mut socket = app.connects().await;
    let ana = world.user("ana");
    let room = ana.creates_channel("web");
    ana.says(&room, "nobody hears this");
    ana.invites("firebell", &room);
    let joined = socket.next_event("member_joined_channel").await;
    assert_eq!(joined["event"]["user"], world.bot_user());
    let notice = socket.next_event("message").await;
    assert_eq!(notice["event"]["subtype"], "channel_join");

    let said = ana.says(&room, "a < b & @firebell");
    let heard = socket.next_event("message").await;
    let escaped = format!("a &lt; b &amp; <@{}>", world.bot_user());
    assert_eq!(heard["event"]["text"], escaped);
    assert_eq!(heard["event"]["channel_type"], "channel");
    assert_eq!(heard["authorizations"][0]["user_id"], world.bot_user());
    socket.next_event("app_mention").await;

    let answer = world.user("bo").answers(&said, "in the thread");
    assert_eq!(
        socket.next_event("message").await["event"]["thread_ts"],
        said.ts.as_str()
    );
    ana.edits(&said, "changed");
    let changed = socket.next_event("message").await;
    assert_eq!(changed["event"]["message"]["text"], "changed");
    assert_eq!(changed["event"]["previous_message"]["text"], escaped);
    ana.reacts(&said, "pushpin");
    let reacted = socket.next_event("reaction_added").await;
    assert_eq!(reacted["event"]["item"]["ts"], said.ts.as_str());
    ana.unreacts(&said, "pushpin");
    socket.next_event("reaction_removed").await;
    ana.pins(&said);
    assert_eq!(
        socket.next_event("pin_added").await["event"]["pin_count"],
        1
    );
    ana.unpins(&said);
    socket.next_event("pin_removed").await;
    world.user("bo").deletes(&answer);
    let deleted = socket.next_event("message").await;
    assert_eq!(deleted["event"]["deleted_ts"], answer.ts.as_str());
    world.user("cy").joins(&room);
    socket.next_event("member_joined_channel").await;
    world.user("cy").leaves(&room);
    socket.next_event("member_left_channel").await;
    ana.renames(&room, "web-team");
    assert_eq!(
        socket.next_event("channel_rename").await["event"]["channel"]["name"],
        "web-team"
    );
    ana.opens_home();
    assert_eq!(
        socket.next_event("app_home_opened").await["event"]["tab"],
        "home"
    );
    ana.archives(&room);
    socket.next_event("channel_archive").await;
    ana.unarchives(&room);
    socket.next_event("channel_unarchive").await;
    ana.uninstalls_the_app();
    socket.next_event("app_uninstalled").await;
    assert_eq!(
        app.refusal("auth.test", json!({})).await,
        "account_inactive"
    );
}
