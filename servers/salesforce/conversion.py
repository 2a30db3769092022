"""The conversion of a lead, which only the SOAP API has: one envelope out, one back.

https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_convertlead.htm
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape, unescape

from flotilla import errors
from flotilla.http.responses import unreadable

from .client import SOAP, access_token, api, map_error, nothing_was_done
from .models import Converted

_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com">'
    "<soapenv:Header><SessionHeader><sessionId>{token}</sessionId></SessionHeader></soapenv:Header>"
    "<soapenv:Body><convertLead><leadConverts>{fields}</leadConverts></convertLead></soapenv:Body>"
    "</soapenv:Envelope>"
)
# The order of the WSDL, which a sequence must keep.
ORDER = (
    "accountId", "contactId", "convertedStatus", "doNotCreateOpportunity", "leadId", "opportunityName",
    "overwriteLeadSource", "ownerId", "sendNotificationEmail",
)  # fmt: skip
HEADERS = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""', "Accept": "text/xml"}


async def convert(fields: Mapping[str, str | bool | None]) -> Converted:
    """Convert one lead; `fields` are those of LeadConvert. Raises what Salesforce refuses, and nothing is done then."""
    token = await access_token()
    answer = await _sent(token, fields)
    if "INVALID_SESSION_ID" in _texts(answer, "faultcode"):  # nothing was carried out
        nothing_was_done()
        answer = await _sent(await access_token(instead_of=token), fields)
    if fault := _texts(answer, "faultcode"):
        nothing_was_done()
        raise _refusal(fault.rpartition(":")[2], _texts(answer, "faultstring"))
    if _texts(answer, "success") == "false":
        nothing_was_done()
        raise _refusal(_texts(answer, "statusCode"), _texts(answer, "message"))
    if _texts(answer, "success") != "true":
        raise unreadable("Salesforce", "answered without saying whether the lead was converted")
    opportunity = _texts(answer, "opportunityId") or None
    return Converted(
        lead=_texts(answer, "leadId"),
        account=_texts(answer, "accountId") or None,
        contact=_texts(answer, "contactId") or None,
        opportunity=opportunity,
        converted=True,
    )


async def _sent(token: str, fields: Mapping[str, str | bool | None]) -> str:
    texts = {name: str(value).lower() if isinstance(value, bool) else value for name, value in fields.items()}
    parts = (f"<{name}>{escape(str(texts[name]))}</{name}>" for name in ORDER if texts.get(name))
    body = _ENVELOPE.format(token=escape(token), fields="".join(parts))
    response = await api.send("POST", SOAP, content=body, headers=HEADERS, expected=(500,))
    text = response.text
    if response.status_code == 500 and not _texts(text, "faultcode"):
        raise unreadable("Salesforce", "failed (500)", "Look whether the lead is converted, then try again.")
    return text


def _texts(answer: str, tag: str) -> str:
    """Return what the first element of a name holds; these elements hold no others."""
    matches = re.search(rf"<(?:\w+:)?{tag}(?:\s[^>]*)?>([^<]*)</", answer)
    return unescape(matches[1]).strip() if matches else ""


def _refusal(code: str, message: str) -> errors.FlotillaError:
    known = map_error(400, [{"errorCode": code, "message": message}])
    return known or errors.InvalidInputError(
        f"Salesforce does not convert the lead ({errors.excerpt(code, 60)}): {errors.quoted(message)}.",
        "Correct what it says, then convert the lead again.",
    )
