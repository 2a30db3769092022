"""A contract in several documents."""

import json
from pathlib import Path

import pytest

from flotilla_testing.contract import declared, read
from flotilla_testing.responses import Request


def document(path: str, version: str) -> str:
    header = {"name": "Version", "in": "header", "required": True, "schema": {"type": "string", "enum": [version]}}
    operation = {"parameters": [header], "responses": {"200": {"description": ""}}}
    message = {"openapi": "3.0.0", "info": {"title": "x", "version": "1"}, "servers": [{"url": "https://acme.example"}]}
    return json.dumps({**message, "paths": {path: {"get": operation}}})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FLOTILLA_SPECS", str(tmp_path))
    (tmp_path / "one.json").write_text(document("/one/{id}", "v1"))
    (tmp_path / "two.json").write_text(document("/two", "v2"))
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "contract.yaml").write_text("spec: [one.json, two.json]\n")
    return tmp_path


def test_contract_of_several_documents(folder: Path) -> None:
    """Each request is judged by the document that knows it."""
    declaration = declared(folder)
    assert declaration
    contract = read(declaration)

    def message(path: str, version: str) -> list[str]:
        return contract.problems(Request("GET", "https://acme.example" + path, {"version": version}))

    assert message("/one/7", "v1") == message("/two", "v2") == []
    assert "/two" in message("/two", "v1")[0]  # the required header has the other document's value
    assert message("/three", "v1") == ["GET /three is not in the contract."]
