//! Files that came with messages: kept by their content in the data folder, within limits.
//!
//! Names and kinds are a sender's words: a name keeps nothing that means something to a path, a header
//! or a browser, and what a file is said to be counts for nothing: its first bytes are looked at. The
//! same content is one file. Content goes when the last message that needs it was removed for good, and
//! for no other reason.

use super::{Engine, Failure};
use crate::core::id::{Actor, IncidentId, Seq};
use crate::core::incident::{Command, KeptFile, RefusedFile, Talk, size};
use crate::core::rooms::RoomRules;
use crate::run::shred;
use crate::store::FileRow;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Characters of a name.
const NAME_CHARS: usize = 120;
/// In front of a file that is being written; what is left of one is garbage.
const NEW: &str = ".new-";

/// A file as it came.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// Who sent it.
    pub by: Actor,
    /// On which platform, with which message.
    pub platform: String,
    /// The platform's id of the message.
    pub message: String,
    /// As its sender calls it.
    pub name: String,
    /// Its content, or why there is none.
    pub content: Result<bytes::Bytes, String>,
}

impl Engine {
    /// Files are kept in this folder from now on; it is made when it is needed. To be said once, before
    /// anything is kept.
    pub fn keep_files_in(&self, folder: PathBuf) {
        // Said twice, the first one stays: what is kept there is referred to.
        let _ = self.0.files.set(folder);
    }

    /// Where the content of a file is, if it is there.
    #[must_use]
    pub fn content(&self, file: &FileRow) -> Option<PathBuf> {
        let hex = file.sha256.len() == 64 && file.sha256.bytes().all(|b| b.is_ascii_hexdigit());
        let place = self.0.files.get()?.join(&file.sha256);
        (hex && !file.removed && place.is_file()).then_some(place)
    }

    /// How many bytes more the files of this incident may have together.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn room_for_file(&self, id: IncidentId) -> Result<u64, Failure> {
        let rules = &self.directory().rooms;
        let incident = self.incident(id).await?;
        let used = incident.map_or(0, |i| i.talk.file_bytes);
        Ok(rules.incident_bytes.saturating_sub(used))
    }

    /// Keeps a file and answers the event that tells of it, or says on the timeline why it was not kept.
    /// The same cause is the same file.
    ///
    /// # Errors
    /// `Unavailable`: neither was written.
    pub async fn attach(
        &self,
        cause: &str,
        id: IncidentId,
        file: Incoming,
    ) -> Result<Option<Seq>, Failure> {
        if let Some(known) = self.store().answered(cause).await? {
            let kept = self.store().file(id, known.seq).await?;
            return Ok(kept.map(|f| f.seq));
        }
        let name = clean(&file.name);
        // Until the event is stored nobody knows that the content is needed.
        let _one = self.0.filing.lock().await;
        let kept = match file.content {
            Ok(content) => self.keep(id, &content).await,
            Err(why) => Err(why),
        };
        let talk = match kept {
            Ok((kind, bytes, sha256)) => Talk::Attach(Box::new(KeptFile {
                by: file.by,
                platform: file.platform,
                message: file.message,
                name,
                kind,
                bytes,
                sha256,
            })),
            Err(why) => Talk::Refuse(Box::new(RefusedFile {
                by: file.by,
                platform: file.platform,
                message: file.message,
                name,
                why,
            })),
        };
        let kept = matches!(talk, Talk::Attach(_));
        let command = Command::Talk(Box::new(talk));
        let done = self.submit(cause, id, command).await?;
        Ok(kept.then_some(done.seq))
    }

    /// Writes content; answers its kind, size and hash, or why it is not kept.
    async fn keep(
        &self,
        id: IncidentId,
        content: &bytes::Bytes,
    ) -> Result<(String, u64, String), String> {
        let bytes = content.len() as u64;
        let left = self.room_for_file(id).await.map_err(|f| f.to_string())?;
        if let Some(why) = not_kept(bytes, &self.directory().rooms, left) {
            return Err(why);
        }
        let Some(folder) = self.0.files.get().cloned() else {
            return Err("this firebell keeps no files".to_owned());
        };
        let sha256 = hex(&Sha256::digest(content));
        let kind = sniff(content).to_owned();
        let (content, name) = (content.clone(), sha256.clone());
        let written = tokio::task::spawn_blocking(move || write(&folder, &name, &content)).await;
        match written {
            Ok(Ok(())) => Ok((kind, bytes, sha256)),
            Ok(Err(error)) => Err(format!("it could not be written: {error}")),
            Err(error) => Err(format!("it could not be written: {error}")),
        }
    }

    /// Deletes content no file needs any more: what a removal left behind when it was interrupted, too.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn sweep_files(&self) -> Result<(), Failure> {
        let Some(folder) = self.0.files.get() else {
            return Ok(());
        };
        let _one = self.0.filing.lock().await;
        let Ok(entries) = std::fs::read_dir(folder) else {
            return Ok(());
        };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let half = name.starts_with(NEW);
            if half || self.store().files_of(&name).await?.is_empty() {
                shred(&entry.path());
            }
        }
        Ok(())
    }

    /// Deletes the content of these hashes that no file needs any more, at once.
    pub(super) async fn drop_content(&self, hashes: &[String]) -> Result<(), Failure> {
        let Some(folder) = self.0.files.get() else {
            return Ok(());
        };
        let _one = self.0.filing.lock().await;
        for sha256 in hashes.iter().filter(|h| h.len() == 64) {
            if self.store().files_of(sha256).await?.is_empty() {
                shred(&folder.join(sha256));
            }
        }
        Ok(())
    }
}

/// Why a file of this many bytes is not kept, when those of its incident may have `left` more.
#[must_use]
pub fn not_kept(bytes: u64, rules: &RoomRules, left: u64) -> Option<String> {
    if bytes > rules.file_bytes {
        return Some(too_large(bytes, rules.file_bytes));
    }
    (bytes > left).then(|| {
        format!(
            "it is {}, and the files of one incident may be {} together ([rooms] incident-bytes)",
            size(bytes),
            size(rules.incident_bytes)
        )
    })
}

/// Why a file is not kept: no file may be so large.
#[must_use]
pub fn too_large(bytes: u64, most: u64) -> String {
    format!(
        "it is {}, and a file may be {} ([rooms] file-bytes)",
        size(bytes),
        size(most)
    )
}

fn write(folder: &Path, sha256: &str, content: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let to = folder.join(sha256);
    if to.exists() {
        return Ok(());
    }
    let new = folder.join(format!("{NEW}{sha256}-{}", uuid::Uuid::new_v4()));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(new, to)?;
    std::fs::File::open(folder)?.sync_all()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut out, b| {
        // Writing to a String cannot fail.
        let _ = write!(out, "{b:02x}");
        out
    })
}

/// A name with nothing in it that means something to a path, a header or a browser.
#[must_use]
pub fn clean(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain = |c: char| {
        if c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ' | '(' | ')') {
            c
        } else {
            '_'
        }
    };
    let clean: String = base.chars().map(plain).take(NAME_CHARS).collect();
    let clean = clean.trim_matches(['.', ' ']).to_owned();
    if clean.is_empty() {
        "file".to_owned()
    } else {
        clean
    }
}

/// What content is by its first bytes. Only pictures every browser shows as nothing but pictures have a
/// kind of their own: anything else is bytes.
#[must_use]
pub fn sniff(content: &[u8]) -> &'static str {
    let begins = |with: &[u8]| content.starts_with(with);
    match content {
        _ if begins(b"\x89PNG\r\n\x1a\n") => "image/png",
        _ if begins(b"\xff\xd8\xff") => "image/jpeg",
        _ if begins(b"GIF87a") || begins(b"GIF89a") => "image/gif",
        _ if begins(b"RIFF") && content.get(8..12) == Some(b"WEBP") => "image/webp",
        _ if begins(b"%PDF-") => "application/pdf",
        _ if begins(b"PK\x03\x04") => "application/zip",
        _ if begins(b"\x1f\x8b") => "application/gzip",
        _ if is_text(content) => "text/plain",
        _ => "application/octet-stream",
    }
}

/// Whether a browser may draw a kind inside of a page.
#[must_use]
pub fn is_picture(kind: &str) -> bool {
    matches!(
        kind,
        "image/png" | "image/jpeg" | "image/gif" | "image/webp"
    )
}

fn is_text(content: &[u8]) -> bool {
    let head = &content[..content.len().min(4096)];
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // Cut inside of a character.
        Err(e) if e.valid_up_to() + 4 > head.len() && e.error_len().is_none() => {
            std::str::from_utf8(&head[..e.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty()
        && text
            .chars()
            .all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_nothing_to_anybody() {
        for (said, kept) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\temp\\chart.png", "chart.png"),
            ("a\"b\r\nSet-Cookie: x", "a_b__Set-Cookie_ x"),
            ("<script>.html", "_script_.html"),
            ("...", "file"),
            ("", "file"),
            ("Fehler (1).log", "Fehler (1).log"),
        ] {
            assert_eq!(clean(said), kept, "{said:?}");
        }
        assert!(clean(&"x".repeat(500)).chars().count() <= NAME_CHARS);
    }

    #[test]
    fn what_a_file_is_stands_in_its_first_bytes() {
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\nrest"), "image/png");
        assert_eq!(sniff(b"<svg onload=alert(1)>"), "text/plain");
        assert_eq!(sniff(b"<!doctype html><script>"), "text/plain");
        assert_eq!(sniff(b"GIF8"), "text/plain");
        assert_eq!(sniff(b"\x7fELF\x02\x01\x01\0"), "application/octet-stream");
        assert_eq!(sniff(b""), "application/octet-stream");
        assert!(!is_picture("image/svg+xml") && !is_picture("text/html"));
        let long = format!("{}é", "x".repeat(4095));
        assert_eq!(sniff(long.as_bytes()), "text/plain");
    }
}
