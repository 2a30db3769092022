"""What a model reads: descriptions, what they refer to, and how much of it there is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from flotilla_testing.checks import check
from flotilla_testing.subject import Subject

SHORTEST, LONGEST = 100, 500  # characters of a tool's description
FEWEST_WORDS = 3  # of an argument's description
OTHER_LANGUAGE = re.compile(
    r"\b(cherche|trouve|montre|fiche|historique|créer|crée|ajoute|envoie|rendez-vous|facture|devis|tâche|depuis|avec|"
    r"pour|dans|les|des|une|suche|zeige|erstelle|und|oder|der|das|buscar|crear|mostrar)\b",
    re.IGNORECASE,
)
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|«[^»]*»|`[^`]*`")
ID = re.compile(r"\bids?\b", re.IGNORECASE)
MOST_TOOLS, MOST_CORE, MOST_TOOL, MEDIAN, MOST_OUTPUT = 14, 14_000, 2_000, 900, 12_000


def handed_over(tool: Mapping[str, Any]) -> str:
    """Return what clients hand to a model of a tool: its name, description and input schema, as compact JSON."""
    shown = {name: tool[name] for name in ("name", "description", "inputSchema") if name in tool}
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))


def described(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path and the description of every argument, those inside of objects and lists too."""
    for name, inner in schema.get("properties", {}).items():
        argument_path = f"{path}{name}"
        yield argument_path, str(inner.get("description") or "")
        yield from described(inner, f"{argument_path}.")
        if isinstance(inner.get("items"), dict):
            yield from described(inner["items"], f"{argument_path}.")


@check("descriptions")
async def descriptions(case: Subject) -> list[str]:
    """Plain English sentences of the right length, for tools and for their arguments."""
    problems = []
    for tool in await case.tools():
        name, text = tool["name"], " ".join(str(tool.get("description") or "").split())
        if not SHORTEST <= len(text) <= LONGEST:
            problems.append(f"{name}: the description has {len(text)} characters, not {SHORTEST} to {LONGEST}.")
        if not text.endswith("."):
            problems.append(f"{name}: the description does not end as a sentence.")
        texts = [
            ("the description", text),
            *((f"argument {at}", about) for at, about in described(tool["inputSchema"])),
        ]
        for where, about in texts:
            if result := OTHER_LANGUAGE.search(QUOTED.sub("", about)):
                problems.append(f"{name}: {where} has a word of another language ({result[0]}): use `search=` for it.")
        for argument, about in described(tool["inputSchema"]):
            if len(re.findall(r"[\w'’.:/@-]+", about)) < FEWEST_WORDS:
                problems.append(
                    f"{name}: the description of {argument} has fewer than {FEWEST_WORDS} words: {about!r}."
                )
    return problems


@check("closed_loop")
async def closed_loop(case: Subject) -> list[str]:
    """What a tier's tools refer to is in that tier, and every id that they take comes from one of them."""
    problems, prefix = [], case.server.integration.prefix
    mention = re.compile(rf"\b{prefix}_[a-z0-9_]+\b")
    everything = {tool["name"] for tool in await case.tools()} | {prompt["name"] for prompt in await case.prompts()}
    for tier in ("core", "all"):
        tools = await case.tools(FLOTILLA_TIER=tier)
        visible = {tool["name"] for tool in tools} | {prompt["name"] for prompt in await case.prompts()}
        for tool in tools:
            name = tool["name"]
            arguments = list(described(tool["inputSchema"]))
            texts = [str(tool.get("description") or ""), *(about for _, about in arguments)]
            named = {word for text in texts for word in mention.findall(text)}
            for other in sorted(named - visible):
                where = "does not exist" if other not in everything else f"is not in the tier {tier}"
                problems.append(f"{name} names {other}, which {where}.")
            for argument, about in arguments:
                if ID.search(about) and not (named & visible - {name}):
                    problems.append(f"{name}: no tool of the tier {tier} is named that gives the id for {argument}.")
        if tier == "core":
            problems += [
                f"The instructions name {other}, which is not in the tier core."
                for other in sorted(set(mention.findall(case.server.integration.instructions)) - visible)
            ]
    return list(dict.fromkeys(problems))


@check("budget")
async def budget(case: Subject) -> list[str]:
    """What a model is given before its first call; output schemas are counted apart."""
    core, every = await case.tools(FLOTILLA_TIER="core"), await case.tools()
    sizes = {tool["name"]: len(handed_over(tool)) for tool in every}
    problems = [f"{n} has {size} characters, more than {MOST_TOOL:,}." for n, size in sizes.items() if size > MOST_TOOL]
    if len(core) > MOST_TOOLS:
        problems.append(f"There are {len(core)} core tools, more than {MOST_TOOLS}: register some with core=False.")
    if (total := sum(sizes[tool["name"]] for tool in core)) > MOST_CORE:
        problems.append(f"The core tools have {total} characters, more than {MOST_CORE:,}.")
    if (middle := median(sizes.values())) > MEDIAN:
        problems.append(f"The tools have {middle:g} characters (median), more than {MEDIAN}.")
    output = sum(len(json.dumps(tool.get("outputSchema") or {}, separators=(",", ":"))) for tool in core)
    if output > MOST_OUTPUT:
        problems.append(f"The core tools' output schemas have {output} characters, more than {MOST_OUTPUT:,}.")
    return problems
