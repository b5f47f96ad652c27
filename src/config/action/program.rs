//! The program of an action: absolute, fixed, there, executable, and nobody else's to change.

use super::super::reader::{Said, Sink};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// Checks the first element of an argv. A program that is not there is no fault of the file: the
/// action is off on this machine, and right on another.
pub(super) fn check_program(said: &Said<String>, user: Option<&str>, sink: &Sink) {
    let program = &said.value;
    let fault = |what: String, fix: &str| sink.fault(&said.place, what, fix);
    if !program.starts_with('/') || program.contains(['{', '}']) {
        fault(
            format!("the program {program:?} must be an absolute path without an argument in it"),
            "write the whole path first, such as \"/usr/bin/systemctl\"",
        );
        return;
    }
    let Ok(meta) = std::fs::metadata(program) else {
        sink.absent(
            &said.place,
            format!("the program {program} is not on this machine"),
            "install it, or correct the path; remove the file if this machine is not meant to do this",
        );
        return;
    };
    let mode = meta.permissions().mode();
    if !meta.is_file() || mode & 0o111 == 0 {
        fault(
            format!("{program} is not an executable file"),
            "name a program, or chmod +x it",
        );
    } else if mode & 0o022 != 0 {
        fault(
            format!("others than its owner may change the program {program}"),
            "chmod go-w it, so that only its owner decides what runs",
        );
    } else if open_folder(program) {
        fault(
            format!("anybody may put another program in place of {program}"),
            "chmod o-w its folder, so that only its owner decides what runs",
        );
    } else if let Some(user) = user
        && mode & 0o200 != 0
        && uid_of(user) == Some(meta.uid())
    {
        fault(
            format!(
                "the program {program} belongs to {user}, as whom it runs and who could change it"
            ),
            "give it to another account, such as root",
        );
    }
}

/// Whether everybody may replace what is in the program's folder; a sticky folder protects it.
fn open_folder(program: &str) -> bool {
    let folder = Path::new(program).parent();
    let meta = folder.and_then(|f| std::fs::metadata(f).ok());
    meta.is_some_and(|m| m.mode() & 0o002 != 0 && m.mode() & 0o1000 == 0)
}

/// The number of an account of this machine's own list.
fn uid_of(user: &str) -> Option<u32> {
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    let mut found = accounts.lines().filter_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == user).then(|| fields.nth(1)?.parse().ok())?
    });
    found.next()
}
