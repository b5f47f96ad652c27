//! What the documentation shows of Discord is what is drawn.

use super::*;
use crate::chat::button::Key;
use crate::chat::{Scene, documented, scenes, shown};

#[test]
fn the_documented_messages_of_discord_are_drawn() {
    let shown = shown();
    let key = Key::new([7; 32]);
    let sign = Sign {
        key: &key,
        platform: "discord",
        room: "1234567890123456789",
    };
    let home = "https://firebell.example.org";
    documented("discord-card.json", &card(&shown.card, sign));
    documented("discord-line.json", &line(&shown.line, home, sign));
    let pages = [shown.page.clone()];
    documented("discord-page.json", &super::pages(&pages, home, sign));
    documented(
        "discord-form.json",
        &modal(&shown.form, "TOKEN", Fields::Rows),
    );
}

#[test]
fn the_gallery_of_discord_is_drawn() {
    let key = Key::new([7; 32]);
    let sign = Sign {
        key: &key,
        platform: "discord",
        room: "1234567890123456789",
    };
    for (name, scene) in scenes() {
        let drawn = match &scene {
            Scene::Card(shown) => card(shown, sign),
            Scene::Live(shown) => live(shown, sign),
        };
        documented(&format!("gallery/{name}-discord.json"), &drawn);
    }
}
