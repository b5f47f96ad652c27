//! `[postmortem]`, `postmortem/ID.md` and `[export.NAME]`: until when a postmortem is due, how it
//! reads, and where else it may go.

use super::chat::{self, Net};
use super::reader::{Sink, Table};
use super::secret::Secrets;
use super::tree::{Place, parse};
use crate::core::directory::SeverityName;
use crate::core::postmortem::{Deadlines, Template, TemplateFor, Term};
use secrecy::SecretString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A forge that takes longer has failed, and is asked again later.
const TIMEOUT_MS: i64 = 20_000;
/// Begins and ends the settings at the top of a template.
const FENCE: &str = "+++";
/// What `kind` may be.
const KINDS: [&str; 6] = [
    "git",
    "github-issues",
    "gitlab-issues",
    "jira",
    "slack-canvas",
    "discord-file",
];

/// A place outside of firebell that postmortems or their action items may go to.
#[derive(Clone, Debug)]
pub struct Export {
    /// The NAME of `[export.NAME]`.
    pub name: String,
    /// How its API is reached.
    pub net: Net,
    /// What it is asked with.
    pub token: Option<SecretString>,
    /// What it is.
    pub kind: ExportKind,
}

/// Whose API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forge {
    /// GitHub, or GitHub Enterprise Server.
    Github,
    /// GitLab.
    Gitlab,
}

/// The kinds of places.
#[derive(Clone, Debug)]
pub enum ExportKind {
    /// Documents as files on branches of a repository, with a pull or merge request each.
    Git {
        /// What git is given: an https address or a path.
        repository: String,
        /// The branch they are proposed for.
        base: String,
        /// The folder they go to.
        folder: String,
        /// The user git asks with.
        user: String,
        /// Where the request is opened, and for which project; none: the branch is all.
        forge: Option<(Forge, String)>,
    },
    /// Documents as canvases that are tabs of a channel, by the channel's id.
    SlackCanvas {
        /// `C0123ABCD`.
        channel: String,
    },
    /// Documents as files in a channel, by the channel's id.
    DiscordFile {
        /// A snowflake.
        channel: String,
    },
    /// Issues of a project, `owner/name` or a GitLab path: action items, or whole documents.
    Issues {
        /// Documents, and no action items.
        documents: bool,
        /// Whose API.
        forge: Forge,
        /// Which.
        project: String,
    },
    /// Action items as issues of Jira.
    Jira {
        /// Key of the project.
        project: String,
        /// Name of the issue type.
        issue_type: String,
        /// Mail address of Jira Cloud's user; none: the token is a personal one of a data centre.
        user: Option<String>,
    },
}

impl Export {
    /// Takes whole documents.
    #[must_use]
    pub fn takes_documents(&self) -> bool {
        matches!(
            self.kind,
            ExportKind::Git { .. }
                | ExportKind::SlackCanvas { .. }
                | ExportKind::DiscordFile { .. }
                | ExportKind::Issues {
                    documents: true,
                    ..
                }
        )
    }
}

/// `[postmortem]`: deadlines by severity.
pub(super) fn deadlines(top: &Table<'_>, scale: &[SeverityName]) -> Deadlines {
    let names: Vec<&str> = scale.iter().map(|s| s.name.as_str()).collect();
    let mut deadlines = Deadlines::usual(&names);
    let Some(table) = top.table("postmortem", "[postmortem]") else {
        return deadlines;
    };
    if table.has("deadlines") {
        deadlines.0.clear();
    }
    for (severity, said) in table.map("deadlines") {
        if !names.contains(&severity.as_str()) {
            let what = format!("`deadlines` names the severity {severity:?}, which does not exist");
            let fix = format!("the scale is {}", names.join(", "));
            table.sink.fault(&said.place, what, fix);
        }
        match Term::parse(&said.value) {
            Ok(term) => drop(deadlines.0.insert(severity, term)),
            Err(why) => {
                let what = format!("`deadlines.{severity}`: {why}");
                let fix = format!("write {severity} = \"5 business days\"");
                table.sink.fault(&said.place, what, fix);
            }
        }
    }
    table.done();
    deadlines
}

/// One `postmortem/ID.md`: settings between two lines of `+++`, then the template.
pub(super) fn template(text: &str, shown: &Arc<Path>, sink: &Sink) -> Option<TemplateFor> {
    let (settings, body, skipped) = split(text);
    let node = parse(&settings, shown, sink)?;
    let table = Table::open(&node, "a postmortem template", sink)?;
    let severities = table.words("severities");
    let (services, teams) = (table.words("services"), table.words("teams"));
    let types = table.words("types");
    table.done();
    match Template::parse(&body) {
        Ok(template) => Some(TemplateFor {
            severities,
            services,
            teams,
            types,
            template: Arc::new(template),
        }),
        Err(wrong) => {
            for w in wrong {
                let line = if w.line == 0 { 0 } else { w.line + skipped };
                sink.fault(&Place::in_file(shown, line), w.what, w.fix);
            }
            None
        }
    }
}

/// Settings, template, and how many lines stand before the template.
fn split(text: &str) -> (String, String, usize) {
    let mut lines = text.lines();
    if lines.next().map(str::trim_end) != Some(FENCE) {
        return (String::new(), text.to_owned(), 0);
    }
    let settings: Vec<&str> = lines
        .by_ref()
        .take_while(|l| l.trim_end() != FENCE)
        .collect();
    let body: Vec<&str> = lines.collect();
    // A line for the opening fence keeps the numbers of the settings' lines right.
    (
        format!("\n{}", settings.join("\n")),
        body.join("\n"),
        settings.len() + 2,
    )
}

/// Every `[export.NAME]`, by name.
pub(super) fn exports(root: &Table<'_>, secrets: &Secrets<'_>) -> Vec<Export> {
    let mut found = Vec::new();
    for (name, table) in root.named("export", "[export.NAME]") {
        if let Err(why) = super::folders::check_id(&name) {
            let what = format!("the name {name:?} of an export: {why}");
            table
                .sink
                .fault(&table.place, what, "write [export.handbook]");
        }
        let export = export(name, &table, secrets);
        table.done();
        found.extend(export);
    }
    found
}

fn export(name: String, table: &Table<'_>, secrets: &Secrets<'_>) -> Option<Export> {
    let said = table.need_text("kind", "\"git\"")?;
    if !KINDS.contains(&said.value.as_str()) {
        let what = format!("`kind` cannot be {:?}", said.value);
        let fix = format!(
            "write one of {}",
            KINDS.map(|k| format!("\"{k}\"")).join(", ")
        );
        table.sink.fault(&said.place, what, fix);
        return None;
    }
    let forge = if said.value == "git" {
        forge(table)
    } else {
        None
    };
    let api = match (said.value.as_str(), forge) {
        ("gitlab-issues", _) | (_, Some(Forge::Gitlab)) => "https://gitlab.com/api/v4",
        ("jira", _) => "https://example.atlassian.net",
        ("slack-canvas", _) => "https://slack.com/api",
        ("discord-file", _) => "https://discord.com/api/v10",
        _ => "https://api.github.com",
    };
    if said.value == "jira" && !table.has("api-url") {
        table.missing("api-url", &format!("\"{api}\""));
    }
    let mut net = chat::net(table, secrets, api, 1000);
    if !table.has("timeout") {
        net.timeout_ms = TIMEOUT_MS;
    }
    let needs_token = said.value != "git" || forge.is_some();
    let token = chat::secret(table, secrets, "token", needs_token);
    let kind = match said.value.as_str() {
        "git" => git(table, secrets, forge)?,
        "jira" => ExportKind::Jira {
            project: table.need_text("project", "\"OPS\"")?.value,
            issue_type: table
                .text("issue-type")
                .map_or_else(|| "Task".to_owned(), |s| s.value),
            user: table.text("user").map(|s| s.value),
        },
        "slack-canvas" => ExportKind::SlackCanvas {
            channel: channel(table, "C0123ABCD", |c| {
                c.is_ascii_uppercase() || c.is_ascii_digit()
            })?,
        },
        "discord-file" => ExportKind::DiscordFile {
            channel: channel(table, "1234567890123456789", |c| c.is_ascii_digit())?,
        },
        other => ExportKind::Issues {
            documents: table.flag("documents").unwrap_or(false),
            forge: if other == "gitlab-issues" {
                Forge::Gitlab
            } else {
                Forge::Github
            },
            project: project(table)?,
        },
    };
    if needs_token && token.is_none() {
        return None;
    }
    Some(Export {
        name,
        net,
        token,
        kind,
    })
}

/// The id of a channel: names change, and a file must not go elsewhere then.
fn channel(table: &Table<'_>, example: &str, plain: fn(char) -> bool) -> Option<String> {
    let said = table.need_text("channel", &format!("\"{example}\""))?;
    if said.value.len() < 5 || !said.value.chars().all(plain) {
        let what = format!(
            "`channel` cannot be {:?}: the id of a channel is needed",
            said.value
        );
        let fix = format!("write channel = \"{example}\", as its link ends");
        table.sink.fault(&said.place, what, fix);
        return None;
    }
    Some(said.value)
}

fn forge(table: &Table<'_>) -> Option<Forge> {
    let said = table.text("forge")?;
    match said.value.as_str() {
        "github" => Some(Forge::Github),
        "gitlab" => Some(Forge::Gitlab),
        other => {
            let what = format!("`forge` cannot be {other:?}");
            let fix =
                "write forge = \"github\" or \"gitlab\", or remove it: then the branch is all";
            table.sink.fault(&said.place, what, fix);
            None
        }
    }
}

fn project(table: &Table<'_>) -> Option<String> {
    let said = table.need_text("project", "\"acme/postmortems\"")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let good = said.value.contains('/')
        && said.value.chars().all(plain)
        && !said.value.split('/').any(|p| p.is_empty() || p == "..");
    if !good {
        let what = format!("`project` cannot be {:?}", said.value);
        let fix = "write project = \"owner/name\" as it stands in its address";
        table.sink.fault(&said.place, what, fix);
        return None;
    }
    Some(said.value)
}

fn git(table: &Table<'_>, secrets: &Secrets<'_>, forge: Option<Forge>) -> Option<ExportKind> {
    let said = table.need_text("repository", "\"https://github.com/acme/postmortems.git\"")?;
    let url = said.value.as_str();
    let with_secret = url
        .split_once("://")
        .and_then(|(_, rest)| rest.split('/').next())
        .is_some_and(|authority| authority.contains('@'));
    if with_secret || url.starts_with("http://") || url.starts_with('-') || url.contains("::") {
        let what = "`repository` must be an https address without a password, or a path";
        let fix = "write repository = \"https://github.com/acme/postmortems.git\" and token = \"env:NAME\"";
        table.sink.fault(&said.place, what, fix);
        return None;
    }
    let repository = if url.contains("://") {
        url.to_owned()
    } else {
        let path: PathBuf = secrets.base.join(url);
        path.display().to_string()
    };
    let base = table
        .text("branch")
        .map_or_else(|| "main".to_owned(), |s| s.value);
    let folder = table
        .text("folder")
        .map_or_else(|| "postmortems".to_owned(), |s| s.value);
    for (key, value) in [("branch", &base), ("folder", &folder)] {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        let good = value.chars().all(plain)
            && !value.starts_with(['-', '/', '.'])
            && !value
                .split('/')
                .any(|p| p == ".." || p == ".git" || p.is_empty());
        if !good {
            let what = format!("`{key}` cannot be {value:?}");
            let fix = format!("write {key} of letters, digits, - _ . and /, without .. in it");
            table.sink.fault(&table.place_of(key), what, fix);
            return None;
        }
    }
    let forge = match forge {
        Some(forge) => Some((forge, project(table)?)),
        None => None,
    };
    let user = table
        .text("user")
        .map_or_else(|| "x-access-token".to_owned(), |s| s.value);
    Some(ExportKind::Git {
        repository,
        base,
        folder,
        user,
        forge,
    })
}
