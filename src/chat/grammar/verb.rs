//! Which command an invocation is, and which incidents it is about.

use super::Invocation;
use crate::core::duty::Answer;
use crate::core::id::IncidentId;

impl Invocation {
    /// The command of the tree.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self {
            Invocation::New(_) => "new",
            Invocation::Page { .. } => "page",
            Invocation::OnCall { .. } => "oncall",
            Invocation::Shifts { .. } => "shifts",
            Invocation::Cover { wish, .. } => wish.verb(),
            Invocation::AnswerCover { answer, .. } => match answer {
                Answer::Take => "take",
                Answer::Decline => "decline",
                Answer::Cancel => "cancel",
            },
            Invocation::Covers => "covers",
            Invocation::Fairness { .. } => "fairness",
            Invocation::Analytics { .. } => "analytics",
            Invocation::Changes { .. } => "changes",
            Invocation::Acknowledge { .. } => "ack",
            Invocation::Resolve { .. } => "resolve",
            Invocation::Snooze { .. } => "snooze",
            Invocation::Unacknowledge { .. } => "unack",
            Invocation::Reopen { .. } => "reopen",
            Invocation::Reassign { .. } => "reassign",
            Invocation::Merge { .. } => "merge",
            Invocation::Bulk { verb, .. } => verb.verb(),
            Invocation::Silence { .. } => "silence",
            Invocation::Maintenance { .. } => "maintenance",
            Invocation::Silences { .. } => "silences",
            Invocation::Unsilence { .. } => "unsilence",
            Invocation::SetSeverity { .. } => "sev",
            Invocation::Lead { .. } => "lead",
            Invocation::Note { .. } => "note",
            Invocation::Conduct { what, .. } => what.verb(),
            Invocation::Update { .. } => "update",
            Invocation::Status { .. } => "status",
            Invocation::Publish { .. } => "publish",
            Invocation::Cadence { .. } => "cadence",
            Invocation::Summary { .. } => "summary",
            Invocation::Subscribe { .. } => "subscribe",
            Invocation::Unsubscribe { .. } => "unsubscribe",
            Invocation::Promote { .. } => "promote",
            Invocation::Room { what, .. } => what.verb(),
            Invocation::Private { private: true, .. } => "private",
            Invocation::Private { .. } => "public",
            Invocation::Invite { .. } => "invite",
            Invocation::Drill { drill: true, .. } => "drill",
            Invocation::Drill { .. } => "real",
            Invocation::Type { .. } => "type",
            Invocation::Relate { .. } => "relate",
            Invocation::Unrelate { .. } => "unrelate",
            Invocation::Parent { .. } => "parent",
            Invocation::Follow { .. } => "follow",
            Invocation::Explain { .. } => "explain",
            Invocation::Run { .. } => "run",
            Invocation::Undo { .. } => "rollback",
            Invocation::Automation { .. } => "automation",
            Invocation::Approve { .. } => "approve",
            Invocation::Reject { .. } => "reject",
            Invocation::Stop { .. } => "stop",
            Invocation::Check { .. } => "check",
            Invocation::Settle { .. } => "settle",
            Invocation::Postmortem { .. } => "postmortem",
            Invocation::List { .. } => "list",
            Invocation::Link { .. } => "link",
            Invocation::Verify { .. } => "verify",
            Invocation::Help { .. } => "help",
        }
    }

    /// The incidents it is about, as far as they are named; those of a bulk act are looked at one by one.
    #[must_use]
    pub fn incidents(&self) -> Vec<IncidentId> {
        match self {
            Invocation::Page { id, .. } => id.iter().copied().collect(),
            Invocation::Merge { from, into } => vec![*from, *into],
            Invocation::Relate { id, to, .. } | Invocation::Unrelate { id, to } => vec![*id, *to],
            Invocation::Parent { id, parent } => std::iter::once(*id).chain(*parent).collect(),
            Invocation::Acknowledge { id }
            | Invocation::Resolve { id }
            | Invocation::Snooze { id, .. }
            | Invocation::Unacknowledge { id }
            | Invocation::Reopen { id }
            | Invocation::Reassign { id, .. }
            | Invocation::SetSeverity { id, .. }
            | Invocation::Lead { id, .. }
            | Invocation::Note { id, .. }
            | Invocation::Conduct { id, .. }
            | Invocation::Update { id, .. }
            | Invocation::Status { id, .. }
            | Invocation::Publish { id, .. }
            | Invocation::Cadence { id, .. }
            | Invocation::Summary { id, .. }
            | Invocation::Subscribe { id, .. }
            | Invocation::Unsubscribe { id, .. }
            | Invocation::Promote { id }
            | Invocation::Room { id, .. }
            | Invocation::Private { id, .. }
            | Invocation::Invite { id, .. }
            | Invocation::Drill { id, .. }
            | Invocation::Type { id, .. }
            | Invocation::Follow { id }
            | Invocation::Explain { id }
            | Invocation::Run { id, .. }
            | Invocation::Undo { id, .. }
            | Invocation::Approve { id, .. }
            | Invocation::Reject { id, .. }
            | Invocation::Stop { id, .. }
            | Invocation::Check { id, .. }
            | Invocation::Settle { id, .. }
            | Invocation::Postmortem { id } => vec![*id],
            // Named one by one, so that a new command cannot be forgotten here.
            Invocation::New(_)
            | Invocation::OnCall { .. }
            | Invocation::Shifts { .. }
            | Invocation::Cover { .. }
            | Invocation::AnswerCover { .. }
            | Invocation::Covers
            | Invocation::Fairness { .. }
            | Invocation::Analytics { .. }
            | Invocation::Changes { .. }
            | Invocation::Bulk { .. }
            | Invocation::Silence { .. }
            | Invocation::Maintenance { .. }
            | Invocation::Silences { .. }
            | Invocation::Unsilence { .. }
            | Invocation::Automation { .. }
            | Invocation::List { .. }
            | Invocation::Link { .. }
            | Invocation::Verify { .. }
            | Invocation::Help { .. } => Vec::new(),
        }
    }
}
