"""What changes something: rehearsed, confirmed, and done once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from unittest.mock import patch

from ...tool import HIDDEN
from .. import faults, rehearsal
from ..arguments import examples_of, valid_sets
from ..case import UNASKED, Case, Trial
from ..client import MODES, text_of
from . import NothingToCheck, check
from .surface import verb
from .vendors import DOUBT

SETS = 10  # generated argument sets of a tool whose dry run is compared with what is sent, beside its examples
CREATING = ("add", "append", "book", "create", "import", "log", "record", "reply", "schedule", "send", "upload")


async def _of(case: Case, *effects: str) -> list[dict[str, Any]]:
    found = [tool for tool in await case.tools() if case.effect(tool) in effects]
    if not found:
        raise NothingToCheck
    return found


# -- dry run ----------------------------------------------------------------------------------------------------------


@check("dry_run")
async def dry_run(case: Case) -> list[str]:
    """By argument and by setting: nothing is sent, and what is shown is what is then sent."""
    problems = []
    for tool in await _of(case, "writes", "destroys"):
        name, arguments = tool["name"], case.example(tool)
        key = {"idempotency_key": "rehearsal"} if "idempotency_key" in tool["inputSchema"]["properties"] else {}
        ways: tuple[tuple[dict[str, str], dict[str, Any]], ...] = (
            ({}, {"dry_run": True}),
            ({}, {"dry_run": "true", **key}),
            ({"FLOTILLA_DRY_RUN": "on"}, key),
        )
        for environ, more in ways:
            async with case.trial(environ) as trial:
                before = trial.effects()
                result = await trial.call(name, **{**arguments, **more})
                shown = (result.structured_content or {}).get("dry_run") or {}
                if result.is_error or trial.outcome != "dry_run" or not ("action" in shown or "url" in shown):
                    problems.append(f"{name} does not show what it would do with {environ or more}: {text_of(result)}")
                if trial.effects() != before:
                    problems.append(f"{name} does something in a dry run with {environ or more}.")
        async with case.trial(UNASKED, recorded=True) as trial:
            sets = [*examples_of(tool, case.given(tool)), *valid_sets(tool, SETS, given=case.given(tool))]
            for number, given in enumerate(sets):  # each with a key of its own, where the tool takes one
                fresh = {"idempotency_key": f"rehearsal-{number}"} if key else {}
                if found := await _compared(trial, name, {**given, **fresh}):
                    problems += found
                    break  # the other sets would say the same
    return problems


async def _compared(trial: Trial, name: str, arguments: Mapping[str, Any]) -> list[str]:
    """Compare a dry run with the same call in earnest. Calls that fail are compared as far as they came."""
    before = trial.effects()
    rehearsed = await trial.call(name, **arguments, dry_run=True)
    if trial.effects() != before:
        return [f"{name} does something in a dry run with {arguments}."]
    shown = (rehearsed.structured_content or {}).get("dry_run") or {}
    begun = len(trial.requests)
    result = await trial.call(name, **arguments)
    sent = trial.requests[begun:]
    writes = [request for request in sent if request.writes]
    if rehearsed.is_error or (result.is_error and not writes):
        if rehearsed.is_error == result.is_error:
            return []
        return [f"{name} with {arguments} answers {text_of(result)}, in a dry run {text_of(rehearsed)}"]
    if not shown:  # it found that there is nothing to do
        return [f"{name} shows nothing, and sends {writes[0].method} {writes[0].url}."] if writes else []
    meant = {n: value for n, value in arguments.items() if n not in HIDDEN}
    problems = rehearsal.problems(shown, meant, sent, trial.case.server, broke_off=bool(result.is_error))
    return [f"{name} {problem}" for problem in problems]


# -- confirmation -----------------------------------------------------------------------------------------------------


@check("confirm")
async def confirm(case: Case) -> list[str]:
    """Every answer a person can give, in both eras; then a client that cannot ask."""
    problems = []
    asking = [tool for tool in await case.tools() if case.effect(tool) == "destroys" or await case.replaces(tool)]
    if not asking:
        raise NothingToCheck
    for tool in asking:
        name, arguments = tool["name"], case.lossy(tool)
        for mode in MODES:
            for answer in ("accept", "unticked", "decline", "cancel"):
                async with case.trial(mode=mode, answer=answer) as trial:
                    before = trial.effects()
                    result = await trial.call(name, **arguments)
                    done, agreed = trial.effects() != before, answer == "accept"
                    if len(trial.asked) != 1:
                        problems.append(f"{name} in {mode}: asks {len(trial.asked)} times.")
                    if done != agreed or bool(result.is_error) == agreed:
                        problems.append(f"{name} in {mode}: after {answer} it answers {text_of(result)}")
                    if not agreed and trial.outcome != "input":
                        problems.append(f"{name} in {mode}: {answer} is called {trial.outcome}, not input.")
            async with case.trial(mode=mode) as trial:
                problems += await _deaf(trial, case, tool, mode)
        async with case.trial(UNASKED) as trial:
            before = trial.effects()
            result = await trial.call(name, **arguments)
            if result.is_error or trial.effects() == before:
                problems.append(f"{name} does not run with FLOTILLA_CONFIRM=off: {text_of(result)}")
    return problems


async def _deaf(trial: Trial, case: Case, tool: Mapping[str, Any], mode: str) -> list[str]:
    """A client that cannot be asked gets a preview and a token; only that token, for these arguments, in time, once."""
    name, arguments, before, problems = tool["name"], case.lossy(tool), trial.effects(), []

    async def token_for(given: Mapping[str, Any]) -> str:
        result = await trial.call(name, **given)
        preview = (result.structured_content or {}).get("preview") or {}
        if result.is_error or not preview.get("confirm_token") or not preview.get("question"):
            problems.append(f"{name} in {mode}: a client that cannot ask gets no preview and token: {text_of(result)}")
        return str(preview.get("confirm_token", ""))

    token = await token_for(arguments)
    others: dict[str, Any] = next((o for o in valid_sets(tool, 50, given=case.given(tool)) if o != arguments), {})
    with patch("flotilla.confirm.TOKEN_SECONDS", -1):
        expired = await token_for(arguments)
    forged = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")
    wrong = {
        "a made-up token": {**arguments, "confirm_token": "yes"},
        "a forged token": {**arguments, "confirm_token": forged},
        "an expired token": {**arguments, "confirm_token": expired},
        "the token of other arguments": {**others, "confirm_token": token},
    }
    if case.effect(tool) == "writes":  # with other arguments nothing may be lost, and nobody asked
        del wrong["the token of other arguments"]
    for what, given in wrong.items():
        result = await trial.call(name, **given)
        if not result.is_error or trial.outcome != "input" or trial.effects() != before:
            problems.append(f"{name} in {mode}: {what} is not refused: {text_of(result)}")
    if trial.effects() != before:
        problems.append(f"{name} in {mode}: something was done before any yes.")
    result = await trial.call(name, **arguments, confirm_token=token)
    if result.is_error or trial.effects() == before:
        problems.append(f"{name} in {mode}: the right token does not run it: {text_of(result)}")
    before = trial.effects()
    result = await trial.call(name, **arguments, confirm_token=token)
    asked_anew = "preview" in (result.structured_content or {})  # about what stands there now
    if not (result.is_error or asked_anew) or trial.effects() != before:
        problems.append(f"{name} in {mode}: a token that was used runs it again: {text_of(result)}")
    return problems


# -- idempotency ------------------------------------------------------------------------------------------------------


@check("idempotency")
async def idempotency(case: Case) -> list[str]:
    """Tools that create have a key; the same call with the same key is done once, also at the same time."""
    problems = []
    tools = [tool for tool in await case.tools() if case.effect(tool) != "reads"]
    keyed = [tool for tool in tools if "idempotency_key" in tool["inputSchema"]["properties"]]
    for tool in tools:
        if verb(case, tool["name"]) in CREATING and tool not in keyed:
            problems.append(f"{tool['name']} creates something: register it with creates=True.")
    if not keyed and not problems:
        raise NothingToCheck
    for tool in keyed:
        async with case.trial(UNASKED) as trial:
            problems += await _once(trial, case, tool)
        async with case.trial(UNASKED) as trial:
            arguments = case.example(tool, idempotency_key="twins")
            both = await asyncio.gather(*(trial.call(tool["name"], **arguments) for _ in range(2)))
            if len({text_of(result) for result in both}) != 1 or both[0].is_error or len(trial.writes) > 1:
                problems.append(f"{tool['name']}: two calls at once with one key are done twice.")
        if case.vendor:
            problems += await _after_a_cut(case, tool)
    return problems


async def _once(trial: Trial, case: Case, tool: Mapping[str, Any]) -> list[str]:
    name, arguments = tool["name"], case.example(tool, idempotency_key="order-42")
    first, problems = await trial.call(name, **arguments), []
    before = trial.effects()
    again = await trial.call(name, **arguments)
    if first.is_error or text_of(again) != text_of(first) or trial.effects() != before or trial.outcome != "repeated":
        problems.append(f"{name}: the same key and arguments give {text_of(again)}, after {text_of(first)}")
    own = _meant(tool, {k: v for k, v in arguments.items() if k != "idempotency_key"})
    sets = valid_sets(tool, 50, given=case.given(tool))
    others: dict[str, Any] = next((given for given in sets if _meant(tool, given) != own), {})
    refused = await trial.call(name, **others, idempotency_key="order-42")
    if not refused.is_error or trial.outcome != "input" or trial.effects() != before:
        problems.append(f"{name}: the same key with other arguments is not refused: {text_of(refused)}")
    for api in trial.case.server.apis:
        header = _header(api)
        if header and trial.writes and not any(w.headers.get(header) == "order-42" for w in trial.writes):
            problems.append(f"{name} does not pass the key on in {header}.")
    return problems


def _meant(tool: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments without those that say what is so anyway."""
    known = tool["inputSchema"]["properties"]
    return {name: value for name, value in arguments.items() if value != known[name].get("default")}


async def _after_a_cut(case: Case, tool: Mapping[str, Any]) -> list[str]:
    """A create whose answer was lost must not be sent again, unless the vendor was given the key."""
    name, arguments, vendor = tool["name"], case.example(tool, idempotency_key="lost"), case.vendor
    forwarded = any(_header(api) for api in case.server.apis)
    async with case.trial(UNASKED) as trial:
        assert vendor
        vendor.fails(faults.cut(), method="write")
        first = await trial.call(name, **arguments)
        vendor.recovers()
        again = await trial.call(name, **arguments)
        if not forwarded and (trial.writes or not again.is_error or DOUBT not in text_of(first) + text_of(again)):
            return [f"{name}: after a lost answer, the same key sends again: {text_of(again)}"]
        if forwarded and again.is_error:
            return [f"{name}: after a lost answer, the same key should be sent again: {text_of(again)}"]
    return []


def _header(api: Any) -> str:
    """Return where an Api puts the key, empty when its vendor takes none."""
    return str(getattr(api, "_idempotency_header", "")).lower()
