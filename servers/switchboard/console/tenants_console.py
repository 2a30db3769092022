"""The console of a switchboard that serves many tenants, for its operator: all tenants, and what each of them has."""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from functools import partial

from ..tenants.tenants import Tenants
from ..tenants.vault import Vault
from . import tenants_actions, tenants_pages
from .app import Part, Site
from .tenants_host import Operator


class TenantsConsole(Site):
    """The pages about all tenants, and beneath the address of each those about its calls and tools."""

    def __init__(self, options: argparse.Namespace, tenants: Tenants, vault: Vault) -> None:
        operator = Operator(options, tenants, vault)
        common = partial(tenants_pages.common, operator)
        everybody = Part(
            "", lambda _: nullcontext(operator), common, tenants_pages.PAGES, tenants_actions.ACTIONS, live=False
        )
        one = Part("/tenants/{tenant}", operator.host, common, tenants_pages.CALLS, tenants_actions.CALLS)
        super().__init__(options, everybody, one)
