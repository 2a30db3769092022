"""Leads become customers. https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_convertlead.htm"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Toolset, confirm, errors
from flotilla.parsing import folded, listed

from .. import conversion, queries, records, stages
from ..models import Converted
from ..records import RecordRef

tools = Toolset("leads")

_FIELDS = (
    "Id, Name, Company, Email, Status, IsConverted, ConvertedAccountId, ConvertedContactId, ConvertedOpportunityId"
)
NEW = ("new", "nouveau", "nouvelle")


@tools.writes(
    replaces=True,
    idempotent=True,
    scopes=["api"],
    search=(
        "convertit piste prospect en client compte contact affaire opportunité qualifie convert lead "
        "devient qualifiée prête à acheter transforme passe convertir promote turn into qualified "
        "becomes customer ready to buy oui accepté accepted yes"
    ),
    examples=[
        "Convertis la piste Marie Durand",
        "Convert this lead and open a deal called Refonte du site",
        "Cette piste est devenue cliente",
        "Le prospect est qualifié, transforme-le",
        "Il a dit oui, fais-en un compte avec une affaire",
        "Passe-la en contact, sans opportunité",
        "Elle est prête à acheter",
        "This lead is now a customer",
        "She's qualified, turn her into an account",
        "Promote the prospect and start a deal",
        "He's ready to buy, make him a client",
        "No opportunity, just the contact and the account",
    ],
)
async def convert_lead(
    lead: Annotated[
        RecordRef,
        Field(
            description="Id from salesforce_search_records, Lead:name, phone number or mail address.",
            examples=["00QAP000001lEad2AM"],
        ),
    ],
    opportunity: Annotated[
        str | None, Field(description="Name of the new opportunity; the company's name without it.")
    ] = None,
    no_opportunity: Annotated[bool, Field(description="True to open no opportunity.")] = False,
    account: Annotated[
        str | None,
        Field(description="Existing account by name or id, or new; without it, the one named like the company."),
    ] = None,
    status: Annotated[str | None, Field(description="Status of the converted lead, if the org has several.")] = None,
) -> Converted:
    """Convert a lead into an account, a contact and an opportunity. It cannot be undone, so the user is asked first.

    An account named like the company, and a contact of the same mail address in it, are used instead of second ones.
    Set the amount and close date then with salesforce_update_opportunity. Of a lead that was converted already, the
    ids come back.
    """
    _, number = await records.resolved(lead, "Lead")
    row = await _lead(number)
    if row.get("IsConverted"):
        return _converted(row)
    company, name = str(row.get("Company") or ""), str(row.get("Name") or number)
    target = await _account(company, account)
    contact = await _contact(str(row.get("Email") or ""), target) if target else None
    end = await stages.converted(status)
    title = (opportunity or company or name)[:120]
    parts = [
        f"the account «{target.name}», which is there" if target else f"a new account «{company or name}»",
        f"the contact «{contact.name}», who is there" if contact else f"a new contact «{name}»",
        "no opportunity" if no_opportunity else f"an opportunity «{title}»",
    ]
    question = f"Convert the lead «{errors.excerpt(name, 80)}» for good into {parts[0]}, {parts[1]} and {parts[2]}?"
    await confirm(question, number)
    result = await conversion.convert(
        {
            "leadId": number,
            "convertedStatus": end.value,
            "accountId": target.id if target else None,
            "contactId": contact.id if contact else None,
            "doNotCreateOpportunity": no_opportunity,
            "opportunityName": None if no_opportunity else title,
            "overwriteLeadSource": False,
            "sendNotificationEmail": False,
        }
    )
    opened = result.opportunity or result.account
    return result.model_copy(update={"url": records.link(opened) if opened else None})


async def _lead(number: str) -> dict[str, Any]:
    rows = await queries.select(f"SELECT {_FIELDS} FROM Lead WHERE Id = {queries.text(number)} LIMIT 1")
    known = [row for row in rows if row.get("Id")]
    if not known:
        raise errors.NotFoundError("Salesforce does not have this lead.", "Look for it with salesforce_search_records.")
    return known[0]


def _converted(row: dict[str, Any]) -> Converted:
    ids = {part: str(row.get(f"Converted{part.capitalize()}Id") or "") or None for part in _PARTS}
    opened = ids["opportunity"] or ids["account"]
    return Converted(lead=str(row["Id"]), converted=False, url=records.link(opened) if opened else None, **ids)


_PARTS = ("account", "contact", "opportunity")


async def _account(company: str, wanted: str | None) -> records.Named | None:
    """Return the account that is meant, else the only one that is called like the company; None for a new one."""
    if wanted and folded(wanted) in NEW:
        return None
    if wanted:
        _, number = await records.resolved(wanted, "Account")
        rows = await queries.select(f"SELECT Id, Name FROM Account WHERE Id = {queries.text(number)} LIMIT 1")
        name = next((str(row.get("Name") or "") for row in rows), number)
        return records.Named(id=number, name=name, object="Account")
    if not company:
        return None
    pattern = queries.holding(company, loose=True)
    rows = await queries.select(f"SELECT Id, Name FROM Account WHERE Name LIKE {pattern} LIMIT 50")
    same = [row for row in rows if row.get("Id") and folded(str(row.get("Name") or "")) == folded(company)]
    if len(same) > 1:
        both = listed(f"{row['Name']} ({row['Id']})" for row in same)
        raise errors.InvalidInputError(
            f"More than one account is called `{errors.excerpt(company, 60)}`: {both}.",
            "Pass the id of one as account, or new for another one.",
        )
    return records.Named(id=str(same[0]["Id"]), name=str(same[0]["Name"]), object="Account") if same else None


async def _contact(email: str, account: records.Named) -> records.Named | None:
    """Return the only contact of an account that has this mail address."""
    if not email:
        return None
    where = f"AccountId = {queries.text(account.id)} AND Email = {queries.text(email)}"
    rows = await queries.select(f"SELECT Id, Name FROM Contact WHERE {where} LIMIT 2")
    known = [row for row in rows if row.get("Id")]
    one = known[0] if len(known) == 1 else None
    return records.Named(id=str(one["Id"]), name=str(one.get("Name") or ""), object="Contact") if one else None
