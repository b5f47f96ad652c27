//! The postmortem: a draft folded from the journal, with empty sections for people.
//!
//! Promises: the same journal and zone give the same bytes, because nothing here reads today's
//! clock or configuration; every line cites the event it rests on; an unknown outcome of a run is
//! said loudly; nothing is left out without a number that says so. Alert text is hostile and is
//! escaped by every format, which are all written from one tree of typed nodes ([`tree`]).
//!
//! Two layers: [`build`] folds the journal into facts and drafts; [`Postmortem::with`] puts over it
//! what people wrote ([`Written`]), merged with what the draft says today.
//!
//! The sections follow Google's and PagerDuty's published templates, plus "what surprised us".

mod anonymous;
pub mod chart;
mod conduct;
mod confluence;
mod deadline;
mod escape;
mod facts;
mod forget;
mod format;
mod html;
mod layout;
mod markdown;
mod more;
mod parts;
mod rules;
mod sections;
mod sheet;
mod template;
pub mod tree;
mod written;

pub use anonymous::{Known, anonymous, everybody};
pub use chart::Chart;
pub use conduct::day_of;
pub use confluence::confluence;
pub use deadline::{DAYS_MAX, Deadlines, Term, half};
pub use escape::plain_words;
pub use forget::Words;
pub use format::{Format, export};
pub use html::{STYLE, STYLE_SHA256, body as html_body, escape as html_escape, html};
pub use layout::layout;
pub use markdown::markdown as markdown_of;
pub use parts::*;
pub use rules::{PostmortemRules, TemplateBy, TemplateFor};
pub use sections::SECTIONS;
pub use sheet::{ISSUE_BYTES, csv, issue_body, row as csv_row, transcript};
pub use template::{DEFAULT as DEFAULT_TEMPLATE, INLINE, PARTS, Template, Wrong};
pub use written::{
    Act, External, Item, Merged, Priority, Prose, Refused, SECTION_CHARS, Stage, Written, hash,
    merge,
};

use super::id::IncidentId;
use super::incident::{Event, Incident, Nature, Origin, Record};
use super::stats::{self, Durations, Moments};
use super::text::{count, list};
use super::time::{Time, human_ms};
use super::timeline::{self, Names};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// Version of the JSON document; raised when a field changes its meaning or goes.
pub const SCHEMA: u32 = 2;

/// Everything the document says. Field order is the order of the JSON document
/// (`docs/postmortem.schema.json`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Postmortem {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The incident's number.
    pub id: i64,
    /// One line.
    pub title: String,
    /// `triggered`, `acknowledged`, `resolved`: a draft of an open incident is possible.
    pub status: String,
    /// Name of the severity at the end.
    pub severity: String,
    /// Every severity it had, in order.
    pub severity_history: Vec<SeverityStep>,
    /// Service id.
    pub service: Option<String>,
    /// Team id.
    pub team: Option<String>,
    /// Name of the lead.
    pub lead: Option<String>,
    /// Zone of the local times.
    pub zone: String,
    /// The turning points.
    pub dates: Dates,
    /// The lengths between them.
    pub durations: Durations,
    /// A sentence or two to start from.
    pub summary: String,
    /// How it was noticed.
    pub detection: Detection,
    /// What was changed before it began, the highest rank first: context, not causes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ChangeLine>,
    /// What happened, by when it happened; the conversation is apart.
    pub timeline: Vec<Line>,
    /// Who took part or was paged.
    pub responders: Vec<Responder>,
    /// Who had which role, from when until when.
    #[serde(default)]
    pub roles: Vec<RoleSpan>,
    /// What was decided.
    #[serde(default)]
    pub decisions: Vec<Decision>,
    /// How it stood, as it was reported.
    #[serde(default)]
    pub reports: Vec<ReportLine>,
    /// Every page to every contact, and everybody who could not be paged.
    pub pages: Vec<PageSent>,
    /// Runbook actions.
    pub actions: Vec<ActionRun>,
    /// What was said in the rooms.
    pub conversation: Vec<Spoken>,
    /// Every alert that joined.
    pub alerts: Vec<AlertLine>,
    /// What the response cost whom.
    pub load: Vec<Load>,
    /// What was told where.
    pub communication: Vec<Told>,
    /// Addresses that came with the alerts.
    pub links: Vec<Linked>,
    /// How the response went, counted.
    pub counts: Counts,
    /// The timeline, to be drawn.
    pub chart: Chart,
    /// For people to fill.
    pub sections: Vec<Section>,
    /// Where the document itself stands, and what is to be done.
    pub review: Review,
    /// Its type, whether it is private and whether it was a drill.
    #[serde(default, skip_serializing_if = "Nature::is_plain")]
    pub nature: Nature,
}

/// Folds a journal into the draft. `zone` is the zone of the local times; `None`: UTC.
#[must_use]
pub fn build(id: IncidentId, journal: &[Record], zone: Option<Tz>) -> Postmortem {
    let incident = Incident::replay(id, journal);
    let names = Names::of(journal).in_zone(zone);
    let moments = stats::moments(journal);
    let durations = stats::durations(&moments);
    let severity = names
        .severity(incident.severity)
        .unwrap_or_default()
        .to_owned();
    let mut draft = Postmortem {
        schema: SCHEMA,
        id: id.0,
        summary: summary(&incident, &severity, journal, &moments, &durations),
        title: incident.headline(),
        status: incident.status.word().to_owned(),
        severity,
        severity_history: severity_history(journal, &moments, zone),
        service: incident.service,
        team: incident.team,
        lead: incident.lead.as_ref().map(|l| l.name().to_owned()),
        zone: zone.unwrap_or(Tz::UTC).name().to_owned(),
        dates: Dates::of(&moments, zone),
        durations,
        detection: detection(journal),
        changes: more::changes(journal, zone),
        timeline: lines(journal, zone),
        responders: facts::responders(journal, &names, zone),
        roles: conduct::roles(journal, zone),
        decisions: conduct::decisions(journal, zone),
        reports: conduct::reports(journal, zone),
        pages: facts::pages(journal, zone),
        actions: facts::actions(journal, zone),
        conversation: facts::conversation(journal, zone),
        alerts: facts::alerts(journal),
        load: more::load(journal, zone),
        communication: more::told(journal, zone),
        links: more::links(journal),
        counts: more::counts(journal),
        chart: chart::chart(journal, &names, zone),
        sections: Vec::new(),
        review: Review {
            stage: Stage::Draft.word().to_owned(),
            ..Review::default()
        },
        nature: incident.nature,
    };
    draft.sections = sections::sections(&draft);
    draft
}

impl Postmortem {
    /// The draft with what people wrote. `name` tells what a person of the directory is called.
    #[must_use]
    pub fn with(mut self, written: &Written, name: &dyn Fn(&str) -> String) -> Postmortem {
        for section in &mut self.sections {
            sections::put(section, written);
        }
        let zone: Option<Tz> = self.zone.parse().ok();
        let stamp = |at: Option<Time>| at.map(|at| Stamp::of(at, zone));
        let line = |i: &Item| ItemLine {
            id: i.id,
            what: i.what.clone(),
            owner: i.owner.as_deref().map(name),
            due: i.due.map(|d| d.to_string()),
            priority: i.priority.word().to_owned(),
            link: i
                .external
                .as_ref()
                .map_or_else(|| i.link.clone(), |e| e.url.clone()),
            state: match (&i.external, i.done_at) {
                (Some(e), None) => format!("{}, in {}", e.state, e.tracker),
                (_, Some(_)) => "done".to_owned(),
                (None, None) => "open".to_owned(),
            },
        };
        self.review = Review {
            stage: written.stage.word().to_owned(),
            owner: written.owner.as_deref().map(name),
            due: stamp(written.due),
            meets: stamp(written.meets),
            items: written.items.iter().map(line).collect(),
        };
        self
    }

    /// The section of an anchor.
    #[must_use]
    pub fn section(&self, anchor: &str) -> Option<&Section> {
        self.sections.iter().find(|s| s.anchor == anchor)
    }
}

/// The document as Markdown, by the shipped template.
#[must_use]
pub fn markdown(p: &Postmortem) -> String {
    markdown_of(&layout(p, &Template::default()))
}

/// Reads the JSON document back.
///
/// # Errors
/// A sentence that says what does not fit.
pub fn import(text: &str) -> Result<Postmortem, String> {
    #[derive(Deserialize)]
    struct Version {
        schema: u32,
    }
    let version: Version = serde_json::from_str(text)
        .map_err(|e| format!("this is no postmortem of firebell: {e}"))?;
    if version.schema != SCHEMA {
        return Err(format!(
            "this postmortem has schema {}, and this firebell reads schema {SCHEMA}; export it again from its journal",
            version.schema
        ));
    }
    serde_json::from_str(text).map_err(|e| format!("the postmortem does not fit its schema: {e}"))
}

/// The JSON document, indented, with a newline at the end. Fields are in the order of [`Postmortem`].
#[must_use]
pub fn json(postmortem: &Postmortem) -> String {
    // Strings, numbers and lists only: writing it cannot fail.
    let mut out = serde_json::to_string_pretty(postmortem).unwrap_or_default();
    out.push('\n');
    out
}

fn lines(journal: &[Record], zone: Option<Tz>) -> Vec<Line> {
    let told = timeline::entries(journal).into_iter();
    told.filter(|e| e.kind != "spoke")
        .map(|e| Line {
            seq: e.seq,
            at: Stamp::of(e.happened_at, zone),
            recorded_at: e.recorded_at.rfc3339(),
            actor: e.actor,
            kind: e.kind.to_owned(),
            text: e.text,
            source: e.source,
        })
        .collect()
}

fn detection(journal: &[Record]) -> Detection {
    for record in journal {
        if let Event::Opened {
            origin,
            why,
            alerts,
            ..
        } = &record.event
        {
            let by = match origin {
                Origin::Alert { source } => format!("an alert from {source}"),
                Origin::Declared { by } => format!("declared by {}", by.name()),
            };
            return Detection {
                by,
                first_alert: alerts
                    .iter()
                    .min_by_key(|a| a.starts_at)
                    .map(|a| a.name.clone()),
                why: why.clone(),
                source: timeline::citation(record),
            };
        }
    }
    Detection::default()
}

fn severity_history(journal: &[Record], moments: &Moments, zone: Option<Tz>) -> Vec<SeverityStep> {
    let mut steps: Vec<(Time, SeverityStep)> = Vec::new();
    for record in journal {
        let (name, by, why) = match &record.event {
            Event::Opened { severity_name, .. } => (severity_name, "firebell", "opened"),
            Event::SeverityChanged {
                to_name, by, why, ..
            } => (to_name, by.name(), why.as_str()),
            _ => continue,
        };
        let step = SeverityStep {
            at: Stamp::of(record.at, zone),
            severity: name.clone(),
            by: by.to_owned(),
            why: why.to_owned(),
            for_ms: None,
            source: timeline::citation(record),
        };
        steps.push((record.at, step));
    }
    let ends: Vec<Option<Time>> = steps
        .iter()
        .skip(1)
        .map(|(at, _)| Some(*at))
        .chain([moments.resolved])
        .collect();
    steps
        .into_iter()
        .zip(ends)
        .map(|((at, step), end)| SeverityStep {
            for_ms: end.map(|end| end.since_ms(at).max(0)),
            ..step
        })
        .collect()
}

fn summary(
    incident: &Incident,
    severity: &str,
    journal: &[Record],
    moments: &Moments,
    durations: &Durations,
) -> String {
    let Some(opened) = moments.opened else {
        return "The journal of this incident is empty.".to_owned();
    };
    let place = incident
        .service
        .as_ref()
        .map_or(String::new(), |s| format!(" on {s}"));
    let mut out = format!(
        "At {}, “{}” ({severity}{place}) was {}.",
        timeline::format(opened, None, "%Y-%m-%d %H:%M UTC"),
        incident.title,
        match detection(journal).first_alert {
            Some(_) => format!("opened by {}", detection(journal).by),
            None => detection(journal).by,
        }
    );
    let mut parts = Vec::new();
    if let Some(ms) = durations.acknowledge_ms {
        parts.push(format!("acknowledged after {}", human_ms(ms)));
    }
    if let Some(ms) = durations.mitigate_ms {
        parts.push(format!("clear of alerts after {}", human_ms(ms)));
    }
    match durations.resolve_ms {
        Some(ms) => parts.push(format!("resolved after {}", human_ms(ms))),
        None => parts.push("not resolved when this was written".to_owned()),
    }
    out.push_str(&format!(" It was {}.", list(&parts)));
    let pages: u32 = incident.paged.values().sum();
    out.push_str(&format!(
        " {} joined; {} went to {}.",
        count(incident.alerts as usize, "alert"),
        count(pages as usize, "page"),
        match incident.paged.len() {
            0 => "nobody".to_owned(),
            1 => "1 person".to_owned(),
            n => format!("{n} people"),
        }
    ));
    out
}
