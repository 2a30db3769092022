"""What a foreign server says, made safe and usable: its definitions repaired or left out, its texts cleaned.

Hidden and bidirectional characters are dropped from every text (`flotilla_launcher.text`). A definition is repaired
where what is meant is clear; where it is not, it is left out, and the reason is kept for whoever looks at the server.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flotilla_launcher.protocol import LISTS
from flotilla_launcher.text import hides, plain

Message = dict[str, Any]
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # names that every client and model API takes
LONGEST_NAME, LONGEST_TEXT = 64, 4_000  # characters of a name, and of a description
LARGEST, DEEPEST = 40_000, 40  # characters of a tool's definition as JSON, and levels of its schema
TEXTS = ("title", "description", "$comment")  # keys of a schema whose values are only read
DATA = ("default", "const", "enum", "examples")  # keys of a schema that hold values, not schemas
KEPT = {  # what is handed on of a definition; the rest, such as icons, would be fetched or run by clients
    "tools": ("name", "title", "description", "inputSchema", "outputSchema", "annotations"),
    "prompts": ("name", "title", "description", "arguments"),
    "resources": ("name", "uri", "title", "description", "mimeType", "size", "annotations"),
    "resourceTemplates": ("name", "uriTemplate", "title", "description", "mimeType", "annotations"),
}
NAMED = ("tools", "prompts")  # kinds that are called by name
ADDRESS = {"resources": "uri", "resourceTemplates": "uriTemplate"}
HINTS = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")


class UnusableError(Exception):
    """A definition cannot be offered. The message is a clause that says why."""


@dataclass
class Cleaned:
    """A server's definitions as clients may see them, by kind, and what was done to them, in sentences.

    `names` holds, by kind, the server's own name of each tool and prompt that is offered under another one.
    """

    lists: dict[str, list[Message]] = field(default_factory=lambda: {kind: [] for kind in LISTS})
    names: dict[str, dict[str, str]] = field(default_factory=lambda: {kind: {} for kind in NAMED})
    repaired: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def cleaned(lists: Mapping[str, Iterable[Any]]) -> Cleaned:
    """Return what a server lists, by kind, repaired where that is possible."""
    result = Cleaned()
    for kind in LISTS:
        seen: set[str] = set()
        for item in lists.get(kind) or ():
            label = str(item.get("name") if isinstance(item, dict) else item)[:80]
            notes: list[str] = []
            try:
                definition = _definition(kind, item, notes.append)
                key = definition[ADDRESS.get(kind, "name")]
                if key in seen:
                    raise UnusableError("there is another one of the same name")
            except UnusableError as error:
                result.refused.append(plain(f"{label}: {error}."))
                continue
            seen.add(key)
            if kind in NAMED and definition["name"] != item["name"]:
                result.names[kind][definition["name"]] = item["name"]
            result.repaired += [plain(f"{label}: {note}.") for note in notes]
            result.lists[kind].append(definition)
    return result


def clean_texts(value: Any, key: str = "") -> Any:
    """Return JSON data with all its texts cleaned, but for the state of a question, which goes back unchanged."""
    if isinstance(value, str):
        return value if key == "requestState" else plain(value)
    if isinstance(value, list):
        return [clean_texts(item) for item in value]
    if isinstance(value, dict):
        return {name: clean_texts(item, name) for name, item in value.items()}
    return value


def usable_name(name: str) -> str:
    """Return a name that clients take, as near as can be; different names stay different."""
    if NAME.fullmatch(name):
        return name
    short = re.sub(r"[^A-Za-z0-9_-]+", "_", plain(name)).strip("_") or "tool"
    if len(short) <= LONGEST_NAME and short.replace("_", "") == re.sub(r"[^A-Za-z0-9-]+", "", name):
        return short
    return f"{short[: LONGEST_NAME - 9]}_{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}"


def prefixed(prefix: str, name: str) -> str:
    """Return a name that tells the server too."""
    return usable_name(f"{prefix.replace('-', '_')}_{name}")


def _definition(kind: str, item: Any, note: Callable[[str], None]) -> Message:
    if not isinstance(item, dict) or type(item.get("name")) is not str or not item["name"].strip():
        raise UnusableError("it has no name")
    if kind == "tools" and (item.get("execution") or {}) == {"taskSupport": "required"}:
        raise UnusableError("it runs only as a task, which the switchboard does not offer")
    result = {key: item[key] for key in KEPT[kind] if item.get(key) is not None}
    for key in ("title", "description", "mimeType"):
        if key in result:
            result[key] = _text(result[key], key, note)
    if kind in ADDRESS:
        _check_address(item.get(ADDRESS[kind]))
        result["name"] = plain(item["name"])
    else:
        result["name"] = usable_name(item["name"])
        if result["name"] != item["name"]:
            note(f"it is offered as {result['name']}, because clients refuse such a name")
    if "annotations" in result:
        result["annotations"] = _annotations(kind, result["annotations"], note)
    if kind == "prompts":
        result["arguments"] = _prompt_arguments(result.get("arguments", []))
    if kind == "tools":
        result["inputSchema"] = _input_schema(item.get("inputSchema"), note)
        if "outputSchema" in result and (schema := _output_schema(result.pop("outputSchema"), note)):
            result["outputSchema"] = schema
    if (size := len(json.dumps(result))) > LARGEST:
        raise UnusableError(f"its definition has {size:,} characters, more than {LARGEST:,}")
    return result


def _text(value: Any, key: str, note: Callable[[str], None]) -> str:
    if not isinstance(value, str):
        note(f"its {key} is not text and was dropped")
        return ""
    text = plain(value)
    if text != value:
        note(f"hidden characters were dropped from its {key}")
    if len(text) > LONGEST_TEXT:
        note(f"its {key} had {len(text):,} characters and was cut to {LONGEST_TEXT:,}")
        text = text[: LONGEST_TEXT - 1] + "…"
    return text


def _check_address(value: Any) -> None:
    if type(value) is not str or not value or hides(value):
        raise UnusableError("its address is missing, or hides characters")


def _annotations(kind: str, value: Any, note: Callable[[str], None]) -> Message:
    if not isinstance(value, dict):
        note("its annotations are not an object and were dropped")
        return {}
    if kind != "tools":
        return {key: item for key, item in value.items() if key in ("audience", "priority", "lastModified")}
    hints: Message = {key: value[key] for key in HINTS if type(value.get(key)) is bool}
    if type(value.get("title")) is str:
        hints["title"] = plain(value["title"])[:200]
    return hints


def _prompt_arguments(value: Any) -> list[Message]:
    if not isinstance(value, list) or not all(isinstance(item, dict) and item.get("name") for item in value):
        raise UnusableError("its arguments have no names")
    fields = ("name", "title", "description", "required")
    return [clean_texts({key: item[key] for key in fields if item.get(key) is not None}) for item in value]


def _input_schema(schema: Any, note: Callable[[str], None]) -> Message:
    if schema is None:
        note("it had no inputSchema and takes no arguments")
        return {"type": "object", "properties": {}}
    if not isinstance(schema, dict):
        raise UnusableError("its inputSchema is not an object")
    result: Message = _schema(schema, _Document(schema, note), 0)
    if result.get("type") != "object":
        if "type" in result:
            raise UnusableError(f"its arguments are not an object but {json.dumps(result['type'])[:80]}")
        note("its inputSchema lacked the type `object`")
        result = {"type": "object", **result}
    return result


def _output_schema(schema: Any, note: Callable[[str], None]) -> Message | None:
    """Return an output schema; None for one with which clients would refuse good results."""
    try:
        if isinstance(schema, dict) and schema.get("type") == "object":
            return dict(_schema(schema, _Document(schema, note), 0))
    except UnusableError as error:
        note(f"its outputSchema was dropped ({error})")
        return None
    note("its outputSchema was dropped, because it is not that of an object")
    return None


@dataclass
class _Document:
    root: Message
    note: Callable[[str], None]

    def has(self, reference: Any) -> bool:
        """Tell whether a reference leads to a place in the schema itself."""
        if type(reference) is not str or not reference.startswith("#"):
            return False
        place: Any = self.root
        for part in reference[1:].split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~").replace("%24", "$").replace("%25", "%")
            if isinstance(place, list) and key.isdecimal() and int(key) < len(place):
                place = place[int(key)]
            elif isinstance(place, dict) and key in place:
                place = place[key]
            else:
                return False
        return reference == "#" or (reference.startswith("#/") and isinstance(place, dict | bool))


def _schema(value: Any, document: _Document, level: int) -> Any:
    """Return a part of a schema, cleaned and repaired. Raises UnusableError."""
    if level > DEEPEST:
        raise UnusableError(f"its schema has more than {DEEPEST} levels")
    if isinstance(value, list):
        return [_schema(item, document, level + 1) for item in value]
    if isinstance(value, str):
        return _exact(value)
    if not isinstance(value, dict):
        return value
    if "$ref" in value and not document.has(value["$ref"]):
        document.note(f"a $ref leads nowhere ({str(value['$ref'])[:80]}): any value is allowed there")
        value = {key: item for key, item in value.items() if key != "$ref"}
    result: Message = {}
    for key, item in value.items():
        _exact(key)
        if key in TEXTS and isinstance(item, str):
            result[key] = plain(item)
        elif key in ("properties", "$defs", "definitions", "patternProperties"):
            result[key] = _named_schemas(key, item, document, level)
        elif key in DATA:
            result[key] = _data(item, level)
        elif key == "required":
            result |= _required(item, document)
        else:
            result[key] = _schema(item, document, level + 1)
    implied = "object" if "properties" in result else "array" if "items" in result else ""
    if level and implied and not {"type", "$ref"} & result.keys():  # of the root it is reported
        result["type"] = implied
    return result


def _data(value: Any, level: int) -> Any:
    """Return values that stand in a schema as they are. Raises UnusableError."""
    if level > DEEPEST:
        raise UnusableError(f"its schema has more than {DEEPEST} levels")
    for item in [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ():
        _data(item, level + 1)
    return _exact(value) if isinstance(value, str) else value


def _exact(text: str) -> str:
    """Return a name or a value that callers repeat exactly. Raises UnusableError where it hides characters."""
    if hidden := hides(re.sub(r"\s", " ", text)):
        raise UnusableError(f"its schema hides characters in a value or a name ({hidden})")
    return text


def _named_schemas(key: str, value: Any, document: _Document, level: int) -> Message:
    if not isinstance(value, dict):
        document.note(f"`{key}` of its schema was not an object and was dropped")
        return {}
    result: Message = {}
    for name, schema in value.items():
        _exact(name)
        if not isinstance(schema, dict | bool):
            document.note(f"`{name[:80]}` had no schema: any value is allowed there")
            schema = {}
        result[name] = _schema(schema, document, level + 1)
    return result


def _required(value: Any, document: _Document) -> Message:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return {"required": list(dict.fromkeys(value))} if value else {}
    if not isinstance(value, list):
        document.note("`required` was not a list of names and was dropped")
        return {}
    raise UnusableError("`required` of its schema is not a list of names")
