"""A delivery by WhatsApp: the window is closed, so a template goes out; then the customer's picture is mailed."""

from __future__ import annotations

import asyncio
import email
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiosmtpd.smtp import SMTP

from flotilla_servers.whatsapp.tests.fake import JEAN, FakeWhatsApp
from flotilla_testing import FakeVendor
from tests.scenarios.harness import KINDS, Gateway, call_error, call_ok, host_address, unavailable

pytestmark = pytest.mark.timeout(180)
SERVERS = ("whatsapp", "email")
NUMBER, PICTURE = "06 12 34 56 78", b"\xff\xd8\xffCARTON ABIME"


@dataclass
class Mailbox:
    """Keeps the mail that arrives."""

    messages: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.messages.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


@dataclass
class Shop:
    """A gateway to the shop's WhatsApp and its mail."""

    gateway: Gateway
    whatsapp: FakeWhatsApp
    mailbox: Mailbox


@asynccontextmanager
async def mail_server(mailbox: Mailbox, host: str) -> AsyncIterator[int]:
    """Run a mail server, and yield its port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(mailbox, loop=loop), host, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.fixture(params=KINDS)
async def shop(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop with each kind of gateway that is on this machine."""
    if reason := unavailable(request.param, SERVERS):
        pytest.skip(reason)
    host, whatsapp, mailbox = host_address(request.param), FakeWhatsApp(), Mailbox()
    async with mail_server(mailbox, host) as port:
        with FakeVendor(whatsapp, host) as vendor:
            whatsapp.vendor = vendor
            mail = {"smtp_host": host, "smtp_port": str(port), "security": "none", "sender": "atelier@exemple.fr"}
            own = {name.removeprefix("WHATSAPP_").lower(): value for name, value in whatsapp.settings.items()}
            name = f"flotilla-test-delivery-{secrets.token_hex(3)}"
            settings = {"whatsapp": own, "email": mail}
            gateway = Gateway(request.param, name, tmp_path, SERVERS, settings, urlsplit(vendor.url).netloc)
            yield Shop(gateway, whatsapp, mailbox)
    gateway.close()


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
