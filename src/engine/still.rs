//! How an engine comes to rest: for tests when nothing moves any more, for good when it is stopped.

use super::{Engine, desk, outgoing};
use tokio::sync::oneshot;

impl Engine {
    /// With a manual clock: does everything that is due now, deliveries included, and returns when
    /// nothing moves any more. Tests call it instead of sleeping.
    pub async fn settle(&self) {
        loop {
            let desk = self
                .ask(|reply| desk::Job::Tick { reply })
                .await
                .unwrap_or(0);
            let (reply, answer) = oneshot::channel();
            let _ = self.0.deliver.send(outgoing::Message::Settle(reply));
            let moved = answer.await.unwrap_or(0);
            let covers = self.mind_covers().await;
            let turns = self.keep_vigil().await.unwrap_or(0);
            let fetched = self.fetch_due().await;
            let after = self.mind_postmortems(None).await.unwrap_or(0);
            let learned = self.learn().await.unwrap_or(0);
            let bulletins = self.tell_subscribers().await.unwrap_or(0);
            if desk + moved + covers + turns + fetched + after + learned + bulletins == 0 {
                // What was drawn before stays when the store does not answer.
                let _ = self.draw_page().await;
                return;
            }
        }
    }

    /// Stops taking work, writes what was taken and ends the engine's tasks.
    pub async fn stop(&self) {
        let _ = self.ask(|reply| desk::Job::Stop { reply }).await;
        let _ = self.0.deliver.send(outgoing::Message::Stop);
    }
}
