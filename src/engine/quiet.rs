//! What silences hold: alerts that are parked until nothing holds them, and incidents that may be
//! covered as a whole.
//!
//! Promises: a parked alert is on disk before its sender is answered, and is found again after a
//! crash; its end is an absolute time; when nothing holds it, it is routed as if it had just
//! arrived. Races it knows: a silence that is decided and not yet committed already counts for what
//! is decided on top of it, and a failed commit forgets both.

use super::draft::Draft;
use super::{Engine, Failure, desk, lease};
use crate::core::alert::{Alert, AlertKind, Labels};
use crate::core::id::{AlertId, IncidentId};
use crate::core::route::Routed;
use crate::core::silence::{Marks, Silence, Span, hold};
use crate::core::time::Time;
use crate::store::{AlertRow, Store, StoreFault};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A start looks back this far for silences that ended while firebell was down, milliseconds.
const LOOK_BACK_MS: i64 = 7 * 86_400_000;

/// What is asked of silences.
#[derive(Clone, Debug)]
pub enum SilenceAct {
    /// Make one, or change the one with `wanted.id`.
    Put {
        /// As it is to be; an empty id makes a new one.
        wanted: Box<Silence>,
        /// The id of a new one. The same id again is the same act.
        fresh: String,
    },
    /// End one now.
    End {
        /// Which.
        id: String,
    },
}

impl Engine {
    /// Makes, changes or ends a silence. When this returns, it is durable and in force; the answer is
    /// the id it has then.
    ///
    /// # Errors
    /// A refusal in words, or `Unavailable` when nothing could be stored.
    pub async fn silence(&self, act: SilenceAct) -> Result<String, Failure> {
        self.ask(|reply| desk::Job::Silence { act, reply }).await
    }
}

/// Silences and what they hold, as decided.
#[derive(Debug, Default)]
pub(super) struct Quiet {
    /// People's silences that may still hold something, or were not taken leave of yet.
    pub silences: Arc<BTreeMap<String, Arc<Silence>>>,
    /// What was said about each.
    pub marks: BTreeMap<String, Marks>,
    /// Windows that held at the last look.
    pub active: BTreeSet<(String, Span)>,
    /// Incidents whose alerts may all be covered, or no longer.
    pub unsure: BTreeSet<IncidentId>,
    /// When the silences are to be looked at again.
    pub look_at: Option<Time>,
    parked: BTreeMap<AlertId, Parked>,
    due: BTreeSet<(Time, AlertId)>,
}

/// Why an alert is held.
pub(super) struct Held {
    /// Id of the silence that is named.
    pub silence: String,
    /// The reason on the alert's row.
    pub why: String,
    /// Until when.
    pub until: Time,
}

/// An alert that fires and pages nobody while a silence holds it.
#[derive(Debug)]
pub(super) struct Parked {
    /// Its identity among the leases.
    pub key: u128,
    /// As its sender told it last.
    pub alert: Alert,
    /// The reason on its row.
    pub why: String,
    until: Time,
}

impl Parked {
    pub(super) fn of(key: u128, alert: Alert, held: Held) -> Parked {
        Parked {
            key,
            alert,
            why: held.why,
            until: held.until,
        }
    }

    /// From its row; it is looked at again at once.
    fn restored(row: AlertRow) -> Parked {
        let said = said(&row);
        Parked {
            key: lease::key(&row.source, &row.fingerprint),
            alert: Alert {
                source: row.source,
                fingerprint: row.fingerprint,
                labels: said.labels,
                annotations: said.annotations,
                starts_at: row.starts_at,
                ends_at: row.ends_at,
                generator_url: said.url,
                kind: AlertKind::Firing,
            },
            why: row.why,
            until: Time(0),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    labels: Labels,
    annotations: Labels,
    #[serde(rename = "generatorURL")]
    url: String,
}

fn said(row: &AlertRow) -> Said {
    // A row another version wrote is read as far as it can be.
    serde_json::from_str(&row.body).unwrap_or_default()
}

/// The labels of a stored alert.
pub(super) fn labels(row: &AlertRow) -> Labels {
    said(row).labels
}

/// What holds an alert now, if anything does.
pub(super) fn held(draft: &Draft, alert: &Alert, routed: &Routed) -> Option<Held> {
    let directory = &draft.directory;
    let hold = hold(
        directory,
        &alert.labels,
        routed.service.as_deref(),
        draft.now,
    )?;
    Some(Held {
        silence: hold.silence.id.clone(),
        why: format!("{}; {}", hold.why(directory.zone), routed.why.join("; ")),
        until: hold.until,
    })
}

impl Quiet {
    pub(super) async fn restore(store: &Store, now: Time) -> Result<Quiet, StoreFault> {
        let live = store.live_silences(now.plus_ms(-LOOK_BACK_MS)).await?;
        let silences = live.into_iter().map(|s| (s.id.clone(), Arc::new(s)));
        let mut quiet = Quiet {
            silences: Arc::new(silences.collect()),
            marks: store.silence_marks().await?.into_iter().collect(),
            look_at: Some(Time(0)),
            ..Quiet::default()
        };
        for row in store.held_alerts().await? {
            quiet.park(row.id, Parked::restored(row));
        }
        Ok(quiet)
    }

    /// Keeps an alert until nothing holds it.
    pub(super) fn park(&mut self, id: AlertId, parked: Parked) {
        self.due.insert((parked.until, id));
        self.parked.insert(id, parked);
    }

    /// Takes an alert out.
    pub(super) fn unpark(&mut self, id: AlertId) -> Option<Parked> {
        let parked = self.parked.remove(&id)?;
        self.due.remove(&(parked.until, id));
        Some(parked)
    }

    /// Its sender says something else about it.
    pub(super) fn reworded(&mut self, id: AlertId, alert: &Alert) {
        if let Some(parked) = self.parked.get_mut(&id) {
            parked.alert = alert.clone();
        }
    }

    /// A parked alert that nothing may hold any more.
    pub(super) fn next_parked(&self, now: Time) -> Option<AlertId> {
        self.due
            .first()
            .filter(|(at, _)| *at <= now)
            .map(|(_, id)| *id)
    }

    /// Silences changed: everything that is parked is looked at again.
    pub(super) fn look_at_all(&mut self) {
        self.due.clear();
        for (id, parked) in &mut self.parked {
            parked.until = Time(0);
            self.due.insert((Time(0), *id));
        }
    }

    /// When something here wants attention; with `free` also what needs the store to be as decided.
    pub(super) fn next_due(&self, free: bool) -> Option<Time> {
        let parked = self.due.first().map(|(at, _)| *at);
        let look = self.look_at.filter(|_| free);
        let unsure = (free && !self.unsure.is_empty()).then_some(Time(0));
        [parked, look, unsure].into_iter().flatten().min()
    }

    /// Puts a silence in force.
    pub(super) fn put(&mut self, silence: Silence) {
        let all = Arc::make_mut(&mut self.silences);
        all.insert(silence.id.clone(), Arc::new(silence));
        self.look_at = Some(Time(0));
    }
}
