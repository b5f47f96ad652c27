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
    ("[run]", "[run]\nusr = \"app\"", 11, "has no key `usr`"),
    ("[run]", "[run]\nuser = \"root\"", 11, "`user` cannot be"),
    ("[run]", "[run]\nuser = \"0\"", 11, "`user` cannot be"),
    ("[run]", "[run]\nkind = \"shell\"", 11, "`kind` cannot be"),
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

/// What stands below the action of [`ROWS`], by its own first line 12.
const MORE: &[(&str, usize, &str, &str)] = &[
    ("@risk = 1", 5, "`risk` must be text", ""),
    (
        "@risk = \"higher\"",
        5,
        "`risk` cannot be",
        "did you mean `high`",
    ),
    ("@idempotent = \"yes\"", 5, "must be true or false", ""),
    (
        "@environments = [\"\"]",
        5,
        "has an empty name",
        "such as [\"prod\"]",
    ),
    (
        "@id = \"other\"",
        5,
        "the file is called bad.toml",
        "rename",
    ),
    ("@output-visibility = \"nobody\"", 5, "cannot be", "room"),
    (
        "[limits]\ntimeout = \"1s\"\n[limits.x]\n",
        0,
        "no key `x`",
        "",
    ),
    ("[limits]\nmemory = \"1KiB\"", 13, "must be a size", ""),
    (
        "[limits]\nread = [\"/usr\"]",
        13,
        "without a sandbox",
        "landlock",
    ),
    (
        "[limits]\nsandbox = \"docker\"",
        13,
        "`sandbox` cannot be",
        "none",
    ),
    (
        "[limits]\nsandbox = \"landlock\"\nread = [\"usr\"]",
        14,
        "is not absolute",
        "whole path",
    ),
    (
        "[result]\nretryable = [75]",
        13,
        "it is not idempotent",
        "idempotent = true",
    ),
    (
        "@idempotent = true\n[result]\nsuccess = [0, 75]\nretryable = [75]",
        0,
        "both `success` and `retryable`",
        "one of them",
    ),
    (
        "[lock]\ncooldown = \"5m\"",
        13,
        "has no `key`",
        "host:{host}",
    ),
    (
        "[lock]\nkey = \"host:{host}\"",
        13,
        "not an argument",
        "[[arg]]",
    ),
    ("[lock]\nkey = \"a b\"", 13, "cannot hold", "without spaces"),
    ("[lock]\nmax-per-hour = 0", 13, "from 1 to 1000", ""),
    (
        "[approval]\nttl = \"15m\"\nrequest-ttl = \"15m\"",
        13,
        "the old word",
        "remove `ttl`",
    ),
    (
        "[approval]\ncount = 1\n[[approval.required]]\nroles = [\"responder\"]",
        13,
        "say the same twice",
        "approval.required",
    ),
    (
        "[[approval.required]]\ncount = 3\n[[approval.required]]\ncount = 3",
        12,
        "6 people",
        "at most 5",
    ),
    (
        "[approval]\ndry-run-first = true",
        13,
        "no dry run",
        "dry-run =",
    ),
    (
        "[approval.break-glass]\nnotify = []",
        12,
        "has no `roles`",
        "roles =",
    ),
    (
        "[approval.break-glass]\nroles = [\"responder\"]\nmin-severity = \"sev0\"",
        14,
        "not on the scale",
        "sev1",
    ),
    (
        "[approval.break-glass]\nroles = [\"responder\"]\nnotify = [\"#sec\"]",
        14,
        "without #",
        "",
    ),
    (
        "[rollback]\naction = \"lok\"",
        12,
        "does not exist",
        "did you mean `look`",
    ),
    (
        "[rollback]\naction = \"look\"\nargs = { x = \"1\" }",
        12,
        "gives `x`, which look does not take",
        "args =",
    ),
    (
        "[rollback]\naction = \"look\"\nargs = { path = \"/etc\" }",
        12,
        "would be refused by look: `path` cannot be",
        "args =",
    ),
    (
        "[rollback]\naction = \"look\"\nargs = { path = \"{pth}\" }",
        14,
        "which is not an argument",
        "[[arg]]",
    ),
    ("[auto]\ndelay = \"1m\"", 12, "has no `level`", "suggest"),
    (
        "[auto]\nlevel = \"always\"",
        13,
        "`level` cannot be",
        "suggest",
    ),
    (
        "[auto]\nlevel = \"one-click\"\ndelay = \"1m\"",
        14,
        "says nothing at this level",
        "raise `level`",
    ),
    (
        "[auto]\nlevel = \"suggest\"\nstorm = 0",
        14,
        "from 1 to 1000",
        "",
    ),
];

#[test]
fn every_table_of_an_action_names_line_and_fix() {
    for (text, line, what, fix) in MORE {
        let folder = Folder::new();
        // What begins with @ stands with the plain keys, at line 5.
        let (plain, below) = match text.strip_prefix('@') {
            Some(rest) => rest.split_once("\n[").map_or_else(
                || (format!("{rest}\n"), String::new()),
                |(keys, tables)| (format!("{keys}\n"), format!("[{tables}\n")),
            ),
            None if text.starts_with('[') => (String::new(), format!("{text}\n")),
            None => (format!("{text}\n"), String::new()),
        };
        let whole = ACTION.replacen("[[arg]]", &format!("{plain}[[arg]]"), 1) + &below;
        folder.put("actions/bad.toml", &whole);
        let loaded = good(folder.load(&[]));
        let found = loaded.warnings.iter().any(|f| {
            f.path == std::path::Path::new("actions/bad.toml")
                && (*line == 0 || f.line == *line)
                && f.what.contains("the action bad is disabled")
                && f.what.contains(what)
                && f.fix.contains(fix)
        });
        assert!(
            found,
            "{text}: expected line {line}: {what} / {fix}\n{}",
            super::fix_report(&loaded.warnings)
        );
        assert!(!loaded.directory.actions.contains_key("bad"), "{text}");
        assert!(loaded.directory.actions.contains_key("look"), "{text}");
        let disabled = &loaded.directory.disabled["bad"];
        assert!(!disabled.lacking);
        assert!(disabled.why.iter().any(|r| r.what.contains(what)));
    }
}

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
