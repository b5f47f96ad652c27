//! Who does what, and what is to be done.

use super::*;
use crate::core::directory::{
    COMMANDER, Checklist, ChecklistItem, ConductRules, IncidentRole, RoleNeed,
};
use std::sync::Arc;

fn actor(id: &str) -> Actor {
    let name = match id {
        "ana" => "Ana",
        "bo" => "Bo",
        _ => "Cy",
    };
    Actor::Person {
        id: id.to_owned(),
        name: name.to_owned(),
    }
}

fn command(command: ConductCommand) -> Command {
    Command::Conduct(command)
}

fn role(by: &str, role: &str, to: &str) -> Command {
    command(ConductCommand::GiveRole {
        by: actor(by),
        role: role.to_owned(),
        to: actor(to),
        ask: false,
    })
}

fn task(text: &str, owner: Option<&str>, due: Option<Time>) -> Command {
    command(ConductCommand::AddTask {
        by: actor("ana"),
        text: text.to_owned(),
        owner: owner.map(actor),
        due,
        follow_up: false,
        floor: 0,
    })
}

fn promote() -> Command {
    Command::Promote { by: actor("ana") }
}

/// Shipped roles and one checklist of two lines, the first due after five minutes.
fn rules() -> ConductRules {
    let item = |text: &str, due_ms| ChecklistItem {
        text: text.to_owned(),
        due_ms,
        ..ChecklistItem::default()
    };
    let mut rules = ConductRules::shipped();
    rules.checklists.push(Arc::new(Checklist {
        id: "major".to_owned(),
        title: "Major incident".to_owned(),
        items: vec![
            item("Name a commander", Some(300_000)),
            item("Look at the dashboard", None),
        ],
        ..Checklist::default()
    }));
    rules
}

/// A minor incident of Bo's ladder that Ana has acknowledged, under these rules.
fn under(rules: ConductRules) -> Life {
    let mut life = Life::new();
    life.directory.conduct = Arc::new(rules);
    life.tell(Command::Open(Box::new(open_as(Some(ladder(
        &[person("bo")],
        0,
    ))))));
    life.tell(Command::Acknowledge { by: actor("ana") });
    life
}

fn told(life: &Life) -> Vec<String> {
    let each = life.effects.iter().filter_map(|e| match e {
        Effect::Tell { person } => Some(person.clone()),
        _ => None,
    });
    each.collect()
}

fn sentence(life: &Life) -> String {
    let last = life.journal.last().unwrap();
    crate::core::timeline::sentence(&last.event, &crate::core::timeline::Names::default())
}

#[test]
fn an_incident_that_becomes_major_asks_for_a_commander_and_reminds_the_room_once() {
    let mut life = under(ConductRules::shipped());
    assert_eq!(life.tell(promote()), ["promoted", "roles_needed"]);
    assert_eq!(
        life.incident.vacant().map(|(r, _)| r).collect::<Vec<_>>(),
        [COMMANDER]
    );
    life.now = life.now.plus_ms(9 * 60_000);
    assert_eq!(life.try_tell(Command::Wake), Err(Refusal::NotYet));
    assert_eq!(life.wait_until_due(), ["role_vacant"]);
    assert!(
        sentence(&life).contains("Nobody has been Commander for 10m."),
        "{}",
        sentence(&life)
    );
    assert!(life.effects.contains(&Effect::Say { to: Place::Room }));
    assert_eq!(wake_at(&life.incident), None, "told once");
}

#[test]
fn a_commander_who_is_there_in_time_is_never_reminded_of() {
    let mut life = under(ConductRules::shipped());
    life.tell(promote());
    let lead = Command::Lead {
        by: actor("bo"),
        lead: actor("bo"),
    };
    assert_eq!(life.tell(lead), ["lead_changed"]);
    assert_eq!(wake_at(&life.incident), None);
    // Whoever lets go starts the clock again.
    let release = command(ConductCommand::ReleaseRole {
        by: actor("bo"),
        role: COMMANDER.to_owned(),
        who: None,
    });
    assert_eq!(life.tell(release), ["role_released"]);
    assert_eq!(life.incident.lead, None);
    assert_eq!(wake_at(&life.incident), Some(life.now.plus_ms(600_000)));
    let skip = command(ConductCommand::WaiveRole {
        by: actor("ana"),
        role: COMMANDER.to_owned(),
    });
    life.tell(skip);
    assert_eq!(wake_at(&life.incident), None, "nobody has to");
}

#[test]
fn nobody_is_reminded_while_a_silence_covers_it() {
    let mut life = under(ConductRules::shipped());
    life.tell(promote());
    let until = life.now.plus_secs(3600);
    life.tell(Command::Mute {
        silence: "s".to_owned(),
        words: "s (deploy)".to_owned(),
        until,
    });
    assert_eq!(wake_at(&life.incident), Some(until));
    assert!(life.wait_until_due().contains(&"role_vacant"));
}

#[test]
fn a_commander_comes_from_the_schedule_and_is_paged_and_told() {
    let mut rules = ConductRules::shipped();
    let commander = Arc::make_mut(&mut rules.roles[0]);
    commander.from = Some(Target::Schedule("web".to_owned()));
    let mut life = under(rules);
    life.incident.paged = crate::core::few::FewBy::default();
    let on_call = life.directory.schedules["web"].on_call(NOON).people[0].clone();
    let events = life.tell(promote());
    assert_eq!(
        events,
        ["promoted", "roles_needed", "lead_changed", "paged"]
    );
    assert_eq!(
        life.incident.lead.as_ref().unwrap().person(),
        Some(&*on_call)
    );
    assert_eq!(life.paged(), std::slice::from_ref(&on_call));
    assert_eq!(told(&life), [on_call]);
    let Event::Paged { why, next_due, .. } = &life.journal.last().unwrap().event else {
        panic!("{:?}", life.journal.last())
    };
    assert!(why.contains("is Commander of this incident"), "{why}");
    assert_eq!(*next_due, None, "the ladder's deadline is its own");
    assert_eq!(life.incident.status, Status::Acknowledged);
}

#[test]
fn whoever_declares_leads_until_somebody_is_on_duty_for_that() {
    let declared = |rules: ConductRules| {
        let mut life = Life::new();
        life.directory.conduct = Arc::new(rules);
        let mut open = open_as(None);
        open.origin = Origin::Declared { by: actor("cy") };
        open.major = true;
        open.alerts.clear();
        life.tell(Command::Open(Box::new(open)));
        life
    };
    let life = declared(ConductRules::shipped());
    assert_eq!(life.incident.lead, Some(actor("cy")));
    assert_eq!(wake_at(&life.incident), None, "somebody leads");
    let mut rules = ConductRules::shipped();
    Arc::make_mut(&mut rules.roles[0]).from = Some(Target::Person("bo".to_owned()));
    let life = declared(rules);
    assert_eq!(life.incident.lead, Some(actor("bo")));
    let last = life
        .journal
        .iter()
        .find(|r| r.event.kind() == "lead_changed");
    let Some(Event::LeadChanged { by, from, .. }) = last.map(|r| &r.event) else {
        panic!("nobody took it over")
    };
    assert_eq!((by, from), (&Actor::Firebell, &Some(actor("cy"))));
}

#[test]
fn a_schedule_without_anybody_says_so() {
    let mut rules = ConductRules::shipped();
    Arc::make_mut(&mut rules.roles[0]).from = Some(Target::Schedule("gone".to_owned()));
    let mut life = under(rules);
    assert_eq!(life.tell(promote()), ["promoted", "roles_needed"]);
    assert!(
        sentence(&life).contains("there is no schedule gone"),
        "{}",
        sentence(&life)
    );
}

#[test]
fn a_role_changes_hands_and_both_are_told() {
    let mut life = under(ConductRules::shipped());
    assert_eq!(life.tell(role("ana", "scribe", "bo")), ["role_given"]);
    assert_eq!(told(&life), ["bo"]);
    assert_eq!(life.tell(role("ana", "scribe", "cy")), ["role_given"]);
    assert_eq!(told(&life), ["bo", "cy"]);
    assert_eq!(life.incident.holders("scribe"), [&actor("cy")]);
    assert!(life.incident.crew.contains("cy"));
    let again = life.try_tell(role("ana", "scribe", "cy")).unwrap_err();
    assert_eq!(again.to_string(), "Cy already is Scribe.");
    let unknown = life.try_tell(role("ana", "barista", "cy")).unwrap_err();
    assert!(unknown.to_string().contains("`scribe`"), "{unknown}");
    let program = command(ConductCommand::GiveRole {
        by: actor("ana"),
        role: "scribe".to_owned(),
        to: Actor::Token {
            name: "ci".to_owned(),
        },
        ask: false,
    });
    assert!(matches!(
        life.try_tell(program),
        Err(Refusal::Invalid { .. })
    ));
}

#[test]
fn a_role_of_many_keeps_everybody() {
    let mut rules = ConductRules::shipped();
    rules.roles.push(Arc::new(IncidentRole {
        many: true,
        ..IncidentRole::named("expert", "Expert", "", &[])
    }));
    let mut life = under(rules);
    life.tell(role("ana", "expert", "bo"));
    life.tell(role("ana", "expert", "cy"));
    assert_eq!(life.incident.holders("expert").len(), 2);
}

#[test]
fn who_has_to_agree_has_the_role_only_then() {
    let mut rules = ConductRules::shipped();
    Arc::make_mut(&mut rules.roles[1]).accept = true;
    let mut life = under(rules);
    let communications = "communications";
    assert_eq!(
        life.tell(role("ana", communications, "bo")),
        ["role_offered"]
    );
    assert!(life.incident.holders(communications).is_empty());
    let answer = |by: &str, yes| {
        command(ConductCommand::AnswerRole {
            by: actor(by),
            role: communications.to_owned(),
            yes,
        })
    };
    assert!(matches!(
        life.try_tell(answer("cy", true)),
        Err(Refusal::Forbidden { .. })
    ));
    assert_eq!(life.tell(answer("bo", false)), ["role_declined"]);
    assert!(
        life.try_tell(answer("bo", true)).is_err(),
        "nobody asks any more"
    );
    life.tell(role("ana", communications, "bo"));
    assert_eq!(life.tell(answer("bo", true)), ["role_given"]);
    // Taking it oneself needs nobody's leave.
    assert_eq!(life.tell(role("cy", communications, "cy")), ["role_given"]);
}

#[test]
fn who_leaves_leaves_nothing_behind() {
    let mut life = under(ConductRules::shipped());
    life.tell(role("bo", "scribe", "bo"));
    life.tell(task("restart the pool", Some("bo"), None));
    let leave = |who: &str, to: Option<&str>| {
        command(ConductCommand::Leave {
            by: actor(who),
            who: actor(who),
            to: to.map(actor),
        })
    };
    assert_eq!(
        life.tell(leave("bo", None)),
        ["role_released", "task_changed", "responder_left"]
    );
    assert!(life.incident.holders("scribe").is_empty());
    assert_eq!(life.incident.conduct.tasks[&1].owner, None);
    // Ana has the incident: it does not go with her.
    let stuck = life.try_tell(leave("ana", None)).unwrap_err().to_string();
    assert!(
        stuck.contains("leave to=@bo") && stuck.contains("unack"),
        "{stuck}"
    );
    life.tell(role("ana", "scribe", "ana"));
    let given = life.tell(leave("ana", Some("bo")));
    assert_eq!(
        given,
        ["role_given", "reassigned", "paged", "responder_left"]
    );
    assert_eq!(life.incident.holders("scribe"), [&actor("bo")]);
    assert_eq!(
        life.incident.status,
        Status::Triggered,
        "Bo has it once he says so"
    );
    let nobody = life.try_tell(leave("cy", None)).unwrap_err().to_string();
    assert_eq!(nobody, "Cy does not take part.");
}

#[test]
fn a_checklist_is_taken_over_as_it_is_and_reminds_once() {
    let mut life = under(rules());
    let events = life.tell(promote());
    assert_eq!(events, ["promoted", "checklist_added", "roles_needed"]);
    // The file changes; the incident does not.
    life.directory.conduct = Arc::new(ConductRules::default());
    assert_eq!(life.incident.conduct.checks().count(), 2);
    let replayed = Incident::replay(life.incident.id, &life.journal);
    assert_eq!(replayed, life.incident);
    let tick = |item, done| {
        command(ConductCommand::Tick {
            by: actor("ana"),
            item,
            done,
        })
    };
    life.tell(tick(2, true));
    assert_eq!(life.wait_until_due(), ["overdue"]);
    assert_eq!(life.now, NOON.plus_ms(300_000));
    assert!(
        sentence(&life).contains("1 “Name a commander”"),
        "{}",
        sentence(&life)
    );
    assert!(life.effects.contains(&Effect::Say { to: Place::Room }));
    life.tell(tick(1, true));
    let twice = life.try_tell(tick(1, true)).unwrap_err().to_string();
    assert_eq!(twice, "Ana has ticked it already.");
    life.tell(tick(1, false));
    assert_ne!(life.wait_until_due(), ["overdue"], "once is enough");
    let wrong = life.try_tell(tick(9, true)).unwrap_err().to_string();
    assert!(wrong.contains("1 to 2"), "{wrong}");
}

#[test]
fn a_list_for_worse_incidents_begins_when_it_gets_worse_and_once() {
    let mut rules = rules();
    let list = Arc::make_mut(&mut rules.checklists[0]);
    (list.from_severity, list.minor) = (Some(Severity(0)), true);
    rules.roles.clear();
    let mut life = under(rules);
    assert!(life.incident.conduct.checklists.is_empty());
    let sev = |to| Command::SetSeverity {
        by: actor("ana"),
        to: Severity(to),
    };
    assert!(life.tell(sev(0)).contains(&"checklist_added"));
    life.tell(sev(2));
    assert!(!life.tell(sev(0)).contains(&"checklist_added"));
}

#[test]
fn a_task_is_told_when_it_is_due_and_outlives_the_incident() {
    let mut life = under(ConductRules::shipped());
    let due = life.now.plus_ms(7_200_000);
    assert_eq!(
        life.tell(task("call  the\nvendor", Some("bo"), Some(due))),
        ["task_added"]
    );
    assert_eq!(told(&life), ["bo"]);
    assert_eq!(life.incident.conduct.tasks[&1].text, "call the vendor");
    life.tell(Command::Resolve { by: actor("ana") });
    assert!(
        life.incident.conduct.tasks[&1].follow_up,
        "still to be done"
    );
    assert_eq!(wake_at(&life.incident), Some(due));
    assert_eq!(life.wait_until_due(), ["task_due"]);
    assert_eq!(told(&life), ["bo"]);
    assert!(!life.effects.iter().any(|e| matches!(e, Effect::Say { .. })));
    assert_eq!(wake_at(&life.incident), None);
    // Another time is another reminder.
    let later = command(ConductCommand::ChangeTask {
        by: actor("bo"),
        task: 1,
        change: TaskChange {
            due: Some(Some(due.plus_ms(3_600_000))),
            ..TaskChange::default()
        },
    });
    life.tell(later);
    assert_eq!(life.wait_until_due(), ["task_due"]);
    let done = command(ConductCommand::FinishTask {
        by: actor("bo"),
        task: 1,
        done: true,
    });
    life.tell(done.clone());
    assert!(life.try_tell(done).is_err());
}

#[test]
fn a_number_of_a_task_is_never_given_twice() {
    let mut life = under(ConductRules::shipped());
    life.tell(task("one", None, None));
    life.tell(command(ConductCommand::DropTask {
        by: actor("ana"),
        task: 1,
    }));
    life.tell(task("two", None, None));
    assert_eq!(life.incident.conduct.tasks.keys().collect::<Vec<_>>(), [&2]);
    let above = command(ConductCommand::AddTask {
        by: actor("ana"),
        text: "three".to_owned(),
        owner: None,
        due: None,
        follow_up: true,
        floor: 7,
    });
    life.tell(above);
    assert_eq!(life.incident.conduct.last_task, 8);
    for (text, due) in [("", None), ("late", Some(life.now))] {
        assert!(life.try_tell(task(text, None, due)).is_err(), "{text:?}");
    }
    assert!(life.try_tell(task(&"x".repeat(501), None, None)).is_err());
}

#[test]
fn what_happened_is_neither_to_come_nor_of_another_story() {
    let mut life = under(ConductRules::shipped());
    life.now = life.now.plus_ms(600_000);
    let began = life.incident.began_at;
    let note = |at: Time| Command::Note {
        by: actor("ana"),
        text: "it began".to_owned(),
        happened_at: Some(at),
    };
    let decision = |at: Time| {
        command(ConductCommand::Decide {
            by: actor("ana"),
            text: "we roll back".to_owned(),
            happened_at: Some(at),
        })
    };
    let (future, before) = (life.now.plus_ms(61_000), began.plus_ms(-86_400_001));
    for wrong in [future, before] {
        for command in [note(wrong), decision(wrong)] {
            let why = life.try_tell(command).unwrap_err().to_string();
            assert!(why.starts_with("`at`: "), "{why}");
        }
    }
    life.tell(decision(began.plus_ms(-86_400_000)));
    // A clock that is a little ahead means now.
    life.tell(note(life.now.plus_ms(30_000)));
    let last = life.journal.last().unwrap();
    assert_eq!(crate::core::timeline::happened_at(last), life.now);
}

#[test]
fn the_newest_report_is_the_one_that_stands() {
    let mut life = under(ConductRules::shipped());
    let report = |conditions: &str, needs: &str| {
        command(ConductCommand::Report {
            by: actor("ana"),
            conditions: conditions.to_owned(),
            actions: "rolling back".to_owned(),
            needs: needs.to_owned(),
        })
    };
    assert!(life.try_tell(report(" ", "")).is_err());
    assert!(life.try_tell(report("x", &"y".repeat(1001))).is_err());
    life.tell(report("errors", "a DBA"));
    life.tell(report("better", ""));
    let standing = life.incident.conduct.report.as_ref().unwrap();
    assert_eq!(standing.conditions, "better");
}

#[test]
fn everybody_who_has_to_do_with_it_is_here_once() {
    let mut life = under(ConductRules::shipped());
    life.tell(role("ana", "scribe", "cy"));
    life.tell(Command::Join {
        by: actor("cy"),
        platform: "slack".to_owned(),
    });
    let all = parts(&life.incident, &life.directory);
    let names: Vec<&str> = all.iter().map(|p| p.who.name()).collect();
    assert_eq!(
        names,
        ["Cy", "Ana", "Bo"],
        "a role first, then who has it, then who was only paged"
    );
    assert_eq!(all[0].rooms, ["slack"]);
    assert!(all[1].has_it && all[1].is_responding());
    assert!(all[2].paged == 1 && !all[2].is_responding());
    life.tell(Command::Leave {
        by: actor("cy"),
        platform: "slack".to_owned(),
    });
    assert!(parts(&life.incident, &life.directory)[0].rooms.is_empty());
}

#[test]
fn a_role_needed_from_a_severity_on_is_not_needed_below_it() {
    let mut rules = ConductRules::shipped();
    Arc::make_mut(&mut rules.roles[2]).needed = RoleNeed::From(Severity(0));
    let mut life = under(rules);
    life.tell(promote());
    assert!(!life.incident.conduct.needed.contains_key("scribe"));
    life.tell(Command::SetSeverity {
        by: actor("ana"),
        to: Severity(0),
    });
    assert!(life.incident.conduct.needed.contains_key("scribe"));
}

#[test]
fn a_type_begins_with_its_own_checklist_and_others_are_of_some_types_only() {
    use crate::core::directory::IncidentType;
    let mut rules = rules();
    let list = |id: &str, types: &[&str]| {
        Arc::new(Checklist {
            id: id.to_owned(),
            title: id.to_owned(),
            types: types.iter().map(|t| (*t).to_owned()).collect(),
            items: vec![ChecklistItem::default()],
            ..Checklist::default()
        })
    };
    rules.checklists = vec![list("own", &["nothing"]), list("outages", &["outage"])];
    let mut life = Life::new();
    life.directory.conduct = Arc::new(rules);
    life.directory.types = vec![IncidentType {
        id: "security".to_owned(),
        name: "Security".to_owned(),
        checklist: Some("own".to_owned()),
        ..IncidentType::default()
    }];
    let mut open = open_as(None);
    open.nature.type_id = Some("security".to_owned());
    open.nature.type_name = Some("Security".to_owned());
    life.tell(Command::Open(Box::new(open)));
    life.tell(promote());
    let begun: Vec<&str> = life
        .incident
        .conduct
        .checklists
        .iter()
        .map(|l| l.list.as_str())
        .collect();
    assert_eq!(begun, ["own"]);
}
