//! Analytics drawn: numbers with the span before, bars over time, and tables that say how many cases
//! they rest on.

use super::parts::{face, plain};
use super::{Scene, frame};
use crate::core::analytics::{
    ActionRate, Bucket, Grouped, Ledger, Measure, PersonLoad, Report, Row, RuleNoise, TABLES, Words,
};
use crate::core::id::Severity;
use crate::core::text::{count, percent};
use crate::core::time::human_ms;
use chrono::{Datelike, Days, NaiveDate};
use maud::{Markup, html};

/// Height of a drawing, in the units of the page.
const HEIGHT: u32 = 150;
/// Rows of a table before the rest is folded.
const ROWS: usize = 12;

/// What the page tells.
#[derive(Clone, Debug)]
pub(in super::super) struct Told {
    pub(in super::super) today: NaiveDate,
    /// The form as it was sent.
    pub(in super::super) words: Words,
    pub(in super::super) report: Report,
}

/// The page.
pub(in super::super) fn analytics(scene: Scene<'_>, told: &Told) -> Markup {
    let r = &told.report;
    html! {
        (frame::head("Analytics", &html! {
            @for table in TABLES { a.button href=(address(&format!("/analytics/{table}.csv"), &told.words, None)) { (table) " as CSV" } }
        }))
        (form(scene, told))
        p.about {
            (r.asked.from.format("%-d %B %Y")) " to " (r.asked.to.format("%-d %B %Y")) ", by when incidents were opened"
            ", on the clock of " (r.asked.zone.name()) ". Only those that are over are counted."
            @if r.drills > 0 { " " (count(r.drills, "drill")) " left out." }
            @if r.merged > 0 { " " (count(r.merged, "incident")) " joined another one and count with it." }
            @if r.private > 0 { " " (count(r.private, "private incident")) " counted and named nowhere." }
        }
        @if r.all.count == 0 && r.before.count == 0 {
            p.empty { "No incident that is over was opened in these days, or in as many before." }
        }
        div.tiles {
            (number("Incidents", &r.all.count.to_string(), &format!("{} in as many days before", r.before.count)))
            @for ((name, now), (_, then)) in r.all.measures().into_iter().zip(r.before.measures()) {
                (tile(name, now, then))
            }
        }
        (charts(scene, &r.series))
        @for group in &r.groups { (grouped(group)) }
        (people(scene, &r.people))
        (rules(&r.rules, r.asked.minutes))
        (actions(scene, &r.actions))
        (ledger(&r.ledger))
        (definitions())
    }
}

fn number(name: &str, value: &str, below: &str) -> Markup {
    html! { section.panel.tile { h2 { (name) } p.big { (value) } p.hint { (below) } } }
}

fn tile(name: &str, now: Measure, then: Measure) -> Markup {
    let rests = |m: Measure| {
        let unknown = if m.unknown > 0 {
            format!(", {} unknown", m.unknown)
        } else {
            String::new()
        };
        format!("{} measured{unknown}", m.known)
    };
    html! {
        section.panel.tile {
            h2 { "Time to " (name) }
            p.big { (now.median_ms.map_or("unknown".to_owned(), human_ms)) }
            p.hint {
                "median"
                @if let Some(p90) = now.p90_ms { "; nine in ten within " (human_ms(p90)) }
            }
            p.hint { (rests(now)) @if now.few() { ", which are few" } }
            p.hint {
                @match (now.median_ms, then.median_ms) {
                    (Some(_), Some(before)) if !now.few() && !then.few() => { "before: " (human_ms(before)) },
                    (Some(_), Some(_)) => "too few to compare with the days before",
                    (_, None) => "unknown in the days before",
                    (None, Some(before)) => { "before: " (human_ms(before)) },
                }
            }
        }
    }
}

/// A share of the whole as an attribute of SVG: `12.5%`.
fn part(n: usize, of: usize) -> String {
    let permille = n * 1000 / of.max(1);
    format!("{}.{}%", permille / 10, permille % 10)
}

/// Height of a bar in the units of the drawing; what is there is seen.
fn height(value: i64, most: i64) -> u32 {
    if value <= 0 {
        return 0;
    }
    let whole = i64::from(HEIGHT - 4);
    u32::try_from((value.saturating_mul(whole) / most.max(1)).max(2)).unwrap_or(HEIGHT)
}

fn charts(scene: Scene<'_>, series: &[Bucket]) -> Markup {
    let total = |b: &Bucket| i64::from(b.by_severity.values().sum::<u32>());
    let most = series.iter().map(total).max().unwrap_or(0);
    html! {
        @if most > 0 {
            div.charts {
                section.panel aria-label="Incidents over time" {
                    h2 { "Incidents" span.hint { "at most " (most) " at once" } }
                    (drawing(series, &|n, b| stacked(scene, series.len(), n, b, most)))
                    (severity_key(scene, series))
                }
                (lengths("Median time to acknowledge", series, &|b| b.acknowledge_ms, "0"))
                (lengths("Median time to resolve", series, &|b| b.resolve_ms, "1"))
            }
        }
    }
}

fn drawing(series: &[Bucket], bar: &dyn Fn(usize, &Bucket) -> Markup) -> Markup {
    html! {
        svg.bars-chart width="100%" height=(HEIGHT) role="img" {
            line.chart-rule x1="0" x2="100%" y1=(HEIGHT - 1) y2=(HEIGHT - 1) {}
            @for (n, bucket) in series.iter().enumerate() { (bar(n, bucket)) }
        }
        div.chart-days {
            @if let (Some(first), Some(last)) = (series.first(), series.last()) {
                span { (first.from.format("%-d %b")) } span { (last.to.format("%-d %b")) }
            }
        }
    }
}

fn days(b: &Bucket) -> String {
    if b.from == b.to {
        b.from.format("%a %-d %b").to_string()
    } else {
        format!("{} to {}", b.from.format("%-d %b"), b.to.format("%-d %b"))
    }
}

fn stacked(scene: Scene<'_>, bars: usize, n: usize, b: &Bucket, most: i64) -> Markup {
    let mut below = 0;
    let parts: Vec<(u8, u32, u32, u32)> = b
        .by_severity
        .iter()
        .rev()
        .map(|(severity, n)| {
            let tall = height(i64::from(*n), most);
            below += tall;
            (*severity, *n, (HEIGHT - 1).saturating_sub(below), tall)
        })
        .collect();
    let said: Vec<String> = b
        .by_severity
        .iter()
        .map(|(s, n)| format!("{n} {}", scene.directory.severity_name(Severity(*s))))
        .collect();
    html! {
        g {
            title { (days(b)) ": " (if said.is_empty() { "none".to_owned() } else { said.join(", ") }) }
            @for (severity, _, y, tall) in parts {
                rect.sev-bar data-sev=(severity.min(super::scale::LEVELS - 1)) x=(part(n * 10 + 1, bars * 10)) y=(y) width=(part(8, bars * 10)) height=(tall) rx="2" {}
            }
        }
    }
}

fn severity_key(scene: Scene<'_>, series: &[Bucket]) -> Markup {
    let mut all: Vec<u8> = series
        .iter()
        .flat_map(|b| b.by_severity.keys().copied())
        .collect();
    all.sort_unstable();
    all.dedup();
    html! {
        ul.chart-key {
            @for s in all { li { svg width="12" height="12" aria-hidden="true" { rect.sev-bar data-sev=(s.min(super::scale::LEVELS - 1)) width="12" height="12" rx="2" {} } (scene.directory.severity_name(Severity(s))) } }
        }
    }
}

fn lengths(
    name: &str,
    series: &[Bucket],
    get: &dyn Fn(&Bucket) -> Option<i64>,
    hue: &str,
) -> Markup {
    let most = series.iter().filter_map(get).max().unwrap_or(0);
    html! {
        section.panel aria-label=(name) {
            h2 { (name) span.hint { "at most " (human_ms(most)) } }
            (drawing(series, &|n, b| html! {
                @if let Some(ms) = get(b) {
                    @let tall = height(ms.max(1), most);
                    g {
                        title { (days(b)) ": " (human_ms(ms)) }
                        rect.length-bar data-line=(hue) x=(part(n * 10 + 1, series.len() * 10)) y=(HEIGHT - 1 - tall) width=(part(8, series.len() * 10)) height=(tall) rx="2" {}
                    }
                }
            }))
        }
    }
}

fn cell(m: Measure) -> Markup {
    html! {
        td.num {
            @match m.median_ms {
                None => span.hint { "unknown" },
                Some(median) => {
                    (human_ms(median))
                    span.hint { @if let Some(p90) = m.p90_ms { (human_ms(p90)) " " } "(" (m.known) @if m.few() { ", few" } ")" }
                }
            }
        }
    }
}

/// Rows, the later ones folded away.
fn folded(rows: &[Markup], head: &Markup, label: &str) -> Markup {
    let (first, rest) = rows.split_at(rows.len().min(ROWS));
    html! {
        div.table-scroll { table.analytics { thead { (head) } tbody { @for row in first { (row) } } } }
        @if !rest.is_empty() {
            details { summary { "and " (rest.len()) " more" }
                div.table-scroll { table.analytics aria-label={ "More: " (label) } { thead { (head) } tbody { @for row in rest { (row) } } } }
            }
        }
    }
}

fn grouped(group: &Grouped) -> Markup {
    let row = |r: &Row| {
        html! { tr { td { (plain(&r.name)) } td.num { (r.count) } @for (_, m) in r.measures() { (cell(m)) } } }
    };
    let rows: Vec<Markup> = group.rows.iter().map(row).collect();
    let head = html! { tr { th { (group.by) } th.num { "Incidents" } th.num { "Detect" } th.num { "Acknowledge" } th.num { "Mitigate" } th.num { "Resolve" } } };
    html! {
        @if !rows.is_empty() {
            section.panel aria-label={ "By " (group.by) } {
                h2 { "By " (group.by) span.hint { "median, below it nine in ten (and how many cases)" } }
                (folded(&rows, &head, group.by))
            }
        }
    }
}

fn people(scene: Scene<'_>, all: &[PersonLoad]) -> Markup {
    let most = all.iter().map(|p| p.pages).max().unwrap_or(0);
    let row = |p: &PersonLoad| {
        let name = scene.directory.person_name(&p.person);
        html! {
            tr {
                td { span.fair-who { (face(&p.person, &name)) span { (name) } } }
                td.fair-bar {
                    svg width="100%" height="22" aria-hidden="true" {
                        rect.fair-all width="100%" height="100%" rx="5" {}
                        rect.length-bar data-line="0" width=(part(p.pages as usize, most.max(1) as usize)) height="100%" rx="5" {}
                    }
                    span { (p.pages) }
                }
                td.num { (p.before) } td.num { (p.incidents) } td.num { (p.at_night) } td.num { (p.on_weekends) } td.num { (p.interruptions) }
            }
        }
    };
    let rows: Vec<Markup> = all.iter().map(row).collect();
    let head = html! { tr { th { "Who" } th { "Pages" } th.num { "Before" } th.num { "Incidents" } th.num { "At night" } th.num { "Weekends" } th.num { "Woken" } } };
    html! {
        section.panel aria-label="Pager load" {
            h2 { "Pager load" span.hint { "nights and weekends of each person's own clock" } }
            @if rows.is_empty() { p.quiet-line { "Nobody was paged." } } @else { (folded(&rows, &head, "pager load")) }
        }
    }
}

fn share(n: u32, of: u32) -> Markup {
    let percent = u64::from(n) * 100 / u64::from(of.max(1));
    html! { td.num { (n) span.hint { " " (percent) "%" } } }
}

fn rules(all: &[RuleNoise], minutes: u32) -> Markup {
    let row = |r: &RuleNoise| {
        html! {
            tr {
                td { strong { (plain(&r.rule)) } @if !r.advice.is_empty() { p.hint { (r.advice) } } }
                td.num { (r.fired) } td.num { (r.incidents) }
                (share(r.unacknowledged, r.fired)) (share(r.by_itself, r.fired)) (share(r.repeated, r.fired))
            }
        }
    };
    let rows: Vec<Markup> = all.iter().map(row).collect();
    let head = html! { tr { th { "Rule" } th.num { "Fired" } th.num { "Incidents" } th.num { "Nobody had it" } th.num { "Gone within " (minutes) "m" } th.num { "Came back" } } };
    html! {
        section.panel aria-label="Noise" {
            h2 { "Noise by rule" span.hint { "of alerts that opened or joined an incident" } }
            @if rows.is_empty() { p.quiet-line { "No alert." } } @else { (folded(&rows, &head, "noise")) }
        }
    }
}

fn actions(scene: Scene<'_>, all: &[ActionRate]) -> Markup {
    let row = |a: &ActionRate| {
        let title = scene
            .directory
            .actions
            .get(&a.action)
            .map_or(a.action.as_str(), |k| k.title.as_str());
        html! {
            tr {
                td { (plain(title)) " " span.hint { (a.action) } }
                td.num { (a.runs) } (share(a.worked, a.runs)) td.num { (a.failed) } td.num { (a.unknown) } td.num { (a.by_itself) }
            }
        }
    };
    let rows: Vec<Markup> = all.iter().map(row).collect();
    let head = html! { tr { th { "Action" } th.num { "Runs" } th.num { "Worked" } th.num { "Failed" } th.num { "Unknown" } th.num { "By itself" } } };
    html! {
        section.panel aria-label="Actions" {
            h2 { "Actions" }
            @if rows.is_empty() { p.quiet-line { "No action was run." } } @else { (folded(&rows, &head, "actions")) }
        }
    }
}

fn ledger(l: &Ledger) -> Markup {
    html! {
        section.panel aria-label="Postmortems" {
            h2 { "Postmortems and action items" }
            @if l.due == 0 && l.items_open + l.items_done == 0 {
                p.quiet-line { "None of these incidents owes a postmortem or has an action item." }
            } @else {
                ul.plain {
                    li { strong { (l.in_time) " of " (l.due) } " reviewed in time; " (l.late) " late, " (l.overdue) " overdue, " (l.running) " with time left"
                        @if l.unknown > 0 { ", " (l.unknown) " closed and not known when they were reviewed" } "." }
                    li { strong { (count(l.items_open, "action item")) " open" } ", " (l.items_overdue) " of them past their day; " (l.items_done) " done." }
                }
            }
            p { a href="/postmortems" { "All postmortems" } }
        }
    }
}

fn definitions() -> Markup {
    html! {
        section.panel.weights aria-label="How it is counted" {
            h2 { "How it is counted" }
            ul.plain {
                li { strong { "Detect" } ": from the begin of the earliest alert, by its sender's clock, to the opening. Declared incidents have none." }
                li { strong { "Acknowledge" } ": from the opening to the first acknowledgement." }
                li { strong { "Mitigate" } ": from the opening until somebody said that the harm was over. Where nobody did it is unknown, and never taken from the end." }
                li { strong { "Resolve" } ": from the opening to the end." }
                li { "The median and the ninth decile are values that were measured. Below ten cases there is no ninth decile; below five, the number is called few and is compared with nothing." }
                li { "Woken: pages in the person's night; those within half an hour are one." }
            }
            p.hint { code { "docs/analytics.md" } " has every definition." }
        }
    }
}

fn address(path: &str, w: &Words, days: Option<(NaiveDate, NaiveDate)>) -> String {
    let (from, to) = days.map_or((w.from.clone(), w.to.clone()), |(from, to)| {
        (from.to_string(), to.to_string())
    });
    format!(
        "{path}?from={}&to={}&service={}&team={}&severity={}&minutes={}",
        percent(&from),
        percent(&to),
        percent(&w.service),
        percent(&w.team),
        percent(&w.severity),
        percent(&w.minutes)
    )
}

fn form(scene: Scene<'_>, told: &Told) -> Markup {
    let (asked, w, today) = (&told.report.asked, &told.words, told.today);
    let back = |days: u64| today.checked_sub_days(Days::new(days - 1)).unwrap_or(today);
    let tab = |words: &str, from: NaiveDate| {
        let on = asked.from == from && asked.to == today;
        html! { a.tab href=(address("/analytics", w, Some((from, today)))) aria-current=[on.then_some("true")] { (words) } }
    };
    let d = scene.directory;
    html! {
        form.filters method="get" action="/analytics" {
            label { "From" input type="date" name="from" value=(asked.from); }
            label { "To" input type="date" name="to" value=(asked.to); }
            label { "Service" select name="service" {
                option value="" { "All" }
                @for s in d.services.values() { option value=(s.id) selected[s.id == w.service] { (s.name) } }
            } }
            label { "Team" select name="team" {
                option value="" { "All" }
                @for t in d.teams.values() { option value=(t.id) selected[t.id == w.team] { (t.name) } }
            } }
            label { "Severity" select name="severity" {
                option value="" { "All" }
                @for s in &d.severities { option value=(s.name) selected[s.name == w.severity] { (s.name) } }
            } }
            label { "Gone by itself within" select name="minutes" {
                @for m in crate::core::analytics::LIMITS { option value=(m) selected[m == asked.minutes] { (m) " min" } }
            } }
            button.button { "Show" }
        }
        p.fair-links {
            (tab("Last 7 days", back(7))) (tab("Last 30 days", back(30))) (tab("Last 90 days", back(90)))
            @if let Some(first) = NaiveDate::from_ymd_opt(today.year(), 1, 1) { (tab("This year", first)) }
        }
    }
}
