# shellcheck shell=bash
# A machine to throw away: a minimal Debian 12 with a real systemd as its PID 1, in systemd-nspawn. It has
# a network of its own with nothing but a loopback, so nothing gets out and no port is taken. Read by the
# scripts beside it, with `.`; needs bash and root.
#
#   box_can              says why no box can be had here, on standard output, or nothing
#   box_tree PACKAGES    makes the tree of Debian packages once, and keeps it in $box_cache
#   box_up               unpacks it into memory and boots it; returns when the boot is over
#   box_run COMMAND ...  runs a command inside
#   box_net COMMAND ...  runs a command of this machine in the network of the box
#   box_put FILE ... DIR copies files into it
#   box_down             ends it, and leaves nothing but the cache
#
# Where systemd does not run on this machine itself (a build container), nobody makes a cgroup for the box:
# then we do.

box_cache=${VSOA_SYSTEM_TEST_CACHE:-${XDG_CACHE_HOME:-/var/cache}/vsoad-system-test}
box_name=vsoad-test-$$
box_dir=/run/$box_name
box_nspawn=   # the pid of systemd-nspawn
box_init=     # the pid of the systemd inside, as this machine sees it
box_cgroups=()

# The mirror that this machine's apt uses for Debian itself; it may be one behind a firewall.
box_mirror() {
  local mirror
  mirror=$(apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    sed -n 's/^bookworm main //p' | head -n 1)
  echo "${VSOA_DEBIAN_MIRROR:-${mirror:-http://deb.debian.org/debian}}"
}

box_can() {
  if [ "$(id -u)" != 0 ]; then
    echo "needs root"
  elif ! command -v apt-get >/dev/null; then
    echo "needs a Debian"
  elif ! unshare --mount --pid --net --ipc --uts --fork true 2>/dev/null; then
    echo "this machine allows no namespaces"
  elif ! compgen -G "$box_cache/*.tar" >/dev/null && ! apt-get -qq update 2>/dev/null; then
    echo "no Debian mirror can be reached"
  fi
}

# The tree is named by what is in it: another list makes another tree.
box_tree() {
  local all=(systemd systemd-sysv dbus libpam-systemd "$@") key
  key=$(printf '%s\n' "${all[@]}" | sort -u | sha256sum | cut -c 1-16)
  box_tar=$box_cache/$key.tar
  [ ! -s "$box_tar" ] || return 0
  mkdir -p "$box_cache"
  rm -f "$box_cache"/*.tar
  local list
  list=$(IFS=, && echo "${all[*]}")
  # No logins, no timers: a box lives for a minute.
  # shellcheck disable=SC2016  # $1 is for the shell that mmdebstrap starts
  mmdebstrap --quiet --variant=essential --include="$list" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt=force-unsafe-io \
    --customize-hook='systemctl --root="$1" --quiet mask console-getty.service getty.target \
      systemd-logind.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
      e2scrub_all.timer fstrim.timer' \
    --customize-hook='rm -rf "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/* \
      "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap' \
    --format=tar bookworm "$box_tar.new" "$(box_mirror)" && mv "$box_tar.new" "$box_tar"
}

box_own_cgroups() {
  local hierarchy
  [ ! -d /run/systemd/system ] || return 0
  for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
    [ -e "$hierarchy/cgroup.procs" ] || continue
    mkdir "$hierarchy/$box_name" && box_cgroups+=("$hierarchy/$box_name")
  done
}

box_up() {
  local options=(--quiet --directory="$box_dir/root" --machine="$box_name" --hostname=box --boot
    --register=no --private-network --console=read-only --kill-signal=SIGRTMIN+4)
  [ -d /run/systemd/system ] || options+=(--keep-unit)
  mkdir "$box_dir"
  mount -t tmpfs -o mode=755,size=3g "$box_name" "$box_dir" || return 1
  mkdir "$box_dir/root"
  tar -C "$box_dir/root" -xf "$box_tar" || return 1
  box_own_cgroups
  (
    for group in "${box_cgroups[@]}"; do
      echo "$BASHPID" >"$group/cgroup.procs"
    done
    export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
    exec setsid systemd-nspawn "${options[@]}" -- systemd.unit=multi-user.target
  ) </dev/null >"$box_dir/console" 2>&1 &
  box_nspawn=$!
  local try
  for ((try = 0; try < 600; ++try)); do
    sleep 0.05
    if ! kill -0 "$box_nspawn" 2>/dev/null; then
      cat "$box_dir/console"
      return 1
    fi
    box_init=$(pgrep --parent "$box_nspawn") || continue
    [ ! -S "/proc/$box_init/root/run/dbus/system_bus_socket" ] || break
  done
  box_run systemctl is-system-running --wait >"$box_dir/state" 2>&1 || {
    cat "$box_dir/state" "$box_dir/console"
    box_run systemctl --failed
    return 1
  }
}

box_run() {
  nsenter --target "$box_init" --mount --uts --ipc --net --pid --cgroup -- \
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LC_ALL=C.UTF-8 \
    DEBIAN_FRONTEND=noninteractive SYSTEMD_PAGER=cat SYSTEMD_COLORS=0 "$@"
}

box_net() { nsenter --target "$box_init" --net -- "$@"; }

box_put() { cp -- "${@:1:$#-1}" "/proc/$box_init/root${*: -1}"; }

box_down() {
  local try group
  if [ -n "$box_nspawn" ] && kill -0 "$box_nspawn" 2>/dev/null; then
    # The order to power off, as systemd understands it.
    kill -s SIGRTMIN+4 "$box_init" 2>/dev/null || kill "$box_nspawn"
    for ((try = 0; try < 200; ++try)); do
      kill -0 "$box_nspawn" 2>/dev/null || break
      sleep 0.05
    done
    ! kill -0 "$box_nspawn" 2>/dev/null || kill -KILL "$box_nspawn"
    wait "$box_nspawn" 2>/dev/null
  fi
  ! mountpoint -q "$box_dir" || umount "$box_dir" || umount --lazy "$box_dir"
  [ ! -d "$box_dir" ] || rmdir "$box_dir"
  for group in "${box_cgroups[@]}"; do
    find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
  done
  box_nspawn=
  box_cgroups=()
}
