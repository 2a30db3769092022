"""Who may call what: rules of the settings file, decisions about single tools, and defaults by a tool's hints.

Deny counts before ask, ask before allow. What allows is bound to the tool's definition as it was then: after a change a
person is asked again, and sees what changed. Listing, searching and calling read the same state.

Nothing of an own server (a foreign one) is listed or called before a person has looked at its tools.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

from .database import Database
from .settings_file import Decision, Rule, Settings, SettingsError, SettingsFile

Tool = Mapping[str, Any]
BOUND = ("name", "title", "description", "inputSchema", "outputSchema", "annotations")  # what a decision is bound to
SEEN = "seen"  # a row that decides nothing: the definition was looked at, or was there when a rule was written
NOT_LOOKED_AT = "nobody has looked at this server's tools yet"


@dataclass(frozen=True)
class Change:
    """A definition as it was accepted, and as it is now."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What counts for a tool, and why. `once`: a yes is remembered, until the definition changes."""

    decision: Decision
    reason: str
    change: Change | None = None
    once: bool = False


@dataclass(frozen=True)
class Row:
    """A decision about one tool: allow, ask, deny, or seen."""

    decision: str
    hash: str
    by: str
    at: float


def digest(tool: Tool) -> str:
    """Return what tells one definition of a tool from another."""
    text = json.dumps([tool.get(key) for key in BOUND], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    import hashlib  # not at the top: the launcher seldom needs it, and it takes a tenth of its time

    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def kind_of(tool: Tool) -> str:
    """Return which default counts: read, write or destroy. A tool without hints may destroy."""
    hints = tool.get("annotations") or {}
    if hints.get("readOnlyHint") is True:
        return "read"
    return "write" if hints.get("destructiveHint") is False else "destroy"


def matching(settings: Settings, server: str, name: str) -> list[Rule]:
    """Return the rules about a tool."""
    return [rule for rule in settings.permissions if fnmatchcase(server, rule.server) and fnmatchcase(name, rule.tool)]


def forget(database: Database, server: str) -> None:
    """Forget all decisions about a server that was removed, or that is another one now."""
    if database.exists():
        database.connection().execute("DELETE FROM permission WHERE server = ?", (server,))


def _default(settings: Settings, tool: Tool) -> Decision:
    decision: Decision = getattr(settings.defaults, kind_of(tool))
    return decision


class Permissions:
    """What may be called. `version` is another number whenever what counts may have changed."""

    def __init__(self, database: Database, settings: SettingsFile, tenant: str = "", subject: str = "") -> None:
        self._database, self._settings = database, settings
        self._tenant, self._subject = tenant, subject
        self._rows: dict[tuple[str, str], Row] = {}
        self._at = 0
        self._known: Settings | None = None
        if database.changed():
            self._load()

    @property
    def version(self) -> int:
        """A number that changes with the settings file and the database."""
        settings = self._settings.current()
        if settings is not self._known:
            self._known = settings
            self._at += 1
        if self._database.changed():
            self._load()
        return self._at

    def _load(self) -> None:
        if not self._database.exists():
            return
        query = "SELECT server, tool, decision, hash, by, at FROM permission WHERE tenant = ? AND subject = ?"
        result = self._database.connection().execute(query, (self._tenant, self._subject))
        rows = {(row["server"], row["tool"]): Row(row["decision"], row["hash"], row["by"], row["at"]) for row in result}
        if rows != self._rows:
            self._rows = rows
            self._at += 1

    def row(self, server: str, name: str) -> Row | None:
        """Return the decision about one tool, if there is one."""
        return self._rows.get((server, name))

    def hides(self, server: str, tool: Tool, *, foreign: bool = False) -> bool:
        """Tell whether a tool is neither listed nor found: it is denied, or nobody has looked at it."""
        return self._hides(self._settings.current(), server, tool, foreign)

    def _hides(self, settings: Settings, server: str, tool: Tool, foreign: bool) -> bool:
        row = self.row(server, tool["name"])
        decisions = {rule.decision for rule in matching(settings, server, tool["name"])}
        if row and row.decision != SEEN:
            decisions.add(row.decision)  # type: ignore[arg-type]
        return (
            (row is None and foreign) or "deny" in decisions or (not decisions and _default(settings, tool) == "deny")
        )

    def hides_server(self, server: str, *, foreign: bool = False) -> bool:
        """Tell whether a rule denies all tools of a server, or nobody has looked at it: nothing of it is offered."""
        if foreign and not any(known == server for known, _ in self._rows):
            return True
        rules = self._settings.current().permissions
        return any(r.decision == "deny" and r.tool == "*" and fnmatchcase(server, r.server) for r in rules)

    def seen(self, server: str, kind: str, items: Iterable[Tool], *, foreign: bool = False) -> list[dict[str, Any]]:
        """Return what clients see of a server's definitions of a kind."""
        if kind != "tools":
            return [] if self.hides_server(server, foreign=foreign) else [dict(item) for item in items]
        settings = self._settings.current()
        shown = [dict(item) for item in items if not self._hides(settings, server, item, foreign)]
        return [self._accepted(server, item) for item in shown] if foreign else shown

    def _accepted(self, server: str, tool: dict[str, Any]) -> dict[str, Any]:
        """Return a foreign tool's definition as it was accepted."""
        row = self.row(server, tool["name"])
        if row is None or row.hash == digest(tool):
            return tool
        return {key: value for key, value in tool.items() if key not in BOUND} | self._definition(row.hash)

    def verdict(self, server: str, tool: Tool, *, foreign: bool = False) -> Verdict:
        """Return what counts for a call of a tool now."""
        settings, name = self._settings.current(), tool["name"]
        row, rules = self.row(server, name), matching(settings, server, name)
        if row is None and foreign:
            return Verdict("deny", NOT_LOOKED_AT)
        decisions = {rule.decision: f"rule {rule.server}/{rule.tool}" for rule in reversed(rules)}
        if row and row.decision != SEEN:
            decisions.setdefault(row.decision, f"decision of {row.by}")  # type: ignore[arg-type]
        for decision in ("deny", "ask"):
            if decision in decisions:
                change = self._change(row, tool) if foreign else None
                return Verdict(decision, decisions[decision], change)
        kind, default = kind_of(tool), _default(settings, tool)
        if "allow" not in decisions and default == "deny":
            return Verdict("deny", f"default for tools that {kind}")
        if row and (foreign or "allow" in decisions) and (change := self._change(row, tool)):
            # What destroys is asked about each time: a yes to its change does not allow every later call
            once = "allow" in decisions or kind != "destroy"
            return Verdict("ask", "its definition has changed", change, once)
        if "allow" in decisions:
            return Verdict("allow", decisions["allow"])
        return Verdict(default, f"default for tools that {kind}", once=kind == "write")

    def _change(self, row: Row | None, tool: Tool) -> Change | None:
        if row is None or row.hash == digest(tool):
            return None
        return Change(self._definition(row.hash), {key: tool[key] for key in BOUND if key in tool})

    def _definition(self, digest: str) -> dict[str, Any]:
        query = "SELECT document FROM definition WHERE hash = ?"
        row = self._database.connection().execute(query, (digest,)).fetchone()
        return dict(json.loads(row["document"])) if row else {}

    def decide(self, server: str, tool: Tool, decision: str, by: str) -> None:
        """Write a decision about one tool, bound to its definition: allow, ask, deny, or seen for none."""
        self._write([(server, tool, decision)], by)

    def remember(self, server: str, tool: Tool, by: str) -> None:
        """Write a yes that counts until the definition changes: what writes is allowed, of the rest it is accepted."""
        if kind_of(tool) == "write":
            self.decide(server, tool, "allow", by)
        else:
            self.accept(server, [tool], by)

    def accept(self, server: str, tools: Iterable[Tool], by: str) -> None:
        """Note that a person has looked at these definitions; decisions about them stay, bound to them as they are."""
        rows = ((tool, self.row(server, tool["name"])) for tool in tools)
        self._write([(server, tool, row.decision if row else SEEN) for tool, row in rows], by)

    def forget(self, server: str) -> None:
        """Forget everything about a server that was removed."""
        forget(self._database, server)
        self._load()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def pin(self, offered: Iterable[tuple[str, Tool]]) -> None:
        """Bind the rules that allow to the definitions of the tools they match, where they are not bound yet.

        Not those of own servers: a rule is not a look at their tools.
        """
        settings = self._settings.current()
        self._write(
            [
                (server, tool, SEEN)
                for server, tool in offered
                if server not in settings.servers
                and self.row(server, tool["name"]) is None
                and any(rule.decision == "allow" for rule in matching(settings, server, tool["name"]))
            ],
            "rule",
        )

    def unmatched(self, offered: Iterable[tuple[str, str]]) -> list[Rule]:
        """Return the rules that match none of the tools: server and name."""
        tools = list(offered)
        return [
            rule
            for rule in self._settings.current().permissions
            if not any(fnmatchcase(server, rule.server) and fnmatchcase(name, rule.tool) for server, name in tools)
        ]

    def add_rule(self, rule: Rule, offered: Iterable[tuple[str, Tool]]) -> None:
        """Write a rule into the settings file. Raises SettingsError for one that matches none of the tools."""
        tools = [(server, tool) for server, tool in offered
                 if fnmatchcase(server, rule.server) and fnmatchcase(tool["name"], rule.tool)]  # fmt: skip
        if not tools:
            raise SettingsError(
                f"The rule {rule.server}/{rule.tool} matches no tool. Look up the tools' names, and correct it."
            )

        def change(document: dict[str, Any]) -> None:
            rules = document.setdefault("permissions", [])
            if asdict(rule) not in rules:
                rules.append(asdict(rule))

        self._settings.update(change)
        if rule.decision == "allow":
            self.pin(tools)

    def remove_rule(self, rule: Rule) -> None:
        """Take a rule out of the settings file. Raises SettingsError where it is not there."""

        def change(document: dict[str, Any]) -> None:
            rules = [item for item in document.get("permissions") or [] if Rule(**item) != rule]
            if len(rules) == len(document.get("permissions") or []):
                raise SettingsError(f"There is no rule {rule.server}/{rule.tool}: {rule.decision}.")
            document["permissions"] = rules

        self._settings.update(change)

    def _write(self, decisions: list[tuple[str, Tool, str]], by: str) -> None:
        if not decisions:
            return
        now = time.time()
        with self._database.transaction() as db:
            for server, tool, decision in decisions:
                document = json.dumps({key: tool[key] for key in BOUND if key in tool}, ensure_ascii=False)
                db.execute("INSERT OR IGNORE INTO definition VALUES (?, ?, ?)", (digest(tool), document, now))
                db.execute(
                    "INSERT OR REPLACE INTO permission (tenant, subject, server, tool, decision, hash, by, at)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (self._tenant, self._subject, server, tool["name"], decision, digest(tool), by, now),
                )
        self._load()
