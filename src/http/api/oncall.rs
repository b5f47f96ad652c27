//! Who is on call: now, or at any instant of past and future; computed, never stored.

use super::params::{Asked, FromParams, Params, bad};
use super::shape::All;
use crate::core::directory::{Directory, Policy, Target};
use crate::core::schedule::{Schedule, Turn};
use crate::core::text::list;
use crate::core::time::Time;
use crate::http::App;
use crate::http::error::{ErrorBody, Problem};
use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use std::collections::BTreeSet;
use utoipa::{IntoParams, ToSchema};

/// Which schedules, and when.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OnCallParams {
    /// Only this schedule.
    #[param(example = "web-primary")]
    schedule: Option<String>,
    /// Only the schedules this service's escalation policy pages.
    #[param(example = "checkout")]
    service: Option<String>,
    /// At this RFC 3339 time instead of now.
    #[param(example = "2026-11-22T14:03:00Z")]
    at: Option<String>,
}

impl FromParams for OnCallParams {
    fn from_params(params: &mut Params) -> Result<OnCallParams, Problem> {
        Ok(OnCallParams {
            schedule: params.text("schedule")?,
            service: params.text("service")?,
            at: params.time("at")?.map(Time::rfc3339),
        })
    }
}

/// Who is on call on one schedule.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OnCallOut {
    /// Id of the schedule.
    #[schema(example = "web-primary")]
    pub schedule: String,
    /// Its display name.
    pub name: String,
    /// Zone of its hand-offs.
    #[schema(example = "Europe/Berlin")]
    pub zone: String,
    /// Empty: nobody is.
    pub people: Vec<DutyOut>,
    /// Shown beside them, never paged.
    pub shadows: Vec<PersonOut>,
    /// What is wrong though somebody may be on call.
    #[schema(example = json!(["layer experts has nobody"]))]
    pub notes: Vec<String>,
    /// Begin of this turn; `null`: the rotation has not begun.
    #[schema(format = DateTime)]
    pub since: Option<String>,
    /// The next hand-off; `null`: there is none.
    #[schema(format = DateTime)]
    pub until: Option<String>,
    /// The turn after that.
    pub next: Option<TurnOut>,
}

/// A turn to come.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TurnOut {
    /// Who.
    pub people: Vec<PersonOut>,
    /// Its begin.
    #[schema(format = DateTime)]
    pub since: String,
    /// Its end; `null`: there is none.
    #[schema(format = DateTime)]
    pub until: Option<String>,
}

/// A shift, cut to the span asked for.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ShiftOut {
    /// Empty: nobody is on call.
    pub people: Vec<DutyOut>,
    /// Shown beside them, never paged.
    pub shadows: Vec<PersonOut>,
    /// What is wrong though somebody may be on call.
    pub notes: Vec<String>,
    /// Its begin, not before `from`.
    #[schema(format = DateTime)]
    pub since: String,
    /// Its end, not after `to`.
    #[schema(format = DateTime)]
    pub until: String,
}

/// A person on call.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DutyOut {
    /// Configured id.
    #[schema(example = "ana")]
    pub id: String,
    /// Display name.
    pub name: String,
    /// By which layer, calendar or override.
    #[schema(example = "layer rotation, turn 14, until Mon 30 Nov 09:00 CET")]
    pub why: String,
}

/// A person.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PersonOut {
    /// Configured id.
    #[schema(example = "ana")]
    pub id: String,
    /// Display name.
    pub name: String,
}

/// Who is on call, per schedule.
#[utoipa::path(
    get,
    path = "/oncall",
    tag = "directory",
    params(OnCallParams),
    responses(
        (status = 200, body = All<OnCallOut>),
        (status = 400, description = "A parameter is unknown or has a value that is not allowed", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "There is no such schedule or service", body = ErrorBody),
    )
)]
pub async fn on_call(
    State(app): State<App>,
    Asked(params): Asked<OnCallParams>,
) -> Result<Json<All<OnCallOut>>, Problem> {
    let directory = app.engine.directory();
    let at = params.at.as_deref().and_then(Time::parse_rfc3339);
    let at = at.unwrap_or_else(|| app.engine.now());
    let wanted = wanted(&directory, &params)?;
    let told = |s: &Schedule| shift(&directory, s, at);
    let all = &directory.schedules;
    let items = match wanted {
        // Not by walking ten thousand for one.
        Some(ids) => ids.iter().filter_map(|id| all.get(id)).map(told).collect(),
        None => all.values().map(told).collect(),
    };
    Ok(Json(All { items }))
}

/// How far shifts are told when the request does not say, milliseconds.
const SHIFTS_MS: i64 = 30 * 86_400_000;
/// How far at most: the shifts of an hourly rotation over that are 8,800.
const SHIFTS_MAX_MS: i64 = 366 * 86_400_000;

/// Which span of a schedule.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ShiftParams {
    /// From this RFC 3339 time instead of now.
    #[param(example = "2026-12-01T00:00:00Z")]
    from: Option<String>,
    /// Until this one; 30 days from the begin when left out, at most 366.
    #[param(example = "2027-01-01T00:00:00Z")]
    to: Option<String>,
}

impl FromParams for ShiftParams {
    fn from_params(params: &mut Params) -> Result<ShiftParams, Problem> {
        Ok(ShiftParams {
            from: params.time("from")?.map(Time::rfc3339),
            to: params.time("to")?.map(Time::rfc3339),
        })
    }
}

/// Every shift of a schedule in a span, cut to it, in order and without a hole between them.
#[utoipa::path(
    get,
    path = "/schedules/{id}/shifts",
    tag = "directory",
    params(("id" = String, Path, description = "Id of the schedule", example = "web-primary"), ShiftParams),
    responses(
        (status = 200, body = All<ShiftOut>),
        (status = 400, description = "A parameter is unknown or has a value that is not allowed", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "There is no such schedule", body = ErrorBody),
    )
)]
pub async fn list_shifts(
    State(app): State<App>,
    Path(id): Path<String>,
    Asked(params): Asked<ShiftParams>,
) -> Result<Json<All<ShiftOut>>, Problem> {
    let directory = app.engine.directory();
    let all = &directory.schedules;
    let schedule = all
        .get(&id)
        .ok_or_else(|| unknown("schedule", &id, all.keys()))?;
    let time = |text: &Option<String>| text.as_deref().and_then(Time::parse_rfc3339);
    let from = time(&params.from).unwrap_or_else(|| app.engine.now());
    let to = time(&params.to).unwrap_or(from.plus_ms(SHIFTS_MS));
    if to <= from {
        return Err(bad("`to` is not after `from`.".to_owned()));
    }
    if to.since_ms(from) > SHIFTS_MAX_MS {
        return Err(bad("From `from` to `to` are at most 366 days.".to_owned()));
    }
    let items = schedule.shifts(from, to).into_iter().map(|turn| ShiftOut {
        people: duties(&directory, &turn),
        since: turn.since.rfc3339(),
        until: turn.until.rfc3339(),
        shadows: people(&directory, turn.shadows),
        notes: turn.notes,
    });
    Ok(Json(All {
        items: items.collect(),
    }))
}

/// Ids of the schedules asked for; `None`: all.
fn wanted(
    directory: &Directory,
    params: &OnCallParams,
) -> Result<Option<BTreeSet<String>>, Problem> {
    let mut wanted: Option<BTreeSet<String>> = None;
    if let Some(id) = &params.schedule {
        if !directory.schedules.contains_key(id) {
            return Err(unknown("schedule", id, directory.schedules.keys()));
        }
        wanted = Some(BTreeSet::from([id.clone()]));
    }
    if let Some(id) = &params.service {
        if !directory.services.contains_key(id) {
            return Err(unknown("service", id, directory.services.keys()));
        }
        let of_service = schedules_of(directory, id);
        wanted = Some(match wanted {
            Some(w) => w.intersection(&of_service).cloned().collect(),
            None => of_service,
        });
    }
    Ok(wanted)
}

/// The policy a service's incidents freeze when the route names none.
#[must_use]
pub fn policy_of<'a>(directory: &'a Directory, service: &str) -> Option<&'a Policy> {
    let service = directory.services.get(service)?;
    let of_team = directory.teams.get(&service.team).map(|t| &t.policy);
    [
        Some(&service.policy),
        of_team,
        Some(&directory.route.policy),
    ]
    .into_iter()
    .flatten()
    .flatten()
    .find_map(|id| directory.policies.get(id))
}

fn schedules_of(directory: &Directory, service: &str) -> BTreeSet<String> {
    policy_of(directory, service)
        .into_iter()
        .flat_map(|p| p.rungs.iter().flat_map(|r| &r.targets))
        .filter_map(|t| match t {
            Target::Schedule(id) => Some(id.clone()),
            _ => None,
        })
        .collect()
}

fn unknown<'a>(what: &str, id: &str, all: impl Iterator<Item = &'a String>) -> Problem {
    let all: Vec<&String> = all.collect();
    Problem::missing(format!(
        "There is no {what} `{id}`; there is {}.",
        if all.is_empty() {
            "none".to_owned()
        } else {
            list(&all)
        }
    ))
}

/// One schedule at an instant.
#[must_use]
pub fn shift(directory: &Directory, schedule: &Schedule, at: Time) -> OnCallOut {
    let turn = schedule.on_call(at);
    let next = (turn.until < Time::FAR).then(|| schedule.on_call(turn.until));
    OnCallOut {
        schedule: schedule.id.clone(),
        name: schedule.name.clone(),
        zone: schedule.zone.name().to_owned(),
        since: (turn.since > Time(i64::MIN)).then(|| turn.since.rfc3339()),
        until: end(&turn),
        people: duties(directory, &turn),
        shadows: people(directory, turn.shadows),
        notes: turn.notes,
        next: next.map(|t| TurnOut {
            since: t.since.rfc3339(),
            until: end(&t),
            people: people(directory, t.people),
        }),
    }
}

fn end(turn: &Turn) -> Option<String> {
    (turn.until < Time::FAR).then(|| turn.until.rfc3339())
}

fn duties(directory: &Directory, turn: &Turn) -> Vec<DutyOut> {
    let why = turn
        .why
        .iter()
        .map(String::as_str)
        .chain(std::iter::repeat(""));
    turn.people
        .iter()
        .zip(why)
        .map(|(id, why)| DutyOut {
            id: id.clone(),
            name: directory.person_name(id),
            why: why.to_owned(),
        })
        .collect()
}

fn people(directory: &Directory, ids: Vec<String>) -> Vec<PersonOut> {
    ids.into_iter()
        .map(|id| PersonOut {
            name: directory.person_name(&id),
            id,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::schedule::parse_handoff;
    use chrono::NaiveDateTime;
    use chrono_tz::Tz;

    fn weekly() -> Schedule {
        Schedule::rotation(
            "web",
            "Web",
            Tz::UTC,
            (
                parse_handoff("0 9 * * 1").unwrap(),
                NaiveDateTime::parse_from_str("2026-11-16 09:00", "%Y-%m-%d %H:%M").unwrap(),
            ),
            &["ana", "bo"],
        )
    }

    #[test]
    fn the_answer_says_who_until_when_and_who_is_next() {
        let at = Time::parse_rfc3339("2026-11-22T12:00:00Z").unwrap();
        let out = shift(&Directory::default(), &weekly(), at);
        assert_eq!(out.people[0].id, "ana");
        assert_eq!(out.since.as_deref(), Some("2026-11-16T09:00:00.000Z"));
        assert_eq!(out.until.as_deref(), Some("2026-11-23T09:00:00.000Z"));
        let next = out.next.unwrap();
        assert_eq!(next.people[0].id, "bo");
        assert_eq!(next.since, "2026-11-23T09:00:00.000Z");
    }

    #[test]
    fn before_the_rotation_begins_nobody_is_on_call_and_the_first_turn_is_next() {
        let at = Time::parse_rfc3339("2026-11-01T00:00:00Z").unwrap();
        let out = shift(&Directory::default(), &weekly(), at);
        assert_eq!((out.people.len(), out.since), (0, None));
        assert_eq!(out.next.unwrap().people[0].id, "ana");
    }
}
