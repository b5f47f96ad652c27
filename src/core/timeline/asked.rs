//! What is asked for, in a sentence: what runs, where, how much can go wrong and who has to agree.

use super::Names;
use crate::core::action;
use crate::core::incident::{Event, Terms};
use crate::core::text::count;
use crate::core::verdict::needs_words;

/// Somebody wants to run an action.
pub(super) fn run_asked(event: &Event, names: &Names) -> String {
    let Event::RunAsked {
        run,
        action,
        title,
        argv,
        by,
        needs,
        expires,
        terms,
        ..
    } = event
    else {
        return String::new();
    };
    if terms.dry {
        return format!(
            "{} asked for a dry run, {run} “{title}” ({action}): {}{}. It only looks.",
            by.name(),
            action::shown(argv),
            bearing(terms)
        );
    }
    if let (Some(checked), 0) = (terms.checks, needs) {
        return format!(
            "{} looks how {checked} went, with {run} “{title}” ({action}): {}{}.",
            by.name(),
            action::shown(argv),
            bearing(terms)
        );
    }
    let needs = match needs {
        _ if terms.rehearse => "It is rehearsed first and waits".to_owned(),
        0 => "It waits for a confirmation".to_owned(),
        n if terms.required.is_empty() => format!(
            "It waits for {} by somebody else",
            count(usize::from(*n), "approval")
        ),
        _ => format!(
            "It waits for {}",
            needs_words(&terms.required, terms.four_eyes)
        ),
    };
    let why = terms
        .reason
        .as_ref()
        .map_or(String::new(), |why| format!(" Why: “{why}”."));
    let asked = if terms.break_glass {
        "BREAKS THE GLASS: past its approval, asked for"
    } else {
        "asked for"
    };
    format!(
        "{} {asked} {run} “{title}” ({action}): {}{}.{why} {needs} until {}.",
        by.name(),
        action::shown(argv),
        bearing(terms),
        names.time(*expires)
    )
}

/// Where a run would happen and how much can go wrong: ` on this machine in prod, remediation of high risk`.
fn bearing(terms: &Terms) -> String {
    let target = match terms.target.as_str() {
        "" => String::new(),
        target => format!(" on {target}"),
    };
    let environment = terms
        .environment
        .as_ref()
        .map_or(String::new(), |e| format!(" in {e}"));
    let class = match (terms.class, terms.risk) {
        (Some(class), Some(risk)) => format!(", {} of {} risk", class.word(), risk.word()),
        _ => String::new(),
    };
    format!("{target}{environment}{class}")
}
