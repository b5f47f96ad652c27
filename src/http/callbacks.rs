//! Where pages are answered from outside the console and the chat platforms: links in mails and
//! pushes, of subscribers too, replies to text messages, keys of a call, and what providers tell of a message's fate.
//!
//! Promises: nothing acts that is not signed, by firebell (links) or by the provider (Twilio); the
//! human is the owner of the contact it was sent to or came from; opening a link does nothing, only
//! its button does, because mail scanners open links; the same request again has one effect. What
//! could not be stored is answered with 503, so that providers try again.

mod link;
mod reply;
mod told;
mod twilio;

use crate::core::id::{IncidentId, Seq};
use crate::core::incident::{Command, Refusal};
use crate::engine::{AckLink, Engine, Failure, person};
use crate::http::App;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

/// Forms of providers are a kilobyte.
const BODY_BYTES: usize = 64 * 1024;

/// The routes.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/a/{token}", get(link::show).post(link::act))
        .route("/confirm", get(told::ask_confirm).post(told::confirm))
        .route(
            "/unsubscribe",
            get(told::ask_unsubscribe).post(told::unsubscribe),
        )
        .route(told::SHEET, get(told::style))
        .route("/callbacks/twilio/{provider}/sms", post(twilio::sms))
        .route("/callbacks/twilio/{provider}/keys", post(twilio::keys))
        .route("/callbacks/twilio/{provider}/status", post(twilio::status))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(app)
}

/// What is asked for from afar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Acknowledge,
    Resolve,
    Escalate,
}

/// Does it for each incident, and answers in one sentence per outcome. `cause` is unique per human act. What is
/// known of an incident is the fact that paged: whoever changed since then who has it is named, and nothing
/// is done, because what was answered is not what is.
///
/// # Errors
/// `Unavailable` when nothing could be stored.
async fn carry_out(
    engine: &Engine,
    who: &str,
    deed: Deed,
    incidents: &[(IncidentId, Option<Seq>)],
    cause: &str,
) -> Result<String, Failure> {
    let by = person(&engine.directory(), who);
    let (mut done, mut answers) = (Vec::new(), Vec::new());
    for (id, paged) in incidents {
        if let Some(words) = moved(engine, *id).await? {
            answers.push(words);
            continue;
        }
        let by = by.clone();
        let command = match deed {
            Deed::Acknowledge => Command::Acknowledge { by },
            Deed::Resolve => Command::Resolve { by },
            Deed::Escalate => Command::Escalate { by, as_of: *paged },
        };
        // Resolving is a judgement about the trouble, not about who has it.
        let command = match paged.filter(|_| deed == Deed::Acknowledge) {
            Some(seq) => Command::AsOf {
                seq,
                command: Box::new(command),
            },
            None => command,
        };
        match engine
            .submit(&format!("{cause}:{}", id.0), *id, command)
            .await
        {
            Ok(_) => done.push(id.to_string()),
            Err(Failure::Refused(refusal)) => answers.push(no(*id, &refusal)),
            Err(failure) => return Err(failure),
        }
    }
    if !done.is_empty() {
        let all = crate::core::text::list(&done);
        let (is, yours) = match done.len() {
            1 => ("is", "is yours; paging stopped"),
            _ => ("are", "are yours; paging stopped"),
        };
        answers.insert(
            0,
            match deed {
                Deed::Acknowledge => format!("{all} {yours}."),
                Deed::Resolve => format!("{all} {is} resolved."),
                Deed::Escalate => format!("{all}: the next step is being paged."),
            },
        );
    }
    Ok(answers.join(" "))
}

/// What a link or a call is about, in two parts: what it may still act on, and in words what was over
/// and opened again since.
///
/// # Errors
/// `Unavailable` when the store does not answer.
async fn still(
    engine: &Engine,
    link: &AckLink,
) -> Result<(Vec<(IncidentId, Option<Seq>)>, String), Failure> {
    let (mut now, mut past) = (Vec::new(), Vec::new());
    for (id, paged) in &link.incidents {
        match engine.incident(*id).await? {
            Some(incident) if link.is_past(&incident) => past.push(id.to_string()),
            _ => now.push((*id, *paged)),
        }
    }
    let words = match past.as_slice() {
        [] => String::new(),
        past => format!(
            "{}: over and opened again since this message was sent, so nothing was done about it. Use the newer message, the console or your chat.",
            crate::core::text::list(past)
        ),
    };
    Ok((now, words))
}

/// Where an incident went that was joined with another one; its number is not answered for that one.
async fn moved(engine: &Engine, id: IncidentId) -> Result<Option<String>, Failure> {
    let incident = engine.incident(id).await?;
    let into = incident.and_then(|i| i.merged_into);
    Ok(into.map(|into| format!("{id} goes on as {into}, so nothing was done: answer for {into}.")))
}

fn no(id: IncidentId, refusal: &Refusal) -> String {
    match refusal {
        Refusal::Stale { now } => {
            format!("{id}: since this message was sent, {now}. Nothing was done.")
        }
        refusal => format!("{id}: {refusal}"),
    }
}
