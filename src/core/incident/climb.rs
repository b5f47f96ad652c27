//! Climbing the ladder: who is paged next, and what happens when nobody can be.
//!
//! Promises: a climb always ends in somebody being alarmed or in a line that says, everywhere,
//! that nobody could be; and it always moves the deadline, so time can never stand still.
//! Deadlines are absolute instants in the journal. A late engine climbs one rung per deadline it
//! finds in the past, counted from now: a backlog never turns into a volley of pages.

use super::command::{Refusal, Scene};
use super::event::Event;
use super::parts::{PagedPerson, Skipped};
use super::{Climb, Incident, Status, reach, rest};
use crate::core::directory::{Person, Rung, Target, WEBHOOK};
use crate::core::hours::Hours;
use crate::core::id::Actor;
use crate::core::text;
use crate::core::time::{Time, human_ms};
use std::collections::BTreeSet;

/// From one alarm of the catch-all to the next; doubles each time, up to a day.
/// Half an hour: long enough to act on the first, short enough that a missed one is not the night.
const CATCH_ALL_EVERY_SECS: u64 = 30 * 60;
/// When not even the catch-all could be alarmed, try again this soon.
const NOBODY_AT_ALL_SECS: u64 = 5 * 60;
const DAY_SECS: u64 = 86_400;

/// What a list of targets comes to at an instant.
#[derive(Default)]
pub(super) struct Reached {
    /// Who is paged.
    pub people: Vec<PagedPerson>,
    /// Channels that are told.
    pub channels: Vec<String>,
    /// Who or what could not be.
    pub skipped: Vec<Skipped>,
}

impl Reached {
    /// Whether nobody and nothing was reached.
    pub fn nothing(&self) -> bool {
        self.people.is_empty() && self.channels.is_empty()
    }
}

/// Where everybody reads nothing is told of a private incident.
pub(super) fn unheard(incident: &Incident, reached: &mut Reached) {
    if incident.nature.private {
        let channels = std::mem::take(&mut reached.channels);
        reached
            .skipped
            .extend(channels.into_iter().map(|c| Skipped {
                who: format!("channel #{}", c.trim_start_matches('#')),
                why: "is not told of a private incident".to_owned(),
            }));
    }
}

/// Who a list of targets means at this instant, and who of them cannot be paged. `turn` counts the
/// incidents (and rounds) of the policy, for targets that take turns.
pub(super) fn resolve(targets: &[Target], scene: &Scene<'_>, turn: u64) -> Reached {
    resolve_sparing(targets, scene, turn, &|_| None)
}

/// Why somebody is to be spared, by id.
type Spared<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The same; a turn passes by whoever is to be spared, for a reason, as long as somebody else is there.
fn resolve_sparing(
    targets: &[Target],
    scene: &Scene<'_>,
    turn: u64,
    spared: Spared<'_>,
) -> Reached {
    let mut reached = Reached::default();
    let mut seen = BTreeSet::new();
    for target in targets {
        match target {
            Target::RoundRobin(team) => {
                let id = one_of(team, scene, (turn, spared), &mut reached);
                seen.extend(id);
            }
            Target::Channel(name) => channel(name, scene, &mut reached),
            Target::Webhook(name) => webhook(name, scene, &mut reached),
            _ => {
                for (id, why) in members(target, scene, &mut reached.skipped) {
                    if seen.insert(id.clone()) {
                        let _ = page(&id, why, scene, &mut reached);
                    }
                }
            }
        }
    }
    reached
}

/// Pages a person, or says why not; tells which.
fn page(id: &str, why: String, scene: &Scene<'_>, reached: &mut Reached) -> bool {
    let no = match scene.directory.people.get(id) {
        Some(p) if !p.contacts.is_empty() => {
            reached.people.push(at_once(p, why, scene));
            return true;
        }
        Some(_) => "has no contact",
        None => "is not in the directory",
    };
    reached.skipped.push(Skipped {
        who: format!("person {id}"),
        why: no.to_owned(),
    });
    false
}

/// The member whose turn it is, or the first after them who can be paged; answers with who it is.
fn one_of(
    team: &str,
    scene: &Scene<'_>,
    (turn, spared): (u64, Spared<'_>),
    reached: &mut Reached,
) -> Option<String> {
    let skip = |why: &str| Skipped {
        who: Target::RoundRobin(team.to_owned()).words(),
        why: why.to_owned(),
    };
    let Some(found) = scene.directory.teams.get(team) else {
        reached.skipped.push(skip("is not in the directory"));
        return None;
    };
    let n = found.members.len() as u64;
    let turns = (0..n).map(|k| usize::try_from((turn % n + k) % n).unwrap_or(0));
    let turns: Vec<&String> = turns.filter_map(|at| found.members.get(at)).collect();
    let why = format!("their turn in team {}", found.name);
    // First whoever need not be spared, then everybody.
    let mut passed = Vec::new();
    for id in &turns {
        if let Some(why) = spared(id) {
            let who = format!("person {id}");
            passed.push(Skipped { who, why });
        } else if page(id, why.clone(), scene, reached) {
            reached.skipped.extend(passed);
            return Some((*id).clone());
        }
    }
    let tired = turns.iter().filter(|id| spared(id).is_some());
    for id in tired {
        if page(id, why.clone(), scene, reached) {
            return Some((*id).clone());
        }
    }
    reached.skipped.push(skip("has nobody who can be paged"));
    None
}

fn channel(name: &str, scene: &Scene<'_>, reached: &mut Reached) {
    if scene.directory.platforms.is_empty() {
        reached.skipped.push(Skipped {
            who: Target::Channel(name.to_owned()).words(),
            why: "is on no chat platform".to_owned(),
        });
    } else if !reached.channels.iter().any(|c| c == name) {
        reached.channels.push(name.to_owned());
    }
}

fn webhook(name: &str, scene: &Scene<'_>, reached: &mut Reached) {
    let words = Target::Webhook(name.to_owned()).words();
    if !scene.directory.webhooks.contains_key(name) {
        return reached.skipped.push(Skipped {
            who: words,
            why: "is not in the configuration".to_owned(),
        });
    }
    let id = format!("{WEBHOOK}{name}");
    if reached.people.iter().any(|p| p.id == id) {
        return;
    }
    reached.people.push(PagedPerson {
        id,
        name: words,
        why: "named by the policy".to_owned(),
        contacts: vec!["webhook".to_owned()],
        later: Vec::new(),
    });
}

/// Every contact that can be used, all at once.
fn at_once(person: &Person, why: String, scene: &Scene<'_>) -> PagedPerson {
    let (contacts, unverified) = scene.directory.usable(person);
    let unsure = "; no contact of theirs is verified, so all are tried";
    PagedPerson {
        id: person.id.clone(),
        name: person.name.clone(),
        why: if unverified { why + unsure } else { why },
        contacts: contacts.into_iter().map(|c| c.name.clone()).collect(),
        later: Vec::new(),
    }
}

fn members(
    target: &Target,
    scene: &Scene<'_>,
    skipped: &mut Vec<Skipped>,
) -> Vec<(String, String)> {
    let mut skip = |why: &str| {
        skipped.push(Skipped {
            who: target.words(),
            why: why.to_owned(),
        });
    };
    match target {
        Target::Person(id) => vec![(id.clone(), "named by the policy".to_owned())],
        Target::Team(id) => match scene.directory.teams.get(id) {
            Some(team) if !team.members.is_empty() => team
                .members
                .iter()
                .map(|m| (m.clone(), format!("member of team {}", team.name)))
                .collect(),
            Some(_) => {
                skip("has no members");
                Vec::new()
            }
            None => {
                skip("is not in the directory");
                Vec::new()
            }
        },
        Target::Schedule(id) => match scene.directory.schedules.get(id) {
            Some(schedule) => {
                let turn = schedule.on_call(scene.now);
                if turn.people.is_empty() {
                    skip("nobody is on call");
                }
                let why = format!(
                    "on call on {} until {}",
                    schedule.name,
                    schedule.local(turn.until)
                );
                turn.people.into_iter().map(|p| (p, why.clone())).collect()
            }
            None => {
                skip("is not in the directory");
                Vec::new()
            }
        },
        Target::RoundRobin(_) | Target::Channel(_) | Target::Webhook(_) => Vec::new(),
    }
}

/// Climbs from `round`/`rung`: the first rung that reaches somebody, else the catch-all.
pub(super) fn climb(
    incident: &Incident,
    scene: &Scene<'_>,
    round: u8,
    rung: usize,
    why: &str,
) -> Vec<Event> {
    let ladder = &incident.ladder;
    let mut events = Vec::new();
    let (mut round, mut rung) = (round, rung);
    if ladder.rungs.is_empty() {
        let why = if ladder.policy.is_empty() {
            "no escalation policy applies".to_owned()
        } else {
            format!("policy {} has no steps", ladder.policy)
        };
        return vec![nobody_else(catch_all(scene, 0, &why))];
    }
    // As many skips in a row as there are rungs: the whole ladder reaches nobody at this instant.
    while events.len() < ladder.rungs.len() {
        if rung >= ladder.rungs.len() {
            if round >= ladder.repeat {
                break;
            }
            (round, rung) = (round + 1, 0);
        }
        let step = &ladder.rungs[rung];
        if let Some(why) = not_now(incident, scene, step) {
            let at = (round, u32::try_from(rung).unwrap_or(u32::MAX));
            let who = "everybody of this step".to_owned();
            let skipped = vec![Skipped { who, why }];
            events.push(Event::RungSkipped { rung: at, skipped });
            rung += 1;
            continue;
        }
        let turn = incident.turn + u64::from(round);
        let spared = |id: &str| rest::tired(incident, scene, id).filter(|_| round == 0);
        let mut reached = resolve_sparing(&step.targets, scene, turn, &spared);
        spare(incident, &mut reached);
        unheard(incident, &mut reached);
        let passed_over = rest::spare(incident, scene, (round, rung), &mut reached);
        let at = (round, u32::try_from(rung).unwrap_or(u32::MAX));
        if reached.nothing() {
            events.push(Event::RungSkipped {
                rung: at,
                skipped: reached.skipped,
            });
            rung += 1;
            continue;
        }
        let why = if events.is_empty() {
            why.to_owned()
        } else {
            format!("{why}; the step before reached nobody")
        };
        let people = reach::by_rules(reached.people, incident.urgency, scene);
        // Channels that were told wait for nobody.
        let wait_secs = if passed_over { 1 } else { step.wait_secs };
        let next_due = Some(reach::next_due(&people, scene.now, wait_secs));
        events.push(Event::Paged {
            rung: Some(at),
            people,
            channels: reached.channels,
            skipped: reached.skipped,
            why,
            next_due,
        });
        return events;
    }
    events.push(if events.len() == ladder.rungs.len() {
        nobody_else(catch_all(scene, 0, "nobody on the ladder could be paged"))
    } else {
        let why = "the whole ladder was climbed and nobody acknowledged";
        catch_all(scene, 0, why)
    });
    events
}

/// The same, said in every channel: whoever reads it may know somebody.
fn nobody_else(mut event: Event) -> Event {
    if let Event::CatchAll { nobody_else, .. } = &mut event {
        *nobody_else = true;
    }
    event
}

/// Alarms the catch-all for the `times`-th time (from 0).
pub(super) fn catch_all(scene: &Scene<'_>, times: u32, why: &str) -> Event {
    let reached = resolve(&scene.directory.catch_all, scene, u64::from(times));
    // A channel wakes nobody: the catch-all is a person, or nobody was alarmed.
    let (people, skipped) = (reached.people, reached.skipped);
    let wait = if people.is_empty() {
        NOBODY_AT_ALL_SECS
    } else {
        CATCH_ALL_EVERY_SECS
            .saturating_mul(1 << times.min(6))
            .min(DAY_SECS)
    };
    Event::CatchAll {
        people,
        skipped,
        why: why.to_owned(),
        next_due: scene.now.plus_secs(wait),
        nobody_else: false,
    }
}

/// What is due on the ladder at `scene.now`; empty when nothing is.
pub(super) fn due(incident: &Incident, scene: &Scene<'_>) -> Vec<Event> {
    match incident.climb {
        Climb::Next { round, rung, due } if due <= scene.now => {
            let why = match (round, rung) {
                (0, 0) => opened_because(incident),
                (r, 0) => format!("nobody acknowledged; round {}", r + 1),
                _ => "nobody acknowledged in time".to_owned(),
            };
            climb(incident, scene, round, rung, &why)
        }
        Climb::Exhausted { times, due } if due <= scene.now => {
            vec![catch_all(scene, times, "still nobody has acknowledged")]
        }
        _ => Vec::new(),
    }
}

/// Why the first step is climbed.
fn opened_because(incident: &Incident) -> String {
    match incident.held {
        None => "it was opened".to_owned(),
        Some(held) if held.lifted => {
            format!("it was opened, and {} did not do what it should", held.run)
        }
        Some(held) => format!("it was opened, and {} did not clear it in time", held.run),
    }
}

/// The rung after the last one climbed, for "escalate now" and for a rung that failed to arrive.
pub(super) fn next_now(incident: &Incident, scene: &Scene<'_>, why: &str) -> Vec<Event> {
    match incident.climb {
        Climb::Next { round, rung, .. } => climb(incident, scene, round, rung, why),
        Climb::Exhausted { times, .. } => vec![catch_all(scene, times, why)],
        Climb::Resting => climb(incident, scene, 0, 0, why),
    }
}

/// Starts the ladder again from its first rung, now: whoever had it no longer does.
pub(super) fn retrigger(incident: &Incident, scene: &Scene<'_>, why: &str) -> Vec<Event> {
    if let Some(mute) = incident.muted_at(scene.now) {
        // Nobody has it any more, and nobody is paged for it before the silence ends.
        return vec![Event::Retriggered {
            why: why.to_owned(),
            due: mute.until,
        }];
    }
    let mut events = vec![Event::Retriggered {
        why: why.to_owned(),
        due: scene.now,
    }];
    events.extend(climb(incident, scene, 0, 0, why));
    events
}

/// Why a step does not count at this instant.
pub(super) fn not_now(incident: &Incident, scene: &Scene<'_>, step: &Rung) -> Option<String> {
    let when = &step.when;
    if let Some(urgency) = when.urgency.filter(|u| *u != incident.urgency) {
        return Some(format!("is for {} urgency only", urgency.word()));
    }
    if let Some(inside) = when.inside_hours {
        let service = incident.service.as_ref();
        let service = service.and_then(|s| scene.directory.services.get(s));
        let hours = service.and_then(|s| s.support.as_ref()).map(|s| &s.hours);
        let is_inside = hours.is_none_or(|h| h.covers(scene.now));
        if inside != is_inside {
            let hours = hours.map_or_else(|| "none are set".to_owned(), Hours::words);
            let side = if inside { "inside" } else { "outside" };
            return Some(format!(
                "is for {side} of the service's hours only ({hours})"
            ));
        }
    }
    let open = scene.now.since_ms(incident.opened_at);
    let after = when
        .after_secs
        .map(|s| i64::try_from(s).unwrap_or(i64::MAX / 1000) * 1000);
    let early = after.filter(|after| open < *after)?;
    Some(format!("counts {} after the begin", human_ms(early)))
}

/// Whoever has acknowledged a step that needs more people has done their part.
fn spare(incident: &Incident, reached: &mut Reached) {
    let agreed = |id: &str| incident.agreed.iter().any(|a| a.person() == Some(id));
    let (done, left): (Vec<_>, Vec<_>) = std::mem::take(&mut reached.people)
        .into_iter()
        .partition(|p| agreed(&p.id));
    reached.people = left;
    reached.skipped.extend(done.into_iter().map(|p| Skipped {
        who: format!("person {}", p.id),
        why: "has acknowledged".to_owned(),
    }));
}

/// How many different people must acknowledge now.
pub(super) fn needs(incident: &Incident) -> u8 {
    let rung = incident
        .last_rung
        .and_then(|n| incident.ladder.rungs.get(n));
    rung.map_or(1, |r| r.acks.max(1))
}

/// A step may need more people than one.
pub(super) fn acknowledged(incident: &Incident, by: Actor) -> Result<Vec<Event>, Refusal> {
    let needs = needs(incident);
    let before = u8::try_from(incident.agreed.len()).unwrap_or(u8::MAX);
    if needs <= 1 || incident.status != Status::Triggered {
        return Ok(vec![Event::Acknowledged { by }]);
    }
    if incident.agreed.iter().any(|a| a.same(&by)) {
        let left = needs.saturating_sub(before);
        return Err(Refusal::NothingToDo {
            what: format!(
                "You have acknowledged already; this step needs {}.",
                text::count(usize::from(left), "more person").replace("persons", "people")
            ),
        });
    }
    let have = before.saturating_add(1);
    if have >= needs {
        return Ok(vec![Event::Acknowledged { by }]);
    }
    Ok(vec![Event::AckCounted { by, have, needs }])
}

/// Its policy was edited in the files: that is offered, never taken.
pub(super) fn edited(incident: &Incident, scene: &Scene<'_>) -> Result<Vec<Event>, Refusal> {
    match crate::core::explain::edited(incident, scene.directory) {
        Some(policy) => Ok(vec![Event::PolicyEdited {
            policy: policy.id.clone(),
        }]),
        None => Err(Refusal::NothingToDo {
            what: "It follows its policy as it is now.".to_owned(),
        }),
    }
}

/// Follow the policy as it is configured now.
pub(super) fn adopt(
    incident: &Incident,
    scene: &Scene<'_>,
    by: Actor,
) -> Result<Vec<Event>, Refusal> {
    if !incident.is_open() {
        return Err(Refusal::AlreadyResolved);
    }
    let id = &incident.ladder.policy;
    let Some(policy) = scene.directory.policies.get(id) else {
        return Err(Refusal::Invalid {
            why: format!(
                "There is no policy {id:?} any more; it goes on with the one it started with."
            ),
        });
    };
    let ladder = crate::core::route::freeze(policy);
    if ladder == *incident.ladder {
        return Err(Refusal::NothingToDo {
            what: format!("It follows the policy {id} as it is now."),
        });
    }
    Ok(vec![Event::LadderChanged { by, ladder }])
}

/// When whoever has it is asked whether anything moves.
pub(super) fn remind_at(incident: &Incident) -> Option<Time> {
    let resting = incident.status == Status::Acknowledged && incident.snoozed_until.is_none();
    let secs = incident.ladder.remind_secs.filter(|_| resting)?;
    let at = incident.moved_at.plus_secs(secs.max(1));
    // Nobody is asked while a silence covers it.
    Some(incident.muted.as_ref().map_or(at, |m| at.max(m.until)))
}

/// Nothing has moved: whoever has it is asked once, and then the ladder is climbed anew.
pub(super) fn remind(incident: &Incident, scene: &Scene<'_>) -> Vec<Event> {
    let by = incident.acked_by.as_ref();
    let name = by.map_or("Somebody", |b| b.name());
    if incident.reminded {
        let why = format!("nothing has moved since {name} was reminded");
        return retrigger(incident, scene, &why);
    }
    let ms = scene.now.since_ms(incident.moved_at);
    let why = format!(
        "nothing has moved for {} after {name} acknowledged",
        human_ms(ms)
    );
    let whom: Vec<Target> = by
        .and_then(|b| b.person())
        .map(|id| Target::Person(id.to_owned()))
        .into_iter()
        .collect();
    let reached = resolve(&whom, scene, 0);
    if reached.people.is_empty() {
        return retrigger(incident, scene, &why);
    }
    vec![Event::Reminded {
        people: reached.people,
        skipped: reached.skipped,
        why,
    }]
}

/// The state after the rung at `(round, rung)` was climbed.
pub(super) fn after(round: u8, rung: u32, due: Time) -> Climb {
    Climb::Next {
        round,
        rung: rung as usize + 1,
        due,
    }
}
