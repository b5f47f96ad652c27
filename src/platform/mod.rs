//! Chat platforms: one file or folder each, implementing the port of [`crate::chat`].
//!
//! Both halves of a platform live here: what it says for us, and what its people say to us, which
//! goes to [`crate::dispatch`]. The console's inbound half is a web page and lives in `http/`.

pub mod console;
