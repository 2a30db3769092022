"""What each page shows: a function of the host and the visit, which returns the values of the page's template."""

from __future__ import annotations

import difflib
import json
import platform
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib.metadata import version
from typing import Any
from urllib.parse import urlencode

from flotilla_launcher.environment import SettingError
from flotilla_launcher.version import VERSION

from .. import action_log
from ..admission import action
from ..approvals import APPROVED, DECLINED, USED, WAITING, Approval, Approvals
from ..backend import Process
from ..discovery import title
from ..notes import DONE, FAILED, OPEN, STARTED, NoteError, list_notes, read_note
from ..permissions import Change, digest, kind_of
from ..settings_file import Rule, SettingsError, SettingsFile
from . import charts, settings_form
from .access import ROOT
from .formats import indented, parsed
from .host import Host, MissingError, Overview, Server, Tool
from .texts import TEXTS, Texts

OUTCOMES = ("ok", "error", "asked", "denied", "refused", "not_started", "timeout", "lost", "broken", "cancelled")
UNREACHED = ("not_started", "lost")
ROWS = (50, 200, 1000)  # that the Activity page may show
NAVIGATION = ("approvals", "servers", "tools", "activity", "notes", "health", "settings")
NOTE_MARKS = {OPEN: "changed", STARTED: "ask", DONE: "allow", FAILED: "deny"}  # as what a decision looks like
TARGETS = (
    "id",
    "ids",
    "to",
    "recipient",
    "recipients",
    "email",
    "path",
    "url",
    "target",
    "name",
    "contact",
    "customer",
)
FILTERS = ("filter", "filters", "query", "where", "criteria", "search", "condition", "conditions", "segment", "status")

Context = Callable[[Any, "Visit"], dict[str, Any]]  # what the page's part looks at: see `app.Part`


class RefusedError(Exception):
    """A form cannot be done as it was sent. The message says why, in the language of the page."""


@dataclass
class Visit:
    """One request for a page: `path` has the parts of its address, `form` what was sent, `error` why it was refused.

    `origin` is the address under which the console was opened: http://127.0.0.1:8811.
    """

    language: str
    query: Mapping[str, str]
    path: Mapping[str, str]
    url: str
    origin: str = ""
    form: Mapping[str, str] = field(default_factory=dict)
    error: str = ""

    @property
    def text(self) -> Texts:
        """The texts in the language of the page."""
        return Texts(self.language)


def common(host: Host, visit: Visit, section: str) -> dict[str, Any]:
    """Return what stands on every page of one person's console."""
    values = {
        "base": ROOT,
        "tenant": None,
        "live": True,
        "navigation": NAVIGATION,
        "waiting": number_waiting(host.approvals),
    }
    return {**values, **frame(host.settings, visit, section)}


def number_waiting(approvals: Approvals) -> int:
    """Return how many calls wait for a yes; 0 where that cannot be read, as their own page says."""
    try:
        return len(approvals.waiting())
    except sqlite3.Error:
        return 0


def frame(settings: SettingsFile, visit: Visit, section: str) -> dict[str, Any]:
    """Return what stands on every page of every console."""
    query = {name: value for name, value in visit.query.items() if name not in ("lang", "done", "token")}
    done = f"done_{visit.query.get('done')}"
    return {
        "section": section,
        "other_language": "en" if visit.language == "fr" else "fr",
        "url_with": lambda **more: f"{visit.url}?{urlencode({**query, **more})}",
        "settings_problem": settings.problem,
        "permissions_off": "permissions" in settings.overrides,
        "error": visit.error,
        "done": done if done in TEXTS else "",
        "form": visit.form,
    }


# -- approvals ---------------------------------------------------------------------------------------------------------


def approvals(host: Host, visit: Visit) -> dict[str, Any]:
    """The calls that wait for a yes, and those that were answered last."""
    host.note_presence()  # also without a script: the page then loads itself again
    servers = {server.slug: server for server in _readable_servers(host)}
    ended = [{"approval": item, "state": _state(item), "mark": _mark(item)} for item in host.approvals.ended(20)]
    return {"approvals": [_approval(host, visit, servers, item) for item in host.approvals.waiting()], "ended": ended}


def _readable_servers(host: Host) -> list[Server]:
    try:
        return host.overview().servers
    except SettingError:  # a call that waits is shown all the same
        return []


def _approval(host: Host, visit: Visit, servers: Mapping[str, Server], approval: Approval) -> dict[str, Any]:
    server = servers.get(approval.server)
    tool: Tool = next((tool for tool in server.tools if tool["name"] == approval.tool), {}) if server else {}
    arguments = parsed(approval.arguments)
    about = targets(arguments)
    return {
        "id": approval.id,
        "slug": approval.server,
        "server": approval.title,
        "tool": approval.tool,
        "action": action(dict(tool) or {"name": approval.tool}, foreign=server is None or server.foreign),
        "effect": kind_of(tool),
        "targets": about,
        "arguments": {name: value for name, value in arguments.items() if name not in {item["name"] for item in about}}
        if isinstance(arguments, dict)
        else arguments,
        "change": server is not None and bool(tool) and host.verdict(server, tool).change is not None,
        "client": approval.client,
        "reason": visit.text.reason(approval.reason),
        "expires": approval.expires,
    }


def targets(arguments: Any) -> list[dict[str, Any]]:
    """Return the arguments that say what a call is about: whom or what it concerns, or by which filter it is chosen."""
    if not isinstance(arguments, dict):
        return []
    kinds = [(name, value, _target_kind(name)) for name, value in arguments.items()]
    return [
        {"kind": kind, "name": name, "value": ", ".join(map(str, value)) if isinstance(value, list) else value}
        for name, value, kind in kinds
        if kind and value not in (None, "", [], {}) and len(str(value)) <= 300
    ]


def _target_kind(name: str) -> str:
    last = name.lower().rpartition("_")[2]
    return "filter_by" if last in FILTERS else "target" if last in TARGETS else ""


def _state(approval: Approval) -> str:
    return "expired" if approval.state == WAITING else approval.state


def _mark(approval: Approval) -> str:
    return {USED: "ok", APPROVED: "ok", DECLINED: "denied"}.get(approval.state, "cancelled")


# -- servers -----------------------------------------------------------------------------------------------------------


def servers(host: Host, visit: Visit) -> dict[str, Any]:
    """Every server that is offered."""
    last, overview = last_calls(host), host.overview()
    return {
        "servers": [_server(host, server, last.get(server.slug)) for server in overview.servers],
        "names": [*host.settings.current().servers],
        "others": [{"title": title(entry), "needs": host.needs(entry)} for entry in overview.others],
    }


def _server(host: Host, server: Server, last: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "slug": server.slug,
        "title": server.title,
        "description": server.entry.spec.get("description") or "",
        "tools": len(server.tools),
        "state": "quarantined" if _unseen(host, server) else state(server, last),
        "problem": server.problem,
        "own": server.own,
        "last": last,
    }


def state(server: Server, last: Mapping[str, Any] | None) -> str:
    """Return how a server is: running, starting, idle, failing or broken. Seen from outside, by its last call."""
    if server.problem:
        return "broken"
    backend = server.backend
    if backend is not None and backend.circuit.left():
        return "failing"
    if isinstance(backend, Process) and (backend.running or backend.starting):
        return "running" if backend.running else "starting"
    return "failing" if last and last["outcome"] in UNREACHED and backend is None else "idle"


def last_calls(host: Host) -> dict[str, dict[str, Any]]:
    """Return the last call of each server, by its slug; none where the log cannot be read, as the Health page says."""
    try:
        return action_log.last_calls(host.state)
    except sqlite3.Error:
        return {}


# -- tools -------------------------------------------------------------------------------------------------------------


def tools(host: Host, visit: Visit) -> dict[str, Any]:
    """The servers with how many of their tools are allowed, the rules, and what a search finds."""
    query, shown, hits = visit.query.get("q", "").strip(), [], []
    overview = host.overview()
    for server in overview.servers:
        verdicts = [host.verdict(server, tool) for tool in server.tools]
        counts = {name: sum(v.decision == name for v in verdicts) for name in ("allow", "ask", "deny")}
        unseen = _unseen(host, server)
        shown.append(
            {
                "slug": server.slug,
                "title": server.title,
                "tools": len(server.tools),
                "counts": counts,
                "unseen": unseen,
                "changed": sum(v.change is not None for v in verdicts),
            }
        )
        for number, (tool, verdict) in enumerate(zip(server.tools, verdicts, strict=True)):
            if query and all(part in _searched(server, tool) for part in query.lower().split()):
                hits.append({"server": server.slug, "title": server.title, "name": tool["name"], "number": number,
                             "decision": verdict.decision})  # fmt: skip
    return {
        "servers": shown,
        "rules": host.settings.current().permissions,
        "unmatched": _unmatched(host, overview),
        "query": query,
        "hits": hits[:100],
    }


def _unmatched(host: Host, overview: Overview) -> list[Rule]:
    """Return the rules that match no tool; not those about servers whose tools cannot be read now."""
    unread = [server.slug for server in overview.servers if server.problem]
    unmatched = host.permissions.unmatched((server, tool["name"]) for server, tool in overview.tools())
    return [rule for rule in unmatched if not any(fnmatchcase(slug, rule.server) for slug in unread)]


def _searched(server: Server, tool: Tool) -> str:
    return f"{server.title} {tool['name']} {tool.get('title') or ''}".lower()


def _unseen(host: Host, server: Server) -> int:
    if not server.foreign:
        return 0
    return sum(host.permissions.row(server.slug, tool["name"]) is None for tool in server.tools)


def tools_of(host: Host, visit: Visit) -> dict[str, Any]:
    """The tools of one server: what counts for each, its definition, and what has changed in it."""
    server = host.overview().server(visit.path["server"])
    return {
        "server": server,
        "tools": [_tool(host, visit, server, tool) for tool in server.tools],
        "unseen": _unseen(host, server),
        "digest": server.digest(),
    }


def _tool(host: Host, visit: Visit, server: Server, tool: Tool) -> dict[str, Any]:
    verdict, row = host.verdict(server, tool), host.permissions.row(server.slug, tool["name"])
    schema = tool.get("inputSchema") or {}
    required = schema.get("required") or ()
    properties = schema.get("properties") or {}
    return {
        "name": tool["name"],
        "description": tool.get("description") or "",
        "effect": kind_of(tool),
        "decision": verdict.decision,
        "reason": visit.text.reason(verdict.reason),
        "own": row.decision if row else "seen",
        "change": sides(verdict.change) if verdict.change else None,
        "digest": digest(tool),
        "open": tool["name"] == visit.query.get("tool"),
        "arguments": [
            {
                "name": name,
                "description": about.get("description") or "",
                "type": _type(about),
                "required": name in required,
            }
            for name, about in (properties.items() if isinstance(properties, dict) else ())
            if isinstance(about, dict)
        ],
    }


def _type(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    kind = schema.get("type") or [part.get("type") for part in schema.get("anyOf") or () if isinstance(part, dict)]
    return ", ".join(str(part) for part in kind if part) if isinstance(kind, list) else str(kind)


def sides(change: Change) -> dict[str, list[tuple[bool, str]]]:
    """Return a definition before and after a change: lines, each with whether the other side has it not."""
    before, after = (indented(definition).replace("\\n", "\n").splitlines() for definition in
                     (change.before, change.after))  # fmt: skip
    result: dict[str, list[tuple[bool, str]]] = {"before": [], "after": []}
    for kind, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        result["before"] += [(kind != "equal", line) for line in before[a:b]]
        result["after"] += [(kind != "equal", line) for line in after[c:d]]
    return result


# -- activity ----------------------------------------------------------------------------------------------------------


def filters(visit: Visit) -> dict[str, str]:
    """Return what the calls of the log are chosen by."""
    return {name: visit.query.get(name, "").strip() for name in ("server", "tool", "outcome", "trace")}


def activity(host: Host, visit: Visit) -> dict[str, Any]:
    """The calls of the log that were asked for, and a picture of how long they took."""
    chosen, limit = filters(visit), visit.query.get("limit", "")
    count = int(limit) if limit in map(str, ROWS) else ROWS[1]
    rows = list(action_log.read(host.state, **chosen, limit=count))
    slugs = {server.slug for server in _readable_servers(host)} | {row["mcp_server"] for row in rows}
    return {
        "chosen": {**chosen, "limit": count},
        "filtered": any(chosen.values()),
        "servers": sorted(slugs | {chosen["server"]} - {""}),
        "outcomes": OUTCOMES,
        "limits": ROWS,
        "rows": rows,
        "picture": charts.picture(rows),
        "by_tool": charts.by_tool(rows),
        "query": urlencode({name: value for name, value in chosen.items() if value}),
    }


# -- notes ------------------------------------------------------------------------------------------------------------


def notes(host: Host, visit: Visit) -> dict[str, Any]:
    """What was to be done while a server could not be reached."""
    return {"notes": list_notes(host.notes), "note_marks": NOTE_MARKS}


def note(host: Host, visit: Visit) -> dict[str, Any]:
    """One note."""
    try:
        return {"note": read_note(host.notes, visit.path["note"]), "note_marks": NOTE_MARKS}
    except NoteError:
        raise MissingError from None


# -- health ------------------------------------------------------------------------------------------------------------


def health(host: Host, visit: Visit) -> dict[str, Any]:
    """Which servers run, which fail, how large the log is, what is wrong with the settings, and all versions."""
    problems, log, readable = list[str](), {"rows": 0, "bytes": 0}, True
    try:
        host.settings.load()
    except SettingsError as error:
        problems.append(str(error))
    try:
        overview = host.overview()
    except SettingError as error:
        problems.append(str(error))
        overview, readable = host.overview(own_only=True), False
    try:
        log = action_log.size(host.state)
    except sqlite3.Error as error:
        problems.append(visit.text("log_unreadable", reason=error))
    problems += overview.problems
    problems += [server.problem for server in overview.servers if server.problem]  # which name the server
    unmatched = _unmatched(host, overview) if readable else []
    problems += [visit.text("rule_is_unmatched", rule=f"{rule.server} / {rule.tool}") for rule in unmatched]
    last = last_calls(host)
    states = [(server, state(server, last.get(server.slug))) for server in overview.servers]
    return {
        "running": [server.title for server, now in states if now in ("running", "starting")] if host.gateway else None,
        "failing": [
            {"slug": server.slug, "title": server.title, "reason": _reason(server, last, visit)}
            for server, now in states
            if now == "failing"
        ],
        "problems": problems,
        "log": log,
        "facts": [
            ("fact_flotilla", VERSION),
            ("fact_python", platform.python_version()),
            ("fact_fastmcp", version("fastmcp")),
            ("fact_sqlite", sqlite3.sqlite_version),
            ("fact_state", str(host.state / "switchboard")),
            ("fact_settings", str(host.settings.path)),
        ],
    }


def _reason(server: Server, last: Mapping[str, Mapping[str, Any]], visit: Visit) -> str:
    if server.backend is not None and (left := server.backend.circuit.left()):
        return visit.text("tried_again", seconds=round(left))
    return visit.text.named("outcome", last[server.slug]["outcome"]) if server.slug in last else ""


# -- settings ----------------------------------------------------------------------------------------------------------


def settings(host: Host, visit: Visit) -> dict[str, Any]:
    """Every option of the settings file but rules and servers, which have pages of their own."""
    return {"groups": settings_form.groups(host.settings, visit.text, visit.form), "path": host.settings.path}


PAGES: list[tuple[str, str, str, Context]] = [  # address, template, section, what it shows
    ("/", "approvals.html", "approvals", approvals),
    ("/approvals", "approvals.html", "approvals", approvals),
    ("/approvals/waiting", "waiting.html", "approvals", approvals),
    ("/servers", "servers.html", "servers", servers),
    ("/tools", "tools.html", "tools", tools),
    ("/tools/{server}", "tools_server.html", "tools", tools_of),
    ("/activity", "activity.html", "activity", activity),
    ("/notes", "notes.html", "notes", notes),
    ("/notes/{note}", "note.html", "notes", note),
    ("/health", "health.html", "health", health),
    ("/settings", "settings.html", "settings", settings),
]
