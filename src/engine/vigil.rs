//! The vigil over turns: reminders, briefs at hand-overs and the digest of what will go wrong.
//!
//! Promises: each is told once, because how far was looked is stored with what was said. A process
//! that was down tells what it missed of the last hours and not of the last month. None of it is
//! ever in the way of a page: it has its own task, and its lines the lowest claim on a channel.

use super::{Change, Engine, Failure};
use crate::core::directory::{ContactKind, Directory, Target, Team};
use crate::core::hours::disturbed;
use crate::core::incident::{Event, Incident, Ladder};
use crate::core::schedule::{Finding, findings};
use crate::core::sight::Sight;
use crate::core::time::Time;
use crate::core::vigil::{self, HandOver, Past};
use crate::store::{ChangeSet, NoticeRow, PERSON};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// What was missed longer ago is not told any more, milliseconds.
const LATE_MS: i64 = 6 * 3_600_000;
/// After something could not be stored.
const AGAIN_MS: i64 = 60_000;

/// Keeps the vigil until the process ends.
pub(super) async fn keep(engine: Engine) {
    let clock = engine.0.options.clock.clone();
    // Before the first look, so that nothing that changes meanwhile is missed.
    let mut changes = engine.changes();
    loop {
        let next = match engine.keep_vigil().await {
            Ok(_) => vigil::next(&engine.directory(), engine.now()),
            Err(failure) => {
                tracing::warn!(%failure, "news of turns could not be told; tried again");
                engine.now().plus_ms(AGAIN_MS)
            }
        };
        tokio::select! {
            () = clock.sleep_until(Some(next)) => {}
            () = directory_changed(&mut changes) => {}
        }
    }
}

/// Returns when turns may be others than before: files or covers have changed.
async fn directory_changed(changes: &mut Receiver<Change>) {
    loop {
        match changes.recv().await {
            // What was missed may have been it.
            Ok(Change::Directory) | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

impl Engine {
    /// Says what is due; answers with how much that was.
    ///
    /// # Errors
    /// When the store cannot be read or written: nothing was said.
    pub(super) async fn keep_vigil(&self) -> Result<usize, Failure> {
        let _one = self.0.vigil.lock().await;
        let now = self.now();
        let store = self.store();
        let looked = store.looked().await?;
        let first = looked.is_none();
        let looked = looked.unwrap_or(now);
        if looked >= now && !first {
            return Ok(0);
        }
        let directory = self.directory();
        let mut changes = ChangeSet {
            looked: Some(now),
            ..ChangeSet::default()
        };
        let from = looked.max(now.plus_ms(-LATE_MS));
        let mut news = self.turns(&directory, from, now).await?;
        if vigil::digest_after(&directory, looked) <= now {
            let told = store.told().await?;
            news.extend(digests(&directory, now, &told, &mut changes));
        }
        for (key, platform, channel, text) in news {
            let row = NoticeRow {
                key: key.clone(),
                platform,
                channel,
                text,
                state: "waiting".to_owned(),
                attempts: 0,
                due_at: now,
                created_at: now,
                error: String::new(),
            };
            changes.notices.insert(key, row);
        }
        let said = changes.notices.len();
        // Nothing happened and nothing is said: the next look begins where this one did.
        if said > 0 || first || now.since_ms(looked) > LATE_MS / 2 {
            self.write(changes).await?;
        }
        Ok(said)
    }

    /// Reminders and briefs of `(from, now]`.
    async fn turns(
        &self,
        directory: &Directory,
        from: Time,
        now: Time,
    ) -> Result<Vec<News>, crate::store::StoreFault> {
        let mut news = Vec::new();
        let ahead = |t: Time| t.plus_ms(vigil::REMIND_MS);
        for over in vigil::hand_overs(directory, ahead(from).max(now), ahead(now)) {
            let text = vigil::reminder(directory, &over);
            news.extend(to_people(directory, "remind", &over, &text));
        }
        let overs = vigil::hand_overs(directory, from, now);
        if overs.is_empty() {
            return Ok(news);
        }
        let open = self.open_incidents();
        for over in overs {
            let past = self.past(directory, &over).await?;
            let mut mine = concerned(directory, &over.schedule, &open);
            // All of them get the same words.
            let sights: Vec<Sight> = (over.on.iter())
                .map(|id| Sight::person(id, directory))
                .collect();
            mine.retain(|i| sights.iter().all(|s| s.sees(i)));
            let text = vigil::brief(directory, &over, &mine, &past);
            news.extend(to_people(directory, "brief", &over, &text));
        }
        Ok(news)
    }

    async fn past(
        &self,
        directory: &Directory,
        over: &HandOver,
    ) -> Result<Past, crate::store::StoreFault> {
        let openings = self.store().openings(over.since, over.at).await?;
        let opened = openings
            .iter()
            .filter(|record| match &record.event {
                Event::Opened {
                    team,
                    ladder,
                    nature,
                    ..
                } => !nature.drill && is_of(directory, &over.schedule, team.as_deref(), ladder),
                _ => false,
            })
            .count();
        let mut nights = Vec::new();
        for id in &over.off {
            let Some(person) = directory.people.get(id) else {
                continue;
            };
            let since = over.since.max(over.at.plus_ms(-vigil::AHEAD_MS));
            let paged = self.store().paged_at(id, since).await?;
            let disturbed = disturbed(&paged, person.zone).len();
            if disturbed > 0 {
                nights.push((person.name.clone(), disturbed));
            }
        }
        Ok(Past { opened, nights })
    }
}

/// Key, platform, place and text.
type News = (String, String, String, String);

/// Open incidents that are the schedule's.
fn concerned<'i>(
    directory: &Directory,
    schedule: &str,
    open: &'i [Arc<Incident>],
) -> Vec<&'i Incident> {
    let of = |i: &&Arc<Incident>| is_of(directory, schedule, i.team.as_deref(), &i.ladder);
    let mut mine: Vec<&Incident> = open.iter().filter(of).map(Arc::as_ref).collect();
    mine.sort_by_key(|i| (i.severity, i.id));
    mine
}

/// Whether an incident is of a schedule: its ladder names it, or names no schedule at all and the team
/// has people on it. A team of several schedules has the incidents of each apart.
fn is_of(directory: &Directory, schedule: &str, team: Option<&str>, ladder: &Ladder) -> bool {
    let mut schedules = ladder.rungs.iter().flat_map(|r| &r.targets);
    let mut named = false;
    let found = schedules.any(|t| match t {
        Target::Schedule(id) => {
            named = true;
            id == schedule
        }
        _ => false,
    });
    found
        || (!named
            && teams_of(directory, schedule)
                .iter()
                .any(|t| team == Some(&t.id)))
}

fn to_people(directory: &Directory, what: &str, over: &HandOver, text: &str) -> Vec<News> {
    let mut news = Vec::new();
    for id in &over.on {
        for platform in chats_of(directory, id) {
            news.push((
                format!("{what}:{}:{}:{platform}:{id}", over.schedule, over.at.0),
                platform,
                format!("{PERSON}{id}"),
                text.to_owned(),
            ));
        }
    }
    news
}

/// The chats a person is woken by, else the first there is.
pub(super) fn chats_of(directory: &Directory, person: &str) -> Vec<String> {
    let contacts = directory
        .people
        .get(person)
        .map_or(&[][..], |p| &p.contacts);
    let mut chats: Vec<String> = contacts
        .iter()
        .filter_map(|c| match &c.kind {
            ContactKind::Chat { platform } => Some(platform.clone()),
            _ => None,
        })
        .collect();
    if chats.is_empty() {
        // Whoever is woken by other ways still finds it where they look.
        chats.extend(directory.platforms.first().cloned());
    }
    chats
}

/// The channel of the people of a schedule.
pub(super) fn channel_of(directory: &Directory, schedule: &str) -> Option<String> {
    let teams = teams_of(directory, schedule);
    teams.into_iter().find_map(|t| t.channel.clone())
}

/// The teams that have people on a schedule, by id.
fn teams_of<'d>(directory: &'d Directory, schedule: &str) -> Vec<&'d Team> {
    let schedule = directory.schedules.get(schedule);
    let people = schedule.map(|s| s.everybody()).unwrap_or_default();
    let theirs = |t: &&Team| t.members.iter().any(|m| people.contains(m.as_str()));
    directory.teams.values().filter(theirs).collect()
}

/// What will go wrong and was not told yet, one message a place.
fn digests(
    directory: &Directory,
    now: Time,
    told: &BTreeSet<String>,
    changes: &mut ChangeSet,
) -> Vec<News> {
    let until = now.plus_ms(vigil::AHEAD_MS);
    let all = findings(
        directory.schedules.values(),
        &directory.leaves,
        &|id| directory.unreachable(id),
        now,
        until,
    );
    let mut by_place: BTreeMap<String, Vec<&Finding>> = BTreeMap::new();
    for finding in &all {
        let key = vigil::finding_key(finding);
        if told.contains(&key) || changes.told.iter().any(|(k, _)| *k == key) {
            continue;
        }
        let places = places_of(directory, &finding.schedule, now);
        if places.is_empty() {
            // Not kept as told: as soon as there is somebody to tell, it is.
            tracing::warn!(
                schedule = finding.schedule,
                "nobody can be told of a gap: no team of its people has a channel, and the catch-all names nobody"
            );
            continue;
        }
        changes.told.push((key, now));
        for place in places {
            by_place.entry(place).or_default().push(finding);
        }
    }
    let mut news = Vec::new();
    for (place, findings) in by_place {
        let orphans = findings
            .iter()
            .map(|f| f.schedule.as_str())
            .filter(|s| channel_of(directory, s).is_none())
            .collect();
        let text = vigil::digest(directory, &findings, &orphans);
        let platforms = match place.strip_prefix(PERSON) {
            Some(person) => chats_of(directory, person),
            None => directory.platforms.clone(),
        };
        for platform in platforms {
            news.push((
                format!("digest:{}:{platform}:{place}", now.0),
                platform,
                place.clone(),
                text.clone(),
            ));
        }
    }
    news
}

/// Where people hear of a schedule: its team's channel, else the channels and people of the catch-all, which
/// is where everything ends that is nobody's.
pub(super) fn places_of(directory: &Directory, schedule: &str, now: Time) -> BTreeSet<String> {
    if let Some(channel) = channel_of(directory, schedule) {
        return BTreeSet::from([channel]);
    }
    let person = |id: &String| format!("{PERSON}{id}");
    let team = |id: &String| -> Vec<String> {
        let team = directory.teams.get(id);
        match team.map(|t| (t.channel.clone(), &t.members)) {
            Some((Some(channel), _)) => vec![channel],
            Some((None, members)) => members.iter().map(person).collect(),
            None => Vec::new(),
        }
    };
    let of = |target: &Target| match target {
        Target::Person(id) => vec![person(id)],
        Target::Channel(name) => vec![name.clone()],
        Target::Team(id) | Target::RoundRobin(id) => team(id),
        Target::Schedule(id) => match channel_of(directory, id) {
            Some(channel) => vec![channel],
            None => {
                let known = directory.schedules.get(id);
                let on = known.map(|s| s.on_call(now).people).unwrap_or_default();
                on.iter().map(person).collect()
            }
        },
        Target::Webhook(_) => Vec::new(),
    };
    directory.catch_all.iter().flat_map(of).collect()
}
