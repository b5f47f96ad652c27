//! Links that acknowledge: `GET` shows what it is about and a button, `POST` acts.
//!
//! The button of an ntfy message and Pushover's callback post here as well: the link is the secret.

use super::{Deed, carry_out, still};
use crate::core::directory::Directory;
use crate::core::incident::{Incident, Status};
use crate::core::text::cut;
use crate::engine::{AckLink, Failure};
use crate::http::App;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Characters of a title.
const TITLE: usize = 120;
/// Incidents a page lists.
const LISTED: usize = 50;

/// What the link is about.
pub(super) async fn show(State(app): State<App>, Path(token): Path<String>) -> Response {
    let Some(link) = good(&app, &token) else {
        return stale();
    };
    let mut incidents = Vec::new();
    for (id, _) in link.incidents.iter().take(LISTED) {
        match app.engine.incident(*id).await {
            Ok(found) => incidents.extend(found),
            Err(failure) => return unavailable(&failure),
        }
    }
    let directory = app.engine.directory();
    page(StatusCode::OK, &offered(&directory, &link, &incidents))
}

/// The button was pressed.
pub(super) async fn act(State(app): State<App>, Path(token): Path<String>) -> Response {
    let Some(link) = good(&app, &token) else {
        return stale();
    };
    let digest = Sha256::digest(token.as_bytes());
    let short: String = digest.iter().take(12).map(|b| format!("{b:02x}")).collect();
    let cause = format!("link:{short}");
    let (now, past) = match still(&app.engine, &link).await {
        Ok(parts) => parts,
        Err(failure) => return unavailable(&failure),
    };
    let (who, deed) = (&link.person, Deed::Acknowledge);
    let words = match carry_out(&app.engine, who, deed, &now, &cause).await {
        Ok(words) => words,
        Err(failure) => return unavailable(&failure),
    };
    let title = if now.is_empty() {
        "That was before"
    } else {
        "Thank you"
    };
    let body = html! {
        h1 { (title) }
        @for words in [words, past].iter().filter(|w| !w.is_empty()) { p { (words) } }
    };
    page(StatusCode::OK, &body)
}

/// A link of somebody who has left the directory is as good as none.
fn good(app: &App, token: &str) -> Option<AckLink> {
    let link = app.engine.read_ack(token)?;
    let directory = app.engine.directory();
    directory.people.contains_key(&link.person).then_some(link)
}

fn offered(directory: &Directory, link: &AckLink, incidents: &[Arc<Incident>]) -> Markup {
    let open = (incidents.iter()).any(|i| i.status == Status::Triggered && !link.is_past(i));
    let name = directory.person_name(&link.person);
    html! {
        h1 { "Acknowledge" }
        ul {
            @for i in incidents {
                li { (i.id) " " (cut(&i.title, TITLE)) ", " (directory.severity_name(i.severity)) ": " (i.status.word()) @if link.is_past(i) { ", opened again since this message was sent" } }
            }
        }
        @if link.incidents.len() > LISTED { p { "and " (link.incidents.len() - LISTED) " more" } }
        @if open {
            form method="post" { button { "Acknowledge as " (name) } }
        } @else {
            p { "There is nothing left to acknowledge." }
        }
    }
}

fn stale() -> Response {
    let words = html! {
        h1 { "This link does nothing" }
        p { "It is more than a week old, or firebell did not make it. Use the console or your chat." }
    };
    page(StatusCode::NOT_FOUND, &words)
}

fn unavailable(failure: &Failure) -> Response {
    let words = html! { h1 { "Not done" } p { (failure) ". Please try again." } };
    page(StatusCode::SERVICE_UNAVAILABLE, &words)
}

/// A page without anything from anywhere, for any phone. It must not be kept, nor tell where it was.
fn page(status: StatusCode, body: &Markup) -> Response {
    let whole = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { "firebell" }
            }
            body { main { (body) } }
        }
    };
    let mut response = (status, whole).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    let rules = "default-src 'none'; form-action 'self'; frame-ancestors 'none'";
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(rules),
    );
    response
}
