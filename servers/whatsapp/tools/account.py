"""The account: phone numbers, business profile, blocked numbers.

https://developers.facebook.com/docs/whatsapp/business-management-api
"""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Address, Cursor, Limit, Page, Phone, Toolset, errors, settings_of

from ..client import UnknownFieldError, account, api, country, integration, own
from ..models import Blocked, Done, NumberRow, Profile, people
from ..sending import short

tools = Toolset("account")

# One field that a version does not have fails the whole request: these are in all of them, unlike what the published
# document says (unified_cert_status is in none, the limit of the portfolio from v24.0 on).
NUMBER_FIELDS = (
    "id,display_phone_number,verified_name,status,quality_rating,messaging_limit_tier,code_verification_status,"
    "name_status,account_mode"
)
LIMIT = "whatsapp_business_manager_messaging_limit"
PROFILE_FIELDS = "about,address,description,email,profile_picture_url,websites,vertical"
Vertical = Literal[
    "OTHER", "AUTO", "BEAUTY", "APPAREL", "EDU", "ENTERTAIN", "EVENT_PLAN", "FINANCE", "GROCERY", "GOVT", "HOTEL",
    "HEALTH", "NONPROFIT", "PROF_SERVICES", "RETAIL", "TRAVEL", "RESTAURANT",
]  # fmt: skip
Number = Annotated[Phone, Field(description="Phone number, national or international.", examples=["06 12 34 56 78"])]


@tools.reads(
    search="numéros de téléphone qualité limite statut compte whatsapp business phone numbers quality limits tier",
    examples=["Quelle est la qualité de notre numéro WhatsApp ?", "How many people can we write to a day?"],
)
async def list_phone_numbers(limit: Limit = 20, cursor: Cursor = None) -> Page[NumberRow]:
    """List the business's own phone numbers, each with name, status, quality rating and daily limit.

    The one with sends=true is what whatsapp_send_text and the others send from; another one is chosen in the settings.
    The limit counts people who are written to first, and all numbers share it. It does not list customers.
    """
    params = {"fields": NUMBER_FIELDS}
    page = await api.page(account("/phone_numbers"), NumberRow, params=params, limit=limit, cursor=cursor)
    mine, shared = settings_of(integration).phone_number_id, None
    if any(one.limit is None for one in page.items):
        with suppress(UnknownFieldError):  # before v24.0 there is no such field
            shared = people((await api.get(own(), params={"fields": LIMIT})).get(LIMIT))
    items = [one.model_copy(update={"sends": one.id == mine, "limit": one.limit or shared}) for one in page.items]
    return Page(items=items, next_cursor=page.next_cursor)


@tools.reads(core=False, search="profil entreprise adresse horaires description business profile about")
async def get_business_profile() -> Profile:
    """Get the business profile that customers see on WhatsApp: about, description, address, e-mail, websites.

    Change it with whatsapp_update_business_profile. The name itself is shown by whatsapp_list_phone_numbers.
    """
    rows = await api.rows(own("/whatsapp_business_profile"), "data", params={"fields": PROFILE_FIELDS})
    first = rows[0] if rows else {}
    inner = first.get("business_profile")  # Meta's documents show it both ways
    return Profile.model_validate(inner if isinstance(inner, dict) else first)


@tools.writes(
    core=False,
    additive=False,
    idempotent=True,
    search="modifie profil entreprise adresse site web description update business profile",
    examples=["Mets à jour notre adresse sur WhatsApp"],
)
async def update_business_profile(
    about: Annotated[str | None, Field(description="Short status line, at most 139 characters.")] = None,
    description: Annotated[str | None, Field(description="What the business does, at most 256 characters.")] = None,
    address: Annotated[str | None, Field(description="Postal address, at most 256 characters.")] = None,
    email: Annotated[Address | None, Field(description="E-mail address for customers.")] = None,
    websites: Annotated[list[str] | None, Field(max_length=2, description="Up to two, which replace the old.")] = None,
    vertical: Annotated[Vertical | None, Field(description="Line of business, by Meta's code.")] = None,
) -> Done:
    """Change what customers see of the business on WhatsApp. What is left out stays as it is.

    Read it with whatsapp_get_business_profile first. Display name and picture are changed in WhatsApp Manager.
    """
    if any(not one.startswith(("https://", "http://")) or " " in one for one in websites or []):
        raise errors.InvalidInputError("A website is not a whole address.", "Write it with https://.")
    changes: dict[str, Any] = {
        "about": short(about, 139, "status line"),
        "description": short(description, 256, "description"),
        "address": short(address, 256, "address"),
        "email": short(email.address, 128, "e-mail address") if email else None,
        "websites": websites,
        "vertical": vertical,
    }
    body = {name: value for name, value in changes.items() if value is not None}
    if not body:
        raise errors.InvalidInputError("There is nothing to change.", "Pass at least one value.")
    await api.post(own("/whatsapp_business_profile"), json={"messaging_product": "whatsapp", **body})
    return Done()


@tools.reads(core=False, search="liste numéros bloqués blocage blocked numbers")
async def list_blocked_numbers(limit: Limit = 20, cursor: Cursor = None) -> Page[Blocked]:
    """List the phone numbers that are blocked: they cannot write to the business, and get nothing from it.

    whatsapp_add_blocked_number blocks one more, whatsapp_remove_blocked_number unblocks one.
    """
    return await api.page(own("/block_users"), Blocked, limit=limit, cursor=cursor)


@tools.writes(
    core=False,
    creates=True,
    idempotent=True,
    search="bloque numéro spam indésirable block number",
    examples=["Bloque ce numéro"],
)
async def add_blocked_number(phone: Number) -> Done:
    """Block a phone number: it cannot write to the business any more, and gets nothing from it.

    Only somebody who wrote within the last 24 hours can be blocked. whatsapp_remove_blocked_number takes it back.
    """
    return _outcome(await api.post(own("/block_users"), json=_users(phone)), "blocked")


@tools.writes(
    core=False,
    additive=False,
    idempotent=True,
    search="débloque numéro unblock number",
    examples=["Débloque ce numéro"],
)
async def remove_blocked_number(phone: Number) -> Done:
    """Unblock a phone number, so that it can write to the business again.

    whatsapp_list_blocked_numbers shows which are blocked. Nothing is sent to the person.
    """
    return _outcome(await api.delete(own("/block_users"), json=_users(phone)), "unblocked")


def _users(phone: Phone) -> dict[str, Any]:
    return {"messaging_product": "whatsapp", "block_users": [{"user": phone.e164(country())}]}


def _outcome(answer: Any, verb: str) -> Done:
    """Raise errors.InvalidInputError for a failure inside of a success."""
    result = answer.get("block_users") if isinstance(answer, dict) else None
    failed = result.get("failed_users") if isinstance(result, dict) else None
    if failed:
        raise errors.InvalidInputError(
            f"The number could not be {verb}.", "Only somebody who wrote within 24 hours can be blocked."
        )
    return Done()
