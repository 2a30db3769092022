"""What happens when the vendor fails: for servers with an HTTP vendor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flotilla_testing import faults
from flotilla_testing.checks import NothingToCheck, check
from flotilla_testing.checks.calls import error_problem
from flotilla_testing.client import text_of
from flotilla_testing.fake_vendor import FakeVendor
from flotilla_testing.faults import Exchange, Fault
from flotilla_testing.responses import Request, Response
from flotilla_testing.subject import WITHOUT_CONFIRMATION, Session, Subject

DOUBT = "may or may not"  # what an error must say when a write may have arrived
DONE = "was done"  # and when one was carried out, though its answer cannot be read


def failures(case: Subject) -> dict[str, tuple[str, Fault]]:
    """Return the ways to fail: name, the class it must become, and the fault."""
    assert case.answers
    faults_by_name = {kind: (kind, faults.answer(answer)) for kind, answer in case.answers.errors.items()}
    faults_by_name["rate"] = ("rate", faults.answer(_later(case.answers.errors["rate"])))
    return {
        **faults_by_name,
        "timeout": ("upstream", faults.hang()),
        "cut connection": ("upstream", faults.cut()),
        "reset in mid-body": ("upstream", faults.broken()),
        "error page": ("upstream", faults.html(502)),
    }


def _later(answer: Response) -> Response:
    """Return a 429 that asks for more patience than a call has."""
    return Response(answer.status, answer.body, {**answer.headers, "retry-after": "3600"})


ON_EVERY_TOOL = ("not_found", "cut connection")  # where a tool has the most to say, or to lose, itself
ONLY_READS: dict[str, Fault] = {  # a write that was carried out need not read its answer
    "broken JSON": faults.bad_json(),
    "page in place of JSON": faults.html(200),
}
SHAPES: dict[str, Fault] = {  # of a success: what no tool may take for granted
    "204": faults.answer(Response(204)),
    "an empty body": faults.answer(Response(200)),
    "null": faults.answer(Response.of(None)),
    "a list": faults.answer(Response.of([1])),
    "a text": faults.answer(Response.of("x")),
    "an empty object": faults.answer(Response.of({})),
}
SHAPES_ON_EVERY_TOOL = ("null", "a list", "an empty object")  # the others come to a tool as one of these
REFUSED = {402: "scope", 405: "upstream", 408: "upstream", 413: "input", 425: "rate", 451: "scope"}
TOO_MUCH: dict[str, Fault] = {
    "huge body": faults.huge(),
    "small body that unpacks to a huge one": faults.huge(60_000_000, compressed=True),
}


def vendor_of(case: Subject) -> FakeVendor:
    """Return the fake vendor, or say that there is none."""
    if case.vendor is None or not case.apis:
        raise NothingToCheck
    return case.vendor


@dataclass(frozen=True)
class _Usual:
    """What one tool sends: for each request its method, and whether it writes; and what kind of request it is."""

    tool: dict[str, Any]
    sent: tuple[tuple[str, bool], ...]
    kinds: frozenset[Hashable]


async def _usual(case: Subject) -> list[_Usual]:
    if "usual" not in case.shared:
        matches = []
        for tool in await case.tools():
            async with case.session(WITHOUT_CONFIRMATION) as session:
                await session.call(tool["name"], **case.example(tool))
                sent = tuple((request.method, request.writes) for request in session.requests)
                matches.append(_Usual(tool, sent, _kinds(case, session.requests)))
        case.shared["usual"] = [one for one in matches if one.sent]
    rows: list[_Usual] = case.shared["usual"]
    return rows


def _kinds(case: Subject, requests: Sequence[Request]) -> frozenset[Hashable]:
    """Return what the outcome of a fault depends on, for each request of a call.

    To which address it goes, its method, the kinds of content out and back, and whether the call has changed something
    before it. The first and the last request count, at which the faults come.
    """
    assert case.answers
    addresses = sorted((value for value in case.settings().values() if "://" in value), key=len, reverse=True)
    kinds: set[Hashable] = set()
    for number in sorted({0, len(requests) - 1}) if requests else ():
        request = requests[number]
        to = next((address for address in addresses if request.url.startswith(address)), request.url)
        back = case.answers.to(request)
        contents = (_content(request.body, request.headers), _content(back.body, back.headers))
        written = any(earlier.writes for earlier in requests[:number])
        kinds.add((to, request.method, request.writes, contents, written))
    return frozenset(kinds)


def _content(body: bytes, headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0] if body else ""


async def _examples(case: Subject) -> list[_Usual]:
    """Return the tools on which every way to fail is tried: those with a kind of request that none before them has.

    All of them with --every-tool.
    """
    chosen, kinds = [], set[Hashable]()
    for one in await _usual(case):
        if case.every_tool or one.tool["name"] in case.examples or not one.kinds <= kinds:
            chosen.append(one)
            kinds |= one.kinds
    return chosen


def _row(one: _Usual) -> tuple[dict[str, Any], int, bool]:
    return one.tool, len(one.sent), any(writes for _, writes in one.sent)


async def usual(case: Subject) -> list[tuple[dict[str, Any], int, bool]]:
    """Return the tools that ask the vendor, how many requests each makes, and whether one of them writes."""
    return [_row(one) for one in await _usual(case)]


async def example_tools(case: Subject) -> list[tuple[dict[str, Any], int, bool]]:
    """Return one such tool for each kind of request; all of them with --every-tool."""
    return [_row(one) for one in await _examples(case)]


@check("error_classes")
async def error_classes(case: Subject) -> list[str]:
    """Each way to fail, at the first and at the last request of a call; what depends on the tool, on every tool."""
    vendor, problems = vendor_of(case), []
    examples = {one.tool["name"] for one in await _examples(case)}
    for one in await _usual(case):
        tool, count = one.tool, len(one.sent)
        writes = any(flag for _, flag in one.sent)
        for failure, (kind, fault) in failures(case).items():
            if tool["name"] not in examples and failure not in ON_EVERY_TOOL:
                continue
            for after in sorted({0, count - 1}):
                async with case.session(WITHOUT_CONFIRMATION) as session:
                    vendor.fails(fault, after=after)
                    expected = (
                        _expected(one, after, side_effect_confirmed=failure == "reset in mid-body")
                        if kind == "upstream"
                        else ""
                    )
                    problems += await _refused(session, case, tool, failure, kind, expected)
        for failure, fault in ONLY_READS.items() if tool["name"] in examples and not writes else ():
            async with case.session() as session:
                vendor.fails(fault)
                problems += await _refused(session, case, tool, failure, "upstream", "")
        for failure, fault in SHAPES.items():
            if tool["name"] not in examples and failure not in SHAPES_ON_EVERY_TOOL:
                continue
            async with case.session(WITHOUT_CONFIRMATION) as session:
                vendor.fails(fault, after=count - 1)
                problems += await _unreadable(session, case, one, failure)
    for tool in [tool for tool, _, writes in await usual(case) if not writes][:1]:
        for failure, fault in TOO_MUCH.items():
            async with case.session() as session:
                vendor.fails(fault)
                problems += await _refused(session, case, tool, failure, "upstream", "")
    return problems + await _once_a_method(case, vendor) + await _asides(case, vendor)


def _expected(one: _Usual, after: int, *, side_effect_confirmed: bool = False) -> str:
    """Return what an error of a request must say of what was done before it, and of itself."""
    if one.sent[after][1]:
        return DONE if side_effect_confirmed else DOUBT
    return DONE if any(writes for _, writes in one.sent[:after]) else ""


async def _once_a_method(case: Subject, vendor: FakeVendor) -> list[str]:
    """Try the rarer answers once for each method: what they mean does not depend on the tool."""
    problems = []
    first = {one.sent[-1]: one for one in reversed(await _usual(case))}
    for (_, writes), one in first.items():
        after = len(one.sent) - 1
        for code, kind in REFUSED.items():
            async with case.session(WITHOUT_CONFIRMATION) as session:
                vendor.fails(faults.status(code), after=after)
                expected = _expected(one, after) if code == 408 or not writes else ""
                problems += await _refused(session, case, one.tool, str(code), kind, expected)
        for code in (302, 303, 307) if writes else ():
            async with case.session(WITHOUT_CONFIRMATION) as session:
                vendor.fails(faults.redirect("/elsewhere?token=x", code), after=after)
                problems += await _refused(session, case, one.tool, f"a redirect ({code})", "upstream", DOUBT)
        if writes:
            async with case.session(WITHOUT_CONFIRMATION) as session:
                vendor.fails(faults.huge(), after=after)
                problems += await _unreadable(session, case, one, "a huge answer")
    return problems


async def _unreadable(session: Session, case: Subject, one: _Usual, failure: str) -> list[str]:
    """Check the answer to a success of another shape: none, or an error that is the vendor's and doubts nothing."""
    result = await session.call(one.tool["name"], **case.example(one.tool))
    text, name = text_of(result), one.tool["name"]
    if not result.is_error:  # it does without the answer
        return []
    if wrong := error_problem(text):
        return [f"{name} after {failure}: the error {wrong}: {text}"]
    if one.sent[-1][1] and (DOUBT in text or DONE not in text):
        return [f"{name} after {failure}: the error must say that it {DONE}: {text}"]
    return []


async def _asides(case: Subject, vendor: FakeVendor) -> list[str]:
    """Try each way to fail on prompts and resources, which have no error results but errors."""
    problems = []
    for name, run in await case.prompts_and_resources():
        async with case.session(WITHOUT_CONFIRMATION) as session:
            await run(session)
            if not session.requests:
                continue
        for failure, (kind, fault) in failures(case).items():
            async with case.session(WITHOUT_CONFIRMATION) as session:
                vendor.fails(fault)
                text, failed = await run(session)
                if not failed or session.outcome != kind or (label := error_problem(text)):
                    label = (
                        f"is {session.outcome}, not {kind}" if failed and session.outcome != kind else "is not an error"
                    )
                    problems.append(f"{name} after {failure} {label}: {text[:200]}")
    return problems


async def _refused(
    session: Session, case: Subject, tool: Mapping[str, Any], failure: str, kind: str, expected: str
) -> list[str]:
    result = await session.call(tool["name"], **case.example(tool))
    text, name = text_of(result), tool["name"]
    if not result.is_error:
        return [f"{name} takes no notice of {failure}: {text[:100]}"]
    if session.outcome != kind:
        return [f"{name} calls {failure} {session.outcome}, not {kind}: {text}"]
    if wrong := error_problem(text):
        return [f"{name} after {failure}: the error {wrong}: {text}"]
    if (expected == DOUBT) != (DOUBT in text):
        return [
            f"{name} after {failure}: the error must {'' if expected else 'not '}say that it {DOUBT} be done: {text}"
        ]
    if expected and expected not in text:
        return [f"{name} after {failure}: the error must say what {expected}: {text}"]
    return []


@check("retries")
async def retries(case: Subject) -> list[str]:
    """Reads come again, thrice at most and when asked to; what may have arrived and cannot be repeated does not."""
    vendor, problems = vendor_of(case), []
    for one in await _examples(case):
        tool, count, writes = one.tool, len(one.sent), any(flag for _, flag in one.sent)
        name = tool["name"]
        for fault in (faults.status(503), faults.status(502), faults.cut(), faults.rate(0.01), faults.broken()):
            async with case.session(WITHOUT_CONFIRMATION) as session:
                vendor.fails(fault, times=2, method="GET")
                result = await session.call(name, **case.example(tool))
                tried = len(session.requests) - count
                if result.is_error and tried >= 0 and count > len(session.writes):
                    problems.append(f"{name} gives up on a read that would have worked at the third try.")
        async with case.session(WITHOUT_CONFIRMATION) as session:
            vendor.fails(faults.status(503), method="GET")
            await session.call(name, **case.example(tool))
            if (tried := sum(request.method == "GET" for request in session.requests)) > 3:
                problems.append(f"{name} tries a read {tried} times.")
        for failure, fault in (("503", faults.status(503)), ("timeout", faults.hang())) if writes else ():
            problems += await _sent_once(case, tool, failure, fault)
    for tool, _, writes in await usual(case):
        if writes:
            problems += await _sent_once(case, tool, "cut", faults.cut())
    return problems or await _patience(case, vendor)


async def _sent_once(case: Subject, tool: Mapping[str, Any], failure: str, fault: Fault) -> list[str]:
    async with case.session(WITHOUT_CONFIRMATION) as session:
        vendor_of(case).fails(fault, method="write")
        await session.call(tool["name"], **case.example(tool))
        posted = [request for request in session.writes if request.method in ("POST", "PATCH")]
    if len(posted) > 1:
        return [f"{tool['name']} sends a {posted[0].method} {len(posted)} times after {failure}."]
    return []


async def _patience(case: Subject, vendor: FakeVendor) -> list[str]:
    """Check Retry-After on one read: in seconds, as a date, and too long to wait for."""
    reads = [tool for tool, _, writes in await usual(case) if not writes]
    if not reads:
        return []
    tool, problems, waits = reads[0], [], list[float]()

    async def noted(seconds: float) -> None:
        waits.append(seconds)

    for failure, fault, least, most in (
        ("seconds", faults.rate(7), 7, 7.01),
        ("a date", faults.rate(9, date=True), 7, 9.01),  # in whole seconds
    ):
        async with case.session() as session:
            vendor.fails(fault, times=1)
            _sleep_by(case, noted)
            result = await session.call(tool["name"], **case.example(tool))
            if result.is_error or not least <= waits[-1] <= most:
                problems.append(
                    f"{tool['name']} does not wait as Retry-After says in {failure}: {text_of(result)[:100]}"
                )
    waits.clear()
    async with case.session() as session:
        vendor.fails(faults.rate(3600))
        _sleep_by(case, noted)
        result = await session.call(tool["name"], **case.example(tool))
        if session.outcome != "rate" or waits or len(session.requests) != 1:
            problems.append(
                f"{tool['name']} must pass on a Retry-After that is longer than a call: {text_of(result)[:100]}"
            )
    return problems


def _sleep_by(case: Subject, sleep: Callable[[float], Awaitable[None]]) -> None:
    """Have the session's requests pause by another function."""
    connection = case.server.connection
    connection.network = replace(connection.network, retry=replace(connection.network.retry, sleep=sleep))


REPEATED = "{} that repeats the credentials"


@check("canary")
async def canary(case: Subject) -> list[str]:
    """A vendor that repeats the credentials in whatever it says, and every other fault."""
    if not case.canaries:
        raise NothingToCheck
    problems = []
    faults_by_name: dict[str, Fault | None] = {"usual answer": None}
    if case.vendor:
        faults_by_name |= {failure: fault for failure, (_, fault) in failures(case).items() if failure != "timeout"}
        faults_by_name |= {REPEATED.format(code): _echo(code) for code in (200, 400, 401, 403, 404, 429, 500)}
    thorough = {one.tool["name"] for one in await _examples(case)} if case.vendor else set()
    for tool in await case.tools():
        for failure, fault in faults_by_name.items():
            if tool["name"] not in thorough and failure not in ("usual answer", REPEATED.format(401)):
                continue
            async with case.session(WITHOUT_CONFIRMATION) as session:
                if fault and case.vendor:
                    case.vendor.fails(fault)
                await session.call(tool["name"], **case.example(tool))
                if case.kind_of(tool) != "reads":
                    await session.call(tool["name"], **case.example(tool, dry_run=True))
                seen = {"answer": "".join(session.texts), "audit": session.log.getvalue()}
                for place, text in seen.items():
                    if any(secret in text for secret in _all_forms(case, session)):
                        problems.append(f"{tool['name']}: a secret is in the {place} after {failure}.")
    for name, run in await case.prompts_and_resources():
        for failure, fault in faults_by_name.items():
            async with case.session(WITHOUT_CONFIRMATION) as session:
                if fault and case.vendor:
                    case.vendor.fails(fault)
                await run(session)
                if any(
                    secret in "".join(session.texts) + session.log.getvalue() for secret in _all_forms(case, session)
                ):
                    problems.append(f"{name}: a secret is in the answer or the audit after {failure}.")
    return problems


def _all_forms(case: Subject, session: Session) -> list[str]:
    """Return the secrets as they are, and as they went out: encoded, or traded for a token."""
    sent = [request.headers.get("authorization", "").partition(" ")[2] for request in session.requests]
    return [*case.secrets(), *(value for value in sent if value)]


def _echo(code: int) -> Fault:
    async def inject(exchange: Exchange) -> None:
        repeated = " ".join(f"{name}: {value}" for name, value in exchange.request.headers.items())
        expected = {"message": f"Not with {repeated}", "title": repeated, "details": [{"message": repeated}]}
        await exchange.send(Response.of(expected, code, {"retry-after": "3600"}))

    return inject
