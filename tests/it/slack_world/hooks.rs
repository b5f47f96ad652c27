//! `response_url`: an answer to a command or a click, five times within thirty minutes.

use super::Core;
use super::args::{Args, Fail};
use super::fault::Trouble;
use super::methods::chat::{Content, content};
use super::model::{Hook, Message, Response as Recorded};
use super::server::dropped;
use super::state::State as World;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use std::sync::Arc;

pub async fn respond(
    State(core): State<Arc<Core>>,
    Path(path): Path<String>,
    body: String,
) -> Response {
    let trouble = core.change(|state| {
        let channel = state
            .hooks
            .get(&path)
            .map_or_else(String::new, |h| h.channel.clone());
        state.trouble("hooks", &channel)
    });
    match trouble {
        Some(Trouble::Hang) => std::future::pending().await,
        Some(Trouble::Drop) => dropped(),
        Some(Trouble::Status(status)) => StatusCode::from_u16(status).unwrap().into_response(),
        Some(Trouble::RateLimited(secs)) => {
            let headers = [(header::RETRY_AFTER, secs.to_string())];
            (StatusCode::TOO_MANY_REQUESTS, headers, "ratelimited").into_response()
        }
        Some(Trouble::Error(error)) => (StatusCode::BAD_REQUEST, error).into_response(),
        Some(Trouble::DoThenDrop) => {
            take(&core, &path, &body);
            dropped()
        }
        Some(Trouble::DoThenHang) => {
            take(&core, &path, &body);
            std::future::pending().await
        }
        Some(Trouble::Slow(by)) => {
            tokio::time::sleep(by).await;
            take(&core, &path, &body)
        }
        None => take(&core, &path, &body),
    }
}

fn take(core: &Arc<Core>, path: &str, text: &str) -> Response {
    let (status, told) = core.change(|state| {
        let body: Value = serde_json::from_str(text).unwrap_or(Value::Null);
        let (status, told) = answer(state, path, &body);
        let hook = state.hooks.get(path);
        let of = |f: fn(&Hook) -> &String| hook.map_or_else(String::new, |h| f(h).clone());
        let recorded = Recorded {
            url: format!("http://{}/hooks/{path}", state.host),
            user: of(|h| &h.user),
            channel: of(|h| &h.channel),
            body,
            status,
        };
        state.responses.push(recorded);
        (status, told)
    });
    core.flush();
    (StatusCode::from_u16(status).unwrap(), told).into_response()
}

fn answer(state: &mut World, path: &str, body: &Value) -> (u16, String) {
    let now = state.clock.micros();
    let Some(hook) = state.hooks.get_mut(path) else {
        return (404, r#"{"ok":false,"error":"no_such_url"}"#.to_owned());
    };
    if hook.until < now {
        return (404, r#"{"ok":false,"error":"expired_url"}"#.to_owned());
    }
    if hook.left == 0 {
        return (404, r#"{"ok":false,"error":"used_url"}"#.to_owned());
    }
    let Value::Object(fields) = body else {
        return (400, "invalid_payload".to_owned());
    };
    hook.left -= 1;
    let hook = hook.clone();
    match state.respond(&hook, fields) {
        Ok(()) => (200, "ok".to_owned()),
        Err(fail) => (400, fail.error),
    }
}

impl World {
    /// Does what an answer says: a message for one or for all, or the original in other words.
    pub fn respond(&mut self, hook: &Hook, fields: &Map<String, Value>) -> Result<(), Fail> {
        let args = Args(fields);
        if let Some(original) = &hook.message {
            if args.flag("delete_original") {
                self.unsay(&hook.channel, original);
                return Ok(());
            }
            if args.flag("replace_original") {
                let content = content(args)?;
                self.replace(&hook.channel, original, content);
                return Ok(());
            }
        }
        let content = content(args)?;
        let team = self.team(&hook.team);
        let (user, bot_id) = (team.bot_user.clone(), team.bot_id.clone());
        let message = Message {
            channel: hook.channel.clone(),
            ts: self.clock.ts(),
            user,
            bot_id: Some(bot_id),
            text: content.text,
            blocks: content.blocks,
            attachments: content.attachments,
            metadata: content.metadata,
            thread_ts: Some(args.str("thread_ts").to_owned()).filter(|t| !t.is_empty()),
            ..Message::default()
        };
        if args.str("response_type") == "in_channel" {
            self.say(message);
        } else {
            self.messages.push(Message {
                ephemeral_to: Some(hook.user.clone()),
                ..message
            });
        }
        Ok(())
    }

    fn replace(&mut self, channel: &str, ts: &str, content: Content) {
        let (now, bot) = (
            self.clock.ts(),
            self.team(&self.team_of(channel)).bot_user.clone(),
        );
        self.rewrite(channel, ts, &bot, &now, |m| {
            m.text = content.text;
            m.blocks = content.blocks;
            m.attachments = content.attachments;
        });
    }
}
