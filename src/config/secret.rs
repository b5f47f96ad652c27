//! Secrets by reference. A file that is committed, copied or pasted into a ticket holds none.

use super::load::Variables;
use super::reader::{Said, Sink};
use super::tree::Place;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A secret file is a token or a URL, not a document.
const FILE_MAX: u64 = 64 * 1024;

/// Where references are looked up.
pub(super) struct Secrets<'a> {
    /// Relative paths start here: the folder of `firebell.toml`.
    pub base: &'a Path,
    /// Environment.
    pub variables: &'a Variables,
    /// Files that were read, for watching.
    pub files: RefCell<Vec<PathBuf>>,
}

/// What a value that may be a reference turned out to be.
pub(super) enum Found {
    /// The secret.
    Secret(SecretString),
    /// Not a reference: written out in a file.
    Literal(String),
    /// A reference that leads nowhere; the fault is said.
    Nothing,
}

impl Secrets<'_> {
    /// Follows `env:NAME` and `file:PATH`. A literal from an environment variable counts as a secret.
    pub fn find(&self, key: &str, said: &Said<String>, sink: &Sink) -> Found {
        let found = if let Some(name) = said.value.strip_prefix("env:") {
            self.in_variable(key, name.trim(), &said.place, sink)
        } else if let Some(path) = said.value.strip_prefix("file:") {
            self.in_file(key, Path::new(path.trim()), &said.place, sink)
        } else if said.place.env {
            Some(said.value.clone())
        } else {
            return Found::Literal(said.value.clone());
        };
        let Some(text) = found else {
            return Found::Nothing;
        };
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            let what = format!("`{key}` leads to an empty value");
            sink.fault(&said.place, what, "put the secret there");
            return Found::Nothing;
        }
        Found::Secret(SecretString::from(text))
    }

    /// A secret that must be a reference.
    pub fn need(&self, key: &str, said: &Said<String>, sink: &Sink) -> Option<SecretString> {
        match self.find(key, said, sink) {
            Found::Secret(secret) => Some(secret),
            Found::Nothing => None,
            Found::Literal(_) => {
                sink.fault(
                    &said.place,
                    format!("`{key}` holds a secret in the open"),
                    format!("write {key} = \"env:NAME\" or {key} = \"file:/path\" and keep the secret there"),
                );
                None
            }
        }
    }

    fn in_variable(&self, key: &str, name: &str, place: &Place, sink: &Sink) -> Option<String> {
        let value = self.variables.get(name).cloned();
        if value.is_none() {
            sink.fault(
                place,
                format!("`{key}` refers to the environment variable {name}, which is not set"),
                format!("set {name} for firebell's process, or use \"file:/path\""),
            );
        }
        value
    }

    fn in_file(&self, key: &str, path: &Path, place: &Place, sink: &Sink) -> Option<String> {
        let path = self.base.join(path);
        self.files.borrow_mut().push(path.clone());
        let shown = path.display();
        match read_small(&path) {
            Ok((text, mode)) => {
                if mode & 0o004 != 0 {
                    let what = format!("everybody on this machine can read the secret in {shown}");
                    sink.warn(place, what, format!("chmod 600 {shown}"));
                }
                Some(text)
            }
            Err(why) => {
                sink.fault(
                    place,
                    format!("`{key}` refers to the file {shown}: {why}"),
                    "create it with the secret as its only line, readable by firebell (chmod 600)",
                );
                None
            }
        }
    }
}

fn read_small(path: &Path) -> Result<(String, u32), String> {
    let meta = std::fs::metadata(path).map_err(|e| e.to_string())?;
    if !meta.is_file() {
        return Err("it is not a file".to_owned());
    }
    if meta.len() > FILE_MAX {
        return Err(format!("it is larger than {FILE_MAX} bytes"));
    }
    let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
    Ok((text, meta.permissions().mode()))
}

/// SHA-256 of some bytes.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// 64 hexadecimal digits as a digest.
pub(super) fn unhex(text: &str) -> Option<[u8; 32]> {
    let text = text.trim();
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut digest = [0u8; 32];
    for (i, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(digest)
}
