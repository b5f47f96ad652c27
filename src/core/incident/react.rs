//! Consequence: what must happen in the world because of a fact. Never because of an intent.
//!
//! Each effect carries its promise, and the outbox row keeps it:
//! [`Effect::Say`] once and in order, [`Effect::Show`] latest wins, [`Effect::Page`] at least
//! once until acknowledged, [`Effect::Run`] at most once.

use super::conduct::ConductEvent;
use super::event::Event;
use super::parts::Outcome;
use super::{Incident, Record, RunState, THE_ROOM, conduct};
use crate::core::directory::COMMANDER;
use crate::core::id::{Actor, RunId};

/// Something to be done outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Post this event's sentence: once, in the journal's order.
    Say {
        /// Where.
        to: Place,
    },
    /// Bring a surface up to date: latest wins, coalesced.
    Show {
        /// What.
        surface: Surface,
    },
    /// Wake a person on one contact: at least once, until acknowledged.
    Page {
        /// Directory id.
        person: String,
        /// Contact name.
        contact: String,
    },
    /// Withdraw pages that have not left yet.
    StandDown,
    /// Withdraw those for this person.
    Spare {
        /// Directory id.
        person: String,
    },
    /// Tell a person, where they chat with firebell, what this is to them; it wakes nobody: at
    /// least once.
    Tell {
        /// Directory id.
        person: String,
    },
    /// Run its action's "only look" mode, whose output stands on the card of the request.
    Rehearse {
        /// Which.
        run: RunId,
    },
    /// Tell those who asked to be told: once each, and the page.
    Inform,
    /// Start a released run: at most once.
    Run {
        /// Which.
        run: RunId,
    },
}

/// Where a line goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The incident's room, on every platform.
    Room,
    /// The incident's room on every platform but this one, where the line came from.
    RoomExcept(String),
    /// The room and the team's channel: a loud line.
    Loud,
    /// Loud on every platform but this one, which is the one in trouble.
    LoudExcept(String),
    /// Every channel firebell knows: nobody could be alarmed.
    Everywhere,
    /// One channel, because a policy names it.
    Channel(String),
    /// Nowhere: what was said of another event is to go, on every platform.
    Gone,
}

/// What is kept up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Surface {
    /// The room itself.
    Room,
    /// The card at the top of the room.
    RoomCard,
    /// The card in the team's channel.
    ChannelCard,
    /// What stands above the room.
    Topic,
    /// Who is in the room.
    Crew,
    /// What is pinned in the room.
    Fixtures,
    /// The links that hang in the room.
    Links,
    /// What the room is called.
    Name,
    /// Whether the room is put away.
    Shelf,
    /// Its message in the channel where incidents are announced.
    Digest,
    /// The message in the room with roles, checklists and tasks.
    Board,
}

impl Surface {
    /// Every surface.
    pub const ALL: [Surface; 11] = [
        Surface::Room,
        Surface::RoomCard,
        Surface::ChannelCard,
        Surface::Topic,
        Surface::Crew,
        Surface::Fixtures,
        Surface::Links,
        Surface::Name,
        Surface::Shelf,
        Surface::Digest,
        Surface::Board,
    ];

    /// The word stored.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Surface::Room => "room",
            Surface::RoomCard => "room-card",
            Surface::ChannelCard => "channel-card",
            Surface::Topic => "topic",
            Surface::Crew => "crew",
            Surface::Fixtures => "fixtures",
            Surface::Links => "links",
            Surface::Name => "name",
            Surface::Shelf => "shelf",
            Surface::Digest => "digest",
            Surface::Board => "board",
        }
    }

    /// The surface a stored word means.
    #[must_use]
    pub fn parse(word: &str) -> Option<Surface> {
        Surface::ALL.into_iter().find(|s| s.word() == word)
    }

    /// Part of a room that only some platforms have.
    #[must_use]
    pub fn is_furniture(self) -> bool {
        matches!(
            self,
            Surface::Topic | Surface::Crew | Surface::Fixtures | Surface::Links
        )
    }

    /// Stands in the room itself, and is gone with it.
    #[must_use]
    pub fn in_the_room(self) -> bool {
        !matches!(self, Surface::Room | Surface::ChannelCard | Surface::Digest)
    }
}

/// The effects of a fact on the incident as it is after it.
#[must_use]
pub fn react(incident: &Incident, record: &Record) -> Vec<Effect> {
    let mut effects = Vec::new();
    match &record.event {
        Event::Paged { people, .. }
        | Event::CatchAll { people, .. }
        | Event::Reminded { people, .. } => {
            for p in people {
                effects.extend(p.contacts.iter().map(|c| Effect::Page {
                    person: p.id.clone(),
                    contact: c.clone(),
                }));
            }
        }
        Event::Chased {
            person, contacts, ..
        } => effects.extend(contacts.iter().map(|c| Effect::Page {
            person: person.clone(),
            contact: c.clone(),
        })),
        Event::AckCounted { by, .. } => {
            effects.extend(by.person().map(|id| Effect::Spare {
                person: id.to_owned(),
            }));
        }
        Event::Acknowledged { .. }
        | Event::Snoozed { .. }
        | Event::Muted { .. }
        | Event::Reassigned { .. }
        | Event::Merged { .. }
        | Event::Resolved { .. } => effects.push(Effect::StandDown),
        Event::Promoted { .. } => effects.push(Effect::Show {
            surface: Surface::Room,
        }),
        Event::RunAsked { run, terms, .. } if terms.rehearse => {
            effects.push(Effect::Rehearse { run: *run });
        }
        Event::RunReleased { run } => effects.push(Effect::Run { run: *run }),
        Event::Updated(_) => effects.push(Effect::Inform),
        Event::UpdateDue(due) => {
            let people = due.people.iter().filter_map(Actor::person);
            effects.extend(people.map(|id| Effect::Tell {
                person: id.to_owned(),
            }));
        }
        _ => {}
    }
    if let Some(to) = place(incident, &record.event) {
        effects.push(Effect::Say { to });
    }
    if let Event::Paged { channels, .. } = &record.event {
        let told = channels.iter().cloned().map(Place::Channel);
        effects.extend(told.map(|to| Effect::Say { to }));
    }
    if let Event::RunAsked { terms, .. } = &record.event {
        let told = terms.told.iter().cloned().map(Place::Channel);
        effects.extend(told.map(|to| Effect::Say { to }));
    }
    if changes_card(&record.event) {
        // A private incident has no card where everybody reads; the one from before is drawn once more,
        // without anything on it.
        let veiled = matches!(record.event, Event::Hidden(_));
        if incident.channel.is_some() && (!incident.nature.private || veiled) {
            effects.push(Effect::Show {
                surface: Surface::ChannelCard,
            });
        }
        if incident.major {
            effects.push(Effect::Show {
                surface: Surface::RoomCard,
            });
            if !incident.nature.private || veiled {
                effects.push(Effect::Show {
                    surface: Surface::Digest,
                });
            }
        }
    }
    if incident.talks() {
        let shows = furniture(&record.event).iter();
        let fits = |s: &&Surface| incident.major || THREADED.contains(s);
        effects.extend(shows.filter(fits).map(|s| Effect::Show { surface: *s }));
    }
    effects.extend(conduct::react(incident, record));
    effects
}

/// What there is of a thread.
const THREADED: [Surface; 3] = [Surface::Room, Surface::Crew, Surface::Shelf];

/// What of a room an event makes out of date. A room that is lost is made anew.
fn furniture(event: &Event) -> &'static [Surface] {
    match event {
        Event::RoomPlanned { .. } => &[Surface::Room],
        Event::RoomOpened { .. } => &[
            Surface::Topic,
            Surface::Crew,
            Surface::Fixtures,
            Surface::Links,
            Surface::Name,
        ],
        Event::RoomRetried { .. } => &[
            Surface::Room,
            Surface::RoomCard,
            Surface::Topic,
            Surface::Crew,
            Surface::Fixtures,
            Surface::Links,
            Surface::Name,
            Surface::Shelf,
            Surface::Digest,
        ],
        Event::Archived { .. } => &[Surface::Shelf],
        // Opened again while it was being put away.
        Event::RoomShelved { .. } => &[Surface::Room],
        Event::Retitled { .. } => &[Surface::Topic, Surface::Name],
        Event::PlaceFailed { place, .. } if place == THE_ROOM => &[Surface::Room],
        Event::Hidden(_) => &[Surface::Room],
        Event::Invited(_) => &[Surface::Crew],
        Event::Revealed(_) | Event::DrillSet(_) => &[Surface::Topic],
        Event::Paged { .. }
        | Event::CatchAll { .. }
        | Event::AckCounted { .. }
        | Event::RunAsked { .. } => &[Surface::Crew],
        Event::Reopened { .. } => &[Surface::Room, Surface::Topic, Surface::Crew],
        Event::Conduct(ConductEvent::RoleReleased { role, .. }) if role == COMMANDER => {
            &[Surface::Topic]
        }
        Event::Conduct(
            ConductEvent::RoleGiven { .. }
            | ConductEvent::ResponderJoined { .. }
            | ConductEvent::TaskAdded { .. }
            | ConductEvent::TaskChanged { .. },
        ) => &[Surface::Crew],
        Event::Acknowledged { .. }
        | Event::Snoozed { .. }
        | Event::Absorbed { .. }
        | Event::LeadChanged { .. } => &[Surface::Topic, Surface::Crew],
        Event::Unacknowledged { .. } | Event::Reassigned { .. } | Event::Merged { .. } => {
            &[Surface::Topic]
        }
        Event::Retriggered { .. } | Event::Resolved { .. } | Event::Updated(_) => &[Surface::Topic],
        Event::SeverityChanged { .. } => &[Surface::Topic, Surface::Crew, Surface::Name],
        _ => &[],
    }
}

/// Whether, and where, an event is said aloud. A minor incident is a card and speaks only when it must.
fn place(incident: &Incident, event: &Event) -> Option<Place> {
    match event {
        Event::CatchAll {
            people,
            nobody_else,
            ..
        } if people.is_empty() || *nobody_else => Some(Place::Everywhere),
        Event::CatchAll { .. } | Event::PageFailed { .. } | Event::RoomFailed { .. } => {
            Some(Place::Loud)
        }
        Event::RunEnded {
            outcome: Outcome::Unknown { .. },
            ..
        } => Some(Place::Loud),
        Event::AutoStopped { .. } => Some(Place::Everywhere),
        // Said with when it starts, which is the next line.
        Event::RunAsked { by, terms, .. } if *by == Actor::Firebell && terms.auto.is_some() => None,
        Event::RunAsked { terms, .. } if terms.break_glass => Some(Place::Loud),
        // What approvers are to look at stands where they are asked.
        Event::RunRehearsed { run, .. } if !waits(incident, *run) => None,
        // Somebody has to see the request and its end, room or not.
        Event::RunAsked { .. }
        | Event::RunArmed { .. }
        | Event::RunRehearsed { .. }
        | Event::RunEnded { .. }
            if !incident.talks() =>
        {
            Some(Place::Loud)
        }
        // Nobody sees to it, so whoever reads the channel does.
        Event::UpdateDue(due) if due.people.is_empty() && !incident.nature.private => {
            Some(Place::Loud)
        }
        Event::Updated(update)
            if !incident.major && !update.text.is_empty() && !incident.nature.private =>
        {
            Some(Place::Loud)
        }
        Event::PlaceFailed { platform, .. } => Some(Place::LoudExcept(platform.clone())),
        // What stood in no line was said in no room.
        Event::Redacted(redacted) => (redacted.seq > 0).then_some(Place::Gone),
        Event::Spoke { platform, .. }
        | Event::Reworded { platform, .. }
        | Event::Unsaid { platform, .. } => {
            talks(incident).then(|| Place::RoomExcept(platform.clone()))
        }
        Event::Attached(file) => talks(incident).then(|| Place::RoomExcept(file.platform.clone())),
        // Said by the card, by the room's own first line, or of no use to a reader of the room.
        Event::Opened { .. }
        | Event::RoomOpened { .. }
        | Event::PageDelivered { .. }
        | Event::RunApproved { .. }
        | Event::RunStarted { .. }
        | Event::Joined { .. }
        | Event::Left { .. }
        | Event::Removed { .. }
        | Event::RoomPlanned { .. }
        | Event::Archived { .. }
        | Event::RoomShelved { .. } => None,
        // Its own module says where.
        Event::Conduct(_) => None,
        _ => talks(incident).then_some(Place::Room),
    }
}

/// Whether there is a room to say something in. What is put away is not written in.
fn talks(incident: &Incident) -> bool {
    incident.talks() && !incident.talk.archived
}

/// What is not to be had in a room that is there, as it is called among the places of an incident.
pub const FURNITURE: [&str; 6] = [
    "the topic of the room",
    "the list of people of the room",
    "the pinned things of the room",
    "the links of the room",
    "the name of the room",
    "the archiving of the room",
];

fn waits(incident: &Incident, run: RunId) -> bool {
    let found = incident.runs.get(&run);
    found.is_some_and(|r| matches!(r.state, RunState::Asked { .. }))
}

fn changes_card(event: &Event) -> bool {
    if let Event::PlaceFailed { place, .. } = event {
        // A card that cannot be shown is no news for itself.
        return FURNITURE.contains(&place.as_str());
    }
    !matches!(
        event,
        Event::Spoke { .. }
            | Event::Reworded { .. }
            | Event::Unsaid { .. }
            | Event::Joined { .. }
            | Event::Left { .. }
            | Event::Noted { .. }
            | Event::Chased { .. }
            | Event::PageDelivered { .. }
            | Event::Removed { .. }
            | Event::RoomPlanned { .. }
            | Event::Archived { .. }
            | Event::RoomShelved { .. }
            | Event::Kept { .. }
            | Event::Unkept { .. }
            | Event::Attached { .. }
            | Event::FileRefused { .. }
    )
}
