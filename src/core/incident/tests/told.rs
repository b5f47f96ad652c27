//! What is told to others, by hand: one sentence each.

use super::*;
use crate::core::board::{Component, Condition, PageRules};
use std::sync::Arc;

/// Investigating, monitoring (nobody is hurt any more), resolved.
pub(in crate::core::incident) fn scale() -> Vec<Standing> {
    let place = |id: &str, name: &str, mitigated, last| Standing {
        id: id.to_owned(),
        name: name.to_owned(),
        mitigated,
        last,
    };
    vec![
        place("investigating", "Investigating", false, false),
        place("monitoring", "Monitoring", true, false),
        place("resolved", "Resolved", true, true),
    ]
}

/// A page with a shop that `checkout` feeds, and an API.
pub(in crate::core::incident) fn page() -> PageRules {
    let component = |id: &str, name: &str, service: &str| Component {
        id: id.to_owned(),
        name: name.to_owned(),
        services: vec![service.to_owned()],
        ..Component::default()
    };
    PageRules {
        components: vec![
            component("shop", "Shop", "checkout"),
            component("api", "API", "gateway"),
        ],
        by_severity: vec![Condition::MajorOutage, Condition::PartialOutage],
        mitigated: Condition::Degraded,
        ..PageRules::default()
    }
}

fn ana() -> Actor {
    Actor::Person {
        id: "ana".to_owned(),
        name: "Ana".to_owned(),
    }
}

fn life() -> Life {
    let mut life = Life::new();
    life.directory.statuses = scale();
    life.directory.page = Some(Arc::new(page()));
    life.directory.updates.every = BTreeMap::from([(Severity(1), 1_800_000)]);
    let open = OpenAs {
        service: Some("checkout".to_owned()),
        title: "SECRET host db-7 is on fire".to_owned(),
        ..open_as(Some(ladder(&[Target::Person("ana".to_owned())], 0)))
    };
    life.tell(Command::Open(Box::new(open)));
    life
}

fn wish(status: Option<&str>, text: &str) -> UpdateWish {
    UpdateWish {
        status: status.map(str::to_owned),
        ..UpdateWish::internal(ana(), text)
    }
}

fn update(life: &mut Life, wish: UpdateWish) -> Result<Vec<&'static str>, Refusal> {
    life.try_tell(Command::Update(Box::new(wish)))
}

/// As its author has read it.
fn read(life: &Life, wish: &mut UpdateWish) -> String {
    let composed = compose(&life.incident, &life.directory, life.now, wish).unwrap();
    let read = preview(&life.incident, &composed, None);
    wish.seen = Some(read.digest);
    read.text
}

#[test]
fn a_status_that_says_nobody_is_hurt_any_more_tells_since_when() {
    let mut life = life();
    assert_eq!(
        update(&mut life, wish(Some("Investigating"), "")),
        Ok(vec!["updated"])
    );
    assert_eq!(life.incident.mitigated_at, None);
    life.now = life.now.plus_secs(60);
    let since = life.now;
    update(&mut life, wish(Some("monitoring"), "rolled back")).unwrap();
    life.now = life.now.plus_secs(60);
    update(&mut life, wish(None, "still good")).unwrap();
    assert_eq!(life.incident.mitigated_at, Some(since));
    update(&mut life, wish(Some("investigating"), "it is back")).unwrap();
    assert_eq!(life.incident.mitigated_at, None, "people are hurt again");
    let again = update(&mut life, wish(Some("investigating"), ""));
    assert!(
        matches!(again, Err(Refusal::NothingToDo { .. })),
        "{again:?}"
    );
    let nothing = update(&mut life, wish(None, " \u{200b} "));
    assert!(
        matches!(nothing, Err(Refusal::Invalid { .. })),
        "{nothing:?}"
    );
    let unknown = update(&mut life, wish(Some("gone"), "x")).unwrap_err();
    assert!(
        unknown
            .to_string()
            .contains("investigating, monitoring and resolved"),
        "{unknown}"
    );
}

#[test]
fn the_last_status_does_not_resolve_unless_the_files_say_so_and_the_end_gives_the_last_status() {
    let mut one = life();
    assert_eq!(
        update(&mut one, wish(Some("resolved"), "over")),
        Ok(vec!["updated"])
    );
    assert!(one.incident.is_open(), "nothing is resolved silently");
    let mut two = life();
    two.directory.updates.final_resolves = true;
    assert_eq!(
        update(&mut two, wish(Some("resolved"), "over")),
        Ok(vec!["updated", "resolved"])
    );
    let mut three = life();
    update(&mut three, wish(Some("investigating"), "")).unwrap();
    let done = three.try_tell(Command::Resolve { by: ana() }).unwrap();
    assert_eq!(done, vec!["resolved", "updated"]);
    assert!(three.incident.told.standing.as_ref().unwrap().last);
    assert_eq!(three.incident.mitigated_at, Some(three.now));
    let again = three.try_tell(Command::Reopen { by: ana() }).unwrap();
    assert!(again.contains(&"updated"), "{again:?}");
    assert_eq!(
        three.incident.told.standing.as_ref().unwrap().id,
        "investigating"
    );
    let mut four = life();
    let silent = four.try_tell(Command::Resolve { by: ana() }).unwrap();
    assert_eq!(silent, vec!["resolved"], "nobody ever gave it a status");
}

#[test]
fn nothing_is_public_that_its_author_has_not_read_in_these_words() {
    let mut life = life();
    let mut public = UpdateWish {
        audience: Audience::Public,
        ..wish(Some("investigating"), "We look into slow payments.")
    };
    let untitled = update(&mut life, public.clone()).unwrap_err();
    assert!(
        untitled.to_string().contains("`title` is missing"),
        "{untitled}"
    );
    public.title = Some("Payments are slow".to_owned());
    let unread = update(&mut life, public.clone()).unwrap_err();
    assert!(unread.to_string().contains("has read"), "{unread}");
    let text = read(&life, &mut public);
    assert_eq!(
        text,
        "Payments are slow\nStatus: Investigating\nShop: Partial outage\nWe look into slow payments."
    );
    assert!(!text.contains("SECRET"));
    let mut other = public.clone();
    other.text.push_str(" Or not.");
    let stale = update(&mut life, other).unwrap_err();
    assert!(matches!(stale, Refusal::Stale { .. }), "{stale:?}");
    assert_eq!(update(&mut life, public), Ok(vec!["updated"]));
    // What follows keeps title and components, and is better once nobody is hurt.
    let mut next = UpdateWish {
        audience: Audience::Public,
        next_ms: Some(1_800_000),
        ..wish(Some("monitoring"), "It works again.")
    };
    let text = read(&life, &mut next);
    assert!(
        text.contains("Payments are slow") && text.contains("Shop: Degraded"),
        "{text}"
    );
    assert!(text.ends_with("Next update by 12:30 UTC"), "{text}");
    life.now = life.now.plus_secs(30);
    assert_eq!(update(&mut life, next), Ok(vec!["updated"]));
    let done = life.try_tell(Command::Resolve { by: ana() }).unwrap();
    assert_eq!(
        done,
        vec!["resolved", "updated", "update_due"],
        "the page still says Monitoring"
    );
    let mut last = UpdateWish {
        audience: Audience::Public,
        ..wish(Some("resolved"), "It is over.")
    };
    assert!(read(&life, &mut last).contains("Shop: Operational"));
    assert_eq!(update(&mut life, last), Ok(vec!["updated"]));
}

#[test]
fn a_public_update_needs_a_page_a_person_and_their_role() {
    let mut life = life();
    let public = UpdateWish {
        audience: Audience::Public,
        title: Some("Slow".to_owned()),
        ..wish(None, "We look into it.")
    };
    let stranger = UpdateWish {
        by: Actor::Unlinked {
            id: "slack:U1".to_owned(),
            name: "Mallory".to_owned(),
        },
        ..public.clone()
    };
    assert!(matches!(
        update(&mut life, stranger),
        Err(Refusal::Forbidden { .. })
    ));
    let mut rules = page();
    rules.publishers = vec!["communications".to_owned()];
    life.directory.page = Some(Arc::new(rules));
    let refused = update(&mut life, public.clone()).unwrap_err();
    assert!(refused.to_string().contains("communications"), "{refused}");
    life.directory.page = None;
    let refused = update(&mut life, public).unwrap_err();
    assert!(refused.to_string().contains("[status_page]"), "{refused}");
}

#[test]
fn an_update_that_is_due_is_asked_for_once_each_time_until_it_is_over() {
    let mut life = life();
    let due = life.now.plus_ms(1_800_000);
    assert_eq!(life.incident.told.next_due, Some(due));
    life.tell(Command::Acknowledge { by: ana() });
    life.tell(Command::Lead {
        by: ana(),
        lead: ana(),
    });
    assert_eq!(wake_at(&life.incident), Some(due));
    life.now = due.plus_ms(-1);
    assert_eq!(life.try_tell(Command::Wake), Err(Refusal::NotYet));
    life.now = due;
    assert_eq!(life.try_tell(Command::Wake), Ok(vec!["update_due"]));
    assert!(life.effects.contains(&Effect::Tell {
        person: "ana".to_owned()
    }));
    assert_eq!(
        life.try_tell(Command::Wake),
        Err(Refusal::NotYet),
        "told once"
    );
    // A process that was down for hours asks once, and counts from now.
    life.now = due.plus_ms(20 * 1_800_000);
    assert_eq!(life.try_tell(Command::Wake), Ok(vec!["update_due"]));
    assert_eq!(
        life.incident.told.next_due,
        Some(life.now.plus_ms(1_800_000))
    );
    update(&mut life, wish(None, "we are on it")).unwrap();
    assert_eq!(
        life.incident.told.next_due,
        Some(life.now.plus_ms(1_800_000))
    );
    life.tell(Command::Resolve { by: ana() });
    assert_eq!(
        wake_at(&life.incident),
        None,
        "nobody is reminded once it is over"
    );
}

#[test]
fn reminders_rest_while_it_is_snoozed_can_be_put_off_and_turned_off() {
    let mut life = life();
    let until = life.now.plus_secs(7200);
    life.tell(Command::Snooze { by: ana(), until });
    assert_eq!(wake_at(&life.incident), Some(until));
    life.now = until;
    let woken = life.try_tell(Command::Wake).unwrap();
    assert!(
        woken.contains(&"update_due") && woken.contains(&"retriggered"),
        "{woken:?}"
    );
    life.tell(Command::Acknowledge { by: ana() });
    let later = life.now.plus_secs(3600);
    let cadence = |every_ms, next| Command::SetCadence {
        by: ana(),
        every_ms,
        next,
    };
    life.tell(cadence(None, Some(later)));
    assert_eq!(life.incident.told.next_due, Some(later));
    assert_eq!(life.incident.told.every_ms, Some(1_800_000));
    life.tell(cadence(None, None));
    assert_eq!(
        (life.incident.told.every_ms, wake_at(&life.incident)),
        (None, None)
    );
    let again = life.try_tell(cadence(None, None));
    assert!(matches!(again, Err(Refusal::NothingToDo { .. })));
    assert!(matches!(
        life.try_tell(cadence(Some(1), None)),
        Err(Refusal::Invalid { .. })
    ));
}

#[test]
fn another_severity_brings_its_own_cadence_unless_somebody_set_one() {
    let mut life = life();
    life.directory.updates.every.insert(Severity(2), 7_200_000);
    let lower = |life: &mut Life, to| {
        let command = Command::SetSeverity {
            by: ana(),
            to: Severity(to),
        };
        life.try_tell(command).unwrap()
    };
    assert!(lower(&mut life, 2).contains(&"cadence_set"));
    assert_eq!(life.incident.told.every_ms, Some(7_200_000));
    life.tell(Command::SetCadence {
        by: ana(),
        every_ms: Some(600_000),
        next: None,
    });
    assert!(!lower(&mut life, 1).contains(&"cadence_set"));
    assert_eq!(life.incident.told.every_ms, Some(600_000));
}
