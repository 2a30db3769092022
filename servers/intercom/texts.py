"""Texts on their way to Intercom: plain text as HTML, macros with their placeholders filled in."""

from __future__ import annotations

import html
import re

from flotilla import errors

from .models import Person

_PLACEHOLDER = re.compile(r"<attribute\s+key=\"(?P<key>[^\"]+)\"(?:\s+default=\"(?P<default>[^\"]*)\")?\s*/?>")


def as_html(text: str) -> str:
    """Return plain text as the HTML that Intercom takes: its signs and line ends stay what they are."""
    parts = [part.strip() for part in html.escape(text, quote=False).replace("\r\n", "\n").split("\n\n")]
    return "".join(f"<p>{part.replace(chr(10), '<br>')}</p>" for part in parts if part)


def filled(body: str, person: Person | None) -> str:
    """Return a macro's HTML with what is known of the person; raises errors.InvalidInputError for what is not.

    https://developers.intercom.com/docs/references/2.16/rest-api/api.intercom.io/macros
    """
    name = (person.name or "") if person else ""
    values = {
        "name": name,
        "first_name": name.split(" ")[0],
        "last_name": name.partition(" ")[2],
        "email": (person.email or "") if person else "",
        "phone": (person.phone or "") if person else "",
    }
    custom = person.custom_attributes or {} if person else {}
    lacking: list[str] = []

    def value(match: re.Match[str]) -> str:
        key = match["key"].rsplit(".", 1)[-1]
        if text := str(values.get(key) or custom.get(key) or ""):
            return html.escape(text, quote=False)
        if match["default"] is None:
            lacking.append(match["key"])
        return match["default"] or ""

    result = _PLACEHOLDER.sub(value, body)
    if lacking:
        raise errors.InvalidInputError(
            f"This macro needs what Intercom does not know of the person: {', '.join(dict.fromkeys(lacking))}.",
            "Write the reply as text.",
        )
    return result
