//! The process executor with real programs, owned by real shims.

use firebell::core::directory::{Action, How, ProcessRun};
use firebell::core::id::{IncidentId, RunId};
use firebell::core::incident::Outcome;
use firebell::run::Output;
use firebell::run::port::{Cursor, Executor, Found, Handle, Job, Stand, Start};
use firebell::run::process::ProcessExecutor;
use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

mod bounds;
mod sweep;

/// Longer than anything here takes; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A run as a test wants it.
#[derive(Clone)]
struct Spec {
    argv: Vec<String>,
    run: ProcessRun,
    limits: firebell::core::directory::Limits,
    success: Vec<i32>,
    data: PathBuf,
}

/// How it ended and what it wrote.
#[derive(Debug)]
struct Ended {
    outcome: Outcome,
    duration_ms: i64,
    bytes: i64,
    tail: String,
    output: String,
    notes: Vec<String>,
}

fn executor(data: &Path) -> ProcessExecutor {
    ProcessExecutor::new(&data.join("runs"), env!("CARGO_BIN_EXE_firebell").into()).unwrap()
}

fn job(spec: &Spec, key: &str) -> Job {
    let mut action = Action::of_program("a", &[]);
    action.how = How::Process(spec.run.clone());
    action.limits = spec.limits.clone();
    action.success.clone_from(&spec.success);
    Job {
        run: RunId(1),
        incident: IncidentId(1),
        key: key.to_owned(),
        subject: "s".to_owned(),
        action: Arc::new(action),
        argv: spec.argv.clone(),
        args: BTreeMap::new(),
        rehearsal: false,
    }
}

fn spec(scratch: &TempDir, argv: &[&str]) -> Spec {
    Spec {
        argv: argv.iter().map(|a| (*a).to_owned()).collect(),
        run: ProcessRun::default(),
        limits: firebell::core::directory::Limits {
            timeout_ms: 20_000,
            output_bytes: 64 * 1024,
            ..Default::default()
        },
        success: vec![0],
        data: scratch.path().join("data"),
    }
}

/// A script; the program is /bin/sh, as somebody's action might have it.
fn script(scratch: &TempDir, text: &str) -> Spec {
    spec(scratch, &["/bin/sh", "-c", text])
}

async fn patient<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work)
        .await
        .expect("it hangs")
}

/// Runs it and says whether it was reported as started.
async fn told(spec: &Spec) -> (Ended, bool) {
    let executor = executor(&spec.data);
    let job = job(spec, &format!("fb-{}", fastrand::u64(..)));
    match patient(Executor::start(&executor, &job)).await {
        Start::Started(handle) => (follow(&executor, &job, &handle).await, true),
        Start::NotStarted { why } => {
            let ended = Ended {
                outcome: Outcome::NotStarted { why },
                duration_ms: 0,
                bytes: 0,
                tail: String::new(),
                output: String::new(),
                notes: Vec::new(),
            };
            (ended, false)
        }
        Start::Ambiguous { why } => panic!("{why}"),
    }
}

/// Follows it to its end, as firebell does.
async fn follow(executor: &ProcessExecutor, job: &Job, handle: &Handle) -> Ended {
    let mut output = Output::new(job.action.limits.output_bytes);
    let mut cursor = Cursor::default();
    loop {
        let news = patient(executor.poll(job, handle, &cursor)).await.unwrap();
        output.push(&news.bytes);
        cursor = news.cursor;
        if let Stand::Ended {
            outcome,
            duration_ms,
            notes,
        } = news.stand
        {
            output.finish();
            return Ended {
                outcome,
                duration_ms,
                bytes: output.bytes(),
                tail: output.tail(),
                output: output.text(),
                notes,
            };
        }
    }
}

/// Starts it; it must start.
async fn started(executor: &ProcessExecutor, job: &Job) -> Handle {
    match patient(Executor::start(executor, job)).await {
        Start::Started(handle) => handle,
        other => panic!("{other:?}"),
    }
}

async fn ended(spec: &Spec) -> Ended {
    told(spec).await.0
}

/// Whether a process is gone or only waits to be reaped by a parent that is not firebell.
fn gone(pid: &str) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat
            .rsplit_once(") ")
            .is_some_and(|(_, rest)| rest.starts_with('Z')),
        Err(_) => true,
    }
}

/// Every file below a folder.
fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.extend(walk(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

async fn comes_true(mut what: impl FnMut() -> bool) {
    patient(async {
        while !what() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn every_argument_arrives_as_it_is() {
    let scratch = TempDir::new().unwrap();
    let odd = [
        "two words",
        "",
        "*",
        "$(id)",
        "`id`",
        "a;b",
        "a'b\"c",
        "-n",
        "ž€",
        "line\nend",
        "{x}",
        "~",
    ];
    let mut argv = vec!["/usr/bin/printf", "<%s>"];
    argv.extend(odd);
    let (ended, started) = told(&spec(&scratch, &argv)).await;
    let want: String = odd.iter().map(|a| format!("<{a}>")).collect();
    assert_eq!(ended.output, want);
    assert_eq!(ended.outcome, Outcome::Succeeded { exit: 0 });
    assert_eq!(ended.bytes, i64::try_from(want.len()).unwrap());
    assert!(started);
}

#[tokio::test]
async fn the_environment_holds_what_the_action_names_and_nothing_else() {
    let scratch = TempDir::new().unwrap();
    let mut spec = spec(&scratch, &["/usr/bin/env"]);
    let own = ended(&spec).await.output;
    assert!(
        own.starts_with("FIREBELL_ARTIFACTS=/") && own.lines().count() == 1,
        "{own}"
    );
    spec.run.env = BTreeMap::from([
        ("LANG".to_owned(), "C.UTF-8".to_owned()),
        ("EMPTY".to_owned(), String::new()),
    ]);
    let all = ended(&spec).await.output;
    let mut rest: Vec<_> = all
        .lines()
        .filter(|l| !l.starts_with("FIREBELL_"))
        .collect();
    rest.sort_unstable();
    assert_eq!(rest, ["EMPTY=", "LANG=C.UTF-8"]);
}

#[tokio::test]
async fn it_works_in_a_fresh_empty_folder_that_is_removed_afterwards() {
    let scratch = TempDir::new().unwrap();
    let text = "/bin/ls -A; /usr/bin/stat -c %a .; /bin/pwd; echo x > left; /bin/mkdir -p a/b";
    let ended = ended(&script(&scratch, text)).await;
    let lines: Vec<&str> = ended.output.lines().collect();
    assert_eq!(lines.len(), 2, "{}", ended.output);
    assert_eq!(lines[0], "700");
    let real = scratch.path().canonicalize().unwrap();
    assert!(Path::new(lines[1]).starts_with(real), "{}", lines[1]);
    assert!(!Path::new(lines[1]).exists());
}

#[tokio::test]
async fn a_given_folder_is_used_and_left_alone() {
    let (scratch, own) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let mut spec = script(&scratch, "echo kept > file");
    spec.run.cwd = Some(own.path().to_str().unwrap().to_owned());
    assert_eq!(ended(&spec).await.outcome, Outcome::Succeeded { exit: 0 });
    assert_eq!(
        std::fs::read_to_string(own.path().join("file")).unwrap(),
        "kept\n"
    );
}

#[tokio::test]
async fn the_two_streams_are_one_text_in_the_order_written() {
    let scratch = TempDir::new().unwrap();
    let text = "for i in 1 2 3; do echo out $i; echo err $i >&2; done";
    assert_eq!(
        ended(&script(&scratch, text)).await.output,
        "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n"
    );
}

#[tokio::test]
async fn nothing_can_be_typed_into_it() {
    let scratch = TempDir::new().unwrap();
    let ended = ended(&script(&scratch, "read line; echo \"$?:$line\"")).await;
    assert_eq!(ended.output, "1:\n");
}

#[tokio::test]
async fn exit_codes_and_signals_are_told_apart() {
    let scratch = TempDir::new().unwrap();
    let mut odd = script(&scratch, "exit 75");
    assert_eq!(ended(&odd).await.outcome, Outcome::Failed { exit: 75 });
    odd.success = vec![0, 75];
    assert_eq!(ended(&odd).await.outcome, Outcome::Succeeded { exit: 75 });
    let killed = ended(&script(&scratch, "kill -9 $$")).await;
    assert_eq!(killed.outcome, Outcome::Killed { signal: 9 });
}

#[tokio::test]
async fn at_its_time_limit_it_ends_with_its_grandchildren() {
    let scratch = TempDir::new().unwrap();
    let text = "/bin/sh -c '/bin/sleep 300 & echo $!; wait' & wait";
    let mut spec = script(&scratch, text);
    spec.limits.timeout_ms = 500;
    let ended = ended(&spec).await;
    assert_eq!(ended.outcome, Outcome::TimedOut);
    assert!(ended.duration_ms >= 500, "{}", ended.duration_ms);
    let pid = ended.output.trim().to_owned();
    assert!(pid.parse::<u32>().is_ok(), "{pid:?}");
    comes_true(|| gone(&pid)).await;
}

#[tokio::test]
async fn a_program_that_ignores_being_asked_is_killed() {
    let scratch = TempDir::new().unwrap();
    let text = "trap 'echo asked' TERM; echo $$; while :; do /bin/sleep 300; done";
    let mut spec = script(&scratch, text);
    spec.limits.timeout_ms = 500;
    spec.limits.kill_grace_ms = 500;
    let ended = ended(&spec).await;
    assert_eq!(ended.outcome, Outcome::TimedOut);
    assert!(ended.output.ends_with("\nasked\n"), "{}", ended.output);
    assert!(
        (1000..10_000).contains(&ended.duration_ms),
        "{}",
        ended.duration_ms
    );
}

#[tokio::test]
async fn a_program_that_obeys_is_given_its_grace() {
    let scratch = TempDir::new().unwrap();
    let text = "trap 'echo tidied up; exit 0' TERM; /bin/sleep 300 & wait";
    let mut spec = script(&scratch, text);
    spec.limits.timeout_ms = 500;
    let ended = ended(&spec).await;
    assert_eq!(ended.outcome, Outcome::TimedOut);
    assert_eq!(ended.output, "tidied up\n");
    assert!(ended.duration_ms < 4_500, "{}", ended.duration_ms);
}

#[tokio::test]
async fn a_child_left_behind_with_the_output_open_neither_hangs_it_nor_survives() {
    let scratch = TempDir::new().unwrap();
    let ended = ended(&script(&scratch, "/bin/sleep 300 & echo $!")).await;
    assert_eq!(ended.outcome, Outcome::Succeeded { exit: 0 });
    assert!(ended.duration_ms < 10_000, "{}", ended.duration_ms);
    let pid = ended.output.trim().to_owned();
    comes_true(|| gone(&pid)).await;
}

#[tokio::test]
async fn a_child_left_behind_without_output_does_not_survive_either() {
    let scratch = TempDir::new().unwrap();
    let text = "/bin/sleep 300 >/dev/null 2>&1 & echo $!";
    let ended = ended(&script(&scratch, text)).await;
    let pid = ended.output.trim().to_owned();
    comes_true(|| gone(&pid)).await;
}

#[tokio::test]
async fn too_much_output_is_cut_in_the_middle_and_counted() {
    let scratch = TempDir::new().unwrap();
    let mut spec = script(
        &scratch,
        "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo line $i; done",
    );
    spec.limits.output_bytes = 4_000;
    let ended = ended(&spec).await;
    let all: String = (1..=2000).map(|i| format!("line {i}\n")).collect();
    assert_eq!(ended.bytes, i64::try_from(all.len()).unwrap());
    assert!(ended.output.starts_with("line 1\nline 2\n"));
    assert!(ended.output.ends_with("line 1999\nline 2000\n"));
    assert!(
        ended.output.contains("\n… 14,893 bytes left out …\n"),
        "{}",
        ended.output
    );
    assert_eq!(all.len() - 4_000, 14_893);
    assert!(ended.tail.ends_with("line 2000") && ended.tail.chars().count() <= 2_000);
}

#[tokio::test]
async fn endless_output_ends_at_the_time_limit() {
    let scratch = TempDir::new().unwrap();
    let mut spec = spec(&scratch, &["/usr/bin/yes"]);
    spec.limits.timeout_ms = 500;
    let ended = ended(&spec).await;
    assert_eq!(ended.outcome, Outcome::TimedOut);
    assert!(ended.output.len() < 66 * 1024 && ended.bytes > 65 * 1024);
    let spool = spec.data.join("runs");
    let kept: u64 = walk(&spool)
        .iter()
        .map(|p| p.metadata().unwrap().len())
        .sum();
    assert!(kept < 8 * 1024 * 1024, "{kept} bytes on the disk");
}

#[tokio::test]
async fn what_reaches_people_is_plain_and_masked() {
    let scratch = TempDir::new().unwrap();
    let text = r"printf '\033[31mred\033[0m \033]0;title\007token xo'
        /bin/sleep 0.1
        printf 'xb-1234567890-abcdefghij\nAuthorization: Bearer abcdefgh.ijkl\n'";
    let ended = ended(&script(&scratch, text)).await;
    assert_eq!(
        ended.output,
        "red token [masked]\nAuthorization: Bearer [masked]\n"
    );
}

#[tokio::test]
async fn what_cannot_start_says_why_in_words() {
    let scratch = TempDir::new().unwrap();
    let file = |name: &str, text: &str, mode: u32| {
        use std::os::unix::fs::PermissionsExt;
        let path = scratch.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let data = file("text", "x", 0o644);
    let orphan = file("orphan", "#!/nowhere/sh\n", 0o755);
    let huge = "x".repeat(3 * 1024 * 1024);
    let cases: [(&[&str], &str); 8] = [
        (&["/nowhere/at/all"], "does not exist on this machine"),
        (&[&data], "is not executable"),
        (&[&orphan], "interpreter"),
        (&["ls"], "not an absolute path"),
        (&["./ls"], "not an absolute path"),
        (&[], "no program"),
        (&["/bin/echo", "a\0b"], "NUL"),
        (&["/bin/echo", &huge], "longer than the system allows"),
    ];
    for (argv, words) in cases {
        let (ended, started) = told(&spec(&scratch, argv)).await;
        let Outcome::NotStarted { why } = &ended.outcome else {
            panic!("{argv:?}: {:?}", ended.outcome)
        };
        assert!(why.contains(words), "{argv:?}: {why}");
        assert!(!started);
    }
    let mut lost = spec(&scratch, &["/bin/true"]);
    lost.run.cwd = Some("/nowhere/at/all".to_owned());
    let Outcome::NotStarted { why } = ended(&lost).await.outcome else {
        panic!("it ran in a folder that does not exist")
    };
    assert!(why.contains("/nowhere/at/all is not a folder"), "{why}");
}
