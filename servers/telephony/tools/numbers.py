"""Numbers: whose they are, and those of the account. https://www.twilio.com/docs/lookup/v2-api"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, segment

from ..client import api, lookups, messaging, paging, product_paging
from ..models import NumberReport, OwnNumber, Service
from ..people import Who, e164, last_calls, last_messages

tools = Toolset("numbers")


@tools.reads(
    search="qui appelle à qui est ce numéro opérateur mobile fixe annuaire nom vérifier lookup carrier caller id owner",
    examples=["C'est qui, le 06 12 34 56 78 ?", "Is this number a mobile?"],
)
async def check_number(
    phone: Who,
    carrier: Annotated[bool, Field(description="True asks for carrier and line type, about 0.01 USD.")] = False,
    caller_name: Annotated[
        bool, Field(description="True asks for the registered name, about 0.01 USD; United States only.")
    ] = False,
) -> NumberReport:
    """Check whose a phone number is: whether it is valid, its country, and the last calls and texts with it.

    This is free; carrier, line type (mobile or landline) and caller name cost a little each and are asked for
    apart. The names of your own customers stand in the CRM, not here.
    """
    number = e164(phone)
    fields = [name for name, wanted in (("line_type_intelligence", carrier), ("caller_name", caller_name)) if wanted]
    record = await lookups.get(f"/v2/PhoneNumbers/{segment(number)}", params={"Fields": ",".join(fields) or None})
    calls, messages = await asyncio.gather(last_calls(number), last_messages(number))
    line, name = _object(record, "line_type_intelligence"), _object(record, "caller_name")
    wrong = record.get("validation_errors")
    return NumberReport(
        number=record.get("phone_number") or number,
        valid=record.get("valid") is True,
        national=record.get("national_format"),
        country=record.get("country_code"),
        line_type=line.get("type"),
        carrier=line.get("carrier_name"),
        caller_name=name.get("caller_name"),
        caller_type=name.get("caller_type"),
        problems=[str(one) for one in wrong] if isinstance(wrong, list) else [],
        calls=[one.within(api.zone) for one in calls],
        messages=[one.within(api.zone) for one in messages],
    )


def _object(record: dict[str, Any], name: str) -> dict[str, Any]:
    part = record.get(name)
    return part if isinstance(part, dict) else {}


@tools.reads(search="nos numéros de téléphone lignes expéditeur own phone numbers lines sender caller")
async def list_numbers(limit: Limit = 20, cursor: Cursor = None) -> Page[OwnNumber]:
    """List the phone numbers of the account, with their names and whether they take calls, SMS and MMS.

    The other tools take a number or a name of this list as sender. To find out whose a number of somebody else is, use
    tel_check_number.
    """
    return await api.page(
        "/IncomingPhoneNumbers.json", OwnNumber, limit=limit, cursor=cursor, paging=paging("incoming_phone_numbers")
    )


@tools.reads(core=False, search="numéros vérifiés identité de l'appelant verified caller ids")
async def list_verified_numbers(limit: Limit = 20, cursor: Cursor = None) -> Page[OwnNumber]:
    """List numbers outside of Twilio that the account has verified: calls may show them as the caller, texts not.

    They can be passed as sender of calls. The account's own numbers are in tel_list_numbers.
    """
    page = await api.page(
        "/OutgoingCallerIds.json", OwnNumber, limit=limit, cursor=cursor, paging=paging("outgoing_caller_ids")
    )
    items = [one.model_copy(update={"kind": "verified", "voice": True}) for one in page.items]
    return page.model_copy(update={"items": items})


@tools.reads(core=False, search="services de messagerie expéditeurs groupés messaging services sender pool")
async def list_messaging_services(limit: Limit = 20, cursor: Cursor = None) -> Page[Service]:
    """List the messaging services of the account: groups of senders, which tel_send_message takes by name as sender.

    They are made in the console of Twilio. Single numbers are in tel_list_numbers.
    """
    return await messaging.page("/v1/Services", Service, limit=limit, cursor=cursor, paging=product_paging("services"))
