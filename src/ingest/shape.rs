//! What all formats have in common: limits, clean text, links and notes.

use super::{BadPayload, NOTE};
use crate::config::Limits;
use crate::core::alert::Labels;
use crate::core::text::cut;

/// Things the reader of an alert must be told about how it was taken.
#[derive(Debug, Default)]
pub(super) struct Notes(Vec<String>);

impl Notes {
    pub(super) fn add(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.0.contains(&note) {
            self.0.push(note);
        }
    }

    /// All of them, for a reader.
    pub(super) fn words(&self) -> String {
        self.0.join("; ")
    }

    /// Writes them into the annotations, after what the sender may have written there.
    pub(super) fn write(self, annotations: &mut Labels) {
        if self.0.is_empty() {
            return;
        }
        let entry = annotations.entry(NOTE.to_owned()).or_default();
        let before = Some(std::mem::take(entry)).filter(|t| !t.is_empty());
        *entry = before
            .into_iter()
            .chain(self.0)
            .collect::<Vec<_>>()
            .join("; ");
    }
}

/// The payload as text.
pub(super) fn utf8(body: &[u8]) -> Result<&str, BadPayload> {
    std::str::from_utf8(body).map_err(|e| {
        BadPayload::new(format!(
            "the body is not UTF-8 (byte {} and on)",
            e.valid_up_to()
        ))
    })
}

/// What a JSON error says, fit for an answer: it may quote the payload.
pub(super) fn json_error(e: &serde_json::Error) -> String {
    cut(&e.to_string(), 200)
}

/// The payload as text with bounded nesting.
pub(super) fn checked<'a>(body: &'a [u8], limits: &Limits) -> Result<&'a str, BadPayload> {
    let text = utf8(body)?;
    if deeper_than(text, limits.depth) {
        return Err(BadPayload::new(format!(
            "the JSON is nested deeper than {} levels (limits.depth)",
            limits.depth
        )));
    }
    Ok(text)
}

/// Whether arrays and objects are nested deeper than `limit`. One pass over the bytes, no stack,
/// right for valid JSON; on other text it only decides how that is refused.
pub(super) fn deeper_than(json: &str, limit: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// PostgreSQL's text cannot hold NUL; it becomes U+FFFD, and the reader is told.
pub(super) fn clean(text: String, notes: &mut Notes) -> String {
    if !text.contains('\0') {
        return text;
    }
    notes.add("NUL characters were replaced");
    text.replace('\0', "\u{fffd}")
}

/// Labels or annotations within the limits and without NUL. `what` is `label` or `annotation`.
pub(super) fn bounded(
    what: &str,
    map: Labels,
    limits: &Limits,
    notes: &mut Notes,
) -> Result<Labels, String> {
    if map.len() > limits.labels {
        return Err(format!(
            "{} {what}s are more than {} (limits.labels)",
            map.len(),
            limits.labels
        ));
    }
    for (name, value) in &map {
        if name.is_empty() {
            return Err(format!("a {what} has no name"));
        }
        let bytes = name.len().max(value.len());
        if bytes > limits.label_bytes {
            return Err(format!(
                "{what} `{}` has {bytes} bytes, more than {} (limits.label_bytes)",
                cut(name, 60),
                limits.label_bytes
            ));
        }
    }
    if !map
        .iter()
        .any(|(k, v)| k.contains('\0') || v.contains('\0'))
    {
        return Ok(map);
    }
    let cleaned = map
        .into_iter()
        .map(|(k, v)| (clean(k, notes), clean(v, notes)));
    Ok(cleaned.collect())
}

/// A link people may be offered: http or https and not absurdly long, else none and a note.
pub(super) fn link(url: String, limits: &Limits, notes: &mut Notes) -> String {
    let lower = url.get(..8).unwrap_or(&url).to_ascii_lowercase();
    if url.is_empty() {
        return url;
    }
    if !(lower.starts_with("http://") || lower.starts_with("https://")) {
        notes.add("the link was left out: it is neither http nor https");
        return String::new();
    }
    if url.len() > limits.label_bytes {
        notes.add(format!(
            "the link was left out: it has {} bytes, more than {} (limits.label_bytes)",
            url.len(),
            limits.label_bytes
        ));
        return String::new();
    }
    clean(url, notes)
}

/// An identity a sender chose: not empty, at most 255 bytes (PagerDuty's limit for `dedup_key`), no NUL.
pub(super) fn identity(field: &str, key: String, notes: &mut Notes) -> Result<String, String> {
    match key.len() {
        0 => Err(format!("{field} is empty")),
        1..=255 => Ok(clean(key, notes)),
        n => Err(format!("{field} has {n} bytes, more than 255")),
    }
}

/// Text too precious to refuse an alert for: cut at a character, with its length said in a note.
pub(super) fn shortened(what: &str, text: String, limits: &Limits, notes: &mut Notes) -> String {
    if text.len() <= limits.label_bytes {
        return text;
    }
    let mut end = limits.label_bytes.saturating_sub('…'.len_utf8());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    notes.add(format!(
        "{what} was cut to {end} of its {} bytes (limits.label_bytes)",
        text.len()
    ));
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_strings_only() {
        for (json, depth) in [
            ("1", 0),
            ("[]", 1),
            (r#"{"a":[{"b":1}]}"#, 3),
            (r#"["[[[[", "\"[[[", "\\"]"#, 1),
            ("]]]][[", 2),
        ] {
            assert!(!deeper_than(json, depth), "{json}");
            assert!(depth == 0 || deeper_than(json, depth - 1), "{json}");
        }
    }

    #[test]
    fn only_web_links_are_offered() {
        let limits = Limits::default();
        for (url, kept) in [
            ("https://x/", true),
            ("HTTP://x/", true),
            ("javascript:alert(1)", false),
            ("//x/", false),
            ("ähttp://", false),
        ] {
            let mut notes = Notes::default();
            let out = link(url.to_owned(), &limits, &mut notes);
            assert_eq!(!out.is_empty(), kept, "{url}");
            assert_eq!(notes.0.is_empty(), kept, "{url}");
        }
    }

    #[test]
    fn a_cut_keeps_whole_characters_and_says_so() {
        let limits = Limits {
            label_bytes: 10,
            ..Limits::default()
        };
        let mut notes = Notes::default();
        assert_eq!(
            shortened("the text", "ääääääää".to_owned(), &limits, &mut notes),
            "äää…"
        );
        let mut annotations = Labels::new();
        notes.write(&mut annotations);
        assert_eq!(
            annotations[NOTE],
            "the text was cut to 6 of its 16 bytes (limits.label_bytes)"
        );
    }
}
