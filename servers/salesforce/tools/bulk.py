"""Many records at once, from and to CSV files of the data folder."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Toolset, confirm, errors, files, follows, in_thread

from .. import jobs, schema
from ..client import ROOT, api
from ..models import Job
from .records import ObjectName

tools = Toolset("bulk")


@tools.writes(
    core=False,
    creates=True,
    replaces=True,
    deadline=58,
    scopes=["api"],
    search=(
        "importe en masse fichier CSV met à jour supprime milliers d'enregistrements bulk import upsert "
        "charger tableau excel lot d'un coup data loader chargement salon load spreadsheet mass batch "
        "thousands rows update delete participants visiteurs attendees"
    ),
    examples=[
        "Importe les pistes de salon.csv",
        "Update these 2,000 accounts from the file",
        "Charge ce fichier Excel dans les contacts",
        "Rentre les 500 visiteurs du salon d'un coup",
        "Mets à jour tous ces comptes depuis le tableau",
        "Supprime en masse les pistes de ce fichier",
        "Injecte ce CSV",
        "Load this spreadsheet of leads",
        "Mass update the accounts from the CSV",
        "Bring in the whole attendee list",
        "Delete all of these in one go, they're in the file",
        "Upsert the price list from a file",
    ],
)
async def import_records(
    object_name: ObjectName,
    operation: Annotated[
        Literal["insert", "update", "upsert", "delete"],
        Field(description="What to do with the rows.", examples=["insert"]),
    ],
    path: Annotated[str, Field(description="CSV file in the data folder, with a header.", examples=["leads.csv"])],
    external_id: Annotated[str | None, Field(description="For upsert: the External ID field.")] = None,
) -> Job:
    """Insert, update, upsert or delete many records from a CSV file, after a question that says how many.

    Columns go by API name or label; dates as 2030-06-03, numbers with a point. Rows that fail are written to a file
    beside it with the reason. Looks for no duplicates. Where Salesforce needs longer than a minute the job goes on:
    look with salesforce_get_job. Up to 20 records are simpler with salesforce_create_record.
    """
    kind = await schema.object_named(object_name)
    known = await schema.fields_of(kind)
    header, rows = jobs.read_csv(await in_thread(files.read, path), path)
    names = jobs.columns(known, header, kind, operation)
    key = schema.field_named(known, external_id, kind).name if external_id else None
    if operation == "upsert" and (key is None or key not in names):
        raise errors.InvalidInputError(
            "An upsert needs the External ID field, and a column of it.", "Pass external_id, or insert instead."
        )
    data = jobs.as_csv(names, rows)
    version = await in_thread(files.version, path)
    await confirm(f"{operation.capitalize()} {len(rows):,} records of {kind} from {path}?", version)
    start = {"object": kind, "operation": operation, **jobs.FORM}
    start |= {"externalIdFieldName": key} if key and operation == "upsert" else {}
    batches, job = f"{ROOT}/jobs/ingest/{{id}}/batches", f"{ROOT}/jobs/ingest/{{id}}"
    follows(method="PUT", url=api.base.rstrip("/") + batches, body=f"{len(data)} bytes")
    api.follows("PATCH", job, json={"state": "UploadComplete"})
    made = await api.post(f"{ROOT}/jobs/ingest", json=start)
    at = jobs.job_path(str(made["id"]), "ingest")
    await api.send("PUT", f"{at}/batches", content=data, headers={"Content-Type": "text/csv"})
    await api.send("PATCH", at, json={"state": "UploadComplete"})
    return await _ended(await jobs.waited(at, len(rows)), at, f"{path.removesuffix('.csv')}-failed.csv")


async def _ended(job: dict[str, Any], at: str, target: str) -> Job:
    failed = int(job.get("numberRecordsFailed") or 0)
    result = Job(
        job=str(job.get("id") or at.rpartition("/")[2]),
        state=str(job.get("state") or ""),
        records=int(job.get("numberRecordsProcessed") or 0),
        failed=failed,
        note=errors.excerpt(job["errorMessage"]) if job.get("errorMessage") else None,
    )
    if result.state not in jobs.ENDED:
        return result.model_copy(update={"note": "It goes on in Salesforce: look again with salesforce_get_job."})
    if failed:
        ref, _ = await jobs.saved(f"{at}/failedResults", target, overwrite=True)
        note = "The rows that failed are in the file, each with its reason in sf__Error."
        result = result.model_copy(update={"path": ref.path, "bytes": ref.bytes, "sha256": ref.sha256, "note": note,
                                           "read_with": ref.read_with})  # fmt: skip
    return result


@tools.reads(
    core=False,
    scopes=["api"],
    deadline=58,
    search=(
        "état avancement tâche en masse import bulk job status chargement fini terminé combien de "
        "lignes échecs où est progression progress finished failed rows done yet loading rentré passé "
        "loaded through"
    ),
    examples=[
        "L'import est fini ?",
        "Où en est le chargement du fichier ?",
        "Combien de lignes ont échoué ?",
        "Ça a marché, l'import de ce matin ?",
        "Est-ce que tout est rentré ?",
        "Is the import finished yet?",
        "How far is the upload?",
        "Did any rows fail?",
        "Did the mass update work?",
    ],
)
async def get_job(
    job: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9]{15,18}$",
            description="Id of the job, from salesforce_import_records.",
            examples=["750AP00000j0b1MYAQ"],
        ),
    ],
) -> Job:
    """Get how far a bulk import is, and once it has ended how many records it did and how many failed, with their file.

    Jobs come from salesforce_import_records; a job that ended is kept by Salesforce for seven days.
    """
    at = jobs.job_path(job, "ingest")
    return await _ended(await api.get(at), at, f"salesforce-{job}-failed.csv")


@tools.writes(
    core=False,
    deadline=58,
    scopes=["api"],
    search=(
        "exporte requête en CSV fichier tous les enregistrements extraction sauvegarde bulk query "
        "download sortir extraire tableau excel télécharge toutes lignes sauvegarder dump spreadsheet "
        "backup save all extract"
    ),
    examples=[
        "Exporte tous les contacts en CSV",
        "Export this year's won opportunities to a file",
        "Sors-moi tous les clients dans un tableau",
        "Extrais les pistes de l'année en Excel",
        "Fais une sauvegarde des comptes",
        "Mets la liste complète dans un fichier",
        "J'ai besoin d'un CSV des affaires perdues",
        "Dump all accounts into a spreadsheet",
        "Extract the leads of this year",
        "Make a backup file of our contacts",
        "Save the whole list as CSV",
    ],
)
async def export_records(
    soql: Annotated[
        str,
        Field(description="SELECT statement without GROUP BY or OFFSET.", examples=["SELECT Id, Name FROM Account"]),
    ],
    path: Annotated[str, Field(description="New CSV file in the data folder.", examples=["accounts.csv"])],
) -> Job:
    """Export all rows of a SOQL query, also many thousands, into a new CSV file in the data folder.

    Returns path, number of rows, size and checksum; fs_read_document of the filesystem server reads it. An existing
    file is not overwritten. For some rows as an answer, use salesforce_query_records.
    """
    statement = soql.strip().rstrip(";")
    if not re.match(r"SELECT\b", statement, re.IGNORECASE):
        raise errors.InvalidInputError("This is not a SELECT statement.", "Begin with SELECT.")
    await in_thread(files.check, path)
    made = await api.post(f"{ROOT}/jobs/query", json={"operation": "query", "query": statement})
    at = jobs.job_path(str(made["id"]), "query")
    job = await jobs.waited(at, None)
    state = str(job.get("state") or "")
    if state != "JobComplete":
        reason = errors.quoted(job.get("errorMessage") or state)
        hint = "Narrow its conditions, or try again." if state not in jobs.ENDED else "Correct the query."
        raise errors.InvalidInputError(f"Salesforce has not exported the rows: {reason}.", hint)
    ref, rows = await jobs.saved(f"{at}/results", path)
    return Job(job=str(made["id"]), state=state, records=rows, path=ref.path, bytes=ref.bytes, sha256=ref.sha256,
               read_with=ref.read_with)  # fmt: skip
