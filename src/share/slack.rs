//! A postmortem as a canvas of Slack: `canvases.create` with a `channel_id` makes it a tab of that channel
//! which its members may write in, `canvases.edit` brings it up to date (docs.slack.dev). Needs the scopes
//! `canvases:write` and `files:read`.
//!
//! Promise: one canvas per incident. Its title carries our mark; an answer that was lost on its way is
//! found again by it.
//!
//! The road not taken: `conversations.canvases.create` makes *the* canvas of a channel, of which there is
//! one, so a second postmortem would be refused (`channel_canvas_already_exists`) or written over the
//! first. Free workspaces take no canvas but a tab, and one in a channel: what they refuse is said.
//!
//! Arguments travel as a form, what is structured in them as JSON: the documents name that for every method,
//! and JSON bodies not for `canvases.create`.

use super::http::{Client, never};
use super::{Document, Landed};
use crate::chat::{Fault, Retry};
use crate::core::text::{cut, percent};
use reqwest::Method;
use serde_json::{Value, json};

/// What Slack takes of a canvas, in characters.
const CANVAS_CHARS: usize = 1_048_576;
/// How arguments travel.
const FORM: &str = "application/x-www-form-urlencoded";
/// Files of the channel that are looked through for ours.
const LOOKED_AT: &str = "200";

/// Makes or edits the canvas.
pub(super) async fn canvas(
    client: &Client,
    channel: &str,
    document: &Document,
) -> Result<Landed, Fault> {
    let mark = mark(document);
    let title = format!("{} ({mark})", cut(&document.title, 100));
    let content = json!({"type": "markdown", "markdown": fitting(document)});
    let known = match canvas_of(&document.known) {
        Some(id) => Some(id),
        None => found(client, channel, &mark).await?,
    };
    let id = match known {
        Some(id) => {
            let changes = json!([{"operation": "replace", "document_content": content}]);
            let changes = changes.to_string();
            let form = [("canvas_id", id.as_str()), ("changes", changes.as_str())];
            call(client, "canvases.edit", &form).await?;
            id
        }
        None => {
            let content = content.to_string();
            let form = [
                ("title", title.as_str()),
                ("channel_id", channel),
                ("document_content", content.as_str()),
            ];
            let made = call(client, "canvases.create", &form).await?;
            let id = made["canvas_id"].as_str();
            id.ok_or_else(|| never("Slack's answer has no `canvas_id`".to_owned()))?
                .to_owned()
        }
    };
    let file = [("file", id.as_str())];
    let info = client.ask(Method::GET, "/files.info", &file, None).await?;
    let info = checked("files.info", info)?;
    let url = info["file"]["permalink"].as_str().unwrap_or_default();
    if !crate::core::postmortem::tree::safe(url) {
        return Err(never(
            "Slack's answer has no `permalink` that is an address".to_owned(),
        ));
    }
    Ok(Landed {
        url: url.to_owned(),
        state: "canvas".to_owned(),
        closed: false,
    })
}

/// What our canvas is known by.
fn mark(document: &Document) -> String {
    format!("postmortem firebell-{}", document.incident)
}

/// The id at the end of a canvas's address, `https://acme.slack.com/docs/T0123/F0123`.
fn canvas_of(url: &str) -> Option<String> {
    let id = url.rsplit('/').next()?;
    let good = id.starts_with('F') && id.chars().all(|c| c.is_ascii_alphanumeric());
    good.then(|| id.to_owned())
}

/// Whole lines of the document, and a word about the rest.
fn fitting(document: &Document) -> String {
    let text = &document.markdown;
    if text.chars().count() <= CANVAS_CHARS {
        return text.clone();
    }
    let rest = format!(
        "\n\nThis canvas is full: the whole document is at <{}>.\n",
        document.url
    );
    let room = CANVAS_CHARS.saturating_sub(rest.chars().count());
    let cut: String = text.chars().take(room).collect();
    let whole = cut.rfind('\n').map_or(cut.as_str(), |end| &cut[..end]);
    format!("{whole}{rest}")
}

async fn found(client: &Client, channel: &str, mark: &str) -> Result<Option<String>, Fault> {
    let query = [("channel", channel), ("count", LOOKED_AT)];
    let listed = client.ask(Method::GET, "/files.list", &query, None).await?;
    let listed = checked("files.list", listed)?;
    let mut files = listed["files"].as_array().into_iter().flatten();
    let ours = |f: &&Value| {
        let title = f["title"].as_str().unwrap_or_default();
        title.ends_with(&format!("({mark})"))
    };
    let id = files.find(ours).and_then(|f| f["id"].as_str());
    Ok(id.map(str::to_owned))
}

async fn call(client: &Client, method: &str, form: &[(&str, &str)]) -> Result<Value, Fault> {
    let path = format!("/{method}");
    let fields = form
        .iter()
        .map(|(name, value)| format!("{name}={}", percent(value)));
    let body = fields.collect::<Vec<_>>().join("&").into_bytes();
    let answer = client
        .put(Method::POST, &path, (FORM.to_owned(), body))
        .await?;
    checked(method, answer)
}

/// What a refusal means for whoever set the place up; empty: its word says enough.
fn remedy(error: &str) -> &'static str {
    match error {
        "free_team_canvas_tab_already_exists" => {
            "; on this workspace's plan a channel takes one canvas, and this one has it: name a channel of its own, or another kind of [export.NAME]"
        }
        "canvas_disabled_user_team" => "; canvases are switched off in this workspace",
        "channel_not_found" | "not_in_channel" | "canvas_tab_creation_failed" => {
            "; the app must be in the channel, and the id must be the channel's"
        }
        _ => "",
    }
}

/// Slack says no with 200 and a word.
fn checked(method: &str, answer: Value) -> Result<Value, Fault> {
    if answer["ok"] == true {
        return Ok(answer);
    }
    let error = answer["error"].as_str().unwrap_or("unknown_error");
    let passing = [
        "ratelimited",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
    ];
    let needed = match answer["needed"].as_str() {
        Some(scope) => format!("; the app needs the scope {}", cut(scope, 100)),
        None => String::new(),
    };
    // What it did not like about a document.
    let detail = match answer["detail"].as_str() {
        Some(detail) => format!(": {}", cut(detail, 200)),
        None => String::new(),
    };
    Err(Fault {
        why: format!(
            "Slack's {method} answered {}{detail}{needed}{}",
            cut(error, 100),
            remedy(error)
        ),
        retry: if passing.contains(&error) {
            Retry::Backoff
        } else {
            Retry::Never
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canvas_is_known_by_the_end_of_its_address_and_by_nothing_else() {
        for (url, id) in [
            ("https://acme.slack.com/docs/T01/F0ABC9", Some("F0ABC9")),
            ("https://acme.slack.com/docs/T01/", None),
            ("https://acme.slack.com/docs/T01/F0?x=1", None),
            ("", None),
        ] {
            assert_eq!(canvas_of(url).as_deref(), id, "{url}");
        }
    }

    #[test]
    fn what_does_not_fit_is_cut_at_a_line_and_said() {
        let line = "ä".repeat(99);
        let document = Document {
            incident: 7,
            title: "x".to_owned(),
            url: "https://firebell.example/incidents/7/postmortem".to_owned(),
            markdown: format!("{line}\n").repeat(20_000),
            known: String::new(),
        };
        let text = fitting(&document);
        assert!(text.chars().count() <= CANVAS_CHARS);
        assert!(text.ends_with("/incidents/7/postmortem>.\n"));
        let (body, _) = text.rsplit_once("\n\nThis canvas").unwrap();
        assert!(body.lines().all(|l| l == line));
    }
}
