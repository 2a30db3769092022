"""A booking comes in: Calendly's webhook arrives, and an agent creates the contact in GoHighLevel and acknowledges."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2 as httpx
import pytest

from flotilla_cli import paths
from flotilla_servers.gohighlevel.tests.fake import FakeGoHighLevel
from flotilla_servers.webhooks.tests.senders import PUBLIC, sent
from flotilla_testing.ports import free_port, is_served
from flotilla_testing.waiting import wait_until
from tests.scenarios.harness import Gateway, call_ok
from tests.scenarios.vendors import connected

pytestmark = pytest.mark.timeout(180)
SECRET = "the-signing-key-of-the-subscription"


@dataclass
class Office:
    """A GoHighLevel, a gateway to it and to the inbox of webhooks, and the receiver that fills that inbox."""

    gateway: Gateway
    ghl: FakeGoHighLevel
    url: str

    async def receives(self, name: str, secret: str = SECRET) -> int:
        """Have Calendly send a booking; return the status that it gets."""
        booking = sent("calendly", secret, name=name)
        async with httpx.AsyncClient(base_url=self.url, timeout=30) as calendly:
            answer = await calendly.post(booking.path, content=booking.body, headers=dict(booking.headers))
        return answer.status_code


def answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    """Tell whether somebody listens on a port of this machine; fails where the process has ended."""
    assert process.poll() is None, "the receiver has ended"
    return is_served(port)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """The receiver and the gateway's servers, on one state folder. In containers that is the volume that both mount."""
    ghl = FakeGoHighLevel()
    with connected("process", tmp_path, "webhooks", {"gohighlevel": ghl}, ["webhooks"]) as gateway:
        gateway.settings["webhooks"] = {"secrets": f"calendly/main={SECRET}", "public_url": PUBLIC}
        (tmp_path / "state").mkdir()
        port = free_port()
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("FLOTILLA_", "WEBHOOKS_"))}
        own = {"SECRETS": f"calendly/main={SECRET}", "PUBLIC_URL": PUBLIC, "RECEIVE_PORT": str(port)}
        environ = {**plain, **{f"WEBHOOKS_{name}": value for name, value in own.items()}}
        environ["FLOTILLA_STATE"] = str(tmp_path / "state")
        receiver = subprocess.Popen([paths.VENV / "flotilla-webhooks", "receive"], env=environ)
        try:
            wait_until(lambda: answers(port, receiver))
            yield Office(gateway, ghl, f"http://127.0.0.1:{port}")
        finally:
            receiver.terminate()
            try:
                receiver.wait(timeout=30)
            finally:
                receiver.kill()


async def test_booking_scenario(office: Office) -> None:
    """The booking becomes one contact; the same delivery again, before and after, changes nothing."""
    assert await office.receives("Émile Roy", "another-key") == 401
    assert await asyncio.gather(office.receives("Émile Roy"), office.receives("Émile Roy")) == [200, 200]
    async with office.gateway.client() as client:
        [event] = (await call_ok(client, "wh_list_events", vendor="calendly", kind="invitee.created"))["items"]
        assert (event["state"], event["duplicates"]) == ("new", 1)
        invitee = (await call_ok(client, "wh_get_event", event=event["event"]))["payload"]["payload"]
        first, last = invitee["name"].split()
        contact = await call_ok(
            client, "ghl_create_contact", first_name=first, last_name=last, email=invitee["email"], tags=["rendez-vous"]
        )
        assert contact["created"] is True
        await call_ok(client, "wh_mark_events", events=[event["event"]])
        assert (await call_ok(client, "wh_list_events"))["items"] == []

        assert await office.receives("Émile Roy") == 200
        assert (await call_ok(client, "wh_list_events"))["items"] == []
        rows = (await call_ok(client, "wh_get_statistics"))["requests"]
        numbers = {row["outcome"]: row["number"] for row in rows}  # what was refused is counted a minute later
        assert (numbers["received"], numbers["duplicate"]) == (1, 2)
    people = [one for one in office.ghl.contacts.values() if one.get("email") == "emile@exemple.fr"]
    assert [(one["firstName"], one["lastName"]) for one in people] == [("Émile", "Roy")]
