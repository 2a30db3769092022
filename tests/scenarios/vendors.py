"""A gateway of this machine to servers whose vendors are fakes with an address and settings of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import pytest

from flotilla_testing import FakeVendor, RecordedResponses
from flotilla_testing.leftovers import name_of_run
from tests.scenarios.harness import Gateway, host_address, unavailable


class Fake(Protocol):
    """A fake vendor: where it listens, and by which variables a server finds it."""

    vendor: FakeVendor

    @property
    def settings(self) -> dict[str, str]: ...


@contextmanager
def connected(
    kind: str, folder: Path, name: str, fakes: Mapping[str, Fake], others: Sequence[str] = ()
) -> Iterator[Gateway]:
    """Start the fakes, given by server, at an address that the servers reach; yield a gateway to those servers.

    `others` are servers without a fake, whose settings the test adds. Skips the test where this machine has no gateway
    of the kind.
    """
    slugs = [*fakes, *others]
    if reason := unavailable(kind, slugs):
        pytest.skip(reason)
    host, settings = host_address(kind), {slug: dict[str, str]() for slug in others}
    with ExitStack() as stack:
        for slug, fake in fakes.items():
            assert isinstance(fake, RecordedResponses)
            fake.vendor = stack.enter_context(FakeVendor(fake, host))
            prefix = slug.upper().replace("-", "_") + "_"
            settings[slug] = {key.removeprefix(prefix).lower(): value for key, value in fake.settings.items()}
        hosts = ",".join(urlsplit(fake.vendor.url).netloc for fake in fakes.values())
        name = name_of_run(name)
        gateway = Gateway(kind, name, folder, slugs, settings, hosts)
        stack.callback(gateway.close)
        yield gateway
