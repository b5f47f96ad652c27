//! Who is on call: a pure function of the configuration, the overrides and an instant.
//!
//! There is no stored position. The turn at an instant comes from arithmetic on the wall clock, so
//! history and future come from the same formula, and everything that shows or pages asks the same
//! function: [`Schedule::on_call`]. A span is `[start, end)`: the new turn owns its first instant.
//!
//! A schedule has layers. The highest level that has somebody wins, everybody of that level
//! together. Overrides win over layers, temporary schedules over both. A layer has versions: the
//! newest whose beginning is not after an instant counts there, so a change of today leaves
//! yesterday alone. `docs/on-call.md` explains all of it for authors.
//!
//! Road not taken: rendering shifts into a cache. A cache needs to be thrown away at the right
//! moments, and the answer at one instant takes a few microseconds.

mod cron;
mod gaps;
mod ledger;
mod listed;
mod overrides;
mod resolve;
mod rotation;
mod stints;
#[cfg(test)]
mod tests;
mod wall;
mod when;
mod window;

pub use cron::CronPlan;
pub use gaps::{Difference, Finding, Kind, Leave, Leaves, differences, findings};
pub use ledger::{Effect, Ledger, Share, Weights, effect, ledger};
pub use listed::{Listed, Shift};
pub use overrides::{Override, check as check_override};
pub use rotation::{Handoff, Rotation, parse_handoff};
pub use stints::{Stint, stints};
pub use wall::{clock, end_instant, instant, parse_at, spoken, stamp};
pub use when::{Edge, is_clock, is_day, parse_when};
pub use window::{Days, OnHolidays, Window};

use super::time::Time;
use chrono::{NaiveDate, NaiveDateTime};
use chrono_tz::Tz;
use resolve::{Cause, Piece};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Pieces of which one turn may consist before it is cut.
const JOINED: usize = 32;
/// Pieces that are looked through for the next change.
const LOOKED: usize = 2_000;

/// Local dates that are holidays, by date, with their names.
pub type Holidays = Arc<BTreeMap<NaiveDate, String>>;

/// Who is on call when.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    /// Key.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Zone times are shown in, and of layers that name none.
    pub zone: Tz,
    /// Highest level first is usual; the order within a level is the order people are named in.
    pub layers: Vec<Layer>,
    /// Spans with fixed shifts and nothing else. Of two that overlap the later in the list counts.
    pub temporary: Vec<Temporary>,
    /// From files and from people, in any order. Each is looked at for each answer: leave out what is
    /// older than anybody asks about.
    pub overrides: Vec<Override>,
    /// For restrictions and for the ledger.
    pub holidays: Holidays,
}

/// A rotation or a list of shifts on a level, through all its versions.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Unique within the schedule.
    pub name: String,
    /// In order of `from`.
    pub versions: Vec<Version>,
}

/// What a layer is from an instant on, until its next version.
#[derive(Clone, Debug)]
pub struct Version {
    /// First instant it counts; `Time(i64::MIN)`: since ever.
    pub from: Time,
    /// The highest level with somebody wins.
    pub level: i32,
    /// Zone of its wall clock.
    pub zone: Tz,
    /// Who has turns.
    pub source: Source,
    /// It is there in these windows only; empty: always.
    pub windows: Vec<Window>,
    /// On which dates its windows open.
    pub on_holidays: OnHolidays,
    /// Shown beside whoever is on call by this layer, never paged.
    pub shadows: Vec<String>,
    /// False: everybody of this layer is shown and never paged; then its level does not matter.
    pub paged: bool,
}

/// Where a layer's people come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Turns by arithmetic.
    Rotation(Rotation),
    /// Shifts one by one, from a calendar.
    Listed(Listed),
}

/// A span in which only these shifts count; a hole in it means nobody.
#[derive(Clone, Debug)]
pub struct Temporary {
    /// For people: `Christmas`.
    pub name: String,
    /// First instant.
    pub since: Time,
    /// First instant that is no longer in it.
    pub until: Time,
    /// Who, within the span.
    pub shifts: Listed,
}

/// One turn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Who is paged; empty: nobody.
    pub people: Vec<String>,
    /// Who is shown beside them and never paged.
    pub shadows: Vec<String>,
    /// Why, for each of `people` in the same order: `layer weekdays, turn 14, until Mon 2 Mar 09:00 CET`.
    pub why: Vec<String>,
    /// What is wrong though somebody may be on call: `layer experts has nobody`.
    pub notes: Vec<String>,
    /// First instant; `Time(i64::MIN)` when nothing is known before.
    pub since: Time,
    /// First instant that is no longer in it; `Time::FAR` when there is no next hand-off.
    pub until: Time,
}

impl Version {
    /// A rotation that is always there, on level 0.
    #[must_use]
    pub fn of(zone: Tz, source: Source) -> Version {
        Version {
            from: Time(i64::MIN),
            level: 0,
            zone,
            source,
            windows: Vec::new(),
            on_holidays: OnHolidays::Also,
            shadows: Vec::new(),
            paged: true,
        }
    }

    /// Everybody it can name.
    pub(crate) fn everybody(&self) -> impl Iterator<Item = &str> {
        let (turns, shifts) = match &self.source {
            Source::Rotation(r) => (r.turns.as_slice(), &[][..]),
            Source::Listed(l) => (&[][..], l.shifts()),
        };
        let of_turns = turns.iter().flatten();
        let of_shifts = shifts.iter().flat_map(|s| s.people.iter());
        of_turns.chain(of_shifts).map(String::as_str)
    }
}

impl Schedule {
    /// A schedule of one layer, in which people take turns one by one.
    #[must_use]
    pub fn rotation(
        id: &str,
        name: &str,
        zone: Tz,
        (handoff, starts): (Handoff, NaiveDateTime),
        people: &[&str],
    ) -> Schedule {
        let rotation = Rotation {
            starts,
            handoff,
            turns: people.iter().map(|p| vec![(*p).to_owned()]).collect(),
            count: 1,
        };
        Schedule {
            id: id.to_owned(),
            name: name.to_owned(),
            zone,
            layers: vec![Layer {
                name: "rotation".to_owned(),
                versions: vec![Version::of(zone, Source::Rotation(rotation))],
            }],
            ..Schedule::default()
        }
    }

    /// Who is on call at `at`.
    #[must_use]
    pub fn on_call(&self, at: Time) -> Turn {
        self.turn(&self.whole(wall::sane(at)))
    }

    /// The turns from the one at `from`, at most `limit`.
    #[must_use]
    pub fn upcoming(&self, from: Time, limit: usize) -> Vec<Turn> {
        let mut turns = Vec::new();
        let mut at = wall::sane(from);
        while turns.len() < limit {
            let piece = self.whole(at);
            turns.push(self.turn(&piece));
            if piece.until <= at || piece.until == Time::FAR {
                break;
            }
            at = piece.until;
        }
        turns
    }

    /// Every turn that touches a span, whole: with its own beginning and end.
    #[must_use]
    pub fn turns(&self, from: Time, until: Time) -> Vec<Turn> {
        let (mut at, until) = (wall::sane(from), wall::sane(until));
        let mut turns = Vec::new();
        while at < until {
            let piece = self.whole(at);
            turns.push(self.turn(&piece));
            if piece.until <= at {
                break;
            }
            at = piece.until;
        }
        turns
    }

    /// Every shift of a span in order, cut to it; what follows with the same people is one.
    #[must_use]
    pub fn shifts(&self, from: Time, until: Time) -> Vec<Turn> {
        let mut pieces: Vec<Piece<'_>> = Vec::new();
        let (mut at, until) = (wall::sane(from), wall::sane(until));
        while at < until {
            let mut piece = self.piece(at);
            let next = piece.until.min(until);
            if next <= at {
                break;
            }
            (piece.since, piece.until) = (at, next);
            at = next;
            match pieces.last_mut() {
                Some(last) if last.same_people(&piece) && last.dead == piece.dead => {
                    last.until = next;
                }
                _ => pieces.push(piece),
            }
        }
        pieces.iter().map(|p| self.turn(p)).collect()
    }

    /// The next instant at which who is on call changes, and the turn that begins there.
    #[must_use]
    pub fn next_handoff(&self, after: Time) -> Option<Turn> {
        let first = self.piece(wall::sane(after));
        let mut at = first.until;
        for _ in 0..LOOKED {
            if at == Time::FAR {
                return None;
            }
            let piece = self.whole(at);
            if !piece.same_people(&first) {
                return Some(self.turn(&piece));
            }
            if piece.until <= at {
                return None;
            }
            at = piece.until;
        }
        None
    }

    /// The turn a person has at `from`, or else their next one; `None`: none within reach.
    #[must_use]
    pub fn next_of(&self, person: &str, from: Time) -> Option<Turn> {
        if !self.names(person) {
            return None;
        }
        let mut at = wall::sane(from);
        for _ in 0..LOOKED {
            let piece = self.piece(at);
            if piece.people.iter().any(|(p, _)| *p == person) {
                return Some(self.turn(&self.whole(at)));
            }
            if piece.until <= at || piece.until == Time::FAR {
                return None;
            }
            at = piece.until;
        }
        None
    }

    /// Everybody this schedule can put on call, by whatever means, without shadows.
    #[must_use]
    pub fn everybody(&self) -> BTreeSet<&str> {
        let versions = self.layers.iter().flat_map(|l| &l.versions);
        let of_layers = versions.filter(|v| v.paged).flat_map(Version::everybody);
        let temporary = self.temporary.iter().flat_map(|t| t.shifts.shifts());
        let of_temporary = temporary.flat_map(|s| s.people.iter()).map(String::as_str);
        let added = self.overrides.iter().filter_map(|o| o.add.as_deref());
        of_layers.chain(of_temporary).chain(added).collect()
    }

    /// Whether this schedule can ever put a person on call.
    #[must_use]
    pub fn names(&self, person: &str) -> bool {
        self.everybody().contains(person)
    }

    /// A wall time for people: `Mon 2 Mar 09:00 CET`.
    #[must_use]
    pub fn local(&self, at: Time) -> String {
        spoken(at, self.zone)
    }

    /// The piece at an instant, joined with those around it in which nothing changes.
    fn whole(&self, at: Time) -> Piece<'_> {
        let mut piece = self.piece(at);
        if self.plain() {
            return piece;
        }
        for _ in 0..JOINED {
            if piece.until == Time::FAR {
                break;
            }
            let next = self.piece(piece.until);
            if !piece.same(&next) || next.until <= piece.until {
                break;
            }
            piece.until = next.until;
        }
        for _ in 0..JOINED {
            if piece.since.0 == i64::MIN {
                break;
            }
            let before = self.piece(piece.since.plus_ms(-1));
            if !piece.same(&before) || before.since >= piece.since {
                break;
            }
            piece.since = before.since;
        }
        piece
    }

    /// One layer and nothing else: every edge is one that counts.
    fn plain(&self) -> bool {
        let one = |l: &Layer| {
            let mut versions = l.versions.iter();
            let first = versions.next();
            versions.len() == 0
                && first.is_none_or(|v| v.windows.is_empty() && v.on_holidays == OnHolidays::Also)
        };
        self.layers.len() < 2
            && self.layers.iter().all(one)
            && self.overrides.is_empty()
            && self.temporary.is_empty()
    }

    /// For people to keep.
    fn turn(&self, piece: &Piece<'_>) -> Turn {
        let owned = |s: &&str| (*s).to_owned();
        let hole = piece.temporary.filter(|_| piece.people.is_empty());
        let dead = piece.dead.iter().map(|l| format!("layer {l} has nobody"));
        let hole = hole.map(|t| format!("{} has a hole here", t.name));
        Turn {
            people: piece.people.iter().map(|(p, _)| owned(p)).collect(),
            shadows: piece.shadows.iter().map(owned).collect(),
            why: piece.people.iter().map(|(_, c)| self.why(c)).collect(),
            notes: dead.chain(hole).collect(),
            since: piece.since,
            until: piece.until,
        }
    }

    fn why(&self, cause: &Cause<'_>) -> String {
        match cause {
            Cause::Turn { layer, n, until } => {
                format!(
                    "layer {layer}, turn {}, until {}",
                    n + 1,
                    self.local(*until)
                )
            }
            Cause::Listed { of, shift, until } => {
                let title = &shift.title;
                let title = if title.is_empty() {
                    String::new()
                } else {
                    format!(", \"{title}\"")
                };
                format!("{of}{title}, until {}", self.local(*until))
            }
            Cause::Override(put) => {
                let (by, until) = (put.by, self.local(put.by.until));
                let what = match (&by.remove, put.first) {
                    (Some(covered), Some(first)) => format!("covers {covered}, who covers {first}"),
                    (Some(covered), None) => format!("covers {covered}"),
                    (None, _) => "added".to_owned(),
                };
                format!("override by {}: {what}, until {until}", by.by)
            }
        }
    }
}
