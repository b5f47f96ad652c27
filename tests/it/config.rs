//! The configuration as people meet it: files on disk, and a report of what is wrong with them.

mod actions;
mod conduct;
mod engines;
mod entries;
mod insight;
mod kinds;
mod layers;
mod looking;
mod maintenance;
mod postmortem;
mod reload;
mod rules;
mod schedules;
mod settings;
mod shipped;
mod waking;
mod whole;

use firebell::config::{Fault, Loaded, Variables, fix_report, load, load_with, write_demo};
use firebell::core::directory::Target;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A small configuration without faults or warnings, in a folder of its own.
struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        for (name, text) in [
            ("firebell.toml", "[paging]\ncatch-all = [\"person:ana\"]\n"),
            (
                "people/ana.toml",
                "name = \"Ana\"\nzone = \"Europe/Madrid\"\nroles = [\"responder\"]\ncontacts = [{ kind = \"console\" }]\n",
            ),
            (
                "people/bo.toml",
                "name = \"Bo\"\nzone = \"Asia/Tokyo\"\nroles = [\"responder\"]\ncontacts = [{ kind = \"console\" }]\n",
            ),
            (
                "teams/web.toml",
                "members = [\"ana\", \"bo\"]\npolicy = \"standard\"\n",
            ),
            (
                "services/checkout.toml",
                "team = \"web\"\nmatch = ['service=\"checkout\"']\n",
            ),
            (
                "schedules/primary.toml",
                "zone = \"Europe/Madrid\"\nhandoff = \"0 9 * * MON\"\nstarts = \"2026-01-05 09:00\"\npeople = [\"ana\", \"bo\"]\n",
            ),
            (
                "policies/standard.toml",
                "[[rungs]]\ntargets = [\"schedule:primary\"]\nwait = \"5m\"\n",
            ),
            ("actions/look.toml", ACTION),
        ] {
            folder.put(name, text);
        }
        folder
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// A file that only its owner can read; anything else is warned about.
    fn put_secret(&self, name: &str) {
        self.put(name, "s3cret\n");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(self.path(name), mode).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn load(&self, variables: &[(&str, &str)]) -> Result<Loaded, Vec<Fault>> {
        load_with(&self.path("firebell.toml"), &given(variables))
    }
}

const ACTION: &str = "schema = 1
title = \"Look\"
class = \"diagnostic\"
services = [\"checkout\"]
[[arg]]
name = \"path\"
type = \"enum\"
values = [\"/\", \"/tmp\"]
default = \"/\"
[run]
argv = [\"/bin/df\", \"{path}\"]
";

fn given(variables: &[(&str, &str)]) -> Variables {
    let own = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
    variables.iter().map(own).collect()
}

#[track_caller]
fn said(faults: &[Fault], path: &str, line: usize, what: &str, fix: &str) {
    let found = faults.iter().any(|f| {
        f.path == Path::new(path) && f.line == line && f.what.contains(what) && f.fix.contains(fix)
    });
    assert!(
        found,
        "expected {path}:{line}: …{what}…\n    fix: …{fix}…\ngot\n{}",
        fix_report(faults)
    );
}

#[track_caller]
fn good(loaded: Result<Loaded, Vec<Fault>>) -> Loaded {
    loaded.unwrap_or_else(|faults| panic!("{}", fix_report(&faults)))
}

/// One fault of each kind: the file, its text, and line, sentence and fix of the report.
type Row<'a> = (&'a str, &'a str, usize, &'a str, &'a str);

fn each_is_said(rows: &[Row<'_>]) {
    for (file, text, line, what, fix) in rows {
        let folder = Folder::new();
        folder.put(file, text);
        let faults = folder
            .load(&[])
            .err()
            .unwrap_or_else(|| panic!("{file} loads: {text}"));
        said(&faults, file, *line, what, fix);
    }
}

#[test]
fn a_small_configuration_loads_without_faults_or_warnings() {
    let loaded = good(Folder::new().load(&[]));
    assert_eq!(loaded.warnings, []);
    let d = &loaded.directory;
    assert_eq!((d.people.len(), d.teams.len(), d.services.len()), (2, 1, 1));
    assert_eq!(
        (d.schedules.len(), d.policies.len(), d.actions.len()),
        (1, 1, 1)
    );
    assert_eq!(d.platforms, ["console"]);
    assert_eq!(d.catch_all, [Target::Person("ana".to_owned())]);
    assert_eq!(d.people["ana"].identities["console"], "ana");
    assert_eq!(d.actions["look"].digest.len(), 64);
    assert_eq!(loaded.settings.listen, "127.0.0.1:8080");
    assert_eq!(loaded.settings.public_url, "http://127.0.0.1:8080");
    assert_eq!(loaded.files.len(), 8);
}

#[test]
fn all_faults_are_told_at_once_and_in_order() {
    let folder = Folder::new();
    folder.put("people/bo.toml", "nam = \"Bo\"\nzone = \"Mars\"\n");
    folder.put("policies/standard.toml", "repeat = 99\n");
    folder.put(
        "firebell.toml",
        "lisen = 1\n[paging]\ncatch-all = [\"person:ana\"]\n",
    );
    let faults = folder.load(&[]).unwrap_err();
    let told: Vec<(String, usize)> = faults
        .iter()
        .map(|f| (f.path.display().to_string(), f.line))
        .collect();
    let want = [
        ("firebell.toml", 1),
        ("people/bo.toml", 1),
        ("people/bo.toml", 2),
        ("policies/standard.toml", 1),
        ("policies/standard.toml", 1),
    ];
    assert_eq!(
        told,
        want.map(|(p, l)| (p.to_owned(), l)),
        "{}",
        fix_report(&faults)
    );
}

#[test]
fn a_report_has_path_line_sentence_and_fix() {
    let folder = Folder::new();
    folder.put(
        "teams/web.toml",
        "members = [\"ana\"]\npolcy = \"standard\"\n",
    );
    let report = fix_report(&folder.load(&[]).unwrap_err());
    assert_eq!(
        report,
        "teams/web.toml:2: a team has no key `polcy`\n    fix: did you mean `policy`?\n"
    );
}

#[test]
fn a_missing_configuration_is_a_fault_and_not_a_panic() {
    let dir = tempfile::tempdir().unwrap();
    let faults = load(&dir.path().join("firebell.toml")).unwrap_err();
    said(&faults, "firebell.toml", 0, "cannot be read", "create it");
}

#[test]
fn what_is_probably_not_meant_is_a_warning_and_loads() {
    let folder = Folder::new();
    folder.put("people/cy.toml", "zone = \"UTC\"\n");
    folder.put("teams/empty.toml", "name = \"Empty\"\n");
    folder.put(
        "services/a.toml",
        "team = \"empty\"\ndepends-on = [\"b\"]\n",
    );
    folder.put("services/b.toml", "team = \"web\"\ndepends-on = [\"a\"]\n");
    folder.put("firebell.toml", "listen = \"0.0.0.0:80\"\n[paging]\ncatch-all = [\"person:ana\"]\n[[tokens]]\nname = \"a\"\ntoken = \"env:SHORT\"\n");
    let loaded = good(folder.load(&[("SHORT", "short")]));
    let w = &loaded.warnings;
    said(w, "people/cy.toml", 1, "no contacts", "kind = \"console\"");
    said(w, "teams/empty.toml", 1, "no members", "members = ");
    said(w, "services/a.toml", 1, "go to the catch-all", "policy = ");
    said(
        w,
        "services/a.toml",
        1,
        "in a circle: a → b → a",
        "depends-on",
    );
    said(
        w,
        "firebell.toml",
        1,
        "not an address people can open",
        "public-url",
    );
    said(w, "firebell.toml", 6, "can be guessed", "openssl rand");
    assert_eq!(w.len(), 6, "{}", fix_report(w));
}

#[test]
fn routes_inherit_what_they_do_not_say() {
    let folder = Folder::new();
    folder.put("firebell.toml", "[paging]\ncatch-all = [\"person:ana\"]\n[route]\ngroup-by = [\"zone\"]\ngroup-wait = \"3s\"\npolicy = \"standard\"\nseverity = \"sev2\"\n[[route.routes]]\nname = \"web\"\nmatch = ['team=\"web\"']\ngroup-wait = \"9s\"\n[[route.routes.routes]]\nname = \"quiet\"\nmatch = ['kind=\"test\"']\npage = false\n");
    let loaded = good(folder.load(&[]));
    let root = &loaded.directory.route;
    let web = &root.children[0];
    assert_eq!(
        (root.name.as_str(), web.name.as_str()),
        ("default", "default/web")
    );
    assert_eq!((root.group_wait_ms, web.group_wait_ms), (3000, 9000));
    assert_eq!(
        (&web.group_by, web.severity, web.page),
        (&root.group_by, root.severity, true)
    );
    assert_eq!(web.policy.as_deref(), Some("standard"));
    let quiet = &web.children[0];
    assert_eq!(
        (quiet.name.as_str(), quiet.page, quiet.group_wait_ms),
        ("default/web/quiet", false, 9000)
    );
}

fn demo() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    write_demo(dir.path(), "127.0.0.1:4711", "127.0.0.1:4721").unwrap();
    let config = dir.path().join("firebell.toml");
    (dir, config)
}
