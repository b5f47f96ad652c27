//! Covers: people change among themselves who is on call, for a while.
//!
//! Somebody takes over at once, somebody puts another person on call, or somebody asks: one person
//! (a swap) or anybody of the schedule. What is agreed is an override of the schedule; what is asked
//! changes nothing until it is taken, and is told to whoever asked when nobody took it in time.
//! Pure: who wins when two people take the same request is decided by the order they are put here.

use super::directory::Directory;
use super::id::Actor;
use super::schedule::{Override, Schedule, check_override};
use super::text::list;
use super::time::Time;
use serde::{Deserialize, Serialize};

/// A span of an override: longer ones are a change of the schedule.
pub const SPAN_MAX_MS: i64 = 62 * 86_400_000;
/// Before its begin a request nobody has taken is told again: 3 days, 1 day, 4 hours, 1 hour.
pub const REMIND_MS: [i64; 4] = [3 * 86_400_000, 86_400_000, 4 * 3_600_000, 3_600_000];

/// One change of who is on call, agreed or asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cover {
    /// Number, given by the engine.
    pub id: i64,
    /// Schedule id.
    pub schedule: String,
    /// Who is relieved, by directory id; `None`: somebody is added.
    pub off: Option<String>,
    /// Who is on call instead; `None` while anybody may take it.
    pub on: Option<String>,
    /// First instant.
    pub since: Time,
    /// First instant that is no longer in it.
    pub until: Time,
    /// Who made it.
    pub by: Actor,
    /// When it was made, or taken: the newer of two counts.
    pub created: Time,
    /// Why; may be empty.
    pub note: String,
    /// Where it stands.
    pub state: State,
    /// How often a request has been told again.
    #[serde(default)]
    pub reminded: u8,
}

/// Where a cover stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Asked, and not yet taken.
    Asked,
    /// In force from its begin to its end.
    Agreed,
    /// The person asked said no.
    Declined,
    /// Nobody took it before it began.
    Expired,
    /// Taken back, or ended before its end.
    Ended,
}

impl State {
    /// The word stored and shown.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            State::Asked => "asked",
            State::Agreed => "agreed",
            State::Declined => "declined",
            State::Expired => "expired",
            State::Ended => "ended",
        }
    }
}

/// What somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Put `on` on call, at once, instead of `off` if somebody is named.
    Put {
        /// Who.
        on: String,
        /// Instead of whom.
        off: Option<String>,
    },
    /// Ask one person, or anybody of the schedule, to take over for whoever asks.
    Ask {
        /// Whom; `None`: anybody.
        of: Option<String>,
    },
}

/// What somebody does to a cover there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// I take over.
    Take,
    /// I cannot.
    Decline,
    /// It is not needed any more.
    Cancel,
}

/// Something to tell a person, or everybody who reads the channel of the schedule's people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Directory id; `None`: the channel.
    pub to: Option<String>,
    /// In words.
    pub text: String,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// As it is now.
    pub cover: Cover,
    /// What is odd about it, for whoever did it.
    pub warnings: Vec<String>,
    /// Who is told.
    pub notices: Vec<Notice>,
}

impl Cover {
    /// `cover-7`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("cover-{}", self.id)
    }

    /// As an override of its schedule, while it is in force.
    #[must_use]
    pub fn as_override(&self) -> Option<Override> {
        (self.state == State::Agreed).then(|| Override {
            id: self.name(),
            remove: self.off.clone(),
            add: self.on.clone(),
            since: self.since,
            until: self.until,
            by: self.by.name().to_owned(),
            created: self.created,
            note: self.note.clone(),
        })
    }

    /// When it is to be looked at again: a reminder, or the end of a request.
    #[must_use]
    pub fn wake_at(&self) -> Option<Time> {
        if self.state != State::Asked {
            return None;
        }
        // Reminders that would have been due before it was made are none.
        let after = |ms: &&i64| self.since.plus_ms(-**ms) > self.created;
        let due = REMIND_MS
            .iter()
            .filter(after)
            .nth(usize::from(self.reminded));
        Some(due.map_or(self.since, |ms| self.since.plus_ms(-ms)))
    }

    /// `Ana off, Bo on, Web primary, Fri 27 Mar 18:00 CET to Sat 28 Mar 10:00 CET`.
    #[must_use]
    pub fn words(&self, directory: &Directory) -> String {
        let name = |id: &String| directory.person_name(id);
        let who = match (&self.off, &self.on) {
            (Some(off), Some(on)) => format!("{} for {}", name(on), name(off)),
            (None, Some(on)) => format!("{} as well", name(on)),
            (Some(off), None) => format!("somebody for {}", name(off)),
            (None, None) => "nobody".to_owned(),
        };
        format!("{who} on {}", self.span(directory))
    }

    fn span(&self, directory: &Directory) -> String {
        match directory.schedules.get(&self.schedule) {
            Some(s) => format!(
                "{}, {} to {}",
                s.name,
                s.local(self.since),
                s.local(self.until)
            ),
            None => format!("{} (no longer configured)", self.schedule),
        }
    }
}

/// Makes a cover, or a request for one.
///
/// # Errors
/// A sentence naming what is wrong and the remedy.
pub fn make(
    directory: &Directory,
    now: Time,
    by: &Actor,
    id: i64,
    wanted: (&str, Time, Time),
    wish: Wish,
    note: String,
) -> Result<Decided, String> {
    let (schedule, since, until) = wanted;
    let schedule = find(directory, schedule)?;
    if until <= now {
        return Err("That time is over; give one that is to come.".to_owned());
    }
    if until.since_ms(since) > SPAN_MAX_MS {
        return Err(
            "A cover lasts at most two months; change the schedule's file for longer.".to_owned(),
        );
    }
    let mut cover = Cover {
        id,
        schedule: schedule.id.clone(),
        off: None,
        on: None,
        since,
        until,
        by: by.clone(),
        created: now,
        note,
        state: State::Agreed,
        reminded: 0,
    };
    match wish {
        Wish::Put { on, off } => (cover.on, cover.off) = (Some(on), off),
        Wish::Ask { of } => {
            let me = by.person().ok_or(
                "firebell does not know who you are here; `link` your account first.".to_owned(),
            )?;
            (cover.on, cover.off, cover.state) = (of, Some(me.to_owned()), State::Asked);
            if since <= now {
                return Err(
                    "A request begins in the future, so that somebody has time to take it; to hand over now, `cover` with somebody's name in the other direction or `override`.".to_owned(),
                );
            }
        }
    }
    for id in [&cover.on, &cover.off].into_iter().flatten() {
        if !directory.people.contains_key(id) {
            return Err(format!("There is no person {id:?} in the directory."));
        }
    }
    let warnings = judge(schedule, &cover)?;
    if cover.state == State::Asked {
        let mine = schedule.shifts(since, until);
        let me = cover.off.as_ref();
        if !mine.iter().any(|t| t.people.iter().any(|p| Some(p) == me)) {
            return Err(format!(
                "You are not on call on {} in that time, so nobody has to take over.",
                schedule.name
            ));
        }
    }
    let notices = told(directory, schedule, &cover);
    Ok(Decided {
        cover,
        warnings,
        notices,
    })
}

/// Takes a request over.
///
/// # Errors
/// Somebody else was first, it is over, or it is not for this person.
pub fn take(
    directory: &Directory,
    now: Time,
    by: &Actor,
    cover: &Cover,
) -> Result<Decided, String> {
    let me = known(directory, by)?;
    open(directory, cover)?;
    if cover.off.as_deref() == Some(&me) {
        return Err("You asked for it yourself; `cancel` takes it back.".to_owned());
    }
    if let Some(on) = cover.on.as_ref().filter(|on| **on != me) {
        return Err(format!(
            "{} was asked; they can take or decline it.",
            directory.person_name(on)
        ));
    }
    if now >= cover.until {
        return Err("That time is over.".to_owned());
    }
    let schedule = find(directory, &cover.schedule)?;
    let taken = Cover {
        on: Some(me.clone()),
        state: State::Agreed,
        created: now,
        ..cover.clone()
    };
    let warnings = judge(schedule, &taken)?;
    let text = format!(
        "{} takes over: {}.",
        directory.person_name(&me),
        taken.words(directory)
    );
    let notices = tell(taken.off.iter().cloned(), &text);
    Ok(Decided {
        cover: taken,
        warnings,
        notices,
    })
}

/// Says no to a request that was for this person.
///
/// # Errors
/// It is not open, or not for this person.
pub fn decline(directory: &Directory, by: &Actor, cover: &Cover) -> Result<Decided, String> {
    let me = known(directory, by)?;
    open(directory, cover)?;
    if cover.on.as_deref() != Some(&me) {
        return Err(
            "It was not asked of you alone; whoever does not want it just leaves it.".to_owned(),
        );
    }
    let name = directory.person_name(&me);
    let text = format!(
        "{name} cannot take over: {}. You are still on call then; `cover me` asks everybody.",
        cover.span(directory)
    );
    Ok(Decided {
        notices: tell(cover.off.iter().cloned(), &text),
        cover: Cover {
            state: State::Declined,
            ..cover.clone()
        },
        warnings: Vec::new(),
    })
}

/// Takes a request back, or ends a cover: from now on, when it has begun.
///
/// # Errors
/// It is over already, or somebody else's.
pub fn cancel(
    directory: &Directory,
    now: Time,
    by: &Actor,
    cover: &Cover,
) -> Result<Decided, String> {
    let me = known(directory, by)?;
    let over = !matches!(cover.state, State::Asked | State::Agreed) || now >= cover.until;
    if over {
        return Err(format!("{} is over.", cover.name()));
    }
    let involved = [cover.off.as_deref(), cover.on.as_deref(), cover.by.person()];
    if !involved.contains(&Some(me.as_str())) {
        return Err(format!(
            "{} is between others: {}.",
            cover.name(),
            cover.words(directory)
        ));
    }
    let begun = cover.state == State::Agreed && now > cover.since;
    let ended = Cover {
        // What has happened stays as it was.
        state: if begun { State::Agreed } else { State::Ended },
        until: if begun { now } else { cover.until },
        ..cover.clone()
    };
    let text = format!(
        "{} ended {}: {}. The schedule counts again.",
        directory.person_name(&me),
        cover.name(),
        cover.words(directory)
    );
    let others = [cover.off.clone(), cover.on.clone()].into_iter().flatten();
    Ok(Decided {
        notices: tell(others.filter(|p| *p != me), &text),
        cover: ended,
        warnings: Vec::new(),
    })
}

/// What time does to a request: a reminder, or its end. `None`: nothing is due.
#[must_use]
pub fn wake(directory: &Directory, now: Time, cover: &Cover) -> Option<Decided> {
    let due = cover.wake_at()?;
    if due > now {
        return None;
    }
    let schedule = directory.schedules.get(&cover.schedule);
    let decided = |cover: Cover, notices| Decided {
        cover,
        warnings: Vec::new(),
        notices,
    };
    if now >= cover.since || schedule.is_none() {
        let text = format!(
            "Nobody took over: {}. You are on call.",
            cover.span(directory)
        );
        let mut notices = tell(cover.off.iter().cloned(), &text);
        notices.push(Notice {
            to: None,
            text: format!("Nobody took {}: {}.", cover.name(), cover.words(directory)),
        });
        let over = Cover {
            state: State::Expired,
            ..cover.clone()
        };
        return Some(decided(over, notices));
    }
    // A late engine tells once, not once for each reminder it missed.
    let mut next = cover.clone();
    while next
        .wake_at()
        .is_some_and(|at| at <= now && at < next.since)
    {
        next.reminded += 1;
    }
    let notices = told(directory, schedule?, cover);
    Some(decided(next, notices))
}

fn find<'a>(directory: &'a Directory, id: &str) -> Result<&'a Schedule, String> {
    let found = directory.schedules.get(id);
    found.ok_or_else(|| format!("There is no schedule {id:?}."))
}

fn known(directory: &Directory, by: &Actor) -> Result<String, String> {
    let me = by.person().filter(|id| directory.people.contains_key(*id));
    me.map(str::to_owned).ok_or_else(|| {
        "firebell does not know who you are here; `link` your account first.".to_owned()
    })
}

fn open(directory: &Directory, cover: &Cover) -> Result<(), String> {
    match cover.state {
        State::Asked => Ok(()),
        State::Agreed => Err(format!("It is taken already: {}.", cover.words(directory))),
        State::Declined | State::Expired | State::Ended => Err(format!(
            "{} is over ({}).",
            cover.name(),
            cover.state.word()
        )),
    }
}

/// The schedule's own judgement of the override this would be.
fn judge(schedule: &Schedule, cover: &Cover) -> Result<Vec<String>, String> {
    let meant = Cover {
        state: State::Agreed,
        ..cover.clone()
    };
    // A request to anybody adds nobody yet.
    match meant.as_override().filter(|o| o.add.is_some()) {
        Some(new) => check_override(schedule, &new).map_err(|why| sentence(&why)),
        None if cover.since >= cover.until => {
            Err("It would end before it begins: give a later end.".to_owned())
        }
        None => Ok(Vec::new()),
    }
}

fn sentence(why: &str) -> String {
    let mut chars = why.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), chars.as_str())
}

/// Who hears of a new cover or request.
fn told(directory: &Directory, schedule: &Schedule, cover: &Cover) -> Vec<Notice> {
    let name = |id: &str| directory.person_name(id);
    let why = if cover.note.is_empty() {
        String::new()
    } else {
        format!(" ({})", cover.note)
    };
    let me = cover.by.person();
    match (&cover.state, &cover.on) {
        (State::Asked, Some(on)) => {
            let off = cover.off.as_deref().map(name).unwrap_or_default();
            let (span, id) = (cover.span(directory), cover.name());
            let text = format!(
                "{off} asks you to take over{why}: {span}. Answer `take {id}` or `decline {id}`."
            );
            tell([on.clone()], &text)
        }
        (State::Asked, None) => {
            let off = cover.off.as_deref().map(name).unwrap_or_default();
            let others: Vec<String> = schedule
                .everybody()
                .into_iter()
                .filter(|p| Some(*p) != cover.off.as_deref())
                .map(str::to_owned)
                .collect();
            let names: Vec<String> = others.iter().map(|p| name(p)).collect();
            let text = format!(
                "{off} asks who can take over{why}: {}. Answer `take {}`.",
                cover.span(directory),
                cover.name()
            );
            let mut notices = tell(others, &text);
            notices.push(Notice {
                to: None,
                text: format!("{text} Asked: {}.", list(&names)),
            });
            notices
        }
        _ => {
            let text = format!("{}: {}{why}.", cover.by.name(), cover.words(directory));
            let both = [cover.on.clone(), cover.off.clone()].into_iter().flatten();
            tell(both.filter(|p| Some(p.as_str()) != me), &text)
        }
    }
}

fn tell(people: impl IntoIterator<Item = String>, text: &str) -> Vec<Notice> {
    let people = people.into_iter();
    people
        .map(|to| Notice {
            to: Some(to),
            text: text.to_owned(),
        })
        .collect()
}
