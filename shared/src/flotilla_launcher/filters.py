"""Which tools a server shows, as pure functions. Standard library only.

The server's lists, its calls, the launcher and the switchboard all ask here, so a hidden tool is also refused.
"""

from __future__ import annotations

from flotilla_launcher.environment import name_set, setting, switched_on, wrong, yes_or_no

TYPE_CHECKING = False  # as in `typing`, whose import would cost the launcher 5 ms
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NAMES = ("FLOTILLA_ALLOW", "FLOTILLA_DENY")  # lists of tools and prompts
LISTS = ("FLOTILLA_GROUPS", *NAMES)
SETTINGS = ("FLOTILLA_READ_ONLY", "FLOTILLA_TIER", *LISTS)
CONFIRM = ("new-recipients", "strict")  # beside yes and no


def visible(environ: Mapping[str, str], attributes: Mapping[str, str], name: str) -> bool:
    """Tell whether a tool or prompt is offered; raises SettingError for a setting that cannot be
    understood.

    `attributes` holds `effect` (reads, writes, destroys), `tier` (core, all) and `group` (a word or empty). Deny wins
    over all, read-only over the rest; a tool that is allowed by name, or whose group is asked for, need not be core.

    `alone` is there where a server has tools for a credential that opens nothing else, such as the address of a
    webhook: its variable, and those of the other credentials. Where it is the only one that is set, the tools with this
    `credential` are offered in every tier, and no others.
    """
    if name in name_set("FLOTILLA_DENY", environ):
        return False
    if switched_on("FLOTILLA_READ_ONLY", environ) and attributes.get("effect", "reads") != "reads":
        return False
    allow = name_set("FLOTILLA_ALLOW", environ)
    if allow:
        return name in allow
    groups = name_set("FLOTILLA_GROUPS", environ)
    if groups:
        return attributes.get("group", "") in groups
    alone = attributes.get("alone", "").split()
    if alone and setting(alone[0], environ) and not any(setting(other, environ) for other in alone[1:]):
        return attributes.get("credential") == alone[0]
    return attributes.get("tier", "core") == "core" or _tier(environ) == "all"


def check(environ: Mapping[str, str], known: Mapping[str, Mapping[str, str]], guards: Iterable[str] = ()) -> None:
    """Raise SettingError for the first guard that is unclear, or that names nothing there is: it would
    protect nobody.

    `known` is all that may be named, tools, prompts and resources, with their attributes; `guards` are the variables
    of further settings that protect or steer.
    """
    switched_on("FLOTILLA_READ_ONLY", environ)
    switched_on("FLOTILLA_DRY_RUN", environ)
    confirm = (setting("FLOTILLA_CONFIRM", environ, guard=True) or "on").lower()
    if yes_or_no(confirm) is None and confirm not in CONFIRM:
        raise wrong(f"FLOTILLA_CONFIRM must be on, off, {' or '.join(CONFIRM)}.")
    if _tier(environ) not in ("core", "all"):
        raise wrong("FLOTILLA_TIER must be core or all.")
    for name in NAMES:
        _named(name, name_set(name, environ), known)
    groups = {attributes["group"] for attributes in known.values() if attributes.get("group")}
    _named("FLOTILLA_GROUPS", name_set("FLOTILLA_GROUPS", environ), groups)
    for name in guards:
        setting(name, environ, guard=True)


def variables_read(known: Mapping[str, Mapping[str, str]], guards: Iterable[str] = ()) -> set[str]:
    """Return the variables that `check` and `visible` read, `known` and `guards` as there."""
    credentials = {name for attributes in known.values() for name in attributes.get("alone", "").split()}
    return {*SETTINGS, "FLOTILLA_DRY_RUN", "FLOTILLA_CONFIRM", *guards, *credentials}


def _tier(environ: Mapping[str, str]) -> str:
    return (setting("FLOTILLA_TIER", environ, guard=True) or "core").strip("'\"").lower()


def _named(name: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise SettingError for a word of a list that names nothing."""
    unknown = sorted(set(names) - set(known))
    if not unknown:
        return
    from difflib import get_close_matches

    near = get_close_matches(unknown[0], list(known), 1)
    kind = "group" if name == "FLOTILLA_GROUPS" else "tool or prompt"
    raise wrong(
        f"{name} names {', '.join(unknown[:3])[:200]}, but there is no such {kind}.",
        f"Ask the user to correct it: {near[0]} is meant?" if near else "Ask the user to correct it.",
    )
