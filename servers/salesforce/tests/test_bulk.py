"""Many records from and to files, reports, and files on records."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flotilla_servers.salesforce import jobs
from flotilla_servers.salesforce.tests.conftest import Tool
from flotilla_servers.salesforce.tests.fake import FakeSalesforce
from flotilla_testing import Session, connect


@pytest.fixture
def data(org: FakeSalesforce, tmp_path: Path) -> Path:
    """The data folder of the server at the org."""
    return tmp_path / "data"


@pytest.fixture
async def recorded() -> AsyncIterator[Session]:
    """The server, with Salesforce played from answers.yaml."""
    async with connect("salesforce", answer="accept") as session:
        yield session


async def test_import_records_by_labels_with_the_rows_that_failed_in_a_file(
    org: FakeSalesforce, tool: Tool, data: Path, asked: list[str]
) -> None:
    org.slow_jobs = 2
    (data / "salon.csv").write_text(
        "Nom;Société\nDurand;Atelier Durand\nRoy;\nPetit;Chez Petit\n", encoding="utf-8-sig"
    )
    result = await tool("import_records", object_name="Pistes", operation="insert", path="salon.csv")
    assert asked == ["Insert 3 records of Lead from salon.csv?"]
    assert (result["state"], result["records"], result["failed"], result["path"]) == (
        "JobComplete", 3, 1, "salon-failed.csv"
    )  # fmt: skip
    assert sorted(row["LastName"] for row in org.records["Lead"].values()) == ["Durand", "Petit"]
    assert "REQUIRED_FIELD_MISSING" in (data / "salon-failed.csv").read_text(encoding="utf-8")
    assert (await tool("get_job", job=result["job"]))["failed"] == 1


async def test_import_records_upsert_by_external_id(org: FakeSalesforce, tool: Tool, data: Path) -> None:
    known = org.add("Account", Name="Roy", Numero_client__c="C1")
    (data / "clients.csv").write_text("numéro client,Nom du compte\nC1,Boulangerie Roy\nC2,Atelier\n", encoding="utf-8")
    arguments = {"object_name": "Account", "operation": "upsert", "path": "clients.csv"}
    assert (await tool("import_records", **arguments, external_id="Numéro client"))["failed"] == 0
    assert org.records["Account"][known]["Name"] == "Boulangerie Roy"
    assert len(org.records["Account"]) == 2


@pytest.mark.parametrize(
    ("content", "operation", "reason"),
    [
        ("Nom,Prix\nRoy,3\n", "insert", "Lead has no field `Prix`"),
        ("Nom,LastName\nRoy,Roy\n", "insert", "Two columns are the field LastName."),
        ("Nom\n", "insert", "holds no rows"),
        ("Nom,Société\nRoy\n", "insert", "Row 2 of leads.csv has another number of columns"),
        ("Nom\nRoy\n", "update", "a column Id is needed"),
        ("Id,Nom\n00Q,Roy\n", "insert", "New records have no Id yet"),
        ("Convertie\ntrue\n", "insert", "Salesforce sets `IsConverted` itself."),
        ("Nom\nRoy\n", "upsert", "An upsert needs the External ID field"),
    ],
)
async def test_import_records_file_that_does_not_fit_refused(
    org: FakeSalesforce, problem: Tool, data: Path, asked: list[str], content: str, operation: str, reason: str
) -> None:
    (data / "leads.csv").write_text(content, encoding="utf-8")
    assert reason in await problem("import_records", object_name="Lead", operation=operation, path="leads.csv")
    assert asked == []
    assert not org.jobs


def test_read_csv_of_another_encoding_refused() -> None:
    with pytest.raises(Exception, match=r"leads\.csv is not in UTF-8"):
        jobs.read_csv("Société\nÉté\n".encode("cp1252"), "leads.csv")


async def test_export_records_of_all_pages(org: FakeSalesforce, tool: Tool, problem: Tool, data: Path) -> None:
    for number in range(5):
        org.add("Account", Name=f"Compte {number}")
    result = await tool("export_records", soql="SELECT Name FROM Account ORDER BY Name", path="comptes.csv")
    assert (result["records"], result["read_with"]) == (5, "fs_read_document")
    lines = (data / "comptes.csv").read_text(encoding="utf-8").splitlines()
    assert lines == ["Name", *(f"Compte {number}" for number in range(5))]
    assert "exists already" in await problem("export_records", soql="SELECT Name FROM Account", path="comptes.csv")
    assert "not a SELECT" in await problem("export_records", soql="DELETE FROM Account", path="x.csv")


async def test_get_report_groups_totals_and_rows(recorded: Session) -> None:
    report = await recorded.call_ok("get_report", report="00OAP000004rEpT2AU")
    assert report["name"] == "Ventes du mois"
    assert report["totals"] == {"Somme de Montant": "12 500,00 €", "Nombre": "1"}
    assert report["items"] == [
        {"group": "Devis envoyé", "Somme de Montant": "12 500,00 €", "Nombre": "1"},
        {"group": "Devis envoyé", "Opportunité": "Refonte du site", "Montant": "12 500,00 €"},
    ]


async def test_list_reports_by_name(recorded: Session) -> None:
    page = await recorded.call_ok("list_reports", query="Ventes", limit=1)
    assert page["items"][0]["folder"] == "Ventes"
    assert page["next_cursor"] == "1"
    assert "Name LIKE '%V__t_s%'" in dict(recorded.requests[-1].query)["q"]


async def test_download_file_into_the_data_folder(recorded: Session) -> None:
    page = await recorded.call_ok("list_files", record="006AP000003oPPtYAM")
    assert page["items"][0]["name"] == "Devis 0"
    file = await recorded.call_ok("download_file", file=page["items"][0]["id"], path="devis.pdf")
    assert (file["path"], file["bytes"], file["read_with"]) == ("devis.pdf", 14, "fs_read_document")
    assert (recorded.data / "devis.pdf").read_bytes() == b"%PDF-1.7 devis"
    assert "exists already" in await recorded.call_error("download_file", file=page["items"][0]["id"], path="devis.pdf")
