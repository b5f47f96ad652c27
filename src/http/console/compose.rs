//! The message box: words for the room, commands, and their completion.

use super::act::TEXT_CHARS;
use super::told::{Asker, cause};
use super::trouble::Trouble;
use super::viewer::Viewer;
use super::{Console, room};
use crate::chat::surface;
use crate::core::id::{Actor, RoomId, Seq};
use crate::core::incident::{Answered, Command};
use crate::dispatch;
use crate::engine::{Counter, Failure};
use crate::platform::console::PLATFORM;
use crate::store::{ChangeSet, PostRow, RoomRow};
use axum::Json;
use axum::extract::{Form, Path, Query, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
pub(super) struct SayForm {
    text: String,
    click: String,
    /// The message it answers.
    #[serde(default)]
    answers: Option<i64>,
}

/// Posts words or carries a command out.
pub(super) async fn say(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Path(id): Path<i64>,
    Form(form): Form<SayForm>,
) -> Result<Response, Trouble> {
    let who = match asker.actor(&console, &viewer) {
        Ok(who) => who,
        Err(answer) => return Ok(*answer),
    };
    let room = room::find(&console, &viewer, id).await?;
    let text = form.text.trim();
    if text.is_empty() || text.chars().count() > TEXT_CHARS {
        return Ok(asker.tell(
            false,
            &format!("A message has 1 to {TEXT_CHARS} characters; nothing was posted."),
        ));
    }
    let cause = cause(&form.click, "say")?;
    let back = format!("/rooms/{id}");
    if text.starts_with('/') {
        let ok = command(&console, &room, who, text, &cause).await?;
        return Ok(asker.said(ok, &back));
    }
    let posted = words(&console, &room, who, (text, form.answers), &cause).await?;
    match posted.refused {
        Some(why) => Ok(asker.tell(
            true,
            &format!("It stands in the room, but not on the timeline: {why}"),
        )),
        None => Ok(asker.said(true, &back)),
    }
}

/// Carries a command out; the answer is for whoever asked unless it is for the room.
async fn command(
    console: &Console,
    room: &RoomRow,
    who: Actor,
    text: &str,
    cause: &str,
) -> Result<bool, Trouble> {
    let author = who.person().unwrap_or_default().to_owned();
    let engine = &console.app.engine;
    let at = dispatch::At {
        platform: PLATFORM,
        here: room.incident,
        room: &room.id.0.to_string(),
    };
    let reply = dispatch::perform_at(engine, who, at, text, cause).await;
    let mut answer = format!("{text}\n{}", reply.text);
    if let (Some(_), Some(incident)) = (&reply.document, reply.incident) {
        answer.push_str(&format!(
            "\n{}/incidents/{}/postmortem",
            console.app.settings.public_url.trim_end_matches('/'),
            incident.0
        ));
    }
    let post = PostRow {
        author: if reply.room { String::new() } else { author },
        kind: "answer".to_owned(),
        incident: reply.incident,
        text: answer,
        key: format!("answer:{cause}"),
        ..blank(console, room.id)
    };
    put(console, post).await?;
    Ok(reply.ok)
}

/// What was posted.
pub(super) struct Posted {
    /// The message, as the journal names it.
    pub(super) id: String,
    /// Why it is not on the timeline.
    pub(super) refused: Option<String>,
}

/// Posts words, which may answer another message; in an incident's room they go onto its timeline too.
pub(super) async fn words(
    console: &Console,
    room: &RoomRow,
    who: Actor,
    (text, answers): (&str, Option<i64>),
    cause: &str,
) -> Result<Posted, Trouble> {
    let to = match answers {
        Some(id) => console.app.engine.store().post(id).await?,
        None => None,
    };
    let to = to.filter(|p| p.room == room.id && p.kind == "text" && p.state.is_empty());
    let post = PostRow {
        author: who.person().unwrap_or_default().to_owned(),
        author_name: who.name().to_owned(),
        kind: "text".to_owned(),
        incident: room.incident,
        text: text.to_owned(),
        key: format!("text:{cause}"),
        answers: to.as_ref().map(|p| p.id),
        ..blank(console, room.id)
    };
    let key = post.key.clone();
    put(console, post).await?;
    // Sent twice, it is the message of the first time.
    let known = console.app.engine.store().post_by_key(&key).await?;
    let message = known.map_or_else(String::new, |p| p.id.to_string());
    let Some(incident) = room.incident else {
        return Ok(Posted {
            id: message,
            refused: None,
        });
    };
    let answers = to.map(|p| {
        Box::new(Answered {
            message: p.id.to_string(),
            seq: p.seq.and_then(|n| n.try_into().ok()),
            name: p.author_name,
        })
    });
    let speak = Command::Speak {
        by: who,
        text: text.to_owned(),
        platform: PLATFORM.to_owned(),
        message: message.clone(),
        answers,
    };
    let refused = match console.app.engine.submit(cause, incident, speak).await {
        Ok(_) => None,
        Err(Failure::Refused(refusal)) => Some(refusal.to_string()),
        Err(failure) => return Err(failure.into()),
    };
    Ok(Posted {
        id: message,
        refused,
    })
}

/// The message that shows a file.
pub(super) async fn file(
    console: &Console,
    room: &RoomRow,
    seq: Seq,
    cause: &str,
) -> Result<(), Trouble> {
    let post = PostRow {
        kind: "file".to_owned(),
        incident: room.incident,
        seq: Some(i64::from(seq)),
        key: format!("file:{cause}"),
        ..blank(console, room.id)
    };
    put(console, post).await
}

fn blank(console: &Console, room: RoomId) -> PostRow {
    PostRow {
        id: console.app.engine.next_id(Counter::Post),
        room,
        at: console.app.engine.now(),
        author: String::new(),
        author_name: String::new(),
        kind: String::new(),
        incident: None,
        seq: None,
        text: String::new(),
        key: String::new(),
        state: String::new(),
        changed_at: None,
        answers: None,
    }
}

async fn put(console: &Console, post: PostRow) -> Result<(), Trouble> {
    let changes = ChangeSet {
        posts: vec![post],
        ..ChangeSet::default()
    };
    Ok(console.app.engine.write(changes).await?)
}

#[derive(Deserialize)]
pub(super) struct Typed {
    text: String,
    #[serde(default)]
    room: i64,
}

#[derive(Serialize)]
pub(super) struct Offer {
    insert: String,
    label: String,
    help: String,
}

/// Ways to go on from what is typed.
pub(super) async fn complete(
    State(console): State<Console>,
    viewer: Viewer,
    Query(typed): Query<Typed>,
) -> Result<Json<Vec<Offer>>, Trouble> {
    if typed.text.chars().count() > TEXT_CHARS {
        return Ok(Json(Vec::new()));
    }
    let here = room::find(&console, &viewer, typed.room)
        .await
        .ok()
        .and_then(|r| r.incident);
    let found = surface::complete(&typed.text, &console.app.engine.directory(), here);
    let offer = |c: surface::Completion| Offer {
        insert: c.insert,
        label: c.label,
        help: c.help,
    };
    Ok(Json(found.into_iter().map(offer).collect()))
}
