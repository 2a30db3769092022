from collections.abc import AsyncIterator

import pytest
from flotilla.testing import Trial, stage


@pytest.fixture
async def gdocs() -> AsyncIterator[Trial]:
    """The server, with Google Docs played from answers.yaml; the person at the client says yes."""
    async with stage("google-docs", answer="accept") as trial:
        yield trial
