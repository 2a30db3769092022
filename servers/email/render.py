"""Render one mail template: a job as JSON on stdin, the result as JSON on stdout. `templates` starts this."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from jinja2 import DictLoader, TemplateError, Undefined, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing as NOTHING  # noqa: N812 - a constant

MEMORY = 256 * 2**20  # bytes of address space
SECONDS = 8  # of processor time
LONGEST = 2_000_000  # characters of one part


def render(sources: dict[str, str], parts: dict[str, str], variables: dict[str, Any]) -> dict[str, Any]:
    """Return {"parts": {part: text}}, {"missing": [names]} or {"error": sentence}.

    `.html` files escape what variables hold, other files do not. A variable that is not there may be tested
    (`if x`, `x is defined`, `x | default("")`); to print it, or to look into it, makes it missing.
    """
    missing: list[str] = []

    class Missing(Undefined):
        __slots__ = ()

        def __init__(
            self, hint: str | None = None, obj: Any = NOTHING, name: str | None = None, exc: Any = None
        ) -> None:
            super().__init__(hint, obj, name, exc or self._absent)  # type: ignore[arg-type] # only ever called

        def _absent(self, message: str | None = None) -> UndefinedError:
            # What jinja2 calls to make the error of an expression, such as a sum, that cannot go on.
            if self._undefined_hint is None:
                missing.append(str(self._undefined_name))
            return UndefinedError(message)

        def _note(self) -> str:
            # A name that jinja2 refuses for safety has a message of its own; an absent one has none.
            if self._undefined_hint is not None:
                self._fail_with_undefined_error()
            missing.append(str(self._undefined_name))
            return ""

        def __str__(self) -> str:
            return self._note()

        def __len__(self) -> int:
            self._note()
            return 0

        def __round__(self, digits: int | None = None) -> int:
            self._note()
            return 0

        def __iter__(self) -> Iterator[Any]:
            self._note()
            return iter(())

        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            self._note()
            return self

        def __getitem__(self, key: Any) -> Any:
            self._note()
            return self

    env = ImmutableSandboxedEnvironment(
        loader=DictLoader(sources), undefined=Missing, autoescape=lambda name: (name or "").endswith(".html")
    )
    env.globals.pop("lipsum", None)
    done: dict[str, str] = {}
    try:
        for part, name in parts.items():
            pieces, length = [], 0
            for piece in env.get_template(name).generate(variables):
                pieces.append(piece)
                length += len(piece)
                if length > LONGEST:
                    return {"error": f"{name} makes more than {LONGEST} characters"}
            done[part] = "".join(pieces)
    except TemplateError as problem:
        line = getattr(problem, "lineno", None)
        if not missing:
            return {"error": f"{problem.message}" + (f" (line {line})" if line else "")}
    except Exception as problem:  # whatever the expressions of a template can raise
        if not missing:
            return {"error": f"{type(problem).__name__}: {problem}".rstrip(": ")}
    return {"missing": sorted(set(missing))[:20]} if missing else {"parts": done}


def limited() -> None:
    """Set the limits of this process, where the system has them."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


def main() -> None:
    """Read the job, write the result."""
    limited()
    job = json.load(sys.stdin)
    json.dump(render(job["sources"], job["parts"], job["variables"]), sys.stdout)
