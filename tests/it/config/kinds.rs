//! Types of incidents, drills and private incidents: what they mean, and their faults by line and fix.

use super::{Folder, each_is_said};
use firebell::core::directory::RunsPolicy;
use firebell::core::id::Severity;

const TOML: &str = "[paging]\ncatch-all = [\"person:ana\"]\n";

#[test]
fn a_type_brings_its_defaults() {
    let folder = Folder::new();
    folder.put(
        "postmortem/security.md",
        "# {{incident.id}} {{incident.type}}\n",
    );
    let lines = "title = \"Breach\"\n[[item]]\ntext = \"Call the lawyer\"\n";
    folder.put("checklists/breach.toml", lines);
    folder.put(
        "firebell.toml",
        &format!(
            "{TOML}[drills]\npage = false\nruns = \"read-only\"\n[private]\npeople = [\"bo\"]\nroles = [\"security\"]\n\
             [[types]]\nid = \"outage\"\nname = \"Outage\"\ndescription = \"Customers cannot use something.\"\nseverity = \"sev2\"\n\
             [[types]]\nid = \"security\"\nprivate = true\nchannel = \"sec\"\nchecklist = \"breach\"\npostmortem = \"security\"\nruns = \"none\"\npeople = [\"ana\"]\n"
        ),
    );
    let loaded = folder.load(&[]).unwrap();
    let d = loaded.directory;
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let outage = d.kind("Outage").unwrap();
    assert_eq!(outage.severity, Some(Severity(1)));
    assert!(!outage.private && !outage.drill);
    let security = d.kind("security").unwrap();
    assert_eq!(security.name, "security");
    assert!(security.private);
    assert_eq!(security.runs, RunsPolicy::None);
    assert_eq!(security.people, ["ana"]);
    assert_eq!(security.checklist.as_deref(), Some("breach"));
    assert!(d.channels().contains("sec"), "its channel exists");
    assert!(!d.drills.page);
    assert_eq!(d.drills.runs, RunsPolicy::ReadOnly);
    assert_eq!(d.insiders.roles, ["security"]);
}

#[test]
fn faults_of_types_name_line_and_fix() {
    let at = |rest: &str| format!("{TOML}{rest}");
    for (text, line, what, fix) in [
        (at("[[types]]\nname = \"x\"\n"), 3, "`id`", "outage"),
        (
            at("[[types]]\nid = \"Out age\"\n"),
            4,
            "`id` cannot be",
            "write id",
        ),
        (
            at("[[types]]\nid = \"a\"\n[[types]]\nid = \"a\"\n"),
            6,
            "two types",
            "its own id",
        ),
        (
            at("[[types]]\nid = \"a\"\nseverity = \"sev9\"\n"),
            5,
            "`severity` names",
            "sev",
        ),
        (
            at("[[types]]\nid = \"a\"\nruns = \"some\"\n"),
            5,
            "`runs` cannot be",
            "read-only",
        ),
        (
            at("[[types]]\nid = \"a\"\npostmortem = \"b\"\n"),
            5,
            "`postmortem` names the template",
            "create postmortem/b.md",
        ),
        (
            at("[[types]]\nid = \"a\"\nprivate = true\npeople = [\"zed\"]\n"),
            6,
            "`people` names the person",
            "create people/zed.toml",
        ),
        (
            at("[[types]]\nid = \"a\"\nprivte = true\n"),
            5,
            "privte",
            "private",
        ),
        (at("[drills]\npages = true\n"), 4, "pages", "page"),
    ] {
        each_is_said(&[("firebell.toml", &text, line, what, fix)]);
    }
}

#[test]
fn the_shipped_examples_types_load_when_they_are_switched_on() {
    let example = include_str!("../../../deploy/firebell.example.toml");
    let begins = example.find("# [[types]]").unwrap();
    let code = |line: &str| {
        let code = line.strip_prefix("# ")?;
        let key = code.starts_with('[') || code.split(' ').nth(1) == Some("=");
        key.then(|| code.to_owned())
    };
    let lines: Vec<String> = example[begins..].lines().filter_map(code).collect();
    let end = lines
        .iter()
        .position(|l| l.starts_with("[drills]"))
        .unwrap()
        + 3;
    let folder = Folder::new();
    folder.put("postmortem/outage.md", "# {{incident.id}}\n");
    let list = "title = \"Outage\"\n[[item]]\ntext = \"Tell support\"\n";
    folder.put("checklists/outage.toml", list);
    folder.put(
        "firebell.toml",
        &format!("{TOML}{}\n", lines[..end].join("\n")),
    );
    let loaded = folder.load(&[]).unwrap();
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let ids: Vec<&str> = loaded
        .directory
        .types
        .iter()
        .map(|t| t.id.as_str())
        .collect();
    assert_eq!(ids, ["outage", "security", "game-day"]);
    assert!(loaded.directory.kind("game-day").unwrap().drill);
    assert!(loaded.directory.drills.page, "the default is shown");
}
