"""The servers as packages: `servers/google-calendar` is `flotilla_servers.google_calendar`.

In an image and in a wheel the folders are ordinary packages. In a checkout this finder maps them, so that a new
folder is importable at once, without installing anything again.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CHECKOUT = Path(__file__).resolve().parents[3] / "servers"


class _Folders:
    """Finds `flotilla_servers.<slug>` in the checkout's folder of that name, dashes for underscores."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        parent, _, slug = name.rpartition(".")
        # _google and the like are folders that several servers share
        folder = CHECKOUT / (slug if slug.startswith("_") else slug.replace("_", "-"))
        if parent != __name__ or not folder.is_dir():
            return None
        if (folder / "__init__.py").is_file():
            return spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=[str(folder)])
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(folder)]
        return spec


if CHECKOUT.is_dir():
    sys.meta_path.insert(sys.meta_path.index(PathFinder) if PathFinder in sys.meta_path else 0, _Folders)
