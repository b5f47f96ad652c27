//! What was changed before something broke: deploys, pushes, releases, switches of features.
//!
//! A change is context and never a cause: it is put beside an incident, ranked by a formula that is
//! written down in `docs/changes.md`, with its reason in words. Pure: the same changes, the same
//! directory and the same onset give the same list, and what an incident was shown is frozen in its
//! journal.

use super::directory::Directory;
use super::text::{count, cut};
use super::time::{Time, human_ms};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long before the onset a change is looked at.
pub const BEFORE_MS: i64 = 4 * 3_600_000;
/// A change of the service itself, or of what it needs, is close within this time.
pub const CLOSE_MS: i64 = 3_600_000;
/// Two clocks are not one: a change may be this much later than the onset.
const SKEW_MS: i64 = 60_000;
/// The weight of a change falls to 1/e in this time.
const FADE_MS: f64 = 1_800_000.0;
/// From how far back a service's own rate of changes is counted.
const RATE_MS: i64 = 7 * 86_400_000;
/// Changes an incident is shown at once.
pub const SHOWN: usize = 5;
/// Changes an incident keeps in all: what comes late is added.
pub const KEPT: usize = 20;
/// Changes held in memory, newest.
const RECENT: usize = 5_000;
/// Steps of `depends_on` that are followed.
const STEPS: i32 = 3;
/// Characters of a summary.
pub const SUMMARY_CHARS: usize = 300;

/// What kind of change it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// A version went somewhere.
    Deploy,
    /// Commits went to a default branch.
    Push,
    /// A version was published.
    Release,
    /// A pipeline ran.
    Pipeline,
    /// Anything else: a switch, a setting, a job of a person.
    #[default]
    Change,
}

impl ChangeKind {
    /// All of them.
    pub const ALL: [ChangeKind; 5] = [
        ChangeKind::Deploy,
        ChangeKind::Push,
        ChangeKind::Release,
        ChangeKind::Pipeline,
        ChangeKind::Change,
    ];

    /// The word stored, shown and accepted.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            ChangeKind::Deploy => "deploy",
            ChangeKind::Push => "push",
            ChangeKind::Release => "release",
            ChangeKind::Pipeline => "pipeline",
            ChangeKind::Change => "change",
        }
    }

    /// The kind a word means.
    #[must_use]
    pub fn parse(word: &str) -> Option<ChangeKind> {
        ChangeKind::ALL.into_iter().find(|k| k.word() == word)
    }
}

/// How far a change came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeState {
    /// It is under way.
    Started,
    /// It is done.
    #[default]
    Done,
    /// It failed or was given up; it may have changed something before that.
    Failed,
}

impl ChangeState {
    /// The word stored, shown and accepted.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            ChangeState::Started => "started",
            ChangeState::Done => "done",
            ChangeState::Failed => "failed",
        }
    }

    /// The state a word means.
    #[must_use]
    pub fn parse(word: &str) -> Option<ChangeState> {
        [ChangeState::Started, ChangeState::Done, ChangeState::Failed]
            .into_iter()
            .find(|s| s.word() == word)
    }
}

/// A change as somebody told it. Identity is `(source, key)`, never the text, which is hostile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChangeEvent {
    /// Configured name of who told it.
    pub source: String,
    /// Identity within the source: told again under it, it is the same change, further on.
    pub key: String,
    /// What kind.
    pub kind: ChangeKind,
    /// How far it came.
    pub state: ChangeState,
    /// One line.
    pub summary: String,
    /// Id of the service that was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Where; empty: nothing was said.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub environment: String,
    /// Who; empty: nothing was said.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// A web address; empty: none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// When it happened, by the sender's clock where it tells one.
    pub at: Time,
    /// When firebell took it.
    pub received_at: Time,
    /// What could not be kept as it was sent; empty: everything was.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// A change on its way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// As it was told.
    pub event: ChangeEvent,
    /// The sender gives it neither identity nor time: the same words within so many milliseconds are
    /// the same change, told again.
    pub again_within_ms: Option<i64>,
}

/// A change that came before an incident, as the incident was shown it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preceding {
    /// Who told it.
    pub source: String,
    /// Its key there.
    pub key: String,
    /// What kind.
    pub kind: ChangeKind,
    /// How far it had come.
    #[serde(default)]
    pub state: ChangeState,
    /// One line; hostile.
    pub summary: String,
    /// Service id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Where.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub environment: String,
    /// Who.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// A web address.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// When it happened.
    pub at: Time,
    /// Its rank, 1 to 100.
    pub points: u32,
    /// Of the service or of what it needs, and less than [`CLOSE_MS`] before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub close: bool,
    /// Why it is shown, in words.
    pub why: String,
}

impl Preceding {
    /// `deploy of checkout “v2.3 to prod” by ana`; plain text.
    #[must_use]
    pub fn words(&self) -> String {
        words(
            self.kind,
            self.state,
            self.service.as_deref(),
            &self.environment,
            &self.summary,
            &self.author,
        )
    }
}

impl ChangeEvent {
    /// `deploy of checkout to prod “v2.3” by ana`; plain text.
    #[must_use]
    pub fn words(&self) -> String {
        words(
            self.kind,
            self.state,
            self.service.as_deref(),
            &self.environment,
            &self.summary,
            &self.author,
        )
    }
}

fn words(
    kind: ChangeKind,
    state: ChangeState,
    service: Option<&str>,
    environment: &str,
    summary: &str,
    author: &str,
) -> String {
    let mut out = kind.word().to_owned();
    if let Some(service) = service {
        out.push_str(&format!(" of {service}"));
    }
    if !environment.is_empty() {
        out.push_str(&format!(" in {}", cut(environment, 60)));
    }
    out.push_str(&format!(" “{}”", cut(summary, 160)));
    if !author.is_empty() {
        out.push_str(&format!(" by {}", cut(author, 60)));
    }
    match state {
        ChangeState::Done => {}
        ChangeState::Started => out.push_str(", under way"),
        ChangeState::Failed => out.push_str(", failed"),
    }
    out
}

/// The newest changes, in the order they happened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recent {
    all: Vec<Arc<ChangeEvent>>,
}

impl Recent {
    /// From changes in any order.
    #[must_use]
    pub fn of(changes: impl IntoIterator<Item = ChangeEvent>) -> Recent {
        let mut recent = Recent::default();
        for change in changes {
            recent.put(change);
        }
        recent
    }

    /// Takes a change in. One that is known is replaced, unless what is known is newer.
    pub fn put(&mut self, change: ChangeEvent) {
        let same = |c: &Arc<ChangeEvent>| c.source == change.source && c.key == change.key;
        if let Some(at) = self.all.iter().position(same) {
            if self.all[at].at > change.at {
                return;
            }
            self.all.remove(at);
        }
        let order = |c: &ChangeEvent| (c.at, c.source.clone(), c.key.clone());
        let mine = order(&change);
        let at = self.all.partition_point(|c| order(c) < mine);
        self.all.insert(at, Arc::new(change));
        if self.all.len() > RECENT {
            self.all.remove(0);
        }
    }

    /// Forgets what is older.
    pub fn forget_before(&mut self, at: Time) {
        self.all.retain(|c| c.at >= at);
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All of them, the oldest first.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<ChangeEvent>> {
        self.all.iter()
    }

    /// Whether the same words came from the same source since then; their keys begin alike.
    #[must_use]
    pub fn told_since(&self, source: &str, key: &str, since: Time) -> bool {
        self.all.iter().rev().any(|c| {
            let same = c.key.split_once('@').map_or(c.key.as_str(), |(k, _)| k) == key;
            same && c.source == source && c.received_at >= since
        })
    }
}

impl FromIterator<ChangeEvent> for Recent {
    fn from_iter<I: IntoIterator<Item = ChangeEvent>>(changes: I) -> Recent {
        Recent::of(changes)
    }
}

/// The incident changes are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Onset<'a> {
    /// Service id.
    pub service: Option<&'a str>,
    /// Team id.
    pub team: Option<&'a str>,
    /// The environment its alert names.
    pub environment: Option<&'a str>,
    /// When it began.
    pub at: Time,
}

/// What came before, best first, at most [`SHOWN`].
#[must_use]
pub fn preceding(recent: &Recent, directory: &Directory, onset: Onset<'_>) -> Vec<Preceding> {
    if recent.is_empty() {
        return Vec::new();
    }
    let near = distances(directory, onset.service);
    let window = onset.at.plus_ms(-BEFORE_MS)..=onset.at.plus_ms(SKEW_MS);
    let mut found: Vec<Preceding> = recent
        .iter()
        .filter(|c| window.contains(&c.at))
        .filter_map(|c| judged(recent, directory, onset, &near, c))
        .collect();
    found.sort_by(|a, b| {
        let key = |p: &Preceding| (p.source.clone(), p.key.clone());
        (b.points, b.at)
            .cmp(&(a.points, a.at))
            .then_with(|| key(a).cmp(&key(b)))
    });
    found.truncate(SHOWN);
    found
}

/// How many steps of `depends_on` away each service is; the service itself: 0.
fn distances<'a>(directory: &'a Directory, service: Option<&'a str>) -> BTreeMap<&'a str, i32> {
    let mut near: BTreeMap<&str, i32> = service.map(|s| (s, 0)).into_iter().collect();
    for step in 1..=STEPS {
        let edge: Vec<&str> = near
            .iter()
            .filter(|(_, d)| **d == step - 1)
            .map(|(s, _)| *s)
            .collect();
        for service in edge.iter().filter_map(|s| directory.services.get(*s)) {
            for needed in &service.depends_on {
                near.entry(needed).or_insert(step);
            }
        }
    }
    near
}

/// How much a change has to do with the place of an incident, in percent, and in words.
fn kinship(
    directory: &Directory,
    onset: Onset<'_>,
    near: &BTreeMap<&str, i32>,
    change: &ChangeEvent,
) -> Option<(i32, String, bool)> {
    let Some(changed) = change.service.as_deref() else {
        return Some((30, "of no service firebell knows".to_owned(), false));
    };
    let Some(own) = onset.service else {
        return Some((
            30,
            "and the incident is of no service firebell knows".to_owned(),
            false,
        ));
    };
    match near.get(changed) {
        Some(0) => return Some((100, format!("on {changed} itself"), true)),
        Some(1) => return Some((60, format!("on {changed}, which {own} needs"), true)),
        Some(2) => {
            return Some((
                36,
                format!("on {changed}, which {own} needs through another"),
                true,
            ));
        }
        Some(_) => {
            return Some((
                22,
                format!("on {changed}, which {own} needs through two others"),
                true,
            ));
        }
        None => {}
    }
    let team = directory.services.get(changed).map(|s| s.team.as_str());
    (team.is_some() && team == onset.team)
        .then(|| (20, format!("on {changed} of the same team"), false))
}

/// An environment by the name most use for it.
fn environment(name: &str) -> String {
    let name = name.to_lowercase();
    match name.as_str() {
        "prod" | "prd" | "live" => "production".to_owned(),
        "stage" | "stg" => "staging".to_owned(),
        "dev" => "development".to_owned(),
        _ => name,
    }
}

fn judged(
    recent: &Recent,
    directory: &Directory,
    onset: Onset<'_>,
    near: &BTreeMap<&str, i32>,
    change: &ChangeEvent,
) -> Option<Preceding> {
    let (mut kin, mut why, mut related) = kinship(directory, onset, near, change)?;
    let elsewhere = onset.environment.filter(|e| {
        !change.environment.is_empty() && environment(e) != environment(&change.environment)
    });
    if let Some(environment) = elsewhere {
        kin /= 5;
        related = false;
        why.push_str(&format!(
            ", in {} while the incident is in {}",
            cut(&change.environment, 40),
            cut(environment, 40)
        ));
    }
    let before = onset.at.since_ms(change.at).max(0);
    let since = change.at.plus_ms(-RATE_MS);
    let like =
        |c: &&Arc<ChangeEvent>| c.service == change.service && c.at > since && c.at <= change.at;
    let often = recent.iter().filter(like).count().max(1);
    let points = points(kin, before, often);
    if points == 0 {
        return None;
    }
    let rate = match (often, &change.service) {
        (1, Some(s)) => format!("the first change of {s} within a week"),
        (n, Some(s)) => format!("{s} had {} within a week", count(n, "change")),
        (n, None) => format!("{} like it within a week", count(n, "change")),
    };
    Some(Preceding {
        source: change.source.clone(),
        key: change.key.clone(),
        kind: change.kind,
        state: change.state,
        summary: cut(&change.summary, SUMMARY_CHARS),
        service: change.service.clone(),
        environment: cut(&change.environment, 60),
        author: cut(&change.author, 60),
        url: change.url.clone(),
        at: change.at,
        points,
        close: related && before <= CLOSE_MS,
        why: format!("{} before it began, {why}; {rate}", human_ms(before)),
    })
}

/// The rank of a change, 0 to 100: `kin × e^(-dt/30 min) × -ln(1 - e^(-λ·dt)) / ln(week in minutes)`.
///
/// `λ` is how often the service changes: that some change of a service that is deployed every hour
/// came shortly before says little, and that the only one of the week did says much. `dt` is at least
/// a minute. `kin` in percent.
#[must_use]
pub fn points(kin: i32, before_ms: i64, often: usize) -> u32 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a few hours, a few thousand changes"
    )]
    let (dt, often) = (before_ms.max(60_000) as f64, often.max(1) as f64);
    #[expect(clippy::cast_precision_loss, reason = "a week")]
    let week = RATE_MS as f64;
    let chance = 1.0 - (-often * dt / week).exp();
    let surprise = -chance.ln() / (week / 60_000.0).ln();
    let score = f64::from(kin) * (-dt / FADE_MS).exp() * surprise.clamp(0.0, 1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 100"
    )]
    let points = score.clamp(0.0, 100.0).round() as u32;
    points
}

/// The service of the directory a change is of: what the operator wrote for its repository, a service
/// whose links lead to it, the service it names itself, or one whose labels it carries.
#[must_use]
pub fn service_of(
    directory: &Directory,
    written: Option<&str>,
    repository: &str,
    labels: &super::alert::Labels,
) -> Option<String> {
    if let Some(id) = written {
        return Some(id.to_owned());
    }
    let leads = |link: &str| {
        let link = link.trim_end_matches('/').trim_end_matches(".git");
        !repository.is_empty() && link.ends_with(&format!("/{repository}"))
    };
    let mut services = directory.services.values();
    if let Some(s) = services.find(|s| s.links.values().any(|l| leads(l))) {
        return Some(s.id.clone());
    }
    let named = [
        labels.get("service").map(String::as_str),
        labels.get("component").map(String::as_str),
        repository.rsplit('/').next().filter(|r| !r.is_empty()),
    ];
    if let Some(id) = named
        .into_iter()
        .flatten()
        .find(|n| directory.services.contains_key(*n))
    {
        return Some(id.to_owned());
    }
    let fits = |s: &&super::directory::Service| {
        !s.matchers.is_empty() && s.matchers.iter().all(|m| m.matches(labels))
    };
    directory.services.values().find(fits).map(|s| s.id.clone())
}

/// Changes in words, a line each; `zone` is the zone of the times.
#[must_use]
pub fn told(changes: &[ChangeEvent], zone: chrono_tz::Tz) -> String {
    let line = |c: &ChangeEvent| {
        let at = super::timeline::format(c.at, Some(zone), "%a %-d %b %H:%M %Z");
        let link = if c.url.is_empty() {
            String::new()
        } else {
            format!(" {}", c.url)
        };
        format!("{at}: {}, told by {}{link}", c.words(), c.source)
    };
    changes.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
