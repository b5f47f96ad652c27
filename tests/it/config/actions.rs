//! A runbook action that is wrong is disabled alone.

use super::{ACTION, Folder, good, said};
use std::os::unix::fs::PermissionsExt;

const ROWS: &[(&str, &str, usize, &str)] = &[
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

#[test]
fn a_bad_action_is_disabled_alone() {
    for (from, to, line, what) in ROWS {
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
