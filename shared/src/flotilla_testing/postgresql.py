"""A PostgreSQL server of its own for tests, from Debian's packages (`scripts/postgresql` installs them)."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

MISSING = "PostgreSQL is not installed: `sudo scripts/postgresql` installs it on Debian and Ubuntu"


def programs() -> Path | None:
    """Return the folder of the newest server's programs, None where there is none."""
    return max((path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")), default=None)


@contextmanager
def postgresql_server() -> Iterator[Callable[[], str]]:
    """Start a server; give a function that makes an empty database and returns its URL. Nothing of it is left.

    The databases belong to a user below superuser. Raises RuntimeError where it is not installed.
    """
    if not (folder_of_programs := programs()):
        raise RuntimeError(MISSING)
    folder = Path(tempfile.mkdtemp(prefix="flotilla-postgresql-"))  # a short path, since a socket's must be
    how: dict[str, Any] = {"stdout": subprocess.DEVNULL, "check": True, "cwd": folder}
    if os.getuid() == 0:  # as which it refuses to run
        shutil.chown(folder, "postgres", "postgres")
        how |= {"user": "postgres", "group": "postgres", "extra_groups": []}

    def run(program: str, *options: str) -> None:
        subprocess.run([str(folder_of_programs / program), *options], **how)

    def sql(text: str) -> None:
        run("psql", "-h", str(folder), "-U", "root", "-d", "postgres", "-q", "-c", text)

    def database() -> str:
        name = f"test{next(numbers)}"
        sql(f"CREATE DATABASE {name} OWNER app")
        return f"postgresql://app@/{name}?host={folder}"

    numbers = count()
    run("initdb", "-D", f"{folder}/data", "-U", "root", "-A", "trust")
    control = ("-D", f"{folder}/data", "-w", "-l", f"{folder}/log")
    run("pg_ctl", *control, "-o", f"-k {folder} -h '' -c fsync=off", "start")
    try:
        sql("CREATE ROLE app LOGIN")
        yield database
    finally:
        run("pg_ctl", *control, "-m", "immediate", "stop")
        shutil.rmtree(folder)
