"""Every tool, through a client."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
import signal
import time
import unicodedata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastmcp import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from flotilla import files
from flotilla.text import unescaped
from flotilla_servers.filesystem import contents
from flotilla_servers.filesystem import server as module
from flotilla_servers.filesystem.search import matches
from flotilla_testing import call as call_tool
from flotilla_testing import client as connect
from flotilla_testing import text_of
from flotilla_testing.client import MODES
from flotilla_testing.process import Process, command

Fs = SimpleNamespace
quick = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def test_write_file_read_file_and_get_file_info(fs: Fs, data: Path) -> None:
    text = "# Bilan\n\nTotal : 12 € — été\n"
    done = await fs.write_file(path="/data/2024/bilan.md", content=text)
    assert done == {
        "path": "2024/bilan.md",
        "bytes": len(text.encode()),
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "content_type": "text/markdown",
    }
    assert (data / "2024/bilan.md").read_text() == text
    read = await fs.read_file(path=done["path"])
    assert read == {"path": "2024/bilan.md", "content": text, "encoding": "utf-8", "bytes": done["bytes"]}
    info = await fs.get_file_info(path="2024/bilan.md")
    assert (info["type"], info["likely_encoding"], info["sha256"]) == ("file", "utf-8", done["sha256"])
    assert info["modified"].endswith("Z")
    assert (await fs.get_file_info(path="2024"))["entries"] == 1
    assert (await fs.get_file_info(path="/"))["free_bytes"] == 2 * 2**30 - done["bytes"]


async def test_write_file_replaces_only_with_overwrite(fs: Fs, data: Path, refused: type[Exception]) -> None:
    await fs.write_file(path="a.txt", content="1")
    for dry_run in (False, True):
        with pytest.raises(refused, match=r"^Error: a\.txt exists already\. Overwrite it explicitly"):
            await fs.write_file(path="a.txt", content="2", dry_run=dry_run)
    await fs.write_file(path="a.txt", content="3", overwrite=True)
    assert (data / "a.txt").read_text() == "3"
    shown = await fs.write_file(path="new/b.txt", content="été", dry_run=True)
    expected = {"content": "été", "encoding": "utf-8", "bytes": 5, "overwrite": False}
    expected |= {"action": "write_file", "path": "new/b.txt"}
    assert shown["dry_run"] == expected
    assert os.listdir(data) == ["a.txt"]


@pytest.mark.parametrize(
    ("encoding", "before", "after"),
    [
        ("utf-8", "a", "a\né\n"),
        ("utf-8", "a\n", "a\né\n"),
        ("utf-8", "", "é\n"),
        ("utf-16", "\ufeffa\n", "\ufeffa\né\n"),
        ("cp1252", "à", "à\né\n"),
    ],
)
async def test_write_file_appends_on_a_line_of_its_own(
    fs: Fs, data: Path, encoding: str, before: str, after: str
) -> None:
    codec = encoding.replace("16", "16-le")
    (data / "notes.md").write_bytes(before.encode(codec))
    shown = await fs.write_file(path="notes.md", content="é\n", encoding=encoding, append=True, dry_run=True)
    assert shown["dry_run"]["action"] == "append_to_file"
    assert (data / "notes.md").read_bytes() == before.encode(codec)
    await fs.write_file(path="notes.md", content="é\n", encoding=encoding, append=True)
    assert (data / "notes.md").read_bytes() == after.encode(codec)


async def test_write_file_append_makes_a_file_and_excludes_overwrite(
    fs: Fs, data: Path, refused: type[Exception]
) -> None:
    await fs.write_file(path="new/log.md", content="1\n", append=True)
    await asyncio.gather(*(fs.write_file(path="new/log.md", content=f"{n}\n", append=True) for n in range(2, 12)))
    assert sorted((data / "new/log.md").read_text().split(), key=int) == [str(n) for n in range(1, 12)]
    with pytest.raises(refused, match="Both append and overwrite"):
        await fs.write_file(path="new/log.md", content="x", append=True, overwrite=True)
    with pytest.raises(refused, match="no character EURO SIGN"):
        await fs.write_file(path="new/log.md", content="€", encoding="latin-1", append=True)


async def test_copy_file(fs: Fs, data: Path, refused: type[Exception]) -> None:
    (data / "modele.docx").write_bytes(b"PK\x03\x04")
    done = await fs.copy_file(source="modele.docx", destination="clients/dupont.docx")
    assert (done["path"], done["bytes"], done["read_with"]) == ("clients/dupont.docx", 4, "fs_read_document")
    assert (data / "clients/dupont.docx").read_bytes() == (data / "modele.docx").read_bytes()
    (data / "modele.docx").write_bytes(b"new")
    with pytest.raises(refused, match="exists already"):
        await fs.copy_file(source="modele.docx", destination="clients/dupont.docx")
    await fs.copy_file(source="modele.docx", destination="clients/dupont.docx", overwrite=True)
    assert (data / "clients/dupont.docx").read_bytes() == b"new"
    with pytest.raises(refused, match="clients is not a file"):
        await fs.copy_file(source="clients", destination="others")


async def test_copy_file_asks_before_it_replaces(data: Path) -> None:
    (data / "a").write_text("new")
    (data / "b").write_text("old")
    async with connect(module.server, "legacy", "decline") as client:
        result = await call_tool(client, "fs_copy_file", source="a", destination="b", overwrite=True)
    assert result.is_error
    assert (data / "b").read_text() == "old"


@pytest.mark.parametrize(
    ("encoding", "raw"),
    [
        ("utf-8", "é€\n".encode()),
        ("cp1252", b"\xe9\x80\n"),
        ("utf-16", "é€\n".encode("utf-16")),
        ("base64", b"\0\1\xff"),
    ],
)
async def test_encodings_round_trip(fs: Fs, data: Path, encoding: str, raw: bytes) -> None:
    content = "AAH/" if encoding == "base64" else "é€\n"
    await fs.write_file(path="x", content=content, encoding=encoding)
    assert (data / "x").read_bytes() == raw
    assert (await fs.read_file(path="x", encoding=encoding))["content"] == content
    assert (await fs.get_file_info(path="x"))["likely_encoding"] == encoding


async def test_write_file_refuses_what_an_encoding_cannot_hold(fs: Fs, data: Path, refused: type[Exception]) -> None:
    with pytest.raises(refused, match=r"latin-1 has no character EURO SIGN\. Use encoding=utf-8"):
        await fs.write_file(path="x", content="12 €", encoding="latin-1")
    with pytest.raises(refused, match="not base64"):
        await fs.write_file(path="x", content="é!", encoding="base64")
    await fs.write_file(path="wrapped", content="AA\nH/\n", encoding="base64")
    assert os.listdir(data) == ["wrapped"]


@pytest.mark.parametrize(
    ("raw", "asked", "likely"),
    [
        ("Été à Noël".encode("cp1252"), "utf-8", "cp1252"),
        ("Été".encode("utf-16"), "utf-8", "utf-16"),
        ("Total: 12 and more".encode("utf-16-be"), "utf-8", "utf-16"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "utf-8", "base64"),
        (b"\x81\x8d\xe9", "cp1252", "latin-1"),
        (b"plain, then \0\0\0\0\0\0 zeros", "latin-1", "base64"),
        (bytes(range(1, 32)) * 4 + b"\xff", "utf-8", "base64"),
    ],
)
async def test_read_file_wrong_encoding_names_the_likely_one(
    fs: Fs, data: Path, refused: type[Exception], raw: bytes, asked: str, likely: str
) -> None:
    (data / "x").write_bytes(raw)
    with pytest.raises(refused, match=f"^Error: x is not valid {asked} text near byte .* encoding={likely}"):
        await fs.read_file(path="x", encoding=asked)
    content = (await fs.read_file(path="x", encoding=likely))["content"]
    assert content == base64.b64encode(raw).decode() if likely == "base64" else any(w in content for w in ("t", "\xe9"))


@quick
@given(
    text=some.text(some.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=300).map(
        lambda t: t * 5
    ),
    encoding=some.sampled_from(["utf-8", "utf-16", "base64"]),
    limit=some.integers(100, 400),
)
def test_read_part_parts_make_up_the_whole(data: Path, text: str, encoding: str, limit: int) -> None:
    raw = text.encode("utf-8" if encoding == "base64" else encoding)
    (data / "x").write_bytes(raw)
    parts, offset = [], 0
    while True:
        part = contents.read_part("x", encoding, offset, limit)
        parts.append(part.content)
        if part.next_offset is None:
            break
        assert part.next_offset > offset
        offset = part.next_offset
    whole = "".join(parts)
    if encoding == "base64":
        assert base64.b64decode(whole) == raw
    else:
        assert unescaped(whole) == text.removeprefix("\ufeff")


async def test_read_file_parts_end_at_lines(fs: Fs, data: Path, refused: type[Exception]) -> None:
    (data / "x").write_text("".join(f"ligne numéro {n}\n" for n in range(5000)))
    first = await fs.read_file(path="x", limit=1000)
    assert first["content"].endswith("\n")
    assert 500 < first["next_offset"] <= 1000
    second = await fs.read_file(path="x", offset=first["next_offset"], limit="1000")
    assert second["content"].startswith("ligne numéro ")
    end = await fs.read_file(path="x", offset=first["bytes"])
    assert end["content"] == ""
    assert "next_offset" not in end
    with pytest.raises(refused, match="has only"):
        await fs.read_file(path="x", offset=first["bytes"] + 1)
    (data / "y").write_text("é" * 100)
    with pytest.raises(refused, match="Use an offset from next_offset"):
        await fs.read_file(path="y", offset=1)


async def test_read_file_largest_part_fits_one_response(fs: Fs, data: Path) -> None:
    for raw in (b"\x80" * 200_000, b"\n" * 200_000, b'"' * 200_000):
        (data / "x").write_bytes(raw)
        part = await fs.read_file(path="x", encoding="cp1252", limit=80_000)
        assert "cut" not in part
        assert part["next_offset"] == 80_000


MEANT = "famille 👨\u200d👩\u200d👧 ❤\ufe0f می\u200cخواهم so\xadft\n"


@pytest.mark.parametrize(
    "raw",
    [
        MEANT.encode(),
        "pay \u202e\u200bnow\U000e0041\U000e0042 \x1b[31m\n".encode(),
        "a literal ⟨U+200B⟩ and a real \u200b\n".encode(),
        "\ufeffNom;Prix\r\nÉté;12,50\r\n".encode(),
        "Été".encode("utf-16"),
    ],
)
async def test_read_file_content_can_be_written_back(fs: Fs, data: Path, raw: bytes) -> None:
    """Nothing is lost on the way, neither what an emoji is made of nor what is hidden, nor a byte order mark."""
    (data / "x").write_bytes(raw)
    encoding = "utf-16" if raw.startswith(b"\xff") else "utf-8"
    located = await fs.read_file(path="x", encoding=encoding)
    await fs.write_file(path="y", content=located["content"], encoding=located["encoding"])
    await fs.write_file(path="x", content=located["content"], encoding=encoding, overwrite=True)
    assert (data / "y").read_bytes() == raw
    assert (data / "x").read_bytes() == raw


async def test_read_file_keeps_meaningful_invisible_characters(fs: Fs, data: Path) -> None:
    (data / "x").write_text(MEANT)
    located = await fs.read_file(path="x")
    assert located["content"] == MEANT
    assert "hidden" not in located
    (data / "x").write_text("\ufeffNom;Prix\n")
    located = await fs.read_file(path="x")
    assert (located["content"], located["encoding"]) == ("Nom;Prix\n", "utf-8-sig")


async def test_read_file_part_of_hidden_characters_fits_one_response(fs: Fs, data: Path) -> None:
    (data / "x").write_text("\u200b" * 40_000)
    parts, offset = "", 0
    while True:
        part = await fs.read_file(path="x", offset=offset, limit=80_000)
        assert "cut" not in part
        parts += part["content"]
        if not (offset := part.get("next_offset", 0)):
            break
    assert unescaped(parts) == "\u200b" * 40_000


async def test_read_file_shows_invisible_characters(fs: Fs, data: Path) -> None:
    (data / "x").write_text("pay \u202e\u200bnow\U000e0041\n")
    located = await fs.read_file(path="x")
    assert located["content"] == "pay ⟨U+202E⟩⟨U+200B⟩now⟨U+E0041⟩\n"
    assert located["hidden"] == 3
    edits = [{"old_text": "⟨U+202E⟩⟨U+200B⟩now", "new_text": "later"}]
    assert "-pay ⟨U+202E⟩⟨U+200B⟩now" in (await fs.edit_file(path="x", edits=edits))["diff"]
    assert (data / "x").read_text() == "pay later\U000e0041\n"


# --- edit


async def test_edit_file_diff(fs: Fs, data: Path) -> None:
    (data / "x.md").write_text("".join(f"ligne {n}\n" for n in range(1, 30)))
    edits = [{"old_text": "ligne 7\n", "new_text": "LIGNE 7 €\n"}, {"old_text": "LIGNE 7", "new_text": "Ligne sept"}]
    diff = (
        "--- x.md\n+++ x.md\n@@ -4,7 +4,7 @@\n ligne 4\n ligne 5\n ligne 6\n-ligne 7\n+Ligne sept €\n ligne 8\n"
        " ligne 9\n ligne 10"
    )
    shown = await fs.edit_file(path="x.md", edits=edits, dry_run=True)
    assert shown["dry_run"] == {"action": "edit_file", "path": "x.md", "diff": diff, "encoding": "utf-8"}
    assert "sept" not in (data / "x.md").read_text()
    done = await fs.edit_file(path="x.md", edits=edits)
    assert done["diff"] == diff
    assert "Ligne sept €" in (data / "x.md").read_text()
    assert done["sha256"] == hashlib.sha256((data / "x.md").read_bytes()).hexdigest()


async def test_edit_file_edits_that_do_not_fit_change_nothing(fs: Fs, data: Path, refused: type[Exception]) -> None:
    text = "un\ndeux\nun\naaa\nin\u200bvisible\n"
    (data / "x").write_text(text)
    for edits, terms in (
        ([("un", "1")], "edit 1 occurs more than once, at lines 1, 3. Include more"),
        ([("deux", "2"), ("trois", "3")], "edit 2 is not in x. Read the file again"),
        ([("aa", "b")], "edit 1 occurs more than once, at lines 4, 4"),
        (
            [("invisible", "x")],
            r"line 5 is nearly the same: the file has U\+200B \(zero width space\) where old_text has",
        ),
        ([("deux", "deux")], "change nothing"),
        ([("", "x")], "must not be empty"),
        ([], "at least 1 item"),
    ):
        with pytest.raises(refused, match=terms):
            await fs.edit_file(path="x", edits=[{"old_text": old, "new_text": new} for old, new in edits])
    assert (data / "x").read_text() == text
    with pytest.raises(refused, match="nowhere does not exist"):
        await fs.edit_file(path="nowhere", edits=[{"old_text": "a", "new_text": "b"}])


async def test_edit_file_keeps_line_ends_marks_and_encoding(fs: Fs, data: Path) -> None:
    for encoding, mark in (("utf-8", "\ufeff"), ("utf-16", "\ufeff"), ("cp1252", "")):
        codec = {"utf-16": "utf-16-be"}.get(encoding, encoding)
        (data / "x").write_bytes(f"{mark}un\r\ndéux\r\ntrois\r\n".encode(codec))
        await fs.edit_file(path="x", edits=[{"old_text": "déux\ntrois", "new_text": "2 €\n3"}], encoding=encoding)
        assert (data / "x").read_bytes() == f"{mark}un\r\n2 €\r\n3\r\n".encode(codec)


async def test_edit_file_parallel_edits_all_applied(fs: Fs, data: Path) -> None:
    (data / "x").write_text("".join(f"<{n}>\n" for n in range(20)))
    await asyncio.gather(
        *(fs.edit_file(path="x", edits=[{"old_text": f"<{n}>", "new_text": f"[{n}]"}]) for n in range(20))
    )
    assert (data / "x").read_text() == "".join(f"[{n}]\n" for n in range(20))


@pytest.mark.timeout(120)  # a whole diff would take hours
def test_diff_of_a_large_file_is_fast_and_short() -> None:
    before = "".join(f"{n % 50}\n" for n in range(600_000))
    text = contents.diff("x\n" + before, before + "y\n", "x")
    assert len(text) < contents.LONGEST_DIFF + 100


@pytest.mark.parametrize(
    ("text", "old", "new", "after", "note"),
    [
        ("Total\xa0: 12\u202f€ TTC", "Total : 12 €", "Total : 13 €", "Total : 13 € TTC", "U+00A0 (no-break"),
        ("Re\u0301sume\u0301 : e\u0301te\u0301", "Résumé : été", "Bilan", "Bilan", "(latin small letter e) and U+0301"),
        ("Résumé", "Re\u0301sume\u0301", "Bilan", "Bilan", "U+00E9"),
        ("alpha\r\nbeta\r\n", "beta", "beta\nbeta2", "alpha\r\nbeta\r\nbeta2\r\n", None),
        ("a\r\nb\r\nc\nd\n", "a\nb", "A\nB", "A\r\nB\r\nc\nd\n", None),
        ("a\r\nb\r\nc\nd\n", "b\nc\nd", "B\nC", "a\r\nB\r\nC\n", None),
        ("a\nb\n", "b", "b\nc", "a\nb\nc\n", None),
    ],
)  # fmt: skip
async def test_edit_file_ignores_kinds_of_spaces_line_ends_and_accents(
    fs: Fs, data: Path, text: str, old: str, new: str, after: str, note: str | None
) -> None:
    """Kinds of spaces, of line ends and of accents count alike where the exact passage is not there."""
    (data / "x").write_bytes(text.encode())
    done = await fs.edit_file(path="x", edits=[{"old_text": old, "new_text": new}])
    assert (data / "x").read_bytes().decode() == after
    assert (note in done["note"]) if note else ("note" not in done)


async def test_edit_file_explains_the_difference(fs: Fs, data: Path, refused: type[Exception]) -> None:
    for text, old, terms in (
        ("a\xa0: 1\na\u202f: 2\n", "a :", r"lines 1, 2, where all spaces .* has U\+00A0 .* after 'a'\)"),
        ("C’est l’été", "C'est", r"line 1 is nearly the same: the file has U\+2019 \(right single quotation mark\)"),
        ("xét", "xe", "is not in x. Read the file again"),  # half of a letter is not a place
    ):
        (data / "x").write_text(text)
        with pytest.raises(refused, match=terms):
            await fs.edit_file(path="x", edits=[{"old_text": old, "new_text": "y"}])
        assert (data / "x").read_text() == text


async def test_search_files_folds_spaces_and_accents(fs: Fs, data: Path) -> None:
    (data / "note\xa01.md").write_text("Total\xa0: 12\u202f€\nRe\u0301sume\u0301\n")
    assert [m["line"] for m in (await fs.search_files(text="total : 12 €"))["items"]] == [1]
    assert [m["line"] for m in (await fs.search_files(text="résumé"))["items"]] == [2]
    assert len((await fs.search_files(pattern="note 1.md"))["items"]) == 1


# --- what is replaced


@pytest.mark.parametrize("mode", MODES)
async def test_confirmation_before_replacing_a_file(data: Path, mode: str) -> None:
    """The only copy is not lost without a yes, whether it is written over or moved over."""
    asked: list[str] = []
    for name in ("contrat.md", "new.md"):
        (data / name).write_text(name)
    write = ("fs_write_file", {"path": "contrat.md", "content": "", "overwrite": True})
    move = ("fs_move_file", {"source": "new.md", "destination": "contrat.md", "overwrite": True})
    async with connect(module.server, mode, "decline", asked) as client:
        for tool, arguments in (write, move):
            assert (await call_tool(client, tool, **arguments)).is_error
    changed = r"contrat\.md \(10 bytes, changed \d+ \w+ \d{4}, \d\d:\d\d UTC\)"
    assert re.fullmatch(rf"Replace {changed} by 0 bytes\? What it holds now is lost\.", asked[0])
    assert re.fullmatch(rf"Replace {changed} by new\.md\? What contrat\.md holds now is lost\.", asked[1])
    assert (data / "contrat.md").read_text() == "contrat.md"
    async with connect(module.server, mode, "accept", asked) as client:
        await call_tool(client, write[0], **write[1])
        assert len(asked) == 3
        await call_tool(client, move[0], **move[1])  # nothing is in it by now
        await call_tool(client, "fs_write_file", path="free.md", content="x", overwrite=True)
    assert len(asked) == 3
    assert (data / "contrat.md").read_text() == "new.md"


async def test_confirmation_says_how_much_is_deleted(data: Path) -> None:
    asked: list[str] = []
    (data / "d/e").mkdir(parents=True)
    (data / "d/e/x").write_bytes(b"1" * 1500)
    (data / "d/y").write_bytes(b"2")
    (data / "a\u200bb.txt").write_text("hid")
    (data / "ab.txt").write_text("other")
    async with connect(module.server, MODES[-1], "decline", asked) as client:
        await call_tool(client, "fs_delete_file", path="d", recursive=True)
        await call_tool(client, "fs_delete_file", path="a⟨U+200B⟩b.txt")
        await call_tool(client, "fs_delete_file", path="ab.txt")
    assert asked[0] == "Delete the folder d with all it holds, 2 files and 1,501 bytes, permanently?"
    assert asked[1].startswith("Delete a⟨U+200B⟩b.txt (3 bytes, changed ")
    assert asked[2].startswith("Delete ab.txt (5 bytes, changed ")
    listed = await call_tool(module.server, "fs_list_directory")
    assert [e["path"] for e in listed.structured_content["items"]] == ["ab.txt", "a⟨U+200B⟩b.txt", "d"]


# --- list and search


async def pages(call: Any, **arguments: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = await call(**arguments, **({"cursor": cursor} if cursor else {}))
        assert len(page["items"]) <= arguments["limit"]
        items += page["items"]
        cursor = page.get("next_cursor")
        if not cursor:
            return items


async def test_list_directory(fs: Fs, data: Path, refused: type[Exception]) -> None:
    (data / "b").mkdir()
    (data / "b/inner").touch()
    (data / "a.txt").write_text("123")
    (data / "c").symlink_to("/etc")
    page = await fs.list_directory()
    assert [(e["path"], e["type"], e.get("bytes")) for e in page["items"]] == [
        ("a.txt", "file", 3),
        ("b", "directory", None),
        ("c", "link", None),
    ]
    assert "next_cursor" not in page
    assert [e["path"] for e in await pages(fs.list_directory, limit=1)] == ["a.txt", "b", "c"]
    for path in ("c", "a.txt", "c/ssh"):
        with pytest.raises(refused, match=r"not a folder, or leads through a file or a link"):
            await fs.list_directory(path=path)


@pytest.mark.slow
async def test_list_directory_pages_of_ten_thousand(fs: Fs, data: Path) -> None:
    (data / "many").mkdir()
    for n in range(10_000):
        (data / "many" / f"é{n:05}.txt").touch()
    first = await fs.list_directory(path="many", limit=100)
    second = await fs.list_directory(path="many", limit=100, cursor=first["next_cursor"])
    assert [e["path"] for e in second["items"]] == [f"many/é{n:05}.txt" for n in range(100, 200)]
    last = await fs.list_directory(path="many", cursor="many/é09990.txt")
    assert len(last["items"]) == 10
    assert "next_cursor" not in last


async def test_search_files_by_name(fs: Fs, data: Path) -> None:
    for path in ("Rapport.MD", "2024/juin/été.csv", "2024/juillet/x.csv", "2024/x.csv", "2023/x.csv"):
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        (data / path).touch()

    async def located(**arguments: Any) -> list[str]:
        return [e["path"] for e in await pages(fs.search_files, limit=2, **arguments)]

    assert await located(pattern="*.md") == ["Rapport.MD"]
    assert await located(pattern="2024/**/*.csv") == ["2024/juillet/x.csv", "2024/juin/été.csv", "2024/x.csv"]
    assert await located(pattern="2024/*.csv") == ["2024/x.csv"]
    assert await located(path="2024", pattern="*/x.csv") == ["2024/juillet/x.csv"]
    assert await located(pattern=unicodedata.normalize("NFD", "ÉTÉ") + "*") == ["2024/juin/été.csv"]
    assert await located(pattern="jui*") == ["2024/juillet", "2024/juin"]
    assert len(await located()) == 9


async def test_search_files_by_text(fs: Fs, data: Path, refused: type[Exception]) -> None:
    (data / "a.txt").write_text("rien\nTotal : 12 €\r\nrien\nsous-TOTAL\n")
    (data / "b.txt").write_bytes("été : total".encode("cp1252"))
    (data / "c.txt").write_bytes("grand total\n".encode("utf-16"))
    (data / "d.bin").write_bytes(b"total\0\1\2" * 100)
    (data / "e.txt").write_text(unicodedata.normalize("NFD", "é" * 500 + " total " + "x" * 500))
    (data / "total").mkdir()
    (data / "f.txt").symlink_to("a.txt")
    os.mkfifo(data / "g.txt")
    located = await pages(fs.search_files, limit=1, text="total")
    assert [(m["path"], m["line"], m["text"]) for m in located[:4]] == [
        ("a.txt", 2, "Total : 12 €"),
        ("a.txt", 4, "sous-TOTAL"),
        ("b.txt", 1, "été : total"),
        ("c.txt", 1, "grand total"),
    ]
    assert located[4]["path"] == "e.txt"
    assert " total " in located[4]["text"]
    assert len(located[4]["text"]) < 250
    assert len(located) == 5
    assert [m["path"] for m in await pages(fs.search_files, limit=9, text="ÉTÉ :", pattern="*.txt")] == ["b.txt"]
    for cursor in ("x", "1:", ":a", "1:../x", "99999999999999:a"):
        with pytest.raises(refused, match=r"^Error: The (cursor|path)"):
            await fs.search_files(cursor=cursor)
    with pytest.raises(refused, match="nowhere does not exist"):
        await fs.search_files(path="nowhere")


async def test_search_files_in_one_endless_line(fs: Fs, data: Path) -> None:
    (data / "x").write_text(("a" * 70_000 + " needle ") * 5 + "\nneedle\n")
    located = await pages(fs.search_files, limit=1, text="needle")
    assert [m["line"] for m in located] == [1, 2]


async def test_search_files_long_search_stops_with_a_cursor(
    fs: Fs, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no time at all, every call still gets on, and together they find everything once."""
    from flotilla_servers.filesystem import search

    monkeypatch.setattr(module, "LONGEST_SEARCH", 0)
    monkeypatch.setattr(search, "STEP", 0)
    for n in range(12):
        (data / f"{n:02}.txt").write_text("x\n" * 3000 + f"needle {n}\n" + "x\n" * 3000 + "needle\n")
    calls = 0

    async def counted(**arguments: Any) -> dict[str, Any]:
        nonlocal calls
        calls += 1
        assert calls < 500, "the search does not get on"
        return dict(await fs.search_files(**arguments))

    located = await pages(counted, limit=50, text="needle")
    assert [(m["path"], m["line"]) for m in located] == [
        (f"{n:02}.txt", line) for n in range(12) for line in (3001, 6002)
    ]
    assert calls > 12


async def test_search_files_cancelled(client: Client[Any], data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flotilla_servers.filesystem import search

    steps = 0
    third = asyncio.Event()
    loop = asyncio.get_running_loop()
    step = search.Search.step

    def counted(self: Any) -> bool:
        nonlocal steps
        steps += 1
        if steps == 3:
            loop.call_soon_threadsafe(third.set)
        return bool(step(self))

    monkeypatch.setattr(search.Search, "step", counted)
    monkeypatch.setattr(search, "STEP", 0.01)
    for n in range(20):
        (data / f"{n}.txt").write_text("x" * 50 + "\n" + "y\n" * 200_000)
    task = asyncio.create_task(call_tool(client, "fs_search_files", text="needle"))
    await asyncio.wait_for(third.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.3)
    before = steps
    await asyncio.sleep(0.5)
    assert steps == before


@given(
    names=some.lists(some.text("ab", max_size=3), max_size=6),
    pattern=some.lists(some.sampled_from(["**", "*", "a", "?", "a*", "[ab]", "[", "[b-a]"]), max_size=7),
)
def test_search_pattern_equals_plain_definition(names: list[str], pattern: list[str]) -> None:
    from fnmatch import fnmatchcase

    def plainly(n: int, p: int) -> bool:
        if p == len(pattern):
            return n == len(names)
        if pattern[p] == "**":
            return any(plainly(k, p + 1) for k in range(n, len(names) + 1))
        return n < len(names) and fnmatchcase(names[n], pattern[p]) and plainly(n + 1, p + 1)

    assert matches(names, pattern) == plainly(0, 0)


@pytest.mark.timeout(60)  # without a limit on steps they would take years
def test_search_pattern_hostile_ones_are_fast() -> None:
    assert not matches(["a"] * 500, ["**", "a"] * 60 + ["b"])
    assert not matches(["a" * 255], ["*a" * 100 + "b"])


# --- folders, moving, deleting


async def test_create_directory_and_move_file(fs: Fs, data: Path, refused: type[Exception]) -> None:
    assert (await fs.create_directory(path="a/b", dry_run=True))["dry_run"]["path"] == "a/b"
    assert not (data / "a").exists()
    for _ in range(2):
        assert (await fs.create_directory(path="a/b")) == {"path": "a/b", "type": "directory"}
    await fs.write_file(path="a/b/x", content="1")
    shown = await fs.move_file(source="a/b/x", destination="c/x", dry_run=True)
    assert shown["dry_run"] == {"action": "move_file", "source": "a/b/x", "destination": "c/x"}
    assert (await fs.move_file(source="a/b/x", destination="c/x")) == {"path": "c/x", "type": "file"}
    await fs.write_file(path="y", content="2")
    for dry_run in (False, True):
        with pytest.raises(refused, match="c/x exists already"):
            await fs.move_file(source="y", destination="c/x", dry_run=dry_run)
        with pytest.raises(refused, match="a is a folder"):
            await fs.move_file(source="y", destination="a", dry_run=dry_run)
    await fs.move_file(source="y", destination="c/x", overwrite=True)
    assert (data / "c/x").read_text() == "2"
    with pytest.raises(refused, match="y does not exist"):
        await fs.move_file(source="y", destination="z")
    assert sorted(p.name for p in data.iterdir()) == ["a", "c"]


async def test_delete_file(fs: Fs, data: Path, refused: type[Exception]) -> None:
    await fs.write_file(path="a/b/x", content="123")
    await fs.write_file(path="y", content="12")
    await fs.create_directory(path="empty")
    with pytest.raises(refused, match=r"a holds 1 file\. Pass recursive=true"):
        await fs.delete_file(path="a")
    shown = await fs.delete_file(path="a", recursive=True, dry_run=True)
    assert shown["dry_run"] == {"action": "delete_file", "path": "a", "type": "directory", "files": 1, "bytes": 3}
    assert (data / "a/b/x").exists()
    assert await fs.delete_file(path="a", recursive=True) == {"path": "a", "type": "directory", "files": 1, "bytes": 3}
    assert await fs.delete_file(path="y") == {"path": "y", "type": "file", "files": 1, "bytes": 2}
    assert (await fs.delete_file(path="empty"))["files"] == 0
    for path, terms in (("y", "does not exist"), (".", "data folder itself"), (".flotilla", "reserved")):
        with pytest.raises(refused, match=terms):
            await fs.delete_file(path=path, recursive=True)
    assert not list(data.iterdir())


@pytest.mark.parametrize("mode", MODES)
async def test_delete_file_needs_confirmation(data: Path, mode: str) -> None:
    asked: list[str] = []
    (data / "x").touch()
    async with connect(module.server, mode, "decline", asked) as client:
        assert (await call_tool(client, "fs_delete_file", path="x")).is_error
    assert len(asked) == 1
    assert re.fullmatch(r"Delete x \(0 bytes, changed .* UTC\) permanently\?", asked[0])
    async with connect(module.server, mode) as client:  # it cannot be asked
        preview = (await call_tool(client, "fs_delete_file", path="x")).structured_content
        assert preview
        assert (data / "x").exists()
        token = preview["preview"]["confirm_token"]
        assert (await call_tool(client, "fs_delete_file", path="y", confirm_token=token)).is_error
        done = await call_tool(client, "fs_delete_file", path="x", confirm_token=token)
    assert done.structured_content == {"path": "x", "type": "file", "files": 1, "bytes": 0}
    assert not (data / "x").exists()


# --- every tool, anything


async def test_delete_file_confirmed_again_after_a_change(data: Path) -> None:
    """A yes to one file is not one to what stands there later, not even for as long as the token lasts."""
    (data / "x").write_text("old")
    (data / "d").mkdir()
    (data / "d" / "y").write_text("y")
    async with connect(module.server, "legacy") as client:

        async def preview(**arguments: Any) -> dict[str, Any]:
            result = await call_tool(client, "fs_delete_file", **arguments)
            return dict(result.structured_content["preview"])

        first = await preview(path="x")
        assert first["question"].startswith("Delete x (3 bytes, changed ")
        folder = await preview(path="d", recursive=True)
        assert folder["question"] == "Delete the folder d with all it holds, 1 file and 1 byte, permanently?"
        (data / "x").write_text("new")
        (data / "d" / "y").write_text("z")
        second = await preview(path="x", confirm_token=first["confirm_token"])
        await preview(path="d", recursive=True, confirm_token=folder["confirm_token"])
        assert (data / "x").read_text() == "new"
        assert (data / "d" / "y").exists()
        done = await call_tool(client, "fs_delete_file", path="x", confirm_token=second["confirm_token"])
        assert not done.is_error
        (data / "x").write_text("again")
        again = await call_tool(client, "fs_delete_file", path="x", confirm_token=second["confirm_token"])
        assert "preview" in (again.structured_content or {})  # it is another file, so this is asked about anew
        assert (data / "x").exists()


@pytest.mark.parametrize("path", ["../x", "/data/../../etc/passwd", "a\0b", "link/passwd", ".flotilla/key", "C:\\x"])
async def test_tools_cannot_leave_the_data_folder(fs: Fs, data: Path, refused: type[Exception], path: str) -> None:
    (data / "link").symlink_to("/etc")
    (data / ".flotilla").mkdir()
    (data / ".flotilla/key").write_text("key")
    for call in (
        fs.list_directory(path=path),
        fs.read_file(path=path),
        fs.write_file(path=path, content="x", overwrite=True),
        fs.edit_file(path=path, edits=[{"old_text": "k", "new_text": "x"}]),
        fs.search_files(path=path),
        fs.get_file_info(path=path),
        fs.create_directory(path=path),
        fs.move_file(source=path, destination="x"),
        fs.move_file(source="link", destination=path),
        fs.delete_file(path=path, recursive=True),
    ):
        with pytest.raises(refused, match=r"^Error: "):
            await call
    assert sorted(p.name for p in data.iterdir()) == [".flotilla", "link"]
    assert (data / ".flotilla/key").read_text() == "key"


anything = some.text(some.sampled_from("ab/.é€\u0301\0\\~:*[\u202e"), max_size=8) | some.text(max_size=6)


@pytest.mark.slow
@settings(quick, max_examples=40)
@given(path=anything, other=anything, text=some.text(max_size=20))
def test_tools_answer_any_arguments_with_result_or_error(data: Path, path: str, other: str, text: str) -> None:
    async def run() -> None:
        async with connect(module.server, "legacy") as client:
            for name, arguments in (
                ("write_file", {"path": path, "content": text, "overwrite": True}),
                ("list_directory", {"path": path, "cursor": other}),
                ("read_file", {"path": path, "encoding": "latin-1"}),
                ("edit_file", {"path": path, "edits": [{"old_text": text, "new_text": other}]}),
                ("search_files", {"path": path, "pattern": other, "text": text}),
                ("get_file_info", {"path": path}),
                ("create_directory", {"path": other}),
                ("move_file", {"source": path, "destination": other}),
            ):
                result = await call_tool(client, f"fs_{name}", **arguments)
                terms = text_of(result)
                assert not result.is_error or terms.startswith("Error: ")
                assert "inside Flotilla" not in terms, terms
        assert {p.name for p in data.parent.iterdir()} == {"data", "state"}

    asyncio.run(run())


@pytest.mark.slow
def test_edit_file_from_two_servers_all_applied(data: Path) -> None:
    """Two clients with a server each on one folder: what both were told was done is in the file."""
    (data / "x").write_text("".join(f"{who} {n:03}: old\n" for n in range(100) for who in "ab"))
    environ = {"FLOTILLA_DATA": str(data), "FLOTILLA_BAKED": "off"}
    with Process(command("filesystem"), environ) as a, Process(command("filesystem"), environ) as b:
        asked = []
        for process in (a, b):
            process.start()
            process.call("fs_list_directory")
        for n in range(100):
            for who, process in (("a", a), ("b", b)):
                edits = [{"old_text": f"{who} {n:03}: old", "new_text": f"{who} {n:03}: new"}]
                number = process.ask("tools/call", name="fs_edit_file", arguments={"path": "x", "edits": edits})
                asked.append((process, number))
        results = [process.answer(number, 100)["result"] for process, number in asked]
    assert not [result for result in results if result.get("isError")]
    assert (data / "x").read_text() == "".join(f"{who} {n:03}: new\n" for n in range(100) for who in "ab")


@pytest.mark.slow
def test_write_file_killed_leaves_the_old_or_the_new_file(data: Path) -> None:
    new = "0123456789abcde\n" * 180_000
    env = {"FLOTILLA_DATA": str(data), "FLOTILLA_BAKED": "off", "FLOTILLA_CONFIRM": "off"}
    for _ in range(3):
        (data / "x").write_text("old")
        with Process(command("filesystem"), env) as process:
            process.start()
            process.call("fs_list_directory")
            process.ask("tools/call", name="fs_write_file", arguments={"path": "x", "content": new, "overwrite": True})
            until = time.monotonic() + 60
            while os.listdir(data) == ["x"] and (data / "x").read_text() == "old":
                assert time.monotonic() < until
            process.terminate(signal.SIGKILL)
        assert (data / "x").read_text() in ("old", new)
        assert [entry.path for entry in files.walk()] == ["x"]
        for left in data.glob(".flotilla-*"):
            left.unlink()


async def test_data_quota_exceeded(
    fs: Fs, data: Path, monkeypatch: pytest.MonkeyPatch, refused: type[Exception]
) -> None:
    monkeypatch.setenv("FLOTILLA_DATA_QUOTA", "10")
    await fs.write_file(path="a", content="123456")
    with pytest.raises(refused, match=r"more than 10 bytes, its quota\. Delete files"):
        await fs.write_file(path="b", content="12345")
    assert (await fs.get_file_info(path="."))["free_bytes"] == 4


async def test_data_folder_missing(fs: Fs, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOTILLA_DATA", str(data / "nowhere"))
    for call in (fs.list_directory(), fs.write_file(path="x", content="x"), fs.search_files()):
        with pytest.raises(Exception, match=r"data folder .*nowhere cannot be opened: No such file"):
            await call
