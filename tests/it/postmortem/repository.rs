//! Documents in a git repository: the system's git over a bare repository of this machine.

use crate::tools;
use firebell::config::chat::Net;
use firebell::config::postmortem::{Export, ExportKind};
use firebell::share::{Document, Places};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A bare repository with one commit on `main`.
pub struct Bare {
    pub folder: tempfile::TempDir,
}

impl Bare {
    /// `None`, said, when there is no git here.
    pub fn new() -> Option<Bare> {
        tools::need("git")?;
        let bare = Bare {
            folder: tempfile::tempdir().unwrap(),
        };
        let path = bare.path();
        bare.git(&[
            "init",
            "--quiet",
            "--bare",
            "--initial-branch=main",
            path.to_str().unwrap(),
        ]);
        let work = bare.folder.path().join("work");
        bare.git(&[
            "clone",
            "--quiet",
            path.to_str().unwrap(),
            work.to_str().unwrap(),
        ]);
        std::fs::write(work.join("README.md"), "# Handbook\n").unwrap();
        bare.commit(&work, "main", "Begin the handbook");
        Some(bare)
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("handbook.git")
    }

    /// Commits everything in a clone and pushes it.
    pub fn commit(&self, work: &Path, branch: &str, subject: &str) {
        let at = work.to_str().unwrap();
        self.git(&["-C", at, "add", "--all"]);
        let who = ["-c", "user.name=Ana", "-c", "user.email=ana@example.org"];
        let rest = ["-C", at, "commit", "--quiet", "-m", subject];
        self.git(&[&who[..], &rest[..]].concat());
        self.git(&[
            "-C",
            at,
            "push",
            "--quiet",
            "origin",
            &format!("HEAD:{branch}"),
        ]);
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        let done = Command::new("git")
            .args(arguments)
            .env("HOME", self.folder.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        String::from_utf8(done.stdout).unwrap()
    }

    pub fn ask(&self, arguments: &[&str]) -> String {
        let path = self.path();
        self.git(&[&["-C", path.to_str().unwrap()], arguments].concat())
    }
}

pub fn net(api_url: &str) -> Net {
    Net {
        api_url: api_url.to_owned(),
        proxy: None,
        extra_ca: None,
        timeout_ms: 10_000,
        pace_ms: 1000,
    }
}

pub fn export(repository: &Path) -> Export {
    Export {
        name: "handbook".to_owned(),
        net: net("http://127.0.0.1:9"),
        token: None,
        kind: ExportKind::Git {
            repository: repository.display().to_string(),
            base: "main".to_owned(),
            folder: "postmortems".to_owned(),
            user: "x-access-token".to_owned(),
            forge: None,
        },
    }
}

pub fn document(markdown: &str) -> Document {
    Document {
        incident: 42,
        title: "Checkout fails; $(reboot) @everyone".to_owned(),
        url: "https://firebell.example/incidents/42/postmortem".to_owned(),
        markdown: markdown.to_owned(),
        known: String::new(),
    }
}

#[tokio::test]
async fn a_document_becomes_a_branch_and_what_people_changed_there_stays() {
    let Some(bare) = Bare::new() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let places = Places::new(&[export(&bare.path())], scratch.path()).unwrap();
    let first = places
        .document("handbook", &document("# One\n"))
        .await
        .unwrap();
    assert_eq!(first.state, "pushed to firebell/incident-42");
    let file = "firebell/incident-42:postmortems/incident-00042.md";
    assert_eq!(bare.ask(&["show", file]), "# One\n");
    assert_eq!(bare.ask(&["show", "main:README.md"]), "# Handbook\n");
    let author = bare.ask(&["log", "-1", "--format=%an <%ae> %s", "firebell/incident-42"]);
    assert_eq!(
        author.trim(),
        "firebell <firebell@localhost> Postmortem of incident 42"
    );
    // The same again is no new commit.
    places
        .document("handbook", &document("# One\n"))
        .await
        .unwrap();
    let count = || bare.ask(&["rev-list", "--count", "firebell/incident-42"]);
    assert_eq!(count().trim(), "2");
    // Somebody adds a file on the branch; the next version is built upon it.
    let work = bare.folder.path().join("work");
    let at = work.to_str().unwrap();
    bare.git(&["-C", at, "fetch", "--quiet", "origin"]);
    bare.git(&["-C", at, "checkout", "--quiet", "firebell/incident-42"]);
    std::fs::write(work.join("notes.md"), "mine\n").unwrap();
    bare.commit(&work, "firebell/incident-42", "Add a note");
    places
        .document("handbook", &document("# Two\n"))
        .await
        .unwrap();
    assert_eq!(bare.ask(&["show", file]), "# Two\n");
    assert_eq!(
        bare.ask(&["show", "firebell/incident-42:notes.md"]),
        "mine\n"
    );
    assert_eq!(count().trim(), "4");
    let left = std::fs::read_dir(scratch.path()).unwrap().count();
    assert_eq!(left, 0, "no working copy is left");
}

#[tokio::test]
async fn hooks_links_and_missing_branches_get_nothing_done() {
    let Some(bare) = Bare::new() else { return };
    let scratch = tempfile::tempdir().unwrap();
    // The folder of documents leads out of the repository.
    let work = bare.folder.path().join("work");
    let outside = bare.folder.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, work.join("postmortems")).unwrap();
    bare.commit(&work, "main", "Lead elsewhere");
    let places = Places::new(&[export(&bare.path())], scratch.path()).unwrap();
    // Links are checked out as plain files, so there is no folder to write into.
    let fault = places.document("handbook", &document("# One\n")).await;
    assert!(fault.is_err(), "{fault:?}");
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
    let mut elsewhere = export(&bare.path());
    if let ExportKind::Git { base, .. } = &mut elsewhere.kind {
        "trunk".clone_into(base);
    }
    let places = Places::new(&[elsewhere], scratch.path()).unwrap();
    let fault = places
        .document("handbook", &document("# One\n"))
        .await
        .unwrap_err();
    assert!(fault.why.contains("no branch trunk"), "{fault}");
    let mut gone = export(&bare.folder.path().join("nowhere.git"));
    gone.name = "gone".to_owned();
    let places = Places::new(&[gone], scratch.path()).unwrap();
    let fault = places
        .document("gone", &document("# One\n"))
        .await
        .unwrap_err();
    assert!(fault.why.starts_with("git clone failed"), "{fault}");
}
