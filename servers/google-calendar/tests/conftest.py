from collections.abc import AsyncIterator

import pytest
from flotilla.testing import Trial, stage


@pytest.fixture
async def gcal() -> AsyncIterator[Trial]:
    """The server, with Google Calendar played from answers.yaml; the person at the client says yes."""
    async with stage("google-calendar", answer="accept") as trial:
        yield trial
