//! Jira (REST, version 2, which Cloud and Data Center share): issues for action items.

use super::http::{Client, never};
use super::{Landed, Task, marker};
use crate::chat::Fault;
use crate::core::text::cut;
use reqwest::Method;
use serde_json::{Value, json};

/// Characters of a summary; Jira takes 255.
const SUMMARY_CHARS: usize = 200;

/// An action item as an issue. A label is the mark: Jira finds it exactly.
pub(super) async fn issue(
    client: &Client,
    project: &str,
    issue_type: &str,
    task: &Task,
) -> Result<Landed, Fault> {
    if let Some(key) = task.known.rsplit('/').next().filter(|k| !k.is_empty()) {
        return state(client, key, &task.known).await;
    }
    let mark = marker(task);
    let jql = format!("project = \"{project}\" AND labels = \"{mark}\"");
    let query = [
        ("jql", jql.as_str()),
        ("fields", "status"),
        ("maxResults", "1"),
    ];
    // Jira Cloud has taken `/search` away in favour of this one; a data centre has the other alone.
    let found = match client
        .ask(Method::GET, "/rest/api/2/search/jql", &query, None)
        .await
    {
        Err(fault) if fault.why.contains(" 404 ") => {
            client
                .ask(Method::GET, "/rest/api/2/search", &query, None)
                .await
        }
        answer => answer,
    }?;
    let key = match found["issues"][0]["key"].as_str() {
        Some(key) => key.to_owned(),
        None => {
            let fields = json!({"fields": {
                "project": {"key": project},
                "issuetype": {"name": issue_type},
                "summary": cut(&task.title, SUMMARY_CHARS),
                "description": plain(&task.body),
                "labels": ["firebell", mark],
            }});
            let made = client
                .ask(Method::POST, "/rest/api/2/issue", &[], Some(&fields))
                .await?;
            made["key"].as_str().map(str::to_owned).ok_or_else(|| {
                never("Jira's answer has no `key`, so the issue cannot be found again".to_owned())
            })?
        }
    };
    state(client, &key, "").await
}

/// What an issue says of itself.
async fn state(client: &Client, key: &str, known: &str) -> Result<Landed, Fault> {
    let plain = key
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if !plain {
        return Err(never(format!("{key:?} is no key of an issue")));
    }
    let path = format!("/rest/api/2/issue/{key}");
    let issue = client
        .ask(Method::GET, &path, &[("fields", "status")], None)
        .await?;
    let status = &issue["fields"]["status"];
    let word = status["name"].as_str().unwrap_or("unknown");
    let url = if known.is_empty() {
        address(&issue, key)
    } else {
        known.to_owned()
    };
    Ok(Landed {
        url,
        state: cut(word, 40),
        closed: status["statusCategory"]["key"] == "done",
    })
}

/// The page of an issue, beside the address of its API.
fn address(issue: &Value, key: &str) -> String {
    let own = issue["self"].as_str().unwrap_or_default();
    let base = own.split("/rest/api/").next().unwrap_or_default();
    let url = format!("{base}/browse/{key}");
    if crate::core::postmortem::tree::safe(&url) {
        url
    } else {
        String::new()
    }
}

/// Jira's own markup reads other signs than Markdown; the words are enough.
fn plain(markdown: &str) -> String {
    // A mark of Jira's begins with one of these; a space behind it takes its meaning.
    markdown
        .replace('\\', "")
        .replace(['{', '['], "(")
        .replace(['}', ']'], ")")
}
