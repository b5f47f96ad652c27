//! How those who asked are told: a closed list of placeholders, filled in as text and never read again.

/// What may stand between braces.
pub const PLACEHOLDERS: [&str; 9] = [
    "title",
    "status",
    "text",
    "severity",
    "service",
    "components",
    "next",
    "link",
    "page",
];

/// A subject when the files say none.
pub const SUBJECT: &str = "[{status}] {title}";
/// A mail when the files say none.
pub const MAIL: &str = "{title}\nStatus: {status}\n{components}\n\n{text}\n\n{next}\n{link}\n";
/// A line in a channel when the files say none.
pub const LINE: &str = "{title} · {status}: {text} {next} {link}";

/// What a placeholder stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values(pub Vec<(&'static str, String)>);

/// A checked template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(&'static str),
}

impl Wording {
    /// Reads a template; `{{` and `}}` are braces.
    ///
    /// # Errors
    /// A sentence that names what is wrong.
    pub fn parse(text: &str) -> Result<Wording, String> {
        let (mut pieces, mut plain) = (Vec::new(), String::new());
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match (c, chars.peek()) {
                ('{', Some('{')) | ('}', Some('}')) => {
                    chars.next();
                    plain.push(c);
                }
                ('{', _) => {
                    let mut closed = false;
                    let inside = |c: &char| {
                        closed = *c == '}';
                        !closed
                    };
                    let name: String = chars.by_ref().take_while(inside).collect();
                    let known = PLACEHOLDERS.into_iter().find(|p| *p == name && closed);
                    let Some(known) = known else {
                        return Err(format!(
                            "there is no placeholder {{{name}}}; there is {{{}}}",
                            PLACEHOLDERS.join("}, {")
                        ));
                    };
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    pieces.push(Piece::Value(known));
                }
                ('}', _) => return Err("a `}` stands alone; write `}}` for one".to_owned()),
                (c, _) => plain.push(c),
            }
        }
        pieces.push(Piece::Text(plain));
        Ok(Wording(pieces))
    }

    /// The text with its values. Lines that come to nothing are left out; blank lines do not pile up.
    #[must_use]
    pub fn fill(&self, values: &Values) -> String {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Value(name) => {
                    let value = values.0.iter().find(|(n, _)| n == name);
                    out.push_str(value.map_or("", |(_, v)| v));
                }
            }
        }
        let mut lines: Vec<&str> = Vec::new();
        for line in out.lines().map(str::trim_end) {
            if !(line.is_empty() && lines.last().is_none_or(|l| l.is_empty())) {
                lines.push(line);
            }
        }
        lines.join("\n").trim_end().to_owned()
    }

    /// The same in one line.
    #[must_use]
    pub fn line(&self, values: &Values) -> String {
        let filled = self.fill(values);
        filled.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// How those who asked are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wordings {
    /// Subject of a mail.
    pub subject: Wording,
    /// The mail.
    pub mail: Wording,
    /// A line in a channel.
    pub line: Wording,
}

impl Default for Wordings {
    fn default() -> Wordings {
        // Invariant: these three parse, and a test says so.
        let usual = |text| Wording::parse(text).unwrap_or(Wording(Vec::new()));
        Wordings {
            subject: usual(SUBJECT),
            mail: usual(MAIL),
            line: usual(LINE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        Values(vec![
            ("title", "Payments {text} {{status}}".to_owned()),
            ("status", "Monitoring".to_owned()),
            ("text", "It works\r\nagain.".to_owned()),
        ])
    }

    #[test]
    fn a_value_is_never_read_as_a_template() {
        let wording = Wording::parse("{title}: {text}").unwrap();
        assert_eq!(
            wording.line(&values()),
            "Payments {text} {{status}}: It works again."
        );
    }

    #[test]
    fn what_comes_to_nothing_leaves_no_holes_and_braces_can_be_written() {
        let usual = Wordings::default();
        assert_eq!(
            usual.subject.line(&values()),
            "[Monitoring] Payments {text} {{status}}"
        );
        assert_eq!(
            usual.mail.fill(&values()),
            "Payments {text} {{status}}\nStatus: Monitoring\n\nIt works\nagain."
        );
        assert_eq!(Wording::parse("{{x}}").unwrap().fill(&values()), "{x}");
        for bad in ["{nothing}", "a } b", "{title", "{Title}"] {
            assert!(Wording::parse(bad).is_err(), "{bad}");
        }
    }
}
