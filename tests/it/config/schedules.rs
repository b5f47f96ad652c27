//! Schedules in files: layers, versions, calendars, temporary schedules and overrides; and their faults.

use super::{Folder, Row, each_is_said, good, said};
use firebell::core::schedule::{Days, Schedule, Weights};
use firebell::core::time::Time;

const FILE: &str = "schedules/primary.toml";

fn at(text: &str) -> Time {
    Time::parse_rfc3339(text).unwrap()
}

fn loaded(text: &str, more: &[(&str, String)]) -> (Folder, Schedule) {
    let folder = Folder::new();
    folder.put(FILE, text);
    for (name, text) in more {
        folder.put(name, text);
    }
    let loaded = good(folder.load(&[]));
    assert_eq!(loaded.warnings, []);
    let schedule = loaded.directory.schedules["primary"].clone();
    (folder, schedule)
}

fn who(s: &Schedule, when: &str) -> String {
    s.on_call(at(when)).people.join("+")
}

const LAYERED: &str = r#"
name = "Primary"
zone = "Europe/Madrid"

[[layers]]
name = "days"
level = 2
handoff = "daily"
starts = "2026-03-02 09:00"
people = ["ana", ["ana", "bo"], "none"]
hours = ["mon-fri 09:00-17:00", "sat 10:00-12:00"]
shadow = ["bo"]

[[layers]]
name = "nights"
handoff = ["4d", "3d"]
zone = "UTC"
starts = "2026-03-02 09:00"
people = ["bo", "ana"]

[[layers]]
name = "nights"
effective-from = "2026-04-06 09:00"
handoff = "0 9 * * MON"
starts = "2026-04-06 09:00"
people = ["ana", "bo"]
count = 2

[[temporary]]
name = "Easter"
from = "2026-04-03 00:00"
until = "2026-04-05 00:00"
[[temporary.shifts]]
people = ["ana"]
from = "2026-04-03 00:00"
until = "2026-04-04 00:00"

[[overrides]]
remove = "bo"
add = "ana"
from = "2026-03-03 20:00"
until = "2026-03-04 00:00"
note = "dentist"
"#;

#[test]
fn a_layered_schedule_is_what_its_file_says() {
    let (_folder, s) = loaded(LAYERED, &[]);
    assert_eq!(who(&s, "2026-03-02T08:00:00Z"), "ana");
    assert_eq!(s.on_call(at("2026-03-02T08:00:00Z")).shadows, ["bo"]);
    assert_eq!(who(&s, "2026-03-03T12:00:00Z"), "ana+bo");
    // The third day is nobody's on the higher level.
    assert_eq!(who(&s, "2026-03-04T12:00:00Z"), "bo");
    assert_eq!(who(&s, "2026-03-03T18:00:00Z"), "bo");
    let covered = s.on_call(at("2026-03-03T21:00:00Z"));
    assert_eq!(covered.people, ["ana"]);
    assert_eq!(
        covered.why,
        ["override by schedules/primary.toml: covers bo, until Wed 4 Mar 00:00 CET"]
    );
    assert_eq!(who(&s, "2026-04-03T12:00:00Z"), "ana");
    assert_eq!(who(&s, "2026-04-04T12:00:00Z"), "");
    // The second version of the nights, in its schedule's zone.
    assert_eq!(who(&s, "2026-04-12T20:00:00Z"), "ana+bo");
    assert_eq!(s.layers[1].versions.len(), 2);
    assert_eq!(s.overrides[0].note, "dentist");
}

fn calendar(events: &[(&str, &str, &str)]) -> String {
    let events: String = events
        .iter()
        .map(|(title, start, end)| format!("BEGIN:VEVENT\r\nUID:{start}{title}\r\nSUMMARY:{title}\r\nDTSTART{start}\r\nDTEND{end}\r\nEND:VEVENT\r\n"))
        .collect();
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\n{events}END:VCALENDAR\r\n")
}

#[test]
fn a_calendar_is_a_layers_source_and_levels_stand_in_brackets() {
    let shifts = calendar(&[
        ("Ana", ":20260302T080000Z", ":20260303T080000Z"),
        ("[L3] BO", ":20260302T120000Z", ":20260302T140000Z"),
        ("bo@example.org", ":20260303T080000Z", ":20260304T080000Z"),
        ("ana\\, bo", ":20260304T080000Z", ":20260305T080000Z"),
    ]);
    let bo = "name = \"Bo Berg\"\nemail = \"Bo@example.org\"\nzone = \"Asia/Tokyo\"\ncontacts = [{ kind = \"console\" }]\n";
    let text = "zone = \"UTC\"\n[[layers]]\nname = \"calendar\"\nsource = \"shifts.ics\"\n";
    let more = [
        ("schedules/shifts.ics", shifts),
        ("people/bo.toml", bo.to_owned()),
    ];
    let (folder, s) = loaded(text, &more);
    assert_eq!(who(&s, "2026-03-02T10:00:00Z"), "ana");
    assert_eq!(who(&s, "2026-03-02T13:00:00Z"), "bo");
    assert_eq!(who(&s, "2026-03-03T10:00:00Z"), "bo");
    assert_eq!(who(&s, "2026-03-04T10:00:00Z"), "ana+bo");
    let why = s.on_call(at("2026-03-02T10:00:00Z")).why;
    assert_eq!(why, ["calendar, \"Ana\", until Tue 3 Mar 08:00 UTC"]);
    // A change of the calendar is a change of the configuration.
    let files = good(folder.load(&[])).files;
    assert!(files.contains(&folder.path("schedules/shifts.ics")));
    // Somebody left: their shift is still somebody's, and that is said.
    folder.put(
        "schedules/shifts.ics",
        &calendar(&[("zoe", ":20260302T080000Z", ":20260303T080000Z")]),
    );
    let loaded = good(folder.load(&[]));
    said(
        &loaded.warnings,
        FILE,
        4,
        "\"zoe\" names nobody of the directory",
        "id, name or e-mail",
    );
    let turn = loaded.directory.schedules["primary"].on_call(at("2026-03-02T10:00:00Z"));
    assert_eq!(
        (turn.people.len(), turn.notes),
        (0, vec!["layer calendar has nobody".to_owned()])
    );
}

#[test]
fn holidays_and_leave_come_from_calendars() {
    let free = calendar(&[("Christmas", ";VALUE=DATE:20261225", ";VALUE=DATE:20261226")]);
    let text = "zone = \"Europe/Madrid\"\nholidays = \"free.ics\"\n\
        [[layers]]\nname = \"days\"\nlevel = 1\nhandoff = \"weekly\"\nstarts = \"2026-01-05 00:00\"\npeople = [\"ana\"]\nholidays = \"never\"\n\
        [[layers]]\nname = \"free days\"\nhandoff = \"weekly\"\nstarts = \"2026-01-05 00:00\"\npeople = [\"bo\"]\nholidays = \"only\"\n";
    let (folder, s) = loaded(text, &[("schedules/free.ics", free)]);
    assert_eq!(who(&s, "2026-12-24T22:59:59Z"), "ana");
    assert_eq!(who(&s, "2026-12-24T23:00:00Z"), "bo");
    assert_eq!(who(&s, "2026-12-25T23:00:00Z"), "ana");
    folder.put(
        "people/ana.toml",
        "zone = \"Europe/Madrid\"\nleave = \"ana.ics\"\ncontacts = [{ kind = \"console\" }]\n",
    );
    folder.put(
        "people/ana.ics",
        &calendar(&[("beach", ";VALUE=DATE:20260701", ";VALUE=DATE:20260708")]),
    );
    let directory = good(folder.load(&[])).directory;
    let leave = &directory.leaves["ana"][0];
    assert_eq!(
        (leave.since, leave.until, leave.title.as_str()),
        (
            at("2026-06-30T22:00:00Z"),
            at("2026-07-07T22:00:00Z"),
            "beach"
        )
    );
}

#[test]
fn fairness_is_configured_and_has_defaults() {
    let folder = Folder::new();
    assert_eq!(
        good(folder.load(&[])).directory.fairness,
        Weights::default()
    );
    folder.put("firebell.toml", "[paging]\ncatch-all = [\"person:ana\"]\n[fairness]\nnight = \"23:00-05:00\"\nweekend = \"fri,sat\"\nnight-extra = 200\nweekend-extra = 0\n");
    let weights = good(folder.load(&[])).directory.fairness;
    assert_eq!(
        (weights.night_from, weights.night_until),
        (23 * 3_600_000, 5 * 3_600_000)
    );
    assert_eq!(
        (
            weights.weekend,
            weights.night_extra,
            weights.weekend_extra,
            weights.holiday_extra
        ),
        (Days(0b011_0000), 200, 0, 100)
    );
    for (line, what) in [
        ("night = \"late\"", "`night` cannot be"),
        ("weekend = \"someday\"", "`weekend` cannot be"),
        ("night-extra = -1", "from 0 to 1000"),
    ] {
        folder.put(
            "firebell.toml",
            &format!("[paging]\ncatch-all = [\"person:ana\"]\n[fairness]\n{line}\n"),
        );
        said(
            &folder.load(&[]).unwrap_err(),
            "firebell.toml",
            4,
            what,
            "write ",
        );
    }
}

#[test]
fn an_override_that_covers_nobody_is_warned_of_where_it_stands() {
    let folder = Folder::new();
    folder.put(FILE, "zone = \"UTC\"\nhandoff = \"weekly\"\nstarts = \"2026-01-05 09:00\"\npeople = [\"ana\"]\n[[overrides]]\nremove = \"bo\"\nadd = \"ana\"\nfrom = \"2026-03-03 00:00\"\nuntil = \"2026-03-04 00:00\"\n");
    let loaded = good(folder.load(&[]));
    said(
        &loaded.warnings,
        FILE,
        5,
        "bo is not on call on primary in that time",
        "change whom",
    );
}

/// `zone = "UTC"` and a layer whose further lines begin in line 6.
macro_rules! layer {
    ($text:literal) => {
        concat!("zone = \"UTC\"\n[[layers]]\nname = \"a\"\nstarts = \"2026-01-05 09:00\"\npeople = [\"ana\"]\n", $text)
    };
}

/// `zone = "UTC"` and a rotation whose further lines begin in line 5.
macro_rules! short {
    ($text:literal) => {
        concat!("zone = \"UTC\"\nhandoff = \"weekly\"\nstarts = \"2026-01-05 09:00\"\npeople = [\"ana\"]\n", $text)
    };
}

const ROWS: &[Row] = &[
    (
        FILE,
        layer!("handof = \"weekly\"\n"),
        6,
        "a layer has no key `handof`",
        "did you mean `handoff`?",
    ),
    (
        FILE,
        layer!(""),
        2,
        "a layer has no `handoff`",
        "add handoff = ",
    ),
    (
        FILE,
        layer!("handoff = [\"4d\", \"10m\"]\n"),
        6,
        "`10m` is not from one hour",
        "weekly",
    ),
    (
        FILE,
        layer!("handoff = 7\n"),
        6,
        "must be text, not a whole number",
        "write handoff",
    ),
    (
        FILE,
        layer!("handoff = \"weekly\"\nhours = [\"mon-fri 9-5\"]\n"),
        7,
        "`mon-fri 9-5` is not a window",
        "mon-fri 09:00-17:00",
    ),
    (
        FILE,
        layer!("handoff = \"weekly\"\nholidays = \"newer\"\n"),
        7,
        "cannot be \"newer\"",
        "did you mean `never`?",
    ),
    (
        FILE,
        layer!("handoff = \"weekly\"\nholidays = \"only\"\n"),
        7,
        "goes by holidays, and the schedule names none",
        "holidays.ics",
    ),
    (
        FILE,
        layer!("handoff = \"weekly\"\nzone = \"Mars/Base\"\n"),
        7,
        "not a time zone",
        "Europe/Berlin",
    ),
    (
        FILE,
        layer!("handoff = \"weekly\"\neffective-from = \"soon\"\n"),
        7,
        "`effective-from` cannot be \"soon\"",
        "2026-01-05 09:00",
    ),
    (
        FILE,
        layer!("handoff = \"weekly\"\nlevel = 5000\n"),
        7,
        "from -1000 to 1000",
        "level = 1000",
    ),
    (
        FILE,
        layer!("handoff = \"weekly\"\nshadow = [\"annna\"]\n"),
        7,
        "the person \"annna\"",
        "did you mean `ana`?",
    ),
    (
        FILE,
        layer!(
            "handoff = \"weekly\"\n[[layers]]\nname = \"a\"\nhandoff = \"daily\"\nstarts = \"2026-01-05 09:00\"\npeople = [\"bo\"]\n"
        ),
        7,
        "two layers are called a",
        "effective-from",
    ),
    (
        FILE,
        layer!("source = \"x.ics\"\n"),
        4,
        "a layer with a `source` has no `starts`",
        "remove one",
    ),
    (
        FILE,
        "zone = \"UTC\"\n[[layers]]\nname = \"a\"\nsource = \"x.ics\"\n",
        4,
        "the calendar \"x.ics\" cannot be read",
        "put an iCalendar file at",
    ),
    (
        FILE,
        "zone = \"UTC\"\n[[layers]]\nname = \"a\"\nsource = \"http://x.example/a.ics\"\n",
        4,
        "would travel unencrypted",
        "use an https address",
    ),
    (
        FILE,
        "zone = \"UTC\"\npeople = [\"ana\"]\n[[layers]]\nname = \"a\"\nhandoff = \"weekly\"\nstarts = \"2026-01-05 09:00\"\npeople = [\"ana\"]\n",
        2,
        "both layers and a `people` of its own",
        "[[layers]]",
    ),
    (
        FILE,
        "zone = \"UTC\"\nhandoff = \"weekly\"\nstarts = \"2026-01-05 09:00\"\npeople = [\"ana\", [\"bo\", 3]]\n",
        4,
        "a whole number where a person's id belongs",
        "none",
    ),
    (
        FILE,
        "zone = \"UTC\"\nhandoff = \"weekly\"\nstarts = \"2026-01-05 09:00\"\npeople = [\"none\"]\n",
        4,
        "nobody would ever be on call",
        "people = ",
    ),
    (
        FILE,
        "zone = \"UTC\"\nhandoff = \"weekly\"\nstarts = \"2026-01-05 09:00\"\npeople = \"ana\"\n",
        4,
        "`people` must be a list, not text",
        "[\"…\"",
    ),
    (
        FILE,
        short!("holidays = \"none.ics\"\n"),
        5,
        "the calendar \"none.ics\" cannot be read",
        "put an iCalendar file",
    ),
    (
        FILE,
        short!("[[temporary]]\nfrom = \"2026-03-03 00:00\"\nuntil = \"2026-03-02 00:00\"\n"),
        7,
        "`until` is not after `from`",
        "later",
    ),
    (
        FILE,
        short!(
            "[[temporary]]\nfrom = \"2026-03-02 00:00\"\nuntil = \"2026-03-03 00:00\"\n[[temporary.shifts]]\npeople = [\"ana\"]\nfrom = \"2026-03-02 12:00\"\nuntil = \"2026-03-04 00:00\"\n"
        ),
        8,
        "not within temporary schedule",
        "cut the shift",
    ),
    (
        FILE,
        short!(
            "[[temporary]]\nfrom = \"2026-03-02 00:00\"\nuntil = \"2026-03-03 00:00\"\n[[temporary.shifts]]\npeople = []\nfrom = \"2026-03-02 12:00\"\nuntil = \"2026-03-02 13:00\"\n"
        ),
        8,
        "this shift has no people",
        "a hole means nobody",
    ),
    (
        FILE,
        short!(
            "[[temporary]]\nfrom = \"2026-03-02 00:00\"\nuntil = \"2026-03-03 00:00\"\n[[temporary]]\nname = \"b\"\nfrom = \"2026-03-02 12:00\"\nuntil = \"2026-03-04 00:00\"\n"
        ),
        8,
        "b overlaps with temporary schedule",
        "end one",
    ),
    (
        FILE,
        short!(
            "[[overrides]]\nadd = \"zed\"\nfrom = \"2026-03-02 00:00\"\nuntil = \"2026-03-03 00:00\"\n"
        ),
        6,
        "the person \"zed\"",
        "create people/zed.toml",
    ),
    (
        FILE,
        short!("[[overrides]]\nfrom = \"2026-03-02 00:00\"\nuntil = \"2026-03-03 00:00\"\n"),
        5,
        "names nobody",
        "write add, remove or both",
    ),
    (
        FILE,
        short!("[[overrides]]\nadd = \"bo\"\nfrom = \"2026-03-02 00:00\"\n"),
        5,
        "an override has no `until`",
        "add until = ",
    ),
    (
        FILE,
        short!(
            "[[overrides]]\nremove = \"ana\"\nadd = \"bo\"\nfrom = \"2026-03-02 00:00\"\nuntil = \"2026-03-03 00:00\"\n[[overrides]]\nremove = \"bo\"\nadd = \"ana\"\nfrom = \"2026-03-02 12:00\"\nuntil = \"2026-03-04 00:00\"\n"
        ),
        10,
        "that would be a circle: bo → ana → bo",
        "write add",
    ),
    (
        "people/bo.toml",
        "zone = \"UTC\"\nleave = \"bo.ics\"\n",
        2,
        "the calendar \"bo.ics\" cannot be read",
        "people/bo.ics",
    ),
];

#[test]
fn faults_of_layers_calendars_and_overrides_name_line_and_fix() {
    each_is_said(ROWS);
}

/// Ana, on the first of December.
const ROSTER: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20261101T000000Z\r\nDTSTART:20261201T080000Z\r\nDTEND:20261201T200000Z\r\nSUMMARY:ana\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

#[test]
fn a_calendar_at_an_address_is_read_from_its_last_copy_and_its_address_is_repeated_nowhere() {
    let folder = Folder::new();
    let file = "zone = \"UTC\"\n[[layers]]\nname = \"a\"\nsource = \"env:ROSTER\"\n";
    folder.put(FILE, file);
    let secret = "https://calendar.example.org/token-4711/roster.ics";
    let variables = [("ROSTER", secret)];
    let loaded = good(folder.load(&variables));
    let warnings = format!("{:?}", loaded.warnings);
    assert!(
        warnings.contains("the calendar at calendar.example.org was not fetched yet"),
        "{warnings}"
    );
    let [feed] = loaded.feeds.as_slice() else {
        panic!("{:?}", loaded.feeds)
    };
    assert_eq!(
        (feed.of.as_str(), feed.schedule.as_deref()),
        ("the schedule primary", Some("primary"))
    );
    assert!(
        feed.copy
            .starts_with(loaded.settings.data_dir.join("calendars"))
    );
    assert!(loaded.files.contains(&feed.copy), "a new copy is a reload");
    std::fs::create_dir_all(feed.copy.parent().unwrap()).unwrap();
    std::fs::write(&feed.copy, ROSTER).unwrap();
    let again = good(folder.load(&variables));
    let primary = &again.directory.schedules["primary"];
    assert_eq!(who(primary, "2026-12-01T12:00:00Z"), "ana");
    let all = format!("{again:?}{loaded:?}");
    assert!(!all.contains("token-4711"), "{all}");
}

#[test]
fn a_rest_after_the_night_ends_in_the_day_after_it() {
    let folder = Folder::new();
    let policy =
        |line: &str| format!("{line}\n[[rungs]]\ntargets = [\"person:ana\"]\nwait = \"5m\"\n");
    folder.put(
        "policies/calm.toml",
        &policy("rest-after-night = \"12:30\""),
    );
    let calm = good(folder.load(&[])).directory.policies["calm"].clone();
    assert_eq!(calm.rest_until, Some(12 * 60 + 30));
    for wrong in ["06:59", "22:01", "noon"] {
        let line = format!("rest-after-night = {wrong:?}");
        folder.put("policies/calm.toml", &policy(&line));
        let what = format!("`rest-after-night` cannot be {wrong:?}");
        let faults = folder.load(&[]).unwrap_err();
        said(&faults, "policies/calm.toml", 1, &what, "\"12:00\"");
    }
}
