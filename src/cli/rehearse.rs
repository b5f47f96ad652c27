//! `firebell test`: rehearsals of policies, for a terminal and for somebody's own CI.

use super::serve;
use crate::config::{fix_report, rehearsals};
use crate::core::directory::Directory;
use crate::core::rehearse::{Compared, Rehearsal, compare, rehearse};
use crate::core::text::count;
use anyhow::{Context, bail};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs every rehearsal of `paths` (files, or folders of files; none: `tests/` beside the
/// configuration) and prints what differs.
///
/// # Errors
/// When a file cannot be read, has faults, or there is nothing to run.
pub fn test(config: &Path, paths: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let Some(loaded) = serve::load(config) else {
        return Ok(ExitCode::FAILURE);
    };
    let own = [config.parent().unwrap_or(Path::new("")).join("tests")];
    let paths = if paths.is_empty() { &own } else { paths };
    let (mut run, mut failed) = (0, 0);
    for file in files(paths)? {
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("{} cannot be read", file.display()))?;
        let written = match rehearsals(&text, &file, &loaded.directory) {
            Ok(written) => written,
            Err(faults) => {
                super::print(&fix_report(&faults))?;
                bail!("{} in {}", count(faults.len(), "fault"), file.display());
            }
        };
        for one in written {
            run += 1;
            let (good, report) = report(&loaded.directory, &one.rehearsal);
            if good {
                super::print(&format!("ok    {}", one.rehearsal.name))?;
                continue;
            }
            failed += 1;
            let place = format!("{}:{}", file.display(), one.line);
            super::print(&format!(
                "FAIL  {}  ({place})\n{report}",
                one.rehearsal.name
            ))?;
        }
    }
    if run == 0 {
        bail!(
            "there is no test: write tests/paging.toml beside {}",
            config.display()
        );
    }
    super::print(&format!("{}, {failed} failed", count(run, "test")))?;
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The files named, and those of the folders named, in order.
fn files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        if !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        let items = std::fs::read_dir(path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        for item in items {
            let item = item?.path();
            if item.extension().is_some_and(|e| e == "toml") {
                found.push(item);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Whether it went as expected, and the difference line by line.
#[must_use]
pub fn report(directory: &Directory, rehearsal: &Rehearsal) -> (bool, String) {
    let told = rehearse(directory, rehearsal);
    let mut good = true;
    let mut out = String::new();
    for line in compare(&rehearsal.expect, &told) {
        // Writing to a String cannot fail.
        let _ = match line {
            Compared::Same(told) => writeln!(out, "        {}", told.line),
            Compared::Missing(line) => {
                good = false;
                writeln!(out, "      - {line}   (expected)")
            }
            Compared::Surprise(told) => {
                good = false;
                writeln!(out, "      + {}   ({})", told.line, told.why)
            }
        };
    }
    (good, out)
}
