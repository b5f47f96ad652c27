//! A command whose words come apart: native options of a platform, or the fields of a form.
//!
//! The words are laid out as the line they stand for and read by the same reader, so both ways
//! mean the same and fail with the same sentence.

use super::tokens::Words;
use super::{Context, Invocation, Line, Usage, unknown};
use crate::chat::form;
use crate::chat::surface::{Kind, Needs, tree};
use std::collections::BTreeMap;

/// Reads a verb with options by the argument names of the tree; `incident` is the number.
///
/// # Errors
/// A [`Usage`] that names the argument and shows an example.
pub fn typed(
    verb: &str,
    options: &BTreeMap<String, String>,
    context: &Context<'_>,
) -> Result<Invocation, Usage> {
    let leaf = tree().find(verb).ok_or_else(|| unknown(verb))?;
    let mut words: Vec<(String, bool)> = Vec::new();
    if leaf.incident != Needs::None
        && let Some(number) = options.get("incident")
    {
        let digits = number.trim().trim_start_matches(['#']).to_owned();
        if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit()) {
            return Err(Usage {
                what: format!("`incident`: `{number}` is no number of an incident."),
                argument: Some("incident".to_owned()),
                example: leaf.example.clone(),
            });
        }
        words.push((format!("#{digits}"), false));
    }
    for arg in &leaf.args {
        if arg.kind == Kind::Pairs {
            let pairs = options.iter().filter_map(|(name, value)| {
                Some((format!("{}={value}", form::argument_of(name)?), false))
            });
            words.extend(pairs);
            // A platform without forms for them takes the pairs as one line.
            let line = options.get(arg.name.as_str()).map(String::as_str);
            let mut said = Words::of(line.unwrap_or_default());
            while let Some(word) = said.next() {
                words.push((word.text, false));
            }
            if let Some(why) = options.get("reason").filter(|w| !w.trim().is_empty()) {
                words.push(("--reason".to_owned(), false));
                words.push((why.clone(), true));
            }
            continue;
        }
        let Some(value) = options.get(arg.name.as_str()) else {
            continue;
        };
        match arg.kind {
            // Words that are read one by one: `until 09:00`, `13 14 looking`.
            Kind::Duration | Kind::More | Kind::What => {
                let mut said = Words::of(value);
                while let Some(word) = said.next() {
                    words.push((word.text, word.quoted));
                }
            }
            _ if arg.named => words.push((format!("{}={value}", arg.name), false)),
            Kind::Text => words.push((value.clone(), true)),
            Kind::When => {
                let said = value.split_whitespace();
                words.extend(said.map(|w| (w.to_owned(), false)));
            }
            Kind::Clock => {
                words.push(("at".to_owned(), false));
                let value = value.trim_start_matches("at ");
                words.extend(value.split_whitespace().map(|w| (w.to_owned(), false)));
            }
            _ => words.push((value.trim().to_owned(), false)),
        }
    }
    Line::behind(leaf, context, Words::laid_out(words)).read()
}
