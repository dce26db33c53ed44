#!/bin/bash
# The examples talk with each other: the robot finds the server by name, calls, and hears ticks.
# usage: run_examples.sh FOLDER
set -eu
cd "$1"

pids=()
finish() {
  for pid in "${pids[@]}"; do
    kill "$pid" 2>/dev/null || true
  done
}
trap finish EXIT

# address <fd>: the one that a server says it listens on
address() {
  local line
  read -r -t 20 line <&"$1"
  echo "${line#listening on }"
}

exec {server}< <(exec ./example_server 127.0.0.1:0)
pids+=($!)
at=$(address "$server")
exec {position}< <(exec ./example_position 127.0.0.1:0 example="$at")
pids+=($!)
VSOA_POS_SERVER=$(address "$position")
export VSOA_POS_SERVER

said=$(timeout 30 ./example_robot vsoa://example 3)
echo "$said"
for part in 'connected to {"name":"example"}' '/speed is 42 (SUCCESS)' '/tick ' '/speed/changed 42' '/bytes gave 1000000'; do
  case $said in
    *"$part"*) ;;
    *) echo "the robot did not say: $part" >&2; exit 1 ;;
  esac
done

# Both end well when told to.
kill -TERM "${pids[@]}"
for pid in "${pids[@]}"; do
  wait "$pid"
done
pids=()
