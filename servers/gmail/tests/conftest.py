from collections.abc import AsyncIterator

import pytest

from flotilla_testing import Session, connect


@pytest.fixture
async def gmail() -> AsyncIterator[Session]:
    """The server, with Gmail played from answers.yaml; the person at the client says yes."""
    async with connect("gmail", answer="accept") as session:
        yield session
