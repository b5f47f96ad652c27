//! Lines about leading an incident.

use super::{FORTY_TWO, SEVEN, at, no, ok};
use crate::chat::grammar::{Conducting, Holder, Invocation, Owner};
use crate::core::id::IncidentId;

#[test]
fn a_role_is_given_taken_ended_and_waived_by_one_command() {
    let role = |text: &str| match ok(text) {
        Invocation::Conduct {
            id,
            what: Conducting::Role { role, who, ask },
        } => (id, role, who, ask),
        other => panic!("{text}: {other:?}"),
    };
    let scribe = |who: Holder, ask| (SEVEN, "scribe".to_owned(), who, ask);
    let bo = || Holder::Person("bo".to_owned());
    assert_eq!(role("role scribe"), scribe(Holder::Me, false));
    assert_eq!(role("role scribe me"), scribe(Holder::Me, false));
    assert_eq!(role("role Scribe @bo"), scribe(bo(), false));
    assert_eq!(role("role scribe @bo ask"), scribe(bo(), true));
    assert_eq!(role("role scribe ask bo"), scribe(bo(), true));
    assert_eq!(role("role scribe nobody"), scribe(Holder::Nobody, false));
    assert_eq!(role("role scribe skip"), scribe(Holder::Skip, false));
    assert_eq!(role("role scribe accept").2, Holder::Accept);
    assert_eq!(role("role #42 scribe bo").0, FORTY_TWO);
    assert_eq!(role("role lead me").1, "commander");
    assert!(no("role barista me", Some(7)).contains("`commander`"));
    assert!(no("role scribe me ask", Some(7)).contains("a person to be asked"));
    assert!(no("role scribe carl", Some(7)).contains("not in the directory"));
}

#[test]
fn numbers_of_tasks_and_lines_are_never_incidents() {
    let done = |id, task| Invocation::Conduct {
        id,
        what: Conducting::Done { task, done: true },
    };
    assert_eq!(ok("done 3"), done(SEVEN, 3));
    assert_eq!(ok("done task-3"), done(SEVEN, 3));
    assert_eq!(ok("done #42 3"), done(FORTY_TWO, 3));
    assert_eq!(ok("done 3 #42"), done(FORTY_TWO, 3));
    assert!(no("done", Some(7)).contains("`task` is missing"));
    assert!(no("done three", Some(7)).contains("no number"));
    let give = |owner| Invocation::Conduct {
        id: SEVEN,
        what: Conducting::Give { task: 3, owner },
    };
    assert_eq!(ok("give 3 @bo"), give(Owner::Person("bo".to_owned())));
    assert_eq!(ok("give 3"), give(Owner::Me));
    assert_eq!(ok("reassign task-3 nobody"), give(Owner::Nobody));
    assert_eq!(
        ok("reopen task-3"),
        Invocation::Conduct {
            id: SEVEN,
            what: Conducting::Done {
                task: 3,
                done: false
            }
        }
    );
    assert_eq!(ok("reopen"), Invocation::Reopen { id: SEVEN });
}

#[test]
fn a_task_has_an_owner_and_a_time_anywhere() {
    let task = |text: &str| match ok(text) {
        Invocation::Conduct {
            what:
                Conducting::Task {
                    text,
                    owner,
                    due,
                    follow_up,
                },
            ..
        } => (text, owner, due, follow_up),
        other => panic!("{text}: {other:?}"),
    };
    let bo = Some(Owner::Person("bo".to_owned()));
    // A Sunday, half past two.
    for (text, due) in [
        (
            "task look at it owner=@bo due=16:00",
            "2026-11-22T16:00:00Z",
        ),
        ("task owner=bo due=fri look at it", "2026-11-27T17:00:00Z"),
        (
            "task look due=mon 09:30 at it owner=bo",
            "2026-11-23T09:30:00Z",
        ),
        (
            "task look at it owner=bo due=\"tomorrow 09:00\"",
            "2026-11-23T09:00:00Z",
        ),
        (
            "task look at it owner=bo due=2026-12-24",
            "2026-12-24T17:00:00Z",
        ),
        ("task look at it owner=bo due=30m", "2026-11-22T15:00:00Z"),
    ] {
        let read = task(text);
        assert_eq!(read.0, "look at it", "{text}");
        assert_eq!((read.1, read.3), (bo.clone(), false), "{text}");
        assert_eq!(read.2, Some(at(due)), "{text}");
    }
    assert!(task("followup x=5 is wrong owner=me").3);
    assert_eq!(task("task 42 is the answer").0, "42 is the answer");
    assert!(no("task due=16:00", Some(7)).contains("`text` is missing"));
    assert!(no("task look due=13:99", Some(7)).contains("`due`"));
    assert!(no("task look due=2020-01-01", Some(7)).contains("over already"));
    assert!(no("task look owner=carl", Some(7)).contains("not in the directory"));
}

#[test]
fn joining_is_taking_part_and_with_another_number_merging() {
    let join = |id, person: Option<&str>| Invocation::Conduct {
        id,
        what: Conducting::Join {
            person: person.map(str::to_owned),
        },
    };
    assert_eq!(ok("join"), join(SEVEN, None));
    assert_eq!(ok("join #42"), join(FORTY_TWO, None));
    assert_eq!(ok("join 42 bo"), join(FORTY_TWO, Some("bo")));
    let merge = |from| Invocation::Merge {
        from,
        into: IncidentId(40),
    };
    assert_eq!(ok("join #42 into #40"), merge(FORTY_TWO));
    assert_eq!(ok("join #42 #40"), merge(FORTY_TWO));
    assert_eq!(ok("join into 40"), merge(SEVEN));
    let leave = |to: Option<Owner>| Invocation::Conduct {
        id: SEVEN,
        what: Conducting::Leave { person: None, to },
    };
    assert_eq!(ok("leave"), leave(None));
    let bo = Some(Owner::Person("bo".to_owned()));
    assert_eq!(ok("leave to=@bo"), leave(bo.clone()));
    assert_eq!(ok("leave to bo"), leave(bo));
}

#[test]
fn who_with_an_incident_asks_who_takes_part() {
    let here = |id| Invocation::Conduct {
        id,
        what: Conducting::Responders,
    };
    assert_eq!(ok("who #42"), here(FORTY_TWO));
    assert_eq!(ok("who here"), here(SEVEN));
    assert_eq!(ok("responders"), here(SEVEN));
    assert_eq!(
        ok("who"),
        Invocation::OnCall {
            whom: None,
            at: None
        }
    );
}

#[test]
fn a_report_has_three_parts_in_one_line_or_by_name() {
    let can = |text: &str| match ok(text) {
        Invocation::Conduct {
            what:
                Conducting::Can {
                    conditions,
                    actions,
                    needs,
                },
            ..
        } => [conditions, actions, needs],
        other => panic!("{text}: {other:?}"),
    };
    let all = ["errors at 20 %", "we roll back", "a DBA"];
    assert_eq!(can("can errors at 20 % | we roll back | a DBA"), all);
    assert_eq!(
        can("can errors at 20 % needs=\"a DBA\" actions=\"we roll back\""),
        all
    );
    assert_eq!(can("can errors"), ["errors", "", ""]);
    assert!(no("can", Some(7)).contains("`conditions` is missing"));
    assert!(no("can | x", Some(7)).contains("`conditions` is missing"));
}

#[test]
fn a_decision_has_its_own_time_as_a_note_has() {
    let decision = |happened_at: Option<&str>| Invocation::Conduct {
        id: SEVEN,
        what: Conducting::Decision {
            text: "we roll back".to_owned(),
            happened_at: happened_at.map(at),
        },
    };
    assert_eq!(ok("decision we roll back"), decision(None));
    assert_eq!(
        ok("decided at 14:03 we roll back"),
        decision(Some("2026-11-22T14:03:00Z"))
    );
    assert!(no("decision", Some(7)).contains("`text` is missing"));
    assert!(no("decision at 2026-11-23 14:03 x", Some(7)).contains("in the future"));
}

#[test]
fn a_line_stays_whole_in_the_field_of_a_form() {
    use super::super::{Context, typed};
    let directory = crate::chat::fixture::directory();
    let context = Context {
        directory: &directory,
        now: at("2026-11-22T14:30:00Z"),
        zone: chrono_tz::Tz::UTC,
        here: Some(SEVEN),
    };
    let options = [("conditions", "errors | rising")]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into();
    let Invocation::Conduct {
        what:
            Conducting::Can {
                conditions,
                actions,
                ..
            },
        ..
    } = typed("can", &options, &context).unwrap()
    else {
        panic!("not a report")
    };
    assert_eq!(
        (conditions.as_str(), actions.as_str()),
        ("errors | rising", "")
    );
}
