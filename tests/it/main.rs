//! Everything that needs more than one room, in one binary: linking once is what makes it quick.

mod config;
mod engine;
mod ingest;
mod notify;
mod run;
mod tidy;
mod world;
