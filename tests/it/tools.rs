//! Programs that some tests need and a plain machine may not have.

use std::io::Write;
use std::path::{Path, PathBuf};

/// Where Debian keeps what is not in `PATH`; `*` stands for one folder, the highest name wins.
const PLACES: [&str; 4] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/lib/chromium",
    "/usr/sbin",
    "/usr/local/bin",
];

/// The program's path, or `None` after saying that the test is skipped. With `FIREBELL_REQUIRE_TOOLS=1`,
/// as in CI, a missing program is a failure.
pub fn need(tool: &str) -> Option<PathBuf> {
    let found = find(tool);
    if found.is_none() {
        skip(&format!("{tool} not found"));
    }
    found
}

/// Says that a test cannot run here, past the test runner's capture; a failure when tools are required.
pub fn skip(why: &str) {
    let required = std::env::var("FIREBELL_REQUIRE_TOOLS").is_ok_and(|v| v == "1");
    assert!(!required, "{why}, and FIREBELL_REQUIRE_TOOLS=1 requires it");
    tell(why);
}

/// Says that a test cannot run here for want of what no program brings: a right, a kernel.
pub fn tell(why: &str) {
    // nothing is lost when nobody reads it
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

fn find(tool: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(PLACES.into_iter().flat_map(folders))
        .map(|folder| folder.join(tool))
        .find(|file| file.is_file())
}

fn folders(place: &str) -> Vec<PathBuf> {
    let Some((before, after)) = place.split_once("/*/") else {
        return vec![PathBuf::from(place)];
    };
    let versions = std::fs::read_dir(Path::new(before));
    let mut versions: Vec<PathBuf> = (versions.into_iter().flatten().flatten())
        .map(|entry| entry.path().join(after))
        .collect();
    // by number, so that 15 comes before 9
    versions.sort_by_key(|path| {
        let version = path.parent().and_then(Path::file_name);
        let version = version
            .and_then(|v| v.to_str())
            .and_then(|v| v.parse().ok());
        std::cmp::Reverse(version.unwrap_or(0u32))
    });
    versions
}

#[test]
fn a_program_of_every_machine_is_found_and_an_invented_one_is_not() {
    assert!(find("sh").is_some_and(|path| path.ends_with("sh")));
    assert_eq!(find("no-such-program-as-this"), None);
}
