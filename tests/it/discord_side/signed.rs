//! Interactions by signed HTTP, without a gateway.

use super::side::{ROOM, Side};
use crate::discord_world::Signing;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn signed_http_does_without_a_gateway() {
    let side = Side::http().await;
    let (world, ana) = (&side.world, side.world.user("ana"));
    assert_eq!(
        world.pings_endpoint(Signing::Right).await,
        (200, json!({"type": 1}))
    );
    for bad in [
        Signing::WrongKey,
        Signing::Tampered,
        Signing::Aged(301),
        Signing::Missing,
        Signing::Garbage,
    ] {
        assert_eq!(world.pings_endpoint(bad).await.0, 401, "{bad:?}");
    }
    assert_eq!(world.identifies(), 0);
    side.fires("Down").await;
    let card = world
        .expect_message_where(ROOM, "a pinned card", |m| {
            m.has("Down is bad") && m.pinned()
        })
        .await;
    let told = ana.clicks(&card, "Acknowledge").followup(0).await;
    assert!(told.ephemeral());
    side.expect_status(1, "acknowledged").await;
    assert_eq!(
        ana.completes("run", "action", "res", "general")
            .choices()
            .await[0]
            .1,
        "restart"
    );
    let form = ana.clicks(&card, "Note").modal().await;
    let sent = ana.submits(&form, &[("Text", "written into a label")]);
    sent.reply().await;
    side.expect_kind(1, "noted").await;
    let asked = ana.runs("resolve", &[("incident", "1")], "general");
    asked.reply().await;
    side.expect_status(1, "resolved").await;
    let form = ana.runs(
        "note",
        &[("text", "after it"), ("incident", "1")],
        "general",
    );
    form.reply().await;
    side.expect_kinds(1, "noted", 2).await;
    // A replay of what was heard has no second effect.
    let before = side.count(1, "noted").await;
    world.posts(&form.payload(), Signing::Right).await;
    side.rests().await;
    assert_eq!(side.count(1, "noted").await, before);
    world.assert_clean();
}
