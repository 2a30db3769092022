"""The same key gives the same result, and nothing is done twice; what is remembered survives a restart."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import AwareDatetime

from flotilla import Model, announce, errors
from flotilla.calls import idempotency
from flotilla.calls.context import current
from flotilla.calls.idempotency import Idempotency
from flotilla.state import BLOCK, State, digest
from flotilla_testing.client import call, client, text_of
from flotilla_testing.scratch import ScratchServer

Make = Callable[..., ScratchServer]
Lines = Callable[[], list[dict[str, Any]]]


class Out(Model):
    number: int


class Shop:
    """A server that counts its orders, and can be made to fail before, while or after an order is placed."""

    def __init__(self, server: ScratchServer) -> None:
        self.server, self.placed, self.fails = server, 0, None
        self.before: Exception | None = None
        self.after: BaseException | None = None
        self.side_effect_confirmed, self.keyed_requests, self.announced = False, 0, asyncio.Event()

        @server.writes(creates=True)
        async def create_order(item: str, when: AwareDatetime | None = None) -> Out:
            """Order."""
            if self.before:
                raise self.before
            announce(action="order", item=item)
            self.announced.set()
            await asyncio.sleep(0.05)
            self.placed += 1
            current().side_effect_confirmed, current().keyed_requests = self.side_effect_confirmed, self.keyed_requests
            if self.after:
                raise self.after
            return Out(number=self.placed)

    async def order(self, key: str | None = "k1", item: str = "x", **more: Any) -> Any:
        result = await call(self.server, "acme_create_order", item=item, idempotency_key=key, **more)
        return text_of(result) if result.is_error else result.structured_content


def remembered(shop: Shop) -> Idempotency:
    connection = shop.server.connection
    return connection.resource(Idempotency, lambda: Idempotency(connection.state, connection.audit))


@pytest.fixture
def shop(make: Make) -> Shop:
    return Shop(make())


async def test_idempotency_key_returns_the_first_result(shop: Shop, audit: Lines) -> None:
    when = {"when": "2030-01-02T03:04:05Z"}
    assert await shop.order(**when) == {"number": 1}
    assert await shop.order(when="2030-01-02T03:04:05+00:00") == {"number": 1}
    assert await shop.order("k2") == {"number": 2}
    assert await shop.order(None) == {"number": 3}
    assert await shop.order("") == {"number": 4}
    assert [line["outcome"] for line in audit()] == ["ok", "repeated", "ok", "ok", "ok"]


async def test_idempotency_key_with_other_arguments_refused(shop: Shop) -> None:
    await shop.order()
    assert await shop.order(item="y") == (
        "Error: The idempotency_key was used for another call of acme_create_order with other arguments. "
        "Use a new key for a new action, the old key only to repeat the same one."
    )
    assert shop.placed == 1
    assert "Argument `idempotency_key` does not fit" in await shop.order("k" * 256)


async def test_idempotency_key_twenty_parallel_calls(shop: Shop) -> None:
    async with client(shop.server) as c:
        results = await asyncio.gather(
            *(call(c, "acme_create_order", item="x", idempotency_key="k1") for _ in range(20))
        )
    assert [r.structured_content for r in results] == [{"number": 1}] * 20
    assert not remembered(shop)._locks  # nothing is kept that would grow


async def test_idempotency_key_shared_by_workers(make: Make) -> None:
    """Workers that share the folder wait for each other."""
    one, other = Shop(make()), Shop(make())
    results = await asyncio.gather(*(shop.order() for shop in (one, other) * 5))
    assert results == [{"number": 1}] * 10
    assert one.placed + other.placed == 1


async def test_idempotency_key_freed_by_a_failure_before_the_action(shop: Shop) -> None:
    shop.before = errors.UpstreamError("Nothing yet.")
    assert await shop.order() == "Error: Nothing yet."
    shop.before = ValueError("bug")
    assert "failed inside Flotilla" in await shop.order()
    shop.before = None
    assert await shop.order() == {"number": 1}


async def test_idempotency_key_freed_by_a_refusal(shop: Shop) -> None:
    shop.after = errors.InvalidInputError("Refused.")
    assert await shop.order() == "Error: Refused."
    shop.after = None
    assert await shop.order() == {"number": 2}


BROKEN = (
    "Error: An earlier call with this idempotency_key broke off: it may or may not have been done. "
    "Look whether it was done; if not, call again with a new key."
)


@pytest.mark.parametrize("problem", [errors.UpstreamError("Cut."), ValueError("bug"), TimeoutError()])
async def test_idempotency_key_kept_after_a_later_failure(shop: Shop, problem: Exception) -> None:
    """A failure after the action keeps the key."""
    shop.after = problem
    assert (await shop.order()).startswith("Error: ")
    shop.after = None
    assert await shop.order() == BROKEN
    assert shop.placed == 1


async def test_idempotency_key_kept_when_an_earlier_step_was_done(shop: Shop) -> None:
    shop.after, shop.side_effect_confirmed = errors.InvalidInputError("The second step was refused."), True
    await shop.order()
    shop.after = None
    assert await shop.order() == BROKEN


async def test_idempotency_key_known_to_the_vendor_may_be_sent_again(shop: Shop) -> None:
    shop.after, shop.keyed_requests = errors.UpstreamError("Cut."), 1
    await shop.order()
    shop.after = None
    assert await shop.order() == {"number": 2}  # the vendor sorts it out


async def test_idempotency_key_kept_by_a_cancelled_call(shop: Shop) -> None:
    task = asyncio.ensure_future(shop.order())
    await shop.announced.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.05)
    assert await shop.order() == BROKEN


async def test_idempotency_key_not_used_by_a_dry_run(shop: Shop) -> None:
    assert (await shop.order(dry_run=True))["dry_run"] == {"action": "order", "item": "x"}
    assert await shop.order() == {"number": 1}


async def test_idempotency_key_after_a_restart_and_a_day(
    make: Make, environ: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert await Shop(make()).order() == {"number": 1}
    again = Shop(make())
    again.placed = 10
    assert await again.order() == {"number": 1}
    now = time.time()
    environ.setattr(time, "time", lambda: now + 86_401)
    assert await again.order() == {"number": 11}
    (note,) = (tmp_path / "acme").glob("once-*.sealed")
    assert State(str(tmp_path), "acme").get(note.stem)["result"] == {"number": 11}
    assert note.stat().st_mode & 0o077 == 0


async def test_idempotency_key_old_records_swept(shop: Shop, tmp_path: Path) -> None:
    folder = tmp_path / "acme"
    await shop.order("old")
    await shop.order("new")
    old, new = sorted(folder.glob("once-*.sealed"), key=lambda p: p.stat().st_mtime)
    (folder / "oauth.sealed").write_text("{}")
    for path in (old, folder / "oauth.sealed"):
        os.utime(path, (1, 1))
    await shop.order("newer")
    assert not old.exists()
    assert new.exists()
    assert (folder / "oauth.sealed").exists()


# --- what cannot be remembered


def no_room(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


async def test_idempotency_key_that_cannot_be_saved_refused(
    shop: Shop, environ: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is refused before anything is done."""
    environ.setattr(os, "fsync", no_room)
    text = await shop.order()
    assert text == (
        "Error: The idempotency_key cannot be remembered, so nothing was done. The state folder "
        f"{tmp_path} cannot be written: No space left on device. Ask the user to free space, to mount a volume at "
        f"{tmp_path}, or to set FLOTILLA_STATE to a folder that can be written. The same call without "
        "idempotency_key works."
    )
    assert shop.placed == 0
    assert await shop.order(None) == {"number": 1}


async def test_idempotency_key_without_state_folder_refused(
    make: Make, environ: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environ.setenv("FLOTILLA_STATE", str(tmp_path / "absent"))
    shop = Shop(make())
    assert "there is no such folder" in await shop.order()
    assert await shop.order(None) == {"number": 1}
    assert not (tmp_path / "absent").exists()


async def test_idempotency_result_that_cannot_be_saved_is_returned_and_logged(
    shop: Shop, environ: pytest.MonkeyPatch, audit: Lines
) -> None:
    """What was done is done: the first note stays, and a repeat gets the error that it is not known."""
    fsync = os.fsync

    def full_after_the_act(fd: int) -> None:
        if shop.placed:
            no_room()
        fsync(fd)

    environ.setattr(os, "fsync", full_after_the_act)
    assert await shop.order() == {"number": 1}
    (line,) = [line for line in audit() if line["event"] != "call"]
    assert (line["level"], line["event"]) == ("error", "idempotency record not saved")
    assert "No space left" in line["reason"]
    assert await shop.order() == BROKEN
    assert shop.placed == 1


async def test_idempotency_result_too_large_remembered_as_done(shop: Shop, environ: pytest.MonkeyPatch) -> None:
    environ.setattr(idempotency, "LARGEST", 5)
    assert await shop.order() == {"number": 1}
    assert await shop.order() == (
        "Error: The call with this idempotency_key was done already, but its result was not kept. "
        "Do not repeat it; look it up."
    )
    assert shop.placed == 1


async def test_idempotency_records_limited_in_size(shop: Shop, environ: pytest.MonkeyPatch) -> None:
    """The records of a day cannot fill the disk."""
    environ.setattr(idempotency, "MOST", 2 * BLOCK)
    for key in ("a", "b", "c"):
        await shop.order(key)
    text = await shop.order("d")
    assert "idempotency keys take" in text
    assert "The same call without idempotency_key works." in text
    assert await shop.order("a") == {"number": 1}
    assert await shop.order(None) == {"number": 4}


def test_digest() -> None:
    assert digest({"a": 1, "b": [Out(number=1)]}) == digest({"b": [Out(number=1)], "a": 1})
    assert digest("ab", "c") != digest("a", "bc")
    assert digest(object) != digest(int)
    assert len(digest()) == 32


def test_state_folders_are_private(make: Make) -> None:
    """Tokens lie in them: nobody else on the machine may even list them, whatever the umask."""
    server = make()
    before = os.umask(0)
    try:
        server.connection.state.put("token", {"access": "x"})
    finally:
        os.umask(before)
    folder = server.connection.state._folder
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.iterdir())
    made = [path for path in folder.parents if path.name == ".flotilla"]
    assert [path.stat().st_mode & 0o777 for path in made] == [0o700] * len(made)
