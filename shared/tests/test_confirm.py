"""Asking a person: both protocol eras, clients that cannot be asked, forged and stale tokens, and a patient clock."""

import asyncio
import json
import os
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR
from pydantic import AwareDatetime, BaseModel

from flotilla import Model, announce, confirm, errors
from flotilla.calls.confirmation import TOKEN_SECONDS
from flotilla.state import HOUR, State
from flotilla_testing.client import MODES, Reply, call, client, raw, stamped, text_of
from flotilla_testing.scratch import ScratchServer

Make = Callable[..., ScratchServer]
Lines = Callable[[], list[dict[str, Any]]]
LEGACY, MODERN = MODES


class Out(Model):
    done: str


class Part(BaseModel):
    name: str


@pytest.fixture
def server(make: Make) -> ScratchServer:
    return build(make())


def build(server: ScratchServer) -> ScratchServer:
    ran: list[str] = []

    @server.destroys(confirm="Delete {path} of {when} for good?")
    async def delete_file(path: str, when: AwareDatetime | None = None, part: Part | None = None) -> Out:
        """Delete."""
        announce(action="delete", path=path)
        ran.append(path)
        return Out(done=path)

    @server.destroys(confirm="Delete {path} of {when} for good?")
    async def trash_file(path: str, when: AwareDatetime | None = None, part: Part | None = None) -> Out:
        """Another tool, with the same arguments and the same question."""
        announce(action="trash", path=path)
        ran.append(path)
        return Out(done=path)

    @server.destroys
    async def cancel_plan(plan: str, note: str | None = None) -> Out:
        """Cancel."""
        ran.append(plan)
        return Out(done=plan)

    @server.destroys(asks=True)
    async def archive_page(page: str, forgets: bool = False) -> Out:
        """Archive; asks by a name that it has looked up."""
        if not forgets:
            await confirm(f"Archive «the page {page}»?")
        announce(action="archive", page=page)
        ran.append(page)
        return Out(done=page)

    @server.writes(asks=True)
    async def write_file(path: str, twice: bool = False) -> Out:
        """Write; asks when something is there."""
        if path.startswith("old"):
            await confirm(f"Replace {path}?")
        if twice:
            await confirm("Really?")
        announce(action="write", path=path)
        ran.append(path)
        return Out(done=path)

    @server.writes(replaces=True, confirm="Replace {page}?")
    async def replace_page(page: str) -> Out:
        """Replace."""
        announce(action="replace", page=page)
        ran.append(page)
        return Out(done=page)

    @server.writes(replaces=True)
    async def move_page(page: str, late: bool = False) -> Out:
        """Move; asks when the place is taken."""
        if late:
            announce(action="move", page=page)
        if page.startswith("taken"):
            await confirm(f"Replace {page}?")
        announce(action="move", page=page)
        ran.append(page)
        return Out(done=page)

    @server.destroys(asks=True)
    async def drop_page(page: str) -> Out:
        """Drop; what is dropped can change between question and answer."""
        await confirm(f"Drop {page}?", server.etag)  # type: ignore[attr-defined]
        announce(action="drop", page=page)
        ran.append(page)
        return Out(done=page)

    server.etag = "1"  # type: ignore[attr-defined]
    server.ran = ran  # type: ignore[attr-defined]
    return server


def ran(server: ScratchServer) -> list[str]:
    return list(server.ran)  # type: ignore[attr-defined]


# --- tools that ask themselves


@pytest.mark.parametrize("mode", MODES)
async def test_confirmation_question_from_looked_up_values(server: ScratchServer, mode: str) -> None:
    """A tool asks by what a person knows."""
    asked: list[str] = []
    async with client(server, mode, "accept", asked) as c:
        assert (await call(c, "acme_archive_page", page="7")).structured_content == {"done": "7"}
    assert asked == ["Archive «the page 7»?"]
    async with client(server, mode, "decline") as c:
        assert (await call(c, "acme_archive_page", page="8")).is_error
    async with client(server, mode) as c:
        preview = (await call(c, "acme_archive_page", page="9")).structured_content["preview"]
        assert preview["question"] == "Archive «the page 9»?"
        await call(c, "acme_archive_page", page="9", confirm_token=preview["confirm_token"])
    assert ran(server) == ["7", "9"]


async def test_confirmation_forgotten_by_the_tool_destroys_nothing(
    server: ScratchServer, environ: pytest.MonkeyPatch, audit: Lines
) -> None:
    async with client(server, MODERN, "accept") as c:
        result = await call(c, "acme_archive_page", page="7", forgets=True)
        assert result.is_error
        assert "failed inside Flotilla" in text_of(result)
        assert "dry_run" in text_of(await call(c, "acme_archive_page", page="7", forgets=True, dry_run=True))
    assert ran(server) == []
    environ.setenv("FLOTILLA_CONFIRM", "off")
    server.reset()
    async with client(server, MODERN) as c:
        await call(c, "acme_archive_page", page="7", forgets=True)
    assert ran(server) == ["7"]


@pytest.mark.parametrize("mode", MODES)
async def test_replaces_with_confirm_asks_every_time(server: ScratchServer, mode: str) -> None:
    asked: list[str] = []
    async with client(server, mode, "decline", asked) as c:
        assert (await call(c, "acme_replace_page", page="7")).is_error
    async with client(server, mode) as c:
        token = (await preview(c, "acme_replace_page", page="8"))["confirm_token"]
        assert ran(server) == []
        await call(c, "acme_replace_page", page="8", confirm_token=token)
    assert asked == ["Replace 7?"]
    assert ran(server) == ["8"]


@pytest.mark.parametrize("mode", MODES)
async def test_replaces_asks_only_when_the_tool_does(server: ScratchServer, mode: str) -> None:
    async with client(server, mode) as c:
        assert (await call(c, "acme_move_page", page="free")).structured_content == {"done": "free"}
        token = (await preview(c, "acme_move_page", page="taken"))["confirm_token"]
        await call(c, "acme_move_page", page="taken", confirm_token=token)
    assert ran(server) == ["free", "taken"]


async def test_confirmation_after_a_side_effect_is_an_error(server: ScratchServer, audit: Lines) -> None:
    async with client(server, MODERN, "accept") as c:
        result = await call(c, "acme_move_page", page="taken", late=True)
    assert "failed inside Flotilla" in text_of(result)
    assert ran(server) == []


# --- FLOTILLA_CONFIRM=strict


@pytest.mark.parametrize("mode", MODES)
async def test_confirm_strict_refuses_where_nobody_can_be_asked(
    server: ScratchServer, environ: pytest.MonkeyPatch, mode: str
) -> None:
    """The token of a preview is in the model's hands: under strict none is given, and none is taken."""
    async with client(server, mode) as c:
        preview = (await call(c, "acme_archive_page", page="9")).structured_content["preview"]
    environ.setenv("FLOTILLA_CONFIRM", "strict")
    server.reset()
    async with client(server, mode) as c:
        for more in ({}, {"confirm_token": preview["confirm_token"]}):
            for tool, values in (("archive_page", {"page": "9"}), ("delete_file", {"path": "a.md"})):
                result = await call(c, f"acme_{tool}", **values, **more)
                assert result.is_error
                assert "FLOTILLA_CONFIRM=strict" in text_of(result)
                assert "confirm_token" not in text_of(result)
    assert ran(server) == []


@pytest.mark.parametrize("mode", MODES)
async def test_confirm_strict_asks_where_somebody_can_be_asked(
    server: ScratchServer, environ: pytest.MonkeyPatch, mode: str
) -> None:
    environ.setenv("FLOTILLA_CONFIRM", "strict")
    server.reset()
    async with client(server, mode, "accept") as c:
        assert (await call(c, "acme_archive_page", page="7")).structured_content == {"done": "7"}
    async with client(server, mode, "decline") as c:
        assert (await call(c, "acme_archive_page", page="8")).is_error
    assert ran(server) == ["7"]


# --- clients that can be asked


@pytest.mark.parametrize("mode", MODES)
async def test_confirmation_accepted(server: ScratchServer, audit: Lines, mode: str) -> None:
    asked: list[str] = []
    async with client(server, mode, "accept", asked) as c:
        result = await call(c, "acme_delete_file", path="a.md", when="2030-01-02T03:04:05+01:00", part={"name": "x"})
    assert result.structured_content == {"done": "a.md"}
    assert asked == ["Delete a.md of 2030-01-02 03:04:05+01:00 for good?"]
    assert ran(server) == ["a.md"]
    assert [line["outcome"] for line in audit()] == (["ok"] if mode == LEGACY else ["asked", "ok"])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("answer", ["unticked", "decline", "cancel"])
async def test_confirmation_anything_but_yes_is_no(server: ScratchServer, answer: Reply, mode: str) -> None:
    async with client(server, mode, answer) as c:
        result = await call(c, "acme_delete_file", path="a.md")
    assert text_of(result) == (
        "Error: The user did not agree, so nothing was done. Do not try again unless the user asks for it."
    )
    assert ran(server) == []


@pytest.mark.parametrize("mode", MODES)
async def test_confirmation_question_from_arguments(server: ScratchServer, mode: str) -> None:
    """What is destroyed is shown whole, hidden characters too; of a very long name the end, which tells it apart."""
    asked: list[str] = []
    async with client(server, mode, "accept", asked) as c:
        await call(c, "acme_cancel_plan", plan="basic \u202e" + "x" * 500)
        await call(c, "acme_delete_file", path="d/" * 1000 + "a\u200bb.txt")
    assert asked[0] == f"Cancel plan: plan=basic ⟨U+202E⟩{'x' * 500}?"
    assert len(asked[1]) < 1100
    assert asked[1].startswith("Delete …")
    assert asked[1].endswith("d/a⟨U+200B⟩b.txt of None for good?")


@pytest.mark.parametrize("mode", MODES)
async def test_confirmation_by_the_tool_more_than_once(server: ScratchServer, mode: str) -> None:
    asked: list[str] = []
    async with client(server, mode, "accept", asked) as c:
        await call(c, "acme_write_file", path="new.md")
        assert asked == []
        await call(c, "acme_write_file", path="old.md")
        assert asked == ["Replace old.md?"]
        asked.clear()
        result = await call(c, "acme_write_file", path="old.md", twice=True)
    assert asked == ["Replace old.md?", "Really?"]
    assert result.structured_content == {"done": "old.md"}
    assert ran(server) == ["new.md", "old.md", "old.md"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("answers", [[True, False], [False]])
async def test_confirmation_no_to_one_of_two_questions(server: ScratchServer, mode: str, answers: list[bool]) -> None:
    left = list(answers)

    async def reply(*_: object) -> ElicitResult[Any]:
        return ElicitResult(action="accept", content={"confirm": left.pop(0)})

    async with Client(server._mcp, mode=mode, elicitation_handler=reply) as c:
        assert "did not agree" in text_of(await call(c, "acme_write_file", path="old.md", twice=True))
    assert left == []
    assert ran(server) == []


async def test_confirmation_answer_counts_for_its_own_question_only(server: ScratchServer) -> None:
    """In the new era a client could answer what was never asked, or change the arguments between the rounds."""
    async with client(server, MODERN, "accept") as c:

        async def send(state: str | None = None, *, tool: str = "acme_write_file", **arguments: Any) -> Any:
            responses: Any = {"confirm": {"action": "accept", "content": {"confirm": True}}}
            return await c.session.call_tool(
                tool, arguments, input_responses=responses, request_state=state, allow_input_required=True
            )

        confirmation_pending = await send(path="old.md")
        assert confirmation_pending.result_type == "input_required"
        assert ran(server) == []
        state = confirmation_pending.request_state
        for wrong in (
            send(state, path="old2.md"),
            send(state, tool="acme_cancel_plan", plan="x"),
            send("forged", path="old.md"),
        ):
            with pytest.raises(MCPError, match="requestState"):
                await wrong
        second = await send(state, path="old.md")
        assert second.structured_content == {"done": "old.md"}

        first = await send(path="old.md", twice=True)
        middle = await send(first.request_state, path="old.md", twice=True)
        assert middle.input_requests["confirm"].params.message == "Really?"
        empty: Any = await c.session.call_tool(
            "acme_write_file",
            {"path": "old.md", "twice": True},
            request_state=middle.request_state,
            allow_input_required=True,
        )
        assert empty.result_type == "input_required"  # a state without an answer is asked again
        done = await send(empty.request_state, path="old.md", twice=True)
        assert done.structured_content == {"done": "old.md"}


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
async def test_confirmation_wait_does_not_count_for_the_deadline(
    make: Make, environ: pytest.MonkeyPatch, mode: str
) -> None:
    environ.setenv("FLOTILLA_DEADLINE", "0.3")
    server = build(make())

    async def slow(*_: object) -> ElicitResult[Any]:
        await asyncio.sleep(0.6)
        return ElicitResult(action="accept", content={"confirm": True})

    async with Client(server._mcp, mode=mode, elicitation_handler=slow) as c:
        assert (await call(c, "acme_delete_file", path="a")).structured_content == {"done": "a"}
        assert (await call(c, "acme_write_file", path="old", twice=True)).structured_content == {"done": "old"}


@pytest.mark.parametrize("variables", [{"CONFIRM": "off"}, {"CONFIRM": "False"}])
async def test_confirm_off_asks_nobody(make: Make, environ: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        environ.setenv(f"FLOTILLA_{name}", value)
    server = build(make())
    assert (await call(server, "acme_delete_file", path="a")).structured_content == {"done": "a"}
    assert (await call(server, "acme_write_file", path="old")).structured_content == {"done": "old"}


@pytest.mark.parametrize("mode", MODES)
async def test_confirmation_not_asked_in_a_dry_run(server: ScratchServer, mode: str) -> None:
    asked: list[str] = []
    async with client(server, mode, "accept", asked) as c:
        for tool, path in (("acme_delete_file", "a"), ("acme_write_file", "old")):
            result = await call(c, tool, path=path, dry_run=True)
            assert result.structured_content is not None
            assert result.structured_content["dry_run"]["path"] == path
    assert asked == []
    assert ran(server) == []


# --- clients that cannot


async def preview(to: Any, tool: str = "acme_delete_file", **arguments: Any) -> dict[str, Any]:
    result = await call(to, tool, **arguments)
    assert not result.is_error
    assert json.loads(text_of(result)) == result.structured_content
    return dict((result.structured_content or {})["preview"])


@pytest.mark.parametrize("mode", MODES)
async def test_confirm_token_from_preview(server: ScratchServer, audit: Lines, mode: str) -> None:
    async with client(server, mode) as c:
        when = datetime.fromisoformat("2030-01-02T03:04:05+00:00").isoformat()
        reported = await preview(c, path="a.md", when=when, part={"name": "x"})
        assert reported["question"] == "Delete a.md of 2030-01-02 03:04:05+00:00 for good?"
        assert reported["next"].startswith(
            "Nothing was done. Ask the user; after a yes, call again with the same arguments"
        )
        assert ran(server) == []
        token = reported["confirm_token"]
        values = {
            "path": "a.md",
            "when": "2030-01-02T03:04:05Z",
            "part": '{"name": "x"}',
        }  # the same, written otherwise
        result = await call(c, "acme_delete_file", **values, confirm_token=token)
        assert result.structured_content == {"done": "a.md"}
    lines = audit()
    assert [line["outcome"] for line in lines] == ["preview", "ok"]
    assert token not in json.dumps(lines)


async def test_confirm_token_bound_to_tool_arguments_and_time(
    server: ScratchServer, environ: pytest.MonkeyPatch
) -> None:
    async with client(server, LEGACY) as c:
        token = (await preview(c, path="a.md"))["confirm_token"]
        for sentence, tool, arguments in (
            ("was given for other arguments", "acme_delete_file", {"path": "b.md"}),
            ("was given for other arguments", "acme_delete_file", {"path": "a.md", "part": {"name": "x"}}),
            ("was given for other arguments", "acme_cancel_plan", {"plan": "a.md"}),
            ("was given for other arguments", "acme_trash_file", {"path": "a.md"}),  # the same, but for the tool
        ):
            assert sentence in text_of(await call(c, tool, **arguments, confirm_token=token))
        for forged in ("yes", token[:-4] + "AAAA", token + "x", "🙂"):
            text = text_of(await call(c, "acme_delete_file", path="a.md", confirm_token=forged))
            assert text == (
                "Error: The confirm_token is not valid. "
                "Call without confirm_token, show the user what it says, then pass the token it returns."
            )
        now = time.time()
        environ.setattr(time, "time", lambda: now + 601)
        assert "has expired" in text_of(await call(c, "acme_delete_file", path="a.md", confirm_token=token))
    assert ran(server) == []


async def test_confirm_token_for_each_of_two_questions(server: ScratchServer) -> None:
    async with client(server, LEGACY) as c:
        first = await preview(c, "acme_write_file", path="old", twice=True)
        second = await preview(c, "acme_write_file", path="old", twice=True, confirm_token=first["confirm_token"])
        assert (first["question"], second["question"]) == ("Replace old?", "Really?")
        result = await call(c, "acme_write_file", path="old", twice=True, confirm_token=second["confirm_token"])
        assert result.structured_content == {"done": "old"}


async def test_confirmation_client_claims_to_ask_and_cannot(server: ScratchServer) -> None:
    async def refuse(*_: object) -> ElicitResult[Any]:
        raise MCPError(INTERNAL_ERROR, "client does not support elicitation")

    async with Client(server._mcp, mode=LEGACY, elicitation_handler=refuse) as c:
        token = (await preview(c, path="a.md"))["confirm_token"]
        result = await call(c, "acme_delete_file", path="a.md", confirm_token=token)
        assert result.structured_content == {"done": "a.md"}


# --- one yes allows one execution

USED = (
    "Error: This yes was used already, and one yes allows one execution. Look whether it was done; to do it again, "
    "call without confirm_token: the user is then asked again."
)


async def test_confirm_token_used_once(server: ScratchServer, make: Make) -> None:
    token = (await preview(server, path="a.md"))["confirm_token"]
    assert (await call(server, "acme_delete_file", path="a.md", confirm_token=token)).structured_content
    for other in (server, build(make())):  # and another process of the same state
        assert text_of(await call(other, "acme_delete_file", path="a.md", confirm_token=token)) == USED
        assert ran(other) == (["a.md"] if other is server else [])


async def test_confirm_token_used_once_without_state_folder(
    make: Make, environ: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without a folder for its key, the token is good within the session."""
    environ.setenv("FLOTILLA_STATE", str(tmp_path / "nowhere"))
    server = build(make())
    reported = await preview(server, path="a.md")
    assert "within 10 minutes, in this session: the server has no folder to keep its key in." in reported["next"]
    token = reported["confirm_token"]
    assert "not valid" in text_of(await call(build(make()), "acme_delete_file", path="a.md", confirm_token=token))
    assert (await call(server, "acme_delete_file", path="a.md", confirm_token=token)).structured_content
    assert text_of(await call(server, "acme_delete_file", path="a.md", confirm_token=token)) == USED
    assert ran(server) == ["a.md"]


async def test_confirm_token_that_cannot_be_spent_refused(server: ScratchServer, environ: pytest.MonkeyPatch) -> None:
    """Another process could take it once more."""
    token = (await preview(server, path="a.md"))["confirm_token"]

    def no_room(*_: object, **__: object) -> bool:
        raise errors.ConfigurationError("The state folder cannot be written.")

    environ.setattr(State, "spend", no_room)
    result = await call(server, "acme_delete_file", path="a.md", confirm_token=token)
    assert text_of(result) == "Error: The state folder cannot be written."
    assert ran(server) == []


async def test_confirmation_answer_used_once(server: ScratchServer, make: Make) -> None:
    """In the new era the answer and the sealed state travel with the client, which could send them again."""

    async def send(to: ScratchServer, state: str | None = None, **arguments: Any) -> Any:
        responses: Any = {"confirm": {"action": "accept", "content": {"confirm": True}}}
        async with client(to, MODERN, "accept") as c:
            return await c.session.call_tool(
                "acme_write_file", arguments, input_responses=responses, request_state=state, allow_input_required=True
            )

    first = await send(server, path="old.md")
    assert (await send(server, first.request_state, path="old.md")).structured_content == {"done": "old.md"}
    for other in (server, build(make())):
        assert text_of(await send(other, first.request_state, path="old.md")) == USED
    assert ran(server) == ["old.md"]

    one = await send(server, path="old.md", twice=True)
    two = await send(server, one.request_state, path="old.md", twice=True)
    assert (await send(server, two.request_state, path="old.md", twice=True)).structured_content
    for state in (one.request_state, two.request_state):
        assert text_of(await send(server, state, path="old.md", twice=True)) == USED
    assert ran(server) == ["old.md", "old.md"]


async def test_confirmation_asked_again_after_a_change(server: ScratchServer) -> None:
    first = await preview(server, "acme_drop_page", page="7")
    server.etag = "2"  # type: ignore[attr-defined]
    second = await preview(server, "acme_drop_page", page="7", confirm_token=first["confirm_token"])
    assert ran(server) == []
    result = await call(server, "acme_drop_page", page="7", confirm_token=second["confirm_token"])
    assert result.structured_content == {"done": "7"}


async def test_confirmation_not_repeated_for_the_same_idempotency_key(make: Make) -> None:
    server = make()
    ran: list[str] = []

    @server.destroys(creates=True, confirm="Replace {path}?")
    async def replace_file(path: str) -> Out:
        """Replace."""
        announce(action="replace", path=path)
        ran.append(path)
        return Out(done=path)

    keyed_requests = {"path": "a", "idempotency_key": "k"}
    token = (await preview(server, "acme_replace_file", **keyed_requests))["confirm_token"]
    for _ in range(2):
        result = await call(server, "acme_replace_file", **keyed_requests, confirm_token=token)
        assert result.structured_content == {"done": "a"}
    assert ran == ["a"]


async def test_confirm_tokens_spent_are_swept(server: ScratchServer, tmp_path: Path) -> None:
    for _ in range(2):
        token = (await preview(server, path="a.md"))["confirm_token"]
        await call(server, "acme_delete_file", path="a.md", confirm_token=token)
        (spent,) = (tmp_path / "acme").glob("spent-*")
        os.utime(spent, (time.time() - HOUR - 1,) * 2)
    assert HOUR > TOKEN_SECONDS


# --- restarts and other workers


async def test_confirm_token_works_in_another_process(server: ScratchServer, make: Make) -> None:
    """As with `docker mcp tools call`, which starts a new container for each call."""
    token = (await preview(server, path="a.md"))["confirm_token"]
    other = build(make())
    assert (await call(other, "acme_delete_file", path="a.md", confirm_token=token)).structured_content
    assert (ran(server), ran(other)) == ([], ["a.md"])


async def test_confirm_token_state_key_survives_a_restart(make: Make, environ: pytest.MonkeyPatch) -> None:
    environ.setenv("FLOTILLA_STATE_KEY", "k" * 32)
    one, other = build(make()), build(make())
    token = (await preview(one, path="a.md"))["confirm_token"]
    assert (await call(other, "acme_delete_file", path="a.md", confirm_token=token)).structured_content

    async def rounds(first: ScratchServer, second: ScratchServer) -> dict[str, Any]:
        """Ask one worker, bring the answer to the other."""
        params = {"name": "acme_delete_file", "arguments": {"path": "b.md"}}
        async with raw(first, MODERN) as session:
            asked = await session.request("tools/call", **able(params))
        responses = {"confirm": {"action": "accept", "content": {"confirm": True}}}
        state = asked["result"]["requestState"]
        async with raw(second, MODERN) as session:
            return await session.request(
                "tools/call", **able({**params, "inputResponses": responses, "requestState": state})
            )

    assert (await rounds(one, other))["result"]["structuredContent"] == {"done": "b.md"}
    environ.delenv("FLOTILLA_STATE_KEY")
    stranger = build(make())
    assert (await rounds(one, stranger))["error"]["code"] == -32602
    assert "not valid" in text_of(await call(stranger, "acme_delete_file", path="a.md", confirm_token=token))
    assert ran(stranger) == []


def able(params: dict[str, Any]) -> dict[str, Any]:
    """Say that the client can ask a person."""
    meta: dict[str, Any] = {"io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}}}
    return stamped(MODERN, {**params, "_meta": meta})
