//! The Rundeck executor against the stand-in: what it asks for, and what it makes of the answers.

use super::rundeck_world::up;
use super::{Follow, SECRET, patient, ran, refused, with};
use firebell::core::incident::Outcome;
use firebell::run::port::{Cursor, Executor, Found, Handle, Stand, Start};
use serde_json::json;

fn reported(good: bool, what: &str) -> Outcome {
    Outcome::Reported {
        good,
        what: what.to_owned(),
    }
}

#[tokio::test]
async fn a_run_carries_its_options_and_its_key() {
    let world = up().await.unwrap();
    let executor = world.with(|_| {});
    let job = world.run("lines", &["host=a=b; $(id)", "empty=", "žluť=火"]);
    let done = ran(&executor, &job).await;
    assert_eq!(done.outcome, reported(true, "Rundeck says succeeded"));
    assert!(done.duration_ms > 0);
    let options = json!({
        "host": "a=b; $(id)", "empty": "", "žluť": "火", "firebell_run_id": job.key,
    });
    assert_eq!(
        world.inner().bodies,
        [json!({"options": options, "loglevel": "INFO"})]
    );
    let asked = world.inner().asked.join("\n");
    assert!(
        !asked.contains(SECRET) && !asked.contains("authtoken"),
        "{asked}"
    );
}

#[tokio::test]
async fn four_lines_over_three_seconds_are_read_by_offset() {
    let world = up().await.unwrap();
    world.inner().tick = 750;
    let executor = world.with(|_| {});
    let job = world.run("lines", &[]);
    let mut run = Follow::start(&executor, &job).await;
    run.wrote("line 1\n").await;
    assert!(!run.text().contains("line 4"), "it is told while it runs");
    let done = run.ended().await;
    assert_eq!(done.text, "line 1\nline 2\nline 3\nline 4\n");
    assert!((3750..6000).contains(&done.duration_ms), "{done:?}");
    let inner = world.inner();
    let outputs: Vec<&String> = inner
        .asked
        .iter()
        .filter(|a| a.contains("/output?"))
        .collect();
    assert!(outputs[0].contains("offset=0&lastmod=0&maxlines="));
    assert!(
        outputs.last().unwrap().contains("offset=265&"),
        "{outputs:?}"
    );
}

#[tokio::test]
async fn output_is_text_of_any_kind_and_any_length() {
    let world = up().await.unwrap();
    for version in [41, 43, 59] {
        let executor = world.with(|s| s.api_version = version);
        let done = ran(&executor, &world.run("unicode", &[])).await;
        assert_eq!(done.text, "žluť 火\n\n🔥\u{202e}\n", "version {version}");
    }
    let executor = world.with(|_| {});
    let done = ran(&executor, &world.run("many", &[])).await;
    let want: String = (0..5000).map(|n| format!("line {n}\n")).collect();
    assert_eq!(done.text, want);
}

#[tokio::test]
async fn a_log_that_is_pending_is_waited_for() {
    let world = up().await.unwrap();
    world.inner().pending = true;
    let executor = world.with(|_| {});
    let job = world.run("long", &[]);
    let mut run = Follow::start(&executor, &job).await;
    assert_eq!(run.look().await, Stand::Running);
    assert_eq!(run.text(), "");
    world.inner().pending = false;
    run.wrote("begun").await;
    // Nothing new is a few bytes.
    assert_eq!(run.look().await, Stand::Running);
    super::conformance::Engine::release(&world);
    assert_eq!(run.ended().await.text, "begun\ndone\n");
}

#[tokio::test]
async fn refusals_are_told_in_rundecks_words() {
    let world = up().await.unwrap();
    let executor = world.with(|_| {});
    let limit = "The job has a limit of 1; Limit of running executions has been reached.";
    for (status, code, words) in [
        (409, "api.error.execution.conflict", limit),
        (
            403,
            "api.error.item.unauthorized",
            "Not authorized for action \"Run\"",
        ),
        (
            400,
            "api.error.job.options-invalid",
            "Option 'opt2' is required.",
        ),
        (400, "api.error.job.disabled", "Job executions are disabled"),
    ] {
        world.inner().refuse = Some((status, code, words.to_owned()));
        let start = patient("start", executor.start(&world.run("lines", &[]))).await;
        let why = refused(&start);
        assert!(
            why.contains(words) && why.contains(&status.to_string()),
            "{why}"
        );
    }
    // An error of the server proves nothing.
    world.inner().refuse = Some((500, "api.error.execution.error", "oh no".to_owned()));
    let start = patient("start", executor.start(&world.run("lines", &[]))).await;
    assert!(matches!(start, Start::Ambiguous { .. }), "{start:?}");
    world.inner().refuse = None;
    let start = patient("start", executor.start(&world.run("none", &[]))).await;
    assert!(refused(&start).contains("Job ID does not exist: none"));
    let own = world.run("lines", &["firebell_run_id=mine"]);
    let start = patient("start", executor.start(&own)).await;
    assert!(refused(&start).contains("firebell's own"), "{start:?}");
    assert_eq!(world.inner().bodies.len(), 6);

    let stranger = world.with(|s| s.token = "invalid-token".into());
    let start = patient("start", stranger.start(&world.run("lines", &[]))).await;
    assert!(
        refused(&start).contains("403: (Token:inval****) is not authorized"),
        "{start:?}"
    );
    let ancient = world.with(|s| s.api_version = 9);
    let start = patient("start", ancient.start(&world.run("lines", &[]))).await;
    assert!(
        refused(&start).contains("Unsupported API Version"),
        "{start:?}"
    );
    let unknown = with(world.run("lines", &[]), |a| {
        if let firebell::core::directory::How::Rundeck(run) = &mut a.how {
            run.server = "other".to_owned();
        }
    });
    let start = patient("start", executor.start(&unknown)).await;
    assert!(refused(&start).contains("[rundeck.other]"), "{start:?}");
}

#[tokio::test]
async fn a_retry_by_rundeck_is_followed() {
    let world = up().await.unwrap();
    let executor = world.with(|_| {});
    let done = ran(&executor, &world.run("retries", &[])).await;
    assert_eq!(done.text, "first try\nline 1\nline 2\nline 3\nline 4\n");
    assert_eq!(done.outcome.word(), "succeeded");
    assert_eq!(done.notes, ["Rundeck retried it 1 times"]);
}

#[tokio::test]
async fn ends_that_are_neither_good_nor_bad() {
    let world = up().await.unwrap();
    let executor = world.with(|_| {});
    let outcome = async |name: &str| ran(&executor, &world.run(name, &[])).await.outcome;
    assert_eq!(
        outcome("custom").await,
        reported(false, "Rundeck says half done")
    );
    assert_eq!(outcome("timedout").await, Outcome::TimedOut);
    assert_eq!(outcome("missed").await.word(), "not started");
    let failed = ran(&executor, &world.run("fails", &[])).await;
    assert_eq!(failed.notes, ["failed on web-1"]);
}

#[tokio::test]
async fn the_actions_time_limit_is_kept_by_an_abort() {
    let world = up().await.unwrap();
    let executor = world.with(|_| {});
    let job = with(world.run("long", &[]), |a| a.limits.timeout_ms = 300);
    let done = ran(&executor, &job).await;
    assert_eq!(done.outcome, Outcome::TimedOut, "{done:?}");
    assert_eq!(done.text, "begun\n");
}

#[tokio::test]
async fn an_abort_is_pending_first_and_one_of_nothing_is_an_error() {
    let world = up().await.unwrap();
    let executor = world.with(|_| {});
    let job = world.run("long", &[]);
    let mut run = Follow::start(&executor, &job).await;
    run.wrote("begun").await;
    executor.cancel(&job, &run.handle).await.unwrap();
    assert_eq!(run.look().await, Stand::Running, "pending");
    let done = run.ended().await;
    assert_eq!(done.outcome, Outcome::Cancelled);
    assert_eq!(done.notes, ["aborted in Rundeck by firebell"]);
    let nobody = Handle("4711".to_owned());
    let said = executor.cancel(&job, &nobody).await.unwrap_err();
    assert!(
        said.why.contains("404: Execution ID does not exist: 4711"),
        "{said:?}"
    );
    // An execution that was deleted in Rundeck can be told nothing of.
    let news = executor
        .poll(&job, &nobody, &Cursor::default())
        .await
        .unwrap();
    let Stand::Ended { outcome, .. } = news.stand else {
        panic!("still running")
    };
    assert_eq!(outcome.word(), "unknown");
}

#[tokio::test]
async fn a_run_is_found_among_hundreds() {
    let world = up().await.unwrap();
    let executor = world.with(|_| {});
    world.others("lines", 70);
    let job = world.run("lines", &[]);
    let Start::Started(handle) = executor.start(&job).await else {
        panic!("did not start")
    };
    assert_eq!(handle.0, "71");
    world.others("lines", 230);
    let other = world.with(|_| {});
    let found = patient("reconcile", other.reconcile(&job, None)).await;
    assert_eq!(found, Found::Here(handle));
    let nobody = world.run("lines", &[]);
    let found = patient("reconcile", other.reconcile(&nobody, None)).await;
    assert!(matches!(found, Found::Unknowable { .. }), "{found:?}");
}

#[tokio::test]
async fn starts_at_the_same_time_are_one_run() {
    let world = up().await.unwrap();
    let executor = world.with(|_| {});
    let job = world.run("lines", &[]);
    let starts = (0..8).map(|_| executor.start(&job));
    for start in patient("starts", futures_util::future::join_all(starts)).await {
        assert_eq!(start, Start::Started(Handle("1".to_owned())));
    }
    assert_eq!(world.inner().bodies.len(), 1);
}
