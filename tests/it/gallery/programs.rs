//! The examples with their real programs. A missing one is a visible skip.

use super::{from_source, gallery, output, process};
use crate::{postgres, tools};
use firebell::core::action::bind;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// Runs an example as it is shipped, but for what `edit` changes in its text, and in the texts of
/// those beside it: what undoes it must take the same values.
fn run(id: &str, args: &[(&str, &str)], edit: &dyn Fn(String) -> String) -> Output {
    let (_dir, loaded) = gallery(&|name, text| {
        let text = from_source(name, text);
        let family = |id: &str| id.split('-').next().unwrap_or_default().to_owned();
        if family(name) == family(id) {
            edit(text)
        } else {
            text
        }
    });
    let action = loaded.directory.actions.get(id);
    let action = action.unwrap_or_else(|| panic!("{:?}", loaded.directory.disabled.get(id)));
    let given = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
    let args: BTreeMap<_, _> = args.iter().map(given).collect();
    let plan = bind(action, &args, &BTreeMap::new()).unwrap();
    output(
        Command::new(&plan.argv[0])
            .args(&plan.argv[1..])
            .env_clear()
            .envs(&process(action).env)
            .stdin(Stdio::null()),
    )
}

fn as_it_is(text: String) -> String {
    text
}

#[track_caller]
fn says(done: &Output, code: i32, words: &[&str]) {
    let out = String::from_utf8_lossy(&done.stdout);
    let err = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(code), "{out}\n{err}");
    for word in words {
        assert!(out.contains(word), "{word} in\n{out}\n{err}");
    }
}

#[test]
fn what_looks_at_this_machine_shows_it() {
    says(&run("disk-usage", &[], &as_it_is), 0, &["Filesystem", "/"]);
    says(
        &run("inode-usage", &[("path", "/tmp")], &as_it_is),
        0,
        &["IUse%"],
    );
    says(
        &run("dns-lookup", &[("name", "localhost")], &as_it_is),
        0,
        &["localhost"],
    );
    let nobody = run("dns-lookup", &[("name", "nobody.invalid")], &as_it_is);
    assert_ne!(nobody.status.code(), Some(0));
}

#[test]
fn the_largest_folders_and_the_hungriest_processes_are_found() {
    if tools::need("ps").is_none() || tools::need("free").is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("big one")).unwrap();
    std::fs::write(dir.path().join("big one/file"), vec![7u8; 3 << 20]).unwrap();
    let own = format!("values = [\"{}\"", dir.path().display());
    let edit = |text: String| {
        text.replace("values = [\"/var\"", &own)
            .replace("default = \"/var\"\n", "")
    };
    let args = [("folder", dir.path().to_str().unwrap()), ("count", "2")];
    says(&run("largest-dirs", &args, &edit), 0, &["MiB", "/big one"]);
    let done = run("top-processes", &[("count", "3")], &as_it_is);
    says(&done, 0, &["Mem:", "COMMAND"]);
}

#[test]
fn a_log_is_searched_letter_by_letter() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    std::fs::write(&log, "fine\nout of memory: killed web\nout.of.memory\n").unwrap();
    let edit = |text: String| text.replace("/var/log/dpkg.log", log.to_str().unwrap());
    let args = |words| [("words", words), ("file", log.to_str().unwrap())];
    let found = run("log-grep", &args("out of memory"), &edit);
    says(&found, 0, &["2:out of memory: killed web"]);
    assert!(!String::from_utf8_lossy(&found.stdout).contains("out.of"));
    // Nothing found is an answer; the file says so.
    says(&run("log-grep", &args("timeout"), &edit), 1, &[]);
}

#[test]
fn old_files_go_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let old = dir.path().join("old; rm -rf x");
    for path in [&old, &dir.path().join("new")] {
        std::fs::write(path, "x").unwrap();
    }
    std::fs::create_dir(dir.path().join("folder")).unwrap();
    let ten_days = std::time::Duration::from_secs(10 * 86_400);
    let then = std::fs::metadata(dir.path().join("new"))
        .unwrap()
        .modified()
        .unwrap()
        - ten_days;
    let file = std::fs::File::options().write(true).open(&old).unwrap();
    file.set_modified(then).unwrap();
    let edit = |text: String| text.replace("\"/var/tmp\"", &format!("{:?}", dir.path()));
    says(&run("clear-tmp", &[], &edit), 0, &["old; rm -rf x"]);
    assert!(!old.exists());
    assert!(dir.path().join("new").exists() && dir.path().join("folder").exists());
}

#[test]
fn an_open_port_and_a_closed_one_are_told_apart() {
    let open = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = open.local_addr().unwrap().port().to_string();
    let args = [("host", "127.0.0.1"), ("port", port.as_str())];
    says(&run("port-check", &args, &as_it_is), 0, &["open"]);
    drop(open);
    says(&run("port-check", &args, &as_it_is), 1, &["refused"]);
}

#[test]
fn an_address_is_probed_and_its_body_thrown_away() {
    if tools::need("curl").is_none() {
        return;
    }
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "http://{}/health?a={{b}}[1-3]",
        server.local_addr().unwrap()
    );
    let answer = std::thread::spawn(move || {
        let (mut way, _) = server.accept().unwrap();
        let mut head = [0u8; 4096];
        let n = way.read(&mut head).unwrap();
        way.write_all(b"HTTP/1.1 503 no\r\ncontent-length: 6\r\nconnection: close\r\n\r\nsecret")
            .unwrap();
        String::from_utf8_lossy(&head[..n]).into_owned()
    });
    let edit = |text: String| text.replace("http://127.0.0.1:8080/health", &url);
    let done = run("http-probe", &[("url", &url)], &edit);
    says(&done, 0, &["status 503 from 127.0.0.1", "6 bytes"]);
    assert!(!String::from_utf8_lossy(&done.stdout).contains("secret"));
    // Braces and brackets are no pattern of curl's.
    let head = answer.join().unwrap();
    assert!(
        head.starts_with("GET /health?a={b}[1-3] HTTP/1.1"),
        "{head}"
    );
}

/// A program that is gone with the test.
struct Gone(Child);

impl Drop for Gone {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks again until it is so, or panics.
fn until(what: &str, so: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !so() {
        assert!(began.elapsed().as_secs() < 30, "{what}");
        std::thread::yield_now();
    }
}

fn free_port() -> String {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().port().to_string()
}

#[test]
fn a_certificate_that_ends_soon_is_told() {
    let Some(openssl) = tools::need("openssl") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let own = |name: &str| dir.path().join(name);
    let made = Command::new(&openssl)
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ])
        .args(["-days", "10", "-subj", "/CN=firebell.test", "-keyout"])
        .arg(own("key"))
        .arg("-out")
        .arg(own("cert"))
        .output()
        .unwrap();
    assert!(made.status.success());
    let port = free_port();
    let server = Command::new(&openssl)
        .args([
            "s_server",
            "-quiet",
            "-accept",
            &format!("127.0.0.1:{port}"),
            "-key",
        ])
        .arg(own("key"))
        .arg("-cert")
        .arg(own("cert"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _server = Gone(server);
    let connects = || std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_ok();
    until("openssl listens", connects);
    let args = |days| {
        [
            ("host", "localhost"),
            ("port", port.as_str()),
            ("days", days),
        ]
    };
    says(
        &run("tls-expiry", &args("5"), &as_it_is),
        0,
        &["firebell.test", "at least 5 more days"],
    );
    says(
        &run("tls-expiry", &args("30"), &as_it_is),
        1,
        &["expires within 30 days"],
    );
    let closed = free_port();
    let args = [("host", "localhost"), ("port", closed.as_str())];
    says(&run("tls-expiry", &args, &as_it_is), 3, &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_postgresql_is_seen_and_ended() {
    use sqlx::Connection;
    let Some(psql) = tools::need("psql") else {
        return;
    };
    let Some(cluster) = postgres::cluster() else {
        return;
    };
    let url = cluster.fresh().await;
    let rest = url.strip_prefix("postgres://postgres@127.0.0.1:").unwrap();
    let (port, database) = rest.split_once('/').unwrap();
    let database = database.split('?').next().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pg_service.conf");
    std::fs::write(
        &file,
        format!("[checkout]\nhost=127.0.0.1\nport={port}\nuser=postgres\ndbname={database}\n"),
    )
    .unwrap();
    let edit = move |text: String| {
        text.replace("/etc/firebell/pg_service.conf", file.to_str().unwrap())
            .replace("/usr/bin/psql", psql.to_str().unwrap())
    };
    let mut session = sqlx::PgConnection::connect(&url).await.unwrap();
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut session)
        .await
        .unwrap();
    sqlx::query("BEGIN").execute(&mut session).await.unwrap();
    let pid = pid.to_string();
    tokio::task::spawn_blocking(move || {
        let seen = run("postgres-activity", &[("seconds", "0")], &edit);
        says(&seen, 0, &[&pid, "idle in transaction"]);
        says(&run("postgres-locks", &[], &edit), 0, &["0 rows"]);
        let ended = run("postgres-terminate", &[("pid", &pid)], &edit);
        says(&ended, 0, &[&pid, "ended", "t"]);
        until("the session is gone", || {
            let gone = run("postgres-terminate", &[("pid", &pid)], &edit);
            String::from_utf8_lossy(&gone.stdout).contains("0 rows")
        });
    })
    .await
    .unwrap();
    assert!(session.ping().await.is_err(), "the session is over");
}

#[test]
fn a_server_of_haproxy_is_drained_and_put_back() {
    let Some(haproxy) = tools::need("haproxy") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("admin.sock");
    let config = dir.path().join("haproxy.cfg");
    std::fs::write(
        &config,
        format!(
            "global\n  stats socket {} mode 600 level admin\ndefaults\n  mode http\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s\nbackend checkout\n  server web-1 127.0.0.1:1\n  server web-2 127.0.0.1:2\n",
            socket.display()
        ),
    )
    .unwrap();
    let child = Command::new(haproxy)
        .arg("-f")
        .arg(&config)
        .arg("-db")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _haproxy = Gone(child);
    let answers = || std::os::unix::net::UnixStream::connect(&socket).is_ok();
    until("HAProxy listens", answers);
    let edit = |text: String| text.replace("/run/haproxy/admin.sock", socket.to_str().unwrap());
    let args = [("server", "checkout/web-1")];
    let drained = run("haproxy-drain", &args, &edit);
    says(
        &drained,
        0,
        &["takes new sessions\n", "drains: no new sessions"],
    );
    let again = run("haproxy-drain", &args, &edit);
    says(&again, 0, &["nothing was changed"]);
    says(
        &run("haproxy-ready", &args, &edit),
        0,
        &["takes new sessions"],
    );
    let other = run("haproxy-drain", &[("server", "search/web-3")], &edit);
    says(&other, 1, &["has no server"]);
}

#[test]
fn a_server_of_nginx_is_drained_and_put_back() {
    let Some(nginx) = tools::need("nginx") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let own = |name: &str| dir.path().join(name).display().to_string();
    let servers = own("checkout.servers");
    let before = "server 127.0.0.1:9001;\nserver 127.0.0.2:9002;\n";
    std::fs::write(&servers, before).unwrap();
    let port = free_port();
    std::fs::write(
        own("nginx.conf"),
        format!(
            "pid {};\nerror_log {};\nevents {{}}\nhttp {{ access_log off; upstream c {{ include {servers}; }} server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://c; }} }} }}\n",
            own("pid"),
            own("error.log")
        ),
    )
    .unwrap();
    let text = format!(
        "#!/bin/sh\nexec {} -c {} \"$@\"\n",
        nginx.display(),
        own("nginx.conf")
    );
    super::program(Path::new(&own("bin/nginx")), &text);
    let child = Command::new(own("bin/nginx"))
        .args(["-g", "daemon off; master_process off;"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _nginx = Gone(child);
    until("nginx has written its number", || {
        std::fs::read_to_string(own("pid")).is_ok_and(|p| !p.trim().is_empty())
    });
    let edit = |text: String| {
        text.replace("/etc/nginx/firebell/checkout.servers", &servers)
            .replace("PATH = \"", &format!("PATH = \"{}:", own("bin")))
    };
    let args = [("file", servers.as_str()), ("host", "127.0.0.2")];
    let drained = run("nginx-drain", &args, &edit);
    says(
        &drained,
        0,
        &["+ server 127.0.0.2:9002 down;", "127.0.0.2: drained"],
    );
    let last = [("file", servers.as_str()), ("host", "127.0.0.1")];
    says(&run("nginx-drain", &last, &edit), 1, &["no server at all"]);
    says(
        &run("nginx-undrain", &args, &edit),
        0,
        &["127.0.0.2: undrained"],
    );
    assert_eq!(std::fs::read_to_string(&servers).unwrap(), before);
}
