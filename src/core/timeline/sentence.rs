//! The sentences. What happened, why, and what follows; the reasons are the ones the events carry.

use super::Names;
use super::asked::run_asked;
use super::conduct::conduct;
use super::runs::run;
use super::told::told;
use crate::core::alert::AlertRef;
use crate::core::id::Actor;
use crate::core::incident::{
    Event, Ladder, Origin, PagedPerson, Redacted, Skipped, shape_sentence,
};
use crate::core::text::{self, count};
use crate::core::time::Time;

/// Names a sentence lists before it goes on with a number; the whole list is in the export.
const NAMED: usize = 8;

/// One sentence or a few: what happened and why. Plain text; may hold what attackers wrote.
#[must_use]
pub fn sentence(event: &Event, names: &Names) -> String {
    match event {
        Event::Opened { .. } => opened(event, names),
        Event::Fired { alerts } => format!(
            "{} joined: {}.",
            capital(&count(alerts.len(), "more alert")),
            named(alerts)
        ),
        Event::Cleared { alerts, left, why } => cleared(alerts.len(), *left, why),
        Event::Paged { .. }
        | Event::Chased { .. }
        | Event::RungSkipped { .. }
        | Event::CatchAll { .. }
        | Event::Reminded { .. }
        | Event::PageDelivered { .. }
        | Event::PageFailed { .. } => paging(event, names),
        Event::Acknowledged { .. }
        | Event::AckCounted { .. }
        | Event::PolicyEdited { .. }
        | Event::LadderChanged { .. }
        | Event::Snoozed { .. }
        | Event::Retriggered { .. }
        | Event::Resolved { .. } => course(event, names),
        Event::Muted { .. }
        | Event::Unmuted { .. }
        | Event::Unacknowledged { .. }
        | Event::Reopened { .. }
        | Event::Reassigned { .. }
        | Event::Merged { .. }
        | Event::Absorbed { .. } => hands(event, names),
        Event::SeverityChanged { .. } | Event::Promoted { .. } | Event::LeadChanged { .. } => {
            command(event, names)
        }
        Event::Conduct(event) => conduct(event, names),
        Event::Hidden(_)
        | Event::Revealed(_)
        | Event::Invited(_)
        | Event::DrillSet(_)
        | Event::TypeSet(_)
        | Event::Related(_)
        | Event::Unrelated(_)
        | Event::ParentSet(_)
        | Event::ChildSet(_)
        | Event::ChildMoved(_)
        | Event::Recalled(_) => shape_sentence(event).unwrap_or_default(),
        Event::Preceded { changes } => super::changes::sentence(changes),
        Event::Noted { .. }
        | Event::Spoke { .. }
        | Event::Reworded { .. }
        | Event::Unsaid { .. }
        | Event::Joined { .. }
        | Event::Left { .. }
        | Event::PlaceFailed { .. }
        | Event::RoomOpened { .. }
        | Event::RoomFailed { .. }
        | Event::Redacted(_)
        | Event::Removed { .. } => words(event),
        Event::RoomPlanned { .. }
        | Event::Retitled { .. }
        | Event::Archived { .. }
        | Event::RoomShelved { .. }
        | Event::RoomRetried { .. }
        | Event::Kept { .. }
        | Event::Unkept { .. }
        | Event::Attached { .. }
        | Event::FileRefused { .. } => super::talk::talk(event),
        Event::Updated(_) | Event::CadenceSet(_) | Event::UpdateDue(_) => told(event, names),
        Event::RunAsked { .. } => run_asked(event, names),
        Event::RunRehearsed { .. }
        | Event::RunApproved { .. }
        | Event::RunArmed { .. }
        | Event::AutoStopped { .. }
        | Event::RunQueued { .. }
        | Event::RunCancelAsked { .. }
        | Event::RunSettled { .. }
        | Event::RunRejected { .. }
        | Event::RunExpired { .. }
        | Event::RunReleased { .. }
        | Event::RunStarted { .. }
        | Event::RunEnded { .. } => run(event, names),
    }
}

fn opened(event: &Event, names: &Names) -> String {
    let Event::Opened {
        origin,
        title,
        severity_name,
        service,
        team,
        ladder,
        first_page,
        alerts,
        why,
        nature,
        ..
    } = event
    else {
        return String::new();
    };
    let place = match (service, team) {
        (Some(s), Some(t)) => format!(" for service {s} of team {t}"),
        (Some(s), None) => format!(" for service {s}"),
        (None, Some(t)) => format!(" for team {t}"),
        (None, None) => String::new(),
    };
    let mut out = match origin {
        Origin::Alert { source } => {
            format!("Opened from {source} as {severity_name}{place}: “{title}”.")
        }
        Origin::Declared { by } => {
            let by = by.name();
            format!("{by} declared it as {severity_name}{place}: “{title}”.")
        }
    };
    if !nature.is_plain() {
        out.push_str(&format!(" It is {}.", nature.words()));
    }
    if !alerts.is_empty() {
        let alerts = format!(" {}: {}.", count(alerts.len(), "alert"), named(alerts));
        out.push_str(&alerts);
    }
    out.push_str(&first_step(ladder, *first_page, names));
    if !why.is_empty() {
        out.push_str(&format!(" Why: {}.", why.join("; ")));
    }
    out
}

fn first_step(ladder: &Ladder, first_page: Option<Time>, names: &Names) -> String {
    match first_page {
        None => " No escalation policy was started.".to_owned(),
        Some(at) if ladder.rungs.is_empty() => {
            format!(
                " No policy applied; the catch-all was due at {}.",
                names.time(at)
            )
        }
        Some(at) => format!(
            " Policy {}, first step due at {}.",
            ladder.policy,
            names.time(at)
        ),
    }
}

fn cleared(gone: usize, left: u32, why: &str) -> String {
    let rest = match left {
        0 => "nothing fires any more".to_owned(),
        1 => "1 alert still fired".to_owned(),
        n => format!("{n} alerts still fired"),
    };
    format!("{} cleared ({why}); {rest}.", count(gone, "alert"))
}

fn paging(event: &Event, names: &Names) -> String {
    match event {
        Event::Paged {
            rung,
            people,
            channels,
            skipped,
            why,
            next_due,
        } => {
            let step = rung.map_or(String::new(), |r| format!(" ({})", step(r)));
            let next = next_due.map_or(String::new(), |at| {
                format!(
                    " Next step at {} unless somebody acknowledges.",
                    names.time(at)
                )
            });
            let told: Vec<String> = channels.iter().map(|c| format!("#{c}")).collect();
            let what = match (people.is_empty(), told.is_empty()) {
                (false, true) => format!("Paged {}", paged(people, names)),
                (true, _) => format!("Told {}", text::list(&told)),
                (false, false) => format!(
                    "Paged {} and told {}",
                    paged(people, names),
                    text::list(&told)
                ),
            };
            format!("{what}{step}: {why}.{}{next}", not_paged(skipped))
        }
        Event::Chased {
            name,
            contacts,
            why,
            ..
        } => format!("Tried {name} by {}: {why}.", text::list(contacts)),
        Event::RungSkipped { rung, skipped } => format!(
            "{} reached nobody.{} The next step was climbed at once.",
            capital(&step(*rung)),
            not_paged(skipped)
        ),
        Event::CatchAll {
            people,
            skipped,
            why,
            next_due,
            ..
        } if people.is_empty() => format!(
            "NOBODY COULD BE ALARMED: {why}.{} Whoever reads this: please acknowledge and call the right person. Tried again at {}.",
            not_paged(skipped),
            names.time(*next_due)
        ),
        Event::CatchAll {
            people,
            skipped,
            why,
            next_due,
            ..
        } => format!(
            "Alarmed the catch-all, {}: {why}.{} Again at {} unless somebody acknowledges.",
            paged(people, names),
            not_paged(skipped),
            names.time(*next_due)
        ),
        Event::Reminded {
            people,
            skipped,
            why,
        } => format!(
            "Reminded {}: {why}.{}",
            paged(people, names),
            not_paged(skipped)
        ),
        Event::PageDelivered {
            person,
            contact,
            attempts,
            via,
        } => {
            let via = if via.is_empty() {
                String::new()
            } else {
                format!(" through {via}")
            };
            format!(
                "The page to {} by {contact} was delivered{via} after {}.",
                names.person(person),
                count(*attempts as usize, "attempt")
            )
        }
        Event::PageFailed {
            person,
            contact,
            why,
        } => format!(
            "The page to {} by {contact} could not be delivered and was given up: {why}.",
            names.person(person)
        ),
        _ => String::new(),
    }
}

fn course(event: &Event, names: &Names) -> String {
    match event {
        Event::Acknowledged { by } => format!("{} acknowledged it. Paging stopped.", by.name()),
        Event::AckCounted { by, have, needs } => format!(
            "{} acknowledged it, {have} of {needs}; paging goes on for the others.",
            by.name()
        ),
        Event::PolicyEdited { policy } => format!(
            "The policy {policy} was edited; this incident keeps the one it started with until somebody says `follow`."
        ),
        Event::LadderChanged { by, ladder } => format!(
            "{} let it follow the policy {} as it is now.",
            by.name(),
            ladder.policy
        ),
        Event::Snoozed { by, until } => format!(
            "{} acknowledged it until {}. Unless it is resolved, it pages again then.",
            by.name(),
            names.time(*until)
        ),
        Event::Retriggered { why, due } => format!(
            "Paging started again: {why}. First step due at {}.",
            names.time(*due)
        ),
        Event::Resolved {
            by,
            still_firing,
            why,
        } => {
            let firing = match still_firing {
                0 => String::new(),
                n => format!(
                    " {} still fired then.",
                    capital(&count(*n as usize, "alert"))
                ),
            };
            match by {
                Actor::Firebell => format!("Resolved: {why}.{firing}"),
                by => format!("{} resolved it ({why}).{firing}", by.name()),
            }
        }
        _ => String::new(),
    }
}

/// Who has it changes hands, or a silence holds it.
fn hands(event: &Event, names: &Names) -> String {
    match event {
        Event::Muted { words, until, .. } => format!(
            "Every alert that fires is silenced by {words}: nobody is paged until {}.",
            names.time(*until)
        ),
        Event::Unmuted { why } => {
            format!(
                "No silence covers it any more ({why}). Unless somebody has it, it pages again."
            )
        }
        Event::Unacknowledged { by } => {
            format!(
                "{} gave it back: nobody has it, and it pages again.",
                by.name()
            )
        }
        Event::Reopened { by } => {
            format!(
                "{} reopened it: it is not over, and it pages again.",
                by.name()
            )
        }
        Event::Reassigned { by, to, .. } => format!(
            "{} gave it to {to}. It is theirs once they acknowledge; until then they are paged.",
            by.name()
        ),
        Event::Merged { by, into, title } => format!(
            "{} merged it into {into} “{title}”, where it goes on. It is closed here.",
            by.name()
        ),
        Event::Absorbed {
            by,
            from,
            title,
            alerts,
            ..
        } => format!(
            "{} merged {from} “{title}” into this: its {}, and later ones like them, belong here.",
            by.name(),
            count(*alerts as usize, "alert")
        ),
        _ => String::new(),
    }
}

fn command(event: &Event, names: &Names) -> String {
    match event {
        Event::SeverityChanged {
            by,
            from,
            to,
            to_name,
            why,
            ..
        } => {
            let verb = if to < from { "raised" } else { "lowered" };
            let from = names
                .severity(*from)
                .map_or(String::new(), |n| format!(" from {n}"));
            match by {
                Actor::Firebell => format!("Severity was {verb}{from} to {to_name}: {why}."),
                by => format!(
                    "{} {verb} the severity{from} to {to_name} ({why}).",
                    by.name()
                ),
            }
        }
        Event::Promoted { by, why } => match by {
            Actor::Firebell => format!("It became major and gets a room: {why}."),
            by => format!("{} made it major: it gets a room ({why}).", by.name()),
        },
        Event::LeadChanged {
            by,
            lead,
            from,
            why,
            ..
        } => lead_changed(by, lead, from.as_ref(), why),
        _ => String::new(),
    }
}

fn lead_changed(by: &Actor, lead: &Actor, from: Option<&Actor>, why: &str) -> String {
    let before = from.map_or(String::new(), |f| format!(" {} led before.", f.name()));
    let name = lead.name();
    if !why.is_empty() {
        format!("{name} leads: {why}.{before}")
    } else if by.same(lead) {
        format!("{name} took the lead.{before}")
    } else {
        format!("{} asked {name} to lead.{before}", by.name())
    }
}

fn words(event: &Event) -> String {
    match event {
        Event::Noted { by, text, .. } => format!("{} noted: {text}", by.name()),
        Event::Spoke {
            by, text, answers, ..
        } => match answers.as_ref().filter(|a| !a.name.is_empty()) {
            Some(to) => format!("{} answered {}: {text}", by.name(), to.name),
            None => format!("{} wrote: {text}", by.name()),
        },
        Event::Reworded { by, text, .. } => {
            format!("{} changed a message; it says now: {text}", by.name())
        }
        Event::Unsaid { by, .. } => format!("{} deleted a message.", by.name()),
        Event::Joined { by, platform } => format!("{} joined on {platform}.", by.name()),
        Event::Left { by, platform } => format!("{} left on {platform}.", by.name()),
        Event::PlaceFailed {
            platform,
            place,
            why,
        } => format!("Nothing can be posted in {place} on {platform}: {why}."),
        Event::RoomOpened { platform, name, .. } => {
            format!("The room {name} was opened on {platform}.")
        }
        Event::RoomFailed { platform, why } => {
            format!("The room could not be opened on {platform}: {why}.")
        }
        Event::Redacted(Redacted { seq, by, why, what }) => {
            let thing = match what.as_str() {
                "" => format!("the content of event {seq}"),
                what => what.to_owned(),
            };
            format!("{} removed {thing} for good: {why}.", by.name())
        }
        Event::Removed { kind, .. } => {
            format!("The content of this event ({kind}) was removed for good.")
        }
        _ => String::new(),
    }
}

/// Up to [`NAMED`] names, and how many more there are.
fn named(alerts: &[AlertRef]) -> String {
    let mut names: Vec<String> = alerts.iter().take(NAMED).map(|a| a.name.clone()).collect();
    if alerts.len() > NAMED {
        names.push(format!(
            "{} more ({} in all)",
            alerts.len() - NAMED,
            alerts.len()
        ));
    }
    text::list(&names)
}

fn paged(people: &[PagedPerson], names: &Names) -> String {
    let each: Vec<String> = people.iter().map(|p| one_paged(p, names)).collect();
    text::list(&each)
}

/// `Ana by push (on call on Web), then by sms at 14:03`.
fn one_paged(p: &PagedPerson, names: &Names) -> String {
    let mut parts = Vec::new();
    if !p.contacts.is_empty() {
        parts.push(format!(" by {} ({})", text::list(&p.contacts), p.why));
    }
    for later in &p.later {
        let at = names.time(later.at);
        let by = text::list(&later.contacts);
        let why = if parts.is_empty() {
            format!(" ({})", p.why)
        } else {
            String::new()
        };
        let waits = match (later.digest, parts.is_empty()) {
            (true, true) => format!(" by {by} in the morning, {at}{why}"),
            (true, false) => format!("by {by} in the morning, {at}"),
            (false, true) => format!(" by {by} at {at}{why}"),
            (false, false) => format!("then by {by} at {at}"),
        };
        parts.push(waits);
    }
    format!("{}{}", p.name, parts.join(", "))
}

fn not_paged(skipped: &[Skipped]) -> String {
    if skipped.is_empty() {
        return String::new();
    }
    let each: Vec<String> = skipped
        .iter()
        .map(|s| format!("{} ({})", s.who, s.why))
        .collect();
    format!(" Could not page {}.", text::list(&each))
}

/// `step 2`, `step 2 of round 3`.
fn step((round, rung): (u8, u32)) -> String {
    let rung = u64::from(rung) + 1;
    match round {
        0 => format!("step {rung}"),
        n => format!("step {rung} of round {}", u16::from(n) + 1),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(chars).collect()
    })
}
