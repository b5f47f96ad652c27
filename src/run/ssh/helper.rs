//! The verbs of `deploy/firebell-ssh-run`: each is one connection, one line of JSON there and one
//! back.

use super::Target;
use super::call::Call;
use crate::core::incident::Outcome;
use crate::run::flight::ended;
use crate::run::port::{Cursor, Found, Handle, Job, News, NoAnswer, Start};
use crate::run::wire;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The helper waits so long for news.
const WAIT_MS: u64 = 3000;

/// Beyond connecting and the helper's own waiting, a call takes at most so long.
const SLACK: Duration = Duration::from_secs(20);

/// Of an answer, this much is read: a chunk of output as base64, and a result.
const ANSWER_BYTES: u64 = 1024 * 1024;

/// Kept by the helper for each byte firebell keeps: the last three quarters of a long output are
/// wanted, and the helper keeps the beginning.
const KEEP_FACTOR: usize = 16;

/// The helper is older or newer than anybody thought.
#[derive(Debug, Deserialize)]
struct Reply {
    firebell: u32,
    state: String,
    #[serde(default)]
    why: String,
    #[serde(default)]
    offset: u64,
    #[serde(default)]
    data: String,
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    result: Option<Ending>,
}

#[derive(Debug, Deserialize)]
struct Ending {
    why: Option<String>,
    exit: Option<i32>,
    signal: Option<i32>,
    #[serde(default)]
    ms: i64,
    #[serde(default)]
    dropped: u64,
}

/// No reply.
enum Silence {
    /// The command provably was not carried out.
    Before(String),
    /// It may have been.
    After(String),
}

impl Silence {
    fn why(self) -> String {
        match self {
            Silence::Before(why) | Silence::After(why) => why,
        }
    }
}

pub(super) async fn start(
    target: &Target<'_>,
    job: &Job,
    tokens: &Mutex<HashMap<String, String>>,
) -> Start {
    let limits = &job.action.limits;
    let token = tokens
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&job.key)
        .cloned();
    let mut line = json!({
        "verb": "start",
        "run": job.key,
        "subject": job.subject,
        "argv": job.argv,
        "args": job.args,
        "timeout_ms": limits.timeout_ms,
        "grace_ms": limits.kill_grace_ms,
        "keep_bytes": limits.output_bytes.saturating_mul(KEEP_FACTOR).min(1 << 30),
    });
    if let Some(token) = token {
        line["after"] = Value::String(token);
    }
    match ask(target, job, &line).await {
        Ok(reply) if reply.state == "started" => {
            let mut known = tokens.lock().unwrap_or_else(PoisonError::into_inner);
            known.remove(&job.key);
            Start::Started(handle())
        }
        Ok(reply) if reply.state == "refused" => Start::NotStarted {
            why: said(target, &reply),
        },
        Ok(reply) => Start::Ambiguous {
            why: said(target, &reply),
        },
        Err(Silence::Before(why)) => Start::NotStarted { why },
        Err(Silence::After(why)) => Start::Ambiguous { why },
    }
}

pub(super) async fn poll(
    target: &Target<'_>,
    job: &Job,
    cursor: &Cursor,
) -> Result<News, NoAnswer> {
    let offset: u64 = cursor.0.parse().unwrap_or(0);
    let line = json!({"verb": "poll", "run": job.key, "offset": offset, "wait_ms": WAIT_MS});
    let reply = ask(target, job, &line).await;
    let reply = reply.map_err(|s| NoAnswer { why: s.why() })?;
    let unreadable = |_| NoAnswer {
        why: format!(
            "{HELPER} on {} answers in a way firebell cannot read",
            target.host
        ),
    };
    let bytes = STANDARD.decode(&reply.data).map_err(unreadable)?;
    let unknown = |why: String| ended(Outcome::Unknown { why }, 0, Vec::new());
    let stand = match (&*reply.state, &reply.result) {
        ("running", _) => crate::run::port::Stand::Running,
        ("ended", Some(result)) => {
            let mut notes = Vec::new();
            if result.dropped > 0 {
                let note = "{} bytes of output were too much for the other machine";
                notes.push(note.replace("{}", &result.dropped.to_string()));
            }
            ended(outcome(job, result), result.ms, notes)
        }
        ("lost", _) => unknown(format!(
            "it was started on {}, and what watched it there is gone: the machine was restarted, \
             or the process was killed",
            target.host
        )),
        ("absent", _) => unknown(format!(
            "{} does not remember this run; its spool was emptied, or it is another machine",
            target.host
        )),
        _ => {
            let why = said(target, &reply);
            return Err(NoAnswer { why });
        }
    };
    Ok(News {
        bytes,
        cursor: Cursor(reply.offset.max(offset).to_string()),
        stand,
    })
}

pub(super) async fn cancel(target: &Target<'_>, job: &Job) -> Result<(), NoAnswer> {
    let line = json!({"verb": "cancel", "run": job.key});
    let reply = ask(target, job, &line).await;
    let reply = reply.map_err(|s| NoAnswer { why: s.why() })?;
    match &*reply.state {
        "running" | "ended" | "lost" | "absent" => Ok(()),
        _ => Err(NoAnswer {
            why: said(target, &reply),
        }),
    }
}

pub(super) async fn reconcile(
    target: &Target<'_>,
    job: &Job,
    tokens: &Mutex<HashMap<String, String>>,
) -> Found {
    let line = json!({"verb": "reconcile", "run": job.key});
    match ask(target, job, &line).await {
        Ok(reply) => match (&*reply.state, reply.token.clone()) {
            ("running" | "ended" | "lost", _) => Found::Here(handle()),
            ("absent", Some(token)) => {
                let mut known = tokens.lock().unwrap_or_else(PoisonError::into_inner);
                known.insert(job.key.clone(), token);
                Found::Absent
            }
            _ => Found::NotNow {
                why: said(target, &reply),
            },
        },
        Err(silence) => Found::NotNow { why: silence.why() },
    }
}

const HELPER: &str = super::HELPER;

fn handle() -> Handle {
    Handle("spool".to_owned())
}

fn outcome(job: &Job, result: &Ending) -> Outcome {
    match (result.why.as_deref(), result.exit, result.signal) {
        (Some("timeout"), ..) => Outcome::TimedOut,
        (Some("cancelled"), ..) => Outcome::Cancelled,
        (_, Some(exit), _) if job.action.success.contains(&exit) => Outcome::Succeeded { exit },
        (_, Some(exit), _) => Outcome::Failed { exit },
        (_, None, Some(signal)) => Outcome::Killed { signal },
        (_, None, None) => Outcome::Unknown {
            why: format!("{HELPER} does not say how it ended"),
        },
    }
}

fn said(target: &Target<'_>, reply: &Reply) -> String {
    let words = wire::quoted(&reply.why, &[]);
    let words = if words.is_empty() {
        &reply.state
    } else {
        &words
    };
    format!("{HELPER} on {} says: {words}", target.host)
}

/// One line there, one line back.
async fn ask(target: &Target<'_>, job: &Job, line: &Value) -> Result<Reply, Silence> {
    let mut call = Call::begin(target, &job.key).map_err(Silence::Before)?;
    let mut text = line.to_string();
    text.push('\n');
    let connect = Duration::from_millis(target.server.connect_timeout_ms.unsigned_abs());
    let within = connect + SLACK + Duration::from_millis(WAIT_MS);
    let talk = async {
        let (stdin, stdout, stderr) = (
            call.child.stdin.take(),
            call.child.stdout.take(),
            call.child.stderr.take(),
        );
        let write = async {
            if let Some(mut stdin) = stdin {
                // A pipe that broke shows as ssh's exit code.
                let _ = stdin.write_all(text.as_bytes()).await;
            }
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let read_out = async {
            if let Some(stdout) = stdout {
                let _ = stdout.take(ANSWER_BYTES).read_to_end(&mut out).await;
            }
        };
        let read_err = async {
            if let Some(stderr) = stderr {
                let _ = stderr.take(ANSWER_BYTES).read_to_end(&mut err).await;
            }
        };
        futures_util::join!(write, read_out, read_err);
        let status = call.child.wait().await;
        (status, out, err)
    };
    let Ok((status, out, err)) = tokio::time::timeout(within, talk).await else {
        let why = format!("{} did not answer in time", target.host);
        return Err(if call.sent() {
            Silence::After(why)
        } else {
            Silence::Before(why)
        });
    };
    let code = status.ok().and_then(|s| s.code());
    if let Some(reply) = parsed(&out) {
        return Ok(reply);
    }
    let err = wire::quoted(&String::from_utf8_lossy(&err), &[]);
    let after = if err.is_empty() {
        String::new()
    } else {
        format!(": {err}")
    };
    Err(match code {
        _ if !call.sent() => {
            Silence::Before(format!("{} is not reached: {}", target.host, call.words()))
        }
        // What a shell answers when it finds no such program, or one that cannot be executed.
        Some(126 | 127) => Silence::Before(format!(
            "{HELPER} is not installed on {}{after}",
            target.host
        )),
        Some(255) | None => Silence::After(format!("the connection to {} broke off", target.host)),
        Some(_) => Silence::After(format!(
            "what answers on {} is not {HELPER}{after}",
            target.host
        )),
    })
}

/// The reply is the last line: an account's start-up files may have said something before.
fn parsed(out: &[u8]) -> Option<Reply> {
    let text = std::str::from_utf8(out).ok()?;
    let line = text.strip_suffix('\n')?.lines().next_back()?;
    let reply: Reply = serde_json::from_str(line).ok()?;
    (reply.firebell == 1).then_some(reply)
}
