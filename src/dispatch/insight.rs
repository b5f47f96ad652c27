//! What was changed, and what past incidents tell.

use super::{Desk, Reply, unreadable};
use crate::chat::grammar::Summarise;
use crate::core::analytics::{Asked, told};
use crate::core::change;
use crate::core::id::{Actor, IncidentId};
use crate::core::text::count;
use crate::engine::counted;
use crate::store::ChangeQuery;

/// Changes an answer lists; the console has the rest.
const LISTED: i64 = 15;

impl Desk<'_> {
    /// What the console's page shows, in words.
    pub(super) async fn analytics(&self, asked: &Asked) -> Reply {
        match counted(self.engine.store(), &self.directory, asked, self.now).await {
            Ok(report) => {
                let words = told(&self.directory, &report);
                let url = self.engine.public_url();
                Reply::yes(None, format!("{words}\nMore on {url}/analytics."))
            }
            Err(fault) => unreadable(None, &fault),
        }
    }

    /// A summary that a model proposes: asked for, looked at, taken over or turned down.
    pub(super) async fn summary(&self, id: IncidentId, what: Summarise) -> Reply {
        // What leaves the house and what stands in a postmortem is somebody's, by name.
        if what != Summarise::Told && matches!(self.who, Actor::Unlinked { .. }) {
            let why = "Nobody of the directory is known by this account, so nothing was done; `link` shows how to change that.";
            return Reply::no(Some(id), why.to_owned());
        }
        let outcome = match &what {
            Summarise::Told => self.engine.summary_told(id).await,
            Summarise::Ask => self.engine.ask_summary(id, &self.who).await,
            Summarise::Accept(words) => {
                let words = words.as_deref();
                self.engine.accept_summary(id, words, &self.who).await
            }
            Summarise::Reject => self.engine.decide_summary(id, None, &self.who).await,
        };
        match outcome {
            Ok(said) if what == Summarise::Ask => {
                Reply::yes(Some(id), format!("{said} `summary {id}` shows it."))
            }
            Ok(said) => Reply::yes(Some(id), said),
            Err(failure) => Reply::no(Some(id), failure.to_string()),
        }
    }

    /// `service` absent: of all.
    pub(super) async fn changes(&self, service: Option<String>) -> Reply {
        let query = ChangeQuery {
            service: service.clone(),
            limit: LISTED,
            ..ChangeQuery::default()
        };
        let (rows, total) = match self.engine.store().change_events(&query).await {
            Ok(found) => found,
            Err(fault) => return unreadable(None, &fault),
        };
        let of = service.map_or(String::new(), |s| format!(" of {s}"));
        if rows.is_empty() {
            let told = "`docs/changes.md` says how deploys and repositories tell firebell";
            return Reply::yes(None, format!("No change{of} was told. {told}."));
        }
        let all = usize::try_from(total).unwrap_or(usize::MAX);
        let mut text = format!(
            "{}{of}, newest first:\n{}",
            count(all, "change"),
            change::told(&rows, self.zone())
        );
        if all > rows.len() {
            text.push_str(&format!(
                "\nThe rest is on {}/changes.",
                self.engine.public_url()
            ));
        }
        Reply::yes(None, text)
    }
}
