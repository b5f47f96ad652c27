//! Something like it was looked at before: said once, when an incident opens, in the channel of whom it
//! concerns, and on its card. Only what people have agreed on is offered, and only for the same alert of the same service.

use super::{Change, Engine, Failure};
use crate::core::directory::Directory;
use crate::core::id::{Actor, IncidentId};
use crate::core::incident::{Command, Incident, Recalled, Shape};
use crate::core::sight::Sight;
use crate::core::text::cut;
use crate::store::{ChangeSet, FoundRow, NoticeRow};
use std::collections::BTreeSet;
use std::sync::PoisonError;
use tokio::sync::broadcast::error::RecvError;

/// Incidents that are remembered to have been looked at; the database knows the others.
const LOOKED: usize = 10_000;

/// Agreed-on postmortems of a service that are looked through, newest first.
const LESSONS: i64 = 50;

/// Offers lessons until the process ends.
pub(super) async fn keep(engine: Engine) {
    let mut changes = engine.changes();
    loop {
        match changes.recv().await {
            Ok(Change::Incident(id)) => {
                if let Err(failure) = engine.offer_lesson(id).await {
                    tracing::warn!(incident = id.0, %failure, "no lesson could be looked for");
                }
            }
            // What was missed is not offered: it is a help and no promise.
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

/// Incidents for which was looked.
#[derive(Debug, Default)]
pub(super) struct Looked(std::sync::Mutex<BTreeSet<IncidentId>>);

impl Looked {
    /// Whether this is the first time.
    fn first(&self, id: IncidentId) -> bool {
        let mut looked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while looked.len() > LOOKED {
            looked.pop_first();
        }
        looked.insert(id)
    }
}

impl Engine {
    /// Offers what was learned from an incident with the same alert, once per incident.
    pub(super) async fn offer_lesson(&self, id: IncidentId) -> Result<bool, Failure> {
        let incident = {
            let open = self.0.open.read().unwrap_or_else(PoisonError::into_inner);
            open.get(id)
        };
        let Some(incident) = incident else {
            return Ok(false);
        };
        // A channel is read by more than those whom a private incident concerns.
        if incident.nature.private {
            return Ok(false);
        }
        let alert = incident.tags.get("alertname").map(ToString::to_string);
        let (Some(alert), Some(service)) = (alert, incident.service.clone()) else {
            return Ok(false);
        };
        if !self.0.after.looked.first(id) {
            return Ok(false);
        }
        let rows = self
            .store()
            .lessons(Some(&service), None, &Sight::Public, LESSONS)
            .await?;
        let like = |(found, alerts): &(FoundRow, Vec<String>)| {
            found.incident != id && alerts.contains(&alert)
        };
        let Some((found, _)) = rows.into_iter().find(like) else {
            return Ok(false);
        };
        let other = self.incident(found.incident).await?;
        if other.is_none_or(|o| o.nature.private) {
            return Ok(false);
        }
        let key = format!("lesson:{}", id.0);
        if self.store().told().await?.contains(&key) {
            return Ok(false);
        }
        self.recall(id, found.incident, &alert).await?;
        let directory = self.directory();
        let text = self.hint(&incident, &alert, &found);
        let mut changes = ChangeSet::default();
        for row in notices(&directory, &incident, &key, &text, self.now()) {
            changes.notices.insert(row.key.clone(), row);
        }
        if changes.notices.is_empty() {
            return Ok(false);
        }
        changes.told.push((key, self.now()));
        self.write(changes).await?;
        Ok(true)
    }

    /// Puts it on the incident's card and its timeline; what is known there already stays as it is.
    async fn recall(&self, id: IncidentId, of: IncidentId, alert: &str) -> Result<(), Failure> {
        let found = Recalled {
            of,
            alert: alert.to_owned(),
        };
        let command = Command::Shape {
            by: Actor::Firebell,
            shape: Box::new(Shape::Recall(found)),
        };
        match self.submit(&format!("recall:{}", id.0), id, command).await {
            Ok(_) | Err(Failure::Refused(_)) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    fn hint(&self, incident: &Incident, alert: &str, found: &FoundRow) -> String {
        format!(
            "Seen before: {} “{}” has the alert {} on the same service, and its postmortem is agreed on. This is {} “{}”. {}/incidents/{}/postmortem",
            found.incident,
            cut(&found.title, 120),
            cut(alert, 80),
            incident.id,
            cut(&incident.title, 120),
            self.public_url(),
            found.incident.0
        )
    }
}

fn notices(
    directory: &Directory,
    incident: &Incident,
    key: &str,
    text: &str,
    now: crate::core::time::Time,
) -> Vec<NoticeRow> {
    let (service, team) = (incident.service.as_deref(), incident.team.as_deref());
    let Some(channel) = directory.channel(service, team) else {
        return Vec::new();
    };
    directory
        .platforms_of(team)
        .map(|platform| NoticeRow {
            key: format!("{key}:{platform}"),
            platform: platform.to_owned(),
            channel: channel.to_owned(),
            text: text.to_owned(),
            state: "waiting".to_owned(),
            attempts: 0,
            due_at: now,
            created_at: now,
            error: String::new(),
        })
        .collect()
}
