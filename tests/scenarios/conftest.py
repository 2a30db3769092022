"""Each story goes through containers once; its variants, such as a vendor that fails, go through processes.

What a gateway does with an answer does not depend on where the server runs. `--every-tool` takes every variant through
every gateway.
"""

from __future__ import annotations

import pytest

from tests.scenarios.harness import CONTAINERS


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is tried with processes: all but the first test of a file, for each gateway with containers."""
    if config.getoption("--every-tool"):
        return
    tried, left_out = set(), []
    for item in items:
        params = item.callspec.params.values() if hasattr(item, "callspec") else ()
        for kind in (one for one in params if one in CONTAINERS):
            if (item.path, kind) in tried:
                left_out.append(item)
            tried.add((item.path, kind))
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)
