"""Documents on their way: whole or not at all, what they claim to be, nowhere but the data folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.facturation_pro import documents
from flotilla_servers.facturation_pro.server import server
from flotilla_testing import Response, client, environment, faults, impatient, raw, text_of

LINE = {"title": "Conseil", "quantity": "1", "unit_price": "100.00", "vat": "20"}
PDF = {"content-type": "application/pdf"}


@pytest.fixture
async def invoice(firm: Any, customer: int) -> int:
    return int((await firm.ask("create_invoice", customer_id=customer, items=[LINE], final=True))["id"])


def there(firm: Any) -> list[str]:
    return sorted(
        str(p.relative_to(firm.data)) for p in firm.data.rglob("*") if p.is_file() and ".flotilla" not in p.parts
    )


async def test_download_document_returns_text_and_resource_link(firm: Any, invoice: int) -> None:
    result = await firm.client.call_tool_mcp(
        "facturation_download_document", {"document_id": invoice, "kind": "original"}
    )
    text, link = result.content
    assert text.text == text_of(result)
    assert link.type == "resource_link"
    assert str(link.uri) == f"file:///data/facturation-pro/invoice-{invoice}-original.pdf"
    assert (link.mime_type, link.size) == ("application/pdf", result.structured_content["bytes"])
    assert firm.sent("GET")[-1].query == [("original", "1")]


async def test_download_document_without_link_for_old_protocols(
    settings: dict[str, str], firm: Any, invoice: int
) -> None:
    """Clients that know no resource links get none."""
    for revision, kinds in (("2024-11-05", ["text"]), ("2025-06-18", ["text", "resource_link"])):
        async with raw(server, revision) as session:
            arguments = {"document_id": invoice}
            answer = await session.request("tools/call", name="facturation_download_document", arguments=arguments)
            assert [part["type"] for part in answer["result"]["content"]] == kinds


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Response(200, b"<html>", {"content-type": "text/html"}), "text/html"),
        (Response(200, b"{}", {"content-type": "application/json"}), "application/json"),
        (Response(200, b"no pdf", PDF), "not a PDF"),
        (Response(200, b"", PDF), "not a PDF"),
    ],
)
async def test_download_document_refuses_what_is_no_document(
    firm: Any, invoice: int, answer: Response, message: str
) -> None:
    await firm.ask("list_customers")  # the firm is known
    firm.vendor.recovers()
    firm.vendor.fails(faults.answer(answer))
    assert message in await firm.no("download_document", document_id=invoice)
    assert len(firm.vendor.requests) == 1
    assert there(firm) == []


async def test_download_document_accepts_pdf_as_octet_stream(firm: Any, invoice: int) -> None:
    await firm.ask("list_customers")
    firm.vendor.fails(faults.answer(Response(200, b"%PDF-1.4", {"content-type": "application/octet-stream"})))
    assert (await firm.ask("download_document", document_id=invoice))["bytes"] == 8


async def test_download_document_retried_after_broken_transfer(firm: Any, invoice: int) -> None:
    """A transfer is tried three times in all; then it is an error, and the earlier file stays."""
    await firm.ask("list_customers")
    firm.vendor.recovers()
    firm.vendor.fails(faults.broken(), times=2)
    await firm.ask("download_document", document_id=invoice)
    assert len(firm.vendor.requests) == 3
    firm.vendor.recovers()
    firm.vendor.fails(faults.broken())
    await firm.no("download_document", document_id=invoice)
    assert len(firm.vendor.requests) == 3
    assert there(firm) == [f"facturation-pro/invoice-{invoice}.pdf"]


async def test_download_document_too_large(firm: Any, invoice: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "LARGEST_DOWN", 20)
    assert "more than 20 bytes" in await firm.no("download_document", document_id=invoice)
    assert there(firm) == []


@pytest.mark.parametrize(
    ("named", "ending"),
    [
        ("../../etc/passwd", "etc-passwd"),
        ("contrat d'été.pdf", "contrat d'été.pdf"),
        ("a" * 300 + ".pdf", "a" * 80 + ".pdf"),
        ("..", "document"),
        ("bon\u202efdp.exe", "bonfdp.exe"),
    ],
)
def test_file_names_made_safe(named: str, ending: str) -> None:
    assert documents.safe(named) == ending


async def test_download_file_name_cannot_choose_the_folder(firm: Any, invoice: int) -> None:
    (firm.data / "x.txt").write_text("texte")
    stored = await firm.ask("upload_invoice_file", invoice_id=invoice, path="x.txt", filename="../../evil.txt")
    firm.books.rows["assets"][stored["id"]]["document_name"] = "../../../evil.txt"
    got = await firm.ask("download_file", file_id=stored["id"])
    assert got["path"] == f"facturation-pro/file-{stored['id']}-evil.txt"
    assert there(firm) == [got["path"], "x.txt"]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("prog.exe", b"MZ", "cannot be attached"),
        ("faux.pdf", b"MZ\x90", "does not fit its name"),
        ("vide.csv", b"", "does not fit its name"),
        ("gros.pdf", b"%PDF-" + b"x" * 50, "more than 40 bytes"),
    ],
)
async def test_upload_invoice_file_refused(
    firm: Any, invoice: int, name: str, data: bytes, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "LARGEST_UP", 40)
    (firm.data / name).write_bytes(data)
    posted = len(firm.sent("POST"))
    assert message in await firm.no("upload_invoice_file", invoice_id=invoice, path=name)
    assert "out of the data folder" in await firm.no("upload_invoice_file", invoice_id=invoice, path="../secret.pdf")
    assert len(firm.sent("POST")) == posted


async def test_upload_invoice_file_symlink_refused(firm: Any, invoice: int, tmp_path: Path) -> None:
    (tmp_path / "secret.pdf").write_bytes(b"%PDF-secret")
    (firm.data / "lien.pdf").symlink_to(tmp_path / "secret.pdf")
    assert "link" in await firm.no("upload_invoice_file", invoice_id=invoice, path="lien.pdf")


async def test_upload_invoice_file_dry_run_sends_nothing(firm: Any, invoice: int) -> None:
    (firm.data / "x.pdf").write_bytes(b"%PDF-1.4")
    posted = len(firm.sent("POST"))
    shown = await firm.ask("upload_invoice_file", invoice_id=invoice, path="x.pdf", dry_run=True)
    assert shown["dry_run"]["url"].endswith(f"/invoices/{invoice}/upload.json?filename=x.pdf")
    assert len(firm.sent("POST")) == posted


async def test_download_file_redirect_to_another_host_refused(settings: dict[str, str], vendor: Any) -> None:
    """The error names the host that may not be contacted."""
    with environment(server, **settings), impatient(server):
        async with client(server) as connected:
            await connected.call_tool_mcp("facturation_list_customers", {})
            vendor.fails(faults.redirect("https://storage.example/x"))
            result = await connected.call_tool_mcp("facturation_download_file", {"file_id": 3})
    assert "storage.example" in text_of(result)
    assert "may not contact" in text_of(result)
