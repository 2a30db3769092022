"""What a release is made of, and how far it has come: build/release/<version>/state.json."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flotilla_cli import paths

TOOLS = paths.ROOT / "build" / "tools" / "usr" / "bin"  # what scripts/release-tools unpacked
UNKNOWN = "sha256:…"  # in place of a digest, where nothing is pushed


class ReleaseError(Exception):
    """A release cannot begin or go on; its text says why, and what to do."""


@dataclass
class Release:
    """A release as its options describe it. `slugs` are the servers whose images belong to it, the switchboard too.

    `key` is the file of cosign's private key; empty for a keyless signature, as in CI. `builder` is a builder of buildx
    that can make attestations and images of other machines, with `platforms`; empty for the engine's own.
    """

    version: str
    registry: str
    slugs: list[str]
    key: str = ""
    builder: str = ""
    platforms: str = ""
    certificate: str = ""
    dry_run: bool = False
    root: Path = paths.ROOT
    into: Path = paths.ROOT / "build" / "release"
    done: dict[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where everything is written that is not pushed."""
        return self.into / self.version

    @property
    def commit(self) -> str:
        """The commit that is released, 40 hexadecimal digits."""
        return self.read("git", "rev-parse", "HEAD")

    def epoch(self) -> str:
        """Return the seconds since 1970 of the commit, which is the date of everything that is made from it."""
        return self.read("git", "log", "-1", "--format=%ct")

    def image(self, slug: str) -> str:
        """Return the name of an image with the full version."""
        return f"{self.registry}/{slug}:{self.version}"

    def pinned(self, slug: str) -> str:
        """Return the name of a pushed image by its digest."""
        return f"{self.registry}/{slug}@{self.done.get(f'push {slug}', UNKNOWN)}"

    def read(self, *command: str) -> str:
        """Return what a command prints that changes nothing. Raises ReleaseError."""
        return self._output(command)

    def run(self, *command: str, **environ: str) -> str:
        """Run a command and return what it prints; with dry_run, show it only. Raises ReleaseError."""
        if self.dry_run:
            shown = shlex.join(command).replace(f"{self.root}/", "")
            paths.say("    $ " + "".join(f"{name}={value} " for name, value in environ.items()) + shown)
            return ""
        return self._output(command, environ)

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file below the release's folder, and return its path; with dry_run, show it only."""
        path = self.folder / name
        if self.dry_run:
            paths.say(f"    writes {paths.short(path)}")
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def resume(self) -> None:
        """Read what an interrupted run of this release has done. Raises ReleaseError for one of something else."""
        state = paths.read_json(self.folder / "state.json")
        if not state:
            return
        for name, mine in self.identity().items():
            if state[name] != mine:
                raise ReleaseError(
                    f"{paths.short(self.folder)} holds a release with {name} {state[name]}, and this has {mine}. "
                    "Go on with that one, or delete the folder."
                )
        self.done = state["done"]

    def identity(self) -> dict[str, Any]:
        """Return what all runs of one release have in common: what was built must be what is pushed and signed."""
        return {
            "commit": self.commit,
            "registry": self.registry,
            "servers": self.slugs,
            "builder": self.builder,
            "platforms": self.platforms,
        }

    def finish(self, step: str, result: Any) -> None:
        """Remember that a step was done, and what it gave."""
        self.done[step] = result
        state = {**self.identity(), "done": self.done}
        self.folder.mkdir(parents=True, exist_ok=True)
        paths.write(self.folder / "state.json", json.dumps(state, indent=2), 0o644)

    def _output(self, command: Sequence[str], environ: dict[str, str] | None = None) -> str:
        env = {**os.environ, "PATH": f"{TOOLS}{os.pathsep}{os.environ.get('PATH', '')}", **(environ or {})}
        try:
            done = subprocess.run(
                command,
                cwd=self.root,
                env=env,
                umask=0o022,  # what is built must not depend on this machine's
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError as problem:
            got = "`scripts/release-tools` gets it" if command[0] in ("cosign", "oras") else "install it"
            raise ReleaseError(f"{command[0]} cannot be started ({problem.strerror}): {got}.") from None
        if done.returncode:
            raise ReleaseError(f"`{shlex.join(command)}` failed: {done.stderr.strip()[-2000:]}")
        return done.stdout.strip()


@dataclass(frozen=True)
class Step:
    """A step: its name, by which its result is remembered, what it does in one line, and what does it."""

    name: str
    about: str
    action: Callable[[Release], Any]
