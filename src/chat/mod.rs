//! The port: one for Slack, Discord and the console, and the neutral things that pass through it.
//!
//! Outwards, [`Chat`]: an adapter renders [`Card`] and [`Line`] in its own idiom. Inwards,
//! [`heard::Heard`], answered through [`heard::Voice`]. Nothing here trusts alert text: only the
//! composer mentions people, and by configured id.

pub mod board;
pub mod button;
pub mod card;
#[cfg(test)]
mod fixture;
pub mod form;
pub mod grammar;
pub mod heard;
pub mod link;
#[cfg(test)]
mod scenes;
pub mod surface;
pub mod words;

#[cfg(test)]
pub(crate) use fixture::{documented, shown};
#[cfg(test)]
pub(crate) use scenes::{Scene, scenes};

use crate::core::id::{Actor, IncidentId, RunId, Seq};
use std::future::Future;
use std::pin::Pin;

/// A failed call to the outside, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Fault {
    /// In words, without secrets.
    pub why: String,
    /// Whether and when to try again.
    pub retry: Retry,
}

/// What to do after a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Back off as usual.
    Backoff,
    /// Not before this many milliseconds from now (`Retry-After`).
    AfterMs(i64),
    /// It will never work.
    Never,
    /// The room or channel is gone or closed for good; in another one it may work.
    Gone,
}

/// A live card: drawn from state, edited in place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// The incident it shows.
    pub incident: IncidentId,
    /// The state it was drawn at; carried by its buttons.
    pub seq: Seq,
    /// One line.
    pub title: String,
    /// `triggered`, `acknowledged`, `resolved`.
    pub status: String,
    /// Name of the severity.
    pub severity: String,
    /// Index of the severity, for colours.
    pub severity_index: u8,
    /// Label and value: service, since, who has it, what happens next.
    pub facts: Vec<(String, String)>,
    /// Short paragraphs: newest first.
    pub lines: Vec<String>,
    /// In the order shown.
    pub buttons: Vec<Button>,
    /// Link to the console page.
    pub url: String,
    /// Its room is for those alone who are brought in.
    pub private: bool,
    /// Emoji of the severity; empty: the usual light.
    pub emoji: String,
    /// Colour of the severity, 0xRRGGBB; `None`: the usual one.
    pub colour: Option<u32>,
}

/// One button. It carries the state it was drawn at; a stale press is answered, never obeyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// What it says.
    pub label: String,
    /// What it does.
    pub press: Press,
    /// How it looks.
    pub style: Style,
}

/// How a button looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// The one to press.
    Primary,
    /// Everything else.
    Plain,
    /// Changes something in the world.
    Danger,
}

/// What a button does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Press {
    /// Acknowledge.
    Acknowledge,
    /// Resolve.
    Resolve,
    /// Climb the next rung now.
    Escalate,
    /// Snooze this long.
    Snooze {
        /// Milliseconds.
        ms: i64,
    },
    /// Give it a room.
    Promote,
    /// Take the lead.
    Lead,
    /// Follow the policy as it is configured now.
    Follow,
    /// Open the form of an action.
    AskRun {
        /// Action id.
        action: String,
    },
    /// Run an action at once, with its arguments filled in.
    RunNow {
        /// Action id.
        action: String,
    },
    /// Run only the "only look" mode of an action, at once.
    DryRun {
        /// Action id.
        action: String,
    },
    /// Run what shows how a run went whose outcome nobody knows.
    Check {
        /// Which.
        run: RunId,
    },
    /// Ask for what undoes a run.
    Undo {
        /// Which.
        run: RunId,
    },
    /// Confirm or approve a run.
    Approve {
        /// Which.
        run: RunId,
        /// The subject that was shown: [`Terms::subject`](crate::core::incident::Terms::subject), at
        /// least its first 16 characters; empty: of a journal older than it.
        seen: String,
    },
    /// Reject or withdraw a run.
    Reject {
        /// Which.
        run: RunId,
    },
    /// Give it back: nobody has it.
    Unacknowledge,
    /// It is not over.
    Reopen,
    /// Resolve what is still open and a part of it.
    ResolveParts,
    /// Stop a run.
    Cancel {
        /// Which.
        run: RunId,
    },
    /// Say how a run with an unknown outcome went.
    Settle {
        /// Which.
        run: RunId,
        /// It did what it should.
        good: bool,
    },
    /// Open the form that holds its alerts back.
    Silence,
    /// Read the postmortem.
    Postmortem,
    /// Open the form of a note.
    Note,
    /// Tick a line of a checklist.
    Tick {
        /// Its number.
        item: u32,
    },
    /// Take a role.
    Role {
        /// Its id.
        role: String,
    },
    /// Open the form of a command.
    Ask {
        /// Its verb.
        verb: String,
    },
    /// Try again what failed of the rooms.
    RetryRooms,
    /// Open the form of an update.
    Update,
}

/// A line of text in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Idempotency key: `incident:seq:n`.
    pub key: String,
    /// The incident it is about.
    pub incident: IncidentId,
    /// The event it says.
    pub seq: Seq,
    /// Who says it; `Actor::Firebell` for an event's sentence. Somebody who spoke elsewhere has the
    /// place in the name: `Bo (discord)`.
    pub by: Actor,
    /// Plain text; the adapter escapes it.
    pub text: String,
    /// The run a confirmation is asked for, drawn with its buttons.
    pub run: Option<RunId>,
    /// The subject that run has as it is told here.
    pub seen: String,
}

/// What a run writes, as one message of a room shows it: edited in place until the run is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    /// Unique for the message.
    pub key: String,
    /// The incident it is about.
    pub incident: IncidentId,
    /// The state it was drawn at; carried by its buttons.
    pub seq: Seq,
    /// Which run, and how it stands.
    pub title: String,
    /// The last lines. Plain text of a program: nothing in it means anything.
    pub tail: String,
    /// In the order shown.
    pub buttons: Vec<Button>,
}

/// Who does what and what is to be done, as one message of a room shows it: edited in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// Unique for the message.
    pub key: String,
    /// The incident it is about.
    pub incident: IncidentId,
    /// The state it was drawn at; carried by its buttons.
    pub seq: Seq,
    /// One line.
    pub title: String,
    /// Headings and the lines below them. Words of people and of the configuration.
    pub parts: Vec<(String, Vec<String>)>,
    /// In the order shown.
    pub buttons: Vec<Button>,
    /// Link to the console page.
    pub url: String,
}

/// Where a line or card goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomRef {
    /// A room the adapter made, by its id.
    Room(String),
    /// A configured channel, by name.
    Channel(String),
    /// The direct messages with a person of the directory, by id.
    Person(String),
}

/// A page, as a direct message carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Idempotency key: `incident:seq:n`.
    pub key: String,
    /// The incident as it is now.
    pub card: Card,
    /// What and where, why this person and why now; fits a lock screen.
    pub text: String,
}

/// What a platform is asked to make room for; who comes first when a channel takes only so much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Budget {
    /// A page.
    Page,
    /// A line of a room.
    Line,
    /// A card or a room's furniture: it can wait, and is drawn as late as possible.
    Card,
}

/// A future of the port.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>;

/// What a platform answers that has no such thing.
fn unable() -> Fault {
    Fault {
        why: "this platform cannot do that".to_owned(),
        retry: Retry::Never,
    }
}

/// A chat platform, outbound half. One value per configured workspace or guild.
///
/// Every call has a time-out of its own, and says by its [`Fault`] whether and when to try again.
/// A fault with [`Retry::Backoff`] may have been carried out; the others were not.
pub trait Chat: Send + Sync {
    /// The configured name: `console`, `slack`, `discord`.
    fn platform(&self) -> &str;

    /// Waits until the room's rate allows a message. What is sent afterwards is drawn after it, so
    /// that a card that waited shows the state of the end of the wait.
    fn turn<'a>(
        &'a self,
        room: Option<&'a RoomRef>,
        budget: Budget,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        let _ = (room, budget);
        Box::pin(std::future::ready(()))
    }

    /// Makes the room of an incident, or finds the one made before. Idempotent by incident. The room of
    /// a private card is open to nobody but whom [`Chat::invite`] brings in: one that was made for
    /// everybody is closed, or left for another one. Answers its id and the name people see.
    fn open_room<'a>(&'a self, card: &'a Card, name: &'a str) -> Answer<'a, (String, String)>;

    /// Posts a line once. `again`: an earlier try may have succeeded; look before sending.
    fn say<'a>(&'a self, room: &'a RoomRef, line: &'a Line, again: bool) -> Answer<'a, String>;

    /// Posts a card, or edits the one at `remote`. `again`: an earlier post may have succeeded.
    /// Answers the message's id.
    fn show<'a>(
        &'a self,
        room: &'a RoomRef,
        card: &'a Card,
        remote: &'a str,
        again: bool,
    ) -> Answer<'a, String>;

    /// Posts what a run writes, or edits the message at `remote`. `again`: an earlier post may have
    /// succeeded. Answers the message's id; empty where the run is shown live by itself.
    fn live<'a>(
        &'a self,
        room: &'a RoomRef,
        live: &'a Live,
        remote: &'a str,
        again: bool,
    ) -> Answer<'a, String> {
        let _ = (room, live, remote, again);
        Box::pin(std::future::ready(Ok(String::new())))
    }

    /// Posts the board of a room, or edits the message at `remote`. `again`: an earlier post may have
    /// succeeded. Answers the message's id.
    fn board<'a>(
        &'a self,
        room: &'a RoomRef,
        board: &'a Board,
        remote: &'a str,
        again: bool,
    ) -> Answer<'a, String> {
        let _ = (room, board, remote, again);
        Box::pin(std::future::ready(Ok(String::new())))
    }

    /// Sends pages to a directory person as one direct message: one page in full, or, when a
    /// backlog has collapsed, how many there are and the newest of them.
    fn page<'a>(&'a self, person: &'a str, pages: &'a [Page]) -> Answer<'a, String>;

    /// Sets what stands above a room. Plain text; the adapter cuts it to its limit.
    fn topic<'a>(&'a self, room: &'a str, text: &'a str) -> Answer<'a, ()> {
        let _ = (room, text);
        Box::pin(std::future::ready(Ok(())))
    }

    /// Brings directory people into a room; who is in it already is no fault. Answers who could not be
    /// brought in and why, one sentence each; pages do not depend on rooms. `private`: nobody else may
    /// be in it.
    fn invite<'a>(
        &'a self,
        room: &'a str,
        people: &'a [String],
        private: bool,
    ) -> Answer<'a, Vec<String>> {
        let _ = (room, people, private);
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// Pins the card.
    fn pin<'a>(&'a self, room: &'a str, card: &'a str) -> Answer<'a, ()> {
        let _ = (room, card);
        Box::pin(std::future::ready(Ok(())))
    }

    /// Hangs up the links (title and address), once each; those that are not wanted any more go.
    fn links<'a>(&'a self, room: &'a str, links: &'a [(String, String)]) -> Answer<'a, ()> {
        let _ = (room, links);
        Box::pin(std::future::ready(Ok(())))
    }

    /// Calls a room something else. What was linked to it stays linked: everything refers to its id.
    fn rename<'a>(&'a self, room: &'a str, name: &'a str) -> Answer<'a, ()> {
        let _ = (room, name);
        Box::pin(std::future::ready(Ok(())))
    }

    /// Puts a room away: it can be read, and nobody writes in it. Done already is no fault.
    fn shelve<'a>(&'a self, room: &'a str) -> Answer<'a, ()> {
        let _ = room;
        Box::pin(std::future::ready(Ok(())))
    }

    /// Opens a room that was put away. Answers its id and the name people see; [`Retry::Gone`]: it is
    /// not there any more, and another one is to be made.
    fn unshelve<'a>(
        &'a self,
        room: &'a str,
        card: &'a Card,
        name: &'a str,
    ) -> Answer<'a, (String, String)> {
        let _ = card;
        let answer = (room.to_owned(), name.to_owned());
        Box::pin(std::future::ready(Ok(answer)))
    }

    /// Opens a thread below a card in a channel, or finds the one opened before. Answers its id, which
    /// is that of a room from then on, and the name people see. Where there are no threads it is a room.
    fn thread<'a>(
        &'a self,
        channel: &'a RoomRef,
        message: &'a str,
        card: &'a Card,
        name: &'a str,
    ) -> Answer<'a, (String, String)> {
        let _ = (channel, message);
        self.open_room(card, name)
    }

    /// Puts other words into a line that was said: `message` is what [`Chat::say`] answered.
    /// [`Retry::Never`] and [`Retry::Gone`]: it is not there any more, or cannot be changed.
    fn amend<'a>(&'a self, room: &'a RoomRef, message: &'a str, line: &'a Line) -> Answer<'a, ()> {
        let _ = (room, message, line);
        Box::pin(std::future::ready(Err(unable())))
    }

    /// Deletes a message, whoever wrote it. Gone already is no fault.
    fn erase<'a>(&'a self, room: &'a RoomRef, message: &'a str) -> Answer<'a, ()> {
        let _ = (room, message);
        Box::pin(std::future::ready(Err(unable())))
    }

    /// Says something that belongs to no incident, such as that another platform is gone. `again`: an
    /// earlier try may have arrived, so it is looked for first.
    fn tell<'a>(
        &'a self,
        room: &'a RoomRef,
        key: &'a str,
        text: &'a str,
        again: bool,
    ) -> Answer<'a, ()>;
}
