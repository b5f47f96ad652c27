//! `[[severities]]`: how bad, by the words of the organisation.

use super::reader::{Said, Table};
use crate::core::directory::{SeverityName, Urgency};
use std::collections::BTreeSet;

/// The severity scale, worst first.
pub(super) fn severities(root: &Table<'_>) -> Vec<SeverityName> {
    let node = root.get("severities");
    if node.is_none() {
        return default_severities();
    }
    let mut scale: Vec<SeverityName> = Vec::new();
    let mut seen = BTreeSet::new();
    for table in root.tables("severities", "[[severities]]") {
        let name = table.need_text("name", "\"sev1\"");
        let labels = table.texts("labels").unwrap_or_default();
        let text = |said: Option<Said<String>>| said.map(|s| s.value).unwrap_or_default();
        let level = SeverityName {
            title: text(table.text("title")),
            description: text(table.text("description")),
            emoji: text(table.text("emoji")),
            colour: colour(&table),
            alerts_only: table.flag("alerts-only").unwrap_or(false),
            ..SeverityName::default()
        };
        for word in name.iter().chain(&labels) {
            let key = word.value.to_lowercase();
            if !seen.insert(key) {
                let what = format!("{:?} is given twice in the severity scale", word.value);
                table
                    .sink
                    .fault(&word.place, what, "keep it where it belongs");
            }
        }
        if let Some(name) = name {
            let labels = labels.into_iter().map(|l| l.value).collect();
            let urgency = super::hours::urgency(&table, "urgency");
            scale.push(SeverityName {
                name: name.value,
                labels,
                urgency: urgency.unwrap_or(usual_urgency(scale.len())),
                ..level
            });
        }
        table.done();
    }
    if scale.is_empty() || scale.len() > 9 {
        let what = format!("the severity scale has {} levels", scale.len());
        let fix = "write 1 to 9 [[severities]], worst first, or none at all for sev1 to sev4";
        root.sink.fault(&root.place_of("severities"), what, fix);
        return default_severities();
    }
    if scale.iter().all(|s| s.alerts_only) {
        let what = "every level of the severity scale is `alerts-only`, so nobody could declare an incident";
        let fix = "take alerts-only = true away from one of the [[severities]]";
        root.sink.fault(&root.place_of("severities"), what, fix);
    }
    scale
}

/// `#b91c1c`.
fn colour(table: &Table<'_>) -> Option<u32> {
    let said = table.text("colour")?;
    let hex = said.value.strip_prefix('#').filter(|h| h.len() == 6);
    let found = hex.and_then(|h| u32::from_str_radix(h, 16).ok());
    if found.is_none() {
        let what = format!("`colour` cannot be {:?}: it is no colour", said.value);
        table
            .sink
            .fault(&said.place, what, "write colour = \"#b91c1c\"");
    }
    found
}

/// What the labels of Prometheus, PagerDuty and Opsgenie users mean.
fn default_severities() -> Vec<SeverityName> {
    let levels: [(&str, &[&str]); 4] = [
        ("sev1", &["critical", "page", "p1", "emergency"]),
        ("sev2", &["error", "high", "major", "p2"]),
        ("sev3", &["warning", "medium", "minor", "p3"]),
        ("sev4", &["info", "low", "p4", "notice"]),
    ];
    let level = |(n, (name, labels)): (usize, &(&str, &[&str]))| SeverityName {
        name: (*name).to_owned(),
        labels: labels.iter().map(|l| (*l).to_owned()).collect(),
        urgency: usual_urgency(n),
        ..SeverityName::default()
    };
    levels.iter().enumerate().map(level).collect()
}

/// The first two of a scale are worth waking somebody; what waits, waits only for people who set
/// quiet hours.
fn usual_urgency(level: usize) -> Urgency {
    if level < 2 {
        Urgency::High
    } else {
        Urgency::Low
    }
}
