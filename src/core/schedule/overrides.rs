//! Overrides: somebody is added, taken off, or covered for by somebody else, for a while.
//!
//! Promises: an override always wins over layers. Where two speak about the same person the newer
//! one counts. Covers chain: when bo covers ana and cy covers bo, cy is on call, whichever was said
//! first. A circle is refused when it is made; one that gets in anyway (two sources) is cut at its
//! newest link. Covering somebody who is not on call adds: nobody who was promised is missing.
//! Races: two people may write overrides at once; both are kept, and this order decides.

use super::Schedule;
use crate::core::text::list;
use crate::core::time::Time;
use serde::{Deserialize, Serialize};

/// One override.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Key.
    pub id: String,
    /// Who is off call; `None`: nobody is taken off.
    #[serde(default)]
    pub remove: Option<String>,
    /// Who is on call; `None`: nobody is put on. With `remove`: covers for that person.
    #[serde(default)]
    pub add: Option<String>,
    /// First instant.
    pub since: Time,
    /// First instant that is no longer in it.
    pub until: Time,
    /// Who made it, for people.
    pub by: String,
    /// When it was made: the newer of two counts.
    pub created: Time,
    /// Why; may be empty.
    #[serde(default)]
    pub note: String,
}

impl Override {
    fn active(&self, at: Time) -> bool {
        self.since <= at && at < self.until
    }

    fn age(&self) -> (Time, &str) {
        (self.created, &self.id)
    }

    /// `bo covers ana`, `cy is added`, `ana is taken off`.
    #[must_use]
    pub fn words(&self) -> String {
        match (&self.add, &self.remove) {
            (Some(add), Some(remove)) => format!("{add} covers {remove}"),
            (Some(add), None) => format!("{add} is added"),
            (None, Some(remove)) => format!("{remove} is taken off"),
            (None, None) => "nothing changes".to_owned(),
        }
    }
}

/// Who an override put on call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Put<'a> {
    pub person: &'a str,
    /// The last link.
    pub by: &'a Override,
    /// Who the chain began with, when it has more than one link.
    pub first: Option<&'a str>,
}

/// The overrides of one instant, judged.
pub(super) struct Active<'a> {
    /// Those that count, oldest first: of several about one person only the newest, and no circle.
    live: Vec<&'a Override>,
    /// Since when at least no override began or ended.
    pub since: Time,
    /// Until when.
    pub until: Time,
}

impl<'a> Active<'a> {
    pub fn at(overrides: &'a [Override], at: Time) -> Active<'a> {
        let mut active = Active {
            live: Vec::new(),
            since: Time(i64::MIN),
            until: Time::FAR,
        };
        for o in overrides {
            for edge in [o.since, o.until] {
                if edge <= at {
                    active.since = active.since.max(edge);
                } else {
                    active.until = active.until.min(edge);
                }
            }
            if o.active(at) {
                active.live.push(o);
            }
        }
        active.live = judged(std::mem::take(&mut active.live));
        active
    }

    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// The override that takes a person off, unless a newer one adds them by name.
    fn cover(&self, person: &str) -> Option<&'a Override> {
        let is = |name: &Option<String>| name.as_deref() == Some(person);
        let cover = self.live.iter().find(|o| is(&o.remove))?;
        let again = |o: &&&Override| o.remove.is_none() && is(&o.add) && o.age() > cover.age();
        match self.live.iter().find(again) {
            Some(_) => None,
            None => Some(cover),
        }
    }

    /// Whether a person of a layer stays on call.
    pub fn keeps(&self, person: &str) -> bool {
        self.cover(person).is_none()
    }

    /// Who is on call by override.
    pub fn put(&self) -> Vec<Put<'a>> {
        let adding = self.live.iter().filter(|o| o.add.is_some());
        let mut put: Vec<Put<'a>> = adding.filter_map(|o| self.follow(o)).collect();
        // Of two reasons for one person the whole chain says more.
        put.sort_by_key(|p| p.first.is_none());
        put
    }

    /// The end of the chain an override begins.
    fn follow(&self, from: &'a Override) -> Option<Put<'a>> {
        let (mut by, mut person) = (from, from.add.as_deref()?);
        // Circles are gone, so a chain is at most as long as the list.
        for _ in 0..self.live.len() {
            let Some(next) = self.cover(person) else {
                break;
            };
            let chained = next.add.is_some() && from.remove.is_some();
            // Whoever was taken off or covered before is on call again by what was said later.
            if !chained && next.age() < by.age() {
                break;
            }
            by = next;
            person = next.add.as_deref()?;
        }
        let first = (by.id != from.id)
            .then_some(from.remove.as_deref())
            .flatten();
        Some(Put { person, by, first })
    }
}

/// Of overrides about one person the newest, and no link that would close a circle.
fn judged(mut active: Vec<&Override>) -> Vec<&Override> {
    if active.len() < 2 {
        active.retain(|o| o.remove.is_none() || o.remove != o.add);
        return active;
    }
    active.sort_by(|a, b| a.age().cmp(&b.age()));
    let newest = |o: &&Override| {
        let rival = |x: &&&Override| x.remove == o.remove;
        o.remove.is_none()
            || active
                .iter()
                .rev()
                .find(rival)
                .is_some_and(|x| x.id == o.id)
    };
    let mut live: Vec<&Override> = Vec::new();
    for o in active.iter().copied().filter(newest) {
        if chain(&live, o).is_none() {
            live.push(o);
        }
    }
    live
}

/// The people of the circle a new link would close, in order, the first one again at the end.
fn chain<'a>(links: &[&'a Override], new: &'a Override) -> Option<Vec<&'a str>> {
    let (from, mut at) = (new.remove.as_deref()?, new.add.as_deref()?);
    let mut path = vec![from, at];
    while at != from {
        let next = links.iter().find(|o| o.remove.as_deref() == Some(at))?;
        at = next.add.as_deref()?;
        if path.len() > links.len() + 2 {
            return None;
        }
        path.push(at);
    }
    Some(path)
}

/// What is wrong with a new override, in words for whoever makes it.
///
/// # Errors
/// It names nobody, its end is not after its start, or with those there are it would be a circle.
pub fn check(schedule: &Schedule, new: &Override) -> Result<Vec<String>, String> {
    let until = schedule.local(new.until);
    if new.since >= new.until {
        return Err(format!(
            "the override would end ({until}) before it begins ({}): give a later end",
            schedule.local(new.since)
        ));
    }
    match (&new.add, &new.remove) {
        (None, None) => {
            return Err("the override names nobody: say who is added or taken off".to_owned());
        }
        (Some(a), Some(r)) if a == r => {
            return Err(format!(
                "{a} cannot cover for themselves: name somebody else"
            ));
        }
        _ => {}
    }
    if let Some((path, other)) = circle(schedule, new) {
        return Err(format!(
            "that would be a circle: {}; end or change the override \"{other}\" first",
            path.join(" → ")
        ));
    }
    Ok(warnings(schedule, new))
}

/// The circle an override would close at some instant, and what the link before it says.
fn circle<'a>(schedule: &'a Schedule, new: &'a Override) -> Option<(Vec<&'a str>, String)> {
    let others = || schedule.overrides.iter().filter(|o| o.id != new.id);
    let overlapping = || others().filter(|o| o.since < new.until && new.since < o.until);
    // Who covers whom changes at the edges only.
    let edges = overlapping().map(|o| o.since).chain([new.since]);
    for at in edges.filter(|t| new.active(*t)) {
        let links = judged(overlapping().filter(|o| o.active(at)).collect());
        // The new one is the newest about its own person.
        let links: Vec<&Override> = links
            .into_iter()
            .filter(|o| o.remove != new.remove)
            .collect();
        if let Some(path) = chain(&links, new) {
            let last = path.get(path.len().saturating_sub(2))?;
            let link = links.iter().find(|o| o.remove.as_deref() == Some(last))?;
            return Some((path, link.words()));
        }
    }
    None
}

fn warnings(schedule: &Schedule, new: &Override) -> Vec<String> {
    let mut warnings = Vec::new();
    let shifts = schedule.shifts(new.since, new.until);
    let on = |p: &str| shifts.iter().any(|t| t.people.iter().any(|x| x == p));
    if let Some(remove) = new.remove.as_deref().filter(|p| !on(p)) {
        let name = &schedule.name;
        warnings.push(match &new.add {
            Some(add) => format!(
                "{remove} is not on call on {name} in that time, so {add} is on call in addition to whoever is"
            ),
            None => format!("{remove} is not on call on {name} in that time, so nothing changes"),
        });
    }
    if let (Some(add), None) = (&new.add, &new.remove)
        && !shifts.is_empty()
        && shifts.iter().all(|t| t.people.contains(add))
    {
        warnings.push(format!("{add} is on call anyway in that time"));
    }
    let older: Vec<String> = schedule
        .overrides
        .iter()
        .filter(|o| o.id != new.id && o.since < new.until && new.since < o.until)
        .filter(|o| o.remove.is_some() && o.remove == new.remove)
        .map(|o| format!("\"{}\" by {}", o.words(), o.by))
        .collect();
    if !older.is_empty() {
        warnings.push(format!(
            "this counts instead of {}, which is older",
            list(&older)
        ));
    }
    warnings
}
