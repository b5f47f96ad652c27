//! The sentences of updates: what was told to whom, how often, and that one is due.

use super::Names;
use crate::core::id::Actor;
use crate::core::incident::{Event, readers};
use crate::core::text;
use crate::core::time::human_ms;

pub(super) fn told(event: &Event, names: &Names) -> String {
    match event {
        Event::Updated(update) => {
            let by = update.by.name();
            let next = update.next_due.map_or(String::new(), |at| {
                format!(" The next update is due at {}.", names.time(at))
            });
            match (&update.status, update.text.as_str()) {
                (Some(status), "") => format!("{by} set the status to {}.{next}", status.name),
                (Some(status), text) => format!(
                    "{by} set the status to {} and told, {}: “{text}”.{next}",
                    status.name,
                    readers(update)
                ),
                (None, text) => format!("{by} told, {}: “{text}”.{next}", readers(update)),
            }
        }
        Event::CadenceSet(set) => {
            let next = set.next_due.map_or(String::new(), |at| {
                format!(" The next one is due at {}.", names.time(at))
            });
            match (set.every_ms, &set.by) {
                (Some(ms), Actor::Firebell) => {
                    format!(
                        "An update is due every {}: {}.{next}",
                        human_ms(ms),
                        set.why
                    )
                }
                (Some(ms), by) => format!(
                    "{} let an update be due every {} ({}).{next}",
                    by.name(),
                    human_ms(ms),
                    set.why
                ),
                (None, Actor::Firebell) => {
                    format!("Nobody is reminded of updates any more: {}.{next}", set.why)
                }
                (None, by) => format!(
                    "{} ended the reminders of updates ({}).{next}",
                    by.name(),
                    set.why
                ),
            }
        }
        Event::UpdateDue(due) => {
            let people: Vec<&str> = due.people.iter().map(Actor::name).collect();
            let whom = if people.is_empty() {
                "Nobody leads, so whoever reads this".to_owned()
            } else {
                text::list(&people)
            };
            let again = due.next_due.map_or(String::new(), |at| {
                format!(" Asked again at {}.", names.time(at))
            });
            format!(
                "An update is due: {}. {whom}: please write one with `update`.{again}",
                due.why
            )
        }
        _ => String::new(),
    }
}
