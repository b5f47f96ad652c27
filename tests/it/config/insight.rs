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
fn the_examples_summary_means_what_it_says_and_without_it_no_model_is_asked() {
    let folder = Folder::new();
    folder.put("firebell.toml", TOML);
    assert!(folder.load(&[]).unwrap().settings.insight.summary.is_none());
    let text = of_the_example("# [summary]");
    folder.put("firebell.toml", &format!("{TOML}{text}"));
    let loaded = folder.load(&[("SUMMARY_KEY", "sk-hunter2")]).unwrap();
    assert_eq!(loaded.warnings, []);
    let model = loaded.settings.insight.summary.unwrap();
    assert_eq!(model.net.api_url, "http://127.0.0.1:11434/v1");
    assert_eq!(model.host(), "127.0.0.1");
    assert_eq!(model.model, "llama3.1:8b");
    assert!(!format!("{model:?}").contains("hunter2"));
    let spelled = (
        model.net.timeout_ms,
        model.input_chars,
        model.tokens,
        model.private,
    );
    assert_eq!(spelled, (60_000, 60_000, 1_000, false));
    // What the example writes out is what counts when nothing is written.
    let short = "[summary]\napi-url = \"http://127.0.0.1:11434/v1\"\nmodel = \"llama3.1:8b\"\n";
    folder.put("firebell.toml", &format!("{TOML}{short}"));
    let model = folder.load(&[]).unwrap().settings.insight.summary.unwrap();
    let usual = (
        model.net.timeout_ms,
        model.input_chars,
        model.tokens,
        model.private,
    );
    assert_eq!(usual, spelled);
    assert!(model.key.is_none(), "a model of one's own needs none");
}

#[test]
fn faults_of_the_summary_are_named_with_their_remedy() {
    let of = |text: &str| format!("{TOML}[summary]\n{text}");
    let ok = "api-url = \"https://api.example.org/v1\"\nmodel = \"m\"\n";
    let cases = [
        (of("model = \"m\"\n"), "api-url"),
        (of("api-url = \"https://api.example.org/v1\"\n"), "model"),
        // A key would be read on its way.
        (
            of("api-url = \"http://api.example.org/v1\"\nmodel = \"m\"\n"),
            "tokens would be sent there",
        ),
        (of(&format!("{ok}key = \"env:NOWHERE\"\n")), "NOWHERE"),
        (of(&format!("{ok}timeout = \"1h\"\n")), "timeout"),
        (of(&format!("{ok}input-chars = 10\n")), "input-chars"),
        (of(&format!("{ok}max-tokens = 100000\n")), "max-tokens"),
        (of(&format!("{ok}temperature = 1\n")), "temperature"),
    ];
    for (text, part) in cases {
        let folder = Folder::new();
        folder.put("firebell.toml", &text);
        let faults = folder.load(&[]).unwrap_err();
        let report = firebell::config::fix_report(&faults);
        assert!(report.contains(part), "{text}\n{report}");
    }
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
