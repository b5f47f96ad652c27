//! Who is asking: tokens of sources and of the API, compared by hash and in constant time.

use crate::config::{Settings, Source};
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use subtle::ConstantTimeEq;

/// The token in the headers: bearer, or the password of basic authentication (amtool, SNS and
/// others that cannot send a bearer); the user name is not looked at.
pub(in crate::http) fn presented(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Cow::Borrowed(rest));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
    let (_, password) = pair.split_once(':')?;
    Some(Cow::Owned(password.to_owned()))
}

/// The source this token belongs to.
pub(in crate::http) fn source<'a>(settings: &'a Settings, token: &str) -> Option<&'a Source> {
    let digest = digest(token)?;
    let matching = settings.sources.iter().filter(|s| same(&s.sha256, &digest));
    // All are compared, so that the time tells nothing about which one it is.
    matching.fold(None, |first, s| first.or(Some(s)))
}

/// Whether the token of a source or of the API was presented; either may read alerts.
pub(in crate::http) fn may_read(settings: &Settings, headers: &HeaderMap) -> bool {
    let Some(token) = presented(headers) else {
        return false;
    };
    let Some(digest) = digest(&token) else {
        return false;
    };
    let sources = settings.sources.iter().map(|s| &s.sha256);
    let tokens = settings.tokens.iter().map(|t| &t.sha256);
    sources
        .chain(tokens)
        .fold(false, |any, known| same(known, &digest) | any)
}

/// An answer with what authentication is expected.
pub(in crate::http) fn challenge(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for scheme in [r#"Bearer realm="firebell""#, r#"Basic realm="firebell""#] {
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
    }
    response
}

/// Nobody's token is empty, whatever the configuration says.
fn digest(token: &str) -> Option<[u8; 32]> {
    (!token.is_empty()).then(|| Sha256::digest(token.as_bytes()).into())
}

fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(value: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        presented(&headers).map(Cow::into_owned)
    }

    #[test]
    fn a_token_comes_as_bearer_or_as_basic_password() {
        for (value, want) in [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("Basic dXNlcjphOmI=", Some("a:b")),
            ("basic OmFiYw==", Some("abc")),
            ("Basic !!", None),
            ("Basic YWJj", None),
            ("GenieKey abc", None),
            ("abc", None),
        ] {
            assert_eq!(token(value).as_deref(), want, "{value}");
        }
    }
}
