//! GitHub's webhooks (`docs.github.com/webhooks`): `deployment`, `deployment_status`, `push` to the
//! default branch, `release`, `workflow_run`. Which it is stands in `X-GitHub-Event`.

use super::super::BadPayload;
use super::{Context, Decoded, Found, at, first_line, time};
use crate::core::change::{ChangeEvent, ChangeKind, ChangeState};
use crate::core::text::{count, cut};
use serde_json::Value;

/// Decodes one delivery.
///
/// # Errors
/// When the body is not the JSON of its event.
pub fn decode(body: &[u8], event: &str, ctx: &Context<'_>) -> Result<Decoded, BadPayload> {
    let body = form(body);
    let value: Value = super::parsed(&body, ctx)?;
    if event == "ping" {
        return Ok(Decoded::nothing(
            "this is the ping of a new webhook: it works",
        ));
    }
    let found = match event {
        "deployment" => Ok(deployment(&value, ctx)),
        "deployment_status" => Ok(status(&value, ctx)),
        "push" => push(&value, ctx),
        "release" => release(&value, ctx),
        "workflow_run" => workflow(&value, ctx),
        other => Err(format!(
            "`{}` is not a change; choose deployments, deployment statuses, pushes, releases and workflow runs",
            cut(other, 40)
        )),
    };
    match found {
        Ok(found) => Found {
            repository: at(&value, "/repository/full_name"),
            ..found
        }
        .told(ctx)
        .map(Decoded::one),
        Err(why) => Ok(Decoded::nothing(why)),
    }
}

/// Webhooks are made with the form's content type unless somebody chooses JSON: then the JSON is its
/// one field.
fn form(body: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    let Some(encoded) = body.strip_prefix(b"payload=") else {
        return body.into();
    };
    let mut out = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let [first, after @ ..] = rest {
        let hex = |b: u8| {
            char::from(b)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        let escaped = match (*first, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                out.push(high * 16 + low);
                rest = &after[2..];
            }
            None => {
                out.push(if *first == b'+' { b' ' } else { *first });
                rest = after;
            }
        }
    }
    out.into()
}

fn deployment(v: &Value, ctx: &Context<'_>) -> Found {
    let d = "/deployment";
    let get = |field: &str| at(v, &format!("{d}/{field}"));
    let mut summary = format!("{} {}", get("task"), get("ref"));
    if !get("description").is_empty() {
        summary = format!("{summary}: {}", get("description"));
    }
    Found {
        event: ChangeEvent {
            key: format!("deployment:{}", get("id")),
            kind: ChangeKind::Deploy,
            state: ChangeState::Started,
            summary: format!("{} of {}", summary, at(v, "/repository/full_name")),
            environment: get("environment"),
            author: get("creator/login"),
            url: at(v, "/repository/html_url"),
            at: time(&get("created_at"), ctx),
            ..ChangeEvent::default()
        },
        ..Found::default()
    }
}

/// The same deployment, further on.
fn status(v: &Value, ctx: &Context<'_>) -> Found {
    let mut found = deployment(v, ctx);
    let get = |field: &str| at(v, &format!("/deployment_status/{field}"));
    found.event.state = match get("state").as_str() {
        "success" | "inactive" => ChangeState::Done,
        "failure" | "error" => ChangeState::Failed,
        _ => ChangeState::Started,
    };
    found.event.at = time(&get("created_at"), ctx);
    for url in ["log_url", "target_url", "environment_url"].map(get) {
        if !url.is_empty() {
            found.event.url = url;
            break;
        }
    }
    found
}

fn push(v: &Value, ctx: &Context<'_>) -> Result<Found, String> {
    let (branch, default) = (at(v, "/ref"), at(v, "/repository/default_branch"));
    if branch != format!("refs/heads/{default}") {
        return Err(format!(
            "a push to {} is not one to the default branch {}",
            cut(&branch, 80),
            cut(&default, 80)
        ));
    }
    if v.pointer("/deleted") == Some(&Value::Bool(true)) {
        return Err("a branch was deleted, nothing was pushed".to_owned());
    }
    let commits = v
        .pointer("/commits")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    let message = at(v, "/head_commit/message");
    let summary = format!(
        "{} to {default} of {}: {}",
        count(commits, "commit"),
        at(v, "/repository/full_name"),
        first_line(&message)
    );
    Ok(Found {
        event: ChangeEvent {
            key: format!("push:{}:{}", at(v, "/repository/id"), at(v, "/after")),
            kind: ChangeKind::Push,
            summary,
            author: at(v, "/pusher/name"),
            url: at(v, "/compare"),
            // A commit may be old when it is pushed: the push itself has no time but its arrival.
            at: ctx.now,
            ..ChangeEvent::default()
        },
        ..Found::default()
    })
}

fn release(v: &Value, ctx: &Context<'_>) -> Result<Found, String> {
    let action = at(v, "/action");
    // `released` tells of the same release as `published`.
    if !["published", "released"].contains(&action.as_str()) {
        return Err(format!(
            "a release that is {} is not one that is published",
            cut(&action, 40)
        ));
    }
    let get = |field: &str| at(v, &format!("/release/{field}"));
    let name = [get("name"), get("tag_name")];
    let name = name.iter().find(|n| !n.is_empty());
    Ok(Found {
        event: ChangeEvent {
            key: format!("release:{}", get("id")),
            kind: ChangeKind::Release,
            summary: format!(
                "{} of {}",
                name.map_or("a release", String::as_str),
                at(v, "/repository/full_name")
            ),
            author: get("author/login"),
            url: get("html_url"),
            at: time(&get("published_at"), ctx),
            ..ChangeEvent::default()
        },
        ..Found::default()
    })
}

fn workflow(v: &Value, ctx: &Context<'_>) -> Result<Found, String> {
    let get = |field: &str| at(v, &format!("/workflow_run/{field}"));
    let default = at(v, "/repository/default_branch");
    let branch = get("head_branch");
    if branch != default {
        return Err(format!(
            "a workflow on {} is not one on the default branch {}",
            cut(&branch, 80),
            cut(&default, 80)
        ));
    }
    let state = match (get("status").as_str(), get("conclusion").as_str()) {
        ("completed", "success" | "neutral") => ChangeState::Done,
        ("completed", "skipped") => {
            return Err("the workflow was skipped: nothing ran".to_owned());
        }
        ("completed", _) => ChangeState::Failed,
        _ => ChangeState::Started,
    };
    let happened = if state == ChangeState::Started {
        get("run_started_at")
    } else {
        get("updated_at")
    };
    let title = [get("display_title"), get("event")];
    let title = title.iter().find(|t| !t.is_empty());
    Ok(Found {
        event: ChangeEvent {
            key: format!("workflow:{}", get("id")),
            kind: ChangeKind::Pipeline,
            state,
            summary: format!(
                "{} of {}: {}",
                get("name"),
                at(v, "/repository/full_name"),
                title.map_or("", String::as_str)
            ),
            author: get("actor/login"),
            url: get("html_url"),
            at: time(&happened, ctx),
            ..ChangeEvent::default()
        },
        ..Found::default()
    })
}
