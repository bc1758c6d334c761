#!/bin/sh
# Builds the plugins and copies them to plugins/dist. Incremental. Uses the toolchain
# of rust-toolchain.toml; CARGO_TARGET_DIR sets the target folder.
set -eu
cd "$(dirname "$0")"

target=${CARGO_TARGET_DIR:-$PWD/target}
export CARGO_TARGET_DIR="$target"

cargo build --locked --release --target wasm32-wasip2
mkdir -p dist
for name in thermometer vehicle meter scenario; do
    # Only what changed, so that what embeds a plugin is not built again for nothing.
    cmp -s "$target/wasm32-wasip2/release/$name.wasm" "dist/$name.wasm" ||
        cp "$target/wasm32-wasip2/release/$name.wasm" "dist/$name.wasm"
done
