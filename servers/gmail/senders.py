"""The addresses that the account sends from: its own, and those of "Send mail as" in Gmail's settings.

https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.settings.sendAs
"""

from __future__ import annotations

from flotilla import Address, errors, readable
from flotilla_servers._google.reach import granted_scopes

from .client import COST, ME, READ_SETTINGS, api
from .models import Alias


async def aliases() -> list[Alias]:
    """Return all of them, the account's main address first."""
    rows = await api.rows(f"{ME}/settings/sendAs", "sendAs", missing=True, cost=COST["sendAs.list"])
    return sorted(readable(Alias, rows), key=lambda one: not one.primary)


async def sender(wanted: Address | None) -> Address | None:
    """Return the address to send from, with the name that Gmail's settings give it; None for the account's default.

    Gmail writes its default over any other address without a word, so others are refused here: raises
    errors.InvalidInputError, and errors.PermissionDeniedError where the consent does not let the addresses be read.
    """
    if wanted is None:
        return None
    granted = set(granted_scopes(api))
    if granted and not any(granted.issuperset(one.split()) for one in READ_SETTINGS):
        raise errors.PermissionDeniedError(
            "The consent does not let the account's addresses be read, which `sender` needs.",
            "Leave `sender` out to send from the default address, or ask the user to run `scripts/login gmail` again.",
        )
    known = await aliases()
    alias = next((one for one in known if one.email.casefold() == wanted.key), None)
    if alias is None or not alias.ready:
        addresses = ", ".join(one.email for one in known if one.ready)
        problem = "is not verified yet" if alias else "is not an address of this account"
        raise errors.InvalidInputError(
            f"`{errors.excerpt(wanted.address, 80)}` {problem}: it sends from {addresses}.",
            "Choose one of these, or ask the user to add it in Gmail: Settings > Accounts > Send mail as.",
        )
    return Address(wanted.address, wanted.name or alias.name)


async def own_addresses() -> set[str]:
    """Return the keys of every address of the account, so that an answer to everybody does not go to itself."""
    return {one.email.casefold() for one in await aliases()}
