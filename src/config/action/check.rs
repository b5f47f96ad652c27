//! `check = "ACTION"`: what shows how a run went whose outcome nobody knows. It is pressed while the
//! run's keys are still held and nobody may be near, so it has to be a plain look at the same target.

use super::super::reader::nearest;
use super::super::{ActionFile, Fault};
use crate::core::directory::{Action, ActionClass};
use std::sync::Arc;

/// Checks every `check`; a wrong one disables its action.
pub(super) fn checks(files: &mut [ActionFile]) {
    let found: Vec<_> = files
        .iter()
        .enumerate()
        .filter(|(_, file)| file.faults.is_empty())
        .filter_map(|(i, file)| Some((i, wrong(file, files)?)))
        .collect();
    for (i, wrong) in found {
        let file = &mut files[i];
        let fault = |what, fix| Fault {
            path: file.path.clone(),
            line: file.lines.1,
            what,
            fix,
        };
        match wrong {
            Wrong::Fault(what, fix) => {
                let fault = fault(what, fix);
                file.faults.push(fault);
            }
            Wrong::Off(what, fix) => {
                let fault = fault(what, fix);
                file.warnings.push(fault);
            }
        }
    }
}

/// What is wrong with a check.
enum Wrong {
    /// It can never work.
    Fault(String, String),
    /// It would, if its action were on; its button is not shown.
    Off(String, String),
}

fn wrong(file: &ActionFile, all: &[ActionFile]) -> Option<Wrong> {
    let action = file.action.as_ref()?;
    let id = action.check.as_ref()?;
    let Some(target) = all.iter().find(|f| f.id == *id) else {
        let ids = all.iter().map(|f| f.id.as_str());
        let fix = nearest(id, ids).map_or_else(
            || format!("create actions/{id}.toml, or name another action"),
            |near| format!("did you mean `{near}`?"),
        );
        let what = format!("`check` names the action {id:?}, which does not exist");
        return Some(Wrong::Fault(what, fix));
    };
    let Some(check) = target.action.as_ref().filter(|_| target.faults.is_empty()) else {
        return Some(Wrong::Off(
            format!("the action {id}, which checks it, is disabled, so no button offers it"),
            format!("correct actions/{id}.toml"),
        ));
    };
    unfit(action, check).map(|(what, fix)| Wrong::Fault(format!("`check` names {id}, {what}"), fix))
}

/// Why one action is no check of another, and what to do.
fn unfit(action: &Arc<Action>, check: &Arc<Action>) -> Option<(String, String)> {
    let no = |what: &str, fix: &str| Some((what.to_owned(), fix.to_owned()));
    if check.class != ActionClass::Diagnostic {
        return no(
            "which changes something",
            "name a diagnostic: a check only looks",
        );
    }
    if !check.how.beside(&action.how) {
        return no(
            "which looks somewhere else than this action works",
            "name a diagnostic of the same kind with the same server, host or namespace",
        );
    }
    if check.approvals() > 0 {
        return no(
            "which somebody has to approve",
            "name a diagnostic without [approval] count: whoever settles the run has to look first",
        );
    }
    if !check.lock.keys.is_empty() {
        return no(
            "which needs a key, and the run whose outcome is unknown holds its own",
            "name a diagnostic without [lock] key",
        );
    }
    let wide = check.services.iter().any(|s| s == "*")
        || action.services.iter().all(|s| check.services.contains(s));
    let everywhere = check.environments.is_empty()
        || !action.environments.is_empty()
            && action
                .environments
                .iter()
                .all(|e| check.environments.contains(e));
    if !wide || !everywhere {
        return no(
            "which is not offered on every incident this action is offered on",
            "give it at least the `services` and `environments` of this action",
        );
    }
    let named = |name: &str| action.args.iter().any(|a| a.name == name);
    let missing = check
        .args
        .iter()
        .find(|a| a.default.is_none() && a.from_label.is_none() && !named(&a.name))?;
    Some((
        format!(
            "which needs `{}`, and this action has no argument of that name",
            missing.name
        ),
        "call the argument the same in both files, or give it a default there".to_owned(),
    ))
}
