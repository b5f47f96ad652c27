//! Runbook actions: whether one is offered, and what exactly it would start.
//!
//! Values from labels are attacker-controlled and go through the same check as typed ones. One
//! template element becomes exactly one argument; nothing is split, expanded or interpreted.

use super::alert::Labels;
use super::directory::{Action, Arg, ArgKind};
use std::collections::BTreeMap;

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
    match action.matchers.iter().find(|m| !m.matches(labels)) {
        Some(m) => Err(format!(
            "`{}` needs {m}, which this incident's labels do not have.",
            action.id
        )),
        None => Ok(()),
    }
}

/// Checks the given arguments and renders the argv.
///
/// # Errors
/// A sentence naming the argument and the fix.
pub fn bind(
    action: &Action,
    given: &BTreeMap<String, String>,
    labels: &Labels,
) -> Result<Vec<String>, String> {
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
        values.insert(arg.name.as_str(), value(arg, given, labels)?);
    }
    action
        .argv
        .iter()
        .map(|element| render(element, &values))
        .collect()
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
        return Ok(cut.to_owned());
    }
    let value = given
        .get(name)
        .or(arg.default.as_ref())
        .ok_or_else(|| format!("`{name}` is missing: {}.", allowed(arg)))?;
    check(arg, value)?;
    Ok(value.clone())
}

/// What an argument allows, in words.
#[must_use]
pub fn allowed(arg: &Arg) -> String {
    match &arg.kind {
        ArgKind::Enum(values) => format!("one of {}", values.join(", ")),
        ArgKind::Int { min, max } => format!("a whole number from {min} to {max}"),
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
        ArgKind::Enum(values) => values.iter().any(|v| v == value),
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

/// Control characters, bidirectional overrides and zero-width characters: what looks different from what it is.
fn forbidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// Replaces `{name}` in one element; `{{` and `}}` are braces.
fn render(element: &str, values: &BTreeMap<&str, String>) -> Result<String, String> {
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
            out.push_str(
                values.get(name).ok_or_else(|| {
                    format!("`{element}` names `{name}`, which is not an argument")
                })?,
            );
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
        .map(|a| (a.name.as_str(), String::new()))
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
mod tests {
    use super::*;
    use crate::core::directory::ActionClass;
    use crate::core::matcher::whole;

    fn arg(name: &str, kind: ArgKind) -> Arg {
        Arg {
            name: name.to_owned(),
            help: String::new(),
            kind,
            default: None,
            from_label: None,
            strip_suffix: None,
        }
    }

    fn action(args: Vec<Arg>, argv: &[&str]) -> Action {
        Action {
            id: "a".to_owned(),
            title: "A".to_owned(),
            about: String::new(),
            class: ActionClass::Diagnostic,
            services: vec!["*".to_owned()],
            matchers: Vec::new(),
            args,
            argv: argv.iter().map(|s| (*s).to_owned()).collect(),
            cwd: None,
            env: BTreeMap::new(),
            timeout_ms: 1000,
            kill_grace_ms: 1000,
            output_bytes: 1000,
            success: vec![0],
            approvals: 0,
            roles: Vec::new(),
            approval_ttl_ms: 1000,
            digest: String::new(),
        }
    }

    fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn one_template_element_stays_one_argument_whatever_the_value() {
        let text = ArgKind::Text {
            regex: whole(".*").unwrap(),
            max_len: 100,
        };
        let a = action(
            vec![arg("host", text)],
            &["/bin/x", "--host={host}", "{{literal}}"],
        );
        let argv = bind(
            &a,
            &given(&[("host", "a; rm -rf / $(id) 'q' \"d\"")]),
            &Labels::new(),
        )
        .unwrap();
        assert_eq!(
            argv,
            ["/bin/x", "--host=a; rm -rf / $(id) 'q' \"d\"", "{literal}"]
        );
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_remedy() {
        let host = arg(
            "host",
            ArgKind::Text {
                regex: whole("web-[0-9]{1,3}").unwrap(),
                max_len: 20,
            },
        );
        let n = arg("n", ArgKind::Int { min: 0, max: 10 });
        let mode = arg(
            "mode",
            ArgKind::Enum(vec!["soft".to_owned(), "hard".to_owned()]),
        );
        let a = action(vec![host, n, mode], &["/bin/x", "{host}", "{n}", "{mode}"]);
        let ok = [("host", "web-1"), ("n", "3"), ("mode", "soft")];
        assert_eq!(bind(&a, &given(&ok), &Labels::new()).unwrap().len(), 4);
        for (name, bad) in [
            ("host", "web-1; id"),
            ("host", "web-1\n"),
            ("host", "-web"),
            ("host", "we\u{202E}b-1"),
            ("host", "web-1\0"),
            ("n", "11"),
            ("n", "+3"),
            ("n", "03"),
            ("n", "x"),
            ("mode", "HARD"),
            ("mode", ""),
        ] {
            let mut args = given(&ok);
            args.insert(name.to_owned(), bad.to_owned());
            let why = bind(&a, &args, &Labels::new()).unwrap_err();
            assert!(why.contains(&format!("`{name}`")), "{name}={bad:?}: {why}");
        }
        assert!(
            bind(
                &a,
                &given(&[("host", "web-1"), ("n", "3"), ("mode", "soft"), ("x", "1")]),
                &Labels::new()
            )
            .is_err()
        );
    }

    #[test]
    fn a_label_value_is_checked_like_a_typed_one_and_cannot_be_overridden() {
        let mut host = arg(
            "host",
            ArgKind::Text {
                regex: whole("web-[0-9]+").unwrap(),
                max_len: 20,
            },
        );
        host.from_label = Some("instance".to_owned());
        host.strip_suffix = Some(":9100".to_owned());
        let a = action(vec![host], &["/bin/x", "{host}"]);
        let labels = |v: &str| Labels::from([("instance".to_owned(), v.to_owned())]);
        assert_eq!(
            bind(&a, &given(&[]), &labels("web-7:9100")).unwrap()[1],
            "web-7"
        );
        assert!(
            bind(&a, &given(&[]), &labels("$(id):9100"))
                .unwrap_err()
                .starts_with("cannot offer: label `instance`")
        );
        assert!(bind(&a, &given(&[("host", "web-8")]), &labels("web-7:9100")).is_err());
    }

    #[test]
    fn an_argv_is_shown_without_disguises() {
        assert_eq!(
            shown(&["/bin/x".to_owned(), "a\u{202E}b\"".to_owned()]),
            r#"["/bin/x", "a\u{202e}b\""]"#
        );
    }
}
