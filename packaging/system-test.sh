#!/bin/bash
# Installs the Debian packages on a machine of their own, a Debian 12 with a real systemd that lives for
# some minutes in systemd-nspawn, and passes the acceptance test there: tests/system. Needs root. Installs
# what is missing; the tree of the machine is made once and kept below /var/cache.
# usage: packaging/system-test.sh [--can] [--keep-packages]
#   --can            only say whether this machine can; exit 0 or, with the reason, 77
#   --keep-packages  use the packages in build/deb as they are
set -eu
cd "$(dirname "$0")/.."
. packaging/deps.sh
. tests/system/box.sh

packages=build
case ${1-} in
  --can | --keep-packages) packages=${1#--} ;;
  '') ;;
  *) sed -n '2,7s/^# //p' "$0"; exit 2 ;;
esac

reason=$(box_can)
if [ -n "$reason" ]; then
  echo "skipped: $reason"
  exit 77
fi
[ "$packages" != can ] || exit 0

vsoa_install build deb node system
[ "$packages" = keep-packages ] || packaging/deb.sh
exec tests/system/acceptance.sh
