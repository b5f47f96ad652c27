//! A command line as words, with quotes, and the raw rest for free text.

use std::collections::VecDeque;

/// A word, and where it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Without its quotes.
    pub text: String,
    start: usize,
    /// It was written in quotes: never a number, key or keyword.
    pub quoted: bool,
}

/// The words not yet read.
#[derive(Clone, Debug)]
pub(super) struct Words<'a> {
    raw: &'a str,
    words: VecDeque<Word>,
}

impl<'a> Words<'a> {
    pub(super) fn of(raw: &'a str) -> Words<'a> {
        let mut words = VecDeque::new();
        let mut at = 0;
        while let Some(skip) = raw[at..].find(|c: char| !c.is_whitespace()) {
            let start = at + skip;
            let (word, end) = word(raw, start);
            words.push_back(word);
            at = end;
        }
        Words { raw, words }
    }

    /// Words that come apart already; each with whether it stands for itself, as if quoted.
    pub(super) fn laid_out(words: Vec<(String, bool)>) -> Words<'static> {
        let word = |(text, quoted)| Word {
            text,
            start: 0,
            quoted,
        };
        Words {
            raw: "",
            words: words.into_iter().map(word).collect(),
        }
    }

    pub(super) fn next(&mut self) -> Option<Word> {
        self.words.pop_front()
    }

    pub(super) fn peek(&self) -> Option<&Word> {
        self.words.front()
    }

    pub(super) fn last(&self) -> Option<&Word> {
        self.words.back()
    }

    pub(super) fn take_last(&mut self) -> Option<Word> {
        self.words.pop_back()
    }

    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// Everything not yet read, as it was written; one pair of quotes around all of it is taken off.
    pub(super) fn rest(&self) -> String {
        match (self.words.front(), self.words.len()) {
            (None, _) => String::new(),
            (Some(only), 1) => only.text.clone(),
            (Some(_), _) if self.raw.is_empty() => {
                let words: Vec<&str> = self.words.iter().map(|w| w.text.as_str()).collect();
                words.join(" ")
            }
            (Some(first), _) => self.raw[first.start..].trim_end().to_owned(),
        }
    }
}

/// Chat programs turn straight quotes into curly ones while people type.
fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„')
}

/// The word that starts at byte `start`, and the byte after it.
fn word(raw: &str, start: usize) -> (Word, usize) {
    let (mut text, mut quoted) = (String::new(), false);
    let mut at = start;
    while let Some(c) = raw[at..].chars().next() {
        if c.is_whitespace() {
            break;
        }
        let opens = is_quote(c) && (at == start || text.ends_with('='));
        if opens && let Some((inside, end)) = quote(raw, at + c.len_utf8()) {
            quoted |= at == start;
            text.push_str(&inside);
            at = end;
            continue;
        }
        text.push(c);
        at += c.len_utf8();
    }
    let word = Word {
        text,
        start,
        quoted,
    };
    (word, at)
}

/// The text up to the closing quote; `None`: it never closes, and the quote is an ordinary character.
fn quote(raw: &str, start: usize) -> Option<(String, usize)> {
    let (mut text, mut chars) = (String::new(), raw[start..].char_indices());
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.clone().next() {
                Some((_, escaped)) if is_quote(escaped) || escaped == '\\' => {
                    text.push(escaped);
                    chars.next();
                }
                _ => text.push(c),
            },
            c if is_quote(c) => return Some((text, start + at + c.len_utf8())),
            c => text.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(raw: &str) -> Vec<String> {
        let mut words = Words::of(raw);
        std::iter::from_fn(|| words.next().map(|w| w.text)).collect()
    }

    #[test]
    fn quotes_hold_words_together_and_a_lone_quote_is_a_character() {
        assert_eq!(texts(r#"a "b c" d="e f""#), ["a", "b c", "d=e f"]);
        assert_eq!(texts("“b c” d"), ["b c", "d"]);
        assert_eq!(texts(r#"say "hi"#), ["say", "\"hi"]);
        assert_eq!(texts(r#""a \"b\"""#), ["a \"b\""]);
        assert_eq!(texts("it isn't"), ["it", "isn't"]);
    }

    #[test]
    fn the_rest_is_as_it_was_written() {
        let mut words = Words::of("note  we   rolled\nback ");
        words.next();
        assert_eq!(words.rest(), "we   rolled\nback");
    }
}
