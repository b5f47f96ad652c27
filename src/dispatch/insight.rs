//! What was changed, and what past incidents tell.

use super::{Desk, Reply, unreadable};
use crate::core::analytics::{Asked, told};
use crate::core::change;
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
