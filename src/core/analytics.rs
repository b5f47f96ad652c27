//! What past incidents measure: how long things took, whom they woke, which rules are noise, which
//! actions work.
//!
//! Pure: a [`Fact`] is read from one journal and from nothing else, and a [`Report`] from facts, a span
//! of days, a zone and the directory. Every number is defined in `docs/analytics.md`. Few cases are said
//! to be few; what is not known is counted as unknown and never guessed.

mod asked;
mod fact;
mod noise;
mod people;
mod report;
mod sheet;
#[cfg(test)]
mod tests;

pub use asked::Words;
pub use fact::{FORM, Fact, LIMITS, RuleFact, RunFact, fact};
pub use noise::RuleNoise;
pub use people::PersonLoad;
pub use report::{
    ActionRate, Asked, Bucket, ENOUGH, FEW, Grouped, Ledger, Measure, Report, Row, Span, report,
    timeliness,
};
pub use sheet::{TABLES, csv, told};
