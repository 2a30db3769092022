"""`fetch_each`: lists whose vendor gives ids alone."""

from __future__ import annotations

import asyncio

import pytest

from flotilla import Model, errors, fetch_each
from flotilla.calls.context import Call, current, entered
from flotilla.http.responses import Record


class Thing(Model):
    id: str


async def fetch(name: str) -> Thing:
    await asyncio.sleep(0)
    if name == "gone":
        raise errors.NotFoundError("It is not there.")
    if name == "limited":
        raise errors.RateLimitError("Too many requests.")
    record = Record(number=1) if name == "odd" else Record(id=name)
    return Thing(id=record["id"])


async def test_fetch_each_keeps_the_order() -> None:
    assert [thing.id for thing in await fetch_each(["a", "b", "c"], fetch)] == ["a", "b", "c"]


async def test_fetch_each_leaves_out_and_counts() -> None:
    with entered(Call("x")):
        assert [thing.id for thing in await fetch_each(["a", "gone", "odd", "b"], fetch)] == ["a", "b"]
        assert current().unreadable == 2


async def test_fetch_each_raises_what_is_no_fault_of_an_item() -> None:
    with pytest.raises(errors.RateLimitError):
        await fetch_each(["a", "limited"], fetch)


async def test_fetch_each_some_at_a_time() -> None:
    running = most = 0

    async def slow(name: str) -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(5):
            await asyncio.sleep(0)
        running -= 1
        return name

    await fetch_each([str(n) for n in range(20)], slow, at_once=3)
    assert most == 3
