# Shared by the shell scripts of this folder: where things are, how to speak, and what the machine says about mirrors.
# Source it; it runs nothing by itself.
FLOTILLA_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
FLOTILLA_VENV=$FLOTILLA_ROOT/.venv

say() { printf '%s\n' "$*" >&2; }
die() { say "Error: $*"; exit 1; }

# The comment block under the shebang is the script's --help.
usage() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"; exit 0; }

# What the machine tells pip about mirrors, certificates and proxies, as `export` lines for uv, which does not read pip's
# settings. What uv's own environment says wins. With a second argument: for a container, so pip's variables too and no
# local paths. Needs a Python with pip as $1.
package_environment() {
  "$1" - "${2:-}" <<'PY'
import ast, os, shlex, subprocess, sys

inside = bool(sys.argv[1])
told = {}
lines = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True).stdout.splitlines()
for section in ("global.", "install.", ":env:."):  # the later one wins, as in pip
    for line in lines:
        name, _, value = line.partition("=")
        if name.startswith(section):
            told[name.removeprefix(section)] = str(ast.literal_eval(value)).split()
told["find-links"] = [l for l in told.get("find-links", ()) if "://" in l or (os.path.isdir(l) and not inside)]
for variables, option, separator in (
    (("UV_DEFAULT_INDEX", "UV_INDEX_URL"), "index-url", " "),
    (("UV_INDEX", "UV_EXTRA_INDEX_URL"), "extra-index-url", " "),
    (("UV_FIND_LINKS",), "find-links", ","),
    (("UV_INSECURE_HOST",), "trusted-host", " "),
    (("UV_NO_INDEX",), "no-index", " "),
    (("UV_HTTP_TIMEOUT",), "default-timeout", " "),
    (("SSL_CERT_FILE",), "cert", " "),
    (("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"), "proxy", " "),
    (("HTTP_PROXY", "http_proxy"), "", ""),
    (("NO_PROXY", "no_proxy"), "", ""),
):
    if inside and option == "cert":
        continue
    given = {v: os.environ[v] for v in variables if os.environ.get(v)}
    if not given and told.get(option):
        given = {variables[0]: separator.join(told[option])}
    elif not inside:
        continue  # it is in the environment already
    if inside and option in ("index-url", "extra-index-url", "find-links", "trusted-host", "no-index"):
        pip = "PIP_" + option.upper().replace("-", "_")
        given |= {pip: value.replace(separator, " ") for value in list(given.values())[:1]}
    if inside and "proxy" in variables[0].lower():
        given |= {name.lower(): value for name, value in given.items()}  # apt reads these
    for name, value in given.items():
        print(f"export {name}={shlex.quote(value)}")
PY
}

uv_environment() {
  export UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1
  eval "$(package_environment "${1:-$FLOTILLA_VENV/bin/python}")"
}

# Debian's and Ubuntu's packages. Only the distribution's own lists are fetched, so that a broken source of somebody else
# cannot stop us; what counts in the end is whether a package has a candidate (apt_has).
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
    apt-get update -qq >&2 || say "Some of apt's lists could not be fetched; going on with those that were."
  rm -f "$list"
}

# Source lines for Debian 13 from the mirror that this Debian is set up with; nothing on a machine that is no Debian.
# Whether a source is Debian's own stands in its lists, so they are fetched where there are none.
trixie_sources() {
  local found
  [ "$(os ID)" = debian ] || return 0
  found=$(debian_sources)
  [ -n "$found" ] || [ "$(id -u)" != 0 ] || { apt_lists; found=$(debian_sources); }
  awk -v was="$(os VERSION_CODENAME)" -v key="$(distribution_keyring)" \
    'NF { sub("^" was, "trixie", $2); print "deb [signed-by=" key "]", $1, $2, "main" }' <<<"$found"
}

debian_sources() {  # "<uri> <suite>"
  # shellcheck disable=SC2016 # the variables are apt's
  apt-get indextargets --format '$(CREATED_BY) $(ORIGIN) $(REPO_URI) $(CODENAME) $(COMPONENT)' |
    grep -oP "^Packages Debian \K\S+ $(os VERSION_CODENAME)(-updates|-security)?(?= main$)" | sort -u || true
}

# Not grep -q: it would end early, and with pipefail that is a failure.
apt_has() { apt-cache policy "$1" 2>/dev/null | grep 'Candidate: [^(]' >/dev/null; }

apt_install() {  # quiet unless it fails
  local log
  log=$(mktemp)
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >"$log" 2>&1 ||
    { cat "$log" >&2; die "apt-get install $* failed; its words are above."; }
  rm -f "$log"
}
