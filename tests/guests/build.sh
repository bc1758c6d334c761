#!/bin/sh
# Builds the guests and copies them to tests/guests/dist. Incremental. Shares the
# plugins' target folder, so that shared dependencies are compiled once. CARGO_TARGET_DIR
# sets another one.
set -eu
cd "$(dirname "$0")"

target=${CARGO_TARGET_DIR:-$PWD/../../plugins/target}
export CARGO_TARGET_DIR="$target"

cargo build --locked --release --target wasm32-wasip2
mkdir -p dist
for name in answers_receipts rogue rejects_config other-version probes_sandbox echoes_events starts_early; do
    # Cargo writes other-version as other_version.wasm.
    built="$target/wasm32-wasip2/release/$(echo "$name" | tr - _).wasm"
    cmp -s "$built" "dist/$name.wasm" || cp "$built" "dist/$name.wasm"
done
