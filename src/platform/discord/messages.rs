//! Messages: posted once, found again, edited in place; and the outbound half of the port.

use super::inbound::text;
use super::rest::Refused;
use super::text::bears;
use super::{Discord, lock, render, rooms};
use crate::chat::{Answer, Board, Budget, Card, Chat, Fault, Line, Live, Page, Retry, RoomRef};
use serde_json::{Value, json};
use std::pin::Pin;
use std::time::Duration;

/// Messages looked through for one of ours.
const LOOK_BACK: usize = 50;
const SEND: u64 = 1 << 11;
const MANAGE_MESSAGES: u64 = 1 << 13;

impl Discord {
    /// Posts a message; answers its id, empty when it was posted before and deleted meanwhile.
    pub(super) async fn create(
        &self,
        channel: &str,
        body: &Value,
        gate: Option<&RoomRef>,
    ) -> Result<String, Fault> {
        let made = self
            .post(&format!("/channels/{channel}/messages"), body)
            .await;
        self.created(made, channel, body, gate)
    }

    fn created(
        &self,
        made: Result<Value, Refused>,
        channel: &str,
        body: &Value,
        gate: Option<&RoomRef>,
    ) -> Result<String, Fault> {
        match made {
            Ok(message) => Ok(text(&message, "id")),
            // By Discord's design: this nonce was posted, and its message is gone.
            Err(refused) if refused.code == 10008 && !body["nonce"].is_null() => Ok(String::new()),
            Err(refused) => Err(self.limited(channel, gate, refused)),
        }
    }

    /// Edits a message of ours.
    pub(super) async fn edit(
        &self,
        channel: &str,
        message: &str,
        body: &Value,
    ) -> Result<(), Refused> {
        let mut body = body.clone();
        if let Some(body) = body.as_object_mut() {
            body.retain(|key, _| !matches!(key.as_str(), "nonce" | "enforce_nonce"));
        }
        self.patch(&format!("/channels/{channel}/messages/{message}"), &body)
            .await
            .map(drop)
    }

    /// A rate limit closes the channel's gate for exactly as long.
    fn limited(&self, channel: &str, gate: Option<&RoomRef>, refused: Refused) -> Fault {
        if let Retry::AfterMs(ms) = refused.fault.retry {
            let wait = Duration::from_millis(ms.unsigned_abs());
            let key = gate.map_or_else(|| channel.to_owned(), gate_key);
            self.gates.close_for(&key, wait);
        }
        rooms::with_permission(refused, SEND)
    }

    /// The newest message of ours that fits, among the last ones of a channel.
    pub(super) async fn own_message(
        &self,
        channel: &str,
        fits: impl Fn(&Value) -> bool,
    ) -> Result<Option<Value>, Refused> {
        let path = format!("/channels/{channel}/messages?limit={LOOK_BACK}");
        let list = self.get(&path).await?;
        let me = self.me();
        let ours = |m: &&Value| m["author"]["id"] == me.as_str() && fits(m);
        Ok(list.as_array().into_iter().flatten().find(ours).cloned())
    }

    async fn post_line(&self, room: &RoomRef, line: &Line, again: bool) -> Result<String, Fault> {
        let channel = self.place(room).await?;
        if again {
            let fits = |m: &Value| bears(m["content"].as_str().unwrap_or_default(), &line.key);
            if let Some(before) = self.own_message(&channel, fits).await? {
                return Ok(text(&before, "id"));
            }
        }
        let key = self.engine.button_key();
        let body = render::line(
            line,
            &self.page_of(line.incident.0),
            self.sign(&key, &channel),
        );
        self.create(&channel, &body, Some(room)).await
    }

    /// Puts other words into a line.
    async fn reword(&self, room: &RoomRef, message: &str, line: &Line) -> Result<(), Fault> {
        let channel = self.place(room).await?;
        let key = self.engine.button_key();
        let body = render::line(
            line,
            &self.page_of(line.incident.0),
            self.sign(&key, &channel),
        );
        let done = self.edit(&channel, message, &body).await;
        done.map_err(|refused| match refused.code {
            10008 => Fault {
                why: "the message is not there any more".to_owned(),
                retry: Retry::Never,
            },
            _ => self.limited(&channel, Some(room), refused),
        })
    }

    /// Deletes a message, whoever wrote it.
    async fn delete(&self, room: &RoomRef, message: &str) -> Result<(), Fault> {
        let channel = self.place(room).await?;
        let path = format!("/channels/{channel}/messages/{message}");
        let why = "firebell: removed for good";
        let done = (self.rest)
            .call(reqwest::Method::DELETE, &path, None, &[], why)
            .await;
        match done {
            Err(refused) if refused.code == 10008 => Ok(()),
            Err(refused) => Err(rooms::with_permission(refused, MANAGE_MESSAGES)),
            Ok(_) => Ok(()),
        }
    }

    async fn show_card(
        &self,
        room: &RoomRef,
        card: &Card,
        remote: &str,
        again: bool,
    ) -> Result<String, Fault> {
        let channel = self.place(room).await?;
        let key = self.engine.button_key();
        let mut body = render::card(card, self.sign(&key, &channel));
        let mut known = remote.to_owned();
        if known.is_empty() && again {
            let mark = render::card_mark(card.incident);
            let fits = |m: &Value| m["embeds"][0]["footer"]["text"] == mark.as_str();
            known = self
                .own_message(&channel, fits)
                .await?
                .map_or_else(String::new, |m| text(&m, "id"));
        }
        if !known.is_empty() {
            match self.edit(&channel, &known, &body).await {
                Ok(()) => return Ok(known),
                // Somebody deleted it, or the channel of this name is another one now.
                Err(refused) if refused.code == 10008 => {}
                Err(refused) => return Err(self.limited(&channel, Some(room), refused)),
            }
        }
        body["nonce"] = json!(super::text::nonce(&format!(
            "card:{}:{channel}:{known}",
            card.incident.0
        )));
        body["enforce_nonce"] = json!(true);
        let path = format!("/channels/{channel}/messages");
        let made = match self.post(&path, &body).await {
            Ok(made) => made,
            Err(refused) if refused.code == 10008 => {
                return Err(Fault {
                    why: "the card was posted and deleted within minutes".to_owned(),
                    retry: Retry::AfterMs(60_000),
                });
            }
            Err(refused) => return Err(self.limited(&channel, Some(room), refused)),
        };
        let id = text(&made, "id");
        // The nonce was known: this is the card as it was drawn before.
        if drawn(&made) != drawn(&body) {
            let edited = self.edit(&channel, &id, &body).await;
            edited.map_err(|r| self.limited(&channel, Some(room), r))?;
        }
        Ok(id)
    }

    async fn show_live(
        &self,
        room: &RoomRef,
        live: &Live,
        remote: &str,
        again: bool,
    ) -> Result<String, Fault> {
        let channel = self.place(room).await?;
        let key = self.engine.button_key();
        let body = render::live(live, self.sign(&key, &channel));
        let fits = |m: &Value| bears(m["content"].as_str().unwrap_or_default(), &live.key);
        self.kept((room, &channel), &body, fits, remote, again)
            .await
    }

    async fn show_board(
        &self,
        room: &RoomRef,
        board: &Board,
        remote: &str,
        again: bool,
    ) -> Result<String, Fault> {
        let channel = self.place(room).await?;
        let key = self.engine.button_key();
        let body = render::board(board, self.sign(&key, &channel));
        let fits = |m: &Value| m["embeds"][0]["footer"]["text"] == board.key.as_str();
        self.kept((room, &channel), &body, fits, remote, again)
            .await
    }

    /// A message that is edited in place.
    async fn kept(
        &self,
        (room, channel): (&RoomRef, &str),
        body: &Value,
        fits: impl Fn(&Value) -> bool,
        remote: &str,
        again: bool,
    ) -> Result<String, Fault> {
        let mut known = remote.to_owned();
        if known.is_empty() && again {
            let before = self.own_message(channel, fits).await?;
            known = before.map_or_else(String::new, |m| text(&m, "id"));
        }
        if !known.is_empty() {
            return match self.edit(channel, &known, body).await {
                // Somebody deleted it: they do not want to see it.
                Err(refused) if refused.code == 10008 => Ok(known),
                done => (done.map(|()| known)).map_err(|r| self.limited(channel, Some(room), r)),
            };
        }
        self.create(channel, body, Some(room)).await
    }

    /// A configured channel that was deleted is made anew at once.
    async fn refind<T, F>(&self, room: &RoomRef, work: impl Fn() -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        match work().await {
            Err(fault) if fault.retry == Retry::Gone && matches!(room, RoomRef::Channel(_)) => {
                self.forget_channels();
                work().await
            }
            done => done,
        }
    }

    async fn page_person(&self, person: &str, pages: &[Page]) -> Result<String, Fault> {
        let account = self.account(person)?;
        let channel = self.conversation(&account).await?;
        self.gates.turn(&channel, Budget::Page).await;
        let key = self.engine.button_key();
        let body = render::pages(pages, &self.home(), self.sign(&key, &channel));
        let made = self
            .rest
            .page(&format!("/channels/{channel}/messages"), &body)
            .await;
        let sent = self.created(self.noticed(made), &channel, &body, None);
        if sent.as_ref().is_err_and(|fault| fault.retry == Retry::Gone) {
            lock(&self.direct).remove(&account);
        }
        sent
    }

    /// The account of a person of the directory.
    pub(super) fn account(&self, person: &str) -> Result<String, Fault> {
        let found = self.engine.account_of(self.name(), person);
        found.ok_or_else(|| Fault {
            why: format!(
                "{person} has no account on {0}: name it in the person's file ([identities] {0} = \"…\") or let them write `link` to firebell there",
                self.name()
            ),
            retry: Retry::Never,
        })
    }

    /// The conversation with an account.
    pub(super) async fn conversation(&self, account: &str) -> Result<String, Fault> {
        if let Some(known) = lock(&self.direct).get(account) {
            return Ok(known.clone());
        }
        let made = self
            .post("/users/@me/channels", &json!({"recipient_id": account}))
            .await?;
        let id = text(&made, "id");
        lock(&self.direct).insert(account.to_owned(), id.clone());
        Ok(id)
    }

    pub(super) fn sign<'a>(
        &'a self,
        key: &'a crate::chat::button::Key,
        room: &'a str,
    ) -> render::Sign<'a> {
        render::Sign {
            key,
            platform: self.name(),
            room,
        }
    }
}

/// What tells one drawing of a card from another: its words, and its buttons, which bear the state.
fn drawn(message: &Value) -> (String, Vec<String>) {
    let rows = message["components"].as_array().into_iter().flatten();
    let parts = rows.flat_map(|r| r["components"].as_array().into_iter().flatten());
    let buttons = parts.map(|p| text(p, "custom_id")).collect();
    (text(message, "content"), buttons)
}

/// Where messages of a place wait for their turn.
fn gate_key(room: &RoomRef) -> String {
    match room {
        RoomRef::Room(id) => id.clone(),
        RoomRef::Channel(name) => format!("#{}", super::text::channel_name(name)),
        RoomRef::Person(id) => format!("@{id}"),
    }
}

impl Chat for Discord {
    fn platform(&self) -> &str {
        self.name()
    }

    fn turn<'a>(
        &'a self,
        room: Option<&'a RoomRef>,
        budget: Budget,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            if let Some(room) = room {
                self.gates.turn(&gate_key(room), budget).await;
            }
            self.rest.turn().await;
        })
    }

    fn open_room<'a>(&'a self, card: &'a Card, name: &'a str) -> Answer<'a, (String, String)> {
        Box::pin(self.room_for(card, name))
    }

    fn say<'a>(&'a self, room: &'a RoomRef, line: &'a Line, again: bool) -> Answer<'a, String> {
        Box::pin(self.refind(room, move || self.post_line(room, line, again)))
    }

    fn show<'a>(
        &'a self,
        room: &'a RoomRef,
        card: &'a Card,
        remote: &'a str,
        again: bool,
    ) -> Answer<'a, String> {
        Box::pin(self.refind(room, move || self.show_card(room, card, remote, again)))
    }

    fn live<'a>(
        &'a self,
        room: &'a RoomRef,
        live: &'a Live,
        remote: &'a str,
        again: bool,
    ) -> Answer<'a, String> {
        Box::pin(self.show_live(room, live, remote, again))
    }

    fn board<'a>(
        &'a self,
        room: &'a RoomRef,
        board: &'a Board,
        remote: &'a str,
        again: bool,
    ) -> Answer<'a, String> {
        Box::pin(self.show_board(room, board, remote, again))
    }

    fn page<'a>(&'a self, person: &'a str, pages: &'a [Page]) -> Answer<'a, String> {
        Box::pin(self.page_person(person, pages))
    }

    fn topic<'a>(&'a self, room: &'a str, text: &'a str) -> Answer<'a, ()> {
        Box::pin(self.set_topic(room, text))
    }

    fn invite<'a>(
        &'a self,
        room: &'a str,
        people: &'a [String],
        private: bool,
    ) -> Answer<'a, Vec<String>> {
        Box::pin(self.bring(room, people, private))
    }

    fn pin<'a>(&'a self, room: &'a str, card: &'a str) -> Answer<'a, ()> {
        Box::pin(self.pin_up(room, card))
    }

    fn links<'a>(&'a self, room: &'a str, links: &'a [(String, String)]) -> Answer<'a, ()> {
        Box::pin(self.hang_up(room, links))
    }

    fn rename<'a>(&'a self, room: &'a str, name: &'a str) -> Answer<'a, ()> {
        Box::pin(self.call_it(room, name))
    }

    fn shelve<'a>(&'a self, room: &'a str) -> Answer<'a, ()> {
        Box::pin(self.put_away(room))
    }

    fn unshelve<'a>(
        &'a self,
        room: &'a str,
        _card: &'a Card,
        _name: &'a str,
    ) -> Answer<'a, (String, String)> {
        Box::pin(self.take_out(room))
    }

    fn thread<'a>(
        &'a self,
        channel: &'a RoomRef,
        message: &'a str,
        card: &'a Card,
        name: &'a str,
    ) -> Answer<'a, (String, String)> {
        Box::pin(self.open_thread(channel, message, card, name))
    }

    fn amend<'a>(&'a self, room: &'a RoomRef, message: &'a str, line: &'a Line) -> Answer<'a, ()> {
        Box::pin(self.reword(room, message, line))
    }

    fn erase<'a>(&'a self, room: &'a RoomRef, message: &'a str) -> Answer<'a, ()> {
        Box::pin(self.delete(room, message))
    }

    fn tell<'a>(
        &'a self,
        room: &'a RoomRef,
        key: &'a str,
        text: &'a str,
        again: bool,
    ) -> Answer<'a, ()> {
        Box::pin(self.refind(room, move || async move {
            let channel = self.place(room).await?;
            let mark = render::news_mark(key);
            let fits = |m: &Value| bears(m["content"].as_str().unwrap_or_default(), &mark);
            if again && self.own_message(&channel, fits).await?.is_some() {
                return Ok(());
            }
            self.create(&channel, &render::news(key, text), Some(room))
                .await
                .map(drop)
        }))
    }
}
