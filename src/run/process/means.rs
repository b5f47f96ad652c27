//! What a run is given on this machine: its user, its environment, its secrets; and the spool's name.

use super::spool::Login;
use crate::core::directory::ProcessRun;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// A secret is a token, a key or a certificate.
const SECRET: u64 = 64 * 1024;

/// The user a name means; `None`: the one firebell is already.
pub(super) fn login(name: &str) -> Result<Option<Login>, String> {
    use nix::unistd::{User, geteuid, getgrouplist};
    let user = User::from_name(name)
        .map_err(|e| format!("the user {name} cannot be looked up: {e}"))?
        .ok_or_else(|| format!("there is no user {name} on this machine"))?;
    if user.uid.is_root() {
        return Err("it would run as root; name another `user`".to_owned());
    }
    if user.uid == geteuid() {
        return Ok(None);
    }
    if !geteuid().is_root() {
        return Err(format!(
            "firebell runs as a user that cannot become {name}; leave `user` out, or run firebell as root"
        ));
    }
    let of = std::ffi::CString::new(name).map_err(|e| e.to_string())?;
    let groups = getgrouplist(&of, user.gid).map_err(|e| format!("the groups of {name}: {e}"))?;
    Ok(Some(Login {
        uid: user.uid.as_raw(),
        gid: user.gid.as_raw(),
        groups: groups.iter().map(|g| g.as_raw()).collect(),
    }))
}

/// What the action names, and what it takes over from firebell's own.
pub(super) fn environment(run: &ProcessRun) -> BTreeMap<String, String> {
    let mut env = run.env.clone();
    for name in &run.env_pass {
        if let Ok(value) = std::env::var(name) {
            env.entry(name.clone()).or_insert(value);
        }
    }
    env
}

/// The secret a reference means, read now: a changed one is in force at the next run.
pub(super) fn secret(name: &str, reference: &str) -> Result<String, String> {
    use std::io::Read;
    if let Some(variable) = reference.strip_prefix("env:") {
        return std::env::var(variable.trim())
            .map_err(|_| format!("the secret {name}: the variable {variable} is not set"));
    }
    let Some(path) = reference.strip_prefix("file:") else {
        return Err(format!(
            "the secret {name} is neither env:NAME nor file:/path"
        ));
    };
    let mut text = String::new();
    std::fs::File::open(path.trim())
        .and_then(|f| f.take(SECRET).read_to_string(&mut text))
        .map_err(|e| format!("the secret {name} cannot be read from {path}: {e}"))?;
    Ok(text)
}

/// The spool's own name, made once.
pub(super) fn node(spool: &Path) -> io::Result<String> {
    let path = spool.join("node");
    let read = || std::fs::read_to_string(&path).map(|t| t.trim().to_owned());
    match read() {
        Ok(id) if !id.is_empty() => return Ok(id),
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let new = spool.join(format!("node.{}", uuid::Uuid::new_v4().simple()));
    let mut file = std::fs::File::create(&new)?;
    io::Write::write_all(
        &mut file,
        uuid::Uuid::new_v4().simple().to_string().as_bytes(),
    )?;
    file.sync_all()?;
    // Of two that make it at once one wins.
    match std::fs::hard_link(&new, &path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => std::fs::remove_file(&new)?,
        Err(_) => std::fs::rename(&new, &path)?,
        Ok(()) => std::fs::remove_file(&new)?,
    }
    std::fs::File::open(spool)?.sync_all()?;
    read()
}
