"""What the vendor's guide says about the body of POST /contacts/search, which the contract leaves empty.

https://marketplace.gohighlevel.com/docs/ghl/contacts/search-contacts-advanced
"""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator

FIELDS = [
    "id", "firstNameLowerCase", "lastNameLowerCase", "email", "phone", "tags", "dateAdded", "dateUpdated", "assignedTo",
    "dnd", "source",
]  # fmt: skip
FILTER = {
    "type": "object",
    "properties": {
        "field": {"enum": FIELDS},
        "operator": {"enum": ["eq", "not_eq", "contains", "not_contains", "exists", "not_exists", "range"]},
        "value": {},
    },
    "required": ["field", "operator"],
    "additionalProperties": False,
}
SORT = {
    "type": "object",
    "properties": {"field": {"enum": FIELDS}, "direction": {"enum": ["asc", "desc"]}},
    "required": ["field", "direction"],
    "additionalProperties": False,
}
BODY = {
    "type": "object",
    "properties": {
        "locationId": {"type": "string", "minLength": 1},
        "pageLimit": {"type": "integer", "minimum": 1, "maximum": 500},
        "page": {"type": "integer", "minimum": 1},
        "searchAfter": {"type": "array", "minItems": 1},
        "query": {"type": "string", "maxLength": 75},
        "filters": {"type": "array", "items": FILTER},
        "sort": {"type": "array", "items": SORT, "maxItems": 2},
    },
    "required": ["locationId", "pageLimit"],
    "oneOf": [{"required": ["page"]}, {"required": ["searchAfter"]}],
    "additionalProperties": False,
}


def search_problems(body: Any) -> list[str]:
    """Return what the guide does not allow in the body."""
    return [f"POST /contacts/search: {wrong.message}" for wrong in Draft202012Validator(BODY).iter_errors(body)]
