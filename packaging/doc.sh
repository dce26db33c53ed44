#!/bin/sh
# Builds the reference of libvsoa from its headers, and fails for whatever is not documented.
# usage: packaging/doc.sh        the pages: build/release/lib/doc/html/index.html
set -eu
cd "$(dirname "$0")/.."
. packaging/deps.sh

vsoa_install build doc
cmake --preset release >/dev/null
cmake --build --preset release --target doc
