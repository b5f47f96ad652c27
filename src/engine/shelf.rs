//! Incidents in memory, and those at rest in as little of it as they need.
//!
//! Of a hundred thousand open incidents nearly all wait: for their next step, for a person, for their alert
//! to clear. One that nothing has happened to for [`REST_MS`] is written down (as `MessagePack`, which has room
//! for every kind of key and is read in microseconds) and packed against others of its policy, which say nearly
//! the same; it is a tenth of what it was. Whoever asks for it gets it as it was: only what comes back equal
//! is packed at all, so that a field which cannot be written down costs memory and never a fact.

use crate::core::id::IncidentId;
use crate::core::incident::{Incident, Ladder, Status};
use lz4_flex::block::{
    compress_into_with_dict, decompress_into_with_dict, get_maximum_output_size,
};
use std::collections::HashMap;
use std::sync::Arc;

/// An incident nothing has happened to for so long is at rest, milliseconds. Longer than the pages of one step
/// need to be delivered. At a thousand a second the whole ones of two seconds were a tenth of
/// all memory; one that is packed too early costs ten microseconds.
pub(super) const REST_MS: i64 = 500;
/// Texts that others are packed against: more policies than that are rare, and pack nothing.
const MODELS: usize = 256;
/// Incidents in a text that others are packed against: as many kinds of alerts as most policies hear.
const SAMPLES: usize = 12;
/// One that stays larger than this part of its text is unlike what it was packed against: most of any
/// text is the names of its fields.
const UNLIKE: usize = 8;
/// Bytes of an incident's text: so many of them are no more than LZ4 looks back.
const LONGEST: usize = 5 * 1024;

/// One incident.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    /// As it is worked with.
    Whole(Arc<Incident>),
    /// At rest.
    Packed(Arc<Packed>),
}

/// An incident at rest.
#[derive(Debug)]
pub(super) struct Packed {
    status: Status,
    fires: bool,
    drill: bool,
    id: IncidentId,
    /// Bytes of its text.
    length: u32,
    model: Arc<Model>,
    bytes: Box<[u8]>,
}

/// What incidents of a policy have in common.
#[derive(Debug)]
struct Model {
    ladder: Arc<Ladder>,
    /// How many incidents are in its text, one after the other.
    samples: usize,
    text: Box<[u8]>,
}

impl Kept {
    /// The incident.
    pub(super) fn whole(&self) -> Arc<Incident> {
        match self {
            Kept::Whole(incident) => incident.clone(),
            Kept::Packed(packed) => Arc::new(packed.open()),
        }
    }

    /// Whether it is not over.
    pub(super) fn is_open(&self) -> bool {
        self.status() != Status::Resolved
    }

    /// Where it stands.
    pub(super) fn status(&self) -> Status {
        match self {
            Kept::Whole(incident) => incident.status,
            Kept::Packed(packed) => packed.status,
        }
    }

    /// Whether an alert of it fires.
    pub(super) fn fires(&self) -> bool {
        match self {
            Kept::Whole(incident) => !incident.firing.is_empty(),
            Kept::Packed(packed) => packed.fires,
        }
    }

    /// Whether it is a drill.
    pub(super) fn is_drill(&self) -> bool {
        match self {
            Kept::Whole(incident) => incident.nature.drill,
            Kept::Packed(packed) => packed.drill,
        }
    }
}

impl Packed {
    /// The incident. What was packed came back equal once, so it does so again.
    fn open(&self) -> Incident {
        let mut text = vec![0; self.length as usize];
        let read = decompress_into_with_dict(&self.bytes, &mut text, &self.model.text).ok();
        let incident = read.and_then(|_| rmp_serde::from_slice(&text).ok());
        Incident {
            ladder: self.model.ladder.clone(),
            ..incident.unwrap_or_else(|| Incident::new(self.id))
        }
    }
}

/// Incidents by number.
#[derive(Clone, Debug, Default)]
pub(super) struct Shelf(HashMap<IncidentId, Kept>);

impl Shelf {
    /// The incident of this number.
    pub(super) fn get(&self, id: IncidentId) -> Option<Arc<Incident>> {
        self.0.get(&id).map(Kept::whole)
    }

    /// As it is kept.
    pub(super) fn kept(&self, id: IncidentId) -> Option<&Kept> {
        self.0.get(&id)
    }

    /// Whether there is one.
    pub(super) fn contains(&self, id: IncidentId) -> bool {
        self.0.contains_key(&id)
    }

    /// Whether it is this very copy.
    pub(super) fn is_whole(&self, id: IncidentId, copy: &Arc<Incident>) -> bool {
        matches!(self.0.get(&id), Some(Kept::Whole(own)) if Arc::ptr_eq(own, copy))
    }

    /// Takes one as it is now.
    pub(super) fn insert(&mut self, id: IncidentId, kept: Kept) {
        self.0.insert(id, kept);
    }

    /// Gives one up.
    pub(super) fn remove(&mut self, id: IncidentId) {
        self.0.remove(&id);
    }

    /// Those that are not over, the same way.
    pub(super) fn open(&self) -> impl Iterator<Item = (IncidentId, &Kept)> {
        self.all().filter(|(_, kept)| kept.is_open())
    }

    /// All of them as they are kept, in no order.
    pub(super) fn all(&self) -> impl Iterator<Item = (IncidentId, &Kept)> {
        self.0.iter().map(|(id, kept)| (*id, kept))
    }
}

impl FromIterator<(IncidentId, Kept)> for Shelf {
    fn from_iter<I: IntoIterator<Item = (IncidentId, Kept)>>(all: I) -> Shelf {
        Shelf(all.into_iter().collect())
    }
}

/// Packs incidents.
#[derive(Debug, Default)]
pub(super) struct Packer {
    models: Vec<Arc<Model>>,
}

impl Packer {
    /// The incident at rest; `None`: it does not come back equal, or would not be smaller.
    pub(super) fn pack(&mut self, incident: &Incident) -> Option<Packed> {
        let text = rmp_serde::to_vec_named(incident).ok()?;
        if text.len() > LONGEST {
            return None;
        }
        let model = self.model(&incident.ladder, &text)?;
        let mut packed = packed(incident, &text, model)?;
        if packed.bytes.len() * UNLIKE > text.len() && packed.model.samples < SAMPLES {
            // It has little in common with what is known; those that come now may have more with it.
            let known = &packed.model;
            let model = Arc::new(Model {
                ladder: incident.ladder.clone(),
                samples: known.samples + 1,
                text: [&known.text[..], &text[..]].concat().into(),
            });
            let of = |m: &Arc<Model>| Arc::ptr_eq(&m.ladder, &incident.ladder);
            if let Some(known) = self.models.iter_mut().find(|m| of(m)) {
                *known = model.clone();
            }
            packed = self::packed(incident, &text, model)?;
        }
        (packed.open() == *incident).then_some(packed)
    }

    fn model(&mut self, ladder: &Arc<Ladder>, text: &[u8]) -> Option<Arc<Model>> {
        let known = self.models.iter().find(|m| Arc::ptr_eq(&m.ladder, ladder));
        if let Some(known) = known {
            return Some(known.clone());
        }
        if self.models.len() >= MODELS {
            self.models.retain(|m| Arc::strong_count(m) > 1);
        }
        if self.models.len() >= MODELS {
            return None;
        }
        let new = Arc::new(Model {
            ladder: ladder.clone(),
            samples: 1,
            text: text.into(),
        });
        self.models.push(new.clone());
        Some(new)
    }
}

fn packed(incident: &Incident, text: &[u8], model: Arc<Model>) -> Option<Packed> {
    let mut bytes = vec![0; get_maximum_output_size(text.len())];
    let length = compress_into_with_dict(text, &mut bytes, &model.text).ok()?;
    Some(Packed {
        status: incident.status,
        fires: !incident.firing.is_empty(),
        drill: incident.nature.drill,
        id: incident.id,
        length: u32::try_from(text.len()).ok()?,
        model,
        bytes: bytes[..length].into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::id::{Actor, AlertId, RunId};
    use crate::core::incident::{Climb, Forgotten, Held};
    use crate::core::time::Time;
    use crate::engine::memory::Memory;

    fn ladder() -> Arc<Ladder> {
        Arc::new(Ladder {
            policy: "checkout".to_owned(),
            ..Ladder::default()
        })
    }

    /// One of a storm: only numbers and the name of its machine are its own.
    fn incident(n: i64, ladder: &Arc<Ladder>) -> Incident {
        let words = [
            ("alertname", "DiskFull".to_owned()),
            ("cluster", "eu-1".to_owned()),
            ("instance", format!("node-{n}:9100")),
            ("service", "checkout \"web\" \u{fc}".to_owned()),
            ("severity", "critical".to_owned()),
        ];
        let tags = words.into_iter();
        Incident {
            id: IncidentId(n),
            seq: 4,
            title: format!("The disk of node-{n} is full"),
            group_key: format!("checkout\u{0}node-{n}"),
            service: Some("checkout".to_owned()),
            tags: tags.map(|(k, v)| (k.into(), v.into())).collect(),
            opened_at: Time(1_800_000_000_000 + n),
            began_at: Time(1_800_000_000_000 - n),
            updated_at: Time(1_800_000_000_000 + n),
            active_at: Time(1_800_000_000_000 + n),
            firing: [AlertId(n), AlertId(n + 7)].into(),
            alerts: 2,
            climb: Climb::Next {
                round: 1,
                rung: 2,
                due: Time(1_800_000_300_000 + n),
            },
            awaiting: [("ana".to_owned(), "mail".to_owned())]
                .into_iter()
                .collect(),
            paged: [("ana".to_owned(), 3)].into_iter().collect(),
            crew: ["ana".to_owned()].into_iter().collect(),
            acked_by: Some(Actor::Firebell),
            forgotten: Some(Forgotten {
                after_ms: 5,
                hold_while_firing: true,
            }),
            ladder: ladder.clone(),
            ..Incident::default()
        }
    }

    #[test]
    fn at_rest_it_is_small_and_comes_back_as_it_was() {
        let (mut packer, ladder) = (Packer::default(), ladder());
        for n in 1..200 {
            let mut one = incident(n, &ladder);
            if n % 3 == 0 {
                one.status = Status::Acknowledged;
                one.climb = Climb::Resting;
                one.lead = Some(Actor::Firebell);
            }
            if n % 5 == 0 {
                one.firing.clear();
                one.climb = Climb::Exhausted {
                    times: 70_000,
                    due: Time::FAR,
                };
            }
            let packed = packer.pack(&one).unwrap();
            assert_eq!(packed.open(), one);
            let kept = Kept::Packed(Arc::new(packed));
            assert_eq!(
                (kept.status(), kept.fires()),
                (one.status, !one.firing.is_empty())
            );
            let Kept::Packed(packed) = kept else {
                unreachable!()
            };
            assert!(packed.bytes.len() < 200, "{}", packed.bytes.len());
            assert!(Arc::ptr_eq(&packed.open().ladder, &ladder));
        }
        assert_eq!(packer.models.len(), 1);
    }

    #[test]
    fn whatever_there_is_to_an_incident_comes_back() {
        let (mut packer, ladder) = (Packer::default(), ladder());
        let plain = incident(1, &ladder);
        assert!(packer.pack(&plain).is_some());
        let unusual: [fn(&mut Incident); 8] = [
            |i| i.nature.drill = true,
            |i| i.parent = Some((IncidentId(9), "the whole".to_owned())),
            |i| i.absorbed.extend(["group".to_owned()]),
            |i| i.agreed.push(Actor::Firebell),
            |i| i.closed.extend([("slack".to_owned(), "C1".to_owned())]),
            |i| i.conduct.last_task = 7,
            |i| {
                let (key, why) = (
                    ("slack".to_owned(), "topic".to_owned()),
                    "it may not".to_owned(),
                );
                i.talk.trouble.extend([(key, why)]);
            },
            |i| {
                i.held = Some(Held {
                    run: RunId(3),
                    until: Time(5),
                    lifted: false,
                });
            },
        ];
        for change in unusual {
            let mut other = plain.clone();
            change(&mut other);
            assert_ne!(other, plain);
            let packed = packer.pack(&other).unwrap();
            assert_eq!(packed.open(), other);
            assert_eq!(packed.drill, other.nature.drill);
        }
        let long = Incident {
            title: "x".repeat(LONGEST),
            ..plain
        };
        assert!(packer.pack(&long).is_none());
    }

    #[test]
    fn one_that_is_unlike_its_model_becomes_a_part_of_it() {
        let (mut packer, ladder) = (Packer::default(), ladder());
        packer.pack(&incident(1, &ladder)).unwrap();
        let mut other = incident(2, &ladder);
        let words: String = (0..300u64).map(|n| format!("{:x}", n * n * 7919)).collect();
        other.title = words;
        let first = packer.pack(&other).unwrap();
        assert_eq!(first.open(), other);
        other.id = IncidentId(3);
        let second = packer.pack(&other).unwrap();
        assert!(second.bytes.len() < 100, "{}", second.bytes.len());
        // The model does not grow for ever.
        for n in 4..100 {
            let words = (0..300u64).map(|k| format!("{:x}", k * k * 7919 + 104_729 * n));
            other.title = words.collect();
            packer.pack(&other).unwrap();
        }
        assert_eq!(
            (packer.models.len(), packer.models[0].samples),
            (1, SAMPLES)
        );
        assert_eq!(
            packer.pack(&incident(5, &ladder)).unwrap().open(),
            incident(5, &ladder)
        );
    }

    #[test]
    fn only_what_readers_have_as_it_is_comes_to_rest_and_work_wakes_it() {
        let ladder = ladder();
        let (mut memory, mut readers) = (Memory::default(), Shelf::default());
        memory.clock = Time(1_000);
        let [one, ahead] = [1, 2].map(|n| Arc::new(incident(n, &ladder)));
        memory.hold(one.clone());
        memory.hold(ahead.clone());
        readers.insert(one.id, Kept::Whole(one.clone()));
        // Of the other one readers have what was before.
        readers.insert(ahead.id, Kept::Whole(Arc::new(incident(2, &ladder))));
        memory.clock = Time(1_000 + REST_MS - 1);
        memory.rest(&mut readers);
        assert!(memory.incidents.is_whole(one.id, &one));
        memory.clock = Time(1_000 + REST_MS);
        memory.rest(&mut readers);
        let packed = |shelf: &Shelf, id| matches!(shelf.kept(id), Some(Kept::Packed(_)));
        assert!(packed(&memory.incidents, one.id) && packed(&readers, one.id));
        assert!(memory.incidents.is_whole(ahead.id, &ahead));
        assert_eq!(readers.get(one.id), Some(one.clone()));
        // It is looked at again when what is on its way has arrived.
        readers.insert(ahead.id, Kept::Whole(ahead.clone()));
        memory.clock = memory.clock.plus_ms(REST_MS);
        memory.rest(&mut readers);
        assert!(packed(&memory.incidents, ahead.id));
        let awake = memory.awake(one.id).unwrap();
        assert_eq!(awake, one);
        assert!(memory.incidents.is_whole(one.id, &awake));
        assert_eq!(memory.pop_due(Time::FAR).map(|(id, _)| id), Some(one.id));
    }
}
