//! Shapes of waking people: steps, mornings, providers, urgency.

use super::*;
use firebell::core::incident::Later;

fn later(time: &str, contact: &str, digest: bool) -> Later {
    Later {
        at: at(time),
        contacts: vec![contact.to_owned()],
        digest,
    }
}

/// Shapes the rich journal has no place for.
pub fn waking_shapes() -> Vec<(&'static str, Event)> {
    let mut low = opened("disk fills up", Vec::new());
    if let Event::Opened { urgency, why, .. } = &mut low {
        *urgency = Urgency::Low;
        why.push("low urgency: sev3 may wait".to_owned());
    }
    vec![
        ("opened-of-low-urgency", low),
        (
            "paged-in-steps",
            Event::Paged {
                channels: Vec::new(),
                rung: Some((0, 0)),
                people: vec![
                    PagedPerson {
                        later: vec![
                            later("14:03:00", "sms", false),
                            later("14:08:00", "voice", false),
                        ],
                        ..paged("ana", "Ana Alves", &["push"])
                    },
                    PagedPerson {
                        later: vec![later("07:30:00", "email", true)],
                        ..paged("bo", "Bo Berg", &[])
                    },
                ],
                skipped: Vec::new(),
                why: "it was opened".to_owned(),
                next_due: Some(at("14:05:00")),
            },
        ),
        (
            "chased-in-the-morning",
            Event::Chased {
                person: "bo".to_owned(),
                name: "Bo Berg".to_owned(),
                contacts: vec!["email".to_owned()],
                steps: 1,
                digest: true,
                why: "it waited for the morning".to_owned(),
            },
        ),
        (
            "page_delivered-by-a-provider",
            Event::PageDelivered {
                person: "ana".to_owned(),
                contact: "sms".to_owned(),
                attempts: 1,
                via: "twilio-eu".to_owned(),
            },
        ),
        (
            "severity_changed-and-urgent",
            Event::SeverityChanged {
                by: bo(),
                from: Severity(2),
                to: Severity(1),
                to_name: "sev2".to_owned(),
                why: "set by hand".to_owned(),
                urgency: Some(Urgency::High),
            },
        ),
    ]
}
