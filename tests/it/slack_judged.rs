//! The stand-in for Slack, judged by Slack's own clients for Python: every method through `WebClient`,
//! and an app of Bolt over sockets and over signed HTTP, with the test as the people.
//!
//! Needs a Python that has `tests/judges/requirements.txt`: `FIREBELL_JUDGE_PYTHON`, or the one of
//! `python3 -m venv target/judges && target/judges/bin/pip install -r tests/judges/requirements.txt`.

use crate::slack_world::{RequestUrls, SlackWorld};
use crate::tools;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// For one step of a judge, on a busy machine.
const STEP: Duration = Duration::from_secs(60);

/// The Python of the judges, or `None` after saying that it is missing.
fn python() -> Option<PathBuf> {
    let own = std::env::var_os("FIREBELL_JUDGE_PYTHON").map(PathBuf::from);
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/judges/bin/python");
    let python = own.unwrap_or_else(usual);
    let asked = std::process::Command::new(&python)
        .args(["-c", "import slack_bolt, slack_sdk"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if asked.is_ok_and(|status| status.success()) {
        return Some(python);
    }
    tools::skip("no Python with slack_bolt and slack_sdk (FIREBELL_JUDGE_PYTHON)");
    None
}

/// A judge at work.
struct Judge {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    heard: Vec<String>,
}

impl Judge {
    fn begins(world: &SlackWorld, python: &Path, mode: &str, more: &[&str]) -> Judge {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/slack.py");
        let mut child = Command::new(python)
            .arg(script)
            .args([mode, &format!("{}/", world.api_url()), world.bot_token()])
            .args([world.app_token(), &world.signing_secret()])
            .args(more)
            .env("NO_PROXY", "127.0.0.1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Judge {
            child,
            lines,
            heard: Vec::new(),
        }
    }

    /// Waits for a line that begins so, and gives the rest of it.
    async fn tells(&mut self, start: &str) -> String {
        let wanted = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                self.heard.push(line.clone());
                if let Some(rest) = line.strip_prefix(start) {
                    return Some(rest.trim().to_owned());
                }
            }
            None
        };
        if let Ok(Some(rest)) = tokio::time::timeout(STEP, wanted).await {
            return rest;
        }
        let heard = self.heard.join("\n");
        panic!(
            "the judge did not say `{start}`, but:\n{heard}\n{}",
            self.complaint().await
        )
    }

    /// What it wrote to its error output, once it is made to end.
    async fn complaint(&mut self) -> String {
        // it may have ended on its own
        let _ = self.child.start_kill();
        let mut text = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut text).await.unwrap();
        }
        text
    }

    /// Lets it end, and it has to be content.
    async fn ends(mut self) {
        self.tells("done").await;
        let status = tokio::time::timeout(STEP, self.child.wait()).await;
        let status = status.expect("the judge ends").unwrap();
        let heard = self.heard.join("\n");
        assert!(status.success(), "{heard}\n{}", self.complaint().await);
        assert!(!heard.contains("ERROR"), "{heard}");
    }

    async fn quits(mut self) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(b"quit\n").await.unwrap();
        self.ends().await;
    }
}

#[tokio::test]
async fn the_web_api_satisfies_slacks_own_client() {
    let Some(python) = python() else { return };
    let world = SlackWorld::start().await;
    world.tune(|t| t.post_burst = 1000);
    world.adds_usergroup("sre", &["ana"]);
    let (refresh, id, secret) = world.rotates_tokens();
    let mut judge = Judge::begins(&world, &python, "web", &[&refresh, &id, &secret]);
    for step in [
        "people",
        "channels",
        "messages",
        "files and views",
        "limits",
        "tokens",
    ] {
        judge.tells(step).await;
    }
    judge.ends().await;
    assert_eq!(world.file("pm.md").unwrap(), b"# Postmortem");
    assert!(world.channel_named("inc-1").archived);
    world.expect_home("ana", "all is well").await;
    for call in world.calls("chat.postMessage") {
        assert!(call.status == 200 && call.at_micros > 0);
    }
}

/// What the app of the judge has handlers for; Bolt leaves everything else unacknowledged.
const EVENTS: [&str; 5] = [
    "app_home_opened",
    "app_mention",
    "message.channels",
    "message.im",
    "reaction_added",
];

/// The same day for an app of Bolt, whichever way it is reached.
async fn a_day(world: &SlackWorld, judge: &mut Judge) {
    let ana = world.user("ana");
    let room = ana.creates_channel("web");
    ana.invites("firebell", &room);
    let reply = ana.types("/firebell say", &room).await.assert_acked();
    judge.tells("command say by ana in web").await;
    world.expect_ephemeral("ana", "on it").await;
    world.expect_message(&room, "said to all").await;
    assert_eq!(world.responses_to(&reply.response_url).len(), 1);

    ana.types("/firebell declare", &room).await.assert_acked();
    let modal = world.expect_view("ana", "Declare").await;
    let refused = ana.submits(&modal, &[("What", "?")]).await;
    assert_eq!(refused.errors["what"], "say what it is");
    let sent = ana.submits(&modal, &[("What", "checkout")]).await;
    assert!(sent.view.is_none() && sent.errors.is_empty());
    world
        .expect_message(&ana.direct(), "declared: checkout")
        .await;

    let said = ana.says(&room, "it is slow & I know <why>");
    judge
        .tells("message it is slow &amp; I know &lt;why&gt;")
        .await;
    ana.uses_shortcut("add_to_timeline", &said)
        .await
        .assert_acked();
    world.expect_ephemeral("ana", "noted: it is slow").await;
    ana.edits(&said, "it is fast");
    judge.tells("changed to it is fast").await;
    ana.reacts(&said, "pushpin");
    judge.tells("reaction pushpin").await;
    let called = ana.says(&room, "@firebell hello");
    let answer = world.expect_message(&room, "you called?").await;
    assert_eq!(answer.thread_ts.as_ref(), Some(&called.ts));
    ana.opens_home();
    world.expect_home("ana", "welcome").await;
}

/// A card as the bot posts it, with a button the judge knows.
async fn a_click(world: &SlackWorld, judge: &mut Judge) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let text = |t: &str| serde_json::json!({"type": "plain_text", "text": t});
    let button = serde_json::json!({"type": "button", "action_id": "ack", "value": "one-time-id", "text": text("Acknowledge")});
    let card = serde_json::json!({"channel": "web", "text": "checkout is slow", "blocks": [{"type": "actions", "elements": [button]}]});
    let post = client.post(format!("{}/chat.postMessage", world.api_url()));
    post.bearer_auth(world.bot_token())
        .json(&card)
        .send()
        .await
        .unwrap();
    let message = world.expect_message("web", "checkout is slow").await;
    world
        .user("ana")
        .clicks(&message, "Acknowledge")
        .await
        .assert_acked();
    judge.tells("clicked").await;
    let now = world.expect_message("web", "ana has it").await;
    assert_eq!(now.ts, message.ts);
}

#[tokio::test]
async fn an_app_of_bolt_lives_on_our_sockets() {
    let Some(python) = python() else { return };
    let world = SlackWorld::start().await;
    world.tune(|t| t.ping_every = Duration::from_millis(500));
    world.subscribes(&EVENTS);
    let mut judge = Judge::begins(&world, &python, "socket", &[]);
    judge.tells("ready").await;
    world.expect_connected(1).await;
    a_day(&world, &mut judge).await;
    a_click(&world, &mut judge).await;
    let opened = world.calls("apps.connections.open").len();
    for (n, way) in ["told to go", "closed", "dropped"].into_iter().enumerate() {
        world.expect_quiet().await;
        match way {
            "told to go" => world.disconnects("refresh_requested"),
            "closed" => world.closes_sockets(1001),
            _ => world.drops_sockets(),
        }
        world
            .expect_calls("apps.connections.open", opened + n + 1)
            .await;
        world.expect_connected(1).await;
        let reply = world.user("bo").types("/firebell say", "web").await;
        assert!(reply.outcome.acked, "{way}");
        judge.tells("command say by bo").await;
    }
    world.expect_quiet().await;
    judge.quits().await;
    world.expect_disconnected().await;
    assert_eq!(world.late(), Vec::<String>::new());
}

#[tokio::test]
async fn an_app_of_bolt_lives_on_our_signed_requests() {
    let Some(python) = python() else { return };
    let world = SlackWorld::start().await;
    world.subscribes(&EVENTS);
    let mut judge = Judge::begins(&world, &python, "http", &[]);
    let port = judge.tells("ready").await;
    let url = format!("http://127.0.0.1:{port}/slack/events");
    world.speaks_http(RequestUrls {
        events: url.clone(),
        commands: url.clone(),
        interactivity: url,
    });
    world.verifies_url().await.unwrap();
    a_day(&world, &mut judge).await;
    a_click(&world, &mut judge).await;
    let sent = world
        .expect_sent("a command", |s| s.kind == "slash_commands")
        .await;
    assert_eq!(world.posts_forged(&sent, Some("another"), 0).await, 401);
    assert_eq!(world.posts_forged(&sent, None, 3600).await, 401);
    world.expect_quiet().await;
    judge.quits().await;
    assert_eq!(world.late(), Vec::<String>::new());
}
