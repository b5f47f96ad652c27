//! Who tells of changes, and the faults by line and fix.

use super::Folder;
use firebell::config::insight::TellerKind;

const TOML: &str = "[paging]\ncatch-all = [\"person:ana\"]\n";
const EXAMPLE: &str = include_str!("../../../deploy/firebell.example.toml");

/// The lines of a section of the example, without the mark in front that switches them off.
fn of_the_example(first: &str) -> String {
    let lines = EXAMPLE.lines().skip_while(|l| *l != first);
    let own = lines.take_while(|l| !l.is_empty());
    let keys = own.filter_map(|l| l.strip_prefix("# "));
    keys.map(|l| format!("{l}\n")).collect()
}

#[test]
fn the_examples_changes_mean_what_they_say() {
    let folder = Folder::new();
    let text = of_the_example("# [changes]");
    folder.put("firebell.toml", &format!("{TOML}{text}"));
    let secret = [("GITHUB_WEBHOOK_SECRET", "a secret of sixteen and more")];
    let loaded = folder.load(&secret).unwrap();
    assert_eq!(loaded.warnings, []);
    let insight = loaded.settings.insight;
    assert_eq!(insight.keep_ms, 90 * 86_400_000);
    let [github] = insight.tellers.as_slice() else {
        panic!("{insight:?}");
    };
    assert_eq!(
        (github.name.as_str(), github.kind),
        ("github", TellerKind::Github)
    );
    assert_eq!(github.service_for("acme/checkout"), Some("checkout"));
    assert_eq!(github.service.as_deref(), Some("checkout"));
    assert!(!format!("{insight:?}").contains("sixteen"));
}

#[test]
fn faults_of_changes_are_named_with_their_remedy() {
    let from = |text: &str| format!("{TOML}[changes.from.ci]\n{text}");
    let ok = "kind = \"generic\"\nsecret = \"env:SECRET\"\n";
    let cases = [
        (format!("{TOML}[changes]\nkeep = \"1h\"\n"), "keep"),
        (from("secret = \"env:SECRET\"\n"), "kind"),
        (
            from("kind = \"gitea\"\nsecret = \"env:SECRET\"\n"),
            "write one of \"github\"",
        ),
        (from("kind = \"github\"\n"), "secret"),
        (from("kind = \"github\"\nsecret = \"hunter2\"\n"), "secret"),
        (
            from("kind = \"github\"\nsecret = \"env:SHORT\"\n"),
            "can be guessed",
        ),
        (
            from(&format!("{ok}service = \"chekout\"\n")),
            "did you mean `checkout`?",
        ),
        (
            from(&format!("{ok}services = {{ \"a/b\" = \"nowhere\" }}\n")),
            "\"nowhere\", which does not exist",
        ),
        (from(&format!("{ok}sevrice = \"checkout\"\n")), "sevrice"),
        (format!("{TOML}[changes.from.Ci]\n{ok}"), "the name \"Ci\""),
    ];
    for (text, part) in cases {
        let folder = Folder::new();
        folder.put("firebell.toml", &text);
        let known = [
            ("SECRET", "a secret of sixteen and more"),
            ("SHORT", "hunter2"),
        ];
        let faults = folder.load(&known).unwrap_err();
        let report = firebell::config::fix_report(&faults);
        assert!(report.contains(part), "{text}\n{report}");
        assert!(!report.contains("hunter2"), "{report}");
    }
}
