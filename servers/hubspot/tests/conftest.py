from collections.abc import AsyncIterator

import pytest

from flotilla_testing import Session, connect


@pytest.fixture
async def hubspot() -> AsyncIterator[Session]:
    """The server, with HubSpot played from answers.yaml."""
    async with connect("hubspot") as session:
        yield session
