#!/bin/sh
# Proves that every benchmark runs and counts what it should; its figures say nothing.
# What needs a tool that is missing is left out, and said.
set -eu
cd "$(dirname "$0")/../.."
export MOCKFLEET_PROFILE="${MOCKFLEET_PROFILE:-quick}"
# mosquitto lies there, and it is in the path of root only.
PATH="$PATH:/usr/sbin"

run() {
    printf '== %s\n' "$*"
    "$@"
}

run cargo bench --quiet --profile "$MOCKFLEET_PROFILE" -- --short
if ! [ -x "${CARGO_TARGET_DIR:-target}/$MOCKFLEET_PROFILE/mockfleet" ]; then
    echo "cargo build --profile $MOCKFLEET_PROFILE did not run: languages and the profile are left out"
    exit
fi
if [ -x tests/.venv/bin/python ] && [ -d tests/node/node_modules ]; then
    run tests/.venv/bin/python host/benches/languages.py --short
    run tests/.venv/bin/python host/benches/peers/verify.py --short
    if [ -e tests/guests/dist/rogue.wasm ]; then
        run tests/.venv/bin/python host/benches/neighbours.py --short
    else
        echo 'tests/guests/build.sh did not run: the hostile groups are left out'
    fi
else
    echo 'the packages of the end-to-end tests are missing: languages and verify are left out'
fi
if command -v perf >/dev/null; then
    run python3 host/benches/profile.py --short
else
    echo 'perf is missing: the profile is left out'
fi
