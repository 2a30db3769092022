from collections.abc import AsyncIterator

import pytest
from flotilla.testing import Trial, stage


@pytest.fixture
async def calendly() -> AsyncIterator[Trial]:
    """The server, with Calendly played from answers.yaml; the person at the client says yes."""
    async with stage("calendly", answer="accept") as trial:
        yield trial
