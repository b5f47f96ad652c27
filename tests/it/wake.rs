//! Waking people: providers that fail in every way, on both databases, with a clock moved by hand.

mod answers;
mod contacts;
mod mail;
mod providers;
mod stand;

use super::world::{self, World};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use firebell::config::chat::Net;
use firebell::config::notify::{Providers, Pushover, Twilio};
use firebell::config::{Console, Limits, Settings, notify};
use firebell::core::directory::{
    Contact, ContactKind, Directory, Means, Rule, Step, Urgency, Waking,
};
use firebell::core::id::IncidentId;
use firebell::http::App;
use firebell::metrics::Metrics;
use firebell::notify::twilio::sign;
use firebell::store::{AttemptQuery, AttemptRow};
use stand::Stand;
use std::sync::Arc;
use tower::ServiceExt;

/// What the account's requests and callbacks are authenticated with.
const TOKEN: &str = "twilio-auth-token";
/// Where firebell is, for callbacks.
const HOME: &str = "http://firebell.test";

fn net(stand: &Stand) -> Net {
    Net {
        api_url: stand.url(),
        proxy: None,
        extra_ca: None,
        timeout_ms: 400,
        pace_ms: 60_000,
    }
}

fn twilio(name: &str, stand: &Stand) -> Twilio {
    Twilio {
        name: name.to_owned(),
        net: net(stand),
        account: "AC1".to_owned(),
        token: TOKEN.to_owned().into(),
        from: "+15550000".to_owned(),
    }
}

fn ntfy(stand: &Stand) -> notify::Ntfy {
    notify::Ntfy {
        name: "ntfy".to_owned(),
        net: net(stand),
        token: Some("tk_secret".to_owned().into()),
    }
}

fn pushover(stand: &Stand) -> Pushover {
    Pushover {
        name: "pushover".to_owned(),
        net: net(stand),
        token: "app-token".to_owned().into(),
        retry_secs: 60,
        expire_secs: 3600,
    }
}

fn contact(name: &str, means: Means, to: &str) -> Contact {
    Contact {
        name: name.to_owned(),
        kind: ContactKind::Direct {
            means,
            to: to.to_owned().into(),
            via: None,
        },
    }
}

/// The example directory, with Ana woken by these contacts; each step two minutes after the one before.
fn directory(contacts: Vec<Contact>, in_steps: bool) -> Directory {
    let mut directory = world::directory();
    let ana = directory.people.get_mut("ana").unwrap();
    if in_steps {
        let steps = contacts.iter().enumerate().map(|(n, c)| Step {
            after_secs: n as u64 * 120,
            contacts: vec![c.name.clone()],
        });
        ana.waking = Waking {
            rules: vec![Rule {
                urgency: Urgency::High,
                steps: steps.collect(),
            }],
            quiet: None,
        };
    }
    ana.contacts = contacts;
    directory
}

async fn ledger(w: &World) -> Vec<AttemptRow> {
    let query = AttemptQuery {
        limit: 500,
        ..AttemptQuery::default()
    };
    let mut rows = w.engine.store().attempts(&query).await.unwrap().0;
    rows.reverse();
    rows
}

/// Provider and state of every try, in order.
async fn tries(w: &World) -> Vec<(String, String)> {
    let rows = ledger(w).await.into_iter();
    rows.map(|r| (r.provider, r.state)).collect()
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
    of.iter().map(owned).collect()
}

/// Every route of this firebell, without a console.
pub fn doors(w: &World) -> Router {
    let settings = Settings {
        page: firebell::config::status_page::PageServing::default(),
        slack: Vec::new(),
        discord: Vec::new(),
        notify: Providers::default(),
        engines: firebell::config::engines::Engines::default(),
        insight: firebell::config::insight::Insight::default(),
        listen: "127.0.0.1:0".to_owned(),
        public_url: HOME.to_owned(),
        data_dir: "unused".into(),
        database_url: String::from("unused").into(),
        tokens: Vec::new(),
        sources: Vec::new(),
        console: Console {
            enabled: false,
            demo: false,
            channels: Vec::new(),
        },
        limits: Limits::default(),
        audit: firebell::config::Audit::default(),
        exports: Vec::new(),
        log_format: "text".to_owned(),
        log_filter: "info".to_owned(),
    };
    let app = App {
        chat: Arc::default(),
        engine: w.engine.clone(),
        settings: Arc::new(settings),
        metrics: Arc::new(Metrics::new()),
    };
    firebell::http::router(app, None)
}

/// A request to the doors; status and body of the answer.
async fn ask(w: &World, request: Request<Body>) -> (StatusCode, String) {
    let response = doors(w).oneshot(request).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await;
    let text = String::from_utf8(body.unwrap().to_vec()).unwrap();
    w.settle().await;
    (status, text)
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let mut url = reqwest::Url::parse("http://x/").unwrap();
    url.query_pairs_mut().extend_pairs(fields);
    url.query().unwrap_or_default().to_owned()
}

/// A callback of the account, signed with `token`.
async fn callback(
    w: &World,
    path: &str,
    fields: &[(&str, &str)],
    token: &str,
) -> (StatusCode, String) {
    let owned = pairs(fields);
    let request = Request::post(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .header(
            "x-twilio-signature",
            sign(token, &format!("{HOME}{path}"), &owned),
        )
        .body(Body::from(encoded(fields)))
        .unwrap();
    ask(w, request).await
}

async fn status_of(w: &World, id: i64) -> &'static str {
    w.engine
        .incident(IncidentId(id))
        .await
        .unwrap()
        .unwrap()
        .status
        .word()
}
