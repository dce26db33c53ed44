#!/bin/sh
# Builds vsoad as packaged and measures it against raw sockets: see tests/bench/README.md.
# usage: packaging/bench.sh [options of vsoa_bench; --help lists them]
set -eu
cd "$(dirname "$0")/.."
cmake --preset release
cmake --build --preset release --target vsoa_bench
exec build/release/tests/bench/vsoa_bench \
  --json build/release/vsoa_bench.json --chart build/release/vsoa_bench.svg "$@"
