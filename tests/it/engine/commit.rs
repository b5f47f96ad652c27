//! A batch is decided while the one before it is written; nobody may see the seam.

use super::CHECKOUT;
use crate::store::{Usurper, on_both};
use crate::world::{World, person};
use firebell::core::id::IncidentId;
use firebell::core::incident::Command;
use firebell::engine::Failure;

#[tokio::test]
async fn a_commit_that_fails_takes_along_what_was_decided_on_top_of_it() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        w.fire("Slow", CHECKOUT).await;
        let before = w.kinds(1).await;
        let usurper = Usurper::on(database).await;
        let click = |cause: &'static str, command: Command| {
            let engine = w.engine.clone();
            tokio::spawn(async move { engine.submit(cause, IncidentId(1), command).await })
        };
        let by = person("bo");
        let first = click("click:1", Command::Acknowledge { by: by.clone() });
        // the first one's commit waits for the usurper's, and the desk decides on
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let second = click("click:2", Command::Resolve { by });
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        usurper.commit().await;
        for click in [first, second] {
            let answer = click.await.unwrap();
            assert!(matches!(answer, Err(Failure::Unavailable(_))), "{answer:?}");
        }
        assert!(w.engine.fenced());
        assert_eq!(w.kinds(1).await, before);
    })
    .await;
}
