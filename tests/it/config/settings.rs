//! Faults of `firebell.toml`, each by line and fix.

use super::{Folder, TOKEN, each_is_said, said};

const ROWS: &[(&str, usize, &str, &str)] = &[
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

#[test]
fn faults_of_firebell_toml_name_line_and_fix() {
    const P: &str = "[paging]\ncatch-all = [\"person:ana\"]\n";
    for (text, line, what, fix) in ROWS {
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
    each_is_said(&[
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
    ]);
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
