//! `firebell doctor`: does what the configuration names really work on this machine?
//!
//! `check` reads files only; this one asks the database, the clock and the disk. Its
//! write changes nothing, so it may run beside a running firebell.

use super::{print, serve};
use crate::calendar;
use crate::chat::{Fault, Retry};
use crate::config::{Feed, Loaded, Settings};
use crate::core::directory::{ContactKind, Directory};
use crate::core::schedule;
use crate::core::text::count;
use crate::core::time::{Time, human_ms};
use crate::engine::{Clock, Engine, Options};
use crate::metrics::Metrics;
use crate::notify::Notifiers;
use crate::notify::fetch::{self, Fetched};
use crate::platform::discord;
use crate::platform::slack::Slack;
use crate::store::Store;
use secrecy::ExposeSecret;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A clock this far from the database's makes deadlines late; NTP keeps within a tenth of it.
const SKEW_MS: i64 = 2_000;
/// How long the machine's clock is compared with a monotonic one.
const WATCH: Duration = Duration::from_millis(250);
/// 22 November 2026: a clock before the program was written is wrong.
const WRITTEN: Time = Time(1_795_305_600_000);
/// Below this a storm can fill the disk within the hour.
const DISK_LOW: u64 = 1024 * 1024 * 1024;
/// Below this nothing can be promised.
const DISK_GONE: u64 = 64 * 1024 * 1024;
/// Who is on call is looked at this far ahead.
const AHEAD_DAYS: i64 = 30;
/// Lines about it; whoever mends the first mends more.
const AHEAD_LINES: usize = 20;

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Finding {
    /// As it should be.
    Good(String),
    /// It works, and is probably not meant.
    Odd(String),
    /// It does not work.
    Bad(String),
}

use Finding::{Bad, Good, Odd};

/// Checks and prints one line per finding.
///
/// # Errors
/// When nothing can be printed.
pub async fn doctor(path: &Path) -> anyhow::Result<ExitCode> {
    let Some(loaded) = serve::load(path) else {
        return Ok(ExitCode::FAILURE);
    };
    let mut findings = vec![(
        "configuration",
        Good(format!("{} read", count(loaded.files.len(), "file"))),
    )];
    for warning in &loaded.warnings {
        findings.push(("configuration", Odd(serve::fault_line(warning))));
    }
    findings.push(("tokens", tokens(&loaded)));
    findings.push(("data folder", folder(&loaded.settings.data_dir)));
    findings.push(("disk", disk(&loaded.settings.data_dir)));
    findings.push(("clock", clock().await));
    findings.extend(database(&loaded.settings).await);
    findings.extend(on_call(&loaded.directory));
    findings.extend(contacts(&loaded).await);
    findings.extend(calendars(&loaded.feeds).await);
    findings.extend(ahead(&loaded.directory, Clock::Real.now()));
    findings.extend(chat(loaded).await?);
    let (text, bad) = report(&findings);
    print(&text)?;
    Ok(if bad == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Whether calendars at an address answer with a calendar. Copies are left alone.
async fn calendars(feeds: &[Feed]) -> Vec<(&'static str, Finding)> {
    let mut findings = Vec::new();
    for feed in feeds {
        let name = format!("{} at {}", feed.of, feed.host);
        let fetched = match fetch::client(&feed.fetching) {
            Ok(client) => fetch::fetch(&client, &feed.url, &feed.host, None).await,
            Err(why) => Err(Fault {
                why,
                retry: Retry::Never,
            }),
        };
        let read = match fetched {
            Ok(Fetched::New { body, .. }) => calendar::read(&body, chrono_tz::Tz::UTC),
            // Never the answer to a question without a tag.
            Ok(Fetched::Same) => Ok(calendar::Found::default()),
            Err(fault) => Err(fault.why),
        };
        let finding = match read {
            Ok(found) => Good(format!("{name}: {}", count(found.events.len(), "event"))),
            Err(why) if feed.copy.exists() => {
                let seen = std::fs::read_to_string(feed.seen()).unwrap_or_default();
                Odd(format!("{name}: {why}; its copy of {} counts", seen.trim()))
            }
            Err(why) => Bad(format!(
                "{name}: {why}; there is no copy, so nobody is on call by it"
            )),
        };
        findings.push(("calendars", finding));
    }
    findings
}

/// Whether the providers can be set up, and which contacts nobody has shown to be theirs. Read from
/// the database beside a running firebell, nothing is written.
async fn contacts(loaded: &Loaded) -> Vec<(&'static str, Finding)> {
    let settings = &loaded.settings;
    let mut findings = Vec::new();
    let names = settings.notify.names();
    if !names.is_empty() {
        findings.push((
            "providers",
            match Notifiers::new(&settings.notify, &settings.public_url) {
                Ok(_) => Good(count(names.len(), "provider")),
                Err(why) => Bad(why),
            },
        ));
    }
    let Ok(store) = Store::open(settings.database_url.expose_secret()).await else {
        // Said by the check of the database.
        return findings;
    };
    let verified = match store.verified().await {
        Ok(verified) => verified,
        Err(e) => return vec![("contacts", Bad(e.to_string()))],
    };
    let directory = crate::engine::overlay(loaded.directory.clone(), verified);
    for person in directory.people.values() {
        let unverified: Vec<&str> = person
            .contacts
            .iter()
            .map(|c| c.name.as_str())
            .filter(|name| directory.is_unverified(&person.id, name))
            .collect();
        if unverified.is_empty() {
            continue;
        }
        let all = unverified.len() == person.contacts.len();
        let words = format!(
            "{}: {} not verified{}; they write `verify {}`",
            person.name,
            crate::core::text::list(&unverified),
            if all {
                ", and nothing else is, so all are used"
            } else {
                ""
            },
            unverified[0]
        );
        findings.push(("contacts", Odd(words)));
    }
    findings
}

/// Asks each chat platform who firebell is there and what is missing. With an engine of its own on
/// an empty database: the real one may be in use.
async fn chat(loaded: Loaded) -> anyhow::Result<Vec<(&'static str, Finding)>> {
    let settings = &loaded.settings;
    if settings.slack.is_empty() && settings.discord.is_empty() {
        return Ok(Vec::new());
    }
    let options = Options {
        clock: Clock::Real,
        executors: crate::run::Executors::default(),
        public_url: settings.public_url.clone(),
        metrics: Arc::new(Metrics::new()),
    };
    let store = Store::open("sqlite::memory:").await?;
    let engine = Engine::start(store, loaded.directory.clone(), options).await?;
    let mut findings = Vec::new();
    for s in &settings.slack {
        let outcome = match Slack::new(engine.clone(), s) {
            Ok(slack) => slack.examine().await,
            Err(e) => Err(format!("{e:#}")),
        };
        findings.push(("slack", examined(&s.place.name, outcome)));
    }
    match discord::all(&engine, &settings.discord) {
        Ok(guilds) => {
            for guild in guilds {
                let outcome = guild.examine().await;
                findings.push(("discord", examined(guild.name(), outcome)));
            }
        }
        Err(e) => findings.push(("discord", Bad(format!("{e:#}")))),
    }
    findings.extend(unknown_people(&loaded));
    Ok(findings)
}

fn examined(name: &str, outcome: Result<String, String>) -> Finding {
    match outcome {
        Ok(words) => Good(format!("{name}: {words}")),
        Err(why) => Bad(format!("{name}: {why}")),
    }
}

/// People who are to be paged on a platform where nothing says which account is theirs.
fn unknown_people(loaded: &Loaded) -> Vec<(&'static str, Finding)> {
    let mut findings = Vec::new();
    for person in loaded.directory.people.values() {
        for contact in &person.contacts {
            let ContactKind::Chat { platform } = &contact.kind else {
                continue;
            };
            if person.identities.contains_key(platform) || person.email.is_some() {
                continue;
            }
            findings.push((
                "people",
                Odd(format!(
                    "{} is to be paged on {platform}, and nothing says which account that is: add identities = {{ {platform} = \"…\" }} or email, or have them write `link` there",
                    person.name
                )),
            ));
        }
    }
    findings
}

fn report(findings: &[(&'static str, Finding)]) -> (String, usize) {
    let mut out = String::new();
    for (name, finding) in findings {
        let (mark, words) = match finding {
            Good(w) => ("ok  ", w),
            Odd(w) => ("warn", w),
            Bad(w) => ("FAIL", w),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{mark}  {name:<14} {words}");
    }
    let of = |want: fn(&Finding) -> bool| findings.iter().filter(|(_, f)| want(f)).count();
    let bad = of(|f| matches!(f, Bad(_)));
    let odd = of(|f| matches!(f, Odd(_)));
    let _ = writeln!(out, "{}, {}", count(bad, "failure"), count(odd, "warning"));
    (out, bad)
}

/// References to secrets were resolved when the configuration was loaded, or it would not have.
fn tokens(loaded: &Loaded) -> Finding {
    let (tokens, sources) = (loaded.settings.tokens.len(), loaded.settings.sources.len());
    let words = format!(
        "{}, {}; every secret was found",
        count(tokens, "API token"),
        count(sources, "alert source")
    );
    if sources == 0 {
        return Odd(format!(
            "{words}, but without a source no alert can come in"
        ));
    }
    Good(words)
}

fn folder(path: &Path) -> Finding {
    let existing = nearest(path);
    if rustix::fs::access(&existing, rustix::fs::Access::WRITE_OK).is_err() {
        return Bad(format!(
            "{} is not writable for this user; give it to the user firebell runs as",
            existing.display()
        ));
    }
    Good(if existing == path {
        format!("{} is writable", path.display())
    } else {
        format!("{} will be made in {}", path.display(), existing.display())
    })
}

/// The folder itself, or the first of its parents that exists.
fn nearest(path: &Path) -> PathBuf {
    path.ancestors()
        .map(|p| {
            if p.as_os_str().is_empty() {
                Path::new(".")
            } else {
                p
            }
        })
        .find(|p| p.exists())
        .unwrap_or(Path::new("/"))
        .to_owned()
}

fn disk(path: &Path) -> Finding {
    let free = match rustix::fs::statvfs(nearest(path)) {
        Ok(s) => s.f_bavail.saturating_mul(s.f_frsize),
        Err(e) => return Odd(format!("the free space is unknown: {e}")),
    };
    disk_words(free)
}

fn disk_words(free: u64) -> Finding {
    let words = format!("{} MiB free", free / (1024 * 1024));
    match free {
        ..DISK_GONE => Bad(format!("{words}: make room, nothing can be stored safely")),
        DISK_GONE..DISK_LOW => Odd(format!("{words}: a storm of alerts can fill this")),
        _ => Good(words),
    }
}

/// The machine's clock must be after the program was written and move as fast as a monotonic one.
async fn clock() -> Finding {
    let (wall, steady) = (Clock::Real.now(), Instant::now());
    if wall < WRITTEN {
        return Bad(format!(
            "this machine believes it is {}; set its clock, NTP keeps it right",
            wall.rfc3339()
        ));
    }
    tokio::time::sleep(WATCH).await;
    let passed = i64::try_from(steady.elapsed().as_millis()).unwrap_or(i64::MAX);
    let moved = Clock::Real.now().since_ms(wall);
    // A tenth of a second: far above scheduling noise, far below a step by NTP worth telling.
    if (moved - passed).abs() > 100 {
        return Odd(format!(
            "the clock moved {moved} ms while {passed} ms passed: something is setting it"
        ));
    }
    Good(format!("{} and steady", wall.rfc3339()))
}

async fn database(settings: &Settings) -> Vec<(&'static str, Finding)> {
    let start = Instant::now();
    let store = match Store::open(settings.database_url.expose_secret()).await {
        Ok(store) => store,
        Err(e) => return vec![("database", Bad(e.to_string()))],
    };
    let opened_ms = start.elapsed().as_millis();
    let probe = match store.probe().await {
        Ok(probe) => probe,
        Err(e) => return vec![("database", Bad(e.to_string()))],
    };
    let found = format!(
        "{}, schema {}, opened in {opened_ms} ms",
        store.version().await,
        probe.schema
    );
    let skew = Clock::Real.now().since_ms(probe.now);
    let start = Instant::now();
    let write = match store.try_write().await {
        Ok(()) => Good(format!(
            "a write that changes nothing was durable in {} ms",
            start.elapsed().as_millis()
        )),
        Err(e) => Bad(format!("a write failed: {e}")),
    };
    vec![
        ("database", Good(found)),
        ("database write", write),
        ("database clock", skew_words(skew)),
    ]
}

fn skew_words(skew_ms: i64) -> Finding {
    let length = human_ms(skew_ms.abs());
    if skew_ms.abs() <= SKEW_MS {
        return Good(format!("{} ms from this machine's", skew_ms.abs()));
    }
    let side = if skew_ms > 0 { "behind" } else { "ahead of" };
    Odd(format!(
        "{length} {side} this machine's; set both by NTP, deadlines follow this machine's"
    ))
}

fn on_call(directory: &Directory) -> Vec<(&'static str, Finding)> {
    let now = Clock::Real.now();
    directory
        .schedules
        .values()
        .map(|schedule| {
            let turn = schedule.on_call(now);
            let names: Vec<String> = turn
                .people
                .iter()
                .map(|p| directory.person_name(p))
                .collect();
            let finding = if names.is_empty() {
                Odd(format!("{}: nobody is on call now", schedule.name))
            } else {
                Good(format!(
                    "{}: {} until {}",
                    schedule.name,
                    crate::core::text::list(&names),
                    schedule.local(turn.until)
                ))
            };
            ("on call", finding)
        })
        .collect()
}

/// What will go wrong with who is on call in the next days.
fn ahead(directory: &Directory, now: Time) -> Vec<(&'static str, Finding)> {
    let until = now.plus_ms(AHEAD_DAYS * 86_400_000);
    let unreachable = |id: &str| directory.unreachable(id);
    let schedules = directory.schedules.values();
    let found = schedule::findings(schedules, &directory.leaves, &unreachable, now, until);
    let name = |id: &str| directory.person_name(id);
    let more = found.len().saturating_sub(AHEAD_LINES);
    let lines = found.iter().take(AHEAD_LINES).filter_map(|f| {
        let schedule = directory.schedules.get(&f.schedule)?;
        Some(("on call", Odd(f.words(schedule, &name))))
    });
    let mut lines: Vec<_> = lines.collect();
    if more > 0 {
        let rest = format!("and {more} more in the next {AHEAD_DAYS} days");
        lines.push(("on call", Odd(rest)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::directory::{Contact, ContactKind, Person, Waking};

    fn woken(id: &str) -> Person {
        let kind = ContactKind::Chat {
            platform: "console".to_owned(),
        };
        Person {
            id: id.to_owned(),
            name: id.to_owned(),
            email: None,
            zone: chrono_tz::Tz::UTC,
            identities: std::collections::BTreeMap::new(),
            roles: Vec::new(),
            contacts: vec![Contact {
                name: "console".to_owned(),
                kind,
            }],
            waking: Waking::default(),
        }
    }

    #[test]
    fn what_goes_wrong_with_who_is_on_call_is_told_ahead() {
        let at = |text: &str| Time::parse_rfc3339(text).unwrap();
        let starts = "2026-11-02T09:00:00".parse().unwrap();
        let handoff = schedule::parse_handoff("weekly").unwrap();
        let zone = chrono_tz::Tz::UTC;
        let web = schedule::Schedule::rotation("web", "Web", zone, (handoff, starts), &["a", "b"]);
        let mut directory = Directory::default();
        directory.schedules.insert("web".to_owned(), web);
        for id in ["a", "b"] {
            directory.people.insert(id.to_owned(), woken(id));
        }
        let monday = at("2026-11-02T09:00:00Z");
        assert_eq!(ahead(&directory, monday), []);
        let leave = schedule::Leave {
            since: at("2026-11-10T00:00:00Z"),
            until: at("2026-11-12T00:00:00Z"),
            title: String::new(),
        };
        directory.leaves.insert("b".to_owned(), vec![leave]);
        let words =
            "b is on call on Web and on leave from Tue 10 Nov 00:00 UTC until Thu 12 Nov 00:00 UTC";
        assert_eq!(
            ahead(&directory, monday),
            [("on call", Odd(words.to_owned()))]
        );
        // Nobody before the rotation begins.
        let early = ahead(&directory, monday.plus_ms(-86_400_000));
        assert!(matches!(&early[0].1, Odd(w) if w.contains("nobody is on call")));
    }

    #[test]
    fn one_failure_is_enough_to_fail() {
        let (text, bad) = report(&[
            ("clock", Good("fine".to_owned())),
            ("disk", Odd("low".to_owned())),
            ("database", Bad("gone".to_owned())),
        ]);
        assert_eq!(bad, 1);
        assert!(text.contains("FAIL  database       gone"), "{text}");
        assert!(text.ends_with("1 failure, 1 warning\n"), "{text}");
    }

    #[test]
    fn a_full_disk_is_a_failure_and_a_nearly_full_one_a_warning() {
        assert!(matches!(disk_words(10 * 1024 * 1024), Bad(_)));
        assert!(matches!(disk_words(500 * 1024 * 1024), Odd(_)));
        assert!(matches!(disk_words(50 * DISK_LOW), Good(_)));
    }

    #[test]
    fn a_database_that_lives_in_another_minute_is_said() {
        assert!(matches!(skew_words(-900), Good(_)));
        assert_eq!(
            skew_words(90_000),
            Odd(
                "1m 30s behind this machine's; set both by NTP, deadlines follow this machine's"
                    .to_owned()
            )
        );
    }

    #[test]
    fn a_data_folder_that_does_not_exist_yet_is_looked_for_above() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        assert_eq!(nearest(&path), dir.path());
        assert!(matches!(folder(&path), Good(_)));
        assert!(matches!(folder(dir.path()), Good(_)));
    }
}
