//! Pages on their way: one queue per destination, so that one receiver's trouble is only its own.
//!
//! A window of requests grows while a destination answers and shrinks when it refuses; one that
//! fails in a row is asked by a single probe. While it is behind, pages for the same contact share
//! a request, so that catching up is one request and not a flood.

use super::direct::{self, means_of};
use super::{Deliver, Finished, Poke, link, retry_at};
use crate::chat::{self, Chat, Fault, Retry};
use crate::core::alert::Labels;
use crate::core::directory::{ContactKind, Directory, WEBHOOK};
use crate::core::incident::{Event, Incident};
use crate::core::time::Time;
use crate::engine::Engine;
use crate::engine::outgoing::{Outgoing, Settled};
use crate::engine::waking::{attempts, blank, once};
use crate::notify::{self, Receipt, Tried};
use crate::store::{AlertQuery, AttemptRow, OutboxRow};
use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// A page that has not got through for this long is told in the timeline and lets the ladder go
/// on, while firebell keeps trying: longer than a receiver's restart, shorter than anyone's patience.
const TELL_AFTER_MS: i64 = 30 * 1000;
/// Requests on their way to one destination at a time: begins with one, so that a rate limit costs a
/// few refusals and not a flood of them.
const WINDOW: std::ops::RangeInclusive<usize> = 1..=64;
/// How much a success widens the window: from 1 to 64 in four rounds.
const WIDER: usize = 2;
/// And after a refusal, when pages share requests: few requests hold all there is.
const WINDOW_BEHIND: usize = 4;
/// Pages to one contact that share a request once its destination is behind.
const BUNDLE: usize = 200;
/// A destination that failed this often in a row is probed, not flooded.
const FAILS_TO_PROBE: u32 = 3;
/// A receiver that takes longer is taken for failed.
const PAGE_TIMEOUT: Duration = Duration::from_secs(10);
/// Alerts named in one page; the console has the rest, and the incident says how many there are.
const ALERTS_TOLD: i64 = 100;
/// From one probe to the next while an outage is young, milliseconds: most end within seconds, and
/// forty requests in ten of them are no burden.
const PROBE_MS: i64 = 250;
/// And when it has lasted longer than `YOUNG_MS`.
const PROBE_LATER_MS: i64 = 800;
/// How long an outage is young, milliseconds.
const YOUNG_MS: i64 = 10_000;

/// Where pages go.
pub(super) struct Destination {
    pub(super) ready: VecDeque<i64>,
    in_flight: usize,
    window: usize,
    failures: u32,
    /// When the first of the failures in a row came back.
    failing_since: Time,
    /// It refused for its rate limit or failed, and has not answered well since.
    behind: bool,
    blocked_until: Time,
}

impl Default for Destination {
    fn default() -> Destination {
        let window = *WINDOW.start();
        Destination {
            ready: VecDeque::new(),
            in_flight: 0,
            window,
            failures: 0,
            failing_since: Time(0),
            behind: false,
            blocked_until: Time(0),
        }
    }
}

/// A page on its way.
pub(super) struct ToPage {
    pub row: OutboxRow,
    pub incident: Arc<Incident>,
    why: String,
    /// It waited for the morning.
    waited: bool,
}

impl ToPage {
    fn of(effect: &Outgoing) -> ToPage {
        let why = effect
            .record
            .as_ref()
            .map(|r| why(&r.event, &effect.row.target))
            .unwrap_or_default();
        ToPage {
            row: effect.row.clone(),
            incident: effect.incident.clone(),
            why,
            waited: effect
                .record
                .as_ref()
                .is_some_and(|r| matches!(r.event, Event::Chased { digest: true, .. })),
        }
    }
}

/// Why this person, and why now; as the event says it.
fn why(event: &Event, person: &str) -> String {
    let (people, why) = match event {
        Event::Paged { people, why, .. } | Event::Reminded { people, why, .. } => (people, why),
        Event::CatchAll { people, why, .. } => (people, why),
        Event::Chased { why, .. } => return why.clone(),
        _ => return String::new(),
    };
    let own = people
        .iter()
        .find(|p| p.id == person)
        .map(|p| p.why.as_str());
    [own, Some(why.as_str())]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("; ")
}

impl Deliver {
    pub(super) fn send_pages(&mut self, name: &str) {
        let now = self.engine.now();
        while let Some(destination) = self.destinations.get_mut(name) {
            if destination.blocked_until > now {
                if !destination.ready.is_empty() {
                    self.later.push(Reverse((
                        destination.blocked_until,
                        Poke::Destination(name.to_owned()),
                    )));
                }
                return;
            }
            let solo = is_chat(name) || means_of(name).is_some();
            let window = if solo || destination.failures >= FAILS_TO_PROBE {
                1
            } else {
                destination.window
            };
            if destination.in_flight >= window {
                return;
            }
            let Some(bundle) = destination.next(&self.effects, solo) else {
                return;
            };
            destination.in_flight += 1;
            self.send_bundle(name.to_owned(), bundle);
        }
    }

    pub(super) fn send_bundle(&mut self, destination: String, ids: Vec<i64>) {
        let pages: Vec<_> = ids
            .iter()
            .filter_map(|id| self.effects.get(id))
            .map(ToPage::of)
            .collect();
        let Some(first) = pages.first() else { return };
        let contact = self.contact(&first.row);
        self.flying.extend(&ids);
        let chat = match &contact {
            Some(ContactKind::Chat { platform }) => self.chats.get(platform.as_str()).cloned(),
            _ => None,
        };
        let (engine, client) = (self.engine.clone(), self.client.clone());
        self.outside(async move {
            let began = engine.now();
            let tried = page(&engine, &client, contact, chat, &pages).await;
            Finished::Pages {
                destination,
                ids,
                tried,
                began,
            }
        });
    }

    pub(super) fn pages_done(
        &mut self,
        name: &str,
        ids: Vec<i64>,
        tried: &Tried,
        began: Time,
    ) -> Vec<Settled> {
        let (now, result) = (self.engine.now(), &tried.outcome);
        let ledger = self.ledger(&ids, tried, began);
        let means = means_of(name);
        let pace = means.map_or(0, |m| self.engine.notifiers().pace_ms(m));
        let destination = self.destinations.entry(name.to_owned()).or_default();
        destination.in_flight = destination.in_flight.saturating_sub(1);
        destination.learn(result, now, means.is_some());
        if result.is_ok() && pace > 0 {
            destination.blocked_until = destination.blocked_until.max(now.plus_ms(pace));
        }
        let probing = destination.failures >= FAILS_TO_PROBE || destination.blocked_until > now;
        let mut settled = Vec::with_capacity(ids.len());
        for id in ids.into_iter().rev() {
            self.flying.remove(&id);
            let withdrawn = self.last_tries.remove(&id);
            let Some(mut effect) = self.effects.remove(&id) else {
                continue;
            };
            let ledger = rows_of(&ledger, &effect.row);
            if withdrawn && result.is_err() {
                // Its row says so, and why; the ledger tells the try.
                settled.push(Settled::Effect {
                    row: effect.row,
                    result: result.clone(),
                    retry_at: None,
                    tell: false,
                    ledger,
                });
                continue;
            }
            let retry_at = result
                .as_ref()
                .err()
                .and_then(|fault| retry_at(fault, &effect.row, now));
            let old = now.since_ms(effect.row.created_at) > TELL_AFTER_MS;
            // Somebody who can be reached in another way is, at once.
            let others = effect.incident.chase.contains_key(&effect.row.target);
            let tell = result.is_err() && (retry_at.is_none() || (old || others) && !effect.told);
            settled.push(Settled::Effect {
                row: effect.row.clone(),
                result: result.clone(),
                retry_at,
                tell,
                ledger,
            });
            if let Some(at) = retry_at {
                effect.row.attempts += 1;
                effect.told |= tell;
                self.effects.insert(id, effect);
                if probing {
                    // The destination's own gate decides; in front, because it has waited longest.
                    destination.ready.push_front(id);
                } else {
                    self.later.push(Reverse((at, Poke::Page(id))));
                }
            }
        }
        self.send_pages(name);
        settled
    }

    /// What the ledger is told of a message, as if it held one page about nothing.
    fn ledger(&self, ids: &[i64], tried: &Tried, began: Time) -> Vec<AttemptRow> {
        let first = ids.iter().find_map(|id| self.effects.get(id));
        let kind = first.and_then(|e| self.contact(&e.row));
        let kind = kind.as_ref().map_or("nowhere", ContactKind::word);
        self.engine.count_tries(kind, tried);
        let like = AttemptRow {
            at: began,
            kind: kind.to_owned(),
            purpose: "page".to_owned(),
            pages: i64::try_from(ids.len()).unwrap_or(i64::MAX),
            updated_at: self.engine.now(),
            ..blank()
        };
        attempts(tried, &like)
    }

    /// A page whose own wait is over joins its destination's queue again.
    pub(super) fn page_again(&mut self, id: i64) {
        let Some(effect) = self.effects.get(&id) else {
            return;
        };
        let name = self.destination_of(&effect.row);
        self.destinations
            .entry(name.clone())
            .or_default()
            .ready
            .push_front(id);
        self.send_pages(&name);
    }
}

/// The tries of a message, as those of one of its pages.
fn rows_of(ledger: &[AttemptRow], row: &OutboxRow) -> Vec<AttemptRow> {
    let of = |try_: &AttemptRow| AttemptRow {
        incident: Some(row.incident),
        seq: Some(row.seq),
        person: row.target.clone(),
        contact: row.detail.clone(),
        ..try_.clone()
    };
    ledger.iter().map(of).collect()
}

/// In front of the names of destinations that are a person's chat.
pub(super) const CHAT: &str = "chat ";

fn is_chat(destination: &str) -> bool {
    destination.starts_with(CHAT)
}

impl Destination {
    /// The next request: one page, or, while the destination is behind, all that wait for the same contact.
    /// A storm to one person's chat is always the latter: the first page leaves at once, and what came
    /// meanwhile is one message with a count.
    fn next(&mut self, effects: &HashMap<i64, Outgoing>, solo: bool) -> Option<Vec<i64>> {
        let first = loop {
            let id = self.ready.pop_front()?;
            // A withdrawn one may still be queued.
            if let Some(effect) = effects.get(&id) {
                break effect;
            }
        };
        let mut bundle = vec![first.row.id];
        if self.behind || solo {
            let same =
                |e: &Outgoing| e.row.target == first.row.target && e.row.detail == first.row.detail;
            self.ready.retain(|id| {
                let joins = bundle.len() < BUNDLE && effects.get(id).is_some_and(same);
                if joins {
                    bundle.push(*id);
                }
                !joins
            });
        }
        Some(bundle)
    }

    /// `gentle`: the other end counts, or bills, what it refuses.
    fn learn(&mut self, result: &Result<(), Fault>, now: Time, gentle: bool) {
        match result.as_ref().map_err(|f| f.retry) {
            Ok(()) => {
                (self.failures, self.behind) = (0, false);
                self.window = (self.window + WIDER).min(*WINDOW.end());
            }
            // It answered; it just does not want this one.
            Err(Retry::Never | Retry::Gone) => self.failures = 0,
            Err(Retry::AfterMs(ms)) => {
                (self.behind, self.window) = (true, WINDOW_BEHIND);
                self.blocked_until = self.blocked_until.max(now.plus_ms(ms));
            }
            Err(Retry::Backoff) => {
                if self.failures == 0 {
                    self.failing_since = now;
                }
                self.failures += 1;
                if self.failures >= FAILS_TO_PROBE {
                    (self.behind, self.window) = (true, *WINDOW.start());
                    let wait = if gentle {
                        notify::backoff_ms(self.failures, 0)
                    } else {
                        self.probe_ms(now)
                    };
                    self.blocked_until = now.plus_ms(wait);
                }
            }
        }
    }

    /// From this failure to the next probe.
    fn probe_ms(&self, now: Time) -> i64 {
        if now.since_ms(self.failing_since) > YOUNG_MS {
            PROBE_LATER_MS
        } else {
            PROBE_MS
        }
    }
}

async fn page(
    engine: &Engine,
    client: &reqwest::Client,
    contact: Option<ContactKind>,
    chat: Option<Arc<dyn Chat>>,
    pages: &[ToPage],
) -> Tried {
    let never = |why: String| Fault {
        why,
        retry: Retry::Never,
    };
    let directory = engine.directory();
    match contact {
        None => {
            let lost = pages
                .first()
                .map(|p| format!("{} has no contact {} any more", p.row.target, p.row.detail));
            let lost = never(lost.unwrap_or_default());
            once("nowhere", async { Err(lost) }).await
        }
        Some(ContactKind::Chat { platform }) => {
            let person = pages.first().map(|p| p.row.target.clone());
            let told: Vec<chat::Page> = pages
                .iter()
                .map(|p| told_by_chat(engine, &directory, p))
                .collect();
            let sent = async {
                let chat = chat.ok_or_else(|| never(format!("{platform} is not connected")))?;
                let id = chat.page(&person.unwrap_or_default(), &told).await?;
                Ok(Receipt { id, rings: false })
            };
            once(&platform, sent).await
        }
        Some(ContactKind::Webhook { url, secret }) => {
            let mut told = Vec::with_capacity(pages.len());
            for page in pages {
                told.push(told_by_webhook(engine, &directory, page).await);
            }
            let secret = secret.as_ref();
            let sent = notify::webhook::send_signed(client, &url, secret, &told, PAGE_TIMEOUT);
            once("webhook", async { sent.await.map(|()| Receipt::default()) }).await
        }
        Some(ContactKind::Direct { means, to, via }) => {
            let whither = (means, via.as_deref(), &to);
            direct::page(engine, &directory, whither, pages).await
        }
    }
}

fn told_by_chat(engine: &Engine, directory: &Directory, page: &ToPage) -> chat::Page {
    let ToPage {
        row, incident, why, ..
    } = page;
    let url = link(engine, incident.id);
    chat::Page {
        key: page_key(row),
        card: chat::card::card(incident, directory, engine.now(), &url),
        text: chat::words::page_text(incident, directory, why),
    }
}

fn page_key(row: &OutboxRow) -> String {
    format!("{}:{}:{}", row.incident.0, row.seq, row.n)
}

async fn told_by_webhook(engine: &Engine, directory: &Directory, page: &ToPage) -> notify::Page {
    if page.incident.nature.private && page.row.target.starts_with(WEBHOOK) {
        // A policy's webhook leads to a machine and to whoever reads there, not to one person.
        return notify::Page {
            title: "A private incident needs somebody".to_owned(),
            service: None,
            why: "its policy names this webhook; who may see it finds it in the console".to_owned(),
            ..told_in_words(engine, directory, page)
        };
    }
    notify::Page {
        alerts: alerts_told(engine, &page.incident).await,
        ..told_in_words(engine, directory, page)
    }
}

/// A page without its alerts.
pub(super) fn told_in_words(engine: &Engine, directory: &Directory, page: &ToPage) -> notify::Page {
    let ToPage {
        row,
        incident,
        why,
        waited,
    } = page;
    notify::Page {
        key: page_key(row),
        incident: incident.id,
        title: incident.headline(),
        severity: directory.severity_name(incident.severity),
        status: incident.status.word().to_owned(),
        service: incident.service.clone(),
        person: row.target.clone(),
        person_name: directory.person_name(&row.target),
        why: why.clone(),
        url: link(engine, incident.id),
        at: row.created_at,
        alerts: Vec::new(),
        waited: *waited,
    }
}

/// The alerts a page names. One alert is in the incident itself; more are read, newest left out beyond the limit.
async fn alerts_told(engine: &Engine, incident: &Incident) -> Vec<notify::PagedAlert> {
    let own = || notify::PagedAlert {
        name: (incident.tags.get("alertname")).map_or_else(String::new, ToString::to_string),
        summary: incident.title.clone(),
        labels: incident.labels(),
    };
    if incident.alerts <= 1 {
        return if incident.tags.is_empty() {
            Vec::new()
        } else {
            vec![own()]
        };
    }
    let query = AlertQuery {
        sight: crate::core::sight::Sight::All,
        incident: Some(incident.id),
        firing: Some(true),
        limit: ALERTS_TOLD,
        ..AlertQuery::default()
    };
    // A page must leave even when the list of its alerts cannot be read.
    let rows = engine.store().alerts(&query).await.unwrap_or_default();
    rows.iter().filter_map(told_alert).collect()
}

fn told_alert(row: &crate::store::AlertRow) -> Option<notify::PagedAlert> {
    #[derive(serde::Deserialize)]
    struct Body {
        labels: Labels,
        annotations: Labels,
    }
    let body: Body = serde_json::from_str(&row.body).ok()?;
    let said = |name: &str| body.annotations.get(name).cloned();
    Some(notify::PagedAlert {
        name: body
            .labels
            .get("alertname")
            .cloned()
            .unwrap_or_else(|| row.fingerprint.clone()),
        summary: said("summary")
            .or_else(|| said("description"))
            .unwrap_or_default(),
        labels: body.labels,
    })
}
