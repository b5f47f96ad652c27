//! Buttons on the wire: an opaque, signed token that says what a press does and at which state it
//! was drawn.
//!
//! A token is bound to the platform and the room it was drawn for, so it can be neither made up,
//! nor changed, nor carried to another channel. It needs no row, so drawing a card writes nothing.
//! Layout, before base64url: `seq` (4 bytes), incident (8), tag (10), word. 80 bits of tag are
//! beyond guessing for something that can only be tried against a running server.

use super::Press;
use crate::core::id::{IncidentId, RunId, Seq};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Characters of a token: Discord's limit for a `custom_id`, the tightest of the platforms.
pub const TOKEN_CHARS: usize = 100;
/// Bytes of the signature that are kept.
const TAG: usize = 10;
/// Bytes of a seal: addresses have room.
const SEAL: usize = 16;
/// Bytes in front of the word.
const HEAD: usize = 4 + 8 + TAG;

/// The secret tokens are signed with; made once per database.
#[derive(Clone)]
pub struct Key([u8; 32]);

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// About which incident; 0: none.
    pub incident: IncidentId,
    /// The state it was drawn at.
    pub seq: Seq,
    /// A press, or a form with what it already knows.
    pub word: String,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    /// A key of these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Key {
        Key(bytes)
    }

    /// Signs a token for a room of a platform. `None`: it would be too long for a button; the
    /// command that means the same is the way.
    #[must_use]
    pub fn sign(&self, platform: &str, room: &str, token: &Token) -> Option<String> {
        let mut bytes = Vec::with_capacity(HEAD + token.word.len());
        bytes.extend(token.seq.to_be_bytes());
        bytes.extend(token.incident.0.to_be_bytes());
        bytes.extend(self.tag(platform, room, token));
        bytes.extend(token.word.as_bytes());
        let signed = URL_SAFE_NO_PAD.encode(bytes);
        (signed.len() <= TOKEN_CHARS).then_some(signed)
    }

    /// Reads a token that was drawn for this room of this platform; `None`: it was not.
    #[must_use]
    pub fn read(&self, platform: &str, room: &str, signed: &str) -> Option<Token> {
        let bytes = URL_SAFE_NO_PAD.decode(signed).ok()?;
        if bytes.len() < HEAD {
            return None;
        }
        let token = Token {
            seq: Seq::from_be_bytes(bytes[..4].try_into().ok()?),
            incident: IncidentId(i64::from_be_bytes(bytes[4..12].try_into().ok()?)),
            word: String::from_utf8(bytes[HEAD..].to_vec()).ok()?,
        };
        let ours: bool = self
            .tag(platform, room, &token)
            .ct_eq(&bytes[12..HEAD])
            .into();
        ours.then_some(token)
    }

    /// A text that only firebell can have written for this purpose, as part of an address.
    #[must_use]
    pub fn seal(&self, purpose: &str, text: &str) -> String {
        let tag = URL_SAFE_NO_PAD.encode(self.seal_tag(purpose, text));
        format!("{}.{tag}", URL_SAFE_NO_PAD.encode(text))
    }

    /// The text of [`Key::seal`]; `None`: it was not sealed for this purpose with this key.
    #[must_use]
    pub fn unseal(&self, purpose: &str, sealed: &str) -> Option<String> {
        let (text, tag) = sealed.split_once('.')?;
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        let ours: bool = self.seal_tag(purpose, &text)[..].ct_eq(&tag[..]).into();
        ours.then_some(text)
    }

    fn seal_tag(&self, purpose: &str, text: &str) -> [u8; SEAL] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0)
            .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        // A first field no platform is called, so that no button reads like a seal.
        for part in ["seal ", purpose, text] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        let whole = mac.finalize().into_bytes();
        let mut tag = [0; SEAL];
        tag.copy_from_slice(&whole[..SEAL]);
        tag
    }

    fn tag(&self, platform: &str, room: &str, token: &Token) -> [u8; TAG] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0)
            .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        // Lengths in front, so that no two sets of fields read alike.
        for part in [platform, room, token.word.as_str()] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac.update(&token.seq.to_be_bytes());
        mac.update(&token.incident.0.to_be_bytes());
        let whole = mac.finalize().into_bytes();
        let mut tag = [0; TAG];
        tag.copy_from_slice(&whole[..TAG]);
        tag
    }
}

/// The word that stands for a press in a form or token.
#[must_use]
pub fn word(press: &Press) -> String {
    match press {
        Press::Acknowledge => "acknowledge".to_owned(),
        Press::Resolve => "resolve".to_owned(),
        Press::Escalate => "escalate".to_owned(),
        Press::Snooze { ms } => format!("snooze:{ms}"),
        Press::Promote => "promote".to_owned(),
        Press::Lead => "lead".to_owned(),
        Press::Follow => "follow".to_owned(),
        Press::AskRun { action } => format!("run:{action}"),
        Press::RunNow { action } => format!("now:{action}"),
        Press::Undo { run } => format!("undo:{}", run.0),
        Press::Approve { run, seen } if seen.is_empty() => format!("approve:{}", run.0),
        Press::Approve { run, seen } => format!("approve:{}:{}", run.0, cut_seen(seen)),
        Press::Reject { run } => format!("reject:{}", run.0),
        Press::Cancel { run } => format!("cancel:{}", run.0),
        Press::Settle { run, good: true } => format!("worked:{}", run.0),
        Press::Settle { run, good: false } => format!("failed:{}", run.0),
        Press::Unacknowledge => "unacknowledge".to_owned(),
        Press::Reopen => "reopen".to_owned(),
        Press::ResolveParts => "parts".to_owned(),
        Press::Postmortem => "postmortem".to_owned(),
        Press::Note => "note".to_owned(),
        Press::Tick { item } => format!("tick:{item}"),
        Press::Role { role } => format!("role:{role}"),
        Press::Ask { verb } => format!("ask:{verb}"),
        Press::RetryRooms => "rooms".to_owned(),
        Press::Update => "update".to_owned(),
    }
}

/// As much of a subject as a button has room for: 64 bits, under firebell's signature.
fn cut_seen(seen: &str) -> &str {
    seen.get(..16).unwrap_or(seen)
}

/// The press a word stands for.
#[must_use]
pub fn press(word: &str) -> Option<Press> {
    let (verb, rest) = word.split_once(':').unwrap_or((word, ""));
    let number = || rest.parse::<i64>().ok().filter(|n| *n > 0);
    Some(match verb {
        "acknowledge" => Press::Acknowledge,
        "resolve" => Press::Resolve,
        "escalate" => Press::Escalate,
        "snooze" => Press::Snooze { ms: number()? },
        "promote" => Press::Promote,
        "lead" => Press::Lead,
        "follow" => Press::Follow,
        "run" => Press::AskRun {
            action: rest.to_owned(),
        },
        "now" => Press::RunNow {
            action: rest.to_owned(),
        },
        "undo" => Press::Undo {
            run: RunId(number()?),
        },
        "approve" => {
            let (run, seen) = rest.split_once(':').unwrap_or((rest, ""));
            let hex = seen.bytes().all(|b| b.is_ascii_hexdigit());
            Press::Approve {
                run: RunId(run.parse().ok().filter(|n| *n > 0 && hex)?),
                seen: seen.to_owned(),
            }
        }
        "reject" => Press::Reject {
            run: RunId(number()?),
        },
        "cancel" => Press::Cancel {
            run: RunId(number()?),
        },
        "worked" | "failed" => Press::Settle {
            run: RunId(number()?),
            good: verb == "worked",
        },
        "unacknowledge" => Press::Unacknowledge,
        "reopen" => Press::Reopen,
        "parts" => Press::ResolveParts,
        "postmortem" => Press::Postmortem,
        "note" => Press::Note,
        "tick" => Press::Tick {
            item: u32::try_from(number()?).ok()?,
        },
        "role" if !rest.is_empty() => Press::Role {
            role: rest.to_owned(),
        },
        "ask" if !rest.is_empty() => Press::Ask {
            verb: rest.to_owned(),
        },
        "rooms" => Press::RetryRooms,
        "update" => Press::Update,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Token {
        Token {
            incident: IncidentId(42),
            seq: 7,
            word: "run:restart-checkout".to_owned(),
        }
    }

    #[test]
    fn a_token_reads_back_where_it_was_drawn_and_nowhere_else() {
        let key = Key::new([7; 32]);
        let signed = key.sign("slack", "C1", &token()).unwrap();
        assert!(signed.len() <= TOKEN_CHARS);
        assert_eq!(key.read("slack", "C1", &signed), Some(token()));
        assert_eq!(key.read("slack", "C2", &signed), None);
        assert_eq!(key.read("discord", "C1", &signed), None);
        assert_eq!(Key::new([8; 32]).read("slack", "C1", &signed), None);
    }

    #[test]
    fn a_changed_token_is_none() {
        let key = Key::new([7; 32]);
        let signed = key.sign("slack", "C1", &token()).unwrap();
        for at in 0..signed.len() {
            let mut bytes = signed.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(key.read("slack", "C1", &changed), None, "character {at}");
        }
        for nonsense in ["", "A", "acknowledge", "é", &"A".repeat(5000)] {
            assert_eq!(key.read("slack", "C1", nonsense), None);
        }
    }

    #[test]
    fn a_word_too_long_for_a_button_makes_none() {
        let long = Token {
            word: format!("run:{}", "x".repeat(60)),
            ..token()
        };
        assert_eq!(Key::new([7; 32]).sign("discord", "1", &long), None);
    }

    #[test]
    fn every_press_reads_back_from_its_word() {
        for p in [
            Press::Acknowledge,
            Press::Resolve,
            Press::Escalate,
            Press::Snooze { ms: 3_600_000 },
            Press::Promote,
            Press::Lead,
            Press::Follow,
            Press::AskRun {
                action: "restart:web".to_owned(),
            },
            Press::Approve {
                run: RunId(7),
                seen: String::new(),
            },
            Press::Approve {
                run: RunId(7),
                seen: "0123456789abcdef".to_owned(),
            },
            Press::Reject { run: RunId(8) },
            Press::Cancel { run: RunId(9) },
            Press::Settle {
                run: RunId(9),
                good: true,
            },
            Press::Settle {
                run: RunId(9),
                good: false,
            },
            Press::Postmortem,
            Press::Note,
            Press::Tick { item: 3 },
            Press::Role {
                role: "scribe".to_owned(),
            },
            Press::Ask {
                verb: "can".to_owned(),
            },
            Press::RetryRooms,
            Press::Update,
        ] {
            assert_eq!(press(&word(&p)), Some(p));
        }
        for bad in [
            "",
            "explode",
            "approve:",
            "approve:-1",
            "approve:7:what",
            "snooze:x",
            "snooze:0",
            "tick:0",
            "role:",
            "ask:",
        ] {
            assert_eq!(press(bad), None, "{bad}");
        }
    }
}
