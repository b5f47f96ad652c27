//! The command tree: whole, unique, within the platforms' limits, and its reference fresh.
//!
//! `UPDATE=1 cargo test --test it surface` writes `commands/REFERENCE.md`.

use firebell::chat::surface::{HELP_CHARS, Tree, reference, tree};
use std::collections::BTreeSet;
use std::path::Path;

/// The verbs of `Invocation`'s arms, read from its source.
fn arms() -> Vec<String> {
    let source = concat!(
        include_str!("../../src/chat/grammar.rs"),
        include_str!("../../src/chat/grammar/verb.rs"),
        include_str!("../../src/chat/grammar/conduct.rs"),
        include_str!("../../src/chat/grammar/rooms.rs")
    );
    let arms = source.lines().filter(|l| l.contains("=> \""));
    arms.filter_map(|l| l.split('"').nth(1).map(str::to_owned))
        .collect()
}

#[test]
fn every_command_is_one_arm_and_every_arm_one_command() {
    let arms = arms();
    // An arm for one incident and one for many are the same verb.
    let unique: BTreeSet<&String> = arms.iter().collect();
    let leaves: BTreeSet<&String> = tree().commands.iter().map(|c| &c.verb).collect();
    assert_eq!(leaves, unique);
    assert_eq!(leaves.len(), tree().commands.len());
}

#[test]
fn help_is_short_enough_for_every_platform() {
    for leaf in &tree().commands {
        assert!(leaf.help.chars().count() <= HELP_CHARS, "{}", leaf.verb);
        // Discord shows at most 25 options and choices.
        assert!(leaf.args.len() < 25 && leaf.args.iter().all(|a| a.choices.len() <= 25));
        assert!(leaf.example.starts_with(&leaf.verb), "{}", leaf.verb);
    }
}

#[test]
fn a_tree_that_would_confuse_people_is_refused() {
    let leaf = |verb: &str, alias: &str, help: &str| {
        format!(
            "[[command]]\nverb = {verb:?}\naliases = [{alias:?}]\nhelp = {help:?}\nexample = \"x\"\nincident = \"none\"\nwho = \"anyone\"\n"
        )
    };
    let read = |leaves: &str| Tree::read(&format!("roots = [\"fb\"]\n{leaves}"));
    assert!(read(&leaf("ack", "mine", "Fine.")).is_ok());
    assert!(read(&leaf("ack", "ack", "Twice.")).is_err());
    assert!(read(&leaf("fb", "x", "A root.")).is_err());
    assert!(read(&leaf("Ack", "x", "Capital.")).is_err());
    assert!(read(&leaf("ack", "x", &"x".repeat(101))).is_err());
    assert!(read(&leaf("ack", "x", "")).is_err());
}

#[test]
fn the_reference_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("commands/REFERENCE.md");
    let now = reference(tree());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let then = std::fs::read_to_string(&path).unwrap_or_default();
    let old: BTreeSet<&str> = then.lines().collect();
    let new: BTreeSet<&str> = now.lines().collect();
    let gone: Vec<String> = old.difference(&new).map(|l| format!("- {l}")).collect();
    let come: Vec<String> = new.difference(&old).map(|l| format!("+ {l}")).collect();
    assert_eq!(
        then,
        now,
        "stale, UPDATE=1 writes it:\n{}\n{}",
        gone.join("\n"),
        come.join("\n")
    );
}

#[test]
fn the_manifest_for_slack_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("commands/slack.manifest.yaml");
    let now = firebell::platform::slack::manifest::manifest(tree(), true, None, &[]);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let then = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(then, now, "stale, UPDATE=1 writes it");
}
