//! What only shows when every action has been read: an action that is to undo another must be
//! there, be switched on, and take the arguments it is given.

use super::super::reader::nearest;
use super::super::{ActionFile, Fault};
use crate::core::action::{bind, undo, value};
use crate::core::alert::Labels;
use crate::core::directory::{Action, Arg, ArgKind, Rollback};
use std::collections::BTreeMap;

/// Checks every `[rollback]`, and that the samples bind.
pub(in crate::config) fn after(files: &mut [ActionFile]) {
    // An action that is switched off takes those along that rely on it to undo them.
    loop {
        let found = files
            .iter()
            .enumerate()
            .filter(|(_, file)| file.faults.is_empty())
            .find_map(|(i, file)| match broken(file, files)? {
                // Said enough: it is off here already.
                Broken::Absent(..) if !file.absent.is_empty() => None,
                broken => Some((i, broken)),
            });
        let Some((i, broken)) = found else {
            break;
        };
        let file = &mut files[i];
        let (what, fix, absent) = match broken {
            Broken::Fault(what, fix) => (what, fix, false),
            Broken::Absent(what, fix) => (what, fix, true),
        };
        let fault = Fault {
            path: file.path.clone(),
            line: file.lines.0,
            what,
            fix,
        };
        if absent {
            file.absent.push(fault);
        } else {
            file.faults.push(fault);
        }
    }
    super::check::checks(files);
    for file in files.iter_mut() {
        samples(file);
    }
}

/// A sample that does not bind is no reason to switch an action off: inventories change.
fn samples(file: &mut ActionFile) {
    let Some(action) = &file.action else {
        return;
    };
    for sample in &file.samples {
        if let Err(why) = bind(action, &sample.args, &sample.labels) {
            file.warnings.push(Fault {
                path: file.path.clone(),
                line: sample.line,
                what: format!("the action {} does not take this sample: {why}", file.id),
                fix: "correct the labels or args of the [[sample]], or what the argument allows"
                    .to_owned(),
            });
        }
    }
}

/// Why a rollback would not work.
enum Broken {
    Fault(String, String),
    Absent(String, String),
}

fn broken(file: &ActionFile, all: &[ActionFile]) -> Option<Broken> {
    let action = file.action.as_ref()?;
    let rollback = action.rollback.as_ref()?;
    let id = &rollback.action;
    let Some(target) = all.iter().find(|f| f.id == *id) else {
        let ids = all.iter().map(|f| f.id.as_str());
        let fix = nearest(id, ids).map_or_else(
            || format!("create actions/{id}.toml, or name another action"),
            |near| format!("did you mean `{near}`?"),
        );
        let what = format!("[rollback] names the action {id:?}, which does not exist");
        return Some(Broken::Fault(what, fix));
    };
    if !target.faults.is_empty() || target.action.is_none() {
        return Some(Broken::Fault(
            format!("the action {id}, which undoes it, is disabled"),
            format!("correct actions/{id}.toml"),
        ));
    }
    if !target.absent.is_empty() {
        return Some(Broken::Absent(
            format!("the action {id}, which undoes it, is off on this machine"),
            "install its program; remove both files if this machine is not meant to do this"
                .to_owned(),
        ));
    }
    let why = mismatch(file, action, rollback, target.action.as_ref()?)?;
    let fix = format!("write args = {{ name = \"{{argument}}\" }} so that {id} takes it");
    Some(Broken::Fault(why, fix))
}

/// The first argument of a rollback that its action would refuse.
fn mismatch(file: &ActionFile, from: &Action, rollback: &Rollback, to: &Action) -> Option<String> {
    let id = &to.id;
    for name in rollback.args.keys() {
        if !to.args.iter().any(|a| a.name == *name) {
            return Some(format!(
                "[rollback] gives `{name}`, which {id} does not take"
            ));
        }
    }
    let given = |arg: &Arg| rollback.args.contains_key(&arg.name);
    let needed = |arg: &&Arg| arg.default.is_none() && arg.from_label.is_none() && !given(arg);
    if let Some(arg) = to.args.iter().find(needed) {
        return Some(format!(
            "[rollback] does not give `{}`, which {id} needs",
            arg.name
        ));
    }
    examples(file, from)
        .into_iter()
        .find_map(|values| refused(rollback, to, &values))
}

/// The reason one set of values would be refused.
fn refused(rollback: &Rollback, to: &Action, values: &BTreeMap<String, String>) -> Option<String> {
    let given = match undo(rollback, values) {
        Ok(given) => given,
        Err(why) => return Some(format!("[rollback]: {why}")),
    };
    to.args
        .iter()
        .filter(|a| given.contains_key(&a.name))
        .find_map(|a| {
            // What comes from a label is given too, and must be the same; that shows at the time.
            let plain = Arg {
                from_label: None,
                ..a.clone()
            };
            let why = value(&plain, &given, &Labels::new()).err()?;
            Some(format!("[rollback] would be refused by {}: {why}", to.id))
        })
}

/// Values the arguments of an action may have: those of its samples, and the ends of what can be
/// listed. An argument of which nothing is known keeps the action from being tried.
fn examples(file: &ActionFile, from: &Action) -> Vec<BTreeMap<String, String>> {
    let bound = |s: &super::Sample| bind(from, &s.args, &s.labels).ok();
    let mut sets: Vec<_> = file
        .samples
        .iter()
        .filter_map(bound)
        .map(|p| p.args)
        .collect();
    let mut base = BTreeMap::new();
    for arg in &from.args {
        let first = ends(&arg.kind).into_iter().next().or(arg.default.clone());
        let Some(first) = first else {
            return sets;
        };
        base.insert(arg.name.clone(), first);
    }
    for arg in &from.args {
        for end in ends(&arg.kind) {
            let mut set = base.clone();
            set.insert(arg.name.clone(), end);
            sets.push(set);
        }
    }
    sets.push(base);
    sets
}

/// Values at the ends of what an argument allows; text has none.
fn ends(kind: &ArgKind) -> Vec<String> {
    match kind {
        ArgKind::Int { min, max } => vec![min.to_string(), max.to_string()],
        ArgKind::Duration { min_secs, max_secs } => {
            vec![min_secs.to_string(), max_secs.to_string()]
        }
        other => other.choices().unwrap_or_default(),
    }
}
