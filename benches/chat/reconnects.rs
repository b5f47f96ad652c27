//! A day of reconnects, one a minute, in a few minutes: is memory flat?
//!
//! Time is compressed by the stand-ins, which end connections as soon as they stand, and by a short
//! `timeout`, from which firebell takes the waits between its attempts.

use crate::bell::{Bell, Plan};
use crate::tally::{pass, say, secs};
use std::time::Duration;
use tokio::time::Instant;

/// One a minute for 24 hours.
const RECONNECTS: usize = 1440;
/// Every so many the session itself is lost, which costs Discord's own wait of five seconds.
const SESSION_LOST: usize = 48;
/// Every so many one of Slack's sockets stays open and says nothing any more, and one of Discord's is
/// closed without a code.
const SILENT: usize = 240;
/// How long each of Slack's connections stands.
const LIVED: Duration = Duration::from_millis(110);
/// Memory is looked at this often, and counts from the second look on.
const LOOKS: usize = 6;

pub async fn run() {
    let bell = Bell::open(&Plan {
        timeout: "100ms",
        limits: false,
        ..Plan::of(2)
    })
    .await;
    bell.discord.set(|s| s.heartbeat_ms = 1000);
    let begin = Instant::now();
    let mut memory = vec![bell.memory_kib()];
    for part in 0..LOOKS {
        let count = RECONNECTS / LOOKS;
        tokio::join!(
            slack(&bell, part * count, count),
            discord(&bell, part * count, count)
        );
        memory.push(bell.memory_kib());
        let so_far = secs(begin.elapsed());
        say(&format!(
            "{} of {RECONNECTS} after {so_far}",
            (part + 1) * count
        ));
    }
    let mib: Vec<String> = memory
        .iter()
        .map(|kib| format!("{}.{}", kib / 1024, kib % 1024 * 10 / 1024))
        .collect();
    say(&format!(
        "{RECONNECTS} reconnects of each platform in {}; Slack: warning, refresh, close frames, dropped, silent; \
         Discord: reconnect, dropped, 4000, resumable and lost sessions, no code",
        secs(begin.elapsed()),
    ));
    say(&format!(
        "memory, MiB, at the start and after each sixth: {}",
        mib.join(", ")
    ));
    let (first, last) = (memory[1], memory[LOOKS]);
    let growth = last.saturating_sub(first);
    say(&format!(
        "grown since the first sixth: {growth} KiB of {first}"
    ));
    let told = (bell.discord.identifies(), bell.discord.resumes());
    say(&format!("Discord: {} sessions, {} resumed", told.0, told.1));
    // Everything still works.
    let (calls, _) = bell.calls().await;
    bell.fires(&["After0a".to_owned()], 0).await;
    bell.is_quiet().await;
    assert!(bell.calls().await.0 > calls, "nobody was told");
}

async fn slack(bell: &Bell, from: usize, count: usize) {
    let world = &bell.slack;
    for n in from..from + count {
        // What lived shorter than the time limit of a call counts as failed and is waited for longer.
        pass(LIVED).await;
        let newest = newest(bell).await;
        match n % 5 {
            // Silent ones stay open at Slack's side, which takes ten.
            _ if n % SILENT == SILENT - 1 => world.freezes_sockets(),
            0 => world.disconnects("warning"),
            1 => world.disconnects("refresh_requested"),
            2 => world.closes_sockets(1000),
            3 => world.closes_sockets(1011),
            _ => world.drops_sockets(),
        }
        let again = |s: &crate::slack_world::state::State| {
            s.sockets
                .open
                .iter()
                .any(|o| o.number > newest && !o.leaving)
                .then_some(())
        };
        world
            .expect("another socket", Duration::from_secs(60), again)
            .await;
    }
}

async fn newest(bell: &Bell) -> u64 {
    let look = |s: &crate::slack_world::state::State| {
        Some(s.sockets.open.iter().map(|o| o.number).max().unwrap_or(0))
    };
    bell.slack
        .expect("its sockets", Duration::from_secs(5), look)
        .await
}

async fn discord(bell: &Bell, from: usize, count: usize) {
    let world = &bell.discord;
    for n in from..from + count {
        let before = world.identifies() + world.resumes();
        if n % SESSION_LOST == SESSION_LOST - 1 {
            world.forgets_sessions();
            world.drops_connection();
        } else if n % SILENT == SILENT - 2 {
            world.closes_without_code();
        } else {
            match n % 4 {
                0 => world.asks_reconnect(),
                1 => world.drops_connection(),
                2 => world.closes(4000),
                _ => world.interrupts_session(),
            }
        }
        let what = format!("reconnect {n}");
        world
            .expect_within(Duration::from_secs(120), &what, |w| {
                (w.identifies() + w.resumes() > before && w.connected() > 0).then_some(())
            })
            .await;
    }
}
