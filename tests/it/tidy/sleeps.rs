//! Tests that may wait for the clock. A benchmark, a stand-in that is slow by the clock, and what looks at another process
//! again and again; nothing else.

/// File of tests that may wait for the clock, and why.
pub const SLEEP_EXCEPTIONS: &[(&str, &str)] = &[
    (
        "benches/chat/tally.rs",
        "a benchmark keeps a rate and lasts for a time",
    ),
    (
        "tests/it/engines.rs",
        "another process is looked at again and again; it cannot tell us",
    ),
    (
        "tests/it/engines/kubernetes_world.rs",
        "a container writes by the clock; no test waits for it",
    ),
    (
        "benches/runs.rs",
        "a benchmark lets the run before come to its end, so that it measures one at a time",
    ),
    (
        "tests/it/process.rs",
        "another process is looked at again and again; it cannot tell us",
    ),
    (
        "tests/it/slack_world/hooks.rs",
        "a slow Slack is slow by the clock; no test waits for it",
    ),
    (
        "tests/it/slack_world/server.rs",
        "a slow Slack is slow by the clock; no test waits for it",
    ),
    (
        "tests/it/slack_world/sockets.rs",
        "a socket is pinged by the clock",
    ),
];
