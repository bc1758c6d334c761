#!/bin/sh
# Runs rustc for build.sh, so that a component has the same bytes wherever it is built.
#
# Cargo sets this as RUSTC_WRAPPER: the first argument is rustc. Two things in a component
# depend on folders otherwise:
# - texts of panics name source files, which are stored below CARGO_HOME or the checkout:
#   a crate's folder becomes /NAME-VERSION;
# - `-C metadata`, which names and orders symbols, is computed by Cargo from the absolute path
#   of a crate outside of the workspace, as the SDK is: it becomes NAME-VERSION too.
# Crates that run while building (procedural macros, build scripts) stay as they are.
set -eu

case " $* " in
    *" --target wasm32-wasip2 "*" -C metadata="*) ;;
    *" -C metadata="*" --target wasm32-wasip2 "*) ;;
    *) exec "$@" ;;
esac

crate=$CARGO_PKG_NAME-$CARGO_PKG_VERSION
count=$#
while [ "$count" -gt 0 ]; do
    argument=$1
    shift
    case $argument in
        metadata=*) argument=metadata=$crate ;;
    esac
    set -- "$@" "$argument"
    count=$((count - 1))
done
# Rustc takes the last mapping that fits.
set -- "$@" --remap-path-prefix="$(pwd -P)=/" --remap-path-prefix="$CARGO_MANIFEST_DIR=/$crate"
[ -z "${OUT_DIR-}" ] || set -- "$@" --remap-path-prefix="$OUT_DIR=/$crate/out"
exec "$@"
