//! A runbook action as its file says: what it does, how, within which bounds, and who must agree.

use super::auto::Auto;
use crate::core::id::Severity;
use crate::core::matcher::Matcher;
use regex::Regex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A runbook action, as its file says.
#[derive(Clone, Debug)]
pub struct Action {
    /// Key; equals the file name.
    pub id: String,
    /// For buttons.
    pub title: String,
    /// What it does, one paragraph.
    pub about: String,
    /// `diagnostic` changes nothing; `remediation` does.
    pub class: ActionClass,
    /// How much can go wrong; an input of the rules.
    pub risk: Risk,
    /// A second start does no harm. Without it a run is started at most once, whatever happens.
    pub idempotent: bool,
    /// What it does can be undone.
    pub reversible: bool,
    /// Offered in these environments; empty: in every one.
    pub environments: Vec<String>,
    /// Offered on incidents of these services; `*` is all.
    pub services: Vec<String>,
    /// Offered when the incident's labels match all.
    pub matchers: Vec<Matcher>,
    /// Typed arguments, in order.
    pub args: Vec<Arg>,
    /// Who carries it out, and what exactly.
    pub how: How,
    /// Bounds of one run.
    pub limits: Limits,
    /// Exit codes that mean success.
    pub success: Vec<i32>,
    /// Exit codes that mean "not now": an idempotent action may be started again.
    pub retryable: Vec<i32>,
    /// What must not run at the same time, or too often.
    pub lock: Lock,
    /// Who must agree before it runs.
    pub approval: Approval,
    /// Roles of which a requester needs one; empty: anybody in the directory.
    pub roles: Vec<String>,
    /// What undoes it; offered after it ran, never started by itself.
    pub rollback: Option<Rollback>,
    /// Id of a diagnostic of the same target: shows how a run went whose outcome nobody knows.
    pub check: Option<String>,
    /// Whether and how far it runs by itself.
    pub auto: Auto,
    /// Its output is shown in the console only; rooms get a link.
    pub private_output: bool,
    /// SHA-256 of the file's bytes, hex: the version recorded on each run.
    pub digest: String,
}

impl Action {
    /// The smallest action: this program, everything else as in a file that says nothing of it.
    #[must_use]
    pub fn of_program(id: &str, argv: &[&str]) -> Action {
        Action {
            id: id.to_owned(),
            title: id.to_owned(),
            about: String::new(),
            class: ActionClass::Diagnostic,
            risk: Risk::default(),
            idempotent: false,
            reversible: false,
            environments: Vec::new(),
            services: vec!["*".to_owned()],
            matchers: Vec::new(),
            args: Vec::new(),
            how: How::Process(ProcessRun {
                argv: argv.iter().map(|a| (*a).to_owned()).collect(),
                ..ProcessRun::default()
            }),
            limits: Limits::default(),
            success: vec![0],
            retryable: Vec::new(),
            lock: Lock::default(),
            approval: Approval::default(),
            roles: Vec::new(),
            rollback: None,
            check: None,
            auto: Auto::default(),
            private_output: false,
            digest: format!("digest of {id}"),
        }
    }

    /// The same action in its "only look" mode: a diagnostic that runs the dry argv alone, holds no key
    /// and needs nobody's approval. `None`: it has no such mode.
    #[must_use]
    pub fn looking(&self) -> Option<Action> {
        Some(Action {
            how: self.how.looking()?,
            title: format!("{} (dry run)", self.title),
            class: ActionClass::Diagnostic,
            risk: Risk::Low,
            lock: Lock::default(),
            approval: Approval::default(),
            rollback: None,
            check: None,
            auto: Auto::default(),
            ..self.clone()
        })
    }

    /// How many other people must approve in all.
    #[must_use]
    pub fn approvals(&self) -> u8 {
        let sum = |n: u8, need: &Need| n.saturating_add(need.count);
        self.approval.required.iter().fold(0, sum)
    }
}

/// An action whose file is there and which is not offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disabled {
    /// Its title, when the file could be read that far.
    pub title: Option<String>,
    /// Why, at least once.
    pub why: Vec<Reason>,
    /// Nothing is wrong with the file: this machine lacks a program it needs.
    pub lacking: bool,
}

/// One thing that keeps an action from being offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// File and line.
    pub place: String,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub fix: String,
}

/// What an action may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionClass {
    /// Looks.
    Diagnostic,
    /// Changes something.
    Remediation,
}

impl ActionClass {
    /// As files write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            ActionClass::Diagnostic => "diagnostic",
            ActionClass::Remediation => "remediation",
        }
    }
}

/// How much can go wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Hardly anything.
    Low,
    /// Something a team notices.
    #[default]
    Medium,
    /// Something customers notice.
    High,
}

impl Risk {
    /// As files write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Risk::Low => "low",
            Risk::Medium => "medium",
            Risk::High => "high",
        }
    }
}

/// One argument of an action.
#[derive(Clone, Debug)]
pub struct Arg {
    /// `{name}` in the templates.
    pub name: String,
    /// Shown beside the field.
    pub help: String,
    /// What is allowed.
    pub kind: ArgKind,
    /// Used when nothing is given.
    pub default: Option<String>,
    /// Taken from this label of the incident; then not editable.
    pub from_label: Option<String>,
    /// Cut from the end of the label's value before the check.
    pub strip_suffix: Option<String>,
}

/// What an argument allows. There is no free text.
#[derive(Clone, Debug)]
pub enum ArgKind {
    /// One of these.
    Enum(Vec<String>),
    /// A whole number in this range, both ends included.
    Int {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// `true` or `false`.
    Bool,
    /// A length of time such as `90s` or `5m`, both ends included; rendered in whole seconds.
    Duration {
        /// Shortest, seconds.
        min_secs: i64,
        /// Longest, seconds.
        max_secs: i64,
    },
    /// A name of an inventory list of `firebell.toml`.
    Ref {
        /// Name of the list.
        list: String,
        /// What the list held when the files were read.
        values: Vec<String>,
    },
    /// A whole match; the expression is compiled as `\A(?:…)\z`.
    Text {
        /// Anchored, size-limited.
        regex: Regex,
        /// In characters.
        max_len: usize,
    },
}

impl ArgKind {
    /// The values it may take, where they can be listed.
    #[must_use]
    pub fn choices(&self) -> Option<Vec<String>> {
        match self {
            ArgKind::Enum(values) | ArgKind::Ref { values, .. } => Some(values.clone()),
            ArgKind::Bool => Some(vec!["true".to_owned(), "false".to_owned()]),
            ArgKind::Int { .. } | ArgKind::Duration { .. } | ArgKind::Text { .. } => None,
        }
    }
}

/// How an action is carried out: its `[run]` table. Templates name arguments as `{name}`; one
/// element stays one element.
#[derive(Clone, Debug)]
pub enum How {
    /// A program of this machine.
    Process(ProcessRun),
    /// A program on another machine, by the system's `ssh`.
    Ssh(SshRun),
    /// One HTTP request.
    Http(HttpRun),
    /// A job of a Rundeck server.
    Rundeck(RundeckRun),
    /// A Kubernetes Job.
    Kubernetes(KubernetesRun),
}

impl How {
    /// The word of `kind`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            How::Process(_) => "process",
            How::Ssh(_) => "ssh",
            How::Http(_) => "http",
            How::Rundeck(_) => "rundeck",
            How::Kubernetes(_) => "kubernetes",
        }
    }

    /// Its "only look" mode; empty: it has none.
    #[must_use]
    pub fn dry_run(&self) -> &[String] {
        match self {
            How::Process(run) => &run.dry_run,
            How::Ssh(run) => &run.dry_run,
            How::Kubernetes(run) => &run.dry_run,
            How::Http(_) | How::Rundeck(_) => &[],
        }
    }

    /// With the "only look" mode in the place of what changes something.
    fn looking(&self) -> Option<How> {
        if self.dry_run().is_empty() {
            return None;
        }
        let mut how = self.clone();
        match &mut how {
            How::Process(run) => run.argv = std::mem::take(&mut run.dry_run),
            How::Ssh(run) => run.argv = std::mem::take(&mut run.dry_run),
            How::Kubernetes(run) => run.argv = std::mem::take(&mut run.dry_run),
            How::Http(_) | How::Rundeck(_) => return None,
        }
        Some(how)
    }

    /// Whether both work on the same machine or server, so that what one changes the other sees.
    #[must_use]
    pub fn beside(&self, other: &How) -> bool {
        match (self, other) {
            (How::Process(_), How::Process(_)) => true,
            (How::Ssh(a), How::Ssh(b)) => (&a.server, &a.host) == (&b.server, &b.host),
            (How::Http(a), How::Http(b)) => {
                crate::core::action::host_of(&a.url) == crate::core::action::host_of(&b.url)
            }
            (How::Rundeck(a), How::Rundeck(b)) => {
                (&a.server, &a.project) == (&b.server, &b.project)
            }
            (How::Kubernetes(a), How::Kubernetes(b)) => {
                (&a.cluster, &a.namespace) == (&b.cluster, &b.namespace)
            }
            _ => false,
        }
    }
}

/// A program of this machine.
#[derive(Clone, Debug, Default)]
pub struct ProcessRun {
    /// Program and arguments. `argv[0]` is absolute and fixed.
    pub argv: Vec<String>,
    /// The same in the program's own "only look" mode; empty: it has none.
    pub dry_run: Vec<String>,
    /// Working folder; `None`: an empty one made for the run.
    pub cwd: Option<String>,
    /// The whole environment, with what `env_pass` takes over.
    pub env: BTreeMap<String, String>,
    /// Variables of firebell's own environment that are passed on.
    pub env_pass: Vec<String>,
    /// Secrets by reference (`env:NAME`, `file:/path`): delivered as a file of mode 0400 whose path
    /// is in `NAME_FILE`.
    pub secrets: BTreeMap<String, String>,
    /// The user it runs as; `None`: firebell's own.
    pub user: Option<String>,
}

/// A program on another machine. Arguments travel as JSON on standard input, never in the remote
/// command line, which a shell on the other side would read.
#[derive(Clone, Debug, Default)]
pub struct SshRun {
    /// A connection of `[ssh.NAME]` in `firebell.toml`.
    pub server: String,
    /// Host name; may be one argument in braces, whose values are checked like any other.
    pub host: String,
    /// The fixed remote command.
    pub command: String,
    /// What the remote program gets as `argv` in the JSON on its standard input.
    pub argv: Vec<String>,
    /// The same in its "only look" mode; empty: it has none.
    pub dry_run: Vec<String>,
}

/// One HTTP request. `Idempotency-Key` carries the run's key.
#[derive(Clone, Debug, Default)]
pub struct HttpRun {
    /// `POST`, `PUT`, `PATCH`, `DELETE`, `GET`.
    pub method: String,
    /// Address; scheme, host and port are fixed, arguments stand in path segments and query
    /// values, where they are percent-encoded.
    pub url: String,
    /// Fixed headers; a value may be a secret by reference.
    pub headers: BTreeMap<String, String>,
    /// JSON body, a template: arguments stand inside of strings.
    pub body: Option<serde_json::Value>,
    /// Statuses that mean success; empty: 200 to 299.
    pub success: Vec<u16>,
    /// May reach addresses of private networks.
    pub private: bool,
}

/// A job of a Rundeck server.
#[derive(Clone, Debug, Default)]
pub struct RundeckRun {
    /// A server of `[rundeck.NAME]` in `firebell.toml`.
    pub server: String,
    /// The job's UUID.
    pub job: String,
    /// The job's project, for looking a lost run up.
    pub project: String,
    /// The job's options, values are templates.
    pub options: BTreeMap<String, String>,
}

/// A Kubernetes Job with one container.
#[derive(Clone, Debug, Default)]
pub struct KubernetesRun {
    /// A cluster of `[kubernetes.NAME]` in `firebell.toml`.
    pub cluster: String,
    /// Namespace.
    pub namespace: String,
    /// Image.
    pub image: String,
    /// Command and arguments.
    pub argv: Vec<String>,
    /// The same in its "only look" mode; empty: it has none.
    pub dry_run: Vec<String>,
    /// The whole environment.
    pub env: BTreeMap<String, String>,
    /// The account its pod runs as; `None`: the namespace's default, without a token.
    pub service_account: Option<String>,
}

/// Bounds of one run. What an executor cannot enforce is refused when the file is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Asked to stop after this long, milliseconds.
    pub timeout_ms: i64,
    /// From SIGTERM to SIGKILL, milliseconds.
    pub kill_grace_ms: i64,
    /// Output kept, bytes: the first quarter and the last three.
    pub output_bytes: usize,
    /// CPU time, seconds.
    pub cpu_secs: Option<u64>,
    /// Address space of each process, bytes; on Kubernetes the container's memory.
    pub memory_bytes: Option<u64>,
    /// Open files of each process.
    pub files: Option<u64>,
    /// Longest file it may write, bytes.
    pub file_bytes: Option<u64>,
    /// Processes and threads.
    pub processes: Option<u64>,
    /// What of the machine it sees.
    pub sandbox: Sandbox,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            timeout_ms: 60_000,
            kill_grace_ms: 5_000,
            output_bytes: 1024 * 1024,
            cpu_secs: None,
            memory_bytes: None,
            files: None,
            file_bytes: None,
            processes: None,
            sandbox: Sandbox::default(),
        }
    }
}

/// What of the machine a program sees, enforced by the kernel where it can.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sandbox {
    /// `landlock` is asked for.
    pub on: bool,
    /// Does not run where the kernel cannot enforce it whole.
    pub required: bool,
    /// Folders and files it may read and execute.
    pub read: Vec<String>,
    /// Folders and files it may also write.
    pub write: Vec<String>,
    /// TCP ports it may connect to; `None`: any.
    pub connect: Option<Vec<u16>>,
}

/// What must not run at the same time, or too often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// Keys, templates: `host:{host}`. Runs that share a key run one after the other, across
    /// actions and incidents. Empty: none.
    pub keys: Vec<String>,
    /// Waits this long for a key that is held, milliseconds; 0: refused at once.
    pub wait_ms: i64,
    /// A key rests this long after a run, milliseconds.
    pub cooldown_ms: i64,
    /// Runs in one incident at most.
    pub max_per_incident: Option<u32>,
    /// Runs in any hour at most.
    pub max_per_hour: Option<u32>,
    /// An outcome that stays unknown holds its keys at most this long, milliseconds; 0: until
    /// somebody settles it.
    pub unknown_ttl_ms: i64,
}

/// Who must agree before it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Slots, each filled by as many different people; one person fills one slot. Empty: the
    /// requester's own confirmation is enough.
    pub required: Vec<Need>,
    /// Who asked does not count, whatever roles they hold.
    pub four_eyes: bool,
    /// A request lapses after this long, milliseconds.
    pub request_ttl_ms: i64,
    /// What was approved must start within this time, milliseconds.
    pub valid_for_ms: i64,
    /// Its "only look" mode runs first, and its output stands on the card.
    pub dry_run_first: bool,
    /// Who may run it without approval in an emergency, with a reason.
    pub break_glass: Option<BreakGlass>,
}

impl Approval {
    /// So many others, whoever they are.
    #[must_use]
    pub fn by_others(count: u8) -> Approval {
        Approval {
            required: match count {
                0 => Vec::new(),
                count => vec![Need {
                    roles: Vec::new(),
                    count,
                }],
            },
            ..Approval::default()
        }
    }
}

impl Default for Approval {
    fn default() -> Approval {
        Approval {
            required: Vec::new(),
            four_eyes: true,
            request_ttl_ms: 900_000,
            valid_for_ms: 600_000,
            dry_run_first: false,
            break_glass: None,
        }
    }
}

/// One slot of an approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// Roles of which an approver needs one; empty: anybody who may run the action.
    pub roles: Vec<String>,
    /// How many people.
    pub count: u8,
}

/// Who may run it without approval in an emergency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakGlass {
    /// Roles of which one is needed; never empty.
    pub roles: Vec<String>,
    /// Only on incidents at least this bad.
    pub min_severity: Option<Severity>,
    /// Channels that are told, beside the incident's own.
    pub notify: Vec<String>,
}

/// What undoes an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollback {
    /// Id of the action.
    pub action: String,
    /// Its arguments, templates over the arguments of the run.
    pub args: BTreeMap<String, String>,
}
