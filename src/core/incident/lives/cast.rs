//! Who and what random lives are lived with.

use super::super::{Audience, Command, Incident, Shape, UpdateWish, compose, preview};
use super::{Action, Arc, Directory, NOON, action};
use crate::core::change::ChangeEvent;
use crate::core::directory::{Auto, AutoLevel, RunsPolicy};
use crate::core::id::{Actor, IncidentId, Platform, Severity};
use crate::core::incident::{KeptFile, KeptMessage, Recalled, RefusedFile, Talk};
use crate::core::time::Time;
use crate::core::verdict::{Rule, Rules};

/// The usual rules, and one that lets everything start by itself.
fn letting() -> Arc<Rules> {
    let mut rules = Rules::default();
    rules.rules.push(Rule {
        id: "let-it".to_owned(),
        auto: true,
        ..Rule::blank(true)
    });
    Arc::new(rules)
}

/// Starts by itself, sometimes at once, and the page may wait for it.
fn by_itself(rng: &mut fastrand::Rng) -> Action {
    let mut action = Action {
        idempotent: true,
        reversible: true,
        ..action(0)
    };
    action.id = "auto".to_owned();
    action.auto = Auto {
        level: [AutoLevel::Delayed, AutoLevel::BeforePage][rng.usize(0..2)],
        delay_ms: rng.i64(0..2) * 60_000,
        clear_within_ms: rng.i64(0..600_000),
        ..Auto::default()
    };
    action.lock.keys = vec!["k".to_owned()];
    action.lock.wait_ms = rng.i64(0..2) * 120_000;
    action
}

/// What a life may come across: an action that starts by itself, rooms that are archived and
/// threads in place of rooms, and people who are woken in steps.
pub(super) fn equip(rng: &mut fastrand::Rng, directory: &mut Directory) {
    let by_itself = by_itself(rng);
    directory
        .actions
        .insert("auto".to_owned(), Arc::new(by_itself));
    directory.permits = letting();
    directory.rooms.archive_after_ms = rng.bool().then(|| rng.i64(0..900_000));
    if rng.bool() {
        directory.rooms.threads.insert(Severity(2));
    }
    wake_in_steps(rng, directory);
    tell_by_rules(rng, directory);
    directory.conduct = Arc::new(super::leading::rules(rng));
    if rng.bool() {
        // Half of the lives begin after somebody's bad night.
        let night = NOON.plus_ms(-9 * 3_600_000);
        let woken = ["ana", "bo"].into_iter().filter(|_| rng.bool());
        let nights = woken.map(|p| (p.to_owned(), night)).collect();
        directory.nights = Arc::new(nights);
    }
}

/// Ana has two contacts, sometimes in steps, and sometimes sleeps.
fn wake_in_steps(rng: &mut fastrand::Rng, directory: &mut Directory) {
    use crate::core::directory::{Contact, ContactKind, Rule, Step, Urgency};
    let Some(ana) = directory.people.get_mut("ana") else {
        return;
    };
    ana.contacts.push(Contact {
        name: "phone".to_owned(),
        kind: ContactKind::Chat {
            platform: "slack".to_owned(),
        },
    });
    let step = |after_secs, contact: &str| Step {
        after_secs,
        contacts: vec![contact.to_owned()],
    };
    for urgency in [Urgency::High, Urgency::Low] {
        if rng.bool() {
            let steps = vec![step(rng.u64(0..2) * 60, "console"), step(200, "phone")];
            ana.waking.rules.push(Rule { urgency, steps });
        }
    }
    ana.waking.quiet = rng.bool().then_some(crate::core::hours::Quiet {
        from: 11 * 60,
        to: 13 * 60,
        digest: 13 * 60,
        days: [false; 7],
    });
}

/// Something about rooms and what is said in them.
pub(super) fn talk(
    rng: &mut fastrand::Rng,
    by: Actor,
    (platform, message): (Platform, String),
    now: Time,
) -> Talk {
    let how = ["pinned", "marked with :pushpin:"][rng.usize(0..2)].to_owned();
    match rng.u8(0..8) {
        0 => Talk::Retitle {
            by,
            title: format!("title {}", rng.u8(0..3)),
        },
        1 => Talk::Archive { by },
        2 => Talk::Shelved {
            platform,
            room: format!("C{}", rng.u8(0..3)),
        },
        3 => Talk::Retry { by },
        4 => Talk::Keep(Box::new(KeptMessage {
            by,
            platform,
            message,
            text: "it was the cache".to_owned(),
            author: "Bo".to_owned(),
            written_at: now.plus_ms(rng.i64(-60_000..60_000)),
            how,
        })),
        5 => Talk::Unkeep {
            by,
            platform,
            message,
            how,
        },
        6 => Talk::Attach(Box::new(KeptFile {
            by,
            platform,
            message,
            name: "chart.png".to_owned(),
            kind: "image/png".to_owned(),
            bytes: rng.u64(0..5000),
            sha256: format!("{:064x}", rng.u8(0..3)),
        })),
        _ => Talk::Refuse(Box::new(RefusedFile {
            by,
            platform,
            message,
            name: "core".to_owned(),
            why: "it is too large".to_owned(),
        })),
    }
}

/// It is to be something else, sensible or not.
pub(super) fn shape(rng: &mut fastrand::Rng, by: Actor) -> Command {
    let other = IncidentId(rng.i64(1..5));
    let shape = match rng.u8(0..11) {
        0 | 1 => Shape::Private {
            private: rng.bool(),
            why: String::new(),
        },
        2 => Shape::Drill { drill: rng.bool() },
        3 => Shape::Type {
            type_id: rng.bool().then(|| "outage".to_owned()),
            name: None,
            runs: RunsPolicy::ALL[rng.usize(0..3)],
        },
        4 => Shape::Invite { who: by.clone() },
        5 => Shape::Relate {
            to: other,
            title: "other".to_owned(),
            why: String::new(),
        },
        6 => Shape::Unrelate { to: other },
        7 => Shape::Parent {
            parent: rng.bool().then(|| (other, "whole".to_owned())),
        },
        8 => Shape::Child {
            child: other,
            title: "part".to_owned(),
            status: "triggered".to_owned(),
        },
        9 => Shape::Recall(Recalled {
            of: other,
            alert: "Slow".to_owned(),
        }),
        _ => Shape::ChildMoved {
            child: other,
            status: "resolved".to_owned(),
        },
    };
    Command::Shape {
        by,
        shape: Box::new(shape),
    }
}
/// A status scale, a page, and for half of the lives an update that is due again and again.
pub(super) fn tell_by_rules(rng: &mut fastrand::Rng, directory: &mut Directory) {
    directory.statuses = super::super::tests::told::scale();
    directory.page = Some(Arc::new(super::super::tests::told::page()));
    directory.updates.final_resolves = rng.bool();
    if rng.bool() {
        directory.updates.every = (0..3).map(|n| (Severity(n), 600_000)).collect();
    }
}

/// An update or another cadence; a public one as its author has read it, or has not.
pub(super) fn tells(rng: &mut fastrand::Rng, by: Actor, incident: &Incident) -> Command {
    if rng.u8(0..4) == 0 {
        return Command::SetCadence {
            by,
            every_ms: [None, Some(300_000), Some(1)][rng.usize(0..3)],
            next: None,
        };
    }
    let status = ["investigating", "monitoring", "resolved", "gone"][rng.usize(0..4)];
    let mut wish = UpdateWish {
        status: rng.bool().then(|| status.to_owned()),
        next_ms: (rng.u8(0..4) == 0).then_some(120_000),
        title: rng.bool().then(|| "Slow".to_owned()),
        ..UpdateWish::internal(by, ["", "we look at it"][rng.usize(0..2)])
    };
    if rng.bool() {
        wish.audience = Audience::Public;
        let mut directory = Directory::default();
        tell_by_rules(&mut fastrand::Rng::with_seed(0), &mut directory);
        let composed = compose(incident, &directory, incident.updated_at, &wish);
        let read = composed.map(|update| preview(incident, &update, None).digest);
        wish.seen = read.ok().filter(|_| rng.u8(0..4) > 0);
    }
    Command::Update(Box::new(wish))
}

/// A change around the time lives begin.
pub(super) fn change(rng: &mut fastrand::Rng, n: u8) -> ChangeEvent {
    let services = [None, Some("web"), Some("db")];
    ChangeEvent {
        source: "ci".to_owned(),
        key: n.to_string(),
        summary: "v2".to_owned(),
        service: services[rng.usize(0..3)].map(str::to_owned),
        at: NOON.plus_ms(rng.i64(-20_000_000..2_000_000)),
        ..ChangeEvent::default()
    }
}
