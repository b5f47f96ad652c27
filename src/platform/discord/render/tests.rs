//! Bodies keep Discord's limits whatever is in them, and ring nobody.

use super::*;
use crate::core::id::RunId;

const MONSTER: &str = "@everyone <@1> `*_~|[x](https://evil.test)\u{202e}\n# ";

fn sign(key: &Key) -> Sign<'_> {
    Sign {
        key,
        platform: "discord",
        room: "123",
    }
}

fn key() -> Key {
    Key::new([3; 32])
}

fn monstrous() -> Card {
    let long = MONSTER.repeat(500);
    let button = |n: usize| Button {
        label: format!("{n} {long}"),
        press: Press::Snooze {
            ms: i64::try_from(n).unwrap() + 1,
        },
        style: Style::Plain,
    };
    Card {
        incident: IncidentId(42),
        seq: 7,
        title: long.clone(),
        status: "triggered".to_owned(),
        severity: long.clone(),
        severity_index: 0,
        facts: (0..60)
            .map(|n| (format!("{n}{long}"), long.clone()))
            .collect(),
        lines: vec![long.clone(); 40],
        buttons: (0..60).map(button).collect(),
        url: "https://firebell.test/incidents/42".to_owned(),
        private: false,
        emoji: String::new(),
        colour: None,
    }
}

fn count(value: &Value) -> usize {
    value.as_str().map_or(0, |t| t.chars().count())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn within_limits(body: &Value) {
    assert!(
        (1..=2000).contains(&count(&body["content"])),
        "content {}",
        count(&body["content"])
    );
    assert_eq!(body["allowed_mentions"]["parse"], json!([]));
    for embed in list(&body["embeds"]) {
        let mut all =
            count(&embed["title"]) + count(&embed["description"]) + count(&embed["footer"]["text"]);
        assert!(count(&embed["title"]) <= 256 && count(&embed["description"]) <= 4096);
        assert!(list(&embed["fields"]).len() <= 25);
        for field in list(&embed["fields"]) {
            assert!(
                (1..=256).contains(&count(&field["name"]))
                    && (1..=1024).contains(&count(&field["value"]))
            );
            all += count(&field["name"]) + count(&field["value"]);
        }
        assert!(all <= 6000, "{all}");
    }
    let rows = list(&body["components"]);
    assert!(rows.len() <= 5);
    let mut ids = BTreeSet::new();
    for part in rows.iter().flat_map(|r| list(&r["components"])) {
        assert!((1..=80).contains(&count(&part["label"])));
        if let Some(id) = part["custom_id"].as_str() {
            assert!(id.len() <= 100 && ids.insert(id.to_owned()));
        }
    }
    assert!(
        rows.iter()
            .all(|r| (1..=5).contains(&list(&r["components"]).len()))
    );
    assert!(count(&body["nonce"]) <= 25);
}

#[test]
fn a_monstrous_card_is_within_all_limits() {
    let (key, card) = (key(), monstrous());
    let body = super::card(&card, sign(&key));
    within_limits(&body);
    let parts: Vec<&Value> = list(&body["components"])
        .iter()
        .flat_map(|r| list(&r["components"]))
        .collect();
    assert_eq!(parts.len(), 25);
    assert_eq!(parts[24]["url"], "https://firebell.test/incidents/42");
    let last = list(&body["embeds"][0]["fields"]).last().unwrap();
    assert!(last["value"].as_str().unwrap().ends_with("more facts"));
}

#[test]
fn monstrous_lines_pages_answers_and_news_are_within_all_limits() {
    let key = key();
    let long = MONSTER.repeat(500);
    for by in [
        Actor::Firebell,
        Actor::Unlinked {
            id: "slack:U1".to_owned(),
            name: long.clone(),
        },
    ] {
        let line = Line {
            key: "42:7:0".to_owned(),
            incident: IncidentId(42),
            seq: 7,
            by,
            text: long.clone(),
            run: Some(RunId(3)),
            seen: String::new(),
        };
        let body = super::line(&line, "https://f.test/incidents/42", sign(&key));
        within_limits(&body);
        assert!(super::super::text::bears(
            body["content"].as_str().unwrap(),
            "42:7:0"
        ));
    }
    let page = |n: usize| Page {
        key: format!("42:{n}:0"),
        card: monstrous(),
        text: format!("{n} {long}"),
    };
    for n in [1, 2, 200] {
        let many: Vec<Page> = (0..n).map(page).collect();
        within_limits(&super::pages(&many, "https://f.test/incidents", sign(&key)));
    }
    let told = Said {
        text: long.clone(),
        incident: Some(IncidentId(42)),
        buttons: monstrous().buttons,
        ..Said::default()
    };
    within_limits(&answer(&told, "https://f.test", sign(&key)));
    within_limits(&news(&long, &long));
    let titled: Vec<(String, String)> = (0..60)
        .map(|n| (long.clone(), format!("https://x.test/{n}")))
        .collect();
    within_limits(&links(IncidentId(42), &titled));
    let many: Vec<String> = (0..300).map(|n| format!("1234567890{n}")).collect();
    let rung = ringing(&many, "crew:42:1");
    within_limits(&rung);
    assert_eq!(list(&rung["allowed_mentions"]["users"]).len(), 100);
}

#[test]
fn text_of_an_alert_is_never_a_mention_or_a_link() {
    let key = key();
    let mut body = super::card(&monstrous(), sign(&key));
    // Labels are shown as they are.
    body["components"] = Value::Null;
    let body = body.to_string();
    for bad in ["\"@everyone", " @everyone", " <@1>"] {
        assert!(!body.contains(bad), "{bad}");
    }
    assert!(!body.contains("(https://evil"));
}

#[test]
fn a_card_tells_a_locked_phone_what_and_how_bad() {
    let key = key();
    let card = Card {
        title: "Checkout: high error rate".to_owned(),
        severity: "sev1".to_owned(),
        facts: vec![("who has it".to_owned(), "nobody yet".to_owned())],
        ..Card {
            buttons: Vec::new(),
            lines: Vec::new(),
            ..monstrous()
        }
    };
    let body = super::card(&card, sign(&key));
    assert_eq!(
        body["content"],
        "sev1 #42 triggered: Checkout: high error rate"
    );
    assert_eq!(body["embeds"][0]["title"], "#42 Checkout: high error rate");
    assert_eq!(body["embeds"][0]["fields"][0]["value"], "nobody yet");
    assert_eq!(body["embeds"][0]["footer"]["text"], "card:42");
}

#[test]
fn several_pages_are_one_message_with_a_count_and_the_newest() {
    let key = key();
    let page = |n: i64| Page {
        key: format!("{n}:1:0"),
        card: Card {
            incident: IncidentId(n),
            title: format!("Thing {n}"),
            ..Card::default()
        },
        text: format!("sev1 #{n} Thing {n}"),
    };
    let many: Vec<Page> = (1..=8).map(page).collect();
    let body = super::pages(&many, "https://f.test/incidents", sign(&key));
    let content = body["content"].as_str().unwrap();
    assert!(content.starts_with("8 pages, newest first:\nsev1 #8 Thing 8\n"));
    assert!(content.ends_with("… and 3 more: https://f.test/incidents"));
}

#[test]
fn a_button_is_bound_to_its_channel() {
    let key = key();
    let card = Card {
        buttons: vec![Button {
            label: "Acknowledge".to_owned(),
            press: Press::Acknowledge,
            style: Style::Primary,
        }],
        ..Card {
            incident: IncidentId(42),
            seq: 7,
            ..Card::default()
        }
    };
    let body = super::card(&card, sign(&key));
    let id = body["components"][0]["components"][0]["custom_id"]
        .as_str()
        .unwrap();
    assert!(key.read("discord", "123", id).is_some());
    assert_eq!(key.read("discord", "124", id), None);
}

#[test]
fn a_refusal_looks_like_one() {
    let key = key();
    let told = Said {
        text: "Already resolved.".to_owned(),
        ..Said::default()
    };
    assert_eq!(
        answer(&told, "", sign(&key))["content"],
        "🚫 Already resolved."
    );
    let told = Said { ok: true, ..told };
    assert_eq!(
        answer(&told, "", sign(&key))["content"],
        "Already resolved."
    );
}

#[test]
fn a_form_is_a_modal_within_all_limits() {
    let long = "x".repeat(500);
    let field = |n: usize, entry: Entry| Field {
        name: format!("f{n}"),
        label: long.clone(),
        help: long.clone(),
        entry,
        value: Some("b".to_owned()),
        required: n == 0,
    };
    let many = (0..40)
        .map(|n| {
            (
                if n == 1 {
                    "b".to_owned()
                } else {
                    format!("v{n}")
                },
                long.clone(),
            )
        })
        .collect();
    let form = Form {
        verb: "run".to_owned(),
        incident: Some(IncidentId(1)),
        given: std::collections::BTreeMap::new(),
        title: long.clone(),
        submit: "Ask".to_owned(),
        about: long.clone(),
        fields: vec![
            field(0, Entry::Line { max: 0 }),
            field(1, Entry::Text { max: 9000 }),
            field(2, Entry::Choice(many)),
            field(3, Entry::Choice(Vec::new())),
        ],
    };
    let made = modal(&form, "token", Fields::Labels);
    assert!(count(&made["title"]) <= 45);
    let rows = list(&made["components"]);
    assert_eq!(rows.len(), 4);
    assert!(
        rows.iter()
            .all(|r| count(&r["label"]) <= 45 && count(&r["description"]) <= 100)
    );
    assert_eq!(list(&rows[2]["component"]["options"]).len(), 25);
    assert_eq!(rows[2]["component"]["options"][1]["default"], true);
    assert_eq!(rows[3]["component"]["type"], 4);
    let made = modal(&form, "token", Fields::Rows);
    for row in list(&made["components"]) {
        let input = &row["components"][0];
        assert!(count(&input["label"]) <= 45 && count(&input["placeholder"]) <= 100);
        assert!(input["max_length"].as_u64().unwrap() >= 1);
    }
}
