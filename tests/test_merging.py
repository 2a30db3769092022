"""Two branches that each add a server merge without a conflict, and what merges is what would be generated."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flotilla_cli.generator.scaffold import write
from flotilla_cli.generator.servers import ROOT

pytestmark = pytest.mark.slow
KEPT = ("calendly", "export", "switchboard")  # a server with a vendor, one without, and the gateway
AUTHOR = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main"]


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *AUTHOR, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def command(folder: Path, module: str, *arguments: str) -> str:
    environ = {**os.environ, "PYTHONPATH": f"{folder / 'scripts'}{os.pathsep}{folder / 'shared/src'}"}
    done = subprocess.run(
        [sys.executable, "-m", f"flotilla_cli.generator{module}", *arguments],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def is_needed(name: str) -> bool:
    """Tell whether a file decides what is generated for KEPT; a line more in a list is the same in a list of forty."""
    folder, _, rest = name.partition("/")
    return folder != "tests" and (folder != "servers" or rest.partition("/")[0] in {"__init__.py", *KEPT})


def test_two_branches_that_add_a_server_merge_clean(tmp_path: Path) -> None:
    """acme comes before all servers, zeta after them: first and last lines of a list are the ones that conflict."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    main = tmp_path / "main"
    for name in listed.stdout.split("\0"):
        if name and (ROOT / name).is_file() and is_needed(name):
            (main / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, main / name)
    git(main, "init", "--quiet")
    command(main, "")  # so that only the two servers differ
    git(main, "add", "--all")
    git(main, "commit", "--quiet", "--message", "as it stands")
    for slug in ("acme", "zeta"):
        branch = tmp_path / slug
        git(main, "worktree", "add", "--quiet", "-b", slug, str(branch))
        write(slug, branch)
        command(branch, "")
        git(branch, "add", "--all")
        git(branch, "commit", "--quiet", "--message", f"{slug}: add the server")
        changed = git(branch, "diff", "--name-only", "main", slug).splitlines()
        assert "compose/compose.switchboard.yaml" in changed
        assert not [name for name in changed if name.endswith("discovery.json") or name.startswith("catalog/servers/")]
    git(main, "merge", "--quiet", "acme")
    git(main, "merge", "--quiet", "--no-edit", "zeta")
    assert command(main, "", "--check") == ""
    readme = (main / "README.md").read_text(encoding="utf-8")
    assert "[acme](servers/acme/README.md)" in readme
    assert "[zeta](servers/zeta/README.md)" in readme
