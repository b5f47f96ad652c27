//! The slots of an approval and the people who fill them.
//!
//! One person fills one slot, and people are put into slots so that as many as possible are filled
//! (augmenting paths): who may fill the only slot of a role is never kept out by somebody who could
//! have gone elsewhere. The sets of people that can be seated form a matroid, so somebody who fills no
//! further slot now will not fill one later either.

use super::{Case, Scope, judge};
use crate::core::directory::{Action, Directory, Need};
use crate::core::id::Actor;
use crate::core::incident::Run;
use crate::core::text::count;
use crate::core::time::Time;

/// Who fills what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// For each slot, the person in it, as an index into those who agreed.
    pub slots: Vec<Option<usize>>,
}

impl Filled {
    /// How many slots are filled.
    #[must_use]
    pub fn filled(&self) -> usize {
        self.slots.iter().flatten().count()
    }

    /// Every slot is.
    #[must_use]
    pub fn whole(&self) -> bool {
        self.slots.iter().all(Option::is_some)
    }
}

/// The slots of a run, one per person; those of a run older than slots are anybody's.
#[must_use]
pub fn slots(run: &Run) -> Vec<Need> {
    let one = |need: &Need| Need {
        roles: need.roles.clone(),
        count: 1,
    };
    if run.terms.break_glass || run.needs == 0 {
        return Vec::new();
    }
    if run.terms.required.is_empty() {
        let any = Need {
            roles: Vec::new(),
            count: 1,
        };
        return vec![any; usize::from(run.needs)];
    }
    let needs = run.terms.required.iter();
    needs
        .flat_map(|n| std::iter::repeat_n(one(n), usize::from(n.count)))
        .collect()
}

/// Fills as many slots as possible. `fits(person, slot)` by their indices.
#[must_use]
pub fn fill(people: usize, slots: usize, fits: &dyn Fn(usize, usize) -> bool) -> Filled {
    let mut filled = Filled {
        slots: vec![None; slots],
    };
    for person in 0..people {
        let mut seen = vec![false; slots];
        seat(person, &mut filled.slots, &mut seen, fits);
    }
    filled
}

/// Finds a seat for a person, moving others where that helps.
fn seat(
    person: usize,
    slots: &mut [Option<usize>],
    seen: &mut [bool],
    fits: &dyn Fn(usize, usize) -> bool,
) -> bool {
    for slot in 0..slots.len() {
        if seen[slot] || !fits(person, slot) {
            continue;
        }
        seen[slot] = true;
        let free = match slots[slot] {
            None => true,
            Some(other) => seat(other, slots, seen, fits),
        };
        if free {
            slots[slot] = Some(person);
            return true;
        }
    }
    false
}

/// Whether somebody may fill a slot: holds one of its roles, and no rule denies them the action; a
/// slot without roles is for whoever may run the action.
pub(in crate::core) fn fits(
    by: &Actor,
    need: &Need,
    action: &Action,
    scope: Scope<'_>,
    at: Time,
    directory: &Directory,
) -> bool {
    let Some(person) = by.person().and_then(|p| directory.people.get(p)) else {
        return false;
    };
    if need.roles.is_empty() {
        let case = Case {
            who: by,
            action,
            scope,
            at,
            door: None,
            directory,
        };
        return judge(&case).allowed;
    }
    need.roles.iter().any(|r| person.roles.contains(r))
}

/// What is still missing, for people: `1 approval by web-oncall and 1 approval by somebody else`.
#[must_use]
pub fn missing(run: &Run, filled: &Filled) -> String {
    let open = slots(run).into_iter().zip(&filled.slots);
    let open = open
        .filter(|(_, seat)| seat.is_none())
        .map(|(slot, _)| slot);
    let others = run.terms.four_eyes || run.terms.required.is_empty();
    needs_words(&open.collect::<Vec<_>>(), others)
}

/// Slots in words; `others`: who asked fills none of them.
#[must_use]
pub fn needs_words(needs: &[Need], others: bool) -> String {
    let mut left: Vec<(&[String], usize)> = Vec::new();
    for need in needs {
        let count = usize::from(need.count);
        match left.iter_mut().find(|(roles, _)| *roles == need.roles) {
            Some((_, n)) => *n += count,
            None => left.push((&need.roles, count)),
        }
    }
    let words: Vec<String> = left
        .iter()
        .map(|(roles, n)| {
            let by = match roles {
                [] if others => "somebody else".to_owned(),
                [] => "whoever may run it".to_owned(),
                roles => roles.join(" or "),
            };
            format!("{} by {by}", count(*n, "approval"))
        })
        .collect();
    crate::core::text::list(&words)
}
