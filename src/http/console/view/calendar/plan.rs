//! What a calendar shows, as data: days by their real instants, and rows of bars on them.
//!
//! Promises: everything is placed by instants, so a day the clock changes on has the width of its 23 or
//! 25 hours. The row of who is on call is [`Schedule::turns`] itself; a layer's row is the same function
//! on a schedule of that layer alone, so that a row shows what the layer would say by itself.

use super::super::parts::hue;
use crate::core::directory::Directory;
use crate::core::schedule::{Override, Schedule, Turn, instant, spoken};
use crate::core::text::list;
use crate::core::time::Time;
use chrono::{NaiveDate, NaiveTime, TimeZone};
use chrono_tz::Tz;

/// A stretch of whole days with its rows.
#[derive(Clone, Debug)]
pub(in crate::http::console) struct Strip {
    pub(super) since: Time,
    pub(super) until: Time,
    pub(super) days: Vec<Day>,
    pub(super) rows: Vec<Row>,
}

/// A local date as it really was or will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Day {
    pub(super) date: NaiveDate,
    pub(super) since: Time,
    pub(super) until: Time,
    /// Of the schedule's own calendar.
    pub(super) holiday: Option<String>,
}

/// A row of bars.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) kind: Kind,
    pub(super) name: String,
    /// Bars that overlap are beside each other; at least 1.
    pub(super) lanes: u32,
    pub(super) bars: Vec<Bar>,
}

/// What a row is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Layer,
    Override,
    Temporary,
    OnCall,
    Shadow,
}

impl Kind {
    /// For the style sheet.
    pub(super) fn word(self) -> &'static str {
        match self {
            Kind::Layer => "layer",
            Kind::Override => "override",
            Kind::Temporary => "temporary",
            Kind::OnCall => "oncall",
            Kind::Shadow => "shadow",
        }
    }
}

/// Something from an instant to an instant, with its whole ends even where they are not shown.
#[derive(Clone, Debug)]
pub(super) struct Bar {
    pub(super) since: Time,
    pub(super) until: Time,
    pub(super) lane: u32,
    pub(super) look: Look,
    pub(super) label: String,
    /// The whole story, for hovering and for screen readers.
    pub(super) story: String,
    /// Beginning of the turn that is in force where it begins to be shown.
    pub(super) turn: Time,
}

/// How a bar is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// In the colour of a person.
    Person(u32),
    /// The same as an outline: never paged.
    Shadow(u32),
    /// Nobody where somebody should be.
    Gap,
    /// Words about people.
    Note,
}

impl Strip {
    /// Where an instant is, percent of the width.
    pub(super) fn percent(&self, at: Time) -> f64 {
        let (since, until) = (self.since, self.until);
        let whole = until.since_ms(since).max(1);
        let part = at.max(since).min(until).since_ms(since);
        // Two weeks are 1e9 milliseconds: exact in a float by far.
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let percent = part as f64 * 100.0 / whole as f64;
        percent
    }

    pub(super) fn has(&self, at: Time) -> bool {
        self.since <= at && at < self.until
    }
}

/// A schedule taken apart, to be drawn for some days.
pub(in crate::http::console) struct Plan<'a> {
    schedule: &'a Schedule,
    directory: &'a Directory,
    zone: Tz,
    layers: Vec<Schedule>,
}

impl<'a> Plan<'a> {
    pub(in crate::http::console) fn new(
        directory: &'a Directory,
        schedule: &'a Schedule,
        zone: Tz,
    ) -> Plan<'a> {
        let alone = |layer: &crate::core::schedule::Layer| Schedule {
            name: layer.name.clone(),
            zone: schedule.zone,
            layers: vec![layer.clone()],
            holidays: schedule.holidays.clone(),
            ..Schedule::default()
        };
        Plan {
            schedule,
            directory,
            zone,
            layers: schedule.layers.iter().map(alone).collect(),
        }
    }

    /// The strip of `count` dates from `from`. `over`: the whole span of the page, so that strips below
    /// each other have the same rows; `all`: the schedule's turns in it.
    pub(in crate::http::console) fn strip(
        &self,
        from: NaiveDate,
        count: usize,
        over: (Time, Time),
        all: &[Turn],
    ) -> Strip {
        let days = self.days(from, count);
        let since = days.first().map_or(over.0, |d| d.since);
        let until = days.last().map_or(over.1, |d| d.until);
        let mut rows: Vec<Row> = self
            .layers
            .iter()
            .map(|l| self.layer(l, since, until))
            .collect();
        rows.extend(self.overrides(since, until, over));
        rows.extend(self.temporary(since, until, over));
        let here = |t: &&Turn| t.since < until && since < t.until;
        let turns: Vec<&Turn> = all.iter().filter(here).collect();
        rows.push(self.on_call(&turns));
        let shadowed = |l: &crate::core::schedule::Layer| {
            l.versions.iter().any(|v| !v.paged || !v.shadows.is_empty())
        };
        if self.schedule.layers.iter().any(shadowed) {
            let mut row = Row::new(Kind::Shadow, "Shadows");
            for turn in &turns {
                self.shadows(&mut row, turn);
            }
            rows.push(row);
        }
        for bar in rows.iter_mut().flat_map(|r| &mut r.bars) {
            let begin = bar.since.max(since);
            let turn = turns.iter().rev().find(|t| t.since <= begin);
            bar.turn = turn.map_or(begin, |t| t.since);
        }
        Strip {
            since,
            until,
            days,
            rows,
        }
    }

    /// Dates by their real instants; one the calendar leaves out (Samoa, 30 December 2011) is left out.
    fn days(&self, from: NaiveDate, count: usize) -> Vec<Day> {
        let begin = |date: NaiveDate| instant(self.zone, date.and_time(NaiveTime::MIN));
        let day = |date: NaiveDate| Day {
            date,
            since: begin(date),
            until: date.succ_opt().map_or(begin(date), begin),
            holiday: self.schedule.holidays.get(&date).cloned(),
        };
        let days = from.iter_days().take(count).map(day);
        days.filter(|d| d.since < d.until).collect()
    }

    fn layer(&self, layer: &Schedule, since: Time, until: Time) -> Row {
        let mut row = Row::new(Kind::Layer, &layer.name);
        for turn in layer.turns(since, until) {
            self.people(&mut row, &turn);
            self.shadows(&mut row, &turn);
            if turn.people.is_empty() && !turn.notes.is_empty() {
                row.gap(self, &turn, "has nobody");
            }
        }
        row
    }

    fn on_call(&self, turns: &[&Turn]) -> Row {
        let mut row = Row::new(Kind::OnCall, "On call");
        for turn in turns {
            self.people(&mut row, turn);
            if turn.people.is_empty() {
                row.gap(self, turn, "nobody");
            }
        }
        row
    }

    fn people(&self, row: &mut Row, turn: &Turn) {
        for (n, person) in turn.people.iter().enumerate() {
            let why = turn.why.get(n).map_or("", String::as_str);
            let look = Look::Person(hue(person));
            let name = self.directory.person_name(person);
            row.push(self, (turn.since, turn.until), look, name, why);
        }
    }

    fn shadows(&self, row: &mut Row, turn: &Turn) {
        for person in &turn.shadows {
            let look = Look::Shadow(hue(person));
            let name = format!("{} (shadow)", self.directory.person_name(person));
            row.push(
                self,
                (turn.since, turn.until),
                look,
                name,
                "shown beside whoever is on call, never paged",
            );
        }
    }

    fn overrides(&self, since: Time, until: Time, over: (Time, Time)) -> Option<Row> {
        let all = || self.schedule.overrides.iter();
        if !all().any(|o| o.since < over.1 && over.0 < o.until) {
            return None;
        }
        let mut row = Row::new(Kind::Override, "Overrides");
        let mut here: Vec<&Override> = all()
            .filter(|o| o.since < until && since < o.until)
            .collect();
        here.sort_by_key(|o| (o.since, o.until));
        for o in here {
            let by = if o.note.is_empty() {
                format!("by {}", o.by)
            } else {
                format!("by {}: {}", o.by, o.note)
            };
            row.push(self, (o.since, o.until), Look::Note, self.words(o), &by);
        }
        Some(row)
    }

    /// As [`Override::words`], with names.
    fn words(&self, o: &Override) -> String {
        let name = |id: &String| self.directory.person_name(id);
        match (o.add.as_ref().map(name), o.remove.as_ref().map(name)) {
            (Some(add), Some(remove)) => format!("{add} covers {remove}"),
            (Some(add), None) => format!("{add} is added"),
            (None, Some(remove)) => format!("{remove} is off"),
            (None, None) => o.words(),
        }
    }

    fn temporary(&self, since: Time, until: Time, over: (Time, Time)) -> Option<Row> {
        let all = || self.schedule.temporary.iter();
        if !all().any(|t| t.since < over.1 && over.0 < t.until) {
            return None;
        }
        let mut row = Row::new(Kind::Temporary, "Temporary");
        for temporary in all().filter(|t| t.since < until && since < t.until) {
            let alone = Schedule {
                zone: self.schedule.zone,
                temporary: vec![temporary.clone()],
                ..Schedule::default()
            };
            let within = (temporary.since.max(since), temporary.until.min(until));
            for mut turn in alone.turns(within.0, within.1) {
                // A hole at its edge is like the time outside of it, and would reach over.
                turn.since = turn.since.max(temporary.since);
                turn.until = turn.until.min(temporary.until);
                self.people(&mut row, &turn);
                if turn.people.is_empty() {
                    row.gap(self, &turn, &format!("{}: nobody", temporary.name));
                }
            }
        }
        Some(row)
    }

    /// `Mon 30 Nov 09:00 CET to Mon 7 Dec 09:00 CET`, on the page's clock, and on the schedule's when
    /// that is another.
    fn span(&self, since: Time, until: Time) -> String {
        let own = span(since, until, self.zone);
        if self.zone == self.schedule.zone {
            own
        } else {
            format!("{own} ({})", span(since, until, self.schedule.zone))
        }
    }
}

/// From when until when, for people.
pub(super) fn span(since: Time, until: Time, zone: Tz) -> String {
    let begin = if since.0 == i64::MIN {
        "always".to_owned()
    } else {
        spoken(since, zone)
    };
    format!("{begin} to {}", spoken(until, zone))
}

/// The date a clock in a zone shows.
pub(in crate::http::console) fn date(at: Time, zone: Tz) -> NaiveDate {
    zone.from_utc_datetime(&at.utc().naive_utc()).date_naive()
}

impl Row {
    fn new(kind: Kind, name: &str) -> Row {
        Row {
            kind,
            name: name.to_owned(),
            lanes: 1,
            bars: Vec::new(),
        }
    }

    fn push(
        &mut self,
        plan: &Plan<'_>,
        (since, until): (Time, Time),
        look: Look,
        label: String,
        why: &str,
    ) {
        let taken = |lane: &u32| {
            let there = self.bars.iter().rev().filter(|b| b.lane == *lane);
            there.map(|b| b.until).max().is_some_and(|end| end > since)
        };
        let lane = (0..self.lanes).find(|lane| !taken(lane));
        let lane = lane.unwrap_or(self.lanes);
        self.lanes = self.lanes.max(lane + 1);
        let when = plan.span(since, until);
        let because = if why.is_empty() {
            String::new()
        } else {
            format!(": {why}")
        };
        self.bars.push(Bar {
            since,
            until,
            lane,
            look,
            story: format!("{label}, {when}{because}"),
            label,
            turn: since,
        });
    }

    fn gap(&mut self, plan: &Plan<'_>, turn: &Turn, label: &str) {
        let why = list(&turn.notes);
        self.push(
            plan,
            (turn.since, turn.until),
            Look::Gap,
            label.to_owned(),
            &why,
        );
    }
}
