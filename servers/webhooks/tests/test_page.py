"""The page: for the operator on this machine alone, and without what vendors sent."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2 as httpx
import pytest

from flotilla_servers.webhooks.receive.inbox import Inboxes
from flotilla_servers.webhooks.receive.page import Page
from flotilla_servers.webhooks.store import Arrival, Store
from flotilla_servers.webhooks.tests.conftest import inboxes_of

TOKEN = "a-password-of-the-operator"
PORT = 8086


@pytest.fixture
def woken() -> list[bool]:
    return []


@pytest.fixture
async def page(store: Store, woken: list[bool]) -> AsyncIterator[httpx.AsyncClient]:
    """A browser of the operator's, at the page's port."""

    async def receiver(scope: object, receive: object, send: object) -> None:
        raise AssertionError("the page's port serves the page alone")

    inboxes = inboxes_of(store)
    inboxes.by_tenant[""].wake = lambda: woken.append(True)  # type: ignore[method-assign]
    app = Page(inboxes, TOKEN).beside(receiver, PORT)
    base = f"http://127.0.0.1:{PORT}"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base, auth=("operator", TOKEN)) as client:
        yield client


async def test_page_shows_the_state(store: Store, page: httpx.AsyncClient) -> None:
    arrival = Arrival(
        "slack", "main", "<b>key", "<script>alert(1)</script>", "T1", None, {"text": "canary"}, forward=True
    )
    store.add([arrival, arrival])
    store.count("slack", "main", "refused: the signature does not match", 3)
    [forward] = store.claim(60, 1)
    store.attempted(forward, "dead", 0, "it answered <410>")
    shown = await page.get("/")
    assert shown.status_code == 200
    policy = shown.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} <= set(policy)
    # With no-referrer a browser would send `Origin: null` with the page's buttons, which the page refuses.
    assert shown.headers["referrer-policy"] == "same-origin"
    assert "&lt;script&gt;" in shown.text
    assert "it answered &lt;410&gt;" in shown.text
    assert "refused: the signature does not match" in shown.text
    assert "<script" not in shown.text
    assert "canary" not in shown.text


async def test_page_button_forwards_again(store: Store, page: httpx.AsyncClient, woken: list[bool]) -> None:
    store.add([Arrival("slack", "main", "k", "", "", None, {}, forward=True)])
    [forward] = store.claim(60, 1)
    store.attempted(forward, "dead", 0, "")
    own = {"origin": f"http://127.0.0.1:{PORT}"}
    assert (await page.post("/again", data={"event": "1"}, headers=own)).status_code == 303
    assert ([one.state for one in store.forwards()], woken) == (["waiting"], [True])
    for event in ("1; DROP", "", "9" * 5_000):
        assert (await page.post("/again", data={"event": event}, headers=own)).status_code == 303


async def test_page_shows_an_offered_secret_until_it_is_forgotten(store: Store, page: httpx.AsyncClient) -> None:
    store.offer("notion", "main", "secret_of-notion")
    assert "secret_of-notion" in (await page.get("/")).text
    own = {"origin": f"http://127.0.0.1:{PORT}"}
    await page.post("/forget", data={"endpoint": "notion/main"}, headers=own)
    assert "secret_of-notion" not in (await page.get("/")).text


async def test_page_shows_a_secret_that_cannot_be_opened(store: Store, page: httpx.AsyncClient) -> None:
    """A state key that has changed takes the rest of the page from nobody."""
    store.offer("notion", "main", "secret_of-notion")
    with store._writing() as db:
        db.execute("UPDATE offered SET secret = x'00'")
    shown = await page.get("/")
    assert "cannot be opened" in shown.text
    assert "calendly/main" in shown.text


async def test_page_refuses_others(store: Store, page: httpx.AsyncClient) -> None:
    assert (await page.get("/", auth=("operator", "wrong"))).status_code == 401
    assert (await page.get("/", auth=httpx.Auth())).status_code == 401
    assert (await page.get("/", headers={"host": "hooks.example.com:8086"})).status_code == 403
    # A form of another site, which the browser sends with the password.
    for origin in ({"origin": "https://evil.example"}, {"origin": "null"}, {}):
        assert (await page.post("/again", data={"event": "1"}, headers=origin)).status_code == 403


async def test_page_is_not_at_the_receivers_port(store: Store) -> None:
    reached: list[str] = []

    async def receiver(scope: dict[str, object], receive: object, send: object) -> None:
        reached.append(str(scope["path"]))

    serve = Page(Inboxes(), TOKEN).beside(receiver, PORT)  # type: ignore[arg-type]
    await serve({"type": "http", "path": "/", "server": ("127.0.0.1", 8085)}, None, None)  # type: ignore[arg-type]
    await serve({"type": "http", "path": "/x", "server": None}, None, None)  # type: ignore[arg-type]
    assert reached == ["/", "/x"]
