//! The rules of the stand-in for Slack, each told by a small app that keeps or breaks it.

mod app;
mod deeds;
