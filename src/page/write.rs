//! The page as files in a folder: for a web server that goes on when firebell does not.

use super::Site;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Name of the first page in a folder.
const INDEX: &str = "index.html";

/// Writes what changed into a folder, each file whole or not at all (written beside it, then renamed),
/// compressed ones beside it with `.gz`; pages of incidents that are not shown any more are removed.
///
/// # Errors
/// When something cannot be written; what was there before is still whole.
pub fn write_folder(site: &Site, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder.join("incidents"))?;
    let mut kept = BTreeSet::new();
    for (path, file) in &site.files {
        let name = if path.is_empty() {
            INDEX
        } else {
            path.as_str()
        };
        let target = folder.join(name);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        put(&target, &file.body)?;
        let packed = PathBuf::from(format!("{}.gz", target.display()));
        match &file.gzip {
            Some(gzip) => put(&packed, gzip)?,
            None => drop(fs::remove_file(&packed)),
        }
        kept.insert(target);
        kept.insert(packed);
    }
    for entry in fs::read_dir(folder.join("incidents"))? {
        let path = entry?.path();
        if !kept.contains(&path) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Nothing is written where nothing changed: the time of a file says when it did.
fn put(target: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::read(target).is_ok_and(|known| known == bytes) {
        return Ok(());
    }
    let beside = PathBuf::from(format!("{}.new", target.display()));
    fs::write(&beside, bytes)?;
    fs::rename(&beside, target)
}
