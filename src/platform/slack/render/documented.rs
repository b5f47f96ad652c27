//! What the documentation shows of Slack is what is drawn.

use super::*;
use crate::chat::{Scene, documented, scenes, shown};
use crate::platform::slack::view;
use serde_json::json;

fn message(drawn: &Drawn) -> Value {
    json!({"text": drawn.text, "blocks": drawn.blocks})
}

#[test]
fn the_documented_messages_of_slack_are_drawn() {
    let shown = shown();
    let signer = Signer {
        key: Key::new([7; 32]),
        platform: "slack",
        room: "C0123456789",
    };
    documented("slack-card.json", &message(&card(&shown.card, &signer)));
    documented("slack-line.json", &message(&line(&shown.line, &signer)));
    let home = "https://firebell.example.org";
    let one = page(std::slice::from_ref(&shown.page), &signer, true, home);
    documented("slack-page.json", &message(&one));
    let form = view::modal(&shown.form, "TOKEN", "C0123456789");
    documented("slack-form.json", &form);
}

#[test]
fn the_gallery_of_slack_is_drawn() {
    let signer = Signer {
        key: Key::new([7; 32]),
        platform: "slack",
        room: "C0123456789",
    };
    for (name, scene) in scenes() {
        let drawn = match &scene {
            Scene::Card(shown) => card(shown, &signer),
            Scene::Live(shown) => live(shown, &signer),
        };
        documented(&format!("gallery/{name}-slack.json"), &message(&drawn));
    }
}
