//! `automation`: what runs by itself.

use super::line::Line;
use super::{Invocation, Usage};

impl Line<'_> {
    /// `automation off web-restart it made things worse`: an action's id behind the word means that
    /// one alone, everything after it is the reason.
    pub(super) fn automation(mut self) -> Result<Invocation, Usage> {
        let on = match self.words.next().map(|w| w.text.to_lowercase()).as_deref() {
            None | Some("status") => None,
            Some("on") => Some(true),
            Some("off") => Some(false),
            Some(other) => {
                let what = format!("`what`: `{other}` is none of `on`, `off` and `status`.");
                return Err(self.wrong("what", what));
            }
        };
        if on.is_none() {
            return self.done(Invocation::Automation {
                on,
                action: None,
                why: String::new(),
            });
        }
        let known = |word: &str| {
            let named = word.strip_prefix("action=").unwrap_or(word);
            let actions = &self.context.directory.actions;
            actions.contains_key(named).then(|| named.to_owned())
        };
        let first = self.words.peek().filter(|w| !w.quoted);
        let action = first.as_ref().and_then(|w| known(&w.text));
        if let Some(word) = first.filter(|w| action.is_none() && w.text.starts_with("action=")) {
            let what = format!("`action`: there is no `{}`.", &word.text["action=".len()..]);
            return Err(self.wrong("action", what));
        }
        if action.is_some() {
            self.words.next();
        }
        Ok(Invocation::Automation {
            on,
            action,
            why: self.words.rest(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Context, Invocation, parse};
    use crate::chat::fixture::{at, directory};
    use crate::core::id::{IncidentId, RunId};
    use chrono_tz::Tz;

    fn read(text: &str) -> Result<Invocation, String> {
        let directory = directory();
        let context = Context {
            directory: &directory,
            now: at("2026-11-22T14:30:00Z"),
            zone: Tz::UTC,
            here: Some(IncidentId(7)),
        };
        parse(text, &context).map_err(|usage| usage.what)
    }

    #[expect(clippy::unnecessary_wraps, reason = "compared with what was read")]
    fn switch(on: Option<bool>, action: Option<&str>, why: &str) -> Result<Invocation, String> {
        Ok(Invocation::Automation {
            on,
            action: action.map(str::to_owned),
            why: why.to_owned(),
        })
    }

    #[test]
    fn an_action_behind_the_word_means_that_one_alone_and_the_rest_is_the_reason() {
        assert_eq!(read("automation"), switch(None, None, ""));
        assert_eq!(read("automation status"), switch(None, None, ""));
        assert_eq!(read("automation off"), switch(Some(false), None, ""));
        assert_eq!(
            read("automation off it made things worse"),
            switch(Some(false), None, "it made things worse")
        );
        assert_eq!(
            read("automation off restart twice in vain"),
            switch(Some(false), Some("restart"), "twice in vain")
        );
        assert_eq!(
            read("automation on action=restart"),
            switch(Some(true), Some("restart"), "")
        );
        assert!(
            read("automation maybe")
                .unwrap_err()
                .contains("`maybe` is none of")
        );
        assert!(
            read("automation on action=nowhere")
                .unwrap_err()
                .contains("there is no `nowhere`")
        );
        assert!(
            read("automation status now").is_err(),
            "a word too much is refused"
        );
    }

    #[test]
    fn undo_of_a_run_is_what_undoes_it_and_of_an_incident_its_reopening() {
        let undo = Invocation::Undo {
            id: IncidentId(42),
            run: Some(RunId(3)),
        };
        assert_eq!(read("rollback #42 run-3"), Ok(undo.clone()));
        assert_eq!(read("undo #42 run-3"), Ok(undo));
        assert_eq!(
            read("undo #42"),
            Ok(Invocation::Reopen { id: IncidentId(42) })
        );
        let last = Invocation::Undo {
            id: IncidentId(7),
            run: None,
        };
        assert_eq!(read("rollback"), Ok(last));
    }
}
