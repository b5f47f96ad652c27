//! The filters of Alertmanager's lists.

use super::{NOBODY, ON_CALL};
use crate::core::alert::Labels;
use crate::core::directory::Directory;
use crate::core::matcher::{Matcher, whole};
use crate::core::text::cut;
use crate::core::time::Time;
use crate::core::{route, silence};
use crate::store::AlertRow;
use regex::Regex;
use serde::Deserialize;

/// More matchers than any client sends; each may cost as much memory as an expression may.
const MAX_MATCHERS: usize = 32;

/// Which alerts are listed.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    /// List what nothing holds. There is no inhibition.
    active: bool,
    /// List what a silence holds.
    silenced: bool,
    matchers: Vec<Matcher>,
    receiver: Option<Regex>,
}

impl Filter {
    /// Reads the query. Parameters Alertmanager does not know either are ignored, as it does.
    ///
    /// # Errors
    /// A sentence naming the parameter.
    pub(super) fn parse(pairs: &[(String, String)]) -> Result<Filter, String> {
        let mut filter = Filter {
            active: true,
            silenced: true,
            matchers: Vec::new(),
            receiver: None,
        };
        for (name, value) in pairs {
            match name.as_str() {
                "active" => filter.active = truth(name, value)?,
                "silenced" => filter.silenced = truth(name, value)?,
                // They select among alerts that do not occur here.
                "inhibited" | "unprocessed" | "muted" => {
                    truth(name, value)?;
                }
                "filter" => filter.matchers.push(matcher(value)?),
                "receiver" => {
                    filter.receiver = Some(whole(value).map_err(|e| format!("receiver: {e}"))?);
                }
                _ => {}
            }
        }
        if filter.matchers.len() > MAX_MATCHERS {
            return Err(format!("filter: more than {MAX_MATCHERS} matchers"));
        }
        Ok(filter)
    }

    /// Nothing can pass.
    pub(super) fn nothing(&self) -> bool {
        let known = |re: &Regex| re.is_match(ON_CALL) || re.is_match(NOBODY);
        !self.active && !self.silenced || !self.receiver.as_ref().is_none_or(known)
    }

    /// The silences that hold an alert now; nothing is read while there are none.
    pub(super) fn held_by(row: &AlertRow, directory: &Directory, now: Time) -> Vec<String> {
        if silence::known(directory).next().is_none() {
            return Vec::new();
        }
        let labels = labels_of(row);
        let service = route::service(directory, &labels);
        let held = silence::held_by(directory, &labels, service, now);
        held.into_iter().map(|s| s.id.clone()).collect()
    }

    /// Whether the alert is listed. Its labels are only read when a matcher needs them.
    pub(super) fn admits(&self, row: &AlertRow, held: bool) -> bool {
        let receiver = self.receiver.as_ref();
        let wanted = if held { self.silenced } else { self.active };
        if !wanted || !receiver.is_none_or(|re| re.is_match(receiver_of(row))) {
            return false;
        }
        if self.matchers.is_empty() {
            return true;
        }
        let labels = labels_of(row);
        self.matchers.iter().all(|m| m.matches(&labels))
    }
}

/// The receiver an alert is shown with.
pub(super) fn receiver_of(row: &AlertRow) -> &'static str {
    if row.incident.is_some() {
        ON_CALL
    } else {
        NOBODY
    }
}

/// The labels of a stored alert.
pub(super) fn labels_of(row: &AlertRow) -> Labels {
    #[derive(Deserialize)]
    struct Stored {
        labels: Labels,
    }
    serde_json::from_str(&row.body).map_or_else(|_| Labels::new(), |s: Stored| s.labels)
}

fn truth(name: &str, value: &str) -> Result<bool, String> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(format!(
            "{name}: `{}` is neither true nor false",
            cut(other, 40)
        )),
    }
}

pub(super) fn matcher(text: &str) -> Result<Matcher, String> {
    Matcher::parse(text).map_err(|e| format!("filter: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::id::{AlertId, IncidentId};

    fn parse(query: &[(&str, &str)]) -> Result<Filter, String> {
        let pairs: Vec<_> = query
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        Filter::parse(&pairs)
    }

    fn row(incident: Option<i64>) -> AlertRow {
        AlertRow {
            id: AlertId(1),
            source: "prometheus".to_owned(),
            fingerprint: "f".to_owned(),
            digest: 0,
            firing: true,
            starts_at: Time(0),
            ends_at: Time::FAR,
            received_at: Time(0),
            updated_at: Time(0),
            incident: incident.map(IncidentId),
            why: String::new(),
            body: r#"{"labels":{"job":"api","severity":"critical"},"annotations":{}}"#.to_owned(),
        }
    }

    #[test]
    fn alerts_are_filtered_as_alertmanager_does() {
        for (query, listed) in [
            (&[][..], true),
            (&[("active", "false")], false),
            (&[("active", "true"), ("silenced", "false")], true),
            (&[("inhibited", "false"), ("unprocessed", "false")], true),
            (&[("filter", "job=\"api\"")], true),
            (
                &[("filter", "job=api"), ("filter", "severity!=critical")],
                false,
            ),
            (&[("filter", "job=~\"a.*\""), ("filter", "none=\"\"")], true),
            (&[("receiver", "on-.*")], true),
            (&[("receiver", "on")], false),
            (&[("receiver", "nobody")], false),
            (&[("unknown", "x")], true),
        ] {
            let filter = parse(query).unwrap();
            let silenced = !query.contains(&("silenced", "false")) && query.is_empty();
            assert!(!silenced || filter.admits(&row(Some(1)), true));
            assert_eq!(filter.admits(&row(Some(1)), false), listed, "{query:?}");
            assert!(!(listed && filter.nothing()), "{query:?}");
        }
        assert!(
            parse(&[("receiver", "nobody")])
                .unwrap()
                .admits(&row(None), false)
        );
    }

    #[test]
    fn a_filter_that_is_wrong_is_named() {
        let many = vec![("filter", "a=b"); MAX_MATCHERS + 1];
        for (query, word) in [
            (&[("active", "yes")][..], "active"),
            (&[("filter", "job")], "filter"),
            (&[("filter", "job=~\"(\"")], "filter"),
            (&[("receiver", "(")], "receiver"),
            (&many[..], "filter"),
        ] {
            let why = parse(query).unwrap_err();
            assert!(why.starts_with(word), "{why}");
        }
    }
}
