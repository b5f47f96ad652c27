//! The SSH executor: a program on another machine, by the system's own `ssh`.
//!
//! * **What crosses.** The remote command is fixed in the action's file. Arguments go as one line
//!   of JSON on standard input, never into the remote command line, which a shell on the other
//!   side would read. The host is a value that was checked like any other, and a second time here.
//! * **Who is trusted.** Only a host whose key is known (`StrictHostKeyChecking=yes`); no
//!   configuration of the account, no agent unless no key is named, no forwarding, no shared
//!   connection, nothing interactive.
//! * **What is provable.** `ssh` logs to a file of its own that the remote side cannot write. As
//!   long as it does not say there that it sends the command, the command was not sent, and exit
//!   255 is [`Start::NotStarted`]. Afterwards exit 255 is a lost connection.
//! * **With `firebell-ssh-run`** (`deploy/`) as the remote command, the run is watched there by a
//!   process of its own and remembered under the run's key: it is started at most once, a broken
//!   connection or a restart of firebell loses nothing, and [`Executor::reconcile`] knows. When it
//!   answers that a run never started, it also refuses a start that is still on its way.
//! * **With any other command** the run lives in the connection: when that breaks, the outcome is
//!   unknown, and after a restart of firebell it is unknowable.

mod call;
mod helper;
mod plain;

use super::flight::Flights;
use super::port::{Answer, Cursor, Executor, Found, Handle, Job, News, NoAnswer, Start};
use crate::config::engines::SshServer;
use crate::core::action;
use crate::core::directory::{How, SshRun};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

/// The remote command that keeps a spool; see the module's documentation.
const HELPER: &str = "firebell-ssh-run";

/// Carries out SSH actions.
pub struct SshExecutor {
    servers: BTreeMap<String, SshServer>,
    scratch: PathBuf,
    flights: Flights,
    /// What the helper answered to a look-up that found nothing: a later start brings it along.
    tokens: Mutex<HashMap<String, String>>,
}

impl SshExecutor {
    /// `scratch` is a folder of firebell's own, where `ssh` writes what it says of itself.
    #[must_use]
    pub fn new(servers: BTreeMap<String, SshServer>, scratch: PathBuf) -> SshExecutor {
        SshExecutor {
            servers,
            scratch,
            flights: Flights::default(),
            tokens: Mutex::default(),
        }
    }

    fn target<'a>(&'a self, job: &'a Job) -> Result<Target<'a>, String> {
        let How::Ssh(run) = &job.action.how else {
            return Err("the action is not an SSH action".to_owned());
        };
        let server = self.servers.get(&run.server).ok_or_else(|| {
            format!(
                "firebell.toml has no [ssh.{}]; add it, or correct `server` of the action",
                run.server
            )
        })?;
        let host = action::rendered(&run.host, &job.args)?;
        check_host(&host)?;
        Ok(Target {
            server,
            run,
            host,
            scratch: &self.scratch,
        })
    }
}

/// Where one run goes.
struct Target<'a> {
    server: &'a SshServer,
    run: &'a SshRun,
    host: String,
    scratch: &'a PathBuf,
}

impl Target<'_> {
    /// Whether the remote command keeps a spool.
    fn keeps(&self) -> bool {
        let program = self.run.command.split_whitespace().next();
        program.and_then(|p| p.rsplit('/').next()) == Some(HELPER)
    }
}

/// `ssh` reads a leading dash as an option, and `@`, `%` and others in its own way. The plan has been
/// checked when it was made; what is about to be done with it is checked again.
fn check_host(host: &str) -> Result<(), String> {
    if action::host_name(host) {
        return Ok(());
    }
    Err(format!(
        "{host:?} is not the name or address of a host; tighten the argument it comes from"
    ))
}

impl Executor for SshExecutor {
    fn start<'a>(&'a self, job: &'a Job) -> Answer<'a, Start> {
        Box::pin(async move {
            match self.target(job) {
                Err(why) => Start::NotStarted { why },
                Ok(target) if target.keeps() => helper::start(&target, job, &self.tokens).await,
                Ok(target) => plain::start(&target, job, &self.flights).await,
            }
        })
    }

    fn poll<'a>(
        &'a self,
        job: &'a Job,
        _: &'a Handle,
        cursor: &'a Cursor,
    ) -> Answer<'a, Result<News, NoAnswer>> {
        Box::pin(async move {
            let target = self.target(job).map_err(|why| NoAnswer { why })?;
            if target.keeps() {
                helper::poll(&target, job, cursor).await
            } else {
                Ok(plain::poll(job, &self.flights, cursor).await)
            }
        })
    }

    fn cancel<'a>(&'a self, job: &'a Job, _: &'a Handle) -> Answer<'a, Result<(), NoAnswer>> {
        Box::pin(async move {
            let target = self.target(job).map_err(|why| NoAnswer { why })?;
            if target.keeps() {
                return helper::cancel(&target, job).await;
            }
            if let Some(flight) = self.flights.find(&job.key) {
                flight.stop();
            }
            Ok(())
        })
    }

    fn reconcile<'a>(&'a self, job: &'a Job, _: Option<&'a Handle>) -> Answer<'a, Found> {
        Box::pin(async move {
            match self.target(job) {
                Err(why) => Found::NotNow { why },
                Ok(target) if target.keeps() => helper::reconcile(&target, job, &self.tokens).await,
                Ok(_) => plain::reconcile(job, &self.flights).await,
            }
        })
    }

    /// What a firebell that was killed left of `ssh`'s logs.
    fn clear(&self, older: Duration) {
        let folders = std::fs::read_dir(&self.scratch)
            .into_iter()
            .flatten()
            .flatten();
        for folder in folders {
            let changed = folder.metadata().and_then(|meta| meta.modified());
            let age = changed.ok().and_then(|at| at.elapsed().ok());
            if age.is_some_and(|age| age > older) {
                // What cannot be removed now is tried again the next time.
                let _ = std::fs::remove_dir_all(folder.path());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_and_nothing_ssh_would_read_as_more() {
        for good in [
            "web-1",
            "web_1.prod.example",
            "10.0.0.7",
            "2001:db8::1",
            "::1",
        ] {
            assert_eq!(check_host(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "-oProxyCommand=id",
            "root@web-1",
            "web-1;id",
            "web 1",
            "%h",
            "ssh://web-1",
            "web-1\n",
            ".web",
            "web-1:22",
            &"a".repeat(254),
        ] {
            assert!(check_host(bad).is_err(), "{bad}");
        }
    }
}
