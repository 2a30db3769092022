from collections.abc import AsyncIterator

import pytest
from flotilla.testing import Trial, stage


@pytest.fixture
async def gmail() -> AsyncIterator[Trial]:
    """The server, with Gmail played from answers.yaml; the person at the client says yes."""
    async with stage("gmail", answer="accept") as trial:
        yield trial
