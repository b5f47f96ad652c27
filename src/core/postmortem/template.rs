//! Templates: the order and the headings of a document, with a closed list of placeholders.
//!
//! Promises: a template is Markdown of the operator; a value is put into it as text and never read
//! as Markdown, as a placeholder or as markup of the format it ends up in. There is no loop and one
//! condition: a heading with `{{if-any}}` stands only while something below it does.

use super::sections::SECTIONS;
use super::tree::{self, Block, Span};

/// The one that holds unless another fits.
pub const DEFAULT: &str = include_str!("default.md");

/// Placeholders that stand in a line.
pub const INLINE: [&str; 25] = [
    "incident.id",
    "incident.title",
    "incident.status",
    "incident.severity",
    "incident.type",
    "incident.service",
    "incident.team",
    "incident.lead",
    "incident.began",
    "incident.opened",
    "incident.acknowledged",
    "incident.mitigated",
    "incident.resolved",
    "time-to.detect",
    "time-to.acknowledge",
    "time-to.mitigate",
    "time-to.resolve",
    "count.alerts",
    "count.pages",
    "count.escalations",
    "count.handoffs",
    "count.messages",
    "postmortem.status",
    "postmortem.owner",
    "postmortem.due",
];

/// Placeholders that are a whole part of the document, alone on their line; `section.ANCHOR` beside them.
pub const PARTS: [&str; 20] = [
    "notice",
    "facts",
    "moments",
    "severity-history",
    "detection",
    "changes",
    "chart",
    "timeline",
    "responders",
    "roles",
    "decisions",
    "reports",
    "load",
    "pages",
    "actions",
    "communication",
    "items",
    "links",
    "conversation",
    "alerts",
];

/// The condition of a heading.
const IF_ANY: &str = "if-any";
/// Around the number of a placeholder inside parsed text; in no template.
const OPEN: char = '\u{E000}';
const CLOSE: char = '\u{E001}';

/// A checked template.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    blocks: Vec<Block>,
    names: Vec<String>,
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// From 1.
    pub line: usize,
    /// In words.
    pub what: String,
    /// What to do about it.
    pub fix: String,
}

/// Where values come from.
pub(super) trait Values {
    /// A value in a line; empty: nothing is known.
    fn word(&self, name: &str) -> String;
    /// A part of the document; empty: there is none.
    fn part(&self, name: &str) -> Vec<Block>;
}

impl Default for Template {
    fn default() -> Template {
        // Invariant: the shipped template parses, and a test says so.
        Template::parse(DEFAULT).unwrap_or(Template {
            blocks: Vec::new(),
            names: Vec::new(),
        })
    }
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Template, Vec<Wrong>> {
        let (mut out, mut names, mut wrong) = (String::new(), Vec::new(), Vec::new());
        for (n, line) in text.lines().enumerate() {
            let mut say = |what: String, fix: String| {
                wrong.push(Wrong {
                    line: n + 1,
                    what,
                    fix,
                });
            };
            if line.contains([OPEN, CLOSE]) {
                say(
                    "a character of Unicode's private area stands in the template".to_owned(),
                    "remove it; firebell uses U+E000 and U+E001 itself".to_owned(),
                );
                continue;
            }
            let mut rest = line;
            while let Some((before, after)) = rest.split_once("{{") {
                out.push_str(before);
                let Some((name, after)) = after.split_once("}}") else {
                    say(
                        "`{{` is not closed in its line".to_owned(),
                        "write {{incident.title}}".to_owned(),
                    );
                    rest = "";
                    break;
                };
                let name = name.trim();
                check(name, line, &mut say);
                out.push_str(&format!("{OPEN}{}{CLOSE}", names.len()));
                names.push(name.to_owned());
                rest = after;
            }
            out.push_str(rest);
            out.push('\n');
        }
        if names.is_empty() && wrong.is_empty() {
            wrong.push(Wrong {
                line: 0,
                what: "the template has no placeholder: every postmortem would read the same"
                    .to_owned(),
                fix: "write {{timeline}} on a line of its own".to_owned(),
            });
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        Ok(Template {
            blocks: tree::read(&out),
            names,
        })
    }

    /// The document.
    pub(super) fn fill(&self, values: &impl Values) -> Vec<Block> {
        let mut out: Vec<Block> = Vec::new();
        // Where a conditional heading stands, and its level, while nothing has followed it.
        let mut pending: Option<(usize, u8)> = None;
        for block in &self.blocks {
            if let Block::Heading(level, spans) = block {
                drop_empty(&mut out, &mut pending, Some(*level));
                let (kept, conditional) = self.conditional(spans);
                if conditional && pending.is_none() {
                    pending = Some((out.len(), *level));
                }
                out.push(Block::Heading(*level, self.spans(&kept, values)));
                continue;
            }
            out.extend(self.block(block, values));
        }
        drop_empty(&mut out, &mut pending, None);
        out
    }

    fn block(&self, block: &Block, values: &impl Values) -> Vec<Block> {
        match block {
            Block::Para(spans) => match self.alone(spans) {
                Some(name) if INLINE.contains(&name) => {
                    vec![Block::Para(self.spans(spans, values))]
                }
                Some(name) => values.part(name),
                None => vec![Block::Para(self.spans(spans, values))],
            },
            Block::Heading(level, spans) => {
                vec![Block::Heading(*level, self.spans(spans, values))]
            }
            Block::Quote(inner) => vec![Block::Quote(self.all(inner, values))],
            Block::List(start, items) => {
                let items = items.iter().map(|i| self.all(i, values));
                vec![Block::List(*start, items.collect())]
            }
            Block::Table(head, rows) => {
                let cells = |cells: &Vec<Vec<Span>>| -> Vec<Vec<Span>> {
                    cells.iter().map(|c| self.spans(c, values)).collect()
                };
                vec![Block::Table(cells(head), rows.iter().map(cells).collect())]
            }
            Block::Code(text) => vec![Block::Code(self.words(text, values))],
            other => vec![other.clone()],
        }
    }

    fn all(&self, blocks: &[Block], values: &impl Values) -> Vec<Block> {
        blocks.iter().flat_map(|b| self.block(b, values)).collect()
    }

    /// The one placeholder a paragraph consists of.
    fn alone(&self, spans: &[Span]) -> Option<&str> {
        let [Span::Text(text)] = spans else {
            return None;
        };
        let number = text.trim().strip_prefix(OPEN)?.strip_suffix(CLOSE)?;
        self.name(number)
    }

    fn name(&self, number: &str) -> Option<&str> {
        let at: usize = number.parse().ok()?;
        self.names.get(at).map(String::as_str)
    }

    /// A heading without its condition, and whether it has one.
    fn conditional(&self, spans: &[Span]) -> (Vec<Span>, bool) {
        let mut found = false;
        let kept = spans.iter().map(|span| match span {
            Span::Text(text) => {
                let mut out = text.clone();
                for (n, name) in self.names.iter().enumerate() {
                    let mark = format!("{OPEN}{n}{CLOSE}");
                    if name == IF_ANY && out.contains(&mark) {
                        found = true;
                        out = out.replace(&mark, "");
                        out.truncate(out.trim_end().len());
                    }
                }
                Span::Text(out)
            }
            other => other.clone(),
        });
        (kept.collect(), found)
    }

    fn spans(&self, spans: &[Span], values: &impl Values) -> Vec<Span> {
        let each = |span: &Span| match span {
            Span::Text(t) => Span::Text(self.words(t, values)),
            Span::Code(t) => Span::Code(self.words(t, values)),
            Span::Strong(i) => Span::Strong(self.spans(i, values)),
            Span::Em(i) => Span::Em(self.spans(i, values)),
            Span::Strike(i) => Span::Strike(self.spans(i, values)),
            Span::Link(i, url) => Span::Link(self.spans(i, values), url.clone()),
            Span::Break => Span::Break,
        };
        spans.iter().map(each).collect()
    }

    fn words(&self, text: &str, values: &impl Values) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(OPEN) {
            out.push_str(before);
            let (number, after) = after.split_once(CLOSE).unwrap_or((after, ""));
            if let Some(name) = self.name(number) {
                out.push_str(&values.word(name));
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }
}

/// Takes a conditional heading back when nothing stands below it.
fn drop_empty(out: &mut Vec<Block>, pending: &mut Option<(usize, u8)>, next: Option<u8>) {
    let Some((at, level)) = *pending else {
        return;
    };
    let something = out[at + 1..]
        .iter()
        .any(|b| !matches!(b, Block::Heading(..)));
    if something {
        *pending = None;
    } else if next.is_none_or(|n| n <= level) {
        out.truncate(at);
        *pending = None;
    }
}

fn check(name: &str, line: &str, say: &mut impl FnMut(String, String)) {
    let alone = line.trim().starts_with("{{")
        && line.trim().ends_with("}}")
        && line.matches("{{").count() == 1;
    let anchor = name.strip_prefix("section.");
    if name == IF_ANY {
        if !line.trim_start().starts_with('#') {
            say(
                "`{{if-any}}` stands outside of a heading".to_owned(),
                "write it at the end of a heading: ## Actions {{if-any}}".to_owned(),
            );
        }
    } else if INLINE.contains(&name) {
        let around = line
            .split(&format!("{{{{{name}}}}}"))
            .next()
            .unwrap_or_default();
        if around.ends_with("](") || around.rsplit('(').next().is_some_and(|u| u.contains("://")) {
            say(
                format!("`{{{{{name}}}}}` stands in the address of a link"),
                "values are text and lead nowhere; write it beside the link".to_owned(),
            );
        }
    } else if PARTS.contains(&name) || anchor.is_some_and(|a| SECTIONS.iter().any(|s| s.0 == a)) {
        if !alone {
            say(
                format!("`{{{{{name}}}}}` is a whole part of the document"),
                "give it a line of its own, with nothing before or after it".to_owned(),
            );
        }
    } else {
        let sections = SECTIONS.iter().map(|s| format!("section.{}", s.0));
        let known: Vec<String> = INLINE
            .iter()
            .chain(&PARTS)
            .map(|s| (*s).to_owned())
            .chain(sections)
            .collect();
        let near = known.iter().min_by_key(|k| distance(k, name));
        say(
            format!("there is no placeholder `{{{{{name}}}}}`"),
            match near {
                Some(near) if distance(near, name) <= 4 => format!("did you mean {{{{{near}}}}}?"),
                _ => "docs/postmortems.md lists them; {{incident.title}} is one".to_owned(),
            },
        );
    }
}

/// Letters to change from one word to the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let best = (corner + usize::from(ca != *cb))
                .min(row[j] + 1)
                .min(row[j + 1] + 1);
            corner = row[j + 1];
            row[j + 1] = best;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Given;

    impl Values for Given {
        fn word(&self, name: &str) -> String {
            format!("**{name}** {{{{timeline}}}}")
        }

        fn part(&self, name: &str) -> Vec<Block> {
            match name {
                "timeline" => vec![Block::Rule],
                _ => Vec::new(),
            }
        }
    }

    #[test]
    fn the_shipped_template_is_one_and_has_every_part() {
        assert!(Template::parse(DEFAULT).is_ok());
        for part in PARTS {
            assert!(DEFAULT.contains(&format!("{{{{{part}}}}}")), "{part}");
        }
        for (anchor, ..) in SECTIONS {
            assert!(
                DEFAULT.contains(&format!("{{{{section.{anchor}}}}}")),
                "{anchor}"
            );
        }
    }

    #[test]
    fn a_value_is_text_whatever_it_holds() {
        let t = Template::parse("# On {{incident.title}}\n\n{{timeline}}\n").unwrap();
        let filled = t.fill(&Given);
        assert_eq!(
            filled[0],
            Block::Heading(
                1,
                vec![Span::Text("On **incident.title** {{timeline}}".to_owned())]
            )
        );
        assert_eq!(filled[1], Block::Rule);
    }

    #[test]
    fn a_heading_with_the_condition_stands_only_over_something() {
        let t = "## A {{if-any}}\n\n{{pages}}\n\n### Deeper\n\n{{pages}}\n\n## B {{if-any}}\n\n{{timeline}}\n\n## C {{if-any}}\n\n{{items}}\n";
        let filled = Template::parse(t).unwrap().fill(&Given);
        assert_eq!(filled.len(), 2, "{filled:?}");
        assert_eq!(
            filled[0],
            Block::Heading(2, vec![Span::Text("B".to_owned())])
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_the_way_out() {
        let wrong = Template::parse(
            "{{incident.titel}}\n\nSee {{timeline}} here\n\n{{if-any}}\n\n[x](https://e.example/{{incident.id}})\n\n{{oops\n",
        )
        .unwrap_err();
        let told: Vec<(usize, &str)> = wrong.iter().map(|w| (w.line, w.fix.as_str())).collect();
        assert_eq!(told[0], (1, "did you mean {{incident.title}}?"));
        let lines: Vec<usize> = told.iter().map(|t| t.0).collect();
        assert_eq!(lines, [1, 3, 5, 7, 9]);
        assert!(Template::parse("nothing to fill").is_err());
    }
}
