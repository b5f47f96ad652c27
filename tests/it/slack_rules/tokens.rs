//! Tokens and scopes.

use super::app::App;
use crate::slack_world::SlackWorld;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_token_is_known_of_its_kind_and_not_read_from_json() {
    let world = SlackWorld::start().await;
    let app = App::of(&world);
    let told = app.call("auth.test", json!({})).await;
    assert_eq!(told["team_id"], world.team_id());
    assert_eq!(told["user_id"], world.bot_user());
    let other = app.with_token("xoxb-other");
    assert_eq!(other.refusal("auth.test", json!({})).await, "invalid_auth");
    let app_level = app.with_token(world.app_token());
    assert_eq!(
        app_level.refusal("auth.test", json!({})).await,
        "not_allowed_token_type"
    );
    let post = |body: Value| app.client.post(app.url("auth.test")).json(&body).send();
    let in_json = post(json!({"token": world.bot_token()})).await.unwrap();
    assert_eq!(
        in_json.json::<Value>().await.unwrap()["error"],
        "not_authed"
    );
    let form = [("token", world.bot_token())];
    let in_form = app
        .client
        .post(app.url("auth.test"))
        .form(&form)
        .send()
        .await
        .unwrap();
    assert_eq!(in_form.json::<Value>().await.unwrap()["ok"], true);
}

#[tokio::test]
async fn a_scope_that_was_not_granted_is_named() {
    let world = SlackWorld::start().await;
    let app = App::of(&world);
    let room = app.creates("inc").await;
    world.grants(&["chat:write", "channels:read"]);
    let told = app
        .call("pins.add", json!({"channel": room, "timestamp": "1.2"}))
        .await;
    assert_eq!(told["error"], "missing_scope");
    assert_eq!(
        (&told["needed"], &told["provided"]),
        (&json!("pins:write"), &json!("channels:read,chat:write"))
    );
    let private = json!({"name": "secret", "is_private": true});
    assert_eq!(
        app.call("conversations.create", private).await["needed"],
        "groups:write"
    );
    let all = [("types", "public_channel,private_channel")];
    assert_eq!(
        app.reads("conversations.list", &all).await["needed"],
        "groups:read"
    );
    let request = app
        .client
        .get(app.url("auth.test"))
        .bearer_auth(world.bot_token());
    let scopes = request.send().await.unwrap().headers()["x-oauth-scopes"].clone();
    assert_eq!(scopes, "channels:read,chat:write");
    // an address is for those who may see it
    world.grants(&["users:read"]);
    let ana = world.user("ana").id().to_owned();
    let user = app.reads("users.info", &[("user", &ana)]).await;
    assert!(user["user"]["profile"]["email"].is_null(), "{user}");
}

#[tokio::test]
async fn tokens_run_out_and_are_exchanged_once() {
    let world = SlackWorld::start().await;
    let app = App::of(&world);
    let (refresh, id, secret) = world.rotates_tokens();
    assert_eq!(app.call("auth.test", json!({})).await["ok"], true);
    let exchange = async |refresh: &str, secret: &str| -> Value {
        let form = [
            ("client_id", id.as_str()),
            ("client_secret", secret),
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh),
        ];
        let request = app.client.post(app.url("oauth.v2.access")).form(&form);
        request.send().await.unwrap().json().await.unwrap()
    };
    world.time_passes(Duration::from_secs(12 * 3600));
    assert_eq!(app.refusal("auth.test", json!({})).await, "token_expired");
    assert_eq!(
        exchange(&refresh, "wrong").await["error"],
        "bad_client_secret"
    );
    let new = exchange(&refresh, &secret).await;
    assert_eq!(new["expires_in"], 12 * 3600);
    let renewed = app.with_token(new["access_token"].as_str().unwrap());
    assert_eq!(renewed.call("auth.test", json!({})).await["ok"], true);
    assert_eq!(
        exchange(&refresh, &secret).await["error"],
        "invalid_refresh_token"
    );
    let newer = exchange(new["refresh_token"].as_str().unwrap(), &secret).await;
    assert_eq!(newer["ok"], true);
    assert_eq!(
        renewed.refusal("auth.test", json!({})).await,
        "token_expired"
    );

    let code = world.authorises();
    let form = [
        ("client_id", id.as_str()),
        ("client_secret", &secret),
        ("code", &code),
    ];
    let installs = || {
        app.client
            .post(app.url("oauth.v2.access"))
            .form(&form)
            .send()
    };
    let installed: Value = installs().await.unwrap().json().await.unwrap();
    assert_eq!(installed["team"]["id"], world.team_id());
    let again: Value = installs().await.unwrap().json().await.unwrap();
    assert_eq!(again["error"], "invalid_code");
}

#[tokio::test]
async fn two_workspaces_do_not_see_each_other() {
    let world = SlackWorld::start().await;
    let other = world.second_team("globex", &["ana", "eve"]);
    let (app, there) = (App::of(&world), App::of(&other));
    let room = app.creates("inc").await;
    there.creates("inc").await;
    assert_eq!(
        there
            .refusal("conversations.archive", json!({"channel": room}))
            .await,
        "channel_not_found"
    );
    assert_ne!(world.user("ana").id(), other.user("ana").id());
    let eve = other.user("eve").id().to_owned();
    assert_eq!(
        app.reads("users.info", &[("user", &eve)]).await["error"],
        "user_not_visible"
    );
    assert_eq!(world.channels().len(), 3);
}
