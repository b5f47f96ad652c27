//! The engine on a real database, with a manual clock: what is promised, and that a restart keeps it.
