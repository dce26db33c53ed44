#!/bin/sh
# Fuzzes everything that parses, with address and undefined-behaviour sanitizers; as many targets at a time
# as there are processors.
# usage: packaging/fuzz.sh [--preset fuzz|asan] [SECONDS for each target; default 60]
#   --preset NAME  the build to take: fuzz, the default, runs faster; asan compiles faster
# New inputs are kept in build/<preset>/corpus/<target>; a crash is left beside them and fails the run.
set -eu
cd "$(dirname "$0")/.."
. packaging/deps.sh

preset=fuzz
case ${1-} in
  --preset) preset=$2; shift 2 ;;
  -*) sed -n '2,6s/^# //p' "$0"; exit 2 ;;
esac
seconds=${1:-60}
vsoa_install build check
cmake --preset "$preset" >/dev/null
cmake --build --preset "$preset" --target fuzz_targets

# fuzz <target> <seeds>: fails if it found something.
fuzz() {
  found=build/$preset/corpus/$1
  mkdir -p "$found"
  echo "$1: $seconds s"
  "build/$preset/tests/fuzz/$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
    -verbosity=0 -print_final_stats=1 -artifact_prefix="$found/" "$found" "$2" >"$found.log" 2>&1 &&
    ! grep -qE 'ERROR|SUMMARY|DEADLYSIGNAL' "$found.log" || {
    cat "$found.log" >&2
    return 1
  }
  echo "$1: $(sed -n 's/^stat::number_of_executed_units: *//p' "$found.log") inputs, nothing found"
}

running=
failed=0
while read -r target seeds; do
  # shellcheck disable=SC2086  # a list of numbers
  if [ "$(echo $running | wc -w)" -ge "$(nproc)" ]; then
    wait "${running%% *}" || failed=1
    running=${running#* }
  fi
  fuzz "$target" "$seeds" &
  running="$running$! "
done <"build/$preset/tests/fuzz/targets"
for job in $running; do
  wait "$job" || failed=1
done
exit $failed
