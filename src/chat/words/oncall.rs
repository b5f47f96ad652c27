//! Who is on call and who has which shifts, in words.

use crate::chat::grammar::{Whom, policy};
use crate::core::directory::{Directory, Policy, Target};
use crate::core::schedule::{Schedule, Stint, Turn, spoken, stints};
use crate::core::text;
use crate::core::time::Time;
use chrono_tz::Tz;

/// Turns looked at for the next two hand-offs; beyond it they are not worth a sentence.
const LOOKED: usize = 60;
/// How far a person's shifts are told.
const AHEAD_MS: i64 = 60 * 86_400_000;
/// Shifts told at once.
const SHIFTS: usize = 12;

/// Answer to `oncall`: who is on call at `at`, why, and the next two.
#[must_use]
pub fn on_call(directory: &Directory, whom: Option<&Whom>, at: Time) -> String {
    let schedules = |wanted: &dyn Fn(&Schedule) -> bool| {
        let lines: Vec<String> = directory
            .schedules
            .values()
            .filter(|s| wanted(s))
            .map(|s| turn(directory, s, at))
            .collect();
        lines.join("\n")
    };
    let (lines, none) = match whom {
        None | Some(Whom::Me) => (
            schedules(&|_| true),
            "No schedule is configured.".to_owned(),
        ),
        Some(Whom::Target(Target::Schedule(id))) => (schedules(&|s| s.id == *id), String::new()),
        Some(Whom::Target(Target::Person(id))) => (
            match schedules(&|s| s.names(id)) {
                lines if lines.is_empty() => lines,
                lines => format!("{}\n{lines}", of_person(directory, id, at)),
            },
            format!("{} is on no schedule.", directory.person_name(id)),
        ),
        // A person who asks names no channel and no webhook.
        Some(Whom::Target(Target::Channel(_) | Target::Webhook(_))) => {
            (String::new(), "Nobody is on call there.".to_owned())
        }
        Some(Whom::Target(Target::Team(id) | Target::RoundRobin(id))) => {
            let team = directory.teams.get(id).and_then(|t| t.policy.as_ref());
            let policy = team.and_then(|p| directory.policies.get(p));
            let none = format!("Team {id} has no policy; its members are paged by name.");
            let ladder = policy.map(|p| ladder(directory, p, at));
            (ladder.unwrap_or_default(), none)
        }
        Some(Whom::Service(id)) => {
            let none = format!("Service {id} has no policy: its alerts alarm the catch-all.");
            let ladder = policy(directory, id).map(|p| ladder(directory, p, at));
            (ladder.unwrap_or_default(), none)
        }
    };
    if lines.is_empty() { none } else { lines }
}

fn names(directory: &Directory, people: &[String]) -> String {
    let names: Vec<String> = people.iter().map(|p| directory.person_name(p)).collect();
    if names.is_empty() {
        "nobody".to_owned()
    } else {
        text::list(&names)
    }
}

/// `Web primary: Ana until Mon 30 Nov 09:00 CET, then Bo until Mon 7 Dec 09:00 CET, then Chandra.
/// Because: layer rotation, turn 14.`
fn turn(directory: &Directory, schedule: &Schedule, at: Time) -> String {
    let turns = schedule.upcoming(at, LOOKED);
    let Some(now) = turns.first() else {
        return format!("{}: nobody.", schedule.name);
    };
    let hands = hands(&turns);
    let mut line = format!("{}: ", schedule.name);
    for (n, (people, until)) in hands.iter().take(3).enumerate() {
        line.push_str(if n == 0 { "" } else { ", then " });
        line.push_str(&names(directory, people));
        if n < 2 {
            line.push_str(&format!(" until {}", schedule.local(*until)));
        }
    }
    let until = hands.first().map_or(now.until, |(_, until)| *until);
    line.push_str(&format!(".{}", because(directory, schedule, now, until)));
    if !now.shadows.is_empty() {
        line.push_str(&format!(" Shadow: {}.", names(directory, &now.shadows)));
    }
    for note in &now.notes {
        line.push_str(&format!(" Mind: {note}."));
    }
    line
}

/// Who has it and until when they hand over: turns of the same people are one. The end of one that
/// goes on beyond what was looked at is not in sight.
fn hands(turns: &[Turn]) -> Vec<(&[String], Time)> {
    let mut hands: Vec<(&[String], Time)> = Vec::new();
    for turn in turns {
        match hands.last_mut() {
            Some((people, until)) if *people == turn.people => *until = turn.until,
            _ => hands.push((&turn.people, turn.until)),
        }
    }
    if let Some((_, until)) = hands.last_mut().filter(|_| turns.len() >= LOOKED) {
        *until = Time::FAR;
    }
    hands
}

fn because(directory: &Directory, schedule: &Schedule, turn: &Turn, until: Time) -> String {
    let end = format!(", until {}", schedule.local(until));
    let reason = |why: &String| why.strip_suffix(end.as_str()).unwrap_or(why).to_owned();
    let reasons: Vec<String> = match turn.why.as_slice() {
        [] => return String::new(),
        [only] => vec![reason(only)],
        several => {
            let people = turn.people.iter().map(|p| directory.person_name(p));
            let pairs = people.zip(several);
            pairs
                .map(|(p, why)| format!("{p} by {}", reason(why)))
                .collect()
        }
    };
    format!(" Because: {}.", reasons.join("; "))
}

fn of_person(directory: &Directory, id: &str, at: Time) -> String {
    let name = directory.person_name(id);
    let own = own(directory, id, at);
    let (on, next): (Vec<&Stint>, Vec<&Stint>) = own.iter().partition(|s| s.since <= at);
    let on: Vec<String> = on.iter().map(|s| schedule_name(directory, s)).collect();
    let now = if on.is_empty() {
        format!("{name} is not on call.")
    } else {
        format!("{name} is on call on {}.", text::list(&on))
    };
    let next = next.first().and_then(|s| {
        let schedule = directory.schedules.get(&s.schedule)?;
        let since = schedule.local(s.since);
        Some(format!(" Next: {} from {since}.", schedule.name))
    });
    format!("{now}{}", next.unwrap_or_default())
}

fn own(directory: &Directory, id: &str, from: Time) -> Vec<Stint> {
    let all = stints(
        directory.schedules.values(),
        id,
        from,
        from.plus_ms(AHEAD_MS),
    );
    all.into_iter().filter(|s| !s.shadow).collect()
}

fn schedule_name(directory: &Directory, stint: &Stint) -> String {
    let schedule = directory.schedules.get(&stint.schedule);
    schedule.map_or_else(|| stint.schedule.clone(), |s| s.name.clone())
}

/// Answer to `shifts`: a person's turns of the next sixty days, on the clock of whoever asks.
#[must_use]
pub fn shifts(directory: &Directory, person: &str, zone: Tz, now: Time) -> String {
    let name = directory.person_name(person);
    let own = own(directory, person, now);
    if own.is_empty() {
        return format!("{name} has no shift in the next 60 days.");
    }
    let mut lines = vec![format!("Shifts of {name} in the next 60 days:")];
    for stint in own.iter().take(SHIFTS) {
        let since = if stint.since <= now {
            "now".to_owned()
        } else {
            spoken(stint.since, zone)
        };
        let until = spoken(stint.until, zone);
        lines.push(format!(
            "{since} until {until}: {}",
            schedule_name(directory, stint)
        ));
    }
    if own.len() > SHIFTS {
        lines.push(format!("and {} more, on the console.", own.len() - SHIFTS));
    }
    lines.join("\n")
}

fn ladder(directory: &Directory, policy: &Policy, at: Time) -> String {
    let mut lines = Vec::new();
    for (n, rung) in policy.rungs.iter().enumerate() {
        for target in &rung.targets {
            let words = match target {
                Target::Schedule(id) => directory.schedules.get(id).map_or_else(
                    || format!("schedule {id} is not in the directory."),
                    |s| turn(directory, s, at),
                ),
                Target::Person(id) => format!("{}.", directory.person_name(id)),
                Target::Team(id) => format!("everybody of team {id}."),
                Target::RoundRobin(_) | Target::Channel(_) | Target::Webhook(_) => {
                    format!("{}.", target.words())
                }
            };
            lines.push(format!("Step {}: {words}", n + 1));
        }
    }
    lines.join("\n")
}
