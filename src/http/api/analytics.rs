//! What past incidents measure, for programs: as JSON, and as sheets.

use super::answers::NotRead;
use super::params::{Asked, FromParams, Params, bad};
use crate::core::analytics::{self, Measure, Report, Row, TABLES, Words};
use crate::core::directory::Directory;
use crate::core::fairness::today;
use crate::engine::counted;
use crate::http::App;
use crate::http::error::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use chrono_tz::Tz;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

/// Which incidents, and in which form.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AnalyticsParams {
    /// First day; thirty days with the last when it is left out.
    #[param(example = "2026-11-01")]
    from: Option<String>,
    /// Last day; today when it is left out.
    to: Option<String>,
    /// Zone of the days; the configured one when it is left out.
    #[param(example = "Europe/Berlin")]
    zone: Option<String>,
    /// Service id.
    service: Option<String>,
    /// Team id.
    team: Option<String>,
    /// Name of a severity.
    severity: Option<String>,
    /// Minutes within which an alert went by itself: 1, 2, 5, 10, 15, 30 or 60.
    minutes: Option<String>,
    /// `json` (the default) or `csv`.
    format: Option<String>,
    /// Of `csv`: `incidents` (the default), `people`, `rules` or `actions`.
    table: Option<String>,
}

impl FromParams for AnalyticsParams {
    fn from_params(params: &mut Params) -> Result<AnalyticsParams, Problem> {
        Ok(AnalyticsParams {
            from: params.text("from")?,
            to: params.text("to")?,
            zone: params.text("zone")?,
            service: params.text("service")?,
            team: params.text("team")?,
            severity: params.text("severity")?,
            minutes: params.text("minutes")?,
            format: params
                .choice("format", &["json", "csv"])?
                .map(str::to_owned),
            table: params.choice("table", &TABLES)?.map(str::to_owned),
        })
    }
}

/// How long something took.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeasureOut {
    /// Cases in which it is known.
    known: usize,
    /// Cases in which it is not; they are in no number.
    unknown: usize,
    /// Milliseconds; `null`: nothing is known.
    median_ms: Option<i64>,
    /// Milliseconds; `null` below ten cases.
    p90_ms: Option<i64>,
    /// It rests on fewer than five cases.
    few: bool,
}

impl From<Measure> for MeasureOut {
    fn from(m: Measure) -> MeasureOut {
        MeasureOut {
            known: m.known,
            unknown: m.unknown,
            median_ms: m.median_ms,
            p90_ms: m.p90_ms,
            few: m.few(),
        }
    }
}

/// Incidents that have something in common.
#[derive(Debug, Serialize, ToSchema)]
pub struct RowOut {
    /// As it is stored; empty: none, or not to be named.
    key: String,
    /// For people.
    name: String,
    /// How many.
    incidents: usize,
    /// From the begin of the earliest alert to the opening.
    detect: MeasureOut,
    /// From the opening to the first acknowledgement.
    acknowledge: MeasureOut,
    /// From the opening until the harm was said to be over.
    mitigate: MeasureOut,
    /// From the opening to the end.
    resolve: MeasureOut,
}

impl From<Row> for RowOut {
    fn from(r: Row) -> RowOut {
        RowOut {
            key: r.key,
            name: r.name,
            incidents: r.count,
            detect: r.detect.into(),
            acknowledge: r.acknowledge.into(),
            mitigate: r.mitigate.into(),
            resolve: r.resolve.into(),
        }
    }
}

/// Rows of one kind.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupOut {
    /// `service`, `team`, `severity` or `type`.
    by: String,
    /// The largest first.
    rows: Vec<RowOut>,
}

/// What paging cost somebody.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoadOut {
    /// Directory id.
    person: String,
    /// Display name.
    name: String,
    /// How often firebell decided to wake them.
    pages: u32,
    /// In how many incidents.
    incidents: u32,
    /// Of the pages, those in their night.
    at_night: u32,
    /// Of the pages, those on their weekend.
    on_weekends: u32,
    /// How often their sleep was broken: pages of a night within half an hour are one.
    sleep_interruptions: u32,
    /// Pages in the span before.
    before: u32,
}

/// How much noise a rule makes.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleOut {
    /// Name. Alert text: do not trust it.
    rule: String,
    /// How often it joined an incident.
    fired: u32,
    /// In how many incidents.
    incidents: u32,
    /// Of the firings, those nobody ever acknowledged.
    unacknowledged: u32,
    /// Of the firings, those that cleared by themselves in time.
    by_itself: u32,
    /// Of the firings, those that came back.
    repeated: u32,
    /// What could be done; empty: nothing stands out.
    advice: String,
}

/// How well an action works.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActionOut {
    /// Id.
    action: String,
    /// Runs that were started.
    runs: u32,
    /// It did what it should.
    worked: u32,
    /// It did not.
    failed: u32,
    /// Nobody knows, or it was stopped.
    unknown: u32,
    /// Of the runs, those firebell started by itself.
    by_itself: u32,
}

/// Postmortems and action items of the span's incidents.
#[derive(Debug, Serialize, ToSchema)]
pub struct LedgerOut {
    /// Postmortems that have a deadline.
    due: usize,
    /// Reviewed by then.
    in_time: usize,
    /// Reviewed later.
    late: usize,
    /// Not reviewed and past it.
    overdue: usize,
    /// Not reviewed, and there is still time.
    running: usize,
    /// Closed, and when it was reviewed is not known.
    unknown: usize,
    /// Action items that are not done.
    items_open: usize,
    /// Of these, past their day.
    items_overdue: usize,
    /// Action items that are done.
    items_done: usize,
}

/// The report.
#[derive(Debug, Serialize, ToSchema)]
pub struct AnalyticsOut {
    /// First day.
    from: String,
    /// Last day.
    to: String,
    /// Zone of the days.
    zone: String,
    /// All incidents of the span.
    all: RowOut,
    /// All of as many days before.
    before: RowOut,
    /// Drills, which count for nothing else.
    drills: usize,
    /// Incidents that joined another one, which counts for both.
    merged: usize,
    /// Incidents that only few may see: counted, and named nowhere.
    private: usize,
    /// By service, team, severity and type.
    groups: Vec<GroupOut>,
    /// By person.
    people: Vec<LoadOut>,
    /// By rule.
    rules: Vec<RuleOut>,
    /// By action.
    actions: Vec<ActionOut>,
    /// Postmortems and action items.
    postmortems: LedgerOut,
}

fn out(directory: &Directory, r: Report) -> AnalyticsOut {
    let l = r.ledger;
    AnalyticsOut {
        from: r.asked.from.to_string(),
        to: r.asked.to.to_string(),
        zone: r.asked.zone.name().to_owned(),
        all: r.all.into(),
        before: r.before.into(),
        drills: r.drills,
        merged: r.merged,
        private: r.private,
        groups: r
            .groups
            .into_iter()
            .map(|g| GroupOut {
                by: g.by.to_owned(),
                rows: g.rows.into_iter().map(RowOut::from).collect(),
            })
            .collect(),
        people: r
            .people
            .into_iter()
            .map(|p| LoadOut {
                name: directory.person_name(&p.person),
                person: p.person,
                pages: p.pages,
                incidents: p.incidents,
                at_night: p.at_night,
                on_weekends: p.on_weekends,
                sleep_interruptions: p.interruptions,
                before: p.before,
            })
            .collect(),
        rules: r
            .rules
            .into_iter()
            .map(|n| RuleOut {
                rule: n.rule,
                fired: n.fired,
                incidents: n.incidents,
                unacknowledged: n.unacknowledged,
                by_itself: n.by_itself,
                repeated: n.repeated,
                advice: n.advice,
            })
            .collect(),
        actions: r
            .actions
            .into_iter()
            .map(|a| ActionOut {
                action: a.action,
                runs: a.runs,
                worked: a.worked,
                failed: a.failed,
                unknown: a.unknown,
                by_itself: a.by_itself,
            })
            .collect(),
        postmortems: LedgerOut {
            due: l.due,
            in_time: l.in_time,
            late: l.late,
            overdue: l.overdue,
            running: l.running,
            unknown: l.unknown,
            items_open: l.items_open,
            items_overdue: l.items_overdue,
            items_done: l.items_done,
        },
    }
}

/// What the incidents opened in a span of days measure, beside as many days before.
#[utoipa::path(
    get,
    path = "/analytics",
    tag = "insight",
    params(AnalyticsParams),
    responses(
        (status = 200, description = "The report, or one of its sheets", content(
            (AnalyticsOut = "application/json"),
            (String = "text/csv"),
        )),
        NotRead,
    )
)]
pub async fn get_analytics(
    State(app): State<App>,
    Asked(params): Asked<AnalyticsParams>,
) -> Result<Response, Problem> {
    let (directory, now) = (app.engine.directory(), app.engine.now());
    let zone = match params.zone.as_deref() {
        None => directory.zone.unwrap_or(Tz::UTC),
        Some(name) => name.parse().map_err(|_| {
            bad(format!(
                "`zone` cannot be `{name}`: it is not a time zone such as Europe/Berlin."
            ))
        })?,
    };
    let words = Words {
        from: params.from.unwrap_or_default(),
        to: params.to.unwrap_or_default(),
        service: params.service.unwrap_or_default(),
        team: params.team.unwrap_or_default(),
        severity: params.severity.unwrap_or_default(),
        minutes: params.minutes.unwrap_or_default(),
    };
    let asked = words
        .asked(&directory, zone, today(zone, now))
        .map_err(bad)?;
    let report = counted(app.engine.store(), &directory, &asked, now).await?;
    if params.format.as_deref() == Some("csv") {
        let table = params.table.as_deref().unwrap_or("incidents");
        let sheet = analytics::csv(&directory, &report, table).unwrap_or_default();
        let media = [(header::CONTENT_TYPE, "text/csv; charset=utf-8")];
        return Ok((media, sheet).into_response());
    }
    Ok(Json(out(&directory, report)).into_response())
}
