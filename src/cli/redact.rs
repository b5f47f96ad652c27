//! `firebell redact`: over the REST API, as the person whose token it is.

use super::approve::{Door, asked};
use super::print;
use crate::core::id::IncidentId;
use crate::core::postmortem::SECTIONS;
use serde_json::json;
use std::process::ExitCode;

/// What is to be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Thing {
    /// A line of the timeline, by its number.
    Line(u32),
    /// What people wrote into a section of the postmortem, by its anchor.
    Section(&'static str),
}

/// Reads what is to be removed.
///
/// # Errors
/// In words, when it is neither a line nor a section.
pub(super) fn thing(text: &str) -> Result<Thing, String> {
    if let Ok(line) = text.parse::<u32>() {
        return match line {
            0 => Err("lines are counted from 1".to_owned()),
            line => Ok(Thing::Line(line)),
        };
    }
    let mut anchors = SECTIONS.iter().map(|(anchor, ..)| *anchor);
    match anchors.find(|anchor| *anchor == text) {
        Some(anchor) => Ok(Thing::Section(anchor)),
        None => {
            let all: Vec<&str> = SECTIONS.iter().map(|(anchor, ..)| *anchor).collect();
            Err(format!(
                "it is neither the number of a line nor a section; sections are {}",
                all.join(", ")
            ))
        }
    }
}

/// Removes something for good.
///
/// # Errors
/// When firebell cannot be asked, or says no.
pub(super) async fn redact(
    door: &Door,
    id: IncidentId,
    what: &Thing,
    why: &str,
) -> anyhow::Result<ExitCode> {
    let (client, base, token) = door.open()?;
    let place = match what {
        Thing::Line(line) => format!("timeline/{line}"),
        Thing::Section(anchor) => format!("postmortem/{anchor}"),
    };
    let to = format!("{base}/api/v1/incidents/{}/{place}/redact", id.0);
    let done = client
        .post(to)
        .bearer_auth(&token)
        .json(&json!({"why": why}));
    let done = asked(done).await?;
    print(done["told"].as_str().unwrap_or("Done."))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_number_and_a_section_a_name() {
        assert_eq!(thing("7"), Ok(Thing::Line(7)));
        assert_eq!(thing("impact"), Ok(Thing::Section("impact")));
        assert!(thing("0").unwrap_err().contains("from 1"));
        assert!(
            thing("it")
                .unwrap_err()
                .contains("sections are summary, impact")
        );
    }
}
