//! The configuration as people meet it: files on disk, and a report of what is wrong with them.

use firebell::config::{
    DEMO_FILES, Fault, Loaded, Variables, fix_report, load, load_with, watch, write_demo,
};
use firebell::core::alert::{Alert, AlertKind, Labels};
use firebell::core::directory::{ContactKind, Target};
use firebell::core::route::{Verdict, route};
use firebell::core::time::Time;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
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
type Row = (
    &'static str,
    &'static str,
    usize,
    &'static str,
    &'static str,
);

fn each_is_said(rows: &[Row]) {
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
fn faults_of_firebell_toml_name_line_and_fix() {
    const P: &str = "[paging]\ncatch-all = [\"person:ana\"]\n";
    let rows: &[(&str, usize, &str, &str)] = &[
        ("listen = \n", 1, "not valid TOML", "correct the syntax"),
        (
            "lisen = \"127.0.0.1:1\"\n",
            1,
            "has no key `lisen`",
            "did you mean `listen`?",
        ),
        (
            "listen = \"8080\"\n",
            1,
            "`listen` cannot be",
            "127.0.0.1:8080",
        ),
        (
            "listen = 8080\n",
            1,
            "`listen` must be text, not a whole number",
            "quotes",
        ),
        ("public-url = \"ftp://x\"\n", 1, "`public-url`", "https://"),
        (
            "zone = \"Europe/Berln\"\n",
            1,
            "not a time zone",
            "did you mean `Europe/Berlin`?",
        ),
        (
            "[database]\nurl = \"postgres://u:pw@h/d\"\n",
            2,
            "holds a password in the open",
            "file:/path",
        ),
        (
            "[database]\nurl = \"mysql://h/d\"\n",
            2,
            "not the address of a database",
            "sqlite:",
        ),
        (
            "[directory]\npath = \"nowhere\"\n",
            2,
            "not a folder",
            "people/",
        ),
        (
            "[[tokens]]\nname = \"a\"\ntoken = \"plain\"\n",
            3,
            "holds a secret in the open",
            "env:NAME",
        ),
        (
            "[[tokens]]\nname = \"a\"\ntoken = \"env:NOT_SET\"\n",
            3,
            "NOT_SET, which is not set",
            "set NOT_SET",
        ),
        (
            "[[tokens]]\nname = \"a\"\ntoken = \"file:none\"\n",
            3,
            "refers to the file",
            "chmod 600",
        ),
        (
            "[[tokens]]\nname = \"a\"\nsha256 = \"abc\"\n",
            3,
            "not 64 hexadecimal digits",
            "sha256sum",
        ),
        (
            "[[tokens]]\nname = \"a\"\n",
            1,
            "has no `token`",
            "env:NAME",
        ),
        (
            "[[tokens]]\nname = \"A b\"\ntoken = \"env:X\"\n",
            2,
            "`name` cannot be",
            "prometheus",
        ),
        (
            "[[sources]]\nname = \"a\"\ntoken = \"env:X\"\nresolve-timeout = \"soon\"\n",
            4,
            "not a duration",
            "10m",
        ),
        (
            "[[sources]]\nname = \"a\"\ntoken = \"env:X\"\nresolve-timeout = \"90d\"\n",
            4,
            "must be from",
            "between the two",
        ),
        (
            "[[sources]]\nname = \"a\"\ntoken = \"env:X\"\nmapping = { summary = \"a.b\", fingerprint = \"/i\" }\n",
            4,
            "not a JSON pointer",
            "/a/b",
        ),
        (
            "[[sources]]\nname = \"a\"\ntoken = \"env:X\"\nmapping = { summary = \"/s\" }\n",
            4,
            "has no `fingerprint`",
            "add fingerprint",
        ),
        (
            "listen = \"0.0.0.0:80\"\npublic-url = \"http://x\"\n[console]\ndemo = true\n",
            4,
            "lets anybody be anybody",
            "demo = false",
        ),
        (
            "[console]\nenabled = \"yes\"\n",
            2,
            "must be true or false",
            "enabled = true",
        ),
        (
            "[console]\nchannels = [\"#Web\"]\n",
            2,
            "a channel has",
            "web-alerts",
        ),
        (
            "[limits]\nbody-bytes = \"1GB\"\n",
            2,
            "must be a size",
            "1MiB",
        ),
        ("[limits]\nlabels = 0\n", 2, "not 0", "labels = 1"),
        ("[log]\nformat = \"xml\"\n", 2, "`format` cannot be", "json"),
        (
            "[log]\nfilter = \"firebell=loud\"\n",
            2,
            "is not a filter",
            "info",
        ),
        (
            "[[severities]]\nname = \"a\"\nlabels = [\"x\"]\n[[severities]]\nname = \"b\"\nlabels = [\"X\"]\n",
            6,
            "given twice",
            "belongs",
        ),
        ("severities = []\n", 1, "has 0 levels", "1 to 9"),
        (
            "[route]\nmatch = ['a=b']\n",
            2,
            "takes every alert",
            "child",
        ),
        (
            "[route]\npolicy = \"standrd\"\n",
            2,
            "names the policy \"standrd\"",
            "did you mean `standard`?",
        ),
        (
            "[route]\nservice = \"x-y-z\"\n",
            2,
            "names the service",
            "create services/x-y-z.toml",
        ),
        (
            "[route]\nseverity = \"sev9\"\n",
            2,
            "not on the scale",
            "did you mean `sev1`?",
        ),
        (
            "[route]\ngroup-wait = \"2h\"\n",
            2,
            "must be from 0s to 1h",
            "between",
        ),
        (
            "[[route.routes]]\nmatch = ['job']\n",
            2,
            "is not a matcher",
            "label=\"value\"",
        ),
        (
            "[[route.routes]]\nmatch = ['job=~\"(\"']\n",
            2,
            "not a regular expression",
            "label=\"value\"",
        ),
        (
            "[[route.routes]]\npage = false\n[[route.routes]]\nmatch = ['a=b']\n",
            3,
            "no alert ever reaches",
            "move it to the end",
        ),
        (
            "[[route.routes]]\nname = \"a\"\nmatch = ['a=b']\n[[route.routes]]\nname = \"a\"\nmatch = ['a=c']\n",
            5,
            "two routes here",
            "its own name",
        ),
    ];
    for (text, line, what, fix) in rows {
        let folder = Folder::new();
        folder.put("firebell.toml", &format!("{text}{P}"));
        let faults = folder
            .load(&[("X", TOKEN)])
            .err()
            .unwrap_or_else(|| panic!("loads: {text}"));
        said(&faults, "firebell.toml", *line, what, fix);
    }
}

#[test]
fn a_catch_all_must_reach_somebody() {
    each_is_said(
        &[
            (
                "firebell.toml",
                "[log]\n",
                1,
                "names nobody",
                "catch-all = [\"person:ana\"]",
            ),
            (
                "firebell.toml",
                "[paging]\ncatch-all = []\n",
                2,
                "names nobody",
                "catch-all = [\"person:ana\"]",
            ),
            (
                "firebell.toml",
                "[paging]\ncatch-all = [\"ana\"]\n",
                2,
                "cannot page \"ana\"",
                "person:ana",
            ),
            (
                "firebell.toml",
                "[paging]\ncatch-all = [\"person:anna\"]\n",
                2,
                "the person \"anna\"",
                "did you mean `ana`?",
            ),
            (
                "people/ana.toml",
                "name = \"Ana\"\nzone = \"UTC\"\n",
                2,
                "",
                "",
            ),
        ][..4],
    );
    let folder = Folder::new();
    folder.put("people/ana.toml", "zone = \"UTC\"\ncontacts = []\n");
    let faults = folder.load(&[]).unwrap_err();
    said(
        &faults,
        "firebell.toml",
        2,
        "(person ana) has nobody with a contact",
        "contacts = [{ kind = \"console\" }]",
    );
}

#[test]
fn faults_of_people_and_teams_name_line_and_fix() {
    each_is_said(&[
        (
            "people/bo.toml",
            "zone = \"UTC\"\nrole = [\"x\"]\n",
            2,
            "a person has no key `role`",
            "did you mean `roles`?",
        ),
        (
            "people/bo.toml",
            "name = \"Bo\"\n",
            1,
            "has no `zone`",
            "Europe/Berlin",
        ),
        (
            "people/bo.toml",
            "zone = \"UTC\"\ncontacts = [{ kind = \"konsole\" }]\n",
            2,
            "`kind` cannot be",
            "did you mean `console`?",
        ),
        (
            "people/bo.toml",
            "zone = \"UTC\"\ncontacts = [\n  { kind = \"webhook\" },\n]\n",
            3,
            "has no `url`",
            "env:NAME",
        ),
        (
            "people/bo.toml",
            "zone = \"UTC\"\n[[contacts]]\nkind = \"webhook\"\nurl = \"https://hooks.example.org/s3cret\"\n",
            4,
            "in the open",
            "env:NAME",
        ),
        (
            "people/bo.toml",
            "zone = \"UTC\"\ncontacts = [{ kind = \"console\" }, { kind = \"console\" }]\n",
            2,
            "no name to tell them apart",
            "name = ",
        ),
        (
            "people/bo.toml",
            "zone = \"UTC\"\nidentities = { console = \"ana\" }\n",
            1,
            "same console identity",
            "their own",
        ),
        (
            "people/Bo.toml",
            "zone = \"UTC\"\n",
            0,
            "is no id",
            "rename the file",
        ),
        (
            "teams/web.toml",
            "members = [\"anna\"]\n",
            1,
            "the person \"anna\", which does not exist",
            "did you mean `ana`?",
        ),
        (
            "teams/web.toml",
            "members = \"ana\"\n",
            1,
            "`members` must be a list, not text",
            "[\"…\"",
        ),
        (
            "teams/web.toml",
            "members = [\"ana\"]\npolicy = \"other-one\"\n",
            2,
            "the policy \"other-one\"",
            "create policies/other-one.toml",
        ),
    ]);
    let folder = Folder::new();
    folder.put(
        "firebell.toml",
        "[console]\nenabled = false\n[paging]\ncatch-all = [\"person:ana\"]\n",
    );
    said(
        &folder.load(&[]).unwrap_err(),
        "people/ana.toml",
        4,
        "the console, which is switched off",
        "enabled = true",
    );
}

#[test]
fn faults_of_services_schedules_and_policies_name_line_and_fix() {
    each_is_said(&[
        (
            "services/checkout.toml",
            "tier = 1\n",
            1,
            "a service has no `team`",
            "team = \"web\"",
        ),
        (
            "services/checkout.toml",
            "team = \"wb\"\n",
            1,
            "the team \"wb\"",
            "did you mean `web`?",
        ),
        (
            "services/checkout.toml",
            "team = \"web\"\ntier = 9\n",
            2,
            "from 1 to 5, not 9",
            "tier = 5",
        ),
        (
            "services/checkout.toml",
            "team = \"web\"\ndepends-on = [\n  \"chekout\",\n]\n",
            3,
            "the service \"chekout\"",
            "did you mean `checkout`?",
        ),
        (
            "services/checkout.toml",
            "team = \"web\"\nmajor-at = \"sev\"\n",
            2,
            "not on the scale",
            "did you mean `sev1`?",
        ),
        (
            "services/checkout.toml",
            "team = \"web\"\n[links]\nwiki = \"javascript:alert(1)\"\n",
            3,
            "not an http or https address",
            "https://",
        ),
        (
            "schedules/primary.toml",
            "zone = \"UTC\"\nhandoff = \"often\"\nstarts = \"2026-01-05 09:00\"\npeople = [\"ana\"]\n",
            2,
            "not a hand-off",
            "0 9 * * MON",
        ),
        (
            "schedules/primary.toml",
            "zone = \"UTC\"\nhandoff = \"*/5 * * * *\"\nstarts = \"2026-01-05 09:00\"\npeople = [\"ana\"]\n",
            2,
            "shorter than an hour",
            "0 9 * * MON",
        ),
        (
            "schedules/primary.toml",
            "zone = \"UTC\"\nhandoff = \"0 9 * * MON\"\nstarts = \"monday\"\npeople = [\"ana\"]\n",
            3,
            "not a wall time",
            "2026-01-05 09:00",
        ),
        (
            "schedules/primary.toml",
            "zone = \"UTC\"\nhandoff = \"0 9 * * MON\"\nstarts = \"2026-01-05 09:00\"\npeople = []\n",
            4,
            "nobody would ever be on call",
            "people = ",
        ),
        (
            "schedules/primary.toml",
            "zone = \"UTC\"\nhandoff = \"0 9 * * MON\"\nstarts = \"2026-01-05 09:00\"\npeople = [\"ana\",\n \"bob\"]\n",
            5,
            "the person \"bob\"",
            "did you mean `bo`?",
        ),
        (
            "policies/standard.toml",
            "repeat = 2\n",
            1,
            "has 0 rungs",
            "[[rungs]]",
        ),
        (
            "policies/standard.toml",
            "[[rung]]\ntargets = [\"person:ana\"]\n",
            1,
            "has no key `rung`",
            "did you mean `rungs`?",
        ),
        (
            "policies/standard.toml",
            "[[rungs]]\nwait = \"5m\"\n",
            1,
            "pages nobody",
            "targets = ",
        ),
        (
            "policies/standard.toml",
            "[[rungs]]\ntargets = [\"schedule:primry\"]\n",
            2,
            "the schedule \"primry\"",
            "did you mean `primary`?",
        ),
        (
            "policies/standard.toml",
            "[[rungs]]\ntargets = [\"person:ana\"]\nwait = \"0s\"\n",
            3,
            "must be from 1s to 7d",
            "between",
        ),
    ]);
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
fn a_bad_action_is_disabled_alone() {
    let rows: &[(&str, &str, usize, &str)] = &[
        ("schema = 1", "schema = 2", 1, "from 1 to 1"),
        ("title = \"Look\"\n", "", 1, "has no `title`"),
        (
            "class = \"diagnostic\"",
            "class = \"harmless\"",
            3,
            "`class` cannot be",
        ),
        (
            "[\"checkout\"]",
            "[\"chekout\"]",
            4,
            "the service \"chekout\"",
        ),
        ("services = [\"checkout\"]\n", "", 1, "has no `services`"),
        (
            "name = \"path\"",
            "name = \"the path\"",
            6,
            "cannot be called",
        ),
        (
            "type = \"enum\"",
            "type = \"string\"",
            7,
            "`type` cannot be",
        ),
        (
            "type = \"enum\"",
            "type = \"int\"\nmin = 1\nmax = 3",
            10,
            "`values` belongs to type = \"enum\"",
        ),
        (
            "values = [\"/\", \"/tmp\"]",
            "values = []",
            8,
            "needs 1 to 100 `values`",
        ),
        (
            "default = \"/\"",
            "default = \"/etc\"",
            9,
            "`path` cannot be \"/etc\"",
        ),
        (
            "default = \"/\"",
            "default = \"/\"\nfrom-label = \"x\"",
            9,
            "never used with `from-label`",
        ),
        (
            "default = \"/\"",
            "strip-suffix = \"x\"",
            9,
            "no `from-label` to cut from",
        ),
        ("\"{path}\"]", "\"{pth}\"]", 11, "which is not an argument"),
        ("\"{path}\"]", "\"{path\"]", 11, "does not close"),
        ("/bin/df", "df", 11, "must be an absolute path"),
        ("/bin/df", "/bin/{path}", 11, "must be an absolute path"),
        ("/bin/df", "/no/such/program", 11, "is not on this machine"),
        ("/bin/df", "/etc/passwd", 11, "is not an executable file"),
        ("[run]", "[run]\nuser = \"root\"", 11, "has no key `user`"),
        ("[run]", "[run]\ncwd = \"relative\"", 11, "`cwd` cannot be"),
        (
            "[run]",
            "[run]\nenv = { KEY = \"file:/secret\" }",
            11,
            "cannot hand a secret",
        ),
        (
            "[run]",
            "[run]\ntimeout = \"2d\"",
            11,
            "must be from 1s to 1h",
        ),
        ("[run]", "[run]\noutput = \"1TB\"", 11, "must be a size"),
        ("[run]", "[result]\nsuccess = []\n[run]", 11, "no exit code"),
        ("[run]", "[approval]\ncount = 9\n[run]", 11, "from 0 to 5"),
    ];
    for (from, to, line, what) in rows {
        let folder = Folder::new();
        let text = ACTION.replacen(from, to, 1);
        assert_ne!(text, ACTION, "{from}");
        folder.put("actions/bad.toml", &text);
        let loaded = good(folder.load(&[]));
        said(&loaded.warnings, "actions/bad.toml", *line, what, "");
        said(
            &loaded.warnings,
            "actions/bad.toml",
            *line,
            "the action bad is disabled",
            "",
        );
        assert_eq!(
            loaded.directory.actions.keys().collect::<Vec<_>>(),
            ["look"]
        );
    }
}

#[test]
fn text_arguments_need_an_expression() {
    let folder = Folder::new();
    let arg = "type = \"text\"";
    let text = ACTION.replace(
        "type = \"enum\"\nvalues = [\"/\", \"/tmp\"]\ndefault = \"/\"",
        arg,
    );
    folder.put("actions/free.toml", &text);
    let loaded = good(folder.load(&[]));
    said(
        &loaded.warnings,
        "actions/free.toml",
        5,
        "has no `regex`",
        "regex = ",
    );
    assert!(!loaded.directory.actions.contains_key("free"));
}

#[test]
fn a_program_others_may_change_is_not_run() {
    let folder = Folder::new();
    let program = folder.path("program");
    std::fs::write(&program, "").unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o777)).unwrap();
    folder.put(
        "actions/open.toml",
        &ACTION.replace("/bin/df", program.to_str().unwrap()),
    );
    let loaded = good(folder.load(&[]));
    said(
        &loaded.warnings,
        "actions/open.toml",
        11,
        "others than its owner may change",
        "chmod go-w",
    );
    assert!(!loaded.directory.actions.contains_key("open"));
}

#[test]
fn an_approval_nobody_can_give_is_warned_about() {
    let folder = Folder::new();
    folder.put(
        "actions/look.toml",
        &format!("{ACTION}[approval]\ncount = 2\nroles = [\"responder\"]\n"),
    );
    let loaded = good(folder.load(&[]));
    said(
        &loaded.warnings,
        "actions/look.toml",
        12,
        "needs 3 people",
        "lower `count`",
    );
    assert!(loaded.directory.actions.contains_key("look"));
}

#[test]
fn every_key_can_be_given_by_a_variable() {
    let loaded = good(Folder::new().load(&[
        ("FIREBELL__LISTEN", "127.0.0.1:9"),
        ("FIREBELL__PUBLIC_URL", "https://fb.example.org/"),
        ("FIREBELL__CONSOLE__DEMO", "true"),
        ("FIREBELL__CONSOLE__CHANNELS", "[\"ops\", \"night\"]"),
        ("FIREBELL__LIMITS__DEPTH", "16"),
        ("FIREBELL__LIMITS__BODY_BYTES", "2MiB"),
        ("FIREBELL__LOG__FORMAT", "json"),
        ("FIREBELL__DATABASE__URL", "postgres://u:pw@h/d"),
        ("FIREBELL__SOURCES__0__NAME", "prom"),
        ("FIREBELL__SOURCES__0__TOKEN", TOKEN),
        (
            "FIREBELL__SOURCES__0__MAPPING",
            "{ fingerprint = \"/id\", summary = \"/s\", labels = { service = \"/svc\" } }",
        ),
        ("FIREBELL__ROUTE__GROUP_WAIT", "7s"),
        ("FIREBELL__PAGING__CATCH_ALL", "[\"person:bo\"]"),
        ("FIREBELL_API_TOKEN", "not a configuration key"),
    ]));
    let s = &loaded.settings;
    assert_eq!(
        (s.listen.as_str(), s.public_url.as_str()),
        ("127.0.0.1:9", "https://fb.example.org")
    );
    assert!(s.console.demo);
    assert_eq!(s.console.channels, ["ops", "night"]);
    assert_eq!((s.limits.depth, s.limits.body_bytes), (16, 2 * 1024 * 1024));
    assert_eq!(s.log_format, "json");
    assert_eq!((s.sources.len(), s.sources[0].name.as_str()), (1, "prom"));
    assert_eq!(
        s.sources[0].mapping.as_ref().unwrap().labels["service"],
        "/svc"
    );
    assert_eq!(loaded.directory.route.group_wait_ms, 7000);
    assert_eq!(
        loaded.directory.catch_all,
        [Target::Person("bo".to_owned())]
    );
}

#[test]
fn a_variable_lays_over_one_entry_of_a_list_in_the_file() {
    let folder = Folder::new();
    folder.put("firebell.toml", "[[sources]]\nname = \"one\"\ntoken = \"env:X\"\n[[sources]]\nname = \"two\"\ntoken = \"env:Y\"\n[paging]\ncatch-all = [\"person:ana\"]\n");
    let variables = [
        ("X", TOKEN),
        (
            "FIREBELL__SOURCES__1__TOKEN",
            "an-overriding-token-of-length",
        ),
    ];
    let loaded = good(folder.load(&variables));
    assert_eq!(loaded.settings.sources.len(), 2);
    assert_eq!(loaded.settings.sources[1].name, "two");
}

#[test]
fn a_wrong_variable_is_named() {
    let faults = Folder::new().load(&[
        ("FIREBELL__LISEN", "127.0.0.1:1"),
        ("FIREBELL__LIMITS__DEPTH", "deep"),
        ("FIREBELL__TOKENS__99999999999__TOKEN", "x"),
        ("FIREBELL__", "x"),
    ]);
    let faults = faults.unwrap_err();
    said(
        &faults,
        "environment FIREBELL__LISEN",
        0,
        "has no key `lisen`",
        "did you mean `listen`?",
    );
    said(
        &faults,
        "environment FIREBELL__LIMITS__DEPTH",
        0,
        "`depth` must be",
        "",
    );
    said(
        &faults,
        "environment FIREBELL__TOKENS__99999999999__TOKEN",
        0,
        "not a place in a list",
        "FIREBELL__SECTION__KEY",
    );
    said(
        &faults,
        "environment FIREBELL__",
        0,
        "does not name a key",
        "FIREBELL__SECTION__KEY",
    );
}

#[test]
fn no_secret_appears_in_debug_or_in_a_fault() {
    const WORD: &str = "hunter2hunter2hunter2";
    let folder = Folder::new();
    folder.put("hook", &format!("https://hooks.example.org/{WORD}\n"));
    std::fs::set_permissions(folder.path("hook"), PermissionsExt::from_mode(0o600)).unwrap();
    folder.put(
        "people/bo.toml",
        "zone = \"UTC\"\ncontacts = [{ kind = \"webhook\", url = \"file:hook\" }]\n",
    );
    let database = format!("postgres://u:{WORD}@h/d");
    let variables = [
        ("FIREBELL__TOKENS__0__NAME", "a"),
        ("FIREBELL__TOKENS__0__TOKEN", WORD),
        ("FIREBELL__SOURCES__0__NAME", "s"),
        (
            "FIREBELL__SOURCES__0__TOKEN",
            "another-token-of-some-length",
        ),
        ("FIREBELL__DATABASE__URL", &database),
    ];
    let loaded = good(folder.load(&variables));
    let ContactKind::Webhook { url } = &loaded.directory.people["bo"].contacts[0].kind else {
        panic!("the contact is a webhook");
    };
    assert!(secrecy::ExposeSecret::expose_secret(url).contains(WORD));
    let shown = format!("{loaded:?}");
    assert!(
        !shown.contains(WORD) && !shown.contains("another-token"),
        "{shown}"
    );

    for text in [
        format!("[[tokens]]\nname = \"a\"\ntoken = \"{WORD}\"\n"),
        format!("[database]\nurl = \"postgres://u:{WORD}@h/d\"\n"),
        format!("[[tokens]]\nname = \"a\"\ntoken = \"{WORD}\n"),
    ] {
        folder.put("firebell.toml", &text);
        let faults = folder.load(&[]).unwrap_err();
        assert!(
            !fix_report(&faults).contains(WORD),
            "{}",
            fix_report(&faults)
        );
    }
}

#[test]
fn a_secret_file_everybody_can_read_is_warned_about() {
    let folder = Folder::new();
    folder.put("token", &format!("{TOKEN}\n"));
    folder.put("firebell.toml", "[[tokens]]\nname = \"a\"\ntoken = \"file:token\"\n[paging]\ncatch-all = [\"person:ana\"]\n");
    for (mode, warnings) in [(0o600, 0), (0o644, 1)] {
        std::fs::set_permissions(folder.path("token"), PermissionsExt::from_mode(mode)).unwrap();
        let loaded = good(folder.load(&[]));
        assert_eq!(
            loaded.warnings.len(),
            warnings,
            "{}",
            fix_report(&loaded.warnings)
        );
        assert!(loaded.files.contains(&folder.path("token")));
    }
}

#[test]
fn one_token_for_two_sources_is_refused() {
    let folder = Folder::new();
    folder.put("firebell.toml", "[[sources]]\nname = \"a\"\ntoken = \"env:X\"\n[[sources]]\nname = \"b\"\ntoken = \"env:X\"\n[[sources]]\nname = \"a\"\ntoken = \"env:Y\"\n[paging]\ncatch-all = [\"person:ana\"]\n");
    let faults = folder
        .load(&[("X", TOKEN), ("Y", "another-token-of-some-length")])
        .unwrap_err();
    said(
        &faults,
        "firebell.toml",
        4,
        "a and b have the same token",
        "its own token",
    );
    said(
        &faults,
        "firebell.toml",
        7,
        "two sources called a",
        "its own name",
    );
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
    write_demo(dir.path(), "127.0.0.1:4711").unwrap();
    let config = dir.path().join("firebell.toml");
    (dir, config)
}

#[test]
fn the_demo_loads_with_zero_faults_and_zero_warnings() {
    let (_dir, config) = demo();
    let loaded = good(load_with(&config, &Variables::new()));
    assert_eq!(loaded.warnings, [], "{}", fix_report(&loaded.warnings));
    let d = &loaded.directory;
    assert_eq!((d.people.len(), d.teams.len(), d.services.len()), (5, 2, 4));
    assert_eq!(
        (d.schedules.len(), d.policies.len(), d.actions.len()),
        (1, 1, 2)
    );
    let zones: std::collections::BTreeSet<&str> =
        d.people.values().map(|p| p.zone.name()).collect();
    assert_eq!(zones.len(), 5);
    assert!(d.people.values().all(|p| !p.contacts.is_empty()));
    assert_eq!(loaded.settings.listen, "127.0.0.1:4711");
    assert!(loaded.settings.console.demo);
    assert_eq!(
        loaded.settings.console.channels,
        ["general", "platform-alerts", "web-alerts"]
    );
}

#[test]
fn the_demos_actions_fit_the_demos_alert() {
    let (_dir, config) = demo();
    let loaded = good(load_with(&config, &Variables::new()));
    let labels: Labels = [
        ("service", "checkout"),
        ("instance", "web-2:9100"),
        ("severity", "critical"),
    ]
    .map(|(k, v)| (k.to_owned(), v.to_owned()))
    .into();
    let alert = Alert {
        source: "prometheus".to_owned(),
        fingerprint: "f".to_owned(),
        labels: labels.clone(),
        annotations: Labels::new(),
        starts_at: Time(0),
        ends_at: Time::FAR,
        generator_url: String::new(),
        kind: AlertKind::Firing,
    };
    let Verdict::Incident(routed) = route(&loaded.directory, &alert) else {
        panic!("it pages");
    };
    assert_eq!(routed.service.as_deref(), Some("checkout"));
    assert_eq!(routed.ladder.rungs.len(), 3);
    let action = &loaded.directory.actions["restart-web"];
    firebell::core::action::offered(action, routed.service.as_deref(), &labels).unwrap();
    let argv = firebell::core::action::bind(action, &BTreeMap::new(), &labels).unwrap();
    assert_eq!(
        argv,
        [
            "/bin/echo",
            "restarted the web server on web-2 (graceful, 30 s)"
        ]
    );
    let look = &loaded.directory.actions["disk-usage"];
    let argv = firebell::core::action::bind(look, &BTreeMap::new(), &labels).unwrap();
    assert_eq!(argv, ["/bin/df", "-h", "/"]);
    assert_eq!((action.approvals, look.approvals), (1, 0));
}

#[test]
fn the_demo_keeps_what_is_there_and_its_secrets_to_itself() {
    let (dir, config) = demo();
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    let (api, ingest) = (read("secrets/api-token"), read("secrets/ingest-token"));
    assert_eq!(ingest.trim().len(), 32);
    assert!(ingest.trim().bytes().all(|b| b.is_ascii_hexdigit()));
    assert_ne!(api, ingest);
    std::fs::write(dir.path().join("people/ana.toml"), "edited").unwrap();
    write_demo(dir.path(), "127.0.0.1:4712").unwrap();
    assert_eq!(read("people/ana.toml"), "edited");
    assert_eq!(
        (read("secrets/api-token"), read("secrets/ingest-token")),
        (api.clone(), ingest.clone())
    );
    assert!(
        std::fs::read_to_string(config)
            .unwrap()
            .contains("127.0.0.1:4711")
    );
    let env = read("demo.env");
    for line in [
        "FIREBELL_URL=http://127.0.0.1:4712".to_owned(),
        format!("FIREBELL_API_TOKEN={}", api.trim()),
        format!("FIREBELL_INGEST_TOKEN={}", ingest.trim()),
    ] {
        assert!(
            env.lines().any(|l| l.trim_start_matches("export ") == line),
            "{line} in\n{env}"
        );
    }
    for name in ["demo.env", "secrets/api-token", "secrets/ingest-token"] {
        let mode = std::fs::metadata(dir.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn every_file_of_the_demo_is_compiled_in() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut on_disk = Vec::new();
    for (folder, below) in [("deploy/demo", ""), ("commands/actions", "actions/")] {
        let mut open = vec![root.join(folder)];
        while let Some(at) = open.pop() {
            for item in std::fs::read_dir(&at).unwrap() {
                let path = item.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    let name = path.strip_prefix(root.join(folder)).unwrap();
                    on_disk.push(format!("{below}{}", name.display()));
                }
            }
        }
    }
    on_disk.sort();
    let mut compiled: Vec<String> = DEMO_FILES
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    compiled.sort();
    assert_eq!(compiled, on_disk);
}

/// The shipped example beside the demo's folders.
fn example(text: &str) -> Result<Loaded, Vec<Fault>> {
    let (dir, config) = demo();
    std::fs::write(&config, text).unwrap();
    let loaded = load_with(
        &config,
        &given(&[
            ("FIREBELL_API_TOKEN", TOKEN),
            ("FIREBELL_INGEST_TOKEN", "fedcba9876543210fedcba9876543210"),
        ]),
    );
    drop(dir);
    loaded
}

const EXAMPLE: &str = include_str!("../../deploy/firebell.example.toml");

#[test]
fn the_shipped_example_loads_with_zero_faults_and_zero_warnings() {
    let loaded = good(example(EXAMPLE));
    assert_eq!(loaded.warnings, [], "{}", fix_report(&loaded.warnings));
}

#[test]
fn the_examples_comments_show_the_defaults() {
    let plain = good(example(EXAMPLE));
    // What is commented out and is a key, except what shows an alternative instead of a default.
    let alternatives = [
        "sha256",
        "zone",
        "url = \"postgres",
        "url = \"file",
        "service",
        "items",
        "fingerprint",
        "summary",
        "status",
        "resolved-values",
        "starts-at",
        "url",
        "labels = {",
        "annotations",
        "[sources.mapping]",
    ];
    let mapping = EXAMPLE.find("# [sources.mapping]").unwrap()..EXAMPLE.find("[console]").unwrap();
    let lines = EXAMPLE.lines().map(|line| {
        let at = line.as_ptr() as usize - EXAMPLE.as_ptr() as usize;
        let Some(code) = line.strip_prefix("# ").filter(|_| !mapping.contains(&at)) else {
            return line;
        };
        let key = code
            .split_whitespace()
            .next()
            .is_some_and(|w| w.chars().all(|c| c.is_ascii_lowercase() || c == '-'));
        let setting = (key && code.contains(" = ")) || code == "[[severities]]";
        if setting && !alternatives.iter().any(|a| code.starts_with(a)) {
            code
        } else {
            line
        }
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    let spelled = good(example(&text));
    assert_ne!(text, EXAMPLE.trim_end());
    let directory = |l: &Loaded| format!("{:?}{:?}", l.directory.route, l.directory.severities);
    assert_eq!(directory(&plain), directory(&spelled));
    let settings = |l: &Loaded| {
        format!(
            "{:?}",
            (
                &l.settings.listen,
                &l.settings.sources,
                &l.settings.console,
                &l.settings.limits,
                &l.settings.log_format,
                &l.settings.log_filter
            )
        )
    };
    assert_eq!(settings(&plain), settings(&spelled));
}

#[test]
fn check_says_what_the_configuration_means_today() {
    let (_dir, config) = demo();
    let now = Time::parse_rfc3339("2026-01-13T12:00:00Z").unwrap();
    let (report, faults) = firebell::cli::check::report(&config, now);
    assert_eq!(faults, 0);
    assert!(report.contains("good: 5 people, 2 teams, 4 services, 1 schedule, 1 policy, 2 actions, 1 source and 1 token"), "{report}");
    assert!(
        report.contains("on call, web-primary: Bo Lindqvist until Mon 19 Jan 09:00 CET"),
        "{report}"
    );
    std::fs::write(&config, "[paging]\n").unwrap();
    let (report, faults) = firebell::cli::check::report(&config, now);
    assert_eq!(faults, 1, "{report}");
    assert!(firebell::cli::check::run(&config, now).is_err());
}

/// What a program that follows the files has in force.
struct Followed {
    outcomes: tokio::sync::mpsc::UnboundedReceiver<Result<Loaded, Vec<Fault>>>,
    ask: tokio::sync::mpsc::Sender<()>,
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
    in_force: Loaded,
}

impl Followed {
    async fn start(config: &Path) -> Followed {
        let in_force = good(load(config));
        let (tell, outcomes) = tokio::sync::mpsc::unbounded_channel();
        let (ask, asked) = tokio::sync::mpsc::channel(1);
        let files = in_force.files.clone();
        let task = tokio::spawn(watch(config.to_path_buf(), files, asked, move |outcome| {
            let _ = tell.send(outcome);
        }));
        let mut followed = Followed {
            outcomes,
            ask,
            task,
            in_force,
        };
        // The first answer shows that the folders are watched.
        followed.ask.send(()).await.unwrap();
        followed.next().await.unwrap();
        followed
    }

    /// The next outcome, put in force as `serve` does it.
    async fn next(&mut self) -> Result<(), Vec<Fault>> {
        let wait = std::time::Duration::from_secs(20);
        let outcome = tokio::time::timeout(wait, self.outcomes.recv()).await;
        self.in_force = outcome
            .expect("a reload within 20 seconds")
            .expect("watch runs")?;
        Ok(())
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// As editors save: a new file takes the old one's name.
fn save(path: &Path, text: &str) {
    let next = path.with_extension("toml~");
    std::fs::write(&next, text).unwrap();
    std::fs::rename(next, path).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_file_is_in_force_and_a_faulty_one_is_refused() {
    let (dir, config) = demo();
    let ana = dir.path().join("people/ana.toml");
    let before = std::fs::read_to_string(&ana).unwrap();
    let mut followed = Followed::start(&config).await;

    save(&ana, &before.replace("Ana Ruiz", "Ana R."));
    followed.next().await.unwrap();
    assert_eq!(followed.in_force.directory.people["ana"].name, "Ana R.");

    save(&ana, &before.replace("zone", "zoen"));
    let faults = followed.next().await.unwrap_err();
    said(
        &faults,
        "people/ana.toml",
        2,
        "has no key `zoen`",
        "did you mean `zone`?",
    );
    assert_eq!(followed.in_force.directory.people["ana"].name, "Ana R.");

    save(&ana, &before);
    followed.next().await.unwrap();
    assert_eq!(followed.in_force.directory.people["ana"].name, "Ana Ruiz");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_comes_later_is_followed_too() {
    let folder = Folder::new();
    let mut followed = Followed::start(&folder.path("firebell.toml")).await;
    std::fs::remove_dir_all(folder.path("actions")).unwrap();
    followed.next().await.unwrap();
    assert!(followed.in_force.directory.actions.is_empty());
    folder.put("actions/look.toml", ACTION);
    followed.next().await.unwrap();
    folder.put("actions/look.toml", &ACTION.replace("Look", "Look again"));
    while followed
        .in_force
        .directory
        .actions
        .get("look")
        .is_none_or(|a| a.title != "Look again")
    {
        followed.next().await.unwrap();
    }
}
