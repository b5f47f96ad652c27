//! The plain lists: alerts, services, quarantine.

use super::parts::{age, icon, outside, plain, when};
use super::{Scene, frame};
use crate::core::directory::Service;
use crate::core::text::percent;
use crate::core::text::{count, list};
use crate::store::{AlertRow, QuarantineRow};
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What an alert's row keeps of the payload.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(in super::super) struct Body {
    pub(in super::super) labels: BTreeMap<String, String>,
    pub(in super::super) annotations: BTreeMap<String, String>,
    #[serde(rename = "generatorURL")]
    pub(in super::super) url: String,
}

impl Body {
    /// A row another version wrote is shown with what can be read of it.
    pub(in super::super) fn of(row: &AlertRow) -> Body {
        serde_json::from_str(&row.body).unwrap_or_default()
    }

    /// The alert in one line.
    pub(in super::super) fn headline(&self, row: &AlertRow) -> String {
        let name = self.labels.get("alertname").unwrap_or(&row.fingerprint);
        match self.annotations.get("summary") {
            Some(summary) if summary != name => format!("{name}: {summary}"),
            _ => name.clone(),
        }
    }
}

/// One alert with everything it said.
pub(in super::super) fn alert_item(scene: Scene<'_>, row: &AlertRow) -> Markup {
    let body = Body::of(row);
    let name = body
        .labels
        .get("alertname")
        .or_else(|| body.annotations.get("summary"))
        .unwrap_or(&row.fingerprint);
    html! {
        li.alert data-item data-firing[row.firing] {
            div.alert-top {
                span.pill.hot[row.firing] { @if row.firing { "firing" } @else { "over" } }
                strong.grow { (plain(name)) }
                span { (age(scene, row.starts_at)) " ago" }
            }
            @if let Some(summary) = body.annotations.get("summary") { p { (plain(summary)) } }
            p.hint {
                "from " (row.source) " · " (row.why)
                @match row.incident {
                    Some(id) => { " · " a href={ "/incidents/" (id.0) } data-open { "incident " (id) } },
                    None => { " · " a href={ "/declare?alert=" (row.id.0) } { "declare an incident" } },
                }
            }
            details data-keep={ "alert-" (row.id.0) } {
                summary { (count(body.labels.len(), "label")) " and times" }
                dl.labels {
                    @for (k, v) in body.labels.iter().chain(&body.annotations) { div { dt { (plain(k)) } dd { (plain(v)) } } }
                    div { dt { "began" } dd { (when(scene, row.starts_at)) } }
                    div { dt { "received" } dd { (when(scene, row.received_at)) } }
                    div { dt { "changed" } dd { (when(scene, row.updated_at)) } }
                }
                @if !body.url.is_empty() { p { (outside(&body.url, "At its source")) } }
            }
        }
    }
}

/// The page of alerts.
pub(in super::super) fn alerts(
    scene: Scene<'_>,
    rows: &[AlertRow],
    firing: bool,
    page: i64,
    limit: i64,
    total: i64,
) -> Markup {
    let tab = |to: &str, words: &str, here: bool| html! { a.tab href=(to) aria-current=[here.then_some("page")] { (words) } };
    html! {
        (frame::head("Alerts", &html! { (tab("/alerts", "firing", firing)) (tab("/alerts?show=all", "all", !firing)) }))
        @if rows.is_empty() {
            p.empty { @if firing { "Nothing fires." } @else { "No alert has arrived yet." } }
        }
        ul.alerts { @for row in rows { (alert_item(scene, row)) } }
        (pager("/alerts", if firing { "" } else { "show=all" }, page, limit, total))
    }
}

/// The service directory.
pub(in super::super) fn services(scene: Scene<'_>) -> Markup {
    let mut all: Vec<&Service> = scene.directory.services.values().collect();
    all.sort_by(|a, b| (a.tier, &a.name).cmp(&(b.tier, &b.name)));
    html! {
        (frame::head("Services", &html! { span.hint { (count(all.len(), "service")) } }))
        @if all.is_empty() { p.empty { "No service is configured. Add a file to services/." } }
        ul.grid { @for s in all { (service(scene, s)) } }
    }
}

fn service(scene: Scene<'_>, s: &Service) -> Markup {
    let directory = scene.directory;
    let team = directory.teams.get(&s.team);
    let policy = s
        .policy
        .as_deref()
        .or_else(|| team.and_then(|t| t.policy.as_deref()));
    let name = |id: &String| {
        directory
            .services
            .get(id)
            .map_or(id.clone(), |d| d.name.clone())
    };
    let needs: Vec<String> = s.depends_on.iter().map(name).collect();
    let used: Vec<String> = directory
        .services
        .values()
        .filter(|o| o.depends_on.contains(&s.id))
        .map(|o| o.name.clone())
        .collect();
    html! {
        li.panel id=(s.id) data-item {
            h2 { (s.name) span.pill { "tier " (s.tier) } }
            dl.facts {
                div { dt { "Owner" } dd { (team.map_or(&s.team, |t| &t.name)) } }
                div { dt { "Escalation" } dd { (policy.unwrap_or("the catch-all")) } }
                div { dt { "Gets a room at" } dd { (directory.severity_name(s.major_at)) " and worse" } }
                @if let Some(channel) = directory.channel(Some(&s.id), Some(&s.team)) { div { dt { "Channel" } dd { "#" (channel) } } }
                @if !needs.is_empty() { div { dt { "Needs" } dd { (list(&needs)) } } }
                @if !used.is_empty() { div { dt { "Needed by" } dd { (list(&used)) } } }
            }
            @if !s.links.is_empty() { p.link-row { @for (words, url) in &s.links { (outside(url, words)) } } }
            @if !s.matchers.is_empty() {
                p.hint { "Alerts with " @for m in &s.matchers { code { (m) } " " } }
            }
        }
    }
}

/// What could not be understood.
pub(in super::super) fn quarantine(scene: Scene<'_>, rows: &[QuarantineRow], total: i64) -> Markup {
    html! {
        (frame::head("Quarantine", &html! { span.hint { (count(usize::try_from(total).unwrap_or(0), "payload")) } }))
        p.about { "Payloads firebell could not understand. They paged nobody; the sender was told why. Nothing is thrown away." }
        @if rows.is_empty() { p.empty { (icon("check")) "Empty. Everything that arrived was understood." } }
        ul.plain {
            @for row in rows {
                li.panel data-item {
                    h2 { (row.source) span.hint { (row.path) } (when(scene, row.at)) }
                    p.said.no { (row.reason) }
                    details data-keep={ "q-" (row.id) } { summary { "Payload" } pre.output tabindex="0" { (row.body) } }
                }
            }
        }
        @if i64::try_from(rows.len()).unwrap_or(i64::MAX) < total { p.hint { "The newest " (rows.len()) " of " (total) " are shown." } }
    }
}

/// Links to the neighbouring pages of a list.
pub(in super::super) fn pager(path: &str, rest: &str, page: i64, limit: i64, total: i64) -> Markup {
    let to = |page: i64| {
        format!(
            "{path}?{rest}{}page={page}",
            if rest.is_empty() { "" } else { "&" }
        )
    };
    html! {
        @if total > limit {
            nav.pager aria-label="Pages" {
                @if page > 0 { a.button rel="prev" href=(to(page - 1)) { "Newer" } }
                span.hint { (page * limit + 1) "–" (((page + 1) * limit).min(total)) " of " (total) }
                @if (page + 1) * limit < total { a.button rel="next" href=(to(page + 1)) { "Older" } }
            }
        }
    }
}

/// A query value, percent-encoded.
pub(in super::super) fn query(text: &str) -> String {
    percent(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_where_it_is_in_the_list() {
        let drawn = pager("/alerts", "show=all", 1, 50, 120).into_string();
        assert!(
            drawn.contains("51–100 of 120") && drawn.contains("/alerts?show=all&amp;page=2"),
            "{drawn}"
        );
        assert_eq!(pager("/alerts", "", 0, 50, 50).into_string(), "");
    }
}
