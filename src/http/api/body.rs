//! Request bodies and the idempotency key.

use crate::http::auth::Caller;
use crate::http::error::Problem;
use axum::body::Bytes;
use axum::extract::{FromRequest, Path, Request, rejection::PathRejection};
use axum::http::{HeaderMap, StatusCode, request::Parts};
use serde::de::DeserializeOwned;

use crate::core::id::IncidentId;

/// Bytes of a request body at most: a note of 3,000 characters fits many times.
pub const BODY_BYTES: usize = 64 * 1024;
/// Characters of an `Idempotency-Key` at most.
const KEY_CHARS: usize = 128;

/// A JSON body, where none at all is the same as `{}`.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Body<T>, Problem> {
        let bytes = Bytes::from_request(request, state).await.map_err(|e| {
            if e.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Problem::new(
                    e.status(),
                    "too_large",
                    format!("The body is larger than {BODY_BYTES} bytes."),
                )
            } else {
                Problem::bad("bad_body", "The body did not arrive whole; send it again.")
            }
        })?;
        let text: &[u8] = if bytes.iter().all(u8::is_ascii_whitespace) {
            b"{}"
        } else {
            &bytes
        };
        serde_json::from_slice(text)
            .map(Body)
            .map_err(|e| Problem::bad("bad_body", format!("The body does not fit: {e}.")))
    }
}

/// The incident a path names: `42`. Anything else is nowhere.
#[derive(Clone, Copy, Debug)]
pub struct Which(pub IncidentId);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Which {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Which, Problem> {
        let path: Result<Path<String>, PathRejection> =
            Path::from_request_parts(parts, state).await;
        let text = path.map(|p| p.0).unwrap_or_default();
        match text.parse::<i64>() {
            Ok(n) if n > 0 => Ok(Which(IncidentId(n))),
            _ => Err(Problem::missing(format!(
                "There is no incident `{}`; its number is needed, such as 42.",
                crate::core::text::cut(&text, 40)
            ))),
        }
    }
}

/// The cause of an act: the same `Idempotency-Key` of the same token is the same act, whenever it
/// comes again; without one every request is an act of its own.
///
/// # Errors
/// 400 for a key that is empty, too long or not printable ASCII.
pub fn cause(caller: &Caller, headers: &HeaderMap) -> Result<String, Problem> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(format!("api:{}:{}", caller.name, uuid::Uuid::new_v4()));
    };
    let key = value.to_str().unwrap_or_default();
    if key.is_empty() || key.len() > KEY_CHARS || !key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Problem::bad(
            "bad_idempotency_key",
            format!(
                "`Idempotency-Key` is 1 to {KEY_CHARS} printable ASCII characters without spaces."
            ),
        ));
    }
    Ok(format!("api:{}:{key}", caller.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn caller() -> Caller {
        Caller {
            name: "ci".to_owned(),
            person: None,
            private: false,
        }
    }

    #[test]
    fn a_key_makes_the_cause_and_without_one_every_act_is_its_own() {
        let mut headers = HeaderMap::new();
        let once = cause(&caller(), &headers).unwrap();
        assert_ne!(once, cause(&caller(), &headers).unwrap());
        headers.insert("idempotency-key", HeaderValue::from_static("deploy-7"));
        assert_eq!(cause(&caller(), &headers).unwrap(), "api:ci:deploy-7");
    }

    #[test]
    fn a_key_that_cannot_be_stored_is_refused() {
        for bad in ["", "two words", &"x".repeat(129)] {
            let mut headers = HeaderMap::new();
            headers.insert("idempotency-key", HeaderValue::from_str(bad).unwrap());
            assert!(cause(&caller(), &headers).is_err(), "{bad}");
        }
    }
}
