# What can be done here.
[private]
default:
    @just --list --unsorted

# A broker, a thousand thermometers, the log and its first answer
demo *arguments:
    cargo run --release -- demo {{ arguments }}

# Every test: checks, unit tests, end to end
test *arguments:
    ./tests/run {{ arguments }}

# Format, lints, licences
lint:
    cargo fmt --check
    cargo clippy --release --workspace --all-targets -- -D warnings
    cargo deny check

# Ours beside the bare library and the native code, in the same run (needs mosquitto)
bench:
    cargo bench --bench tick
    cargo bench --bench log
    cargo bench --bench path

# Feed what reads bytes from outside with damaged ones: spool, fleet, mqtt, http or all
fuzz target="all" seconds="60":
    ./fuzz/run {{ target }} {{ seconds }}

# The plugins that ship with it, to plugins/dist
plugins:
    ./plugins/build.sh
