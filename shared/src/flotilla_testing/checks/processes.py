"""What only a real process shows: its list, its streams, its end. One lives once for all rules.

What starts and ends it is the library's, tried in shared/tests; so three of them, which start and end in different
ways, are only run with --every-tool. What a server says without settings needs no process.
"""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass, field
from typing import Any

from flotilla.settings import is_guard
from flotilla_testing.checks import NothingToCheck, check
from flotilla_testing.client import call, client, hello, text_of
from flotilla_testing.faults import hang
from flotilla_testing.isolation import environment
from flotilla_testing.process import Process
from flotilla_testing.subject import Subject

LONGEST = 10.0  # seconds after which a process that should end is killed; the vendor hangs for longer


@dataclass
class ProcessRun:
    """What one process did from its start to its end."""

    name: str
    process: Process
    ending: str
    tools: list[dict[str, Any]] = field(default_factory=list)
    code: int = -1


async def process_runs(case: Subject) -> dict[str, ProcessRun]:
    """Run a process that is ready to work; with --every-tool others too: without settings, and with placeholders."""
    if "runs" not in case.shared:
        tools = await case.tools()
        case.shared["runs"] = {run.name: run for run in _run_all(case, tools)}
    runs: dict[str, ProcessRun] = case.shared["runs"]
    return runs


def _run_all(case: Subject, tools: list[dict[str, Any]]) -> list[ProcessRun]:
    names = [case.variable(name) for name in case.server.integration.settings_class.model_fields]
    every = {"FLOTILLA_TIER": "all"}
    bare = {"PYTHONHASHSEED": "1", "FLOTILLA_BAKED": "off", **every}
    placeholders = {"PYTHONHASHSEED": "2", **every, **dict.fromkeys(names, "<UNKNOWN>")}
    ready = {"PYTHONHASHSEED": "3", "FLOTILLA_BAKED": "off", "FLOTILLA_CONFIRM": "off", **every, **case.settings()}
    runs = [ProcessRun("ready", case.process(ready), "end of input in mid-call")]
    if case.every_tool:
        runs.append(ProcessRun("bare", case.process(bare), "end of input"))
        runs.append(ProcessRun("placeholders", case.process(placeholders), "SIGTERM"))
    greetings = [run.process.ask("initialize", **hello(run.process.revision)) for run in runs]
    for run, greeting in zip(runs, greetings, strict=True):
        run.process.answer(greeting)
        run.process.write({"jsonrpc": "2.0", "method": "notifications/initialized"})
        run.tools = run.process.tools()
    if case.vendor:
        case.vendor.recovers()
    for tool in tools:
        for run in runs:
            run.process.call(tool["name"], **case.example(tool))
    if case.vendor:
        case.vendor.fails(hang(4 * LONGEST))
    runs[0].process.ask("tools/call", name=tools[0]["name"], arguments=case.example(tools[0]))
    for run in runs:
        run.process.terminate() if run.ending == "SIGTERM" else run.process.hang_up()
    for run in runs:
        run.code = run.process.ended(LONGEST)
    if case.vendor:
        case.vendor.recovers()
    return runs


@check("stable_list")
async def stable_list(case: Subject) -> list[str]:
    """Byte for byte the same, whatever the environment and the seed: this process has none of the settings."""
    expected, problems = await case.tools(), []
    for run in (await process_runs(case)).values():
        problems += [f"The {run.name} process {label}." for label in _differences(run.tools, expected)]
    fields = case.server.integration.settings_class.model_fields
    for value in ("", "<UNKNOWN>", "{{x.token}}", "se://x/token", "your_token"):
        plain = value in ("", "<UNKNOWN>")  # anything else is unclear in a guard: see the check "filters"
        names = [case.variable(name) for name, field in fields.items() if plain or not is_guard(field)]
        listed = await case.tools(**dict.fromkeys(names, value))
        problems += [
            f"With settings that are {value!r}, the server {label}." for label in _differences(listed, expected)
        ]
    return problems


def _differences(listed: list[dict[str, Any]], expected: list[dict[str, Any]]) -> list[str]:
    if [tool["name"] for tool in listed] != [tool["name"] for tool in expected]:
        return [f"lists {', '.join(tool['name'] for tool in listed)}"]
    pairs = [
        (json.dumps(a, sort_keys=True), json.dumps(b, sort_keys=True)) for a, b in zip(listed, expected, strict=True)
    ]
    return [f"lists another definition: {a}, and not {b}" for a, b in pairs if a != b]


@check("missing_secret")
async def missing_secret(case: Subject) -> list[str]:
    """The message that gets a user going."""
    required = case.server.integration.settings_class.required()[0]
    if not required:
        raise NothingToCheck
    problems, tools = [], await case.tools()
    names = [case.variable(name) for name in case.server.integration.settings_class.model_fields]
    for settings, values in (("no", {}), ("placeholders for", dict.fromkeys(names, "<UNKNOWN>"))):
        with environment(case.server, FLOTILLA_TIER="all", **values):
            async with client(case.server) as connected:
                results = {tool["name"]: await call(connected, tool["name"], **case.example(tool)) for tool in tools}
        for name, result in results.items():
            text = text_of(result)
            if not result.is_error or not text.startswith("Error:"):
                problems.append(f"{name} with {settings} settings answers {text[:80]!r}, not what is missing.")
            elif not any(
                case.variable(n) in text and f"{case.slug}.{n}" in text and _about(case, n) in text for n in required
            ):
                problems.append(
                    f"{name} must name the variable, {case.slug}.{required[0]} and the source; it says: {text}"
                )
    return problems


def _about(case: Subject, name: str) -> str:
    return (case.server.integration.settings_class.model_fields[name].description or "?").rstrip(".")


@check("clean_stdout")
async def clean_stdout(case: Subject) -> list[str]:
    """Nothing but JSON-RPC, from the start of a process to its end."""
    runs = (await process_runs(case)).values()
    return [f"The {run.name} process wrote {line[:200]!r}." for run in runs for line in run.process.impure()]


@check("quick_exit")
async def quick_exit(case: Subject) -> list[str]:
    """Each in its own way, without waiting for the vendor."""
    problems = []
    for run in (await process_runs(case)).values():
        if run.code == -signal.SIGKILL:
            problems.append(f"The {run.name} process did not end after {run.ending}.")
        elif run.code != 0:
            problems.append(
                f"The {run.name} process ended with {run.code} after {run.ending}: {run.process.err[-300:]}"
            )
    return problems


@check("canary")
async def canary_of_processes(case: Subject) -> list[str]:
    """The secrets of a process that worked stand in nothing that it wrote."""
    if not case.canaries:
        raise NothingToCheck
    run = (await process_runs(case))["ready"]
    places = {"stdout": b"".join(run.process.out).decode(), "stderr": run.process.err}
    return [f"A secret stands on {place}." for place, text in places.items() if any(s in text for s in case.secrets())]
