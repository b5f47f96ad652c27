//! What is said about silences to their owners.

use super::{Reminder, Silence, Span};
use crate::core::text::{self, count};
use crate::core::time::{Time, human_ms};
use crate::core::timeline::format;
use chrono_tz::Tz;

/// Names a digest lists before it goes on with a number.
const NAMED: usize = 8;

/// What a silence has held back in a window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many alerts.
    pub all: usize,
    /// How many of them fire now.
    pub firing: usize,
    /// Names of the newest, each once.
    pub names: Vec<String>,
}

/// A reminder in words. `owner` is the name of whoever is to read it.
#[must_use]
pub fn told(
    reminder: Reminder,
    silence: &Silence,
    owner: &str,
    tally: &Tally,
    zone: Option<Tz>,
    now: Time,
) -> String {
    let what = format!("{} on {}", silence.words(), silence.scope());
    let short = silence.short();
    let clock = |at: Time| format(at, zone, "%a %-d %b %H:%M %Z");
    match reminder {
        Reminder::Ending((_, end)) => format!(
            "{owner}: the {} {what} ends at {}. {} Extend or renew it if the work is not done.",
            silence.kind.word(),
            clock(end),
            now_held(tally)
        ),
        Reminder::Forgotten((start, end)) => format!(
            "{owner}: the {} {what} has lasted {} and goes on until {}. {} If it was forgotten: `unsilence {short}`.",
            silence.kind.word(),
            human_ms(now.since_ms(start)),
            clock(end),
            so_far(tally)
        ),
        Reminder::Digest(span) => format!(
            "The {} {what} by {} is over after {}. {}",
            silence.kind.word(),
            silence.created_by,
            length(span),
            digest(tally)
        ),
    }
}

fn length((start, end): Span) -> String {
    human_ms(end.since_ms(start))
}

fn now_held(tally: &Tally) -> String {
    match tally.firing {
        0 => "Nothing it holds back fires now.".to_owned(),
        1 => "1 alert it holds back fires now and pages then unless it clears.".to_owned(),
        n => format!("{n} alerts it holds back fire now and page then unless they clear."),
    }
}

fn so_far(tally: &Tally) -> String {
    match tally.all {
        0 => "It has held back nothing so far.".to_owned(),
        n => format!(
            "It has held back {} so far, {} still firing: {}.",
            count(n, "alert"),
            tally.firing,
            named(tally)
        ),
    }
}

fn digest(tally: &Tally) -> String {
    match (tally.all, tally.firing) {
        (0, _) => "It held back nothing.".to_owned(),
        (n, 0) => format!(
            "It held back {}, all cleared: {}.",
            count(n, "alert"),
            named(tally)
        ),
        (n, firing) => format!(
            "It held back {}: {}. {firing} still {} and {} routed now.",
            count(n, "alert"),
            named(tally),
            if firing == 1 { "fires" } else { "fire" },
            if firing == 1 { "is" } else { "are" },
        ),
    }
}

fn named(tally: &Tally) -> String {
    let mut names: Vec<String> = tally.names.iter().take(NAMED).cloned().collect();
    if tally.names.len() > NAMED {
        names.push("others".to_owned());
    }
    text::list(&names)
}
