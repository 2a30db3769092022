"""Codes that prove who somebody is. https://www.twilio.com/docs/verify/api"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flotilla import Toolset, errors, in_doubt, readable, settings_of
from flotilla.http.responses import json_of, object_of

from ..client import form, integration, verify
from ..models import CodeCheck, Service, Verification
from ..people import Who, ask_first, e164, readable_number

tools = Toolset("codes")


async def service_path() -> str:
    """Return where codes are sent: the Verify service of the settings, or the account's only one.

    Raises errors.ConfigurationError where there is none, errors.InvalidInputError where there are several.
    """
    sid = settings_of(integration).verify_service
    if not sid:
        rows = readable(Service, await verify.rows("/v2/Services", "services", params={"PageSize": 20}))
        if not rows:
            raise errors.ConfigurationError(
                "The account has no Verify service.", "Ask the user to make one in the console: Verify > Services."
            )
        if len(rows) > 1:
            names = ", ".join(f"{one.name} ({one.id})" for one in rows)
            raise errors.ConfigurationError(
                f"The account has several Verify services: {names}.",
                "Ask the user to set TELEPHONY_VERIFY_SERVICE to the id of one.",
            )
        sid = rows[0].id
    return f"/v2/Services/{sid}"


@tools.writes(
    creates=True,
    asks=True,
    search="envoyer code de vérification double authentification identité otp 2fa confirm identity",
    examples=["Envoie un code à la personne pour vérifier son identité."],
)
async def send_code(
    to: Who,
    channel: Annotated[Literal["sms", "call", "whatsapp"], Field(description="How the code reaches them.")] = "sms",
    language: Annotated[
        str | None, Field(pattern="^[a-z]{2}(-[A-Z]{2})?$", description="Language of the message, such as fr or en.")
    ] = None,
) -> Verification:
    """Send somebody a one-time code by SMS, phone call or WhatsApp, to prove that a number is theirs.

    Ask the person for the code, then check it with tel_validate_code. It lasts ten minutes; a second one within that
    time has the same digits. Somebody new to the account is asked about first.
    """
    number = e164(to)
    path = await service_path()
    await ask_first([number], f"Send a code by {channel}")
    locale = language or settings_of(integration).language[:2]
    with in_doubt("Ask the person whether it came before you send another one.", "The code may have been sent."):
        sent = await verify.post(f"{path}/Verifications", data=form(To=number, Channel=channel, Locale=locale))
    return Verification.model_validate(sent)


@tools.writes(
    search="vérifier le code reçu saisi contrôler otp check verify code right",
    examples=["La personne dit que le code est 123456.", "Is 482913 the right code?"],
)
async def validate_code(
    to: Who,
    code: Annotated[
        str,
        Field(
            pattern="^ *[0-9](?:[ -]?[0-9]){3,9} *$", description="Digits that the person said.", examples=["123456"]
        ),
    ],
) -> CodeCheck:
    """Check the code that somebody got from tel_send_code. A right one is used up; right is false for a wrong one.

    After five wrong tries no further one counts: wait ten minutes and send a new code. A code that is expired or was
    used already is an error.
    """
    number, digits = e164(to), "".join(c for c in code if c.isdigit())
    path = await service_path()
    form_of_code = {"To": number, "Code": digits}
    response = await verify.send("POST", f"{path}/VerificationCheck", data=form_of_code, expected=(404,))
    if response.status_code == 404:
        raise errors.NotFoundError(
            f"No code is open for {readable_number(number)}: it is expired, was used, or was tried too often.",
            "Send a new one with tel_send_code.",
        )
    return CodeCheck.model_validate(object_of(json_of(response, integration.title), integration.title))
