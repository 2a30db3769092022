"""Make: scenarios, executions, webhooks, data stores. API: https://developers.make.com/api-documentation"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import account, data_stores, executions, scenarios, webhooks

server = Server(
    integration,
    toolsets=[scenarios.tools, executions.tools, webhooks.tools, data_stores.tools, account.tools],
)
