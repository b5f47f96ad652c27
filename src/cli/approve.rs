//! `firebell approve`, `reject`, `stop`, `look` and `settle`: over the REST API, as the person whose token it is.
//!
//! What is approved is what was printed: the answer carries the subject that was shown.

use super::print;
use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

/// An answer takes no longer than this.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What is said of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Approve,
    Reject,
    Stop,
    Look,
    Settle { good: bool, note: String },
}

/// Which run, and whom to ask.
#[derive(Debug, clap::Args)]
pub(super) struct What {
    /// The run, such as run-3 or 3
    #[arg(value_name = "RUN", value_parser = run)]
    run: i64,
    #[command(flatten)]
    door: Door,
    /// Do not ask; only together with --subject, so that it is clear what is approved
    #[arg(long, requires = "subject")]
    yes: bool,
    /// The subject that is approved, as printed before; a run that would do anything else is not approved
    #[arg(long, value_name = "HEX")]
    subject: Option<String>,
}

/// Whom to ask, and as whom.
#[derive(Debug, clap::Args)]
pub(super) struct Door {
    /// Address of firebell
    #[arg(
        long,
        default_value = "http://127.0.0.1:8080",
        env = "FIREBELL_URL",
        value_name = "URL"
    )]
    url: String,
    /// Environment variable that holds a token of [[tokens]] with a `person`
    #[arg(long, default_value = "FIREBELL_TOKEN", value_name = "NAME")]
    token_from: String,
}

impl Door {
    /// A client, the address without a trailing slash, and the token.
    pub(super) fn open(&self) -> anyhow::Result<(reqwest::Client, String, String)> {
        let token = std::env::var(&self.token_from)
            .ok()
            .filter(|t| !t.is_empty());
        let token = token.with_context(|| {
            format!(
                "there is no token in the environment variable {}; put one of [[tokens]] there that has a `person`",
                self.token_from
            )
        })?;
        let client = reqwest::Client::builder().timeout(ANSWER_WITHIN).build()?;
        Ok((client, self.url.trim_end_matches('/').to_owned(), token))
    }
}

fn run(text: &str) -> Result<i64, String> {
    let lower = text.to_lowercase();
    let digits = lower.strip_prefix("run-").unwrap_or(&lower);
    match digits.parse::<i64>() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err("a run is a number such as run-3".to_owned()),
    }
}

/// Shows the run, asks, and answers.
///
/// # Errors
/// When firebell cannot be asked, or says no.
pub(super) async fn decide(what: &What, answer: Answer) -> anyhow::Result<ExitCode> {
    let (client, base, token) = what.door.open()?;
    let base = format!("{base}/api/v1/runs/{}", what.run);
    let found = asked(client.get(&base).bearer_auth(&token)).await?;
    print(&shown(&found))?;
    let subject = found["subject"].as_str().unwrap_or_default();
    if let Some(wanted) = what.subject.as_deref().filter(|s| *s != subject) {
        bail!("the run would do something else: its subject is {subject}, not {wanted}");
    }
    let verb = match answer {
        Answer::Approve => "approve",
        Answer::Reject => "reject",
        Answer::Stop => "stop",
        Answer::Look => "check",
        Answer::Settle { .. } => "settle",
    };
    if answer == Answer::Approve && !what.yes && !confirmed()? {
        print("Nothing was done.")?;
        return Ok(ExitCode::FAILURE);
    }
    let body = match answer {
        Answer::Approve => json!({"subject": subject}),
        Answer::Reject | Answer::Stop | Answer::Look => json!({}),
        Answer::Settle { good, note } => json!({"good": good, "note": note}),
    };
    let done = client
        .post(format!("{base}/{verb}"))
        .bearer_auth(&token)
        .json(&body);
    let done = asked(done).await?;
    // A look is a run of its own.
    print(&format!(
        "run-{}: {}",
        done["id"].as_i64().unwrap_or(what.run),
        done["state"].as_str().unwrap_or("done")
    ))?;
    if let Some(missing) = done["missing"].as_str().filter(|m| !m.is_empty()) {
        print(&format!("It still needs {missing}."))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The answer, or what firebell says no with.
pub(super) async fn asked(request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    let answer = request.send().await.context("firebell cannot be asked")?;
    let status = answer.status();
    let body: Value = answer
        .json()
        .await
        .with_context(|| format!("the answer ({status}) is not firebell's"))?;
    if !status.is_success() {
        let why = body["error"]["message"]
            .as_str()
            .unwrap_or("no reason was given");
        bail!("{why}");
    }
    Ok(body)
}

/// What the run would do, line by line.
pub(super) fn shown(run: &Value) -> String {
    let text = |key: &str| run[key].as_str().unwrap_or_default().to_owned();
    let argv: Vec<String> = run["argv"].as_array().map_or_else(Vec::new, |items| {
        items
            .iter()
            .filter_map(|i| i.as_str().map(str::to_owned))
            .collect()
    });
    let mut lines = vec![
        format!(
            "{} “{}” asked for by {}",
            run["id"],
            text("title"),
            text("asked_by")
        ),
        format!("  runs     {}", crate::core::action::shown(&argv)),
        format!("  on       {}", text("target")),
        format!("  class    {}, risk {}", text("class"), text("risk")),
        format!("  where    {}", text("environment")),
        format!("  needs    {}", text("missing")),
        format!("  reason   {}", text("reason")),
        format!("  subject  {}", text("subject")),
    ];
    lines.retain(|l| l.split_whitespace().count() > 1);
    if let Some(rehearsed) = run["rehearsed"].as_str() {
        lines.push("  in its only-look mode it wrote:".to_owned());
        // Program text: a terminal must not obey it.
        let plain = |l: &str| crate::core::text::cut(l, 400);
        lines.extend(rehearsed.lines().map(|l| format!("  | {}", plain(l))));
    }
    lines.join("\n")
}

fn confirmed() -> anyhow::Result<bool> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        bail!("nobody is there to be asked; approve with --yes --subject");
    }
    let mut out = std::io::stderr();
    write!(out, "Approve exactly this? [y/N] ")?;
    out.flush()?;
    let mut line = String::new();
    stdin.lock().read_line(&mut line)?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_what_runs_with_nothing_that_looks_like_something_else() {
        let run = json!({"id": 3, "title": "Restart", "asked_by": "Ana", "argv": ["/bin/x", "web\u{202e}1"],
            "target": "this machine", "class": "remediation", "risk": "high", "subject": "ab",
            "rehearsed": "one\u{1b}[2Jtwo"});
        let text = shown(&run);
        assert!(text.contains(r#"["/bin/x", "web\u{202e}1"]"#), "{text}");
        assert!(
            !text.contains('\u{1b}') && !text.contains("reason"),
            "{text}"
        );
    }

    #[test]
    fn a_run_is_named_as_everywhere_else() {
        assert_eq!(super::run("run-3"), Ok(3));
        assert_eq!(super::run("RUN-3"), Ok(3));
        assert_eq!(super::run("3"), Ok(3));
        assert!(super::run("0").is_err() && super::run("web").is_err());
    }
}
