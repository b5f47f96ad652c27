//! Calendars at an address: fetched, checked, kept; trouble is told once, whatever restarts.

use super::covers::weekly;
use super::{World, on_both};
use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use firebell::config::{Feed, Fetching};
use std::path::Path;
use std::sync::{Arc, Mutex};

const ROSTER: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n";

/// How the calendar's host is at the moment.
#[derive(Clone)]
enum Mood {
    Good(String),
    Fails,
    Elsewhere,
    Endless,
}

#[derive(Clone)]
struct Host {
    mood: Arc<Mutex<Mood>>,
    /// Status of each answer.
    said: Arc<Mutex<Vec<u16>>>,
    url: String,
}

impl Host {
    async fn up() -> Host {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = Host {
            mood: Arc::new(Mutex::new(Mood::Good(ROSTER.to_owned()))),
            said: Arc::default(),
            url: format!(
                "http://{}/token-4711/roster.ics",
                listener.local_addr().unwrap()
            ),
        };
        let of = host.clone();
        let answer = move |headers: HeaderMap| {
            let answer = of.answer(&headers);
            of.said.lock().unwrap().push(answer.status().as_u16());
            async move { answer }
        };
        let router = Router::new().route("/token-4711/roster.ics", get(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        host
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        match self.mood.lock().unwrap().clone() {
            Mood::Good(body) => {
                let tag = format!("\"{}\"", body.len());
                if headers
                    .get(header::IF_NONE_MATCH)
                    .is_some_and(|t| *t == tag)
                {
                    return StatusCode::NOT_MODIFIED.into_response();
                }
                ([(header::ETAG, tag)], body).into_response()
            }
            Mood::Fails => (StatusCode::BAD_GATEWAY, "token-4711 is down").into_response(),
            Mood::Elsewhere => Redirect::to("http://127.0.0.1:1/").into_response(),
            Mood::Endless => vec![b'x'; 17 * 1024 * 1024].into_response(),
        }
    }

    fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn feed(&self, folder: &Path) -> Feed {
        Feed {
            of: "the schedule web".to_owned(),
            schedule: Some("web".to_owned()),
            person: None,
            host: "127.0.0.1".to_owned(),
            url: self.url.clone().into(),
            copy: folder.join("calendars/0001.ics"),
            fetching: Fetching::default(),
            max_age_ms: None,
        }
    }
}

fn told(w: &World) -> Vec<String> {
    let lines = w.platform.lines("#web").into_iter();
    lines.filter(|l| l.contains("The calendar of")).collect()
}

#[tokio::test]
async fn a_calendar_is_kept_through_trouble_which_is_told_once() {
    on_both(async |database| {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::up().await;
        let feed = host.feed(folder.path());
        let kept = || std::fs::read_to_string(&feed.copy).unwrap_or_default();
        let mut w = World::on(&database.url).await;
        w.configure(weekly).await;
        w.engine.follow_calendars(vec![feed.clone()]).await;
        w.settle().await;
        assert_eq!(kept(), ROSTER);
        assert_eq!(w.engine.troubles(), [""; 0]);
        // The same again is no change of the file.
        w.advance_secs(300).await;
        assert_eq!(*host.said.lock().unwrap(), [200, 304]);
        for (mood, why) in [
            (Mood::Fails, "127.0.0.1 answered 502 (Bad Gateway)"),
            (Mood::Elsewhere, "a redirect, which is not followed"),
            (Mood::Endless, "more than 16777216 bytes"),
            (Mood::Good("<html>sign in</html>".to_owned()), "it is not an iCalendar file"),
        ] {
            host.is(mood);
            w.advance_secs(300).await;
            let troubles = w.engine.troubles().join("; ");
            assert!(troubles.contains(why), "{why}: {troubles}");
            assert!(troubles.contains("Its copy of Mon 16 Nov 12:05 UTC counts"), "{troubles}");
            assert!(!troubles.contains("4711"), "the address is a password: {troubles}");
            assert_eq!(kept(), ROSTER, "what is no calendar never takes its place");
        }
        assert_eq!(told(&w).len(), 0, "a quarter of an hour is no news");
        w.advance_secs(900).await;
        let said = told(&w);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(
            said[0].starts_with("The calendar of the schedule web at 127.0.0.1 cannot be fetched since Mon 16 Nov 12:10 UTC"),
            "{said:?}"
        );
        // A new process with the same trouble tells nothing anew.
        w.kill_and_restart().await;
        w.engine.follow_calendars(vec![feed.clone()]).await;
        w.settle().await;
        w.advance_secs(3600).await;
        assert_eq!(told(&w).len(), 1);
        let new = ROSTER.replace("PRODID:x", "PRODID:other");
        host.is(Mood::Good(new.clone()));
        w.advance_secs(60).await;
        assert_eq!((kept(), w.engine.troubles().len()), (new, 0));
    })
    .await;
}

#[tokio::test]
async fn a_calendar_nobody_has_a_copy_of_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::up().await;
    host.is(Mood::Fails);
    let feed = host.feed(folder.path());
    let mut w = World::on("sqlite::memory:").await;
    w.configure(weekly).await;
    w.engine.follow_calendars(vec![feed.clone()]).await;
    w.settle().await;
    let said = told(&w);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].ends_with("There is no copy, so it is as if it were empty."),
        "{said:?}"
    );
    let now = w.clock.now();
    assert!(!firebell::engine::first_copies(std::slice::from_ref(&feed), now).await);
    host.is(Mood::Good(ROSTER.to_owned()));
    assert!(firebell::engine::first_copies(std::slice::from_ref(&feed), now).await);
    assert!(feed.copy.exists());
}

#[tokio::test]
async fn a_calendar_is_fetched_as_often_as_the_configuration_says() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::up().await;
    let mut feed = host.feed(folder.path());
    feed.fetching.every_ms = 3_600_000;
    let w = World::on("sqlite::memory:").await;
    w.engine.follow_calendars(vec![feed]).await;
    w.settle().await;
    w.advance_secs(3599).await;
    assert_eq!(host.said.lock().unwrap().len(), 1);
    w.advance_secs(1).await;
    assert_eq!(*host.said.lock().unwrap(), [200, 304]);
}

#[tokio::test]
async fn a_calendar_goes_through_the_configured_proxy_whose_password_is_in_no_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::up().await;
    let mut feed = host.feed(folder.path());
    // The stand-in is the proxy: it is asked for an address nobody else could answer.
    let proxy = reqwest::Url::parse(&host.url).unwrap();
    let asked = format!("http://calendars.invalid{}", proxy.path());
    let proxy = format!("http://me:token-4711@127.0.0.1:{}", proxy.port().unwrap());
    (feed.url, feed.fetching.proxy) = (asked.into(), Some(proxy.into()));
    let w = World::on("sqlite::memory:").await;
    w.engine.follow_calendars(vec![feed.clone()]).await;
    w.settle().await;
    assert_eq!(host.said.lock().unwrap().len(), 1, "it was asked");
    feed.fetching.proxy = Some("http://me:token-4711@127.0.0.1:1".to_owned().into());
    std::fs::remove_file(&feed.copy).ok();
    w.engine.follow_calendars(vec![feed.clone()]).await;
    w.advance_secs(300).await;
    let troubles = w.engine.troubles().join("; ");
    assert!(
        !troubles.is_empty() && !troubles.contains("4711"),
        "{troubles}"
    );
    feed.fetching.extra_ca = Some(folder.path().join("no-ca.pem"));
    w.engine.follow_calendars(vec![feed]).await;
    w.advance_secs(300).await;
    let troubles = w.engine.troubles().join("; ");
    assert!(troubles.contains("`extra-ca` of [calendars]"), "{troubles}");
}

#[tokio::test]
async fn the_copy_of_a_calendar_of_rules_counts_until_it_is_too_old_and_again_when_it_is_fetched() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::up().await;
    let mut feed = host.feed(folder.path());
    feed.max_age_ms = Some(3_600_000);
    let w = World::on("sqlite::memory:").await;
    w.engine.follow_calendars(vec![feed.clone()]).await;
    w.settle().await;
    assert!(!feed.stale().exists());
    host.is(Mood::Fails);
    w.advance_secs(3600).await;
    assert!(!feed.stale().exists(), "not a second too early");
    w.advance_secs(300).await;
    assert!(feed.stale().exists(), "rules are read again and find it");
    let troubles = w.engine.troubles().join("; ");
    assert!(
        troubles.contains("too old to count, so no action runs"),
        "{troubles}"
    );
    host.is(Mood::Good(ROSTER.to_owned()));
    w.advance_secs(60).await;
    assert!(!feed.stale().exists() && feed.copy.exists());
}
