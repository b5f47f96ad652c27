//! Leading an incident: roles, responders, checklists, tasks, decisions and reports.

use super::{Desk, Reply};
use crate::chat::grammar::{Conducting, Holder, Invocation, Owner};
use crate::chat::words;
use crate::core::id::{Actor, IncidentId};
use crate::core::incident::{Command, ConductCommand, Incident, TaskChange};
use crate::engine::person;

impl Desk<'_> {
    pub(super) async fn conduct(&self, id: IncidentId, what: Conducting) -> Reply {
        let by = self.who.clone();
        match what {
            Conducting::Roles
            | Conducting::Responders
            | Conducting::Brief
            | Conducting::Checklist
            | Conducting::Tasks { .. } => self.told_of(id, &what).await,
            Conducting::Role { role, who, ask } => self.role(id, role, who, ask).await,
            Conducting::Join { person } => {
                let who = self.whom(person);
                let said = format!("{} takes part in {id}.", who.name());
                self.command(id, ConductCommand::Join { by, who }, said)
                    .await
            }
            Conducting::Leave { person, to } => {
                let who = self.whom(person);
                let to = to.and_then(|o| self.owner(o));
                let said = leaving(id, &who, to.as_ref());
                let leave = ConductCommand::Leave { by, who, to };
                self.command(id, leave, said).await
            }
            Conducting::Tick { item, done } => {
                let tick = ConductCommand::Tick { by, item, done };
                let said = move |i: &Incident| {
                    let text = i.conduct.check(item).map_or("", |c| &c.item.text);
                    let how = if done { "Ticked" } else { "Open again" };
                    format!("{how}: {item} {text}")
                };
                self.act(id, Command::Conduct(tick), said).await
            }
            Conducting::Decision { text, happened_at } => {
                let said = format!("Written down as a decision of {id}.");
                let decide = ConductCommand::Decide {
                    by,
                    text,
                    happened_at,
                };
                self.command(id, decide, said).await
            }
            Conducting::Can {
                conditions,
                actions,
                needs,
            } => {
                let said = format!("Reported in {id}.");
                let report = ConductCommand::Report {
                    by,
                    conditions,
                    actions,
                    needs,
                };
                self.command(id, report, said).await
            }
            task => self.task(id, task).await,
        }
    }

    async fn task(&self, id: IncidentId, what: Conducting) -> Reply {
        let by = self.who.clone();
        let (task, command) = match what {
            Conducting::Task {
                text,
                owner,
                due,
                follow_up,
            } => {
                let floor = match self.engine.item_floor(id).await {
                    Ok(floor) => floor,
                    Err(failure) => return Reply::no(Some(id), failure.to_string()),
                };
                let add = ConductCommand::AddTask {
                    by,
                    text,
                    owner: owner.and_then(|o| self.owner(o)),
                    due,
                    follow_up,
                    floor,
                };
                (None, add)
            }
            Conducting::Done { task, done } => {
                (Some(task), ConductCommand::FinishTask { by, task, done })
            }
            Conducting::Give { task, owner } => {
                let owner = Some(self.owner(owner));
                let change = TaskChange {
                    owner,
                    ..TaskChange::default()
                };
                (Some(task), ConductCommand::ChangeTask { by, task, change })
            }
            Conducting::Due { task, due } => {
                let change = TaskChange {
                    due: Some(due),
                    ..TaskChange::default()
                };
                (Some(task), ConductCommand::ChangeTask { by, task, change })
            }
            Conducting::Drop { task } => {
                let said = format!("Task {task} is off the list of {id}.");
                let drop = ConductCommand::DropTask { by, task };
                return self.command(id, drop, said).await;
            }
            other => {
                return Reply::no(Some(id), format!("`{}` is about no task.", other.verb()));
            }
        };
        let zone = Some(self.zone());
        let said = move |i: &Incident| {
            let known = i.conduct.tasks.get(&task.unwrap_or(i.conduct.last_task));
            known.map_or_else(|| "Done.".to_owned(), |t| words::task_line(t, zone))
        };
        self.act(id, Command::Conduct(command), said).await
    }

    /// Carries out, and answers with a sentence.
    async fn command(&self, id: IncidentId, command: ConductCommand, said: String) -> Reply {
        self.act(id, Command::Conduct(command), move |_| said).await
    }

    async fn told_of(&self, id: IncidentId, what: &Conducting) -> Reply {
        let incident = match self.look(id).await {
            Ok(incident) => incident,
            Err(failure) => return Reply::no(Some(id), failure.to_string()),
        };
        let (i, directory, zone) = (incident.as_ref(), &self.directory, self.zone());
        let text = match what {
            Conducting::Roles => words::roles(i, directory),
            Conducting::Checklist => words::checklists(i, directory),
            Conducting::Tasks { mine, all } => {
                let only = mine.then_some(&self.who);
                words::tasks(i, only, *all, zone)
            }
            Conducting::Brief => match self.engine.store().journal(id).await {
                Ok(journal) => words::brief(i, &journal, directory, zone),
                Err(fault) => return super::unreadable(Some(id), &fault),
            },
            _ => words::responders(i, directory, zone),
        };
        Reply::yes(Some(id), text)
    }

    async fn role(&self, id: IncidentId, role: String, who: Holder, ask: bool) -> Reply {
        let by = self.who.clone();
        let name = self.directory.conduct.role_name(&role);
        let (command, said) = match who {
            Holder::Me => return self.take_role(id, &role).await,
            Holder::Person(person_id) => {
                let to = person(&self.directory, &person_id);
                let (whom, of) = (to.name().to_owned(), role.clone());
                let give = ConductCommand::GiveRole { by, role, to, ask };
                let said = move |i: &Incident| {
                    let asked = i.conduct.offers.get(&of);
                    if asked.is_some_and(|a| a.name() == whom) {
                        format!("{whom} is asked to be {name} of {}.", i.id)
                    } else {
                        format!("{whom} is {name} of {} and is told so.", i.id)
                    }
                };
                return self.act(id, Command::Conduct(give), said).await;
            }
            Holder::Nobody => (
                ConductCommand::ReleaseRole {
                    by,
                    role,
                    who: None,
                },
                format!(
                    "Nobody is {name} of {id} now. Please hand over what is open: `brief {id}`."
                ),
            ),
            Holder::Skip => (
                ConductCommand::WaiveRole { by, role },
                format!("Nobody has to be {name} of {id}, and nobody is reminded of it."),
            ),
            Holder::Accept => (
                ConductCommand::AnswerRole {
                    by,
                    role: role.clone(),
                    yes: true,
                },
                self.taken(id, &role),
            ),
            Holder::Decline => (
                ConductCommand::AnswerRole {
                    by,
                    role,
                    yes: false,
                },
                format!("You are not {name} of {id}."),
            ),
        };
        self.command(id, command, said).await
    }

    /// Whoever asks has the role; who was asked for it accepts.
    pub(super) async fn tick(&self, id: IncidentId, item: u32) -> Reply {
        let what = Conducting::Tick { item, done: true };
        self.carry_out(Invocation::Conduct { id, what }).await
    }

    pub(super) async fn take_role(&self, id: IncidentId, role: &str) -> Reply {
        let give = ConductCommand::GiveRole {
            by: self.who.clone(),
            role: role.to_owned(),
            to: self.who.clone(),
            ask: false,
        };
        self.command(id, give, self.taken(id, role)).await
    }

    /// What somebody has taken, and what to do first.
    fn taken(&self, id: IncidentId, role: &str) -> String {
        let name = self.directory.conduct.role_name(role);
        let brief = words::role_brief(role, &self.directory);
        let brief = brief.map_or(String::new(), |b| format!("\n{b}"));
        format!("You are {name} of {id}. `brief {id}` tells how it stands.{brief}")
    }

    /// Somebody of the directory, else whoever asks.
    fn whom(&self, id: Option<String>) -> Actor {
        id.map_or_else(|| self.who.clone(), |id| person(&self.directory, &id))
    }

    /// `None`: nobody.
    fn owner(&self, owner: Owner) -> Option<Actor> {
        match owner {
            Owner::Me => Some(self.who.clone()),
            Owner::Person(id) => Some(person(&self.directory, &id)),
            Owner::Nobody => None,
        }
    }
}

fn leaving(id: IncidentId, who: &Actor, to: Option<&Actor>) -> String {
    match to {
        Some(to) => format!(
            "{} left {id}; {} goes on with what they had.",
            who.name(),
            to.name()
        ),
        None => format!(
            "{} left {id}. Their roles and tasks are free: `role {id}` and `tasks {id}` list them.",
            who.name()
        ),
    }
}
