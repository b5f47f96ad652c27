//! What a form answers: to the script one JSON object, to a plain form a redirect that tells on
//! the next page.

use super::Console;
use super::trouble::Trouble;
use super::viewer::{Acting, READ_ONLY, Viewer, go, local};
use crate::core::id::Actor;
use crate::core::text::percent;
use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::convert::Infallible;

/// Who sent the form: the script or a plain form, and from which page.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    json: bool,
    /// The page the form stood on; `/` when the browser does not say.
    pub(super) back: String,
}

#[derive(Serialize)]
struct Told<'a> {
    ok: bool,
    text: &'a str,
    /// The answer already stands in the room.
    said: bool,
    /// Where to go now.
    #[serde(skip_serializing_if = "Option::is_none")]
    go: Option<String>,
}

impl FromRequestParts<Console> for Asker {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Console) -> Result<Asker, Infallible> {
        let text = |name| {
            parts
                .headers
                .get(name)
                .and_then(|v| v.to_str().ok())
                .unwrap_or_default()
        };
        let from = text(header::REFERER);
        // Only the path counts: wherever the header points, the answer stays here.
        let path = from
            .split_once("://")
            .and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
        Ok(Asker {
            json: text(header::ACCEPT).starts_with("application/json"),
            back: local(path.unwrap_or("/")),
        })
    }
}

impl Asker {
    /// The outcome, on the page the form stood on.
    pub(super) fn tell(&self, ok: bool, text: &str) -> Response {
        if self.json {
            return object(ok, text, false, None);
        }
        go(&self.back, ok, text)
    }

    /// The outcome already stands in the room `back`.
    pub(super) fn said(&self, ok: bool, back: &str) -> Response {
        if self.json {
            return object(ok, "", true, None);
        }
        (StatusCode::SEE_OTHER, [(header::LOCATION, back.to_owned())]).into_response()
    }

    /// The outcome, on another page.
    pub(super) fn send(&self, to: &str, ok: bool, text: &str) -> Response {
        if self.json {
            return object(ok, text, false, Some(to.to_owned()));
        }
        go(to, ok, text)
    }

    /// The viewer as an actor, or the answer why they are none.
    pub(super) fn actor(&self, console: &Console, viewer: &Viewer) -> Result<Actor, Box<Response>> {
        match viewer.acting {
            Acting::Yes => Ok(crate::engine::person(
                &console.app.engine.directory(),
                &viewer.id,
            )),
            Acting::PickFirst => {
                let to = format!("/people?next={}", percent(&self.back));
                Err(Box::new(self.send(
                    &to,
                    false,
                    "Say who you are first; nothing was done.",
                )))
            }
            Acting::ReadOnly if self.json => {
                let mut refusal = object(false, READ_ONLY, false, None);
                *refusal.status_mut() = StatusCode::FORBIDDEN;
                Err(Box::new(refusal))
            }
            Acting::ReadOnly => Err(Box::new(
                Trouble::Forbidden(READ_ONLY.to_owned()).into_response(),
            )),
        }
    }
}

fn object(ok: bool, text: &str, said: bool, go: Option<String>) -> Response {
    Json(Told { ok, text, said, go }).into_response()
}

/// The cause of what a form does: its one-time id, so that sending it twice does it once.
///
/// # Errors
/// When the id is not one a page of ours could have carried.
pub(super) fn cause(click: &str, what: &str) -> Result<String, Trouble> {
    let fits = (16..=64).contains(&click.len()) && click.bytes().all(|b| b.is_ascii_alphanumeric());
    if !fits {
        return Err(Trouble::Invalid(
            "The form carries no one-time id. Load the page again and repeat what you did."
                .to_owned(),
        ));
    }
    Ok(format!("click:{click}:{what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_needs_an_id_a_page_could_carry() {
        let id = "0123456789abcdef0123456789abcdef";
        assert_eq!(
            cause(id, "7:resolve").unwrap(),
            format!("click:{id}:7:resolve")
        );
        for bad in ["", "short", "0123456789abcdef:x", "0123456789abcdef\n0123"] {
            assert!(cause(bad, "x").is_err(), "{bad:?}");
        }
    }
}
