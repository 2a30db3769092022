"""What the console's forms do. Each is bound to what the person saw: an approval's id, a definition's digest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..permissions import SEEN, digest
from ..settings_file import Rule
from . import own_form, pages, replay, settings_form
from .host import Host, Server, Tool
from .pages import RefusedError, Visit

BY = "console"  # who decided, in the database and the log


@dataclass(frozen=True)
class Answer:
    """A page in answer to a form, for what is shown this once: its template and the template's values."""

    template: str
    values: Mapping[str, Any]


Step = Callable[[Any, Visit], str | Answer]
Work = Callable[[Any, Visit], Awaitable[str]]


@dataclass(frozen=True)
class Action:
    """A form: what it does, the page that shows why it was refused, and where the browser goes after it was done.

    Both get what the form's part looks at (`app.Part`). `run` returns the end of the key of a text, `done_…`, or a page
    in place of going on; `work` then does what takes longer, and returns another text. One of them may be left out.
    Both raise RefusedError, MissingError and SettingError.
    """

    run: Step | None
    section: str
    page: tuple[str, pages.Context]
    target: str
    work: Work | None = None


def answer(host: Host, visit: Visit) -> str:
    """Approve or decline a call that waits."""
    yes = {"approve": True, "decline": False}.get(visit.form.get("answer", ""))
    if yes is None:
        raise RefusedError(visit.text("incomplete"))
    if not host.approvals.answer(visit.path["approval"], yes, BY):
        raise RefusedError(visit.text("not_waiting"))
    return "approved" if yes else "declined"


def decide(host: Host, visit: Visit) -> str:
    """Decide about one tool as the person saw it."""
    server, tool = _tool(host, visit)
    if (decision := visit.form.get("decision", "")) not in ("allow", "ask", "deny", SEEN):
        raise RefusedError(visit.text("incomplete"))
    host.permissions.decide(server.slug, tool, decision, BY)
    return "saved"


def accept(host: Host, visit: Visit) -> str:
    """Note that a person has looked at a server's tools, or at one whose definition has changed."""
    if "number" in visit.form:
        server, tool = _tool(host, visit)
        tools = [tool]
    else:
        server = host.overview().server(visit.path["server"])
        tools = list(server.tools) or [NOTHING]
        if visit.form.get("digest") != server.digest():
            raise RefusedError(visit.text("changed_meanwhile"))
    host.permissions.accept(server.slug, tools, BY)
    return "accepted"


def add_rule(host: Host, visit: Visit) -> str:
    """Write a rule into the settings file."""
    server, tool = visit.form.get("server", "").strip(), visit.form.get("tool", "").strip()
    decision = visit.form.get("decision")
    if not server or not tool or decision not in ("allow", "ask", "deny"):
        raise RefusedError(visit.text("incomplete"))
    host.permissions.add_rule(Rule(tool=tool, server=server, decision=decision), host.overview().tools())  # type: ignore[arg-type]
    return "rule_added"


def remove_rule(host: Host, visit: Visit) -> str:
    """Take a rule out of the settings file, where it still is the one that the person saw."""
    rules, number = host.settings.current().permissions, visit.form.get("number", "")
    rule = rules[int(number)] if number.isdecimal() and int(number) < len(rules) else None
    if rule is None or visit.form.get("rule") != f"{rule.server} / {rule.tool}: {rule.decision}":
        raise RefusedError(visit.text("changed_meanwhile"))
    host.permissions.remove_rule(rule)
    return "rule_removed"


def save_settings(host: Host, visit: Visit) -> str:
    """Write the options into the settings file."""
    host.settings.update(settings_form.change(host.settings, visit.text, visit.form))
    return "saved"


def _tool(host: Host, visit: Visit) -> tuple[Server, Tool]:
    """Return the tool of a form. Raises RefusedError where its definition is not the one that the person saw."""
    server, number = host.overview().server(visit.path["server"]), visit.form.get("number", "")
    tool = server.tools[int(number)] if number.isdecimal() and int(number) < len(server.tools) else None
    if tool is None or digest(tool) != visit.form.get("digest"):
        raise RefusedError(visit.text("changed_meanwhile"))
    return server, tool


NOTHING = {"name": "*"}  # stands for a server without tools, which may have prompts
SERVERS = ("servers.html", pages.servers)
NOTE = ("note.html", pages.note)
APPROVALS = ("approvals.html", pages.approvals)
TOOLS, TOOLS_OF = ("tools.html", pages.tools), ("tools_server.html", pages.tools_of)
ACTIONS = {
    "/approvals/{approval}": Action(answer, "approvals", APPROVALS, "/approvals"),
    "/servers": Action(own_form.add, "servers", SERVERS, "/servers", own_form.read),
    "/servers/{server}/read": Action(None, "servers", SERVERS, "/servers", own_form.read),
    "/servers/{server}/remove": Action(own_form.remove, "servers", SERVERS, "/servers"),
    "/notes/{note}/replay": Action(None, "notes", NOTE, "/notes/{note}", replay.replay),
    "/notes/{note}/delete": Action(replay.delete, "notes", NOTE, "/notes"),
    "/tools/rules": Action(add_rule, "tools", TOOLS, "/tools"),
    "/tools/rules/remove": Action(remove_rule, "tools", TOOLS, "/tools"),
    "/tools/{server}/decide": Action(decide, "tools", TOOLS_OF, "/tools/{server}"),
    "/tools/{server}/accept": Action(accept, "tools", TOOLS_OF, "/tools/{server}"),
    "/settings": Action(save_settings, "settings", ("settings.html", pages.settings), "/settings"),
}
