//! Shapes of events about silences and about incidents that change hands.

use super::journal::{ana, at, bo, ladder, opened};
use firebell::core::id::{AlertId, IncidentId, RunId};
use firebell::core::incident::{Event, Ladder, Outcome};

/// What happens to a run beside its usual way.
pub fn runs() -> Vec<(&'static str, Event)> {
    let run = RunId(1);
    vec![
        (
            "run_rehearsed",
            Event::RunRehearsed {
                run,
                outcome: Outcome::Succeeded { exit: 0 },
                tail: "would restart checkout\n".to_owned(),
                digest: "2c26b46b68ffc68f".to_owned(),
            },
        ),
        (
            "run_queued",
            Event::RunQueued {
                run,
                key: "host:web-2".to_owned(),
                behind: Some(RunId(7)),
                until: at("14:20:00"),
            },
        ),
        (
            "run_armed",
            Event::RunArmed {
                run,
                start: at("14:20:30"),
                hold: Some(at("14:25:30")),
            },
        ),
        (
            "auto_stopped",
            Event::AutoStopped {
                action: "web-restart".to_owned(),
                why: "2 failures in a row".to_owned(),
            },
        ),
        ("run_cancel_asked", Event::RunCancelAsked { run, by: ana() }),
        (
            "run_settled",
            Event::RunSettled {
                run,
                by: bo(),
                good: true,
                note: "the unit is active".to_owned(),
            },
        ),
    ]
}

/// By the names of their golden files.
pub fn shapes() -> Vec<(&'static str, Event)> {
    let mut resolving = opened("checkout is slow", Vec::new());
    if let Event::Opened {
        auto_resolve_after_ms,
        hold_while_firing,
        ..
    } = &mut resolving
    {
        (*auto_resolve_after_ms, *hold_while_firing) = (Some(14_400_000), true);
    }
    vec![
        ("opened-resolving", resolving),
        (
            "muted",
            Event::Muted {
                silence: "7dd5dcac-b361-45b4-b196-0596446fb23c".to_owned(),
                words: "7dd5dcac (deploy)".to_owned(),
                until: at("16:00:00"),
            },
        ),
        (
            "unmuted",
            Event::Unmuted {
                why: "the silence ended".to_owned(),
            },
        ),
        ("unacknowledged", Event::Unacknowledged { by: ana() }),
        ("reopened", Event::Reopened { by: bo() }),
        (
            "reassigned",
            Event::Reassigned {
                by: ana(),
                to: "person bo".to_owned(),
                ladder: Ladder {
                    policy: "given to person bo".to_owned(),
                    rungs: ladder().rungs.split_off(2),
                    repeat: 2,
                    remind_secs: None,
                    rest_until: None,
                },
            },
        ),
        (
            "merged",
            Event::Merged {
                by: ana(),
                into: IncidentId(40),
                title: "Checkout is down".to_owned(),
            },
        ),
        (
            "absorbed",
            Event::Absorbed {
                by: ana(),
                from: IncidentId(42),
                title: "Checkout: high error rate".to_owned(),
                groups: vec!["default/web|checkout|alertname=\"HighErrorRate\"".to_owned()],
                firing: vec![AlertId(7)],
                alerts: 3,
                began_at: at("13:58:00"),
            },
        ),
    ]
}
