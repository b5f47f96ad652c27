//! What each act does.

use super::ear::Inner;
use crate::chat::grammar::{self, Invocation, Usage};
use crate::chat::heard::{Deed, Heard, Home, Said, Voice};
use crate::chat::{Press, Retry, button, form, words};
use crate::core::audit::{Fact, ordered};
use crate::core::directory::Directory;
use crate::core::id::{Actor, IncidentId};
use crate::core::incident::{Command, Status};
use crate::core::sight::Sight;
use crate::core::text::cut;
use crate::core::timeline;
use crate::dispatch::{self, Reply};
use crate::engine::Failure;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Characters of a message that go on the timeline; more than any platform lets people send.
const TEXT_CHARS: usize = 40_000;
/// Incidents a home page lists.
const LISTED: usize = 10;

/// Carries an act out and answers whoever did it.
///
/// # Errors
/// `Unavailable`: it must be done again.
pub(super) async fn act(inner: &Inner, voice: &dyn Voice, heard: &Heard) -> Result<(), Failure> {
    let moved = placed(inner, voice, heard).await?;
    let heard = moved.as_ref().unwrap_or(heard);
    let errand = Errand::of(inner, voice, heard);
    match &heard.deed {
        Deed::Line { text } => errand.line(text).await,
        Deed::Typed { verb, options } => errand.typed(verb, options).await,
        Deed::Press { token, .. } => errand.press(token).await,
        Deed::Submit { token, values } => errand.submit(token, values).await,
        Deed::Said { answers, .. } => super::talk::said(&errand, answers).await,
        Deed::Edited { .. } | Deed::Deleted { .. } | Deed::Joined | Deed::Left => {
            errand.room().await
        }
        Deed::Kept {
            message,
            text,
            author,
            written_at,
            how,
            ours,
        } => {
            let found = super::talk::Found {
                message,
                text,
                author: author.as_ref(),
                written_at: *written_at,
                ours: *ours,
            };
            super::talk::keep(&errand, &found, how).await
        }
        Deed::Unkept { message, how } => super::talk::unkeep(&errand, message, how).await,
        // Its form is what is usually sent; this is for a place that opens none.
        Deed::Declare { text, link, .. } => {
            let title = form::declared_from(text, link);
            let options = BTreeMap::from([("title".to_owned(), title)]);
            errand.typed("new", &options).await
        }
        Deed::Home => errand.home().await,
    }
}

/// What is done to a message of a thread that is a room is done in that room, which a platform may not
/// tell of; `None`: it was done where it was heard.
async fn placed(inner: &Inner, voice: &dyn Voice, heard: &Heard) -> Result<Option<Heard>, Failure> {
    let (Deed::Kept { message, .. } | Deed::Unkept { message, .. }) = &heard.deed else {
        return Ok(None);
    };
    if inner.here(heard).await.is_some() {
        return Ok(None);
    }
    match voice.thread_of(&heard.room, message).await {
        Ok(Some(room)) => Ok(Some(Heard {
            room,
            ..heard.clone()
        })),
        Ok(None) => Ok(None),
        Err(fault) if fault.retry == Retry::Never || fault.retry == Retry::Gone => Ok(None),
        // The mark would be lost: it is done again at the next start.
        Err(fault) => Err(Failure::Unavailable(fault.why)),
    }
}

/// An act under way.
pub(super) struct Errand<'a> {
    pub(super) inner: &'a Inner,
    pub(super) voice: &'a dyn Voice,
    pub(super) heard: &'a Heard,
    pub(super) cause: String,
}

impl<'a> Errand<'a> {
    /// The errand of an act.
    pub(super) fn of(inner: &'a Inner, voice: &'a dyn Voice, heard: &'a Heard) -> Errand<'a> {
        Errand {
            inner,
            voice,
            heard,
            cause: format!("{}:{}", heard.platform, heard.key),
        }
    }
}

impl Errand<'_> {
    async fn line(&self, text: &str) -> Result<(), Failure> {
        let (directory, here) = self.scene().await;
        let context = self.inner.context(self.heard, &directory, here);
        self.read(grammar::parse(text, &context)).await
    }

    async fn typed(&self, verb: &str, options: &BTreeMap<String, String>) -> Result<(), Failure> {
        let (directory, here) = self.scene().await;
        let context = self.inner.context(self.heard, &directory, here);
        self.read(grammar::typed(verb, options, &context)).await
    }

    async fn scene(&self) -> (Arc<Directory>, Option<IncidentId>) {
        let here = self.inner.here(self.heard).await;
        (self.inner.engine.directory(), here)
    }

    async fn read(&self, read: Result<Invocation, Usage>) -> Result<(), Failure> {
        match read {
            Ok(invocation) => self.invoke(invocation).await,
            Err(usage) => self.no(&usage.to_string()).await,
        }
    }

    async fn invoke(&self, invocation: Invocation) -> Result<(), Failure> {
        let strict = matches!(
            invocation.verb(),
            "run"
                | "approve"
                | "reject"
                | "rollback"
                | "check"
                | "automation"
                | "stop"
                | "redact"
                | "settle"
                | "link"
                | "verify"
        );
        let who = match self.inner.people.who(self.voice, self.heard, strict).await {
            Ok(who) => who,
            Err(why) => return self.turned_away(strict, invocation.verb(), &why).await,
        };
        let engine = &self.inner.engine;
        let here = self.inner.here(self.heard).await;
        let at = dispatch::At {
            platform: &self.heard.platform,
            here,
            room: &self.heard.room,
        };
        let reply = dispatch::invoke_here(engine, who, at, invocation, &self.cause).await;
        self.reply(reply).await
    }

    async fn press(&self, token: &str) -> Result<(), Failure> {
        let key = self.inner.engine.button_key();
        let read = key.read(&self.heard.platform, &self.heard.room, token);
        let Some((token, press)) = read.and_then(|t| Some((t.clone(), button::press(&t.word)?)))
        else {
            return self
                .no("This button was not drawn for this place by this firebell, so nothing was done. Use the newest card.")
                .await;
        };
        let strict = matches!(
            press,
            Press::AskRun { .. }
                | Press::RunNow { .. }
                | Press::DryRun { .. }
                | Press::Check { .. }
                | Press::Undo { .. }
                | Press::Approve { .. }
                | Press::Reject { .. }
                | Press::Cancel { .. }
                | Press::Settle { .. }
        );
        let who = match self.inner.people.who(self.voice, self.heard, strict).await {
            Ok(who) => who,
            Err(why) => return self.turned_away(strict, &button::word(&press), &why).await,
        };
        let engine = &self.inner.engine;
        let here = self.inner.here(self.heard).await;
        let at = (self.heard.platform.as_str(), here);
        let button = (&press, token.seq);
        let reply =
            dispatch::press_here(engine, who, at, token.incident, button, &self.cause).await;
        self.reply(reply).await
    }

    async fn submit(&self, token: &str, values: &BTreeMap<String, String>) -> Result<(), Failure> {
        let key = self.inner.engine.button_key();
        let user = &self.heard.by.id;
        match form::read_token(&key, &self.heard.platform, user, token) {
            Some((verb, known)) => self.typed(&verb, &form::options(known, values)).await,
            None => {
                self.no("This form was not opened for you by this firebell, so nothing was done. Open it again.")
                    .await
            }
        }
    }

    /// Something that belongs to the incident whose room it happened in, if it is one.
    async fn room(&self) -> Result<(), Failure> {
        let Some(id) = self.inner.here(self.heard).await else {
            return Ok(());
        };
        let Some(command) = self.told() else {
            return Ok(());
        };
        let done = self.inner.engine.submit(&self.cause, id, command).await;
        done.map(drop)
    }

    /// What the incident is told of an act in its room.
    fn told(&self) -> Option<Command> {
        let (by, platform) = (
            self.inner.people.author(self.heard),
            self.heard.platform.clone(),
        );
        Some(match &self.heard.deed {
            Deed::Edited { message, text } => Command::Reword {
                by,
                text: cut_lines(text),
                platform,
                message: message.clone(),
            },
            Deed::Deleted { message } => Command::Unsay {
                by,
                platform,
                message: message.clone(),
            },
            Deed::Joined => Command::Join { by, platform },
            Deed::Left => Command::Leave { by, platform },
            _ => return None,
        })
    }

    async fn reply(&self, reply: Reply) -> Result<(), Failure> {
        let url = reply.incident.map(|id| self.link(id));
        let document = reply.document.map(|text| {
            let name = reply.incident.map_or_else(
                || "postmortem.md".to_owned(),
                |i| format!("postmortem-{}.md", i.0),
            );
            (name, text)
        });
        let said = Said {
            text: reply.text,
            aloud: reply.room,
            ok: reply.ok,
            incident: reply.incident,
            url,
            document,
            ..Said::default()
        };
        self.answer(&said).await
    }

    /// Somebody the platform does not call a full member; what they wanted of actions is in the audit.
    async fn turned_away(&self, strict: bool, what: &str, why: &str) -> Result<(), Failure> {
        if strict {
            let by = self.inner.people.author(self.heard);
            let fact = Fact {
                kind: "refused".to_owned(),
                text: format!("{} wanted to `{what}` and may not: {why}", by.name()),
                by,
                incident: None,
                run: None,
                action: String::new(),
                detail: ordered(serde_json::json!({
                    "tried": what, "why": why, "platform": self.heard.platform,
                    "account": self.heard.by.id,
                })),
            };
            self.inner.engine.audit(fact).await?;
        }
        self.no(why).await
    }

    pub(super) async fn no(&self, why: &str) -> Result<(), Failure> {
        let said = Said {
            text: why.to_owned(),
            ..Said::default()
        };
        self.answer(&said).await
    }

    /// What was done is done: an answer that does not get through is only logged.
    async fn answer(&self, said: &Said) -> Result<(), Failure> {
        if let Err(fault) = self.voice.answer(self.heard, said).await {
            tracing::warn!(platform = self.heard.platform, %fault, "somebody could not be answered");
        }
        Ok(())
    }

    fn link(&self, id: IncidentId) -> String {
        format!("{}/incidents/{}", self.inner.engine.public_url(), id.0)
    }

    async fn home(&self) -> Result<(), Failure> {
        let home = match self.inner.people.who(self.voice, self.heard, false).await {
            Ok(who) => self.home_of(&who),
            Err(why) => Home {
                head: why,
                url: self.inner.engine.public_url().to_owned(),
                ..Home::default()
            },
        };
        if let Err(fault) = self.voice.home(&self.heard.by.id, &home).await {
            tracing::warn!(platform = self.heard.platform, %fault, "a home page could not be shown");
        }
        Ok(())
    }

    fn home_of(&self, who: &Actor) -> Home {
        let engine = &self.inner.engine;
        let directory = engine.directory();
        let now = self.inner.now();
        let head = match who.person() {
            Some(_) => format!("You are {} here.", who.name()),
            None => "firebell does not know which person of the directory you are. You may declare, page and acknowledge; `link` shows how to change that.".to_owned(),
        };
        let mut open = engine.open_incidents();
        let sight = Sight::of(who, &directory);
        open.retain(|i| sight.sees(i));
        open.sort_by_key(|i| (i.severity, std::cmp::Reverse(i.id)));
        let line = |i: &crate::core::incident::Incident| {
            format!(
                "{} {} {}: {}",
                i.id,
                directory.severity_name(i.severity),
                i.status.word(),
                i.headline()
            )
        };
        let mine: Vec<String> = open
            .iter()
            .filter(|i| {
                let has = i.acked_by.as_ref().is_some_and(|by| by.same(who));
                let leads = i.lead.as_ref().is_some_and(|by| by.same(who));
                let paged = who.person().is_some_and(|p| i.paged.contains_key(p));
                has || leads || paged && i.status == Status::Triggered
            })
            .map(|i| line(i))
            .collect();
        let zone = Some(self.inner.zone(self.heard));
        let tasks: Vec<String> = open
            .iter()
            .flat_map(|i| {
                let theirs = i.conduct.open_tasks();
                let theirs = theirs.filter(|t| t.owner.as_ref().is_some_and(|o| o.same(who)));
                theirs.map(|t| format!("{} {}", i.id, words::task_line(t, zone)))
            })
            .collect();
        let all: Vec<String> = open.iter().map(|i| line(i)).collect();
        let shifts = directory
            .schedules
            .values()
            .filter_map(|s| {
                let person = who.person().filter(|p| s.names(p))?;
                Some(s.next_of(person, now).map_or_else(
                    || format!("{}: no turn soon", s.name),
                    |t| format!("{}: until {}", s.name, s.local(t.until)),
                ))
            })
            .collect();
        let on_call = words::on_call(&directory, None, now);
        Home {
            head,
            sections: vec![
                ("My shifts".to_owned(), few(shifts)),
                ("My incidents".to_owned(), few(mine)),
                ("My tasks".to_owned(), few(tasks)),
                ("Open incidents".to_owned(), few(all)),
                (
                    "On call now".to_owned(),
                    few(on_call.lines().map(str::to_owned).collect()),
                ),
                (
                    "As of".to_owned(),
                    vec![timeline::format(
                        now,
                        Some(self.inner.zone(self.heard)),
                        "%a %-d %b %H:%M %Z",
                    )],
                ),
            ],
            url: engine.public_url().to_owned(),
        }
    }
}

/// The first lines, and how many more there are.
fn few(mut lines: Vec<String>) -> Vec<String> {
    if lines.is_empty() {
        return vec!["None.".to_owned()];
    }
    let more = lines.len().saturating_sub(LISTED);
    lines.truncate(LISTED);
    if more > 0 {
        lines.push(format!("and {more} more, on the console"));
    }
    lines
}

/// Line breaks stay: `cut` is for one line.
pub(super) fn cut_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|l| cut(l, TEXT_CHARS)).collect();
    let text = lines.join("\n");
    text.chars().take(TEXT_CHARS).collect()
}
