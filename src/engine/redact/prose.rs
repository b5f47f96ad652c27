//! Removal for good from a postmortem: removed words go from what people wrote and from every earlier
//! revision of it, and a whole section goes by its name.

use super::{Engine, Failure, permitted, words};
use crate::core::id::{Actor, IncidentId};
use crate::core::incident::{Command, Record, Refusal};
use crate::core::postmortem::Written;
use crate::store::{ChangeSet, PostmortemRow, RevisionRow};

impl Engine {
    /// Takes what these records say out of the postmortem; answers in how many of its states it stood.
    pub(super) async fn forget_words(
        &self,
        id: IncidentId,
        gone: &[&Record],
    ) -> Result<usize, Failure> {
        let words = words(gone);
        if words.is_empty() {
            return Ok(0);
        }
        let without = |w: &Written| w.without(&words);
        self.rewrite(id, &without, &|what| words.are_in(what)).await
    }

    /// Removes all that people wrote into a section of a postmortem, with every revision of it; answers
    /// what was done, in words. The same cause is the same act.
    ///
    /// # Errors
    /// A refusal in words, or `Unavailable`.
    pub async fn redact_section(
        &self,
        cause: &str,
        by: &Actor,
        (id, anchor): (IncidentId, &str),
        why: &str,
    ) -> Result<String, Failure> {
        let read = self.postmortem(id).await?.ok_or(Refusal::NoSuchIncident)?;
        let invalid = |why: String| Failure::Refused(Refusal::Invalid { why });
        let title = match read.document.section(anchor) {
            Some(section) => section.title.clone(),
            None => return Err(invalid(format!("A postmortem has no section `{anchor}`."))),
        };
        let again = self.store().answered(cause).await?.is_some();
        if !again {
            let authors = self.authors(id, anchor, &read.written).await?;
            if authors.is_empty() {
                return Err(Failure::Refused(Refusal::NothingToDo {
                    what: format!("Nobody has written anything into “{title}”."),
                }));
            }
            permitted(by, &authors, &self.directory())?;
            if why.trim().is_empty() {
                return Err(invalid("Say why it is removed.".to_owned()));
            }
        }
        self.begin_scour((id, anchor), cause).await?;
        if !again {
            let command = Command::RedactBeside {
                by: by.clone(),
                what: format!("what people wrote in “{title}” of the postmortem"),
                why: why.to_owned(),
            };
            self.submit(cause, id, command).await?;
        }
        self.forget_section(id, anchor).await?;
        self.scour(id, &[]).await?;
        self.end_scour((id, anchor), cause).await?;
        Ok(format!(
            "What people wrote in “{title}” was removed for good from the postmortem of {id}, with its revisions; documents elsewhere are sent again."
        ))
    }

    pub(super) async fn forget_section(
        &self,
        id: IncidentId,
        anchor: &str,
    ) -> Result<usize, Failure> {
        let without = |w: &Written| w.without_section(anchor);
        self.rewrite(id, &without, &|_| false).await
    }

    /// Everybody who ever wrote words into a section.
    async fn authors(
        &self,
        id: IncidentId,
        anchor: &str,
        now: &Written,
    ) -> Result<Vec<Actor>, Failure> {
        let revisions = self.store().revisions(id).await?;
        let states = revisions.iter().map(|r| &r.written).chain([now]);
        let prose = states.filter_map(|w| w.sections.get(anchor));
        let mut all: Vec<Actor> = Vec::new();
        for by in prose.map(|p| &p.by) {
            if !all.iter().any(|a| a.same(by)) {
                all.push(by.clone());
            }
        }
        Ok(all)
    }

    /// Puts other words in the place of what is stored of a postmortem and all of its revisions; answers
    /// how many states that were. `telling`: whether what a revision says it did bears them.
    async fn rewrite(
        &self,
        id: IncidentId,
        without: &(dyn Fn(&Written) -> Option<Written> + Sync),
        telling: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<usize, Failure> {
        let _one = self.0.after.write.lock().await;
        let mut changes = ChangeSet::default();
        if let Some(row) = self.store().postmortem(id).await?
            && let Some(written) = without(&row.written)
        {
            changes.postmortems.push(PostmortemRow { written, ..row });
        }
        for row in self.store().revisions(id).await? {
            let told = telling(&row.what);
            let Some(written) = without(&row.written).or_else(|| told.then(|| row.written.clone()))
            else {
                continue;
            };
            let what = if told {
                super::GONE.to_owned()
            } else {
                row.what.clone()
            };
            changes.revisions_rewritten.push(RevisionRow {
                what,
                written,
                ..row
            });
        }
        let states = changes.postmortems.len() + changes.revisions_rewritten.len();
        if states > 0 {
            self.write(changes).await?;
        }
        Ok(states)
    }
}
