//! A throw-away PostgreSQL cluster, started once per test process and gone with it.
//!
//! A shell stands between: it holds our end of a pipe as its input, and when that closes, however this
//! process ends, it stops the server and removes the folder.

use crate::tools;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// A running server.
pub struct Cluster {
    port: u16,
    /// Where the server keeps everything.
    folder: PathBuf,
    databases: AtomicU32,
    /// Its input is the pipe that keeps the server alive.
    keeper: Child,
}

/// `$1` postgres, `$2` folder, `$3` port; obeys the lines `stop` and `start`. Nothing here is about durability, so nothing waits for the disk.
const KEEPER: &str = r#"
trap '' INT TERM HUP
start() {
    "$1" -D "$2/data" -p "$3" -c listen_addresses=127.0.0.1 -c unix_socket_directories="$2" \
        -c max_connections=300 -c fsync=off -c full_page_writes=off -c logging_collector=off </dev/null &
    server=$!
}
stop() {
    kill -INT "$server"
    wait "$server"
}
start "$@"
while read -r word; do "$word" "$@"; done
stop
rm -rf "$2"
"#;

impl Cluster {
    /// A new empty database.
    pub async fn fresh(&self) -> String {
        let n = self.databases.fetch_add(1, Ordering::Relaxed);
        let mut admin = PgConnection::connect(&self.url("postgres")).await.unwrap();
        let create = AssertSqlSafe(format!("create database t{n}"));
        admin.execute(create).await.unwrap();
        admin.close().await.unwrap();
        self.url(&format!("t{n}"))
    }

    /// Every file of a database as it is on the disk now, by its name and the name of what it is of.
    pub async fn files(&self, url: &str) -> Vec<(String, Vec<u8>)> {
        let mut connection = PgConnection::connect(url).await.unwrap();
        connection.execute("checkpoint").await.unwrap();
        let ask = "select oid::bigint from pg_database where datname = current_database()";
        let oid: i64 = sqlx::query_scalar(ask)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        let ask = "select relfilenode::bigint, relname::text from pg_class";
        let names: BTreeMap<i64, String> = sqlx::query_as(ask)
            .fetch_all(&mut connection)
            .await
            .unwrap()
            .into_iter()
            .collect();
        connection.close().await.unwrap();
        let base = self.folder.join("data/base").join(oid.to_string());
        let entries = std::fs::read_dir(base).unwrap().map(Result::unwrap);
        let read = |entry: std::fs::DirEntry| {
            let file = entry.file_name().to_string_lossy().into_owned();
            let node = file.split(['.', '_']).next().and_then(|n| n.parse().ok());
            let of = node.and_then(|n: i64| names.get(&n));
            let name = of.map_or_else(|| file.clone(), |of| format!("{file} of {of}"));
            (name, std::fs::read(entry.path()).unwrap_or_default())
        };
        entries.map(read).collect()
    }

    /// Stops the server as an administrator would; sessions are cut.
    pub fn stop(&mut self) {
        self.tell("stop");
    }

    /// Starts it again, on the same data and port.
    pub fn start(&mut self) {
        self.tell("start");
    }

    fn tell(&mut self, word: &str) {
        writeln!(self.keeper.stdin.as_mut().unwrap(), "{word}").unwrap();
    }

    /// Whether anybody can connect.
    pub async fn answers(&self) -> bool {
        PgConnection::connect(&self.url("postgres")).await.is_ok()
    }

    fn url(&self, database: &str) -> String {
        let port = self.port;
        format!("postgres://postgres@127.0.0.1:{port}/{database}?sslmode=disable")
    }
}

/// The cluster, or `None` after saying why there is none.
pub fn cluster() -> Option<&'static Cluster> {
    static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
    CLUSTER.get_or_init(start).as_ref()
}

/// A cluster for one test that does to it what others must not see; gone when dropped.
pub fn alone() -> Option<Cluster> {
    start()
}

fn start() -> Option<Cluster> {
    let (initdb, postgres) = (tools::need("initdb")?, tools::need("postgres")?);
    let user = User::for_server()?;
    let mut last = String::new();
    // another program may take the port between our look and the server's start
    for _ in 0..3 {
        let folder = user.folder()?;
        init(&user, &initdb, &folder);
        match launch(&user, &postgres, &folder) {
            Ok(cluster) => return Some(cluster),
            Err(line) => last = line,
        }
    }
    panic!("PostgreSQL did not start; it said: {last}");
}

fn init(user: &User, initdb: &Path, folder: &Path) {
    let made = user
        .command(initdb)
        .args(["--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8"])
        .arg("--locale=C.UTF-8")
        .arg("-D")
        .arg(folder.join("data"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "initdb failed: {said}");
}

/// The running cluster, or the line that says why it does not run.
fn launch(user: &User, postgres: &Path, folder: &Path) -> Result<Cluster, String> {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let mut keeper = user
        .command(Path::new("sh"))
        .args(["-c", KEEPER, "sh"])
        .args([postgres, folder])
        .arg(port.to_string())
        // a Ctrl-C in the terminal reaches us and, through the pipe, the server; not both at once
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(keeper.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let end = lines.find(|line| {
        line.contains("ready to accept connections")
            || line.contains("FATAL")
            || line.contains("database system is shut down")
    });
    // the server must always find somebody to read what it says
    std::thread::spawn(move || lines.for_each(drop));
    match end {
        Some(line) if line.contains("ready") => Ok(Cluster {
            port,
            folder: folder.to_owned(),
            databases: AtomicU32::new(0),
            keeper,
        }),
        other => {
            // the keeper cleans up once its input is closed
            drop(keeper.stdin.take());
            keeper.wait().unwrap();
            Err(other.unwrap_or_default())
        }
    }
}

/// Who the server runs as: PostgreSQL refuses root.
enum User {
    Ourselves,
    Postgres { runuser: PathBuf },
}

impl User {
    fn for_server() -> Option<User> {
        if !rustix::process::geteuid().is_root() {
            return Some(User::Ourselves);
        }
        let runuser = tools::need("runuser")?;
        let user = User::Postgres { runuser };
        let exists = user.command(Path::new("true")).output().unwrap();
        if !exists.status.success() {
            tools::skip("PostgreSQL does not run as root, and there is no user postgres");
            return None;
        }
        Some(user)
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = match self {
            User::Ourselves => Command::new(program),
            User::Postgres { runuser } => {
                let mut command = Command::new(runuser);
                command.args(["-u", "postgres", "--"]).arg(program);
                command
            }
        };
        // a folder the user may not enter is not a place to start from
        command.current_dir("/");
        command
    }

    /// A new folder of the user's own. `TMPDIR` may be closed to others; `/tmp` is not.
    fn folder(&self) -> Option<PathBuf> {
        let parents = [std::env::temp_dir(), PathBuf::from("/tmp")];
        let made = parents.iter().find_map(|parent| {
            let template = parent.join("firebell-pg.XXXXXX");
            let made = self
                .command(Path::new("mktemp"))
                .arg("-d")
                .arg(template)
                .output();
            let made = made.ok().filter(|made| made.status.success())?;
            Some(PathBuf::from(
                String::from_utf8(made.stdout).ok()?.trim_end(),
            ))
        });
        if made.is_none() {
            tools::skip("no scratch folder PostgreSQL's user may write in");
        }
        made
    }
}
