//! Events in Discord's own shapes, and in shapes it never sent.

use super::*;
use serde_json::json;

const GUILD: &str = "290926798626357999";
const ROOM: &str = "345626669114982999";
const ME: &str = "100000000000000001";
const MESSAGE: &str = "334385199974967042";

fn here() -> Here {
    Here {
        platform: "discord".to_owned(),
        guild: GUILD.to_owned(),
        me: ME.to_owned(),
        keep: emoji(&[
            "pushpin".to_owned(),
            "stopwatch".to_owned(),
            "parrot".to_owned(),
        ]),
        names: BTreeMap::from([
            (ROOM.to_owned(), "inc-42".to_owned()),
            ("165".to_owned(), "oncall".to_owned()),
        ]),
        rooms: BTreeSet::from([ROOM.to_owned()]),
        now: Time(1_800_000_000_000),
    }
}

/// As Discord's documentation shows a message, with what the gateway adds.
fn message() -> Value {
    json!({
        "reactions": [{"count": 1, "me": false, "emoji": {"id": null, "name": "🔥"}}],
        "attachments": [], "tts": false, "embeds": [], "timestamp": "2017-07-11T17:27:07.299000+00:00",
        "mention_everyone": false, "id": MESSAGE, "pinned": false, "edited_timestamp": null,
        "author": {"username": "Mason", "discriminator": "9999", "id": "53908099506183680", "avatar": "a_bab14f"},
        "mention_roles": [], "content": "Supa Hot", "channel_id": ROOM, "mentions": [], "type": 0,
        "guild_id": GUILD, "member": {"nick": "Mace", "roles": [], "joined_at": "2015-04-26T06:26:56.936000+00:00"},
    })
}

fn heard(reading: Reading) -> Heard {
    match reading {
        Reading::Heard(heard) => *heard,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_in_a_room_is_said_at_its_own_time() {
    let heard = heard(read("MESSAGE_CREATE", &message(), &here()));
    assert_eq!(heard.key, format!("msg:{MESSAGE}"));
    assert_eq!(heard.at.rfc3339(), "2017-07-11T17:27:24.250Z");
    assert_eq!(
        (heard.by.id.as_str(), heard.by.name.as_str()),
        ("53908099506183680", "Mace")
    );
    assert_eq!(
        heard.deed,
        Deed::Said {
            message: MESSAGE.to_owned(),
            text: "Supa Hot".to_owned(),
            answers: String::new(),
            files: Vec::new(),
        }
    );
}

#[test]
fn other_places_bots_and_discords_own_messages_are_ignored_with_a_reason() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut event = message();
        change(&mut event);
        read("MESSAGE_CREATE", &event, &here())
    };
    assert_eq!(
        with(&|m| m["guild_id"] = json!("1")),
        Reading::Ignored("of another server")
    );
    assert_eq!(
        with(&|m| m["channel_id"] = json!("1")),
        Reading::Ignored("not in a room of an incident")
    );
    assert_eq!(
        with(&|m| m["author"]["bot"] = json!(true)),
        Reading::Ignored("by a bot")
    );
    assert_eq!(
        with(&|m| m["webhook_id"] = json!("9")),
        Reading::Ignored("by a bot")
    );
    assert_eq!(
        with(&|m| m["author"]["id"] = json!(ME)),
        Reading::Ignored("by a bot")
    );
    assert_eq!(
        with(&|m| m["type"] = json!(7)),
        Reading::Ignored("a message of Discord's own")
    );
    assert_eq!(
        with(&|m| m["content"] = json!("")),
        Reading::Ignored("without words")
    );
}

#[test]
fn mentions_files_and_emoji_are_read_as_words() {
    let mut event = message();
    event["content"] = json!(
        "<@53908082506183680> <@!7> see <#345626669114982999> <@&165> <:party:9> a < b <script> <t:1700000000:R>"
    );
    event["mentions"] =
        json!([{"id": "53908082506183680", "username": "ana", "global_name": "Ana"}]);
    event["attachments"] = json!([{"filename": "graph.png"}]);
    let Deed::Said { text, .. } = heard(read("MESSAGE_CREATE", &event, &here())).deed else {
        panic!()
    };
    assert_eq!(
        text,
        "@Ana @somebody see #inc-42 @oncall :party: a < b <script> 2023-11-14T22:13:20.000Z\n[attached: graph.png]"
    );
}

#[test]
fn only_peoples_edits_are_edits() {
    let mut event = message();
    assert_eq!(
        read("MESSAGE_UPDATE", &event, &here()),
        Reading::Ignored("its words are the same")
    );
    event["edited_timestamp"] = json!("2017-07-11T17:30:00.000000+00:00");
    let edited = heard(read("MESSAGE_UPDATE", &event, &here()));
    assert_eq!(
        edited.key,
        format!("edit:{MESSAGE}:2017-07-11T17:30:00.000000+00:00")
    );
    assert_eq!(edited.at.rfc3339(), "2017-07-11T17:30:00.000Z");
    assert!(matches!(edited.deed, Deed::Edited { .. }));
}

#[test]
fn a_deletion_names_nobody() {
    let event = json!({"id": MESSAGE, "channel_id": ROOM, "guild_id": GUILD});
    let heard = heard(read("MESSAGE_DELETE", &event, &here()));
    assert_eq!(heard.by, somebody());
    assert_eq!(
        heard.deed,
        Deed::Deleted {
            message: MESSAGE.to_owned()
        }
    );
}

#[test]
fn reactions_and_pins_keep_a_message_at_the_time_it_was_written() {
    let reaction = |emoji: &str| {
        json!({
            "user_id": "53908099506183680", "type": 0, "message_id": MESSAGE, "channel_id": ROOM,
            "guild_id": GUILD, "burst": false, "emoji": {"id": null, "name": emoji},
            "member": {"user": {"id": "53908099506183680", "username": "Mason"}, "roles": []},
        })
    };
    for (emoji, name) in [
        ("📌", "pushpin"),
        ("⏱\u{fe0f}", "stopwatch"),
        ("parrot", "parrot"),
    ] {
        let heard = heard(read("MESSAGE_REACTION_ADD", &reaction(emoji), &here()));
        let Deed::Kept {
            how, written_at, ..
        } = heard.deed
        else {
            panic!()
        };
        assert_eq!(how, format!("marked with :{name}:"));
        assert_eq!(written_at.rfc3339(), "2017-07-11T17:27:24.250Z");
    }
    assert_eq!(
        read("MESSAGE_REACTION_ADD", &reaction("😀"), &here()),
        Reading::Ignored("another emoji")
    );
    let mut pin = message();
    pin["type"] = json!(6);
    pin["message_reference"] = json!({"message_id": MESSAGE, "channel_id": ROOM});
    let heard = heard(read("MESSAGE_CREATE", &pin, &here()));
    assert!(matches!(heard.deed, Deed::Kept { ref how, .. } if how == "pinned"));
}

#[test]
fn a_direct_message_is_a_command_line() {
    let mut event = message();
    event.as_object_mut().unwrap().remove("guild_id");
    event["channel_id"] = json!("77");
    let heard = heard(read("MESSAGE_CREATE", &event, &here()));
    assert_eq!(
        heard.deed,
        Deed::Line {
            text: "Supa Hot".to_owned()
        }
    );
    assert_eq!(heard.room, "77");
}

#[test]
fn rubbish_is_unknown_or_ignored_and_never_a_panic() {
    let rubbish = [
        json!(null),
        json!([]),
        json!("x"),
        json!(7),
        json!({"id": {}, "channel_id": [ROOM], "author": 7, "mentions": "x", "content": 9}),
    ];
    for event in rubbish {
        for kind in [
            "MESSAGE_CREATE",
            "MESSAGE_UPDATE",
            "MESSAGE_DELETE",
            "MESSAGE_REACTION_ADD",
            "SOMETHING_NEW",
        ] {
            assert!(
                !matches!(read(kind, &event, &here()), Reading::Heard(_)),
                "{kind} {event}"
            );
        }
    }
    assert_eq!(
        read("SOMETHING_NEW", &json!({}), &here()),
        Reading::Unknown("SOMETHING_NEW".to_owned())
    );
}
