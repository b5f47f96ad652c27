//! Interactions, read into what was asked: commands, buttons, forms, half-written options.
//!
//! Pure and lenient as `inbound`; the same reader serves the gateway and signed HTTP.

use super::commands;
use super::inbound::{Here, display, made_at, text, words};
use crate::chat::heard::{Deed, Heard, User};
use crate::chat::surface::tree;
use serde_json::Value;
use std::collections::BTreeMap;

/// What an interaction wants back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Discord tries the endpoint.
    Ping,
    /// An act, to be acknowledged and worked off.
    Act(Box<Heard>),
    /// Values for an option, by the tree's name, of which this is typed so far.
    Complete {
        /// The command as far as it is written.
        heard: Box<Heard>,
        /// Which option.
        option: String,
        /// What is written of it.
        part: String,
    },
    /// Answered with this sentence for the asker's eyes.
    Refused(&'static str),
    /// A shape nobody expected, by its kind.
    Unknown(String),
}

/// Reads an interaction. Whoever reads has made sure that it is Discord's.
#[must_use]
pub fn read(it: &Value, here: &Here) -> Asked {
    let kind = it["type"].as_u64().unwrap_or(0);
    if kind == 1 {
        return Asked::Ping;
    }
    if let Some(why) = foreign(it, here) {
        return Asked::Refused(why);
    }
    let data = &it["data"];
    match kind {
        2 if data["type"] == 3 => keep(it, here),
        2 | 4 => command(it, here, kind),
        3 => match data["custom_id"].as_str() {
            Some(token) => {
                let message = text(&it["message"], "id");
                Asked::Act(Box::new(heard(
                    it,
                    here,
                    Deed::Press {
                        token: token.to_owned(),
                        message,
                    },
                )))
            }
            None => Asked::Unknown("interaction:3".to_owned()),
        },
        5 => {
            let token = text(data, "custom_id");
            let values = fields(data);
            Asked::Act(Box::new(heard(it, here, Deed::Submit { token, values })))
        }
        other => Asked::Unknown(format!("interaction:{other}")),
    }
}

/// Why somebody from there may not ask: only the configured guild, and direct messages with the bot
/// that the guild brought, are home.
fn foreign(it: &Value, here: &Here) -> Option<&'static str> {
    let guild = text(it, "guild_id");
    let user = if it["member"]["user"].is_object() {
        &it["member"]["user"]
    } else {
        &it["user"]
    };
    if text(user, "id").is_empty() {
        return Some("Discord does not say who you are, so nothing was done.");
    }
    if user["bot"].as_bool().unwrap_or(false) {
        return Some("firebell takes no orders from bots.");
    }
    if !guild.is_empty() && guild != here.guild {
        return Some("This firebell belongs to another server, so nothing was done here.");
    }
    let owners = it["authorizing_integration_owners"].as_object();
    let by_user_only = owners.is_some_and(|o| !o.is_empty() && !o.contains_key("0"));
    // 2: a conversation the bot is no part of.
    if by_user_only || it["context"].as_u64() == Some(2) {
        return Some(
            "firebell works in its server only, not as somebody's own app, so nothing was done.",
        );
    }
    None
}

fn command(it: &Value, here: &Here, kind: u64) -> Asked {
    let Some((verb, options, typing)) = commands::options(tree(), &it["data"]) else {
        return Asked::Refused(
            "firebell does not know this command any more. Reload Discord to see the ones it knows.",
        );
    };
    let heard = Box::new(heard(it, here, Deed::Typed { verb, options }));
    match (kind, typing) {
        (4, Some((option, part))) => Asked::Complete {
            heard,
            option,
            part,
        },
        (4, None) => Asked::Unknown("interaction:4".to_owned()),
        _ => Asked::Act(heard),
    }
}

/// The command in a message's menu.
fn keep(it: &Value, here: &Here) -> Asked {
    let data = &it["data"];
    let target = text(data, "target_id");
    let message = &data["resolved"]["messages"][target.as_str()];
    let Some(written_at) = made_at(&target) else {
        return Asked::Unknown("interaction:2:message".to_owned());
    };
    let author = &message["author"];
    let known = User {
        id: text(author, "id"),
        name: display(&Value::Null, author),
        home: here.guild.clone(),
    };
    let words = words(message, here);
    if data["name"] == commands::DECLARE {
        let (guild, room) = (text(it, "guild_id"), text(it, "channel_id"));
        let link = format!("https://discord.com/channels/{guild}/{room}/{target}");
        let deed = Deed::Declare {
            message: target,
            text: words,
            link: if guild.is_empty() {
                String::new()
            } else {
                link
            },
        };
        return Asked::Act(Box::new(heard(it, here, deed)));
    }
    Asked::Act(Box::new(heard(
        it,
        here,
        Deed::Kept {
            message: target,
            text: words,
            ours: known.id == here.me,
            author: (!known.id.is_empty()).then_some(known),
            written_at,
            how: "added by shortcut".to_owned(),
        },
    )))
}

fn heard(it: &Value, here: &Here, deed: Deed) -> Heard {
    let member = &it["member"];
    let user = if member["user"].is_object() {
        &member["user"]
    } else {
        &it["user"]
    };
    let id = text(it, "id");
    let kind = it["type"].as_u64().unwrap_or(0);
    Heard {
        platform: here.platform.clone(),
        key: id.clone(),
        at: made_at(&id).unwrap_or(here.now),
        by: User {
            id: text(user, "id"),
            name: display(member, user),
            home: text(it, "guild_id"),
        },
        room: text(it, "channel_id"),
        deed,
        reply_to: BTreeMap::from([
            ("interaction".to_owned(), id),
            ("token".to_owned(), text(it, "token")),
            ("kind".to_owned(), kind.to_string()),
        ]),
    }
}

/// The fields of a sent form: rows of the old kind, and labels with what they hold.
fn fields(data: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for row in data["components"].as_array().into_iter().flatten() {
        let inside = row["components"].as_array().into_iter().flatten();
        for part in inside.chain(row.get("component")) {
            let name = text(part, "custom_id");
            let chosen = part["values"][0].as_str();
            let value = part["value"].as_str().or(chosen).unwrap_or_default();
            if !name.is_empty() {
                found.insert(name, value.to_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn here() -> Here {
        Here {
            platform: "discord".to_owned(),
            guild: "290926798626357999".to_owned(),
            ..Here::default()
        }
    }

    /// As Discord's documentation shows a command, with a subcommand of ours.
    fn slash() -> Value {
        json!({
            "type": 2, "token": "A_UNIQUE_TOKEN", "id": "786008729715212338", "version": 1,
            "guild_id": "290926798626357999", "channel_id": "645027906669510667", "context": 0,
            "member": {
                "user": {"id": "53908232506183680", "username": "Mason", "avatar": "a_d5ef", "discriminator": "1337", "public_flags": 131_141},
                "roles": ["539082325061836999"], "premium_since": null, "permissions": "2147483647", "pending": false,
                "nick": null, "mute": false, "joined_at": "2017-03-13T19:19:14.040000+00:00", "is_pending": false, "deaf": false,
            },
            "data": {"type": 1, "name": "firebell", "id": "771825006014889984",
                     "options": [{"type": 1, "name": "ack", "options": [{"type": 4, "name": "incident", "value": 42}]}]},
            "app_permissions": "442368", "locale": "en-US", "authorizing_integration_owners": {"0": "290926798626357999"},
        })
    }

    fn act(asked: Asked) -> Heard {
        match asked {
            Asked::Act(heard) => *heard,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_command_is_typed_and_keyed_by_its_interaction() {
        let heard = act(read(&slash(), &here()));
        assert_eq!(heard.key, "786008729715212338");
        assert_eq!(
            (heard.by.id.as_str(), heard.by.name.as_str()),
            ("53908232506183680", "Mason")
        );
        assert_eq!(heard.room, "645027906669510667");
        let options = BTreeMap::from([("incident".to_owned(), "42".to_owned())]);
        assert_eq!(
            heard.deed,
            Deed::Typed {
                verb: "ack".to_owned(),
                options
            }
        );
        assert_eq!(heard.reply_to["token"], "A_UNIQUE_TOKEN");
    }

    #[test]
    fn only_people_of_the_configured_guild_may_ask() {
        let with = |change: &dyn Fn(&mut Value)| {
            let mut it = slash();
            change(&mut it);
            matches!(read(&it, &here()), Asked::Refused(_))
        };
        assert!(with(&|it| it["guild_id"] = json!("1")));
        assert!(with(
            &|it| it["authorizing_integration_owners"] = json!({"1": "53908232506183680"})
        ));
        assert!(with(&|it| it["context"] = json!(2)));
        assert!(with(&|it| it["member"]["user"]["bot"] = json!(true)));
        assert!(with(&|it| it["member"] = json!(null)));
        assert!(!with(&|_| ()));
    }

    #[test]
    fn a_button_of_a_direct_message_is_a_press() {
        let mut it = slash();
        it["type"] = json!(3);
        it["data"] = json!({"component_type": 2, "custom_id": "tok"});
        it["message"] = json!({"id": "9"});
        it["context"] = json!(1);
        it["user"] = it["member"]["user"].clone();
        it.as_object_mut()
            .unwrap()
            .retain(|k, _| k != "member" && k != "guild_id");
        let heard = act(read(&it, &here()));
        assert_eq!(
            heard.deed,
            Deed::Press {
                token: "tok".to_owned(),
                message: "9".to_owned()
            }
        );
    }

    #[test]
    fn a_sent_form_is_read_from_rows_and_labels() {
        let mut it = slash();
        it["type"] = json!(5);
        it["data"] = json!({"custom_id": "form", "components": [
            {"type": 1, "components": [{"type": 4, "custom_id": "text", "value": "words"}]},
            {"type": 18, "component": {"type": 3, "custom_id": "arg.lines", "values": ["10"]}},
            {"type": 18, "component": {"type": 4, "custom_id": "at", "value": ""}},
        ]});
        let Deed::Submit { token, values } = act(read(&it, &here())).deed else {
            panic!()
        };
        assert_eq!(token, "form");
        assert_eq!(values["text"], "words");
        assert_eq!(values["arg.lines"], "10");
    }

    #[test]
    fn a_half_written_option_is_completed() {
        let mut it = slash();
        it["type"] = json!(4);
        it["data"]["options"][0] = json!({"type": 1, "name": "run", "options": [{"type": 3, "name": "action", "value": "res", "focused": true}]});
        let Asked::Complete { option, part, .. } = read(&it, &here()) else {
            panic!()
        };
        assert_eq!((option.as_str(), part.as_str()), ("action", "res"));
    }

    #[test]
    fn the_menu_of_a_message_keeps_it() {
        let mut it = slash();
        it["data"] = json!({"type": 3, "name": "Add to timeline", "target_id": "334385199974967042", "resolved": {"messages": {
            "334385199974967042": {"id": "334385199974967042", "content": "it is <@7>", "author": {"id": "7", "username": "bo"}, "mentions": [{"id": "7", "username": "bo"}]},
        }}});
        let Deed::Kept {
            text,
            author,
            written_at,
            how,
            ..
        } = act(read(&it, &here())).deed
        else {
            panic!()
        };
        assert_eq!(
            (text.as_str(), how.as_str()),
            ("it is @bo", "added by shortcut")
        );
        assert_eq!(author.unwrap().name, "bo");
        assert_eq!(written_at.rfc3339(), "2017-07-11T17:27:24.250Z");
    }

    #[test]
    fn rubbish_is_never_an_act() {
        for it in [
            json!(null),
            json!([]),
            json!({"type": "x"}),
            json!({"type": 99, "user": {"id": "1"}}),
            json!({"type": 3, "user": {"id": "1"}}),
        ] {
            assert!(!matches!(read(&it, &here()), Asked::Act(_)), "{it}");
        }
    }
}
