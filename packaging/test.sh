#!/bin/sh
# Builds everything and runs all tests. Installs what is missing.
# usage: packaging/test.sh [--preset release|debug|asan|tsan] [--quick] [--python CHECKOUT] [ctest options]
#   --preset NAME      the build to test; default release
#   --quick            only the tests that take seconds: label unit
#   --python CHECKOUT  the repository of the official Python library, to drive its client, too
#   the rest goes to ctest, e.g. -R hostile -V
set -eu
cd "$(dirname "$0")/.."
. packaging/deps.sh

preset=release
label=
python=
while [ $# -gt 0 ]; do
  case $1 in
    --preset) preset=$2; shift 2 ;;
    --quick) label='-L unit'; shift ;;
    --python) python=$(cd "$2" && pwd); shift 2 ;;
    -h | --help) sed -n '2,8s/^# //p' "$0"; exit 0 ;;
    *) break ;;
  esac
done

vsoa_install build node
case $preset in asan | tsan) vsoa_install check ;; esac
cmake --preset "$preset" ${python:+-D VSOA_PYTHON_PATH="$python"} >/dev/null
cmake --build --preset "$preset"
# Tests wait for sockets more than they compute.
# shellcheck disable=SC2086  # two words or none
exec ctest --preset "$preset" -j$((2 * $(nproc))) $label "$@"
