//! A released run as an executor gets it, checked once more against what was agreed on.

use crate::core::action;
use crate::core::directory::Action;
use crate::core::id::RunId;
use crate::core::incident::Incident;
use crate::core::verdict;
use crate::engine::Engine;
use crate::run::port::Job;
use std::sync::Arc;

/// A run that can be asked for, and perhaps why it must not be started any more.
pub(super) struct Checked {
    pub job: Job,
    pub stale: Option<String>,
}

impl Checked {
    /// The job of the n-th try: each is a run of its own for its executor.
    pub fn attempt(&self, n: u32) -> Job {
        match n {
            0 | 1 => self.job.clone(),
            n => Job {
                key: format!("{}-t{n}", self.job.key),
                ..self.job.clone()
            },
        }
    }
}

/// The job of a run. What is started is what everybody saw: the argv of the journal, under the limits
/// of the same version of the file. `old`: it may have been started already, and then it is only
/// asked about, whatever the files say now.
///
/// # Errors
/// Why there is nobody to ask.
pub(super) fn check(
    engine: &Engine,
    incident: &Incident,
    run: RunId,
    old: bool,
) -> Result<Checked, String> {
    let asked = incident
        .runs
        .get(&run)
        .ok_or("the run is not in the journal")?;
    let known = engine.directory().actions.get(&asked.action).cloned();
    let (action, stale) = match known {
        // The action has moved while its run was under way: whoever would be asked knows nothing of
        // it, and "not there" would be no proof. Journals older than the terms name no target.
        Some(action)
            if old
                && !asked.terms.target.is_empty()
                && !action::reaches(&action.how, &asked.terms.target) =>
        {
            return Err(format!(
                "it was started on {}, and the file of {} says something else by now; look there",
                asked.terms.target, asked.action
            ));
        }
        Some(action) => {
            // Files, rules, roles and time go on between the release and the start.
            let good = verdict::still_good(incident, run, &engine.directory(), engine.now());
            let stale = good.err();
            (action, stale)
        }
        None => {
            let why = format!("{} is no longer configured", asked.action);
            // A program of this machine can be asked about without its file.
            if !old || asked.terms.target != "this machine" {
                return Err(why);
            }
            (Arc::new(Action::of_program(&asked.action, &[])), Some(why))
        }
    };
    let looking = asked.terms.dry.then(|| action.looking()).flatten();
    let action = looking.map_or(action, Arc::new);
    Ok(Checked {
        job: Job {
            run,
            incident: incident.id,
            key: key(engine, run),
            subject: asked.terms.subject.clone(),
            action,
            argv: asked.argv.clone(),
            args: asked.terms.args.clone(),
            rehearsal: asked.terms.dry,
        },
        stale,
    })
}

/// Unique for this run of this installation.
pub(in crate::engine) fn key(engine: &Engine, run: RunId) -> String {
    format!("fb-{}-{}", engine.0.installation, run.0)
}
