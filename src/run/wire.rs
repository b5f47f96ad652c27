//! What executors that speak HTTP have in common: references to secrets, a client, and words.
//!
//! Secrets and addresses appear in no error.

use crate::config::engines::Way;
use secrecy::{ExposeSecret, SecretString};
use std::error::Error;
use std::path::Path;
use std::time::Duration;

/// A secret file is a token, not a document.
const SECRET_BYTES: u64 = 64 * 1024;

/// Of another program's words, this many characters are repeated.
const QUOTED_CHARS: usize = 300;

/// A value that may be, or end in, a reference: `env:NAME`, `file:/path`, or a word and one of
/// them, as in `Bearer file:/run/secrets/token`. Read when the run starts, so that a token that
/// was replaced is used at once.
///
/// # Errors
/// In words, without the secret.
pub(super) fn secret(value: &str) -> Result<Option<SecretString>, String> {
    let (word, reference) = match value.split_once(' ') {
        Some((word, rest)) if is_reference(rest) => (format!("{word} "), rest),
        _ if is_reference(value) => (String::new(), value),
        _ => return Ok(None),
    };
    let found = if let Some(name) = reference.strip_prefix("env:") {
        std::env::var(name).map_err(|_| {
            format!("the variable {name} is not set; set it for firebell's own process")
        })?
    } else {
        let path = reference.strip_prefix("file:").unwrap_or(reference);
        let unreadable = |e: std::io::Error| format!("the secret in {path} cannot be read: {e}");
        let meta = std::fs::metadata(path).map_err(unreadable)?;
        if !meta.is_file() || meta.len() > SECRET_BYTES {
            return Err(format!("the secret {path} is no file of at most 64 KiB"));
        }
        std::fs::read_to_string(Path::new(path)).map_err(unreadable)?
    };
    let found = found.trim_end_matches(['\r', '\n']);
    if found.is_empty() {
        return Err(format!("{reference} leads to an empty secret"));
    }
    Ok(Some(SecretString::from(format!("{word}{found}"))))
}

fn is_reference(value: &str) -> bool {
    value.starts_with("env:") || value.starts_with("file:")
}

/// A client for one server, with its proxy and certificate authority. Follows no redirect, reads
/// no proxy variables and repeats nothing by itself.
///
/// # Errors
/// In words, when the proxy or the certificate cannot be used.
pub(super) fn client(way: &Way, name: &str) -> Result<reqwest::Client, String> {
    let timeout = Duration::from_millis(way.timeout_ms.unsigned_abs());
    let mut client = reqwest::Client::builder()
        .user_agent(concat!("firebell/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(timeout)
        .timeout(timeout);
    if let Some(proxy) = &way.proxy {
        // The address may hold a password, and reqwest's error the address.
        let proxy = reqwest::Proxy::all(proxy.expose_secret())
            .map_err(|_| format!("`proxy` of {name} is no proxy's address"))?;
        client = client.proxy(proxy);
    }
    if let Some(path) = &way.extra_ca {
        let unusable =
            |e: &dyn std::fmt::Display| format!("`extra-ca` of {name} cannot be used: {e}");
        let pem = std::fs::read(path).map_err(|e| unusable(&e))?;
        let authorities = reqwest::Certificate::from_pem_bundle(&pem).map_err(|e| unusable(&e))?;
        for authority in authorities {
            client = client.add_root_certificate(authority);
        }
    }
    client
        .build()
        .map_err(|_| format!("the way to {name} cannot be set up"))
}

/// Text of another program, short and on one line, without anything of `hidden`.
pub(super) fn quoted(text: &str, hidden: &[&SecretString]) -> String {
    let mut text = text.to_owned();
    for secret in hidden {
        let secret = secret.expose_secret();
        // Also what stands behind the word, as in `Bearer …`.
        let bare = secret.split_once(' ').map_or(secret, |(_, bare)| bare);
        for part in [secret, bare].into_iter().filter(|p| !p.is_empty()) {
            text = text.replace(part, super::mask::MASK);
        }
    }
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let flat: String = flat.chars().filter(|c| !c.is_control()).collect();
    match flat.char_indices().nth(QUOTED_CHARS) {
        Some((at, _)) => format!("{}…", &flat[..at]),
        None => flat,
    }
}

/// What the system said, such as `connection refused`. Its kind only: other texts may name
/// addresses.
pub(super) fn system_words(fault: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = Some(fault);
    while let Some(fault) = cause {
        if let Some(io) = fault.downcast_ref::<std::io::Error>()
            && io.raw_os_error().is_some()
        {
            return Some(io.kind().to_string());
        }
        cause = fault.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_followed_and_nothing_else() {
        let dir = std::env::temp_dir().join(format!("firebell-wire-{}", std::process::id()));
        std::fs::write(&dir, "s3cret\n").unwrap();
        let found = |value: &str| secret(value).map(|s| s.map(|s| s.expose_secret().to_owned()));
        let file = format!("file:{}", dir.display());
        assert_eq!(found(&file).unwrap().as_deref(), Some("s3cret"));
        assert_eq!(
            found(&format!("Bearer {file}")).unwrap().as_deref(),
            Some("Bearer s3cret")
        );
        assert_eq!(found("application/json").unwrap(), None);
        assert_eq!(found("a text that names file:x").unwrap(), None);
        std::fs::remove_file(&dir).unwrap();
        let why = found(&file).unwrap_err();
        assert!(why.contains("cannot be read"), "{why}");
        assert!(found("env:FIREBELL_NO_SUCH_VARIABLE").is_err());
    }

    #[test]
    fn words_of_others_are_short_and_hold_no_secret() {
        let token = SecretString::from("Bearer abc");
        let said = quoted("a\n\tabc\u{1b}[1m Bearer abc", &[&token]);
        assert_eq!(said, "a [masked][1m [masked]");
        assert_eq!(quoted(&"x".repeat(400), &[]).chars().count(), 301);
    }
}
