"""The vendor's published contract."""

from __future__ import annotations

import pytest

from flotilla_testing.checks import NothingToCheck, check
from flotilla_testing.contract import declared, problems
from flotilla_testing.subject import Subject

SETS, MORE_SETS = 3, 25  # generated argument sets a tool, beside the examples; with --every-tool


@check("contract")
async def contract(case: Subject) -> list[str]:
    """Every example, and generated sets."""
    declaration = declared(case.folder)
    if declaration is None:
        raise NothingToCheck
    if not declaration.path.is_file():
        pytest.skip(f"the vendor's contract is not here ({declaration.path.name}; see FLOTILLA_SPECS)")
    return await problems(case, generated=MORE_SETS if case.every_tool else SETS)
