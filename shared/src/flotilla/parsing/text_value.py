"""The base of argument types whose value is read from a text: `When`, `Phone`, `Address`."""

from __future__ import annotations

from typing import Any, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class TextValue:
    """A value object that pydantic makes by `read`. Its JSON schema is a plain string, and it serializes by `str`."""

    __slots__ = ()

    @classmethod
    def read(cls, value: Any) -> Self:
        """Return the value of a text, or the value itself; raises an errors.InvalidInputError that is a ValueError."""
        raise NotImplementedError

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.read,
            json_schema_input_schema=core_schema.str_schema(),
            serialization=core_schema.to_string_ser_schema(),
        )
