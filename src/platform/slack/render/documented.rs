//! What the documentation shows of Slack is what is drawn.

use super::*;
use crate::chat::{documented, shown};
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
