//! GitHub (REST, 2022-11-28) and GitLab (REST, v4): requests for a branch, issues for action items.

use super::http::{Client, never};
use super::{Document, Landed, Task, marker};
use crate::chat::Fault;
use crate::config::postmortem::Forge;
use crate::core::text::cut;
use reqwest::Method;
use serde_json::{Value, json};

/// Issues looked through for one of ours; those with the label are firebell's alone.
const LOOKED_AT: &str = "100";
/// What our issues are labelled with.
const LABEL: &str = "firebell";
/// Characters of a title; GitHub takes 256, GitLab 255.
const TITLE_CHARS: usize = 200;

/// Opens a request for a branch, or finds the one that is open.
pub(super) async fn request(
    client: &Client,
    forge: Forge,
    project: &str,
    (branch, base): (&str, &str),
    document: &Document,
) -> Result<Landed, Fault> {
    let title = format!(
        "Postmortem of incident {}: {}",
        document.incident,
        cut(&document.title, TITLE_CHARS)
    );
    // The title is plain text on both forges but for mentions.
    let title = title.replace('@', "@\u{200B}");
    let body = format!("The postmortem as firebell tells it: <{}>", document.url);
    match forge {
        Forge::Github => {
            let path = format!("/repos/{project}/pulls");
            let owner = project.split('/').next().unwrap_or_default();
            let head = format!("{owner}:{branch}");
            let open = [("state", "open"), ("head", head.as_str()), ("base", base)];
            let found = client.ask(Method::GET, &path, &open, None).await?;
            let made = match found.as_array().and_then(|all| all.first()) {
                Some(known) => known.clone(),
                None => {
                    let body = json!({"title": title, "head": branch, "base": base, "body": body});
                    client.ask(Method::POST, &path, &[], Some(&body)).await?
                }
            };
            landed(&made, "html_url", "state", "closed")
        }
        Forge::Gitlab => {
            let path = format!("/projects/{}/merge_requests", encoded(project));
            let open = [
                ("state", "opened"),
                ("source_branch", branch),
                ("target_branch", base),
            ];
            let found = client.ask(Method::GET, &path, &open, None).await?;
            let made = match found.as_array().and_then(|all| all.first()) {
                Some(known) => known.clone(),
                None => {
                    let body = json!({
                        "title": title, "source_branch": branch, "target_branch": base,
                        "description": body,
                    });
                    client.ask(Method::POST, &path, &[], Some(&body)).await?
                }
            };
            landed(&made, "web_url", "state", "closed")
        }
    }
}

/// An action item as an issue of GitHub.
pub(super) async fn github_issue(
    client: &Client,
    project: &str,
    task: &Task,
) -> Result<Landed, Fault> {
    let path = format!("/repos/{project}/issues");
    if let Some(number) = number(&task.known) {
        let issue = client
            .ask(Method::GET, &format!("{path}/{number}"), &[], None)
            .await?;
        return landed(&issue, "html_url", "state", "closed");
    }
    let ours = [("state", "all"), ("labels", LABEL), ("per_page", LOOKED_AT)];
    let found = client.ask(Method::GET, &path, &ours, None).await?;
    if let Some(known) = marked(&found, "body", task) {
        return landed(known, "html_url", "state", "closed");
    }
    let body = json!({"title": title(task), "body": body(task), "labels": [LABEL]});
    let issue = client.ask(Method::POST, &path, &[], Some(&body)).await?;
    landed(&issue, "html_url", "state", "closed")
}

/// An action item as an issue of GitLab.
pub(super) async fn gitlab_issue(
    client: &Client,
    project: &str,
    task: &Task,
) -> Result<Landed, Fault> {
    let path = format!("/projects/{}/issues", encoded(project));
    if let Some(number) = number(&task.known) {
        let issue = client
            .ask(Method::GET, &format!("{path}/{number}"), &[], None)
            .await?;
        return landed(&issue, "web_url", "state", "closed");
    }
    let ours = [("labels", LABEL), ("per_page", LOOKED_AT)];
    let found = client.ask(Method::GET, &path, &ours, None).await?;
    if let Some(known) = marked(&found, "description", task) {
        return landed(known, "web_url", "state", "closed");
    }
    let body = json!({"title": title(task), "description": body(task), "labels": LABEL});
    let issue = client.ask(Method::POST, &path, &[], Some(&body)).await?;
    landed(&issue, "web_url", "state", "closed")
}

/// A whole document as an issue: made once, brought up to date after that.
pub(super) async fn document(
    client: &Client,
    forge: Forge,
    project: &str,
    document: &Document,
) -> Result<Landed, Fault> {
    let mark = format!("<!-- firebell-{} -->", document.incident);
    let text = crate::core::postmortem::issue_body(
        &document.markdown,
        &document.url,
        crate::core::postmortem::ISSUE_BYTES,
    );
    let text = format!("{text}\n\n{mark}\n");
    let title = format!(
        "Postmortem of incident {}: {}",
        document.incident,
        cut(&document.title, TITLE_CHARS)
    );
    let title = title.replace('@', "@\u{200B}");
    let (path, field, url, id, change) = match forge {
        Forge::Github => (
            format!("/repos/{project}/issues"),
            "body",
            "html_url",
            "number",
            Method::PATCH,
        ),
        Forge::Gitlab => (
            format!("/projects/{}/issues", encoded(project)),
            "description",
            "web_url",
            "iid",
            Method::PUT,
        ),
    };
    let mut known = number(&document.known);
    if known.is_none() {
        let ours = match forge {
            Forge::Github => vec![("state", "all"), ("labels", LABEL), ("per_page", LOOKED_AT)],
            Forge::Gitlab => vec![("labels", LABEL), ("per_page", LOOKED_AT)],
        };
        let found = client.ask(Method::GET, &path, &ours, None).await?;
        let mut all = found.as_array().into_iter().flatten();
        let mine = all.find(|i| i[field].as_str().is_some_and(|b| b.contains(&mark)));
        known = mine.and_then(|i| i[id].as_u64());
    }
    let issue = match known {
        Some(number) => {
            let body = json!({"title": title, field: text});
            let path = format!("{path}/{number}");
            client.ask(change, &path, &[], Some(&body)).await?
        }
        None => {
            let labels = match forge {
                Forge::Github => json!([LABEL]),
                Forge::Gitlab => json!(LABEL),
            };
            let body = json!({"title": title, field: text, "labels": labels});
            client.ask(Method::POST, &path, &[], Some(&body)).await?
        }
    };
    landed(&issue, url, "state", "closed")
}

fn title(task: &Task) -> String {
    cut(&task.title, TITLE_CHARS).replace('@', "@\u{200B}")
}

fn body(task: &Task) -> String {
    format!("{}\n\n<!-- {} -->\n", task.body, marker(task))
}

/// The issue that carries our mark.
fn marked<'v>(list: &'v Value, field: &str, task: &Task) -> Option<&'v Value> {
    let mark = format!("<!-- {} -->", marker(task));
    list.as_array()?
        .iter()
        .find(|i| i[field].as_str().is_some_and(|b| b.contains(&mark)))
}

/// The number at the end of an issue's address.
fn number(url: &str) -> Option<u64> {
    url.rsplit('/').next()?.parse().ok()
}

/// A project's path as one segment of another.
fn encoded(project: &str) -> String {
    project.replace('/', "%2F")
}

fn landed(value: &Value, url: &str, state: &str, closed: &str) -> Result<Landed, Fault> {
    let text = |key: &str| value[key].as_str().map(str::to_owned);
    let address = text(url)
        .filter(|u| crate::core::postmortem::tree::safe(u))
        .ok_or_else(|| never(format!("the answer has no `{url}` that is an address")))?;
    let state = text(state).unwrap_or_else(|| "unknown".to_owned());
    Ok(Landed {
        closed: state == closed || state == "merged",
        url: address,
        state: cut(&state, 40),
    })
}
