//! Label matchers: `name="value"`, `!=`, `=~`, `!~`, as Prometheus and Alertmanager write them.

use super::alert::Labels;
use regex::Regex;
use std::fmt;

/// Compiled expressions stay below this many bytes, so that a configuration cannot exhaust memory.
pub const REGEX_BYTES: usize = 256 * 1024;

/// One condition on one label. A label that is absent has the empty value.
#[derive(Clone)]
pub struct Matcher {
    /// Label name.
    pub name: String,
    /// The condition.
    pub op: Op,
}

/// The four conditions.
#[derive(Clone)]
pub enum Op {
    /// `=`
    Equal(String),
    /// `!=`
    NotEqual(String),
    /// `=~`, the whole value.
    Match(Regex),
    /// `!~`, the whole value.
    NotMatch(Regex),
}

impl Matcher {
    /// Whether the labels satisfy the condition.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.name).map_or("", String::as_str);
        match &self.op {
            Op::Equal(want) => value == want,
            Op::NotEqual(no) => value != no,
            Op::Match(re) => re.is_match(value),
            Op::NotMatch(re) => !re.is_match(value),
        }
    }

    /// The operator and the value as they were written.
    #[must_use]
    pub fn condition(&self) -> (&'static str, String) {
        let bare = |re: &Regex| {
            let all = re.as_str();
            let inner = all
                .strip_prefix(r"\A(?:")
                .and_then(|r| r.strip_suffix(r")\z"));
            inner.unwrap_or(all).to_owned()
        };
        match &self.op {
            Op::Equal(v) => ("=", v.clone()),
            Op::NotEqual(v) => ("!=", v.clone()),
            Op::Match(re) => ("=~", bare(re)),
            Op::NotMatch(re) => ("!~", bare(re)),
        }
    }

    /// Reads `name="value"`, `name=value`, `name=~"re"`, `name!=value`, `name!~"re"`, with or
    /// without spaces around the operator and quotes around the value (`\"` and `\\` inside quotes).
    ///
    /// # Errors
    /// A sentence with what is wrong and how to write it.
    pub fn parse(text: &str) -> Result<Matcher, String> {
        let text = text.trim();
        let at = text.find(['=', '!']).ok_or_else(|| {
            format!("`{text}` is not a matcher: write label=\"value\", label!=, label=~ or label!~")
        })?;
        let name = text[..at].trim().trim_matches('"').to_owned();
        if name.is_empty() {
            return Err(format!("`{text}` has no label name before the operator"));
        }
        let (op, rest) = match &text.as_bytes()[at..] {
            [b'=', b'~', ..] => ("=~", &text[at + 2..]),
            [b'!', b'~', ..] => ("!~", &text[at + 2..]),
            [b'!', b'=', ..] => ("!=", &text[at + 2..]),
            [b'=', ..] => ("=", &text[at + 1..]),
            _ => return Err(format!("`{text}`: `!` must be followed by `=` or `~`")),
        };
        let value = unquote(rest.trim())
            .ok_or_else(|| format!("`{text}`: the value's quotes do not close"))?;
        Matcher::new(&name, op, &value)
    }

    /// Builds a matcher from its three parts.
    ///
    /// # Errors
    /// A sentence when the operator is unknown or the expression does not compile.
    pub fn new(name: &str, op: &str, value: &str) -> Result<Matcher, String> {
        let op = match op {
            "=" => Op::Equal(value.to_owned()),
            "!=" => Op::NotEqual(value.to_owned()),
            "=~" => Op::Match(whole(value)?),
            "!~" => Op::NotMatch(whole(value)?),
            other => return Err(format!("`{other}` is not an operator: use =, !=, =~ or !~")),
        };
        Ok(Matcher {
            name: name.to_owned(),
            op,
        })
    }
}

/// Compiles an expression that must match a whole value. `\A…\z`, because `$` would allow a trailing newline.
///
/// # Errors
/// A sentence with the expression and what is wrong with it.
pub fn whole(pattern: &str) -> Result<Regex, String> {
    regex::RegexBuilder::new(&format!(r"\A(?:{pattern})\z"))
        .size_limit(REGEX_BYTES)
        .build()
        .map_err(|e| format!("`{pattern}` is not a regular expression: {e}"))
}

fn unquote(text: &str) -> Option<String> {
    let Some(inner) = text.strip_prefix('"') else {
        return Some(text.to_owned());
    };
    let (mut out, mut chars) = (String::new(), inner.chars());
    loop {
        match chars.next()? {
            '\\' => match chars.next()? {
                'n' => out.push('\n'),
                c @ ('"' | '\\') => out.push(c),
                // A regular expression's own escape, kept as written.
                c => out.extend(['\\', c]),
            },
            '"' => return chars.as_str().trim().is_empty().then_some(out),
            c => out.push(c),
        }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (op, value) = self.condition();
        write!(
            f,
            "{}{op}\"{}\"",
            self.name,
            value.replace('\\', "\\\\").replace('"', "\\\"")
        )
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn the_four_operators_read_like_alertmanagers() {
        let l = labels(&[("job", "api"), ("sev", "page")]);
        for (text, want) in [
            ("job=api", true),
            ("job=\"api\"", true),
            (" job = \"api\" ", true),
            ("job!=\"api\"", false),
            ("job=~\"a.*\"", true),
            ("job=~\"a\"", false),
            ("job!~\"web|db\"", true),
            ("missing=\"\"", true),
            ("missing!=\"\"", false),
        ] {
            assert_eq!(Matcher::parse(text).unwrap().matches(&l), want, "{text}");
        }
    }

    #[test]
    fn an_expression_matches_the_whole_value_and_no_trailing_newline() {
        let m = Matcher::parse("host=~\"web-[0-9]+\"").unwrap();
        assert!(m.matches(&labels(&[("host", "web-12")])));
        assert!(!m.matches(&labels(&[("host", "web-12\n")])));
        assert!(!m.matches(&labels(&[("host", "xweb-12")])));
    }

    #[test]
    fn a_matcher_reads_back_as_it_is_written() {
        for text in [
            r#"a="b""#,
            r#"a!="x \"y\" \\ z""#,
            r#"a=~"(b|c)\\z""#,
            r#"a!~"\\d+""#,
        ] {
            let once = Matcher::parse(text).unwrap();
            assert_eq!(once.to_string(), text);
            assert_eq!(
                Matcher::parse(&once.to_string()).unwrap().condition(),
                once.condition()
            );
        }
    }

    #[test]
    fn bad_matchers_say_how_to_write_them() {
        for bad in ["", "job", "=api", "job!api", "job=\"api", "job=~\"(\""] {
            assert!(Matcher::parse(bad).is_err(), "{bad}");
        }
    }
}
