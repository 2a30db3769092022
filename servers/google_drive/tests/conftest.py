from collections.abc import AsyncIterator

import pytest

from flotilla_testing import Session, connect


@pytest.fixture
async def gdrive() -> AsyncIterator[Session]:
    """The server, with Google Drive played from answers.yaml; the person at the client says yes."""
    async with connect("google-drive", answer="accept") as session:
        yield session
