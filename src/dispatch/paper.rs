//! The postmortem of an incident, as far as it is.

use super::{Desk, Reply};
use crate::core::id::IncidentId;
use crate::core::postmortem::{Format, export};

impl Desk<'_> {
    pub(super) async fn postmortem(&self, id: IncidentId) -> Reply {
        let read = match self.engine.postmortem(id).await {
            Ok(Some(read)) => read,
            Ok(None) => return Reply::no(Some(id), format!("There is no incident {id}.")),
            Err(failure) => return Reply::no(Some(id), failure.to_string()),
        };
        let draft = &read.document;
        let open = if draft.dates.resolved.is_none() {
            " It is not resolved yet: the draft tells what happened so far."
        } else {
            ""
        };
        let text = format!(
            "Postmortem of {id} ({}): {} on the timeline, {} to fill. {}/incidents/{}/postmortem{open}",
            read.written.stage.words().to_lowercase(),
            crate::core::text::count(draft.timeline.len(), "line"),
            crate::core::text::count(
                draft.sections.iter().filter(|s| s.text.is_empty()).count(),
                "section"
            ),
            self.engine.public_url(),
            id.0
        );
        Reply {
            document: Some(export(draft, &read.template, Format::Markdown)),
            ..Reply::yes(Some(id), text)
        }
    }
}
