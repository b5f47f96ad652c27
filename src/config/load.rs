//! From a path to a checked configuration, or to the whole list of what is wrong with it.

mod unnamed;

use super::action::Ground;
use super::calendars::Calendars;
use super::cross::{self, Known};
use super::files::{Files, listed};
use super::folders::{Entry, Mention, Reading, check_id, service, team};
use super::people::person;
use super::reader::{Sink, Table};
use super::rules::{self, Around, RuleFile};
use super::schedule::{Near, schedule};
use super::secret::Secrets;
use super::tree::{Place, parse};
use super::{
    ActionFile, Fault, Loaded, Settings, action, conduct, engines, fairness, insight, kinds,
    layered, maintenance, policy, postmortem, restart, rooms, route, scale, settings, telling,
};
use crate::core::directory::{Directory, Disabled, PlatformRules, Reason};
use chrono_tz::Tz;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use unnamed::{checklists, templates, windows};

/// Environment variables by name.
pub type Variables = BTreeMap<String, String>;

/// The environment of this process; variables that are not UTF-8 are nobody's configuration.
#[must_use]
pub fn variables() -> Variables {
    std::env::vars_os()
        .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
        .collect()
}

/// Loads `firebell.toml` at `path` under the environment of this process, and its folders.
///
/// # Errors
/// Every fault, by file and line.
pub fn load(path: &Path) -> Result<Loaded, Vec<Fault>> {
    load_with(path, &variables())
}

/// [`load`] with a given environment: for `demo --listen` (`FIREBELL__LISTEN`) and for tests.
///
/// # Errors
/// Every fault, by file and line.
pub fn load_with(path: &Path, variables: &Variables) -> Result<Loaded, Vec<Fault>> {
    let sink = Sink::default();
    let base = match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let secrets = Secrets {
        base: &base,
        variables,
        files: RefCell::default(),
    };
    let mut files = Files {
        base: &base,
        read: vec![path.to_path_buf()],
        copies: PathBuf::new(),
        feeds: Vec::new(),
        at_start: BTreeMap::new(),
    };
    let loaded = read_all(path, &mut files, &secrets, &sink);
    files.read.extend(secrets.files.into_inner());
    let mut once = BTreeSet::new();
    files.read.retain(|f| once.insert(f.clone()));
    let (faults, warnings) = sink.into_parts();
    match loaded {
        Some((settings, directory, actions)) if faults.is_empty() => Ok(Loaded {
            settings,
            directory,
            warnings,
            actions,
            files: files.read,
            feeds: files.feeds,
            at_start: files.at_start,
        }),
        _ => Err(faults),
    }
}

/// What is wrong, for a terminal: `path:line: what` and the fix below it.
#[must_use]
pub fn fix_report(faults: &[Fault]) -> String {
    let mut report = String::new();
    for fault in faults {
        let path = fault.path.display();
        let line = match fault.line {
            0 => String::new(),
            n => format!(":{n}"),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            report,
            "{path}{line}: {}\n    fix: {}",
            fault.what, fault.fix
        );
    }
    report
}

fn read_all(
    path: &Path,
    files: &mut Files<'_>,
    secrets: &Secrets<'_>,
    sink: &Sink,
) -> Option<(Settings, Directory, Vec<ActionFile>)> {
    let text = files.text(path, sink)?;
    let node = layered::read(&text, &files.shown(path), secrets.variables, sink)?;
    let top = Table::open(&node, "firebell.toml", sink)?;
    let mut settings = settings::settings(&top, secrets);
    files.at_start = restart::sections(&node, secrets);
    files.copies = settings.data_dir.join("calendars");
    let zone = default_zone(&top);
    let severities = scale::severities(&top);
    let folder = directory_path(&top, files.base);
    let mentions = RefCell::default();
    let kinds_named = RefCell::default();
    let places = settings.slack.iter().map(|s| &s.place);
    let places: Vec<_> = places
        .chain(settings.discord.iter().map(|d| &d.place))
        .collect();
    let console = settings.console.enabled.then(|| "console".to_owned());
    let platforms: Vec<String> = console
        .into_iter()
        .chain(places.iter().map(|p| p.name.clone()))
        .collect();
    let rules = |place: &&super::chat::Place| {
        let rules = PlatformRules {
            furnished: true,
            teams: place.teams.clone(),
        };
        (place.name.clone(), rules)
    };
    let rules = places.iter().map(rules).collect();
    let providers = settings.notify.names();
    let webhooks = policy::webhooks(&top, secrets);
    let reading = Reading {
        sink,
        secrets,
        webhooks: &webhooks,
        zone,
        severities: &severities,
        platforms: &platforms,
        providers: &providers,
        mentions: &mentions,
        kinds: &kinds_named,
    };
    let route = route::route(&top, &reading);
    let reminders = maintenance::reminders(&top);
    let (catch_all, catch_place, said) = paging(&top, &reading);
    let fairness = fairness::fairness(&top);
    let rooms = rooms::rooms(&top, &reading);
    let deadlines = postmortem::deadlines(&top, &severities);
    let inventory = engines::inventory(&top, secrets);
    let mut conduct = conduct::rules(&top, &reading);
    mentions.borrow_mut().extend(insight::mentions(&top));
    let mut directory = Directory {
        route,
        catch_all,
        severities: severities.clone(),
        platforms: platforms.clone(),
        rules,
        zone,
        reminders,
        fairness,
        rooms,
        webhooks: webhooks.clone(),
        ..Directory::default()
    };
    directory.postmortems.deadlines = deadlines;
    let named = kinds::kinds(&top, &reading, &mut directory);
    settings.page = telling::telling(&top, &reading, files.base, &mut directory);
    top.done();
    checklists(&folder, &mut conduct, &directory.types, &reading, files);
    conduct::of_types(&named.checklists, &conduct, sink);
    directory.conduct = Arc::new(conduct);
    let mut found = Found::default();
    entries(&folder, &mut directory, &reading, files, &mut found);
    windows(&folder, &mut directory, &reading, files);
    templates(&folder, &mut directory, files, sink);
    kinds::templates(&named.templates, &directory, sink);
    kinds::named(&kinds_named.borrow(), &directory, sink);
    check(&mut directory, &mut found, &mentions.borrow(), sink);
    cross::catch_all(&directory, said, &catch_place, sink);
    let ground = Ground {
        reading: &reading,
        known: &found.known,
        engines: &settings.engines,
        inventory: &inventory,
    };
    let actions = actions(&folder, &mut directory, files, &ground);
    permits(&folder, &mut directory, files, &found.known, sink);
    add_channels(&mut settings, &directory);
    Some((settings, directory, actions))
}

fn default_zone(top: &Table<'_>) -> Option<Tz> {
    let said = top.text("zone")?;
    settings::parse_zone(top, &said)
}

fn directory_path(top: &Table<'_>, base: &Path) -> PathBuf {
    let Some(table) = top.table("directory", "[directory]") else {
        return base.to_path_buf();
    };
    let said = table.text("path");
    table.done();
    let Some(said) = said else {
        return base.to_path_buf();
    };
    let folder = match said.value.as_str() {
        "." | "" => base.to_path_buf(),
        path => base.join(path),
    };
    if !folder.is_dir() {
        let what = format!(
            "`path` leads to {}, which is not a folder",
            folder.display()
        );
        top.sink.fault(
            &said.place,
            what,
            "create it with people/, teams/, services/, schedules/, policies/ and actions/",
        );
    }
    folder
}

/// The catch-all, its place, and whether the list has items at all.
fn paging(
    top: &Table<'_>,
    reading: &Reading<'_>,
) -> (Vec<crate::core::directory::Target>, Place, bool) {
    let Some(table) = top.table("paging", "[paging]") else {
        return (Vec::new(), top.place_of("paging"), false);
    };
    let targets = policy::targets(&table, "catch-all", reading);
    let (place, said) = (table.place_of("catch-all"), !table.no_items("catch-all"));
    table.done();
    (targets, place, said)
}

/// What reading the folders leaves for the checks across them.
#[derive(Default)]
struct Found {
    known: Known,
    people: BTreeMap<String, Place>,
    services: BTreeMap<String, Place>,
}

fn entries(
    folder: &Path,
    directory: &mut Directory,
    reading: &Reading<'_>,
    files: &mut Files<'_>,
    found: &mut Found,
) {
    for kind in Entry::ALL {
        for (id, path) in listed(&folder.join(kind.folder()), "toml", files, reading.sink) {
            let place = Place::in_file(&files.shown(&path), 1);
            found.known.add(kind, &id);
            if let Err(why) = check_id(&id) {
                let place = Place::in_file(&files.shown(&path), 0);
                reading.sink.fault(
                    &place,
                    format!("the file name {id:?} is no id: {why}"),
                    "rename the file",
                );
            }
            match kind {
                Entry::Person => drop(found.people.insert(id.clone(), place.clone())),
                Entry::Service => drop(found.services.insert(id.clone(), place.clone())),
                _ => {}
            }
            entry(kind, &id, &path, directory, reading, files);
        }
    }
}

fn entry(
    kind: Entry,
    id: &str,
    path: &Path,
    directory: &mut Directory,
    reading: &Reading<'_>,
    files: &mut Files<'_>,
) -> Option<()> {
    let text = files.text(path, reading.sink)?;
    let node = parse(&text, &files.shown(path), reading.sink)?;
    let title = match kind {
        Entry::Person => "a person",
        Entry::Team => "a team",
        Entry::Service => "a service",
        Entry::Schedule => "a schedule",
        Entry::Policy => "a policy",
    };
    let table = Table::open(&node, title, reading.sink)?;
    let calendars = Calendars {
        folder: path.parent().map(Path::to_path_buf).unwrap_or_default(),
        of: (kind, id),
        copies: files.copies.clone(),
        secrets: reading.secrets,
        files: RefCell::default(),
        feeds: RefCell::default(),
    };
    match kind {
        Entry::Person => {
            let leave = table.text("leave");
            let person = person(id, table, reading)?;
            if let Some(said) = leave {
                let leave = calendars.leave(&said, person.zone, reading.sink);
                directory.leaves.insert(id.to_owned(), leave);
            }
            directory.people.insert(id.to_owned(), person);
        }
        Entry::Team => drop(
            directory
                .teams
                .insert(id.to_owned(), team(id, table, reading)),
        ),
        Entry::Service => drop(
            directory
                .services
                .insert(id.to_owned(), service(id, table, reading)),
        ),
        Entry::Schedule => {
            let near = Near {
                reading,
                calendars: &calendars,
                people: &directory.people,
            };
            let schedule = schedule(id, table, &near);
            files.read.extend(calendars.files.take());
            files.feeds.extend(calendars.feeds.take());
            directory.schedules.insert(id.to_owned(), schedule?);
        }
        Entry::Policy => drop(
            directory
                .policies
                .insert(id.to_owned(), policy::policy(id, table, reading)),
        ),
    }
    files.read.extend(calendars.files.take());
    files.feeds.extend(calendars.feeds.take());
    Some(())
}

fn check(directory: &mut Directory, found: &mut Found, mentions: &[Mention], sink: &Sink) {
    found.known.count_roles(&directory.people);
    cross::mentions(mentions, &found.known, sink);
    cross::identities(directory, &found.people, sink);
    cross::services(directory, &found.services, sink);
}

/// Actions are read last and each for itself: what is wrong with one is a warning, and it is not offered.
fn actions(
    folder: &Path,
    directory: &mut Directory,
    files: &mut Files<'_>,
    ground: &Ground<'_>,
) -> Vec<ActionFile> {
    let sink = ground.reading.sink;
    let mut found = Vec::new();
    for (id, path) in listed(&folder.join("actions"), "toml", files, sink) {
        let own = Sink::default();
        let shown = files.shown(&path);
        let written = files
            .text(&path, &own)
            .and_then(|text| action::action(&id, &text, &shown, ground, &own));
        let absent = own.take_absent();
        let (faults, warnings) = own.into_parts();
        let (action, samples, undo_line) = match written {
            Some(w) => (Some(Arc::new(w.action)), w.samples, w.undo_line),
            None => (None, Vec::new(), 0),
        };
        found.push(ActionFile {
            id,
            path: shown.to_path_buf(),
            action,
            samples,
            faults,
            absent,
            warnings,
            undo_line,
        });
    }
    action::after(&mut found);
    for file in &found {
        let id = &file.id;
        match &file.action {
            Some(action) if file.is_on() => {
                directory.actions.insert(id.clone(), Arc::clone(action));
            }
            _ => drop(directory.disabled.insert(id.clone(), disabled(file))),
        }
        let off = file.faults.iter().chain(&file.absent).cloned();
        for mut fault in off {
            fault.what = format!("the action {id} is disabled: {}", fault.what);
            sink.warn_as(fault);
        }
        for warning in &file.warnings {
            sink.warn_as(warning.clone());
        }
    }
    found
}

/// The reasons, for the console.
fn disabled(file: &ActionFile) -> Disabled {
    let reason = |fault: &Fault| Reason {
        place: match fault.line {
            0 => fault.path.display().to_string(),
            n => format!("{}:{n}", fault.path.display()),
        },
        what: fault.what.clone(),
        fix: fault.fix.clone(),
    };
    Disabled {
        title: file.action.as_ref().map(|a| a.title.clone()),
        why: file.faults.iter().chain(&file.absent).map(reason).collect(),
        lacking: file.faults.is_empty(),
    }
}

/// `rules.toml` and `rules/`: a fault there stops every action, and no page.
fn permits(
    folder: &Path,
    directory: &mut Directory,
    files: &mut Files<'_>,
    known: &Known,
    sink: &Sink,
) {
    let own = Sink::default();
    let single = folder.join("rules.toml");
    let mut paths: Vec<PathBuf> = single.exists().then_some(single).into_iter().collect();
    let more = listed(&folder.join("rules"), "toml", files, &own);
    paths.extend(more.into_iter().map(|(_, path)| path));
    let mut found = Vec::new();
    for path in paths {
        let text = files.text(&path, &own);
        let shown = files.shown(&path);
        found.push(RuleFile { path, shown, text });
    }
    let actions = listed(&folder.join("actions"), "toml", files, &own);
    let actions = actions.into_iter().map(|(id, _)| id).collect();
    let around = Around {
        directory,
        known,
        actions: &actions,
    };
    let mut found = rules::rules(&found, &around, &own, &mut files.read);
    let (faults, warnings) = own.into_parts();
    found.broken = faults.first().map(rules::broken);
    directory.permits = Arc::new(found);
    for mut fault in faults {
        fault.what = format!("no action runs until this is mended: {}", fault.what);
        sink.warn_as(fault);
    }
    for warning in warnings {
        sink.warn_as(warning);
    }
}

/// Channels that teams and services post to exist without being listed again.
fn add_channels(settings: &mut Settings, directory: &Directory) {
    for channel in directory.channels() {
        if !settings.console.channels.iter().any(|c| c == channel) {
            settings.console.channels.push(channel.to_owned());
        }
    }
}
