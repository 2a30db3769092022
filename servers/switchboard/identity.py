"""Whose account a server works for: the tool of its own that says so, and the name in its answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

IDENTITY = re.compile(r"_(get_current_user|get_account|verify_connection)$")  # tools that say whose account it is
PERSON = ("name", "full_name", "display_name", "email", "email_address", "login")
COMPANY = ("company", "company_name", "organization", "organization_name", "organisation", "account_name", "workspace")


def trial_tool(discovery: Mapping[str, Any]) -> str:
    """Return a tool that only reads and needs no argument: one that says whose account it is, else the first, else "".

    `discovery` is what a server's discovery.json holds.
    """
    effects = discovery["attributes"]["tools"]
    names = [
        tool["name"]
        for tool in discovery["tools"]
        if effects[tool["name"]]["effect"] == "reads" and not tool["inputSchema"].get("required")
    ]
    return next((name for name in names if IDENTITY.search(name)), names[0] if names else "")


def account_name(tool: str, result: Any) -> str:
    """Return whose account it is by the result of a trial tool: a person, a company or both; "" where it does not say.

    Only a tool that says whose account it is counts: the first name in another one's answer is somebody else's.
    """
    person, company = (_first(result, names) for names in (PERSON, COMPANY))
    return " at ".join(part for part in (person, company) if part) if IDENTITY.search(tool) else ""


def _first(value: Any, names: tuple[str, ...], depth: int = 0) -> str:
    """Return the first text under one of these names, in an object or those in it."""
    if not isinstance(value, dict) or depth > 2:
        return ""
    for name in names:
        if isinstance(text := value.get(name), str) and text.strip():
            return text.strip()
    return next((text_inside for inner in value.values() if (text_inside := _first(inner, names, depth + 1))), "")
