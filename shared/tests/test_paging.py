"""Every vendor's way of paging in one shape."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import Field

from flotilla import ByCursor, ByLink, ByNumber, Model, Page, Timed, errors, sliced
from flotilla.pagination import dig


def walk(option: Any, pages: dict[str | None, Any], limit: int, links: Any = None) -> list[Any]:
    """Follow the cursors to the end; return the queries that were sent."""
    sent, cursor = [], None
    while True:
        sent.append(option.query(limit, cursor))
        items, following = option.read(pages[cursor], (links or {}).get(cursor, {}), limit, cursor)
        assert isinstance(items, list)
        if following is None:
            return sent
        cursor = following
        assert isinstance(cursor, str)


def test_by_cursor() -> None:
    option = ByCursor("data.list", "meta.next", cursor="after", limit="count")
    pages: dict[str | None, Any] = {
        None: {"data": {"list": [1, 2]}, "meta": {"next": 77}},
        "77": {"data": {"list": []}, "meta": {"next": "b"}},  # an empty page in the middle
        "b": {"data": None},
    }
    assert walk(option, pages, 2) == [{"count": 2}, {"count": 2, "after": "77"}, {"count": 2, "after": "b"}]


def test_by_number_pages() -> None:
    option = ByNumber()
    assert walk(option, {None: [1, 2], "2": [3]}, 2) == [{"per_page": 2, "page": 1}, {"per_page": 2, "page": 2}]
    assert walk(option, {None: [1, 2], "2": []}, 2)[-1]["page"] == 2
    assert len(walk(ByNumber("items", total="count"), {None: {"items": [1, 2], "count": "2"}}, 2)) == 1
    assert (
        len(
            walk(
                ByNumber("items", total="count"), {None: {"items": [1], "count": 2}, "2": {"items": [2], "count": 2}}, 1
            )
        )
        == 2
    )
    assert walk(ByNumber(first=0), {None: [1], "1": []}, 1)[1]["page"] == 1


def test_by_number_offsets() -> None:
    option = ByNumber("rows", page="offset", limit="size", offset=True, total="total")
    pages: dict[str | None, Any] = {
        None: {"rows": [1, 2], "total": 3},
        "2": {"rows": [3], "total": 3},
    }
    assert walk(option, pages, 2) == [{"size": 2, "offset": 0}, {"size": 2, "offset": 2}]
    capped: dict[str | None, Any] = {None: {"rows": [1], "total": 2}, "1": {"rows": [], "total": 2}}
    assert walk(option, capped, 50)[1]["offset"] == 1  # a vendor that gives fewer than asked for


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "9" * 16, "٣"])
@pytest.mark.parametrize("option", [ByNumber(), ByNumber(offset=True)])
def test_cursor_invalid(option: ByNumber, cursor: str) -> None:
    with pytest.raises(errors.InvalidInputError, match=r"The cursor is not valid\. Leave it out"):
        option.query(10, cursor)
    with pytest.raises(errors.InvalidInputError):
        sliced([1, 2], 1, cursor)


def test_by_link_header() -> None:
    url = "https://api.acme.example/things?page=2&tag=a&tag=b&empty="
    links = {None: {"next": {"url": url, "rel": "next"}}}
    sent = walk(ByLink(limit="per_page"), {None: [1], "page=2&tag=a&tag=b&empty=": [2]}, 50, links)
    assert sent == [{"per_page": 50}, {"page": ["2"], "tag": ["a", "b"], "empty": [""]}]


def test_by_link_address_in_the_response() -> None:
    option = ByLink("items", next="paging.next")
    pages: dict[str | None, Any] = {
        None: {"items": [1], "paging": {"next": "https://evil.example/x?page=2"}},  # only its query is used
        "page=2": {"items": None, "paging": {"next": None}},
    }
    assert walk(option, pages, 5) == [{"limit": 5}, {"page": ["2"]}]


def test_dig() -> None:
    assert dig({"a": {"b": 1}}, "a.b") == 1
    assert dig({"a": {"b": 1}}, "") == {"a": {"b": 1}}
    assert dig({"a": [1]}, "a.b") is None
    assert dig(None, "a") is None


def test_sliced() -> None:
    assert sliced([1, 2, 3], 2, None) == Page(items=[1, 2], next_cursor="2")
    assert sliced([1, 2, 3], 2, "2") == Page(items=[3])
    assert sliced([1, 2, 3], 2, "9") == Page(items=[])


def test_model_accepts_names_and_aliases_and_makes_ids_text() -> None:
    class Thing(Model):
        id: str
        full_name: str = Field(alias="fullName")

    one = Thing.model_validate({"id": 2**60, "fullName": "x", "more": 1})
    assert one == Thing.model_validate({"id": "1152921504606846976", "full_name": "x"})


def test_timed_is_shown_in_a_zone_with_its_parts() -> None:
    class Part(Timed):
        at: datetime | None = None

    class Whole(Timed):
        name: str
        start: datetime
        first: Part
        parts: list[Part] = Field(default_factory=list)

    noon = datetime(2030, 6, 4, 12, tzinfo=UTC)
    whole = Whole(name="x", start=noon, first=Part(at=noon), parts=[Part(at=noon), Part()])
    moved = whole.within(ZoneInfo("Europe/Paris"))
    assert moved == whole
    times = [moved.start, moved.first.at, *(part.at for part in moved.parts)]
    assert [str(time) for time in times] == ["2030-06-04 14:00:00+02:00"] * 3 + ["None"]
    assert str(whole.start) == "2030-06-04 12:00:00+00:00"
