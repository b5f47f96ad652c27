//! Which changes are put beside an incident, in which order, and why.

use super::*;
use crate::core::alert::Labels;
use crate::core::directory::Service;
use crate::core::id::Severity;

const NOON: Time = Time(1_795_348_800_000);
const MINUTE: i64 = 60_000;

fn service(id: &str, team: &str, needs: &[&str]) -> Service {
    Service {
        id: id.to_owned(),
        name: id.to_owned(),
        team: team.to_owned(),
        tier: 1,
        depends_on: needs.iter().map(|n| (*n).to_owned()).collect(),
        links: BTreeMap::new(),
        policy: None,
        channel: None,
        matchers: Vec::new(),
        major_at: Severity(0),
        auto_resolve: true,
        support: None,
        auto_resolve_after_ms: None,
        hold_while_firing: true,
    }
}

fn directory() -> Directory {
    let services = [
        service("checkout", "web", &["payments"]),
        service("payments", "money", &["ledger"]),
        service("ledger", "money", &[]),
        service("search", "web", &[]),
        service("mail", "post", &[]),
    ];
    Directory {
        services: services.map(|s| (s.id.clone(), s)).into(),
        ..Directory::default()
    }
}

fn change(key: &str, service: Option<&str>, before: i64) -> ChangeEvent {
    ChangeEvent {
        source: "ci".to_owned(),
        key: key.to_owned(),
        summary: key.to_owned(),
        service: service.map(str::to_owned),
        at: NOON.plus_ms(-before),
        received_at: NOON.plus_ms(-before),
        ..ChangeEvent::default()
    }
}

fn onset() -> Onset<'static> {
    Onset {
        service: Some("checkout"),
        team: Some("web"),
        environment: Some("prod"),
        at: NOON,
    }
}

fn keys(found: &[Preceding]) -> Vec<&str> {
    found.iter().map(|p| p.key.as_str()).collect()
}

#[test]
fn own_changes_come_before_those_of_what_is_needed_and_strangers_are_left_out() {
    let all = [
        change("team", Some("search"), 5 * MINUTE),
        change("far", Some("ledger"), 5 * MINUTE),
        change("needed", Some("payments"), 5 * MINUTE),
        change("own", Some("checkout"), 5 * MINUTE),
        change("stranger", Some("mail"), 5 * MINUTE),
        change("nobody", None, 5 * MINUTE),
    ];
    let found = preceding(&Recent::of(all), &directory(), onset());
    assert_eq!(keys(&found), ["own", "needed", "far", "nobody", "team"]);
    let close: Vec<bool> = found.iter().map(|p| p.close).collect();
    assert_eq!(close, [true, true, true, false, false]);
    assert_eq!(
        found[0].why,
        "5m before it began, on checkout itself; the first change of checkout within a week"
    );
    assert_eq!(
        found[1].why,
        "5m before it began, on payments, which checkout needs; the first change of payments within a week"
    );
}

#[test]
fn what_is_deployed_every_hour_says_less_than_the_only_change_of_a_week() {
    let hourly = (0..168).map(|h| {
        change(
            &format!("h{h}"),
            Some("checkout"),
            h * 60 * MINUTE + 10 * MINUTE,
        )
    });
    let rare = change("rare", Some("payments"), 10 * MINUTE);
    let found = preceding(&Recent::of(hourly.chain([rare])), &directory(), onset());
    assert_eq!(keys(&found)[0], "rare", "{found:?}");
    assert!(found[1].why.contains("checkout had 16"), "{}", found[1].why);
}

#[test]
fn what_is_later_or_long_ago_is_not_before_it_and_a_clock_may_be_a_little_ahead() {
    let all = [
        change("old", Some("checkout"), BEFORE_MS + 1),
        change("later", Some("checkout"), -2 * MINUTE),
        change("ahead", Some("checkout"), -MINUTE / 2),
    ];
    let found = preceding(&Recent::of(all), &directory(), onset());
    assert_eq!(keys(&found), ["ahead"]);
    assert!(found[0].why.starts_with("0s before"), "{}", found[0].why);
}

#[test]
fn another_environment_counts_a_fifth_and_is_never_close() {
    let mut staging = change("staging", Some("checkout"), 5 * MINUTE);
    staging.environment = "staging".to_owned();
    let mut needed = change("needed", Some("payments"), 5 * MINUTE);
    needed.environment = "Production".to_owned();
    let found = preceding(&Recent::of([staging, needed]), &directory(), onset());
    assert_eq!(keys(&found), ["needed", "staging"]);
    assert!(found[0].close, "prod is production: {found:?}");
    assert!(!found[1].close);
    assert!(
        found[1]
            .why
            .contains("in staging while the incident is in prod"),
        "{}",
        found[1].why
    );
}

#[test]
fn points_fall_with_time_and_with_the_rate_and_stay_between_0_and_100() {
    assert_eq!(points(100, 0, 1), 97);
    for often in [1, 7, 168] {
        let mut last = 100;
        for minutes in 1..240 {
            let now = points(100, minutes * MINUTE, often);
            assert!(
                now <= last,
                "{minutes} minutes, {often}: {now} after {last}"
            );
            last = now;
        }
    }
    for minutes in [1, 10, 60] {
        assert!(points(100, minutes * MINUTE, 1) >= points(100, minutes * MINUTE, 50));
    }
}

#[test]
fn told_again_a_change_goes_on_and_never_back() {
    let mut recent = Recent::default();
    let mut started = change("d1", Some("checkout"), 10 * MINUTE);
    started.state = ChangeState::Started;
    let done = change("d1", Some("checkout"), 5 * MINUTE);
    recent.put(done.clone());
    recent.put(started);
    let all: Vec<_> = recent.iter().map(|c| (*c).as_ref().clone()).collect();
    assert_eq!(all, [done]);
}

#[test]
fn a_change_belongs_to_whom_it_was_written_down_for_or_whose_link_leads_to_it() {
    let mut directory = directory();
    let search = directory.services.get_mut("search").unwrap();
    search.links.insert(
        "repository".to_owned(),
        "https://git.example/acme/finder.git".to_owned(),
    );
    let none = Labels::new();
    let of = |written, repository: &str, labels: &Labels| {
        service_of(&directory, written, repository, labels)
    };
    assert_eq!(
        of(Some("mail"), "acme/finder", &none).as_deref(),
        Some("mail")
    );
    assert_eq!(of(None, "acme/finder", &none).as_deref(), Some("search"));
    assert_eq!(of(None, "cme/finder", &none), None);
    assert_eq!(of(None, "acme/ledger", &none).as_deref(), Some("ledger"));
    let named: Labels = [("service".to_owned(), "mail".to_owned())].into();
    assert_eq!(of(None, "acme/other", &named).as_deref(), Some("mail"));
}
