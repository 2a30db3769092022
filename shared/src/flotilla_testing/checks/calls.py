"""Calls that should work, and generated ones that mostly should not: results, lists, audit, eras, filters."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator
from mcp.shared.exceptions import MCPError

from flotilla.settings import guards
from flotilla.text import cleaned, escaped
from flotilla_launcher.filters import SETTINGS
from flotilla_testing.arguments import broken_sets, valid_sets
from flotilla_testing.checks import NothingToCheck, check
from flotilla_testing.checks.surface import verb
from flotilla_testing.client import MODES, REVISIONS, raw, text_of
from flotilla_testing.responses import RecordedResponses, Request, Response
from flotilla_testing.subject import WITHOUT_CONFIRMATION, Session, Subject

KINDS = ("setup", "auth", "scope", "input", "not_found", "rate", "upstream")
AUDITED = ("trace_id", "user_id", "mcp_server", "tool_name", "arguments", "outcome", "mcp_response", "latency_ms")
NAIVE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?")  # a time whose offset is missing
SETS, MORE_SETS = 8, 100  # generated argument sets a tool of each kind, valid and broken; with --every-tool


def error_problem(text: str) -> str:
    """Return what is wrong with the words of an error: what happened and what to do next, and nothing else."""
    if not text.startswith("Error: "):
        return "does not begin with Error:"
    if len(re.findall(r"[.?!](?=\s|$)", text)) < 2:
        return "is not a sentence about what is wrong and one about what to do next"
    if "Traceback" in text or "inside Flotilla" in text or "pydantic" in text:
        return "shows a bug of ours"
    return "" if len(text) <= 1000 else "is longer than 1,000 characters"


@check("results")
async def results(case: Subject) -> list[str]:
    """Every tool with its own examples, in the older era one, or all with --every-tool: the form is the library's."""
    problems, tools = [], await case.tools()
    for mode, tried in zip(MODES, (tools if case.every_tool or case.examples else tools[:1], tools), strict=True):
        for tool in tried:
            async with case.session(WITHOUT_CONFIRMATION, mode=mode) as session:
                result = await session.call(tool["name"], **case.example(tool))
                text, data = text_of(result), result.structured_content
                if result.is_error:
                    problems.append(f"{tool['name']} with its examples answers: {text}")
                    continue
                if data is None or text != json.dumps(data, ensure_ascii=False, separators=(",", ":")):
                    problems.append(f"{tool['name']}: the text is not the compact JSON of the structured content.")
                wrong = Draft202012Validator(tool["outputSchema"]).iter_errors(data)
                problems += [f"{tool['name']}: the result does not fit its schema: {w.message}." for w in wrong]
                problems += [f"{tool['name']}: {where} {label}." for where, label in _odd(data, "result")]
    return problems


HIDING = "\u200b\u202e\U000e0041"
WORDS = r"\S*"
UNTOUCHED = ("", WORDS, r"\S*[\d:/@]\S*")  # nothing; single words; what looks like an id, a date, an address


class _Tainted(RecordedResponses):
    """The recorded answers, with hidden characters in every text but those that match `untouched`."""

    def __init__(self, real: RecordedResponses, untouched: str) -> None:
        self.real, self.untouched = real, re.compile(untouched)

    def seen(self, request: Request) -> Request:
        return self.real.seen(request)

    def to(self, request: Request) -> Response:
        answer = self.real.to(request)
        if "json" not in answer.headers.get("content-type", "") or not answer.body:
            return answer
        return Response.of(self._tainted(json.loads(answer.body)), answer.status, answer.headers)

    def _tainted(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._tainted(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._tainted(inner) for inner in value]
        if not isinstance(value, str) or self.untouched.fullmatch(value):
            return value
        return value[:1] + HIDING + value[1:]


@check("results")
async def hidden(case: Subject) -> list[str]:
    """Whatever a vendor hides in any string of its answers, none of it comes out, neither in results nor in errors."""
    if not case.answers:
        raise NothingToCheck
    problems = []
    for tool in await case.tools():
        for untouched in UNTOUCHED:
            async with case.session(WITHOUT_CONFIRMATION, recorded=True) as session:
                assert session.recorder
                session.recorder.answers = _Tainted(case.answers, untouched)
                result = await session.call(tool["name"], **case.example(tool))
                if cleaned(text_of(result))[1]:
                    problems.append(f"{tool['name']} lets hidden characters out: {escaped(text_of(result))[:300]}")
            if untouched == WORDS and not result.is_error and not case.every_tool:
                break  # what comes after it leaves less untouched, and shows where a word was needed
    return problems


def _odd(value: Any, where: str) -> Iterator[tuple[str, str]]:
    if value is None:
        yield where, "is null"
    elif isinstance(value, str) and NAIVE.fullmatch(value):
        yield where, "is a time without an offset"
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _odd(inner, f"{where}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _odd(inner, f"{where}[]")


@check("paging")
async def paging(case: Subject) -> list[str]:
    """`limit` and `cursor` in, `{items, next_cursor}` out, an upper limit, and an end."""
    lists = [tool for tool in await case.tools() if verb(case, tool["name"]) in ("list", "search")]
    if not lists:
        raise NothingToCheck
    problems = []
    for tool in lists:
        name, inputs = tool["name"], tool["inputSchema"]["properties"]
        outputs = (tool.get("outputSchema") or {}).get("properties", {})
        if "limit" not in inputs or "cursor" not in inputs or "items" not in outputs or "next_cursor" not in outputs:
            problems.append(f"{name} must take limit and cursor, and return items and next_cursor.")
            continue
        most = inputs["limit"].get("maximum")
        if not most or not inputs["limit"].get("minimum") or inputs["limit"].get("default", most + 1) > most:
            problems.append(f"{name}: limit needs a minimum, a maximum and a default below it.")
            continue
        async with case.session() as session:
            problems += await _pages(session, name, case.example(tool), most)
    return problems


async def _pages(session: Session, name: str, arguments: dict[str, Any], most: int) -> list[str]:
    refused = await session.call(name, **arguments, limit=most + 1)
    if not refused.is_error or session.outcome != "input":
        return [f"{name} takes a limit of {most + 1}, more than its maximum."]
    cursor, seen, rows = "", set[str](), list[str]()
    for _ in range(50):
        result = await session.call(name, **arguments, limit=1, **({"cursor": cursor} if cursor else {}))
        if result.is_error:
            return [f"{name} fails on a page: {text_of(result)}"]
        page = result.structured_content or {}
        rows += [json.dumps(item, sort_keys=True) for item in page["items"]]
        cursor = page.get("next_cursor", "")
        if not cursor:
            if not seen:
                return [f"{name} never gave a next_cursor: its answers need two pages at least."]
            doubled = len(rows) - len(set(rows))
            return [f"{name} gives {doubled} items on two pages."] if doubled else []
        if cursor in seen:
            return [f"{name} gives the same next_cursor twice: its list never ends."]
        seen.add(cursor)
    return [f"{name} has no last page after 50 of them."]


@check("audit")
async def audit(case: Subject) -> list[str]:
    """One line a call, whole and in time."""
    problems, tools, others = [], await case.tools(), await case.prompts_and_resources()
    async with case.session({**WITHOUT_CONFIRMATION, "FLOTILLA_USER": "marie"}) as session:
        for number, tool in enumerate(tools, 1):
            await session.call(tool["name"], **case.example(tool))
            lines = [line for line in session.lines if line.get("event") == "call"]
            if len(lines) != number:
                return [f"{tool['name']} wrote {len(lines) - number + 1} audit lines."]
            problems += [f"{tool['name']}: the audit line lacks {k}." for k in AUDITED if k not in lines[-1]]
            recorded = (lines[-1].get("mcp_server"), lines[-1].get("tool_name"), lines[-1].get("user_id"))
            if recorded != (case.slug, tool["name"], "marie") or not isinstance(
                lines[-1].get("latency_ms"), int | float
            ):
                problems.append(f"{tool['name']}: the audit line says {recorded}.")
            if not re.fullmatch("[0-9a-f]{32}", str(lines[-1].get("trace_id"))):
                problems.append(f"{tool['name']}: the trace_id is {lines[-1].get('trace_id')!r}.")
        for name, run in others:
            before = len(session.lines)
            await run(session)
            lines = [line for line in session.lines[before:] if line.get("event") == "call"]
            if len(lines) != 1 or name not in (lines[0].get("prompt_name"), lines[0].get("resource_uri")):
                return [*problems, f"{name} wrote {len(lines)} audit lines that name it."]
            problems += [
                f"{name}: the audit line lacks {k}." for k in AUDITED if k not in lines[0] and k != "tool_name"
            ]
    return problems


@check("generated_arguments")
async def generated_arguments(case: Subject) -> list[str]:
    """Half of the sets fit the schema, half are broken; confirmation is off, so that destroying tools run too."""
    problems: dict[tuple[str, str], str] = {}
    count = MORE_SETS if case.every_tool else SETS
    for tool in await case.tools():
        known = case.known(tool)
        async with case.session(WITHOUT_CONFIRMATION, recorded=True) as session:
            sets = [*valid_sets(tool, count, known=known), *broken_sets(tool, count, known=known)]
            for arguments in sets:
                try:
                    result = await session.call(tool["name"], **arguments)
                except Exception as raised:  # whatever it is, a caller would not have got an answer
                    label = f"raises {type(raised).__name__}: {raised}"
                else:
                    label = error_problem(text_of(result)) if result.is_error else ""
                    label = f"{label}: {text_of(result)[:200]}" if label else ""
                if label:
                    shown = json.dumps(arguments, ensure_ascii=False, default=str)[:300]
                    problems.setdefault((tool["name"], label[:60]), f"{tool['name']} with {shown} {label}")
            contacted = {urlsplit(request.url).netloc for request in session.requests}
            foreign = {host for host in contacted if not any(fnmatchcase(host, one) for one in _hosts(case))}
            if foreign:
                problems[tool["name"], "host"] = f"{tool['name']} sends requests to {', '.join(foreign)}."
            for line in session.lines:
                if line.get("event") == "call" and line["outcome"] not in (
                    *KINDS,
                    "ok",
                    "repeated",
                    "dry_run",
                    "preview",
                ):
                    problems[tool["name"], "outcome"] = f"{tool['name']} ended as {line['outcome']}."
    return list(problems.values()) + await _generated_for_prompts(case)


async def _generated_for_prompts(case: Subject) -> list[str]:
    """Try prompts without arguments, with one too many, and with texts that mean nothing."""
    problems, prompts = [], await case.prompts()
    async with case.session(WITHOUT_CONFIRMATION, recorded=True) as session:
        for prompt in prompts:
            names = [argument["name"] for argument in prompt.get("arguments") or []]
            tried = [
                {},
                {"nothing": "x"},
                *({**dict.fromkeys(names, text)} for text in ("", "x", "[]", "9" * 400, "\0")),
            ]
            for arguments in tried:
                text, failed = await session.render(prompt["name"], **arguments)
                if failed and (label := error_problem(text)):
                    problems.append(f"{prompt['name']} with {arguments} {label}: {text[:200]}")
    return problems


def _hosts(case: Subject) -> set[str]:
    """Return the declared hosts as they stand in a URL, with and without the port, and those of required addresses."""
    declared = case.server.integration.hosts
    fields, values = case.server.integration.settings_class.model_fields, case.settings(recorded=True)
    own = (values.get(case.variable(name), "") for name, about in fields.items() if about.is_required())
    return {*declared, *(host.removesuffix(":443") for host in declared), *(urlsplit(v).netloc for v in own)} - {""}


@check("both_eras")
async def both_eras(case: Subject) -> list[str]:
    """The same list and the same answer in every revision, in raw JSON-RPC."""
    problems = []
    tools = await case.tools()
    tool = next((t for t in tools if case.kind_of(t) == "reads"), tools[0])
    for revision in REVISIONS:
        async with case.session(WITHOUT_CONFIRMATION), raw(case.server, revision) as session:
            if session.agreed != revision:
                problems.append(f"{revision} is not spoken: the server answers with {session.agreed!r}.")
            listed = (await session.request("tools/list")).get("result", {}).get("tools", [])
            if [t["name"] for t in listed] != [t["name"] for t in tools]:
                problems.append(f"{revision} lists other tools.")
            answer = await session.request("tools/call", name=tool["name"], arguments=case.example(tool))
            result = answer.get("result", {})
            if result.get("isError", not result) or not result.get("content"):
                problems.append(f"{tool['name']} in {revision}: {answer}")
    return problems


@check("read_only")
async def read_only(case: Subject) -> list[str]:
    """Hidden from the list, refused when called, nothing done."""
    tools = await case.tools()
    changing = [tool for tool in tools if case.kind_of(tool) != "reads"]
    if not changing:
        raise NothingToCheck
    shown = {tool["name"] for tool in await case.tools(FLOTILLA_READ_ONLY="1")}
    problems = [f"{tool['name']} is listed in read-only mode." for tool in changing if tool["name"] in shown]
    problems += [
        f"{t['name']} only reads, and is hidden." for t in tools if t not in changing and t["name"] not in shown
    ]
    async with case.session({**WITHOUT_CONFIRMATION, "FLOTILLA_READ_ONLY": "1"}) as session:
        before = session.effects()
        for tool in changing:
            result = await session.call(tool["name"], **case.example(tool))
            if not result.is_error or not text_of(result).startswith("Error: ") or session.effects() != before:
                problems.append(f"{tool['name']} runs in read-only mode: {text_of(result)[:100]}")
    return problems


@check("filters")
async def filters(case: Subject) -> list[str]:
    """Each setting, at the list and at a call."""
    attributes, problems = case.server.attributes, []
    every = [tool["name"] for tool in await case.tools()]
    core = [name for name in every if attributes[name]["tier"] == "core"]
    groups = {attributes[name]["group"] for name in every} - {""}
    wanted: list[tuple[dict[str, str], list[str]]] = [
        ({"FLOTILLA_TIER": "core"}, core),
        ({"FLOTILLA_DENY": every[0]}, every[1:]),
        ({"FLOTILLA_ALLOW": every[-1]}, every[-1:]),
        ({"FLOTILLA_ALLOW": every[-1], "FLOTILLA_DENY": every[-1]}, []),
    ]
    wanted += [({"FLOTILLA_GROUPS": g}, [n for n in every if attributes[n]["group"] == g]) for g in groups]
    for environ, names in wanted:
        listed = [tool["name"] for tool in await case.tools(**environ)]
        if listed != names:
            problems.append(f"{environ} lists {listed}, not {names}.")
        hidden = next((name for name in every if name not in names), None)
        if hidden:
            async with case.session(environ) as session:
                result = await session.call(hidden)
                if not result.is_error or session.outcome != "not_found":
                    problems.append(f"{hidden} can be called with {environ}.")
    own = guards(case.server.integration.settings_class, case.slug, case.server.integration.files)
    unclear = [(name, "se://docker/mcp/x") for name in (*SETTINGS, "FLOTILLA_CONFIRM", "FLOTILLA_DRY_RUN", *own)]
    unclear += [(name, "no_such_name") for name in SETTINGS] + [("FLOTILLA_CONFIRM", "perhaps")]
    for name, value in unclear:
        try:
            problems.append(
                f"With {name}={value} it lists {[tool['name'] for tool in await case.tools(**{name: value})]}."
            )
        except MCPError as refused:
            if not str(refused).startswith(f"Error: {name} "):
                problems.append(f"The list with {name}={value} does not name it: {refused}")
        async with case.session({**WITHOUT_CONFIRMATION, name: value}) as session:
            before = session.effects()
            text = text_of(await session.call(every[0]))
            if not text.startswith(f"Error: {name} ") or session.effects() != before:
                problems.append(f"{every[0]} with {name}={value} answers {text[:100]!r}.")
    return problems
