//! The gateway: serenity's client, watched.
//!
//! What serenity 0.12 does by itself: it resumes after close codes, dropped connections and requests
//! to reconnect, and begins a new session after 5 seconds where it cannot. What it does not, and what
//! is done here:
//! * events come in tasks of their own, in no order: messages are put in order again;
//! * a known event that does not fit its model comes as unknown: it is read all the same, and counted;
//! * a new session has lost what happened in between: rooms are looked through after every READY;
//! * what the labels of a sent form hold is dropped by its model: forms are asked in rows of text;
//! * a token or intent that is refused ends it: it is said, and tried again, slowly or without intents;
//! * a session that never becomes ready, or whose heartbeat is not answered for minutes, is ended;
//! * the address of the gateway is put in from ours, because after a failed look-up serenity goes to
//!   Discord's without a word;
//! * with `proxy` or `extra-ca` that is an address of this machine which leads there (`tunnel`).
//!
//! What cannot be helped from outside: after a close frame without a code, serenity spins on one core
//! until its next heartbeat (41 seconds at most) and begins a new session then: it takes the frame for
//! nothing and the ended stream for more of it, and nothing of ours is asked in between. Only sending
//! something of our own over the line all the time would tell sooner, which Discord counts. It resumes
//! at the first address rather than at `resume_gateway_url`.

use super::Discord;
use super::inbound::text;
use super::tunnel::Tunnel;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use serenity::all::{Context, Event, GatewayIntents, Interaction, RawEventHandler};
use serenity::gateway::{ConnectionStage, GatewayError, ShardManager};
use serenity::http::HttpBuilder;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, timeout_at};

/// A session that is not ready after so many time limits of a call (a minute) never will be.
const READY_WITHIN: u32 = 6;
/// How often the connection is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// An interruption this short is not worth a word.
const GRACE: Duration = Duration::from_secs(10);
/// Heartbeats are answered every 41 seconds; a session without an answer for this long is dead.
const SILENCE: Duration = Duration::from_secs(150);
/// From one start to the next: first and longest. A bot may begin 1,000 sessions a day.
const AGAIN: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(120));
/// A refused token is not tried more often than this.
const REFUSED_AGAIN: Duration = Duration::from_secs(300);
/// Events of one message that arrive together are put in order within this.
const SETTLE: Duration = Duration::from_millis(30);
/// Events put in order together.
const BATCH: usize = 500;

/// `GATEWAY_MESSAGE_CONTENT` and `GATEWAY_GUILD_MEMBERS` of an application, whole or limited.
const FLAG_CONTENT: u64 = 1 << 18 | 1 << 19;
const FLAG_MEMBERS: u64 = 1 << 14 | 1 << 15;

/// Events that are read; one of them that comes as unknown is a surprise.
const KNOWN: [&str; 17] = [
    "READY",
    "RESUMED",
    "INTERACTION_CREATE",
    "MESSAGE_CREATE",
    "MESSAGE_UPDATE",
    "MESSAGE_DELETE",
    "MESSAGE_REACTION_ADD",
    "MESSAGE_REACTION_REMOVE",
    "CHANNEL_PINS_UPDATE",
    "CHANNEL_CREATE",
    "CHANNEL_UPDATE",
    "CHANNEL_DELETE",
    "GUILD_CREATE",
    "GUILD_DELETE",
    "GUILD_MEMBER_REMOVE",
    "GUILD_MEMBER_UPDATE",
    "GUILD_ROLE_UPDATE",
];

/// Why a session ended.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    /// 4004.
    Token,
    /// 4014, or 4013.
    Intents,
    /// Everything else, in words.
    Other(String),
}

/// Keeps one bot connected for all its guilds, for ever.
pub(super) async fn live(places: Vec<Arc<Discord>>) {
    let (mut wait, mut without) = (AGAIN.0, false);
    loop {
        let began = Instant::now();
        let intents = intents(&places, without).await;
        let (ended, was_ready) = match session(&places, intents).await {
            Ok(done) => done,
            Err(why) => (Ended::Other(why), false),
        };
        if was_ready {
            wait = AGAIN.0;
        }
        let (why, rest) = match ended {
            Ended::Token => (super::rest::REVOKED.to_owned(), REFUSED_AGAIN),
            Ended::Intents => {
                without = true;
                (
                    "Discord refused the privileged intents; firebell goes on without them"
                        .to_owned(),
                    AGAIN.0,
                )
            }
            Ended::Other(why) => (why, wait),
        };
        tracing::warn!(
            platform = places[0].name(),
            why,
            "the connection to Discord's gateway ended"
        );
        for place in &places {
            place.stand(|s| s.gateway = Some(why.clone()));
        }
        // Counted from the start of the last one: what ran for long may begin again at once.
        tokio::time::sleep(
            rest.saturating_sub(began.elapsed())
                .max(Duration::from_millis(100)),
        )
        .await;
        wait = (wait * 2).min(AGAIN.1);
    }
}

/// The intents to ask for, and what it costs when some are switched off.
async fn intents(places: &[Arc<Discord>], without: bool) -> GatewayIntents {
    let mut wanted = GatewayIntents::GUILDS
        | GatewayIntents::GUILD_MESSAGES
        | GatewayIntents::GUILD_MESSAGE_REACTIONS
        | GatewayIntents::DIRECT_MESSAGES;
    // Unknown flags are tried: the gateway says no if they are off.
    let flags = match places[0].get("/applications/@me").await {
        _ if without => 0,
        Ok(application) => application["flags"].as_u64().unwrap_or(u64::MAX),
        Err(_) => u64::MAX,
    };
    let mut missing = Vec::new();
    let where_ = "Switch it on in the developer portal (Bot, Privileged Gateway Intents) and restart firebell.";
    if flags & FLAG_CONTENT == 0 {
        missing.push(format!("The Message Content intent is off: messages in rooms are not put on the timeline. {where_}"));
    } else {
        wanted |= GatewayIntents::MESSAGE_CONTENT;
    }
    if flags & FLAG_MEMBERS == 0 {
        missing.push(format!("The Server Members intent is off: it is not noticed when somebody leaves the server. {where_}"));
    } else {
        wanted |= GatewayIntents::GUILD_MEMBERS;
    }
    for place in places {
        place.stand(|s| s.intents.clone_from(&missing));
    }
    wanted
}

/// One client from start to end. Answers why it ended, and whether it was ever ready.
async fn session(
    places: &[Arc<Discord>],
    intents: GatewayIntents,
) -> Result<(Ended, bool), String> {
    let first = &places[0];
    let url = match &first.settings.gateway_url {
        Some(url) => url.clone(),
        None => {
            let found = first.get("/gateway").await.map_err(|r| r.fault.why)?;
            text(&found, "url")
        }
    };
    let token = first.settings.token.expose_secret();
    // Serenity looks the gateway up by itself, without an answer that counts; by our way, with our limits of time.
    let base = first.settings.place.net.api_url.clone();
    let origin = base.find("/api/").map_or(base.as_str(), |at| &base[..at]);
    let http = HttpBuilder::new(token)
        .client(first.rest.client())
        .proxy(origin)
        .ratelimiter_disabled(true)
        .build();
    let ready = Arc::new(AtomicBool::new(false));
    let relay = Relay::new(places.to_vec(), ready.clone());
    let client =
        serenity::client::ClientBuilder::new_with_http(http, intents).raw_event_handler(relay);
    let mut client = client
        .await
        .map_err(|e| format!("the gateway's client could not be made: {e}"))?;
    let net = &first.settings.place.net;
    let tunnel = Tunnel::open(net, &url).await;
    let tunnel = tunnel.map_err(|e| format!("the way to Discord's gateway cannot be used: {e}"))?;
    *client.ws_url.lock().await = tunnel.as_ref().map_or(url, |t| t.url.clone());
    let shards = client.shard_manager.clone();
    let ended = tokio::select! {
        done = client.start() => match done {
            Err(serenity::Error::Gateway(GatewayError::InvalidAuthentication)) => Ended::Token,
            Err(serenity::Error::Gateway(GatewayError::DisallowedGatewayIntents | GatewayError::InvalidGatewayIntents)) => Ended::Intents,
            Err(error) => Ended::Other(format!("the gateway's client ended: {error}")),
            Ok(()) => Ended::Other("the gateway's client ended".to_owned()),
        },
        why = watch(places, &shards, &ready) => Ended::Other(why),
    };
    // A dead connection is waited for up to five seconds; the next one need not.
    crate::engine::spawn(async move { shards.shutdown_all().await });
    Ok((ended, ready.load(Ordering::SeqCst)))
}

/// Looks at the connection until it has to be ended.
async fn watch(places: &[Arc<Discord>], shards: &ShardManager, ready: &AtomicBool) -> String {
    let (began, patience) = (Instant::now(), places[0].rest.timeout() * READY_WITHIN);
    let mut look = tokio::time::interval(LOOK);
    let (mut beat, mut beat_at) = (None, Instant::now());
    let mut away: Option<Instant> = None;
    loop {
        look.tick().await;
        if !ready.load(Ordering::SeqCst) {
            if began.elapsed() > patience {
                return format!(
                    "Discord's gateway did not become ready within {} seconds",
                    patience.as_secs()
                );
            }
            continue;
        }
        let (stage, latency) = {
            let runners = shards.runners.lock().await;
            runners
                .values()
                .next()
                .map_or((ConnectionStage::Disconnected, None), |r| {
                    (r.stage, r.latency)
                })
        };
        if latency.is_some() && latency != beat {
            (beat, beat_at) = (latency, Instant::now());
        }
        if beat.is_some() && beat_at.elapsed() > SILENCE {
            return "Discord's gateway has not answered for minutes".to_owned();
        }
        if stage == ConnectionStage::Connected {
            if away.take().is_some_and(|at| at.elapsed() > GRACE) {
                connected(places);
            }
            continue;
        }
        let since = *away.get_or_insert_with(Instant::now);
        if since.elapsed() > GRACE {
            for place in places {
                place.stand(|s| {
                    s.gateway = Some(
                        "the connection to Discord's gateway is interrupted; it is tried again"
                            .to_owned(),
                    );
                });
            }
        }
    }
}

fn connected(places: &[Arc<Discord>]) {
    for place in places {
        place.stand(|s| s.gateway = None);
    }
}

/// Takes events from serenity.
struct Relay {
    places: Vec<Arc<Discord>>,
    ready: Arc<AtomicBool>,
    ordered: UnboundedSender<(String, Value)>,
}

impl Relay {
    fn new(places: Vec<Arc<Discord>>, ready: Arc<AtomicBool>) -> Relay {
        let (ordered, arrived) = unbounded_channel();
        crate::engine::spawn(in_order(places.clone(), arrived));
        Relay {
            places,
            ready,
            ordered,
        }
    }

    async fn take(&self, kind: String, event: Value) {
        match kind.as_str() {
            "READY" => {
                self.ready.store(true, Ordering::SeqCst);
                connected(&self.places);
                for place in &self.places {
                    let place = place.clone();
                    crate::engine::spawn(async move { place.reconcile().await });
                }
            }
            "RESUMED" => connected(&self.places),
            "INTERACTION_CREATE" => {
                if let Some(place) = home_of(&self.places, &event) {
                    place.interaction(event).await;
                }
            }
            "MESSAGE_CREATE" | "MESSAGE_UPDATE" | "MESSAGE_DELETE" => {
                // The task that reads it lives as long as this.
                let _ = self.ordered.send((kind, event));
            }
            "MESSAGE_DELETE_BULK" => {
                for id in event["ids"].as_array().into_iter().flatten() {
                    let one = json!({"id": id, "channel_id": event["channel_id"], "guild_id": event["guild_id"]});
                    let _ = self.ordered.send(("MESSAGE_DELETE".to_owned(), one));
                }
            }
            _ => {
                if let Some(place) = home_of(&self.places, &event) {
                    place.event(&kind, &event).await;
                }
            }
        }
    }
}

#[serenity::async_trait]
impl RawEventHandler for Relay {
    async fn raw_event(&self, _: Context, event: Event) {
        let kind = match &event {
            Event::Unknown(unknown) => {
                if KNOWN.contains(&unknown.kind.as_str()) {
                    self.places[0].unheard(&unknown.kind);
                }
                return self.take(unknown.kind.clone(), unknown.value.clone()).await;
            }
            Event::InteractionCreate(created) => Some(match created.interaction {
                Interaction::Ping(_) => 1,
                Interaction::Command(_) => 2,
                Interaction::Component(_) => 3,
                Interaction::Autocomplete(_) => 4,
                Interaction::Modal(_) => 5,
                _ => 0,
            }),
            _ => None,
        };
        let Ok(mut written) = serde_json::to_value(&event) else {
            return;
        };
        let mut data = written["d"].take();
        // Serenity knows it by the type it gave the value, and writes it no more.
        if let Some(kind) = kind {
            data["type"] = json!(kind);
        }
        self.take(text(&written, "t"), data).await;
    }
}

/// The guild an event belongs to; for a direct message the one whose member it is by.
fn home_of<'a>(places: &'a [Arc<Discord>], event: &Value) -> Option<&'a Arc<Discord>> {
    let mut guild = text(event, "guild_id");
    // Events of a guild itself carry its id as theirs.
    if guild.is_empty() && event.get("channel_id").is_none() && event.get("token").is_none() {
        guild = text(event, "id");
    }
    if !guild.is_empty() {
        let own = places.iter().find(|p| p.settings.guild == guild);
        if own.is_none() {
            tracing::debug!(
                guild,
                "an event of a Discord server that is not configured was ignored"
            );
            // Whoever presses a button there is told.
            return places.first().filter(|_| event.get("token").is_some());
        }
        return own;
    }
    let author = [&event["author"], &event["user"]]
        .into_iter()
        .find(|u| u.is_object());
    let user = author.map_or_else(String::new, |u| text(u, "id"));
    let token = text(&event["data"], "custom_id");
    let room = text(event, "channel_id");
    let signed = |p: &&Arc<Discord>| {
        let key = p.engine.button_key();
        key.read(p.name(), &room, &token).is_some()
            || crate::chat::form::read_token(&key, p.name(), &user, &token).is_some()
    };
    let linked = |p: &&Arc<Discord>| p.engine.person_of(p.name(), &user).is_some();
    places
        .iter()
        .find(signed)
        .or_else(|| places.iter().find(linked))
        .or(places.first())
}

/// Puts messages in order again: serenity hands events over in tasks that overtake each other.
async fn in_order(places: Vec<Arc<Discord>>, mut arrived: UnboundedReceiver<(String, Value)>) {
    while let Some(first) = arrived.recv().await {
        let mut batch = vec![first];
        let until = Instant::now() + SETTLE;
        while batch.len() < BATCH
            && let Ok(Some(next)) = timeout_at(until, arrived.recv()).await
        {
            batch.push(next);
        }
        batch.sort_by_key(|(kind, event)| order(kind, event));
        for (kind, event) in batch {
            if let Some(place) = home_of(&places, &event) {
                place.event(&kind, &event).await;
            }
        }
    }
}

/// By message, and for one message: written, changed in the order of its changes, deleted.
fn order(kind: &str, event: &Value) -> (u64, u8, String) {
    let id = text(event, "id").parse().unwrap_or(u64::MAX);
    let step = match kind {
        "MESSAGE_CREATE" => 0,
        "MESSAGE_UPDATE" => 1,
        _ => 2,
    };
    (id, step, text(event, "edited_timestamp"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_put_in_the_order_they_were_written() {
        let event = |kind: &str, id: &str, edited: &str| {
            (
                kind.to_owned(),
                json!({"id": id, "edited_timestamp": edited}),
            )
        };
        let mut batch = [
            event("MESSAGE_DELETE", "5", ""),
            event("MESSAGE_UPDATE", "5", "2026-01-01T00:00:02"),
            event("MESSAGE_CREATE", "10", ""),
            event("MESSAGE_UPDATE", "5", "2026-01-01T00:00:01"),
            event("MESSAGE_CREATE", "5", ""),
        ];
        batch.sort_by_key(|(kind, event)| order(kind, event));
        let told: Vec<String> = batch
            .iter()
            .map(|(kind, e)| format!("{kind} {} {}", text(e, "id"), text(e, "edited_timestamp")))
            .collect();
        assert_eq!(told[0], "MESSAGE_CREATE 5 ");
        assert_eq!(told[2], "MESSAGE_UPDATE 5 2026-01-01T00:00:02");
        assert_eq!(told[3], "MESSAGE_DELETE 5 ");
        assert_eq!(told[4], "MESSAGE_CREATE 10 ");
    }
}
