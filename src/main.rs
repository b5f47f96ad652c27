//! The front porch: everything is in `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    firebell::cli::run()
}
