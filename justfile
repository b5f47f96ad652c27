# `just` before every push. Nothing here needs a service or a network once the crates are there.

# Format, lint, test.
default: lint test

# Formatting and lints, as CI has them.
lint:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings

# Everything; programs that are missing make their tests skip, and say so.
test *filter:
    cargo test {{ filter }}

# The house rules alone.
tidy:
    cargo test --test it tidy::

# Write the golden and generated files anew; look at the difference before you commit it.
update:
    UPDATE=1 cargo test

# A complete example on http://127.0.0.1:8080/, with an incident to answer.
demo *args:
    cargo run --release -- demo {{ args }}

# The program as it is shipped.
release:
    cargo build --release --locked

# Licences, advisories and banned crates; needs cargo-deny.
deny:
    cargo deny check

# What CI does: installs the real programs (Debian, root or sudo) and runs everything.
ci:
    .ci/run
