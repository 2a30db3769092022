"""Saved reports. https://developer.salesforce.com/docs/atlas.en-us.api_analytics.meta/api_analytics/sforce_analytics_rest_api_intro.htm"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, readable, segment

from .. import people, queries, records
from ..client import ROOT, api
from ..models import ReportInfo, ReportRun, Row

tools = Toolset("reports")


@tools.reads(
    core=False,
    scopes=["api"],
    search=(
        "rapports états tableaux enregistrés liste reports dashboards quels existants disponibles "
        "bilans statistiques dossier de which available saved analytics quarterly trimestriel annuel "
        "yearly find"
    ),
    examples=[
        "Quels rapports on a ?",
        "On a un rapport sur les ventes par région ?",
        "Liste les états enregistrés",
        "Quels bilans sont disponibles ?",
        "Cherche le rapport du trimestre",
        "What reports are there?",
        "Do we have a report on lead sources?",
        "Show the saved reports",
        "Find the quarterly one",
    ],
)
async def list_reports(
    query: Annotated[str | None, Field(description="Part of the report's name.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[ReportInfo]:
    """List the saved reports that the user may see, last run first, with name, folder and description.

    salesforce_get_report runs one by its name or id.
    """
    where = f" WHERE Name LIKE {queries.holding(query, loose=True)}" if query else ""
    zone = await people.zone()
    fields = "Id, Name, FolderName, Description, LastRunDate"
    soql = f"SELECT {fields} FROM Report{where} ORDER BY LastRunDate DESC NULLS LAST"
    page = await queries.page(soql, limit, cursor, zone)
    names = {
        "Id": "id",
        "Name": "name",
        "FolderName": "folder",
        "Description": "description",
        "LastRunDate": "last_run",
    }
    rows = [{new: row.get(name) for name, new in names.items()} for row in page.items]
    return Page(items=readable(ReportInfo, rows), next_cursor=page.next_cursor)


@tools.reads(
    core=False,
    scopes=["api"],
    search=(
        "lance exécute rapport état totaux chiffres run report figures sors ouvre donne les résultats "
        "du bilan statistiques mensuel que dit show results monthly quarterly numbers what does say"
    ),
    examples=[
        "Lance le rapport Ventes du mois",
        "Run the pipeline report",
        "Sors-moi le bilan du mois",
        "Que dit le rapport des ventes ?",
        "Donne les chiffres du rapport trimestriel",
        "Ouvre le rapport des pistes par source",
        "Actualise l'état des affaires gagnées",
        "What does the sales report say?",
        "Give me the numbers of the quarterly report",
        "Open the report on lead sources",
        "Show the results of the monthly report",
    ],
)
async def get_report(
    report: Annotated[
        str,
        Field(min_length=1, description="Name, or id from salesforce_list_reports.", examples=["00OAP000004rEpT2AU"]),
    ],
    limit: Annotated[int, Field(ge=1, le=200, description="Maximum rows that are shown.")] = 50,
) -> ReportRun:
    """Run a saved report as it is saved, and return its totals, its groups with theirs, and its first rows.

    Salesforce gives 2,000 rows at most, and runs 500 reports an hour. Find reports with salesforce_list_reports; for
    other conditions, use salesforce_query_records.
    """
    _, number = await records.resolved(report, "Report")
    answer = await api.get(f"{ROOT}/analytics/reports/{segment(number)}", params={"includeDetails": "true"})
    return _read(answer, limit)


def _read(answer: Mapping[str, Any], limit: int) -> ReportRun:
    metadata, extended = _at(answer, "reportMetadata"), _at(answer, "reportExtendedMetadata")
    facts = _at(answer, "factMap")
    labels = [_label(_at(extended, "detailColumnInfo"), name) for name in metadata.get("detailColumns") or []]
    sums = [_label(_at(extended, "aggregateColumnInfo"), name) for name in metadata.get("aggregates") or []]
    groups = {**_groups(_at(answer, "groupingsDown"), "{}!T"), **_groups(_at(answer, "groupingsAcross"), "T!{}")}
    items: list[Row] = []
    more = False
    for key, fact in facts.items():
        if not isinstance(fact, Mapping):
            continue
        name = groups.get(key, "")
        if name and (totals := _cells(sums, fact.get("aggregates"))):
            items.append({"group": name, **totals})
        for row in fact.get("rows") or []:
            cells = _cells(labels, row.get("dataCells") if isinstance(row, Mapping) else None)
            more = more or len(items) >= limit
            if cells and len(items) < limit:
                items.append({**({"group": name} if name else {}), **cells})
    complete = bool(answer.get("allData", True))
    notes = [f"{limit} rows are shown: pass a larger limit."] if more else []
    notes += [] if complete else ["Salesforce gives the first 2,000 rows only."]
    return ReportRun(
        name=str(metadata.get("name") or ""),
        totals=_cells(sums, _at(facts, "T!T").get("aggregates")),
        items=items[: max(limit, len(groups))],
        note=" ".join(notes) or None,
    )


def _at(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = value.get(name)
    return inner if isinstance(inner, Mapping) else {}


def _label(columns: Mapping[str, Any], name: Any) -> str:
    return str(_at(columns, str(name)).get("label") or name)


def _cells(labels: list[str], cells: Any) -> Row:
    shown = [str(cell.get("label") or "") for cell in cells or [] if isinstance(cell, Mapping)]
    return {label: text for label, text in zip(labels, shown, strict=False) if text and text != "-"}


def _groups(grouping: Mapping[str, Any], key: str, before: str = "") -> dict[str, str]:
    """Return the names of groups by their key in the fact map: 0!T, 0_1!T; a group within another as Open / Lyon."""
    names: dict[str, str] = {}
    for one in grouping.get("groupings") or []:
        if isinstance(one, Mapping) and one.get("key") is not None:
            name = f"{before}{one.get('label') or ''}"
            names |= {key.format(one["key"]): name, **_groups(one, key, f"{name} / ")}
    return names
