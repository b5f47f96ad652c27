//! Judged by discord.py: `tests/judges/discord.py` uses the stand-in as any bot would; what people do it
//! asks for by cues, and this test does it.
//!
//! `python -m venv target/judges && target/judges/bin/pip install -r tests/judges/requirements-discord.txt`
//! makes the interpreter; `FIREBELL_JUDGE_PYTHON` names another.

use super::sessions::{GUILD_MEMBERS, MESSAGE_CONTENT};
use super::{DiscordWorld, Fault, Person, Rule};
use crate::tools;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

/// An interpreter that has the library.
fn python() -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/judges/bin/python");
    let python = std::env::var_os("FIREBELL_JUDGE_PYTHON").map_or(own, PathBuf::from);
    let mut asked = std::process::Command::new(&python);
    asked
        .args(["-c", "import discord"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if asked.status().is_ok_and(|status| status.success()) {
        return Some(python);
    }
    tools::skip("no Python with discord.py (tests/judges/requirements-discord.txt)");
    None
}

/// The world the script expects.
struct Stage {
    world: DiscordWorld,
    ana: Person,
    secret: u64,
}

impl Stage {
    async fn set() -> Stage {
        let world = DiscordWorld::start().await;
        world.set(|s| s.privileged = MESSAGE_CONTENT | GUILD_MEMBERS);
        let ana = world.user("ana");
        let cues = world.channel(world.home(), "cues");
        world.limits(Rule::new(
            &format!("POST /channels/{cues}/messages"),
            100,
            1_000,
        ));
        // Short windows show the same pacing in less time.
        world.limits(Rule::new("POST /channels/*/messages", 5, 2_000));
        world.limits(Rule::new(
            &format!("POST /channels/{cues}/messages"),
            100,
            1_000,
        ));
        let secret = world.private_channel(world.home(), "secret", &[&ana]);
        Stage { world, ana, secret }
    }

    /// What people and Discord do on a cue.
    async fn act(&self, cue: &str) {
        let (world, ana) = (&self.world, &self.ana);
        match cue {
            "ack" => {
                let reply = ana
                    .runs("ack", &[("incident", "7")], "general")
                    .reply()
                    .await;
                assert!(reply.ephemeral() && reply.has("You have it."));
            }
            "typed" => {
                let typed = ana.completes("run", "action", "res", "general");
                assert_eq!(
                    typed.choices().await,
                    [("Restart".to_owned(), "restart".to_owned())]
                );
            }
            "run" => {
                let run = ana.runs(
                    "fb run",
                    &[("action", "restart"), ("who", "ana")],
                    "general",
                );
                assert!(run.reply().await.has("Restarting."));
                assert!(run.followup(0).await.has("Restarted."));
            }
            "menu" => {
                let said = ana.says("general", "for the timeline");
                assert!(
                    ana.uses_menu("Add to timeline", &said)
                        .reply()
                        .await
                        .has("Noted.")
                );
            }
            "press" => {
                let card = world.expect_message("general", "Checkout is down").await;
                let form = ana.clicks(&card, "Add a note").modal().await;
                assert_eq!(
                    ana.submits(&form, &[("What", "it is the cache")])
                        .reply()
                        .await,
                    card
                );
            }
            "choose" => {
                let card = world.expect_message("general", "it is the cache").await;
                ana.selects(&card, "Severity", &["Two"]).reply().await;
            }
            "says" => {
                let said = ana.says("general", "it is the cache");
                ana.edits(&said, "it is not");
                ana.reacts(&said, "📌");
            }
            "joins" => world.stranger("bo").joins(world.home()),
            "answers" => {
                world.expect_message(&ana.dm(), "You are paged").await;
                ana.says(&ana.dm(), "on it");
            }
            _ => self.break_something(cue),
        }
    }

    fn break_something(&self, cue: &str) {
        let (world, route) = (&self.world, "POST /channels/*/messages");
        match cue {
            "limit" => world.limits(Rule::new(
                &format!("POST /channels/{}/messages", world.room_id("general")),
                1,
                500,
            )),
            "shared limit" => world.breaks(route, Fault::shared_limit(0.3), Some(2)),
            "trouble" => world.breaks(route, Fault::status(502), Some(1)),
            "kick" => world.kicks_bot(world.guild("Other")),
            lost => {
                let way = lost
                    .strip_prefix("lose: ")
                    .unwrap_or_else(|| panic!("an unknown cue: {lost}"));
                match way {
                    "reconnect" => world.asks_reconnect(),
                    "drop" => world.drops_connection(),
                    "op 9" => world.interrupts_session(),
                    "close 4000" => world.closes(4000),
                    "session" => return world.ends_session(),
                    other => panic!("an unknown way: {other}"),
                }
                self.ana.says("general", &format!("after {way}"));
            }
        }
    }

    /// Carries out every cue, for ever.
    async fn direct(&self) {
        for n in 0.. {
            let patience = Duration::from_secs(60);
            let next = |world: &DiscordWorld| world.messages("cues").get(n).cloned();
            let cue = self
                .world
                .expect_within(patience, "cue of the judge", next)
                .await;
            self.act(&cue.text()).await;
        }
    }
}

#[tokio::test]
async fn discord_py_is_content_with_the_stand_in() {
    let Some(python) = python() else { return };
    let stage = Stage::set().await;
    let world = &stage.world;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/discord.py");
    let mut judge = tokio::process::Command::new(python);
    judge
        .arg(script)
        .args([world.origin(), world.token(), world.home().to_string()]);
    judge.args([stage.ana.id().to_string(), stage.secret.to_string()]);
    judge
        .env_remove("HTTP_PROXY")
        .env_remove("http_proxy")
        .kill_on_drop(true);
    judge.stdout(Stdio::piped()).stderr(Stdio::piped());
    let verdict = judge.spawn().unwrap().wait_with_output();
    let verdict = tokio::time::timeout(Duration::from_secs(120), verdict);
    let verdict = tokio::select! {
        verdict = verdict => verdict.expect("the judge did not come to an end").unwrap(),
        () = stage.direct() => unreachable!("cues never end"),
    };
    let said = String::from_utf8_lossy(&verdict.stdout);
    let complained = String::from_utf8_lossy(&verdict.stderr);
    assert!(verdict.status.success(), "{said}\n{complained}");
    assert!(
        said.contains("discord.py is content"),
        "{said}\n{complained}"
    );
    let mut violations = world.violations();
    violations.retain(|v| !an_id_as_a_number(v));
    assert!(violations.is_empty(), "{violations:#?}");
}

/// Where discord.py writes snowflakes as numbers, which Discord takes and its document does not have.
fn an_id_as_a_number(violation: &str) -> bool {
    let number = r#": (\d+ is not|\{"channel_id":\d+,"guild_id":\d+,"message_id":\d+\} is not)"#;
    regex::Regex::new(number).unwrap().is_match(violation)
}
