#!/bin/sh
# First light: builds vsoad, starts it with conf/vsoad.yaml on loopback, and has the official Node.js
# client look it up by name, call a plugin and receive a publish. Installs what is missing.
# usage: packaging/try.sh
set -eu
cd "$(dirname "$0")/.."
. packaging/deps.sh

vsoa_install build node
echo "building (build/release) ..."
cmake --preset release >/dev/null
cmake --build --preset release --target vsoad vsoad_plugins

work=$(mktemp -d)
pid=
finish() {
  code=$?
  trap - EXIT INT TERM
  if [ -n "$pid" ]; then
    kill "$pid" 2>/dev/null || true
    wait "$pid" || { echo "vsoad did not end well" >&2; code=1; }
  fi
  [ "$code" = 0 ] || [ ! -s "$work/log" ] || { echo "vsoad said:" >&2; cat "$work/log" >&2; }
  rm -rf "$work"
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM

cp tests/interop/npm/package.json tests/interop/npm/package-lock.json "$work"
(cd "$work" && npm ci --ignore-scripts --no-audit --no-fund --silent)

# The file as it is installed; a fragment says where the plugins of this build are.
mkdir "$work/vsoad.d"
cp conf/vsoad.yaml "$work"
printf 'plugins: { directory: "%s" }\n' "$PWD/build/release/plugins" >"$work/vsoad.d/try.yaml"
build/release/daemon/vsoad/vsoad --config "$work/vsoad.yaml" >"$work/log" 2>&1 &
pid=$!
tries=0
until grep -q 'ready' "$work/log"; do
  if ! kill -0 "$pid" 2>/dev/null; then
    grep -q 'in use' "$work/log" && echo "port 3005 or 3000 is taken: end what holds it, and try again" >&2
    pid=
    exit 1
  fi
  tries=$((tries + 1))
  [ "$tries" -le 100 ] || { echo "vsoad is not ready after 10 s" >&2; exit 1; }
  sleep 0.1
done
echo "vsoad runs with conf/vsoad.yaml"

VSOA_POS_SERVER=127.0.0.1:3000 NODE_PATH="$work/node_modules" node packaging/try.js
