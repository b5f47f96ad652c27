//! The page as data: what is going on, what was, and how each component was on each day.
//!
//! Promises: it is made of public updates and of maintenance with words for everybody, and of nothing
//! else, so nothing else can be on it. The same updates and the same instant give the same page.

use super::{Condition, PageRules};
use crate::core::id::{IncidentId, Seq};
use crate::core::incident::{Affected, Announced, Standing, Update};
use crate::core::time::Time;
use chrono::{DateTime, Days, NaiveDate, TimeZone};
use chrono_tz::Tz;
use std::collections::BTreeMap;

const DAY_MS: i64 = 86_400_000;

/// A public update.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// Its event; unique within the story.
    pub seq: Seq,
    /// When it was given.
    pub at: Time,
    /// The status from then on.
    pub standing: Option<Standing>,
    /// In its author's words.
    pub text: String,
    /// How components are from then on.
    pub components: Vec<Affected>,
    /// When the next one was promised.
    pub next: Option<Time>,
}

/// An incident as everybody knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    /// Its name in addresses: it tells nothing, not even how many incidents there are.
    pub key: String,
    /// Its public title.
    pub title: String,
    /// Newest first; never empty.
    pub notices: Vec<Notice>,
    /// When the first was given.
    pub began: Time,
    /// When the last status was given.
    pub ended: Option<Time>,
}

impl Story {
    /// Its newest update.
    #[must_use]
    pub fn newest(&self) -> Option<&Notice> {
        self.notices.first()
    }

    /// The worst it ever did to a component.
    #[must_use]
    pub fn worst(&self) -> Condition {
        let all = self.notices.iter().flat_map(|n| &n.components);
        all.map(|c| c.condition).max().unwrap_or_default()
    }

    /// Names of the components it ever touched, once each.
    #[must_use]
    pub fn touched(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for c in self.notices.iter().rev().flat_map(|n| &n.components) {
            if !names.contains(&c.name.as_str()) {
                names.push(&c.name);
            }
        }
        names
    }
}

/// Planned work.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// Its name in addresses.
    pub key: String,
    /// What is done, in words for everybody.
    pub text: String,
    /// Ids of the components it touches.
    pub components: Vec<String>,
    /// From when.
    pub starts: Time,
    /// Until when.
    pub ends: Time,
}

/// How a component was on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    /// Which.
    pub date: NaiveDate,
    /// The worst of it.
    pub worst: Condition,
    /// How long it counts as down, milliseconds.
    pub down_ms: i64,
}

/// A component with its past.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Id of the component.
    pub id: String,
    /// What people read.
    pub name: String,
    /// One line below the name; may be empty.
    pub about: String,
    /// Its group; empty: none.
    pub group: String,
    /// How it is now.
    pub condition: Condition,
    /// Oldest first; the last is today.
    pub days: Vec<Day>,
    /// Of those days, in thousandths of a percent: 99,950 is 99.95 %.
    pub uptime: i64,
}

/// A page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Board {
    /// What stands at the top.
    pub title: String,
    /// A line below it.
    pub about: String,
    /// Where it is reached, without a trailing slash.
    pub url: String,
    /// Zone of its days and times.
    pub zone: Tz,
    /// When it was made.
    pub now: Time,
    /// The worst of its components.
    pub overall: Condition,
    /// In the order of the files.
    pub lines: Vec<Line>,
    /// What goes on, the newest first.
    pub open: Vec<Story>,
    /// What is over, the newest first.
    pub past: Vec<Story>,
    /// Planned work that goes on or is to come, the next first.
    pub windows: Vec<Window>,
    /// First day that is shown.
    pub since: NaiveDate,
}

/// A time during which an incident or planned work did something to a component.
struct Span<'a> {
    component: &'a str,
    from: Time,
    until: Time,
    condition: Condition,
}

/// Makes the page at an instant. `updates` in the order they were given; those that are not public are
/// passed over. `key` names an incident in addresses.
#[must_use]
pub fn board(
    rules: &PageRules,
    updates: &[(IncidentId, Seq, Time, Update)],
    windows: Vec<Window>,
    now: Time,
    key: &dyn Fn(IncidentId) -> String,
) -> Board {
    let zone = rules.zone.unwrap_or(Tz::UTC);
    let today = day_of(now, zone);
    let days = u64::from(rules.days.max(1));
    let since = today.checked_sub_days(Days::new(days - 1)).unwrap_or(today);
    let mut stories = stories(updates, key);
    let from = start_of(since, zone);
    stories.retain(|s| s.ended.is_none_or(|end| end >= from));
    let mut spans: Vec<Span<'_>> = stories.iter().flat_map(|s| spans_of(s, now)).collect();
    spans.extend(windows.iter().flat_map(|w| {
        w.components.iter().map(|c| Span {
            component: c,
            from: w.starts,
            until: w.ends,
            condition: Condition::Maintenance,
        })
    }));
    let lines: Vec<Line> = rules
        .components
        .iter()
        .map(|c| {
            let mine: Vec<&Span<'_>> = spans.iter().filter(|s| s.component == c.id).collect();
            let at = |s: &&&Span<'_>| s.from <= now && now < s.until;
            let condition = mine.iter().filter(at).map(|s| s.condition).max();
            let days = history(&mine, since, today, zone, now);
            let length = now.since_ms(from).max(1);
            let down: i64 = days.iter().map(|d| d.down_ms).sum();
            Line {
                id: c.id.clone(),
                name: c.name.clone(),
                about: c.about.clone(),
                group: c.group.clone(),
                condition: condition.unwrap_or_default(),
                uptime: 100_000 - (down.min(length).saturating_mul(100_000) + length - 1) / length,
                days,
            }
        })
        .collect();
    drop(spans);
    let (open, past): (Vec<_>, Vec<_>) = stories.into_iter().partition(|s| s.ended.is_none());
    Board {
        title: rules.title.clone(),
        about: rules.about.clone(),
        url: rules.url.clone(),
        zone,
        now,
        overall: lines.iter().map(|l| l.condition).max().unwrap_or_default(),
        lines,
        open,
        past,
        windows: windows.into_iter().filter(|w| w.ends > now).collect(),
        since,
    }
}

/// Each incident that was told of, the newest first.
fn stories(
    updates: &[(IncidentId, Seq, Time, Update)],
    key: &dyn Fn(IncidentId) -> String,
) -> Vec<Story> {
    let mut found: BTreeMap<IncidentId, Story> = BTreeMap::new();
    for (id, seq, at, update) in updates {
        let Some(Announced { title, components }) = &update.announced else {
            continue;
        };
        let story = found.entry(*id).or_insert_with(|| Story {
            key: key(*id),
            title: String::new(),
            notices: Vec::new(),
            began: *at,
            ended: None,
        });
        story.title.clone_from(title);
        let before = story.notices.first().and_then(|n| n.standing.clone());
        let standing = update.status.clone().or(before);
        story.ended = standing.as_ref().filter(|s| s.last).map(|_| *at);
        let notice = Notice {
            seq: *seq,
            at: *at,
            standing,
            text: update.text.clone(),
            components: components.clone(),
            next: update.next_due.filter(|_| update.promised),
        };
        story.notices.insert(0, notice);
    }
    let mut stories: Vec<Story> = found.into_values().collect();
    stories.sort_by_key(|s| std::cmp::Reverse(s.began));
    stories
}

/// From each update to the next one its components are as it says.
fn spans_of(story: &Story, now: Time) -> Vec<Span<'_>> {
    let mut until = story.ended.unwrap_or(Time(now.0.saturating_add(1)));
    let mut spans = Vec::new();
    for notice in &story.notices {
        spans.extend(notice.components.iter().map(|c| Span {
            component: &c.id,
            from: notice.at,
            until,
            condition: c.condition,
        }));
        until = notice.at;
    }
    spans
}

fn history(
    spans: &[&Span<'_>],
    since: NaiveDate,
    today: NaiveDate,
    zone: Tz,
    now: Time,
) -> Vec<Day> {
    let mut days = Vec::new();
    let mut date = since;
    while date <= today {
        let next = date.checked_add_days(Days::new(1)).unwrap_or(date);
        let (from, until) = (start_of(date, zone), start_of(next, zone).min(now));
        let touching = |s: &&&Span<'_>| s.from < until && s.until > from;
        let worst = spans.iter().filter(touching).map(|s| s.condition).max();
        days.push(Day {
            date,
            worst: worst.unwrap_or_default(),
            down_ms: down(spans, from, until),
        });
        if next == date {
            break;
        }
        date = next;
    }
    days
}

/// How much of a time counts as down: at each moment the worst of what overlaps counts.
fn down(spans: &[&Span<'_>], from: Time, until: Time) -> i64 {
    let within = |t: Time| t.clamp(from, until.max(from));
    let mut edges: Vec<Time> = vec![from, until.max(from)];
    edges.extend(spans.iter().flat_map(|s| [within(s.from), within(s.until)]));
    edges.sort_unstable();
    edges.dedup();
    edges
        .windows(2)
        .map(|pair| {
            let covers = |s: &&&Span<'_>| s.from <= pair[0] && pair[1] <= s.until;
            let worst = spans.iter().filter(covers).map(|s| s.condition).max();
            pair[1].since_ms(pair[0]) * worst.unwrap_or_default().down_permille() / 1000
        })
        .sum()
}

fn day_of(at: Time, zone: Tz) -> NaiveDate {
    zone.from_utc_datetime(&at.utc().naive_utc()).date_naive()
}

/// Midnight of a day; where a clock change skips it, the first instant after it.
fn start_of(date: NaiveDate, zone: Tz) -> Time {
    let wall = date.and_time(chrono::NaiveTime::MIN);
    let found: Option<DateTime<Tz>> = zone.from_local_datetime(&wall).earliest();
    let instant = found.map(|t| t.timestamp_millis());
    let after = || {
        let hour = wall + chrono::TimeDelta::hours(1);
        zone.from_local_datetime(&hour).earliest().map_or_else(
            || wall.and_utc().timestamp_millis(),
            |t| t.timestamp_millis(),
        )
    };
    Time(instant.unwrap_or_else(after))
}

impl Board {
    /// When it reads otherwise without an update: the next midnight, and the bounds of planned work.
    #[must_use]
    pub fn next_change(&self) -> Time {
        let today = day_of(self.now, self.zone);
        let tomorrow = today.checked_add_days(Days::new(1)).unwrap_or(today);
        let midnight = start_of(tomorrow, self.zone);
        let midnight = if midnight > self.now {
            midnight
        } else {
            self.now.plus_ms(DAY_MS)
        };
        let bounds = self.windows.iter().flat_map(|w| [w.starts, w.ends]);
        bounds
            .filter(|t| *t > self.now)
            .chain([midnight])
            .min()
            .unwrap_or(midnight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::board::Component;
    use crate::core::id::Actor;
    use crate::core::incident::Audience;

    const NOON: Time = Time(1_794_830_400_000);

    fn rules() -> PageRules {
        PageRules {
            title: "Shop status".to_owned(),
            days: 3,
            components: vec![Component {
                id: "shop".to_owned(),
                name: "Shop".to_owned(),
                ..Component::default()
            }],
            ..PageRules::default()
        }
    }

    fn told(
        id: i64,
        seq: Seq,
        at: Time,
        status: &str,
        how: Condition,
    ) -> (IncidentId, Seq, Time, Update) {
        let update = Update {
            by: Actor::Firebell,
            status: Some(Standing {
                id: status.to_owned(),
                name: status.to_owned(),
                mitigated: false,
                last: status == "resolved",
            }),
            text: format!("{status}."),
            audience: Audience::Public,
            announced: Some(Announced {
                title: "Slow".to_owned(),
                components: vec![Affected {
                    id: "shop".to_owned(),
                    name: "Shop".to_owned(),
                    condition: how,
                }],
            }),
            next_due: None,
            promised: false,
        };
        (IncidentId(id), seq, at, update)
    }

    fn key(id: IncidentId) -> String {
        format!("k{}", id.0)
    }

    #[test]
    fn a_component_is_as_the_newest_public_update_says_until_the_last_status() {
        let hour = 3_600_000;
        let updates = [
            told(
                1,
                3,
                NOON.plus_ms(-4 * hour),
                "investigating",
                Condition::MajorOutage,
            ),
            told(
                1,
                5,
                NOON.plus_ms(-2 * hour),
                "monitoring",
                Condition::Degraded,
            ),
        ];
        let open = board(&rules(), &updates, Vec::new(), NOON, &key);
        assert_eq!(open.overall, Condition::Degraded);
        assert_eq!((open.open.len(), open.past.len()), (1, 0));
        assert_eq!(open.open[0].newest().unwrap().text, "monitoring.");
        let today = open.lines[0].days[2];
        assert_eq!(
            (today.worst, today.down_ms),
            (Condition::MajorOutage, 2 * hour)
        );
        // Two hours of two days and a half, rounded against us.
        assert_eq!(open.lines[0].uptime, 96_666);
        let mut over = updates.to_vec();
        over.push(told(
            1,
            9,
            NOON.plus_ms(-hour),
            "resolved",
            Condition::Operational,
        ));
        let over = board(&rules(), &over, Vec::new(), NOON, &key);
        assert_eq!(over.overall, Condition::Operational);
        assert_eq!((over.open.len(), over.past.len()), (0, 1));
        assert_eq!(over.past[0].ended, Some(NOON.plus_ms(-hour)));
    }

    #[test]
    fn two_incidents_at_once_count_once_and_the_worse_one_is_shown() {
        let hour = 3_600_000;
        let updates = [
            told(
                1,
                3,
                NOON.plus_ms(-2 * hour),
                "investigating",
                Condition::MajorOutage,
            ),
            told(
                2,
                3,
                NOON.plus_ms(-hour),
                "investigating",
                Condition::PartialOutage,
            ),
        ];
        let board = board(&rules(), &updates, Vec::new(), NOON, &key);
        assert_eq!(board.overall, Condition::MajorOutage);
        assert_eq!(board.lines[0].days[2].down_ms, 2 * hour);
    }

    #[test]
    fn planned_work_is_shown_ahead_and_counts_as_up() {
        let window = Window {
            key: "w".to_owned(),
            text: "We move.".to_owned(),
            components: vec!["shop".to_owned()],
            starts: NOON.plus_ms(-60_000),
            ends: NOON.plus_ms(60_000),
        };
        let board = board(&rules(), &[], vec![window], NOON, &key);
        assert_eq!(board.overall, Condition::Maintenance);
        assert_eq!(board.lines[0].uptime, 100_000);
        assert_eq!(board.next_change(), NOON.plus_ms(60_000));
    }

    #[test]
    fn what_ended_before_the_days_that_are_shown_is_gone_and_what_goes_on_is_not() {
        let day = 86_400_000;
        let old = [
            told(
                1,
                3,
                NOON.plus_ms(-9 * day),
                "investigating",
                Condition::MajorOutage,
            ),
            told(
                1,
                4,
                NOON.plus_ms(-8 * day),
                "resolved",
                Condition::Operational,
            ),
            told(
                2,
                3,
                NOON.plus_ms(-9 * day),
                "investigating",
                Condition::Degraded,
            ),
        ];
        let board = board(&rules(), &old, Vec::new(), NOON, &key);
        assert_eq!((board.open.len(), board.past.len()), (1, 0));
        assert_eq!(board.lines[0].days.len(), 3);
        assert!(board.next_change() > NOON);
    }
}
