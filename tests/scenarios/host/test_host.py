"""Days with servers of one's own behind the switchboard, by a person in a real browser and by clients."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from playwright.async_api import Page, async_playwright, expect

from flotilla_cli import paths
from flotilla_servers.switchboard.action_log import read
from flotilla_testing.ports import free_port, is_served
from flotilla_testing.waiting import eventually, wait_until

CHROMIUM = shutil.which("chromium")
ATELIER = Path(__file__).with_name("atelier.py")
TOKEN, CONSOLE_TOKEN = "client-token-1", "console-token-1"

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium; scripts/browser installs one where that is possible")


class Board:
    """A switchboard over HTTP with a console, and what its people see of it."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder, self.log = folder, folder / "board.log"
        self.options = ["--settings", str(folder / "settings.json"), "--state", str(folder / "state")]
        command = [str(paths.VENV / "flotilla-switchboard"), *self.options, "--data", str(folder / "data")]
        command += ["--run", "process", "--transport", "http", "--port", "0", "--console", "on", *options]
        tokens = {"FLOTILLA_HTTP_TOKEN": TOKEN, "FLOTILLA_CONSOLE_TOKEN": CONSOLE_TOKEN}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("FLOTILLA_")}
        with self.log.open("wb") as stderr:
            self.process = subprocess.Popen(
                command, env={**inherited, **tokens}, stderr=stderr, stdin=subprocess.DEVNULL
            )

    async def address(self) -> str:
        def url() -> str:
            assert self.process.poll() is None, self.log.read_text()
            return next((word for word in self.log.read_text().split() if word.startswith("http://")), "").rstrip(",")

        return str(await eventually(url))

    def close(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)

    @asynccontextmanager
    async def client(self, mode: str = "auto", **handlers: Any) -> AsyncIterator[Client[Any]]:
        transport = StreamableHttpTransport(await self.address(), auth=TOKEN)
        async with Client(transport, mode=mode, timeout=60, **handlers) as client:
            yield client

    @asynccontextmanager
    async def console(self) -> AsyncIterator[Page]:
        """A browser whose person is signed in."""
        async with async_playwright() as playwright:
            options = ["--no-sandbox"] if os.geteuid() == 0 else []  # which root cannot have in a container
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=options)
            page = await browser.new_page(locale="en")
            page.set_default_timeout(20_000)
            root = (await self.address()).removesuffix("/mcp") + "/console"
            await page.goto(f"{root}/?token={CONSOLE_TOKEN}")
            await page.wait_for_url(f"{root}/")
            yield page
            await browser.close()

    def servers(self, *arguments: str) -> str:
        """Run `scripts/flotilla servers`."""
        command = [sys.executable, str(paths.ROOT / "scripts" / "flotilla_cli"), "servers", *self.options, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def rows(self, tool: str) -> list[tuple[str, str]]:
        """Return how the calls of a tool were decided and how they ended, the first one first."""
        rows = [row for row in read(self.folder / "state") if row["tool_name"] == tool]
        return [(row["decision"], row["outcome"]) for row in reversed(rows)]


class Atelier:
    """The server of one's own; `calls` are those that it got."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "calls.jsonl"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/mcp"

    @property
    def calls(self) -> list[Any]:
        lines = self.file.read_text(encoding="utf-8").splitlines() if self.file.exists() else []
        return [json.loads(line) for line in lines]

    def command(self, *more: str) -> list[str]:
        return [sys.executable, str(ATELIER), "--calls", str(self.file), *more]

    @contextmanager
    def serving(self, *more: str) -> Iterator[None]:
        """Serve over HTTP."""
        process = subprocess.Popen(self.command("--port", str(self.port), *more), stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: is_served(self.port) or process.poll() is not None)
            assert process.poll() is None, "the server of one's own has ended"
            yield
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def atelier(tmp_path: Path) -> Atelier:
    return Atelier(tmp_path)


@pytest.fixture
def board(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Board]:
    made = Board(tmp_path, *getattr(request, "param", ("--servers", "filesystem")))
    yield made
    made.close()


async def text_of(client: Client[Any], tool: str, /, **arguments: Any) -> str:
    result: Any = await client.call_tool_mcp(tool, arguments)
    return str(result.content[0].text)


async def names(client: Client[Any]) -> set[str]:
    return {tool.name for tool in await client.list_tools()}


async def listed(client: Client[Any], name: str) -> bool:
    return name in await names(client)


async def offered(client: Client[Any], query: str) -> dict[str, Any]:
    """Return what a search offers, by name."""
    result: Any = await client.call_tool_mcp("search_tools", {"query": query})
    return {tool["name"]: tool for tool in result.structured_content["tools"]}


async def offer(client: Client[Any], query: str, name: str) -> Any:
    """Return one tool of what a search offers, if it is there."""
    return (await offered(client, query)).get(name)


@pytest.mark.node
async def test_server_seen_before_it_is_allowed(board: Board, atelier: Atelier, typescript: Any) -> None:
    """A person adds a server, looks at its tools, allows one and denies one; a changed tool is asked about again."""
    asked: list[str] = []

    async def yes(message: str, *_: Any) -> dict[str, bool]:
        asked.append(message)
        return {"confirm": True}

    async with board.client() as client, board.console() as page:
        before = await names(client)
        with atelier.serving():
            await page.get_by_role("link", name="Servers").click()
            await page.get_by_label("Name (small letters").fill("atelier")
            await page.get_by_label("Address", exact=False).first.fill(atelier.url)
            await page.locator("input[name=local]").check()
            await page.get_by_role("button", name="Add a server").click()
            await expect(page.get_by_text("Its tools were read.")).to_be_visible()
            assert await names(client) == before
            await page.get_by_role("link", name="Look at its tools").click()
            await page.get_by_role("button", name="I have looked at all tools").click()
            for tool, decision in (("read_contacts", "Allow"), ("delete_contacts", "Deny")):
                await page.get_by_label(f"Decision for {tool}").select_option(decision)
                row = page.locator("li", has=page.get_by_text(tool, exact=True))
                await row.get_by_role("button", name="Save").click()
                await expect(page.get_by_text("Saved.")).to_be_visible()
            async with board.client() as later:
                assert await names(later) - before == {"read_contacts", "deploy_prod"}
                assert (await text_of(later, "read_contacts", query="Zoé")).startswith("Zoé Lefèvre")
                assert (await text_of(later, "delete_contacts", filter="*")).startswith("Error: Unknown tool")
            http = {"url": await board.address(), "token": TOKEN}
            steps = [{"list": True}, {"call": "read_contacts", "arguments": {"query": "é"}}]
            results = typescript(sdk="v2", mode="auto", http=http, steps=steps)["results"]
            assert {tool["name"] for tool in results[0]} >= {"read_contacts"}
            assert not results[1].get("isError")
        with atelier.serving("--about", "Read the contacts, and send them to everybody."):
            board.servers("refresh", "atelier")
            async with board.client(elicitation_handler=yes) as later:
                [tool] = [tool for tool in await later.list_tools() if tool.name == "read_contacts"]
                assert tool.description == "Read the contacts."

                async def noted() -> bool:
                    assert (await text_of(later, "read_contacts", query="é")).startswith("Zoé Lefèvre")
                    return bool(asked)

                await eventually(noted)  # until the switchboard has taken note of the change
    assert len(asked) == 1
    assert '+ "description": "Read the contacts, and send them to everybody."' in asked[0]
    assert {name for name, _ in atelier.calls} == {"read_contacts"}


def add(board: Board, atelier: Atelier, *more: str, title: str = "Atelier") -> None:
    """Add the server by the command line, and look at it."""
    board.servers("add", "atelier", "--title", title, *more)
    board.servers("look", "atelier", "--yes")


@pytest.mark.parametrize("board", [("--servers", "filesystem", "--search", "on")], indirect=True)
async def test_deploy_approved_in_the_console(board: Board, atelier: Atelier) -> None:
    """A client that cannot ask finds the deploy script; a person says yes in the browser; it runs and is logged."""
    add(board, atelier, "--command", *atelier.command())
    async with board.console() as page, board.client() as client:
        tool = await eventually(lambda: offer(client, "launch the deploy script", "deploy_prod"))
        call = asyncio.create_task(text_of(client, tool["call_with"], name="deploy_prod", arguments={"branch": "main"}))
        card = page.get_by_role("article", name="deploy prod")
        await expect(card).to_contain_text("main")
        assert atelier.calls == []
        await card.get_by_role("button", name="Approve").click()
        assert await call == "main is deployed"
        await eventually(lambda: board.rows("deploy_prod"))
        await page.get_by_role("link", name="Activity").click()
        await expect(page.get_by_role("listitem").filter(has_text="deploy_prod done")).to_be_visible()
    assert board.rows("deploy_prod") == [("approved by console", "ok")]
    assert atelier.calls == [["deploy_prod", {"branch": "main"}]]


async def test_delete_all_inactive_contacts_asks_with_its_filter(board: Board, atelier: Atelier) -> None:
    """« Supprime tous les contacts inactifs »: the person sees action, target and filter, and declines, then agrees."""
    asked, answers = list[str](), [{"confirm": False}, {"confirm": True}]

    async def answer(message: str, *_: Any) -> dict[str, bool]:
        asked.append(message)
        return answers[len(asked) - 1]

    add(board, atelier, "--command", *atelier.command())
    async with board.client(elicitation_handler=answer) as client:
        await eventually(lambda: listed(client, "delete_contacts"))
        declined = await text_of(client, "delete_contacts", filter="statut = inactif")
        assert declined.startswith("Error: The user declined `delete_contacts`. Nothing was done.")
        assert atelier.calls == []
        assert await text_of(client, "delete_contacts", filter="statut = inactif") == "12 contacts deleted"
    expected = "Atelier: Delete Contacts (delete_contacts)\n  filter: statut = inactif"
    assert all(expected in message for message in asked)
    assert len(atelier.calls) == 1
    await eventually(lambda: [row for row in board.rows("delete_contacts") if row[1] in ("denied", "ok")][1:])
    ended = [row for row in board.rows("delete_contacts") if row[0] != "waiting"]
    assert [row[1] for row in ended] == ["denied", "ok"]


@pytest.mark.parametrize("board", [("--servers", "filesystem", "--language", "fr")], indirect=True)
async def test_note_replayed_when_the_server_is_up_again(board: Board, atelier: Atelier) -> None:
    """GoHighLevel is down: a sentence to say, a note, and a person who replays it in the console when it is up."""
    with atelier.serving():
        add(board, atelier, "--url", atelier.url, "--local", title="GoHighLevel")
    wanted = {"query": "Zoé Lefèvre"}
    async with board.client() as client, board.console() as page:
        await eventually(lambda: listed(client, "read_contacts"))
        down = await text_of(client, "read_contacts", **wanted)
        assert "“Je ne peux pas accéder à GoHighLevel pour le moment.”" in down
        assert "note_save" in down
        saved = await text_of(client, "note_save", intent="Chercher Zoé", tool="read_contacts", arguments=wanted)
        assert not saved.startswith("Error"), saved
        assert atelier.calls == []
        with atelier.serving():
            await page.get_by_role("link", name="Notes").click()
            await page.get_by_role("link", name="Chercher Zoé").click()
            await page.get_by_role("button", name="Replay").click()
            await expect(page.get_by_text("inactive depuis 2021")).to_be_visible(timeout=20_000)
    assert atelier.calls == [["read_contacts", wanted]]


@pytest.mark.parametrize("board", [("--servers", "all", "--language", "fr", "--say-after", "0.2")], indirect=True)
async def test_voice_agent_with_the_whole_fleet(board: Board, atelier: Atelier) -> None:
    """With all servers a voice agent finds the tool by the caller's words, calls it, and has something to say."""
    add(board, atelier, "--command", *atelier.command("--pause", "1.5"))
    messages: list[str] = []

    async def progress(step: float, total: float | None, message: str | None) -> None:
        messages.append(message or "")

    async with board.client(progress_handler=progress) as client:
        tools = await client.list_tools()
        definitions = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]
        assert len(json.dumps(definitions)) < 3_200
        for query, tool in (
            ("qui m'a écrit aujourd'hui dans gmail", "gmail_"),
            ("où en est la commande shopify de madame Durand", "shopify_"),
            ("crée un ticket zendesk pour le client", "zendesk_"),
        ):
            assert any(name.startswith(tool) for name in await offered(client, query)), query
        await eventually(lambda: offer(client, "read contacts atelier", "read_contacts"))
        answer = await text_of(client, "call_read_tool", name="read_contacts", arguments={"query": "Zoé"})
    assert answer.startswith("Zoé Lefèvre")
    assert messages == ["Je cherche dans Atelier …"]
