//! Brakes: which keys runs hold, who waits for them, what rests, and what must not start by itself.
//!
//! Promises: two runs never hold one key at the same time; a run gets all of its keys or none, so
//! no two can wait for each other; who has waited longest for a key gets it first. Nothing here
//! decides: it remembers what the journals of all incidents say, and answers questions about it.

use super::id::{Actor, IncidentId, RunId};
use super::incident::{Event, Incident, Outcome, Record, Run};
use super::time::Time;
use super::timeline;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Starts are counted over this long, milliseconds.
pub const HOUR_MS: i64 = 3_600_000;

/// In front of an action's id in the name of its switch.
const OF_ACTION: &str = "action:";
/// Name of the switch for everything.
const OF_ALL: &str = "all";

/// What one run has to do with keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latch {
    /// Which run.
    pub run: RunId,
    /// Of which incident; it may be over by now.
    pub incident: IncidentId,
    /// Id of its action.
    pub action: String,
    /// Title of its action.
    pub title: String,
    /// The keys it holds, wants or held.
    pub keys: Vec<String>,
    /// It started by itself.
    pub auto: bool,
    /// Since when it waits, or else when it was released.
    pub since: Time,
    /// When it was released to start; `None`: it was not, or provably never started.
    pub released: Option<Time>,
    /// Where it stands.
    pub state: Hold,
}

/// Where a run stands with its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Waits for them until then.
    Waiting {
        /// Refused at this time.
        until: Time,
    },
    /// Has them.
    Held,
    /// Has them because nobody knows how it ended.
    Unknown {
        /// Let go then; `None`: when somebody settles it.
        until: Option<Time>,
    },
    /// Is over, and its keys rest.
    Resting {
        /// Until then.
        until: Time,
    },
    /// Has none; kept while it counts among the starts of the last hour.
    Free,
}

impl Hold {
    /// One word for tables and lists.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Hold::Waiting { .. } => "waiting",
            Hold::Held => "held",
            Hold::Unknown { .. } => "unknown",
            Hold::Resting { .. } => "resting",
            Hold::Free => "free",
        }
    }

    /// When it changes by time alone.
    #[must_use]
    pub fn until(self) -> Option<Time> {
        match self {
            Hold::Waiting { until } | Hold::Resting { until } => Some(until),
            Hold::Unknown { until } => until,
            Hold::Held | Hold::Free => None,
        }
    }

    /// Keeps its keys from others at this instant.
    fn blocks(self, now: Time) -> bool {
        match self {
            Hold::Held => true,
            Hold::Unknown { until } => until.is_none_or(|t| t > now),
            Hold::Resting { until } => until > now,
            Hold::Waiting { .. } | Hold::Free => false,
        }
    }
}

/// A key that is not to be had, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Busy {
    /// The key.
    pub key: String,
    /// The run it is with, or that waits for it already.
    pub with: Latch,
}

impl Busy {
    /// `host:web-1` is held by run-3 (“Restart web” on #12)…, with the remedy.
    #[must_use]
    pub fn words(&self, zone: Option<Tz>) -> String {
        let (key, l) = (&self.key, &self.with);
        let who = format!("{} (“{}” on {})", l.run, l.title, l.incident);
        let clock = |t: Time| timeline::format(t, zone, "%H:%M %Z");
        match l.state {
            Hold::Waiting { .. } => format!("{who} waits for `{key}` already and is first."),
            Hold::Unknown { .. } => format!(
                "`{key}` is held by {who}, whose outcome is unknown: look at the target and settle that run first."
            ),
            Hold::Resting { until } => {
                format!("`{key}` rests until {} after {who}.", clock(until))
            }
            Hold::Held | Hold::Free => format!(
                "`{key}` is held by {who} since {}; ask again when that is over.",
                clock(l.released.unwrap_or(l.since))
            ),
        }
    }
}

/// Whether things run by themselves: for everybody, and action by action.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Switches(BTreeMap<String, Switch>);

/// One switch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Switch {
    /// Since when and why it is off; `None`: it is on.
    pub off: Option<Off>,
    /// Runs that started by themselves and failed, in a row.
    pub failures: u32,
}

/// Why something does not run by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Off {
    /// Who turned it off; firebell itself after failures in a row.
    pub by: Actor,
    /// When.
    pub at: Time,
    /// In words; may be empty.
    pub why: String,
}

impl Off {
    /// `off since Mon 14:03 CET by Ana: deploy`.
    #[must_use]
    pub fn words(&self, zone: Option<Tz>) -> String {
        let since = timeline::format(self.at, zone, "%a %H:%M %Z");
        let why = match self.why.trim() {
            "" => String::new(),
            why => format!(": {why}"),
        };
        format!("off since {since} by {}{why}", self.by.name())
    }
}

impl Switches {
    /// From their rows.
    #[must_use]
    pub fn of(rows: impl IntoIterator<Item = (String, Switch)>) -> Switches {
        Switches(rows.into_iter().collect())
    }

    /// Name of the switch of an action, or of everything.
    #[must_use]
    pub fn name(action: Option<&str>) -> String {
        action.map_or_else(|| OF_ALL.to_owned(), |id| format!("{OF_ACTION}{id}"))
    }

    /// Why nothing runs by itself at all.
    #[must_use]
    pub fn all_off(&self) -> Option<&Off> {
        self.0.get(OF_ALL).and_then(|s| s.off.as_ref())
    }

    /// Why this action does not run by itself; everything that is off counts.
    #[must_use]
    pub fn off(&self, action: &str) -> Option<&Off> {
        self.all_off().or_else(|| self.own_off(action))
    }

    /// Why this action alone does not run by itself.
    #[must_use]
    pub fn own_off(&self, action: &str) -> Option<&Off> {
        self.0
            .get(&Switches::name(Some(action)))
            .and_then(|s| s.off.as_ref())
    }

    /// Actions that were turned off, by id.
    pub fn actions_off(&self) -> impl Iterator<Item = (&str, &Off)> {
        self.0
            .iter()
            .filter_map(|(name, s)| Some((name.strip_prefix(OF_ACTION)?, s.off.as_ref()?)))
    }

    /// Failures in a row of runs of this action that started by themselves.
    #[must_use]
    pub fn failures(&self, action: &str) -> u32 {
        let own = self.0.get(&Switches::name(Some(action)));
        own.map_or(0, |s| s.failures)
    }

    /// One switch by its name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Switch> {
        self.0.get(name)
    }

    /// Sets one switch.
    pub fn set(&mut self, name: String, switch: Switch) {
        self.0.insert(name, switch);
    }
}

/// What changed by one fact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// A latch to be written.
    pub latch: Option<RunId>,
    /// A switch to be written.
    pub switch: Option<String>,
}

/// Everything that holds runs back, as the journals of all incidents tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Brakes {
    latches: BTreeMap<RunId, Latch>,
    /// Whether things run by themselves.
    pub switches: Arc<Switches>,
    /// Incidents that are open.
    pub open: usize,
}

impl Brakes {
    /// From what was stored.
    #[must_use]
    pub fn of(latches: Vec<Latch>, switches: Switches, open: usize) -> Brakes {
        Brakes {
            latches: latches.into_iter().map(|l| (l.run, l)).collect(),
            switches: Arc::new(switches),
            open,
        }
    }

    /// With switches alone: for what is only foretold.
    #[must_use]
    pub fn with(switches: Arc<Switches>) -> Brakes {
        Brakes {
            switches,
            ..Brakes::default()
        }
    }

    /// One run's latch.
    #[must_use]
    pub fn latch(&self, run: RunId) -> Option<&Latch> {
        self.latches.get(&run)
    }

    /// Latches that hold, wait or rest.
    pub fn live(&self) -> impl Iterator<Item = &Latch> {
        self.latches.values().filter(|l| l.state != Hold::Free)
    }

    /// Whether a run may have all of these keys now. One that waits already has its place in the
    /// line; any other stands behind everybody who waits.
    ///
    /// # Errors
    /// The first key that is not to be had.
    pub fn free(&self, run: RunId, keys: &[String], now: Time) -> Result<(), Box<Busy>> {
        let place = self.latches.get(&run).and_then(place);
        for key in keys {
            let mut with = self.latches.values().filter(|l| {
                let first = place.is_none_or(|mine| place_of(l) < mine);
                let waits = matches!(l.state, Hold::Waiting { .. }) && first;
                l.run != run && l.keys.contains(key) && (l.state.blocks(now) || waits)
            });
            // Who has it is worth more than who waits for it.
            let mut found: Option<&Latch> = None;
            for latch in &mut with {
                if found.is_none() || latch.state.blocks(now) {
                    found = Some(latch);
                }
            }
            if let Some(latch) = found {
                return Err(Box::new(Busy {
                    key: key.clone(),
                    with: latch.clone(),
                }));
            }
        }
        Ok(())
    }

    /// Runs that waited and may go now, longest wait first; each as if the ones before it went.
    #[must_use]
    pub fn ready(&self, now: Time) -> Vec<(IncidentId, RunId)> {
        let mut taken: BTreeSet<&str> = BTreeSet::new();
        for latch in self.latches.values().filter(|l| l.state.blocks(now)) {
            taken.extend(latch.keys.iter().map(String::as_str));
        }
        let mut line: Vec<&Latch> = self
            .latches
            .values()
            .filter(|l| place(l).is_some())
            .collect();
        line.sort_by_key(|l| place_of(l));
        let mut ready = Vec::new();
        for latch in line {
            if latch.keys.iter().all(|k| !taken.contains(k.as_str())) {
                ready.push((latch.incident, latch.run));
            }
            // Whoever comes later must not overtake, whether this one goes or still waits.
            taken.extend(latch.keys.iter().map(String::as_str));
        }
        ready
    }

    /// When time alone may let somebody go who waits.
    #[must_use]
    pub fn next_due(&self) -> Option<Time> {
        let waits = self.latches.values().any(|l| place(l).is_some());
        let blocking = self.latches.values().filter(|l| place(l).is_none());
        blocking
            .filter_map(|l| l.state.until())
            .min()
            .filter(|_| waits)
    }

    /// Starts of an action within the last hour; `auto`: only those by itself.
    #[must_use]
    pub fn starts(&self, action: &str, now: Time, auto: bool) -> usize {
        let recent = |l: &&Latch| l.released.is_some_and(|t| now.since_ms(t) < HOUR_MS);
        let of = |l: &&Latch| l.action == action && (l.auto || !auto);
        self.latches.values().filter(of).filter(recent).count()
    }

    /// Lets go what time has freed, and forgets what counts nowhere; answers what is to be written.
    pub fn sweep(&mut self, now: Time) -> Vec<RunId> {
        let mut freed = Vec::new();
        for latch in self.latches.values_mut() {
            let over = latch.state.until().is_some_and(|t| t <= now);
            if over && place(latch).is_none() {
                latch.state = Hold::Free;
                freed.push(latch.run);
            }
        }
        self.latches.retain(|run, l| {
            let counts = l.released.is_some_and(|t| now.since_ms(t) < HOUR_MS);
            l.state != Hold::Free || counts || freed.contains(run)
        });
        freed
    }

    /// A waiting run that nobody can decide about any more leaves the line.
    pub fn drop_waiting(&mut self, run: RunId) {
        if let Some(latch) = self.latches.get_mut(&run) {
            latch.state = Hold::Free;
        }
    }

    /// Remembers a fact of an incident, which is given as it is after it.
    pub fn evolve(&mut self, incident: &Incident, record: &Record) -> Moved {
        let at = record.at;
        let mut moved = Moved::default();
        match &record.event {
            Event::Opened { .. } | Event::Reopened { .. } => self.open += 1,
            Event::Resolved { .. } | Event::Merged { .. } => {
                self.open = self.open.saturating_sub(1);
            }
            Event::RunQueued { run, until, .. } => {
                moved.latch = self.put(incident, *run, at, |latch| {
                    latch.state = Hold::Waiting { until: *until };
                });
            }
            Event::RunReleased { run } => {
                moved.latch = self.put(incident, *run, at, |latch| {
                    latch.released = Some(at);
                    latch.state = Hold::Held;
                });
            }
            Event::RunRejected { run, .. } | Event::RunExpired { run } => {
                moved.latch = self.let_go(*run, None, at);
            }
            Event::RunEnded { run, outcome, .. } => {
                if let Some(ran) = incident.runs.get(run) {
                    moved.latch = self.ended(*run, ran, outcome, at);
                    moved.switch = self.count(ran, outcome);
                }
            }
            Event::RunSettled { run, good, .. } => {
                let ran = incident.runs.get(run).map(Arc::as_ref);
                moved.latch = self.let_go(*run, ran, at);
                moved.switch = ran
                    .filter(|r| *good && by_itself(r))
                    .and_then(|r| self.change(&r.action, |s| s.failures = 0));
            }
            Event::AutoStopped { action, why } => {
                moved.switch = self.change(action, |s| {
                    s.off = Some(Off {
                        by: Actor::Firebell,
                        at,
                        why: why.clone(),
                    });
                });
            }
            _ => {}
        }
        moved
    }

    fn put(
        &mut self,
        incident: &Incident,
        run: RunId,
        at: Time,
        how: impl FnOnce(&mut Latch),
    ) -> Option<RunId> {
        // A dry run changes nothing: it holds no key and is no start of its action.
        let ran = incident.runs.get(&run).filter(|r| !r.terms.dry)?;
        let latch = self.latches.entry(run).or_insert_with(|| Latch {
            run,
            incident: incident.id,
            action: ran.action.clone(),
            title: ran.title.clone(),
            keys: ran.terms.locks.clone(),
            auto: by_itself(ran),
            since: at,
            released: None,
            state: Hold::Free,
        });
        how(latch);
        Some(run)
    }

    fn ended(&mut self, run: RunId, ran: &Run, outcome: &Outcome, at: Time) -> Option<RunId> {
        match outcome {
            Outcome::Unknown { .. } => {
                let ttl = ran.terms.unknown_ttl_ms;
                let until = (ttl > 0).then(|| at.plus_ms(ttl));
                let latch = self.latches.get_mut(&run)?;
                latch.state = Hold::Unknown { until };
                Some(run)
            }
            Outcome::NotStarted { .. } => {
                self.latches.get_mut(&run)?.released = None;
                self.let_go(run, None, at)
            }
            _ => self.let_go(run, Some(ran), at),
        }
    }

    /// Its keys are free, or rest when it did something.
    fn let_go(&mut self, run: RunId, ran: Option<&Run>, at: Time) -> Option<RunId> {
        let rest_ms = ran.map_or(0, |r| r.terms.cooldown_ms);
        let latch = self.latches.get_mut(&run)?;
        latch.state = if rest_ms > 0 && !latch.keys.is_empty() {
            Hold::Resting {
                until: at.plus_ms(rest_ms),
            }
        } else {
            Hold::Free
        };
        Some(run)
    }

    /// Counts failures in a row of what started by itself.
    fn count(&mut self, ran: &Run, outcome: &Outcome) -> Option<String> {
        let bad = failed(outcome).filter(|_| by_itself(ran))?;
        self.change(&ran.action, |s| {
            s.failures = if bad { s.failures + 1 } else { 0 }
        })
    }

    fn change(&mut self, action: &str, how: impl FnOnce(&mut Switch)) -> Option<String> {
        let name = Switches::name(Some(action));
        let before = self.switches.0.get(&name).cloned().unwrap_or_default();
        let mut after = before.clone();
        how(&mut after);
        if after == before {
            return None;
        }
        Arc::make_mut(&mut self.switches).set(name.clone(), after);
        Some(name)
    }
}

/// Its place in the line, if it waits: since when, then the number.
fn place(latch: &Latch) -> Option<(Time, RunId)> {
    matches!(latch.state, Hold::Waiting { .. }).then(|| place_of(latch))
}

fn place_of(latch: &Latch) -> (Time, RunId) {
    (latch.since, latch.run)
}

/// Nobody pressed a button for it.
#[must_use]
pub fn by_itself(run: &Run) -> bool {
    run.by == Actor::Firebell && run.terms.auto.is_some()
}

/// Whether an outcome speaks against the action; `None`: it says nothing about it.
#[must_use]
pub fn failed(outcome: &Outcome) -> Option<bool> {
    match outcome {
        Outcome::Succeeded { .. } | Outcome::Reported { good: true, .. } => Some(false),
        Outcome::Cancelled | Outcome::NotStarted { .. } => None,
        _ => Some(true),
    }
}
