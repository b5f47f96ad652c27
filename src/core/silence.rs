//! Silences and maintenance windows: what holds an alert back, until when, and why.
//!
//! Promises: the answer is a function of the silences, the labels and the instant, so a restart
//! finds the same one; nothing is held back without a name, an owner and an end. A window that
//! recurs is a cron expression on the wall clock of its zone, as hand-offs are, and a length: a
//! window is `[start, end)`. The road not taken is RRULE: cron is what people here already write.

mod words;

pub use words::{Tally, told};

use super::alert::Labels;
use super::directory::Directory;
use super::matcher::{Matcher, Op};
use super::schedule::{CronPlan, instant};
use super::text;
use super::time::Time;
use super::timeline::format;
use chrono::TimeZone;
use chrono_tz::Tz;
use std::sync::Arc;

/// The longest window of one that recurs, milliseconds: 31 days. Its occurrences are walked.
pub const WINDOW_MAX_MS: i64 = 31 * 86_400_000;
const DAY_MS: i64 = 86_400_000;
/// How far back the last window is looked for: 29 February comes every 8 years at worst.
const YEARS_BACK: i64 = 9;
/// Silences that follow one another without a gap are one rest; beyond this many it is looked at again.
const CHAIN: usize = 64;
/// In front of the ids of those the files hold.
pub const FILES: &str = "maintenance/";
/// Characters of an id that people need: the first block of a UUID.
const SHORT: usize = 8;

/// Something that holds alerts back for a while.
#[derive(Clone, Debug)]
pub struct Silence {
    /// A UUID given from outside, or `maintenance/ID` for one of the files.
    pub id: String,
    /// What it is called.
    pub kind: SilenceKind,
    /// All must match; empty: by the service alone.
    pub matchers: Vec<Matcher>,
    /// Only alerts of this service.
    pub service: Option<String>,
    /// Nothing is held before.
    pub starts_at: Time,
    /// Nothing is held from then on.
    pub ends_at: Time,
    /// Who made it, in words.
    pub created_by: String,
    /// The person of the directory who is reminded, if known.
    pub owner: Option<String>,
    /// Why.
    pub comment: String,
    /// Within its bounds it holds only in these windows.
    pub recurrence: Option<Recurrence>,
    /// Last change.
    pub updated_at: Time,
}

/// What a silence is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SilenceKind {
    /// Made to be quiet.
    Silence,
    /// Planned work on a service.
    Maintenance,
}

impl SilenceKind {
    /// The word stored and shown.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            SilenceKind::Silence => "silence",
            SilenceKind::Maintenance => "maintenance",
        }
    }

    /// The kind a stored word means.
    #[must_use]
    pub fn parse(word: &str) -> Option<SilenceKind> {
        [SilenceKind::Silence, SilenceKind::Maintenance]
            .into_iter()
            .find(|k| k.word() == word)
    }
}

/// Windows that come again and again.
#[derive(Clone, Debug)]
pub struct Recurrence {
    /// The expression as written.
    pub written: String,
    /// When a window begins, on the wall clock.
    pub cron: CronPlan,
    /// Zone of the wall clock.
    pub zone: Tz,
    /// How long a window is, milliseconds.
    pub duration_ms: i64,
}

/// Where a silence stands; Alertmanager's three words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SilenceState {
    /// It holds now.
    Active,
    /// It will.
    Pending,
    /// It never will again.
    Expired,
}

impl SilenceState {
    /// The word shown.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            SilenceState::Active => "active",
            SilenceState::Pending => "pending",
            SilenceState::Expired => "expired",
        }
    }
}

/// `[start, end)`.
pub type Span = (Time, Time);

impl Silence {
    /// The window at this instant, or else the next one.
    #[must_use]
    pub fn span(&self, at: Time) -> Option<Span> {
        if at >= self.ends_at || self.starts_at >= self.ends_at {
            return None;
        }
        let Some(recurrence) = &self.recurrence else {
            return Some((self.starts_at, self.ends_at));
        };
        let from = at.max(self.starts_at);
        let (start, end) = recurrence.at_or_after(from)?;
        (start < self.ends_at).then(|| (start.max(self.starts_at), end.min(self.ends_at)))
    }

    /// The last window that was over at this instant.
    #[must_use]
    pub fn last_span(&self, at: Time) -> Option<Span> {
        let Some(recurrence) = &self.recurrence else {
            let over = self.starts_at < self.ends_at && self.ends_at <= at;
            return over.then_some((self.starts_at, self.ends_at));
        };
        let (start, end) = recurrence.before(at.min(self.ends_at))?;
        let (start, end) = (start.max(self.starts_at), end.min(self.ends_at));
        (start < end).then_some((start, end))
    }

    /// The window that holds now.
    #[must_use]
    pub fn active(&self, at: Time) -> Option<Span> {
        self.span(at).filter(|(start, _)| *start <= at)
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self, at: Time) -> SilenceState {
        match self.span(at) {
            None => SilenceState::Expired,
            Some((start, _)) if start <= at => SilenceState::Active,
            Some(_) => SilenceState::Pending,
        }
    }

    /// The next instant at which it begins or ceases to hold.
    #[must_use]
    pub fn next_change(&self, at: Time) -> Option<Time> {
        let (start, end) = self.span(at)?;
        Some(if start > at { start } else { end })
    }

    /// Whether it is about an alert with these labels, of this service, whatever the time.
    #[must_use]
    pub fn about(&self, labels: &Labels, service: Option<&str>) -> bool {
        let served = self.service.as_deref().is_none_or(|s| service == Some(s));
        let named = self.service.is_some() || !self.matchers.is_empty();
        named && served && self.matchers.iter().all(|m| m.matches(labels))
    }

    /// Enough of its id to name it.
    #[must_use]
    pub fn short(&self) -> &str {
        short(&self.id)
    }

    /// What it is about: `service checkout`, `{alertname="Down"}`.
    #[must_use]
    pub fn scope(&self) -> String {
        let matchers: Vec<String> = self.matchers.iter().map(Matcher::to_string).collect();
        match (&self.service, matchers.as_slice()) {
            (Some(s), []) => format!("service {s}"),
            (Some(s), m) => format!("service {s} with {{{}}}", m.join(", ")),
            (None, m) => format!("{{{}}}", m.join(", ")),
        }
    }

    /// `1b2c3d4e (deploy)`, `maintenance db-weekly (patches)`: for sentences.
    #[must_use]
    pub fn words(&self) -> String {
        let comment = match self.comment.trim() {
            "" => String::new(),
            words => format!(" ({})", text::cut(words, 200)),
        };
        match self.kind {
            SilenceKind::Silence => format!("{}{comment}", self.short()),
            SilenceKind::Maintenance => {
                let id = self.short();
                format!(
                    "maintenance {}{comment}",
                    id.strip_prefix(FILES).unwrap_or(id)
                )
            }
        }
    }

    /// Whether it comes from a file: then only the file changes it.
    #[must_use]
    pub fn is_of_files(&self) -> bool {
        self.id.starts_with(FILES)
    }
}

/// Enough of a silence's id to name it: the first block of a UUID, all of any other.
#[must_use]
pub fn short(id: &str) -> &str {
    match id.split_once('-') {
        Some((first, _)) if first.len() == SHORT && id.len() == 36 => first,
        _ => id,
    }
}

impl Recurrence {
    /// The window that holds at `at`, or else the first after it.
    fn at_or_after(&self, at: Time) -> Option<Span> {
        // A day earlier than needed: no zone's clock was ever put back further.
        let mut wall = self.wall(at.plus_ms(-self.duration_ms.saturating_add(DAY_MS)));
        loop {
            wall = self.cron.next(wall)?;
            let span = self.window(wall);
            if span.1 > at {
                return Some(span);
            }
        }
    }

    /// The last window that was over at `at`.
    fn before(&self, at: Time) -> Option<Span> {
        let mut wall = self.wall(at.plus_ms(DAY_MS));
        let floor = wall - YEARS_BACK * 366 * DAY_MS;
        loop {
            wall = self.cron.previous(wall, floor)?;
            let span = self.window(wall);
            if span.1 <= at {
                return Some(span);
            }
            wall -= 1;
        }
    }

    /// What the wall clock shows, read as if it were UTC.
    fn wall(&self, at: Time) -> i64 {
        let local = self.zone.from_utc_datetime(&at.utc().naive_utc());
        local.naive_local().and_utc().timestamp_millis()
    }

    fn window(&self, wall: i64) -> Span {
        let start = instant(self.zone, Time(wall).utc().naive_utc());
        (start, start.plus_ms(self.duration_ms))
    }
}

/// What holds an alert, and until when. The end is that of the whole rest: silences that follow one
/// another without a gap are one.
#[derive(Clone, Debug)]
pub struct Hold {
    /// The one that is named: it holds longest by itself.
    pub silence: Arc<Silence>,
    /// First instant at which nothing holds it.
    pub until: Time,
}

impl Hold {
    /// `silenced by 1b2c3d4e (deploy) until Mon 30 Nov 09:00 CET`.
    #[must_use]
    pub fn why(&self, zone: Option<Tz>) -> String {
        format!(
            "silenced by {} until {}",
            self.silence.words(),
            format(self.until, zone, "%a %-d %b %H:%M %Z")
        )
    }
}

/// Every silence that may still hold something: people's, and those of the files.
pub fn known(directory: &Directory) -> impl Iterator<Item = &Arc<Silence>> {
    directory
        .silences
        .values()
        .chain(directory.maintenance.values())
}

/// What holds an alert with these labels, of this service, at this instant.
#[must_use]
pub fn hold(
    directory: &Directory,
    labels: &Labels,
    service: Option<&str>,
    at: Time,
) -> Option<Hold> {
    let about: Vec<&Arc<Silence>> = known(directory)
        .filter(|s| s.about(labels, service))
        .collect();
    let longest = |at: Time| {
        let active = about.iter().filter_map(|s| Some((s.active(at)?.1, *s)));
        active.max_by(|a, b| (a.0, &b.1.id).cmp(&(b.0, &a.1.id)))
    };
    let (mut until, first) = longest(at)?;
    for _ in 0..CHAIN {
        match longest(until) {
            Some((end, _)) if end > until => until = end,
            _ => break,
        }
    }
    Some(Hold {
        silence: first.clone(),
        until,
    })
}

/// Every silence that holds it at this instant, ids ascending: Alertmanager's `silencedBy`.
#[must_use]
pub fn held_by<'a>(
    directory: &'a Directory,
    labels: &Labels,
    service: Option<&str>,
    at: Time,
) -> Vec<&'a Arc<Silence>> {
    let mut all: Vec<_> = known(directory)
        .filter(|s| s.active(at).is_some() && s.about(labels, service))
        .collect();
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all
}

/// What holds all of these alerts of one incident: the hold that ends first. None of them: nothing.
#[must_use]
pub fn hold_all<'a>(
    directory: &Directory,
    alerts: impl IntoIterator<Item = &'a Labels>,
    service: Option<&str>,
    at: Time,
) -> Option<Hold> {
    let mut first: Option<Hold> = None;
    for labels in alerts {
        let hold = hold(directory, labels, service, at)?;
        if first.as_ref().is_none_or(|f| hold.until < f.until) {
            first = Some(hold);
        }
    }
    first
}

/// The channel that hears of a silence: that of its service, else of its owner's team.
#[must_use]
pub fn channel<'a>(directory: &'a Directory, silence: &Silence) -> Option<&'a str> {
    let by_label = silence.matchers.iter().find_map(|m| match &m.op {
        Op::Equal(value) if m.name == "service" => Some(value.as_str()),
        _ => None,
    });
    let service = silence.service.as_deref().or(by_label);
    let team = service
        .and_then(|s| directory.services.get(s))
        .map(|s| s.team.as_str());
    let of_owner = || {
        let owner = silence.owner.as_ref()?;
        let mut teams = directory.teams.values();
        teams
            .find(|t| t.channel.is_some() && t.members.contains(owner))?
            .channel
            .as_deref()
    };
    directory
        .channel(service, team)
        .or_else(of_owner)
        .or_else(|| directory.channels().into_iter().next())
}

/// Why a silence is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SilenceRefusal {
    /// It ends before it begins.
    #[error("start time must be before end time")]
    Backwards,
    /// It has ended already.
    #[error("end time can't be in the past")]
    Past,
    /// It would hold everything.
    #[error("at least one matcher must not match the empty string")]
    Everything,
    /// There is none with the id to be changed.
    #[error("silence not found")]
    Unknown,
}

/// Whether a silence may be made, by Alertmanager's rules (`api/v2/api.go`, `silence/silence.go`).
///
/// # Errors
/// Why not.
pub fn check(silence: &Silence, now: Time) -> Result<(), SilenceRefusal> {
    if silence.starts_at >= silence.ends_at {
        return Err(SilenceRefusal::Backwards);
    }
    if silence.ends_at < now {
        return Err(SilenceRefusal::Past);
    }
    let empty = Labels::new();
    let everything = silence.matchers.iter().all(|m| m.matches(&empty));
    if silence.service.is_none() && everything {
        return Err(SilenceRefusal::Everything);
    }
    Ok(())
}

/// What putting a silence changes: the rows to write, the last of which is the one in force. A known
/// one is changed in place where that cannot mislead, else it is expired and a new one takes over
/// under `fresh` (Alertmanager's `canUpdate`).
#[must_use]
pub fn put(before: Option<&Silence>, wanted: Silence, fresh: &str, now: Time) -> Vec<Silence> {
    let mut rows = Vec::new();
    if let Some(before) = before {
        if may_change(before, &wanted, now) {
            return vec![Silence {
                id: before.id.clone(),
                updated_at: now,
                ..wanted
            }];
        }
        rows.extend(expire(before, now));
    }
    rows.push(Silence {
        id: fresh.to_owned(),
        starts_at: wanted.starts_at.max(now),
        updated_at: now,
        ..wanted
    });
    rows
}

fn may_change(before: &Silence, wanted: &Silence, now: Time) -> bool {
    let same = before.scope() == wanted.scope();
    let secs = |t: Time| t.0.div_euclid(1000);
    same && match before.state(now) {
        SilenceState::Active => {
            secs(before.starts_at) == secs(wanted.starts_at) && wanted.ends_at >= now
        }
        SilenceState::Pending => wanted.starts_at >= now,
        SilenceState::Expired => false,
    }
}

/// The silence as it is when it ends now; nothing when it is over already.
#[must_use]
pub fn expire(silence: &Silence, now: Time) -> Option<Silence> {
    if silence.state(now) == SilenceState::Expired {
        return None;
    }
    Some(Silence {
        starts_at: silence.starts_at.min(now),
        ends_at: now,
        updated_at: now,
        ..silence.clone()
    })
}

/// What has been said about a silence already: the instants it was said for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The end that was announced.
    pub ending: Time,
    /// When it was last said that it has lasted long.
    pub forgotten: Time,
    /// The last window whose digest was given ended then.
    pub digest: Time,
}

/// Something to be said about a silence to its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reminder {
    /// Its window is about to end.
    Ending(Span),
    /// Its window has lasted long.
    Forgotten(Span),
    /// Its window is over: what it held back.
    Digest(Span),
}

/// When silences are talked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReminderRules {
    /// This long before the end, milliseconds.
    pub before_ms: i64,
    /// A window that has lasted this long is told about, and again each time this long passes, milliseconds.
    pub long_ms: i64,
}

impl Default for ReminderRules {
    fn default() -> ReminderRules {
        ReminderRules {
            before_ms: 10 * 60_000,
            long_ms: 86_400_000,
        }
    }
}

/// What is due to be said about a silence, and the marks once it is said.
#[must_use]
pub fn reminders(
    silence: &Silence,
    rules: ReminderRules,
    marks: Marks,
    now: Time,
) -> (Vec<Reminder>, Marks) {
    let (mut due, mut after) = (Vec::new(), marks);
    if let Some(over) = silence
        .last_span(now)
        .filter(|(_, end)| *end > marks.digest)
    {
        due.push(Reminder::Digest(over));
        after.digest = over.1;
    }
    if let Some(span) = silence.active(now) {
        if ending_at(span, rules).is_some_and(|at| at <= now) && marks.ending != span.1 {
            due.push(Reminder::Ending(span));
            after.ending = span.1;
        }
        if long_at(span, rules, marks) <= now {
            due.push(Reminder::Forgotten(span));
            after.forgotten = now;
        }
    }
    (due, after)
}

/// The next instant after `now` at which something is to be looked at: a window begins or ends, or a
/// reminder is due.
#[must_use]
pub fn next_look(silence: &Silence, rules: ReminderRules, marks: Marks, now: Time) -> Option<Time> {
    let span = silence.span(now)?;
    let change = if span.0 > now { span.0 } else { span.1 };
    let ending = ending_at(span, rules).filter(|at| *at > now && marks.ending != span.1);
    let long = Some(long_at(span, rules, marks)).filter(|at| *at > now && *at < span.1);
    [Some(change), ending, long].into_iter().flatten().min()
}

/// Short windows end without a word: whoever made one still remembers it.
fn ending_at((start, end): Span, rules: ReminderRules) -> Option<Time> {
    (end.since_ms(start) > rules.before_ms.saturating_mul(2)).then(|| end.plus_ms(-rules.before_ms))
}

fn long_at((start, _): Span, rules: ReminderRules, marks: Marks) -> Time {
    start.max(marks.forgotten).plus_ms(rules.long_ms)
}

/// Whether a silence has every one of these conditions as it stands: what the filter of Alertmanager's
/// list asks (`CheckSilenceMatchesFilterLabels`).
#[must_use]
pub fn fits_filter(silence: &Silence, filter: &[Matcher]) -> bool {
    let own = shown(silence);
    filter.iter().all(|m| {
        let (op, value) = m.condition();
        own.contains(&(m.name.clone(), op, value))
    })
}

/// Its conditions as name, operator and value; a service is one on the label `service`.
#[must_use]
pub fn shown(silence: &Silence) -> Vec<(String, &'static str, String)> {
    let service = silence
        .service
        .iter()
        .map(|s| ("service".to_owned(), "=", s.clone()));
    let own = silence.matchers.iter().map(|m| {
        let (op, value) = m.condition();
        (m.name.clone(), op, value)
    });
    service.chain(own).collect()
}

#[cfg(test)]
mod tests;
