//! Files in three steps: `files.getUploadURLExternal`, the upload, `files.completeUploadExternal`.

use super::Seat;
use crate::slack_world::Core;
use crate::slack_world::args::{Answer, Fail, fail, object};
use crate::slack_world::model::{Message, Upload};
use crate::slack_world::shape;
use axum::body::Bytes;
use axum::extract::{FromRequest, Multipart, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;

impl Seat<'_> {
    pub fn upload_url(&mut self) -> Answer {
        let name = self.args.need("filename")?.to_owned();
        let length = self.args.number("length").unwrap_or(0) as usize;
        if length == 0 {
            return fail("invalid_arguments");
        }
        let id = self.state.id("F");
        let upload_url = format!("http://{}/upload/{id}", self.state.host);
        self.state.uploads.push(Upload {
            id: id.clone(),
            team: self.team.clone(),
            title: name.clone(),
            name,
            length,
            ..Upload::default()
        });
        Ok(object(json!({"upload_url": upload_url, "file_id": id})))
    }

    pub fn complete_upload(&mut self) -> Answer {
        let files = self.args.structure("files").ok().flatten();
        let Some(Value::Array(files)) = files else {
            return fail("invalid_arguments");
        };
        let channel = match self.args.str("channel_id") {
            "" => None,
            _ => Some(self.own_channel("channel_id")?.id),
        };
        let mut ids = Vec::new();
        for file in &files {
            let id = file["id"].as_str().unwrap_or("");
            let mut uploads = self.state.uploads.iter_mut();
            let upload = uploads.find(|u| u.id == id && u.team == self.team);
            let upload = upload.ok_or(Fail::from("file_not_found"))?;
            if upload.content.is_none() {
                return fail("file_update_failed");
            }
            if let Some(title) = file["title"].as_str() {
                title.clone_into(&mut upload.title);
            }
            upload.channel.clone_from(&channel);
            ids.push(upload.id.clone());
        }
        if let Some(channel) = channel {
            let thread = self.args.str("thread_ts").to_owned();
            let message = Message {
                channel,
                ts: self.state.clock.ts(),
                user: self.bot.clone(),
                bot_id: Some(self.state.team(&self.team).bot_id.clone()),
                text: self.args.str("initial_comment").to_owned(),
                subtype: Some("file_share".to_owned()),
                thread_ts: Some(thread).filter(|t| !t.is_empty()),
                files: ids.clone(),
                ..Message::default()
            };
            self.state.say(message);
        }
        let shown = self.state.uploads.iter().filter(|u| ids.contains(&u.id));
        let shown: Vec<Value> = shown.map(shape::file).collect();
        Ok(object(json!({"files": shown})))
    }
}

/// Takes the bytes, as they are or as the one file of a form.
pub async fn upload(
    State(core): State<Arc<Core>>,
    Path(id): Path<String>,
    request: Request,
) -> (StatusCode, String) {
    let form = request.headers().get("content-type");
    let form = form.is_some_and(|t| t.as_bytes().starts_with(b"multipart/"));
    let content = if form {
        first_file(request).await
    } else {
        Bytes::from_request(request, &()).await.ok()
    };
    let Some(content) = content else {
        return (StatusCode::BAD_REQUEST, "no file".to_owned());
    };
    core.change(|state| {
        let upload = state.uploads.iter_mut().find(|u| u.id == id);
        let Some(upload) = upload else {
            return (StatusCode::NOT_FOUND, "not found".to_owned());
        };
        if content.len() != upload.length {
            let told = format!("length was announced as {}", upload.length);
            return (StatusCode::BAD_REQUEST, told);
        }
        let told = format!("OK - {}", content.len());
        upload.content = Some(content.to_vec());
        (StatusCode::OK, told)
    })
}

/// Hands a file out to who may read files (docs.slack.dev, "Working with files": `url_private` wants the
/// token in a header; without the scope Slack answers with its sign-in page).
pub async fn download(
    State(core): State<Arc<Core>>,
    Path((id, name)): Path<(String, String)>,
    headers: axum::http::HeaderMap,
) -> Response {
    let mut changes = core.changed.subscribe();
    core.change(|state| state.downloads.push(id.clone()));
    while core.look(|state| state.slow_files.contains(&name)) {
        // The sender lives as long as the world.
        let _ = changes.changed().await;
    }
    let bearer = headers.get("authorization").and_then(|v| v.to_str().ok());
    let token = bearer.and_then(|v| v.strip_prefix("Bearer "));
    core.change(|state| {
        if let Some(status) = state.download_trouble.pop_front() {
            return StatusCode::from_u16(status).unwrap().into_response();
        }
        let known = state.authenticate(token, "files.download").is_ok();
        if !known || !state.tokens.scopes.contains("files:read") {
            let page = [("location", "https://slack.com/signin")];
            return (StatusCode::FOUND, page, "").into_response();
        }
        let upload = state.uploads.iter().find(|u| u.id == id);
        match upload.and_then(|u| u.content.clone()) {
            Some(content) => content.into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        }
    })
}

async fn first_file(request: Request) -> Option<Bytes> {
    let mut form = Multipart::from_request(request, &()).await.ok()?;
    form.next_field().await.ok()??.bytes().await.ok()
}
