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
    /// Ids of types of incidents; empty: all.
    pub types: Vec<String>,
    /// How the document reads.
    pub template: Arc<Template>,
}

/// What a template is chosen by.
#[derive(Clone, Copy, Debug, Default)]
pub struct TemplateBy<'a> {
    /// Name of the severity at the end.
    pub severity: &'a str,
    /// Service id.
    pub service: Option<&'a str>,
    /// Team id.
    pub team: Option<&'a str>,
    /// Id of the type.
    pub type_id: Option<&'a str>,
}

impl<'a> TemplateBy<'a> {
    /// Of a document.
    #[must_use]
    pub fn of(document: &'a super::Postmortem) -> TemplateBy<'a> {
        TemplateBy {
            severity: &document.severity,
            service: document.service.as_deref(),
            team: document.team.as_deref(),
            type_id: document.nature.type_id.as_deref(),
        }
    }
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
    /// The template of an incident: the one its type names (`named`), else the one that names most of
    /// what it is, then the first by id.
    #[must_use]
    pub fn template(&self, of: &TemplateBy<'_>, named: Option<&str>) -> Arc<Template> {
        if let Some(found) = named.and_then(|id| self.templates.get(id)) {
            return found.template.clone();
        }
        let fits = |list: &[String], is: Option<&str>| match (list, is) {
            ([], _) => Some(0u32),
            (list, Some(is)) if list.iter().any(|l| l == is) => Some(1),
            _ => None,
        };
        let score = |t: &TemplateFor| {
            Some(
                fits(&t.types, of.type_id)? * 8
                    + fits(&t.services, of.service)? * 4
                    + fits(&t.teams, of.team)? * 2
                    + fits(&t.severities, Some(of.severity))?,
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
