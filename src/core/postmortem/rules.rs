//! What the operator says about postmortems: until when, and by which template.

use super::deadline::Deadlines;
use super::template::Template;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A template and the incidents it is for.
#[derive(Clone, Debug)]
pub struct TemplateFor {
    /// Names of severities; empty: all.
    pub severities: Vec<String>,
    /// Service ids; empty: all.
    pub services: Vec<String>,
    /// Team ids; empty: all.
    pub teams: Vec<String>,
    /// How the document reads.
    pub template: Arc<Template>,
}

/// Deadlines and templates.
#[derive(Clone, Debug, Default)]
pub struct PostmortemRules {
    /// Until when a review is due, by severity.
    pub deadlines: Deadlines,
    /// By id.
    pub templates: BTreeMap<String, TemplateFor>,
}

impl PostmortemRules {
    /// The template of an incident: the one that names most of what it is, then the first by id.
    #[must_use]
    pub fn template(
        &self,
        severity: &str,
        service: Option<&str>,
        team: Option<&str>,
    ) -> Arc<Template> {
        let fits = |list: &[String], is: Option<&str>| match (list, is) {
            ([], _) => Some(0u32),
            (list, Some(is)) if list.iter().any(|l| l == is) => Some(1),
            _ => None,
        };
        let score = |t: &TemplateFor| {
            Some(
                fits(&t.services, service)? * 4
                    + fits(&t.teams, team)? * 2
                    + fits(&t.severities, Some(severity))?,
            )
        };
        let mut best: Option<(u32, &TemplateFor)> = None;
        for t in self.templates.values() {
            if let Some(score) = score(t)
                && best.is_none_or(|(most, _)| score > most)
            {
                best = Some((score, t));
            }
        }
        best.map_or_else(Arc::default, |(_, t)| t.template.clone())
    }
}
