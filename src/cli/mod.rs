//! The command line. Logs go to stderr; stdout carries only what was asked for.

pub mod actions;
mod analytics;
mod approve;
mod audit;
mod automation;
mod changes;
pub mod check;
mod demo;
mod demo_story;
mod doctor;
mod export;
mod fairness;
pub mod foretell;
mod generate;
mod kept;
mod log;
mod oncall;
pub mod plan;
mod platforms;
mod policy;
mod redact;
pub mod rehearse;
mod run;
mod serve;
mod summary;

use crate::core::id::IncidentId;
use crate::engine::Clock;
use clap::{Parser, Subcommand, ValueEnum};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Self-hosted incident response between monitoring and people.
#[derive(Debug, Parser)]
#[command(name = "firebell", version, about, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run firebell with your configuration
    Serve {
        #[command(flatten)]
        config: Config,
    },
    /// Run a complete example on this machine: no account, token or other service needed
    Demo {
        /// Address and port of the console
        #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
        listen: String,
        /// Folder for the example's configuration and data; start again on it to go on
        #[arg(long, default_value = "./firebell-demo", value_name = "DIR")]
        data: PathBuf,
        /// Do not fire the example incident
        #[arg(long)]
        quiet: bool,
    },
    /// Check every configuration file: path, line and fix of each fault
    Check {
        #[command(flatten)]
        config: Config,
    },
    /// Check what the configuration needs: database, clock, disk, who is on call
    Doctor {
        #[command(flatten)]
        config: Config,
    },
    /// Print the postmortem of an incident, read from the database
    Export {
        /// Number of the incident, such as 42
        #[arg(value_name = "ID", value_parser = incident)]
        id: IncidentId,
        #[command(flatten)]
        how: export::How,
        #[command(flatten)]
        config: Config,
    },
    /// Read a postmortem that was exported as JSON and print it, also in another format
    Import {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        how: export::How,
    },
    /// Print the incidents that are over in whose timelines and postmortems words occur
    Search {
        /// Words; each must begin a word of what is found
        #[arg(value_name = "WORD", required = true)]
        words: Vec<String>,
        #[command(flatten)]
        narrow: export::Narrow,
        #[command(flatten)]
        config: Config,
    },
    /// Print an incident's journal and the state it folds to, read from the database
    Replay {
        /// Number of the incident, such as 42
        #[arg(value_name = "ID", value_parser = incident)]
        id: IncidentId,
        /// Also when the incident is private
        #[arg(long)]
        private: bool,
        #[command(flatten)]
        config: Config,
    },
    /// Print the whole future of an alert on paper: who is paged, how and when
    Simulate {
        #[command(flatten)]
        what: foretell::Simulation,
        #[command(flatten)]
        config: Config,
    },
    /// Print why an incident paged whom it paged, and what happens next
    Explain {
        /// Number of the incident, such as 42
        #[arg(value_name = "ID", value_parser = incident)]
        id: IncidentId,
        /// Also when the incident is private
        #[arg(long)]
        private: bool,
        #[command(flatten)]
        config: Config,
    },
    /// Tell what starts by itself, or turn it off and on at the running firebell
    Automation {
        #[command(flatten)]
        switch: automation::Switch,
        #[command(flatten)]
        config: Config,
    },
    /// Print what past incidents say about an action, or about the incidents of a service
    Learn {
        /// Id of an action or a service
        #[arg(value_name = "ACTION|SERVICE")]
        name: String,
        #[command(flatten)]
        config: Config,
    },
    /// Print who is on call, why, and who is next
    Oncall {
        #[command(flatten)]
        question: oncall::Question,
        #[command(flatten)]
        config: Config,
    },
    /// Print what being on call has cost whom: hours, nights, weekends, holidays and pages
    Fairness {
        #[command(flatten)]
        question: fairness::Question,
        #[command(flatten)]
        config: Config,
    },
    /// Print what past incidents measure: how long things took, whom they woke, what is noise
    Analytics {
        #[command(flatten)]
        question: analytics::Question,
        #[command(flatten)]
        config: Config,
    },
    /// Print what was changed lately: deploys, pushes, releases, newest first
    Changes {
        #[command(flatten)]
        question: changes::Question,
        #[command(flatten)]
        config: Config,
    },
    /// Print what a changed configuration changes: who else is on call and paged in the days ahead
    Plan {
        /// The configuration as it is in force
        #[arg(value_name = "OLD")]
        old: PathBuf,
        /// Days ahead
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=730))]
        days: u16,
        #[command(flatten)]
        config: Config,
    },
    /// Run tests of policies: given an alert at a time, who must be paged how and when
    Test {
        /// Files or folders [default: tests/ beside the configuration]
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        config: Config,
    },
    /// Ask for a runbook action, or for its dry run, as the person whose API token this is
    Run {
        #[command(flatten)]
        what: run::What,
    },
    /// Agree to a run that waits for approval, as the person whose API token this is
    Approve {
        #[command(flatten)]
        what: approve::What,
    },
    /// Say no to a run that waits for approval, or withdraw your own
    Reject {
        #[command(flatten)]
        what: approve::What,
    },
    /// Stop a run: it is asked to end, and killed after its grace
    Stop {
        #[command(flatten)]
        what: approve::What,
    },
    /// Look how a run with an unknown outcome went, by the diagnostic its action's file names
    Look {
        #[command(flatten)]
        what: approve::What,
    },
    /// Say how a run with an unknown outcome went, after looking
    Settle {
        #[command(flatten)]
        what: approve::What,
        /// What you saw
        #[arg(value_enum)]
        how: How,
        /// How you know, for the timeline
        #[arg(long, default_value = "", value_name = "TEXT")]
        note: String,
    },
    /// Remove a line of a timeline, or a section of a postmortem, for good, as the person whose API token
    /// this is
    Redact {
        /// Number of the incident, such as 42
        #[arg(value_name = "ID", value_parser = incident)]
        id: IncidentId,
        /// Number of the event, as the timeline shows it, or the name of a section, such as `impact`: all
        /// that people wrote there
        #[arg(value_name = "LINE", value_parser = redact::thing)]
        line: redact::Thing,
        /// Why; it stands in its place
        #[arg(value_name = "WHY")]
        why: String,
        #[command(flatten)]
        door: approve::Door,
    },
    /// Look at the summary that a model proposes for an incident, ask for one, take it over or turn it down
    Summary {
        /// Number of the incident, such as 42
        #[arg(value_name = "ID", value_parser = incident)]
        id: IncidentId,
        /// What to do
        #[arg(value_enum, default_value_t = summary::What::Show)]
        what: summary::What,
        /// Of accept: the words, when they are to be others than those that are proposed
        #[arg(long, value_name = "TEXT")]
        text: Option<String>,
        #[command(flatten)]
        door: approve::Door,
    },
    /// Look whether the audit of runbook actions was touched, or print it
    Audit {
        #[command(subcommand)]
        what: audit::What,
    },
    /// Ask the rules who may run which action
    Policy {
        #[command(subcommand)]
        what: policy::What,
    },
    /// Look at the runbook actions: check their files, list them, show one
    Actions {
        #[command(subcommand)]
        what: actions::What,
    },
    /// Print what a chat platform wants to have pasted or opened
    Generate {
        #[command(subcommand)]
        what: generate::What,
    },
    /// Print the description of the HTTP API (OpenAPI, JSON)
    Openapi,
}

#[derive(Debug, clap::Args)]
struct Config {
    /// Configuration file; the folders are beside it
    #[arg(
        long = "config",
        default_value = "firebell.toml",
        env = "FIREBELL_CONFIG",
        value_name = "FILE"
    )]
    path: PathBuf,
}

/// How a run went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum How {
    /// It did what it should
    Worked,
    /// It did not
    Failed,
}

/// An incident's number, with or without `#`.
fn incident(text: &str) -> Result<IncidentId, String> {
    match text.trim_start_matches('#').parse::<i64>() {
        Ok(n) if n > 0 => Ok(IncidentId(n)),
        _ => Err("an incident is a number such as 42".to_owned()),
    }
}

/// Runs the program with the process's arguments.
#[must_use]
pub fn run() -> ExitCode {
    // Before anything else is set up: these are other programs in the same file.
    let hidden = std::env::args()
        .nth(1)
        .and_then(|c| crate::run::process::hidden(&c));
    if let Some(code) = hidden {
        return code;
    }
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(e) => return failed(&anyhow::anyhow!("the async runtime could not start: {e}")),
    };
    let outcome = runtime.block_on(obey(cli.command));
    // A stuck blocking read must not keep a stopped process alive.
    runtime.shutdown_background();
    outcome.unwrap_or_else(|e| failed(&e))
}

async fn obey(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve { config } => Box::pin(serve::serve(&config.path)).await,
        Command::Demo {
            listen,
            data,
            quiet,
        } => demo::demo(&listen, &data, quiet).await,
        Command::Check { config } => {
            check::run(&config.path, Clock::Real.now())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Doctor { config } => doctor::doctor(&config.path).await,
        Command::Export { id, how, config } => export::export(&config.path, id, &how).await,
        Command::Import { file, how } => export::import(&file, &how).await,
        Command::Search {
            words,
            narrow,
            config,
        } => export::search(&config.path, &words, &narrow).await,
        Command::Replay {
            id,
            private,
            config,
        } => export::replay(&config.path, id, private).await,
        Command::Simulate { what, config } => foretell::simulate(&config.path, &what).await,
        Command::Explain {
            id,
            private,
            config,
        } => foretell::explain(&config.path, id, private).await,
        Command::Automation { switch, config } => {
            automation::automation(&config.path, &switch).await
        }
        Command::Learn { name, config } => automation::learn(&config.path, &name).await,
        Command::Oncall { question, config } => oncall::on_call(&config.path, &question).await,
        Command::Fairness { question, config } => fairness::fairness(&config.path, &question).await,
        Command::Analytics { question, config } => {
            analytics::analytics(&config.path, &question).await
        }
        Command::Changes { question, config } => changes::changes(&config.path, &question).await,
        Command::Plan { old, days, config } => plan::plan(&old, &config.path, days).await,
        Command::Run { what } => run::run(&what).await,
        Command::Approve { what } => approve::decide(&what, approve::Answer::Approve).await,
        Command::Reject { what } => approve::decide(&what, approve::Answer::Reject).await,
        Command::Stop { what } => approve::decide(&what, approve::Answer::Stop).await,
        Command::Look { what } => approve::decide(&what, approve::Answer::Look).await,
        Command::Settle { what, how, note } => {
            let good = how == How::Worked;
            approve::decide(&what, approve::Answer::Settle { good, note }).await
        }
        Command::Redact {
            id,
            line,
            why,
            door,
        } => redact::redact(&door, id, &line, &why).await,
        Command::Summary {
            id,
            what,
            text,
            door,
        } => summary::summary(&door, id, what, text.as_deref()).await,
        Command::Audit { what } => audit::audit(&what).await,
        Command::Policy {
            what: policy::What::Explain(asked),
        } => policy::explain(&asked).await,
        Command::Test { paths, config } => rehearse::test(&config.path, &paths),
        Command::Actions { what } => actions::actions(&what),
        Command::Generate { what } => {
            generate::generate(&what)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Openapi => {
            print(&crate::http::api::openapi())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn failed(e: &anyhow::Error) -> ExitCode {
    // The last word to a person at a terminal; stderr that is gone cannot be helped.
    let _ = writeln!(std::io::stderr(), "error: {e:#}");
    ExitCode::FAILURE
}

/// Writes to stdout with a final newline.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    match write!(out, "{text}{end}").and_then(|()| out.flush()) {
        // `firebell export 42 | head` has seen enough.
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_demo_starts_without_any_argument() {
        let cli = Cli::try_parse_from(["firebell", "demo"]).unwrap();
        let Command::Demo {
            listen,
            data,
            quiet,
        } = cli.command
        else {
            panic!("not the demo");
        };
        assert_eq!(
            (listen.as_str(), data, quiet),
            ("127.0.0.1:8080", PathBuf::from("./firebell-demo"), false)
        );
    }

    #[test]
    fn an_incident_is_named_by_its_number() {
        assert_eq!(incident("42"), Ok(IncidentId(42)));
        assert_eq!(incident("#42"), Ok(IncidentId(42)));
        assert!(incident("0").is_err());
        assert!(incident("checkout").is_err());
    }
}
