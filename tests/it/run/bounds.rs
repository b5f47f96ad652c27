//! What bounds a program: its limits, its sandbox, its user; and what is told of it.

use super::*;
use std::os::unix::fs::PermissionsExt;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[tokio::test]
async fn what_leaves_its_group_is_ended_with_it() {
    let scratch = TempDir::new().unwrap();
    // A session of its own, and a double fork whose middle has ended: no parent, no group.
    let text = ": > pids; /usr/bin/setsid /bin/sh -c 'echo $$; exec /bin/sleep 300' >> pids 2>&1 &
        /bin/sh -c '/usr/bin/setsid /bin/sh -c \"echo \\$\\$ >> pids; exec /bin/sleep 300\" &' 
        while [ $(/usr/bin/wc -l < pids) -lt 2 ]; do :; done; /bin/cat pids";
    let ended = ended(&script(&scratch, text)).await;
    assert_eq!(ended.outcome, Outcome::Succeeded { exit: 0 }, "{ended:?}");
    let pids: Vec<&str> = ended.output.lines().collect();
    assert_eq!(pids.len(), 2, "{ended:?}");
    for pid in pids {
        assert!(gone(pid), "{pid} is still there: {ended:?}");
    }
    assert!(
        ended.notes.iter().any(|n| n.contains("2 processes")),
        "{ended:?}"
    );
}

#[tokio::test]
async fn a_run_that_is_cancelled_is_asked_and_then_killed_with_all_it_started() {
    let scratch = TempDir::new().unwrap();
    let text = "trap 'echo asked' TERM; /usr/bin/setsid /bin/sleep 300 & echo $!; \
        while :; do /bin/sleep 300; done";
    let mut spec = script(&scratch, text);
    spec.limits.kill_grace_ms = 300;
    let (executor, job) = (executor(&spec.data), job(&spec, "fb-c"));
    let handle = started(&executor, &job).await;
    let news = patient(executor.poll(&job, &handle, &Cursor::default()))
        .await
        .unwrap();
    let pid = String::from_utf8(news.bytes)
        .unwrap()
        .lines()
        .next()
        .unwrap()
        .to_owned();
    executor.cancel(&job, &handle).await.unwrap();
    executor.cancel(&job, &handle).await.unwrap();
    let ended = follow(&executor, &job, &handle).await;
    assert_eq!(ended.outcome, Outcome::Cancelled, "{ended:?}");
    assert!(ended.output.contains("asked"), "{ended:?}");
    assert!(gone(&pid), "{pid}");
}

#[tokio::test]
async fn processes_that_multiply_are_ended() {
    let scratch = TempDir::new().unwrap();
    // Bounded by itself too, in case nothing else bounds it.
    let text = "n=0; while [ $n -lt 300 ]; do n=$((n+1)); /bin/sleep 20 & done; wait";
    let mut spec = script(&scratch, text);
    spec.limits.processes = Some(20);
    let ended = ended(&spec).await;
    assert!(
        !matches!(ended.outcome, Outcome::Succeeded { .. }),
        "{ended:?}"
    );
    assert!(ended.duration_ms < 15_000, "{ended:?}");
}

#[tokio::test]
async fn limits_bind_the_program_and_not_its_shim() {
    let scratch = TempDir::new().unwrap();
    let text = "ulimit -t; ulimit -v; ulimit -n; ulimit -f; ulimit -c; umask; \
        /bin/grep NoNewPrivs /proc/self/status; /bin/ls /proc/self/fd | /usr/bin/wc -l";
    let mut spec = script(&scratch, text);
    spec.limits.cpu_secs = Some(7);
    spec.limits.memory_bytes = Some(256 << 20);
    spec.limits.files = Some(32);
    spec.limits.file_bytes = Some(1 << 20);
    let ended = ended(&spec).await;
    let lines: Vec<&str> = ended.output.lines().collect();
    assert_eq!(
        lines,
        [
            "7",
            // Of a control group, the kernel counts what the whole run uses.
            if by_cgroup(&ended) {
                "unlimited"
            } else {
                "262144"
            },
            "32",
            "2048",
            "0",
            "0077",
            "NoNewPrivs:\t1",
            "4"
        ],
        "three streams and the folder that is listed: {ended:?}"
    );
}

#[tokio::test]
async fn memory_above_the_limit_is_refused() {
    let scratch = TempDir::new().unwrap();
    let text = "/usr/bin/head -c 200000000 /dev/zero | /usr/bin/tail -c 199999999 > /dev/null";
    let mut spec = script(&scratch, text);
    spec.limits.memory_bytes = Some(64 << 20);
    let ended = ended(&spec).await;
    assert!(matches!(ended.outcome, Outcome::Failed { .. }), "{ended:?}");
    assert!(ended.output.contains("memory exhausted"), "{ended:?}");
}

#[tokio::test]
async fn cpu_above_the_limit_ends_it() {
    let scratch = TempDir::new().unwrap();
    let mut spec = script(&scratch, "while :; do :; done");
    spec.limits.cpu_secs = Some(1);
    let ended = ended(&spec).await;
    assert!(
        matches!(ended.outcome, Outcome::Killed { signal: 24 | 9 }),
        "{ended:?}"
    );
}

/// Whether this kernel has `landlock` whole.
fn landlocked(ended: &Ended) -> bool {
    let whole = !ended.notes.iter().any(|n| n.contains("sandbox"));
    if !whole {
        crate::tools::skip("this kernel has no landlock, or only a part of it");
    }
    whole
}

#[tokio::test]
async fn the_sandbox_lets_it_see_what_its_action_names_and_nothing_else() {
    let scratch = TempDir::new().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let text = format!(
        "read x < /etc/passwd && echo read passwd; echo kept > file && echo wrote; \
         echo x > {} 2>/dev/null && echo wrote outside; \
         (exec 3<> /dev/tcp/127.0.0.1/{port}) && echo connected; \
         echo a > $FIREBELL_ARTIFACTS/a && echo left",
        scratch.path().join("outside").display()
    );
    let mut spec = spec(&scratch, &["/bin/bash", "-c", &text]);
    spec.limits.sandbox.on = true;
    spec.limits.sandbox.read = vec!["/usr".to_owned(), "/lib".to_owned(), "/lib64".to_owned()];
    spec.limits.sandbox.connect = Some(vec![1]);
    let confined = ended(&spec).await;
    if !landlocked(&confined) {
        return;
    }
    assert!(
        confined.output.contains("wrote\n") && confined.output.contains("left"),
        "{confined:?}"
    );
    for forbidden in ["read passwd", "wrote outside", "connected"] {
        assert!(!confined.output.contains(forbidden), "{confined:?}");
    }
    spec.limits.sandbox.connect = Some(vec![port]);
    spec.limits.sandbox.read.push("/etc/passwd".to_owned());
    spec.limits.sandbox.required = true;
    let wider = ended(&spec).await;
    for allowed in ["read passwd", "connected"] {
        assert!(wider.output.contains(allowed), "{wider:?}");
    }
    spec.limits.sandbox.on = false;
    let free = ended(&spec).await;
    assert!(free.output.contains("wrote outside"), "{free:?}");
}

#[tokio::test]
async fn output_that_is_no_text_is_told_as_text() {
    let scratch = TempDir::new().unwrap();
    let ended = ended(&script(&scratch, "printf 'a\\377\\376b\\000c\\n'")).await;
    assert_eq!(ended.output, "a\u{fffd}\u{fffd}bc\n");
    assert_eq!(ended.bytes, 7);
}

#[tokio::test]
async fn secrets_reach_the_program_as_files_and_nobody_else() {
    let scratch = TempDir::new().unwrap();
    let file = scratch.path().join("secret");
    let value = "tr0ub4dor&3 correct horse";
    std::fs::write(&file, value).unwrap();
    let text = "/usr/bin/stat -c %a $DB_PASS_FILE; echo $DB_PASS_FILE; /bin/cat $DB_PASS_FILE; echo; \
        /usr/bin/base64 $DB_PASS_FILE; /usr/bin/od -An -tx1 $DB_PASS_FILE | /usr/bin/tr -d ' \\n'; \
        /bin/cp $DB_PASS_FILE $FIREBELL_ARTIFACTS/dump.txt; echo; echo ready; \
        while [ ! -e go ]; do /bin/sleep 0.05; done";
    let mut spec = script(&scratch, text);
    let work = TempDir::new().unwrap();
    spec.run.cwd = Some(work.path().to_str().unwrap().to_owned());
    spec.run.secrets = BTreeMap::from([("DB_PASS".to_owned(), format!("file:{}", file.display()))]);
    let (executor, job) = (executor(&spec.data), job(&spec, "fb-s"));
    let handle = started(&executor, &job).await;
    let mut seen = Vec::new();
    let mut cursor = Cursor::default();
    while !String::from_utf8_lossy(&seen).contains("ready") {
        let news = patient(executor.poll(&job, &handle, &cursor))
            .await
            .unwrap();
        seen.extend(news.bytes);
        cursor = news.cursor;
    }
    // While it runs: not in any process's arguments or environment, nor in the folder but for its file.
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        for part in ["cmdline", "environ"] {
            let text = std::fs::read(entry.path().join(part)).unwrap_or_default();
            assert!(
                !String::from_utf8_lossy(&text).contains(value),
                "{:?}/{part}",
                entry.path()
            );
        }
    }
    let holding = |files: Vec<PathBuf>| -> Vec<PathBuf> {
        let holds = |p: &PathBuf| {
            String::from_utf8_lossy(&std::fs::read(p).unwrap_or_default()).contains(value)
        };
        files.into_iter().filter(holds).collect()
    };
    let place = spec.data.join("runs/fb-s/secrets/DB_PASS");
    let inside: Vec<_> = holding(walk(&spec.data))
        .into_iter()
        .filter(|p| !p.ends_with("artifacts/dump.txt"))
        .collect();
    assert_eq!(inside, std::slice::from_ref(&place));
    std::fs::write(work.path().join("go"), "").unwrap();
    let ended = follow(&executor, &job, &handle).await;
    let lines: Vec<&str> = ended.output.lines().collect();
    assert_eq!(lines[0], "400");
    assert_eq!(lines[1], place.to_str().unwrap());
    assert_eq!(&lines[2..5], ["[masked]"; 3], "{ended:?}");
    assert!(
        ended
            .notes
            .contains(&"3 secrets masked in its output".to_owned()),
        "{ended:?}"
    );
    assert!(!place.exists());
    assert_eq!(holding(walk(&spec.data)), [] as [PathBuf; 0]);
    let left = executor.artifacts("fb-s");
    assert_eq!(left[0].0.name, "dump.txt");
    assert_eq!(std::fs::read_to_string(&left[0].1).unwrap(), "[masked]");
}

#[tokio::test]
async fn what_it_leaves_is_kept_within_bounds() {
    let scratch = TempDir::new().unwrap();
    let text = "cd $FIREBELL_ARTIFACTS; echo heap > 'he\"ap <1>.txt'; /bin/ln -s /etc/passwd link; \
        /usr/bin/mkfifo pipe; /bin/mkdir d; /usr/bin/truncate -s 9M large; \
        i=0; while [ $i -lt 20 ]; do i=$((i+1)); echo $i > z$i; done";
    let spec = script(&scratch, text);
    let (executor, job) = (executor(&spec.data), job(&spec, "fb-a"));
    let handle = started(&executor, &job).await;
    let ended = follow(&executor, &job, &handle).await;
    let left = executor.artifacts("fb-a");
    assert_eq!(left.len(), firebell::run::process::MOST);
    assert_eq!(left[0].0.name, "he_ap__1_.txt");
    assert_eq!(std::fs::read_to_string(&left[0].1).unwrap(), "heap\n");
    assert_eq!(
        left[0].1.metadata().unwrap().permissions().mode() & 0o077,
        0
    );
    for (name, why) in [
        ("link", "link"),
        ("pipe", "regular"),
        ("d ", "regular"),
        ("large", "9437184 bytes"),
        ("z9", "more than 16"),
    ] {
        let told = ended
            .notes
            .iter()
            .any(|n| n.contains(name) && n.contains(why));
        assert!(told, "{name}: {:?}", ended.notes);
    }
}

#[tokio::test]
async fn it_runs_as_the_user_its_action_names() {
    let scratch = TempDir::new().unwrap();
    let text = "/usr/bin/id -u; /usr/bin/id -g; /bin/pwd; echo x > own && echo wrote; \
        /bin/cat $KEY_FILE; echo; echo a > $FIREBELL_ARTIFACTS/a; /bin/kill -9 $PPID && echo killed";
    let mut spec = script(&scratch, text);
    std::fs::write(scratch.path().join("key"), "0123456789").unwrap();
    let key = format!("file:{}", scratch.path().join("key").display());
    spec.run.secrets = BTreeMap::from([("KEY".to_owned(), key)]);
    spec.run.user = Some("root".to_owned());
    let Outcome::NotStarted { why } = ended(&spec).await.outcome else {
        panic!("it ran as root")
    };
    assert!(why.contains("root"), "{why}");
    spec.run.user = Some("nosuchuser".to_owned());
    let Outcome::NotStarted { why } = ended(&spec).await.outcome else {
        panic!("it ran as nobody knows whom")
    };
    assert!(why.contains("no user nosuchuser"), "{why}");
    spec.run.user = Some("nobody".to_owned());
    let ended = ended(&spec).await;
    if !is_root() {
        assert!(matches!(ended.outcome, Outcome::NotStarted { .. }));
        crate::tools::skip("only root can run programs as another user");
        return;
    }
    let lines: Vec<&str> = ended.output.lines().collect();
    assert_eq!(lines[..2], ["65534", "65534"], "{ended:?}");
    assert!(lines[2].starts_with("/run/firebell/"), "{ended:?}");
    assert_eq!(lines[3..5], ["wrote", "[masked]"], "{ended:?}");
    assert!(
        !ended.output.contains("killed"),
        "it could end its own shim: {ended:?}"
    );
    assert!(!Path::new(lines[2]).exists());
}

/// Whether the kernel bound the whole run, and not each of its processes.
fn by_cgroup(ended: &Ended) -> bool {
    ended.notes.iter().any(|n| n == "limits: cgroup")
}

#[tokio::test]
async fn what_binds_memory_and_processes_is_told_with_the_reason() {
    let scratch = TempDir::new().unwrap();
    let mut spec = script(&scratch, "echo done");
    let free = ended(&spec).await;
    let told = |ended: &Ended| {
        ended
            .notes
            .iter()
            .find(|n| n.starts_with("limits: "))
            .cloned()
    };
    assert_eq!(told(&free), None, "nothing was to be bound");
    spec.limits.processes = Some(20);
    let bound = ended(&spec).await;
    let said = told(&bound).unwrap_or_else(|| panic!("{bound:?}"));
    assert!(
        said == "limits: cgroup" || said.len() > "limits: rlimit only: ".len(),
        "{said}"
    );
}

#[tokio::test]
async fn in_a_control_group_the_whole_run_is_bound_and_ended() {
    if let Err(why) = firebell::run::process::cgroup::settle() {
        // No program that could be installed: the machine does not let this user.
        crate::tools::tell(&format!("no control group can be divided here: {why}"));
        return;
    }
    let scratch = TempDir::new().unwrap();
    let eats = "/usr/bin/head -c 200000000 /dev/zero | /usr/bin/tail -c 199999999 > /dev/null";
    let mut spec = script(&scratch, eats);
    spec.limits.memory_bytes = Some(32 << 20);
    let ended_so = ended(&spec).await;
    assert_eq!(ended_so.outcome, Outcome::OutOfMemory, "{ended_so:?}");
    let forks = "n=0; while [ $n -lt 50 ]; do n=$((n+1)); /bin/sleep 1 & done; wait";
    let mut spec = script(&scratch, forks);
    spec.limits.processes = Some(10);
    let ended_so = ended(&spec).await;
    assert!(by_cgroup(&ended_so), "{ended_so:?}");
    assert!(
        ended_so
            .notes
            .iter()
            .any(|n| n.contains("kept it from starting")),
        "{ended_so:?}"
    );
}
