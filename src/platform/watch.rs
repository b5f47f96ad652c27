//! Nobody is deaf silently: when a platform's connection is lost, the others say so, and say when
//! it is back.

use crate::chat::heard::Voice;
use crate::chat::link::State;
use crate::chat::{Budget, Chat, RoomRef};
use crate::core::time::human_ms;
use crate::engine::{Change, Engine};
use std::sync::Arc;
use std::time::Duration;

/// A connection that comes back within this is not worth a message: every platform asks its
/// clients to connect anew now and then.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// How often a message is tried on one platform before it is left to the console and the log.
const TRIES: u32 = 5;

/// Where news of the other platforms is told.
#[derive(Clone)]
pub struct Listener {
    /// The platform.
    pub chat: Arc<dyn Chat>,
    /// Name of the channel.
    pub channel: String,
}

/// Watches one platform, for as long as the process lives, and tells the others.
pub async fn watch(
    engine: Engine,
    voice: Arc<dyn Voice>,
    others: Vec<Listener>,
    patience: Duration,
) {
    let mut changes = voice.link().changes();
    let mut told_down = false;
    loop {
        let state = voice.link().state();
        // The console's side bar shows it at once.
        engine.announce(Change::Directory);
        let news = match (&state.trouble, told_down) {
            (Some(_), false) => {
                // It may come back by itself before anybody has to know.
                if tokio::time::timeout(patience, back(&mut changes, voice.as_ref()))
                    .await
                    .is_ok()
                {
                    continue;
                }
                told_down = true;
                Some(lost(voice.as_ref(), &engine))
            }
            (None, true) => {
                told_down = false;
                Some(format!("{} is connected again.", voice.platform()))
            }
            _ => None,
        };
        if let Some(news) = news {
            tracing::warn!(platform = voice.platform(), "{news}");
            let at = engine.now().0;
            for other in &others {
                let key = format!("link:{}:{at}", voice.platform());
                let (other, news) = (other.clone(), news.clone());
                crate::engine::spawn(async move { tell(&other, &key, &news).await });
            }
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

async fn back(changes: &mut tokio::sync::watch::Receiver<u64>, voice: &dyn Voice) {
    while voice.link().state().trouble.is_some() {
        if changes.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

fn lost(voice: &dyn Voice, engine: &Engine) -> String {
    let State { since, trouble, .. } = voice.link().state();
    let why = trouble.unwrap_or_default();
    let since = since.map_or(String::new(), |at| {
        format!(" for {}", human_ms(engine.now().since_ms(at).max(1000)))
    });
    format!(
        "{} has not been connected{since}: {why}. Pages go by the other contacts of each person; rooms and cards there wait.",
        voice.platform()
    )
}

async fn tell(other: &Listener, key: &str, news: &str) {
    let room = RoomRef::Channel(other.channel.clone());
    for attempt in 1..=TRIES {
        other.chat.turn(Some(&room), Budget::Line).await;
        match other.chat.tell(&room, key, news, attempt > 1).await {
            Ok(()) => return,
            Err(fault) => {
                tracing::warn!(platform = other.chat.platform(), attempt, %fault, "news of another platform could not be told");
                let wait = crate::notify::backoff_ms(attempt, u64::from(attempt));
                let wait = u64::try_from(wait).unwrap_or(1000);
                tokio::time::sleep(Duration::from_millis(wait)).await;
            }
        }
    }
}
