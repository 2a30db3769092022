"""The files that Docker's gateway, the switchboard and the command line share, and how a process is named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flotilla_launcher.processes import machine, started
from flotilla_launcher.user_files import parse_secrets, read_document, secret_lines


def test_parse_secrets_reads_lines_as_dockers_gateway_does() -> None:
    text = "# note\n\na.b=x=y #z  \na.c= 'q'\n  d=1\na.b=last\n"
    assert parse_secrets(text) == {"a.b": "last", "a.c": " 'q'", "  d": "1"}


def test_parse_secrets_refuses_a_line_without_equals_and_does_not_quote_it() -> None:
    with pytest.raises(ValueError, match="line 2 has no `=`") as refused:
        parse_secrets("a=1\nhush\n")
    assert "hush" not in str(refused.value)


def test_secret_lines_numbers_lines_and_marks_broken_ones() -> None:
    assert list(secret_lines("#\na=1\n\n  # late\n")) == [(2, "a", "1"), (4, "  # late", None)]


@pytest.mark.parametrize(("text", "content"), [("", {}), ('{"a": 1}', {"a": 1}), ("a:\n  b: é\n", {"a": {"b": "é"}})])
def test_read_document_takes_json_and_yaml(tmp_path: Path, text: str, content: object) -> None:
    path = tmp_path / "file"
    path.write_text(text, encoding="utf-8")
    assert read_document(path) == content


@pytest.mark.parametrize("text", ["[1]", "a: [", "just text"])
def test_read_document_refuses_what_is_not_a_mapping(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file"
    path.write_text(text)
    with pytest.raises(ValueError, match="it "):
        read_document(path)


def test_started_tells_processes_apart() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert started(child.pid)
    assert started(os.getpid()) == started(os.getpid())
    child.communicate()
    assert started(child.pid) == ""


def test_machine_is_the_same_in_a_child_process() -> None:
    code = "from flotilla_launcher.processes import machine; print(machine())"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == machine()
