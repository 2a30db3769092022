"""Requests against the vendor's published contract, which stays outside of the project.

A server declares its contract as data, in `tests/contract.yaml`:

    spec: calendly/calendly-openapi-merged.json       # below FLOTILLA_SPECS, else ../shared/specs beside the checkout
                                                      # or a list of documents, for a server that uses several
    server: https://api.example.com/v2                # only where the document's own addresses are not used
    except:                                           # what the document has wrong: the start of the sentence, and why
      "POST /links: the field owner is unknown": The vendor's page documents it since 2026-03.

Every kind of document is a class with `problems(request)`; which one it takes, `read` tells from the document itself.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import yaml

import flotilla_servers
from flotilla_testing.arguments import examples_of, valid_sets
from flotilla_testing.client import text_of
from flotilla_testing.discovery_doc import DiscoveryDocument
from flotilla_testing.openapi import OpenApi
from flotilla_testing.responses import Request, Response
from flotilla_testing.subject import WITHOUT_CONFIRMATION, Subject
from flotilla_testing.swagger import as_openapi


class Contract(Protocol):
    """What a vendor publishes about its API."""

    def knows(self, request: Request) -> bool:
        """Tell whether it describes such a request."""

    def problems(self, request: Request) -> list[str]:
        """Return what is wrong with a request, in sentences."""

    def answer_problems(self, request: Request, answer: Response) -> list[str]:
        """Return what is wrong with an answer, in sentences."""


@dataclass(frozen=True)
class Declared:
    """What contract.yaml says."""

    path: Path
    server: str = ""
    excepted: Mapping[str, str] = field(default_factory=dict)
    more: tuple[Path, ...] = ()  # further documents


class Several:
    """Documents that divide a server's requests between them: the one that knows a request judges it."""

    def __init__(self, documents: Sequence[Contract]) -> None:
        self.documents = documents

    def knows(self, request: Request) -> bool:
        """Tell whether one of them describes such a request."""
        return any(one.knows(request) for one in self.documents)

    def _of(self, request: Request) -> Contract:
        return next((one for one in self.documents if one.knows(request)), self.documents[0])

    def problems(self, request: Request) -> list[str]:
        """Return what is wrong with a request, in sentences."""
        return self._of(request).problems(request)

    def answer_problems(self, request: Request, answer: Response) -> list[str]:
        """Return what is wrong with an answer, in sentences."""
        return self._of(request).answer_problems(request, answer)


def specs() -> Path:
    """Return the folder of the vendors' documents; it need not exist."""
    known = os.environ.get("FLOTILLA_SPECS")
    return Path(known) if known else Path(next(iter(flotilla_servers.__path__))).parent.parent / "shared" / "specs"


def declared(folder: Path) -> Declared | None:
    """Return a server's declaration, None where it has no contract."""
    path = folder / "tests" / "contract.yaml"
    if not path.is_file():
        return None
    declaration = yaml.safe_load(path.read_text(encoding="utf-8"))
    paths = [
        specs() / one
        for one in ([declaration["spec"]] if isinstance(declaration["spec"], str) else declaration["spec"])
    ]
    return Declared(paths[0], declaration.get("server", ""), declaration.get("except") or {}, tuple(paths[1:]))


@cache
def contract_of(folder: Path) -> Contract | None:
    """Return the contract of a server's folder, None where it has none or the documents are not on this machine."""
    declaration = declared(folder)
    return read(declaration) if declaration and declaration.path.is_file() else None


def request_problems(
    folder: Path, requests: Iterable[Request], vendor: str, real: str, also: Iterable[str] = ()
) -> list[str]:
    """Return what the contract of a server's folder does not allow of requests to a fake vendor.

    `vendor` is the fake's address, `real` what stands in its place at the vendor. Left out is what contract.yaml
    excepts, and what holds one of the texts `also`. Nothing where the contract is not on this machine.
    """
    document, declaration = contract_of(folder), declared(folder)
    if not document or not declaration:
        return []
    moved = [replace(request, url=request.url.replace(vendor, real)) for request in requests]
    excepted = (*declaration.excepted, *also)
    wrong = [problem for request in moved for problem in document.problems(request)]
    return [problem for problem in wrong if not any(start in problem for start in excepted)]


def _document(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    return dict(json.loads(text) if path.suffix == ".json" else yaml.load(text, yaml.CSafeLoader))


def read(declaration: Declared) -> Contract:
    """Read its documents; raises ValueError for a kind that nobody has written a class for."""
    paths = (declaration.path, *declaration.more)
    contracts = [_contract(path, declaration.server) for path in paths]
    return Several(contracts) if declaration.more else contracts[0]


def _contract(path: Path, server: str) -> Contract:
    if path.suffix == ".graphql":
        from flotilla_testing.graphql_schema import GraphQLDocument  # graphql-core is imported where it is needed

        return GraphQLDocument(path.read_text(encoding="utf-8"))
    document = _document(path)
    if str(document.get("openapi", "")).startswith("3."):
        return OpenApi(document, server)
    if str(document.get("swagger", "")).startswith("2."):
        return OpenApi(as_openapi(document), server)
    if str(document.get("kind", "")) == "discovery#restDescription":
        return DiscoveryDocument(document, server)
    raise ValueError(f"{path.name} is of no known kind: add a class for it beside openapi.py.")


async def problems(case: Subject, *, generated: int) -> list[str]:
    """Send every example and generated arguments of every tool, and return what the contract does not allow.

    The recorded answers are held against the contract too. Raises FileNotFoundError where the document is not there.
    """
    declaration = declared(case.folder)
    if declaration is None:
        raise FileNotFoundError(f"{case.slug} declares no contract (tests/contract.yaml)")
    contract, wrong, seen = read(declaration), dict[str, None](), set[tuple[Any, ...]]()
    for tool in await case.tools():
        known = case.known(tool)
        calls = [*examples_of(tool, known), *valid_sets(tool, generated, known=known)]
        async with case.session(WITHOUT_CONFIRMATION, recorded=True) as session:
            for number, arguments in enumerate(calls):
                result = await session.call(tool["name"], **arguments)
                if number == 0 and (result.is_error or not session.requests):
                    wrong[f"{tool['name']} sends nothing with its examples: {text_of(result)}"] = None
            for request in session.requests:
                key = (request.method, request.url, request.body)
                if key not in seen:
                    seen.add(key)
                    wrong |= dict.fromkeys(f"{tool['name']}: {problem}" for problem in contract.problems(request))
                    answer = session.recorder.answers.to(request) if session.recorder else Response()
                    wrong |= dict.fromkeys(f"{tool['name']}: {t}" for t in contract.answer_problems(request, answer))
    return _left(list(wrong), declaration)


def _left(matches: list[str], declaration: Declared) -> list[str]:
    """Take the excepted problems out, and complain about exceptions that except nothing."""
    hit = {start for start in declaration.excepted if any(start in problem for problem in matches)}
    idle = [
        f"contract.yaml excepts {start!r}, which does not happen." for start in declaration.excepted if start not in hit
    ]
    return [problem for problem in matches if not any(start in problem for start in hit)] + idle
