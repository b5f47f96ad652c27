//! What people do with messages of a room: answer, change, take back, mark, send files, remove for good.

use super::act::TEXT_CHARS;
use super::compose;
use super::load::{self, Moment};
use super::told::{Asker, cause};
use super::trouble::Trouble;
use super::view::frame::Here;
use super::view::talk as draw;
use super::viewer::Viewer;
use super::{Console, room};
use crate::core::id::{Actor, IncidentId, Seq};
use crate::core::incident::{Command, Event, KeptMessage, Talk};
use crate::engine::{Change, Failure, Incoming, Redaction, is_picture};
use crate::platform::console::PLATFORM;
use crate::store::{ChangeSet, PostChange, PostRow, RoomRow};
use axum::extract::{Form, Multipart, Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::collections::BTreeMap;

/// How a message is marked here.
const MARK: &str = "marked on the console";
/// What stands around a file in a form, bytes.
pub(super) const AROUND: usize = 64 * 1024;
/// What browsers may do with a file: nothing but show it.
const SANDBOX: &str = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; sandbox";

#[derive(Deserialize)]
pub(super) struct Click {
    click: String,
}

/// A message of a room this viewer may look into.
async fn message(
    console: &Console,
    viewer: &Viewer,
    (room, post): (i64, i64),
) -> Result<(RoomRow, PostRow), Trouble> {
    let room = room::find(console, viewer, room).await?;
    let found = console.app.engine.store().post(post).await?;
    let found = found.filter(|p| p.room == room.id && room::for_viewer(viewer, p));
    let post = found.ok_or_else(|| Trouble::NotFound("There is no such message.".to_owned()))?;
    Ok((room, post))
}

/// One that was written here by this viewer, and stands.
fn own(viewer: &Viewer, post: &PostRow) -> Result<(), String> {
    let theirs = post.kind == "text" && post.seq.is_none() && post.author == viewer.id;
    match (theirs, post.state.as_str()) {
        (true, "") => Ok(()),
        (true, _) => Err("That message is not there any more.".to_owned()),
        (false, _) => Err("Only its author changes a message, where it was written.".to_owned()),
    }
}

async fn change(console: &Console, post: &PostRow, text: &str, state: &str) -> Result<(), Trouble> {
    let engine = &console.app.engine;
    let change = PostChange {
        id: post.id,
        text: text.to_owned(),
        state: state.to_owned(),
        changed_at: engine.now(),
    };
    let changes = ChangeSet {
        post_changes: BTreeMap::from([(post.id, change)]),
        ..ChangeSet::default()
    };
    engine.write(changes).await?;
    engine.announce(Change::Room(post.room));
    Ok(())
}

/// Puts it to the incident whose room it is; a refusal is told.
async fn tell(
    console: &Console,
    room: &RoomRow,
    cause: &str,
    command: Command,
) -> Result<Option<String>, Trouble> {
    let Some(id) = room.incident else {
        return Ok(None);
    };
    match console.app.engine.submit(cause, id, command).await {
        Ok(_) => Ok(None),
        Err(Failure::Refused(refusal)) => Ok(Some(refusal.to_string())),
        Err(failure) => Err(failure.into()),
    }
}

/// The form to change one's own message.
pub(super) async fn edit_form(
    State(console): State<Console>,
    viewer: Viewer,
    Path(at): Path<(i64, i64)>,
) -> Result<Response, Trouble> {
    let (room, post) = message(&console, &viewer, at).await?;
    own(&viewer, &post).map_err(Trouble::Forbidden)?;
    let moment = Moment::new(&console, viewer);
    let body = draw::edit(moment.scene(), &room, &post);
    let path = format!("/rooms/{}/posts/{}/edit", at.0, at.1);
    let here = (Here::Room(room.id), path.as_str());
    load::page(&console, &moment, here, "Change a message", &body).await
}

#[derive(Deserialize)]
pub(super) struct EditForm {
    text: String,
    click: String,
}

/// Changes one's own message, here and where it is repeated.
pub(super) async fn edit(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Path(at): Path<(i64, i64)>,
    Form(form): Form<EditForm>,
) -> Result<Response, Trouble> {
    let who = match asker.actor(&console, &viewer) {
        Ok(who) => who,
        Err(answer) => return Ok(*answer),
    };
    let (room, post) = message(&console, &viewer, at).await?;
    let back = format!("/rooms/{}", at.0);
    if let Err(why) = own(&viewer, &post) {
        return Ok(asker.send(&back, false, &why));
    }
    let text = form.text.trim();
    if text.is_empty() || text.chars().count() > TEXT_CHARS {
        let why = format!("A message has 1 to {TEXT_CHARS} characters; nothing was changed.");
        return Ok(asker.send(&back, false, &why));
    }
    let cause = cause(&form.click, &format!("edit:{}", post.id))?;
    if text != post.text {
        change(&console, &post, text, "").await?;
        let reword = Command::Reword {
            by: who,
            text: text.to_owned(),
            platform: PLATFORM.to_owned(),
            message: post.id.to_string(),
        };
        tell(&console, &room, &cause, reword).await?;
    }
    Ok(asker.send(&back, true, "Changed."))
}

/// Takes one's own message back: it is marked as deleted here and where it is repeated.
pub(super) async fn delete(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Path(at): Path<(i64, i64)>,
    Form(form): Form<Click>,
) -> Result<Response, Trouble> {
    let who = match asker.actor(&console, &viewer) {
        Ok(who) => who,
        Err(answer) => return Ok(*answer),
    };
    let (room, post) = message(&console, &viewer, at).await?;
    if let Err(why) = own(&viewer, &post) {
        return Ok(asker.tell(false, &why));
    }
    let cause = cause(&form.click, &format!("delete:{}", post.id))?;
    change(&console, &post, "", "deleted").await?;
    let unsay = Command::Unsay {
        by: who,
        platform: PLATFORM.to_owned(),
        message: post.id.to_string(),
    };
    tell(&console, &room, &cause, unsay).await?;
    Ok(asker.tell(
        true,
        "Deleted here and where it was repeated; the timeline keeps that it was there.",
    ))
}

/// Puts a message on the timeline with its own time, or takes that back.
pub(super) async fn mark(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Path(at): Path<(i64, i64)>,
    Form(form): Form<Click>,
) -> Result<Response, Trouble> {
    let who = match asker.actor(&console, &viewer) {
        Ok(who) => who,
        Err(answer) => return Ok(*answer),
    };
    let (room, post) = message(&console, &viewer, at).await?;
    let Some(id) = room.incident else {
        return Ok(asker.tell(false, "This is not the room of an incident."));
    };
    let cause = cause(&form.click, &format!("mark:{}", post.id))?;
    let Some(kept) = written(&console, id, &post, who.clone()).await? else {
        return Ok(asker.tell(false, "The timeline has that already, or it is gone."));
    };
    let incident = load::incident(&console, id.0).await?;
    let place = (kept.platform.clone(), kept.message.clone());
    let (talk, done) = match incident.talk.kept.get(&place) {
        Some(mark) => (
            Talk::Unkeep {
                by: who,
                platform: place.0,
                message: place.1,
                how: mark.how.clone(),
            },
            "It is off the timeline again.",
        ),
        None => (Talk::Keep(Box::new(kept)), "It is on the timeline."),
    };
    let refused = tell(&console, &room, &cause, Command::Talk(Box::new(talk))).await?;
    console.app.engine.announce(Change::Room(room.id));
    Ok(match refused {
        Some(why) => asker.tell(false, &why),
        None => asker.tell(true, done),
    })
}

/// The message as it was written, here or on another platform.
async fn written(
    console: &Console,
    id: IncidentId,
    post: &PostRow,
    by: Actor,
) -> Result<Option<KeptMessage>, Trouble> {
    if post.kind != "text" || !post.state.is_empty() {
        return Ok(None);
    }
    let how = MARK.to_owned();
    let Some(seq) = post.seq else {
        return Ok(Some(KeptMessage {
            by,
            platform: PLATFORM.to_owned(),
            message: post.id.to_string(),
            text: post.text.clone(),
            author: post.author_name.clone(),
            written_at: post.at,
            how,
        }));
    };
    let journal = console.app.engine.store().journal(id).await?;
    let record = (journal.iter()).find(|r| i64::from(r.seq) == seq);
    Ok(record.and_then(|record| match &record.event {
        Event::Spoke {
            by: author,
            text,
            platform,
            message,
            ..
        } => Some(KeptMessage {
            by,
            platform: platform.clone(),
            message: message.clone(),
            text: text.clone(),
            author: author.name().to_owned(),
            written_at: record.at,
            how,
        }),
        _ => None,
    }))
}

/// A file for the room, with words or without.
pub(super) async fn upload(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Path(id): Path<i64>,
    mut form: Multipart,
) -> Result<Response, Trouble> {
    let who = match asker.actor(&console, &viewer) {
        Ok(who) => who,
        Err(answer) => return Ok(*answer),
    };
    let room = room::find(&console, &viewer, id).await?;
    let back = format!("/rooms/{id}");
    let Some(incident) = room.incident else {
        let why = "Files are kept for incidents, and this room belongs to none.";
        return Ok(asker.send(&back, false, why));
    };
    let sent = match read(&mut form).await {
        Ok(sent) => sent,
        Err(why) => return Ok(asker.send(&back, false, &why)),
    };
    let cause = cause(&sent.click, "file")?;
    let words = match sent.text.trim() {
        "" => format!("[file: {}]", sent.name),
        text => format!("{text}\n[file: {}]", sent.name),
    };
    let message = compose::words(&console, &room, who.clone(), (&words, None), &cause).await?;
    let incoming = Incoming {
        by: who,
        platform: PLATFORM.to_owned(),
        message: message.id.clone(),
        name: sent.name,
        content: Ok(sent.content),
    };
    let engine = &console.app.engine;
    let kept = engine
        .attach(&format!("{cause}:kept"), incident, incoming)
        .await?;
    let Some(seq) = kept else {
        let why = "The message was posted. The file was not kept; the timeline says why.";
        return Ok(asker.send(&back, false, why));
    };
    compose::file(&console, &room, seq, &cause).await?;
    Ok(asker.said(true, &back))
}

struct Sent {
    text: String,
    click: String,
    name: String,
    content: bytes::Bytes,
}

async fn read(form: &mut Multipart) -> Result<Sent, String> {
    let (mut text, mut click, mut file) = (String::new(), String::new(), None);
    let broken = |e: axum::extract::multipart::MultipartError| {
        format!(
            "The file did not arrive whole, or is too large: {}. Nothing was posted.",
            e.body_text()
        )
    };
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.name().unwrap_or_default() {
            "text" => text = field.text().await.map_err(broken)?,
            "click" => click = field.text().await.map_err(broken)?,
            "file" => {
                let name = field.file_name().unwrap_or("file").to_owned();
                let content = field.bytes().await.map_err(broken)?;
                if !content.is_empty() {
                    file = Some((name, content));
                }
            }
            _ => {}
        }
    }
    if text.chars().count() > TEXT_CHARS {
        return Err(format!(
            "A message has at most {TEXT_CHARS} characters; nothing was posted."
        ));
    }
    let (name, content) = file.ok_or("Choose a file that is not empty; nothing was posted.")?;
    Ok(Sent {
        text,
        click,
        name,
        content,
    })
}

/// A file as it was sent. What is no picture is only ever downloaded.
pub(super) async fn file(
    State(console): State<Console>,
    viewer: Viewer,
    Path((id, seq)): Path<(i64, Seq)>,
) -> Result<Response, Trouble> {
    let _ = viewer;
    let gone =
        || Trouble::NotFound("There is no such file, or it was removed for good.".to_owned());
    let engine = &console.app.engine;
    let found = engine.store().file(IncidentId(id), seq).await?;
    let file = found.ok_or_else(gone)?;
    let place = engine.content(&file).ok_or_else(gone)?;
    let content = tokio::fs::read(place).await.map_err(|_| gone())?;
    let picture = is_picture(&file.kind);
    let how = if picture { "inline" } else { "attachment" };
    let kind = if picture {
        file.kind.as_str()
    } else {
        "application/octet-stream"
    };
    let plain: String = (file.name.chars())
        .map(|c| {
            if c.is_ascii_alphanumeric() || ".-_ ".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::CONTENT_SECURITY_POLICY, SANDBOX.to_owned()),
        (
            header::HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin".to_owned(),
        ),
        (
            header::CONTENT_DISPOSITION,
            format!(
                "{how}; filename=\"{plain}\"; filename*=UTF-8''{}",
                crate::core::text::percent(&file.name)
            ),
        ),
    ];
    Ok((headers, content).into_response())
}

/// The form to remove a line for good.
pub(super) async fn redact_form(
    State(console): State<Console>,
    viewer: Viewer,
    Path((id, seq)): Path<(i64, Seq)>,
) -> Result<Response, Trouble> {
    let incident = load::incident(&console, id).await?;
    let journal = console.app.engine.store().journal(incident.id).await?;
    let line = crate::core::timeline::entries(&journal)
        .into_iter()
        .find(|e| e.seq == seq)
        .ok_or_else(|| Trouble::NotFound("There is no such line.".to_owned()))?;
    let moment = Moment::new(&console, viewer);
    let body = draw::redact(moment.scene(), incident.id, &line);
    let path = format!("/incidents/{id}/redact/{seq}");
    let here = (Here::Incidents, path.as_str());
    load::page(&console, &moment, here, "Remove for good", &body).await
}

#[derive(Deserialize)]
pub(super) struct RedactForm {
    why: String,
    click: String,
}

/// Removes a line for good.
pub(super) async fn redact(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Path((id, seq)): Path<(i64, Seq)>,
    Form(form): Form<RedactForm>,
) -> Result<Response, Trouble> {
    let by = match asker.actor(&console, &viewer) {
        Ok(who) => who,
        Err(answer) => return Ok(*answer),
    };
    let cause = cause(&form.click, &format!("{id}:redact:{seq}"))?;
    let wanted = Redaction {
        by,
        incident: IncidentId(id),
        seq,
        why: form.why,
    };
    let back = format!("/incidents/{id}");
    Ok(match console.app.engine.redact(&cause, wanted).await {
        Ok(told) => asker.send(&back, true, &told),
        Err(Failure::Refused(refusal)) => asker.send(&back, false, &refusal.to_string()),
        Err(failure) => return Err(failure.into()),
    })
}

/// The form to remove for good what people wrote into a section of a postmortem.
pub(super) async fn redact_section_form(
    State(console): State<Console>,
    viewer: Viewer,
    Path((id, anchor)): Path<(i64, String)>,
) -> Result<Response, Trouble> {
    let incident = load::incident(&console, id).await?;
    let read = console.app.engine.postmortem(incident.id).await?;
    let section = read.as_ref().and_then(|r| r.document.section(&anchor));
    let section = section
        .ok_or_else(|| Trouble::NotFound(format!("A postmortem has no section `{anchor}`.")))?;
    let moment = Moment::new(&console, viewer);
    let body = draw::redact_section(moment.scene(), incident.id, section);
    let path = format!("/incidents/{id}/postmortem/redact/{anchor}");
    let here = (Here::Postmortems, path.as_str());
    load::page(&console, &moment, here, "Remove for good", &body).await
}

/// Removes for good what people wrote into a section of a postmortem.
pub(super) async fn redact_section(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Path((id, anchor)): Path<(i64, String)>,
    Form(form): Form<RedactForm>,
) -> Result<Response, Trouble> {
    let by = match asker.actor(&console, &viewer) {
        Ok(who) => who,
        Err(answer) => return Ok(*answer),
    };
    let cause = cause(&form.click, &format!("{id}:redact:{anchor}"))?;
    let (engine, id) = (&console.app.engine, IncidentId(id));
    let done = engine
        .redact_section(&cause, &by, (id, &anchor), &form.why)
        .await;
    let back = format!("/incidents/{}/postmortem", id.0);
    Ok(match done {
        Ok(told) => asker.send(&back, true, &told),
        Err(Failure::Refused(refusal)) => asker.send(&back, false, &refusal.to_string()),
        Err(failure) => return Err(failure.into()),
    })
}
