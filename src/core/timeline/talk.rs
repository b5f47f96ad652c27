//! Rooms, and what is said in them.

use super::super::incident::{Event, Record, file_words};
use super::Entry;
use std::collections::BTreeMap;

pub(super) fn talk(event: &Event) -> String {
    match event {
        Event::RoomPlanned(plan) => {
            let mut parts = Vec::new();
            if plan.thread {
                parts.push("It is talked about in a thread below its card.".to_owned());
            }
            if let Some(ms) = plan.archive_after_ms {
                let after = crate::core::time::human_ms(ms);
                parts.push(format!("Its rooms are archived {after} after its end."));
            }
            parts.join(" ")
        }
        Event::Retitled(e) => format!(
            "{} renamed it from “{}” to “{}”.",
            e.by.name(),
            e.from,
            e.title
        ),
        Event::Archived(e) => match &e.by {
            crate::core::id::Actor::Firebell => format!("Its rooms are archived: {}.", e.why),
            by => format!("{} had its rooms archived ({}).", by.name(), e.why),
        },
        Event::RoomShelved(e) => format!("The room on {} was archived.", e.platform),
        Event::RoomRetried { by } => {
            format!("{} had what failed of its rooms tried again.", by.name())
        }
        Event::Kept(kept) => {
            let author = if kept.author.is_empty() {
                "Somebody"
            } else {
                &kept.author
            };
            format!(
                "{author} wrote: {} ({} by {})",
                kept.text,
                kept.how,
                kept.by.name()
            )
        }
        Event::Unkept(e) => format!(
            "{} took event {} off the timeline again (it was {}).",
            e.by.name(),
            e.seq,
            e.how
        ),
        Event::Attached(file) => format!(
            "{} attached {}.",
            file.by.name(),
            file_words(&file.name, &file.kind, file.bytes)
        ),
        Event::FileRefused(file) => format!(
            "{} attached {}, which was not kept: {}.",
            file.by.name(),
            file.name,
            file.why
        ),
        _ => String::new(),
    }
}

/// What became of messages that stand on the timeline: the words stay as they were put there, and what
/// happened to them since is said behind them.
pub(super) fn fates(journal: &[Record], entries: &mut [Entry]) {
    let mut kept: BTreeMap<u32, String> = BTreeMap::new();
    let mut places: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for record in journal {
        let mut add = |place: (&str, &str), fate: String| {
            if let Some(seq) = places.get(&place) {
                kept.insert(*seq, fate);
            }
        };
        match &record.event {
            Event::Kept(k) => {
                places.insert((&k.platform, &k.message), record.seq);
            }
            Event::Reworded {
                platform,
                message,
                text,
                ..
            } => add((platform, message), format!("changed since to: {text}")),
            Event::Unsaid {
                platform, message, ..
            } => add((platform, message), "deleted since".to_owned()),
            Event::Unkept(e) => {
                kept.insert(e.seq, format!("taken back by {}", e.by.name()));
                places.retain(|_, s| *s != e.seq);
            }
            _ => {}
        }
    }
    for entry in entries {
        if let Some(fate) = kept.get(&entry.seq).filter(|_| entry.kind == "kept") {
            entry.text = format!("{} [{fate}]", entry.text);
        }
    }
}
