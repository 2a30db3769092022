"""The protocol's tables, each written once: for the launcher, the generator, the test kit and the switchboard.

Standard library only, and no import at all: the launcher reads this before anything heavy is imported. The test
`shared/tests/test_protocol.py` compares it with what FastMCP speaks.
"""

HANDSHAKE_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")  # opened by `initialize`
MODERN_VERSION = "2026-07-28"  # stateless: every request says in its `_meta` who asks
VERSIONS = (*HANDSHAKE_VERSIONS, MODERN_VERSION)

VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
CLIENT_KEY = "io.modelcontextprotocol/clientInfo"
LOG_LEVEL_KEY = "io.modelcontextprotocol/logLevel"
TIMINGS_KEY = "io.github.flotilla-mcp/timings"  # the switchboard asks with it; a server's result then holds its times
ACCESS_KEY = "io.github.flotilla-mcp/access"  # holds the access token of a call, where the switchboard renews them
GIVEN = "given-with-each-call"  # what a server has in place of a refresh token then, see `flotilla.http.oauth`

LISTS = {  # key of the result: method
    "tools": "tools/list",
    "prompts": "prompts/list",
    "resources": "resources/list",
    "resourceTemplates": "resources/templates/list",
}
LIST_KEYS = {method: key for key, method in LISTS.items()}
LOG_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")

# What a line that is not a message is answered with, in every server and in the switchboard.
REQUEST_ID = r'"id"\s*:\s*(-?\d{1,15}(?=\s*[,}])|"[^"\\]{1,100}")'  # as it stands in a line that is not valid JSON
NOT_JSON = "The line is not valid JSON: {:.200}."
NOT_A_MESSAGE = "The line is not a JSON-RPC message."
