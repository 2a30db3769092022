"""A server that misbehaves on demand: plain FastMCP, so that nothing of the library hides what the switchboard does."""

import asyncio
import json
import logging
import os
import select
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import mcp_types as mt
from fastmcp import Context, FastMCP
from fastmcp.tools import ToolResult
from mcp.server.request_state import RequestStateSecurity

from flotilla.compat import keep_no_session_state
from flotilla_launcher.protocol import TIMINGS_KEY

DATA = Path(os.environ.get("FLOTILLA_DATA", "/data"))
READ, WRITE = {"readOnlyHint": True}, {"readOnlyHint": False}
FORM: dict[str, Any] = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}


def key() -> str:
    """As our servers do: one key, kept beside what it protects."""
    path = DATA / "key"
    if DATA.is_dir() and not path.exists():
        made = path.with_name(f"key-{os.getpid()}")  # another one may start at the same time
        made.write_text("k" * 32)
        made.replace(path)
    return path.read_text() if path.exists() else "x" * 32


mcp: FastMCP[Any] = FastMCP("probe", version="9", request_state_security=RequestStateSecurity(keys=[key()]))
keep_no_session_state(mcp)  # images have no store for it


def record(file: str, text: str) -> None:
    with (DATA / file).open("a") as out:
        out.write(text + "\n")


@mcp.tool(name="probe_echo", annotations=READ)
async def echo(value: Any = None) -> ToolResult:
    return ToolResult(structured_content={"value": value})


@mcp.tool(name="probe_about", annotations=READ)
async def about(ctx: Context) -> dict[str, Any]:
    """What the process can see."""
    caps = ctx.session.client_capabilities
    rc = ctx.request_context
    headers = dict(rc.request.headers) if rc and rc.request else {}
    status = Path("/proc/self/status").read_text()
    return {
        "pid": os.getpid(),
        "env": dict(os.environ),
        "uid": os.getuid(),
        "privileges": [line for line in status.splitlines() if line.startswith(("CapEff", "NoNewPrivs"))],
        "capabilities": caps.model_dump(mode="json", exclude_none=True) if caps else None,
        "headers": headers,
        "protocol": ctx.session.protocol_version,
        "argv": sys.argv[1:],
    }


@mcp.tool(name="probe_ask", annotations=WRITE)
async def ask(ctx: Context, question: str, linger: float = 0) -> Any:
    """Asks, and answers with what was answered."""
    await asyncio.sleep(linger)
    got: Any = (ctx.input_responses or {}).get("it")
    if got is None:
        params = mt.ElicitRequestFormParams(message=question, requested_schema=FORM)
        return mt.InputRequiredResult(input_requests={"it": mt.ElicitRequest(params=params)}, request_state=question)
    record("asked", question)
    return f"{ctx.request_state}: {got.action} {(got.content or {}).get('answer')} by {os.getpid()}"


@mcp.tool(name="probe_again", annotations=READ)
async def again(ctx: Context, times: int) -> Any:
    """Wants to be called that many times."""
    count = int(ctx.request_state or 0) + 1
    return mt.InputRequiredResult(request_state=str(count)) if count < times else f"call {count}"


@mcp.tool(name="probe_wait", annotations=READ)
async def wait(ctx: Context, seconds: float, name: str = "") -> str:
    """Waits, with progress; leaves a note when it is cancelled."""
    try:
        steps = 4
        for step in range(steps):
            await ctx.report_progress(step + 1, steps, name)
            await asyncio.sleep(seconds / steps)
    except asyncio.CancelledError:
        record("cancelled", name)
        raise
    return f"{name} {os.getpid()}"


@mcp.tool(name="probe_block", annotations=WRITE)
async def block(seconds: float) -> str:
    """Blocks the whole server, so that it hears nothing."""
    record("blocked", str(os.getpid()))
    time.sleep(seconds)  # noqa: ASYNC251 - that is the point
    return "done"


@mcp.tool(name="probe_die_reading", annotations=READ)
async def die_reading(times: int) -> str:
    """Dies in the call, that many times."""
    record("read", "call")
    if len((DATA / "read").read_text().splitlines()) <= times:
        os._exit(9)
    return "read"


@mcp.tool(name="probe_die_writing", annotations=WRITE)
async def die_writing() -> str:
    record("written", "call")
    os._exit(9)


@mcp.tool(name="probe_note", annotations={"readOnlyHint": False, "destructiveHint": False})
async def note(text: str) -> str:
    record("notes", text)
    return f"noted {text}"


@mcp.tool(name="probe_delete", annotations={"readOnlyHint": False, "destructiveHint": True})
async def delete(text: str) -> str:
    record("deleted", text)
    return f"deleted {text}"


@mcp.tool(name="probe_say", annotations=READ)
async def say(ctx: Context, text: str, pause: float = 0) -> str:
    await ctx.debug(f"debug {text}")
    await ctx.info(f"info {text}")
    await asyncio.sleep(pause)
    return text


@mcp.tool(name="probe_rich", annotations=READ, output_schema={"type": "object", "properties": {"big": {}}})
async def rich(fail: bool = False) -> ToolResult:
    """Everything that a result can hold."""
    return ToolResult(
        content=[
            mt.TextContent(type="text", text="é€\u202e", annotations=mt.Annotations(priority=0.5), _meta={"b": 1}),
            mt.ImageContent(type="image", data="AAAA", mime_type="image/png"),
            mt.ResourceLink(type="resource_link", uri="probe://fixed", name="fixed"),
        ],
        structured_content={"big": 2**70, "null": None, "minus": -0.0, "huge": 1e300, "text": "é€\u202e"},
        meta={"probe": True},
        is_error=fail,
    )


@mcp.tool(name="probe_timed", annotations=READ)
async def timed(ctx: Context) -> ToolResult:
    """Tells how long its vendor took, where it is asked."""
    asked = bool(ctx.request_context and (ctx.request_context.meta or {}).get(TIMINGS_KEY))
    meta = {"probe": True, **({TIMINGS_KEY: {"vendor_ms": 12.5}} if asked else {})}
    return ToolResult(structured_content={"asked": asked}, meta=meta)


@mcp.tool(name="probe_extra", annotations=READ)
async def extra() -> str:
    """Only in the tier `all`."""
    return "extra"


@mcp.resource("probe://fixed", mime_type="application/json")
async def fixed() -> str:
    return json.dumps({"pid": os.getpid()})


@mcp.resource("probe://item/{name}")
async def item(name: str) -> bytes:
    return name.encode()


def answered(ctx: Context, question: str) -> Any:
    """The answer, or the question while there is none."""
    got: Any = (ctx.input_responses or {}).get("it")
    params = mt.ElicitRequestFormParams(message=question, requested_schema=FORM)
    question_of = mt.InputRequiredResult(input_requests={"it": mt.ElicitRequest(params=params)})
    return got.content["answer"] if got else question_of


@mcp.resource("probe://asking")
async def asking(ctx: Context) -> Any:
    return answered(ctx, "resource?")


@mcp.prompt(name="probe_asking")
async def ask_in_prompt(ctx: Context) -> Any:
    return answered(ctx, "prompt?")


@mcp.prompt(name="probe_greet")
async def greet(name: str) -> str:
    return f"Greet {name}."


def leave_at_end_of_input() -> None:
    """As the library's servers do."""
    poll = select.poll()
    poll.register(os.dup(0), select.POLLHUP | select.POLLERR)
    poll.poll()
    os._exit(0)


if __name__ == "__main__":
    logging.getLogger("fastmcp").setLevel(logging.CRITICAL)
    record("starts", str(os.getpid()))
    print(json.dumps({"event": "audit line", "token": bool(os.environ.get("PROBE_TOKEN"))}), file=sys.stderr)
    time.sleep(float(os.environ.get("PROBE_SLOW", "0")))
    if broken := os.environ.get("PROBE_BROKEN"):
        print(f"cannot use the token {os.environ.get('PROBE_TOKEN')}: {broken}", file=sys.stderr)
        sys.exit(3)
    if port := os.environ.get("PROBE_PORT"):
        from fastmcp.server.auth import AccessToken, TokenVerifier

        class Fixed(TokenVerifier):
            async def verify_token(self, token: str) -> AccessToken | None:
                return AccessToken(token=token, client_id="x", scopes=[]) if token == "backend-token-1" else None

        mcp.auth = Fixed()
        mcp.run("http", port=int(port), stateless_http=True, show_banner=False, log_level="error")
    else:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        if not os.environ.get("PROBE_DEAF"):
            threading.Thread(target=leave_at_end_of_input, daemon=True).start()
        mcp.run("stdio", show_banner=False)
