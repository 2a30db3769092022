"""Which tools a server shows, as one pure function. Standard library only.

The server's lists, its calls, the launcher and the switchboard all ask here, so a hidden tool is also refused.
"""

from __future__ import annotations

from .environment import setting, switched_on, words

TYPE_CHECKING = False  # as in `typing`, whose import would cost the launcher 5 ms
if TYPE_CHECKING:
    from collections.abc import Mapping

SETTINGS = ("FLOTILLA_READ_ONLY", "FLOTILLA_TIER", "FLOTILLA_GROUPS", "FLOTILLA_ALLOW", "FLOTILLA_DENY")


def visible(environ: Mapping[str, str], attributes: Mapping[str, str], name: str) -> bool:
    """Tell whether a tool or prompt is offered.

    `attributes` holds `effect` (reads, writes, destroys), `tier` (core, all) and `group` (a word or empty). Deny wins
    over all, read-only over the rest; a tool that is allowed by name, or whose group is asked for, need not be core.
    """
    if name in words("FLOTILLA_DENY", environ):
        return False
    if switched_on("FLOTILLA_READ_ONLY", environ) and attributes.get("effect", "reads") != "reads":
        return False
    allow = words("FLOTILLA_ALLOW", environ)
    if allow:
        return name in allow
    groups = words("FLOTILLA_GROUPS", environ)
    if groups:
        return attributes.get("group", "") in groups
    return attributes.get("tier", "core") == "core" or (setting("FLOTILLA_TIER", environ) or "").lower() == "all"
