//! A Slack workspace on the loopback, and the people in it.
//!
//! It answers the Web API as `slack.com/api` does, opens sockets for Socket Mode or posts signed
//! requests, keeps Slack's limits, and refuses what Slack refuses. Official clients talk to it in
//! `slack_judged.rs`; what holds in it is told by the tests in `slack_rules/`.
//!
//! ```ignore
//! let world = SlackWorld::start().await;
//! // point the program at world.api_url(), world.bot_token() and world.app_token()
//! world.expect_connected(1).await;
//! let ana = world.user("ana");
//! let room = ana.creates_channel("web");
//! ana.invites("firebell", &room);
//! ana.types("/firebell open checkout is slow", &room).await.assert_acked();
//! let card = world.expect_message(&room, "checkout is slow").await;
//! ana.clicks(&card, "Acknowledge").await.assert_acked();
//! world.expect_message(&room, "ana has it").await;
//! ```
//!
//! A person's deed that Slack waits for (`types`, `clicks`, `submits`) ends when the app has
//! acknowledged it or Slack has given up; one that only makes an event (`says`, `reacts`) returns at
//! once. `expect_…` waits for what is wanted and fails with what is there instead. Channels are named
//! by id or by name. The last handle that goes fails the test when the app called the API in a way
//! Slack's own description does not allow ([`SlackWorld::assert_clean`]).
//!
//! Rates are Slack's: a message a second and channel after a burst of five. A test that is not about
//! them says `world.tune(|t| t.post_burst = 1000)`. [`SlackWorld::time_passes`] lets triggers, tokens
//! and `response_url`s run out without waiting. Trouble is [`Fault`], by method and channel.

mod args;
mod blocks;
mod clock;
mod expect;
mod fault;
mod happen;
mod hooks;
mod menus;
mod methods;
pub mod model;
mod outbound;
pub mod people;
mod person;
mod rate;
mod server;
mod shape;
mod signed;
mod sockets;
mod spec;
pub mod state;
pub mod submit;
mod tokens;
mod trouble;

pub use fault::{Fault, Trouble};
pub use model::{Channel, Message, View};
pub use people::Person;
pub use state::{RequestUrls, Sent};
pub use trouble::Sequence;

use model::{Team, User, UserGroup};
use spec::Spec;
use state::{State, Tune};
use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// The workspace itself; lives as long as a handle or a connection.
pub struct Core {
    state: Mutex<State>,
    /// Moves with every change, so that nobody has to look again and again.
    changed: watch::Sender<u64>,
    spec: Option<Spec>,
    /// New connections are turned away.
    refusing: AtomicBool,
    /// Tells every connection to end.
    cut: watch::Sender<()>,
}

impl Core {
    /// Reads and writes; whoever waits looks again.
    fn change<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        let told = f(&mut self.lock());
        self.changed.send_modify(|n| *n += 1);
        told
    }

    fn look<T>(&self, f: impl FnOnce(&State) -> T) -> T {
        f(&self.lock())
    }

    /// A test that fails in the midst of a deed must not hide its reason behind a second failure.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A handle; cheap to clone.
#[derive(Clone)]
pub struct SlackWorld {
    core: Arc<Core>,
    team: String,
    bot_token: String,
    app_token: String,
    _guard: Arc<Guard>,
}

/// Ends the workspace with the last handle.
struct Guard {
    core: Arc<Core>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.server.abort();
        self.core.cut.send_replace(());
        if !std::thread::panicking() {
            assert_clean(&self.core);
        }
    }
}

fn assert_clean(core: &Core) {
    let violations = core.change(|state| std::mem::take(&mut state.violations));
    assert!(
        violations.is_empty(),
        "calls Slack does not know:\n  {}",
        violations.join("\n  ")
    );
}

impl SlackWorld {
    /// A workspace `acme` with ana, bo, cy and dee, the channels general and random, and the app
    /// `firebell` installed in it. People are in both channels, the app in none.
    pub async fn start() -> SlackWorld {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut state = State::new(listener.local_addr().unwrap().to_string());
        state.tokens.scopes = tokens::SCOPES.iter().map(|s| (*s).to_owned()).collect();
        "1111.2222".clone_into(&mut state.tokens.client_id);
        state.tokens.client_secret = format!("{:032x}", fastrand::u128(..));
        let team = found(&mut state, "acme", &["ana", "bo", "cy", "dee"]);
        let bot_token = state.issue(&team, "xoxb", None);
        let app_token = state.issue(&team, "xapp-1", None);
        let core = Arc::new(Core {
            state: Mutex::new(state),
            changed: watch::Sender::new(0),
            spec: Spec::read(),
            refusing: AtomicBool::new(false),
            cut: watch::Sender::new(()),
        });
        let server = tokio::spawn(server::serve(core.clone(), listener));
        SlackWorld {
            team,
            bot_token,
            app_token,
            _guard: Arc::new(Guard {
                core: core.clone(),
                server,
            }),
            core,
        }
    }

    /// What stands for `https://slack.com/api`.
    pub fn api_url(&self) -> String {
        self.core.look(|s| format!("http://{}/api", s.host))
    }

    pub fn bot_token(&self) -> &str {
        &self.bot_token
    }

    /// The token that opens sockets.
    pub fn app_token(&self) -> &str {
        &self.app_token
    }

    pub fn signing_secret(&self) -> String {
        self.core.look(|s| s.signing_secret.clone())
    }

    pub fn app_id(&self) -> String {
        self.core.look(|s| s.app_id.clone())
    }

    pub fn team_id(&self) -> &str {
        &self.team
    }

    /// The id of the app's own user.
    pub fn bot_user(&self) -> String {
        self.core.look(|s| s.team(&self.team).bot_user.clone())
    }

    /// Another workspace with the app in it; this handle looks at that one.
    pub fn second_team(&self, domain: &str, people: &[&str]) -> SlackWorld {
        let (team, bot_token) = self.core.change(|state| {
            let team = found(state, domain, people);
            let token = state.issue(&team, "xoxb", None);
            (team, token)
        });
        SlackWorld {
            team,
            bot_token,
            ..self.clone()
        }
    }

    /// Changes a number Slack has set.
    pub fn tune(&self, f: impl FnOnce(&mut Tune)) {
        self.core.change(|s| f(&mut s.tune));
    }

    /// It is later now, for everything that runs out.
    pub fn time_passes(&self, by: Duration) {
        self.core.change(|s| s.clock.advance(by));
    }

    /// Time stands still, and passes only by [`SlackWorld::time_passes`].
    pub fn stops_the_clock(&self) {
        self.core.change(|s| s.clock.stop());
    }

    /// Makes something go wrong from now on.
    pub fn meets(&self, fault: Fault) {
        self.core.change(|s| s.faults.insert(0, fault));
    }

    /// Nothing goes wrong any more.
    pub fn is_well(&self) {
        self.core.change(|s| s.faults.clear());
    }

    /// The app is granted exactly these scopes.
    pub fn grants(&self, scopes: &[&str]) {
        let scopes: BTreeSet<String> = scopes.iter().map(|s| (*s).to_owned()).collect();
        self.core.change(|s| s.tokens.scopes = scopes);
    }

    /// One of the scopes is taken from the app.
    pub fn takes_scope(&self, scope: &str) {
        self.core.change(|s| s.tokens.scopes.remove(scope));
    }

    /// Whoever fetches a file of this name waits, until the file is let go.
    pub fn holds_file(&self, name: &str) {
        self.core.change(|s| s.slow_files.insert(name.to_owned()));
    }

    /// What is waited for comes.
    pub fn lets_files_go(&self) {
        self.core.change(|s| s.slow_files.clear());
    }

    /// How often files were asked for.
    pub fn downloads(&self) -> usize {
        self.core.look(|s| s.downloads.len())
    }

    /// Stops answering as planned, or goes on.
    pub fn halts(&self, halt: crate::halt::Halt) {
        self.core.change(|s| s.halt = halt);
    }

    /// Whether it has stopped answering.
    pub fn halted(&self) -> bool {
        self.core.look(|s| s.halt.met())
    }

    /// The app hears only of these events.
    pub fn subscribes(&self, events: &[&str]) {
        let events = events.iter().map(|e| (*e).to_owned()).collect();
        self.core.change(|s| s.subscribed = events);
    }

    /// Somebody of this workspace, by name.
    pub fn user(&self, name: &str) -> Person {
        let found = self.core.look(|s| s.user_named(&self.team, name).cloned());
        let user = found.unwrap_or_else(|| panic!("there is no {name}"));
        Person::new(self.clone(), user)
    }

    /// Somebody new; the flags are set by `with`.
    pub fn adds_user(&self, name: &str, with: impl FnOnce(&mut User)) -> Person {
        let user = self.core.change(|s| add_user(s, &self.team, name, with));
        Person::new(self.clone(), user)
    }

    /// Somebody is let go or comes back, gets another address or loses a right.
    pub fn changes_user(&self, name: &str, with: impl FnOnce(&mut User)) {
        let id = self.user(name).id().to_owned();
        self.core.change(|s| {
            let user = s.users.iter_mut().find(|u| u.id == id);
            with(user.expect("a user"));
        });
    }

    /// A user group, by the names of its members; its id.
    pub fn adds_usergroup(&self, handle: &str, members: &[&str]) -> String {
        let users = members.iter().map(|m| self.user(m).id().to_owned());
        let users = users.collect();
        self.core.change(|s| {
            let id = s.id("S");
            s.usergroups.push(UserGroup {
                id: id.clone(),
                team: self.team.clone(),
                handle: handle.to_owned(),
                name: handle.to_owned(),
                users,
            });
            id
        })
    }

    /// What the app did that Slack's description does not allow; empty is good.
    pub fn violations(&self) -> Vec<String> {
        self.core.look(|s| s.violations.clone())
    }

    /// Takes the violations away, for a test that is about them.
    pub fn forgives(&self) -> Vec<String> {
        self.core.change(|s| std::mem::take(&mut s.violations))
    }

    /// Fails with every violation so far.
    pub fn assert_clean(&self) {
        assert_clean(&self.core);
    }

    /// What the app did not acknowledge in time.
    pub fn late(&self) -> Vec<String> {
        self.core.look(|s| s.late.clone())
    }
}

/// A workspace with people and two channels; its id.
fn found(state: &mut State, domain: &str, people: &[&str]) -> String {
    let id = state.id("T");
    let (bot_user, bot_id) = (state.id("U"), state.id("B"));
    state.teams.push(Team {
        id: id.clone(),
        domain: domain.to_owned(),
        bot_user: bot_user.clone(),
        bot_id,
    });
    add_user(state, &id, "firebell", |u| {
        u.id = bot_user;
        u.is_bot = true;
    });
    let mut members = BTreeSet::new();
    for name in people {
        members.insert(add_user(state, &id, name, |_| {}).id);
    }
    for name in ["general", "random"] {
        let creator = members.first().cloned().unwrap_or_default();
        state.open(&id, name, model::Kind::Public, &creator, members.clone());
    }
    id
}

fn add_user(state: &mut State, team: &str, name: &str, with: impl FnOnce(&mut User)) -> User {
    let mut user = User {
        id: state.id("U"),
        team: team.to_owned(),
        name: name.to_owned(),
        email: format!("{name}@acme.test"),
        is_bot: false,
        is_restricted: false,
        is_ultra_restricted: false,
        is_stranger: false,
        deleted: false,
        is_admin: false,
    };
    with(&mut user);
    state.users.push(user.clone());
    user
}
