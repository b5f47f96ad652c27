//! GitLab's deployment events (`docs.gitlab.com/user/project/integrations/webhook_events`).

use super::super::BadPayload;
use super::{Context, Decoded, Found, at, first_line};
use crate::core::change::{ChangeEvent, ChangeKind, ChangeState};
use crate::core::text::cut;
use crate::core::time::Time;
use serde_json::Value;

/// Decodes one delivery. `kind` of the object counts; the header repeats it.
///
/// # Errors
/// When the body is not JSON.
pub fn decode(body: &[u8], event: &str, ctx: &Context<'_>) -> Result<Decoded, BadPayload> {
    let v: Value = super::parsed(body, ctx)?;
    let kind = at(&v, "/object_kind");
    if kind != "deployment" {
        return Ok(Decoded::nothing(format!(
            "`{}` ({}) is not a deployment; choose deployment events",
            cut(&kind, 40),
            cut(event, 40)
        )));
    }
    let state = match at(&v, "/status").as_str() {
        "success" => ChangeState::Done,
        "failed" | "canceled" => ChangeState::Failed,
        _ => ChangeState::Started,
    };
    let project = at(&v, "/project/path_with_namespace");
    let commit = at(&v, "/commit_title");
    let url = [at(&v, "/deployable_url"), at(&v, "/commit_url")];
    let name = [at(&v, "/user/username"), at(&v, "/user/name")];
    let first = |all: [String; 2]| all.into_iter().find(|t| !t.is_empty()).unwrap_or_default();
    Found {
        event: ChangeEvent {
            key: format!("deployment:{}", at(&v, "/deployment_id")),
            kind: ChangeKind::Deploy,
            state,
            summary: format!(
                "{} {} of {project}: {}",
                at(&v, "/ref"),
                at(&v, "/short_sha"),
                first_line(&commit)
            ),
            environment: at(&v, "/environment"),
            author: first(name),
            url: first(url),
            at: when(&at(&v, "/status_changed_at")).unwrap_or(ctx.now),
            ..ChangeEvent::default()
        },
        repository: project,
        ..Found::default()
    }
    .told(ctx)
    .map(Decoded::one)
}

/// `2021-04-28 21:50:00 +0200`, as GitLab writes it, or RFC 3339.
fn when(text: &str) -> Option<Time> {
    let own = chrono::DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S %z");
    let own = own.ok().map(|t| Time::from(t.to_utc()));
    own.or_else(|| super::super::instant::rfc3339(text))
}
