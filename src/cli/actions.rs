//! `firebell actions`: what the files of `actions/` say, before anybody presses a button.

use super::foretell::{by_labels, label, read};
use super::{Config, print, serve};
use crate::config::{ActionFile, Fault, Loaded, Sample};
use crate::core::action::{Plan, allowed, bind, offered, shown};
use crate::core::alert::{Alert, Labels};
use crate::core::directory::{Action, Arg, AutoLevel, Directory, Need};
use crate::core::route::{Verdict, route};
use crate::core::text::{count, cut, list};
use crate::core::time::human_ms;
use crate::engine::Clock;
use anyhow::bail;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// What is asked about actions.
#[derive(Debug, clap::Subcommand)]
pub(super) enum What {
    /// Check every file and print what would run for its samples, or for an alert
    Check {
        /// A label of the alert, such as service=checkout; may be repeated
        #[arg(long = "label", visible_alias = "labels", value_name = "NAME=VALUE", value_parser = label, num_args = 1..)]
        labels: Vec<(String, String)>,
        /// File with the alert as its sender posts it, instead of labels
        #[arg(long, value_name = "FILE", conflicts_with = "labels")]
        alert: Option<PathBuf>,
        #[command(flatten)]
        config: Config,
    },
    /// List the actions
    List {
        #[command(flatten)]
        config: Config,
    },
    /// Print everything about one action
    Show {
        /// Its id: the file's name
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        config: Config,
    },
}

/// Answers.
///
/// # Errors
/// When the alert cannot be read, or there is no such action.
pub(super) fn actions(what: &What) -> anyhow::Result<ExitCode> {
    let (What::Check { config, .. } | What::List { config } | What::Show { config, .. }) = what;
    let Some(loaded) = serve::load(&config.path) else {
        return Ok(ExitCode::FAILURE);
    };
    let (text, faults) = match what {
        What::Check { labels, alert, .. } => {
            let now = Clock::Real.now();
            let alerts = match alert {
                Some(file) => read(file, now, &loaded.settings.limits)?,
                None if labels.is_empty() => Vec::new(),
                None => vec![by_labels(labels, now)],
            };
            checked(&loaded, &alerts)
        }
        What::List { .. } => (listed(&loaded), 0),
        What::Show { id, .. } => match loaded.actions.iter().find(|f| f.id == *id) {
            Some(file) => (whole(file, &loaded.directory), file.faults.len()),
            None => {
                let known: Vec<&String> = loaded.actions.iter().map(|f| &f.id).collect();
                if known.is_empty() {
                    bail!("there is no action {id}: the folder actions/ has no files");
                }
                bail!("there is no action {id}; there is {}", list(&known));
            }
        },
    };
    print(&text)?;
    Ok(if faults == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What `firebell actions check` prints, and the number of faults: files that are wrong, and
/// samples that do not bind. What only this machine lacks is told and is no fault.
#[must_use]
pub fn checked(loaded: &Loaded, alerts: &[Alert]) -> (String, usize) {
    let (mut out, mut faults) = (String::new(), 0);
    for file in &loaded.actions {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(out, "{}", heading(file));
        faults += file.faults.len();
        told(&mut out, &file.faults);
        told(&mut out, &file.absent);
        let Some(action) = file.action.as_ref().filter(|_| file.faults.is_empty()) else {
            continue;
        };
        if alerts.is_empty() {
            told(&mut out, &other(&file.warnings));
            faults += samples(&mut out, action, &file.samples);
        }
        for alert in alerts {
            fits(&mut out, action, &loaded.directory, alert);
        }
    }
    let number = |on: &dyn Fn(&ActionFile) -> bool| loaded.actions.iter().filter(|f| on(f)).count();
    let on = number(&ActionFile::is_on);
    let lacking = number(&|f| f.faults.is_empty() && !f.absent.is_empty());
    let mut sums = vec![format!("{on} on")];
    if lacking > 0 {
        sums.push(format!("{lacking} off on this machine"));
    }
    if faults > 0 {
        sums.push(count(faults, "fault"));
    }
    let _ = writeln!(
        out,
        "{}: {}",
        count(loaded.actions.len(), "action"),
        list(&sums)
    );
    (out, faults)
}

/// The id, the title and the state in one line.
fn heading(file: &ActionFile) -> String {
    let state = if !file.faults.is_empty() || file.action.is_none() {
        " (disabled)"
    } else if file.absent.is_empty() {
        ""
    } else {
        " (off on this machine)"
    };
    match &file.action {
        Some(action) => format!(
            "{}{state}: {}; {}, {} risk, {}",
            file.id,
            action.title,
            action.class.word(),
            action.risk.word(),
            action.how.word()
        ),
        None => format!("{}{state}", file.id),
    }
}

fn told(out: &mut String, faults: &[Fault]) {
    for fault in faults {
        let line = match fault.line {
            0 => String::new(),
            n => format!(":{n}"),
        };
        let path = fault.path.display();
        let _ = writeln!(
            out,
            "  {path}{line}: {}\n    fix: {}",
            fault.what, fault.fix
        );
    }
}

/// Warnings without those of samples, which are told beside the sample.
fn other(warnings: &[Fault]) -> Vec<Fault> {
    let own = |f: &&Fault| !f.what.contains("does not take this sample");
    warnings.iter().filter(own).cloned().collect()
}

fn samples(out: &mut String, action: &Action, samples: &[Sample]) -> usize {
    let mut faults = 0;
    if samples.is_empty() && action.args.iter().any(|a| a.from_label.is_some()) {
        out.push_str("  no [[sample]]: add labels = { … } to see what would run\n");
    } else if samples.is_empty() {
        // Defaults alone may be enough to show something.
        if let Ok(plan) = bind(action, &BTreeMap::new(), &Labels::new()) {
            planned(out, &plan);
        }
    }
    for sample in samples {
        let pairs = |map: &BTreeMap<String, String>| -> Vec<String> {
            map.iter().map(|(k, v)| format!("{k}={v:?}")).collect()
        };
        let given = [pairs(&sample.labels), pairs(&sample.args)].concat();
        let with = if given.is_empty() {
            "defaults".to_owned()
        } else {
            given.join(" ")
        };
        let _ = writeln!(out, "  sample, line {}: {with}", sample.line);
        match bind(action, &sample.args, &sample.labels) {
            Ok(plan) => planned(out, &plan),
            Err(why) => {
                faults += 1;
                let _ = writeln!(
                    out,
                    "    does not bind: {why}\n    fix: correct the sample, or what the argument allows"
                );
            }
        }
    }
    faults
}

fn planned(out: &mut String, plan: &Plan) {
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(out, "    {name:<9}{value}");
    };
    line("runs", &shown(&plan.argv));
    line("on", &cut(&plan.target, 500));
    if !plan.dry_run.is_empty() {
        line("dry run", &shown(&plan.dry_run));
    }
    if !plan.locks.is_empty() {
        line("holds", &shown(&plan.locks));
    }
}

/// Whether the action is offered for an alert, and what its button would start.
fn fits(out: &mut String, action: &Action, directory: &Directory, alert: &Alert) {
    let service = match route(directory, alert) {
        Verdict::Incident(routed) => routed.service,
        Verdict::Quiet { .. } => None,
    };
    let name = alert.labels.get("alertname");
    let name = name.map_or_else(|| "this alert".to_owned(), |n| cut(n, 100));
    if let Err(why) = offered(action, service.as_deref(), &alert.labels) {
        let _ = writeln!(out, "  {name}: not offered: {why}");
        return;
    }
    match bind(action, &BTreeMap::new(), &alert.labels) {
        Ok(plan) => {
            let _ = writeln!(out, "  {name}: offered");
            planned(out, &plan);
        }
        Err(why) if why.starts_with("cannot offer") => {
            let _ = writeln!(out, "  {name}: {why}");
        }
        Err(why) => {
            let _ = writeln!(out, "  {name}: offered; somebody fills it in: {why}");
        }
    }
}

/// What `firebell actions list` prints.
#[must_use]
pub fn listed(loaded: &Loaded) -> String {
    let wide = loaded.actions.iter().map(|f| f.id.len()).max().unwrap_or(0);
    let mut out = String::new();
    for file in &loaded.actions {
        let what = match &file.action {
            Some(a) => format!("{:<11} {:<6} {}", a.class.word(), a.risk.word(), a.title),
            None => "disabled: the file cannot be read".to_owned(),
        };
        let off = match (file.is_on(), file.faults.is_empty(), &file.action) {
            (true, ..) | (_, _, None) => "",
            (_, true, _) => " (off on this machine)",
            _ => " (disabled; see firebell actions check)",
        };
        let _ = writeln!(out, "{:<wide$}  {what}{off}", file.id);
    }
    if out.is_empty() {
        out.push_str("no action yet: write actions/NAME.toml; docs/runbooks.md shows how\n");
    }
    out
}

/// What `firebell actions show ID` prints.
#[must_use]
pub fn whole(file: &ActionFile, directory: &Directory) -> String {
    let mut out = format!("{}\n", heading(file));
    told(&mut out, &file.faults);
    told(&mut out, &file.absent);
    let Some(action) = &file.action else {
        return out;
    };
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(out, "  {name:<13}{value}");
    };
    if !action.about.is_empty() {
        line("about", &action.about);
    }
    line("file", &file.path.display().to_string());
    line("version", &action.digest);
    line("services", &list(&action.services));
    if !action.environments.is_empty() {
        line("environments", &list(&action.environments));
    }
    for matcher in &action.matchers {
        line("needs", &matcher.to_string());
    }
    for arg in &action.args {
        line("argument", &argument(arg));
    }
    let yes = |b: bool| if b { "yes" } else { "no" };
    line("idempotent", yes(action.idempotent));
    line("reversible", yes(action.reversible));
    line("limits", &limits(action));
    for (name, value) in bounds(action, directory) {
        line(name, &value);
    }
    if action.private_output {
        line("output", "in the console only");
    }
    samples(&mut out, action, &file.samples);
    out
}

fn argument(arg: &Arg) -> String {
    let from = match (&arg.from_label, &arg.default) {
        (Some(label), _) => format!(", from the label {label}"),
        (None, Some(default)) => format!(", {default:?} unless said"),
        (None, None) => String::new(),
    };
    let help = match arg.help.as_str() {
        "" => String::new(),
        help => format!(" ({help})"),
    };
    format!("{}: {}{from}{help}", arg.name, allowed(arg))
}

fn limits(action: &Action) -> String {
    let l = &action.limits;
    let mut parts = vec![
        human_ms(l.timeout_ms),
        format!("{} KiB of output", l.output_bytes / 1024),
    ];
    let mut more = |name: &str, value: Option<u64>| {
        if let Some(n) = value {
            parts.push(format!("{n} {name}"));
        }
    };
    more("s of CPU", l.cpu_secs);
    more("MiB of memory", l.memory_bytes.map(|b| b / 1024 / 1024));
    more("open files", l.files);
    more("processes", l.processes);
    if l.sandbox.on {
        parts.push("landlock".to_owned());
    }
    list(&parts)
}

/// Locks, approvals, what undoes it and what it does by itself.
fn bounds(action: &Action, directory: &Directory) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let lock = &action.lock;
    if !lock.keys.is_empty() {
        lines.push((
            "lock",
            format!(
                "{}; waits {}, rests {}",
                list(&lock.keys),
                human_ms(lock.wait_ms),
                human_ms(lock.cooldown_ms)
            ),
        ));
    }
    for (name, cap) in [
        ("per incident", lock.max_per_incident),
        ("per hour", lock.max_per_hour),
    ] {
        if let Some(n) = cap {
            lines.push((name, format!("at most {n}")));
        }
    }
    let who = |roles: &[String]| match roles {
        [] => "anybody who may run it".to_owned(),
        roles => roles.join(" or "),
    };
    let need = |n: &Need| format!("{} of {}", n.count, who(&n.roles));
    let approval = &action.approval;
    lines.push((
        "asks",
        match action.roles.as_slice() {
            [] => "anybody in the directory".to_owned(),
            roles => roles.join(" or "),
        },
    ));
    lines.push((
        "approval",
        match approval.required.as_slice() {
            [] => "the requester's own confirmation".to_owned(),
            slots => list(&slots.iter().map(need).collect::<Vec<_>>()),
        },
    ));
    if let Some(glass) = &approval.break_glass {
        let least = glass.min_severity.map_or_else(String::new, |s| {
            format!(", at {} and worse", directory.severity_name(s))
        });
        lines.push((
            "break-glass",
            format!("{}{least}", glass.roles.join(" or ")),
        ));
    }
    if let Some(rollback) = &action.rollback {
        lines.push(("rollback", rollback.action.clone()));
    }
    let level = match action.auto.level {
        AutoLevel::Suggest => return lines,
        AutoLevel::OneClick => "one click".to_owned(),
        AutoLevel::Delayed => format!("after {}", human_ms(action.auto.delay_ms)),
        AutoLevel::BeforePage => "before anybody is paged".to_owned(),
    };
    lines.push(("by itself", level));
    lines
}
