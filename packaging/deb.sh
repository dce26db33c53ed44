#!/bin/sh
# Builds the Debian packages, source and binary, from what is committed, and has lintian look at them.
# They come to lie in build/deb. Installs what is missing.
# usage: packaging/deb.sh [--build FOLDER]
#   --build FOLDER  package what was built there from the same sources, by the preset release or lean,
#                   rather than compile it anew
set -eu
cd "$(dirname "$0")/.."
. packaging/deps.sh
prebuilt=
case ${1-} in
  '') ;;
  --build)
    prebuilt=$(cd "$2" && pwd)
    cmake --build "$prebuilt"
    ;;
  *) sed -n '2,6s/^# //p' "$0"; exit 2 ;;
esac
vsoa_install build deb

version=$(dpkg-parsechangelog -l packaging/debian/changelog -S Version)
upstream=${version%-*}
rm -rf build/deb
mkdir -p build/deb
git archive --prefix="vsoad-$upstream/" HEAD | gzip -n >"build/deb/vsoad_$upstream.orig.tar.gz"
tar -C build/deb -xf "build/deb/vsoad_$upstream.orig.tar.gz"
cp -r packaging/debian "build/deb/vsoad-$upstream/debian"
cd "build/deb/vsoad-$upstream"
# A compiler cache, where there is one, for whoever builds again and again.
VSOAD_PREBUILT=$prebuilt VSOA_CCACHE=$(command -v ccache || true) dpkg-buildpackage -us -uc
cd ..
# root is who builds in a container: that is no fault of the package.
# The fuzzer's corpus holds small ELF files, and there is no bug of Debian's to close.
lintian --allow-root --suppress-tags source-is-missing,initial-upload-closes-no-bugs --fail-on error,warning "vsoad_$version"_*.changes
ls -1 -- *.deb
