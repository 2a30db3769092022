"""The launcher's tables are those of the protocol that FastMCP speaks."""

from __future__ import annotations

from typing import get_args

import mcp_types as mt
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from flotilla_launcher import protocol


def test_protocol_versions() -> None:
    """Before 2024-11-05 there was no published revision."""
    known = [version for version in HANDSHAKE_PROTOCOL_VERSIONS if version >= protocol.HANDSHAKE_VERSIONS[0]]
    assert list(protocol.HANDSHAKE_VERSIONS) == known
    assert list(MODERN_PROTOCOL_VERSIONS) == [protocol.MODERN_VERSION]


def test_protocol_meta_keys() -> None:
    assert protocol.VERSION_KEY == mt.PROTOCOL_VERSION_META_KEY
    assert protocol.CLIENT_KEY == mt.CLIENT_INFO_META_KEY
    assert protocol.CAPABILITIES_KEY == mt.CLIENT_CAPABILITIES_META_KEY
    assert protocol.LOG_LEVEL_KEY == mt.LOG_LEVEL_META_KEY


def test_protocol_lists() -> None:
    methods = {
        "tools": mt.ListToolsRequest,
        "prompts": mt.ListPromptsRequest,
        "resources": mt.ListResourcesRequest,
        "resourceTemplates": mt.ListResourceTemplatesRequest,
    }
    assert {key: get_args(kind.model_fields["method"].annotation)[0] for key, kind in methods.items()} == protocol.LISTS


def test_protocol_log_levels() -> None:
    assert get_args(mt.LoggingLevel) == protocol.LOG_LEVELS
