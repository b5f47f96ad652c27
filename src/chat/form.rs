//! Forms: what is asked when words are missing. One neutral form per command, rendered as a modal
//! on Slack and Discord and as a page in the console.
//!
//! A form is made from the command tree, so a new argument appears in it by itself; what is sent
//! goes through the same reader as typed options, so a field's error is the command's error.

use super::button::{Key, Token};
use super::surface::{Argument, Kind, Leaf, Needs, tree};
use crate::core::action;
use crate::core::directory::{Action, ArgKind, Directory};
use crate::core::id::{IncidentId, RunId};
use crate::core::incident::{Incident, Outcome, RunState};
use crate::core::text::cut;
use crate::core::timeline;
use std::collections::BTreeMap;

/// Fields of a form: Discord's limit for a modal, the tightest of the platforms.
pub const FIELDS: usize = 5;
/// Choices of a field: Discord's limit for a select, the tightest of the platforms.
pub const CHOICES: usize = 25;
/// Characters of a title: Slack's limit, the tightest of the platforms.
pub const TITLE_CHARS: usize = 24;
/// Characters of a label: Discord's limit, the tightest of the platforms.
pub const LABEL_CHARS: usize = 45;
/// Characters of a paragraph: what every platform lets people write in one field (Slack: 3,000).
pub const TEXT_CHARS: u16 = 3000;
/// Characters of a choice: Slack's limit for an option, the tightest of the platforms.
const CHOICE_CHARS: usize = 75;
/// Characters of what a check saw that stand above the form that settles; the console has the rest.
const SAW_CHARS: usize = 1000;
/// Characters of a title that is made of a message's first line.
const DECLARED_TITLE: usize = 200;
/// In front of the names of an action's arguments, so that they are no other field's.
const ARGUMENT: &str = "arg.";

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// The command it stands for.
    pub verb: String,
    /// The incident it is about.
    pub incident: Option<IncidentId>,
    /// What is known already, by argument name.
    pub given: BTreeMap<String, String>,
    /// At most [`TITLE_CHARS`].
    pub title: String,
    /// On the button that sends it.
    pub submit: String,
    /// A sentence above the fields; may be empty.
    pub about: String,
    /// At most [`FIELDS`].
    pub fields: Vec<Field>,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Key of its value.
    pub name: String,
    /// At most [`LABEL_CHARS`].
    pub label: String,
    /// Below or inside the field; at most 100 characters.
    pub help: String,
    /// What may be entered.
    pub entry: Entry,
    /// What stands in it at first.
    pub value: Option<String>,
    /// Must be filled.
    pub required: bool,
}

/// What may be entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// One line.
    Line {
        /// Most characters.
        max: u16,
    },
    /// Several lines.
    Text {
        /// Most characters.
        max: u16,
    },
    /// One of these: value and what people read. At most [`CHOICES`].
    Choice(Vec<(String, String)>),
}

impl Form {
    /// What the sent form carries, bound to the person it was opened for.
    #[must_use]
    pub fn token(&self, key: &Key, platform: &str, user: &str) -> Option<String> {
        let given = self.given.iter();
        let given: Vec<String> = given.map(|(k, v)| format!("{}={v}", short(k))).collect();
        let token = Token {
            incident: self.incident.unwrap_or(IncidentId(0)),
            seq: 0,
            word: format!("form:{}:{}", self.verb, given.join(":")),
        };
        key.sign(platform, &room(user), &token)
    }
}

/// The command, incident and known arguments a sent form carries; `None`: it is not ours, or was
/// opened for somebody else.
#[must_use]
pub fn read_token(
    key: &Key,
    platform: &str,
    user: &str,
    signed: &str,
) -> Option<(String, BTreeMap<String, String>)> {
    let token = key.read(platform, &room(user), signed)?;
    let mut parts = token.word.strip_prefix("form:")?.split(':');
    let verb = parts.next()?.to_owned();
    let mut options: BTreeMap<String, String> = parts
        .filter_map(|p| p.split_once('='))
        .map(|(k, v)| (long(k).to_owned(), v.to_owned()))
        .collect();
    if token.incident.0 != 0 {
        options.insert("incident".to_owned(), token.incident.0.to_string());
    }
    Some((verb, options))
}

/// Long names of what forms know, and what they are called in a token, which has little room.
const SHORT: [(&str, &str); 2] = [("action", "a"), ("dry-run", "d")];

fn short(name: &str) -> &str {
    let found = SHORT.iter().find(|(long, _)| *long == name);
    found.map_or(name, |(_, short)| short)
}

fn long(name: &str) -> &str {
    let found = SHORT.iter().find(|(_, short)| *short == name);
    found.map_or(name, |(long, _)| long)
}

/// The options of a command from a form's known arguments and its fields; an action's own
/// arguments become its pairs.
#[must_use]
pub fn options(
    known: BTreeMap<String, String>,
    values: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut options = known;
    for (name, value) in values {
        if !value.trim().is_empty() {
            options.insert(name.clone(), value.clone());
        }
    }
    options
}

/// The name of an action's argument in options, and back.
#[must_use]
pub fn argument(name: &str) -> String {
    format!("{ARGUMENT}{name}")
}

/// The action's argument an option names, if it names one.
#[must_use]
pub fn argument_of(option: &str) -> Option<&str> {
    option.strip_prefix(ARGUMENT)
}

/// The form of a command; `None`: it has no words to ask for.
#[must_use]
pub fn of(leaf: &Leaf, directory: &Directory, incident: Option<&Incident>) -> Option<Form> {
    let mut fields: Vec<Field> = Vec::new();
    if leaf.incident == Needs::Required && incident.is_none() {
        fields.push(Field {
            name: "incident".to_owned(),
            label: "Incident".to_owned(),
            help: "Its number, such as 42.".to_owned(),
            entry: Entry::Line { max: 20 },
            value: None,
            required: true,
        });
    }
    let nothing_to_choose = |a: &Argument| a.kind == Kind::Type && directory.types.is_empty();
    let asked = leaf.args.iter().filter(|a| a.kind != Kind::Pairs && a.form);
    let asked = asked.filter(|a| !nothing_to_choose(a));
    fields.extend(asked.map(|a| field(leaf, a, directory)));
    if fields.is_empty() || fields.len() > FIELDS {
        return None;
    }
    let title = match incident {
        Some(i) => format!("{} {}", capital(&leaf.verb), i.id),
        None => capital(&leaf.verb),
    };
    Some(Form {
        verb: leaf.verb.clone(),
        incident: incident.map(|i| i.id),
        given: BTreeMap::new(),
        title: cut(&title, TITLE_CHARS),
        submit: "Send".to_owned(),
        about: leaf.help.clone(),
        fields,
    })
}

/// The form to declare an incident, with what is known already in its fields: a message's words and
/// its address, or options by the names of the tree.
#[must_use]
pub fn of_declaration(
    directory: &Directory,
    known: &BTreeMap<String, String>,
    (words, link): (&str, &str),
) -> Option<Form> {
    let mut form = of_verb("new", directory, None)?;
    form.title = cut("Declare an incident", TITLE_CHARS);
    "Declare".clone_into(&mut form.submit);
    "The first line is the title. What follows goes on the timeline.".clone_into(&mut form.about);
    for field in &mut form.fields {
        field.value = known.get(&field.name).cloned();
        match field.name.as_str() {
            "title" => {
                "What is wrong?".clone_into(&mut field.label);
                "First line: the title; what follows: the description.".clone_into(&mut field.help);
                if !words.is_empty() || !link.is_empty() {
                    field.value = Some(declared_from(words, link));
                }
            }
            "sev" => "How bad?".clone_into(&mut field.label),
            "service" => "Which service?".clone_into(&mut field.label),
            "type" => "What kind?".clone_into(&mut field.label),
            "as" => "Private, or a drill?".clone_into(&mut field.label),
            _ => {}
        }
    }
    Some(form)
}

/// A message as the title and description of an incident: its first line, all of it when there is more,
/// and where it stands.
#[must_use]
pub fn declared_from(words: &str, link: &str) -> String {
    let words = words.trim();
    let first = words.lines().next().unwrap_or_default();
    let title = cut(first, DECLARED_TITLE);
    let mut parts = Vec::new();
    if title != words {
        parts.push(words.to_owned());
    }
    if !link.is_empty() {
        parts.push(format!("Declared from the message {link}"));
    }
    let tail = parts.join("\n\n");
    let room = usize::from(TEXT_CHARS) - title.chars().count() - 1;
    // The address stands last and must not be what a cut takes.
    let tail: String = if tail.chars().count() > room {
        let end = format!("…\n\nDeclared from the message {link}");
        let keep = room.saturating_sub(end.chars().count());
        tail.chars().take(keep).chain(end.chars()).collect()
    } else {
        tail
    };
    format!("{title}\n{tail}").trim().to_owned()
}

/// The form of an action's arguments on an incident; `None`: it has none to ask for, or more than
/// a form takes.
#[must_use]
pub fn of_action(name: &str, directory: &Directory, incident: &Incident) -> Option<Form> {
    let wanted = directory.actions.get(name)?;
    let glass = wanted.approval.break_glass.is_some() && wanted.approvals() > 0;
    let mut fields = arguments(wanted)?;
    if fields.is_empty() && !glass {
        return None;
    }
    if glass && fields.len() < FIELDS {
        fields.push(Field {
            name: "break-glass".to_owned(),
            label: "Emergency: run without approval".to_owned(),
            help: "Leave empty to ask for approval. Else say why; everybody is told.".to_owned(),
            entry: Entry::Line { max: 500 },
            value: None,
            required: false,
        });
    }
    Some(Form {
        verb: "run".to_owned(),
        incident: Some(incident.id),
        given: BTreeMap::from([("action".to_owned(), name.to_owned())]),
        title: cut(&wanted.title, TITLE_CHARS),
        submit: "Ask".to_owned(),
        about: cut(
            &format!("{} on {}: {}", wanted.title, incident.id, wanted.about),
            500,
        ),
        fields,
    })
}

/// The form of an action's dry run; `None`: it has none, or nothing has to be asked for it.
#[must_use]
pub fn of_dry_run(name: &str, directory: &Directory, incident: &Incident) -> Option<Form> {
    let wanted = directory.actions.get(name)?;
    let fields = arguments(wanted)?;
    if fields.is_empty() || wanted.how.dry_run().is_empty() {
        return None;
    }
    let given = [("action", name), ("dry-run", "yes")];
    Some(Form {
        verb: "run".to_owned(),
        incident: Some(incident.id),
        given: given.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        title: cut(&format!("Dry run: {}", wanted.title), TITLE_CHARS),
        submit: "Look".to_owned(),
        about: cut(
            &format!(
                "{} on {}, in its only-look mode: it starts when you send this, and changes nothing.",
                wanted.title, incident.id
            ),
            500,
        ),
        fields,
    })
}

/// The form that settles an unknown outcome, with what a check of it saw.
#[must_use]
pub fn of_settling(run: RunId, good: bool, incident: &Incident) -> Option<Form> {
    let found = incident.runs.get(&run)?;
    let RunState::Ended(outcome @ Outcome::Unknown { .. }) = &found.state else {
        return None;
    };
    let looked = incident.check_of(run).map_or(String::new(), |(id, check)| {
        let how = match &check.state {
            RunState::Ended(outcome) => timeline::outcome(outcome),
            _ => "is still looking".to_owned(),
        };
        let saw = check.seen.as_deref().unwrap_or_default().trim();
        let saw: String = saw.chars().rev().take(SAW_CHARS).collect();
        let saw: String = saw.chars().rev().collect();
        format!(" {id} “{}” {how}. {saw}", check.title)
    });
    let how = if good { "worked" } else { "failed" };
    let given = [("how", how.to_owned()), ("run", run.to_string())];
    let said = if good { "it worked" } else { "it did not work" };
    Some(Form {
        verb: "settle".to_owned(),
        incident: Some(incident.id),
        given: given.map(|(k, v)| (k.to_owned(), v)).into(),
        title: cut(&format!("{run}: {said}"), TITLE_CHARS),
        submit: "Mark it".to_owned(),
        about: format!("“{}”: {}.{looked}", found.title, timeline::outcome(outcome)),
        fields: vec![Field {
            name: "note".to_owned(),
            label: "How do you know?".to_owned(),
            help: "For the timeline and the postmortem. Its keys are free from now on.".to_owned(),
            entry: Entry::Text { max: TEXT_CHARS },
            value: None,
            required: false,
        }],
    })
}

/// The form that holds back what an incident is about; `proposed`: what its alerts have in common.
#[must_use]
pub fn of_silence(directory: &Directory, incident: &Incident, proposed: &str) -> Option<Form> {
    let leaf = tree().find("silence")?;
    let mut form = of(leaf, directory, None)?;
    for field in &mut form.fields {
        match field.name.as_str() {
            "what" => {
                field.entry = Entry::Text { max: TEXT_CHARS };
                field.value = Some(proposed.to_owned()).filter(|p| !p.is_empty());
            }
            "duration" => {
                field.entry = Entry::Line { max: 60 };
                field.value = Some("2h".to_owned());
            }
            _ => {}
        }
    }
    form.title = cut(&format!("Silence {}", incident.id), TITLE_CHARS);
    "Silence".clone_into(&mut form.submit);
    form.about = format!(
        "{} rests while every alert of it is covered, and pages again at the end. The labels are what its alerts have in common: what is deleted widens it.",
        incident.id
    );
    Some(form)
}

/// The fields of what an action has to be told; `None`: more than a form takes.
fn arguments(action: &Action) -> Option<Vec<Field>> {
    let typed = action.args.iter().filter(|a| a.from_label.is_none());
    let fields: Vec<Field> = typed
        .map(|a| Field {
            name: argument(&a.name),
            label: cut(&a.name, LABEL_CHARS),
            help: cut(
                format!("{} {}", a.help, action::allowed(a)).trim(),
                super::surface::HELP_CHARS,
            ),
            entry: match (a.kind.choices(), &a.kind) {
                (Some(values), _) if values.len() <= CHOICES => {
                    Entry::Choice(values.into_iter().map(|v| (v.clone(), v)).collect())
                }
                (_, ArgKind::Text { max_len, .. }) => Entry::Line {
                    max: u16::try_from(*max_len)
                        .unwrap_or(TEXT_CHARS)
                        .min(TEXT_CHARS),
                },
                _ => Entry::Line { max: 100 },
            },
            value: a.default.clone(),
            required: a.default.is_none(),
        })
        .collect();
    (fields.len() <= FIELDS).then_some(fields)
}

fn field(leaf: &Leaf, arg: &Argument, directory: &Directory) -> Field {
    let choices: Vec<(String, String)> = super::surface::choices(leaf, arg, directory)
        .into_iter()
        .map(|(value, read)| (value, cut(&read, CHOICE_CHARS)))
        .collect();
    let entry = match arg.kind {
        Kind::Text => Entry::Text { max: TEXT_CHARS },
        Kind::Severity
        | Kind::Status
        | Kind::Service
        | Kind::Type
        | Kind::Person
        | Kind::Target
        | Kind::Action
        | Kind::Choice
        | Kind::Schedule
        | Kind::Role
        | Kind::Holder
        | Kind::Duration
            if (1..=CHOICES).contains(&choices.len()) =>
        {
            Entry::Choice(choices)
        }
        _ => Entry::Line { max: 200 },
    };
    Field {
        name: arg.name.clone(),
        label: cut(&capital(&arg.name), LABEL_CHARS),
        help: arg.help.clone(),
        entry,
        value: None,
        required: arg.required,
    }
}

/// The form for a command whose words are missing.
#[must_use]
pub fn of_verb(verb: &str, directory: &Directory, incident: Option<&Incident>) -> Option<Form> {
    of(tree().find(verb)?, directory, incident)
}

fn room(user: &str) -> String {
    format!("form of {user}")
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars
        .next()
        .map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}
