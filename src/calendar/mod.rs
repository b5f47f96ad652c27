//! iCalendar (RFC 5545), in and out: a calendar's text → who is where when, and shifts → text for a calendar.
//!
//! Promises: it reads no file and no clock, and asks the machine for nothing: the same text and zone
//! give the same events for ever. What it cannot read it says, and reads the rest. Recurrence is the
//! `rrule` crate's, on the wall clock dressed as UTC; daylight saving is `core::schedule`'s, so that a
//! shift from a calendar changes hands by the same rules as any other.
//!
//! Road not taken: letting the library expand in the event's zone. It leaves out what falls into a gap
//! at midnight and moves what falls into a repeated hour.

mod read;
mod recur;
mod write;

pub use read::{Event, Found, read};
pub use write::{Feed, of_person, of_schedule};
