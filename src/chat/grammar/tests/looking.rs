//! Lines that ask for a look: a dry run of an action, the check of a run.

use super::{FORTY_TWO, SEVEN, no, ok};
use crate::chat::grammar::Invocation;
use crate::core::id::RunId;

#[test]
fn a_dry_run_is_asked_for_behind_the_action_and_never_breaks_a_glass() {
    let asked = |text: &str| match ok(text) {
        Invocation::Run { args, ask, .. } => (args.len(), ask.dry, ask.break_glass, ask.reason),
        other => panic!("{text}: {other:?}"),
    };
    for text in [
        "run restart dry lines=10",
        "run #7 restart lines=10 --dry-run",
        "run restart lines=10 dry-run=yes",
    ] {
        assert_eq!(asked(text), (1, true, false, None), "{text}");
    }
    assert_eq!(asked("run! restart dry"), (0, true, false, None));
    assert_eq!(asked("run restart dry-run=no"), (0, false, false, None));
    // Among the words of a reason it is one of them.
    let why = Some("the pool is dry".to_owned());
    assert_eq!(
        asked("run! restart the pool is dry"),
        (0, false, true, why.clone())
    );
    let glass = asked("run restart break-glass=\"the pool is dry\"");
    assert_eq!(glass, (0, false, true, why));
    assert!(no("run restart dry-run=maybe", Some(7)).contains("neither `yes` nor `no`"));
}

#[test]
fn a_check_is_asked_for_by_the_run_it_looks_for() {
    let run = Some(RunId(3));
    assert_eq!(ok("check run-3"), Invocation::Check { id: SEVEN, run });
    assert_eq!(
        ok("check #42"),
        Invocation::Check {
            id: FORTY_TWO,
            run: None
        }
    );
    assert_eq!(ok("look #42 3"), Invocation::Check { id: FORTY_TWO, run });
}
