"""Print, as `export` lines for a shell, what this machine's pip settings say about mirrors, certificates and proxies.

uv does not read pip's settings. What uv's own environment variables say wins. With the argument `container`, the lines
are for a container: pip's variables too, and no paths of this machine. Runs before .venv is complete, so it needs
nothing but a Python with pip.
"""

from __future__ import annotations

import ast
import os
import shlex
import subprocess
import sys

OPTIONS = (  # variables, pip's option, what separates several values in the variable
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
)
READ_BY_PIP = ("index-url", "extra-index-url", "find-links", "trusted-host", "no-index")


def pip_settings() -> dict[str, list[str]]:
    """Return pip's settings by option, each split at its blanks."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    matches: dict[str, list[str]] = {}
    for section in ("global.", "install.", ":env:."):  # the later one wins, as in pip
        for line in lines:
            name, _, value = line.partition("=")
            if name.startswith(section):
                matches[name[len(section) :]] = str(ast.literal_eval(value)).split()
    return matches


def variables(container: bool) -> dict[str, str]:
    """Return the variables to set."""
    pip = pip_settings()
    pip["find-links"] = [
        link for link in pip.get("find-links", []) if "://" in link or (os.path.isdir(link) and not container)
    ]
    result: dict[str, str] = {}
    for names, option, separator in OPTIONS:
        if container and option == "cert":
            continue
        values = {name: os.environ[name] for name in names if os.environ.get(name)}
        if not values and pip.get(option):
            values = {names[0]: separator.join(pip[option])}
        elif not container:
            continue  # uv sees it in the environment already
        if container and values and option in READ_BY_PIP:
            first = next(iter(values.values()))
            values["PIP_" + option.upper().replace("-", "_")] = first.replace(separator, " ")
        if container and "proxy" in names[0].lower():
            values.update({name.lower(): value for name, value in values.items()})  # apt reads these
        result.update(values)
    return result


if __name__ == "__main__":
    for variable, text in variables(sys.argv[1:] == ["container"]).items():
        print(f"export {variable}={shlex.quote(text)}")
