//! `firebell doctor` as a user runs it: what it says of contacts and of calendars at an address.

use crate::house::write;
use crate::process::program;
use firebell::config::write_demo;
use std::path::Path;

fn doctor(folder: &Path) -> (bool, String) {
    let done = program()
        .args(["doctor", "--config"])
        .arg(folder.join("firebell.toml"))
        .output()
        .unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    (
        done.status.success(),
        text + &String::from_utf8_lossy(&done.stderr),
    )
}

/// Appends to a file of the example.
fn add(folder: &Path, name: &str, text: &str) {
    let old = std::fs::read_to_string(folder.join(name)).unwrap();
    write(folder, name, &format!("{old}\n{text}"));
}

#[test]
fn what_nobody_has_shown_to_be_theirs_is_named_with_the_way_to_mend_it() {
    let folder = tempfile::tempdir().unwrap();
    write_demo(folder.path(), "127.0.0.1:8080", "127.0.0.1:8090").unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    let (good, said) = doctor(folder.path());
    assert!(good, "{said}");
    assert!(!said.contains("not verified"), "chat needs no code: {said}");
    add(
        folder.path(),
        "firebell.toml",
        "[[sms]]\naccount = \"AC0123456789abcdef0123456789abcdef\"\ntoken = \"file:token\"\nfrom = \"+15550100\"\n",
    );
    write(folder.path(), "token", "secret-4711\n");
    let person = folder.path().join("people/ana.toml");
    let old = std::fs::read_to_string(&person).unwrap();
    let lines = old.lines().filter(|l| !l.starts_with("contacts"));
    let lines: Vec<&str> = lines.collect();
    let sms = "contacts = [{ kind = \"sms\", name = \"phone\", number = \"+34600123456\" }]";
    std::fs::write(&person, format!("{sms}\n{}\n", lines.join("\n"))).unwrap();
    let (good, said) = doctor(folder.path());
    assert!(good, "a warning is no failure: {said}");
    let line = said.lines().find(|l| l.contains("not verified"));
    let line = line.unwrap_or_else(|| panic!("{said}"));
    assert!(line.starts_with("warn  contacts"), "{line}");
    assert!(
        line.ends_with(
            "phone not verified, and nothing else is, so all are used; they write `verify phone`"
        ),
        "{line}"
    );
    assert!(said.contains("ok    providers      1 provider"), "{said}");
    assert!(
        !said.contains("4711") && !said.contains("34600123456"),
        "{said}"
    );
}

#[test]
fn a_calendar_that_does_not_answer_is_a_failure_without_a_copy() {
    let folder = tempfile::tempdir().unwrap();
    write_demo(folder.path(), "127.0.0.1:8080", "127.0.0.1:8090").unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    // Port 1 of this machine answers nobody.
    write(
        folder.path(),
        "schedules/roster.toml",
        "zone = \"UTC\"\n[[layers]]\nname = \"roster\"\nsource = \"http://127.0.0.1:1/roster.ics\"\n",
    );
    let (good, said) = doctor(folder.path());
    assert!(!good, "{said}");
    assert!(
        said.contains(
            "FAIL  calendars      the schedule roster at 127.0.0.1: 127.0.0.1 cannot be reached"
        ),
        "{said}"
    );
    assert!(
        said.contains("there is no copy, so nobody is on call by it"),
        "{said}"
    );
}
