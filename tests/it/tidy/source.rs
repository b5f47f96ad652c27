//! Reading the source tree: files, code without comments and literals, and where tests begin.

use regex::Regex;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A file of the repository.
pub struct File {
    /// From the repository's root, with `/`.
    pub path: String,
    /// As it is.
    pub text: String,
    /// Rust only: the same length and lines, comments and the insides of literals blanked.
    pub code: String,
}

impl File {
    /// A file that was not read, for testing the rules.
    pub fn invented(path: &str, text: &str) -> File {
        File {
            path: path.to_owned(),
            text: text.to_owned(),
            code: code(text),
        }
    }

    /// `path:line` of a byte offset.
    pub fn at(&self, offset: usize) -> String {
        let line = self.text[..offset].matches('\n').count() + 1;
        format!("{}:{line}", self.path)
    }

    /// The room: the first name under `src`; empty for `lib.rs`.
    pub fn room(&self) -> &str {
        let inside = self.path.strip_prefix("src/").unwrap_or("");
        match inside.split_once('/') {
            Some((room, _)) => room,
            None => match inside.trim_end_matches(".rs") {
                "lib" => "",
                "main" => "cli",
                room => room,
            },
        }
    }

    /// Modules between this one and the crate: 1 for `src/run/mod.rs`, 2 for `src/run/mask.rs`.
    pub fn depth(&self) -> usize {
        self.folder().matches('/').count() - 1
    }

    /// Where this module's children are: `src/run/` for `src/run/mod.rs`, `src/run/mask/` for its `mask.rs`.
    fn folder(&self) -> String {
        let stem = self.path.trim_end_matches(".rs");
        let (parent, name) = stem.rsplit_once('/').unwrap_or(("", stem));
        match name {
            "mod" | "lib" | "main" => format!("{parent}/"),
            _ => format!("{stem}/"),
        }
    }

    /// Where the tests at the foot of the file begin.
    pub fn tests_from(&self) -> usize {
        let foot =
            Regex::new(r"#\[cfg\(test\)\]\s*(?:#\[[^\]]*\]\s*)*(?:pub )?mod \w+ \{").unwrap();
        foot.find(&self.code).map_or(self.code.len(), |m| m.start())
    }
}

/// The repository's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files under a folder of the repository whose name ends so, in order. Build output, version
/// control and other people's packages are passed over.
pub fn files(under: &str, ending: &str) -> Vec<File> {
    let mut found = Vec::new();
    walk(&root().join(under), ending, &mut found);
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(root()).unwrap().to_str().unwrap();
            File::invented(path, &text)
        })
        .collect()
}

fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if !name.starts_with('.') && !matches!(name, "target" | "node_modules") {
                walk(&path, ending, found);
            }
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

/// Files that are tests as a whole: those under `tests/` and `benches/`, and modules declared
/// `#[cfg(test)] mod x;`.
pub fn test_files(files: &[File]) -> BTreeSet<String> {
    let declared =
        Regex::new(r"#\[cfg\(test\)\]\s*(?:#\[[^\]]*\]\s*)*(?:pub )?mod (\w+);").unwrap();
    let mut prefixes = vec!["tests/".to_owned(), "benches/".to_owned()];
    for file in files {
        for found in declared.captures_iter(&file.code) {
            prefixes.push(format!("{}{}.rs", file.folder(), &found[1]));
            prefixes.push(format!("{}{}/", file.folder(), &found[1]));
        }
    }
    files
        .iter()
        .filter(|f| prefixes.iter().any(|p| f.path.starts_with(p)))
        .map(|f| f.path.clone())
        .collect()
}

/// Rust without comments and the insides of literals, each blanked byte a space.
pub fn code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text[at..];
        let end = at + literal(rest, at > 0 && word(bytes[at - 1]));
        if end > at {
            blank(&mut out[at..end]);
            at = end;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    String::from_utf8(out).unwrap()
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn blank(bytes: &mut [u8]) {
    for b in bytes {
        if *b != b'\n' {
            *b = b' ';
        }
    }
}

/// Length of the comment or literal that begins here, or 0.
fn literal(rest: &str, after_word: bool) -> usize {
    let until = |from: usize, end: &str| {
        rest[from..]
            .find(end)
            .map_or(rest.len(), |n| from + n + end.len())
    };
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return nested_comment(rest);
    }
    if let Some(inner) = rest.strip_prefix('"') {
        return 1 + escaped(inner, '"');
    }
    if let Some(raw) = rest
        .strip_prefix("br")
        .or_else(|| rest.strip_prefix('r'))
        .filter(|_| !after_word)
    {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            return until(rest.len() - raw.len() + hashes + 1, &end);
        }
    }
    if let Some(inner) = rest.strip_prefix('\'') {
        let mut chars = inner.chars();
        let first = chars.next();
        // Otherwise a lifetime.
        if first == Some('\\') || chars.next() == Some('\'') {
            return 1 + escaped(inner, '\'');
        }
    }
    0
}

/// Length up to and with the closing quote, minding backslashes.
fn escaped(text: &str, quote: char) -> usize {
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c == quote {
            return at + 1;
        }
    }
    text.len()
}

fn nested_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while at < text.len() {
        if text.as_bytes()[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if text.as_bytes()[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}
