//! Links in mails to subscribers while the status page has no listener of its own: a code that begins, a
//! link that ends. The words and rules are those of the page's own forms ([`crate::engine::Door`]).

use crate::engine::{Door, Said};
use crate::http::App;
use crate::http::page::{field, small_at};
use crate::page::{Kind, STYLE};
use axum::extract::{Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;

/// Where the style sheet of these pages is.
pub(super) const SHEET: &str = "/unsubscribe/style.css";

/// The sealed text of a link: in the address, or as the field of its button.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Token {
    t: String,
}

/// The link that begins was opened.
pub(super) async fn ask_confirm(State(app): State<App>, Query(q): Query<Token>) -> Response {
    carry(&app, Door::AskConfirm(q.t)).await
}

/// Its button was pressed.
pub(super) async fn confirm(
    State(app): State<App>,
    Query(q): Query<Token>,
    body: Bytes,
) -> Response {
    carry(&app, Door::Confirm(either(&body, q))).await
}

/// The link that ends it was opened.
pub(super) async fn ask_unsubscribe(State(app): State<App>, Query(q): Query<Token>) -> Response {
    carry(&app, Door::AskUnsubscribe(q.t)).await
}

/// Its button was pressed, or the mail program did (RFC 8058): then the token is in the address.
pub(super) async fn unsubscribe(
    State(app): State<App>,
    Query(q): Query<Token>,
    body: Bytes,
) -> Response {
    carry(&app, Door::Unsubscribe(either(&body, q))).await
}

/// The style sheet.
pub(super) async fn style() -> Response {
    let kind = HeaderValue::from_static("text/css; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], STYLE).into_response()
}

fn either(form: &[u8], query: Token) -> String {
    field(form, "t").unwrap_or(query.t)
}

async fn carry(app: &App, door: Door) -> Response {
    let said: Said = app.engine.door(door).await.unwrap_or_else(|failure| {
        tracing::warn!(%failure, "the link of a mail could not be carried out");
        let words = "Nothing was done, because firebell cannot store it. Try again in a minute.";
        (503, "Not right now", words.to_owned(), Kind::Said)
    });
    let (status, title, words, kind) = said;
    // A page that is only written as files takes no links, and is still where the reader came from.
    let page = app.engine.directory().page.clone();
    let home = page.as_ref().map(|p| p.url.as_str());
    small_at((status, title, &words, &kind), SHEET, home)
}
