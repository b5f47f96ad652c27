//! What is said in a room: messages with what they answer and what came with them, and messages that are
//! put on the timeline.
//!
//! A message may be marked where it was written or where firebell repeated it: both mean the message
//! as it was written, so it stands on the timeline once, with its own author and time.

use super::act::{Errand, cut_lines};
use crate::chat::Retry;
use crate::chat::heard::{Deed, HeardFile, User};
use crate::core::id::{IncidentId, Seq};
use crate::core::incident::{Answered, Command, Event, KeptMessage, Record, Talk};
use crate::core::time::Time;
use crate::engine::{Failure, Incoming};
use std::time::Duration;

/// How often a file is fetched before it is given up, and the wait before the second time.
const FETCHES: u32 = 4;
const FETCH_AGAIN: Duration = Duration::from_millis(500);

/// A message that is to be put on the timeline, as far as its platform tells.
pub(super) struct Found<'a> {
    pub(super) message: &'a str,
    pub(super) text: &'a str,
    pub(super) author: Option<&'a User>,
    pub(super) written_at: Time,
    pub(super) ours: bool,
}

/// A message in a room. What came with it is fetched beside it ([`files`]).
pub(super) async fn said(errand: &Errand<'_>, answers: &str) -> Result<(), Failure> {
    let Deed::Said { message, text, .. } = &errand.heard.deed else {
        return Ok(());
    };
    let Some(id) = errand.inner.here(errand.heard).await else {
        return Ok(());
    };
    let (engine, heard) = (&errand.inner.engine, errand.heard);
    let to = match answers {
        "" => None,
        answers => Some(Box::new(answered(errand, id, answers).await?)),
    };
    let speak = Command::Speak {
        by: errand.inner.people.author(heard),
        text: cut_lines(text),
        platform: heard.platform.clone(),
        message: message.clone(),
        answers: to,
    };
    engine.submit(&errand.cause, id, speak).await.map(drop)
}

/// What came with a message. Each file is an act of its own with its own cause, so that a crash in
/// between keeps the rest.
pub(super) async fn files(errand: &Errand<'_>) -> Result<(), Failure> {
    let Deed::Said { message, files, .. } = &errand.heard.deed else {
        return Ok(());
    };
    let Some(id) = errand.inner.here(errand.heard).await else {
        return Ok(());
    };
    let (engine, heard) = (&errand.inner.engine, errand.heard);
    for (n, file) in files.iter().enumerate() {
        let cause = format!("{}:file:{n}", errand.cause);
        if engine.store().answered(&cause).await?.is_some() {
            continue;
        }
        let mut incoming = Incoming {
            by: errand.inner.people.author(heard),
            platform: heard.platform.clone(),
            message: message.clone(),
            name: file.name.clone(),
            content: fetched(errand, id, file).await?,
        };
        // With a message that was removed for good goes what came with it, its name too.
        let journal = engine.store().journal(id).await?;
        let gone = |r: &Record| {
            matches!(&r.event, Event::Removed { platform, message: m, .. }
                if *platform == heard.platform && m == message)
        };
        if journal.iter().any(gone) {
            "a file".clone_into(&mut incoming.name);
            incoming.content = Err("its message was removed for good meanwhile".to_owned());
        }
        engine.attach(&cause, id, incoming).await?;
    }
    Ok(())
}

/// The content of a file, or why it is not kept.
async fn fetched(
    errand: &Errand<'_>,
    id: IncidentId,
    file: &HeardFile,
) -> Result<Result<bytes::Bytes, String>, Failure> {
    let engine = &errand.inner.engine;
    let rules = engine.directory().rooms.clone();
    let left = engine.room_for_file(id).await?;
    // What is too large is not fetched at all.
    if let Some(why) = crate::engine::not_kept(file.bytes, &rules, left) {
        return Ok(Err(why));
    }
    if left == 0 {
        return Ok(Err(
            "the files of this incident are as much as may be kept ([rooms] incident-bytes)"
                .to_owned(),
        ));
    }
    let (mut wait, mut why) = (FETCH_AGAIN, String::new());
    for n in 0..FETCHES {
        if n > 0 {
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        match errand.voice.fetch(file, rules.file_bytes.min(left)).await {
            Ok(content) => return Ok(Ok(content)),
            Err(fault) if fault.retry == Retry::Never => return Ok(Err(fault.why)),
            Err(fault) => why = fault.why,
        }
    }
    Ok(Err(why))
}

/// The message another one answers: where it was written, and by whom, as far as firebell was told.
async fn answered(errand: &Errand<'_>, id: IncidentId, message: &str) -> Result<Answered, Failure> {
    let found = original(errand, id, message).await?;
    Ok(match found {
        Some(Original { seq, name, .. }) => Answered {
            message: message.to_owned(),
            seq: Some(seq),
            name,
        },
        None => Answered {
            message: message.to_owned(),
            ..Answered::default()
        },
    })
}

/// A message as it was written.
struct Original {
    seq: Seq,
    platform: String,
    message: String,
    name: String,
    text: String,
    at: Time,
}

/// The message somebody means who points at one of this platform: that one, or the one it repeats.
async fn original(
    errand: &Errand<'_>,
    id: IncidentId,
    message: &str,
) -> Result<Option<Original>, Failure> {
    let store = errand.inner.engine.store();
    let (platform, room) = (&errand.heard.platform, &errand.heard.room);
    let journal = store.journal(id).await?;
    let written = journal.iter().find_map(|r| match &r.event {
        Event::Spoke {
            platform: p,
            message: m,
            ..
        } if p == platform && m == message => Some(r.seq),
        _ => None,
    });
    let seq = match written {
        Some(seq) => Some(seq),
        None => {
            let remote = format!("{room} {message}");
            store.said_as(id, platform, &remote).await?
        }
    };
    Ok(seq.and_then(|seq| spoken(&journal, seq)))
}

/// What an event told of a message, in its newest words.
fn spoken(journal: &[Record], seq: Seq) -> Option<Original> {
    let record = journal.iter().find(|r| r.seq == seq)?;
    let Event::Spoke {
        by,
        text,
        platform,
        message,
        ..
    } = &record.event
    else {
        return None;
    };
    let newest = journal.iter().rev().find_map(|r| match &r.event {
        Event::Reworded {
            platform: p,
            message: m,
            text,
            ..
        } if p == platform && m == message => Some(text),
        _ => None,
    });
    Some(Original {
        seq,
        platform: platform.clone(),
        message: message.clone(),
        name: by.name().to_owned(),
        text: newest.unwrap_or(text).clone(),
        at: record.at,
    })
}

/// A message goes on the timeline at the time it was written, however often it is marked.
pub(super) async fn keep(errand: &Errand<'_>, found: &Found<'_>, how: &str) -> Result<(), Failure> {
    let heard = errand.heard;
    let Some(id) = errand.inner.here(heard).await else {
        return errand
            .no("This is not the room of an incident; `note #42 …` puts words on any timeline.")
            .await;
    };
    let by = match errand.inner.people.who(errand.voice, heard, false).await {
        Ok(by) => by,
        Err(why) => return errand.no(&why).await,
    };
    let kept = match original(errand, id, found.message).await? {
        Some(known) => KeptMessage {
            by,
            // The platform's clock is nearer to the act than firebell's.
            written_at: if known.message == found.message {
                found.written_at
            } else {
                known.at
            },
            platform: known.platform,
            message: known.message,
            text: cut_lines(&known.text),
            author: known.name,
            how: how.to_owned(),
        },
        // A card, a line of an event: the timeline has it.
        None if found.ours => return Ok(()),
        None => {
            let (text, author) = asked(errand, found).await;
            KeptMessage {
                by,
                platform: heard.platform.clone(),
                message: found.message.to_owned(),
                text: cut_lines(&text),
                author,
                written_at: found.written_at,
                how: how.to_owned(),
            }
        }
    };
    let keep = Command::Talk(Box::new(Talk::Keep(Box::new(kept))));
    match errand.inner.engine.submit(&errand.cause, id, keep).await {
        Err(Failure::Refused(refusal)) => errand.no(&refusal.to_string()).await,
        done => done.map(drop),
    }
}

/// The words and the author of a message firebell was not told of.
async fn asked(errand: &Errand<'_>, found: &Found<'_>) -> (String, String) {
    let mut words = found.text.to_owned();
    let mut name = found.author.map(|a| a.name.clone()).unwrap_or_default();
    if words.is_empty() || name.is_empty() {
        let room = &errand.heard.room;
        if let Ok(Some((user, told))) = errand.voice.message(room, found.message).await {
            name = user.name;
            words = told;
        }
    }
    (words, name)
}

/// Whoever put a message on the timeline takes that back.
pub(super) async fn unkeep(errand: &Errand<'_>, message: &str, how: &str) -> Result<(), Failure> {
    let heard = errand.heard;
    let Some(id) = errand.inner.here(heard).await else {
        return Ok(());
    };
    let by = match errand.inner.people.who(errand.voice, heard, false).await {
        Ok(by) => by,
        Err(why) => return errand.no(&why).await,
    };
    let (platform, message) = match original(errand, id, message).await? {
        Some(known) => (known.platform, known.message),
        None => (heard.platform.clone(), message.to_owned()),
    };
    let unkeep = Talk::Unkeep {
        by,
        platform,
        message,
        how: how.to_owned(),
    };
    let command = Command::Talk(Box::new(unkeep));
    // A mark that was not there, or somebody else's, is nobody's trouble.
    match errand.inner.engine.submit(&errand.cause, id, command).await {
        Err(Failure::Refused(_)) => Ok(()),
        done => done.map(drop),
    }
}
