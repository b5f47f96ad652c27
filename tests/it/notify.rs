//! Pages over real HTTP on the loopback.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use firebell::chat::{Fault, Retry};
use firebell::core::id::IncidentId;
use firebell::core::time::Time;
use firebell::notify::webhook::{client, send};
use firebell::notify::{Page, PagedAlert};
use secrecy::SecretString;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A part of every address here that must never be seen again.
const TOKEN: &str = "s3cr3t-t0ken";

const TIMEOUT: Duration = Duration::from_secs(10);

type Answer = Arc<dyn Fn() -> Response + Send + Sync>;

#[derive(Clone)]
struct Receiver {
    answer: Answer,
    got: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    addr: SocketAddr,
}

impl Receiver {
    async fn answering<R: IntoResponse>(
        answer: impl Fn() -> R + Send + Sync + 'static,
    ) -> Receiver {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Receiver {
            answer: Arc::new(move || answer().into_response()),
            got: Arc::default(),
            addr: listener.local_addr().unwrap(),
        };
        let router = Router::new().fallback(take).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    fn url(&self) -> SecretString {
        url(self.addr)
    }

    async fn page(&self) -> Result<(), Fault> {
        send(&client(), &self.url(), &[page()], TIMEOUT).await
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: String) -> Response {
    receiver.got.lock().unwrap().push((headers, body));
    (receiver.answer)()
}

fn url(addr: SocketAddr) -> SecretString {
    format!("http://user:{TOKEN}@{addr}/hooks/{TOKEN}?key={TOKEN}").into()
}

/// An address nobody listens on.
fn down() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

fn page() -> Page {
    Page {
        key: "42:3:0".to_owned(),
        incident: IncidentId(42),
        title: "checkout is \"slow\"\n<!channel>".to_owned(),
        severity: "critical".to_owned(),
        status: "triggered".to_owned(),
        service: Some("checkout".to_owned()),
        person: "ana".to_owned(),
        person_name: "Ana".to_owned(),
        why: "on call on web-primary since Mon 09:00".to_owned(),
        url: "http://127.0.0.1:8080/incidents/42".to_owned(),
        at: Time(1_795_000_000_123),
        alerts: vec![
            PagedAlert {
                name: "HighErrorRate".to_owned(),
                summary: "5% of requests fail".to_owned(),
                labels: [("severity".to_owned(), "critical".to_owned())].into(),
            },
            PagedAlert {
                name: "Slow".to_owned(),
                summary: "p99 over 2 s".to_owned(),
                ..PagedAlert::default()
            },
        ],
        waited: false,
    }
}

#[tokio::test]
async fn a_page_arrives_whole_with_its_key() {
    let receiver = Receiver::answering(|| StatusCode::ACCEPTED).await;
    assert_eq!(receiver.page().await, Ok(()));
    let got = receiver.got.lock().unwrap();
    let [(headers, body)] = got.as_slice() else {
        panic!("{} requests", got.len())
    };
    assert_eq!(headers["idempotency-key"], "42:3:0");
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(
        headers["user-agent"],
        concat!("firebell/", env!("CARGO_PKG_VERSION"))
    );
    let want = serde_json::json!({
        "version": 1, "event": "page", "key": "42:3:0", "at": "2026-11-18T11:06:40.123Z",
        "incident": {"id": 42, "title": "checkout is \"slow\"\n<!channel>", "severity": "critical",
            "status": "triggered", "service": "checkout",
            "url": "http://127.0.0.1:8080/incidents/42"},
        "person": {"id": "ana", "name": "Ana", "why": "on call on web-primary since Mon 09:00"},
        "alerts": [
            {"name": "HighErrorRate", "summary": "5% of requests fail",
             "labels": {"severity": "critical"}},
            {"name": "Slow", "summary": "p99 over 2 s"},
        ],
    });
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(body).unwrap(),
        want
    );
}

#[tokio::test]
async fn pages_that_share_a_request_keep_their_keys_and_are_no_repeat_of_each_other() {
    let receiver = Receiver::answering(|| StatusCode::OK).await;
    let keyed = |key: &str| Page {
        key: key.to_owned(),
        ..page()
    };
    let (a, b, c) = (keyed("1:1:0"), keyed("2:1:0"), keyed("3:1:0"));
    let requests = [
        vec![a.clone()],
        vec![a.clone(), b.clone()],
        vec![a.clone(), b.clone(), c.clone()],
        vec![a.clone(), c],
        vec![a, b],
        vec![],
    ];
    for pages in &requests {
        let sent = send(&client(), &receiver.url(), pages, TIMEOUT).await;
        assert_eq!(sent, Ok(()));
    }
    let got = receiver.got.lock().unwrap();
    let names: Vec<&str> = got
        .iter()
        .map(|(headers, _)| headers["idempotency-key"].to_str().unwrap())
        .collect();
    assert_eq!(names.len(), 5, "no page is no request");
    assert_eq!(names[0], "1:1:0");
    assert_eq!(
        names[1], names[4],
        "the same pages again have the same name"
    );
    let different: std::collections::BTreeSet<&&str> = names[..4].iter().collect();
    assert_eq!(different.len(), 4, "{names:?}");
    let body: serde_json::Value = serde_json::from_str(&got[2].1).unwrap();
    assert_eq!(body["key"], "1:1:0");
    assert_eq!(body["also"][0]["key"], "2:1:0");
    assert_eq!(body["also"][1]["key"], "3:1:0");
    assert_eq!(body["also"][1]["alerts"], body["alerts"]);
}

#[tokio::test]
async fn the_answer_decides_whether_to_try_again() {
    let table = [
        (200, None),
        (204, None),
        (400, Some(Retry::Never)),
        (401, Some(Retry::Never)),
        (404, Some(Retry::Never)),
        (410, Some(Retry::Never)),
        (408, Some(Retry::Backoff)),
        (425, Some(Retry::Backoff)),
        (429, Some(Retry::Backoff)),
        (500, Some(Retry::Backoff)),
        (502, Some(Retry::Backoff)),
        (503, Some(Retry::Backoff)),
        (599, Some(Retry::Backoff)),
    ];
    for (code, retry) in table {
        let status = StatusCode::from_u16(code).unwrap();
        let receiver = Receiver::answering(move || status).await;
        let result = receiver.page().await;
        assert_eq!(result.as_ref().err().map(|f| f.retry), retry, "{code}");
        if let Err(fault) = result {
            assert!(fault.why.contains(&code.to_string()), "{}", fault.why);
        }
    }
}

#[tokio::test]
async fn retry_after_is_honoured_exactly_in_both_forms() {
    let in_seconds =
        Receiver::answering(|| (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "37")])).await;
    let fault = in_seconds.page().await.unwrap_err();
    assert_eq!(fault.retry, Retry::AfterMs(37_000));

    let by_date = Receiver::answering(|| {
        let headers = [
            ("date", "Sun, 22 Nov 2026 16:00:00 GMT"),
            ("retry-after", "Sun, 22 Nov 2026 16:01:30 GMT"),
        ];
        (StatusCode::SERVICE_UNAVAILABLE, headers)
    })
    .await;
    let fault = by_date.page().await.unwrap_err();
    assert_eq!(fault.retry, Retry::AfterMs(90_000));

    let for_good = Receiver::answering(|| (StatusCode::FORBIDDEN, [("retry-after", "1")])).await;
    assert_eq!(for_good.page().await.unwrap_err().retry, Retry::Never);
}

#[tokio::test]
async fn a_redirect_is_refused() {
    let elsewhere = Receiver::answering(|| StatusCode::OK).await;
    let target = format!("http://{}/", elsewhere.addr);
    for status in [301, 302, 303, 307, 308] {
        let target = target.clone();
        let receiver = Receiver::answering(move || {
            let status = StatusCode::from_u16(status).unwrap();
            (status, [("location", target.clone())])
        })
        .await;
        let fault = receiver.page().await.unwrap_err();
        assert_eq!(fault.retry, Retry::Never);
        assert!(fault.why.contains("redirect"), "{}", fault.why);
    }
    assert!(elsewhere.got.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_in_time_is_tried_again() {
    // Takes connections and says nothing: the backlog accepts for it.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let limit = Duration::from_millis(200);
    let target = url(silent.local_addr().unwrap());
    let fault = tokio::time::timeout(TIMEOUT, send(&client(), &target, &[page()], limit))
        .await
        .expect("the limit is kept")
        .unwrap_err();
    assert_eq!(fault.retry, Retry::Backoff);
    assert_eq!(fault.why, "the webhook did not answer in time");
}

#[tokio::test]
async fn a_receiver_that_is_down_is_tried_again() {
    let fault = send(&client(), &url(down()), &[page()], TIMEOUT)
        .await
        .unwrap_err();
    assert_eq!(fault.retry, Retry::Backoff);
    assert_eq!(
        fault.why,
        "the webhook cannot be reached: connection refused"
    );
}

#[tokio::test]
async fn an_address_that_is_none_is_never_tried() {
    for odd in [
        "",
        "hooks",
        "ftp://h/s3cr3t-t0ken",
        "file:///etc/passwd",
        "http://",
    ] {
        let fault = send(&client(), &odd.into(), &[page()], TIMEOUT)
            .await
            .unwrap_err();
        assert_eq!(fault.retry, Retry::Never, "{odd}");
        assert!(fault.why.contains("contacts"), "{}", fault.why);
    }
}

#[tokio::test]
async fn an_endless_answer_is_not_read() {
    let receiver = Receiver::answering(|| {
        let chunks =
            futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>("x".repeat(1024)));
        (
            StatusCode::BAD_GATEWAY,
            axum::body::Body::from_stream(chunks),
        )
    })
    .await;
    let fault = receiver.page().await.unwrap_err();
    assert_eq!(fault.retry, Retry::Backoff);
    assert!(fault.why.chars().count() < 300, "{}", fault.why);
}

#[tokio::test]
async fn what_the_receiver_says_is_repeated_safely() {
    let helpful =
        Receiver::answering(|| (StatusCode::BAD_REQUEST, "no such\n\u{1b}[31mteam")).await;
    let why = helpful.page().await.unwrap_err().why;
    assert!(why.contains("no such  [31mteam"), "{why}");
    assert!(!why.contains(['\n', '\u{1b}']));
}

#[tokio::test]
async fn the_address_is_in_no_fault() {
    let echo = Receiver::answering(|| {
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("POST /hooks/{TOKEN} failed"),
        )
    })
    .await;
    let faults = [
        echo.page().await.unwrap_err(),
        send(&client(), &url(down()), &[page()], TIMEOUT)
            .await
            .unwrap_err(),
        send(&client(), &url(echo.addr), &[page()], Duration::ZERO)
            .await
            .unwrap_err(),
        send(
            &client(),
            &format!("ftp://h/{TOKEN}").into(),
            &[page()],
            TIMEOUT,
        )
        .await
        .unwrap_err(),
    ];
    for fault in faults {
        let words = format!("{fault} {fault:?}");
        assert!(
            !words.contains(TOKEN) && !words.contains("127.0.0.1"),
            "{words}"
        );
    }
}
