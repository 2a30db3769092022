"""n8n: webhooks, workflows, executions, tags, variables, projects. API: https://docs.n8n.io/api/"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import account, executions, tags, webhooks, workflows

server = Server(integration, toolsets=[webhooks.tools, workflows.tools, executions.tools, tags.tools, account.tools])
