//! Opening an incident by hand: `new`, and `page` where there is no incident yet.

use super::{Desk, Reply};
use crate::chat::grammar::{Whom, policy};
use crate::chat::words;
use crate::core::directory::{Directory, Rung};
use crate::core::id::Severity;
use crate::core::incident::{Declaration, Incident, Ladder, OpenAs, TITLE_CHARS};
use crate::core::route::freeze;
use crate::engine::Failure;

/// How long somebody paged by hand has before the catch-all is alarmed: the usual first wait of a policy.
const WAIT_SECS: u64 = 5 * 60;

impl Desk<'_> {
    /// `new`: a major incident, led by whoever declares it; the service's policy pages.
    pub(super) async fn declare(&self, said: Declaration) -> Reply {
        let directory = &self.directory;
        if let Some(why) = said.refusal(directory) {
            return Reply::no(None, why);
        }
        let title = said.title.clone();
        let service = said.service.clone();
        let entry = service.as_ref().and_then(|s| directory.services.get(s));
        let ladder = service.as_deref().and_then(|s| policy(directory, s));
        let usual = entry.map_or_else(|| second(directory), |s| s.major_at.min(mildest(directory)));
        let mut why = vec![format!(
            "declared by {} on {}",
            self.who.name(),
            self.platform
        )];
        why.push(match (&service, ladder) {
            (Some(s), Some(p)) => format!("policy {} by service {s}", p.id),
            (Some(s), None) => format!("service {s} has no policy"),
            (None, _) => "no service was named, so no policy was started".to_owned(),
        });
        let by = self.who.clone();
        let open = said.open_at(Some(usual), by, None, ladder.map(freeze), directory);
        why.extend(open.why);
        let open = OpenAs { why, ..open };
        match self.opened(open).await {
            Ok(incident) => {
                let mut said = words::opened(&incident, directory);
                said.push_str(kept(&title));
                Reply::yes(Some(incident.id), said).aloud()
            }
            Err(failure) => Reply::no(None, failure.to_string()),
        }
    }

    /// `page` outside an incident: a minor one whose ladder is whoever was named.
    pub(super) async fn page_anew(&self, whom: &Whom, message: &str) -> Reply {
        let directory = &self.directory;
        let service = match whom {
            Whom::Service(id) => Some(id.as_str()),
            Whom::Target(_) | Whom::Me => None,
        };
        let major_at = service
            .and_then(|s| directory.services.get(s))
            .map_or(Severity(0), |s| s.major_at);
        let title = match message.trim() {
            "" => format!("{} asks for help", self.who.name()),
            message => message.to_owned(),
        };
        let rung = Rung {
            when: crate::core::directory::When::default(),
            targets: self.targets(whom),
            wait_secs: WAIT_SECS,
            acks: 1,
        };
        let by_hand = Ladder {
            policy: "by hand".to_owned(),
            rungs: vec![rung],
            repeat: 0,
            remind_secs: None,
            rest_until: None,
        };
        let ladder = service
            .and_then(|s| policy(directory, s))
            .map_or(by_hand, freeze);
        let open = OpenAs {
            ladder: Some(ladder),
            why: vec![format!(
                "{} paged {} on {}",
                self.who.name(),
                name(whom),
                self.platform
            )],
            ..self.by_hand(title.clone(), minor(directory, major_at), service)
        };
        match self.opened(open).await {
            Ok(incident) => {
                let mut said = words::paged(&incident, directory, &name(whom));
                said.push_str(kept(&title));
                Reply::yes(Some(incident.id), said).aloud()
            }
            Err(failure) => Reply::no(None, failure.to_string()),
        }
    }

    fn by_hand(&self, title: String, severity: Severity, service: Option<&str>) -> OpenAs {
        let said = Declaration {
            title,
            severity: Some(severity),
            service: service.map(str::to_owned),
            ..Declaration::default()
        };
        OpenAs {
            major: false,
            ..said.open(self.who.clone(), None, None, &self.directory)
        }
    }

    async fn opened(&self, open: OpenAs) -> Result<std::sync::Arc<Incident>, Failure> {
        let done = self.engine.open(self.cause, open).await?;
        self.look(done.incident).await
    }
}

/// Said when a title was too long to be one.
fn kept(title: &str) -> &'static str {
    if title.chars().count() > TITLE_CHARS {
        " The title was cut; all of it is on the timeline."
    } else {
        ""
    }
}

/// `schedule web-primary`, `service checkout`: for sentences.
pub(super) fn name(whom: &Whom) -> String {
    match whom {
        Whom::Target(target) => target.words(),
        Whom::Service(id) => format!("service {id}"),
        Whom::Me => "you".to_owned(),
    }
}

/// The second worst severity: bad enough to answer, not yet the worst there is.
fn second(directory: &Directory) -> Severity {
    Severity(1).min(mildest(directory))
}

/// The mildest level of the scale.
fn mildest(directory: &Directory) -> Severity {
    let last = directory.severities.len().saturating_sub(1);
    Severity(u8::try_from(last).unwrap_or(u8::MAX))
}

/// The worst level that is still minor, from the second on.
fn minor(directory: &Directory, major_at: Severity) -> Severity {
    let next = Severity(major_at.0.saturating_add(1));
    next.max(Severity(1)).min(mildest(directory))
}
