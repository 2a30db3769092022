"""Morning mail, on the core tier alone: an offer in a customer's thread is read, noted, answered and put away."""

from __future__ import annotations

import email.message
import io

import pytest
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from tests.scenarios.harness import Gateway, call_ok

from .conftest import HELENE, MARIE
from .fake_google import Google

OFFICE = ("gmail", "google-calendar", "google-sheets", "filesystem")
pytestmark = pytest.mark.timeout(180)
LINES = [["Site", "1 250,50 €"], ["Maintenance d’été", "300,00 €"]]


def offer() -> bytes:
    """Return a PDF with a line for each amount."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4)
    canvas.drawString(72, 780, "Offre n° 42")
    for number, (title, amount) in enumerate(LINES):
        canvas.drawString(72, 740 - 20 * number, title.replace("’", "'"))
        canvas.drawString(360, 740 - 20 * number, amount)
    canvas.save()
    return out.getvalue()


async def test_offer_scenario(office: Gateway, google: Google) -> None:
    """Read Marie's thread and the PDF in it, put its amounts into the sheet "Devis", answer with a meeting's link."""
    sheet = google.sheets.put("Devis", {"2030": [["Date", "Objet", "Total"], ["2030-05-27", "Durand", 80]]})
    google.drive.know(HELENE, sheet, "Devis", "spreadsheet")  # a person made it by hand
    mail = email.message.EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = f"Marie Dupont <{MARIE}>", HELENE, "Offre d’été"
    mail.set_content("Bonjour Hélène, voici notre offre. Peut-on en parler mardi ?")
    mail.add_attachment(offer(), maintype="application", subtype="pdf", filename="Offre n° 42.pdf")
    google.mail.deliver(MARIE, mail)

    async with office.client() as client:
        (line,) = (await call_ok(client, "gmail_search_messages", query="from:marie subject:offre"))["items"]
        (message,) = (await call_ok(client, "gmail_get_thread", thread=line["thread"]))["messages"]
        (file,) = message["attachments"]
        saved = await call_ok(client, "gmail_get_attachment", message=message["id"], attachment=file["id"])
        assert "fs_read_document" in saved["read_with"]
        text = str((await call_ok(client, "fs_read_document", path=saved["path"]))["parts"])
        assert "1 250,50 €" in text
        assert "300,00 €" in text

        (book,) = (await call_ok(client, "gsheets_search_spreadsheets", title="devis"))["items"]
        rows = [["2030-06-04", title, amount] for title, amount in LINES]
        await call_ok(client, "gsheets_append_rows", spreadsheet=book["id"], cells="2030", rows=rows)
        read = await call_ok(client, "gsheets_read_range", spreadsheet=book["id"], cells="2030")
        assert read["rows"][2:] == [["2030-06-04", "Site", 1250.5], ["2030-06-04", "Maintenance d’été", 300]]

        booked = await call_ok(
            client,
            "gcal_create_event",
            title="Offre d’été",
            start="2030-06-04T14:00",
            end="2030-06-04T14:45",
            timezone="Europe/Paris",
            guests=[MARIE],
            meet=True,
        )
        reply = f"Bonjour Marie,\nmardi à 14 h : {booked['meet_url']}\nHélène"
        await call_ok(client, "gmail_reply_to_message", message=message["id"], text=reply)
        await call_ok(client, "gmail_modify_labels", threads=[line["thread"]], remove=["INBOX"])
        inbox = (await call_ok(client, "gmail_search_messages"))["items"]
        assert line["thread"] not in [one["thread"] for one in inbox]

    answer = google.mail.boxes[MARIE][-1].mail
    assert booked["meet_url"] in answer.get_content()
    assert answer["In-Reply-To"] == google.mail.find(HELENE, line["id"]).mail["Message-ID"]
    assert google.calendars.invited == [(MARIE, "Offre d’été")]
