//! One call of the system's `ssh`.

use super::Target;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::{Child, Command};

/// What `ssh` writes into its log at this level before it sends the command (clientloop.c,
/// `client_session2_setup`). Without it the command was not sent.
const SENDS: &str = "debug1: Sending command";

/// Of the log, this much is read.
const LOG_BYTES: usize = 256 * 1024;

/// A call under way. Dropping it ends the `ssh` process.
pub(super) struct Call {
    pub child: Child,
    folder: PathBuf,
}

impl Call {
    /// Starts `ssh` with all three streams piped.
    pub fn begin(target: &Target<'_>, key: &str) -> Result<Call, String> {
        let server = target.server;
        let folder = folder(target.scratch, key)?;
        let mut command = Command::new(&server.program);
        command
            .env_clear()
            .args(["-T", "-F", "none", "-E"])
            .arg(folder.join("log"))
            .args([
                "-oLogLevel=DEBUG1",
                "-oBatchMode=yes",
                "-oStrictHostKeyChecking=yes",
                "-oUpdateHostKeys=no",
                "-oServerAliveInterval=5",
                "-oServerAliveCountMax=3",
                "-oControlMaster=no",
                "-oControlPath=none",
                "-oForwardAgent=no",
                "-oForwardX11=no",
                "-oClearAllForwardings=yes",
                "-oPermitLocalCommand=no",
                "-oEscapeChar=none",
                "-oConnectionAttempts=1",
            ])
            .arg(format!(
                "-oConnectTimeout={}",
                (server.connect_timeout_ms / 1000).max(1)
            ));
        if let Some(identity) = &server.identity_file {
            command
                .args(["-oIdentitiesOnly=yes", "-oIdentityAgent=none", "-i"])
                .arg(identity);
        } else if let Some(agent) = std::env::var_os("SSH_AUTH_SOCK") {
            command.env("SSH_AUTH_SOCK", agent);
        }
        if let Some(known) = &server.known_hosts {
            let known = option_path(known)?;
            command
                .arg(format!("-oUserKnownHostsFile={known}"))
                .arg("-oGlobalKnownHostsFile=/dev/null");
        }
        command
            .args(["-l", &server.user, "-p", &server.port.to_string(), "--"])
            .args([&target.host, &target.run.command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let child = command.spawn().map_err(|e| {
            // The folder would stay behind; nothing else does.
            let _ = std::fs::remove_dir_all(&folder);
            format!("{} cannot be started: {e}", server.program.display())
        })?;
        Ok(Call { child, folder })
    }

    /// Whether `ssh` has said that it sends the command.
    pub fn sent(&self) -> bool {
        self.log().lines().any(|line| line.starts_with(SENDS))
    }

    /// `ssh`'s last words: why it gave up.
    pub fn words(&self) -> String {
        let log = self.log();
        let said = log.lines().rev().find(|line| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with("debug") && !line.starts_with("OpenSSH_")
        });
        said.map_or_else(
            || "ssh gives no reason".to_owned(),
            |line| super::super::wire::quoted(line, &[]),
        )
    }

    fn log(&self) -> String {
        let bytes = std::fs::read(self.folder.join("log")).unwrap_or_default();
        let from = bytes.len().saturating_sub(LOG_BYTES);
        String::from_utf8_lossy(&bytes[from..]).into_owned()
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // A log that stays behind does no harm; its folder is swept with the scratch folder.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A fresh folder nobody else can write into.
fn folder(scratch: &Path, key: &str) -> Result<PathBuf, String> {
    let unmade = |e: std::io::Error| format!("no folder for ssh in {}: {e}", scratch.display());
    std::fs::create_dir_all(scratch).map_err(unmade)?;
    let name = format!("ssh-{key}-{}", uuid::Uuid::new_v4().simple());
    let folder = scratch.join(name);
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(&folder)
        .map_err(unmade)?;
    Ok(folder)
}

/// A path as `-o` reads it: quoted, `%` doubled.
fn option_path(path: &Path) -> Result<String, String> {
    let text = path.to_str().filter(|t| !t.contains(['"', '\n', '\\']));
    let text = text.ok_or_else(|| format!("ssh cannot be told the path {}", path.display()))?;
    Ok(format!("\"{}\"", text.replace('%', "%%")))
}
