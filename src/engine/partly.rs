//! What silences hold of one incident, and what would hold it: for cards and forms. Nothing here decides;
//! the desk does (`desk/hush.rs`), from the same labels.

use super::Engine;
use crate::core::alert::Labels;
use crate::core::incident::Incident;
use crate::core::silence;
use crate::core::text::{count, deceives};
use crate::store::{AlertQuery, StoreFault};
use serde::Deserialize;

/// Alerts of an incident that are looked at.
const ALERTS: i64 = 500;
/// Labels a new silence proposes; whoever wants more adds them.
const PROPOSED: usize = 8;
/// Bytes of a label's value that is proposed.
const VALUE_BYTES: usize = 200;

impl Engine {
    /// Labels of the alerts that fire in an incident.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn firing_labels(&self, incident: &Incident) -> Result<Vec<Labels>, StoreFault> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Body {
            labels: Labels,
        }
        let query = AlertQuery {
            incident: Some(incident.id),
            firing: Some(true),
            sight: crate::core::sight::Sight::All,
            limit: ALERTS,
            ..AlertQuery::default()
        };
        let rows = self.store().alerts(&query).await?;
        // A row another version wrote has what can be read of it.
        let labels = |body: &str| {
            serde_json::from_str::<Body>(body)
                .unwrap_or_default()
                .labels
        };
        Ok(rows.iter().map(|row| labels(&row.body)).collect())
    }

    /// `2 of 5 firing alerts are silenced …, and the others keep it going.`, when a silence covers a part of it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn partly(&self, incident: &Incident) -> Result<Option<String>, StoreFault> {
        let (directory, now) = (self.directory(), self.now());
        let active = silence::known(&directory).any(|s| s.active(now).is_some());
        if !active || !incident.is_open() || incident.muted_at(now).is_some() {
            return Ok(None);
        }
        let alerts = self.firing_labels(incident).await?;
        let service = incident.service.as_deref();
        let held: Vec<_> = alerts
            .iter()
            .filter_map(|labels| silence::hold(&directory, labels, service, now))
            .collect();
        let Some(hold) = held.first() else {
            return Ok(None);
        };
        let rest = if held.len() == alerts.len() {
            "and it rests as soon as that is decided"
        } else {
            "and the others keep it going"
        };
        Ok(Some(format!(
            "{} of {} {}, {rest}.",
            held.len(),
            count(alerts.len(), "firing alert"),
            hold.why(directory.zone)
        )))
    }

    /// Conditions that hold back what fires in an incident, as a line to be changed.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn silence_proposal(&self, incident: &Incident) -> Result<String, StoreFault> {
        let alerts = self.firing_labels(incident).await?;
        Ok(proposed(incident, &alerts))
    }
}

/// The labels all of them have in common, as conditions: what is deleted of them widens it.
#[must_use]
pub fn proposed(incident: &Incident, alerts: &[Labels]) -> String {
    let own = incident.labels();
    let first = alerts.first().unwrap_or(&own);
    let common = first.iter().filter(|(name, value)| {
        let plain = !value.is_empty()
            && value.len() <= VALUE_BYTES
            && !value.contains(|c: char| matches!(c, '"' | '\\') || c.is_control() || deceives(c));
        plain && alerts.iter().all(|a| a.get(*name) == Some(value))
    });
    let mut common: Vec<(&String, &String)> = common.collect();
    common.sort_by_key(|(name, _)| (*name != "alertname", (*name).clone()));
    let conditions = common.into_iter().take(PROPOSED);
    let conditions: Vec<String> = conditions.map(|(n, v)| format!("{n}=\"{v}\"")).collect();
    conditions.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        let pairs = pairs.iter();
        pairs
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn a_silence_is_proposed_by_what_the_alerts_have_in_common() {
        let incident = Incident {
            tags: [
                ("alertname".into(), "Slow".into()),
                ("pod".into(), "a-1".into()),
            ]
            .into_iter()
            .collect(),
            ..Incident::default()
        };
        let alerts = [
            labels(&[("alertname", "Slow"), ("env", "eu prod"), ("pod", "a-1")]),
            labels(&[("alertname", "Slow"), ("env", "eu prod"), ("pod", "a-2")]),
        ];
        let said = "alertname=\"Slow\" env=\"eu prod\"";
        assert_eq!(proposed(&incident, &alerts), said);
        assert_eq!(
            proposed(&incident, &[]),
            "alertname=\"Slow\" pod=\"a-1\"",
            "of alerts that are over, those that opened it"
        );
        let odd = [labels(&[
            ("a", "x\" y=\"z"),
            ("b", "x\u{202e}y"),
            ("c", ""),
        ])];
        assert_eq!(
            proposed(&incident, &odd),
            "",
            "nothing that reads as another condition"
        );
    }
}
