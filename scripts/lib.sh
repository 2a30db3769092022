# Shared by the shell scripts of this folder: paths, messages, package mirrors and Debian's packages.
# To be sourced; it runs nothing by itself.
FLOTILLA_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
FLOTILLA_VENV=$FLOTILLA_ROOT/.venv

# Python takes the names of files, and what it prints, for the locale's encoding: one without é cannot work in a folder
# that has one. In the locale C, and in it alone, Python changes to UTF-8 by itself, unless LC_ALL forbids that.
case ${LC_ALL:-${LC_CTYPE:-${LANG:-}}} in
  "" | *[Uu][Tt][Ff]-8 | *[Uu][Tt][Ff]8) ;;
  *) unset LC_ALL LC_CTYPE; export LANG=C ;;
esac

say() { printf '%s\n' "$*" >&2; }
die() { say "Error: $*"; exit 1; }

# The comment block under the shebang is the script's --help.
usage() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p;}' "$0"; exit 0; }

# SECONDS COMMAND…: end a command that hangs, where there is `timeout`: macOS has none.
within() { if command -v timeout >/dev/null; then timeout "$@"; else "${@:2}"; fi; }

# What this machine's pip settings say about mirrors, certificates and proxies, as `export` lines. $1: a Python with
# pip. $2: `container` for lines that hold inside of one.
package_environment() { "$1" "$FLOTILLA_ROOT/scripts/package_environment.py" "${@:2}"; }

uv_environment() {
  export UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1
  eval "$(package_environment "${1:-$FLOTILLA_VENV/bin/python}")"
}

# Debian's and Ubuntu's packages. Only the distribution's own package lists are fetched, so that a broken third-party
# source cannot stop the installation; what matters in the end is whether a package has a candidate (apt_has).
os() { (. /etc/os-release && eval "echo \"\${$1:-}\""); }

distribution_keyring() { echo "/usr/share/keyrings/$(os ID)-archive-keyring.gpg"; }

apt_lists() {  # arguments: source lines to fetch beside the distribution's own
  local list
  list=$(mktemp)
  # shellcheck disable=SC2016 # the variables are apt's
  apt-get indextargets --no-release-info --format '$(CREATED_BY) $(REPO_URI) $(RELEASE) $(COMPONENT)' |
    grep -oP "^Packages \K\S+ $(os VERSION_CODENAME)(-updates|-security)? \S+$" | sort -u |
    sed "s#^#deb [signed-by=$(distribution_keyring)] #" >"$list" || true
  [ $# = 0 ] || printf '%s\n' "$@" >>"$list"
  chmod a+r "$list"
  apt-get update -qq -o Dir::Etc::SourceList="$list" -o Dir::Etc::SourceParts=/dev/null -o APT::Get::List-Cleanup=0 >&2 ||
    apt-get update -qq >&2 || say "Some of apt's package lists could not be fetched; continuing with the others."
  rm -f "$list"
}

# Source lines for Debian 13, from the mirror that this machine uses; nothing where this is not Debian.
# The package lists say whether a source is Debian's own, so they are fetched where they are missing.
trixie_sources() {
  local sources
  [ "$(os ID)" = debian ] || return 0
  sources=$(debian_sources)
  [ -n "$sources" ] || [ "$(id -u)" != 0 ] || { apt_lists; sources=$(debian_sources); }
  awk -v was="$(os VERSION_CODENAME)" -v key="$(distribution_keyring)" \
    'NF { sub("^" was, "trixie", $2); print "deb [signed-by=" key "]", $1, $2, "main" }' <<<"$sources"
}

debian_sources() {  # "<uri> <suite>"
  # shellcheck disable=SC2016 # the variables are apt's
  apt-get indextargets --format '$(CREATED_BY) $(ORIGIN) $(REPO_URI) $(CODENAME) $(COMPONENT)' |
    grep -oP "^Packages Debian \K\S+ $(os VERSION_CODENAME)(-updates|-security)?(?= main$)" | sort -u || true
}

# In English. Not grep -q: it ends early, which pipefail counts as a failure.
apt_has() { LC_ALL=C apt-cache policy "$1" 2>/dev/null | grep 'Candidate: [^(]' >/dev/null; }

apt_install() {  # quiet unless it fails
  local log
  log=$(mktemp)
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >"$log" 2>&1 ||
    { cat "$log" >&2; die "apt-get install $* failed; its output is above."; }
  rm -f "$log"
}
