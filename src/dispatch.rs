//! From a line or a button to the engine, and the answer in words.
//!
//! A verb and its button mean the same because they are the same code.
//! Platforms call it after they have answered their own three seconds; nothing here blocks on one.
//! A cause makes every act idempotent: the same cause again gives the same answer.

mod automation;
mod conduct;
mod contact;
mod covers;
mod hands;
mod hush;
mod insight;
mod link;
mod oncall;
mod open;
mod paper;
mod reply;
mod rooms;
mod runs;
mod shape;
mod tell;

pub use hush::{held, id_of};
pub use reply::{At, Reply};

use crate::chat::grammar::{self, Context, Invocation, Listed, Rooming, Whom};
use crate::chat::surface::tree;
use crate::chat::{Press, words};
use crate::core::directory::{Directory, Target};
use crate::core::explain::explain;
use crate::core::id::{Actor, IncidentId, RunId, Seq, Severity};
use crate::core::incident::{Ask, Command, Incident, Refusal};
use crate::core::sight::Sight;
use crate::core::time::Time;
use crate::engine::{Counter, Done, Engine, Failure, person};
use crate::store::{IncidentQuery, StoreFault};
use chrono_tz::Tz;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Incidents an answer lists; the console has the rest.
const LISTED: i64 = 20;

/// Carries a line out. `here` is the incident whose room it was written in; `cause` is unique per line.
pub async fn perform(
    engine: &Engine,
    who: Actor,
    platform: &str,
    here: Option<IncidentId>,
    text: &str,
    cause: &str,
) -> Reply {
    perform_at(engine, who, (platform, here).into(), text, cause).await
}

/// The same, for who can be answered in a channel as well.
pub async fn perform_at(engine: &Engine, who: Actor, at: At<'_>, text: &str, cause: &str) -> Reply {
    let here = at.here;
    let desk = Desk::of(engine, who, at.platform, cause);
    let directory = desk.directory.clone();
    let context = Context {
        directory: &directory,
        now: desk.now,
        zone: desk.zone(),
        here,
    };
    let desk = desk.at(here).room(at.room);
    match grammar::parse(text, &context) {
        Ok(invocation) => desk.carry_out(invocation).await,
        Err(usage) => Reply::no(here, usage.to_string()),
    }
}

/// Carries out what a form of the console has already put together.
pub async fn invoke(
    engine: &Engine,
    who: Actor,
    platform: &str,
    invocation: Invocation,
    cause: &str,
) -> Reply {
    Desk::of(engine, who, platform, cause)
        .carry_out(invocation)
        .await
}

/// The same for what a chat platform brought, with where it came from.
pub async fn invoke_here(
    engine: &Engine,
    who: Actor,
    at: impl Into<At<'_>>,
    invocation: Invocation,
    cause: &str,
) -> Reply {
    let at = at.into();
    let desk = Desk::of(engine, who, at.platform, cause).at(at.here);
    let desk = desk.room(at.room);
    desk.carry_out(invocation).await
}

/// Carries a button out: the same as its verb. `as_of` is the state the button was drawn at.
pub async fn press(
    engine: &Engine,
    who: Actor,
    platform: &str,
    id: IncidentId,
    press: &Press,
    as_of: Seq,
    cause: &str,
) -> Reply {
    press_here(engine, who, (platform, None), id, (press, as_of), cause).await
}

/// The same for a button of a chat platform: `here` is the incident whose room it stands in.
pub async fn press_here(
    engine: &Engine,
    who: Actor,
    (platform, here): (&str, Option<IncidentId>),
    id: IncidentId,
    (press, as_of): (&Press, Seq),
    cause: &str,
) -> Reply {
    let desk = Desk::of(engine, who, platform, cause).at(here);
    if let Err(failure) = desk.visible(id).await {
        return Reply::no(None, failure.to_string());
    }
    let invocation = match press {
        Press::Acknowledge => Invocation::Acknowledge { id },
        Press::Resolve => Invocation::Resolve { id },
        Press::Escalate => return desk.escalate(id, Some(as_of)).await,
        Press::Snooze { ms } => {
            return desk.snooze(id, desk.now.plus_ms(*ms), Some(as_of)).await;
        }
        Press::Unacknowledge => Invocation::Unacknowledge { id },
        Press::Reopen => Invocation::Reopen { id },
        Press::Promote => Invocation::Promote { id },
        Press::ResolveParts => return desk.resolve_parts(id).await,
        Press::Lead => Invocation::Lead { id, person: None },
        Press::Follow => Invocation::Follow { id },
        Press::AskRun { action } => Invocation::Run {
            id,
            action: action.clone(),
            args: BTreeMap::new(),
            ask: Ask::default(),
        },
        Press::RunNow { action } => return desk.run_now(id, action).await,
        Press::DryRun { action } => Invocation::Run {
            id,
            action: action.clone(),
            args: BTreeMap::new(),
            ask: Ask {
                dry: true,
                ..Ask::default()
            },
        },
        Press::Check { run } => Invocation::Check {
            id,
            run: Some(*run),
        },
        Press::Undo { run } => Invocation::Undo {
            id,
            run: Some(*run),
        },
        Press::Approve { run, seen } => {
            let seen = Some(seen.clone()).filter(|s| !s.is_empty());
            return desk.approve(id, Some(*run), seen).await;
        }
        Press::Reject { run } => Invocation::Reject {
            id,
            run: Some(*run),
        },
        Press::Cancel { run } => Invocation::Stop {
            id,
            run: Some(*run),
        },
        Press::Settle { run, good } => Invocation::Settle {
            id,
            run: Some(*run),
            good: *good,
            note: String::new(),
        },
        Press::Postmortem => Invocation::Postmortem { id },
        Press::Tick { item } => return desk.tick(id, *item).await,
        Press::Role { role } => return desk.take_role(id, role).await,
        Press::Ask { verb } => {
            let how = tree().find(verb).map_or("", |leaf| &leaf.example);
            return Reply::yes(Some(id), format!("Write `{how}`."));
        }
        Press::RetryRooms => Invocation::Room {
            id,
            what: Rooming::Retry,
        },
        Press::Update => {
            let how = format!("Write `update {id} how it stands`.");
            return Reply::yes(Some(id), how);
        }
        // A platform opens its form before it comes here; this is for one that cannot.
        Press::Silence => {
            let how = "Write `silence alertname=Disk 2h why`, with the labels it is about.";
            return Reply::yes(Some(id), how.to_owned());
        }
        Press::Note => {
            return Reply::yes(Some(id), format!("Write `note {id} what happened`."));
        }
    };
    desk.carry_out(invocation).await
}

/// One act: who asks for it, where and when.
struct Desk<'a> {
    engine: &'a Engine,
    directory: Arc<Directory>,
    who: Actor,
    platform: &'a str,
    cause: &'a str,
    now: Time,
    /// The incident whose room it happens in: whoever is in there sees it.
    here: Option<IncidentId>,
    /// The platform's id of where it happens; empty: nowhere that can be told anything.
    room: &'a str,
}

impl<'a> Desk<'a> {
    fn of(engine: &'a Engine, who: Actor, platform: &'a str, cause: &'a str) -> Desk<'a> {
        Desk {
            engine,
            directory: engine.directory(),
            who,
            platform,
            cause,
            now: engine.now(),
            here: None,
            room: "",
        }
    }

    fn room(self, room: &'a str) -> Desk<'a> {
        Desk { room, ..self }
    }

    fn at(self, here: Option<IncidentId>) -> Desk<'a> {
        Desk { here, ..self }
    }

    /// What the asker may see.
    fn sight(&self) -> Sight {
        Sight::of(&self.who, &self.directory)
    }

    /// An incident the asker may not see is none.
    async fn visible(&self, id: IncidentId) -> Result<(), Failure> {
        match self.engine.incident(id).await? {
            Some(found) if !self.sight().sees(&found) && self.here != Some(id) => {
                Err(Failure::Refused(Refusal::NoSuchIncident))
            }
            _ => Ok(()),
        }
    }

    /// The asker's zone, else the configuration's.
    fn zone(&self) -> Tz {
        self.who
            .person()
            .and_then(|id| self.directory.people.get(id))
            .map(|p| p.zone)
            .or(self.directory.zone)
            .unwrap_or(Tz::UTC)
    }

    async fn carry_out(&self, invocation: Invocation) -> Reply {
        let reply = self.carried(invocation).await;
        self.discreet(reply).await
    }

    /// What is for a private incident is said aloud in its own room alone.
    async fn discreet(&self, reply: Reply) -> Reply {
        let Some(id) = reply
            .incident
            .filter(|id| reply.room && self.here != Some(*id))
        else {
            return reply;
        };
        let found = self.engine.incident(id).await;
        // Whoever cannot be asked is taken to be private.
        let private = !matches!(found, Ok(Some(i)) if !i.nature.private);
        Reply {
            room: !private,
            ..reply
        }
    }

    /// The answer when it is about an incident the asker may not see: that there is none.
    async fn not_for_them(&self, invocation: &Invocation) -> Option<Reply> {
        for id in invocation.incidents() {
            match self.visible(id).await {
                Ok(()) => {}
                // As these answer when there is none.
                Err(Failure::Refused(_))
                    if matches!(invocation.verb(), "explain" | "postmortem") =>
                {
                    return Some(Reply::no(Some(id), format!("There is no incident {id}.")));
                }
                Err(failure) => return Some(Reply::no(Some(id), failure.to_string())),
            }
        }
        None
    }

    async fn carried(&self, invocation: Invocation) -> Reply {
        if let Some(none) = self.not_for_them(&invocation).await {
            return none;
        }
        let by = self.who.clone();
        match invocation {
            Invocation::New(said) => self.declare(said).await,
            Invocation::Page { id, whom, message } => self.page(id, whom, message).await,
            Invocation::OnCall { whom, at } => self.on_call(whom.as_ref(), at),
            Invocation::Shifts { person } => self.shifts(person),
            Invocation::Cover {
                wish,
                schedule,
                since,
                until,
                note,
            } => self.cover(wish, schedule, (since, until), note).await,
            Invocation::AnswerCover { cover, answer } => self.answer_cover(cover, answer).await,
            Invocation::Covers => self.covers(),
            Invocation::Fairness { schedule, from, to } => {
                self.fairness(schedule.as_deref(), (from, to)).await
            }
            Invocation::Analytics { asked } => self.analytics(&asked).await,
            Invocation::Changes { service } => self.changes(service).await,
            Invocation::Summary { id, what } => self.summary(id, what).await,
            Invocation::Acknowledge { id } => {
                let said = |i: &Incident| format!("{} is yours; paging stopped.", i.id);
                self.act(id, Command::Acknowledge { by }, said).await
            }
            Invocation::Resolve { id } => {
                self.act(id, Command::Resolve { by }, words::resolved).await
            }
            Invocation::Snooze { id, until } => self.snooze(id, until, None).await,
            Invocation::Unacknowledge { id } => self.unacknowledge(id).await,
            Invocation::Reopen { id } => self.reopen(id).await,
            Invocation::Reassign { id, target } => self.reassign(id, target).await,
            Invocation::Merge { from, into } => self.merge(from, into).await,
            Invocation::Bulk { verb, ids, note } => self.bulk(verb, ids, &note).await,
            Invocation::Silence {
                service,
                matchers,
                until,
                comment,
            } => self.silence(service, &matchers, until, comment).await,
            Invocation::Maintenance {
                service,
                from,
                until,
                comment,
            } => self.maintenance(service, from, until, comment).await,
            Invocation::Silences { all } => self.silences(all).await,
            Invocation::Unsilence { id } => self.unsilence(&id).await,
            Invocation::SetSeverity { id, to } => self.set_severity(id, to).await,
            Invocation::Lead { id, person: whom } => {
                let lead = whom.map_or(by.clone(), |id| person(&self.directory, &id));
                let name = lead.name().to_owned();
                let said = |i: &Incident| format!("{name} leads {}.", i.id);
                self.act(id, Command::Lead { by, lead }, said).await
            }
            Invocation::Note {
                id,
                text,
                happened_at,
            } => self.note(id, text, happened_at).await,
            act @ (Invocation::Update { .. }
            | Invocation::Status { .. }
            | Invocation::Publish { .. }
            | Invocation::Cadence { .. }
            | Invocation::Subscribe { .. }
            | Invocation::Unsubscribe { .. }) => self.about_others(act).await,
            Invocation::Promote { id } => {
                let said = |i: &Incident| format!("{} is major now and gets a room.", i.id);
                self.act(id, Command::Promote { by }, said).await
            }
            Invocation::Conduct { id, what } => self.conduct(id, what).await,
            Invocation::Room { id, what } => self.rooming(id, what).await,
            Invocation::Explain { id } => self.explain(id).await,
            Invocation::Follow { id } => self.follow(id).await,
            Invocation::Undo { id, run } => self.undo(id, run).await,
            Invocation::Automation { on, action, why } => self.automation(on, action, why).await,
            act @ (Invocation::Run { .. }
            | Invocation::Approve { .. }
            | Invocation::Reject { .. }
            | Invocation::Stop { .. }
            | Invocation::Check { .. }
            | Invocation::Settle { .. }) => self.about_a_run(act).await,
            Invocation::Postmortem { id } => self.postmortem(id).await,
            Invocation::List { which } => self.list(which).await,
            Invocation::Link { code, confirmed } => self.link(code, confirmed).await,
            Invocation::Verify { contact, code } => self.verify(contact, code).await,
            Invocation::Help { verb } => helped(verb.as_deref()),
            shape => self.shape(shape).await,
        }
    }

    async fn set_severity(&self, id: IncidentId, to: Severity) -> Reply {
        let name = self.directory.severity_name(to);
        let by = self.who.clone();
        let said = |i: &Incident| format!("{} is {name} now.", i.id);
        self.act(id, Command::SetSeverity { by, to }, said).await
    }

    /// Submits, and answers in words about the incident as it is after it.
    async fn act(
        &self,
        id: IncidentId,
        command: Command,
        said: impl FnOnce(&Incident) -> String,
    ) -> Reply {
        match self.submit(self.cause, id, command).await {
            Ok((_, incident)) => Reply::yes(Some(id), said(&incident)),
            Err(failure) => Reply::no(Some(id), self.with_holder(&failure)),
        }
    }

    async fn submit(
        &self,
        cause: &str,
        id: IncidentId,
        command: Command,
    ) -> Result<(Done, Arc<Incident>), Failure> {
        let done = self.engine.submit(cause, id, command).await?;
        let incident = self.look(done.incident).await?;
        Ok((done, incident))
    }

    async fn look(&self, id: IncidentId) -> Result<Arc<Incident>, Failure> {
        let found = self.engine.incident(id).await?;
        found.ok_or(Failure::Refused(Refusal::NoSuchIncident))
    }

    /// A number for a run that is asked for; one that is refused leaves a gap.
    fn next_run(&self) -> RunId {
        RunId(self.engine.next_id(Counter::Run))
    }

    async fn escalate(&self, id: IncidentId, as_of: Option<Seq>) -> Reply {
        let command = Command::Escalate {
            by: self.who.clone(),
            as_of,
        };
        let directory = self.directory.clone();
        let said = |i: &Incident| words::paged(i, &directory, "the next step");
        self.act(id, command, said).await
    }

    async fn page(&self, id: Option<IncidentId>, whom: Option<Whom>, message: String) -> Reply {
        match (id, whom) {
            (_, Some(Whom::Me)) => self.test_page().await,
            (Some(id), None) => self.escalate(id, None).await,
            (Some(id), Some(whom)) => self.page_in(id, &whom, &message).await,
            (None, Some(whom)) => self.page_anew(&whom, &message).await,
            (None, None) => Reply::no(None, "Say whom to page.".to_owned()),
        }
    }

    /// Pages for an incident that is there.
    async fn page_in(&self, id: IncidentId, whom: &Whom, message: &str) -> Reply {
        let mut last = None;
        for (n, target) in self.targets(whom).into_iter().enumerate() {
            let cause = match n {
                0 => self.cause.to_owned(),
                n => format!("{}:{n}", self.cause),
            };
            let command = Command::Page {
                by: self.who.clone(),
                target,
                message: message.to_owned(),
            };
            match self.submit(&cause, id, command).await {
                Ok((_, incident)) => last = Some(incident),
                Err(failure) => return Reply::no(Some(id), failure.to_string()),
            }
        }
        let name = open::name(whom);
        match last {
            Some(incident) => {
                Reply::yes(Some(id), words::paged(&incident, &self.directory, &name)).aloud()
            }
            None => Reply::no(Some(id), format!("{name} names nobody who could be paged.")),
        }
    }

    /// Whom a page for these words goes to: of a service, the first step of its policy.
    fn targets(&self, whom: &Whom) -> Vec<Target> {
        match whom {
            Whom::Target(target) => vec![target.clone()],
            Whom::Me => Vec::new(),
            Whom::Service(id) => {
                let policy = grammar::policy(&self.directory, id);
                match policy.and_then(|p| p.rungs.first()) {
                    Some(rung) => rung.targets.clone(),
                    None => {
                        let service = self.directory.services.get(id);
                        service
                            .map(|s| Target::Team(s.team.clone()))
                            .into_iter()
                            .collect()
                    }
                }
            }
        }
    }

    async fn follow(&self, id: IncidentId) -> Reply {
        let command = Command::AdoptPolicy {
            by: self.who.clone(),
        };
        let said = |i: &Incident| {
            let policy = &i.ladder.policy;
            format!("{} follows the policy {policy} as it is now.", i.id)
        };
        self.act(id, command, said).await
    }

    async fn explain(&self, id: IncidentId) -> Reply {
        let journal = match self.engine.store().journal(id).await {
            Ok(journal) => journal,
            Err(fault) => return unreadable(Some(id), &fault),
        };
        if journal.is_empty() {
            return Reply::no(Some(id), format!("There is no incident {id}."));
        }
        let incident = Incident::replay(id, &journal);
        let told = explain(&incident, &journal, &self.directory, self.now);
        Reply::yes(Some(id), told.text(Some(self.zone())))
    }

    async fn list(&self, which: Listed) -> Reply {
        let open = which == Listed::Open;
        let query = IncidentQuery {
            status: if open {
                "open".to_owned()
            } else {
                String::new()
            },
            drill: (which == Listed::Drills).then_some(true),
            sight: self.sight(),
            limit: LISTED,
            ..IncidentQuery::default()
        };
        match self.engine.store().incidents(&query).await {
            Ok((rows, total)) => {
                Reply::yes(None, words::list(&rows, total, which, &self.directory))
            }
            Err(fault) => unreadable(None, &fault),
        }
    }
}

fn unreadable(id: Option<IncidentId>, fault: &StoreFault) -> Reply {
    Reply::no(
        id,
        format!("firebell cannot read this right now: {fault}. Try again."),
    )
}

fn helped(verb: Option<&str>) -> Reply {
    let leaf = verb.and_then(|v| tree().find(v));
    let text = leaf.map_or_else(|| words::help(tree()), words::help_verb);
    Reply::yes(None, text)
}
