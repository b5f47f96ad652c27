//! How long it takes to know who is on call: `cargo bench --bench schedule`.
//!
//! Ten thousand schedules at one instant, and a year of one complex schedule. It prints the median of
//! some rounds, and what was answered, so that nothing is measured that was left out. Then the release
//! program serves the ten thousand from files, and the question is asked over HTTP.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "schedule/served.rs"]
mod served;

use chrono::NaiveDateTime;
use chrono_tz::Tz;
use firebell::core::schedule::{
    Handoff, Layer, OnHolidays, Override, Rotation, Schedule, Source, Version, Window,
    parse_handoff,
};
use firebell::core::time::Time;
use std::time::Instant;

const DAY_MS: i64 = 86_400_000;
/// 22 November 2026.
const NOW: Time = Time(1_795_348_980_000);
const ROUNDS: usize = 31;

fn wall(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap_or_default()
}

fn people(n: usize) -> Vec<Vec<String>> {
    (0..n).map(|p| vec![format!("person-{p}")]).collect()
}

fn version(zone: Tz, handoff: &str, level: i32) -> Version {
    let rotation = Rotation {
        starts: wall("2019-01-07 09:00"),
        handoff: parse_handoff(handoff).unwrap_or(Handoff::Months(1)),
        turns: people(7),
        count: 1,
    };
    let mut version = Version::of(zone, Source::Rotation(rotation));
    version.level = level;
    version
}

fn cover(n: i64, since: Time, days: i64) -> Override {
    Override {
        id: format!("o{n}"),
        remove: Some(format!("person-{}", n % 7)),
        add: Some(format!("person-{}", (n + 3) % 7)),
        since,
        until: since.plus_ms(days * DAY_MS),
        by: "lea".to_owned(),
        created: Time(n),
        note: String::new(),
    }
}

/// One rotation in a zone with daylight saving, three overrides of which one is active.
fn plain(n: usize) -> Schedule {
    const ZONES: [Tz; 5] = [
        Tz::Europe__Madrid,
        Tz::America__New_York,
        Tz::America__Santiago,
        Tz::Australia__Lord_Howe,
        Tz::Asia__Kolkata,
    ];
    const HANDOFFS: [&str; 4] = ["weekly", "daily", "monthly", "0 9 * * MON"];
    let zone = ZONES[n % ZONES.len()];
    let layer = Layer {
        name: "rotation".to_owned(),
        versions: vec![version(zone, HANDOFFS[n % HANDOFFS.len()], 0)],
    };
    let day = |d: i64| NOW.plus_ms(d * DAY_MS);
    Schedule {
        id: format!("s{n}"),
        name: format!("Schedule {n}"),
        zone,
        layers: vec![layer],
        overrides: vec![
            cover(1, day(-90), 2),
            cover(2, day(-1), 2),
            cover(3, day(40), 7),
        ],
        ..Schedule::default()
    }
}

/// Three layers in two zones with windows and holidays, and an override a week.
fn complex() -> Schedule {
    let mut days = version(Tz::Europe__Madrid, "0 9 * * MON", 2);
    days.windows = ["mon-thu 09:00-17:00", "fri 09:00-15:00"]
        .iter()
        .filter_map(|w| Window::parse(w).ok())
        .collect();
    days.on_holidays = OnHolidays::Never;
    let mut asia = version(Tz::Asia__Tokyo, "daily", 1);
    asia.windows = Window::parse("mon-fri 09:00-18:00").into_iter().collect();
    let rest = version(Tz::Europe__Madrid, "weekly", 0);
    let layer = |name: &str, version| Layer {
        name: name.to_owned(),
        versions: vec![version],
    };
    let mut schedule = plain(0);
    schedule.layers = vec![
        layer("days", days),
        layer("asia", asia),
        layer("rest", rest),
    ];
    schedule.overrides = (0..52)
        .map(|n| cover(n, NOW.plus_ms(n * 7 * DAY_MS), 2))
        .collect();
    let holidays = ["2026-12-25", "2027-01-01", "2027-01-06", "2027-05-01"];
    let dates = holidays
        .iter()
        .filter_map(|d| Some((d.parse().ok()?, String::new())));
    schedule.holidays = std::sync::Arc::new(dates.collect());
    schedule
}

/// The median time of some rounds, in microseconds.
fn median(mut round: impl FnMut() -> usize) -> (f64, usize) {
    let mut times = Vec::new();
    let mut answered = 0;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        answered = round();
        times.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    (times[ROUNDS / 2], answered)
}

fn main() {
    let schedules: Vec<Schedule> = (0..10_000).map(plain).collect();
    let (us, people) = median(|| schedules.iter().map(|s| s.on_call(NOW).people.len()).sum());
    println!(
        "10,000 schedules at one instant: {:.1} ms, {:.2} us each ({people} people)",
        us / 1000.0,
        us / 10_000.0
    );
    let one = complex();
    let (us, people) = median(|| one.on_call(NOW).people.len());
    println!("one complex schedule at one instant: {us:.1} us ({people} people)");
    let until = NOW.plus_ms(365 * DAY_MS);
    let (us, shifts) = median(|| one.shifts(NOW, until).len());
    println!(
        "a year of it rendered: {:.1} ms, {shifts} shifts",
        us / 1000.0
    );
    let (us, answered) = median(|| {
        let everybody = schedules.iter().take(1000);
        everybody
            .map(|s| s.shifts(NOW, NOW.plus_ms(30 * DAY_MS)).len())
            .sum()
    });
    println!(
        "30 days of 1,000 schedules: {:.1} ms, {answered} shifts",
        us / 1000.0
    );
    served::run();
}
