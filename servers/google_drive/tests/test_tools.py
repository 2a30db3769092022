"""What each tool sends, and what it makes of the answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flotilla import errors
from flotilla_servers.google_drive import formats, query
from flotilla_servers.google_drive.downloads import default_path
from flotilla_testing import Response, Session, connect

HOME = "https://www.googleapis.com/drive/v3"
UPLOAD = "https://www.googleapis.com/upload/drive/v3"
FIXTURES = Path(__file__).parent / "fixtures"
ID = "1dyUEebJaFnWa3Z4n0BFMVAXQ7mfUH11g"
FILE = json.loads((FIXTURES / "file.json").read_text())
PDF = (FIXTURES / "devis.pdf").read_bytes()


def sent(session: Session, number: int = -1) -> tuple[str, str, dict[str, str]]:
    """A request: method, address without the query, query without the fields."""
    request = session.requests[number]
    query = {name: value for name, value in request.query if name != "fields"}
    return request.method, request.url.partition("?")[0], query


# -- reading ----------------------------------------------------------------------------------------------------------


async def test_list_files(gdrive: Session) -> None:
    page = await gdrive.call_ok("list_files", limit=1)
    assert sent(gdrive) == (
        "GET",
        f"{HOME}/files",
        {
            "q": "'root' in parents and trashed = false",
            "orderBy": "folder,name",
            "corpora": "allDrives",
            "supportsAllDrives": "true",
            "includeItemsFromAllDrives": "true",
            "pageSize": "1",
        },
    )
    assert "nextPageToken" in dict(gdrive.requests[-1].query)["fields"]  # without it, paging ends silently
    assert page["items"][0] == {
        "id": ID, "name": "Devis n° 42/2030.pdf", "type": "application/pdf", "bytes": len(PDF),
        "modified": "2030-06-02T11:00:00Z", "last_editor": "Marie Dupont",
        "url": f"https://drive.google.com/file/d/{ID}/view",
    }  # fmt: skip
    last = await gdrive.call_ok("list_files", cursor=page["next_cursor"])
    assert "next_cursor" not in last
    assert "bytes" not in last["items"][0]
    await gdrive.call_ok("list_files", folder="0ADriveUk9PVA")
    assert sent(gdrive)[2]["q"].startswith("'0ADriveUk9PVA' in parents")


async def test_search_files(gdrive: Session) -> None:
    await gdrive.call_ok(
        "search_files",
        words="l'été \\ 2030",
        kind="pdf",
        folder="https://drive.google.com/drive/folders/0Bq",
        modified_after="2030-06-01T00:00:00+02:00",
    )
    reported = sent(gdrive)[2]
    assert reported["q"] == (
        r"name contains 'l\'été \\ 2030' and mimeType = 'application/pdf' and '0Bq' in parents "
        "and modifiedTime > '2030-05-31T22:00:00' and trashed = false"
    )
    assert reported["orderBy"] == "modifiedTime desc"
    await gdrive.call_ok("search_files", words="devis", in_text=True)
    reported = sent(gdrive)[2]
    assert reported["q"] == "fullText contains 'devis' and trashed = false"
    assert "orderBy" not in reported  # the API refuses it there


@pytest.mark.parametrize(
    ("where", "corpora", "drive", "condition"),
    [
        (None, "allDrives", None, "name contains 'devis' and trashed = false"),
        ("mine", "user", None, "name contains 'devis' and 'me' in owners and trashed = false"),
        ("shared_with_me", "user", None, "name contains 'devis' and sharedWithMe = true and trashed = false"),
        ("0ADriveUk9PVA", "drive", "0ADriveUk9PVA", "name contains 'devis' and trashed = false"),
    ],
)
async def test_search_files_where(
    gdrive: Session, where: str | None, corpora: str, drive: str | None, condition: str
) -> None:
    """Files of shared drives that were never opened were not found: the default looks in what one opened."""
    await gdrive.call_ok("search_files", words="devis", **({"where": where} if where else {}))
    reported = sent(gdrive)[2]
    assert (reported["corpora"], reported.get("driveId"), reported["q"]) == (corpora, drive, condition)


async def test_search_files_says_when_google_did_not_search_all_drives(gdrive: Session) -> None:
    gdrive.respond("GET /drive/v3/files", Response.of({"files": [FILE], "incompleteSearch": True}))
    page = await gdrive.call_ok("search_files", words="devis")
    assert page["note"].startswith("Google did not search all shared drives")
    assert "incompleteSearch" in dict(gdrive.requests[-1].query)["fields"]


async def test_get_storage(gdrive: Session) -> None:
    assert await gdrive.call_ok("get_storage") == {
        "account": "helene@atelier.example", "used": 16000000000, "in_drive": 9000000000, "in_trash": 1000,
        "limit": 16106127360, "free": 106127360,
    }  # fmt: skip
    gdrive.respond("GET /drive/v3/about", Response.of({"storageQuota": {"usage": "5"}}))
    assert await gdrive.call_ok("get_storage") == {"account": "", "used": 5, "in_drive": 0, "in_trash": 0}


@pytest.mark.parametrize("terms", ["x' or name contains 'y", "x\\' or '1'='1", "'", "\\", "\\\\'"])
def test_search_files_values_cannot_become_conditions(terms: str) -> None:
    """Read the search as Drive does: one string, and then what was meant."""
    reported = query.search(terms, False, None, None, None).removeprefix("name contains '")
    read, rest = "", iter(reported)
    for letter in rest:
        if letter == "'":
            break
        read += next(rest) if letter == "\\" else letter
    assert read == terms
    assert "".join(rest) == " and trashed = false"


async def test_get_file(gdrive: Session) -> None:
    result = await gdrive.call_ok("get_file", file=f"https://drive.google.com/file/d/{ID}/view?usp=sharing")
    assert sent(gdrive) == ("GET", f"{HOME}/files/{ID}", {"supportsAllDrives": "true"})
    assert (result["owner"], result["folder"], result["bytes"]) == (
        "helene@atelier.example",
        "0AFolderUk9PVA",
        len(PDF),
    )


async def test_list_shared_drives(gdrive: Session) -> None:
    page = await gdrive.call_ok("list_shared_drives")
    assert page["items"] == [{"id": "0ADriveUk9PVA", "name": "Atelier"}]
    assert len((await gdrive.call_ok("list_shared_drives", cursor=page["next_cursor"]))["items"]) == 1


# -- contents ---------------------------------------------------------------------------------------------------------


async def test_read_file_exports_google_formats(gdrive: Session) -> None:
    result = await gdrive.call_ok("read_file", file="1DocumentA")
    assert sent(gdrive) == ("GET", f"{HOME}/files/1DocumentA/export", {"mimeType": "text/markdown"})
    assert result["text"] == "# Offre été\n\n1 250,50 €\n"
    sheet = {"id": ID, "name": "Suivi", "mimeType": "application/vnd.google-apps.spreadsheet"}
    gdrive.respond("GET /drive/v3/files/{id}", Response.of(sheet))
    gdrive.respond("GET /drive/v3/files/{id}/export", Response(200, b"a,b\n", {"content-type": "text/csv"}))
    result = await gdrive.call_ok("read_file", file=ID)
    assert sent(gdrive)[2] == {"mimeType": "text/csv"}
    assert (result["text"], result["note"]) == (
        "a,b\n",
        "This is the first sheet only: gsheets_read_range reads the others.",
    )


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Réf. été : 12 €".encode("cp1252"), "Réf. été : 12 €"),
        ("Réf. été".encode("utf-8-sig"), "Réf. été"),
        ("Réf. été".encode("utf-16"), "Réf. été"),
        ("Réf. été 👩".encode(), "Réf. été 👩"),
    ],
)
async def test_read_file_plain_text_in_any_encoding(gdrive: Session, content: bytes, text: str) -> None:
    gdrive.respond("GET /drive/v3/files/{id}", Response.of({**FILE, "mimeType": "text/plain", "size": "9"}))
    gdrive.respond(f"GET /drive/v3/files/{ID}?alt=media", Response(200, content, {"content-type": "text/plain"}))
    assert (await gdrive.call_ok("read_file", file=ID))["text"] == text


async def test_read_file_pages_make_up_the_whole(gdrive: Session) -> None:
    text, read, cursor = "".join(f"ligne {n}\n" for n in range(20_000)), "", None
    gdrive.respond("GET /drive/v3/files/{id}", Response.of({**FILE, "mimeType": "text/csv"}))
    gdrive.respond(f"GET /drive/v3/files/{ID}?alt=media", Response(200, text.encode(), {"content-type": "text/csv"}))
    while True:
        page = await gdrive.call_ok("read_file", file=ID, **({"cursor": cursor} if cursor else {}))
        read += page["text"]
        cursor = page.get("next_cursor")
        if cursor is None:
            break
        assert page["text"].endswith("\n")
    assert read == text


@pytest.mark.parametrize(
    ("more", "statement"),
    [
        ({}, "fs_read_document"),
        ({"mimeType": "application/vnd.google-apps.form"}, "A Google form has no text"),
        ({"mimeType": "text/plain", "size": "30000000"}, "too large"),
        ({"shortcutDetails": {"targetId": "1Target"}}, "leads to: 1Target"),
    ],
)
async def test_read_file_refused(gdrive: Session, more: dict[str, Any], statement: str) -> None:
    gdrive.respond("GET /drive/v3/files/{id}", Response.of({**FILE, **more}))
    assert statement in await gdrive.call_error("read_file", file=ID)


async def test_read_file_says_what_an_export_limit_is(gdrive: Session) -> None:
    refused = {"error": {"code": 403, "message": "Too large", "errors": [{"reason": "exportSizeLimitExceeded"}]}}
    route = "GET /drive/v3/files/{id}/export?mimeType=text/markdown"
    gdrive.respond(route, Response.of(refused, 403))
    assert "Google exports at most 10 MB" in await gdrive.call_error("read_file", file="1DocumentA")


# -- downloads --------------------------------------------------------------------------------------------------------


async def test_download_file(gdrive: Session) -> None:
    saved = await gdrive.call_ok("download_file", file=ID)
    assert sent(gdrive) == ("GET", f"{HOME}/files/{ID}", {"alt": "media", "supportsAllDrives": "true"})
    assert saved["path"] == f"drive/{ID}/Devis n_ 42_2030.pdf"
    assert (gdrive.data / saved["path"]).read_bytes() == PDF
    await gdrive.call_ok("download_file", file=ID)  # its own place is written anew
    assert (await gdrive.call_ok("download_file", file=ID, path="a/b.pdf"))["path"] == "a/b.pdf"
    assert "exists already" in await gdrive.call_error("download_file", file=ID, path="a/b.pdf")


async def test_download_file_exports_google_formats(gdrive: Session) -> None:
    saved = await gdrive.call_ok("download_file", file="1DocumentA")
    assert sent(gdrive) == ("GET", f"{HOME}/files/1DocumentA/export", {"mimeType": "application/pdf"})
    assert saved["path"] == "drive/1DocumentA/Offre été.pdf"
    await gdrive.call_ok("download_file", file="1DocumentA", format="docx")
    assert "wordprocessingml" in sent(gdrive)[2]["mimeType"]
    assert "Choose: pdf, docx" in await gdrive.call_error("download_file", file="1DocumentA", format="xlsx")
    assert "without `format`" in await gdrive.call_error("download_file", file=ID, format="pdf")


@pytest.mark.parametrize(
    ("kind", "more", "statement"),
    [
        ("folder", {}, "A Google folder cannot be downloaded"),
        ("shortcut", {"shortcutDetails": {"targetId": "1Target"}}, "leads to: 1Target"),
    ],
)
async def test_download_file_refused(gdrive: Session, kind: str, more: dict[str, Any], statement: str) -> None:
    raw = {**FILE, "mimeType": f"application/vnd.google-apps.{kind}", **more}
    gdrive.respond("GET /drive/v3/files/{id}", Response.of(raw))
    assert statement in await gdrive.call_error("download_file", file=ID)


async def test_download_file_discarded_on_wrong_checksum_or_size(gdrive: Session) -> None:
    """A download whose checksum or size differs is not kept."""
    gdrive.respond("GET /drive/v3/files/{id}", Response.of({**FILE, "md5Checksum": "0" * 32}))
    assert "checksum" in await gdrive.call_error("download_file", file=ID)
    assert not list(gdrive.data.rglob("Devis*"))
    assert not list(gdrive.data.rglob("*.tmp"))
    gdrive.respond("GET /drive/v3/files/{id}", Response.of({**FILE, "size": str(10**12)}))
    assert "open it in Drive" in await gdrive.call_error("download_file", file=ID)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", ".flotilla/x", "", "..", "a\x00b", "x" * 900])
def test_download_file_name_cannot_choose_the_folder(name: str) -> None:
    path = default_path("1Dy", name, "pdf")
    assert path.startswith("drive/1Dy/")
    assert path.endswith(".pdf")
    assert path.count("/") == 2
    assert not path.split("/")[2].startswith(".")


def test_upload_conversion_formats() -> None:
    assert formats.converted("a/Suivi.CSV").endswith("spreadsheet")
    with pytest.raises(errors.InvalidInputError):
        formats.converted("a.pdf")


# -- writing ----------------------------------------------------------------------------------------------------------


async def test_upload_file(gdrive: Session) -> None:
    done = await gdrive.call_ok("upload_file", path="devis.pdf", folder="0AFolderUk9PVA", name="Devis 42.pdf")
    opened, part = gdrive.requests
    assert (opened.method, opened.url.partition("?")[0]) == ("POST", f"{UPLOAD}/files")
    assert {"uploadType", "supportsAllDrives", "fields"} == set(dict(opened.query))
    assert opened.json() == {"name": "Devis 42.pdf", "parents": ["0AFolderUk9PVA"]}
    assert (opened.headers["x-upload-content-type"], opened.headers["x-upload-content-length"]) == (
        "application/pdf",
        str(len(PDF)),
    )
    assert (part.method, part.body, part.headers["content-range"]) == (
        "PUT",
        PDF,
        f"bytes 0-{len(PDF) - 1}/{len(PDF)}",
    )
    assert done["id"] == ID


async def test_upload_file_convert_replace_and_empty(gdrive: Session) -> None:
    await gdrive.call_ok("upload_file", path="suivi.csv", convert=True)
    assert gdrive.requests[0].json()["mimeType"] == "application/vnd.google-apps.spreadsheet"
    gdrive.requests.clear()
    assert gdrive.asked == []
    await gdrive.call_ok("upload_file", path="devis.pdf", replaces=ID)
    assert gdrive.asked == [
        "Replace what «Devis n° 42/2030.pdf» (17 bytes, changed 02 June 2030, 11:00 UTC) holds in Drive by devis.pdf?"
    ]
    patch = next(r for r in gdrive.requests if r.method == "PATCH")
    assert patch.url.partition("?")[0] == f"{UPLOAD}/files/{ID}"
    assert patch.json() == {}  # name and folder stay
    gdrive.requests.clear()
    await gdrive.call_ok("upload_file", path="leer.txt")
    assert [(r.method, r.url.partition("?")[0]) for r in gdrive.requests] == [("POST", f"{HOME}/files")]
    for path in ("nothing.pdf", "../../etc/passwd"):
        await gdrive.call_error("upload_file", path=path)


async def test_create_folder(gdrive: Session) -> None:
    await gdrive.call_ok("create_folder", name="Devis 2030")
    assert gdrive.requests[-1].json() == {
        "name": "Devis 2030",
        "mimeType": "application/vnd.google-apps.folder",
        "parents": ["root"],
    }


async def test_share_file(gdrive: Session) -> None:
    done = await gdrive.call_ok("share_file", file=ID, who="marie@client.example", role="writer")
    assert sent(gdrive) == (
        "POST",
        f"{HOME}/files/{ID}/permissions",
        {"sendNotificationEmail": "false", "supportsAllDrives": "true"},
    )
    assert gdrive.requests[-1].json() == {"type": "user", "role": "writer", "emailAddress": "marie@client.example"}
    assert done == {
        "file": ID, "who": "marie@client.example", "role": "writer", "permission": "0123",
        "url": f"https://drive.google.com/open?id={ID}",
    }  # fmt: skip
    assert gdrive.asked == []
    await gdrive.call_ok("share_file", file=ID, who="marie@client.example", notify=True, message="Bonjour")
    assert sent(gdrive)[2]["emailMessage"] == "Bonjour"
    await gdrive.call_ok("share_file", file=ID, who="anyone")
    assert gdrive.asked == [f"Let everybody who has the link be reader of «{FILE['name']}», without an account?"]
    assert gdrive.requests[-1].json() == {"type": "anyone", "role": "reader"}
    await gdrive.call_error("share_file", file=ID, who="marie")


async def test_share_file_declined_shares_nothing() -> None:
    async with connect("google-drive", {"FLOTILLA_CONFIRM": "new-recipients"}, answer="decline") as session:
        for who in ("anyone", "marie@client.example"):
            await session.call_error("share_file", file=ID, who=who)
        assert len(session.asked) == 2
        assert session.writes == []


async def test_move_file(gdrive: Session) -> None:
    await gdrive.call_ok("move_file", file=ID, folder="0AOtherUk9PVA", name="Devis.pdf")
    assert sent(gdrive) == (
        "PATCH",
        f"{HOME}/files/{ID}",
        {"addParents": "0AOtherUk9PVA", "removeParents": "0AFolderUk9PVA", "supportsAllDrives": "true"},
    )
    assert gdrive.requests[-1].json() == {"name": "Devis.pdf"}


async def test_trash_file_and_restore_file(gdrive: Session) -> None:
    assert await gdrive.call_ok("trash_file", file=ID) == {"trashed": ID}
    assert gdrive.asked == ["Move «Devis n° 42/2030.pdf» to the trash?"]
    assert gdrive.requests[-1].json() == {"trashed": True}
    await gdrive.call_ok("restore_file", file=ID)
    assert gdrive.requests[-1].json() == {"trashed": False}


async def test_get_file_marks_untrusted_fields(gdrive: Session) -> None:
    tools = {tool.name: tool for tool in await gdrive.client.list_tools()}
    fields = (tools["gdrive_get_file"].output_schema or {})["properties"]
    assert "Untrusted" in fields["name"]["description"]


# -- what Google refuses, and what a consent leaves closed ------------------------------------------------------------


def refusal(reason: str, message: str = "No.", status: int = 403) -> Response:
    error = {"code": status, "message": message, "errors": [{"domain": "global", "reason": reason}]}
    return Response.of({"error": error}, status)


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("storageQuotaExceeded", "The storage of the Google account is full. Ask the user to delete files"),
        ("teamDriveFileLimitExceeded", "The shared drive holds as many files as it can."),
        ("insufficientFilePermissions", "does not have the permission for this on the file. Ask the user to get it"),
        ("domainPolicy", "The administrator of the Google Workspace domain does not allow this."),
        (
            "appNotAuthorizedToFile",
            "is not open to Flotilla: the consent reaches only files that Flotilla made. To open",
        ),
        ("activeItemCreationLimitExceeded", 'Google Drive has reached a limit: "No". Tell the user.'),
        ("insufficientPermissions", "it needs the scope drive or drive.file. To open more, ask the user to run"),
    ],
)
async def test_move_file_explains_a_403_by_its_reason(gdrive: Session, reason: str, text: str) -> None:
    """Limits of size, quota or state are not rights."""
    gdrive.respond("PATCH /drive/v3/files/{id}", refusal(reason))
    assert text in await gdrive.call_error("move_file", file=ID, folder="root")


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("exportSizeLimitExceeded", "Google exports at most 10 MB. Try another `format`, or ask the user to open"),
        ("cannotDownloadAbusiveFile", "Google takes the file for malware or spam"),
        ("cannotDownloadFile", "The owner of the file does not let others download it."),
        ("fileNotDownloadable", "The file has no content to download."),
    ],
)
async def test_download_file_explains_a_403_by_its_reason(gdrive: Session, reason: str, text: str) -> None:
    gdrive.respond("GET /drive/v3/files/{id}/export", refusal(reason))
    assert text in await gdrive.call_error("download_file", file="1DocumentA")


async def test_share_file_says_that_somebody_without_an_account_must_be_invited(gdrive: Session) -> None:
    message = 'Bad Request. User message: "You must check the Notify people box to invite this recipient."'
    gdrive.respond("POST /drive/v3/files/{id}/permissions", refusal("invalidSharingRequest", message, 400))
    error = await gdrive.call_error("share_file", file=ID, who="marie@client.example")
    assert "Notify people" in error
    assert "Pass notify=true" in error


async def test_share_file_takes_an_address_with_a_name(gdrive: Session) -> None:
    done = await gdrive.call_ok("share_file", file=ID, who="Marie Dupont <marie@client.example>")
    assert done["who"] == "marie@client.example"
    assert "not a valid e-mail address" in await gdrive.call_error("share_file", file=ID, who="marie")


async def test_search_files_takes_a_day() -> None:
    async with connect("google-drive", {"FLOTILLA_TIMEZONE": "Europe/Paris"}) as session:
        await session.call_ok("search_files", modified_after="2030-06-01")
        assert "modifiedTime > '2030-05-31T22:00:00'" in dict(session.requests[-1].query)["q"]


async def test_nothing_is_said_of_a_consent_that_is_not_known(gdrive: Session) -> None:
    """Only a token endpoint names the scopes that were agreed to; the recorded one does not."""
    gdrive.respond("GET /drive/v3/files", Response.of({"files": []}))
    assert await gdrive.call_ok("search_files", words="x") == {"items": []}
    gdrive.respond("GET /drive/v3/files/{id}", refusal("notFound", "File not found", 404))
    assert "open to Flotilla" not in await gdrive.call_error("get_file", file=ID)


async def test_copy_file(gdrive: Session) -> None:
    done = await gdrive.call_ok("copy_file", file=ID, name="Devis 43", folder="0AFolderUk9PVA")
    assert sent(gdrive) == ("POST", f"{HOME}/files/{ID}/copy", {"supportsAllDrives": "true"})
    assert gdrive.requests[-1].json() == {"name": "Devis 43", "parents": ["0AFolderUk9PVA"]}
    assert done["url"]
    await gdrive.call_ok("copy_file", file=ID)
    assert gdrive.requests[-1].json() == {}


async def test_list_permissions(gdrive: Session) -> None:
    page = await gdrive.call_ok("list_permissions", file=ID)
    assert sent(gdrive)[:2] == ("GET", f"{HOME}/files/{ID}/permissions")
    assert page["items"][1] == {
        "id": "0123", "type": "user", "role": "writer", "who": "marie@example.org", "name": "Marie Dupont",
        "inherited": False,
    }  # fmt: skip
    last = await gdrive.call_ok("list_permissions", file=ID, cursor=page["next_cursor"])
    assert [(one["who"], one["inherited"]) for one in last["items"]] == [
        ("anyone", False),
        ("equipe@atelier.example", True),
    ]


@pytest.mark.parametrize(
    ("who", "permission", "question"),
    [
        ("Marie@example.org", "0123", "Take back that marie@example.org may change «Devis n° 42/2030.pdf»?"),
        ("marie dupont", "0123", "Take back that marie@example.org may change «Devis n° 42/2030.pdf»?"),
        (
            "anyone",
            "anyoneWithLink",
            "Take back that everybody who has the link may read «Devis n° 42/2030.pdf»?",
        ),
    ],
)
async def test_unshare_file(gdrive: Session, who: str, permission: str, question: str) -> None:
    done = await gdrive.call_ok("unshare_file", file=ID, who=who)
    assert gdrive.asked == [question]
    assert sent(gdrive)[:2] == ("DELETE", f"{HOME}/files/{ID}/permissions/{permission}")
    assert done["file"] == ID


@pytest.mark.parametrize(
    ("who", "statement"),
    [
        ("helene@atelier.example", "owns the file"),
        ("equipe@atelier.example", "comes from the folder"),
        ("paul@example.org", "Marie Dupont"),
    ],
)
async def test_unshare_file_refused(gdrive: Session, who: str, statement: str) -> None:
    assert statement in await gdrive.call_error("unshare_file", file=ID, who=who)
    assert (gdrive.writes, gdrive.asked) == ([], [])
