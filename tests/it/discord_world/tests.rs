//! The stand-in's own rules, asked by a plain client.

mod client;
mod rest_tests;
mod talk_tests;
