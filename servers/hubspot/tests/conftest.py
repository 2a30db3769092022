from collections.abc import AsyncIterator

import pytest
from flotilla.testing import Trial, stage


@pytest.fixture
async def hubspot() -> AsyncIterator[Trial]:
    """The server, with HubSpot played from answers.yaml."""
    async with stage("hubspot") as trial:
        yield trial
