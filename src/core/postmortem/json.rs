//! The draft as JSON, indented like `serde_json` does it. Written by hand because the core depends on
//! no data format; a test compares every byte with `serde_json`, so that no field can be forgotten.

use super::parts::{
    ActionRun, AlertLine, Dates, Detection, Line, PageSent, Responder, Section, SeverityStep,
    Spoken, Stamp,
};
use super::{Durations, Postmortem};

/// The JSON document, with a newline at the end. Fields are in the order of [`Postmortem`].
#[must_use]
pub fn json(postmortem: &Postmortem) -> String {
    let mut out = String::new();
    postmortem.write(&mut out, 0);
    out.push('\n');
    out
}

/// Something with a JSON form; `depth` is how far it is indented.
trait Json {
    fn write(&self, out: &mut String, depth: usize);
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

impl Json for String {
    fn write(&self, out: &mut String, _depth: usize) {
        out.push('"');
        for c in self.chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\u{8}' => out.push_str("\\b"),
                '\u{c}' => out.push_str("\\f"),
                c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
                c => out.push(c),
            }
        }
        out.push('"');
    }
}

impl<T: Json> Json for Option<T> {
    fn write(&self, out: &mut String, depth: usize) {
        match self {
            Some(value) => value.write(out, depth),
            None => out.push_str("null"),
        }
    }
}

impl<T: Json> Json for Vec<T> {
    fn write(&self, out: &mut String, depth: usize) {
        out.push('[');
        for (n, item) in self.iter().enumerate() {
            if n > 0 {
                out.push(',');
            }
            new_line(out, depth + 1);
            item.write(out, depth + 1);
        }
        if !self.is_empty() {
            new_line(out, depth);
        }
        out.push(']');
    }
}

fn object(out: &mut String, depth: usize, fields: &[(&str, &dyn Json)]) {
    out.push('{');
    for (n, (name, value)) in fields.iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        new_line(out, depth + 1);
        out.push_str(&format!("\"{name}\": "));
        value.write(out, depth + 1);
    }
    new_line(out, depth);
    out.push('}');
}

macro_rules! numbers {
    ($($kind:ty),*) => {
        $(impl Json for $kind {
            fn write(&self, out: &mut String, _depth: usize) {
                out.push_str(&self.to_string());
            }
        })*
    };
}

macro_rules! objects {
    ($($kind:ty { $($field:ident),* })*) => {
        $(impl Json for $kind {
            fn write(&self, out: &mut String, depth: usize) {
                object(out, depth, &[$((stringify!($field), &self.$field)),*]);
            }
        })*
    };
}

numbers!(i64, u64, u32, u8);

objects! {
    Postmortem {
        schema, id, title, status, severity, severity_history, service, team, lead, zone, dates,
        durations, summary, detection, timeline, responders, pages, actions, conversation, alerts,
        sections
    }
    Stamp { utc, local }
    Dates { began, opened, acknowledged, mitigated, resolved }
    Durations { detect_ms, acknowledge_ms, mitigate_ms, resolve_ms }
    SeverityStep { at, severity, by, why, for_ms, source }
    Detection { by, first_alert, why, source }
    Line { seq, at, recorded_at, actor, kind, text, source }
    Responder { id, name, did, pages, out_of_hours }
    PageSent { at, person, name, contact, outcome, detail, why, source }
    ActionRun {
        run, action, title, argv, digest, asked_by, asked_at, needs, approved_by, state, outcome,
        duration_ms, bytes, tail, sources
    }
    Spoken { at, by, text, source }
    AlertLine { id, source, fingerprint, name, summary, starts_at, cleared_at, url }
    Section { anchor, title, prompt, text }
}
