"""Files, phone numbers, profile, blocked numbers."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from flotilla_servers.whatsapp.tests.fake import JEAN, FakeWhatsApp
from flotilla_testing import Response, Tool

PICTURE = b"\xff\xd8\xffJPG"


async def test_download_media(fake: FakeWhatsApp, tool: Tool, data: Path) -> None:
    key = fake.sent_picture(JEAN)
    ref = await tool("download_media", media_id=key)
    assert ref == {
        "path": f"whatsapp/{key}.jpg",
        "bytes": len(PICTURE),
        "sha256": sha256(PICTURE).hexdigest(),
        "content_type": "image/jpeg",
    }
    assert (data / "whatsapp" / f"{key}.jpg").read_bytes() == PICTURE


async def test_download_media_twice_and_under_a_taken_name(
    fake: FakeWhatsApp, tool: Tool, problem: Tool, data: Path
) -> None:
    """Its own name is written again; a name that was chosen never replaces a file."""
    key = fake.sent_picture(JEAN, kind="audio/ogg; codecs=opus")
    for _ in range(2):
        assert (await tool("download_media", media_id=key))["path"] == f"whatsapp/{key}.ogg"
    (data / "lampe.jpg").write_bytes(b"old")
    assert "lampe.jpg" in await problem("download_media", media_id=key, path="lampe.jpg")
    assert (data / "lampe.jpg").read_bytes() == b"old"


async def test_download_media_damaged(fake: FakeWhatsApp, problem: Tool, data: Path) -> None:
    key = fake.sent_picture(JEAN)
    fake._handlers.insert(0, ("GET", fake._handlers[-1][1], lambda request: Response(body=b"other")))
    assert "arrived damaged" in await problem("download_media", media_id=key)
    assert list(data.rglob("*.jpg")) == []


async def test_download_media_unknown(fake: FakeWhatsApp, problem: Tool) -> None:
    assert "WhatsApp does not have this, or the token may not see it" in await problem(
        "download_media", media_id="12345"
    )


async def test_upload_media_and_delete_media(fake: FakeWhatsApp, tool: Tool, asked: list[str], data: Path) -> None:
    (data / "tarifs.pdf").write_bytes(b"%PDF-1.7")
    done = await tool("upload_media", path="tarifs.pdf")
    assert (done["bytes"], done["content_type"]) == (8, "application/pdf")
    assert fake.media[done["media_id"]] == ("application/pdf", b"%PDF-1.7")
    await tool("delete_media", media_id=done["media_id"])
    assert fake.media == {}
    assert asked == [f"Delete the file {done['media_id']} (application/pdf, 8 bytes) at WhatsApp?"]


async def test_list_phone_numbers(fake: FakeWhatsApp, tool: Tool) -> None:
    """The limit belongs to the portfolio, and a field of its own tells it."""
    first = await tool("list_phone_numbers", limit=1)
    assert first["items"] == [
        {
            "id": "106853218861309",
            "number": "+33 1 42 68 53 00",
            "name": "Atelier Lefèvre",
            "sends": True,
            "status": "CONNECTED",
            "quality": "GREEN",
            "limit": "2,000 people a day",
            "name_status": "APPROVED",
        }
    ]
    last = await tool("list_phone_numbers", limit=1, cursor=first["next_cursor"])
    assert [(one["number"], one["sends"]) for one in last["items"]] == [("+33 4 72 00 00 00", False)]
    assert "next_cursor" not in last


async def test_list_phone_numbers_of_a_version_without_the_limit(fake: FakeWhatsApp, tool: Tool) -> None:
    """Up to v23.0 the limit stands at the number, or nowhere; asking for the other field fails no list."""
    fake.limits = {}
    fake.numbers[0]["messaging_limit_tier"] = "TIER_UNLIMITED"
    assert [one.get("limit") for one in (await tool("list_phone_numbers"))["items"]] == ["no limit", None]


async def test_business_profile_read_and_changed(fake: FakeWhatsApp, tool: Tool, problem: Tool) -> None:
    await tool("update_business_profile", about="Lampes faites main", email="bonjour@atelier.example")
    assert await tool("get_business_profile") == {
        "about": "Lampes faites main",
        "email": "bonjour@atelier.example",
        "websites": ["https://atelier.example"],
        "vertical": "RETAIL",
    }
    assert "There is nothing to change." in await problem("update_business_profile")
    assert "is not a whole address" in await problem("update_business_profile", websites=["atelier.example"])
    assert "has 140 characters, and WhatsApp takes 139" in await problem("update_business_profile", about="x" * 140)


async def test_blocked_numbers(fake: FakeWhatsApp, tool: Tool, problem: Tool) -> None:
    error = await problem("add_blocked_number", phone="06 12 34 56 78")
    assert "Only somebody who wrote to the business within 24 hours can be blocked." in error
    fake.wrote(JEAN)
    await tool("add_blocked_number", phone="06 12 34 56 78")
    assert (await tool("list_blocked_numbers"))["items"] == [{"number": "+33612345678"}]
    assert "cannot deliver" in await problem("send_text", to="06 12 34 56 78", text="Bonjour")
    await tool("remove_blocked_number", phone="+33612345678")
    assert (await tool("list_blocked_numbers"))["items"] == []


@pytest.mark.parametrize("method", ["add_blocked_number", "remove_blocked_number"])
async def test_blocked_numbers_failure_inside_of_a_success(fake: FakeWhatsApp, problem: Tool, method: str) -> None:
    failed = {"failed_users": [{"input": "+33612345678", "errors": [{"code": 139100}]}]}
    fake.refuse = [Response.of({"messaging_product": "whatsapp", "block_users": failed})]
    assert "could not be" in await problem(method, phone="06 12 34 56 78")
