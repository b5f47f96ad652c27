//! The house rules that a compiler does not know. Each test lists all places that break its rule.
//!
//! A rule has named exceptions with a reason; an exception that is no longer needed is a fault too.

mod sleeps;
mod source;

use regex::Regex;
use sleeps::SLEEP_EXCEPTIONS;
use source::{File, files, root, test_files};
use std::collections::BTreeSet;

/// The rooms from the foundation up; those of one floor do not know each other.
const FLOORS: &[&[&str]] = &[
    &["core"],
    &["calendar"],
    &["config"],
    &["store"],
    &["metrics"],
    &["chat"],
    &["notify", "page", "run", "share"],
    &["engine"],
    &["ingest", "dispatch"],
    &["hear"],
    &["platform"],
    &["http"],
    &["cli"],
];

/// File, the room above it that it may use, and why.
const ARROW_EXCEPTIONS: &[(&str, &str, &str)] = &[];

/// What `core` may use of other crates. `serde_json` writes exports, `pulldown_cmark` reads what people
/// wrote, `diffy` merges it: as pure as the rest.
const CORE_CRATES: &[&str] = &[
    "chrono",
    "chrono_tz",
    "cron",
    "diffy",
    "pulldown_cmark",
    "regex",
    "secrecy",
    "serde",
    "serde_json",
    "sha2",
    "thiserror",
];

/// What reads a clock or waits; not even a test of `core` may.
const CLOCKS: &str =
    r"\b(Utc::now|Local::now|SystemTime|Instant|async fn|async move|async \{|\.await\b)";

/// What talks to the world; a test of `core` may print its seed and read a golden file.
const WORLD: &str = r"\b(std::(fs|net|env|process|thread|io)\b|println!|eprintln!)";

/// Lines of a file.
const LINES: usize = 600;

fn rust() -> Vec<File> {
    let mut all = files("src", ".rs");
    all.extend(files("tests", ".rs"));
    all.extend(files("benches", ".rs"));
    assert!(all.len() > 20, "the source tree was not found");
    all
}

/// Fails with all violations at once.
fn none(rule: &str, violations: &[String]) {
    assert!(
        violations.is_empty(),
        "\n{rule}\n{} to mend:\n  {}\n",
        violations.len(),
        violations.join("\n  ")
    );
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// The rooms a file uses, with the place.
fn uses(file: &File) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let absolute = Regex::new(r"\bcrate::(?:(\w+)|\{)").unwrap();
    for m in absolute.captures_iter(&file.code) {
        let whole = m.get_match();
        match m.get(1) {
            Some(room) => found.push((whole.start(), room.as_str().to_owned())),
            None => found.extend(
                group(&file.code[whole.end()..])
                    .into_iter()
                    .map(|room| (whole.start(), room)),
            ),
        }
    }
    let relative = Regex::new(r"\b((?:super::)+)(\w+)").unwrap();
    for m in relative.captures_iter(&file.code) {
        let reaches_the_crate = m[1].matches("super").count() >= file.depth();
        if reaches_the_crate && floor(&m[2]).is_some() {
            found.push((m.get_match().start(), m[2].to_owned()));
        }
    }
    found
}

/// First names of `a, b::{c, d}, e}`.
fn group(text: &str) -> Vec<String> {
    let (mut depth, mut names, mut name) = (0, Vec::new(), String::new());
    let mut taking = true;
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(std::mem::take(&mut name));
                taking = true;
            }
            _ if !taking => {}
            ':' => taking = false,
            c if c.is_alphanumeric() || c == '_' => name.push(c),
            _ => taking = name.is_empty(),
        }
    }
    names.push(name);
    names.retain(|n| !n.is_empty());
    names
}

fn upward(files: &[File], exceptions: &[(&str, &str, &str)]) -> Vec<String> {
    let (mut faults, mut used) = (BTreeSet::new(), BTreeSet::new());
    for file in files.iter().filter(|f| f.path.starts_with("src/")) {
        let room = file.room();
        if room.is_empty() {
            continue;
        }
        let Some(own) = floor(room) else {
            faults.insert(format!("{}: `{room}` has no floor in FLOORS", file.path));
            continue;
        };
        for (offset, to) in uses(file) {
            let downward = to == room || floor(&to).is_none_or(|other| other < own);
            let excepted = exceptions
                .iter()
                .position(|(path, target, _)| *path == file.path && *target == to);
            match excepted {
                _ if downward => {}
                Some(index) => {
                    used.insert(index);
                }
                None => {
                    faults.insert(format!("{}: {room} uses {to}", file.at(offset)));
                }
            }
        }
    }
    for (index, (path, to, _)) in exceptions.iter().enumerate() {
        if !used.contains(&index) {
            faults.insert(format!("{path}: the exception for {to} is not needed"));
        }
    }
    faults.into_iter().collect()
}

#[test]
fn arrows_between_rooms_point_only_downwards() {
    none(
        "A room uses only rooms of lower floors (FLOORS in tests/it/tidy.rs).",
        &upward(&rust(), ARROW_EXCEPTIONS),
    );
}

/// The names our dependencies have in code.
fn dependencies() -> BTreeSet<String> {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    ["dependencies", "dev-dependencies"]
        .iter()
        .filter_map(|section| manifest.get(*section)?.as_table())
        .flat_map(|table| table.keys().map(|name| name.replace('-', "_")))
        .collect()
}

fn impure(files: &[File], dependencies: &BTreeSet<String>) -> Vec<String> {
    let (clocks, world) = (Regex::new(CLOCKS).unwrap(), Regex::new(WORLD).unwrap());
    let path = Regex::new(r"(?:^|[^:\w])(\w+)::").unwrap();
    let tests = test_files(files);
    let mut faults = Vec::new();
    for file in files.iter().filter(|f| f.path.starts_with("src/core/")) {
        let foot = if tests.contains(&file.path) {
            0
        } else {
            file.tests_from()
        };
        let product = &file.code[..foot];
        for m in clocks.find_iter(&file.code).chain(world.find_iter(product)) {
            faults.push(format!("{}: {}", file.at(m.start()), m.as_str()));
        }
        for m in path.captures_iter(product) {
            let name = &m[1];
            if dependencies.contains(name) && !CORE_CRATES.contains(&name) {
                faults.push(format!(
                    "{}: the crate {name}",
                    file.at(m.get_match().start())
                ));
            }
        }
    }
    faults
}

#[test]
fn the_core_stays_pure() {
    none(
        "src/core has no clock, no I/O, no async, and no crates but those in CORE_CRATES.",
        &impure(&rust(), &dependencies()),
    );
}

#[test]
fn files_stay_short() {
    let long: Vec<String> = rust()
        .iter()
        .map(|f| (f.text.lines().count(), &f.path))
        .filter(|(lines, _)| *lines > LINES)
        .map(|(lines, path)| format!("{path}: {lines} lines"))
        .collect();
    none(&format!("A file has at most {LINES} lines."), &long);
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<String> = rust()
        .iter()
        .filter(|f| !f.text.starts_with("//! "))
        .map(|f| f.path.clone())
        .collect();
    none("A file begins with `//!` and what it promises.", &silent);
}

fn unfinished(files: &[File]) -> Vec<String> {
    let everywhere =
        Regex::new(r"\b(todo|unimplemented|dbg)!|#\[(ignore|should_panic|allow)\b").unwrap();
    let careless = Regex::new(r"\.unwrap\(\)").unwrap();
    let tests = test_files(files);
    let mut faults = Vec::new();
    for file in files {
        for m in everywhere.find_iter(&file.code) {
            faults.push(format!("{}: {}", file.at(m.start()), m.as_str()));
        }
        if !tests.contains(&file.path) {
            for m in careless.find_iter(&file.code[..file.tests_from()]) {
                faults.push(format!("{}: unwrap outside tests", file.at(m.start())));
            }
        }
    }
    faults
}

#[test]
fn nothing_is_left_unfinished() {
    none(
        "No todo!, unimplemented!, dbg!, #[ignore], #[should_panic]; #[expect] with a reason instead \
         of #[allow]; no unwrap outside tests.",
        &unfinished(&rust()),
    );
}

fn waiting(files: &[File], exceptions: &[(&str, &str)]) -> Vec<String> {
    let sleep = Regex::new(r"\b(sleep|sleep_until|park_timeout|interval)\(").unwrap();
    let tests = test_files(files);
    let (mut faults, mut used) = (Vec::new(), BTreeSet::new());
    for file in files {
        let from = if tests.contains(&file.path) {
            0
        } else {
            file.tests_from()
        };
        let excepted = exceptions.iter().any(|(path, _)| *path == file.path);
        for m in sleep.find_iter(&file.code[from..]) {
            used.insert(file.path.as_str());
            if !excepted {
                faults.push(format!("{}: {}", file.at(from + m.start()), m.as_str()));
            }
        }
    }
    for (path, _) in exceptions.iter().filter(|(path, _)| !used.contains(path)) {
        faults.push(format!("{path}: the exception is not needed"));
    }
    faults
}

#[test]
fn tests_do_not_wait_for_the_clock() {
    none(
        "A test waits for what it wants to see, with a limit; it does not sleep.",
        &waiting(&rust(), SLEEP_EXCEPTIONS),
    );
}

fn misnamed(text: &str) -> Vec<String> {
    let code = source::code(text);
    let head = Regex::new(r"pub enum \w*Event \{").unwrap();
    let body = head.splitn(&code, 2).collect::<Vec<_>>();
    let body = body.get(1).map(|rest| ("", *rest));
    let body = body.map_or("", |(_, rest)| rest);
    let body = body.split_once("\n}").map_or(body, |(body, _)| body);
    let variant = Regex::new(r"(?m)^    ([A-Z]\w*)").unwrap();
    let arm = Regex::new(r#"Event::(\w+)(?: \{ \.\. \})? => "(\w+)""#).unwrap();
    let kinds: Vec<(String, String)> = arm
        .captures_iter(text)
        .map(|m| (m[1].to_owned(), m[2].to_owned()))
        .collect();
    let mut faults = Vec::new();
    for m in variant.captures_iter(body) {
        let name = &m[1];
        // The name serde stores it under.
        let mut want = String::new();
        for c in name.chars() {
            if c.is_uppercase() && !want.is_empty() {
                want.push('_');
            }
            want.extend(c.to_lowercase());
        }
        // One that holds events of its own has their names.
        let holds = text.contains(&format!("Event::{name}(event) => event.kind()"));
        if !holds && !kinds.contains(&(name.to_owned(), want.clone())) {
            faults.push(format!("Event::{name} has no kind `{want}`"));
        }
    }
    if kinds.is_empty() || body.is_empty() {
        faults.push("the events were not found".to_owned());
    }
    faults
}

#[test]
fn every_event_has_the_name_it_is_stored_under() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let all = read("src/core/incident/event.rs") + &read("src/core/incident/kind.rs");
    for text in [all, read("src/core/incident/conduct/event.rs")] {
        none(
            "`Event::kind` is serde's name of the variant.",
            &misnamed(&text),
        );
    }
}

/// `names` are paths under `migrations/`; `samples/` holds what a database of that version held.
fn backward(names: &[String]) -> Vec<String> {
    let name = Regex::new(r"^(\d{4,14})_[a-z0-9_]+\.sql$").unwrap();
    let (samples, migrations): (Vec<_>, Vec<_>) = names
        .iter()
        .map(String::as_str)
        .partition(|n| n.starts_with("samples/"));
    let mut faults = Vec::new();
    let mut last = None;
    for file in &migrations {
        match name.captures(file).and_then(|m| m[1].parse::<u64>().ok()) {
            None => faults.push(format!("migrations/{file}: not NUMBER_what_it_does.sql")),
            number if number <= last => {
                faults.push(format!("migrations/{file}: its number is not the next"));
            }
            number => last = number,
        }
        if !samples.contains(&format!("samples/{file}").as_str()) {
            faults.push(format!("migrations/{file}: has no sample data in samples/"));
        }
    }
    if migrations.is_empty() {
        faults.push("migrations/ is missing or empty".to_owned());
    }
    faults
}

#[test]
fn migrations_only_go_forward() {
    let names: Vec<String> = files("migrations", "")
        .iter()
        .map(|f| f.path.trim_start_matches("migrations/").to_owned())
        .collect();
    none(
        "Migrations are numbered files in one folder, none goes back, each has sample data.",
        &backward(&names),
    );
}

/// What a heading is called in a link, as GitHub makes it.
fn anchor(heading: &str) -> String {
    heading
        .trim()
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

fn anchors(markdown: &str) -> BTreeSet<String> {
    prose(markdown)
        .lines()
        .filter(|l| l.starts_with('#'))
        .map(|l| anchor(l.trim_start_matches('#')))
        .collect()
}

/// Markdown without its code blocks; lines stay where they are.
fn prose(markdown: &str) -> String {
    let mut fenced = false;
    markdown
        .lines()
        .map(|line| {
            let fence = line.trim_start().starts_with("```");
            fenced ^= fence;
            if fenced || fence { "" } else { line }
        })
        .collect::<Vec<_>>()
        .join("\n")
}

fn lost_links(document: &File) -> Vec<String> {
    let link = Regex::new(r"\]\(<?([^)\s>]+)[^)]*\)").unwrap();
    let elsewhere = Regex::new(r"^[a-z][a-z+.-]*:").unwrap();
    let text = prose(&document.text);
    let folder = root().join(&document.path).parent().unwrap().to_owned();
    let mut faults = Vec::new();
    for m in link.captures_iter(&text) {
        if elsewhere.is_match(&m[1]) {
            continue;
        }
        let (path, part) = m[1].split_once('#').unwrap_or((&m[1], ""));
        let line = text[..m.get_match().start()].matches('\n').count() + 1;
        let target = folder.join(path);
        let reached = if path.is_empty() {
            Some(document.text.clone())
        } else if target.is_dir() {
            Some(String::new())
        } else {
            std::fs::read(&target)
                .ok()
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        };
        let fault = match reached {
            None => "leads nowhere",
            Some(text) if !part.is_empty() && m[1].contains(".md#") | path.is_empty() => {
                if anchors(&text).contains(part) {
                    continue;
                }
                "names a heading that is not there"
            }
            Some(_) => continue,
        };
        faults.push(format!("{}:{line}: {} {fault}", document.path, &m[1]));
    }
    faults
}

#[test]
fn links_in_documents_lead_somewhere() {
    let lost: Vec<String> = files("", ".md").iter().flat_map(lost_links).collect();
    none("Links to files and headings resolve.", &lost);
}

#[test]
fn the_rules_notice_what_they_forbid() {
    let bad_core = File::invented(
        "src/core/x.rs",
        "use crate::{config::Settings, core::id};\nfn f() { super::super::engine::go(); }\n\
         fn g() { let t = chrono::Utc::now(); tokio::spawn(t); }\n\
         // crate::http in a comment\nfn h() { let s = \"crate::http\"; todo!() }\n",
    );
    let arrows = upward(std::slice::from_ref(&bad_core), &[]);
    assert_eq!(
        arrows,
        [
            "src/core/x.rs:1: core uses config",
            "src/core/x.rs:2: core uses engine"
        ]
    );
    let excepted = [
        ("src/core/x.rs", "config", ""),
        ("src/core/x.rs", "engine", ""),
        ("src/core/x.rs", "http", ""),
    ];
    assert_eq!(
        upward(std::slice::from_ref(&bad_core), &excepted),
        ["src/core/x.rs: the exception for http is not needed"]
    );
    let sideways = File::invented(
        "src/run/x.rs",
        "use crate::notify::Page;\nuse crate::core::id;",
    );
    assert_eq!(
        upward(&[sideways], &[]),
        ["src/run/x.rs:1: run uses notify"]
    );
    assert_eq!(
        upward(&[File::invented("src/attic.rs", "")], &[]),
        ["src/attic.rs: `attic` has no floor in FLOORS"]
    );
    let known = BTreeSet::from(["tokio".to_owned(), "chrono".to_owned()]);
    assert_eq!(
        impure(std::slice::from_ref(&bad_core), &known),
        [
            "src/core/x.rs:3: Utc::now",
            "src/core/x.rs:3: the crate tokio"
        ]
    );
    assert_eq!(unfinished(&[bad_core]), ["src/core/x.rs:5: todo!"]);
}

#[test]
fn the_rules_know_tests_from_the_rest() {
    let parent = File::invented("src/run/mod.rs", "#[cfg(test)]\nmod lives;\n");
    let sleepy = "fn wait() { sleep(1); x.unwrap(); }\n";
    let lives = File::invented("src/run/lives.rs", sleepy);
    let foot = format!("{sleepy}#[cfg(test)]\nmod tests {{\n{sleepy}}}\n");
    let mixed = File::invented("src/run/mixed.rs", &foot);
    let all = [parent, lives, mixed];
    assert_eq!(
        waiting(&all, &[]),
        ["src/run/lives.rs:1: sleep(", "src/run/mixed.rs:4: sleep("]
    );
    assert_eq!(
        waiting(&all, &[("src/run/lives.rs", ""), ("src/run/mod.rs", "")]),
        [
            "src/run/mixed.rs:4: sleep(",
            "src/run/mod.rs: the exception is not needed"
        ]
    );
    assert_eq!(
        unfinished(&all),
        ["src/run/mixed.rs:1: unwrap outside tests"]
    );
}

#[test]
fn the_rules_read_code_names_and_links_as_they_are_meant() {
    let text =
        "let a = 'x'; let b = '\"'; f::<'a>(\"s\\\"t\"); r#\"raw \" todo!\"#; /* a /* b */ c */ d";
    let code = source::code(text);
    assert_eq!(code.len(), text.len());
    assert!(code.contains("f::<'a>(") && code.ends_with(" d"), "{code}");
    assert!(
        !code.contains("todo") && !code.contains(" c ") && !code.contains('"'),
        "{code}"
    );

    let events = "pub enum Event {\n    RunEnded {\n        Field: u8,\n    },\n    Other,\n}\n\
                  match e { Event::RunEnded { .. } => \"run_ended\", Event::Other => \"othr\" }";
    assert_eq!(misnamed(events), ["Event::Other has no kind `other`"]);

    let names = |names: &[&str]| -> Vec<String> { names.iter().map(|n| (*n).to_owned()).collect() };
    let good = names(&[
        "0001_a.sql",
        "0002_b.sql",
        "samples/0001_a.sql",
        "samples/0002_b.sql",
    ]);
    assert!(backward(&good).is_empty());
    assert_eq!(
        backward(&good[..3]),
        ["migrations/0002_b.sql: has no sample data in samples/"]
    );
    let bad = names(&["0001_a.sql", "0001_b.sql", "0002_x.down.sql", "3.sql"]);
    assert_eq!(backward(&bad).len(), 3 + 4);
    assert_eq!(backward(&[]).len(), 1);

    let document = File::invented(
        "README.md",
        "# One thing\n[a](Cargo.toml) [b](https://x/y) [c](#one-thing) [d](#two)\n\
         [e](nowhere.md)\n```\n[f](nowhere.md)\n```\n[g](src)",
    );
    assert_eq!(
        lost_links(&document),
        [
            "README.md:2: #two names a heading that is not there",
            "README.md:3: nowhere.md leads nowhere"
        ]
    );
}
