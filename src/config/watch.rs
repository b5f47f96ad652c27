//! Hot reload: on a change of a file, on SIGHUP, on request.
//!
//! Folders are watched, not files: editors write a new file and rename it over the old one, and
//! the watch of the old one would go with it. A burst of events is one reload. A reload with
//! faults is refused and said; what was in force stays, because nothing is handed over.

use super::{Fault, Loaded, load};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// How long the files must be quiet: an editor or `git pull` touches several in one go.
pub const DEBOUNCE: Duration = Duration::from_millis(300);

/// Folders of entries beside `firebell.toml`.
const FOLDERS: &[&str] = &[
    "maintenance",
    "postmortem",
    "people",
    "teams",
    "services",
    "schedules",
    "policies",
    "actions",
    "rules",
];

/// A steady trickle of events must not put a reload off for ever.
const PATIENCE: Duration = Duration::from_secs(3);

/// Reloads the configuration at `path` whenever one of its files changes, at SIGHUP and at every
/// message on `requests`, and hands each outcome to `on_change`. `files` are those of the
/// configuration in force ([`Loaded::files`]). Runs until the task is dropped; `requests` may be
/// closed. Faults are logged here and handed over too; the caller keeps what it had.
///
/// # Errors
/// When the operating system refuses to watch the folders or to deliver SIGHUP.
pub async fn watch(
    path: PathBuf,
    files: Vec<PathBuf>,
    mut requests: mpsc::Receiver<()>,
    mut on_change: impl FnMut(Result<Loaded, Vec<Fault>>),
) -> anyhow::Result<()> {
    // Room for one: whatever comes while a touch waits means the same. The watcher's thread must
    // never wait for us, because `follow` waits for it.
    let (touched, mut touches) = mpsc::channel::<()>(1);
    let mut watched = Watched::default();
    let files_now = Arc::clone(&watched.files);
    let mut watcher =
        notify::recommended_watcher(move |event| report(&touched, &files_now, event))?;
    let mut hangups = signal(SignalKind::hangup())?;
    watched.follow(&mut watcher, &path, &files)?;
    loop {
        tokio::select! {
            touch = touches.recv() => {
                if touch.is_none() {
                    anyhow::bail!("the file watcher stopped");
                }
                settle(&mut touches).await;
            }
            Some(()) = hangups.recv() => tracing::info!("SIGHUP: reloading the configuration"),
            Some(()) = requests.recv() => {}
        }
        let outcome = reload(&path).await;
        if let Ok(loaded) = &outcome {
            watched.follow(&mut watcher, &path, &loaded.files)?;
        }
        on_change(outcome);
    }
}

/// Loads off the async threads and says what is wrong.
async fn reload(path: &Path) -> Result<Loaded, Vec<Fault>> {
    let at = path.to_path_buf();
    let outcome = tokio::task::spawn_blocking(move || load(&at)).await;
    let outcome = outcome.unwrap_or_else(|error| {
        Err(vec![Fault {
            path: path.to_path_buf(),
            line: 0,
            what: format!("the configuration could not be read: {error}"),
            fix: "report this as a bug".to_owned(),
        }])
    });
    match &outcome {
        Ok(loaded) => {
            tracing::info!(
                warnings = loaded.warnings.len(),
                "the configuration was reloaded"
            );
            for w in &loaded.warnings {
                tracing::warn!(path = %w.path.display(), line = w.line, fix = %w.fix, "{}", w.what);
            }
        }
        Err(faults) => {
            tracing::error!(
                faults = faults.len(),
                "the new configuration is refused; the old one stays in force"
            );
            for f in faults {
                tracing::error!(path = %f.path.display(), line = f.line, fix = %f.fix, "{}", f.what);
            }
        }
    }
    outcome
}

/// Waits until nothing has changed for [`DEBOUNCE`], at most [`PATIENCE`].
async fn settle(touches: &mut mpsc::Receiver<()>) {
    let quiet =
        async { while let Ok(Some(())) = tokio::time::timeout(DEBOUNCE, touches.recv()).await {} };
    // Too long a trickle: reload now, the next event reloads again.
    let _ = tokio::time::timeout(PATIENCE, quiet).await;
}

/// Called by the watcher's own thread.
fn report(
    touched: &mpsc::Sender<()>,
    files: &Mutex<BTreeSet<PathBuf>>,
    event: notify::Result<Event>,
) {
    match event {
        // Reading a file is no change of it; our own reload would be the next reason to reload.
        Ok(event) if matches!(event.kind, EventKind::Access(_)) => {}
        Ok(event) => {
            let files = files.lock().unwrap_or_else(PoisonError::into_inner);
            if event.paths.iter().any(|path| concerns(path, &files)) {
                // Full: a reload is due anyway. Closed: `watch` is gone.
                let _ = touched.try_send(());
            }
        }
        Err(error) => {
            tracing::warn!(%error, "the file watcher reported a failure; SIGHUP reloads by hand");
        }
    }
}

/// Whether a changed path is a part of the configuration; databases and logs beside it are not.
fn concerns(touch: &Path, files: &BTreeSet<PathBuf>) -> bool {
    let name = touch.file_name().and_then(|n| n.to_str()).unwrap_or("");
    let toml =
        touch.extension().is_some_and(|e| e == "toml" || e == "md") && !name.starts_with('.');
    // Kubernetes swaps the link `..data` under a mounted configuration.
    toml || name == "..data" || FOLDERS.contains(&name) || files.contains(touch)
}

/// Which folders are watched and which files in them matter.
#[derive(Default)]
struct Watched {
    files: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl Watched {
    /// Watches the folders of the files, and those that may get files.
    fn follow(
        &mut self,
        watcher: &mut RecommendedWatcher,
        path: &Path,
        files: &[PathBuf],
    ) -> notify::Result<()> {
        let files: BTreeSet<PathBuf> = files.iter().map(|f| absolute(f)).collect();
        let mut wanted: BTreeSet<PathBuf> = BTreeSet::new();
        for file in files.iter().chain([&absolute(path)]) {
            let Some(folder) = file.parent() else {
                continue;
            };
            wanted.insert(folder.to_path_buf());
            // A folder such as services/ may be the first of its kind: then its siblings' parent tells.
            let root = match folder.file_name().and_then(|n| n.to_str()) {
                Some(name) if FOLDERS.contains(&name) => folder.parent().unwrap_or(folder),
                _ => folder,
            };
            wanted.insert(root.to_path_buf());
            wanted.extend(FOLDERS.iter().map(|k| root.join(k)).filter(|f| f.is_dir()));
        }
        for folder in wanted {
            // A folder that was removed and made again needs a new watch, so each is asked for again.
            if folder.is_dir() {
                watcher.watch(&folder, RecursiveMode::NonRecursive)?;
            }
        }
        *self.files.lock().unwrap_or_else(PoisonError::into_inner) = files;
        Ok(())
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_configuration_cause_a_reload() {
        let files = BTreeSet::from([PathBuf::from("/etc/fb/secrets/token")]);
        for yes in [
            "/etc/fb/firebell.toml",
            "/etc/fb/people/ana.toml",
            "/etc/fb/secrets/token",
            "/etc/fb/..data",
            "/etc/fb/services",
        ] {
            assert!(concerns(Path::new(yes), &files), "{yes}");
        }
        for no in [
            "/etc/fb/firebell.db-wal",
            "/etc/fb/.ana.toml.swp",
            "/etc/fb/.#ana.toml",
            "/etc/fb/people/ana.toml~",
        ] {
            assert!(!concerns(Path::new(no), &files), "{no}");
        }
    }
}
