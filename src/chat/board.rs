//! The message in a room that tells who does what and what is to be done: roles, checklists, tasks,
//! the newest report. One per room, edited in place.
//!
//! Promises: the same state draws the same board; what does not fit is counted.

use super::{Board, Button, Press, Style};
use crate::core::directory::{COMMANDER, Directory};
use crate::core::id::Actor;
use crate::core::incident::{Check, CheckedList, Incident, Task};
use crate::core::text::{count, cut, list};
use crate::core::time::Time;
use crate::core::timeline;

/// Lines of one checklist that are shown one by one; of a longer one what is done is counted.
const LINES: usize = 20;
/// Tasks that are shown one by one.
const TASKS: usize = 15;
/// Lines of checklists that have a button.
const TICKS: usize = 10;
/// Roles that have a button.
const ROLES: usize = 3;
/// Characters of a button's label that every platform shows.
const LABEL_CHARS: usize = 60;

/// Draws the board. `url` is the incident's page on the console.
#[must_use]
pub fn board(incident: &Incident, directory: &Directory, url: &str) -> Board {
    let view = View {
        incident,
        directory,
    };
    let mut parts = vec![("Roles".to_owned(), view.roles())];
    let lists = &incident.conduct.checklists;
    parts.extend(lists.iter().map(|l| view.checklist(l)));
    parts.extend(view.tasks());
    parts.extend(view.report());
    Board {
        key: format!("board:{}", incident.id.0),
        incident: incident.id,
        seq: incident.seq,
        title: format!("Command of {}: {}", incident.id, incident.headline()),
        parts,
        buttons: view.buttons(),
        url: url.to_owned(),
    }
}

/// `Commander Ana · Scribe nobody yet`; empty: no role is needed, and nobody has one.
#[must_use]
pub fn roles_line(incident: &Incident, directory: &Directory) -> String {
    let view = View {
        incident,
        directory,
    };
    let each = view.shown_roles().into_iter().map(|role| {
        let name = view.name(role);
        format!("{name} {}", view.who_has(role))
    });
    each.collect::<Vec<_>>().join(" · ")
}

/// The same without a commander who is there: a card tells who leads by itself.
#[must_use]
pub fn other_roles(incident: &Incident, directory: &Directory) -> String {
    let view = View {
        incident,
        directory,
    };
    let others = view.shown_roles().into_iter().filter(|role| {
        *role != COMMANDER
            || incident.lead.is_none()
            || incident.conduct.offers.contains_key(COMMANDER)
    });
    let each = others.map(|role| format!("{} {}", view.name(role), view.who_has(role)));
    each.collect::<Vec<_>>().join(" · ")
}

/// `checklist 3 of 7 · 2 tasks open`; empty: there is neither.
#[must_use]
pub fn work_line(incident: &Incident) -> String {
    let all = incident.conduct.checks().count();
    let done = incident
        .conduct
        .checks()
        .filter(|c| c.done.is_some())
        .count();
    let open = incident.conduct.open_tasks().count();
    let mut parts = Vec::new();
    if all > 0 {
        parts.push(format!("checklist {done} of {all}"));
    }
    if open > 0 {
        parts.push(format!("{} open", count(open, "task")));
    }
    parts.join(" · ")
}

struct View<'a> {
    incident: &'a Incident,
    directory: &'a Directory,
}

impl View<'_> {
    /// Roles that are needed, held or offered: as configured, then what is configured no more.
    fn shown_roles(&self) -> Vec<&str> {
        let conduct = &self.incident.conduct;
        let is_shown = |id: &str| {
            conduct.needed.contains_key(id)
                || conduct.offers.contains_key(id)
                || !self.incident.holders(id).is_empty()
        };
        let configured = self.directory.conduct.roles.iter().map(|r| r.id.as_str());
        let mut ids: Vec<&str> = configured.filter(|id| is_shown(id)).collect();
        let held = conduct.roles.keys().map(String::as_str);
        let held = std::iter::once(COMMANDER).chain(held);
        for id in held.filter(|id| is_shown(id)) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }

    fn name<'a>(&'a self, role: &'a str) -> &'a str {
        let known = self.directory.conduct.role(role);
        known.map_or_else(|| self.incident.conduct.name(role), |r| &r.name)
    }

    fn who_has(&self, role: &str) -> String {
        let holders = self.incident.holders(role);
        let names: Vec<&str> = holders.into_iter().map(Actor::name).collect();
        let has = if names.is_empty() {
            "nobody yet".to_owned()
        } else {
            list(&names)
        };
        match self.incident.conduct.offers.get(role) {
            Some(asked) => format!("{has} (asked {})", asked.name()),
            None => has,
        }
    }

    fn roles(&self) -> Vec<String> {
        let each = self.shown_roles().into_iter().map(|id| {
            let known = self.directory.conduct.role(id);
            let emoji = known.map_or("", |r| r.emoji.as_str());
            let line = format!("{emoji} {}: {}", self.name(id), self.who_has(id));
            line.trim().to_owned()
        });
        let lines: Vec<String> = each.collect();
        if lines.is_empty() {
            return vec!["Nobody has a role yet: `role commander me` takes one.".to_owned()];
        }
        lines
    }

    fn checklist(&self, list: &CheckedList) -> (String, Vec<String>) {
        let done = list.items.iter().filter(|c| c.done.is_some()).count();
        let fits = list.items.len() <= LINES;
        let shown = list.items.iter().filter(|c| fits || c.done.is_none());
        let mut lines: Vec<String> = shown.clone().take(LINES).map(|c| self.check(c)).collect();
        let left = shown.count() - lines.len();
        if left > 0 {
            lines.push(format!("… and {left} more"));
        }
        if !fits && done > 0 {
            lines.push(format!("… and {done} done"));
        }
        let title = format!("{} ({done} of {})", list.title, list.items.len());
        (title, lines)
    }

    fn check(&self, check: &Check) -> String {
        let item = &check.item;
        if let Some((who, at)) = &check.done {
            return format!(
                "☑ {} {} ({} {})",
                item.item,
                item.text,
                who.name(),
                self.clock(*at)
            );
        }
        let mut facts = Vec::new();
        if item.role.is_some() {
            facts.push(item.role_name.clone());
        }
        if let Some(due) = item.due {
            facts.push(format!("by {}", self.clock(due)));
        }
        if let Some(action) = &item.action {
            facts.push(format!("`run {action}`"));
        }
        if !item.link.is_empty() {
            facts.push(item.link.clone());
        }
        let facts = if facts.is_empty() {
            String::new()
        } else {
            format!(" · {}", facts.join(" · "))
        };
        format!("☐ {} {}{facts}", item.item, item.text)
    }

    fn tasks(&self) -> Option<(String, Vec<String>)> {
        let all = &self.incident.conduct.tasks;
        if all.is_empty() {
            return None;
        }
        let open: Vec<&Task> = self.incident.conduct.open_tasks().collect();
        let mut lines: Vec<String> = open.iter().take(TASKS).map(|t| self.task(t)).collect();
        if open.len() > TASKS {
            lines.push(format!("… and {} more", open.len() - TASKS));
        }
        let done = all.len() - open.len();
        if done > 0 {
            lines.push(format!("{} done", count(done, "task")));
        }
        Some((format!("Tasks ({} open)", open.len()), lines))
    }

    fn task(&self, task: &Task) -> String {
        let owner = task.owner.as_ref().map_or("nobody yet", Actor::name);
        let due = task
            .due
            .map_or(String::new(), |at| format!(", due {}", self.clock(at)));
        let after = if task.follow_up { ", afterwards" } else { "" };
        format!("☐ task {} {} · {owner}{due}{after}", task.task, task.text)
    }

    fn report(&self) -> Option<(String, Vec<String>)> {
        let report = self.incident.conduct.report.as_ref()?;
        let or = |text: &str| {
            if text.is_empty() {
                "nothing".to_owned()
            } else {
                text.to_owned()
            }
        };
        Some((
            format!(
                "Report by {} at {}",
                report.by.name(),
                self.clock(report.at)
            ),
            vec![
                format!("Conditions: {}", report.conditions),
                format!("Actions: {}", or(&report.actions)),
                format!("Needs: {}", or(&report.needs)),
            ],
        ))
    }

    fn buttons(&self) -> Vec<Button> {
        let plain = |label: String, press| Button {
            label: cut(&label, LABEL_CHARS),
            press,
            style: Style::Plain,
        };
        if !self.incident.is_open() {
            return Vec::new();
        }
        let open = self.incident.conduct.checks();
        let open = open.filter(|c| c.done.is_none()).take(TICKS);
        let mut buttons: Vec<Button> = open
            .map(|c| {
                let label = format!("✓ {} {}", c.item.item, c.item.text);
                plain(label, Press::Tick { item: c.item.item })
            })
            .collect();
        let conduct = &self.incident.conduct;
        let wanted = self
            .shown_roles()
            .into_iter()
            .filter(|id| self.incident.holders(id).is_empty() || conduct.offers.contains_key(*id));
        buttons.extend(wanted.take(ROLES).map(|id| {
            let role = id.to_owned();
            plain(format!("Be {}", self.name(id)), Press::Role { role })
        }));
        for (label, verb) in [
            ("Report (CAN)", "can"),
            ("Task", "task"),
            ("Decision", "decision"),
        ] {
            let verb = verb.to_owned();
            buttons.push(plain(label.to_owned(), Press::Ask { verb }));
        }
        buttons
    }

    /// `14:05 UTC`; with the date when that is another day than the opening.
    fn clock(&self, at: Time) -> String {
        let zone = Some(self.directory.zone.unwrap_or(chrono_tz::Tz::UTC));
        let day = |t| timeline::format(t, zone, "%Y-%m-%d");
        let same = day(at) == day(self.incident.opened_at);
        timeline::format(
            at,
            zone,
            if same {
                "%H:%M %Z"
            } else {
                "%a %-d %b %H:%M %Z"
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::fixture::directory;
    use crate::core::id::IncidentId;
    use crate::core::incident::{CheckItem, Vacancy};

    fn ana() -> Actor {
        Actor::Person {
            id: "ana".to_owned(),
            name: "Ana Alves".to_owned(),
        }
    }

    /// A major incident with a list of this many lines, the first of them ticked.
    fn incident(lines: u32) -> Incident {
        let check = |n: u32| Check {
            item: CheckItem {
                item: n,
                text: format!("do {n}"),
                role: None,
                role_name: String::new(),
                due: None,
                link: String::new(),
                action: None,
            },
            done: (n == 1).then(|| (ana(), Time(0))),
            told: false,
        };
        let mut incident = Incident::new(IncidentId(42));
        (incident.seq, incident.major) = (7, true);
        incident.title = "Checkout is down".to_owned();
        let vacancy = Vacancy::default();
        incident
            .conduct
            .needed
            .insert(COMMANDER.to_owned(), vacancy);
        incident.conduct.checklists.push(CheckedList {
            list: "major".to_owned(),
            title: "Major incident".to_owned(),
            items: (1..=lines).map(check).collect(),
        });
        incident
    }

    #[test]
    fn a_board_tells_roles_and_what_is_to_be_done_and_offers_it() {
        let drawn = board(&incident(3), &directory(), "http://x/incidents/42");
        assert_eq!(drawn.title, "Command of #42: Checkout is down");
        assert_eq!(drawn.parts[0].1, ["🧭 Commander: nobody yet"]);
        assert_eq!(drawn.parts[1].0, "Major incident (1 of 3)");
        assert_eq!(
            drawn.parts[1].1,
            ["☑ 1 do 1 (Ana Alves 00:00 UTC)", "☐ 2 do 2", "☐ 3 do 3"]
        );
        let labels: Vec<&str> = drawn.buttons.iter().map(|b| b.label.as_str()).collect();
        assert_eq!(
            labels,
            [
                "✓ 2 do 2",
                "✓ 3 do 3",
                "Be Commander",
                "Report (CAN)",
                "Task",
                "Decision"
            ]
        );
        assert_eq!(
            drawn,
            board(&incident(3), &directory(), "http://x/incidents/42")
        );
    }

    #[test]
    fn what_does_not_fit_is_counted_and_what_is_over_offers_nothing() {
        let mut long = incident(40);
        let drawn = board(&long, &directory(), "");
        let lines = &drawn.parts[1].1;
        assert_eq!(lines.len(), LINES + 2);
        assert_eq!(&lines[LINES..], ["… and 19 more", "… and 1 done"]);
        assert_eq!(work_line(&long), "checklist 1 of 40");
        assert_eq!(roles_line(&long, &directory()), "Commander nobody yet");
        long.status = crate::core::incident::Status::Resolved;
        assert!(board(&long, &directory(), "").buttons.is_empty());
    }
}
