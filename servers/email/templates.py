"""Mail templates: `templates/<name>.html`, `<name>.txt` and `<name>.subject.txt` in the data folder (Jinja2).

Whoever can write to the data folder can write a template, a model too. So a template is rendered by a process of its
own (`render`): sandboxed, without this server's environment, and ended when it takes too long or too much memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, meta

from flotilla import errors, files

FOLDER = "templates"
PARTS = {"subject": ".subject.txt", "text": ".txt", "html": ".html"}
BIGGEST = 256 * 1024  # bytes of one file
MOST_FILES = 30
SECONDS = 10.0
_FIX = "Ask the user to fix the template, or send without one."
_START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from {} import main; main()"


@dataclass(frozen=True)
class Rendered:
    """A template filled in; a part without a file is ""."""

    subject: str = ""
    text: str = ""
    html: str = ""


def fill(name: str, variables: dict[str, Any], seconds: float = SECONDS) -> Rendered:
    """Render the parts of a template.

    Blocks for at most `seconds`. Raises errors.InvalidInputError and errors.NotFoundError.
    """
    name = name.removeprefix(FOLDER + "/").removesuffix(".html").removesuffix(".txt").removesuffix(".subject")
    sources: dict[str, str] = {}
    for ending in PARTS.values():
        _collect(name + ending, sources)
    parts = {part: name + ending for part, ending in PARTS.items() if name + ending in sources}
    if "text" not in parts and "html" not in parts:
        raise errors.NotFoundError(
            f"Template '{errors.excerpt(name, 60)}' not found: neither {name}.html nor {name}.txt is in {FOLDER}/.",
            f"Available templates: {', '.join(names()) or 'none'}.",
        )
    answer = _rendered({"sources": sources, "parts": parts, "variables": variables}, seconds)
    if "missing" in answer:
        raise errors.InvalidInputError(
            f"The template `{name}` needs variables that were not given: {', '.join(answer['missing'])}.",
            "Call again with all of them in `variables`.",
        )
    if "error" in answer:
        raise errors.InvalidInputError(f"The template `{name}` fails: {errors.excerpt(answer['error'])}.", _FIX)
    return Rendered(**{part: text.strip() if part == "subject" else text for part, text in answer["parts"].items()})


def described() -> list[dict[str, Any]]:
    """Return name, parts and variables of each template; of one that is broken, `problem` in place of variables."""
    return [_described(name) for name in names()]


def _described(name: str) -> dict[str, Any]:
    sources: dict[str, str] = {}
    try:
        for ending in PARTS.values():
            _collect(name + ending, sources)
    except errors.FlotillaError as problem:
        return {"name": name, "parts": [], "variables": [], "problem": str(problem)}
    parsed = (Environment().parse(source) for source in sources.values())
    variables = {variable for one in parsed for variable in meta.find_undeclared_variables(one)}
    parts = [part for part, ending in PARTS.items() if name + ending in sources]
    return {"name": name, "parts": parts, "variables": sorted(variables)}


def names() -> list[str]:
    """Return the names of the templates, sorted, at most 50; files that begin with `_` are only parts of others."""
    templates: set[str] = set()
    with suppress(errors.FlotillaError):  # no folder, no templates
        for entry in islice(files.walk(FOLDER), 1000):
            path = entry.path.removeprefix(FOLDER + "/")
            base, dot, ending = path.rpartition(".")
            if dot and ending in ("html", "txt") and not path.endswith(PARTS["subject"]) and "/_" not in f"/{path}":
                templates.add(base)
    return sorted(templates)[:50]


def _collect(name: str, sources: dict[str, str], included_by: str = "") -> None:
    """Read a file and what it includes or extends."""
    if name in sources:
        return
    if ".." in name.split("/"):
        raise errors.InvalidInputError(
            f"The template file {name} is not in {FOLDER}/.", "Give the name of a template in it."
        )
    try:
        source = files.read(f"{FOLDER}/{name}", BIGGEST).decode()
    except UnicodeDecodeError:
        raise errors.InvalidInputError(f"The template file {name} is not UTF-8.", _FIX) from None
    except errors.NotFoundError:
        if included_by:
            raise errors.NotFoundError(
                f"The template file {included_by} includes {name}, which does not exist.", _FIX
            ) from None
        return
    if len(sources) >= MOST_FILES:
        raise errors.InvalidInputError(f"The template uses more than {MOST_FILES} files.", _FIX)
    sources[name] = source
    try:
        included = list(meta.find_referenced_templates(Environment().parse(source)))
    except (TemplateSyntaxError, RecursionError) as problem:
        where = f", line {problem.lineno}" if isinstance(problem, TemplateSyntaxError) else ""
        raise errors.InvalidInputError(f"The template file {name}{where}: {errors.excerpt(problem)}.", _FIX) from None
    for other in included:
        if other is None:
            raise errors.InvalidInputError(f"The template file {name} includes a file whose name is computed.", _FIX)
        _collect(other, sources, name)


def _rendered(job: dict[str, Any], seconds: float) -> dict[str, Any]:
    module = __name__.rpartition(".")[0] + ".render"
    bare = ["-S"] if sys.flags.no_site else []  # as this process was started: an image has no site module
    command = [sys.executable, "-I", *bare, "-c", _START.format(module), json.dumps(sys.path)]
    try:
        done = subprocess.run(command, input=json.dumps(job).encode(), capture_output=True, timeout=seconds, env={})
        answer = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return {"error": f"it takes longer than {seconds:g} seconds"}
    except ValueError:
        return {"error": "it takes too much memory or time"}
    return dict(answer)
