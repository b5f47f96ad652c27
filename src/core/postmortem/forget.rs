//! Words that were removed for good, taken out of what people wrote around them.
//!
//! What firebell drafted stands in a section twice: as its own draft of then, and in the words of whoever
//! edited it. Promise: a line that bears removed words stands in neither, nor in an action item. What
//! people retold in words of their own nobody can know: a whole section is removed by its name.

use super::written::{Item, Prose, Written};
use crate::core::incident::GONE;

/// Shorter words of a person are looked for as whole lines only: `ok` is in half of all sentences.
const SHORT: usize = 6;
/// The same for what a program wrote, of which most lines are words anybody uses: `restarted`.
const SHORT_OUTPUT: usize = 24;

/// Words that are to be nowhere, as they read without marks, and whether they are looked for within a
/// line or as all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(Vec<(String, bool)>);

impl Words {
    /// The lines of what people wrote.
    #[must_use]
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Words {
        Words::default().and(texts, SHORT)
    }

    /// And the lines of what programs wrote.
    #[must_use]
    pub fn and_output<'a>(self, texts: impl IntoIterator<Item = &'a str>) -> Words {
        self.and(texts, SHORT_OUTPUT)
    }

    fn and<'a>(mut self, texts: impl IntoIterator<Item = &'a str>, short: usize) -> Words {
        let lines = texts.into_iter().flat_map(str::lines).map(plain);
        let lines = lines.filter(|l| !l.is_empty());
        self.0.extend(lines.map(|l| {
            let within = l.chars().count() >= short;
            (l, within)
        }));
        self
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of the lines of a text bears one of them.
    #[must_use]
    pub fn are_in(&self, text: &str) -> bool {
        text.lines().any(|line| self.on(line))
    }

    fn on(&self, line: &str) -> bool {
        let line = plain(line);
        self.0.iter().any(|(words, within)| {
            if *within {
                line.contains(words.as_str())
            } else {
                line == *words
            }
        })
    }

    /// The text with [`GONE`] in place of each line that bears them.
    fn out_of(&self, text: &str) -> String {
        let lines = text
            .lines()
            .map(|line| if self.on(line) { GONE } else { line });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// A line as it reads: without the escapes of Markdown, list marks and doubled spaces.
fn plain(line: &str) -> String {
    let seen: String = line
        .chars()
        .filter(|c| *c != '\\' && !super::escape::invisible(*c) || *c == '\t')
        .collect();
    let words = seen.split_whitespace().collect::<Vec<_>>().join(" ");
    words
        .trim_start_matches(['-', '*', '>', '+', ' '])
        .to_owned()
}

impl Written {
    /// What people wrote, without these words; `None`: they stand nowhere in it.
    #[must_use]
    pub fn without(&self, words: &Words) -> Option<Written> {
        let section = |p: &Prose| Prose {
            base: words.out_of(&p.base),
            text: words.out_of(&p.text),
            ..p.clone()
        };
        let item = |i: &Item| Item {
            what: words.out_of(&i.what),
            link: words.out_of(&i.link),
            ..i.clone()
        };
        let next = Written {
            sections: (self.sections.iter())
                .map(|(anchor, p)| (anchor.clone(), section(p)))
                .collect(),
            items: self.items.iter().map(item).collect(),
            ..self.clone()
        };
        (next != *self).then_some(next)
    }

    /// What people wrote, without their words in a section; `None`: there are none.
    #[must_use]
    pub fn without_section(&self, anchor: &str) -> Option<Written> {
        self.sections.contains_key(anchor).then(|| {
            let mut next = self.clone();
            next.sections.remove(anchor);
            next
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::id::Actor;
    use crate::core::postmortem::escape::inline;
    use crate::core::time::Time;

    fn prose(base: &str, text: &str) -> Written {
        let prose = Prose {
            base: base.to_owned(),
            text: text.to_owned(),
            by: Actor::Firebell,
            at: Time(0),
        };
        Written {
            sections: [("impact".to_owned(), prose)].into(),
            ..Written::default()
        }
    }

    #[test]
    fn a_line_goes_however_it_was_escaped_and_the_others_stay() {
        let said = "the key_is `a|b@c` - remember";
        let words = Words::of([said]);
        let drafted = format!("- {}\n- it was slow", inline(said));
        let kept = format!("before\n  - {}  \nafter", inline(said));
        let left = prose(&drafted, &kept).without(&words).unwrap();
        assert_eq!(
            left.sections["impact"].base,
            "(removed for good)\n- it was slow"
        );
        assert_eq!(
            left.sections["impact"].text,
            "before\n(removed for good)\nafter"
        );
        assert_eq!(left.without(&words), None, "once is enough");
    }

    #[test]
    fn words_that_stand_in_a_sentence_take_it_along_and_short_ones_do_not() {
        let words = Words::of(["hunter2!", "ok"]);
        let left = prose("", "they wrote “hunter2!” there\nthat is ok with us\n- ok");
        let left = left.without(&words).unwrap();
        assert_eq!(
            left.sections["impact"].text,
            "(removed for good)\nthat is ok with us\n(removed for good)"
        );
    }

    #[test]
    fn what_a_program_wrote_takes_along_only_what_nobody_else_would_write() {
        let words = Words::default().and_output(["restarted\ntoken=eyJhbGciOiJIUzI1NiJ9.e30"]);
        let text = "ana restarted it\nrestarted\nit said token=eyJhbGciOiJIUzI1NiJ9.e30!";
        let left = prose("", text).without(&words).unwrap();
        assert_eq!(
            left.sections["impact"].text,
            "ana restarted it\n(removed for good)\n(removed for good)"
        );
    }

    #[test]
    fn a_section_goes_whole_and_only_where_people_wrote_one() {
        let written = prose("base", "text");
        assert!(
            written
                .without_section("impact")
                .unwrap()
                .sections
                .is_empty()
        );
        assert_eq!(written.without_section("lucky"), None);
    }
}
