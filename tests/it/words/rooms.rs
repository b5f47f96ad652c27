//! Events about rooms and what is said in them, by the names of their golden files.

use super::journal::{ana, at, bo};
use firebell::core::id::Actor;
use firebell::core::incident::{
    Answered, Event, KeptFile, KeptMessage, PutAway, RefusedFile, Retitled, RoomPlan, ShelvedRoom,
    Unkept,
};

pub fn shapes() -> Vec<(&'static str, Event)> {
    vec![
        (
            "room_planned",
            Event::RoomPlanned(RoomPlan {
                thread: true,
                archive_after_ms: Some(604_800_000),
            }),
        ),
        (
            "retitled",
            Event::Retitled(Retitled {
                by: ana(),
                from: "Checkout: high error rate".to_owned(),
                title: "Payments fail in the EU".to_owned(),
            }),
        ),
        (
            "archived",
            Event::Archived(PutAway {
                by: Actor::Firebell,
                why: "resolved for 7d".to_owned(),
            }),
        ),
        (
            "room_shelved",
            Event::RoomShelved(ShelvedRoom {
                platform: "slack".to_owned(),
                room: "C0ROOM".to_owned(),
            }),
        ),
        ("room_retried", Event::RoomRetried { by: bo() }),
        ("kept", kept()),
        (
            "unkept",
            Event::Unkept(Unkept {
                by: ana(),
                seq: 31,
                how: "marked with :pushpin:".to_owned(),
            }),
        ),
        ("attached", attached()),
        (
            "file_refused",
            Event::FileRefused(Box::new(RefusedFile {
                by: bo(),
                platform: "discord".to_owned(),
                message: "99".to_owned(),
                name: "core.dump".to_owned(),
                why: "it is 2.1 MB, and a file may be 1.0 MB ([rooms] file-bytes)".to_owned(),
            })),
        ),
        (
            "spoke-answering",
            Event::Spoke {
                by: bo(),
                text: "since the deploy".to_owned(),
                platform: "discord".to_owned(),
                message: "100".to_owned(),
                answers: Some(Box::new(Answered {
                    message: "99".to_owned(),
                    seq: Some(29),
                    name: "Ana Alves".to_owned(),
                })),
            },
        ),
        (
            "removed-of-a-message",
            Event::Removed {
                kind: "spoke".to_owned(),
                platform: "slack".to_owned(),
                message: "1763820540.000100".to_owned(),
            },
        ),
    ]
}

fn kept() -> Event {
    Event::Kept(Box::new(KeptMessage {
        by: ana(),
        platform: "slack".to_owned(),
        message: "1763820540.000100".to_owned(),
        text: "Customers report failed payments".to_owned(),
        author: "Kim".to_owned(),
        written_at: at("14:09:00"),
        how: "marked with :pushpin:".to_owned(),
    }))
}

fn attached() -> Event {
    Event::Attached(Box::new(KeptFile {
        by: bo(),
        platform: "discord".to_owned(),
        message: "99".to_owned(),
        name: "chart.png".to_owned(),
        kind: "image/png".to_owned(),
        bytes: 120_000,
        sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
    }))
}
