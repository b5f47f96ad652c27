//! The files of a configuration: read once each, and remembered.

use super::calendars::{Feed, Fetching};
use super::reader::Sink;
use super::tree::Place;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A configuration file is written by hand.
const FILE_MAX: u64 = 1024 * 1024;
/// Entries of one folder.
const ENTRIES_MAX: usize = 10_000;

/// Reads files and remembers which.
pub(super) struct Files<'a> {
    pub base: &'a Path,
    pub read: Vec<PathBuf>,
    /// Where copies of calendars at an address are kept.
    pub copies: PathBuf,
    /// How calendars at an address are fetched.
    pub fetching: Fetching,
    pub feeds: Vec<Feed>,
    pub at_start: BTreeMap<String, [u8; 32]>,
}

impl Files<'_> {
    /// How a file is called in faults.
    pub fn shown(&self, path: &Path) -> Arc<Path> {
        path.strip_prefix(self.base).unwrap_or(path).into()
    }

    pub fn text(&mut self, path: &Path, sink: &Sink) -> Option<String> {
        self.read.push(path.to_path_buf());
        let place = Place::in_file(&self.shown(path), 0);
        match std::fs::metadata(path) {
            Ok(meta) if meta.len() > FILE_MAX => {
                let what = format!("the file is larger than {FILE_MAX} bytes");
                sink.fault(
                    &place,
                    what,
                    "a configuration file is small; is this the right one?",
                );
                return None;
            }
            // Reading a pipe would wait for ever.
            Ok(meta) if !meta.is_file() => {
                sink.fault(
                    &place,
                    "this is not a file",
                    "remove it, or put a file here",
                );
                return None;
            }
            _ => {}
        }
        match std::fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(error) => {
                let fix = "create it, or let firebell read it (UTF-8 text)";
                sink.fault(&place, format!("the file cannot be read: {error}"), fix);
                None
            }
        }
    }
}

/// The files of a folder with an ending, by id; no folder is an empty one.
pub(super) fn listed(
    folder: &Path,
    ending: &str,
    files: &Files<'_>,
    sink: &Sink,
) -> Vec<(String, PathBuf)> {
    let place = Place::in_file(&files.shown(folder), 0);
    let items = match std::fs::read_dir(folder) {
        Ok(items) => items,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            sink.fault(
                &place,
                format!("the folder cannot be read: {error}"),
                "let firebell read it",
            );
            return Vec::new();
        }
    };
    let mut found = Vec::new();
    for item in items {
        let path = match item {
            Ok(item) => item.path(),
            Err(error) => {
                sink.fault(
                    &place,
                    format!("the folder cannot be read: {error}"),
                    "let firebell read it",
                );
                break;
            }
        };
        let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned());
        let fits = path.extension().is_some_and(|e| e == ending);
        // Names that begin with a dot are an editor's.
        if let Some(id) = stem.filter(|s| fits && !s.starts_with('.')) {
            found.push((id, path));
        }
    }
    if found.len() > ENTRIES_MAX {
        let what = format!("the folder has more than {ENTRIES_MAX} entries");
        sink.fault(&place, what, "is this the right folder?");
        found.clear();
    }
    found.sort();
    found
}
