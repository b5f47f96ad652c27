//! `[ssh.NAME]`, `[rundeck.NAME]` and `[kubernetes.NAME]`: what carries out actions elsewhere, and
//! how it is reached. Actions name a connection; addresses and secrets stand here, once.

use super::chat;
use super::folders::check_id;
use super::reader::{Said, Table};
use super::secret::Secrets;
use super::settings::{loopback_host, web_address};
use super::tree::Kind;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The API versions of Rundeck whose replies firebell reads.
const RUNDECK_API: std::ops::RangeInclusive<i64> = 41..=59;
/// Rundeck's own version of 2023, understood by everything newer.
const RUNDECK_USUAL: i64 = 41;
/// A call that takes longer is taken for failed.
const TIMEOUT_MS: i64 = 10_000;

/// Every connection, by its name.
#[derive(Clone, Debug, Default)]
pub struct Engines {
    /// `[ssh.NAME]`
    pub ssh: BTreeMap<String, SshServer>,
    /// `[rundeck.NAME]`
    pub rundeck: BTreeMap<String, RundeckServer>,
    /// `[kubernetes.NAME]`
    pub kubernetes: BTreeMap<String, Cluster>,
}

/// How machines are reached by `ssh`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshServer {
    /// As actions name it.
    pub name: String,
    /// The client, an absolute path.
    pub program: PathBuf,
    /// The account on the other side.
    pub user: String,
    /// 22 unless set.
    pub port: u16,
    /// The private key; `None`: what `ssh` finds itself.
    pub identity_file: Option<PathBuf>,
    /// The known host keys; `None`: those of `ssh` itself. An unknown host is always refused.
    pub known_hosts: Option<PathBuf>,
    /// A host that does not answer for this long is not reached, milliseconds.
    pub connect_timeout_ms: i64,
}

/// A Rundeck server.
#[derive(Clone, Debug)]
pub struct RundeckServer {
    /// As actions name it.
    pub name: String,
    /// Base address, without `/api` and without a slash at its end.
    pub url: String,
    /// Of the header `X-Rundeck-Auth-Token`.
    pub token: SecretString,
    /// The version in its paths.
    pub api_version: u16,
    /// The way there.
    pub way: Way,
}

/// A Kubernetes cluster.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// As actions name it.
    pub name: String,
    /// Who firebell is there.
    pub access: Access,
    /// The way there.
    pub way: Way,
}

/// How a cluster is reached, and who firebell is there.
#[derive(Clone, Debug)]
pub enum Access {
    /// By an address and a token.
    Token {
        /// Of the API server, without a slash at its end.
        url: String,
        /// The bearer token as it was at start.
        token: SecretString,
        /// Where it came from, when from a file: clusters replace it, so it is read again.
        token_file: Option<PathBuf>,
    },
    /// By a kubeconfig.
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// One of its contexts; `None`: its current one.
        context: Option<String>,
    },
    /// By the service account of the pod firebell runs in.
    InCluster,
}

/// How an HTTP API is reached.
#[derive(Clone, Debug)]
pub struct Way {
    /// HTTP proxy; may hold a password.
    pub proxy: Option<SecretString>,
    /// PEM file of a certificate authority trusted besides the usual ones.
    pub extra_ca: Option<PathBuf>,
    /// A call that takes longer is taken for failed, milliseconds.
    pub timeout_ms: i64,
}

/// Every connection of `firebell.toml`.
pub(super) fn engines(root: &Table<'_>, secrets: &Secrets<'_>) -> Engines {
    let mut engines = Engines::default();
    for (name, table) in named(root, "ssh", "[ssh.NAME]") {
        if let Some(server) = ssh(&name, &table, secrets) {
            engines.ssh.insert(name, server);
        }
        table.done();
    }
    for (name, table) in named(root, "rundeck", "[rundeck.NAME]") {
        if let Some(server) = rundeck(&name, &table, secrets) {
            engines.rundeck.insert(name, server);
        }
        table.done();
    }
    for (name, table) in named(root, "kubernetes", "[kubernetes.NAME]") {
        if let Some(cluster) = cluster(&name, &table, secrets) {
            engines.kubernetes.insert(name, cluster);
        }
        table.done();
    }
    engines
}

/// The tables below a key, each with a name that can be an id.
fn named<'a>(root: &Table<'a>, key: &'static str, title: &'static str) -> Vec<(String, Table<'a>)> {
    let tables = root.named(key, title);
    for (name, table) in &tables {
        if let Err(why) = check_id(name) {
            let what = format!("{title} cannot be called {name:?}: {why}");
            root.sink.fault(&table.place, what, "give it another name");
        }
    }
    tables
}

fn ssh(name: &str, table: &Table<'_>, secrets: &Secrets<'_>) -> Option<SshServer> {
    let user = table
        .need_text("user", "\"firebell\"")
        .filter(|said| account(table, said));
    let path = |key| table.text(key).map(|s| secrets.base.join(s.value));
    let there = |key: &'static str, path: &Option<PathBuf>| {
        if let Some(path) = path.as_ref().filter(|p| !p.is_file()) {
            let what = format!("`{key}` leads to {}, which is not a file", path.display());
            table
                .sink
                .fault(&table.place_of(key), what, "create it, or correct the path");
        }
    };
    let (identity_file, known_hosts) = (path("identity-file"), path("known-hosts"));
    there("identity-file", &identity_file);
    there("known-hosts", &known_hosts);
    let program = table.text("program");
    if let Some(said) = program.as_ref().filter(|s| !s.value.starts_with('/')) {
        let what = format!("`program` cannot be {:?}", said.value);
        let fix = "write its whole path, such as \"/usr/bin/ssh\"";
        table.sink.fault(&said.place, what, fix);
    }
    let port = table.int("port", 1..=65_535).unwrap_or(22);
    let connect_timeout_ms = table
        .duration_ms("connect-timeout", 1000..=60_000)
        .unwrap_or(TIMEOUT_MS);
    Some(SshServer {
        name: name.to_owned(),
        program: program.map_or_else(|| PathBuf::from("/usr/bin/ssh"), |s| s.value.into()),
        user: user?.value,
        port: u16::try_from(port).unwrap_or(22),
        identity_file,
        known_hosts,
        connect_timeout_ms,
    })
}

/// Whether a text can be an account: `ssh` would read anything else as something else.
fn account(table: &Table<'_>, said: &Said<String>) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let good = said.value.len() <= 32
        && said.value.bytes().all(plain)
        && !said.value.starts_with(['-', '.']);
    if !good {
        let what = format!("`user` cannot be {:?}", said.value);
        let fix = "write the account's name: letters, digits, -, _ and .";
        table.sink.fault(&said.place, what, fix);
    }
    good
}

fn rundeck(name: &str, table: &Table<'_>, secrets: &Secrets<'_>) -> Option<RundeckServer> {
    let url = base(table, "url", "https://rundeck.example.org", true);
    let token = chat::secret(table, secrets, "token", true);
    let version = table.int("api-version", RUNDECK_API);
    let way = way(table, secrets);
    Some(RundeckServer {
        name: name.to_owned(),
        url: url?,
        token: token?,
        api_version: u16::try_from(version.unwrap_or(RUNDECK_USUAL)).unwrap_or(41),
        way,
    })
}

fn cluster(name: &str, table: &Table<'_>, secrets: &Secrets<'_>) -> Option<Cluster> {
    let ways = ["url", "kubeconfig", "in-cluster"];
    let given: Vec<&str> = ways.into_iter().filter(|key| table.has(key)).collect();
    let way = way(table, secrets);
    let inside = table.flag("in-cluster");
    let kubeconfig = table.text("kubeconfig");
    let context = table.text("context");
    let url = base(table, "url", "https://kubernetes.example.org:6443", false);
    let said = table.text("token");
    if given.len() != 1 || inside == Some(false) {
        table.sink.fault(
            &table.place,
            "a cluster is reached in exactly one way",
            "write url = \"https://…\" with token = \"file:/path\", or kubeconfig = \"/path\", or in-cluster = true",
        );
        return None;
    }
    for (key, owner, there) in [
        ("token", "url", said.is_some()),
        ("context", "kubeconfig", context.is_some()),
    ] {
        if there && given[0] != owner {
            let what = format!("`{key}` belongs to `{owner}`");
            table.sink.fault(
                &table.place_of(key),
                what,
                format!("remove it, or add {owner}"),
            );
        }
    }
    let access = match given[0] {
        "url" => {
            let token = chat::secret(table, secrets, "token", true);
            let file = said.as_ref().and_then(|s| s.value.strip_prefix("file:"));
            Access::Token {
                url: url?,
                token: token?,
                token_file: file.map(|path| secrets.base.join(Path::new(path.trim()))),
            }
        }
        "kubeconfig" => {
            let said = kubeconfig?;
            let path = secrets.base.join(&said.value);
            if !path.is_file() {
                let what = format!(
                    "`kubeconfig` leads to {}, which is not a file",
                    path.display()
                );
                table
                    .sink
                    .fault(&said.place, what, "create it, or correct the path");
            }
            Access::Kubeconfig {
                path,
                context: context.map(|c| c.value),
            }
        }
        _ => Access::InCluster,
    };
    Some(Cluster {
        name: name.to_owned(),
        access,
        way,
    })
}

/// The base address of an API that gets a token.
fn base(table: &Table<'_>, key: &'static str, example: &str, needed: bool) -> Option<String> {
    let said = if needed {
        table.need_text(key, &format!("{example:?}"))?
    } else {
        table.text(key)?
    };
    let host = web_address(&said.value);
    let open = said.value.starts_with("http:") && !host.as_ref().is_some_and(|h| loopback_host(h));
    let more = said.value.contains(['?', '#', '@']);
    if host.is_none() || open || more {
        let what = format!(
            "`{key}` cannot be {:?}: the token is sent there",
            said.value
        );
        let fix = format!("write an https address such as {example:?}");
        table.sink.fault(&said.place, what, fix);
        return None;
    }
    Some(said.value.trim_end_matches('/').to_owned())
}

fn way(table: &Table<'_>, secrets: &Secrets<'_>) -> Way {
    let net = chat::way(table, secrets);
    Way {
        proxy: net.0,
        extra_ca: net.1,
        timeout_ms: table
            .duration_ms("timeout", 100..=60_000)
            .unwrap_or(TIMEOUT_MS),
    }
}

/// The lists of names `type = "ref"` draws from: `[inventory]`.
#[derive(Default)]
pub(super) struct Inventory(BTreeMap<String, Vec<String>>);

/// Names of one list; an argument's choices are looked through at every keystroke.
const NAMES_MAX: usize = 10_000;
/// Characters of a name: a host name has no more.
const NAME_MAX: usize = 253;

impl Inventory {
    /// A list by its name.
    pub fn list(&self, name: &str) -> Option<&Vec<String>> {
        self.0.get(name)
    }

    /// The names of the lists.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// `[inventory]`: each key is a list of names, or the path of a file with one name a line.
pub(super) fn inventory(root: &Table<'_>, secrets: &Secrets<'_>) -> Inventory {
    let mut lists = BTreeMap::new();
    for (name, node) in root.entries_of("inventory", "[inventory]") {
        if let Err(why) = check_id(name) {
            let what = format!("a list cannot be called {name:?}: {why}");
            root.sink.fault(&node.place, what, "give it another name");
            continue;
        }
        let names = match &node.kind {
            Kind::List(items) => items
                .iter()
                .map(|item| match &item.kind {
                    Kind::Text(text) => text.clone(),
                    _ => String::new(),
                })
                .collect(),
            Kind::Text(path) => {
                let path = secrets.base.join(path);
                secrets.files.borrow_mut().push(path.clone());
                match lines(&path) {
                    Ok(names) => names,
                    Err(why) => {
                        let what = format!("the list {name} is in {}: {why}", path.display());
                        let fix = "create it with one name a line, readable by firebell";
                        root.sink.fault(&node.place, what, fix);
                        continue;
                    }
                }
            }
            other => {
                let what = format!(
                    "`{name}` must be a list of names or the path of a file, not {}",
                    other.words()
                );
                let fix = format!("write {name} = [\"web-1\", \"web-2\"]");
                root.sink.fault(&node.place, what, fix);
                continue;
            }
        };
        if names.len() > NAMES_MAX {
            let what = format!("the list {name} has more than {NAMES_MAX} names");
            root.sink
                .fault(&node.place, what, "make several lists of it");
            continue;
        }
        if let Some(bad) = names.iter().find(|n| !good_name(n)) {
            let what = format!("the list {name} cannot hold {bad:?}");
            let fix = "a name has up to 253 visible characters without spaces, and does not begin with a dash";
            root.sink.fault(&node.place, what, fix);
            continue;
        }
        lists.insert(name.clone(), names);
    }
    Inventory(lists)
}

fn good_name(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || c.is_ascii_punctuation();
    !name.is_empty()
        && name.chars().count() <= NAME_MAX
        && !name.starts_with('-')
        && name.chars().all(plain)
}

/// One name a line; `#` begins a remark.
fn lines(path: &Path) -> Result<Vec<String>, String> {
    let meta = std::fs::metadata(path).map_err(|e| e.to_string())?;
    if !meta.is_file() || meta.len() > 1024 * 1024 {
        return Err("it is no file of at most 1 MiB".to_owned());
    }
    let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
    let name = |line: &str| {
        let bare = line.split('#').next().unwrap_or_default().trim();
        (!bare.is_empty()).then(|| bare.to_owned())
    };
    Ok(text.lines().filter_map(name).collect())
}
