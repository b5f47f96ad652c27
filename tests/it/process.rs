//! The real program as a process of its own: on a free port, with its own folder, gone with the test.

use reqwest::{Client, StatusCode};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fmt::Debug;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// How long anything may take on a machine that builds and tests many things at once.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// From one look to the next.
const LOOK: Duration = Duration::from_millis(50);

/// A running firebell. Killed when dropped.
pub struct Firebell {
    mode: Mode,
    /// The folder with `firebell.toml`.
    folder: PathBuf,
    address: String,
    child: Child,
    /// What it wrote, one pair of files per start; and the demo's own folder.
    scratch: tempfile::TempDir,
    starts: u32,
    client: Client,
    /// When it was last started.
    pub started: Instant,
}

#[derive(Clone, Copy)]
enum Mode {
    Demo { quiet: bool },
    Serve,
}

impl Firebell {
    /// `firebell demo` on a new folder, ready.
    pub async fn demo(quiet: bool) -> Firebell {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("demo");
        Firebell::begin(Mode::Demo { quiet }, folder, scratch).await
    }

    /// `firebell serve` on the `firebell.toml` in `folder`, ready. Its `listen` is overridden by a free
    /// port; its tokens are read from `secrets/api-token` and `secrets/ingest-token` when asked for.
    pub async fn serve(folder: &Path) -> Firebell {
        let scratch = tempfile::tempdir().unwrap();
        Firebell::begin(Mode::Serve, folder.to_owned(), scratch).await
    }

    async fn begin(mode: Mode, folder: PathBuf, scratch: tempfile::TempDir) -> Firebell {
        let address = free_address();
        let child = spawn(mode, &folder, &address, scratch.path(), 1);
        let client = Client::builder().no_proxy().timeout(PATIENCE);
        let mut firebell = Firebell {
            mode,
            folder,
            address,
            child,
            scratch,
            starts: 1,
            client: client.build().unwrap(),
            started: Instant::now(),
        };
        firebell.ready().await;
        firebell
    }

    /// Of the running process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The folder with `firebell.toml`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// For `/api/v1`.
    pub fn api_token(&self) -> String {
        self.secret("api-token")
    }

    /// For the ingest paths.
    pub fn ingest_token(&self) -> String {
        self.secret("ingest-token")
    }

    fn secret(&self, name: &str) -> String {
        let path = self.folder.join("secrets").join(name);
        let text = std::fs::read_to_string(&path);
        let text = text.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        text.trim().to_owned()
    }

    /// What a path below `/api` answers; it must answer 200.
    pub async fn get_json(&self, path: &str) -> Value {
        let text = self.get_text(path).await;
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e} in {text}"))
    }

    /// What any path answers to the API token; it must answer 200.
    pub async fn get_text(&self, path: &str) -> String {
        let request = self.client.get(format!("{}{path}", self.url()));
        let answer = request.bearer_auth(self.api_token()).send().await;
        let answer = answer.unwrap_or_else(|e| panic!("{path}: {e}\n{}", self.log()));
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        text
    }

    /// Posts JSON with the API token; it must be accepted.
    pub async fn post_api(&self, path: &str, body: &Value) -> Value {
        let text = self.post(path, &self.api_token(), body).await;
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e} in {text}"))
    }

    /// Posts JSON with the ingest token; it must be accepted.
    pub async fn post_ingest(&self, path: &str, body: &Value) -> String {
        self.post(path, &self.ingest_token(), body).await
    }

    async fn post(&self, path: &str, token: &str, body: &Value) -> String {
        let request = self.client.post(format!("{}{path}", self.url()));
        let answer = request.bearer_auth(token).json(body).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        text
    }

    /// SIGKILL: no chance to say goodbye.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts again on the same folder and address, after [`Firebell::kill`] or [`Firebell::stop`].
    pub async fn restart(&mut self) {
        let ended = self.child.try_wait().unwrap();
        assert!(
            ended.is_some(),
            "firebell must have ended before it starts again"
        );
        self.starts += 1;
        self.started = Instant::now();
        self.child = spawn(
            self.mode,
            &self.folder,
            &self.address,
            self.scratch.path(),
            self.starts,
        );
        self.ready().await;
    }

    /// SIGINT, as Ctrl-C sends it; it must end by itself with exit code 0.
    pub async fn stop(&mut self) {
        let id = Pid::from_child(&self.child);
        kill_process(id, Signal::INT).unwrap();
        let child = &mut self.child;
        let ended = until("firebell ends after SIGINT", PATIENCE, async || {
            child.try_wait().unwrap().ok_or("it still runs")
        })
        .await;
        assert_eq!(ended.code(), Some(0), "{ended}\n{}", self.log());
    }

    /// What the current start has written to stdout.
    pub fn stdout(&self) -> String {
        let path = self.scratch.path().join(format!("{}.out", self.starts));
        std::fs::read_to_string(path).unwrap()
    }

    /// What the current start has written to stderr.
    pub fn log(&self) -> String {
        let path = self.scratch.path().join(format!("{}.err", self.starts));
        // Also asked for while a test fails: that must not fail on top.
        std::fs::read_to_string(path).unwrap_or_default()
    }

    /// Runs another `firebell` on the same configuration to its end: `["export", "1"]`.
    pub fn command(&self, args: &[&str]) -> Output {
        let mut command = program();
        command.args(args);
        command
            .arg("--config")
            .arg(self.folder.join("firebell.toml"));
        command.stdin(Stdio::null()).output().unwrap()
    }

    async fn ready(&mut self) {
        let url = format!("{}/readyz", self.url());
        let (client, child) = (&self.client, &mut self.child);
        let look = async || {
            if let Some(status) = child.try_wait().unwrap() {
                return Ok(Err(status));
            }
            match client.get(&url).send().await {
                Ok(answer) if answer.status() == StatusCode::OK => Ok(Ok(())),
                Ok(answer) => Err(format!("/readyz answers {}", answer.status())),
                Err(e) => Err(e.to_string()),
            }
        };
        let outcome: Result<(), ExitStatus> = until("firebell is ready", PATIENCE, look).await;
        if let Err(status) = outcome {
            panic!(
                "firebell ended ({status}) before it was ready:\n{}",
                self.log()
            );
        }
    }
}

impl Drop for Firebell {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("firebell said:\n{}", self.log());
        }
    }
}

/// The real program with nothing of our environment but the way to other programs.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_firebell"));
    command.env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

fn spawn(mode: Mode, folder: &Path, address: &str, logs: &Path, start: u32) -> Child {
    let mut command = program();
    match mode {
        Mode::Demo { quiet } => {
            command.args(["demo", "--listen", address, "--data"]);
            command.arg(folder).args(quiet.then_some("--quiet"));
        }
        Mode::Serve => {
            command.arg("serve").arg("--config");
            command.arg(folder.join("firebell.toml"));
            command.env("FIREBELL__LISTEN", address);
        }
    }
    let file = |end| File::create(logs.join(format!("{start}.{end}"))).unwrap();
    command.stdin(Stdio::null());
    command.stdout(file("out")).stderr(file("err"));
    command.spawn().unwrap()
}

/// Lets some time go by: another process is to be met at a random moment.
pub async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

/// A loopback address nobody listens on at the moment.
pub fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Looks until there is something; after `patience`, fails with what was seen last.
pub async fn until<T, E: Debug>(
    what: &str,
    patience: Duration,
    mut look: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let deadline = Instant::now() + patience;
    let mut looks = tokio::time::interval(LOOK);
    loop {
        looks.tick().await;
        match look().await {
            Ok(found) => return found,
            Err(seen) => assert!(
                Instant::now() < deadline,
                "waited {patience:?} until {what}; last seen: {seen:?}"
            ),
        }
    }
}
