"""The fields that queries name, against the standard objects of a developer org, where that list is."""

from __future__ import annotations

import json
import re

import pytest

from flotilla_servers.salesforce.records import CALLER
from flotilla_servers.salesforce.tools import activities, cases, leads, opportunities, records, search
from flotilla_testing.contract import specs

NOT_IN_EVERY_ORG = {("Lead", "MobilePhone")}  # each query asks only for what the org describes
ASKED = {
    **search.FOUND,
    **CALLER,
    "Opportunity": opportunities.FIELDS,
    "Task": activities.TASK,
    "Event": activities.EVENT,
    "Case": cases.FIELDS,
    "Lead": f"{CALLER['Lead']}, {leads._FIELDS}",
}
RELATED = [query for queries in records._RELATED.values() for query in queries]


@pytest.mark.parametrize("asked", [*(f"SELECT {fields} FROM {kind}" for kind, fields in ASKED.items()), *RELATED])
def test_fields_of_queries_exist(asked: str) -> None:
    path = specs() / "salesforce" / "standard-objects.json"
    if not path.is_file():
        pytest.skip("the list of standard objects is not here; see FLOTILLA_SPECS")
    objects = json.loads(path.read_text(encoding="utf-8"))["objects"]
    fields, kind = re.match(r"SELECT (.+?) FROM (\w+)", asked).groups()  # type: ignore[union-attr]
    known = {*objects[kind]["fields"], *objects[kind]["parentRelationships"]}
    unknown = {field for field in fields.split(", ") if field.split(".")[0] not in known}
    assert {(kind, field) for field in unknown} <= NOT_IN_EVERY_ORG
