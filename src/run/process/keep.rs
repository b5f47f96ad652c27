//! What a run leaves in `$FIREBELL_ARTIFACTS`: regular files of bounded number and size, kept by their
//! content's hash, with the run's secrets taken out.

use super::spool::{Folder, Kept, Order, Verdict, private};
use crate::core::digest;
use crate::run::veil::Veil;
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Files of one run.
pub const MOST: usize = 16;
/// Bytes of one file.
pub const LARGEST: u64 = 8 * 1024 * 1024;
/// Bytes of all files of one run.
pub const TOTAL: u64 = 32 * 1024 * 1024;
/// Characters of a name.
const NAME: usize = 100;

/// Copies them out of the program's reach, and says what was left behind.
pub(super) fn artifacts(order: &Order, folder: &Folder, verdict: &mut Verdict) {
    let Ok(entries) = std::fs::read_dir(order.place.join("artifacts")) else {
        return;
    };
    let mut paths: Vec<_> = entries.flatten().map(|e| e.path()).collect();
    paths.sort();
    let kept = folder.path("kept");
    if !paths.is_empty()
        && let Err(e) = private(&kept)
    {
        verdict
            .notes
            .push(format!("its artefacts could not be kept: {e}"));
        return;
    }
    let mut total = 0;
    for path in paths {
        let name = plain(&path);
        let taken = if verdict.artifacts.len() >= MOST {
            Err(format!("more than {MOST} artefacts"))
        } else {
            take(order, &path, &kept, LARGEST.min(TOTAL - total))
        };
        match taken {
            Ok(one) => {
                total += one.bytes;
                verdict.artifacts.push(Kept { name, ..one });
            }
            Err(why) => verdict
                .notes
                .push(format!("the artefact {name} was not kept: {why}")),
        }
    }
}

fn take(order: &Order, path: &Path, kept: &Path, most: u64) -> Result<Kept, String> {
    let words = |e: io::Error| e.to_string();
    // A link would make firebell read what the program may not, a pipe would make it wait.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty()).map_err(|e| match e {
        rustix::io::Errno::LOOP => "it is a link".to_owned(),
        e => e.to_string(),
    })?;
    let mut file = File::from(file);
    let about = file.metadata().map_err(words)?;
    if !about.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    if about.len() > most {
        return Err(format!("it has {} bytes, and {most} fit", about.len()));
    }
    let mut raw = Vec::new();
    (&mut file)
        .take(most + 1)
        .read_to_end(&mut raw)
        .map_err(words)?;
    if raw.len() as u64 > most {
        return Err(format!("more than {most} bytes"));
    }
    let mut veil = Veil::over(order.secrets.values().map(String::as_str));
    let mut clean = Vec::with_capacity(raw.len());
    veil.push(&raw, &mut clean);
    veil.finish(&mut clean);
    let sha256 = digest::sha256(&clean);
    let mut copy = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(kept.join(&sha256))
        .map_err(words)?;
    copy.write_all(&clean)
        .and_then(|()| copy.sync_all())
        .map_err(words)?;
    Ok(Kept {
        name: String::new(),
        sha256,
        bytes: clean.len() as u64,
    })
}

/// The name with nothing in it that means something to anybody.
fn plain(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '_'
        }
    };
    let name: String = name.chars().take(NAME).map(safe).collect();
    match name.trim_start_matches('.') {
        "" => "_".to_owned(),
        rest => rest.to_owned(),
    }
}
