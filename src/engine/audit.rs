//! The audit beside the chain itself: facts that are not an incident's, signed checkpoints, and what of
//! the files changed.
//!
//! The chain is the desk's (`desk/commit.rs`): it appends within the transaction of what it tells of.

use super::{Engine, Failure};
use crate::core::audit::{Checkpoint, Fact, Head, Walk, ordered};
use crate::core::digest::hex;
use crate::core::directory::Directory;
use crate::core::id::Actor;
use crate::core::time::Time;
use crate::store::{AuditQuery, ChangeSet, Store, StoreFault};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The key, in the data folder.
const KEY_FILE: &str = "audit.key";
/// The checkpoints, one JSON object a line, in the data folder.
const CHECKPOINT_FILE: &str = "audit-checkpoints.jsonl";

/// What signs checkpoints, and the file they are kept in beside the database.
#[derive(Clone)]
pub struct Sealer {
    key: SigningKey,
    file: PathBuf,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer")
            .field("public", &self.public())
            .finish_non_exhaustive()
    }
}

/// The file of checkpoints in a data folder.
#[must_use]
pub fn checkpoint_file(data_dir: &Path) -> PathBuf {
    data_dir.join(CHECKPOINT_FILE)
}

impl Sealer {
    /// With the given key (64 hexadecimal digits), else the one in the data folder, made if there is
    /// none.
    ///
    /// # Errors
    /// When the key cannot be read or kept.
    pub fn open(data_dir: &Path, given: Option<&str>) -> anyhow::Result<Sealer> {
        let seed = match given {
            Some(text) => seed(text)?,
            None => kept_seed(&data_dir.join(KEY_FILE))?,
        };
        Ok(Sealer {
            key: SigningKey::from_bytes(&seed),
            file: checkpoint_file(data_dir),
        })
    }

    /// The same, if there is a key already.
    #[must_use]
    pub fn existing(data_dir: &Path, given: Option<&str>) -> Option<Sealer> {
        let there = given.is_some() || data_dir.join(KEY_FILE).is_file();
        there.then(|| Sealer::open(data_dir, given).ok()).flatten()
    }

    /// The public key, hex: what a checkpoint is checked with.
    #[must_use]
    pub fn public(&self) -> String {
        hex(self.key.verifying_key().as_bytes())
    }

    /// Signs the end of a chain.
    #[must_use]
    pub fn sign(&self, head: &Head, at: Time) -> Checkpoint {
        let signed = Checkpoint::signed(head, at);
        Checkpoint {
            n: head.n,
            hash: head.hash.clone(),
            at,
            key: self.public(),
            signature: hex(&self.key.sign(signed.as_bytes()).to_bytes()),
        }
    }

    /// Appends a checkpoint to the file beside the database, durably.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep(&self, checkpoint: &Checkpoint) -> anyhow::Result<()> {
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&self.file)?;
        writeln!(file, "{}", serde_json::to_string(checkpoint)?)?;
        file.sync_all()?;
        Ok(())
    }
}

/// Whether a checkpoint was signed with the key it names.
#[must_use]
pub fn genuine(checkpoint: &Checkpoint) -> bool {
    let head = Head {
        n: checkpoint.n,
        hash: checkpoint.hash.clone(),
    };
    let key = bytes::<32>(&checkpoint.key).and_then(|b| VerifyingKey::from_bytes(&b).ok());
    let signature = bytes::<64>(&checkpoint.signature).map(|b| Signature::from_bytes(&b));
    let signed = Checkpoint::signed(&head, checkpoint.at);
    match (key, signature) {
        (Some(key), Some(signature)) => key.verify_strict(signed.as_bytes(), &signature).is_ok(),
        _ => false,
    }
}

/// A chain that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// Its end.
    pub head: Head,
    /// Checkpoints that agree.
    pub checkpoints: usize,
    /// The key they had to be signed with; `None`: whichever each names.
    pub key: Option<String>,
}

/// Entries read at once.
const PIECE: i64 = 1000;

/// Walks the chain in the database and compares it with its checkpoints and those kept elsewhere. The
/// inner error is what was done to it, by the first bad entry.
///
/// # Errors
/// When the database cannot be read.
pub async fn verify_audit(
    store: &Store,
    kept: Vec<Checkpoint>,
    key: Option<&str>,
) -> Result<Result<Whole, String>, StoreFault> {
    let mut all = store.audit_checkpoints().await?;
    all.extend(kept);
    let all = match genuine_all(all, key) {
        Ok(all) => all,
        Err(why) => return Ok(Err(why)),
    };
    let (checkpoints, mut after) = (all.len(), i64::MIN);
    let mut walk = Walk::new(all);
    loop {
        let piece = store.audit_after(after, PIECE).await?;
        let Some(last) = piece.last() else { break };
        after = last.n;
        for entry in &piece {
            if let Err(broken) = walk.step(entry) {
                return Ok(Err(broken.to_string()));
            }
        }
    }
    let key = key.map(str::to_owned);
    let whole = walk.end().map(|head| Whole {
        head,
        checkpoints,
        key,
    });
    Ok(whole.map_err(|broken| broken.to_string()))
}

/// The checkpoints, if each is signed by this key, or at least by the one it names.
///
/// # Errors
/// Which is not.
pub fn genuine_all(all: Vec<Checkpoint>, key: Option<&str>) -> Result<Vec<Checkpoint>, String> {
    for checkpoint in &all {
        if let Some(wanted) = key.filter(|k| !k.eq_ignore_ascii_case(&checkpoint.key)) {
            return Err(format!(
                "the checkpoint after entry {} was signed with the key {}, not with {wanted}",
                checkpoint.n, checkpoint.key
            ));
        }
        if !genuine(checkpoint) {
            return Err(format!(
                "the checkpoint after entry {} has a signature that is not its key's",
                checkpoint.n
            ));
        }
    }
    Ok(all)
}

fn seed(text: &str) -> anyhow::Result<[u8; 32]> {
    bytes(text.trim())
        .ok_or_else(|| anyhow::anyhow!("the audit's key is not 64 hexadecimal digits"))
}

fn kept_seed(path: &Path) -> anyhow::Result<[u8; 32]> {
    if let Ok(text) = std::fs::read_to_string(path) {
        return seed(&text);
    }
    // As many random bits as the key has room for, twice over.
    let mut hash = Sha256::new();
    for _ in 0..4 {
        hash.update(uuid::Uuid::new_v4().as_bytes());
    }
    let fresh: [u8; 32] = hash.finalize().into();
    let file = std::fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path);
    let mut file = file
        .map_err(|e| anyhow::anyhow!("the audit's key {} cannot be kept: {e}", path.display()))?;
    writeln!(file, "{}", hex(&fresh))?;
    file.sync_all()?;
    Ok(fresh)
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    let mut out = [0; N];
    for (slot, at) in out.iter_mut().zip((0..text.len()).step_by(2)) {
        *slot = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(out)
}

impl Engine {
    /// Puts a fact into the audit that belongs to no event: automation switched, somebody refused at
    /// the door.
    ///
    /// # Errors
    /// `Unavailable` when nothing could be stored.
    pub async fn audit(&self, fact: Fact) -> Result<(), Failure> {
        let changes = ChangeSet {
            facts: vec![fact],
            ..ChangeSet::default()
        };
        self.write(changes).await
    }

    /// Signs the end of the audit's chain when at least `every` entries came since it was signed last,
    /// and keeps that in the database and beside it. `None`: there are fewer.
    ///
    /// # Errors
    /// When it cannot be read or kept.
    pub async fn seal_audit(
        &self,
        sealer: &Sealer,
        every: i64,
    ) -> anyhow::Result<Option<Checkpoint>> {
        let head = self.store().audit_head().await?;
        let last = self
            .store()
            .audit_checkpoints()
            .await?
            .last()
            .map_or(0, |c| c.n);
        if head.n - last < every.max(1) {
            return Ok(None);
        }
        let checkpoint = sealer.sign(&head, self.now());
        sealer.keep(&checkpoint)?;
        let changes = ChangeSet {
            checkpoints: vec![checkpoint.clone()],
            ..ChangeSet::default()
        };
        self.write(changes).await?;
        Ok(Some(checkpoint))
    }

    /// Notes which rule and action files are not as they were when this was last called, by their
    /// digests.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    pub async fn note_files(&self) -> Result<(), Failure> {
        let now = files(&self.directory());
        let query = AuditQuery {
            kind: Some(FILES.to_owned()),
            limit: 1,
            ..AuditQuery::default()
        };
        let last = self.store().audit(&query).await?;
        let before = last.first().and_then(|e| {
            let detail: serde_json::Value = serde_json::from_str(&e.detail).ok()?;
            serde_json::from_value::<BTreeMap<String, String>>(detail.get("now")?.clone()).ok()
        });
        let before = before.unwrap_or_default();
        if before == now {
            return Ok(());
        }
        let changed: Vec<String> = now
            .iter()
            .filter(|(name, digest)| before.get(*name) != Some(digest))
            .map(|(name, _)| name.clone())
            .collect();
        let gone: Vec<String> = before
            .keys()
            .filter(|name| !now.contains_key(*name))
            .map(|name| format!("{name} (gone)"))
            .collect();
        let named: Vec<String> = changed.into_iter().chain(gone).collect();
        let text = format!(
            "Rules or actions are not as they were: {}.",
            crate::core::text::list(&named)
        );
        self.audit(Fact {
            kind: FILES.to_owned(),
            by: Actor::Firebell,
            incident: None,
            run: None,
            action: String::new(),
            text,
            detail: ordered(serde_json::json!({"now": now})),
        })
        .await
    }
}

/// Kind of the entries that tell of files.
const FILES: &str = "files_changed";

/// The digest of each file that decides about runs.
fn files(directory: &Directory) -> BTreeMap<String, String> {
    let rules = &directory.permits;
    let said = match (&rules.broken, rules.digest.as_str()) {
        (Some(_), digest) => format!("broken {digest}"),
        (None, "") => "firebell's own".to_owned(),
        (None, digest) => digest.to_owned(),
    };
    let actions = directory.actions.values();
    actions
        .map(|a| (format!("actions/{}.toml", a.id), a.digest.clone()))
        .chain([("rules".to_owned(), said)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_signs_what_only_it_can() {
        let folder = tempfile::tempdir().unwrap();
        let sealer = Sealer::open(folder.path(), None).unwrap();
        let again = Sealer::open(folder.path(), None).unwrap();
        assert_eq!(sealer.public(), again.public());
        let good = sealer.sign(&Head::default(), Time(5));
        assert!(genuine(&good));
        for bad in [
            Checkpoint {
                n: 1,
                ..good.clone()
            },
            Checkpoint {
                at: Time(6),
                ..good.clone()
            },
            Checkpoint {
                hash: "x".to_owned(),
                ..good.clone()
            },
            Checkpoint {
                key: "00".repeat(32),
                ..good.clone()
            },
            Checkpoint {
                signature: "00".repeat(64),
                ..good.clone()
            },
            Checkpoint {
                signature: "é".repeat(64),
                ..good.clone()
            },
        ] {
            assert!(!genuine(&bad), "{bad:?}");
        }
        let given = Sealer::open(folder.path(), Some(&"ab".repeat(32))).unwrap();
        assert_ne!(given.public(), sealer.public());
        assert!(Sealer::open(folder.path(), Some("short")).is_err());
    }
}
