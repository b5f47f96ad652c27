//! Runs as the API shows them: what the journal decided, joined with what the program did.

use super::shape::names;
use crate::core::incident::{Incident, Run, RunState};
use crate::core::time::Time;
use crate::store::RunRow;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// One run of a runbook action.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RunOut {
    /// Its number.
    pub id: i64,
    /// Action id.
    #[schema(example = "restart-checkout")]
    pub action: String,
    /// Title then.
    pub title: String,
    /// Exactly what is (or was) started.
    pub argv: Vec<String>,
    /// SHA-256 of the action's file then.
    pub digest: String,
    /// `asked`, `released`, `running`, `succeeded`, `failed`, `killed`, `timed out`, `not started` or `unknown`.
    #[schema(example = "succeeded")]
    pub state: String,
    /// Who asked.
    pub asked_by: String,
    /// Approvals by other people that are needed.
    pub approvals_needed: u8,
    /// Who approved.
    pub approved_by: Vec<String>,
    /// What it still needs, in words; empty: nothing, or it does not wait. Only of a single run.
    #[schema(example = "1 approval by web-oncall")]
    pub missing: String,
    /// SHA-256 over everything an approval is bound to.
    pub subject: String,
    /// Where it runs.
    #[schema(example = "this machine")]
    pub target: String,
    /// `diagnostic` or `remediation`.
    pub class: Option<String>,
    /// `low`, `medium` or `high`.
    pub risk: Option<String>,
    /// The environment the incident's labels name.
    pub environment: Option<String>,
    /// Why, in the requester's words.
    pub reason: Option<String>,
    /// The approval was passed over in an emergency.
    pub break_glass: bool,
    /// Only its dry run: `argv` looks and changes nothing.
    pub dry_run: bool,
    /// The run it looks for, whose outcome nobody knew.
    pub checks: Option<i64>,
    /// Somebody looked and settled its unknown outcome: whether it did what it should.
    pub settled_good: Option<bool>,
    /// Who did.
    pub settled_by: Option<String>,
    /// What the rules said when it was asked for, rule by rule.
    pub verdict: Vec<String>,
    /// The last lines its only-look mode wrote. Program text: do not trust it.
    pub rehearsed: Option<String>,
    /// When the request lapses, while it waits.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// When the program was started.
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// When it ended.
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// What it wrote, masked and capped. Program text: do not trust it.
    pub output: String,
    /// Bytes it wrote in all.
    pub output_bytes: i64,
}

/// The runs of an incident, in the order asked for.
#[must_use]
pub fn runs_of(incident: &Incident, rows: Vec<RunRow>) -> Vec<RunOut> {
    let mut rows: BTreeMap<i64, RunRow> = rows.into_iter().map(|r| (r.id.0, r)).collect();
    incident
        .runs
        .iter()
        .map(|(id, run)| run_of(id.0, run, rows.remove(&id.0)))
        .collect()
}

pub(super) fn run_of(id: i64, run: &Run, row: Option<RunRow>) -> RunOut {
    let (state, expires) = match &run.state {
        RunState::Asked { expires } => ("asked", Some(*expires)),
        RunState::Armed { start } => ("armed", Some(*start)),
        RunState::Queued { until } => ("queued", Some(*until)),
        RunState::Released => ("released", None),
        RunState::Running => ("running", None),
        RunState::Ended(outcome) => (outcome.word(), None),
    };
    RunOut {
        id,
        action: run.action.clone(),
        title: run.title.clone(),
        argv: run.argv.clone(),
        digest: run.digest.clone(),
        state: state.to_owned(),
        asked_by: run.by.name().to_owned(),
        approvals_needed: run.needs,
        approved_by: names(&run.approved),
        missing: String::new(),
        subject: run.terms.subject.clone(),
        target: run.terms.target.clone(),
        class: run.terms.class.map(|c| c.word().to_owned()),
        risk: run.terms.risk.map(|r| r.word().to_owned()),
        environment: run.terms.environment.clone(),
        reason: run.terms.reason.clone(),
        break_glass: run.terms.break_glass,
        dry_run: run.terms.dry,
        checks: run.terms.checks.map(|r| r.0),
        settled_good: run.settled.as_ref().map(|(_, good)| *good),
        settled_by: run.settled.as_ref().map(|(by, _)| by.name().to_owned()),
        verdict: run.terms.verdict.clone(),
        rehearsed: run.rehearsed.as_ref().map(|(_, tail)| tail.clone()),
        expires_at: expires.map(Time::rfc3339),
        started_at: row.as_ref().map(|r| r.started_at.rfc3339()),
        ended_at: row.as_ref().and_then(|r| r.ended_at).map(Time::rfc3339),
        output_bytes: row.as_ref().map_or(0, |r| r.bytes),
        output: row.map_or_else(String::new, |r| r.output),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::id::{Actor, RunId};

    #[test]
    fn a_run_that_was_never_started_is_listed_too() {
        let mut incident = Incident::default();
        let run = Run {
            action: "restart".to_owned(),
            title: "Restart".to_owned(),
            argv: vec!["/bin/true".to_owned()],
            digest: "d".to_owned(),
            by: Actor::Firebell,
            needs: 1,
            approved: Vec::new(),
            approved_at: None,
            state: RunState::Asked { expires: Time(0) },
            asked_seq: 2,
            asked_at: Time(0),
            ended_at: None,
            terms: Box::default(),
            rehearsed: None,
            rehearsed_seq: 0,
            cancel: None,
            settled: None,
            seen: None,
            ended_seq: 0,
        };
        incident.runs.insert(RunId(7), std::sync::Arc::new(run));
        let listed = runs_of(&incident, Vec::new());
        assert_eq!(listed.len(), 1);
        assert_eq!((listed[0].id, listed[0].state.as_str()), (7, "asked"));
        assert_eq!(
            listed[0].expires_at.as_deref(),
            Some("1970-01-01T00:00:00.000Z")
        );
        assert_eq!(listed[0].started_at, None);
    }
}
