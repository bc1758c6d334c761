#!/bin/sh
# Proves that every benchmark runs and counts what it should; its figures say nothing.
# What needs a tool that is missing is left out, and said.
set -eu
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-target}

run() {
    printf '== %s\n' "$*"
    "$@"
}

cargo bench --no-run
for bench in tick scenario day log report stages start http backfill; do
    run cargo bench --quiet --bench "$bench" -- --short
done
if PATH="$PATH:/usr/sbin" command -v mosquitto >/dev/null; then
    for bench in path schedule scale; do
        run cargo bench --quiet --bench "$bench" -- --short
    done
    run cargo bench --quiet --bench schedule -- --million --short
else
    echo 'mosquitto is missing: path, schedule and scale are left out'
fi
if [ -x tests/.venv/bin/python ] && [ -d tests/node/node_modules ] && [ -x "$target/release/mockfleet" ]; then
    run tests/.venv/bin/python host/benches/languages.py --short
else
    echo 'the packages of the end-to-end tests or the release build are missing: languages is left out'
fi
if command -v valgrind >/dev/null; then
    run cargo bench --quiet --bench count -- --short
else
    echo 'valgrind is missing: count is left out'
fi
if command -v perf >/dev/null && [ -x "$target/release/mockfleet" ]; then
    run python3 host/benches/profile.py --short
else
    echo 'perf or the release build is missing: the profile is left out'
fi
