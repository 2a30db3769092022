"""The sub-account's own fields: found by name, and written as their type asks for.

https://marketplace.gohighlevel.com/docs/ghl/locations/get-custom-fields
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flotilla import When, choose, errors, readable, segment
from flotilla.parsing import read_number

from .client import account_zone, api, location
from .models import FieldDefinition

SEVERAL = ("CHECKBOX", "MULTIPLE_OPTIONS")
ONE_OF = ("SINGLE_OPTIONS", "RADIO")


async def definitions(model: str = "contact") -> list[FieldDefinition]:
    """Return the fields of a `model`: contact, opportunity or all. Needs the scope locations/customFields.readonly."""
    path = f"/locations/{segment(await location())}/customFields"
    return readable(FieldDefinition, await api.rows(path, "customFields", params={"model": model}, missing=True))


async def api_values(values: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return fields by name or id as the API takes them; raises errors.InvalidInputError for a value that misfits."""
    known = await definitions() if values else []
    result = []
    for name, value in values.items():
        field = choose(name, known, kind="custom field")
        result.append({"id": field.id, "field_value": _written(field, value)})
    return result


def _written(field: FieldDefinition, text: str) -> Any:
    if field.type in SEVERAL:
        return [_option(field, part.strip()) for part in text.split(",") if part.strip()]
    if field.type in ONE_OF:
        return _option(field, text) if text else ""
    if field.type in ("NUMERICAL", "MONETORY") and text:
        return float(read_number(text))
    if field.type == "DATE" and text:
        return When.read(text).day(account_zone()).isoformat()
    if field.type == "FILE_UPLOAD":
        raise errors.InvalidInputError(
            f"The field `{field.name}` holds files, which cannot be sent from here.",
            "Ask the user to upload the file in GoHighLevel.",
        )
    return text


def _option(field: FieldDefinition, text: str) -> str:
    """Return the option that is meant; fields without options of their own take any text."""
    if not field.options:
        return text
    options = [{"id": option, "name": option} for option in field.options]
    return choose(text, options, kind=f"option of {errors.excerpt(field.name, 40)}")["name"]
