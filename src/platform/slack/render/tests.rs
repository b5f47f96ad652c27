//! What is drawn keeps Slack's limits and says nothing that others could make Slack do.

use super::*;
use crate::core::id::RunId;

const HOSTILE: &str =
    "<!channel> <!here> <@U1> <!subteam^S1> <https://x.example|click> *b* _i_ `c` :fire: &lt;";

fn signer() -> Signer<'static> {
    Signer {
        key: Key::new([7; 32]),
        platform: "slack",
        room: "C1",
    }
}

fn plain_card() -> Card {
    let facts = [
        ("where", "Checkout (tier 1) · team Web"),
        ("since", "Mon 16 Nov 2026 12:00 UTC"),
        ("who has it", "nobody yet; paged Ana Alves"),
    ];
    Card {
        incident: IncidentId(42),
        seq: 3,
        title: "checkout is slow".to_owned(),
        status: "triggered".to_owned(),
        severity: "sev1".to_owned(),
        facts: facts.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        lines: vec!["R7 “Restart” waits".to_owned()],
        buttons: vec![
            button("Acknowledge", Press::Acknowledge, Style::Primary),
            button("Resolve", Press::Resolve, Style::Plain),
        ],
        url: "https://fb.example/incidents/42".to_owned(),
        ..Card::default()
    }
}

fn button(label: &str, press: Press, style: Style) -> Button {
    Button {
        label: label.to_owned(),
        press,
        style,
    }
}

fn monster() -> Card {
    let words = HOSTILE.repeat(50);
    let many = |n: usize| vec![words.clone(); n];
    let action = Press::AskRun {
        action: "x".repeat(60),
    };
    let mut buttons = vec![button(&words, Press::Acknowledge, Style::Danger); 100];
    buttons.push(button("too long for a token", action, Style::Plain));
    Card {
        title: words.clone(),
        status: words.clone(),
        severity: words.clone(),
        facts: many(60).into_iter().map(|w| (w.clone(), w)).collect(),
        lines: many(60),
        buttons,
        url: format!("javascript:{words}"),
        ..plain_card()
    }
}

/// Every text of a message with its type.
fn texts<'a>(value: &'a Value, found: &mut Vec<(&'a str, &'a str)>) {
    match value {
        Value::Object(map) => {
            if let (Some(kind), Some(text)) = (map.get("type"), map.get("text"))
                && let (Some(kind), Some(text)) = (kind.as_str(), text.as_str())
            {
                found.push((kind, text));
            }
            map.values().for_each(|v| texts(v, found));
        }
        Value::Array(all) => all.iter().for_each(|v| texts(v, found)),
        _ => {}
    }
}

fn chars(value: &Value) -> usize {
    value.as_str().unwrap().chars().count()
}

/// Slack's limits (docs.slack.dev, "Blocks", "Block elements").
fn fits(drawn: &Drawn) {
    assert!(drawn.text.chars().count() <= 3000);
    assert!(!drawn.text.contains(['<', '>']), "{}", drawn.text);
    assert!(
        (1..=50).contains(&drawn.blocks.len()),
        "{}",
        drawn.blocks.len()
    );
    for block in &drawn.blocks {
        let list = |name: &str| block[name].as_array().cloned().unwrap_or_default();
        match block["type"].as_str().unwrap() {
            "header" => assert!((1..=150).contains(&chars(&block["text"]["text"]))),
            "section" if block["text"].is_object() => {
                assert!((1..=3000).contains(&chars(&block["text"]["text"])));
            }
            "section" => {
                assert!((1..=10).contains(&list("fields").len()));
                for field in list("fields") {
                    assert!((1..=2000).contains(&chars(&field["text"])));
                }
            }
            "context" => {
                assert!((1..=10).contains(&list("elements").len()));
                for element in list("elements") {
                    assert!((1..=3000).contains(&chars(&element["text"])));
                }
            }
            "actions" => {
                let elements = list("elements");
                assert!((1..=25).contains(&elements.len()));
                for button in elements {
                    assert!((1..=75).contains(&chars(&button["text"]["text"])));
                    assert!((1..=2000).contains(&chars(&button["value"])));
                    assert!((1..=255).contains(&chars(&button["action_id"])));
                }
            }
            kind => panic!("{kind} is not drawn"),
        }
    }
    let mut found = Vec::new();
    drawn.blocks.iter().for_each(|b| texts(b, &mut found));
    for (kind, text) in found {
        // Marked up is only what firebell wrote: a link with its own words.
        assert!(
            kind != "mrkdwn" || text.starts_with("<http"),
            "{kind}: {text}"
        );
        assert!(kind != "mrkdwn" || !text.contains("<!"), "{text}");
    }
}

#[test]
fn a_card_tells_at_a_glance_and_its_notification_alone_too() {
    let drawn = card(&plain_card(), &signer());
    fits(&drawn);
    for told in [
        "sev1",
        "#42",
        "checkout is slow",
        "Checkout (tier 1)",
        "nobody yet",
        "triggered",
    ] {
        assert!(drawn.text.contains(told), "{told}: {}", drawn.text);
    }
    assert_eq!(
        drawn.blocks[0]["text"]["text"],
        "🔴 sev1 · #42 checkout is slow"
    );
    let actions = drawn
        .blocks
        .iter()
        .find(|b| b["type"] == "actions")
        .unwrap();
    let first = &actions["elements"][0];
    assert_eq!(first["text"]["text"], "Acknowledge");
    assert_eq!(first["style"], "primary");
    let token = first["value"].as_str().unwrap();
    let read = Key::new([7; 32]).read("slack", "C1", token).unwrap();
    assert_eq!((read.incident, read.seq), (IncidentId(42), 3));
    assert_eq!(button::press(&read.word), Some(Press::Acknowledge));
    let link = drawn.blocks.last().unwrap();
    assert_eq!(
        link["elements"][0]["text"],
        "<https://fb.example/incidents/42|Timeline and details>"
    );
}

#[test]
fn whatever_comes_in_fits_and_does_nothing() {
    let (long, monster) = (HOSTILE.repeat(500), monster());
    let signer = signer();
    fits(&card(&monster, &signer));
    for by in [
        Actor::Firebell,
        Actor::Unlinked {
            id: format!("discord:{long}"),
            name: long.clone(),
        },
        Actor::Person {
            id: "ana".to_owned(),
            name: long.clone(),
        },
    ] {
        let said = Line {
            key: "42:3:0".to_owned(),
            incident: IncidentId(42),
            seq: 3,
            by,
            text: long.clone(),
            run: Some(RunId(7)),
            seen: String::new(),
        };
        fits(&line(&said, &signer));
    }
    for n in [1, 2, 30] {
        let one = Page {
            key: "42:3:0".to_owned(),
            card: monster.clone(),
            text: long.clone(),
        };
        fits(&page(&vec![one; n], &signer, true, &long));
    }
    fits(&words(&long));
    fits(&words(""));
    let answer = Said {
        text: long.clone(),
        incident: Some(IncidentId(42)),
        url: Some(long),
        buttons: monster.buttons.clone(),
        ..Said::default()
    };
    fits(&said(&answer, &signer));
}

#[test]
fn what_is_cut_is_counted() {
    let drawn = card(&monster(), &signer());
    let all = serde_json::to_string(&drawn.blocks).unwrap();
    assert!(all.contains("and 48 more, on the timeline"), "lines");
    assert!(all.contains("51 more without a button"), "buttons");
    let long = words(&"x".repeat(30_000));
    let last = long.blocks.last().unwrap();
    assert_eq!(
        last["elements"][0]["text"],
        "… and 6000 more characters, on the timeline"
    );
}

#[test]
fn a_line_says_who_wrote_it_and_where() {
    let said = |by| Line {
        key: "42:3:0".to_owned(),
        incident: IncidentId(42),
        seq: 3,
        by,
        text: "it is the cache".to_owned(),
        run: None,
        seen: String::new(),
    };
    let bo = Actor::Unlinked {
        id: "discord:77".to_owned(),
        name: "Bo (discord)".to_owned(),
    };
    let drawn = line(&said(bo), &signer());
    assert_eq!(drawn.text, "Bo (discord): it is the cache");
    assert_eq!(drawn.blocks[0]["elements"][0]["text"], "Bo (discord)");
    let drawn = line(&said(Actor::Firebell), &signer());
    assert_eq!(drawn.text, "it is the cache");
    assert_eq!(drawn.blocks.len(), 1);
}

#[test]
fn a_confirmation_has_its_two_buttons() {
    let asked = Line {
        key: "42:3:0".to_owned(),
        incident: IncidentId(42),
        seq: 3,
        by: Actor::Firebell,
        text: "Ana asked to restart".to_owned(),
        run: Some(RunId(7)),
        seen: String::new(),
    };
    let drawn = line(&asked, &signer());
    let key = Key::new([7; 32]);
    let elements = drawn.blocks[1]["elements"].as_array().unwrap();
    let presses: Vec<Press> = elements
        .iter()
        .map(|b| {
            let token = key.read("slack", "C1", b["value"].as_str().unwrap());
            button::press(&token.unwrap().word).unwrap()
        })
        .collect();
    let run = RunId(7);
    assert_eq!(
        presses,
        [
            Press::Approve {
                run,
                seen: String::new()
            },
            Press::Reject { run }
        ]
    );
}

#[test]
fn a_page_is_text_first_and_a_backlog_is_one_message() {
    let one = |n: i64| Page {
        key: format!("{n}:3:0"),
        card: Card {
            incident: IncidentId(n),
            ..plain_card()
        },
        text: format!("sev1 #{n} [checkout] it is slow. on call"),
    };
    let drawn = page(&[one(42)], &signer(), true, "https://fb.example");
    assert_eq!(drawn.text, "sev1 #42 [checkout] it is slow. on call");
    assert_eq!(drawn.blocks[0]["text"]["text"], drawn.text);
    let none = page(&[one(42)], &signer(), false, "https://fb.example");
    assert!(none.blocks.iter().all(|b| b["type"] != "actions"));
    let seven: Vec<Page> = (1..=7).map(one).collect();
    let drawn = page(&seven, &signer(), true, "https://fb.example");
    fits(&drawn);
    assert!(drawn.text.starts_with("7 pages. The newest: sev1 #7"));
    let all = serde_json::to_string(&drawn.blocks).unwrap();
    assert!(all.contains("#4 [") && !all.contains("#3 ["));
    assert!(all.contains("and 3 more") && all.contains("https://fb.example/incidents|"));
}
