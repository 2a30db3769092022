"""Code that reads what strangers wrote, in a process of its own: no secrets, network or files, and little time.

`run` starts the function `main(job, document)` of a module, which yields results as JSON objects. Standard library
only, so that such a process starts quickly.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from flotilla_launcher.handover import DEFAULTS

LARGEST_RESULT = 16 * 2**20  # bytes of all results together
_START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from flotilla_launcher.sandbox import enter; enter()"
# What Python tells its audit hooks before it happens. The parsers that run here are pure Python, so that no other code
# reaches the system than code that these names stand for.
_REFUSED = ("socket.", "subprocess.", "os.", "shutil.", "ctypes.", "fcntl.", "mmap.", "signal.", "webbrowser.")
_HARMLESS = ("os.listdir", "os.scandir")  # how modules are imported
_CRASHED = 70  # exit code: the code itself failed


@dataclass(frozen=True)
class Outcome:
    """Results in order, as far as they came, and how the process ended."""

    results: list[dict[str, Any]]
    ended: Literal["done", "time", "memory", "crash"]


class Unnamed(io.BufferedReader):
    """An open file without a name: that of a descriptor is a number, which parsers take for a path."""

    name = None


def run(
    module: str, job: Mapping[str, Any], *, seconds: float, memory: int, document: BinaryIO | None = None
) -> Outcome:
    """Run `main(job, document)` of a module and return its results. Blocks for at most `seconds`.

    `memory` is in bytes of address space. `document` is an open file, which the other process may read.
    """
    bare = ["-S"] if sys.flags.no_site else []  # as this process was started: an image has no site module
    passed = [document.fileno()] if document else []
    limits = json.dumps({"module": module, "document": passed, "seconds": seconds, "memory": memory})
    command = [sys.executable, "-I", *bare, "-c", _START, json.dumps(sys.path), limits]
    with tempfile.TemporaryFile() as questions, tempfile.TemporaryFile() as results:
        questions.write(json.dumps(job).encode())
        questions.seek(0)
        process = subprocess.Popen(
            command, stdin=questions, stdout=results, stderr=subprocess.DEVNULL, env=DEFAULTS, pass_fds=passed
        )
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            process.kill()
            process.wait()
        results.seek(0)
        return Outcome(list(_lines(results.read(LARGEST_RESULT))), _ending(code))


def _lines(written: bytes) -> Iterator[dict[str, Any]]:
    for line in written.split(b"\n")[:-1]:  # behind the last line end is one that was not finished
        yield json.loads(line)


def _ending(code: int | None) -> Literal["done", "time", "memory", "crash"]:
    if code is None or code == -signal.SIGXCPU:
        return "time"
    if code in (-signal.SIGKILL, os.EX_OSERR):  # the kernel's choice when memory is short, and Python's own error
        return "memory"
    return "crash" if code else "done"


def enter() -> None:
    """Run the job that `run` left, under its limits: the main function of the other process."""
    limits = json.loads(sys.argv[2])
    job = json.load(sys.stdin)
    main: Callable[..., Iterator[dict[str, Any]]] = importlib.import_module(limits["module"]).main
    document = Unnamed(io.FileIO(limits["document"][0])) if limits["document"] else None
    _limit(limits["seconds"], limits["memory"])
    _close(Path(sys.modules[limits["module"]].__file__ or "").parents[1])
    try:
        for result in main(job, document):
            print(json.dumps(result), flush=True)
    except MemoryError:
        os._exit(os.EX_OSERR)
    except Exception:
        os._exit(_CRASHED)
    os._exit(0)


def _limit(seconds: float, memory: int) -> None:
    """Set the limits of this process, where the system has them."""
    with suppress(ImportError):
        import resource

        for name, value in {
            "AS": memory,
            "CPU": int(seconds) + 1,
            "FSIZE": LARGEST_RESULT,
            "CORE": 0,
            "NOFILE": 64,
            "NPROC": 0,
        }.items():
            with suppress(AttributeError, OSError, ValueError):
                resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # where memory is short, this process ends, not its parent
    for spaces in (0x40000000, 0x50000000):  # CLONE_NEWNET, and with CLONE_NEWUSER for those who are not root
        with suppress(AttributeError, OSError):
            os.unshare(spaces)  # type: ignore[attr-defined, unused-ignore]
            break


def _close(folder: Path) -> None:
    """Refuse from now on all that leads out of the process, but the reading of Python's own modules."""
    readable = tuple(os.path.join(path, "") for path in [*sys.path, sys.prefix, sys.base_prefix, str(folder)] if path)
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

    def refuse(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = args
            reads = isinstance(flags, int) and not flags & writing
            if isinstance(path, int) or (reads and str(path).startswith(readable)):
                return
        elif not event.startswith(_REFUSED) or event in _HARMLESS:
            return
        raise PermissionError(f"{event} is not allowed here")

    sys.addaudithook(refuse)
