from collections.abc import AsyncIterator

import pytest

from flotilla_testing import Session, connect


@pytest.fixture
async def gcal() -> AsyncIterator[Session]:
    """The server, with Google Calendar played from answers.yaml; the person at the client says yes."""
    async with connect("google-calendar", answer="accept") as session:
        yield session
