//! What leaves firebell of a postmortem: kept until it has arrived, tried again, shown when it has not.
//!
//! Promises: asked for is stored; a failure has its reason on the page and holds up nothing; a process
//! that dies in between sends again, and the places find what is there already by its mark.

use super::{Change, Engine, Failure};
use crate::chat::{Fault, Retry};
use crate::core::id::{Actor, IncidentId};
use crate::core::incident::Refusal;
use crate::core::postmortem::{Act, External, Item, Postmortem, issue_body, layout, markdown_of};
use crate::core::text::cut;
use crate::notify;
use crate::share::{Document, Landed, Places, Task};
use crate::store::{ChangeSet, ExportRow};
use std::sync::Arc;

/// An export that failed this often is given up and waits for somebody to ask again.
const TRIES: u32 = 20;
/// What `what` is for the whole document.
pub(crate) const DOCUMENT: &str = "document";

impl Engine {
    /// The places that postmortems may go to from now on.
    pub fn share_through(&self, places: Places) {
        self.0.after.places.store(Some(Arc::new(places)));
        self.0.after.moved.notify_one();
    }

    /// The places that postmortems may go to.
    #[must_use]
    pub fn places(&self) -> Arc<Places> {
        self.0.after.places.load_full().unwrap_or_default()
    }

    /// Sends a postmortem (`document`) or one of its action items (`item:3`) to a place; again: brings
    /// it up to date there, or reads what became of it.
    ///
    /// # Errors
    /// A refusal in words, or `Unavailable` when it could not be stored.
    pub async fn export(
        &self,
        id: IncidentId,
        target: &str,
        what: &str,
        by: &Actor,
    ) -> Result<(), Failure> {
        let invalid = |why: String| Failure::Refused(Refusal::Invalid { why });
        let takes = self.places().names(what == DOCUMENT);
        if !takes.iter().any(|t| t == target) {
            return Err(invalid(format!(
                "There is no place `{target}` for this; [export.NAME] in firebell.toml makes one."
            )));
        }
        let read = self.postmortem(id).await?.ok_or(Refusal::NoSuchIncident)?;
        if read.document.nature.private {
            return Err(invalid(format!(
                "{id} is private, and {target} is read by others: nothing was sent. `public {id}` first, or take the document along by hand."
            )));
        }
        if what != DOCUMENT && item(what, &read.written.items).is_none() {
            return Err(invalid(format!("The postmortem of {id} has no {what}.")));
        }
        let known = self.store().exports(id).await?;
        let known = known
            .into_iter()
            .find(|e| e.target == target && e.what == what);
        let now = self.now();
        let row = ExportRow {
            incident: id,
            target: target.to_owned(),
            what: what.to_owned(),
            author: by.person().unwrap_or_default().to_owned(),
            state: "waiting".to_owned(),
            attempts: 0,
            due_at: now,
            url: known.as_ref().map(|k| k.url.clone()).unwrap_or_default(),
            error: String::new(),
            created_at: known.map_or(now, |k| k.created_at),
            updated_at: now,
        };
        self.keep_export(row).await?;
        self.0.after.moved.notify_one();
        Ok(())
    }

    async fn keep_export(&self, row: ExportRow) -> Result<(), Failure> {
        let id = row.incident;
        let changes = ChangeSet {
            exports: vec![row],
            ..ChangeSet::default()
        };
        self.write(changes).await?;
        self.announce(Change::Incident(id));
        Ok(())
    }

    /// Sends what is due; answers with how much was tried.
    pub(super) async fn send_exports(&self) -> Result<usize, Failure> {
        if self.0.after.places.load().is_none() {
            return Ok(0);
        }
        let due = self.store().waiting_exports(self.now()).await?;
        let tried = due.len();
        for row in due {
            let result = self.send_export(&row).await?;
            self.export_done(row, result).await?;
        }
        Ok(tried)
    }

    async fn send_export(&self, row: &ExportRow) -> Result<Result<Landed, Fault>, Failure> {
        let gone = |why: &str| {
            Ok(Err(Fault {
                why: why.to_owned(),
                retry: Retry::Never,
            }))
        };
        let Some(read) = self.postmortem(row.incident).await? else {
            return gone("there is no such incident any more");
        };
        if read.document.nature.private {
            return gone("the incident is private now");
        }
        let (document, places) = (&read.document, self.places());
        let url = format!(
            "{}/incidents/{}/postmortem",
            self.public_url(),
            row.incident.0
        );
        if row.what == DOCUMENT {
            let document = Document {
                incident: row.incident.0,
                title: document.title.clone(),
                markdown: markdown_of(&layout(document, &read.template)),
                known: row.url.clone(),
                url,
            };
            return Ok(places.document(&row.target, &document).await);
        }
        let Some(item) = item(&row.what, &read.written.items) else {
            return gone("the action item is not on the list any more");
        };
        let task = Task {
            incident: row.incident.0,
            item: item.id,
            title: item.what.clone(),
            body: task_body(document, item, &url),
            known: row.url.clone(),
        };
        Ok(places.task(&row.target, &task).await)
    }

    async fn export_done(
        &self,
        mut row: ExportRow,
        result: Result<Landed, Fault>,
    ) -> Result<(), Failure> {
        let now = self.now();
        row.attempts += 1;
        match result {
            Ok(landed) => {
                "done".clone_into(&mut row.state);
                row.error = String::new();
                if !landed.url.is_empty() {
                    row.url.clone_from(&landed.url);
                }
                if let Some(id) = row.what.strip_prefix("item:").and_then(|n| n.parse().ok()) {
                    self.tracked(&row, id, &landed).await?;
                }
            }
            Err(fault) => {
                let wait = match fault.retry {
                    Retry::Never | Retry::Gone => None,
                    Retry::AfterMs(ms) => Some(ms),
                    Retry::Backoff => Some(notify::backoff_ms(
                        row.attempts,
                        row.incident.0.unsigned_abs(),
                    )),
                };
                let wait = wait.filter(|_| row.attempts < TRIES);
                tracing::warn!(
                    incident = row.incident.0,
                    place = row.target,
                    error = fault.why,
                    "an export failed"
                );
                row.error = cut(&fault.why, 500);
                match wait {
                    Some(ms) => row.due_at = now.plus_ms(ms),
                    None => "failed".clone_into(&mut row.state),
                }
            }
        }
        row.updated_at = now;
        self.keep_export(row).await
    }

    /// What a tracker says goes to the item; done there is done here.
    async fn tracked(&self, row: &ExportRow, id: u32, landed: &Landed) -> Result<(), Failure> {
        let external = External {
            tracker: row.target.clone(),
            url: landed.url.clone(),
            state: landed.state.clone(),
            at: self.now(),
        };
        let act = Act::Tracked { id, external };
        for act in [
            Some(act),
            landed.closed.then_some(Act::Done { id, done: true }),
        ] {
            let Some(act) = act else { continue };
            match self.amend(row.incident, act, &Actor::Firebell).await {
                // An item that was dropped meanwhile has nobody to tell.
                Ok(_) | Err(Failure::Refused(_)) => {}
                Err(unavailable) => return Err(unavailable),
            }
        }
        Ok(())
    }
}

fn item<'i>(what: &str, items: &'i [Item]) -> Option<&'i Item> {
    let id: u32 = what.strip_prefix("item:")?.parse().ok()?;
    items.iter().find(|i| i.id == id)
}

/// The body of an issue for an item: Markdown, escaped.
fn task_body(document: &Postmortem, item: &Item, url: &str) -> String {
    use crate::core::postmortem::tree::{Block, Span, link, text};
    let line = |name: &str, value: String| vec![Block::Para(text(format!("{name}: {value}")))];
    let mut facts = vec![
        line("Incident", format!("{} “{}”", document.id, document.title)),
        line("Priority", item.priority.word().to_owned()),
    ];
    if let Some(due) = item.due {
        facts.push(line("Due", due.to_string()));
    }
    let blocks = [
        Block::Para(text(item.what.clone())),
        Block::List(None, facts),
        Block::Para(link(vec![Span::Text("The postmortem".to_owned())], url)),
    ];
    issue_body(
        &markdown_of(&blocks),
        url,
        crate::core::postmortem::ISSUE_BYTES,
    )
}
