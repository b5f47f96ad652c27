//! What a card offers: its buttons, and the runs it shows.

use super::View;
use crate::chat::{Button, Press, Style};
use crate::core::directory::{Action, ActionClass, AutoLevel, COMMANDER};
use crate::core::explain::edited;
use crate::core::id::{Actor, RunId};
use crate::core::incident::{Outcome, Run, RunState, Status};
use crate::core::text::{count, cut};
use crate::core::{action, automation, timeline, verdict};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Action buttons on one card; with the others they stay below Slack's 25 elements of a block.
const ACTION_BUTTONS: usize = 8;
/// Waiting runs with buttons on one card.
const RUN_BUTTONS: usize = 4;
/// Characters of a button's label that every platform shows.
const LABEL_CHARS: usize = 75;
/// Suggestions on one card.
const SUGGESTIONS: usize = 2;
/// Runs that are over and still shown.
const RUN_LINES: usize = 3;
/// What the snooze button means: long enough to work in peace, short enough not to be forgotten.
const SNOOZE_MS: i64 = 30 * 60_000;
impl View<'_> {
    pub(super) fn lines(&self) -> Vec<String> {
        let runs = &self.incident.runs;
        let waiting = |r: &Run| matches!(r.state, RunState::Asked { .. });
        let mut lines: Vec<String> = runs
            .iter()
            .rev()
            .filter(|(_, r)| waiting(r))
            .map(|(id, run)| self.waiting_line(*id, run))
            .collect();
        let over: Vec<_> = runs.iter().rev().filter(|(_, r)| !waiting(r)).collect();
        // An unknown outcome stays on the card however many runs follow it.
        let shout = |r: &Run| {
            matches!(r.state, RunState::Ended(Outcome::Unknown { .. })) && r.settled.is_none()
        };
        let (shown, hidden): (Vec<_>, Vec<_>) = over
            .iter()
            .enumerate()
            .partition(|(n, (_, r))| *n < RUN_LINES || shout(r));
        lines.extend(shown.iter().map(|(_, (id, r))| self.over_line(**id, r)));
        if !hidden.is_empty() {
            lines.push(format!(
                "{} earlier, on the timeline.",
                count(hidden.len(), "run")
            ));
        }
        if self.incident.is_open() {
            let found = self
                .directory
                .learned
                .suggestions(self.directory, self.incident);
            let untried = found.iter().filter(|(a, _)| !self.ran_already(&a.id));
            lines.extend(
                untried
                    .take(SUGGESTIONS)
                    .map(|(a, evidence)| format!("{} Run it?", evidence.words(&a.id))),
            );
        }
        let unoffered = self.offered().len().saturating_sub(ACTION_BUTTONS);
        if unoffered > 0 && self.incident.is_open() {
            lines.push(format!(
                "{} without a button: write `run` for the list.",
                count(unoffered, "more action")
            ));
        }
        lines
    }

    fn waiting_line(&self, id: RunId, run: &Run) -> String {
        let RunState::Asked { expires } = run.state else {
            return String::new();
        };
        let needs = if run.unrehearsed() {
            "its rehearsal".to_owned()
        } else {
            verdict::wanting(self.incident, run, self.directory, self.now)
        };
        let mut line = format!(
            "{id} “{}”, asked for by {}, waits for {needs} until {}: {}",
            run.title,
            run.by.name(),
            self.clock(expires),
            action::shown(&run.argv)
        );
        let terms = &run.terms;
        if terms.class == Some(ActionClass::Remediation) {
            let environment = terms
                .environment
                .as_deref()
                .unwrap_or("no environment named");
            let risk = terms.risk.unwrap_or_default().word();
            line = format!("{line} on {}, {environment}, {risk} risk", terms.target);
        }
        if terms.break_glass {
            line = format!("BREAK GLASS: {line}");
        }
        if let Some(why) = &terms.reason {
            line = format!("{line}. Why: “{why}”");
        }
        if let Some((how, tail)) = &run.rehearsed {
            let last = tail.lines().last().unwrap_or("it wrote nothing");
            line = format!(
                "{line}. Only looking, it {}: {last}",
                timeline::outcome(how)
            );
        }
        if !run.approved.is_empty() {
            let by: Vec<&str> = run.approved.iter().map(Actor::name).collect();
            line = format!("{line}. Approved by {}", crate::core::text::list(&by));
        }
        line
    }

    /// Whether it was started here, or is about to be.
    fn ran_already(&self, action: &str) -> bool {
        self.incident.runs.values().any(|r| r.action == action)
    }

    fn over_line(&self, id: RunId, run: &Run) -> String {
        let how = match &run.state {
            RunState::Armed { start } => format!(
                "starts by itself at {} unless somebody stops it",
                self.clock(*start)
            ),
            RunState::Ended(outcome) => match &run.settled {
                Some((by, true)) => format!("worked, says {}", by.name()),
                Some((by, false)) => format!("did not work, says {}", by.name()),
                None => timeline::outcome(outcome),
            },
            RunState::Running => match &run.cancel {
                Some(by) => format!("is being stopped by {}", by.name()),
                None => "is running".to_owned(),
            },
            RunState::Queued { until } => {
                format!("waits for its turn until {}", self.clock(*until))
            }
            RunState::Released => "is about to start".to_owned(),
            RunState::Asked { .. } => "waits".to_owned(),
        };
        format!("{id} “{}” by {}: {how}.", run.title, run.by.name())
    }

    pub(super) fn buttons(&self) -> Vec<Button> {
        let i = self.incident;
        let mut buttons = Vec::new();
        let mut plain = |label: &str, press| {
            buttons.push(Button {
                label: label.to_owned(),
                press,
                style: if buttons.is_empty() {
                    Style::Primary
                } else {
                    Style::Plain
                },
            });
        };
        match i.status {
            Status::Triggered => {
                plain("Acknowledge", Press::Acknowledge);
                plain("Resolve", Press::Resolve);
                plain("Escalate", Press::Escalate);
                plain("Snooze 30m", Press::Snooze { ms: SNOOZE_MS });
                if i.vacant().any(|(role, _)| role == COMMANDER) {
                    plain("Take the lead", Press::Lead);
                }
            }
            Status::Acknowledged => {
                plain("Resolve", Press::Resolve);
                plain("Escalate", Press::Escalate);
                plain("Snooze 30m", Press::Snooze { ms: SNOOZE_MS });
                plain("Take the lead", Press::Lead);
                plain("Give back", Press::Unacknowledge);
            }
            Status::Resolved => {
                plain("Postmortem", Press::Postmortem);
                let parts = i.open_parts().len();
                if parts > 0 {
                    let label = format!("Resolve {}", count(parts, "open part"));
                    plain(&label, Press::ResolveParts);
                }
                if i.merged_into.is_none() {
                    plain("Reopen", Press::Reopen);
                }
            }
        }
        if i.is_open() {
            if !i.major {
                plain("Declare major", Press::Promote);
            }
            plain("Note", Press::Note);
            plain("Update", Press::Update);
            if edited(i, self.directory).is_some() {
                plain("Use the edited policy", Press::Follow);
            }
            if !i.talk.trouble.is_empty() {
                plain("Retry the room", Press::RetryRooms);
            }
            buttons.extend(self.waiting_buttons());
            buttons.extend(self.under_way_buttons());
            let undo = self.undo_button();
            let room = ACTION_BUTTONS - usize::from(undo.is_some());
            buttons.extend(undo);
            let offered = self.offered();
            buttons.extend(offered.iter().take(room).map(|a| self.run_button(a)));
        }
        buttons
    }

    /// The newest run whose action names what undoes it, unless that was asked for.
    fn undo_button(&self) -> Option<Button> {
        let runs = &self.incident.runs;
        let undone = |id: &RunId| runs.values().any(|r| r.terms.undoes == Some(*id));
        let way = |r: &Run| {
            let action = self.directory.actions.get(&r.action);
            action.is_some_and(|a| a.rollback.is_some())
        };
        let ran = |r: &Run| matches!(&r.state, RunState::Ended(o) if !matches!(o, Outcome::NotStarted { .. }));
        let mut newest = runs.iter().rev();
        let (id, _) = newest.find(|(id, r)| ran(r) && way(r) && !undone(id))?;
        Some(Button {
            label: format!("Undo {id}"),
            press: Press::Undo { run: *id },
            style: Style::Danger,
        })
    }

    /// Nothing is folded away of what may still be going on.
    fn under_way_buttons(&self) -> Vec<Button> {
        let runs = self.incident.runs.iter().rev();
        let found = runs
            .map(|(id, run)| run_buttons(*id, run))
            .filter(|b| !b.is_empty());
        found.take(RUN_BUTTONS).flatten().collect()
    }

    fn waiting_buttons(&self) -> Vec<Button> {
        let waiting = self.incident.waiting_runs().rev().take(RUN_BUTTONS);
        waiting
            .flat_map(|(id, run)| {
                let verb = if run.needs == 0 { "Confirm" } else { "Approve" };
                let approve = Button {
                    label: format!("{verb} {id}"),
                    press: Press::Approve {
                        run: *id,
                        seen: run.terms.subject.clone(),
                    },
                    style: Style::Danger,
                };
                let reject = Button {
                    label: format!("Reject {id}"),
                    press: Press::Reject { run: *id },
                    style: Style::Plain,
                };
                let ready = !run.unrehearsed();
                [ready.then_some(approve), Some(reject)]
                    .into_iter()
                    .flatten()
            })
            .collect()
    }

    /// One click where the rules let it, with what it would run on; else the way to its form.
    fn run_button(&self, action: &Arc<Action>) -> Button {
        let style = match action.class {
            ActionClass::Diagnostic => Style::Plain,
            ActionClass::Remediation => Style::Danger,
        };
        let level = automation::level(self.directory, self.incident, action, self.now);
        let plan = action::bind(action, &BTreeMap::new(), &self.incident.labels());
        if let (true, Ok(plan)) = (level >= AutoLevel::OneClick, plan) {
            let args: Vec<&str> = plan.args.values().map(String::as_str).collect();
            let on = match args.as_slice() {
                [] => String::new(),
                some => format!(" ({})", some.join(", ")),
            };
            return Button {
                label: cut(&format!("Run now: {}{on}", action.title), LABEL_CHARS),
                press: Press::RunNow {
                    action: action.id.clone(),
                },
                style,
            };
        }
        Button {
            label: format!("Run: {}", action.title),
            press: Press::AskRun {
                action: action.id.clone(),
            },
            style,
        }
    }
}

/// What can be done about a run that is under way, or of which nobody knows how it went.
#[must_use]
pub fn run_buttons(id: RunId, run: &Run) -> Vec<Button> {
    let button = |label: String, press, style| Button {
        label,
        press,
        style,
    };
    match &run.state {
        RunState::Armed { .. }
        | RunState::Queued { .. }
        | RunState::Released
        | RunState::Running
            if run.cancel.is_none() =>
        {
            vec![button(
                format!("Stop {id}"),
                Press::Cancel { run: id },
                Style::Danger,
            )]
        }
        RunState::Ended(Outcome::Unknown { .. }) if run.settled.is_none() => {
            let settle = |good| Press::Settle { run: id, good };
            vec![
                button(format!("{id}: it worked"), settle(true), Style::Plain),
                button(
                    format!("{id}: it did not work"),
                    settle(false),
                    Style::Danger,
                ),
            ]
        }
        _ => Vec::new(),
    }
}
