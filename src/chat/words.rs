//! All other words firebell says: short, calm, no blame; what happened and what to do next.
//!
//! Refusals speak for themselves (`Display` of `Refusal`), events through `core::timeline`.

mod conduct;
mod oncall;

pub use conduct::{
    brief, checklists, concerning, doing, responders, role_brief, roles, task_line, tasks,
};
pub use oncall::{on_call, shifts};

use super::grammar::Listed;
use super::surface::{Leaf, Needs, Tree, Who};
use crate::core::directory::{Action, Directory};
use crate::core::id::{IncidentId, RunId};
use crate::core::incident::{DRILL, Incident, Run, RunState, Status, headline};
use crate::core::text::{self, cut};
use crate::core::time::Time;
use crate::core::timeline;
use crate::core::verdict;
use crate::store::IncidentRow;
use chrono_tz::Tz;

/// What a phone shows of a notification before it is unlocked.
const PAGE_CHARS: usize = 178;

/// The text of a page: what and where first, then why this person, within a lock screen.
#[must_use]
pub fn page_text(incident: &Incident, directory: &Directory, why: &str) -> String {
    let place = incident
        .service
        .as_ref()
        .map_or(String::new(), |s| format!(" [{s}]"));
    let severity = directory.severity_name(incident.severity);
    let drill = if incident.nature.drill {
        format!("{DRILL} ")
    } else {
        String::new()
    };
    let head = format!("{drill}{severity} {}{place} ", incident.id);
    let tail = if why.is_empty() {
        String::new()
    } else {
        format!(". {}", cut(why, PAGE_CHARS / 3))
    };
    // The title gives way first: number, place and reason are what one acts on.
    let room = PAGE_CHARS.saturating_sub(head.chars().count() + tail.chars().count());
    cut(
        &format!("{head}{}{tail}", cut(&incident.title, room.max(20))),
        PAGE_CHARS,
    )
}

/// Answer to `new`.
#[must_use]
pub fn opened(incident: &Incident, directory: &Directory) -> String {
    let paging = if incident.ladder.rungs.is_empty() {
        "Nobody is paged by it: `page` somebody if you need help.".to_owned()
    } else {
        format!("Policy {} was started.", incident.ladder.policy)
    };
    let nature = match incident.nature.words() {
        words if words.is_empty() => words,
        words => format!(" It is {words}."),
    };
    format!(
        "{} is open as {}: {}.{nature} {paging}",
        incident.id,
        directory.severity_name(incident.severity),
        incident.headline()
    )
}

/// Answer to `page`.
#[must_use]
pub fn paged(incident: &Incident, directory: &Directory, whom: &str) -> String {
    let people: Vec<String> = incident
        .paged
        .keys()
        .map(|id| directory.person_name(id))
        .collect();
    if people.is_empty() {
        return format!(
            "{}: nobody could be paged for {whom} yet; the timeline says why and what comes next.",
            incident.id
        );
    }
    format!(
        "{}: paged {whom}. So far: {}.",
        incident.id,
        text::list(&people)
    )
}

/// Answer to `resolve`.
#[must_use]
pub fn resolved(incident: &Incident) -> String {
    let firing = match incident.firing.len() {
        0 => String::new(),
        n => format!(
            " {} in it still: should one fire anew, that is a new incident.",
            if n == 1 {
                "1 alert fires".to_owned()
            } else {
                format!("{n} alerts fire")
            }
        ),
    };
    let open = incident.open_parts();
    let parts = match open.as_slice() {
        [] => String::new(),
        parts => {
            let numbers: Vec<String> = parts.iter().map(|id| id.0.to_string()).collect();
            let names: Vec<String> = parts.iter().map(ToString::to_string).collect();
            format!(
                " Still open and a part of it: {}. `resolve {}` ends that too.",
                text::list(&names),
                numbers.join(" ")
            )
        }
    };
    format!(
        "{} is resolved.{firing}{parts} `postmortem {0}` drafts the postmortem.",
        incident.id
    )
}

/// Answer to `run`.
#[must_use]
pub fn run_asked(
    id: RunId,
    incident: &Incident,
    run: &Run,
    directory: &Directory,
    now: Time,
) -> String {
    let next = match run.needs {
        _ if run.unrehearsed() => {
            "It is rehearsed in its only-look mode first; then it waits for approval.".to_owned()
        }
        0 if run.terms.break_glass => {
            format!(
                "It passes over its approval and everybody is told. Confirm it with the button or `approve {id}`."
            )
        }
        0 => format!("Confirm it with the button or `approve {id}`."),
        _ => format!(
            "It needs {}: the button, or `approve {id}`.",
            verdict::wanting(incident, run, directory, now)
        ),
    };
    format!(
        "{id} “{}” will start exactly {}. {next}",
        run.title,
        crate::core::action::shown(&run.argv)
    )
}

/// Answer to `approve`.
#[must_use]
pub fn approved(
    id: RunId,
    incident: &Incident,
    run: &Run,
    directory: &Directory,
    now: Time,
) -> String {
    match &run.state {
        RunState::Queued { .. } => format!(
            "{id} “{}” waits for its turn: another run holds what it needs. The timeline says which.",
            run.title
        ),
        RunState::Asked { .. } => format!(
            "{id}: thank you. It still needs {}.",
            verdict::wanting(incident, run, directory, now)
        ),
        _ => format!("{id} “{}” was released to start.", run.title),
    }
}

/// Why `approve` or `reject` needs a number.
#[must_use]
pub fn which_run(incident: &Incident) -> String {
    let waiting: Vec<String> = incident
        .waiting_runs()
        .map(|(id, r)| format!("{id} “{}”", r.title))
        .collect();
    match waiting.len() {
        0 => format!("No run of {} waits.", incident.id),
        _ => format!("Several runs wait: {}. Say which.", text::list(&waiting)),
    }
}

/// An action whose button needs values first.
#[must_use]
pub fn needs_values(id: IncidentId, action: &Action) -> String {
    let args: Vec<String> = action
        .args
        .iter()
        .filter(|a| a.from_label.is_none())
        .map(|a| format!("{}=… ({})", a.name, crate::core::action::allowed(a)))
        .collect();
    format!(
        "“{}” needs values: `run {id} {} name=value`, with {}.",
        action.title,
        action.id,
        text::list(&args)
    )
}

/// Answer to `list`.
#[must_use]
pub fn list(rows: &[IncidentRow], total: i64, which: Listed, directory: &Directory) -> String {
    if rows.is_empty() {
        return match which {
            Listed::Open => "There is no open incident.",
            Listed::All => "There is no incident.",
            Listed::Drills => "There was no drill.",
        }
        .to_owned();
    }
    let mut lines: Vec<String> = rows.iter().map(|r| row(r, directory)).collect();
    let hidden = total - i64::try_from(rows.len()).unwrap_or(i64::MAX);
    if hidden > 0 {
        lines.push(format!("and {hidden} more, on the console."));
    }
    lines.join("\n")
}

fn row(row: &IncidentRow, directory: &Directory) -> String {
    let severity = directory.severity_name(crate::core::id::Severity(row.severity));
    let who = row
        .acked_by
        .as_ref()
        .filter(|_| row.status == Status::Acknowledged.word())
        .map_or(String::new(), |by| format!(" by {by}"));
    let place = row
        .service
        .as_ref()
        .map_or(String::new(), |s| format!(" [{s}]"));
    let zone = Some(directory.zone.unwrap_or(Tz::UTC));
    let kind = row.type_id.as_ref().map(|id| {
        let known = directory.types.iter().find(|t| t.id == *id);
        known.map_or(id.as_str(), |t| t.name.as_str())
    });
    let private = row.private.then_some("private");
    let marks: Vec<&str> = [kind, private].into_iter().flatten().collect();
    let marks = match marks.as_slice() {
        [] => String::new(),
        marks => format!(" ({})", marks.join(", ")),
    };
    format!(
        "{} {severity} {}{who}{place}: {}{marks} (since {})",
        row.id,
        row.status,
        headline(&row.title, row.drill),
        timeline::format(row.began_at, zone, "%-d %b %H:%M %Z")
    )
}

/// Answer to `help`.
#[must_use]
pub fn help(tree: &Tree) -> String {
    let mut lines = vec!["What I understand, with or without `/` in front:".to_owned()];
    lines.extend(
        tree.commands
            .iter()
            .map(|c| format!("{}: {}", c.usage(), c.help)),
    );
    lines.push(
        "`help VERB` tells more. In an incident's room its number may be left out.".to_owned(),
    );
    lines.join("\n")
}

/// Answer to `help VERB`.
#[must_use]
pub fn help_verb(leaf: &Leaf) -> String {
    let mut lines = vec![format!("{}: {}", leaf.usage(), leaf.help)];
    for arg in &leaf.args {
        lines.push(format!("  {}: {}", arg.name, arg.help));
    }
    if leaf.incident == Needs::Required {
        lines.push("  #42: the incident; may be left out in its room.".to_owned());
    }
    if leaf.who == Who::Linked {
        lines.push("Only people of the directory, with the action's role.".to_owned());
    }
    if !leaf.aliases.is_empty() {
        lines.push(format!("Also: {}.", leaf.aliases.join(", ")));
    }
    lines.push(format!("For example: {}", leaf.example));
    lines.join("\n")
}
