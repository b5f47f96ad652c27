//! Shifts → a calendar's text, for people's own calendars to subscribe to.
//!
//! Promises: the same shift has the same UID in every rendering, so a client moves it instead of
//! doubling it. Times are in UTC: no client needs to know the zone. Nothing is invented: the stamp is
//! given.

use crate::core::schedule::{Schedule, Turn};
use crate::core::time::Time;
use icalendar::{Calendar, Component, Event, EventLike, EventStatus, Property};

/// What a calendar is made of.
pub struct Feed<'a> {
    /// First instant; shifts that run then are in it with their own beginnings.
    pub from: Time,
    /// First instant that is no longer in it.
    pub until: Time,
    /// When it is made, for clients that ask which of two is newer.
    pub stamp: Time,
    /// Display name of a person.
    pub name: &'a dyn Fn(&str) -> String,
}

/// A schedule's calendar: one event per person and turn, shadows marked.
#[must_use]
pub fn of_schedule(schedule: &Schedule, feed: &Feed<'_>) -> String {
    let mut calendar = begun(&schedule.name);
    for turn in schedule.turns(feed.from, feed.until) {
        for (n, person) in turn.people.iter().enumerate() {
            let title = (feed.name)(person);
            push(
                &mut calendar,
                schedule,
                &turn,
                person,
                &title,
                turn.why.get(n),
                feed,
            );
        }
        for person in &turn.shadows {
            let title = format!("{} (shadow)", (feed.name)(person));
            push(&mut calendar, schedule, &turn, person, &title, None, feed);
        }
    }
    calendar.to_string()
}

/// A person's calendar across schedules.
#[must_use]
pub fn of_person<'a>(
    person: &str,
    schedules: impl IntoIterator<Item = &'a Schedule>,
    feed: &Feed<'_>,
) -> String {
    let mut calendar = begun(&format!("On call: {}", (feed.name)(person)));
    for schedule in schedules {
        for turn in schedule.turns(feed.from, feed.until) {
            let at = turn.people.iter().position(|p| p == person);
            let title = match at {
                Some(_) => format!("On call: {}", schedule.name),
                None if turn.shadows.iter().any(|p| p == person) => {
                    format!("Shadow: {}", schedule.name)
                }
                None => continue,
            };
            let why = at.and_then(|n| turn.why.get(n));
            push(&mut calendar, schedule, &turn, person, &title, why, feed);
        }
    }
    calendar.to_string()
}

fn begun(name: &str) -> Calendar {
    let mut calendar = Calendar::empty();
    calendar.append_property(Property::new("VERSION", "2.0"));
    calendar.append_property(Property::new("PRODID", "-//firebell//on call//EN"));
    calendar.append_property(Property::new("CALSCALE", "GREGORIAN"));
    calendar.append_property(Property::new("METHOD", "PUBLISH"));
    calendar.name(name);
    calendar
}

fn push(
    calendar: &mut Calendar,
    schedule: &Schedule,
    turn: &Turn,
    person: &str,
    title: &str,
    why: Option<&String>,
    feed: &Feed<'_>,
) {
    // What has no beginning or end is shown as far as the calendar goes.
    let since = if turn.since.0 == i64::MIN {
        feed.from
    } else {
        turn.since
    };
    let until = if turn.until == Time::FAR {
        feed.until
    } else {
        turn.until
    };
    let uid = format!("{}-{person}-{}@firebell", schedule.id, since.0 / 1000);
    let mut event = Event::with_uid(&uid);
    event
        .timestamp(feed.stamp.utc())
        .starts(since.utc())
        .ends(until.utc())
        .summary(title)
        .status(EventStatus::Confirmed)
        .add_property("TRANSP", "TRANSPARENT");
    if let Some(why) = why {
        event.description(why);
    }
    calendar.push(event.done());
}
