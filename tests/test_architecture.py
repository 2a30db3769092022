"""docs/architecture.md is a true map: every module stands in it, and imports only what stands above it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = {
    "flotilla": "shared/src",
    "flotilla_launcher": "shared/src",
    "flotilla_testing": "shared/src",
    "flotilla_cli": "scripts",
}
SERVERS = sorted(path.parent for path in (ROOT / "servers").glob("*/server.py"))


def modules(package: str, folder: Path) -> dict[str, Path]:
    """Return the modules of a package by name, tests apart."""
    result = {}
    for path in folder.rglob("*.py"):
        parts = path.relative_to(folder).with_suffix("").parts
        if "tests" not in parts and "templates" not in parts:
            result[".".join([package, *(part for part in parts if part != "__init__")])] = path
    return result


def imports(name: str, path: Path, known: dict[str, Path]) -> Iterator[str]:
    """Yield the known modules that a module imports, anywhere in it, for types too."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        targets: list[str] = []
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            targets = [full if (full := f"{base}.{alias.name}") in known else base for alias in node.names]
        yield from (target for target in targets if target in known and target != name)


LIBRARY = {
    name: path
    for package, source in SOURCES.items()
    for name, path in modules(package, ROOT / source / package).items()
}
MAP = re.findall(r"^\| `([\w.]+)` \|", (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"), re.MULTILINE)


def test_architecture_map_is_complete() -> None:
    assert sorted(MAP) == sorted(LIBRARY)


@pytest.mark.parametrize("name", sorted(LIBRARY))
def test_architecture_imports_stand_above(name: str) -> None:
    place = {module: number for number, module in enumerate(MAP)}
    below = [other for other in imports(name, LIBRARY[name], LIBRARY) if place[other] > place[name]]
    assert not below, f"{name} imports what stands below it in docs/architecture.md: {', '.join(sorted(set(below)))}"


def test_launcher_imports_nothing_of_the_library() -> None:
    for name, path in modules("flotilla_launcher", ROOT / "shared" / "src" / "flotilla_launcher").items():
        foreign = [other for other in imports(name, path, LIBRARY) if not other.startswith("flotilla_launcher")]
        assert not foreign, f"{name} imports {foreign}"


@pytest.mark.parametrize("folder", SERVERS, ids=lambda folder: folder.name)
def test_server_modules_have_no_circle(folder: Path) -> None:
    known = modules(folder.name, folder)
    graph = {name: set(imports(name, path, known)) for name, path in known.items()}
    while leaves := {name for name, needs in graph.items() if not needs}:
        graph = {name: needs - leaves for name, needs in graph.items() if name not in leaves}
    assert not graph, f"these modules import each other: {', '.join(sorted(graph))}"


@pytest.mark.parametrize("folder", SERVERS, ids=lambda folder: folder.name)
def test_server_is_imported_by_none_of_its_modules(folder: Path) -> None:
    known = modules(folder.name, folder)
    for name, path in known.items():
        assert f"{folder.name}.server" not in set(imports(name, path, known)), name


BETWEEN_SERVERS = {"webhooks.receive.tenants": "switchboard"}  # see docs/decisions/0033-receiver-of-tenants.md


@pytest.mark.parametrize("folder", SERVERS, ids=lambda folder: folder.name)
def test_server_imports_no_other_server(folder: Path) -> None:
    """Deleting a folder deletes the integration, and nothing else. What several share is in `servers/_<name>`."""
    for name, path in modules(folder.name, folder).items():
        imported = re.findall(r"\bflotilla_servers\.([a-z]\w*)", path.read_text(encoding="utf-8"))
        assert set(imported) - {folder.name} <= {BETWEEN_SERVERS.get(name)}, name
