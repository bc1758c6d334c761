#!/bin/sh
# Builds the plugins:
#
#   plugins/build.sh            copies them to plugins/dist
#   plugins/build.sh FOLDER     copies them to FOLDER, and the componentizer
#
# The same sources give the same bytes in every folder and for every user: rustc.sh says how.
# Incremental. Uses the toolchain of rust-toolchain.toml with the target wasm32-wasip2;
# CARGO_TARGET_DIR, when set, is the folder of intermediate files.
set -eu
mkdir -p "${1-$(dirname "$0")/dist}"
folder=$(cd "${1-$(dirname "$0")/dist}" && pwd)
target=${CARGO_TARGET_DIR:-$(dirname "$0")/target}
mkdir -p "$target"
target=$(cd "$target" && pwd)
cd "$(dirname "$0")"

# Flags and profiles from the environment would change the bytes: those of
# .cargo/config.toml and Cargo.toml hold.
for name in $(env | sed -n 's/^\([A-Z0-9_]*\)=.*/\1/p'); do
    case $name in
        RUSTC | RUSTC_* | RUSTFLAGS | CARGO_ENCODED_* | CARGO_BUILD_* | CARGO_PROFILE_* | CARGO_TARGET_WASM32_*)
            unset "$name"
            ;;
    esac
done

sysroot=$(rustc --print sysroot)
if ! [ -d "$sysroot/lib/rustlib/wasm32-wasip2" ]; then
    echo "plugins/build.sh: the target wasm32-wasip2 of Rust is missing; \`rustup target add wasm32-wasip2\` installs it" >&2
    exit 1
fi
# Where the component rust-src is installed, rustc names its files instead of these.
commit=$(rustc -vV | sed -n 's/^commit-hash: //p')
library="$sysroot/lib/rustlib/src/rust=/rustc/$commit"

# build PACKAGE...: features of crates are chosen for these packages together.
build() {
    packages=
    for name in "$@"; do
        packages="$packages --package $name"
    done
    # shellcheck disable=SC2086 # One word each.
    RUSTC_WRAPPER="$PWD/rustc.sh" CARGO_TARGET_DIR="$target" cargo build $packages \
        --locked --release --target wasm32-wasip2 \
        --config "target.wasm32-wasip2.rustflags=['--remap-path-prefix=$library']"
    for name in "$@"; do
        # Only what changed, so that a program with a plugin inside is not built again in vain.
        built="$target/wasm32-wasip2/release/$name.wasm"
        cmp -s "$built" "$folder/$name.wasm" || cp "$built" "$folder/$name.wasm"
    done
}

build thermometer vehicle meter scenario
# Apart from the plugins, whose bytes do not depend on what it needs. It takes minutes, and only the
# files of host/crates/builtin have it.
[ $# -eq 0 ] || build componentizer
