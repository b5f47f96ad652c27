//! Who a program is: bearer tokens of `/api/v1`, compared as SHA-256 hashes in constant time.
//!
//! Tokens have 160 random bits, so a fast hash is enough. Every configured token is compared, so
//! the time taken says nothing about which one came close.

use crate::config::Token;
use crate::core::directory::Directory;
use crate::core::id::{Actor, IncidentId};
use crate::core::sight::Sight;
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
    /// It has the scope for private incidents.
    pub private: bool,
}

impl Caller {
    /// What it may see: private incidents only with the scope, and with a person's token those alone
    /// that the person may see.
    #[must_use]
    pub fn sight(&self, directory: &Directory) -> Sight {
        match (&self.person, self.private) {
            (_, false) => Sight::Public,
            (Some((id, _)), true) => Sight::person(id, directory),
            (None, true) => Sight::All,
        }
    }

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
        private: token.private,
    };
    // Whatever is asked of an incident this program may not see, the answer is that there is none: one
    // gate for every route with an incident in its path.
    if let Some(id) = incident_of(request.uri().path(), "/api/v1/incidents/") {
        let sight = caller.sight(&directory);
        match app.engine.incident(id).await {
            Ok(Some(incident)) if !sight.sees(&incident) => {
                return Problem::missing(format!("There is no incident {id}.")).into_response();
            }
            Ok(_) => {}
            Err(failure) => return Problem::from(failure).into_response(),
        }
    }
    request.extensions_mut().insert(caller);
    next.run(request).await
}

/// The incident in a path below `root`, read as the handlers read it: escapes undone, by the same parser.
pub(crate) fn incident_of(path: &str, root: &str) -> Option<IncidentId> {
    let path = unescaped(path);
    let segment = path.strip_prefix(root)?.split('/').next()?;
    segment.parse().ok().map(IncidentId)
}

/// `%31` is `1`; what is no escape stays as it is.
fn unescaped(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|h| std::str::from_utf8(h).ok());
        let byte = hex.and_then(|h| u8::from_str_radix(h, 16).ok());
        match byte.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
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
            private: false,
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
    fn an_incident_in_a_path_is_found_however_it_is_written() {
        let root = "/api/v1/incidents/";
        let of = |path: &str| incident_of(path, root).map(|id| id.0);
        for path in [
            "42",
            "%34%32",
            "+42",
            "042",
            "42/timeline",
            "%34%32/runs?x=1",
        ] {
            assert_eq!(of(&format!("{root}{path}")), Some(42), "{path}");
        }
        for path in ["", "resolve", "42x", "%", "%zz/42"] {
            assert_eq!(of(&format!("{root}{path}")), None, "{path}");
        }
        assert_eq!(of("/incidents/42"), None);
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
