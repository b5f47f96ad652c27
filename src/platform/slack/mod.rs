//! Slack: one value per workspace, both halves of the port.
//!
//! Outwards every call goes through [`api`], at the pace of its channel's gate, once: what may have
//! been sent is looked up before it is sent again. Inwards Socket Mode ([`socket`]) or signed HTTP
//! ([`http`]) bring raw JSON, [`inbound`] reads it without trusting its shape, and [`hear`] keeps
//! it by the ear before Slack gets its answer.
//!
//! The road not taken: the typed events of Slack's client refuse a third of Slack's own examples,
//! and its throttle lets one message a second pass for the whole workspace.

mod answer;
mod api;
mod hear;
mod http;
mod inbound;
pub mod manifest;
mod net;
mod own;
mod people;
mod post;
mod render;
mod room;
pub mod scopes;
mod socket;
mod text;
mod token;
mod view;

pub use http::router;
pub use socket::start;

use crate::chat::form::Form;
use crate::chat::heard::{Channel, Heard, HeardFile, Home, Profile, Said, User, Voice};
use crate::chat::link::Link;
use crate::chat::{Answer, Board, Budget, Card, Chat, Line, Live, Page, RoomRef};
use crate::config::chat::Slack as Settings;
use crate::engine::Engine;
use crate::platform::fetch::{self, Hosts};
use crate::platform::gate::Gates;
use crate::platform::outage::Outage;
use own::{Own, Standing};
use secrecy::SecretString;
use std::pin::Pin;
use std::sync::{Mutex, RwLock};
use std::time::Duration;

/// A workspace.
pub struct Slack {
    engine: Engine,
    settings: Settings,
    net: net::Net,
    token: token::Token,
    gates: Gates,
    outage: Outage,
    link: Link,
    standing: Mutex<Standing>,
    own: RwLock<Option<Own>>,
    rooms: room::Rooms,
    people: people::People,
    /// Wakes the task that looks after the token.
    nudge: tokio::sync::Notify,
}

impl Slack {
    /// An adapter that is not connected yet; [`start`] does that.
    ///
    /// # Errors
    /// When the proxy or the extra certificate authority cannot be used.
    pub fn new(engine: Engine, settings: &Settings) -> anyhow::Result<Slack> {
        let pace = u64::try_from(settings.place.net.pace_ms).unwrap_or(1000);
        Ok(Slack {
            net: net::Net::new(&settings.place.net)?,
            token: token::Token::new(settings),
            gates: Gates::new(Duration::from_millis(pace)),
            outage: Outage::default(),
            link: Link::default(),
            standing: Mutex::new(Standing::new(settings)),
            own: RwLock::default(),
            rooms: room::Rooms::default(),
            people: people::People::default(),
            nudge: tokio::sync::Notify::new(),
            settings: settings.clone(),
            engine,
        })
    }

    /// The configured name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.place.name
    }

    /// The app-level token; `None`: requests come by signed HTTP.
    pub(crate) fn app_token(&self) -> Option<&SecretString> {
        self.settings.app_token.as_ref()
    }

    /// The gate of a channel as the engine names it.
    fn gate(&self, room: Option<&RoomRef>) -> String {
        match room {
            None => String::new(),
            Some(RoomRef::Room(id)) => id.clone(),
            Some(RoomRef::Person(id)) => format!("@{id}"),
            Some(RoomRef::Channel(name)) => {
                self.rooms.known(name).unwrap_or_else(|| format!("#{name}"))
            }
        }
    }
}

impl Chat for Slack {
    fn platform(&self) -> &str {
        self.name()
    }

    fn turn<'a>(
        &'a self,
        room: Option<&'a RoomRef>,
        budget: Budget,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            // A channel is looked for before its turn: whoever passed the gate and then waited for
            // that would post all at once with the others who did.
            if let Some(place @ RoomRef::Channel(_)) = room {
                let _ = self.place(place).await;
            }
            self.gates.turn(&self.gate(room), budget).await;
            self.outage.turn().await;
        })
    }

    fn open_room<'a>(&'a self, card: &'a Card, name: &'a str) -> Answer<'a, (String, String)> {
        Box::pin(async move { Ok(self.make_room(card, name).await?) })
    }

    fn say<'a>(&'a self, room: &'a RoomRef, line: &'a Line, again: bool) -> Answer<'a, String> {
        Box::pin(async move { Ok(self.post_line(room, line, again).await?) })
    }

    fn show<'a>(
        &'a self,
        room: &'a RoomRef,
        card: &'a Card,
        remote: &'a str,
        again: bool,
    ) -> Answer<'a, String> {
        Box::pin(async move { Ok(self.post_card(room, card, remote, again).await?) })
    }

    fn live<'a>(
        &'a self,
        room: &'a RoomRef,
        live: &'a Live,
        remote: &'a str,
        again: bool,
    ) -> Answer<'a, String> {
        Box::pin(async move { Ok(self.post_live(room, live, remote, again).await?) })
    }

    fn board<'a>(
        &'a self,
        room: &'a RoomRef,
        board: &'a Board,
        remote: &'a str,
        again: bool,
    ) -> Answer<'a, String> {
        Box::pin(async move { Ok(self.post_board(room, board, remote, again).await?) })
    }

    fn page<'a>(&'a self, person: &'a str, pages: &'a [Page]) -> Answer<'a, String> {
        Box::pin(async move { Ok(self.post_page(person, pages).await?) })
    }

    fn topic<'a>(&'a self, room: &'a str, text: &'a str) -> Answer<'a, ()> {
        Box::pin(async move { Ok(self.set_topic(room, text).await?) })
    }

    fn invite<'a>(
        &'a self,
        room: &'a str,
        people: &'a [String],
        _private: bool,
    ) -> Answer<'a, Vec<String>> {
        Box::pin(async move { Ok(self.bring(room, people).await?) })
    }

    fn pin<'a>(&'a self, room: &'a str, card: &'a str) -> Answer<'a, ()> {
        Box::pin(async move { Ok(self.pin_card(room, card).await?) })
    }

    fn links<'a>(&'a self, room: &'a str, links: &'a [(String, String)]) -> Answer<'a, ()> {
        Box::pin(async move { Ok(self.hang_up(room, links).await?) })
    }

    fn rename<'a>(&'a self, room: &'a str, name: &'a str) -> Answer<'a, ()> {
        Box::pin(async move { Ok(self.call_it(room, name).await?) })
    }

    fn shelve<'a>(&'a self, room: &'a str) -> Answer<'a, ()> {
        Box::pin(async move { Ok(self.put_away(room).await?) })
    }

    fn unshelve<'a>(
        &'a self,
        room: &'a str,
        _card: &'a Card,
        _name: &'a str,
    ) -> Answer<'a, (String, String)> {
        Box::pin(async move { Ok(self.take_out(room).await?) })
    }

    fn thread<'a>(
        &'a self,
        channel: &'a RoomRef,
        message: &'a str,
        card: &'a Card,
        _name: &'a str,
    ) -> Answer<'a, (String, String)> {
        Box::pin(async move {
            let channel = self.place(channel).await?;
            // It comes into being with its first message.
            let name = format!("the thread of {}", card.incident);
            Ok((format!("{channel}:{message}"), name))
        })
    }

    fn amend<'a>(&'a self, room: &'a RoomRef, message: &'a str, line: &'a Line) -> Answer<'a, ()> {
        Box::pin(async move { Ok(self.reword(room, message, line).await?) })
    }

    fn erase<'a>(&'a self, room: &'a RoomRef, message: &'a str) -> Answer<'a, ()> {
        Box::pin(async move { Ok(self.delete(room, message).await?) })
    }

    fn tell<'a>(
        &'a self,
        room: &'a RoomRef,
        key: &'a str,
        text: &'a str,
        again: bool,
    ) -> Answer<'a, ()> {
        Box::pin(async move { Ok(self.post_news(room, key, text, again).await?) })
    }
}

impl Voice for Slack {
    fn link(&self) -> &Link {
        &self.link
    }

    fn answer<'a>(&'a self, heard: &'a Heard, said: &'a Said) -> Answer<'a, ()> {
        Box::pin(async move { Ok(self.reply(heard, said).await?) })
    }

    fn ask<'a>(&'a self, heard: &'a Heard, form: &'a Form) -> Answer<'a, ()> {
        Box::pin(async move { Ok(self.open_form(heard, form).await?) })
    }

    fn profile<'a>(&'a self, user: &'a str) -> Answer<'a, Profile> {
        Box::pin(async move { Ok(self.who(user).await?) })
    }

    fn channel<'a>(&'a self, room: &'a str) -> Answer<'a, Channel> {
        Box::pin(async move { Ok(self.what(room).await?) })
    }

    fn message<'a>(
        &'a self,
        room: &'a str,
        message: &'a str,
    ) -> Answer<'a, Option<(User, String)>> {
        Box::pin(async move { Ok(self.words_of(room, message).await?) })
    }

    fn thread_of<'a>(&'a self, room: &'a str, message: &'a str) -> Answer<'a, Option<String>> {
        Box::pin(async move { Ok(self.thread_room(room, message).await?) })
    }

    fn fetch<'a>(&'a self, file: &'a HeardFile, most: u64) -> Answer<'a, bytes::Bytes> {
        Box::pin(async move {
            let hosts = Hosts {
                names: &["files.slack.com", ".slack-files.com", ".slack.com"],
                api_url: &self.net.api_url,
            };
            let token = self.token.current();
            fetch::fetch(&self.net.http, &file.url, &hosts, Some(&token), most).await
        })
    }

    fn home<'a>(&'a self, user: &'a str, home: &'a Home) -> Answer<'a, ()> {
        Box::pin(async move { Ok(self.publish_home(user, home).await?) })
    }
}
