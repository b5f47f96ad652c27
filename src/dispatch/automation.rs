//! What runs by itself, one click, and undoing: from a line or a button.

use super::{Desk, Reply};
use crate::chat::words;
use crate::core::action::undo;
use crate::core::automation::{self, level};
use crate::core::directory::AutoLevel;
use crate::core::id::{IncidentId, RunId};
use crate::core::incident::{Ask, Command, Outcome, RunState};
use crate::engine::{AutomationAct, Failure};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Desk<'_> {
    /// `automation on|off|status`; `on` absent: only tells.
    pub(super) async fn automation(
        &self,
        on: Option<bool>,
        action: Option<String>,
        why: String,
    ) -> Reply {
        let Some(on) = on else {
            let text = automation::status(&self.directory);
            return Reply::yes(None, text);
        };
        let act = AutomationAct {
            cause: self.cause.to_owned(),
            by: self.who.clone(),
            action,
            on,
            why,
        };
        match self.engine.automate(act).await {
            Ok(said) => Reply::yes(None, said).aloud(),
            Err(failure) => Reply::no(None, failure.to_string()),
        }
    }

    /// The action's one click: asks for the run and confirms it, with its arguments filled in. The
    /// rules are asked again here, because a card may be older than they are.
    pub(super) async fn run_now(&self, id: IncidentId, name: &str) -> Reply {
        let incident = match self.look(id).await {
            Ok(incident) => incident,
            Err(failure) => return Reply::no(Some(id), failure.to_string()),
        };
        let Some(action) = self.directory.actions.get(name) else {
            let gone = format!("The action `{name}` is no longer configured.");
            return Reply::no(Some(id), gone);
        };
        if level(&self.directory, &incident, action, self.now) < AutoLevel::OneClick {
            return self.run(id, name, BTreeMap::new(), Ask::default()).await;
        }
        let ask = Command::AskRun {
            by: self.who.clone(),
            run: self.next_run(),
            action: action.clone(),
            args: BTreeMap::new(),
            ask: Ask {
                auto: Some(AutoLevel::OneClick),
                ..Ask::default()
            },
        };
        let ask = self.through(ask, None);
        let (done, incident) = match self.submit(self.cause, id, ask).await {
            Ok(asked) => asked,
            Err(failure) => return Reply::no(Some(id), self.with_holder(&failure)),
        };
        let Some((run, _)) = incident.run_asked_by(done.seq) else {
            return Reply::no(Some(id), format!("“{}” was asked for.", action.title));
        };
        let approve = Command::ApproveRun {
            by: self.who.clone(),
            run,
        };
        let cause = format!("{}:now", self.cause);
        let approve = self.through(approve, None);
        match self.submit(&cause, id, approve).await {
            Ok((_, incident)) => {
                let said = incident
                    .runs
                    .get(&run)
                    .map(|r| words::approved(run, &incident, r, &self.directory, self.now));
                Reply::yes(Some(id), said.unwrap_or_default())
            }
            Err(failure) => Reply::no(Some(id), self.with_holder(&failure)),
        }
    }

    /// Asks for what undoes a run, with its arguments bound; it goes the ordinary way from there.
    pub(super) async fn undo(&self, id: IncidentId, run: Option<RunId>) -> Reply {
        let incident = match self.look(id).await {
            Ok(incident) => incident,
            Err(failure) => return Reply::no(Some(id), failure.to_string()),
        };
        let way = |action: &str| {
            let action = self.directory.actions.get(action)?;
            action.rollback.as_ref()
        };
        let over = |(_, r): &(&RunId, &Arc<crate::core::incident::Run>)| {
            let ran =
                matches!(&r.state, RunState::Ended(o) if !matches!(o, Outcome::NotStarted { .. }));
            ran && way(&r.action).is_some()
        };
        let found = match run {
            Some(run) => incident.runs.get_key_value(&run),
            None => incident.runs.iter().rfind(over),
        };
        let Some((run, ran)) = found else {
            let what = match run {
                Some(run) => format!("{run} is not a run of {id}."),
                None => format!("No run of {id} has an action that undoes it."),
            };
            return Reply::no(Some(id), what);
        };
        let Some(rollback) = way(&ran.action) else {
            let what = format!("`{}` names nothing that undoes it.", ran.action);
            return Reply::no(Some(id), what);
        };
        let Some(action) = self.directory.actions.get(&rollback.action) else {
            let what = format!("`{}`, which undoes it, is not configured.", rollback.action);
            return Reply::no(Some(id), what);
        };
        let args = match undo(rollback, &ran.terms.args) {
            Ok(args) => args,
            Err(why) => return Reply::no(Some(id), format!("{run} cannot be undone: {why}.")),
        };
        let ask = Command::AskRun {
            by: self.who.clone(),
            run: self.next_run(),
            action: action.clone(),
            args,
            ask: Ask {
                undoes: Some(*run),
                reason: Some(format!("undoes {run}")),
                ..Ask::default()
            },
        };
        let ask = self.through(ask, None);
        match self.submit(self.cause, id, ask).await {
            Ok((done, incident)) => {
                let asked = incident.run_asked_by(done.seq);
                let said = asked.map_or_else(
                    || format!("“{}” was asked for.", action.title),
                    |(run, r)| words::run_asked(run, &incident, r, &self.directory, self.now),
                );
                Reply::yes(Some(id), said)
            }
            Err(failure) => Reply::no(Some(id), self.with_holder(&failure)),
        }
    }

    /// A refusal for a key that is held leads to its holder.
    pub(super) fn with_holder(&self, failure: &Failure) -> String {
        match failure {
            Failure::Refused(crate::core::incident::Refusal::Busy { why, incident }) => {
                format!(
                    "{why} {}/incidents/{}",
                    self.engine.public_url(),
                    incident.0
                )
            }
            failure => failure.to_string(),
        }
    }
}
