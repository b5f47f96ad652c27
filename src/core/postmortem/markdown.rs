//! The draft as Markdown. Every value goes through [`super::escape`]; the text here is firebell's own.

use super::Postmortem;
use super::escape::{fence, inline, link};
use super::parts::{ActionRun, Section, Stamp};
use crate::core::action;
use crate::core::time::human_ms;

/// The document, with a newline at the end.
#[must_use]
pub fn markdown(p: &Postmortem) -> String {
    let mut out = String::new();
    header(&mut out, p);
    out.push_str(&format!("## Summary\n\n{}\n\n", inline(&p.summary)));
    let mut human = p.sections.iter();
    // Impact, trigger and factors are read before the facts; the lessons after them.
    human.by_ref().take(3).for_each(|s| section(&mut out, s));
    detection(&mut out, p);
    timeline(&mut out, p);
    responders(&mut out, p);
    pages(&mut out, p);
    actions(&mut out, p);
    human.for_each(|s| section(&mut out, s));
    conversation(&mut out, p);
    alerts(&mut out, p);
    let end = out.trim_end().len();
    out.truncate(end);
    out.push('\n');
    out
}

fn header(out: &mut String, p: &Postmortem) {
    out.push_str(&format!("# Incident {}: {}\n\n", p.id, inline(&p.title)));
    out.push_str("Draft, written by firebell from the journal. Facts only; the sections with a comment around them are for people.\n\n");
    let mut facts = vec![
        ("Status", p.status.clone()),
        ("Severity", p.severity.clone()),
    ];
    let named = |v: &Option<String>| v.clone().unwrap_or_else(|| "none".to_owned());
    facts.push(("Service", named(&p.service)));
    facts.push(("Team", named(&p.team)));
    facts.push(("Lead", named(&p.lead)));
    table(
        out,
        &["", ""],
        facts.iter().map(|(k, v)| vec![(*k).to_owned(), inline(v)]),
    );
    let d = &p.dates;
    let moment = |name: &str, at: &Option<Stamp>, length: Option<i64>| {
        vec![
            name.to_owned(),
            at.as_ref().map_or("–".to_owned(), |s| s.utc.clone()),
            at.as_ref().map_or("–".to_owned(), |s| s.local.clone()),
            length.map_or("–".to_owned(), human_ms),
        ]
    };
    let rows = [
        moment("Began (alert's clock)", &d.began, None),
        moment("Opened (time to detect)", &d.opened, p.durations.detect_ms),
        moment("Acknowledged", &d.acknowledged, p.durations.acknowledge_ms),
        moment(
            "Mitigated (last all-clear)",
            &d.mitigated,
            p.durations.mitigate_ms,
        ),
        moment("Resolved", &d.resolved, p.durations.resolve_ms),
    ];
    let local = format!("Local ({})", p.zone);
    table(
        out,
        &["Moment", "UTC", &local, "Took, since opened"],
        rows.into_iter(),
    );
    let rows = p.severity_history.iter().map(|s| {
        vec![
            s.at.utc.clone(),
            inline(&s.severity),
            s.for_ms.map_or("until now".to_owned(), human_ms),
            inline(&format!("{} ({})", s.why, s.by)),
            inline(&s.source),
        ]
    });
    out.push_str("### Severity history\n\n");
    table(
        out,
        &["Since (UTC)", "Severity", "For", "Why", "Source"],
        rows,
    );
}

fn section(out: &mut String, s: &Section) {
    out.push_str(&format!(
        "## {}\n\n<!-- firebell:begin {a} -->\n_{}_\n<!-- firebell:end {a} -->\n\n",
        s.title,
        s.prompt,
        a = s.anchor
    ));
}

fn detection(out: &mut String, p: &Postmortem) {
    let d = &p.detection;
    out.push_str(&format!("## Detection\n\nNoticed by {}", inline(&d.by)));
    if let Some(first) = &d.first_alert {
        out.push_str(&format!(", the first being {}", inline(first)));
    }
    if let Some(ms) = p.durations.detect_ms {
        out.push_str(&format!(", {} after it began", human_ms(ms)));
    }
    out.push_str(&format!(" ({}).\n\n", inline(&d.source)));
    for why in &d.why {
        out.push_str(&format!("- {}\n", inline(why)));
    }
    out.push('\n');
}

fn timeline(out: &mut String, p: &Postmortem) {
    out.push_str(
        "## Timeline\n\nBy when it happened. What people wrote in the room is in the appendix.\n\n",
    );
    let local = format!("Local ({})", p.zone);
    let rows = p.timeline.iter().map(|l| {
        vec![
            l.at.utc.clone(),
            l.at.local.clone(),
            inline(&l.text),
            inline(&l.source),
        ]
    });
    table(out, &["UTC", &local, "What happened", "Source"], rows);
}

fn responders(out: &mut String, p: &Postmortem) {
    out.push_str("## Responders\n\n");
    if p.responders.is_empty() {
        out.push_str("Nobody took part and nobody was paged.\n\n");
        return;
    }
    let rows = p.responders.iter().map(|r| {
        vec![
            inline(&r.name),
            inline(&r.did.join(", ")),
            r.pages.to_string(),
            r.out_of_hours.to_string(),
        ]
    });
    let late = format!("Out of hours ({})", p.zone);
    table(out, &["Who", "Did", "Pages", &late], rows);
}

fn pages(out: &mut String, p: &Postmortem) {
    out.push_str("## Pages\n\n");
    if p.pages.is_empty() {
        out.push_str("Nobody was paged.\n\n");
        return;
    }
    let rows = p.pages.iter().map(|page| {
        vec![
            page.at.utc.clone(),
            inline(&page.name),
            inline(&page.contact),
            page.outcome.clone(),
            inline(&page.detail),
            inline(&page.why),
            inline(&page.source),
        ]
    });
    let head = ["UTC", "Who", "By", "Outcome", "Detail", "Why", "Source"];
    table(out, &head, rows);
}

fn actions(out: &mut String, p: &Postmortem) {
    out.push_str("## Actions\n\n");
    if p.actions.is_empty() {
        out.push_str("No runbook action was asked for.\n\n");
    }
    for run in &p.actions {
        action_run(out, run);
    }
}

fn action_run(out: &mut String, run: &ActionRun) {
    let loud = if run.state == "unknown" { "**" } else { "" };
    out.push_str(&format!("### {}: {}\n\n", run.run, inline(&run.title)));
    let approved = match run.approved_by.as_slice() {
        [] => "nobody".to_owned(),
        who => who.join(", "),
    };
    let took = run
        .duration_ms
        .map_or(String::new(), |ms| format!(", took {}", human_ms(ms)));
    for (name, value) in [
        ("Action", format!("{}, version {}", run.action, run.digest)),
        (
            "Asked by",
            format!("{} at {}", run.asked_by, run.asked_at.utc),
        ),
        (
            "Approved by",
            format!("{approved} ({} needed besides the requester)", run.needs),
        ),
        ("Sources", run.sources.join("; ")),
    ] {
        out.push_str(&format!("- {name}: {}\n", inline(&value)));
    }
    out.push_str(&format!(
        "- Outcome: {loud}{}{loud}{took}\n\nStarted as:\n\n{}\n",
        inline(&run.outcome),
        fence(&action::shown(&run.argv))
    ));
    if let Some(bytes) = run.bytes.filter(|n| *n > 0) {
        out.push_str(&format!(
            "The end of its output ({bytes} bytes in all):\n\n{}\n",
            fence(&run.tail)
        ));
    }
}

fn conversation(out: &mut String, p: &Postmortem) {
    out.push_str("## Appendix: conversation\n\n");
    if p.conversation.is_empty() {
        out.push_str("Nobody wrote in the room.\n\n");
        return;
    }
    let rows = p.conversation.iter().map(|s| {
        vec![
            s.at.utc.clone(),
            inline(&s.by),
            inline(&s.text),
            inline(&s.source),
        ]
    });
    table(out, &["UTC", "Who", "Wrote", "Source"], rows);
}

fn alerts(out: &mut String, p: &Postmortem) {
    out.push_str("## Appendix: alerts\n\n");
    if p.alerts.is_empty() {
        out.push_str("No alert belongs to this incident.\n\n");
        return;
    }
    let rows = p.alerts.iter().map(|a| {
        let page = if a.url.is_empty() {
            String::new()
        } else {
            link("page", &a.url)
        };
        vec![
            format!("alert-{}", a.id),
            inline(&a.name),
            inline(&a.summary),
            a.starts_at.clone(),
            a.cleared_at.clone().unwrap_or_else(|| "–".to_owned()),
            inline(&format!("{}, fingerprint {}", a.source, a.fingerprint)),
            page,
        ]
    });
    let head = [
        "Alert", "Name", "Said", "Began", "Cleared", "Source", "Link",
    ];
    table(out, &head, rows);
}

/// A table; cells are already escaped.
fn table(out: &mut String, head: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    out.push_str(&format!("| {} |\n", head.join(" | ")));
    out.push_str(&format!("|{}\n", " --- |".repeat(head.len())));
    for row in rows {
        out.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    out.push('\n');
}
