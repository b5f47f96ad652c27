//! Rules of actions: what they mean, and that a wrong one stops every action and none of the paging.

use super::Folder;
use firebell::core::directory::{Action, ActionClass};
use firebell::core::id::{Actor, Severity};
use firebell::core::incident::Status;
use firebell::core::time::Time;
use firebell::core::verdict::{Case, Scope, Verdict, judge};

const RULES: &str = r#"
[[calendar]]
name = "change-freeze"
file = "freeze.ics"
weekly = ["fri 16:00 - mon 08:00"]
zone = "Europe/Berlin"

[[rule]]
id = "look"
effect = "allow"
who = ["linked"]
class = "diagnostic"

[[rule]]
id = "prod"
effect = "allow"
who = ["oncall:{service}", "person:ana", "lead"]
class = "remediation"
env = ["prod"]
severity = ["sev1", "sev2"]
incident = ["open"]
risk = ["low", "medium"]
service = ["checkout"]

[[rule]]
id = "freeze"
effect = "deny"
env = ["prod"]
class = "remediation"
during = "calendar:change-freeze"
unless-severity = ["sev1"]
reason = "no changes at the end of the year"

[[rule]]
id = "no-guests"
effect = "deny"
who = ["guest", "external"]
"#;

const FREEZE: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nBEGIN:VEVENT\r\nUID:1\r\n\
    DTSTAMP:20260101T000000Z\r\nSUMMARY:Year end\r\nDTSTART:20261221T000000Z\r\nDTEND:20270104T000000Z\r\n\
    END:VEVENT\r\nEND:VCALENDAR\r\n";

fn folder(rules: &str) -> Folder {
    let folder = Folder::new();
    folder.put("rules.toml", rules);
    folder.put("freeze.ics", FREEZE);
    folder
}

fn asked(folder: &Folder, severity: u8, at: &str) -> Verdict {
    let directory = folder.load(&[]).unwrap().directory;
    let action = Action {
        class: ActionClass::Remediation,
        ..Action::of_program("restart", &["/bin/true"])
    };
    let ana = Actor::Person {
        id: "ana".to_owned(),
        name: "Ana".to_owned(),
    };
    judge(&Case {
        who: &ana,
        action: &action,
        scope: Scope {
            service: Some("checkout"),
            environment: Some("prod"),
            severity: Severity(severity),
            state: Status::Triggered,
            lead: None,
        },
        at: Time::parse_rfc3339(at).unwrap(),
        door: Some("console"),
        directory: &directory,
    })
}

#[test]
fn rules_are_read_with_their_calendar_and_say_what_they_mean() {
    let folder = folder(RULES);
    let tuesday = "2026-11-17T12:00:00Z";
    assert!(
        asked(&folder, 1, tuesday).allowed,
        "{:?}",
        asked(&folder, 1, tuesday)
    );
    assert!(!asked(&folder, 2, tuesday).allowed, "not at sev3");
    let saturday = asked(&folder, 1, "2026-11-21T12:00:00Z");
    assert!(
        !saturday.allowed && saturday.said.contains("no changes at the end"),
        "{saturday:?}"
    );
    let christmas = asked(&folder, 1, "2026-12-23T12:00:00Z");
    assert!(!christmas.allowed, "{christmas:?}");
    assert!(
        christmas.lines().iter().any(|l| l.contains("Year end")),
        "{christmas:?}"
    );
    assert!(
        asked(&folder, 0, "2026-12-23T12:00:00Z").allowed,
        "sev1 goes past a freeze"
    );
}

#[test]
fn no_rule_file_leaves_the_rules_of_firebell() {
    let loaded = Folder::new().load(&[]).unwrap();
    assert_eq!(loaded.directory.permits.rules.len(), 1);
    assert_eq!(loaded.directory.permits.digest, "");
}

/// A change to [`RULES`], and what is said of it.
const WRONG: &[(&str, &str, &str)] = &[
    (
        "effect = \"allow\"\nwho = [\"linked\"]",
        "effect = \"permit\"\nwho = [\"linked\"]",
        "`effect` cannot be \"permit\"",
    ),
    ("who = [\"linked\"]", "", "has no `who`"),
    ("who = [\"linked\"]", "who = []", "has no `who`"),
    (
        "who = [\"linked\"]",
        "who = [\"everybody\"]",
        "`who` cannot hold \"everybody\"",
    ),
    ("\"person:ana\"", "\"person:anna\"", "person \"anna\""),
    (
        "class = \"diagnostic\"",
        "class = \"harmless\"",
        "`class` cannot be \"harmless\"",
    ),
    (
        "class = \"diagnostic\"",
        "clas = \"diagnostic\"",
        "has no key `clas`",
    ),
    ("env = [\"prod\"]", "env = []", "`env` is an empty list"),
    (
        "[\"sev1\", \"sev2\"]",
        "[\"sev0\"]",
        "the severity \"sev0\"",
    ),
    (
        "incident = [\"open\"]",
        "incident = [\"burning\"]",
        "`incident` cannot hold \"burning\"",
    ),
    (
        "risk = [\"low\", \"medium\"]",
        "risk = [\"some\"]",
        "`risk` cannot hold \"some\"",
    ),
    (
        "service = [\"checkout\"]",
        "service = [\"chekout\"]",
        "service \"chekout\"",
    ),
    (
        "service = [\"checkout\"]",
        "action = [\"reboot\"]",
        "`action` names \"reboot\"",
    ),
    (
        "service = [\"checkout\"]",
        "door = [\"window\"]",
        "`door` names \"window\"",
    ),
    (
        "calendar:change-freeze",
        "calendar:freeze",
        "names the calendar \"freeze\"",
    ),
    (
        "id = \"no-guests\"",
        "id = \"look\"",
        "two rules called \"look\"",
    ),
    (
        "fri 16:00 - mon 08:00",
        "friday evening",
        "is no span of a week",
    ),
    ("freeze.ics", "frost.ics", "cannot be read"),
    ("[[rule]]", "[[rule]", "this is not valid TOML"),
];

#[test]
fn a_wrong_rule_file_stops_every_action_says_so_and_loads() {
    for (from, to, what) in WRONG {
        assert!(RULES.contains(from), "{from}");
        let folder = folder(&RULES.replacen(from, to, 1));
        let loaded = folder
            .load(&[])
            .unwrap_or_else(|f| panic!("{to}: paging must go on: {f:?}"));
        let warnings: Vec<&str> = loaded.warnings.iter().map(|w| w.what.as_str()).collect();
        let told = warnings
            .iter()
            .any(|w| w.contains("no action runs until this is mended") && w.contains(what));
        assert!(told, "{to}: {warnings:?}");
        assert!(loaded.directory.permits.broken.is_some(), "{to}");
        let verdict = asked(&folder, 1, "2026-11-17T12:00:00Z");
        assert!(
            !verdict.allowed && verdict.said.contains("cannot be read"),
            "{to}: {verdict:?}"
        );
    }
}

#[test]
fn an_event_of_a_freeze_that_cannot_be_understood_is_a_fault() {
    let folder = folder(RULES);
    folder.put(
        "freeze.ics",
        &FREEZE.replace("DTSTART:20261221T000000Z", "DTSTART:soon"),
    );
    let loaded = folder.load(&[]).unwrap();
    assert!(
        loaded.directory.permits.broken.is_some(),
        "{:?}",
        loaded.warnings
    );
}

#[test]
fn a_freeze_at_an_address_counts_while_its_copy_does_and_stops_actions_when_it_does_not() {
    let url = "https://calendar.example.org/freeze.ics";
    let at = RULES.replace(
        "file = \"freeze.ics\"",
        &format!("url = \"{url}\"\nmax-age = \"6h\""),
    );
    let folder = folder(&at);
    let loaded = folder.load(&[]).unwrap();
    let said = |what: &str| {
        let verdict = asked(&folder, 1, "2026-11-17T12:00:00Z");
        assert!(
            !verdict.allowed && verdict.said.contains(what),
            "{verdict:?}"
        );
    };
    said("was not fetched yet");
    let feed = loaded.feeds.iter().find(|f| f.of.contains("change-freeze"));
    let feed = feed.unwrap_or_else(|| panic!("{:?}", loaded.feeds));
    assert_eq!(feed.max_age_ms, Some(6 * 3_600_000));
    std::fs::create_dir_all(feed.copy.parent().unwrap()).unwrap();
    std::fs::write(&feed.copy, FREEZE).unwrap();
    assert!(asked(&folder, 1, "2026-11-17T12:00:00Z").allowed);
    let christmas = asked(&folder, 1, "2026-12-23T12:00:00Z");
    assert!(!christmas.allowed, "{christmas:?}");
    std::fs::write(feed.stale(), "").unwrap();
    said("not fetched for longer than its `max-age`");
    std::fs::remove_file(feed.stale()).unwrap();
    assert!(
        asked(&folder, 1, "2026-11-17T12:00:00Z").allowed,
        "it mends itself"
    );
    let read = folder.load(&[]).unwrap().files;
    assert!(
        read.contains(&feed.copy) && read.contains(&feed.stale()),
        "both are watched"
    );
    // Whoever could change it on its way would decide what may run.
    folder.put("rules.toml", &at.replace("https:", "http:"));
    said("would travel unencrypted");
    folder.put(
        "rules.toml",
        &RULES.replace("weekly", "max-age = \"6h\"\nweekly"),
    );
    said("`max-age` is about a `url`");
}
