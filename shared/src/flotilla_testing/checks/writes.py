"""What changes something: rehearsed, confirmed, and done once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from unittest.mock import patch

from flotilla.tool import RESERVED_ARGUMENTS
from flotilla_testing import dry_runs as rehearsal
from flotilla_testing import faults
from flotilla_testing.arguments import examples_of, valid_sets
from flotilla_testing.checks import NothingToCheck, check
from flotilla_testing.checks.surface import verb
from flotilla_testing.checks.vendors import DOUBT
from flotilla_testing.client import MODES, text_of
from flotilla_testing.subject import WITHOUT_CONFIRMATION, Session, Subject

SETS, MORE_SETS = 3, 10  # generated argument sets, beside the examples, with which a dry run is compared; --every-tool
CREATING = ("add", "append", "book", "create", "import", "log", "record", "reply", "schedule", "send", "upload")


async def _of(case: Subject, *effects: str) -> list[dict[str, Any]]:
    matches = [tool for tool in await case.tools() if case.kind_of(tool) in effects]
    if not matches:
        raise NothingToCheck
    return matches


# -- dry run ----------------------------------------------------------------------------------------------------------


@check("dry_run")
async def dry_run(case: Subject) -> list[str]:
    """By argument and by setting: nothing is sent, and what is shown is what is then sent."""
    problems, count = [], MORE_SETS if case.every_tool else SETS
    tried: set[bool] = set()  # whether a tool takes a key: the setting and the argument as a text are the library's
    for tool in await _of(case, "writes", "destroys"):
        name, arguments = tool["name"], case.example(tool)
        key = {"idempotency_key": "rehearsal"} if "idempotency_key" in tool["inputSchema"]["properties"] else {}
        variants: tuple[tuple[dict[str, str], dict[str, Any]], ...] = (
            ({}, {"dry_run": True}),
            ({}, {"dry_run": "true", **key}),
            ({"FLOTILLA_DRY_RUN": "on"}, key),
        )
        thorough = case.every_tool or name in case.examples or bool(key) not in tried
        tried.add(bool(key))
        for environ, more in variants if thorough else variants[:1]:
            async with case.session(environ) as session:
                before = session.effects()
                result = await session.call(name, **{**arguments, **more})
                shown = (result.structured_content or {}).get("dry_run") or {}
                if result.is_error or session.outcome != "dry_run" or not ("action" in shown or "url" in shown):
                    problems.append(f"{name} does not show what it would do with {environ or more}: {text_of(result)}")
                if session.effects() != before:
                    problems.append(f"{name} does something in a dry run with {environ or more}.")
        async with case.session(WITHOUT_CONFIRMATION, recorded=True) as session:
            sets = [*examples_of(tool, case.known(tool)), *valid_sets(tool, count, known=case.known(tool))]
            for number, known in enumerate(sets):  # each with a key of its own, where the tool takes one
                fresh = {"idempotency_key": f"rehearsal-{number}"} if key else {}
                if matches := await _compared(session, name, {**known, **fresh}):
                    problems += matches
                    break  # the other sets would say the same
    return problems


async def _compared(session: Session, name: str, arguments: Mapping[str, Any]) -> list[str]:
    """Compare a dry run with the same call in earnest. Calls that fail are compared as far as they came."""
    before = session.effects()
    rehearsed = await session.call(name, **arguments, dry_run=True)
    if session.effects() != before:
        return [f"{name} does something in a dry run with {arguments}."]
    shown = (rehearsed.structured_content or {}).get("dry_run") or {}
    begun = len(session.requests)
    result = await session.call(name, **arguments)
    sent = session.requests[begun:]
    writes = [request for request in sent if request.writes]
    if rehearsed.is_error or (result.is_error and not writes):
        if rehearsed.is_error == result.is_error:
            return []
        return [f"{name} with {arguments} answers {text_of(result)}, in a dry run {text_of(rehearsed)}"]
    if not shown:  # it found that there is nothing to do
        return [f"{name} shows nothing, and sends {writes[0].method} {writes[0].url}."] if writes else []
    meant = {n: value for n, value in arguments.items() if n not in RESERVED_ARGUMENTS}
    problems = rehearsal.problems(shown, meant, sent, session.case.server, broke_off=bool(result.is_error))
    return [f"{name} {problem}" for problem in problems]


# -- confirmation -----------------------------------------------------------------------------------------------------


@check("confirm")
async def confirm(case: Subject) -> list[str]:
    """Every answer a person can give, in both eras; then a client that cannot ask."""
    problems = []
    asking = [tool for tool in await case.tools() if case.kind_of(tool) == "destroys" or await case.replaces(tool)]
    if not asking:
        raise NothingToCheck
    for tool in asking:
        name, arguments = tool["name"], case.lossy(tool)
        for mode in MODES:
            for answer in ("accept", "unticked", "decline", "cancel"):
                async with case.session(mode=mode, answer=answer) as session:
                    before = session.effects()
                    result = await session.call(name, **arguments)
                    done, agreed = session.effects() != before, answer == "accept"
                    if len(session.asked) != 1:
                        problems.append(f"{name} in {mode}: asks {len(session.asked)} times.")
                    if done != agreed or bool(result.is_error) == agreed:
                        problems.append(f"{name} in {mode}: after {answer} it answers {text_of(result)}")
                    if not agreed and session.outcome != "input":
                        problems.append(f"{name} in {mode}: {answer} is called {session.outcome}, not input.")
            async with case.session(mode=mode) as session:
                problems += await _deaf(session, case, tool, mode)
        async with case.session(WITHOUT_CONFIRMATION) as session:
            before = session.effects()
            result = await session.call(name, **arguments)
            if result.is_error or session.effects() == before:
                problems.append(f"{name} does not run with FLOTILLA_CONFIRM=off: {text_of(result)}")
    return problems


async def _deaf(session: Session, case: Subject, tool: Mapping[str, Any], mode: str) -> list[str]:
    """A client that cannot be asked gets a preview and a token; only that token, for these arguments, in time, once."""
    name, arguments, before, problems = tool["name"], case.lossy(tool), session.effects(), []

    async def token_for(known: Mapping[str, Any]) -> str:
        result = await session.call(name, **known)
        preview = (result.structured_content or {}).get("preview") or {}
        if result.is_error or not preview.get("confirm_token") or not preview.get("question"):
            problems.append(f"{name} in {mode}: a client that cannot ask gets no preview and token: {text_of(result)}")
        return str(preview.get("confirm_token", ""))

    token = await token_for(arguments)
    others: dict[str, Any] = next((o for o in valid_sets(tool, 50, known=case.known(tool)) if o != arguments), {})
    with patch("flotilla.calls.confirmation.TOKEN_SECONDS", -1):
        expired = await token_for(arguments)
    forged = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")
    wrong = {
        "a made-up token": {**arguments, "confirm_token": "yes"},
        "a forged token": {**arguments, "confirm_token": forged},
        "an expired token": {**arguments, "confirm_token": expired},
        "the token of other arguments": {**others, "confirm_token": token},
    }
    if case.kind_of(tool) == "writes":  # with other arguments nothing may be lost, and nobody asked
        del wrong["the token of other arguments"]
    for label, known in wrong.items():
        result = await session.call(name, **known)
        if not result.is_error or session.outcome != "input" or session.effects() != before:
            problems.append(f"{name} in {mode}: {label} is not refused: {text_of(result)}")
    if session.effects() != before:
        problems.append(f"{name} in {mode}: something was done before any yes.")
    result = await session.call(name, **arguments, confirm_token=token)
    if result.is_error or session.effects() == before:
        problems.append(f"{name} in {mode}: the right token does not run it: {text_of(result)}")
    before = session.effects()
    result = await session.call(name, **arguments, confirm_token=token)
    asked_anew = "preview" in (result.structured_content or {})  # about what stands there now
    if not (result.is_error or asked_anew) or session.effects() != before:
        problems.append(f"{name} in {mode}: a token that was used runs it again: {text_of(result)}")
    return problems


# -- idempotency ------------------------------------------------------------------------------------------------------


@check("idempotency")
async def idempotency(case: Subject) -> list[str]:
    """Tools that create have a key; the same call with the same key is done once, also at the same time."""
    problems = []
    tools = [tool for tool in await case.tools() if case.kind_of(tool) != "reads"]
    keyed_requests = [tool for tool in tools if "idempotency_key" in tool["inputSchema"]["properties"]]
    for tool in tools:
        if verb(case, tool["name"]) in CREATING and tool not in keyed_requests:
            problems.append(f"{tool['name']} creates something: register it with creates=True.")
    if not keyed_requests and not problems:
        raise NothingToCheck
    for tool in keyed_requests:
        async with case.session(WITHOUT_CONFIRMATION) as session:
            problems += await _once(session, case, tool)
        async with case.session(WITHOUT_CONFIRMATION) as session:
            arguments = case.example(tool, idempotency_key="twins")
            both = await asyncio.gather(*(session.call(tool["name"], **arguments) for _ in range(2)))
            if len({text_of(result) for result in both}) != 1 or both[0].is_error or len(session.writes) > 1:
                problems.append(f"{tool['name']}: two calls at once with one key are done twice.")
        if case.vendor:
            problems += await _after_a_cut(case, tool)
    return problems


async def _once(session: Session, case: Subject, tool: Mapping[str, Any]) -> list[str]:
    name, arguments = tool["name"], case.example(tool, idempotency_key="order-42")
    first, problems = await session.call(name, **arguments), []
    before = session.effects()
    again = await session.call(name, **arguments)
    if (
        first.is_error
        or text_of(again) != text_of(first)
        or session.effects() != before
        or session.outcome != "repeated"
    ):
        problems.append(f"{name}: the same key and arguments give {text_of(again)}, after {text_of(first)}")
    own = _meant(tool, {k: v for k, v in arguments.items() if k != "idempotency_key"})
    sets = valid_sets(tool, 50, known=case.known(tool))
    others: dict[str, Any] = next((known for known in sets if _meant(tool, known) != own), {})
    refused = await session.call(name, **others, idempotency_key="order-42")
    if not refused.is_error or session.outcome != "input" or session.effects() != before:
        problems.append(f"{name}: the same key with other arguments is not refused: {text_of(refused)}")
    for api in session.case.apis:
        header = _header(api)
        if header and session.writes and not any(w.headers.get(header) == "order-42" for w in session.writes):
            problems.append(f"{name} does not pass the key on in {header}.")
    return problems


def _meant(tool: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments without those that say what is so anyway."""
    known = tool["inputSchema"]["properties"]
    return {name: value for name, value in arguments.items() if value != known[name].get("default")}


async def _after_a_cut(case: Subject, tool: Mapping[str, Any]) -> list[str]:
    """A create whose answer was lost must not be sent again, unless the vendor was given the key."""
    name, arguments, vendor = tool["name"], case.example(tool, idempotency_key="lost"), case.vendor
    forwarded = any(_header(api) for api in case.apis)
    async with case.session(WITHOUT_CONFIRMATION) as session:
        assert vendor
        vendor.fails(faults.cut(), method="write")
        first = await session.call(name, **arguments)
        vendor.recovers()
        again = await session.call(name, **arguments)
        if not forwarded and (session.writes or not again.is_error or DOUBT not in text_of(first) + text_of(again)):
            return [f"{name}: after a lost answer, the same key sends again: {text_of(again)}"]
        if forwarded and again.is_error:
            return [f"{name}: after a lost answer, the same key should be sent again: {text_of(again)}"]
    return []


def _header(api: Any) -> str:
    """Return where an Api puts the key, empty when its vendor takes none."""
    return str(getattr(api, "idempotency_header", "")).lower()
