//! Shapes of events about what is told to others.

use super::journal::{ana, at, bo};
use firebell::core::board::Condition;
use firebell::core::id::Actor;
use firebell::core::incident::{
    Affected, Announced, Audience, CadenceSet, Event, Standing, Update, UpdateDue,
};

/// By the names of their golden files.
pub fn shapes() -> Vec<(&'static str, Event)> {
    let update = Update {
        by: ana(),
        status: Some(Standing {
            id: "identified".to_owned(),
            name: "Identified".to_owned(),
            ..Standing::default()
        }),
        text: "The release of 13:50 is the cause; we roll it back.".to_owned(),
        audience: Audience::Internal,
        announced: None,
        next_due: Some(at("14:45:00")),
        promised: false,
    };
    let public = Update {
        status: Some(Standing {
            id: "monitoring".to_owned(),
            name: "Monitoring".to_owned(),
            mitigated: true,
            ..Standing::default()
        }),
        text: "Payments work again; we keep watching.".to_owned(),
        audience: Audience::Public,
        announced: Some(Announced {
            title: "Payments are slow".to_owned(),
            components: vec![Affected {
                id: "shop".to_owned(),
                name: "Shop".to_owned(),
                condition: Condition::Degraded,
            }],
        }),
        promised: true,
        ..update.clone()
    };
    let alone = Update {
        by: bo(),
        status: Some(Standing {
            id: "resolved".to_owned(),
            name: "Resolved".to_owned(),
            mitigated: true,
            last: true,
        }),
        text: String::new(),
        next_due: None,
        ..update.clone()
    };
    vec![
        ("updated", Event::Updated(Box::new(update))),
        ("updated-public", Event::Updated(Box::new(public))),
        ("updated-status-alone", Event::Updated(Box::new(alone))),
        (
            "cadence_set",
            Event::CadenceSet(Box::new(CadenceSet {
                by: Actor::Firebell,
                every_ms: Some(1_800_000),
                next_due: Some(at("14:32:00")),
                why: "it is sev1".to_owned(),
            })),
        ),
        (
            "cadence_set-off",
            Event::CadenceSet(Box::new(CadenceSet {
                by: bo(),
                every_ms: None,
                next_due: None,
                why: "turned off by hand".to_owned(),
            })),
        ),
        (
            "update_due",
            Event::UpdateDue(Box::new(UpdateDue {
                people: vec![ana()],
                why: "the last one was 30m ago".to_owned(),
                next_due: Some(at("15:15:00")),
            })),
        ),
    ]
}
