//! Declaring an incident: from a request to the routing decision a declared incident needs.

use super::incidents::severity;
use super::params::not_allowed;
use crate::core::directory::{Directory, Service};
use crate::core::id::Actor;
use crate::core::incident::{Declaration, Ladder, OpenAs};
use crate::core::route::freeze;
use crate::http::error::Problem;
use serde::Deserialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Characters of a title at most; the journal keeps as many.
const TITLE_CHARS: usize = 300;

/// An incident declared by a program.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclareBody {
    /// One line, at most 300 characters.
    #[schema(example = "Customers cannot pay", max_length = 300)]
    pub title: String,
    /// Id of a configured service; it brings team, policy and channel.
    #[schema(example = "checkout")]
    pub service: Option<String>,
    /// Id of a configured team, for an incident without a service.
    pub team: Option<String>,
    /// Name of a severity; absent: the type's, else the least one that is major for the service, or else the worst.
    #[schema(example = "sev1")]
    pub severity: Option<String>,
    /// Give it a room whatever the severity. Absent: yes.
    pub major: Option<bool>,
    /// Page by the escalation policy. Absent: yes; a program cannot be at it itself.
    pub page: Option<bool>,
    /// Id of an escalation policy instead of the service's.
    pub policy: Option<String>,
    /// Id of a configured type; it brings defaults.
    #[serde(rename = "type")]
    #[schema(example = "outage")]
    pub type_id: Option<String>,
    /// More than fits on one line: a note on its timeline.
    pub description: Option<String>,
    /// Only those it concerns may see it. Absent: as its type says, else no.
    pub private: Option<bool>,
    /// It is practised: marked everywhere, and counted nowhere. Absent: as its type says, else no.
    pub drill: Option<bool>,
}

/// The opening a request asks for.
///
/// # Errors
/// 400 naming the field and what is allowed.
pub fn open_as(directory: &Directory, by: Actor, body: &DeclareBody) -> Result<OpenAs, Problem> {
    let title = title(&body.title)?;
    let service = known("service", body.service.as_deref(), &directory.services)?;
    let team = known("team", body.team.as_deref(), &directory.teams)?.map(|t| t.id.clone());
    let declared = Declaration {
        title,
        severity: (body.severity.as_deref())
            .map(|name| severity(directory, name))
            .transpose()?,
        service: service.map(|s| s.id.clone()),
        type_id: kind(directory, body.type_id.as_deref())?,
        private: body.private,
        drill: body.drill,
        description: body.description.clone().unwrap_or_default(),
        link: String::new(),
    };
    if let Some(why) = declared.refusal(directory) {
        return Err(Problem::bad("bad_body", format!("`severity`: {why}")));
    }
    let team = service.map(|s| s.team.clone()).or(team);
    let mut why = vec![format!("declared by {} through the API", by.name())];
    let ladder = if body.page.unwrap_or(true) {
        Some(ladder(directory, service, team.as_deref(), body, &mut why)?)
    } else {
        why.push("nobody is paged: the request says so".to_owned());
        None
    };
    let open = declared.open(by, team, ladder, directory);
    why.extend(open.why);
    Ok(OpenAs {
        major: body.major.unwrap_or(true),
        why,
        ..open
    })
}

fn kind(directory: &Directory, id: Option<&str>) -> Result<Option<String>, Problem> {
    let Some(id) = id else {
        return Ok(None);
    };
    if let Some(found) = directory.types.iter().find(|t| t.id == id) {
        return Ok(Some(found.id.clone()));
    }
    let ids: Vec<&str> = directory.types.iter().map(|t| t.id.as_str()).collect();
    Err(not_allowed("type", id, &ids))
}

fn title(text: &str) -> Result<String, Problem> {
    let title = text.trim();
    if title.is_empty() || title.chars().count() > TITLE_CHARS {
        return Err(Problem::bad(
            "bad_body",
            format!("`title` is one line of 1 to {TITLE_CHARS} characters."),
        ));
    }
    Ok(title.to_owned())
}

fn known<'a, T>(
    field: &str,
    id: Option<&str>,
    all: &'a BTreeMap<String, T>,
) -> Result<Option<&'a T>, Problem> {
    let Some(id) = id else {
        return Ok(None);
    };
    let found = all.get(id);
    if found.is_none() {
        let ids: Vec<&String> = all.keys().collect();
        return Err(not_allowed(field, id, &ids));
    }
    Ok(found)
}

fn ladder(
    directory: &Directory,
    service: Option<&Service>,
    team: Option<&str>,
    body: &DeclareBody,
    why: &mut Vec<String>,
) -> Result<Ladder, Problem> {
    if let Some(policy) = known("policy", body.policy.as_deref(), &directory.policies)? {
        why.push(format!("policy {} by the request", policy.id));
        return Ok(freeze(policy));
    }
    let of_team = team
        .and_then(|t| directory.teams.get(t))
        .and_then(|t| t.policy.as_deref());
    let named = [
        (service.and_then(|s| s.policy.as_deref()), "the service"),
        (of_team, "the team"),
        (directory.route.policy.as_deref(), "the default route"),
    ];
    let found = named
        .iter()
        .find_map(|(id, by)| Some((directory.policies.get((*id)?)?, *by)));
    Ok(match found {
        Some((policy, by)) => {
            why.push(format!("policy {} by {by}", policy.id));
            freeze(policy)
        }
        None => {
            why.push("no policy applies: the catch-all is alarmed".to_owned());
            Ladder::default()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::directory::{Policy, SeverityName, Team};

    fn directory() -> Directory {
        let mut d = Directory {
            severities: ["sev1", "sev2"]
                .map(|n| SeverityName {
                    name: n.to_owned(),
                    labels: Vec::new(),
                    urgency: crate::core::directory::Urgency::High,
                    ..SeverityName::default()
                })
                .to_vec(),
            ..Directory::default()
        };
        d.policies.insert(
            "web".to_owned(),
            Policy {
                remind_secs: None,
                rest_until: None,
                id: "web".to_owned(),
                rungs: Vec::new(),
                repeat: 0,
            },
        );
        d.teams.insert(
            "web".to_owned(),
            Team {
                id: "web".to_owned(),
                name: "Web".to_owned(),
                members: Vec::new(),
                channel: Some("web-alerts".to_owned()),
                policy: Some("web".to_owned()),
            },
        );
        d
    }

    fn opened(body: &DeclareBody) -> Result<OpenAs, Problem> {
        open_as(&directory(), Actor::Firebell, body)
    }

    fn body() -> DeclareBody {
        DeclareBody {
            title: "Customers cannot pay".to_owned(),
            team: Some("web".to_owned()),
            ..DeclareBody::default()
        }
    }

    #[test]
    fn a_team_brings_its_policy_and_channel() {
        let open = opened(&body()).unwrap();
        assert_eq!(open.channel.as_deref(), Some("web-alerts"));
        assert_eq!(open.ladder.unwrap().policy, "web");
        assert!(open.why.contains(&"policy web by the team".to_owned()));
        assert!(open.major);
    }

    #[test]
    fn nobody_is_paged_when_the_request_says_so() {
        let quiet = DeclareBody {
            page: Some(false),
            ..body()
        };
        assert_eq!(opened(&quiet).unwrap().ladder, None);
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let wrong = DeclareBody {
            team: Some("wbe".to_owned()),
            ..body()
        };
        assert_eq!(
            opened(&wrong).unwrap_err().message,
            "`team` cannot be `wbe`; allowed is `web`."
        );
        let wrong = DeclareBody {
            severity: Some("p1".to_owned()),
            ..body()
        };
        assert_eq!(
            opened(&wrong).unwrap_err().message,
            "`severity` cannot be `p1`; allowed is `sev1` and `sev2`."
        );
    }

    #[test]
    fn a_title_is_needed() {
        let wrong = DeclareBody {
            title: "  ".to_owned(),
            ..body()
        };
        assert!(opened(&wrong).unwrap_err().message.contains("`title`"));
    }
}
