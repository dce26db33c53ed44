#!/bin/bash
# The acceptance test of the packages in build/deb, on a machine of its own with a real systemd (box.sh).
# Each step stands on those before it. Started by packaging/system-test.sh, which provides what it needs.
set -u
cd "$(dirname "$0")/../.."
. tests/system/box.sh

work=build/system-test
failed=0
passed=0

fail() {
  echo "$*"
  return 1
}

# step <what> <function>: its output is shown if it fails.
step() {
  local begin=$SECONDS status
  # Not as a condition: there `set -e` would mean nothing.
  (
    set -eE
    trap 'echo "line $LINENO: $BASH_COMMAND" >&2' ERR
    "$2"
  ) >"$work/step" 2>&1
  status=$?
  if [ "$status" = 0 ]; then
    passed=$((passed + 1))
    echo "ok    $1 ($((SECONDS - begin)) s)"
    return
  fi
  failed=$((failed + 1))
  echo "FAIL  $1 ($((SECONDS - begin)) s)"
  load_is_over
  sed 's/^/      /' "$work/step"
  box_run journalctl --unit=vsoad --lines=12 --no-pager --output=cat | sed 's/^/      journal: /'
}

# within <seconds> <command ...>: until it succeeds.
within() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || fail "not within the time: $*" || return 1
    sleep 0.1
  done
}

is() { [ "$1" = "$2" ] || fail "is \"$1\", not \"$2\"${3:+: $3}"; }
property() { box_run systemctl show --value --property="$1" "${2:-vsoad.service}"; }
main_pid() { property MainPID; }
client() { box_net env NODE_PATH="$work/node_modules" timeout 60 node tests/system/client.js "$@"; }
answers() { is "$(client call 3005 "$1" 2>&1)" "$2" "$1"; }
is_not_served() { client call 3005 "$1" 2>&1 | grep -q "status 3"; }
journal() { box_run journalctl --unit=vsoad --no-pager --output=cat "$@"; }
said() { journal --since="@$1" | grep -qF -- "$2"; }
drop_in() { # <name>: from standard input
  box_run mkdir -p /etc/systemd/system/vsoad.service.d
  box_run tee "/etc/systemd/system/vsoad.service.d/$1.conf" >/dev/null
  box_run systemctl daemon-reload
}
no_drop_in() {
  box_run rm -f "/etc/systemd/system/vsoad.service.d/$1.conf"
  box_run systemctl daemon-reload
}

# Clients that connect and call all the time, around what is tested.
load_begins() {
  rm -f "$work/load"  # what is waited for must be of this one
  box_net env NODE_PATH="$work/node_modules" node tests/system/client.js load 3005 >"$work/load" 2>&1 &
  within 10 grep -qs begun "$work/load"
  sed -n 's/^begun //p' "$work/load" >"$work/load.pid"
}
load_is_over() {
  [ -f "$work/load.pid" ] || return 0
  kill "$(cat "$work/load.pid")" 2>/dev/null || true
  rm "$work/load.pid"
}
load_ends() {
  local result
  load_is_over
  within 10 grep -q refused "$work/load"
  result=$(tail -n 1 "$work/load")
  echo "load: $result"
  grep -q '"refused":0,' <<<"$result" || fail "connections were refused"
  ! grep -q '"answered":0}' <<<"$result" || fail "nothing was answered"
}

# --- preparations on this machine ---

# The version that follows, with another /etc/vsoad.yaml, as a next release would have.
make_next_version() {
  local deb tree
  rm -rf "$work/next"
  mkdir -p "$work/next"
  for deb in "$work"/now/*.deb; do
    tree=$work/tree
    rm -rf "$tree"
    dpkg-deb --raw-extract "$deb" "$tree"
    sed -i 's/0\.1\.0-1/0.1.0-2/g' "$tree/DEBIAN/control"
    if [ -f "$tree/etc/vsoad.yaml" ]; then
      echo '# The next release says more here.' >>"$tree/etc/vsoad.yaml"
      (cd "$tree" && find . -path ./DEBIAN -prune -o -type f -printf '%P\n' | sort | xargs md5sum >DEBIAN/md5sums)
    fi
    dpkg-deb --root-owner-group --build "$tree" "$work/next" >/dev/null
  done
  rm -rf "$tree"
}

make_plugins() {
  local name
  for name in dropped isolated; do
    gcc -shared -fPIC -Wall -Werror -Ilib/include -DNAME="\"$name\"" -DVERSION='"1"' -o "$work/$name.so" \
      tests/system/trial.c
  done
  gcc -shared -fPIC -Ilib/include -DNAME='"dropped"' -DVERSION='"2"' -o "$work/dropped-2.so" tests/system/trial.c
}

needed_packages() {
  local deb
  for deb in "$work"/now/*.deb; do
    dpkg-deb --field "$deb" Depends
  done | tr ',' '\n' | sed 's/|.*//; s/(.*//; s/ //g' | grep -vE '^(vsoa.*|libvsoa.*|systemd.*|)$' | sort -u
}

# --- the steps ---

packages_install() {
  box_put "$work"/now/*.deb /root
  box_run sh -c 'dpkg --install /root/*.deb'
  is "$(box_run systemctl is-enabled vsoad.service)" enabled
  is "$(box_run systemctl is-enabled vsoad.socket || true)" disabled
  is "$(box_run stat --format='%U:%G %a' /etc/vsoad.yaml)" "root:vsoad 640"
  box_run getent passwd vsoad
}

service_runs() {
  box_run systemctl start vsoad
  is "$(property ActiveState)" active
  is "$(property NRestarts)" 0
  property StatusText | grep -q '^1 services'
  local status
  status=$(box_run cat "/proc/$(main_pid)/status")
  grep -P '^CapEff:\t0+$' <<<"$status"
  grep -P '^CapBnd:\t0+$' <<<"$status"
  grep -P '^NoNewPrivs:\t1$' <<<"$status"
  grep -P '^Seccomp:\t2$' <<<"$status"
  ! grep -P '^Uid:\t0' <<<"$status" || fail "runs as root"
}

units_are_sound() {
  is "$(box_run systemd-analyze verify --man=no /lib/systemd/system/vsoad.service /lib/systemd/system/vsoad.socket 2>&1)" ""
  box_run systemd-analyze security --offline=yes --threshold=11 /lib/systemd/system/vsoad.service
}

client_calls() {
  answers /echo null
  is "$(client lookup vsoad)" 3005
  # Sandboxed, the machine's figures are still there.
  client call 3005 /sysinfo | grep -q '"total":[1-9]'
}

group_may_operate() {
  local group
  group=$(box_run getent group vsoad | cut -d: -f3)
  box_run setpriv --reuid=54321 --regid=54321 --groups="$group" vsoactl status
  ! box_run setpriv --reuid=54321 --regid=54321 --clear-groups vsoactl status || fail "anybody may"
}

packages_own_test() {
  box_put packaging/debian/tests/smoke /root
  box_run /root/smoke
}

put_plugin() { # <file> <name>: as install and dpkg do it, at once
  box_put "$work/$1" /root/plugin
  box_run install -D --mode=755 /root/plugin "/usr/local/lib/vsoad/plugins/.$2"
  box_run mv "/usr/local/lib/vsoad/plugins/.$2" "/usr/local/lib/vsoad/plugins/$2"
  box_run rm /root/plugin
}

plugin_drops_in() {
  local before
  before=$(main_pid)
  box_run mkdir -p /usr/local/lib/vsoad/plugins
  put_plugin dropped.so dropped.so
  within 5 answers /dropped '"1"'
  is "$(main_pid)" "$before"
}

plugin_is_replaced_and_removed() {
  local before
  before=$(main_pid)
  put_plugin dropped-2.so dropped.so
  within 5 answers /dropped '"2"'
  box_run rm /usr/local/lib/vsoad/plugins/dropped.so
  within 5 is_not_served /dropped
  put_plugin dropped.so dropped.so
  within 5 answers /dropped '"1"'
  is "$(main_pid)" "$before"
}

fragment() { # <name>: from standard input
  box_run mkdir -p /etc/vsoad.d
  box_run tee "/etc/vsoad.d/$1.yaml" >/dev/null
}

reload_changes() {
  local before
  before=$(main_pid)
  echo 'services: [ { name: second, listen: "127.0.0.1:3006", plugins: all } ]' | fragment second
  box_run systemctl reload vsoad
  is "$(client call 3006 /echo)" null
  is "$(client lookup second)" 3006
  answers /echo null
  is "$(main_pid)" "$before"
}

broken_reload_fails() {
  local before begin
  before=$(main_pid)
  begin=$(date +%s)
  echo 'services: [ { name: second, lisen: "127.0.0.1:3006", plugins: all } ]' | fragment second
  ! box_run systemctl reload vsoad || fail "reload says that all is well"
  is "$(property ActiveState)" active
  said "$begin" 'did you mean "listen"?'
  # What was in force is.
  is "$(client call 3006 /echo)" null
  answers /echo null
  box_run rm /etc/vsoad.d/second.yaml
  box_run systemctl reload vsoad
  ! client call 3006 /echo || fail "a service that is gone answers"
  is "$(main_pid)" "$before"
}

child_of_plugin() {
  box_run sh -c 'for p in /proc/[0-9]*; do [ "$(cat $p/comm 2>/dev/null)" != vsoad-plugin ] || echo "${p#/proc/}"; done'
}

isolated_plugin_dies_alone() {
  local before child
  before=$(main_pid)
  echo 'plugins: { settings: { isolated: { isolation: process } } }' | fragment isolated
  box_run systemctl reload vsoad
  put_plugin isolated.so isolated.so
  within 5 answers /isolated '"1"'
  child=$(child_of_plugin)
  box_run sh -c "kill -s KILL $child"
  within 10 answers /isolated '"1"'
  [ "$(child_of_plugin)" != "$child" ]
  client call 3005 /isolated/crash 2>&1 | grep -q "status 4"
  within 10 answers /isolated '"1"'
  is "$(main_pid)" "$before"
  box_run rm /etc/vsoad.d/isolated.yaml /usr/local/lib/vsoad/plugins/isolated.so
  box_run systemctl reload vsoad
}

restart_refuses_nobody() {
  local before
  before=$(main_pid)
  load_begins
  for _ in 1 2 3; do
    box_run systemctl restart vsoad
  done
  load_ends
  [ "$(main_pid)" != "$before" ]
  journal | grep -q 'using the socket of 127.0.0.1:3005 that was kept over the restart'
  journal | grep -q 'using the socket of 127.0.0.1:3000 that was kept over the restart'
  box_run systemctl reset-failed vsoad
}

crash_refuses_nobody() {
  local before
  before=$(main_pid)
  load_begins
  box_run sh -c "kill -s KILL $before"
  within 10 restarted_since "$before"
  load_ends
  box_run systemctl reset-failed vsoad
}
restarted_since() { [ "$(main_pid)" != "$1" ] && [ "$(property SubState)" = running ]; }

watchdog_restarts() {
  local before begin
  printf '[Service]\nWatchdogSec=2s\n' | drop_in watchdog
  box_run systemctl restart vsoad
  before=$(main_pid)
  begin=$(date +%s)
  client call 3005 /dropped/stall >"$work/stalled" 2>&1 &
  within 30 restarted_since "$before"
  kill $! 2>/dev/null || true
  said "$begin" "an event loop has not come round"
  is "$(property Result)" success
  is "$(property NRestarts)" 1
  answers /echo null
  no_drop_in watchdog
  box_run systemctl reset-failed vsoad
}

sockets_activate() {
  box_run systemctl stop vsoad
  box_run sh -c 'mkdir -p /etc/systemd/system/vsoad.service.d &&
    cp /usr/share/doc/vsoad/examples/systemd/socket-activation.conf /etc/systemd/system/vsoad.service.d/'
  box_run systemctl daemon-reload
  box_run systemctl start vsoad.socket
  is "$(property ActiveState)" inactive
  answers /echo null
  is "$(client lookup vsoad)" 3005
  is "$(property ActiveState)" active
  # The service has a network of its own, and is reached all the same.
  local pid
  pid=$(main_pid)
  box_run sh -c "[ \$(readlink /proc/$pid/ns/net) != \$(readlink /proc/1/ns/net) ]"
  box_run systemctl stop vsoad.socket vsoad.service
  no_drop_in socket-activation
  box_run systemctl start vsoad
  answers /echo null
}

privileged_ports_by_drop_in() {
  box_run sh -c 'mkdir -p /etc/vsoad.d && printf "position: { listen: 127.0.0.1:54 }\n" >/etc/vsoad.d/x.yaml'
  # One place for a key: the file's own position goes.
  box_run sed -i.kept '/^position:/,/^$/d' /etc/vsoad.yaml
  ! box_run systemctl restart vsoad || fail "started without the privilege"
  journal | grep -q 'ports below 1024'
  box_run sh -c 'cp /usr/share/doc/vsoad/examples/systemd/privileged-ports.conf /etc/systemd/system/vsoad.service.d/'
  box_run systemctl daemon-reload
  box_run systemctl reset-failed vsoad
  box_run systemctl restart vsoad
  journal | grep -q 'position listening on 127.0.0.1:54'
  no_drop_in privileged-ports
  box_run sh -c 'mv /etc/vsoad.yaml.kept /etc/vsoad.yaml && rm /etc/vsoad.d/x.yaml'
  box_run systemctl reset-failed vsoad
  box_run systemctl restart vsoad
}

journal_tells() {
  journal | grep -q '^ready'
  journal --priority=err >"$work/errors"
  # Those that were provoked, and no others.
  ! grep -vE '[Ww]atchdog|event loop|can.t listen|^Failed to start|^reload: |^Reload failed|plugin isolated: its process' "$work/errors" || fail "unexpected errors"
  # What vsoad says has its level, for those who filter.
  box_run journalctl --unit=vsoad --identifier=vsoad --output=json --lines=1 | grep -q '"PRIORITY":"6"'
}

upgrade_keeps_what_was_edited() {
  box_run sh -c 'echo "# edited here" >>/etc/vsoad.yaml'
  local before
  before=$(main_pid)
  box_run sh -c 'rm -f /root/*.deb'
  box_put "$work"/next/*.deb /root
  load_begins
  box_run sh -c 'dpkg --install --force-confdef /root/*.deb'
  load_ends
  is "$(box_run dpkg-query --show --showformat='${Version}' vsoad)" 0.1.0-2
  box_run grep -q '^# edited here' /etc/vsoad.yaml
  box_run grep -q '^# The next release' /etc/vsoad.yaml.dpkg-dist
  is "$(box_run stat --format='%U:%G %a' /etc/vsoad.yaml)" "root:vsoad 640"
  restarted_since "$before"
  answers /dropped '"1"'
}

remove_and_purge() {
  local left
  box_run sh -c 'touch /var/lib/vsoad/state'
  box_run dpkg --remove vsoad
  box_run test -e /etc/vsoad.yaml
  ! box_run systemctl is-active --quiet vsoad || fail "still runs"
  box_run dpkg --purge vsoad vsoa-tools libvsoa-dev libvsoa1
  # The user stays, by Debian's policy; and what the operator has put below /usr/local and /root.
  left=$(box_run find / -xdev '(' -path /proc -o -path /sys -o -path /usr/local -o -path /root \
    -o -path /var/log/journal -o -path /run/log ')' -prune -o -name '*vsoa*' -print)
  is "$left" ""
  is "$(property LoadState)" not-found
}

# --- the run ---

rm -rf "$work"
mkdir -p "$work/now"
cp build/deb/*.deb "$work/now"
rm -f "$work"/now/*-dbgsym_*.deb
cp tests/interop/npm/package.json tests/interop/npm/package-lock.json "$work"
(cd "$work" && npm ci --ignore-scripts --no-audit --no-fund --silent) || exit 1
make_next_version || exit 1
make_plugins || exit 1
# shellcheck disable=SC2046  # a list of words
box_tree $(needed_packages) || { echo "FAIL  making the tree of the machine"; exit 1; }

ended() {
  load_is_over
  box_down
}
trap ended EXIT
trap 'exit 130' INT TERM
box_up || { echo "FAIL  booting the machine"; exit 1; }

step "packages install" packages_install
step "the service was enabled and runs, without privileges" service_runs
step "units are sound" units_are_sound
step "the npm client calls from outside" client_calls
step "the packages' own test passes" packages_own_test
step "members of the group may operate it, and nobody else" group_may_operate
step "a plugin drops in" plugin_drops_in
step "a plugin is replaced, and removed" plugin_is_replaced_and_removed
step "a reload changes what is served" reload_changes
step "a reload of a broken file fails, and changes nothing" broken_reload_fails
step "an isolated plugin dies alone" isolated_plugin_dies_alone
step "a restart under load refuses nobody" restart_refuses_nobody
step "a crash under load refuses nobody" crash_refuses_nobody
step "a loop that stands still is restarted by the watchdog" watchdog_restarts
step "sockets start the service, which has no network" sockets_activate
step "a drop-in allows privileged ports" privileged_ports_by_drop_in
step "the journal tells" journal_tells
step "an upgrade keeps an edited file, and refuses nobody" upgrade_keeps_what_was_edited
step "removed and purged, nothing is left" remove_and_purge

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
