from collections.abc import AsyncIterator

import pytest

from flotilla_testing import Session, connect


@pytest.fixture
async def gsheets() -> AsyncIterator[Session]:
    """The server, with Google Sheets played from answers.yaml; the person at the client says yes."""
    async with connect("google-sheets", answer="accept") as session:
        yield session
