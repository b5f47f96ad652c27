//! firebell with Slack and Discord: how soon somebody is told, within the platforms' limits, through
//! their outages and their reconnects.
//!
//! The real program serves as a process of its own; the platforms are the stand-ins of the tests, with
//! the limits the real ones have. What is told is measured where it arrives.
//!
//! `cargo bench --bench chat -- wire storm`: the named scenarios, or all. docs/benchmarks.md says
//! what they mean. `cargo test` never runs it: without cargo's `--bench` nothing happens.

mod bell;
mod limit;
mod outage;
mod peer;
mod reconnects;
mod storm;
mod tally;
mod wire;

/// The stand-ins, as the tests have them.
#[expect(
    dead_code,
    unused_imports,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "parts of the tests, of which a benchmark needs some; their numbers are small"
)]
#[path = "../../tests/it"]
mod it {
    pub mod discord_world;
    pub mod halt;
    pub mod process;
    pub mod slack_world;
    pub mod tools;
}

use it::{discord_world, halt, slack_world, tools};

/// Every scenario, in the order they are run.
const SCENARIOS: [&str; 5] = ["wire", "storm", "limit", "outage", "reconnects"];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if !args.iter().any(|a| a == "--bench") {
        tally::say("This is a benchmark: cargo bench --bench chat [-- SCENARIO …]");
        return;
    }
    let asked: Vec<&String> = args.iter().filter(|a| !a.starts_with('-')).collect();
    if let Some(unknown) = asked.iter().find(|a| !SCENARIOS.contains(&a.as_str())) {
        let known = SCENARIOS.join(", ");
        tally::say(&format!(
            "There is no scenario {unknown}; there are {known}."
        ));
        std::process::exit(2);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        for scenario in SCENARIOS {
            if !asked.is_empty() && !asked.iter().any(|a| *a == scenario) {
                continue;
            }
            tally::say(&format!("\n## {scenario}"));
            match scenario {
                "wire" => Box::pin(wire::run()).await,
                "storm" => Box::pin(storm::run()).await,
                "limit" => Box::pin(limit::run()).await,
                "outage" => Box::pin(outage::run()).await,
                _ => Box::pin(reconnects::run()).await,
            }
        }
    });
}
