//! `[fairness]`: what counts as a night and a weekend in the ledger, and how much more.

use super::reader::Table;
use crate::core::schedule::{Days, Weights, Window};

/// Ten times as much.
const EXTRA_MAX: i64 = 1000;

/// `[fairness]` of `firebell.toml`; what it does not say stays as it is without it.
pub(super) fn fairness(top: &Table<'_>) -> Weights {
    let mut weights = Weights::default();
    let Some(table) = top.table("fairness", "[fairness]") else {
        return weights;
    };
    if let Some(said) = table.text("night") {
        match Window::parse(&said.value) {
            Ok(night) if night.days == Days::ALL && night.start != night.end => {
                (weights.night_from, weights.night_until) = (night.start, night.end);
            }
            _ => {
                let what = format!("`night` cannot be {:?}", said.value);
                table
                    .sink
                    .fault(&said.place, what, "write night = \"22:00-07:00\"");
            }
        }
    }
    if let Some(said) = table.text("weekend") {
        match Days::parse(&said.value) {
            Some(days) => weights.weekend = days,
            None => {
                let what = format!("`weekend` cannot be {:?}", said.value);
                table
                    .sink
                    .fault(&said.place, what, "write weekend = \"sat,sun\"");
            }
        }
    }
    let extra = |key: &'static str, default: u32| {
        let said = table.int(key, 0..=EXTRA_MAX);
        said.and_then(|n| u32::try_from(n).ok()).unwrap_or(default)
    };
    weights.night_extra = extra("night-extra", weights.night_extra);
    weights.weekend_extra = extra("weekend-extra", weights.weekend_extra);
    weights.holiday_extra = extra("holiday-extra", weights.holiday_extra);
    table.done();
    weights
}
