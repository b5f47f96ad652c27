//! What a rotation in another order, or with other hand-offs, would mean for each person, before
//! anybody writes it into a file. Nothing is changed here.

use super::Console;
use super::load::{self, Moment};
use super::trouble::Trouble;
use super::view::frame::Here;
use super::view::preview::{self as draw, PreviewForm, Previewed};
use super::viewer::Viewer;
use crate::core::directory::Directory;
use crate::core::fairness;
use crate::core::schedule::{Handoff, Rotation, Schedule, Source, Version, instant, parse_handoff};
use crate::core::time::Time;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use chrono::{NaiveDateTime, TimeZone};

/// Days that are compared.
const DAYS: std::ops::RangeInclusive<i64> = 1..=366;
/// Turns of a rotation; a longer list is no rotation of people.
const TURNS: usize = 200;
/// Pages of the past that are counted with at most.
const PAGES: i64 = 100_000;
/// Nobody's turn.
const NONE: &str = "none";
const WALL: &str = "%Y-%m-%d %H:%M";

/// The page.
pub(super) async fn preview(
    State(console): State<Console>,
    viewer: Viewer,
    Path(id): Path<String>,
    Query(asked): Query<PreviewForm>,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    let schedule = super::calendar::schedule(&moment, &id)?;
    let form = filled(schedule, &asked, moment.now);
    let (mut shown, mut why) = (None, String::new());
    if !asked.people.trim().is_empty() {
        match changed(schedule, &form, &moment.directory) {
            Err(what) => why = what,
            Ok(then) => {
                let days = form.days.clamp(*DAYS.start(), *DAYS.end());
                let until = moment.now.plus_ms(days * 86_400_000);
                let since = fairness::before(moment.now, until);
                let store = console.app.engine.store();
                let pages = store.page_times(since, moment.now, PAGES).await?;
                let both = (schedule, &then);
                let effect = fairness::preview(&moment.directory, both, &pages, moment.now, until);
                shown = Some(Previewed {
                    effect,
                    file: file(&form),
                });
            }
        }
    }
    let body = draw::preview(moment.scene(), schedule, &form, shown.as_ref(), &why);
    let path = format!("/oncall/{id}/preview");
    let title = format!("{}: what if", schedule.name);
    load::page(&console, &moment, (Here::OnCall, &path), &title, &body).await
}

/// What is asked, with what is not said taken from the rotation as it is.
fn filled(schedule: &Schedule, asked: &PreviewForm, now: Time) -> PreviewForm {
    let mut form = asked.clone();
    let known = schedule
        .layers
        .iter()
        .filter(|l| l.versions.last().is_some_and(rotates));
    let mut names = known.map(|l| &l.name);
    if form.layer.is_empty() {
        form.layer = names.next().cloned().unwrap_or_default();
    }
    let version = newest(schedule, &form.layer);
    if let Some((version, rotation)) = version {
        if form.people.trim().is_empty() {
            form.people = people(rotation);
        }
        if form.starts.trim().is_empty() {
            let next = schedule.next_handoff(now).map_or(now, |t| t.since);
            let wall = version.zone.from_utc_datetime(&next.utc().naive_utc());
            form.starts = wall.format(WALL).to_string();
        }
    }
    if form.days == 0 {
        form.days = 90;
    }
    form
}

fn rotates(version: &Version) -> bool {
    matches!(version.source, Source::Rotation(_))
}

fn newest<'a>(schedule: &'a Schedule, layer: &str) -> Option<(&'a Version, &'a Rotation)> {
    let layer = schedule.layers.iter().find(|l| l.name == layer)?;
    let version = layer.versions.last()?;
    match &version.source {
        Source::Rotation(rotation) => Some((version, rotation)),
        Source::Listed(_) => None,
    }
}

/// `ana, bo + chandra, none`.
fn people(rotation: &Rotation) -> String {
    let turn = |group: &Vec<String>| match group.as_slice() {
        [] => NONE.to_owned(),
        people => people.join(" + "),
    };
    let turns: Vec<String> = rotation.turns.iter().map(turn).collect();
    turns.join(", ")
}

/// The schedule with the layer's new version.
///
/// # Errors
/// In words with the remedy.
fn changed(
    schedule: &Schedule,
    form: &PreviewForm,
    directory: &Directory,
) -> Result<Schedule, String> {
    let Some((version, rotation)) = newest(schedule, &form.layer) else {
        return Err("Choose a layer in which people take turns.".to_owned());
    };
    let starts = form.starts.trim().replace('T', " ");
    let starts = NaiveDateTime::parse_from_str(&starts, WALL).map_err(|_| {
        format!(
            "`{}` is no time on the wall such as 2026-12-07 09:00.",
            form.starts
        )
    })?;
    let handoff = match form.handoff.trim() {
        "" => rotation.handoff.clone(),
        text => handoff(text)?,
    };
    let new = Version {
        from: instant(version.zone, starts),
        source: Source::Rotation(Rotation {
            starts,
            handoff,
            turns: turns(&form.people, directory)?,
            count: rotation.count,
        }),
        ..version.clone()
    };
    let mut then = schedule.clone();
    if let Some(layer) = then.layers.iter_mut().find(|l| l.name == form.layer) {
        // What was to come later is what is being changed.
        layer.versions.retain(|v| v.from < new.from);
        layer.versions.push(new);
    }
    Ok(then)
}

/// `weekly`, a cron expression, or `4d, 3d`.
fn handoff(text: &str) -> Result<Handoff, String> {
    let list = text.trim_matches(['[', ']']).split(',');
    let lengths: Vec<&str> = list.map(|l| l.trim().trim_matches('"')).collect();
    let read = if lengths.len() > 1 || text.starts_with('[') {
        Handoff::sequence(lengths.iter().copied())
    } else {
        parse_handoff(text)
    };
    read.map_err(|why| format!("{}.", why.lines().next().unwrap_or_default()))
}

fn turns(text: &str, directory: &Directory) -> Result<Vec<Vec<String>>, String> {
    let mut turns = Vec::new();
    for turn in text.split(',').map(str::trim).filter(|t| !t.is_empty()) {
        let mut group = Vec::new();
        for id in turn.split('+').map(str::trim).filter(|id| *id != NONE) {
            if !directory.people.contains_key(id) {
                return Err(format!(
                    "There is no person `{id}`; write ids as in people/, with commas between turns."
                ));
            }
            group.push(id.to_owned());
        }
        turns.push(group);
    }
    if turns.iter().all(Vec::is_empty) || turns.len() > TURNS {
        return Err(format!(
            "Write 1 to {TURNS} turns, such as: ana, bo, chandra."
        ));
    }
    Ok(turns)
}

/// The lines that make it so.
fn file(form: &PreviewForm) -> String {
    let turn = |turn: &str| {
        let ids: Vec<String> = turn
            .split('+')
            .map(|id| format!("{:?}", id.trim()))
            .collect();
        match ids.as_slice() {
            [one] => one.clone(),
            several => format!("[{}]", several.join(", ")),
        }
    };
    let turns = form.people.split(',').filter(|t| !t.trim().is_empty());
    let turns: Vec<String> = turns.map(turn).collect();
    let handoff = match form.handoff.trim() {
        "" => "# handoff: as in the version before".to_owned(),
        list if list.contains(',') && !list.contains('[') => {
            let lengths = list.split(',').map(|l| format!("{:?}", l.trim()));
            format!("handoff = [{}]", lengths.collect::<Vec<_>>().join(", "))
        }
        list if list.starts_with('[') => format!("handoff = {list}"),
        word => format!("handoff = {word:?}"),
    };
    let starts = form.starts.trim().replace('T', " ");
    format!(
        "[[layers]]\nname = {:?}\neffective-from = {starts:?}\nstarts = {starts:?}\n{handoff}\npeople = [{}]\n",
        form.layer,
        turns.join(", ")
    )
}
