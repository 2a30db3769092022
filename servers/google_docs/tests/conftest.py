from collections.abc import AsyncIterator

import pytest

from flotilla_testing import Session, connect


@pytest.fixture
async def gdocs() -> AsyncIterator[Session]:
    """The server, with Google Docs played from answers.yaml; the person at the client says yes."""
    async with connect("google-docs", answer="accept") as session:
        yield session
