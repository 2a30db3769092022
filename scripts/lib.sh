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
