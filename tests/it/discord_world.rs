//! Discord on a loopback port: its REST API, its gateway, its interactions, and the people who use it.
//!
//! A model, not a mock: servers, roles, rooms, messages and commands are kept, Discord's rules and
//! limits are enforced with Discord's error codes, every request is held against Discord's own OpenAPI
//! document, and clients written by others (`judges`) are content with it.
//!
//! ```ignore
//! let world = DiscordWorld::start().await;            // a server "Acme" with #general, and the bot
//! let ana = world.user("ana");                        // a member, made when first named
//! start_firebell(world.api(), world.token());         // http://127.0.0.1:PORT/api/v10
//! world.expect_ready().await;                         // the gateway told it everything
//!
//! let answer = ana.runs("ack", &[("incident", "1")], "general").reply().await;
//! assert!(answer.ephemeral() && answer.has("You have it"));
//!
//! let card = world.expect_message("general", "Checkout is down").await;
//! ana.clicks(&card, "Acknowledge").reply().await;
//! let form = ana.clicks(&card, "Add a note").modal().await;
//! ana.submits(&form, &[("Note", "deploy rolled back")]).reply().await;
//! assert_eq!(ana.completes("run", "action", "res", "general").choices().await[0].0, "restart");
//! ana.uses_menu("Add to timeline", &ana.says("general", "it is the cache")).reply().await;
//!
//! world.breaks("POST /channels/*/messages", Fault::DoneAndDropped, Some(1));
//! world.drops_connection();                           // and every other way to lose it
//! world.nobody_was_rung();                            // no text of an alert mentioned anybody
//! world.assert_clean();                               // everything sent was as Discord wants it
//! ```
//!
//! Rooms are named by name (`general`, `#general`) or id; messages are what `expect_message`, `says` and
//! replies give. Everything that waits is woken by what happens, and fails after `PATIENCE`. Time is the
//! machine's, and can be moved forward (`advance_secs`) past tokens, nonces and limits.

mod asking;
mod channels;
mod command_rules;
mod commands;
mod controls;
mod faults;
mod gateway;
mod interactions;
mod judges;
mod limits;
mod mentions;
mod messages;
mod model;
mod options;
mod people;
pub mod permissions;
mod pins;
mod posted;
mod problem;
mod replies;
mod routes;
mod rules;
mod serenity_client;
mod server;
pub mod sessions;
mod setting;
mod shapes;
mod signed;
mod spec;
mod state;
mod tests;

pub use faults::Fault;
pub use limits::Rule;
pub use model::Id;
pub use people::Person;
pub use posted::Posted;
pub use replies::{Asked, Modal};
pub use signed::Signing;
pub use state::Call;

use firebell::engine::Clock;
use state::State;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How long a test waits for what must happen.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// One stand-in for Discord; a clone is the same one.
#[derive(Clone)]
pub struct DiscordWorld {
    shared: Arc<Shared>,
}

/// What the server's tasks and the test share.
pub struct Shared {
    state: Mutex<State>,
    /// Moves with everything that happens.
    changed: watch::Sender<u64>,
    clock: Clock,
    ahead_ms: AtomicI64,
}

impl Shared {
    /// Does something to the world, at this instant, and wakes whoever waits.
    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        state.now_ms = self.clock.now().0 + self.ahead_ms.load(Ordering::SeqCst);
        let done = work(&mut state);
        drop(state);
        self.changed.send_modify(|n| *n += 1);
        done
    }

    /// A driver that failed its test must not make everything after it fail for another reason.
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock())
    }
}

/// Lets time go by inside the server.
async fn pause(by: Duration) {
    // Nothing ever comes; the limit is the wait.
    let _ = tokio::time::timeout(by, std::future::pending::<()>()).await;
}

impl DiscordWorld {
    /// A server "Acme" with `#general`, its owner, and the bot with what firebell asks for.
    pub async fn start() -> DiscordWorld {
        spec::need();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared {
            state: Mutex::new(State::new(address)),
            changed: watch::channel(0).0,
            clock: Clock::Real,
            ahead_ms: AtomicI64::new(0),
        });
        shared.with(setting::furnish);
        tokio::spawn(server::serve(listener, shared.clone()));
        DiscordWorld { shared }
    }

    /// The base of REST, as `https://discord.com/api/v10` is.
    pub fn api(&self) -> String {
        format!("{}/api/v10", self.origin())
    }

    /// Scheme, address and port.
    pub fn origin(&self) -> String {
        self.shared
            .look(|state| format!("http://{}", state.address))
    }

    /// The bot's token.
    pub fn token(&self) -> String {
        self.shared.look(|state| state.token.clone())
    }

    /// Moves the world's time forward: tokens and nonces age, limits open.
    pub fn advance_secs(&self, secs: i64) {
        self.shared
            .ahead_ms
            .fetch_add(secs * 1000, Ordering::SeqCst);
        self.shared.with(|_| ());
    }

    /// Moves with everything that happens, for whoever waits for more than one world.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changed.subscribe()
    }

    /// Waits until the probe finds something; looks again whenever anything happened.
    pub async fn expect<T>(&self, what: &str, probe: impl FnMut(&DiscordWorld) -> Option<T>) -> T {
        self.expect_within(PATIENCE, what, probe).await
    }

    /// The same with a patience of its own.
    pub async fn expect_within<T>(
        &self,
        patience: Duration,
        what: &str,
        mut probe: impl FnMut(&DiscordWorld) -> Option<T>,
    ) -> T {
        let mut changed = self.shared.changed.subscribe();
        let found = tokio::time::timeout(patience, async {
            loop {
                changed.borrow_and_update();
                if let Some(found) = probe(self) {
                    return found;
                }
                // The sender lives as long as the world.
                let _ = changed.changed().await;
            }
        });
        let found = found.await;
        found.unwrap_or_else(|late| panic!("Discord saw no {what}: {late}.\n{}", self.account()))
    }

    /// What happened lately, for a test that failed.
    fn account(&self) -> String {
        self.shared.look(|state| {
            let calls = state.calls.iter().rev().take(15).rev();
            let mut lines: Vec<String> = calls
                .map(|c| format!("  {} {} -> {} {}", c.method, c.path, c.status, c.body))
                .collect();
            let said = state.messages.values().rev().take(10);
            lines.extend(said.map(|m| format!("  said in {}: {:?}", m.channel, m.text())));
            lines.extend(state.violations.iter().map(|v| format!("  violation: {v}")));
            lines.join("\n")
        })
    }
}
