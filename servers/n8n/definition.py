"""Nodes and connections as n8n takes them: it refuses what only it may write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flotilla import errors
from flotilla.parsing import listed

from .models import nodes_of


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What a request may hold; all else is n8n's own: https://docs.n8n.io/api/api-reference/#tag/workflow
NODE_FIELDS = _words(
    "id name webhookId disabled notesInFlow notes type typeVersion executeOnce alwaysOutputData retryOnFail maxTries "
    "waitBetweenTries continueOnFail onError position parameters credentials"
)
SETTINGS = _words(
    "saveExecutionProgress saveManualExecutions saveDataErrorExecution saveDataSuccessExecution executionTimeout "
    "errorWorkflow timezone executionOrder callerPolicy callerIds timeSavedPerExecution availableInMCP"
)
NEW_SETTINGS = _words("binaryMode redactionPolicy credentialResolverId customTelemetryTags timeSavedMode")


def connections_of(workflow: dict[str, Any]) -> dict[str, Any]:
    """Return the connections of a workflow as n8n stores them."""
    connections = workflow.get("connections")
    return dict(connections) if isinstance(connections, dict) else {}


def settings_for(settings: Any, *, new: bool = False) -> dict[str, Any]:
    """Return settings that a request may hold; `new`: with those that versions before 2.9 have, but do not take."""
    fields = SETTINGS | NEW_SETTINGS if new else SETTINGS
    return {k: v for k, v in settings.items() if k in fields} if isinstance(settings, dict) else {}


def check_settings(settings: dict[str, Any]) -> None:
    """Raise errors.InvalidInputError for settings that no version of n8n has: it refuses the whole workflow then."""
    if unknown := sorted(set(settings) - SETTINGS - NEW_SETTINGS):
        raise errors.InvalidInputError(
            f"A workflow has no setting {listed(unknown)}.", f"There are: {listed(sorted(SETTINGS))}."
        )


def sendable(workflow: dict[str, Any]) -> dict[str, Any]:
    """Return what a request may say of a workflow that n8n gave: name, nodes, connections, settings."""
    known = settings_for(workflow.get("settings"))
    nodes = [{k: v for k, v in node.items() if k in NODE_FIELDS} for node in nodes_of(workflow)]
    connections = connections_of(workflow)
    return {"name": str(workflow.get("name") or ""), "nodes": nodes, "connections": connections, "settings": known}


def nodes_for(nodes: Sequence[dict[str, Any]], connections: dict[str, Any]) -> list[dict[str, Any]]:
    """Return nodes as a request takes them, with a position where they have none.

    Raises errors.InvalidInputError for a node without name or type, a name that two have, and a connection to a node
    that is not there.
    """
    rows, names = [], list[str]()
    for number, node in enumerate(nodes):
        if not (isinstance(node.get("name"), str) and node["name"] and isinstance(node.get("type"), str)):
            raise errors.InvalidInputError(
                f"Node {number + 1} has no name or no type.", "Give both: the type such as n8n-nodes-base.webhook."
            )
        usual = {"typeVersion": 1, "position": [220 * number, 0], "parameters": {}}
        rows.append({**usual, **{k: v for k, v in node.items() if k in NODE_FIELDS and v is not None}})
        names.append(node["name"])
    if double := sorted({name for name in names if names.count(name) > 1}):
        raise errors.InvalidInputError(f"Two nodes have the name {listed(double)}.", "Give each a name of its own.")
    unknown = sorted(_connected(connections) - set(names))
    if unknown:
        raise errors.InvalidInputError(
            f"The connections name nodes that are not there: {listed(unknown)}.", f"There are: {listed(names)}."
        )
    return rows


def _connected(connections: dict[str, Any]) -> set[str]:
    names = set(connections)
    for outputs in connections.values():
        for branches in outputs.values() if isinstance(outputs, dict) else ():
            for branch in branches if isinstance(branches, list) else ():
                targets = [one.get("node") for one in branch or () if isinstance(one, dict)]
                names |= {str(name) for name in targets if name}
    return names
