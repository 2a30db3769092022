"""Notes: the tool that writes them, the files, and the command by which a person replays one."""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from flotilla_cli import client as gateway_client
from flotilla_cli import notes as command
from flotilla_servers.switchboard import notes, own_tools
from flotilla_servers.switchboard.note_save import DEFINITION, NOTE_SAVE
from flotilla_servers.switchboard.notes import DONE, FAILED, OPEN, STARTED, Note, NoteError
from flotilla_servers.switchboard.settings_file import Settings
from flotilla_servers.switchboard.tool_search import definitions

from .conftest import BOTH

WORDS = "Ajoute Zoé Lefèvre : zoe@exemple.fr, 12 000 € / an"
NOTE = Note("", WORDS, "crm_create_contact", "crm", {"name": "Zoé", "text": "a\n## Arguments\n```"}, replayable=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return notes.notes_folder(tmp_path)


def test_note_is_kept_as_it_was(folder: Path) -> None:
    saved = notes.save_note(folder, NOTE)
    assert saved.name == f"{datetime.now().astimezone():%Y-%m-%d} Ajoute Zoé Lefèvre zoe@exemple fr 12 000 an"
    assert notes.read_note(folder, saved.name) == saved
    assert (saved.intent, saved.arguments, saved.state) == (NOTE.intent, NOTE.arguments, OPEN)
    assert (folder / f"{saved.name}.md").stat().st_mode & 0o777 == 0o600


def test_note_with_fences_and_front_matter_in_the_words(folder: Path) -> None:
    text = 'x\n---\nstate: "done"\n---\n\n## Arguments\n\n```json\n{}\n```\nend'
    saved = notes.save_note(folder, Note("", text, arguments={"a": [1, None]}))
    assert notes.read_note(folder, saved.name) == saved
    assert saved.intent == text


@pytest.mark.parametrize("text", ["../../etc/passwd", "\x00\n\t", "…", "a/b\\c:d*?", "  .hidden", "漢字" * 100])
def test_note_never_leaves_its_folder_and_overwrites_nothing(folder: Path, text: str) -> None:
    if text.strip():
        names = {notes.save_note(folder, Note("", text)).name for _ in range(3)}
        assert len(names) == len(notes.list_notes(folder)) == 3
        assert {path.parent for path in folder.rglob("*.md")} == {folder}


@pytest.mark.parametrize("name", ["", "..", "../x", ".lock", "a/b", "\0", "none"])
def test_note_of_a_wrong_name(folder: Path, name: str) -> None:
    notes.save_note(folder, NOTE)
    with pytest.raises(NoteError):
        notes.read_note(folder, name)
    with pytest.raises(NoteError):
        notes.delete_note(folder, name)


def test_notes_are_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notes, "MOST", 1)
    notes.save_note(folder, NOTE)
    for note, reason in (
        (NOTE, "There are 1 notes already"),
        (Note("", "x" * 4_001), "`intent` has 4001 characters"),
        (Note("", "x", arguments={"a": "x" * 32_000}), "`arguments` has"),
        (Note("", " "), "needs the user's words"),
    ):
        with pytest.raises(NoteError, match=reason):
            notes.save_note(folder, note)
    assert len(notes.list_notes(folder)) == 1


def test_replay_is_begun_once_unless_a_person_agrees(folder: Path) -> None:
    name = notes.save_note(folder, NOTE).name
    assert notes.begin_replay(folder, name).state == STARTED
    with pytest.raises(NoteError, match=r"was replayed on .* \(started\), and the call could be made twice"):
        notes.begin_replay(folder, name)
    done = notes.mark_note(folder, name, DONE, "created 7\nmore")
    assert (done.state, done.result, bool(done.replayed)) == (DONE, "created 7", True)
    assert notes.begin_replay(folder, name, again=True).state == STARTED
    assert notes.read_note(folder, name).arguments == NOTE.arguments


def test_replay_of_a_note_that_cannot_be_replayed(folder: Path) -> None:
    with pytest.raises(NoteError, match="There are no notes"):
        notes.begin_replay(folder, "x")
    for note, reason in ((Note("", "call Zoé"), "names no tool"), (Note("", "x", "t"), "secrets among its arguments")):
        with pytest.raises(NoteError, match=reason):
            notes.begin_replay(folder, notes.save_note(folder, note).name)


@pytest.mark.parametrize(
    "text", ["", "# mine", "---\nstate: open\n---\n", "---\n---\n\n## Arguments\n\n```json\n[]\n```\n"]
)
def test_note_that_was_broken_by_hand_hides_no_other(folder: Path, text: str) -> None:
    saved = notes.save_note(folder, NOTE)
    (folder / "mine.md").write_text(text)
    assert notes.list_notes(folder) == [saved]
    with pytest.raises(NoteError, match="Correct the file"):
        notes.read_note(folder, "mine")


@pytest.mark.parametrize(
    ("text", "is_error", "state"),
    [
        ("ok", False, DONE),
        ("Error: x could not start. Nothing was done. Call again.", True, OPEN),
        ("Error: it may or may not have been done.", True, FAILED),
    ],
)
def test_state_after_a_call(text: str, is_error: bool, state: str) -> None:
    assert notes.state_after(text, is_error) == state


def test_note_save_fits_the_search_lists_budget() -> None:
    own = own_tools.definitions(Settings())
    assert DEFINITION in own
    listed = [*definitions(["Products" for _ in range(33)]), *own]  # as long as their names are on average
    assert len(json.dumps(listed, ensure_ascii=False, separators=(",", ":"))) < 3_000


@BOTH
@pytest.mark.parametrize("search", ["on", "off"])
async def test_note_save_is_listed_by_the_launcher_and_the_switchboard(
    fleet: Any, person: Any, era: str, search: str
) -> None:
    options = ("--notes", "on", "--search", search)
    async with person(fleet.command(*options), era).client as it:
        launcher = await it.list_tools()
    async with fleet.inside(*options) as (gateway, _), person(gateway, era).client as it:
        own = await it.list_tools()
        assert len(await gateway_client.tool_names(it)) == gateway.tool_count
    assert own == launcher
    assert [tool.name for tool in own].count(NOTE_SAVE) == 1
    async with person(fleet.command("--search", search), era).client as it:
        assert NOTE_SAVE not in [tool.name for tool in await it.list_tools()]


@BOTH
async def test_note_saved_when_a_server_is_down_and_replayed_after(
    fleet: Any, person: Any, era: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    working = (fleet.folder / "flotilla-probe").read_text()
    (fleet.folder / "flotilla-probe").write_text("#!/bin/sh\nexit 3\n")
    async with fleet.inside("--notes", "on") as (gateway, _), (one := person(gateway, era)).client:
        text = await one.call("probe_echo", value="été")
        trace = text.rpartition("trace_id ")[2].strip(".")
        assert "Or offer to keep it for later: `note_save` with the user's words as intent, tool `probe_echo`" in text
        answer = await one.call(
            NOTE_SAVE, intent="Répète « été »", tool="probe_echo", arguments={"value": "été"}, trace_id=trace
        )
        note = json.loads(answer)
        assert note["replayable"] is True
    [saved] = notes.list_notes(notes.notes_folder(fleet.data))
    assert (saved.name, saved.server, saved.trace_id) == (note["note"], "probe", trace)
    assert len(trace) == 32

    (fleet.folder / "flotilla-probe").write_text(working)
    line, log = fleet.command(), fleet.folder / "gateway.log"
    monkeypatch.setattr(command.gateway.Running, "read", lambda: command.gateway.Running())
    monkeypatch.setattr(command.gateway, "switchboard_command", lambda *_: [line.command, *line.args])
    monkeypatch.setattr(command.gateway, "user_files", list)
    monkeypatch.setattr(command.gateway, "log_file", lambda: log)
    data = ["--data", str(fleet.data)]
    assert await in_thread(command.main, ["replay", "20", *data]) == 0
    assert capsys.readouterr().out == '{"value":"été"}\n'
    assert await in_thread(command.main, ["replay", saved.name, *data]) == 1  # nobody at the terminal agrees
    assert "Make the call once more? [y/N]" in capsys.readouterr().out
    assert len(fleet.lines("starts")) == 1
    [saved] = notes.list_notes(notes.notes_folder(fleet.data))
    assert (saved.state, saved.result) == (DONE, '{"value":"été"}')


async def in_thread(run: Any, *args: Any) -> Any:
    import asyncio

    return await asyncio.to_thread(run, *args)


async def test_note_masks_secrets_and_says_so(fleet: Any, person: Any) -> None:
    async with fleet.inside("--notes", "on") as (gateway, _), (one := person(gateway, "auto")).client:
        for arguments in ({"value": {"password": "abc"}}, {"value": "with s3cr=et value in it"}):
            answer = await one.call(NOTE_SAVE, intent="my s3cr=et value", tool="probe_echo", arguments=arguments)
            assert json.loads(answer)["replayable"] is False
            assert "Secrets were masked" in answer
        assert await one.call(NOTE_SAVE, intent="", tool="probe_echo") == (
            "Error: A note needs the user's words as `intent`."
        )
        assert "Did you mean probe_echo?" in await one.call(NOTE_SAVE, intent="x", tool="probe_ech")
        assert "must be text" in await one.call(NOTE_SAVE, intent=["x"])
    folder = notes.notes_folder(fleet.data)
    written = "".join(path.read_text() for path in folder.glob("*.md"))
    assert "s3cr=et" not in written
    assert "abc" not in written
    with pytest.raises(NoteError, match="secrets among its arguments"):
        notes.begin_replay(folder, notes.list_notes(folder)[0].name)


async def test_note_that_cannot_be_written(fleet: Any, person: Any) -> None:
    (fleet.data / "notes").write_text("a file")
    async with fleet.inside("--notes", "on") as (gateway, _), (one := person(gateway, "auto")).client:
        assert (await one.call(NOTE_SAVE, intent="x")).startswith("Error: The note cannot be written: ")


def test_notes_command_lists_shows_and_deletes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path)]
    assert command.main(data) == 0
    assert "There are no notes." in capsys.readouterr().out
    folder = notes.notes_folder(tmp_path)
    saved = [notes.save_note(folder, note) for note in (NOTE, Note("", "Appelle Zoé"), Note("", "Appelle Ben"))]
    command.main(data)
    assert f"{saved[0].name}  [open]  crm_create_contact" in capsys.readouterr().out.splitlines()
    command.main(["list", "--json", *data])
    assert {json.loads(line)["intent"] for line in capsys.readouterr().out.splitlines()} == {n.intent for n in saved}
    command.main(["show", saved[0].name, *data])
    assert '"name": "Zoé"' in capsys.readouterr().out
    for name, status in ((saved[1].name[:12], 1), (saved[1].name, 0), (saved[1].name, 1)):
        assert command.main(["delete", name, *data]) == status
    assert len(os.listdir(folder)) == 3  # and the lock
