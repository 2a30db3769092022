"""docs/webhooks.md says of each vendor what its data says."""

from __future__ import annotations

from pathlib import Path

import pytest

from flotilla_servers.webhooks.vendors import VENDORS, Vendor

PAGE = Path(__file__).parents[3] / "docs" / "webhooks.md"


@pytest.mark.parametrize("vendor", VENDORS.values(), ids=list(VENDORS))
def test_docs_table_row(vendor: Vendor) -> None:
    [row] = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| [{vendor.title}](")]
    assert row.startswith(f"| [{vendor.title}]({vendor.docs}) | `{vendor.slug}/main")
    assert f"| {vendor.secret} | {vendor.setup} |" in row
    apart = row.rstrip("| ").rpartition("| ")[2]
    assert ("content" in apart, "unread" in apart) == (not vendor.id or vendor.signals, vendor.signals)
