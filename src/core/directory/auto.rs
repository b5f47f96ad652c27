//! How far an action runs by itself: its `[auto]` table, and the words for it.

use serde::{Deserialize, Serialize};

/// How far an action runs by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auto {
    /// The level; each above `Suggest` also needs a rule with `auto = true`.
    pub level: AutoLevel,
    /// From the incident's begin to the start, milliseconds, with a button to cancel.
    pub delay_ms: i64,
    /// `BeforePage`: the page waits this long for the alert to clear, milliseconds.
    pub clear_within_ms: i64,
    /// Starts by itself in any hour at most, over all incidents; 0: as many as is usual.
    pub max_per_hour: u32,
    /// This many failures in a row turn it off; 0: as many as is usual.
    pub failures: u32,
    /// More open incidents than this: diagnostics only; 0: as many as is usual.
    pub storm: u32,
}

impl Default for Auto {
    /// Only suggested, and with the brakes on that hold whatever the level.
    fn default() -> Auto {
        Auto {
            level: AutoLevel::Suggest,
            delay_ms: 60_000,
            clear_within_ms: 300_000,
            max_per_hour: 6,
            failures: 2,
            storm: 20,
        }
    }
}

/// How far an action runs by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AutoLevel {
    /// Only offered among the others, with what is known of it.
    #[default]
    Suggest,
    /// Its button stands on the card with its arguments filled in.
    OneClick,
    /// Runs after a delay that anybody can cancel.
    Delayed,
    /// Runs before anybody is paged; the page leaves if the alert has not cleared in time.
    BeforePage,
}

impl AutoLevel {
    /// All of them, the most careful first.
    pub const ALL: [AutoLevel; 4] = [
        AutoLevel::Suggest,
        AutoLevel::OneClick,
        AutoLevel::Delayed,
        AutoLevel::BeforePage,
    ];

    /// As files write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            AutoLevel::Suggest => "suggest",
            AutoLevel::OneClick => "one-click",
            AutoLevel::Delayed => "delayed",
            AutoLevel::BeforePage => "before-page",
        }
    }
}
