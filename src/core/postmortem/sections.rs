//! The sections people write, with what firebell drafts for each: Markdown, of facts alone.

use super::Postmortem;
use super::escape::inline;
use super::parts::Section;
use super::written::{Merged, Written, hash, merge};
use crate::core::text::count;
use crate::core::time::human_ms;

/// Anchor, heading and the question to start from, in the order of the document. Anchors are for ever.
pub const SECTIONS: [(&str, &str, &str); 10] = [
    (
        "summary",
        "Summary",
        "What happened, in two sentences for somebody who was not there?",
    ),
    (
        "impact",
        "Impact",
        "Who could not do what, for how long, in numbers?",
    ),
    (
        "trigger",
        "Trigger",
        "What set it off: a change, load, a failure elsewhere?",
    ),
    (
        "contributing-factors",
        "Contributing factors",
        "How did it become possible? Several factors, not one cause; systems, not people.",
    ),
    (
        "resolution",
        "Resolution",
        "What made it stop, and how was that found?",
    ),
    (
        "went-well",
        "What went well",
        "What helped, and should be kept?",
    ),
    (
        "went-wrong",
        "What went wrong",
        "What slowed the response down?",
    ),
    (
        "lucky",
        "Where we got lucky",
        "What could have made this worse, and did not?",
    ),
    (
        "surprised",
        "What surprised us",
        "What did we believe that was not so?",
    ),
    (
        "action-items",
        "Action items",
        "What is to be done that no single item says?",
    ),
];

/// The sections of a draft.
pub(super) fn sections(p: &Postmortem) -> Vec<Section> {
    let section = |(anchor, title, prompt): (&str, &str, &str)| {
        let base = base(p, anchor);
        Section {
            anchor: anchor.to_owned(),
            title: title.to_owned(),
            prompt: prompt.to_owned(),
            hash: hash(&base),
            text: base.clone(),
            base,
            edited: false,
            conflict: None,
        }
    };
    SECTIONS.map(section).into()
}

/// Puts what people wrote over a draft.
pub(super) fn put(section: &mut Section, written: &Written) {
    let Some(prose) = written.sections.get(&section.anchor) else {
        return;
    };
    section.edited = true;
    match merge(&prose.base, &prose.text, &section.base) {
        Merged::Clean(text) => section.text = text,
        Merged::Conflict { both } => {
            section.text.clone_from(&prose.text);
            section.conflict = Some(both);
        }
    }
}

fn base(p: &Postmortem, anchor: &str) -> String {
    match anchor {
        "summary" => inline(&p.summary),
        "impact" => impact(p),
        "resolution" => resolution(p),
        "went-well" => well(p),
        "went-wrong" => wrong(p),
        _ => String::new(),
    }
}

fn impact(p: &Postmortem) -> String {
    let steps = p.severity_history.iter();
    let known = steps.filter_map(|s| {
        s.for_ms
            .map(|ms| format!("- {} for {}", inline(&s.severity), human_ms(ms)))
    });
    known.collect::<Vec<_>>().join("\n")
}

fn resolution(p: &Postmortem) -> String {
    let mut lines = Vec::new();
    for run in &p.actions {
        lines.push(format!(
            "- {} “{}”: {}",
            run.run,
            inline(&run.title),
            inline(&run.outcome)
        ));
    }
    let last = p.timeline.iter().rev().find(|l| l.kind == "resolved");
    if let Some(last) = last {
        lines.push(format!("- {}", inline(&last.text)));
    }
    lines.join("\n")
}

/// What the journal alone can tell in favour.
fn well(p: &Postmortem) -> String {
    let mut lines = Vec::new();
    if let (Some(ms), 0) = (
        p.durations.acknowledge_ms,
        p.counts.escalations.saturating_sub(1),
    ) {
        lines.push(format!(
            "- The first step reached somebody, who had it after {}.",
            human_ms(ms)
        ));
    }
    let done = p.actions.iter().filter(|a| a.state == "succeeded").count();
    if done > 0 {
        lines.push(format!("- {} succeeded.", count(done, "runbook action")));
    }
    lines.join("\n")
}

/// What the journal alone can tell against.
fn wrong(p: &Postmortem) -> String {
    let mut lines = Vec::new();
    let failed = p.pages.iter().filter(|s| s.outcome == "failed").count();
    let skipped = p.pages.iter().filter(|s| s.outcome == "skipped").count();
    let unknown = p.actions.iter().filter(|a| a.state == "unknown").count();
    let broken = p
        .actions
        .iter()
        .filter(|a| {
            matches!(
                a.state.as_str(),
                "failed" | "timed out" | "killed" | "out of memory"
            )
        })
        .count();
    for (n, noun, what) in [
        (failed, "page", "could not be delivered"),
        (skipped, "target", "of the policy could not be paged"),
        (broken, "runbook action", "failed"),
        (unknown, "runbook action", "ended with an unknown outcome"),
    ] {
        if n > 0 {
            lines.push(format!("- {} {what}.", count(n, noun)));
        }
    }
    if p.counts.escalations > 1 {
        lines.push(format!(
            "- {} of the policy were climbed before somebody had it.",
            count(p.counts.escalations as usize, "step")
        ));
    }
    lines.join("\n")
}
