//! Calendars at an address: fetched again and again, their last good copy kept in the data folder.
//!
//! Promises: what is no calendar never takes the place of one; a copy is replaced whole; a source in
//! trouble holds up no other and is told once for each stretch of trouble, whatever restarts.
//! Never here: reading shifts. The copy is a file of the configuration, and a change of it is a
//! reload like any other, so the pure core only ever sees what was read and checked.

use super::vigil::{chats_of, places_of};
use super::{Change, Engine, Failure};
use crate::calendar;
use crate::chat::{Fault, Retry};
use crate::config::Feed;
use crate::core::schedule::spoken;
use crate::core::time::Time;
use crate::notify::fetch::{self, Fetched};
use crate::store::{ChangeSet, NoticeRow, PERSON};
use chrono_tz::Tz;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// After a fetch that failed.
const AGAIN_MS: i64 = 60_000;
/// However long a host asks for patience.
const AGAIN_MAX_MS: i64 = 86_400_000;
/// Trouble is told after this long; a calendar nobody has a copy of is told at once.
const PATIENCE_MS: i64 = 30 * 60_000;

/// What is known of the calendars, by the place of their copies.
#[derive(Default)]
pub(super) struct Feeds {
    list: Vec<Feed>,
    known: BTreeMap<PathBuf, Known>,
}

#[derive(Clone, Debug, Default)]
struct Known {
    /// When it is asked next.
    due: Time,
    /// The server's name for the version of the copy.
    tag: Option<String>,
    /// Since when it fails, and why now.
    failing: Option<(Time, String)>,
    /// That was told.
    told: bool,
}

impl Engine {
    /// These calendars are fetched from now on, each at once.
    pub async fn follow_calendars(&self, list: Vec<Feed>) {
        let mut feeds = self.0.feeds.lock().await;
        let known = std::mem::take(&mut feeds.known);
        let kept = |feed: &Feed| {
            let known = known.get(&feed.copy).cloned().unwrap_or_default();
            (feed.copy.clone(), known)
        };
        feeds.known = list.iter().map(kept).collect();
        feeds.list = list;
        drop(feeds);
        self.0.feeds_moved.notify_one();
    }

    /// Fetches what is due, all at once; answers with how many were.
    pub(super) async fn fetch_due(&self) -> usize {
        let mut feeds = self.0.feeds.lock().await;
        let now = self.now();
        let Feeds { list, known } = &mut *feeds;
        let mut due: BTreeMap<&Path, &Feed> = BTreeMap::new();
        for feed in list.iter() {
            if known.get(&feed.copy).is_some_and(|k| k.due <= now) {
                due.insert(&feed.copy, feed);
            }
        }
        if due.is_empty() {
            return 0;
        }
        let each = due.values().map(|feed| {
            let tag = known.get(&feed.copy).and_then(|k| k.tag.clone());
            async move { renew(feed, tag.as_deref(), now).await }
        });
        let outcomes = futures_util::future::join_all(each).await;
        let done: Vec<Feed> = due.values().map(|f| Feed::clone(f)).collect();
        for (feed, outcome) in done.iter().zip(outcomes) {
            let copy = &feed.copy;
            let Some(known) = known.get_mut(copy) else {
                continue;
            };
            mark_age(feed, now, outcome.is_ok());
            match outcome {
                Ok(tag) => {
                    *known = Known {
                        due: now.plus_ms(feed.fetching.every_ms),
                        tag,
                        ..Known::default()
                    };
                }
                Err(fault) => {
                    let wait = match fault.retry {
                        Retry::AfterMs(ms) => ms.clamp(AGAIN_MS, AGAIN_MAX_MS),
                        Retry::Backoff | Retry::Never | Retry::Gone => AGAIN_MS,
                    };
                    known.due = now.plus_ms(wait);
                    let why = fault.why;
                    let since = known.failing.as_ref().map_or(now, |(since, _)| *since);
                    if known.failing.is_none() {
                        tracing::warn!(calendar = %copy.display(), %why, "a calendar cannot be fetched");
                    }
                    known.failing = Some((since, why));
                }
            }
        }
        let troubles = troubles(list, known, self.directory().zone.unwrap_or(Tz::UTC));
        self.trouble_with("calendars", &troubles);
        self.tell_of_calendars(&mut feeds, now).await;
        done.len()
    }

    /// Tells the channel of whoever is concerned, once for each stretch of trouble.
    async fn tell_of_calendars(&self, feeds: &mut Feeds, now: Time) {
        let directory = self.directory();
        let zone = directory.zone.unwrap_or(Tz::UTC);
        let Feeds { list, known } = feeds;
        for feed in list.iter() {
            let Some(state) = known.get_mut(&feed.copy).filter(|k| !k.told) else {
                continue;
            };
            let Some((since, why)) = &state.failing else {
                continue;
            };
            if feed.copy.exists() && now.since_ms(*since) < PATIENCE_MS {
                continue;
            }
            let text = words(feed, *since, why, zone);
            // The same stretch after a restart: the last good copy is the same.
            let key = format!("calendar {} {}", feed.of, seen(feed));
            let of_person = feed.person.as_ref().and_then(|id| {
                let mut teams = directory.teams.values();
                let team = teams.find(|t| t.members.contains(id))?;
                team.channel.clone()
            });
            let places = match of_person {
                Some(channel) => BTreeSet::from([channel]),
                // Of nobody's: the catch-all hears of it.
                None => places_of(
                    &directory,
                    feed.schedule.as_deref().unwrap_or_default(),
                    now,
                ),
            };
            if places.is_empty() {
                continue;
            }
            match self.tell_once(&key, &places, &text, now).await {
                Ok(()) => state.told = true,
                Err(failure) => {
                    tracing::warn!(%failure, "trouble with a calendar could not be told; tried again");
                }
            }
        }
    }

    /// A line for channels on every platform, and for people, unless it was told before.
    async fn tell_once(
        &self,
        key: &str,
        places: &BTreeSet<String>,
        text: &str,
        now: Time,
    ) -> Result<(), Failure> {
        let told = self.store().told().await;
        let told = told?;
        if told.contains(key) {
            return Ok(());
        }
        let directory = self.directory();
        let spots = places.iter().flat_map(|place| {
            let platforms = match place.strip_prefix(PERSON) {
                Some(person) => chats_of(&directory, person),
                None => directory.platforms.clone(),
            };
            platforms.into_iter().map(move |platform| (platform, place))
        });
        let notices = spots.map(|(platform, place)| {
            let key = format!("{key}:{platform}:{place}");
            let row = NoticeRow {
                key: key.clone(),
                platform,
                channel: place.clone(),
                text: text.to_owned(),
                state: "waiting".to_owned(),
                attempts: 0,
                due_at: now,
                created_at: now,
                error: String::new(),
            };
            (key, row)
        });
        self.write(ChangeSet {
            notices: notices.collect(),
            told: vec![(key.to_owned(), now)],
            ..ChangeSet::default()
        })
        .await
    }

    /// What people who look at the console should know of; `what` replaces what it said before.
    pub fn trouble_with(&self, what: &'static str, sentences: &[String]) {
        let mut changed = false;
        self.0.troubles.rcu(|now| {
            let mut next = BTreeMap::clone(now);
            if sentences.is_empty() {
                next.remove(what);
            } else {
                next.insert(what, sentences.to_vec());
            }
            changed = next != **now;
            next
        });
        if changed {
            self.announce(Change::Directory);
        }
    }

    /// Everything that is wrong with this process beside its chat platforms, a sentence each.
    #[must_use]
    pub fn troubles(&self) -> Vec<String> {
        let troubles = self.0.troubles.load();
        troubles.values().flatten().cloned().collect()
    }
}

/// Keeps the calendars fresh until the process ends.
pub(super) async fn keep(engine: Engine) {
    let clock = engine.0.options.clock.clone();
    loop {
        engine.fetch_due().await;
        let next = {
            let feeds = engine.0.feeds.lock().await;
            feeds.known.values().map(|k| k.due).min()
        };
        tokio::select! {
            () = clock.sleep_until(next) => {}
            () = engine.0.feeds_moved.notified() => {}
        }
    }
}

/// Asks for a calendar once and keeps it if it is one; answers with its tag.
///
/// # Errors
/// In words, without the address, and when to ask again.
async fn renew(feed: &Feed, tag: Option<&str>, now: Time) -> Result<Option<String>, Fault> {
    let client = &fetch::client(&feed.fetching).map_err(|why| Fault {
        why,
        retry: Retry::Backoff,
    })?;
    // Without the copy there is nothing that could be the same.
    let tag = tag.filter(|_| feed.copy.exists());
    let fetched = fetch::fetch(client, &feed.url, &feed.host, tag).await;
    let (body, tag) = match fetched? {
        Fetched::Same => (None, tag.map(str::to_owned)),
        Fetched::New { body, tag } => (Some(body), tag),
    };
    let (copy, mark, host) = (feed.copy.clone(), feed.seen(), feed.host.clone());
    let kept = tokio::task::spawn_blocking(move || {
        if let Some(body) = body {
            calendar::read(&body, Tz::UTC).map_err(|why| format!("what {host} sends: {why}"))?;
            keep_copy(&copy, body.as_bytes())?;
        }
        keep_copy(&mark, now.rfc3339().as_bytes())
    });
    let kept = kept.await.unwrap_or_else(|e| Err(e.to_string()));
    let fault = |why| Fault {
        why,
        retry: Retry::Backoff,
    };
    kept.map_err(fault)?;
    Ok(tag)
}

/// Fetches those without a copy, for a start that would else know nothing of their shifts; answers
/// whether any came.
pub async fn first_copies(feeds: &[Feed], now: Time) -> bool {
    let missing = feeds.iter().filter(|f| !f.copy.exists());
    let each = missing.map(|feed| renew(feed, None, now));
    let outcomes = futures_util::future::join_all(each).await;
    outcomes.iter().any(Result::is_ok)
}

/// Writes a file whole or not at all; the same bytes again are no change, so nothing is reloaded.
fn keep_copy(path: &Path, bytes: &[u8]) -> Result<(), String> {
    if std::fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let fail = |e: std::io::Error| format!("its copy cannot be kept at {}: {e}", path.display());
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(fail)?;
    // Beside it, so that the rename stays on one disk; there is one firebell on a data folder.
    let new = path.with_extension("new");
    let mut file = std::fs::File::create(&new).map_err(fail)?;
    file.write_all(bytes).map_err(fail)?;
    file.sync_all().map_err(fail)?;
    std::fs::rename(&new, path).map_err(fail)
}

/// Says beside a copy of which age counts whether it is too old: a file of the configuration, so that rules
/// are read again when that changes.
fn mark_age(feed: &Feed, now: Time, fresh: bool) {
    let Some(most) = feed.max_age_ms else {
        return;
    };
    let seen = Time::parse_rfc3339(seen(feed).trim());
    let old = !fresh && seen.is_none_or(|at| now.since_ms(at) > most);
    let mark = feed.stale();
    let done = match (old, mark.exists()) {
        (true, false) => keep_copy(&mark, b"its copy is too old to count\n"),
        (false, true) => std::fs::remove_file(&mark).map_err(|e| e.to_string()),
        _ => Ok(()),
    };
    if let Err(why) = done {
        tracing::warn!(calendar = %feed.copy.display(), why, "the age of a calendar could not be marked");
    }
}

/// When it last answered with a calendar, as kept beside the copy.
fn seen(feed: &Feed) -> String {
    std::fs::read_to_string(feed.seen()).unwrap_or_else(|_| "never".to_owned())
}

fn troubles(list: &[Feed], known: &BTreeMap<PathBuf, Known>, zone: Tz) -> Vec<String> {
    let failing = |feed: &Feed| {
        let (since, why) = known.get(&feed.copy)?.failing.clone()?;
        Some(words(feed, since, &why, zone))
    };
    list.iter().filter_map(failing).collect()
}

/// `The calendar of the schedule web at example.org cannot be fetched since …: …. Its copy of … is used.`
fn words(feed: &Feed, since: Time, why: &str, zone: Tz) -> String {
    if feed.stale().exists() {
        return format!(
            "The calendar of {} at {} cannot be fetched since {}: {why}. Its copy is too old to count, so no action runs until it is fetched.",
            feed.of,
            feed.host,
            spoken(since, zone)
        );
    }
    let copy = match Time::parse_rfc3339(seen(feed).trim()) {
        Some(at) if feed.copy.exists() => {
            format!("Its copy of {} counts until then", spoken(at, zone))
        }
        _ if feed.copy.exists() => "Its copy counts until then".to_owned(),
        _ => "There is no copy, so it is as if it were empty".to_owned(),
    };
    format!(
        "The calendar of {} at {} cannot be fetched since {}: {why}. {copy}.",
        feed.of,
        feed.host,
        spoken(since, zone)
    )
}
