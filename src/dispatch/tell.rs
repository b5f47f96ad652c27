//! What is told to others: updates, their preview before everybody reads them, and how often.

use super::{Desk, Reply};
use crate::chat::grammar::{Invocation, Pace};
use crate::core::board::Condition;
use crate::core::id::{Actor, IncidentId};
use crate::core::incident::{
    Audience, Command, Incident, Refusal, Update, UpdateWish, compose, preview,
};
use crate::core::subscribe::Via;
use crate::core::time::human_ms;
use crate::engine::Failure;
use crate::store::{ChangeSet, DraftRow, UpdateChanges};

/// A preview that is older than this is not sent any more, milliseconds.
const DRAFT_MS: i64 = 3_600_000;

impl Desk<'_> {
    /// What others are told.
    pub(super) async fn about_others(&self, act: Invocation) -> Reply {
        match act {
            Invocation::Update { id, wish } | Invocation::Status { id, wish } => {
                self.update(id, *wish).await
            }
            Invocation::Publish { id, components } => self.publish(id, components).await,
            Invocation::Cadence { id, pace } => self.cadence(id, pace).await,
            Invocation::Subscribe { id, here } => self.subscription(id, here, true).await,
            Invocation::Unsubscribe { id, here } => self.subscription(id, here, false).await,
            // `carry_out` sends nothing else here.
            other => Reply::no(None, format!("`{}` tells nobody anything.", other.verb())),
        }
    }

    async fn update(&self, id: IncidentId, wish: UpdateWish) -> Reply {
        let wish = UpdateWish {
            by: self.who.clone(),
            ..wish
        };
        if wish.audience == Audience::Public {
            return match self.draft(id, &wish).await {
                Ok((read, _)) => Reply::yes(Some(id), shown(id, &read)),
                Err(failure) => Reply::no(Some(id), failure.to_string()),
            };
        }
        let command = Command::Update(Box::new(wish));
        self.act(id, command, said).await
    }

    /// Keeps what somebody is about to tell everybody, and answers with what that is.
    async fn draft(&self, id: IncidentId, wish: &UpdateWish) -> Result<(String, String), Failure> {
        let incident = self.look(id).await?;
        let update = compose(&incident, &self.directory, self.now, wish)?;
        let read = preview(&incident, &update, self.directory.zone);
        let body = serde_json::to_string(wish)
            .map_err(|e| Failure::Unavailable(format!("the update cannot be kept: {e}")))?;
        let row = DraftRow {
            incident: id,
            author: author(&self.who),
            digest: read.digest.clone(),
            body,
            created_at: self.now,
        };
        let changes = UpdateChanges {
            drafts: vec![row],
            ..UpdateChanges::default()
        };
        self.keep(changes).await?;
        Ok((read.text, read.digest))
    }

    async fn keep(&self, updates: UpdateChanges) -> Result<(), Failure> {
        let changes = ChangeSet {
            updates: Box::new(updates),
            ..ChangeSet::default()
        };
        self.engine.write(changes).await
    }

    /// Sends what was read. When everybody would read something else by now, that is shown instead.
    async fn publish(&self, id: IncidentId, components: Option<Vec<(String, Condition)>>) -> Reply {
        match self.try_publish(id, components).await {
            Ok(reply) => reply,
            Err(failure) => Reply::no(Some(id), failure.to_string()),
        }
    }

    async fn try_publish(
        &self,
        id: IncidentId,
        components: Option<Vec<(String, Condition)>>,
    ) -> Result<Reply, Failure> {
        let author = author(&self.who);
        let draft = self.engine.store().update_draft(id, &author).await?;
        let fresh = |d: &DraftRow| self.now.since_ms(d.created_at) <= DRAFT_MS;
        let Some(draft) = draft.filter(fresh) else {
            let why = format!(
                "You have no update of {id} to publish. `update {id} audience=public …` writes one and shows what everybody will read."
            );
            return Ok(Reply::no(Some(id), why));
        };
        let mut wish: UpdateWish = serde_json::from_str(&draft.body)
            .map_err(|e| Failure::Unavailable(format!("the update cannot be read: {e}")))?;
        wish.by = self.who.clone();
        if let Some(components) = components {
            wish.components = components;
            let (read, _) = self.draft(id, &wish).await?;
            return Ok(Reply::yes(Some(id), shown(id, &read)));
        }
        wish.seen = Some(draft.digest);
        let command = Command::Update(Box::new(wish.clone()));
        match self.submit(self.cause, id, command).await {
            Ok((_, incident)) => {
                let changes = UpdateChanges {
                    drafts_done: vec![(id, author)],
                    ..UpdateChanges::default()
                };
                self.keep(changes).await?;
                Ok(Reply::yes(Some(id), said(&incident)))
            }
            Err(Failure::Refused(Refusal::Stale { .. })) => {
                let (read, _) = self.draft(id, &wish).await?;
                let text = format!(
                    "Nothing was published, because it reads otherwise by now. {}",
                    shown(id, &read)
                );
                Ok(Reply::no(Some(id), text))
            }
            Err(failure) => Err(failure),
        }
    }

    async fn cadence(&self, id: IncidentId, pace: Pace) -> Reply {
        let by = self.who.clone();
        let (every_ms, next) = match pace {
            Pace::Told => return self.cadence_told(id).await,
            Pace::Off => (None, None),
            Pace::Every(ms) => (Some(ms), None),
            Pace::Later(ms) => (None, Some(self.now.plus_ms(ms))),
        };
        let command = Command::SetCadence { by, every_ms, next };
        self.act(id, command, |i| self.pace_words(i)).await
    }

    async fn cadence_told(&self, id: IncidentId) -> Reply {
        match self.look(id).await {
            Ok(incident) => Reply::yes(Some(id), self.pace_words(&incident)),
            Err(failure) => Reply::no(Some(id), failure.to_string()),
        }
    }

    /// Updates of an incident for whoever asks, or for the channel they ask in.
    async fn subscription(&self, id: IncidentId, here: bool, wanted: bool) -> Reply {
        let via = match self.subscriber(id, here) {
            Ok(via) => via,
            Err(why) => return Reply::no(Some(id), why),
        };
        let person = self.who.person().unwrap_or_default();
        let outcome = if wanted {
            self.engine.follow_updates(id, &via, person).await
        } else {
            self.engine.unfollow_updates(id, &via).await
        };
        let text = match (outcome, here, wanted) {
            (Err(failure), ..) => return Reply::no(Some(id), failure.to_string()),
            (Ok(()), false, true) => format!(
                "You are told of each update of {id} by direct message; `unsubscribe {id}` ends it."
            ),
            (Ok(()), true, true) => format!(
                "Each update of {id} is posted in this channel; `unsubscribe {id} here` ends it."
            ),
            (Ok(()), false, false) => format!("You are not told of updates of {id} any more."),
            (Ok(()), true, false) => {
                format!("Updates of {id} are not posted in this channel any more.")
            }
        };
        let reply = Reply::yes(Some(id), text);
        // Everybody in a channel may know why something is posted there.
        if here { reply.aloud() } else { reply }
    }

    fn subscriber(&self, id: IncidentId, here: bool) -> Result<Via, String> {
        let platform = self.platform.to_owned();
        if here && self.here == Some(id) {
            return Err(format!(
                "This is the room of {id}: its updates stand here already."
            ));
        }
        if here && self.room.is_empty() {
            return Err(format!(
                "There is no channel here. Write `subscribe {id} here` in the one that is to be told."
            ));
        }
        if here {
            let room = self.room.to_owned();
            return Ok(Via::Room { platform, room });
        }
        match self.who.person() {
            Some(person) => Ok(Via::Person {
                platform,
                person: person.to_owned(),
            }),
            None => Err(
                "Nobody of the directory is known by this account; `link` shows how to change that."
                    .to_owned(),
            ),
        }
    }

    fn pace_words(&self, incident: &Incident) -> String {
        let id = incident.id;
        let next = incident.told.next_due.map(|at| self.clock(at));
        match (incident.told.every_ms, next) {
            (Some(ms), Some(at)) => {
                format!(
                    "{id}: an update is due every {}, the next one at {at}.",
                    human_ms(ms)
                )
            }
            (Some(ms), None) => format!("{id}: an update is due every {}.", human_ms(ms)),
            (None, Some(at)) => format!("{id}: an update is due at {at}."),
            (None, None) => {
                format!("{id}: nobody is reminded of updates; `cadence {id} 30m` changes that.")
            }
        }
    }
}

/// By what somebody's draft is found again.
fn author(who: &Actor) -> String {
    match who {
        Actor::Person { id, .. } | Actor::Unlinked { id, .. } => id.clone(),
        other => format!("token:{}", other.name()),
    }
}

fn shown(id: IncidentId, read: &str) -> String {
    format!(
        "Nothing is public yet. This is exactly what everybody will read:\n\n{read}\n\n`publish {id}` sends it within the hour; `update` again writes another one."
    )
}

/// What was told, and what is left to do.
fn said(incident: &Incident) -> String {
    let id = incident.id;
    let standing = incident.told.standing.as_ref();
    let status = standing.map_or(String::new(), |s| format!(" Its status is {}.", s.name));
    let newest = incident
        .told
        .last
        .as_ref()
        .filter(|(seq, ..)| *seq + 2 > incident.seq);
    let what = match newest.map(|(.., update)| update) {
        Some(Update {
            audience: Audience::Public,
            ..
        }) => "was told to everybody",
        Some(_) => "was told to people inside",
        None => "has changed",
    };
    let left = if standing.is_some_and(|s| s.last) && incident.is_open() {
        format!(" It is still open: `resolve {id}` ends it.")
    } else {
        String::new()
    };
    let still = incident
        .told
        .public
        .as_ref()
        .and_then(|p| p.standing.as_ref());
    let public = match still {
        Some(s) if !s.last && standing.is_some_and(|s| s.last) => {
            format!(
                " Everybody still reads “{}”: `update {id} audience=public status=… …` tells them.",
                s.name
            )
        }
        _ => String::new(),
    };
    format!("{id}: it {what}.{status}{left}{public}")
}
