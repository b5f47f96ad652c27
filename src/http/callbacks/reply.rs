//! What a text message that comes back means. People type it half asleep, so much is understood, and
//! only what is understood whole is obeyed.

use super::Deed;
use crate::core::id::IncidentId;

/// What a reply asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// One incident.
    One(Deed, IncidentId),
    /// The one that waits for this person.
    Bare(Deed),
    /// Everything this person was paged for and nobody has.
    All,
    /// No sense.
    Unclear,
}

/// Reads `42`, `ack 42`, `A42`, `r #42`, `resolve 42`, `ack`, `all`.
pub(super) fn read(text: &str) -> Reply {
    let text = text.trim().trim_end_matches(['.', '!']).to_lowercase();
    if matches!(text.as_str(), "all" | "ack all" | "a all") {
        return Reply::All;
    }
    match text.as_str() {
        "a" | "ack" | "acknowledge" => return Reply::Bare(Deed::Acknowledge),
        "e" | "escalate" => return Reply::Bare(Deed::Escalate),
        _ => {}
    }
    let split = text
        .find(|c: char| c.is_ascii_digit())
        .unwrap_or(text.len());
    let (word, number) = text.split_at(split);
    let deed = match word.trim().trim_end_matches('#').trim() {
        "" | "a" | "ack" | "acknowledge" => Deed::Acknowledge,
        "r" | "resolve" | "close" => Deed::Resolve,
        "e" | "escalate" => Deed::Escalate,
        _ => return Reply::Unclear,
    };
    match number.trim().parse::<i64>() {
        Ok(n) if n > 0 => Reply::One(deed, IncidentId(n)),
        _ => Reply::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_read_as_people_type_them_and_nothing_else_is_guessed() {
        let one = |deed, n| Reply::One(deed, IncidentId(n));
        for (text, want) in [
            ("42", one(Deed::Acknowledge, 42)),
            (" #42 ", one(Deed::Acknowledge, 42)),
            ("Ack 42!", one(Deed::Acknowledge, 42)),
            ("a42", one(Deed::Acknowledge, 42)),
            ("R42", one(Deed::Resolve, 42)),
            ("resolve #42.", one(Deed::Resolve, 42)),
            ("E 7", one(Deed::Escalate, 7)),
            ("Ack.", Reply::Bare(Deed::Acknowledge)),
            ("e", Reply::Bare(Deed::Escalate)),
            ("ALL", Reply::All),
            ("ack all", Reply::All),
        ] {
            assert_eq!(read(text), want, "{text:?}");
        }
        for text in [
            "",
            "ok",
            "don't resolve 42",
            "42 resolve",
            "4 2",
            "0",
            "-1",
            "r",
            "99999999999999999999",
        ] {
            assert_eq!(read(text), Reply::Unclear, "{text:?}");
        }
    }
}
