"""The guides: every link leads somewhere, every command exists with its options, and those marked runnable are run.

A block of commands is a fenced block of the language `console`, one command a line, `$ ` in front or not. `console
runnable` says that it changes nothing but the user's own files, which here are those of an empty home.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from functools import cache
from pathlib import Path

import pytest

from flotilla_cli.registry import COMMANDS
from flotilla_cli.site_pages import converted, pages, resolved

ROOT = Path(__file__).resolve().parents[1]
PAGES = pages()
GUIDES = [page for page in PAGES if page != "CHANGELOG.md"]  # which tells of commands that were
ACCESS = re.compile(r'AccessLevels\(\s*"([a-z-]+)"')
FENCE = re.compile(r"^```(\w*)([^\n]*)\n(.*?)^```", re.M | re.S)
LINK = re.compile(r"\]\(([^)\s]+)\)")
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@cache
def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    result = set()
    for heading in re.findall(r"^#+ (.+)$", FENCE.sub("", text_of(page)), re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)|`", r"\1", heading).strip().lower()
        result.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return result


@pytest.mark.parametrize("page", PAGES)
def test_guide_links_lead_somewhere(page: str) -> None:
    for link in LINK.findall(re.sub(r"`[^`\n]*`", "", FENCE.sub("", text_of(page)))):
        if re.match(r"[a-z]+:", link):
            assert not link.startswith("http://"), link
            continue
        path, _, anchor = link.partition("#")
        target = resolved(page, path) if path else page
        assert (ROOT / target).exists(), f"{link}: {target} does not exist"
        if anchor:
            assert anchor in anchors(target), f"{link}: {target} has no such heading"


def test_guides_are_in_the_index_and_on_the_site() -> None:
    guides = {Path(page).name for page in PAGES if re.fullmatch(r"docs/[\w-]+\.md", page)} - {"index.md"}
    index = {link.partition("#")[0] for link in LINK.findall(text_of("docs/index.md"))}
    assert sorted(guides - index) == []
    site = text_of("mkdocs.yml").partition("\nnav:")[2]
    assert sorted(name for name in guides if f"docs/{name}" not in site) == []


@pytest.mark.parametrize("page", PAGES)
def test_guide_has_no_placeholder_that_reads_as_html(page: str) -> None:
    """`<server>` outside of code is a tag to whoever shows the page, and disappears."""
    prose = re.sub(r"`[^`]*`", "", FENCE.sub("", text_of(page)))
    assert re.findall(r"<(?!!--|img |br>|https?:)[a-zA-Z/][^>\n]*>", prose) == []


SERVERS = [page for page in PAGES if re.fullmatch(r"servers/[a-z]\w*/README\.md", page) and "switchboard" not in page]


@pytest.mark.parametrize("page", SERVERS)
def test_server_page_shows_its_tools_at_work(page: str) -> None:
    """Each has examples, which call tools that it has with arguments that these take."""
    tools = {
        tool["name"]: {argument["name"] for argument in tool.get("arguments", ())}
        for tool in json.loads((ROOT / page).with_name("tools.json").read_text(encoding="utf-8"))
    }
    own = text_of(page).partition("<!-- /generated -->")[2]
    assert re.search(r"^## (Examples|Conversations|What to ask for)$", own, re.M)
    prefix = next(iter(tools)).partition("_")[0]
    calls = re.findall(rf"`({prefix}_\w+)\(([^`]*)\)`", own)
    calls += re.findall(rf"^({prefix}_\w+) (.*)$", "\n".join(block for *_, block in FENCE.findall(own)), re.M)
    for name, values in calls:
        assert name in tools, name
        outside_texts = re.sub(r'"[^"]*"|\{[^}]*\}', "", values)
        assert set(re.findall(r"(?<![\w.])(\w+)=", outside_texts)) <= tools[name], f"{name}({values})"


def commands(runnable: bool = False) -> list[tuple[str, str]]:
    """Every command of the guides with its page; if not runnable, also the targets and scripts that texts name."""
    result = []
    for page in GUIDES:
        for language, mark, block in FENCE.findall(text_of(page)):
            if language == "console" and (not runnable or "runnable" in mark):
                lines = [line.removeprefix("$ ") for line in re.sub(r"\\\n\s*", "", block).splitlines()]
                result += [
                    (page, re.sub(r"\s+#.*", "", line)) for line in lines if line.strip() and line[0] not in " #"
                ]
        if not runnable:
            inline = re.findall(r"`((?:make |scripts/)[^`\n]+)`", FENCE.sub("", text_of(page)))
            result += [(page, text) for text in inline if "…" not in text.split("=")[0]]
    return list(dict.fromkeys(result))


def split(command: str) -> list[str]:
    """A command's parts, without the variables that are set for it, and without what it is piped into."""
    parts = shlex.split(command.replace("…", "x").split("|")[-1 if command.startswith("openssl") else 0])
    while parts and re.match(r"[A-Z_]+=", parts[0]):
        parts.pop(0)
    return parts


@cache
def options_of(command: str) -> str:
    """The source of a command, which names its options: to ask `login` itself would import all servers."""
    module = COMMANDS[command].module
    source = ROOT / "scripts" / (f"flotilla_cli/{module.replace('.', '/')}.py" if module else command)
    more = [ROOT / "scripts/flotilla_cli/add.py"] if command == "assist" else []
    levels = (ROOT / "servers").glob("*/*.py") if command == "login" else ()
    texts = [path.read_text(encoding="utf-8") for path in (source, *more, *levels)]
    return "\n".join(texts) + " ".join(f"--{name}" for text in texts for name in ACCESS.findall(text))


@pytest.mark.parametrize(("page", "command"), commands(), ids=lambda text: text[:40])
def test_guide_command_exists(page: str, command: str) -> None:
    parts = split(command)
    if not parts:
        return
    program, args = parts[0], parts[1:]
    if program == "make":
        names = [arg for arg in args if "=" not in arg]
        assert set(names) <= TARGETS, f"{page}: make {' '.join(names)}"
        rules = (ROOT / "Makefile").read_text()
        for variable in (arg.partition("=")[0] for arg in args if "=" in arg):
            assert f"$({variable})" in rules, f"{page}: {variable} is not a variable of make"
    elif program.startswith("scripts/"):
        assert (ROOT / program).exists(), f"{page}: {program}"
        name = {"flotilla": args[0] if args else "", "install": "assist"}.get(Path(program).name, Path(program).name)
        if name in COMMANDS:
            for option in (arg.partition("=")[0] for arg in args if arg.startswith("--")):
                known = re.search(rf"{re.escape(option)}(?![\w-])", options_of(name))
                assert option == "--help" or known, f"{page}: {name} has no option {option}"
            if name in ("notes", "servers", "tenant") and args[1:] and re.fullmatch(r"[a-z-]+", args[1]):
                assert f'"{args[1]}"' in options_of(name), f"{page}: {name} has no command {args[1]}"
        else:
            assert name in ("", "--help", "COMMAND") or program != "scripts/flotilla", (
                f"{page}: {name} is not a command"
            )
    for path in re.findall(
        r"(?<![\w/.-])(?:compose|requirements|catalog|docs|tests|servers|scripts)/[\w./-]+", command
    ):
        if "acme" not in path:
            assert (ROOT / path).exists(), f"{page}: {path} does not exist"


@pytest.mark.parametrize(("page", "command"), commands(runnable=True), ids=lambda text: text[:60])
def test_guide_command_runs(page: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("FLOTILLA_ENGINE", "none")
    monkeypatch.setenv("FLOTILLA_RUN_FOLDER", str(tmp_path / "run"))
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_site_pages_lead_to_pages_or_to_the_repository() -> None:
    known = {"docs/a.md", "README.md"}
    text = "[a](../README.md#x) [b](../servers/x/client.py#L3) [c](https://example.com) [d](#here)"
    code = "https://github.com/flotilla-mcp/flotilla/blob/main/servers/x/client.py#L3"
    assert converted("docs/a.md", text, known) == text.replace("../servers/x/client.py#L3", code)
