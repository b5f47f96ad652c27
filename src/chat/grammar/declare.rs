//! `new`: what somebody says when they declare an incident.

use super::line::Line;
use super::{Invocation, Usage, lookup};
use crate::core::incident::Declaration;

impl Line<'_> {
    /// Reads `new`. Options may stand anywhere; the bare words `private` and `drill` count at the end,
    /// where they are no part of a sentence.
    pub(super) fn new_incident(mut self) -> Result<Invocation, Usage> {
        let directory = self.context.directory;
        let mut said = Declaration::default();
        if let Some(first) = self.words.peek().filter(|w| !w.quoted) {
            said.severity = directory.severity(&first.text);
        }
        if said.severity.is_some() {
            self.words.next();
        }
        let mut title: Vec<(String, bool)> = Vec::new();
        while let Some(word) = self.words.next() {
            let pair = word.text.split_once('=').filter(|_| !word.quoted);
            let read = match pair {
                Some((name, value)) => self.option(&mut said, name, value)?,
                None => false,
            };
            if !read {
                title.push((word.text, word.quoted));
            }
        }
        // `checkout is slow private drill`
        while let Some((word, false)) = title.last() {
            match word.to_lowercase().trim_start_matches("--") {
                "private" => said.private = Some(true),
                "drill" => said.drill = Some(true),
                _ => break,
            }
            title.pop();
        }
        let title: Vec<String> = title.into_iter().map(|(word, _)| word).collect();
        let title = title.join(" ");
        // Of several lines the first is the title.
        let (title, rest) = title.trim().split_once('\n').unwrap_or((title.trim(), ""));
        if title.is_empty() {
            return Err(self.wrong(
                "title",
                "`title` is missing: say in a few words what is wrong.",
            ));
        }
        let parts = [rest.trim(), said.description.trim()];
        let parts: Vec<&str> = parts.into_iter().filter(|p| !p.is_empty()).collect();
        Ok(Invocation::New(Declaration {
            title: title.trim().to_owned(),
            description: parts.join("\n\n"),
            ..said
        }))
    }

    /// One `name=value`; false: it is no option and belongs to the title.
    fn option(&self, said: &mut Declaration, name: &str, value: &str) -> Result<bool, Usage> {
        let directory = self.context.directory;
        match name {
            "sev" | "severity" => said.severity = Some(self.level("sev", value)?),
            "service" | "svc" => {
                let found = lookup::service(directory, value).ok_or_else(|| {
                    let known = directory.services.keys().map(String::as_str);
                    let near = lookup::hint(value, known);
                    self.wrong(
                        "service",
                        format!("`service`: there is no `{value}`. {near}"),
                    )
                })?;
                said.service = Some(found.id.clone());
            }
            "type" => {
                let found = directory.kind(value).ok_or_else(|| {
                    let known = directory.types.iter().map(|t| t.id.as_str());
                    let what = if directory.types.is_empty() {
                        "`type`: no types are configured; [[types]] in firebell.toml has them."
                            .to_owned()
                    } else {
                        format!(
                            "`type`: there is no `{value}`. {}",
                            lookup::hint(value, known)
                        )
                    };
                    self.wrong("type", what)
                })?;
                said.type_id = Some(found.id.clone());
            }
            "as" => match value.to_lowercase().replace([' ', ',', '+'], "-").as_str() {
                "private" => said.private = Some(true),
                "drill" => said.drill = Some(true),
                "private-drill" | "drill-private" => {
                    (said.private, said.drill) = (Some(true), Some(true));
                }
                _ => {
                    let what = format!(
                        "`as`: `{value}` is neither `private`, `drill` nor `private-drill`."
                    );
                    return Err(self.wrong("as", what));
                }
            },
            "private" => said.private = Some(self.yes_or_no("private", value)?),
            "drill" => said.drill = Some(self.yes_or_no("drill", value)?),
            "description" | "details" => value.clone_into(&mut said.description),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// `yes` or `no`, and what people write for it.
    pub(super) fn yes_or_no(&self, argument: &str, word: &str) -> Result<bool, Usage> {
        match word.to_lowercase().as_str() {
            "yes" | "on" | "true" => Ok(true),
            "no" | "off" | "false" => Ok(false),
            _ => {
                let what = format!("`{argument}`: `{word}` is neither `yes` nor `no`.");
                Err(self.wrong(argument, what))
            }
        }
    }
}
