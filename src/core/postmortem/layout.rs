//! From the facts to a document: what each placeholder of a template stands for.

use super::parts::{ActionRun, Section, Stamp};
use super::template::{Template, Values};
use super::tree::{self, Block, Span, link, text};
use super::{Postmortem, Stage};
use crate::core::action;
use crate::core::text::count;
use crate::core::time::human_ms;

/// The document, as every format is written from it.
#[must_use]
pub fn layout(p: &Postmortem, template: &Template) -> Vec<Block> {
    template.fill(&Of(p))
}

struct Of<'a>(&'a Postmortem);

impl Values for Of<'_> {
    fn word(&self, name: &str) -> String {
        let p = self.0;
        let or_none = |v: &Option<String>| v.clone().unwrap_or_else(|| "none".to_owned());
        let when = |v: &Option<Stamp>| v.as_ref().map_or("–".to_owned(), |s| s.local.clone());
        let long = |v: Option<i64>| v.map_or("–".to_owned(), human_ms);
        match name {
            "incident.id" => p.id.to_string(),
            "incident.title" => p.title.clone(),
            "incident.status" => p.status.clone(),
            "incident.severity" => p.severity.clone(),
            "incident.type" => or_none(&p.nature.type_name),
            "incident.service" => or_none(&p.service),
            "incident.team" => or_none(&p.team),
            "incident.lead" => or_none(&p.lead),
            "incident.began" => when(&p.dates.began),
            "incident.opened" => when(&p.dates.opened),
            "incident.acknowledged" => when(&p.dates.acknowledged),
            "incident.mitigated" => when(&p.dates.mitigated),
            "incident.resolved" => when(&p.dates.resolved),
            "time-to.detect" => long(p.durations.detect_ms),
            "time-to.acknowledge" => long(p.durations.acknowledge_ms),
            "time-to.mitigate" => long(p.durations.mitigate_ms),
            "time-to.resolve" => long(p.durations.resolve_ms),
            "count.alerts" => p.counts.alerts.to_string(),
            "count.pages" => p.counts.pages.to_string(),
            "count.escalations" => p.counts.escalations.to_string(),
            "count.handoffs" => p.counts.handoffs.to_string(),
            "count.messages" => p.counts.messages.to_string(),
            "postmortem.status" => stage(&p.review.stage).to_owned(),
            "postmortem.owner" => or_none(&p.review.owner),
            "postmortem.due" => when(&p.review.due),
            _ => String::new(),
        }
    }

    fn part(&self, name: &str) -> Vec<Block> {
        let p = self.0;
        match name {
            "notice" => notice(p),
            "facts" => facts(p),
            "moments" => moments(p),
            "severity-history" => severities(p),
            "detection" => detection(p),
            "chart" if p.chart.is_empty() => Vec::new(),
            "chart" => vec![Block::Chart(p.chart.clone())],
            "changes" => changes(p),
            "timeline" => timeline(p),
            "responders" => responders(p),
            "roles" => roles(p),
            "decisions" => decisions(p),
            "reports" => reports(p),
            "load" => load(p),
            "pages" => pages(p),
            "actions" => or(
                "No runbook action was asked for.",
                p.actions.iter().flat_map(run),
            ),
            "communication" => communication(p),
            "items" => items(p),
            "links" => links(p),
            "conversation" => conversation(p),
            "alerts" => alerts(p),
            other => {
                let anchor = other.strip_prefix("section.").unwrap_or_default();
                let section = p.sections.iter().find(|s| s.anchor == anchor);
                section.map_or_else(Vec::new, section_blocks)
            }
        }
    }
}

/// These blocks, or a sentence in their place.
fn or(nothing: &str, blocks: impl Iterator<Item = Block>) -> Vec<Block> {
    let all: Vec<Block> = blocks.collect();
    if all.is_empty() {
        vec![para(nothing)]
    } else {
        all
    }
}

fn stage(word: &str) -> &'static str {
    Stage::parse(word).unwrap_or_default().words()
}

fn para(words: &str) -> Block {
    Block::Para(text(words))
}

fn cell(words: impl Into<String>) -> Vec<Span> {
    text(words)
}

fn head(names: &[&str]) -> Vec<Vec<Span>> {
    names.iter().map(|n| text(*n)).collect()
}

fn notice(p: &Postmortem) -> Vec<Block> {
    let open = if p.dates.resolved.is_none() {
        " The incident is not resolved: it is told as far as it goes."
    } else {
        ""
    };
    let said = match Stage::parse(&p.review.stage).unwrap_or_default() {
        Stage::Draft => format!(
            "Draft. firebell tells the facts from its journal; the sections between comments are written by people.{open}"
        ),
        other => format!(
            "{}. firebell tells the facts from its journal.{open}",
            other.words()
        ),
    };
    vec![para(&said)]
}

fn facts(p: &Postmortem) -> Vec<Block> {
    let of = Of(p);
    let row = |name: &str, value: &str| vec![cell(name), cell(of.word(value))];
    let mut rows = vec![
        row("Status", "incident.status"),
        row("Severity", "incident.severity"),
    ];
    if p.nature.type_name.is_some() {
        rows.push(row("Type", "incident.type"));
    }
    if p.nature.private {
        let who = "private: only those it concerned could see it";
        rows.push(vec![cell("Seen by"), cell(who)]);
    }
    if p.nature.drill {
        let real = "a drill: it was practised, and counts nowhere";
        rows.push(vec![cell("Real?"), cell(real)]);
    }
    rows.extend([
        row("Service", "incident.service"),
        row("Team", "incident.team"),
        row("Lead", "incident.lead"),
        row("Postmortem", "postmortem.status"),
        row("Owner of the postmortem", "postmortem.owner"),
    ]);
    if let Some(due) = &p.review.due {
        rows.push(vec![cell("Review due"), cell(&due.local)]);
    }
    if let Some(meets) = &p.review.meets {
        rows.push(vec![cell("Review meeting"), cell(&meets.local)]);
    }
    vec![Block::Table(head(&["", ""]), rows)]
}

fn moments(p: &Postmortem) -> Vec<Block> {
    let d = &p.dates;
    let moment = |name: &str, at: &Option<Stamp>, length: Option<i64>| {
        vec![
            cell(name),
            cell(at.as_ref().map_or("–", |s| s.utc.as_str())),
            cell(at.as_ref().map_or("–", |s| s.local.as_str())),
            cell(length.map_or("–".to_owned(), human_ms)),
        ]
    };
    let rows = vec![
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
    let c = &p.counts;
    let counted = format!(
        "{}, {} of the policy, {}, {}.",
        count(c.alerts as usize, "alert"),
        count(c.escalations as usize, "step"),
        count(c.pages as usize, "page"),
        count(c.handoffs as usize, "hand-over"),
    );
    vec![
        Block::Table(head(&["Moment", "UTC", &local, "Took, since opened"]), rows),
        para(&counted),
    ]
}

fn severities(p: &Postmortem) -> Vec<Block> {
    let rows = p.severity_history.iter().map(|s| {
        vec![
            cell(&s.at.utc),
            cell(&s.severity),
            cell(s.for_ms.map_or("until now".to_owned(), human_ms)),
            cell(format!("{} ({})", s.why, s.by)),
            cell(&s.source),
        ]
    });
    let head = head(&["Since (UTC)", "Severity", "For", "Why", "Source"]);
    vec![Block::Table(head, rows.collect())]
}

fn section_blocks(s: &Section) -> Vec<Block> {
    let mut out = vec![Block::Edge(true, s.anchor.clone(), s.hash.clone())];
    if s.text.trim().is_empty() {
        out.push(Block::Para(vec![Span::Em(text(s.prompt.clone()))]));
    } else {
        out.extend(tree::read(&s.text));
    }
    if s.conflict.is_some() {
        out.push(Block::Para(vec![Span::Strong(text(
            "The facts have changed where people had rewritten them. firebell now writes:",
        ))]));
        out.push(Block::Quote(tree::read(&s.base)));
    }
    out.push(Block::Edge(false, s.anchor.clone(), s.hash.clone()));
    out
}

fn detection(p: &Postmortem) -> Vec<Block> {
    let d = &p.detection;
    let mut said = format!("Noticed by {}", d.by);
    if let Some(first) = &d.first_alert {
        said.push_str(&format!(", the first being {first}"));
    }
    if let Some(ms) = p.durations.detect_ms {
        said.push_str(&format!(", {} after it began", human_ms(ms)));
    }
    said.push_str(&format!(" ({}).", d.source));
    let why = d.why.iter().map(|why| vec![para(why)]);
    let mut out = vec![para(&said)];
    if !d.why.is_empty() {
        out.push(Block::List(None, why.collect()));
    }
    out
}

fn changes(p: &Postmortem) -> Vec<Block> {
    if p.changes.is_empty() {
        return Vec::new();
    }
    let rows = p.changes.iter().map(|c| {
        let what = if c.url.is_empty() {
            cell(&c.what)
        } else {
            link(cell(&c.what), &c.url)
        };
        vec![
            cell(&c.at.utc),
            what,
            cell(c.points.to_string()),
            cell(&c.why),
            cell(&c.source),
        ]
    });
    vec![
        para(
            "What was changed before it began, as far as firebell was told: context, not causes. The rank is explained in docs/changes.md.",
        ),
        Block::Table(
            head(&["UTC", "What", "Rank", "Why it is here", "Source"]),
            rows.collect(),
        ),
    ]
}

fn timeline(p: &Postmortem) -> Vec<Block> {
    let local = format!("Local ({})", p.zone);
    let rows = p.timeline.iter().map(|l| {
        vec![
            cell(&l.at.utc),
            cell(&l.at.local),
            cell(&l.text),
            cell(&l.source),
        ]
    });
    vec![
        para("By when it happened. What people wrote in the room is in the appendix."),
        Block::Table(
            head(&["UTC", &local, "What happened", "Source"]),
            rows.collect(),
        ),
    ]
}

fn responders(p: &Postmortem) -> Vec<Block> {
    if p.responders.is_empty() {
        return vec![para("Nobody took part and nobody was paged.")];
    }
    let rows = p.responders.iter().map(|r| {
        vec![
            cell(&r.name),
            cell(r.did.join(", ")),
            cell(r.pages.to_string()),
            cell(r.out_of_hours.to_string()),
        ]
    });
    let late = format!("Out of hours ({})", p.zone);
    vec![Block::Table(
        head(&["Who", "Did", "Pages", &late]),
        rows.collect(),
    )]
}

fn roles(p: &Postmortem) -> Vec<Block> {
    if p.roles.is_empty() {
        return Vec::new();
    }
    let rows = p.roles.iter().map(|r| {
        vec![
            cell(&r.name),
            cell(&r.person),
            cell(&r.from.utc),
            cell(r.until.as_ref().map_or("still", |u| u.utc.as_str())),
            cell(&r.source),
        ]
    });
    let head = head(&["Role", "Who", "From (UTC)", "Until (UTC)", "Source"]);
    vec![Block::Table(head, rows.collect())]
}

fn decisions(p: &Postmortem) -> Vec<Block> {
    if p.decisions.is_empty() {
        return Vec::new();
    }
    let rows = p
        .decisions
        .iter()
        .map(|d| vec![cell(&d.at.utc), cell(&d.what), cell(&d.by), cell(&d.source)]);
    let head = head(&["UTC", "What was decided", "Written down by", "Source"]);
    vec![Block::Table(head, rows.collect())]
}

fn reports(p: &Postmortem) -> Vec<Block> {
    if p.reports.is_empty() {
        return Vec::new();
    }
    let rows = p.reports.iter().map(|r| {
        vec![
            cell(&r.at.utc),
            cell(&r.by),
            cell(&r.conditions),
            cell(&r.actions),
            cell(&r.needs),
            cell(&r.source),
        ]
    });
    let head = head(&["UTC", "By", "Conditions", "Actions", "Needs", "Source"]);
    vec![Block::Table(head, rows.collect())]
}

fn load(p: &Postmortem) -> Vec<Block> {
    if p.load.is_empty() {
        return Vec::new();
    }
    let rows = p.load.iter().map(|l| {
        vec![
            cell(&l.name),
            cell(l.pages.to_string()),
            cell(l.out_of_hours.to_string()),
            cell(l.at_night.to_string()),
        ]
    });
    let head = head(&[
        "Who",
        "Pages, later steps included",
        "Out of hours",
        "At night (22–08)",
    ]);
    vec![Block::Table(head, rows.collect())]
}

fn pages(p: &Postmortem) -> Vec<Block> {
    if p.pages.is_empty() {
        return vec![para("Nobody was paged.")];
    }
    let rows = p.pages.iter().map(|page| {
        vec![
            cell(&page.at.utc),
            cell(&page.name),
            cell(&page.contact),
            cell(&page.outcome),
            cell(&page.detail),
            cell(&page.why),
            cell(&page.source),
        ]
    });
    let head = head(&["UTC", "Who", "By", "Outcome", "Detail", "Why", "Source"]);
    vec![Block::Table(head, rows.collect())]
}

fn run(run: &ActionRun) -> Vec<Block> {
    let approved = match run.approved_by.as_slice() {
        [] => "nobody".to_owned(),
        who => who.join(", "),
    };
    let item = |words: String| vec![Block::Para(text(words))];
    let mut outcome = text("Outcome: ");
    let word = text(run.outcome.clone());
    if run.state == "unknown" {
        outcome.push(Span::Strong(word));
    } else {
        outcome.extend(word);
    }
    if let Some(ms) = run.duration_ms {
        outcome.extend(text(format!(", took {}", human_ms(ms))));
    }
    let facts = vec![
        item(format!("Action: {}, version {}", run.action, run.digest)),
        item(format!(
            "Asked by: {} at {}",
            run.asked_by, run.asked_at.utc
        )),
        item(format!(
            "Approved by: {approved} ({} needed besides the requester)",
            run.needs
        )),
        item(format!("Sources: {}", run.sources.join("; "))),
        vec![Block::Para(outcome)],
    ];
    let mut out = vec![
        Block::Heading(3, text(format!("{}: {}", run.run, run.title))),
        Block::List(None, facts),
        para("Started as:"),
        Block::Code(action::shown(&run.argv)),
    ];
    if let Some(bytes) = run.bytes.filter(|n| *n > 0) {
        out.push(para(&format!(
            "The end of its output ({bytes} bytes in all):"
        )));
        out.push(Block::Code(run.tail.clone()));
    }
    out
}

fn communication(p: &Postmortem) -> Vec<Block> {
    if p.communication.is_empty() {
        return Vec::new();
    }
    let rows = p.communication.iter().map(|t| {
        vec![
            cell(&t.at.utc),
            cell(&t.place),
            cell(&t.what),
            cell(&t.source),
        ]
    });
    vec![Block::Table(
        head(&["UTC", "Where", "What", "Source"]),
        rows.collect(),
    )]
}

fn items(p: &Postmortem) -> Vec<Block> {
    if p.review.items.is_empty() {
        return vec![para("No action item was written down.")];
    }
    let rows = p.review.items.iter().map(|i| {
        let state = if i.link.is_empty() {
            cell(&i.state)
        } else {
            link(cell(&i.state), &i.link)
        };
        vec![
            cell(i.id.to_string()),
            cell(&i.what),
            cell(i.owner.as_deref().unwrap_or("nobody")),
            cell(i.due.as_deref().unwrap_or("–")),
            cell(&i.priority),
            state,
        ]
    });
    let head = head(&["#", "What", "Owner", "Due", "Priority", "State"]);
    vec![Block::Table(head, rows.collect())]
}

fn links(p: &Postmortem) -> Vec<Block> {
    if p.links.is_empty() {
        return Vec::new();
    }
    let item = |l: &super::Linked| vec![Block::Para(link(text(l.label.clone()), &l.url))];
    vec![Block::List(None, p.links.iter().map(item).collect())]
}

fn conversation(p: &Postmortem) -> Vec<Block> {
    if p.conversation.is_empty() {
        return vec![para("Nobody wrote in the room.")];
    }
    let wrote = |s: &super::Spoken| {
        let mut text = s.text.clone();
        for before in &s.earlier {
            text.push_str(&format!("\n(until {}: {})", before.until.utc, before.text));
        }
        text
    };
    let rows = p.conversation.iter().map(|s| {
        vec![
            cell(&s.at.utc),
            cell(&s.by),
            cell(wrote(s)),
            cell(&s.source),
        ]
    });
    vec![Block::Table(
        head(&["UTC", "Who", "Wrote", "Source"]),
        rows.collect(),
    )]
}

fn alerts(p: &Postmortem) -> Vec<Block> {
    if p.alerts.is_empty() {
        return vec![para("No alert belongs to this incident.")];
    }
    let rows = p.alerts.iter().map(|a| {
        let page = if a.url.is_empty() {
            Vec::new()
        } else {
            link(text("page"), &a.url)
        };
        vec![
            cell(format!("alert-{}", a.id)),
            cell(&a.name),
            cell(&a.summary),
            cell(&a.starts_at),
            cell(a.cleared_at.as_deref().unwrap_or("–")),
            cell(format!("{}, fingerprint {}", a.source, a.fingerprint)),
            page,
        ]
    });
    let head = head(&[
        "Alert", "Name", "Said", "Began", "Cleared", "Source", "Link",
    ]);
    vec![Block::Table(head, rows.collect())]
}
