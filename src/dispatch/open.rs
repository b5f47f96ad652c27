//! Opening an incident by hand: `new`, and `page` where there is no incident yet.

use super::{Desk, Reply};
use crate::chat::grammar::{Whom, policy};
use crate::chat::words;
use crate::core::alert::Labels;
use crate::core::directory::{Directory, Rung};
use crate::core::id::{IncidentId, Severity};
use crate::core::incident::{Command, Incident, Ladder, OpenAs, Origin};
use crate::core::route::freeze;
use crate::engine::Failure;

/// How long somebody paged by hand has before the catch-all is alarmed: the usual first wait of a policy.
const WAIT_SECS: u64 = 5 * 60;
/// What the core keeps of a title; a longer one goes on the timeline as a note.
const TITLE_CHARS: usize = 300;

impl Desk<'_> {
    /// `new`: a major incident, led by whoever declares it; the service's policy pages.
    pub(super) async fn declare(
        &self,
        title: String,
        severity: Option<Severity>,
        service: Option<String>,
    ) -> Reply {
        let directory = &self.directory;
        let entry = service.as_ref().and_then(|s| directory.services.get(s));
        let ladder = service.as_deref().and_then(|s| policy(directory, s));
        let severity = severity.unwrap_or_else(|| {
            entry.map_or_else(|| second(directory), |s| s.major_at.min(mildest(directory)))
        });
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
        let open = OpenAs {
            major: true,
            ladder: ladder.map(freeze),
            why,
            ..self.by_hand(title.clone(), severity, service.as_deref())
        };
        let id = match self.opened(open).await {
            Ok(incident) => incident,
            Err(failure) => return Reply::no(None, failure.to_string()),
        };
        let mut said = words::opened(&id, directory);
        if let Some(trouble) = self.keep_long_title(id.id, title).await {
            said = format!("{said} {trouble}");
        }
        Reply::yes(Some(id.id), said).aloud()
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
        let incident = match self.opened(open).await {
            Ok(incident) => incident,
            Err(failure) => return Reply::no(None, failure.to_string()),
        };
        let mut said = words::paged(&incident, directory, &name(whom));
        if let Some(trouble) = self.keep_long_title(incident.id, title).await {
            said = format!("{said} {trouble}");
        }
        Reply::yes(Some(incident.id), said).aloud()
    }

    fn by_hand(&self, title: String, severity: Severity, service: Option<&str>) -> OpenAs {
        let entry = service.and_then(|s| self.directory.services.get(s));
        let team = entry.map(|s| s.team.clone());
        OpenAs {
            origin: Origin::Declared {
                by: self.who.clone(),
            },
            title,
            severity,
            major_at: entry.map_or(Severity(0), |s| s.major_at),
            major: false,
            service: service.map(str::to_owned),
            channel: self
                .directory
                .channel(service, team.as_deref())
                .map(str::to_owned),
            team,
            group_key: String::new(),
            labels: Labels::new(),
            auto_resolve: false,
            auto_resolve_after_ms: None,
            hold_while_firing: true,
            ladder: None,
            turn: 0,
            group_wait_ms: 0,
            why: Vec::new(),
            alerts: Vec::new(),
            auto: Vec::new(),
        }
    }

    async fn opened(&self, open: OpenAs) -> Result<std::sync::Arc<Incident>, Failure> {
        let done = self.engine.open(self.cause, open).await?;
        self.look(done.incident).await
    }

    /// Nothing people wrote is lost: the whole of a long title is on the timeline.
    async fn keep_long_title(&self, id: IncidentId, title: String) -> Option<String> {
        if title.chars().count() <= TITLE_CHARS {
            return None;
        }
        let note = Command::Note {
            by: self.who.clone(),
            text: title,
            happened_at: None,
        };
        let cause = format!("{}:title", self.cause);
        match self.engine.submit(&cause, id, note).await {
            Ok(_) => Some("The title was cut; all of it is on the timeline.".to_owned()),
            Err(failure) => Some(format!(
                "The title was cut, and could not be noted: {failure}"
            )),
        }
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
