from collections.abc import AsyncIterator

import pytest
from flotilla.testing import Trial, stage


@pytest.fixture
async def gsheets() -> AsyncIterator[Trial]:
    """The server, with Google Sheets played from answers.yaml; the person at the client says yes."""
    async with stage("google-sheets", answer="accept") as trial:
        yield trial
