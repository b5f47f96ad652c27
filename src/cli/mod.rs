//! The commands of the program; each one a file.

pub mod check;
