//! `update`, `status`, `publish`, `cadence`, `subscribe`: what is told to others.

use super::line::Line;
use super::{Invocation, Pace, Usage, lookup};
use crate::core::board::Condition;
use crate::core::id::Actor;
use crate::core::incident::{Audience, UpdateWish};
use crate::core::time::parse_duration_ms;

impl Line<'_> {
    /// Whichever of them it is.
    pub(super) fn telling(self) -> Result<Invocation, Usage> {
        match self.leaf.verb.as_str() {
            "update" => self.update(),
            "status" => self.status(),
            "publish" => self.publish(),
            "cadence" => self.cadence(),
            _ => self.subscription(),
        }
    }

    /// `update status=monitoring audience=public title="Slow" next=30m words`: what has a name stands in
    /// front of the words; the first word without one begins them.
    fn update(mut self) -> Result<Invocation, Usage> {
        let id = self.about()?;
        // Whoever carries it out knows who asks.
        let mut wish = UpdateWish::internal(Actor::Firebell, "");
        while let Some((name, value)) = self.named(&["status", "audience", "title", "next"]) {
            match name.as_str() {
                "status" => wish.status = Some(self.stage(&value)?),
                "audience" => {
                    wish.audience = Audience::parse(&value).ok_or_else(|| {
                        let what =
                            format!("`audience`: `{value}` is neither `internal` nor `public`.");
                        self.wrong("audience", what)
                    })?;
                }
                "title" => wish.title = Some(value),
                _ => wish.next_ms = Some(self.length("next", &value)?),
            }
        }
        wish.text = self.words.rest();
        if wish.text.trim().is_empty() && wish.status.is_none() {
            let what = "`text` is missing: say how it stands, for somebody who is not in the room.";
            return Err(self.wrong("text", what));
        }
        let wish = Box::new(wish);
        Ok(Invocation::Update { id, wish })
    }

    /// `status monitoring we rolled back`.
    fn status(mut self) -> Result<Invocation, Usage> {
        let Some(word) = self.words.next() else {
            let what = format!("`status` is missing. {}", self.scale(""));
            return Err(self.wrong("status", what));
        };
        let status = self.stage(&word.text)?;
        let id = self.about()?;
        let text = self.words.rest();
        let wish = UpdateWish {
            status: Some(status),
            ..UpdateWish::internal(Actor::Firebell, &text)
        };
        let wish = Box::new(wish);
        Ok(Invocation::Status { id, wish })
    }

    /// `publish`, `publish components=shop:partial,api:major`.
    fn publish(mut self) -> Result<Invocation, Usage> {
        let id = self.about()?;
        let mut components = None;
        while let Some((_, value)) = self.named(&["components"]) {
            components = Some(self.components(&value)?);
        }
        self.done(Invocation::Publish { id, components })
    }

    /// `cadence`, `cadence 30m`, `cadence off`, `cadence later 1h`.
    fn cadence(mut self) -> Result<Invocation, Usage> {
        // A form gives both words as one.
        let said = self.words.rest().to_lowercase();
        while self.words.next().is_some() {}
        let said: Vec<&str> = said.split_whitespace().collect();
        let pace = match said.as_slice() {
            [] => Pace::Told,
            ["off" | "never" | "stop"] => Pace::Off,
            ["later" | "snooze" | "in", length] => Pace::Later(self.length("pace", length)?),
            ["later" | "snooze" | "in"] => {
                return Err(self.wrong("pace", "`pace`: say for how long: `cadence later 1h`."));
            }
            [length] => Pace::Every(self.length("pace", length)?),
            _ => {
                let what = "`pace` is a length such as 30m, `off`, or `later 1h`.";
                return Err(self.wrong("pace", what));
            }
        };
        let id = self.about()?;
        self.done(Invocation::Cadence { id, pace })
    }

    /// `subscribe`, `subscribe me`, `unsubscribe here`.
    fn subscription(mut self) -> Result<Invocation, Usage> {
        let word = self.words.next().map(|w| w.text.to_lowercase());
        let here = match word.as_deref() {
            None | Some("me") => false,
            Some("here" | "channel") => true,
            Some(other) => {
                let what = format!(
                    "`where`: `{other}` is neither `me` (by direct message) nor `here` (in this channel)."
                );
                return Err(self.wrong("where", what));
            }
        };
        let id = self.about()?;
        let wanted = self.leaf.verb == "subscribe";
        self.done(if wanted {
            Invocation::Subscribe { id, here }
        } else {
            Invocation::Unsubscribe { id, here }
        })
    }

    /// The next word, when it is one of these with a value.
    fn named(&mut self, names: &[&str]) -> Option<(String, String)> {
        let word = self.words.peek().filter(|w| !w.quoted)?;
        let (name, value) = word.text.split_once('=')?;
        let name = name.trim_start_matches('-').to_lowercase();
        let found = names.contains(&name.as_str());
        let found = found.then(|| (name, value.to_owned()))?;
        self.words.next();
        Some(found)
    }

    fn stage(&self, word: &str) -> Result<String, Usage> {
        let found = self.context.directory.status(word);
        found.map(|s| s.id.clone()).ok_or_else(|| {
            let what = format!(
                "`status`: `{word}` is none of the scale. {}",
                self.scale(word)
            );
            self.wrong("status", what)
        })
    }

    fn scale(&self, word: &str) -> String {
        let scale = self.context.directory.statuses.iter();
        lookup::hint(word, scale.map(|s| s.id.as_str()).collect::<Vec<_>>())
    }

    fn length(&self, argument: &str, word: &str) -> Result<i64, Usage> {
        parse_duration_ms(word).map_err(|why| self.wrong(argument, format!("`{argument}`: {why}.")))
    }

    fn components(&self, value: &str) -> Result<Vec<(String, Condition)>, Usage> {
        let one = |pair: &str| {
            let (id, condition) = pair.split_once(':')?;
            Some((id.trim().to_owned(), Condition::parse(condition.trim())?))
        };
        let pairs = value.split(',').filter(|p| !p.trim().is_empty());
        pairs
            .map(|pair| {
                one(pair).ok_or_else(|| {
                    let words = Condition::ALL.map(Condition::word).join(", ");
                    let what =
                        format!("`components`: `{pair}` is not NAME:HOW, with HOW one of {words}.");
                    self.wrong("components", what)
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Context, Invocation, Pace, parse, typed};
    use crate::chat::fixture::{at, directory};
    use crate::core::board::Condition;
    use crate::core::id::IncidentId;
    use crate::core::incident::{Audience, UpdateWish};
    use chrono_tz::Tz;
    use std::collections::BTreeMap;

    fn reading<T>(read: impl FnOnce(&Context<'_>) -> T) -> T {
        let directory = directory();
        read(&Context {
            directory: &directory,
            now: at("2026-11-22T14:30:00Z"),
            zone: Tz::UTC,
            here: Some(IncidentId(7)),
        })
    }

    fn read(text: &str) -> Result<Invocation, String> {
        reading(|context| parse(text, context).map_err(|usage| usage.what))
    }

    fn wish(read: Result<Invocation, String>) -> (i64, UpdateWish) {
        match read.unwrap() {
            Invocation::Update { id, wish } | Invocation::Status { id, wish } => (id.0, *wish),
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn what_has_a_name_stands_in_front_and_the_rest_is_the_text() {
        let (id, said) = wish(read(
            "update #42 status=monitoring audience=public title=\"Checkout is slow\" next=30m rolled back, x=1 now",
        ));
        assert_eq!(id, 42);
        assert_eq!(said.status.as_deref(), Some("monitoring"));
        assert_eq!(said.audience, Audience::Public);
        assert_eq!(said.title.as_deref(), Some("Checkout is slow"));
        assert_eq!(said.next_ms, Some(1_800_000));
        assert_eq!(said.text, "rolled back, x=1 now");
        let (id, said) = wish(read("post 3 of 5 nodes are back status=resolved"));
        assert_eq!((id, said.status), (7, None), "a number in a room is a word");
        assert_eq!(said.text, "3 of 5 nodes are back status=resolved");
    }

    #[test]
    fn a_status_is_said_alone_or_with_words() {
        let (_, said) = wish(read("status Monitoring"));
        assert_eq!(
            (said.status.as_deref(), said.text.as_str()),
            (Some("monitoring"), "")
        );
        let (_, said) = wish(read("status monitoring we rolled back"));
        assert_eq!(said.text, "we rolled back");
        assert!(
            read("status watching")
                .unwrap_err()
                .contains("`watching` is none of")
        );
        assert!(read("update status=monitoring").is_ok());
        assert!(
            read("update audience=everybody hello")
                .unwrap_err()
                .contains("neither")
        );
        assert!(read("update").unwrap_err().contains("`text` is missing"));
        assert!(
            read("update next=soon hello")
                .unwrap_err()
                .contains("`next`")
        );
    }

    #[test]
    fn options_of_a_platform_mean_the_same() {
        let options = BTreeMap::from(
            [
                ("incident", "42"),
                ("title", "Checkout is slow"),
                ("audience", "public"),
                ("text", "We look into it. status=resolved"),
            ]
            .map(|(k, v)| (k.to_owned(), v.to_owned())),
        );
        let read = reading(|c| typed("update", &options, c).map_err(|usage| usage.what));
        let (id, said) = wish(read);
        assert_eq!((id, said.status), (42, None));
        assert_eq!(said.title.as_deref(), Some("Checkout is slow"));
        assert_eq!(said.text, "We look into it. status=resolved");
    }

    #[test]
    fn a_cadence_is_a_length_off_or_later() {
        let id = IncidentId(7);
        for (text, pace) in [
            ("cadence", Pace::Told),
            ("cadence off", Pace::Off),
            ("cadence 45m", Pace::Every(2_700_000)),
            ("cadence later 1h", Pace::Later(3_600_000)),
        ] {
            assert_eq!(read(text), Ok(Invocation::Cadence { id, pace }), "{text}");
        }
        assert!(read("cadence sometimes").unwrap_err().contains("`pace`"));
        assert!(read("cadence later").unwrap_err().contains("for how long"));
    }

    #[test]
    fn updates_are_told_to_who_asks_or_where_it_is_asked() {
        let (seven, other) = (IncidentId(7), IncidentId(42));
        for (text, wanted) in [
            (
                "subscribe",
                Invocation::Subscribe {
                    id: seven,
                    here: false,
                },
            ),
            (
                "subscribe #42 here",
                Invocation::Subscribe {
                    id: other,
                    here: true,
                },
            ),
            (
                "tell-me me",
                Invocation::Subscribe {
                    id: seven,
                    here: false,
                },
            ),
            (
                "unsubscribe #42",
                Invocation::Unsubscribe {
                    id: other,
                    here: false,
                },
            ),
            (
                "unsubscribe here",
                Invocation::Unsubscribe {
                    id: seven,
                    here: true,
                },
            ),
        ] {
            assert_eq!(read(text), Ok(wanted), "{text}");
        }
        let wrong = read("subscribe everybody").unwrap_err();
        assert!(wrong.contains("neither `me`"), "{wrong}");
        assert!(
            read("subscribe me here").is_err(),
            "a word too much is refused"
        );
    }

    #[test]
    fn components_are_named_with_how_they_are() {
        let id = IncidentId(7);
        let components = Some(vec![
            ("shop".to_owned(), Condition::PartialOutage),
            ("api".to_owned(), Condition::MajorOutage),
        ]);
        assert_eq!(
            read("publish components=shop:partial,api:major_outage"),
            Ok(Invocation::Publish { id, components })
        );
        assert_eq!(
            read("publish"),
            Ok(Invocation::Publish {
                id,
                components: None
            })
        );
        assert!(
            read("publish components=shop:broken")
                .unwrap_err()
                .contains("NAME:HOW")
        );
        assert!(read("publish it").is_err(), "a word too much is refused");
    }
}
