//! An incident changes hands: given back, given on, opened again, merged; and several at once.

use super::{Desk, Reply};
use crate::chat::grammar::Bulk;
use crate::core::directory::Target;
use crate::core::id::{IncidentId, Seq};
use crate::core::incident::{Command, Incident, Status};
use crate::core::text;
use crate::core::time::Time;

/// Incidents one line may act on.
const MANY: usize = 200;

impl Desk<'_> {
    pub(super) async fn unacknowledge(&self, id: IncidentId) -> Reply {
        let by = self.who.clone();
        let said = |i: &Incident| format!("{}: nobody has it now, and it pages again.", i.id);
        self.act(id, Command::Unacknowledge { by }, said).await
    }

    pub(super) async fn reopen(&self, id: IncidentId) -> Reply {
        let by = self.who.clone();
        let said = |i: &Incident| format!("{} is open again and pages.", i.id);
        self.act(id, Command::Reopen { by }, said).await
    }

    pub(super) async fn reassign(&self, id: IncidentId, target: Target) -> Reply {
        let to = target.words();
        let command = Command::Reassign {
            by: self.who.clone(),
            target,
        };
        let said = |i: &Incident| {
            format!(
                "{}: {to} was paged; it is theirs once they acknowledge.",
                i.id
            )
        };
        self.act(id, command, said).await
    }

    pub(super) async fn merge(&self, from: IncidentId, into: IncidentId) -> Reply {
        let by = self.who.clone();
        match self.engine.merge(self.cause, from, into, by).await {
            Ok(_) => Reply::yes(
                Some(into),
                format!("{from} was merged into {into}: its alerts, and later ones like them, belong there."),
            )
            .aloud(),
            Err(failure) => Reply::no(Some(from), failure.to_string()),
        }
    }

    /// `as_of`: the state a button was drawn at; whoever acted since then is named.
    pub(super) async fn snooze(&self, id: IncidentId, until: Time, as_of: Option<Seq>) -> Reply {
        let clock = self.clock(until);
        let snooze = Command::Snooze {
            by: self.who.clone(),
            until,
        };
        let command = match as_of {
            Some(seq) => Command::AsOf {
                seq,
                command: Box::new(snooze),
            },
            None => snooze,
        };
        let said = |i: &Incident| format!("{} is yours and quiet until {clock}.", i.id);
        self.act(id, command, said).await
    }

    /// An instant on the asker's clock; a weekday alone names no day a week away.
    pub(super) fn clock(&self, at: Time) -> String {
        let near = at.since_ms(self.now) < 6 * 86_400_000;
        let pattern = if near {
            "%a %H:%M %Z"
        } else {
            "%a %-d %b %H:%M %Z"
        };
        crate::core::timeline::format(at, Some(self.zone()), pattern)
    }

    /// Each for itself: one that is refused does not keep the others.
    pub(super) async fn bulk(&self, verb: Bulk, ids: Option<Vec<IncidentId>>, note: &str) -> Reply {
        let ids = ids.unwrap_or_else(|| {
            let (open, sight) = (self.engine.open_incidents(), self.sight());
            let meant = open
                .iter()
                .filter(|i| sight.sees(i))
                .filter(|i| verb == Bulk::Resolve || i.status == Status::Triggered);
            let mut ids: Vec<IncidentId> = meant.map(|i| i.id).collect();
            ids.sort();
            ids
        });
        if ids.is_empty() {
            return Reply::yes(None, format!("There is nothing to {}.", verb.verb()));
        }
        if ids.len() > MANY {
            return Reply::no(
                None,
                format!(
                    "That is {} incidents; at most {MANY} at once, so nothing was done.",
                    ids.len()
                ),
            );
        }
        let (mut done, mut refused) = (Vec::new(), Vec::new());
        for id in ids {
            match self.one_of_many(verb, id, note).await {
                Ok(()) => done.push(id.to_string()),
                Err(why) => refused.push(format!("{id}: {why}")),
            }
        }
        let did = match verb {
            Bulk::Acknowledge => "Acknowledged",
            Bulk::Resolve => "Resolved",
        };
        let mut lines = Vec::new();
        if !done.is_empty() {
            let noted = if note.is_empty() {
                ""
            } else {
                ", with your note"
            };
            lines.push(format!("{did} {}{noted}.", text::list(&done)));
        }
        lines.extend(refused);
        if done.is_empty() {
            return Reply::no(None, lines.join("\n"));
        }
        Reply::yes(None, lines.join("\n"))
    }

    async fn one_of_many(&self, verb: Bulk, id: IncidentId, note: &str) -> Result<(), String> {
        let by = self.who.clone();
        let cause = format!("{}:{}", self.cause, id.0);
        self.visible(id).await.map_err(|f| f.to_string())?;
        let command = match verb {
            Bulk::Acknowledge => Command::Acknowledge { by: by.clone() },
            Bulk::Resolve => Command::Resolve { by: by.clone() },
        };
        self.submit(&cause, id, command)
            .await
            .map_err(|f| f.to_string())?;
        if note.is_empty() {
            return Ok(());
        }
        let noted = Command::Note {
            by,
            text: note.to_owned(),
            happened_at: None,
        };
        let cause = format!("{cause}:note");
        let kept = self.submit(&cause, id, noted).await.map(drop);
        kept.map_err(|f| format!("done, but the note was not kept: {f}"))
    }
}
