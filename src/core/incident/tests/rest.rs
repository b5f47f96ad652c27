//! Sleep protection: who was woken in the night is spared what is not urgent in the morning.

use super::*;
use crate::core::forecast::{Script, future};
use std::sync::Arc;

const HOUR: i64 = 3_600_000;

/// Eight in the morning; ana was paged at three, and rests until noon.
fn morning(targets: &[&[Target]], repeat: u8) -> (Life, Ladder) {
    let mut life = Life::new();
    life.now = NOON.plus_ms(-4 * HOUR);
    let three = NOON.plus_ms(-9 * HOUR);
    life.directory.nights = Arc::new(BTreeMap::from([("ana".to_owned(), three)]));
    let firsts: Vec<Target> = targets.iter().map(|t| t[0].clone()).collect();
    let mut ladder = ladder(&firsts, repeat);
    for (rung, targets) in ladder.rungs.iter_mut().zip(targets) {
        rung.targets = targets.to_vec();
    }
    ladder.rest_until = Some(12 * 60);
    (life, ladder)
}

/// Low urgency is `sev3`.
fn open(life: &mut Life, ladder: Ladder, severity: u8) -> Vec<&'static str> {
    let open = OpenAs {
        severity: Severity(severity),
        ..open_as(Some(ladder))
    };
    life.tell(Command::Open(Box::new(open)))
}

fn passed_over(life: &Life) -> Vec<String> {
    let skipped = life.journal.iter().flat_map(|r| match &r.event {
        Event::Paged { skipped, .. } | Event::RungSkipped { skipped, .. } => &skipped[..],
        _ => &[],
    });
    skipped.map(|s| format!("{} {}", s.who, s.why)).collect()
}

#[test]
fn what_is_not_urgent_goes_to_the_next_step_at_once_and_says_why() {
    let (mut life, ladder) = morning(&[&[person("ana")], &[person("bo")]], 0);
    assert_eq!(
        open(&mut life, ladder, 2),
        ["opened", "rung_skipped", "paged"]
    );
    assert_eq!(life.paged(), ["bo"]);
    let why = passed_over(&life).join("; ");
    assert!(
        why.starts_with("person ana was paged in the night, at ")
            && why.contains(" 03:00 UTC, and is spared what is not urgent until ")
            && why.ends_with(" 12:00 UTC"),
        "{why}"
    );
}

#[test]
fn the_same_steps_other_people_have_it_and_have_as_long_as_ever() {
    let (mut life, ladder) = morning(&[&[person("ana"), person("bo")], &[person("ana")]], 0);
    assert_eq!(open(&mut life, ladder, 2), ["opened", "paged"]);
    assert_eq!(
        (life.paged(), passed_over(&life).len()),
        (vec!["bo".to_owned()], 1)
    );
    assert_eq!(wake_at(&life.incident), Some(life.now.plus_secs(300)));
}

#[test]
fn high_urgency_never_asks_how_somebody_slept() {
    let (mut life, ladder) = morning(&[&[person("ana")], &[person("bo")]], 0);
    open(&mut life, ladder, 1);
    assert_eq!(
        (life.paged(), passed_over(&life)),
        (vec!["ana".to_owned()], vec![])
    );
}

#[test]
fn nobody_is_spared_when_that_would_leave_nobody() {
    let tools = Target::Channel("alerts".to_owned());
    for targets in [
        &[&[person("ana")][..]][..],
        &[&[person("ana")], &[person("cy")]],
        &[&[person("ana")], std::slice::from_ref(&tools)],
        &[&[person("ana"), tools.clone()]],
    ] {
        let (mut life, ladder) = morning(targets, 0);
        open(&mut life, ladder, 2);
        assert_eq!(life.paged(), ["ana"], "{targets:?}");
    }
    // A step that needs two people needs both.
    let (mut life, mut ladder) = morning(&[&[person("ana"), person("bo")], &[person("bo")]], 0);
    ladder.rungs[0].acks = 2;
    open(&mut life, ladder, 2);
    assert_eq!(life.paged(), ["ana", "bo"]);
}

#[test]
fn from_noon_on_and_without_the_option_everybody_counts() {
    let (mut life, ladder) = morning(&[&[person("ana")], &[person("bo")]], 0);
    life.now = NOON;
    open(&mut life, ladder, 2);
    assert_eq!(life.paged(), ["ana"]);
    let (mut life, mut ladder) = morning(&[&[person("ana")], &[person("bo")]], 0);
    ladder.rest_until = None;
    open(&mut life, ladder, 2);
    assert_eq!(life.paged(), ["ana"]);
}

#[test]
fn a_turn_passes_by_who_rests_and_comes_back_when_all_do() {
    let team = Target::RoundRobin("web".to_owned());
    let (mut life, ladder) = morning(&[std::slice::from_ref(&team)], 0);
    open(&mut life, ladder, 2);
    assert_eq!(
        (life.paged(), passed_over(&life).len()),
        (vec!["bo".to_owned()], 1)
    );
    let (mut life, ladder) = morning(&[&[team]], 0);
    let three = NOON.plus_ms(-9 * HOUR);
    let both = ["ana", "bo"].map(|p| (p.to_owned(), three));
    life.directory.nights = Arc::new(BTreeMap::from(both));
    open(&mut life, ladder, 2);
    assert_eq!(life.paged(), ["ana"]);
}

#[test]
fn when_nobody_acknowledges_the_second_climb_spares_nobody() {
    let (mut life, ladder) = morning(&[&[person("ana")], &[person("bo")]], 1);
    open(&mut life, ladder, 2);
    assert_eq!(life.wait_until_due(), ["paged"]);
    assert_eq!(life.paged(), ["ana"]);
}

#[test]
fn what_becomes_urgent_reaches_who_was_spared() {
    let (mut life, ladder) = morning(&[&[person("ana")], &[person("bo")], &[person("ana")]], 0);
    open(&mut life, ladder, 2);
    let to = Severity(0);
    life.tell(Command::SetSeverity { by: ana(), to });
    assert_eq!(life.paged(), ["ana"]);
    // Bo has as long as before.
    assert_eq!(wake_at(&life.incident), Some(life.now.plus_secs(300)));
}

#[test]
fn what_is_foretold_spares_the_same_people() {
    let (mut life, ladder) = morning(&[&[person("ana")], &[person("bo")]], 1);
    let open = OpenAs {
        severity: Severity(2),
        ..open_as(Some(ladder))
    };
    let acts = vec![(life.now, Command::Open(Box::new(open.clone())))];
    let script = Script {
        acts,
        ..Script::default()
    };
    let blank = Incident::new(IncidentId(1));
    let foretold = future(&blank, &life.directory, script, NOON);
    life.tell(Command::Open(Box::new(open)));
    while life.incident.climb != Climb::Resting && life.journal.len() < foretold.len() {
        life.wait_until_due();
    }
    let events =
        |records: &[Record]| -> Vec<Event> { records.iter().map(|r| r.event.clone()).collect() };
    assert_eq!(events(&life.journal), events(&foretold));
}
