# Shared by the shell scripts of this folder: where things are, how to speak, and what the machine says about mirrors.
# Source it; it runs nothing by itself.
FLOTILLA_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
FLOTILLA_VENV=$FLOTILLA_ROOT/.venv

say() { printf '%s\n' "$*" >&2; }
die() { say "Error: $*"; exit 1; }

# The comment block under the shebang is the script's --help.
usage() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"; exit 0; }

# uv does not read pip's configuration: hand it what the machine tells pip about mirrors, certificates and proxies.
# What uv's own environment says already wins. Needs a Python with pip as $1 (default: the project's).
uv_environment() {
  export UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1
  eval "$("${1:-$FLOTILLA_VENV/bin/python}" - <<'PY'
import ast, os, shlex, subprocess, sys

told = {}
lines = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True).stdout.splitlines()
for section in ("global.", "install.", ":env:."):  # the later one wins, as in pip
    for line in lines:
        name, _, value = line.partition("=")
        if name.startswith(section):
            told[name.removeprefix(section)] = str(ast.literal_eval(value)).split()
links = [link for link in told.get("find-links", ()) if "://" in link or os.path.isdir(link)]
for variables, values, separator in (
    (("UV_DEFAULT_INDEX", "UV_INDEX_URL"), told.get("index-url"), " "),
    (("UV_INDEX", "UV_EXTRA_INDEX_URL"), told.get("extra-index-url"), " "),
    (("UV_FIND_LINKS",), links, ","),
    (("UV_INSECURE_HOST",), told.get("trusted-host"), " "),
    (("UV_HTTP_TIMEOUT",), told.get("timeout") or told.get("default-timeout"), " "),
    (("UV_NO_INDEX",), told.get("no-index"), " "),
    (("SSL_CERT_FILE",), told.get("cert"), " "),
    (("HTTPS_PROXY", "https_proxy", "ALL_PROXY"), told.get("proxy"), " "),
):
    if values and not any(os.environ.get(variable) for variable in variables):
        print(f"export {variables[0]}={shlex.quote(separator.join(values))}")
PY
)"
}

# Debian's and Ubuntu's packages. Only the distribution's own lists are fetched, so that a broken source of somebody
# else cannot stop us; what counts in the end is whether a package has a candidate (apt_has).
apt_sources() {  # "<uri> <suite> <component>" for each source of the distribution that this machine is set up with
  local codename
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  apt-get indextargets --no-release-info --format '$(CREATED_BY) $(REPO_URI) $(RELEASE) $(COMPONENT)' |
    grep -oP "^Packages \K\S+ $codename(-updates|-security)? \S+$" | sort -u
}

# Source lines for Debian 13 from the machine's own mirror; nothing on a machine that is no Debian.
trixie_sources() {
  local codename
  codename=$(. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME") || return 0
  apt_sources | awk -v was="$codename" -v key="$(distribution_keyring)" \
    '$3 == "main" { sub("^" was, "trixie", $2); print "deb [signed-by=" key "] " $1, $2, $3 }'
}

distribution_keyring() { (. /etc/os-release && echo "/usr/share/keyrings/$ID-archive-keyring.gpg"); }

apt_lists() {  # arguments: source lines to fetch beside the distribution's own
  local list status=0
  list=$(mktemp)
  { apt_sources | sed "s#^#deb [signed-by=$(distribution_keyring)] #"; printf '%s\n' "$@"; } >"$list"
  chmod a+r "$list"
  apt-get update -qq -o Dir::Etc::SourceList="$list" -o Dir::Etc::SourceParts=/dev/null \
    -o APT::Get::List-Cleanup=0 >&2 || apt-get update -qq >&2 || status=$?
  rm -f "$list"
  return $status
}

apt_has() { apt-cache policy "$1" 2>/dev/null | grep -q 'Candidate: [^(]'; }

apt_install() {  # quiet unless it fails
  local log
  log=$(mktemp)
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >"$log" 2>&1 ||
    { cat "$log" >&2; die "apt-get install $* failed; its words are above."; }
  rm -f "$log"
}
