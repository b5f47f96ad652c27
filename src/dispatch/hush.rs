//! Silences and maintenance windows from a line or a form.

use super::{Desk, Reply};
use crate::core::matcher::Matcher;
use crate::core::silence::{self, Silence, SilenceKind, SilenceState};
use crate::core::text::count;
use crate::core::time::Time;
use crate::engine::{Engine, SilenceAct};
use sha2::{Digest, Sha256};

/// Silences an answer lists; the console has the rest.
const LISTED: usize = 20;
/// How far back `silences all` looks, milliseconds.
const PAST_MS: i64 = 5 * 86_400_000;

/// The id of what an act makes: the same act gives the same id, so doing it twice makes one.
#[must_use]
pub fn id_of(cause: &str) -> String {
    let hash = Sha256::digest(cause.as_bytes());
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string()
}

/// How many alerts a silence has held back in its present window, or its last one.
///
/// # Errors
/// When the store does not answer.
pub async fn held(engine: &Engine, silence: &Silence) -> Result<i64, crate::store::StoreFault> {
    let now = engine.now();
    let span = silence.active(now).or_else(|| silence.last_span(now));
    let since = span.map_or(silence.starts_at, |(start, _)| start);
    engine.store().count_held(&silence.id, since).await
}

impl Desk<'_> {
    pub(super) async fn silence(
        &self,
        service: Option<String>,
        matchers: &[String],
        until: Time,
        comment: String,
    ) -> Reply {
        let read: Result<Vec<Matcher>, String> =
            matchers.iter().map(|m| Matcher::parse(m)).collect();
        let matchers = match read {
            Ok(matchers) => matchers,
            Err(why) => return Reply::no(None, format!("{why}.")),
        };
        let made = self.blank(SilenceKind::Silence, None, until, comment);
        self.put(Silence {
            matchers,
            service,
            ..made
        })
        .await
    }

    pub(super) async fn maintenance(
        &self,
        service: String,
        from: Option<Time>,
        until: Time,
        comment: String,
    ) -> Reply {
        let made = self.blank(SilenceKind::Maintenance, from, until, comment);
        self.put(Silence {
            service: Some(service),
            ..made
        })
        .await
    }

    fn blank(
        &self,
        kind: SilenceKind,
        from: Option<Time>,
        until: Time,
        comment: String,
    ) -> Silence {
        Silence {
            id: String::new(),
            kind,
            matchers: Vec::new(),
            service: None,
            starts_at: from.unwrap_or(self.now),
            ends_at: until,
            created_by: self.who.name().to_owned(),
            owner: self.who.person().map(str::to_owned),
            comment,
            recurrence: None,
            updated_at: self.now,
        }
    }

    async fn put(&self, wanted: Silence) -> Reply {
        let (scope, until, from) = (wanted.scope(), self.clock(wanted.ends_at), wanted.starts_at);
        let act = SilenceAct::Put {
            wanted: Box::new(wanted),
            fresh: id_of(self.cause),
        };
        match self.engine.silence(act).await {
            Ok(id) => {
                let begin = if from > self.now {
                    format!("from {} ", self.clock(from))
                } else {
                    String::new()
                };
                let short = silence::short(&id);
                Reply::yes(
                    None,
                    format!("Alerts of {scope} page nobody {begin}until {until}; they are kept, and those that still fire then are routed. `unsilence {short}` ends it earlier."),
                )
                .aloud()
            }
            Err(failure) => Reply::no(None, failure.to_string()),
        }
    }

    /// Ends the one whose id begins with these characters.
    pub(super) async fn unsilence(&self, word: &str) -> Reply {
        let word = word.trim().to_lowercase();
        let known: Vec<_> = silence::known(&self.directory)
            .filter(|s| s.state(self.now) != SilenceState::Expired)
            .filter(|s| {
                s.id.starts_with(&word) || s.id.strip_prefix(silence::FILES) == Some(word.as_str())
            })
            .collect();
        let one = match known.as_slice() {
            [one] if !word.is_empty() => *one,
            [] => {
                return Reply::no(
                    None,
                    format!(
                        "No silence {word} is in force or planned; it may be over already. `silences all` lists them."
                    ),
                );
            }
            several => {
                let ids: Vec<&str> = several.iter().map(|s| s.short()).collect();
                return Reply::no(
                    None,
                    format!(
                        "Several begin so: {}. Say which.",
                        crate::core::text::list(&ids)
                    ),
                );
            }
        };
        let act = SilenceAct::End { id: one.id.clone() };
        match self.engine.silence(act).await {
            Ok(_) => Reply::yes(
                None,
                format!(
                    "{} on {} is over; what still fires is routed now.",
                    one.words(),
                    one.scope()
                ),
            )
            .aloud(),
            Err(failure) => Reply::no(None, failure.to_string()),
        }
    }

    pub(super) async fn silences(&self, all: bool) -> Reply {
        let mut listed: Vec<Silence> = silence::known(&self.directory)
            .filter(|s| s.state(self.now) != SilenceState::Expired)
            .map(|s| Silence::clone(s))
            .collect();
        listed.sort_by_key(|s| (s.state(self.now), s.span(self.now), s.id.clone()));
        if all {
            let since = self.now.plus_ms(-PAST_MS);
            match self.engine.store().past_silences(self.now, since, 20).await {
                Ok(past) => listed.extend(past),
                Err(fault) => return super::unreadable(None, &fault),
            }
        }
        if listed.is_empty() {
            return Reply::yes(None, "Nothing is silenced, now or later.".to_owned());
        }
        let more = listed.len().saturating_sub(LISTED);
        let mut lines = Vec::new();
        for s in listed.iter().take(LISTED) {
            match held(self.engine, s).await {
                Ok(n) => lines.push(self.line(s, usize::try_from(n).unwrap_or(0))),
                Err(fault) => return super::unreadable(None, &fault),
            }
        }
        if more > 0 {
            lines.push(format!("and {more} more, on the console."));
        }
        Reply::yes(None, lines.join("\n"))
    }

    fn line(&self, s: &Silence, held: usize) -> String {
        let when = match (s.state(self.now), s.span(self.now)) {
            (SilenceState::Active, Some((_, end))) => format!("until {}", self.clock(end)),
            (SilenceState::Pending, Some((start, end))) => {
                format!("from {} until {}", self.clock(start), self.clock(end))
            }
            _ => format!("over since {}", self.clock(s.ends_at)),
        };
        format!(
            "{} on {} {when}, by {}; held back {}.",
            s.words(),
            s.scope(),
            s.created_by,
            count(held, "alert")
        )
    }
}
