//! Runs from a line or a button: ask, approve, reject, stop, settle.

use super::{Desk, Reply};
use crate::chat::grammar::Invocation;
use crate::chat::words;
use crate::core::action;
use crate::core::id::{IncidentId, RunId};
use crate::core::incident::{Ask, Command, Incident, Outcome, Refusal, Run, RunState};
use crate::engine::Failure;
use std::collections::BTreeMap;

impl Desk<'_> {
    /// An act on a run; of anything else it says nothing.
    pub(super) async fn about_a_run(&self, act: Invocation) -> Reply {
        match act {
            Invocation::Run {
                id,
                action,
                args,
                ask,
            } => self.run(id, &action, args, ask).await,
            Invocation::Approve { id, run } => self.approve(id, run, None).await,
            Invocation::Reject { id, run } => self.reject(id, run).await,
            Invocation::Stop { id, run } => self.stop(id, run).await,
            Invocation::Check { id, run } => self.check(id, run).await,
            Invocation::Settle {
                id,
                run,
                good,
                note,
            } => self.settle(id, run, good, note).await,
            other => Reply::no(None, format!("`{}` is not about a run.", other.verb())),
        }
    }

    pub(super) async fn run(
        &self,
        id: IncidentId,
        name: &str,
        args: BTreeMap<String, String>,
        ask: Ask,
    ) -> Reply {
        let Some(wanted) = self.directory.actions.get(name) else {
            return Reply::no(
                Some(id),
                format!("The action `{name}` is no longer configured."),
            );
        };
        let bare = args.is_empty();
        let typed = wanted
            .args
            .iter()
            .any(|a| a.from_label.is_none() && a.default.is_none());
        if bare && typed {
            return Reply::no(Some(id), words::needs_values(id, wanted));
        }
        let command = self.through(
            Command::AskRun {
                by: self.who.clone(),
                run: self.next_run(),
                action: wanted.clone(),
                args,
                ask,
            },
            None,
        );
        match self.submit(self.cause, id, command).await {
            Ok((done, incident)) => {
                // Found by its event: a repeated cause gets the run of the first time.
                let asked = incident.run_asked_by(done.seq);
                let said = asked.map_or_else(
                    || format!("“{}” was asked for.", wanted.title),
                    |(run, r)| words::run_asked(run, &incident, r, &self.directory, self.now),
                );
                Reply::yes(Some(id), said)
            }
            Err(Failure::Refused(busy @ Refusal::Busy { .. })) => {
                Reply::no(Some(id), self.with_holder(&busy.into()))
            }
            Err(no) => Reply::no(Some(id), self.with_offer(id, no.to_string()).await),
        }
    }

    /// A refused action is answered with the ones that fit.
    async fn with_offer(&self, id: IncidentId, said: String) -> String {
        let Ok(incident) = self.look(id).await else {
            return said;
        };
        let labels = incident.labels();
        let fits = self
            .directory
            .actions
            .values()
            .filter(|a| action::offered(a, incident.service.as_deref(), &labels).is_ok());
        let names: Vec<String> = fits.map(|a| format!("`{}`", a.id)).collect();
        if names.is_empty() {
            return format!("{said} No action is offered on {id}.");
        }
        format!(
            "{said} Offered on {id}: {}.",
            crate::core::text::list(&names)
        )
    }

    /// The command as it came in through this door.
    pub(super) fn through(&self, command: Command, seen: Option<String>) -> Command {
        Command::Through {
            door: self.platform.to_owned(),
            seen,
            command: Box::new(command),
        }
    }

    /// `seen`: the subject the button was drawn with.
    pub(super) async fn approve(
        &self,
        id: IncidentId,
        run: Option<RunId>,
        seen: Option<String>,
    ) -> Reply {
        let run = match self.waiting(id, run).await {
            Ok(run) => run,
            Err(reply) => return reply,
        };
        let by = self.who.clone();
        let command = self.through(Command::ApproveRun { by, run }, seen);
        let (directory, now) = (self.directory.clone(), self.now);
        let said = |i: &Incident| {
            i.runs.get(&run).map_or_else(
                || format!("{run} is approved."),
                |r| words::approved(run, i, r, &directory, now),
            )
        };
        self.act(id, command, said).await
    }

    pub(super) async fn reject(&self, id: IncidentId, run: Option<RunId>) -> Reply {
        let run = match self.waiting(id, run).await {
            Ok(run) => run,
            Err(reply) => return reply,
        };
        let by = self.who.clone();
        let command = self.through(Command::RejectRun { by, run }, None);
        self.act(id, command, |_| format!("{run} will not run."))
            .await
    }

    pub(super) async fn stop(&self, id: IncidentId, run: Option<RunId>) -> Reply {
        let under_way = |r: &Run| {
            matches!(
                r.state,
                RunState::Armed { .. }
                    | RunState::Queued { .. }
                    | RunState::Released
                    | RunState::Running
            )
        };
        let run = match self.one_of(id, run, "runs", under_way).await {
            Ok(run) => run,
            Err(reply) => return reply,
        };
        let command = Command::CancelRun {
            by: self.who.clone(),
            run,
        };
        let said = |i: &Incident| match i.runs.get(&run).map(|r| &r.state) {
            Some(RunState::Ended(_)) => format!("{run} will not run."),
            _ => format!("{run} was asked to stop."),
        };
        self.act(id, command, said).await
    }

    /// Runs what the action's file names to look how a run went.
    async fn check(&self, id: IncidentId, run: Option<RunId>) -> Reply {
        let run = match self.unknown(id, run).await {
            Ok(run) => run,
            Err(reply) => return reply,
        };
        let incident = match self.look(id).await {
            Ok(incident) => incident,
            Err(failure) => return Reply::no(Some(id), failure.to_string()),
        };
        let Some(checked) = incident.runs.get(&run) else {
            return Reply::no(Some(id), format!("{run} is not a run of {id}."));
        };
        let (check, args) = match action::check_of(checked, &self.directory) {
            Ok(found) => found,
            Err(why) => return Reply::no(Some(id), why),
        };
        let ask = Ask {
            checks: Some(run),
            reason: Some(format!("looks how {run} went")),
            ..Ask::default()
        };
        self.run(id, &check.id, args, ask).await
    }

    /// The run given, else the only one of which nobody knows how it went.
    async fn unknown(&self, id: IncidentId, run: Option<RunId>) -> Result<RunId, Reply> {
        let unknown = |r: &Run| {
            matches!(r.state, RunState::Ended(Outcome::Unknown { .. })) && r.settled.is_none()
        };
        self.one_of(id, run, "has an unknown outcome", unknown)
            .await
    }

    pub(super) async fn settle(
        &self,
        id: IncidentId,
        run: Option<RunId>,
        good: bool,
        note: String,
    ) -> Reply {
        let run = match self.unknown(id, run).await {
            Ok(run) => run,
            Err(reply) => return reply,
        };
        let command = Command::SettleRun {
            by: self.who.clone(),
            run,
            good,
            note,
        };
        let how = if good { "worked" } else { "did not work" };
        let said = |_: &Incident| format!("{run} is settled: it {how}. Its keys are free.");
        self.act(id, command, said).await
    }

    /// The run given, else the only one that fits.
    async fn one_of(
        &self,
        id: IncidentId,
        run: Option<RunId>,
        what: &str,
        fits: impl Fn(&Run) -> bool,
    ) -> Result<RunId, Reply> {
        if let Some(run) = run {
            return Ok(run);
        }
        let incident = self.look(id).await;
        let incident = incident.map_err(|failure| Reply::no(Some(id), failure.to_string()))?;
        let found: Vec<_> = incident.runs.iter().filter(|(_, r)| fits(r)).collect();
        match found.as_slice() {
            [(only, _)] => Ok(**only),
            [] => Err(Reply::no(Some(id), format!("No run of {id} {what}."))),
            several => {
                let named: Vec<String> = several
                    .iter()
                    .map(|(n, r)| format!("{n} “{}”", r.title))
                    .collect();
                let said = format!("Which? {}.", crate::core::text::list(&named));
                Err(Reply::no(Some(id), said))
            }
        }
    }

    /// The run that is meant: the one given, else the only one that waits.
    async fn waiting(&self, id: IncidentId, run: Option<RunId>) -> Result<RunId, Reply> {
        if let Some(run) = run {
            return Ok(run);
        }
        let incident = self
            .look(id)
            .await
            .map_err(|failure| Reply::no(Some(id), failure.to_string()))?;
        let waiting: Vec<RunId> = incident.waiting_runs().map(|(run, _)| *run).collect();
        match waiting.as_slice() {
            [only] => Ok(*only),
            _ => Err(Reply::no(Some(id), words::which_run(&incident))),
        }
    }
}
