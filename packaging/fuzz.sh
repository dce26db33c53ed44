#!/bin/sh
# Fuzzes everything that parses, target by target, with address and undefined-behaviour sanitizers.
# usage: packaging/fuzz.sh [SECONDS for each target; default 60]
# New inputs are kept in build/asan/corpus/<target>; a crash is left beside them and ends the run.
set -eu
cd "$(dirname "$0")/.."
. packaging/deps.sh

seconds=${1:-60}
vsoa_install build check
cmake --preset asan >/dev/null
cmake --build --preset asan --target fuzz_targets

while read -r target seeds; do
  found=build/asan/corpus/$target
  mkdir -p "$found"
  echo "$target: $seconds s"
  "build/asan/tests/fuzz/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
    -verbosity=0 -print_final_stats=1 -artifact_prefix="$found/" "$found" "$seeds" 2>&1 |
    grep -vE '^stat::(new_units|slowest|peak)|^INFO' >"$found.log" ||
    true
  # The pipe hides the target's exit code; a crash names its artifact.
  if grep -qE 'ERROR|SUMMARY|DEADLYSIGNAL' "$found.log"; then
    cat "$found.log" >&2
    exit 1
  fi
  grep 'number_of_executed_units' "$found.log" | sed 's/^stat::/  /'
done <build/asan/tests/fuzz/targets
