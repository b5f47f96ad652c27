//! Environment variables over the file, and what becomes of secrets.

use super::{Folder, TOKEN, good, said};
use firebell::config::fix_report;
use firebell::core::directory::{ContactKind, Target};
use std::os::unix::fs::PermissionsExt;

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
    let ContactKind::Webhook { url, .. } = &loaded.directory.people["bo"].contacts[0].kind else {
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
