"""What a server imports before its first call: nothing that only some servers, or some calls, need."""

from __future__ import annotations

import subprocess
import sys

import pytest

UNUSED = {
    "authlib", "beartype", "bs4", "email_validator", "griffe", "jinja2", "key_value", "markdown_it", "openpyxl",
    "phonenumbers", "reportlab", "xlsxwriter",
}  # fmt: skip


@pytest.mark.parametrize("slug", ["calendly", "facturation-pro", "filesystem"])
def test_server_imports_nothing_that_it_does_not_use(slug: str) -> None:
    """One with a vendor, one with prompts, one without a vendor."""
    program = (
        "import sys, flotilla_launcher.handover as handover, flotilla.server;"
        "flotilla.server.Server.run = lambda _: print(' '.join(sys.modules), file=sys.stderr);"
        f"handover.start({slug!r})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = {name.split(".")[0] for name in done.stderr.split()}
    assert "fastmcp" in modules
    assert not UNUSED & modules


def test_models_and_adapters_are_built_on_first_use() -> None:
    program = (
        "from flotilla_launcher.handover import build_models_on_first_use as build; build();"
        "from pydantic import BaseModel, TypeAdapter;"
        "model = type('Model', (BaseModel,), {'__annotations__': {'n': int}});"
        "adapter = TypeAdapter(list[int] | str);"
        "print(model.__pydantic_complete__, adapter.pydantic_complete);"
        "print(model(n='1').n, adapter.validate_python(['1']), adapter.json_schema()['anyOf'][1])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["False False", "1 [1] {'type': 'string'}"]
