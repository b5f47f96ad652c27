//! Action items are tasks of the incident's journal: what people change of them in the postmortem is
//! put to the incident, and the postmortem keeps what only it knows (priority, link, tracker).

use super::{Done, Engine, Failure, person};
use crate::core::id::{Actor, IncidentId, Seq};
use crate::core::incident::{
    Command, ConductCommand, ConductEvent, Event, Refusal, Task, TaskChange,
};
use crate::core::postmortem::{Act, Written, day_of};
use crate::core::schedule::instant;
use crate::core::time::Time;
use chrono::{NaiveDate, NaiveTime};
use chrono_tz::Tz;

/// What is left to do to the postmortem itself.
pub(super) struct Rest {
    /// The act as it is now; `None`: the journal has all of it.
    pub act: Option<Act>,
    /// The journal has changed.
    pub journaled: bool,
}

/// The hour at which a day's work is over.
const END_OF_WORK: u32 = 17;

impl Engine {
    /// Puts to the incident what an act changes of its tasks.
    pub(super) async fn in_journal(
        &self,
        id: IncidentId,
        written: &Written,
        act: Act,
        by: &Actor,
    ) -> Result<Rest, Failure> {
        let is_task = |item: u32| written.items.iter().any(|i| i.id == item && i.task);
        let by = by.clone();
        match act {
            Act::Item {
                id: None,
                what,
                owner,
                due,
                priority,
                link,
            } => {
                let add = ConductCommand::AddTask {
                    by,
                    text: what.clone(),
                    owner: owner.as_deref().map(|o| person(&self.directory(), o)),
                    due: due.map(|d| self.end_of(d)),
                    follow_up: true,
                    floor: written.last_item,
                };
                let done = self.put(id, add).await?;
                let act = Act::Item {
                    id: self.added(id, done.seq).await?,
                    what,
                    owner,
                    due,
                    priority,
                    link,
                };
                Ok(rest(Some(act), true))
            }
            Act::Item {
                id: Some(item),
                ref what,
                ref owner,
                due,
                ..
            } if is_task(item) => {
                let known = self.task(id, item).await?;
                let zone = self.directory().zone;
                let same_day = known.due.map(|at| day_of(at, zone)) == due;
                let change = TaskChange {
                    text: Some(what.clone()),
                    owner: Some(owner.as_deref().map(|o| person(&self.directory(), o))),
                    due: (!same_day).then(|| due.map(|d| self.end_of(d))),
                };
                let task = item;
                let change = ConductCommand::ChangeTask { by, task, change };
                match self.put(id, change).await {
                    // Only its priority or link is another one.
                    Ok(_) | Err(Failure::Refused(Refusal::NothingToDo { .. })) => {}
                    Err(failure) => return Err(failure),
                }
                Ok(rest(Some(act), true))
            }
            Act::Done { id: item, done } if is_task(item) => {
                let task = item;
                let finish = ConductCommand::FinishTask { by, task, done };
                match self.put(id, finish).await {
                    Ok(_) | Err(Failure::Refused(Refusal::NothingToDo { .. })) => {}
                    Err(failure) => return Err(failure),
                }
                Ok(rest(None, true))
            }
            Act::Drop { id: item } if is_task(item) => {
                let drop = ConductCommand::DropTask { by, task: item };
                self.put(id, drop).await?;
                Ok(rest(None, true))
            }
            other => Ok(rest(Some(other), false)),
        }
    }

    /// The number of the task an event added.
    async fn added(&self, id: IncidentId, seq: Seq) -> Result<Option<u32>, Failure> {
        let journal = self.store().journal(id).await?;
        let event = journal.into_iter().find(|r| r.seq == seq).map(|r| r.event);
        Ok(match event {
            Some(Event::Conduct(ConductEvent::TaskAdded { task, .. })) => Some(task),
            _ => None,
        })
    }

    async fn put(&self, id: IncidentId, command: ConductCommand) -> Result<Done, Failure> {
        // Each change of a postmortem is an act of its own.
        let cause = format!("postmortem:{}:{}", id.0, uuid::Uuid::new_v4());
        let command = Command::Conduct(command);
        self.submit(&cause, id, command).await
    }

    async fn task(&self, id: IncidentId, task: u32) -> Result<Task, Failure> {
        let incident = self.incident(id).await?.ok_or(Refusal::NoSuchIncident)?;
        let known = incident.conduct.tasks.get(&task).cloned();
        known.ok_or_else(|| {
            Failure::Refused(Refusal::Invalid {
                why: format!("There is no action item {task}."),
            })
        })
    }

    /// When the work of a day is over, on the configuration's clock.
    fn end_of(&self, day: NaiveDate) -> Time {
        let zone = self.directory().zone.unwrap_or(Tz::UTC);
        let clock = NaiveTime::from_hms_opt(END_OF_WORK, 0, 0).unwrap_or_default();
        instant(zone, day.and_time(clock))
    }
}

fn rest(act: Option<Act>, journaled: bool) -> Rest {
    Rest { act, journaled }
}
