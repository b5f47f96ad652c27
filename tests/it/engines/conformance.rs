//! What every executor promises, told once and tried on all of them.

use super::{Follow, SECRET, patient, ran};
use firebell::core::incident::Outcome;
use firebell::run::port::{Answer, Executor, Found, Job, Start};

/// What a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// Writes `line 1` to `line 4`, with time between them, and succeeds.
    Lines,
    /// Writes `begun`, waits until it is released, writes `done`, and succeeds.
    Long,
    /// Writes `bad` and fails.
    Fails,
}

/// One engine with its executor, and the hand that makes it fail.
pub trait Engine: Send + Sync {
    /// A new executor, as after a restart of firebell.
    fn executor(&self) -> Box<dyn Executor>;
    /// The same with credentials the engine does not know; `None`: it has none that could be wrong.
    fn stranger(&self) -> Option<Box<dyn Executor>>;
    fn job(&self, does: Does) -> Job;
    /// How often this run was carried out, as the outside world counts.
    fn runs(&self, job: &Job) -> usize;
    /// Lets long runs come to their end.
    fn release(&self);
    /// The next start is carried out, and its answer is lost.
    fn lose_the_next_answer(&self);
    /// The engine, or what watches the run there, dies and comes back.
    fn restart<'a>(&'a self, job: &'a Job) -> Answer<'a, ()>;
    fn lose(&self);
    fn find_again(&self);
    /// The output arrives only when the run is over.
    fn late_output(&self) -> bool {
        false
    }
    /// The outcome after a cancel, in one word.
    fn after_cancel(&self) -> &'static str {
        "cancelled"
    }
    /// The outcome of a run in whose middle firebell was restarted.
    fn after_our_restart(&self) -> &'static str {
        "succeeded"
    }
    /// The outcome of a run in whose middle the engine was restarted.
    fn after_its_restart(&self) -> &'static str;
    /// What a look-up says of a run whose start was carried out without an answer.
    fn finds_what_it_lost(&self) -> bool {
        true
    }
    /// What a look-up says of a run that was never started: it proves that.
    fn proves_absence(&self) -> bool {
        true
    }
}

pub async fn output_is_complete_and_in_order(e: &dyn Engine) {
    let (executor, job) = (e.executor(), e.job(Does::Lines));
    let done = ran(&*executor, &job).await;
    assert_eq!(done.text, "line 1\nline 2\nline 3\nline 4\n");
    assert_eq!(done.outcome.word(), "succeeded", "{done:?}");
    assert_eq!(e.runs(&job), 1);
}

pub async fn a_failure_is_a_failure(e: &dyn Engine) {
    let (executor, job) = (e.executor(), e.job(Does::Fails));
    let done = ran(&*executor, &job).await;
    assert_eq!(done.outcome.word(), "failed", "{done:?}");
    assert!(done.text.contains("bad"), "{done:?}");
}

pub async fn two_starts_with_one_key_are_one_run(e: &dyn Engine) {
    let job = e.job(Does::Lines);
    let (first, second) = (e.executor(), e.executor());
    let one = Follow::start(&*first, &job).await;
    let two = Follow::start(&*second, &job).await;
    let again = Follow::start(&*first, &job).await;
    for follow in [one, two, again] {
        let done = follow.ended().await;
        assert_eq!(done.outcome.word(), "succeeded", "{done:?}");
        assert_eq!(done.text, "line 1\nline 2\nline 3\nline 4\n");
    }
    assert_eq!(e.runs(&job), 1);
}

pub async fn a_cancel_ends_it_and_may_be_repeated(e: &dyn Engine) {
    let (executor, job) = (e.executor(), e.job(Does::Long));
    let mut run = Follow::start(&*executor, &job).await;
    if !e.late_output() {
        run.wrote("begun").await;
    }
    for _ in 0..2 {
        let asked = executor.cancel(&job, &run.handle);
        patient("cancel", asked).await.expect("the wish arrives");
    }
    let (handle, done) = (run.handle.clone(), run.ended().await);
    assert_eq!(done.outcome.word(), e.after_cancel(), "{done:?}");
    assert!(!done.text.contains("done"), "{done:?}");
    // Also when there is nothing left to stop.
    let asked = executor.cancel(&job, &handle);
    patient("cancel", asked).await.expect("harmless");
}

pub async fn a_restart_of_firebell_loses_nothing_that_can_be_kept(e: &dyn Engine) {
    let (first, job) = (e.executor(), e.job(Does::Long));
    let mut run = Follow::start(&*first, &job).await;
    if e.late_output() {
        // What has not arrived yet is lost with whoever sends it.
        super::until("it has arrived", || e.runs(&job) == 1).await;
    } else {
        run.wrote("begun").await;
    }
    let (handle, cursor, text) = (run.handle.clone(), run.cursor.clone(), run.text.clone());
    drop(first);
    let second = e.executor();
    let mut run = Follow::from(&*second, &job, handle);
    (run.cursor, run.text) = (cursor, text);
    e.release();
    let done = run.ended().await;
    assert_eq!(done.outcome.word(), e.after_our_restart(), "{done:?}");
    if e.after_our_restart() == "succeeded" {
        assert_eq!(done.text, "begun\ndone\n");
    }
    assert_eq!(e.runs(&job), 1);
}

pub async fn a_restart_of_the_engine_is_told_as_it_was(e: &dyn Engine) {
    let (executor, job) = (e.executor(), e.job(Does::Long));
    let mut run = Follow::start(&*executor, &job).await;
    if !e.late_output() {
        run.wrote("begun").await;
    }
    patient("restart", e.restart(&job)).await;
    e.release();
    let done = run.ended().await;
    assert_eq!(done.outcome.word(), e.after_its_restart(), "{done:?}");
    if e.after_its_restart() == "succeeded" {
        assert_eq!(done.text, "begun\ndone\n");
    }
    assert_eq!(e.runs(&job), 1);
}

pub async fn a_lost_engine_is_waited_for(e: &dyn Engine) {
    let (executor, job) = (e.executor(), e.job(Does::Long));
    let mut run = Follow::start(&*executor, &job).await;
    run.wrote("begun").await;
    e.lose();
    let asked = executor.poll(&job, &run.handle, &run.cursor);
    let said = patient("poll", asked)
        .await
        .expect_err("there is no answer");
    assert!(!said.why.is_empty());
    let asked = executor.reconcile(&job, Some(&run.handle));
    let found = patient("reconcile", asked).await;
    assert!(matches!(found, Found::NotNow { .. }), "{found:?}");
    // Nothing is started while nobody can be asked, and nothing is said that is not known.
    let other = e.job(Does::Lines);
    let start = patient("start", executor.start(&other)).await;
    assert!(!matches!(start, Start::Started(_)), "{start:?}");
    e.find_again();
    e.release();
    let done = run.ended().await;
    assert_eq!(done.outcome.word(), "succeeded", "{done:?}");
    assert_eq!(done.text, "begun\ndone\n");
    assert_eq!((e.runs(&job), e.runs(&other)), (1, 0));
}

pub async fn a_start_without_an_answer_is_looked_up(e: &dyn Engine) {
    let (executor, job) = (e.executor(), e.job(Does::Lines));
    e.lose_the_next_answer();
    let start = patient("start", executor.start(&job)).await;
    match start {
        Start::Ambiguous { why } => assert!(!why.is_empty()),
        // An HTTP request has begun when its first byte is sent.
        Start::Started(_) => assert!(!e.finds_what_it_lost()),
        Start::NotStarted { why } => panic!("nobody can know that: {why}"),
    }
    // After a restart, with nothing but the key.
    let second = e.executor();
    match patient("reconcile", second.reconcile(&job, None)).await {
        Found::Here(handle) => {
            assert!(e.finds_what_it_lost());
            let done = Follow::from(&*second, &job, handle).ended().await;
            assert_eq!(done.outcome.word(), "succeeded", "{done:?}");
            assert_eq!(done.text, "line 1\nline 2\nline 3\nline 4\n");
        }
        Found::Unknowable { .. } => assert!(!e.finds_what_it_lost()),
        other => panic!("that is not the truth: {other:?}"),
    }
    super::until("it is counted", || e.runs(&job) > 0).await;
    assert_eq!(e.runs(&job), 1);
}

pub async fn what_never_started_may_be_started(e: &dyn Engine) {
    let (executor, job) = (e.executor(), e.job(Does::Lines));
    match patient("reconcile", executor.reconcile(&job, None)).await {
        Found::Absent => assert!(e.proves_absence()),
        Found::Unknowable { .. } => {
            assert!(!e.proves_absence());
            return;
        }
        other => panic!("that is not the truth: {other:?}"),
    }
    assert_eq!(e.runs(&job), 0);
    let done = ran(&*executor, &job).await;
    assert_eq!(done.outcome.word(), "succeeded", "{done:?}");
    assert_eq!(e.runs(&job), 1);
}

pub async fn no_error_holds_a_secret(e: &dyn Engine) {
    let (executor, job) = (e.executor(), e.job(Does::Lines));
    let run = Follow::start(&*executor, &job).await;
    let (handle, cursor) = (run.handle.clone(), run.cursor.clone());
    let done = run.ended().await;
    let mut said = vec![format!("{done:?} {handle:?}")];
    let mut others = vec![executor];
    others.extend(e.stranger());
    for (n, other) in others.iter().enumerate() {
        if n == 0 {
            e.lose();
        } else {
            e.find_again();
        }
        let new = e.job(Does::Lines);
        let start = patient("start", other.start(&new)).await;
        if n == 1 {
            super::refused(&start);
        }
        said.push(format!("{start:?}"));
        said.push(format!(
            "{:?}",
            patient("poll", other.poll(&job, &handle, &cursor)).await
        ));
        said.push(format!(
            "{:?}",
            patient("cancel", other.cancel(&job, &handle)).await
        ));
        said.push(format!(
            "{:?}",
            patient("reconcile", other.reconcile(&new, None)).await
        ));
    }
    e.find_again();
    let said = said.join("\n");
    assert!(!said.contains(SECRET), "{said}");
    let outcome = matches!(done.outcome, Outcome::Unknown { .. });
    assert!(!outcome, "{said}");
}

/// All of it, on one engine. `$up` answers `None` after saying that it is skipped.
macro_rules! conformance {
    ($name:ident, $up:path, [$($story:ident),* $(,)?]) => {
        mod $name {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    if let Some(engine) = $up().await {
                        super::$story(&engine).await;
                    }
                }
            )*
        }
    };
}

conformance!(
    http,
    super::super::http_world::up,
    [
        output_is_complete_and_in_order,
        a_failure_is_a_failure,
        two_starts_with_one_key_are_one_run,
        a_cancel_ends_it_and_may_be_repeated,
        a_restart_of_firebell_loses_nothing_that_can_be_kept,
        a_restart_of_the_engine_is_told_as_it_was,
        a_start_without_an_answer_is_looked_up,
        what_never_started_may_be_started,
        no_error_holds_a_secret,
    ]
);

conformance!(
    ssh,
    super::super::ssh_world::up,
    [
        output_is_complete_and_in_order,
        a_failure_is_a_failure,
        two_starts_with_one_key_are_one_run,
        a_cancel_ends_it_and_may_be_repeated,
        a_restart_of_firebell_loses_nothing_that_can_be_kept,
        a_restart_of_the_engine_is_told_as_it_was,
        a_lost_engine_is_waited_for,
        a_start_without_an_answer_is_looked_up,
        what_never_started_may_be_started,
        no_error_holds_a_secret,
    ]
);

conformance!(
    rundeck,
    super::super::rundeck_world::up,
    [
        output_is_complete_and_in_order,
        a_failure_is_a_failure,
        two_starts_with_one_key_are_one_run,
        a_cancel_ends_it_and_may_be_repeated,
        a_restart_of_firebell_loses_nothing_that_can_be_kept,
        a_restart_of_the_engine_is_told_as_it_was,
        a_lost_engine_is_waited_for,
        a_start_without_an_answer_is_looked_up,
        what_never_started_may_be_started,
        no_error_holds_a_secret,
    ]
);

conformance!(
    kubernetes,
    super::super::kubernetes_world::up,
    [
        output_is_complete_and_in_order,
        a_failure_is_a_failure,
        two_starts_with_one_key_are_one_run,
        a_cancel_ends_it_and_may_be_repeated,
        a_restart_of_firebell_loses_nothing_that_can_be_kept,
        a_restart_of_the_engine_is_told_as_it_was,
        a_lost_engine_is_waited_for,
        a_start_without_an_answer_is_looked_up,
        what_never_started_may_be_started,
        no_error_holds_a_secret,
    ]
);
