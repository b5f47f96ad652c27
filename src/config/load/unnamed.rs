//! Folders whose files no other file names: maintenance windows, checklists, postmortem templates.

use super::super::files::{Files, listed};
use super::super::folders::{Reading, check_id};
use super::super::reader::{Sink, Table};
use super::super::tree::{Place, parse};
use super::super::{conduct, maintenance, postmortem};
use crate::core::directory::{ConductRules, Directory, IncidentType};
use std::path::Path;
use std::sync::Arc;

/// `maintenance/ID.toml`: they are named by nobody, and name services and people.
pub(super) fn windows(
    folder: &Path,
    directory: &mut Directory,
    reading: &Reading<'_>,
    files: &mut Files<'_>,
) {
    for (id, path) in listed(&folder.join("maintenance"), "toml", files, reading.sink) {
        let shown = files.shown(&path);
        if let Err(why) = check_id(&id) {
            let what = format!("the file name {id:?} is no id: {why}");
            let place = Place::in_file(&shown, 0);
            reading.sink.fault(&place, what, "rename the file");
        }
        let text = files.text(&path, reading.sink);
        let node = text.and_then(|text| parse(&text, &shown, reading.sink));
        let window = node.as_ref().and_then(|node| {
            let table = Table::open(node, "a maintenance", reading.sink)?;
            let public = table.text("public").map(|s| s.value);
            Some((maintenance::maintenance(&id, table, reading)?, public))
        });
        if let Some((window, public)) = window {
            if let (Some(page), Some(public)) = (&mut directory.page, public) {
                Arc::make_mut(page)
                    .planned
                    .insert(window.id.clone(), public);
            }
            directory
                .maintenance
                .insert(window.id.clone(), Arc::new(window));
        }
    }
}

/// `checklists/ID.toml`: what is worked off in an incident.
pub(super) fn checklists(
    folder: &Path,
    rules: &mut ConductRules,
    types: &[IncidentType],
    reading: &Reading<'_>,
    files: &mut Files<'_>,
) {
    let actions = folder.join("actions");
    for (id, path) in listed(&folder.join("checklists"), "toml", files, reading.sink) {
        let shown = files.shown(&path);
        if let Err(why) = check_id(&id) {
            let what = format!("the file name {id:?} is no id: {why}");
            let place = Place::in_file(&shown, 0);
            reading.sink.fault(&place, what, "rename the file");
        }
        let text = files.text(&path, reading.sink);
        let node = text.and_then(|text| parse(&text, &shown, reading.sink));
        let list = node.as_ref().and_then(|node| {
            let table = Table::open(node, "a checklist", reading.sink)?;
            conduct::checklist(&id, table, reading, (rules, types), &actions)
        });
        rules.checklists.extend(list.map(Arc::new));
    }
}

/// `postmortem/ID.md`: how postmortems read.
pub(super) fn templates(
    folder: &Path,
    directory: &mut Directory,
    files: &mut Files<'_>,
    sink: &Sink,
) {
    for (id, path) in listed(&folder.join("postmortem"), "md", files, sink) {
        let shown = files.shown(&path);
        let read = files
            .text(&path, sink)
            .and_then(|text| postmortem::template(&text, &shown, sink));
        if let Some(read) = read {
            directory.postmortems.templates.insert(id, read);
        }
    }
}
