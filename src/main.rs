//! The front porch: everything is in `cli`.

use std::process::ExitCode;

/// Alerts are many small strings: this allocator is the cheapest for them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    firebell::cli::run()
}
