//! The page: what is on it, what never is, and how it is served.

use super::{everybody, inside, telling};
use crate::store::on_both;
use crate::world::{World, person};
use firebell::core::id::IncidentId;
use firebell::core::incident::{Audience, Command, Event, Incident, UpdateWish, compose};
use firebell::engine::Redaction;
use firebell::http::page::{Bounds, serve_within};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// Planted everywhere but in what is written for everybody.
const SECRETS: [&str; 8] = [
    "SECRETalert",
    "SECRETlabel",
    "SECRETinside",
    "SECRETnote",
    "SECRETperson",
    "SECRETservice",
    "SECRETteam",
    "firebell.test",
];

fn every_byte(w: &World) -> Vec<(String, String)> {
    let site = w.engine.site().load_full();
    let texts = site.files.iter();
    texts
        .map(|(path, f)| (path.clone(), String::from_utf8(f.body.to_vec()).unwrap()))
        .collect()
}

/// What follows the last dot.
fn ending(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or_default()
}

async fn world(url: &str) -> World {
    let mut directory = telling();
    for person in directory.people.values_mut() {
        "SECRETperson".clone_into(&mut person.name);
    }
    let service = directory.services.get_mut("checkout").unwrap();
    "SECRETservice".clone_into(&mut service.name);
    "SECRETteam".clone_into(&mut directory.teams.get_mut("web").unwrap().name);
    World::with(url, directory).await
}

#[tokio::test]
async fn the_page_has_what_was_written_for_everybody_and_no_byte_of_anything_else() {
    on_both(async |database| {
        let w = world(&database.url).await;
        let folder = w.scratch().join("public");
        w.engine.publish_to(Some(folder.clone()), true);
        let labels = [
            ("service", "checkout"),
            ("severity", "critical"),
            ("pod", "SECRETlabel"),
        ];
        w.fire("SECRETalert", &labels).await;
        w.tell(
            1,
            Command::Note {
                by: person("ana"),
                text: "SECRETnote".to_owned(),
                happened_at: None,
            },
        )
        .await;
        inside(&w, 1, Some("investigating"), "SECRETinside").await;
        let empty = every_byte(&w);
        assert!(
            empty
                .iter()
                .all(|(_, text)| !text.contains("Investigating")),
            "nothing is public yet"
        );
        everybody(
            &w,
            1,
            "investigating",
            "Payments are slow",
            "We look into it.",
        )
        .await;
        w.tell(1, Command::Resolve { by: person("ana") }).await;
        let pages = every_byte(&w);
        let home = &pages.iter().find(|(p, _)| p.is_empty()).unwrap().1;
        for words in [
            "Payments are slow",
            "We look into it.",
            "Major outage",
            "Investigating",
        ] {
            assert!(home.contains(words), "{words}");
        }
        assert!(!home.contains("SECRET"));
        for (path, text) in &pages {
            for secret in SECRETS {
                assert!(!text.contains(secret), "{secret} in {path}");
            }
            // Its hash may begin with the same digit.
            let number = text.split("incidents/1").skip(1);
            let named = number.filter(|rest| !rest.starts_with(|c: char| c.is_ascii_hexdigit()));
            assert_eq!(named.count(), 0, "the incident's number in {path}");
            if path.is_empty() || ending(path) == "html" {
                for alive in ["<script", " style=", "<style", "http://", "javascript:"] {
                    assert!(!text.contains(alive), "{alive} in {path}");
                }
            }
        }
        // The same is in the folder, whole, and compressed beside it.
        let written = std::fs::read_to_string(folder.join("index.html")).unwrap();
        assert!(written.contains("Payments are slow") && !written.contains("<form"));
        assert!(folder.join("index.html.gz").exists() && folder.join("feed.atom").exists());
        let names: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert!(
            names.iter().all(|n| !n.to_string_lossy().ends_with(".new")),
            "{names:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_removed_for_good_leaves_the_page() {
    on_both(async |database| {
        let w = world(&database.url).await;
        w.engine.publish_to(None, true);
        w.fire("A", &[("service", "checkout")]).await;
        everybody(&w, 1, "investigating", "Slow", "Our password is hunter2.").await;
        assert!(every_byte(&w)[0].1.contains("hunter2"));
        let journal = w.journal(1).await;
        let seq = journal
            .iter()
            .rev()
            .find(|r| matches!(r.event, Event::Updated(_)))
            .unwrap()
            .seq;
        let wanted = Redaction {
            by: person("ana"),
            incident: IncidentId(1),
            seq,
            why: "a password".to_owned(),
        };
        w.engine.redact("form:1", wanted).await.unwrap();
        w.engine.draw_page().await.unwrap();
        let all = every_byte(&w);
        assert!(all.iter().all(|(_, text)| !text.contains("hunter2")));
        assert!(
            all[0].1.contains("(removed for good)") && all[0].1.contains("outage"),
            "what it says of the components stays: {}",
            all[0].1
        );
        let (kept, journal) = (w.incident(1).await, w.journal(1).await);
        assert_eq!(*kept, Incident::replay(IncidentId(1), &journal), "I13");
        // Its title is words too: the next one needs another.
        let wish = UpdateWish {
            audience: Audience::Public,
            ..UpdateWish::internal(person("ana"), "It is slow again.")
        };
        let refused = compose(&kept, &w.directory, w.clock.now(), &wish);
        assert!(format!("{refused:?}").contains("`title` is missing"));
        everybody(&w, 1, "monitoring", "Slow again", "We watch it.").await;
        assert!(every_byte(&w)[0].1.contains("Slow again"));
    })
    .await;
}

/// What people may write, and what it could do to a page, a feed or a mail.
pub const HOSTILE: [&str; 8] = [
    "</title><script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "]]></description><item><title>forged</title></item>",
    "&lt;b&gt; &amp; <b>",
    "x\r\nBcc: everybody@example.org\r\n\r\nforged",
    "{text} {{title}} ${jndi:ldap://x} {% raw %}",
    "\u{202e}gnp.exe \u{200b}\u{0}\u{b}\u{1f}",
    "javascript:alert(1)//<a href='javascript:alert(1)'>",
];

#[tokio::test]
async fn nothing_hostile_comes_alive_on_the_page_or_in_a_feed() {
    let w = world("sqlite::memory:").await;
    w.engine.publish_to(None, true);
    for (n, text) in (1..).zip(HOSTILE) {
        w.fire(&format!("A{n}"), &[("service", "checkout")]).await;
        everybody(&w, n, "investigating", text, text).await;
    }
    for (path, text) in every_byte(&w) {
        let alive = ["<script", "<img", "<b>", "<a href='", "<item><title>forged"];
        for alive in alive.iter().filter(|_| ending(&path) != "json") {
            assert!(!text.contains(alive), "{alive} in {path}");
        }
        match path.rsplit('.').next().unwrap() {
            "rss" | "atom" => {
                let feed = roxmltree::Document::parse(&text).unwrap();
                let entries = feed
                    .descendants()
                    .filter(|n| matches!(n.tag_name().name(), "item" | "entry"));
                assert_eq!(entries.count(), HOSTILE.len(), "{path}");
            }
            "json" => drop(serde_json::from_str::<serde_json::Value>(&text).unwrap()),
            _ => {}
        }
    }
}

#[tokio::test]
async fn programs_find_the_shape_they_know() {
    let w = world("sqlite::memory:").await;
    w.engine.publish_to(None, true);
    w.fire("A", &[("service", "checkout")]).await;
    everybody(&w, 1, "investigating", "Slow", "We look into it.").await;
    let site = w.engine.site().load_full();
    let summary: serde_json::Value =
        serde_json::from_slice(&site.files["api/v2/summary.json"].body).unwrap();
    assert_eq!(summary["status"]["indicator"], "major");
    assert_eq!(summary["components"][0]["status"], "partial_outage");
    assert_eq!(summary["incidents"][0]["name"], "Slow");
    assert_eq!(
        summary["incidents"][0]["incident_updates"][0]["body"],
        "We look into it."
    );
    let link = summary["incidents"][0]["shortlink"].as_str().unwrap();
    let path = link.strip_prefix("https://status.example.org/").unwrap();
    assert!(site.files.contains_key(path), "{path}");
    everybody(&w, 1, "resolved", "Slow", "It is over.").await;
    let site = w.engine.site().load_full();
    let open: serde_json::Value =
        serde_json::from_slice(&site.files["api/v2/incidents/unresolved.json"].body).unwrap();
    assert_eq!(open["incidents"].as_array().unwrap().len(), 0);
    let all: serde_json::Value =
        serde_json::from_slice(&site.files["api/v2/incidents.json"].body).unwrap();
    assert!(all["incidents"][0]["resolved_at"].is_string());
}

/// A request over a connection of its own, on this thread: nothing else of the test's runtime moves.
fn get(port: u16, request: &str) -> (String, Vec<u8>) {
    send(port, request, "")
}

fn send(port: u16, request: &str, body: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream
        .set_read_timeout(Some(std::time::Duration::from_secs(20)))
        .unwrap();
    write!(
        stream,
        "{request}\r\nHost: x\r\nConnection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    let end = all.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(all[..end].to_vec())
        .unwrap()
        .to_lowercase();
    (head, all[end + 4..].to_vec())
}

#[tokio::test]
async fn the_last_page_answers_while_everything_else_stands_still() {
    let w = world("sqlite::memory:").await;
    w.engine.publish_to(None, true);
    w.fire("A", &[("service", "checkout")]).await;
    everybody(&w, 1, "investigating", "Slow", "We look into it.").await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    firebell::http::page::serve(listener, &w.engine).unwrap();
    // The engine's only thread is this one, and it waits here: nothing of firebell runs but the page.
    let (head, body) = get(port, "GET / HTTP/1.1");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(
        String::from_utf8(body)
            .unwrap()
            .contains("We look into it.")
    );
    for rule in [
        "content-security-policy: default-src 'none'",
        "x-content-type-options: nosniff",
        "cache-control: public",
        "etag: \"",
    ] {
        assert!(head.contains(rule), "{rule}: {head}");
    }
    assert!(!head.contains("set-cookie"));
    let etag = head
        .lines()
        .find_map(|l| l.strip_prefix("etag: "))
        .unwrap()
        .to_owned();
    let (head, body) = get(port, &format!("GET / HTTP/1.1\r\nIf-None-Match: {etag}"));
    assert!(
        head.starts_with("http/1.1 304") && body.is_empty(),
        "{head}"
    );
    let (head, body) = get(port, "GET / HTTP/1.1\r\nAccept-Encoding: gzip");
    assert!(
        head.contains("content-encoding: gzip") && body.starts_with(&[0x1f, 0x8b]),
        "{head}"
    );
    let (head, body) = get(port, "HEAD / HTTP/1.1");
    assert!(
        head.starts_with("http/1.1 200") && body.is_empty(),
        "{head}"
    );
    let (head, _) = get(port, "GET /incidents HTTP/1.1");
    assert!(
        head.starts_with("http/1.1 404"),
        "nothing of the console is here: {head}"
    );
    // A form is told to try again while nobody can take it.
    let form = "email=a%40example.org";
    let post = format!("POST /subscribe HTTP/1.1\r\nContent-Length: {}", form.len());
    let (head, body) = send(port, &post, form);
    assert!(
        head.starts_with("http/1.1 503") && head.contains("retry-after"),
        "{head}"
    );
    assert!(
        String::from_utf8(body)
            .unwrap()
            .contains("Nothing was done")
    );
}

#[tokio::test]
async fn what_was_drawn_stays_when_the_database_is_gone() {
    let scratch = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", scratch.path().join("f.db").display());
    let w = world(&url).await;
    w.engine.publish_to(None, true);
    w.fire("A", &[("service", "checkout")]).await;
    everybody(&w, 1, "investigating", "Slow", "We look into it.").await;
    // Another process takes it over: this one may write nothing any more, and a table is gone.
    let other = firebell::store::Store::open(&url).await.unwrap();
    other.take_over().await.unwrap();
    let options: sqlx::sqlite::SqliteConnectOptions = url.parse().unwrap();
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::query("drop table updates")
        .execute(&pool)
        .await
        .unwrap();
    assert!(w.engine.draw_page().await.is_err());
    assert!(every_byte(&w)[0].1.contains("We look into it."));
}

/// What a connection was answered within a time; `None`: nothing yet.
fn within(stream: &mut TcpStream, wait: Duration) -> Option<String> {
    stream.set_read_timeout(Some(wait)).unwrap();
    let mut some = [0; 4096];
    match stream.read(&mut some) {
        Ok(n) => Some(String::from_utf8_lossy(&some[..n]).into_owned()),
        Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => None,
        // Cut off.
        Err(_) => Some(String::new()),
    }
}

const BLINK: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(20);

fn begun(port: u16, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_and_who_dawdles_is_cut() {
    let w = world("sqlite::memory:").await;
    w.engine.publish_to(None, true);
    w.fire("A", &[("service", "checkout")]).await;
    everybody(&w, 1, "investigating", "Slow", "We look into it.").await;
    let open = |connections, headers_ms: u64, whole_ms: u64| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let bounds = Bounds {
            connections,
            headers_within: Duration::from_millis(headers_ms),
            whole: Duration::from_millis(whole_ms),
        };
        serve_within(listener, &w.engine, bounds).unwrap();
        port
    };
    let whole = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    // Two places, both taken by somebody who keeps the connection: the third waits and is not refused.
    let port = open(2, 60_000, 60_000);
    let mut first = begun(port, whole);
    assert!(
        within(&mut first, LONG)
            .unwrap()
            .starts_with("HTTP/1.1 200")
    );
    let _second = begun(port, "GET /his");
    let mut third = begun(port, whole);
    assert_eq!(within(&mut third, BLINK), None, "both places are taken");
    drop(first);
    assert!(
        within(&mut third, LONG)
            .unwrap()
            .starts_with("HTTP/1.1 200"),
        "as soon as one is free"
    );
    // Headers that do not come: cut, and the place is free again.
    let port = open(1, 400, 60_000);
    let since = Instant::now();
    let mut slow = begun(port, "GET / HTTP/1.1\r\nHost: ");
    let mut next = begun(port, whole);
    assert!(within(&mut next, LONG).unwrap().starts_with("HTTP/1.1 200"));
    assert!(since.elapsed() >= BLINK, "it waited for the place");
    assert!(!within(&mut slow, LONG).unwrap().contains("200"));
    // Somebody who sends a byte now and then, or never reads: cut all the same.
    let port = open(1, 60_000, 400);
    let mut slow = begun(port, "GET / HTTP/1.1\r\nHost: ");
    assert_eq!(within(&mut slow, Duration::from_millis(100)), None);
    slow.write_all(b"x").unwrap();
    let mut next = begun(port, whole);
    assert!(within(&mut next, LONG).unwrap().starts_with("HTTP/1.1 200"));
    // What is too large to be a request or a form is told so.
    let port = open(2, 60_000, 60_000);
    let mut huge = begun(port, &format!("GET /{} HTTP/1.1\r\n", "x".repeat(40_000)));
    let said = within(&mut huge, LONG).unwrap();
    assert!(!said.contains("200"), "{said}");
    let form = format!("email={}", "a".repeat(20_000));
    let post = format!("POST /subscribe HTTP/1.1\r\nContent-Length: {}", form.len());
    let (head, _) = send(port, &post, &form);
    assert!(head.starts_with("http/1.1 413"), "{head}");
}
