//! Updates of one incident, for a person or a channel of a chat platform that asked for them.
//!
//! Promises: a person or channel has one row with every incident it follows, so asking twice tells once;
//! nothing of a private incident is ever posted in a channel, and of a drill nobody is told. What has long
//! been over leaves the row when somebody asks again.

use super::{Engine, Failure};
use crate::core::id::IncidentId;
use crate::core::incident::{Audience, Refusal};
use crate::core::subscribe::{Topics, Via};
use crate::store::{SubscriberRow, UpdateChanges};
use std::collections::BTreeMap;

/// Incidents that one person or channel follows at the same time.
const MOST: usize = 50;
/// One that was over for this long is followed no more, milliseconds.
const OVER_MS: i64 = 7 * 86_400_000;

fn no(why: String) -> Failure {
    Refusal::Invalid { why }.into()
}

impl Engine {
    /// From now on updates of this incident are told by this way. `person` is who asks, by directory id.
    ///
    /// # Errors
    /// A refusal in words, or when it cannot be stored.
    pub async fn follow_updates(
        &self,
        id: IncidentId,
        via: &Via,
        person: &str,
    ) -> Result<(), Failure> {
        let _one = self.0.board.bulletins.change.lock().await;
        let Some(incident) = self.incident(id).await? else {
            return Err(Refusal::NoSuchIncident.into());
        };
        if let Some(into) = incident.merged_into {
            return Err(no(format!(
                "{id} was merged into {into}: `subscribe {into}` follows it."
            )));
        }
        if incident.nature.drill {
            return Err(no(format!(
                "{id} is a drill: its updates are told to nobody beside its room."
            )));
        }
        if incident.nature.private && !matches!(via, Via::Person { .. }) {
            return Err(no(format!(
                "{id} is private: its updates are posted in no channel. `subscribe {id}` tells you alone."
            )));
        }
        let (known, mut ids) = self.followed(via).await?;
        if ids.contains(&id) {
            let what = format!("Updates of {id} are told there already.");
            return Err(Refusal::NothingToDo { what }.into());
        }
        self.drop_old(&mut ids).await?;
        if ids.len() >= MOST {
            return Err(no(format!(
                "{MOST} incidents are followed there already; `unsubscribe` from one of them first."
            )));
        }
        ids.push(id);
        self.keep_followed(known, via, ids, person).await
    }

    /// From now on they are not.
    ///
    /// # Errors
    /// A refusal in words, or when it cannot be stored.
    pub async fn unfollow_updates(&self, id: IncidentId, via: &Via) -> Result<(), Failure> {
        let _one = self.0.board.bulletins.change.lock().await;
        let (known, mut ids) = self.followed(via).await?;
        let Some(row) = known.filter(|_| ids.contains(&id)) else {
            let what = format!("Updates of {id} are not told there.");
            return Err(Refusal::NothingToDo { what }.into());
        };
        ids.retain(|other| *other != id);
        if ids.is_empty() {
            let changes = UpdateChanges {
                forgotten: vec![row.id],
                ..UpdateChanges::default()
            };
            return self.change_updates(changes, BTreeMap::new()).await;
        }
        let person = row.person.clone();
        self.keep_followed(Some(row), via, ids, &person).await
    }

    /// The row of a way, and what it follows.
    async fn followed(
        &self,
        via: &Via,
    ) -> Result<(Option<SubscriberRow>, Vec<IncidentId>), Failure> {
        let store = self.store();
        let row = store
            .subscriber_at(Audience::Internal, via.kind(), &via.address())
            .await?;
        let topics: Option<Topics> = row
            .as_ref()
            .and_then(|r| serde_json::from_str(&r.topics).ok());
        Ok((row, topics.unwrap_or_default().incidents))
    }

    async fn drop_old(&self, ids: &mut Vec<IncidentId>) -> Result<(), Failure> {
        let mut kept = Vec::new();
        for id in std::mem::take(ids) {
            let incident = self.incident(id).await?;
            let over = incident.map(|i| i.resolved_at);
            // Not there any more, or over since then.
            let old = over.is_none_or(|at| at.is_some_and(|t| self.now().since_ms(t) > OVER_MS));
            if !old {
                kept.push(id);
            }
        }
        *ids = kept;
        Ok(())
    }

    async fn keep_followed(
        &self,
        known: Option<SubscriberRow>,
        via: &Via,
        incidents: Vec<IncidentId>,
        person: &str,
    ) -> Result<(), Failure> {
        let now = self.now();
        let topics = Topics {
            incidents,
            ..Topics::default()
        };
        let row = SubscriberRow {
            kind: via.kind().to_owned(),
            address: via.address(),
            audience: Audience::Internal,
            topics: serde_json::to_string(&topics)
                .map_err(|e| Failure::Unavailable(format!("it cannot be kept: {e}")))?,
            state: "on".to_owned(),
            person: person.to_owned(),
            ..SubscriberRow::again(known.as_ref(), now)
        };
        let changes = UpdateChanges {
            subscribers: vec![row],
            ..UpdateChanges::default()
        };
        self.change_updates(changes, BTreeMap::new()).await
    }
}
