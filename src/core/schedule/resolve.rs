//! Who is on call at an instant, and why: temporary schedules over overrides over layers.
//!
//! Promises: one function answers for the engine, the preview, the console, calendars and the
//! command line. The highest level that has somebody wins, everybody of that level together. A layer
//! that should have somebody and has not falls through to a lower level, and that is noted. What is
//! answered holds in `[since, until)` at least.

use super::listed::{Listed, Shift};
use super::overrides::{Active, Put};
use super::wall::{first, reached};
use super::window::Restriction;
use super::{Layer, Schedule, Source, Temporary, Version};
use crate::core::time::Time;

/// What holds in a span of time, borrowed from the schedule.
#[derive(Clone, Debug)]
pub(super) struct Piece<'a> {
    /// Who is paged, each once.
    pub people: Vec<(&'a str, Cause<'a>)>,
    /// Who is shown and never paged.
    pub shadows: Vec<&'a str>,
    /// Layers that should have somebody and have not.
    pub dead: Vec<&'a str>,
    /// The temporary schedule that decides.
    pub temporary: Option<&'a Temporary>,
    pub since: Time,
    pub until: Time,
}

/// Why somebody is on call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cause<'a> {
    /// The n-th turn (from 0) of a layer, until its own end.
    Turn {
        layer: &'a str,
        n: i64,
        until: Time,
    },
    /// A listed shift of a layer or of a temporary schedule.
    Listed {
        of: &'a str,
        shift: &'a Shift,
        until: Time,
    },
    Override(Put<'a>),
}

impl Cause<'_> {
    /// Whether it is the same turn, shift or override.
    fn same(&self, other: &Cause<'_>) -> bool {
        match (self, other) {
            (Cause::Turn { layer, n, .. }, Cause::Turn { layer: l, n: m, .. }) => {
                layer == l && n == m
            }
            (Cause::Listed { shift, .. }, Cause::Listed { shift: s, .. }) => {
                (shift.since, shift.until) == (s.since, s.until)
            }
            (Cause::Override(a), Cause::Override(b)) => a.by.id == b.by.id,
            _ => false,
        }
    }
}

impl Piece<'_> {
    /// Whether nothing changes for anybody, not even the turn.
    pub fn same(&self, other: &Piece<'_>) -> bool {
        let pairs = || self.people.iter().zip(&other.people);
        self.same_people(other) && pairs().all(|((_, a), (_, b))| a.same(b))
    }

    /// Whether the same people are on call, for whatever reason.
    pub fn same_people(&self, other: &Piece<'_>) -> bool {
        self.people.len() == other.people.len()
            && self.shadows == other.shadows
            && self.people.iter().all(|(p, _)| other.has(p))
    }

    fn has(&self, person: &str) -> bool {
        self.people.iter().any(|(p, _)| *p == person)
    }

    fn narrow(&mut self, since: Time, until: Time) {
        self.since = self.since.max(since);
        self.until = self.until.min(until);
    }
}

/// What one version of a layer says.
struct State<'a> {
    duty: Duty<'a>,
    since: Time,
    until: Time,
}

enum Duty<'a> {
    /// Not its time, or nobody's turn on purpose.
    Off,
    /// Somebody should be there.
    Dead,
    On(Vec<(&'a str, Cause<'a>)>),
}

/// A layer's version at an instant.
struct Live<'a> {
    layer: &'a Layer,
    version: &'a Version,
}

impl Schedule {
    /// What holds at an instant.
    pub(super) fn piece(&self, at: Time) -> Piece<'_> {
        let mut piece = Piece {
            people: Vec::new(),
            shadows: Vec::new(),
            dead: Vec::new(),
            temporary: None,
            since: Time(i64::MIN),
            until: Time::FAR,
        };
        for temporary in &self.temporary {
            if temporary.since <= at && at < temporary.until {
                piece.narrow(temporary.since, temporary.until);
                piece.temporary = Some(temporary);
            } else if temporary.until <= at {
                piece.narrow(temporary.until, Time::FAR);
            } else {
                piece.narrow(Time(i64::MIN), temporary.since);
            }
        }
        if let Some(temporary) = piece.temporary {
            let name = temporary.name.as_str();
            let state = listed(name, &temporary.shifts, at);
            piece.narrow(state.since, state.until);
            piece.take(state.duty, name);
            return piece;
        }
        self.layers_at(at, &mut piece);
        self.overrides_at(at, &mut piece);
        let Piece {
            people, shadows, ..
        } = &mut piece;
        // Whoever is paged does not shadow as well.
        shadows.retain(|s| !people.iter().any(|(p, _)| p == s));
        piece
    }

    fn layers_at<'a>(&'a self, at: Time, piece: &mut Piece<'a>) {
        let mut live: Vec<Live<'a>> = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let next = layer.versions.partition_point(|v| v.from <= at);
            if let Some(later) = layer.versions.get(next) {
                piece.narrow(Time(i64::MIN), later.from);
            }
            if let Some(version) = next.checked_sub(1).and_then(|n| layer.versions.get(n)) {
                piece.narrow(version.from, Time::FAR);
                live.push(Live { layer, version });
            }
        }
        live.sort_by_key(|l| std::cmp::Reverse(l.version.level));
        let mut decided = None;
        for l in &live {
            let level = l.version.level;
            if !l.version.paged {
                let state = self.state(l, at);
                piece.narrow(state.since, state.until);
                if let Duty::On(people) = state.duty {
                    piece.shadow(people.into_iter().map(|(p, _)| p));
                }
                continue;
            }
            if decided.is_some_and(|d| d > level) {
                continue;
            }
            let state = self.state(l, at);
            piece.narrow(state.since, state.until);
            if matches!(state.duty, Duty::On(_)) {
                decided = Some(level);
                piece.shadow(l.version.shadows.iter().map(String::as_str));
            }
            piece.take(state.duty, &l.layer.name);
        }
    }

    fn state<'a>(&'a self, live: &Live<'a>, at: Time) -> State<'a> {
        let version = live.version;
        let restriction = Restriction {
            windows: &version.windows,
            rule: version.on_holidays,
            holidays: &self.holidays,
            zone: version.zone,
        };
        let mut bounds = (Time(i64::MIN), Time::FAR);
        if !restriction.none() {
            let cover = restriction.cover(at);
            if !cover.inside {
                return State {
                    duty: Duty::Off,
                    since: cover.since,
                    until: cover.until,
                };
            }
            bounds = (cover.since, cover.until);
        }
        let name = &live.layer.name;
        let mut state = match &version.source {
            Source::Rotation(_) => turn(name, version, at),
            Source::Listed(shifts) => listed(name, shifts, at),
        };
        state.since = state.since.max(bounds.0);
        state.until = state.until.min(bounds.1);
        if let Duty::On(people) = &mut state.duty {
            for (_, cause) in people {
                if let Cause::Turn { until, .. } | Cause::Listed { until, .. } = cause {
                    *until = (*until).min(bounds.1);
                }
            }
        }
        state
    }

    fn overrides_at<'a>(&'a self, at: Time, piece: &mut Piece<'a>) {
        if self.overrides.is_empty() {
            return;
        }
        let active = Active::at(&self.overrides, at);
        piece.narrow(active.since, active.until);
        if active.is_empty() {
            return;
        }
        piece.people.retain(|(p, _)| active.keeps(p));
        for put in active.put() {
            if !piece.has(put.person) {
                piece.people.push((put.person, Cause::Override(put)));
            }
        }
    }
}

impl<'a> Piece<'a> {
    fn take(&mut self, duty: Duty<'a>, name: &'a str) {
        match duty {
            Duty::Off => {}
            Duty::Dead => self.dead.push(name),
            Duty::On(people) => {
                for (person, cause) in people {
                    if !self.has(person) {
                        self.people.push((person, cause));
                    }
                }
            }
        }
    }

    fn shadow(&mut self, people: impl Iterator<Item = &'a str>) {
        for person in people {
            if !self.shadows.contains(&person) {
                self.shadows.push(person);
            }
        }
    }
}

fn turn<'a>(layer: &'a str, version: &'a Version, at: Time) -> State<'a> {
    let off = |since, until| State {
        duty: Duty::Off,
        since,
        until,
    };
    let Source::Rotation(rotation) = &version.source else {
        return off(Time(i64::MIN), Time::FAR);
    };
    let zone = version.zone;
    let Some(slot) = rotation.slot(reached(zone, at)) else {
        return off(Time(i64::MIN), first(zone, rotation.begin()));
    };
    let since = first(zone, slot.since);
    let until = slot.until.map_or(Time::FAR, |w| first(zone, w));
    let cause = Cause::Turn {
        layer,
        n: slot.n,
        until,
    };
    let mut people: Vec<(&str, Cause<'_>)> = Vec::new();
    for person in rotation.group(slot.n) {
        if !people.iter().any(|(p, _)| *p == person) {
            people.push((person, cause));
        }
    }
    let duty = match people.is_empty() {
        false => Duty::On(people),
        // A rotation of nobody at all is a mistake; an empty turn among others is a buffer.
        true if rotation.turns.iter().all(Vec::is_empty) => Duty::Dead,
        true => Duty::Off,
    };
    State { duty, since, until }
}

fn listed<'a>(of: &'a str, shifts: &'a Listed, at: Time) -> State<'a> {
    let found = shifts.at(at);
    let mut people: Vec<(&str, Cause<'_>)> = Vec::new();
    for shift in &found.shifts {
        let until = shift.until;
        for person in shift.people.iter() {
            if !people.iter().any(|(p, _)| p == person) {
                people.push((person, Cause::Listed { of, shift, until }));
            }
        }
    }
    let duty = match (people.is_empty(), found.shifts.is_empty()) {
        (false, _) => Duty::On(people),
        (true, false) => Duty::Dead,
        (true, true) => Duty::Off,
    };
    State {
        duty,
        since: found.since,
        until: found.until,
    }
}
