//! The command tree as data: loaded from `commands/firebell.toml`, which is embedded.
//!
//! Promises: every leaf is one arm of [`super::grammar::Invocation`] and back; words are unique;
//! help fits every platform. The tests hold this, and that `commands/REFERENCE.md` is fresh.

mod complete;

pub(crate) use complete::choices;
pub use complete::{COMPLETIONS, Completion, complete};

use serde::Deserialize;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Characters of a help text: what Discord shows of an option, the tightest of the platforms.
pub const HELP_CHARS: usize = 100;
/// Characters of a verb or argument name: Discord's limit for a command name.
pub const NAME_CHARS: usize = 32;

/// The command tree.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tree {
    /// Words that may stand in front of a verb.
    pub roots: Vec<String>,
    /// Families of commands, for platforms that take only so many.
    #[serde(rename = "group", default)]
    pub groups: Vec<Group>,
    /// The commands, in the order of the help.
    #[serde(rename = "command")]
    pub commands: Vec<Leaf>,
}

/// A family of commands.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Group {
    /// The word in front of them, where they are one word deeper.
    pub name: String,
    /// What they are about.
    pub help: String,
    /// A command of its own there, beside the roots: a platform takes only so many characters of one
    /// command with everything below it.
    #[serde(default)]
    pub apart: bool,
}

/// One command.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Leaf {
    /// The word for it everywhere.
    pub verb: String,
    /// Other words that mean the same.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Verbs of one group stand together where a platform takes only so many beside each other.
    #[serde(default)]
    pub group: Option<String>,
    /// One sentence.
    pub help: String,
    /// A complete command line.
    pub example: String,
    /// Whether it is about an incident.
    pub incident: Needs,
    /// Who may.
    pub who: Who,
    /// In order.
    #[serde(default)]
    pub args: Vec<Argument>,
}

/// Whether a command is about an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Needs {
    /// It is not.
    None,
    /// With one it acts on it, without one it opens one.
    Optional,
    /// By number, or in the incident's room.
    Required,
}

/// Who may use a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// Everybody who can write to firebell.
    Anyone,
    /// People of the directory; the action's roles count as well.
    Linked,
}

/// One argument.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Argument {
    /// Name in help and errors.
    pub name: String,
    /// What it may be, and where completions come from.
    pub kind: Kind,
    /// Must be given.
    #[serde(default)]
    pub required: bool,
    /// Written as `name=value`, anywhere.
    #[serde(default)]
    pub named: bool,
    /// For [`Kind::Choice`].
    #[serde(default)]
    pub choices: Vec<String>,
    /// Whether a form asks for it.
    #[serde(default = "yes")]
    pub form: bool,
    /// One sentence.
    pub help: String,
}

fn yes() -> bool {
    true
}

/// What an argument may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The rest of the line.
    Text,
    /// A level of the scale.
    Severity,
    /// A service.
    Service,
    /// A type of incident.
    Type,
    /// A person, or `me`.
    Person,
    /// A person, schedule, team or service.
    Target,
    /// A runbook action.
    Action,
    /// `name=value` of the action.
    Pairs,
    /// A run.
    Run,
    /// A length of time.
    Duration,
    /// `at 14:03`.
    Clock,
    /// A time to come, one word or two.
    When,
    /// A schedule.
    Schedule,
    /// A cover.
    Cover,
    /// One of `choices`.
    Choice,
    /// A command.
    Verb,
    /// More incidents, or `all`, and a note.
    More,
    /// A service, or conditions on labels.
    What,
    /// An incident.
    Incident,
    /// A role of an incident.
    Role,
    /// Who has a role: a person, or a word for nobody.
    Holder,
    /// The number of a task or of a line of a checklist.
    Item,
    /// A silence.
    Silence,
    /// A line of the timeline, by its number.
    Line,
    /// A place on the status scale.
    Status,
}

impl Tree {
    /// Reads and checks a tree.
    ///
    /// # Errors
    /// A sentence naming the command and the fix.
    pub fn read(text: &str) -> Result<Tree, String> {
        let tree: Tree = toml::from_str(text).map_err(|e| e.to_string())?;
        tree.check()?;
        Ok(tree)
    }

    /// The command a word means, if it means one.
    #[must_use]
    pub fn find(&self, word: &str) -> Option<&Leaf> {
        let word = word.to_lowercase();
        self.commands
            .iter()
            .find(|c| c.verb == word || c.aliases.contains(&word))
    }

    /// The family of this name.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|g| g.name == name)
    }

    /// Whether a word may stand in front of a verb.
    #[must_use]
    pub fn is_root(&self, word: &str) -> bool {
        let group = self.groups.iter().map(|g| &g.name);
        let mut words = self.roots.iter().chain(group);
        words.any(|r| r.eq_ignore_ascii_case(word))
    }

    /// Every verb and alias.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.commands
            .iter()
            .flat_map(|c| std::iter::once(&c.verb).chain(&c.aliases))
            .map(String::as_str)
    }

    fn check(&self) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        let groups = self.groups.iter().map(|g| g.name.as_str());
        let words = self.roots.iter().map(String::as_str).chain(self.words());
        for word in words.chain(groups) {
            if !seen.insert(word) {
                return Err(format!("`{word}` stands for two things; keep one"));
            }
            let plain = |c: char| c.is_ascii_lowercase() || c == '-' || c == '?';
            if word.is_empty() || word.len() > NAME_CHARS || !word.chars().all(plain) {
                return Err(format!(
                    "`{word}` must be 1 to {NAME_CHARS} lowercase letters or dashes"
                ));
            }
        }
        for leaf in &self.commands {
            if let Some(group) = leaf.group.as_ref().filter(|g| self.group(g).is_none()) {
                return Err(format!(
                    "`{}`: there is no group {group:?}; write [[group]] with its name and help",
                    leaf.verb
                ));
            }
            let helps = leaf.args.iter().map(|a| &a.help).chain([&leaf.help]);
            for help in helps {
                if help.is_empty() || help.chars().count() > HELP_CHARS {
                    return Err(format!(
                        "`{}`: the help {help:?} must have 1 to {HELP_CHARS} characters",
                        leaf.verb
                    ));
                }
            }
            let choice = |a: &&Argument| (a.kind == Kind::Choice) == a.choices.is_empty();
            if let Some(arg) = leaf.args.iter().find(choice) {
                return Err(format!(
                    "`{}`: `{}` needs `choices` if and only if its kind is choice",
                    leaf.verb, arg.name
                ));
            }
        }
        Ok(())
    }
}

impl Leaf {
    /// `snooze [#42] <duration>`.
    #[must_use]
    pub fn usage(&self) -> String {
        let mut out = self.verb.clone();
        out.push_str(match self.incident {
            Needs::None => "",
            Needs::Optional | Needs::Required => " [#42]",
        });
        for arg in &self.args {
            let name = match (arg.kind, arg.named) {
                (Kind::Choice, _) => arg.choices.join("|"),
                (Kind::Clock, _) => "at 14:03".to_owned(),
                (Kind::Pairs, _) => format!("{}…", arg.name),
                (_, true) => format!("{}=…", arg.name),
                (_, false) => arg.name.clone(),
            };
            let (open, close) = if arg.required { ('<', '>') } else { ('[', ']') };
            out.push_str(&format!(" {open}{name}{close}"));
        }
        out
    }
}

/// The embedded tree.
#[must_use]
pub fn tree() -> &'static Tree {
    static TREE: LazyLock<Tree> = LazyLock::new(|| {
        Tree::read(include_str!("../../commands/firebell.toml"))
            .expect("the embedded command tree is read by the tests before anybody gets it")
    });
    &TREE
}

/// `commands/REFERENCE.md`.
#[must_use]
pub fn reference(tree: &Tree) -> String {
    let mut out = String::from(
        "# Command reference\n\nGenerated from `firebell.toml` by `UPDATE=1 cargo test surface`. Do not edit.\n\n",
    );
    let roots: Vec<String> = tree.roots.iter().map(|r| format!("`{r}`")).collect();
    out.push_str(&format!(
        "Every command may be written with or without `/` and one of {} in front. \
         `[#42]` names the incident; in its room it may be left out.\n",
        roots.join(", ")
    ));
    for leaf in &tree.commands {
        let who = match leaf.who {
            Who::Anyone => "Anybody may.",
            Who::Linked => "People of the directory may, with the action's role.",
        };
        out.push_str(&format!("\n## {}\n\n{} {who}\n\n", leaf.verb, leaf.help));
        out.push_str(&format!("    {}\n    {}\n", leaf.usage(), leaf.example));
        let aliases: Vec<String> = leaf.aliases.iter().map(|a| format!("`{a}`")).collect();
        out.push_str(&format!("\nAlso: {}.\n", aliases.join(", ")));
        if !leaf.args.is_empty() {
            out.push('\n');
        }
        for arg in &leaf.args {
            let must = if arg.required { " (required)" } else { "" };
            out.push_str(&format!("- `{}`{must}: {}\n", arg.name, arg.help));
        }
    }
    out
}
