//! Who is looking. In demo mode anybody may say who they are; otherwise nobody may act yet.

use super::Console;
use super::load::{self, Moment};
use super::trouble::Trouble;
use super::view::{frame::Here, people as draw};
use crate::core::sight::Sight;
use axum::extract::{Form, FromRequestParts, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono_tz::Tz;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::convert::Infallible;

/// What this viewer may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acting {
    /// Everything their directory entry allows.
    Yes,
    /// Nothing until they say who they are.
    PickFirst,
    /// Nothing: there is no login yet and this is not a demo.
    ReadOnly,
}

/// The colours somebody chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Theme {
    /// As the device says.
    #[default]
    Device,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// The word stored in the cookie and in `data-theme`.
    pub(crate) fn word(self) -> Option<&'static str> {
        match self {
            Theme::Device => None,
            Theme::Light => Some("light"),
            Theme::Dark => Some("dark"),
        }
    }

    fn parse(word: &str) -> Theme {
        match word {
            "light" => Theme::Light,
            "dark" => Theme::Dark,
            _ => Theme::Device,
        }
    }
}

/// Who is looking, how times are shown to them and what they may do.
#[derive(Clone, Debug)]
pub(crate) struct Viewer {
    /// Directory id; empty: nobody in particular.
    pub(crate) id: String,
    /// Display name.
    pub(crate) name: String,
    /// Times are shown in it.
    pub(crate) zone: Tz,
    /// Which incidents they may see.
    pub(crate) sight: Sight,
    /// What they may do.
    pub(crate) acting: Acting,
    /// Goes into every form.
    pub(crate) token: String,
    /// One-time id of this drawing of the page; becomes the cause of what its forms do.
    pub(crate) click: String,
    /// Chosen colours.
    pub(crate) theme: Theme,
    /// What the last form did, told once: whether it worked, and the sentence.
    pub(crate) said: Option<(bool, String)>,
}

impl FromRequestParts<Console> for Viewer {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        console: &Console,
    ) -> Result<Viewer, Infallible> {
        let who = cookie(&parts.headers, "firebell_who").unwrap_or_default();
        let directory = console.app.engine.directory();
        let known = directory
            .people
            .get(&who)
            .filter(|_| console.app.settings.console.demo);
        let sight = sight(console, &who);
        Ok(Viewer {
            sight,
            id: known.map_or_else(String::new, |p| p.id.clone()),
            name: known.map_or_else(String::new, |p| p.name.clone()),
            zone: known.map_or(directory.zone.unwrap_or(Tz::UTC), |p| p.zone),
            acting: match (console.app.settings.console.demo, known) {
                (false, _) => Acting::ReadOnly,
                (true, None) => Acting::PickFirst,
                (true, Some(_)) => Acting::Yes,
            },
            token: token(&console.key, &who),
            click: uuid::Uuid::new_v4().simple().to_string(),
            theme: Theme::parse(&cookie(&parts.headers, "firebell_theme").unwrap_or_default()),
            said: cookie(&parts.headers, "firebell_said").and_then(|s| unpack(&s)),
        })
    }
}

/// Why nothing can be done here outside of demo mode.
pub(crate) const READ_ONLY: &str = "This console is read-only: signing in comes in a later version. \
     Acknowledge through the API, or start `firebell demo` to try acting here.";

/// Which incidents whoever this cookie names may see.
pub(super) fn sight(console: &Console, who: &str) -> Sight {
    let directory = console.app.engine.directory();
    let known = directory.people.contains_key(who) && console.app.settings.console.demo;
    if known {
        Sight::person(who, &directory)
    } else {
        Sight::Public
    }
}

/// The token of forms drawn for this person by this process.
pub(super) fn token(key: &[u8; 32], who: &str) -> String {
    // The key on both ends: neither a longer name nor a longer message has a computable token.
    let mut hash = Sha256::new();
    hash.update(key);
    hash.update(who.as_bytes());
    hash.update(key);
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

/// One cookie's value.
pub(super) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(k, _)| *k == name)
        .map(|(_, v)| v.to_owned())
}

/// The header that sets a cookie only the server reads; `max_age_secs` 0 removes it.
pub(super) fn set_cookie(name: &str, value: &str, max_age_secs: u32) -> HeaderValue {
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age_secs}");
    // Names and values here are ids, theme words and base64; anything else sets nothing.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("firebell_said=; Max-Age=0"))
}

/// Longest sentence carried to the next page, in characters; a cookie holds 4 KiB.
const SAID_CHARS: usize = 700;

/// The header that carries a sentence over the redirect.
pub(super) fn say_next(ok: bool, text: &str) -> HeaderValue {
    let packed = format!(
        "{}{}",
        if ok { '+' } else { '-' },
        crate::core::text::cut(text, SAID_CHARS)
    );
    set_cookie("firebell_said", &URL_SAFE_NO_PAD.encode(packed), 60)
}

fn unpack(cookie: &str) -> Option<(bool, String)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cookie).ok()?).ok()?;
    let (mark, words) = text.split_at_checked(1)?;
    Some((mark == "+", words.to_owned()))
}

/// A redirect that tells on the next page what was done.
pub(super) fn go(to: &str, ok: bool, text: &str) -> Response {
    let headers = AppendHeaders([(header::SET_COOKIE, say_next(ok, text))]);
    (
        StatusCode::SEE_OTHER,
        [(header::LOCATION, local(to))],
        headers,
    )
        .into_response()
}

/// A path of ours, or `/`: a redirect never leaves the console.
pub(super) fn local(path: &str) -> String {
    let ours = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains('\\')
        && path.chars().all(|c| c.is_ascii_graphic());
    if ours {
        path.to_owned()
    } else {
        "/".to_owned()
    }
}

#[derive(Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

/// The page to pick who you are.
pub(super) async fn people(
    State(console): State<Console>,
    viewer: Viewer,
    Query(next): Query<Next>,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    let body = draw::people(moment.scene(), &local(&next.next));
    load::page(
        &console,
        &moment,
        (Here::People, "/people"),
        "People",
        &body,
    )
    .await
}

#[derive(Deserialize)]
pub(super) struct Pick {
    person: String,
    #[serde(default)]
    next: String,
}

/// Remembers who this browser's user is.
pub(super) async fn pick(
    State(console): State<Console>,
    Form(pick): Form<Pick>,
) -> Result<Response, Trouble> {
    if !console.app.settings.console.demo {
        return Err(Trouble::Forbidden(READ_ONLY.to_owned()));
    }
    let directory = console.app.engine.directory();
    let person = directory
        .people
        .get(&pick.person)
        .ok_or_else(|| Trouble::NotFound(format!("{} is not in the directory.", pick.person)))?;
    let cookie = set_cookie("firebell_who", &person.id, 60 * 60 * 24 * 30);
    let mut response = go(&pick.next, true, &format!("You are {} now.", person.name));
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

#[derive(Deserialize)]
pub(super) struct ThemeForm {
    theme: String,
    #[serde(default)]
    next: String,
}

/// Remembers the colours.
pub(super) async fn theme(Form(form): Form<ThemeForm>) -> Response {
    let (word, age) = match Theme::parse(&form.theme).word() {
        Some(word) => (word, 60 * 60 * 24 * 365),
        None => ("", 0),
    };
    let cookie = [(header::SET_COOKIE, set_cookie("firebell_theme", word, age))];
    (
        StatusCode::SEE_OTHER,
        cookie,
        [(header::LOCATION, local(&form.next))],
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_never_leaves_the_console() {
        assert_eq!(local("/rooms/3?before=7"), "/rooms/3?before=7");
        for bad in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/a\r\nSet-Cookie: x=1",
        ] {
            assert_eq!(local(bad), "/", "{bad:?}");
        }
    }

    #[test]
    fn a_sentence_survives_the_redirect() {
        let header = say_next(false, "Bo has it; nothing was done…");
        let value = header.to_str().unwrap().split(['=', ';']).nth(1).unwrap();
        assert_eq!(
            unpack(value),
            Some((false, "Bo has it; nothing was done…".to_owned()))
        );
        assert_eq!(unpack("not base64!"), None);
    }

    #[test]
    fn a_token_belongs_to_one_person_and_one_start() {
        let (a, b) = ([1u8; 32], [2u8; 32]);
        assert_eq!(token(&a, "ana"), token(&a, "ana"));
        assert_ne!(token(&a, "ana"), token(&a, "bo"));
        assert_ne!(token(&a, "ana"), token(&b, "ana"));
    }
}
