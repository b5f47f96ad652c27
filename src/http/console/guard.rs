//! What stands before every handler: whose page may talk to us, and what browsers may do with ours.
//!
//! Three doors. The host must be an address, `localhost` or the name in `public_url`: a name that an
//! attacker lets point here (DNS rebinding) would be same-origin with itself. Every unsafe method
//! must come from our own origin. A client that sends no origin at all must hold the form's token.

use super::Console;
use super::trouble::Trouble;
use super::viewer::{cookie, sight, token};
use crate::http::auth::incident_of;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;
use subtle::ConstantTimeEq;

/// Everything from here, nothing inline, nothing elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Sets the headers every answer carries.
pub(super) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    // A file somebody sent has a tighter one.
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(POLICY));
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Not `no-referrer`: browsers would then send `Origin: null` with our own forms.
        (header::REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Lets a request in or says why not.
pub(super) async fn guard(
    State(console): State<Console>,
    request: Request,
    next: Next,
) -> Response {
    match admit(&console, request).await {
        Ok(request) => match hidden(&console, asked(&request)).await {
            Ok(()) => next.run(request).await,
            Err(trouble) => trouble.into_response(),
        },
        Err(trouble) => trouble.into_response(),
    }
}

async fn admit(console: &Console, request: Request) -> Result<Request, Trouble> {
    let host = host_of(&request)
        .ok_or_else(|| Trouble::Invalid("the request names no host".to_owned()))?;
    if !known_host(&host, &console.app.settings.public_url) {
        return Err(Trouble::Forbidden(format!(
            "This console does not answer to the name {host}. Set `public_url` in firebell.toml to the address people use."
        )));
    }
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(request);
    }
    match origin(request.headers(), &host) {
        Origin::Ours => Ok(request),
        Origin::Foreign => Err(Trouble::Forbidden(
            "This form was sent from another site. Nothing was done.".to_owned(),
        )),
        Origin::Unsaid => check_token(console, request).await,
    }
}

/// Whatever is asked of an incident this viewer may not see, the answer is that there is none: one gate
/// for every page with an incident in its path.
async fn hidden(console: &Console, (path, who): (String, String)) -> Result<(), Trouble> {
    const BELOW: [&str; 6] = [
        "/incidents/",
        "/fragments/card/",
        "/fragments/board/",
        "/fragments/strip/",
        "/fragments/incident/",
        "/fragments/run/",
    ];
    let Some(id) = BELOW.iter().find_map(|root| incident_of(&path, root)) else {
        return Ok(());
    };
    let sight = sight(console, &who);
    match console.app.engine.incident(id).await? {
        Some(incident) if !sight.sees(&incident) => {
            Err(Trouble::NotFound(format!("There is no incident {id}.")))
        }
        _ => Ok(()),
    }
}

/// Which path, and by whom.
fn asked(request: &Request) -> (String, String) {
    let who = cookie(request.headers(), "firebell_who").unwrap_or_default();
    (request.uri().path().to_owned(), who)
}

fn host_of(request: &Request) -> Option<String> {
    let named = request
        .headers()
        .get(header::HOST)
        .and_then(|h| h.to_str().ok())
        .map(str::to_owned);
    named.or_else(|| request.uri().authority().map(ToString::to_string))
}

/// The host without its port: `[::1]:8080` is `::1`.
fn bare(host: &str) -> &str {
    if let Some(v6) = host.strip_prefix('[') {
        return v6.split(']').next().unwrap_or(v6);
    }
    host.split(':').next().unwrap_or(host)
}

fn known_host(host: &str, public_url: &str) -> bool {
    let name = bare(host);
    let public = public_url
        .split_once("://")
        .map_or(public_url, |(_, rest)| rest)
        .split('/')
        .next()
        .unwrap_or_default();
    name.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || name.eq_ignore_ascii_case(bare(public))
}

#[derive(Debug, PartialEq, Eq)]
enum Origin {
    Ours,
    Foreign,
    Unsaid,
}

fn origin(headers: &HeaderMap, host: &str) -> Origin {
    let text = |name| {
        headers
            .get(name)
            .map(|v: &HeaderValue| v.to_str().unwrap_or("null"))
    };
    if let Some(origin) = text(header::ORIGIN) {
        let there = origin.split_once("://").map(|(_, rest)| rest);
        return if there.is_some_and(|t| t.eq_ignore_ascii_case(host)) {
            Origin::Ours
        } else {
            Origin::Foreign
        };
    }
    match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        Some(b"same-origin") => Origin::Ours,
        Some(b"none") | None => Origin::Unsaid,
        Some(_) => Origin::Foreign,
    }
}

/// Reads the form's token and puts the body back together.
async fn check_token(console: &Console, request: Request) -> Result<Request, Trouble> {
    let who = cookie(request.headers(), "firebell_who").unwrap_or_default();
    let want = token(&console.key, &who);
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, super::FORM_BYTES)
        .await
        .map_err(|_| Trouble::Invalid("the form is too large".to_owned()))?;
    if !holds(&body, &want) {
        return Err(Trouble::Forbidden(
            "The form's token is missing or old. Load the page again and repeat what you did."
                .to_owned(),
        ));
    }
    Ok(Request::from_parts(parts, Body::from(body)))
}

fn holds(body: &Bytes, want: &str) -> bool {
    body.split(|b| *b == b'&')
        .filter_map(|field| field.strip_prefix(b"token="))
        .any(|given| bool::from(given.ct_eq(want.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(
            header::HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )])
    }

    #[test]
    fn only_our_own_origin_may_post() {
        let host = "127.0.0.1:8080";
        assert_eq!(
            origin(&said("origin", "http://127.0.0.1:8080"), host),
            Origin::Ours
        );
        for foreign in [
            "null",
            "http://127.0.0.1",
            "http://127.0.0.1:8080.evil.example",
            "https://evil.example",
        ] {
            assert_eq!(
                origin(&said("origin", foreign), host),
                Origin::Foreign,
                "{foreign}"
            );
        }
        assert_eq!(
            origin(&said("sec-fetch-site", "cross-site"), host),
            Origin::Foreign
        );
        assert_eq!(
            origin(&said("sec-fetch-site", "same-site"), host),
            Origin::Foreign
        );
        assert_eq!(origin(&HeaderMap::new(), host), Origin::Unsaid);
    }

    #[test]
    fn a_rebound_name_is_not_answered() {
        let public = "https://firebell.example.com/";
        for ok in [
            "127.0.0.1:8080",
            "localhost:8080",
            "[::1]:8080",
            "firebell.example.com",
            "10.0.0.7",
        ] {
            assert!(known_host(ok, public), "{ok}");
        }
        for bad in [
            "evil.example",
            "localhost.evil.example:8080",
            "firebell.example.com.evil.example",
            "",
        ] {
            assert!(!known_host(bad, public), "{bad}");
        }
    }

    #[test]
    fn a_token_is_a_whole_field() {
        assert!(holds(&Bytes::from_static(b"a=1&token=abc&b=2"), "abc"));
        assert!(!holds(&Bytes::from_static(b"a=1&token=abcd"), "abc"));
        assert!(!holds(&Bytes::from_static(b"xtoken=abc"), "abc"));
    }
}
