//! Who may run which action where and when: rules, and what they come to.
//!
//! A rule that denies beats every rule that allows, what no rule allows is denied, and the order of
//! the rules means nothing. What firebell cannot know about an incident (its environment, its service)
//! counts for a rule that denies and against one that allows. The rules are asked when a run is asked
//! for, at every approval, and again when it is released.

mod freeze;
mod good;
mod slots;
#[cfg(test)]
mod tests;
mod who;

pub use freeze::{Freeze, Weekly};
pub(in crate::core) use good::{agreed, current, four_eyes, glass as may_break, seated};
pub use good::{still_good, valid_until, wanting};
pub(in crate::core) use slots::fits;
pub use slots::{Filled, fill, missing, needs_words, slots};
pub use who::{Who, on_call_of_service};

use super::action;
use super::alert::Labels;
use super::directory::{Action, ActionClass, Directory, Risk};
use super::id::{Actor, Severity};
use super::incident::{Incident, Status};
use super::role;
use super::text::list;
use super::time::Time;
use std::collections::BTreeMap;

/// The rules in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// In the order of the file, which means nothing.
    pub rules: Vec<Rule>,
    /// Spans of time rules may name.
    pub calendars: BTreeMap<String, Freeze>,
    /// The file cannot be read, and why: nothing runs until it is mended.
    pub broken: Option<String>,
    /// SHA-256 of what they were read from, hex; empty: firebell's own.
    pub digest: String,
}

impl Default for Rules {
    /// What holds without a file: people of the directory who hold a role of the action may run it.
    fn default() -> Rules {
        Rules {
            rules: vec![Rule {
                id: "linked-people".to_owned(),
                who: vec![Who::Linked],
                ..Rule::blank(true)
            }],
            calendars: BTreeMap::new(),
            broken: None,
            digest: String::new(),
        }
    }
}

/// One rule. An empty list is no condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What it is called in verdicts.
    pub id: String,
    /// It allows; else it denies.
    pub allow: bool,
    /// Any of these; empty: everybody for a rule that denies, nobody for one that allows.
    pub who: Vec<Who>,
    /// Only actions of this class.
    pub class: Option<ActionClass>,
    /// Only these risks.
    pub risks: Vec<Risk>,
    /// Only these actions, by id.
    pub actions: Vec<String>,
    /// Only in these environments.
    pub environments: Vec<String>,
    /// Only these severities.
    pub severities: Vec<Severity>,
    /// Not at these severities.
    pub unless: Vec<Severity>,
    /// Only while the incident stands so.
    pub states: Vec<Status>,
    /// Only on incidents of these services.
    pub services: Vec<String>,
    /// Only through these doors: `console`, `api`, or a chat platform by its configured name.
    pub doors: Vec<String>,
    /// Only while this calendar holds.
    pub during: Option<String>,
    /// Holds for firebell itself too; without it a rule that allows never does.
    pub auto: bool,
    /// For people, in a refusal.
    pub reason: String,
}

impl Rule {
    /// A rule without a condition.
    #[must_use]
    pub fn blank(allow: bool) -> Rule {
        Rule {
            id: String::new(),
            allow,
            who: Vec::new(),
            class: None,
            risks: Vec::new(),
            actions: Vec::new(),
            environments: Vec::new(),
            severities: Vec::new(),
            unless: Vec::new(),
            states: Vec::new(),
            services: Vec::new(),
            doors: Vec::new(),
            during: None,
            auto: false,
            reason: String::new(),
        }
    }
}

/// What of an incident rules look at.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// Service id.
    pub service: Option<&'a str>,
    /// The environment its labels name.
    pub environment: Option<&'a str>,
    /// How bad.
    pub severity: Severity,
    /// Where it stands.
    pub state: Status,
    /// Who leads.
    pub lead: Option<&'a Actor>,
}

impl<'a> Scope<'a> {
    /// Of an incident as it is now.
    #[must_use]
    pub fn of(incident: &'a Incident) -> Scope<'a> {
        Scope {
            service: incident.service.as_deref(),
            environment: incident.environment(),
            severity: incident.severity,
            state: incident.status,
            lead: incident.lead.as_ref(),
        }
    }

    /// Of an incident that would open with these labels.
    #[must_use]
    pub fn sample(service: Option<&'a str>, labels: &'a Labels, severity: Severity) -> Scope<'a> {
        Scope {
            service,
            environment: action::environment(labels),
            severity,
            state: Status::Triggered,
            lead: None,
        }
    }
}

/// A question to the rules.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// Who.
    pub who: &'a Actor,
    /// What.
    pub action: &'a Action,
    /// Where.
    pub scope: Scope<'a>,
    /// When.
    pub at: Time,
    /// Through which door; `None`: no rule that names doors is asked.
    pub door: Option<&'a str>,
    /// As configured.
    pub directory: &'a Directory,
}

/// What one rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its id.
    pub rule: String,
    /// It would allow; else deny.
    pub allow: bool,
    /// Every condition holds.
    pub matched: bool,
    /// Which conditions hold, or the first that does not.
    pub why: String,
}

/// What the rules come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// It may.
    pub allowed: bool,
    /// Rule by rule.
    pub findings: Vec<Finding>,
    /// The whole in one sentence.
    pub said: String,
}

impl Verdict {
    /// A rule that denies has matched, or the rules cannot be read; what the action's own file asks of
    /// its requester is not looked at.
    #[must_use]
    pub fn forbidden(&self) -> bool {
        let denies = |f: &Finding| f.matched && !f.allow && f.rule != FILE;
        self.findings.iter().any(denies)
    }

    /// Line by line, the sentence last: what is stored with a run and printed by `policy explain`.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let line = |f: &Finding| {
            if f.rule == FILE {
                return format!("{FILE}: {}", f.why);
            }
            let effect = if f.allow { "allow" } else { "deny" };
            let how = if f.matched { "matches" } else { "no match" };
            format!("{effect} {}: {how}: {}", f.rule, f.why)
        };
        let lines = self.findings.iter().map(line);
        lines.chain([self.said.clone()]).collect()
    }
}

/// In front of what an action's own file asks for, where a rule's id stands.
const FILE: &str = "the action's file";
/// Where a rule's id stands when the rules cannot be read.
const BROKEN: &str = "the rule file";

/// Asks the rules.
#[must_use]
pub fn judge(case: &Case<'_>) -> Verdict {
    let rules = &case.directory.permits;
    let mut findings = Vec::new();
    if let Some(why) = &rules.broken {
        let said = format!(
            "The rules of actions cannot be read ({why}), so no action runs until they are mended."
        );
        findings.push(finding(BROKEN, false, true, why.clone()));
        return Verdict {
            allowed: false,
            findings,
            said,
        };
    }
    // What the file of the action asks for stands in front of every rule.
    let own = own(case);
    let held = own.is_ok();
    findings.push(match &own {
        Ok(why) => finding(FILE, true, false, why.clone()),
        Err(why) => finding(FILE, false, true, why.clone()),
    });
    for rule in &rules.rules {
        let (matched, why) = match matches(rule, case, rules) {
            Ok(why) => (true, why),
            Err(why) => (false, why),
        };
        findings.push(finding(&rule.id, rule.allow, matched, why));
    }
    let no = rules
        .rules
        .iter()
        .find(|r| !r.allow && matches(r, case, rules).is_ok());
    let yes = rules
        .rules
        .iter()
        .find(|r| r.allow && matches(r, case, rules).is_ok());
    let said = match (&own, no, yes) {
        (Err(why), ..) => why.clone(),
        (_, Some(rule), _) => denied(rule, case),
        (_, None, Some(rule)) => format!(
            "Allowed by the rule `{}`: {} may run `{}` here.",
            rule.id,
            case.who.name(),
            case.action.id
        ),
        (_, None, None) => format!(
            "No rule lets {} run `{}` here. `firebell policy explain` shows what each rule says.",
            case.who.name(),
            case.action.id
        ),
    };
    Verdict {
        allowed: held && no.is_none() && yes.is_some(),
        findings,
        said,
    }
}

fn finding(rule: &str, allow: bool, matched: bool, why: String) -> Finding {
    Finding {
        rule: rule.to_owned(),
        allow,
        matched,
        why,
    }
}

fn denied(rule: &Rule, case: &Case<'_>) -> String {
    let what = format!(
        "The rule `{}` does not let {} run `{}` here",
        rule.id,
        case.who.name(),
        case.action.id
    );
    if rule.reason.is_empty() {
        format!("{what}.")
    } else {
        format!("{what}: {}", rule.reason)
    }
}

/// Whether the actor meets what the action's file asks for.
fn own(case: &Case<'_>) -> Result<String, String> {
    let action = case.action;
    if *case.who == Actor::Firebell {
        let safe = action.idempotent && action.reversible;
        if action.class == ActionClass::Remediation && !safe {
            return Err(format!(
                "`{}` changes something; it runs by itself only when its file says idempotent = true and reversible = true.",
                action.id
            ));
        }
        return Ok("it may run by itself, if a rule with auto = true allows it".to_owned());
    }
    match role::may_run(case.who, action, case.directory) {
        Ok(()) if action.roles.is_empty() => Ok("asks for no role".to_owned()),
        Ok(()) => Ok(format!("its role {} is held", action.roles.join(" or "))),
        Err(refusal) => Err(refusal.to_string()),
    }
}

/// Which conditions hold, or the first that does not.
fn matches(rule: &Rule, case: &Case<'_>, rules: &Rules) -> Result<String, String> {
    let mut held = vec![who(rule, case)?];
    let (action, scope) = (case.action, &case.scope);
    if let Some(class) = rule.class {
        same(class == action.class, "class", action.class.word())?;
        held.push(format!("class {}", class.word()));
    }
    let risks: Vec<&str> = rule.risks.iter().map(|r| r.word()).collect();
    among(&mut held, "risk", &risks, Some(action.risk.word()), false)?;
    among(&mut held, "action", &rule.actions, Some(&action.id), false)?;
    // What is not known must not open a door, and must not keep one open.
    let unknown = !rule.allow;
    let environment = scope.environment;
    among(
        &mut held,
        "environment",
        &rule.environments,
        environment,
        unknown,
    )?;
    among(&mut held, "service", &rule.services, scope.service, unknown)?;
    let name = case.directory.severity_name(scope.severity);
    let names = |wanted: &[Severity]| -> Vec<String> {
        let name = |s: &Severity| case.directory.severity_name(*s);
        wanted.iter().map(name).collect()
    };
    among(
        &mut held,
        "severity",
        &names(&rule.severities),
        Some(&name),
        false,
    )?;
    if rule.unless.contains(&scope.severity) {
        return Err(format!("not at {name}"));
    }
    let states: Vec<&str> = rule.states.iter().map(|s| s.word()).collect();
    among(
        &mut held,
        "incident",
        &states,
        Some(scope.state.word()),
        false,
    )?;
    among(&mut held, "door", &rule.doors, case.door, false)?;
    if let Some(name) = &rule.during {
        held.push(during(rules, name, case.at)?);
    }
    Ok(held.join(", "))
}

fn during(rules: &Rules, name: &str, at: Time) -> Result<String, String> {
    // A name without a calendar is a fault of the file; here it holds for good.
    let Some(calendar) = rules.calendars.get(name) else {
        return Ok(format!("the calendar {name} is not there, so it holds"));
    };
    match calendar.holds(at) {
        Some(what) => Ok(format!("calendar {name} holds ({what})")),
        None => Err(format!("calendar {name} does not hold at {}", at.rfc3339())),
    }
}

fn who(rule: &Rule, case: &Case<'_>) -> Result<String, String> {
    if *case.who == Actor::Firebell {
        return match (rule.auto, rule.allow, rule.who.is_empty()) {
            (true, ..) => Ok("it runs by itself (auto = true)".to_owned()),
            (false, false, true) => Ok("everybody, firebell too".to_owned()),
            _ if !rule.allow && rule.who.contains(&Who::Anyone) => {
                Ok("anyone, firebell too".to_owned())
            }
            _ => Err("it is not for runs by themselves (no auto = true)".to_owned()),
        };
    }
    if rule.who.is_empty() {
        return if rule.allow {
            Err("it is for runs by themselves only".to_owned())
        } else {
            Ok("everybody".to_owned())
        };
    }
    let found = rule.who.iter().find_map(|w| w.is(case));
    found.ok_or_else(|| {
        let words: Vec<String> = rule.who.iter().map(Who::words).collect();
        format!("{} is not {}", case.who.name(), words.join(" or "))
    })
}

fn same(holds: bool, what: &str, here: &str) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(format!("{what} is {here}"))
    }
}

fn among<T: AsRef<str>>(
    held: &mut Vec<String>,
    what: &str,
    wanted: &[T],
    here: Option<&str>,
    unknown: bool,
) -> Result<(), String> {
    if wanted.is_empty() {
        return Ok(());
    }
    match here {
        Some(here) if wanted.iter().any(|w| w.as_ref() == here) => {
            held.push(format!("{what} {here}"));
            Ok(())
        }
        Some(here) => {
            let wanted: Vec<&str> = wanted.iter().map(AsRef::as_ref).collect();
            Err(format!("{what} is {here}, not {}", list(&wanted)))
        }
        None if unknown => {
            held.push(format!(
                "{what} is not known, which counts for a rule that denies"
            ));
            Ok(())
        }
        None => Err(format!("{what} is not known")),
    }
}
