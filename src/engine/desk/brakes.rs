//! Keys and switches at the desk: who is let go when a key comes free, and what runs by itself.
//!
//! Races it knows: two presses for one key come one after the other, because the desk decides alone;
//! a run that is released in this batch holds its key for the next decision of the same batch; what
//! is turned off is off for every decision after it, committed or not.

use super::Desk;
use crate::core::audit::{Fact, ordered};
use crate::core::brakes::{Moved, Off, Switches};
use crate::core::id::{Actor, IncidentId, RunId};
use crate::core::incident::{Command, Refusal};
use crate::engine::draft::{Draft, every_channel};
use crate::engine::memory::Memory;
use crate::engine::{AutomationAct, Failure};
use crate::store::{LatchRow, NoticeRow, SwitchedRow};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Draft {
    /// Lets go whoever waits for a key that is free now, longest wait first.
    pub(in crate::engine) fn pump(&mut self, memory: &mut Memory) {
        if self.is_pumping() {
            return;
        }
        self.set_pumping(true);
        for run in memory.brakes.sweep(self.now) {
            self.keep_latch(memory, run);
        }
        let mut stuck = BTreeSet::new();
        while let Some((id, run)) = next(memory, self.now, &stuck) {
            let refused = self.apply(memory, "lock", id, Command::ReleaseRun { run });
            if let Err(refusal) = refused {
                stuck.insert(run);
                if refusal != Refusal::NotYet {
                    // Cannot be: it stands in the line because its journal says so.
                    tracing::error!(incident.id = id.0, %run, %refusal, "a run that waits was refused");
                    memory.brakes.drop_waiting(run);
                    self.keep_latch(memory, run);
                }
            }
        }
        self.set_pumping(false);
    }

    /// Writes what a fact changed.
    pub(in crate::engine) fn keep_brakes(&mut self, memory: &Memory, moved: Moved) {
        if let Some(run) = moved.latch {
            self.keep_latch(memory, run);
        }
        if let Some(name) = moved.switch {
            self.keep_switch(memory, &name);
        }
    }

    fn keep_latch(&mut self, memory: &Memory, run: RunId) {
        if let Some(latch) = memory.brakes.latch(run) {
            // The desk's epoch is put in when the batch is sealed.
            let row = LatchRow {
                latch: latch.clone(),
                epoch: 0,
            };
            self.changes.latches.insert(run, row);
        }
    }

    fn keep_switch(&mut self, memory: &Memory, name: &str) {
        if let Some(switch) = memory.brakes.switches.get(name) {
            let row = (switch.clone(), self.now);
            self.changes.switches.insert(name.to_owned(), row);
            self.switched = true;
        }
    }
}

fn next(
    memory: &Memory,
    now: crate::core::time::Time,
    stuck: &BTreeSet<RunId>,
) -> Option<(IncidentId, RunId)> {
    let mut ready = memory.brakes.ready(now).into_iter();
    ready.find(|(_, run)| !stuck.contains(run))
}

impl Desk {
    /// Turns something off or on; answers in words.
    pub(super) fn automate(
        &mut self,
        draft: &mut Draft,
        act: AutomationAct,
    ) -> Result<String, Failure> {
        let Some(memory) = &mut self.memory else {
            return Err(Failure::Unavailable("restarting".to_owned()));
        };
        let AutomationAct {
            cause,
            by,
            action,
            on,
            why,
        } = act;
        let zone = draft.directory.zone;
        let what = match &action {
            None => "Automation".to_owned(),
            Some(id) => format!("Automation of `{id}`"),
        };
        let name = Switches::name(action.as_deref());
        let mut switch = memory
            .brakes
            .switches
            .get(&name)
            .cloned()
            .unwrap_or_default();
        let tripped = switch.off.as_ref().is_some_and(|o| o.by == Actor::Firebell);
        may(draft, &by, action.as_deref(), on, tripped)?;
        match (&switch.off, on) {
            (None, true) => return Ok(format!("{what} is on.")),
            (Some(off), false) => return Ok(format!("{what} is {}.", off.words(zone))),
            (Some(_), true) => {
                (switch.off, switch.failures) = (None, 0);
            }
            (None, false) => {
                switch.off = Some(Off {
                    by: by.clone(),
                    at: draft.now,
                    why: why.trim().to_owned(),
                });
            }
        }
        Arc::make_mut(&mut memory.brakes.switches).set(name.clone(), switch.clone());
        draft.keep_switch(memory, &name);
        draft.changes.switch_log.push(SwitchedRow {
            cause: cause.clone(),
            name,
            at: draft.now,
            switch: switch.clone(),
            by: by.name().to_owned(),
        });
        let said = match &switch.off {
            None => format!("{what} is ON again, turned on by {}.", by.name()),
            Some(off) => format!(
                "{what} is {}. Nothing of it starts by itself until somebody turns it on.",
                off.words(zone).replacen("off", "OFF", 1)
            ),
        };
        draft.changes.facts.push(Fact {
            kind: "automation".to_owned(),
            by: by.clone(),
            incident: None,
            run: None,
            action: action.clone().unwrap_or_default(),
            text: said.clone(),
            detail: ordered(serde_json::json!({"on": on, "why": why.trim()})),
        });
        if let Some(off) = &switch.off {
            let why = format!("automation is {}", off.words(zone));
            let open: Vec<IncidentId> = memory.incidents.all().map(|(id, _)| id).collect();
            for id in open {
                let command = Command::Disarm {
                    action: action.clone(),
                    why: why.clone(),
                };
                // A refusal means that nothing of it would start there.
                let _ = draft.apply(memory, &cause, id, command);
            }
        }
        say_everywhere(draft, &cause, &said);
        Ok(said)
    }
}

/// People of the directory and programs with a token may; what failed by itself is turned on again
/// by a person.
fn may(
    draft: &Draft,
    by: &Actor,
    action: Option<&str>,
    on: bool,
    tripped: bool,
) -> Result<(), Refusal> {
    let actions = &draft.directory.actions;
    if let Some(id) = action.filter(|id| !actions.contains_key(*id)) {
        return Err(Refusal::Invalid {
            why: format!("There is no action `{id}`."),
        });
    }
    let known = by
        .person()
        .is_some_and(|id| draft.directory.people.contains_key(id));
    if known || matches!(by, Actor::Token { .. }) && !(on && tripped) {
        return Ok(());
    }
    Err(Refusal::Forbidden {
        why: if on && tripped {
            "It failed by itself, so a person of the directory has to turn it on again.".to_owned()
        } else {
            "Turning automation on or off needs a person of the directory; `link` your account first."
                .to_owned()
        },
    })
}

/// A line for every channel on every platform.
fn say_everywhere(draft: &mut Draft, cause: &str, text: &str) {
    let directory = draft.directory.clone();
    for platform in &directory.platforms {
        for channel in every_channel(&directory) {
            let channel = channel.trim_start_matches("channel:");
            let row = NoticeRow {
                key: format!("automation:{cause}:{platform}:{channel}"),
                platform: platform.clone(),
                channel: channel.to_owned(),
                text: text.to_owned(),
                state: "waiting".to_owned(),
                attempts: 0,
                due_at: draft.now,
                created_at: draft.now,
                error: String::new(),
            };
            draft.changes.notices.insert(row.key.clone(), row.clone());
            draft.notices.push(row);
        }
    }
}
