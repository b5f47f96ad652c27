//! Lines people type, read against a small directory.
