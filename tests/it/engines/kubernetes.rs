//! The Kubernetes executor against the stand-in: what it asks for, and what it makes of the answers.

use super::kubernetes_world::{cluster, up};
use super::{Follow, SECRET, patient, ran, refused, with};
use firebell::core::directory::How;
use firebell::core::incident::Outcome;
use firebell::run::port::{Cursor, Executor, Found, Handle, Stand, Start};
use serde_json::json;

#[tokio::test]
async fn a_job_is_one_container_without_privileges_that_gets_what_was_approved() {
    let world = up().await.unwrap();
    let executor = world.with(SECRET);
    let argv = ["/bin/act", "$(HOME) $$ `id`", "a b", "", "žluť"];
    let mut job = with(world.run("lines", &argv), |a| {
        a.limits.timeout_ms = 90_500;
        a.limits.kill_grace_ms = 5_000;
        a.limits.memory_bytes = Some(64 << 20);
        if let How::Kubernetes(run) = &mut a.how {
            run.env.insert("X".to_owned(), "$(Y)".to_owned());
        }
    });
    job.subject = "the subject".to_owned();
    let done = ran(&executor, &job).await;
    assert_eq!(done.outcome, Outcome::Succeeded { exit: 0 });
    let object = world.inner().jobs[0].object.clone();
    let meta = &object["metadata"];
    assert_eq!(meta["name"], format!("fb-{}", job.key));
    assert_eq!(meta["labels"]["firebell.dev/run-id"], *job.key);
    assert_eq!(
        meta["annotations"]["firebell.dev/subject-hash"],
        "the subject"
    );
    let spec = &object["spec"];
    for (key, value) in [
        ("backoffLimit", json!(0)),
        ("activeDeadlineSeconds", json!(91)),
        ("ttlSecondsAfterFinished", json!(3600)),
        ("parallelism", json!(1)),
        ("completions", json!(1)),
        ("podReplacementPolicy", json!("Failed")),
    ] {
        assert_eq!(spec[key], value, "{key}");
    }
    let pod = &spec["template"]["spec"];
    for (key, value) in [
        ("restartPolicy", json!("Never")),
        ("automountServiceAccountToken", json!(false)),
        ("terminationGracePeriodSeconds", json!(5)),
        ("serviceAccountName", json!(null)),
    ] {
        assert_eq!(pod[key], value, "{key}");
    }
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(
        pod["securityContext"]["seccompProfile"]["type"],
        "RuntimeDefault"
    );
    let container = &pod["containers"][0];
    // Doubled, so that Kubernetes makes of it what it was.
    let command = ["/bin/act", "$$(HOME) $$$$ `id`", "a b", "", "žluť"];
    assert_eq!(container["command"], json!(command));
    assert_eq!(container["env"], json!([{"name": "X", "value": "$$(Y)"}]));
    assert_eq!(
        container["resources"]["limits"]["memory"],
        (64 << 20).to_string()
    );
    let safe = &container["securityContext"];
    assert_eq!(safe["allowPrivilegeEscalation"], false);
    assert_eq!(safe["readOnlyRootFilesystem"], true);
    assert_eq!(safe["capabilities"]["drop"], json!(["ALL"]));
}

#[tokio::test]
async fn an_account_is_named_only_when_the_file_names_one() {
    let world = up().await.unwrap();
    let executor = world.with(SECRET);
    let job = with(world.run("lines", &["/bin/act"]), |a| {
        if let How::Kubernetes(run) = &mut a.how {
            run.service_account = Some("restarter".to_owned());
        }
    });
    ran(&executor, &job).await;
    let pod = world.inner().jobs[0].object["spec"]["template"]["spec"].clone();
    assert_eq!(pod["serviceAccountName"], "restarter");
    assert_eq!(pod["automountServiceAccountToken"], true);
}

#[tokio::test]
async fn exit_codes_and_reasons_come_from_the_pod() {
    let world = up().await.unwrap();
    let executor = world.with(SECRET);
    let done = ran(&executor, &world.run("fails", &["/bin/act"])).await;
    assert_eq!(done.outcome, Outcome::Failed { exit: 3 });
    let fine = with(world.run("fails", &["/bin/act"]), |a| a.success = vec![3]);
    assert_eq!(
        ran(&executor, &fine).await.outcome,
        Outcome::Succeeded { exit: 3 }
    );
    let done = ran(&executor, &world.run("oom", &["/bin/act"])).await;
    assert_eq!(done.outcome, Outcome::OutOfMemory);
}

#[tokio::test]
async fn the_deadline_ends_it_and_what_never_started_says_why() {
    let world = up().await.unwrap();
    let executor = world.with(SECRET);
    let short = |image| {
        with(world.run(image, &["/bin/act"]), |a| {
            a.limits.timeout_ms = 1000;
        })
    };
    let done = ran(&executor, &short("long")).await;
    assert_eq!(done.outcome, Outcome::TimedOut, "{done:?}");
    assert_eq!(done.text, "begun\n");
    let done = ran(&executor, &short("no-such-image")).await;
    assert_eq!(done.outcome, Outcome::TimedOut, "{done:?}");
}

#[tokio::test]
async fn a_log_that_is_cut_again_and_again_is_complete() {
    let world = up().await.unwrap();
    let executor = world.with(SECRET);
    world.inner().cuts = 3;
    let done = ran(&executor, &world.run("lines", &["/bin/act"])).await;
    assert_eq!(done.text, "line 1\nline 2\nline 3\nline 4\n");
    assert_eq!(world.inner().cuts, 0);
    let streams = world.inner().streams.clone();
    assert!(streams[0].contains("\"follow\": \"true\""), "{streams:?}");
    assert!(
        !streams[0].contains("sinceTime") && streams[1].contains("sinceTime"),
        "{streams:?}"
    );
}

#[tokio::test]
async fn many_lines_of_one_instant_are_read_once_each() {
    let world = up().await.unwrap();
    let executor = world.with(SECRET);
    let text = "x".repeat(100);
    let want: String = (0..6000).map(|n| format!("{n} {text}\n")).collect();
    let done = ran(&executor, &world.run("burst", &["/bin/act"])).await;
    assert!(
        done.text == want,
        "{} bytes of {}",
        done.text.len(),
        want.len()
    );
}

#[tokio::test]
async fn a_program_that_was_started_twice_is_told_of() {
    let world = up().await.unwrap();
    let executor = world.with(SECRET);
    let done = ran(&executor, &world.run("twice", &["/bin/act"])).await;
    assert_eq!(done.text, "line 1\nline 1\nline 2\nline 3\nline 4\n");
    assert_eq!(done.outcome, Outcome::Succeeded { exit: 0 });
    assert_eq!(
        done.notes,
        ["Kubernetes started it 2 times; see its documentation of Jobs"]
    );
}

#[tokio::test]
async fn a_job_of_the_name_is_adopted_only_when_it_is_this_run() {
    let world = up().await.unwrap();
    let executor = world.with(SECRET);
    let job = world.run("lines", &["/bin/act"]);
    let Start::Started(first) = executor.start(&job).await else {
        panic!("did not start")
    };
    let again = patient("start", executor.start(&job)).await;
    assert_eq!(again, Start::Started(first));
    let mut other = job.clone();
    other.subject = "something else".to_owned();
    let start = patient("start", executor.start(&other)).await;
    assert!(refused(&start).contains("not this run"), "{start:?}");
    let found = patient("reconcile", executor.reconcile(&other, None)).await;
    assert!(matches!(found, Found::Unknowable { .. }), "{found:?}");
    assert_eq!(world.inner().jobs.len(), 1);
}

#[tokio::test]
async fn a_job_that_is_gone_is_not_guessed_about() {
    let world = up().await.unwrap();
    let executor = world.with(SECRET);
    let job = world.run("lines", &["/bin/act"]);
    let mut run = Follow::start(&executor, &job).await;
    run.wrote("line 2").await;
    let (handle, cursor) = (run.handle.clone(), run.cursor.clone());
    world.inner().jobs[0].expired = true;
    let done = run.ended().await;
    assert_eq!(done.outcome.word(), "unknown", "{done:?}");
    // Nor is another Job of the name taken for it, or deleted for it.
    let Start::Started(second) = executor.start(&job).await else {
        panic!("did not start")
    };
    assert_ne!(handle, second);
    executor.cancel(&job, &handle).await.unwrap();
    assert!(world.inner().jobs[1].is_there());
    let news = patient("poll", executor.poll(&job, &handle, &cursor))
        .await
        .unwrap();
    assert!(news.stand == Stand::Running || matches!(news.stand, Stand::Ended { .. }));
}

#[tokio::test]
async fn refusals_are_told_in_the_clusters_words() {
    let world = up().await.unwrap();
    let stranger = world.with("somebody-else");
    let job = world.run("lines", &["/bin/act"]);
    let start = patient("start", stranger.start(&job)).await;
    assert!(refused(&start).contains("401 Unauthorized"), "{start:?}");
    let executor = world.with(SECRET);
    let elsewhere = with(world.run("lines", &["/bin/act"]), |a| {
        if let How::Kubernetes(run) = &mut a.how {
            run.namespace = "kube-system".to_owned();
        }
    });
    let start = patient("start", executor.start(&elsewhere)).await;
    assert!(refused(&start).contains("403 Forbidden"), "{start:?}");
    let mut odd = world.run("lines", &["/bin/act"]);
    odd.key = "Not_A_Label".to_owned();
    let start = patient("start", executor.start(&odd)).await;
    assert!(refused(&start).contains("422 Invalid"), "{start:?}");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let start = patient("start", cluster(&url, SECRET).start(&job)).await;
    assert!(refused(&start).contains("connection refused"), "{start:?}");
    let said = cluster(&url, SECRET);
    let said = said
        .poll(&job, &Handle(String::new()), &Cursor::default())
        .await;
    assert!(said.unwrap_err().why.contains("cannot be reached"));
    assert_eq!(world.inner().jobs.len(), 0);
}
