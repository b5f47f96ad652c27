//! Every IANA zone through ten years of transitions, against the film of its wall clock.
//!
//! Zones whose clocks do the same in these years are one story; it is told once in full, around
//! every transition, and the others are looked at beside each transition.

use super::film::{Film, Minutes, of_wall, offset, transitions};
use chrono::{DateTime, Datelike, NaiveDateTime};
use chrono_tz::{TZ_VARIANTS, Tz};
use firebell::core::schedule::{
    Days, Handoff, Rotation, Schedule, Source, Version, Window, end_instant, instant, parse_handoff,
};
use firebell::core::time::Time;
use std::collections::BTreeMap;
use std::sync::OnceLock;

const DAY: Minutes = 24 * 60;
const PEOPLE: [&str; 3] = ["ana", "bo", "cy"];

fn naive(wall: Minutes) -> NaiveDateTime {
    DateTime::from_timestamp(wall * 60, 0).unwrap().naive_utc()
}

fn ms(at: Minutes) -> Time {
    Time(at * 60_000)
}

/// A schedule and what the film says about it.
struct Case {
    name: String,
    schedule: Schedule,
    truth: Truth,
}

enum Truth {
    /// The first turn and every hand-off after it, on the wall.
    Turns(Vec<Minutes>),
    /// Spans of a window on the wall.
    Window(Vec<(Minutes, Minutes)>),
}

fn one_layer(version: Version) -> Schedule {
    let zone = version.zone;
    let mut schedule = Schedule::rotation(
        "s",
        "S",
        zone,
        (Handoff::Months(1), NaiveDateTime::default()),
        &PEOPLE,
    );
    schedule.layers[0].versions = vec![version];
    schedule
}

fn rotating(zone: Tz, handoff: Handoff, starts: Minutes) -> Version {
    let turns = PEOPLE.iter().map(|p| vec![(*p).to_owned()]).collect();
    Version::of(
        zone,
        Source::Rotation(Rotation {
            starts: naive(starts),
            handoff,
            turns,
            count: 1,
        }),
    )
}

/// Turns of some length from a wall time on, for a week.
fn stepping(name: &str, zone: Tz, starts: Minutes, step: Minutes) -> Case {
    let handoff = Handoff::Steps(vec![step * 60_000]);
    Case {
        name: format!("{name} every {step} min from {}", naive(starts)),
        schedule: one_layer(rotating(zone, handoff, starts)),
        truth: Truth::Turns((0..7 * DAY / step).map(|n| starts + n * step).collect()),
    }
}

/// The same clock every day, as a cron expression.
fn cron(zone: Tz, starts: Minutes, clock: Minutes) -> Case {
    let text = format!("{} {} * * *", clock % 60, clock / 60);
    let first = starts.div_euclid(DAY) * DAY + clock;
    let mut walls = vec![starts];
    walls.extend((0..7).map(|n| first + n * DAY).filter(|w| *w > starts));
    Case {
        name: format!("cron {text} from {}", naive(starts)),
        schedule: one_layer(rotating(zone, parse_handoff(&text).unwrap(), starts)),
        truth: Truth::Turns(walls),
    }
}

/// A window on some days, around a date.
fn window(zone: Tz, date: Minutes, days: Days, start: Minutes, end: Minutes) -> Case {
    let mut version = rotating(zone, Handoff::Months(12), date - 40 * DAY);
    version.windows = vec![Window {
        days,
        start: start * 60_000,
        end: end * 60_000,
    }];
    let over = if end > start { 0 } else { DAY };
    let dates = (-3..=3).map(|n| date + n * DAY);
    let spans = dates
        .filter(|d| days.has(naive(*d).weekday()))
        .map(|d| (d + start, d + over + end))
        .collect();
    Case {
        name: format!("window {start}-{end} on {days:?} around {}", naive(date)),
        schedule: one_layer(version),
        truth: Truth::Window(spans),
    }
}

/// Schedules that have something to lose at a transition.
fn cases(zone: Tz, transition: (Minutes, Minutes, Minutes)) -> Vec<Case> {
    let (at, before, after) = transition;
    // What the clock showed last and shows first; between the two it skips or repeats.
    let (old, new) = (at + before, at + after);
    let middle = i64::midpoint(old, new);
    let date = old.div_euclid(DAY) * DAY;
    let mut cases = vec![
        stepping("hourly", zone, old - 12 * 60, 60),
        stepping("from the gap", zone, middle - 2 * DAY, DAY),
    ];
    for clock in [old, middle, new] {
        let of_day = clock.rem_euclid(DAY);
        let first = clock - 3 * DAY;
        cases.push(cron(zone, first + 30, of_day));
        let later = (of_day + 45).rem_euclid(DAY);
        let earlier = (of_day - 45).rem_euclid(DAY);
        let today = Days::default().with(naive(date).weekday());
        cases.push(window(zone, date, Days::ALL, earlier, of_day));
        cases.push(window(zone, date, Days::ALL, of_day, later));
        cases.push(window(zone, date, today, of_day, of_day));
        cases.push(window(zone, date, today, 22 * 60, of_day));
    }
    cases
}

fn compare(zone: Tz, case: &Case, film: &Film, at: Minutes) {
    let turn = case.schedule.on_call(ms(at));
    let expected: &[&str] = match &case.truth {
        Truth::Turns(walls) => match film.past(at, walls) {
            0 => &[],
            n => &PEOPLE[(n - 1) % 3..=(n - 1) % 3],
        },
        Truth::Window(spans) => {
            let inside = spans
                .iter()
                .any(|(start, end)| film.inside(at, *start, *end));
            if inside { &["ana"] } else { &[] }
        }
    };
    let seen = format!("{} {} at {}", zone.name(), case.name, ms(at).rfc3339());
    let people = if turn.people.is_empty() {
        turn.people.clone()
    } else {
        match case.truth {
            Truth::Turns(_) => turn.people.clone(),
            // Whoever it is: this is about when.
            Truth::Window(_) => vec!["ana".to_owned()],
        }
    };
    assert_eq!(people, expected, "{seen}");
    assert!(
        turn.since <= ms(at) && ms(at) < turn.until,
        "{seen}: {turn:?}"
    );
}

/// What a zone's clock does in these years.
type Story = Vec<(Minutes, Minutes, Minutes)>;

fn stories() -> &'static BTreeMap<Story, Vec<Tz>> {
    static ALL: OnceLock<BTreeMap<Story, Vec<Tz>>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut stories: BTreeMap<Story, Vec<Tz>> = BTreeMap::new();
        for zone in TZ_VARIANTS {
            let story = transitions(zone, 2020, 2030);
            stories.entry(story).or_default().push(zone);
        }
        stories
    })
}

#[test]
fn every_zone_agrees_with_the_film_of_its_clock_around_every_transition_of_ten_years() {
    let stories = stories();
    assert!(stories.len() > 30, "the transitions were not found");
    let mut compared = 0;
    for (story, zones) in stories {
        for (n, transition) in story.iter().enumerate() {
            let at = transition.0;
            let film = Film::of(zones[0], at - DAY / 4, at + DAY / 4);
            let cases = cases(zones[0], *transition);
            // Half of them each time: the other half at the next transition, of the other kind.
            for (c, case) in cases
                .iter()
                .enumerate()
                .filter(|(c, _)| (n / 2 + c) % 2 == 0)
            {
                for half_hour in -5..=5 {
                    let slip = i64::try_from((n + c) % 30).unwrap();
                    for near in [-1, 0, slip] {
                        compare(zones[0], case, &film, at + half_hour * 30 + near);
                        compared += 1;
                    }
                }
            }
        }
    }
    assert!(compared > 100_000, "{compared}");
}

#[test]
fn zones_that_do_the_same_are_answered_the_same() {
    for (story, zones) in stories() {
        for zone in &zones[1..] {
            for transition in story {
                let film = Film::of(*zone, transition.0 - DAY / 8, transition.0 + DAY / 8);
                let middle = transition.0 + i64::midpoint(transition.1, transition.2);
                let case = cron(*zone, middle - DAY, middle.rem_euclid(DAY));
                for near in [-61, -1, 0, 1, 29, 61] {
                    compare(*zone, &case, &film, transition.0 + near);
                }
            }
        }
    }
}

#[test]
fn a_wall_time_is_the_first_minute_the_clock_shows_it_or_more_and_an_end_the_last() {
    for (story, zones) in stories() {
        for (at, before, after) in story.iter().copied() {
            let zone = zones[0];
            let film = Film::of(zone, at - DAY / 4, at + DAY / 4);
            let near = || at - DAY / 4..at + DAY / 4;
            for wall in (at + before - 100..at + after + 100).step_by(5) {
                let first = near().find(|t| wall <= film.reached(*t)).unwrap();
                let last = near().find(|t| !film.inside(*t, i64::MIN, wall)).unwrap();
                let seen = format!("{} {}", zone.name(), naive(wall));
                assert_eq!(instant(zone, naive(wall)), ms(first), "{seen}");
                assert_eq!(end_instant(zone, naive(wall)), ms(last), "{seen}");
            }
        }
    }
}

#[test]
fn the_zones_that_are_hard_are_among_them() {
    let midnight = |zone: Tz| {
        transitions(zone, 2020, 2030)
            .iter()
            .any(|(at, before, after)| {
                let (low, high) = ((at + before).min(at + after), (at + before).max(at + after));
                // A local midnight is skipped, repeated, or where it happens.
                (low..=high).any(|w| w.rem_euclid(DAY) == 0)
            })
    };
    for zone in [
        Tz::America__Santiago,
        Tz::America__Havana,
        Tz::Asia__Beirut,
        Tz::Africa__Cairo,
        Tz::Atlantic__Azores,
        Tz::America__Nuuk,
    ] {
        assert!(midnight(zone), "{} touches midnight", zone.name());
    }
    let change = |zone: Tz| {
        let list = transitions(zone, 2020, 2030);
        list.iter().map(|(_, b, a)| (a - b).abs()).max()
    };
    assert_eq!(change(Tz::Australia__Lord_Howe), Some(30));
    assert_eq!(change(Tz::Antarctica__Troll), Some(120));
    assert_eq!(offset(Tz::UTC, of_wall(NaiveDateTime::default())), 0);
}

/// Far from any transition: random rotations against walking from hand-off to hand-off.
#[test]
fn arithmetic_finds_the_turn_that_walking_finds() {
    use cron::Schedule as Cron;
    use std::str::FromStr;
    let mut random = fastrand::Rng::with_seed(20_260_302);
    let expressions = [
        "0 0 9 * * MON",
        "0 30 8,20 * * *",
        "0 0 0 1 * *",
        "0 0 17 * * FRI",
        "0 0 6 29 2 *",
        "0 0 12 13 * FRI",
        "0 0 */6 * * *",
        "15 0 9 1-7 1,4,7,10 MON",
        "0 0 9 31 * *",
        "0 0 0 * * SAT,SUN",
    ];
    for expression in expressions {
        let read = Cron::from_str(expression).unwrap();
        let handoff = parse_handoff(expression).unwrap();
        for _ in 0..4 {
            let starts = of_wall(naive(
                of_wall(NaiveDateTime::default()) + random.i64(26_300_000..27_000_000),
            ));
            let schedule = one_layer(rotating(Tz::UTC, handoff.clone(), starts));
            let walls: Vec<i64> = read
                .after(&naive(starts).and_utc())
                .take(400)
                .map(|t| t.timestamp())
                .collect();
            for _ in 0..25 {
                let n = random.usize(0..walls.len() - 1);
                let at = Time(random.i64(walls[n]..walls[n + 1]) * 1000 + random.i64(0..1000));
                let turn = schedule.on_call(at);
                let seen = format!("{expression} from {} at {at:?}", naive(starts));
                assert_eq!(turn.people, [PEOPLE[(n + 1) % 3]], "{seen}");
                assert_eq!(
                    (turn.since.0, turn.until.0),
                    (walls[n] * 1000, walls[n + 1] * 1000),
                    "{seen}"
                );
            }
        }
    }
}
