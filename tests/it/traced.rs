//! The real program under `strace`: what it starts, and what it writes where, as the kernel sees it.

use crate::house::{Sink, form, organisation, write};
use crate::process::{Firebell, PATIENCE, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Everything a shell would make something of.
const HOSTILE: &str = "a; /bin/touch /tmp/x $(id) `id` | cat > y && \"z\" 'w' *";
const SECRET: &str = "s3cr3t-Th4t-must-n0t-be-seen";

/// An action that says what it is told, and one that prints its secret as it is and in base64.
const SAYS: &str = "schema = 1
title = \"Says\"
class = \"diagnostic\"
services = [\"*\"]
[[arg]]
name = \"what\"
type = \"text\"
regex = '[ -~]{1,100}'
max-len = 100
[run]
argv = [\"/bin/echo\", \"{what}\"]
";

fn leaks(folder: &Path) -> String {
    let secret = folder.join("secrets/db");
    format!(
        "schema = 1\ntitle = \"Leaks\"\nclass = \"diagnostic\"\nservices = [\"*\"]\n[run]\n\
         argv = [\"/bin/sh\", \"-c\", \"/bin/cat $DB_PASSWORD_FILE; /usr/bin/base64 $DB_PASSWORD_FILE\"]\n\
         secrets = {{ DB_PASSWORD = \"file:{}\" }}\n",
        secret.display()
    )
}

/// `strace` on a running firebell and all it starts from now on.
struct Trace {
    strace: Child,
    file: PathBuf,
}

impl Trace {
    async fn of(firebell: &Firebell, strace: &Path, folder: &Path) -> Trace {
        let (file, said) = (folder.join("trace"), folder.join("trace.err"));
        let calls = "trace=execve,write,pwrite64,writev,pwritev,sendto,sendmsg";
        let strace = Command::new(strace)
            .args(["-f", "-yy", "-s", "65536", "-e", calls, "-o"])
            .arg(&file)
            .args(["-p", &firebell.pid().to_string()])
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(&said).unwrap())
            .spawn()
            .unwrap();
        until("strace watches", PATIENCE, async || {
            let said = std::fs::read_to_string(&said).unwrap_or_default();
            if said.contains("attached") {
                Ok(())
            } else {
                Err(said)
            }
        })
        .await;
        Trace { strace, file }
    }

    /// Lets firebell go, and answers what was seen, a line each.
    fn lines(mut self) -> Vec<String> {
        kill_process(Pid::from_child(&self.strace), Signal::INT).unwrap();
        self.strace.wait().unwrap();
        let text = std::fs::read(&self.file).unwrap();
        let text = String::from_utf8_lossy(&text).into_owned();
        text.lines().map(str::to_owned).collect()
    }
}

async fn ended(firebell: &Firebell, nth: usize) -> Value {
    until("the run is over", PATIENCE, async || {
        let runs = firebell.get_json("/api/v1/incidents/1/runs").await;
        let run = runs["items"][nth].clone();
        // It has an end before what became of it is decided.
        let over = ["succeeded", "failed"].contains(&run["state"].as_str().unwrap_or_default());
        if over { Ok(run) } else { Err(run.to_string()) }
    })
    .await
}

/// What a call wrote to: a file's path, `pipe:[1]`, `UNIX-STREAM:[1]`, `TCP:[…]`.
fn written_to(line: &str) -> &str {
    let from = line.find('<').map_or(0, |at| at + 1);
    let rest = &line[from..];
    // Descriptions of sockets hold `->`.
    rest.split(">, ").next().unwrap_or(rest)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arguments_reach_a_program_without_a_shell_and_secrets_reach_nothing_but_it() {
    let Some(strace) = crate::tools::need("strace") else {
        return;
    };
    let sink = Sink::open().await;
    let folder = organisation(&sink, "[]", None);
    write(folder.path(), "secrets/db", SECRET);
    write(folder.path(), "actions/says.toml", SAYS);
    write(folder.path(), "actions/leaks.toml", &leaks(folder.path()));
    let firebell = Firebell::serve(folder.path()).await;
    let alert = json!([{
        "labels": {"alertname": "Down", "service": "checkout", "severity": "critical"},
    }]);
    firebell.post_ingest("/api/v2/alerts", &alert).await;
    let said = [("arg.what", HOSTILE)];
    // The shim that waits was born before anybody watched; the next ones are seen from their birth.
    form(&firebell, "ana", "/incidents/1/run/says", &said).await;
    ended(&firebell, 0).await;
    let scratch = tempfile::tempdir().unwrap();
    let trace = Trace::of(&firebell, &strace, scratch.path()).await;
    for nth in 1..3 {
        form(&firebell, "ana", "/incidents/1/run/says", &said).await;
        let run = ended(&firebell, nth).await;
        assert_eq!(run["output"], format!("{HOSTILE}\n"));
    }
    for nth in 3..5 {
        form(&firebell, "ana", "/incidents/1/run/leaks", &[]).await;
        let run = ended(&firebell, nth).await;
        assert_eq!(run["state"], "succeeded", "{run}");
        let output = run["output"].as_str().unwrap();
        assert_eq!(output.matches("[masked]").count(), 2, "{output}");
    }
    let lines = trace.lines();

    let starts: Vec<&String> = lines.iter().filter(|l| l.contains("execve(")).collect();
    let hostile = HOSTILE.replace('"', "\\\"");
    let with: Vec<_> = starts
        .iter()
        .filter(|l| l.contains("touch /tmp/x"))
        .collect();
    assert!(!with.is_empty(), "nothing was seen: {starts:#?}");
    let exactly = format!("execve(\"/bin/echo\", [\"/bin/echo\", \"{hostile}\"]");
    for start in with {
        assert!(start.contains(&exactly), "{start}");
    }
    let base64 = "czNjcjN0LVRoNHQtbXVzdC1uMHQtYmUtc2Vlbg";
    let mut seen = 0;
    for line in lines
        .iter()
        .filter(|l| l.contains(SECRET) || l.contains(base64))
    {
        assert!(
            !line.contains("execve("),
            "in no argument and no environment: {line}"
        );
        let to = written_to(line);
        seen += 1;
        let own = to.contains("/secrets/DB_PASSWORD");
        let inside = to.starts_with("pipe:") || to.starts_with("UNIX");
        assert!(own || inside, "it was written to {to}: {line}");
    }
    assert!(seen > 0, "the trace shows how the secret went");
    assert!(!firebell.log().contains(SECRET) && !firebell.stdout().contains(SECRET));
}
