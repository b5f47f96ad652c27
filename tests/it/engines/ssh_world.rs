//! A real sshd on the loopback, with its own keys and configuration, and `deploy/firebell-ssh-run`
//! behind a forced command.
//!
//! As root it lets in the unprivileged account `firebell-test`, which `.ci/run` makes; otherwise
//! the account that runs the test.

#![expect(clippy::unused_self, reason = "every world makes its runs alike")]

use super::conformance::{Does, Engine};
use super::proxy::Proxy;
use super::{job, until};
use crate::tools;
use firebell::config::engines::SshServer;
use firebell::core::directory::{How, SshRun};
use firebell::run::port::{Answer, Executor, Job};
use firebell::run::ssh::SshExecutor;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

const ACCOUNT: &str = "firebell-test";

pub struct SshWorld {
    folder: TempDir,
    pub user: String,
    pub proxy: Proxy,
    sshd: Child,
}

pub async fn up() -> Option<SshWorld> {
    let (sshd, keygen) = (tools::need("sshd")?, tools::need("ssh-keygen")?);
    for other in ["ssh", "python3"] {
        tools::need(other)?;
    }
    let root = rustix::process::geteuid().is_root();
    let user = if root { ACCOUNT.to_owned() } else { whoami() };
    if root
        && Command::new("id")
            .arg(&user)
            .output()
            .is_ok_and(|o| !o.status.success())
    {
        tools::skip(
            "no account firebell-test; make it with: useradd --system --create-home --shell /bin/sh --password '*' firebell-test",
        );
        return None;
    }
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    for (name, mode) in [
        ("", 0o755),
        ("allow", 0o755),
        ("home", 0o777),
        ("spool", 0o777),
    ] {
        let path = at.join(name);
        std::fs::create_dir_all(&path).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    }
    for key in ["host", "other_host", "client", "stranger"] {
        let made = Command::new(&keygen)
            .args(["-q", "-t", "ed25519", "-N", "", "-C", key, "-f"])
            .arg(at.join(key))
            .status();
        assert!(made.unwrap().success());
    }
    programs(at);
    let port = free_port();
    write(at, "sshd_config", 0o644, &config(at, &user, port));
    let public = std::fs::read_to_string(at.join("client.pub")).unwrap();
    let line = format!(
        "restrict,command=\"{}\" {public}",
        at.join("gate").display()
    );
    write(at, "authorized_keys", 0o644, &line);
    if root {
        // Where sshd puts its unprivileged half; its package makes the folder when it is started.
        std::fs::create_dir_all("/run/sshd").unwrap();
    }
    let child = Command::new(sshd)
        .args(["-D", "-e", "-f"])
        .arg(at.join("sshd_config"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(at.join("sshd.log")).unwrap())
        .spawn()
        .unwrap();
    let addr = format!("127.0.0.1:{port}").parse().unwrap();
    let proxy = Proxy::before(addr).await;
    let world = SshWorld {
        folder,
        user,
        proxy,
        sshd: child,
    };
    world.know("host");
    until("sshd listens", || {
        std::net::TcpStream::connect(addr).is_ok()
    })
    .await;
    Some(world)
}

impl Drop for SshWorld {
    fn drop(&mut self) {
        // The listener goes; what it watched ends with its programs, which wait for `release`.
        self.release();
        let _ = self.sshd.kill();
        let _ = self.sshd.wait();
    }
}

fn whoami() -> String {
    let said = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(said.stdout).unwrap().trim().to_owned()
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn write(at: &Path, name: &str, mode: u32, text: &str) {
    let path = at.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
}

fn config(at: &Path, user: &str, port: u16) -> String {
    let at = at.display();
    format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {at}/host\nPidFile {at}/sshd.pid\n\
         AuthorizedKeysFile {at}/authorized_keys\nStrictModes no\nUsePAM no\nAllowUsers {user}\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nPubkeyAuthentication yes\n\
         AllowTcpForwarding no\nX11Forwarding no\nPrintMotd no\nMaxStartups 100\nLogLevel VERBOSE\n"
    )
}

/// What the account may run, and what a run does. Each run adds its key to `home/runs`.
fn programs(at: &Path) {
    let helper = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/firebell-ssh-run");
    // The helper is copied: the account may not see the sources.
    write(
        at,
        "firebell-ssh-run",
        0o755,
        &std::fs::read_to_string(helper).unwrap(),
    );
    let dir = at.display();
    let gate = format!(
        "#!/bin/sh\ncase \"$SSH_ORIGINAL_COMMAND\" in\n\
         plain*) exec {dir}/plain ;;\nesac\n\
         if [ -e {dir}/home/drop ]; then\n  rm {dir}/home/drop\n  \
         {dir}/firebell-ssh-run --allow {dir}/allow --spool {dir}/spool >{dir}/home/swallowed\n  \
         kill -9 $PPID\n  exit 1\nfi\n\
         exec {dir}/firebell-ssh-run --allow {dir}/allow --spool {dir}/spool\n"
    );
    write(at, "gate", 0o755, &gate);
    let count = format!("read -r line; printf '%s\\n' \"$line\" >>{dir}/home/runs\n");
    let wait = format!("while [ ! -e {dir}/home/release ]; do sleep 0.05; done\n");
    for (name, text) in [
        (
            "lines",
            "for n in 1 2 3 4; do echo line $n; sleep 0.1; done\n".to_owned(),
        ),
        ("long", format!("echo begun\n{wait}echo done\n")),
        ("fails", "echo bad >&2\nexit 7\n".to_owned()),
        (
            "show",
            "for a in \"$@\"; do printf '<%s>\\n' \"$a\"; done\n".to_owned(),
        ),
        // Ignores the first wish, and leaves somebody behind who left its group as well.
        (
            "stubborn",
            format!(
                "trap '' TERM\nsetsid sleep 1000 & echo $! >{dir}/home/left\necho begun\n{wait}"
            ),
        ),
        ("killed", "kill -9 $$\n".to_owned()),
        ("much", "yes 0123456789abcde | head -c 3000000\n".to_owned()),
    ] {
        write(
            &at.join("allow"),
            name,
            0o755,
            &format!("#!/bin/sh\n{count}{text}"),
        );
    }
    let plain = format!(
        "#!/bin/sh\n{count}printf '%s\\n' \"$line\"\necho to stderr >&2\n\
         case \"$line\" in\n*waits*) echo begun\n{wait};;\n*fails*) exit 9 ;;\n*killed*) kill -9 $$ ;;\nesac\necho done\n"
    );
    write(at, "plain", 0o755, &plain);
}

impl SshWorld {
    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Which host key is the known one.
    pub fn know(&self, key: &str) {
        let public = std::fs::read_to_string(self.at(&format!("{key}.pub"))).unwrap();
        let port = self.proxy.addr.port();
        write(
            self.folder.path(),
            "known hosts",
            0o644,
            &format!("[127.0.0.1]:{port} {public}"),
        );
    }

    pub fn server(&self) -> SshServer {
        SshServer {
            name: "main".to_owned(),
            program: tools::need("ssh").unwrap(),
            user: self.user.clone(),
            port: self.proxy.addr.port(),
            identity_file: Some(self.at("client")),
            known_hosts: Some(self.at("known hosts")),
            connect_timeout_ms: 10_000,
        }
    }

    pub fn with(&self, change: impl FnOnce(&mut SshServer)) -> SshExecutor {
        let mut server = self.server();
        change(&mut server);
        let servers = BTreeMap::from([("main".to_owned(), server)]);
        SshExecutor::new(servers, self.at("scratch"))
    }

    pub fn run(&self, command: &str, argv: &[&str]) -> Job {
        let run = SshRun {
            server: "main".to_owned(),
            host: "127.0.0.1".to_owned(),
            command: command.to_owned(),
            ..SshRun::default()
        };
        job(How::Ssh(run), argv)
    }

    /// A program of the folder that is allowed, by the helper.
    pub fn helped(&self, program: &str, args: &[&str]) -> Job {
        let path = self.at("allow").join(program);
        let mut argv = vec![path.to_str().unwrap()];
        argv.extend(args);
        self.run("firebell-ssh-run", &argv)
    }

    /// What the runs read on their standard input.
    pub fn lines(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.at("home/runs")).unwrap_or_default();
        text.lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.at("sshd.log")).unwrap_or_default()
    }
}

impl Engine for SshWorld {
    fn executor(&self) -> Box<dyn Executor> {
        Box::new(self.with(|_| {}))
    }

    fn stranger(&self) -> Option<Box<dyn Executor>> {
        Some(Box::new(
            self.with(|s| s.identity_file = Some(self.at("stranger"))),
        ))
    }

    fn job(&self, does: Does) -> Job {
        match does {
            Does::Lines => self.helped("lines", &[]),
            Does::Long => self.helped("long", &[]),
            Does::Fails => self.helped("fails", &[]),
        }
    }

    fn runs(&self, job: &Job) -> usize {
        self.lines()
            .iter()
            .filter(|line| line["run"] == *job.key)
            .count()
    }

    fn release(&self) {
        write(self.folder.path(), "home/release", 0o644, "");
    }

    fn lose_the_next_answer(&self) {
        write(self.folder.path(), "home/drop", 0o666, "");
    }

    fn restart<'a>(&'a self, job: &'a Job) -> Answer<'a, ()> {
        Box::pin(async move {
            // What watches the run there is killed, with the program: as when the machine goes down.
            let spool = self.at("spool").join(&job.key);
            for pid in holders(&spool.join("claim"), &job.key) {
                let _ = Command::new("kill").args(["-9", &pid]).status();
            }
        })
    }

    fn lose(&self) {
        self.proxy.lose();
    }

    fn find_again(&self) {
        self.proxy.find_again();
    }

    fn after_its_restart(&self) -> &'static str {
        "unknown"
    }
}

/// Processes that have this file open, and the program of the run.
fn holders(file: &Path, key: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let pid = entry.file_name().into_string().unwrap_or_default();
        if !pid.bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        let fds = std::fs::read_dir(entry.path().join("fd"));
        let open = fds.into_iter().flatten().flatten();
        if open
            .into_iter()
            .any(|fd| std::fs::read_link(fd.path()).is_ok_and(|to| to == file))
        {
            found.push(pid);
        }
    }
    assert!(!found.is_empty(), "nobody watches {key}");
    found
}
