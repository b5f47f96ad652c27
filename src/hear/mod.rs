//! The ear: what people do on chat platforms is kept, worked off and answered.
//!
//! Promises: an act is in the database before the platform gets its answer, so a crash loses
//! none; the platform's retries and replays of it have one effect; whoever acts is known by an
//! immutable id and may act only as a full member; every answer is words for a person. Nothing
//! here waits for a platform before it answers one.
//!
//! Races it knows: the same act arriving twice at once (keys on their way are held in memory, the
//! table has a unique key), an act that was done and not yet marked so when the process ended (it
//! is done again with the same cause, which the engine answers as the first time), and messages of
//! one room, which are worked off in the order they came; files are fetched beside them (`porter`).

mod act;
mod ear;
mod people;
mod porter;
mod talk;

pub use ear::Ear;
