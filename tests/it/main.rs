//! Everything that needs more than one room, in one binary: linking once is what makes it quick.

mod api;
mod browser;
mod config;
mod console;
mod demo;
mod engine;
mod ingest;
mod notify;
mod postgres;
mod process;
mod run;
mod store;
mod surface;
mod tidy;
mod tools;
mod words;
mod world;
