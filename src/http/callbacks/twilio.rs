//! What an account of text messages or calls sends here: replies, keys, and the fate of a message.
//!
//! Every request is checked against the signature of the provider whose name is in its path, over the
//! address people know (`public-url`): twilio.com/docs/usage/security. What is not signed is 403 and
//! does nothing.

use super::reply::{self, Reply};
use super::{Deed, carry_out, still};
use crate::core::directory::{ContactKind, Directory, Means};
use crate::core::id::IncidentId;
use crate::core::incident::Status;
use crate::core::sight::Sight;
use crate::core::text::list;
use crate::engine::Failure;
use crate::http::App;
use crate::notify::twilio::escaped;
use crate::store::AttemptQuery;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;

/// A form's fields, in the order they came.
type Fields = Vec<(String, String)>;

/// Somebody replied to a text message.
pub(super) async fn sms(
    State(app): State<App>,
    Path(provider): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Response {
    if !signed(&app, &[Means::Sms], &provider, &uri, &headers, &fields) {
        return forged();
    }
    let directory = app.engine.directory();
    let (from, text) = (field(&fields, "From"), field(&fields, "Body"));
    let Some(who) = owner(&directory, Means::Sms, from) else {
        // An answer would cost money and tell a stranger that somebody listens.
        tracing::info!(provider, "a text message came from a number of nobody");
        return said("");
    };
    let cause = format!("twilio:{}", field(&fields, "MessageSid"));
    let outcome = match reply::read(text) {
        Reply::Unclear => Ok(
            "Not understood, so nothing was done. Reply with the incident's number to acknowledge it, R and the number to resolve it, or ALL."
                .to_owned(),
        ),
        Reply::One(deed, id) => one(&app, &who, deed, id, &cause).await,
        Reply::Bare(deed) => match waiting_for(&app, &who).as_slice() {
            [] => Ok("Nothing waits for you.".to_owned()),
            [only] => one(&app, &who, deed, *only, &cause).await,
            several => {
                let each: Vec<String> = several.iter().map(ToString::to_string).collect();
                Ok(format!(
                    "Which one? {} wait for you; reply with a number, or ALL. Nothing was done.",
                    list(&each)
                ))
            }
        },
        Reply::All => match waiting_for(&app, &who) {
            ids if ids.is_empty() => Ok("Nothing waits for you.".to_owned()),
            ids => {
                let ids: Vec<_> = ids.into_iter().map(|id| (id, None)).collect();
                carry_out(&app.engine, &who, Deed::Acknowledge, &ids, &cause).await
            }
        },
    };
    match outcome {
        Ok(words) => said(&format!("<Message>{}</Message>", escaped(&words))),
        Err(failure) => unavailable(&failure),
    }
}

/// A reply about one incident: it means the newest message about it that was sent to this person. What was over
/// and opened again since, or what they were sent nothing about, is not what they answered.
async fn one(
    app: &App,
    who: &str,
    deed: Deed,
    id: IncidentId,
    cause: &str,
) -> Result<String, Failure> {
    let query = AttemptQuery {
        incident: Some(id),
        person: Some(who.to_owned()),
        // What was sent to them concerns them.
        sight: Sight::All,
        offset: 0,
        limit: 100,
    };
    let (sent, _) = app.engine.store().attempts(&query).await?;
    let pages = sent
        .iter()
        .filter(|a| a.purpose == "page" && a.state != "failed");
    let Some(paged) = pages.filter_map(|a| a.seq).max() else {
        return Ok(format!(
            "No message about {id} was sent to you, so nothing was done. Reply with the number of the message."
        ));
    };
    let incident = app.engine.incident(id).await?;
    let opened_again = incident.and_then(|i| i.reopened);
    if opened_again.is_some_and(|(seq, _)| paged < seq) {
        return Ok(format!(
            "{id} was over and opened again since the last message to you, so nothing was done. Use the console or your chat."
        ));
    }
    carry_out(&app.engine, who, deed, &[(id, Some(paged))], cause).await
}

/// Somebody pressed a key in a call.
pub(super) async fn keys(
    State(app): State<App>,
    Path(provider): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Response {
    if !signed(&app, &[Means::Voice], &provider, &uri, &headers, &fields) {
        return forged();
    }
    let query = uri.query().unwrap_or_default();
    let token = query.strip_prefix("t=").unwrap_or_default();
    let speak = |words: &str| said(&format!("<Say>{}</Say>", escaped(words)));
    let Some(link) = app.engine.read_ack(token) else {
        return speak("This call is too old to be answered. Nothing was done.");
    };
    let digit = field(&fields, "Digits");
    let deed = match digit {
        "4" => Deed::Acknowledge,
        "6" => Deed::Resolve,
        "8" => Deed::Escalate,
        _ => return speak("This key does nothing. Nothing was done."),
    };
    let cause = format!("call:{}:{digit}", field(&fields, "CallSid"));
    let (now, past) = match still(&app.engine, &link).await {
        Ok(parts) => parts,
        Err(failure) => return unavailable(&failure),
    };
    match carry_out(&app.engine, &link.person, deed, &now, &cause).await {
        Ok(words) => speak(format!("{words} {past}").trim()),
        Err(failure) => unavailable(&failure),
    }
}

/// What became of a message or a call.
pub(super) async fn status(
    State(app): State<App>,
    Path(provider): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Response {
    let either = [Means::Sms, Means::Voice];
    if !signed(&app, &either, &provider, &uri, &headers, &fields) {
        return forged();
    }
    let (receipt, word) = match field(&fields, "CallSid") {
        "" => (
            field(&fields, "MessageSid"),
            field(&fields, "MessageStatus"),
        ),
        call => (call, field(&fields, "CallStatus")),
    };
    let arrived = match word {
        "delivered" | "read" | "completed" => true,
        "undelivered" | "failed" | "canceled" | "busy" | "no-answer" => false,
        // On its way.
        _ => return StatusCode::NO_CONTENT.into_response(),
    };
    let code = match field(&fields, "ErrorCode") {
        "" => word.to_owned(),
        code => format!("{word}, error {code}"),
    };
    match app.engine.receipt(receipt, arrived, &code).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(failure) => unavailable(&failure),
    }
}

fn field<'f>(fields: &'f [(String, String)], name: &str) -> &'f str {
    let found = fields.iter().find(|(n, _)| n == name);
    found.map_or("", |(_, value)| value.as_str())
}

fn signed(
    app: &App,
    means: &[Means],
    provider: &str,
    uri: &Uri,
    headers: &HeaderMap,
    fields: &[(String, String)],
) -> bool {
    let signature = headers.get("x-twilio-signature");
    let Some(signature) = signature.and_then(|v| v.to_str().ok()) else {
        return false;
    };
    let asked = uri.path_and_query().map_or("", |p| p.as_str());
    let url = format!("{}{asked}", app.engine.public_url());
    let notifiers = app.engine.notifiers();
    let named = means.iter().filter_map(|m| notifiers.named(*m, provider));
    named.into_iter().any(|n| n.signed(&url, fields, signature))
}

/// Whose number it is; one of which a code came back counts before one that is only written down.
fn owner(directory: &Directory, means: Means, number: &str) -> Option<String> {
    let mut found = directory
        .people
        .values()
        .flat_map(|p| p.contacts.iter().map(move |c| (p, c)))
        .filter(|(_, c)| match &c.kind {
            ContactKind::Direct { means: m, to, .. } => *m == means && to.expose_secret() == number,
            _ => false,
        })
        .map(|(p, c)| (directory.is_unverified(&p.id, &c.name), p.id.clone()))
        .collect::<Vec<_>>();
    found.sort();
    found.into_iter().next().map(|(_, person)| person)
}

/// What this person was paged for and nobody has yet, oldest first.
fn waiting_for(app: &App, who: &str) -> Vec<IncidentId> {
    let open = app.engine.open_incidents();
    let theirs = open
        .iter()
        .filter(|i| i.status == Status::Triggered && i.paged.contains_key(who));
    let mut ids: Vec<IncidentId> = theirs.map(|i| i.id).collect();
    ids.sort();
    ids
}

fn said(verbs: &str) -> Response {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>{verbs}</Response>");
    ([(header::CONTENT_TYPE, "text/xml")], body).into_response()
}

fn forged() -> Response {
    let why = "This is not signed by the provider. If it is yours: is public-url in firebell.toml the address it calls?\n";
    (StatusCode::FORBIDDEN, why).into_response()
}

fn unavailable(failure: &Failure) -> Response {
    tracing::error!(error = %failure, "an answer to a page could not be stored, the provider is told to try again");
    (StatusCode::SERVICE_UNAVAILABLE, "Not stored; try again.\n").into_response()
}
