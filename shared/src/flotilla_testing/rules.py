"""The quality scale: every rule once, for the acceptance suite, for quality.yaml and for the documentation.

`servers/<module>/quality.yaml` holds the exceptions only; a rule that is not named there is kept:

    oauth_refresh: {exempt: Personal access tokens do not expire.}
    real_server: {shown_by: tests/test_against_postgres.py}  # a rule that the suite cannot try: where it is tried
    few_arguments: {except: {acme_search: The vendor has eleven filters and no query language.}}
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Rule:
    """One rule. With `evidence`, a server names the test that shows it, since it takes more than the suite has."""

    id: str
    tier: str
    description: str
    evidence: bool = False


RULES = (
    Rule("names", "bronze", "Tool names are the prefix, a verb of the closed list and a noun, 45 characters at most."),
    Rule(
        "hints",
        "bronze",
        "Every tool sets its title and all four hints; destructive is all that is not purely additive.",
    ),
    Rule("arguments", "bronze", "Every argument is described; required ones have examples that are valid."),
    Rule("few_arguments", "bronze", "A tool takes at most 8 arguments, hidden ones apart."),
    Rule(
        "portable_schemas",
        "bronze",
        "Schemas have object roots and no $ref, anyOf, null, title, const or item-less array.",
    ),
    Rule(
        "stable_list", "bronze", "The tools are the same with no settings, with `<UNKNOWN>` ones and in any hash seed."
    ),
    Rule(
        "missing_secret", "bronze", "Without its settings a call names the variable, the catalog's name and the source."
    ),
    Rule("clean_stdout", "bronze", "Standard output carries JSON-RPC and nothing else."),
    Rule(
        "quick_exit", "bronze", "The process ends by itself after the end of input and after SIGTERM, in mid-call too."
    ),
    Rule("plain_source", "bronze", "No module has try, os, logging or json.dumps: the library does that."),
    Rule(
        "descriptions",
        "bronze",
        "Tools are described in 100 to 500 characters of plain English sentences, arguments in three words or more.",
    ),
    Rule(
        "closed_loop", "bronze", "Tools that a tool names are in its tier, and every id that it takes comes from there."
    ),
    Rule("unit_tests", "bronze", "The server's own tests call every tool."),
    Rule(
        "results",
        "bronze",
        "Results fit their schema, equal their text, hold no null, no hidden character and no time without an offset.",
    ),
    Rule("odd_items", "silver", "One broken item in a vendor's list fails no tool."),
    Rule("connection", "silver", "Two accounts in one process share no secret, address, record or file."),
    Rule("paging", "silver", "Every list takes limit and cursor, caps the limit and comes to an end."),
    Rule("error_classes", "silver", "Each way a vendor can fail gives the right class, a reason and a next step."),
    Rule(
        "retries", "silver", "Reads are repeated, three times at most and as asked; a POST that may have arrived never."
    ),
    Rule("canary", "silver", "A secret is never in an answer, on stdout, on stderr or in the audit, whatever fails."),
    Rule("audit", "silver", "Every call writes one JSON line with who, what, how it ended and how long it took."),
    Rule(
        "generated_arguments",
        "silver",
        "Generated arguments, valid or broken, give a result or an error as a sentence.",
    ),
    Rule("hosts", "silver", "Only the declared hosts are contacted, after redirects too."),
    Rule("read_only", "silver", "Read-only mode hides and refuses every tool that changes something."),
    Rule("filters", "silver", "Allow, deny, group and tier settings hold for the list and for calls."),
    Rule("contract", "silver", "The requests fit the vendor's published contract, unknown fields included."),
    Rule("both_eras", "gold", "Every protocol revision from 2024-11-05 to 2026-07-28 lists the tools and calls one."),
    Rule("dry_run", "gold", "A dry run of every write shows the exact request, and sends nothing."),
    Rule(
        "confirm",
        "gold",
        "What destroys or replaces runs only after a yes, in both eras and with a client that cannot ask.",
    ),
    Rule("idempotency", "gold", "What creates takes an idempotency key: same key, done once."),
    Rule(
        "budget",
        "gold",
        "14 core tools and 14,000 characters at most; a tool 900 (median) and 2,000 (most); output schemas apart.",
    ),
    Rule("oauth_refresh", "gold", "OAuth tokens are renewed in time, tested with a fake clock.", evidence=True),
    Rule(
        "real_server", "gold", "Tested against a real server of the vendor, where one can be installed.", evidence=True
    ),
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


READING = _words("check count download get list preview query read search verify")
DESTROYING = _words("archive cancel clear delete refund trash void")
WRITING = _words(
    "activate add append approve assign associate book close complete convert copy create deactivate edit enroll "
    "export forward import insert log mark merge modify move pause publish record remove rename reopen replace reply "
    "reschedule resolve respond restore resume retry run schedule send set share sort start stop submit trigger "
    "unshare update upload validate write"
)
CHANGING = DESTROYING | _words(
    "close complete convert deactivate edit mark merge modify move pause remove rename replace reschedule resolve "
    "respond set sort stop unshare update write"
)  # changes or removes part of what is there, so that it is not purely additive
VERBS = READING | DESTROYING | WRITING


@dataclass(frozen=True)
class Claim:
    """What a server says about one rule: that it keeps it, or why not."""

    state: str = "done"  # or exempt
    reason: str = ""  # of an exemption; of a rule with evidence, the test that shows it
    excepted: dict[str, str] = field(default_factory=dict)  # tool: why the rule does not hold for it


def read_quality(path: Path, rules: Sequence[Rule] = RULES) -> dict[str, Claim]:
    """Return the claims by rule: of every rule, with those of a quality.yaml in their place.

    Raises ValueError with a sentence where the file cannot be understood.
    """
    content = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if not isinstance(content or {}, dict):
        raise ValueError(f"{path.parent.name}/quality.yaml must hold a line for each exception, by rule.")
    exceptions = {str(rule): _claim(str(rule), value) for rule, value in (content or {}).items()}
    return {**{rule.id: Claim() for rule in rules}, **exceptions}


def _claim(rule: str, value: Any) -> Claim:
    if value == "done":
        raise ValueError(f"quality.yaml: {rule} is done, so leave the line out: only exceptions are written down.")
    if isinstance(value, dict) and len(value) == 1:
        ((key, content),) = value.items()
        if key == "exempt":
            return Claim("exempt", str(content or ""))
        if key == "shown_by":
            return Claim(reason=str(content or ""))
        if key == "except" and isinstance(content, dict):
            return Claim(excepted={str(tool): str(reason) for tool, reason in content.items()})
    raise ValueError(
        f"quality.yaml: {rule} must be {{exempt: reason}}, {{except: {{tool: reason}}}} or "
        "{shown_by: tests/test_….py}."
    )


def quality_problems(claims: dict[str, Claim], folder: Path, rules: Sequence[Rule] = RULES) -> list[str]:
    """Return what is wrong with the claims of the server in a folder, as sentences."""
    known = {rule.id: rule for rule in rules}
    problems = [f"quality.yaml: there is no rule {name}." for name in claims if name not in known]
    for name, claim in claims.items():
        if claim.state == "exempt" and len(claim.reason.split()) < 3:
            problems.append(f"quality.yaml: the exemption from {name} needs a reason that a reader understands.")
        if any(len(reason.split()) < 3 for reason in claim.excepted.values()):
            problems.append(f"quality.yaml: each exception from {name} needs a reason that a reader understands.")
        shown = claim.reason and (folder / claim.reason).is_file()
        if claim.state == "done" and name in known and known[name].evidence and not shown:
            problems.append(f"quality.yaml: {name} needs the test that shows it, as {{shown_by: tests/test_….py}}.")
    return problems


def table() -> str:
    """Return the scale as a Markdown table."""
    rows = [f"| {rule.tier} | `{rule.id}` | {rule.description} |" for rule in RULES]
    return "\n".join(["| tier | rule | meaning |", "|---|---|---|", *rows])
