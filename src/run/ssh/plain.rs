//! A remote program without a spool: the run lives as long as the connection.

use super::Target;
use super::call::Call;
use crate::core::incident::Outcome;
use crate::run::flight::{Flights, Worker, ended};
use crate::run::port::{Cursor, Found, Handle, Job, News, Start};
use serde_json::json;
use std::process::ExitStatus;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// A poll waits this long for news.
const WAIT: Duration = Duration::from_secs(3);

/// `ssh`'s log is looked at this often until the command is sent.
const LOOK: Duration = Duration::from_millis(50);

/// Unread output kept in memory beyond what firebell keeps anyway.
const ROOM: usize = 1024 * 1024;

const LOST: &str = "firebell was restarted while the connection was open, and the other side \
                    keeps no record; with firebell-ssh-run it would";

pub(super) async fn start(target: &Target<'_>, job: &Job, flights: &Flights) -> Start {
    let (flight, worker) = flights.begin(&job.key, job.action.limits.output_bytes + ROOM);
    if let Some(worker) = worker {
        let mut line = json!({"run": job.key, "argv": job.argv, "args": job.args}).to_string();
        line.push('\n');
        match Call::begin(target, &job.key) {
            Err(why) => worker.not_started(why),
            Ok(call) => {
                let limits = &job.action.limits;
                let carry = Carry {
                    call,
                    host: target.host.clone(),
                    line,
                    success: job.action.success.clone(),
                    idempotent: job.action.idempotent,
                    limit: Duration::from_millis(limits.timeout_ms.unsigned_abs()),
                    connect: Duration::from_millis(target.server.connect_timeout_ms.unsigned_abs()),
                };
                tokio::spawn(carry.through(worker));
            }
        }
    }
    flight.started().await
}

pub(super) async fn poll(job: &Job, flights: &Flights, cursor: &Cursor) -> News {
    match flights.find(&job.key) {
        Some(flight) => flight.poll(cursor, WAIT).await,
        None => News {
            bytes: Vec::new(),
            cursor: cursor.clone(),
            stand: ended(
                Outcome::Unknown {
                    why: LOST.to_owned(),
                },
                0,
                Vec::new(),
            ),
        },
    }
}

pub(super) async fn reconcile(job: &Job, flights: &Flights) -> Found {
    let Some(flight) = flights.find(&job.key) else {
        return Found::Unknowable {
            why: LOST.to_owned(),
        };
    };
    match flight.started().await {
        Start::Started(handle) => Found::Here(handle),
        Start::NotStarted { .. } => Found::Absent,
        Start::Ambiguous { why } => Found::Unknowable { why },
    }
}

struct Carry {
    call: Call,
    host: String,
    line: String,
    success: Vec<i32>,
    idempotent: bool,
    limit: Duration,
    connect: Duration,
}

impl Carry {
    async fn through(mut self, worker: Worker) {
        let begun = Instant::now();
        let (pieces, mut output) = mpsc::channel::<Vec<u8>>(16);
        if let Some(stdin) = self.call.child.stdin.take() {
            let line = std::mem::take(&mut self.line);
            tokio::spawn(async move {
                let mut stdin = stdin;
                // A pipe that broke shows as ssh's exit code.
                let _ = stdin.write_all(line.as_bytes()).await;
            });
        }
        if let Some(stdout) = self.call.child.stdout.take() {
            tokio::spawn(copied(stdout, pieces.clone()));
        }
        if let Some(stderr) = self.call.child.stderr.take() {
            tokio::spawn(copied(stderr, pieces.clone()));
        }
        drop(pieces);
        let (mut sent, mut open) = (false, true);
        let connected_by = begun + self.connect + Duration::from_secs(20);
        let status = loop {
            let wake = if sent {
                begun + self.limit
            } else {
                Instant::now() + LOOK
            };
            tokio::select! {
                piece = output.recv(), if open => match piece {
                    Some(piece) => worker.push(&piece),
                    None => open = false,
                },
                status = self.call.child.wait(), if !open => break status.ok(),
                () = worker.stopped() => {
                    let harmless = Outcome::Cancelled;
                    return self.cut(worker, begun, harmless, "it was cancelled, which ends the connection");
                }
                () = sleep_until(wake) => {
                    if sent || Instant::now() > connected_by {
                        return self.cut(worker, begun, Outcome::TimedOut, "it took longer than it may");
                    }
                }
            }
            if !sent && self.call.sent() {
                sent = true;
                worker.begun(Start::Started(Handle("connection".to_owned())));
            }
        };
        self.judge(worker, begun, status);
    }

    /// Ended by firebell: the connection goes with it, the remote program perhaps not.
    fn cut(self, worker: Worker, begun: Instant, harmless: Outcome, what: &str) {
        if !self.call.sent() {
            return worker.not_started(format!("{} is not reached: {what}", self.host));
        }
        worker.begun(Start::Started(Handle("connection".to_owned())));
        let outcome = if self.idempotent {
            harmless
        } else {
            self.unknown(what)
        };
        worker.end(outcome, since(begun), Vec::new());
    }

    fn judge(self, worker: Worker, begun: Instant, status: Option<ExitStatus>) {
        if !self.call.sent() {
            let why = format!("{} is not reached: {}", self.host, self.call.words());
            return worker.not_started(why);
        }
        worker.begun(Start::Started(Handle("connection".to_owned())));
        let outcome = match status.and_then(|s| s.code()) {
            Some(exit) if exit != 255 && self.success.contains(&exit) => {
                Outcome::Succeeded { exit }
            }
            Some(exit) if exit != 255 => Outcome::Failed { exit },
            _ => self.unknown(
                "the connection broke off, or the program was killed by a signal (exit 255)",
            ),
        };
        worker.end(outcome, since(begun), Vec::new());
    }

    fn unknown(&self, what: &str) -> Outcome {
        Outcome::Unknown {
            why: format!(
                "the command was sent to {}, and {what}; it may still run there",
                self.host
            ),
        }
    }
}

fn since(begun: Instant) -> i64 {
    i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX)
}

async fn copied(mut from: impl tokio::io::AsyncRead + Unpin, to: mpsc::Sender<Vec<u8>>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(n) = from.read(&mut buffer).await {
        if n == 0 || to.send(buffer[..n].to_vec()).await.is_err() {
            return;
        }
    }
}
