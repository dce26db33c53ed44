# What the build and the tests need from Debian 12; read by the scripts beside it, with `.`.
#
#   vsoa_install build node ...   installs what is missing of these groups
#
# Needs root or sudo only when something is missing.

vsoa_packages_build='g++ cmake ninja-build pkg-config git libboost1.81-dev
  libboost-program-options1.81-dev libyaml-cpp-dev libsimdjson-dev libssl-dev libspdlog-dev
  libsystemd-dev doctest-dev'
# Without ccache all works as well; with it the second build preset of a run is faster.
vsoa_packages_check='clang-14 libclang-rt-14-dev clang-format-14 clang-tidy-14 lld-14 ccache'

vsoa_packages_doc='doxygen'
# debhelper is also dh-sequence-installsysusers, which the control file asks for.
vsoa_packages_deb='build-essential debhelper devscripts lintian'
vsoa_packages_system='mmdebstrap systemd-container gcc libc6-dev'

vsoa_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "to install packages, run this as root or install sudo; needed: $*" >&2
    return 1
  fi
}

# Prints those of the packages that are not installed.
vsoa_missing() {
  for package in "$@"; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || state=
    [ "$state" = installed ] || printf '%s ' "$package"
  done
}

vsoa_install() {
  wanted=
  for group in "$@"; do
    case $group in
      build) wanted="$wanted $vsoa_packages_build" ;;
      deb) wanted="$wanted $vsoa_packages_deb" ;;
      doc) wanted="$wanted $vsoa_packages_doc" ;;
      system) wanted="$wanted $vsoa_packages_system" ;;
      check) wanted="$wanted $vsoa_packages_check" ;;
      # Whoever has a node of his own keeps it: Debian's would be in its way.
      node) command -v node >/dev/null && command -v npm >/dev/null || wanted="$wanted nodejs npm" ;;
      *) echo "no such group of packages: $group" >&2; return 1 ;;
    esac
  done
  # shellcheck disable=SC2086  # a list of words
  missing=$(vsoa_missing $wanted)
  [ -n "$missing" ] || return 0
  if ! command -v apt-get >/dev/null; then
    echo "this is no Debian: install what corresponds to: $missing" >&2
    return 1
  fi
  echo "installing: $missing"
  vsoa_root apt-get -qq update
  # shellcheck disable=SC2086
  vsoa_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq -o Dpkg::Use-Pty=0 install --no-install-recommends $missing >/dev/null
}
