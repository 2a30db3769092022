"""A delivery by WhatsApp: the window is closed, so a template goes out; then the customer's picture is mailed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from flotilla_servers.whatsapp.tests.fake import JEAN, FakeWhatsApp
from tests.scenarios.harness import KINDS, Gateway, call_error, call_ok, host_address
from tests.scenarios.mailbox import Mailbox, mail_server
from tests.scenarios.vendors import connected

pytestmark = pytest.mark.timeout(180)
NUMBER, PICTURE = "06 12 34 56 78", b"\xff\xd8\xffCARTON ABIME"


@dataclass
class Shop:
    """A gateway to the shop's WhatsApp and its mail."""

    gateway: Gateway
    whatsapp: FakeWhatsApp
    mailbox: Mailbox


@pytest.fixture(params=KINDS)
async def shop(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop with each kind of gateway that is on this machine."""
    whatsapp = FakeWhatsApp()
    with connected(request.param, tmp_path, "delivery", {"whatsapp": whatsapp}, ["email"]) as gateway:
        async with mail_server(host_address(request.param), "atelier@exemple.fr") as mailbox:
            gateway.settings["email"] = mailbox.settings
            yield Shop(gateway, whatsapp, mailbox)


async def test_delivery_scenario(shop: Shop) -> None:
    """Only the template is asked about; the error of the closed window named it."""
    whatsapp, gateway = shop.whatsapp, shop.gateway
    async with gateway.client(answer=True) as client:
        listed = {tool.name for tool in await client.list_tools()}
        assert "whatsapp_create_template" not in listed  # the core tier
        text = "Bonjour, votre colis arrive mardi."
        error = await call_error(client, "whatsapp_send_text", to=NUMBER, text=text)
        assert "Send one with whatsapp_send_template: livraison_prevue" in error
        template = await call_ok(client, "whatsapp_get_template", template="livraison_prevue")
        values = dict(zip(template["placeholders"], ("Jean", "mardi 3 juin", "A1042"), strict=True))
        sent = await call_ok(
            client, "whatsapp_send_template", to=NUMBER, template=template["name"], values=values, idempotency_key="d-1"
        )
        assert sent["text"] == "Bonjour Jean, votre colis arrive le mardi 3 juin. À bientôt !"

        picture = whatsapp.sent_picture(JEAN, PICTURE)  # Jean answers: the user's webhook gets the media id
        file = await call_ok(client, "whatsapp_download_media", media_id=picture)
        await call_ok(client, "whatsapp_send_text", to=NUMBER, text="Merci, nous regardons.")
        mail = {
            "to": ["depot@exemple.fr"],
            "subject": "Carton abîmé",
            "text": "Photo de Jean.",
            "attachments": [file["path"]],
        }
        await call_ok(client, "email_send_email", **mail)

    (question,) = gateway.asked
    assert "«Bonjour Jean, votre colis arrive le mardi 3 juin. À bientôt !»; button 1: A1042" in question
    assert [message["type"] for message in whatsapp.sent] == ["template", "text"]
    (arrived,) = shop.mailbox.messages
    (attached,) = arrived.iter_attachments()
    assert (arrived["To"], arrived["Subject"]) == ("depot@exemple.fr", "Carton abîmé")
    assert (attached.get_filename(), attached.get_content()) == (f"{picture}.jpg", PICTURE)


async def test_delivery_scenario_declined_sends_nothing(shop: Shop) -> None:
    async with shop.gateway.client(answer=False) as client:
        arguments = {"to": NUMBER, "template": "rappel_simple"}
        assert "did not agree" in await call_error(client, "whatsapp_send_template", **arguments)
    assert shop.whatsapp.writes == []
