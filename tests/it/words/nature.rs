//! Shapes of events about what an incident is and what it has to do with.

use super::journal::{ana, bo, guest, opened};
use firebell::core::directory::RunsPolicy;
use firebell::core::id::{Actor, IncidentId};
use firebell::core::incident::{
    ChildMoved, ChildSet, DrillSet, Event, Hidden, Invited, Nature, Origin, ParentSet, Recalled,
    Related, Revealed, TypeSet, Unrelated,
};

fn of_a_type() -> Event {
    let mut event = opened("somebody reads our mail", Vec::new());
    if let Event::Opened { nature, origin, .. } = &mut event {
        *origin = Origin::Declared { by: guest() };
        *nature = Nature {
            type_id: Some("security".to_owned()),
            type_name: Some("Security".to_owned()),
            private: true,
            drill: true,
            runs: RunsPolicy::ReadOnly,
        };
    }
    event
}

/// By the names of their golden files.
#[expect(clippy::too_many_lines, reason = "a list of events")]
pub fn shapes() -> Vec<(&'static str, Event)> {
    let (other, words) = (IncidentId(40), str::to_owned);
    vec![
        ("opened-of-a-type", of_a_type()),
        (
            "hidden",
            Event::Hidden(Hidden {
                by: ana(),
                why: words("customer data is in it"),
                exposed: vec![words("its card in #web-alerts"), words("its room on slack")],
            }),
        ),
        (
            "revealed",
            Event::Revealed(Revealed {
                by: ana(),
                why: words("the customers were told"),
            }),
        ),
        (
            "invited",
            Event::Invited(Invited {
                by: ana(),
                who: bo(),
            }),
        ),
        (
            "invited-by-account",
            Event::Invited(Invited {
                by: ana(),
                who: Actor::Unlinked {
                    id: words("slack:U9"),
                    name: words("Kim"),
                },
            }),
        ),
        (
            "drill_set",
            Event::DrillSet(DrillSet {
                by: bo(),
                drill: true,
                runs: RunsPolicy::ReadOnly,
            }),
        ),
        (
            "type_set",
            Event::TypeSet(TypeSet {
                by: bo(),
                type_id: Some(words("security")),
                type_name: Some(words("Security")),
                runs: RunsPolicy::None,
            }),
        ),
        (
            "type_set-to-none",
            Event::TypeSet(TypeSet {
                by: bo(),
                type_id: None,
                type_name: None,
                runs: RunsPolicy::All,
            }),
        ),
        (
            "related",
            Event::Related(Related {
                by: ana(),
                to: other,
                title: words("search is slow"),
                why: words("the same deploy"),
            }),
        ),
        (
            "unrelated",
            Event::Unrelated(Unrelated {
                by: ana(),
                to: other,
            }),
        ),
        (
            "parent_set",
            Event::ParentSet(ParentSet {
                by: ana(),
                parent: Some(other),
                title: words("the shop is down"),
            }),
        ),
        (
            "parent_set-to-none",
            Event::ParentSet(ParentSet {
                by: ana(),
                parent: None,
                title: String::new(),
            }),
        ),
        (
            "child_set",
            Event::ChildSet(ChildSet {
                by: ana(),
                child: other,
                title: words("search is slow"),
                status: Some(words("triggered")),
            }),
        ),
        (
            "child_set-gone",
            Event::ChildSet(ChildSet {
                by: ana(),
                child: other,
                title: String::new(),
                status: None,
            }),
        ),
        (
            "child_moved",
            Event::ChildMoved(ChildMoved {
                child: other,
                status: words("resolved"),
            }),
        ),
        (
            "recalled",
            Event::Recalled(Recalled {
                of: other,
                alert: words("Slow"),
            }),
        ),
    ]
}
