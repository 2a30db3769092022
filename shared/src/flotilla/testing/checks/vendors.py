"""What happens when the vendor fails: for servers with an HTTP vendor."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from .. import faults
from ..answers import Answer
from ..case import UNASKED, Case, Trial
from ..client import text_of
from ..faults import Exchange, Fault
from ..vendor import Vendor
from . import NothingToCheck, check
from .calls import voice

SHORT = 0.1  # seconds a vendor gets, where it is about timeouts
DOUBT = "may or may not"  # what an error must say when a write may have arrived


def ways(case: Case) -> dict[str, tuple[str, Fault]]:
    """Return the ways to fail: name, the class it must become, and how it is played."""
    assert case.answers
    said = {kind: (kind, faults.answer(answer)) for kind, answer in case.answers.errors.items()}
    said["rate"] = ("rate", faults.answer(_later(case.answers.errors["rate"])))
    return {
        **said,
        "timeout": ("upstream", faults.hang(SHORT * 2)),
        "cut connection": ("upstream", faults.cut()),
        "reset in mid-body": ("upstream", faults.broken()),
        "error page": ("upstream", faults.html(502)),
    }


def _later(answer: Answer) -> Answer:
    """Return a 429 that asks for more patience than a call has."""
    return Answer(answer.status, answer.body, {**answer.headers, "retry-after": "3600"})


ONLY_READS: dict[str, Fault] = {  # a write that was carried out need not read its answer
    "broken JSON": faults.bad_json(),
    "page in place of JSON": faults.html(200),
}
TOO_MUCH: dict[str, Fault] = {
    "huge body": faults.huge(),
    "small body that unpacks to a huge one": faults.huge(60_000_000, compressed=True),
}


def vendor_of(case: Case) -> Vendor:
    """Return the fake vendor, or say that there is none."""
    if case.vendor is None or not case.server.apis:
        raise NothingToCheck
    return case.vendor


async def usual(case: Case) -> list[tuple[dict[str, Any], int, bool]]:
    """Return the tools that ask the vendor, how many requests each makes, and whether one of them writes."""
    if "usual" not in case.kept:
        found = []
        for tool in await case.tools():
            async with case.trial(UNASKED) as trial:
                await trial.call(tool["name"], **case.example(tool))
                found.append((tool, len(trial.requests), bool(trial.writes)))
        case.kept["usual"] = [row for row in found if row[1]]
    rows: list[tuple[dict[str, Any], int, bool]] = case.kept["usual"]
    return rows


@check("error_classes")
async def error_classes(case: Case) -> list[str]:
    """Each way to fail, at the first and at the last request of each tool."""
    vendor, problems = vendor_of(case), []
    for tool, count, writes in await usual(case):
        for way, (kind, fault) in ways(case).items():
            for after in sorted({0, count - 1} if way != "timeout" else {count - 1}):  # timeouts take time
                async with case.trial(UNASKED, timeout=SHORT if way == "timeout" else 5) as trial:
                    vendor.fails(fault, after=after)
                    doubtful = writes and after == count - 1 and kind == "upstream"
                    problems += await _refused(trial, case, tool, way, kind, doubtful)
        for way, fault in ONLY_READS.items() if not writes else ():
            async with case.trial() as trial:
                vendor.fails(fault)
                problems += await _refused(trial, case, tool, way, "upstream", False)
    for tool in [tool for tool, _, writes in await usual(case) if not writes][:1]:
        for way, fault in TOO_MUCH.items():
            async with case.trial() as trial:
                vendor.fails(fault)
                problems += await _refused(trial, case, tool, way, "upstream", False)
    return problems


async def _refused(trial: Trial, case: Case, tool: Mapping[str, Any], way: str, kind: str, doubtful: bool) -> list[str]:
    result = await trial.call(tool["name"], **case.example(tool))
    text, name = text_of(result), tool["name"]
    if not result.is_error:
        return [f"{name} takes no notice of {way}: {text[:100]}"]
    if trial.outcome != kind:
        return [f"{name} calls {way} {trial.outcome}, not {kind}: {text}"]
    if wrong := voice(text):
        return [f"{name} after {way}: the error {wrong}: {text}"]
    if doubtful != (DOUBT in text):
        return [f"{name} after {way}: the error must {'' if doubtful else 'not '}say that it {DOUBT} be done: {text}"]
    return []


@check("retries")
async def retries(case: Case) -> list[str]:
    """Reads come again, thrice at most and when asked to; what may have arrived and cannot be repeated does not."""
    vendor, problems = vendor_of(case), []
    for tool, count, writes in await usual(case):
        name = tool["name"]
        for fault in (faults.status(503), faults.status(502), faults.cut(), faults.rate(0.01), faults.broken()):
            async with case.trial(UNASKED) as trial:
                vendor.fails(fault, times=2, method="GET")
                result = await trial.call(name, **case.example(tool))
                tried = len(trial.requests) - count
                if result.is_error and tried >= 0 and count > len(trial.writes):
                    problems.append(f"{name} gives up on a read that would have worked at the third try.")
        async with case.trial(UNASKED) as trial:
            vendor.fails(faults.status(503), method="GET")
            await trial.call(name, **case.example(tool))
            if (tried := len(trial.requests)) > 3:
                problems.append(f"{name} tries a read {tried} times.")
        for way, fault in (("cut", faults.cut()), ("503", faults.status(503)), ("timeout", faults.hang(2 * SHORT))):
            async with case.trial(UNASKED, timeout=SHORT if way == "timeout" else 5) as trial:
                vendor.fails(fault, method="write")
                await trial.call(name, **case.example(tool))
                posted = [request for request in trial.writes if request.method in ("POST", "PATCH")]
                if writes and len(posted) > 1:
                    problems.append(f"{name} sends a {posted[0].method} {len(posted)} times after {way}.")
    return problems or await _patience(case, vendor)


async def _patience(case: Case, vendor: Vendor) -> list[str]:
    """Check Retry-After on one read: in seconds, as a date, and too long to wait for."""
    reads = [tool for tool, _, writes in await usual(case) if not writes]
    if not reads:
        return []
    tool, problems = reads[0], []
    for way, fault, least in (("seconds", faults.rate(1), 0.95), ("a date", faults.rate(2, date=True), 0.9)):
        async with case.trial() as trial:
            vendor.fails(fault, times=1)
            begun = time.monotonic()
            result = await trial.call(tool["name"], **case.example(tool))
            if result.is_error or not least <= time.monotonic() - begun < 5:
                problems.append(f"{tool['name']} does not wait as Retry-After says in {way}: {text_of(result)[:100]}")
    async with case.trial() as trial:
        vendor.fails(faults.rate(3600))
        begun = time.monotonic()
        result = await trial.call(tool["name"], **case.example(tool))
        if trial.outcome != "rate" or time.monotonic() - begun > 2 or len(trial.requests) != 1:
            problems.append(
                f"{tool['name']} must pass on a Retry-After that is longer than a call: {text_of(result)[:100]}"
            )
    return problems


@check("canary")
async def canary(case: Case) -> list[str]:
    """A vendor that repeats the credentials in whatever it says, and every other fault."""
    if not case.canaries:
        raise NothingToCheck
    problems = []
    for tool in await case.tools():
        said: dict[str, Fault | None] = {"usual answer": None}
        if case.vendor:
            said |= {way: fault for way, (_, fault) in ways(case).items() if way != "timeout"}
            said |= {
                f"{code} that repeats the credentials": _echo(code) for code in (200, 400, 401, 403, 404, 429, 500)
            }
        for way, fault in said.items():
            async with case.trial(UNASKED) as trial:
                if fault and case.vendor:
                    case.vendor.fails(fault)
                await trial.call(tool["name"], **case.example(tool))
                if case.effect(tool) != "reads":
                    await trial.call(tool["name"], **case.example(tool, dry_run=True))
                seen = {"answer": "".join(trial.heard), "audit": trial.log.getvalue()}
                for place, text in seen.items():
                    if any(secret in text for secret in _all_forms(case, trial)):
                        problems.append(f"{tool['name']}: a secret is in the {place} after {way}.")
    return problems


def _all_forms(case: Case, trial: Trial) -> list[str]:
    """Return the secrets as they are, and as they went out: encoded, or traded for a token."""
    sent = [request.headers.get("authorization", "").partition(" ")[2] for request in trial.requests]
    return [*case.secrets(), *(value for value in sent if value)]


def _echo(code: int) -> Fault:
    async def play(exchange: Exchange) -> None:
        repeated = " ".join(f"{name}: {value}" for name, value in exchange.request.headers.items())
        told = {"message": f"Not with {repeated}", "title": repeated, "details": [{"message": repeated}]}
        await exchange.send(Answer.of(told, code, {"retry-after": "3600"}))

    return play
