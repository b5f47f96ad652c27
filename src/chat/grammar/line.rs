//! The arguments of each command.

use super::tokens::{Word, Words};
use super::{Bulk, Context, Invocation, Usage, Whom, lookup, unknown};
use crate::chat::form;
use crate::chat::surface::{Leaf, Needs, tree};
use crate::core::duty::Answer;
use crate::core::id::{IncidentId, RunId, Severity};
use crate::core::incident::Ask;
use crate::core::schedule::parse_at;
use crate::core::time::Time;
use std::collections::BTreeMap;

/// The longest snooze: what somebody has for longer is theirs, not put off.
pub(super) const SNOOZE_MAX_MS: i64 = 90 * 86_400_000;

/// A line behind its verb.
pub(super) struct Line<'a> {
    pub(super) leaf: &'static Leaf,
    pub(super) context: &'a Context<'a>,
    pub(super) id: Option<IncidentId>,
    pub(super) words: Words<'a>,
    /// The verb had a `!`: the approval is to be passed over.
    pub(super) glass: bool,
}

impl<'a> Line<'a> {
    /// The words behind the verb, with the incident's number taken out of them.
    pub(super) fn behind(
        leaf: &'static Leaf,
        context: &'a Context<'a>,
        words: Words<'a>,
    ) -> Line<'a> {
        let mut line = Line {
            leaf,
            context,
            id: None,
            words,
            glass: false,
        };
        line.id = line.take_id();
        line
    }

    /// The incident it is about, as far as it is said.
    pub(super) fn incident(&self) -> Option<IncidentId> {
        self.id.or(self.context.here)
    }

    /// The next word, for who only looks.
    pub(super) fn next_word(&mut self) -> Option<String> {
        self.words.next().map(|w| w.text)
    }

    /// Reads the arguments.
    pub(super) fn read(mut self) -> Result<Invocation, Usage> {
        match self.leaf.verb.as_str() {
            "new" => self.new_incident(),
            "page" => self.page(),
            "oncall" => self.on_call(),
            "shifts" => self.shifts(),
            "ack" => self.one_or_many(Bulk::Acknowledge),
            "resolve" => self.one_or_many(Bulk::Resolve),
            "unack" => self
                .about()
                .and_then(|id| self.done(Invocation::Unacknowledge { id })),
            // `undo #42 run-3`: of an incident it is reopening, of a run what undoes it.
            "reopen"
                if self
                    .words
                    .peek()
                    .is_some_and(|w| w.text.starts_with("run-")) =>
            {
                let (id, run) = self.run_number()?;
                self.done(Invocation::Undo { id, run })
            }
            "reopen" | "reassign" if self.names_task() => self.conduct(),
            "reopen" => self
                .about()
                .and_then(|id| self.done(Invocation::Reopen { id })),
            "reassign" => self.reassign(),
            "merge" => self.merge(),
            "silence" => self.silence(),
            "silences" => self.silences(),
            "unsilence" => self.unsilence(),
            "maintenance" => self.maintenance(),
            "cover" | "swap" => self.cover(),
            "override" => self.put_on_call(),
            "take" => self.answer_cover(Answer::Take),
            "decline" => self.answer_cover(Answer::Decline),
            "cancel" => self.answer_cover(Answer::Cancel),
            "covers" => self.done(Invocation::Covers),
            "fairness" => self.fairness(),
            "changes" => self.changes(),
            "analytics" => self.analytics(),
            "summary" => self.summary(),
            "snooze" => self.snooze(),
            "sev" => self.severity(),
            "lead" => self.lead(),
            "role" | "join" | "leave" | "responders" | "brief" | "checklist" | "tick"
            | "untick" | "task" | "followup" | "tasks" | "done" | "undone" | "give" | "due"
            | "drop" | "decision" | "can" => self.conduct(),
            "note" => self.note(),
            "update" | "status" | "publish" | "cadence" | "subscribe" | "unsubscribe" => {
                self.telling()
            }
            "promote" => self
                .about()
                .and_then(|id| self.done(Invocation::Promote { id })),
            "rename" | "retry" | "archive" | "redact" => self.rooming(),
            "private" => self.private(true),
            "public" => self.private(false),
            "invite" => self.invite(),
            "drill" => self.drill(true),
            "real" => self.drill(false),
            "type" => self.kind(),
            "relate" => self.relate(),
            "unrelate" => self.unrelate(),
            "parent" => self.parent(),
            "explain" => self
                .about()
                .and_then(|id| self.done(Invocation::Explain { id })),
            "follow" => self
                .about()
                .and_then(|id| self.done(Invocation::Follow { id })),
            "run" => self.run(),
            "approve" => {
                let (id, run) = self.run_number()?;
                self.done(Invocation::Approve { id, run })
            }
            "reject" => {
                let (id, run) = self.run_number()?;
                self.done(Invocation::Reject { id, run })
            }
            "rollback" => {
                let (id, run) = self.run_number()?;
                self.done(Invocation::Undo { id, run })
            }
            "automation" => self.automation(),
            "stop" => {
                let (id, run) = self.run_number()?;
                self.done(Invocation::Stop { id, run })
            }
            "check" => {
                let (id, run) = self.run_number()?;
                self.done(Invocation::Check { id, run })
            }
            "settle" => self.settle(),
            "postmortem" => self
                .about()
                .and_then(|id| self.done(Invocation::Postmortem { id })),
            "list" => self.list(),
            "link" => self.link(),
            "verify" => self.verify(),
            _ => self.help(),
        }
    }

    /// Takes the incident's number out of the line, wherever this command may have it.
    fn take_id(&mut self) -> Option<IncidentId> {
        if self.leaf.incident == Needs::None {
            return None;
        }
        let free_text = matches!(
            self.leaf.verb.as_str(),
            "note"
                | "page"
                | "settle"
                | "rename"
                | "redact"
                | "private"
                | "public"
                | "update"
                | "status"
                | "task"
                | "followup"
                | "decision"
                | "can"
        );
        // In `tick 3` and `give 3 @bo` a bare number is never an incident's.
        let numbers = matches!(
            self.leaf.verb.as_str(),
            "tick" | "untick" | "done" | "undone" | "give" | "due" | "drop"
        );
        // In `snooze 30` and `approve 3` the number is not an incident.
        let own_number = matches!(
            self.leaf.verb.as_str(),
            "snooze" | "approve" | "reject" | "rollback" | "stop" | "check"
        );
        let bare_is_id = match (free_text, own_number) {
            _ if numbers => false,
            (true, _) => self.context.here.is_none(),
            (_, true) => self.words.len() > 1,
            _ => true,
        };
        if self.names_the_other() {
            return None;
        }
        if let Some(id) = self.words.peek().and_then(|w| number(w, bare_is_id)) {
            self.words.next();
            return Some(id);
        }
        // Of several numbers the first is the incident; what follows is the verb's.
        let several = matches!(
            self.leaf.verb.as_str(),
            "merge" | "join" | "relate" | "unrelate" | "parent"
        );
        let id = self.words.last().and_then(|w| number(w, false));
        if id.is_some() && !free_text && !several {
            self.words.take_last();
            return id;
        }
        None
    }

    /// `parent 40` in the room of 42: the only number is the other incident's.
    fn names_the_other(&self) -> bool {
        let of_two = matches!(self.leaf.verb.as_str(), "relate" | "unrelate" | "parent");
        if !of_two || self.context.here.is_none() {
            return false;
        }
        let mut ahead = self.words.clone();
        ahead.next();
        let second = ahead.peek();
        !second.is_some_and(|w| number(w, true).is_some() || w.text.eq_ignore_ascii_case("none"))
    }

    pub(super) fn usage(&self, what: impl Into<String>) -> Usage {
        Usage {
            what: what.into(),
            argument: None,
            example: self.leaf.example.clone(),
        }
    }

    /// The same about one argument, by its name in the tree.
    pub(super) fn wrong(&self, argument: &str, what: impl Into<String>) -> Usage {
        Usage {
            argument: Some(argument.to_owned()),
            ..self.usage(what)
        }
    }

    /// The incident the line is about.
    pub(super) fn about(&self) -> Result<IncidentId, Usage> {
        self.id.or(self.context.here).ok_or_else(|| {
            self.wrong(
                "incident",
                format!(
                    "`{}` needs an incident: write its number, or write in its room.",
                    self.leaf.verb
                ),
            )
        })
    }

    /// The end: no word may be left.
    pub(super) fn done(&mut self, invocation: Invocation) -> Result<Invocation, Usage> {
        match self.words.peek() {
            None => Ok(invocation),
            Some(extra) => Err(self.usage(format!(
                "`{}` cannot do anything with `{}`, so nothing was done. It is written `{}`.",
                self.leaf.verb,
                extra.text,
                self.leaf.usage()
            ))),
        }
    }

    pub(super) fn whom(&self, word: &Word) -> Result<Whom, Usage> {
        lookup::whom(self.context.directory, &word.text).map_err(|what| self.wrong("whom", what))
    }

    pub(super) fn level(&self, argument: &str, name: &str) -> Result<Severity, Usage> {
        let directory = self.context.directory;
        directory.severity(name).ok_or_else(|| {
            let scale = directory.severities.iter().map(|s| s.name.as_str());
            let what = format!("`{name}` is no severity. {}", lookup::hint(name, scale));
            self.wrong(argument, what)
        })
    }

    fn page(mut self) -> Result<Invocation, Usage> {
        let me = self.words.peek().filter(|w| !w.quoted);
        if self.id.is_none() && me.is_some_and(|w| w.text.eq_ignore_ascii_case("me")) {
            self.words.next();
            return self.done(Invocation::Page {
                id: None,
                whom: Some(Whom::Me),
                message: String::new(),
            });
        }
        let id = self.id.or(self.context.here);
        let whom = self.words.next().map(|w| self.whom(&w)).transpose()?;
        if whom.is_none() && id.is_none() {
            return Err(self.wrong(
                "whom",
                "`whom` is missing: name a person, a schedule, a team or a service.",
            ));
        }
        Ok(Invocation::Page {
            id,
            whom,
            message: self.words.rest(),
        })
    }

    fn severity(mut self) -> Result<Invocation, Usage> {
        let Some(word) = self.words.next() else {
            let scale = self.context.directory.severities.iter();
            let names: Vec<&str> = scale.map(|s| s.name.as_str()).collect();
            let what = format!("`severity` is missing: one of {}.", names.join(", "));
            return Err(self.wrong("severity", what));
        };
        let to = self.level("severity", &word.text)?;
        let id = self.about()?;
        self.done(Invocation::SetSeverity { id, to })
    }

    /// The id of a person somebody names.
    pub(super) fn person(&self, argument: &str, word: &str) -> Result<String, Usage> {
        let directory = self.context.directory;
        let found = lookup::person(directory, word);
        found.map(|p| p.id.clone()).ok_or_else(|| {
            let known = directory.people.keys().map(String::as_str);
            let hint = lookup::hint(word.trim_start_matches('@'), known);
            self.wrong(
                argument,
                format!("`{argument}`: `{word}` is not in the directory. {hint}"),
            )
        })
    }

    /// Somebody of the directory; `None`: `me`, or nothing is said.
    pub(super) fn somebody(&mut self) -> Result<Option<String>, Usage> {
        match self.words.next() {
            Some(w) if !w.text.eq_ignore_ascii_case("me") => {
                Ok(Some(self.person("person", &w.text)?))
            }
            _ => Ok(None),
        }
    }

    fn lead(mut self) -> Result<Invocation, Usage> {
        let person = self.somebody()?;
        let id = self.about()?;
        self.done(Invocation::Lead { id, person })
    }

    fn note(mut self) -> Result<Invocation, Usage> {
        let id = self.about()?;
        let happened_at = self.clock()?;
        let text = self.words.rest();
        if text.trim().is_empty() {
            return Err(self.wrong("text", "`text` is missing: say what happened."));
        }
        Ok(Invocation::Note {
            id,
            text,
            happened_at,
        })
    }

    /// `at 14:03`, `at 2026-11-22 14:03`. An `at` before ordinary words belongs to the text.
    pub(super) fn clock(&mut self) -> Result<Option<Time>, Usage> {
        let mut ahead = self.words.clone();
        let at = ahead.next().filter(|w| !w.quoted);
        if !at.is_some_and(|w| w.text.eq_ignore_ascii_case("at")) {
            return Ok(None);
        }
        let Some(first) = ahead.next() else {
            return Ok(None);
        };
        let is_date = chrono::NaiveDate::parse_from_str(&first.text, "%Y-%m-%d").is_ok();
        let digit = first.text.starts_with(|c: char| c.is_ascii_digit());
        let is_clock = digit && first.text.contains(':');
        if !is_date && !is_clock {
            return Ok(None);
        }
        let written = match ahead.peek().filter(|_| is_date) {
            Some(time) => format!("{} {}", first.text, time.text),
            None => first.text,
        };
        let time = parse_at(&written, self.context.zone, self.context.now)
            .map_err(|why| self.wrong("at", format!("`at`: {why}.")))?;
        if time > self.context.now {
            return Err(self.wrong(
                "at",
                "`at` is in the future; say when it happened, or leave it out.",
            ));
        }
        if is_date {
            ahead.next();
        }
        self.words = ahead;
        Ok(Some(time))
    }

    fn run(mut self) -> Result<Invocation, Usage> {
        let actions = &self.context.directory.actions;
        let known = || actions.keys().map(String::as_str);
        let Some(word) = self.words.next() else {
            let what = format!(
                "`action` is missing. {}",
                lookup::hint("", known().collect::<Vec<_>>())
            );
            return Err(self.wrong("action", what));
        };
        let found = actions
            .keys()
            .find(|k| k.eq_ignore_ascii_case(&word.text))
            .cloned();
        let Some(action) = found else {
            let near = lookup::hint(&word.text, known().collect::<Vec<_>>());
            let what = format!("`action`: there is no `{}`. {near}", word.text);
            return Err(self.wrong("action", what));
        };
        let (mut args, mut ask, mut said) = (BTreeMap::new(), Ask::default(), Vec::new());
        ask.break_glass = self.glass;
        while let Some(word) = self.words.next() {
            // Phones make one long dash of two.
            let option = word.text.replace('—', "--");
            if !word.quoted && (option == "--break-glass" || option == "--reason") {
                ask.break_glass |= option == "--break-glass";
                let Some(why) = self.words.next() else {
                    let what =
                        format!("`{option}`: say why, in quotes: `{option} \"the disk is full\"`.");
                    return Err(self.wrong("break-glass", what));
                };
                said.push(why.text);
                continue;
            }
            if !word.quoted && option == "--dry-run" {
                ask.dry = true;
                continue;
            }
            // Behind a `!` other words are the reason, and this may be one of them.
            let only = said.is_empty() && self.words.peek().is_none();
            if !word.quoted && option.eq_ignore_ascii_case("dry") && (only || !self.glass) {
                ask.dry = true;
                continue;
            }
            let pair = word
                .text
                .split_once('=')
                .filter(|(name, _)| !name.is_empty());
            match pair {
                Some(("dry-run", value)) => {
                    ask.dry |= !value.is_empty() && self.yes_or_no("dry-run", value)?;
                    continue;
                }
                Some(("break-glass", value)) => {
                    ask.break_glass |= !value.trim().is_empty();
                    said.push(value.to_owned());
                    continue;
                }
                _ => {}
            }
            let Some((name, value)) = pair.filter(|_| !self.glass || !word.quoted) else {
                if self.glass {
                    said.push(word.text);
                    continue;
                }
                return Err(self.usage(format!("`{}`: write arguments as name=value.", word.text)));
            };
            if args.insert(name.to_owned(), value.to_owned()).is_some() {
                let what = format!("`{name}` is given twice; give it once.");
                return Err(self.wrong(&form::argument(name), what));
            }
        }
        // Looking passes over nothing.
        ask.break_glass &= !ask.dry;
        let reason = said.join(" ");
        ask.reason = Some(reason).filter(|r| !r.trim().is_empty());
        if ask.break_glass && ask.reason.is_none() {
            let what =
                "Passing over an approval needs a reason: `run! restart \"the disk is full\"`.";
            return Err(self.wrong("break-glass", what));
        }
        let id = self.about()?;
        Ok(Invocation::Run {
            id,
            action,
            args,
            ask,
        })
    }

    pub(super) fn run_number(&mut self) -> Result<(IncidentId, Option<RunId>), Usage> {
        let run = match self.words.next() {
            None => None,
            Some(word) => {
                let digits = word.text.to_lowercase();
                let digits = digits.strip_prefix("run-").unwrap_or(&digits);
                let n: i64 = digits.parse().map_err(|_| {
                    let what = format!("`run`: `{}` is no run; write `run-3`.", word.text);
                    self.wrong("run", what)
                })?;
                Some(RunId(n))
            }
        };
        Ok((self.about()?, run))
    }

    fn settle(mut self) -> Result<Invocation, Usage> {
        let how = self.words.next().map(|w| w.text.to_lowercase());
        let good = match how.as_deref() {
            Some("worked" | "good" | "ok") => true,
            Some("failed" | "bad") => false,
            _ => return Err(self.wrong("how", "`how` is missing: `worked` or `failed`.")),
        };
        let named = self.words.peek().map(|w| w.text.to_lowercase());
        let run = named.and_then(|w| w.strip_prefix("run-")?.parse().ok().map(RunId));
        if run.is_some() {
            self.words.next();
        }
        let id = self.about()?;
        let note = self.words.rest();
        Ok(Invocation::Settle {
            id,
            run,
            good,
            note,
        })
    }

    fn link(mut self) -> Result<Invocation, Usage> {
        // A form gives both words as one.
        let said = self.words.rest();
        while self.words.next().is_some() {}
        let mut said = said.split_whitespace();
        let code = said.next().map(str::to_owned);
        let confirmed = match said.next() {
            None => false,
            Some(word) if word.eq_ignore_ascii_case("confirm") => true,
            Some(word) => {
                let what = format!("`code`: write `link CODE confirm`, not `{word}`.");
                return Err(self.wrong("code", what));
            }
        };
        self.done(Invocation::Link { code, confirmed })
    }

    fn verify(mut self) -> Result<Invocation, Usage> {
        // A form gives both words as one.
        let said = self.words.rest();
        while self.words.next().is_some() {}
        let mut said = said.split_whitespace().map(str::to_owned);
        let Some(contact) = said.next() else {
            return Err(self.wrong(
                "contact",
                "`contact` is missing: name one of your contacts.",
            ));
        };
        let code = said.next();
        if let Some(extra) = said.next() {
            return Err(self.wrong(
                "code",
                format!("`code`: write `verify CONTACT CODE`, without `{extra}`."),
            ));
        }
        self.done(Invocation::Verify { contact, code })
    }

    fn help(mut self) -> Result<Invocation, Usage> {
        let verb = match self.words.next() {
            None => None,
            Some(w) => {
                let word = w.text.trim_start_matches('/');
                let leaf = tree().find(word).ok_or_else(|| unknown(word))?;
                Some(leaf.verb.clone())
            }
        };
        self.done(Invocation::Help { verb })
    }
}

/// `#42` or `inc-42`; `42` only if `bare`.
pub(super) fn number(word: &Word, bare: bool) -> Option<IncidentId> {
    if word.quoted {
        return None;
    }
    let text = word.text.as_str();
    let digits = text
        .strip_prefix('#')
        .or_else(|| text.strip_prefix("inc-"))
        .or(bare.then_some(text))?;
    if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().map(IncidentId)
}
