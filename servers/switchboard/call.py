"""One call on its way: who calls what, and what the log tells of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from flotilla_launcher.naming import words_of

from .backend import Backend
from .client_request import ClientRequest
from .jsonrpc import Message
from .named_accounts import without_account
from .permissions import kind_of

FORWARDED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}  # method: what it names


@dataclass
class Asked:
    """What a call's state says of the question that was asked here. `inner` is the state of the server behind."""

    approval: str = ""  # the id, where the client now brings its answer
    passed: str = ""  # the digest of the request, where the answer was a yes already
    inner: str | None = None

    @classmethod
    def read(cls, state: str) -> Asked:
        """Return what `written` has written."""
        return cls(*json.loads(state))

    def written(self) -> str:
        """Return it as a state."""
        return json.dumps([self.approval, self.passed, self.inner])


@dataclass
class Call:
    """One request for a server: who asks, what, of which server. `safe` is what may be sent twice: it only reads.
    `account` is the name of the account that it is for, where the server has several.

    The rest is for the log: how it ended, who allowed it, and how long its server, its vendor and a person had it;
    `vendor_ms` is None where the server does not tell.
    """

    client: ClientRequest
    backend: Backend
    method: str
    params: Message
    safe: bool
    tool: Message = field(default_factory=dict)
    outcome: str = "cancelled"
    decision: str = "allowed"
    server_seconds: float = 0
    vendor_ms: float | None = None
    person_seconds: float = 0
    asked: Asked = field(default_factory=Asked)
    account: str = ""

    @property
    def sent(self) -> Message:
        """The parameters as its server gets them: it knows one account."""
        return {**self.params, "arguments": without_account(self.params["arguments"])} if self.account else self.params

    @property
    def reads(self) -> bool:
        """Whether it only reads, by its own word: that of a foreign server makes it not `safe`."""
        return self.safe or (bool(self.tool) and kind_of(self.tool) == "read")

    @property
    def terms(self) -> list[str]:
        """The words of its name: of a tool its verb, then what it is about."""
        return words_of(self.name, foreign=self.backend.foreign)

    @property
    def request(self) -> list[Any]:
        """What a state of this call is bound to."""
        return [self.method, self.name, self.params.get("arguments")]

    @property
    def name(self) -> str:
        """The name of the tool or prompt, or the URI of the resource."""
        return str(self.params[FORWARDED[self.method]])
