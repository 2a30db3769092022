"""Every server's requests against the contract that its vendor publishes: `make contract`.

The documents are not in the repository (see flotilla_testing.contract): FLOTILLA_SPECS says where they are.
"""

from __future__ import annotations

import importlib.util

import pytest

from flotilla_testing.contract import declared, problems, specs
from flotilla_testing.subject import CHECKOUT, Subject

SLUGS = sorted(path.parent.parent.name for path in CHECKOUT.glob("*/tests/contract.yaml"))


def accepted(slug: str) -> Subject:
    """Return the case that the server's acceptance suite tries, with the arguments that it gives."""
    path = CHECKOUT / slug / "tests" / "test_acceptance.py"
    spec = importlib.util.spec_from_file_location(f"acceptance_of_{slug}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    case: Subject = module.TestAcceptance.opened()
    return case


def test_contracts_exist() -> None:
    assert "calendly" in SLUGS


@pytest.mark.parametrize("slug", SLUGS)
async def test_contract_fits_requests(slug: str) -> None:
    declaration = declared(CHECKOUT / slug)
    assert declaration
    if not declaration.path.is_file():
        pytest.skip(f"no contract of {slug}: {specs()} has no {declaration.path.name}; set FLOTILLA_SPECS")
    with accepted(slug) as case:
        result = await problems(case)
    assert not result, "\n".join(["", *result[:40]])
