//! firebell as a process, between two platforms.

use crate::discord_world::{Call as DiscordCall, DiscordWorld, Rule};
use crate::it::process::{PATIENCE, free_address, program, until};
use crate::slack_world::SlackWorld;
use crate::slack_world::model::Call as SlackCall;
use crate::tally;
use firebell::core::id::IncidentId;
use firebell::core::time::Time;
use firebell::store::{Delivery, IncidentQuery, Lane, OutboxRow, Store};
use reqwest::Client;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;
use tokio::time::Instant;

/// For everything in the configuration that wants a token.
const TOKEN: &str = "0123456789abcdef0123456789abcdef";
/// Nothing is told for this long: everything is.
const QUIET: Duration = Duration::from_secs(4);

/// How firebell and the platforms are put up.
pub struct Plan {
    /// Services, each with a team, a policy and a channel of its own.
    pub services: usize,
    /// People of each service; all of them are paged at once, on both platforms.
    pub people: usize,
    /// Limits as the real platforms have them; else none to speak of.
    pub limits: bool,
    /// Cards are shown in the teams' channels.
    pub channels: bool,
    /// A call that takes longer is taken for failed.
    pub timeout: &'static str,
}

impl Plan {
    /// Two people for each service, everything as it is set by default.
    pub fn of(services: usize) -> Plan {
        Plan {
            services,
            people: 2,
            limits: true,
            channels: true,
            timeout: "10s",
        }
    }
}

/// A running firebell and what is around it.
pub struct Bell {
    pub slack: SlackWorld,
    pub discord: DiscordWorld,
    child: Child,
    folder: tempfile::TempDir,
    url: String,
    client: Client,
    services: usize,
}

impl Bell {
    /// Connected to both platforms; every conversation and channel that will be used is open.
    pub async fn open(plan: &Plan) -> Bell {
        let (slack, discord) = (SlackWorld::start().await, DiscordWorld::start().await);
        let folder = tempfile::tempdir().unwrap();
        let address = free_address();
        organisation(folder.path(), plan, &slack, &discord);
        // Until everything is open there are no limits, so that every run begins alike.
        slack.tune(|t| {
            t.post_burst = 100_000;
            t.tiers = false;
        });
        let mut command = program();
        command.arg("serve").arg("--config");
        command.arg(folder.path().join("firebell.toml"));
        command.env("FIREBELL__LISTEN", &address);
        let log = File::create(folder.path().join("log")).unwrap();
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap());
        let child = command.stderr(log).spawn().unwrap();
        let bell = Bell {
            slack,
            discord,
            child,
            folder,
            url: format!("http://{address}"),
            client: Client::builder()
                .no_proxy()
                .timeout(PATIENCE)
                .build()
                .unwrap(),
            services: plan.services,
        };
        bell.is_ready().await;
        bell.warms_up().await;
        if plan.limits {
            bell.slack.tune(|t| {
                t.post_burst = 5;
                t.tiers = true;
            });
        } else {
            for route in ["POST /channels/*/messages", "PATCH /channels/*/messages/*"] {
                bell.discord.limits(Rule::new(route, 100_000, 1000));
            }
            bell.discord.limits_everything(100_000);
        }
        bell
    }

    async fn is_ready(&self) {
        let ready = format!("{}/readyz", self.url);
        until("firebell is ready", PATIENCE, async || {
            let answer = self.client.get(&ready).send().await;
            answer
                .is_ok_and(|a| a.status().is_success())
                .then_some(())
                .ok_or_else(|| self.log())
        })
        .await;
        self.slack.expect_connected(1).await;
        self.discord.expect_ready().await;
        let commands = "/applications/*/guilds/*/commands";
        self.discord.expect_calls("PUT", commands, 1).await;
    }

    /// One incident of each service: its channels are made, its people's conversations are open.
    async fn warms_up(&self) {
        for service in 0..self.services {
            self.fires(&[format!("Warm{service}w")], service).await;
        }
        self.is_quiet().await;
    }

    /// What it wrote.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Alerts of a service, each an incident, in one request; when it was sent.
    pub async fn fires(&self, names: &[String], service: usize) -> Sent {
        // Nobody repeats them; without an end they would be over after five minutes.
        let ends = Time(i64::try_from(Sent::now().micros / 1000).unwrap());
        let ends = ends.plus_ms(2 * 3_600_000).rfc3339();
        let alerts: Vec<_> = names
            .iter()
            .map(|name| {
                json!({
                    "labels": {"alertname": name, "severity": "warning", "service": format!("s{service}")},
                    "annotations": {"summary": format!("{name} is bad")},
                    "endsAt": ends,
                })
            })
            .collect();
        let request = self.client.post(format!("{}/api/v2/alerts", self.url));
        let request = request.bearer_auth(TOKEN).json(&alerts);
        let sent = Sent::now();
        let answer = request.send().await.unwrap();
        assert!(
            answer.status().is_success(),
            "{}\n{}",
            answer.status(),
            self.log()
        );
        sent
    }

    /// How many calls there were to Slack and to Discord.
    pub async fn calls(&self) -> (usize, usize) {
        (
            self.slack_calls().await.len(),
            self.discord.calls("*", "/**").len(),
        )
    }

    /// The calls since then, by what they were: how many, and how many of them were refused with 429.
    pub async fn told(&self, since: (usize, usize)) -> Told {
        self.told_of(since, |_| true).await
    }

    /// Those of them that are wanted by whether they were answered.
    pub async fn told_of(&self, since: (usize, usize), of: fn(bool) -> bool) -> Told {
        let mut told = Told::default();
        for call in &self.slack_calls().await[since.0..] {
            if of(call.answer.is_some()) {
                told.add("slack", call.method.clone(), call.status);
            }
        }
        for call in &self.discord_calls()[since.1..] {
            if !of(call.status != 0) {
                continue;
            }
            let parts = call.segments().into_iter();
            let parts = parts.map(|p| {
                if p.bytes().all(|b| b.is_ascii_digit()) {
                    "*"
                } else {
                    p
                }
            });
            let path: Vec<&str> = parts.collect();
            told.add(
                "discord",
                format!("{} {}", call.method, path.join("/")),
                call.status,
            );
        }
        told
    }

    pub async fn slack_calls(&self) -> Vec<SlackCall> {
        let all = |s: &crate::slack_world::state::State| Some(s.calls.clone());
        self.slack.expect("its calls", PATIENCE, all).await
    }

    pub fn discord_calls(&self) -> Vec<DiscordCall> {
        self.discord.calls("*", "/**")
    }

    /// Waits until nothing was told for a while; when the last call was made.
    pub async fn is_quiet(&self) -> Instant {
        let (mut before, mut since) = ((0, 0), Instant::now());
        loop {
            let now = self.calls().await;
            if now != before {
                (before, since) = (now, Instant::now());
            } else if since.elapsed() > QUIET {
                return since;
            }
            tally::pass(Duration::from_millis(100)).await;
        }
    }

    /// Resident memory, KiB.
    pub fn memory_kib(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let told = std::fs::read_to_string(path).unwrap();
        let line = told.lines().find_map(|l| l.strip_prefix("VmRSS:"));
        let kib = line.unwrap().split_whitespace().next();
        kib.unwrap().parse().unwrap()
    }

    /// Ends the process and reads what it wrote of every incident but those it was warmed up with.
    pub async fn ends(mut self) -> Ledger {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let file = self.folder.path().join("data/firebell.db");
        let store = Store::open(&format!("sqlite://{}", file.display()))
            .await
            .unwrap();
        let query = IncidentQuery {
            limit: 100_000,
            ..IncidentQuery::default()
        };
        let (incidents, _) = store.incidents(&query).await.unwrap();
        let mut ledger = Ledger::default();
        for incident in incidents.iter().filter(|i| !i.title.contains("Warm")) {
            ledger.add(&store, incident.id).await;
        }
        ledger
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// When something was sent, by both clocks the stand-ins have.
#[derive(Clone, Copy)]
pub struct Sent {
    pub at: Instant,
    pub micros: u64,
}

impl Sent {
    #[expect(
        clippy::disallowed_methods,
        reason = "the stand-in of Slack has the machine's clock"
    )]
    pub fn now() -> Sent {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let micros = since.unwrap().as_micros();
        Sent {
            at: Instant::now(),
            micros: u64::try_from(micros).unwrap(),
        }
    }

    /// From it to a call of Slack.
    pub fn to_slack(self, call: &SlackCall) -> Duration {
        Duration::from_micros(call.at_micros.saturating_sub(self.micros))
    }

    /// From it to a call of Discord.
    pub fn to_discord(self, call: &DiscordCall) -> Duration {
        call.at.saturating_duration_since(self.at)
    }
}

/// Calls by platform and kind: how many, and how many of them were refused with 429.
#[derive(Default)]
pub struct Told(BTreeMap<(&'static str, String), (usize, usize)>);

impl Told {
    pub fn add(&mut self, platform: &'static str, kind: String, status: u16) {
        let (calls, refused) = self.0.entry((platform, kind)).or_default();
        *calls += 1;
        *refused += usize::from(status == 429);
    }

    /// Calls of a platform, and how many of them were refused.
    pub fn of(&self, platform: &str) -> (usize, usize) {
        let own = self.0.iter().filter(|((name, _), _)| *name == platform);
        own.fold((0, 0), |sum, (_, n)| (sum.0 + n.0, sum.1 + n.1))
    }

    /// `614 calls (chat.postMessage 614), 11 of them refused with 429`.
    pub fn words(&self, platform: &str) -> String {
        let (calls, refused) = self.of(platform);
        let own = self.0.iter().filter(|((name, _), _)| *name == platform);
        let kinds: Vec<String> = own
            .map(|((_, kind), n)| format!("{kind} {}", n.0))
            .collect();
        format!(
            "{calls} calls ({}), {refused} of them refused with 429",
            kinds.join(", ")
        )
    }
}

/// What firebell wrote down of a run.
#[derive(Default)]
pub struct Ledger {
    pub incidents: usize,
    /// Facts of their journals: what a naive bot tells one by one.
    pub facts: usize,
    pub pages: Vec<Page>,
}

/// A page, and how long after its incident's first fact it was out.
pub struct Page {
    pub row: OutboxRow,
    pub after: Duration,
}

impl Page {
    pub fn is_out(&self) -> bool {
        self.row.state == Delivery::Done
    }
}

impl Ledger {
    async fn add(&mut self, store: &Store, id: IncidentId) {
        self.incidents += 1;
        let journal = store.journal(id).await.unwrap();
        self.facts += journal.len();
        for row in store.deliveries(id).await.unwrap() {
            if row.lane == Lane::Page {
                let ms = row.updated_at.since_ms(journal[0].at).unsigned_abs();
                let after = Duration::from_millis(ms);
                self.pages.push(Page { row, after });
            }
        }
    }
}

/// The configuration's folder.
fn organisation(folder: &Path, plan: &Plan, slack: &SlackWorld, discord: &DiscordWorld) {
    let pace = if plan.limits { "1s" } else { "1ms" };
    let common = format!(
        "channel = \"incidents\"\ntimeout = \"{}\"\npace = \"{pace}\"\n",
        plan.timeout
    );
    let main = format!(
        "data-dir = \"data\"\nzone = \"UTC\"\n[log]\nfilter = \"warn\"\n\
         [console]\nenabled = false\n[paging]\ncatch-all = [\"person:p0-0\"]\n\
         [route]\ngroup-by = [\"alertname\"]\n\
         [[sources]]\nname = \"prometheus\"\ntoken = \"file:token\"\n\
         [[slack]]\nbot-token = \"file:slack-bot\"\napp-token = \"file:slack-app\"\napi-url = \"{}\"\n{common}\
         [[discord]]\ntoken = \"file:discord\"\napplication = \"{}\"\nguild = \"{}\"\napi-url = \"{}\"\n{common}",
        slack.api_url(),
        discord.app(),
        discord.home(),
        discord.api(),
    );
    write(folder, "firebell.toml", &main);
    write(folder, "token", TOKEN);
    write(folder, "slack-bot", slack.bot_token());
    write(folder, "slack-app", slack.app_token());
    write(folder, "discord", &discord.token());
    for s in 0..plan.services {
        let people: Vec<String> = (0..plan.people).map(|p| format!("p{s}-{p}")).collect();
        for name in &people {
            let on_slack = slack.adds_user(name, |_| {});
            let on_discord = discord.user(name);
            let person = format!(
                "name = \"{name}\"\nidentities = {{ slack = \"{}\", discord = \"{}\" }}\n\
                 contacts = [{{ kind = \"slack\" }}, {{ kind = \"discord\" }}]\n",
                on_slack.id(),
                on_discord.id(),
            );
            write(folder, &format!("people/{name}.toml"), &person);
        }
        let targets: Vec<String> = people.iter().map(|p| format!("\"person:{p}\"")).collect();
        let policy = format!(
            "[[rungs]]\ntargets = [{}]\nwait = \"30m\"\n",
            targets.join(", ")
        );
        write(folder, &format!("policies/s{s}.toml"), &policy);
        let channel = if plan.channels {
            format!("channel = \"c{s}\"\n")
        } else {
            String::new()
        };
        let team = format!("name = \"T{s}\"\nmembers = {people:?}\npolicy = \"s{s}\"\n{channel}");
        write(folder, &format!("teams/t{s}.toml"), &team);
        let service = format!(
            "name = \"S{s}\"\nteam = \"t{s}\"\nmatch = ['service=\"s{s}\"']\nmajor-at = \"sev1\"\n"
        );
        write(folder, &format!("services/s{s}.toml"), &service);
    }
}

/// A file only its owner may read, as secrets must be.
fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut options = std::fs::OpenOptions::new();
    let options = options.write(true).create(true).truncate(true).mode(0o600);
    options
        .open(path)
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
}
