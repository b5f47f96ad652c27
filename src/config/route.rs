//! `[route]`: the tree that decides where alerts go. Children inherit here, so the core need not.

use super::folders::Reading;
use super::reader::{Said, Sink, Table, nearest};
use super::tree::Place;
use crate::core::automation;
use crate::core::directory::{Arg, AutoLevel, Directory, Route};
use crate::core::id::Severity;
use crate::core::matcher::Matcher;
use std::collections::{BTreeMap, BTreeSet};

/// A tree deeper than this is not a routing tree but a mistake.
const DEPTH_MAX: usize = 8;

/// Labels of one grouping.
const GROUP_BY_MAX: usize = 16;

/// An hour of collecting before the first page is already far too long.
const GROUP_WAIT_MS: std::ops::RangeInclusive<i64> = 0..=3_600_000;

/// The root as it is without a `[route]` section: everything pages, one incident by `alertname`.
fn root(reading: &Reading<'_>) -> Route {
    let middle = reading.severities.len().saturating_sub(1).min(2);
    Route {
        name: "default".to_owned(),
        group_by: vec!["alertname".to_owned()],
        severity: Severity(u8::try_from(middle).unwrap_or(0)),
        page: true,
        ..Route::default()
    }
}

/// Reads the tree.
pub(super) fn route(top: &Table<'_>, reading: &Reading<'_>) -> Route {
    let base = root(reading);
    let Some(table) = top.table("route", "[route]") else {
        return base;
    };
    if table.has("match") || table.has("name") {
        let key = if table.has("match") { "match" } else { "name" };
        let place = table.place_of(key);
        table.get("match");
        table.get("name");
        let what =
            format!("the root route has `{key}`, but it is called default and takes every alert");
        reading
            .sink
            .fault(&place, what, "move it into a [[route.routes]] child");
    }
    let place = table.place.clone();
    let route = fill(table, base, reading, 1);
    if !route.page {
        let what = "the root route pages nobody, so an alert no child matches is only listed";
        reading.sink.warn(
            &place,
            what,
            "set page = true here and page = false in a child",
        );
    }
    route
}

/// Lays what a table says over what it inherits, and descends.
fn fill(table: Table<'_>, mut route: Route, reading: &Reading<'_>, depth: usize) -> Route {
    if let Some(labels) = table.texts("group-by") {
        if labels.len() > GROUP_BY_MAX {
            let what = format!("`group-by` has more than {GROUP_BY_MAX} labels");
            reading.sink.fault(
                &table.place_of("group-by"),
                what,
                "name the few that make one incident",
            );
        }
        route.group_by = labels.into_iter().map(|l| l.value).collect();
    }
    if let Some(ms) = table.duration_ms("group-wait", GROUP_WAIT_MS) {
        route.group_wait_ms = ms;
    }
    if let Some(service) = reading.service(&table, "service") {
        route.service = Some(service);
    }
    if let Some(policy) = reading.policy(&table, "policy") {
        route.policy = Some(policy);
    }
    if let Some(said) = table.text("type") {
        route.type_id = Some(said.value.clone());
        reading.kinds.borrow_mut().push(said);
    }
    if let Some(severity) = reading.severity(&table, "severity") {
        route.severity = severity;
    }
    if let Some(page) = table.flag("page") {
        route.page = page;
    }
    automation(&table, &mut route);
    route.children = children(&table, &route, reading, depth);
    table.done();
    route
}

/// `automation = { web-restart = "suggest", "*" = "one-click" }`, over what the parent says.
fn automation(table: &Table<'_>, route: &mut Route) {
    for (action, said) in table.map("automation") {
        let level = AutoLevel::ALL.into_iter().find(|l| l.word() == said.value);
        match level {
            Some(level) => drop(route.automation.insert(action, level)),
            None => {
                let words = AutoLevel::ALL.map(AutoLevel::word);
                let fix = nearest(&said.value, words.into_iter()).map_or_else(
                    || format!("write one of {}", words.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                let what = format!(
                    "`automation`: {action} cannot go as far as {:?}",
                    said.value
                );
                table.sink.fault(&said.place, what, fix);
            }
        }
    }
}

/// What routes say of actions, once those are known: names of none, and levels that are never reached.
pub(super) fn after(directory: &Directory, place: &Place, sink: &Sink) {
    let nothing = BTreeMap::new();
    let mut routes = vec![(&directory.route, &nothing)];
    while let Some((route, above)) = routes.pop() {
        for (id, level) in &route.automation {
            // What is inherited was told of where it is written.
            if id == "*" || above.get(id) == Some(level) {
                continue;
            }
            if let Some((what, fix)) = unreached(directory, &route.name, id, *level) {
                sink.warn(place, what, fix);
            }
        }
        routes.extend(route.children.iter().map(|c| (c, &route.automation)));
    }
}

fn unreached(
    directory: &Directory,
    route: &str,
    id: &str,
    level: AutoLevel,
) -> Option<(String, String)> {
    let Some(action) = directory.actions.get(id) else {
        let off = directory.disabled.contains_key(id);
        let ids = directory.actions.keys().map(String::as_str);
        let fix = nearest(id, ids).map_or_else(
            || format!("create actions/{id}.toml, or remove the line"),
            |near| format!("did you mean `{near}`?"),
        );
        let what =
            format!("the route {route} says how far the action {id:?} goes, which does not exist");
        return (!off).then_some((what, fix));
    };
    let open = |a: &&Arg| a.default.is_none() && a.from_label.is_none();
    let lacks = automation::eligible(action).err().or_else(|| {
        let arg = action.args.iter().find(open)?;
        Some(format!("somebody has to fill in `{}`", arg.name))
    });
    let lacks = lacks.filter(|_| level > AutoLevel::Suggest)?;
    Some((
        format!(
            "the route {route} lets {id} go as far as {}, and it stays a suggestion: {lacks}",
            level.word()
        ),
        format!("change actions/{id}.toml, or write \"suggest\" here"),
    ))
}

fn children(table: &Table<'_>, parent: &Route, reading: &Reading<'_>, depth: usize) -> Vec<Route> {
    let tables = table.tables("routes", "[[route.routes]]");
    if depth > DEPTH_MAX && !tables.is_empty() {
        let what = format!("routes are nested more than {DEPTH_MAX} deep");
        reading.sink.fault(
            &table.place_of("routes"),
            what,
            "put conditions of one child together in its `match`",
        );
        return Vec::new();
    }
    let mut names = BTreeSet::new();
    let mut children = Vec::new();
    let mut catches_all: Option<Place> = None;
    for (i, child) in tables.into_iter().enumerate() {
        let (name, said) = child_name(&child, i);
        if !names.insert(name.clone()) {
            let what = format!("two routes here are called {name}");
            reading.sink.fault(&said, what, "give each its own name");
        }
        if let Some(before) = &catches_all {
            let what = format!(
                "no alert ever reaches this route: the one in line {} takes everything",
                before.line
            );
            reading.sink.fault(
                &child.place,
                what,
                "give that one a `match`, or move it to the end",
            );
        }
        let matchers = matchers(&child, "match");
        if child.no_items("match") {
            catches_all = Some(child.place.clone());
        }
        let inherited = Route {
            name: format!("{}/{name}", parent.name),
            matchers,
            group_by: parent.group_by.clone(),
            group_wait_ms: parent.group_wait_ms,
            service: parent.service.clone(),
            policy: parent.policy.clone(),
            type_id: parent.type_id.clone(),
            severity: parent.severity,
            page: parent.page,
            automation: parent.automation.clone(),
            children: Vec::new(),
        };
        children.push(fill(child, inherited, reading, depth + 1));
    }
    children
}

/// The name a route is explained by: its own, else its service, else its position.
fn child_name(child: &Table<'_>, i: usize) -> (String, Place) {
    let named: Option<Said<String>> = child.text("name").or_else(|| child.text("service"));
    named.map_or_else(
        || ((i + 1).to_string(), child.place.clone()),
        |said| (said.value, said.place),
    )
}

/// A list of matchers under a key; absent is empty.
pub(super) fn matchers(table: &Table<'_>, key: &'static str) -> Vec<Matcher> {
    let mut matchers = Vec::new();
    for said in table.texts(key).unwrap_or_default() {
        match Matcher::parse(&said.value) {
            Ok(matcher) => matchers.push(matcher),
            Err(why) => table.sink.fault(
                &said.place,
                format!("`{key}`: {}", why.lines().next().unwrap_or_default()),
                format!("write {key} = ['label=\"value\"', 'host=~\"web-[0-9]+\"']"),
            ),
        }
    }
    matchers
}
