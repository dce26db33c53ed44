#!/bin/sh
# Long runs that no CI has the time for, on a machine that packaging/test.sh has set up.
#
#     packaging/soak.sh streams [MIB]    each way by hash, by TCP and TLS, the official Node.js client,
#                                        1024 MiB unless told, with vsoad's memory less than 32 MiB
#                                        above idle
set -eu
cd "$(dirname "$0")/.."

case "${1:-}" in
  streams)
    cmake --preset release
    cmake --build --preset release --target vsoad vsoad_plugins make_certificates
    ctest --preset release -R '^npm_install$'
    build=$PWD/build/release
    for test in streams streams_tls; do
      VSOA_STREAM_MIB=${2:-1024} VSOA_STREAM_MEMORY_MIB=32 VSOAD_PROGRAM=$build/daemon/vsoad/vsoad \
        VSOAD_PLUGIN_DIRECTORY=$build/plugins VSOA_NPM_DIRECTORY=$build/npm \
        VSOA_MAKE_CERTIFICATES=$build/tests/interop/make_certificates \
        node tests/interop/node/${test}_test.js
    done
    ;;
  *)
    sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
