//! What a person does and sees, in words that mean the same on every platform.

use super::house::House;
use crate::discord_world::Posted;
use crate::slack_world::Message;
use std::sync::Arc;

/// Where something is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spot {
    /// A configured channel, by name.
    Channel(&'static str),
    /// The room of an incident, by the platform's id.
    Room(String),
    /// Somebody's own messages from firebell.
    Direct(&'static str),
}

/// The channel of the team that owns the checkout.
pub const TEAM: Spot = Spot::Channel("web");

/// A message as somebody sees it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Everything there is to read.
    pub words: String,
    /// The labels of its buttons.
    pub buttons: Vec<String>,
    /// firebell wrote it.
    pub ours: bool,
    /// It is the live card of an incident.
    pub card: bool,
    pub at: At,
    /// Room and number of a message of the console.
    pub place: Option<(String, String)>,
}

impl Seen {
    pub fn room(&self) -> &str {
        &self.place.as_ref().expect("a message of the console").0
    }

    pub fn post(&self) -> &str {
        &self.place.as_ref().expect("a message of the console").1
    }

    pub fn slack(&self) -> &Message {
        match &self.at {
            At::Slack(message) => message,
            other => panic!("not on Slack: {other:?}"),
        }
    }

    pub fn discord(&self) -> &Posted {
        match &self.at {
            At::Discord(posted) => posted,
            other => panic!("not on Discord: {other:?}"),
        }
    }
}

/// The message itself.
#[derive(Clone, Debug)]
pub enum At {
    Slack(Box<Message>),
    Discord(Posted),
    /// As a browser drew it: forms with their fields, and links, by label.
    Console(Vec<Pressable>),
}

/// A button of the console: a form of its own, or a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pressable {
    pub label: String,
    /// Address of the form or link.
    pub to: String,
    /// The form's fields; none for a link.
    pub fields: Vec<(String, String)>,
}

/// What somebody is answered.
#[derive(Clone, Debug)]
pub struct Told {
    pub text: String,
    /// Nobody else sees it.
    pub alone: bool,
}

/// A platform, and firebell on it.
pub trait Stage: Sized {
    /// The configured name.
    const NAME: &'static str;
    /// Somebody the directory does not know may do what anyone may.
    const STRANGERS_ACT: bool;
    /// People can change and take back what they said.
    const EDITS: bool;
    /// A card is a message that is edited; else it is drawn for each reader.
    const CARDS_ARE_EDITED: bool;

    /// The stage in a house.
    fn of(house: Arc<House>) -> Self;
    fn house(&self) -> &House;

    /// What somebody sees in a place, oldest first, without what only they see.
    async fn seen(&self, who: &str, spot: &Spot) -> Vec<Seen>;

    /// Somebody whom the directory does not know comes.
    fn stranger(&self, name: &str);

    /// Presses a button that needs no form, and reads the answer.
    async fn press(&self, who: &str, seen: &Seen, label: &str) -> Told;

    /// Presses a button, and the platform or the person repeats exactly this press.
    async fn press_twice(&self, who: &str, seen: &Seen, label: &str);

    /// Asks for an action by the button of a card.
    async fn ask_run(&self, who: &str, card: &Seen, action: &str) -> Told;

    /// Opens the form of a note from a card, fills it in and sends it.
    async fn note_by_form(&self, who: &str, card: &Seen, at: &str, text: &str);

    /// Uses a command as the platform has it: typed behind a slash, or as a sub-command whose
    /// options are values by name.
    async fn command(&self, who: &str, spot: &Spot, verb: &str, values: &[(&str, &str)]) -> Told;

    /// Types a line to firebell as it is.
    async fn types(&self, who: &str, spot: &Spot, line: &str) -> Told;

    /// Says something; answers how to find it again.
    async fn says(&self, who: &str, spot: &Spot, text: &str) -> Seen;

    /// Says something else instead. Only where [`Stage::EDITS`].
    async fn edits(&self, who: &str, said: &Seen, text: &str);

    /// Takes it back. Only where [`Stage::EDITS`].
    async fn deletes(&self, who: &str, said: &Seen);

    /// Cards stay as they are until [`Stage::comes_back`]; everything else goes on.
    fn freezes_cards(&self);

    /// Nothing gets through to the platform.
    async fn goes_down(&self);

    /// It is back.
    async fn comes_back(&self);

    /// How often a card that is a message was redrawn.
    fn redraws(&self, card: &Seen) -> usize;

    /// Fails when anything was sent that the platform would not take, or that harms a reader.
    async fn assert_harmless(&self);
}

/// A platform alone, with nothing going on.
pub async fn set<S: Stage>() -> S {
    S::of(Arc::new(
        House::open(super::house::Plan::only(S::NAME)).await,
    ))
}

/// What follows from [`Stage`], the same everywhere.
pub trait Play: Stage {
    /// A major incident, and its room.
    async fn major(&self, title: &str) -> Spot {
        self.house().fires(title, "critical").await;
        self.room(1).await
    }

    /// The room of an incident, once it is there.
    async fn room(&self, id: i64) -> Spot {
        let found = |i: &firebell::core::incident::Incident| i.rooms.get(Self::NAME).cloned();
        Spot::Room(self.house().until(id, "its room", found).await)
    }

    /// A message somebody sees in a place, now or soon.
    async fn sees(&self, who: &str, spot: &Spot, what: &str, fits: impl Fn(&Seen) -> bool) -> Seen {
        let probe = async || {
            let mut all = self.seen(who, spot).await.into_iter();
            all.find(&fits)
        };
        let asked = format!("{} shows {who} {what} in {spot:?}", Self::NAME);
        self.house().expect(&asked, probe).await
    }

    /// The card of an incident in a place, once it says this.
    async fn card(&self, who: &str, spot: &Spot, id: i64, words: &str) -> Seen {
        let number = format!("#{id} ");
        let fits = |m: &Seen| m.card && m.words.contains(&number) && m.words.contains(words);
        let what = format!("the card of #{id} with `{words}`");
        self.sees(who, spot, &what, fits).await
    }

    /// A line of firebell's.
    async fn line(&self, who: &str, spot: &Spot, words: &str) -> Seen {
        let what = format!("the line `{words}`");
        let fits = |m: &Seen| m.ours && !m.card && m.words.contains(words);
        self.sees(who, spot, &what, fits).await
    }

    /// Somebody's page about an incident.
    async fn page(&self, who: &'static str, id: i64) -> Seen {
        let (number, spot) = (format!("#{id} "), Spot::Direct(who));
        let fits = |m: &Seen| m.ours && m.words.contains(&number);
        self.sees(who, &spot, &format!("the page of #{id}"), fits)
            .await
    }

    /// Fails unless these stand in a room in this order, each in one line and one only.
    async fn assert_once_in_order(&self, who: &str, spot: &Spot, words: &[String]) {
        let lines = self.seen(who, spot).await;
        let lines: Vec<&Seen> = lines.iter().filter(|m| m.ours && !m.card).collect();
        let mut last = None;
        for word in words {
            let hits: Vec<usize> = (0..lines.len())
                .filter(|n| lines[*n].words.contains(word.as_str()))
                .collect();
            let told = || lines.iter().map(|l| &l.words).collect::<Vec<_>>();
            assert_eq!(hits.len(), 1, "`{word}` in {:#?}", told());
            assert!(last < Some(hits[0]), "`{word}` is late in {:#?}", told());
            last = Some(hits[0]);
        }
    }
}

impl<S: Stage> Play for S {}
