"""Custom attributes of contacts and companies: by name or label, their values as their types want them.

https://developers.intercom.com/docs/references/2.16/rest-api/api.intercom.io/data-attributes
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from pydantic import Field

from flotilla import Model, When, choose, errors, readable
from flotilla.parsing import folded, listed, read_number

from .client import api
from .lookup import account_zone

YES, NO = ("true", "yes", "oui", "1", "on", "vrai"), ("false", "no", "non", "0", "off", "faux")


class Definition(Model):
    """A custom attribute of the workspace."""

    name: str
    label: str | None = None
    type: str = Field("string", alias="data_type")
    options: list[Any] | None = None
    custom: bool = False
    archived: bool | None = None
    writable: bool | None = Field(None, alias="api_writable")


async def definitions(model: str, fresh: bool = False) -> list[Definition]:
    """Return the custom attributes of `contact` or `company`, read once in a process unless `fresh`."""
    metadata, key = api.connection.metadata, f"{model} attributes"
    if fresh or key not in metadata:
        rows = readable(Definition, await api.rows("/data_attributes", "data", params={"model": model}, missing=True))
        metadata[key] = [one for one in rows if one.custom and not one.archived]
    result: list[Definition] = metadata[key]
    return result


async def prepared(model: str, values: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return attributes by Intercom's names, their values converted; None clears one.

    Raises errors.NotFoundError for an unknown name, errors.InvalidInputError for a value that does not fit.
    """
    if not values:
        return None
    result: dict[str, Any] = {}
    for name, value in values.items():
        one = await _named(model, name)
        result[one.name] = None if value is None else await _converted(one, value)
    return result


async def _named(model: str, name: str) -> Definition:
    for fresh in (False, True):
        known = await definitions(model, fresh)
        with suppress(errors.NotFoundError):
            return choose(name, known, id=lambda one: one.name, name=lambda one: one.label or one.name)
    names = listed(one.label or one.name for one in known)
    raise errors.NotFoundError(
        f"Intercom has no custom attribute `{errors.excerpt(name, 60)}` of a {model}.",
        f"There are: {names}." if names else "There are none: they are made in Intercom's settings.",
    )


async def _converted(one: Definition, value: Any) -> Any:
    text, shown = str(value).strip(), one.label or one.name
    if one.writable is False:
        raise errors.InvalidInputError(f"The attribute {shown} cannot be changed from outside.", "Leave it out.")
    if one.options:
        fitting = [option for option in one.options if folded(str(option)) == folded(text)]
        if not fitting:
            raise errors.InvalidInputError(
                f"`{errors.excerpt(text, 60)}` is not a value of {shown}.", f"There are: {listed(one.options)}."
            )
        return fitting[0]
    if one.type == "boolean":
        if folded(text) not in YES + NO:
            raise errors.InvalidInputError(
                f"`{errors.excerpt(text, 60)}` is not yes or no, as {shown} wants.", "Pass one."
            )
        return folded(text) in YES
    if one.type in ("integer", "float"):
        number = read_number(value)
        if one.type == "integer" and number != int(number):
            raise errors.InvalidInputError(f"{shown} takes whole numbers, not {errors.excerpt(text, 40)}.", "Round it.")
        return int(number) if one.type == "integer" else float(number)
    if one.type == "date":
        return int(When.read(text).at(await account_zone()).timestamp())
    return text
