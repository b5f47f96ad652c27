//! The console's outbound half of the chat port: rooms and messages are rows of our own store.
//!
//! Promises: a line or page is posted once however often it is sent, because its key is unique; a
//! card or run is a message without words, drawn from state by whoever reads it. There is no
//! network here, so the only fault is a store that does not answer, and trying again is always safe.

use crate::chat::{Answer, Board, Card, Chat, Fault, Line, Page, Retry, RoomRef};
use crate::core::directory::Directory;
use crate::core::id::{Actor, IncidentId, RoomId};
use crate::engine::{Change, Counter, Engine, Failure};
use crate::store::{ChangeSet, PostChange, PostRow, RoomChange, RoomRow, StoreFault};
use std::collections::{BTreeMap, BTreeSet};

/// The platform's name in the configuration, in journals and in the outbox.
pub const PLATFORM: &str = "console";

/// The adapter. Cheap to clone.
#[derive(Clone)]
pub struct ConsoleChat {
    engine: Engine,
}

/// Every channel that is to exist: those of `console.channels`, of the teams and of the services.
#[must_use]
pub fn channels(configured: &[String], directory: &Directory) -> BTreeSet<String> {
    let named = directory.channels().into_iter().map(str::to_owned);
    configured.iter().cloned().chain(named).collect()
}

impl ConsoleChat {
    /// An adapter that writes through this engine.
    #[must_use]
    pub fn new(engine: Engine) -> ConsoleChat {
        ConsoleChat { engine }
    }

    /// Makes the channels that do not exist yet. Called at start and after a reload.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn ensure_channels(
        &self,
        names: impl IntoIterator<Item = String>,
    ) -> Result<(), Fault> {
        for name in names {
            self.room("channel", &name, None).await?;
        }
        Ok(())
    }

    /// The room of this kind and name, made when it does not exist.
    async fn room(
        &self,
        kind: &str,
        name: &str,
        incident: Option<IncidentId>,
    ) -> Result<RoomRow, Fault> {
        if let Some(room) = self.engine.store().room_named(kind, name).await? {
            return Ok(room);
        }
        let room = RoomRow {
            id: RoomId(self.engine.next_id(Counter::Room)),
            name: name.to_owned(),
            kind: kind.to_owned(),
            incident,
            created_at: self.engine.now(),
            archived_at: None,
        };
        let changes = ChangeSet {
            rooms: vec![room],
            ..ChangeSet::default()
        };
        self.engine.write(changes).await?;
        // Another call may have been first: the row that is there counts, not ours.
        let made = self.engine.store().room_named(kind, name).await?;
        let made = made.ok_or_else(|| Fault {
            why: format!("the room {name} could not be made"),
            retry: Retry::Backoff,
        })?;
        self.engine.announce(Change::Room(made.id));
        Ok(made)
    }

    /// The room of an incident, made when it does not exist; a name another one has gets a number.
    async fn room_for(&self, incident: IncidentId, name: &str) -> Result<RoomRow, Fault> {
        if let Some(known) = self.engine.store().room_of(incident).await? {
            return Ok(known);
        }
        let taken = self.engine.store().room_named("incident", name).await?;
        let name = match taken {
            Some(_) => format!("{name}-{}", incident.0),
            None => name.to_owned(),
        };
        self.room("incident", &name, Some(incident)).await
    }

    async fn find(&self, room: &RoomRef) -> Result<RoomId, Fault> {
        match room {
            RoomRef::Channel(name) => Ok(self.room("channel", name, None).await?.id),
            RoomRef::Person(id) => Ok(self.room("direct", id, None).await?.id),
            RoomRef::Room(id) => id.parse().map(RoomId).map_err(|_| Fault {
                why: format!("`{id}` is not a room of the console"),
                retry: Retry::Never,
            }),
        }
    }

    /// Posts once; answers the id of the message that bears the key.
    async fn post(&self, row: PostRow) -> Result<String, Fault> {
        if let Some(known) = self.engine.store().post_by_key(&row.key).await? {
            return Ok(known.id.to_string());
        }
        let key = row.key.clone();
        let changes = ChangeSet {
            posts: vec![row],
            ..ChangeSet::default()
        };
        self.engine.write(changes).await?;
        let posted = self.engine.store().post_by_key(&key).await?;
        posted.map(|p| p.id.to_string()).ok_or_else(|| Fault {
            why: "the message was not kept".to_owned(),
            retry: Retry::Backoff,
        })
    }

    fn blank(&self, room: RoomId, kind: &str, key: String) -> PostRow {
        PostRow {
            id: self.engine.next_id(Counter::Post),
            room,
            at: self.engine.now(),
            author: String::new(),
            author_name: String::new(),
            kind: kind.to_owned(),
            incident: None,
            seq: None,
            text: String::new(),
            key,
            state: String::new(),
            changed_at: None,
            answers: None,
        }
    }

    /// The room of an incident by its id.
    async fn known(&self, id: &str) -> Result<RoomRow, Fault> {
        let found = match id.parse() {
            Ok(id) => self.engine.store().room(RoomId(id)).await?,
            Err(_) => None,
        };
        found.ok_or_else(|| Fault {
            why: format!("`{id}` is not a room of the console"),
            retry: Retry::Gone,
        })
    }

    async fn change_room(&self, change: RoomChange) -> Result<(), Fault> {
        let id = change.id;
        let changes = ChangeSet {
            room_changes: BTreeMap::from([(id, change)]),
            ..ChangeSet::default()
        };
        self.engine.write(changes).await?;
        self.engine.announce(Change::Room(id));
        Ok(())
    }

    /// Calls a room something else; when the name is taken, with its incident's number behind it.
    async fn call_it(&self, id: &str, name: &str) -> Result<(), Fault> {
        let room = self.known(id).await?;
        let taken = self.engine.store().room_named(&room.kind, name).await?;
        let name = match taken {
            Some(other) if other.id != room.id => format!("{name}-{}", room.id.0),
            _ => name.to_owned(),
        };
        self.change_room(RoomChange {
            id: room.id,
            name,
            archived_at: room.archived_at,
        })
        .await
    }

    async fn put_away(&self, id: &str, away: bool) -> Result<RoomRow, Fault> {
        let room = self.known(id).await?;
        let change = RoomChange {
            id: room.id,
            name: room.name.clone(),
            archived_at: away.then(|| self.engine.now()),
        };
        self.change_room(change).await?;
        Ok(room)
    }

    /// Changes a message: its words, or that it is gone.
    async fn change(&self, message: &str, text: &str, state: &str) -> Result<(), Fault> {
        let found = match message.parse() {
            Ok(id) => self.engine.store().post(id).await?,
            Err(_) => None,
        };
        let Some(post) = found.filter(|p| p.state != "removed") else {
            return Ok(());
        };
        let change = PostChange {
            id: post.id,
            text: text.to_owned(),
            state: state.to_owned(),
            changed_at: self.engine.now(),
        };
        let changes = ChangeSet {
            post_changes: BTreeMap::from([(post.id, change)]),
            ..ChangeSet::default()
        };
        self.engine.write(changes).await?;
        self.engine.announce(Change::Room(post.room));
        Ok(())
    }

    async fn card(&self, room: RoomId, incident: IncidentId) -> Result<String, Fault> {
        let post = self.blank(room, "card", format!("card:{}:{}", incident.0, room.0));
        self.post(PostRow {
            incident: Some(incident),
            ..post
        })
        .await
    }

    async fn line(&self, room: RoomId, line: &Line) -> Result<String, Fault> {
        let (kind, seq) = match (&line.by, line.run) {
            (_, Some(run)) => ("run", run.0),
            (Actor::Firebell, None) => ("line", i64::from(line.seq)),
            // Somebody's words from another platform.
            (_, None) => ("text", i64::from(line.seq)),
        };
        let author = match &line.by {
            Actor::Firebell => String::new(),
            by => by.person().unwrap_or_default().to_owned(),
        };
        let post = self.blank(room, kind, line.key.clone());
        self.post(PostRow {
            author,
            author_name: line.by.name().to_owned(),
            incident: Some(line.incident),
            seq: Some(seq),
            text: line.text.clone(),
            ..post
        })
        .await
    }
}

impl Chat for ConsoleChat {
    fn platform(&self) -> &str {
        PLATFORM
    }

    fn open_room<'a>(&'a self, card: &'a Card, name: &'a str) -> Answer<'a, (String, String)> {
        Box::pin(async move {
            let room = self.room_for(card.incident, name).await?;
            self.card(room.id, card.incident).await?;
            Ok((room.id.0.to_string(), room.name))
        })
    }

    fn say<'a>(&'a self, room: &'a RoomRef, line: &'a Line, _again: bool) -> Answer<'a, String> {
        // Looking before sending is what the key does.
        Box::pin(async move { self.line(self.find(room).await?, line).await })
    }

    fn show<'a>(
        &'a self,
        room: &'a RoomRef,
        card: &'a Card,
        _remote: &'a str,
        _again: bool,
    ) -> Answer<'a, String> {
        // The card has no words of its own: once its message exists, readers draw it from state,
        // and the engine has already told them that the state changed.
        Box::pin(async move { self.card(self.find(room).await?, card.incident).await })
    }

    fn board<'a>(
        &'a self,
        room: &'a RoomRef,
        board: &'a Board,
        _remote: &'a str,
        _again: bool,
    ) -> Answer<'a, String> {
        // Like a card: drawn from state by whoever reads it.
        Box::pin(async move {
            let room = self.find(room).await?;
            let post = self.blank(room, "board", format!("{}:{}", board.key, room.0));
            self.post(PostRow {
                incident: Some(board.incident),
                ..post
            })
            .await
        })
    }

    fn page<'a>(&'a self, person: &'a str, pages: &'a [Page]) -> Answer<'a, String> {
        Box::pin(async move {
            let room = self.room("direct", person, None).await?;
            let mut last = String::new();
            for page in pages {
                let post = self.blank(room.id, "page", format!("page:{}", page.key));
                last = self
                    .post(PostRow {
                        incident: Some(page.card.incident),
                        seq: Some(i64::from(page.card.seq)),
                        text: page.text.clone(),
                        ..post
                    })
                    .await?;
            }
            Ok(last)
        })
    }

    fn rename<'a>(&'a self, room: &'a str, name: &'a str) -> Answer<'a, ()> {
        Box::pin(self.call_it(room, name))
    }

    fn shelve<'a>(&'a self, room: &'a str) -> Answer<'a, ()> {
        Box::pin(async move { self.put_away(room, true).await.map(drop) })
    }

    fn unshelve<'a>(
        &'a self,
        room: &'a str,
        _card: &'a Card,
        _name: &'a str,
    ) -> Answer<'a, (String, String)> {
        Box::pin(async move {
            let row = self.put_away(room, false).await?;
            Ok((row.id.0.to_string(), row.name))
        })
    }

    fn amend<'a>(&'a self, _room: &'a RoomRef, message: &'a str, line: &'a Line) -> Answer<'a, ()> {
        Box::pin(self.change(message, &line.text, ""))
    }

    fn erase<'a>(&'a self, _room: &'a RoomRef, message: &'a str) -> Answer<'a, ()> {
        Box::pin(self.change(message, "", "removed"))
    }

    /// A post's key is in the database once: there is nothing to look for.
    fn tell<'a>(
        &'a self,
        room: &'a RoomRef,
        key: &'a str,
        text: &'a str,
        _again: bool,
    ) -> Answer<'a, ()> {
        Box::pin(async move {
            let post = self.blank(self.find(room).await?, "line", format!("tell:{key}"));
            let row = PostRow {
                text: text.to_owned(),
                author_name: "firebell".to_owned(),
                ..post
            };
            self.post(row).await.map(drop)
        })
    }
}

impl From<StoreFault> for Fault {
    fn from(fault: StoreFault) -> Fault {
        Fault {
            why: fault.to_string(),
            retry: Retry::Backoff,
        }
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Fault {
        Fault {
            why: failure.to_string(),
            retry: Retry::Backoff,
        }
    }
}
