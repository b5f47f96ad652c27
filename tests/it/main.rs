//! Everything that needs more than one room, in one binary: linking once is what makes it quick.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the numbers of test data are small"
)]

mod api;
mod browser;
mod config;
mod conformance;
mod console;
mod crash;
mod declare;
mod demo;
mod discord_side;
mod discord_world;
mod doctor;
mod emulated;
mod engine;
mod engines;
mod foretell;
mod gallery;
mod halt;
mod hear;
mod holding;
mod house;
mod ingest;
mod injection;
mod notify;
mod postgres;
mod postmortem;
mod process;
mod prometheus;
mod run;
mod schedule;
mod scoured;
mod serving;
mod slack_judged;
mod slack_rules;
mod slack_side;
mod slack_world;
mod store;
mod surface;
mod telling;
mod terminal;
mod tidy;
mod tools;
mod traced;
mod wake;
mod words;
mod world;
