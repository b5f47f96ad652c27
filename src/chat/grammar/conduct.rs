//! Roles, responders, checklists, tasks, decisions and reports.

use super::line::{Line, number};
use super::lookup::hint;
use super::{Invocation, Usage};
use crate::core::schedule::{Edge, is_clock, is_day, parse_when};
use crate::core::time::Time;

/// What is asked about leading an incident. People by directory id.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the command tree documents every argument")]
pub enum Conducting {
    /// Who has which role.
    Roles,
    Role {
        role: String,
        who: Holder,
        ask: bool,
    },
    /// `person` absent: whoever asks.
    Join {
        person: Option<String>,
    },
    /// `person` absent: whoever asks.
    Leave {
        person: Option<String>,
        to: Option<Owner>,
    },
    Responders,
    Brief,
    Checklist,
    Tick {
        item: u32,
        done: bool,
    },
    Task {
        text: String,
        owner: Option<Owner>,
        due: Option<Time>,
        follow_up: bool,
    },
    Tasks {
        mine: bool,
        all: bool,
    },
    Done {
        task: u32,
        done: bool,
    },
    Give {
        task: u32,
        owner: Owner,
    },
    /// `due` absent: at no time.
    Due {
        task: u32,
        due: Option<Time>,
    },
    Drop {
        task: u32,
    },
    Decision {
        text: String,
        happened_at: Option<Time>,
    },
    Can {
        conditions: String,
        actions: String,
        needs: String,
    },
}

/// What is to become of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Whoever asks has it.
    Me,
    /// A person of the directory has it.
    Person(String),
    /// Nobody has it any more.
    Nobody,
    /// Nobody has to have it.
    Skip,
    /// Whoever asks was asked, and takes it.
    Accept,
    /// Whoever asks was asked, and does not.
    Decline,
}

/// Whose something is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Whoever asks.
    Me,
    /// A person of the directory.
    Person(String),
    /// Nobody.
    Nobody,
}

impl Conducting {
    /// The command of the tree.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self {
            Conducting::Roles | Conducting::Role { .. } => "role",
            Conducting::Join { .. } => "join",
            Conducting::Leave { .. } => "leave",
            Conducting::Responders => "responders",
            Conducting::Brief => "brief",
            Conducting::Checklist => "checklist",
            Conducting::Tick { done: true, .. } => "tick",
            Conducting::Tick { .. } => "untick",
            Conducting::Task {
                follow_up: true, ..
            } => "followup",
            Conducting::Task { .. } => "task",
            Conducting::Tasks { .. } => "tasks",
            Conducting::Done { done: true, .. } => "done",
            Conducting::Done { .. } => "undone",
            Conducting::Give { .. } => "give",
            Conducting::Due { .. } => "due",
            Conducting::Drop { .. } => "drop",
            Conducting::Decision { .. } => "decision",
            Conducting::Can { .. } => "can",
        }
    }
}

/// In front of a task's number where another number could stand.
const TASK: &str = "task-";

impl Line<'_> {
    /// `reopen task-2`, `reassign task-2 @bo`: of a task, not of the incident.
    pub(super) fn names_task(&self) -> bool {
        let word = self.words.peek().filter(|w| !w.quoted);
        word.is_some_and(|w| w.text.to_lowercase().starts_with(TASK))
    }

    pub(super) fn conduct(mut self) -> Result<Invocation, Usage> {
        if self.leaf.verb == "join"
            && let Some(merge) = self.joins_another()?
        {
            return Ok(merge);
        }
        let id = self.about()?;
        let what = match self.leaf.verb.as_str() {
            "role" => self.role()?,
            "join" => Conducting::Join {
                person: self.somebody()?,
            },
            "leave" => self.leave()?,
            "responders" => Conducting::Responders,
            "brief" => Conducting::Brief,
            "checklist" => Conducting::Checklist,
            "tick" | "untick" => Conducting::Tick {
                item: self.item("line", "tick 3")?,
                done: self.leaf.verb == "tick",
            },
            "task" | "followup" => self.task()?,
            "tasks" => self.tasks()?,
            "done" | "undone" => Conducting::Done {
                task: self.item("task", "done 2")?,
                done: self.leaf.verb == "done",
            },
            "reopen" => Conducting::Done {
                task: self.item("task", "reopen task-2")?,
                done: false,
            },
            "give" | "reassign" => self.give()?,
            "due" => self.due()?,
            "drop" => Conducting::Drop {
                task: self.item("task", "drop 2")?,
            },
            "decision" => self.decision()?,
            // The list of verbs in `read` sends nothing else here.
            _ => self.can()?,
        };
        self.done(Invocation::Conduct { id, what })
    }

    /// `join #42 into #40` was how to merge before `join` meant to take part.
    fn joins_another(&mut self) -> Result<Option<Invocation>, Usage> {
        let mut ahead = self.words.clone();
        let says_into = ahead
            .peek()
            .is_some_and(|w| w.text.eq_ignore_ascii_case("into"));
        if says_into {
            ahead.next();
        }
        let Some(into) = ahead.next().and_then(|w| number(&w, says_into)) else {
            return Ok(None);
        };
        let from = self.about()?;
        self.words = ahead;
        self.done(Invocation::Merge { from, into }).map(Some)
    }

    fn role(&mut self) -> Result<Conducting, Usage> {
        let Some(word) = self.words.next() else {
            return Ok(Conducting::Roles);
        };
        let rules = &self.context.directory.conduct;
        let commander = ["commander", "lead", "ic"].iter();
        let mut commander = commander.filter(|c| c.eq_ignore_ascii_case(&word.text));
        let role = match rules.meant(&word.text) {
            Some(role) => role.id.clone(),
            None if commander.next().is_some() => crate::core::directory::COMMANDER.to_owned(),
            None => {
                let known = rules.roles.iter().map(|r| r.id.as_str());
                let near = hint(&word.text, known.collect::<Vec<_>>());
                let what = format!("`role`: there is no `{}`. {near}", word.text);
                return Err(self.wrong("role", what));
            }
        };
        let said = self.words.next().map(|w| w.text);
        let mut ask = false;
        let who = match said.as_deref().map(str::to_lowercase).as_deref() {
            None | Some("me" | "take" | "claim") => Holder::Me,
            Some("nobody" | "none" | "release" | "off") => Holder::Nobody,
            Some("skip" | "waive" | "mute") => Holder::Skip,
            Some("accept" | "yes") => Holder::Accept,
            Some("decline" | "no") => Holder::Decline,
            Some("ask") => {
                ask = true;
                let Some(whom) = self.words.next() else {
                    return Err(self.wrong("who", "`who` is missing: say who is asked."));
                };
                Holder::Person(self.person("who", &whom.text)?)
            }
            Some(_) => Holder::Person(self.person("who", said.as_deref().unwrap_or_default())?),
        };
        let how = self.words.peek();
        if how.is_some_and(|w| w.text.eq_ignore_ascii_case("ask")) {
            self.words.next();
            ask = true;
        }
        if ask && !matches!(who, Holder::Person(_)) {
            return Err(self.wrong(
                "how",
                "`ask` needs a person to be asked: `role scribe @bo ask`.",
            ));
        }
        Ok(Conducting::Role { role, who, ask })
    }

    fn leave(&mut self) -> Result<Conducting, Usage> {
        let (mut person, mut to) = (None, None);
        while let Some(word) = self.words.next() {
            match word.text.split_once('=').filter(|_| !word.quoted) {
                Some(("to" | "for", name)) => to = Some(self.owner("to", name)?),
                _ if word.text.eq_ignore_ascii_case("to") => {
                    let Some(name) = self.words.next() else {
                        return Err(self.wrong("to", "`to` is missing: say who goes on with it."));
                    };
                    to = Some(self.owner("to", &name.text)?);
                }
                _ if word.text.eq_ignore_ascii_case("me") => {}
                _ => person = Some(self.person("person", &word.text)?),
            }
        }
        Ok(Conducting::Leave { person, to })
    }

    /// A number, with or without `task-` in front.
    fn item(&mut self, argument: &str, example: &str) -> Result<u32, Usage> {
        let Some(word) = self.words.next() else {
            let what = format!("`{argument}` is missing: write its number, `{example}`.");
            return Err(self.wrong(argument, what));
        };
        let said = word.text.to_lowercase();
        let digits = said.strip_prefix(TASK).unwrap_or(&said);
        digits.parse().map_err(|_| {
            let what = format!(
                "`{argument}`: `{}` is no number; write `{example}`.",
                word.text
            );
            self.wrong(argument, what)
        })
    }

    /// A person of the directory, `me` or `nobody`.
    fn owner(&self, argument: &str, word: &str) -> Result<Owner, Usage> {
        match word.to_lowercase().as_str() {
            "me" => Ok(Owner::Me),
            "nobody" | "none" => Ok(Owner::Nobody),
            _ => Ok(Owner::Person(self.person(argument, word)?)),
        }
    }

    fn task(&mut self) -> Result<Conducting, Usage> {
        let (mut said, mut owner, mut due) = (Vec::new(), None, None);
        while let Some(word) = self.words.next() {
            match word.text.split_once('=').filter(|_| !word.quoted) {
                Some(("owner" | "for", name)) => owner = Some(self.owner("owner", name)?),
                Some(("due" | "by", when)) => {
                    // `due=fri 16:00` needs no quotes.
                    let clock = self.words.peek().map(|w| w.text.clone());
                    let clock = clock.filter(|c| is_clock(c) && is_day(when));
                    due = match clock {
                        Some(clock) => {
                            self.words.next();
                            self.deadline("due", &format!("{when} {clock}"))?
                        }
                        None => self.deadline("due", when)?,
                    };
                }
                _ => said.push(word.text),
            }
        }
        let text = said.join(" ");
        if text.trim().is_empty() {
            return Err(self.wrong("text", "`text` is missing: say what is to be done."));
        }
        Ok(Conducting::Task {
            text,
            owner: owner.filter(|o| *o != Owner::Nobody),
            due,
            follow_up: self.leaf.verb == "followup",
        })
    }

    /// A time to come; a day alone is the end of its work. `None`: `none`.
    fn deadline(&self, argument: &str, text: &str) -> Result<Option<Time>, Usage> {
        let text = text.trim();
        if matches!(text.to_lowercase().as_str(), "none" | "never") {
            return Ok(None);
        }
        let day_alone = !text.contains([' ', 'T', ':']) && is_day(text);
        let whole = if day_alone {
            format!("{text} 17:00")
        } else {
            text.to_owned()
        };
        let (zone, now) = (self.context.zone, self.context.now);
        let at = parse_when(&whole, zone, now, Edge::From)
            .map_err(|why| self.wrong(argument, format!("`{argument}`: {why}.")))?;
        if at <= now {
            let what = format!("`{argument}`: {text} is over already; give a time to come.");
            return Err(self.wrong(argument, what));
        }
        Ok(Some(at))
    }

    fn tasks(&mut self) -> Result<Conducting, Usage> {
        let word = self.words.next().map(|w| w.text.to_lowercase());
        let (mine, all) = match word.as_deref() {
            None | Some("open") => (false, false),
            Some("mine" | "me") => (true, false),
            Some("all") => (false, true),
            Some(other) => {
                let what = format!("`which`: `{other}` is none of `open`, `mine` and `all`.");
                return Err(self.wrong("which", what));
            }
        };
        Ok(Conducting::Tasks { mine, all })
    }

    fn give(&mut self) -> Result<Conducting, Usage> {
        let task = self.item("task", "give 2 @bo")?;
        let owner = match self.words.next() {
            None => Owner::Me,
            Some(word) => self.owner("owner", &word.text)?,
        };
        Ok(Conducting::Give { task, owner })
    }

    fn due(&mut self) -> Result<Conducting, Usage> {
        let task = self.item("task", "due 2 fri 16:00")?;
        let when = self.words.rest();
        while self.words.next().is_some() {}
        if when.trim().is_empty() {
            return Err(self.wrong(
                "when",
                "`when` is missing: such as 30m, 16:00, fri or `none`.",
            ));
        }
        let due = self.deadline("when", &when)?;
        Ok(Conducting::Due { task, due })
    }

    fn decision(&mut self) -> Result<Conducting, Usage> {
        let happened_at = self.clock()?;
        let text = self.words.rest();
        while self.words.next().is_some() {}
        if text.trim().is_empty() {
            return Err(self.wrong("text", "`text` is missing: say what was decided."));
        }
        Ok(Conducting::Decision { text, happened_at })
    }

    /// `can CONDITIONS | ACTIONS | NEEDS`, or each behind its name, up to the next.
    fn can(&mut self) -> Result<Conducting, Usage> {
        let raw = self.words.rest();
        // What a form's field says is one part, whatever is in it.
        let whole = self.words.len() == 1 && self.words.peek().is_some_and(|w| w.quoted);
        let (mut parts, mut at, mut named) = ([const { Vec::new() }; 3], 0, whole);
        while let Some(word) = self.words.next() {
            let pair = word.text.split_once('=').filter(|_| !word.quoted);
            let names = ["conditions", "actions", "needs"];
            let part = pair.and_then(|(name, _)| names.iter().position(|n| *n == name));
            let text = match (part, pair) {
                (Some(n), Some((_, text))) => {
                    (at, named) = (n, true);
                    text.to_owned()
                }
                _ => word.text,
            };
            parts[at].push(text);
        }
        let mut parts = parts.map(|words: Vec<String>| words.join(" "));
        if !named {
            let mut split = raw.splitn(3, '|').map(|p| p.trim().to_owned());
            parts = [(); 3].map(|()| split.next().unwrap_or_default());
        }
        let [conditions, actions, needs] = parts;
        if conditions.trim().is_empty() {
            return Err(self.wrong("conditions", "`conditions` is missing: say what is seen."));
        }
        Ok(Conducting::Can {
            conditions,
            actions,
            needs,
        })
    }
}
