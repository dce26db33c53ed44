#!/bin/sh
# Long runs that no CI has the time for, on a machine that packaging/test.sh has set up.
#
#     packaging/soak.sh streams [MIB]    each way by hash, the official Node.js client, 1024 MiB unless told,
#                                        with vsoad's memory less than 32 MiB above idle
set -eu
cd "$(dirname "$0")/.."

case "${1:-}" in
  streams)
    cmake --preset release
    cmake --build --preset release --target vsoad vsoad_plugins
    ctest --preset release -R '^npm_install$'
    build=$PWD/build/release
    VSOA_STREAM_MIB=${2:-1024} VSOA_STREAM_MEMORY_MIB=32 VSOAD_PROGRAM=$build/daemon/vsoad/vsoad \
      VSOAD_PLUGIN_DIRECTORY=$build/plugins VSOA_NPM_DIRECTORY=$build/npm \
      node tests/interop/node/streams_test.js
    ;;
  *)
    sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
