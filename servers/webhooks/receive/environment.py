"""The inbox of one person, whose settings stand in the environment."""

from __future__ import annotations

from flotilla import in_thread
from flotilla.audit import Audit
from flotilla.connection import Connection

from ..client import ReceiverSettings, integration
from ..store import store_of
from .inbox import Inbox, Inboxes, MakeForwarder


class OfEnvironment(Inboxes):
    """One inbox, as the environment was at the start."""

    def __init__(self, settings: ReceiverSettings, audit: Audit, forwarder: MakeForwarder) -> None:
        super().__init__()
        self._settings, self._audit, self._make_forwarder = settings, audit, forwarder

    async def start(self) -> None:
        """Open the database; raises errors.ConfigurationError."""
        store = await in_thread(store_of, Connection(integration))
        inbox = self.by_tenant[""] = Inbox(store, self._audit, self._make_forwarder)
        inbox.configure(self._settings)
