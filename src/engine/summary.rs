//! Summaries a language model proposes: asked for by a person, kept with what was dropped, and taken
//! over by a person or not at all.
//!
//! Promises: nothing is sent unless somebody presses a button and `[summary]` is configured; a private
//! incident is never sent unless that is allowed; what leaves has secrets masked and removed lines left
//! out; the answer decides nothing. A model that is slow or wrong holds up nothing.

use super::{Change, Engine, Failure, spawn};
use crate::core::id::{Actor, IncidentId};
use crate::core::incident::{Incident, Refusal};
use crate::core::postmortem::{Act, hash, plain_words};
use crate::core::summary::{Checked, Proposal, State, check, prompt, told};
use crate::run::masked;
use crate::share::Oracle;
use crate::store::{ChangeSet, InsightRows};
use arc_swap::ArcSwapOption;
use std::sync::Arc;

/// The section of a postmortem it is for.
const SECTION: &str = "summary";

/// What tasks share about summaries.
#[derive(Debug, Default)]
pub(super) struct Shared {
    oracle: ArcSwapOption<Oracle>,
    /// Held by whoever asks or decides.
    pub(super) one: tokio::sync::Mutex<()>,
}

fn invalid(why: &str) -> Failure {
    Failure::Refused(Refusal::Invalid {
        why: why.to_owned(),
    })
}

impl Engine {
    /// The model that may be asked from now on; `None`: none.
    pub fn summarise_with(&self, oracle: Option<Oracle>) {
        self.0.summaries.oracle.store(oracle.map(Arc::new));
    }

    /// Name of the model and of its machine; `None`: none is configured.
    #[must_use]
    pub fn summariser(&self) -> Option<(String, String)> {
        let oracle = self.0.summaries.oracle.load_full()?;
        Some((oracle.settings.model.clone(), oracle.settings.host()))
    }

    /// Asks the model for a summary of an incident. It is answered in the background: the proposal is
    /// `asking` until then.
    ///
    /// # Errors
    /// A refusal in words, or `Unavailable` when nothing could be stored.
    pub async fn ask_summary(&self, id: IncidentId, by: &Actor) -> Result<String, Failure> {
        let _one = self.0.summaries.one.lock().await;
        let oracle = self.0.summaries.oracle.load_full().ok_or_else(|| {
            invalid("No model is configured; [summary] in firebell.toml does that.")
        })?;
        let journal = self.store().journal(id).await?;
        if journal.is_empty() {
            return Err(Refusal::NoSuchIncident.into());
        }
        let incident = Incident::replay(id, &journal);
        if incident.nature.private && !oracle.settings.private {
            return Err(invalid(
                "This incident is private, and [summary] of firebell.toml does not allow to send private ones. Nothing was sent.",
            ));
        }
        let salt = uuid::Uuid::new_v4().simple().to_string();
        let asked = prompt(&journal, oracle.settings.input_chars, &salt, &|t| masked(t));
        let proposal = Proposal {
            state: State::Asking,
            asked_by: by.name().to_owned(),
            at: self.now(),
            seq: journal.last().map_or(0, |r| r.seq),
            model: oracle.settings.model.clone(),
            host: oracle.settings.host(),
            lines: asked.lines.len(),
            left_out: asked.left_out,
            ..Proposal::default()
        };
        self.keep_proposal(id, &proposal).await?;
        let engine = self.clone();
        spawn(async move {
            let answer = oracle.ask(&asked).await;
            let mut proposal = proposal;
            match answer {
                Ok(text) => {
                    proposal.checked = check(&text, &asked.lines);
                    proposal.state = State::Proposed;
                    if proposal.checked.sentences.is_empty() {
                        proposal.state = State::Failed;
                        "nothing of the answer cites a line of the timeline"
                            .clone_into(&mut proposal.error);
                    }
                }
                Err(fault) => {
                    proposal.state = State::Failed;
                    proposal.checked = Checked::default();
                    proposal.error = crate::core::text::cut(&fault.why, 300);
                }
            }
            engine.answered_summary(id, proposal).await;
        });
        Ok(format!(
            "{} at {} is asked; its answer changes nothing until somebody takes it over.",
            self.summariser().map_or(String::new(), |(m, _)| m),
            self.summariser().map_or(String::new(), |(_, h)| h)
        ))
    }

    /// Keeps an answer, unless another question was asked meanwhile.
    async fn answered_summary(&self, id: IncidentId, proposal: Proposal) {
        let _one = self.0.summaries.one.lock().await;
        let still = match self.store().proposal(id).await {
            Ok(Some(now)) => now.state == State::Asking && now.at == proposal.at,
            Ok(None) => false,
            Err(fault) => {
                tracing::warn!(incident = id.0, %fault, "a proposed summary could not be kept");
                return;
            }
        };
        if still && let Err(failure) = self.keep_proposal(id, &proposal).await {
            tracing::warn!(incident = id.0, %failure, "a proposed summary could not be kept");
        }
    }

    /// What is proposed, in words.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be read.
    pub async fn summary_told(&self, id: IncidentId) -> Result<String, Failure> {
        let proposal = self.store().proposal(id).await?;
        Ok(match (proposal, self.summariser()) {
            (Some(proposal), _) => told(id, &proposal),
            (None, Some((model, host))) => format!(
                "Nobody has asked for a summary of {id}. `summary {id} ask` sends its timeline to {model} at {host}, with secrets masked."
            ),
            (None, None) => {
                "No model is configured; [summary] in firebell.toml does that.".to_owned()
            }
        })
    }

    /// Takes a proposal over in these words, or as it was proposed.
    ///
    /// # Errors
    /// A refusal in words, or `Unavailable` when nothing could be stored.
    pub async fn accept_summary(
        &self,
        id: IncidentId,
        words: Option<&str>,
        by: &Actor,
    ) -> Result<String, Failure> {
        let proposed = match words {
            Some(words) => words.to_owned(),
            None => {
                let found = self.store().proposal(id).await?;
                found.map_or_else(String::new, |p| p.text())
            }
        };
        self.decide_summary(id, Some(&proposed), by).await
    }

    /// Takes a proposal over as the section of the postmortem, in these words, or turns it down
    /// (`None`).
    ///
    /// # Errors
    /// A refusal in words, or `Unavailable` when nothing could be stored.
    pub async fn decide_summary(
        &self,
        id: IncidentId,
        words: Option<&str>,
        by: &Actor,
    ) -> Result<String, Failure> {
        let _one = self.0.summaries.one.lock().await;
        let proposal = self.store().proposal(id).await?;
        let mut proposal = proposal
            .filter(|p| p.state == State::Proposed)
            .ok_or_else(|| {
                let what = "No proposed summary waits for anybody; nothing was changed.".to_owned();
                Failure::Refused(Refusal::NothingToDo { what })
            })?;
        let said = match words.map(str::trim) {
            None => {
                proposal.state = State::Rejected;
                "The proposal was turned down; the summary stays as it is.".to_owned()
            }
            Some("") => return Err(invalid("There are no words to take over.")),
            Some(words) => {
                let read = self.postmortem(id).await?.ok_or(Refusal::NoSuchIncident)?;
                let section = read
                    .document
                    .section(SECTION)
                    .ok_or_else(|| invalid("The postmortem has no summary."))?;
                let act = Act::Edit {
                    anchor: SECTION.to_owned(),
                    base: section.base.clone(),
                    from: hash(&section.text),
                    now: section.text.clone(),
                    // Words, whatever they look like.
                    text: plain_words(words),
                };
                let said = self.amend(id, act, by).await?;
                proposal.state = State::Accepted;
                said
            }
        };
        by.name().clone_into(&mut proposal.decided_by);
        self.keep_proposal(id, &proposal).await?;
        Ok(said)
    }

    pub(super) async fn keep_proposal(
        &self,
        id: IncidentId,
        proposal: &Proposal,
    ) -> Result<(), Failure> {
        let rows = InsightRows {
            proposals: [(id, proposal.clone())].into(),
            ..InsightRows::default()
        };
        self.write(ChangeSet {
            insight: rows,
            ..ChangeSet::default()
        })
        .await?;
        self.announce(Change::Incident(id));
        Ok(())
    }
}
