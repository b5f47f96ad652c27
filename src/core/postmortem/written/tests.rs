//! Rules of editing, of the way to closed, and of the three-way merge.

use super::*;

fn ana() -> Actor {
    Actor::Person {
        id: "ana".to_owned(),
        name: "Ana".to_owned(),
    }
}

fn edit(base: &str, now: &str, text: &str) -> Act {
    Act::Edit {
        anchor: "impact".to_owned(),
        base: base.to_owned(),
        from: hash(now),
        now: now.to_owned(),
        text: text.to_owned(),
    }
}

fn go(from: &Written, to: Stage) -> Result<Written, Refused> {
    let moved = from.after(Act::Move { to }, &ana(), Time(5));
    moved.map(|(next, _)| next)
}

#[test]
fn it_goes_one_step_at_a_time_and_needs_an_owner_first() {
    let draft = Written::default();
    let why = go(&draft, Stage::InReview).unwrap_err().to_string();
    assert!(why.contains("who sees to it"), "{why}");
    let owned = Act::Own {
        person: Some("ana".to_owned()),
    };
    let (draft, _) = draft.after(owned, &ana(), Time(1)).unwrap();
    let why = go(&draft, Stage::Closed).unwrap_err().to_string();
    assert!(why.contains("to In review only"), "{why}");
    let review = go(&draft, Stage::InReview).unwrap();
    let reviewed = go(&review, Stage::Reviewed).unwrap();
    let closed = go(&reviewed, Stage::Closed).unwrap();
    assert_eq!((closed.stage, closed.since), (Stage::Closed, Time(5)));
    assert!(go(&closed, Stage::Draft).is_err());
    assert_eq!(go(&closed, Stage::Reviewed).unwrap().stage, Stage::Reviewed);
    let late = closed.after(edit("", "", "x"), &ana(), Time(6));
    assert!(late.is_err());
}

#[test]
fn an_edit_of_a_text_somebody_changed_meanwhile_is_shown_and_not_obeyed() {
    let empty = Written::default();
    let (first, _) = empty.after(edit("", "", "one"), &ana(), Time(1)).unwrap();
    // Somebody else had the empty section open all the time.
    let late = Act::Edit {
        anchor: "impact".to_owned(),
        base: String::new(),
        from: hash(""),
        now: "one".to_owned(),
        text: "two".to_owned(),
    };
    let refused = first.after(late, &ana(), Time(2)).unwrap_err();
    assert_eq!(
        refused,
        Refused::Stale {
            by: "Ana".to_owned()
        }
    );
    let (same, said) = first.after(edit("", "one", ""), &ana(), Time(3)).unwrap();
    assert!(same.sections.is_empty(), "{said}");
}

#[test]
fn a_new_draft_is_merged_into_what_people_wrote() {
    let base = "Sev2 for 5m.\n\nPages: 2.\n\nEnd.";
    let text = "Sev2 for 5m.\n\nPages: 2.\n\nEnd.\n\nCustomers saw errors.";
    let drafted = "Sev2 for 9m.\n\nPages: 2.\n\nEnd.";
    assert_eq!(
        merge(base, text, drafted),
        Merged::Clean("Sev2 for 9m.\n\nPages: 2.\n\nEnd.\n\nCustomers saw errors.".to_owned())
    );
    assert_eq!(
        merge(base, base, drafted),
        Merged::Clean(drafted.to_owned())
    );
    assert_eq!(merge(base, text, base), Merged::Clean(text.to_owned()));
}

#[test]
fn words_right_behind_the_draft_are_no_conflict() {
    let merged = merge(
        "It lasted 5m.",
        "It lasted 5m.\n\nNobody could pay.",
        "It lasted 9m.",
    );
    let both = "It lasted 9m.\n\nNobody could pay.".to_owned();
    assert_eq!(merged, Merged::Clean(both));
}

#[test]
fn where_both_changed_a_line_nothing_is_lost() {
    let Merged::Conflict { both } = merge("Sev2 for 5m.", "About 5 minutes.", "Sev2 for 9m.")
    else {
        panic!("a conflict was expected");
    };
    for part in [
        "About 5 minutes.",
        "Sev2 for 5m.",
        "Sev2 for 9m.",
        "<<<<<<< what people wrote",
        ">>>>>>> what firebell writes now",
    ] {
        assert!(both.contains(part), "{part}: {both}");
    }
}

#[test]
fn an_item_keeps_its_number_and_a_number_is_never_given_twice() {
    let add = |what: &str| Act::Item {
        id: None,
        what: what.to_owned(),
        owner: None,
        due: None,
        priority: Priority::High,
        link: String::new(),
    };
    let (one, _) = Written::default()
        .after(add("alert\non lag"), &ana(), Time(1))
        .unwrap();
    assert_eq!(one.items[0].what, "alert on lag");
    let (none, _) = one.after(Act::Drop { id: 1 }, &ana(), Time(2)).unwrap();
    let (two, _) = none.after(add("again"), &ana(), Time(3)).unwrap();
    assert_eq!(two.items[0].id, 2);
    let done = Act::Done { id: 2, done: true };
    let (done, said) = two.after(done, &ana(), Time(4)).unwrap();
    assert_eq!(done.open_items().count(), 0, "{said}");
    let bad = Act::Item {
        id: None,
        what: "x".to_owned(),
        owner: None,
        due: None,
        priority: Priority::Low,
        link: "javascript:alert(1)".to_owned(),
    };
    assert!(done.after(bad, &ana(), Time(5)).is_err());
}
