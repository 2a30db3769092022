from collections.abc import AsyncIterator

import pytest
from flotilla.testing import Trial, stage


@pytest.fixture
async def gdrive() -> AsyncIterator[Trial]:
    """The server, with Google Drive played from answers.yaml; the person at the client says yes."""
    async with stage("google-drive", answer="accept") as trial:
        yield trial
