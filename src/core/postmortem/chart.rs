//! The timeline as a drawing: how bad it was, who was paged, who had it, what ran, what was noted.
//!
//! Promises: the same journal gives the same bytes; whole numbers only; no script, no style
//! attribute, nothing loaded: it shows under the console's content policy. Colours are attributes a
//! style sheet may change; every mark has words, because colour alone tells nothing.

use crate::core::id::RunId;
use crate::core::incident::{Event, Record};
use crate::core::time::{Time, human_ms};
use crate::core::timeline::{self, Names};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Width of the drawing, and of its margin for the names of the lanes.
const WIDTH: i64 = 960;
const LEFT: i64 = 90;
const RIGHT: i64 = 14;
/// Height of a lane.
const LANE: i64 = 34;
/// Where the first lane begins.
const TOP: i64 = 12;
/// Lanes from the top.
const LANES: [&str; 5] = ["Severity", "Pages", "Acks", "Runs", "Notes"];
/// Colours of the severities, worst first; the last one is for all that follow.
const BANDS: [&str; 4] = ["#c62828", "#e07b00", "#b59a00", "#4f7a9e"];

/// A stretch of time in a lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// Milliseconds since 1970.
    pub from: i64,
    /// Milliseconds since 1970.
    pub to: i64,
    /// What is read.
    pub label: String,
    /// Index of the severity; of a run 0.
    pub level: u8,
}

/// A point in a lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Milliseconds since 1970.
    pub at: i64,
    /// What is read.
    pub label: String,
}

/// What is drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chart {
    /// Milliseconds since 1970.
    pub from: i64,
    /// Milliseconds since 1970; after `from`.
    pub to: i64,
    /// Name of the zone of the times below.
    pub zone: String,
    /// How bad it was.
    pub bands: Vec<Stretch>,
    /// Who was paged.
    pub pages: Vec<Mark>,
    /// Who had it.
    pub acks: Vec<Mark>,
    /// What ran.
    pub runs: Vec<Stretch>,
    /// What was noted.
    pub notes: Vec<Mark>,
}

impl Chart {
    /// Nothing to draw.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bands.is_empty()
    }
}

/// The chart of a journal.
#[must_use]
pub fn chart(journal: &[Record], names: &Names, zone: Option<Tz>) -> Chart {
    let mut chart = Chart {
        zone: zone.unwrap_or(Tz::UTC).name().to_owned(),
        ..Chart::default()
    };
    let mut started: BTreeMap<RunId, i64> = BTreeMap::new();
    let mut end = None;
    for record in journal {
        let at = record.at.0;
        match &record.event {
            Event::Opened {
                severity,
                severity_name,
                alerts,
                ..
            } => {
                let began = alerts.iter().map(|a| a.starts_at.0.min(at)).min();
                chart.from = began.unwrap_or(at);
                chart.band(at, severity_name, severity.0);
            }
            Event::SeverityChanged { to, to_name, .. } => chart.band(at, to_name, to.0),
            Event::Paged { people, .. }
            | Event::CatchAll { people, .. }
            | Event::Reminded { people, .. } => {
                let paged = people.iter().map(|p| mark(at, &p.name));
                chart.pages.extend(paged);
            }
            Event::Chased { name, .. } => chart.pages.push(mark(at, name)),
            Event::Acknowledged { by }
            | Event::AckCounted { by, .. }
            | Event::Snoozed { by, .. } => {
                chart.acks.push(mark(at, by.name()));
            }
            Event::Noted { text, .. } => {
                let happened = timeline::happened_at(record).0;
                chart
                    .notes
                    .push(mark(happened, &crate::core::text::cut(text, 80)));
            }
            Event::RunStarted { run } => drop(started.insert(*run, at)),
            Event::RunEnded { run, outcome, .. } => chart.runs.push(Stretch {
                from: started.remove(run).unwrap_or(at),
                to: at,
                label: format!("{}: {}", names.run(*run), outcome.word()),
                level: 0,
            }),
            Event::Resolved { .. } | Event::Merged { .. } => end = Some(at),
            Event::Reopened { .. } => end = None,
            _ => {}
        }
    }
    let last = journal.last().map_or(chart.from, |r| r.at.0);
    let end = end.unwrap_or(last);
    for (run, from) in started {
        chart.runs.push(Stretch {
            from,
            to: last,
            label: format!("{}: no end recorded", names.run(run)),
            level: 0,
        });
    }
    if let Some(band) = chart.bands.last_mut() {
        band.to = end.max(band.from);
    }
    let marks = [&chart.pages, &chart.acks, &chart.notes];
    let points = marks.into_iter().flatten().map(|m| m.at);
    // A note of long ago is in the table; here it would squeeze everything else into a line.
    let reach = (end - chart.from).max(60_000);
    let near = |at: &i64| *at >= chart.from - reach && *at <= end + reach;
    let (mut low, mut high) = (chart.from, end);
    for at in points.filter(near) {
        (low, high) = (low.min(at), high.max(at));
    }
    let far = (low, high);
    for marks in [&mut chart.pages, &mut chart.acks, &mut chart.notes] {
        marks.retain(|m| (far.0..=far.1).contains(&m.at));
    }
    chart.from = low;
    chart.to = high.max(low + 1000);
    chart
}

fn mark(at: i64, label: &str) -> Mark {
    Mark {
        at,
        label: label.to_owned(),
    }
}

impl Chart {
    fn band(&mut self, at: i64, name: &str, level: u8) {
        if let Some(band) = self.bands.last_mut() {
            band.to = at;
        }
        self.bands.push(Stretch {
            from: at,
            to: at,
            label: name.to_owned(),
            level,
        });
    }

    fn x(&self, at: i64) -> i64 {
        let span = (self.to - self.from).max(1);
        let inside = at.clamp(self.from, self.to) - self.from;
        LEFT + inside * (WIDTH - LEFT - RIGHT) / span
    }
}

/// The drawing, as an `svg` element for an HTML page.
#[must_use]
pub fn svg(chart: &Chart) -> String {
    let height = TOP + LANE * 5 + 30;
    let mut out = format!(
        "<svg class=\"chart\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"Timeline: severity, pages, acknowledgements, runs and notes\" font-family=\"sans-serif\" font-size=\"12\">\n"
    );
    for (n, lane) in (0..).zip(LANES) {
        let y = TOP + LANE * n;
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "<text class=\"lane\" x=\"0\" y=\"{}\" fill=\"#555555\">{lane}</text><line class=\"rule\" x1=\"{LEFT}\" y1=\"{b}\" x2=\"{}\" y2=\"{b}\" stroke=\"#cccccc\"/>",
            y + 18,
            WIDTH - RIGHT,
            b = y + LANE - 4,
        );
    }
    for band in &chart.bands {
        let color = BANDS[usize::from(band.level).min(BANDS.len() - 1)];
        bar(&mut out, chart, band, TOP, (color, "band"));
    }
    points(&mut out, chart, &chart.pages, 1, ("#c62828", "page"));
    points(&mut out, chart, &chart.acks, 2, ("#2e7d32", "ack"));
    for run in &chart.runs {
        bar(&mut out, chart, run, TOP + LANE * 3, ("#5e35b1", "run"));
    }
    points(&mut out, chart, &chart.notes, 4, ("#4f7a9e", "note"));
    axis(&mut out, chart, TOP + LANE * 5 + 12);
    out.push_str("</svg>\n");
    out
}

fn bar(out: &mut String, chart: &Chart, s: &Stretch, y: i64, (color, class): (&str, &str)) {
    let (x, end) = (chart.x(s.from), chart.x(s.to));
    let width = (end - x).max(3);
    let label = super::html::escape(&s.label);
    let _ = writeln!(
        out,
        "<g class=\"{class}\"><title>{label}, {}</title><rect x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"22\" rx=\"3\" fill=\"{color}\"/>{}</g>",
        human_ms(s.to - s.from),
        y + 3,
        // About seven units a letter; what does not fit is in the title.
        if i64::try_from(s.label.chars().count())
            .unwrap_or(i64::MAX)
            .saturating_mul(7)
            + 12
            < width
        {
            format!(
                "<text x=\"{}\" y=\"{}\" fill=\"#ffffff\">{label}</text>",
                x + 6,
                y + 18
            )
        } else {
            String::new()
        }
    );
}

/// Marks that fall on one another are one with a count.
fn points(
    out: &mut String,
    chart: &Chart,
    marks: &[Mark],
    lane: i64,
    (color, class): (&str, &str),
) {
    let mut places: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
    for m in marks {
        places.entry(chart.x(m.at) / 6).or_default().push(&m.label);
    }
    let y = TOP + LANE * lane + 14;
    for (place, labels) in places {
        let x = place * 6 + 3;
        let mut said: Vec<&str> = labels.iter().copied().take(5).collect();
        let more = format!("and {} more", labels.len().saturating_sub(5));
        if labels.len() > 5 {
            said.push(&more);
        }
        let radius = if labels.len() > 1 { 8 } else { 6 };
        let _ = write!(
            out,
            "<g class=\"{class}\"><title>{}</title><circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"{color}\"/>",
            super::html::escape(&said.join(", ")),
        );
        if labels.len() > 1 {
            let _ = write!(
                out,
                "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\" font-size=\"10\" fill=\"#ffffff\">{}</text>",
                y + 4,
                labels.len().min(99)
            );
        }
        out.push_str("</g>\n");
    }
}

/// Five times along the bottom.
fn axis(out: &mut String, chart: &Chart, y: i64) {
    let zone: Option<Tz> = chart.zone.parse().ok();
    let span = chart.to - chart.from;
    let pattern = if span > 86_400_000 {
        "%-d %b %H:%M"
    } else {
        "%H:%M:%S"
    };
    for n in 0..5 {
        let at = chart.from + span * n / 4;
        let anchor = match n {
            0 => "start",
            4 => "end",
            _ => "middle",
        };
        let _ = writeln!(
            out,
            "<text class=\"lane\" x=\"{}\" y=\"{y}\" text-anchor=\"{anchor}\" fill=\"#555555\">{}</text>",
            chart.x(at),
            timeline::format(Time(at), zone, pattern),
        );
    }
    let _ = writeln!(
        out,
        "<text class=\"lane\" x=\"0\" y=\"{y}\" fill=\"#555555\">{}</text>",
        super::html::escape(&chart.zone)
    );
}
