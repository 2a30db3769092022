"""One request of a client: its metadata, and the callbacks that lead back to that client.

They are kept on an object because a server's messages arrive in a task of the server's connection, where FastMCP knows
no current request, or that of another client.
"""

from __future__ import annotations

from typing import Any

import mcp_types as mt
from fastmcp.server.context import Context
from mcp.shared.message import ServerMessageMetadata
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from .compat import log_level

CAPABILITIES = "flotilla.capabilities"  # key of the client's capabilities in a request's metadata, see `backend.Relay`
CONNECTION_KEYS = (mt.PROTOCOL_VERSION_META_KEY, mt.CLIENT_INFO_META_KEY, mt.CLIENT_CAPABILITIES_META_KEY)
SESSION_HEADER = "mcp-session-id"
RESULTS: dict[str, type[mt.Result]] = {
    "elicitation/create": mt.ElicitResult,
    "sampling/createMessage": mt.CreateMessageResult,
    "roots/list": mt.ListRootsResult,
}


class ClientRequest:
    """What a server is sent for one request of a client, and what it may send to that client meanwhile.

    `meta` is the metadata without what concerns one connection only; requests of one `client_id` surely come from one
    client; `report_progress` is None where the client wants no progress.
    """

    def __init__(self, ctx: Context) -> None:
        rc = ctx.request_context
        assert rc is not None
        self._session, self._id = rc.session, rc.request_id
        self.modern = rc.protocol_version in MODERN_PROTOCOL_VERSIONS
        stdio = ctx.transport == "stdio"
        self.client_id = ctx.transport if stdio else rc.request and rc.request.headers.get(SESSION_HEADER)
        self.input_responses = ctx.input_responses if self.modern else None
        self.request_state = ctx.request_state if self.modern else None
        meta = {key: value for key, value in (rc.meta or {}).items() if key not in CONNECTION_KEYS}
        self.report_progress = rc.session.report_progress if meta.pop("progressToken", None) is not None else None
        capabilities = rc.session.client_capabilities or mt.ClientCapabilities()
        meta[CAPABILITIES] = capabilities.model_dump(mode="json", by_alias=True, exclude_none=True)
        if not self.modern:  # since 2026-07-28 a server sends the logs that are asked for; before, it sent all
            meta[mt.LOG_LEVEL_META_KEY] = log_level(ctx) or "debug"
        self.meta, self.wants_logs = meta, mt.LOG_LEVEL_META_KEY in meta

    async def log(self, params: mt.LoggingMessageNotificationParams) -> None:
        """Pass a log message on to the client."""
        if self.wants_logs:
            note = mt.LoggingMessageNotification(params=params)
            await self._session.send_notification(note, related_request_id=self._id)

    async def ask(self, question: Any) -> Any:
        """Return the client's answer to a server's question: for protocols in which a client is asked during a call."""
        metadata = ServerMessageMetadata(related_request_id=self._id)
        return await self._session.send_request(question, RESULTS[question.method], metadata=metadata)
