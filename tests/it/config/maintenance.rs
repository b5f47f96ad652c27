//! Planned work in files: what it means, and its faults by line and fix.

use super::{Folder, each_is_said};
use firebell::core::time::Time;

#[test]
fn maintenance_is_planned_in_files_once_or_again_and_again() {
    let folder = Folder::new();
    folder.put(
        "maintenance/weekly.toml",
        "service = \"checkout\"\nevery = \"0 22 * * SUN\"\nduration = \"90m\"\nzone = \"Europe/Berlin\"\nowner = \"ana\"\n",
    );
    folder.put(
        "maintenance/move.toml",
        "match = [\"dc=fra1\"]\nzone = \"UTC\"\nstarts = \"2026-12-01 22:00\"\nends = \"2026-12-02 06:00\"\n",
    );
    folder.put(
        "firebell.toml",
        "[paging]\ncatch-all = [\"person:ana\"]\n[silences]\nremind-before = \"1h\"\nremind-every = \"12h\"\n",
    );
    let directory = folder.load(&[]).unwrap().directory;
    let at = |t: &str| Time::parse_rfc3339(t).unwrap();
    let weekly = &directory.maintenance["maintenance/weekly"];
    assert_eq!(
        weekly.span(at("2026-11-29T21:30:00Z")),
        Some((at("2026-11-29T21:00:00Z"), at("2026-11-29T22:30:00Z")))
    );
    let once = &directory.maintenance["maintenance/move"];
    assert_eq!(
        once.span(at("2026-01-01T00:00:00Z")),
        Some((at("2026-12-01T22:00:00Z"), at("2026-12-02T06:00:00Z")))
    );
    assert_eq!(directory.reminders.before_ms, 3_600_000);
    assert_eq!(directory.reminders.long_ms, 12 * 3_600_000);
}

#[test]
fn faults_of_maintenance_name_line_and_fix() {
    each_is_said(&[
        (
            "maintenance/x.toml",
            "service = \"chekout\"\nstarts = \"2026-12-01 22:00\"\nends = \"2026-12-02 06:00\"\nzone = \"UTC\"\n",
            1,
            "does not exist",
            "did you mean `checkout`?",
        ),
        (
            "maintenance/x.toml",
            "service = \"checkout\"\nstarts = \"2026-12-01 22:00\"\nends = \"2026-12-01 21:00\"\nzone = \"UTC\"\n",
            3,
            "is not after `starts`",
            "write starts",
        ),
        (
            "maintenance/x.toml",
            "service = \"checkout\"\nevery = \"0 99 * * SUN\"\nduration = \"1h\"\nzone = \"UTC\"\n",
            2,
            "is no cron expression",
            "0 22 * * SUN",
        ),
        (
            "maintenance/x.toml",
            "service = \"checkout\"\nevery = \"0 22 * * SUN\"\nzone = \"UTC\"\n",
            1,
            "has no `duration`",
            "90m",
        ),
        (
            "maintenance/x.toml",
            "starts = \"2026-12-01 22:00\"\nends = \"2026-12-02 06:00\"\nzone = \"UTC\"\n",
            1,
            "is about nothing",
            "service = ",
        ),
        (
            "maintenance/x.toml",
            "match = [\"job=~.*\"]\nstarts = \"2026-12-01 22:00\"\nends = \"2026-12-02 06:00\"\nzone = \"UTC\"\n",
            1,
            "every alert",
            "job=api",
        ),
        (
            "services/checkout.toml",
            "team = \"web\"\nauto-resolve-after = \"5s\"\nzone = \"UTC\"\n",
            2,
            "must be from",
            "length of time",
        ),
    ]);
}
