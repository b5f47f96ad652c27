//! The page of runbook actions: what is offered, and what is off and why.

use super::*;
use firebell::core::directory::{Disabled, Reason};

fn off(title: Option<&str>, what: &str, lacking: bool) -> Disabled {
    Disabled {
        title: title.map(str::to_owned),
        why: vec![Reason {
            place: "actions/x.toml:7".to_owned(),
            what: what.to_owned(),
            fix: "do <b>this</b>".to_owned(),
        }],
        lacking,
    }
}

#[tokio::test]
async fn a_disabled_action_is_seen_with_place_reason_and_remedy() {
    let h = House::open().await;
    let page = h.page("ana", "/actions").await;
    assert!(
        page.contains("Runbook actions") && page.contains("id=\"echo\""),
        "{page}"
    );
    assert!(!page.contains("Disabled") && !page.contains("Off on this machine"));

    let mut directory = (*h.engine.directory()).clone();
    let more = [
        ("wrong", off(None, "`class` cannot be \"<script>\"", false)),
        (
            "away",
            off(
                Some("Look far"),
                "the program /opt/x is not on this machine",
                true,
            ),
        ),
    ];
    directory
        .disabled
        .extend(more.map(|(id, off)| (id.to_owned(), off)));
    h.engine.replace_directory(directory);

    let page = h.page("ana", "/actions").await;
    for words in [
        "Disabled",
        "data-disabled=\"wrong\"",
        "actions/x.toml:7",
        "&lt;script&gt;",
        "Fix: do &lt;b&gt;this&lt;/b&gt;",
        "Off on this machine",
        "Look far",
    ] {
        assert!(page.contains(words), "{words} in\n{page}");
    }
    // Every page says that one is wrong; what a machine lacks is nobody's trouble.
    let side = h.page("ana", "/fragments/side?at=overview").await;
    let link = side.split("href=\"/actions\"").nth(1).unwrap();
    let link = &link[..link.find("</a>").unwrap()];
    assert!(link.contains("count hot") && link.contains(">1<"), "{link}");
}
