//! Runbook actions: whether one is offered, and what exactly it would start.
//!
//! Values from labels are attacker-controlled and go through the same check as typed ones. One
//! template element becomes exactly one argument; nothing is split, expanded or interpreted.

use super::alert::Labels;
use super::digest;
use super::directory::{Action, Arg, ArgKind, Directory, How, Rollback};
use super::id::IncidentId;
use super::incident::Run;
use super::text::{deceives, percent};
use super::time::{human_ms, parse_duration_ms};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Names of a list that are spelled out where a value is refused.
const NAMED: usize = 12;

/// Whether the action fits an incident of this service with these labels.
///
/// # Errors
/// A sentence that says why not.
pub fn offered(action: &Action, service: Option<&str>, labels: &Labels) -> Result<(), String> {
    let fits = action
        .services
        .iter()
        .any(|s| s == "*" || Some(s.as_str()) == service);
    if !fits {
        return Err(format!(
            "`{}` is for {}, not for this incident's service.",
            action.id,
            action.services.join(", ")
        ));
    }
    if !action.environments.is_empty() {
        let here = environment(labels);
        if !here.is_some_and(|e| action.environments.iter().any(|x| x == e)) {
            return Err(format!(
                "`{}` is for {}, and this incident's labels name {}.",
                action.id,
                action.environments.join(", "),
                here.unwrap_or("no environment")
            ));
        }
    }
    match action.matchers.iter().find(|m| !m.matches(labels)) {
        Some(m) => Err(format!(
            "`{}` needs {m}, which this incident's labels do not have.",
            action.id
        )),
        None => Ok(()),
    }
}

/// What exactly one run would do, rendered from the checked arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Where it runs, for people.
    pub target: String,
    /// What runs: a program's argv; an HTTP request's method, address and body; `option=value` of a
    /// Rundeck job.
    pub argv: Vec<String>,
    /// The same in the "only look" mode; empty: it has none.
    pub dry_run: Vec<String>,
    /// Keys it holds while it runs.
    pub locks: Vec<String>,
    /// The checked values by name.
    pub args: BTreeMap<String, String>,
}

impl Plan {
    /// SHA-256 over everything an approver sees, hex: each part with its length in front, so that
    /// no two different plans read alike.
    #[must_use]
    pub fn subject(
        &self,
        action: &Action,
        incident: IncidentId,
        environment: Option<&str>,
    ) -> String {
        let id = incident.to_string();
        let fixed = [&*action.id, &*action.digest, &*self.target, &*id];
        let parts = fixed
            .into_iter()
            .chain([environment.unwrap_or_default()])
            .chain(self.argv.iter().map(String::as_str))
            .chain(std::iter::once("\0dry"))
            .chain(self.dry_run.iter().map(String::as_str));
        digest::of(parts)
    }
}

/// Labels that name the environment; the first that is there counts.
pub const ENVIRONMENT: [&str; 2] = ["environment", "env"];

/// The environment the labels name.
#[must_use]
pub fn environment(labels: &Labels) -> Option<&str> {
    let named = ENVIRONMENT.iter().find_map(|name| labels.get(*name));
    named.map(String::as_str).filter(|e| !e.is_empty())
}

/// Checks the given arguments and renders what would run.
///
/// # Errors
/// A sentence naming the argument and the fix.
pub fn bind(
    action: &Action,
    given: &BTreeMap<String, String>,
    labels: &Labels,
) -> Result<Plan, String> {
    if let Some(unknown) = given
        .keys()
        .find(|k| !action.args.iter().any(|a| a.name == **k))
    {
        let names: Vec<&str> = action.args.iter().map(|a| a.name.as_str()).collect();
        let known = if names.is_empty() {
            "it takes none".to_owned()
        } else {
            format!("it takes {}", names.join(", "))
        };
        return Err(format!(
            "`{}` has no argument `{unknown}`; {known}.",
            action.id
        ));
    }
    let mut values = BTreeMap::new();
    for arg in &action.args {
        values.insert(arg.name.clone(), value(arg, given, labels)?);
    }
    let plan = planned(&action.how, &values)?;
    Ok(Plan {
        locks: all(&action.lock.keys, &values)?,
        args: values,
        ..plan
    })
}

/// What runs where, without locks and arguments.
fn planned(how: &How, values: &BTreeMap<String, String>) -> Result<Plan, String> {
    Ok(match how {
        How::Process(run) => Plan {
            target: "this machine".to_owned(),
            argv: all(&run.argv, values)?,
            dry_run: all(&run.dry_run, values)?,
            ..Plan::default()
        },
        How::Ssh(run) => {
            let host = render(&run.host, values)?;
            if !host_name(&host) {
                return Err(format!(
                    "{host:?} is no host name, so nothing is run there."
                ));
            }
            Plan {
                target: format!("ssh {host} by {}: {}", run.server, run.command),
                argv: all(&run.argv, values)?,
                dry_run: all(&run.dry_run, values)?,
                ..Plan::default()
            }
        }
        How::Http(run) => {
            let mut argv = vec![run.method.clone(), address(&run.url, values)?];
            if let Some(body) = &run.body {
                argv.push(filled(body, values)?.to_string());
            }
            Plan {
                target: format!("HTTP {}", host_of(&run.url)),
                argv,
                ..Plan::default()
            }
        }
        How::Rundeck(run) => {
            let one = |(name, template): (&String, &String)| {
                render(template, values).map(|value| format!("{name}={value}"))
            };
            Plan {
                target: format!("rundeck {}, job {}", run.server, run.job),
                argv: run.options.iter().map(one).collect::<Result<_, _>>()?,
                ..Plan::default()
            }
        }
        How::Kubernetes(run) => Plan {
            target: format!(
                "kubernetes {}/{}, {}",
                run.cluster, run.namespace, run.image
            ),
            argv: all(&run.argv, values)?,
            dry_run: all(&run.dry_run, values)?,
            ..Plan::default()
        },
    })
}

/// Whether a run that was started at this target is still looked for at the right place. The rest of
/// the target may differ: it is what an argument says.
#[must_use]
pub fn reaches(how: &How, target: &str) -> bool {
    match how {
        How::Process(_) => target == "this machine",
        How::Ssh(run) => {
            let by = format!(" by {}: ", run.server);
            target.starts_with("ssh ") && target.contains(&by)
        }
        How::Http(run) => target == format!("HTTP {}", host_of(&run.url)),
        How::Rundeck(run) => target == format!("rundeck {}, job {}", run.server, run.job),
        How::Kubernetes(run) => {
            let home = format!("kubernetes {}/{}, ", run.cluster, run.namespace);
            target.starts_with(&home)
        }
    }
}

fn all(templates: &[String], values: &BTreeMap<String, String>) -> Result<Vec<String>, String> {
    templates.iter().map(|t| render(t, values)).collect()
}

/// An address with the values percent-encoded. Encoding is not enough: a path segment that is `..`,
/// encoded or not, is walked by every client, and an empty one is dropped by many servers.
fn address(template: &str, values: &BTreeMap<String, String>) -> Result<String, String> {
    let encoded = |_: &str, v: &str| percent(v);
    let path = |url: &str| -> Vec<String> {
        let rest = &url[host_of(url).len()..];
        let end = rest.find(['?', '#']).unwrap_or(rest.len());
        rest[..end].split('/').map(str::to_owned).collect()
    };
    let url = render_with(template, values, &encoded)?;
    for (segment, rendered) in path(template).iter().zip(path(&url)) {
        // `%2e` in the template is a dot to every client.
        let dotted = rendered.to_ascii_lowercase().replace("%2e", ".");
        let walks = matches!(dotted.as_str(), "" | "." | "..");
        if walks && segment.contains('{') {
            return Err(format!(
                "`{segment}` of the address would become {rendered:?}, which leads elsewhere."
            ));
        }
    }
    Ok(url)
}

/// Whether a text is a host name or an IP address, and nothing a client could read as something
/// else: no option, no account, no port.
#[must_use]
pub fn host_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    let first = text.chars().next();
    let colons = text.matches(':').count();
    first.is_some_and(|c| c.is_ascii_alphanumeric() || c == ':')
        && text.len() <= 253
        && text.chars().all(plain)
        // One colon is a port; an address of IPv6 has at least two, and nothing but digits.
        && (colons == 0
            || colons > 1 && text.chars().all(|c| c.is_ascii_hexdigit() || ":.".contains(c)))
}

/// The arguments that undo a run with these values.
///
/// # Errors
/// A sentence when a template names what is not there.
pub fn undo(
    rollback: &Rollback,
    values: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, String> {
    let one = |(name, template): (&String, &String)| Ok((name.clone(), render(template, values)?));
    rollback.args.iter().map(one).collect()
}

/// What looks how a run went, and its arguments: those of the same name the run was given.
///
/// # Errors
/// A sentence when the action's file names nothing for that.
pub fn check_of(
    checked: &Run,
    directory: &Directory,
) -> Result<(Arc<Action>, BTreeMap<String, String>), String> {
    let action = directory.actions.get(&checked.action);
    let named = action.and_then(|a| a.check.as_ref()).ok_or_else(|| {
        format!(
            "The file of `{}` names no `check`, so there is nothing to look with.",
            checked.action
        )
    })?;
    let check = directory
        .actions
        .get(named)
        .ok_or_else(|| format!("`{named}`, which looks how it went, is not configured."))?;
    let typed = check.args.iter().filter(|a| a.from_label.is_none());
    let given = typed.filter_map(|arg| {
        let value = checked.terms.args.get(&arg.name)?;
        // A length of time stands in a plan as whole seconds, and is typed with its unit.
        let value = match arg.kind {
            ArgKind::Duration { .. } => format!("{value}s"),
            _ => value.clone(),
        };
        Some((arg.name.clone(), value))
    });
    let given = given.collect();
    Ok((Arc::clone(check), given))
}

/// Scheme, host and port of an address, which are never templates.
pub(super) fn host_of(url: &str) -> &str {
    let after = url.find("://").map_or(0, |at| at + 3);
    let end = url[after..]
        .find(['/', '?', '#'])
        .map_or(url.len(), |n| after + n);
    &url[..end]
}

/// A JSON template with the values inside of its strings; they cannot leave them.
fn filled(template: &Value, values: &BTreeMap<String, String>) -> Result<Value, String> {
    Ok(match template {
        Value::String(text) => Value::String(render(text, values)?),
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|i| filled(i, values))
                .collect::<Result<_, _>>()?,
        ),
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(k, v)| Ok((k.clone(), filled(v, values)?)))
                .collect::<Result<_, String>>()?,
        ),
        other => other.clone(),
    })
}

/// The value an argument takes, checked.
///
/// # Errors
/// A sentence naming the argument and the fix.
pub fn value(
    arg: &Arg,
    given: &BTreeMap<String, String>,
    labels: &Labels,
) -> Result<String, String> {
    let name = &arg.name;
    if let Some(label) = &arg.from_label {
        let raw = labels
            .get(label)
            .ok_or_else(|| format!("`{name}` comes from the label `{label}`, which is missing."))?;
        let cut = arg
            .strip_suffix
            .as_deref()
            .and_then(|s| raw.strip_suffix(s))
            .unwrap_or(raw);
        if given.get(name).is_some_and(|g| g != cut) {
            return Err(format!(
                "`{name}` comes from the label `{label}` and cannot be set by hand."
            ));
        }
        check(arg, cut).map_err(|why| format!("cannot offer: label `{label}`: {why}"))?;
        return Ok(normal(arg, cut));
    }
    let value = given
        .get(name)
        .or(arg.default.as_ref())
        .ok_or_else(|| format!("`{name}` is missing: {}.", allowed(arg)))?;
    check(arg, value)?;
    Ok(normal(arg, value))
}

/// The value as the program gets it: a length of time in whole seconds, everything else as it is.
fn normal(arg: &Arg, value: &str) -> String {
    match arg.kind {
        ArgKind::Duration { .. } => {
            parse_duration_ms(value).map_or_else(|_| value.to_owned(), |ms| (ms / 1000).to_string())
        }
        _ => value.to_owned(),
    }
}

/// What an argument allows, in words.
#[must_use]
pub fn allowed(arg: &Arg) -> String {
    match &arg.kind {
        ArgKind::Enum(values) => format!("one of {}", values.join(", ")),
        ArgKind::Int { min, max } => format!("a whole number from {min} to {max}"),
        ArgKind::Bool => "true or false".to_owned(),
        ArgKind::Duration { min_secs, max_secs } => format!(
            "a length of time from {} to {}, such as 90s or 5m",
            human_ms(min_secs.saturating_mul(1000)),
            human_ms(max_secs.saturating_mul(1000))
        ),
        ArgKind::Ref { list, values } => match values.len() {
            0 => format!("a name of the list {list}, which is empty"),
            1..=NAMED => format!("one of {} (list {list})", values.join(", ")),
            n => format!("one of the {n} names of the list {list}"),
        },
        ArgKind::Text { regex, .. } => {
            format!(
                "text matching {}",
                regex
                    .as_str()
                    .trim_start_matches(r"\A(?:")
                    .trim_end_matches(r")\z")
            )
        }
    }
}

fn check(arg: &Arg, value: &str) -> Result<(), String> {
    let name = &arg.name;
    if value.chars().any(forbidden) {
        return Err(format!(
            "`{name}` has a control, invisible or direction character; remove it."
        ));
    }
    let fits = match &arg.kind {
        ArgKind::Enum(values) | ArgKind::Ref { values, .. } => values.iter().any(|v| v == value),
        ArgKind::Bool => matches!(value, "true" | "false"),
        ArgKind::Duration { min_secs, max_secs } => parse_duration_ms(value)
            .is_ok_and(|ms| ms % 1000 == 0 && (*min_secs..=*max_secs).contains(&(ms / 1000))),
        ArgKind::Int { min, max } => value
            .parse::<i64>()
            .is_ok_and(|n| (*min..=*max).contains(&n) && n.to_string() == value),
        ArgKind::Text { regex, max_len } => {
            // A leading dash would be read as an option by the program.
            !value.starts_with('-') && value.chars().count() <= *max_len && regex.is_match(value)
        }
    };
    if fits {
        Ok(())
    } else {
        Err(format!("`{name}` cannot be {value:?}: {}.", allowed(arg)))
    }
}

/// Control characters, what changes the direction of the text around it, and what cannot be seen:
/// what looks different from what it is.
fn forbidden(c: char) -> bool {
    c.is_control()
        || deceives(c)
        || matches!(
            c,
            '\u{ad}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{180e}'
                | '\u{200c}'
                | '\u{200d}'
                | '\u{3164}'
                | '\u{ffa0}'
        )
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// One template with checked values in it, for an executor whose plan does not hold it: the host of
/// an SSH action.
///
/// # Errors
/// A sentence when a brace does not close or names no argument.
pub fn rendered(template: &str, values: &BTreeMap<String, String>) -> Result<String, String> {
    render(template, values)
}

/// Replaces `{name}` in one element; `{{` and `}}` are braces.
fn render(element: &str, values: &BTreeMap<String, String>) -> Result<String, String> {
    render_with(element, values, &|_, value| value.to_owned())
}

/// The same, with each value put into the form its place needs.
fn render_with(
    element: &str,
    values: &BTreeMap<String, String>,
    put: &dyn Fn(&str, &str) -> String,
) -> Result<String, String> {
    let (mut out, mut rest) = (String::new(), element);
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let tail = &rest[at..];
        if let Some(after) = tail.strip_prefix("{{") {
            out.push('{');
            rest = after;
        } else if let Some(after) = tail.strip_prefix("}}") {
            out.push('}');
            rest = after;
        } else {
            let end = tail.find('}').filter(|_| tail.starts_with('{'));
            let end = end.ok_or_else(|| {
                format!("`{element}`: a brace does not close; write {{{{ for a brace")
            })?;
            let name = &tail[1..end];
            let value = values
                .get(name)
                .ok_or_else(|| format!("`{element}` names `{name}`, which is not an argument"))?;
            out.push_str(&put(name, value));
            rest = &tail[end + 1..];
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// The argument names a template element uses; for checking a file.
///
/// # Errors
/// A sentence when a brace does not close.
pub fn placeholders(element: &str, args: &[Arg]) -> Result<(), String> {
    let values = args
        .iter()
        .map(|a| (a.name.clone(), String::new()))
        .collect();
    render(element, &values).map(|_| ())
}

/// An argv for people: JSON, everything outside printable ASCII escaped, so that nothing can look like something else.
#[must_use]
pub fn shown(argv: &[String]) -> String {
    let quoted: Vec<String> = argv
        .iter()
        .map(|a| format!("\"{}\"", a.escape_default()))
        .collect();
    format!("[{}]", quoted.join(", "))
}

#[cfg(test)]
mod tests;
