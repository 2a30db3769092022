"""A document from a template, on the core tier alone: copied, filled, exported as PDF, mailed through SMTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.scenarios.harness import Gateway, call_ok, host_address
from tests.scenarios.mailbox import Mailbox, mail_server

from .conftest import HELENE, MARIE
from .fake_google import Google

OFFICE = ("google-docs", "google-drive", "email")
pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def mailbox(office: Gateway) -> AsyncIterator[Mailbox]:
    """A mail server that the office's servers reach."""
    async with mail_server(host_address(office.kind), HELENE) as box:
        office.settings["email"] = box.settings
        yield box


async def test_template_scenario(office: Gateway, google: Google, mailbox: Mailbox) -> None:
    """Fill a copy of "Modèle de contrat" for Marie, and mail her the PDF."""
    async with office.client() as client:
        text = "# Contrat\n\nPour {{client}}, à {{total}} par mois."
        template = await call_ok(client, "gdocs_create_document", title="Modèle de contrat", text=text)
        google.drive.know(HELENE, template["id"], "Modèle de contrat", "document", made=True)
        (match,) = (await call_ok(client, "gdocs_search_documents", title="modèle contrat"))["items"]
        made = await call_ok(
            client,
            "gdocs_copy_document",
            document=match["id"],
            title="Contrat Dupont",
            replace={"{{client}}": "Marie Dupont", "{{total}}": "1 250,50 €"},
        )
        assert (made["replaced"], made["unfilled"]) == (2, [])
        saved = await call_ok(client, "gdrive_download_file", file=made["id"], format="pdf")
        await call_ok(
            client,
            "email_send_email",
            to=[f"Marie Dupont <{MARIE}>"],
            subject="Votre contrat",
            text="Bonjour Marie, voici le contrat.",
            attachments=[saved["path"]],
        )
    (mail,) = mailbox.messages
    assert (mail["Subject"], str(mail["From"])) == ("Votre contrat", HELENE)
    (file,) = mail.iter_attachments()
    assert (file.get_filename(), file.get_content_type()) == ("Contrat Dupont.pdf", "application/pdf")
    assert "Pour Marie Dupont, à 1 250,50 € par mois." in file.get_payload(decode=True).decode()
