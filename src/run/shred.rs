//! Files that must not be found again: overwritten, then deleted.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

/// Overwrites and deletes: on most disks the content is gone, on all of them the name is. What cannot be
/// deleted is logged.
pub fn shred(path: &Path) {
    if let Ok(meta) = path.symlink_metadata()
        && meta.is_file()
        && let Ok(mut file) = OpenOptions::new().write(true).open(path)
    {
        let zeros = [0u8; 8192];
        let mut left = meta.len();
        while left > 0 {
            let n = left.min(zeros.len() as u64);
            let part = usize::try_from(n).unwrap_or(zeros.len());
            if file.write_all(&zeros[..part]).is_err() {
                break;
            }
            left -= n;
        }
        let _ = file.sync_all();
    }
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "a file that was removed for good could not be deleted");
    }
}

/// The same for every file of a folder and of the folders in it, which go too.
pub fn shred_folder(path: &Path) {
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        // A link is deleted and not followed.
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => shred_folder(&entry.path()),
            _ => shred(&entry.path()),
        }
    }
    if let Err(error) = std::fs::remove_dir(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "a folder that was removed for good could not be deleted");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_goes_whole_and_what_links_lead_to_stays() {
        let scratch = tempfile::tempdir().unwrap();
        let (folder, other) = (scratch.path().join("run"), scratch.path().join("other"));
        std::fs::create_dir_all(folder.join("kept")).unwrap();
        std::fs::write(folder.join("kept/a"), "secret").unwrap();
        std::fs::write(&other, "stays").unwrap();
        std::os::unix::fs::symlink(&other, folder.join("link")).unwrap();
        // A second name of the same content shows that it is overwritten, not only unnamed.
        let twin = scratch.path().join("twin");
        std::fs::hard_link(folder.join("kept/a"), &twin).unwrap();
        shred_folder(&folder);
        assert!(!folder.exists());
        assert_eq!(std::fs::read(&twin).unwrap(), [0; 6]);
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "stays");
    }
}
