//! What looks how a run went, and how far actions go by themselves on a route.

use super::{ACTION, Folder, good};
use firebell::core::automation;
use firebell::core::directory::AutoLevel;
use firebell::core::route;

/// Changes something, and `look` of the small action shows whether it did.
const CHANGE: &str = "schema = 1
title = \"Change\"
class = \"remediation\"
idempotent = true
reversible = true
services = [\"checkout\"]
check = \"look\"
[run]
argv = [\"/bin/df\", \"--total\"]
";

#[test]
fn a_check_is_a_plain_look_at_the_same_target() {
    let folder = Folder::new();
    folder.put("actions/look.toml", ACTION);
    folder.put("actions/change.toml", CHANGE);
    let loaded = good(folder.load(&[]));
    assert_eq!(
        loaded.directory.actions["change"].check.as_deref(),
        Some("look")
    );
    let look = |from: &str, to: &str| ACTION.replace(from, to);
    for (text, what) in [
        (look("diagnostic", "remediation"), "which changes something"),
        (
            look("[run]", "[lock]\nkey = \"disk\"\n[run]"),
            "which needs a key",
        ),
        (
            look("[run]", "[approval]\ncount = 1\n[run]"),
            "which somebody has to approve",
        ),
        (look("default = \"/\"\n", ""), "which needs `path`"),
        (
            look(
                "services = [\"checkout\"]",
                "services = [\"checkout\"]\nenvironments = [\"prod\"]",
            ),
            "not offered on every incident",
        ),
        (
            look(
                "argv = [\"/bin/df\", \"{path}\"]",
                "kind = \"http\"\nmethod = \"GET\"\nurl = \"https://example.org/{path}\"",
            ),
            "which looks somewhere else",
        ),
    ] {
        folder.put("actions/look.toml", &text);
        let loaded = good(folder.load(&[]));
        let file = loaded.actions.iter().find(|f| f.id == "change").unwrap();
        let said = file.faults.iter().find(|f| f.what.contains(what));
        let line = said.map(|f| f.line);
        assert_eq!(line, Some(7), "{what}: {:?} of {text}", file.faults);
        assert!(!loaded.directory.actions.contains_key("change"), "{what}");
    }
    folder.put("actions/look.toml", ACTION);
    folder.put(
        "actions/change.toml",
        &CHANGE.replace("\"look\"", "\"lok\""),
    );
    let loaded = good(folder.load(&[]));
    let file = loaded.actions.iter().find(|f| f.id == "change").unwrap();
    assert!(
        file.faults[0].what.contains("does not exist"),
        "{:?}",
        file.faults
    );
    assert!(file.faults[0].fix.contains("did you mean `look`"));
}

const ROUTES: &str = "[paging]
catch-all = [\"person:ana\"]
[route]
automation = { \"*\" = \"suggest\" }
[[route.routes]]
match = ['env=\"prod\"']
automation = { change = \"delayed\" }
[[route.routes.routes]]
match = ['tier=\"1\"']
automation = { change = \"one-click\" }
";

#[test]
fn a_route_says_how_far_actions_go_by_themselves_and_the_nearest_word_counts() {
    let folder = Folder::new();
    folder.put("actions/look.toml", ACTION);
    let auto = format!("{CHANGE}[auto]\nlevel = \"before-page\"\n");
    folder.put("actions/change.toml", &auto);
    folder.put("firebell.toml", ROUTES);
    let directory = good(folder.load(&[])).directory;
    let change = &directory.actions["change"];
    let on = |pairs: &[(&str, &str)]| {
        let pairs = pairs
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        let (level, by) = route::automation(&directory, &pairs.collect(), change);
        (level, by.unwrap_or_default())
    };
    assert_eq!(on(&[]), (AutoLevel::Suggest, "default"));
    assert_eq!(on(&[("env", "prod")]), (AutoLevel::Delayed, "default/1"));
    let first = [("env", "prod"), ("tier", "1")];
    assert_eq!(on(&first), (AutoLevel::OneClick, "default/1/1"));
    let labels = [("env".to_owned(), "prod".to_owned())].into();
    let wants = automation::candidates(&directory, Some("checkout"), &labels);
    assert_eq!(wants.len(), 1, "a route may also let one go further");
    assert!(automation::candidates(&directory, Some("checkout"), &[].into()).is_empty());
}

#[test]
fn a_level_that_is_none_and_one_that_is_never_reached_are_told() {
    let folder = Folder::new();
    folder.put("actions/look.toml", ACTION);
    folder.put(
        "actions/change.toml",
        &CHANGE.replace("reversible = true\n", ""),
    );
    folder.put(
        "firebell.toml",
        &ROUTES.replace("\"delayed\"", "\"delaid\""),
    );
    let faults = folder.load(&[]).err().unwrap();
    assert!(
        faults.iter().any(|f| f.line == 7
            && f.what.contains("cannot go as far as \"delaid\"")
            && f.fix.contains("did you mean `delayed`")),
        "{faults:?}"
    );
    folder.put("firebell.toml", &ROUTES.replace("change =", "chnge ="));
    let loaded = good(folder.load(&[]));
    let told = |what: &str| loaded.warnings.iter().any(|w| w.what.contains(what));
    assert!(
        told("\"chnge\" goes, which does not exist"),
        "{:?}",
        loaded.warnings
    );
    folder.put("firebell.toml", ROUTES);
    let loaded = good(folder.load(&[]));
    let stays = loaded
        .warnings
        .iter()
        .find(|w| w.what.contains("stays a suggestion"));
    let stays = stays.unwrap_or_else(|| panic!("{:?}", loaded.warnings));
    assert!(
        stays.what.contains("idempotent and reversible"),
        "{stays:?}"
    );
}
