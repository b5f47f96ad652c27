//! What is made before anybody knows for which run: a folder that waits beside its shim.
//!
//! To make a folder or a file takes the disk longer than to move one, and a sync takes longer than both; so
//! all of that is over when somebody presses a button, and what is left is one move and its sync.

use super::spool::{Claim, Folder, exclusive, folders, private};
use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Where folders wait for their runs.
const READY: &str = "ready";
/// What is in every run's folder from the beginning.
pub(super) const PARTS: [&str; 3] = ["work", "artifacts", "secrets"];

/// A folder that waits for its run, with everything in it that does not depend on which run that is, on the disk. It
/// goes when it is let go.
#[derive(Debug)]
pub(super) struct Ready(PathBuf);

impl Ready {
    /// One that claims for this process.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn make(spool: &Path, claim: &Claim) -> io::Result<Ready> {
        Ready::with(spool, &serde_json::to_string(claim)?, &PARTS)
    }

    /// One with this claim and these folders in it.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn with(spool: &Path, claim: &str, parts: &[&str]) -> io::Result<Ready> {
        let id = uuid::Uuid::new_v4().simple().to_string();
        let ready = Ready(spool.join(READY).join(id));
        private(&ready.0)?;
        for name in parts {
            DirBuilder::new().mode(0o700).create(ready.0.join(name))?;
        }
        let mut file = exclusive(&ready.0.join("claim"))?;
        file.write_all(claim.as_bytes())?;
        file.sync_all()?;
        File::open(&ready.0)?.sync_all()?;
        Ok(ready)
    }

    /// Where it is, until it is taken.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        // Of one that was taken nothing is here any more; what stays behind is cleared later.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What waits in a spool for runs, also where nobody waits with it any more.
pub(super) fn waiting(spool: &Path) -> impl Iterator<Item = Folder> + use<> {
    folders(&spool.join(READY))
}
