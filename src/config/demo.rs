//! The complete example configuration `firebell demo` starts with, compiled in.
//!
//! What is on disk is the user's: files that exist are never overwritten, so the demo can be
//! edited and started again. Only `demo.env` is written anew, because it follows the address.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Result, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Path below the demo's folder, and text. The actions are those of `commands/actions/`.
pub const DEMO_FILES: &[(&str, &str)] = &[
    (
        "firebell.toml",
        include_str!("../../deploy/demo/firebell.toml"),
    ),
    (
        "people/ana.toml",
        include_str!("../../deploy/demo/people/ana.toml"),
    ),
    (
        "people/bo.toml",
        include_str!("../../deploy/demo/people/bo.toml"),
    ),
    (
        "people/chandra.toml",
        include_str!("../../deploy/demo/people/chandra.toml"),
    ),
    (
        "people/dana.toml",
        include_str!("../../deploy/demo/people/dana.toml"),
    ),
    (
        "people/emi.toml",
        include_str!("../../deploy/demo/people/emi.toml"),
    ),
    (
        "teams/web.toml",
        include_str!("../../deploy/demo/teams/web.toml"),
    ),
    (
        "teams/platform.toml",
        include_str!("../../deploy/demo/teams/platform.toml"),
    ),
    (
        "services/checkout.toml",
        include_str!("../../deploy/demo/services/checkout.toml"),
    ),
    (
        "services/search.toml",
        include_str!("../../deploy/demo/services/search.toml"),
    ),
    (
        "services/payments-api.toml",
        include_str!("../../deploy/demo/services/payments-api.toml"),
    ),
    (
        "services/postgres.toml",
        include_str!("../../deploy/demo/services/postgres.toml"),
    ),
    (
        "schedules/web-primary.toml",
        include_str!("../../deploy/demo/schedules/web-primary.toml"),
    ),
    (
        "schedules/platform.toml",
        include_str!("../../deploy/demo/schedules/platform.toml"),
    ),
    (
        "policies/standard.toml",
        include_str!("../../deploy/demo/policies/standard.toml"),
    ),
    (
        "checklists/major.toml",
        include_str!("../../deploy/demo/checklists/major.toml"),
    ),
    (
        "tests/paging.toml",
        include_str!("../../deploy/demo/tests/paging.toml"),
    ),
    (
        "actions/disk-usage.toml",
        include_str!("../../commands/actions/disk-usage.toml"),
    ),
    (
        "actions/restart-web.toml",
        include_str!("../../commands/actions/restart-web.toml"),
    ),
];

/// The addresses in the shipped `firebell.toml`, replaced when others are asked for.
const SHIPPED_LISTEN: &str = "listen = \"127.0.0.1:8080\"";
const SHIPPED_PAGE: &str = "127.0.0.1:8090";

/// Writes the demo's files below `dir` where there are none yet (with the addresses of the console and
/// of the status page), makes its two tokens once, and writes `dir/demo.env` for the shell: `FIREBELL_URL`, `FIREBELL_API_TOKEN`,
/// `FIREBELL_INGEST_TOKEN` (also the PagerDuty `routing_key`, hence 32 characters).
///
/// # Errors
/// When a file or folder cannot be written.
pub fn write_demo(dir: &Path, listen: &str, page: &str) -> Result<()> {
    folder(dir, 0o755)?;
    for (name, text) in DEMO_FILES {
        let path = dir.join(name);
        if let Some(parent) = path.parent() {
            folder(parent, 0o755)?;
        }
        let text = text
            .replacen(SHIPPED_LISTEN, &format!("listen = {listen:?}"), 1)
            .replace(SHIPPED_PAGE, page);
        write_new(&path, &text, 0o644)?;
    }
    let secrets = dir.join("secrets");
    folder(&secrets, 0o700)?;
    let api = token(&secrets.join("api-token"))?;
    let ingest = token(&secrets.join("ingest-token"))?;
    let env = format!(
        "# Written by firebell demo at every start. Read it with: . ./demo.env\n\
         export FIREBELL_URL=http://{listen}\n\
         export FIREBELL_API_TOKEN={api}\n\
         export FIREBELL_INGEST_TOKEN={ingest}\n"
    );
    replace(&dir.join("demo.env"), &env)
}

/// The token in a file; a new random one (122 bits, 32 hexadecimal digits) when there is none.
fn token(path: &Path) -> Result<String> {
    write_new(path, &format!("{}\n", uuid::Uuid::new_v4().simple()), 0o600)?;
    Ok(std::fs::read_to_string(path)?.trim().to_owned())
}

fn folder(path: &Path, mode: u32) -> Result<()> {
    DirBuilder::new().recursive(true).mode(mode).create(path)
}

fn write_new(path: &Path, text: &str, mode: u32) -> Result<()> {
    let opened = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path);
    match opened {
        Ok(mut file) => file.write_all(text.as_bytes()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Replaced in one step: a shell that reads it meanwhile sees the old or the new one.
fn replace(path: &Path, text: &str) -> Result<()> {
    let next = path.with_extension("env.next");
    match std::fs::remove_file(&next) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    write_new(&next, text, 0o600)?;
    std::fs::rename(next, path)
}
