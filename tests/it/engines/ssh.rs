//! The SSH executor with the system's `ssh` and a real sshd.

use super::conformance::Engine as _;
use super::ssh_world::{SshWorld, up};
use super::{Follow, patient, ran, refused, until, with};
use firebell::core::incident::Outcome;
use firebell::run::port::{Executor, Found, Job, Start};
use serde_json::json;
use std::collections::BTreeMap;

/// What a shell, `ssh` or JSON could take for more than text.
const HOSTILE: &[&str] = &[
    "a; touch /tmp/firebell-injected",
    "$(id)",
    "`id`",
    "'",
    "\"",
    "\\",
    "-oProxyCommand=id",
    "--",
    "&& id",
    "| id",
    "> /tmp/firebell-injected",
    "a b  c",
    "",
    "*",
    "~root",
    "%h %u",
    "${HOME}",
    "!!",
    "#",
    "\u{202e}abc",
    "žluť 火 🔥",
    "{\"verb\":\"cancel\"}",
];

async fn world() -> Option<SshWorld> {
    up().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arguments_arrive_as_they_are_and_no_shell_reads_them() {
    let Some(world) = world().await else { return };
    let executor = world.with(|_| {});
    let mut job = world.helped("show", HOSTILE);
    job.args = BTreeMap::from([("host".to_owned(), HOSTILE[0].to_owned())]);
    let done = ran(&executor, &job).await;
    let want: String = HOSTILE.iter().map(|a| format!("<{a}>\n")).collect();
    assert_eq!(done.text, want);
    assert!(!std::path::Path::new("/tmp/firebell-injected").exists());
    assert_eq!(
        world.lines(),
        [json!({"run": job.key, "argv": job.argv, "args": {"host": HOSTILE[0]}})]
    );
    // Nothing of it was in the remote command line, which sshd logs.
    assert!(!world.log().contains("injected"), "{}", world.log());

    // A line feed and a NUL are no text of an argument, and still do no harm.
    let odd = world.helped("show", &["a\nb"]);
    assert_eq!(ran(&executor, &odd).await.text, "<a\nb>\n");
    let odd = world.helped("show", &["a\0b"]);
    refused(&patient("start", executor.start(&odd)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_remote_program_reads_one_line_of_json() {
    let Some(world) = world().await else { return };
    let executor = world.with(|_| {});
    let mut job = world.run("plain", HOSTILE);
    job.args = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
    let done = ran(&executor, &job).await;
    let line = json!({"run": job.key, "argv": job.argv, "args": {"a": "b"}});
    assert_eq!(done.outcome, Outcome::Succeeded { exit: 0 }, "{done:?}");
    for part in [&*line.to_string(), "to stderr\n", "done\n"] {
        assert!(done.text.contains(part), "{part:?} in {:?}", done.text);
    }
    let done = ran(&executor, &world.run("plain", &["fails"])).await;
    assert_eq!(done.outcome, Outcome::Failed { exit: 9 });
    // Where the login shell steps aside, sshd says that a signal ended it, and ssh tells that as it
    // tells a broken line; a shell that stays says 128 and the signal.
    let done = ran(&executor, &world.run("plain", &["killed"])).await;
    let honest = matches!(
        done.outcome,
        Outcome::Unknown { .. } | Outcome::Failed { exit: 137 }
    );
    assert!(honest, "{done:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_connection_that_is_cut_leaves_an_unknown_outcome() {
    let Some(world) = world().await else { return };
    let executor = world.with(|_| {});
    let job = world.run("plain", &["waits"]);
    let mut run = Follow::start(&executor, &job).await;
    run.wrote("begun").await;
    world.proxy.cut();
    let done = run.ended().await;
    assert_eq!(done.outcome.word(), "unknown", "{done:?}");
    // A restart of firebell is as bad, and a cancel ends the connection only.
    let other = world.with(|_| {});
    let found = patient("reconcile", other.reconcile(&job, None)).await;
    assert!(matches!(found, Found::Unknowable { .. }), "{found:?}");
    for (idempotent, word) in [(false, "unknown"), (true, "cancelled")] {
        let job = with(world.run("plain", &["waits"]), |a| {
            a.idempotent = idempotent;
        });
        let mut run = Follow::start(&executor, &job).await;
        run.wrote("begun").await;
        executor.cancel(&job, &run.handle).await.unwrap();
        let done = run.ended().await;
        assert_eq!(done.outcome.word(), word, "{done:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_known_gets_nothing() {
    let Some(world) = world().await else { return };
    let jobs = || [world.helped("lines", &[]), world.run("plain", &["x"])];
    let expect = async |executor: &dyn Executor, job: &Job, words: &str| {
        let start = patient("start", executor.start(job)).await;
        assert!(refused(&start).contains(words), "{start:?}, not {words:?}");
    };
    for job in jobs() {
        world.know("other_host");
        expect(&world.with(|_| {}), &job, "Host key verification failed").await;
        let empty = world.at("empty");
        std::fs::write(&empty, "").unwrap();
        let nobody = world.with(|s| s.known_hosts = Some(empty));
        expect(&nobody, &job, "Host key verification failed").await;
        world.know("host");
        let stranger = world.with(|s| s.identity_file = Some(world.at("stranger")));
        expect(&stranger, &job, "Permission denied").await;
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        expect(&world.with(|s| s.port = port), &job, "Connection refused").await;
        let no_ssh = world.with(|s| s.program = "/no/such/ssh".into());
        expect(&no_ssh, &job, "cannot be started").await;
    }
    assert_eq!(world.lines().len(), 0);
    // Also when it is asked what became of a run, nobody guesses.
    world.know("other_host");
    let found = world.with(|_| {});
    let found = patient(
        "reconcile",
        found.reconcile(&world.helped("lines", &[]), None),
    )
    .await;
    assert!(matches!(found, Found::NotNow { .. }), "{found:?}");
    world.know("host");
    // It was the account's key that was missing, and nothing else.
    let done = ran(&world.with(|_| {}), &world.helped("lines", &[])).await;
    assert_eq!(done.outcome.word(), "succeeded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_comes_from_a_checked_argument_or_not_at_all() {
    let Some(world) = world().await else { return };
    let executor = world.with(|_| {});
    let to = |host: &str| {
        let mut job = with(world.helped("lines", &[]), |a| {
            if let firebell::core::directory::How::Ssh(run) = &mut a.how {
                run.host = "{host}".to_owned();
            }
        });
        job.args = BTreeMap::from([("host".to_owned(), host.to_owned())]);
        job
    };
    assert_eq!(
        ran(&executor, &to("127.0.0.1")).await.outcome.word(),
        "succeeded"
    );
    for host in [
        "-oProxyCommand=id",
        "x@127.0.0.1",
        "127.0.0.1 id",
        "",
        "ssh://127.0.0.1",
    ] {
        let start = patient("start", executor.start(&to(host))).await;
        assert!(
            refused(&start).contains("not the name or address"),
            "{host:?}: {start:?}"
        );
    }
    assert_eq!(world.lines().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_helper_runs_what_is_allowed_and_says_why_not() {
    let Some(world) = world().await else { return };
    let executor = world.with(|_| {});
    let outside = world.at("allow/../plain");
    let link = world.at("allow/link");
    std::os::unix::fs::symlink("/bin/sh", &link).unwrap();
    let writable = world.at("allow/writable");
    std::fs::copy(world.at("allow/lines"), &writable).unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(&writable, open).unwrap();
    for (program, words) in [
        ("/bin/sh", "not in a folder given by --allow"),
        (
            outside.to_str().unwrap(),
            "not in a folder given by --allow",
        ),
        (link.to_str().unwrap(), "not in a folder given by --allow"),
        (writable.to_str().unwrap(), "can be written by others"),
        ("lines", "not an absolute path"),
        (world.at("allow/none").to_str().unwrap(), "does not exist"),
    ] {
        let job = world.run("firebell-ssh-run", &[program]);
        let start = patient("start", executor.start(&job)).await;
        assert!(refused(&start).contains(words), "{program}: {start:?}");
    }
    // Too long for the line, and not there at all.
    let long = "x".repeat(70_000);
    let start = patient("start", executor.start(&world.helped("show", &[&long]))).await;
    assert!(refused(&start).contains("longer than"), "{start:?}");
    assert_eq!(world.lines().len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_without_the_helper_says_so() {
    let Some(world) = world().await else { return };
    // The gate runs a program that is not there, as sshd would without a forced command.
    std::fs::write(
        world.at("gate"),
        "#!/bin/sh\nexec /no/such/firebell-ssh-run\n",
    )
    .unwrap();
    let executor = world.with(|_| {});
    let job = world.helped("lines", &[]);
    let start = patient("start", executor.start(&job)).await;
    assert!(refused(&start).contains("is not installed on"), "{start:?}");
    std::fs::write(world.at("gate"), "#!/bin/sh\ncat >/dev/null\necho hello\n").unwrap();
    let start = patient("start", executor.start(&job)).await;
    assert!(matches!(start, Start::Ambiguous { .. }), "{start:?}");
    // Start-up files that talk are not the answer.
    std::fs::write(
        world.at("gate"),
        format!(
            "#!/bin/sh\necho welcome\nexec {0}/firebell-ssh-run --allow {0}/allow --spool {0}/spool\n",
            world.at("").display().to_string().trim_end_matches('/')
        ),
    )
    .unwrap();
    let done = ran(&executor, &job).await;
    assert_eq!(done.outcome.word(), "succeeded", "{done:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stubborn_program_is_killed_with_everything_it_left() {
    let Some(world) = world().await else { return };
    let executor = world.with(|_| {});
    let left = || std::fs::read_to_string(world.at("home/left")).unwrap_or_default();
    let gone = |pid: &str| {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        stat.map_or(true, |s| {
            s.rsplit_once(") ").is_some_and(|(_, r)| r.starts_with('Z'))
        })
    };
    let job = world.helped("stubborn", &[]);
    let mut run = Follow::start(&executor, &job).await;
    run.wrote("begun").await;
    let behind = left();
    assert!(!gone(&behind));
    executor.cancel(&job, &run.handle).await.unwrap();
    let done = run.ended().await;
    assert_eq!(done.outcome, Outcome::Cancelled);
    assert!(gone(&behind), "{behind} lives on");
    // The same at the time limit.
    let job = with(world.helped("stubborn", &[]), |a| a.limits.timeout_ms = 500);
    let done = ran(&executor, &job).await;
    assert_eq!(done.outcome, Outcome::TimedOut);
    assert!(done.duration_ms >= 1000, "the grace is kept: {done:?}");
    until("what it left is gone", || gone(&left())).await;
    let done = ran(&executor, &world.helped("killed", &[])).await;
    assert_eq!(done.outcome, Outcome::Killed { signal: 9 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn much_output_arrives_whole_and_too_much_is_counted() {
    let Some(world) = world().await else { return };
    let executor = world.with(|_| {});
    let done = ran(&executor, &world.helped("much", &[])).await;
    assert_eq!(done.text.len(), 3_000_000);
    assert_eq!(done.text, "0123456789abcde\n".repeat(200_000)[..3_000_000]);
    let little = with(world.helped("much", &[]), |a| {
        a.limits.output_bytes = 10_000;
    });
    let done = ran(&executor, &little).await;
    assert_eq!(done.text.len(), 160_000);
    assert_eq!(
        done.notes,
        ["2840000 bytes of output were too much for the other machine"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_cut_in_the_middle_is_taken_up_again() {
    let Some(world) = world().await else { return };
    let executor = world.with(|_| {});
    let job = world.helped("long", &[]);
    let mut run = Follow::start(&executor, &job).await;
    run.wrote("begun").await;
    for _ in 0..3 {
        let polled = executor.poll(&job, &run.handle, &run.cursor);
        let (polled, ()) = tokio::join!(polled, async { world.proxy.cut() });
        // Cut in the middle or not yet there: no news either way.
        assert!(polled.is_err() || polled.is_ok_and(|news| news.bytes.is_empty()));
    }
    world.release();
    let done = run.ended().await;
    assert_eq!(
        (&*done.text, done.outcome.word()),
        ("begun\ndone\n", "succeeded")
    );
    assert_eq!(world.runs(&job), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_comes_after_the_look_up_is_refused() {
    let Some(world) = world().await else { return };
    let (before, after) = (world.with(|_| {}), world.with(|_| {}));
    let job = world.helped("lines", &[]);
    let found = patient("reconcile", after.reconcile(&job, None)).await;
    assert_eq!(found, Found::Absent);
    // The start of the process that died arrives late, and twice.
    for _ in 0..2 {
        let late = patient("late start", before.start(&job)).await;
        assert!(refused(&late).contains("too late"), "{late:?}");
    }
    assert_eq!(world.runs(&job), 0);
    let done = ran(&after, &job).await;
    assert_eq!(done.outcome.word(), "succeeded");
    assert_eq!(world.runs(&job), 1);
    // A key that was used for something else is nobody's.
    let mut other = job.clone();
    other.subject = "something else".to_owned();
    let start = patient("start", after.start(&other)).await;
    assert!(refused(&start).contains("another run"), "{start:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_starts_at_once_are_one_run() {
    let Some(world) = world().await else { return };
    let job = world.helped("lines", &[]);
    let executors: Vec<_> = (0..8).map(|_| world.with(|_| {})).collect();
    let starts = executors.iter().map(|e| e.start(&job));
    for start in patient("starts", futures_util::future::join_all(starts)).await {
        assert!(matches!(start, Start::Started(_)), "{start:?}");
    }
    until("it has begun", || world.runs(&job) > 0).await;
    let handle = firebell::run::port::Handle("spool".to_owned());
    let done = Follow::from(&executors[3], &job, handle).ended().await;
    assert_eq!(done.text, "line 1\nline 2\nline 3\nline 4\n");
    assert_eq!(world.runs(&job), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_line_starts_nothing() {
    let Some(world) = world().await else { return };
    let whole = json!({
        "verb": "start", "run": "k-half", "argv": [world.at("allow/lines")], "args": {},
        "timeout_ms": 1000, "grace_ms": 100, "keep_bytes": 1000, "subject": "x",
    })
    .to_string();
    let tell = |text: &str| {
        use std::io::Write as _;
        let mut child = std::process::Command::new(world.at("firebell-ssh-run"))
            .arg("--allow")
            .arg(world.at("allow"))
            .arg("--spool")
            .arg(world.at("own-spool"))
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        let said = child.wait_with_output().unwrap();
        let said: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
        said
    };
    let bad = |key: &str| whole.replace("k-half", key) + "\n";
    for text in [
        String::new(),
        whole[..whole.len() / 2].to_owned(),
        whole.clone(),
        format!("{}\n", &whole[..whole.len() / 2]),
        format!("{whole}\n{whole}\n"),
        "[]\n".to_owned(),
        "{}\n".to_owned(),
        bad("../../etc"),
        bad("K"),
        bad(""),
        bad("a\\nb"),
        whole.replace("1000", "true") + "\n",
        whole.replace("\"start\"", "\"begin\"") + "\n",
    ] {
        let said = tell(&text);
        assert_eq!(said["state"], "refused", "{text:?}: {said}");
    }
    let spool = std::fs::read_dir(world.at("own-spool"));
    let left: Vec<_> = spool
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.file_name())
        .collect();
    assert!(left.iter().all(|name| name == "lock"), "{left:?}");
    assert_eq!(world.lines().len(), 0);
}
