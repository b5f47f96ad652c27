//! Who a program is: bearer tokens of `/api/v1`, compared as SHA-256 hashes in constant time.
//!
//! Tokens have 160 random bits, so a fast hash is enough. Every configured token is compared, so
//! the time taken says nothing about which one came close.

use crate::config::Token;
use crate::core::id::Actor;
use crate::http::App;
use crate::http::error::Problem;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The program behind a request: the name of its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Configured name.
    pub name: String,
    /// The person whose token it is, with the name the directory has for them.
    pub person: Option<(String, String)>,
}

impl Caller {
    /// As the journal names it.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match &self.person {
            Some((id, name)) => Actor::Person {
                id: id.clone(),
                name: name.clone(),
            },
            None => Actor::Token {
                name: self.name.clone(),
            },
        }
    }
}

/// The token of an `Authorization: Bearer …` header; the scheme's case does not matter (RFC 9110 §11.1).
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// The configured token whose hash the presented one has.
#[must_use]
pub fn find<'a>(tokens: &'a [Token], presented: &str) -> Option<&'a Token> {
    let hash: [u8; 32] = Sha256::digest(presented.as_bytes()).into();
    let mut found = None;
    for token in tokens {
        if bool::from(token.sha256.ct_eq(&hash)) {
            found = Some(token);
        }
    }
    found
}

/// Lets only requests with a configured token through, and tells the handler whose it is.
pub async fn require_token(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let Some(presented) = bearer(request.headers()) else {
        return Problem::unauthorized(
            "This needs a token: send the header `Authorization: Bearer <token>` with a token of [[tokens]] in firebell.toml.",
        )
        .into_response();
    };
    let Some(token) = find(&app.settings.tokens, presented) else {
        return Problem::unauthorized("This token is not in firebell.toml.").into_response();
    };
    let directory = app.engine.directory();
    let person = token.person.as_ref().map(|id| {
        let name = directory.person_name(id);
        (id.clone(), name)
    });
    let caller = Caller {
        name: token.name.clone(),
        person,
    };
    request.extensions_mut().insert(caller);
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn token(name: &str, text: &str) -> Token {
        Token {
            name: name.to_owned(),
            sha256: Sha256::digest(text.as_bytes()).into(),
            person: None,
        }
    }

    #[test]
    fn a_token_is_found_by_its_hash_and_nothing_else() {
        let tokens = [token("ci", "fb_one"), token("grafana", "fb_two")];
        let name = |t| find(&tokens, t).map(|t| t.name.as_str());
        assert_eq!(name("fb_one"), Some("ci"));
        assert_eq!(name("fb_two"), Some("grafana"));
        assert_eq!(name("fb_three"), None);
        assert_eq!(name(""), None);
        assert!(find(&[], "fb_one").is_none());
    }

    #[test]
    fn only_the_bearer_scheme_carries_a_token() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_str(text).unwrap());
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(read("Bearer fb_one").as_deref(), Some("fb_one"));
        assert_eq!(read("bearer  fb_one").as_deref(), Some("fb_one"));
        assert_eq!(read("Basic Zm9vOmJhcg=="), None);
        assert_eq!(read("Bearer "), None);
        assert_eq!(read("Bearer"), None);
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
