//! The status page: drawn after every change, kept in memory for its listener, and written as files.
//!
//! Promises: what is served is the last page that could be drawn, whatever becomes of the database or of
//! this task; a folder that cannot be written is told on the console. A change is on the page as soon as
//! it is committed and drawn; changes that come meanwhile share the next drawing.

use super::{Change, Engine, Failure};
use crate::core::board::{Board, PageRules, Window, board};
use crate::core::digest;
use crate::core::directory::{Directory, Means};
use crate::core::id::IncidentId;
use crate::core::incident::{Audience, Update};
use crate::core::text::cut;
use crate::core::time::Time;
use crate::page::{Site, render, write_folder};
use crate::store::UpdateRow;
use arc_swap::ArcSwap;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// After something could not be read.
const AGAIN_MS: i64 = 10_000;
/// Planned work is shown this long ahead.
const AHEAD_MS: i64 = 14 * 86_400_000;
/// Windows of one recurring maintenance that are shown.
const OCCURRENCES: usize = 3;
/// What incidents are named for.
const PURPOSE: &str = "status page";
/// Characters of their names there.
const KEY_CHARS: usize = 12;

/// What the page's tasks share.
#[derive(Default)]
pub(super) struct Shared {
    /// The last page that could be drawn.
    pub site: Arc<ArcSwap<Site>>,
    /// Where it is written to, and whether it has a listener.
    pub serving: ArcSwap<(Option<PathBuf>, bool)>,
    /// Who is told of updates.
    pub bulletins: super::bulletins::Shared,
    /// Held by whoever draws.
    draw: tokio::sync::Mutex<()>,
    moved: tokio::sync::Notify,
}

impl Engine {
    /// What is served now; follows every drawing.
    #[must_use]
    pub fn site(&self) -> Arc<ArcSwap<Site>> {
        self.0.board.site.clone()
    }

    /// From now on the page is written to this folder; `served`: it has a listener of its own.
    pub fn publish_to(&self, folder: Option<PathBuf>, served: bool) {
        self.0.board.serving.store(Arc::new((folder, served)));
        self.0.board.moved.notify_one();
    }

    /// The page at this instant; `None`: the files have none.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn board(&self) -> Result<Option<Board>, Failure> {
        let directory = self.directory();
        let Some(rules) = directory.page.clone() else {
            return Ok(None);
        };
        let rows = self
            .store()
            .updates_since(Some(Audience::Public), Time(0))
            .await?;
        let updates: Vec<(IncidentId, u32, Time, Update)> =
            rows.into_iter().filter_map(told).collect();
        let now = self.now();
        let windows = windows(&rules, &directory, now);
        let key = self.button_key();
        let name = |id: IncidentId| {
            let sealed = key.seal(PURPOSE, &id.0.to_string());
            let mut name = digest::sha256(sealed.as_bytes());
            name.truncate(KEY_CHARS);
            name
        };
        Ok(Some(board(&rules, &updates, windows, now, &name)))
    }

    /// Draws the page and lets it be served and written; answers when it reads otherwise by itself.
    ///
    /// # Errors
    /// When the store cannot be read: what was drawn before stays.
    pub async fn draw_page(&self) -> Result<Option<Time>, Failure> {
        let _one = self.0.board.draw.lock().await;
        let Some(board) = self.board().await? else {
            self.0.board.site.store(Arc::default());
            return Ok(None);
        };
        let mails = self.0.notifiers.load().has(Means::Email);
        let serving = self.0.board.serving.load_full();
        let next = board.next_change();
        let (folder, served) = (serving.0.clone(), serving.1);
        // Drawing a long history takes a while, and disks are slow.
        let drawn = tokio::task::spawn_blocking(move || {
            let site = served.then(|| render(&board, mails));
            // A folder takes no forms.
            let wrong = folder.and_then(|folder| {
                let fault = write_folder(&render(&board, false), &folder).err()?;
                Some(format!(
                    "The status page could not be written to {}: {fault}",
                    folder.display()
                ))
            });
            (site, wrong)
        });
        let (site, wrong) = drawn
            .await
            .map_err(|e| Failure::Unavailable(format!("the page could not be drawn: {e}")))?;
        if let Some(site) = site {
            self.0.board.site.store(Arc::new(site));
        }
        let wrong: Vec<String> = wrong.into_iter().map(|w| cut(&w, 500)).collect();
        self.trouble_with("status page", &wrong);
        Ok(Some(next))
    }
}

/// A public update that was not removed.
fn told(row: UpdateRow) -> Option<(IncidentId, u32, Time, Update)> {
    let update = row.update.filter(|u| u.audience == Audience::Public)?;
    Some((row.incident, row.seq, row.at, update))
}

/// Planned work of the files that has words for everybody.
fn windows(rules: &PageRules, directory: &Directory, now: Time) -> Vec<Window> {
    let mut found = Vec::new();
    for (id, text) in &rules.planned {
        let Some(silence) = directory.maintenance.get(id) else {
            continue;
        };
        let service = silence.service.as_deref().unwrap_or_default();
        let components: Vec<String> = rules.fed_by(service).map(|c| c.id.clone()).collect();
        let mut at = now;
        for _ in 0..OCCURRENCES {
            let Some((starts, ends)) = silence
                .span(at)
                .filter(|(s, _)| *s <= now.plus_ms(AHEAD_MS))
            else {
                break;
            };
            let key = digest::of([PURPOSE, id.as_str(), starts.0.to_string().as_str()]);
            found.push(Window {
                key: key[..KEY_CHARS].to_owned(),
                text: text.clone(),
                components: components.clone(),
                starts,
                ends,
            });
            at = ends;
        }
    }
    found.sort_by_key(|w| (w.starts, w.key.clone()));
    found
}

/// Draws until the process ends.
pub(super) async fn keep(engine: Engine) {
    let clock = engine.0.options.clock.clone();
    // Before the first look, so that nothing that changes meanwhile is missed.
    let mut changes = engine.changes();
    loop {
        let next = match engine.draw_page().await {
            Ok(next) => next,
            Err(failure) => {
                tracing::warn!(%failure, "the status page could not be drawn; what was drawn before stays");
                Some(engine.now().plus_ms(AGAIN_MS))
            }
        };
        tokio::select! {
            () = clock.sleep_until(next) => {}
            () = engine.0.board.moved.notified() => {}
            () = told_something(&mut changes) => {}
        }
    }
}

/// Returns when the page may read otherwise.
pub(super) async fn told_something(changes: &mut Receiver<Change>) {
    loop {
        match changes.recv().await {
            // What was missed may have been it.
            Ok(Change::Updates | Change::Directory) | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
