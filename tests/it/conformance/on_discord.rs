//! The stage on Discord: native sub-commands, answers by the interaction's token, modals.

use super::house::House;
use super::stage::{At, Seen, Spot, Stage, Told};
use crate::discord_world::{DiscordWorld, Fault, Posted};
use std::sync::Arc;

pub struct OnDiscord {
    house: Arc<House>,
}

fn read(posted: &Posted) -> Seen {
    let json = posted.json();
    let foot = json["embeds"][0]["footer"]["text"].as_str();
    Seen {
        words: posted.text(),
        buttons: posted.buttons(),
        ours: json["author"]["bot"] == true,
        card: foot.is_some_and(|f| f.starts_with("card:")),
        at: At::Discord(posted.clone()),
        place: None,
    }
}

fn discord(seen: &Seen) -> &Posted {
    match &seen.at {
        At::Discord(posted) => posted,
        other => panic!("not on Discord: {other:?}"),
    }
}

fn told(posted: &Posted) -> Told {
    Told {
        text: posted.text(),
        alone: posted.ephemeral(),
    }
}

impl OnDiscord {
    pub fn world(&self) -> &DiscordWorld {
        self.house.discord.as_ref().unwrap()
    }

    fn channel(&self, spot: &Spot) -> String {
        match spot {
            Spot::Channel(name) => (*name).to_owned(),
            Spot::Room(id) => id.clone(),
            Spot::Direct(who) => self.world().user(who).dm(),
        }
    }
}

impl Stage for OnDiscord {
    const NAME: &'static str = "discord";
    const STRANGERS_ACT: bool = true;
    const EDITS: bool = true;
    const CARDS_ARE_EDITED: bool = true;

    fn of(house: Arc<House>) -> OnDiscord {
        OnDiscord { house }
    }

    fn house(&self) -> &House {
        &self.house
    }

    async fn seen(&self, _who: &str, spot: &Spot) -> Vec<Seen> {
        let all = self.world().messages(&self.channel(spot));
        all.iter().map(read).collect()
    }

    fn stranger(&self, name: &str) {
        self.world().user(name);
    }

    async fn press(&self, who: &str, seen: &Seen, label: &str) -> Told {
        let asked = self.world().user(who).clicks(discord(seen), label);
        told(&asked.followup(0).await)
    }

    async fn press_twice(&self, who: &str, seen: &Seen, label: &str) {
        let asked = self.world().user(who).clicks(discord(seen), label);
        asked.followup(0).await;
        asked.deliver();
    }

    async fn ask_run(&self, who: &str, card: &Seen, action: &str) -> Told {
        self.press(who, card, &format!("Run: {action}")).await
    }

    async fn note_by_form(&self, who: &str, card: &Seen, at: &str, text: &str) {
        let person = self.world().user(who);
        let form = person.clicks(discord(card), "Note").modal().await;
        let sent = person.submits(&form, &[("at", at), ("text", text)]);
        let told = sent.reply().await;
        assert!(told.has("Noted"), "{told:?}: {}", sent.payload());
    }

    async fn command(&self, who: &str, spot: &Spot, verb: &str, values: &[(&str, &str)]) -> Told {
        let asked = self
            .world()
            .user(who)
            .runs(verb, values, &self.channel(spot));
        told(&asked.reply().await)
    }

    /// Commands are forms of Discord's; a line as it is is understood in one's own messages.
    async fn types(&self, who: &str, _spot: &Spot, line: &str) -> Told {
        let person = self.world().user(who);
        let direct = person.dm();
        let before = self.world().messages(&direct).len();
        person.says(&direct, line);
        // What was typed comes first, then what is answered.
        let probe = async || self.world().messages(&direct).get(before + 1).cloned();
        let found = self.house.expect("Discord answers", probe).await;
        Told {
            text: found.text(),
            alone: true,
        }
    }

    async fn says(&self, who: &str, spot: &Spot, text: &str) -> Seen {
        read(&self.world().user(who).says(&self.channel(spot), text))
    }

    async fn edits(&self, who: &str, said: &Seen, text: &str) {
        self.world().user(who).edits(discord(said), text);
    }

    async fn deletes(&self, who: &str, said: &Seen) {
        self.world().user(who).deletes(discord(said));
    }

    fn freezes_cards(&self) {
        let route = "PATCH /channels/*/messages/*";
        self.world().breaks(route, Fault::status(503), None);
    }

    async fn goes_down(&self) {
        self.world().breaks("*", Fault::Dropped, None);
        self.world().drops_connection();
    }

    async fn comes_back(&self) {
        self.world().mends();
        self.house.is_connected().await;
    }

    fn redraws(&self, card: &Seen) -> usize {
        discord(card).edits()
    }

    async fn assert_harmless(&self) {
        let sent = [
            ("POST", "/channels/*/messages"),
            ("PATCH", "/channels/*/messages/*"),
        ];
        for (method, path) in sent {
            for call in self.world().calls(method, path) {
                let body = call.body.to_string();
                assert!(!super::stories::turns_around(&body), "{body}");
            }
        }
        for rung in self.world().rung() {
            assert!(rung.text().starts_with("Asked to come: <@"), "{rung:?}");
            assert!(!rung.rung().everyone && rung.rung().roles.is_empty());
        }
        self.world().assert_clean();
    }
}
