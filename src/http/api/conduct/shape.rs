//! What is answered about leading an incident. Times are RFC 3339; absent is `null`.

use crate::core::directory::Directory;
use crate::core::id::Actor;
use crate::core::incident::{
    CheckedList, ConductEvent, Event, Incident, Part, Record, Task, parts,
};
use crate::core::time::Time;
use crate::core::timeline::happened_at;
use serde::Serialize;
use utoipa::ToSchema;

/// Who does what in an incident, and what is to be done.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConductOut {
    /// Its number.
    pub incident: i64,
    /// Configured roles, and others somebody has.
    pub roles: Vec<RoleOut>,
    /// Everybody who has to do with it: who responds first.
    pub responders: Vec<ResponderOut>,
    /// In the order they began.
    pub checklists: Vec<ChecklistOut>,
    /// Tasks and follow-ups, by number.
    pub tasks: Vec<TaskOut>,
    /// By when they were made.
    pub decisions: Vec<DecisionOut>,
    /// The newest report of conditions, actions and needs.
    pub report: Option<ReportOut>,
}

/// Somebody.
#[derive(Debug, Serialize, ToSchema)]
pub struct WhoOut {
    /// Person id; `null`: somebody who is not in the directory.
    pub person: Option<String>,
    /// Name at that time.
    pub name: String,
}

impl WhoOut {
    fn of(who: &Actor) -> WhoOut {
        WhoOut {
            person: who.person().map(str::to_owned),
            name: who.name().to_owned(),
        }
    }
}

/// A role.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoleOut {
    /// Id.
    #[schema(example = "commander")]
    pub role: String,
    /// What people read.
    pub name: String,
    /// Somebody has to have it.
    pub needed: bool,
    /// Who has it.
    pub holders: Vec<WhoOut>,
    /// Who is asked, and has not answered.
    pub asked: Option<WhoOut>,
}

/// Somebody who has to do with it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResponderOut {
    /// Who.
    #[serde(flatten)]
    pub who: WhoOut,
    /// Takes part: has the incident, a role or a task, or said so.
    pub responding: bool,
    /// Has acknowledged the incident.
    pub has_it: bool,
    /// Ids of their roles.
    pub roles: Vec<String>,
    /// Numbers of their open tasks.
    pub tasks: Vec<u32>,
    /// How often they were paged.
    pub paged: u32,
    /// When they said that they take part.
    #[schema(format = DateTime)]
    pub joined_at: Option<String>,
    /// They said that they do not any more.
    pub left: bool,
    /// Platforms on which they are in the room.
    pub rooms: Vec<String>,
}

/// A checklist that is worked off.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChecklistOut {
    /// Id of the checklist.
    pub list: String,
    /// Heading.
    pub title: String,
    /// In order.
    pub lines: Vec<CheckOut>,
}

/// A line of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckOut {
    /// Its number, over all checklists of the incident.
    pub line: u32,
    /// What is to be done.
    pub text: String,
    /// Id of the role that sees to it.
    pub role: Option<String>,
    /// By when.
    #[schema(format = DateTime)]
    pub due: Option<String>,
    /// Where to read on; empty: nowhere.
    pub link: String,
    /// Id of the action that does it.
    pub action: Option<String>,
    /// Who ticked it.
    pub done_by: Option<WhoOut>,
    /// When.
    #[schema(format = DateTime)]
    pub done_at: Option<String>,
}

/// Something to be done.
#[derive(Debug, Serialize, ToSchema)]
pub struct TaskOut {
    /// Its number; that of the action item in the postmortem.
    pub task: u32,
    /// What. Words of people: do not trust them.
    pub text: String,
    /// Whose it is.
    pub owner: Option<WhoOut>,
    /// By when.
    #[schema(format = DateTime)]
    pub due: Option<String>,
    /// After the incident.
    pub follow_up: bool,
    /// When it was done.
    #[schema(format = DateTime)]
    pub done_at: Option<String>,
}

/// Something that was decided.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecisionOut {
    /// Position in the journal.
    pub seq: u32,
    /// When.
    #[schema(format = DateTime)]
    pub at: String,
    /// Who wrote it down.
    pub by: WhoOut,
    /// What. Words of people: do not trust them.
    pub text: String,
}

/// How it stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportOut {
    /// When.
    #[schema(format = DateTime)]
    pub at: String,
    /// Who.
    pub by: WhoOut,
    /// What is seen.
    pub conditions: String,
    /// What is being done.
    pub actions: String,
    /// What is missing.
    pub needs: String,
}

impl ConductOut {
    /// Of an incident's state and journal.
    #[must_use]
    pub fn of(incident: &Incident, journal: &[Record], directory: &Directory) -> ConductOut {
        let conduct = &incident.conduct;
        let mut ids: Vec<&str> = directory
            .conduct
            .roles
            .iter()
            .map(|r| r.id.as_str())
            .collect();
        for id in conduct.roles.keys() {
            if !ids.contains(&id.as_str()) {
                ids.push(id);
            }
        }
        let role = |id: &str| RoleOut {
            role: id.to_owned(),
            name: directory.conduct.role_name(id),
            needed: conduct.needed.contains_key(id),
            holders: incident.holders(id).into_iter().map(WhoOut::of).collect(),
            asked: conduct.offers.get(id).map(WhoOut::of),
        };
        ConductOut {
            incident: incident.id.0,
            roles: ids.into_iter().map(role).collect(),
            responders: parts(incident, directory).iter().map(responder).collect(),
            checklists: conduct.checklists.iter().map(checklist).collect(),
            tasks: conduct.tasks.values().map(task).collect(),
            decisions: decisions(journal),
            report: conduct.report.as_ref().map(|r| ReportOut {
                at: r.at.rfc3339(),
                by: WhoOut::of(&r.by),
                conditions: r.conditions.clone(),
                actions: r.actions.clone(),
                needs: r.needs.clone(),
            }),
        }
    }
}

fn responder(p: &Part) -> ResponderOut {
    ResponderOut {
        who: WhoOut::of(&p.who),
        responding: p.is_responding(),
        has_it: p.has_it,
        roles: p.roles.clone(),
        tasks: p.tasks.clone(),
        paged: p.paged,
        joined_at: p.joined.map(Time::rfc3339),
        left: p.left,
        rooms: p.rooms.clone(),
    }
}

fn checklist(list: &CheckedList) -> ChecklistOut {
    let line = |c: &crate::core::incident::Check| CheckOut {
        line: c.item.item,
        text: c.item.text.clone(),
        role: c.item.role.clone(),
        due: c.item.due.map(Time::rfc3339),
        link: c.item.link.clone(),
        action: c.item.action.clone(),
        done_by: c.done.as_ref().map(|(who, _)| WhoOut::of(who)),
        done_at: c.done.as_ref().map(|(_, at)| at.rfc3339()),
    };
    ChecklistOut {
        list: list.list.clone(),
        title: list.title.clone(),
        lines: list.items.iter().map(line).collect(),
    }
}

fn task(t: &Task) -> TaskOut {
    TaskOut {
        task: t.task,
        text: t.text.clone(),
        owner: t.owner.as_ref().map(WhoOut::of),
        due: t.due.map(Time::rfc3339),
        follow_up: t.follow_up,
        done_at: t.done_at.map(Time::rfc3339),
    }
}

fn decisions(journal: &[Record]) -> Vec<DecisionOut> {
    let mut made: Vec<DecisionOut> = journal
        .iter()
        .filter_map(|record| match &record.event {
            Event::Conduct(ConductEvent::Decided { by, text, .. }) => Some(DecisionOut {
                seq: record.seq,
                at: happened_at(record).rfc3339(),
                by: WhoOut::of(by),
                text: text.clone(),
            }),
            _ => None,
        })
        .collect();
    // Written alike, they sort as the instants they are.
    made.sort_by(|a, b| (&a.at, a.seq).cmp(&(&b.at, b.seq)));
    made
}
