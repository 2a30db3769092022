"""A slot booked for somebody, this week's occurrence moved, both noted: on the core tier alone."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from flotilla_servers.calendly.tests.fake import TOKEN, FakeCalendly
from flotilla_servers.notion.tests.fake import TOKEN as NOTION_TOKEN
from flotilla_servers.notion.tests.fake import FakeNotion
from flotilla_testing import FakeVendor
from tests.scenarios.harness import Gateway, call_ok, host_address

from .fake_google import Google

OFFICE = ("calendly", "google-calendar", "notion")
pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def vendors(office: Gateway) -> Iterator[tuple[FakeCalendly, FakeNotion]]:
    """Calendly and Notion, which the office's servers reach."""
    host, calendly, notion = host_address(office.kind), FakeCalendly(), FakeNotion()
    calendly.vendor, notion.vendor = FakeVendor(calendly, host), FakeVendor(notion, host)
    with calendly, notion:
        office.settings["calendly"] = {"token": TOKEN, "base_url": calendly.vendor.url}
        office.settings["notion"] = {"token": NOTION_TOKEN, "base_url": notion.url}
        office.plain_http += "".join(f",{urlsplit(url).netloc}" for url in (calendly.vendor.url, notion.url))
        yield calendly, notion


async def test_week_scenario(office: Gateway, google: Google, vendors: tuple[FakeCalendly, FakeNotion]) -> None:
    """Book a first talk for Jean, move this week's meeting only, note it under a heading, tick the to-do."""
    calendly, notion = vendors
    page = notion.page("Suivi de l’équipe")
    async with office.client(answer=True) as client:
        text = "## Réunions\n\nPoint chaque mardi.\n\n## À faire\n\n- [ ] Déplacer le point\n- [ ] Relancer Durand"
        await call_ok(client, "notion_append_block", page=page, markdown=text)
        weekly = {"title": "Point", "start": "2030-05-28T09:00", "recurrence": "FREQ=WEEKLY;COUNT=4"}
        series = await call_ok(client, "gcal_create_event", timezone="Europe/Paris", **weekly)

        kinds = (await call_ok(client, "calendly_list_event_types"))["items"]
        assert "Premier échange" in [kind["name"] for kind in kinds]
        slots = await call_ok(
            client, "calendly_list_available_times", event_type="Premier échange", start="2030-06-04", days=1
        )
        booked = await call_ok(
            client,
            "calendly_book_event",
            event_type="Premier échange",
            start=slots["items"][0]["start_time"],
            email="jean@dupont.example",
            name="Jean Dupont",
            timezone="Europe/Paris",
        )
        assert booked["start_time"].startswith("2030-06-04T09:00")

        week = {"after": "2030-06-03", "before": "2030-06-08"}
        rows = (await call_ok(client, "gcal_list_events", **week))["items"]
        (occurrence,) = (row for row in rows if row["title"] == "Point")
        moved = await call_ok(client, "gcal_update_event", event=occurrence["id"], start="2030-06-04T10:30")
        assert moved["start"] == "2030-06-04T10:30:00+02:00"

        (match,) = (await call_ok(client, "notion_search", query="Suivi"))["items"]
        note = "Jean Dupont mardi 9 h ; point à 10 h 30."
        await call_ok(client, "notion_append_block", page=match["id"], markdown=note, after="Réunions")
        await call_ok(client, "notion_edit_page", page=match["id"], find="Déplacer le point", checked=True)
        read = (await call_ok(client, "notion_get_page", page=match["id"]))["markdown"]
        assert read == text.replace("Point chaque", f"{note}\n\nPoint chaque").replace("[ ] Dé", "[x] Dé")

        others = {"after": "2030-05-27", "before": "2030-06-30"}
        rows = (await call_ok(client, "gcal_list_events", **others))["items"]
        assert [row["start"][5:16] for row in rows if row.get("series") == series["id"]] == [
            "05-28T09:00", "06-04T10:30", "06-11T09:00", "06-18T09:00",
        ]  # fmt: skip
    (event,) = calendly.events.values()
    assert (event["name"], event["status"]) == ("Premier échange", "active")
