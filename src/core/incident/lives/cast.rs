//! Who and what random lives are lived with.

use super::{Action, Arc, Directory, action};
use crate::core::directory::{Auto, AutoLevel};
use crate::core::id::{Actor, Platform, Severity};
use crate::core::incident::{KeptFile, KeptMessage, RefusedFile, Talk};
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
