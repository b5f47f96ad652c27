//! The chain, and everything that may be done to it.

use super::*;

fn chain(n: usize) -> Vec<Entry> {
    let mut head = Head::default();
    (0..n)
        .map(|i| {
            let fact = Fact {
                kind: "run_asked".to_owned(),
                by: Actor::Firebell,
                incident: Some(IncidentId(7)),
                run: Some(RunId(i64::try_from(i).unwrap())),
                action: "web-restart".to_owned(),
                text: format!("entry {i}"),
                detail: "{}".to_owned(),
            };
            let entry = Entry::after(&head, Time(1000), &fact);
            head = entry.head();
            entry
        })
        .collect()
}

fn walk(entries: &[Entry], checkpoints: Vec<Checkpoint>) -> Result<Head, Broken> {
    let mut walk = Walk::new(checkpoints);
    for entry in entries {
        walk.step(entry)?;
    }
    walk.end()
}

fn seen(entry: &Entry) -> Checkpoint {
    Checkpoint {
        n: entry.n,
        hash: entry.hash.clone(),
        at: Time(0),
        key: String::new(),
        signature: String::new(),
    }
}

#[test]
fn a_chain_nobody_touched_holds() {
    let entries = chain(5);
    assert_eq!(
        walk(&entries, vec![seen(&entries[4])]),
        Ok(entries[4].head())
    );
    assert_eq!(walk(&[], Vec::new()), Ok(Head::default()));
}

#[test]
fn every_field_of_an_entry_is_in_its_digest() {
    let good = chain(1).remove(0);
    let text = |s: &str| format!("{s}x");
    let changed = [
        Entry {
            n: 2,
            ..good.clone()
        },
        Entry {
            at: Time(1001),
            ..good.clone()
        },
        Entry {
            kind: text(&good.kind),
            ..good.clone()
        },
        Entry {
            who: text(&good.who),
            ..good.clone()
        },
        Entry {
            name: text(&good.name),
            ..good.clone()
        },
        Entry {
            incident: None,
            ..good.clone()
        },
        Entry {
            run: Some(9),
            ..good.clone()
        },
        Entry {
            action: text(&good.action),
            ..good.clone()
        },
        Entry {
            text: text(&good.text),
            ..good.clone()
        },
        Entry {
            detail: text(&good.detail),
            ..good.clone()
        },
        Entry {
            prev: text(&good.prev),
            ..good.clone()
        },
    ];
    for entry in changed {
        assert_ne!(entry.digest(), good.hash, "{entry:?}");
    }
}

#[test]
fn the_first_bad_entry_is_named_whatever_was_done_to_it() {
    let good = chain(6);
    let mut changed = good.clone();
    changed[2].text = "something else".to_owned();
    assert_eq!(walk(&changed, Vec::new()), Err(Broken::Changed { n: 3 }));

    let mut covered = changed.clone();
    covered[2].hash = covered[2].digest();
    let unlinked = Broken::Unlinked { n: 4, before: 3 };
    assert_eq!(walk(&covered, Vec::new()), Err(unlinked));

    let mut missing = good.clone();
    missing.remove(2);
    let gone = Broken::Missing { n: 3, found: 4 };
    assert_eq!(walk(&missing, Vec::new()), Err(gone));

    let mut twice = good.clone();
    twice.insert(3, good[2].clone());
    let again = Broken::Moved { n: 4, found: 3 };
    assert_eq!(walk(&twice, Vec::new()), Err(again));

    let mut swapped = good.clone();
    swapped.swap(2, 3);
    let gone = Broken::Missing { n: 3, found: 4 };
    assert_eq!(walk(&swapped, Vec::new()), Err(gone));
}

#[test]
fn a_chain_written_anew_or_cut_is_seen_by_its_checkpoint() {
    let good = chain(6);
    let mut anew = chain(2);
    let mut head = anew[1].head();
    for old in &good[2..] {
        let fact = Fact {
            kind: old.kind.clone(),
            by: Actor::Firebell,
            incident: None,
            run: None,
            action: String::new(),
            text: "whitewashed".to_owned(),
            detail: String::new(),
        };
        let entry = Entry::after(&head, old.at, &fact);
        head = entry.head();
        anew.push(entry);
    }
    assert!(
        walk(&anew, Vec::new()).is_ok(),
        "the chain alone cannot tell"
    );
    let rewritten = walk(&anew, vec![seen(&good[3])]);
    assert!(matches!(rewritten, Err(Broken::Rewritten { n: 4, .. })));
    let cut = walk(&good[..3], vec![seen(&good[4])]);
    assert!(matches!(cut, Err(Broken::Cut { n: 4, seen: 5, .. })));
}

#[test]
fn the_encoding_is_for_ever() {
    let first = chain(1).remove(0);
    assert_eq!(
        first.hash, GOLDEN,
        "an older chain would not verify any more"
    );
}

/// The digest of the first entry of [`chain`], computed beside this code.
const GOLDEN: &str = "11a01114f6b87dbc53227e7a7b8014e6f045d4cf1002e2492d8b41fff4982481";
