//! Until somebody has it.

use super::{Event, alert, at, opened, paged, skipped};

pub fn beginning() -> Vec<(&'static str, &'static str, Event)> {
    vec![
        (
            "14:00:00",
            "alert:1",
            opened(
                "Checkout: high error rate",
                vec![
                    alert(1, "HighErrorRate", "13:58:30"),
                    alert(2, "HighLatency", "13:59:10"),
                ],
            ),
        ),
        (
            "14:00:30",
            "wake",
            Event::Paged {
                channels: Vec::new(),
                rung: Some((0, 0)),
                people: vec![paged("ana", "Ana Alves", &["console", "phone"])],
                skipped: vec![skipped("person kai", "has no contact")],
                why: "it was opened".to_owned(),
                next_due: Some(at("14:05:30")),
            },
        ),
        (
            "14:00:31",
            "delivery:1",
            Event::PageDelivered {
                person: "ana".to_owned(),
                contact: "console".to_owned(),
                attempts: 1,
                via: String::new(),
            },
        ),
        (
            "14:01:30",
            "delivery:2",
            Event::PageFailed {
                person: "ana".to_owned(),
                contact: "phone".to_owned(),
                why: "the webhook answered 503 five times".to_owned(),
            },
        ),
        (
            "14:02:00",
            "alert:3",
            Event::Fired {
                alerts: (3..=22)
                    .map(|n| alert(n, &format!("PodDown-{n}"), "14:01:40"))
                    .collect(),
            },
        ),
        (
            "14:05:30",
            "wake",
            Event::RungSkipped {
                rung: (0, 1),
                skipped: vec![skipped("schedule web-secondary", "nobody is on call")],
            },
        ),
        (
            "14:05:30",
            "wake",
            Event::Paged {
                channels: Vec::new(),
                rung: Some((0, 2)),
                people: vec![paged("bo", "Bo Berg", &["console"])],
                skipped: Vec::new(),
                why: "nobody acknowledged in time; the step before reached nobody".to_owned(),
                next_due: Some(at("14:10:30")),
            },
        ),
        (
            "14:06:00",
            "slack:page",
            Event::CatchAll {
                nobody_else: false,
                people: Vec::new(),
                skipped: vec![skipped("team ops", "has no members")],
                why: "asked for by Kim; schedule db nobody is on call".to_owned(),
                next_due: at("14:11:00"),
            },
        ),
        (
            "14:06:10",
            "wake",
            Event::CatchAll {
                nobody_else: false,
                people: vec![paged("cy", "Cy Chen", &["console"])],
                skipped: Vec::new(),
                why: "the whole ladder was climbed and nobody acknowledged".to_owned(),
                next_due: at("14:36:10"),
            },
        ),
    ]
}
