//! Configuration: types, loading, checking. The files are the user's; every fault names file, line and fix.
//!
//! [`load`] reads `firebell.toml` (laid under `FIREBELL__SECTION__KEY` variables by the `config`
//! crate) and the folders beside it, collects *all* faults, and answers either a checked
//! configuration or the whole list. One file of `actions/` that is wrong disables that action
//! alone and becomes a warning, a rule file that is wrong stops every action and none of the paging;
//! everything else that is wrong refuses the load.
//! Secrets are references (`env:NAME`, `file:PATH`) and never appear in a fault or in `Debug`.

mod action;
mod args;
mod calendars;
pub mod chat;
mod conduct;
mod cross;
mod demo;
mod direct;
pub mod engines;
mod fairness;
mod files;
mod folders;
mod hours;
pub mod insight;
mod kinds;
mod layered;
mod load;
mod maintenance;
pub mod notify;
mod overrides;
mod people;
mod policy;
pub mod postmortem;
mod reader;
mod rehearsal;
mod restart;
mod rooms;
mod route;
mod rules;
mod scale;
mod schedule;
mod secret;
mod settings;
mod sources;
pub mod status_page;
pub mod summary;
mod telling;
mod tree;
mod watch;

pub use action::Sample;
pub use calendars::Feed;
pub use demo::{DEMO_FILES, write_demo};
pub use load::{Variables, fix_report, load, load_with, variables};
pub use rehearsal::{Written, rehearsals};
pub use restart::changed;
pub use watch::{DEBOUNCE, watch};

use crate::core::directory::{Action, Directory};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// What `firebell.toml` says besides the directory. Read once at start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address and port of the HTTP server.
    pub listen: String,
    /// How people reach the console, for links; `http://<listen>` unless set.
    pub public_url: String,
    /// Where firebell keeps its files.
    pub data_dir: PathBuf,
    /// `sqlite:…` or `postgres://…`; may hold a password.
    pub database_url: SecretString,
    /// Who may use `/api/v1`.
    pub tokens: Vec<Token>,
    /// Who may send alerts.
    pub sources: Vec<Source>,
    /// The built-in console.
    pub console: Console,
    /// Where the status page is served.
    pub page: status_page::PageServing,
    /// Slack workspaces.
    pub slack: Vec<chat::Slack>,
    /// Discord guilds.
    pub discord: Vec<chat::Discord>,
    /// Ways to wake people beside chat and webhooks.
    pub notify: notify::Providers,
    /// Where else postmortems and their action items may go.
    pub exports: Vec<postmortem::Export>,
    /// What carries out actions elsewhere.
    pub engines: engines::Engines,
    /// Who tells what is changed, and what else helps to understand incidents.
    pub insight: insight::Insight,
    /// Ceilings of the ingest paths.
    pub limits: Limits,
    /// The audit of runbook actions.
    pub audit: Audit,
    /// `text` or `json`.
    pub log_format: String,
    /// `tracing` filter, such as `info` or `firebell=debug,warn`.
    pub log_filter: String,
}

/// An API token.
#[derive(Clone, Debug)]
pub struct Token {
    /// Shown as the actor.
    pub name: String,
    /// SHA-256 of the token.
    pub sha256: [u8; 32],
    /// Whose it is: acts are that person's. `None`: a program's.
    pub person: Option<String>,
    /// It may see private incidents: a person's those that person may see, a program's all.
    pub private: bool,
}

/// The audit of runbook actions.
#[derive(Clone, Debug)]
pub struct Audit {
    /// What checkpoints are signed with, 64 hexadecimal digits; `None`: `audit.key` in the data folder,
    /// made at the first start.
    pub key: Option<SecretString>,
    /// A checkpoint is made after so many entries, and at every stop.
    pub every: i64,
    /// Roles of which one is needed to read it on the console.
    pub readers: Vec<String>,
}

impl Default for Audit {
    fn default() -> Audit {
        Audit {
            key: None,
            every: 100,
            readers: ["lead", "incident-commander", "admin"]
                .map(str::to_owned)
                .into(),
        }
    }
}

/// An alert source: a name and the token its senders use.
#[derive(Clone, Debug)]
pub struct Source {
    /// Part of every alert's identity.
    pub name: String,
    /// SHA-256 of the token: bearer, password of basic authentication, or PagerDuty `routing_key`.
    pub sha256: [u8; 32],
    /// An alert without an end is taken as over this long after its last repeat, milliseconds.
    pub resolve_timeout_ms: i64,
    /// Where the generic path finds the fields; `None`: the path is not open to this source.
    pub mapping: Option<Mapping>,
}

/// JSON pointers into a generic payload.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    /// Pointer to an array of alerts; empty: the payload is one alert.
    pub items: String,
    /// Pointer to the identity within the source.
    pub fingerprint: String,
    /// Pointer to one line of text.
    pub summary: String,
    /// Pointer to the state; absent in the payload: firing.
    pub status: String,
    /// Values of the state that mean it is over.
    pub resolved_values: Vec<String>,
    /// Pointer to the severity.
    pub severity: String,
    /// Pointer to an RFC 3339 time.
    pub starts_at: String,
    /// Pointer to a link.
    pub url: String,
    /// Label name to pointer.
    pub labels: BTreeMap<String, String>,
    /// Annotation name to pointer.
    pub annotations: BTreeMap<String, String>,
}

/// The built-in console.
#[derive(Clone, Debug)]
pub struct Console {
    /// Served at `/`.
    pub enabled: bool,
    /// Anybody may pick who they are. Only on a loopback address: elsewhere it is a fault.
    pub demo: bool,
    /// Channels that always exist: the configured ones and those of teams and services.
    pub channels: Vec<String>,
}

/// Ceilings of the ingest paths; beyond them the answer is 413 or 400 with the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request body.
    pub body_bytes: usize,
    /// Labels and annotations of an alert, each.
    pub labels: usize,
    /// Bytes of a label or annotation value.
    pub label_bytes: usize,
    /// Nesting of JSON.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            body_bytes: 1024 * 1024,
            labels: 64,
            label_bytes: 4096,
            depth: 32,
        }
    }
}

/// A checked configuration.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// `firebell.toml`.
    pub settings: Settings,
    /// The folders.
    pub directory: Directory,
    /// Things that work but are probably not meant.
    pub warnings: Vec<Fault>,
    /// Every file of `actions/` and what came of it, by id.
    pub actions: Vec<ActionFile>,
    /// Every file that was read, for watching.
    pub files: Vec<PathBuf>,
    /// Calendars at an address: the files name them, and their copies are among `files`.
    pub feeds: Vec<Feed>,
    /// Sections of `firebell.toml` that only a start puts in force, with a digest of what they say.
    pub at_start: BTreeMap<String, [u8; 32]>,
}

/// A file of `actions/` and what came of it.
#[derive(Clone, Debug)]
pub struct ActionFile {
    /// The action's id: the file's name.
    pub id: String,
    /// As shown in faults.
    pub path: PathBuf,
    /// What it says; `None` when it cannot be read. Also there when this machine lacks its program.
    pub action: Option<Arc<Action>>,
    /// Examples it must take.
    pub samples: Vec<Sample>,
    /// What is wrong with it: it is disabled.
    pub faults: Vec<Fault>,
    /// What this machine lacks for it: it is off here, and right on another machine.
    pub absent: Vec<Fault>,
    /// What works and is probably not meant.
    pub warnings: Vec<Fault>,
    /// Line of `[rollback]`.
    undo_line: usize,
}

impl ActionFile {
    /// Whether it is offered.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.action.is_some() && self.faults.is_empty() && self.absent.is_empty()
    }
}

/// Something wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// File; relative to the configuration's folder where possible.
    pub path: PathBuf,
    /// Line, from 1; 0 when the fault has no line.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub fix: String,
}
