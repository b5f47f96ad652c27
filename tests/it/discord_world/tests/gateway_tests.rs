//! The gateway: who is let in, what is told, what is told again, and how it breaks.

use super::client::{End, INTENTS, Line};
use crate::discord_world::{DiscordWorld, sessions as intents};
use serde_json::{Value, json};

#[tokio::test]
async fn a_bot_is_let_in_with_its_token_and_its_intents() {
    let world = DiscordWorld::start().await;
    let mut line = Line::open(&world).await;
    line.identify("nonsense", INTENTS).await;
    assert_eq!(line.end().await, End::Closed(Some(4004)));
    let mut line = Line::open(&world).await;
    line.identify(&world.token(), INTENTS | intents::GUILD_MEMBERS)
        .await;
    assert_eq!(line.end().await, End::Closed(Some(4014)));
    world.set(|s| s.privileged |= intents::GUILD_MEMBERS);
    let mut line = Line::open(&world).await;
    line.identify(
        &format!("Bot {}", world.token()),
        INTENTS | intents::GUILD_MEMBERS,
    )
    .await;
    let ready = line.event("READY").await;
    assert_eq!(
        ready["guilds"][0],
        json!({"id": world.home().to_string(), "unavailable": true})
    );
    assert_eq!(ready["application"]["id"], world.app().to_string());
    let guild = line.event("GUILD_CREATE").await;
    assert_eq!(guild["channels"][0]["name"], "general");
    assert!(guild["roles"][0]["colors"]["primary_color"].is_number());
    let ana = world.stranger("ana");
    ana.joins(world.home());
    assert_eq!(
        line.event("GUILD_MEMBER_ADD").await["user"]["id"],
        ana.id().to_string()
    );
    ana.leaves(world.home());
    assert_eq!(
        line.event("GUILD_MEMBER_REMOVE").await["user"]["id"],
        ana.id().to_string()
    );
}

#[tokio::test]
async fn what_people_do_is_told_in_order() {
    let world = DiscordWorld::start().await;
    let ana = world.user("ana");
    let mut line = Line::ready(&world).await;
    let said = ana.says("general", "it is the cache");
    ana.edits(&said, "it is the cache, I think");
    ana.reacts(&said, "📌");
    ana.unreacts(&said, "📌");
    ana.pins(&said);
    ana.unpins(&said);
    ana.deletes(&said);
    world.channel(world.home(), "incidents");
    world.renames_channel("incidents", "inc");
    world.removes_channel("inc");
    let other = world.guild("Other");
    world.loses_guild(other);
    world.kicks_bot(other);
    let id = said.id().to_string();
    assert_eq!(
        line.event("MESSAGE_CREATE").await["member"]["roles"],
        json!([])
    );
    assert_eq!(
        line.event("MESSAGE_UPDATE").await["content"],
        "it is the cache, I think"
    );
    assert_eq!(
        line.event("MESSAGE_REACTION_ADD").await["emoji"]["name"],
        "📌"
    );
    assert_eq!(
        line.event("MESSAGE_REACTION_REMOVE").await["message_id"],
        id
    );
    assert_eq!(
        line.event("CHANNEL_PINS_UPDATE").await["guild_id"],
        world.home().to_string()
    );
    assert_eq!(line.event("MESSAGE_UPDATE").await["pinned"], true);
    assert_eq!(
        line.event("CHANNEL_PINS_UPDATE").await["channel_id"],
        said.channel().to_string()
    );
    assert_eq!(line.event("MESSAGE_DELETE").await["id"], id);
    assert_eq!(line.event("CHANNEL_CREATE").await["name"], "incidents");
    assert_eq!(line.event("CHANNEL_UPDATE").await["name"], "inc");
    assert_eq!(line.event("CHANNEL_DELETE").await["name"], "inc");
    assert_eq!(line.event("GUILD_CREATE").await["name"], "Other");
    assert_eq!(line.event("GUILD_DELETE").await["unavailable"], true);
    assert_eq!(line.event("GUILD_DELETE").await["unavailable"], Value::Null);
}

#[tokio::test]
async fn content_is_told_to_whom_it_is_meant_for() {
    let world = DiscordWorld::start().await;
    let (ana, bot) = (world.user("ana"), world.app());
    let mut line = Line::open(&world).await;
    line.identify(&world.token(), INTENTS & !intents::MESSAGE_CONTENT)
        .await;
    line.event("GUILD_CREATE").await;
    ana.says("general", "between us");
    assert_eq!(line.event("MESSAGE_CREATE").await["content"], "");
    ana.says("general", &format!("<@{bot}> help"));
    assert_eq!(
        line.event("MESSAGE_CREATE").await["content"],
        format!("<@{bot}> help")
    );
    ana.says(&ana.dm(), "hello?");
    let told = line.event("MESSAGE_CREATE").await;
    assert_eq!(
        (&told["content"], &told["guild_id"]),
        (&json!("hello?"), &Value::Null)
    );
}

#[tokio::test]
async fn a_lost_connection_is_resumed_with_everything_missed() {
    let world = DiscordWorld::start().await;
    let ana = world.user("ana");
    let mut line = Line::ready(&world).await;
    for break_it in [DiscordWorld::drops_connection, |w: &DiscordWorld| {
        w.closes(4000);
    }] {
        let (session, seq) = (line.session.clone(), line.seq);
        break_it(&world);
        line.end().await;
        ana.says("general", "while you were away");
        line = Line::open(&world).await;
        line.resume(&world.token(), &session, seq).await;
        assert_eq!(
            line.event("MESSAGE_CREATE").await["content"],
            "while you were away"
        );
        line.event("RESUMED").await;
        line.session = session;
    }
    assert_eq!(
        (world.resumes(), world.identifies(), world.connected()),
        (2, 1, 1)
    );
    let (session, seq) = (line.session.clone(), line.seq);
    let mut other = Line::open(&world).await;
    other.resume(&world.token(), &session, seq + 5).await;
    assert_eq!(other.end().await, End::Closed(Some(4007)));
    world.forgets_sessions();
    let mut other = Line::open(&world).await;
    other.resume(&world.token(), &session, seq).await;
    assert_eq!(
        other.frame().await.unwrap(),
        json!({"op": 9, "s": null, "t": null, "d": false})
    );
    world.expect_identifies(1).await;
    world.expect_resumes(2).await;
}

#[tokio::test]
async fn every_way_to_lose_a_connection_looks_as_it_does_from_discord() {
    let world = DiscordWorld::start().await;
    let op = async |line: &mut Line| line.frame().await.unwrap();
    let mut line = Line::ready(&world).await;
    world.asks_reconnect();
    assert_eq!(op(&mut line).await["op"], 7);
    world.interrupts_session();
    let frame = op(&mut line).await;
    assert_eq!((&frame["op"], &frame["d"]), (&json!(9), &json!(true)));
    world.asks_heartbeat();
    assert_eq!(op(&mut line).await["op"], 1);
    world.ends_session();
    let frame = op(&mut line).await;
    assert_eq!((&frame["op"], &frame["d"]), (&json!(9), &json!(false)));
    let mut line = Line::ready(&world).await;
    world.closes_without_code();
    assert_eq!(line.end().await, End::Closed(None));
    let mut line = Line::ready(&world).await;
    world.closes(4009);
    assert_eq!(line.end().await, End::Closed(Some(4009)));
    let mut line = Line::ready(&world).await;
    world.revokes_token();
    assert_eq!(line.end().await, End::Closed(Some(4004)));
    let mut line = Line::open(&world).await;
    line.send(&json!({"op": 99})).await;
    assert_eq!(line.end().await, End::Closed(Some(4001)));
}

#[tokio::test]
async fn heartbeats_are_answered_until_the_line_is_a_zombie() {
    let world = DiscordWorld::start().await;
    let ana = world.user("ana");
    let mut line = Line::ready(&world).await;
    assert_eq!(line.beats().await.unwrap()["op"], 11);
    world.tells("SOMETHING_NEW", &json!({"a": 1}));
    assert_eq!(line.event("SOMETHING_NEW").await["a"], 1);
    world.turns_zombie();
    ana.says("general", "do you hear me?");
    let (session, seq) = (line.session.clone(), line.seq);
    line.send(&json!({"op": 1, "d": seq})).await;
    // Were the line alive, the answer would come before that of a younger one.
    let mut younger = Line::open(&world).await;
    younger.resume(&world.token(), &session, seq).await;
    assert_eq!(
        younger.event("MESSAGE_CREATE").await["content"],
        "do you hear me?"
    );
    assert_eq!(younger.beats().await.unwrap()["t"], "RESUMED");
    let still = tokio::time::timeout(std::time::Duration::from_millis(50), line.frame()).await;
    assert!(still.is_err(), "a zombie said {still:?}");
}

#[tokio::test]
async fn who_sends_no_heartbeat_is_shown_out() {
    let world = DiscordWorld::start().await;
    world.set(|s| s.heartbeat_ms = 50);
    let mut line = Line::ready(&world).await;
    assert_eq!(line.end().await, End::Closed(Some(4009)));
}
