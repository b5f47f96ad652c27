//! Taking postmortems and their action items to where a team keeps such things: repositories and
//! trackers.
//!
//! Promises: one file, one branch, one request and one issue per thing, however often it is sent: what
//! was made is looked for by a mark before it is made again. Tokens travel in headers and in the
//! environment of one child process, never in an argument, a log or an error. Nothing here decides
//! when: the engine keeps what is to be sent and tries again.

mod discord;
mod forge;
mod git;
mod http;
mod jira;
mod model;
mod pdf;
mod slack;

pub use model::Oracle;
pub use pdf::{browser, pdf};

use crate::chat::Fault;
use crate::config::postmortem::{Export, ExportKind, Forge};
use http::Client;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A document on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Number of the incident.
    pub incident: i64,
    /// One line; hostile.
    pub title: String,
    /// The page in firebell.
    pub url: String,
    /// The whole document.
    pub markdown: String,
    /// Where it is already, if it was put there.
    pub known: String,
}

/// An action item on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Number of the incident.
    pub incident: i64,
    /// Number of the item.
    pub item: u32,
    /// One line; hostile.
    pub title: String,
    /// Markdown, escaped.
    pub body: String,
    /// The issue it is already, if one was made.
    pub known: String,
}

/// Where something is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed {
    /// Its address; empty: a branch of a repository without a forge.
    pub url: String,
    /// Its state there in its own word: `open`, `pushed`, `In Progress`.
    pub state: String,
    /// It is over there.
    pub closed: bool,
}

/// Every configured place.
#[derive(Clone, Debug, Default)]
pub struct Places {
    by_name: BTreeMap<String, Place>,
}

#[derive(Clone, Debug)]
struct Place {
    export: Export,
    client: Option<Client>,
    scratch: PathBuf,
}

impl Places {
    /// The places of the configuration. `scratch`: a folder for working copies.
    ///
    /// # Errors
    /// In words, when a proxy or a certificate cannot be used.
    pub fn new(exports: &[Export], scratch: &std::path::Path) -> Result<Places, String> {
        let mut by_name = BTreeMap::new();
        for export in exports {
            let client = match &export.kind {
                ExportKind::Git { forge: None, .. } => None,
                _ => Some(Client::new(export)?),
            };
            let place = Place {
                export: export.clone(),
                client,
                scratch: scratch.to_path_buf(),
            };
            by_name.insert(export.name.clone(), place);
        }
        Ok(Places { by_name })
    }

    /// Name of each that takes documents (true) or action items (false).
    #[must_use]
    pub fn names(&self, documents: bool) -> Vec<String> {
        let all = self.by_name.values();
        all.filter(|p| p.export.takes_documents() == documents)
            .map(|p| p.export.name.clone())
            .collect()
    }

    fn place(&self, name: &str) -> Result<&Place, Fault> {
        self.by_name.get(name).ok_or_else(|| {
            http::never(format!(
                "there is no [export.{name}] in firebell.toml any more; add it or send elsewhere"
            ))
        })
    }

    /// Puts a document there, or brings it up to date.
    ///
    /// # Errors
    /// In words, with whether to try again.
    pub async fn document(&self, name: &str, document: &Document) -> Result<Landed, Fault> {
        let place = self.place(name)?;
        match (&place.export.kind, &place.client) {
            (ExportKind::SlackCanvas { channel }, Some(client)) => {
                return slack::canvas(client, channel, document).await;
            }
            (ExportKind::DiscordFile { channel }, Some(client)) => {
                return discord::file(client, channel, document).await;
            }
            (
                ExportKind::Issues {
                    forge,
                    project,
                    documents: true,
                },
                Some(client),
            ) => return forge::document(client, *forge, project, document).await,
            _ => {}
        }
        let ExportKind::Git {
            repository,
            base,
            folder,
            user,
            forge,
        } = &place.export.kind
        else {
            return Err(http::never(format!(
                "{name} takes action items, not documents"
            )));
        };
        let repository = git::Repository {
            address: repository,
            base,
            user,
            token: place.export.token.as_ref(),
            extra_ca: place.export.net.extra_ca.as_deref(),
            proxy: place.export.net.proxy.as_ref(),
        };
        let branch = branch(document.incident);
        let file = format!("{folder}/incident-{:05}.md", document.incident);
        let subject = format!("Postmortem of incident {}", document.incident);
        git::push(
            &repository,
            &branch,
            (&file, &document.markdown),
            &subject,
            &place.scratch,
        )
        .await?;
        match (forge, &place.client) {
            (Some((forge, project)), Some(client)) => {
                forge::request(client, *forge, project, (&branch, base), document).await
            }
            _ => Ok(Landed {
                url: String::new(),
                state: format!("pushed to {branch}"),
                closed: false,
            }),
        }
    }

    /// Makes an issue of an action item, or reads what became of it.
    ///
    /// # Errors
    /// In words, with whether to try again.
    pub async fn task(&self, name: &str, task: &Task) -> Result<Landed, Fault> {
        let place = self.place(name)?;
        let client = place.client.as_ref();
        match (&place.export.kind, client) {
            (
                ExportKind::Issues {
                    forge,
                    project,
                    documents: false,
                },
                Some(client),
            ) => match forge {
                Forge::Github => forge::github_issue(client, project, task).await,
                Forge::Gitlab => forge::gitlab_issue(client, project, task).await,
            },
            (
                ExportKind::Jira {
                    project,
                    issue_type,
                    ..
                },
                Some(client),
            ) => jira::issue(client, project, issue_type, task).await,
            _ => Err(http::never(format!(
                "{name} takes documents, not action items"
            ))),
        }
    }
}

/// The branch of an incident's document.
fn branch(incident: i64) -> String {
    format!("firebell/incident-{incident}")
}

/// What an issue of ours is known by.
fn marker(task: &Task) -> String {
    format!("firebell-{}-{}", task.incident, task.item)
}

/// A token for a header.
fn basic(user: &str, token: &SecretString) -> String {
    use base64::Engine as _;
    use secrecy::ExposeSecret as _;
    let both = format!("{user}:{}", token.expose_secret());
    format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(both)
    )
}
