"""The quality scale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from flotilla.sealing import Keys
from flotilla_servers.webhooks.store import Arrival, Store
from flotilla_testing.acceptance import suite

CANARY = "canary-secrets-" + sha256(b"secrets").hexdigest()[:16]  # that the suite looks for
KEY = "a-state-key-of-thirty-two-characters"


@contextmanager
def inbox(folder: Path) -> Iterator[Mapping[str, str]]:
    """A database with an event that waits to be forwarded, and one that was given up."""
    (folder / "state" / "webhooks").mkdir(parents=True)
    store = Store(folder / "state" / "webhooks" / "webhooks.db", Keys("webhooks", [KEY], shared=True))
    content = {"event": "invitee.created", "payload": {"name": "Émile\u200b", "email": "emile@exemple.fr"}}
    arrival = Arrival("calendly", "main", "a", "invitee.created", "U1", 1_764_410_400.0, content, forward=True)
    store.add([arrival, Arrival("slack", "main", "b", "app_mention", "T1", None, [1], forward=True)])
    yield {
        "WEBHOOKS_SECRETS": f"calendly/main={CANARY} calendly/main=an-older-one slack/main={CANARY}",
        "WEBHOOKS_PUBLIC_URL": "https://hooks.example.com",
        "FLOTILLA_STATE": str(folder / "state"),
        "FLOTILLA_STATE_KEY": KEY,
        "WEBHOOKS_FORWARD_URL": "https://inbox.example.com/in",
    }


TestAcceptance = suite("webhooks", setup=inbox)
