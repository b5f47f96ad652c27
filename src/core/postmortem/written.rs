//! What people add to a postmortem: their words in the sections, its way from draft to closed, and
//! what is to be done about it. Pure: the state and an act in, the next state and a sentence out.
//!
//! Promises: nobody's words are ever lost. A section keeps what firebell had generated when it was
//! edited, so that a later draft is merged into it line by line; where both changed the same lines,
//! both are shown. An edit of a text somebody else has changed meanwhile is not obeyed but shown.

use crate::core::id::Actor;
use crate::core::time::Time;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Characters of one section; a chapter, not a book.
pub const SECTION_CHARS: usize = 20_000;
/// Characters of an action item.
const ITEM_CHARS: usize = 500;
/// Action items of one postmortem.
const ITEMS: usize = 100;

/// Where a postmortem stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Being written.
    #[default]
    Draft,
    /// Others read it.
    InReview,
    /// Agreed on.
    Reviewed,
    /// Nothing is expected of anybody any more.
    Closed,
}

impl Stage {
    /// From the first to the last.
    pub const ALL: [Stage; 4] = [
        Stage::Draft,
        Stage::InReview,
        Stage::Reviewed,
        Stage::Closed,
    ];

    /// One word for forms, tables and the JSON document.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Stage::Draft => "draft",
            Stage::InReview => "in_review",
            Stage::Reviewed => "reviewed",
            Stage::Closed => "closed",
        }
    }

    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Stage::Draft => "Draft",
            Stage::InReview => "In review",
            Stage::Reviewed => "Reviewed",
            Stage::Closed => "Closed",
        }
    }

    /// Reads [`Stage::word`].
    #[must_use]
    pub fn parse(word: &str) -> Option<Stage> {
        Stage::ALL.into_iter().find(|s| s.word() == word)
    }

    /// Where it may go from here: one step ahead or one step back.
    #[must_use]
    pub fn next(self) -> &'static [Stage] {
        match self {
            Stage::Draft => &[Stage::InReview],
            Stage::InReview => &[Stage::Reviewed, Stage::Draft],
            Stage::Reviewed => &[Stage::Closed, Stage::InReview],
            Stage::Closed => &[Stage::Reviewed],
        }
    }
}

/// How much an action item matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// It would have prevented the incident.
    High,
    /// It would have made it shorter or smaller.
    #[default]
    Medium,
    /// It is worth doing.
    Low,
}

impl Priority {
    /// From the first to the last.
    pub const ALL: [Priority; 3] = [Priority::High, Priority::Medium, Priority::Low];

    /// One word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Priority::High => "high",
            Priority::Medium => "medium",
            Priority::Low => "low",
        }
    }

    /// Reads [`Priority::word`].
    #[must_use]
    pub fn parse(word: &str) -> Option<Priority> {
        Priority::ALL.into_iter().find(|p| p.word() == word)
    }
}

/// What somebody wrote into a section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prose {
    /// What firebell had generated when it was last edited.
    pub base: String,
    /// What stands there instead.
    pub text: String,
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Time,
}

/// Where an action item stands in somebody else's tracker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct External {
    /// Name of the `[export.NAME]`.
    pub tracker: String,
    /// The issue there.
    pub url: String,
    /// Its state there, in its own word: `open`, `closed`, `In Progress`.
    pub state: String,
    /// When that was read.
    pub at: Time,
}

/// Something to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Counted from 1 within the postmortem, never given twice.
    pub id: u32,
    /// One line.
    pub what: String,
    /// Directory id.
    pub owner: Option<String>,
    /// Day.
    pub due: Option<NaiveDate>,
    /// How much it matters.
    pub priority: Priority,
    /// A link somebody gave.
    pub link: String,
    /// In a tracker.
    pub external: Option<External>,
    /// When it was done.
    pub done_at: Option<Time>,
    /// Who added it.
    pub by: Actor,
    /// A task of the incident's journal, which says what, whose and until when; its number is the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub task: bool,
}

/// Everything people added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Written {
    /// Where it stands.
    pub stage: Stage,
    /// Since when.
    pub since: Time,
    /// Who sees to it, by directory id.
    pub owner: Option<String>,
    /// When it should be reviewed.
    pub due: Option<Time>,
    /// From when `due` counts: the resolution.
    pub from: Option<Time>,
    /// When people meet about it.
    pub meets: Option<Time>,
    /// By anchor.
    pub sections: BTreeMap<String, Prose>,
    /// In the order they were added.
    pub items: Vec<Item>,
    /// The highest item number ever given.
    pub last_item: u32,
}

/// What somebody wants to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// New words for a section.
    Edit {
        /// Which.
        anchor: String,
        /// What firebell generates for it now.
        base: String,
        /// What stood there when editing began: [`hash`] of the text.
        from: String,
        /// What stands there now.
        now: String,
        /// The new words; those of `base` give the section back to firebell.
        text: String,
    },
    /// One step on or back.
    Move {
        /// Where to.
        to: Stage,
    },
    /// Somebody sees to it, or nobody.
    Own {
        /// Directory id.
        person: Option<String>,
    },
    /// When people meet about it.
    Meet {
        /// When; `None`: not.
        at: Option<Time>,
    },
    /// Something to be done: a new item, or an item as it is to be.
    Item {
        /// `None`: a new one.
        id: Option<u32>,
        /// One line.
        what: String,
        /// Directory id.
        owner: Option<String>,
        /// Day.
        due: Option<NaiveDate>,
        /// How much it matters.
        priority: Priority,
        /// A link; empty: none.
        link: String,
    },
    /// An item is done, or is not after all.
    Done {
        /// Which.
        id: u32,
        /// Done.
        done: bool,
    },
    /// An item is not to be done.
    Drop {
        /// Which.
        id: u32,
    },
    /// What a tracker says of an item.
    Tracked {
        /// Which.
        id: u32,
        /// What it says.
        external: External,
    },
    /// The incident was resolved: until when a review is due.
    Due {
        /// When it was resolved.
        from: Time,
        /// Until when.
        due: Option<Time>,
    },
}

/// Why an act changed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The section was changed by somebody else since the editor opened it.
    Stale {
        /// Who changed it, as they were called.
        by: String,
    },
    /// In words.
    Invalid(String),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Stale { by } => write!(
                f,
                "{by} changed this section while you were writing. Nothing was saved: your words stand below, put both together and save again."
            ),
            Refused::Invalid(why) => f.write_str(why),
        }
    }
}

/// The name of a text: FNV-1a, 64 bits, as hex. It tells texts apart, it protects nothing.
#[must_use]
pub fn hash(text: &str) -> String {
    let mut state: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in text.bytes() {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{state:016x}")
}

/// A section after firebell drafted it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    /// One text.
    Clean(String),
    /// Both changed the same lines: people's words stay, and this is what a hand has to put together.
    Conflict {
        /// Both, with marks around where they differ.
        both: String,
    },
}

/// Merges a new draft into what people made of an old one.
#[must_use]
pub fn merge(base: &str, text: &str, drafted: &str) -> Merged {
    if base == drafted || text == drafted {
        return Merged::Clean(text.to_owned());
    }
    if text == base {
        return Merged::Clean(drafted.to_owned());
    }
    // The draft stands whole in what people wrote around it: it is the draft that is replaced. Line by
    // line, words right behind a changed line would be taken for a conflict.
    if !base.is_empty() && text.matches(base).count() == 1 {
        return Merged::Clean(text.replacen(base, drafted, 1));
    }
    // Line by line: an end without a line break would make the last line another one.
    let whole = |s: &str| format!("{}\n", s.trim_end_matches('\n'));
    let (base, mine, drafted) = (whole(base), whole(text), whole(drafted));
    match diffy::merge(&base, &mine, &drafted) {
        Ok(merged) => Merged::Clean(merged.trim_end_matches('\n').to_owned()),
        Err(both) => Merged::Conflict {
            both: both
                .replace("<<<<<<< ours", "<<<<<<< what people wrote")
                .replace("||||||| original", "||||||| what firebell had written")
                .replace(">>>>>>> theirs", ">>>>>>> what firebell writes now"),
        },
    }
}

impl Written {
    /// The state after an act, and what happened in words.
    ///
    /// # Errors
    /// Why nothing changes.
    pub fn after(&self, act: Act, by: &Actor, at: Time) -> Result<(Written, String), Refused> {
        let mut next = self.clone();
        let said = match act {
            Act::Edit {
                anchor,
                base,
                from,
                now,
                text,
            } => next.edit(anchor, base, (&from, &now), &text, by, at)?,
            Act::Move { to } => next.go(to, at)?,
            Act::Own { person } => {
                next.owner.clone_from(&person);
                match person {
                    Some(id) => format!("{id} sees to it now."),
                    None => "Nobody sees to it now.".to_owned(),
                }
            }
            Act::Meet { at } => {
                next.meets = at;
                match at {
                    Some(at) => format!(
                        "The review is at {}.",
                        at.utc().format("%Y-%m-%d %H:%M UTC")
                    ),
                    None => "There is no review meeting.".to_owned(),
                }
            }
            Act::Item {
                id,
                what,
                owner,
                due,
                priority,
                link,
            } => next.item((id, what), owner, due, priority, link, by)?,
            Act::Done { id, done } => {
                let item = next.find(id)?;
                item.done_at = done.then_some(at);
                format!(
                    "“{}” is {}.",
                    item.what,
                    if done { "done" } else { "open again" }
                )
            }
            Act::Drop { id } => {
                let what = next.find(id)?.what.clone();
                next.items.retain(|i| i.id != id);
                format!("“{what}” is off the list.")
            }
            Act::Tracked { id, external } => {
                let item = next.find(id)?;
                let said = format!(
                    "“{}” is {} in {}.",
                    item.what, external.state, external.tracker
                );
                item.external = Some(external);
                said
            }
            Act::Due { from, due } => {
                next.from = Some(from);
                next.due = due;
                "The deadline of the review is set.".to_owned()
            }
        };
        Ok((next, said))
    }

    fn edit(
        &mut self,
        anchor: String,
        base: String,
        (from, now): (&str, &str),
        text: &str,
        by: &Actor,
        at: Time,
    ) -> Result<String, Refused> {
        let text = text.replace("\r\n", "\n").trim().to_owned();
        if text.chars().count() > SECTION_CHARS {
            return Err(Refused::Invalid(format!(
                "A section has at most {SECTION_CHARS} characters; nothing was saved."
            )));
        }
        if from != hash(now) {
            let last = self.sections.get(&anchor);
            let by = last.map_or("firebell", |p| p.by.name()).to_owned();
            return Err(Refused::Stale { by });
        }
        if self.stage == Stage::Closed {
            return Err(Refused::Invalid(
                "It is closed; take it back to reviewed to change it.".to_owned(),
            ));
        }
        let said = format!("The section {anchor} was saved.");
        if text == base {
            self.sections.remove(&anchor);
            return Ok(format!("The section {anchor} is firebell's draft again."));
        }
        let prose = Prose {
            base,
            text,
            by: by.clone(),
            at,
        };
        self.sections.insert(anchor, prose);
        Ok(said)
    }

    fn go(&mut self, to: Stage, at: Time) -> Result<String, Refused> {
        let from = self.stage;
        if !from.next().contains(&to) {
            let ways: Vec<&str> = from.next().iter().map(|s| s.words()).collect();
            return Err(Refused::Invalid(format!(
                "It is at “{}”; from there it goes to {} only.",
                from.words(),
                ways.join(" or ")
            )));
        }
        if (from, to) == (Stage::Draft, Stage::InReview) && self.owner.is_none() {
            return Err(Refused::Invalid(
                "Say first who sees to it; then it can be reviewed.".to_owned(),
            ));
        }
        self.stage = to;
        self.since = at;
        Ok(format!("It went from {} to {}.", from.words(), to.words()))
    }

    fn find(&mut self, id: u32) -> Result<&mut Item, Refused> {
        self.items
            .iter_mut()
            .find(|i| i.id == id)
            .ok_or_else(|| Refused::Invalid(format!("There is no action item {id}.")))
    }

    fn item(
        &mut self,
        (id, what): (Option<u32>, String),
        owner: Option<String>,
        due: Option<NaiveDate>,
        priority: Priority,
        link: String,
        by: &Actor,
    ) -> Result<String, Refused> {
        let what = what.split_whitespace().collect::<Vec<_>>().join(" ");
        if what.is_empty() || what.chars().count() > ITEM_CHARS {
            return Err(Refused::Invalid(format!(
                "An action item is one line of 1 to {ITEM_CHARS} characters."
            )));
        }
        if !link.is_empty() && !super::tree::safe(&link) {
            return Err(Refused::Invalid(
                "The link of an action item begins with https:// or http://.".to_owned(),
            ));
        }
        if let Some(id) = id {
            let item = self.find(id)?;
            (item.owner, item.due, item.priority, item.link) = (owner, due, priority, link);
            item.what.clone_from(&what);
            return Ok(format!("“{what}” was changed."));
        }
        if self.items.len() >= ITEMS {
            return Err(Refused::Invalid(format!(
                "A postmortem has at most {ITEMS} action items; the rest belongs into a tracker."
            )));
        }
        self.last_item += 1;
        self.items.push(Item {
            id: self.last_item,
            what: what.clone(),
            owner,
            due,
            priority,
            link,
            external: None,
            done_at: None,
            by: by.clone(),
            task: false,
        });
        Ok(format!("“{what}” is on the list."))
    }

    /// Whether a review is late.
    #[must_use]
    pub fn overdue(&self, now: Time) -> bool {
        self.stage < Stage::Reviewed && self.due.is_some_and(|due| due <= now)
    }

    /// Its open action items.
    pub fn open_items(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|i| i.done_at.is_none())
    }
}

#[cfg(test)]
mod tests;
