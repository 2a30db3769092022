"""What each tool says of its scopes, against those that the published contract names for each of its requests."""

from __future__ import annotations

import pytest

from flotilla_cli.generator.servers import ROOT, folder_of, slugs
from flotilla_testing.arguments import examples_of
from flotilla_testing.contract import declared, read
from flotilla_testing.discovery_doc import DiscoveryDocument
from flotilla_testing.subject import WITHOUT_CONFIRMATION, Subject

GOOGLE = [
    slug
    for slug in slugs(ROOT)
    if any("flotilla_servers._google" in path.read_text(encoding="utf-8") for path in folder_of(slug).glob("*.py"))
]


@pytest.mark.parametrize("slug", GOOGLE)
async def test_every_alternative_is_enough_for_every_request(slug: str) -> None:
    declaration = declared(folder_of(slug))
    assert declaration
    if not declaration.path.is_file():
        pytest.skip(f"the contract is not here ({declaration.path.name}; see FLOTILLA_SPECS)")
    contract = read(declaration)
    assert isinstance(contract, DiscoveryDocument)
    wrong = []
    with Subject(slug) as case:
        for tool in await case.tools():
            needs = case.server.integration.scopes[tool["name"]]
            if not needs:
                wrong.append(f"{tool['name']} declares no scopes")
            async with case.session(WITHOUT_CONFIRMATION, recorded=True) as session:
                for arguments in examples_of(tool, case.given(tool)):
                    await session.call(tool["name"], **arguments)
                for request in session.requests:
                    method = contract.method(request)
                    if method is None:  # an upload's session, whose address Google gives; the contract suite looks on
                        continue
                    allowed = set(method.get("scopes", ()))
                    wrong += [
                        f"{tool['name']}: {one} is not enough for {request.method} {request.path}"
                        for one in needs
                        if not allowed & set(one.split())
                    ]
    assert wrong == []
