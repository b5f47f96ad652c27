//! A line somebody typed becomes an [`Invocation`], or an answer that names the argument and shows
//! an example. Pure: the same text, directory and time give the same answer.
//!
//! Promises: a word too much is refused, never ignored, because `resolve not yet` must not
//! resolve; a bare number in free text is text while a room says which incident is meant.

mod automation;
mod conduct;
mod covers;
mod declare;
mod hush;
mod insight;
mod line;
mod lookup;
mod oncall;
mod rooms;
mod shape;
mod tell;
mod tokens;
mod typed;
mod verb;
mod when;

#[cfg(test)]
mod tests;

pub use conduct::{Conducting, Holder, Owner};
pub(crate) use lookup::{nearest, policy};
pub use rooms::Rooming;
pub use typed::typed;

use super::surface::tree;
use crate::core::analytics::Asked;
use crate::core::board::Condition;
use crate::core::directory::{Directory, Target};
use crate::core::duty::Answer;
use crate::core::id::{IncidentId, RunId, Severity};
use crate::core::incident::{Ask, Declaration, UpdateWish};
use crate::core::time::Time;
use chrono::NaiveDate;
use chrono_tz::Tz;
use line::Line;
use std::collections::BTreeMap;
use std::fmt;
use tokens::Words;

/// The longest command line, in characters: what the platforms let people send.
const LINE_CHARS: usize = 4_000;

/// What a line is read against.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Names.
    pub directory: &'a Directory,
    /// The instant of reading.
    pub now: Time,
    /// Zone of the clock times the author means.
    pub zone: Tz,
    /// The incident whose room the line was written in.
    pub here: Option<IncidentId>,
}

/// Whom `page` and `oncall` are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Somebody a ladder could name.
    Target(Target),
    /// A service, by id: whoever its policy names.
    Service(String),
    /// Whoever asks: a test page through each of their contacts.
    Me,
}

/// What somebody wants of a cover; people by directory id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Covering {
    /// `cover me`: anybody, please take over for me.
    Me,
    /// `cover ana`: I take over for her.
    For(String),
    /// `swap bo`: Bo, please take over for me.
    By(String),
    /// `override`: this person is on call, instead of another or as well.
    Put {
        /// Who.
        on: String,
        /// Instead of whom.
        off: Option<String>,
    },
}

impl Covering {
    fn verb(&self) -> &'static str {
        match self {
            Covering::Me | Covering::For(_) => "cover",
            Covering::By(_) => "swap",
            Covering::Put { .. } => "override",
        }
    }
}

/// What somebody asks for. One arm per command of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the command tree documents every argument")]
pub enum Invocation {
    New(Declaration),
    /// `whom` absent: the next step of the ladder, now.
    Page {
        id: Option<IncidentId>,
        whom: Option<Whom>,
        message: String,
    },
    /// `at` absent: now.
    OnCall {
        whom: Option<Whom>,
        at: Option<Time>,
    },
    /// `person` absent: whoever asks.
    Shifts {
        person: Option<String>,
    },
    /// Somebody takes over for somebody, or is asked to. `schedule` absent: the one `off` is on call
    /// on; `wish` says what is wanted of whom.
    Cover {
        wish: Covering,
        schedule: Option<String>,
        since: Time,
        until: Time,
        note: String,
    },
    AnswerCover {
        cover: i64,
        answer: Answer,
    },
    Covers,
    /// First and last day.
    Fairness {
        schedule: Option<String>,
        from: NaiveDate,
        to: NaiveDate,
    },
    /// Whose numbers, and of when.
    /// A summary that a model proposes.
    Summary {
        id: IncidentId,
        what: Summarise,
    },
    Analytics {
        asked: Box<Asked>,
    },
    /// `service` absent: of all.
    Changes {
        service: Option<String>,
    },
    Acknowledge {
        id: IncidentId,
    },
    Resolve {
        id: IncidentId,
    },
    Snooze {
        id: IncidentId,
        until: Time,
    },
    Unacknowledge {
        id: IncidentId,
    },
    Reopen {
        id: IncidentId,
    },
    Reassign {
        id: IncidentId,
        target: Target,
    },
    /// `from` is closed, `into` goes on.
    Merge {
        from: IncidentId,
        into: IncidentId,
    },
    /// The same for several; `ids` absent: for all it makes sense for.
    Bulk {
        verb: Bulk,
        ids: Option<Vec<IncidentId>>,
        note: String,
    },
    /// Matchers as they are written, each readable.
    Silence {
        service: Option<String>,
        matchers: Vec<String>,
        until: Time,
        comment: String,
    },
    /// `from` absent: now.
    Maintenance {
        service: String,
        from: Option<Time>,
        until: Time,
        comment: String,
    },
    Silences {
        all: bool,
    },
    /// The id, or as much of it as is needed.
    Unsilence {
        id: String,
    },
    SetSeverity {
        id: IncidentId,
        to: Severity,
    },
    /// `person` absent: whoever asks.
    Lead {
        id: IncidentId,
        person: Option<String>,
    },
    Note {
        id: IncidentId,
        text: String,
        happened_at: Option<Time>,
    },
    /// Who does what, and what is to be done.
    Conduct {
        id: IncidentId,
        what: Conducting,
    },
    /// Who asks is filled in by whoever carries it out.
    Update {
        id: IncidentId,
        wish: Box<UpdateWish>,
    },
    /// The same for `status`.
    Status {
        id: IncidentId,
        wish: Box<UpdateWish>,
    },
    /// `components` absent: what was read is sent; else it is shown anew with these.
    Publish {
        id: IncidentId,
        components: Option<Vec<(String, Condition)>>,
    },
    Cadence {
        id: IncidentId,
        pace: Pace,
    },
    /// Updates told to who asks, or posted where it is asked.
    Subscribe {
        id: IncidentId,
        here: bool,
    },
    Unsubscribe {
        id: IncidentId,
        here: bool,
    },
    Promote {
        id: IncidentId,
    },
    /// Something about its rooms.
    Room {
        id: IncidentId,
        what: Rooming,
    },
    /// Seen only by those it concerns, or by everybody again.
    Private {
        id: IncidentId,
        private: bool,
        why: String,
    },
    /// By directory id.
    Invite {
        id: IncidentId,
        person: String,
    },
    Drill {
        id: IncidentId,
        drill: bool,
    },
    /// `kind` absent: of no type.
    Type {
        id: IncidentId,
        kind: Option<String>,
    },
    Relate {
        id: IncidentId,
        to: IncidentId,
        why: String,
    },
    Unrelate {
        id: IncidentId,
        to: IncidentId,
    },
    /// `parent` absent: it stands for itself.
    Parent {
        id: IncidentId,
        parent: Option<IncidentId>,
    },
    Follow {
        id: IncidentId,
    },
    Explain {
        id: IncidentId,
    },
    Run {
        id: IncidentId,
        action: String,
        args: BTreeMap<String, String>,
        /// Why, and whether the approval is to be passed over.
        ask: Ask,
    },
    /// `run` absent: the last one that can be undone.
    Undo {
        id: IncidentId,
        run: Option<RunId>,
    },
    /// `on` absent: how it stands. `action` absent: everything.
    Automation {
        on: Option<bool>,
        action: Option<String>,
        why: String,
    },
    /// `run` absent: the only one that waits.
    Approve {
        id: IncidentId,
        run: Option<RunId>,
    },
    Reject {
        id: IncidentId,
        run: Option<RunId>,
    },
    /// `run` absent: the only one that runs.
    Stop {
        id: IncidentId,
        run: Option<RunId>,
    },
    /// `run` absent: the only one whose outcome is unknown.
    Check {
        id: IncidentId,
        run: Option<RunId>,
    },
    /// `run` absent: the only one whose outcome is unknown.
    Settle {
        id: IncidentId,
        run: Option<RunId>,
        good: bool,
        note: String,
    },
    Postmortem {
        id: IncidentId,
    },
    List {
        which: Listed,
    },
    /// `code` absent: give this account one.
    Link {
        code: Option<String>,
        confirmed: bool,
    },
    /// `code` absent: send one to the contact.
    Verify {
        contact: String,
        code: Option<String>,
    },
    Help {
        verb: Option<String>,
    },
}

/// What is to become of a summary by a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Summarise {
    /// As it is: only looked at.
    Told,
    /// The model is to propose one.
    Ask,
    /// It goes into the postmortem, in these words when there are any.
    Accept(Option<String>),
    /// It does not.
    Reject,
}

/// How often an update is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As it is: only asked.
    Told,
    /// Nobody is to be reminded.
    Off,
    /// From one to the next, milliseconds.
    Every(i64),
    /// Only the next one, that many milliseconds from now.
    Later(i64),
}

/// What may be asked for several incidents in one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bulk {
    /// `ack`
    Acknowledge,
    /// `resolve`
    Resolve,
}

/// Which incidents `list` is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// Those that are open.
    Open,
    /// All of them.
    All,
    /// Those that are practised.
    Drills,
}

impl Bulk {
    /// The command of the tree.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Bulk::Acknowledge => "ack",
            Bulk::Resolve => "resolve",
        }
    }
}

/// A line that cannot be carried out, in words for its author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// What is wrong and with which argument.
    pub what: String,
    /// The argument at fault, by its name in the tree; `None`: the line as a whole.
    pub argument: Option<String>,
    /// A line that works.
    pub example: String,
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} For example: `{}`", self.what, self.example)
    }
}

impl std::error::Error for Usage {}

/// The command a line names and what its form would ask for, when the line is a verb that cannot be
/// carried out for want of words: the verb alone, or with an incident's number, or `run ACTION`.
#[must_use]
pub fn wants_form(text: &str, context: &Context<'_>) -> Option<Wanting> {
    let mut words = behind_root(text.trim());
    let leaf = tree().find(&words.next()?.text)?;
    let mut line = Line::behind(leaf, context, words);
    let incident = line.incident();
    let rest: Vec<String> = std::iter::from_fn(|| line.next_word()).collect();
    match (leaf.verb.as_str(), rest.as_slice()) {
        ("run", [action]) => Some(Wanting {
            verb: leaf.verb.clone(),
            incident: incident?,
            action: Some(action.clone()),
        }),
        (_, []) if leaf.args.iter().any(|a| a.required) => Some(Wanting {
            verb: leaf.verb.clone(),
            incident: incident.unwrap_or(IncidentId(0)),
            action: None,
        }),
        _ => None,
    }
}

/// A command that lacks words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanting {
    /// Which.
    pub verb: String,
    /// The incident it is about; 0: none known.
    pub incident: IncidentId,
    /// The action of `run`, as typed.
    pub action: Option<String>,
}

/// Reads a line, with or without `/` and a root word in front.
///
/// # Errors
/// A [`Usage`] that names the argument and shows an example.
pub fn parse(text: &str, context: &Context<'_>) -> Result<Invocation, Usage> {
    let text = text.trim();
    if text.chars().count() > LINE_CHARS {
        return Err(Usage {
            what: format!("A command is at most {LINE_CHARS} characters; shorten it."),
            argument: None,
            example: "note the rest in a second line".to_owned(),
        });
    }
    let mut words = behind_root(text);
    let Some(verb) = words.next() else {
        return Ok(Invocation::Help { verb: None });
    };
    // `run!`: at once, past the approval, by who may do that.
    let (name, glass) = match verb.text.strip_suffix('!') {
        Some(name) if tree().find(name).is_some_and(|l| l.verb == "run") => (name, true),
        _ => (verb.text.as_str(), false),
    };
    let leaf = tree().find(name).ok_or_else(|| unknown(name))?;
    let mut line = Line::behind(leaf, context, words);
    line.glass = glass;
    line.read()
}

/// The words from the verb on, without `/` and a root word in front of it.
fn behind_root(text: &str) -> Words<'_> {
    let mut words = Words::of(text.strip_prefix('/').unwrap_or(text));
    // `fb ack`, and where families are one word deeper `fb duty take`.
    for _ in 0..2 {
        if words.peek().is_some_and(|w| tree().is_root(&w.text)) {
            words.next();
        }
    }
    words
}

fn unknown(word: &str) -> Usage {
    let near = nearest(word, tree().words());
    Usage {
        what: near.map_or_else(
            || format!("I do not know `{word}`; `help` lists what I know."),
            |n| format!("I do not know `{word}`. Did you mean `{n}`?"),
        ),
        argument: None,
        example: near
            .and_then(|n| tree().find(n))
            .map_or("help".to_owned(), |leaf| leaf.example.clone()),
    }
}
