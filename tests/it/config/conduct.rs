//! Roles and checklists in files: what they mean, and their faults by line and fix.

use super::{Folder, each_is_said};
use firebell::core::directory::{REMIND_AFTER_MS, RoleNeed, Target};
use firebell::core::id::Severity;

const PAGING: &str = "[paging]\ncatch-all = [\"person:ana\"]\n";

#[test]
fn firebell_brings_roles_along_and_files_change_and_add_to_them() {
    let folder = Folder::new();
    let shipped = folder.load(&[]).unwrap().directory.conduct.clone();
    let ids: Vec<&str> = shipped.roles.iter().map(|r| r.id.as_str()).collect();
    assert_eq!(ids, ["commander", "communications", "scribe"]);
    assert_eq!(shipped.remind_after_ms, Some(REMIND_AFTER_MS));
    folder.put(
        "firebell.toml",
        &format!(
            "{PAGING}[command]\nremind-after = \"5m\"\n\
             [[roles]]\nid = \"commander\"\nfrom-person = \"ana\"\npage = false\n\
             [[roles]]\nid = \"liaison\"\nname = \"Customer liaison\"\nabout = \"Talks.\"\n\
             steps = [\"Ask support.\"]\nemoji = \"☎\"\nrequired = \"sev1\"\nmany = true\naccept = true\n"
        ),
    );
    let rules = folder.load(&[]).unwrap().directory.conduct.clone();
    assert_eq!(rules.remind_after_ms, Some(300_000));
    let commander = rules.role("commander").unwrap();
    assert_eq!(commander.from, Some(Target::Person("ana".to_owned())));
    assert!(!commander.page && commander.name == "Commander" && !commander.steps.is_empty());
    assert_eq!(commander.needed, RoleNeed::Major);
    let liaison = rules.meant("customer LIAISON").unwrap();
    assert_eq!(liaison.needed, RoleNeed::From(Severity(0)));
    assert!(liaison.many && liaison.accept && liaison.emoji == "☎");
    folder.put(
        "firebell.toml",
        &format!("{PAGING}[command]\nremind = false\n"),
    );
    let rules = folder.load(&[]).unwrap().directory.conduct.clone();
    assert_eq!(rules.remind_after_ms, None);
}

#[test]
fn a_checklist_is_a_file_with_typed_lines() {
    let folder = Folder::new();
    folder.put(
        "checklists/major.toml",
        "title = \"Major incident\"\nfrom-severity = \"sev2\"\nservices = [\"checkout\"]\n\
         [[item]]\ntext = \"Name a commander\"\nrole = \"commander\"\ndue = \"5m\"\n\
         [[item]]\ntext = \"Read on\"\nlink = \"https://wiki.example.org/ic\"\n",
    );
    let rules = folder.load(&[]).unwrap().directory.conduct.clone();
    let list = &rules.checklists[0];
    assert_eq!((list.id.as_str(), list.minor), ("major", false));
    assert_eq!(list.from_severity, Some(Severity(1)));
    assert_eq!(list.services, ["checkout"]);
    assert_eq!(list.items[0].due_ms, Some(300_000));
    assert_eq!(list.items[0].role.as_deref(), Some("commander"));
    assert_eq!(list.items[1].link, "https://wiki.example.org/ic");
}

#[test]
fn faults_of_roles_and_checklists_name_line_and_fix() {
    let role = |lines: &str| format!("{PAGING}[[roles]]\n{lines}");
    for (lines, line, what, fix) in [
        ("name = \"X\"\n", 3, "has no `id`", "add id"),
        (
            "id = \"Not Me\"\nname = \"X\"\n",
            4,
            "`id` cannot be",
            "write id",
        ),
        ("id = \"liaison\"\n", 3, "has no `name`", "add name"),
        (
            "id = \"scribe\"\nrequired = \"sev9\"\n",
            5,
            "it is no severity",
            "or \"major\", or \"never\"",
        ),
        (
            "id = \"commander\"\nmany = true\n",
            5,
            "one commander",
            "remove `many`",
        ),
        (
            "id = \"scribe\"\nfrom-person = \"anna\"\nrequired = \"major\"\n",
            5,
            "does not exist",
            "did you mean `ana`?",
        ),
        (
            "id = \"scribe\"\n[[roles]]\nid = \"scribe\"\n",
            6,
            "there twice",
            "keep one",
        ),
        (
            "id = \"scribe\"\nstep = []\n",
            5,
            "no key `step`",
            "`steps`",
        ),
    ] {
        each_is_said(&[("firebell.toml", &role(lines), line, what, fix)]);
    }
    let types = format!("{PAGING}[[types]]\nid = \"outage\"\nchecklist = \"mayor\"\n");
    each_is_said(&[(
        "firebell.toml",
        &types,
        5,
        "names the checklist \"mayor\"",
        "create checklists/mayor.toml",
    )]);
    let list = |lines: &str| format!("title = \"T\"\n{lines}");
    for (lines, line, what, fix) in [
        ("", 1, "has no lines", "add [[item]]"),
        (
            "types = [\"outage\"]\n[[item]]\ntext = \"x\"\n",
            2,
            "names the type \"outage\"",
            "add [[types]]",
        ),
        ("[[item]]\ndue = \"5m\"\n", 2, "has no `text`", "add text"),
        (
            "[[item]]\ntext = \"x\"\nrole = \"barista\"\n",
            4,
            "no such role",
            "commander",
        ),
        (
            "[[item]]\ntext = \"x\"\nlink = \"javascript:x\"\n",
            4,
            "no web address",
            "https://",
        ),
        (
            "[[item]]\ntext = \"x\"\naction = \"gone\"\n",
            4,
            "actions/gone.toml",
            "name an action",
        ),
        (
            "[[item]]\ntext = \"x\"\ndue = \"5s\"\n",
            4,
            "must be from",
            "between the two",
        ),
    ] {
        each_is_said(&[("checklists/x.toml", &list(lines), line, what, fix)]);
    }
}
