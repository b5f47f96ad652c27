//! The HTTP executor: what it sends, where it does not go, and what it can say afterwards.

use super::http_world::up;
use super::{Follow, SECRET, job, patient, ran, refused, with};
use firebell::core::action;
use firebell::core::alert::Labels;
use firebell::core::directory::{Action, Arg, ArgKind, How, HttpRun};
use firebell::core::incident::Outcome;
use firebell::core::matcher::whole;
use firebell::run::http::HttpExecutor;
use firebell::run::port::{Executor, Job, Start};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

fn executor() -> HttpExecutor {
    HttpExecutor::new(&[]).unwrap()
}

fn http(mut job: Job, change: impl FnOnce(&mut HttpRun)) -> Job {
    let action = Arc::make_mut(&mut job.action);
    let How::Http(run) = &mut action.how else {
        panic!("an HTTP action")
    };
    change(run);
    job
}

/// A job that goes to this address.
fn at(url: &str, private: bool) -> Job {
    let run = HttpRun {
        method: "GET".to_owned(),
        url: url.to_owned(),
        private,
        ..HttpRun::default()
    };
    job(How::Http(run), &["GET", url])
}

#[tokio::test]
async fn a_request_carries_what_the_file_says_and_the_runs_key() {
    let world = up().await.unwrap();
    let job = world.to("PUT", "ok?x=%26");
    let done = ran(&executor(), &job).await;
    let what = "answered 200".to_owned();
    assert_eq!(done.outcome, Outcome::Reported { good: true, what });
    let asked = &world.asked()[0];
    assert_eq!((&*asked.method, &*asked.path), ("PUT", "/ok?x=%26"));
    assert_eq!(asked.body, r#"{"a":1}"#);
    for (name, value) in [
        ("idempotency-key", job.key.clone()),
        ("authorization", format!("Bearer {SECRET}")),
        ("content-type", "application/json".to_owned()),
        ("host", world.proxy.addr.to_string()),
        ("content-length", "7".to_owned()),
    ] {
        assert_eq!(asked.headers[name], value, "{name}");
    }
}

#[tokio::test]
async fn a_secret_that_comes_back_is_masked() {
    let world = up().await.unwrap();
    let done = ran(&executor(), &world.to("GET", "mirror")).await;
    assert!(
        done.text.contains("[masked]") && !done.text.contains(SECRET),
        "{}",
        done.text
    );
}

#[tokio::test]
async fn statuses_mean_what_the_file_says() {
    let world = up().await.unwrap();
    let outcome = async |job: Job| ran(&executor(), &job).await.outcome;
    let reported = |good: bool, what: &str| Outcome::Reported {
        good,
        what: what.to_owned(),
    };
    let teapot = world.to("GET", "teapot");
    assert_eq!(outcome(teapot).await, reported(false, "answered 418"));
    let teapot = http(world.to("GET", "teapot"), |run| run.success = vec![418]);
    assert_eq!(outcome(teapot).await, reported(true, "answered 418"));
    let listed = http(world.to("GET", "ok"), |run| run.success = vec![204]);
    assert_eq!(outcome(listed).await, reported(false, "answered 200"));
    let moved = outcome(world.to("GET", "moved")).await;
    let words = "answered 302; redirects are not followed";
    assert_eq!(moved, reported(false, words));
    assert_eq!(world.asked().len(), 4, "nothing was followed");
}

#[tokio::test]
async fn a_long_answer_is_cut_and_a_late_one_given_up() {
    let world = up().await.unwrap();
    let endless = with(world.to("GET", "endless"), |a| {
        a.limits.output_bytes = 10_000;
    });
    let done = ran(&executor(), &endless).await;
    assert_eq!(done.text.len(), 10_000);
    assert_eq!(done.notes, ["the answer was cut after 10000 bytes"]);
    assert_eq!(done.outcome.word(), "succeeded");

    let late = |idempotent| {
        with(world.to("POST", "long"), |a| {
            a.limits.timeout_ms = 300;
            a.idempotent = idempotent;
        })
    };
    let done = ran(&executor(), &late(false)).await;
    assert_eq!(done.outcome.word(), "unknown", "{done:?}");
    let done = ran(&executor(), &late(true)).await;
    assert_eq!(done.outcome, Outcome::TimedOut);
}

#[tokio::test]
async fn what_refuses_the_connection_was_never_asked() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = free.local_addr().unwrap();
    drop(free);
    let job = at(&format!("http://{addr}/x"), true);
    let executor = executor();
    let start = patient("start", executor.start(&job)).await;
    assert!(refused(&start).contains("connection refused"), "{start:?}");
    // So it may be tried again under the same key.
    let again = patient("start", executor.start(&job)).await;
    refused(&again);
}

#[tokio::test]
async fn private_addresses_are_refused_in_every_spelling() {
    let world = up().await.unwrap();
    let port = world.addr.port();
    for host in [
        "127.0.0.1",
        "localhost",
        "0x7f.1",
        "2130706433",
        "017700000001",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "10.1.2.3",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "0.0.0.0",
        "[64:ff9b::7f00:1]",
    ] {
        let (executor, job) = (executor(), at(&format!("http://{host}:{port}/"), false));
        let start = patient("start", executor.start(&job)).await;
        assert!(
            refused(&start).contains("actions do not reach"),
            "{host}: {start:?}"
        );
    }
    // Allowed networks are no way to the metadata service.
    for host in [
        "169.254.169.254",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "0.0.0.0",
    ] {
        let (executor, job) = (executor(), at(&format!("http://{host}:{port}/"), true));
        refused(&patient("start", executor.start(&job)).await);
    }
    assert_eq!(world.asked().len(), 0);
}

#[tokio::test]
async fn a_name_that_changes_its_mind_reaches_what_was_judged() {
    let world = up().await.unwrap();
    let (asked, addr) = (Arc::new(AtomicU32::new(0)), world.addr);
    let count = asked.clone();
    // First this machine, which is allowed here; then somewhere nobody answers.
    let executor = executor().resolving(Arc::new(move |_, _| {
        let n = count.fetch_add(1, Ordering::SeqCst);
        let there: SocketAddr = if n == 0 {
            addr
        } else {
            "192.0.2.1:9".parse().unwrap()
        };
        Box::pin(async move { Ok(vec![there]) })
    }));
    let url = format!("http://moving.example:{}/ok", addr.port());
    let done = ran(&executor, &at(&url, true)).await;
    assert_eq!(done.outcome.word(), "succeeded", "{done:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 1, "resolved once");
    let host = world.asked()[0].headers["host"].clone();
    assert_eq!(host, format!("moving.example:{}", addr.port()));
}

#[tokio::test]
async fn a_name_with_one_bad_address_is_not_reached_at_all() {
    let world = up().await.unwrap();
    let addr = world.addr;
    let executor = executor().resolving(Arc::new(move |_, _| {
        let metadata = SocketAddr::new("169.254.169.254".parse().unwrap(), 80);
        Box::pin(async move { Ok(vec![addr, metadata]) })
    }));
    let url = format!("http://mixed.example:{}/ok", addr.port());
    refused(&patient("start", executor.start(&at(&url, true))).await);
    assert_eq!(world.asked().len(), 0);
}

#[tokio::test]
async fn an_argument_stays_where_its_template_put_it() {
    let world = up().await.unwrap();
    let url = format!("{}/hosts/{{host}}/restart?why={{host}}", world.proxy.url());
    let mut action = Action::of_program("act", &[]);
    action.args = vec![Arg {
        name: "host".to_owned(),
        help: String::new(),
        kind: ArgKind::Text {
            regex: whole(".*").unwrap(),
            max_len: 200,
        },
        default: None,
        from_label: None,
        strip_suffix: None,
    }];
    action.how = How::Http(HttpRun {
        method: "POST".to_owned(),
        url,
        body: Some(serde_json::json!({"host": "{host}", "n": 1})),
        private: true,
        ..HttpRun::default()
    });
    let action = Arc::new(action);
    let hostile = [
        "a/../../admin",
        "a?b=c#d",
        "a&x=y",
        "a%2f..%2fb",
        "@evil.example",
        "\"},{\"x\":\"",
        "a\\b",
        "žluť 火",
        "a b+c",
        ";:",
    ];
    for value in hostile {
        let given = BTreeMap::from([("host".to_owned(), value.to_owned())]);
        let plan = action::bind(&action, &given, &Labels::new()).unwrap();
        let job = Job {
            action: action.clone(),
            argv: plan.argv,
            args: plan.args,
            ..at("http://x/", true)
        };
        let done = ran(&executor(), &job).await;
        assert_eq!(done.outcome.word(), "succeeded", "{value}: {done:?}");
        let asked = world.asked().pop().unwrap();
        let url = reqwest::Url::parse(&format!("http://x{}", asked.path)).unwrap();
        let segments: Vec<&str> = url.path_segments().unwrap().collect();
        assert_eq!(
            (segments.len(), segments[0], segments[2]),
            (3, "hosts", "restart"),
            "{value}"
        );
        let pairs: Vec<_> = url.query_pairs().collect();
        assert_eq!(pairs, [("why".into(), value.into())]);
        let body: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
        assert_eq!(body, serde_json::json!({"host": value, "n": 1}));
    }
    let before = world.asked().len();
    for value in ["..", ".", "%2e%2E"] {
        let given = BTreeMap::from([(
            "host".to_owned(),
            value.replace("%2e", ".").replace("%2E", "."),
        )]);
        action::bind(&action, &given, &Labels::new()).unwrap_err();
        // Nor does the executor trust that somebody has looked.
        let url = format!("{}/hosts/{value}/restart?why=x", world.proxy.url());
        let job = Job {
            action: action.clone(),
            argv: vec!["POST".to_owned(), url],
            ..at("http://x/", true)
        };
        let start = patient("start", executor().start(&job)).await;
        assert!(refused(&start).contains("dot segment"), "{start:?}");
    }
    assert_eq!(world.asked().len(), before);
}

#[tokio::test]
async fn what_cannot_be_sent_is_said_before_anything_is() {
    let world = up().await.unwrap();
    let header = |name: &str, value: &str| {
        let (name, value) = (name.to_owned(), value.to_owned());
        http(world.to("POST", "ok"), |run| {
            run.headers.insert(name, value);
        })
    };
    for (job, words) in [
        (header("Host", "evil"), "set by firebell"),
        (header("idempotency-key", "x"), "set by firebell"),
        (header("X-A", "a\r\nX-B: c"), "cannot be sent"),
        (header("X A", "a"), "cannot be sent"),
        (header("X-A", "env:FIREBELL_NO_SUCH"), "is not set"),
        (header("X-A", "file:/no/such/file"), "cannot be read"),
        (at("ftp://example.org/", false), "no http or https"),
        (
            at("http://user:pw@example.org/", false),
            "name or a password",
        ),
        (
            http(at("http://a.example/", false), |r| {
                r.url = "http://{h}/".to_owned();
            }),
            "fix its host",
        ),
        (
            http(at("http://a.example/", false), |r| {
                r.url = "http://b.example/".to_owned();
            }),
            "fix its host",
        ),
    ] {
        let start = patient("start", executor().start(&job)).await;
        assert!(refused(&start).contains(words), "{start:?}, not {words}");
    }
    assert_eq!(world.asked().len(), 0);
}

#[tokio::test]
async fn a_cancel_before_the_connection_is_a_run_that_never_started() {
    let executor = Arc::new(executor().resolving(Arc::new(|_, _| {
        // A name server that never answers.
        Box::pin(std::future::pending())
    })));
    let job = at("http://slow.example/", false);
    let (other, same) = (executor.clone(), job.clone());
    let start = tokio::spawn(async move { other.start(&same).await });
    let handle = firebell::run::port::Handle(String::new());
    patient("the start is refused", async {
        while !start.is_finished() {
            executor.cancel(&job, &handle).await.unwrap();
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(matches!(start.await.unwrap(), Start::NotStarted { .. }));
}

#[tokio::test]
async fn tls_is_checked_against_the_name_before_anything_is_sent() {
    let Some(server) = tls_server("right.example").await else {
        return;
    };
    let (addr, ca) = (server.0, server.1);
    let executor = |trust: bool| {
        let roots = if trust { vec![ca.clone()] } else { Vec::new() };
        let made = HttpExecutor::new(&roots).unwrap();
        made.resolving(Arc::new(move |_, _| {
            Box::pin(async move { Ok(vec![addr]) })
        }))
    };
    let url = |host: &str| format!("https://{host}:{}/ok", addr.port());
    let start = patient(
        "start",
        executor(false).start(&at(&url("right.example"), true)),
    )
    .await;
    assert!(refused(&start).contains("TLS"), "{start:?}");
    let start = patient(
        "start",
        executor(true).start(&at(&url("wrong.example"), true)),
    )
    .await;
    assert!(refused(&start).contains("TLS"), "{start:?}");
    let (trusting, job) = (executor(true), at(&url("right.example"), true));
    let done = Follow::start(&trusting, &job).await.ended().await;
    assert_eq!(
        (done.outcome.word(), &*done.text),
        ("succeeded", "hello"),
        "{done:?}"
    );
}

/// A server with a certificate of its own, made by `openssl`.
async fn tls_server(
    name: &str,
) -> Option<(SocketAddr, rustls::pki_types::CertificateDer<'static>)> {
    use rustls::pki_types::pem::PemObject as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let openssl = crate::tools::need("openssl")?;
    let folder = tempfile::TempDir::new().unwrap();
    let made = std::process::Command::new(openssl)
        .current_dir(folder.path())
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
        ])
        .args([
            "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2",
        ])
        .args([
            "-subj",
            "/CN=test",
            "-addext",
            &format!("subjectAltName=DNS:{name}"),
        ])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let cert = rustls::pki_types::CertificateDer::from_pem_file(folder.path().join("cert.pem"));
    let key = rustls::pki_types::PrivateKeyDer::from_pem_file(folder.path().join("key.pem"));
    let cert = cert.unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.clone()], key.unwrap())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut asked = [0; 4096];
            let _ = stream.read(&mut asked).await;
            let said = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
            let _ = stream.write_all(said).await;
            let _ = stream.shutdown().await;
        }
    });
    Some((addr, cert))
}
