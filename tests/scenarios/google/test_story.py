"""A morning at Hélène's, through every gateway: mail, an answer with a file, a meeting when both are free.

Nothing is mocked but Google itself: consent by scripts/login, the secrets file, the gateway, the servers' own
processes.
"""

from __future__ import annotations

import asyncio
import dataclasses
import email.message
from typing import Any

import pytest

from flotilla_testing import FakeVendor, faults
from flotilla_testing.client import MODES
from flotilla_testing.waiting import eventually
from tests.scenarios.harness import Gateway, call_error, call_ok

from .conftest import HELENE, MARIE
from .fake_google import Google

pytestmark = pytest.mark.timeout(180)


async def test_mail_and_meeting_scenario(office: Gateway, google: Google) -> None:
    """Find Marie's last mail, answer with a file, book Tuesday afternoon in Paris for 45 minutes when both are free."""
    async with office.client() as client:
        assert len(await client.list_tools()) >= 19
        (line,) = (await call_ok(client, "gmail_search_messages", query="from:marie", limit=1))["items"]
        assert line["subject"] == "Devis pour juin"
        message = await call_ok(client, "gmail_get_message", message=line["id"])
        assert "relire nos besoins" in message["text"]
        (file,) = message["attachments"]
        saved = await call_ok(client, "gmail_get_attachment", message=line["id"], attachment=file["id"])
        await call_ok(
            client,
            "gmail_reply_to_message",
            message=line["id"],
            text="Bonjour Marie,\nc'est relu. Mardi après-midi ?\nHélène",
            attachments=[saved["path"]],
        )

        week: dict[str, Any] = {"after": "2030-06-04T00:00:00+02:00", "before": "2030-06-05T00:00:00+02:00"}
        people = ["primary", MARIE]
        matches = await call_ok(
            client, "gcal_check_availability", calendars=people, timezone="Europe/Paris", minutes=45, **week
        )
        assert [(slot["start"], slot["end"]) for slot in matches["free"]] == [
            ("2030-06-04T14:00:00+02:00", "2030-06-04T18:00:00+02:00")
        ]
        booked = await call_ok(
            client,
            "gcal_create_event",
            title="Devis pour juin",
            start="2030-06-04T14:00",
            end="2030-06-04T14:45",
            timezone="Europe/Paris",
            guests=[MARIE],
            meet=True,
            send_updates="all",
        )
        assert booked["utc"] == "2030-06-04T12:00:00Z/2030-06-04T12:45:00Z"
        assert booked["meet_url"].startswith("https://meet.")

    answer = google.mail.boxes[MARIE][-1]
    assert answer.mail["Subject"] == "Re: Devis pour juin"
    assert answer.mail["In-Reply-To"] == google.mail.find(HELENE, line["id"]).mail["Message-ID"]
    assert [part.get_filename() for part in answer.mail.iter_attachments()] == ["besoins.pdf"]
    assert google.mail.boxes[HELENE][-1].thread == line["thread"]
    assert google.calendars.invited == [(MARIE, "Devis pour juin")]
    assert any(event["summary"] == "Devis pour juin" for event in google.calendars.events[MARIE].values())


async def test_morning_scenario(office: Gateway, google: Google) -> None:
    """Find Marie's last mail, reply with the PDF from Drive, book Tuesday 14:00 Paris for 45 minutes when both are
    free, add a row to the follow-up sheet; then note it all in a document."""
    sheet = google.sheets.put("Suivi", {"Suivi": [["Date", "Client", "Total"], ["2030-05-27", "Durand", 80]]})
    google.drive.put(
        HELENE, {"name": "Devis n° 42 d'été.pdf", "mimeType": "application/pdf"}, b"%PDF-1.4 42", made=True
    )
    google.drive.put(HELENE, {"name": "Devis secret.pdf", "mimeType": "application/pdf"}, b"%PDF-1.4 secret")
    async with office.client() as client:
        (line,) = (await call_ok(client, "gmail_search_messages", query="from:marie", limit=1))["items"]
        (pdf,) = (await call_ok(client, "gdrive_search_files", words="d'été", kind="pdf"))["items"]
        assert len((await call_ok(client, "gdrive_list_files"))["items"]) == 2  # names; drive.file opens one
        saved = await call_ok(client, "gdrive_download_file", file=pdf["id"])
        await call_ok(
            client, "gmail_reply_to_message", message=line["id"], text="Le voici.", attachments=[saved["path"]]
        )
        free = await call_ok(
            client,
            "gcal_check_availability",
            calendars=["primary", MARIE],
            timezone="Europe/Paris",
            minutes=45,
            after="2030-06-04T00:00:00+02:00",
            before="2030-06-05T00:00:00+02:00",
        )
        assert free["free"][0]["start"] == "2030-06-04T14:00:00+02:00"
        await call_ok(
            client,
            "gcal_create_event",
            title="Devis",
            start="2030-06-04T14:00",
            end="2030-06-04T14:45",
            timezone="Europe/Paris",
            guests=[MARIE],
        )
        row = ["2030-06-04", "Marie Dupont", 1250.5]
        done = await call_ok(client, "gsheets_append_rows", spreadsheet=sheet, cells="Suivi", rows=[row])
        assert done["range"] == "Suivi!A3:C3"
        page = await call_ok(client, "gsheets_read_range", spreadsheet=sheet, cells="Suivi")
        assert page["rows"][1:] == [["2030-05-27", "Durand", 80], row]
        assert "next_cursor" not in page

        text = "# Décisions\n\n- **Marie** : devis envoyé\n- suite mardi"
        made = await call_ok(client, "gdocs_create_document", title="Note", text=text)
        await call_ok(client, "gdocs_insert_table", document=made["id"], rows=[["Nom", "Total"], ["Marie", "1250,5"]])
        read = await call_ok(client, "gdocs_get_document", document=made["id"])
        table = "| **Nom** | **Total** |\n|---|---|\n| Marie | 1250,5 |"
        assert read["markdown"] == f"{text}\n\n{table}"

    answer = google.mail.boxes[MARIE][-1].mail
    (file,) = answer.iter_attachments()
    assert (answer["Subject"], file.get_payload(decode=True)) == ("Re: Devis pour juin", b"%PDF-1.4 42")
    assert any(event["summary"] == "Devis" for event in google.calendars.events[MARIE].values())
    assert google.calendars.invited == [(MARIE, "Devis")]  # a guest is notified without being asked for


async def test_scenario_weekly_meeting(office: Gateway, google: Google) -> None:
    """Book a weekly meeting in local time, move one occurrence, cancel another, then cancel the whole of it."""
    async with office.client(answer=True) as client:
        booked = await call_ok(
            client, "gcal_create_event", title="Point", start="2030-03-26T09:00", recurrence="FREQ=WEEKLY;COUNT=4"
        )
        week = {"after": "2030-03-26", "before": "2030-04-30"}
        rows = (await call_ok(client, "gcal_list_events", **week))["items"]
        starts = ["2030-03-26T09:00:00+01:00", *(f"2030-04-{day}T09:00:00+02:00" for day in ("02", "09", "16"))]
        assert [row["start"] for row in rows] == starts  # nine by the clock, on both sides of its change
        assert {row["series"] for row in rows} == {booked["id"]}

        moved = await call_ok(client, "gcal_update_event", event=rows[1]["id"], start="2030-04-02T10:30")
        assert moved["start"] == "2030-04-02T10:30:00+02:00"
        await call_ok(client, "gcal_cancel_event", event=rows[2]["id"])
        assert office.asked[-1].startswith("Cancel the one occurrence of «Point» of 9 April 2030, 09:00")
        assert "was cancelled already" in await call_error(client, "gcal_get_event", event=rows[2]["id"])
        rows = (await call_ok(client, "gcal_list_events", **week))["items"]
        assert [row["start"] for row in rows] == [starts[0], "2030-04-02T10:30:00+02:00", starts[3]]

        await call_ok(client, "gcal_cancel_event", event=booked["id"])
        assert "the whole series «Point»" in office.asked[-1]
        assert "3 occurrences" in office.asked[-1]
        assert (await call_ok(client, "gcal_list_events", **week))["items"] == []
        again = await call_error(client, "gcal_update_event", event=booked["id"], title="x")
        assert "This event was cancelled already." in again


async def test_scenario_weekly_meeting_from_some_week_on(office: Gateway, google: Google) -> None:
    """Later and longer from the third week on, with a cancelled week that stays cancelled; then the end of it."""
    async with office.client(answer=True) as client:
        await call_ok(
            client, "gcal_create_event", title="Point", start="2030-03-26T09:00", recurrence="FREQ=WEEKLY;COUNT=6"
        )
        weeks = {"after": "2030-03-26", "before": "2030-05-30"}
        rows = (await call_ok(client, "gcal_list_events", **weeks))["items"]
        await call_ok(client, "gcal_cancel_event", event=rows[4]["id"])
        change = {"scope": "this_and_following", "start": "2030-04-10T15:00", "end": "2030-04-10T16:30"}
        moved = await call_ok(client, "gcal_update_event", event=rows[2]["id"], **change)
        assert moved["earlier"] == rows[0]["series"]
        assert "The earlier ones stay as they are." in office.asked[-1]
        rows = (await call_ok(client, "gcal_list_events", **weeks))["items"]
        times = [(row["start"], row["end"][11:16]) for row in rows]
        assert times == [
            ("2030-03-26T09:00:00+01:00", "10:00"),
            ("2030-04-02T09:00:00+02:00", "10:00"),
            *((f"2030-{day}T15:00:00+02:00", "16:30") for day in ("04-10", "04-17", "05-01")),
        ]
        await call_ok(client, "gcal_cancel_event", event=rows[3]["id"], scope="this_and_following")
        assert "2 occurrences? The 1 earlier one stays." in office.asked[-1]
        rows = (await call_ok(client, "gcal_list_events", **weeks))["items"]
        assert [row["start"][:10] for row in rows] == ["2030-03-26", "2030-04-02", "2030-04-10"]


async def test_scenario_local_time_is_the_calendars(office: Gateway, google: Google) -> None:
    """An event that was booked in New York is moved by the clock that it is listed by."""
    times = {"start": {"dateTime": "2030-06-10T14:00:00", "timeZone": "America/New_York"},
             "end": {"dateTime": "2030-06-10T15:00:00", "timeZone": "America/New_York"}}  # fmt: skip
    event = google.calendars.put(HELENE, {"summary": "Appel", "location": "Zoom", **times})
    async with office.client() as client:
        (row,) = (await call_ok(client, "gcal_search_events", query="appel"))["items"]
        assert row["start"] == "2030-06-10T20:00:00+02:00"
        moved = await call_ok(client, "gcal_update_event", event=event["id"], start="2030-06-10T21:00")
        assert moved["start"] == "2030-06-10T21:00:00+02:00"
        assert moved["timezone"] == "America/New_York"
        assert (await call_ok(client, "gcal_get_event", event=event["id"]))[
            "location"
        ] == "Zoom"  # merged, not replaced


async def test_scenario_long_mail(office: Gateway, google: Google) -> None:
    """A text that Gmail keeps apart is read, page by page."""
    mail = email.message.EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = MARIE, HELENE, "Contrat"
    mail.set_content("".join(f"Article {n} : été.\n" for n in range(10_000)))
    google.mail.deliver(MARIE, mail)
    async with office.client() as client:
        (line,) = (await call_ok(client, "gmail_search_messages", query="subject:contrat"))["items"]
        page = await call_ok(client, "gmail_get_message", message=line["id"])
        text = page["text"]
        while cursor := page.get("next_cursor"):
            page = await call_ok(client, "gmail_get_message", message=line["id"], cursor=cursor)
            text += page["text"]
        assert text == mail.get_content().strip()
        await call_ok(client, "gmail_reply_to_message", message=line["id"], text="Bien reçu.")
    assert google.mail.boxes[HELENE][-1].thread == line["thread"]


async def test_scenario_conversation_with_a_draft(office: Gateway, google: Google) -> None:
    """Read a conversation, draft an answer, correct it, send it, archive the whole conversation."""
    async with office.client() as client:
        (line,) = (await call_ok(client, "gmail_search_messages", query="from:marie", limit=1))["items"]
        made = await call_ok(client, "gmail_create_draft", text="Bonjour Mari", answers=line["id"])
        thread = await call_ok(client, "gmail_get_thread", thread=line["thread"])
        assert [one["labels"][0] for one in thread["messages"]] == ["INBOX", "DRAFT"]
        changed = await call_ok(client, "gmail_update_draft", draft=made["id"], text="Bonjour Marie, à 1 250,50 €.")
        (draft,) = (await call_ok(client, "gmail_list_drafts"))["items"]
        assert (draft["id"], draft["message"]) == (made["id"], changed["message"])
        assert draft["subject"] == "Re: Devis pour juin"
        await call_ok(client, "gmail_send_draft", draft=made["id"])
        assert (await call_ok(client, "gmail_list_drafts"))["items"] == []
        await call_ok(client, "gmail_modify_labels", threads=[line["thread"]], remove=["INBOX"])
        inbox = (await call_ok(client, "gmail_search_messages"))["items"]
        assert line["thread"] not in [one["thread"] for one in inbox]
    question, answer = (one for one in google.mail.boxes[HELENE] if one.thread == line["thread"])
    assert answer.mail.get_content().strip() == "Bonjour Marie, à 1 250,50 €."
    assert (question.labels, answer.labels) == (["UNREAD"], ["SENT"])
    assert google.mail.boxes[MARIE][-1].mail["In-Reply-To"] == question.mail["Message-ID"]


@pytest.mark.parametrize("broken", ["in the middle", "answer lost", "refused for a moment"])
async def test_drive_large_file_up_and_down(office: Gateway, google: Google, vendor: FakeVendor, broken: str) -> None:
    """9 MB to Drive in two parts, one of which breaks, and back again with a break in the middle."""
    if office.kind != "process":
        pytest.skip("the file is put into the data folder of this machine, which containers do not see")
    content = bytes(range(256)) * 36_000
    async with office.client() as client:
        (office.folder / "data" / "plan.bin").write_bytes(content)
        if broken == "in the middle":
            google.keeps = 3_000_001
        elif broken == "answer lost":
            vendor.fails(faults.cut(), method="PUT", times=1, after=1)
        else:
            vendor.fails(faults.status(503), method="PUT", times=1, after=1)
        made = await call_ok(client, "gdrive_upload_file", path="plan.bin")
        assert google.drive.contents[made["id"]] == content
        assert len(google.drive.files) == 1

        async def halved(exchange: faults.Exchange) -> None:
            """Send half of what was asked for, and hang up."""
            whole = exchange.usual.body
            await exchange.send(dataclasses.replace(exchange.usual, body=whole[: len(whole) // 2]), promise=len(whole))
            exchange.writer.close()

        vendor.recovers()
        vendor.fails(halved, method="GET", times=1, after=1)
        saved = await call_ok(client, "gdrive_download_file", file=made["id"], path="back.bin")
        assert (office.folder / "data" / saved["path"]).read_bytes() == content


async def test_drive_progress_and_cancellation(office: Gateway, google: Google, vendor: FakeVendor) -> None:
    """A transfer reports its progress, and a cancelled one leaves no file."""
    if office.kind != "process":
        pytest.skip("the file is put into the data folder of this machine, which containers do not see")
    content, reported, begun = bytes(range(256)) * 80_000, list[tuple[float, float | None]](), asyncio.Event()

    async def note(done: float, total: float | None, message: str | None) -> None:
        reported.append((done, total))
        begun.set()

    async def stuck(exchange: faults.Exchange) -> None:
        """Send half of what was asked for, and then no more."""
        whole = exchange.usual.body
        await exchange.send(dataclasses.replace(exchange.usual, body=whole[: len(whole) // 2]), promise=len(whole))
        await asyncio.sleep(60)

    async with office.client() as client:
        current_place = office.folder / "data"
        (current_place / "plan.bin").write_bytes(content)
        made = await client.call_tool_mcp("gdrive_upload_file", {"path": "plan.bin"}, progress_handler=note)
        size, part = len(content), 8 * 2**20
        assert reported == [(part, size), (2 * part, size), (size, size)]

        begun.clear()
        vendor.fails(stuck, method="GET", times=1, after=1)
        arguments = {"file": (made.structured_content or {})["id"], "path": "back.bin"}
        loading = asyncio.create_task(client.call_tool_mcp("gdrive_download_file", arguments, progress_handler=note))
        await asyncio.wait_for(begun.wait(), 30)
        assert [one for one in current_place.glob("*.tmp") if one.stat().st_size]  # it is on its way
        loading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await loading
        await eventually(lambda: not list(current_place.glob("*.tmp")))
        assert [one.name for one in current_place.iterdir() if one.name != ".flotilla"] == ["plan.bin"]
        assert (await call_ok(client, "gdrive_get_file", file=arguments["file"]))["bytes"] == size


@pytest.mark.parametrize("mode", MODES)
async def test_confirmation_of_new_recipients(office: Gateway, google: Google, mode: str) -> None:
    """With FLOTILLA_CONFIRM=new-recipients, what goes to somebody who is new needs Hélène's yes."""
    for settings in office.settings.values():
        settings["confirm"] = "new-recipients"
    mail = {"to": ["paul@ailleurs.example"], "subject": "Offre", "text": "Bonjour"}
    event = {"title": "Offre", "start": "2030-06-05", "guests": ["paul@ailleurs.example"]}
    sent = len(google.mail.boxes[HELENE])
    async with office.client(answer=False, mode=mode) as client:
        (line,) = (await call_ok(client, "gmail_search_messages", query="subject:devis"))["items"]
        await call_ok(client, "gmail_reply_to_message", message=line["id"], text="Merci !")
        assert office.asked == []  # Marie wrote first
        assert "did not agree" in await call_error(client, "gmail_send_email", **mail)
        assert "did not agree" in await call_error(client, "gcal_create_event", **event)
    assert len(google.mail.boxes[HELENE]) == sent + 1
    async with office.client(answer=True, mode=mode) as client:
        await call_ok(client, "gmail_send_email", **mail)
        await call_ok(client, "gcal_create_event", **event)
    assert len(office.asked) == 4
    assert all("paul@ailleurs.example" in question for question in office.asked)
    assert len(google.mail.boxes[HELENE]) == sent + 2


async def test_consent_revoked_says_what_to_do(office: Gateway, google: Google) -> None:
    google.end(google.tokens[-1])
    async with office.client() as client:
        for tool, arguments in (("gmail_search_messages", {}), ("gcal_list_calendars", {})):
            statement = await call_error(client, tool, **arguments)
            assert "7 days while the consent screen is in testing" in statement
            assert "scripts/login" in statement


async def test_consent_without_a_scope(office: Gateway, google: Google) -> None:
    for token in google.tokens:
        token.scope = " ".join(s for s in token.scope.split() if "calendar" not in s)
    async with office.client() as client:
        await call_ok(client, "gmail_search_messages")
        statement = await call_error(client, "gcal_list_events", after="2030-06-03T00:00:00Z")
    assert statement.startswith(
        "Error: The consent does not cover this: it needs the scope calendar.events.readonly or"
    )


async def test_rate_limit_waited_for(office: Gateway, google: Google) -> None:
    async with office.client() as client:
        await call_ok(client, "gmail_list_labels")
        google.limited = 2
        assert len((await call_ok(client, "gmail_list_labels"))["items"]) == 5


async def test_update_event_conflict(office: Gateway, google: Google, vendor: FakeVendor) -> None:
    """The event was changed by somebody else meanwhile."""

    async def meddle(exchange: faults.Exchange) -> None:
        """Change the event between reading and writing."""
        await exchange.send(exchange.usual)
        google.calendars.put(HELENE, dict(google.calendars.events[HELENE][booked["id"]]))

    async with office.client() as client:
        booked = await call_ok(client, "gcal_create_event", title="Point", start="2030-06-06T10:00:00+02:00")
        vendor.fails(meddle, method="GET", times=1)
        move = {"event": booked["id"], "start": "2030-06-06T11:00:00+02:00"}
        assert "changed by somebody else" in await call_error(client, "gcal_update_event", **move)
        assert (await call_ok(client, "gcal_update_event", **move))["start"] == "2030-06-06T11:00:00+02:00"


@pytest.mark.parametrize("broken", ["in the middle", "answer lost", "refused for a moment"])
async def test_send_email_large_mail_resumed_after_a_break(
    office: Gateway, google: Google, vendor: FakeVendor, broken: str
) -> None:
    """9 MB go up in two parts; one breaks, each in its way, and one mail arrives, whole."""
    if office.kind != "process":
        pytest.skip("the file is put into the data folder of this machine, which containers do not see")
    content = bytes(range(256)) * 36_000
    async with office.client() as client:
        (office.folder / "data" / "plan.pdf").write_bytes(content)
        if broken == "in the middle":
            google.keeps = 3_000_001
        elif broken == "answer lost":
            vendor.fails(faults.cut(), method="PUT", times=1, after=1)
        else:
            vendor.fails(faults.status(503), method="PUT", times=1, after=1)
        await call_ok(
            client, "gmail_send_email", to=[MARIE], subject="Plan", text="Le voici.", attachments=["plan.pdf"]
        )
    stored = google.mail.boxes[MARIE][-1]
    (file,) = stored.mail.iter_attachments()
    assert file.get_payload(decode=True) == content
    assert [s.mail["Subject"] for s in google.mail.boxes[MARIE]].count("Plan") == 1


async def test_sheets_and_docs_open_what_a_person_made_and_drive_says_what_it_does_not(
    office: Gateway, google: Google
) -> None:
    """One consent for all servers: drive.file, which Drive is content with, does not stand in for spreadsheets."""
    sheet = google.sheets.put("Suivi", {"Suivi": [["Date", "Client"]]})
    text = google.documents.put("Note")
    secret = google.drive.put(HELENE, {"name": "Contrat.pdf", "mimeType": "application/pdf"}, b"%PDF-1.4")
    async with office.client() as client:
        await call_ok(client, "gsheets_append_rows", spreadsheet=sheet, cells="Suivi", rows=[["2030-06-04", "Marie"]])
        await call_ok(client, "gdocs_append_text", document=text, text="Bonjour {{client}}, {{client}}")
        filled = {"document": text, "find": "{{client}}", "replace": "Marie"}
        first = await client.call_tool_mcp("gdocs_replace_text", filled)
        token = (first.structured_content or {})["preview"]["confirm_token"]
        assert await call_ok(client, "gdocs_replace_text", **filled, confirm_token=token) == {"replaced": 2}
        page = await call_ok(client, "gdrive_search_files", words="contrat")
        assert [row["id"] for row in page["items"]] == [secret["id"]]  # the name; the content stays closed
        for tool in ("gdrive_download_file", "gdrive_copy_file"):
            assert await call_error(client, tool, file=secret["id"]) == (
                "Error: The file is not open to Flotilla: the consent reaches only files that Flotilla made. "
                "To open more, ask the user to run `scripts/login google-drive` again with --drive read or --drive all."
            )
        made = await call_ok(client, "gdrive_create_folder", name="Contrats 2030")
        page = await call_ok(client, "gdrive_search_files", words="contrat", kind="folder")
        assert ([row["id"] for row in page["items"]], page.get("note")) == ([made["id"]], None)
    assert google.sheets.books[sheet].sheets["Suivi"][1] == ["2030-06-04", "Marie"]


async def test_a_consent_for_own_files_is_named_where_sheets_and_docs_find_nothing(
    office: Gateway, google: Google
) -> None:
    for token in google.tokens:
        token.scope = " ".join(s for s in token.scope.split() if not s.endswith(("spreadsheets", "documents")))
    sheet, text = google.sheets.put("Suivi", {"Suivi": []}), google.documents.put("Note")
    async with office.client() as client:
        error = await call_error(client, "gsheets_get_spreadsheet", spreadsheet=sheet)
        assert "The consent reaches only spreadsheets that Flotilla made. To open more, ask the user to run" in error
        error = await call_error(client, "gdocs_get_document", document=text)
        assert "The consent reaches only documents that Flotilla made." in error
        made = await call_ok(client, "gsheets_create_spreadsheet", title="Mien")
        assert (await call_ok(client, "gsheets_get_spreadsheet", spreadsheet=made["id"]))["title"] == "Mien"


async def test_scenario_amounts_into_a_sheet_that_is_found_by_its_name(office: Gateway, google: Google) -> None:
    """Put the amounts of an offer into the sheet "Devis" that a person made by hand, sorted, with the euros shown."""
    rows: list[list[Any]] = [["Date", "Client", "Total"], ["2030-05-27", "Durand", 80]]
    sheet = google.sheets.put("Devis", {"2030": rows, "T1": [["vide"]]})
    google.drive.know(HELENE, sheet, "Devis", "spreadsheet")
    async with office.client(answer=True) as client:
        (row,) = (await call_ok(client, "gsheets_search_spreadsheets", title="devis"))["items"]
        assert (row["id"], row["owner"]) == (sheet, HELENE)
        new = [["2030-06-04", "Marie Dupont", "1 250,50 €"], ["2030-06-05", "0612345678", "=A1"]]
        await call_ok(client, "gsheets_append_rows", spreadsheet=sheet, cells="'2030'", rows=new)
        await call_ok(client, "gsheets_sort_rows", spreadsheet=sheet, cells="'2030'!A1:C4", by=["Date desc"])
        read = await call_ok(client, "gsheets_read_range", spreadsheet=sheet, cells="'2030'", containing="dupont")
        assert (read["rows"], read["numbers"]) == ([["2030-06-04", "Marie Dupont", 1250.5]], [3])
        await call_ok(client, "gsheets_set_format", spreadsheet=sheet, cells="'2030'!C:C", number="EUR")
        copied = await call_ok(client, "gsheets_copy_sheet", spreadsheet=sheet, sheet="2030", title="2031")
        assert copied["title"] == "2031"
        await call_ok(client, "gsheets_delete_rows", spreadsheet=sheet, cells="'2031'!2:4")
        await call_ok(client, "gsheets_update_sheet", spreadsheet=sheet, sheet="T1", title="Archive")
    assert office.asked == ["Delete the rows 2 to 4 of the sheet «2031» of «Devis», 9 filled cells?"]
    book = google.sheets.books[sheet]
    assert list(book.sheets) == ["2030", "Archive", "2031"]
    assert book.sheets["2030"][1] == ["2030-06-05", "0612345678", "=A1"]
    assert book.sheets["2031"] == [["Date", "Client", "Total"]]
    assert book.looks[0]["cell"]["userEnteredFormat"]["numberFormat"]["type"] == "CURRENCY"


async def test_scenario_template(office: Gateway, google: Google) -> None:
    """Copy a template, fill it, answer the comment on it, export it as PDF, share it and take that back."""
    async with office.client(answer=True) as client:
        text = "# Contrat\n\nPour {{client}}, le {{date}}.\n\n## Prix\n\n{{total}}"
        template = await call_ok(client, "gdocs_create_document", title="Modèle de contrat", text=text)
        google.drive.know(HELENE, template["id"], "Modèle de contrat", "document", made=True)
        by_hand = google.documents.put("Modèle de bail")
        google.drive.know(HELENE, by_hand, "Modèle de bail", "document")
        matches = (await call_ok(client, "gdocs_search_documents", title="modèle contrat"))["items"]
        assert [row["id"] for row in matches] == [template["id"]]
        error = await call_error(client, "gdocs_copy_document", document=by_hand, title="Bail")
        assert "The file is not open to Flotilla" in error
        assert "scripts/login google-docs` again with --drive read or --drive all" in error

        made = await call_ok(
            client,
            "gdocs_copy_document",
            document=template["id"],
            title="Contrat Dupont",
            replace={"{{client}}": "Marie Dupont", "{{total}}": "1 250,50 €"},
        )
        assert (made["replaced"], made["unfilled"]) == (2, ["{{date}}"])
        await call_ok(client, "gdocs_insert_text", document=made["id"], heading="Prix", text="Payable en juin.")
        await call_ok(client, "gdocs_delete_text", document=made["id"], text=", le {{date}}")
        read = await call_ok(client, "gdocs_get_document", document=made["id"])
        assert read["markdown"] == "# Contrat\n\nPour Marie Dupont.\n\n## Prix\n\n1 250,50 €\n\nPayable en juin."

        comment = {"id": "c1", "content": "Prix ?", "author": {"displayName": "Marie"}, "resolved": False}
        google.drive.comments[made["id"]] = [comment]
        (open_one,) = (await call_ok(client, "gdocs_list_comments", document=made["id"]))["items"]
        await call_ok(
            client, "gdocs_reply_comment", document=made["id"], comment=open_one["id"], text="Ajouté.", action="resolve"
        )
        assert (await call_ok(client, "gdocs_list_comments", document=made["id"]))["items"] == []
        saved = await call_ok(client, "gdrive_download_file", file=made["id"], format="pdf")
        assert saved["path"].endswith("Contrat Dupont.pdf")
        await call_ok(client, "gdrive_move_file", file=made["id"], name="Contrat Dupont 2030")
        await call_ok(client, "gdrive_share_file", file=made["id"], who=MARIE)
        who = [one["who"] for one in (await call_ok(client, "gdrive_list_permissions", file=made["id"]))["items"]]
        assert who == [HELENE, MARIE]
        await call_ok(client, "gdrive_unshare_file", file=made["id"], who=MARIE)
    assert office.asked == [
        "Delete «, le {{date}}» of «Contrat Dupont»?",
        f"Take back that {MARIE} may read «Contrat Dupont 2030»?",
    ]
    assert google.drive.files[made["id"]]["name"] == "Contrat Dupont 2030"
    assert google.drive.permissions[made["id"]] == []
    assert "{{client}}" in str(google.documents.texts[template["id"]].document.document())
