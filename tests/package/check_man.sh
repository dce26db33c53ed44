#!/bin/sh
# Renders all manual pages as man does, with all of groff's warnings: there must be none. And
# vsoa-plugin(7) must name every host function of plugin.h.
# usage: check_man.sh SOURCE_DIR; exit 77 without man
set -u
cd "$1" || exit 1
bad=0
for name in $(sed -n 's/.*(\*\([a-z_]*\))(const vsoa_host \*host.*/\1/p' lib/include/vsoa/plugin.h | grep -vx start); do
  grep -q "^$name	" packaging/man/vsoa-plugin.7 || { echo "vsoa-plugin(7) says nothing of $name"; bad=1; }
done
command -v man >/dev/null && command -v groff >/dev/null || { echo "man or groff is not installed"; exit $((bad == 1 ? 1 : 77)); }
for page in packaging/man/*.[1-8]; do
  complaints=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings=w -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)
  [ -z "$complaints" ] || { echo "$page: $complaints"; bad=1; }
done
exit $bad
