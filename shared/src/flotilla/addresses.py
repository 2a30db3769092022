"""Lists of e-mail addresses. The code is in `parsing.addresses`; this module keeps the name that servers import."""

from __future__ import annotations

from .parsing.addresses import AddressList as AddressList
from .parsing.addresses import split_addresses as split_addresses
