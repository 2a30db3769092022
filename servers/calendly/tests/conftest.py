from collections.abc import AsyncIterator

import pytest

from flotilla_testing import Session, connect


@pytest.fixture
async def calendly() -> AsyncIterator[Session]:
    """The server, with Calendly played from answers.yaml; the person at the client says yes."""
    async with connect("calendly", answer="accept") as session:
        yield session
