//! Who led and helped in which role, what was decided, what was reported; and tasks as action items.

use super::parts::{Decision, ReportLine, RoleSpan, Stamp};
use super::written::{Item, Priority, Written};
use crate::core::directory::COMMANDER;
use crate::core::id::Actor;
use crate::core::incident::{Conduct, ConductEvent, Event, Origin, Record, Task};
use crate::core::time::Time;
use crate::core::timeline::{citation, happened_at};
use chrono::TimeZone;
use chrono_tz::Tz;

/// Who had which role from when until when, in the order they got it.
pub(super) fn roles(journal: &[Record], zone: Option<Tz>) -> Vec<RoleSpan> {
    let mut out: Vec<RoleSpan> = Vec::new();
    for record in journal {
        match &record.event {
            Event::Opened {
                origin: Origin::Declared { by },
                ..
            } => begin(&mut out, (COMMANDER, "Commander"), by, record, zone),
            Event::LeadChanged { lead, .. } => {
                end(&mut out, COMMANDER, None, record, zone);
                begin(&mut out, (COMMANDER, "Commander"), lead, record, zone);
            }
            Event::Conduct(ConductEvent::RoleGiven {
                role,
                name,
                to,
                from,
                ..
            }) => {
                if let Some(from) = from {
                    end(&mut out, role, Some(from), record, zone);
                }
                begin(&mut out, (role, name), to, record, zone);
            }
            Event::Conduct(ConductEvent::RoleReleased { role, who, .. }) => {
                end(&mut out, role, Some(who), record, zone);
            }
            // What nobody lets go of ends with the incident.
            Event::Resolved { .. } | Event::Merged { .. } => {
                for span in out.iter_mut().filter(|s| s.until.is_none()) {
                    span.until = Some(Stamp::of(record.at, zone));
                }
            }
            _ => {}
        }
    }
    out
}

fn begin(
    out: &mut Vec<RoleSpan>,
    (role, name): (&str, &str),
    who: &Actor,
    record: &Record,
    zone: Option<Tz>,
) {
    out.push(RoleSpan {
        role: role.to_owned(),
        name: name.to_owned(),
        person: who.name().to_owned(),
        from: Stamp::of(record.at, zone),
        until: None,
        source: citation(record),
    });
}

/// `who`: of several holders this one; `None`: whoever has it.
fn end(out: &mut [RoleSpan], role: &str, who: Option<&Actor>, record: &Record, zone: Option<Tz>) {
    let theirs = |s: &&mut RoleSpan| {
        s.role == role && s.until.is_none() && who.is_none_or(|w| w.name() == s.person)
    };
    for span in out.iter_mut().filter(theirs) {
        span.until = Some(Stamp::of(record.at, zone));
    }
}

/// What was decided, by when it was.
pub(super) fn decisions(journal: &[Record], zone: Option<Tz>) -> Vec<Decision> {
    let mut made: Vec<(Time, Decision)> = Vec::new();
    for record in journal {
        if let Event::Conduct(ConductEvent::Decided { by, text, .. }) = &record.event {
            let at = happened_at(record);
            let decision = Decision {
                at: Stamp::of(at, zone),
                by: by.name().to_owned(),
                what: text.clone(),
                source: citation(record),
            };
            made.push((at, decision));
        }
    }
    made.sort_by_key(|(at, _)| *at);
    made.into_iter().map(|(_, d)| d).collect()
}

/// What was reported.
pub(super) fn reports(journal: &[Record], zone: Option<Tz>) -> Vec<ReportLine> {
    let each = journal.iter().filter_map(|record| match &record.event {
        Event::Conduct(ConductEvent::Reported {
            by,
            conditions,
            actions,
            needs,
        }) => Some(ReportLine {
            at: Stamp::of(record.at, zone),
            by: by.name().to_owned(),
            conditions: conditions.clone(),
            actions: actions.clone(),
            needs: needs.clone(),
            source: citation(record),
        }),
        _ => None,
    });
    each.collect()
}

/// The day of an instant on a wall clock.
#[must_use]
pub fn day_of(at: Time, zone: Option<Tz>) -> chrono::NaiveDate {
    let zone = zone.unwrap_or(Tz::UTC);
    zone.from_utc_datetime(&at.utc().naive_utc()).date_naive()
}

impl Written {
    /// Takes the tasks of the journal in as action items: follow-ups, what is open, and what was taken
    /// in before. The journal says what, whose and when; priority, link and tracker are kept here. An
    /// item has the number of its task.
    pub fn collect(&mut self, conduct: &Conduct, zone: Option<Tz>) {
        let gone = |i: &Item| i.task && !conduct.tasks.contains_key(&i.id);
        self.items.retain(|i| !gone(i));
        self.last_item = self.last_item.max(conduct.last_task);
        for task in conduct.tasks.values() {
            let known = self.items.iter().position(|i| i.id == task.task);
            let wanted = task.follow_up || task.done_at.is_none();
            match known {
                Some(at) => take_in(&mut self.items[at], task, zone),
                None if wanted => {
                    let mut item = Item {
                        id: task.task,
                        what: String::new(),
                        owner: None,
                        due: None,
                        priority: Priority::default(),
                        link: String::new(),
                        external: None,
                        done_at: None,
                        by: task.by.clone(),
                        task: true,
                    };
                    take_in(&mut item, task, zone);
                    self.items.push(item);
                }
                None => {}
            }
        }
        self.items.sort_by_key(|i| i.id);
    }
}

fn take_in(item: &mut Item, task: &Task, zone: Option<Tz>) {
    item.task = true;
    item.what.clone_from(&task.text);
    item.owner = task
        .owner
        .as_ref()
        .and_then(|o| o.person())
        .map(str::to_owned);
    item.due = task.due.map(|at| day_of(at, zone));
    item.done_at = task.done_at;
}
