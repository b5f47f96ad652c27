//! The system's git: one file on one branch of a repository.
//!
//! Promises: arguments only, no shell; an environment of our own with no configuration of the machine
//! or of a person; the token in a configuration value of the environment; protocols that run
//! programs are refused, and so are hooks. A branch that is there is built upon and pushed without
//! force: what people changed on it stays, and a file that is as it should be makes no commit.

use super::{basic, http::never};
use crate::chat::{Fault, Retry};
use crate::core::text::cut;
use secrecy::{ExposeSecret, SecretString};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// A clone of a handbook takes seconds; a hanging server must not hold the queue.
const PATIENCE: Duration = Duration::from_secs(120);
/// Of what git says, this many characters are repeated.
const QUOTED_CHARS: usize = 300;

/// Where to, and as whom.
pub(super) struct Repository<'a> {
    pub(super) address: &'a str,
    pub(super) base: &'a str,
    pub(super) user: &'a str,
    pub(super) token: Option<&'a SecretString>,
    pub(super) extra_ca: Option<&'a Path>,
    pub(super) proxy: Option<&'a SecretString>,
}

/// Puts a file's content on a branch.
pub(super) async fn push(
    repository: &Repository<'_>,
    branch: &str,
    (file, content): (&str, &str),
    subject: &str,
    scratch: &Path,
) -> Result<(), Fault> {
    let folder = Folder::new(scratch)?;
    let clone = folder.path.join("clone");
    let git = Git {
        repository,
        home: &folder.path,
    };
    let there = clone.display().to_string();
    let address = repository.address;
    git.run(
        &folder.path,
        &[
            "clone",
            "--quiet",
            "--no-checkout",
            "--filter=blob:none",
            "--",
            address,
            &there,
        ],
    )
    .await?;
    let remote = format!("refs/remotes/origin/{branch}");
    let known = git
        .says(&clone, &["rev-parse", "--verify", "--quiet", &remote])
        .await;
    let from = if known.is_some() {
        remote
    } else {
        let base = format!("refs/remotes/origin/{}", repository.base);
        // A repository without a commit has no branch to begin from: ours is its first.
        match git
            .says(&clone, &["rev-parse", "--verify", "--quiet", &base])
            .await
        {
            Some(_) => base,
            None if git
                .says(&clone, &["rev-parse", "--verify", "--quiet", "HEAD"])
                .await
                .is_none() =>
            {
                String::new()
            }
            None => {
                return Err(never(format!(
                    "the repository has no branch {}; set `branch` of the export to the one documents are proposed for",
                    repository.base
                )));
            }
        }
    };
    if from.is_empty() {
        git.run(&clone, &["checkout", "--quiet", "--orphan", branch])
            .await?;
    } else {
        git.run(&clone, &["checkout", "--quiet", "-B", branch, &from])
            .await?;
    }
    write(&clone, file, content).map_err(|e| broken("the document could not be written", &e))?;
    git.run(&clone, &["add", "--", file]).await?;
    let changed = git.says(&clone, &["diff", "--cached", "--name-only"]).await;
    if changed.is_some_and(|names| names.trim().is_empty()) {
        return Ok(());
    }
    git.run(
        &clone,
        &[
            "commit",
            "--quiet",
            "--no-verify",
            "--no-gpg-sign",
            "-m",
            subject,
        ],
    )
    .await?;
    let refspec = format!("HEAD:refs/heads/{branch}");
    git.run(&clone, &["push", "--quiet", "origin", &refspec])
        .await
}

fn write(clone: &Path, file: &str, content: &str) -> std::io::Result<()> {
    let path = clone.join(file);
    let mut at = clone.to_path_buf();
    // A link in the repository would lead the file out of it.
    for part in Path::new(file).components() {
        at.push(part);
        if std::fs::symlink_metadata(&at).is_ok_and(|m| m.is_symlink()) {
            return Err(std::io::Error::other(format!("{} is a link", at.display())));
        }
    }
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(path, content)
}

fn broken(what: &str, e: &std::io::Error) -> Fault {
    Fault {
        why: format!("{what}: {e}"),
        retry: Retry::Backoff,
    }
}

/// A folder of one push; gone with it.
struct Folder {
    path: std::path::PathBuf,
}

impl Folder {
    fn new(scratch: &Path) -> Result<Folder, Fault> {
        let path = scratch.join(format!("export-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir_all(&path)
            .map_err(|e| broken("no working folder could be made", &e))?;
        // git wants it absolute: the clone's own folder is the current one of later commands.
        let path = path
            .canonicalize()
            .map_err(|e| broken("the working folder is gone", &e))?;
        Ok(Folder { path })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::warn!(%error, "the working folder of an export could not be removed");
        }
    }
}

struct Git<'a> {
    repository: &'a Repository<'a>,
    home: &'a Path,
}

impl Git<'_> {
    fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home)
            .env("XDG_CONFIG_HOME", self.home)
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "/bin/true")
            // No ext::, no ssh with whatever keys this machine has.
            .env("GIT_ALLOW_PROTOCOL", "https:file")
            .env("GIT_AUTHOR_NAME", "firebell")
            .env("GIT_AUTHOR_EMAIL", "firebell@localhost")
            .env("GIT_COMMITTER_NAME", "firebell")
            .env("GIT_COMMITTER_EMAIL", "firebell@localhost")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let mut settings = vec![
            ("core.hooksPath".to_owned(), "/dev/null".to_owned()),
            ("core.symlinks".to_owned(), "false".to_owned()),
            ("credential.helper".to_owned(), String::new()),
            ("http.followRedirects".to_owned(), "false".to_owned()),
        ];
        let secure = self.repository.address.starts_with("https://");
        if let Some(token) = self.repository.token.filter(|_| secure) {
            let header = format!("Authorization: {}", basic(self.repository.user, token));
            // For this repository's address only.
            settings.push((
                format!("http.{}.extraHeader", self.repository.address),
                header,
            ));
        }
        if let Some(ca) = self.repository.extra_ca {
            settings.push(("http.sslCAInfo".to_owned(), ca.display().to_string()));
        }
        if let Some(proxy) = self.repository.proxy {
            settings.push(("http.proxy".to_owned(), proxy.expose_secret().to_owned()));
        }
        command.env("GIT_CONFIG_COUNT", settings.len().to_string());
        for (n, (key, value)) in settings.into_iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{n}"), key);
            command.env(format!("GIT_CONFIG_VALUE_{n}"), value);
        }
        command
    }

    /// What git says when it succeeds.
    async fn says(&self, folder: &Path, arguments: &[&str]) -> Option<String> {
        let run = self.command(folder, arguments).output();
        let done = tokio::time::timeout(PATIENCE, run).await.ok()?.ok()?;
        done.status
            .success()
            .then(|| String::from_utf8_lossy(&done.stdout).into_owned())
    }

    async fn run(&self, folder: &Path, arguments: &[&str]) -> Result<(), Fault> {
        let what = arguments.first().copied().unwrap_or("git");
        let run = self.command(folder, arguments).output();
        let done = tokio::time::timeout(PATIENCE, run)
            .await
            .map_err(|_| Fault {
                why: format!("git {what} took longer than {} seconds", PATIENCE.as_secs()),
                retry: Retry::Backoff,
            })?;
        let done = done.map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => {
                never("git is not installed here; install it, or remove the export".to_owned())
            }
            _ => broken("git could not be started", &e),
        })?;
        if done.status.success() {
            return Ok(());
        }
        Err(Fault {
            why: format!("git {what} failed: {}", self.words(&done.stderr)),
            // A server that is away, a branch that moved meanwhile, a token that is renewed: all pass.
            retry: Retry::Backoff,
        })
    }

    /// What git complains of, without anything secret and without our folder.
    fn words(&self, stderr: &[u8]) -> String {
        let mut said = String::from_utf8_lossy(stderr).into_owned();
        if let Some(token) = self.repository.token {
            said = said.replace(token.expose_secret(), "…");
        }
        let home = self.home.display().to_string();
        let said = said.replace(&home, "").replace('\n', " ");
        cut(said.trim(), QUOTED_CHARS)
    }
}
