//! What pages are drawn from: everything read from the engine and the store, and nothing drawn.

use super::Console;
use super::post::card_of;
use super::trouble::Trouble;
use super::view::Scene;
use super::view::automation::Worked;
use super::view::conduct::Trackers;
use super::view::frame::{self, Here, Side, SideRoom};
use super::view::incident::IncidentView;
use super::view::oncall::Duty;
use super::view::overview::OverviewView;
use super::view::run::RunView;
use super::view::shape::ShapeView;
use super::viewer::{Viewer, set_cookie};
use crate::chat::heard::Voice;
use crate::core::directory::Directory;
use crate::core::explain::explain;
use crate::core::id::{IncidentId, RoomId};
use crate::core::incident::Incident;
use crate::core::learn::Pattern;
use crate::core::related::suggest;
use crate::core::schedule::Schedule;
use crate::core::sight::Sight;
use crate::core::time::Time;
use crate::core::timeline;
use crate::store::{AlertQuery, AttemptQuery, IncidentQuery, IncidentRow, RoomRow};
use axum::http::header;
use axum::response::{AppendHeaders, IntoResponse, Response};
use chrono_tz::Tz;
use maud::Markup;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rooms looked at for the side bar.
const SIDE_ROOMS: i64 = 500;
/// Past incident rooms shown there.
const PAST_ROOMS: usize = 15;
/// Open incidents looked at for status marks and the overview.
const OPEN: i64 = 200;
/// Cards on the overview.
const CARDS: usize = 30;
/// Resolved incidents on the overview.
const PAST: i64 = 5;
/// Turns shown after the one now.
const TURNS: usize = 6;
/// Alerts shown on an incident's page.
const ALERTS: i64 = 20;
/// Tries to wake somebody shown on an incident's page.
const TRIES: i64 = 50;

/// One request: who looks, the configuration in force and the time.
pub(super) struct Moment {
    pub(super) viewer: Viewer,
    /// In the viewer's zone, so that all times on a page are of one clock.
    pub(super) directory: Arc<Directory>,
    pub(super) now: Time,
}

impl Moment {
    pub(super) fn new(console: &Console, viewer: Viewer) -> Moment {
        let mut directory = console.app.engine.directory();
        if directory.zone != Some(viewer.zone) {
            Arc::make_mut(&mut directory).zone = Some(viewer.zone);
        }
        Moment {
            viewer,
            directory,
            now: console.app.engine.now(),
        }
    }

    pub(super) fn scene(&self) -> Scene<'_> {
        Scene {
            viewer: &self.viewer,
            directory: &self.directory,
            now: self.now,
        }
    }
}

/// Puts the frame around a body. What the last form said is shown once.
pub(super) async fn page(
    console: &Console,
    moment: &Moment,
    at: (Here, &str),
    title: &str,
    body: &Markup,
) -> Result<Response, Trouble> {
    let side = side(console, &moment.viewer, at.0).await?;
    let whole = frame::page(moment.scene(), &side, at.0, title, at.1, body);
    let told = moment
        .viewer
        .said
        .is_some()
        .then(|| (header::SET_COOKIE, set_cookie("firebell_said", "", 0)));
    Ok((AppendHeaders(told), whole).into_response())
}

/// What the side bar shows to this viewer.
pub(super) async fn side(console: &Console, viewer: &Viewer, here: Here) -> Result<Side, Trouble> {
    let store = console.app.engine.store();
    let query = IncidentQuery {
        status: "open".to_owned(),
        sight: viewer.sight.clone(),
        limit: OPEN,
        ..IncidentQuery::default()
    };
    let hidden = store.hidden(&viewer.sight).await?;
    let (open, total) = store.incidents(&query).await?;
    let status: BTreeMap<IncidentId, String> =
        open.iter().map(|r| (r.id, r.status.clone())).collect();
    let newest: BTreeMap<RoomId, i64> = store.newest_posts().await?.into_iter().collect();
    let mut past = 0;
    let mut rooms: Vec<SideRoom> = store
        .rooms(SIDE_ROOMS)
        .await?
        .into_iter()
        .filter(|r| may_see(viewer, r) && !r.incident.is_some_and(|i| hidden.contains(&i)))
        .map(|r| SideRoom {
            id: r.id,
            newest: newest.get(&r.id).copied().unwrap_or(0),
            status: r.incident.and_then(|i| status.get(&i).cloned()),
            kind: r.kind,
            name: r.name,
        })
        .filter(|r| {
            let old = r.kind == "incident" && r.status.is_none();
            past += usize::from(old);
            !old || past <= PAST_ROOMS || here == Here::Room(r.id)
        })
        .collect();
    rooms.sort_by(|a, b| match (a.kind.as_str(), b.kind.as_str()) {
        ("incident", "incident") => b.id.cmp(&a.id),
        _ => (&a.kind, &a.name).cmp(&(&b.kind, &b.name)),
    });
    Ok(Side {
        rooms,
        open: total,
        triggered: count(open.iter().filter(|r| r.status == "triggered").count()),
        firing: count(console.app.engine.firing()),
        silenced: silenced(console),
        disabled: disabled(console),
        quarantined: store.quarantine(1).await?.1,
        troubles: console
            .app
            .chat
            .voices
            .iter()
            .filter_map(|voice| trouble(voice.as_ref(), viewer.zone))
            .chain(console.app.engine.troubles())
            .collect(),
    })
}

/// `slack is not connected since 14:03 CET: the token was revoked`.
fn trouble(voice: &dyn Voice, zone: Tz) -> Option<String> {
    let state = voice.link().state();
    let why = state.trouble?;
    let since = state.since.map_or(String::new(), |at| {
        format!(" since {}", timeline::format(at, Some(zone), "%H:%M %Z"))
    });
    Some(format!(
        "{} is not connected{since}: {why}.",
        voice.platform()
    ))
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Whether this viewer may look into the room: direct messages are for one person alone.
pub(super) fn may_see(viewer: &Viewer, room: &RoomRow) -> bool {
    room.kind != "direct" || (!viewer.id.is_empty() && room.name == viewer.id)
}

/// The first page.
pub(super) async fn overview(console: &Console, moment: &Moment) -> Result<OverviewView, Trouble> {
    let store = console.app.engine.store();
    let query = |status: &str, limit| IncidentQuery {
        status: status.to_owned(),
        sight: moment.viewer.sight.clone(),
        limit,
        ..IncidentQuery::default()
    };
    let (mut rows, open) = store.incidents(&query("open", OPEN)).await?;
    // Whoever looks wants what nobody has first, then the worst, then the oldest.
    rows.sort_by(|a, b| {
        (a.status != "triggered", a.severity, a.id).cmp(&(
            b.status != "triggered",
            b.severity,
            b.id,
        ))
    });
    let mut cards = Vec::new();
    for row in rows.iter().take(CARDS) {
        if let Some(incident) = console.app.engine.incident(row.id).await? {
            cards.push(card_of(console, moment, &incident).await?);
        }
    }
    let (past, _) = store.incidents(&query("resolved", PAST)).await?;
    Ok(OverviewView {
        cards,
        open,
        duties: duties(moment),
        past,
    })
}

/// Every schedule as it is now.
pub(super) fn duties(moment: &Moment) -> Vec<Duty> {
    let schedules = moment.directory.schedules.values();
    schedules.filter_map(|s| duty(s, moment.now)).collect()
}

/// A schedule as it is at an instant.
pub(super) fn duty(schedule: &Schedule, now: Time) -> Option<Duty> {
    let mut turns = schedule.upcoming(now, TURNS + 1).into_iter();
    Some(Duty {
        id: schedule.id.clone(),
        name: schedule.name.clone(),
        zone: schedule.zone,
        now: turns.next()?,
        next: turns.collect(),
    })
}

/// Actions whose file is wrong; those a machine lacks a program for are nobody's trouble.
fn disabled(console: &Console) -> i64 {
    let directory = console.app.engine.directory();
    let wrong = directory.disabled.values().filter(|d| !d.lacking);
    i64::try_from(wrong.count()).unwrap_or(0)
}

fn silenced(console: &Console) -> i64 {
    let (directory, now) = (console.app.engine.directory(), console.app.engine.now());
    let active = crate::core::silence::known(&directory).filter(|s| s.active(now).is_some());
    i64::try_from(active.count()).unwrap_or(0)
}

/// An incident, or the answer that there is none.
pub(super) async fn incident(console: &Console, id: i64) -> Result<Arc<Incident>, Trouble> {
    let id = IncidentId(id);
    let found = console.app.engine.incident(id).await?;
    found.ok_or_else(|| Trouble::NotFound(format!("There is no incident {id}.")))
}

/// Everything the page of an incident shows.
pub(super) async fn incident_view(
    console: &Console,
    moment: &Moment,
    incident: &Incident,
) -> Result<IncidentView, Trouble> {
    let store = console.app.engine.store();
    let journal = store.journal(incident.id).await?;
    let of = AlertQuery {
        incident: Some(incident.id),
        sight: Sight::All,
        limit: ALERTS,
        ..AlertQuery::default()
    };
    let alerts_total = store.count_alerts(&of).await?;
    let mut alerts = store
        .alerts(&AlertQuery {
            offset: (alerts_total - ALERTS).max(0),
            ..of
        })
        .await?;
    alerts.reverse();
    let mut deliveries = store.deliveries(incident.id).await?;
    deliveries.reverse();
    let tried = AttemptQuery {
        incident: Some(incident.id),
        sight: Sight::All,
        limit: TRIES,
        ..AttemptQuery::default()
    };
    let (attempts, _) = store.attempts(&tried).await?;
    let lesson = if incident.is_open() {
        let alert = journal.iter().find_map(first_alert);
        let engine = &console.app.engine;
        engine
            .related_lesson(incident, alert.as_deref(), &moment.viewer.sight)
            .await?
    } else {
        None
    };
    let rows = store.runs(incident.id).await?;
    let mut files = Vec::new();
    for over in rows.iter().filter(|r| r.ended_at.is_some()) {
        files.extend(store.artifacts(over.id).await?);
    }
    let open = IncidentQuery {
        status: "open".to_owned(),
        sight: moment.viewer.sight.clone(),
        limit: OPEN,
        ..IncidentQuery::default()
    };
    let (mut others, _) = store.incidents(&open).await?;
    others.retain(|row| row.id != incident.id);
    let near = IncidentQuery {
        sight: moment.viewer.sight.clone(),
        limit: OPEN,
        ..IncidentQuery::default()
    };
    let (near, _) = store.incidents(&near).await?;
    let near: Vec<_> = near.iter().map(IncidentRow::glance).collect();
    let shape = ShapeView {
        suggested: suggest(incident, &near, &moment.directory),
        incident: incident.clone(),
    };
    let places = console.app.engine.places();
    let trackers = Trackers {
        // What is private is read by nobody else, so there is nothing to press.
        names: if incident.nature.private {
            Vec::new()
        } else {
            places.names(false)
        },
        sent: store.exports(incident.id).await?,
    };
    Ok(IncidentView {
        lesson,
        trackers,
        card: card_of(console, moment, incident).await?,
        incident: Arc::new(incident.clone()),
        room: room_of(incident),
        steps: store.shows(incident.id).await?,
        files: store.files(incident.id).await?,
        timeline: timeline::entries(&journal),
        why: explain(incident, &journal, &moment.directory, moment.now),
        worked: worked(moment, incident),
        preceded: incident.preceded.clone(),
        runs: RunView::all(incident, &rows, &files, &moment.directory, moment.now),
        deliveries,
        attempts,
        alerts,
        alerts_total,
        others,
        shape,
    })
}

/// What convinces on incidents like this one, best first.
fn worked(moment: &Moment, incident: &Incident) -> Vec<Worked> {
    let Some(pattern) = Pattern::of(incident.service.as_deref(), &incident.labels()) else {
        return Vec::new();
    };
    let found = moment
        .directory
        .learned
        .suggestions(&moment.directory, incident);
    let each = found.into_iter().map(|(action, evidence)| Worked {
        action: action.id.clone(),
        pattern: pattern.clone(),
        evidence,
    });
    each.collect()
}

/// The name of the alert it began with.
fn first_alert(record: &crate::core::incident::Record) -> Option<String> {
    match &record.event {
        crate::core::incident::Event::Opened { alerts, .. } => {
            alerts.first().map(|a| a.name.clone())
        }
        _ => None,
    }
}

/// The incident's room in this console.
pub(super) fn room_of(incident: &Incident) -> Option<RoomId> {
    incident
        .rooms
        .get(crate::platform::console::PLATFORM)?
        .parse()
        .ok()
        .map(RoomId)
}
