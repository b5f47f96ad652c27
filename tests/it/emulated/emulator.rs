//! An emulator as a process of its own, and its driver in `tests/emulators`: told what to do by lines
//! of JSON, gone with the test however that ends.

use crate::process::PATIENCE;
use crate::tools;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A running emulator. Killed when dropped; should the test be killed itself, the driver ends because
/// its stdin does.
pub struct Emulator {
    child: Child,
    asks: ChildStdin,
    tells: Lines<BufReader<ChildStdout>>,
    said: tempfile::NamedTempFile,
    /// What it told when it was ready.
    pub ready: Value,
}

/// Where something of the packages is, or `None` after saying that the test is skipped.
fn packages(entry: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/emulators/node_modules");
    if folder.join(entry).is_file() {
        return Some(folder);
    }
    tools::skip(&format!(
        "{entry} is not in {}; install it as .ci/run does",
        folder.display()
    ));
    None
}

impl Emulator {
    /// Starts a driver, `slack` or `discord`, that needs `entry`. `None`: something is missing here.
    pub async fn start(driver: &str, entry: &str, argument: &str) -> Option<Emulator> {
        let node = tools::need("node")?;
        let packages = packages(entry)?;
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/emulators");
        let said = tempfile::NamedTempFile::new().unwrap();
        let mut command = Command::new(node);
        command.arg(scripts.join(format!("{driver}.mjs")));
        command.arg(packages).arg(argument);
        // Neither a proxy nor anybody's settings of Node have a part in this.
        command.env_clear().kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(said.reopen().unwrap());
        let mut child = command.spawn().unwrap();
        let mut emulator = Emulator {
            asks: child.stdin.take().unwrap(),
            tells: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
            said,
            ready: Value::Null,
        };
        emulator.ready = emulator.told().await;
        Some(emulator)
    }

    /// Where it listens: on loopback, on a port of its own choice.
    pub fn origin(&self) -> String {
        format!("127.0.0.1:{}", self.ready["port"])
    }

    /// Has it done, and answers what came of it.
    pub async fn asks(&mut self, what: &Value) -> Value {
        let line = format!("{what}\n");
        self.asks.write_all(line.as_bytes()).await.unwrap();
        let told = self.told().await;
        assert!(told.get("done").is_some(), "{what}: {told}");
        told["done"].clone()
    }

    async fn told(&mut self) -> Value {
        let line = tokio::time::timeout(PATIENCE, self.tells.next_line()).await;
        let Ok(Ok(Some(line))) = line else {
            let said = std::fs::read_to_string(self.said.path()).unwrap_or_default();
            let ended = self.child.try_wait();
            panic!("the emulator says nothing ({ended:?}): {said}");
        };
        serde_json::from_str(&line).unwrap()
    }
}
