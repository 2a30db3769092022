"""The data folder: nothing leads out of it, nothing is half-written in it, and it never grows past its quota."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from flotilla import errors, files
from flotilla.files import folder, listing

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs directory descriptors")
NFC, NFD = (unicodedata.normalize(form, "Bilan été — 3 €.md") for form in ("NFC", "NFD"))


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text("secret")
    monkeypatch.setenv("FLOTILLA_DATA", str(folder))
    monkeypatch.delenv("FLOTILLA_DATA_QUOTA", raising=False)
    listing.recount()
    return folder


def names(path: str = ".", **kw: object) -> list[str]:
    return [entry.path for entry in files.walk(path, **kw)]  # type: ignore[arg-type]


# --- paths


@pytest.mark.parametrize(
    "path", ["a/b.md", "/a/b.md", "/data/a/b.md", "a//b.md", "./a/./b.md", "x/../a/b.md", "a/b.md/"]
)
def test_path_notations_name_one_file(data: Path, path: str) -> None:
    assert files.shown(path) == "a/b.md"
    assert files.shown(f"{data}/a/b.md") == "a/b.md"
    assert [files.shown(p) for p in ("", ".", "/", "/data", "/data/", str(data))] == ["."] * 6
    assert files.shown("data/x") == "data/x"
    assert files.shown("/database/x") == "database/x"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../x", "leads out"),
        ("a/../../x", "leads out"),
        ("/data/../etc/passwd", "leads out"),
        ("a\0b", "NUL"),
        ("\ud800", "half a character"),
        ("~/x", "~"),
        ("C:/x", "drive"),
        (r"dossier\x.md", "backslash"),
        ("x" * 256, "too long"),
        ("é" * 128, "too long"),
        ("d/" * 513, "too long"),
        (".flotilla/oauth.json", "reserved"),
        ("/data/.Flotilla", "reserved"),
        ("a/.flotilla-0123456789abcdef.tmp", "reserved"),
    ],
)
def test_path_refused(data: Path, path: str, reason: str) -> None:
    for call in (files.shown, files.stat, files.read, files.mkdir, files.remove, lambda p: list(files.walk(p))):
        with pytest.raises(errors.InvalidInputError, match=reason):
            call(path)
    with pytest.raises(errors.InvalidInputError, match=reason):
        files.write(path, b"")
    with pytest.raises(errors.InvalidInputError, match=reason):
        files.move("a", path)
    assert not list(data.iterdir())


odd = some.text(some.sampled_from("aé\u0301.~/\\:\0\n €\u202e\ud800C😀\u200d"), max_size=24)


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(path=odd | some.text(max_size=40) | some.lists(odd, max_size=4).map("/".join))
def test_path_refused_or_inside_and_round_trips(data: Path, path: str) -> None:
    try:
        parts = files.parts_of(path)
    except errors.InvalidInputError:
        return
    assert not {"", ".", ".."} & set(parts)
    assert not any("/" in part or "\0" in part for part in parts)
    assert files.parts_of("/".join(parts)) == parts == files.parts_of("/" + "/".join(parts)) or parts[:1] == ("data",)
    try:
        done = files.write(path, "/".join(parts).encode())
    except errors.FlotillaError:  # a file where a folder would have to be, from an earlier example
        return
    assert files.read(done.path) == done.path.encode()
    assert done.path in names()
    assert [p for p in data.parent.iterdir() if p.name not in ("data", "outside")] == []
    files.remove(parts[0], recursive=True)


# --- links, pipes and races


def test_symlinks_cannot_leave_the_folder(data: Path) -> None:
    (data / "in.txt").write_text("in")
    (data / "file").symlink_to("../outside/secret.txt")
    (data / "inner").symlink_to("in.txt")
    (data / "folder").symlink_to("../outside")
    for path in ("file", "inner"):
        with pytest.raises(errors.InvalidInputError, match="link"):
            files.read(path)
    for by_path in (files.read, files.stat, files.remove):
        with pytest.raises(errors.InvalidInputError, match="link"):
            by_path("folder/secret.txt")
    for call in (
        lambda: files.write("folder/new.txt", b"x"),
        lambda: files.write("file", b"x", overwrite=True),
        lambda: files.mkdir("folder/new"),
        lambda: list(files.walk("folder")),
        lambda: files.move("in.txt", "folder/in.txt"),
        lambda: files.move("folder/secret.txt", "mine.txt"),
    ):
        with pytest.raises(errors.InvalidInputError):
            call()
    assert {e.path: e.type for e in files.walk()} == {
        "file": "link", "folder": "link", "in.txt": "file", "inner": "link"
    }  # fmt: skip
    assert files.remove("folder", recursive=True).type == "link"
    files.move("file", "kept")
    assert os.listdir(data.parent / "outside") == ["secret.txt"]
    assert (data.parent / "outside" / "secret.txt").read_text() == "secret"


def test_remove_tree_stops_at_symlinks(data: Path) -> None:
    (data / "a/b").mkdir(parents=True)
    (data / "a/b/out").symlink_to("../../../outside")
    files.remove("a", recursive=True)
    assert (data.parent / "outside" / "secret.txt").read_text() == "secret"
    assert not list(data.iterdir())


def test_data_folder_may_be_a_symlink(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to("data")
    monkeypatch.setenv("FLOTILLA_DATA", str(tmp_path / "link"))
    assert files.write("x", b"1").path == "x"
    assert (data / "x").read_bytes() == b"1"


def test_read_and_write_refuse_pipes_and_folders(data: Path) -> None:
    os.mkfifo(data / "pipe")
    (data / "sub").mkdir()
    with pytest.raises(errors.InvalidInputError, match="not a regular file"):
        files.read("pipe")
    with pytest.raises(errors.InvalidInputError, match="not a regular file"):
        files.write("pipe", b"x", overwrite=True)
    for path in ("sub", "sub/"):
        with pytest.raises(errors.InvalidInputError, match="folder"):
            files.read(path)
    with pytest.raises(errors.InvalidInputError, match="folder"):
        files.write("sub", b"x", overwrite=True)
    assert files.stat("pipe").type == "other"


@pytest.mark.slow
def test_symlink_race_cannot_leave_the_folder(data: Path) -> None:
    """A thread swaps a folder with a link to the outside as fast as it can, while files are opened through it."""
    outside = data.parent / "outside"
    (data / "real").mkdir()
    (data / "real/secret.txt").write_text("mine")
    (data / "link").symlink_to(outside)
    os.rename(data / "real", data / "swap")
    stop = threading.Event()

    def rename(source: str, target: str) -> None:
        while not stop.is_set():
            try:
                os.rename(data / source, data / target)
                return
            except OSError:  # a writer made the folder anew just then
                shutil.rmtree(data / target, ignore_errors=True)

    def swap() -> None:
        while not stop.is_set():
            for step in (("swap", "real"), ("link", "swap"), ("swap", "link"), ("real", "swap")):
                rename(*step)

    thread = threading.Thread(target=swap)
    thread.start()
    good = bad = 0
    try:
        until, tries = time.monotonic() + 3, 0
        while tries < 100_000 and (time.monotonic() < until or min(good, bad) <= 20):
            tries += 1
            for call in (
                lambda: files.read("swap/secret.txt"),
                lambda: files.write("swap/new.txt", b"x", overwrite=True),
                lambda: list(files.walk("swap")),
                lambda: files.remove("swap/new.txt"),
            ):
                try:
                    result = call()
                except errors.FlotillaError:
                    bad += 1
                else:
                    good += 1
                    assert not isinstance(result, bytes) or result == b"mine"
    finally:
        stop.set()
        thread.join()
    assert good > 20
    assert bad > 20, "the race was never hit"
    assert os.listdir(outside) == ["secret.txt"]
    assert (outside / "secret.txt").read_text() == "secret"


# --- writing


def test_write_returns_a_file_reference(data: Path) -> None:
    done = files.write("2024/Bilan été €.md", "# Été\n".encode())
    assert done.model_dump() == {
        "path": "2024/Bilan été €.md",
        "bytes": 8,
        "sha256": hashlib.sha256("# Été\n".encode()).hexdigest(),
        "content_type": "text/markdown",
        "read_with": None,
    }
    assert files.ref(done.path) == done
    assert files.stat(done.path).bytes == 8
    assert files.stat(done.path).modified.utcoffset() is not None


@pytest.mark.parametrize(
    ("name", "tool"), [("Devis.PDF", "fs_read_document"), ("a.eml", "fs_read_document"), ("a.png", None)]
)
def test_file_reference_names_the_tool_that_reads_a_document(data: Path, name: str, tool: str | None) -> None:
    assert files.write(name, b"x").read_with == tool


def test_write_overwrites_only_on_request(data: Path) -> None:
    files.write("a.txt", b"old")
    with pytest.raises(errors.InvalidInputError, match="exists already"):
        files.write("a.txt", b"new")
    with pytest.raises(errors.InvalidInputError, match="exists already"):
        files.check("a.txt")
    for path, overwrite in (("a.txt", True), ("b.txt", False), ("no/where/b.txt", False)):
        files.check(path, overwrite)
    assert os.listdir(data) == ["a.txt"]
    assert files.read("a.txt") == b"old"
    os.chmod(data / "a.txt", 0o640)
    files.write("a.txt", b"new", overwrite=True)
    assert files.read("a.txt") == b"new"
    assert stat.S_IMODE((data / "a.txt").stat().st_mode) == 0o640


def test_write_parallel_creators_only_one_succeeds(data: Path) -> None:
    barrier, won = threading.Barrier(8), []

    def create(n: int) -> None:
        barrier.wait()
        with contextlib.suppress(errors.InvalidInputError):
            files.write("one.txt", b"%d" % n)
            won.append(b"%d" % n)

    threads = [threading.Thread(target=create, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [files.read("one.txt")]
    assert os.listdir(data) == ["one.txt"]


def test_write_and_move_without_hard_links(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kw: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    files.write("a", b"1")
    files.move("a", "b")
    files.write("c", b"2")
    with pytest.raises(errors.InvalidInputError, match="exists already"):
        files.move("c", "b")
    assert {p.name: p.read_bytes() for p in data.iterdir()} == {"b": b"1", "c": b"2"}


def test_writer_failed_block_leaves_nothing(data: Path) -> None:
    files.write("a.bin", b"old")

    def fail() -> None:
        with files.writer("a.bin", overwrite=True) as out:
            out.write(b"x" * 1_000_000)
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert files.read("a.bin") == b"old"
    assert os.listdir(data) == ["a.bin"]


def test_writer_for_libraries_that_seek_and_close(data: Path) -> None:
    with files.writer("a.zip") as out, zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x.txt", "x" * 1000)
    with zipfile.ZipFile(io.BytesIO(files.read("a.zip"))) as archive:
        assert archive.testzip() is None
    with files.writer("a.csv") as out:
        text = io.TextIOWrapper(out, "utf-8", newline="")
        csv.writer(text).writerow(["été", "1 €"])
        text.close()
    assert files.read("a.csv").decode() == "été,1 €\r\n"
    assert out.ref.bytes == len(files.read("a.csv"))


KILLED = """
import os, signal, sys
sys.path[:0] = {path!r}
from flotilla import files
with files.writer("a.txt", overwrite=True) as out:
    out.write(b"new" * 1_000_000)
    out.flush()
    print("half", flush=True)
    signal.pause()
"""


def test_writer_killed_leaves_the_old_file_and_is_swept_later(data: Path) -> None:
    files.write("a.txt", b"old")
    code = KILLED.format(path=[p for p in sys.path if p])
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert child.stdout
        assert child.stdout.readline() == b"half\n"
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert files.read("a.txt") == b"old"
    assert len(os.listdir(data)) == 2, "the killed writer left its temporary file"
    assert names() == ["a.txt"], "which nobody sees"
    assert len(os.listdir(data)) == 2, "while it is young it may have a writer"
    temporary = next(p for p in data.iterdir() if p.name != "a.txt")
    os.utime(temporary, (0, 0))
    assert names() == ["a.txt"]
    assert os.listdir(data) == ["a.txt"]


# --- quota and caps


def test_quota(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOTILLA_DATA_QUOTA", "1000")
    files.write("a", b"x" * 600)
    with pytest.raises(
        errors.InvalidInputError,
        match=r"more than 1000 bytes, its quota\. Delete files, or ask the user to raise FLOTILLA_DATA_QUOTA",
    ):
        files.write("b", b"x" * 401)
    files.write("a", b"y" * 1000, overwrite=True)  # the old one's room counts as free
    assert files.usage() == 1000
    with pytest.raises(errors.InvalidInputError, match="its quota"):
        files.write("b", b"x")
    files.remove("a")
    files.write("b", b"x" * 1000)
    assert os.listdir(data) == ["b"]
    monkeypatch.setenv("FLOTILLA_DATA_QUOTA", "0")
    files.write("c", b"x" * 5000)
    monkeypatch.setenv("FLOTILLA_DATA_QUOTA", "plenty")
    with pytest.raises(errors.ConfigurationError, match="FLOTILLA_DATA_QUOTA"):
        files.write("d", b"")


def test_quota_not_exceeded_by_parallel_writers(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOTILLA_DATA_QUOTA", "1000")
    with contextlib.ExitStack() as block:
        first = block.enter_context(files.writer("a"))
        first.write(b"x" * 600)
        files.write("b", b"x" * 600)
        with pytest.raises(errors.InvalidInputError, match="its quota"):
            block.close()
    assert os.listdir(data) == ["b"]
    files.write("c", b"x" * 400)


def write_many(path: str, cap: int, piece: bytes, times: int) -> None:
    with files.writer(path, max_bytes=cap) as out:
        for _ in range(times):
            out.write(piece)


def test_max_bytes_of_one_file(data: Path) -> None:
    for times in (11, 400_000):  # at the end of the block, and while buffers are flushed
        with pytest.raises(errors.InvalidInputError, match="more than 10 bytes"):
            write_many("a", 10, b"x", times)
    write_many("a", 10, b"x", 10)
    assert files.read("a", max_bytes=10) == b"x" * 10
    with pytest.raises(errors.InvalidInputError, match="more than 9 bytes"):
        files.read("a", max_bytes=9)
    assert os.listdir(data) == ["a"]


# --- names


def test_names_normalized_composed_and_decomposed(data: Path) -> None:
    """Composed and decomposed accents name one file."""
    (data / NFD).write_text("disk")
    assert os.listdir(data) == [NFD]
    assert names() == [NFC]
    assert files.read(NFC) == files.read(NFD) == b"disk"
    with pytest.raises(errors.InvalidInputError, match="exists already"):
        files.write(NFC, b"")
    files.write(NFC, b"new", overwrite=True)
    assert os.listdir(data) == [NFD]
    files.move(NFC, "x/" + NFD)
    assert os.listdir(data / "x") == [NFC]
    decomposed = unicodedata.normalize("NFD", "été")
    (data / decomposed).mkdir()
    files.write("été/a.txt", b"1")
    assert os.listdir(data / decomposed) == ["a.txt"]


def test_names_that_cannot_be_passed_back_are_not_listed(data: Path) -> None:
    for name in (b"bad\xff", b"back\\slash", b"good"):
        (Path(os.fsdecode(os.fsencode(data) + b"/" + name))).write_bytes(b"")
    assert names() == ["good"]
    (data / ".flotilla").mkdir()
    (data / ".flotilla/key").write_text("k")
    assert names() == ["good"]
    (data / "sub/.flotilla").mkdir(parents=True)
    assert names() == ["good", "sub", "sub/.flotilla"]


# --- hidden characters in names

HIDING = ["a\u200bb.txt", "a\nb", "a\x7f", "gpj.\u202etxt", "x\U000e0041", "so\xadft", "a\u200db", "a⟨U+200B⟩b.txt"]


@pytest.mark.parametrize("name", HIDING)
def test_names_new_ones_without_hidden_characters(data: Path, name: str) -> None:
    files.write("here.txt", b"x")
    for made in (
        lambda: files.write(name, b"x"),
        lambda: files.write(f"{name}/x", b"x"),
        lambda: files.mkdir(name),
        lambda: files.mkdir(f"sub/{name}"),
        lambda: files.move("here.txt", name),
        lambda: files.check(name),
    ):
        with pytest.raises(errors.InvalidInputError, match=r"would hold a character that is not seen \(U\+"):
            made()
    assert sorted(os.listdir(data)) in (["here.txt"], ["here.txt", "sub"])


@pytest.mark.parametrize("name", ["👨\u200d👩\u200d👧.jpg", "❤️.txt", "می\u200cخواهم.txt", "Devis\xa0n°\u202f4.pdf"])
def test_names_new_ones_may_hold_any_script(data: Path, name: str) -> None:
    """What people write is allowed in new names."""
    assert files.write(name, b"x").path == name
    assert names() == [name]
    assert os.listdir(data) == [name]


def test_names_existing_hidden_characters_shown_and_accepted(data: Path) -> None:
    """Two names that look alike can be told apart, in lists and in errors.

    What is there can be read, renamed, deleted.
    """
    for name in ("ab.txt", "a\u200bb.txt", "new\nline", "lit⟨U+200B⟩"):
        (data / name).write_text(name)
    listed = ["ab.txt", "a⟨U+200B⟩b.txt", "lit⟨U+27E8⟩U+200B⟩", "new⟨U+000A⟩line"]
    assert sorted(names()) == sorted(listed)
    assert files.read("a⟨U+200B⟩b.txt").decode() == files.read("a\u200bb.txt").decode() == "a\u200bb.txt"
    assert files.read("lit⟨U+27E8⟩U+200B⟩").decode() == "lit⟨U+200B⟩"
    assert files.write("a⟨U+200B⟩b.txt", b"new", overwrite=True).path == "a⟨U+200B⟩b.txt"
    assert files.move("a⟨U+200B⟩b.txt", "c.txt").path == "c.txt"
    assert files.remove("new⟨U+000A⟩line").path == "new⟨U+000A⟩line"
    with pytest.raises(errors.NotFoundError, match=r"^gone⟨U\+200B⟩ does not exist"):
        files.read("gone\u200b")
    assert sorted(os.listdir(data)) == ["ab.txt", "c.txt", "lit⟨U+200B⟩"]
    assert (data / "ab.txt").read_text() == "ab.txt"


# --- listing


def test_walk_ordered_and_starts_anywhere(data: Path) -> None:
    for path in ("b/2", "b/1/x", "a", "b-c", "c/é", "B", "b/10"):
        files.write(path, b"")
    whole = names()
    assert whole == ["B", "a", "b", "b/1", "b/1/x", "b/10", "b/2", "b-c", "c", "c/é"]
    for n, path in enumerate(whole):
        assert names(start=path) == whole[n:]
    assert names(start="b/11") == ["b/2", "b-c", "c", "c/é"]
    assert names(deep=False) == ["B", "a", "b", "b-c", "c"]
    assert names("b", deep=False, start="b/10") == ["b/10", "b/2"]
    assert names("c", start="b") == ["c/é"]
    with pytest.raises(errors.NotFoundError, match=r"nowhere does not exist\. List its folder"):
        names("nowhere")
    with pytest.raises(errors.InvalidInputError, match="a is not a folder"):
        names("a")


@pytest.mark.slow
def test_walk_ten_thousand_files_in_pages(data: Path) -> None:
    (data / "many").mkdir()
    for n in range(10_000):
        (data / "many" / f"{n:05}.txt").touch()
    seen, start = [], "."
    for _ in range(11):
        matches = []
        for entry in files.walk("many", start=start, deep=False):
            matches.append(entry.path)
            if len(matches) > 1000:
                break
        seen += matches[:1000]
        if len(matches) <= 1000:
            break
        start = matches[1000]
    assert seen == [f"many/{n:05}.txt" for n in range(10_000)]


# --- folders, moving, deleting


def test_mkdir_move_and_remove(data: Path) -> None:
    assert files.mkdir("a/b/c").type == "directory"
    assert files.mkdir("a/b/c").path == "a/b/c"
    files.write("a/f", b"1")
    with pytest.raises(errors.InvalidInputError, match="a/f is not a folder"):
        files.mkdir("a/f")
    with pytest.raises(errors.InvalidInputError, match="a/f/x"):
        files.mkdir("a/f/x")
    assert files.move("a/f", "new/g").path == "new/g"
    files.write("a/f", b"2")
    with pytest.raises(errors.InvalidInputError, match="new/g exists already"):
        files.move("a/f", "new/g")
    files.move("a/f", "new/g", overwrite=True)
    assert files.read("new/g") == b"2"
    for target in ("a", "a/b/d", "a/"):
        with pytest.raises(errors.InvalidInputError, match="onto or into itself"):
            files.move("a", target)
    with pytest.raises(errors.InvalidInputError, match="exists already"):
        files.move("a", "new", overwrite=True)
    with pytest.raises(errors.NotFoundError, match="gone does not exist"):
        files.move("gone", "x/y")
    assert not (data / "x").exists()
    assert files.move("a", "moved").type == "directory"
    with pytest.raises(errors.InvalidInputError, match="not empty"):
        files.remove("moved")
    files.remove("moved/b/c")
    files.remove("moved", recursive=True)
    for path in ("", "/", "/data"):
        with pytest.raises(errors.InvalidInputError, match="data folder itself"):
            files.remove(path, recursive=True)
        with pytest.raises(errors.InvalidInputError, match="itself"):
            files.move(path, "x")
        with pytest.raises(errors.InvalidInputError, match="data folder itself"):
            files.write(path, b"")
    assert names() == ["new", "new/g"]
    assert files.stat("/").path == "."


def test_data_folder_missing_or_locked_is_a_configuration_error(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kw: object) -> None:
        raise OSError(refuse.code, "no")  # type: ignore[attr-defined]

    for code, terms in ((30, "no right"), (13, "no right"), (28, "disk is full"), (5, "failed: no")):
        refuse.code = code  # type: ignore[attr-defined]
        with monkeypatch.context() as patch:
            patch.setattr(os, "mkdir", refuse)
            with pytest.raises((errors.ConfigurationError, errors.UpstreamError), match=terms):
                files.mkdir("x")
    monkeypatch.setenv("FLOTILLA_DATA", str(data / "nowhere"))
    for call in (files.stat, files.read, files.mkdir, files.remove, lambda p: list(files.walk())):
        with pytest.raises(errors.ConfigurationError, match="cannot be opened"):
            call("x")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.pdf", "application/pdf"),
        ("a.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("a.csv", "text/csv"),
        ("a.md", "text/markdown"),
        ("A.PNG", "image/png"),
        ("a.tar.gz", "application/octet-stream"),
        ("a", "application/octet-stream"),
        ("data:text/html,x", "application/octet-stream"),
    ],
)
def test_content_type_by_name(name: str, kind: str) -> None:
    assert files.content_type(name) == kind


# --- read, change, replace


def test_rewrite_loses_nothing_that_others_wrote(data: Path) -> None:
    """An editor on the host takes no lock: what it saves between reading and replacing begins the change again."""
    (data / "x").write_bytes(b"one")
    seen: list[bytes] = []

    def change(old: bytes) -> bytes:
        seen.append(old)
        if len(seen) == 1:
            (data / "x").write_bytes(b"two")  # of the same length
        return old + b"!"

    assert files.rewrite("x", change).bytes == 4
    assert seen == [b"one", b"two"]
    assert (data / "x").read_bytes() == b"two!"
    assert names() == ["x"]


def test_rewrite_gives_up_on_constant_changes(data: Path) -> None:
    """The file keeps what others wrote."""
    (data / "x").write_bytes(b"")

    def change(old: bytes) -> bytes:
        (data / "x").write_bytes(old + b"x")
        return b"lost"

    with pytest.raises(errors.UpstreamError, match="is being changed by others all the time"):
        files.rewrite("x", change)
    assert (data / "x").read_bytes() == b"x" * folder.TRIES


def test_rewrite_refuses_what_is_too_large_or_missing(data: Path) -> None:
    (data / "x").write_bytes(b"12345")
    with pytest.raises(errors.InvalidInputError, match="more than 4 bytes"):
        files.rewrite("x", lambda old: old, 4)
    with pytest.raises(errors.NotFoundError):
        files.rewrite("y", lambda old: old)


def test_version_differs_between_states(data: Path) -> None:
    (data / "d" / "e").mkdir(parents=True)
    (data / "d" / "e" / "x").write_text("1")
    seen = [files.version("d")]
    assert files.version("d") == seen[0]
    (data / "d" / "e" / "x").write_text("2")
    seen.append(files.version("d"))
    (data / "d" / "y").touch()
    seen.append(files.version("d"))
    (data / "d" / "y").rename(data / "d" / "z")
    seen.append(files.version("d"))
    assert len(set(seen)) == 4
    with pytest.raises(errors.NotFoundError):
        files.version("nowhere")


# --- what is lost with the container


def test_write_refused_where_data_is_lost_with_the_container(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (data / "x").write_text("x")
    monkeypatch.setattr("flotilla.files.paths.is_kept", lambda folder: folder != str(data))
    writes: list[Callable[[], object]] = [
        lambda: files.write("a", b""),
        lambda: files.mkdir("d"),
        lambda: files.move("x", "y"),
        lambda: files.check("a"),
        lambda: files.rewrite("x", lambda old: old + b"!"),
    ]
    for write in writes:
        with pytest.raises(errors.ConfigurationError) as refused:
            write()
        assert str(refused.value) == (
            f"The data folder {data} is part of the container and is lost with it: nothing is written there. "
            f"Ask the user to start the container with `-v flotilla-data:{data}`."
        )
    assert files.read("x") == b"x"
    assert names() == ["x"]
