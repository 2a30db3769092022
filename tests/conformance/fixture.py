"""What the official conformance suite expects a server to have, built with the library.

Tools, prompts and resources are registered as every server of the fleet registers them. What the library has no call
for (log messages, sampling, forms of one's own, questions in a prompt) is done inside the functions, with FastMCP's
context. What it does not offer at all is in expected-failures/, with the reason.
"""

from __future__ import annotations

import base64
from typing import Any, cast

import anyio
import mcp_types as mt
from fastmcp.prompts.base import InputRequiredPromptResult, Message, PromptResult
from fastmcp.server.dependencies import get_context
from fastmcp.tools.base import InputRequiredToolResult, ToolResult
from mcp.shared.exceptions import MCPError

from flotilla import Model, Server, ServerSettings, errors
from flotilla.calls.context import progress
from flotilla_testing.scratch import ScratchServer

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
WAV = base64.b64encode(
    b"RIFF\x25\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x40\x1f\0\0\1\0\x08\0data\1\0\0\0\x80"
).decode()
TEXT = {"type": "string"}

server: Server[ServerSettings] = ScratchServer(
    "test", title="Conformance", description="Everything that the conformance suite asks for.", category="test"
)


class Result(Model):
    """The text that a tool returns."""

    text: str | None = None


def content(*parts: Any) -> Result:
    """Return a result of parts that are no JSON."""
    return cast(Result, ToolResult(content=list(parts), structured_content={}))


def embedded(uri: str, text: str, mime: str = "text/plain") -> mt.EmbeddedResource:
    """Return a resource inside of a result."""
    return mt.EmbeddedResource(type="resource", resource=mt.TextResourceContents(uri=uri, mime_type=mime, text=text))


def form(message: str, **properties: Any) -> mt.ElicitRequest:
    """Return a question with a form; every field is required."""
    schema: Any = {"type": "object", "properties": properties, "required": list(properties)}
    return mt.ElicitRequest(params=mt.ElicitRequestFormParams(message=message, requested_schema=schema))


def sample(text: str, tokens: int = 100) -> mt.CreateMessageRequest:
    """Return a question to the client's model."""
    message = mt.SamplingMessage(role="user", content=mt.TextContent(type="text", text=text))
    return mt.CreateMessageRequest(params=mt.CreateMessageRequestParams(messages=[message], max_tokens=tokens))


def input_required(requests: dict[str, Any], state: str | None = None) -> mt.InputRequiredResult:
    """Return the answer that asks for more."""
    return mt.InputRequiredResult(input_requests=requests, request_state=state)


def responses(*names: str) -> dict[str, Any] | None:
    """Return the client's answers by name, None as long as one is missing."""
    received = get_context().input_responses or {}
    return {name: received[name] for name in names} if all(name in received for name in names) else None


def accepted(answer: Any, field: str) -> str:
    """Return one field of a form."""
    return str((getattr(answer, "content", None) or {}).get(field))


# --- content


@server.reads
async def simple_text() -> Result:
    """Return a simple text."""
    return Result(text="This is a simple text response for testing.")


@server.reads
async def image_content() -> Result:
    """Return an image."""
    return content(mt.ImageContent(type="image", data=PNG, mime_type="image/png"))


@server.reads
async def audio_content() -> Result:
    """Return a sound."""
    return content(mt.AudioContent(type="audio", data=WAV, mime_type="audio/wav"))


@server.reads
async def embedded_resource() -> Result:
    """Return a resource inside of the result."""
    return content(embedded("test://embedded-resource", "This is an embedded resource content."))


@server.reads
async def multiple_content_types() -> Result:
    """Return a text, an image and a resource."""
    return content(
        mt.TextContent(type="text", text="Multiple content types test:"),
        mt.ImageContent(type="image", data=PNG, mime_type="image/png"),
        embedded("test://mixed-content-resource", '{"test":"data","value":123}', "application/json"),
    )


@server.reads
async def error_handling() -> Result:
    """Fail."""
    raise errors.UpstreamError("This tool intentionally returns an error for testing.", "Nothing is to be done.")


# --- while a call runs


@server.reads
async def tool_with_logging() -> Result:
    """Send log messages to the client."""
    for text in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await get_context().info(text)
        await anyio.sleep(0.05)
    return Result(text="Logged.")


@server.reads
async def logging_tool() -> Result:
    """Send a log message to clients that want it."""
    await get_context().info("A log message")
    return Result(text="Logged.")


@server.reads
async def tool_with_progress() -> Result:
    """Tell how far it is."""
    for done in (0, 50, 100):
        await progress(done, 100)
        await anyio.sleep(0.05)
    return Result(text="Done.")


# --- questions, before 2026-07-28


@server.reads
async def sampling(prompt: str) -> Result:
    """Ask the client's model."""
    params = sample(prompt).params
    got = await get_context().session.create_message(messages=params.messages, max_tokens=params.max_tokens)
    return Result(text=f"LLM response: {getattr(got.content, 'text', '')}")


async def elicited(message: str, schema: Any, prefix: str) -> Result:
    ctx = get_context()
    got = await ctx.session.elicit(message, schema, related_request_id=ctx.request_id)
    return Result(text=f"{prefix}: action={got.action}, content={got.content}")


@server.reads
async def elicitation(message: str) -> Result:
    """Ask the user for a name and an address."""
    fields = {
        "username": {**TEXT, "description": "User's response"},
        "email": {**TEXT, "description": "User's address"},
    }
    schema = {"type": "object", "properties": fields, "required": ["username", "email"]}
    return await elicited(message, schema, "User response")


@server.reads
async def elicitation_sep1034_defaults() -> Result:
    """Ask with defaults of every type."""
    fields = {
        "name": {**TEXT, "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {**TEXT, "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": True},
    }
    return await elicited("Check these.", {"type": "object", "properties": fields}, "Elicitation completed")


@server.reads
async def elicitation_sep1330_enums() -> Result:
    """Ask with every kind of choice."""
    titled = [{"const": f"value{n}", "title": f"Choice {n}"} for n in (1, 2, 3)]
    plain = [f"option{n}" for n in (1, 2, 3)]
    legacy = {"enum": ["opt1", "opt2", "opt3"], "enumNames": ["Option One", "Option Two", "Option Three"]}
    fields = {
        "untitledSingle": {**TEXT, "enum": plain},
        "titledSingle": {**TEXT, "oneOf": titled},
        "legacyEnum": {**TEXT, **legacy},
        "untitledMulti": {"type": "array", "items": {**TEXT, "enum": plain}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled}},
    }
    return await elicited("Choose.", {"type": "object", "properties": fields}, "Elicitation completed")


# --- questions, since 2026-07-28


def ask(requests: dict[str, Any], state: str | None = None) -> Result:
    """Return a tool's answer that asks for more."""
    return cast(Result, InputRequiredToolResult(input_required(requests, state)))


@server.reads
async def input_required_result_elicitation() -> Result:
    """Ask for a name."""
    got = responses("user_name")
    if not got or getattr(got["user_name"], "action", "") != "accept":
        return ask({"user_name": form("What is your name?", name=TEXT)})
    return Result(text=f"Hello, {accepted(got['user_name'], 'name')}!")


@server.reads
async def streaming_elicitation() -> Result:
    """Ask for a name, too."""
    return await input_required_result_elicitation()


@server.reads
async def input_required_result_sampling() -> Result:
    """Ask the client's model."""
    got = responses("capital_question")
    if not got:
        return ask({"capital_question": sample("What is the capital of France?")})
    return Result(text=str(got["capital_question"]))


@server.reads
async def input_required_result_list_roots() -> Result:
    """Ask for the client's roots."""
    got = responses("client_roots")
    if not got:
        return ask({"client_roots": mt.ListRootsRequest()})
    return Result(text=str(got["client_roots"]))


@server.reads
async def input_required_result_request_state() -> Result:
    """Ask, and know the question again."""
    if not responses("confirm") or get_context().request_state != "asked":
        return ask({"confirm": form("Please confirm", ok={"type": "boolean"})}, "asked")
    return Result(text="state-ok")


@server.reads
async def input_required_result_tampered_state() -> Result:
    """Ask, with a state that cannot be forged."""
    if not responses("confirm") or get_context().request_state != "sealed":
        return ask({"confirm": form("Please confirm", ok={"type": "boolean"})}, "sealed")
    return Result(text="confirmed")


@server.reads
async def input_required_result_multiple_inputs() -> Result:
    """Ask three things at once."""
    if not responses("user_name", "greeting", "client_roots"):
        questions = {
            "user_name": form("What is your name?", name=TEXT),
            "greeting": sample("Generate a greeting", 50),
            "client_roots": mt.ListRootsRequest(),
        }
        return ask(questions, "asked")
    return Result(text="All there.")


@server.reads
async def input_required_result_multi_round() -> Result:
    """Ask one thing after the other."""
    state = get_context().request_state
    if state == "two" and (second := responses("step2")):
        return Result(text=f"You like {accepted(second['step2'], 'color')}.")
    if state == "one" and responses("step1"):
        return ask({"step2": form("Step 2: What is your favorite color?", color=TEXT)}, "two")
    return ask({"step1": form("Step 1: What is your name?", name=TEXT)}, "one")


@server.reads
async def input_required_result_capabilities() -> Result:
    """Ask only what the client can answer."""
    has = get_context().session.client_capabilities
    possible = {
        "elicitation": form("Go on?", ok={"type": "boolean"}),
        "sampling": sample("Say something"),
        "roots": mt.ListRootsRequest(),
    }
    return ask({name: request for name, request in possible.items() if getattr(has, name, None) is not None})


@server.reads
async def missing_capability() -> Result:
    """Need sampling, and say so."""
    if getattr(get_context().session.client_capabilities, "sampling", None) is None:
        raise MCPError(
            mt.MISSING_REQUIRED_CLIENT_CAPABILITY,
            "This tool needs a client that can sample",
            {"requiredCapabilities": {"sampling": {}}},
        )
    return Result(text="It can.")


# --- prompts


@server.prompt
async def simple_prompt() -> str:
    """Return a simple prompt."""
    return "This is a simple prompt for testing."


@server.prompt
async def prompt_with_arguments(arg1: str, arg2: str) -> str:
    """Return a prompt with two arguments in it."""
    return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"


@server.prompt
async def prompt_with_embedded_resource(resourceUri: str) -> PromptResult:  # noqa: N803 - the suite's name
    """Return a prompt with a resource in it."""
    resource = embedded(resourceUri, "Embedded resource content for testing.")
    return PromptResult([Message(resource), Message("Please process the embedded resource above.")])


@server.prompt
async def prompt_with_image() -> PromptResult:
    """Return a prompt with an image in it."""
    image = mt.ImageContent(type="image", data=PNG, mime_type="image/png")
    return PromptResult([Message(image), Message("Please analyze the image above.")])


@server.prompt
async def input_required_result_prompt() -> PromptResult:
    """Ask before there is a prompt."""
    got = responses("user_context")
    if not got:
        asked = {"user_context": form("What context should the prompt use?", context=TEXT)}
        return InputRequiredPromptResult(input_required(asked))
    return PromptResult(f"Use {accepted(got['user_context'], 'context')}.")


# --- resources


@server.resource("test://static-text")
async def static_text() -> str:
    """Return a text."""
    return "This is the content of the static text resource."


@server.resource("test://static-binary", mime="image/png")
async def static_binary() -> bytes:
    """Return an image."""
    return base64.b64decode(PNG)


@server.resource("test://watched-resource")
async def watched_resource() -> str:
    """Return a text that somebody may watch."""
    return "Watched."


@server.resource("test://template/{id}/data", mime="application/json")
async def template_data(id: str) -> str:  # noqa: A002 - the suite's name
    """Return what a template makes of an id."""
    return f'{{"id":"{id}","templateTest":true,"data":"Data for ID: {id}"}}'


if __name__ == "__main__":
    server.run()
