//! The rules of the stand-in for Slack, each told by a small app that keeps or breaks it.

mod app;
mod blocks;
mod channels;
mod deeds;
mod faults;
mod http;
mod messages;
mod payloads;
mod rates;
mod sockets;
mod tokens;
mod views;
