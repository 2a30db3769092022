"""State: durable or refused, sealed, alone, used once; and never taken for kept where it is lost with the container."""

import asyncio
import errno
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from flotilla import errors
from flotilla.mounts import is_kept
from flotilla.sealing import Keys
from flotilla.state import HOUR, State
from flotilla_launcher.key_files import key_in

FULL = (
    "The state folder {0} cannot be written: No space left on device. Ask the user to free space, to mount a volume at "
    "{0}, or to set FLOTILLA_STATE to a folder that can be written."
)


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(str(tmp_path), "acme")


@pytest.fixture
def full(environ: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a switch that fills the disk."""

    def no_room(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    return lambda: environ.setattr(os, "fsync", no_room)


def test_state_keeps_documents(state: State, tmp_path: Path) -> None:
    assert state.get("a") is None
    state.put("a", {"n": 1})
    state.put("a", {"n": 2})
    assert State(str(tmp_path), "acme").get("a") == {"n": 2}
    assert State(str(tmp_path), "other").get("a") is None
    state.drop("a")
    state.drop("a")
    assert state.get("a") is None


def test_state_files_are_private_and_sealed(state: State, tmp_path: Path) -> None:
    """State is for the user alone."""
    state.put("oauth", {"access_token": "canary-token"})
    assert (tmp_path / "acme").stat().st_mode & 0o777 == 0o700
    for path in (tmp_path / "acme").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600, path
        assert b"canary" not in path.read_bytes()


def test_state_full_disk_is_an_error_and_leaves_nothing(state: State, tmp_path: Path, full: Callable[[], None]) -> None:
    """Nothing is remembered in the process alone: the next process would not know it."""
    state.put("a", 1)
    full()
    with pytest.raises(errors.ConfigurationError) as refused:
        state.put("a", 2)
    assert str(refused.value) == FULL.format(tmp_path)
    assert state.get("a") == 1
    assert not list((tmp_path / "acme").glob("*.part"))


def test_state_on_a_real_full_disk(tmp_path: Path) -> None:
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("needs root to mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(disk)], check=False).returncode:
        pytest.skip("may not mount")
    try:
        state = State(str(disk), "acme")
        state.put("first", 1)

        def fill() -> None:
            for number in range(20):
                state.put(f"note-{number}", "x" * 2000)

        with pytest.raises(errors.ConfigurationError, match="No space left on device"):
            fill()
        assert state.get("first") == 1
        assert not list((disk / "acme").glob("*.part"))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


async def test_state_without_a_folder_refuses_to_save(tmp_path: Path) -> None:
    state = State(str(tmp_path / "nowhere"), "acme")
    assert state.get("a") is None
    for promise in (lambda: state.put("a", 1), lambda: state.spend("x")):
        with pytest.raises(errors.ConfigurationError, match="there is no such folder"):
            promise()
    with pytest.raises(errors.ConfigurationError, match="there is no such folder"):
        async with state.alone("a"):
            pass
    assert not (tmp_path / "nowhere").exists()  # the state folder itself is not the library's to make


def test_state_caches_where_it_cannot_save(tmp_path: Path) -> None:
    state = State(str(tmp_path / "nowhere"), "acme")
    state.cache("a", {"n": 1})
    assert state.cached("a") == {"n": 1}
    saved = State(str(tmp_path), "acme")
    saved.cache("a", {"n": 2})
    assert State(str(tmp_path), "acme").cached("a") == {"n": 2}
    (tmp_path / "acme" / "key").write_text("another key, which does not open it")
    assert State(str(tmp_path), "acme").cached("a") is None


def test_state_leftovers_of_killed_processes_are_swept(tmp_path: Path) -> None:
    folder = tmp_path / "acme"
    folder.mkdir()
    for name in ("oauth.1234.part", "once-x.1234.part", "key.1.part", "fresh.1.part"):
        (folder / name).write_text("{")
    for path in folder.iterdir():
        if path.name != "fresh.1.part":
            os.utime(path, (time.time() - HOUR - 60,) * 2)
    State(str(tmp_path), "acme").put("a", 1)
    assert sorted(path.name for path in folder.iterdir()) == ["a.sealed", "fresh.1.part", "key"]


def test_state_sweep_counts_what_stays(state: State, tmp_path: Path) -> None:
    state.put("once-a", "x" * 5000)
    state.put("once-b", 1)
    state.put("other", 1)
    os.utime(tmp_path / "acme" / "once-b.sealed", (1, 1))
    assert state.sweep("once-") == 8192
    assert (state.get("once-b"), state.get("other")) == (None, 1)


# --- sealing


def opened(refused: pytest.ExceptionInfo[errors.ConfigurationError]) -> str:
    return str(refused.value)


def test_state_with_another_key_is_an_error_not_an_absence(state: State, tmp_path: Path) -> None:
    """Taken for absent, the tokens would be renewed with a refresh token that is spent."""
    state.put("oauth", {"refresh_token": "r"})
    path = tmp_path / "acme" / "oauth.sealed"
    (tmp_path / "acme" / "key").unlink()
    with pytest.raises(errors.ConfigurationError) as refused:
        State(str(tmp_path), "acme").get("oauth")
    assert opened(refused) == (
        "The saved tokens of acme cannot be opened: the state key has changed or the file is damaged. Ask the user to "
        f"set FLOTILLA_STATE_KEY to what it was, or delete {path} and to connect the account again."
    )


@pytest.mark.parametrize("damage", ["cut", "flipped", "plain", "renamed", "other server"])
def test_state_document_opens_only_whole_and_in_its_place(state: State, tmp_path: Path, damage: str) -> None:
    state.put("a", {"n": 1})
    path, slug, name = tmp_path / "acme" / "a.sealed", "acme", "a"
    sealed = path.read_bytes()
    if damage == "cut":
        path.write_bytes(sealed[:-1])
    elif damage == "flipped":
        path.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    elif damage == "plain":
        path.write_text('{"n": 1}')
    elif damage == "renamed":
        path.rename(path.with_name("b.sealed"))
        name = "b"
    else:
        shutil.copytree(tmp_path / "acme", tmp_path / "other")
        slug = "other"
    with pytest.raises(errors.ConfigurationError, match="cannot be opened"):
        State(str(tmp_path), slug).get(name)


def test_state_configured_key_is_not_on_the_disk(tmp_path: Path) -> None:
    state = State(str(tmp_path), "acme", "k" * 32)
    state.put("a", 1)
    assert not (tmp_path / "acme" / "key").exists()
    assert State(str(tmp_path), "acme", "k" * 32).get("a") == 1
    for other in ("x" * 32, ""):
        with pytest.raises(errors.ConfigurationError, match="state key has changed"):
            State(str(tmp_path), "acme", other).get("a")


def test_state_key_configured_later_opens_older_state(state: State, tmp_path: Path) -> None:
    state.put("a", 1)
    later = State(str(tmp_path), "acme", "k" * 32)
    assert later.get("a") == 1
    later.put("a", 2)
    with pytest.raises(errors.ConfigurationError, match="state key has changed"):
        State(str(tmp_path), "acme").get("a")


def test_keys_differ_by_server_and_by_use() -> None:
    one, other = Keys("acme", ["k" * 32], True), Keys("other", ["k" * 32], True)
    sealed = one.codec("confirmations").seal(b"x")
    assert Keys("acme", ["k" * 32], True).codec("confirmations").unseal(sealed) == b"x"
    for wrong in (other.codec("confirmations"), one.codec("rounds")):
        with pytest.raises(Exception, match="unknown key"):
            wrong.unseal(sealed)


@pytest.mark.slow
def test_key_in_made_once_by_many_processes(tmp_path: Path) -> None:
    path = tmp_path / "key"
    code = "import sys, pathlib; from flotilla_launcher.key_files import key_in; "
    code += "print(key_in(pathlib.Path(sys.argv[1])))"
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    keys = {process.communicate()[0].strip() for process in running}
    assert keys == {key_in(path)}
    assert len(keys.pop()) == 64
    assert [p.name for p in tmp_path.iterdir()] == ["key"]


def test_key_in_file_without_a_key_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "key").touch()
    with pytest.raises(errors.ConfigurationError, match="holds no key"):
        State(str(tmp_path), "acme").put("a", 1)


# --- once, alone


def test_spend_succeeds_once(state: State, tmp_path: Path) -> None:
    assert state.spend("m")
    assert not State(str(tmp_path), "acme").spend("m")
    assert state.spend("n")


async def test_state_alone_keeps_others_out(tmp_path: Path) -> None:
    order: list[str] = []
    one, other = State(str(tmp_path), "acme"), State(str(tmp_path), "acme")

    async def work(state: State, name: str) -> None:
        async with state.alone("x"):
            order.append(f"{name} in")
            await asyncio.sleep(0.1)
            order.append(f"{name} out")

    await asyncio.gather(work(one, "a"), work(other, "b"))
    assert order in (["a in", "a out", "b in", "b out"], ["b in", "b out", "a in", "a out"])


# --- what is lost with the container


@pytest.fixture
def image(environ: pytest.MonkeyPatch) -> None:
    environ.setenv("FLOTILLA_IMAGE", "1")


def test_is_kept_distinguishes_a_mount_from_the_container_layer(image: None) -> None:
    devices = {"/": 1, "/state": 1, "/data": 2}
    assert not is_kept("/state", devices.__getitem__)
    assert is_kept("/data", devices.__getitem__)
    assert is_kept("/nowhere")


def test_is_kept_outside_of_a_container() -> None:
    """Outside of a container every folder is kept."""
    assert is_kept("/state", lambda _: 1)


def test_state_in_the_container_layer_is_refused(tmp_path: Path) -> None:
    state = State(str(tmp_path), "gmail", is_kept=lambda _: False)
    with pytest.raises(errors.ConfigurationError) as refused:
        state.put("a", 1)
    assert opened(refused) == (
        f"The state folder {tmp_path} is part of the container and is lost with it: nothing is saved there. "
        f"Ask the user to start the container with `-v flotilla-gmail:{tmp_path}`."
    )
    assert list(tmp_path.iterdir()) == []
    assert json.dumps(state.get("a")) == "null"  # to read is not a promise
