"""The events of a webhook, with their ids, kinds, times and accounts."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .paths import moment, read, read_all

if TYPE_CHECKING:
    from .schemes import Incoming
    from .vendors import Vendor

LONGEST = 255  # characters of an id, a kind or an account


@dataclass(frozen=True)
class Event:
    """One event of a webhook. `key` tells it from every other one of its endpoint; `happened` is in Unix seconds."""

    key: str
    kind: str
    account: str
    happened: float | None
    data: Any


def events_of(vendor: Vendor, incoming: Incoming) -> list[Event]:
    """Return the events of a webhook that was verified: one, or those of the list that the vendor sends."""
    whole = incoming.content
    if vendor.embedded:
        whole = _with_embedded(whole, vendor.embedded)
    items = list(read_all(vendor.items, {}, whole)) if vendor.items else [whole]
    return [_event(vendor, incoming.headers, item, whole) for item in items]


def _event(vendor: Vendor, headers: Mapping[str, str], item: Any, whole: Any) -> Event:
    data = {k: v for k, v in item.items() if k not in vendor.dropped} if isinstance(item, dict) else item
    own = read(vendor.id, headers, data, whole, ":")
    return Event(
        key=own[:LONGEST] if own else "sha256:" + _digest(vendor, headers, data),
        kind=read(vendor.kind, headers, data, whole, ".")[:LONGEST],
        account=read(vendor.account, headers, data, whole, "/")[:LONGEST],
        happened=moment(read(vendor.time, headers, data, whole, "")),
        data=data,
    )


def _digest(vendor: Vendor, headers: Mapping[str, str], data: Any) -> str:
    """Return what tells events without an id apart: their content, and their kind where a header says it."""
    kind = read(vendor.kind, headers, data, None, ".")
    text = json.dumps([kind, data], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _with_embedded(whole: Any, path: str) -> Any:
    """Return the body with the JSON that a field holds in base64 beside it, as `decoded`."""
    for text in read_all(path, {}, whole):
        with suppress(ValueError, TypeError):
            return {**whole, "decoded": json.loads(b64decode(text))}
    return whole
